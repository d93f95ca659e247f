/* SPDX-License-Identifier: Apache-2.0 */
/* cstash logs: what the containers of a pod wrote. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "cli/pod_log.h"
#include "kube/object.h"
#include "kube/selector.h"

enum { LINE_BYTES = 16 * 1024 * 1024 };

#define DEFAULT_CONTAINER "kubectl.kubernetes.io/default-container"

enum { TAIL_ALL = -1, TAIL_OF_MANY = 10 };

struct logs_args {
    struct app_opts app;
    const char *container, *selector;
    bool all_containers, follow, previous, timestamps, prefix;
    int64_t tail; /* TAIL_ALL, or lines; below both: not given */
    int since_ms; /* OPT_UNSET: all */
    struct cluster_access cluster;
};
static const struct opt opts_logs[] = {
    {"container", 'c', OPT_TEXT_OR_NONE(struct logs_args, container), "NAME",
     "print the logs of this container"},
    {"all-containers", 0, OPT_BOOL(struct logs_args, all_containers), NULL,
     "print the logs of all containers"},
    {"follow", 'f', OPT_BOOL(struct logs_args, follow), NULL, "stream the logs"},
    {"previous", 'p', OPT_BOOL(struct logs_args, previous), NULL,
     "print the logs before the last restart"},
    {"tail", 0, OPT_COUNT(struct logs_args, tail, TAIL_ALL, INT64_MAX, NULL), "LINES",
     "number of lines to print from the end; -1: all"},
    {"since", 0, OPT_MS(struct logs_args, since_ms, NULL), NULL,
     "only logs newer than this, such as 5m"},
    {"timestamps", 0, OPT_BOOL(struct logs_args, timestamps), NULL, "print timestamps"},
    {"prefix", 0, OPT_BOOL(struct logs_args, prefix), NULL,
     "prefix each line with pod and container"},
    {"selector", 'l', OPT_TEXT_OR_NONE(struct logs_args, selector), "A=B", "select pods by labels"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_logs, 0},
    {opts_cluster_access, offsetof(struct logs_args, cluster)},
    {opts_app, 0},
    {.table = NULL},
};

struct logging {
    struct cluster_client c;
    const struct logs_args *a;
    const char *container; /* NULL: the default one */
    struct pod_log_opts how;
};

/* The container to read when none is named: said so if there are others. */
static const char *
default_container(const struct json *pod)
{
    static const char *const lists[] = {"containers", "ephemeralContainers", "initContainers"};
    static const char *const notes[] = {"", " (ephem)", " (init)"};
    CLEANUP(buf_release) struct buf names = BUF_INIT(LINE_BYTES);
    const char *noted = kube_annotation(pod, DEFAULT_CONTAINER), *first = NULL;
    size_t n = 0;

    for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
        const struct json *list = json_dig(pod, "spec", lists[k]);
        for (size_t i = 0; i < json_size(list); i++, n++) {
            const char *name = json_text_or(json_field(json_elem(list, i), "name"), "");
            if (first == NULL || (noted != NULL && strcmp(noted, name) == 0))
                first = name;
            buf_must_printf(&names, "%s%s%s", n > 0 ? ", " : "", name, notes[k]);
        }
    }
    if (n > 1 && noted == NULL)
        log_info("Defaulted container \"%s\" out of: %s", first, buf_c(&names));
    return first;
}

static enum rc
log_pod(struct logging *l, const struct json *pod, struct err *e)
{
    const char *one = l->container;

    if (l->a->all_containers)
        return pod_log_all(l->c.cx, l->c.k, pod, &l->how, e);
    return pod_log(l->c.cx, l->c.k, pod, one != NULL ? one : default_container(pod), &l->how, e);
}

