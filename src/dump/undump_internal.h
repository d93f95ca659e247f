/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_UNDUMP_INTERNAL_H
#define DUMP_UNDUMP_INTERNAL_H

/* dump/undump_internal -- the state of reading a dump back, and what its two files call of each
 * other. */
#include <xxhash.h>

#include "dump/verbs.h"

struct undump {
    ev_fn *on;
    void *arg;
    struct undump_facts facts;
    bool trailer_seen;
    XXH3_state_t *hash; /* of everything so far, while the stream is ours */
    uint64_t bytes, keys;
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

/* undump_key.c: the key in progress, and arguments as events. */
NODISCARD enum rc undump_emit(struct undump *u, const struct ev *ev, struct err *e);
static inline void
undump_not_exact(struct undump *u)
{
    u->facts.exact = false;
}
NODISCARD enum rc undump_start_key(struct undump *u, struct str name, struct err *e);
/* The current key gets data of a type. */
NODISCARD enum rc undump_open_key(struct undump *u, enum kv_type type, struct err *e);
NODISCARD enum rc undump_end_key(struct undump *u, struct err *e);
/* Argument `i` (2 and up), or a piece of it, of a verb below V_STREAMING. */
NODISCARD enum rc undump_streaming_arg(struct undump *u, uint32_t i, const struct ev_piece *p,
                                       struct err *e);
/* A whole command of the current key that is not read argument by argument. */
NODISCARD enum rc undump_key_command(struct undump *u, const struct str *v, uint32_t n,
                                     struct err *e);
enum rc undump_bad_argument(const struct undump *u, const char *what, struct err *e);

#endif
