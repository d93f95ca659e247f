/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/protobuf.h"

#include "base/b64.h"
#include "base/clock.h"
#include "plane/protobuf_messages.h"

/* ---- the wire ---- */

enum wire { WIRE_VARINT = 0, WIRE_8_BYTES = 1, WIRE_BYTES = 2, WIRE_4_BYTES = 5 };

struct item {
    uint64_t number;
    enum wire wire;
    uint64_t value;   /* WIRE_VARINT */
    struct str bytes; /* WIRE_BYTES */
};

static bool
take_bytes(struct str *s, uint64_t n, struct str *out)
{
    if (n > s->n)
        return false;
    *out = str_of(s->p, (size_t)n);
    *s = str_of(s->p + n, s->n - (size_t)n);
    return true;
}

static bool
take_varint(struct str *s, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && s->n > 0; shift += 7) {
        uint8_t b = s->p[0];

        *s = str_of(s->p + 1, s->n - 1);
        *out |= (uint64_t)(b & 0x7f) << shift;
        if ((b & 0x80) == 0)
            return true;
    }
    return false;
}

static bool
take_item(struct str *s, struct item *out)
{
    uint64_t key, n;
    struct str ignored;

    *out = (struct item){.number = 0};
    if (!take_varint(s, &key))
        return false;
    out->number = key >> 3;
    out->wire = (enum wire)(key & 7);
    switch (out->wire) {
    case WIRE_VARINT:
        return take_varint(s, &out->value);
    case WIRE_BYTES:
        return take_varint(s, &n) && take_bytes(s, n, &out->bytes);
    case WIRE_8_BYTES:
        return take_bytes(s, 8, &ignored);
    case WIRE_4_BYTES:
        return take_bytes(s, 4, &ignored);
    }
    return false;
}

/* ---- from one to the other ---- */

static enum rc
protobuf_bad(const char *what, struct err *e)
{
    return err_set(e, RC_INVALID, "%s is not in Kubernetes' protobuf encoding", what);
}

static enum rc message_to_json(const struct member *members, struct str s, const char *what,
                               struct json *to, struct err *e);

static struct json *
bytes_of(struct str s)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SIZE_MAX / 2);
    struct err never = ERR_INIT;

    (void)!b64_encode(s, &text, &never);
    return json_new_str(buf_str(&text));
}

static void
set_text(struct json *to, const struct member *m, struct str s)
{
    if (s.n != 0 || m->type == M_KEPT_TEXT)
        json_set(to, m->name, json_new_str(s));
}

/* In JSON a time has no fraction, and one of microseconds has always six digits. */
static enum rc
set_time(struct json *to, const struct member *m, struct str s, struct err *e)
{
    static const struct member time[] = {INT(1, "seconds"), INT(2, "nanos"), END};
    CLEANUP(json_free_ptr) struct json *inner = json_new_object();
    struct instant at = {0};
    char text[INSTANT_TEXT];
    int64_t nanos;

    if (message_to_json(time, s, m->name, inner, e))
        return err_code(e);
    at.sec = json_int_or(json_field(inner, "seconds"), 0);
    nanos = json_int_or(json_field(inner, "nanos"), 0);
    if (at.sec < 0 || at.sec > INT64_C(253402300799) || nanos < 0 || nanos > 999999999)
        return protobuf_bad(m->name, e); /* before 1970, or after the year 9999 */
    if (m->type == M_MICRO_TIME)
        at.nsec = (int32_t)nanos;
    if (at.sec != 0)
        json_set_cstr(to, m->name,
                      m->type == M_MICRO_TIME ? instant_format_micro(at, text)
                                              : instant_format(at, text));
    return RC_OK;
}

static enum rc
set_int_or_text(struct json *to, const struct member *m, struct str s, struct err *e)
{
    static const struct member either[] = {INT(1, "type"), KEPT_INT(2, "int"), KEPT_TEXT(3, "text"),
                                           END};
    CLEANUP(json_free_ptr) struct json *inner = json_new_object();
    const struct json *value;

    if (message_to_json(either, s, m->name, inner, e))
        return err_code(e);
    if (json_int_or(json_field(inner, "type"), 0) == 0)
        json_set_int(to, m->name, json_int_or(json_field(inner, "int"), 0));
    else if ((value = json_field(inner, "text")) != NULL)
        json_set(to, m->name, json_ref(value));
    return RC_OK;
}

/* A quantity, or the texts of one key: what the only field of a message holds. */
static enum rc
only_field(const struct member *members, struct str s, const char *what, struct json **out,
           struct err *e)
{
    CLEANUP(json_free_ptr) struct json *inner = json_new_object();

    if (message_to_json(members, s, what, inner, e))
        return err_code(e);
    *out = json_ref(json_field(inner, members[0].name));
    return RC_OK;
}

static enum rc
map_value(const struct member *m, struct str s, struct json **out, struct err *e)
{
    static const struct member quantity[] = {KEPT_TEXT(1, "text"), END},
                               texts[] = {TEXTS(1, "texts"), END};

    if (m->type == M_QUANTITY_MAP || m->type == M_QUANTITY)
        return only_field(quantity, s, m->name, out, e);
    if (m->type == M_TEXTS_MAP)
        return only_field(texts, s, m->name, out, e);
    *out = m->type == M_BYTES_MAP ? bytes_of(s) : json_new_str(s);
    return RC_OK;
}

