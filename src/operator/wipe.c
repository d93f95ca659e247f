/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wipeOut: a Job in the Repository's namespace, under an account that may read the storage Secret
 * and nothing else. The operator opens no store: it would do so with its own rights, at addresses
 * that a user chose.
 *
 * The Job that failed is the memory of the attempt: it stays until the next one is due.
 */
#include "api/backend.h"
#include "api/names.h"
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/podspec.h"

enum {
    POLL_MS = 10 * 1000,
    SOON_MS = 1000,
    RETRY_MIN_MS = 10 * 1000,
    RETRY_MAX_MS = 5 * 60 * 1000,
    DEADLINE_S = 3600, /* of one attempt */
    UID_SHOWN = 8
};

/* mem_free. Another Repository of this name, before or after, has another. */
static char *
wipe_name(const struct json *repo)
{
    char *tail = mem_printf("%.*s", UID_SHOWN, kube_uid(repo)),
         *name = name_of(NAME_MAX_LABEL, "stash-wipe", kube_name(repo), tail);

    mem_free(tail);
    return name;
}

static struct json *
wipe_labels(void)
{
    struct json *labels = json_new_object();

    json_set_cstr(labels, LABEL_COMPONENT, "stash-wipe");
    json_set_cstr(labels, LABEL_MANAGED_BY, MANAGED_BY_STASH);
    return labels;
}

static void
add_arg(struct json *args, const char *flag, const char *value)
{
    char *arg = mem_printf("--%s=%s", flag, value != NULL ? value : "");

    json_push_cstr(args, arg);
    mem_free(arg);
}

static struct json *
wipe_container(struct operator* op, const struct json *repo, const struct backend *b)
{
    struct json *c = json_new_object(), *args;
    char connections[STR_INT_MAX + 1] = "";

    (void)str_put_i64(b->max_connections, (uint8_t *)connections);
    json_set_cstr(c, "name", "wipe-repository");
    json_set_cstr(c, "image", op->opts->image);
    json_set_cstr(c, "imagePullPolicy", "IfNotPresent");
    json_set_cstr(c, "terminationMessagePolicy", "FallbackToLogsOnError");
    args = json_need_array(c, "args");
    json_push_cstr(args, "wipe-repository");
    add_arg(args, "namespace", kube_ns(repo));
    add_arg(args, "provider", b->provider);
    add_arg(args, "bucket", b->bucket);
    add_arg(args, "endpoint", b->endpoint);
    add_arg(args, "region", b->region);
    add_arg(args, "path", b->prefix);
    add_arg(args, "max-connections", connections);
    add_arg(args, "storage-secret-name", b->secret);
    if (b->insecure_tls)
        json_push_cstr(args, "--insecure-tls");
    podspec_secure(c, NULL);
    return c;
}

static struct json *
wipe_job(struct operator* op, const struct json *repo, const struct backend *b, const char *name)
{
    struct json *job = kube_object_new(&KUBE_JOB, kube_ns(repo), name),
                *spec = json_need_object(job, "spec"),
                *template = json_need_object(spec, "template"),
                *pod = json_need_object(template, "spec");

    json_set(kube_meta(job), "labels", wipe_labels());
    (void)kube_set_owner(job, repo, true);
    json_set_int(spec, "backoffLimit", 0);
    json_set_int(spec, "activeDeadlineSeconds", DEADLINE_S);
    json_set(json_need_object(template, "metadata"), "labels", wipe_labels());
    json_set_cstr(pod, "restartPolicy", "Never");
    json_set_cstr(pod, "serviceAccountName", name);
    json_set_bool(pod, "enableServiceLinks", false);
    json_push(json_need_array(pod, "containers"), wipe_container(op, repo, b));
    podspec_apply_runtime(pod, NULL, op->opts->pull_secrets);
    return job;
}

