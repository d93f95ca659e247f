/* SPDX-License-Identifier: Apache-2.0 */
#include "job/room.h"

#include "t.h"

#define MB UINT64_C(20000000) /* large beside what is allowed for */

static void
test_room_is_judged(void **state)
{
    static const struct {
        uint64_t memory, keys, bytes, least; /* what is to be written */
        bool same;
        uint64_t max, used, freed, system;
        bool told;
        enum room_grade want;
    } cases[] = {
        {10 * MB, 0, 20 * MB, 0, true, 0, MB, 0, 0, true, ROOM_NO_LIMIT},
        {10 * MB, 0, 20 * MB, 0, true, 0, MB, 0, 100 * MB, true, ROOM_NO_LIMIT},
        {10 * MB, 0, 20 * MB, 0, true, 0, MB, 0, 5 * MB, true, ROOM_DOUBTFUL}, /* of the machine */
        {10 * MB, 0, 20 * MB, 0, true, 0, 0, 0, 0, false, ROOM_UNKNOWN},
        {10 * MB, 0, 20 * MB, 0, true, 20 * MB, MB, 0, 0, true, ROOM_ENOUGH},
        {10 * MB, 0, 20 * MB, 0, true, 20 * MB, 0, 0, 0, false, ROOM_UNKNOWN}, /* what is used */
        {10 * MB, 0, 20 * MB, 0, true, 5 * MB, 0, 0, 0, false, ROOM_SHORT},
        {10 * MB, 0, 20 * MB, 0, true, 12 * MB, MB, 0, 0, true, ROOM_DOUBTFUL},
        {10 * MB, 0, 20 * MB, 0, true, 9 * MB, MB, 0, 0, true, ROOM_SHORT},
        {10 * MB, 0, 20 * MB, 0, false, 9 * MB, MB, 0, 0, true,
         ROOM_DOUBTFUL}, /* another version */
        {10 * MB, 0, 20 * MB, 0, false, 5 * MB, MB, 0, 0, true, ROOM_SHORT},
        {10 * MB, 0, 20 * MB, 0, true, 20 * MB, 15 * MB, 0, 0, true, ROOM_SHORT},
        {10 * MB, 0, 20 * MB, 0, true, 20 * MB, 15 * MB, 14 * MB, 0, true,
         ROOM_ENOUGH}, /* emptied */
        {10 * MB, 0, 20 * MB, 0, true, 20 * MB, 15 * MB, 99 * MB, 0, true, ROOM_ENOUGH},
        {10 * MB, 2000000, 10 * MB, 0, true, 13 * MB, MB, 0, 0, true,
         ROOM_SHORT}, /* what keys take besides */
        {10 * MB, 0, MB, 0, true, 3 * MB, MB, 0, 0, true,
         ROOM_ENOUGH}, /* clients took it, and no data */
        {0, 0, 10 * MB, 0, false, 40 * MB, MB, 0, 0, true, ROOM_ENOUGH}, /* by the dump alone */
        {0, 0, 10 * MB, 0, false, 10 * MB, MB, 0, 0, true, ROOM_DOUBTFUL},
        {0, 0, 10 * MB, 0, false, 3 * MB, MB, 0, 0, true, ROOM_SHORT},
        {0, 0, 10 * MB, 9 * MB + MB / 2, false, 10 * MB, MB, 0, 0, true,
         ROOM_SHORT}, /* the values */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct room_data d = {.memory = cases[i].memory,
                                    .same = cases[i].same,
                                    .keys = cases[i].keys,
                                    .bytes = cases[i].bytes,
                                    .least = cases[i].least};
        const struct room_use u = {.told = cases[i].told,
                                   .limited = cases[i].max != 0,
                                   .max = cases[i].max,
                                   .used = cases[i].used,
                                   .system = cases[i].system};
        const struct room_estimate x = room_estimate(&d);
        uint64_t room;

        assert_true(x.least <= x.need && x.need <= x.most);
        if (room_judge(&x, &u, cases[i].freed, &room) != cases[i].want)
            fail_msg("case %zu", i);
    }
}

static void
test_servers_are_counted_together(void **state)
{
    struct info_db db = {0, 1000, 100};
    struct conn_info infos[] = {{.used_memory = 10 * MB,
                                 .dataset_memory = 5 * MB,
                                 .maxmemory = 20 * MB,
                                 .maxmemory_told = true,
                                 .maxmemory_policy = "noeviction",
                                 .dbs = &db,
                                 .n_dbs = 1},
                                {.used_memory = 10 * MB,
                                 .dataset_memory = 5 * MB,
                                 .maxmemory = 30 * MB,
                                 .maxmemory_told = true,
                                 .maxmemory_policy = "allkeys-lru"}};
    struct room_use u = room_use(infos, 2);

    (void)state;
    assert_true(u.told && u.limited);
    assert_int_equal(u.max, 50 * MB);
    assert_int_equal(u.used, 20 * MB);
    assert_int_equal(u.dataset, 10 * MB + 1000 * 56 + 100 * 40);
    assert_string_equal(u.policy, "allkeys-lru");
    infos[1].maxmemory = 0; /* takes what the other does not */
    u = room_use(infos, 2);
    assert_int_equal(u.max, 0);
    infos[0].used_memory = 0;
    assert_false(room_use(infos, 2).told);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_room_is_judged),
                                       cmocka_unit_test(test_servers_are_counted_together)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
