/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/retention_guard.h"
#include "maintain/group.h"
#include "maintain/policy.h"
#include "t.h"

enum { SNAPSHOTS = 10 };

static const struct instant NOW = {.sec = 2000000000};

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
    struct policy_mark marks[SNAPSHOTS];
    char got[SNAPSHOTS + 1] = "";

    make(list);
    policy_apply(p, list, SNAPSHOTS, NOW, marks);
    for (int i = 0; i < SNAPSHOTS; i++)
        got[i] = marks[i].keep ? 'k' : '.';
    assert_string_equal(got, want);
}

/* The decisions are those of restic forget on the same times. */
static void
test_policy_keeps(void **state)
{
    (void)state;
    check(&(struct policy){.count[POLICY_LAST] = 3}, ".......kkk");
    check(&(struct policy){.count[POLICY_DAILY] = 2}, ".......k.k");
    check(&(struct policy){.count[POLICY_DAILY] = -1},
          "kk.k.k.k.k"); /* not used up: the oldest too */
    check(&(struct policy){.count[POLICY_WEEKLY] = 2}, ".....k...k");
    check(&(struct policy){.count[POLICY_MONTHLY] = 2}, "...k.....k");
    check(&(struct policy){.count[POLICY_YEARLY] = 1}, ".........k");
    check(&(struct policy){.count[POLICY_HOURLY] = 4}, "......kkkk");
    check(&(struct policy){.count[POLICY_LAST] = 1, .count[POLICY_MONTHLY] = 2}, "...k.....k");
    assert_true(policy_is_empty(&(struct policy){0}));
    assert_false(policy_is_empty(&(struct policy){.count[POLICY_LAST] = 1}));
}

static void
test_policy_within_and_tags(void **state)
{
    static const char *const tags[] = {"a,b"}, *const none[] = {""};
    static char *have[] = {(char *)(uintptr_t) "b", (char *)(uintptr_t) "a"};
    struct snapshot list[2] = {{.time = {.sec = 1769763600}, .tags = have, .n_tags = 2},
                               {.time = {.sec = 1769763601}}};
    struct policy_mark marks[2];

    (void)state;
    /* Strictly after: 21:00 of the day before the latest, 21:00, is not. */
    check(&(struct policy){.within[POLICY_LAST] = {.days = 1}}, "........kk");
    check(&(struct policy){.within[POLICY_LAST] = {.hours = 25}}, ".......kkk");
    check(&(struct policy){.within[POLICY_DAILY] = {.days = 2, .hours = 1}}, ".....k.k.k");
    check(&(struct policy){.within[POLICY_DAILY] = {.years = 1}}, "kk.k.k.k.k");
    check(&(struct policy){.within[POLICY_MONTHLY] = {.months = 1}}, "k..k.....k");

    policy_apply(&(struct policy){.tags = tags, .n_tags = 1}, list, 2, NOW, marks);
    assert_true(marks[0].keep && !marks[1].keep);
    policy_apply(&(struct policy){.tags = none, .n_tags = 1}, list, 2, NOW, marks);
    assert_true(!marks[0].keep && marks[1].keep);
    /* All in the future: they are after any time. */
    policy_apply(&(struct policy){.within[POLICY_LAST] = {.hours = 1}}, list, 2,
                 (struct instant){.sec = 0}, marks);
    assert_true(marks[0].keep && marks[1].keep);
}

