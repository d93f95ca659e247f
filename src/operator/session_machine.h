/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_SESSION_MACHINE_H
#define OPERATOR_SESSION_MACHINE_H

/*
 * operator/session_machine -- a session from its Job to a final phase, whatever kind it is of.
 *
 *     session_begin --> Job --(its steps write results)--> session_watch --> post hook -->
 *     session_report --> final phase
 *
 * Why      backups and restores differ in where their status has things and in the words, not in
 *          what may happen to a Job.
 * Shape    a row per kind (struct session_kind); a context per reconcile. Each arrow is one write of
 *          the status, and the machine goes on from what the server made of it.
 * Ends     one that is ours to decide (deadline, disruption) stands in the status before the Job
 *          goes: who comes again, or takes over, would else find no Job and no reason.
 */
#include "operator/operator_internal.h"

struct session_ctx;

struct session_kind {
    const struct kube_gvr *resource;
    const char *name; /* "BackupSession" */
    const char *verb; /* "backup" */
    bool is_invoker;  /* the session is its own */

    enum condition_id executor, disrupted, pre_hook_done, post_hook_done;
    const char *waiting, *finished; /* reasons of events */
    const char *post_hook;          /* the key in spec.hooks */

    struct watched *(*own)(struct operator* op);
    /* Where conditions of the target and results of hosts stand, made if it is not there. */
    struct json *(*target)(struct session_ctx *s);
    /* Did the Job's steps write a result? */
    bool (*has_result)(struct session_ctx *s);
    /* Write the phases of the parts, and return that of the whole. */
    const char *(*settle)(struct session_ctx *s);
    /* Before the Job, which looks for it in the status. */
    void (*prepare)(struct session_ctx *s);
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
    struct invoker inv;
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

/*
 * Write what changed so far, phases included, and go on from what the server made of it. Pointers
 * into the former status are gone; `*target` (may be NULL) is the fresh one.
 */
NODISCARD enum rc session_save(struct session_ctx *s, struct json **target, struct err *e);

/* Whoever has sessions of this kind is told of their Jobs and pods. */
void session_wire(struct operator* op, struct watched *own);

/* It waits for nothing any more, if it did. */
void session_wait_is_over(struct session_ctx *s);
/* The Job, and that it was made; `repo` is the Repository. A Job that cannot be made ends it. */
NODISCARD enum rc session_begin(struct session_ctx *s, const struct json *repo, struct err *e);
/* The Job was made: how does it stand? */
NODISCARD enum rc session_watch(struct session_ctx *s, struct err *e);
/* Was an end decided that is not carried out yet? */
bool session_is_given_up(struct session_ctx *s);
/* Remove the Job, and report. */
NODISCARD enum rc session_end_given_up(struct session_ctx *s, struct err *e);
NODISCARD enum rc session_end_disrupted(struct session_ctx *s, const char *why, struct err *e);
/* It is over: metrics, an event, the final phase. */
NODISCARD enum rc session_report(struct session_ctx *s, struct err *e);

#endif
