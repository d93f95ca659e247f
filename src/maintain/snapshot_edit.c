/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "json/json.h"
#include "json/node.h"
#include "maintain/snapshot_edit.h"

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
    char was[ID_TEXT], now[ID_TEXT];
    struct id old = s->id;

    if (!s->has_original) {
        s->has_original = true;
        s->original = old;
    }
    if (repo_lock_ok(r, e) || snapshot_save(cx, r, s, e))
        return err_code(e);
    if (keep || snapshot_forget(cx, r, &old, e) == RC_OK)
        return RC_OK;
    return err_wrap(e, "snapshot %.8s is saved in place of %.8s, which stays", id_hex(&s->id, now),
                    id_hex(&old, was));
}

bool
snapshot_set_target(struct snapshot *s, const struct target *t)
{
    struct json *brief = NULL, *target;
    struct err none = ERR_INIT;

    if (s->brief == NULL || target_is(t, s) || json_parse(str_c(s->brief), &brief, &none))
        return false;
    target = json_new_object();
    json_set_cstr(target, "name", t->name);
    if (t->scope != NULL && t->scope[0] != '\0')
        json_set_cstr(target, "scope", t->scope);
    json_set(brief, "target", target);
    mem_free(s->brief);
    mem_free(s->target);
    mem_free(s->scope);
    s->brief = json_to_text(brief, false);
    s->target = mem_strdup(t->name);
    s->scope = t->scope != NULL ? mem_strdup(t->scope) : NULL;
    json_free(brief);
    return true;
}

void
snapshot_set_repaired(struct snapshot *s)
{
    static const char *const still_true[] = {"target", "filter"};
    struct json *was = NULL, *brief = json_new_object();
    struct err none = ERR_INIT;

    (void)snapshot_add_tag(s, REPAIRED_TAG);
    if (s->brief != NULL && json_parse(str_c(s->brief), &was, &none) == RC_OK)
        for (size_t i = 0; i < ARRAY_LEN(still_true); i++)
            if (json_has(was, still_true[i]))
                json_set(brief, still_true[i], json_clone(json_field(was, still_true[i])));
    json_set(brief, "repaired", json_new_bool(true));
    mem_free(s->brief);
    s->brief = json_to_text(brief, false);
    json_free(brief);
    json_free(was);
}

enum rc
snapshots_adopt(struct ctx *cx, struct repo *r, const char *from, const struct target *to,
                size_t *n, struct err *e)
{
    struct snapshot *list = NULL;
    size_t all = 0;
    enum rc rc = snapshots_list(cx, r, &list, &all, e);

    *n = 0;
    for (size_t i = 0; rc == RC_OK && i < all; i++) {
        if (!target_named(from, &list[i]) || !snapshot_set_target(&list[i], to))
            continue;
        rc = snapshot_replace(cx, r, &list[i], false, e);
        *n += rc == RC_OK;
    }
    snapshots_free(list, all);
    return rc;
}
