/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_PIPELINE_H
#define REDIS_PIPELINE_H

/*
 * redis/pipeline -- commands out, replies in, both at once on one thread. For load.c.
 *
 * Shape    pipeline_add queues a command; when enough is queued it is written, and replies are taken in
 *          whenever the window is half full or the server takes nothing. pipeline_drain waits for all.
 * Errors   of the connection, and of the replies that stop a load (see load.h).
 */
#include "rdb/payload.h"
#include "redis/load.h"

enum { PUMP_KEY = 64, PUMP_VERB = 14 };

/* What must be remembered of a command until its reply comes. */
struct pipeline_note {
    uint64_t bytes, db;
    uint64_t key_no; /* of the stream's keys, from 1 on */
    uint32_t stream; /* as in struct load_place */
    uint32_t argc;
    uint32_t ids;   /* XCLAIM: how many were sent; else 0 */
    uint8_t answer; /* enum cmd_answer */
    uint8_t verb_n, key_n;
    uint32_t kept; /* bytes of it that are kept until it is answered; 0: none */
    bool whole;    /* nothing follows by pipeline_more */
    bool again;    /* it was sent before, to another node, and counted */
    bool key_cut, has_key, starts_key, makes_key, ends_key, is_select;
    uint8_t verb[PUMP_VERB], key[PUMP_KEY];
    char module[PAYLOAD_MODULE_TEXT]; /* RESTORE of a module's value: its type; else "" */
};

/* Commands that other nodes of a cluster are to take, in the order in which their answers (MOVED, ASK) came. */
struct redirected {
    struct pipeline_note note;
    size_t at, n, where_at, where_n; /* the command, and what the answer said, in `bytes` */
    bool ask;                        /* the next command only; else all of the slot's */
};
struct redirects {
    struct buf bytes;
    struct redirected *list;
    size_t n;
};

/* Of each stream, for load_place.c. */
struct load_streams {
    uint64_t *whole;  /* keys that are passed, with all their commands */
    uint64_t *failed; /* the first key of which something was refused, from 1 on; 0: none */
    uint32_t n;
};
void load_streams_fail(struct load_streams *s, const struct pipeline_note *n);

struct pipeline {
    struct load_streams *streams;
    struct redirects *redirects; /* NULL: it is not a cluster */
    /* Beside others: called while this one waits; NULL: it is alone. */
    void (*meanwhile)(void *arg);
    void *meanwhile_arg;
    struct ctx *cx;
    struct conn *c;
    struct load_result *result;
    uint64_t max_errors;
    struct pipeline_note *notes; /* a ring: first, n of cap */
    uint32_t cap, first, n;
    uint64_t bytes, bytes_max; /* sent or queued, not answered */
    /*
     * Commands: up to out_at they are written. In a cluster whole ones are kept until they are
     * answered: kept_n bytes from kept_at on.
     */
    struct buf out;
    size_t out_at, kept_at, kept_n;
    struct pipeline_note key; /* of the last answer */
    bool in_key, key_good;
    bool key_there;   /* as far as it was answered */
    bool key_made;    /* the same of the last command that was sent */
    bool key_refused; /* and that was said */
    bool asking;      /* the next command is taken by leave of ASKING alone */
    bool broken;      /* the server's answers cannot be relied upon, or will stay the same */
};

/* Of the window so many take a part each. */
void pipeline_init(struct pipeline *p, struct ctx *cx, struct conn *c, const struct load_opts *opts,
                   unsigned share, struct load_result *result);
void pipeline_release(struct pipeline *p);

/* Fill a note from a command and its class. */
void pipeline_note(struct pipeline_note *n, const struct cmd *c, const struct command_class *k);

/* A command goes out, or is left out: how many keys there are to be. pipeline_add does this. */
void pipeline_count(struct pipeline *p, const struct pipeline_note *n);

/* Empty it, for what comes next. */
void redirects_take(struct redirects *from, struct redirects *to);
void redirects_release(struct redirects *r);

/* Queue a command, or the beginning of a long one, of which pipeline_more queues the rest. */
NODISCARD enum rc pipeline_add(struct pipeline *p, const struct pipeline_note *n, struct str raw,
                               struct err *e);
NODISCARD enum rc pipeline_more(struct pipeline *p, struct str raw, struct err *e);
/* Write what the server takes now, without waiting. An error is met again by whoever waits. */
void pipeline_push(struct pipeline *p);
/* Send everything and wait until it is answered. */
NODISCARD enum rc pipeline_drain(struct pipeline *p, struct err *e);
/*
 * All is answered: ask what only this server can answer now, so that answers which nobody asked for
 * are found. RC_CORRUPT.
 */
NODISCARD enum rc pipeline_fence(struct pipeline *p, struct err *e);

/*
 * The command was not sent, since the server cannot hold what it says: an error of its key, once for
 * each. Waits for what was sent.
 */
NODISCARD enum rc pipeline_refuse(struct pipeline *p, const struct pipeline_note *n,
                                  const char *why, struct err *e);

/* Nothing follows. `whole`: everything is answered, and the last key has all its commands. */
void pipeline_end(struct pipeline *p, bool whole);

/* What all errors that did not stop the load come to. RC_OK when there were none. */
NODISCARD enum rc pipeline_verdict(const struct pipeline *p, struct err *e);

#endif
