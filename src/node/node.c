/* SPDX-License-Identifier: Apache-2.0 */
/* Caches and controllers, their start and end. */
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/node_internal.h"

enum { POD_WORKERS = 4, JOB_WORKERS = 2 };

static struct cache *
node_cache(struct node *r, const struct kube_gvr *kind)
{
    struct cache_opts o = {.kind = kind};
    struct cache *c = manager_cache(r->m, &o);

    return c;
}

static enum rc
node_add_controller(struct node *r, const char *name, reconcile_fn *fn, int workers,
                    struct controller **out, struct err *e)
{
    struct controller_opts o = {.name = name, .reconcile = fn, .arg = r, .workers = workers};

    if (controller_new(&o, out, e))
        return err_code(e);
    manager_add(r->m, *out);
    return RC_OK;
}

static enum rc
node_set_up(struct node *r, struct err *e)
{
    static char job[] = "Job", cron_job[] = "CronJob";

    r->cron_jobs = node_cache(r, &KUBE_CRON_JOB);
    r->jobs = node_cache(r, &KUBE_JOB);
    r->pods = node_cache(r, &KUBE_POD);
    r->claims = node_cache(r, &KUBE_PERSISTENT_VOLUME_CLAIM);
    cache_add_index(r->jobs, BY_OWNER, cache_index_owner);
    cache_add_index(r->pods, BY_OWNER, cache_index_owner);
    if (node_add_controller(r, "cronjob", cron_job_reconcile, 1, &r->cron_ctl, e) ||
        node_add_controller(r, "job", job_reconcile, JOB_WORKERS, &r->job_ctl, e) ||
        node_add_controller(r, "pod", pod_reconcile, POD_WORKERS, &r->pod_ctl, e) ||
        node_add_controller(r, "claim", claim_reconcile, 1, &r->claim_ctl, e))
        return err_code(e);
    controller_watch(r->cron_ctl, r->cron_jobs, controller_map_self, NULL);
    controller_watch(r->cron_ctl, r->jobs, controller_map_owner, cron_job);
    controller_watch(r->job_ctl, r->jobs, controller_map_self, NULL);
    controller_watch(r->job_ctl, r->pods, controller_map_owner, job);
    controller_watch(r->pod_ctl, r->pods, controller_map_self, NULL);
    controller_watch(r->claim_ctl, r->claims, controller_map_self, NULL);
    return RC_OK;
}

static struct recorder *
node_recorder(struct node *r, const char *component)
{
    struct recorder_opts o = {.component = component, .host = r->node};

    return recorder_new(r->k, &o);
}

/* Pods are bound to it, and people look for it. */
static void
node_register(struct node *r)
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
    json_set_cstr(c, "lastTransitionTime", node_now(now));
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
node_choose_name(struct node *r)
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
node_run_all(struct node *r, struct err *e)
{
    enum rc rc;

    if (node_set_up(r, e) || pod_dirs_begin(r->cx, r, e) || process_watch_begin(r, e))
        return err_code(e);
    claims_begin(r);
    node_register(r);
    rc = manager_run(r->cx, r->m, e);
    return rc == RC_CANCELLED ? RC_OK : rc;
}

char *
node_program(void)
{
    char self[4096] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[n > 0 ? n : 0] = '\0';
    return mem_strdup(self);
}

enum rc
node_run(struct ctx *cx, struct plane *p, struct kube *k, const struct node_opts *opts,
         struct err *e)
{
    static const struct node_opts none;
    struct node r = {.cx = cx,
                     .plane = p,
                     .k = k,
                     .opts = opts != NULL ? opts : &none,
                     .m = manager_new(k),
                     .watch_fd = -1};
    enum rc rc;

    r.program = node_program();
    r.kubeconfig = r.opts->kubeconfig != NULL ? r.opts->kubeconfig : plane_kubeconfig(p);
    (void)pthread_mutex_init(&r.lock, NULL);
    node_choose_name(&r);
    r.cron_events = node_recorder(&r, "cronjob-controller");
    r.job_events = node_recorder(&r, "job-controller");
    r.pod_events = node_recorder(&r, "kubelet");
    rc = node_run_all(&r, e);
    if (rc != RC_OK)
        ctx_cancel(cx); /* the thread that watches waits for it */
    process_watch_end(&r);
    manager_free(r.m);
    pod_dirs_end(&r);
    recorder_free(r.cron_events);
    recorder_free(r.job_events);
    recorder_free(r.pod_events);
    (void)pthread_mutex_destroy(&r.lock);
    mem_free(r.program);
    return rc;
}
