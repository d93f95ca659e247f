/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_DUMP_DECODE_H
#define DUMP_DUMP_DECODE_H

/*
 * dump/dump_decode -- what the commands of a dump mean: whose key they write, and the dataset they
 * describe as events (rdb/event.h).
 *
 * Why      a restore must know the keys it loads (filters, conflicts, errors by name) and count and
 *          digest them, without executing anything itself.
 * Shape    feed every command of the stream in order; dump_decode_cmd first says what kind it is
 *          (`struct command_class`), and hands events to `on`.
 * Covers   what `cstash dump` writes in both formats, and what redis-dump-go writes (Stash), whose
 *          commands of several keys may interleave: then `exact` becomes false and digests mean
 *          nothing.
 * Trailer  a stream that starts with our header must end with our trailer, whose counts and
 *          checksum are verified: RC_CORRUPT otherwise. A stream of other origin has no trailer, or
 *          ends with Stash's marker key; but one that ends between MULTI and EXEC is RC_CORRUPT too.
 *          One of several parts (dump/trailer) must have them all, in order, each whole, and its end.
 * Parts    several can be decoded side by side: one decoder reads what stands before the first and behind the last,
 *          dump_decode_part gives one for each part, and what dump_decode_part_end says of it is taken in by
 *          dump_decode_join in order, as if its commands had been read there: what is refused in one stream is
 *          refused so, too. The events of one must not come between those of another's key: dump_decode_pause.
 */
#include "dump/resp_reader.h"
#include "dump/trailer.h"
#include "rdb/event.h"

enum command_kind {
    CMD_SELECT, /* changes the database */
    CMD_KEY,    /* writes or deletes `key` */
    CMD_GLOBAL, /* belongs to no key: FUNCTION LOAD, SCRIPT LOAD */
    CMD_MANY,   /* writes several keys: MSET, RENAME, DEL a b */
    CMD_META,   /* our header or trailer, PING, MULTI, EXEC: need not be sent */
    CMD_MARKER, /* Stash's __redisdump_total_keys: must not be sent */
    CMD_FOREIGN /* writes no data, or is not known: not to be sent unless somebody asks for it */
};

/* What a server answers to a command that worked. */
enum cmd_answer {
    ANSWER_ANY,
    ANSWER_OK,
    ANSWER_INT,
    ANSWER_COUNT,  /* an integer from 0 to the number of arguments */
    ANSWER_LENGTH, /* an integer, not less than the elements that were sent */
    ANSWER_BULK,
    ANSWER_ARRAY
};

struct command_class {
    enum command_kind kind;
    enum cmd_answer answer;
    uint64_t db;     /* the database in force after this command */
    struct str key;  /* CMD_KEY */
    bool starts_key; /* CMD_KEY: differs from the key of the command before */
    bool makes_key;  /* CMD_KEY: when it worked, the key is there */
    bool ends_key;   /* CMD_KEY: when it worked, the key is not there */
};

struct dump_decode;

/* `on` may be NULL: classify and verify only. */
struct dump_decode *dump_decode_new(ev_fn *on, void *arg);
void dump_decode_free(struct dump_decode *u);

/*
 * The next command. Of a long one, `c` is the beginning and dump_decode_piece must follow for each
 * piece.
 */
NODISCARD enum rc dump_decode_cmd(struct dump_decode *u, const struct cmd *c,
                                  struct command_class *out, struct err *e);
NODISCARD enum rc dump_decode_piece(struct dump_decode *u, const struct resp_reader_piece *p,
                                    struct err *e);
/* The stream is over: finish the last key; verify that the trailer was there if it had to be. */
NODISCARD enum rc dump_decode_end(struct dump_decode *u, struct err *e);

struct dump_decode_facts {
    bool ours;            /* has our header (and, after dump_decode_end, a verified trailer) */
    bool has_marker;      /* Stash's marker was seen */
    uint64_t marker_keys; /* the number it holds: keys of all databases plus one */
    bool exact;   /* the commands of each key stood together, and every one was understood */
    bool removes; /* not every key of which it has data is there at its end, or that is not known */
    bool uncounted; /* a stream lost entries on the way, and nothing says its counters of Redis 7 */
    uint32_t parts; /* of format 2; 0: one, in format 1 */
    uint64_t commands;
    uint32_t verbs;   /* bits of enum verb (dump/verbs.h): those seen */
    uint64_t longest; /* bytes of the longest argument, or string made of several */
};
struct dump_decode_facts dump_decode_facts(const struct dump_decode *u);

/* ---- parts side by side ---- */

/* What is known of a part that is whole. */
struct dump_part {
    struct part part;
    struct trailer trailer;
    struct dump_decode_facts facts;
};

/* `whole` has read the beginning, and nothing else: RC_CORRUPT. Its events go to the same. */
NODISCARD enum rc dump_decode_part(const struct dump_decode *whole, struct part part,
                                   struct dump_decode **out, struct err *e);
/* Its stream is over. RC_CORRUPT: it is not that part, whole and alone. */
NODISCARD enum rc dump_decode_part_end(struct dump_decode *u, struct dump_part *out, struct err *e);
/* The next part. RC_CORRUPT: it is another one. */
NODISCARD enum rc dump_decode_join(struct dump_decode *whole, const struct dump_part *part,
                                   struct err *e);
/*
 * May events of others come now, before this command? Only where another key begins: `*paused`. Then the key before it is
 * at its end, and memory that it took is given back. The command is decoded later.
 */
NODISCARD enum rc dump_decode_pause(struct dump_decode *u, const struct cmd *next, bool *paused,
                                    struct err *e);

#endif
