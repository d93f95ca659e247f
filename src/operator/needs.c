/* SPDX-License-Identifier: Apache-2.0 */
/* What must be there before anything can run: Repository, Secret, permission, target. */
#include "api/backend.h"
#include "base/mem.h"
#include "kube/selector.h"
#include "operator/operator_internal.h"

static void say(struct json *status, const char *type, const char *state, const char *reason,
                const char *fmt, ...) PRINTF_LIKE(5, 6);

static void
say(struct json *status, const char *type, const char *state, const char *reason, const char *fmt,
    ...)
{
    char text[480];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)condition_set(status, type, state, reason, text);
}

static void
check_secret(struct ctx *cx, struct world *op, const struct invoker *inv, const struct json *repo,
             struct json *status, bool *ok)
{
    const char *name = json_text_or(json_dig(repo, "spec", "backend", "storageSecretName"), "");
    CLEANUP(mem_free_ptr) char *key = key2(inv->repo_ns, name);
    struct err e = ERR_INIT;
    enum rc rc = name[0] == '\0' ? RC_NOT_FOUND : RC_OK;

    if (rc == RC_OK && !seen_lately(&op->secrets, key)) {
        rc = kube_get(cx, op->k, &KUBE_SECRET, inv->repo_ns, name, NULL, &e);
        if (rc == RC_OK)
            seen_now(&op->secrets, key);
    }
    *ok = rc == RC_OK;
    if (rc == RC_OK)
        say(status, "BackendSecretFound", "True", "BackendSecretAvailable",
            "Backend Secret %s/%s exist.", inv->repo_ns, name);
    else if (rc == RC_NOT_FOUND)
        say(status, "BackendSecretFound", "False", "BackendSecretNotAvailable",
            "Backend Secret %s/%s does not exist.", inv->repo_ns, name);
    else
        say(status, "BackendSecretFound", "Unknown", "UnableToCheckBackendSecretAvailability",
            "Failed to check whether the Backend Secret %s/%s exist or not. Reason: %s",
            inv->repo_ns, name, e.msg);
}

/* Selectors of the API as the invoker's view wants them. */
static bool
matches(const struct json *selector, const struct json *labels)
{
    struct kube_selector *s;
    struct err e = ERR_INIT;
    bool yes;

    if (kube_selector_json(selector, &s, &e))
        return false;
    yes = kube_selector_match_labels(s, labels);
    kube_selector_free(s);
    return yes;
}

static enum rc
check_usage(struct ctx *cx, struct world *op, const struct invoker *inv, const struct json *repo,
            struct json *status, bool *ok, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *ns = NULL;
    struct backend b = {0};
    struct err why = ERR_INIT;

    if (repository_asks_labels(repo) &&
        kube_get(cx, op->k, &KUBE_NAMESPACE, NULL, inv->ns, &ns, e) != RC_OK)
        return e->code;
    *ok = repository_allows(repo, inv->ns, json_dig(ns, "metadata", "labels"), matches);
    if (!*ok) {
        say(status, "ValidationPassed", "False", "ResourceValidationFailed",
            "Namespace %s is not allowed to refer Repository %s/%s. Please, check Repository's "
            "\"spec.usagePolicy\".",
            inv->ns, inv->repo_ns, inv->repo_name);
        return RC_OK;
    }
    /* A server checks types only; words such as durations are ours to check. */
    *ok = backend_decode(json_dig(repo, "spec", "backend"), &b, &why) == RC_OK &&
          kind_validate(inv->restore ? &kind_restoresession : &kind_backupconfiguration, inv->obj,
                        &why) == RC_OK;
    backend_release(&b);
    if (*ok)
        say(status, "ValidationPassed", "True", "ResourceValidationPassed",
            "Successfully validated.");
    else
        say(status, "ValidationPassed", "False", "ResourceValidationFailed", "%s", why.msg);
    return RC_OK;
}

enum rc
check_needs(struct ctx *cx, struct world *op, const struct invoker *inv, struct json *status,
            struct json **repo, bool *ok, struct err *e)
{
    bool secret = false, allowed = false;

