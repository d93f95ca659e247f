/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "repo/snapshot_edit.h"

static size_t
find_tag(const struct snapshot *s, const char *tag)
{
    size_t i = 0;

    while (i < s->n_tags && strcmp(s->tags[i], tag) != 0)
        i++;
    return i;
}

bool
snapshot_add_tag(struct snapshot *s, const char *tag)
{
    if (tag[0] == '\0' || find_tag(s, tag) < s->n_tags)
        return false;
    s->tags = (char **)mem_grow(s->tags, s->n_tags + 1, sizeof(*s->tags));
    s->tags[s->n_tags++] = mem_strdup(tag);
    return true;
}

bool
snapshot_remove_tag(struct snapshot *s, const char *tag)
{
    size_t at = find_tag(s, tag);

    if (at == s->n_tags)
        return false;
    mem_free(s->tags[at]);
    s->n_tags--;
    memmove(s->tags + at, s->tags + at + 1, (s->n_tags - at) * sizeof(*s->tags));
    return true;
}

bool
snapshot_set_tags(struct snapshot *s, const char *const *tags, size_t n)
{
    bool changed = false;

    for (size_t i = s->n_tags; i > 0; i--) {
        size_t k = 0;
        while (k < n && strcmp(tags[k], s->tags[i - 1]) != 0)
            k++;
        if (k == n)
            changed = snapshot_remove_tag(s, s->tags[i - 1]) || changed;
    }
    for (size_t i = 0; i < n; i++)
        changed = snapshot_add_tag(s, tags[i]) || changed;
    return changed;
}

enum rc
snapshot_replace(struct ctx *cx, struct repo *r, struct snapshot *s, bool keep, struct err *e)
{
    struct id old = s->id;

    if (!s->has_original) {
        s->has_original = true;
        s->original = old;
    }
    if (repo_lock_ok(r, e) || snapshot_save(cx, r, s, e))
        return e->code;
    return keep ? RC_OK : snapshot_forget(cx, r, &old, e);
}
