/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/secret.h"
#include "json/node.h"
#include "store/s3_internal.h"
#include "store/xml.h"

enum {
    EARLY_MS = 5 * 60 * 1000, /* asked for anew so long before they expire */
    ASK_MS = 5000,
    METADATA_MS = 1000, /* of an address that only instances of a cloud have */
    ANSWER_MAX = 64 * 1024
};

/* The settings, by the names of the AWS SDKs' environment variables. */
enum setting {
    ACCESS_KEY,
    SECRET_KEY,
    SESSION_TOKEN,
    SHARED_FILE,
    PROFILE,
    ROLE,
    TOKEN_FILE,
    SESSION_NAME,
    STS_URL,
    CONTAINER_PATH,
    CONTAINER_URL,
    CONTAINER_TOKEN,
    CONTAINER_TOKEN_FILE,
    METADATA_URL,
    METADATA_OFF,
    HOME_FOLDER,
    N_SETTINGS
};
static const char *const names[N_SETTINGS] = {
    [ACCESS_KEY] = "AWS_ACCESS_KEY_ID",
    [SECRET_KEY] = "AWS_SECRET_ACCESS_KEY",
    [SESSION_TOKEN] = "AWS_SESSION_TOKEN",
    [SHARED_FILE] = "AWS_SHARED_CREDENTIALS_FILE",
    [PROFILE] = "AWS_PROFILE",
    [ROLE] = "AWS_ROLE_ARN",
    [TOKEN_FILE] = "AWS_WEB_IDENTITY_TOKEN_FILE",
    [SESSION_NAME] = "AWS_ROLE_SESSION_NAME",
    [STS_URL] = "AWS_ENDPOINT_URL_STS",
    [CONTAINER_PATH] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    [CONTAINER_URL] = "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    [CONTAINER_TOKEN] = "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    [CONTAINER_TOKEN_FILE] = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    [METADATA_URL] = "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    [METADATA_OFF] = "AWS_EC2_METADATA_DISABLED",
    [HOME_FOLDER] = "HOME",
};

struct s3_credentials {
    struct http *http;
    char *set[N_SETTINGS]; /* NULL: not set */
    bool no_ambient;
    char *region;
    pthread_mutex_t mutex; /* held while somebody asks: the others want the same answer */
    struct s3_key key;
};

struct s3_credentials *
s3_credentials_new(const struct store_opts *o, struct http *http, const char *region)
{
    struct s3_credentials *w = MEM_NEW(struct s3_credentials);

    w->http = http;
    w->no_ambient = o->no_ambient;
    w->region = region == NULL ? NULL : mem_strdup(region);
    store_env_copy(o, names, N_SETTINGS, w->set);
    (void)pthread_mutex_init(&w->mutex, NULL);
    return w;
}

void
s3_credentials_free(struct s3_credentials *w)
{
    if (w == NULL)
        return;
    store_env_free(w->set, N_SETTINGS);
    s3_key_release(&w->key);
    mem_free(w->region);
    (void)pthread_mutex_destroy(&w->mutex);
    mem_free(w);
}

static char *
s3_credentials_copy(const char *s)
{
    return s == NULL || s[0] == '\0' ? NULL : mem_strdup(s);
}

/* An RFC 3339 time as clock_real_ms; what is none never ends well, so it ends now. */
static int64_t
s3_credentials_expiry(struct str text)
{
    struct err ignored = ERR_INIT;
    struct instant t;

    return instant_parse(text, &t, &ignored) ? 1 : instant_ms(t);
}

/* "aws_access_key_id = X" of one profile of an INI file. */
static void
read_profile(char *text, const char *profile, struct s3_key *out)
{
    bool mine = false;
    char *rest = NULL;

    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        char name[64], value[2048];
        line += strspn(line, " \t");
        if (sscanf(line, "[ %63[^] \t]", name) == 1)
            mine = strcmp(name, profile) == 0;
        else if (mine && sscanf(line, "%63[a-z_] = %2047s", name, value) == 2) {
            char **to = strcmp(name, "aws_access_key_id") == 0       ? &out->id
                        : strcmp(name, "aws_secret_access_key") == 0 ? &out->secret
                        : strcmp(name, "aws_session_token") == 0     ? &out->token
                                                                     : NULL;
            if (to != NULL && *to == NULL)
                *to = mem_strdup(value);
            mem_wipe(value, sizeof(value));
        }
    }
}

