/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_JSONPATH_WALK_H
#define CLI_JSONPATH_WALK_H

/*
 * cli/jsonpath_walk -- what is between the braces of a template; for cli/jsonpath only.
 *
 * Source   k8s.io/client-go/util/jsonpath, as kubectl uses it.
 */
#include "json/node.h"

/* The values that an expression came to so far, borrowed. */
struct found {
    const struct json **v;
    size_t n;
};

/* One template being printed. */
struct path {
    const char *at, *end; /* of the expression */
    struct json *made;    /* literals, which are values too: freed at the end */
    size_t added;         /* values found on the way, in all */
    int depth;
    struct err *e;
};

void found_add(struct path *p, struct found *f, const struct json *j);
void found_release(struct found *f);
/* A character that no word goes on with. */
bool path_ends_word(char c);
/*
 * All steps up to the end of the expression, from the values in `f` to those found there. RC_INVALID
 * or RC_LIMIT, in p->e too.
 */
NODISCARD enum rc path_walk(struct path *p, struct found *f);

#endif
