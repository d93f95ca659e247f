/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LOAD_OPTS_H
#define CLI_LOAD_OPTS_H

/*
 * cli/load_opts -- what restore and load have in common: where to, what about keys that exist, and
 * how the outcome is told.
 */
#include "cli/app.h"
#include "cli/out.h"
#include "job/restore.h"

extern const struct opt opts_load[]; /* --existing --allow-command --verify --yes --dry-run */

/* The target and how to load it; app_target_close in any case. */
struct app_target {
    struct redis_addr addr;
    struct conn_opts conn_opts;
    struct conn *conn; /* NULL with --dry-run */
    struct load_opts opts;
    struct progress progress;
    int64_t started_ms;
};
/*
 * `from` names what is loaded; `s` is its snapshot, NULL: it is none. Where keys could be lost, a
 * person is asked, or --yes must stand for the answer: RC_INVALID, and nothing was written.
 */
NODISCARD enum rc app_target_open(struct ctx *cx, const struct args *a, const struct snapshot *s,
                                  const char *from, struct app_target *out, struct err *e);
void app_target_close(struct app_target *t);

/* On stdout what was loaded; on stderr the commands that failed. `rc` is the outcome. */
void app_target_report(const struct args *a, struct app_target *t, const char *from,
                       const struct restore_result *r, enum rc rc);

#endif
