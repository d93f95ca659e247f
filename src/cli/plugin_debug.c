/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl-stash debug: what somebody who is asked for help needs to see. It only reads; what cannot be read is told where it
 * would stand, and the rest follows.
 */
#include "api/kinds.h"
#include "base/mem.h"
#include "cli/plugin.h"
#include "cli/pod_log.h"
#include "kube/object.h"

enum { VERSION_BYTES = 64 * 1024 };

struct debug_args {
    struct app_opts app;
    const char *config, *batch;
    struct cluster_access cluster;
};
static const struct opt opts_backup[] = {
    {"backupconfig", 0, OPT_TEXT(struct debug_args, config), "NAME", "BackupConfiguration"},
    {"backupbatch", 0, OPT_TEXT(struct debug_args, batch), "NAME", "BackupBatch"},
    {.name = NULL},
};
static const struct opt opts_restore[] = {
    {"restoresession", 0, OPT_TEXT(struct debug_args, config), "NAME", "RestoreSession"},
    {"restorebatch", 0, OPT_TEXT(struct debug_args, batch), "NAME", "RestoreBatch"},
    {.name = NULL},
};
#define GROUPS_DEBUG(table_)                                                                       \
    {                                                                                              \
        {table_, 0}, {opts_cluster_access, offsetof(struct debug_args, cluster)}, {opts_app, 0},   \
        {                                                                                          \
            .table = NULL                                                                          \
        }                                                                                          \
    }
static const struct opt_group groups_backup[] = GROUPS_DEBUG(opts_backup);
static const struct opt_group groups_restore[] = GROUPS_DEBUG(opts_restore);
static const struct opt_group groups_operator[] = {
    {opts_cluster_access, offsetof(struct debug_args, cluster)}, {opts_app, 0}, {.table = NULL}};

static void
debug_title(const char *what, const char *ns, const char *name)
{
    (void)printf("\n==== %s %s%s%s ====\n", what, ns != NULL ? ns : "", ns != NULL ? "/" : "",
                 name);
}

/* Told where it would stand; RC_CANCELLED alone ends it all. */
static enum rc
debug_missing(enum rc rc, struct err *why, struct err *e)
{
    if (rc == RC_CANCELLED) {
        *e = *why;
        return rc;
    }
    if (rc != RC_OK)
        (void)printf("could not be read: %s\n", why->msg);
    return RC_OK;
}

static enum rc
debug_object(struct plugin *p, const struct json *obj, struct err *e)
{
    debug_title(json_text_or(json_field(obj, "kind"), ""), kube_ns(obj), kube_name(obj));
    return cluster_describe(p->cx, p->k, obj, true, e);
}

static enum rc
debug_named(struct plugin *p, const struct kube_gvr *kind, const char *ns, const char *name,
            struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_get(p->cx, p->k, kind, ns, name, &obj, &why);

    if (rc == RC_OK)
        return debug_object(p, obj, e);
    debug_title(kind->kind, ns, name);
    return debug_missing(rc, &why, e);
}

/* ---- what an object has made ---- */

typedef enum rc debug_fn(struct plugin *p, const struct json *obj, struct err *e);

/* Of the kind in the namespace those that `owner` owns. */
static enum rc
debug_owned(struct plugin *p, const struct kube_gvr *kind, const struct json *owner, debug_fn *each,
            struct err *e)
{
    struct kube_list_opts o = {.kind = kind, .ns = kube_ns(owner)};
    CLEANUP(json_free_ptr) struct json *list = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_list(p->cx, p->k, &o, &list, NULL, &why);

