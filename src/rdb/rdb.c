/* SPDX-License-Identifier: Apache-2.0 */
/* The container: header, opcodes, keys, checksum. Section 6 of the reference. */
#include <stdarg.h>

#include "base/endian.h"
#include "base/mem.h"
#include "codec/crc64.h"
#include "rdb/payload.h"
#include "rdb/rdb_internal.h"

enum opcode {
    OP_243 = 243, /* KEY_META for Redis, SLOT_IMPORT for Valkey */
    OP_HASH_TEMPLATE = 242,
    OP_SLOT_INFO = 244,
    OP_FUNCTION2 = 245,
    OP_FUNCTION_RC = 246,
    OP_MODULE_AUX = 247,
    OP_IDLE = 248,
    OP_FREQ = 249,
    OP_AUX = 250,
    OP_RESIZEDB = 251,
    OP_EXPIRETIME_MS = 252,
    OP_EXPIRETIME = 253,
    OP_SELECTDB = 254,
    OP_EOF = 255
};

enum {
    MAGIC = 9,
    REDIS_NEWEST = 15,
    VALKEY_OLDEST = 80,
    VALKEY_NEWEST = 80,
    META_MAX = 1 << 20,
    KEYLESS_MAX = 1 << 21,
    SLOTS = 16384
};

static void
add_to_crc(void *arg, const uint8_t *p, size_t n)
{
    struct rdb *r = arg;
    r->crc = crc64(r->crc, p, n);
}

void
rdb_init(struct rdb *r, struct rd *in)
{
    memset(r, 0, sizeof(*r));
    lookahead_init(&r->w, in, EV_HELD_MAX);
    r->opaque_max = RDB_OPAQUE_MAX;
    r->keyless_max = RDB_KEYLESS_MAX;
    r->key.expires_at = EV_NO_EXPIRY;
    r->key.idle_s = -1;
    r->key.freq = -1;
    buf_init(&r->name, EV_HELD_MAX);
    buf_init(&r->aux, EV_HELD_MAX);
    buf_init(&r->meta, META_MAX);
    buf_init(&r->blob, EV_HELD_MAX);
    buf_init(&r->field, EV_HELD_MAX);
    buf_init(&r->lzf, EV_HELD_MAX);
}

void
rdb_release(struct rdb *r)
{
    struct buf *bufs[] = {&r->name, &r->aux, &r->meta, &r->blob, &r->field, &r->lzf};

    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_release(bufs[i]);
    rdb_free_templates(r);
    lookahead_release(&r->w);
}

struct rdb *
rdb_new(struct rd *in)
{
    struct rdb *r = MEM_NEW(struct rdb);

    rdb_init(r, in);
    r->w.on_gone = add_to_crc;
    r->w.on_gone_arg = r;
    return r;
}

void
rdb_free(struct rdb *r)
{
    if (r == NULL)
        return;
    rdb_release(r);
    mem_free(r);
}

static enum rc
read_header(struct rdb *r, struct err *e)
{
    size_t digits_at;
    uint64_t version;
    const uint8_t *p;

    if (lookahead_need(&r->w, MAGIC, e))
        return err_wrap(e, "not an RDB file");
    p = r->w.p + r->w.pos;
    r->valkey = memcmp(p, "VALKEY", 6) == 0;
    digits_at = r->valkey ? 6 : 5;
    if ((!r->valkey && memcmp(p, "REDIS", 5) != 0) ||
        !str_to_u64(str_of(p + digits_at, MAGIC - digits_at), &version))
        return err_set(e, RC_CORRUPT, "not an RDB file: it does not start with REDIS or VALKEY");
    if (r->valkey ? version < VALKEY_OLDEST || version > VALKEY_NEWEST
                  : version < 1 || version > REDIS_NEWEST) {
        (void)err_set(e, RC_UNSUPPORTED, "RDB version %s%llu is not known here",
                      r->valkey ? "VALKEY " : "", (unsigned long long)version);
        return err_hint(e, "a newer cstash may know it");
    }
    (void)lookahead_take(&r->w, MAGIC);
    r->version = (unsigned)version;
    r->started = true;
    return RC_OK;
}

