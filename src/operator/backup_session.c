/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BackupSession: from Pending to a final phase.
 *
 *     Pending --(turn comes)--> target entry --> Job --(update-status writes host results)-->
 *     post hook --> history --> metrics --> Succeeded | Failed
 *         \--(invoker not ready, or another one runs)--> Skipped
 *
 * What any session does with its Job is in session_machine.c; here is whose turn it is, and what
 * comes after. Source: Stash, with its dead ends closed: Jobs are watched, timeOut stops them.
 */
#include "api/duration.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/history.h"
#include "operator/phase.h"
#include "operator/record.h"
#include "operator/session_machine.h"

enum { TURN_MS = 5000, OLDER_MS = 1000 };

static const char *
phase_of(const struct json *session)
{
    return json_text_or(json_dig(session, "status", "phase"), "");
}

static bool
is_over(const struct json *session)
{
    return phase_is_final(phase_of(session));
}

/* Each target has an entry, in the order of the members, before it has results. */
static void
backup_session_list(struct session_ctx *s)
{
    for (size_t i = 0; i < s->inv.n; i++) {
        session_at(s, i);
        (void)session_place(s);
    }
    session_at(s, 0);
}

static void disrupt(struct json *target, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Nobody says any more what is to be done with a target; under which host it was saved is not known either. */
static void
disrupt(struct json *target, const char *fmt, ...)
{
    char text[480];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)condition_set(target, COND_BACKUP_DISRUPTED, COND_TRUE, text);
    session_fail(target, NULL, text);
}

/* What is no member any more, of a batch that was changed meanwhile, has failed; its Job would keep the others waiting. */
static enum rc
backup_session_drop(struct session_ctx *s, struct err *e)
{
    struct json *targets = json_field(s->status, "targets");

    for (size_t i = 0; i < json_size(targets); i++) {
        struct json *t = json_elem(targets, i);
        const struct json *ref = json_field(t, "ref");
        struct run run = {.inv = &s->inv, .session = s->now, .index = i};
        struct invoker found;

        if (phase_is_final(phase_target(t)) ||
            invoker_find(&s->inv, json_text_or(json_field(ref, "kind"), ""),
                         json_text_or(json_field(ref, "namespace"), ""),
                         json_text_or(json_field(ref, "name"), ""), &found))
            continue;
        if (session_remove_job(s, &run, e))
            return err_code(e);
        disrupt(t, "%s %s/%s has no member with this target any more.", s->inv.kind, s->inv.ns,
                s->inv.name);
    }
    return RC_OK;
}

static const char *
backup_session_settle(struct session_ctx *s)
{
    struct json *targets = json_field(s->status, "targets");

    for (size_t i = 0; i < json_size(targets); i++)
        json_set_cstr(json_elem(targets, i), "phase", phase_target(json_elem(targets, i)));
    return phase_session(s->status);
}

static bool
has_result(const struct json *place)
{
    return phase_is_final(phase_target(place));
}

/* ---- whose turn is it ---- */

static bool
is_older(const struct json *a, const struct json *b)
{
    int64_t at_a = kube_created_ms(a), at_b = kube_created_ms(b);

    if (at_a != at_b)
        return at_a < at_b;
    return strcmp(kube_name(a), kube_name(b)) != 0 ? strcmp(kube_name(a), kube_name(b)) < 0
                                                   : strcmp(kube_ns(a), kube_ns(b)) < 0;
}

enum { OTHER_TEXT = 400 };

/* The first session of an invoker, but ours, that runs (or, of those waiting, is older). */
static const char *
other_session(struct session_ctx *s, const char *ns, const char *kind, const char *name,
              bool running, char *found, size_t n)
{
    char *key = key3(ns, kind, name);
    struct json *list = cache_by(s->op->backupsession.cache, BY_INVOKER, key);

    found[0] = '\0';
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *one = json_elem(list, i);

        if (is_over(one) || kube_is_deleting(one) ||
            (strcmp(kube_name(one), kube_name(s->now)) == 0 &&
             strcmp(kube_ns(one), kube_ns(s->now)) == 0))
            continue;
        if (strcmp(phase_of(one), "Running") == 0 ? running : !running && is_older(one, s->now)) {
            (void)snprintf(found, n, "%s", kube_name(one));
            break;
        }
    }
    json_free(list);
    mem_free(key);
    return found[0] != '\0' ? found : NULL;
}

