/* SPDX-License-Identifier: Apache-2.0 */
/* Is a snapshot of this target, and one that a filter wants? */
#include <string.h>

#include "base/mem.h"
#include "repo/snapshots.h"

static bool
text_same(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

bool
target_is(const struct target *t, const struct snapshot *s)
{
    return t->name != NULL && s->target != NULL && strcmp(t->name, s->target) == 0 &&
           text_same(t->scope, s->scope);
}

bool
target_named(const char *want, const struct snapshot *s)
{
    size_t n = s->target != NULL ? strlen(s->target) : 0;

    if (s->target == NULL || strncmp(want, s->target, n) != 0)
        return false;
    return want[n] == '\0' || (want[n] == '@' && text_same(want + n + 1, s->scope));
}

bool
snapshot_is_backup(const struct snapshot *s)
{
    return s->part == NULL && !s->repaired && !s->safety;
}

bool
target_same_part(const char *a, const char *b)
{
    return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

static bool
has_text(char *const *list, size_t n, const char *want)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], want) == 0)
            return true;
    }
    return false;
}

bool
snapshot_has_tags(const struct snapshot *s, const char *list)
{
    for (const char *at = list;; at++) {
        CLEANUP(mem_free_ptr) char *tag = mem_strndup(at, strcspn(at, ","));

        if (tag[0] == '\0' ? s->n_tags > 0 : !has_text(s->tags, s->n_tags, tag))
            return false;
        at += strcspn(at, ",");
        if (*at == '\0')
            return true;
    }
}

bool
snapshot_matches(const struct snapshot *s, const struct snapshot_filter *f)
{
    bool host = f == NULL || f->n_hosts == 0, tags = f == NULL || f->n_tags == 0;

    if (f == NULL)
        return true;
    for (size_t i = 0; !host && i < f->n_hosts; i++)
        host = s->hostname != NULL && strcmp(s->hostname, f->hosts[i]) == 0;
    for (size_t i = 0; !tags && i < f->n_tags; i++)
        tags = snapshot_has_tags(s, f->tags[i]);
    for (size_t i = 0; i < f->n_paths; i++)
        if (!has_text(s->paths, s->n_paths, f->paths[i]))
            return false;
    /* To the second, as it is shown. */
    if (f->before != NULL && s->time.sec > f->before->sec)
        return false;
    return host && tags && (f->target == NULL || target_named(f->target, s));
}
