/* SPDX-License-Identifier: Apache-2.0 */
/* cstash tag: change the tags of snapshots. */
#include "base/mem.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "job/target.h"
#include "repo/snapshot_edit.h"

static const struct opt opts_tag[] = {
    {"set", 0, OPT_LIST_OR_NONE, OPT_AT(set_tags), "TAGS", "replace all tags: a,b; \"\" for none"},
    {"add", 0, OPT_LIST, OPT_AT(add_tags), "TAGS", "add tags (repeatable)"},
    {"remove", 0, OPT_LIST, OPT_AT(remove_tags), "TAGS", "remove tags (repeatable)"},
    {"target", 0, OPT_TEXT, OPT_AT(target), "OLD=NEW",
     "the snapshots of target OLD become those of NEW; without \"=\": only snapshots of this "
     "target"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_tag, opts_snapshots, opts_repo, opts_global, NULL};

/* The words of "a,b" and "c". */
struct tags {
    char **v;
    size_t n;
};

static struct tags
tag_split(const struct args_list *list)
{
    struct tags t = {.n = 0};

    for (size_t i = 0; i < list->n; i++)
        for (const char *at = list->v[i];; at++) {
            size_t n = strcspn(at, ",");
            t.v = (char **)mem_more(t.v, t.n, sizeof(*t.v));
            t.v[t.n++] = mem_strndup(at, n);
            at += n;
            if (*at == '\0')
                break;
        }
    return t;
}

static void
tags_release(struct tags *t)
{
    for (size_t i = 0; i < t->n; i++)
        mem_free(t->v[i]);
    mem_free(t->v);
}

struct edit {
    bool renames; /* the target, to `target` */
    struct target_id target;
    bool sets;
    struct tags set, add, remove;
};

static bool
tag_apply(const struct edit *x, struct snapshot *s)
{
    struct target to = target_view(&x->target);
    bool changed = x->renames && snapshot_set_target(s, &to);

    if (x->sets)
        return snapshot_set_tags(s, (const char *const *)x->set.v, x->set.n) || changed;
    for (size_t i = 0; i < x->add.n; i++)
        changed = snapshot_add_tag(s, x->add.v[i]) || changed;
    for (size_t i = 0; i < x->remove.n; i++)
        changed = snapshot_remove_tag(s, x->remove.v[i]) || changed;
    return changed;
}

/* restic's fields. */
static void
print_change(const struct args *a, const struct id *from, const struct id *to)
{
    char old[ID_TEXT], new[ID_TEXT];
    struct out_json j;

    if (!a->json) {
        (void)printf("%.8s is now %.8s\n", id_hex(from, old), id_hex(to, new));
        return;
    }
    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "changed");
    jw_field_cstr(&j.w, "old_snapshot_id", id_hex(from, old));
    jw_field_cstr(&j.w, "new_snapshot_id", id_hex(to, new));
    jw_close_object(&j.w);
    out_json_end(&j);
}

static void
print_summary(const struct args *a, size_t changed)
{
    if (a->json)
        (void)printf("{\"message_type\":\"summary\",\"changed_snapshots\":%zu}\n", changed);
    else
        (void)printf("%zu %s changed\n", changed, str_plural(changed, "snapshot", "snapshots"));
}

static enum rc
edit_all(struct ctx *cx, const struct args *a, struct repo *r, const struct edit *x, struct err *e)
{
    struct snapshot *list = NULL;
    size_t n = 0, changed = 0;
    struct snapshots_unread unread = {.n = 0};
    enum rc rc = app_snapshots(cx, a, r, &list, &n, &unread, e);

    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        struct id old = list[i].id;
        if (!tag_apply(x, &list[i]))
            continue;
        rc = snapshot_replace(cx, r, &list[i], false, e);
        if (rc == RC_OK)
            print_change(a, &old, &list[i].id);
        changed++;
    }
    snapshots_free(list, n);
    if (rc == RC_OK)
        print_summary(a, changed);
    return app_unread(rc, &unread, e);
}

/* --target OLD=NEW: OLD becomes the filter of `a`, and is the caller's to free. */
static enum rc
take_target(struct args *a, struct edit *x, char **old, struct err *e)
{
    const char *equals = a->target != NULL ? strchr(a->target, '=') : NULL;

    if (equals == NULL)
        return RC_OK;
    if (equals == a->target || equals[1] == '\0')
        return err_set(e, RC_USAGE, "--target %s: write OLD=NEW, two names of targets", a->target);
    *old = mem_strndup(a->target, (size_t)(equals - a->target));
    x->target = target_of_text(equals + 1);
    x->renames = true;
    a->target = *old;
    return RC_OK;
}

static enum rc
check_args(const struct args *a, const struct edit *x, struct err *e)
{
    if (!x->sets && !x->renames && a->add_tags.n + a->remove_tags.n == 0)
        return err_set(e, RC_USAGE,
                       "nothing to do: use --set, --add, --remove or --target OLD=NEW");
    if (x->sets && a->add_tags.n + a->remove_tags.n > 0)
        return err_set(e, RC_USAGE, "--set goes neither with --add nor with --remove");
    return RC_OK;
}

static enum rc
tag_main(struct ctx *cx, const struct args *given, struct err *e)
{
    struct args a = *given;
    struct edit x = {.sets = a.set_tags.n > 0};
    struct app_repo r = {0};
    char *old = NULL;
    enum rc rc = take_target(&a, &x, &old, e);

    x.set = tag_split(&a.set_tags);
    x.add = tag_split(&a.add_tags);
    x.remove = tag_split(&a.remove_tags);
    if (rc == RC_OK)
        rc = check_args(&a, &x, e);
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &a, APP_LOCK_EXCLUSIVE, &r, e);
    if (rc == RC_OK)
        rc = edit_all(cx, &a, r.repo, &x, e);
    app_repo_close(&r);
    tags_release(&x.set);
    tags_release(&x.add);
    tags_release(&x.remove);
    target_release(&x.target);
    mem_free(old);
    return rc;
}

const struct command cmd_tag = {"tag",   "[ID...]", "change the tags or the target of snapshots",
                                tables,  0,         ARGS_REST_MAX,
                                tag_main};
