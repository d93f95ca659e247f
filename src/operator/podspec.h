/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_PODSPEC_H
#define OPERATOR_PODSPEC_H

/*
 * operator/podspec -- the pod that runs a Task: Functions become containers, variables get values.
 *
 * Why      the heart of what the operator decides, and pure: objects in, a pod spec out, no server.
 * Shape    [pre-task-hook] steps... [post-task-hook]; all but the last are init containers. Names,
 *          volumes, mounts and precedence of variables as in Stash.
 * Security containers meet the "restricted" Pod Security Standard unless the user says otherwise.
 * Exit     the last container gets FINAL_STEP=true: a step that hands its failure on in output.json
 *          ends with 0, so that later steps and hooks run, and the last one tells the truth.
 */
#include "api/backend.h"
#include "api/invoker.h"
#include "api/vars.h"

#define FINAL_STEP "CSTASH_FINAL_STEP"
#define CLUSTER_UID "CSTASH_CLUSTER_UID" /* read by job/target */

struct podspec_in {
    const struct invoker *inv;
    const struct json *repo;        /* Repository */
    const struct backend *backend;  /* decoded from it */
    const struct json *app_binding; /* the target, or NULL */
    const struct json
        *safety;         /* Repository of its own for the copy that a restore takes, or NULL */
    const char *session; /* name of the BackupSession or RestoreSession */
    const char *image;   /* ours, for hooks */
    const char *pushgateway_url;
    const char *pull_secrets;
    const char *cluster_uid; /* NULL: not known */
    /* The Task or Function of that name, NULL if there is none. The caller frees. */
    struct json *(*task)(void *arg, const char *name);
    struct json *(*function)(void *arg, const char *name);
    void *arg;
};

/*
 * RC_NOT_FOUND: the Task or a Function; RC_INVALID: no Task named, no steps, a variable, a target that a step cannot use.
 * `*out` is the caller's.
 */
NODISCARD enum rc podspec_build(const struct podspec_in *in, struct json **out, struct err *e);

/*
 * The pod that runs a hook of a whole batch, "preBackup" for one: what podspec_build puts before and after its steps, alone.
 * `in` needs no repository, backend or Task. The caller frees.
 */
struct json *podspec_build_hook(const struct podspec_in *in, const char *type);

/* The claim of interimVolumeTemplate of a session; mem_free. */
char *podspec_interim_name(const struct invoker *inv, const char *session);

/* The name of the invoker's Task: its own, else its AppBinding's; NULL: none. Borrowed. */
const char *podspec_task(const struct invoker *inv, const struct json *app_binding);

/* The same settings for a pod of ours that runs no Task: the trigger of a CronJob. */
void podspec_apply_runtime(struct json *pod_spec, const struct json *runtime,
                           const char *pull_secrets);
/* Where a Repository lies in a volume: that, for a pod; and its place in a container. */
void podspec_local_volume(const struct json *repo, struct json *pod_spec);
void podspec_local_mount(const struct json *repo, const struct backend *b, struct json *container);
/* The security context of a container that has none yet: the settings', and what they leave open. */
void podspec_secure(struct json *container, const struct json *runtime);

#endif
