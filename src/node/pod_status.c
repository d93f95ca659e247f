/* SPDX-License-Identifier: Apache-2.0 */
/* What is seen of a Pod, in the words of a kubelet. Source: Kubernetes pkg/kubelet/kubelet_pods.go.
 */
#include "base/mem.h"
#include "node/pod.h"

#define ADDRESS "127.0.0.1"

static const struct json *
status_before(const struct pod_visit *p, const char *list, const char *name)
{
    const struct json *all = json_dig(p->pod, "status", list);

    for (size_t i = 0; i < json_size(all); i++)
        if (strcmp(json_text_or(json_field(json_elem(all, i), "name"), ""), name) == 0)
            return json_elem(all, i);
    return NULL;
}

static struct json *
status_terminated(const struct pod_visit *p, const struct pod_container *c)
{
    static const char *const kept[] = {"exitCode", "signal",    "reason",
                                       "message",  "startedAt", "finishedAt"};
    struct json *t = json_new_object();
    CLEANUP(mem_free_ptr)
    char *id = mem_printf("cstash://%s/%s/%d", kube_uid(p->pod), c->name, c->proc.attempt);

    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_field(c->proc.file, kept[i]) != NULL)
            json_set(t, kept[i], json_clone(json_field(c->proc.file, kept[i])));
    json_set_cstr(t, "containerID", id);
    return t;
}

static void
status_set_waiting(struct json *state, const char *reason, const char *message)
{
    struct json *w = json_need_object(state, "waiting");

    json_set_cstr(w, "reason", reason);
    if (message != NULL && message[0] != '\0')
        json_set_cstr(w, "message", message);
}

static void
status_set_state(const struct pod_visit *p, const struct pod_container *c, const struct json *old,
                 struct json *out)
{
    struct json *state = json_need_object(out, "state");
    const struct json *began = json_dig(old, "state", "running", "startedAt");
    char now[API_TIME_TEXT];

    if (c->proc.phase == PROC_RUNNING) {
        struct json *run = json_need_object(state, "running");
        const struct json *at = json_field(c->proc.file, "startedAt");
        if (at == NULL)
            at = began;
        json_set(run, "startedAt", at != NULL ? json_clone(at) : json_new_cstr(node_now(now)));
    } else if (c->why.reason != NULL) {
        status_set_waiting(state, c->why.reason, c->why.message);
    } else if (c->proc.phase == PROC_ENDED && c->restarts) {
        CLEANUP(mem_free_ptr)
        char *text = mem_printf("back-off restarting failed container %s", c->name);
        status_set_waiting(state, "CrashLoopBackOff", text);
        json_set(json_need_object(out, "lastState"), "terminated", status_terminated(p, c));
    } else if (c->proc.phase == PROC_ENDED) {
        json_set(state, "terminated", status_terminated(p, c));
    } else if (p->why.reason != NULL) {
        status_set_waiting(state, p->why.reason, p->why.message);
    } else {
        status_set_waiting(state, p->initialized ? "ContainerCreating" : "PodInitializing", NULL);
    }
}

static void
status_add_container(const struct pod_visit *p, const struct pod_container *c, bool init,
                     struct json *list, const char *list_name)
{
    const struct json *old = status_before(p, list_name, c->name);
    struct json *out = json_new_object();
    const char *image = json_text_or(json_field(c->spec, "image"), "");
    bool running = c->proc.phase == PROC_RUNNING;
    bool done = c->proc.phase == PROC_ENDED && c->proc.code == 0 && !c->restarts;

    json_set_cstr(out, "name", c->name);
    status_set_state(p, c, old, out);
    if (json_field(out, "lastState") == NULL)
        json_set(out, "lastState",
                 json_field(old, "lastState") != NULL ? json_clone(json_field(old, "lastState"))
                                                      : json_new_object());
    json_set_bool(out, "ready", init ? done : running);
    json_set_int(out, "restartCount", c->proc.attempt);
    json_set_cstr(out, "image", image);
    json_set_cstr(out, "imageID", c->proc.phase == PROC_NONE ? "" : image);
    if (c->proc.phase != PROC_NONE) {
        CLEANUP(mem_free_ptr)
        char *id = mem_printf("cstash://%s/%s/%d", kube_uid(p->pod), c->name, c->proc.attempt);
        json_set_cstr(out, "containerID", id);
    }
    json_set_bool(out, "started", init ? false : running);
    json_push(list, out);
}

