/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_WIRE_INTERNAL_H
#define STORE_WIRE_INTERNAL_H

/* What both ends of store/wire share: the shape of questions and answers (docs/format/wire.md). */
#include "store/wire.h"

#define WIRE_HELLO "cstash wire 1\n"
enum { WIRE_HELLO_N = sizeof(WIRE_HELLO) - 1 };

enum wire_op {
    WIRE_CREATE = 1,
    WIRE_PUT,
    WIRE_GET,
    WIRE_STAT,
    WIRE_AGE,
    WIRE_LIST,
    WIRE_WALK,
    WIRE_DEL,
    WIRE_SWEEP,
    WIRE_KEEP,     /* store_reserve_ops.keep */
    WIRE_KEEP_PUT, /* .put */
    WIRE_KEEP_DROP /* .drop */
};

enum {
    WIRE_QUESTION_N = 2 + 32 + 3 * 8, /* op, type, id, a, b, bytes that follow */
    WIRE_ANSWER_N = 2 + 3 * 8,        /* code, retry, a, b, bytes that follow */
    WIRE_LIST_N = 32 + 8,             /* an entry: id, bytes */
    WIRE_WALK_N =
        3 * 8 + 1, /* an entry: bytes, written, bytes of its path, which follows; is a file */
    WIRE_WORDS_MAX = 4096 /* of an error */
};

struct wire_question {
    enum wire_op op;
    struct store_name name;
    uint64_t a,
        b; /* of a GET: where, and how many bytes; of an AGE: when, as the object says itself */
    uint64_t n; /* bytes that follow */
};

struct wire_answer {
    enum rc rc;
    bool retry;
    uint64_t a, b;
    uint64_t n;
};

void wire_question_store(const struct wire_question *q, uint8_t to[static WIRE_QUESTION_N]);
NODISCARD enum rc wire_question_load(const uint8_t from[static WIRE_QUESTION_N],
                                     struct wire_question *q, struct err *e);
void wire_answer_store(const struct wire_answer *a, uint8_t to[static WIRE_ANSWER_N]);
NODISCARD enum rc wire_answer_load(const uint8_t from[static WIRE_ANSWER_N], struct wire_answer *a,
                                   struct err *e);

/* Exactly n bytes, into memory that grows as they come. RC_UNAVAILABLE: they end before; RC_LIMIT: more than `to` may hold. */
NODISCARD enum rc wire_read(struct rd *rd, uint64_t n, struct buf *to, struct err *e);
/* Exactly n bytes. */
NODISCARD enum rc wire_read_all(struct rd *rd, uint8_t *to, size_t n, struct err *e);

#endif
