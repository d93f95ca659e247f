/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SnapshotView: a Job that looks into a Repository and keeps the result for whoever asked (cli/view_job), and how far it is.
 *
 * Pod      an init container has the Secret and looks; when it is done, a container without any credentials holds the result in
 *          memory, until it was fetched by exec, once, or nobody came.
 * Rights   exec into that one Pod is granted to spec.user, once nothing else runs in it.
 * Word     the status tells phase and Pod, never what was found: the operator does not see it.
 * End      whoever asked deletes the object; it is deleted here some minutes after its result is gone.
 */
#include "api/names.h"
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/podspec.h"

#define COMPONENT "stash-view"
#define VIEW_FOLDER "/cstash-view" /* as in cli/view_job.h, which says it to the Pod */
#define VIEW_VOLUME "cstash-view"
#define TOKEN_VOLUME "cstash-token"
#define TOKEN_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

enum { KEPT_S = 10 * 60, TOKEN_S = 3607, TOKEN_MODE = 0444, SECOND_MS = 1000 };

/* One reconcile. */
struct view_work {
    struct ctx *cx;
    struct operator* op;
    const struct json *obj;
    struct json *status;
    char *name; /* of its Job and account */
    struct ctl_result *out;
};

/* ---- its Pod ---- */

static struct json *
view_volume(struct json *pod, const char *name)
{
    struct json *v = json_new_object();

    json_set_cstr(v, "name", name);
    json_push(json_need_array(pod, "volumes"), v);
    return v;
}

static void
view_mount(struct json *container, const char *volume, const char *path, bool read_only)
{
    struct json *m = json_new_object();

    json_set_cstr(m, "name", volume);
    json_set_cstr(m, "mountPath", path);
    if (read_only)
        json_set_bool(m, "readOnly", true);
    json_push(json_need_array(container, "volumeMounts"), m);
}

static struct json *
token_source(struct json *sources, const char *kind)
{
    struct json *one = json_new_object(), *s = json_need_object(one, kind);

    json_push(sources, one);
    return s;
}

static void
token_item(struct json *source, const char *key, const char *path)
{
    struct json *item = json_new_object();

    json_set_cstr(item, "key", key);
    json_set_cstr(item, "path", path);
    json_push(json_need_array(source, "items"), item);
}

/* The token of the account, as every Pod has it, for the container that looks alone. */
static void
view_token(struct json *pod, struct json *looker)
{
    struct json *volume = json_need_object(view_volume(pod, TOKEN_VOLUME), "projected"),
                *sources = json_need_array(volume, "sources"),
                *token = token_source(sources, "serviceAccountToken"),
                *ca = token_source(sources, "configMap"),
                *fields = token_source(sources, "downwardAPI"), *item = json_new_object();

    json_set_int(volume, "defaultMode", TOKEN_MODE);
    json_set_cstr(token, "path", "token");
    json_set_int(token, "expirationSeconds", TOKEN_S);
    json_set_cstr(ca, "name", "kube-root-ca.crt");
    token_item(ca, "ca.crt", "ca.crt");
    json_set_cstr(item, "path", "namespace");
    json_set_cstr(json_need_object(item, "fieldRef"), "fieldPath", "metadata.namespace");
    json_push(json_need_array(fields, "items"), item);
    view_mount(looker, TOKEN_VOLUME, TOKEN_FOLDER, true);
}

/* The container that repository_job made becomes the first of two, one after the other. */
static void
view_beside(void *arg, struct json *pod, const struct json *runtime)
{
    const struct view_work *w = arg;
    struct json *looker = json_clone(json_elem(json_field(pod, "containers"), 0)),
                *holder = json_new_object(), *all = json_new_array(),
                *memory = json_need_object(view_volume(pod, VIEW_VOLUME), "emptyDir");

    json_set_cstr(memory, "medium", "Memory");
    json_set_cstr(memory, "sizeLimit", "24Mi");
    view_mount(looker, VIEW_VOLUME, VIEW_FOLDER, false);
    json_set_bool(pod, "automountServiceAccountToken", false);
    if (!w->op->opts->processes)
        view_token(pod, looker);
    json_set_cstr(holder, "name", "hold-view");
    json_set_cstr(holder, "image", w->op->opts->image);
    json_set_cstr(holder, "imagePullPolicy", "IfNotPresent");
    json_push_cstr(json_need_array(holder, "args"), "hold-view");
    json_push_cstr(json_need_array(holder, "args"), VIEW_FOLDER);
    view_mount(holder, VIEW_VOLUME, VIEW_FOLDER, false);
    podspec_secure(holder, runtime);
    json_push(json_need_array(pod, "initContainers"), looker);
    json_push(all, holder);
    json_set(pod, "containers", all);
}

