/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/jwt.h"
#include "json/node.h"
#include "store/gcs_internal.h"
#include "store/oauth.h"

#define SCOPE "https://www.googleapis.com/auth/devstorage.read_write"
#define TOKEN_URL "https://oauth2.googleapis.com/token"

enum {
    LIFE_S = 3600,      /* of a token: the longest that Google gives */
    SKEW_S = 10,        /* clocks differ */
    METADATA_MS = 3000, /* that of GKE takes its time when a Pod is new */
    FORM_MAX = 256 * 1024
};

/* The settings, by the names of Google's and restic's environment variables. */
enum setting { ACCESS_TOKEN, KEY, KEY_FILE, METADATA_HOST, HOME_FOLDER, N_SETTINGS };
static const char *const names[N_SETTINGS] = {
    [ACCESS_TOKEN] = "GOOGLE_ACCESS_TOKEN",
    [KEY] = "GOOGLE_SERVICE_ACCOUNT_JSON_KEY",
    [KEY_FILE] = "GOOGLE_APPLICATION_CREDENTIALS",
    [METADATA_HOST] = "GCE_METADATA_HOST",
    [HOME_FOLDER] = "HOME",
};

struct gcs_credentials {
    bool emulator, guarded, no_ambient;
    struct oauth oauth;
};

struct gcs_credentials *
gcs_credentials_new(const struct store_opts *o, struct http *http, bool emulator)
{
    struct gcs_credentials *w = MEM_NEW(struct gcs_credentials);

    w->emulator = emulator;
    w->guarded = o->guarded;
    w->no_ambient = o->no_ambient;
    oauth_init(&w->oauth, o, names, N_SETTINGS, http);
    return w;
}

void
gcs_credentials_free(struct gcs_credentials *w)
{
    if (w == NULL)
        return;
    oauth_release(&w->oauth);
    mem_free(w);
}

/* A field of the key that must be there. */
static const char *
gcs_credentials_need(const struct json *key, const char *name, struct err *e)
{
    const char *v = json_text(json_field(key, name));

    if (v == NULL || v[0] == '\0')
        (void)err_set(e, RC_DENIED, "the key of Google has no %s", name);
    return v == NULL || v[0] == '\0' ? NULL : v;
}

/* What the account says of itself, signed. */
static enum rc
add_statement(const struct json *key, const char *url, struct buf *out, struct err *e)
{
    const char *email = gcs_credentials_need(key, "client_email", e);
    const char *pem = email == NULL ? NULL : gcs_credentials_need(key, "private_key", e);
    int64_t now = clock_real_ms() / 1000;
    struct json *head, *claims;
    char *head_text, *claims_text;
    enum rc rc;

    if (pem == NULL)
        return err_code(e);
    head = json_new_object();
    json_set_cstr(head, "alg", "RS256");
    json_set_cstr(head, "typ", "JWT");
    json_set_cstr(head, "kid", json_text(json_field(key, "private_key_id")));
    claims = json_new_object();
    json_set_cstr(claims, "iss", email);
    json_set_cstr(claims, "scope", SCOPE);
    json_set_cstr(claims, "aud", url);
    json_set_int(claims, "iat", now - SKEW_S);
    json_set_int(claims, "exp", now - SKEW_S + LIFE_S);
    head_text = json_to_text(head, false);
    claims_text = json_to_text(claims, false);
    rc = jwt_sign(str_c(pem), str_c(head_text), str_c(claims_text), out, e);
    json_free(head);
    json_free(claims);
    mem_free(head_text);
    mem_free(claims_text);
    return rc;
}

static enum rc
from_account(struct ctx *cx, struct gcs_credentials *w, const struct json *key,
             struct oauth_token *out, struct err *e)
{
    const char *url = json_text_or(json_field(key, "token_uri"), TOKEN_URL);
    struct buf form = BUF_INIT(FORM_MAX), statement = BUF_INIT(FORM_MAX / 4);
    enum rc rc = add_statement(key, url, &statement, e);

    if (rc == RC_OK) {
        oauth_field(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        oauth_field(&form, "assertion", buf_c(&statement));
        rc = oauth_post(cx, w->oauth.http, url, &form, "Google", out, e);
    }
    if (rc == RC_DENIED && strstr(e->msg, "iat and exp") != NULL)
        (void)err_hint(e, "set the clock: it must not be more than some minutes off");
    else if (rc == RC_DENIED)
        (void)err_hint(e, "is the service account's key still there, and enabled?");
    buf_release(&statement);
    buf_release(&form);
    return rc;
}

/* Somebody who logged in with gcloud. */
static enum rc
from_user(struct ctx *cx, struct gcs_credentials *w, const struct json *key,
          struct oauth_token *out, struct err *e)
{
    static const char *const fields[] = {"client_id", "client_secret", "refresh_token"};
    const char *url = json_text_or(json_field(key, "token_uri"), TOKEN_URL);
    struct buf form = BUF_INIT(FORM_MAX);
    enum rc rc = RC_OK;

