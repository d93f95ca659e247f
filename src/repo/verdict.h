/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_VERDICT_H
#define REPO_VERDICT_H

/*
 * repo/verdict -- what the last verification of a snapshot found, kept in the repository.
 *
 * Why      a snapshot's file is named by its content, so nothing can be added to it without another ID; and what is kept elsewhere
 *          is not there when somebody needs it.
 * Shape    a snapshot file of its own beside it (docs/adr/0039): no data, a host, path and tag of its own, and the verdict in the
 *          field "cstash". restic and Stash take it for a snapshot of another host, a moment older than the one that it is about,
 *          so that it is never their latest. Lists of ours do not show it, but have it in snapshot.verdict.
 * Rules    a verdict is about a tree: a snapshot that gets other tags or another target keeps it. The newest one counts, but that
 *          data were read back well says less than what a restore showed before, good or bad, and is not kept then.
 * Ends     the older one goes when there is a newer; prune removes those of which no snapshot is left.
 */
#include "repo/repo.h"
#include "repo/snapshots.h"

#define VERDICT_TAG "cstash-verification"
#define VERDICT_HOST "cstash-verification"
#define VERDICT_PATH "/cstash-verification"

enum { VERDICT_DIGEST = 33, VERDICT_SERVER = 64, VERDICT_WHY = 480 };

enum verdict_level { VERDICT_DATA, VERDICT_RESTORE };

struct verdict {
    struct id file; /* the record's own name; not part of it */
    struct id tree, snapshot;
    struct instant time;
    enum verdict_level level;
    bool good;
    char why[VERDICT_WHY]; /* not good: why */
    uint64_t keys;
    char digest[VERDICT_DIGEST];
    int64_t restore_ms;          /* the load alone took so long; -1: it was not loaded */
    char server[VERDICT_SERVER]; /* that it was loaded into; "": none */
    uint64_t questions;          /* that were answered as expected */
};

/* "data", "restore". Static. */
const char *verdict_level_name(enum verdict_level l);

/* Of a brief, lenient: NULL: it has none, or makes no sense. mem_free. */
struct json;
struct verdict *verdict_read(const struct json *brief);
/* The fields of `v` into an object that is open. */
struct jw;
void verdict_fields(struct jw *w, const struct verdict *v);

/*
 * Is the snapshot good as far as anybody has verified it? NULL: nobody has, or the last one who did found that it is not.
 */
const struct verdict *verdict_good(const struct snapshot *s);

/*
 * Each record's verdict goes to the snapshots of its tree, the newest one to each; returns how many of the list are left, which
 * are no records, in their order.
 */
size_t verdicts_attach(struct snapshot *list, size_t n);

/*
 * Keep `v`, of `s`, and remove what was kept before of the same tree; v->file gets its name. A store that lets nothing go keeps
 * both. The caller holds a lock.
 */
NODISCARD enum rc verdict_save(struct ctx *cx, struct repo *r, const struct snapshot *s,
                               struct verdict *v, struct err *e);

#endif
