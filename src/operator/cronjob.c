/* SPDX-License-Identifier: Apache-2.0 */
/* The CronJob that creates a BackupSession at each slot, and its account. Source: Stash. */
#include "api/names.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/podspec.h"

static char *
cron_job_name(const struct invoker *inv)
{
    CLEANUP(mem_free_ptr) char *far = NULL;

    if (strcmp(inv->target_ns, inv->ns) != 0)
        far = mem_printf("%s-%s", inv->ns, inv->name);
    return name_of(NAME_MAX_CRONJOB, "stash-trigger", far != NULL ? far : inv->name, NULL);
}

static struct json *
trigger_container(struct operator* op, const struct invoker *inv)
{
    static const char *const parts[] = {"resources", "env", "envFrom"};
    const struct json *rt = json_field(inv->runtime, "container");
    struct json *c = json_new_object(), *args, *ns = json_new_object();
    char *name = mem_printf("--invoker-name=%s", inv->name),
         *kind = mem_printf("--invoker-kind=%s", inv->kind);

    json_set_cstr(c, "name", "stash-trigger");
    json_set_cstr(c, "image", op->opts->image);
    json_set_cstr(c, "imagePullPolicy", "IfNotPresent");
    json_set_cstr(c, "terminationMessagePolicy", "FallbackToLogsOnError");
    args = json_need_array(c, "args");
    json_push_cstr(args, "create-backupsession");
    json_push_cstr(args, name);
    json_push_cstr(args, kind);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (json_field(rt, parts[i]) != NULL)
            json_set(c, parts[i], json_clone(json_field(rt, parts[i])));
    json_set_cstr(ns, "name", "POD_NAMESPACE");
    json_set_cstr(json_need_object(json_need_object(ns, "valueFrom"), "fieldRef"), "fieldPath",
                  "metadata.namespace");
    json_push(json_need_array(c, "env"), ns);
    podspec_secure(c, inv->runtime);
    mem_free(name);
    mem_free(kind);
    return c;
}

static struct json *
cron_job(struct operator* op, const struct invoker *inv, const char *name, const char *account)
{
    struct json *cj = kube_object_new(&KUBE_CRON_JOB, inv->ns, name),
                *spec = json_need_object(cj, "spec"), *job = json_need_object(spec, "jobTemplate"),
                *pod = json_need_object(json_need_object(job, "spec"), "template"), *labels;

    json_set(kube_meta(cj), "labels", invoker_labels(inv));
    (void)kube_set_owner(cj, inv->obj, true);
    json_set_cstr(spec, "schedule", json_text_or(json_field(inv->spec, "schedule"), ""));
    json_set_bool(spec, "suspend", json_is_true(json_field(inv->spec, "paused")));
    labels = invoker_labels(inv);
    json_set_cstr(labels, LABEL_DELETE_JOB, "true");
    json_set(json_need_object(job, "metadata"), "labels", labels);
    json_set(json_need_object(pod, "metadata"), "labels", invoker_labels(inv));
    spec = json_need_object(pod, "spec");
    json_set_cstr(spec, "restartPolicy", "Never");
    json_set_cstr(spec, "serviceAccountName", account);
    json_push(json_need_array(spec, "containers"), trigger_container(op, inv));
    podspec_apply_runtime(spec, inv->runtime, op->opts->pull_secrets);
    return cj;
}

static enum rc
ensure_whole(struct ctx *cx, struct operator* op, const struct invoker *inv, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = cron_job_name(inv);
    const char *given = json_text(json_dig(inv->runtime, "pod", "serviceAccountName")),
               *account = given != NULL ? given : name;
    CLEANUP(json_free_ptr) struct json *cj = cron_job(op, inv, name, account);

    if (ensure_account(cx, op, inv, name, account, "stash-cron-job", e))
        return err_code(e);
    return ensure(cx, op, op->cron_jobs, &KUBE_CRON_JOB, cj, e);
}

enum rc
ensure_cron_job(struct ctx *cx, struct operator* op, const struct invoker *inv, struct err *e)
{
    struct invoker whole;

    invoker_whole(inv, &whole);
    return ensure_whole(cx, op, &whole, e);
}
