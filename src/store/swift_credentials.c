/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "json/node.h"
#include "store/swift_internal.h"

enum { ASK_MS = 30000, ANSWER_MAX = 4 << 20 /* catalogs are long */, URL_LIMIT = 4096 };

#define DEFAULT_DOMAIN "default" /* its id in every Keystone */

/* The settings, by the names of OpenStack's and restic's environment variables. */
enum setting {
    ST_AUTH,
    ST_USER,
    ST_KEY,
    AUTH_URL,
    USER_NAME,
    USER_ID,
    USER_DOMAIN,
    USER_DOMAIN_ID,
    PASSWORD,
    PROJECT,
    PROJECT_ID,
    PROJECT_DOMAIN,
    PROJECT_DOMAIN_ID,
    TENANT,
    TENANT_ID,
    TRUST_ID,
    APP_ID,
    APP_NAME,
    APP_SECRET,
    REGION,
    STORAGE_URL,
    TOKEN,
    N_SETTINGS
};
static const char *const names[N_SETTINGS] = {
    [ST_AUTH] = "ST_AUTH",
    [ST_USER] = "ST_USER",
    [ST_KEY] = "ST_KEY",
    [AUTH_URL] = "OS_AUTH_URL",
    [USER_NAME] = "OS_USERNAME",
    [USER_ID] = "OS_USER_ID",
    [USER_DOMAIN] = "OS_USER_DOMAIN_NAME",
    [USER_DOMAIN_ID] = "OS_USER_DOMAIN_ID",
    [PASSWORD] = "OS_PASSWORD",
    [PROJECT] = "OS_PROJECT_NAME",
    [PROJECT_ID] = "OS_PROJECT_ID",
    [PROJECT_DOMAIN] = "OS_PROJECT_DOMAIN_NAME",
    [PROJECT_DOMAIN_ID] = "OS_PROJECT_DOMAIN_ID",
    [TENANT] = "OS_TENANT_NAME",
    [TENANT_ID] = "OS_TENANT_ID",
    [TRUST_ID] = "OS_TRUST_ID",
    [APP_ID] = "OS_APPLICATION_CREDENTIAL_ID",
    [APP_NAME] = "OS_APPLICATION_CREDENTIAL_NAME",
    [APP_SECRET] = "OS_APPLICATION_CREDENTIAL_SECRET",
    [REGION] = "OS_REGION_NAME",
    [STORAGE_URL] = "OS_STORAGE_URL",
    [TOKEN] = "OS_AUTH_TOKEN",
};

struct swift_credentials {
    struct oauth oauth;
};

struct swift_credentials *
swift_credentials_new(const struct store_opts *o, struct http *http)
{
    struct swift_credentials *w = MEM_NEW(struct swift_credentials);

    oauth_init(&w->oauth, o, names, N_SETTINGS, http);
    return w;
}

void
swift_credentials_free(struct swift_credentials *w)
{
    if (w == NULL)
        return;
    oauth_release(&w->oauth);
    mem_free(w);
}

/* The first of two that is set; NULL: neither. */
static const char *
swift_credentials_either(const struct swift_credentials *w, enum setting a, enum setting b)
{
    return w->oauth.set[a] != NULL ? w->oauth.set[a] : w->oauth.set[b];
}

/* Two fields that name the same thing: the id if it is known. */
static void
set_name(struct json *j, const char *id, const char *name)
{
    json_set_cstr(j, id != NULL ? "id" : "name", id != NULL ? id : name);
}

static void
set_user(const struct swift_credentials *w, struct json *user)
{
    const char *id = w->oauth.set[USER_DOMAIN_ID], *name = w->oauth.set[USER_DOMAIN];

    set_name(user, w->oauth.set[USER_ID], swift_credentials_either(w, USER_NAME, ST_USER));
    if (w->oauth.set[USER_ID] == NULL)
        set_name(json_need_object(user, "domain"), id == NULL && name == NULL ? DEFAULT_DOMAIN : id,
                 name);
}

