/* SPDX-License-Identifier: Apache-2.0 */
#include "maintain/check_internal.h"
#include "t.h"

enum { PACKS = 1000, PACK_BYTES = 1 << 20 };

static void
test_what_is_meant(void **state)
{
    struct check_subset s;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(check_subset_parse("2/256", &s, &e));
    assert_true(s.part == 2 && s.parts == 256 && s.percent <= 0 && s.bytes == 0);
    T_OK(check_subset_parse("2.5%", &s, &e));
    assert_true(s.parts == 0 && s.percent > 2.4 && s.percent < 2.6 && s.bytes == 0);
    T_OK(check_subset_parse("1.5k", &s, &e));
    assert_true(s.bytes == 1536);
    T_OK(check_subset_parse("7", &s, &e));
    assert_true(s.bytes == 7);
    T_OK(check_subset_parse("3T", &s, &e));
    assert_true(s.bytes == (uint64_t)3 << 40);
}

static void
test_what_is_refused(void **state)
{
    static const char *const bad[] = {"",   "/",   "0/3", "4/3", "1/257", "1/",
                                      "-1", "0",   "0%",  "5%%", "101%",  "x",
                                      "1x", "1kk", "1e3", "nan", "1..2"};
    struct check_subset s;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(check_subset_parse(bad[i], &s, &e), RC_USAGE);
}

/* How many packs are chosen. */
static size_t
choose(struct checker *c, struct check_subset s)
{
    size_t n = 0;

    check_subset_choose(c, &s);
    for (size_t i = 0; i < c->n_packs; i++)
        n += c->packs[i].chosen;
    return n;
}

static void
test_which_are_chosen(void **state)
{
    static struct check_pack packs[PACKS];
    struct index *index = index_new();
    struct checker c = {.index = index, .packs = packs, .n_packs = PACKS};
    struct err e = ERR_INIT;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < PACKS; i++) {
        const struct index_pack pack = {.id = {{(uint8_t)i, (uint8_t)(i >> 8)}}};

        T_OK(index_add(index, &pack, 0, &e));
        packs[i] = (struct check_pack){.bytes = PACK_BYTES};
    }
    index_sort(index);
    assert_int_equal(choose(&c, (struct check_subset){.parts = 0}), PACKS);
    for (unsigned part = 1; part <= 7; part++) /* each pack is in one part */
        n += choose(&c, (struct check_subset){.part = part, .parts = 7});
    assert_int_equal(n, PACKS);
    assert_int_equal(choose(&c, (struct check_subset){.percent = 2.5}), 25);
    assert_int_equal(choose(&c, (struct check_subset){.percent = 0.001}), 1);
    assert_int_equal(choose(&c, (struct check_subset){.percent = 100}), PACKS);
    assert_int_equal(choose(&c, (struct check_subset){.bytes = 10 * PACK_BYTES}), 10);
    assert_int_equal(choose(&c, (struct check_subset){.bytes = 1}), 1);
    assert_int_equal(choose(&c, (struct check_subset){.bytes = UINT64_MAX / 2}), PACKS);
    c.n_packs = 0;
    assert_int_equal(choose(&c, (struct check_subset){.percent = 5}), 0);
    index_free(index);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_meant),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_which_are_chosen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