static enum rc
view_start(struct view_work *w, const struct json *repo, struct err *e)
{
    const char *const args[] = {"view", kube_name(w->obj), "view-folder", VIEW_FOLDER, NULL};
    struct repository_job j = {.step = "view-snapshot",
                               .component = COMPONENT,
                               .name = w->name,
                               .repo = repo,
                               .owner = w->obj,
                               .args = args,
                               .cluster_role = "stash-view-job",
                               .beside = view_beside,
                               .arg = w};

    return repository_job_create(w->cx, w->op, &j, e);
}

/* ---- how far it is ---- */

static void
view_tell(struct view_work *w, const char *phase, enum condition_id id, enum condition_state state,
          const char *text)
{
    struct teller to = {w->cx, w->op->snapshotview.events, w->obj,
                        id == COND_VIEW_READY && state == COND_FALSE ? "Warning" : "Normal"};

    json_set_cstr(w->status, "phase", phase);
    if (id == COND_VIEW_READY)
        condition_tell(&to, w->status, id, state, text);
    else
        (void)condition_set(w->status, id, state, text);
}

static bool
view_is(const struct view_work *w, const char *phase)
{
    return strcmp(json_text_or(json_field(w->status, "phase"), ""), phase) == 0;
}

/* Whoever asked may run commands in the Pod, where nothing is left but what he asked for. */
static enum rc
view_grant(struct view_work *w, const char *pod, struct err *e)
{
    const char *user = json_text_or(json_dig(w->obj, "spec", "user"), "");
    CLEANUP(mem_free_ptr) char *name = name_of(NAME_MAX_LABEL, NULL, w->name, "user");
    CLEANUP(json_free_ptr) struct json *labels = json_new_object();
    CLEANUP(json_free_ptr) struct json *rules = json_new_array();
    const struct grant g = {.ns = kube_ns(w->obj),
                            .name = name,
                            .user = user,
                            .labels = labels,
                            .owner = w->obj,
                            .rules = rules};

    if (*user == '\0')
        return RC_OK;
    json_set_cstr(labels, LABEL_COMPONENT, COMPONENT);
    json_set_cstr(labels, LABEL_MANAGED_BY, MANAGED_BY_STASH);
    json_push(rules, grant_exec(pod));
    return ensure_grant(w->cx, w->op, &g, e);
}

/* How long the object stays when its result is gone. Asked for also of objects that are not valid. */
static int64_t
view_kept_ms(const struct view_work *w)
{
    int64_t s = json_int_or(json_dig(w->obj, "spec", "ttlSecondsAfterFinished"), KEPT_S);

    return MIN(MAX(s, (int64_t)0), (int64_t)INT32_MAX) * SECOND_MS;
}

static const struct json *
view_container(const struct json *pod, const char *list)
{
    return json_dig(json_elem(json_dig(pod, "status", list), 0), "state");
}

/* Of a Job that goes on: its Pod. `waits`: for what; "" for nothing out of the ordinary. */
static enum rc
view_look(struct view_work *w, const char *waits, struct err *e)
{
    CLEANUP(mem_free_ptr) char *key = key2(kube_ns(w->obj), w->name);
    CLEANUP(json_free_ptr) struct json *pods = cache_by(w->op->pods, BY_JOB, key);
    const struct json *pod = json_elem(pods, 0);

    if (json_field(view_container(pod, "containerStatuses"), "running") != NULL) {
        if (view_grant(w, kube_name(pod), e))
            return err_code(e);
        json_set_cstr(w->status, "pod", kube_name(pod));
        view_tell(w, "Ready", COND_VIEW_READY, COND_TRUE, NULL);
        return RC_OK;
    }
    if (json_field(view_container(pod, "initContainerStatuses"), "running") != NULL)
        view_tell(w, "Running", COND_VIEW_GOING, COND_FALSE, "The repository is being read.");
    else
        view_tell(w, "Pending", COND_VIEW_GOING, COND_FALSE,
                  *waits != '\0' ? waits : "Its Pod has not started yet.");
    return RC_OK;
}

static enum rc
view_go_on(struct view_work *w, struct err *e)
{
    char why[WHY_TEXT] = "";
    enum outcome o = OUTCOME_GOING;

    if (job_outcome(w->cx, w->op, kube_ns(w->obj), w->name, &o, why, e))
        return err_code(e);
    if (o == OUTCOME_GOING || o == OUTCOME_WAITING) {
        w->out->requeue_after_ms = OPERATOR_RETRY_MS;
        return view_is(w, "Ready") ? RC_OK : view_look(w, why, e);
    }
    w->out->requeue_after_ms = view_kept_ms(w);
    if (o == OUTCOME_DONE || view_is(w, "Ready"))
        view_tell(w, "Expired", COND_VIEW_EXPIRED, COND_FALSE, NULL);
    else
        view_tell(w, "Failed", COND_VIEW_READY, COND_FALSE, why);
    return RC_OK;
}

