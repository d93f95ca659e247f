/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_OPERATOR_INTERNAL_H
#define OPERATOR_OPERATOR_INTERNAL_H

/*
 * What the controllers share: caches, the way to write, names of conditions.
 *
 * Rules    a reconcile reads caches, computes, and writes what differs; nothing is kept between two
 *          of them but what the server knows. Secrets are never cached; that one exists is
 *          believed for a second (operator/ttl_set).
 */
#include <stdatomic.h>

#include "api/conditions.h"
#include "api/invoker.h"
#include "api/kinds.h"
#include "ctl/manager.h"
#include "ctl/recorder.h"
#include "http/client.h"
#include "kube/object.h"
#include "operator/operator.h"
#include "operator/ttl_set.h"

struct operator;

/* A kind of ours while the operator runs. */
struct watched {
    struct cache *cache;
    struct controller *ctl;  /* NULL: it is only read */
    struct recorder *events; /* NULL: none are told of it */
};
/*
 * What is done about a kind: the file that acts on it defines watched_NAME, for each NAME of KINDS
 * (api/kinds.h). operator.c makes caches and controllers from these, and knows no kind.
 */
struct watched_ops {
    reconcile_fn *reconcile;        /* NULL: it is only read; `arg` is the struct operator */
    const char *component;          /* in its events */
    void (*trim)(struct json *obj); /* optional: takes away what need not be cached */
    bool optional;                  /* the cluster may not keep such objects (ctl/cache.h) */
    /* Optional: indexes, and whose changes concern whom; all caches and controllers are made. */
    void (*wire)(struct operator* op, struct watched *own);
};
#define WATCHED_DECLARE(name, word) extern const struct watched_ops watched_##name;
KINDS(WATCHED_DECLARE)
#undef WATCHED_DECLARE

struct operator
{
    struct kube *k;
    const struct operator_opts *opts;
    struct manager *m;
    struct http *http; /* to the Pushgateway */
    char *cluster_uid; /* of its kube-system namespace; NULL: it may not be read */
#define WATCHED_MEMBER(name, word) struct watched name;
    KINDS(WATCHED_MEMBER)
#undef WATCHED_MEMBER
    struct cache *cron_jobs, *jobs, *pods, *accounts, *bindings;
    struct ttl_set secrets;  /* by "ns/name" */
    atomic_bool standing_by; /* another leads */
};

enum { OPERATOR_RETRY_MS = 5000 }; /* when something that is missing may have come */

/* Names of the indexes. */
#define BY_REPOSITORY "repository" /* "ns/name" */
#define BY_INVOKER "invoker"       /* "ns/kind/name" of a session's labels */
#define BY_TARGET "target"         /* "ns/kind/name" of a target of what backs up */
#define BY_JOB "job"               /* "ns/name" of the Job of a pod */
#define BY_NAME "name"             /* of a RoleBinding, in whatever namespace */

/* The value under which such an index keeps things; mem_free. */
char *key2(const char *a, const char *b);
char *key3(const char *a, const char *b, const char *c);

/* ---- writing (apply.c) ---- */

/*
 * Make `wanted` so: nothing to do when the object as cached (NULL cache: as it is now) covers it, else a server-side apply.
 * RC_EXISTS: another controller owns what has this name; it is left alone.
 */
NODISCARD enum rc ensure(struct ctx *cx, struct operator* op, struct cache *cache,
                         const struct kube_gvr *kind, const struct json *wanted, struct err *e);
/* Create `wanted`. RC_OK also when it was made before, by the same owner; RC_EXISTS as above. `cache` may be NULL. */
NODISCARD enum rc create_owned(struct ctx *cx, struct operator* op, struct cache *cache,
                               const struct kube_gvr *kind, const struct json *wanted,
                               struct err *e);
/* Delete; gone already is fine. */
NODISCARD enum rc ensure_gone(struct ctx *cx, struct operator* op, const struct kube_gvr *kind,
                              const char *ns, const char *name, const char *propagation,
                              struct err *e);
/* Write the status of `now` when it differs from that of `was`; the cache is told. */
NODISCARD enum rc write_status(struct ctx *cx, struct operator* op, struct cache *cache,
                               const struct kube_gvr *kind, const struct json *was,
                               const struct json *now, struct err *e);
/* Who is told of an object: by an event of this type, "Normal" or "Warning". All borrowed. */
struct teller {
    struct ctx *cx;
    struct recorder *events;
    const struct json *obj;
    const char *type;
};
/*
 * Set a condition in `holder`, and tell it with the same text where that changes something. The event
 * has the condition's reason, or its type where that says more: it is never False.
 */
