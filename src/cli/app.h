/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_APP_H
#define CLI_APP_H

/*
 * cli/app -- what the subcommands share: their table, the options they have in common, and opening
 * what those options name.
 *
 * Results go to stdout, everything else to stderr. A command returns its rc with `e` filled; main
 * prints it once and turns it into the exit code: 0 done, 1 failed, 2 usage, 10 no repository, 11
 * locked, 12 wrong password, 130 interrupted (design: as restic).
 */
#include "base/ctx.h"
#include "base/secret.h"
#include "cli/opts.h"
#include "dump/filter.h"
#include "dump/dump_decode.h"
#include "repo/repo.h"
#include "redis/conn.h"
#include "store/store.h"

struct command {
    const char *name;
    const char *usage;   /* arguments, for the help */
    const char *summary; /* one line */
    const struct opt *const *tables;
    size_t rest_min, rest_max; /* words that are not options */
    enum rc (*run)(struct ctx *cx, const struct args *a, struct err *e);
};

/* Tables of options that several commands take. */
extern const struct opt opts_global[], opts_repo[], opts_from[], opts_redis[], opts_filter[];

extern const struct command cmd_init, cmd_backup, cmd_restore, cmd_snapshots, cmd_show, cmd_dump,
    cmd_load, cmd_digest, cmd_check, cmd_forget, cmd_prune, cmd_copy, cmd_tag, cmd_cat, cmd_list,
    cmd_find, cmd_repair, cmd_rebuild_index, cmd_migrate, cmd_unlock, cmd_stats, cmd_key, cmd_up,
    cmd_backup_redis, cmd_restore_redis, cmd_update_status, cmd_run_hook, cmd_create_backupsession,
    cmd_wipe_repository, cmd_operator, cmd_crds, cmd_catalog, cmd_apply, cmd_get, cmd_describe,
    cmd_delete, cmd_logs, cmd_wait;

/* A repository that is open, and what it stands on. Zero it first; app_repo_close in any case. */
struct app_repo {
    struct store *store;
    struct repo *repo;
    struct secret password;
};

enum app_lock { APP_LOCK_NONE, APP_LOCK_SHARED, APP_LOCK_EXCLUSIVE };

/*
 * Address and password from options and environment, open, lock (unless --no-lock), load the index.
 */
NODISCARD enum rc app_repo_open(struct ctx *cx, const struct args *a, enum app_lock lock,
                                struct app_repo *out, struct err *e);
/* The same without the index. */
NODISCARD enum rc app_repo_lock(struct ctx *cx, const struct args *a, enum app_lock lock,
                                struct app_repo *out, struct err *e);
/* The repository of --from-repo, open and with a shared lock (unless --no-lock), without the index.
 */
NODISCARD enum rc app_repo_from(struct ctx *cx, const struct args *a, struct app_repo *out,
                                struct err *e);
/* Only the store and the password: for init. */
NODISCARD enum rc app_repo_address(const struct args *a, struct app_repo *out, struct err *e);
void app_repo_close(struct app_repo *r);
/* The store at `url`, reached as the options say. */
NODISCARD enum rc app_store_open(const struct args *a, const char *url, struct store **out,
                                 struct err *e);

/* The Redis of --redis, with its password and TLS options. The caller releases *addr. */
NODISCARD enum rc app_redis(const struct args *a, struct redis_addr *addr, struct conn_opts *opts,
                            struct err *e);
NODISCARD enum rc app_filter(const struct args *a, struct filter *out, struct err *e);
/* "90", "90s", "5m", "2h" or "100ms"; `what` names the option. */
NODISCARD enum rc app_parse_ms(const char *text, const char *what, int *out, struct err *e);
/* One of `words` (NULL-terminated); `what` names the option. NULL text: 0. */
NODISCARD enum rc app_word(const char *text, const char *what, const char *const *words, int *out,
                           struct err *e);

#endif
