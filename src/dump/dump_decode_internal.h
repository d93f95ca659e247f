/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_DUMP_DECODE_INTERNAL_H
#define DUMP_DUMP_DECODE_INTERNAL_H

/* dump/dump_decode_internal -- the state of reading a dump back, and what its two files call of each
 * other. */
#include <xxhash.h>

#include "dump/trailer.h"
#include "dump/verbs.h"

struct dump_decode {
    ev_fn *on;
    void *arg;
    struct dump_decode_facts facts;
    bool trailer_seen;
    XXH3_state_t *hash;             /* of the part so far, while the stream is ours */
    uint64_t bytes, keys, commands; /* of the part */
    /* Format 2: */
    enum dump_format header; /* the first one */
    bool parts, in_part;
    uint32_t n_parts, parts_seen; /* how many there must be, and were */
    uint32_t only;                /* this part alone, beside others; 0: the whole dump */
    struct trailer last;          /* of the part before */
    XXH3_state_t *parts_hash;     /* of theirs */
    uint64_t parts_bytes, parts_keys;
    uint64_t db;
    bool db_said;
    bool in_multi;     /* MULTI, without its EXEC so far */
    uint64_t multi_at; /* where in the stream */
    /* the key in progress */
    struct buf name;
    bool named; /* commands of this key stand together */
    bool open;  /* EV_KEY was sent */
    enum kv_type type;
    int64_t expires_at;
    uint64_t string_bytes; /* so far */
    double score;          /* of the member that comes next */
    struct stream_id last_entry;
    uint64_t n_entries;
    bool stream_said; /* EV_STREAM was sent */
    bool uncounted;   /* entries were deleted, and no XSETID says the counters */
    /* the long command in progress */
    enum verb verb;
    uint32_t argc, key; /* key: which argument is the key's name */
    struct buf held;    /* a field's name, or all arguments */
    size_t *held_ends;  /* of the arguments in held */
    size_t n_held, held_cap;
};

/* dump_decode_key.c: the key in progress, and arguments as events. */
NODISCARD enum rc dump_decode_emit(struct dump_decode *u, const struct ev *ev, struct err *e);
static inline void
dump_decode_not_exact(struct dump_decode *u)
{
    u->facts.exact = false;
}
NODISCARD enum rc dump_decode_start_key(struct dump_decode *u, struct str name, struct err *e);
/* The current key gets data of a type. */
NODISCARD enum rc dump_decode_open_key(struct dump_decode *u, enum kv_type type, struct err *e);
NODISCARD enum rc dump_decode_end_key(struct dump_decode *u, struct err *e);
/* Argument `i` (2 and up), or a piece of it, of a verb below V_STREAMING. */
NODISCARD enum rc dump_decode_streaming_arg(struct dump_decode *u, uint32_t i,
                                            const struct ev_piece *p, struct err *e);
/* A whole command of the current key that is not read argument by argument. */
NODISCARD enum rc dump_decode_key_command(struct dump_decode *u, const struct str *v, uint32_t n,
                                          struct err *e);
enum rc dump_decode_bad_argument(const struct dump_decode *u, const char *what, struct err *e);

#endif
