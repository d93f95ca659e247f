/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forget-snapshot: a snapshot whose object somebody deleted (docs/adr/0033). How it went is the condition Forgotten of the
 * object, which the operator reads.
 *
 * Order    whether it is still meant is asked under the repository's lock, as the last thing before the snapshot goes.
 */
#include "api/kinds.h"
#include "api/names.h"
#include "api/notes.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/post_backup.h"
#include "job/step_internal.h"
#include "kube/object.h"
#include "maintain/removal_guard.h"
#include "repo/snapshots.h"

struct forget_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct json *obj;      /* the Snapshot */
    char *id, *repository; /* of its status */
    bool allowed;          /* annotated: it may be one that should stay */
};

/* ---- is it meant ---- */

/* `*gone`: there is none, or it is not the one that was deleted. */
static enum rc
forget_read(struct forget_work *w, bool *gone, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc;

    json_free(TAKE(w->obj));
    rc = kube_get(w->cx, w->k, &GVR_SNAPSHOT, w->f->ns, w->f->snapshot, &w->obj, &why);
    *gone =
        rc == RC_NOT_FOUND ||
        (rc == RC_OK && (strcmp(kube_uid(w->obj), w->f->uid) != 0 || !kube_is_deleting(w->obj) ||
                         !kube_has_finalizer(w->obj, FINALIZER_SNAPSHOT)));
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = why;
    return err_wrap(e, "could not read Snapshot %s/%s", w->f->ns, w->f->snapshot);
}

/* Does the Repository go? Then the deletion of its Snapshots is not meant for the backups. */
static enum rc
forget_repository_goes(struct forget_work *w, bool *goes, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    struct err why = ERR_INIT;
    enum rc rc = kube_get(w->cx, w->k, &GVR_REPOSITORY, w->f->ns, w->repository, &repo, &why);

    *goes = rc == RC_NOT_FOUND || (rc == RC_OK && kube_is_deleting(repo));
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = why;
    return err_wrap(e, "could not read Repository %s/%s", w->f->ns, w->repository);
}

/*
 * Where a namespace or a definition goes, a server takes no new object; this one is only tried. The rights to read either
 * belong to no namespace, and this account's do.
 */
static enum rc
forget_world_stays(struct forget_work *w, struct err *e)
{
    const struct kube_write try_only = {.dry_run = true};
    CLEANUP(json_free_ptr)
    struct json *probe = kube_object_new(&GVR_SNAPSHOT, w->f->ns, w->f->snapshot);
    struct err why = ERR_INIT;
    enum rc rc = kube_create(w->cx, w->k, &GVR_SNAPSHOT, w->f->ns, probe, &try_only, NULL, &why);

    if (rc == RC_OK || rc == RC_EXISTS)
        return RC_OK;
    *e = why;
    return err_wrap(e, "nothing is removed while no Snapshot can be made in namespace %s",
                    w->f->ns);
}

static enum rc
forget_is_meant(struct forget_work *w, bool *meant, struct err *e)
{
    bool gone = false;

    *meant = false;
    if (forget_read(w, &gone, e) || (!gone && forget_repository_goes(w, &gone, e)) ||
        (!gone && forget_world_stays(w, e)))
        return err_code(e);
    if (gone)
        log_info("Snapshot %s/%s or its Repository is gone: nothing is removed", w->f->ns,
                 w->f->snapshot);
    *meant = !gone;
    return RC_OK;
}

/* ---- the word ---- */

struct forget_verdict {
    enum condition_id id;
    enum condition_state state;
    const char *text;
};

static enum rc
put_verdict(void *arg, struct json *obj, struct err *e)
{
    const struct forget_verdict *v = (const struct forget_verdict *)arg;

    (void)e;
    (void)condition_set(json_need_object(obj, "status"), v->id, v->state, v->text);
    return RC_OK;
}

static enum rc
forget_tell(struct forget_work *w, enum condition_id id, enum condition_state state,
            const char *text, struct err *e)
{
    struct forget_verdict v = {id, state, text};

    if (kube_modify(w->cx, w->k, &GVR_SNAPSHOT, w->f->ns, w->f->snapshot, "status", put_verdict, &v,
                    NULL, e))
        return err_wrap(e, "could not write the status of Snapshot %s/%s", w->f->ns,
                        w->f->snapshot);
    return RC_OK;
}

