/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_STEP_INTERNAL_H
#define JOB_STEP_INTERNAL_H

/* What the steps share: the cluster, the Secret, the repository, the result. */
#include "api/conditions.h"
#include "api/backend.h"
#include "api/invoker.h"
#include "base/secret.h"
#include "job/data_opts.h"
#include "job/step.h"
#include "kube/kube.h"
#include "redis/conn.h"
#include "repo/repo.h"

/* ---- cluster.c ---- */

/* By --master, --kubeconfig, $KUBECONFIG or the pod's account. `ns` (may be NULL): its namespace.
 */
NODISCARD enum rc step_connect(const struct step_flags *f, struct kube **out, char **ns,
                               struct err *e);
/* The value of a key of a Secret's JSON. RC_NOT_FOUND. */
NODISCARD enum rc secret_value(const struct json *secret, const char *key, struct secret *out,
                               struct err *e);
/* The priorities that runtimeSettings ask for, from the environment. What fails is a warning. */
void step_be_nice(void);
/* "" or NULL: RC_USAGE, names the flag. */
NODISCARD enum rc step_need(const char *value, const char *flag, struct err *e);
/* The session of the flags is named: the same. */
NODISCARD enum rc step_need_session(const struct step_flags *f, struct err *e);
const char *step_text(const char *value, const char *otherwise);

/* Is it about a BackupSession (else a RestoreSession or RestoreBatch)? And the kind of that. */
bool step_is_backup(const struct step_flags *f);
const struct kube_gvr *step_session_kind(const struct step_flags *f);
/* The kind of this name whose sessions are BackupSessions, a BackupConfiguration where there is no name. NULL: RC_UNSUPPORTED. */
const struct kube_gvr *step_backup_invoker(const char *kind, struct err *e);
/*
 * The session of the flags and its invoker (a RestoreSession is its own). `*session` and
 * `*invoker` are the caller's, also after a failure; `inv` is a view on the latter: of a batch, on the member that has
 * the target of the flags, or on the whole when they name none. RC_NOT_FOUND also when there is no such member.
 */
NODISCARD enum rc step_session(struct ctx *cx, struct kube *k, const struct step_flags *f,
                               struct json **session, struct json **invoker, struct invoker *inv,
                               struct err *e);

/* What a step has to say of its session. */
struct step_verdict {
    enum condition_id id;
    enum condition_state state;
    const char *text; /* NULL: the table's */
    /* Where the condition is kept; NULL: in the status. */
    struct json *(*place)(void *arg, struct json *session);
    void *arg;
    const char *event; /* "Normal" or "Warning": an event too (step_note); NULL: none */
};
/* Write it into the status of the session of the flags. In that of a batch what went wrong with one member stays. */
NODISCARD enum rc step_tell(struct ctx *cx, struct kube *k, const struct step_flags *f,
                            const struct step_verdict *v, struct err *e);
/* The same where there is a session, with the event; that it cannot be told is only logged. */
void step_note(struct ctx *cx, struct kube *k, const struct step_flags *f,
               const struct step_verdict *v);

/* ---- step_repo.c: the repository of the flags and its Secret ---- */

struct step_repo {
    struct store *store;
    struct repo *repo;
    struct secret password;
    char *cache; /* folder for copies of metadata, or NULL */
};
/* The storage Secret of the flags; the caller frees. */
NODISCARD enum rc step_repo_secret(struct ctx *cx, struct kube *k, const struct step_flags *f,
                                   struct json **out, struct err *e);
/* The store of the flags, not touched yet; `with_environment` as in job/kube_repo. */
NODISCARD enum rc step_repo_store_of_flags(const struct step_flags *f, const struct json *secret,
                                           bool with_environment, struct store **out,
                                           struct err *e);
/* Read the Secret and open the store; no repository yet. Zero it first. */
NODISCARD enum rc step_repo_reach(struct ctx *cx, struct kube *k, const struct step_flags *f,
                                  struct step_repo *out, struct err *e);
/* The same of another Repository, by its name: with what the Pod was given by its cluster. */
NODISCARD enum rc step_repo_reach_named(struct ctx *cx, struct kube *k, const char *ns,
                                        const char *name, struct step_repo *out, struct err *e);
/* Open the repository. RC_NO_REPOSITORY if there is none: only then may one be made. */
NODISCARD enum rc step_repo_open(struct ctx *cx, struct step_repo *v, struct err *e);
/*
 * Open it, or make it if there is none. `object`: the Repository, or NULL. Where its status tells of
 * snapshots, none is made (RC_NO_REPOSITORY) unless its annotation allows it.
 */
NODISCARD enum rc step_repo_ensure(struct ctx *cx, struct step_repo *v, const struct json *object,
                                   struct err *e);
/* Wait for the lock up to VAULT_LOCK_MS, removing locks of the dead; then load the index. */
NODISCARD enum rc step_repo_lock(struct ctx *cx, struct step_repo *v, bool exclusive,
                                 struct err *e);
void step_repo_close(struct step_repo *v);

/* Work in the repository of the flags: reached, opened and locked before, closed behind. */
typedef enum rc step_repo_fn(void *arg, struct repo *r, struct err *e);
NODISCARD enum rc step_repo_do(struct ctx *cx, struct kube *k, const struct step_flags *f,
                               bool exclusive, step_repo_fn *fn, void *arg, struct err *e);

