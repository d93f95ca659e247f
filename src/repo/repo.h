/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_REPO_H
#define REPO_REPO_H

/*
 * repo/repo -- a restic repository in a store: make, open, lock.
 *
 * Why      everything else (save, load, check, ...) works on a struct repo.
 * Order    open, lock, load the index, work, unlock. Readers without a lock list snapshots before
 *          they load the index.
 * Threads  one thread calls; the lock is kept fresh by a thread inside.
 * Source   restic doc/design.rst.
 */
#include "base/ctx.h"
#include "store/store.h"

struct repo;

struct repo_init_opts {
    unsigned version;    /* 1 or 2; 0: 2 */
    bool fast_kdf;       /* tests only: a key that costs nothing to derive; repo_test_fast_kdf */
    uint64_t polynomial; /* decides where chunks are cut; 0: a random one */
    const char *key_user,
        *key_host; /* what the key says of who made it; NULL: who runs this, and where */
};

/* Does CSTASH_TEST_FAST_KDF ask for such a key? Warns; never in a release build. */
bool repo_test_fast_kdf(void);

/*
 * Make a repository. The key file is written first and config last: without config there is none.
 * RC_EXISTS if there is one already; `opts` may be NULL.
 */
NODISCARD enum rc repo_init(struct ctx *cx, struct store *s, struct str password,
                            const struct repo_init_opts *opts, struct id *repo_id, struct err *e);

/*
 * Open one. `s` is borrowed until repo_close. RC_NO_REPOSITORY: no config there; RC_WRONG_PASSWORD:
 * no key of it opens; RC_CORRUPT: names the file.
 */
NODISCARD enum rc repo_open(struct ctx *cx, struct store *s, struct str password, struct repo **out,
                            struct err *e);
/* Removes the lock too, if it is still held. NULL is a no-op. */
void repo_close(struct repo *r);

/*
 * Keep copies of metadata in a folder of the repository's own below `base` (store/cache.h). Nothing
 * happens for a store that is not remote. Before anything is read; `base` is made when needed.
 */
void repo_use_cache(struct repo *r, const char *base);

unsigned repo_version(const struct repo *r);
const struct id *repo_id(const struct repo *r);
/* Two repositories cut the same chunks, and so share blobs, when this is the same. */
uint64_t repo_polynomial(const struct repo *r);
/* The store, for messages (its place) and for what the repository does not wrap. */
struct store *repo_store(const struct repo *r);

/*
 * Take the lock: shared for whatever adds or reads, exclusive for whatever removes. Competitors are
 * looked for before it is written, after that, and after a pause; a shared one does not wait for
 * the pause, which repo_lock_ok does (docs/adr/0015). A thread writes it anew every five minutes
 * until repo_unlock. SIGHUP is ignored meanwhile, since `restic unlock` sends it to see who lives.
 * RC_LOCKED: says who holds it, and the hint how to go on.
 */
NODISCARD enum rc repo_lock(struct ctx *cx, struct repo *r, bool exclusive, struct err *e);
void repo_unlock(struct repo *r);
/*
 * RC_OK while the lock protects us (or none was taken); RC_LOCKED when it was lost, or not renewed
 * for so long (also because the machine slept) that others may take us for dead. Ask before every
 * write; costs nothing but the rest of a shared lock's pause. Any thread.
 */
NODISCARD enum rc repo_lock_ok(struct repo *r, struct err *e);
/* The same, and the store still has our lock: ask before what cannot be taken back. */
NODISCARD enum rc repo_lock_prove(struct ctx *cx, struct repo *r, struct err *e);

/* How a lock is kept, in milliseconds. Tests have less time; before repo_lock. */
struct lock_pace {
    int settle;        /* pause before competitors are looked for again */
    int renew, repeat; /* between renewals; after one that failed */
    int lost;          /* not renewed for so long: stop */
};
void repo_set_lock_pace(struct repo *r, struct lock_pace pace);

/*
 * Remove locks of the dead: older than 30 minutes, or of a process of this host that is gone; what
 * cannot be read is nobody's proof, and stays. `all`: every lock. Times are those of the writers'
 * clocks: hosts that share a repository must agree on the time to within some minutes.
 */
NODISCARD enum rc repo_unlock_stale(struct ctx *cx, struct repo *r, bool all, size_t *removed,
                                    struct err *e);

/* Read all index files. What is called later does it when nobody has; again after a save. */
NODISCARD enum rc repo_load_index(struct ctx *cx, struct repo *r, struct err *e);

/*
 * Make a repository of version 1 one of version 2: config is written anew, in place of the old one
 * where the store can, else after the old one was removed. If that fails the old config is put
 * back. `keep` is given its stored bytes before anything is changed, to save
 * them somewhere else; its error ends the upgrade. The caller holds the exclusive lock.
 */
typedef enum rc repo_keep_fn(void *arg, struct str config, struct err *e);
NODISCARD enum rc repo_upgrade(struct ctx *cx, struct repo *r, repo_keep_fn *keep, void *arg,
                               struct err *e);

#endif
