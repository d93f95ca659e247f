/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify-backup: what a BackupVerification asks for, at one of its slots. The result stands beside the snapshot in the repository, at its
 * Snapshot object, in the BackupVerification's status, which the operator reads, and at the Pushgateway.
 *
 * Server   a child of this process; or, by --server-socket, the other container of this Pod, which ends when it is told to: so it is
 *          waited for first, and told whatever comes.
 */
#include "api/duration.h"
#include "api/kinds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/client.h"
#include "job/snapshot_objects.h"
#include "job/step_internal.h"
#include "job/verification.h"
#include "kube/object.h"
#include "metrics/text.h"

enum { QUESTIONS_MAX = 256, SECOND_MS = 1000 };

struct verify_work {
    struct ctx *cx;
    const struct step_flags *f;
    struct kube *k;
    struct json *obj; /* the BackupVerification */
    struct question *questions[QUESTIONS_MAX];
    size_t n_questions;
    enum verdict_level level;
    struct snapshot snap;
    struct verification found;
};

/* ---- the word ---- */

static const char *
verify_outcome(enum rc rc)
{
    return rc == RC_OK           ? "Verified"
           : rc == RC_CORRUPT    ? "Failed"
           : rc == RC_UNVERIFIED ? "NotVerifiable"
                                 : "Error";
}

/* `reason` NULL: it is good. */
static struct json *
verify_result(const struct verify_work *w, enum rc rc, const char *reason)
{
    const struct verdict *v = &w->found.verdict;
    struct json *r = json_new_object();
    char when[API_TIME_TEXT], id[ID_TEXT], took[DURATION_TEXT];

    json_set_cstr(r, "time", api_time(clock_real_ms(), when));
    json_set_cstr(r, "outcome", verify_outcome(rc));
    json_set_cstr(r, "reason", reason);
    json_set_cstr(r, "level", verdict_level_name(w->level));
    json_set_cstr(r, "pod", getenv("POD_NAME"));
    if (w->snap.n_paths != 0)
        json_set_cstr(r, "snapshot", id_hex(&w->snap.id, id));
    if (rc != RC_OK)
        return r;
    json_set_int(r, "keys", (int64_t)MIN(v->keys, (uint64_t)INT64_MAX));
    json_set_cstr(r, "digest", v->digest);
    if (v->restore_ms < 0)
        return r;
    json_set_cstr(r, "restoreDuration", duration_format(v->restore_ms, took));
    json_set_cstr(r, "server", v->server);
    json_set_int(r, "questions", (int64_t)v->questions);
    return r;
}

struct verify_word {
    const struct json *result;
    bool good;
    int64_t restore_ms; /* -1: it was not loaded */
};

static enum rc
put_word(void *arg, struct json *obj, struct err *e)
{
    const struct verify_word *word = arg;
    struct json *status = json_need_object(obj, "status");

    (void)e;
    json_set(status, "lastResult", json_clone(word->result));
    if (word->good)
        json_set(status, "lastVerifiedTime", json_clone(json_field(word->result, "time")));
    if (word->good && word->restore_ms >= 0)
        json_set_int(status, "restoreSeconds", (word->restore_ms + SECOND_MS - 1) / SECOND_MS);
    return RC_OK;
}

static enum rc
verify_tell(struct verify_work *w, enum rc rc, const char *reason, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *result = verify_result(w, rc, reason);
    struct verify_word word = {result, rc == RC_OK, w->found.verdict.restore_ms};

    if (kube_modify(w->cx, w->k, &GVR_BACKUP_VERIFICATION, w->f->ns, w->f->verification, "status",
                    put_word, &word, NULL, e))
        return err_wrap(e, "could not write the status of BackupVerification %s/%s", w->f->ns,
                        w->f->verification);
    return RC_OK;
}

static void
verify_gauge(struct metrics *m, const struct verify_work *w, const char *name, const char *help,
             double value)
{
    const struct metrics_label labels[] = {
        {"namespace", w->f->ns}, {"backupverification", w->f->verification}, {NULL, NULL}};

    metrics_begin(m, name, "gauge", help);
    metrics_sample(m, labels, value);
}

/* A metric that cannot be pushed does not make a backup bad. */
static void
verify_push(const struct verify_work *w, enum rc rc)
{
    CLEANUP(mem_free_ptr)
    char *job = mem_printf("backupverification-%s-%s", w->f->ns, w->f->verification);
    const struct metrics_label group[] = {{"job", job}, {NULL, NULL}};
    struct metrics m = METRICS_INIT;
    struct err why = ERR_INIT;
    struct http *http = NULL;

    if (step_text(w->f->metrics_url, NULL) == NULL)
        return;
    verify_gauge(&m, w, "cstash_verification_success",
                 "1: the last verification found the backup good", rc == RC_OK ? 1 : 0);
    if (rc == RC_OK)
        verify_gauge(&m, w, "cstash_verification_last_success_time_seconds",
                     "When a backup was last found good", (double)clock_real_ms() / 1000);
    if (rc == RC_OK && w->found.verdict.restore_ms >= 0)
        verify_gauge(&m, w, "cstash_verification_restore_duration_seconds",
                     "How long the load of the last one took",
                     (double)w->found.verdict.restore_ms / 1000);
    if (http_new(NULL, &http, &why) ||
        metrics_push(w->cx, http, w->f->metrics_url, group, &m, &why))
        log_warn("the Pushgateway does not have the result: %s", why.msg);
    if (http != NULL)
        http_free(http);
    metrics_release(&m);
}

