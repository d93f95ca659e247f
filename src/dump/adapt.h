/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_ADAPT_H
#define DUMP_ADAPT_H

/*
 * dump/adapt -- the commands of a dump, as a server of another version takes them.
 *
 * Why      a dump says what its source held in the newest words that this needs; an older target knows
 *          some of them by others, or not at all. It gets what it can hold, and the caller a count of
 *          the rest.
 * Shape    adapt_command for each whole command: it goes as it is, as other commands, or not at all.
 * Rules    docs/adr/0025. RESTORE loses REPLACE (to a DEL in front), ABSTTL (to a time from now),
 *          IDLETIME and FREQ; a payload that the target does not know becomes plain commands. HSET of
 *          several fields, UNLINK, XGROUP CREATECONSUMER get their older forms. XSETID and XGROUP
 *          CREATE lose what Redis 7 added. What a target has no word for at all is left out.
 * Modules  servers before 6.2 exit on a value of a module that they have not loaded. It is not sent. A module
 *          may not survive that its value is replaced: the key is deleted first.
 * Memory   twice the command, and what plain commands it becomes.
 * Tests    adapt_test.c, tests/integration/versions.bats
 */
#include "dump/dump_decode.h"

enum {
    ADAPT_RDB_NEWEST = 15,                 /* of Redis */
    ADAPT_RDB_VALKEY = 80,                 /* of Valkey */
    ADAPT_RDB_SLOTS = ADAPT_RDB_NEWEST + 2 /* the last one is Valkey's */
};

/* What a server takes. */
struct adapt_target {
    bool replace, absttl;      /* of RESTORE: Redis 3.0, 5.0 */
    bool streams;              /* 5.0 */
    bool create_consumer;      /* XGROUP CREATECONSUMER: 6.2 */
    bool stream_counts;        /* ENTRIESREAD, ENTRIESADDED, MAXDELETEDID: 7.0 */
    bool functions;            /* 7.0 */
    bool field_expiry;         /* HPEXPIREAT: 7.4, Valkey 9.0 */
    bool survives_modules;     /* refuses values of unknown modules: 6.2 */
    bool rdb[ADAPT_RDB_SLOTS]; /* payloads stamped with this version */
    char modules[512]; /* names of those that it has loaded, with a space before and after each */
    bool modules_told; /* it could be asked for them */
    int64_t ahead_ms;  /* its clock less ours */
};

/* What two servers take, both of them. */
void adapt_target_meet(struct adapt_target *t, const struct adapt_target *other);
/* One that takes everything. */
struct adapt_target adapt_anything(void);
/* Does it? */
bool adapt_takes_all(const struct adapt_target *t);

/* What was left out; from ADAPT_DATA on it is data. */
enum adapt_left {
    ADAPT_COUNTS, /* bookkeeping of streams that Redis 7 added: commands that said it */
    ADAPT_USE,    /* when and how often a key was used: keys */
    ADAPT_DATA,
    ADAPT_FIELD_EXPIRY = ADAPT_DATA, /* expiries of fields of hashes: fields */
    ADAPT_FUNCTIONS,                 /* libraries */
    ADAPT_STREAMS,                   /* commands that fill streams */
    ADAPT_MODULES,                   /* values of modules that the target has not loaded */
    ADAPT_N
};
/* "expiries of hash fields", and in JSON "field_expiries". Static. */
const char *adapt_left_text(enum adapt_left what);
const char *adapt_left_name(enum adapt_left what);

enum adapt_verdict { ADAPT_SAME, ADAPT_CHANGED, ADAPT_PLAIN, ADAPT_LEFT_OUT };

struct adapt;

/* `t` is borrowed. */
struct adapt *adapt_new(const struct adapt_target *t);
void adapt_free(struct adapt *a);

/* Must this command, of which only the beginning is there, be whole for adapt_command? */
bool adapt_wants_whole(const struct adapt *a, const struct cmd *c);

/*
 * What becomes of a command, which need not be whole unless adapt_wants_whole said so. ADAPT_CHANGED:
 * `out` has the commands in its place, or the beginning of the one; ADAPT_PLAIN: the commands that
 * build the value of a payload, each to be adapted in its turn. ADAPT_LEFT_OUT: *why says what, and it
 * is data. `out` is valid until the next call, that of ADAPT_PLAIN until the next such.
 */
NODISCARD enum rc adapt_command(struct adapt *a, const struct cmd *c, enum adapt_verdict *verdict,
                                struct str *out, enum adapt_left *why, struct err *e);

/* Values that go as they are, and that the target will refuse. */
struct adapt_refused {
    uint64_t modules; /* of modules that it has not loaded */
    uint64_t unsure;  /* of modules of which that is not known */
    uint64_t newer;   /* nobody looks into them, and they are of a version that it does not take */
    char module[16];  /* the type of the first of the modules */
};
struct adapt_refused adapt_refused(const struct adapt *a);
/* How much of each kind was left out so far. */
const uint64_t *adapt_left_out(const struct adapt *a);

#endif
