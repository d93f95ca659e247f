/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/notes.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/retry.h"
#include "job/kube_repo.h"
#include "job/step_internal.h"

enum { VAULT_LOCK_MS = 10 * 60 * 1000, PAUSE_MS = 5000 };

enum rc
step_repo_store_of_flags(const struct step_flags *f, const struct json *secret,
                         bool with_environment, struct store **out, struct err *e)
{
    /* A view on the flags; nothing of it is owned. */
    struct backend b = {.provider = (char *)(uintptr_t)step_text(f->provider, NULL),
                        .bucket = (char *)(uintptr_t)step_text(f->bucket, NULL),
                        .prefix = (char *)(uintptr_t)step_text(f->path, NULL),
                        .endpoint = (char *)(uintptr_t)step_text(f->endpoint, NULL),
                        .region = (char *)(uintptr_t)step_text(f->region, NULL),
                        .insecure_tls = f->insecure_tls,
                        .max_connections = f->max_connections};

    return kube_repo_store(&b, secret, with_environment, NULL, out, e);
}

enum rc
step_repo_secret(struct ctx *cx, struct kube *k, const struct step_flags *f, struct json **out,
                 struct err *e)
{
    const char *ns = step_text(f->secret_ns, f->ns);

    if (step_need(f->secret, "storage-secret-name", e) || step_need(f->provider, "provider", e))
        return err_code(e);
    if (kube_get(cx, k, &KUBE_SECRET, ns, f->secret, out, e))
        return err_wrap(e, "could not read the storage Secret %s/%s", ns, f->secret);
    return RC_OK;
}

enum rc
step_repo_reach(struct ctx *cx, struct kube *k, const struct step_flags *f, struct step_repo *v,
                struct err *e)
{
    CLEANUP(json_free_ptr) struct json *secret = NULL;
    const char *ns = step_text(f->secret_ns, f->ns);

    if (step_repo_secret(cx, k, f, &secret, e))
        return err_code(e);
    if (secret_value(secret, "RESTIC_PASSWORD", &v->password, e)) {
        if (e->code == RC_NOT_FOUND)
            (void)err_set(e, RC_INVALID, "storage Secret missing RESTIC_PASSWORD key");
        return err_wrap(e, "Secret %s/%s", ns, f->secret);
    }
    if (v->password.n == 0)
        return err_set(e, RC_INVALID, "RESTIC_PASSWORD of Secret %s/%s is empty", ns, f->secret);
    if (f->enable_cache)
        v->cache = mem_printf("%s/cstash-cache", step_text(f->scratch_dir, "/tmp"));
    return step_repo_store_of_flags(f, secret, true, &v->store, e);
}

enum rc
step_repo_reach_named(struct ctx *cx, struct kube *k, const char *ns, const char *name,
                      struct step_repo *v, struct err *e)
{
    return kube_repo_open(cx, k, ns, name, &(struct kube_repo_how){.with_environment = true},
                          &v->store, &v->password, e);
}

enum rc
step_repo_open(struct ctx *cx, struct step_repo *v, struct err *e)
{
    enum rc rc = repo_open(cx, v->store, secret_str(&v->password), &v->repo, e);

    if (rc == RC_OK && v->cache != NULL)
        repo_use_cache(v->repo, v->cache);
    return rc;
}

/* A volume that is not mounted, or a wrong bucket, looks like a new one. */
static enum rc
step_repo_may_make(const struct step_repo *v, const struct json *object, struct err *e)
{
    const struct json *status = json_field(object, "status");
    const char *last = json_text(json_field(status, "lastBackupTime"));
    int64_t n = json_int_or(json_field(status, "snapshotCount"), 0);
    struct notes notes;
    char many[40] = "backups";

    if (n <= 0 && last == NULL)
        return RC_OK;
    if (notes_read(GVR_REPOSITORY.kind, json_dig(object, "metadata", "annotations"), &notes, e))
        return err_wrap(e, "could not read the Repository");
    if (notes.new_repository)
        return RC_OK;
    if (n > 0)
        (void)snprintf(many, sizeof(many), "%lld %s", (long long)n,
                       str_plural((uint64_t)n, "snapshot", "snapshots"));
    return err_set(e, RC_NO_REPOSITORY,
                   "could not find the repository at %.200s, though %s %s made (last %.40s): is "
                   "the volume mounted, the bucket the right one? To begin anew, annotate the "
                   "Repository with " NOTE_NEW_REPOSITORY ": \"true\"",
                   v->store->place, many, n == 1 ? "was" : "were", last != NULL ? last : "unknown");
}

enum rc
step_repo_ensure(struct ctx *cx, struct step_repo *v, const struct json *object, struct err *e)
{
    struct repo_init_opts o = {.version = 0};
    struct id id;
    enum rc rc = step_repo_open(cx, v, e);

    if (rc != RC_NO_REPOSITORY)
        return rc;
    if (step_repo_may_make(v, object, e))
        return err_code(e);
    o.fast_kdf = repo_test_fast_kdf();
    log_info("there is no repository at %s: making one", v->store->place);
    rc = repo_init(cx, v->store, secret_str(&v->password), &o, &id, e);
    if (rc != RC_OK && rc != RC_EXISTS) /* another Job may have been faster */
        return err_wrap(e, "could not make the repository");
    return step_repo_open(cx, v, e);
}

enum rc
step_repo_lock(struct ctx *cx, struct step_repo *v, bool exclusive, struct err *e)
{
    struct retry again =
        retry_begin((struct retry_policy){.total_ms = VAULT_LOCK_MS, .pause_ms = PAUSE_MS});

    for (;;) {
        size_t removed = 0;
        enum rc rc = repo_unlock_stale(cx, v->repo, false, &removed, e);

        if (rc == RC_OK)
            rc = repo_lock(cx, v->repo, exclusive, e);
        if (rc == RC_OK)
            return repo_load_index(cx, v->repo, e);
        if (rc != RC_LOCKED)
            return rc;
        log_info("%s; waiting", e->msg);
        if (!retry_next(cx, &again, e))
            return err_code(e);
    }
}

void
step_repo_close(struct step_repo *v)
{
    repo_close(v->repo);
    store_release(v->store);
    secret_release(&v->password);
    mem_free(v->cache);
    memset(v, 0, sizeof(*v));
}

enum rc
step_repo_do(struct ctx *cx, struct kube *k, const struct step_flags *f, bool exclusive,
             step_repo_fn *fn, void *arg, struct err *e)
{
    struct step_repo v = {0};
    enum rc rc = step_repo_reach(cx, k, f, &v, e);

    if (rc == RC_OK)
        rc = step_repo_open(cx, &v, e);
    if (rc == RC_OK)
        rc = step_repo_lock(cx, &v, exclusive, e);
    if (rc == RC_OK)
        rc = fn(arg, v.repo, e);
    step_repo_close(&v);
    return rc;
}
