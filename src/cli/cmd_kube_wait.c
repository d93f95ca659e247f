/* SPDX-License-Identifier: Apache-2.0 */
/* cstash wait: until objects of a cluster are as they should be. */
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "cli/jsonpath.h"
#include "kube/object.h"

enum { POLL_MIN_MS = 100, POLL_MAX_MS = 1000, VALUE_MAX = 1024 * 1024 };

struct wait_args {
    struct app_opts app;
    const char *wait_for;
    int timeout_ms;
    struct object_choice objects;
    struct cluster_access cluster;
};
static const struct opt opts_wait[] = {
    {"for", 0, OPT_TEXT(struct wait_args, wait_for),
     "create|delete|condition=NAME[=VALUE]|jsonpath=...", "condition to wait for"},
    {"timeout", 0, OPT_MS(struct wait_args, timeout_ms, "30s"), NULL, "how long to wait"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_wait, 0},
    {opts_all, offsetof(struct wait_args, objects)},
    GROUPS_OBJECTS(struct wait_args, objects),
    {opts_cluster_access, offsetof(struct wait_args, cluster)},
    {opts_app, 0},
    {.table = NULL},
};

enum what { FOR_CREATE, FOR_DELETE, FOR_CONDITION, FOR_PATH };

struct waiting {
    struct cluster_client c;
    enum what what;
    char *name;        /* of the condition, or the path */
    const char *value; /* that it should have; NULL: any */
    int64_t until;
};

static enum rc
read_for(struct waiting *w, const char *text, struct err *e)
{
    char *equals;

    if (text == NULL)
        return err_set(e, RC_USAGE, "--for must be given: what to wait for");
    if (strcasecmp(text, "delete") == 0 || strcasecmp(text, "create") == 0) {
        w->what = strcasecmp(text, "delete") == 0 ? FOR_DELETE : FOR_CREATE;
        return RC_OK;
    }
    if (strncmp(text, "condition=", 10) == 0) {
        w->what = FOR_CONDITION;
        w->name = mem_strdup(text + 10);
        equals = strchr(w->name, '=');
        w->value = equals != NULL ? equals + 1 : "true";
        if (equals != NULL)
            *equals = '\0';
        return RC_OK;
    }
    if (strncmp(text, "jsonpath=", 9) == 0) {
        w->what = FOR_PATH;
        w->name = mem_strdup(text + 9);
        equals = strchr(w->name, '}');
        equals = equals != NULL ? strrchr(w->name, '}') + 1 : strchr(w->name, '=');
        if (equals != NULL && *equals == '=') {
            w->value = equals + 1;
            *equals = '\0';
        }
        return RC_OK;
    }
    return err_set(e, RC_USAGE, "--for: unrecognized condition: \"%s\"", text);
}

/* A condition is of no use when it speaks of an older generation. */
static bool
has_condition(const struct waiting *w, const struct json *obj)
{
    const struct json *list = json_dig(obj, "status", "conditions");
    int64_t seen = json_int_or(json_dig(obj, "status", "observedGeneration"), INT64_MAX);

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *c = json_elem(list, i);
        if (strcasecmp(json_text_or(json_field(c, "type"), ""), w->name) != 0)
            continue;
        if (json_int_or(json_field(c, "observedGeneration"), seen) < kube_generation(obj))
            return false;
        return strcasecmp(json_text_or(json_field(c, "status"), ""), w->value) == 0;
    }
    return false;
}

static enum rc
is_met(const struct waiting *w, const struct json *obj, bool *met, struct err *e)
{
    CLEANUP(buf_release) struct buf got = BUF_INIT(VALUE_MAX);

    if (w->what == FOR_CREATE || w->what == FOR_DELETE)
        *met = w->what == FOR_CREATE;
    else if (w->what == FOR_CONDITION)
        *met = has_condition(w, obj);
    else if (jsonpath_print(w->name, obj, &got, e))
        return err_code(e);
    else
        *met = w->value != NULL ? strcmp(buf_c(&got), w->value) == 0 : got.n > 0;
    return RC_OK;
}

static enum rc
wait_one(struct waiting *w, const struct cluster_object *o, struct err *e)
{
    for (int ms = POLL_MIN_MS;; ms = MIN(ms * 2, POLL_MAX_MS)) {
        CLEANUP(json_free_ptr) struct json *obj = NULL;
        enum rc rc = kube_get(w->c.cx, w->c.k, &o->res->kind, o->ns, o->name, &obj, e);
        bool met = rc == RC_NOT_FOUND && w->what == FOR_DELETE;
        if (rc != RC_OK && (rc != RC_NOT_FOUND || w->what > FOR_DELETE))
            return rc;
        if (rc == RC_OK && o->obj != NULL && o->from == NULL && w->what == FOR_DELETE)
            met = kube_uid(obj) != NULL && kube_uid(o->obj) != NULL &&
                  strcmp(kube_uid(obj), kube_uid(o->obj)) != 0;
        if (rc == RC_OK && !met && is_met(w, obj, &met, e))
            return err_code(e);
        if (rc == RC_NOT_FOUND && met && ms == POLL_MIN_MS)
            return RC_OK; /* was not there at all: kubectl says nothing */
        if (met) {
            (void)printf("%s/%s condition met\n", o->res->kind_group, o->name);
            (void)fflush(stdout);
            return RC_OK;
        }
        if (clock_mono_ms() >= w->until)
            return err_set(e, RC_TIMEOUT, "timed out waiting for the condition on %s/%s",
                           o->res->kind.plural, o->name);
        if (ctx_sleep(w->c.cx, (int)MIN(MAX(w->until - clock_mono_ms(), 1), ms), e))
            return err_code(e);
    }
}

static enum rc
wait_all(struct waiting *w, const struct wait_args *a, struct err *e)
{
    CLEANUP(cluster_objects_release) struct cluster_objects objs = {.v = NULL};
    bool fetch = w->what != FOR_CREATE && w->what != FOR_DELETE;

    if (cluster_objects(&w->c, &a->objects, &a->app.words, fetch, &objs, e))
        return err_code(e);
    if (objs.n == 0 && w->c.failed == 0 && w->what != FOR_DELETE)
        return err_set(e, RC_NOT_FOUND, "no matching resources found");
    for (size_t i = 0; i < objs.n; i++) {
        struct err why = ERR_INIT;
        if (objs.v[i].res == NULL)
            (void)err_set(&why, RC_NOT_FOUND, "no type for an object of %s", objs.v[i].from);
        else if (wait_one(w, &objs.v[i], &why) == RC_OK)
            continue;
        if (why.code == RC_CANCELLED) {
            *e = why;
            return err_code(e);
        }
        cluster_tell(&w->c, &why);
    }
    return cluster_outcome(&w->c, e);
}

static enum rc
kube_wait_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct wait_args *a = args;
    struct waiting w = {.what = FOR_CREATE};
    enum rc rc;

    if (read_for(&w, a->wait_for, e))
        return err_code(e);
    w.until = clock_mono_ms() + a->timeout_ms;
    rc = cluster_open(cx, &a->cluster, a->objects.all_namespaces, &w.c, e);
    if (rc == RC_OK)
        rc = wait_all(&w, a, e);
    mem_free(w.name);
    cluster_close(&w.c);
    return rc;
}

const struct command cmd_wait = {.name = "wait",
                                 .usage = "TYPE NAME... | TYPE/NAME...",
                                 .summary = "wait until objects meet a condition",
                                 .groups = groups,
                                 .size = sizeof(struct wait_args),
                                 .words_max = OPT_LIST_MAX,
                                 .run = kube_wait_main};
