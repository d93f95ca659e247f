/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshot: what Jobs show of a repository (job/snapshot_objects.h), and what the deletion of one means (docs/adr/0033).
 *
 * Rule     a deletion forgets the snapshot only where it was meant: the namespace, the Repository and the definition stay. Each
 *          is asked for at the server, after the deletion was seen: whatever deletes objects by the dozen was there before.
 *          In doubt nothing is forgotten.
 * States   the Job that forgets says how it went by the condition Forgotten of the object, the only memory between reconciles.
 *          Whoever may write a status may write that one: "True" counts beside the Job that ended well, and a Job that
 *          refused is removed, so that none stands for another word.
 *          What was refused stays so until the annotation comes: a backup must not go later, when nobody thinks of it any more.
 */
#include "api/notes.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/operator_internal.h"

#define SNAPSHOT_CRD "snapshots.repositories.stash.appscode.com"

enum { POLL_MS = 10 * 1000, REFUSED_MS = 20 * 1000, SOON_MS = 1000 };

static const char *
repository_of(const struct json *obj)
{
    return json_text(json_dig(obj, "status", "repository"));
}

/* ---- objects that go alone ---- */

/* The object goes, the backup stays. */
static enum rc
snapshot_release(struct ctx *cx, struct operator* op, const struct json *obj, struct err *e)
{
    return write_finalizer(cx, op, op->snapshot.cache, obj, FINALIZER_SNAPSHOT, false, e);
}

/* Delete it without its finalizer. If somebody changed it meanwhile it stays: RC_CONFLICT, and we look again. */
static enum rc
snapshot_drop(struct ctx *cx, struct operator* op, const struct json *obj, struct err *e)
{
    const struct kube_delete_opts o = {.uid = kube_uid(obj)};
    struct err why = ERR_INIT;
    enum rc rc;

    if (snapshot_release(cx, op, obj, e))
        return err_code(e);
    if (kube_is_deleting(obj))
        return RC_OK;
    rc = kube_delete(cx, op->k, &GVR_SNAPSHOT, kube_ns(obj), kube_name(obj), &o, &why);
    if (rc == RC_OK || rc == RC_NOT_FOUND || rc == RC_CONFLICT)
        return RC_OK;
    *e = why;
    return err_wrap(e, "could not remove Snapshot %s/%s", kube_ns(obj), kube_name(obj));
}

enum rc
drop_snapshots(struct ctx *cx, struct operator* op, const struct json *repo, struct err *e)
{
    CLEANUP(mem_free_ptr) char *key = key2(kube_ns(repo), kube_name(repo));
    CLEANUP(json_free_ptr)
    struct json *list = cache_by(op->snapshot.cache, BY_REPOSITORY, key);

    for (size_t i = 0; i < json_size(list); i++)
        if (snapshot_drop(cx, op, json_elem(list, i), e))
            return err_code(e);
    return RC_OK;
}

/* ---- one that somebody deleted ---- */

/* Does it go with something else, so that its backup stays? `*why` says with what. */
static enum rc
snapshot_spared(struct ctx *cx, struct operator* op, const struct json *obj, const char **why,
                struct err *e)
{
    const char *repo = repository_of(obj);
    bool goes = false;

    *why = NULL;
    if (repo == NULL || json_dig(obj, "status", "id") == NULL)
        *why = "nothing is known of it";
    if (*why == NULL && namespace_goes(cx, op, kube_ns(obj), &goes, e))
        return err_code(e);
    if (*why == NULL && goes)
        *why = "its namespace goes";
    if (*why == NULL && object_goes(cx, op, &KUBE_CRD, NULL, SNAPSHOT_CRD, &goes, e))
        return err_code(e);
    if (*why == NULL && goes)
        *why = "its CustomResourceDefinition goes";
    if (*why == NULL && object_goes(cx, op, &GVR_REPOSITORY, kube_ns(obj), repo, &goes, e))
        return err_code(e);
    if (*why == NULL && goes)
        *why = "its Repository goes";
    return RC_OK;
}

struct verified_search {
    const struct json *of;
    bool found;
};

static void
look_verified(struct verified_search *s, const struct json *other)
{
    s->found =
        s->found ||
        (!kube_is_deleting(other) && strcmp(kube_uid(other), kube_uid(s->of)) != 0 &&
         json_dig(other, "status", "verified") != NULL &&
         json_same(json_dig(other, "status", "target"), json_dig(s->of, "status", "target")));
}

static bool
is_only_verified(struct operator* op, const struct json *obj)
{
    CLEANUP(mem_free_ptr) char *key = key2(kube_ns(obj), repository_of(obj));
    struct verified_search s = {.of = obj};
    CLEANUP(json_free_ptr) struct json *list = NULL;

    if (json_dig(obj, "status", "verified") == NULL)
        return false;
    list = cache_by(op->snapshot.cache, BY_REPOSITORY, key);
    for (size_t i = 0; i < json_size(list); i++)
        look_verified(&s, json_elem(list, i));
    return !s.found;
}