/* Does one of these invokers' sessions go first? `other` says which. */
static bool
one_goes_first(struct session_ctx *s, const struct json *invokers, char other[static OTHER_TEXT])
{
    for (size_t i = 0; i < json_size(invokers); i++) {
        const struct json *c = json_elem(invokers, i);
        const char *kind = json_text_or(json_field(c, "kind"), "");
        char found[256];

        if (strcmp(kind, s->inv.kind) == 0 && strcmp(kube_name(c), s->inv.name) == 0 &&
            strcmp(kube_ns(c), s->inv.ns) == 0)
            continue;
        if (other_session(s, kube_ns(c), kind, kube_name(c), true, found, sizeof(found)) == NULL &&
            other_session(s, kube_ns(c), kind, kube_name(c), false, found, sizeof(found)) == NULL)
            continue;
        /* What runs in other namespaces is not for everybody to read. */
        if (strcmp(kube_ns(c), s->inv.ns) == 0)
            (void)snprintf(other, OTHER_TEXT, "BackupSession %s", found);
        else
            (void)snprintf(other, OTHER_TEXT, "%s", "a BackupSession of another namespace");
        return true;
    }
    return false;
}

/* Another invoker's session on one of our targets that goes first? */
static bool
target_is_busy(struct session_ctx *s, char other[static OTHER_TEXT])
{
    struct cache *const caches[] = {s->op->backupconfiguration.cache, s->op->backupbatch.cache};

    for (size_t i = 0; i < s->inv.n; i++) {
        struct invoker m;
        CLEANUP(mem_free_ptr) char *key = NULL;

        invoker_member(&s->inv, i, &m);
        key = key3(m.target_ns, m.target_kind, m.target_name);
        for (size_t c = 0; c < ARRAY_LEN(caches); c++) {
            CLEANUP(json_free_ptr) struct json *list = cache_by(caches[c], BY_TARGET, key);

            if (one_goes_first(s, list, other))
                return true;
        }
    }
    return false;
}

static enum rc backup_session_skip(struct session_ctx *s, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static enum rc
backup_session_skip(struct session_ctx *s, struct err *e, const char *fmt, ...)
{
    char text[480];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)condition_set(s->status, COND_BACKUP_SKIPPED, COND_TRUE, text);
    session_event(s, "Warning", "BackupSkipped", "%s", text);
    if (session_save(s, e))
        return err_code(e);
    log_warn("BackupSession Skipped: %s", text);
    return history_clean(s->cx, s->op, &s->inv, s->now, e);
}

/* The kind of what makes BackupSessions; NULL: that one makes none. */
static struct watched *
backup_invokers(struct operator* op, const char *kind)
{
    return strcmp(kind, GVR_BACKUP_CONFIGURATION.kind) == 0 ? &op->backupconfiguration
           : strcmp(kind, GVR_BACKUP_BATCH.kind) == 0       ? &op->backupbatch
                                                            : NULL;
}

/* ---- the end ---- */

/*
 * Kept in the invoker, where no clean-up of the history reaches it: that it begins, before it does, and how it ended, before it is over.
 * `phase` NULL: it begins.
 */
static enum rc
backup_session_note(struct session_ctx *s, const char *phase, struct err *e)
{
    const struct json *config = s->inv.obj;
    CLEANUP(json_free_ptr) struct json *now = json_clone(config);
    struct json *status = json_need_object(now, "status");
    struct cache *cache = backup_invokers(s->op, s->inv.kind)->cache;

    if (phase == NULL)
        record_begin(status, s->now);
    else
        record_end(status, s->now, phase, clock_real_ms());
    return write_status(s->cx, s->op, cache, cache_kind(cache), config, now, e);
}

