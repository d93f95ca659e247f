/* SPDX-License-Identifier: Apache-2.0 */
/* cstash describe: objects of a cluster with their events. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "cli/print.h"
#include "kube/object.h"

struct describe_args {
    struct app_opts app;
    bool show_events;
    struct object_choice objects;
    struct cluster_access cluster;
};
static const struct opt opts_describe[] = {
    {"show-events", 0, OPT_BOOL_PRESET(struct describe_args, show_events, "true"), NULL,
     "show events"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_describe, 0},
    GROUPS_OBJECTS(struct describe_args, objects),
    {opts_cluster_access, offsetof(struct describe_args, cluster)},
    {opts_app, 0},
    {.table = NULL},
};

static enum rc
describe_one(struct cluster_client *c, const struct describe_args *a,
             const struct cluster_object *o, bool first, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = json_ref(o->obj);

    if (o->from != NULL) { /* that was the file's, not the server's */
        json_free(TAKE(obj));
        if (kube_get(c->cx, c->k, &o->res->kind, o->ns, o->name, &obj, e)) {
            cluster_tell(c, e);
            return RC_OK;
        }
    }
    if (!first)
        (void)fputs("\n\n", stdout);
    return cluster_describe(c->cx, c->k, obj, a->show_events, e);
}

static enum rc
kube_describe_all(struct cluster_client *c, const struct describe_args *a, struct err *e)
{
    CLEANUP(cluster_objects_release) struct cluster_objects objs = {.v = NULL};
    const struct opt_list *words = &a->app.words;
    struct object_choice choice = a->objects;

    choice.all = true; /* without names: all of them */
    for (size_t i = 0; i < words->n; i++)
        choice.all = choice.all && (i == 0) && strchr(words->v[i], '/') == NULL;
    if (cluster_objects(c, &choice, words, true, &objs, e))
        return err_code(e);
    for (size_t i = 0; i < objs.n; i++)
        if (objs.v[i].res != NULL && describe_one(c, a, &objs.v[i], i == 0, e))
            return err_code(e);
    if (objs.n == 0 && c->failed == 0)
        log_info("No resources found%s%s%s", c->all ? "" : " in ", c->all ? "" : c->ns,
                 c->all ? "" : " namespace.");
    return cluster_outcome(c, e);
}

static enum rc
kube_describe_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct describe_args *a = args;
    struct cluster_client c = {.cx = NULL};
    enum rc rc = cluster_open(cx, &a->cluster, a->objects.all_namespaces, &c, e);

    if (rc == RC_OK)
        rc = kube_describe_all(&c, a, e);
    cluster_close(&c);
    return rc;
}

const struct command cmd_describe = {.name = "describe",
                                     .usage = "TYPE [NAME...] | TYPE/NAME...",
                                     .summary = "show objects in detail, with their events",
                                     .groups = groups,
                                     .size = sizeof(struct describe_args),
                                     .words_max = OPT_LIST_MAX,
                                     .run = kube_describe_main};
