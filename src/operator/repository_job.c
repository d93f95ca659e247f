/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Job of ours on the data of a Repository: in its namespace, under an account of its own, with its backend as flags. The
 * operator opens no store: it would do so with its own rights, at addresses that a user chose.
 */
#include "api/backend.h"
#include "api/names.h"
#include "api/notes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/podspec.h"
#include "operator/volume_runtime.h"

enum {
    UID_SHOWN = 8,
    DEADLINE_S = 3600, /* of one attempt */
    RETRY_MIN_MS = 10 * 1000,
    RETRY_MAX_MS = 5 * 60 * 1000,
    SOON_MS = 1000,
    WRITERS_MAX =
        128 /* of those that write into a Repository: so many are asked as whom they run */
};

char *
repository_job_name(const char *prefix, const struct json *of)
{
    CLEANUP(mem_free_ptr) char *tail = mem_printf("%.*s", UID_SHOWN, kube_uid(of));

    return name_of(NAME_MAX_LABEL, prefix, kube_name(of), tail);
}

static struct json *
job_labels(const struct repository_job *j)
{
    struct json *labels = json_new_object();

    json_set_cstr(labels, LABEL_COMPONENT, j->component);
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
job_container(struct operator* op, const struct repository_job *j, const struct backend *b,
              const struct json *runtime)
{
    struct json *c = json_new_object(), *args;
    char connections[STR_INT_MAX + 1] = "";

    (void)str_put_i64(b->max_connections, (uint8_t *)connections);
    json_set_cstr(c, "name", j->step);
    json_set_cstr(c, "image", op->opts->image);
    json_set_cstr(c, "imagePullPolicy", "IfNotPresent");
    json_set_cstr(c, "terminationMessagePolicy", "FallbackToLogsOnError");
    args = json_need_array(c, "args");
    json_push_cstr(args, j->step);
    add_arg(args, "namespace", kube_ns(j->repo));
    add_arg(args, "provider", b->provider);
    add_arg(args, "bucket", b->bucket);
    add_arg(args, "endpoint", b->endpoint);
    add_arg(args, "region", b->region);
    add_arg(args, "path", b->prefix);
    add_arg(args, "max-connections", connections);
    add_arg(args, "storage-secret-name", b->secret);
    if (b->insecure_tls)
        json_push_cstr(args, "--insecure-tls");
    for (const char *const *more = j->args; more != NULL && *more != NULL; more += 2)
        add_arg(args, more[0], more[1]);
    podspec_local_mount(j->repo, b, c);
    podspec_secure(c, runtime);
    return c;
}

/* As whom it runs; the caller frees. */
static struct json *
job_runtime(struct operator* op, const struct repository_job *j)
{
    CLEANUP(mem_free_ptr) char *key = key2(kube_ns(j->repo), kube_name(j->repo));
    CLEANUP(json_free_ptr)
    struct json *writers =
        cache_first_by(op->backupconfiguration.cache, BY_REPOSITORY, key, WRITERS_MAX);
    CLEANUP(json_free_ptr)
    struct json *batches = cache_first_by(op->backupbatch.cache, BY_REPOSITORY, key, WRITERS_MAX);

    for (size_t i = 0; i < json_size(batches); i++)
        json_push(writers, json_ref(json_elem(batches, i)));
    return volume_runtime(j->repo, writers);
}

/* The spec of its Job. */
static void
job_spec(struct operator* op, const struct repository_job *j, const struct backend *b,
         struct json *spec)
{
    CLEANUP(json_free_ptr) struct json *runtime = job_runtime(op, j);
    struct json *template = json_need_object(spec, "template"),
                *pod = json_need_object(template, "spec");

    json_set_int(spec, "backoffLimit", 0);
    json_set_int(spec, "activeDeadlineSeconds", j->deadline_s > 0 ? j->deadline_s : DEADLINE_S);
    json_set(json_need_object(template, "metadata"), "labels", job_labels(j));
    json_set_cstr(pod, "restartPolicy", "Never");
    json_set_cstr(pod, "serviceAccountName", j->name);
    json_set_bool(pod, "enableServiceLinks", false);
    podspec_local_volume(j->repo, pod);
    json_push(json_need_array(pod, "containers"), job_container(op, j, b, runtime));
    if (j->beside != NULL)
        j->beside(j->arg, pod, runtime);
    podspec_apply_runtime(pod, runtime, op->opts->pull_secrets);
}

static struct json *
job_object(struct operator* op, const struct repository_job *j, const struct backend *b)
{
    struct json *job = kube_object_new(&KUBE_JOB, kube_ns(j->repo), j->name);

    json_set(kube_meta(job), "labels", job_labels(j));
    kube_set_annotation(job, NOTE_SHOW_SNAPSHOTS, j->due);
    (void)kube_set_owner(job, j->owner, true);
    job_spec(op, j, b, json_need_object(job, "spec"));
    return job;
}

static struct json *
cron_object(struct operator* op, const struct repository_job *j, const struct repository_cron *c,
            const struct backend *b)
{
    struct json *cj = kube_object_new(&KUBE_CRON_JOB, kube_ns(j->repo), j->name),
                *spec = json_need_object(cj, "spec"), *job = json_need_object(spec, "jobTemplate"),
                *meta = json_need_object(job, "metadata");

    json_set(kube_meta(cj), "labels", job_labels(j));
    (void)kube_set_owner(cj, j->owner, true);
    json_set_cstr(spec, "schedule", c->schedule);
    json_set_bool(spec, "suspend", c->paused);
    json_set_cstr(spec, "concurrencyPolicy", "Forbid");
    json_set_int(spec, "successfulJobsHistoryLimit", c->history);
    json_set_int(spec, "failedJobsHistoryLimit", c->history);
    json_set(meta, "labels", job_labels(j));
    json_set_cstr(json_need_object(meta, "annotations"), c->note, kube_name(j->owner));
    job_spec(op, j, b, json_need_object(job, "spec"));
    return cj;
}

static enum rc
job_account(struct ctx *cx, struct operator* op, const struct repository_job *j,
            const struct backend *b, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *labels = job_labels(j);
    CLEANUP(json_free_ptr) struct json *rules = json_new_array();
    CLEANUP(mem_free_ptr) char *role_name = name_of(NAME_MAX_LABEL, NULL, j->name, "job");
    struct grant g = {.ns = kube_ns(j->repo),
                      .name = j->name,
                      .account_ns = kube_ns(j->repo),
                      .account = j->name,
                      .labels = labels,
                      .owner = j->owner,
                      .rules = rules};
    CLEANUP(json_free_ptr)
    struct json *account = kube_object_new(&KUBE_SERVICE_ACCOUNT, kube_ns(j->repo), j->name);

    json_set(kube_meta(account), "labels", json_ref(labels));
    (void)kube_set_owner(account, j->owner, true);
    json_push(rules, grant_get("", "secrets", b->secret));
    if (ensure(cx, op, op->accounts, &KUBE_SERVICE_ACCOUNT, account, e) ||
        ensure_grant(cx, op, &g, e))
        return err_code(e);
    g.name = role_name;
    return j->cluster_role == NULL ? RC_OK : ensure_cluster_grant(cx, op, &g, j->cluster_role, e);
}

/* `c` NULL: a Job, now. */
static enum rc
job_make(struct ctx *cx, struct operator* op, const struct repository_job *j,
         const struct repository_cron *c, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    struct backend b;
    enum rc rc;

    if (object_fits(&kind_repository, j->repo, e) ||
        backend_decode(json_dig(j->repo, "spec", "backend"), &b, e))
        return err_code(e);
    if (b.secret == NULL)
        rc = err_set(e, RC_INVALID, "spec.backend.storageSecretName is empty");
    else
        rc = job_account(cx, op, j, &b, e);
    if (rc == RC_OK) {
        obj = c != NULL ? cron_object(op, j, c, &b) : job_object(op, j, &b);
        rc = c != NULL ? ensure(cx, op, op->cron_jobs, &KUBE_CRON_JOB, obj, e)
                       : create_owned(cx, op, op->jobs, &KUBE_JOB, obj, e);
    }
    backend_release(&b);
    return rc;
}

enum rc
repository_job_create(struct ctx *cx, struct operator* op, const struct repository_job *j,
                      struct err *e)
{
    return job_make(cx, op, j, NULL, e);
}

enum rc
repository_cron_ensure(struct ctx *cx, struct operator* op, const struct repository_job *j,
                       const struct repository_cron *c, struct err *e)
{
    return job_make(cx, op, j, c, e);
}

/* The longer it went on in vain, the longer until it is tried again. */
static int64_t
job_retry_at(const struct json *of, const struct json *job)
{
    const struct json *c = condition_find(json_field(job, "status"), "Failed");
    int64_t since = kube_time_ms(json_dig(of, "metadata", "deletionTimestamp")),
            at = kube_time_ms(json_field(c, "lastTransitionTime"));

    if (at == 0)
        at = clock_real_ms();
    return at + MIN(MAX((at - since) / 2, RETRY_MIN_MS), RETRY_MAX_MS);
}

enum rc
repository_job_retry(struct ctx *cx, struct operator* op, const struct json *of,
                     const struct json *job, struct ctl_result *out, struct err *e)
{
    int64_t left = job_retry_at(of, job) - clock_real_ms();

    if (left > 0) {
        out->requeue_after_ms = left;
        return RC_OK;
    }
    out->requeue_after_ms = SOON_MS;
    return ensure_gone(cx, op, &KUBE_JOB, kube_ns(job), kube_name(job), "Background", e);
}

enum rc
namespace_goes(struct ctx *cx, struct operator* op, const char *ns, bool *goes, struct err *e)
{
    return object_goes(cx, op, &KUBE_NAMESPACE, NULL, ns, goes, e);
}

enum rc
object_goes(struct ctx *cx, struct operator* op, const struct kube_gvr *kind, const char *ns,
            const char *name, bool *goes, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_get(cx, op->k, kind, ns, name, &obj, &why);

    *goes = rc == RC_NOT_FOUND || (rc == RC_OK && kube_is_deleting(obj));
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = why;
    return rc;
}
