/* SPDX-License-Identifier: Apache-2.0 */
/* One run becomes a Job. Source: Stash. */
#include "api/names.h"
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/podspec.h"

char *
run_job_name(const struct run *r)
{
    CLEANUP(mem_free_ptr)
    char *at = r->hook == NULL ? mem_printf("%zu", r->index)
                               : mem_strdup(strncmp(r->hook, "pre", 3) == 0 ? "pre" : "post");

    return name_of(NAME_MAX_LABEL, r->inv->restore ? "stash-restore" : "stash-backup",
                   json_text_or(json_dig(r->session, "metadata", "name"), ""), at);
}

static struct json *
find_task(void *arg, const char *name)
{
    return cache_get(((struct operator*)arg)->task.cache, NULL, name);
}

static struct json *
find_function(void *arg, const char *name)
{
    return cache_get(((struct operator*)arg)->function.cache, NULL, name);
}

static struct podspec_in
podspec_of(struct operator* op, const struct run *r)
{
    return (struct podspec_in){
        .inv = r->inv,
        .session = kube_name(r->session),
        .image = op->opts->image,
        .pushgateway_url = op->opts->pushgateway_url,
        .pull_secrets = op->opts->pull_secrets,
        .cluster_uid = op->cluster_uid,
        .task = find_task,
        .function = find_function,
        .arg = op,
    };
}

static enum rc
build_pod(struct operator* op, const struct run *r, const struct json *app,
          const struct json *safety, struct json **out, struct err *e)
{
    struct podspec_in in = podspec_of(op, r);
    struct backend b;
    enum rc rc;

    in.repo = r->repo;
    in.backend = &b;
    in.app_binding = app;
    in.safety = safety;
    if (backend_decode(json_dig(r->repo, "spec", "backend"), &b, e))
        return err_code(e);
    rc = podspec_build(&in, out, e);
    backend_release(&b);
    return rc;
}

/* "cstash" of "registry:5000/mirror/cstash:1@sha256:..". */
static struct str
image_name(const char *image)
{
    const char *slash = strrchr(image, '/');

    image = slash != NULL ? slash + 1 : image;
    return str_of(image, strcspn(image, ":@"));
}

static void
find_foreign(const struct operator* op, const struct json *containers, char note[static RUN_NOTE])
{
    static const char *const steps[] = {"backup-redis", "restore-redis", "update-status"};

    for (size_t i = 0; i < json_size(containers) && note[0] == '\0'; i++) {
        const struct json *c = json_elem(containers, i);
        const char *first = json_text_or(json_elem(json_field(c, "args"), 0), ""),
                   *image = json_text_or(json_field(c, "image"), "");

        for (size_t s = 0; s < ARRAY_LEN(steps); s++)
            if (strcmp(first, steps[s]) == 0 &&
                !str_eq(image_name(image), image_name(op->opts->image)))
                (void)snprintf(
                    note, RUN_NOTE,
                    "The Function of container %.63s runs image %.200s, not cstash's: is "
                    "the catalog of Stash still there? `cstash catalog | kubectl apply "
                    "--server-side --force-conflicts -f -` makes it ours.",
                    json_text_or(json_field(c, "name"), ""), image);
    }
}

enum rc
run_check(struct ctx *cx, struct operator* op, const struct invoker *inv, const struct json *repo,
          char note[static RUN_NOTE], struct err *e)
{
    CLEANUP(json_free_ptr) struct json *app = target_app(cx, op, inv);
    struct run r = {.inv = inv, .session = inv->obj, .repo = repo};
    struct json *pod;

    if (build_pod(op, &r, app, NULL, &pod, e))
        return err_code(e);
    note[0] = '\0';
    find_foreign(op, json_field(pod, "initContainers"), note);
    find_foreign(op, json_field(pod, "containers"), note);
    json_free(pod);
    return RC_OK;
}

static struct json *
build_job(const struct run *r, const char *name, const char *account, struct json *take_pod)
{
    struct json *job = kube_object_new(&KUBE_JOB, r->inv->ns, name),
                *spec = json_need_object(job, "spec"),
                *template = json_need_object(spec, "template"),
                *labels = json_need_object(json_need_object(template, "metadata"), "labels");
    const struct json *rt = json_field(r->inv->runtime, "pod");

    json_set(kube_meta(job), "labels", invoker_labels(r->inv));
    (void)kube_set_owner(job, r->session, true);
    json_set_int(spec, "backoffLimit", 0);
    if (r->deadline_ms != 0)
        json_set_int(spec, "activeDeadlineSeconds",
                     MAX((r->deadline_ms - clock_real_ms() + 999) / 1000, 1));
    json_merge_fields(labels, json_field(rt, "podLabels"));
    json_merge_fields(labels, json_dig(job, "metadata", "labels"));
    if (json_size(json_field(rt, "podAnnotations")) > 0)
        json_set(json_field(template, "metadata"), "annotations",
                 json_clone(json_field(rt, "podAnnotations")));
    json_set_cstr(take_pod, "serviceAccountName", account);
    json_set(template, "spec", take_pod);
    return job;
}

