/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/protobuf.h"

#include "base/b64.h"
#include "base/clock.h"

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

/* ---- the kinds ---- */

enum message_type {
    M_TEXT,
    M_BYTES,
    M_INT,
    M_BOOL, /* that may be absent */
    M_TIME,
    M_TEXTS,
    M_OBJECT,
    M_OBJECTS,
    M_MAP,       /* of texts */
    M_BYTES_MAP, /* of bytes */
    M_SERVERS    /* the server's own: what a client says of it plays no part */
};

struct member {
    unsigned number; /* 0 ends a table */
    enum message_type type;
    const char *name;
    const struct member *of;
};

static const struct member owner_reference[] = {
    {1, M_TEXT, "kind", NULL},
    {3, M_TEXT, "name", NULL},
    {4, M_TEXT, "uid", NULL},
    {5, M_TEXT, "apiVersion", NULL},
    {6, M_BOOL, "controller", NULL},
    {7, M_BOOL, "blockOwnerDeletion", NULL},
    {.number = 0},
};
static const struct member object_meta[] = {
    {1, M_TEXT, "name", NULL},
    {2, M_TEXT, "generateName", NULL},
    {3, M_TEXT, "namespace", NULL},
    {4, M_SERVERS, "selfLink", NULL},
    {5, M_TEXT, "uid", NULL},
    {6, M_TEXT, "resourceVersion", NULL},
    {7, M_INT, "generation", NULL},
    {8, M_TIME, "creationTimestamp", NULL},
    {9, M_TIME, "deletionTimestamp", NULL},
    {10, M_INT, "deletionGracePeriodSeconds", NULL},
    {11, M_MAP, "labels", NULL},
    {12, M_MAP, "annotations", NULL},
    {13, M_OBJECTS, "ownerReferences", owner_reference},
    {14, M_TEXTS, "finalizers", NULL},
    {17, M_SERVERS, "managedFields", NULL},
    {.number = 0},
};
static const struct member secret[] = {
    {1, M_OBJECT, "metadata", object_meta},
    {2, M_BYTES_MAP, "data", NULL},
    {3, M_TEXT, "type", NULL},
    {4, M_MAP, "stringData", NULL},
    {5, M_BOOL, "immutable", NULL},
    {.number = 0},
};
static const struct member config_map[] = {
    {1, M_OBJECT, "metadata", object_meta},
    {2, M_MAP, "data", NULL},
    {3, M_BYTES_MAP, "binaryData", NULL},
    {4, M_BOOL, "immutable", NULL},
    {.number = 0},
};
static const struct member namespace_spec[] = {{1, M_TEXTS, "finalizers", NULL}, {.number = 0}};
static const struct member namespace[] = {
    {1, M_OBJECT, "metadata", object_meta},
    {2, M_OBJECT, "spec", namespace_spec},
    {3, M_SERVERS, "status", NULL},
    {.number = 0},
};
static const struct member object_reference[] = {
    {1, M_TEXT, "kind", NULL},       {2, M_TEXT, "namespace", NULL},
    {3, M_TEXT, "name", NULL},       {4, M_TEXT, "uid", NULL},
    {5, M_TEXT, "apiVersion", NULL}, {6, M_TEXT, "resourceVersion", NULL},
    {7, M_TEXT, "fieldPath", NULL},  {.number = 0},
};
static const struct member local_reference[] = {{1, M_TEXT, "name", NULL}, {.number = 0}};
static const struct member service_account[] = {
    {1, M_OBJECT, "metadata", object_meta},
    {2, M_OBJECTS, "secrets", object_reference},
    {3, M_OBJECTS, "imagePullSecrets", local_reference},
    {4, M_BOOL, "automountServiceAccountToken", NULL},
    {.number = 0},
};
static const struct {
    const char *kind;
    const struct member *members;
} kinds[] = {
    {"Secret", secret},
    {"ConfigMap", config_map},
    {"Namespace", namespace},
    {"ServiceAccount", service_account},
};

static const struct member type_meta[] = {
    {1, M_TEXT, "apiVersion", NULL}, {2, M_TEXT, "kind", NULL}, {.number = 0}};

/* ---- from one to the other ---- */

static enum rc
protobuf_bad(const char *what, struct err *e)
{
    return err_set(e, RC_INVALID, "%s is not in Kubernetes' protobuf encoding", what);
}