/* The newest pod that an object's selector means. */
static enum rc
pod_of(struct logging *l, const struct resource_arg *t, struct json **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    CLEANUP(json_free_ptr) struct json *pods = NULL;
    CLEANUP(mem_free_ptr) char *text = NULL;
    const struct json *selector, *best = NULL;
    struct kube_list_opts o = {.kind = &KUBE_POD, .ns = l->c.ns};

    if (kube_get(l->c.cx, l->c.k, &t->res->kind, l->c.ns, t->name, &obj, e))
        return err_code(e);
    if (t->res->kind.group[0] == '\0' && strcmp(t->res->kind.plural, "pods") == 0) {
        *out = TAKE(obj);
        return RC_OK;
    }
    selector = json_dig(obj, "spec", "selector");
    if (json_size(selector) == 0)
        return err_set(e, RC_UNSUPPORTED, "cannot get the logs from %s: no pods belong to it",
                       t->res->plural_group);
    if (kube_selector_text(selector, &text, e))
        return err_code(e);
    o.label_selector = text;
    if (kube_list(l->c.cx, l->c.k, &o, &pods, NULL, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(pods); i++)
        if (best == NULL || kube_created_ms(json_elem(pods, i)) > kube_created_ms(best))
            best = json_elem(pods, i);
    if (best == NULL)
        return err_set(e, RC_NOT_FOUND, "no pods found for %s/%s", t->res->kind_group, t->name);
    if (json_size(pods) > 1)
        log_info("Found %zu pods, using pod/%s", json_size(pods), kube_name(best));
    *out = json_ref(best);
    return RC_OK;
}

static enum rc
log_selected(struct logging *l, struct err *e)
{
    struct kube_list_opts o = {.kind = &KUBE_POD, .ns = l->c.ns, .label_selector = l->a->selector};
    CLEANUP(json_free_ptr) struct json *pods = NULL;

    if (kube_list(l->c.cx, l->c.k, &o, &pods, NULL, e))
        return err_code(e);
    if (json_size(pods) == 0)
        log_info("No resources found in %s namespace.", l->c.ns);
    for (size_t i = 0; i < json_size(pods); i++)
        if (log_pod(l, json_elem(pods, i), e))
            return err_code(e);
    return RC_OK;
}

static enum rc
log_named(struct logging *l, struct err *e)
{
    CLEANUP(targets_release) struct targets t = {.v = NULL};
    CLEANUP(json_free_ptr) struct json *pod = NULL;
    const struct opt_list *given = &l->a->app.words;
    const char *words[2] = {"pods", given->v[0]};
    bool pair = strchr(given->v[0], '/') != NULL;

    if (given->n == 2) /* POD CONTAINER */
        l->container = given->v[1];
    if (targets_parse(&l->c.known, pair ? words + 1 : words, pair ? 1 : 2, &t, e) ||
        pod_of(l, &t.v[0], &pod, e))
        return err_code(e);
    return log_pod(l, pod, e);
}

/* How much, for the server. */
static void
logs_range(const struct logs_args *a, struct logging *l)
{
    int64_t tail = a->tail;

    if (tail < TAIL_ALL && a->selector != NULL && !a->follow)
        tail = TAIL_OF_MANY; /* as kubectl: of many pods not everything */
    if (tail >= 0)
        (void)snprintf(l->how.tail, sizeof(l->how.tail), "%lld", (long long)tail);
    if (a->since_ms > 0)
        (void)snprintf(l->how.since_s, sizeof(l->how.since_s), "%d", (a->since_ms + 999) / 1000);
}

static enum rc
kube_logs_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct logs_args *a = args;
    struct logging l = {.a = a,
                        .container = a->container,
                        .how = {.follow = a->follow,
                                .previous = a->previous,
                                .timestamps = a->timestamps,
                                .prefix = a->prefix}};
    enum rc rc;

    if ((a->app.words.n > 0) == (a->selector != NULL))
        return err_set(e, RC_USAGE, "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'");
    logs_range(a, &l);
    rc = cluster_open(cx, &a->cluster, false, &l.c, e);
    if (rc == RC_OK) {
        struct err why = ERR_INIT;
        rc = a->selector != NULL ? log_selected(&l, &why) : log_named(&l, &why);
        if (rc == RC_CANCELLED) {
            *e = why;
        } else if (rc != RC_OK) {
            cluster_tell(&l.c, &why);
            rc = cluster_outcome(&l.c, e);
        }
    }
    cluster_close(&l.c);
    return rc;
}

const struct command cmd_logs = {.name = "logs",
                                 .usage = "POD [CONTAINER] | TYPE/NAME",
                                 .summary = "print the logs of containers",
                                 .groups = groups,
                                 .size = sizeof(struct logs_args),
                                 .words_max = 2,
                                 .run = kube_logs_main};