static enum rc
wipe_account(struct ctx *cx, struct operator* op, const struct json *repo, const struct backend *b,
             const char *name, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *labels = wipe_labels();
    CLEANUP(json_free_ptr) struct json *rules = json_new_array();
    struct grant g = {.ns = kube_ns(repo),
                      .name = name,
                      .account_ns = kube_ns(repo),
                      .account = name,
                      .labels = labels,
                      .owner = repo,
                      .rules = rules};
    CLEANUP(json_free_ptr)
    struct json *account = kube_object_new(&KUBE_SERVICE_ACCOUNT, kube_ns(repo), name);

    json_set(kube_meta(account), "labels", json_ref(labels));
    (void)kube_set_owner(account, repo, true);
    json_push(rules, grant_get("", "secrets", b->secret));
    if (ensure(cx, op, op->accounts, &KUBE_SERVICE_ACCOUNT, account, e))
        return err_code(e);
    return ensure_grant(cx, op, &g, e);
}

/* ---- who else is there ---- */

/* Another Repository whose backups would go as well. */
struct wipe_search {
    const struct json *repo;
    const char *place;
    char *found; /* its name; NULL: there is none */
};

/* Is one place the other, or in it? */
static bool
places_meet(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), least = MIN(n, m);

    return strncmp(a, b, least) == 0 &&
           (n == m || (n > m ? a[m] : b[n]) == '/' || a[least - 1] == '/');
}

static void
wipe_look(void *arg, const struct json *other)
{
    struct wipe_search *s = (struct wipe_search *)arg;
    CLEANUP(mem_free_ptr) char *place = NULL;
    struct err none = ERR_INIT;
    struct backend b;

    /* Those that go themselves need nothing. */
    if (s->found != NULL || strcmp(kube_uid(other), kube_uid(s->repo)) == 0 ||
        kube_is_deleting(other) || backend_decode(json_dig(other, "spec", "backend"), &b, &none))
        return;
    if (backend_address(&b, &place, &none) == RC_OK && places_meet(place, s->place))
        s->found = strcmp(kube_ns(other), kube_ns(s->repo)) == 0
                       ? mem_printf("Repository %s", kube_name(other))
                       : mem_strdup("a Repository of another namespace");
    backend_release(&b);
}

static enum rc
wipe_alone(struct operator* op, const struct json *repo, const struct backend *b, struct err *e)
{
    struct wipe_search s = {.repo = repo};
    CLEANUP(mem_free_ptr) char *place = NULL;
    enum rc rc = RC_OK;

    if (backend_address(b, &place, e))
        return err_code(e);
    s.place = place;
    cache_each(op->repository.cache, NULL, wipe_look, &s);
    if (s.found != NULL)
        rc = err_set(
            e, RC_DENIED,
            "%s has its backups at the same place: delete that one first, or take wipeOut back",
            s.found);
    mem_free(s.found);
    return rc;
}

static enum rc
wipe_create(struct ctx *cx, struct operator* op, const struct json *repo, const char *name,
            struct err *e)
{
    CLEANUP(json_free_ptr) struct json *job = NULL;
    struct backend b;
    enum rc rc;

    if (object_fits(&kind_repository, repo, e) ||
        backend_decode(json_dig(repo, "spec", "backend"), &b, e))
        return err_code(e);
    if (strcmp(b.provider, "local") == 0)
        rc = err_set(e, RC_UNSUPPORTED, "the files of a local backend are in a volume");
    else if (b.secret == NULL)
        rc = err_set(e, RC_INVALID, "spec.backend.storageSecretName is empty");
    else
        rc = wipe_alone(op, repo, &b, e);
    if (rc == RC_OK)
        rc = wipe_account(cx, op, repo, &b, name, e);
    if (rc == RC_OK) {
        job = wipe_job(op, repo, &b, name);
        rc = create_owned(cx, op, op->jobs, &KUBE_JOB, job, e);
    }
    backend_release(&b);
    return rc;
}