static struct json *
bytes_of(struct str s)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SIZE_MAX / 2);
    struct err never = ERR_INIT;

    (void)!b64_encode(s, &text, &never);
    return json_new_str(buf_str(&text));
}

static void
set_text(struct json *to, const char *name, struct str s)
{
    if (s.n != 0)
        json_set(to, name, json_new_str(s));
}

/* The second is all that matters of it, as in JSON. */
static enum rc
set_time(struct json *to, const char *name, struct str s, struct err *e)
{
    struct instant at = {0};
    char text[INSTANT_TEXT];
    struct item item;

    while (s.n != 0) {
        if (!take_item(&s, &item))
            return protobuf_bad(name, e);
        if (item.number == 1)
            at.sec = (int64_t)item.value;
    }
    if (at.sec < 0 || at.sec > INT64_C(253402300799)) /* the year 9999 */
        return protobuf_bad(name, e);
    if (at.sec != 0)
        json_set_cstr(to, name, instant_format(at, text));
    return RC_OK;
}

/* An entry: 1 is the key, 2 the value. */
static enum rc
set_entry(struct json *to, const struct member *m, struct str s, struct err *e)
{
    struct str key = {NULL, 0}, value = {NULL, 0};
    CLEANUP(json_free_ptr) struct json *name = NULL; /* in UTF-8, whatever the key is */
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
    json_set(json_need_object(to, m->name), json_text(name),
             m->type == M_BYTES_MAP ? bytes_of(value) : json_new_str(value));
    return RC_OK;
}

static enum rc message_to_json(const struct member *members, struct str s, const char *what,
                               struct json *to, struct err *e);

static enum rc
set_message(struct json *to, const struct member *m, struct str s, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *inner = json_new_object();

    if (message_to_json(m->of, s, m->name, inner, e))
        return err_code(e);
    if (m->type == M_OBJECTS)
        json_push(json_need_array(to, m->name), TAKE(inner));
    else if (json_size(inner) != 0)
        json_set(to, m->name, TAKE(inner));
    return RC_OK;
}

static bool
is_varint(const struct member *m)
{
    return m->type == M_INT || m->type == M_BOOL;
}

static enum rc
set_member(struct json *to, const struct member *m, const struct item *item, struct err *e)
{
    if (m->type == M_SERVERS)
        return RC_OK;
    if (item->wire != (is_varint(m) ? WIRE_VARINT : WIRE_BYTES))
        return protobuf_bad(m->name, e);
    switch (m->type) {
    case M_TEXT:
        set_text(to, m->name, item->bytes);
        return RC_OK;
    case M_BYTES:
        json_set(to, m->name, bytes_of(item->bytes));
        return RC_OK;
    case M_INT:
        if (item->value != 0)
            json_set_int(to, m->name, (int64_t)item->value);
        return RC_OK;
    case M_BOOL:
        json_set_bool(to, m->name, item->value != 0);
        return RC_OK;
    case M_TIME:
        return set_time(to, m->name, item->bytes, e);
    case M_TEXTS:
        json_push(json_need_array(to, m->name), json_new_str(item->bytes));
        return RC_OK;
    case M_OBJECT:
    case M_OBJECTS:
        return set_message(to, m, item->bytes, e);
    case M_MAP:
    case M_BYTES_MAP:
        return set_entry(to, m, item->bytes, e);
    case M_SERVERS:
        break;
    }
    return RC_OK;
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
        if (set_member(to, m, &item, e))
            return err_code(e);
    }
    return RC_OK;
}

/* What the envelope says: apiVersion and kind into `to`, and the object's own bytes. */
static enum rc
read_envelope(struct str body, struct json *to, struct str *raw, struct err *e)
{
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
    const struct member *members = NULL;
    const char *version, *kind;
    struct str raw;
    char shown[80];

    if (read_envelope(body, obj, &raw, e))
        return err_code(e);
    version = json_text_or(json_field(obj, "apiVersion"), "");
    kind = json_text_or(json_field(obj, "kind"), "");
    for (size_t i = 0; strcmp(version, "v1") == 0 && i < ARRAY_LEN(kinds); i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            members = kinds[i].members;
    if (members == NULL)
        return err_set(e, RC_UNSUPPORTED, "%s is not known in protobuf: send JSON",
                       str_show(str_c(kind), shown, sizeof(shown)));
    if (message_to_json(members, raw, kind, obj, e))
        return err_code(e);
    *out = TAKE(obj);
    return RC_OK;
}