static void
backup_session_tidy(struct session_ctx *s)
{
    struct err why = ERR_INIT;

    if (condition_is_there(s->status, COND_HISTORY_CLEANED))
        return;
    (void)condition_report(s->status, COND_HISTORY_CLEANED,
                           history_clean(s->cx, s->op, &s->inv, s->now, &why), &why);
}

/* ---- on the way ---- */

static void
backup_session_prepare(struct json *target)
{
    static const char *const post[] = {"ApplyRetentionPolicy", "VerifyRepositoryIntegrity",
                                       "SendRepositoryMetrics"};
    struct json *list;

    json_set_int(target, "totalHosts", 1);
    json_set(target, "preBackupActions", json_new_array());
    json_push_cstr(json_field(target, "preBackupActions"), "InitializeBackendRepository");
    json_set(target, "postBackupActions", list = json_new_array());
    for (size_t i = 0; i < ARRAY_LEN(post); i++)
        json_push_cstr(list, post[i]);
}

static char *
ensured_words(const struct session_ctx *s)
{
    (void)s;
    return mem_strdup("Successfully ensured backup executor.");
}

static struct watched *backup_session_own(struct operator* op)
{
    return &op->backupsession;
}

static const struct session_kind backup_session = {
    .crd = &kind_backupsession,
    .verb = "backup",
    .executor = COND_BACKUP_EXECUTOR,
    .disrupted = COND_BACKUP_DISRUPTED,
    .waiting = "BackupWaiting",
    .finished = "BackupSessionFinished",
    .pre_hook = "preBackup",
    .post_hook = "postBackup",
    .pre_hook_done = COND_PRE_BACKUP_HOOK,
    .post_hook_done = COND_POST_BACKUP_HOOK,
    .whole_pre_done = COND_GLOBAL_PRE_BACKUP_HOOK,
    .whole_post_done = COND_GLOBAL_POST_BACKUP_HOOK,
    .own = backup_session_own,
    .has_result = has_result,
    .settle = backup_session_settle,
    .prepare = backup_session_prepare,
    .ensured_words = ensured_words,
    .tidy = backup_session_tidy,
    .ended = backup_session_note,
};

/* Does the status of a configuration say something of its spec as it is now? */
static bool
is_judged(const struct json *config)
{
    return json_int_or(json_dig(config, "status", "observedGeneration"), 0) ==
           kube_generation(config);
}

/* Not yet its turn: for whom it waits is told. */
static enum rc
backup_session_wait(struct session_ctx *s, const char *other, int64_t again_ms, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *text = mem_printf("Waiting for %s, which backs up the same target.", other);

    backup_session_list(s);
    s->out->requeue_after_ms = again_ms;
    session_tell(s, "Normal", COND_WAITING_FOR_TURN, COND_TRUE, text);
    return session_save(s, e);
}

