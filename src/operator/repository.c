/* SPDX-License-Identifier: Apache-2.0 */
/* Repository: who uses it, and what happens to the data when it goes. Source: Stash. */
#include "base/mem.h"
#include "operator/operator_internal.h"

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

    add_references(list, op->configs, key);
    add_references(list, op->restores, key);
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
        rc = write_status(cx, op, op->repos, &GVR_REPOSITORY, was, now, e);
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
    struct deletion l = {.obj = obj,
                         .finalizer = FINALIZER_REPOSITORY,
                         .cache = op->repos,
                         .events = op->repo_events};
    struct err undone = ERR_INIT;
    enum wipe state = WIPE_DONE;

    if (!kube_has_finalizer(obj, FINALIZER_REPOSITORY))
        return RC_OK;
    if (!json_is_true(json_dig(obj, "spec", "wipeOut"))) {
        if (wipe_stop(cx, op, obj, e))
            return err_code(e);
        return finalize(cx, op, &l, &undone, out, e);
    }
    if (wipe_go_on(cx, op, obj, &state, &undone, out, e) ||
        say_wipe(cx, op, obj, state, &undone, e))
        return err_code(e);
    if (state == WIPE_GOING)
        return RC_OK;
    l.hopeless = state == WIPE_IMPOSSIBLE;
    if (state == WIPE_DONE)
        recorder_event(cx, op->repo_events, obj, "Normal", "BackendWiped",
                       "the data in the backend are deleted");
    return finalize(cx, op, &l, &undone, out, e);
}

enum rc
reconcile_repository(struct ctx *cx, void *arg, const char *ns, const char *name,
                     struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *obj = cache_get(op->repos, ns, name);
    CLEANUP(json_free_ptr) struct json *now = NULL;
    enum rc rc;

    if (obj == NULL)
        return RC_OK;
    if (kube_is_deleting(obj))
        return finalize_repository(cx, op, obj, out, e);
    if (!kube_has_finalizer(obj, FINALIZER_REPOSITORY))
        return write_finalizer(cx, op, op->repos, obj, FINALIZER_REPOSITORY, true, e);
    json_free(TAKE(obj)); /* it lacks the references */
    rc = kube_get(cx, op->k, &GVR_REPOSITORY, ns, name, &obj, e);
    if (rc != RC_OK)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    now = json_clone(obj);
    set_references(op, now);
    if (!object_is_bad(cx, op->repo_events, &kind_repository, obj, json_field(now, "status")))
        condition_remove(json_field(now, "status"), COND_VALIDATION_PASSED);
    json_set_int(json_field(now, "status"), "observedGeneration", kube_generation(now));
    rc = write_status(cx, op, op->repos, &GVR_REPOSITORY, obj, now, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}
