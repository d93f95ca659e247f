/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "kube/kube_internal.h"

enum { PAGE = 500, LIST_MS = 120000 };

/* Ask for one page; `token` is where it begins (NULL: at the first object). o->page 0: of all. */
static enum rc
get_page(struct ctx *cx, struct kube *k, const struct kube_list_opts *o, const char *token,
         struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX), body = BUF_INIT(KUBE_BODY_MAX);
    struct kube_request rq = {.method = "GET", .timeout_ms = LIST_MS};
    char number[16];

    (void)snprintf(number, sizeof(number), "%d", o->page);
    kube_path(&path, o->kind, o->ns, NULL, NULL);
    kube_query(&path, "labelSelector", o->label_selector);
    kube_query(&path, "fieldSelector", o->field_selector);
    kube_query(&path, "limit", o->page > 0 ? number : NULL);
    kube_query(&path, "continue", token);
    if (buf_whole(&path, "the address of a request", e))
        return err_code(e);
    rq.path = buf_c(&path);
    if (kube_bytes(cx, k, &rq, &body, e))
        return err_code(e);
    if (o->no_managed_fields)
        body.n = json_cut_field(body.p, body.n, "managedFields");
    if (json_parse(buf_str(&body), out, e) && salvage_list(buf_str(&body), o->kind, out, e))
        return err_wrap(e, "could not read the list");
    if (json_kind_of(*out) == JSON_IS_OBJECT)
        return RC_OK;
    json_free(TAKE(*out));
    return err_set(e, RC_CORRUPT, "the API server answered something that is not a list");
}

/* As kube_each, but o->page 0 is one page of all. */
static enum rc
list_each(struct ctx *cx, struct kube *k, const struct kube_list_opts *o, kube_item_fn *item,
          void *arg, char **rv, struct err *e)
{
    CLEANUP(mem_free_ptr) char *token = NULL;
    const char *text;

    for (;;) {
        CLEANUP(json_free_ptr) struct json *page = NULL;
        const struct json *items;
        if (get_page(cx, k, o, token, &page, e))
            return err_code(e);
        items = json_field(page, "items");
        for (size_t i = 0; i < json_size(items); i++) {
            kube_name_kind(json_elem(items, i), o->kind);
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
kube_each(struct ctx *cx, struct kube *k, const struct kube_list_opts *o, kube_item_fn *item,
          void *arg, char **rv, struct err *e)
{
    struct kube_list_opts paged = *o;

    if (paged.page <= 0)
        paged.page = PAGE;
    return list_each(cx, k, &paged, item, arg, rv, e);
}

static void
list_collect(void *arg, struct json *obj)
{
    json_push((struct json *)arg, json_ref(obj));
}

enum rc
kube_list(struct ctx *cx, struct kube *k, const struct kube_list_opts *o, struct json **items,
          char **rv, struct err *e)
{
    struct json *found = json_new_array();
    enum rc rc = kube_each(cx, k, o, list_collect, found, rv, e);

    if (rc == RC_CONFLICT && e->sys == 410) { /* slower than the server remembers: all at once */
        struct kube_list_opts whole = *o;
        whole.page = 0;
        json_free(found);
        found = json_new_array();
        rc = list_each(cx, k, &whole, list_collect, found, rv, e);
    }
    if (rc != RC_OK)
        json_free(found);
    else
        *items = found;
    return rc;
}
