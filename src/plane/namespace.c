/* SPDX-License-Identifier: Apache-2.0 */
/* A namespace that is deleted empties itself, and goes when nothing is left in it. */
#include "kube/object.h"
#include "plane/core.h"
#include "plane/gc.h"

struct seen {
    size_t n;
};

static bool
on_row(void *arg, const struct db_row *row)
{
    struct seen *s = (struct seen *)arg;

    (void)row;
    s->n++;
    return false; /* one is enough */
}

static enum rc
empty_kind(struct ctx *cx, struct plane *p, struct kube *api, const struct resource_info *k,
           const char *ns, bool *empty, struct err *e)
{
    struct kube_gvr kind = {k->group, k->version, k->plural, k->kind, true};
    struct kube_delete_opts o = {.propagation = "Background"};
    struct seen s = {.n = 0};
    int64_t rev;
    enum rc rc;

    if (db_list(p->db, (struct db_key){k->store, ns, ""}, ns, on_row, &s, &rev, e))
        return err_code(e);
    if (s.n == 0)
        return RC_OK;
    rc = kube_delete_collection(cx, api, &kind, ns, &o, e);
    if (rc != RC_OK && rc != RC_NOT_FOUND && rc != RC_CONFLICT)
        return rc;
    s.n = 0;
    if (db_list(p->db, (struct db_key){k->store, ns, ""}, ns, on_row, &s, &rev, e))
        return err_code(e);
    *empty = *empty && s.n == 0;
    return RC_OK;
}

static enum rc
namespace_finalize(struct ctx *cx, struct kube *api, const struct json *obj, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *now = json_clone(obj);
    struct kube_write w = {.subresource = "finalize"};
    enum rc rc;

    json_set(json_need_object(now, "spec"), "finalizers", json_new_array());
    rc = kube_update(cx, api, &KUBE_NAMESPACE, now, &w, NULL, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc
namespace_empty(struct ctx *cx, struct plane *p, struct kube *k, const struct json *obj,
                bool *empty, struct err *e)
{
    struct resource_info **all;
    enum rc rc = RC_OK;
    size_t n;

    *empty = true;
    all = resource_all(p->kinds, &n);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        if (all[i]->namespaced)
            rc = empty_kind(cx, p, k, all[i], kube_name(obj), empty, e);
    resource_all_free(all, n);
    if (rc != RC_OK || !*empty)
        return rc;
    return json_size(json_dig(obj, "spec", "finalizers")) > 0 ? namespace_finalize(cx, k, obj, e)
                                                              : RC_OK;
}
