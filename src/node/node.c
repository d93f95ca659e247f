/* SPDX-License-Identifier: Apache-2.0 */
/* Caches and controllers, their start and end. */
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/node_internal.h"

enum { POD_WORKERS = 4, JOB_WORKERS = 2 };

static struct cache *
cache_of(struct runner *r, const struct kube_kind *kind)
{
    struct cache_opts o = {.kind = kind};
    struct cache *c = manager_cache(r->m, &o);

    return c;
}

static enum rc
add_controller(struct runner *r, const char *name, reconcile_fn *fn, int workers,
               struct controller **out, struct err *e)
{
    struct controller_opts o = {.name = name, .reconcile = fn, .arg = r, .workers = workers};

    if (controller_new(&o, out, e))
        return e->code;
    manager_add(r->m, *out);
    return RC_OK;
}

static enum rc
set_up(struct runner *r, struct err *e)
{
    static char job[] = "Job", cron_job[] = "CronJob";

    r->cron_jobs = cache_of(r, &KUBE_CRON_JOB);
    r->jobs = cache_of(r, &KUBE_JOB);
    r->pods = cache_of(r, &KUBE_POD);
    r->claims = cache_of(r, &KUBE_PERSISTENT_VOLUME_CLAIM);
    cache_add_index(r->jobs, BY_OWNER, cache_index_owner);
    cache_add_index(r->pods, BY_OWNER, cache_index_owner);
    if (add_controller(r, "cronjob", run_cron_job, 1, &r->cron_ctl, e) ||
        add_controller(r, "job", run_job, JOB_WORKERS, &r->job_ctl, e) ||
        add_controller(r, "pod", run_pod, POD_WORKERS, &r->pod_ctl, e) ||
        add_controller(r, "claim", run_claim, 1, &r->claim_ctl, e))
        return e->code;
    controller_watch(r->cron_ctl, r->cron_jobs, controller_map_self, NULL);
    controller_watch(r->cron_ctl, r->jobs, controller_map_owner, cron_job);
    controller_watch(r->job_ctl, r->jobs, controller_map_self, NULL);
    controller_watch(r->job_ctl, r->pods, controller_map_owner, job);
    controller_watch(r->pod_ctl, r->pods, controller_map_self, NULL);
    controller_watch(r->claim_ctl, r->claims, controller_map_self, NULL);
    return RC_OK;
}

static struct recorder *
recorder_for(struct runner *r, const char *component)
{
    struct recorder_opts o = {.component = component, .host = r->node};

    return recorder_new(r->k, &o);
}

/* Pods are bound to it, and people look for it. */
static void
put_node(struct runner *r)
{
    CLEANUP(json_free_ptr) struct json *node = kube_object_new(&KUBE_NODE, NULL, r->node);
    struct json *status = json_need_object(node, "status"), *c = json_new_object(),
                *address = json_new_object();
    struct kube_write w = {.subresource = "status"};
    struct err e = ERR_INIT;
    char now[API_TIME_TEXT];

    kube_set_label(node, "kubernetes.io/hostname", r->node);
    json_set_cstr(c, "type", "Ready");
    json_set_cstr(c, "status", "True");
    json_set_cstr(c, "reason", "KubeletReady");
    json_set_cstr(c, "message", "the plane runs");
    json_set_cstr(c, "lastTransitionTime", run_now(now));
    json_set_cstr(c, "lastHeartbeatTime", now);
    json_push(json_need_array(status, "conditions"), c);
    json_set_cstr(address, "type", "InternalIP");
    json_set_cstr(address, "address", "127.0.0.1");
    json_push(json_need_array(status, "addresses"), address);
    json_set_cstr(json_need_object(status, "nodeInfo"), "kubeletVersion", "cstash-" CSTASH_VERSION);
    if (kube_create(r->cx, r->k, &KUBE_NODE, NULL, node, NULL, NULL, &e) && e.code != RC_EXISTS)
        log_debug("no node: %s", e.msg);
    if (kube_update(r->cx, r->k, &KUBE_NODE, node, &w, NULL, &e))
        log_debug("no status of the node: %s", e.msg);
}

static void
name_node(struct runner *r)
{
    if (gethostname(r->node, sizeof(r->node) - 1) != 0 || r->node[0] == '\0')
        (void)snprintf(r->node, sizeof(r->node), "localhost");
    for (char *p = r->node; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
        else if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *p) == NULL)
            *p = '-';
    }
}

static enum rc
run_all(struct runner *r, struct err *e)
{
    enum rc rc;

    if (set_up(r, e) || run_pods_begin(r->cx, r, e) || run_watch_begin(r, e))
        return e->code;
    run_claims_begin(r);
    put_node(r);
    rc = manager_run(r->cx, r->m, e);
    return rc == RC_CANCELLED ? RC_OK : rc;
}

enum rc
plane_controllers_run(struct ctx *cx, struct plane *p, struct kube *k,
                      const struct plane_run_opts *opts, struct err *e)
{
    static const struct plane_run_opts none;
    struct runner r = {.cx = cx,
                       .plane = p,
                       .k = k,
                       .opts = opts != NULL ? opts : &none,
                       .m = manager_new(k),
                       .watch_fd = -1};
    char self[4096] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    enum rc rc;

    self[n > 0 ? n : 0] = '\0';
    r.program = mem_strdup(self);
    r.kubeconfig = r.opts->kubeconfig != NULL ? r.opts->kubeconfig : plane_kubeconfig(p);
    (void)pthread_mutex_init(&r.lock, NULL);
    name_node(&r);
    r.cron_events = recorder_for(&r, "cronjob-controller");
    r.job_events = recorder_for(&r, "job-controller");
    r.pod_events = recorder_for(&r, "kubelet");
    rc = run_all(&r, e);
    if (rc != RC_OK)
        ctx_cancel(cx); /* the thread that watches waits for it */
    run_watch_end(&r);
    manager_free(r.m);
    run_pods_end(&r);
    recorder_free(r.cron_events);
    recorder_free(r.job_events);
    recorder_free(r.pod_events);
    (void)pthread_mutex_destroy(&r.lock);
    mem_free(r.program);
    return rc;
}
