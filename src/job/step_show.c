/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show-snapshots: the Snapshots of a Repository, brought in step where no backup of its namespace does it (docs/snapshots.md).
 * The lock keeps the last steps of backups away, which do the same; backups themselves go on.
 */
#include "api/kinds.h"
#include "base/log.h"
#include "base/mem.h"
#include "job/snapshot_objects.h"
#include "job/step_internal.h"
#include "kube/object.h"

struct show_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct json *repo; /* the Repository */
};

static enum rc
put_shown(void *arg, struct json *repo, struct err *e)
{
    (void)e;
    json_set_cstr(json_need_object(repo, "status"), "snapshotsShown", (const char *)arg);
    return RC_OK;
}

static enum rc
show_all(void *arg, struct repo *r, struct err *e)
{
    struct show_work *w = arg;
    struct snapshot *list;
    size_t n;
    enum rc rc = snapshots_list(w->cx, r, &list, &n, e);

    if (rc != RC_OK)
        return rc;
    rc = snapshot_objects_sync(w->cx, w->k, w->repo, list, n, e);
    snapshots_free(list, n);
    return rc;
}

static enum rc
show_begin(struct show_work *w, struct err *e)
{
    const struct step_flags *f = w->f;

    if (step_need(f->repository, "repository", e) || step_need(f->due, "due", e) ||
        step_connect(f, &w->k, NULL, e))
        return err_code(e);
    if (kube_get(w->cx, w->k, &GVR_REPOSITORY, f->ns, f->repository, &w->repo, e))
        return err_wrap(e, "could not read Repository %s/%s", f->ns, f->repository);
    if (kube_is_deleting(w->repo)) {
        log_info("Repository %s/%s goes: nothing is shown", f->ns, f->repository);
        return RC_OK;
    }
    if (step_repo_do(w->cx, w->k, w->f, false, show_all, w, e))
        return err_code(e);
    if (kube_modify(w->cx, w->k, &GVR_REPOSITORY, f->ns, f->repository, "status", put_shown,
                    (void *)(uintptr_t)f->due, NULL, e))
        return err_wrap(e, "could not write the status of Repository %s/%s", f->ns, f->repository);
    return RC_OK;
}

enum rc
step_show_snapshots(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct show_work w = {.cx = cx, .f = f};
    enum rc rc = show_begin(&w, e);

    json_free(w.repo);
    kube_free(w.k);
    return rc;
}
