/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health, version, and questions about rights: whoever has the token may do everything, and what an
 * account of Pods may follows from its bindings.
 */
#include "base/mem.h"
#include "plane/core.h"
#include "plane/review_rbac.h"
#include "plane/write.h"

#define VERSION "v1.31.0+cstash"

static bool
answer_version(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *v = json_new_object();

    json_set_cstr(v, "major", "1");
    json_set_cstr(v, "minor", "31");
    json_set_cstr(v, "gitVersion", VERSION);
    json_set_cstr(v, "gitCommit", "");
    json_set_cstr(v, "gitTreeState", "clean");
    json_set_cstr(v, "buildDate", "1970-01-01T00:00:00Z");
    json_set_cstr(v, "goVersion", "");
    json_set_cstr(v, "compiler", "gcc");
    json_set_cstr(v, "platform", "linux/amd64");
    reply_json(c->rp, 200, v);
    return true;
}

bool
answer_other(struct call *c)
{
    static const char *const healthy[] = {"/healthz", "/livez", "/readyz"};

    if (strcmp(c->method, "GET") != 0)
        return false;
    if (strcmp(c->path, "/version") == 0 || strcmp(c->path, "/version/") == 0)
        return answer_version(c);
    for (size_t i = 0; i < ARRAY_LEN(healthy); i++)
        if (strcmp(c->path, healthy[i]) == 0) {
            buf_must_printf(&c->rp->body, "ok");
            c->rp->type = "text/plain; charset=utf-8";
            return true;
        }
    return false;
}

static void
push_all(struct json *obj, const char *key)
{
    json_push_cstr(json_need_array(obj, key), "*");
}

static bool
answer_access(struct call *c, struct json *body)
{
    static const char account[] = "system:serviceaccount:";
    const struct json *spec = json_field(body, "spec");
    struct json *status = json_need_object(body, "status");
    struct err e = ERR_INIT;
    bool yes = true;

    if (strncmp(json_text_or(json_field(spec, "user"), ""), account, sizeof(account) - 1) == 0 &&
        review_rbac(c->plane, spec, &yes, &e)) {
        (void)answer_err(c, &e);
        return true;
    }
    json_set_bool(status, "allowed", yes);
    json_set_cstr(status, "reason",
                  yes ? "the token of this server may do everything" : "no binding allows it");
    reply_json(c->rp, 201, body);
    return true;
}

bool
answer_review(struct call *c)
{
    CLEANUP(json_free_ptr) struct json *body = NULL;
    struct json *status, *rule;

    if (strcmp(c->method, "POST") != 0 ||
        (strncmp(c->path, "/apis/authorization.k8s.io/", 27) != 0 &&
         strncmp(c->path, "/apis/authentication.k8s.io/", 28) != 0))
        return false;
    if (!read_body(c, &body))
        return true;
    status = json_need_object(body, "status");
    if (strstr(c->path, "accessreviews") != NULL)
        return answer_access(c, body);
    if (strstr(c->path, "/tokenreviews") != NULL) {
        bool known =
            strcmp(json_text_or(json_dig(body, "spec", "token"), ""), c->plane->token) == 0;

        json_set_bool(status, "authenticated", known);
        if (known)
            json_set_cstr(json_need_object(status, "user"), "username", "cstash");
    } else if (strstr(c->path, "/selfsubjectreviews") != NULL) {
        json_set_cstr(json_need_object(status, "userInfo"), "username", "cstash");
        json_push_cstr(json_need_array(json_need_object(status, "userInfo"), "groups"),
                       "system:masters");
    } else if (strstr(c->path, "/selfsubjectrulesreviews") != NULL) {
        rule = json_new_object();
        push_all(rule, "verbs");
        push_all(rule, "apiGroups");
        push_all(rule, "resources");
        json_push(json_need_array(status, "resourceRules"), rule);
        rule = json_new_object();
        push_all(rule, "verbs");
        push_all(rule, "nonResourceURLs");
        json_push(json_need_array(status, "nonResourceRules"), rule);
        json_set_bool(status, "incomplete", false);
    } else {
        return false;
    }
    reply_json(c->rp, 201, body);
    return true;
}
