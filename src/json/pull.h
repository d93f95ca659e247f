/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_PULL_H
#define JSON_PULL_H

/*
 * json/pull -- read a large JSON document from a stream, field by field, without holding it.
 *
 * Why      an index or tree lists hundreds of thousands of blobs; as a document in memory that
 *          would be hundreds of megabytes.
 * Shape    the caller walks the structure it expects: pull_object(j, e) while (pull_key(j, &key,
 *          &more, e) == RC_OK && more) ... a value, or pull_skip and the same with pull_array,
 *          pull_item. pull_end checks that nothing follows.
 * Limits   PULL_DEPTH levels; strings that are asked for hold at most PULL_TEXT bytes, skipped ones
 *          any number.
 * Errors   RC_CORRUPT with the place in bytes; whatever the stream gives.
 * Tests    json_test.c
 */
#include <stdbool.h>

#include "base/stream.h"

enum { PULL_DEPTH = 32, PULL_TEXT = 64 * 1024, PULL_STEP = 32 * 1024 };

struct pull {
    struct rd *from; /* borrowed */
    uint64_t at;     /* stream offset of buf[0] */
    size_t pos, n;   /* in buf */
    unsigned depth;
    bool first;      /* nothing came yet on this level */
    bool ended;      /* of the stream */
    struct buf text; /* the last string */
    uint8_t buf[PULL_STEP];
};

/* struct pull is large: allocate it. */
void pull_init(struct pull *j, struct rd *from);
void pull_release(struct pull *j);

NODISCARD enum rc pull_object(struct pull *j, struct err *e);
/* The next key of the object, or `*more` = false at its end. `key` is valid until the next call. */
NODISCARD enum rc pull_key(struct pull *j, struct str *key, bool *more, struct err *e);
NODISCARD enum rc pull_array(struct pull *j, struct err *e);
/* Is there another element? At the end the array is closed. */
NODISCARD enum rc pull_item(struct pull *j, bool *more, struct err *e);

/* Valid until the next call. */
NODISCARD enum rc pull_str(struct pull *j, struct str *out, struct err *e);
/* A string of exactly 2n hexadecimal digits, of either case, as n bytes. */
NODISCARD enum rc pull_hex(struct pull *j, uint8_t *out, size_t n, struct err *e);
NODISCARD enum rc pull_u64(struct pull *j, uint64_t *out, struct err *e);
/* If the next value is null, take it and say so. */
NODISCARD enum rc pull_null(struct pull *j, bool *was_null, struct err *e);
/*
 * For the layout that nearly all documents have: the next bytes up to the end of what was read, at
 * least `want` of them unless the stream ends before. pull_take passes over the first n. At the
 * start of a value only, and the whole value is taken or nothing.
 */
NODISCARD enum rc pull_look(struct pull *j, size_t want, struct str *out, struct err *e);
void pull_take(struct pull *j, size_t n);
/* Pass over any value. */
NODISCARD enum rc pull_skip(struct pull *j, struct err *e);
/* Only white space may be left. */
NODISCARD enum rc pull_end(struct pull *j, struct err *e);

/* RC_CORRUPT with the place: "bad JSON at byte 17: wanted a string". */
enum rc pull_bad(const struct pull *j, const char *why, struct err *e);

#endif
