/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_BACKUP_H
#define JOB_BACKUP_H

/*
 * job/backup -- a Redis, or any stream, becomes a snapshot.
 *
 * Order    dump into the repository as it comes, its key index beside it, manifest, snapshot last: whatever fails
 *          before leaves no snapshot, and at most packs that nobody names.
 * Names    DUMP_NAME at the root, `paths` ["/dumpfile.resp"], host "host-0" unless told otherwise:
 *          as Stash, so that either restores the other's. Whose data it is stands in the brief.
 * Guard    a whole backup of a target knows how many keys those before had (maintain/shrink.h).
 */
#include "job/source.h"
#include "repo/save.h"
#include "maintain/shrink.h"

#define DUMP_NAME "dumpfile.resp"
#define KEYS_NAME "dumpfile.keys" /* where in it each key stands (dump/key_index) */
#define DUMP_HOST "host-0"

/* Does it hold what we and Stash call a dump, and nothing else? */
bool snapshot_is_dump(const struct snapshot *s);

struct backup_opts {
    const char *host; /* NULL: DUMP_HOST */
    const char *const *tags;
    size_t n_tags;
    enum save_compression compression;
    const struct instant *time; /* NULL: now */
    struct target target;       /* whose data it is; no name: nobody's in particular */
    bool
        by_address; /* that is but its address: a cluster keeps the target of the newest snapshot of a cluster that
                      * had one of its nodes */
    int shrink_below;   /* percent; 0: SHRINK_BELOW, SHRINK_BELOW_OFF: never pin */
    bool users;         /* keep them, too (job/users) */
    bool accept_shrink; /* what there is now is right, however little */
    /* It is the copy that a restore takes (job/safety): all there is or nothing (RC_UNSUPPORTED), and of no history. */
    const struct before_restore *before_restore; /* NULL: it is a backup */
};

enum { BACKUP_PART = 400 };
struct backup_result {
    struct id snapshot;
    struct save_stats save;
    struct source_facts source; /* of backup_redis; without its shards */
    uint64_t skew_ms;           /* between the points in time of the shards */
    uint64_t keys, users;
    char digest[TALLY_DIGEST_TEXT];
    /* What was chosen of the source, as options, as far as it fits; "": all of it. */
    char part[BACKUP_PART];
    struct shrink shrink; /* of a whole backup of a named target, else zero */
};

/*
 * The repository is locked and its index loaded. RC_INVALID: the target holds nothing, has no
 * snapshot yet, and another of its name has some (opts->accept_shrink allows it).
 */
NODISCARD enum rc backup_redis(struct ctx *cx, struct repo *r, const struct source_opts *source,
                               const struct backup_opts *opts, struct backup_result *out,
                               struct err *e);

/*
 * Store `in` as the file `name` (a path such as "dump.rdb" or "/a/b"), without a manifest.
 * RC_INVALID: it holds nothing.
 */
NODISCARD enum rc backup_stream(struct ctx *cx, struct repo *r, struct rd *in, const char *name,
                                const struct backup_opts *opts, struct backup_result *out,
                                struct err *e);

#endif