static enum rc
backup_session_start(struct session_ctx *s, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;
    struct err why = ERR_INIT;
    char other[256], first[OTHER_TEXT];
    const char *ready = json_text_or(json_dig(s->inv.obj, "status", "phase"), "");

    if (object_check(&kind_backupsession, s->now, &why))
        return backup_session_skip(s, e, "Skipped taking backup. Reason: %s", why.msg);
    if (strcmp(ready, "Ready") != 0 && !is_judged(s->inv.obj)) { /* both were just applied */
        s->out->requeue_after_ms = OLDER_MS;
        return RC_OK;
    }
    if (strcmp(ready, "Ready") != 0)
        return backup_session_skip(s, e, "Skipped taking backup. Reason: %s %s/%s is not ready.",
                                   s->inv.kind, s->inv.ns, s->inv.name);
    if (other_session(s, s->inv.ns, s->inv.kind, s->inv.name, true, other, sizeof(other)))
        return backup_session_skip(
            s, e, "Skipped taking new backup. Reason: Previous BackupSession: %s is \"Running\".",
            other);
    if (other_session(s, s->inv.ns, s->inv.kind, s->inv.name, false, other, sizeof(other))) {
        (void)snprintf(first, sizeof(first), "BackupSession %s", other);
        return backup_session_wait(s, first, OLDER_MS, e);
    }
    if (target_is_busy(s, first))
        return backup_session_wait(s, first, TURN_MS, e);
    session_wait_is_over(s);
    repo = cache_get(s->op->repository.cache, s->inv.repo_ns, s->inv.repo_name);
    if (repo == NULL)
        return backup_session_skip(
            s, e, "Skipped taking backup. Reason: Repository %s/%s does not exist.", s->inv.repo_ns,
            s->inv.repo_name);
    if (backup_session_note(s, NULL, e))
        return err_code(e);
    backup_session_list(s);
    return session_go_on(s, repo, e);
}

/* A failed one may be tried again, by a session of its own. */
static enum rc
backup_session_retry(struct session_ctx *s, struct err *e)
{
    int64_t left = json_int_or(json_dig(s->now, "spec", "retryLeft"), 0), delay = 0, at,
            now = clock_real_ms();
    const struct json *config = json_field(s->inv.spec, "retryConfig");
    CLEANUP(json_free_ptr) struct json *there = NULL;
    struct json *again;
    char text[API_TIME_TEXT];
    enum rc rc;

    if (strcmp(phase_of(s->now), "Failed") != 0 || left <= 0 || config == NULL ||
        json_is_true(json_field(s->status, "retried")))
        return RC_OK;
    if (json_field(config, "delay") != NULL &&
        duration_parse(json_text_str(json_field(config, "delay")), &delay, e))
        return err_code(e);
    at = kube_time_ms(json_field(s->status, "nextRetry"));
    if (at == 0) {
        at = now + delay;
        json_set_cstr(s->status, "nextRetry", api_time(at, text));
        if (session_save(s, e))
            return err_code(e);
    }
    if (now < at) {
        s->out->requeue_after_ms = at - now;
        return RC_OK;
    }
    /* Named by when it is due: a second try of this write finds what the first one made. */
    again = invoker_new_session(&s->inv, at / 1000, left - 1);
    rc = kube_create(s->cx, s->op->k, &GVR_BACKUP_SESSION, s->inv.ns, again, NULL, NULL, e);
    if (rc == RC_EXISTS && kube_get(s->cx, s->op->k, &GVR_BACKUP_SESSION, s->inv.ns,
                                    kube_name(again), &there, e) == RC_OK) {
        rc = RC_OK;
        if (json_int_or(json_dig(there, "spec", "retryLeft"), 0) != left - 1) {
            json_free(again);
            json_set_cstr(s->status, "nextRetry", api_time(at + 1000, text)); /* the schedule's */
            return session_save(s, e);
        }
    }
    json_free(again);
    if (rc != RC_OK)
        return err_wrap(e, "could not create the session that tries again");
    json_set_bool(s->status, "retried", true);
    return session_save(s, e);
}

static enum rc
backup_session_step(struct session_ctx *s, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *repo = NULL;

    if (is_over(s->now))
        return backup_session_retry(s, e);
    /* Once it has begun there are no more questions about the turn. */
    if (!session_has_begun(s))
        return backup_session_start(s, e);
    if (backup_session_drop(s, e))
        return err_code(e);
    repo = cache_get(s->op->repository.cache, s->inv.repo_ns, s->inv.repo_name);
    return session_go_on(s, repo, e);
}

/* The BackupConfiguration or BackupBatch of a session, or NULL. */
static struct json *
invoker_of(struct operator* op, const struct json *session)
{
    const struct json *by = json_dig(session, "spec", "invoker");
    const struct watched *kind = backup_invokers(op, json_text_or(json_field(by, "kind"), ""));

    return kind == NULL
               ? NULL
               : cache_get(kind->cache, kube_ns(session), json_text_or(json_field(by, "name"), ""));
}