static void
set_scope(const struct swift_credentials *w, struct json *auth)
{
    const char *id = swift_credentials_either(w, PROJECT_ID, TENANT_ID),
               *name = swift_credentials_either(w, PROJECT, TENANT);
    const char *domain_id = w->oauth.set[PROJECT_DOMAIN_ID], *domain = w->oauth.set[PROJECT_DOMAIN];
    struct json *project;

    if (w->oauth.set[TRUST_ID] != NULL) {
        struct json *scope = json_need_object(auth, "scope");
        json_set_cstr(json_need_object(scope, "OS-TRUST:trust"), "id", w->oauth.set[TRUST_ID]);
        return;
    }
    if (id == NULL && name == NULL)
        return; /* the user's own project, if there is one */
    project = json_need_object(json_need_object(auth, "scope"), "project");
    set_name(project, id, name);
    if (id != NULL)
        return;
    if (domain_id == NULL && domain == NULL) { /* that of the user */
        domain_id = w->oauth.set[USER_DOMAIN_ID];
        domain = w->oauth.set[USER_DOMAIN];
    }
    if (domain_id == NULL && domain == NULL)
        domain_id = DEFAULT_DOMAIN;
    set_name(json_need_object(project, "domain"), domain_id, domain);
}

static struct json *
body_v3(const struct swift_credentials *w)
{
    struct json *j = json_new_object(), *auth = json_need_object(j, "auth");
    struct json *identity = json_need_object(auth, "identity"), *how;
    const char *method = w->oauth.set[APP_SECRET] != NULL ? "application_credential" : "password";

    json_push_cstr(json_need_array(identity, "methods"), method);
    how = json_need_object(identity, method);
    if (w->oauth.set[APP_SECRET] != NULL) { /* it was made for one project */
        set_name(how, w->oauth.set[APP_ID], w->oauth.set[APP_NAME]);
        json_set_cstr(how, "secret", w->oauth.set[APP_SECRET]);
        if (w->oauth.set[APP_ID] == NULL)
            set_user(w, json_need_object(how, "user"));
    } else {
        set_user(w, json_need_object(how, "user"));
        json_set_cstr(json_need_object(how, "user"), "password",
                      swift_credentials_either(w, PASSWORD, ST_KEY));
        set_scope(w, auth);
    }
    return j;
}

static struct json *
body_v2(const struct swift_credentials *w)
{
    struct json *j = json_new_object(), *auth = json_need_object(j, "auth");
    struct json *password = json_need_object(auth, "passwordCredentials");
    const char *id = swift_credentials_either(w, TENANT_ID, PROJECT_ID);

    json_set_cstr(password, "username", swift_credentials_either(w, USER_NAME, ST_USER));
    json_set_cstr(password, "password", swift_credentials_either(w, PASSWORD, ST_KEY));
    json_set_cstr(auth, "tenantId", id);
    if (id == NULL)
        json_set_cstr(auth, "tenantName", swift_credentials_either(w, TENANT, PROJECT));
    return j;
}

static bool
is_region(const struct swift_credentials *w, const struct json *end_point)
{
    const char *want = w->oauth.set[REGION];
    const char *is = json_text_or(json_field(end_point, "region"),
                                  json_text(json_field(end_point, "region_id")));

    return want == NULL || (is != NULL && strcmp(is, want) == 0);
}

/* Where the catalog says that objects are: version 3 has end points of a kind each ("interface"),
 * version 2 all kinds in one. */
static const char *
find_url(const struct swift_credentials *w, const struct json *catalog)
{
    for (size_t i = 0; i < json_size(catalog); i++) {
        const struct json *service = json_elem(catalog, i);
        const struct json *ends = json_field(service, "endpoints");
        if (strcmp(json_text_or(json_field(service, "type"), ""), "object-store") != 0)
            continue;
        for (size_t k = 0; k < json_size(ends); k++) {
            const struct json *at = json_elem(ends, k);
            const char *url = json_text(json_field(at, "publicURL"));
            if (url == NULL && strcmp(json_text_or(json_field(at, "interface"), ""), "public") == 0)
                url = json_text(json_field(at, "url"));
            if (url != NULL && is_region(w, at))
                return url;
        }
    }
    return NULL;
}

/* It is the begin of every URL: without a slash at its end. */
static enum rc
set_url(const char *url, struct oauth_token *out, struct err *e)
{
    size_t n = strlen(url);

    while (n > 0 && url[n - 1] == '/')
        n--;
    if (n > URL_LIMIT || strncmp(url, "http", 4) != 0)
        return err_set(e, RC_DENIED, "the address of the account's objects is not a URL");
    out->with = json_new_str(str_of(url, n));
    return RC_OK;
}

