/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_MANIFEST_H
#define JOB_MANIFEST_H

/*
 * job/manifest -- what a snapshot says it holds: the file beside the dump.
 *
 * Why      a dump that lacks half of the keys looks like any other; only counts and a digest taken
 *          at the source tell. A restore computes them again from what it loads and compares.
 * Shape    JSON; docs/format/manifest.md describes the fields. Unknown fields are ignored on
 *          reading.
 * Limits   MANIFEST_MAX bytes.
 */
#include "base/buf.h"
#include "job/source.h"
#include "maintain/shrink.h"

#define MANIFEST_NAME "dumpfile.manifest.json"
enum { MANIFEST_MAX = 64 * 1024 * 1024 };

/* Of the copy that a restore takes of its target (job/safety). */
struct before_restore {
    struct id snapshot; /* which was going to be restored */
    bool repeats;       /* the restore before it was left unfinished, and its copy is the */
    struct id first;
};

/* `before` NULL: it is of a backup. */
NODISCARD enum rc manifest_write(const struct source_opts *opts, const struct source_facts *f,
                                 const struct dataset_digest *t,
                                 const struct before_restore *before, struct buf *out,
                                 struct err *e);

/* RC_CORRUPT: names the first difference between the manifest and what was counted. */
NODISCARD enum rc manifest_compare(struct str json, const struct dataset_digest *t, struct err *e);

/*
 * The few facts for a list of snapshots. They stand in the snapshot too, as its brief, so that a
 * list reads nothing else: manifest_brief_write makes that, and manifest_brief reads it. Whose data
 * it is, which part of it and the history of its size are read where the snapshot is
 * (repo/target.h, maintain/shrink.h).
 */
struct manifest_brief {
    uint64_t keys, bytes;
    uint64_t longest;    /* bytes of the longest argument or string; 0: not said */
    uint64_t highest_db; /* of those with keys; 0: not said */
    uint64_t
        memory; /* that the whole source took for its data; 0: not said, or it is a part of that */
    uint32_t verbs; /* bits of enum verb: some of those in the dump */
    char digest[TALLY_DIGEST_TEXT], source[16], server[64];
    bool point_in_time;
    uint64_t shards;      /* of a cluster; 0: it is of one server */
    uint64_t skew_ms;     /* between their points in time; UINT64_MAX: they are none */
    bool lacks_functions; /* whoever made it could not list them */
    bool lost_master;     /* the source was a replica without its master: */
    uint64_t lost_for_s;  /* for so long */
};
/* What only the brief says; `target` without a name, and NULL: it does not. */
struct manifest_about {
    struct target target;
    const struct shrink *shrink;
    const struct before_restore *before;
};
NODISCARD enum rc manifest_brief_write(const struct source_opts *o, const struct source_facts *f,
                                       const struct dataset_digest *t,
                                       const struct manifest_about *about, struct buf *out,
                                       struct err *e);
NODISCARD enum rc manifest_brief(struct str json, struct manifest_brief *out, struct err *e);

/*
 * Of how many of the file's blobs each part of the dump consists; before them stands one, and behind them one. `*n` 0: it is
 * one part, or the manifest does not say (older ones). `*blobs`: mem_free, also after an error.
 */
NODISCARD enum rc manifest_parts(struct str json, size_t **blobs, size_t *n, struct err *e);

/*
 * Counts and digests of a tally as the JSON fields "keys", "digest", "functions" and "databases",
 * into an object that is open.
 */
struct jw;
void manifest_tally(struct jw *w, const struct dataset_digest *t);

#endif
