/* SPDX-License-Identifier: Apache-2.0 */
/* Streams as commands: entries, then what they do not say, groups, consumers, pending entries.
 * Section 11.1. */
#include "dump/encode_internal.h"

static enum rc
on_entry(struct encoder *x, const struct ev *ev, struct err *e)
{
    x->last_entry = ev->u.entry.id;
    x->n_entries++;
    if (put_verb(x, "XADD", 1 + 2 * ev->u.entry.n, e) || put_id(x, ev->u.entry.id, e))
        return e->code;
    for (size_t i = 0; i < 2 * ev->u.entry.n; i++)
        if (put_arg(x, ev->u.entry.pairs[i], e))
            return e->code;
    return RC_OK;
}

/* A stream without entries comes to be by a group, which goes again. */
static enum rc
put_empty_stream(struct encoder *x, struct err *e)
{
    if (put_command(x, 6, e) || put_word(x, "XGROUP", e) || put_word(x, "CREATE", e) ||
        put_key(x, e) || put_word(x, "cstash", e) || put_word(x, "0", e) ||
        put_word(x, "MKSTREAM", e))
        return e->code;
    if (put_command(x, 4, e) || put_word(x, "XGROUP", e) || put_word(x, "DESTROY", e) ||
        put_key(x, e) || put_word(x, "cstash", e))
        return e->code;
    return RC_OK;
}

/* Say of the stream what adding its entries did not: its last ID and what Redis 7 keeps beside. */
static enum rc
on_stream(struct encoder *x, const struct ev *ev, struct err *e)
{
    struct stream_id last = ev->u.stream.last, gone = ev->u.stream.max_deleted;
    bool same_last = last.ms == x->last_entry.ms && last.seq == x->last_entry.seq;
    bool modern = ev->u.stream.modern &&
                  (ev->u.stream.added != x->n_entries || gone.ms != 0 || gone.seq != 0);

    if (x->n_entries == 0 && put_empty_stream(x, e))
        return e->code;
    if (!modern && same_last)
        return RC_OK;
    if (put_verb(x, "XSETID", modern ? 5 : 1, e) || put_id(x, last, e))
        return e->code;
    if (!modern)
        return RC_OK;
    if (put_word(x, "ENTRIESADDED", e) || put_int(x, (int64_t)ev->u.stream.added, e) ||
        put_word(x, "MAXDELETEDID", e))
        return e->code;
    return put_id(x, gone, e);
}

static enum rc
on_group(struct encoder *x, const struct ev *ev, struct err *e)
{
    bool modern = ev->u.group.modern && ev->u.group.entries_read != -1;

    if (put_command(x, modern ? 7 : 5, e) || put_word(x, "XGROUP", e) || put_word(x, "CREATE", e) ||
        put_key(x, e) || put_arg(x, ev->u.group.name, e) || put_id(x, ev->u.group.last, e))
        return e->code;
    if (!modern)
        return RC_OK;
    if (put_word(x, "ENTRIESREAD", e))
        return e->code;
    return put_int(x, ev->u.group.entries_read, e);
}

/* The XCLAIM for the IDs in the batch. */
enum rc
encode_stream_end(struct encoder *x, struct err *e)
{
    if (x->batch_args == 0)
        return RC_OK;
    if (put_verb(x, "XCLAIM", 9 + x->batch_args, e) ||
        put(x, x->claim_owner.p, x->claim_owner.n, e) || put_word(x, "0", e) ||
        put(x, x->batch.p, x->batch.n, e) || put_word(x, "TIME", e) || put_int(x, x->claim_at, e) ||
        put_word(x, "RETRYCOUNT", e) || put_int(x, (int64_t)x->claim_count, e) ||
        put_word(x, "JUSTID", e) || put_word(x, "FORCE", e))
        return e->code;
    buf_reset(&x->batch);
    x->batch_args = x->batch_items = 0;
    return RC_OK;
}

static enum rc
on_consumer(struct encoder *x, const struct ev *ev, struct err *e)
{
    struct str owner[2] = {ev->u.consumer.group, ev->u.consumer.name};

    buf_reset(&x->claim_owner);
    for (size_t i = 0; i < 2; i++) {
        if (buf_reserve(&x->claim_owner, owner[i].n + ARG_FRAME, e))
            return e->code;
        x->claim_owner.n += put_lay(x->claim_owner.p + x->claim_owner.n, owner[i]);
    }
    if (put_command(x, 5, e) || put_word(x, "XGROUP", e) || put_word(x, "CREATECONSUMER", e) ||
        put_key(x, e))
        return e->code;
    return put(x, x->claim_owner.p, x->claim_owner.n, e);
}

static enum rc
on_pending(struct encoder *x, const struct ev *ev, struct err *e)
{
    uint8_t text[ID_CHARS];

    if (ev->u.pending.consumer.p == NULL) {
        encode_warn_loss(x, "pending entries that no consumer owns are left out");
        return RC_OK;
    }
    if (x->batch_args == ENC_BATCH_ARGS || x->claim_at != ev->u.pending.delivered_at ||
        x->claim_count != ev->u.pending.count)
        if (encode_stream_end(x, e))
            return e->code;
    x->claim_at = ev->u.pending.delivered_at;
    x->claim_count = ev->u.pending.count;
    encode_batch_add(x, str_of(text, put_id_text(ev->u.pending.id, text)));
    return RC_OK;
}

static void
on_idmp(struct encoder *x, const struct ev *ev)
{
    enum { DEFAULT_DURATION = 100, DEFAULT_ENTRIES = 100 };

    if (ev->u.idmp.iid.p != NULL || ev->u.idmp.duration_s != DEFAULT_DURATION ||
        ev->u.idmp.max_entries != DEFAULT_ENTRIES)
        encode_warn_loss(x, "message deduplication settings and state are left out");
}

enum rc
encode_stream(struct encoder *x, const struct ev *ev, struct err *e)
{
    if (ev->kind == EV_PENDING)
        return on_pending(x, ev, e);
    if (encode_stream_end(x, e)) /* the claims of the consumer before */
        return e->code;
    switch (ev->kind) {
    case EV_ENTRY:
        return on_entry(x, ev, e);
    case EV_STREAM:
        return on_stream(x, ev, e);
    case EV_GROUP:
        return on_group(x, ev, e);
    case EV_CONSUMER:
        return on_consumer(x, ev, e);
    default:
        on_idmp(x, ev);
        return RC_OK;
    }
}
