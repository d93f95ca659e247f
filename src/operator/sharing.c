/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations whose snapshots bear the same host in one Repository: we keep them apart by their
 * targets (repo/target.h), restic and Stash do not.
 */
#include "base/mem.h"
#include "operator/operator_internal.h"

enum { SHARING_TEXT = 800 };

/* The kinds of what writes into Repositories. */
static const struct writer {
    const struct crd_def *kind;
    size_t at; /* of its struct watched in the operator */
} writers[] = {
    {&kind_backupconfiguration, offsetof(struct operator, backupconfiguration)},
    {&kind_backupbatch, offsetof(struct operator, backupbatch)},
};

static const struct watched *
watched_of(const struct operator* op, const struct writer *w)
{
    return (const struct watched *)(const void *)((const char *)op + w->at);
}

static const struct writer *
writer_of(const struct invoker *inv)
{
    return strcmp(inv->kind, GVR_BACKUP_BATCH.kind) == 0 ? &writers[1] : &writers[0];
}

/* Does it back up at all? Its status may be of before it was changed. */
static bool
is_invalid(const struct writer *w, const struct json *config)
{
    struct err why = ERR_INIT;

    return strcmp(json_text_or(json_dig(config, "status", "phase"), ""), "Invalid") == 0 ||
           object_check(w->kind, config, &why) != RC_OK;
}

/* The first member of `other` that has the host of one of `inv`, which is then at hand. */
static bool
shares_host(struct invoker *inv, struct invoker *other)
{
    for (size_t i = 0; i < inv->n; i++)
        for (size_t k = 0; k < other->n; k++) {
            invoker_member(inv, i, inv);
            invoker_member(other, k, other);
            if (strcmp(invoker_host(inv), invoker_host(other)) == 0)
                return true;
        }
    return false;
}

/* Of one kind; `key` is "ns/name". The caller frees. */
static struct json *
sharer_named(struct operator* op, const struct writer *w, const char *key, struct invoker *inv,
             struct invoker *out)
{
    const char *slash = strchr(key, '/');
    CLEANUP(mem_free_ptr) char *ns = NULL;
    struct json *obj;

    if (slash == NULL)
        return NULL;
    ns = mem_strndup(key, (size_t)(slash - key));
    if (writer_of(inv) == w && strcmp(ns, inv->ns) == 0 && strcmp(slash + 1, inv->name) == 0)
        return NULL;
    obj = cache_get(watched_of(op, w)->cache, ns, slash + 1);
    if (obj == NULL)
        return NULL;
    invoker_view(obj, out);
    if (!kube_is_deleting(obj) && !is_invalid(w, obj) && shares_host(inv, out))
        return obj;
    json_free(obj);
    return NULL;
}

/* One that shares a host, or NULL; the caller frees. `*out` is a view on it, both at the members that share. */
static struct json *
find_sharer(struct operator* op, struct invoker *inv, struct invoker *out)
{
    CLEANUP(mem_free_ptr) char *key = key2(inv->repo_ns, inv->repo_name);

    for (size_t w = 0; w < ARRAY_LEN(writers); w++) {
        CLEANUP(json_free_ptr)
        struct json *keys = cache_keys_by(watched_of(op, &writers[w])->cache, BY_REPOSITORY, key);

        for (size_t i = 0; i < json_size(keys); i++) {
            struct json *obj =
                sharer_named(op, &writers[w], json_text_or(json_elem(keys, i), ""), inv, out);

            if (obj != NULL)
                return obj;
        }
    }
    return NULL;
}

/* Two members of the same batch. */
static bool
is_shared_within(const struct invoker *inv, struct invoker *a, struct invoker *b)
{
    for (size_t i = 0; i < inv->n; i++)
        for (size_t k = i + 1; k < inv->n; k++) {
            invoker_member(inv, i, a);
            invoker_member(inv, k, b);
            if (strcmp(invoker_host(a), invoker_host(b)) == 0)
                return true;
        }
    return false;
}

/* Whoever is told otherwise looks again. */
static void
wake(struct operator* op, const struct invoker *other)
{
    CLEANUP(mem_free_ptr) char *key = key2(other->ns, other->name);

    workq_add(controller_queue(watched_of(op, writer_of(other))->ctl), key);
}

static void
words_within(const struct invoker *a, const struct invoker *b, char text[static SHARING_TEXT])
{
    char first[INVOKER_PATH], second[INVOKER_PATH];

    (void)snprintf(
        text, SHARING_TEXT,
        "%s and %s both make snapshots of host %.60s: they are kept apart by their "
        "targets here, but not by restic or Stash. Set target.alias of each to a name of "
        "its own.",
        invoker_path(a, first), invoker_path(b, second), invoker_host(a));
}

static void
words_between(const struct invoker *inv, const struct invoker *other,
              char text[static SHARING_TEXT])
{
    char path[INVOKER_PATH];

    if (invoker_same_target(inv, other))
        (void)snprintf(text, SHARING_TEXT,
                       "%s %.200s/%.200s backs up the same target into this "
                       "Repository: the retention policies of both apply to the same snapshots.",
                       other->kind, other->ns, other->name);
    else
        (void)snprintf(
            text, SHARING_TEXT,
            "%s %.200s/%.200s also makes snapshots of host %.60s in this "
            "Repository: they are kept apart by their targets here, but not by restic or "
            "Stash. Set %s.target.alias, or use another Repository.",
            other->kind, other->ns, other->name, invoker_host(inv), invoker_path(inv, path));
}

void
tell_sharing(struct ctx *cx, struct operator* op, const struct invoker *inv, const struct json *obj,
             struct json *status)
{
    struct teller to = {cx, watched_of(op, writer_of(inv))->events, obj, "Warning"};
    struct invoker own = *inv, other;
    CLEANUP(json_free_ptr) struct json *with = NULL;
    char text[SHARING_TEXT];

    if (is_shared_within(inv, &own, &other)) {
        words_within(&own, &other, text);
        condition_tell(&to, status, COND_HOST_SHARED, COND_TRUE, text);
        return;
    }
    own = *inv;
    with = find_sharer(op, &own, &other);
    if (with == NULL) {
        condition_remove(status, COND_HOST_SHARED);
        return;
    }
    words_between(&own, &other, text);
    condition_tell(&to, status, COND_HOST_SHARED, COND_TRUE, text);
    if (!condition_is_there(json_field(with, "status"), COND_HOST_SHARED))
        wake(op, &other); /* it does not know yet */
}

void
untell_sharing(struct operator* op, const struct invoker *inv, struct json *status)
{
    struct invoker own = *inv, other;
    CLEANUP(json_free_ptr) struct json *with = find_sharer(op, &own, &other);

    condition_remove(status, COND_HOST_SHARED);
    if (with != NULL && condition_is_there(json_field(with, "status"), COND_HOST_SHARED))
        wake(op, &other); /* it may name this one */
}
