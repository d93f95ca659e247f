/* SPDX-License-Identifier: Apache-2.0 */
/* cstash delete: objects of a cluster, until they are gone. */
#include "base/clock.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "kube/object.h"

enum { POLL_MIN_MS = 50, POLL_MAX_MS = 1000 };

static const struct opt opts_delete[] = {
    {"all", 0, OPT_BOOL, OPT_AT(all), NULL, "select all objects of the type"},
    {"cascade", 0, OPT_WORD, OPT_AT(cascade), "background|foreground|orphan",
     "how to delete dependents [background]"},
    {"wait", 0, OPT_WORD, OPT_AT(wait_gone), "true|false",
     "wait until the objects are gone [true]"},
    {"timeout", 0, OPT_TEXT, OPT_AT(timeout), "TIME", "how long to wait [forever]"},
    {"grace-period", 0, OPT_TEXT, OPT_AT(grace), "SECONDS", "seconds that pods get to terminate"},
    {"ignore-not-found", 0, OPT_BOOL, OPT_AT(ignore_not_found), NULL, "ignore missing objects"},
    {"dry-run", 0, OPT_WORD, OPT_AT(dry_run_mode), "none|server|client",
     "check only, change nothing"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_delete,         opts_objects, opts_files,
                                           opts_cluster_access, opts_global,  NULL};

struct deleting {
    struct cluster c;
    struct cluster_objects objs;
    struct kube_delete_opts how;
    int mode; /* of dry runs */
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
    if (d->mode < 2)
        rc = kube_delete(d->c.cx, d->c.k, &o->res->kind, o->ns, o->name, &d->how, e);
    if (rc == RC_NOT_FOUND && d->ignore)
        return RC_OK;
    if (rc != RC_OK)
        return o->from != NULL ? err_wrap(e, "error when deleting \"%s\"", o->from) : rc;
    (void)printf("%s \"%s\" deleted%s\n", o->res->kind_group, o->name, suffix[d->mode]);
    (void)fflush(stdout);
    *was = d->mode == 0;
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
            return e->code;
    }
}

static enum rc
delete_all(struct deleting *d, const struct args *a, struct err *e)
{
    CLEANUP(mem_free_ptr) bool *was = NULL;
    int64_t until = d->timeout_ms > 0 ? clock_mono_ms() + d->timeout_ms : 0;

    if (cluster_objects(&d->c, a, false, &d->objs, e))
        return e->code;
    if (d->objs.n == 0 && d->c.failed == 0)
        (void)puts("No resources found");
    was = (bool *)mem_zero(d->objs.n + 1, sizeof(bool));
    for (size_t i = 0; i < d->objs.n; i++) {
        struct err why = ERR_INIT;
        if (delete_one(d, &d->objs.v[i], &was[i], &why) == RC_OK)
            continue;
        if (why.code == RC_CANCELLED) {
            *e = why;
            return e->code;
        }
        cluster_tell(&d->c, &why);
    }
    for (size_t i = 0; i < d->objs.n; i++)
        if (was[i] && d->wait && wait_gone(d, &d->objs.v[i], until, e))
            return e->code;
    return cluster_outcome(&d->c, e);
}

static enum rc
read_options(struct deleting *d, const struct args *a, struct err *e)
{
    static const char *const modes[] = {"none", "server", "client", NULL};
    static const char *const words[] = {"background", "foreground", "orphan", NULL};
    static const char *const policies[] = {"Background", "Foreground", "Orphan"};
    int cascade = 0;

    if (app_word(a->dry_run_mode, "dry-run", modes, &d->mode, e) ||
        app_word(a->cascade != NULL && strcmp(a->cascade, "true") != 0 ? a->cascade : NULL,
                 "cascade", words, &cascade, e))
        return e->code;
    if (a->timeout != NULL && app_parse_ms(a->timeout, "timeout", &d->timeout_ms, e))
        return e->code;
    d->how.propagation = policies[cascade];
    d->how.dry_run = d->mode == 1;
    if (a->grace != NULL && !str_to_i64(str_c(a->grace), &d->how.grace_s))
        return err_set(e, RC_INVALID, "--grace-period %s is not a number", a->grace);
    d->how.has_grace = a->grace != NULL && d->how.grace_s >= 0;
    d->wait = a->wait_gone == NULL || strcmp(a->wait_gone, "false") != 0;
    d->ignore = a->ignore_not_found || a->all || a->selector != NULL;
    if (a->files.n == 0 && a->n_rest == 0)
        return err_set(e, RC_INVALID,
                       "You must provide one or more resources by argument or "
                       "filename");
    return RC_OK;
}

static enum rc
kube_delete_main(struct ctx *cx, const struct args *a, struct err *e)
{
    struct deleting d = {.mode = 0};
    enum rc rc;

    if (read_options(&d, a, e))
        return e->code;
    rc = cluster_open(cx, a, &d.c, e);
    if (rc == RC_OK)
        rc = delete_all(&d, a, e);
    cluster_objects_release(&d.objs);
    cluster_close(&d.c);
    return rc;
}

const struct command cmd_delete = {"delete",
                                   "-f FILE | TYPE NAME... | TYPE/NAME...",
                                   "delete objects",
                                   tables,
                                   0,
                                   ARGS_REST_MAX,
                                   kube_delete_main};
