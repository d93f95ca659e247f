/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "job/step_internal.h"

enum { VALUES_MAX = 64 };

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
step_repo_store_lookup(void *arg, const char *name)
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
step_repo_store(const struct backend *b, const struct json *secret, bool with_environment,
                struct store **out, struct err *e)
{
    struct storage_env env = {
        .secret = secret, .region = b->region, .with_environment = with_environment};
    struct store_opts o = {.env = step_repo_store_lookup,
                           .env_arg = &env,
                           .insecure_tls = b->insecure_tls,
                           .guarded = true,
                           .no_ambient = !with_environment};
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
    o.connections = (unsigned)b->max_connections;
    o.ca = secret_str(&ca);
    if (o.insecure_tls)
        log_warn("the Repository says insecureTLS: its server is not verified");
    rc = store_open(address, &o, out, e);
    for (size_t i = 0; i < env.n; i++)
        secret_release(&env.values[i]);
    secret_release(&ca);
    mem_free(address);
    return rc;
}
