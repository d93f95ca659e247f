/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_VERIFICATION_H
#define JOB_VERIFICATION_H

/*
 * job/verification -- is a snapshot what its manifest says, and can it be restored?
 *
 * Levels   data: everything of it is read back; counts and digest are those of the manifest.
 *          restore: besides, it is loaded into a server that nobody uses (job/throwaway), read back from there, and compared; then
 *          questions may be asked. It is loaded without times to expire: what has expired by now is part of the backup all
 *          the same, and is compared; the times themselves are proven by the digest of what is read from the repository.
 * Verdict  good; failed, when the backup is not what it should be; or "not verifiable", when that could not be found out: no
 *          manifest, too little memory, a server that does not start, is too old or lacks a module. The last is not a verdict: what
 *          was found before stays.
 * Doubt    when the load fails, the data level is tried: only what is wrong there, or what a server that could hold it refuses, is
 *          the backup's fault.
 * Errors   RC_CORRUPT: it failed; RC_UNVERIFIED: it is not verifiable. Both say why. Others: there is no result, since the repository could
 *          not be read, or somebody wanted it to stop.
 */
#include "job/question.h"
#include "job/restore.h"
#include "job/throwaway.h"
#include "repo/verdict.h"

struct verification_opts {
    enum verdict_level level;
    const char *program, *socket; /* of the server, as in struct throwaway_opts */
    uint64_t max_memory;          /* 0: what is free */
    const struct question *const *questions;
    size_t n_questions;
    /* As in struct load_opts. */
    void (*progress)(void *arg, uint64_t bytes, uint64_t commands);
    void *progress_arg;
};

struct verification {
    struct verdict verdict; /* filled in when it is good or failed */
    uint64_t
        left_out; /* fields whose time to expire could not be taken off, compared in the data only */
    uint64_t modules; /* keys of modules, whose values were not compared */
    uint64_t memory;  /* bytes that the data take in a server; 0: not known */
};

NODISCARD enum rc verification_run(struct ctx *cx, struct repo *r, const struct snapshot *s,
                                   const struct verification_opts *o, struct verification *out,
                                   struct err *e);

/* Is this the outcome of a verification, and to be kept? */
bool verification_is_verdict(enum rc rc);

/* "verified by a restore into Redis 7.0.15, which took 2.1 s", "verified: data only", "verification failed: ...". Returns `to`. */
enum { VERIFICATION_WORDS = VERDICT_WHY + 120 };
const char *verification_words(const struct verdict *v, char to[static VERIFICATION_WORDS]);

#endif
