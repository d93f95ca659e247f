/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update-status: what comes after a backup (retention, check, statistics, metrics), and the word to
 * the session, the Repository, people and Prometheus. Source: Stash.
 *
 * Order    the actions first, the host's result in the session last: it is what ends the session.
 */
#include "api/backend.h"
#include "api/conditions.h"
#include "api/duration.h"
#include "api/notes.h"
#include "api/kinds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/recorder.h"
#include "http/client.h"
#include "job/post_backup.h"
#include "job/snapshot_objects.h"
#include "job/step_internal.h"
#include "kube/object.h"
#include "metrics/stash.h"

enum { LABELS_MAX = 64 * 1024 };

struct status_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct http *http;
    struct recorder *events;
    struct json *output;            /* targetStatus of output.json */
    struct json *session, *inv_obj; /* BackupSession or RestoreSession, and its invoker */
    struct invoker inv;
    struct json *app, *repo;
    struct buf labels; /* of --metrics-labels */
    struct err failed; /* of what comes after a backup; code RC_OK: nothing */
};

/* ---- reading what there is ---- */

static enum rc
load_objects(struct status_work *w, struct err *e)
{
    struct err none = ERR_INIT;

    if (step_session(w->cx, w->k, w->f, &w->session, &w->inv_obj, &w->inv, e))
        return err_code(e);
    if (strcmp(w->inv.target_kind, GVR_APP_BINDING.kind) == 0 &&
        kube_get(w->cx, w->k, &GVR_APP_BINDING, w->inv.target_ns, w->inv.target_name, &w->app,
                 &none))
        log_warn("metrics lack the kind of the target: %s", none.msg);
    return RC_OK;
}

/* ---- metrics ---- */

static double
seconds_of(const struct json *host)
{
    struct err e = ERR_INIT;
    int64_t ms = 0;

    if (duration_parse(json_text_str(json_field(host, "duration")), &ms, &e))
        return 0;
    return (double)ms / 1000;
}

static uint64_t
bytes_of(const struct json *snapshot, const char *field)
{
    struct err e = ERR_INIT;
    uint64_t n = 0;

    if (size_parse(json_text_str(json_field(snapshot, field)), &n, &e))
        return 0;
    return n;
}

static void
put_host(struct status_work *w, struct metrics *m, const struct json *host)
{
    const struct json *list = json_field(host, "snapshots");
    struct stash_host h = {
        .hostname = json_text_or(json_field(host, "hostname"), ""),
        .success = strcmp(json_text_or(json_field(host, "phase"), ""), "Succeeded") == 0,
        .seconds = seconds_of(host),
    };

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *s = json_elem(list, i), *files = json_field(s, "fileStats");

        h.total += bytes_of(s, "totalSize");
        h.uploaded += bytes_of(s, "uploaded");
        h.files += json_int_or(json_field(files, "totalFiles"), 0);
        h.files_new += json_int_or(json_field(files, "newFiles"), 0);
        h.files_modified += json_int_or(json_field(files, "modifiedFiles"), 0);
        h.files_unmodified += json_int_or(json_field(files, "unmodifiedFiles"), 0);
    }
    stash_metrics_host(m, &w->inv, w->app, &h);
}

static struct metrics
metrics_of(const struct status_work *w)
{
    struct metrics m = METRICS_INIT;

    m.common = buf_str(&w->labels);
    return m;
}

static bool
has_pushgateway(const struct status_work *w)
{
    return w->f->metrics_enabled && step_text(w->f->metrics_url, NULL) != NULL;
}

/* Into the group of the invoker, or of this member of it. */
static enum rc
step_status_push(struct status_work *w, bool of_member, const struct metrics *m, struct err *e)
{
    struct stash_group group;
    enum rc rc;

    if (!has_pushgateway(w))
        return RC_OK;
    stash_group_init(&group, &w->inv, of_member);
    rc = metrics_push(w->cx, w->http, w->f->metrics_url, group.labels, m, e);
    stash_group_release(&group);
    return rc;
}

