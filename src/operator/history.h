/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATOR_HISTORY_H
#define OPERATOR_HISTORY_H

/*
 * operator/history -- old BackupSessions go, as many as backupHistoryLimit says stay.
 *
 * Source   Stash: sessions that are not final stay, and so does the last one that succeeded
 *          or failed, unless the limit is 0.
 */
#include "api/invoker.h"
#include "ctl/cache.h"

struct operator;

/* `current` is the session on whose account it happens; it stays. */
NODISCARD enum rc history_clean(struct ctx *cx, struct operator* op, const struct invoker *inv,
                                const struct json *current, struct err *e);

/* Which of `sessions` (any order) go: an array of names; the caller frees. */
struct json *history_victims(const struct json *sessions, int64_t limit, const char *current);

#endif
