/* SPDX-License-Identifier: Apache-2.0 */
/* Our lock: taken, kept fresh, proven, released. Those of others are in lock_others.c. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/thread.h"
#include "repo/repo_internal.h"

enum {
    RENEW_MS = 5 * 60 * 1000,
    PATIENCE = 25 /* pauses until who came later, and was to give way, is taken at his word */
};

/* restic's. */
static const struct lock_pace usual_pace = {.settle = 200,
                                            .renew = RENEW_MS,
                                            .repeat = 30 * 1000,
                                            .lost = LOCK_STALE_MS - 3 * RENEW_MS / 2};

/* SIGHUP is ignored while any repository of the process is locked. */
static pthread_mutex_t hup_mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned hup_users;
static struct sigaction hup_before;

static void
ignore_hup(bool on)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)pthread_mutex_lock(&hup_mutex);
    if (on && hup_users++ == 0)
        (void)sigaction(SIGHUP, &ignore, &hup_before);
    else if (!on && --hup_users == 0)
        (void)sigaction(SIGHUP, &hup_before, NULL);
    (void)pthread_mutex_unlock(&hup_mutex);
}

void
lock_setup(struct repo *r)
{
    struct held_lock *l = &r->lock;
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&l->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&l->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    l->cx.fd = -1;
    l->pace = usual_pace;
}

void
repo_set_lock_pace(struct repo *r, struct lock_pace pace)
{
    r->lock.pace = pace;
}

void
lock_teardown(struct repo *r)
{
    (void)pthread_mutex_destroy(&r->lock.mutex);
    (void)pthread_cond_destroy(&r->lock.wake);
}

/* Remove what is left of ours, as far as the store lets us. */
static void
lock_sweep(struct held_lock *l, struct store *s)
{
    size_t n = 0;

    l->cx.until = clock_mono_ms() + LOCK_CALL_MS;
    for (size_t i = 0; i < l->n_litter; i++) {
        struct store_name name = lock_name(&l->litter[i]);
        struct err ignored = ERR_INIT; /* stale in half an hour, and there is nobody to tell */
        if (s->ops->del(&l->cx, s, &name, &ignored)) {
            (void)pthread_mutex_lock(&l->mutex);
            l->litter[n++] = name.id;
            (void)pthread_mutex_unlock(&l->mutex);
        }
    }
    (void)pthread_mutex_lock(&l->mutex);
    l->n_litter = n;
    (void)pthread_mutex_unlock(&l->mutex);
}

/* This file of ours is to go with the next sweep. */
static void
lock_leave(struct held_lock *l, const struct id *id)
{
    (void)pthread_mutex_lock(&l->mutex);
    l->litter[l->n_litter++] = *id;
    (void)pthread_mutex_unlock(&l->mutex);
}

static void
lock_drop(struct repo *r, const struct id *id)
{
    struct held_lock *l = &r->lock;

    lock_leave(l, id);
    lock_sweep(l, r->store);
    if (atomic_load(&r->reserve_is_due))
        (void)repo_keep_reserve(&l->cx, r);
}

static enum rc
write_lock(struct ctx *cx, struct repo *r, const struct lock_info *info, struct id *id,
           struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(LOCK_FILE_MAX);

    if (lock_encode(info, &text, e))
        return err_code(e);
    lock_sweep(&r->lock, r->store);
    if (r->lock.n_litter >= LOCK_LITTER_MAX)
        return err_set(e, RC_UNAVAILABLE, "old locks of ours cannot be removed");
    if (unpacked_save(cx, r, STORE_LOCK, buf_str(&text), id, NULL, e)) {
        lock_drop(r, id); /* the answer may have been lost on its way */
        return e->code != RC_FULL
                   ? err_code(e)
                   : err_hint(e, "free a few megabytes on its file system, then run `cstash forget "
                                 "--prune`; reading works with --no-lock");
    }
    return RC_OK;
}

static enum rc
say_removed(struct err *e)
{
    return err_set(e, RC_LOCKED, "somebody removed our lock of the repository");
}

/*
 * A new file with a new time, then the old one away. The old one must still be there once the new
 * one is: who removes it before that is found out, who does later has seen the new one. It goes a
 * moment later (keep_fresh), for somebody may have listed the locks before the new one was written.
 */
static enum rc
lock_renew(struct repo *r, struct err *e)
{
    struct held_lock *l = &r->lock;
    struct store_name old = lock_name(&l->id);
    struct lock_info info = l->info;
    int64_t now = clock_boot_ms();
    uint64_t bytes;
    struct id id;

    info.time = instant_now();
    l->cx.until = clock_mono_ms() + LOCK_CALL_MS;
    if (write_lock(&l->cx, r, &info, &id, e))
        return err_code(e);
    if (r->store->ops->stat(&l->cx, r->store, &old, &bytes, e)) {
        lock_drop(r, &id);
        return e->code == RC_NOT_FOUND ? say_removed(e) : err_code(e);
    }
    (void)pthread_mutex_lock(&l->mutex);
    l->id = id;
    l->info = info;
    l->renewed_at = now;
    (void)pthread_mutex_unlock(&l->mutex);
    lock_leave(l, &old.id);
    return RC_OK;
}

static void
lose_locked(struct held_lock *l, const struct err *why)
{
    if (!l->lost)
        l->why = *why;
    l->lost = true;
}

/* False: it is time to stop. */
static bool
pause_locked(struct held_lock *l, int ms)
{
    int64_t until = clock_mono_ms() + ms;
    struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};

    while (!l->stop && pthread_cond_timedwait(&l->wake, &l->mutex, &t) != ETIMEDOUT)
        continue;
    return !l->stop;
}

