/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: only what differs, so that a world that is as it should be costs nothing. */
#include "base/mem.h"
#include "operator/operator_internal.h"

char *
key2(const char *a, const char *b)
{
    return mem_printf("%s/%s", a, b);
}

char *
key3(const char *a, const char *b, const char *c)
{
    return mem_printf("%s/%s/%s", a, b, c);
}

/* Nothing is taken from its owner: a name that two lay claim to is an error of the later one. */
static enum rc
check_owner(const struct kube_gvr *kind, const struct json *live, const struct json *wanted,
            struct err *e)
{
    const struct json *has = kube_controller_of(live), *wants = kube_controller_of(wanted);

    if (has == NULL ||
        (wants != NULL && json_same(json_field(has, "uid"), json_field(wants, "uid"))))
        return RC_OK;
    return err_set(e, RC_EXISTS, "%s %s/%s belongs to %s %s: rename one of both", kind->kind,
                   kube_ns(live), kube_name(live), json_text_or(json_field(has, "kind"), "another"),
                   json_text_or(json_field(has, "name"), "object"));
}

/* json_free; NULL: there is none. */
static enum rc
read_live(struct ctx *cx, struct operator* op, struct cache *cache, const struct kube_gvr *kind,
          const struct json *wanted, struct json **live, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc;

    *live = NULL;
    if (cache != NULL) {
        *live = cache_get(cache, kube_ns(wanted), kube_name(wanted));
        return RC_OK;
    }
    rc = kube_get(cx, op->k, kind, kube_ns(wanted), kube_name(wanted), live, &why);
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = why;
    return err_wrap(e, "could not read %s %s/%s", kind->kind, kube_ns(wanted), kube_name(wanted));
}

enum rc
ensure(struct ctx *cx, struct operator* op, struct cache *cache, const struct kube_gvr *kind,
       const struct json *wanted, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *live = NULL;
    CLEANUP(json_free_ptr) struct json *now = NULL;
    struct kube_write w = {.force = true};

    if (read_live(cx, op, cache, kind, wanted, &live, e))
        return err_code(e);
    if (live != NULL && check_owner(kind, live, wanted, e))
        return err_code(e);
    if (live != NULL && json_covers(live, wanted))
        return RC_OK;
    if (kube_apply(cx, op->k, kind, wanted, &w, &now, e))
        return err_wrap(e, "could not make %s %s/%s", kind->kind,
                        kube_ns(wanted) != NULL ? kube_ns(wanted) : "", kube_name(wanted));
    if (cache != NULL)
        cache_note(cache, now);
    return RC_OK;
}

enum rc
create_owned(struct ctx *cx, struct operator* op, struct cache *cache, const struct kube_gvr *kind,
             const struct json *wanted, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *made = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_create(cx, op->k, kind, kube_ns(wanted), wanted, NULL, &made, &why);

    if (rc == RC_OK && cache != NULL)
        cache_note(cache, made);
    if (rc == RC_EXISTS) {
        if (read_live(cx, op, NULL, kind, wanted, &made, e))
            return err_code(e);
        return made == NULL ? RC_OK : check_owner(kind, made, wanted, e);
    }
    if (rc != RC_OK)
        *e = why;
    return rc;
}

enum rc
ensure_gone(struct ctx *cx, struct operator* op, const struct kube_gvr *kind, const char *ns,
            const char *name, const char *propagation, struct err *e)
{
    struct kube_delete_opts o = {.propagation = propagation};
    struct err why = ERR_INIT;
    enum rc rc = kube_delete(cx, op->k, kind, ns, name, &o, &why);

    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = why;
    return err_wrap(e, "could not delete %s %s/%s", kind->kind, ns, name);
}

enum rc
write_status(struct ctx *cx, struct operator* op, struct cache *cache, const struct kube_gvr *kind,
             const struct json *was, const struct json *now, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *out = NULL;
    struct kube_write w = {.subresource = "status"};

    if (json_same(json_field(was, "status"), json_field(now, "status")))
        return RC_OK;
    if (kube_update(cx, op->k, kind, now, &w, &out, e))
        return err_wrap(e, "could not write the status of %s %s/%s", kind->kind, kube_ns(now),
                        kube_name(now));
    cache_note(cache, out);
    return RC_OK;
}

enum rc
write_finalizer(struct ctx *cx, struct operator* op, struct cache *cache, const struct json *obj,
                const char *name, bool add, struct err *e)
{
    const struct kube_gvr *kind = cache_kind(cache);
    CLEANUP(json_free_ptr) struct json *copy = json_clone(obj);
    CLEANUP(json_free_ptr) struct json *patch = json_new_object();
    CLEANUP(json_free_ptr) struct json *out = NULL;
    struct json *meta = json_need_object(patch, "metadata");
    const struct json *list;
    enum rc rc;

    if (!(add ? kube_add_finalizer(copy, name) : kube_remove_finalizer(copy, name)))
        return RC_OK;
    list = json_dig(copy, "metadata", "finalizers");
    json_set(meta, "finalizers", list != NULL ? json_clone(list) : json_new_array());
    json_set_cstr(meta, "resourceVersion", kube_version(obj));
    rc = kube_patch(cx, op->k, kind, kube_ns(obj), kube_name(obj), KUBE_PATCH_MERGE, patch, NULL,
                    &out, e);
    if (rc == RC_NOT_FOUND && !add)
        return RC_OK; /* it went meanwhile */
    if (rc != RC_OK)
        return err_wrap(e, "could not write the finalizers of %s %s/%s", kind->kind, kube_ns(obj),
                        kube_name(obj));
    if (add)
        cache_note(cache, out);
    return RC_OK;
}

void
condition_tell(const struct teller *to, struct json *holder, enum condition_id id,
               enum condition_state state, const char *text)
{
    const struct condition *row = condition_row(id);
    const char *reason = row->in[COND_FALSE].reason == NULL ? row->type : row->in[state].reason;

    if (condition_set(holder, id, state, text))
        recorder_event(to->cx, to->events, to->obj, to->type, reason, "%s", text);
}
