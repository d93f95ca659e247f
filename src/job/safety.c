/* SPDX-License-Identifier: Apache-2.0 */
#include "job/safety.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/manifest.h"
#include "job/target.h"
#include "json/json.h"
#include "json/node.h"
#include "maintain/snapshot_edit.h"

const char *
safety_state_name(enum safety_state s)
{
    static const char *const names[] = {"none", "dry run", "skipped", "empty", "taken"};

    return names[s];
}

/* ---- the copies that there are ---- */

static bool
safety_has(const struct snapshot *s, const struct id *id)
{
    return id_eq(&s->id, id) || (s->has_original && id_eq(&s->original, id));
}

static bool
safety_is_unfinished(const struct snapshot *s)
{
    return snapshot_has_tags(s, UNFINISHED_TAG);
}

/* What its brief says of its restore: "snapshot", which was restored, or "first". */
static bool
safety_said(const struct snapshot *s, const char *field, struct id *out)
{
    CLEANUP(json_free_ptr) struct json *brief = NULL;
    struct err none = ERR_INIT;

    return s->brief != NULL && json_parse_lenient(str_c(s->brief), &brief, &none) == RC_OK &&
           id_from_hex(json_text_str(json_dig(brief, "before_restore", field)), out);
}

bool
safety_is_of(void *owner, const struct snapshot *s)
{
    const struct safety_owner *o = owner;

    return target_is(&o->target, s) || (o->nodes != NULL && target_has_node(s, o->nodes));
}

/* Did another file take its place? Then only the store would not let it go. */
static bool
safety_is_replaced(const struct snapshot *list, size_t n, const struct snapshot *s)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].safety && list[i].has_original && id_eq(&list[i].original, &s->id))
            return true;
    return false;
}

/* The newest copy; `first` NULL: any, else the one that has this ID. NULL: there is none. */
static const struct snapshot *
safety_newest(const struct snapshot *list, size_t n, const struct id *wanted, safety_mine_fn *mine,
              void *arg)
{
    for (size_t i = n; i-- > 0;)
        if (list[i].safety && mine(arg, &list[i]) && !safety_is_replaced(list, n, &list[i]) &&
            (wanted == NULL || safety_has(&list[i], wanted)))
            return &list[i];
    return NULL;
}

/* The first copy of its line, or itself where that is gone. */
static const struct snapshot *
safety_first(const struct snapshot *list, size_t n, const struct snapshot *s, safety_mine_fn *mine,
             void *arg)
{
    const struct snapshot *first = NULL;
    struct id id;

    if (safety_said(s, "first", &id))
        first = safety_newest(list, n, &id, mine, arg);
    return first != NULL ? first : s;
}

static enum rc
safety_list(struct ctx *cx, struct repo *r, struct snapshot **list, size_t *n, struct err *e)
{
    struct snapshots_unread unread = {.n = 0};

    if (snapshots_readable(cx, r, list, n, &unread, e))
        return err_wrap(e, "could not read which copies there are");
    mem_free(unread.ids);
    return RC_OK;
}

enum rc
safety_find(struct ctx *cx, struct repo *r, safety_mine_fn *mine, void *arg, bool unfinished,
            struct id *out, struct err *e)
{
    const struct snapshot *newest, *led = NULL;
    struct snapshot *list;
    struct id id;
    size_t n;

    if (safety_list(cx, r, &list, &n, e))
        return err_code(e);
    newest = safety_newest(list, n, NULL, mine, arg);
    if (newest == NULL) {
        snapshots_free(list, n);
        (void)err_set(e, RC_NOT_FOUND, "no restore left a copy of this target in the repository");
        return err_hint(e,
                        "`cstash snapshots --tag " SAFETY_TAG "` lists the copies of all targets");
    }
    if (unfinished && !safety_is_unfinished(newest)) {
        snapshots_free(list, n);
        (void)err_set(e, RC_NOT_FOUND, "no restore into this target was left unfinished");
        return err_hint(e, "name the copy that is meant by its ID");
    }
    /* Of a way back that did not end the next one is the same. */
    if (safety_is_unfinished(newest) && safety_said(newest, "snapshot", &id))
        led = safety_newest(list, n, &id, mine, arg);
    *out = led != NULL ? led->id : safety_first(list, n, newest, mine, arg)->id;
    snapshots_free(list, n);
    return RC_OK;
}

/* ---- another one ---- */

/* Was the last restore left unfinished, and does this one not go back to before it? Then its copy is the first. */
static enum rc
safety_find_first(struct ctx *cx, const struct safety *s, const struct snapshot *restored,
                  struct before_restore *mark, struct err *e)
{
    struct safety_owner owner = {s->backup.target, s->nodes};
    const struct snapshot *newest, *first;
    struct snapshot *list;
    size_t n;

