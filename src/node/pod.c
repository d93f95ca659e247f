/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods become processes. Each look at a Pod reads its containers' files (process.h), does the next
 * step -- volumes, init containers in their order, the others -- and writes the status that
 * follows from what it saw. Nothing is remembered, so nothing is lost when this process dies.
 */
#include "node/pod.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"

enum { AGAIN_MS = 3000, SOON_MS = 50, GRACE_S = 30, KILL_AGAIN_MS = 200 };

/* ---- containers and their files ---- */

static void
pod_look(struct pod_visit *p, struct pod_list *l, const char *field)
{
    const struct json *list = json_dig(p->pod, "spec", field);

    l->n = json_size(list);
    l->all = (struct pod_container *)mem_zero(l->n + 1, sizeof(*l->all));
    for (size_t i = 0; i < l->n; i++) {
        struct pod_container *c = &l->all[i];
        c->spec = json_elem(list, i);
        c->name = json_text_or(json_field(c->spec, "name"), "");
        proc_look(p->dir, c->name, &c->proc);
    }
}

static void
pod_release(struct pod_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        proc_release(&l->all[i].proc);
    mem_free(l->all);
}

static size_t
pod_count_running(const struct pod_visit *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->init.n; i++)
        n += p->init.all[i].proc.phase == PROC_RUNNING ? 1 : 0;
    for (size_t i = 0; i < p->main.n; i++)
        n += p->main.all[i].proc.phase == PROC_RUNNING ? 1 : 0;
    return n;
}

static void
pod_signal(const struct pod_visit *p, int sig)
{
    for (size_t i = 0; i < p->init.n; i++)
        if (p->init.all[i].proc.phase == PROC_RUNNING)
            proc_signal(&p->init.all[i].proc, sig);
    for (size_t i = 0; i < p->main.n; i++)
        if (p->main.all[i].proc.phase == PROC_RUNNING)
            proc_signal(&p->main.all[i].proc, sig);
}

/* Be called again when something that runs ends. */
static void
pod_watch(struct pod_visit *p, const struct pod_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct proc_state *s = &l->all[i].proc;
        if (s->phase != PROC_RUNNING)
            continue;
        if (s->shim > 0)
            process_watch_add(p->r, s->shim, p->key);
        if (s->shim == 0 || s->pid == 0)
            requeue_by(p->out, SOON_MS); /* its shim is about to say more */
    }
}

/* ---- steps ---- */

static enum rc
pod_start_container(struct ctx *cx, struct pod_visit *p, struct pod_container *c, int attempt,
                    struct err *e)
{
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    pid_t shim = 0;

    if (container_spec(cx, p->r, p->pod, c->spec, &spec, &c->why, e)) {
        if (c->why.reason == NULL)
            return err_code(e);
        recorder_event(cx, p->r->pod_events, p->pod, "Warning", "Failed", "Error: %s",
                       c->why.message);
        requeue_by(p->out, AGAIN_MS);
        return RC_OK;
    }
    if (proc_start(p->dir, c->name, spec, attempt, &shim, e))
        return err_code(e);
    process_watch_add(p->r, shim, p->key);
    recorder_event(cx, p->r->pod_events, p->pod, "Normal", "Started", "Started container %s",
                   c->name);
    requeue_by(p->out, SOON_MS);
    proc_release(&c->proc);
    c->proc.phase = PROC_RUNNING;
    c->proc.attempt = attempt;
    return RC_OK;
}

/* An ended container that is to run again; false: not now, or never. */
static bool
pod_restart_is_due(struct pod_visit *p, struct pod_container *c, bool init)
{
    const char *policy = json_text_or(json_dig(p->pod, "spec", "restartPolicy"), "Always");
    int64_t wait = 10000, ended = kube_time_ms(json_field(c->proc.file, "finishedAt"));
    int64_t now = clock_real_ms();

    if (strcmp(policy, "Never") == 0 || (c->proc.code == 0 && (init || policy[0] == 'O')))
        return false;
    c->restarts = true;
    for (int i = 0; i < c->proc.attempt && wait < 300000; i++)
        wait *= 2;
    wait = MIN(wait, 300000);
    if (now >= ended + wait)
        return true;
    requeue_by(p->out, ended + wait - now);
    return false;
}

