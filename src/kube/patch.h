/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_PATCH_H
#define KUBE_PATCH_H

/*
 * kube/patch -- change a tree as a patch says, and find the patch between two trees.
 *
 * Shape    trees in, a new tree out; the arguments stay as they are.
 * Errors   RC_INVALID: the patch is malformed or names what is not there; RC_CONFLICT: a "test"
 *          of a JSON patch failed; RC_LIMIT: more than PATCH_OPS_MAX operations, or copies of more
 *          than PATCH_COPIES_MAX bytes of text together (a few that double a value would fill any
 *          memory).
 * Source   RFC 7386 (merge), RFC 6902 with RFC 6901 pointers (JSON).
 * Tests    patch_test.c (the tables of both RFCs)
 */
#include "json/node.h"

enum { PATCH_OPS_MAX = 10000, PATCH_COPIES_MAX = 3 * 1024 * 1024 };

/* The tree that `patch` makes of `target`; NULL as target is an absent one. Cannot fail. */
struct json *patch_merge(const struct json *target, const struct json *patch);

NODISCARD enum rc patch_json(const struct json *target, const struct json *ops, struct json **out,
                             struct err *e);

/* The smallest merge patch that turns `from` into `to`; an empty object when they are the same. */
struct json *patch_diff(const struct json *from, const struct json *to);

#endif
