/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "base/retry.h"
#include "kube/kube_internal.h"
#include "kube/object.h"

enum {
    MODIFY_TRIES = 10,
    MODIFY_PAUSE_MS = 10,
    MODIFY_PAUSE_MAX_MS = 2560,
    BODY_MAX = 64 * 1024 * 1024
};

static const struct kube_write plain;

/* Send `path` with a JSON body (NULL: none); an object of `kind` comes back. */
static enum rc
send_body(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, struct kube_request *rq,
          const struct json *body, struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(BODY_MAX);

    if (body != NULL && json_print(body, &text, e))
        return err_code(e);
    rq->body = buf_str(&text);
    if (kube_send(cx, k, rq, out, e))
        return err_code(e);
    if (out == NULL || kind == NULL)
        return RC_OK;
    if (json_kind_of(*out) != JSON_IS_OBJECT) {
        json_free(TAKE(*out));
        return err_set(e, RC_CORRUPT, "the API server answered something that is not an object");
    }
    kube_name_kind(*out, kind);
    return RC_OK;
}

/* Longer ones exist nowhere, and would not fit into a URL. */
static enum rc
check_length(const char *text, const char *what, const struct kube_gvr *kind, struct err *e)
{
    if (text != NULL && strlen(text) > KUBE_NAME_MAX)
        return err_set(e, RC_INVALID, "the %s of the %s is longer than %d bytes", what, kind->kind,
                       KUBE_NAME_MAX);
    return RC_OK;
}

static enum rc
need_name(const char *ns, const char *name, const struct kube_gvr *kind, struct err *e)
{
    if (name == NULL || name[0] == '\0')
        return err_set(e, RC_INVALID, "the %s has no name", kind->kind);
    if (check_length(ns, "namespace", kind, e))
        return err_code(e);
    return check_length(name, "name", kind, e);
}

enum rc
kube_get(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
         const char *name, struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX);
    struct kube_request rq = {.method = "GET"};

    if (need_name(ns, name, kind, e))
        return err_code(e);
    kube_path(&path, kind, ns, name, NULL);
    if (buf_whole(&path, "the address of a request", e))
        return err_code(e);
    rq.path = buf_c(&path);
    return send_body(cx, k, kind, &rq, NULL, out, e);
}

static void
write_query(struct buf *path, const struct kube *k, const struct kube_write *w, bool apply)
{
    kube_query(path, "fieldManager", w->manager != NULL ? w->manager : k->manager);
    kube_query(path, "fieldValidation", w->validation);
    kube_query(path, "force", apply && w->force ? "true" : NULL);
    kube_query(path, "dryRun", w->dry_run ? "All" : NULL);
}

/* NOLINTBEGIN(readability-function-size): the parts of a request, in the order of its URL, with
 * what to do and where the answer goes, are more than seven; a struct for each verb would only
 * rename them.
 */

enum rc
kube_create(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
            const struct json *obj, const struct kube_write *w, struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX);
    struct kube_request rq = {.method = "POST"};

    if (check_length(ns != NULL ? ns : kube_ns(obj), "namespace", kind, e))
        return err_code(e);
    kube_path(&path, kind, ns != NULL ? ns : kube_ns(obj), NULL, NULL);
    write_query(&path, k, w != NULL ? w : &plain, false);
    if (buf_whole(&path, "the address of a request", e))
        return err_code(e);
    rq.path = buf_c(&path);
    return send_body(cx, k, kind, &rq, obj, out, e);
}

enum rc
kube_update(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const struct json *obj,
            const struct kube_write *w, struct json **out, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX);
    struct kube_request rq = {.method = "PUT"};

    if (w == NULL)
        w = &plain;
    if (need_name(kube_ns(obj), kube_name(obj), kind, e))
        return err_code(e);
    kube_path(&path, kind, kube_ns(obj), kube_name(obj), w->subresource);
    write_query(&path, k, w, false);
    if (buf_whole(&path, "the address of a request", e))
        return err_code(e);
    rq.path = buf_c(&path);
    return send_body(cx, k, kind, &rq, obj, out, e);
}

