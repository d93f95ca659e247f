/* SPDX-License-Identifier: Apache-2.0 */
#include "job/kube_repo.h"

#include <unistd.h>

#include "api/kinds.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/step_internal.h"

enum { VALUES_MAX = 64, VERSION_MAX = 64 * 1024 };

/* The storage Secret as the environment that restic would be given. */
struct storage_env {
    const struct json *secret;
    const char *region;
    bool with_environment;
    struct secret values[VALUES_MAX]; /* decoded, for as long as they are looked at */
    size_t n;
};

/*
 * The Repository's region first, then the Secret; then what the Pod was given by its cluster, such
 * as the role of its service account.
 */
static const char *
kube_repo_lookup(void *arg, const char *name)
{
    struct storage_env *v = (struct storage_env *)arg;
    struct secret *s = &v->values[v->n];
    const char *key = backend_secret_key(name);
    struct err ignored = ERR_INIT;

    if (v->region != NULL && strcmp(name, "AWS_DEFAULT_REGION") == 0)
        return v->region;
    if (key == NULL || v->n == VALUES_MAX || secret_value(v->secret, key, s, &ignored))
        return v->with_environment ? getenv(name) : NULL;
    v->n++;
    while (s->n > 0 && (s->p[s->n - 1] == '\n' || s->p[s->n - 1] == '\r')) /* as `echo` leaves it */
        s->p[--s->n] = '\0';
    return (const char *)s->p;
}

enum rc
kube_repo_store(const struct backend *b, const struct json *secret, bool with_environment,
                const struct store_opts *more, struct store **out, struct err *e)
{
    struct storage_env env = {
        .secret = secret, .region = b->region, .with_environment = with_environment};
    struct store_opts o = more != NULL ? *more : (struct store_opts){.env = NULL};
    struct secret ca = {.n = 0};
    struct err none = ERR_INIT;
    char *address;
    enum rc rc;

    if (b->max_connections < 0 || b->max_connections > STORE_CONNECTIONS_MAX)
        return err_set(e, RC_INVALID, "maxConnections %lld is not a number up to %d",
                       (long long)b->max_connections, STORE_CONNECTIONS_MAX);
    if (backend_address(b, &address, e))
        return err_code(e);
    if (secret_value(secret, "CA_CERT_DATA", &ca, &none) && none.code != RC_NOT_FOUND) {
        *e = none;
        mem_free(address);
        return err_code(e);
    }
    o.env = kube_repo_lookup;
    o.env_arg = &env;
    o.guarded = true;
    o.no_ambient = !with_environment;
    o.connections = (unsigned)b->max_connections;
    o.insecure_tls = o.insecure_tls || b->insecure_tls;
    if (ca.n > 0)
        o.ca = secret_str(&ca);
    if (b->insecure_tls)
        log_warn("the Repository says insecureTLS: its server is not verified");
    rc = store_open(address, &o, out, e);
    for (size_t i = 0; i < env.n; i++)
        secret_release(&env.values[i]);
    secret_release(&ca);
    mem_free(address);
    return rc;
}

/* ---- by name ---- */

/* A control plane that runs its pods on this machine. */
static bool
is_plane(struct ctx *cx, struct kube *k)
{
    CLEANUP(buf_release) struct buf version = BUF_INIT(VERSION_MAX);
    struct err none = ERR_INIT;

    return k != NULL &&
           kube_raw(cx, k, &(struct kube_raw){.path = "/version"}, &version, &none) == RC_OK &&
           strstr(buf_c(&version), "+cstash") != NULL;
}

/* A folder of this machine: of a control plane that runs its pods here, or mounted into this pod. */
static enum rc
local_folder(struct ctx *cx, struct kube *k, const struct json *spec_backend,
             const struct backend *b, char **out, struct err *e)
{
    const struct json *local = json_field(spec_backend, "local");
    const char *path = json_text(json_dig(local, "hostPath", "path")),
               *sub = json_text_or(json_field(local, "subPath"), "");
    bool plane = is_plane(cx, k);

    if (strstr(sub, "..") != NULL)
        return err_set(e, RC_INVALID, "spec.backend.local.subPath leads elsewhere");
    if (path != NULL && plane) {
        *out = mem_printf("%s%s%s", path, *sub != '\0' ? "/" : "", sub);
        return RC_OK;
    }
    if (access(b->bucket, F_OK) == 0) {
        *out = mem_strdup(b->bucket);
        return RC_OK;
    }
    return err_set(
        e, plane ? RC_NOT_FOUND : RC_UNSUPPORTED,
        "it lies in a volume (spec.backend.local), which is not mounted here at %s: run this in a "
        "pod that mounts it there",
        b->bucket);
}

enum rc
kube_repo_backend(struct ctx *cx, struct kube *k, const struct json *spec_backend,
                  struct backend *out, struct err *e)
{
    char *folder = NULL;

    if (backend_decode(spec_backend, out, e))
        return err_code(e);
    if (strcmp(out->provider, "local") != 0)
        return RC_OK;
    if (local_folder(cx, k, spec_backend, out, &folder, e)) {
        backend_release(out);
        return err_code(e);
    }
    mem_free(out->bucket);
    out->bucket = folder;
    return RC_OK;
}

static enum rc
kube_repo_open_volume(struct ctx *cx, struct kube *k, const struct json *repo,
                      kube_repo_volume_fn *volume, struct store **out, struct err *e)
{
    struct backend b;
    enum rc rc;

    if (backend_decode(json_dig(repo, "spec", "backend"), &b, e))
        return err_code(e);
    rc = volume(cx, k, repo, &b, out, e);
    backend_release(&b);
    return rc;
}

static enum rc
kube_repo_open_as(struct ctx *cx, struct kube *k, const struct json *repo,
                  const struct json *secret, const struct kube_repo_how *how, struct store **out,
                  struct err *e)
{
    struct backend b;
    struct err why = ERR_INIT;
    enum rc rc = kube_repo_backend(cx, k, json_dig(repo, "spec", "backend"), &b, &why);

    if (rc == RC_UNSUPPORTED && how->volume != NULL &&
        json_dig(repo, "spec", "backend", "local") != NULL)
        return kube_repo_open_volume(cx, k, repo, how->volume, out, e);
    if (rc != RC_OK) {
        *e = why;
        return rc;
    }
    rc = kube_repo_store(&b, secret, how->with_environment, how->more, out, e);
    backend_release(&b);
    return rc;
}

enum rc
kube_repo_open(struct ctx *cx, struct kube *k, const char *ns, const char *name,
               const struct kube_repo_how *how, struct store **out, struct secret *password,
               struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    CLEANUP(json_free_ptr) struct json *secret = NULL;
    const char *of;

    if (kube_get(cx, k, &GVR_REPOSITORY, ns, name, &repo, e))
        return err_wrap(e, "could not read Repository %s/%s", ns, name);
    of = json_text(json_dig(repo, "spec", "backend", "storageSecretName"));
    if (of == NULL)
        return err_set(e, RC_INVALID, "Repository %s/%s names no Secret", ns, name);
    if (kube_get(cx, k, &KUBE_SECRET, ns, of, &secret, e))
        return err_wrap(e, "could not read Secret %s/%s of Repository %s/%s", ns, of, ns, name);
    if (password->n == 0 && secret_value(secret, "RESTIC_PASSWORD", password, e))
        return err_wrap(e, "Secret %s/%s", ns, of);
    if (kube_repo_open_as(cx, k, repo, secret, how, out, e))
        return err_wrap(e, "Repository %s/%s", ns, name);
    return RC_OK;
}