static enum rc
pod_step_container(struct ctx *cx, struct pod_visit *p, struct pod_container *c, bool init,
                   struct err *e)
{
    if (c->proc.phase == PROC_NONE)
        return pod_start_container(cx, p, c, 0, e);
    if (c->proc.phase == PROC_ENDED && pod_restart_is_due(p, c, init))
        return pod_start_container(cx, p, c, c->proc.attempt + 1, e);
    return RC_OK;
}

static bool
pod_is_done(const struct pod_container *c)
{
    return c->proc.phase == PROC_ENDED && c->proc.code == 0 && !c->restarts;
}

/* Volumes, then the first init container that is not done, or all the others. */
static enum rc
pod_step(struct ctx *cx, struct pod_visit *p, struct err *e)
{
    size_t i;

    if (pod_count_running(p) == 0 && pod_volumes(cx, p->r, p->pod, &p->why, e)) {
        if (p->why.reason == NULL)
            return err_code(e);
        recorder_event(cx, p->r->pod_events, p->pod, "Warning",
                       strcmp(p->why.reason, "Unschedulable") == 0 ? "FailedScheduling"
                                                                   : "FailedMount",
                       "%s", p->why.message);
        requeue_by(p->out, AGAIN_MS);
        return RC_OK;
    }
    for (i = 0; i < p->init.n; i++)
        if (!pod_is_done(&p->init.all[i]))
            return pod_step_container(cx, p, &p->init.all[i], true, e);
    p->initialized = true;
    for (i = 0; i < p->main.n; i++)
        if (pod_step_container(cx, p, &p->main.all[i], false, e))
            return err_code(e);
    return RC_OK;
}

/* ---- the ends ---- */

/* Is there one that has not said yet which process it is? */
static bool
pod_is_nameless(const struct pod_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->all[i].proc.phase == PROC_RUNNING && l->all[i].proc.pid == 0)
            return true;
    return false;
}

/*
 * SIGTERM once (a file remembers it), and SIGKILL when `until` (unix ms) has come. True: nothing
 * runs.
 */
static bool
pod_stop(struct pod_visit *p, int64_t until)
{
    CLEANUP(mem_free_ptr) char *told = mem_printf("%s/told", p->dir);
    int64_t now = clock_real_ms();
    struct err bad = ERR_INIT;

    if (pod_count_running(p) == 0)
        return true;
    if (now >= until) {
        pod_signal(p, SIGKILL);
    } else if (access(told, F_OK) != 0 && !pod_is_nameless(&p->init) &&
               !pod_is_nameless(&p->main)) {
        pod_signal(p, SIGTERM);
        if (fs_write_file(told, STR_LIT(""), 0600, &bad))
            log_debug("%s", bad.msg); /* it is told again */
    }
    requeue_by(p->out, now >= until ? KILL_AGAIN_MS : until - now);
    return false;
}

static void
pod_clean_volumes(struct pod_visit *p)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/volumes", p->dir);

    proc_remove_tree(path);
}

static enum rc
pod_delete(struct ctx *cx, struct pod_visit *p, struct err *e)
{
    const struct json *grace = json_dig(p->pod, "metadata", "deletionGracePeriodSeconds");

    if (!pod_stop(p, kube_time_ms(json_dig(p->pod, "metadata", "deletionTimestamp"))))
        return pod_write_status(cx, p, e);
    pod_clean_volumes(p);
    if (grace == NULL) /* somebody's finalizer is waited for */
        return RC_OK;
    if (pod_write_status(cx, p, e))
        return err_code(e);
    return node_delete(cx, p->r, &KUBE_POD, p->pod, NULL, 0, e);
}

