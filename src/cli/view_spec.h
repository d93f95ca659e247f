/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VIEW_SPEC_H
#define CLI_VIEW_SPEC_H

/*
 * cli/view_spec -- what keys, get-key and diff are asked, as options and as the spec of a SnapshotView.
 *
 * Why      the command makes the object, a Job reads it: one table of fields for both ways.
 * Rules    nothing of a spec is ever read as an option, an address or the name of a file: each field goes where it belongs, and
 *          words that could name anything but a snapshot are refused.
 * Tests    view_spec_test.c
 */
#include "cli/redis_opts.h"
#include "cli/snapshot_opts.h"
#include "job/data_opts.h"
#include "json/node.h"

enum { LOOK_TOP_MAX = 100000 };

enum keys_order { AS_DUMPED, BY_SIZE };
extern const char *const keys_orders[]; /* in that order */

/* The options of the three commands. */
struct look_args {
    struct app_opts app;
    /* keys */
    enum keys_order sort;
    int64_t top;
    /* get-key */
    int64_t db;
    bool resp;
    /* diff */
    bool summary, names, values; /* one of them, or none, which is `names` */
    struct redis_access redis;
    struct source_opts source;
    struct filter keys; /* keys, diff */
    struct repo_access repo;
    struct snapshot_choice snapshot;
};

enum look { LOOK_KEYS, LOOK_GET, LOOK_DIFF };

/*
 * The spec, without the names of the Repository and of who asks; json_free. RC_USAGE: an option or a word that a SnapshotView has no
 * place for.
 */
NODISCARD enum rc view_spec_encode(enum look which, const struct look_args *a, struct json **out,
                                   struct err *e);

/* The way back; texts are borrowed from `spec` and `key`, which the caller releases. RC_USAGE: what no command line could ask. */
NODISCARD enum rc view_spec_decode(const struct json *spec, enum look *which, struct look_args *out,
                                   struct buf *key, struct err *e);

#endif
