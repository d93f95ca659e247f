/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/held.h"

#include "base/mem.h"
#include "rdb/event.h"

static void
held_arg(struct held *h, size_t off, size_t n)
{
    if (h->n == h->cap) {
        h->cap = MAX(2 * h->cap, 16U);
        h->offs = mem_grow(h->offs, h->cap, sizeof(*h->offs));
        h->lens = mem_grow(h->lens, h->cap, sizeof(*h->lens));
        h->argv = mem_grow(h->argv, h->cap, sizeof(*h->argv));
    }
    h->offs[h->n] = off;
    h->lens[h->n++] = n;
}

enum rc
held_begin(struct held *h, const struct cmd *c, struct err *e)
{
    if (h->cap == 0)
        buf_init(&h->raw, EV_OPAQUE_MAX);
    buf_reset(&h->raw);
    h->n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        held_arg(h, (size_t)(c->argv[i].p - c->raw.p), c->argv[i].n);
    return buf_add_str(&h->raw, c->raw, e);
}

enum rc
held_add(struct held *h, const struct resp_reader_piece *p, struct err *e)
{
    if (p->arg >= 0 && p->off == 0)
        held_arg(h, h->raw.n, (size_t)p->total);
    return buf_add_str(&h->raw, p->raw, e);
}

void
held_take(struct held *h, struct cmd *out)
{
    for (uint32_t i = 0; i < h->n; i++)
        h->argv[i] = str_of(h->raw.p + h->offs[i], h->lens[i]);
    out->argv = h->argv;
    out->n = out->argc = h->n;
    out->raw = buf_str(&h->raw);
    out->whole = true;
}

void
held_release(struct held *h)
{
    if (h->cap == 0)
        return;
    buf_release(&h->raw);
    mem_free(h->offs);
    mem_free(h->lens);
    mem_free(h->argv);
    *h = (struct held){.n = 0};
}