void condition_tell(const struct teller *to, struct json *holder, enum condition_id id,
                    enum condition_state state, const char *text);
/* Add or remove a finalizer by a patch of the object's version. */
NODISCARD enum rc write_finalizer(struct ctx *cx, struct operator* op, struct cache *cache,
                                  const struct json *obj, const char *name, bool add,
                                  struct err *e);

/* ---- before an object goes (finalize.c) ---- */

/* An object that is being deleted. All of it is borrowed. */
struct deletion {
    const struct json *obj;
    const char *finalizer;      /* of ours, by which it is held */
    const struct watched *kind; /* its own */
    bool hopeless;              /* waiting would change nothing */
};
/*
 * Take the finalizer away when there is nothing `undone`, or when it could not be done for as long
 * as operator_opts.deletion_limit_ms; else `undone` is told and `out` asks for another try.
 */
NODISCARD enum rc finalize(struct ctx *cx, struct operator* op, const struct deletion *l,
                           const struct err *undone, struct ctl_result *out, struct err *e);
/*
 * The same after what an invoker has in other namespaces is removed. Nothing to do without the
 * finalizer.
 */
NODISCARD enum rc finalize_invoker(struct ctx *cx, struct operator* op, const struct deletion *l,
                                   const struct invoker *inv, struct ctl_result *out,
                                   struct err *e);

/* ---- what a run needs (needs.c) ---- */

/* Is the object what its kind says? RC_INVALID names the field. */
NODISCARD enum rc object_fits(const struct crd_def *kind, const struct json *obj, struct err *e);
/*
 * Does it fit, and could anything come of it? RC_INVALID names the field or the annotation; RC_UNSUPPORTED:
 * nothing of ours does that.
 */
NODISCARD enum rc object_check(const struct crd_def *kind, const struct json *obj, struct err *e);
/*
 * The same, told by the condition ValidationPassed in `status` and an event. A bad object is let be
 * until it is changed: there is nothing to try again.
 */
bool object_is_bad(struct ctx *cx, struct recorder *events, const struct crd_def *kind,
                   const struct json *obj, struct json *status);

/*
 * Check Repository, Secret and usage policy of an invoker, writing the conditions RepositoryFound,
 * BackendSecretFound and ValidationPassed into `status`. `*repo` is the Repository (the caller
 * frees) and `*ok` true when all of it is there and allowed; else look again in a while.
 */
NODISCARD enum rc check_needs(struct ctx *cx, struct operator* op, const struct invoker *inv,
                              struct json *status, struct json **repo, bool *ok, struct err *e);
/* RC_DENIED: the Repository's usagePolicy does not let the invoker's namespace use it. */
NODISCARD enum rc usage_check(struct ctx *cx, struct operator* op, const struct invoker *inv,
                              const struct json *repo, struct err *e);
/*
 * RC_DENIED: this may not be the target, whether it exists or not: an AppBinding elsewhere that the
 * account of the Jobs may not read, a workload elsewhere, any other kind.
 */
NODISCARD enum rc target_check(struct ctx *cx, struct operator* op, const struct invoker *inv,
                               struct err *e);
/* The AppBinding that is the target; NULL: none, or it may not be. The caller frees. */
struct json *target_app(struct ctx *cx, struct operator* op, const struct invoker *inv);
/* Is the target there, and may it be one? Writes the condition of the invoker's kind that says so. RC_OK with *found. */
NODISCARD enum rc check_target(struct ctx *cx, struct operator* op, const struct invoker *inv,
                               struct json *status, bool *found, struct err *e);

/* ---- pods and their Jobs (run.c, rbac.c, cronjob.c, outcome.c) ---- */

NODISCARD enum rc ensure_cron_job(struct ctx *cx, struct operator* op, const struct invoker *inv,
                                  struct err *e);

/* One run of a member of an invoker: its session (a BackupSession, or the RestoreSession or RestoreBatch itself). */
struct run {
    const struct invoker *inv;
    size_t index;     /* of the Job: where the session keeps its results */
    const char *hook; /* "preBackup", of a whole batch; NULL: the member's Task */
    const struct json *session;
    const struct json *repo;
    int64_t deadline_ms; /* unix ms by which the Job must be done; 0: none */
};
char *run_job_name(const struct run *r); /* mem_free */
/*
 * Could a pod be made now? RC_NOT_FOUND: its Task or a Function; RC_INVALID: what they say. `note`: "", or that a step of ours
 * runs in somebody else's image, as it does where Stash's catalog is still there.
 */