/* The claim of interimVolumeTemplate, once per session. */
static enum rc
ensure_interim(struct ctx *cx, struct operator* op, const struct run *r, struct err *e)
{
    const struct json *t = r->inv->interim, *notes = json_dig(t, "metadata", "annotations");
    CLEANUP(json_free_ptr) struct json *ours = NULL;
    struct json *pvc;
    char *name;
    enum rc rc;

    if (t == NULL)
        return RC_OK;
    ours = invoker_labels(r->inv);
    name = podspec_interim_name(r->inv, kube_name(r->session));
    pvc = kube_object_new(&KUBE_PERSISTENT_VOLUME_CLAIM, r->inv->ns, name);
    json_merge_fields(json_need_object(kube_meta(pvc), "labels"),
                      json_dig(t, "metadata", "labels"));
    json_merge_fields(json_field(kube_meta(pvc), "labels"), ours);
    if (json_size(notes) > 0)
        json_set(kube_meta(pvc), "annotations", json_clone(notes));
    (void)kube_set_owner(pvc, r->session, true);
    json_set(pvc, "spec", json_clone(json_field(t, "spec")));
    rc = kube_create(cx, op->k, &KUBE_PERSISTENT_VOLUME_CLAIM, r->inv->ns, pvc, NULL, NULL, e);
    json_free(pvc);
    mem_free(name);
    return rc == RC_EXISTS ? RC_OK : rc;
}

static const char *
run_role(const struct run *r)
{
    return r->inv->restore ? "stash-restore-job" : "stash-backup-job";
}

/* A hook of the whole batch: it reads no Redis and no Repository. */
static enum rc
create_hook_job(struct ctx *cx, struct operator* op, const struct run *r, const char *name,
                struct err *e)
{
    struct podspec_in in = podspec_of(op, r);
    CLEANUP(mem_free_ptr) char *account = grant_account(r->inv);
    CLEANUP(mem_free_ptr) char *grant = grant_name(r->inv);
    CLEANUP(json_free_ptr)
    struct json *job = build_job(r, name, account, podspec_build_hook(&in, r->hook));

    if (ensure_account(cx, op, r->inv, grant, account, run_role(r), e))
        return err_code(e);
    return create_owned(cx, op, op->jobs, &KUBE_JOB, job, e);
}

static enum rc
create_job(struct ctx *cx, struct operator* op, const struct run *r, const char *name,
           struct err *e)
{
    CLEANUP(json_free_ptr) struct json *app = NULL;
    CLEANUP(json_free_ptr) struct json *safety = NULL;
    CLEANUP(json_free_ptr) struct json *job = NULL;
    CLEANUP(mem_free_ptr) char *account = grant_account(r->inv);
    CLEANUP(mem_free_ptr) char *grant = grant_name(r->inv);
    struct json *pod;
    enum rc rc;

    /* What was allowed once may have been taken back, or the reference changed, since. */
    if (usage_check(cx, op, r->inv, r->repo, e) || target_check(cx, op, r->inv, e) ||
        find_way_back(op, r, &safety, e))
        return err_code(e);
    app = target_app(cx, op, r->inv);
    rc = build_pod(op, r, app, safety, &pod, e);
    if (rc == RC_OK) {
        job = build_job(r, name, account, pod);
        rc = ensure_account(cx, op, r->inv, grant, account, run_role(r), e);
    }
    if (rc == RC_OK)
        rc = ensure_hook_rights(cx, op, r->inv, account, e);
    if (rc == RC_OK)
        rc = ensure_run_rbac(cx, op, r, app, safety, account, e);
    if (rc == RC_OK)
        rc = ensure_interim(cx, op, r, e);
    if (rc == RC_OK)
        rc = create_owned(cx, op, op->jobs, &KUBE_JOB, job, e);
    return rc;
}

/* Is the Job of that name the session's own? Another one's is on its way out, or must be taken out of the way. */
static enum rc
check_own_job(const struct json *job, const struct run *r, struct err *e)
{
    const struct json *owner = kube_controller_of(job);
    bool namesake = strcmp(json_text_or(json_field(owner, "name"), ""), kube_name(r->session)) == 0;

    if (kube_is_owned_by(job, kube_uid(r->session)))
        return RC_OK;
    (void)err_set(e, RC_EXISTS, "Job %s/%s is of %s", kube_ns(job), kube_name(job),
                  namesake ? "a session of the same name that was deleted, and goes with it"
                           : "somebody else");
    e->retry = namesake || kube_is_deleting(job);
    return err_hint(e, "delete that Job, or name the session otherwise");
}

enum rc
ensure_job(struct ctx *cx, struct operator* op, const struct run *r, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = run_job_name(r);
    CLEANUP(json_free_ptr) struct json *job = cache_get(op->jobs, r->inv->ns, name);

    if (job != NULL)
        return check_own_job(job, r, e);
    return r->hook != NULL ? create_hook_job(cx, op, r, name, e) : create_job(cx, op, r, name, e);
}