static void
test_policy_options_are_read(void **state)
{
    static const char *const bad[] = {"", "1", "d", "1w", "1d2", "-1d", "100000y", "1d 2h"};
    struct policy_span s;
    struct err e = ERR_INIT;
    int64_t n;

    (void)state;
    T_OK(policy_span_parse(str_c("1y5m7d2h"), &s, &e));
    assert_true(s.years == 1 && s.months == 5 && s.days == 7 && s.hours == 2);
    T_OK(policy_span_parse(str_c("36h"), &s, &e));
    assert_true(s.years == 0 && s.hours == 36);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(policy_span_parse(str_c(bad[i]), &s, &e), RC_INVALID);
    T_OK(policy_count_parse(str_c("unlimited"), &n, &e));
    assert_int_equal(n, -1);
    T_OK(policy_count_parse(str_c("12"), &n, &e));
    assert_int_equal(n, 12);
    T_RC(policy_count_parse(str_c("-2"), &n, &e), RC_INVALID);
    T_RC(policy_count_parse(str_c("x"), &n, &e), RC_INVALID);
}

static void
test_groups(void **state)
{
    static char *ab[] = {(char *)(uintptr_t) "/a", (char *)(uintptr_t) "/b"},
                *ba[] = {(char *)(uintptr_t) "/b", (char *)(uintptr_t) "/a"};
    struct snapshot list[] = {
        {.hostname = (char *)(uintptr_t) "h2", .paths = ab, .n_paths = 2},
        {.paths = ab, .n_paths = 1, .time = {.sec = 5}},
        {.hostname = (char *)(uintptr_t) "h2", .paths = ba, .n_paths = 2, .time = {.sec = 9}}};
    struct err e = ERR_INIT;
    unsigned by;

    (void)state;
    T_OK(group_parse("host,paths", &by, &e));
    group_sort(list, 3, by);
    assert_null(list[0].hostname);
    assert_int_equal(group_length(list, 3, by), 1);
    assert_int_equal(group_length(list + 1, 2, by), 2); /* paths are a set */
    assert_int_equal(list[1].time.sec, 9);              /* the newest first */
    T_OK(group_parse("", &by, &e));
    assert_int_equal(group_length(list, 3, by), 3);
    assert_int_equal(group_length(list, 0, by), 0);
    T_RC(group_parse("host,when", &by, &e), RC_INVALID);
}

/* Does the brake hold when of `n` snapshots, one an hour until now, the oldest `gone` go? */
static bool
holds(size_t n, size_t gone, uint64_t allowed, int64_t ahead_s, char *why)
{
    struct snapshot list[200] = {{.uid = 0}};
    struct policy_mark marks[200] = {{.keep = false}};
    const struct retention_guard b = {.share = RETENTION_GUARD_SHARE, .allowed = allowed};

    for (size_t i = 0; i < n; i++) {
        list[i].time.sec = NOW.sec + ahead_s - 3600 * (int64_t)i;
        marks[i].keep = i < n - gone;
    }
    return retention_guard_holds(&b, list, marks, n, NOW, why);
}

static void
test_the_brake(void **state)
{
    char why[RETENTION_GUARD_TEXT] = "";

    (void)state;
    assert_false(holds(0, 0, 0, 0, why));
    assert_false(holds(100, 0, 0, 0, why));
    assert_false(holds(100, 50, 0, 0, why));
    assert_true(holds(100, 51, 0, 0, why));
    assert_string_equal(why, "51 of 100 snapshots would go at once, more than 50% of them");
    assert_false(holds(100, 51, 51, 0, why)); /* somebody said so */
    assert_true(holds(100, 52, 51, 0, why));
    assert_false(holds(12, 10, 0, 0, why)); /* so few do no harm */
    assert_true(holds(5, 5, 100, 0, why));
    assert_string_equal(why, "none of the 5 snapshots would stay");
    /* Made by a clock that was four hours ahead: the last real one must stay. */
    assert_false(holds(10, 5, 0, 4 * 3600, why));
    assert_true(holds(10, 6, 100, 4 * 3600, why));
    assert_non_null(strstr(why, "made in the future"));
    assert_true(holds(1, 1, 0, 3600, why));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_keeps), cmocka_unit_test(test_policy_within_and_tags),
        cmocka_unit_test(test_policy_options_are_read), cmocka_unit_test(test_groups),
        cmocka_unit_test(test_the_brake)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
