/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "kube/kube_internal.h"

enum { PAGE = 500, LIST_MS = 120000 };

static const struct kube_list_opts all;

/* Ask for one page; `token` is where it begins (NULL: at the first object), `limit` 0: all. */
static enum rc
get_page(struct ctx *cx, struct kube *k, const struct kube_kind *kind, const char *ns,
         const struct kube_list_opts *o, int limit, const char *token, struct json **out,
         struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX), body = BUF_INIT(KUBE_BODY_MAX);
    struct kube_request rq = {.method = "GET", .timeout_ms = LIST_MS};
    char number[16];

    (void)snprintf(number, sizeof(number), "%d", limit);
    kube_path(&path, kind, ns, NULL, NULL);
    kube_query(&path, "labelSelector", o->label_selector);
    kube_query(&path, "fieldSelector", o->field_selector);
    kube_query(&path, "limit", limit > 0 ? number : NULL);
    kube_query(&path, "continue", token);
    rq.path = buf_c(&path);
    if (kube_bytes(cx, k, &rq, &body, e))
        return e->code;
    if (o->no_managed_fields)
        body.n = json_cut_field(body.p, body.n, "managedFields");
    if (json_parse(buf_str(&body), out, e))
        return err_wrap(e, "could not read the list");
    if (json_kind_of(*out) == JSON_IS_OBJECT)
        return RC_OK;
    json_free(TAKE(*out));
    return err_set(e, RC_CORRUPT, "the API server answered something that is no list");
}

static enum rc
each(struct ctx *cx, struct kube *k, const struct kube_kind *kind, const char *ns,
     const struct kube_list_opts *o, int limit, kube_item_fn *item, void *arg, char **rv,
     struct err *e)
{
    CLEANUP(mem_free_ptr) char *token = NULL;
    const char *text;

    for (;;) {
        CLEANUP(json_free_ptr) struct json *page = NULL;
        const struct json *items;
        if (get_page(cx, k, kind, ns, o, limit, token, &page, e))
            return e->code;
        items = json_field(page, "items");
        for (size_t i = 0; i < json_size(items); i++) {
            kube_name_kind(json_elem(items, i), kind);
            item(arg, json_elem(items, i));
        }
        mem_free(TAKE(token));
        text = json_text_or(json_dig(page, "metadata", "continue"), "");
        if (text[0] != '\0') {
            token = mem_strdup(text);
            continue;
        }
        if (rv != NULL)
            *rv = mem_strdup(json_text_or(json_dig(page, "metadata", "resourceVersion"), ""));
        return RC_OK;
    }
}

enum rc
kube_each(struct ctx *cx, struct kube *k, const struct kube_kind *kind, const char *ns,
          const struct kube_list_opts *o, kube_item_fn *item, void *arg, char **rv, struct err *e)
{
    if (o == NULL)
        o = &all;
    return each(cx, k, kind, ns, o, o->page > 0 ? o->page : PAGE, item, arg, rv, e);
}

static void
collect(void *arg, struct json *obj)
{
    json_push((struct json *)arg, json_ref(obj));
}

enum rc
kube_list(struct ctx *cx, struct kube *k, const struct kube_kind *kind, const char *ns,
          const struct kube_list_opts *o, struct json **items, char **rv, struct err *e)
{
    struct json *found = json_new_array();
    enum rc rc;

    if (o == NULL)
        o = &all;
    rc = kube_each(cx, k, kind, ns, o, collect, found, rv, e);
    if (rc == RC_CONFLICT && e->sys == 410) { /* slower than the server remembers: all at once */
        json_free(found);
        found = json_new_array();
        rc = each(cx, k, kind, ns, o, 0, collect, found, rv, e);
    }
    if (rc != RC_OK)
        json_free(found);
    else
        *items = found;
    return rc;
}
