/* SPDX-License-Identifier: Apache-2.0 */
/* Locks that are renewed, lost, removed, delayed and left behind, with a pace of milliseconds. */
#include "t.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "repo/repo_internal.h"
#include "store/fault.h"
#include "store/mem.h"

enum { RENEW = 20, LOST = 150, LONG = 2000 };

static struct ctx cx;
static const unsigned locks_only = 1U << STORE_LOCK;

static struct store *
new_repo(void)
{
    struct repo_init_opts opts = {.fast_kdf = true};
    struct store *s = store_fault_new(store_mem_new(), (struct fault_plan){.at = 0});
    struct err e = ERR_INIT;
    struct id id;

    T_OK(repo_init(&cx, s, STR_LIT("pw"), &opts, &id, &e));
    return s;
}

static struct repo *
open_repo(struct store *s)
{
    struct lock_pace quick = {.settle = 1, .renew = RENEW, .repeat = RENEW, .lost = LOST};
    struct repo *r = NULL;
    struct err e = ERR_INIT;

    T_OK(repo_open(&cx, s, STR_LIT("pw"), &r, &e));
    repo_set_lock_pace(r, quick);
    return r;
}

struct seen {
    struct id last;
    size_t n;
};

static enum rc
see(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct seen *s = arg;

    (void)bytes;
    (void)e;
    s->last = *id;
    s->n++;
    return RC_OK;
}

static struct seen
locks_of(struct store *s)
{
    struct seen seen = {.n = 0};
    struct err e = ERR_INIT;

    T_OK(s->ops->list(&cx, s, STORE_LOCK, see, &seen, &e));
    return seen;
}

static void
wait_ms(int ms)
{
    struct err e = ERR_INIT;

    T_OK(ctx_sleep(&cx, ms, &e));
}

/* Wait for repo_lock_ok to refuse. */
static void
must_be_lost(struct repo *r, const char *why)
{
    struct err e = ERR_INIT;

    for (int waited = 0; waited < LONG && repo_lock_ok(r, &e) == RC_OK; waited += RENEW)
        wait_ms(RENEW);
    T_RC(repo_lock_ok(r, &e), RC_LOCKED);
    T_CONTAINS(e.msg, why);
    T_RC(repo_lock_prove(&cx, r, &e), RC_LOCKED);
}

static void
test_a_lock_is_renewed_and_released(void **state)
{
    struct store *s = new_repo();
    struct repo *r = open_repo(s);
    struct seen first, now;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(repo_lock(&cx, r, false, &e));
    first = now = locks_of(s);
    assert_int_equal(first.n, 1);
    for (int waited = 0; waited < LONG && id_eq(&first.last, &now.last); waited += RENEW) {
        wait_ms(RENEW);
        now = locks_of(s);
        T_OK(repo_lock_prove(&cx, r, &e));
    }
    assert_false(id_eq(&first.last, &now.last));
    repo_unlock(r);
    assert_int_equal(locks_of(s).n, 0);
    repo_close(r);
    store_release(s);
}

static void
test_who_lost_the_lock_is_told_and_leaves_none(void **state)
{
    struct store *s = new_repo();
    struct repo *r = open_repo(s), *other = open_repo(s);
    struct err e = ERR_INIT;
    size_t removed;

    (void)state;
    T_OK(repo_lock(&cx, r, false, &e));
    T_OK(repo_unlock_stale(&cx, other, true, &removed, &e));
    must_be_lost(r, "somebody removed our lock");
    assert_int_equal(locks_of(s).n, 0);
    T_OK(repo_lock(&cx, other, true, &e));
    repo_unlock(other);
    T_OK(repo_lock(&cx, other, false, &e));
    T_OK(repo_unlock_stale(&cx, r, true, &removed, &e));
    T_RC(repo_lock_prove(&cx, other, &e), RC_LOCKED); /* at once */
    repo_close(other);
    repo_close(r);
    assert_int_equal(locks_of(s).n, 0);
    store_release(s);
}

static void
test_who_cannot_renew_stops_in_time(void **state)
{
    static const struct fault_plan plans[] = {
        {.at = 1, .dead = true},
        {.at = 1, .kind = FAULT_DELAY, .delay_ms = 2 * LOST},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
        struct fault_plan plan = plans[i];
        struct store *s = new_repo();
        struct repo *r = open_repo(s);
        struct err e = ERR_INIT;
        int64_t start = clock_mono_ms();
        T_OK(repo_lock(&cx, r, false, &e));
        T_OK(repo_lock_ok(r, &e));
        plan.types = locks_only;
        store_fault_plan(s, plan);
        must_be_lost(r, "could not be renewed in time");
        assert_true(clock_mono_ms() - start >= LOST);
        store_fault_plan(s, (struct fault_plan){.at = 0});
        repo_close(r);
        assert_int_equal(locks_of(s).n, 0);
        store_release(s);
    }
}

