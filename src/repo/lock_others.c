/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of others: whose they are, whether they still count, and whether one stands in the way. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "repo/repo_internal.h"

enum { LOOKS_MAX = 20 }; /* at a list of locks that changes meanwhile */

bool
lock_is_ours(struct repo *r, const struct id *id)
{
    struct held_lock *l = &r->lock;
    bool ours;

    (void)pthread_mutex_lock(&l->mutex);
    ours = l->held && id_eq(&l->id, id);
    for (size_t i = 0; !ours && i < l->n_litter; i++)
        ours = id_eq(&l->litter[i], id);
    (void)pthread_mutex_unlock(&l->mutex);
    return ours;
}

void
lock_pid_space(char to[static LOCK_NAME_MAX])
{
    CLEANUP(buf_release) struct buf boot = BUF_INIT(LOCK_NAME_MAX);
    struct err e = ERR_INIT;
    char space[64] = "";

    to[0] = '\0';
    if (fs_read_file("/proc/sys/kernel/random/boot_id", &boot, &e) || boot.n == 0 ||
        readlink("/proc/self/ns/pid", space, sizeof(space) - 1) <= 0)
        return;
    (void)snprintf(to, LOCK_NAME_MAX, "%.*s %s", (int)boot.n - 1, (const char *)boot.p, space);
}

/* Has its process of this machine ended? `surely`: not only as far as its name and number say. */
static bool
is_dead(const struct lock_info *l, bool surely)
{
    char host[LOCK_NAME_MAX], user[LOCK_NAME_MAX], space[LOCK_NAME_MAX];

    whoami(host, user);
    lock_pid_space(space);
    if (host[0] == '\0' || strcmp(host, l->hostname) != 0 || l->pid == 0 || l->pid > INT32_MAX)
        return false;
    if ((surely || l->pid_space[0] != '\0') &&
        (space[0] == '\0' || strcmp(space, l->pid_space) != 0))
        return false;
    return kill((pid_t)l->pid, 0) != 0 && errno == ESRCH;
}

/*
 * How long nobody has renewed it. The store's clock decides: that of this machine, or of the
 * holder's, may be wrong, and a lock that is taken away from a running backup costs its data.
 */
static enum rc
lock_age(struct ctx *cx, struct repo *r, const struct id *id, const struct lock_info *l,
         int64_t *ms, struct err *e)
{
    struct store_name name = lock_name(id);
    struct store_age age = {.claimed = instant_ms(l->time)};
    struct err why = ERR_INIT;
    enum rc rc = store_age(cx, r->store, &name, &age, &why);

    if (rc == RC_UNSUPPORTED)
        age.ms = clock_real_ms() - age.claimed;
    if (rc != RC_OK && rc != RC_UNSUPPORTED) {
        *e = why;
        return rc;
    }
    if (age.ms > LOCK_STALE_MS && (rc == RC_UNSUPPORTED || age.by_claim))
        log_warn(
            "%s does not tell when a file was written: the age of a lock is judged by the clock "
            "of its holder%s",
            r->store->place, rc == RC_OK ? "" : " and of this machine");
    *ms = age.ms;
    return RC_OK;
}

enum rc
lock_is_stale(struct ctx *cx, struct repo *r, const struct id *id, const struct lock_info *l,
              bool *stale, struct err *e)
{
    int64_t age = 0;

    *stale = is_dead(l, false);
    if (*stale)
        return RC_OK;
    if (lock_age(cx, r, id, l, &age, e))
        return err_code(e);
    *stale = age > LOCK_STALE_MS;
    return RC_OK;
}

enum rc
lock_load(struct ctx *cx, struct repo *r, const struct id *id, struct lock_info *out, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(LOCK_FILE_MAX);
    struct store_name name = lock_name(id);

    if (unpacked_load(cx, r, &name, &text, e))
        return err_code(e);
    return lock_decode(buf_str(&text), out, e);
}

bool
lock_is_unreadable(enum rc rc)
{
    return rc == RC_CORRUPT || rc == RC_LIMIT || rc == RC_INVALID || rc == RC_UNSUPPORTED;
}

static enum rc
say_locked(struct ctx *cx, struct repo *r, const struct id *id, const struct lock_info *l,
           struct err *e)
{
    char time[INSTANT_TEXT];
    struct err ignored = ERR_INIT; /* it is only for the hint */
    bool stale = false;
    enum rc known = lock_is_stale(cx, r, id, l, &stale, &ignored);

    (void)err_set(
        e, RC_LOCKED, "the repository is locked%s by %s on %s (process %" PRIu64 ") since %s",
        l->exclusive ? " exclusively" : "", l->username[0] != '\0' ? l->username : "somebody",
        l->hostname[0] != '\0' ? l->hostname : "an unknown host", l->pid,
        instant_format(l->time, time));
    e->retry = true;
    if (known == RC_OK && stale)
        return err_hint(e, "that process is gone or stuck: remove its lock with `cstash unlock`");
    return err_hint(e, "wait for it to end; if it is gone, run `cstash unlock`");
}

/* What was left by one of ours that was killed stops nobody, and goes. */
static bool
is_left_behind(struct ctx *cx, struct repo *r, const struct id *id, const struct lock_info *l)
{
    struct store_name name = lock_name(id);
    struct err ignored = ERR_INIT; /* who looks next removes it */
    enum rc rc;

    if (!is_dead(l, true))
        return false;
    rc = r->store->ops->del(cx, r->store, &name, &ignored);
    log_debug("the lock of process %" PRIu64 ", which has ended, %s", l->pid,
              rc == RC_OK ? "is removed" : "could not be removed");
    return true;
}

/* One look at the locks. RC_NOT_FOUND: one went away meanwhile, released or renewed. */
static enum rc
lock_look(struct ctx *cx, struct repo *r, bool exclusive, struct err *e)
{
    struct id_list locks = {.n = 0};
    enum rc rc = id_list_load(cx, r, STORE_LOCK, &locks, e);

    for (size_t i = 0; rc == RC_OK && i < locks.n; i++) {
        struct lock_info info;
        /* An empty file is the trace of a crash on a store that is not atomic. */
        if (locks.bytes[i] == 0 || lock_is_ours(r, &locks.ids[i]))
            continue;
        rc = lock_load(cx, r, &locks.ids[i], &info, e);
        if (lock_is_unreadable(rc)) {
            e->code = rc = RC_LOCKED;
            (void)err_wrap(e, "the repository has a lock that cannot be understood");
            (void)err_hint(e, "if no other process uses the repository, `cstash unlock "
                              "--remove-all` removes all locks");
        } else if (rc == RC_OK && (exclusive || info.exclusive) &&
                   !is_left_behind(cx, r, &locks.ids[i], &info)) {
            rc = say_locked(cx, r, &locks.ids[i], &info, e);
        }
    }
    id_list_release(&locks);
    return rc;
}

/* A renewed lock has a new name, which a list made before lacks. */
enum rc
lock_check_others(struct ctx *cx, struct repo *r, bool exclusive, struct err *e)
{
    enum rc rc = RC_NOT_FOUND;

    for (int i = 0; rc == RC_NOT_FOUND && i < LOOKS_MAX; i++)
        rc = lock_look(cx, r, exclusive, e);
    if (rc != RC_NOT_FOUND)
        return rc;
    e->code = RC_LOCKED;
    e->retry = true;
    return err_wrap(e, "the locks change all the time");
}
