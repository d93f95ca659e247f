/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_SCHEME_H
#define STORE_SCHEME_H

/*
 * store/scheme -- the stores that an address may name.
 *
 * Shape    the file of each store, src/store/NAME.c, ends with its scheme_NAME, and begins with what
 *          may be said to it: address, options, variables. store_open finds it by this list.
 */
#include "store/store.h"

struct store_scheme {
    const char *name; /* before the colon of the address, and the dot of options */
    const char *form; /* of an address, for people */
    /* `address` is what follows the colon; the rest as store_open. */
    enum rc (*open)(const char *address, const struct store_opts *o, struct store **out,
                    struct err *e);
};

/* Each NAME once, in the order in which people are told of them. */
#define STORE_SCHEMES(X) X(local) X(s3) X(gcs) X(azure) X(swift) X(b2) X(rest)

#define STORE_SCHEME_DECLARE(name) extern const struct store_scheme scheme_##name;
STORE_SCHEMES(STORE_SCHEME_DECLARE)
#undef STORE_SCHEME_DECLARE

#endif
