/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_SOURCE_INTERNAL_H
#define JOB_SOURCE_INTERNAL_H

/* What source.c (the whole, and RDB files), source_node.c (one server) and source_shards.c (a cluster) share. */
#include "job/reckon.h"
#include "job/source.h"

/* What was asked of a server before it is read. */
struct source_seen {
    struct conn_info info;
    bool known;   /* else INFO is denied, and `info` empty */
    bool cluster; /* a node of one */
    uint64_t max_bulk;
};

/* How one of several is read. */
struct source_how {
    struct part part;
    unsigned share;          /* so many are read at once; 0: one */
    bool no_code;            /* another one gives libraries and scripts */
    struct trailer *trailer; /* of the part; may be NULL */
    struct key_lane *index;  /* may be NULL */
};

/* One dump: what is asked for and where it goes. */
struct dump {
    const struct source_opts *o;
    const struct source_seen *seen; /* NULL: an RDB */
    struct source_how how;
    struct encoder *enc;      /* NULL: only count */
    struct dataset_digest *t; /* NULL: not */
    struct source_facts *f;
    struct reckon read;
};

void source_copy_text(char *to, size_t n, const char *from);

/* Begin the lane: where it goes, and d->how.index. */
struct wr *source_lane(struct source_sink *to, unsigned i, struct dump *d);

/* The frame of every dump: header, what `body` reads, trailer. */
typedef enum rc source_body(struct ctx *cx, void *from, struct dump *d, struct err *e);
NODISCARD enum rc source_framed(struct ctx *cx, void *from, source_body *body, struct dump *d,
                                struct wr *out, struct err *e);
NODISCARD enum rc source_convert(struct ctx *cx, struct rdb *rdb, struct dump *d, struct err *e);
/* Facts of one server's dump: how many keys a filter that nothing passed has left. `info` may be NULL. */
void source_count_unmatched(struct dump *d, const struct conn_info *info);

/* RC_UNSUPPORTED: a Sentinel. The caller releases `s`, but not after an error. */
NODISCARD enum rc source_look(struct ctx *cx, struct conn *c, struct source_seen *s,
                              struct source_facts *f, struct err *e);
void source_seen_release(struct source_seen *s);
/* `*c` may be used up: NULL then. d->o->addr is its address; `out` NULL: only count. */
NODISCARD enum rc source_node(struct ctx *cx, struct conn **c, struct dump *d, struct wr *out,
                              struct err *e);

/* All shards of the cluster that o->addr leads to. */
NODISCARD enum rc source_shards(struct ctx *cx, const struct source_opts *o, struct source_sink *to,
                                struct dataset_digest *t, struct source_facts *f, struct err *e);

#endif
