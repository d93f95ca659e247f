/* SPDX-License-Identifier: Apache-2.0 */
/* Streams as commands: entries, then what they do not say, groups, consumers, pending entries.
 * Section 11.1. */
#include "dump/encode_internal.h"

static enum rc
on_entry(struct encoder *x, const struct ev *ev, struct err *e)
{
    x->last_entry = ev->u.entry.id;
    x->n_entries++;
    if (resp_write_verb(x, "XADD", 1 + 2 * ev->u.entry.n, e) || resp_write_id(x, ev->u.entry.id, e))
        return err_code(e);
    for (size_t i = 0; i < 2 * ev->u.entry.n; i++)
        if (resp_write_arg(x, ev->u.entry.pairs[i], e))
            return err_code(e);
    return RC_OK;
}

/*
 * An entry that is gone but still pending is added for XCLAIM to find, and removed in the end. MAXLEN,
 * which trims nothing here, tells it from those that are there.
 */
static enum rc
on_gone(struct encoder *x, const struct ev *ev, struct err *e)
{
    uint8_t text[ID_CHARS];
    struct str id = str_of(text, resp_write_id_text(ev->u.entry.id, text));

    x->last_entry = ev->u.entry.id;
    if (x->n_entries == 0) {
        x->deleted_first = true;
    } else {
        if (buf_reserve(&x->gone, id.n + ARG_FRAME, e))
            return err_code(e);
        x->gone.n += resp_write_lay(x->gone.p + x->gone.n, id);
        x->n_gone++;
    }
    if (resp_write_verb(x, "XADD", 5, e) || resp_write_word(x, "MAXLEN", e) ||
        resp_write_int(x, INT64_MAX, e) || resp_write_arg(x, id, e) ||
        resp_write_word(x, "cstash", e))
        return err_code(e);
    return resp_write_word(x, "deleted", e);
}

/* A stream without entries comes to be by a group, which goes again. */
static enum rc
resp_write_empty_stream(struct encoder *x, struct err *e)
{
    if (resp_write_command(x, 6, e) || resp_write_word(x, "XGROUP", e) ||
        resp_write_word(x, "CREATE", e) || resp_write_key(x, e) ||
        resp_write_word(x, "cstash", e) || resp_write_word(x, "0", e) ||
        resp_write_word(x, "MKSTREAM", e))
        return err_code(e);
    if (resp_write_command(x, 4, e) || resp_write_word(x, "XGROUP", e) ||
        resp_write_word(x, "DESTROY", e) || resp_write_key(x, e) || resp_write_word(x, "cstash", e))
        return err_code(e);
    return RC_OK;
}

static bool
had_deleted(const struct encoder *x)
{
    return x->deleted_first || x->n_gone != 0;
}

/* Say of the stream what adding its entries did not: its last ID and what Redis 7 keeps beside. */
static enum rc
resp_write_setid(struct encoder *x, const struct ev *ev, struct err *e)
{
    struct stream_id last = ev->u.stream.last, gone = ev->u.stream.max_deleted;
    bool same_last = last.ms == x->last_entry.ms && last.seq == x->last_entry.seq;
    bool modern = ev->u.stream.modern && (ev->u.stream.added != x->n_entries || gone.ms != 0 ||
                                          gone.seq != 0 || had_deleted(x));

    if (!modern && same_last)
        return RC_OK;
    if (resp_write_verb(x, "XSETID", modern ? 5 : 1, e) || resp_write_id(x, last, e))
        return err_code(e);
    if (!modern)
        return RC_OK;
    if (resp_write_word(x, "ENTRIESADDED", e) ||
        resp_write_int(x, (int64_t)ev->u.stream.added, e) || resp_write_word(x, "MAXDELETEDID", e))
        return err_code(e);
    return resp_write_id(x, gone, e);
}

static enum rc
on_stream(struct encoder *x, const struct ev *ev, struct err *e)
{
    if (had_deleted(x)) { /* its counters are right when those are gone again */
        x->stream = *ev;
        return RC_OK;
    }
    return x->n_entries == 0 && resp_write_empty_stream(x, e) ? err_code(e)
                                                              : resp_write_setid(x, ev, e);
}

static enum rc
on_group(struct encoder *x, const struct ev *ev, struct err *e)
{
    bool modern = ev->u.group.modern && ev->u.group.entries_read != -1;

    if (resp_write_command(x, modern ? 7 : 5, e) || resp_write_word(x, "XGROUP", e) ||
        resp_write_word(x, "CREATE", e) || resp_write_key(x, e) ||
        resp_write_arg(x, ev->u.group.name, e) || resp_write_id(x, ev->u.group.last, e))
        return err_code(e);
    if (!modern)
        return RC_OK;
    if (resp_write_word(x, "ENTRIESREAD", e))
        return err_code(e);
    return resp_write_int(x, ev->u.group.entries_read, e);
}