/* Time left until then in seconds; 0: not known. */
static int64_t
seconds_until(const struct json *when)
{
    struct err ignored = ERR_INIT;
    struct instant t;

    return instant_parse(json_text_str(when), &t, &ignored) == RC_OK
               ? MAX(t.sec - clock_real_ms() / 1000, 1)
               : 0;
}

/* {"error": {"message": "words", "title": "Unauthorized"}} of Keystone; Swift's is not JSON. */
static enum rc
refused(const struct swift_credentials *w, const struct http_response *r, const struct json *j,
        struct err *e)
{
    const char *words = json_text_or(json_dig(j, "error", "message"), "");

    (void)err_set(e, RC_DENIED, "could not get a token: the identity service answered %d%s%.*s",
                  r->status, words[0] != '\0' ? ": " : "", (int)MIN(strcspn(words, "\r\n"), 200U),
                  words);
    if (r->status == 408 || r->status == 429 || r->status == 498 || r->status >= 500) {
        e->code = RC_UNAVAILABLE;
        e->retry = true;
        e->after_ms = r->after_ms;
        return err_code(e);
    }
    if (r->status == 404 || r->status / 100 == 3)
        return err_hint(e, "is %s right? it ends with the version, such as /v3",
                        w->oauth.set[AUTH_URL] != NULL ? names[AUTH_URL] : names[ST_AUTH]);
    return err_hint(e, "%s",
                    w->oauth.set[APP_SECRET] != NULL
                        ? "is the application credential right, and does it still last?"
                    : w->oauth.set[AUTH_URL] != NULL
                        ? "are OS_USERNAME, OS_PASSWORD, the domains and the project right?"
                        : "are ST_USER and ST_KEY right?");
}

/* Send it, and parse what comes back. */
static enum rc
swift_credentials_call(struct ctx *cx, const struct swift_credentials *w, struct http_request *rq,
                       struct http_response *r, struct json **j, struct err *e)
{
    rq->timeout_ms = ASK_MS;
    rq->body_max = ANSWER_MAX;
    if (oauth_send(cx, w->oauth.http, rq, r, j, e))
        return err_wrap(e, "could not get a token");
    return r->status / 100 == 2 ? RC_OK : refused(w, r, *j, e);
}

static enum rc
no_url(const struct swift_credentials *w, struct err *e)
{
    (void)err_set(e, RC_DENIED, "the catalog of the identity service has no object store%s%.60s",
                  w->oauth.set[REGION] != NULL ? " in the region " : "",
                  w->oauth.set[REGION] != NULL ? w->oauth.set[REGION] : "");
    return err_hint(e, "is OS_REGION_NAME right, and was the token made for a project "
                       "(OS_PROJECT_NAME)?");
}

static enum rc
from_keystone(struct ctx *cx, struct swift_credentials *w, const char *url, bool v3,
              struct oauth_token *out, struct err *e)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          "Accept: application/json", NULL};
    CLEANUP(json_free_ptr) struct json *ask = v3 ? body_v3(w) : body_v2(w);
    CLEANUP(json_free_ptr) struct json *j = NULL;
    CLEANUP(mem_free_ptr)
    char *whole = mem_printf("%s%s", url, v3 ? "/auth/tokens" : "/tokens");
    char *text = json_to_text(ask, false);
    struct http_request rq = {.method = "POST",
                              .url = whole,
                              .headers = headers,
                              .body = str_c(text),
                              .want_secret = "X-Subject-Token"};
    struct http_response r = {.status = 0};
    enum rc rc = swift_credentials_call(cx, w, &rq, &r, &j, e);

    if (rc == RC_OK) {
        const struct json *token = v3 ? json_field(j, "token") : json_dig(j, "access", "token");
        const char *id = v3 ? r.secret : json_text(json_field(token, "id"));
        const char *at = find_url(w, v3 ? json_field(token, "catalog")
                                        : json_dig(j, "access", "serviceCatalog"));
        rc = at == NULL ? no_url(w, e) : set_url(at, out, e);
        if (rc == RC_OK) {
            out->text = mem_strdup(id != NULL ? id : "");
            oauth_token_lasts(out, seconds_until(json_field(token, v3 ? "expires_at" : "expires")));
        }
    }
    http_response_release(&r);
    secret_free_text(text);
    return rc;
}

