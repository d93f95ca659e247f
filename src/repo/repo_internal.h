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

#include "base/parallel.h"
#include "base/stream.h"
#include "codec/zstd.h"
#include "repo/format/config.h"
#include "repo/format/lock_json.h"
#include "repo/format/snapshot_json.h"
#include "repo/index.h"
#include "repo/repo.h"

enum {
    SNAPSHOT_MAX = 16 * 1024 * 1024,
    LOCK_FILE_MAX = 1024 * 1024,
    KEY_FILE_MAX = 1024 * 1024,
    CONFIG_MAX = 64 * 1024,
    INDEX_FILE_MAX = 256 * 1024 * 1024,  /* as stored; restic aims at 8 MiB */
    INDEX_TEXT_MAX = 1024 * 1024 * 1024, /* decoded; read as a stream */
    BLOB_MAX = 64 * 1024 * 1024,         /* data; restic cuts at 8 MiB */
    TREE_MAX = 1024 * 1024 * 1024
};

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

/* parallel_workers for work that mostly waits for the store. */
static inline unsigned
repo_workers(const struct repo *r)
{
    return parallel_workers(r->store->connections);
}

/* Reads the plaintext of an unpacked file. */
typedef enum rc unpacked_fn(void *arg, struct rd *rd, struct err *e);

/* The most that is taken of a file: as it is stored, and of its text. */
struct unpacked_max {
    size_t stored, text;
};

/*
 * Unpacked files: snapshots, indexes, locks. The hash of the bytes must be the name. Errors name
 * the file.
 */
NODISCARD enum rc unpacked_read(struct ctx *cx, struct repo *r, const struct store_name *name,
                                struct unpacked_max max, unpacked_fn *fn, void *arg, struct err *e);
/* The whole text, appended to `out`; its ceiling holds. */
NODISCARD enum rc unpacked_load(struct ctx *cx, struct repo *r, const struct store_name *name,
                                struct buf *out, struct err *e);
/*
 * Seal (and compress) and store. `*id` gets the name and `*bytes` (may be NULL) the size, also when
 * the store failed: the file may be there all the same. In a store that is full, locks go into the room that was set aside, and so
 * does the rest while r->makes_room.
 */
NODISCARD enum rc unpacked_save(struct ctx *cx, struct repo *r, enum store_type type,
                                struct str text, struct id *id, uint64_t *bytes, struct err *e);

/*
 * The same for an index file or a snapshot, between two proofs of our lock, and then the store's word
 * is proven: what is published is believed by everybody. RC_LOCKED: the lock is gone. RC_IO,
 * RC_CORRUPT: the file is not there, or not whole (docs/adr/0028). Nothing stays of it then.
 */
NODISCARD enum rc repo_publish(struct ctx *cx, struct repo *r, enum store_type type,
                               struct str text, struct id *id, struct err *e);

/*
 * Remove files of one type, several at a time, our lock looked at before each (but of locks), and see that they are
 * gone: a store may say so and keep them (docs/adr/0028). RC_IO: names those that stayed. `*gone` (may
 * be NULL) counts the others, also then. Every removal that is reported goes through here.
 */
NODISCARD enum rc repo_remove(struct ctx *cx, struct repo *r, enum store_type type,
                              const struct id *ids, size_t n, size_t *gone, struct err *e);

/* Asked about an index file that cannot be read (one call at a time): RC_OK goes on without it.
 * What stood before the damage may have been taken. */
struct index_bad {
    enum rc (*fn)(void *arg, const struct id *file, struct err *e);
    void *arg;
};
/* As repo_load_index; `bad` may be NULL. */
NODISCARD enum rc index_load_but(struct ctx *cx, struct repo *r, const struct index_bad *bad,
                                 struct err *e);

/* Set room aside in the store for when it is full, as far as there is any. Returns how many bytes
 * are left; UINT64_MAX: not known. */
uint64_t repo_keep_reserve(struct ctx *cx, struct repo *r);

/* The index, loaded if it is not, or if a save has made it old. */
NODISCARD enum rc repo_need_index(struct ctx *cx, struct repo *r, struct err *e);

void lock_setup(struct repo *r);
void lock_teardown(struct repo *r);
NODISCARD enum rc lock_load(struct ctx *cx, struct repo *r, const struct id *id,
                            struct lock_info *out, struct err *e);
/* What lock_load returns of one that is there, but nobody can say whose it is. */
bool lock_is_unreadable(enum rc rc);
/* Has its process ended, or has nobody renewed it for so long? */
NODISCARD enum rc lock_is_stale(struct ctx *cx, struct repo *r, const struct id *id,
                                const struct lock_info *l, bool *stale, struct err *e);
/* Any thread. */
bool lock_is_ours(struct repo *r, const struct id *id);

/* A list of IDs from the store. */
struct id_list {
    struct id *ids;
    uint64_t *bytes;
    size_t n, cap;
};
NODISCARD enum rc id_list_load(struct ctx *cx, struct repo *r, enum store_type type,
                               struct id_list *out, struct err *e);
void id_list_add(struct id_list *l, const struct id *id, uint64_t bytes);
void id_list_release(struct id_list *l);

/* Who we are, for keys, locks and snapshots; "" when unknown. */
void whoami(char host[static LOCK_NAME_MAX], char user[static LOCK_NAME_MAX]);

#endif
