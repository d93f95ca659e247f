/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots that no backup of their own namespace brings in step: of a Repository that others back up into, that was there before
 * this kind was, or of which somebody says that it changed. A Job for each such moment; one that fails is not repeated for the
 * same one, and is told.
 */
#include "api/notes.h"
#include "base/mem.h"
#include "operator/operator_internal.h"

enum { LATER_MS = 60 * 1000, SOON_MS = 1000 };

static enum rc
show_begin(struct ctx *cx, struct operator* op, const struct json *repo, const char *name,
           const char *due, struct json *status, struct ctl_result *out, struct err *e)
{
    const char *const args[] = {"repository", kube_name(repo), "due", due, NULL};
    struct repository_job j = {.step = "show-snapshots",
                               .component = "stash-snapshots",
                               .name = name,
                               .cluster_role = "stash-snapshots-job",
                               .repo = repo,
                               .owner = repo,
                               .args = args,
                               .due = due};
    struct err why = ERR_INIT;

    if (repository_job_create(cx, op, &j, &why) == RC_OK)
        return RC_OK;
    if (why.retry || why.code == RC_CANCELLED || why.code == RC_CONFLICT) {
        *e = why; /* the server is busy: come again */
        return err_code(e);
    }
    (void)condition_set(status, COND_SNAPSHOTS_SHOWN, COND_FALSE, why.msg);
    out->requeue_after_ms = LATER_MS;
    return RC_OK;
}

static enum rc
show_go_on(struct ctx *cx, struct operator* op, const struct json *repo, const struct json *job,
           const char *due, struct json *status, struct ctl_result *out, struct err *e)
{
    struct teller to = {cx, op->repository.events, repo, "Warning"};
    char text[WHY_TEXT];
    enum outcome o;

    if (job_outcome(cx, op, kube_ns(job), kube_name(job), &o, text, e))
        return err_code(e);
    if (o == OUTCOME_GOING || o == OUTCOME_WAITING) {
        out->requeue_after_ms = LATER_MS;
        return RC_OK;
    }
    if (due != NULL && o == OUTCOME_DEAD &&
        strcmp(json_text_or(json_dig(job, "metadata", "annotations", NOTE_SHOW_SNAPSHOTS), ""),
               due) == 0) {
        condition_tell(&to, status, COND_SNAPSHOTS_SHOWN, COND_FALSE, text);
        return RC_OK;
    }
    out->requeue_after_ms = SOON_MS;
    return ensure_gone(cx, op, &KUBE_JOB, kube_ns(job), kube_name(job), "Background", e);
}

enum rc
show_snapshots(struct ctx *cx, struct operator* op, const struct json *repo, struct json *status,
               struct ctl_result *out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *due = snapshots_due(repo);
    CLEANUP(mem_free_ptr) char *name = repository_job_name("stash-snapshots", repo);
    CLEANUP(json_free_ptr) struct json *job = cache_get(op->jobs, kube_ns(repo), name);

    if (due != NULL &&
        strcmp(json_text_or(json_dig(repo, "status", "snapshotsShown"), ""), due) == 0) {
        condition_remove(status, COND_SNAPSHOTS_SHOWN);
        mem_free(TAKE(due));
    }
    if (job != NULL && kube_is_deleting(job)) {
        out->requeue_after_ms = SOON_MS;
        return RC_OK;
    }
    if (job != NULL)
        return show_go_on(cx, op, repo, job, due, status, out, e);
    if (due == NULL)
        return RC_OK;
    if (!cache_is_synced(op->snapshot.cache)) { /* the cluster keeps no such objects */
        out->requeue_after_ms = LATER_MS;
        return RC_OK;
    }
    return show_begin(cx, op, repo, name, due, status, out, e);
}
