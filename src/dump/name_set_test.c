/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "dump/name_set.h"

static bool
add(struct name_set *s, uint64_t db, size_t i)
{
    char name[32];

    return name_set_add(s, db, str_of(name, (size_t)snprintf(name, sizeof(name), "key:%zu", i)));
}

static void
test_each_name_counts_once(void **state)
{
    struct name_set s;

    (void)state;
    name_set_init(&s);
    for (size_t i = 0; i < 100000; i++)
        assert_true(add(&s, 0, i));
    for (size_t i = 0; i < 100000; i++)
        assert_false(add(&s, 0, i));
    assert_true(add(&s, 1, 5)); /* another database */
    assert_int_equal(s.n, 100001);
    assert_false(s.full);
    name_set_release(&s);
}

/* A seeded XXH3 of up to three bytes only adds the seed to them: neighbours in name and database would be one. */
static void
test_short_names_of_all_databases(void **state)
{
    struct name_set s;
    size_t n = 0;

    (void)state;
    name_set_init(&s);
    for (uint64_t db = 0; db < 16; db++)
        for (unsigned c = 0; c < 256; c++)
            for (size_t len = 1; len <= 9; len++, n++) {
                char name[] = "abcdefgh?";

                name[len - 1] = (char)c;
                assert_true(name_set_add(&s, db, str_of(name, len)));
            }
    assert_int_equal(s.n, n);
    name_set_release(&s);
}

static void
test_shares_make_a_whole(void **state)
{
    struct name_set s;
    size_t sum = 0;

    (void)state;
    name_set_init(&s);
    for (uint32_t share = 0; share < 3; share++) {
        name_set_share(&s, share, 3);
        for (size_t i = 0; i < 30000; i++)
            (void)add(&s, 0, i);
        assert_true(s.n > 8000 && s.n < 12000);
        sum += s.n;
    }
    assert_int_equal(sum, 30000);
    name_set_release(&s);
}

static void
test_a_full_one_says_so(void **state)
{
    struct name_set s;

    (void)state;
    name_set_init(&s);
    for (size_t i = 0; i < NAME_SET_MAX; i++)
        assert_true(add(&s, 0, i));
    assert_false(s.full);
    assert_false(add(&s, 0, NAME_SET_MAX));
    assert_true(s.full);
    assert_int_equal(s.n, NAME_SET_MAX);
    assert_true(s.cap * sizeof(*s.slots) <= 64 << 20);
    name_set_release(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_name_counts_once),
        cmocka_unit_test(test_short_names_of_all_databases),
        cmocka_unit_test(test_shares_make_a_whole),
        cmocka_unit_test(test_a_full_one_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
