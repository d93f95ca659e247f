/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/app.h"

#include "base/log.h"

/* KiB a second as bytes; NULL: 0. */
static enum rc
parse_rate(const char *text, const char *what, uint64_t *out, struct err *e)
{
    uint64_t kib;

    if (text == NULL)
        return RC_OK;
    if (!str_to_u64(str_c(text), &kib) || kib > UINT32_MAX)
        return err_set(e, RC_USAGE, "--%s %s is not a number of KiB", what, text);
    *out = kib * 1024;
    return RC_OK;
}

static enum rc
check_options(const struct args *a, struct err *e)
{
    for (size_t i = 0; i < a->store_options.n; i++) {
        const char *o = a->store_options.v[i];
        if (strchr(o, '=') == NULL || strchr(o, '.') == NULL)
            return err_set(e, RC_USAGE, "--option %.100s is not of the form store.name=value", o);
    }
    return RC_OK;
}

enum rc
app_store_open(const struct args *a, const char *url, struct store **out, struct err *e)
{
    const char *options[ARGS_LIST_MAX + 1] = {NULL};
    const char *cert =
        a->tls_client_cert != NULL ? a->tls_client_cert : getenv("RESTIC_TLS_CLIENT_CERT");
    struct store_opts o = {.options = options,
                           .ca_file =
                               a->repo_cacert != NULL ? a->repo_cacert : getenv("RESTIC_CACERT"),
                           .insecure_tls = a->insecure_tls};
    struct secret pem = {.n = 0};
    enum rc rc;

    if (check_options(a, e) || parse_rate(a->limit_upload, "limit-upload", &o.send_rate, e) ||
        parse_rate(a->limit_download, "limit-download", &o.receive_rate, e))
        return e->code;
    if (a->retry_limit != NULL && app_parse_ms(a->retry_limit, "retry-limit", &o.retry_ms, e))
        return e->code;
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
