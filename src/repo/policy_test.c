/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/policy.h"
#include "t.h"

enum { SNAPSHOTS = 10 };

/* Two a day at 09:00 and 21:00 UTC, five days from Friday 2026-01-30 on, oldest first. */
static void
make(struct snapshot *list)
{
    for (int i = 0; i < SNAPSHOTS; i++) {
        list[i] = (struct snapshot){.time = {.sec = 1769763600 + i * 43200LL}};
        list[i].id.b[0] = (uint8_t)i;
    }
}

static void
check(const struct policy *p, const char *want)
{
    struct snapshot list[SNAPSHOTS];
    bool keep[SNAPSHOTS];
    char got[SNAPSHOTS + 1] = "";

    make(list);
    policy_apply(p, list, SNAPSHOTS, keep);
    for (int i = 0; i < SNAPSHOTS; i++)
        got[i] = keep[i] ? 'k' : '.';
    assert_string_equal(got, want);
}

/* The decisions are those of restic forget on the same times. */
static void
test_policy_keeps(void **state)
{
    (void)state;
    check(&(struct policy){.last = 3}, ".......kkk");
    check(&(struct policy){.daily = 2}, ".......k.k");
    check(&(struct policy){.daily = -1}, "kk.k.k.k.k"); /* not used up: the oldest too */
    check(&(struct policy){.weekly = 2}, ".....k...k");
    check(&(struct policy){.monthly = 2}, "...k.....k");
    check(&(struct policy){.yearly = 1}, ".........k");
    check(&(struct policy){.hourly = 4}, "......kkkk");
    check(&(struct policy){.last = 1, .monthly = 2}, "...k.....k");
    assert_true(policy_is_empty(&(struct policy){0}));
    assert_false(policy_is_empty(&(struct policy){.last = 1}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_policy_keeps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
