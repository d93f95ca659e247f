/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "repo/repo_internal.h"

enum {
    SETTLE_MS = 200, /* restic's pause before it looks for a competitor again */
    RENEW_MS = 5 * 60 * 1000,
    RENEW_RETRY_MS = 30 * 1000,
    STALE_MS = 30 * 60 * 1000,
    LOST_MS = STALE_MS - 3 * RENEW_MS / 2, /* not renewed for so long: stop */
    CALL_MS = 60 * 1000
};

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
}

void
lock_teardown(struct repo *r)
{
    (void)pthread_mutex_destroy(&r->lock.mutex);
    (void)pthread_cond_destroy(&r->lock.wake);
}

static struct store_name
lock_name(const struct id *id)
{
    return (struct store_name){.type = STORE_LOCK, .id = *id};
}

static bool
is_stale(const struct lock_info *l)
{
    char host[LOCK_NAME_MAX], user[LOCK_NAME_MAX];

    if (clock_real_ms() - instant_ms(l->time) > STALE_MS)
        return true;
    whoami(host, user);
    if (host[0] == '\0' || strcmp(host, l->hostname) != 0 || l->pid == 0 || l->pid > INT32_MAX)
        return false;
    return kill((pid_t)l->pid, 0) != 0 && errno == ESRCH;
}

static enum rc
load_lock(struct ctx *cx, struct repo *r, const struct id *id, struct lock_info *out, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(LOCK_FILE_MAX);
    struct store_name name = lock_name(id);

    if (unpacked_load(cx, r, &name, &text, e))
        return e->code;
    return lock_decode(buf_str(&text), out, e);
}

static enum rc
say_locked(const struct lock_info *l, struct err *e)
{
    char time[INSTANT_TEXT];
    bool stale = is_stale(l);

    (void)err_set(
        e, RC_LOCKED, "the repository is locked%s by %s on %s (process %" PRIu64 ") since %s",
        l->exclusive ? " exclusively" : "", l->username[0] != '\0' ? l->username : "somebody",
        l->hostname[0] != '\0' ? l->hostname : "an unknown host", l->pid,
        instant_format(l->time, time));
    e->retry = true;
    if (stale)
        return err_hint(e, "that process is gone or stuck: remove its lock with `cstash unlock`");
    return err_hint(e, "wait for it to end; if it is gone, run `cstash unlock`");
}

/* Does a lock other than `mine` (may be NULL) stand in the way? */
static enum rc
check_others(struct ctx *cx, struct repo *r, bool exclusive, const struct id *mine, struct err *e)
{
    struct id_list locks = {.n = 0};
    enum rc rc = id_list_load(cx, r, STORE_LOCK, &locks, e);

    for (size_t i = 0; rc == RC_OK && i < locks.n; i++) {
        struct lock_info info;
        /* An empty file is the trace of a crash on a store that is not atomic. */
        if (locks.bytes[i] == 0 || (mine != NULL && id_eq(mine, &locks.ids[i])))
            continue;
        rc = load_lock(cx, r, &locks.ids[i], &info, e);
        if (rc == RC_NOT_FOUND) {
            rc = RC_OK; /* released just now */
        } else if (rc == RC_CORRUPT) {
            e->code = rc = RC_LOCKED;
            (void)err_wrap(e, "the repository has a lock that cannot be understood");
            (void)err_hint(e, "if nobody uses the repository, run `cstash unlock --remove-all`");
        } else if (rc == RC_OK && (exclusive || info.exclusive)) {
            rc = say_locked(&info, e);
        }
    }
    id_list_release(&locks);
    return rc;
}

static enum rc
write_lock(struct ctx *cx, struct repo *r, const struct lock_info *info, struct id *id,
           struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(LOCK_FILE_MAX);

    if (lock_encode(info, &text, e))
        return e->code;
    return unpacked_save(cx, r, STORE_LOCK, buf_str(&text), id, e);
}

