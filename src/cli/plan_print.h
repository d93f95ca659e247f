/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PLAN_PRINT_H
#define CLI_PLAN_PRINT_H

/* cli/plan_print -- a plan on stdout: for people, and as JSON (docs/plan.md). */
#include "job/plan.h"

struct plan_about {
    const char *from; /* the snapshot, for people */
    const struct snapshot *snap;
    const char *existing; /* "replace" */
    bool asks;            /* the restore would ask, or need --yes */
};

void plan_print(const struct plan *p, const struct plan_about *about);
void plan_print_json(const struct plan *p, const struct plan_about *about);

#endif