/* ---- redis_args.c: what stands in Task param "args" ---- */

enum redis_args_direction { REDIS_ARGS_BACKUP, REDIS_ARGS_RESTORE };

/* The groups of job/data_opts, and what only a Task may say. */
struct redis_args {
    char *text;    /* owned; the others point into it, */
    char **choice; /* or into these, of redis_args_choose */
    size_t n_choice;
    const char *user, *password, *target;
    bool use_tls;
    struct tls_opts tls;
    struct filter keys;
    struct source_opts source; /* kind, format, psync */
    struct compression_opts compression;
    struct beside_opts beside;
    struct beside_choice beside_restore;
    struct load_choice load;
    int pipe_timeout_ms; /* OPT_UNSET: not given, 0: none */
};
/* RC_INVALID: an unknown option, with the known ones as hint. */
NODISCARD enum rc redis_args_parse(const char *text, enum redis_args_direction direction,
                                   struct redis_args *out, struct err *e);
void redis_args_release(struct redis_args *a);
/*
 * What spec.cstash of a restore says, as options (api/restore_choice): each that is there replaces what the args say by it. `out` is
 * parsed. `list` NULL: nothing is said.
 */
NODISCARD enum rc redis_args_choose(const struct json *list, struct redis_args *out, struct err *e);

/* ---- redis_target.c: the Redis of an AppBinding ---- */

struct redis_target {
    struct redis_addr addr;
    struct conn_opts conn;
    struct json *app;           /* the AppBinding */
    char *service, *service_ns; /* NULL: it has a URL */
    char
        *files[4]; /* CA, certificate, key, the Sentinels' CA, written for us; removed at the end */
    char *sni;
    int wait_ms;
    enum node_prefer prefer;  /* behind Sentinels, and of each shard of a cluster */
    struct opt_list node_map; /* as the option has it */
    char *node_map_texts[OPT_LIST_MAX];
};
/* redis_file.c: write a file of credentials, files[at] of the target; *path is borrowed from there. */
NODISCARD enum rc redis_target_file(const struct step_flags *f, struct redis_target *b, size_t at,
                                    const char *name, struct str bytes, const char **path,
                                    struct err *e);
/* redis_params.c: what spec.parameters of kind RedisConnection say, over what stands beside them. */
NODISCARD enum rc redis_params_apply(struct ctx *cx, struct kube *k, const struct step_flags *f,
                                     const char *ns, struct redis_target *b, struct err *e);
/* Zero it first; `a` stays borrowed until redis_target_close. */
NODISCARD enum rc redis_target_open(struct ctx *cx, struct kube *k, const struct step_flags *f,
                                    const struct redis_args *a, struct redis_target *out,
                                    struct err *e);
/*
 * Connect, again and again until wait_ms have passed where time can mend it; the session says meanwhile for
 * what it waits. `*out` is the caller's.
 */
NODISCARD enum rc redis_target_wait(struct ctx *cx, struct kube *k, const struct step_flags *f,
                                    struct redis_target *b, struct conn **out, struct err *e);
void redis_target_close(struct redis_target *b);

/* ---- output.c: output.json ---- */

/* A host's entry of stats; the caller frees. */
struct json *output_host(const char *hostname, const char *phase, int64_t ms, const char *error);
/* Write the file; takes `host`. No directory: nothing happens. */
NODISCARD enum rc output_write(const struct step_flags *f, struct json *host, struct err *e);
/* `targetStatus` of the file. RC_NOT_FOUND. The caller frees. */
NODISCARD enum rc output_read(const struct step_flags *f, struct json **out, struct err *e);
/* Did the step only look ("dryRun": true of the host)? */
bool output_is_dry_run(const struct json *target_status);
/* Of which part of the data a restore was ("partial" of the host), or NULL. Borrowed. */
const char *output_part(const struct json *target_status);
/* The error of the first host that failed, or NULL. Borrowed. */
const char *output_error(const struct json *target_status);
/*
 * The end of a step whose outcome is `rc` and `e`: hands a failure on if there is somewhere to
 * write it and steps to come, else returns it.
 */
enum rc output_fail(const struct step_flags *f, const char *hostname, int64_t started_ms,
                    struct err *e);
/* Where the way back leads of a restore that took a copy of its target first; borrowed texts. */
struct output_way_back {
    const char *copy;       /* NULL: none */
    const char *repository; /* that has it; NULL: the one that is restored from */
};
/* Into a host's entry. */
void output_put_way_back(struct json *host, const struct output_way_back *w);
/* The same as output_fail of such a restore. */
enum rc output_fail_with(const struct step_flags *f, const char *hostname, int64_t started_ms,
                         const struct output_way_back *w, struct err *e);
/* What a restore put there. Did it take none, as asked? */
struct output_way_back output_way_back_of(const struct json *target_status);
bool output_safety_skipped(const struct json *target_status);
/* plan_output.c: a plan for the steps to come; the caller frees. */
struct plan;
struct json *plan_output(const struct plan *p);
/* "plan" of the host, NULL: it was none; borrowed. */
const struct json *output_plan(const struct json *target_status);
bool output_plan_says_yes(const struct json *plan);
/* Its conditions, where those of the target stand. */
void plan_conditions(const struct json *plan, struct json *place);
/* Is this the container that speaks for the whole pod? */
bool step_is_final(void);

#endif
