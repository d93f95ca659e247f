/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "plane/db.h"

static char path[64];

static struct db *
open_db(int64_t keep)
{
    struct err e = ERR_INIT;
    struct db *db = NULL;

    T_OK(db_open(path, keep, &db, &e));
    return db;
}

static int
setup(void **state)
{
    static char dir[] = "/tmp/dbtest.XXXXXX";

    (void)state;
    memset(dir + sizeof(dir) - 7, 'X', 6);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/state.db", dir);
    return 0;
}

static int
teardown(void **state)
{
    char *slash = strrchr(path, '/');
    static const char *const tails[] = {"", "-wal", "-shm"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        char *p = mem_printf("%s%s", path, tails[i]);
        (void)unlink(p);
        mem_free(p);
    }
    *slash = '\0';
    return rmdir(path);
}

static enum rc
put(struct db *db, const char *ns, const char *name, int64_t expect, int64_t *rev, struct err *e)
{
    struct json *obj = json_new_object();
    enum rc rc;

    json_set_cstr(obj, "a", name);
    rc = db_put(db, (struct db_key){"things", ns, name}, expect, obj, rev, NULL, e);
    json_free(obj);
    return rc;
}

static enum rc
del(struct db *db, const char *ns, const char *name, int64_t expect, struct err *e)
{
    struct json *obj = json_new_object();
    enum rc rc = db_remove(db, (struct db_key){"things", ns, name}, expect, obj, NULL, e);

    json_free(obj);
    return rc;
}

struct seen {
    char text[512];
    size_t stop, n;
};

static bool
see(void *arg, const struct db_row *row)
{
    struct seen *s = (struct seen *)arg;
    size_t n = strlen(s->text);

    (void)snprintf(s->text + n, sizeof(s->text) - n, "%s/%s%c%s ", row->ns, row->name,
                   "+~-"[row->event], row -> prev.n > 0 ? "p" : "");
    return ++s->n != s->stop;
}

static void
test_writes_expect_what_is_current(void **state)
{
    struct db *db = open_db(0);
    struct err e = ERR_INIT;
    int64_t one = 0, two = 0, got = 0;
    struct buf text = BUF_INIT(1000);

    (void)state;
    T_OK(put(db, "a", "x", 0, &one, &e));
    T_RC(put(db, "a", "x", 0, &two, &e), RC_EXISTS);
    T_RC(put(db, "a", "x", one + 5, &two, &e), RC_CONFLICT);
    T_RC(put(db, "a", "y", 7, &two, &e), RC_NOT_FOUND);
    T_OK(put(db, "a", "x", one, &two, &e));
    assert_int_equal(two, one + 1);
    T_RC(del(db, "a", "x", one, &e), RC_CONFLICT);
    T_OK(db_get(db, (struct db_key){"things", "a", "x"}, &text, &got, &e));
    assert_int_equal(got, two);
    T_CONTAINS(buf_c(&text), "\"resourceVersion\":\"3\"");
    T_OK(del(db, "a", "x", two, &e));
    T_RC(db_get(db, (struct db_key){"things", "a", "x"}, &text, &got, &e), RC_NOT_FOUND);
    buf_release(&text);
    db_close(db);
}

static void
test_revisions_go_on_after_a_restart(void **state)
{
    struct db *db = open_db(0);
    struct err e = ERR_INIT;
    int64_t rev = 0, again = 0;

    (void)state;
    T_OK(put(db, "", "x", 0, &rev, &e));
    db_close(db);
    db = open_db(0);
    assert_int_equal(db_revision(db), rev);
    T_OK(put(db, "", "x", rev, &again, &e));
    assert_int_equal(again, rev + 1);
    db_close(db);
}

static void
test_lists_are_in_order_and_go_on(void **state)
{
    struct db *db = open_db(0);
    struct err e = ERR_INIT;
    struct seen all = {0}, rest = {0}, one = {0}, two = {.stop = 2};
    int64_t rev = 0;

    (void)state;
    T_OK(put(db, "b", "x", 0, NULL, &e));
    T_OK(put(db, "a", "z", 0, NULL, &e));
    T_OK(put(db, "a", "y", 0, NULL, &e));
    T_OK(db_list(db, (struct db_key){"things", "", ""}, NULL, see, &all, &rev, &e));
    assert_string_equal(all.text, "a/y+ a/z+ b/x+ ");
    assert_int_equal(rev, 4);
    T_OK(db_list(db, (struct db_key){"things", "a", "y"}, NULL, see, &rest, &rev, &e));
    assert_string_equal(rest.text, "a/z+ b/x+ ");
    T_OK(db_list(db, (struct db_key){"things", "", "y"}, "a", see, &one, &rev, &e));
    assert_string_equal(one.text, "a/z+ ");
    T_OK(db_list(db, (struct db_key){"things", "", ""}, NULL, see, &two, &rev, &e));
    assert_string_equal(two.text, "a/y+ a/z+ ");
    db_close(db);
}

static void
test_changes_come_in_order_with_what_was(void **state)
{
    struct db *db = open_db(0);
    struct err e = ERR_INIT;
    struct seen all = {0}, some = {.stop = 2}, rest = {0};
    struct db_notifier bell;
    struct pollfd p;
    int64_t x = 0, until = 0;

    (void)state;
    T_OK(db_notifier_add(db, "things", &bell, &e));
    p = (struct pollfd){.fd = bell.fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    T_OK(put(db, "a", "x", 0, &x, &e));
    assert_int_equal(poll(&p, 1, 0), 1);
    db_notifier_quiet(&bell);
    assert_int_equal(poll(&p, 1, 0), 0);
    T_OK(put(db, "a", "x", x, &x, &e));
    T_OK(put(db, "b", "y", 0, NULL, &e));
    T_OK(del(db, "a", "x", x, &e));
    until = 1;
    T_OK(db_changes(db, "things", NULL, see, &all, &until, &e));
    assert_string_equal(all.text, "a/x+ a/x~p b/y+ a/x-p ");
    assert_int_equal(until, db_revision(db));
    until = 1;
    T_OK(db_changes(db, "things", NULL, see, &some, &until, &e));
    assert_int_equal(until, 3);
    T_OK(db_changes(db, "things", "b", see, &rest, &until, &e));
    assert_string_equal(rest.text, "b/y+ ");
    db_notifier_remove(db, &bell);
    db_close(db);
}

static void
test_old_changes_are_dropped_and_the_current_stays(void **state)
{
    struct db *db = open_db(20);
    struct err e = ERR_INIT;
    struct seen all = {0}, list = {0};
    int64_t x = 0, until = 0;

    (void)state;
    T_OK(put(db, "a", "old", 0, NULL, &e));
    T_OK(put(db, "a", "gone", 0, &x, &e));
    T_OK(del(db, "a", "gone", x, &e));
    x = 0;
    for (int i = 0; i < 100; i++)
        T_OK(put(db, "a", "x", x, &x, &e));
    until = 1;
    T_RC(db_changes(db, "things", NULL, see, &all, &until, &e), RC_LIMIT);
    until = x - 10;
    T_OK(db_changes(db, "things", NULL, see, &all, &until, &e));
    assert_int_equal(all.n, 10);
    T_OK(db_list(db, (struct db_key){"things", "", ""}, NULL, see, &list, &until, &e));
    assert_string_equal(list.text, "a/old+ a/x+ ");
    db_close(db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_writes_expect_what_is_current, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revisions_go_on_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_are_in_order_and_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_come_in_order_with_what_was, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_changes_are_dropped_and_the_current_stays, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