    oauth_field(&form, "grant_type", "refresh_token");
    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(fields); i++) {
        const char *v = gcs_credentials_need(key, fields[i], e);
        if (v == NULL)
            rc = e->code;
        else
            oauth_field(&form, fields[i], v);
    }
    if (rc == RC_OK)
        rc = oauth_post(cx, w->oauth.http, url, &form, "Google", out, e);
    buf_release(&form);
    return rc;
}

/* The token of another identity: a file, as it is or in a field of JSON. */
static enum rc
read_subject(const struct json *key, struct secret *out, struct err *e)
{
    const struct json *source = json_field(key, "credential_source");
    const char *path = json_text(json_field(source, "file"));
    const char *field = json_text(json_dig(source, "format", "subject_token_field_name"));
    CLEANUP(json_free_ptr) struct json *j = NULL;

    if (path == NULL)
        return err_set(e, RC_UNSUPPORTED, "an external account whose token is not a file");
    if (secret_from_file(path, out, e))
        return err_wrap(e, "could not read the token of the external account");
    if (strcmp(json_text_or(json_dig(source, "format", "type"), "text"), "json") != 0)
        return RC_OK;
    if (json_parse(secret_str(out), &j, e))
        return err_wrap(e, "the token of the external account");
    if (field == NULL || json_text(json_field(j, field)) == NULL)
        return err_set(e, RC_DENIED, "the file with the token of the external account has none");
    secret_release(out);
    secret_set(out, json_text_str(json_field(j, field)));
    return RC_OK;
}

/* Exchange it for a token of a federated identity (AIP-4117). */
static enum rc
from_external(struct ctx *cx, struct gcs_credentials *w, const struct json *key,
              struct oauth_token *out, struct err *e)
{
    static const char *const fields[] = {"audience", "subject_token_type"};
    static const char *const scope[] = {"Content-Type: application/json", NULL};
    const char *url = gcs_credentials_need(key, "token_url", e);
    const char *account = json_text(json_field(key, "service_account_impersonation_url"));
    struct buf form = BUF_INIT(FORM_MAX);
    struct oauth_token first = {.text = NULL};
    struct secret subject = {.n = 0};
    enum rc rc = url == NULL ? err_code(e) : read_subject(key, &subject, e);

    oauth_field(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    oauth_field(&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
    oauth_field(&form, "scope",
                account == NULL ? SCOPE : "https://www.googleapis.com/auth/cloud-platform");
    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(fields); i++) {
        const char *v = gcs_credentials_need(key, fields[i], e);
        if (v == NULL)
            rc = e->code;
        else
            oauth_field(&form, fields[i], v);
    }
    if (rc == RC_OK) {
        char *text = mem_strndup((const char *)subject.p, subject.n);
        oauth_field(&form, "subject_token", text);
        mem_wipe(text, subject.n);
        mem_free(text);
        rc = oauth_post(cx, w->oauth.http, url, &form, "Google", account == NULL ? out : &first, e);
    }
    if (rc == RC_OK && account != NULL) { /* which may speak for a service account */
        struct http_request rq = {.method = "POST",
                                  .url = account,
                                  .headers = scope,
                                  .bearer = first.text,
                                  .body = STR_LIT("{\"scope\":[\"" SCOPE "\"]}")};
        rc = oauth_call(cx, w->oauth.http, &rq, "Google, for the service account,", out, e);
    }
    oauth_token_release(&first);
    secret_release(&subject);
    buf_release(&form);
    return rc;
}

/* `given`: the key itself was, not the name of a file. */
static enum rc
from_key(struct ctx *cx, struct gcs_credentials *w, struct str text, const char *where, bool given,
         struct oauth_token *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *key = NULL;
    const char *type;
    enum rc rc;

    if (text.n > SECRET_MAX || json_parse(text, &key, e)) { /* whose message might quote it */
        (void)err_set(e, RC_DENIED, "%s is not a key of Google: no JSON", where);
        return err_hint(e, "it is the whole content of the file that Google gave out");
    }
    type = json_text_or(json_field(key, "type"), "");
    if (strcmp(type, "service_account") == 0)
        rc = from_account(cx, w, key, out, e);
    else if (given && w->guarded) /* the others name files and more addresses */
        rc = err_set(
            e, RC_DENIED,
            "the key is of the type \"%.40s\": only \"service_account\" may be in a Secret", type);
    else if (strcmp(type, "authorized_user") == 0)
        rc = from_user(cx, w, key, out, e);
    else if (strcmp(type, "external_account") == 0)
        rc = from_external(cx, w, key, out, e);
    else
        rc = err_set(e, RC_UNSUPPORTED, "a key of the type \"%.40s\" is not known here", type);
    return rc == RC_OK ? rc : err_wrap(e, "with the key in %s", where);
}

static enum rc
from_file(struct ctx *cx, struct gcs_credentials *w, const char *path, struct oauth_token *out,
          struct err *e)
{
    struct secret text = {.n = 0};
    enum rc rc = secret_from_file(path, &text, e);

