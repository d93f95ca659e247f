/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TEMPLATE_INTERNAL_H
#define API_TEMPLATE_INTERNAL_H

/* The functions of templates. */
#include "json/node.h"

enum { TEMPLATE_ARGS = 16 };

struct template_args {
    struct json *v[TEMPLATE_ARGS];
    size_t n;
};

/* RC_INVALID: no such function, or other arguments than it takes. `*out` is the caller's. */
NODISCARD enum rc template_call(const char *name, const struct template_args *a, struct json **out,
                                struct err *e);
/* As Go's if: false, 0, "", nil and what is empty are not true. */
bool template_truth(const struct json *v);
/* As Go prints a value. */
NODISCARD enum rc template_print(const struct json *v, struct buf *out, struct err *e);

#endif
