/* SPDX-License-Identifier: Apache-2.0 */
#include "job/snapshot_objects.h"

#include "api/duration.h"
#include "api/kinds.h"
#include "api/names.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/manifest.h"
#include "kube/object.h"
#include "repo/verdict.h"

/* restic puts no limit on what a snapshot says of itself; an API server does. */
enum { TEXTS_MAX = 50, TEXT_MAX = 500 };

/* ---- an object ---- */

static void
put_text(struct json *status, const char *field, const char *text)
{
    if (text != NULL)
        json_set(status, field, json_new_str(str_of(text, MIN(strlen(text), (size_t)TEXT_MAX))));
}

static void
put_texts(struct json *status, const char *field, char *const *texts, size_t n)
{
    for (size_t i = 0; i < MIN(n, (size_t)TEXTS_MAX); i++)
        json_push(json_need_array(status, field),
                  json_new_str(str_of(texts[i], MIN(strlen(texts[i]), (size_t)TEXT_MAX))));
}

static void
put_brief(struct json *status, const char *text)
{
    struct manifest_brief brief;
    struct err none = ERR_INIT;
    char skew[DURATION_TEXT];

    if (text == NULL || manifest_brief(str_c(text), &brief, &none))
        return;
    json_set_int(status, "keys", (int64_t)MIN(brief.keys, (uint64_t)INT64_MAX));
    put_text(status, "digest", brief.digest);
    put_text(status, "source", brief.source);
    if (brief.memory != 0)
        json_set_int(status, "memory", (int64_t)MIN(brief.memory, (uint64_t)INT64_MAX));
    if (brief.shards == 0)
        return;
    json_set_int(status, "shards", (int64_t)MIN(brief.shards, (uint64_t)INT64_MAX));
    if (brief.skew_ms <= INT64_MAX)
        put_text(status, "skew", duration_format((int64_t)brief.skew_ms, skew));
}

/* In whole seconds, as times of Kubernetes are. */
static void
put_verdict(struct json *status, const struct verdict *v)
{
    char time[INSTANT_TEXT], took[DURATION_TEXT];
    struct json *j;

    json_remove(status, "verified");
    json_remove(status, "verification");
    if (v == NULL)
        return;
    (void)instant_format((struct instant){.sec = v->time.sec}, time);
    if (v->good)
        put_text(status, "verified", time);
    j = json_need_object(status, "verification");
    put_text(j, "time", time);
    json_set_bool(j, "good", v->good);
    put_text(j, "level", verdict_level_name(v->level));
    if (!v->good)
        put_text(j, "reason", v->why);
    if (v->restore_ms >= 0)
        put_text(j, "restoreDuration", duration_format(v->restore_ms, took));
}

/* json_free. */
static struct json *
snapshot_status(const char *repository, const struct snapshot *s)
{
    const struct instant when = {.sec = s->time.sec};
    struct json *status = json_new_object();
    char id[ID_TEXT], tree[ID_TEXT], time[INSTANT_TEXT];

    put_text(status, "id", id_hex(&s->id, id));
    json_set(status, "shortID", json_new_str(str_of(id, NAME_SNAPSHOT_DIGITS)));
    put_text(status, "time", instant_format(when, time));
    put_text(status, "repository", repository);
    put_text(status, "hostname", s->hostname);
    put_text(status, "username", s->username);
    json_set_int(status, "uid", (int64_t)(uint32_t)s->uid);
    json_set_int(status, "gid", (int64_t)(uint32_t)s->gid);
    put_text(status, "tree", id_hex(&s->tree, tree));
    put_texts(status, "paths", s->paths, s->n_paths);
    put_texts(status, "tags", s->tags, s->n_tags);
    put_text(status, "target", s->target);
    put_text(status, "partial", s->repaired && s->part == NULL ? REPAIRED_PART : s->part);
    put_brief(status, s->brief);
    put_verdict(status, s->verdict);
    return status;
}

/*
 * Labels by which installers know what is theirs. One that finds its label on an object that it did not make deletes it,
 * which of a Snapshot means: forget the backup.
 */
static bool
is_of_installer(const char *label)
{
    static const char *const domains[] = {"kubernetes.io", "helm.sh", "argoproj.io", "fluxcd.io"};
    const char *slash = strchr(label, '/');
    size_t n = slash != NULL ? (size_t)(slash - label) : 0;

    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        size_t m = strlen(domains[i]);

        if (n >= m && memcmp(label + n - m, domains[i], m) == 0)
            return true;
    }
    return false;
}

