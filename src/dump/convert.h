/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_CONVERT_H
#define DUMP_CONVERT_H

/*
 * dump/convert -- an RDB becomes a dump, and is counted and digested on the way.
 *
 * Why      whatever the RDB comes from (a replication stream, a file), this is the only place that
 *          decides what of it goes into a dump and whether all of it was there.
 * Check    the keys of each database are compared with what the RDB announces (RESIZEDB, since
 *          Redis 3.2), which is a hint: a difference is warned of. A key that comes twice among the
 *          last CONVERT_NAMES_KEPT is an error, as servers have it: one of the two is not the data.
 * Odd      what servers load is taken, with a warning: empty collections are left out, a stream that
 *          miscounts itself counts as what it holds (docs/adr/0026).
 * Memory   as rdb/rdb and dump/encode; a payload of the restore format up to CONVERT_PAYLOAD_MAX is
 *          held, a longer value is written as plain commands.
 */
#include <stdatomic.h>

#include "base/ctx.h"
#include "dump/encode.h"
#include "dump/filter.h"
#include "dump/dataset_digest.h"
#include "dump/key_index.h"
#include "rdb/rdb.h"

enum {
    CONVERT_PAYLOAD_MAX = 8 * 1024 * 1024,
    CONVERT_AUX_TEXT = 80,
    CONVERT_NAMES_KEPT = 64 * 1024
};

struct convert_opts {
    enum dump_format format;
    struct filter filter;
    atomic_uint_fast64_t *keys; /* counts up as keys pass; may be NULL */
    bool no_code; /* libraries and scripts are counted, and not sent: another shard gives them */
    struct key_lane *index; /* hears where each key begins; may be NULL */
    unsigned share;         /* of CONVERT_NAMES_KEPT so many take a part each; 0: one */
    /* A database, or a part of one, is over: all its keys, wanted or not. May be NULL. */
    void (*on_db)(void *arg, uint64_t db, uint64_t keys);
    void *arg;
};

/* What the RDB says of its origin; empty where it does not. */
struct convert_facts {
    char server[16], version[CONVERT_AUX_TEXT]; /* "redis" or "valkey", "7.0.15" */
    char repl_id[CONVERT_AUX_TEXT], repl_offset[CONVERT_AUX_TEXT];
    unsigned rdb_version;
    bool announced;           /* every database said how many keys it has, and had them */
    uint64_t member_expiries; /* of KeyDB; not in the dump */
    uint64_t foreign;         /* keys of slots that the shard does not own: not in the dump */
    uint64_t module_aux; /* modules that left data of their own outside of keys: not in the dump */
};

/*
 * Read `in` to the end of the RDB and send everything wanted to `enc` (may be NULL: only count) and
 * `t` (may be NULL). Header and trailer are the caller's. `in` stands behind RDB_END afterwards.
 */
NODISCARD enum rc convert_rdb(struct ctx *cx, struct rdb *in, const struct convert_opts *opts,
                              struct encoder *enc, struct dataset_digest *t,
                              struct convert_facts *out, struct err *e);

/* One ev_fn for the consumers of a dataset; each may be NULL, and `index` is so where `enc` is. */
struct tee {
    struct encoder *enc;
    struct dataset_digest *tally;
    struct key_lane *index;
    bool no_code; /* what belongs to no key goes to the tally only */
    uint64_t db;  /* ours */
};
enum rc tee_on(void *arg, const struct ev *ev, struct err *e);

#endif
