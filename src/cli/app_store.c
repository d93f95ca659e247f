/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include "base/log.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "cli/volume_job.h"
#include "job/kube_repo.h"
#include "kube/kube.h"

static enum rc
check_options(const struct repo_access *a, struct err *e)
{
    for (size_t i = 0; i < a->store_options.n; i++) {
        const char *o = a->store_options.v[i];
        if (strchr(o, '=') == NULL || strchr(o, '.') == NULL)
            return err_set(e, RC_USAGE, "--option: \"%.100s\" is not of the form store.name=value",
                           o);
    }
    return RC_OK;
}

/* How a store is reached, as the options say. `pem` and `options` must live as long as `out` is used. */
static enum rc
app_store_opts(const struct repo_access *a, struct secret *pem,
               const char *options[static OPT_LIST_MAX + 1], struct store_opts *out, struct err *e)
{
    const char *cert = a->client_cert != NULL ? a->client_cert : getenv("RESTIC_TLS_CLIENT_CERT");

    if (check_options(a, e))
        return err_code(e);
    if (cert != NULL && secret_from_file(cert, pem, e))
        return err_wrap(e, "could not read the client's certificate");
    memcpy(options, a->store_options.v, a->store_options.n * sizeof(*options));
    *out =
        (struct store_opts){.options = options,
                            .ca_file = a->ca_file != NULL ? a->ca_file : getenv("RESTIC_CACERT"),
                            .client_cert = secret_str(pem),
                            .insecure_tls = a->insecure_tls,
                            .retry_ms = a->retry_limit_ms > 0 ? a->retry_limit_ms : STORE_NO_RETRY,
                            .send_rate = (uint64_t)MAX(a->limit_upload, 0),
                            .receive_rate = (uint64_t)MAX(a->limit_download, 0)};
    if (a->insecure_tls)
        log_warn("--insecure-tls: the repository's server is not verified");
    return RC_OK;
}

/* "NAMESPACE/NAME", or "NAME" in the namespace of the context. */
static enum rc
app_open_kube(struct ctx *cx, const struct repo_access *a, const char *name,
              const struct store_opts *o, struct app_repo *out, struct err *e)
{
    const struct cluster_access where = cluster_of_repo(a);
    const char *slash = strchr(name, '/');
    CLEANUP(mem_free_ptr) char *ns = NULL;

    if (*name == '\0' || slash == name ||
        (slash != NULL && (slash[1] == '\0' || strchr(slash + 1, '/') != NULL)))
        return err_set(e, RC_USAGE,
                       "\"" APP_KUBE "%.200s\" is not of the form " APP_KUBE "NAMESPACE/REPOSITORY",
                       name);
    if (cluster_connect(&where, &out->cluster, &ns, e))
        return err_wrap(e, "could not reach the cluster of Repository %.200s", name);
    if (slash != NULL) {
        mem_free(ns);
        ns = mem_strndup(name, (size_t)(slash - name));
    }
    return kube_repo_open(cx, out->cluster, ns, slash != NULL ? slash + 1 : name,
                          &(struct kube_repo_how){.more = o, .volume = volume_job_open},
                          &out->store, &out->password, e);
}

enum rc
app_store_open(struct ctx *cx, const struct repo_access *a, const char *url, struct app_repo *out,
               struct err *e)
{
    const char *options[OPT_LIST_MAX + 1] = {NULL};
    struct secret pem = {.n = 0};
    struct store_opts o;
    enum rc rc = app_store_opts(a, &pem, options, &o, e);

    if (rc == RC_OK)
        rc = strncmp(url, APP_KUBE, strlen(APP_KUBE)) == 0
                 ? app_open_kube(cx, a, url + strlen(APP_KUBE), &o, out, e)
                 : store_open(url, &o, &out->store, e);
    secret_release(&pem);
    return rc;
}
