/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_REPO_INTERNAL_H
#define REPO_REPO_INTERNAL_H

/*
 * repo/repo_internal -- what the files of this folder share.
 *
 * Threads  `work` guards sealer and zstd (the lock's thread seals too). The index is only read
 *          after it was loaded. Worker threads make their own sealers from `key`.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "codec/zstd.h"
#include "repo/engine.h"
#include "repo/format/lock_json.h"

enum { LOCK_LITTER_MAX = 8 };

/* The lock that this process holds. */
struct held_lock {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t wake;
    pthread_t thread;
    struct ctx cx; /* of the lock's own calls: not cancelled with the work */
    struct lock_pace pace;
    bool held, stop;
    bool settled; /* the last look for others was taken: what is written now is safe */
    bool lost;
    struct err why; /* it was lost */
    struct lock_info info;
    struct id id;
    int64_t renewed_at; /* clock_boot_ms */
    /* Files of ours that may be in the store and are to go as soon as it lets us. */
    struct id litter[LOCK_LITTER_MAX + 1]; /* with this many no lock is written any more */
    size_t n_litter;
};

struct repo {
    struct store *store; /* borrowed, or `cache` in front of it */
    struct store *cache;
    struct config config;
    struct seal_key key;
    struct id key_id; /* the key file that opened */
    struct index *index;
    bool index_is_fresh;
    pthread_mutex_t work;
    struct sealer *sealer;
    struct zstd_enc *zstd;
    struct held_lock lock;
    /* Of a store that may be full (docs/adr/0024). */
    bool makes_room; /* what is written now lets more be removed: it may use the reserve */
    atomic_bool reserve_is_due; /* as soon as there is room: we used it, or may remove things */
};

void lock_setup(struct repo *r);
void lock_teardown(struct repo *r);
enum {
    LOCK_STALE_MS = 30 * 60 * 1000, /* one that nobody renewed for so long holds no more */
    LOCK_CALL_MS = 60 * 1000        /* of one call to the store, while we hold one */
};
static inline struct store_name
lock_name(const struct id *id)
{
    return (struct store_name){.type = STORE_LOCK, .id = *id};
}
/* In which processes have the numbers that they have; "" when /proc does not say. */
void lock_pid_space(char to[static LOCK_NAME_MAX]);
/* Does a lock of others stand in the way? RC_LOCKED says whose; e->retry: it may go. */
NODISCARD enum rc lock_check_others(struct ctx *cx, struct repo *r, bool exclusive, struct err *e);
NODISCARD enum rc lock_load(struct ctx *cx, struct repo *r, const struct id *id,
                            struct lock_info *out, struct err *e);
/* What lock_load returns of one that is there, but nobody can say whose it is. */
bool lock_is_unreadable(enum rc rc);
/* Has its process ended, or has nobody renewed it for so long? */
NODISCARD enum rc lock_is_stale(struct ctx *cx, struct repo *r, const struct id *id,
                                const struct lock_info *l, bool *stale, struct err *e);
/* Any thread. */
bool lock_is_ours(struct repo *r, const struct id *id);

/* Who we are, for keys, locks and snapshots; "" when unknown. */
void whoami(char host[static LOCK_NAME_MAX], char user[static LOCK_NAME_MAX]);

#endif