static void
put_label(struct json *labels, const char *key, const char *value)
{
    CLEANUP(mem_free_ptr) char *label = name_label(value);

    json_set_cstr(labels, key, label);
}

/* By which it is found again. json_free. */
static struct json *
snapshot_labels(const struct json *repository, const struct snapshot *s)
{
    struct json *labels = json_new_object();
    char id[ID_TEXT];

    put_label(labels, LABEL_REPOSITORY, kube_name(repository));
    put_label(labels, LABEL_HOSTNAME, s->hostname != NULL ? s->hostname : "");
    (void)id_hex(&s->id, id);
    id[NAME_MAX_LABEL] = '\0';
    json_set_cstr(labels, LABEL_SNAPSHOT_ID, id);
    if (s->safety)
        json_set_cstr(labels, LABEL_BEFORE_RESTORE, "true");
    return labels;
}

/* Without a name. json_free. */
static struct json *
snapshot_object(const struct json *repository, const struct snapshot *s)
{
    struct json *obj = kube_object_new(&GVR_SNAPSHOT, kube_ns(repository), NULL),
                *labels = json_need_object(kube_meta(obj), "labels");
    CLEANUP(json_free_ptr) struct json *own = snapshot_labels(repository, s);
    const struct json *theirs = json_dig(repository, "metadata", "labels");

    for (struct json_item it = json_first(theirs); it.key != NULL; it = json_next(theirs, it))
        if (!is_of_installer(it.key))
            json_set(labels, it.key, json_clone(it.value));
    (void)kube_add_finalizer(obj, FINALIZER_SNAPSHOT);
    for (struct json_item it = json_first(own); it.key != NULL; it = json_next(own, it))
        json_set(labels, it.key, json_clone(it.value));
    return obj;
}

/* ---- all of them ---- */

struct sync {
    struct ctx *cx;
    struct kube *k;
    const struct json *repository;
    const struct snapshot *list;
    size_t first, n; /* those from `first` on have objects */
    bool *there;     /* has one, of each of the list */
    bool searched;   /* for those whose labels somebody edited */
};

static enum rc sync_search(struct sync *y, struct err *e);

/* What is wrong with one object is no reason to leave the others. */
static enum rc
sync_outcome(const char *did, const char *name, const struct err *why, struct err *e)
{
    if (why->code != RC_INVALID && why->code != RC_LIMIT && why->code != RC_CONFLICT) {
        *e = *why;
        return err_wrap(e, "could not %s Snapshot %s", did, name);
    }
    log_warn("could not %s Snapshot %s: %s", did, name, why->msg);
    return RC_OK;
}

static enum rc
sync_status(struct sync *y, struct json *obj, const struct snapshot *s, struct err *e)
{
    const struct kube_write w = {.subresource = "status"};
    struct err why = ERR_INIT;

    json_set(obj, "status", snapshot_status(kube_name(y->repository), s));
    if (kube_update(y->cx, y->k, &GVR_SNAPSHOT, obj, &w, NULL, &why) == RC_OK)
        return RC_OK;
    return sync_outcome("write the status of", kube_name(obj), &why, e);
}

/* It was verified since. Nothing else of a snapshot changes. */
static enum rc
sync_verdict(struct sync *y, const struct json *obj, const struct snapshot *s, struct err *e)
{
    const struct kube_write w = {.subresource = "status"};
    CLEANUP(json_free_ptr) struct json *now = json_clone(obj);
    struct err why = ERR_INIT;

    put_verdict(json_need_object(now, "status"), s->verdict);
    if (json_same(now, obj) ||
        kube_update(y->cx, y->k, &GVR_SNAPSHOT, now, &w, NULL, &why) == RC_OK)
        return RC_OK;
    return sync_outcome("write the status of", kube_name(obj), &why, e);
}

static enum rc
sync_create(struct sync *y, size_t at, struct err *e)
{
    const struct snapshot *s = &y->list[at];
    CLEANUP(json_free_ptr) struct json *obj = snapshot_object(y->repository, s);
    CLEANUP(json_free_ptr) struct json *made = NULL;
    struct err why = ERR_INIT;
    char id[ID_TEXT];
    enum rc rc = RC_EXISTS;

    (void)id_hex(&s->id, id);
    for (size_t digits = NAME_SNAPSHOT_DIGITS; rc == RC_EXISTS && digits < ID_TEXT; digits++) {
        CLEANUP(mem_free_ptr)
        char *name = name_of_snapshot(kube_name(y->repository), id, digits);

        json_set_cstr(kube_meta(obj), "name", name);
        why = (struct err)ERR_INIT;
        rc = kube_create(y->cx, y->k, &GVR_SNAPSHOT, kube_ns(obj), obj, NULL, &made, &why);
        /* Its own object may have the name, and was not found by its labels. */
        if (rc == RC_EXISTS && sync_search(y, e))
            return err_code(e);
        if (rc == RC_EXISTS && y->there[at])
            return RC_OK;
    }
    if (rc != RC_OK)
        return sync_outcome("make", kube_name(obj), &why, e);
    return sync_status(y, made, s, e);
}

