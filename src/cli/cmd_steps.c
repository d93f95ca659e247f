/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of Jobs as subcommands, with Stash's flags (job/step.h). */
#include "cli/app.h"

#define TEXT(name, field, what)                                                                    \
    {                                                                                              \
        name, 0, OPT_TEXT_OR_NONE, OPT_AT(step.field), "VALUE", what                               \
    }
#define BOOL(name, field, what)                                                                    \
    {                                                                                              \
        name, 0, OPT_BOOL, OPT_AT(step.field), NULL, what                                          \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const struct opt opts_cluster[] = {
    TEXT("master", master, "URL of the API server"),
    TEXT("kubeconfig", kubeconfig, "kubeconfig file [$KUBECONFIG, else the pod's account]"),
    TEXT("namespace", ns, "namespace of the session"),
    END,
};
static const struct opt opts_backend[] = {
    TEXT("provider", provider, "local, s3, gcs, azure, swift, b2 or rest"),
    TEXT("bucket", bucket, "bucket, container or folder"),
    TEXT("endpoint", endpoint, "server of the bucket"),
    TEXT("region", region, "region of the bucket"),
    TEXT("path", path, "folder in the bucket"),
    BOOL("insecure-tls", insecure_tls, "do not verify the server of the bucket"),
    TEXT("max-connections", max_connections, "how many connections to open at most; 0: default"),
    TEXT("storage-secret-name", secret, "Secret with RESTIC_PASSWORD and credentials"),
    TEXT("storage-secret-namespace", secret_ns, "its namespace"),
    TEXT("scratch-dir", scratch_dir, "folder for small files"),
    BOOL("enable-cache", enable_cache, "cache the repository's metadata"),
    TEXT("output-dir", output_dir, "folder of output.json"),
    END,
};
static const struct opt opts_redis_step[] = {
    TEXT("appbinding", appbinding, "AppBinding of the Redis"),
    TEXT("appbinding-namespace", appbinding_ns, "its namespace"),
    TEXT("hostname", hostname, "host of the snapshot"),
    TEXT("redis-args", redis_args, "more options, as in the Task's param args"),
    TEXT("wait-timeout", wait_timeout, "seconds to wait for the Redis [300]"),
    TEXT("license-apiservice", ignored, "accepted and ignored"),
    END,
};
static const struct opt opts_backup_step[] = {
    TEXT("backupsession", backupsession, "BackupSession"),
    TEXT("retention-keep-last", ignored, "accepted and ignored: update-status applies retention"),
    TEXT("retention-keep-hourly", ignored, "the same"),
    TEXT("retention-keep-daily", ignored, "the same"),
    TEXT("retention-keep-weekly", ignored, "the same"),
    TEXT("retention-keep-monthly", ignored, "the same"),
    TEXT("retention-keep-yearly", ignored, "the same"),
    TEXT("retention-keep-tags", ignored, "the same"),
    BOOL("retention-prune", ignored_flag, "the same"),
    BOOL("retention-dry-run", ignored_flag, "the same"),
    END,
};
static const struct opt opts_restore_step[] = {
    TEXT("source-hostname", source_hostname, "host to read; that of --hostname when empty"),
    TEXT("snapshot", snapshot, "snapshot ID [latest]"),
    TEXT("n", ignored, "accepted and ignored"),
    END,
};
static const struct opt opts_session[] = {
    TEXT("restoresession", restoresession, "RestoreSession"),
    TEXT("invoker-kind", invoker_kind, "BackupConfiguration or RestoreSession"),
    TEXT("invoker-name", invoker_name, "its name"),
    TEXT("target-kind", target_kind, "kind of the target"),
    TEXT("target-name", target_name, "its name"),
    TEXT("target-namespace", target_ns, "its namespace"),
    BOOL("metrics-enabled", metrics_enabled, "push metrics"),
    TEXT("metrics-pushgateway-url", metrics_url, "URL of the Pushgateway"),
    TEXT("metrics-labels", metrics_labels, "more labels: a=b,c=d"),
    END,
};
static const struct opt opts_status[] = {
    TEXT("backupsession", backupsession, "BackupSession; empty for a restore"),
    END,
};
static const struct opt opts_hook[] = {
    TEXT("backupsession", backupsession, "BackupSession; empty for a restore"),
    TEXT("hook-type", hook_type, "preBackup, postBackup, preRestore or postRestore"),
    TEXT("hostname", hostname, "host of the target"),
    TEXT("output-dir", output_dir, "folder of output.json"),
    END,
};
static const struct opt opts_create[] = {
    TEXT("invoker-kind", invoker_kind, "BackupConfiguration"),
    TEXT("invoker-name", invoker_name, "its name"),
    END,
};

/* Stash's default where a flag is not given. */
static struct step_flags
flags_of(const struct args *a)
{
    struct step_flags f = a->step;

    if (f.ns == NULL || f.ns[0] == '\0')
        f.ns = "default";
    return f;
}

#define STEP(fn, step)                                                                             \
    static enum rc fn(struct ctx *cx, const struct args *a, struct err *e)                         \
    {                                                                                              \
        struct step_flags f = flags_of(a);                                                         \
        return step(cx, &f, e);                                                                    \
    }
STEP(run_backup, step_backup_redis)
STEP(run_restore, step_restore_redis)
STEP(run_status, step_update_status)
STEP(run_hook, step_run_hook)
STEP(run_wipe, step_wipe_repository)

static enum rc
run_create(struct ctx *cx, const struct args *a, struct err *e)
{
    return step_create_backupsession(cx, &a->step, e);
}

static const struct opt *const backup_tables[] = {opts_cluster,     opts_backend, opts_redis_step,
                                                  opts_backup_step, opts_global,  NULL};
static const struct opt *const restore_tables[] = {opts_cluster,      opts_backend, opts_redis_step,
                                                   opts_restore_step, opts_global,  NULL};
static const struct opt *const status_tables[] = {opts_cluster, opts_backend, opts_session,
                                                  opts_status,  opts_global,  NULL};
static const struct opt *const hook_tables[] = {opts_cluster, opts_session, opts_hook, opts_global,
                                                NULL};
static const struct opt *const wipe_tables[] = {opts_cluster, opts_backend, opts_global, NULL};
static const struct opt *const create_tables[] = {opts_cluster, opts_create, opts_global, NULL};

const struct command cmd_backup_redis = {
    "backup-redis", "", "Job step: dump the Redis of an AppBinding", backup_tables, 0, 0,
    run_backup};
const struct command cmd_restore_redis = {
    "restore-redis", "", "Job step: restore into the Redis of an AppBinding", restore_tables, 0, 0,
    run_restore};
const struct command cmd_update_status = {
    "update-status", "", "Job step: retention, check, metrics and status", status_tables, 0, 0,
    run_status};
const struct command cmd_run_hook = {
    "run-hook", "", "Job step: run a hook", hook_tables, 0, 0, run_hook,
};
const struct command cmd_create_backupsession = {
    "create-backupsession", "", "CronJob: start a backup", create_tables, 0, 0, run_create};
const struct command cmd_wipe_repository = {
    "wipe-repository", "", "Job: delete the data of a Repository", wipe_tables, 0, 0, run_wipe};