/* 0: none; else the unix ms at which the Pod has run long enough. */
static int64_t
pod_deadline(const struct pod_visit *p)
{
    int64_t s = json_int_or(json_dig(p->pod, "spec", "activeDeadlineSeconds"), 0);
    int64_t began = kube_time_ms(json_dig(p->pod, "status", "startTime"));

    return s > 0 && began > 0 ? began + s * 1000 : 0;
}

static enum rc
pod_past_deadline(struct ctx *cx, struct pod_visit *p, int64_t deadline, struct err *e)
{
    int64_t grace = json_int_or(json_dig(p->pod, "spec", "terminationGracePeriodSeconds"), GRACE_S);

    if (!pod_stop(p, deadline + grace * 1000))
        return RC_OK;
    p->failed_reason = "DeadlineExceeded";
    p->failed_message = "Pod was active on the node longer than the specified deadline";
    return pod_write_status(cx, p, e);
}

/* ---- one Pod ---- */

static bool
pod_is_terminal(const struct json *pod)
{
    const char *phase = json_text_or(json_dig(pod, "status", "phase"), "");

    return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

static enum rc
pod_write_mark(struct pod_visit *p, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = mem_printf("%s/pod", p->dir);

    if (access(path, F_OK) == 0)
        return RC_OK;
    return fs_make_dirs(p->dir, 0700, e) ? err_code(e)
                                         : fs_write_file(path, str_c(p->key), 0600, e);
}

/* This machine is the only node. */
static enum rc
pod_bind(struct ctx *cx, struct pod_visit *p, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *patch = json_new_object();
    struct json *now = NULL;

    json_set_cstr(json_need_object(patch, "spec"), "nodeName", p->r->node);
    json_set_cstr(json_need_object(patch, "metadata"), "resourceVersion", kube_version(p->pod));
    if (kube_patch(cx, p->r->k, &KUBE_POD, kube_ns(p->pod), kube_name(p->pod), KUBE_PATCH_MERGE,
                   patch, NULL, &now, e))
        return err_code(e);
    cache_note(p->r->pods, now);
    p->before = p->pod; /* the containers point into it */
    p->pod = now;
    recorder_event(cx, p->r->pod_events, p->pod, "Normal", "Scheduled",
                   "Successfully assigned %s to %s", p->key, p->r->node);
    return RC_OK;
}

static enum rc
pod_tend(struct ctx *cx, struct pod_visit *p, struct err *e)
{
    int64_t deadline = pod_deadline(p), now = clock_real_ms();
    enum rc rc;

    pod_watch(p, &p->init);
    pod_watch(p, &p->main);
    if (kube_is_deleting(p->pod))
        return pod_delete(cx, p, e);
    if (pod_is_terminal(p->pod)) {
        if (pod_stop(p, 0))
            pod_clean_volumes(p);
        return RC_OK;
    }
    if (deadline != 0 && now >= deadline)
        return pod_past_deadline(cx, p, deadline, e);
    if (deadline != 0)
        requeue_by(p->out, deadline - now);
    if (pod_write_mark(p, e) ||
        (json_text_or(json_dig(p->pod, "spec", "nodeName"), "")[0] == '\0' && pod_bind(cx, p, e)))
        return err_code(e);
    rc = pod_step(cx, p, e);
    return rc != RC_OK ? rc : pod_write_status(cx, p, e);
}

enum rc
pod_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name, struct ctl_result *out,
              struct err *e)
{
    struct node *r = (struct node *)arg;
    struct pod_visit p = {.r = r, .out = out, .pod = cache_get(r->pods, ns, name)};
    enum rc rc = RC_OK;

    p.key = workq_key(ns, name);
    if (pod_clean_other(r, p.key, kube_uid(p.pod), out) && p.pod != NULL) {
        p.dir = pod_dir(r, kube_uid(p.pod));
        pod_look(&p, &p.init, "initContainers");
        pod_look(&p, &p.main, "containers");
        rc = pod_tend(cx, &p, e);
        pod_release(&p.init);
        pod_release(&p.main);
    }
    json_free(p.pod);
    json_free(p.before);
    mem_free(p.dir);
    mem_free(p.key);
    return rc;
}
