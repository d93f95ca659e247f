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
 * Flush    the server is emptied only after every blob of the dump was found in the index and its
 *          pack in the store, or the file was read to its end.
 * Safety   what the target holds is copied first (job/safety), once all that could be asked beforehand is well.
 * Outcome  what the target holds is compared with what was sent (job/outcome); `equal` is said only
 *          where that proves it. Kept and filtered keys make a restore a partial one.
 * Resume   where safety->resume says so, it is noted how far the load is, or a restore goes on that was left unfinished: counts, digests
 *          and comparisons are then of the whole restore.
 * Takes    our dumps, Stash's, and RDB files that somebody stored.
 * Errors   RC_CORRUPT: the dump is cut, or is not what the manifest says, or its packs are not
 *          whole; RC_NOT_FOUND: the filter wants none of its keys; else as redis/load and
 *          job/outcome.
 */
#include "job/outcome.h"
#include "job/safety.h"
#include "job/verify.h"
#include "redis/acl.h"
#include "redis/load.h"
#include "repo/load.h"
#include "repo/snapshots.h"

/* A snapshot whose dump can be read. */
struct snapshot_source {
    struct repo *repo; /* borrowed */
    struct snapshot snap;
    struct file_info file;
    struct load *load;   /* since snapshot_rd */
    struct buf manifest; /* empty: it has none */
};

enum { SNAPSHOT_WORKERS = 2 }; /* threads of a struct load over it */

/* `file` NULL: dumpfile.resp, or the only file there is. */
NODISCARD enum rc snapshot_open(struct ctx *cx, struct repo *r, const char *spec,
                                const struct snapshot_filter *filter, const char *file,
                                struct snapshot_source *out, struct err *e);
/* The dump, from its beginning; once. Borrowed until snapshot_close. */
NODISCARD enum rc snapshot_rd(struct ctx *cx, struct snapshot_source *s, struct rd **out,
                              struct err *e);
/* A zeroed one is a no-op. */
void snapshot_close(struct snapshot_source *s);
/* The manifest of a snapshot into `out`; leaves it empty when there is none. */
NODISCARD enum rc snapshot_manifest(struct ctx *cx, struct repo *r, const struct snapshot *s,
                                    struct buf *out, struct err *e);

enum { RESTORE_CHANGED = 200 };

struct restore_result {
    struct load_result load;
    uint64_t keys;          /* in the dump */
    uint64_t wanted;        /* of them, by the filter */
    bool compared;          /* what was sent is what the manifest says */
    bool repaired;          /* the snapshot is what a repair left of a damaged one */
    const char *part;       /* which part of its source the snapshot is, of that; NULL: all */
    struct outcome outcome; /* what the target holds; not after a dry run */
    bool equal;             /* the target holds the backup, all of it and nothing else */
    char changed
        [RESTORE_CHANGED]; /* what became of the keys on their way, as options; "": nothing */
    int64_t took_ms;       /* the load alone */
    bool read_back;        /* by restore_verify: */
    struct verified verified;
    char digest[33]; /* of the dump, or of what was meant to be loaded where it was changed */
    struct safety_result safety;
    bool resumed;    /* it went on from an unfinished one */
    bool with_users; /* they were asked for (job/users), and this is what became of them */
    struct acl_result users;
};

/* How many of the keys that were sent had not expired when the load ended. */
uint64_t restore_arrived(const struct restore_result *r);
/* Was something left out that the target cannot hold? */
bool restore_left_anything(const struct load_result *l);

enum { RESTORE_WORDS = 400 };
/* Why what was restored is a part of what was once backed up, or of its target; NULL: it is all of it. Returns `to`. */
const char *restore_part(const struct restore_result *r, char to[static RESTORE_WORDS]);
/*
 * What can be said of it: "counts and digest ... are those of the backup" only of what is equal.
 * `target` names the server.
 */
const char *restore_words(const struct restore_result *r, const char *target,
                          char to[static RESTORE_WORDS]);

/* Is the dump rewritten on its way (dump/rewrite)? And what is to be filtered of it then. */
bool restore_rewrites(const struct load_opts *opts);
struct filter restore_filter(const struct load_opts *opts);
/* Set what depends on the snapshot's age; RC_USAGE: there is none. */
NODISCARD enum rc restore_shift(struct change *c, const struct snapshot *s, struct err *e);

/* RC_USAGE: a server would be emptied for a few keys by name. Whoever restores asks; asking early saves a connection. */
NODISCARD enum rc restore_check_flush(const struct load_opts *opts, struct err *e);

/*
 * `to` NULL: with opts->dry_run. opts->on is ours. `safety`: where the copy of the target goes (NULL: with opts->dry_run);
 * restore_end comes after it, and after restore_verify where that is called.
 */
NODISCARD enum rc restore_redis(struct ctx *cx, struct snapshot_source *from, struct masters *to,
                                const struct load_opts *opts, const struct safety *safety,
                                struct restore_result *out, struct err *e);
/* `rc`: how it ended. Only after one that ended well, or wrote nothing, the copy is no longer an unfinished restore's. */
void restore_end(struct ctx *cx, const struct safety *safety, const struct load_opts *opts,
                 struct restore_result *r, enum rc rc);

/* The same for any stream. `survey`: the same bytes once more, NULL where they come only once. */
NODISCARD enum rc restore_stream(struct ctx *cx, struct rd *in, struct rd *survey,
                                 struct masters *to, const struct load_opts *opts,
                                 struct restore_result *out, struct err *e);

/*
 * After either: read back from the server what was restored, and compare (job/verify); fills
 * r->verified. `again`: the bytes of the dump once more. RC_UNSUPPORTED: keys were kept, of which
 * nobody can say what they should be.
 */
NODISCARD enum rc restore_verify(struct ctx *cx, struct snapshot_source *from, struct masters *to,
                                 const struct load_opts *opts, struct restore_result *r,
                                 struct err *e);
NODISCARD enum rc restore_verify_stream(struct ctx *cx, struct rd *again, struct masters *to,
                                        const struct load_opts *opts, struct restore_result *r,
                                        struct err *e);

#endif