static enum rc
read_aux(struct rdb *r, struct rdb_item *out, struct err *e)
{
    uint64_t used;

    if (rdb_string_held(r, &r->name, &out->name, e) || rdb_string_held(r, &r->aux, &out->value, e))
        return err_code(e);
    out->kind = str_eq(out->name, STR_LIT("lua")) ? RDB_SCRIPT : RDB_AUX;
    if (str_eq(out->name, STR_LIT("used-mem")) && str_to_u64(out->value, &used))
        r->opaque_max = (size_t)MIN(MAX(used, (uint64_t)RDB_OPAQUE_MAX), (uint64_t)EV_OPAQUE_MAX);
    return RC_OK;
}

/* SELECTDB, and RESIZEDB if it follows, as every writer since 3.2 does. */
static enum rc
read_db(struct rdb *r, struct rdb_item *out, struct err *e)
{
    out->kind = RDB_DB;
    out->db.keys = out->db.expires = EV_UNKNOWN;
    if (rdb_len(r, &out->db.n, e) || lookahead_need(&r->w, 1, e))
        return err_code(e);
    if (r->w.p[r->w.pos] != OP_RESIZEDB)
        return RC_OK;
    (void)lookahead_take(&r->w, 1);
    if (rdb_len(r, &out->db.keys, e) || rdb_len(r, &out->db.expires, e))
        return err_code(e);
    return RC_OK;
}

/*
 * The name of a module from its 64-bit id: nine characters of six bits, then ten bits of version.
 */
void
rdb_module_name(uint64_t id, char to[static PAYLOAD_MODULE_TEXT])
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (int i = 0; i < PAYLOAD_MODULE_TEXT - 1; i++)
        to[i] = alphabet[id >> (58 - 6 * i) & 63];
    to[PAYLOAD_MODULE_TEXT - 1] = '\0';
}

static enum rc
read_module_aux(struct rdb *r, struct rdb_item *out, struct err *e)
{
    char name[PAYLOAD_MODULE_TEXT];
    uint64_t id, op, when;

    if (rdb_len(r, &id, e) || rdb_len(r, &op, e) || rdb_len(r, &when, e) || rdb_skip_module(r, e))
        return err_code(e);
    out->kind = RDB_MODULE_AUX;
    rdb_module_name(id, name);
    buf_reset(&r->name);
    buf_must_add(&r->name, name, strlen(name));
    out->name = buf_str(&r->name);
    return RC_OK;
}

/* Redis 8.6: metadata of the next key, kept as raw bytes with its opcode for a RESTORE payload. */
static enum rc
read_key_meta(struct rdb *r, struct err *e)
{
    static const uint8_t op = OP_243;
    const uint8_t *spec;
    uint64_t n;
    enum rc rc = RC_OK;

    lookahead_pin(&r->w);
    if (rdb_len(r, &n, e))
        rc = e->code;
    for (; rc == RC_OK && n > 0; n--)
        if (rdb_take(r, 4, &spec, e) || rdb_skip_module(r, e))
            rc = e->code;
    buf_reset(&r->meta);
    if (rc == RC_OK &&
        (buf_add(&r->meta, &op, 1, e) || buf_add_str(&r->meta, lookahead_pinned(&r->w), e)))
        rc = e->code;
    lookahead_unpin(&r->w);
    return rc;
}

/* Valkey 9: a slot import in progress. Nothing in it is data of ours. */
static enum rc
skip_slot_import(struct rdb *r, struct err *e)
{
    uint64_t ranges, slot;

    if (rdb_string_skip(r, e) || rdb_len(r, &ranges, e))
        return err_code(e);
    if (ranges > SLOTS)
        return rdb_corrupt(r, e, "%llu ranges of slots", (unsigned long long)ranges);
    for (; ranges > 0; ranges--)
        /* NOLINTNEXTLINE(misc-redundant-expression): two lengths */
        if (rdb_len(r, &slot, e) || rdb_len(r, &slot, e))
            return err_code(e);
    return RC_OK;
}

static enum rc
read_expiry(struct rdb *r, uint8_t op, struct err *e)
{
    const uint8_t *p;

    if (op == OP_EXPIRETIME_MS)
        return rdb_i64(r, &r->key.expires_at, e);
    if (rdb_take(r, 4, &p, e))
        return err_code(e);
    r->key.expires_at = (int64_t)(int32_t)le32_load(p) * 1000;
    return RC_OK;
}

static enum rc
read_use(struct rdb *r, uint8_t op, struct err *e)
{
    uint64_t idle;
    uint8_t freq;

    if (op == OP_FREQ) {
        if (rdb_u8(r, &freq, e))
            return err_code(e);
        r->key.freq = freq;
        return RC_OK;
    }
    if (rdb_len(r, &idle, e))
        return err_code(e);
    r->key.idle_s = (int64_t)MIN(idle, (uint64_t)INT64_MAX);
    return RC_OK;
}