enum { RUN_NOTE = 480 };
NODISCARD enum rc run_check(struct ctx *cx, struct operator* op, const struct invoker *inv,
                            const struct json *repo, char note[static RUN_NOTE], struct err *e);
/* Account, roles and Job; RC_OK also when they are there already. A hook needs no `repo`. */
NODISCARD enum rc ensure_job(struct ctx *cx, struct operator* op, const struct run *r,
                             struct err *e);
/*
 * The Repository that takes the copy of the target before a restore (way_back.c): the one that annotation NOTE_SAFETY_REPOSITORY
 * names, else that of a backup of the same target; NULL: the one that is restored from. The caller frees. RC_NOT_FOUND,
 * RC_INVALID: what the annotation says.
 */
NODISCARD enum rc find_way_back(struct operator* op, const struct run *r, struct json **out,
                                struct err *e);
/* `safety` (may be NULL): what find_way_back found. */
NODISCARD enum rc ensure_run_rbac(struct ctx *cx, struct operator* op, const struct run *r,
                                  const struct json *app, const struct json *safety,
                                  const char *account, struct err *e);
/*
 * The account, unless the user gives one, and its binding `name`: several invokers may be given the same account, and each
 * has a binding of its own.
 */
NODISCARD enum rc ensure_account(struct ctx *cx, struct operator* op, const struct invoker *inv,
                                 const char *name, const char *account, const char *cluster_role,
                                 struct err *e);
/* What hooks need beyond that: pods, and commands in them. Without hooks it is taken away. */
NODISCARD enum rc ensure_hook_rights(struct ctx *cx, struct operator* op, const struct invoker *inv,
                                     const char *account, struct err *e);
/*
 * Remove what lies in other namespaces, where no owner reference reaches, but what is in `keep`
 * (NULL: nothing).
 */
NODISCARD enum rc remove_foreign_rbac(struct ctx *cx, struct operator* op,
                                      const struct invoker *inv, const char *keep, struct err *e);

/* How a Job stands. */
enum outcome {
    OUTCOME_GOING,
    OUTCOME_WAITING, /* its pod cannot start for now, `why` says why */
    OUTCOME_DONE,    /* ended well */
    OUTCOME_DEAD     /* ended badly or cannot start: `why` */
};
enum { WHY_TEXT = 600 };
NODISCARD enum rc job_outcome(struct ctx *cx, struct operator* op, const char *ns, const char *name,
                              enum outcome *out, char why[static WHY_TEXT], struct err *e);
/* The last ending, for tests: from the objects. `job` NULL: it is gone. */
enum outcome job_outcome_of(const struct json *job, const struct json *pods, int64_t now_ms,
                            char why[static WHY_TEXT]);

/* ---- rights (rbac.c) ---- */

/* The name of what an invoker's Jobs are granted, and of their ServiceAccount unless the user gives one; mem_free. */
char *grant_name(const struct invoker *inv);
char *grant_account(const struct invoker *inv);
/* A Role and the RoleBinding that gives it to an account, both under one name. */
struct grant {
    const char *ns, *name;
    const char *account_ns, *account;
    const char *user; /* in place of an account: whom the cluster calls so; NULL: none */
    const struct json *labels;
    const struct json *owner; /* NULL: in another namespace, where owners do not reach */
    struct json *rules;
};
NODISCARD enum rc ensure_grant(struct ctx *cx, struct operator* op, const struct grant *g,
                               struct err *e);
/* The binding `g->name` of that ClusterRole, in the namespace; `rules` plays no part. */
NODISCARD enum rc ensure_cluster_grant(struct ctx *cx, struct operator* op, const struct grant *g,
                                       const char *cluster_role, struct err *e);
/* A rule that lets one object be read, or commands be run in one Pod; the caller frees. */
struct json *grant_get(const char *group, const char *resource, const char *name);
struct json *grant_exec(const char *pod);

/* ---- Jobs on the data of a Repository (repository_job.c) ---- */

/* All borrowed. */
struct repository_job {
    const char *step;      /* of ours, and the name of the container */
    const char *component; /* the value of its label */
    const char *name;      /* of the Job, and of its account */
    const char *
        cluster_role; /* what the account may do beside reading the storage Secret; NULL: nothing */
    const struct json *repo, *owner;
    const char *due;         /* annotation of the Job: snapshots_due; NULL: none */
    const char *const *args; /* flags beside the backend's: name, value, ..., NULL; NULL: none */
    int64_t deadline_s;      /* of one attempt; 0: an hour */
    /* What else is in its Pod; NULL: nothing. */
    void (*beside)(void *arg, struct json *pod, const struct json *runtime);
    void *arg;
};
/* When there is to be one, again and again. */
struct repository_cron {
    const char *schedule, *note; /* note: the annotation of its Jobs that names the owner */
    bool paused;
    int64_t history; /* Jobs kept of those that ended well, and of the others */
};
/* One for each life of `of`; mem_free. */
char *repository_job_name(const char *prefix, const struct json *of);
/* Account, rights and Job. RC_INVALID: the Repository. */
NODISCARD enum rc repository_job_create(struct ctx *cx, struct operator* op,
                                        const struct repository_job *j, struct err *e);
