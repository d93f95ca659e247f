/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/gc.h"

#include <poll.h>

#include "base/log.h"
#include "base/mem.h"
#include "ctl/workq.h"
#include "kube/object.h"
#include "plane/core.h"
#include "plane/owner_graph.h"

enum { WAIT_MS = 30 * 1000, RETRY_MS = 100, NAMESPACE_MS = 300 };

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"
#define NAMESPACES "namespaces"

struct gc {
    struct ctx *cx;
    struct plane *plane;
    struct kube *k;
    struct graph *graph;
    struct workq *q; /* uids */
    struct db_notifier bell;
    int64_t rev;
    const char *listing; /* the kind that is being listed */
};

/* ---- seeing ---- */

static void
add_uid(void *arg, const char *uid)
{
    workq_add(((struct gc *)arg)->q, uid);
}

static bool
is_boring(const char *kind)
{
    return strcmp(kind, "events") == 0 || strcmp(kind, "leases.coordination.k8s.io") == 0;
}

static bool
on_row(void *arg, const struct db_row *row)
{
    struct gc *gc = (struct gc *)arg;
    const char *kind = row->kind != NULL ? row->kind : gc->listing;
    struct json *obj = NULL;
    struct err e = ERR_INIT;

    if (is_boring(kind) || json_parse_field(row->text, "metadata", &obj, &e))
        return true;
    if (strcmp(kind, NAMESPACES) == 0 && kube_is_deleting(obj))
        add_uid(gc, kube_uid(obj));
    if (row->event == DB_DELETED)
        graph_remove(gc->graph, kube_uid(obj), add_uid, gc);
    else
        graph_put(gc->graph, kind, obj, add_uid, gc);
    json_free(obj);
    return true;
}

static enum rc
list_all(struct gc *gc, struct err *e)
{
    struct db *db = gc->plane->db;
    struct resource_info **all;
    enum rc rc = RC_OK;
    int64_t ignored;
    size_t n;

    graph_free(gc->graph);
    gc->graph = graph_new();
    gc->rev = db_revision(db);
    all = resource_all(gc->plane->kinds, &n);
    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        gc->listing = all[i]->store;
        rc = db_list(db, (struct db_key){all[i]->store, "", ""}, NULL, on_row, gc, &ignored, e);
    }
    resource_all_free(all, n);
    return rc;
}

/* ---- doing ---- */

static bool
is_group(const struct resource_info *k, const char *api_version)
{
    size_t n = strcspn(api_version, "/");

    if (api_version[n] == '\0') /* "v1" */
        return k->group[0] == '\0';
    return strlen(k->group) == n && strncmp(k->group, api_version, n) == 0;
}

typedef bool wanted_fn(const struct resource_info *k, const char *a, const char *b);

static bool
is_stored_in(const struct resource_info *k, const char *store, const char *unused)
{
    (void)unused;
    return strcmp(k->store, store) == 0;
}

static bool
is_named(const struct resource_info *k, const char *api_version, const char *name)
{
    return strcmp(k->kind, name) == 0 && is_group(k, api_version);
}

/* A share, or NULL. */
static struct resource_info *
find_kind(struct gc *gc, wanted_fn *wanted, const char *a, const char *b)
{
    struct resource_info **all, *found = NULL;
    size_t n;

    all = resource_all(gc->plane->kinds, &n);
    for (size_t i = 0; i < n && found == NULL; i++)
        if (wanted(all[i], a, b))
            found = resource_keep(all[i]);
    resource_all_free(all, n);
    return found;
}

static struct json *
gc_load(struct gc *gc, const char *store, const char *ns, const char *name)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(KUBE_BODY_MAX);
    struct json *obj = NULL;
    struct err e = ERR_INIT;
    int64_t rev;

    if (db_get(gc->plane->db, (struct db_key){store, ns, name}, &text, &rev, &e) ||
        json_parse(buf_str(&text), &obj, &e))
        return NULL;
    return obj;
}

enum owner { OWNER_HERE, OWNER_GONE, OWNER_WAITS };