/* Where everything goes no Job can begin any more. */
static enum rc
namespace_goes(struct ctx *cx, struct operator* op, const char *ns, bool *goes, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_get(cx, op->k, &KUBE_NAMESPACE, NULL, ns, &obj, &why);

    *goes = rc == RC_NOT_FOUND || (rc == RC_OK && kube_is_deleting(obj));
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = why;
    return rc;
}

/* The longer it went on in vain, the longer until it is tried again. */
static int64_t
wipe_retry_at(const struct json *repo, const struct json *job)
{
    const struct json *c = condition_find(json_field(job, "status"), "Failed");
    int64_t since = kube_time_ms(json_dig(repo, "metadata", "deletionTimestamp")),
            at = kube_time_ms(json_field(c, "lastTransitionTime"));

    if (at == 0)
        at = clock_real_ms();
    return at + MIN(MAX((at - since) / 2, RETRY_MIN_MS), RETRY_MAX_MS);
}

/* The Job failed, or its Pod will never start: say so, and begin anew when it is time. */
static enum rc
wipe_retry(struct ctx *cx, struct operator* op, const struct json *repo, const struct json *job,
           struct ctl_result *out, struct err *e)
{
    int64_t left = wipe_retry_at(repo, job) - clock_real_ms();

    if (left > 0) {
        out->requeue_after_ms = left;
        return RC_OK;
    }
    out->requeue_after_ms = SOON_MS;
    return ensure_gone(cx, op, &KUBE_JOB, kube_ns(job), kube_name(job), "Background", e);
}

static enum rc
wipe_begin(struct ctx *cx, struct operator* op, const struct json *repo, const char *name,
           enum wipe *state, struct err *why, struct err *e)
{
    bool goes = false;

    if (namespace_goes(cx, op, kube_ns(repo), &goes, e))
        return err_code(e);
    if (goes) {
        *state = WIPE_IMPOSSIBLE;
        (void)err_set(why, RC_UNSUPPORTED,
                      "the namespace is being deleted too, and no Job can begin in it");
        return RC_OK;
    }
    if (wipe_create(cx, op, repo, name, why) == RC_OK)
        return RC_OK;
    if (why->retry || why->code == RC_CANCELLED || why->code == RC_CONFLICT) {
        *e = *why; /* the server is busy: come again */
        return err_code(e);
    }
    *state = WIPE_FAILED;
    return RC_OK;
}

enum rc
wipe_go_on(struct ctx *cx, struct operator* op, const struct json *repo, enum wipe *state,
           struct err *why, struct ctl_result *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = wipe_name(repo);
    CLEANUP(json_free_ptr) struct json *job = cache_get(op->jobs, kube_ns(repo), name);
    char text[WHY_TEXT];
    enum outcome o;

    *state = WIPE_GOING;
    out->requeue_after_ms = POLL_MS;
    /* The garbage collector deletes what belongs to it first; a Job of ours would be among that. */
    if (kube_has_finalizer(repo, "foregroundDeletion") || (job != NULL && kube_is_deleting(job))) {
        out->requeue_after_ms = SOON_MS;
        return RC_OK;
    }
    if (job == NULL)
        return wipe_begin(cx, op, repo, name, state, why, e);
    if (job_outcome(cx, op, kube_ns(repo), name, &o, text, e))
        return err_code(e);
    if (o == OUTCOME_DONE)
        *state = WIPE_DONE;
    if (o == OUTCOME_DEAD || o == OUTCOME_WAITING) {
        *state = WIPE_FAILED;
        (void)err_set(why, RC_UNAVAILABLE, "%s", text);
    }
    return o == OUTCOME_DEAD ? wipe_retry(cx, op, repo, job, out, e) : RC_OK;
}

enum rc
wipe_stop(struct ctx *cx, struct operator* op, const struct json *repo, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = wipe_name(repo);

    if (!cache_has(op->jobs, kube_ns(repo), name))
        return RC_OK;
    return ensure_gone(cx, op, &KUBE_JOB, kube_ns(repo), name, "Background", e);
}
