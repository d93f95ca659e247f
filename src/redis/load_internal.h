/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_LOAD_INTERNAL_H
#define REDIS_LOAD_INTERNAL_H

/* What load.c (a command and its rules), load_lanes.c (the stream, or several), load_nodes.c (the servers, redirections), load_place.c (how far it is) and load_send.c (commands as a server
 * takes them) share. */
#include "redis/exists_prefetch.h"
#include "redis/held.h"

/* A server that is written to. */
struct load_node {
    struct conn *c;
    struct pipeline pump;
    struct exists_prefetch ahead;
    struct adapt_target target; /* what the server takes */
    struct adapt *adapt;        /* NULL: everything */
    char no_key[MASTERS_PROBE]; /* a name that no key has */
};

/* A stream of commands: all of the dump, or a part of it. */
struct load_lane {
    struct resp_reader reader;
    struct dump_decode *undump;
    struct part part; /* PART_WHOLE: all of it */
    struct cmd next;
    uint64_t keys; /* that began */
    bool waits;    /* `next` is the first command of a key, which is not passed yet */
};

struct load {
    struct ctx *cx;
    struct masters *m; /* NULL: a dry run */
    const struct load_opts *opts;
    struct load_result *result;
    struct load_lane whole, *lane; /* the one at work */
    struct load_node **nodes;      /* as m->list; of a dry run one that only counts */
    size_t n_nodes;
    struct load_node *at; /* where the command at work goes */
    struct redirects redirects;
    struct held held;
    struct load_streams streams;
    uint64_t placed;   /* bytes when it was last asked whether opts->placed is to be called, */
    int64_t placed_ms; /* and the time when it was; 0: never */
    uint64_t told;     /* bytes at the last progress call */
    uint64_t ticks;
    bool sending;   /* not a dry run */
    bool to_empty;  /* LOAD_FLUSH, and not done yet */
    bool in_pieces; /* a command is sent in part */
    bool asking;    /* its key's slot is on its way to l->at: each part of it needs ASKING */
    bool in_key;    /* more commands of the key may follow */
    bool wanted;    /* the filter wants the command at work */
};

static inline bool
load_is_cluster(const struct load *l)
{
    return l->m != NULL && l->m->owner != NULL;
}

/* ---- load.c ---- */

/* The lane's command: judge it, send it. */
NODISCARD enum rc load_pass(struct load *l, const struct cmd *c, struct err *e);

/* ---- load_place.c ---- */

/* Memory for the streams. RC_CONFLICT: opts->from is of others. */
NODISCARD enum rc load_place_open(struct load *l, struct err *e);
void load_place_close(struct load *l);
/* The lane's next key begins. */
void load_place_key(struct load *l);
/* Is the key at work there for good, since an earlier load? */
bool load_place_passed(const struct load *l);
/* The lane is at its end: all its keys are passed. RC_CORRUPT: they are fewer than opts->from says. */
NODISCARD enum rc load_place_end(struct load *l, struct err *e);
/* The next command writes: for the first one, whether the dump has a place to go on from. */
NODISCARD enum rc load_place_begin(struct load *l, struct err *e);
/* Call opts->placed when it is time, or `now`. */
void load_place_tell(struct load *l, bool now);
/* As pipeline_note, with the key's place. */
void load_note(const struct load *l, struct pipeline_note *n, const struct cmd *c,
               const struct command_class *k);

/* ---- load_lanes.c ---- */

/* All commands of `dump`, or of the parts; and that it is whole. */
NODISCARD enum rc load_pass_all(struct load *l, struct rd *dump, struct err *e);
/* An error of the lane's own: names the part. */
enum rc load_lane_failed(const struct load_lane *lane, struct err *e);

/* ---- load_nodes.c ---- */

/* One more of m->list; with several, each has its share of what may wait for answers. */
NODISCARD enum rc load_add_node(struct load *l, struct err *e);
void load_free_nodes(struct load *l);

typedef enum rc load_node_fn(struct load *l, struct load_node *node, struct err *e);
NODISCARD enum rc load_each(struct load *l, load_node_fn *fn, struct err *e);
load_node_fn load_node_settle, load_node_drain, load_node_fence;

/*
 * Commands of a slot that is elsewhere are sent there in the order in which they were sent first: all that is on its
 * way is waited for, so that what follows of a key comes behind. Then again, for slots go on moving.
 */
NODISCARD enum rc load_follow(struct load *l, struct err *e);
/*
 * A long command cannot be kept and sent again: which node takes it is asked before, once all that was sent of its key is where
 * it belongs. l->at, and l->asking.
 */
NODISCARD enum rc load_find_taker(struct load *l, struct str key, struct err *e);

/* ---- load_send.c ---- */

/* A command of a dry run: would the server of opts->as_if take it? */
NODISCARD enum rc load_try(struct load *l, const struct cmd *c, const struct command_class *k,
                           struct err *e);

/* The rest of a long command, sent or not. */
NODISCARD enum rc load_pass_pieces(struct load *l, bool send, struct err *e);
/* To the server, in a cluster to the owner of its key's slot; what belongs to no key to every master. */
NODISCARD enum rc load_send(struct load *l, const struct cmd *c, const struct command_class *k,
                            struct err *e);

#endif