    *ok = false;
    *repo = cache_get(op->repos, inv->repo_ns, inv->repo_name);
    if (*repo == NULL || kube_is_deleting(*repo)) {
        say(status, "RepositoryFound", "False", "RepositoryNotAvailable",
            "Repository %s/%s does not exist.", inv->repo_ns, inv->repo_name);
        return RC_OK;
    }
    say(status, "RepositoryFound", "True", "RepositoryAvailable", "Repository %s/%s exist.",
        inv->repo_ns, inv->repo_name);
    check_secret(cx, op, inv, *repo, status, &secret);
    if (check_usage(cx, op, inv, *repo, status, &allowed, e))
        return e->code;
    *ok = secret && allowed;
    return RC_OK;
}

/* The resource behind a reference, by the server's own list of its kinds. */
static enum rc
find_target(struct ctx *cx, struct world *op, const struct invoker *inv, struct err *e)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(16 * 1024 * 1024);
    CLEANUP(json_free_ptr) struct json *doc = NULL;
    const struct json *list;
    char path[400];
    struct kube_raw rq = {.path = path};

    if (strcmp(inv->target_kind, RES_APP_BINDING.kind) == 0 &&
        strncmp(inv->target_api, APPCATALOG_GROUP "/", sizeof(APPCATALOG_GROUP)) == 0)
        return cache_has(op->apps, inv->target_ns, inv->target_name)
                   ? RC_OK
                   : err_set(e, RC_NOT_FOUND, "no such AppBinding");
    (void)snprintf(path, sizeof(path), "%s/%s", strchr(inv->target_api, '/') ? "/apis" : "/api",
                   inv->target_api);
    if (kube_raw(cx, op->k, &rq, &body, e) || json_parse(buf_str(&body), &doc, e))
        return e->code;
    list = json_field(doc, "resources");
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *r = json_elem(list, i);
        const char *plural = json_text_or(json_field(r, "name"), "");

        if (strcmp(json_text_or(json_field(r, "kind"), ""), inv->target_kind) != 0 ||
            strchr(plural, '/') != NULL)
            continue;
        const char *slash = strchr(inv->target_api, '/');
        char *group = slash == NULL
                          ? mem_strdup("")
                          : mem_strndup(inv->target_api, (size_t)(slash - inv->target_api));
        struct kube_kind kind = {.group = group,
                                 .version = slash == NULL ? inv->target_api : slash + 1,
                                 .plural = plural,
                                 .kind = inv->target_kind,
                                 .namespaced = json_is_true(json_field(r, "namespaced"))};
        enum rc rc = kube_get(cx, op->k, &kind, inv->target_ns, inv->target_name, NULL, e);

        mem_free(group);
        return rc;
    }
    return err_set(e, RC_NOT_FOUND, "the server has no kind %s in %s", inv->target_kind,
                   inv->target_api);
}

enum rc
check_target(struct ctx *cx, struct world *op, const struct invoker *inv, struct json *status,
             const char *type, bool *found, struct err *e)
{
    bool restore = inv->restore;
    const char *what = restore ? "Restore" : "Backup";
    struct err why = ERR_INIT;
    enum rc rc =
        strcmp(inv->target_kind, "EmptyTarget") == 0 ? RC_OK : find_target(cx, op, inv, &why);

    *found = rc == RC_OK;
    if (rc == RC_OK) {
        say(status, type, "True", "TargetAvailable", "%s target %s %s/%s found.", what,
            inv->target_kind, inv->target_ns, inv->target_name);
        return RC_OK;
    }
    if (rc == RC_NOT_FOUND) {
        say(status, type, "False", "TargetNotAvailable", "%s target %s %s/%s does not exist.", what,
            inv->target_kind, inv->target_ns, inv->target_name);
        return RC_OK;
    }
    say(status, type, "Unknown", "UnableToCheckTargetAvailability",
        "Failed to check whether the %s %s/%s exist or not. Reason: %s", inv->target_kind,
        inv->target_ns, inv->target_name, why.msg);
    *e = why;
    return err_wrap(e, "could not look for the target");
}
