/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/b64.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "store/azure_internal.h"
#include "store/oauth.h"

#define RESOURCE "https://storage.azure.com/"

enum { METADATA_MS = 3000, KEY_MAX = 1024, FORM_MAX = 256 * 1024, SAS_MAX = 8 * 1024 };

/* The settings, by the names of restic's and Azure's environment variables. */
enum setting {
    KEY,
    SAS,
    TENANT,
    CLIENT,
    CLIENT_SECRET,
    TOKEN_FILE,
    AUTHORITY,
    ENDPOINT_URL,
    ENDPOINT_HEADER,
    METADATA_URL,
    N_SETTINGS
};
static const char *const names[N_SETTINGS] = {
    [KEY] = "AZURE_ACCOUNT_KEY",
    [SAS] = "AZURE_ACCOUNT_SAS",
    [TENANT] = "AZURE_TENANT_ID",
    [CLIENT] = "AZURE_CLIENT_ID",
    [CLIENT_SECRET] = "AZURE_CLIENT_SECRET",
    [TOKEN_FILE] = "AZURE_FEDERATED_TOKEN_FILE",
    [AUTHORITY] = "AZURE_AUTHORITY_HOST",
    [ENDPOINT_URL] = "IDENTITY_ENDPOINT",
    [ENDPOINT_HEADER] = "IDENTITY_HEADER",
    [METADATA_URL] = "AZURE_POD_IDENTITY_AUTHORITY_HOST",
};

struct azure_credentials {
    char *account;
    bool no_ambient;
    struct secret key; /* decoded */
    struct oauth oauth;
};

static enum rc
read_key(struct azure_credentials *w, struct err *e)
{
    struct buf raw = BUF_INIT(KEY_MAX);
    struct err ignored = ERR_INIT;
    enum rc rc = b64_decode(str_c(w->oauth.set[KEY]), &raw, &ignored);

    if (rc == RC_OK)
        secret_set(&w->key, buf_str(&raw));
    if (raw.n > 0)
        mem_wipe(raw.p, raw.n);
    buf_release(&raw);
    if (rc == RC_OK && w->key.n > 0)
        return RC_OK;
    (void)err_set(e, RC_DENIED, "AZURE_ACCOUNT_KEY is not a key: it is not base64");
    return err_hint(e, "a shared access signature goes into AZURE_ACCOUNT_SAS");
}

enum rc
azure_credentials_new(const struct store_opts *o, struct http *http, const char *account,
                      struct azure_credentials **out, struct err *e)
{
    struct azure_credentials *w = MEM_NEW(struct azure_credentials);

    w->account = mem_strdup(account);
    w->no_ambient = o->no_ambient;
    oauth_init(&w->oauth, o, names, N_SETTINGS, http);
    if (w->oauth.set[KEY] != NULL && read_key(w, e)) {
        azure_credentials_free(w);
        return err_code(e);
    }
    *out = w;
    return RC_OK;
}

void
azure_credentials_free(struct azure_credentials *w)
{
    if (w == NULL)
        return;
    secret_release(&w->key);
    oauth_release(&w->oauth);
    mem_free(w->account);
    mem_free(w);
}

void
azure_string_to_sign(const char *account, const struct azure_request *rq, struct buf *out)
{
    const char *length = strcmp(rq->length, "0") == 0 ? "" : rq->length;

    buf_putf(out, "%s\n\n\n%s\n%s\n%s\n", rq->method, length, rq->md5, rq->type);
    buf_putf(out, "\n\n\n\n\n%s\n", rq->range); /* of the dates only x-ms-date is given */
    buf_putf(out, "%s/%s%s%s", rq->headers, account, rq->path, rq->query);
}

static enum rc
sign_with_key(const struct azure_credentials *w, const struct azure_request *rq,
              struct remote_request *to, struct err *e)
{
    struct buf text = BUF_INIT(64 * 1024), signature = BUF_INIT(64);
    uint8_t mac[HMAC_SHA256];
    enum rc rc;

    azure_string_to_sign(w->account, rq, &text);
    to->over = to->over || text.over;
    hmac_sha256(secret_str(&w->key), buf_str(&text), mac);
    rc = b64_encode(str_of(mac, sizeof(mac)), &signature, e);
    if (rc == RC_OK)
        remote_header(to, "Authorization: SharedKey %s:%s", w->account, buf_c(&signature));
    buf_release(&text);
    buf_release(&signature);
    return rc;
}

static enum rc
add_sas(const struct azure_credentials *w, struct remote_request *to, struct err *e)
{
    const char *sas = w->oauth.set[SAS] + (w->oauth.set[SAS][0] == '?');

    if (strlen(sas) > SAS_MAX || strpbrk(sas, " \r\n") != NULL) {
        (void)err_set(e, RC_DENIED, "AZURE_ACCOUNT_SAS is not a shared access signature");
        return err_hint(e, "such as sv=...&sig=..., without spaces and line breaks");
    }
    buf_putf(&to->url, "%s%s", strchr(buf_c(&to->url), '?') == NULL ? "?" : "&", sas);
    return RC_OK;
}

