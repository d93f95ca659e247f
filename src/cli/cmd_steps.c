/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of Jobs as subcommands, with Stash's flags (job/step.h). */
#include "cli/app.h"
#include "cli/view_job.h"
#include "job/step.h"

struct step_args {
    struct app_opts app;
    struct step_flags step;
};

#define TEXT(name, field, what)                                                                    \
    {                                                                                              \
        name, 0, OPT_TEXT_OR_NONE(struct step_flags, field), "VALUE", what                         \
    }
#define BOOL(name, field, what)                                                                    \
    {                                                                                              \
        name, 0, OPT_BOOL(struct step_flags, field), NULL, what                                    \
    }
#define IGNORED(name, what)                                                                        \
    {                                                                                              \
        name, 0, OPT_IGNORED, "VALUE", what                                                        \
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
    TEXT("provider", provider, "storage provider, such as s3"),
    TEXT("bucket", bucket, "bucket, container or folder"),
    TEXT("endpoint", endpoint, "server of the bucket"),
    TEXT("region", region, "region of the bucket"),
    TEXT("path", path, "folder in the bucket"),
    BOOL("insecure-tls", insecure_tls, "do not verify the server of the bucket"),
    {"max-connections", 0, OPT_COUNT_OR_NONE(struct step_flags, max_connections, 0, INT32_MAX, "0"),
     NULL, "how many connections to open at most; 0: as many as are usual"},
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
    {"wait-timeout", 0, OPT_MS_OR_NONE(struct step_flags, wait_timeout_ms, "300"), "SECONDS",
     "seconds to wait for the Redis"},
    IGNORED("license-apiservice", "accepted and ignored"),
    END,
};
static const struct opt opts_backup_step[] = {
    TEXT("backupsession", backupsession, "BackupSession"),
    IGNORED("retention-keep-last", "accepted and ignored: update-status applies retention"),
    IGNORED("retention-keep-hourly", "the same"),
    IGNORED("retention-keep-daily", "the same"),
    IGNORED("retention-keep-weekly", "the same"),
    IGNORED("retention-keep-monthly", "the same"),
    IGNORED("retention-keep-yearly", "the same"),
    IGNORED("retention-keep-tags", "the same"),
    {"retention-prune", 0, OPT_IGNORED_FLAG, NULL, "the same"},
    {"retention-dry-run", 0, OPT_IGNORED_FLAG, NULL, "the same"},
    END,
};
static const struct opt opts_restore_step[] = {
    TEXT("source-hostname", source_hostname, "host to read; that of --hostname when empty"),
    TEXT("snapshot", snapshot, "snapshot ID [latest]"),
    IGNORED("n", "accepted and ignored"),
    END,
};
static const struct opt opts_session[] = {
    TEXT("restoresession", restoresession, "RestoreSession, or RestoreBatch by --invoker-kind"),
    TEXT("invoker-kind", invoker_kind,
         "BackupConfiguration, BackupBatch, RestoreSession or RestoreBatch"),
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
static const struct opt opts_forget[] = {
    TEXT("snapshot", snapshot, "Snapshot that was deleted"),
    TEXT("uid", uid, "its uid"),
    END,
};
static const struct opt opts_show[] = {
    TEXT("repository", repository, "Repository"),
    TEXT("due", due, "with what its Snapshots are in step then"),
    END,
};
static const struct opt opts_verify[] = {
    TEXT("verification", verification, "BackupVerification"),
    TEXT("repository", repository, "Repository"),
    TEXT("target-name", target_name, "whose latest backup, as snapshots list it"),
    TEXT("server-socket", server_socket, "socket of the throw-away server [a child is started]"),
    TEXT("metrics-pushgateway-url", metrics_url, "URL of the Pushgateway"),
    END,
};
static const struct opt opts_view[] = {
    TEXT("view", view, "SnapshotView"),
    TEXT("view-folder", view_folder, "folder for its result"),
    END,
};
static const struct opt opts_create[] = {
    TEXT("invoker-kind", invoker_kind, "BackupConfiguration or BackupBatch"),
    TEXT("invoker-name", invoker_name, "its name"),
    END,
};

/* Stash's default where a flag is not given. */
static struct step_flags
flags_of(const struct step_args *a)
{
    struct step_flags f = a->step;

    if (f.ns == NULL || f.ns[0] == '\0')
        f.ns = "default";
    return f;
}

#define STEP(fn, step)                                                                             \
    static enum rc fn(struct ctx *cx, const void *args, struct err *e)                             \
    {                                                                                              \
        struct step_flags f = flags_of(args);                                                      \
        return step(cx, &f, e);                                                                    \
    }
STEP(run_backup, step_backup_redis)
STEP(run_restore, step_restore_redis)
STEP(run_status, step_update_status)
STEP(run_hook, step_run_hook)
STEP(run_forget, step_forget_snapshot)
STEP(run_show, step_show_snapshots)
STEP(run_verify, step_verify_backup)
STEP(run_view, view_snapshot)
STEP(run_wipe, step_wipe_repository)

static enum rc
run_create(struct ctx *cx, const void *args, struct err *e)
{
    return step_create_backupsession(cx, &((const struct step_args *)args)->step, e);
}

/* Whoever waits for the step's outcome is to read what is wrong with its flags. */
static enum rc
steps_refused(const void *args, struct err *e)
{
    struct step_flags f = flags_of(args);

    return step_refused(&f, e);
}

#define FLAGS(table)                                                                               \
    {                                                                                              \
        table, offsetof(struct step_args, step)                                                    \
    }
static const struct opt_group backup_groups[] = {FLAGS(opts_cluster),    FLAGS(opts_backend),
                                                 FLAGS(opts_redis_step), FLAGS(opts_backup_step),
                                                 {opts_app, 0},          {.table = NULL}};
static const struct opt_group restore_groups[] = {FLAGS(opts_cluster),    FLAGS(opts_backend),
                                                  FLAGS(opts_redis_step), FLAGS(opts_restore_step),
                                                  {opts_app, 0},          {.table = NULL}};
static const struct opt_group status_groups[] = {FLAGS(opts_cluster), FLAGS(opts_backend),
                                                 FLAGS(opts_session), FLAGS(opts_status),
                                                 {opts_app, 0},       {.table = NULL}};
static const struct opt_group hook_groups[] = {
    FLAGS(opts_cluster), FLAGS(opts_session), FLAGS(opts_hook), {opts_app, 0}, {.table = NULL}};
static const struct opt_group forget_groups[] = {
    FLAGS(opts_cluster), FLAGS(opts_backend), FLAGS(opts_forget), {opts_app, 0}, {.table = NULL}};
static const struct opt_group show_groups[] = {
    FLAGS(opts_cluster), FLAGS(opts_backend), FLAGS(opts_show), {opts_app, 0}, {.table = NULL}};
static const struct opt_group verify_groups[] = {
    FLAGS(opts_cluster), FLAGS(opts_backend), FLAGS(opts_verify), {opts_app, 0}, {.table = NULL}};
static const struct opt_group view_groups[] = {
    FLAGS(opts_cluster), FLAGS(opts_backend), FLAGS(opts_view), {opts_app, 0}, {.table = NULL}};
static const struct opt_group wipe_groups[] = {
    FLAGS(opts_cluster), FLAGS(opts_backend), {opts_app, 0}, {.table = NULL}};
static const struct opt_group create_groups[] = {
    FLAGS(opts_cluster), FLAGS(opts_create), {opts_app, 0}, {.table = NULL}};

const struct command cmd_backup_redis = {.name = "backup-redis",
                                         .summary = "Job step: dump the Redis of an AppBinding",
                                         .groups = backup_groups,
                                         .size = sizeof(struct step_args),
                                         .run = run_backup,
                                         .refused = steps_refused};
const struct command cmd_restore_redis = {.name = "restore-redis",
                                          .summary =
                                              "Job step: restore into the Redis of an AppBinding",
                                          .groups = restore_groups,
                                          .size = sizeof(struct step_args),
                                          .run = run_restore,
                                          .refused = steps_refused};
const struct command cmd_update_status = {.name = "update-status",
                                          .summary =
                                              "Job step: retention, check, metrics and status",
                                          .groups = status_groups,
                                          .size = sizeof(struct step_args),
                                          .run = run_status};
const struct command cmd_run_hook = {.name = "run-hook",
                                     .summary = "Job step: run a hook",
                                     .groups = hook_groups,
                                     .size = sizeof(struct step_args),
                                     .run = run_hook};
const struct command cmd_create_backupsession = {.name = "create-backupsession",
                                                 .summary = "CronJob: start a backup",
                                                 .groups = create_groups,
                                                 .size = sizeof(struct step_args),
                                                 .run = run_create};
const struct command cmd_forget_snapshot = {.name = "forget-snapshot",
                                            .summary =
                                                "Job: remove the snapshot of a deleted Snapshot",
                                            .groups = forget_groups,
                                            .size = sizeof(struct step_args),
                                            .run = run_forget};
const struct command cmd_show_snapshots = {.name = "show-snapshots",
                                           .summary =
                                               "Job: bring the Snapshots of a Repository in step",
                                           .groups = show_groups,
                                           .size = sizeof(struct step_args),
                                           .run = run_show};
const struct command cmd_verify_backup = {.name = "verify-backup",
                                          .summary = "CronJob: verify the latest backup, as a "
                                                     "BackupVerification says",
                                          .groups = verify_groups,
                                          .size = sizeof(struct step_args),
                                          .run = run_verify};
const struct command cmd_view_snapshot = {.name = "view-snapshot",
                                          .summary = "Job: look into a Repository, as a "
                                                     "SnapshotView says",
                                          .groups = view_groups,
                                          .size = sizeof(struct step_args),
                                          .run = run_view};
const struct command cmd_wipe_repository = {.name = "wipe-repository",
                                            .summary = "Job: delete the data of a Repository",
                                            .groups = wipe_groups,
                                            .size = sizeof(struct step_args),
                                            .run = run_wipe};
