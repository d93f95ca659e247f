/* SPDX-License-Identifier: Apache-2.0 */
/* cstash delete: objects of a cluster, until they are gone. */
#include "base/clock.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "kube/object.h"

enum { POLL_MIN_MS = 50, POLL_MAX_MS = 1000 };

enum mode { MODE_REAL, MODE_SERVER, MODE_CLIENT };

struct delete_args {
    struct app_opts app;
    enum { BACKGROUND, FOREGROUND, ORPHAN, CASCADE_TRUE } cascade;
    enum mode mode;
    bool wait, ignore_not_found;
    int timeout_ms;  /* OPT_UNSET: forever */
    int64_t grace_s; /* below 0: that of the pods */
    struct object_choice objects;
    struct cluster_access cluster;
};
static const char *const cascades[] = {"background", "foreground", "orphan", "true", NULL};
static const char *const modes[] = {"none", "server", "client", NULL};
static const struct opt opts_delete[] = {
    {"cascade", 0, OPT_ENUM_BARE(struct delete_args, cascade, cascades, "background", "true"),
     "background|foreground|orphan", "how to delete dependents"},
    {"wait", 0, OPT_BOOL_PRESET(struct delete_args, wait, "true"), NULL,
     "wait until the objects are gone"},
    {"timeout", 0, OPT_MS(struct delete_args, timeout_ms, NULL), NULL,
     "how long to wait [forever]"},
    {"grace-period", 0, OPT_COUNT(struct delete_args, grace_s, -1, INT32_MAX, NULL), "SECONDS",
     "seconds that pods get to terminate"},
    {"ignore-not-found", 0, OPT_BOOL(struct delete_args, ignore_not_found), NULL,
     "ignore missing objects"},
    {"dry-run", 0, OPT_ENUM_BARE(struct delete_args, mode, modes, "none", "true"), NULL,
     "check only, change nothing"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_all, offsetof(struct delete_args, objects)},
    {opts_delete, 0},
    GROUPS_OBJECTS(struct delete_args, objects),
    {opts_cluster_access, offsetof(struct delete_args, cluster)},
    {opts_app, 0},
    {.table = NULL},
};

struct deleting {
    struct cluster_client c;
    struct cluster_objects objs;
    struct kube_delete_opts how;
    enum mode mode;
    int timeout_ms;
    bool wait, ignore;
};

/* Deleted now, or (ignore) not there: `*was` says. */
static enum rc
delete_one(struct deleting *d, const struct cluster_object *o, bool *was, struct err *e)
{
    static const char *const suffix[] = {"", " (server dry run)", " (dry run)"};
    enum rc rc = RC_OK;

    *was = false;
    if (o->res == NULL)
        return err_set(e, RC_NOT_FOUND, "error when deleting \"%s\": no matches for kind \"%s\"",
                       o->from, json_text_or(json_field(o->obj, "kind"), ""));
    if (d->mode != MODE_CLIENT)
        rc = kube_delete(d->c.cx, d->c.k, &o->res->kind, o->ns, o->name, &d->how, e);
    if (rc == RC_NOT_FOUND && d->ignore)
        return RC_OK;
    if (rc != RC_OK)
        return o->from != NULL ? err_wrap(e, "error when deleting \"%s\"", o->from) : rc;
    (void)printf("%s \"%s\" deleted%s\n", o->res->kind_group, o->name, suffix[d->mode]);
    (void)fflush(stdout);
    *was = d->mode == MODE_REAL;
    return RC_OK;
}

/* One of that name that is not being deleted is another one. */
static enum rc
wait_gone(struct deleting *d, const struct cluster_object *o, int64_t until, struct err *e)
{
    for (int ms = POLL_MIN_MS;; ms = MIN(ms * 2, POLL_MAX_MS)) {
        CLEANUP(json_free_ptr) struct json *obj = NULL;
        enum rc rc = kube_get(d->c.cx, d->c.k, &o->res->kind, o->ns, o->name, &obj, e);
        if (rc == RC_NOT_FOUND || (rc == RC_OK && !kube_is_deleting(obj)))
            return RC_OK;
        if (rc != RC_OK)
            return rc;
        if (until > 0 && clock_mono_ms() >= until)
            return err_set(e, RC_TIMEOUT, "timed out waiting for the condition on %s/%s",
                           o->res->kind.plural, o->name);
        if (ctx_sleep(d->c.cx, ms, e))
            return err_code(e);
    }
}

static enum rc
delete_all(struct deleting *d, const struct delete_args *a, struct err *e)
{
    CLEANUP(mem_free_ptr) bool *was = NULL;
    int64_t until = d->timeout_ms > 0 ? clock_mono_ms() + d->timeout_ms : 0;

    if (cluster_objects(&d->c, &a->objects, &a->app.words, false, &d->objs, e))
        return err_code(e);
    if (d->objs.n == 0 && d->c.failed == 0)
        (void)puts("No resources found");
    was = (bool *)mem_zero(d->objs.n + 1, sizeof(bool));
    for (size_t i = 0; i < d->objs.n; i++) {
        struct err why = ERR_INIT;
        if (delete_one(d, &d->objs.v[i], &was[i], &why) == RC_OK)
            continue;
        if (why.code == RC_CANCELLED) {
            *e = why;
            return err_code(e);
        }
        cluster_tell(&d->c, &why);
    }
    for (size_t i = 0; i < d->objs.n; i++)
        if (was[i] && d->wait && wait_gone(d, &d->objs.v[i], until, e))
            return err_code(e);
    return cluster_outcome(&d->c, e);
}

static struct deleting
delete_begin(const struct delete_args *a)
{
    static const char *const policies[] = {"Background", "Foreground", "Orphan", "Background"};

    return (struct deleting){.how = {.propagation = policies[a->cascade],
                                     .dry_run = a->mode == MODE_SERVER,
                                     .grace_s = MAX(a->grace_s, (int64_t)0),
                                     .has_grace = a->grace_s >= 0},
                             .mode = a->mode,
                             .timeout_ms = a->timeout_ms,
                             .wait = a->wait,
                             .ignore = a->ignore_not_found || a->objects.all ||
                                       a->objects.selector != NULL};
}

static enum rc
kube_delete_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct delete_args *a = args;
    struct deleting d = delete_begin(a);
    enum rc rc;

    if (a->objects.files.n == 0 && a->app.words.n == 0)
        return err_set(e, RC_USAGE,
                       "You must provide one or more resources by argument or filename");
    rc = cluster_open(cx, &a->cluster, a->objects.all_namespaces, &d.c, e);
    if (rc == RC_OK)
        rc = delete_all(&d, a, e);
    cluster_objects_release(&d.objs);
    cluster_close(&d.c);
    return rc;
}

const struct command cmd_delete = {.name = "delete",
                                   .usage = "-f FILE | TYPE NAME... | TYPE/NAME...",
                                   .summary = "delete objects",
                                   .groups = groups,
                                   .size = sizeof(struct delete_args),
                                   .words_max = OPT_LIST_MAX,
                                   .run = kube_delete_main};