/* ---- after a backup ---- */

static void
step_status_tell(struct status_work *w, enum condition_id id, enum condition_state state,
                 const char *text)
{
    struct err e = ERR_INIT;

    if (step_tell(w->cx, w->k, w->f, &(struct step_verdict){.id = id, .state = state, .text = text},
                  &e))
        log_err(&e);
}

static enum rc
send_repository_metrics(struct status_work *w, const struct post_backup *a, struct err *e)
{
    struct metrics m = metrics_of(w), own = metrics_of(w);
    struct backend b;
    struct stash_repository r = {.ns = w->inv.repo_ns,
                                 .name = w->inv.repo_name,
                                 .integrity = a->integrity,
                                 .bytes = a->bytes,
                                 .snapshots = a->kept,
                                 .removed = a->removed,
                                 .pinned = a->pinned};
    enum rc rc;

    if (backend_decode(json_dig(w->repo, "spec", "backend"), &b, e))
        return err_code(e);
    r.backend = b.provider;
    r.bucket = b.bucket;
    r.prefix = b.prefix;
    stash_metrics_repository(&m, &w->inv, &r);
    stash_metrics_retention(w->inv.batch ? &own : &m, &w->inv, &r);
    rc = step_status_push(w, false, &m, e);
    if (rc == RC_OK && w->inv.batch)
        rc = step_status_push(w, true, &own, e);
    metrics_release(&m);
    metrics_release(&own);
    backend_release(&b);
    return rc;
}

struct repo_status {
    const struct post_backup *a;
    const char *began;
    bool shown; /* the Snapshots are in step */
};

static enum rc
put_repository(void *arg, struct json *repo, struct err *e)
{
    const struct repo_status *s = (const struct repo_status *)arg;
    struct json *status = json_need_object(repo, "status");
    char text[DURATION_TEXT];

    (void)e;
    json_set_bool(status, "integrity", s->a->integrity);
    json_set_int(status, "snapshotCount", s->a->kept);
    json_set_int(status, "snapshotsRemovedOnLastCleanup", s->a->removed);
    if (s->a->integrity) {
        json_set_cstr(status, "totalSize", size_format(s->a->bytes, text));
        json_set_cstr(status, "lastBackupTime", s->began);
        if (json_field(status, "firstBackupTime") == NULL)
            json_set_cstr(status, "firstBackupTime", s->began);
    }
    if (s->shown) {
        CLEANUP(mem_free_ptr) char *due = snapshots_due(repo);

        json_set_cstr(status, "snapshotsShown", due);
    }
    return RC_OK;
}

/* How much retention may remove at once: somebody who means it says so on the invoker. */
static struct retention_guard
retention_guard_of(const struct status_work *w)
{
    struct retention_guard b = {.share = RETENTION_GUARD_SHARE};
    struct notes notes;
    struct err why = ERR_INIT;

    if (notes_read(w->inv.kind, json_dig(w->inv_obj, "metadata", "annotations"), &notes, &why))
        log_warn("%s: retention removes no more than by default", why.msg);
    else
        b.allowed = notes.allow_removal;
    return b;
}