/* The last look of a shared lock, while its holder reads already. */
static void
settle_locked(struct repo *r)
{
    struct held_lock *l = &r->lock;
    enum rc rc = RC_LOCKED;
    struct err e = ERR_INIT;

    l->cx.until = clock_mono_ms() + LOCK_CALL_MS;
    for (int i = 0; i < PATIENCE && rc != RC_OK && pause_locked(l, l->pace.settle); i++) {
        (void)pthread_mutex_unlock(&l->mutex);
        e = (struct err)ERR_INIT;
        rc = lock_check_others(&l->cx, r, false, &e);
        (void)pthread_mutex_lock(&l->mutex);
    }
    if (rc != RC_OK && !l->stop)
        lose_locked(l, &e);
    l->settled = true;
    (void)pthread_cond_broadcast(&l->wake);
}

static void *
keep_fresh(void *arg)
{
    struct repo *r = arg;
    struct held_lock *l = &r->lock;
    int wait_ms = l->pace.renew;

    (void)pthread_mutex_lock(&l->mutex);
    if (!l->settled)
        settle_locked(r);
    while (!l->lost && pause_locked(l, wait_ms)) {
        struct err e = ERR_INIT;
        enum rc rc;
        (void)pthread_mutex_unlock(&l->mutex);
        rc = lock_renew(r, &e);
        (void)pthread_mutex_lock(&l->mutex);
        if (rc == RC_LOCKED)
            lose_locked(l, &e);
        else if (rc == RC_OK && pause_locked(l, l->pace.settle)) {
            (void)pthread_mutex_unlock(&l->mutex);
            lock_sweep(l, r->store);
            (void)pthread_mutex_lock(&l->mutex);
        }
        wait_ms = rc == RC_OK ? l->pace.renew : l->pace.repeat;
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return NULL;
}

enum rc
repo_lock(struct ctx *cx, struct repo *r, bool exclusive, struct err *e)
{
    struct held_lock *l = &r->lock;

    BUG_ON(l->held);
    l->info = (struct lock_info){.time = instant_now(),
                                 .exclusive = exclusive,
                                 .pid = (uint64_t)getpid(),
                                 .uid = geteuid(),
                                 .gid = getegid()};
    whoami(l->info.hostname, l->info.username);
    lock_pid_space(l->info.pid_space);
    l->renewed_at = clock_boot_ms();
    if (exclusive)
        atomic_store(&r->reserve_is_due, true);
    ignore_hup(true);
    if (lock_check_others(cx, r, exclusive, e) || write_lock(cx, r, &l->info, &l->id, e))
        goto fail;
    l->held = true;
    if ((exclusive && ctx_sleep(cx, l->pace.settle, e)) || lock_check_others(cx, r, exclusive, e)) {
        l->held = false;
        lock_drop(r, &l->id);
        goto fail;
    }
    l->settled = exclusive || l->pace.settle == 0;
    l->stop = l->lost = false;
    if (thread_start(&l->thread, "lock", keep_fresh, r, e) == RC_OK)
        return RC_OK;
    l->held = false;
    lock_drop(r, &l->id);
fail:
    ignore_hup(false);
    return err_wrap(e, "could not lock the repository at %s", r->store->place);
}

void
repo_unlock(struct repo *r)
{
    struct held_lock *l = &r->lock;

    if (!l->held)
        return;
    (void)pthread_mutex_lock(&l->mutex);
    l->stop = true;
    (void)pthread_cond_broadcast(&l->wake);
    (void)pthread_mutex_unlock(&l->mutex);
    (void)pthread_join(l->thread, NULL);
    l->held = false;
    lock_drop(r, &l->id);
    ignore_hup(false);
}

enum rc
repo_lock_ok(struct repo *r, struct err *e)
{
    struct held_lock *l = &r->lock;
    int64_t slept, shown;
    bool lost;

    if (!l->held)
        return RC_OK;
    (void)pthread_mutex_lock(&l->mutex);
    while (!l->settled)
        (void)pthread_cond_wait(&l->wake, &l->mutex);
    slept = clock_boot_ms() - l->renewed_at;
    shown = clock_real_ms() - instant_ms(l->info.time); /* what others go by */
    lost = l->lost;
    if (lost)
        *e = l->why;
    (void)pthread_mutex_unlock(&l->mutex);
    if (lost)
        return err_wrap(e, "the lock of the repository at %s is lost", r->store->place);
    if (MAX(slept, shown) > l->pace.lost)
        return err_set(e, RC_LOCKED, "our lock of the repository could not be renewed in time");
    return RC_OK;
}

enum rc
repo_lock_prove(struct ctx *cx, struct repo *r, struct err *e)
{
    struct held_lock *l = &r->lock;
    bool was_renewed = true;

    if (repo_lock_ok(r, e))
        return err_code(e);
    while (l->held && was_renewed) {
        struct store_name name = {.type = STORE_LOCK};
        uint64_t bytes;
        enum rc rc;
        (void)pthread_mutex_lock(&l->mutex);
        name.id = l->id;
        (void)pthread_mutex_unlock(&l->mutex);
        rc = r->store->ops->stat(cx, r->store, &name, &bytes, e);
        if (rc == RC_OK)
            break;
        if (rc != RC_NOT_FOUND)
            return err_wrap(e, "could not see whether our lock holds");
        (void)say_removed(e);
        (void)pthread_mutex_lock(&l->mutex);
        was_renewed = !id_eq(&name.id, &l->id);
        if (!was_renewed)
            lose_locked(l, e);
        (void)pthread_mutex_unlock(&l->mutex);
    }
    return repo_lock_ok(r, e);
}
