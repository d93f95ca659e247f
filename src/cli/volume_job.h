/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VOLUME_JOB_H
#define CLI_VOLUME_JOB_H

/*
 * cli/volume_job -- the store of a Repository that lies in a volume, through a Job that mounts it.
 *
 * Why      only a Pod of its namespace sees the volume; the command runs where its user is, with the password and the files
 *          there, and asks the Pod for what any disk is asked for (store/wire).
 * Shape    a Job "hold-volume", and in its Pod, by exec, "serve-volume". store_release deletes the Job; if nobody is left to do
 *          that, it ends by itself.
 * User     the one of what writes there (operator/volume_runtime), where the caller may list the configurations.
 * Rights   create and delete Jobs, list and exec into Pods, in that namespace; the Pod itself has none, and no Secret.
 * Errors   as kube and store/wire; RC_UNAVAILABLE: the Pod does not start, with what it waits for.
 */
#include "job/kube_repo.h"

/* `k` is borrowed until store_release. */
kube_repo_volume_fn volume_job_open;

/* The main process of the Pod: until nothing else has run beside it for a while, or `cx` ends. */
NODISCARD enum rc volume_job_hold(struct ctx *cx, struct err *e);

#endif