static enum rc
snapshot_say(struct ctx *cx, struct operator* op, const struct json *obj, enum condition_id id,
             const char *text, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *now = json_clone(obj);
    struct teller to = {cx, op->snapshot.events, obj,
                        id == COND_SNAPSHOT_FORGETTING ? "Normal" : "Warning"};

    condition_tell(&to, json_need_object(now, "status"), id, COND_FALSE,
                   text != NULL ? text : condition_row(id)->in[COND_FALSE].text);
    return write_status(cx, op, op->snapshot.cache, &GVR_SNAPSHOT, obj, now, e);
}

/* Somebody says that it may go, whatever it is? */
static bool
snapshot_is_allowed(const struct json *obj)
{
    struct notes notes;
    struct err why = ERR_INIT;

    if (notes_read(GVR_SNAPSHOT.kind, json_dig(obj, "metadata", "annotations"), &notes, &why)) {
        log_warn("Snapshot %s/%s: %s", kube_ns(obj), kube_name(obj), why.msg);
        return false;
    }
    return notes.allow;
}

/* Is another of the repository on its way? Each Job wants the lock for itself, and somebody may delete all at once. */
static bool
another_goes(struct operator* op, const struct json *obj)
{
    CLEANUP(mem_free_ptr) char *key = key2(kube_ns(obj), repository_of(obj));
    CLEANUP(json_free_ptr) struct json *list = cache_by(op->snapshot.cache, BY_REPOSITORY, key);

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *other = json_elem(list, i);

        if (strcmp(kube_uid(other), kube_uid(obj)) != 0 && kube_is_deleting(other) &&
            condition_is_because(json_field(other, "status"), COND_SNAPSHOT_FORGETTING, COND_FALSE))
            return true;
    }
    return false;
}

static enum rc
forget_begin(struct ctx *cx, struct operator* op, const struct json *obj, const char *name,
             struct err *e)
{
    CLEANUP(json_free_ptr)
    struct json *repo = cache_get(op->repository.cache, kube_ns(obj), repository_of(obj));
    const char *const args[] = {"snapshot", kube_name(obj), "uid", kube_uid(obj), NULL};
    struct repository_job j = {.step = "forget-snapshot",
                               .component = "stash-forget",
                               .name = name,
                               .cluster_role = "stash-forget-job",
                               .repo = repo,
                               .owner = obj,
                               .args = args};
    struct err why = ERR_INIT;

    if (repo == NULL)
        return err_set(e, RC_CONFLICT, "Repository %s is not known yet", repository_of(obj));
    if (repository_job_create(cx, op, &j, &why) == RC_OK)
        return snapshot_say(cx, op, obj, COND_SNAPSHOT_FORGETTING, NULL, e);
    if (why.retry || why.code == RC_CANCELLED || why.code == RC_CONFLICT) {
        *e = why; /* the server is busy: come again */
        return err_code(e);
    }
    return snapshot_say(cx, op, obj, COND_SNAPSHOT_FORGOTTEN, why.msg, e);
}

/* The Job has ended well, and said what came of it. */
static enum rc
forget_ended(struct ctx *cx, struct operator* op, const struct json *obj, const struct json *job,
             struct ctl_result *out, struct err *e)
{
    const struct json *status = json_field(obj, "status");

    if (condition_is_true(status, COND_SNAPSHOT_FORGOTTEN)) {
        recorder_event(cx, op->snapshot.events, obj, "Normal", "SnapshotForgotten",
                       "snapshot %s is removed from the repository",
                       json_text_or(json_field(status, "shortID"), "?"));
        return snapshot_release(cx, op, obj, e);
    }
    /* It refused, or looked before the annotation came, or what it looked for was going. */
    out->requeue_after_ms = SOON_MS;
    return ensure_gone(cx, op, &KUBE_JOB, kube_ns(job), kube_name(job), "Background", e);
}

static enum rc
snapshot_forget_on(struct ctx *cx, struct operator* op, const struct json *obj,
                   const struct json *job, const char *name, struct ctl_result *out, struct err *e)
{
    char text[WHY_TEXT];
    enum outcome o;

    out->requeue_after_ms = POLL_MS;
    if (kube_has_finalizer(obj, "foregroundDeletion") || (job != NULL && kube_is_deleting(job))) {
        out->requeue_after_ms = SOON_MS;
        return RC_OK;
    }
    if (job == NULL && another_goes(op, obj)) {
        out->requeue_after_ms = SOON_MS;
        return RC_OK;
    }
    if (job == NULL)
        return forget_begin(cx, op, obj, name, e);
    if (job_outcome(cx, op, kube_ns(obj), name, &o, text, e))
        return err_code(e);
    if (o == OUTCOME_DONE && kube_is_owned_by(job, kube_uid(obj)))
        return forget_ended(cx, op, obj, job, out, e);
    if ((o == OUTCOME_DEAD || o == OUTCOME_WAITING) &&
        snapshot_say(cx, op, obj, COND_SNAPSHOT_FORGOTTEN, text, e))
        return err_code(e);
    return o == OUTCOME_DEAD ? repository_job_retry(cx, op, obj, job, out, e) : RC_OK;
}

