/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include "base/log.h"

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

enum rc
app_store_open(const struct repo_access *a, const char *url, struct store **out, struct err *e)
{
    const char *options[OPT_LIST_MAX + 1] = {NULL};
    const char *cert = a->client_cert != NULL ? a->client_cert : getenv("RESTIC_TLS_CLIENT_CERT");
    struct store_opts o = {.options = options,
                           .ca_file = a->ca_file != NULL ? a->ca_file : getenv("RESTIC_CACERT"),
                           .insecure_tls = a->insecure_tls,
                           .retry_ms = a->retry_limit_ms > 0 ? a->retry_limit_ms : STORE_NO_RETRY,
                           .send_rate = (uint64_t)MAX(a->limit_upload, 0),
                           .receive_rate = (uint64_t)MAX(a->limit_download, 0)};
    struct secret pem = {.n = 0};
    enum rc rc;

    if (check_options(a, e))
        return err_code(e);
    if (cert != NULL && secret_from_file(cert, &pem, e))
        return err_wrap(e, "could not read the client's certificate");
    memcpy(options, a->store_options.v, a->store_options.n * sizeof(*options));
    o.client_cert = secret_str(&pem);
    if (o.insecure_tls)
        log_warn("--insecure-tls: the repository's server is not verified");
    rc = store_open(url, &o, out, e);
    secret_release(&pem);
    return rc;
}