static enum rc
no_credentials(struct err *e)
{
    (void)err_set(e, RC_DENIED, "there are no credentials for Swift, or not all");
    return err_hint(e, "set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME, or "
                       "ST_AUTH, ST_USER and ST_KEY");
}

static enum rc
from_v1(struct ctx *cx, struct swift_credentials *w, const char *url, struct oauth_token *out,
        struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;
    const char *user = swift_credentials_either(w, ST_USER, USER_NAME),
               *key = swift_credentials_either(w, ST_KEY, PASSWORD);
    char *lines[] = {mem_printf("X-Auth-User: %s", user != NULL ? user : ""),
                     mem_printf("X-Auth-Key: %s", key != NULL ? key : "")};
    const char *const headers[] = {lines[0], lines[1], NULL};
    struct http_request rq = {
        .url = url,
        .headers = headers,
        .want = {"X-Storage-Url", "X-Auth-Token-Expires", "X-Trans-Id", "X-Openstack-Request-Id"},
        .want_secret = "X-Auth-Token"};
    struct http_response r = {.status = 0};
    enum rc rc = user == NULL || key == NULL ? no_credentials(e)
                                             : swift_credentials_call(cx, w, &rq, &r, &j, e);
    int64_t life = 0;

    if (rc == RC_OK)
        rc = set_url(r.got[0], out, e);
    if (rc == RC_OK) {
        out->text = mem_strdup(r.secret != NULL ? r.secret : "");
        (void)!str_to_i64(str_c(r.got[1]), &life);
        oauth_token_lasts(out, life);
    }
    http_response_release(&r);
    mem_free(lines[0]);
    secret_free_text(lines[1]);
    return rc;
}

/* The version that the URL's path names: "1", "2" or "3"; none: 0. */
static int
version_of(const char *url)
{
    const char *at = strstr(url, "://");

    for (at = at == NULL ? NULL : strchr(at + 3, '/'); at != NULL; at = strchr(at + 1, '/'))
        if (at[1] == 'v' && at[2] >= '1' && at[2] <= '3')
            return at[2] - '0';
    return 0;
}

static enum rc
swift_credentials_find(struct ctx *cx, void *arg, struct oauth_token *out, struct err *e)
{
    struct swift_credentials *w = (struct swift_credentials *)arg;
    const char *url = swift_credentials_either(w, AUTH_URL, ST_AUTH);
    CLEANUP(mem_free_ptr) char *base = NULL;
    int version;
    size_t n;

    if (w->oauth.set[STORAGE_URL] != NULL && w->oauth.set[TOKEN] != NULL) {
        out->text = mem_strdup(w->oauth.set[TOKEN]);
        return set_url(w->oauth.set[STORAGE_URL], out, e);
    }
    if (url == NULL)
        return no_credentials(e);
    version = version_of(url);
    if (version == 1)
        return from_v1(cx, w, url, out, e);
    if (w->oauth.set[APP_SECRET] == NULL &&
        (swift_credentials_either(w, PASSWORD, ST_KEY) == NULL ||
         (w->oauth.set[USER_ID] == NULL &&
          swift_credentials_either(w, USER_NAME, ST_USER) == NULL)))
        return no_credentials(e);
    for (n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
        ;
    base = mem_printf("%.*s%s", (int)n, url, version == 0 ? "/v3" : "");
    return from_keystone(cx, w, base, version != 2, out, e);
}

enum rc
swift_credentials_get(struct ctx *cx, struct swift_credentials *w, struct oauth_token *out,
                      struct err *e)
{
    return oauth_get(cx, &w->oauth, swift_credentials_find, w, out, e);
}

const char *
swift_credentials_url(const struct oauth_token *t)
{
    return json_text_or(t->with, "");
}

void
swift_credentials_refused(struct swift_credentials *w, const struct oauth_token *t)
{
    oauth_drop(&w->oauth, t);
}

const char *
swift_credentials_hint(const struct swift_credentials *w)
{
    return w->oauth.set[STORAGE_URL] != NULL && w->oauth.set[TOKEN] != NULL
               ? "OS_AUTH_TOKEN is wrong, or too old: they last for hours"
               : "may the user see this account and container?";
}