/* An application, by its secret or by a token of Kubernetes that Entra trusts. */
static enum rc
from_authority(struct ctx *cx, struct azure_credentials *w, struct oauth_token *out, struct err *e)
{
    const char *host = w->oauth.set[AUTHORITY] != NULL ? w->oauth.set[AUTHORITY]
                                                       : "https://login.microsoftonline.com/";
    struct buf form = BUF_INIT(FORM_MAX), url = BUF_INIT(16 * 1024);
    struct secret token = {.n = 0};
    enum rc rc = RC_OK;

    buf_putf(&url, "%.1000s%s", host, host[strlen(host) - 1] == '/' ? "" : "/");
    http_escape(&url, w->oauth.set[TENANT]);
    buf_putf(&url, "/oauth2/v2.0/token");
    oauth_field(&form, "grant_type", "client_credentials");
    oauth_field(&form, "client_id", w->oauth.set[CLIENT]);
    oauth_field(&form, "scope", RESOURCE ".default");
    if (w->oauth.set[CLIENT_SECRET] != NULL) {
        oauth_field(&form, "client_secret", w->oauth.set[CLIENT_SECRET]);
    } else if (secret_from_file(w->oauth.set[TOKEN_FILE], &token, e)) {
        (void)err_wrap(e, "could not read the token of the workload's identity");
        rc = e->code = RC_DENIED; /* of an object RC_NOT_FOUND would speak */
    } else {
        char *text = mem_strndup((const char *)token.p, token.n);
        oauth_field(&form, "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        oauth_field(&form, "client_assertion", text);
        mem_wipe(text, token.n);
        mem_free(text);
    }
    if (rc == RC_OK)
        rc = buf_whole(&url, "the address of Entra", e);
    if (rc == RC_OK)
        rc = oauth_post(cx, w->oauth.http, buf_c(&url), &form, "Entra", out, e);
    if (rc == RC_DENIED && e->hint[0] == '\0')
        (void)err_hint(e, "are AZURE_TENANT_ID, AZURE_CLIENT_ID and %s right?",
                       names[w->oauth.set[CLIENT_SECRET] != NULL ? CLIENT_SECRET : TOKEN_FILE]);
    secret_release(&token);
    buf_release(&form);
    buf_release(&url);
    return rc;
}

static enum rc
no_credentials(const char *why, struct err *e)
{
    (void)err_set(e, RC_DENIED, "there are no credentials for Azure%s%s",
                  why[0] != '\0' ? ": " : "", why);
    return err_hint(e, "set AZURE_ACCOUNT_KEY, or AZURE_ACCOUNT_SAS");
}

/* The identity of the machine, or of what runs the container. */
static enum rc
from_platform(struct ctx *cx, struct azure_credentials *w, struct oauth_token *out, struct err *e)
{
    bool container = w->oauth.set[ENDPOINT_URL] != NULL && w->oauth.set[ENDPOINT_HEADER] != NULL;
    const char *base = container                            ? w->oauth.set[ENDPOINT_URL]
                       : w->oauth.set[METADATA_URL] != NULL ? w->oauth.set[METADATA_URL]
                                                            : "http://169.254.169.254";
    CLEANUP(mem_free_ptr)
    char *line = container ? mem_printf("X-IDENTITY-HEADER: %s", w->oauth.set[ENDPOINT_HEADER])
                           : mem_strdup("Metadata: true");
    const char *headers[] = {line, NULL};
    struct buf url = BUF_INIT(64 * 1024);
    struct http_request rq = {.headers = headers, .timeout_ms = METADATA_MS, .no_proxy = true};
    struct err why = ERR_INIT;
    enum rc rc;

    buf_putf(&url, "%.1000s%s", base,
             container ? "?api-version=2019-08-01"
                       : "/metadata/identity/oauth2/token?api-version=2018-02-01");
    oauth_field(&url, "resource", RESOURCE);
    if (w->oauth.set[CLIENT] != NULL)
        oauth_field(&url, "client_id", w->oauth.set[CLIENT]);
    rq.url = buf_c(&url);
    rc = buf_whole(&url, "the address of the metadata server", &why);
    if (rc == RC_OK)
        rc = oauth_call(cx, w->oauth.http, &rq, "the metadata server", out, &why);
    buf_release(&url);
    if (rc == RC_OK)
        return rc;
    if (rc == RC_CANCELLED) {
        *e = why;
        return rc;
    }
    rc = no_credentials(why.msg, e);
    e->retry = why.retry;
    return rc;
}

static enum rc
azure_credentials_find(struct ctx *cx, void *arg, struct oauth_token *out, struct err *e)
{
    struct azure_credentials *w = (struct azure_credentials *)arg;

    if (w->no_ambient)
        return no_credentials("", e);
    if (w->oauth.set[TENANT] != NULL && w->oauth.set[CLIENT] != NULL &&
        (w->oauth.set[CLIENT_SECRET] != NULL || w->oauth.set[TOKEN_FILE] != NULL))
        return from_authority(cx, w, out, e);
    return from_platform(cx, w, out, e);
}

enum rc
azure_credentials_sign(struct ctx *cx, struct azure_credentials *w, const struct azure_request *rq,
                       struct remote_request *to, struct err *e)
{
    if (w->oauth.set[KEY] != NULL)
        return sign_with_key(w, rq, to, e);
    if (w->oauth.set[SAS] != NULL)
        return add_sas(w, to, e);
    return oauth_header(cx, &w->oauth, azure_credentials_find, w, to, e);
}

void
azure_credentials_refused(struct azure_credentials *w, struct err *e)
{
    oauth_forget(&w->oauth);
    if (w->oauth.set[KEY] != NULL)
        (void)err_hint(e, "is AZURE_ACCOUNT_KEY that of the account AZURE_ACCOUNT_NAME?");
    else if (w->oauth.set[SAS] != NULL)
        (void)err_hint(e, "is AZURE_ACCOUNT_SAS whole, for this account, and not too old?");
}
