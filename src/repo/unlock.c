/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of others that go. */
#include "repo/repo_internal.h"

/* May it be removed? What is gone or cannot be read need not be. */
static enum rc
lock_judge(struct ctx *cx, struct repo *r, const struct id *id, bool *dead, struct err *e)
{
    struct lock_info info;
    enum rc rc = lock_load(cx, r, id, &info, e);

    *dead = false;
    if (rc == RC_OK)
        rc = lock_is_stale(cx, r, id, &info, dead, e);
    return rc == RC_NOT_FOUND || lock_is_unreadable(rc) ? RC_OK : rc;
}

enum rc
repo_unlock_stale(struct ctx *cx, struct repo *r, bool all, size_t *removed, struct err *e)
{
    struct id_list locks = {.n = 0};
    enum rc rc = id_list_load(cx, r, STORE_LOCK, &locks, e);
    size_t n = 0;

    for (size_t i = 0; rc == RC_OK && i < locks.n; i++) {
        bool dead = all;
        if (lock_is_ours(r, &locks.ids[i]))
            continue;
        if (!all)
            rc = lock_judge(cx, r, &locks.ids[i], &dead, e);
        if (dead)
            locks.ids[n++] = locks.ids[i];
    }
    if (rc == RC_OK)
        rc = repo_remove(cx, r, STORE_LOCK, locks.ids, n, removed, e);
    id_list_release(&locks);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not remove locks");
}
