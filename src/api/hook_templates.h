/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HOOK_TEMPLATES_H
#define API_HOOK_TEMPLATES_H

/*
 * api/hook_templates -- what the templates of hooks see, and whether they make sense.
 *
 * Why      a template that is wrong would fail a good backup in the night; it is tried when the configuration is applied.
 * Source   Stash's Summary: Name, Namespace, Invoker, Target, Status, RetryLeft.
 */
#include "api/invoker.h"

struct hook_outcome {
    const char *session, *duration;
    const char *failure; /* NULL: it went well */
    int64_t retry_left;
};

/* The data of a template (api/template); the caller frees. */
struct json *hook_data(const struct invoker *inv, const struct hook_outcome *o);
/* Render every template of its hooks for a run that went well and for one that failed. RC_INVALID names the hook. */
NODISCARD enum rc hook_templates_check(const struct invoker *inv, struct err *e);

#endif