/* ---- the repository ---- */

static enum rc
forget_refuse(struct forget_work *w, const char *why, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *text =
        mem_printf("Nothing was removed: %s. Annotate the Snapshot with " NOTE_ALLOW_REMOVAL
                   "=true to remove it nevertheless.",
                   why);

    log_warn("%s", text);
    return forget_tell(w, COND_SNAPSHOT_REFUSED, COND_FALSE, text, e);
}

static enum rc
forget_found(struct forget_work *w, struct repo *r, const struct snapshot *s, struct err *e)
{
    struct err why = ERR_INIT;
    bool meant = false;

    if (forget_is_meant(w, &meant, e))
        return err_code(e);
    if (!meant)
        return RC_OK;
    if (snapshot_forget(w->cx, r, &s->id, e))
        return err_wrap(e, "could not remove snapshot %.8s", w->id);
    log_info("snapshot %.8s is removed", w->id);
    if (post_backup_prune(w->cx, r, &why))
        log_warn("the data of snapshot %.8s stay until the next prune: %s", w->id, why.msg);
    return forget_tell(w, COND_SNAPSHOT_FORGOTTEN, COND_TRUE, NULL, e);
}

static enum rc
forget_in(void *arg, struct repo *r, struct err *e)
{
    struct forget_work *w = arg;
    struct snapshot *list;
    const char *why;
    size_t n, at = 0;
    char id[ID_TEXT];
    enum rc rc;

    if (snapshots_list(w->cx, r, &list, &n, e))
        return err_code(e);
    removal_pins(list, n);
    while (at < n && strcmp(id_hex(&list[at].id, id), w->id) != 0)
        at++;
    why = at < n && !w->allowed ? removal_guard(list, n, at) : NULL;
    if (at == n)
        rc = forget_tell(w, COND_SNAPSHOT_FORGOTTEN, COND_TRUE, NULL, e);
    else if (why != NULL)
        rc = forget_refuse(w, why, e);
    else
        rc = forget_found(w, r, &list[at], e);
    snapshots_free(list, n);
    return rc;
}

static enum rc
forget_begin(struct forget_work *w, struct err *e)
{
    struct notes notes;
    struct err why = ERR_INIT;
    bool gone = false;

    if (step_need(w->f->snapshot, "snapshot", e) || step_need(w->f->uid, "uid", e) ||
        step_connect(w->f, &w->k, NULL, e) || forget_read(w, &gone, e))
        return err_code(e);
    if (gone) {
        log_info("Snapshot %s/%s is gone: nothing is removed", w->f->ns, w->f->snapshot);
        return RC_OK;
    }
    w->id = mem_strdup(json_text_or(json_dig(w->obj, "status", "id"), ""));
    w->repository = mem_strdup(json_text_or(json_dig(w->obj, "status", "repository"), ""));
    if (strlen(w->id) != ID_TEXT - 1 || w->repository[0] == '\0')
        return err_set(e, RC_INVALID, "Snapshot %s/%s does not say what it is of", w->f->ns,
                       w->f->snapshot);
    if (!name_is_of_snapshot(w->f->snapshot, w->repository, w->id)) {
        (void)err_set(e, RC_INVALID,
                      "the status of Snapshot %s/%s says that it is %.8s of Repository %s, and its "
                      "name says another: nothing is removed",
                      w->f->ns, w->f->snapshot, w->id, w->repository);
        return err_hint(e, "remove its finalizer to keep the backup: the next one shows what there "
                           "is");
    }
    if (notes_read(GVR_SNAPSHOT.kind, json_dig(w->obj, "metadata", "annotations"), &notes, &why))
        log_warn("%s", why.msg);
    else
        w->allowed = notes.allow;
    return step_repo_do(w->cx, w->k, w->f, true, forget_in, w, e);
}

enum rc
step_forget_snapshot(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct forget_work w = {.cx = cx, .f = f};
    enum rc rc = forget_begin(&w, e);

    json_free(w.obj);
    mem_free(w.id);
    mem_free(w.repository);
    kube_free(w.k);
    return rc;
}