static void hold_back(struct post_backup *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
hold_back(struct post_backup *a, const char *fmt, ...)
{
    va_list ap;
    size_t n = strlen(a->note);

    a->held_back = true;
    va_start(ap, fmt);
    (void)vsnprintf(a->note + n, sizeof(a->note) - n, fmt, ap);
    va_end(ap);
}

static void
tell_retention(struct status_work *w, enum rc rc, const struct post_backup *a, const char *error)
{
    if (rc != RC_OK)
        step_status_tell(w, COND_RETENTION_APPLIED, COND_FALSE, error);
    else if (a->held_back)
        step_status_tell(w, COND_RETENTION_HELD_BACK, COND_FALSE, a->note);
    else
        step_status_tell(w, COND_RETENTION_APPLIED, COND_TRUE, a->note);
    if (rc == RC_OK && a->held_back) {
        log_warn("%s", a->note);
        recorder_event(w->cx, w->events, w->session, "Warning",
                       condition_row(COND_RETENTION_HELD_BACK)->in[COND_FALSE].reason, "%s",
                       a->note);
    }
}

/* The target has lost most of its keys: people must hear of it, for one night is enough to act. */
static void
tell_pin(struct status_work *w, const struct post_backup *a)
{
    char text[500];

    (void)snprintf(text, sizeof(text), "%s If that is right, annotate %s %s with %s=true.",
                   a->pin_note, w->inv.kind, w->inv.name, NOTE_ACCEPT_SHRINK);
    log_warn("%s", text);
    step_status_tell(w, COND_SNAPSHOT_PINNED, COND_TRUE, text);
    recorder_event(w->cx, w->events, w->session, "Warning",
                   condition_row(COND_SNAPSHOT_PINNED)->type, "%s", text);
}

/* Do other configurations write into the Repository too? */
static bool
is_shared(const struct json *repo)
{
    const struct json *refs = json_dig(repo, "status", "references");
    size_t writers = 0;

    for (size_t i = 0; i < json_size(refs); i++) {
        const char *kind = json_text_or(json_field(json_elem(refs, i), "kind"), "");

        writers += strcmp(kind, GVR_RESTORE_SESSION.kind) != 0 &&
                   strcmp(kind, GVR_RESTORE_BATCH.kind) != 0;
    }
    return writers > 1;
}

/* The snapshot that the first step of this Job made, and what belongs to it. */
static enum rc
whose_snapshots(struct status_work *w, struct post_backup_whose *out, struct err *e)
{
    const struct json *host = json_elem(json_field(w->output, "stats"), 0),
                      *made = json_elem(json_field(host, "snapshots"), 0);
    struct json *repo = NULL;

    *out = (struct post_backup_whose){.host_shared = false};
    if (!id_from_hex(json_text_str(json_field(made, "name")), &out->made))
        return err_set(e, RC_CORRUPT, "output.json names no snapshot");
    if (kube_get(w->cx, w->k, &GVR_REPOSITORY, w->inv.repo_ns, w->inv.repo_name, &repo, e))
        return err_wrap(e, "could not read Repository %s/%s", w->inv.repo_ns, w->inv.repo_name);
    out->host_shared = w->inv.n > 1 || is_shared(repo);
    json_free(repo);
    return RC_OK;
}

/* Of a damaged repository nothing is removed: an older snapshot may be the last good one. */
static enum rc
step_status_retain(struct status_work *w, struct repo *r, struct post_backup *a, struct err *e)
{
    const struct retention_guard brake = retention_guard_of(w);
    struct post_backup_whose whose;
    enum rc rc = RC_OK;

    if (!a->integrity) {
        hold_back(a, "Held back, nothing was removed: the repository is damaged.");
    } else {
        rc = whose_snapshots(w, &whose, e);
        if (rc == RC_OK)
            rc = post_backup_retention(w->cx, r, w->inv.retention, &whose, &brake, a, e);
        if (rc == RC_OK && a->held_back)
            hold_back(a,
                      " If it is meant, annotate %s %s with %s=<how many may go>, or run "
                      "`cstash forget`.",
                      w->inv.kind, w->inv.name, NOTE_ALLOW_REMOVAL);
    }
    tell_retention(w, rc, a, e->msg);
    if (rc == RC_OK && a->pinned)
        tell_pin(w, a);
    return rc;
}

static enum rc
step_status_verify(struct status_work *w, struct repo *r, struct post_backup *a, struct err *e)
{
    enum rc rc = post_backup_check(w->cx, r, a, e);

    if (rc == RC_OK && a->integrity)
        step_status_tell(w, COND_INTEGRITY_VERIFIED, COND_TRUE, NULL);
    else
        step_status_tell(w, COND_INTEGRITY_VERIFIED, COND_FALSE, rc == RC_OK ? a->problem : e->msg);
    return rc;
}

/* What there is, for `kubectl get snapshots`; of a Repository of another namespace that is the operator's to arrange. */
static bool
step_status_objects(struct status_work *w, const struct post_backup *a)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    struct err e = ERR_INIT;
    enum rc rc;

    if (a->list == NULL || strcmp(w->inv.repo_ns, w->f->ns) != 0)
        return false;
    rc = kube_get(w->cx, w->k, &GVR_REPOSITORY, w->inv.repo_ns, w->inv.repo_name, &repo, &e);
    if (rc == RC_OK && !kube_is_deleting(repo))
        rc = snapshot_objects_sync(w->cx, w->k, repo, a->list, a->n, &e);
    if (rc == RC_OK)
        return true;
    log_warn("snapshots are not shown as objects: %s", e.msg);
    step_status_tell(w, COND_SNAPSHOTS_SHOWN, COND_FALSE, e.msg);
    return false;
}

