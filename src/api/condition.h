/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_CONDITION_H
#define API_CONDITION_H

/*
 * api/condition -- what is known of an object's state, one entry per type.
 *
 * Shape    `holder` is the object with the field "conditions": a status, or one target of it.
 * Time     lastTransitionTime moves when status, reason or message does, as Stash has it.
 * Threads  as json/node.h.
 */
#include "json/node.h"

/* True if that changed something. `message` may be NULL. */
bool condition_set(struct json *holder, const char *type, const char *status, const char *reason,
                   const char *message);
/* The entry, or NULL. Borrowed. */
const struct json *condition_find(const struct json *holder, const char *type);
bool condition_is(const struct json *holder, const char *type, const char *status);
bool condition_is_true(const struct json *holder, const char *type);
bool condition_is_false(const struct json *holder, const char *type);

/* The reason of a RetentionPolicyApplied that is False because it would have removed too much. */
#define RETENTION_HELD_BACK "RetentionHeldBack"

/* Now (or `ms` since 1970) as Kubernetes writes times: whole seconds, UTC. */
enum { API_TIME_TEXT = 32 };
const char *api_time(int64_t ms, char to[static API_TIME_TEXT]);

/* Take the condition away; nothing to do when there is none. */
void condition_remove(struct json *holder, const char *type);

/* Of MetricsPushed and RepositoryMetricsPushed, which are False then and fail nothing. */
#define NO_PUSHGATEWAY "PushgatewayNotConfigured"
#define NO_PUSHGATEWAY_TEXT "No Pushgateway is configured: the metrics were pushed nowhere."

/* A RestoreSession that wrote nothing, and its phase. */
#define DRY_RUN "DryRun"
#define DRY_RUN_PHASE "DryRunSucceeded"

#endif
