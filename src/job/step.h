/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_STEP_H
#define JOB_STEP_H

/*
 * job/step -- the containers of a Job: backup-redis, restore-redis, update-status, run-hook;
 * create-backupsession and verify-backup, which CronJobs run; forget-snapshot, for a Snapshot that somebody deleted, and show-snapshots; and wipe-repository, which deletes what store_wipe
 * deletes, with the credentials of the Secret alone: what the Pod itself may is not used.
 *
 * Why      thin wrappers: they read the cluster, call what the commands by hand call, and write the
 *          outcome where the operator and people look.
 * Shape    flags in, RC_OK or an error out. A step with an output directory that fails writes that
 *          into output.json and returns RC_OK, so that the steps after it run (status, hooks); the
 *          last container of the pod (CSTASH_FINAL_STEP=true) returns the failure, so that the Job
 *          fails when the backup did.
 * Source   Stash's flags and files. Flags that have no use here are taken
 *          and ignored.
 */
#include "base/ctx.h"
#include "base/secret.h"

/* Borrowed from the command line; NULL: not given. The flags themselves: cli/cmd_steps.c. */
struct step_flags {
    const char *master, *kubeconfig;
    const char *ns, *backupsession, *restoresession;
    const char *invoker_kind, *invoker_name, *target_kind, *target_name, *target_ns;
    const char *appbinding, *appbinding_ns;
    const char *secret, *secret_ns;
    const char *provider, *bucket, *endpoint, *region, *path;
    const char *scratch_dir, *output_dir;
    const char *hostname, *source_hostname;
    const char *snapshot; /* ID; for forget-snapshot the name of the Snapshot */
    const char *uid;      /* of that */
    const char *repository,
        *due;                 /* the Repository for show-snapshots, and what for (snapshots_due) */
    const char *verification; /* the BackupVerification for verify-backup */
    const char *view, *view_folder; /* the SnapshotView for view-snapshot; where the result goes */
    const char *server_socket;      /* of the throw-away server in its Pod; NULL: a child */
    const char *redis_args;
    int wait_timeout_ms;     /* how long to wait for the Redis */
    int64_t max_connections; /* 0: the default */
    const char *hook_type;
    const char *metrics_url, *metrics_labels;
    bool insecure_tls, enable_cache, metrics_enabled;
};

typedef enum rc step_fn(struct ctx *cx, const struct step_flags *f, struct err *e);
step_fn step_backup_redis, step_restore_redis, step_update_status, step_run_hook,
    step_create_backupsession, step_forget_snapshot, step_show_snapshots, step_verify_backup,
    step_wipe_repository;

/*
 * Of view-snapshot: the SnapshotView of the flags (json_free), and the Repository's store and password (store_release,
 * secret_release). Zero it first; the caller releases it also after a failure.
 */
struct json;
struct store;
struct step_view {
    struct json *obj;
    struct store *store;
    struct secret password;
};
NODISCARD enum rc step_view_read(struct ctx *cx, const struct step_flags *f, struct step_view *out,
                                 struct err *e);

/* The end of backup-redis or restore-redis when their flags are wrong (`e`): as of one that failed. */
NODISCARD enum rc step_refused(const struct step_flags *f, struct err *e);

#endif