/* Does another member of the same session still run? */
static bool
others_run(struct status_work *w)
{
    CLEANUP(json_free_ptr) struct json *session = NULL;
    const struct json *targets;
    struct err why = ERR_INIT;

    if (!w->inv.batch ||
        kube_get(w->cx, w->k, &GVR_BACKUP_SESSION, w->f->ns, kube_name(w->session), &session, &why))
        return false;
    targets = json_dig(session, "status", "targets");
    for (size_t i = 0; i < json_size(targets); i++)
        if (!invoker_is_target(&w->inv, json_field(json_elem(targets, i), "ref")) &&
            strcmp(json_text_or(json_field(json_elem(targets, i), "phase"), ""), "Running") == 0)
            return true;
    return false;
}

/* The members of a batch share a Repository: whoever is done first waits until the others have let go of it. */
static enum rc
lock_alone(struct status_work *w, struct step_repo *v, struct err *e)
{
    enum rc rc = step_repo_lock(w->cx, v, true, e);

    while (rc == RC_LOCKED && others_run(w)) {
        *e = (struct err)ERR_INIT;
        rc = step_repo_lock(w->cx, v, true, e);
    }
    return rc;
}

/* Everything that a good backup brings with it. What fails is in the session's conditions. */
static void
post_backup_backup(struct status_work *w)
{
    struct step_repo v = {0};
    struct post_backup a = {0};
    struct err e = ERR_INIT;
    struct repo_status s = {
        .a = &a, .began = json_text(json_dig(w->session, "metadata", "creationTimestamp"))};
    enum rc rc = step_repo_reach(w->cx, w->k, w->f, &v, &e);

    if (rc == RC_OK)
        rc = step_repo_open(w->cx, &v, &e);
    if (rc == RC_OK)
        rc = lock_alone(w, &v, &e);
    if (rc != RC_OK)
        tell_retention(w, rc, &a, e.msg);
    else
        rc = step_status_verify(w, v.repo, &a, &e);
    if (rc == RC_OK)
        rc = step_status_retain(w, v.repo, &a, &e);
    /* Of a damaged repository only the number of snapshots is known. */
    if (rc == RC_OK && post_backup_stats(w->cx, v.repo, &a, &e) != RC_OK && a.integrity)
        rc = e.code;
    s.shown = step_status_objects(w, &a);
    step_repo_close(&v);
    post_backup_release(&a);
    if (rc == RC_OK && !a.integrity)
        (void)err_set(&w->failed, RC_CORRUPT, "the repository is damaged: %s", a.problem);
    if (rc == RC_OK && kube_modify(w->cx, w->k, &GVR_REPOSITORY, w->inv.repo_ns, w->inv.repo_name,
                                   "status", put_repository, &s, &w->repo, &e)) {
        (void)err_wrap(&e, "could not write the status of Repository %s/%s", w->inv.repo_ns,
                       w->inv.repo_name);
        log_err(&e);
    }
    if (rc != RC_OK) {
        log_err(&e);
        w->failed = e;
        return;
    }
    rc = send_repository_metrics(w, &a, &e);
    if (rc != RC_OK)
        log_warn("%s", e.msg); /* data are safe: a condition, not a failure */
    if (rc != RC_OK)
        step_status_tell(w, COND_REPOSITORY_METRICS_PUSHED, COND_FALSE, e.msg);
    else if (!has_pushgateway(w))
        step_status_tell(w, COND_REPOSITORY_METRICS_NOWHERE, COND_FALSE, NULL);
    else
        step_status_tell(w, COND_REPOSITORY_METRICS_PUSHED, COND_TRUE, NULL);
}

