/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PRUNE_OPTS_H
#define CLI_PRUNE_OPTS_H

/* cli/prune_opts -- options, and what is said, of prune and of forget --prune. */
#include "cli/app.h"
#include "maintain/prune.h"

struct prune_choice {
    struct prune_limit max_unused;
    int64_t max_repack_bytes; /* OPT_UNSET: no limit */
    bool cacheable_only, repack_small, repack_uncompressed;
};
extern const struct opt opts_prune[];

struct prune_opts app_prune_opts(const struct prune_choice *c, bool dry_run);

/* Prune, and print what it did or, with --dry-run, would do. */
NODISCARD enum rc app_prune(struct ctx *cx, struct repo *r, const struct prune_opts *opts,
                            bool as_json, struct err *e);

#endif
