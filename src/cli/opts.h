/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OPTS_H
#define CLI_OPTS_H

/*
 * cli/opts -- command lines by table.
 *
 * Shape    each command lists tables of struct opt; a value lands in struct args at the option's
 *          offset. --name value, --name=value, -n value, -nvalue, -n=value, flags together (-qv);
 *          "--" ends options.
 * Foreign  options that redis-cli or restic have and that are called otherwise here are errors with the
 *          right name; so is a letter with another meaning there, used as there: -h HOST, -p PORT,
 *          -n DB.
 * Errors   RC_USAGE with a hint; an unknown option lists what the command knows. So is an argument that is empty.
 */
#include <stddef.h>

#include "base/err.h"
#include "job/step.h"
#include "repo/policy.h"

enum { ARGS_LIST_MAX = 64, ARGS_REST_MAX = 64 };

struct args_list {
    const char *v[ARGS_LIST_MAX];
    size_t n;
};

/* Everything any command can be told. All strings are borrowed from the command line. */
struct args {
    bool help, json, quiet, verbose;
    const char *log_format;
    /* repository */
    const char *repo, *password_file;
    bool no_lock, no_cache;
    const char *cache_dir;
    const char *retry_lock, *retry_limit, *repo_cacert, *tls_client_cert, *limit_upload,
        *limit_download;
    struct args_list store_options;
    bool insecure_tls;
    const char *from_repo, *from_password_file;
    bool copy_chunker_params;
    const char *read_data_subset;
    bool read_all_packs, forget, force;
    /* Redis */
    const char *redis, *redis_password_file, *cacert, *cacert_dir, *cert, *key, *sni, *wait;
    bool insecure;
    /* which keys */
    const char *db, *match;
    struct args_list allow_commands;
    bool yes, verify;
    /* of single commands */
    const char *host, *path, *target, *shrink_below;
    struct args_list tags, hosts, paths;
    const char *source, *format, *compression, *existing, *from_rdb, *stdin_filename;
    const char *repository_version, *mode, *new_password_file, *psync;
    const char *dir, *listen;
    const char *keep[POLICY_PERIODS], *keep_within[POLICY_PERIODS], *group_by;
    struct args_list keep_tags, set_tags, add_tags, remove_tags;
    bool find_blob, find_tree, find_pack, ignore_case;
    bool allow_remove_all;
    const char *max_unused, *max_repack_size;
    bool prune, repack_cacheable_only, repack_small, repack_uncompressed;
    bool accept_shrink;
    bool from_stdin, dry_run, read_data, manifest, all;
    const char *time, *latest;
    /* of the operator and the steps of Jobs */
    struct step_flags step;
    bool metrics_auth;
    const char *image, *metrics_listen, *pushgateway_listen, *leader_namespace, *pull_secrets, *qps,
        *burst;
    /* of the verbs on a cluster */
    struct args_list files;
    const char *context, *selector, *field_selector, *output, *container, *tail, *since;
    const char *wait_for, *timeout, *cascade, *wait_gone, *dry_run_mode, *grace, *manager;
    bool all_namespaces, no_headers, watch, show_labels, ignore_not_found, force_conflicts;
    bool all_containers, follow, previous, timestamps, prefix;
    const char *rest[ARGS_REST_MAX];
    size_t n_rest;
};

/*
 * OPT_BOOL is a flag that may be told: --name, --name=true, --name=false. OPT_WORD is a text that
 * needs the equals sign: --name alone means "true". OPT_TEXT and OPT_LIST are not empty, which is
 * what a script makes of a variable that it forgot to set; the other two may be.
 */
enum opt_kind {
    OPT_FLAG,
    OPT_BOOL,
    OPT_WORD,
    OPT_TEXT,
    OPT_LIST,
    OPT_TEXT_OR_NONE,
    OPT_LIST_OR_NONE
};

struct opt {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* or 0 */
    enum opt_kind kind;
    size_t offset;
    const char *value; /* what to call the value in the help; NULL for flags */
    const char *help;
};

#define OPT_AT(field) offsetof(struct args, field)

/* `tables` is a NULL-terminated list of tables. argv[0] is the first word after the command. */
NODISCARD enum rc opts_parse(const struct opt *const *tables, int argc, char **argv,
                             struct args *out, struct err *e);
/* The options as help text on stdout. */
void opts_print(const struct opt *const *tables);

#endif
