/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object that cannot be read must not hide all others: of a list or an event that does not parse
 * as a whole, each object is read on its own, and what still does not is left as its metadata.
 */
#include "base/log.h"
#include "base/mem.h"
#include "kube/kube_internal.h"
#include "kube/object.h"

/* Where the value of `"key":` begins, the first in `text`; NULL: nowhere. */
static const uint8_t *
value_of(struct str text, const char *key)
{
    const uint8_t *end = text.p + text.n,
                  *p = (const uint8_t *)memmem(text.p, text.n, key, strlen(key));

    if (p == NULL)
        return NULL;
    for (p += strlen(key); p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r');)
        p++;
    return p < end ? p : NULL;
}

/* NULL: not even its metadata can be read. */
static struct json *
salvage_object(struct str text, const struct kube_gvr *kind)
{
    struct json *obj = NULL;
    struct err why = ERR_INIT, ignored = ERR_INIT;

    if (json_parse(text, &obj, &why) == RC_OK)
        return obj;
    if (json_parse_field(text, "metadata", &obj, &ignored))
        return NULL;
    log_warn("%s %s/%s cannot be read: %s", kind->kind,
             json_text_or(json_dig(obj, "metadata", "namespace"), ""),
             json_text_or(json_dig(obj, "metadata", "name"), ""), why.msg);
    json_set_cstr(obj, KUBE_UNREADABLE, why.msg);
    return obj;
}

/* The elements from `p`, which is behind the bracket; returns where the list ends. */
static const uint8_t *
salvage_items(const uint8_t *p, const uint8_t *end, const struct kube_gvr *kind, struct json *to)
{
    while (p < end && *p != ']') {
        const uint8_t *next = *p == '{' ? json_past_object(p, end) : p + 1;

        if (*p == '{') {
            struct json *obj = salvage_object(str_of(p, (size_t)(next - p)), kind);

            if (obj != NULL)
                json_push(to, obj);
        }
        p = next;
    }
    return p;
}

enum rc
salvage_list(struct str text, const struct kube_gvr *kind, struct json **out, struct err *e)
{
    const uint8_t *end = text.p + text.n, *from = value_of(text, "\"items\":"), *to;
    CLEANUP(buf_release) struct buf around = BUF_INIT(KUBE_BODY_MAX);
    struct json *items;
    enum rc rc;

    if (from == NULL || *from != '[')
        return err_code(e); /* of the first attempt */
    items = json_new_array();
    to = salvage_items(from + 1, end, kind, items);
    rc = buf_add(&around, text.p, (size_t)(from + 1 - text.p), e);
    if (rc == RC_OK)
        rc = buf_add(&around, to, (size_t)(end - to), e);
    if (rc == RC_OK)
        rc = json_parse(buf_str(&around), out, e);
    if (rc == RC_OK && json_kind_of(*out) == JSON_IS_OBJECT)
        json_set(*out, "items", json_ref(items));
    json_free(items);
    return rc;
}

enum rc
salvage_event(struct str text, const struct kube_gvr *kind, struct json **out, struct err *e)
{
    const uint8_t *end = text.p + text.n, *from = value_of(text, "\"object\":");
    struct json *obj = NULL;

    if (from == NULL || *from != '{' || json_parse_field(text, "type", out, e))
        return err_code(e);
    obj = salvage_object(str_of(from, (size_t)(json_past_object(from, end) - from)), kind);
    if (obj == NULL) {
        json_free(TAKE(*out));
        return err_code(e);
    }
    json_set(*out, "object", obj);
    return RC_OK;
}
