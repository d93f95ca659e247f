/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash: objects copied to another namespace, with what they need. */
#include "api/kinds.h"
#include "cli/plugin.h"
#include "kube/object.h"

struct copy_args {
    struct app_opts app;
    const char *to;
    struct cluster_access cluster;
};
static const struct opt opts_copy_to[] = {
    {"to-namespace", 0, OPT_TEXT(struct copy_args, to), "NAMESPACE", "where to"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_copy_to, 0},
    {opts_cluster_access, offsetof(struct copy_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

/* Marks of who made it and how, which are not a copy's. */
static struct json *
plain_annotations(const struct json *from)
{
    struct json *to = json_new_object();
    const struct json *all = json_dig(from, "metadata", "annotations");

    for (struct json_item it = json_first(all); it.key != NULL; it = json_next(all, it))
        if (strcmp(it.key, "kubectl.kubernetes.io/last-applied-configuration") != 0 &&
            strncmp(it.key, "cstash.io/", strlen("cstash.io/")) != 0)
            json_set(to, it.key, json_clone(it.value));
    return to;
}

/* json_free. */
static enum rc
copy_read(struct plugin *p, const struct kube_gvr *kind, const char *ns, const char *name,
          struct json **out, struct err *e)
{
    if (kube_get(p->cx, p->k, kind, ns, name, out, e))
        return err_wrap(e, "could not read %s %s/%s", kind->kind, ns, name);
    return RC_OK;
}

static enum rc
copy_one(struct plugin *p, const struct kube_gvr *kind, const struct json *from, const char *to,
         struct err *e)
{
    CLEANUP(json_free_ptr) struct json *copy = kube_object_new(kind, to, kube_name(from));
    const struct json *labels = json_dig(from, "metadata", "labels");

    if (labels != NULL)
        json_set(kube_meta(copy), "labels", json_clone(labels));
    json_set(kube_meta(copy), "annotations", plain_annotations(from));
    for (struct json_item it = json_first(from); it.key != NULL; it = json_next(from, it))
        if (strcmp(it.key, "metadata") != 0 && strcmp(it.key, "status") != 0 &&
            json_field(copy, it.key) == NULL)
            json_set(copy, it.key, json_clone(it.value));
    return plugin_create(p, kind, copy, e);
}

/* What an object needs goes before it. */
static enum rc
copy_secret(struct plugin *p, const char *ns, const char *name, const char *to, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *from = NULL;

    return copy_read(p, &KUBE_SECRET, ns, name, &from, e) ? err_code(e)
                                                          : copy_one(p, &KUBE_SECRET, from, to, e);
}

static enum rc
copy_repository(struct plugin *p, const char *ns, const char *name, const char *to, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *from = NULL;
    const char *secret;

    if (copy_read(p, &GVR_REPOSITORY, ns, name, &from, e))
        return err_code(e);
    secret = json_text(json_dig(from, "spec", "backend", "storageSecretName"));
    if (secret != NULL && copy_secret(p, ns, secret, to, e))
        return err_code(e);
    return copy_one(p, &GVR_REPOSITORY, from, to, e);
}

static enum rc
copy_config(struct plugin *p, const char *ns, const char *name, const char *to, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *from = NULL;
    const struct json *repo;

    if (copy_read(p, &GVR_BACKUP_CONFIGURATION, ns, name, &from, e))
        return err_code(e);
    repo = json_dig(from, "spec", "repository");
    /* One of another namespace is used from there, too. */
    if (json_text(json_field(repo, "name")) != NULL &&
        json_text(json_field(repo, "namespace")) == NULL &&
        copy_repository(p, ns, json_text(json_field(repo, "name")), to, e))
        return err_code(e);
    return copy_one(p, &GVR_BACKUP_CONFIGURATION, from, to, e);
}

static enum rc
copy_run(struct ctx *cx, const struct copy_args *a,
         enum rc (*copy)(struct plugin *p, const char *ns, const char *name, const char *to,
                         struct err *e),
         struct err *e)
{
    struct plugin p;
    enum rc rc;

    if (a->to == NULL)
        return err_set(e, RC_USAGE, "use --to-namespace NAMESPACE");
    rc = plugin_open(cx, &a->cluster, &p, e);
    if (rc == RC_OK && strcmp(p.ns, a->to) == 0)
        rc = err_set(e, RC_USAGE, "--to-namespace %s is where it is", a->to);
    if (rc == RC_OK)
        rc = copy(&p, p.ns, a->app.words.v[0], a->to, e);
    plugin_close(&p);
    return rc;
}

#define COPY(name_, verb_, usage_, summary_)                                                       \
    static enum rc copy_##name_##_main(struct ctx *cx, const void *args, struct err *e)            \
    {                                                                                              \
        return copy_run(cx, args, copy_##name_, e);                                                \
    }                                                                                              \
    const struct command cmd_plugin_cp_##name_ = {.name = verb_,                                   \
                                                  .usage = usage_,                                 \
                                                  .summary = summary_,                             \
                                                  .groups = groups,                                \
                                                  .size = sizeof(struct copy_args),                \
                                                  .words_min = 1,                                  \
                                                  .words_max = 1,                                  \
                                                  .run = copy_##name_##_main}
COPY(secret, "cp secret", "SECRET", "copy a Secret to another namespace");
COPY(repository, "cp repository", "REPOSITORY", "copy a Repository, with its Secret");
COPY(config, "cp backupconfig", "BACKUPCONFIGURATION",
     "copy a BackupConfiguration, with its Repository and Secret");