/* Succeeded and Failed only when nothing runs and nothing will. */
static const char *
status_phase(const struct pod_visit *p)
{
    bool any = false, over = true, failed = false;

    if (p->failed_reason != NULL)
        return "Failed";
    for (size_t i = 0; i < p->init.n; i++) {
        const struct pod_container *c = &p->init.all[i];
        if (c->proc.phase == PROC_ENDED && c->proc.code != 0 && !c->restarts)
            return "Failed";
    }
    for (size_t i = 0; i < p->main.n; i++) {
        const struct pod_container *c = &p->main.all[i];
        any = any || c->proc.phase != PROC_NONE;
        over = over && c->proc.phase == PROC_ENDED && !c->restarts;
        failed = failed || (c->proc.phase == PROC_ENDED && c->proc.code != 0);
    }
    if (over && p->main.n > 0)
        return failed ? "Failed" : "Succeeded";
    return any ? "Running" : "Pending";
}

static void
status_set_condition(const struct pod_visit *p, struct json *list, const char *type, bool is_so,
                     const char *reason, const char *message)
{
    const struct json *old = json_dig(p->pod, "status", "conditions");
    const char *status = is_so ? "True" : "False";
    struct json *c = json_new_object();
    char now[API_TIME_TEXT];

    json_set_cstr(c, "type", type);
    json_set_cstr(c, "status", status);
    json_set_cstr(c, "lastTransitionTime", node_now(now));
    json_set(c, "lastProbeTime", json_new_null());
    json_set_cstr(c, "reason", reason);
    json_set_cstr(c, "message", message);
    for (size_t i = 0; i < json_size(old); i++) {
        const struct json *o = json_elem(old, i);
        if (strcmp(json_text_or(json_field(o, "type"), ""), type) == 0 &&
            strcmp(json_text_or(json_field(o, "status"), ""), status) == 0)
            json_set(c, "lastTransitionTime", json_clone(json_field(o, "lastTransitionTime")));
    }
    json_push(list, c);
}

static void
status_set_conditions(const struct pod_visit *p, const char *phase, struct json *status)
{
    struct json *list = json_need_array(status, "conditions");
    bool over = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
    bool stuck = p->why.reason != NULL && strcmp(p->why.reason, "Unschedulable") == 0;
    const char *why = over ? "PodCompleted" : "ContainersNotReady";
    bool ready = !over && p->main.n > 0, initialized = true;

    if (over && strcmp(phase, "Failed") == 0)
        why = "PodFailed";
    for (size_t i = 0; i < p->main.n; i++)
        ready = ready && p->main.all[i].proc.phase == PROC_RUNNING;
    for (size_t i = 0; i < p->init.n; i++)
        initialized =
            initialized && p->init.all[i].proc.phase == PROC_ENDED && p->init.all[i].proc.code == 0;
    status_set_condition(p, list, "Initialized", initialized,
                         initialized ? (over ? why : NULL) : "ContainersNotInitialized", NULL);
    status_set_condition(p, list, "Ready", ready, ready ? NULL : why, NULL);
    status_set_condition(p, list, "ContainersReady", ready, ready ? NULL : why, NULL);
    status_set_condition(p, list, "PodScheduled", !stuck, stuck ? "Unschedulable" : NULL,
                         stuck ? p->why.message : NULL);
}

static void
status_set_addresses(const struct pod_visit *p, struct json *status)
{
    const struct json *began = json_dig(p->pod, "status", "startTime");
    struct json *one = json_new_object();
    char now[API_TIME_TEXT];

    json_set(status, "startTime", began != NULL ? json_clone(began) : json_new_cstr(node_now(now)));
    json_set_cstr(status, "hostIP", ADDRESS);
    json_set_cstr(status, "podIP", ADDRESS);
    json_set_cstr(one, "ip", ADDRESS);
    json_push(json_need_array(status, "hostIPs"), json_clone(one));
    json_push(json_need_array(status, "podIPs"), one);
}

struct json *
pod_status(const struct pod_visit *p)
{
    struct json *status = json_new_object();
    const char *phase = status_phase(p);

    json_set_cstr(status, "phase", phase);
    json_set_cstr(status, "reason", p->failed_reason);
    json_set_cstr(status, "message", p->failed_message);
    status_set_conditions(p, phase, status);
    status_set_addresses(p, status);
    for (size_t i = 0; i < p->init.n; i++)
        status_add_container(p, &p->init.all[i], true,
                             json_need_array(status, "initContainerStatuses"),
                             "initContainerStatuses");
    for (size_t i = 0; i < p->main.n; i++)
        status_add_container(p, &p->main.all[i], false,
                             json_need_array(status, "containerStatuses"), "containerStatuses");
    json_set_cstr(status, "qosClass",
                  json_text_or(json_dig(p->pod, "status", "qosClass"), "BestEffort"));
    return status;
}

enum rc
pod_write_status(struct ctx *cx, struct pod_visit *p, struct err *e)
{
    return node_put_status(cx, p->r, &KUBE_POD, p->r->pods, p->pod, pod_status(p), e);
}
