/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_VARS_H
#define API_VARS_H

/*
 * api/vars -- the variables of Tasks and Functions, and their substitution.
 *
 * Why      a Function is a container with holes. They are filled value by value in the tree, never
 *          in its text, so no value can break out of its place.
 * Syntax   ${V}, ${V:=d} ${V=d} ${V:-d}, ${#V}, ${V#p} ${V##p} ${V%p} ${V%%p}, ${V/a/b} ${V//a/b}
 *          ${V/#a/b} ${V/%a/b}, ${V^} ${V^^} ${V,} ${V,,}, ${V:from} ${V:from:n}, and $$ for one $.
 *          A default counts when the variable is absent, not when it is empty; it may hold
 *          variables. Patterns are globs. Anything else behind a $ is text.
 * Errors   RC_INVALID: names the variable that has no value, or says which braces are open.
 * Source   Stash's resolver, which follows the shell.
 * Tests    vars_test.c, fuzz/vars.c
 */
#include "json/node.h"

struct vars; /* name to value, in order of setting */

struct vars *vars_new(void);
void vars_free(struct vars *v);
/* Replaces. NULL value: nothing happens. Both copied. */
void vars_set(struct vars *v, const char *name, const char *value);
void vars_set_int(struct vars *v, const char *name, int64_t value);
/* NULL: not there. Borrowed until the next vars_set. */
const char *vars_get(const struct vars *v, const char *name);
/* Every {name, value} of a list of params. */
void vars_set_params(struct vars *v, const struct json *params);

/*
 * As vars_set_params, but a value may name variables of `v` and other params of the list. Those
 * that are in `v` already stay. RC_INVALID also: a param that needs itself.
 */
NODISCARD enum rc vars_set_expanded(struct vars *v, const struct json *params, struct err *e);

/* Append `text` with its variables replaced. */
NODISCARD enum rc vars_expand(const struct vars *v, struct str text, struct buf *out,
                              struct err *e);
/* A copy of `tree` with all its strings replaced; keys stay. The caller frees. */
NODISCARD enum rc vars_expand_tree(const struct vars *v, const struct json *tree, struct json **out,
                                   struct err *e);

#endif