static enum rc
from_file(struct s3_credentials *w, struct s3_key *out, struct err *e)
{
    const char *home = w->set[HOME_FOLDER], *file = w->set[SHARED_FILE];
    const char *profile = w->set[PROFILE] != NULL ? w->set[PROFILE] : "default";
    CLEANUP(mem_free_ptr)
    char *path = file != NULL   ? mem_strdup(file)
                 : home != NULL ? mem_printf("%s/.aws/credentials", home)
                                : NULL;
    struct secret text = {.n = 0};
    char *copied;

    if (path == NULL || (file == NULL && access(path, R_OK) != 0))
        return RC_OK;
    if (secret_from_file(path, &text, e))
        return err_wrap(e, "could not read the credentials of AWS");
    copied = mem_strndup((const char *)text.p, text.n);
    secret_release(&text);
    read_profile(copied, profile, out);
    secret_free_text(copied);
    if (out->id == NULL && w->set[PROFILE] != NULL)
        return err_set(e, RC_DENIED, "%s has no profile %.100s with an aws_access_key_id", path,
                       profile);
    return RC_OK;
}

static enum rc
s3_credentials_ask(struct ctx *cx, struct s3_credentials *w, const struct http_request *rq,
                   const char *whom, struct http_response *r, struct err *e)
{
    *r = (struct http_response){.status = 0};
    if (http_call(cx, w->http, rq, r, e))
        return err_wrap(e, "could not get credentials from %s", whom);
    if (r->status == 200)
        return RC_OK;
    (void)err_set(e, RC_DENIED, "could not get credentials from %s: it answered %d", whom,
                  r->status);
    e->retry = r->status == 429 || r->status >= 500;
    http_response_release(r);
    return err_code(e);
}

static enum rc
sts_leaf(void *arg, const char *path, struct str text, struct err *e)
{
    struct s3_key *k = (struct s3_key *)arg;
    const char *name = strstr(path, "/Credentials/");
    char **to;

    (void)e;
    if (name == NULL)
        return RC_OK;
    name += strlen("/Credentials/");
    if (strcmp(name, "Expiration") == 0)
        k->expires_ms = s3_credentials_expiry(text);
    to = strcmp(name, "AccessKeyId") == 0       ? &k->id
         : strcmp(name, "SecretAccessKey") == 0 ? &k->secret
         : strcmp(name, "SessionToken") == 0    ? &k->token
                                                : NULL;
    if (to != NULL && *to == NULL)
        *to = mem_strndup((const char *)text.p, text.n);
    return RC_OK;
}

static enum rc
s3_credentials_token(const char *path, struct secret *out, struct err *e)
{
    if (secret_from_file(path, out, e) == RC_OK)
        return RC_OK;
    if (e->code == RC_NOT_FOUND)
        e->code = RC_DENIED; /* of an object RC_NOT_FOUND would speak */
    return err_code(e);
}

