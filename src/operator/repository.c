/* SPDX-License-Identifier: Apache-2.0 */
/* Repository: who uses it, and what happens to the data when it goes. Source: Stash. */
#include "base/mem.h"
#include "operator/operator_internal.h"

/* The kinds that refer to Repositories. */
enum { USERS = 4 };

static void
users_of(struct operator* op, struct watched *out[static USERS])
{
    out[0] = &op->backupconfiguration;
    out[1] = &op->backupbatch;
    out[2] = &op->restoresession;
    out[3] = &op->restorebatch;
}

static void
add_references(struct json *list, struct cache *users, const char *key)
{
    struct json *keys = cache_keys_by(users, BY_REPOSITORY, key);

    for (size_t i = 0; i < json_size(keys); i++) {
        const char *user = json_text(json_elem(keys, i)), *slash = strchr(user, '/');
        struct json *ref = json_new_object();

        json_set_cstr(ref, "apiGroup", STASH_GROUP);
        json_set_cstr(ref, "kind", cache_kind(users)->kind);
        json_set(ref, "namespace", json_new_str(str_of(user, (size_t)(slash - user))));
        json_set_cstr(ref, "name", slash + 1);
        json_push(list, ref);
    }
    json_free(keys);
}

static void
set_references(struct operator* op, struct json *now)
{
    struct json *status = json_need_object(now, "status"), *list = json_new_array();
    char *key = key2(kube_ns(now), kube_name(now));
    struct watched *users[USERS];

    users_of(op, users);
    for (size_t i = 0; i < USERS; i++)
        add_references(list, users[i]->cache, key);
    mem_free(key);
    json_set(status, "references", json_size(list) > 0 ? json_ref(list) : NULL);
    json_free(list);
}

