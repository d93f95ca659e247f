/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "json/write.h"
#include "maintain/shrink.h"
#include "t.h"

enum { DAY = 24 * 60 * 60, MOST = 128 };

/* A repository of one target under a policy of so many last ones. */
struct history {
    struct snapshot list[MOST];
    size_t n;
    int64_t now;
    size_t keep_last;
    uint8_t next;
    struct shrink_opts opts;
    struct shrink last;
};

static char *
brief_of(uint64_t keys, const struct shrink *s)
{
    struct buf text = BUF_INIT(65536);
    struct err e = ERR_INIT;
    struct jw w;
    char *out;

    jw_init(&w, &text);
    jw_open_object(&w);
    jw_field_u64(&w, "keys", keys);
    shrink_write(&w, s);
    jw_close_object(&w);
    T_OK(jw_end(&w, &e));
    out = mem_strdup(buf_c(&text));
    buf_release(&text);
    return out;
}

static void
drop(struct history *h, size_t at)
{
    mem_free(h->list[at].brief);
    h->n--;
    memmove(&h->list[at], &h->list[at + 1], (h->n - at) * sizeof(h->list[0]));
}

/* Back up, then apply the policy. */
static void
backup(struct history *h, uint64_t keys, int64_t after)
{
    struct snapshot *s = &h->list[h->n];

    h->now += after;
    targets_number(h->list, h->n);
    shrink_next(h->list, h->n, &h->opts, (struct instant){.sec = h->now}, keys, &h->last);
    *s = (struct snapshot){.hostname = (char *)(uintptr_t) "h",
                           .target = (char *)(uintptr_t)h->opts.target.name,
                           .scope = (char *)(uintptr_t)h->opts.target.scope,
                           .time = {.sec = h->now},
                           .counted = true,
                           .keys = keys,
                           .brief = brief_of(keys, &h->last)};
    s->id.b[0] = ++h->next;
    h->n++;
    targets_number(h->list, h->n);
    shrink_pins(h->list, h->n);
    for (size_t i = h->n, rank = 1; i > 0; i--, rank++)
        if (rank > h->keep_last && !h->list[i - 1].pinned)
            drop(h, i - 1);
}

static void
holds(const struct history *h, const char *want)
{
    char got[MOST * 8] = "";

    for (size_t i = 0; i < h->n; i++)
        (void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%llu", i > 0 ? " " : "",
                       (unsigned long long)h->list[i].keys);
    assert_string_equal(got, want);
}

static struct history
history_new(size_t keep_last)
{
    return (struct history){.keep_last = keep_last,
                            .now = 1700000000,
                            .opts = {.target = {"a:6379", NULL}, .below = SHRINK_BELOW}};
}

static void
history_end(struct history *h)
{
    while (h->n > 0)
        drop(h, 0);
}

static void
test_cliff(void **state)
{
    struct history h = history_new(3);

    (void)state;
    for (int i = 0; i < 5; i++)
        backup(&h, 1000, DAY);
    holds(&h, "1000 1000 1000");
    for (int i = 0; i < 60; i++)
        backup(&h, 0, DAY); /* two months long */
    holds(&h, "1000 0 0 0");
    assert_true(h.last.pinned);
    assert_int_equal(h.last.pin_keys, 1000);
    backup(&h, 899, DAY);
    assert_true(h.last.pinned);
    backup(&h, 900, DAY);
    assert_false(h.last.pinned);
    backup(&h, 900, DAY);
    backup(&h, 900, DAY);
    holds(&h, "900 900 900");
    history_end(&h);
}

static void
test_slope(void **state)
{
    static const uint64_t sizes[] = {1000, 600, 350, 200, 110, 60, 30, 1, 0};

    (void)state;
    for (size_t last = 1; last <= 3; last++) {
        struct history h = history_new(last);
        char want[32];

        for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
            backup(&h, sizes[i], DAY);
        assert_true(h.last.pinned);
        assert_int_equal(h.last.pin_keys, 600);
        (void)snprintf(want, sizeof(want), "600 %s0", last == 3 ? "30 1 " : last == 2 ? "1 " : "");
        holds(&h, want);
        history_end(&h);
    }
}