/* A service account of Kubernetes stands for a role: its token is exchanged (IRSA). */
static enum rc
from_web_identity(struct ctx *cx, struct s3_credentials *w, struct s3_key *out, struct err *e)
{
    static const char *const form[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    const char *session = w->set[SESSION_NAME] != NULL ? w->set[SESSION_NAME] : "cstash";
    struct buf body = BUF_INIT(ANSWER_MAX), url = BUF_INIT(1024);
    struct secret token = {.n = 0};
    struct http_response r;
    char *text;
    enum rc rc;

    if (s3_credentials_token(w->set[TOKEN_FILE], &token, e))
        return err_wrap(e, "could not read the token of the web identity");
    text = mem_strndup((const char *)token.p, token.n);
    secret_release(&token);
    buf_putf(&body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
    http_escape(&body, w->set[ROLE]);
    buf_putf(&body, "&RoleSessionName=");
    http_escape(&body, session);
    buf_putf(&body, "&WebIdentityToken=");
    http_escape(&body, text);
    secret_free_text(text);
    if (w->set[STS_URL] != NULL)
        buf_putf(&url, "%s", w->set[STS_URL]);
    else if (w->region != NULL)
        buf_putf(&url, "https://sts.%s.amazonaws.com/", w->region);
    else
        buf_putf(&url, "https://sts.amazonaws.com/");
    rc = buf_whole(&url, "the address of the token service", e);
    if (rc == RC_OK)
        rc = buf_whole(&body, "the web identity", e);
    if (rc == RC_OK)
        rc = s3_credentials_ask(cx, w,
                                &(struct http_request){.method = "POST",
                                                       .url = buf_c(&url),
                                                       .headers = form,
                                                       .body = buf_str(&body),
                                                       .timeout_ms = 2 * ASK_MS,
                                                       .body_max = ANSWER_MAX},
                                "the token service of AWS", &r, e);
    if (rc == RC_OK) {
        rc = xml_read(buf_str(&r.body), sts_leaf, out, e);
        mem_wipe(r.body.p, r.body.n);
        http_response_release(&r);
    }
    mem_wipe(body.p, body.n);
    buf_release(&body);
    buf_release(&url);
    return rc;
}

/* The JSON that the end points of containers and instances answer. */
static enum rc
read_json(struct http_response *r, struct s3_key *out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *j = NULL;

    if (json_parse(buf_str(&r->body), &j, e))
        return err_code(e);
    out->id = s3_credentials_copy(json_text(json_field(j, "AccessKeyId")));
    out->secret = s3_credentials_copy(json_text(json_field(j, "SecretAccessKey")));
    out->token = s3_credentials_copy(json_text(json_field(j, "Token")));
    if (json_text(json_field(j, "Expiration")) != NULL)
        out->expires_ms = s3_credentials_expiry(json_text_str(json_field(j, "Expiration")));
    mem_wipe(r->body.p, r->body.n);
    return RC_OK;
}

/* ECS, and EKS Pod Identity. */
static enum rc
from_container(struct ctx *cx, struct s3_credentials *w, struct s3_key *out, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *url = w->set[CONTAINER_URL] != NULL
                    ? mem_strdup(w->set[CONTAINER_URL])
                    : mem_printf("http://169.254.170.2%s", w->set[CONTAINER_PATH]);
    struct secret token = {.n = 0};
    const char *headers[2] = {NULL, NULL};
    char *line = NULL;
    struct http_response r;
    enum rc rc;

    if (w->set[CONTAINER_TOKEN_FILE] != NULL &&
        s3_credentials_token(w->set[CONTAINER_TOKEN_FILE], &token, e))
        return err_wrap(e, "could not read the token of the container's end point");
    if (token.n > 0)
        line = mem_printf("Authorization: %.*s", (int)token.n, (const char *)token.p);
    else if (w->set[CONTAINER_TOKEN] != NULL)
        line = mem_printf("Authorization: %s", w->set[CONTAINER_TOKEN]);
    headers[0] = line;
    secret_release(&token);
    rc = s3_credentials_ask(cx, w,
                            &(struct http_request){.url = url,
                                                   .headers = headers,
                                                   .timeout_ms = ASK_MS,
                                                   .body_max = ANSWER_MAX,
                                                   .no_proxy = true},
                            "the container's end point", &r, e);
    secret_free_text(line);
    if (rc != RC_OK)
        return rc;
    rc = read_json(&r, out, e);
    http_response_release(&r);
    return rc;
}

/* One path of the instance's metadata, with the session's token (version 2). */
static enum rc
s3_credentials_metadata(struct ctx *cx, struct s3_credentials *w, const char *method,
                        const char *path, const char *header, struct http_response *r,
                        struct err *e)
{
    const char *base =
        w->set[METADATA_URL] != NULL ? w->set[METADATA_URL] : "http://169.254.169.254";
    const char *headers[] = {header, NULL};
    CLEANUP(mem_free_ptr) char *url = mem_printf("%s/latest/%s", base, path);

    return s3_credentials_ask(cx, w,
                              &(struct http_request){.method = method,
                                                     .url = url,
                                                     .headers = headers,
                                                     .timeout_ms = METADATA_MS,
                                                     .body_max = ANSWER_MAX,
                                                     .no_proxy = true},
                              "the instance's metadata", r, e);
}

static enum rc
from_instance(struct ctx *cx, struct s3_credentials *w, struct s3_key *out, struct err *e)
{
    static const char roles[] = "meta-data/iam/security-credentials/";
    CLEANUP(mem_free_ptr) char *token = NULL, *path = NULL;
    struct http_response r;
    enum rc rc;

    if (s3_credentials_metadata(cx, w, "PUT", "api/token",
                                "X-aws-ec2-metadata-token-ttl-seconds: 21600", &r, e))
        return err_code(e);
    token = mem_printf("X-aws-ec2-metadata-token: %s", buf_c(&r.body));
    http_response_release(&r);
    if (s3_credentials_metadata(cx, w, "GET", roles, token, &r, e))
        return err_code(e);
    path = mem_printf("%s%.*s", roles, (int)strcspn(buf_c(&r.body), "\r\n"), buf_c(&r.body));
    http_response_release(&r);
    if (s3_credentials_metadata(cx, w, "GET", path, token, &r, e))
        return err_code(e);
    rc = read_json(&r, out, e);
    http_response_release(&r);
    return rc;
}

static enum rc
s3_credentials_none(enum rc why, struct err *e)
{
    struct err last = *e;

    (void)err_set(e, RC_DENIED, "there are no credentials for S3%s%s", why ? ": " : "",
                  why ? last.msg : "");
    e->retry = why != RC_OK && last.code != RC_DENIED && last.retry;
    return err_hint(e, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

/* Look in each place in turn; the first that is set up counts, even if it fails. */
static enum rc
s3_credentials_find(struct ctx *cx, struct s3_credentials *w, struct s3_key *out, struct err *e)
{
    char *const *set = w->set;
    enum rc rc;

    if (set[ACCESS_KEY] != NULL && set[SECRET_KEY] != NULL) {
        out->id = mem_strdup(set[ACCESS_KEY]);
        out->secret = mem_strdup(set[SECRET_KEY]);
        out->token = s3_credentials_copy(set[SESSION_TOKEN]);
        return RC_OK;
    }
    if (set[ACCESS_KEY] != NULL || set[SECRET_KEY] != NULL) {
        (void)err_set(e, RC_DENIED, "%s is set, but %s is not",
                      names[set[ACCESS_KEY] != NULL ? ACCESS_KEY : SECRET_KEY],
                      names[set[ACCESS_KEY] != NULL ? SECRET_KEY : ACCESS_KEY]);
        return err_hint(e, "set both");
    }
    if (w->no_ambient)
        return s3_credentials_none(RC_OK, e);
    if (from_file(w, out, e))
        return err_code(e);
    if (out->id != NULL)
        return RC_OK;
    if (set[ROLE] != NULL && set[TOKEN_FILE] != NULL)
        return from_web_identity(cx, w, out, e);
    if (set[CONTAINER_URL] != NULL || set[CONTAINER_PATH] != NULL)
        return from_container(cx, w, out, e);
    if (set[METADATA_OFF] != NULL && strcasecmp(set[METADATA_OFF], "true") == 0)
        return s3_credentials_none(RC_OK, e);
    rc = from_instance(cx, w, out, e);
    return rc == RC_OK || rc == RC_CANCELLED ? rc : s3_credentials_none(rc, e);
}

enum rc
s3_credentials_get(struct ctx *cx, struct s3_credentials *w, struct s3_key *out, struct err *e)
{
    struct s3_key *k = &w->key;
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&w->mutex);
    if (k->id == NULL || (k->expires_ms != 0 && k->expires_ms - EARLY_MS < clock_real_ms())) {
        struct s3_key fresh = {.id = NULL};
        rc = s3_credentials_find(cx, w, &fresh, e);
        if (rc == RC_OK && (fresh.id == NULL || fresh.secret == NULL))
            rc = err_set(e, RC_DENIED, "the answer with the credentials for S3 holds none");
        if (rc == RC_OK) {
            s3_key_release(k);
            *k = fresh;
        } else {
            s3_key_release(&fresh);
        }
    }
    if (rc == RC_OK)
        *out = (struct s3_key){.id = mem_strdup(k->id),
                               .secret = mem_strdup(k->secret),
                               .token = s3_credentials_copy(k->token),
                               .expires_ms = k->expires_ms};
    (void)pthread_mutex_unlock(&w->mutex);
    return rc;
}
