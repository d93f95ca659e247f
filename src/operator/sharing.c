/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations whose snapshots bear the same host in one Repository: we keep them apart by their
 * targets (repo/target.h), restic and Stash do not.
 */
#include "base/mem.h"
#include "operator/operator_internal.h"

#define HOST_DEFAULT "host-0"

static const char *
host_of(const struct invoker *inv)
{
    return inv->alias[0] != '\0' ? inv->alias : HOST_DEFAULT;
}

static bool
same_target(const struct invoker *a, const struct invoker *b)
{
    return strcmp(a->target_kind, b->target_kind) == 0 &&
           strcmp(a->target_name, b->target_name) == 0 && strcmp(a->target_ns, b->target_ns) == 0;
}

/* Does it back up at all? Its status may be of before it was changed. */
static bool
is_invalid(const struct json *config)
{
    struct err why = ERR_INIT;

    return strcmp(json_text_or(json_dig(config, "status", "phase"), ""), "Invalid") == 0 ||
           object_check(&kind_backupconfiguration, config, &why) != RC_OK;
}

/* One that shares the host, or NULL; the caller frees. `*out` is a view on it. */
static struct json *
find_sharer(struct operator* op, const struct invoker *inv, struct invoker *out)
{
    CLEANUP(mem_free_ptr) char *key = key2(inv->repo_ns, inv->repo_name);
    CLEANUP(json_free_ptr)
    struct json *keys = cache_keys_by(op->backupconfiguration.cache, BY_REPOSITORY, key);

    for (size_t i = 0; i < json_size(keys); i++) {
        const char *one = json_text_or(json_elem(keys, i), ""), *slash = strchr(one, '/');
        CLEANUP(mem_free_ptr) char *ns = NULL;
        struct json *obj;

        if (slash == NULL)
            continue;
        ns = mem_strndup(one, (size_t)(slash - one));
        if (strcmp(ns, inv->ns) == 0 && strcmp(slash + 1, inv->name) == 0)
            continue;
        obj = cache_get(op->backupconfiguration.cache, ns, slash + 1);
        if (obj == NULL)
            continue;
        invoker_view(obj, out);
        if (!kube_is_deleting(obj) && !is_invalid(obj) && strcmp(host_of(inv), host_of(out)) == 0)
            return obj;
        json_free(obj);
    }
    return NULL;
}

void
tell_sharing(struct ctx *cx, struct operator* op, const struct invoker *inv, const struct json *obj,
             struct json *status)
{
    struct teller to = {cx, op->backupconfiguration.events, obj, "Warning"};
    struct invoker other;
    CLEANUP(json_free_ptr) struct json *with = find_sharer(op, inv, &other);
    char text[800];

    if (with == NULL) {
        condition_remove(status, COND_HOST_SHARED);
        return;
    }
    if (same_target(inv, &other))
        (void)snprintf(text, sizeof(text),
                       "BackupConfiguration %.200s/%.200s backs up the same target into this "
                       "Repository: the retention policies of both apply to the same snapshots.",
                       other.ns, other.name);
    else
        (void)snprintf(
            text, sizeof(text),
            "BackupConfiguration %.200s/%.200s also makes snapshots of host %.60s in this "
            "Repository: they are kept apart by their targets here, but not by restic or "
            "Stash. Set spec.target.alias, or use another Repository.",
            other.ns, other.name, host_of(inv));
    condition_tell(&to, status, COND_HOST_SHARED, COND_TRUE, text);
    if (!condition_is_there(json_field(with, "status"), COND_HOST_SHARED)) {
        CLEANUP(mem_free_ptr) char *key = key2(other.ns, other.name);
        workq_add(controller_queue(op->backupconfiguration.ctl), key); /* it does not know yet */
    }
}

void
untell_sharing(struct operator* op, const struct invoker *inv, struct json *status)
{
    struct invoker other;
    CLEANUP(json_free_ptr) struct json *with = find_sharer(op, inv, &other);

    condition_remove(status, COND_HOST_SHARED);
    if (with != NULL && condition_is_there(json_field(with, "status"), COND_HOST_SHARED)) {
        CLEANUP(mem_free_ptr) char *key = key2(other.ns, other.name);
        workq_add(controller_queue(op->backupconfiguration.ctl), key); /* it may name this one */
    }
}