static enum rc
view_begin(struct view_work *w, struct err *e)
{
    const char *ns = kube_ns(w->obj),
               *name = json_text_or(json_dig(w->obj, "spec", "repository", "name"), "");
    CLEANUP(json_free_ptr) struct json *repo = cache_get(w->op->repository.cache, ns, name);
    struct err why = ERR_INIT;

    w->out->requeue_after_ms = OPERATOR_RETRY_MS;
    if (repo == NULL && clock_real_ms() - kube_created_ms(w->obj) < OPERATOR_RETRY_MS) {
        view_tell(w, "Pending", COND_VIEW_GOING, COND_FALSE, "Its Repository is not known yet.");
        return RC_OK;
    }
    if (repo == NULL) {
        (void)err_set(&why, RC_NOT_FOUND, "Repository %s/%s does not exist.", ns, name);
    } else if (view_start(w, repo, &why) == RC_OK) {
        return view_look(w, "", e);
    } else if (why.retry || why.code == RC_CANCELLED || why.code == RC_CONFLICT) {
        *e = why;
        return err_code(e);
    }
    view_tell(w, "Failed", COND_VIEW_READY, COND_FALSE, why.msg);
    return RC_OK;
}

/* It is over. When it has been for a while, the object goes. */
static enum rc
view_end(struct view_work *w, struct err *e)
{
    const struct json *c = condition_find(w->status, "Ready");
    int64_t since = kube_time_ms(json_field(c, "lastTransitionTime")),
            left = MAX(since, kube_created_ms(w->obj)) + view_kept_ms(w) - clock_real_ms();

    if (left <= 0)
        return ensure_gone(w->cx, w->op, &GVR_SNAPSHOT_VIEW, kube_ns(w->obj), kube_name(w->obj),
                           "Background", e);
    w->out->requeue_after_ms = left + SECOND_MS;
    return RC_OK;
}

static enum rc
view_step(struct view_work *w, struct err *e)
{
    bool started = cache_has(w->op->jobs, kube_ns(w->obj), w->name);

    json_set_int(w->status, "observedGeneration", kube_generation(w->obj));
    if (view_is(w, "Failed") || view_is(w, "Expired"))
        return view_end(w, e);
    if (object_is_bad(w->cx, w->op->snapshotview.events, &kind_snapshotview, w->obj, w->status)) {
        view_tell(w, "Failed", COND_VIEW_READY, COND_FALSE,
                  "It is not valid: see the condition ValidationPassed.");
        w->out->requeue_after_ms = view_kept_ms(w);
        return RC_OK;
    }
    return started || view_is(w, "Ready") || view_is(w, "Running") ? view_go_on(w, e)
                                                                   : view_begin(w, e);
}

static enum rc
view_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name, struct ctl_result *out,
               struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *obj = cache_get(op->snapshotview.cache, ns, name);
    CLEANUP(json_free_ptr) struct json *now = NULL;
    CLEANUP(mem_free_ptr) char *job = NULL;
    struct view_work w = {.cx = cx, .op = op, .obj = obj, .out = out};
    enum rc rc;

    if (obj == NULL || kube_is_deleting(obj)) /* what it made goes with it */
        return RC_OK;
    now = json_clone(obj);
    job = repository_job_name("stash-view", obj);
    w.name = job;
    w.status = json_need_object(now, "status");
    rc = view_step(&w, e);
    if (rc == RC_OK)
        rc = write_status(cx, op, op->snapshotview.cache, &GVR_SNAPSHOT_VIEW, obj, now, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* ---- whom it concerns ---- */

/* A Pod's Job, which is a view's by its name and owner: the Pod says more, and sooner. */
static void
map_pod(void *arg, const struct json *pod, struct workq *q)
{
    struct cache *jobs = (struct cache *)arg;
    const struct json *owner = kube_controller_of(pod);
    CLEANUP(json_free_ptr) struct json *job = NULL;

    if (strcmp(json_text_or(json_field(owner, "kind"), ""), KUBE_JOB.kind) != 0)
        return;
    job = cache_get(jobs, kube_ns(pod), json_text_or(json_field(owner, "name"), ""));
    if (job != NULL)
        controller_map_owner((void *)(uintptr_t)GVR_SNAPSHOT_VIEW.kind, job, q);
}

static void
view_wire(struct operator* op, struct watched *own)
{
    controller_watch(own->ctl, op->jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_SNAPSHOT_VIEW.kind);
    controller_watch(own->ctl, op->pods, map_pod, op->jobs);
}

const struct watched_ops watched_snapshotview = {.reconcile = view_reconcile,
                                                 .component = "SnapshotView Controller",
                                                 .optional = true,
                                                 .wire = view_wire};