/* The XCLAIM for the IDs in the batch. */
enum rc
encode_stream_end(struct encoder *x, struct err *e)
{
    if (x->batch_args == 0)
        return RC_OK;
    if (resp_write_verb(x, "XCLAIM", 9 + x->batch_args, e) ||
        put(x, x->claim_owner.p, x->claim_owner.n, e) || resp_write_word(x, "0", e) ||
        put(x, x->batch.p, x->batch.n, e) || resp_write_word(x, "TIME", e) ||
        resp_write_int(x, x->claim_at, e) || resp_write_word(x, "RETRYCOUNT", e) ||
        resp_write_int(x, (int64_t)x->claim_count, e) || resp_write_word(x, "JUSTID", e) ||
        resp_write_word(x, "FORCE", e))
        return err_code(e);
    buf_reset(&x->batch);
    x->batch_args = x->batch_items = 0;
    return RC_OK;
}

/*
 * Reading what it was given already, which is nothing, makes a consumer in every version; XGROUP
 * CREATECONSUMER came with Redis 6.2.
 */
static enum rc
on_consumer(struct encoder *x, const struct ev *ev, struct err *e)
{
    struct str owner[2] = {ev->u.consumer.group, ev->u.consumer.name};

    buf_reset(&x->claim_owner);
    for (size_t i = 0; i < 2; i++) {
        if (buf_reserve(&x->claim_owner, owner[i].n + ARG_FRAME, e))
            return err_code(e);
        x->claim_owner.n += resp_write_lay(x->claim_owner.p + x->claim_owner.n, owner[i]);
    }
    if (resp_write_command(x, 7, e) || resp_write_word(x, "XREADGROUP", e) ||
        resp_write_word(x, "GROUP", e) || put(x, x->claim_owner.p, x->claim_owner.n, e) ||
        resp_write_word(x, "STREAMS", e) || resp_write_key(x, e))
        return err_code(e);
    return resp_write_word(x, "0", e);
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
            return err_code(e);
    x->claim_at = ev->u.pending.delivered_at;
    x->claim_count = ev->u.pending.count;
    encode_batch_add(x, str_of(text, resp_write_id_text(ev->u.pending.id, text)));
    return RC_OK;
}

/* Those between others by their IDs, some at a time; each is an argument of the same length at most. */
static enum rc
resp_write_xdel(struct encoder *x, struct err *e)
{
    const uint8_t *p = x->gone.p, *all = p + x->gone.n;
    uint64_t left = x->n_gone;

    while (left != 0) {
        uint64_t n = MIN(left, (uint64_t)ENC_BATCH_ARGS);
        const uint8_t *end = p;

        for (uint64_t i = 0; i < 2 * n; i++) /* two lines each */
            end = (const uint8_t *)memchr(end, '\n', (size_t)(all - end)) + 1;
        if (resp_write_verb(x, "XDEL", n, e) || put(x, p, (size_t)(end - p), e))
            return err_code(e);
        p = end;
        left -= n;
    }
    return RC_OK;
}

/*
 * What was added for XCLAIM goes again. Those in front are trimmed, as a server did that holds no larger
 * deleted ID; XDEL would leave one.
 */
enum rc
encode_stream_close(struct encoder *x, struct err *e)
{
    if (encode_stream_end(x, e))
        return err_code(e);
    if (!had_deleted(x))
        return RC_OK;
    if (resp_write_xdel(x, e))
        return err_code(e);
    if (x->n_gone != 0 && x->stream.u.stream.modern && x->stream.u.stream.max_deleted.ms == 0 &&
        x->stream.u.stream.max_deleted.seq == 0) /* Redis 7 that loaded a file of Redis 6 */
        encode_warn_loss(x, "its largest deleted ID, which it does not know, will be known");
    if (x->deleted_first && (resp_write_verb(x, "XTRIM", 2, e) || resp_write_word(x, "MAXLEN", e) ||
                             resp_write_int(x, (int64_t)x->n_entries, e)))
        return err_code(e);
    return resp_write_setid(x, &x->stream, e);
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
        return err_code(e);
    switch (ev->kind) {
    case EV_ENTRY:
        return on_entry(x, ev, e);
    case EV_DELETED:
        return on_gone(x, ev, e);
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