/* A new file with a new time, then the old one away. RC_LOCKED: somebody removed ours. */
static enum rc
renew(struct repo *r, struct err *e)
{
    struct held_lock *l = &r->lock;
    struct store_name old = lock_name(&l->id);
    struct lock_info info = l->info;
    uint64_t bytes;
    struct id id;
    enum rc rc = r->store->ops->stat(&l->cx, r->store, &old, &bytes, e);

    if (rc == RC_NOT_FOUND)
        return err_set(e, RC_LOCKED, "somebody removed our lock of the repository");
    if (rc)
        return rc;
    info.time = instant_now();
    if (write_lock(&l->cx, r, &info, &id, e))
        return e->code;
    (void)pthread_mutex_lock(&l->mutex);
    l->id = id;
    l->info = info;
    l->renewed_at = clock_mono_ms();
    (void)pthread_mutex_unlock(&l->mutex);
    return r->store->ops->del(&l->cx, r->store, &old, e);
}

static void *
keep_fresh(void *arg)
{
    struct repo *r = arg;
    struct held_lock *l = &r->lock;
    int64_t wait_ms = RENEW_MS;

    (void)pthread_mutex_lock(&l->mutex);
    while (!l->stop) {
        int64_t until = clock_mono_ms() + wait_ms;
        struct timespec t = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
        struct err e = ERR_INIT;
        enum rc rc;
        while (!l->stop && pthread_cond_timedwait(&l->wake, &l->mutex, &t) != ETIMEDOUT)
            continue;
        if (l->stop)
            break;
        (void)pthread_mutex_unlock(&l->mutex);
        l->cx.until = clock_mono_ms() + CALL_MS;
        rc = renew(r, &e);
        (void)pthread_mutex_lock(&l->mutex);
        l->lost = l->lost || rc == RC_LOCKED;
        wait_ms = rc == RC_OK ? RENEW_MS : RENEW_RETRY_MS;
    }
    (void)pthread_mutex_unlock(&l->mutex);
    return NULL;
}

static void
remove_own(struct repo *r)
{
    struct store_name name = lock_name(&r->lock.id);
    struct err ignored = ERR_INIT;

    r->lock.cx.until = clock_mono_ms() + CALL_MS;
    /* A lock that stays is stale in half an hour, and there is nobody left to tell. */
    if (r->store->ops->del(&r->lock.cx, r->store, &name, &ignored))
        return;
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
    ignore_hup(true);
    if (check_others(cx, r, exclusive, NULL, e) || write_lock(cx, r, &l->info, &l->id, e))
        goto fail;
    l->renewed_at = clock_mono_ms();
    if (ctx_sleep(cx, SETTLE_MS, e) || check_others(cx, r, exclusive, &l->id, e)) {
        remove_own(r);
        goto fail;
    }
    l->stop = l->lost = false;
    if (pthread_create(&l->thread, NULL, keep_fresh, r) != 0)
        BUG("no thread for the lock");
    l->held = true;
    return RC_OK;
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
    remove_own(r);
    l->held = false;
    ignore_hup(false);
}

enum rc
repo_lock_ok(struct repo *r, struct err *e)
{
    struct held_lock *l = &r->lock;
    int64_t age;
    bool lost;

    if (!l->held)
        return RC_OK;
    (void)pthread_mutex_lock(&l->mutex);
    age = clock_mono_ms() - l->renewed_at;
    lost = l->lost;
    (void)pthread_mutex_unlock(&l->mutex);
    if (lost)
        return err_set(e, RC_LOCKED, "somebody removed our lock of the repository");
    if (age > LOST_MS)
        return err_set(e, RC_LOCKED, "our lock of the repository could not be renewed in time");
    return RC_OK;
}

enum rc
repo_unlock_stale(struct ctx *cx, struct repo *r, bool all, size_t *removed, struct err *e)
{
    struct id_list locks = {.n = 0};
    enum rc rc = id_list_load(cx, r, STORE_LOCK, &locks, e);
    size_t n = 0;

    for (size_t i = 0; rc == RC_OK && i < locks.n; i++) {
        struct store_name name = lock_name(&locks.ids[i]);
        struct lock_info info;
        if (r->lock.held && id_eq(&r->lock.id, &locks.ids[i]))
            continue;
        if (!all) {
            rc = load_lock(cx, r, &locks.ids[i], &info, e);
            if (rc == RC_NOT_FOUND || rc == RC_CORRUPT) {
                rc = RC_OK; /* what cannot be read cannot be judged: only `all` removes it */
                continue;
            }
            if (rc || !is_stale(&info))
                continue;
        }
        rc = r->store->ops->del(cx, r->store, &name, e);
        n += rc == RC_OK;
    }
    id_list_release(&locks);
    if (rc)
        return err_wrap(e, "could not remove locks");
    *removed = n;
    return RC_OK;
}
