/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_FILTER_H
#define DUMP_FILTER_H

/*
 * dump/filter -- which keys: one database, names that match a glob, or everything.
 *
 * Source   the glob is that of SCAN MATCH: * ? [abc] [^a] [a-z] and backslash.
 */
#include <stdbool.h>

#include "base/str.h"
#include "rdb/event.h"

#define FILTER_ALL_DBS (-1)

struct filter {
    int64_t db;        /* FILTER_ALL_DBS or a number */
    const char *match; /* NULL: every name; borrowed */
};

#define FILTER_ALL                                                                                 \
    {                                                                                              \
        .db = FILTER_ALL_DBS, .match = NULL                                                        \
    }

static inline bool
filter_is_all(const struct filter *f)
{
    return f->db == FILTER_ALL_DBS && f->match == NULL;
}

/* An ev_fn that hands on what the filter wants: all databases, keys, and (wanting all) libraries. */
struct filtered {
    struct filter filter;
    ev_fn *on;
    void *arg;
    uint64_t db; /* the current one */
    bool pass;   /* the key in progress is wanted */
};
enum rc filtered_on(void *arg, const struct ev *ev, struct err *e);

bool filter_wants_db(const struct filter *f, uint64_t db);
bool filter_wants(const struct filter *f, uint64_t db, struct str key);
/* Does the whole of `s` match? Time at most |pattern| x |s|; no recursion. */
bool glob_match(struct str pattern, struct str s);

#endif
