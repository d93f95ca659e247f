/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.h"

#include <ctype.h>

#include "base/mem.h"

enum { HASH_TEXT = 10 }; /* hex digits */

/* FNV-1a. The owner of what is found under a name is looked at too, so that nobody gains by two names of one hash. */
uint64_t
name_hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325U;

    for (; *s != '\0'; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001b3U;
    return h;
}

/* `name` as part of a label of at most `room` characters. */
static char *
name_part(const char *name, size_t room)
{
    size_t n = strlen(name), shown;
    char *part;

    if (n <= room && strchr(name, '.') == NULL)
        return mem_strdup(name);
    shown = room > HASH_TEXT + 1 ? MIN(n, room - HASH_TEXT - 1) : 0;
    part = mem_printf("%.*s-%010llx", (int)shown, name,
                      (unsigned long long)(name_hash(name) >> (64 - 4 * HASH_TEXT)));
    for (size_t i = 0; i < shown; i++)
        if (part[i] == '.')
            part[i] = '-';
    return part;
}

char *
name_of(size_t max, const char *prefix, const char *name, const char *suffix)
{
    size_t taken =
        (prefix != NULL ? strlen(prefix) + 1 : 0) + (suffix != NULL ? strlen(suffix) + 1 : 0);
    CLEANUP(mem_free_ptr) char *part = name_part(name, max > taken ? max - taken : 0);

    return mem_printf("%s%s%s%s%s", prefix != NULL ? prefix : "", prefix != NULL ? "-" : "", part,
                      suffix != NULL ? "-" : "", suffix != NULL ? suffix : "");
}

char *
name_of_snapshot(const char *repository, const char *id_hex, size_t digits)
{
    const size_t room = NAME_MAX_OBJECT - 1 - strlen(id_hex);
    CLEANUP(mem_free_ptr)
    char *cut = strlen(repository) > room ? name_part(repository, room) : mem_strdup(repository);

    return mem_printf("%s-%.*s", cut, (int)digits, id_hex);
}

bool
name_is_of_snapshot(const char *name, const char *repository, const char *id_hex)
{
    CLEANUP(mem_free_ptr) char *whole = name_of_snapshot(repository, id_hex, strlen(id_hex));
    CLEANUP(mem_free_ptr) char *least = name_of_snapshot(repository, id_hex, NAME_SNAPSHOT_DIGITS);

    return strlen(name) >= strlen(least) && strncmp(whole, name, strlen(name)) == 0;
}

char *
name_label(const char *value)
{
    char *label =
        strlen(value) > NAME_MAX_LABEL ? name_part(value, NAME_MAX_LABEL) : mem_strdup(value);
    size_t from = 0, n = strlen(label);

    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)label[i]) && strchr("-_.", label[i]) == NULL)
            label[i] = '-';
    while (n > 0 && !isalnum((unsigned char)label[n - 1]))
        label[--n] = '\0';
    while (from < n && !isalnum((unsigned char)label[from]))
        from++;
    memmove(label, label + from, n - from + 1);
    return label;
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
