/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.h"

#include <ctype.h>

#include "base/mem.h"

/* In place; returns `s`. */
static char *
as_label(char *s)
{
    size_t n = strlen(s), from = 0;

    for (size_t i = 0; i < n; i++)
        if (s[i] == '.')
            s[i] = '-';
    while (n > 0 && s[n - 1] == '-')
        s[--n] = '\0';
    while (s[from] == '-')
        from++;
    memmove(s, s + from, n - from + 1);
    return s;
}

char *
name_join3(const char *a, const char *b, const char *c, size_t max)
{
    char *all = mem_printf("%s-%s-%s", a, b, c), *cut;
    size_t n = strlen(all);

    if (n <= max)
        return as_label(all);
    cut = mem_printf("%.*s%s", (int)((max + 1) / 2), all, all + n - max / 2);
    mem_free(all);
    return as_label(cut);
}

char *
name_keep_end(const char *a, const char *b, size_t max)
{
    char *all = mem_printf("%s-%s", a, b);
    size_t n = strlen(all);

    if (n > max)
        memmove(all, all + n - max, max + 1);
    return as_label(all);
}

char *
name_keep_suffix(const char *a, const char *b, size_t max)
{
    size_t room = strlen(b) + 1 < max ? max - strlen(b) - 1 : 0;

    return room == 0 ? name_keep_end(a, b, max) : as_label(mem_printf("%.*s-%s", (int)room, a, b));
}

char *
name_lower(const char *s)
{
    char *low = mem_strdup(s);

    for (char *p = low; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return low;
}

char *
name_short_kind(const char *kind)
{
    static const char *const short_of[][2] = {
        {"Deployment", "deploy"}, {"ReplicationController", "rc"},  {"DaemonSet", "ds"},
        {"StatefulSet", "sts"},   {"PersistentVolumeClaim", "pvc"}, {"Pod", "po"},
        {"AppBinding", "app"},
    };

    for (size_t i = 0; i < sizeof(short_of) / sizeof(short_of[0]); i++)
        if (strcmp(kind, short_of[i][0]) == 0)
            return mem_strdup(short_of[i][1]);
    return name_lower(kind);
}
