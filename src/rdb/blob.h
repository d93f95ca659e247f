/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RDB_BLOB_H
#define RDB_BLOB_H

/*
 * rdb/blob -- walk the packed encodings inside RDB strings: listpack, ziplist, intset, zipmap.
 *
 * Shape    blob_open checks the header, blob_next gives one entry after the other as text; integers
 *          are written out in decimal, which is what they stand for.
 * Errors   RC_CORRUPT. Every read is inside the blob; header, count and terminator must agree.
 * Ownership  entries point into the blob or into the entry's own text.
 * Source   reference redis-dump section 8.
 * Tests    rdb_test.c, fuzz/rdb.c
 */
#include "base/err.h"
#include "base/str.h"

enum blob_kind { BLOB_LISTPACK, BLOB_ZIPLIST, BLOB_INTSET, BLOB_ZIPMAP };

struct blob {
    enum blob_kind kind;
    const uint8_t *p, *end; /* entries not yet taken; end is the terminator's place */
    uint32_t seen, count;   /* count UINT32_MAX: the header does not say */
    uint32_t width;         /* BLOB_INTSET */
    bool value_next;        /* BLOB_ZIPMAP: the next entry is a value */
};

struct blob_entry {
    struct str s;
    bool is_int;
    int64_t v; /* is_int */
    uint8_t text[STR_INT_MAX];
};

NODISCARD enum rc blob_open(struct blob *b, enum blob_kind kind, struct str bytes, struct err *e);
/* `*over` = true behind the last entry. */
NODISCARD enum rc blob_next(struct blob *b, struct blob_entry *out, bool *over, struct err *e);
/* The next entry, which must exist. */
NODISCARD enum rc blob_must(struct blob *b, struct blob_entry *out, struct err *e);
/* The next entry, which must be an integer. */
NODISCARD enum rc blob_int(struct blob *b, int64_t *out, struct err *e);

/* An entry that is a sorted set's score. */
NODISCARD enum rc blob_entry_score(const struct blob_entry *x, double *out, struct err *e);

#endif
