/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OPTS_H
#define CLI_OPTS_H

/*
 * cli/opts -- command lines by table.
 *
 * Shape    each command lists tables of struct opt; a value lands in struct args at the option's
 *          offset. --name value, --name=value, -n value, -nvalue, flags together (-qv); "--" ends
 *          options.
 * Errors   RC_INVALID with a hint; an unknown option lists what the command knows.
 */
#include <stddef.h>

#include "base/err.h"

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
    bool no_lock;
    const char *retry_lock;
    /* Redis */
    const char *redis, *redis_password_file, *cacert, *cacert_dir, *cert, *key, *sni, *wait;
    bool insecure;
    /* which keys */
    const char *db, *match;
    /* of single commands */
    const char *host, *path;
    struct args_list tags, hosts;
    const char *source, *format, *compression, *existing, *from_rdb, *stdin_filename;
    const char *repository_version, *mode, *new_password_file, *psync;
    bool from_stdin, dry_run, read_data, manifest, all;
    const char *rest[ARGS_REST_MAX];
    size_t n_rest;
};

enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_LIST };

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
