/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_FILTER_H
#define DUMP_FILTER_H

/*
 * dump/filter -- which keys are wanted: some databases, names that match globs and none of others, values of some types, or everything.
 *
 * Why      the only place that decides it. Whatever gives keys asks here for each database, key and
 *          library: an RDB (from replication or a file) in dump/convert, SCAN in redis/scan_page, a
 *          stream of commands in redis/load (or, by type, in dump/rewrite), events in filtered_on. A new field changes
 *          this file only.
 * Source   the glob is that of SCAN MATCH: * ? [abc] [^a] [a-z] and backslash.
 */
#include <stdbool.h>

#include "base/str.h"
#include "rdb/event.h"

enum { FILTER_GLOBS_MAX = 32 };
struct globs {
    const char *v[FILTER_GLOBS_MAX]; /* borrowed */
    size_t n;
};

/* Some databases, in order, each once; none: all of them. */
enum { DB_SET_MAX = 32, DB_NUMBER_MAX = INT32_MAX };
struct db_set {
    uint32_t v[DB_SET_MAX];
    uint32_t n;
};
/* One database; negative: all of them. */
struct db_set db_set_of(int64_t db);
/* False: there are too many, or the number is too high. */
bool db_set_add(struct db_set *s, uint64_t db);
bool db_set_has(const struct db_set *s, uint64_t db);
/* Exactly this one? */
bool db_set_is(const struct db_set *s, uint64_t db);
/* The highest number of some, 0 of all. */
uint64_t db_set_highest(const struct db_set *s);

struct filter {
    struct db_set dbs;
    struct globs match;   /* any of them; none: every name */
    struct globs exclude; /* but none of these */
    uint32_t types;       /* a bit for each enum kv_type that is wanted; 0: every type */
    /* Of one shard of a cluster, beside what somebody chose: a bit for each slot that it owns (borrowed), so that what a
     * migration left behind is not taken for its own; NULL: not a cluster. */
    const uint8_t *slots;
    const char *node; /* of a cluster only this node, by its address (borrowed); NULL: all of it */
};

#define FILTER_ALL                                                                                 \
    {                                                                                              \
        .dbs = {.n = 0 }                                                                           \
    }

bool filter_is_all(const struct filter *f);
/* Does it choose among the keys of a database, by name or type? Then what a server counts says nothing of them. */
bool filter_by_name(const struct filter *f);
bool filter_wants_db(const struct filter *f, uint64_t db);
bool filter_wants(const struct filter *f, uint64_t db, struct str key);
/* Of a key that filter_wants by its name: is the type wanted too? */
bool filter_wants_type(const struct filter *f, enum kv_type type);
/* Is the key one of the shard's own? */
bool filter_owns(const struct filter *f, struct str key);
/* What belongs to no key, such as libraries of functions: only with all keys that there are. */
bool filter_wants_keyless(const struct filter *f);

/*
 * Each part that chooses, in the order of the options by whose names they go: `text`, or where that is NULL the number.
 * One that was given several times comes as often, one after the other.
 */
struct filter_part {
    const char *name, *text;
    int64_t number;
    size_t i, n; /* which of how many of that name */
};
typedef void filter_part_fn(void *arg, const struct filter_part *p);
void filter_parts(const struct filter *f, filter_part_fn *fn, void *arg);
/* As options: "--db 3 --match 'x*' --exclude 'xy*'"; mem_free. NULL: everything is wanted. */
char *filter_text(const struct filter *f);

/* An ev_fn that hands on what the filter wants: all databases, keys, and what belongs to none. */
struct filtered {
    struct filter filter;
    ev_fn *on;
    void *arg;
    uint64_t db; /* the current one */
    bool pass;   /* the key in progress is wanted */
};
enum rc filtered_on(void *arg, const struct ev *ev, struct err *e);

/* Does the whole of `s` match? Time at most |pattern| x |s|; no recursion. */
bool glob_match(struct str pattern, struct str s);

#endif