/* Gone only if the store says so too; an owner of a kind that we do not know counts as there. */
static enum owner
look_at_owner(struct gc *gc, const struct json *ref, const char *ns)
{
    const char *uid = json_text_or(json_field(ref, "uid"), "");
    enum graph_state state = graph_state(gc->graph, uid);
    CLEANUP(resource_drop_ptr) struct resource_info *k = NULL;
    CLEANUP(json_free_ptr) struct json *owner = NULL;

    if (state == GRAPH_FOREGROUND)
        return OWNER_WAITS;
    if (state != GRAPH_ABSENT)
        return OWNER_HERE;
    k = find_kind(gc, is_named, json_text_or(json_field(ref, "apiVersion"), ""),
                  json_text_or(json_field(ref, "kind"), ""));
    if (k == NULL || (k->namespaced && ns[0] == '\0'))
        return OWNER_HERE;
    owner =
        gc_load(gc, k->store, k->namespaced ? ns : "", json_text_or(json_field(ref, "name"), ""));
    return owner != NULL && strcmp(kube_uid(owner), uid) == 0 ? OWNER_HERE : OWNER_GONE;
}

struct edit {
    const char *finalizer; /* to remove; NULL: none */
    const char *owner;     /* uid of a reference to remove; NULL: none */
    struct gc *gc;         /* remove references to owners that are not there; NULL: no */
};

static enum rc
gc_edit(void *arg, struct json *obj, struct err *e)
{
    const struct edit *x = (const struct edit *)arg;
    struct json *refs = json_dig(obj, "metadata", "ownerReferences");

    (void)e;
    if (x->finalizer != NULL)
        (void)kube_remove_finalizer(obj, x->finalizer);
    for (size_t i = json_size(refs); i-- > 0;) {
        const struct json *ref = json_elem(refs, i);
        const char *uid = json_text_or(json_field(ref, "uid"), "");
        bool drop = x->owner != NULL && strcmp(uid, x->owner) == 0;
        if (x->gc != NULL)
            drop = look_at_owner(x->gc, ref,
                                 json_text_or(json_dig(obj, "metadata", "namespace"), "")) !=
                   OWNER_HERE;
        if (drop)
            json_remove_at(refs, i);
    }
    if (refs != NULL && json_size(refs) == 0)
        json_remove(json_field(obj, "metadata"), "ownerReferences");
    return RC_OK;
}

