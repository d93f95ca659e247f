/* SPDX-License-Identifier: Apache-2.0 */
/* The key in progress: its warnings, and the elements that one command holds. */
#include "base/log.h"
#include "dump/encode_internal.h"

enum { WARNINGS_MAX = 20 };

void
encode_warn(struct encoder *x, const char *what)
{
    char name[100];

    if (x->warned)
        return;
    x->warned = true;
    if (x->warnings++ < WARNINGS_MAX)
        log_warn("key \"%s\": %s", str_show(buf_str(&x->name), name, sizeof(name)), what);
    else if (x->warnings == WARNINGS_MAX + 1)
        log_warn("more keys like these; no further warnings");
}

void
encode_warn_loss(struct encoder *x, const char *what)
{
    x->facts.lossy += !x->warned;
    encode_warn(x, what);
}

void
encode_batch_add(struct encoder *x, struct str s)
{
    struct buf *b = &x->batch;
    struct err e = ERR_INIT;

    if (b->cap - b->n < s.n + ARG_FRAME && buf_reserve(b, s.n + ARG_FRAME, &e))
        BUG("%s", e.msg);
    b->n += resp_write_lay(b->p + b->n, s);
    x->batch_args++;
}

static int
expiry_cmp(const void *a, const void *b)
{
    int64_t l = ((const struct expiry *)a)->at, r = ((const struct expiry *)b)->at;
    return (l > r) - (l < r);
}

/* HPEXPIREAT for the batch's fields, those of one time together. Behind the HMSET that made them. */
static enum rc
resp_write_expiries(struct encoder *x, struct err *e)
{
    size_t i = 0, same;

    qsort(x->expiries, x->n_expiries, sizeof(x->expiries[0]), expiry_cmp);
    for (; i < x->n_expiries; i = same) {
        for (same = i; same < x->n_expiries && x->expiries[same].at == x->expiries[i].at;)
            same++;
        if (resp_write_verb(x, "HPEXPIREAT", 3 + (same - i), e) ||
            resp_write_int(x, x->expiries[i].at, e) || resp_write_word(x, "FIELDS", e) ||
            resp_write_int(x, (int64_t)(same - i), e))
            return err_code(e);
        for (size_t k = i; k < same; k++)
            if (put(x, x->batch.p + x->expiries[k].off, x->expiries[k].n, e))
                return err_code(e);
    }
    x->n_expiries = 0;
    return RC_OK;
}

enum rc
encode_batch_flush(struct encoder *x, struct err *e)
{
    if (x->batch_args != 0 &&
        (resp_write_verb(x, x->verb, x->batch_args, e) || put(x, x->batch.p, x->batch.n, e)))
        return err_code(e);
    if (resp_write_expiries(x, e))
        return err_code(e);
    buf_reset(&x->batch);
    x->batch_args = x->batch_items = 0;
    return RC_OK;
}

enum rc
encode_batch_item(struct encoder *x, const char *verb, size_t bytes, struct err *e)
{
    if (x->batch_items == ENC_BATCH_ARGS || x->batch.n + bytes > ENC_BATCH_BYTES)
        if (encode_batch_flush(x, e))
            return err_code(e);
    x->verb = verb;
    x->batch_items++;
    return RC_OK;
}