/* No lock stays, and it goes on. */
static void
fail_once(struct fault_plan plan)
{
    struct store *s = new_repo();
    struct repo *r = open_repo(s);
    struct err e = ERR_INIT;
    enum rc rc;

    store_fault_plan(s, plan);
    rc = repo_lock(&cx, r, false, &e);
    while (rc == RC_OK && store_fault_count(s) < plan.at + 10)
        wait_ms(RENEW);
    if (rc == RC_OK)
        T_OK(repo_lock_ok(r, &e));
    else
        T_CONTAINS(e.msg, "on purpose");
    repo_close(r);
    if (locks_of(s).n != 0)
        fail_msg("a lock stays when operation %u of kind %d fails", plan.at, (int)plan.kind);
    store_release(s);
}

/* Each operation of taking, renewing and releasing. */
static void
test_one_failure_leaves_no_lock(void **state)
{
    (void)state;
    for (unsigned at = 1; at <= 20; at++) {
        fail_once((struct fault_plan){.at = at, .kind = FAULT_FAIL, .types = locks_only});
        fail_once((struct fault_plan){.at = at, .kind = FAULT_LOST, .types = locks_only});
    }
}

static struct id
plant(struct repo *r, const struct lock_info *l)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(LOCK_FILE_MAX);
    struct err e = ERR_INIT;
    struct id id;

    T_OK(lock_encode(l, &text, &e));
    T_OK(unpacked_save(&cx, r, STORE_LOCK, buf_str(&text), &id, NULL, &e));
    return id;
}

static uint64_t
dead_pid(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return (uint64_t)pid;
}

static void
test_only_the_dead_are_removed(void **state)
{
    enum { MINUTE = 60 };
    struct store *s = new_repo();
    struct repo *r = open_repo(s);
    char host[LOCK_NAME_MAX], user[LOCK_NAME_MAX];
    uint64_t dead = dead_pid(), own = (uint64_t)getpid();
    struct store_name junk = {.type = STORE_LOCK, .id = {{7}}};
    struct err e = ERR_INIT;
    struct {
        const char *host, *pid_space;
        uint64_t pid;
        int64_t age;
        bool stays;
    } t[] = {
        {host, "", dead, 0, false},
        {host, "", dead, -3600, false}, /* its clock is wrong, and it is dead all the same */
        {host, "", own, 0, true},
        {host, "", 1, 29LL * MINUTE, true},
        {host, "", own, 31LL * MINUTE, false},
        {host, "", own, -3600, true},
        {host, "another boot or container", dead, 0, true},
        {host, "another boot or container", dead, 31LL * MINUTE, false},
        {host, "", 0, 0, true},
        {host, "", UINT64_MAX, 0, true},
        {"elsewhere", "", dead, 0, true},
        {"elsewhere", "", dead, 31LL * MINUTE, false},
        {"", "", dead, 0, true},
    };
    size_t removed;

    (void)state;
    whoami(host, user);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct lock_info l = {.time = instant_now(), .pid = t[i].pid};
        l.time.sec -= t[i].age;
        (void)snprintf(l.hostname, LOCK_NAME_MAX, "%s", t[i].host);
        (void)snprintf(l.pid_space, LOCK_NAME_MAX, "%s", t[i].pid_space);
        (void)plant(r, &l);
        T_OK(repo_unlock_stale(&cx, r, false, &removed, &e));
        if ((locks_of(s).n == 1) != t[i].stays || (removed == 0) != t[i].stays)
            fail_msg("row %zu was judged wrongly", i);
        T_OK(repo_unlock_stale(&cx, r, true, &removed, &e));
    }
    /* What cannot be read stays, and does not hide the others. */
    T_OK(store_put_all(&cx, s, &junk, STR_LIT("junk"), &e));
    (void)plant(r, &(struct lock_info){.time = {.sec = 1}});
    T_OK(repo_unlock_stale(&cx, r, false, &removed, &e));
    assert_int_equal(removed, 1);
    T_RC(repo_lock(&cx, r, false, &e), RC_LOCKED);
    T_CONTAINS(e.hint, "--remove-all");
    T_OK(repo_unlock_stale(&cx, r, true, &removed, &e));
    assert_int_equal(removed, 1);
    repo_close(r);
    store_release(s);
}

/* A store in which a lock is renewed between the list that has it and the look at it. */
static struct {
    const struct store_ops *usual;
    struct repo *owner;
    unsigned times;
} sly;

static enum rc
sly_get(struct ctx *with, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
        size_t n, struct err *e)
{
    if (name->type == STORE_LOCK && sly.times > 0) {
        sly.times--;
        (void)plant(sly.owner, &(struct lock_info){.time = instant_now(), .exclusive = true});
        assert_int_equal(sly.usual->del(with, s, name, e), RC_OK);
    }
    return sly.usual->get(with, s, name, off, to, n, e);
}