static enum rc
gc_modify(struct gc *gc, const struct graph_name *n, struct edit *x, struct err *e)
{
    CLEANUP(resource_drop_ptr)
    struct resource_info *k = find_kind(gc, is_stored_in, n->store, NULL);
    enum rc rc;

    if (k == NULL)
        return RC_OK;
    struct kube_gvr kind = {k->group, k->version, k->plural, k->kind, k->namespaced};
    rc = kube_modify(gc->cx, gc->k, &kind, n->ns, n->name, NULL, gc_edit, x, NULL, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc
remove_object_of(struct gc *gc, const struct graph_name *n, const struct json *obj,
                 const char *policy, struct err *e)
{
    CLEANUP(resource_drop_ptr)
    struct resource_info *k = find_kind(gc, is_stored_in, n->store, NULL);
    struct kube_delete_opts o = {.propagation = policy, .uid = kube_uid(obj)};
    enum rc rc;

    if (k == NULL)
        return RC_OK;
    struct kube_gvr kind = {k->group, k->version, k->plural, k->kind, k->namespaced};
    log_debug("%s %s/%s has lost its owners", n->store, n->ns, n->name);
    rc = kube_delete(gc->cx, gc->k, &kind, n->ns, n->name, &o, e);
    return rc == RC_NOT_FOUND || rc == RC_CONFLICT ? RC_OK : rc;
}

/* Its dependents are to stay: they forget it. */
static enum rc
let_go(struct gc *gc, const char *uid, const struct graph_name *n, struct err *e)
{
    struct edit own = {.finalizer = ORPHAN}, theirs = {.owner = uid};
    CLEANUP(json_free_ptr) struct json *list = graph_dependents(gc->graph, uid, false);

    for (size_t i = 0; i < json_size(list); i++) {
        struct graph_name d;
        if (graph_find(gc->graph, json_text(json_elem(list, i)), &d) &&
            gc_modify(gc, &d, &theirs, e))
            return err_code(e);
    }
    return gc_modify(gc, n, &own, e);
}

/* Its dependents go first. */
static enum rc
go_last(struct gc *gc, const char *uid, const struct graph_name *n, struct err *e)
{
    struct edit own = {.finalizer = FOREGROUND};
    CLEANUP(json_free_ptr) struct json *all = graph_dependents(gc->graph, uid, false);
    CLEANUP(json_free_ptr) struct json *blocking = graph_dependents(gc->graph, uid, true);

    for (size_t i = 0; i < json_size(all); i++)
        workq_add(gc->q, json_text(json_elem(all, i)));
    return json_size(blocking) == 0 ? gc_modify(gc, n, &own, e) : RC_OK;
}

static enum rc
check_owners(struct gc *gc, const char *uid, const struct graph_name *n, const struct json *obj,
             struct err *e)
{
    const struct json *refs = json_dig(obj, "metadata", "ownerReferences");
    size_t here = 0, gone = 0, waiting = 0;
    const char *policy = "Background";

    for (size_t i = 0; i < json_size(refs); i++) {
        enum owner o = look_at_owner(gc, json_elem(refs, i), n->ns);
        here += o == OWNER_HERE ? 1 : 0;
        gone += o == OWNER_GONE ? 1 : 0;
        waiting += o == OWNER_WAITS ? 1 : 0;
    }
    if (gone + waiting == 0)
        return RC_OK;
    if (here > 0) {
        struct edit x = {.gc = gc};
        return gc_modify(gc, n, &x, e);
    }
    if (kube_is_deleting(obj))
        return RC_OK;
    if (kube_has_finalizer(obj, ORPHAN)) {
        policy = "Orphan";
    } else if (waiting > 0) {
        CLEANUP(json_free_ptr) struct json *own = graph_dependents(gc->graph, uid, false);
        policy = json_size(own) > 0 ? "Foreground" : "Background";
    }
    return remove_object_of(gc, n, obj, policy, e);
}

static enum rc
gc_tend(struct gc *gc, const char *uid, struct err *e)
{
    struct graph_name n;
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    bool empty = true;

    if (!graph_find(gc->graph, uid, &n))
        return RC_OK;
    obj = gc_load(gc, n.store, n.ns, n.name);
    if (obj == NULL || strcmp(kube_uid(obj), uid) != 0)
        return RC_OK; /* the log will tell */
    if (kube_is_deleting(obj) && strcmp(n.store, NAMESPACES) == 0) {
        if (namespace_empty(gc->cx, gc->plane, gc->k, obj, &empty, e))
            return err_code(e);
        if (!empty)
            workq_add_after(gc->q, uid, NAMESPACE_MS);
    }
    if (kube_is_deleting(obj) && kube_has_finalizer(obj, ORPHAN))
        return let_go(gc, uid, &n, e);
    if (kube_is_deleting(obj) && kube_has_finalizer(obj, FOREGROUND))
        return go_last(gc, uid, &n, e);
    return check_owners(gc, uid, &n, obj, e);
}

static void
gc_work(struct gc *gc)
{
    char *uid;

    while ((uid = workq_try(gc->q)) != NULL) {
        struct err e = ERR_INIT;
        if (gc_tend(gc, uid, &e) == RC_OK) {
            workq_forget(gc->q, uid);
        } else if (e.code != RC_CANCELLED) {
            log_debug("garbage collector: %s", e.msg);
            workq_add_limited(gc->q, uid);
        }
        workq_done(gc->q, uid);
        mem_free(uid);
    }
}

static enum rc
gc_follow(struct gc *gc, struct err *e)
{
    short ready;
    enum rc rc;

    db_notifier_quiet(&gc->bell);
    rc = db_changes(gc->plane->db, NULL, NULL, on_row, gc, &gc->rev, e);
    if (rc == RC_LIMIT)
        rc = list_all(gc, e);
    if (rc != RC_OK)
        return rc;
    gc_work(gc);
    return ctx_wait(gc->cx, gc->bell.fd, POLLIN, workq_delayed(gc->q) > 0 ? RETRY_MS : WAIT_MS,
                    &ready, e);
}

static enum rc
gc_collect(struct gc *gc, struct err *e)
{
    enum rc rc = list_all(gc, e);

    while (rc != RC_CANCELLED) {
        if (rc == RC_OK) {
            rc = gc_follow(gc, e);
            continue;
        }
        log_error("garbage collector: %s", e->msg);
        rc = ctx_sleep(gc->cx, 1000, e);
        if (rc == RC_OK)
            rc = list_all(gc, e);
    }
    return rc;
}

enum rc
gc_run(struct ctx *cx, struct plane *p, struct kube *k, struct err *e)
{
    struct gc gc = {.cx = cx, .plane = p, .k = k};
    enum rc rc = workq_new(NULL, &gc.q, e);

    if (rc == RC_OK)
        rc = db_notifier_add(p->db, NULL, &gc.bell, e);
    if (rc != RC_OK) {
        workq_free(gc.q);
        return rc;
    }
    gc.graph = graph_new();
    rc = gc_collect(&gc, e);
    db_notifier_remove(p->db, &gc.bell);
    workq_free(gc.q);
    graph_free(gc.graph);
    return rc;
}
