/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/metrics_auth.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/sha256.h"

enum { KNOWN = 16, GOOD_MS = 60 * 1000, BAD_MS = 10 * 1000, TOKEN_BYTES_MAX = 16 * 1024 };

static const struct kube_gvr tokens = {"authentication.k8s.io", "v1", "tokenreviews", "TokenReview",
                                       false};
static const struct kube_gvr accesses = {"authorization.k8s.io", "v1", "subjectaccessreviews",
                                         "SubjectAccessReview", false};

struct known {
    struct id hash;
    int64_t until; /* clock_mono_ms; 0: nobody */
    int status;
};

struct metrics_auth {
    struct kube *k;
    pthread_mutex_t lock; /* held while one is asked about */
    struct known known[KNOWN];
    size_t next;
};

struct metrics_auth *
metrics_auth_new(struct kube *k)
{
    struct metrics_auth *a = MEM_NEW(struct metrics_auth);

    a->k = k;
    (void)pthread_mutex_init(&a->lock, NULL);
    return a;
}

void
metrics_auth_free(struct metrics_auth *a)
{
    if (a == NULL)
        return;
    (void)pthread_mutex_destroy(&a->lock);
    mem_free(a);
}

static struct json *
review_new(const struct kube_gvr *kind)
{
    CLEANUP(mem_free_ptr) char *version = mem_printf("%s/%s", kind->group, kind->version);
    struct json *r = json_new_object();

    json_set_cstr(r, "apiVersion", version);
    json_set_cstr(r, "kind", kind->kind);
    return r;
}

/* `*user`: who it is, NULL for nobody. The caller frees. */
static enum rc
ask_who(struct ctx *cx, struct kube *k, const char *token, struct json **user, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *rq = review_new(&tokens);
    CLEANUP(json_free_ptr) struct json *answer = NULL;

    json_set_cstr(json_need_object(rq, "spec"), "token", token);
    if (kube_create(cx, k, &tokens, NULL, rq, NULL, &answer, e))
        return err_code(e);
    if (json_is_true(json_dig(answer, "status", "authenticated")))
        *user = json_ref(json_dig(answer, "status", "user"));
    return RC_OK;
}

static enum rc
ask_may(struct ctx *cx, struct kube *k, const struct json *user, bool *yes, struct err *e)
{
    static const char *const same[] = {"groups", "uid", "extra"};
    CLEANUP(json_free_ptr) struct json *rq = review_new(&accesses);
    CLEANUP(json_free_ptr) struct json *answer = NULL;
    struct json *spec = json_need_object(rq, "spec"),
                *what = json_need_object(spec, "nonResourceAttributes");

    json_set_cstr(spec, "user", json_text_or(json_field(user, "username"), ""));
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        if (json_field(user, same[i]) != NULL)
            json_set(spec, same[i], json_clone(json_field(user, same[i])));
    json_set_cstr(what, "path", "/metrics");
    json_set_cstr(what, "verb", "get");
    if (kube_create(cx, k, &accesses, NULL, rq, NULL, &answer, e))
        return err_code(e);
    *yes = json_is_true(json_dig(answer, "status", "allowed"));
    return RC_OK;
}

static int
metrics_auth_ask(struct ctx *cx, struct kube *k, const char *token)
{
    CLEANUP(json_free_ptr) struct json *user = NULL;
    struct err e = ERR_INIT;
    bool yes = false;

    if (ask_who(cx, k, token, &user, &e) == RC_OK && user == NULL)
        return 401;
    if (e.code == RC_OK && ask_may(cx, k, user, &yes, &e) == RC_OK)
        return yes ? 200 : 403;
    (void)err_wrap(&e, "could not ask who may read metrics");
    log_err(&e);
    return 503;
}

static int
check_locked(struct metrics_auth *a, struct ctx *cx, const char *token)
{
    int64_t now = clock_mono_ms();
    struct known fresh;

    sha256_of(str_c(token), &fresh.hash);
    for (size_t i = 0; i < KNOWN; i++)
        if (a->known[i].until > now &&
            memcmp(&a->known[i].hash, &fresh.hash, sizeof(fresh.hash)) == 0)
            return a->known[i].status;
    fresh.status = metrics_auth_ask(cx, a->k, token);
    fresh.until = now + (fresh.status == 200 ? GOOD_MS : BAD_MS);
    if (fresh.status != 503)
        a->known[a->next++ % KNOWN] = fresh;
    return fresh.status;
}

int
metrics_auth_check(struct metrics_auth *a, struct ctx *cx, const char *authorization)
{
    int status;

    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0 ||
        strlen(authorization) > TOKEN_BYTES_MAX)
        return 401;
    (void)pthread_mutex_lock(&a->lock);
    status = check_locked(a, cx, authorization + 7);
    (void)pthread_mutex_unlock(&a->lock);
    return status;
}