static enum rc
snapshot_finalize(struct ctx *cx, struct operator* op, const struct json *obj,
                  struct ctl_result *out, struct err *e)
{
    const struct json *status = json_field(obj, "status");
    CLEANUP(mem_free_ptr) char *name = repository_job_name("stash-forget", obj);
    CLEANUP(json_free_ptr) struct json *job = NULL;
    const char *why;
    bool allowed;

    if (snapshot_spared(cx, op, obj, &why, e))
        return err_code(e);
    if (why != NULL) {
        log_info("Snapshot %s/%s goes and its backup stays: %s", kube_ns(obj), kube_name(obj), why);
        return snapshot_release(cx, op, obj, e);
    }
    /* Its definition or its namespace may go meanwhile, of which nothing tells. */
    out->requeue_after_ms = REFUSED_MS;
    job = cache_get(op->jobs, kube_ns(obj), name);
    allowed = snapshot_is_allowed(obj);
    if (!allowed && condition_is_because(status, COND_SNAPSHOT_REFUSED, COND_FALSE))
        return job == NULL || !kube_is_owned_by(job, kube_uid(obj))
                   ? RC_OK
                   : ensure_gone(cx, op, &KUBE_JOB, kube_ns(obj), name, "Background", e);
    if (job == NULL && !allowed && is_only_verified(op, obj))
        return snapshot_say(cx, op, obj, COND_SNAPSHOT_REFUSED,
                            "It is the only snapshot of its target that was verified. Annotate it "
                            "with " NOTE_ALLOW_REMOVAL "=true to remove it nevertheless.",
                            e);
    return snapshot_forget_on(cx, op, obj, job, name, out, e);
}

static enum rc
snapshot_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                   struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *obj = cache_get(op->snapshot.cache, ns, name);
    const char *repo = repository_of(obj);
    struct err why = ERR_INIT;
    bool goes = false;
    enum rc rc;

    if (obj == NULL ||
        (!kube_is_deleting(obj) && (repo == NULL || cache_has(op->repository.cache, ns, repo))))
        return RC_OK;
    if (!kube_is_deleting(obj)) { /* its Repository has gone; is that so? */
        if (object_goes(cx, op, &GVR_REPOSITORY, ns, repo, &goes, e))
            return err_code(e);
        return goes ? snapshot_drop(cx, op, obj, e) : RC_OK;
    }
    json_free(TAKE(obj)); /* it lacks what is not cached, and the Job may have written since */
    rc = kube_get(cx, op->k, &GVR_SNAPSHOT, ns, name, &obj, &why);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc != RC_OK) {
        *e = why;
        return rc;
    }
    if (!kube_is_deleting(obj) || !kube_has_finalizer(obj, FINALIZER_SNAPSHOT))
        return RC_OK;
    return snapshot_finalize(cx, op, obj, out, e);
}

/* ---- whom it concerns ---- */

static void
index_repository(const struct json *obj, cache_emit_fn *emit, void *to)
{
    CLEANUP(mem_free_ptr) char *key = NULL;

    if (repository_of(obj) == NULL)
        return;
    key = key2(kube_ns(obj), repository_of(obj));
    emit(to, key);
}

/* A Repository that is not there any more takes its objects along. */
static void
on_repository(void *arg, const struct json *old, const struct json *now)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(mem_free_ptr) char *key = NULL;
    CLEANUP(json_free_ptr) struct json *keys = NULL;

    if (now != NULL)
        return;
    key = key2(kube_ns(old), kube_name(old));
    keys = cache_keys_by(op->snapshot.cache, BY_REPOSITORY, key);
    for (size_t i = 0; i < json_size(keys); i++)
        workq_add(controller_queue(op->snapshot.ctl), json_text(json_elem(keys, i)));
}

/* What nobody here reads, and may be long. */
static void
trim_snapshot(struct json *obj)
{
    static const char *const unread[] = {"tree", "paths", "tags", "digest", "username", "hostname"};
    struct json *status = json_field(obj, "status");

    for (size_t i = 0; status != NULL && i < ARRAY_LEN(unread); i++)
        json_remove(status, unread[i]);
}

static void
snapshot_wire(struct operator* op, struct watched *own)
{
    cache_add_index(own->cache, BY_REPOSITORY, index_repository);
    controller_watch(own->ctl, op->jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_SNAPSHOT.kind);
    cache_on_change(op->repository.cache, on_repository, op);
}

/* Where Stash's own API server still answers for this group, or the definition is not there yet, the rest works. */
const struct watched_ops watched_snapshot = {.reconcile = snapshot_reconcile,
                                             .component = "Snapshot Controller",
                                             .trim = trim_snapshot,
                                             .optional = true,
                                             .wire = snapshot_wire};
