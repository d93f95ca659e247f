/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_REWRITE_INTERNAL_H
#define DUMP_REWRITE_INTERNAL_H

/* dump/rewrite_internal -- what rewrite.c (which keys, under which names) and rewrite_value.c (their commands) share. */
#include "crypto/sha256.h"
#include "dump/dump_decode.h"
#include "dump/encode_internal.h"
#include "dump/name_set.h"
#include "dump/rewrite.h"
#include "dump/verbs.h"

enum { MASKED_TEXT = 33 };

/* What becomes of the rest of a long command: left out, passed as it is, written anew by argument, kept until it is whole. */
enum rest { REST_SKIP, REST_PASS, REST_WRITE, REST_HOLD };

struct rewrite {
    struct rd rd;
    const struct change *change;
    const struct filter *filter;
    ev_fn *on;
    void *arg;
    struct resp_reader in;
    struct dump_decode *undump;
    struct encoder *enc; /* its `name` is that of the key in progress, as it is to be */
    struct wr_buf to;
    struct buf out;
    size_t at; /* of `out`, given away */
    bool begun, over;
    uint64_t filtered;
    struct name_set names; /* that could be met twice */
    bool names_full;
    uint64_t db_out; /* in force in what is given away */
    bool db_said;

    /* the key in progress */
    uint64_t db; /* as it is to be */
    bool moved;  /* it has another name or database */
    bool want, typed, counted, held_del;
    bool opened; /* the command at work is the first with data of its key: */
    enum kv_type type;
    size_t mask; /* change->masks.n: none */
    bool one_said, string_due;
    struct sha256 hash; /* of the value in progress */
    uint64_t value_at;  /* where the command stands, for messages */

    /* the long command in progress */
    bool in_pieces;
    enum rest rest;
    const struct verb_info *verb;
    uint32_t argc, values_at;
    struct buf field, held;
    size_t *held_ends;
    size_t n_held, held_cap;
};

bool rewrite_masks(const struct rewrite *r);
/* rewrite_value.c: a command of a key that is wanted; of one that is not whole r->rest is set. */
NODISCARD enum rc rewrite_command(struct rewrite *r, const struct cmd *c, struct err *e);
NODISCARD enum rc rewrite_piece(struct rewrite *r, const struct resp_reader_piece *p,
                                struct err *e);
/* A masked string that came in several commands is over. */
NODISCARD enum rc rewrite_string_end(struct rewrite *r, struct err *e);
/* Must all of the command be there before it can be rewritten? */
bool rewrite_needs_whole(const struct rewrite *r, const struct verb_info *v);

#endif