static enum rc
read_key(struct rdb *r, uint8_t type, struct rdb_item *out, struct err *e)
{
    if (!rdb_kv_type(type, &r->key.type)) {
        (void)err_set(e, RC_UNSUPPORTED, "unknown value type or opcode %u at byte %llu", type,
                      (unsigned long long)lookahead_at(&r->w) - 1);
        return err_hint(e, "the data cannot be read past it; a newer cstash may know it");
    }
    if (rdb_string_held(r, &r->name, &r->key.name, e))
        return err_code(e);
    r->type = type;
    r->value_waits = r->key_given = true;
    r->captured = false;
    r->oddity = NULL;
    r->value_at = lookahead_at(&r->w);
    out->kind = RDB_KEY;
    r->key.has_meta = r->meta.n != 0;
    out->key = r->key;
    return RC_OK;
}

/* The last opcode, then the checksum of all bytes up to and with it. */
static enum rc
read_end(struct rdb *r, struct rdb_item *out, struct err *e)
{
    const uint8_t *p;
    uint64_t want;

    out->kind = RDB_END;
    r->ended = true;
    lookahead_settle(&r->w);
    r->w.on_gone = NULL;
    if (r->version < 5 && !r->valkey)
        return RC_OK;
    if (rdb_take(r, 8, &p, e))
        return err_code(e);
    want = le64_load(p);
    if (want != 0 && want != r->crc)
        return err_set(e, RC_CORRUPT,
                       "the checksum at the end of the RDB does not match its content");
    return RC_OK;
}

static enum rc
read_scalar_op(struct rdb *r, uint8_t op, struct err *e)
{
    uint64_t v;

    switch (op) {
    case OP_EXPIRETIME_MS:
    case OP_EXPIRETIME:
        return read_expiry(r, op, e);
    case OP_FREQ:
    case OP_IDLE:
        return read_use(r, op, e);
    case OP_RESIZEDB: /* where it does not follow SELECTDB it tells us nothing */
        /* NOLINTNEXTLINE(misc-redundant-expression): two lengths */
        return rdb_len(r, &v, e) || rdb_len(r, &v, e) ? err_code(e) : RC_OK;
    case OP_SLOT_INFO:
        /* NOLINTNEXTLINE(misc-redundant-expression): three lengths */
        return rdb_len(r, &v, e) || rdb_len(r, &v, e) || rdb_len(r, &v, e) ? err_code(e) : RC_OK;
    case OP_HASH_TEMPLATE:
        return rdb_read_template(r, e);
    case OP_243:
        return r->valkey ? skip_slot_import(r, e) : read_key_meta(r, e);
    default:
        return err_set(e, RC_UNSUPPORTED, "opcode %u of a release candidate at byte %llu", op,
                       (unsigned long long)lookahead_at(&r->w) - 1);
    }
}

/* One opcode with its payload. `*again` when it was not an item by itself. */
static enum rc
read_item(struct rdb *r, struct rdb_item *out, bool *again, struct err *e)
{
    uint8_t op;

    *again = false;
    if (rdb_u8(r, &op, e))
        return err_code(e);
    switch (op) {
    case OP_AUX:
        return read_aux(r, out, e);
    case OP_SELECTDB:
        return read_db(r, out, e);
    case OP_FUNCTION2:
        out->kind = RDB_FUNCTION;
        return rdb_string_held(r, &r->aux, &out->value, e);
    case OP_MODULE_AUX:
        return read_module_aux(r, out, e);
    case OP_EOF:
        return read_end(r, out, e);
    default:
        if (op < OP_HASH_TEMPLATE)
            return read_key(r, op, out, e);
        *again = true;
        return read_scalar_op(r, op, e);
    }
}

/*
 * What stands before a key (expiry, use, metadata) is kept until the key comes, whatever stands in
 * between: KeyDB writes an AUX field there.
 */
static enum rc
leave_value(struct rdb *r, struct err *e)
{
    enum rc rc = RC_OK;

    if (!r->key_given)
        return RC_OK;
    if (r->value_waits && !r->captured)
        rc = rdb_skip_value(r, e);
    lookahead_unpin(&r->w);
    r->value_waits = r->captured = r->key_given = false;
    buf_reset(&r->meta);
    r->key.expires_at = EV_NO_EXPIRY;
    r->key.idle_s = -1;
    r->key.freq = -1;
    return rc;
}