    if (rc != RC_OK) {
        debug_title(kind->kind, kube_ns(owner), "");
        return debug_missing(rc, &why, e);
    }
    for (size_t i = 0; i < json_size(list); i++) {
        struct json *obj = json_elem(list, i);

        if (!kube_is_owned_by(obj, kube_uid(owner)))
            continue;
        json_set_cstr(obj, "kind", kind->kind); /* lists leave it out */
        if (each(p, obj, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
debug_pod(struct plugin *p, const struct json *pod, struct err *e)
{
    static const struct pod_log_opts how = {.prefix = true};
    struct err why = ERR_INIT;

    if (debug_object(p, pod, e))
        return err_code(e);
    debug_title("logs of Pod", kube_ns(pod), kube_name(pod));
    return debug_missing(pod_log_all(p->cx, p->k, pod, &how, &why), &why, e);
}

static enum rc
debug_job(struct plugin *p, const struct json *job, struct err *e)
{
    if (debug_object(p, job, e))
        return err_code(e);
    return debug_owned(p, &KUBE_POD, job, debug_pod, e);
}

static bool
has_succeeded(const struct json *session)
{
    return strcmp(json_text_or(json_dig(session, "status", "phase"), ""), "Succeeded") == 0;
}

static enum rc
debug_session(struct plugin *p, const struct json *session, struct err *e)
{
    if (has_succeeded(session))
        return RC_OK;
    if (debug_object(p, session, e))
        return err_code(e);
    return debug_owned(p, &KUBE_JOB, session, debug_job, e);
}

/* ---- what an object names ---- */

static enum rc
debug_target(struct plugin *p, const struct json *of, const struct json *holder, struct err *e)
{
    const struct json *ref = json_dig(holder, "target", "ref");
    const char *name = json_text_or(json_field(ref, "name"), NULL);

    if (name == NULL || strcmp(json_text_or(json_field(ref, "kind"), ""), "AppBinding") != 0)
        return RC_OK;
    return debug_named(p, &GVR_APP_BINDING, json_text_or(json_field(ref, "namespace"), kube_ns(of)),
                       name, e);
}

/* The Repository, and each Redis. */
static enum rc
debug_references(struct plugin *p, const struct json *obj, struct err *e)
{
    const struct json *spec = json_field(obj, "spec"), *repo = json_field(spec, "repository"),
                      *members = json_field(spec, "members");
    const char *name = json_text_or(json_field(repo, "name"), NULL);

    if (name != NULL &&
        debug_named(p, &GVR_REPOSITORY, json_text_or(json_field(repo, "namespace"), kube_ns(obj)),
                    name, e))
        return err_code(e);
    if (debug_target(p, obj, spec, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(members); i++)
        if (debug_target(p, obj, json_elem(members, i), e))
            return err_code(e);
    return RC_OK;
}

/* ---- the verbs ---- */

static void
debug_versions(struct plugin *p)
{
    const struct kube_raw rq = {.path = "/version"};
    CLEANUP(buf_release) struct buf text = BUF_INIT(VERSION_BYTES);
    CLEANUP(json_free_ptr) struct json *version = NULL;
    struct err why = ERR_INIT;

    debug_title("versions", NULL, "");
    (void)printf("kubectl-stash: cstash %s\n", CSTASH_VERSION);
    if (kube_raw(p->cx, p->k, &rq, &text, &why) == RC_OK &&
        json_parse(str_of(text.p, text.n), &version, &why) == RC_OK)
        (void)printf("API server: %s\n", json_text_or(json_field(version, "gitVersion"), "?"));
    else
        (void)printf("API server: could not be asked: %s\n", why.msg);
}

static enum rc
debug_operator(struct plugin *p, struct err *e)
{
    struct kube_list_opts o = {
        .kind = &KUBE_POD,
        .label_selector = "app.kubernetes.io/name=cstash,app.kubernetes.io/component=operator"};
    CLEANUP(json_free_ptr) struct json *list = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_list(p->cx, p->k, &o, &list, NULL, &why);

    if (rc != RC_OK || json_size(list) == 0)
        debug_title("operator", NULL, "");
    if (rc != RC_OK)
        return debug_missing(rc, &why, e);
    if (json_size(list) == 0)
        (void)printf("no Pod of it: it runs in `cstash up`, which writes where it was started, or "
                     "not at all\n");
    for (size_t i = 0; i < json_size(list); i++) {
        json_set_cstr(json_elem(list, i), "kind", "Pod");
        if (debug_pod(p, json_elem(list, i), e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
debug_backup(struct plugin *p, const struct json *obj, struct err *e)
{
    return debug_owned(p, &GVR_BACKUP_SESSION, obj, debug_session, e);
}

static enum rc
debug_restore(struct plugin *p, const struct json *obj, struct err *e)
{
    return has_succeeded(obj) ? RC_OK : debug_owned(p, &KUBE_JOB, obj, debug_job, e);
}

static enum rc
debug_one(struct plugin *p, const struct kube_gvr *kind, const char *name, debug_fn *more,
          struct err *e)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;

    if (kube_get(p->cx, p->k, kind, p->ns, name, &obj, e))
        return err_wrap(e, "could not read %s %s/%s", kind->kind, p->ns, name);
    debug_versions(p);
    if (debug_object(p, obj, e) || debug_references(p, obj, e))
        return err_code(e);
    return more(p, obj, e);
}

static enum rc
debug_either(struct ctx *cx, const struct debug_args *a, const struct opt *options,
             const struct kube_gvr *one, const struct kube_gvr *many, debug_fn *more, struct err *e)
{
    const struct kube_gvr *kind = a->config != NULL ? one : many;
    const char *name = a->config != NULL ? a->config : a->batch;
    struct plugin p;
    enum rc rc;

    if ((a->config != NULL) == (a->batch != NULL))
        return err_set(e, RC_USAGE, "use --%s NAME or --%s NAME", options[0].name, options[1].name);
    rc = plugin_open(cx, &a->cluster, &p, e);
    if (rc == RC_OK)
        rc = debug_one(&p, kind, name, more, e);
    plugin_close(&p);
    return rc;
}

static enum rc
debug_backup_main(struct ctx *cx, const void *args, struct err *e)
{
    return debug_either(cx, args, opts_backup, &GVR_BACKUP_CONFIGURATION, &GVR_BACKUP_BATCH,
                        debug_backup, e);
}

static enum rc
debug_restore_main(struct ctx *cx, const void *args, struct err *e)
{
    return debug_either(cx, args, opts_restore, &GVR_RESTORE_SESSION, &GVR_RESTORE_BATCH,
                        debug_restore, e);
}

static enum rc
debug_operator_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct debug_args *a = args;
    struct plugin p;
    enum rc rc = plugin_open(cx, &a->cluster, &p, e);

    if (rc == RC_OK) {
        debug_versions(&p);
        rc = debug_operator(&p, e);
    }
    plugin_close(&p);
    return rc;
}

#define DEBUG(name_, summary_)                                                                     \
    const struct command cmd_plugin_debug_##name_ = {.name = "debug " #name_,                      \
                                                     .summary = summary_,                          \
                                                     .groups = groups_##name_,                     \
                                                     .size = sizeof(struct debug_args),            \
                                                     .run = debug_##name_##_main}
DEBUG(backup, "all that tells why a backup fails");
DEBUG(restore, "all that tells why a restore fails");
DEBUG(operator, "the operator's pods and what they say");
