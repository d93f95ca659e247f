/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_RESTORE_H
#define JOB_RESTORE_H

/*
 * job/restore -- a snapshot goes back into a Redis.
 *
 * Shape    snapshot_open finds the snapshot and its dump; restore_redis loads it, counts and
 *          digests what it loads, and compares that with the manifest.
 * Survey   a dump that nothing vouches for is read twice where it can be: what would stop the load
 *          in its middle (a command that writes no data, an end that is missing) stops it before
 *          anything is written.
 * Takes    our dumps, Stash's, and RDB files that somebody stored.
 * Errors   RC_CORRUPT: the dump is cut or is not what the manifest says; else as redis/load.
 */
#include "redis/load.h"
#include "repo/load.h"
#include "repo/snapshots.h"

/* A snapshot whose dump can be read. */
struct snapshot_source {
    struct repo *repo; /* borrowed */
    struct snapshot snap;
    struct file_info file;
    struct load *load;
    struct buf manifest; /* empty: it has none */
};

/* `file` NULL: dumpfile.resp, or the only file there is. */
NODISCARD enum rc snapshot_open(struct ctx *cx, struct repo *r, const char *spec,
                                const struct snapshot_filter *filter, const char *file,
                                struct snapshot_source *out, struct err *e);
/* A zeroed one is a no-op. */
void snapshot_close(struct snapshot_source *s);
/* The manifest of a snapshot into `out`; leaves it empty when there is none. */
NODISCARD enum rc snapshot_manifest(struct ctx *cx, struct repo *r, const struct snapshot *s,
                                    struct buf *out, struct err *e);

struct restore_result {
    struct load_result load;
    uint64_t keys; /* in the dump */
    bool compared; /* with the manifest */
    char digest[33];
};

/* `c` NULL: with opts->dry_run. opts->on is ours. */
NODISCARD enum rc restore_redis(struct ctx *cx, struct snapshot_source *from, struct conn *c,
                                const struct load_opts *opts, struct restore_result *out,
                                struct err *e);

/* The same for any stream. `survey`: the same bytes once more, NULL where they come only once. */
NODISCARD enum rc restore_stream(struct ctx *cx, struct rd *in, struct rd *survey, struct conn *c,
                                 const struct load_opts *opts, struct restore_result *out,
                                 struct err *e);

#endif
