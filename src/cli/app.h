/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_APP_H
#define CLI_APP_H

/*
 * cli/app -- what the subcommands share: what a command is, the options they have in common, and
 * opening what those options name.
 *
 * Options  each command has a struct of its own, which begins with a struct app_opts and embeds the
 *          groups that it wants, with their tables (opts/opts.h).
 * Results go to stdout, everything else to stderr. A command returns its rc with `e` filled; main
 * prints it once and turns it into the exit code: 0 done, 1 failed, 2 usage, 3 it cannot be told (a verification, a plan), 4 a
 * plan says no, 10 no repository, 11 locked, 12 wrong password, 130 interrupted (design: as restic).
 */
#include "base/ctx.h"
#include "base/secret.h"
#include "opts/opts.h"
#include "repo/repo.h"
#include "store/store.h"

/* Of every command. */
struct app_opts {
    bool help, json, quiet, verbose;
    enum { LOG_AS_TEXT, LOG_AS_JSON } log_format;
    struct opt_list words; /* those that are not options */
};
extern const struct opt opts_app[];
/* --json, of the commands whose results can be printed as JSON; in front of opts_app. */
extern const struct opt opts_json[];

struct command {
    const char *name;
    const char *usage;   /* arguments, for the help; NULL for none */
    const char *summary; /* one line */
    const struct opt_group *groups;
    size_t size;                 /* of its struct */
    size_t words_min, words_max; /* that are not options */
    bool words_are_snapshots;
    const char *const *first_words; /* what the first may be, for completion; NULL: anything */
    bool first_is_command;          /* any of the commands */
    /* The command that is meant when the first word names a snapshot (cstash get latest KEY); NULL: this one. */
    const struct command *of_snapshots;
    /* Its words are another command's, said otherwise (cli/plugin); the rest of this but the name plays no part. */
    const struct forward *forward;
    enum rc (*run)(struct ctx *cx, const void *args, struct err *e);
    /* What to do about options that are wrong (`e`), if not only to print it. */
    enum rc (*refused)(const void *args, struct err *e);
};

/* How the program was called: as cstash, or as kubectl-stash, with commands of its own (cli/plugin). */
struct program {
    const char *name;  /* as people write it: "cstash", "kubectl stash" */
    const char *file;  /* the executable's: "cstash", "kubectl-stash" */
    const char *asked; /* the executable that kubectl asks what a word may be; NULL: none */
    const struct command *const *commands; /* all of them, in the order of the help; NULL ends */
    const struct opt_group
        *leading; /* what may stand before the command too; offsets play no part */
    const struct app_absent {
        const char *name, *why;
    } * absent; /* what others of that name have, and this does not; .name NULL ends. NULL: nothing */
};
extern const struct program *app_program;
extern const struct program program_cstash; /* commands.c */
/* What stands in the help, and what shells complete; until the next call. */
const struct opt_group *app_command_groups(const struct command *c);
extern const struct command cmd_init, cmd_backup, cmd_restore, cmd_undo, cmd_verify, cmd_snapshots,
    cmd_show, cmd_dump, cmd_load, cmd_digest, cmd_check, cmd_audit, cmd_keys, cmd_get_key, cmd_diff,
    cmd_forget, cmd_prune, cmd_copy, cmd_tag, cmd_cat, cmd_list, cmd_find, cmd_repair,
    cmd_rebuild_index, cmd_migrate, cmd_unlock, cmd_stats, cmd_key, cmd_recovery_sheet, cmd_up,
    cmd_backup_redis, cmd_restore_redis, cmd_update_status, cmd_run_hook, cmd_create_backupsession,
    cmd_forget_snapshot, cmd_show_snapshots, cmd_verify_backup, cmd_wipe_repository,
    cmd_view_snapshot, cmd_hold_view, cmd_hand_view, cmd_hold_volume, cmd_serve_volume,
    cmd_operator, cmd_crds, cmd_catalog, cmd_apply, cmd_get, cmd_describe, cmd_delete, cmd_logs,
    cmd_wait, cmd_completion, cmd_man;

