/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PLUGIN_H
#define CLI_PLUGIN_H

/*
 * cli/plugin -- kubectl-stash: Stash's plug-in for kubectl, which is this program under that name.
 *
 * Verbs    those on objects are commands like any other (plugin_*.c). Those on a Repository's data say otherwise what a command
 *          of ours does with kube:NAMESPACE/REPOSITORY (struct forward).
 * Names    may be two words: "pause backup".
 * Source   Stash's documentation of its plug-in. It runs restic in docker; this needs neither.
 */
#include "cli/app.h"
#include "cli/cluster.h"

extern const struct program program_plugin;
extern const struct command cmd_plugin_trigger, cmd_plugin_pause, cmd_plugin_resume,
    cmd_plugin_cp_secret, cmd_plugin_cp_repository, cmd_plugin_cp_config,
    cmd_plugin_create_repository, cmd_plugin_create_config, cmd_plugin_create_restore,
    cmd_plugin_download, cmd_plugin_rules, cmd_plugin_debug_backup, cmd_plugin_debug_restore,
    cmd_plugin_debug_operator, cmd_plugin_purge, cmd_plugin_undo;

/* Was the program called so? */
bool plugin_is_called(const char *argv0);

/* An option that Stash's plug-in calls otherwise. */
struct forward_option {
    const char *name; /* without dashes; NULL ends */
    enum { FORWARD_AS, FORWARD_WORD, FORWARD_DROP } how;
    const char *to; /* FORWARD_AS: the option of ours */
    bool is_flag;
    const char *value, *help; /* as in an option's row; NULL: it is ignored */
};

struct forward {
    const struct command *to;
    const char *const *with;        /* words in front; NULL ends */
    const struct opt_group *groups; /* NULL: all options of `to`; offsets play no part */
    bool snapshot;                  /* the word is not REPOSITORY but REPOSITORY-SNAPSHOT */
    const struct forward_option *options;
};

/* The words of a command line of ours, and the texts that were made for it. */
enum { FORWARD_MAX = 128 };
struct forwarded {
    char *argv[FORWARD_MAX];
    int argc;
    char *made[FORWARD_MAX];
    size_t n_made;
    struct cluster_access cluster; /* where the Repository is */
};
/* RC_USAGE: no Repository is named, or too much. forward_release in any case. */
NODISCARD enum rc forward_words(const struct forward *f, int argc, char **argv,
                                struct forwarded *out, struct err *e);
void forward_release(struct forwarded *f);

/* ---- for the commands on objects ---- */

/* Connected, with the namespace that is meant. */
struct plugin {
    struct ctx *cx;
    struct kube *k;
    char *ns;
};
/* plugin_close in any case. */
NODISCARD enum rc plugin_open(struct ctx *cx, const struct cluster_access *a, struct plugin *out,
                              struct err *e);
void plugin_close(struct plugin *p);
/* "kube:[NAMESPACE/]REPOSITORY"; mem_free. */
char *plugin_repo(const struct cluster_access *a, const char *repository);
/* Of that address; it borrows both. */
struct repo_access plugin_access(const struct cluster_access *a, const char *url);
/* Create it, and say so: "repository.stash.appscode.com/x created"; what is there already and the same is "unchanged". */
NODISCARD enum rc plugin_create(struct plugin *p, const struct kube_gvr *kind,
                                const struct json *obj, struct err *e);
/*
 * Create another one, and say so: its name is set, `name`, `prefix` and the second, or where that one has one the next
 * second without. RC_EXISTS: some seconds on none is free.
 */
NODISCARD enum rc plugin_create_another(struct plugin *p, const struct kube_gvr *kind,
                                        struct json *obj, const char *name, const char *prefix,
                                        struct err *e);

#endif
