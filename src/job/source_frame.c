/* SPDX-License-Identifier: Apache-2.0 */
/* What stands around the body of any source: header and trailer, times, what passed; and what it all came to. */
#include "base/mem.h"
#include "job/source_internal.h"

void
source_facts_release(struct source_facts *f)
{
    mem_free(f->shards);
    mem_free(f->nodes);
    f->shards = NULL;
    f->nodes = NULL;
}

uint64_t
source_skew_ms(const struct source_facts *f)
{
    int64_t first = INT64_MAX, last = 0;

    for (size_t i = 0; f->shards != NULL && f->point_in_time && i < f->n_shards; i++) {
        first = MIN(first, instant_ms(f->shards[i].facts.point));
        last = MAX(last, instant_ms(f->shards[i].facts.point));
    }
    return last > first ? (uint64_t)(last - first) : 0;
}

/* Counts for the progress line what goes by. */
struct counted {
    struct wr wr;
    struct wr *to;
    atomic_uint_fast64_t *bytes;
    uint64_t n;
};

static enum rc
counted_write(struct wr *base, const uint8_t *p, size_t n, struct err *e)
{
    struct counted *w = CONTAINER_OF(base, struct counted, wr);

    w->n += n;
    if (w->bytes != NULL)
        atomic_fetch_add_explicit(w->bytes, n, memory_order_relaxed);
    return w->to == NULL ? RC_OK : wr_write(w->to, p, n, e);
}

struct wr *
source_lane(struct source_sink *to, unsigned i, struct dump *d)
{
    struct wr *out = to->lane(to, i);

    d->how.index = to->index != NULL ? to->index(to, i) : NULL;
    return out;
}

enum rc
source_framed(struct ctx *cx, void *from, source_body *body, struct dump *d, struct wr *out,
              struct err *e)
{
    struct counted w = {.wr = {.write = counted_write}, .to = out, .bytes = d->o->bytes};
    struct encoder *enc = out == NULL ? NULL : encoder_new(&w.wr, d->o->format);
    enum rc rc = RC_OK;

    d->enc = enc;
    d->f->started = d->f->point = instant_now();
    if (enc != NULL)
        rc = encoder_begin(enc, d->how.part, e);
    if (rc == RC_OK)
        rc = body(cx, from, d, e);
    if (rc == RC_OK && d->how.index != NULL)
        rc = key_lane_end(d->how.index, encoder_facts(enc).bytes, e);
    if (rc == RC_OK && enc != NULL)
        rc = encoder_end(enc, d->how.trailer, e);
    if (enc != NULL)
        d->f->enc = encoder_facts(enc);
    d->f->ended = instant_now();
    if (rc != RC_OK && w.bytes != NULL) /* whoever tries again counts it again */
        atomic_fetch_sub(w.bytes, w.n);
    encoder_free(enc);
    reckon_release(&d->read);
    return rc;
}
