/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the copy goes that a restore takes of its target: into the target's own Repository, where it has one. Only one
 * in the namespace of the Job, whose account may be given its Secret.
 */
#include "api/notes.h"
#include "base/mem.h"
#include "operator/operator_internal.h"

enum { LOOKED_AT = 32 }; /* of what backs a target up: there is one, or a few */

static bool
restores_from(const struct invoker *inv, const char *repo)
{
    return strcmp(inv->repo_ns, inv->ns) == 0 && strcmp(inv->repo_name, repo) == 0;
}

/* Both in a volume, at the same place of a container: one of them cannot be mounted. */
static bool
volumes_collide(const struct json *a, const struct json *b)
{
    const struct json *first = json_dig(a, "spec", "backend", "local"),
                      *second = json_dig(b, "spec", "backend", "local");

    return first != NULL && second != NULL &&
           strcmp(json_text_or(json_field(first, "mountPath"), ""),
                  json_text_or(json_field(second, "mountPath"), "")) == 0;
}

/* Of those that back the target up, the first by name. `*own`: one of them is where is restored from. */
static void
pick_own(const struct invoker *inv, const struct json *list, const char **pick, bool *own)
{
    for (size_t i = 0; i < json_size(list); i++) {
        struct invoker by;

        invoker_view(json_elem(list, i), &by);
        if (kube_is_deleting(by.obj) || by.repo_name[0] == '\0' || strcmp(by.repo_ns, inv->ns) != 0)
            continue;
        if (restores_from(inv, by.repo_name))
            *own = true;
        if (*pick == NULL || strcmp(by.repo_name, *pick) < 0)
            *pick = by.repo_name;
    }
}

static struct json *
find_own(struct operator* op, const struct invoker *inv, const struct json *repo)
{
    CLEANUP(mem_free_ptr) char *key = key3(inv->target_ns, inv->target_kind, inv->target_name);
    CLEANUP(json_free_ptr)
    struct json *configs = cache_first_by(op->backupconfiguration.cache, BY_TARGET, key, LOOKED_AT);
    CLEANUP(json_free_ptr)
    struct json *batches = cache_first_by(op->backupbatch.cache, BY_TARGET, key, LOOKED_AT);
    const char *pick = NULL;
    struct json *found;
    bool own = false;

    pick_own(inv, configs, &pick, &own);
    pick_own(inv, batches, &pick, &own);
    if (own || pick == NULL)
        return NULL;
    found = cache_get(op->repository.cache, inv->ns, pick);
    if (found == NULL || volumes_collide(found, repo)) {
        json_free(found);
        return NULL;
    }
    return found;
}

enum rc
find_way_back(struct operator* op, const struct run *r, struct json **out, struct err *e)
{
    const struct invoker *inv = r->inv;
    struct notes n;

    *out = NULL;
    if (!inv->restore)
        return RC_OK;
    if (notes_read(inv->kind, json_dig(inv->obj, "metadata", "annotations"), &n, e))
        return err_code(e);
    if (n.safety_skip)
        return RC_OK;
    if (n.safety_repository == NULL) {
        *out = find_own(op, inv, r->repo);
        return RC_OK;
    }
    if (restores_from(inv, n.safety_repository))
        return RC_OK;
    *out = cache_get(op->repository.cache, inv->ns, n.safety_repository);
    if (*out == NULL)
        return err_set(e, RC_NOT_FOUND,
                       "Repository %s/%s, which annotation " NOTE_SAFETY_REPOSITORY
                       " names for the copy of the target, does not exist",
                       inv->ns, n.safety_repository);
    if (!volumes_collide(*out, r->repo))
        return RC_OK;
    json_free(*out);
    *out = NULL;
    return err_set(e, RC_INVALID,
                   "Repository %s/%s, which annotation " NOTE_SAFETY_REPOSITORY
                   " names, has the mountPath of the one that is restored from",
                   inv->ns, n.safety_repository);
}