/* Its deletion means no more than that. */
static enum rc
sync_release(struct sync *y, const struct json *obj, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *copy = json_clone(obj);
    CLEANUP(json_free_ptr) struct json *patch = json_new_object();
    struct json *meta = json_need_object(patch, "metadata");
    const struct json *left;

    if (!kube_remove_finalizer(copy, FINALIZER_SNAPSHOT))
        return RC_OK;
    left = json_dig(copy, "metadata", "finalizers");
    json_set(meta, "finalizers", left != NULL ? json_clone(left) : json_new_array());
    json_set_cstr(meta, "resourceVersion", kube_version(obj));
    return kube_patch(y->cx, y->k, &GVR_SNAPSHOT, kube_ns(obj), kube_name(obj), KUBE_PATCH_MERGE,
                      patch, NULL, NULL, e);
}

static enum rc
sync_remove(struct sync *y, const struct json *obj, struct err *e)
{
    const struct kube_delete_opts o = {.uid = kube_uid(obj)};
    struct err why = ERR_INIT;
    enum rc rc = sync_release(y, obj, &why);

    if (rc == RC_OK)
        rc = kube_delete(y->cx, y->k, &GVR_SNAPSHOT, kube_ns(obj), kube_name(obj), &o, &why);
    return rc == RC_OK || rc == RC_NOT_FOUND ? RC_OK
                                             : sync_outcome("remove", kube_name(obj), &why, e);
}

/* Which of the list is it? `n`: none of them. */
static size_t
sync_find(const struct sync *y, const struct json *obj)
{
    const char *id =
        json_text_or(json_dig(obj, "status", "id"), kube_label(obj, LABEL_SNAPSHOT_ID));
    char hex[ID_TEXT];
    size_t i = y->n;

    while (i-- > 0)
        if (id != NULL && strlen(id) >= NAME_MAX_LABEL &&
            strncmp(id_hex(&y->list[i].id, hex), id, strlen(id)) == 0)
            return i;
    return y->n;
}

/* Somebody edited what it is found by. */
static enum rc
sync_labels(struct sync *y, const struct json *obj, const struct snapshot *s, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *labels = snapshot_labels(y->repository, s);
    CLEANUP(json_free_ptr) struct json *patch = NULL;
    struct err why = ERR_INIT;
    bool same = true;

    for (struct json_item it = json_first(labels); it.key != NULL; it = json_next(labels, it))
        same = same && json_same(json_dig(obj, "metadata", "labels", it.key), it.value);
    if (same)
        return RC_OK;
    patch = json_new_object();
    json_set(json_need_object(patch, "metadata"), "labels", json_ref(labels));
    if (kube_patch(y->cx, y->k, &GVR_SNAPSHOT, kube_ns(obj), kube_name(obj), KUBE_PATCH_MERGE,
                   patch, NULL, NULL, &why) == RC_OK ||
        why.code == RC_NOT_FOUND)
        return RC_OK;
    return sync_outcome("put right the labels of", kube_name(obj), &why, e);
}

/* One without a status was made by a Job that ended before it wrote it; or by somebody who may not choose what is forgotten. */
static bool
sync_made_it(const struct sync *y, const struct json *obj, size_t i)
{
    char id[ID_TEXT];

    return kube_has_finalizer(obj, FINALIZER_SNAPSHOT) &&
           name_is_of_snapshot(kube_name(obj), kube_name(y->repository),
                               id_hex(&y->list[i].id, id));
}

