/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <pthread.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "ctl/workq.h"

static int64_t now;

static int64_t
fake_now(void)
{
    return now;
}

static const struct workq_opts opts = {.base_ms = 10, .max_ms = 100, .now_ms = fake_now};

/* The next key must be `want` (NULL: none); it stays taken. */
static void
next_is(struct workq *q, const char *want)
{
    char *key = workq_try(q);

    if (want == NULL)
        assert_null(key);
    else
        assert_string_equal(key, want);
    mem_free(key);
}

static void
test_workq_hands_a_key_out_once(void **state)
{
    struct workq *q = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(workq_new(&opts, &q, &e));
    workq_add(q, "a");
    workq_add(q, "b");
    workq_add(q, "a");
    assert_int_equal(workq_depth(q), 2);
    next_is(q, "a");
    workq_add(q, "a");
    workq_add(q, "a");
    next_is(q, "b");
    next_is(q, NULL);
    workq_done(q, "a");
    next_is(q, "a");
    next_is(q, NULL);
    workq_done(q, "a");
    workq_done(q, "b");
    next_is(q, NULL);
    assert_int_equal(workq_depth(q), 0);
    workq_free(q);
}

static void
test_workq_delays(void **state)
{
    struct workq *q = NULL;
    struct err e = ERR_INIT;

    (void)state;
    now = 1000;
    T_OK(workq_new(&opts, &q, &e));
    workq_add_after(q, "late", 50);
    workq_add_after(q, "early", 20);
    workq_add_after(q, "late", 30);
    workq_add_after(q, "late", 90);
    workq_add_after(q, "now", 500);
    workq_add(q, "now");
    next_is(q, "now");
    next_is(q, NULL);
    now = 1020;
    next_is(q, "early");
    next_is(q, NULL);
    now = 1030;
    next_is(q, "late");
    now = 9999;
    next_is(q, NULL);
    assert_int_equal(workq_delayed(q), 0);
    workq_free(q);
}

static void
test_workq_backs_off(void **state)
{
    static const int64_t waits[] = {10, 20, 40, 80, 100, 100};
    struct workq *q = NULL;
    struct err e = ERR_INIT;

    (void)state;
    now = 0;
    T_OK(workq_new(&opts, &q, &e));
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        workq_add_limited(q, "a");
        now += waits[i] - 1;
        next_is(q, NULL);
        now += 1;
        next_is(q, "a");
        workq_done(q, "a");
    }
    assert_int_equal(workq_failures(q, "a"), ARRAY_LEN(waits));
    workq_forget(q, "a");
    assert_int_equal(workq_failures(q, "a"), 0);
    workq_add_limited(q, "a");
    now += 10;
    next_is(q, "a");
    workq_free(q);
}

/* Many keys with many times come out in order. */
static void
test_workq_many_delays(void **state)
{
    struct workq *q = NULL;
    struct err e = ERR_INIT;
    char key[16];
    uint32_t r = 1;

    (void)state;
    now = 0;
    T_OK(workq_new(&opts, &q, &e));
    for (int i = 0; i < 2000; i++) {
        r = r * 1103515245 + 12345;
        (void)snprintf(key, sizeof(key), "%d", i % 500);
        workq_add_after(q, key, 1 + (r >> 16) % 300);
        if (i % 3 == 0)
            workq_add(q, key);
        if (i % 5 == 0) {
            char *got = workq_try(q);
            if (got != NULL)
                workq_done(q, got);
            mem_free(got);
        }
    }
    now = 300;
    for (;;) {
        char *got = workq_try(q);
        if (got == NULL)
            break;
        workq_done(q, got);
        mem_free(got);
    }
    assert_int_equal(workq_delayed(q), 0);
    workq_free(q);
}

enum { KEYS = 50, WORKERS = 4, ROUNDS = 2000 };

struct crowd {
    struct workq *q;
    struct ctx cx;
    atomic_int active[KEYS], done;
};

static void *
work(void *arg)
{
    struct crowd *c = arg;
    struct err e = ERR_INIT;
    char *key;

    while (workq_take(&c->cx, c->q, &key, &e) == RC_OK) {
        int i = (int)strtol(key, NULL, 10);
        assert_int_equal(atomic_fetch_add(&c->active[i], 1), 0);
        if (atomic_fetch_add(&c->done, 1) % 7 == 0)
            workq_add_after(c->q, key, 1);
        atomic_fetch_sub(&c->active[i], 1);
        workq_done(c->q, key);
        mem_free(key);
    }
    return NULL;
}

static void
test_workq_with_many_workers(void **state)
{
    struct crowd c = {.q = NULL};
    pthread_t t[WORKERS];
    struct err e = ERR_INIT;
    char key[16];

    (void)state;
    T_OK(ctx_init(&c.cx, &e));
    T_OK(workq_new(NULL, &c.q, &e));
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, work, &c), 0);
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(key, sizeof(key), "%d", i % KEYS);
        workq_add(c.q, key);
    }
    for (int i = 0; i < 5000 && workq_depth(c.q) + workq_delayed(c.q) > 0; i++)
        (void)usleep(1000);
    assert_int_equal(workq_depth(c.q) + workq_delayed(c.q), 0);
    workq_shutdown(c.q);
    for (int i = 0; i < WORKERS; i++)
        (void)pthread_join(t[i], NULL);
    assert_true(atomic_load(&c.done) >= KEYS);
    workq_free(c.q);
    ctx_release(&c.cx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workq_hands_a_key_out_once),
        cmocka_unit_test(test_workq_delays),
        cmocka_unit_test(test_workq_backs_off),
        cmocka_unit_test(test_workq_many_delays),
        cmocka_unit_test(test_workq_with_many_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