/* ---- the word ---- */

/* Replace the entries of the same hosts. */
static void
merge_stats(struct json *to, const struct json *stats)
{
    for (size_t i = 0; i < json_size(stats); i++) {
        CLEANUP(json_free_ptr) struct json *host = json_clone(json_elem(stats, i));
        const char *name = json_text_or(json_field(host, "hostname"), "");
        size_t at = 0;

        json_remove(host, "dryRun");            /* a condition says it */
        json_remove(host, "plan");              /* so they do */
        json_remove(host, "safetyCopySkipped"); /* an event does */
        while (at < json_size(to) &&
               strcmp(json_text_or(json_field(json_elem(to, at), "hostname"), ""), name) != 0)
            at++;
        if (at < json_size(to))
            json_put_at(to, at, json_ref(host));
        else
            json_push(to, json_ref(host));
    }
}

static enum rc
put_result(void *arg, struct json *session, struct err *e)
{
    struct status_work *w = (struct status_work *)arg;
    const struct json *stats = json_field(w->output, "stats");
    struct json *status = json_need_object(session, "status"),
                *place = invoker_need_place(&w->inv, status);

    (void)e;
    merge_stats(json_need_array(place, "stats"), stats);
    if (!step_is_backup(w->f) && output_is_dry_run(w->output))
        (void)condition_set(place, COND_DRY_RUN, COND_TRUE, NULL);
    if (!step_is_backup(w->f) && output_plan(w->output) != NULL)
        plan_conditions(output_plan(w->output), place);
    if (!step_is_backup(w->f) && output_part(w->output) != NULL)
        (void)condition_set(place, COND_PARTIAL_RESTORE, COND_TRUE, output_part(w->output));
    if (json_field(place, "totalHosts") == NULL)
        json_set_int(place, "totalHosts", 1);
    return RC_OK;
}

static enum rc
tell_result(struct status_work *w, struct err *e)
{
    const struct kube_gvr *kind = step_session_kind(w->f);

    if (kube_modify(w->cx, w->k, kind, w->f->ns, kube_name(w->session), "status", put_result, w,
                    NULL, e))
        return err_wrap(e, "could not write the result into %s %s/%s", kind->kind, w->f->ns,
                        kube_name(w->session));
    return RC_OK;
}

/* Metrics of a dry run or a plan would be those of a restore. */
static void
push_hosts(struct status_work *w, const struct metrics *m)
{
    struct err e = ERR_INIT;

    if (!output_is_dry_run(w->output) && !w->inv.planned && step_status_push(w, true, m, &e))
        log_warn("%s", e.msg);
}

/* What was there before a restore, and how it comes back; or that it does not. */
static void
tell_way_back(struct status_work *w)
{
    const struct output_way_back way = output_way_back_of(w->output);

    if (step_is_backup(w->f))
        return;
    if (way.copy != NULL)
        recorder_event(w->cx, w->events, w->session, "Normal", "SafetyCopyTaken",
                       "Snapshot %.8s%s%.253s holds what the target held before; `kubectl stash "
                       "undo %s -n %s` "
                       "brings it back",
                       way.copy, way.repository != NULL ? " of Repository " : "",
                       way.repository != NULL ? way.repository : "", kube_name(w->session),
                       w->f->ns);
    else if (output_safety_skipped(w->output))
        recorder_event(w->cx, w->events, w->session, "Warning", "SafetyCopySkipped",
                       "No copy of the target was taken, as was asked for: what it held cannot be "
                       "brought back");
}

