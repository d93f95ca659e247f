/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PRUNE_OPTS_H
#define CLI_PRUNE_OPTS_H

/* cli/prune_opts -- options, and what is said, of prune and of forget --prune. */
#include "cli/app.h"
#include "repo/prune.h"

extern const struct opt opts_prune[];

/* RC_INVALID names the option. Take it before the repository is touched. */
NODISCARD enum rc app_prune_opts(const struct args *a, struct prune_opts *out, struct err *e);

/* Prune, and print what it did or, with --dry-run, would do. */
NODISCARD enum rc app_prune(struct ctx *cx, const struct args *a, struct repo *r,
                            const struct prune_opts *opts, struct err *e);

#endif
