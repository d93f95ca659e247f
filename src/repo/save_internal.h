/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_SAVE_INTERNAL_H
#define REPO_SAVE_INTERNAL_H

/*
 * repo/save_internal -- what save.c (files and chunks), save_lanes.c (several streams), save_blob.c (hash,
 * look up, store) and save_tree.c (trees, snapshot) share.
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
    char *name; /* NULL while it is being written, and of what a lane gave up */
    uint64_t bytes;
    struct id *content;
    size_t n, cap;
    size_t *parts; /* whose content is this one's, in order; until the save is committed */
    size_t n_parts;
};

/* One stream that is cut into chunks; of one thread at a time. */
struct save_lane {
    struct save *save;
    struct wr wr;
    struct chunk *filling;
    struct chunk_scan scan;
    size_t file; /* of save.files */
    uint64_t bytes;
    size_t
        most; /* a chunk is cut here at the latest, a multiple of SCAN_STEP; 0: where the chunker says */
    bool as_told; /* and nowhere else but where the caller says */
};

struct save {
    struct ctx *cx;
    struct repo *repo;
    struct packer *packer;
    struct census *census; /* of the packs that are counted on */
    size_t memory;         /* for chunks in flight */
    struct chunker chunker;
    struct instant started;
    struct save_lane main; /* of files that are one stream */
    struct save_lane side; /* of one that is written beside them */
    struct save_lane *lanes;
    unsigned n_lanes;
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

/* A new file, of no name yet; its number. */
size_t save_file_add(struct save *s);
/* The file is whole. RC_INVALID: as save_file_end. */
NODISCARD enum rc save_file_name(struct save *s, size_t file, const char *name, struct err *e);
/* The wr of a lane. */
enum rc save_lane_write(struct wr *w, const uint8_t *p, size_t n, struct err *e);
/* What a lane still holds becomes its last chunks. */
NODISCARD enum rc save_lane_flush(struct save_lane *l, struct err *e);
/* Once all chunks are stored: files of several parts get the content of these. */
void save_join_parts(struct save *s);

/* Trees of all files; the root's ID. */
NODISCARD enum rc save_trees(struct save *s, struct instant time, struct id *root, struct err *e);
NODISCARD enum rc save_snapshot(struct save *s, const struct save_meta *meta, const struct id *root,
                                struct id *id, struct err *e);

#endif