/* An answer, whatever it is. */
static void
tell_plan(struct status_work *w, const struct json *plan)
{
    recorder_event(w->cx, w->events, w->session, output_plan_says_yes(plan) ? "Normal" : "Warning",
                   "RestorePlanned", "Nothing was written: %s",
                   json_text_or(json_field(plan, "text"), ""));
}

static void
tell_people(struct status_work *w)
{
    const struct json *stats = json_field(w->output, "stats");
    const char *what = step_is_backup(w->f)           ? "Backup"
                       : w->inv.planned               ? "Plan of the restore"
                       : output_is_dry_run(w->output) ? "Dry run of the restore"
                                                      : "Restore";
    struct metrics m = METRICS_INIT;

    if (output_plan(w->output) != NULL) {
        tell_plan(w, output_plan(w->output));
        return;
    }
    m = metrics_of(w);
    for (size_t i = 0; i < json_size(stats); i++) {
        const struct json *h = json_elem(stats, i);
        const char *named = json_text_or(json_field(h, "hostname"), ""),
                   *host = named[0] != '\0' ? named : DEFAULT_HOST;
        bool good = strcmp(json_text_or(json_field(h, "phase"), ""), "Succeeded") == 0;
        char reason[64];

        (void)snprintf(reason, sizeof(reason), "Host %s %s", what, good ? "Succeeded" : "Failed");
        if (good)
            recorder_event(w->cx, w->events, w->session, "Normal", reason,
                           "%s succeeded for host %s in %s", what, host,
                           json_text_or(json_field(h, "duration"), "?"));
        else
            recorder_event(w->cx, w->events, w->session, "Warning", reason,
                           "%s failed for host %s. Reason: %s", what, host,
                           json_text_or(json_field(h, "error"), "unknown"));
        put_host(w, &m, h);
    }
    if (!step_is_backup(w->f) && output_part(w->output) != NULL)
        recorder_event(w->cx, w->events, w->session, "Warning",
                       condition_row(COND_PARTIAL_RESTORE)->in[COND_TRUE].reason,
                       "%s of a part: %s", what, output_part(w->output));
    tell_way_back(w);
    push_hosts(w, &m);
    metrics_release(&m);
}

static bool
has_actions(const struct status_work *w)
{
    const struct json *place = invoker_place(&w->inv, json_field(w->session, "status"), NULL);

    return json_size(json_field(place, "postBackupActions")) > 0;
}

static enum rc
step_status_work(struct status_work *w, struct err *e)
{
    struct recorder_opts o = {.component = "Status Updater"};

    if (metrics_labels(w->f->metrics_labels, &w->labels, e))
        return err_wrap(e, "--metrics-labels");
    if (step_need_session(w->f, e) || step_connect(w->f, &w->k, NULL, e) ||
        http_new(NULL, &w->http, e))
        return err_code(e);
    w->events = recorder_new(w->k, &o);
    if (load_objects(w, e) || output_read(w->f, &w->output, e))
        return err_code(e);
    if (step_is_backup(w->f) && output_error(w->output) == NULL && has_actions(w))
        post_backup_backup(w);
    if (tell_result(w, e))
        return err_code(e);
    tell_people(w);
    return RC_OK;
}

enum rc
step_update_status(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct status_work w = {.cx = cx, .f = f, .labels = BUF_INIT(LABELS_MAX)};
    enum rc rc = step_status_work(&w, e);

    if (rc == RC_OK && step_is_final() && output_error(w.output) != NULL)
        rc = err_set(e, RC_INVALID, "%s", output_error(w.output));
    if (rc == RC_OK && step_is_final() && w.failed.code != RC_OK) {
        *e = w.failed;
        rc = e->code;
    }
    buf_release(&w.labels);
    json_free(w.output);
    json_free(w.session);
    json_free(w.inv_obj);
    json_free(w.app);
    json_free(w.repo);
    if (w.events != NULL)
        recorder_free(w.events);
    if (w.http != NULL)
        http_free(w.http);
    kube_free(w.k);
    return rc;
}
