/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_SAVE_INTERNAL_H
#define REPO_SAVE_INTERNAL_H

/*
 * repo/save_internal -- what save.c (files and chunks), save_blob.c (hash, look up, store) and
 * save_tree.c (trees, snapshot) share.
 *
 * Threads  `mutex` guards everything from `ready` on; `changed` is signalled with every change. No
 *          other lock is taken under it.
 */
#include "repo/blob_maker.h"
#include "repo/census.h"
#include "repo/format/chunker.h"
#include "repo/format/tree.h"
#include "crypto/idset.h"
#include "repo/packer.h"
#include "repo/save.h"

enum {
    CHUNKS_MAX = 40, /* buffers; address space only until they are used */
    CHUNK_HEAD = 64, /* before the bytes: the seal's IV goes there */
    SCAN_STEP = 64 * 1024,
    WORKERS_MAX = 16,
    HASH_BATCH = 12 /* chunks that one worker takes at once, to hash them side by side */
};

struct chunk {
    struct chunk *next;
    uint8_t *base; /* of the mapping */
    uint8_t *p;    /* base + CHUNK_HEAD */
    size_t n;
    size_t touched; /* bytes of the mapping that may be resident */
    size_t file, seq;
    struct id id;
};

struct save_file_info {
    char *name; /* NULL while it is being written */
    uint64_t bytes;
    struct id *content;
    size_t n, cap;
};

struct save {
    struct ctx *cx;
    struct repo *repo;
    struct packer *packer;
    struct census *census; /* of the packs that are counted on */
    size_t memory;         /* for chunks in flight */
    struct chunker chunker;
    struct instant started;
    struct wr wr;
    struct chunk *filling; /* the caller's thread only, as scan */
    struct chunk_scan scan;
    pthread_t threads[WORKERS_MAX];
    unsigned n_threads;
    struct blob_maker makers[WORKERS_MAX + 1]; /* the last one is the caller's */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct chunk chunks[CHUNKS_MAX];
    struct chunk *idle;
    struct chunk *ready, **ready_end; /* cut, in order */
    size_t n_ready, n_busy;           /* waiting; with a worker */
    size_t touched;                   /* of all chunks */
    bool closing;                     /* no more chunks will come */
    bool failed;
    struct err first;
    struct idset claimed[2]; /* by enum blob_type: stored by this save or on the way */
    struct save_file_info *files;
    size_t n_files;
    struct save_stats stats;
};

/* Note a failure; the first one counts. Returns its code. */
enum rc save_fail(struct save *s, const struct err *e);
/* RC_OK, or the first failure. */
enum rc save_check(struct save *s, struct err *e);

void *save_worker(void *arg); /* a struct save_worker_arg, freed by it */
struct save_worker_arg {
    struct save *save;
    struct blob_maker *maker;
};

/*
 * Store a blob of which nobody else is asked: p[-SEAL_IV .. n + SEAL_MAC) may be written over. `id`
 * is its hash.
 */
NODISCARD enum rc save_blob(struct save *s, struct blob_maker *m, enum blob_type type,
                            const struct id *id, uint8_t *p, size_t n, struct err *e);

/* Trees of all files; the root's ID. */
NODISCARD enum rc save_trees(struct save *s, struct instant time, struct id *root, struct err *e);
NODISCARD enum rc save_snapshot(struct save *s, const struct save_meta *meta, const struct id *root,
                                struct id *id, struct err *e);

#endif