/* The same with a CronJob, which is made what is wanted. */
NODISCARD enum rc repository_cron_ensure(struct ctx *cx, struct operator* op,
                                         const struct repository_job *j,
                                         const struct repository_cron *c, struct err *e);
/* The Job failed, or its Pod will never start. When it is time it goes, so that another can begin; `of` is what is deleted. */
NODISCARD enum rc repository_job_retry(struct ctx *cx, struct operator* op, const struct json *of,
                                       const struct json *job, struct ctl_result *out,
                                       struct err *e);
/* Is it gone, or going? Asked at the server. */
NODISCARD enum rc object_goes(struct ctx *cx, struct operator* op, const struct kube_gvr *kind,
                              const char *ns, const char *name, bool *goes, struct err *e);
NODISCARD enum rc namespace_goes(struct ctx *cx, struct operator* op, const char *ns, bool *goes,
                                 struct err *e);

/* ---- Snapshots (snapshot.c) ---- */

/*
 * Bring those of `repo` in step by a Job, where no backup did (snapshot_show.c); the condition of `status`, which is to be
 * written, tells what failed.
 */
NODISCARD enum rc show_snapshots(struct ctx *cx, struct operator* op, const struct json *repo,
                                 struct json *status, struct ctl_result *out, struct err *e);
/* Remove all of a Repository; the backups stay. */
NODISCARD enum rc drop_snapshots(struct ctx *cx, struct operator* op, const struct json *repo,
                                 struct err *e);

/* ---- verifications ---- */

/*
 * What runs the Redis behind the AppBinding's Service, where that and its Pods are in the AppBinding's namespace: {"image"}, and
 * "command" where that names a server; json_free. NULL: nothing that is known. (server_image.c)
 */
struct json *server_image_of(struct ctx *cx, struct operator* op, const struct json *app);

/* ---- wipeOut (wipe.c) ---- */

enum wipe { WIPE_GOING, WIPE_DONE, WIPE_FAILED, WIPE_IMPOSSIBLE };
/*
 * Go on with the Job that deletes the data of `repo`, which is being deleted. WIPE_FAILED: `why`
 * says it, and the next attempt comes when it is due; WIPE_IMPOSSIBLE: none will. RC_OK then too.
 */
NODISCARD enum rc wipe_go_on(struct ctx *cx, struct operator* op, const struct json *repo,
                             enum wipe *state, struct err *why, struct ctl_result *out,
                             struct err *e);
/* wipeOut was taken back. */
NODISCARD enum rc wipe_stop(struct ctx *cx, struct operator* op, const struct json *repo,
                            struct err *e);

/* ---- metrics (report.c) ---- */

/* Push what a finished session says, once, and say so in its `status` (MetricsPushed). */
void report_metrics(struct ctx *cx, struct operator* op, const struct invoker *inv,
                    const struct json *session, struct json *status);

/* What the objects say now, for a scrape (state_series.c). */
struct metrics;
void put_state(struct operator* op, struct metrics *m);

/* ---- who shares a host in a Repository (sharing.c) ---- */

/* The condition HostShared of a BackupConfiguration or BackupBatch, and an event. */
void tell_sharing(struct ctx *cx, struct operator* op, const struct invoker *inv,
                  const struct json *obj, struct json *status);
/* The configuration is Invalid: it shares nothing, and whoever may have been told otherwise looks again. */
void untell_sharing(struct operator* op, const struct invoker *inv, struct json *status);

/* ---- what blueprints make (blueprint.c) ---- */

/* Of a BackupConfiguration that a blueprint made: can it still be followed? The condition BlueprintFollowed, and an event. */
void tell_blueprint(struct ctx *cx, struct operator* op, const struct json *config,
                    struct json *status);

/* ---- fields that nothing acts on (ignored.c) ---- */

/* Fields of an invoker that nothing reads: the condition FieldsIgnored and an event. */
void tell_ignored(struct ctx *cx, struct recorder *events, const struct crd_def *kind,
                  const struct json *obj, struct json *status);

#endif
