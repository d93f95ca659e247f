/* SPDX-License-Identifier: Apache-2.0 */
#include "job/reckon.h"

#include "dump/filter.h"
#include "t.h"

static void
test_reckon_judges_what_was_read(void **state)
{
    static const struct {
        struct info_db before, after;
        uint64_t read;
        bool proven;
        enum reckon_word want;
    } cases[] = {
        {{0, 1000, 0}, {0, 1000, 0}, 1000, true, RECKON_ENOUGH},
        {{0, 1000, 0}, {0, 1000, 0}, 905, true, RECKON_ENOUGH}, /* they come and go */
        {{0, 1000, 0}, {0, 1000, 0}, 600, true, RECKON_LITTLE},
        {{0, 1000, 0}, {0, 1000, 0}, 499, true, RECKON_TOO_LITTLE},
        {{0, 1000, 0}, {0, 1000, 0}, 0, false, RECKON_LITTLE},     /* a server that counts late */
        {{0, 1000, 0}, {0, 40, 0}, 40, true, RECKON_ENOUGH},       /* removed meanwhile */
        {{0, 1000, 990}, {0, 1000, 990}, 10, true, RECKON_LITTLE}, /* they may have expired */
        {{0, 9, 0}, {0, 9, 0}, 8, true, RECKON_ENOUGH},
        {{0, 9, 0}, {0, 9, 0}, 1, true, RECKON_LITTLE},
        {{0, 9, 0}, {0, 9, 0}, 0, true, RECKON_TOO_LITTLE},
        {{0, 1, 0}, {0, 1, 0}, 0, true, RECKON_ENOUGH},
        {{0, 9, 5000}, {0, 9, 0}, 0, true, RECKON_LITTLE}, /* nonsense proves nothing */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (reckon_judge(&cases[i].before, &cases[i].after, cases[i].read, cases[i].proven) !=
            cases[i].want)
            fail_msg("case %zu", i);
    assert_int_equal(reckon_judge(&cases[9].before, NULL, 0, true), RECKON_LITTLE);
}

struct asked {
    uint64_t keys;
    unsigned times;
};

static enum rc
say_after(void *arg, struct conn_info *out, struct err *e)
{
    struct asked *a = (struct asked *)arg;

    a->times++;
    return info_add_db(out, 7, a->keys, e) ? err_code(e) : info_add_db(out, 0, 100, e);
}

/* `arg` is a struct conn_info whose first database is told. */
static enum rc
say_rest(void *arg, struct conn_info *out, struct err *e)
{
    const struct conn_info *says = (const struct conn_info *)arg;

    out->evicted_keys = says->evicted_keys;
    out->changes = says->changes;
    if (info_add_db(out, says->dbs[0].n, says->dbs[0].keys, e))
        return err_code(e);
    out->dbs[0].expires = says->dbs[0].expires;
    return RC_OK;
}

/* Parts of a database in any order; the server is asked again only when something lacks. */
static void
test_reckon_asks_again_only_where_something_lacks(void **state)
{
    struct info_db dbs[] = {{0, 100, 0}, {7, 50, 0}};
    struct conn_info before = {.dbs = dbs, .n_dbs = ARRAY_LEN(dbs)};
    struct asked asked = {.keys = 50};
    struct reckon_ask ask = {.after = say_after, .arg = &asked, .only = {.n = 0}, .at_once = true};
    struct reckon r = {NULL, 0};
    struct err e = ERR_INIT;
    bool little = true;

    (void)state;
    reckon_add(&r, 7, 30);
    reckon_add(&r, 0, 60);
    reckon_add(&r, 0, 40);
    reckon_add(&r, 7, 20);
    T_OK(reckon_check(&r, &before, &ask, &little, &e));
    assert_false(little);
    assert_int_equal(asked.times, 0);
    dbs[1].keys = 500;
    T_OK(reckon_check(&r, &before, &ask, &little, &e)); /* they were removed since */
    assert_false(little);
    assert_int_equal(asked.times, 1);
    asked.keys = 500;
    assert_int_equal(reckon_check(&r, &before, &ask, &little, &e), RC_CONFLICT);
    assert_non_null(strstr(e.msg, "database 7: the server counts 500 keys"));
    ask.only = db_set_of(0);
    T_OK(reckon_check(&r, &before, &ask, &little, &e));
    assert_int_equal(asked.times, 2);
    ask.only = db_set_of(-1);
    ask.at_once = false; /* a walk, and no name without a value */
    T_OK(reckon_check(&r, &before, &ask, &little, &e));
    assert_true(little);
    reckon_release(&r);
}

/* A server at rest: the first key that does not expire and is missing is told. */
static void
test_reckon_misses_one_key_of_a_server_at_rest(void **state)
{
    static const struct {
        uint64_t read, expires, evicted, changes, vanished;
        bool at_once, little;
    } cases[] = {
        {100, 0, 0, 0, 0, true, false},
        {99, 0, 0, 0, 0, true, true},
        {99, 0, 0, 0, 0, false, true},
        {90, 0, 0, 0, 0, true, true},
        {99, 1, 0, 0, 0, true, false},
        {98, 1, 0, 0, 0, true, true},
        {99, 0, 1, 0, 0, true, false}, /* evicted */
        {99, 0, 0, 1, 0, true, true},
        {99, 0, 0, 1, 0, false, false}, /* written to while walked */
        {99, 0, 0, 0, 1, false, false}, /* a name without a value: it went */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct info_db db = {0, 100, cases[i].expires};
        struct conn_info before = {.dbs = &db, .n_dbs = 1};
        struct reckon_ask ask = {.after = say_rest,
                                 .arg = &(struct conn_info){.dbs = &db,
                                                            .evicted_keys = cases[i].evicted,
                                                            .changes = cases[i].changes},
                                 .only = {.n = 0},
                                 .vanished = cases[i].vanished,
                                 .at_once = cases[i].at_once};
        struct reckon r = {NULL, 0};
        struct err e = ERR_INIT;
        bool little;

        reckon_add(&r, 0, cases[i].read);
        T_OK(reckon_check(&r, &before, &ask, &little, &e));
        if (little != cases[i].little)
            fail_msg("case %zu", i);
        reckon_release(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reckon_judges_what_was_read),
        cmocka_unit_test(test_reckon_asks_again_only_where_something_lacks),
        cmocka_unit_test(test_reckon_misses_one_key_of_a_server_at_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