static void
test_a_lock_that_is_renewed_meanwhile_is_seen(void **state)
{
    struct store *s = new_repo();
    struct repo *r = open_repo(s), *owner = open_repo(s);
    struct store_ops ops = *s->ops;
    struct err e = ERR_INIT;

    (void)state;
    sly.usual = s->ops;
    sly.owner = owner;
    sly.times = 2;
    ops.get = sly_get;
    s->ops = &ops;
    (void)plant(owner, &(struct lock_info){.time = instant_now(), .exclusive = true});
    T_RC(repo_lock(&cx, r, false, &e), RC_LOCKED);
    T_CONTAINS(e.msg, "exclusively");
    sly.times = 1000;
    T_RC(repo_lock(&cx, r, false, &e), RC_LOCKED);
    T_CONTAINS(e.msg, "change all the time");
    s->ops = sly.usual;
    repo_close(r);
    repo_close(owner);
    store_release(s);
}

static struct repo *
open_slow(struct store *s, int settle)
{
    struct repo *r = open_repo(s);

    repo_set_lock_pace(
        r, (struct lock_pace){.settle = settle, .renew = LONG, .repeat = LONG, .lost = 2 * LONG});
    return r;
}

/* The pause is an hour: whoever waited for it would not come back. */
static void
test_who_reads_does_not_wait(void **state)
{
    struct store *s = new_repo();
    struct repo *r = open_slow(s, 3600 * 1000);
    struct err e = ERR_INIT;

    (void)state;
    T_OK(repo_lock(&cx, r, false, &e));
    assert_int_equal(locks_of(s).n, 1);
    repo_close(r);
    assert_int_equal(locks_of(s).n, 0);
    store_release(s);
}

/* Who listed the locks before a renewal reads the file that it listed. */
static void
test_the_old_file_of_a_lock_stays_for_a_moment(void **state)
{
    struct store *s = new_repo();
    struct repo *r = open_repo(s);
    struct err e = ERR_INIT;
    size_t n = 0;

    (void)state;
    repo_set_lock_pace(
        r, (struct lock_pace){.settle = 10 * RENEW, .renew = RENEW, .repeat = RENEW, .lost = LONG});
    T_OK(repo_lock(&cx, r, false, &e));
    for (int waited = 0; waited < 10 * LONG && n < 2; waited += RENEW) {
        n = locks_of(s).n;
        assert_true(n >= 1);
        wait_ms(RENEW);
    }
    assert_int_equal(n, 2);
    repo_unlock(r);
    assert_int_equal(locks_of(s).n, 0);
    repo_close(r);
    store_release(s);
}

/* The store shows the other's lock only after ours was taken. */
static void
test_who_writes_waits_for_the_last_look(void **state)
{
    struct store *s = new_repo();
    struct repo *r = open_slow(s, RENEW), *other = open_repo(s);
    struct store_name name = {.type = STORE_LOCK};
    struct err e = ERR_INIT;

    (void)state;
    T_OK(repo_lock(&cx, r, false, &e));
    name.id = plant(other, &(struct lock_info){.time = instant_now(), .exclusive = true});
    T_RC(repo_lock_ok(r, &e), RC_LOCKED);
    T_CONTAINS(e.msg, "exclusively");
    T_RC(repo_lock_prove(&cx, r, &e), RC_LOCKED);
    repo_unlock(r);

    T_OK(s->ops->del(&cx, s, &name, &e));
    T_OK(repo_lock(&cx, r, false, &e));
    name.id = plant(other, &(struct lock_info){.time = instant_now(), .exclusive = true});
    wait_ms(3 * RENEW); /* it has been seen */
    T_OK(s->ops->del(&cx, s, &name, &e));
    T_OK(repo_lock_ok(r, &e));
    repo_close(other);
    repo_close(r);
    assert_int_equal(locks_of(s).n, 0);
    store_release(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lock_is_renewed_and_released),
        cmocka_unit_test(test_who_lost_the_lock_is_told_and_leaves_none),
        cmocka_unit_test(test_who_cannot_renew_stops_in_time),
        cmocka_unit_test(test_one_failure_leaves_no_lock),
        cmocka_unit_test(test_only_the_dead_are_removed),
        cmocka_unit_test(test_a_lock_that_is_renewed_meanwhile_is_seen),
        cmocka_unit_test(test_who_reads_does_not_wait),
        cmocka_unit_test(test_the_old_file_of_a_lock_stays_for_a_moment),
        cmocka_unit_test(test_who_writes_waits_for_the_last_look),
    };

    T_RUN(tests, cx);
}
