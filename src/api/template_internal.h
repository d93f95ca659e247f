/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_TEMPLATE_INTERNAL_H
#define API_TEMPLATE_INTERNAL_H

/* What template.c (text and actions), template_expr.c (what stands between braces) and the functions share. */
#include "json/node.h"

enum { TEMPLATE_ARGS = 32, TEMPLATE_VARS = 64, TEMPLATE_WORD = 32 };

struct template_var {
    char name[TEMPLATE_WORD];
    struct json *value;
};

struct template_run {
    const char *p, *end;           /* what is left of the text */
    const struct json *root, *dot; /* "$" and "." */
    struct template_var vars[TEMPLATE_VARS];
    size_t n_vars;
    struct buf *out;
    unsigned depth, chain, steps;
    size_t bytes; /* that functions were given and gave */
    struct err *e;
};

NODISCARD enum rc template_bad(struct template_run *r, const char *what);

/* ---- template_expr.c ---- */

void template_blanks(struct template_run *r);
/* Is this "}}" or "-}}"? */
bool template_at_end(struct template_run *r);
bool template_take_word(struct template_run *r, char word[static TEMPLATE_WORD]);
/* "$name", behind which no field is taken. */
bool template_take_var(struct template_run *r, char name[static TEMPLATE_WORD]);
/* `*out` is the caller's. */
NODISCARD enum rc template_pipeline(struct template_run *r, struct json **out);
/* `value` is taken, also after an error. */
NODISCARD enum rc template_declare(struct template_run *r, const char *name, struct json *value);
NODISCARD enum rc template_assign(struct template_run *r, const char *name, struct json *value);
/* Forget the variables behind the first `n`. */
void template_forget(struct template_run *r, size_t n);

/* ---- functions ---- */

struct template_args {
    struct json *v[TEMPLATE_ARGS];
    size_t n;
};

/* RC_INVALID: no such function, or other arguments than it takes. `*out` is the caller's. */
NODISCARD enum rc template_call(const char *name, const struct template_args *a, struct json **out,
                                struct err *e);
/* template_list.c: those of lists and dictionaries. RC_NOT_FOUND: it is none of them. */
NODISCARD enum rc template_call_list(const char *name, const struct template_args *a,
                                     struct json **out, struct err *e);
/* RC_INVALID: the function takes from `min` to `max`. */
NODISCARD enum rc template_check_count(const char *name, size_t n, size_t min, size_t max,
                                       struct err *e);
/* As Go's if: false, 0, "", nil and what is empty are not true. */
bool template_truth(const struct json *v);
int64_t template_int(const struct json *v);
/* As Go prints a value. */
NODISCARD enum rc template_print(const struct json *v, struct buf *out, struct err *e);

#endif
