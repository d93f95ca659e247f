/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "store/wire_internal.h"

enum { STEP = 1024 * 1024 };

/* The codes of answers, by their number: those of another version of this program may have others. */
static const enum rc codes[] = {RC_OK,          RC_NOT_FOUND, RC_DENIED,    RC_IO,      RC_FULL,
                                RC_UNAVAILABLE, RC_TIMEOUT,   RC_CANCELLED, RC_CORRUPT, RC_LIMIT,
                                RC_UNSUPPORTED, RC_INVALID,   RC_EXISTS};

static uint8_t
wire_code(enum rc rc)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i] == rc)
            return (uint8_t)i;
    }
    return wire_code(RC_IO);
}

void
wire_question_store(const struct wire_question *q, uint8_t to[static WIRE_QUESTION_N])
{
    to[0] = (uint8_t)q->op;
    to[1] = (uint8_t)q->name.type;
    memcpy(to + 2, q->name.id.b, sizeof(q->name.id.b));
    be64_store(to + 34, q->a);
    be64_store(to + 42, q->b);
    be64_store(to + 50, q->n);
}

enum rc
wire_question_load(const uint8_t from[static WIRE_QUESTION_N], struct wire_question *q,
                   struct err *e)
{
    if (from[0] < WIRE_CREATE || from[0] > WIRE_KEEP_DROP || from[1] > STORE_PACK)
        return err_set(e, RC_CORRUPT, "the other side asks for what is not known");
    *q = (struct wire_question){.op = from[0], .name = {.type = from[1]}};
    memcpy(q->name.id.b, from + 2, sizeof(q->name.id.b));
    q->a = be64_load(from + 34);
    q->b = be64_load(from + 42);
    q->n = be64_load(from + 50);
    return RC_OK;
}

void
wire_answer_store(const struct wire_answer *a, uint8_t to[static WIRE_ANSWER_N])
{
    to[0] = wire_code(a->rc);
    to[1] = a->retry;
    be64_store(to + 2, a->a);
    be64_store(to + 10, a->b);
    be64_store(to + 18, a->n);
}

enum rc
wire_answer_load(const uint8_t from[static WIRE_ANSWER_N], struct wire_answer *a, struct err *e)
{
    if (from[0] >= ARRAY_LEN(codes))
        return err_set(e, RC_CORRUPT, "the other side answers what is not known");
    a->rc = codes[from[0]];
    a->retry = from[1] != 0;
    a->a = be64_load(from + 2);
    a->b = be64_load(from + 10);
    a->n = be64_load(from + 18);
    return RC_OK;
}

enum rc
wire_read_all(struct rd *rd, uint8_t *to, size_t n, struct err *e)
{
    size_t got = 0;

    if (n > 0 && rd_full(rd, to, n, &got, e))
        return err_code(e);
    return got == n ? RC_OK : err_set(e, RC_UNAVAILABLE, "the other side ended");
}

enum rc
wire_read(struct rd *rd, uint64_t n, struct buf *to, struct err *e)
{
    while (n > 0) {
        size_t step = (size_t)MIN(n, (uint64_t)STEP);

        if (buf_reserve(to, step, e) || wire_read_all(rd, to->p + to->n, step, e))
            return err_code(e);
        to->n += step;
        n -= step;
    }
    return RC_OK;
}
