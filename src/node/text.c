/* SPDX-License-Identifier: Apache-2.0 */
#include "node/text.h"

#include <math.h>

#include "base/buf.h"
#include "base/mem.h"

char *
expand_vars(const char *text, expand_lookup_fn *lookup, void *arg)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(EXPAND_MAX * 16);

    while (*text != '\0') {
        size_t plain = strcspn(text, "$");
        const char *end;
        buf_must_add(&out, text, plain);
        text += plain;
        if (*text == '\0')
            break;
        if (text[1] == '$') {
            buf_must_add(&out, "$", 1);
            text += 2;
            continue;
        }
        end = text[1] == '(' ? strchr(text, ')') : NULL;
        if (end == NULL) {
            buf_must_add(&out, "$", 1);
            text++;
            continue;
        }
        CLEANUP(mem_free_ptr) char *name = mem_strndup(text + 2, (size_t)(end - text - 2));
        const char *value = lookup(arg, name);
        if (value != NULL)
            buf_must_add(&out, value, strlen(value));
        else
            buf_must_add(&out, text, (size_t)(end + 1 - text));
        text = end + 1;
    }
    return mem_strndup(out.n > 0 ? (const char *)out.p : "", out.n);
}

static const struct mount_point *
mount_at(const char *text, const struct mount_point *mounts, size_t n)
{
    const struct mount_point *best = NULL;
    size_t longest = 0;

    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(mounts[i].path);
        if (len <= longest || strncmp(text, mounts[i].path, len) != 0)
            continue;
        if (text[len] != '\0' && strchr("/:, \t\n\"'();&|<>", text[len]) == NULL)
            continue;
        best = &mounts[i];
        longest = len;
    }
    return best;
}

char *
map_mount_paths(const char *text, const struct mount_point *mounts, size_t n)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(EXPAND_MAX * 16);
    const char *begin = text;

    while (*text != '\0') {
        const struct mount_point *m = NULL;
        if (text == begin || strchr("=:, \t\n\"'();&|<>", text[-1]) != NULL)
            m = mount_at(text, mounts, n);
        if (m == NULL) {
            buf_must_add(&out, text++, 1);
            continue;
        }
        buf_must_add(&out, m->real, strlen(m->real));
        text += strlen(m->path);
    }
    return mem_strndup(out.n > 0 ? (const char *)out.p : "", out.n);
}

int64_t
quantity_parse(const char *text)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},
                 {"m", 1e-3},
                 {"k", 1e3},
                 {"M", 1e6},
                 {"G", 1e9},
                 {"T", 1e12},
                 {"P", 1e15},
                 {"E", 1e18},
                 {"Ki", 1024},
                 {"Mi", 1048576},
                 {"Gi", 1073741824.0},
                 {"Ti", 1099511627776.0},
                 {"Pi", 1125899906842624.0}};
    char *end;
    double v = strtod(text, &end);

    if (end == text || !isfinite(v) || v <= 0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(end, units[i].unit) == 0) {
            v = ceil(v * units[i].factor);
            return v < 9e18 ? (int64_t)v : INT64_MAX;
        }
    return 0;
}
