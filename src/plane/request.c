/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says, beside its path. */
#include "plane/core.h"

const char *
call_param(const struct call *c, const char *key)
{
    for (size_t i = 0; i < c->n_params; i++)
        if (strcmp(c->params[i].key, key) == 0)
            return c->params[i].value;
    return NULL;
}

struct json *
call_params(const struct call *c, const char *key)
{
    struct json *all = json_new_array();

    for (size_t i = 0; i < c->n_params; i++)
        if (strcmp(c->params[i].key, key) == 0)
            json_push_cstr(all, c->params[i].value);
    return all;
}

bool
call_flag(const struct call *c, const char *key)
{
    const char *v = call_param(c, key);

    return v != NULL && (strcmp(v, "true") == 0 || strcmp(v, "1") == 0 || v[0] == '\0');
}

int64_t
call_number(const struct call *c, const char *key, int64_t otherwise)
{
    const char *v = call_param(c, key);
    int64_t n;

    return v != NULL && str_to_i64(str_c(v), &n) ? n : otherwise;
}

struct db_key
call_key(const struct call *c, const char *name)
{
    return (struct db_key){c->kind->store, c->ns != NULL ? c->ns : "", name};
}