/* An entry: 1 is the key, 2 the value. */
static enum rc
set_entry(struct json *to, const struct member *m, struct str s, struct err *e)
{
    struct str key = {NULL, 0}, value = {NULL, 0};
    CLEANUP(json_free_ptr) struct json *name = NULL; /* in UTF-8, whatever the key is */
    struct json *inner = NULL;
    struct item item;

    while (s.n != 0) {
        if (!take_item(&s, &item) || item.wire != WIRE_BYTES)
            return protobuf_bad(m->name, e);
        if (item.number == 1)
            key = item.bytes;
        else if (item.number == 2)
            value = item.bytes;
    }
    name = json_new_str(key);
    if (!str_eq(key, str_c(json_text(name))))
        return protobuf_bad(m->name, e);
    if (map_value(m, value, &inner, e))
        return err_code(e);
    json_set(json_need_object(to, m->name), json_text(name), inner);
    return RC_OK;
}

static enum rc
set_message(struct json *to, const struct member *m, struct str s, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *inner = json_new_object();

    if (message_to_json(m->of, s, m->name, inner, e))
        return err_code(e);
    if (m->type == M_MESSAGES)
        json_push(json_need_array(to, m->name), TAKE(inner));
    else
        json_set(to, m->name, TAKE(inner));
    return RC_OK;
}

static enum rc
set_bytes(struct json *to, const struct member *m, struct str s, struct err *e)
{
    struct json *value = NULL;

    switch (m->type) {
    case M_TEXT:
    case M_KEPT_TEXT:
        set_text(to, m, s);
        return RC_OK;
    case M_TEXTS:
        json_push(json_need_array(to, m->name), json_new_str(s));
        return RC_OK;
    case M_TIME:
    case M_MICRO_TIME:
        return set_time(to, m, s, e);
    case M_INT_OR_TEXT:
        return set_int_or_text(to, m, s, e);
    case M_QUANTITY:
        if (map_value(m, s, &value, e))
            return err_code(e);
        json_set(to, m->name, value);
        return RC_OK;
    case M_MESSAGE:
    case M_MESSAGES:
        return set_message(to, m, s, e);
    case M_INLINE:
        return message_to_json(m->of, s, m->name, to, e);
    case M_TEXT_MAP:
    case M_BYTES_MAP:
    case M_QUANTITY_MAP:
    case M_TEXTS_MAP:
        return set_entry(to, m, s, e);
    case M_INT:
    case M_KEPT_INT:
    case M_BOOL:
    case M_KEPT_BOOL:
    case M_INTS:
    case M_SERVERS:
        break;
    }
    return protobuf_bad(m->name, e);
}

static enum rc
set_number(struct json *to, const struct member *m, uint64_t value, struct err *e)
{
    switch (m->type) {
    case M_INT:
    case M_KEPT_INT:
        if (value != 0 || m->type == M_KEPT_INT)
            json_set_int(to, m->name, (int64_t)value);
        return RC_OK;
    case M_BOOL:
    case M_KEPT_BOOL:
        if (value != 0 || m->type == M_KEPT_BOOL)
            json_set_bool(to, m->name, value != 0);
        return RC_OK;
    case M_INTS:
        json_push(json_need_array(to, m->name), json_new_int((int64_t)value));
        return RC_OK;
    default:
        return protobuf_bad(m->name, e);
    }
}

static enum rc
message_to_json(const struct member *members, struct str s, const char *what, struct json *to,
                struct err *e)
{
    struct item item;

    while (s.n != 0) {
        const struct member *m = members;

        if (!take_item(&s, &item))
            return protobuf_bad(what, e);
        while (m->number != 0 && m->number != item.number)
            m++;
        if (m->number == 0)
            return err_set(e, RC_UNSUPPORTED,
                           "field %llu of %s is not known in protobuf: send JSON",
                           (unsigned long long)item.number, what);
        if (m->type == M_SERVERS)
            continue;
        if (item.wire == WIRE_VARINT ? set_number(to, m, item.value, e)
            : item.wire == WIRE_BYTES
                ? set_bytes(to, m, item.bytes, e)
                : protobuf_bad(m->name, e)) /* no message has numbers of a fixed size */
            return err_code(e);
    }
    return RC_OK;
}

/* What the envelope says: apiVersion and kind into `to`, and the object's own bytes. */
static enum rc
read_envelope(struct str body, struct json *to, struct str *raw, struct err *e)
{
    static const struct member type_meta[] = {TEXT(1, "apiVersion"), TEXT(2, "kind"), END};
    static const uint8_t magic[] = {'k', '8', 's', 0};
    struct str first;
    struct item item;

    *raw = str_of(NULL, 0);
    if (!take_bytes(&body, sizeof(magic), &first) || memcmp(first.p, magic, sizeof(magic)) != 0)
        return protobuf_bad("the body", e);
    while (body.n != 0) {
        if (!take_item(&body, &item))
            return protobuf_bad("the body", e);
        if (item.number == 1 && item.wire == WIRE_BYTES &&
            message_to_json(type_meta, item.bytes, "typeMeta", to, e))
            return err_code(e);
        if (item.number == 2 && item.wire == WIRE_BYTES)
            *raw = item.bytes;
    }
    return RC_OK;
}

enum rc
protobuf_to_json(struct str body, struct json **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = json_new_object();
    const struct member *members;
    const char *version, *kind;
    struct str raw;
    char shown[80];

    if (read_envelope(body, obj, &raw, e))
        return err_code(e);
    version = json_text_or(json_field(obj, "apiVersion"), "");
    kind = json_text_or(json_field(obj, "kind"), "");
    members = message_of_kind(version, kind);
    if (members == NULL)
        return err_set(e, RC_UNSUPPORTED, "%s is not known in protobuf: send JSON",
                       str_show(str_c(kind), shown, sizeof(shown)));
    if (message_to_json(members, raw, kind, obj, e))
        return err_code(e);
    *out = TAKE(obj);
    return RC_OK;
}