    if (safety_list(cx, s->repo, &list, &n, e))
        return err_code(e);
    newest = safety_newest(list, n, NULL, safety_is_of, &owner);
    if (newest != NULL && safety_is_unfinished(newest)) {
        first = safety_first(list, n, newest, safety_is_of, &owner);
        mark->repeats = !id_eq(&restored->id, &newest->id) && !id_eq(&restored->id, &first->id);
        mark->first = first->id;
    }
    snapshots_free(list, n);
    return RC_OK;
}

static enum rc
safety_backup(struct ctx *cx, const struct safety *s, const struct before_restore *mark,
              struct backup_result *out, struct err *e)
{
    static const char *const tags[] = {SAFETY_TAG, UNFINISHED_TAG};
    struct source_opts source = s->source;
    struct backup_opts backup = s->backup;
    enum rc rc;

    source.filter = (struct filter)FILTER_ALL;
    backup.tags = tags;
    backup.n_tags = ARRAY_LEN(tags);
    backup.before_restore = mark;
    rc = backup_redis(cx, s->repo, &source, &backup, out, e);
    if (rc != RC_UNSUPPORTED || out->source.enc.lossy == 0)
        return rc;
    log_info("%s: copying as the server's own payloads", e->msg);
    *e = (struct err)ERR_INIT;
    source.format = DUMP_RESTORE;
    return backup_redis(cx, s->repo, &source, &backup, out, e);
}

enum rc
safety_take(struct ctx *cx, const struct safety *s, const struct snapshot *restored, uint64_t keys,
            struct safety_result *out, struct err *e)
{
    struct before_restore mark = {.snapshot = restored->id};
    struct backup_result made;
    char n[STR_GROUPED_MAX];

    *out = (struct safety_result){.state = s->skip     ? SAFETY_SKIPPED
                                           : keys == 0 ? SAFETY_EMPTY
                                                       : SAFETY_NONE};
    if (s->skip && keys != 0)
        log_warn("--safety-copy skip: what the target holds now cannot be brought back");
    if (out->state != SAFETY_NONE)
        return RC_OK;
    if (s->blocked != NULL)
        return err_set(e, RC_INVALID, "%s", s->blocked);
    log_info("taking a copy of %s first", redis_addr_text(s->source.addr));
    if (safety_find_first(cx, s, restored, &mark, e) || safety_backup(cx, s, &mark, &made, e))
        return err_code(e);
    mem_trim(); /* what the copy took: the restore comes in the same memory */
    *out = (struct safety_result){.state = SAFETY_TAKEN,
                                  .copy = made.snapshot,
                                  .back = mark.repeats ? mark.first : made.snapshot,
                                  .keys = made.keys};
    log_info("copied: %s %s", str_grouped(made.keys, n), str_plural(made.keys, "key", "keys"));
    return RC_OK;
}

enum rc
safety_resume(struct ctx *cx, const struct safety *s, const struct safety_result *was,
              struct safety_result *out, struct err *e)
{
    struct safety_owner owner = {s->backup.target, s->nodes};
    const struct snapshot *copy, *back;
    struct snapshot *list;
    char id[ID_TEXT];
    size_t n;

    *out = *was;
    if (was->state != SAFETY_TAKEN)
        return RC_OK;
    if (safety_list(cx, s->repo, &list, &n, e))
        return err_code(e);
    copy = safety_newest(list, n, &was->copy, safety_is_of, &owner);
    back = safety_newest(list, n, &was->back, safety_is_of, &owner);
    if (copy != NULL)
        out->copy = copy->id;
    if (back != NULL)
        out->back = back->id;
    snapshots_free(list, n);
    if (copy != NULL && back != NULL)
        return RC_OK;
    (void)err_set(
        e, RC_NOT_FOUND,
        "snapshot %.8s, the copy of what the target held before the restore, is not in the "
        "repository",
        id_hex(copy == NULL ? &was->copy : &was->back, id));
    return err_hint(e, "if it is in another one, name that with --safety-repo");
}

void
safety_done(struct ctx *cx, const struct safety *s, struct safety_result *r)
{
    bool own = id_eq(&r->back, &r->copy);
    struct snapshot copy = {.uid = 0};
    struct err e = ERR_INIT;
    enum rc rc;

    if (r->state != SAFETY_TAKEN)
        return;
    rc = snapshot_load(cx, s->repo, &r->copy, &copy, &e);
    if (rc == RC_OK && snapshot_remove_tag(&copy, UNFINISHED_TAG)) {
        rc = snapshot_replace(cx, s->repo, &copy, true, &e);
        /* A store may keep it: then it plays no part (safety_is_replaced). */
        if (rc == RC_OK && snapshot_forget(cx, s->repo, &r->copy, &e))
            log_info("the older file of the copy stays: %s", e.msg);
    }
    if (rc == RC_OK) {
        r->copy = copy.id;
        r->back = own ? copy.id : r->back;
    } else {
        log_warn("could not note that the restore has ended, so `cstash undo` of a later one may "
                 "go back to before "
                 "this one: %s",
                 e.msg);
    }
    snapshot_release(&copy);
}
