/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of commands: main finds one in it; help, manual pages and completion list it. */
#include "cli/app.h"
#include "cli/cluster.h"

static const struct command *const commands[] = {
    /* a Redis and a repository */
    &cmd_init,
    &cmd_backup,
    &cmd_restore,
    &cmd_undo,
    &cmd_verify,
    &cmd_snapshots,
    &cmd_show,
    &cmd_dump,
    &cmd_load,
    &cmd_digest,
    &cmd_check,
    &cmd_audit,
    &cmd_keys,
    &cmd_get_key,
    &cmd_diff,
    &cmd_forget,
    &cmd_prune,
    &cmd_copy,
    &cmd_tag,
    &cmd_find,
    &cmd_list,
    &cmd_cat,
    &cmd_stats,
    &cmd_key,
    &cmd_recovery_sheet,
    &cmd_unlock,
    &cmd_repair,
    &cmd_rebuild_index,
    &cmd_migrate,
    /* the control plane */
    &cmd_up,
    &cmd_operator,
    &cmd_crds,
    &cmd_catalog,
    &cmd_apply,
    &cmd_get,
    &cmd_describe,
    &cmd_delete,
    &cmd_logs,
    &cmd_wait,
    /* for shells and manuals */
    &cmd_completion,
    &cmd_man,
    /* what Jobs run */
    &cmd_backup_redis,
    &cmd_restore_redis,
    &cmd_update_status,
    &cmd_run_hook,
    &cmd_create_backupsession,
    &cmd_forget_snapshot,
    &cmd_show_snapshots,
    &cmd_verify_backup,
    &cmd_wipe_repository,
    &cmd_view_snapshot,
    &cmd_hold_view,
    &cmd_hand_view,
    &cmd_hold_volume,
    &cmd_serve_volume,
    NULL,
};

/* As restic and kubectl take them. */
static const struct opt_group leading[] = {
    {opts_repo, 0}, {opts_json, 0}, {opts_cluster_access, 0}, {opts_app, 0}, {.table = NULL}};

const struct program program_cstash = {
    .name = "cstash", .file = "cstash", .commands = commands, .leading = leading};