/* ---- what is asked for ---- */

static enum rc
verify_read(struct verify_work *w, struct err *e)
{
    const struct json *list;

    if (kube_get(w->cx, w->k, &GVR_BACKUP_VERIFICATION, w->f->ns, w->f->verification, &w->obj, e))
        return err_wrap(e, "could not read BackupVerification %s/%s", w->f->ns, w->f->verification);
    w->level = strcmp(json_text_or(json_dig(w->obj, "spec", "level"), "restore"), "data") == 0
                   ? VERDICT_DATA
                   : VERDICT_RESTORE;
    list = json_dig(w->obj, "spec", "questions");
    if (json_size(list) > QUESTIONS_MAX)
        return err_set(e, RC_LIMIT, "spec.questions has more than %d", QUESTIONS_MAX);
    for (size_t i = 0; i < json_size(list) && w->level == VERDICT_RESTORE; i++) {
        if (question_parse(json_text_or(json_elem(list, i), ""), &w->questions[i], e))
            return err_code(e);
        w->n_questions++;
    }
    return RC_OK;
}

/* ---- done ---- */

/* What `kubectl get snapshots` shows. It fails no verification. */
static void
verify_show(struct verify_work *w, struct repo *r)
{
    struct err why = ERR_INIT;
    struct snapshot *list = NULL;
    size_t n = 0;
    enum rc rc = snapshots_list(w->cx, r, &list, &n, &why);

    if (rc == RC_OK)
        rc = snapshot_objects_verdicts(w->cx, w->k, w->f->ns, w->f->repository, list, n, &why);
    if (rc != RC_OK)
        log_warn("the Snapshots of the Repository do not show the result: %s", why.msg);
    snapshots_free(list, n);
}

static enum rc
verify_in(void *arg, struct repo *r, struct err *e)
{
    struct verify_work *w = arg;
    const struct snapshot_filter filter = {.target = step_text(w->f->target_name, NULL),
                                           .only_part = true};
    const struct verification_opts o = {.level = w->level,
                                        .socket = step_text(w->f->server_socket, NULL),
                                        .questions = (const struct question *const *)w->questions,
                                        .n_questions = w->n_questions};
    struct err kept = ERR_INIT;
    enum rc rc;

    if (snapshot_find(w->cx, r, "latest", &filter, &w->snap, e))
        return err_code(e);
    rc = verification_run(w->cx, r, &w->snap, &o, &w->found, e);
    if (!verification_is_verdict(rc))
        return rc;
    if (verdict_save(w->cx, r, &w->snap, &w->found.verdict, &kept)) {
        if (rc == RC_OK)
            *e = kept;
        else
            log_warn("%s", kept.msg);
        return rc == RC_OK ? kept.code : rc;
    }
    verify_show(w, r);
    return rc;
}

static enum rc
verify_try(struct verify_work *w, struct err *e)
{
    const char *socket = step_text(w->f->server_socket, NULL);

    if (verify_read(w, e) || (socket != NULL && throwaway_await(w->cx, socket, e)))
        return err_code(e);
    return step_repo_do(w->cx, w->k, w->f, false, verify_in, w, e);
}

static enum rc
verify_run(struct verify_work *w, struct err *e)
{
    struct verdict *v = &w->found.verdict;
    char words[VERIFICATION_WORDS];
    struct err told = ERR_INIT;
    enum rc rc = verify_try(w, e);

    if (rc == RC_CANCELLED)
        return rc;
    if (rc == RC_OK)
        log_info("%s", verification_words(v, words));
    verify_push(w, rc);
    if (verify_tell(w, rc, rc != RC_OK ? e->msg : NULL, &told) == RC_OK)
        return rc;
    if (rc == RC_OK)
        *e = told;
    else
        log_warn("%s", told.msg);
    return rc == RC_OK ? told.code : rc;
}

enum rc
step_verify_backup(struct ctx *cx, const struct step_flags *f, struct err *e)
{
    struct verify_work w = {.cx = cx, .f = f};
    enum rc rc;

    if (step_need(f->verification, "verification", e) ||
        step_need(f->repository, "repository", e) || step_connect(f, &w.k, NULL, e))
        return err_code(e);
    rc = verify_run(&w, e);
    /* After the word: a server that ends badly is otherwise taken for the reason that there is none. */
    if (step_text(f->server_socket, NULL) != NULL)
        throwaway_shut_down(f->server_socket);
    snapshot_release(&w.snap);
    for (size_t i = 0; i < w.n_questions; i++)
        question_free(w.questions[i]);
    json_free(w.obj);
    kube_free(w.k);
    return rc;
}
