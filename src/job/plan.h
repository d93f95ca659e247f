/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_PLAN_H
#define JOB_PLAN_H

/*
 * job/plan -- would a restore work? Asked of the snapshot and of the target; nothing is written to either.
 *
 * Shape    plan_make asks everything that a restore would be refused for (restore_check), and what would stop it in its
 *          middle, and gives a word on each topic; the verdict is the worst of them.
 * Reads    the dump where its manifest tells too little: a part of it is wanted or changed, it has none (Stash), the target holds
 *          keys that may be in the way, is of another kind than takes everything, or its user may write some names only. Else
 *          the manifest alone, and a sample of the dump for its speed.
 * Asks     by commands that read; and, of a name that no key has, by some that write and are refused, or change nothing
 *          (redis/ability, redis/rights).
 * Honest   what cannot be told is PLAN_UNSURE with the reason; figures that are estimates are called so (docs/plan.md).
 * Errors   those of asking alone: a store or a server that goes away. What a restore would be refused for is an answer.
 */
#include "job/conflicts.h"
#include "job/restore.h"
#include "job/room.h"
#include "job/users.h"

enum plan_topic {
    PLAN_SNAPSHOT, /* is it whole, does it have what is wanted */
    PLAN_TARGET,   /* role, slots, databases, does it take writes */
    PLAN_VERSION,  /* what it cannot hold, modules */
    PLAN_RIGHTS,
    PLAN_MEMORY,
    PLAN_CONFLICTS, /* keys that are there */
    PLAN_COPY,      /* the safety copy */
    PLAN_TIME,
    PLAN_N
};
/* "safety copy"; and in JSON "safety_copy". Static. */
const char *plan_topic_text(enum plan_topic t);
const char *plan_topic_name(enum plan_topic t);

/* In order: the worst decides. */
enum plan_grade { PLAN_YES, PLAN_UNSURE, PLAN_NO };
/* "yes", "unsure", "no". Static. */
const char *plan_grade_name(enum plan_grade g);

enum { PLAN_TEXT = 500, PLAN_HINT = 320 };
struct plan_point {
    enum plan_grade grade;
    char text[PLAN_TEXT];
    char hint[PLAN_HINT];
};

/* What would be written, of one database. */
struct plan_db {
    uint64_t n, keys, expiring;
    uint64_t elements;          /* of collections; of payloads they are not counted */
    uint64_t types[KV_N_TYPES]; /* keys */
};

struct plan {
    struct plan_point points[PLAN_N];
    enum plan_grade verdict;
    bool read;            /* all of the dump */
    uint64_t keys, bytes; /* that would be restored: keys, and bytes of the dump */
    bool keys_known;
    uint64_t filtered;   /* keys of the dump that would not */
    uint64_t functions;  /* libraries and scripts */
    struct plan_db *dbs; /* owned */
    size_t n_dbs;
    bool target_told;              /* how many keys it holds: */
    uint64_t target_keys, removed; /* removed: by --existing flush */
    bool conflicts_known;
    uint64_t conflicts, conflicts_unknown; /* keys that are there; of which it is not known */
    struct room_use use;
    struct room_estimate need;
    enum room_grade room_grade;
    uint64_t room; /* for them, of a limit */
    uint64_t left_out[ADAPT_N];
    struct adapt_refused refused;
    enum safety_state copy;                 /* SAFETY_DRY_RUN: it would be taken */
    int64_t ms, read_ms, write_ms, copy_ms; /* estimates; -1: none */
    uint64_t n_servers;
    char server[INFO_WORD + 24], target[REDIS_ADDR_TEXT + 32]; /* "Redis 7.0.15" */
};

/* As the restore would be called; opts->dry_run plays no part. */
struct plan_request {
    const struct load_opts *opts;
    const struct safety *safety;
    enum acl_how users; /* of the snapshot, beside its data (job/users) */
};
NODISCARD enum rc plan_make(struct ctx *cx, struct snapshot_source *from, struct masters *to,
                            const struct plan_request *how, struct plan *out, struct err *e);
/* A target that answers, and cannot be restored into: `why` is the error of masters_open. */
void plan_of_target(const struct err *why, const char *target, struct plan *out);
/* Is an error of restore_check, of a survey or of masters_open an answer to the question? */
bool plan_is_answer(const struct err *e);
/* A zeroed one is a no-op. */
void plan_release(struct plan *p);

enum { PLAN_WORDS = 1000 };
/* One line: the verdict, and what speaks against it. Returns `to`. */
const char *plan_words(const struct plan *p, char to[static PLAN_WORDS]);

#endif