static enum rc
wrap_key(const struct rdb *r, struct err *e)
{
    char name[100];

    return err_wrap(e, "could not read key \"%s\" (value at byte %llu)",
                    str_show(r->key.name, name, sizeof(name)), (unsigned long long)r->value_at);
}

/* Functions, fields and the like have an end, or a server that goes on with them would never be done. */
static enum rc
count_keyless(struct rdb *r, const struct rdb_item *it, bool again, uint64_t bytes, struct err *e)
{
    if (!again && it->kind == RDB_KEY) {
        r->keyless = 0;
        r->keyless_bytes = 0;
        return RC_OK;
    }
    r->keyless++;
    if (again || it->kind != RDB_MODULE_AUX)
        r->keyless_bytes += MAX(bytes, (uint64_t)it->value.n); /* it may be compressed */
    if (r->keyless > KEYLESS_MAX)
        return rdb_corrupt(r, e, "%d items one after the other without a key", KEYLESS_MAX);
    if (r->keyless_bytes > r->keyless_max)
        return rdb_corrupt(r, e, "%llu bytes of functions and fields without a key",
                           (unsigned long long)r->keyless_bytes);
    return RC_OK;
}

enum rc
rdb_next(struct rdb *r, struct rdb_item *out, struct err *e)
{
    bool again = true;

    BUG_ON(r->ended);
    if (!r->started && read_header(r, e))
        return err_code(e);
    if (leave_value(r, e))
        return wrap_key(r, e);
    memset(out, 0, sizeof(*out));
    while (again) {
        uint64_t at = lookahead_at(&r->w);

        if (read_item(r, out, &again, e))
            return err_wrap(e, "could not read the RDB");
        if (count_keyless(r, out, again, lookahead_at(&r->w) - at, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
rdb_value(struct rdb *r, ev_fn *on, void *arg, struct err *e)
{
    struct rdb_out o = {.on = on, .arg = arg};
    enum rc rc;

    BUG_ON(!r->value_waits);
    if (r->captured)
        lookahead_rewind(&r->w);
    rc = rdb_decode_value(r, &o, e);
    r->value_waits = r->captured; /* a captured one can be read again */
    if (rc == RC_CORRUPT || rc == RC_LIMIT || rc == RC_UNSUPPORTED)
        return wrap_key(r, e);
    return rc;
}

enum rc
rdb_payload(struct rdb *r, size_t max, struct ev *out, bool *fits, struct err *e)
{
    size_t window_max = r->w.max;
    enum rc rc;

    BUG_ON(!r->value_waits || r->captured);
    *fits = false;
    if (r->type == T_HASH_TMPL_LP_REF || r->type == T_HASH_TMPL_ARRAY_REF)
        return RC_OK;
    lookahead_pin(&r->w);
    r->w.max = max;
    rc = rdb_skip_value(r, e);
    r->w.max = window_max;
    if (rc != RC_OK && rc != RC_LIMIT) {
        lookahead_unpin(&r->w);
        return wrap_key(r, e);
    }
    if (rc == RC_LIMIT || lookahead_pinned(&r->w).n > max) {
        lookahead_rewind(&r->w);
        lookahead_unpin(&r->w);
        return RC_OK;
    }
    r->captured = true;
    *fits = true;
    *out = (struct ev){.kind = EV_PAYLOAD};
    out->u.payload.rdb_type = r->type;
    out->u.payload.value = lookahead_pinned(&r->w);
    out->u.payload.version = rdb_min_version(r->type, r->valkey);
    out->u.payload.meta = buf_str(&r->meta);
    if (r->meta.n != 0)
        out->u.payload.version = MAX(out->u.payload.version, 13);
    return RC_OK;
}

const char *
rdb_oddity(const struct rdb *r)
{
    return r->oddity;
}

struct str
rdb_leftover(const struct rdb *r)
{
    return str_of(r->w.p + r->w.pos, lookahead_left(&r->w));
}

uint64_t
rdb_at(const struct rdb *r)
{
    return lookahead_at(&r->w);
}

unsigned
rdb_version(const struct rdb *r)
{
    return r->version;
}

bool
rdb_is_valkey(const struct rdb *r)
{
    return r->valkey;
}
