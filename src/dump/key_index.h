/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_KEY_INDEX_H
#define DUMP_KEY_INDEX_H

/*
 * dump/key_index -- where in a dump a key stands, so that one key costs a few reads and not all of it.
 *
 * Shape    a dump is taken as blocks of whole keys, of about KEY_BLOCK bytes; the index leads from the hash of a key's
 *          database and name to its block. It is a file of blobs that are read singly: for each run of KEY_RUN keys some
 *          pages, sorted by hash, and a table of its blocks; the last blob is a small directory (docs/format/dump.md).
 * Why runs what is sorted at once fits into memory whatever the dump's size; a look reads one page of each run.
 * Trust    it is a hint. A place that it gives may hold another key of the same hash; a key that it gives no place for is
 *          not in the dump.
 * Memory   at most 8 MiB for writing, less for few keys; the directory and one page of each run for looking.
 * Threads  each lane has one at a time, beside those of the others.
 * Tests    key_index_test.c, fuzz/key_index.c, tests/integration/look.bats
 */
#include "base/err.h"
#include "base/str.h"

enum { KEY_BLOCK = 256 * 1024, KEY_BLOCK_KEYS = 8192, KEY_RUN = 512 * 1024, KEY_PAGE = 128 * 1024 };

/* ---- while the dump is written ---- */

/* Where blobs go; each call is one, of at most 8 MiB. */
struct key_index_sink {
    enum rc (*blob)(struct key_index_sink *s, struct str bytes, struct err *e);
};

struct key_index;
struct key_lane;

/* Of a dump of so many lanes. `seed` makes hashes that nobody outside can foresee. `to` is borrowed. */
struct key_index *key_index_new(uint64_t seed, unsigned n_lanes, struct key_index_sink *to);
void key_index_free(struct key_index *x);
/* Begin the lane; once more: what was said of it before holds no longer. Borrowed. */
struct key_lane *key_index_lane(struct key_index *x, unsigned i);
/* A key begins `at` so many bytes of its lane. */
NODISCARD enum rc key_lane_key(struct key_lane *l, uint64_t at, uint64_t db, struct str name,
                               struct err *e);
/* The last key ends here. */
NODISCARD enum rc key_lane_end(struct key_lane *l, uint64_t at, struct err *e);
/* All lanes are ended. `starts`: where each begins in the dump, which has `size` bytes. */
NODISCARD enum rc key_index_end(struct key_index *x, const uint64_t *starts, uint64_t size,
                                struct err *e);

/* ---- to find a key ---- */

/* The directory, read; its bytes are borrowed. */
struct key_dir {
    uint64_t seed, size, n_lanes, n_runs;
    size_t n_blobs; /* before the directory */
    struct str lanes, runs;
};
/* RC_CORRUPT; RC_UNSUPPORTED: of a later version. */
NODISCARD enum rc key_dir_read(struct str blob, struct key_dir *out, struct err *e);

uint32_t key_hash(const struct key_dir *d, uint64_t db, struct str name);

/* Two blobs to read: of a run, the page that has the hash if any has, and the table of its blocks. */
struct key_want {
    size_t page, blocks; /* their numbers in the file */
    uint32_t page_bytes, blocks_bytes;
};
/* Where in the directory one is. Zero it first. */
struct key_walk {
    uint64_t run;
    size_t blob, at;
};
/* Of the next run that may have the hash. False: there is none. */
bool key_dir_next(const struct key_dir *d, struct key_walk *w, uint32_t hash, struct key_want *out);

/* Bytes of the dump that are whole keys, the first of which is of database `db`. */
struct key_place {
    uint64_t at, n, db;
};
enum { KEY_PLACES = 16 };
/* Those that both blobs tell of, at most KEY_PLACES, into `out`; *n counts them. RC_LIMIT: there are more. */
NODISCARD enum rc key_want_read(const struct key_dir *d, struct str page, struct str blocks,
                                uint32_t hash, struct key_place out[static KEY_PLACES], size_t *n,
                                struct err *e);

#endif
