/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VIEW_JOB_H
#define CLI_VIEW_JOB_H

/*
 * cli/view_job -- keys, get-key and diff of view:NAMESPACE/REPOSITORY: a Job of the namespace looks, and its Pod hands the result over.
 *
 * Why      whoever may look need not read the storage Secret (ADR 41).
 * Shape    the command makes a SnapshotView, waits until it is Ready, fetches the result by exec, and deletes it.
 *          In the Pod: "view-snapshot" runs the command with its outputs in files, then "hold-view" waits, and "hand-view", by exec,
 *          hands the files over, once.
 * Limits   VIEW_RESULT_MAX bytes of result; more is RC_LIMIT, and nothing of it is handed over.
 * Privacy  what was found, and every word about it, errors too, goes to the caller alone: the containers log nothing of it.
 * Errors   those of the look as if it had run here; RC_UNAVAILABLE: nobody looked, with what it waits for.
 */
#include "cli/view_spec.h"
#include "job/step.h"

/* Does the address say so? */
bool view_is_asked(const struct repo_access *a);
/* The whole way; the result goes to stdout. */
NODISCARD enum rc view_run(struct ctx *cx, enum look which, const struct look_args *a,
                           struct err *e);

/* ---- in the Pod ---- */

enum { VIEW_RESULT_MAX = 16 * 1024 * 1024, VIEW_NOTES_MAX = 64 * 1024 };

/* The step view-snapshot. */
step_fn view_snapshot;
/* Until the folder's result was handed over, or nobody came for it; or `cx` ends. */
NODISCARD enum rc view_hold(struct ctx *cx, const char *folder, struct err *e);
/* To stdout. RC_EXISTS: it was handed over already. */
NODISCARD enum rc view_hand(struct ctx *cx, const char *folder, struct err *e);
/* Write what the look ended with, for view_hand. `why` is read unless `rc` is RC_OK. */
NODISCARD enum rc view_write_end(const char *folder, enum rc rc, const struct err *why,
                                 struct err *e);

#define VIEW_RESULT "result"
#define VIEW_NOTES "notes" /* what the look said on stderr */

#endif