/* ---- a repository ---- */

struct repo_access {
    const char *url, *password_file;
    const char *kubeconfig, *context;     /* of kube:NAMESPACE/REPOSITORY */
    const struct cluster_access *cluster; /* not an option: in place of both; NULL: they count */
    bool no_lock, no_cache, insecure_tls;
    const char *cache_dir, *ca_file, *client_cert;
    int retry_lock_ms, retry_limit_ms;
    int64_t limit_upload, limit_download; /* bytes a second, or OPT_UNSET */
    struct opt_list store_options;
    /* Not an option: the store and the password, which are taken, in place of all that says where they are. */
    struct app_repo *given;
};
extern const struct opt opts_repo[];

/* Another one: to copy from, or for the copy that a restore takes first. */
struct from_access {
    const char *url, *password_file;
};
extern const struct opt opts_from[], opts_safety_repo[];
#define APP_SAFETY_REPOSITORY                                                                      \
    "CSTASH_SAFETY_REPOSITORY" /* in the environment, in place of --safety-repo */

/* A repository that is open, and what it stands on. Zero it first; app_repo_close in any case. */
struct app_repo {
    struct kube *cluster; /* of a Repository of Kubernetes; NULL: none */
    struct store *store;
    struct repo *repo;
    struct secret password;
};

enum app_lock { APP_LOCK_NONE, APP_LOCK_SHARED, APP_LOCK_EXCLUSIVE };

/*
 * Address and password from options and environment, open, lock (unless --no-lock), load the index.
 */
NODISCARD enum rc app_repo_open(struct ctx *cx, const struct repo_access *a, enum app_lock lock,
                                struct app_repo *out, struct err *e);
/* The same without the index. */
NODISCARD enum rc app_repo_lock(struct ctx *cx, const struct repo_access *a, enum app_lock lock,
                                struct app_repo *out, struct err *e);
/*
 * The repository of --from-repo, open and with a shared lock (unless --no-lock), without the index.
 * `a`: how to reach it otherwise.
 */
NODISCARD enum rc app_repo_from(struct ctx *cx, const struct repo_access *a,
                                const struct from_access *from, struct app_repo *out,
                                struct err *e);
/* The repository of --safety-repo, with its index, and a shared lock unless `lock` is APP_LOCK_NONE. */
NODISCARD enum rc app_repo_safety(struct ctx *cx, const struct repo_access *a,
                                  const struct from_access *safety, enum app_lock lock,
                                  struct app_repo *out, struct err *e);
/* Its address, of the options or the environment; NULL: neither names one. */
const char *app_repo_url(const struct repo_access *a);
/* Only the store and the password: for init. */
NODISCARD enum rc app_repo_address(struct ctx *cx, const struct repo_access *a,
                                   struct app_repo *out, struct err *e);
void app_repo_close(struct app_repo *r);
/*
 * The store at `url`, reached as the options say; of "kube:NAMESPACE/NAME", a Repository of Kubernetes, the password as well
 * unless there is one.
 */
#define APP_KUBE "kube:"
#define APP_VIEW "view:" /* through a SnapshotView: cli/view_job */
NODISCARD enum rc app_store_open(struct ctx *cx, const struct repo_access *a, const char *url,
                                 struct app_repo *out, struct err *e);

/* "HOST:PORT" to listen on, or "" for none: a port out of range is RC_USAGE. */
extern const struct opt_type opt_listen;
#define OPT_LISTEN(T, f, preset) OPT_OWN(opt_listen, T, f, const char *, preset)

/* ---- words ---- */

/* The place of `word` in a NULL-terminated list; -1: it is not there. */
int app_word(const char *word, const char *const *words);

/* What is kept of this user on this machine: $XDG_STATE_HOME/cstash; mem_free. NULL: nobody says where. */
char *app_state_dir(void);

#endif
