/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash: Repositories, BackupConfigurations and RestoreSessions from options. */
#include <stdio.h>

#include "api/kinds.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/plugin.h"
#include "kube/object.h"

/* ---- Repository ---- */

struct create_repository_args {
    struct app_opts app;
    const char *bucket, *endpoint, *secret, *prefix, *region;
    int64_t connections;
    enum { IN_S3, IN_GCS, IN_AZURE, IN_SWIFT, IN_B2, IN_REST, IN_LOCAL } provider;
    struct cluster_access cluster;
};
static const char *const providers[] = {"s3", "gcs", "azure", "swift", "b2", "rest", "local", NULL};
static const struct opt opts_create_repository[] = {
    {"provider", 0, OPT_ENUM(struct create_repository_args, provider, providers, "s3"), NULL,
     "where the data go"},
    {"bucket", 0, OPT_TEXT(struct create_repository_args, bucket), "NAME", "bucket or container"},
    {"endpoint", 0, OPT_TEXT(struct create_repository_args, endpoint), "URL",
     "server of s3 or rest"},
    {"region", 0, OPT_TEXT(struct create_repository_args, region), "NAME", "region of s3"},
    {"prefix", 0, OPT_TEXT(struct create_repository_args, prefix), "PATH", "folder in the bucket"},
    {"secret", 0, OPT_TEXT(struct create_repository_args, secret), "NAME",
     "Secret with RESTIC_PASSWORD and credentials"},
    {"max-connections", 0, OPT_COUNT(struct create_repository_args, connections, 1, 1000, NULL),
     "N", "connections at once"},
    {.name = NULL},
};
static const struct opt_group repository_groups[] = {
    {opts_create_repository, 0},
    {opts_cluster_access, offsetof(struct create_repository_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

/* The block of the provider, as Stash's plug-in writes it. */
static void
fill_backend(const struct create_repository_args *a, struct json *at)
{
    bool container = a->provider == IN_AZURE || a->provider == IN_SWIFT;

    if (a->provider == IN_REST) {
        json_set_cstr(at, "url", a->endpoint);
    } else {
        json_set_cstr(at, container ? "container" : "bucket", a->bucket);
        json_set_cstr(at, "prefix", a->prefix);
    }
    if (a->provider == IN_S3) {
        json_set_cstr(at, "endpoint", a->endpoint);
        json_set_cstr(at, "region", a->region);
    }
    if (a->connections > 0 && a->provider != IN_S3 && a->provider != IN_REST &&
        a->provider != IN_SWIFT)
        json_set_int(at, "maxConnections", a->connections);
}

static enum rc
create_repository(struct plugin *p, const struct create_repository_args *a, struct err *e)
{
    CLEANUP(json_free_ptr)
    struct json *repo = kube_object_new(&GVR_REPOSITORY, p->ns, a->app.words.v[0]);
    struct json *backend = json_need_object(json_need_object(repo, "spec"), "backend");

    if (a->secret == NULL)
        return err_set(e, RC_USAGE, "use --secret NAME");
    if (a->provider != IN_LOCAL &&
        (a->provider == IN_REST ? a->endpoint == NULL : a->bucket == NULL))
        return err_set(e, RC_USAGE, "%s needs %s", providers[a->provider],
                       a->provider == IN_REST ? "--endpoint URL" : "--bucket NAME");
    if (a->provider == IN_S3 && a->endpoint == NULL)
        return err_set(e, RC_USAGE, "s3 needs --endpoint URL");
    json_set_cstr(backend, "storageSecretName", a->secret);
    if (a->provider != IN_LOCAL)
        fill_backend(a, json_need_object(backend, providers[a->provider]));
    if (plugin_create(p, &GVR_REPOSITORY, repo, e))
        return err_code(e);
    if (a->provider == IN_LOCAL) /* no option says which volume: as in Stash's plug-in */
        log_warn("the Repository has no volume yet: add spec.backend.local by "
                 "\"kubectl edit repository.stash.appscode.com %s -n %s\"",
                 a->app.words.v[0], p->ns);
    return RC_OK;
}

/* ---- what both others have ---- */

struct create_target {
    const char *api_version, *kind, *name, *repo, *repo_ns, *task;
    enum { RESTIC, VOLUME_SNAPSHOTTER } driver;
};
static const char *const drivers[] = {"Restic", "VolumeSnapshotter", NULL};
static const struct opt opts_create_target[] = {
    {"target-apiversion", 0, OPT_TEXT(struct create_target, api_version), "GROUP/VERSION",
     "API version of the target"},
    {"target-kind", 0, OPT_TEXT(struct create_target, kind), "KIND", "kind of the target"},
    {"target-name", 0, OPT_TEXT(struct create_target, name), "NAME", "name of the target"},
    {"repo-name", 0, OPT_TEXT(struct create_target, repo), "NAME", "Repository"},
    {"repo-namespace", 0, OPT_TEXT(struct create_target, repo_ns), "NAMESPACE",
     "namespace of the Repository"},
    {"task", 0, OPT_TEXT(struct create_target, task), "NAME", "Task that does the work"},
    {"driver", 0, OPT_ENUM(struct create_target, driver, drivers, "Restic"), NULL,
     "what stores the data"},
    {.name = NULL},
};

static enum rc
fill_target(const struct create_target *t, const char *ns, struct json *spec, struct err *e)
{
    struct json *ref, *repo;

    if (t->repo == NULL || t->kind == NULL || t->name == NULL)
        return err_set(e, RC_USAGE,
                       "use --repo-name NAME, --target-kind KIND and --target-name NAME");
    json_set_cstr(spec, "driver", drivers[t->driver]);
    repo = json_need_object(spec, "repository");
    json_set_cstr(repo, "name", t->repo);
    if (t->repo_ns != NULL && strcmp(t->repo_ns, ns) != 0)
        json_set_cstr(repo, "namespace", t->repo_ns);
    if (t->task != NULL)
        json_set_cstr(json_need_object(spec, "task"), "name", t->task);
    ref = json_need_object(json_need_object(spec, "target"), "ref");
    json_set_cstr(ref, "apiVersion",
                  t->api_version != NULL                       ? t->api_version
                  : strcmp(t->kind, GVR_APP_BINDING.kind) == 0 ? "appcatalog.appscode.com/v1alpha1"
                                                               : NULL);
    json_set_cstr(ref, "kind", t->kind);
    json_set_cstr(ref, "name", t->name);
    return RC_OK;
}

/* Each of "a,b" and of an option that was given again. */
static void
push_all(struct json *to, const struct opt_list *from)
{
    for (size_t i = 0; i < from->n; i++)
        for (const char *at = from->v[i]; *at != '\0';) {
            size_t n = strcspn(at, ",");

            if (n > 0)
                json_push(to, json_new_str(str_of(at, n)));
            at += n + (at[n] == ',');
        }
}

/* ---- BackupConfiguration ---- */

enum { KEEPS = 6 };

struct create_config_args {
    struct app_opts app;
    const char *schedule;
    int64_t last, hourly, daily, weekly, monthly, yearly;
    bool prune, dry_run;
    struct opt_list paths;
    struct create_target target;
    struct cluster_access cluster;
};
#define OPT_KEEP(f) OPT_COUNT(struct create_config_args, f, 0, INT32_MAX, NULL), "N"
static const struct opt opts_create_config[] = {
    {"schedule", 0, OPT_TEXT(struct create_config_args, schedule), "CRON", "when"},
    {"keep-last", 0, OPT_KEEP(last), "keep the last N snapshots"},
    {"keep-hourly", 0, OPT_KEEP(hourly), "keep the last of each of N hours"},
    {"keep-daily", 0, OPT_KEEP(daily), "keep the last of each of N days"},
    {"keep-weekly", 0, OPT_KEEP(weekly), "keep the last of each of N weeks"},
    {"keep-monthly", 0, OPT_KEEP(monthly), "keep the last of each of N months"},
    {"keep-yearly", 0, OPT_KEEP(yearly), "keep the last of each of N years"},
    {"prune", 0, OPT_BOOL(struct create_config_args, prune), NULL, "remove data that nobody needs"},
    {"dry-run", 0, OPT_BOOL(struct create_config_args, dry_run), NULL,
     "retention only says what it would remove"},
    {"paths", 0, OPT_LIST(struct create_config_args, paths), "PATH,...", "paths of a workload"},
    {.name = NULL},
};
static const struct opt_group config_groups[] = {
    {opts_create_config, 0},
    {opts_create_target, offsetof(struct create_config_args, target)},
    {opts_cluster_access, offsetof(struct create_config_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

/* Named after the last of them in this order, as Stash's plug-in does. */
static enum rc
fill_retention(const struct create_config_args *a, struct json *keep, struct err *e)
{
    const struct {
        const char *field, *unit;
        int64_t n;
    } all[KEEPS] = {{"keepLast", "last", a->last},          {"keepDaily", "daily", a->daily},
                    {"keepHourly", "hourly", a->hourly},    {"keepWeekly", "weekly", a->weekly},
                    {"keepMonthly", "monthly", a->monthly}, {"keepYearly", "yearly", a->yearly}};

    for (size_t i = 0; i < KEEPS; i++) {
        CLEANUP(mem_free_ptr)
        char *name = mem_printf("keep-%s-%lld", all[i].unit, (long long)all[i].n);

        if (all[i].n <= 0)
            continue;
        json_set_cstr(keep, "name", name);
        json_set_int(keep, all[i].field, all[i].n);
    }
    if (json_field(keep, "name") == NULL)
        return err_set(e, RC_USAGE, "say how long to keep snapshots: --keep-last N, ..");
    json_set_bool(keep, "prune", a->prune);
    if (a->dry_run)
        json_set_bool(keep, "dryRun", true);
    return RC_OK;
}

static enum rc
create_config(struct plugin *p, const struct create_config_args *a, struct err *e)
{
    CLEANUP(json_free_ptr)
    struct json *config = kube_object_new(&GVR_BACKUP_CONFIGURATION, p->ns, a->app.words.v[0]);
    struct json *spec = json_need_object(config, "spec");

    if (a->schedule == NULL)
        return err_set(e, RC_USAGE, "use --schedule CRON");
    json_set_cstr(spec, "schedule", a->schedule);
    if (fill_target(&a->target, p->ns, spec, e) ||
        fill_retention(a, json_need_object(spec, "retentionPolicy"), e))
        return err_code(e);
    if (a->paths.n > 0)
        push_all(json_need_array(json_field(spec, "target"), "paths"), &a->paths);
    return plugin_create(p, &GVR_BACKUP_CONFIGURATION, config, e);
}

/* ---- RestoreSession ---- */

struct create_restore_args {
    struct app_opts app;
    const char *alias, *host;
    struct opt_list snapshots, paths;
    struct create_target target;
    struct cluster_access cluster;
};
static const struct opt opts_create_restore[] = {
    {"snapshots", 0, OPT_LIST(struct create_restore_args, snapshots), "ID,...",
     "which snapshots [latest]"},
    {"host", 0, OPT_TEXT(struct create_restore_args, host), "HOST", "host of the snapshots"},
    {"alias", 0, OPT_TEXT(struct create_restore_args, alias), "HOST", "host that the target has"},
    {"paths", 0, OPT_LIST(struct create_restore_args, paths), "PATH,...", "paths of a workload"},
    {.name = NULL},
};
static const struct opt_group restore_groups[] = {
    {opts_create_restore, 0},
    {opts_create_target, offsetof(struct create_restore_args, target)},
    {opts_cluster_access, offsetof(struct create_restore_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

static enum rc
create_restore(struct plugin *p, const struct create_restore_args *a, struct err *e)
{
    CLEANUP(json_free_ptr)
    struct json *session = kube_object_new(&GVR_RESTORE_SESSION, p->ns, a->app.words.v[0]);
    struct json *spec = json_need_object(session, "spec"), *rule = json_new_object();

    if (a->snapshots.n > 0)
        push_all(json_need_array(rule, "snapshots"), &a->snapshots);
    if (a->paths.n > 0)
        push_all(json_need_array(rule, "paths"), &a->paths);
    json_set_cstr(rule, "sourceHost", a->host);
    if (fill_target(&a->target, p->ns, spec, e)) {
        json_free(rule);
        return err_code(e);
    }
    json_set_cstr(json_field(spec, "target"), "alias", a->alias);
    if (json_size(rule) > 0)
        json_push(json_need_array(json_field(spec, "target"), "rules"), rule);
    else
        json_free(rule);
    return plugin_create(p, &GVR_RESTORE_SESSION, session, e);
}

#define CREATE(name_, verb_, summary_)                                                             \
    static enum rc create_##name_##_main(struct ctx *cx, const void *args, struct err *e)          \
    {                                                                                              \
        const struct create_##name_##_args *a = args;                                              \
        struct plugin p;                                                                           \
        enum rc rc = plugin_open(cx, &a->cluster, &p, e);                                          \
                                                                                                   \
        if (rc == RC_OK)                                                                           \
            rc = create_##name_(&p, a, e);                                                         \
        plugin_close(&p);                                                                          \
        return rc;                                                                                 \
    }                                                                                              \
    const struct command cmd_plugin_create_##name_ = {.name = verb_,                               \
                                                      .usage = "NAME",                             \
                                                      .summary = summary_,                         \
                                                      .groups = name_##_groups,                    \
                                                      .size =                                      \
                                                          sizeof(struct create_##name_##_args),    \
                                                      .words_min = 1,                              \
                                                      .words_max = 1,                              \
                                                      .run = create_##name_##_main}
CREATE(repository, "create repository", "create a Repository");
CREATE(config, "create backupconfig", "create a BackupConfiguration");
CREATE(restore, "create restoresession", "create a RestoreSession");
