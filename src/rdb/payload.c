/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "base/mem.h"
#include "codec/crc64.h"
#include "rdb/payload.h"
#include "rdb/rdb_internal.h"

enum { VALKEY_OLDEST = 80, OP_KEY_META = 243 };

struct payload_decoder {
    struct rdb r; /* only its window, scratch and decoders are used */
};

void
payload_footer(const struct ev *ev, uint8_t footer[static PAYLOAD_FOOTER])
{
    uint64_t crc;

    le16_store(footer, ev->u.payload.version);
    crc = crc64(0, ev->u.payload.meta.p, ev->u.payload.meta.n);
    crc = crc64(crc, &ev->u.payload.rdb_type, 1);
    crc = crc64(crc, ev->u.payload.value.p, ev->u.payload.value.n);
    crc = crc64(crc, footer, 2);
    le64_store(footer + 2, crc);
}

uint16_t
payload_stamp(struct str raw)
{
    return raw.n < PAYLOAD_FOOTER ? 0 : le16_load(raw.p + raw.n - PAYLOAD_FOOTER);
}

bool
payload_is_old_stream(const struct ev *payload)
{
    return payload->u.payload.rdb_type == T_STREAM;
}

const char *
payload_module(const struct ev *payload, char to[static PAYLOAD_MODULE_TEXT])
{
    struct rdb r;
    struct err ignored = ERR_INIT;
    uint64_t id;

    to[0] = '\0';
    if (payload->u.payload.rdb_type !=
        T_MODULE_2) /* nearly every key: a decoder costs an allocation */
        return to;
    rdb_init(&r, NULL);
    lookahead_load(&r.w, payload->u.payload.value);
    if (rdb_len(&r, &id, &ignored) == RC_OK)
        rdb_module_name(id, to);
    rdb_release(&r);
    return to;
}

/* The KEY_META block in front of a payload's type byte, if there is one. */
static enum rc
split_meta(struct str body, struct str *meta, struct err *e)
{
    struct rdb r;
    const uint8_t *spec;
    uint64_t n = 0;
    enum rc rc = RC_OK;

    if (body.p[0] != OP_KEY_META)
        return RC_OK;
    rdb_init(&r, NULL);
    lookahead_load(&r.w, str_of(body.p + 1, body.n - 1));
    if (rdb_len(&r, &n, e))
        rc = e->code;
    for (; rc == RC_OK && n > 0; n--)
        if (rdb_take(&r, 4, &spec, e) || rdb_skip_module(&r, e))
            rc = e->code;
    if (rc == RC_OK)
        *meta = str_of(body.p, 1 + (size_t)rdb_at(&r));
    rdb_release(&r);
    return rc;
}

enum rc
payload_split(struct str raw, struct ev *out, struct err *e)
{
    struct ev ev = {.kind = EV_PAYLOAD};
    struct str body, meta = {NULL, 0};
    uint64_t want;
    uint16_t version;

    if (raw.n < PAYLOAD_FOOTER + 1)
        return err_set(e, RC_CORRUPT, "a RESTORE payload of %zu bytes is too short", raw.n);
    body = str_of(raw.p, raw.n - PAYLOAD_FOOTER);
    version = le16_load(raw.p + body.n);
    want = le64_load(raw.p + body.n + 2);
    if (want != 0 && want != crc64(0, raw.p, body.n + 2))
        return err_set(e, RC_CORRUPT, "the checksum of a RESTORE payload does not match");
    if (split_meta(body, &meta, e))
        return err_code(e);
    if (meta.n >= body.n)
        return err_set(e, RC_CORRUPT, "a RESTORE payload without a value");
    ev.u.payload.meta = meta;
    ev.u.payload.rdb_type = body.p[meta.n];
    ev.u.payload.value = str_of(body.p + meta.n + 1, body.n - meta.n - 1);
    ev.u.payload.version = rdb_min_version(ev.u.payload.rdb_type, version >= VALKEY_OLDEST);
    if (ev.u.payload.version == 0)
        return err_set(e, RC_UNSUPPORTED, "a RESTORE payload of the unknown value type %u",
                       ev.u.payload.rdb_type);
    if (meta.n != 0)
        ev.u.payload.version = MAX(ev.u.payload.version, 13);
    *out = ev;
    return RC_OK;
}

struct payload_decoder *
payload_decoder_new(void)
{
    struct payload_decoder *d = MEM_NEW(struct payload_decoder);

    rdb_init(&d->r, NULL);
    d->r.captured = true;
    return d;
}

void
payload_decoder_free(struct payload_decoder *d)
{
    if (d == NULL)
        return;
    rdb_release(&d->r);
    mem_free(d);
}

enum rc
payload_decode(struct payload_decoder *d, const struct ev *payload, ev_fn *on, void *arg,
               struct err *e)
{
    struct rdb_out o = {.on = on, .arg = arg};
    enum kv_type kv;

    if (!rdb_kv_type(payload->u.payload.rdb_type, &kv))
        return err_set(e, RC_UNSUPPORTED, "unknown value type %u", payload->u.payload.rdb_type);
    if (kv_info[kv].opaque != NULL)
        return on(arg, payload, e);
    lookahead_load(&d->r.w, payload->u.payload.value);
    d->r.type = payload->u.payload.rdb_type;
    d->r.valkey = payload->u.payload.version >= VALKEY_OLDEST;
    if (rdb_decode_value(&d->r, &o, e))
        return err_code(e);
    if (lookahead_left(&d->r.w) != 0)
        return err_set(e, RC_CORRUPT, "a RESTORE payload with %zu bytes behind its value",
                       lookahead_left(&d->r.w));
    return RC_OK;
}