static enum rc
sync_one(struct sync *y, struct json *obj, struct err *e)
{
    const char *of = json_text(json_dig(obj, "status", "repository"));
    size_t i = sync_find(y, obj);

    if (of != NULL && strcmp(of, kube_name(y->repository)) != 0)
        return RC_OK; /* of a Repository whose long name has the same label */
    if (i == y->n && kube_is_deleting(obj)) {
        struct err why = ERR_INIT;
        /* Whether its removal was refused or is on its way, nothing is left to be removed. */
        return sync_release(y, obj, &why) == RC_OK || why.code == RC_NOT_FOUND
                   ? RC_OK
                   : sync_outcome("release", kube_name(obj), &why, e);
    }
    if (i == y->n || i < y->first || y->there[i])
        return kube_is_deleting(obj) ? RC_OK : sync_remove(y, obj, e);
    if (of == NULL && !sync_made_it(y, obj, i))
        return RC_OK;
    y->there[i] = true;
    if (kube_is_deleting(obj))
        return RC_OK;
    if ((of == NULL && sync_status(y, obj, &y->list[i], e)) ||
        (of != NULL && sync_verdict(y, obj, &y->list[i], e)))
        return err_code(e);
    return sync_labels(y, obj, &y->list[i], e);
}

/* All of the namespace, once: those of the Repository that are not labelled so any more. */
static enum rc
sync_search(struct sync *y, struct err *e)
{
    const struct kube_list_opts o = {
        .kind = &GVR_SNAPSHOT, .ns = kube_ns(y->repository), .no_managed_fields = true};
    CLEANUP(mem_free_ptr) char *label = name_label(kube_name(y->repository));
    CLEANUP(json_free_ptr) struct json *all = NULL;
    enum rc rc = RC_OK;

    if (y->searched)
        return RC_OK;
    y->searched = true;
    if (kube_list(y->cx, y->k, &o, &all, NULL, e))
        return err_code(e);
    for (size_t i = 0; rc == RC_OK && i < json_size(all); i++) {
        struct json *obj = json_elem(all, i);

        if (strcmp(json_text_or(json_dig(obj, "status", "repository"), ""),
                   kube_name(y->repository)) == 0 &&
            (kube_label(obj, LABEL_REPOSITORY) == NULL ||
             strcmp(kube_label(obj, LABEL_REPOSITORY), label) != 0))
            rc = sync_one(y, obj, e);
    }
    return rc;
}

static enum rc
sync_all(struct sync *y, struct json *objects, struct err *e)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < json_size(objects); i++)
        rc = sync_one(y, json_elem(objects, i), e);
    for (size_t i = y->first; rc == RC_OK && i < y->n; i++)
        if (!y->there[i])
            rc = sync_create(y, i, e);
    return rc;
}

/* Those that are labelled as of it; json_free. */
static enum rc
sync_list(struct ctx *cx, struct kube *k, const char *ns, const char *repository, struct json **out,
          struct err *e)
{
    CLEANUP(mem_free_ptr) char *label = name_label(repository);
    CLEANUP(mem_free_ptr) char *selector = mem_printf(LABEL_REPOSITORY "=%s", label);
    const struct kube_list_opts o = {
        .kind = &GVR_SNAPSHOT, .ns = ns, .label_selector = selector, .no_managed_fields = true};

    return kube_serves(cx, k, &GVR_SNAPSHOT, e) ? err_code(e) : kube_list(cx, k, &o, out, NULL, e);
}

enum rc
snapshot_objects_verdicts(struct ctx *cx, struct kube *k, const char *ns, const char *repository,
                          const struct snapshot *list, size_t n, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *objects = NULL;
    struct sync y = {.cx = cx, .k = k, .list = list, .n = n};
    enum rc rc = sync_list(cx, k, ns, repository, &objects, e);

    for (size_t i = 0; rc == RC_OK && i < json_size(objects); i++) {
        const struct json *obj = json_elem(objects, i);
        size_t at = sync_find(&y, obj);

        if (at < n && !kube_is_deleting(obj) &&
            strcmp(json_text_or(json_dig(obj, "status", "repository"), ""), repository) == 0)
            rc = sync_verdict(&y, obj, &list[at], e);
    }
    return rc;
}

enum rc
snapshot_objects_sync(struct ctx *cx, struct kube *k, const struct json *repository,
                      const struct snapshot *list, size_t n, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *objects = NULL;
    struct sync y = {.cx = cx,
                     .k = k,
                     .repository = repository,
                     .list = list,
                     .first = n - MIN(n, (size_t)SNAPSHOT_OBJECTS_MAX),
                     .n = n};
    enum rc rc = sync_list(cx, k, kube_ns(repository), kube_name(repository), &objects, e);

    if (rc != RC_OK)
        return rc;
    y.there = (bool *)mem_zero(n + 1, sizeof(*y.there));
    rc = sync_all(&y, objects, e);
    mem_free(y.there);
    return rc;
}