    if (rc == RC_OK)
        rc = from_key(cx, w, secret_str(&text), path, false, out, e);
    else
        (void)err_wrap(e, "could not read the key of Google");
    secret_release(&text);
    return rc == RC_NOT_FOUND ? e->code = RC_DENIED : rc; /* of a key, not of an object */
}

static enum rc
no_credentials(const char *why, struct err *e)
{
    (void)err_set(e, RC_DENIED, "there are no credentials for Google%s%s",
                  why[0] != '\0' ? ": " : "", why);
    return err_hint(e, "set GOOGLE_SERVICE_ACCOUNT_JSON_KEY to a key, or "
                       "GOOGLE_APPLICATION_CREDENTIALS to its file");
}

static enum rc
from_metadata(struct ctx *cx, struct gcs_credentials *w, struct oauth_token *out, struct err *e)
{
    static const char *const headers[] = {"Metadata-Flavor: Google", NULL};
    const char *host = w->oauth.set[METADATA_HOST];
    CLEANUP(mem_free_ptr)
    char *url = mem_printf("http://%s/computeMetadata/v1/instance/service-accounts/default/token",
                           host != NULL ? host : "metadata.google.internal");
    struct http_request rq = {
        .url = url, .headers = headers, .timeout_ms = METADATA_MS, .no_proxy = true};
    struct err why = ERR_INIT;
    enum rc rc = oauth_call(cx, w->oauth.http, &rq, "the metadata server", out, &why);

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

/* The first that is set up counts, even if it fails. */
static enum rc
gcs_credentials_find(struct ctx *cx, void *arg, struct oauth_token *out, struct err *e)
{
    struct gcs_credentials *w = (struct gcs_credentials *)arg;
    CLEANUP(mem_free_ptr) char *gcloud = NULL;

    if (w->oauth.set[ACCESS_TOKEN] != NULL) {
        *out = (struct oauth_token){.text = mem_strdup(w->oauth.set[ACCESS_TOKEN])};
        return RC_OK;
    }
    if (w->oauth.set[KEY] != NULL)
        return from_key(cx, w, str_c(w->oauth.set[KEY]), names[KEY], true, out, e);
    if (w->no_ambient)
        return no_credentials("", e);
    if (w->oauth.set[KEY_FILE] != NULL)
        return from_file(cx, w, w->oauth.set[KEY_FILE], out, e);
    if (w->oauth.set[HOME_FOLDER] != NULL)
        gcloud = mem_printf("%s/.config/gcloud/application_default_credentials.json",
                            w->oauth.set[HOME_FOLDER]);
    if (gcloud != NULL && access(gcloud, R_OK) == 0)
        return from_file(cx, w, gcloud, out, e);
    return from_metadata(cx, w, out, e);
}

static bool
is_anonymous(const struct gcs_credentials *w)
{
    return w->emulator && w->oauth.set[ACCESS_TOKEN] == NULL && w->oauth.set[KEY] == NULL &&
           w->oauth.set[KEY_FILE] == NULL && w->oauth.set[METADATA_HOST] == NULL;
}

enum rc
gcs_credentials_header(struct ctx *cx, struct gcs_credentials *w, struct remote_request *to,
                       struct err *e)
{
    return is_anonymous(w) ? RC_OK : oauth_header(cx, &w->oauth, gcs_credentials_find, w, to, e);
}

void
gcs_credentials_refused(struct gcs_credentials *w, struct err *e)
{
    if (w->oauth.set[ACCESS_TOKEN] != NULL)
        (void)err_hint(e, "GOOGLE_ACCESS_TOKEN is wrong, or too old: they last an hour");
    oauth_forget(&w->oauth);
}
