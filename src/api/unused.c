/* SPDX-License-Identifier: Apache-2.0 */
#include "api/schema.h"

static bool
is_anything(const struct json *v)
{
    return json_kind_of(v) != JSON_ABSENT && json_kind_of(v) != JSON_IS_NULL &&
           !(json_kind_of(v) == JSON_IS_ARRAY && json_size(v) == 0);
}

/* Is it set below `at`, which is what the steps before `path[0]` lead to? */
static bool
is_set(const struct json *at, const char *const *path, size_t n)
{
    if (n == 0)
        return is_anything(at);
    for (size_t i = 0; json_kind_of(at) == JSON_IS_ARRAY && i < json_size(at); i++)
        if (is_set(json_elem(at, i), path, n))
            return true;
    return json_kind_of(at) == JSON_IS_OBJECT && is_set(json_field(at, path[0]), path + 1, n - 1);
}

enum { STEPS_MAX = 16 };

static void
unused_field(const struct json *obj, const char **path, size_t n, struct buf *out)
{
    if (!is_set(obj, path, n))
        return;
    buf_must_printf(out, "%s", out->n > 0 ? ", " : "");
    for (size_t i = 0; i < n; i++)
        buf_must_printf(out, "%s%s", i > 0 ? "." : "", path[i]);
}

static void
unused_fields(const struct field *fields, const struct json *obj, const char **path, size_t n,
              struct buf *out)
{
    for (const struct field *f = fields; f->name != NULL && n < STEPS_MAX; f++) {
        path[n] = f->name;
        if (f->fate == FATE_TOLD)
            unused_field(obj, path, n + 1, out);
        else if (f->of != NULL)
            unused_fields(f->of, obj, path, n + 1, out);
    }
}

void
kind_unused(const struct crd_def *k, const struct json *obj, struct buf *out)
{
    const char *path[STEPS_MAX];

    unused_fields(k->fields, obj, path, 0, out);
}