/* How it stands with the data, for whoever looks at the Repository while it is kept. */
static enum rc
say_wipe(struct ctx *cx, struct operator* op, const struct json *obj, enum wipe state,
         struct err *undone, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *was = NULL;
    CLEANUP(json_free_ptr) struct json *now = NULL;
    enum rc rc;

    if (undone->code != RC_OK) {
        (void)err_wrap(undone, "wipeOut: the data are not deleted");
        (void)err_hint(undone, "set wipeOut to false to let the Repository go at once");
    }
    if (state == WIPE_DONE)
        return RC_OK;
    rc = kube_get(cx, op->k, &GVR_REPOSITORY, kube_ns(obj), kube_name(obj), &was, e);
    if (rc == RC_OK) {
        now = json_clone(was);
        if (undone->code != RC_OK)
            (void)condition_set(json_need_object(now, "status"), COND_BACKEND_WIPED, COND_FALSE,
                                undone->msg);
        else
            (void)condition_set(json_need_object(now, "status"), COND_BACKEND_WIPING, COND_FALSE,
                                NULL);
        rc = write_status(cx, op, op->repository.cache, &GVR_REPOSITORY, was, now, e);
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/*
 * The data stay unless wipeOut is set. While they cannot be deleted the object is kept for a while,
 * so that somebody sees that they are not gone.
 */
static enum rc
finalize_repository(struct ctx *cx, struct operator* op, const struct json *obj,
                    struct ctl_result *out, struct err *e)
{
    struct deletion l = {.obj = obj, .finalizer = FINALIZER_REPOSITORY, .kind = &op->repository};
    struct err undone = ERR_INIT;
    enum wipe state = WIPE_DONE;

    if (!kube_has_finalizer(obj, FINALIZER_REPOSITORY))
        return RC_OK;
    if (!json_is_true(json_dig(obj, "spec", "wipeOut"))) {
        if (wipe_stop(cx, op, obj, e) || drop_snapshots(cx, op, obj, e))
            return err_code(e);
        return finalize(cx, op, &l, &undone, out, e);
    }
    if (wipe_go_on(cx, op, obj, &state, &undone, out, e) ||
        say_wipe(cx, op, obj, state, &undone, e))
        return err_code(e);
    if (state == WIPE_GOING)
        return RC_OK;
    l.hopeless = state == WIPE_IMPOSSIBLE;
    if ((state == WIPE_DONE || l.hopeless) && drop_snapshots(cx, op, obj, e))
        return err_code(e);
    if (state == WIPE_DONE)
        recorder_event(cx, op->repository.events, obj, "Normal", "BackendWiped",
                       "the data in the backend are deleted");
    return finalize(cx, op, &l, &undone, out, e);
}

static enum rc
repository_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                     struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *obj = cache_get(op->repository.cache, ns, name);
    CLEANUP(json_free_ptr) struct json *now = NULL;
    enum rc rc;

    if (obj == NULL)
        return RC_OK;
    if (kube_is_deleting(obj))
        return finalize_repository(cx, op, obj, out, e);
    if (!kube_has_finalizer(obj, FINALIZER_REPOSITORY))
        return write_finalizer(cx, op, op->repository.cache, obj, FINALIZER_REPOSITORY, true, e);
    json_free(TAKE(obj)); /* it lacks the references */
    rc = kube_get(cx, op->k, &GVR_REPOSITORY, ns, name, &obj, e);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    now = json_clone(obj);
    set_references(op, now);
    if (!object_is_bad(cx, op->repository.events, &kind_repository, obj, json_field(now, "status")))
        condition_remove(json_field(now, "status"), COND_VALIDATION_PASSED);
    if (show_snapshots(cx, op, obj, json_field(now, "status"), out, e))
        return err_code(e);
    json_set_int(json_field(now, "status"), "observedGeneration", kube_generation(now));
    rc = write_status(cx, op, op->repository.cache, &GVR_REPOSITORY, obj, now, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* ---- whom it concerns ---- */

/* What is about to go refers to nothing any more. */
static void
index_repository(const struct json *obj, cache_emit_fn *emit, void *to)
{
    struct invoker inv;
    char *key;

    if (kube_is_deleting(obj))
        return;
    invoker_view(obj, &inv);
    key = key2(inv.repo_ns, inv.repo_name);
    emit(to, key);
    mem_free(key);
}

/*
 * Whoever refers to a Repository looks again when it comes, goes or is changed; not when only its
 * status is, which happens after every backup.
 */
static void
on_repository(void *arg, const struct json *old, const struct json *now)
{
    struct operator* op =(struct operator*) arg;
    const struct json *repo = now != NULL ? now : old;
    struct watched *users[USERS];
    char *key;

    if (old != NULL && now != NULL && kube_generation(old) == kube_generation(now) &&
        kube_is_deleting(old) == kube_is_deleting(now))
        return;
    users_of(op, users);
    key = key2(kube_ns(repo), kube_name(repo));
    for (size_t c = 0; c < USERS; c++) {
        struct json *keys = cache_keys_by(users[c]->cache, BY_REPOSITORY, key);

        for (size_t i = 0; i < json_size(keys); i++)
            workq_add(controller_queue(users[c]->ctl), json_text(json_elem(keys, i)));
        json_free(keys);
    }
    mem_free(key);
}

/* References can be many, and a cached Repository is read for each of them. */
static void
trim_repository(struct json *repo)
{
    struct json *status = json_field(repo, "status");

    if (status != NULL)
        json_remove(status, "references");
}

/* Many configurations on one Repository become one write: it waits, the longer the more there are.
 */
static void
map_user_to_repo(void *arg, const struct json *obj, struct workq *q)
{
    struct operator* op =(struct operator*) arg;
    struct invoker inv;
    char *key;

    invoker_view(obj, &inv);
    key = workq_key(inv.repo_ns, inv.repo_name);
    workq_add_after(q, key, 1000 + (int64_t)cache_count(op->backupconfiguration.cache, NULL) / 2);
    mem_free(key);
}

static void
repository_wire(struct operator* op, struct watched *own)
{
    struct watched *users[USERS];

    users_of(op, users);
    for (size_t i = 0; i < USERS; i++) {
        cache_add_index(users[i]->cache, BY_REPOSITORY, index_repository);
        controller_watch(own->ctl, users[i]->cache, map_user_to_repo, op);
    }
    controller_watch(own->ctl, op->jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_REPOSITORY.kind);
    cache_on_change(own->cache, on_repository, op);
}

const struct watched_ops watched_repository = {.reconcile = repository_reconcile,
                                               .component = "Repository Controller",
                                               .trim = trim_repository,
                                               .wire = repository_wire};