/* 95 % of the keys each day: half is gone after two weeks, though never in one night. */
static void
test_slow_slope(void **state)
{
    struct history h = history_new(1);
    uint64_t keys = 1000000;

    (void)state;
    for (int i = 0; i < 14; i++, keys = keys * 95 / 100)
        backup(&h, keys, DAY);
    assert_false(h.last.pinned);
    backup(&h, keys * 95 / 100, DAY);
    assert_true(h.last.pinned);
    assert_int_equal(h.n, 2);
    history_end(&h);
}

static void
test_tide(void **state)
{
    struct history h = history_new(4);

    (void)state;
    for (int i = 0; i < 30; i++) {
        backup(&h, 1000, DAY / 2);
        assert_false(h.last.pinned);
        backup(&h, 100, DAY / 2);
        assert_true(h.last.pinned);
        assert_true(h.n <= 5); /* the policy's four, and one */
    }
    holds(&h, "1000 100 1000 100");
    history_end(&h);
}

static void
test_acceptance(void **state)
{
    struct history h = history_new(2);

    (void)state;
    backup(&h, 1000, DAY);
    backup(&h, 10, DAY);
    backup(&h, 10, DAY);
    holds(&h, "1000 10 10");
    drop(&h, 0); /* removed by its ID */
    backup(&h, 10, DAY);
    assert_false(h.last.pinned);
    backup(&h, 1000, DAY);
    backup(&h, 10, DAY);
    assert_true(h.last.pinned);
    h.opts.accept = true;
    backup(&h, 10, DAY);
    h.opts.accept = false;
    assert_false(h.last.pinned);
    backup(&h, 10, DAY);
    assert_false(h.last.pinned);
    holds(&h, "10 10");
    h.opts.below = 0; /* off */
    backup(&h, 1000, DAY);
    backup(&h, 1, DAY);
    assert_false(h.last.pinned);
    history_end(&h);
}

/* A new cluster, the same name: what it had before is what it is compared with. */
static void
test_successor(void **state)
{
    struct history h = history_new(3);
    struct target was = h.opts.target;

    (void)state;
    h.opts.target = (struct target){"ns/AppBinding/a", "old"};
    backup(&h, 1000, DAY);
    assert_false(shrink_is_namesake(h.list, h.n, &h.opts.target));
    assert_false(shrink_is_namesake(h.list, h.n, &was));
    h.opts.target.scope = "new";
    assert_true(shrink_is_namesake(h.list, h.n, &h.opts.target));
    backup(&h, 20, DAY);
    assert_true(h.last.pinned);
    assert_int_equal(h.last.peak, 1000);
    backup(&h, 20, DAY);
    assert_true(h.last.pinned);
    history_end(&h);
}

/* Snapshots that carry no history yet are compared with all the same. */
static void
test_without_history(void **state)
{
    struct history h = history_new(3);

    (void)state;
    backup(&h, 1000, DAY);
    mem_free(h.list[0].brief);
    h.list[0].brief = mem_strdup("{\"keys\":1000}");
    backup(&h, 1, DAY);
    assert_true(h.last.pinned);
    assert_int_equal(h.last.pin_keys, 1000);
    history_end(&h);
}

static void
test_hostile_briefs(void **state)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "{}",
                                      "[]",
                                      "{\"shrink\":[]}",
                                      "{\"shrink\":{\"points\":[]}}",
                                      "{\"shrink\":{\"points\":[[0,1,1]]}}",
                                      "{\"shrink\":{\"points\":[[1,-1,1]]}}",
                                      "{\"shrink\":{\"points\":[[9223372036854775807,1,1]]}}",
                                      "{\"shrink\":{\"points\":[1]}}"};
    struct shrink s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(shrink_read(bad[i], &s));
    assert_false(shrink_read(NULL, &s));
}

/* Any number of points stays within the limit. */
static void
test_many_points(void **state)
{
    struct history h = history_new(1);

    (void)state;
    for (uint64_t i = 0; i < 500; i++)
        backup(&h, 1000000 - i, 60);
    assert_int_equal(h.last.n_points, SHRINK_POINTS);
    assert_int_equal(h.last.peak, 1000000);
    history_end(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cliff),           cmocka_unit_test(test_slope),
        cmocka_unit_test(test_slow_slope),      cmocka_unit_test(test_tide),
        cmocka_unit_test(test_acceptance),      cmocka_unit_test(test_successor),
        cmocka_unit_test(test_without_history), cmocka_unit_test(test_hostile_briefs),
        cmocka_unit_test(test_many_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
