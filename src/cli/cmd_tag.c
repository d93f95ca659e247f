/* SPDX-License-Identifier: Apache-2.0 */
/* cstash tag: change the tags of snapshots. */
#include "base/mem.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "job/target.h"
#include "maintain/snapshot_edit.h"

struct tag_args {
    struct app_opts app;
    struct opt_list set, add, remove;
    const char *target; /* OLD=NEW, or OLD */
    struct snapshot_choice snapshots;
    struct repo_access repo;
};
static const struct opt opts_edit[] = {
    {"set", 0, OPT_LIST_OR_NONE(struct tag_args, set), "TAGS",
     "replace all tags: a,b; \"\" for none"},
    {"add", 0, OPT_LIST(struct tag_args, add), "TAGS", "add tags (repeatable)"},
    {"remove", 0, OPT_LIST(struct tag_args, remove), "TAGS", "remove tags (repeatable)"},
    {"target", 0, OPT_TEXT(struct tag_args, target), "OLD=NEW",
     "the snapshots of target OLD become those of NEW; without \"=\": only snapshots of this "
     "target"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_edit, 0},
    {opts_host, offsetof(struct tag_args, snapshots)},
    {opts_tag, offsetof(struct tag_args, snapshots)},
    {opts_paths, offsetof(struct tag_args, snapshots)},
    {opts_repo, offsetof(struct tag_args, repo)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

/* The words of "a,b" and "c". */
struct tags {
    char **v;
    size_t n;
};

static struct tags
tag_split(const struct opt_list *list)
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
print_change(const struct tag_args *a, const struct id *from, const struct id *to)
{
    char old[ID_TEXT], new[ID_TEXT];
    struct out_json j;

    if (!a->app.json) {
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
print_summary(const struct tag_args *a, size_t changed)
{
    if (a->app.json)
        (void)printf("{\"message_type\":\"summary\",\"changed_snapshots\":%zu}\n", changed);
    else
        (void)printf("%zu %s changed\n", changed, str_plural(changed, "snapshot", "snapshots"));
}

static enum rc
edit_all(struct ctx *cx, const struct tag_args *a, const struct snapshot_choice *choice,
         struct repo *r, const struct edit *x, struct err *e)
{
    struct app_snapshots all;
    size_t changed = 0;
    enum rc rc = app_snapshots(cx, choice, &a->app.words, r, &all, e);

    for (size_t i = 0; rc == RC_OK && i < all.n; i++) {
        struct snapshot *s = &all.list[i];
        struct id old = s->id;
        if (!tag_apply(x, s))
            continue;
        rc = snapshot_replace(cx, r, s, false, e);
        if (rc == RC_OK)
            print_change(a, &old, &s->id);
        changed++;
    }
    if (rc == RC_OK)
        print_summary(a, changed);
    return app_snapshots_close(rc, &all, e);
}

/* --target OLD=NEW: OLD becomes the filter `choice`, and is the caller's to free. */
static enum rc
take_target(const char *text, struct snapshot_choice *choice, struct edit *x, char **old,
            struct err *e)
{
    const char *equals = text != NULL ? strchr(text, '=') : NULL;

    choice->target = text;
    if (equals == NULL)
        return RC_OK;
    if (equals == text || equals[1] == '\0')
        return err_set(e, RC_USAGE, "--target %s: write OLD=NEW, two names of targets", text);
    *old = mem_strndup(text, (size_t)(equals - text));
    x->target = target_of_text(equals + 1);
    x->renames = true;
    choice->target = *old;
    return RC_OK;
}

static enum rc
check_args(const struct tag_args *a, const struct edit *x, struct err *e)
{
    if (!x->sets && !x->renames && a->add.n + a->remove.n == 0)
        return err_set(e, RC_USAGE,
                       "nothing to do: use --set, --add, --remove or --target OLD=NEW");
    if (x->sets && a->add.n + a->remove.n > 0)
        return err_set(e, RC_USAGE, "--set goes neither with --add nor with --remove");
    return RC_OK;
}

static enum rc
tag_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct tag_args *a = args;
    struct snapshot_choice choice = a->snapshots;
    struct edit x = {.sets = a->set.n > 0};
    struct app_repo r = {0};
    char *old = NULL;
    enum rc rc = take_target(a->target, &choice, &x, &old, e);

    x.set = tag_split(&a->set);
    x.add = tag_split(&a->add);
    x.remove = tag_split(&a->remove);
    if (rc == RC_OK)
        rc = check_args(a, &x, e);
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &a->repo, APP_LOCK_EXCLUSIVE, &r, e);
    if (rc == RC_OK)
        rc = edit_all(cx, a, &choice, r.repo, &x, e);
    app_repo_close(&r);
    tags_release(&x.set);
    tags_release(&x.add);
    tags_release(&x.remove);
    target_release(&x.target);
    mem_free(old);
    return rc;
}

const struct command cmd_tag = {.name = "tag",
                                .usage = "[ID...]",
                                .summary = "change the tags or the target of snapshots",
                                .groups = groups,
                                .size = sizeof(struct tag_args),
                                .words_max = OPT_LIST_MAX,
                                .words_are_snapshots = true,
                                .run = tag_main};
