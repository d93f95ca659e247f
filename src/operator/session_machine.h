/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_SESSION_MACHINE_H
#define OPERATOR_SESSION_MACHINE_H

/*
 * operator/session_machine -- a session from its Jobs to a final phase, whatever kind it is of.
 *
 *     [hook before all] --> for each member: Job --(its steps write results)--> post hook of it
 *     all have ended --> [hook after all] --> metrics --> final phase
 *
 * Why      backups and restores, of one target and of several, differ in where their status has things and in the words,
 *          not in what may happen to a Job. A session of one target is one with one member.
 * Shape    a row per kind (struct session_kind); a context per reconcile, whose view `inv` is on the member at hand.
 *          Each arrow is one write of the status, and the machine goes on from what the server made of it.
 * Order    Parallel: all Jobs at once; but where nothing says that the Repository has a backup yet, the first one makes it,
 *          and the others begin when it did, or has ended. Sequential: one begins when those before it have ended. Which
 *          are before it is what the session had first: its invoker may be changed meanwhile, and what is new comes last.
 *          So is which order it is: status.executionOrder of a BackupSession; a RestoreBatch cannot be changed.
 * Hooks    of a whole batch run in Jobs of their own: the operator itself calls no address that an object names. While one
 *          runs its condition is Unknown.
 * Ends     one that is ours to decide (deadline, disruption) stands in the status before the Job
 *          goes: who comes again, or takes over, would else find no Job and no reason.
 */
#include "operator/operator_internal.h"

struct session_ctx;

struct session_kind {
    const struct crd_def *crd;
    const char *verb; /* "backup" */
    bool is_invoker;  /* the session is its own */

    enum condition_id executor, disrupted, pre_hook_done, post_hook_done;
    enum condition_id whole_pre_done, whole_post_done;
    const char *waiting, *finished;   /* reasons of events */
    const char *pre_hook, *post_hook; /* the keys in spec.hooks */

    struct watched *(*own)(struct operator* op);
    /* Did the Job's steps write a result? `place`: of the member in the status (api/invoker). */
    bool (*has_result)(const struct json *place);
    /* Write the phases of the parts, and return that of the whole. */
    const char *(*settle)(struct session_ctx *s);
    /* Before the Job, which looks for it in the status. */
    void (*prepare)(struct json *place);
    /* The words of the condition `executor`; mem_free. */
    char *(*ensured_words)(const struct session_ctx *s);
    /* Optional: before the metrics are pushed, and once it is known how it ended. */
    void (*tidy)(struct session_ctx *s);
    enum rc (*ended)(struct session_ctx *s, const char *phase, struct err *e);
};

struct session_ctx {
    struct ctx *cx;
    struct operator* op;
    const struct session_kind *kind;
    struct invoker inv;              /* on the member at hand */
    struct json *was, *now, *status; /* as the cache has it; as it shall be; of now */
    struct ctl_result *out;
};

/* Takes `obj`, the session as it is. */
void session_init(struct session_ctx *s, const struct session_kind *kind, struct ctx *cx,
                  struct operator* op, struct json *obj, struct ctl_result *out);
void session_release(struct session_ctx *s);
/* Go on from `obj`, which is taken. What was read of the former one is gone. */
void session_take(struct session_ctx *s, struct json *obj);
/* An event about the session. */
void session_event(struct session_ctx *s, const char *type, const char *reason, const char *fmt,
                   ...) PRINTF_LIKE(4, 5);
/* A condition of the session, and an event where it is news. */
void session_tell(struct session_ctx *s, const char *type, enum condition_id id,
                  enum condition_state state, const char *text);

/* Have another member at hand. */
void session_at(struct session_ctx *s, size_t at);
/* Where conditions and results of the member at hand stand; made if it is not there. */
struct json *session_place(struct session_ctx *s);

/*
 * Write what changed so far, phases included, and go on from what the server made of it. Pointers into the former status
 * are gone.
 */
NODISCARD enum rc session_save(struct session_ctx *s, struct err *e);

/* Whoever has sessions of this kind is told of their Jobs and pods. */
void session_wire(struct operator* op, struct watched *own);

/* It waits for nothing any more, if it did. */
void session_wait_is_over(struct session_ctx *s);
/* Gone already is fine. */
NODISCARD enum rc session_remove_job(struct session_ctx *s, const struct run *run, struct err *e);
/* Has anything been begun of it? Then it is not asked any more whether it may. */
bool session_has_begun(const struct session_ctx *s);
/* What stands at `place` has failed, unless its Job itself said how it is: that is better. `host` NULL: nobody knows it any more. */
void session_fail(struct json *place, const char *host, const char *why);
/*
 * Begin what may begin, look at what runs, and end the session when all of it has ended. `repo`: the Repository; NULL when
 * it is gone, which ends the members that have not begun.
 */
NODISCARD enum rc session_go_on(struct session_ctx *s, const struct json *repo, struct err *e);

#endif
