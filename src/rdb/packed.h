/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_PACKED_H
#define RDB_PACKED_H

/*
 * rdb/packed -- walk the packed encodings inside RDB strings: listpack, ziplist, intset, zipmap.
 *
 * Shape    packed_open checks the header, packed_next gives one entry after the other as text; integers
 *          are written out in decimal, which is what they stand for.
 * Errors   RC_CORRUPT. Every read is inside the blob; header, count and terminator must agree.
 * Ownership  entries point into the blob or into the entry's own text.
 * Source   reference redis-dump section 8.
 * Tests    rdb_test.c, fuzz/rdb.c
 */
#include "base/err.h"
#include "base/str.h"

enum packed_kind { BLOB_LISTPACK, BLOB_ZIPLIST, BLOB_INTSET, BLOB_ZIPMAP };

struct packed {
    enum packed_kind kind;
    const uint8_t *p, *end; /* entries not yet taken; end is the terminator's place */
    uint32_t seen, count;   /* count UINT32_MAX: the header does not say */
    uint32_t width;         /* BLOB_INTSET */
    bool value_next;        /* BLOB_ZIPMAP: the next entry is a value */
};

struct packed_entry {
    struct str s;
    bool is_int;
    int64_t v; /* is_int */
    uint8_t text[STR_INT_MAX];
};

NODISCARD enum rc packed_open(struct packed *b, enum packed_kind kind, struct str bytes,
                              struct err *e);
/* `*over` = true behind the last entry. */
NODISCARD enum rc packed_next(struct packed *b, struct packed_entry *out, bool *over,
                              struct err *e);
/* The next entry, which must exist. */
NODISCARD enum rc packed_must(struct packed *b, struct packed_entry *out, struct err *e);
/* The next entry, which must be an integer. */
NODISCARD enum rc packed_int(struct packed *b, int64_t *out, struct err *e);

/* An entry that is a sorted set's score. */
NODISCARD enum rc packed_entry_score(const struct packed_entry *x, double *out, struct err *e);

#endif