enum rc
kube_patch(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
           const char *name, enum kube_patch_type type, const struct json *patch,
           const struct kube_write *w, struct json **out, struct err *e)
{
    static const char *const types[] = {
        "application/merge-patch+json", "application/json-patch+json",
        "application/apply-patch+yaml", "application/strategic-merge-patch+json"};
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX);
    struct kube_request rq = {.method = "PATCH", .content_type = types[type]};

    if (w == NULL)
        w = &plain;
    if (need_name(ns, name, kind, e))
        return err_code(e);
    kube_path(&path, kind, ns, name, w->subresource);
    write_query(&path, k, w, type == KUBE_PATCH_APPLY);
    if (buf_whole(&path, "the address of a request", e))
        return err_code(e);
    rq.path = buf_c(&path);
    return send_body(cx, k, kind, &rq, patch, out, e);
}

enum rc
kube_apply(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const struct json *obj,
           const struct kube_write *w, struct json **out, struct err *e)
{
    return kube_patch(cx, k, kind, kube_ns(obj), kube_name(obj), KUBE_PATCH_APPLY, obj, w, out, e);
}

static struct json *
delete_options(const struct kube_delete_opts *o)
{
    struct json *body = json_new_object();

    json_set_cstr(body, "kind", "DeleteOptions");
    json_set_cstr(body, "apiVersion", "v1");
    json_set_cstr(body, "propagationPolicy", o->propagation);
    if (o->has_grace)
        json_set_int(body, "gracePeriodSeconds", o->grace_s);
    if (o->uid != NULL)
        json_set_cstr(json_need_object(body, "preconditions"), "uid", o->uid);
    if (o->resource_version != NULL)
        json_set_cstr(json_need_object(body, "preconditions"), "resourceVersion",
                      o->resource_version);
    if (o->dry_run)
        json_push_cstr(json_need_array(body, "dryRun"), "All");
    return body;
}

static enum rc
send_delete(struct ctx *cx, struct kube *k, struct buf *path, const struct kube_delete_opts *o,
            struct err *e)
{
    struct kube_request rq = {.method = "DELETE", .path = buf_c(path)};
    struct json *body = o == NULL ? NULL : delete_options(o);
    enum rc rc = send_body(cx, k, NULL, &rq, body, NULL, e);

    json_free(body);
    return rc;
}

enum rc
kube_delete(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
            const char *name, const struct kube_delete_opts *o, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX);

    if (need_name(ns, name, kind, e))
        return err_code(e);
    kube_path(&path, kind, ns, name, NULL);
    return send_delete(cx, k, &path, o, e);
}

enum rc
kube_delete_collection(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
                       const struct kube_delete_opts *o, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(KUBE_PATH_MAX);

    kube_path(&path, kind, ns, NULL, NULL);
    if (o != NULL) {
        kube_query(&path, "labelSelector", o->label_selector);
        kube_query(&path, "fieldSelector", o->field_selector);
    }
    return send_delete(cx, k, &path, o, e);
}

/* One round of kube_modify. */
static enum rc
verbs_modify(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
             const char *name, const struct kube_write *w, kube_change_fn *change, void *arg,
             struct json **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    CLEANUP(json_free_ptr) struct json *before = NULL;

    if (kube_get(cx, k, kind, ns, name, &obj, e))
        return err_code(e);
    before = json_clone(obj);
    if (change(arg, obj, e)) {
        if (e->code == RC_CONFLICT) /* the caller's own, not that of the write */
            e->sys = 0;
        return err_code(e);
    }
    if (!json_same(before, obj))
        return kube_update(cx, k, kind, obj, w, out, e);
    if (out != NULL)
        *out = TAKE(obj);
    return RC_OK;
}

enum rc
kube_modify(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
            const char *name, const char *subresource, kube_change_fn *change, void *arg,
            struct json **out, struct err *e)
{
    struct kube_write w = {.subresource = subresource};
    struct retry again = retry_begin((struct retry_policy){.attempts = MODIFY_TRIES,
                                                           .pause_ms = MODIFY_PAUSE_MS,
                                                           .pause_max_ms = MODIFY_PAUSE_MAX_MS});
    enum rc rc;

    do {
        rc = verbs_modify(cx, k, kind, ns, name, &w, change, arg, out, e);
    } while (rc == RC_CONFLICT && e->sys == 409 && retry_next(cx, &again, e));
    return rc == RC_OK ? RC_OK : err_code(e);
}

/* NOLINTEND(readability-function-size) */