/* Nobody says any more what is to be done. Jobs that run save what they save. */
static enum rc
backup_session_bereft(struct session_ctx *s, const char *kind, const char *name, struct err *e)
{
    struct json *targets = json_field(s->status, "targets");

    for (size_t i = 0; i < json_size(targets); i++)
        if (!phase_is_final(phase_target(json_elem(targets, i))))
            disrupt(json_elem(targets, i), "%s %s/%s was deleted meanwhile.", kind, kube_ns(s->now),
                    name);
    (void)condition_setf(s->status, COND_METRICS_PUSHED, COND_FALSE,
                         "Nothing was pushed for what is not there any more.");
    return session_save(s, e);
}

static enum rc
backup_session_orphan(struct session_ctx *s, struct err *e)
{
    const struct json *by = json_dig(s->now, "spec", "invoker");
    const char *kind = json_text_or(json_field(by, "kind"), "invoker");
    char text[300];

    if (is_over(s->now))
        return RC_OK;
    if (session_has_begun(s))
        return backup_session_bereft(s, kind, json_text_or(json_field(by, "name"), ""), e);
    if (backup_invokers(s->op, kind) != NULL)
        (void)snprintf(text, sizeof(text),
                       "Skipped taking backup. Reason: %s %s/%s does not exist.", kind,
                       kube_ns(s->now), json_text_or(json_field(by, "name"), ""));
    else
        (void)snprintf(text, sizeof(text),
                       "Skipped taking backup. Reason: a %.60s makes no backups.", kind);
    session_tell(s, "Warning", COND_BACKUP_SKIPPED, COND_TRUE, text);
    return session_save(s, e);
}

static enum rc
backup_session_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                         struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    struct json *obj = cache_get(op->backupsession.cache, ns, name), *config;
    struct session_ctx s;
    enum rc rc;

    if (obj == NULL || kube_is_deleting(obj)) {
        json_free(obj);
        return RC_OK;
    }
    config = invoker_of(op, obj);
    session_init(&s, &backup_session, cx, op, obj, out);
    if (config != NULL)
        invoker_view(config, &s.inv);
    rc = config != NULL ? backup_session_step(&s, e) : backup_session_orphan(&s, e);
    session_release(&s);
    json_free(config);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static void
index_invoker(const struct json *obj, cache_emit_fn *emit, void *to)
{
    const struct json *by = json_dig(obj, "spec", "invoker");
    char *key =
        key3(json_text_or(json_dig(obj, "metadata", "namespace"), ""),
             json_text_or(json_field(by, "kind"), ""), json_text_or(json_field(by, "name"), ""));

    emit(to, key);
    mem_free(key);
}

/* The sessions of an invoker: they wait for it, or for one another. */
static void
map_config_to_sessions(void *arg, const struct json *config, struct workq *q)
{
    struct operator* op =(struct operator*) arg;
    char *key =
        key3(kube_ns(config), json_text_or(json_field(config, "kind"), ""), kube_name(config));
    struct json *list = cache_by(op->backupsession.cache, BY_INVOKER, key);

    for (size_t i = 0; i < json_size(list); i++)
        workq_add_object(q, kube_ns(json_elem(list, i)), kube_name(json_elem(list, i)));
    json_free(list);
    mem_free(key);
}

static void
backup_session_wire(struct operator* op, struct watched *own)
{
    cache_add_index(own->cache, BY_INVOKER, index_invoker);
    controller_watch(own->ctl, op->backupconfiguration.cache, map_config_to_sessions, op);
    controller_watch(own->ctl, op->backupbatch.cache, map_config_to_sessions, op);
    session_wire(op, own);
}

const struct watched_ops watched_backupsession = {.reconcile = backup_session_reconcile,
                                                  .component = "BackupSession Controller",
                                                  .wire = backup_session_wire};
