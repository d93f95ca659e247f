/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BackupVerification: a CronJob whose Jobs prove the latest backup (job/step_verify.c), and what came of the last one.
 *
 * Place    everything lies in the Repository's namespace, which is the object's own: its Jobs get what theirs get.
 * Server   of level restore: the second container of the Job's own Pod, reached by a socket in a folder in memory; on one machine, where
 *          no other images run, the Job starts it itself.
 * Word     the Job writes status.lastResult. One that died before that is told in its place.
 */
#include "api/duration.h"
#include "api/names.h"
#include "api/notes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "operator/operator_internal.h"
#include "operator/podspec.h"
#include "operator/record.h"
#include "operator/slots.h"

#define COMPONENT "stash-verification"
#define NOTE_VERIFICATION NOTE_PREFIX "verification"
#define SERVER_FOLDER "/cstash-verify"
#define SERVER_SOCKET SERVER_FOLDER "/redis.sock"
#define SERVER_VOLUME "cstash-verify"

enum {
    SERVER_USER = 65532,
    SECOND_MS = 1000,
    MIB = 1024 * 1024,
    SERVER_OWN_MIB = 64,
    TEXT_MAX = 900
};

/* One reconcile. */
struct verification_work {
    struct ctx *cx;
    struct operator* op;
    const struct json *obj, *spec;
    struct json *now, *status;
    struct json *config; /* the BackupConfiguration, or NULL: none is named, or it is not there */
    struct json *repo;
    struct json *server; /* its image and command; NULL: nobody says */
    char *target;     /* whose snapshots, as they name it; NULL: the Repository has those of one */
    int64_t need_mib; /* memory for the server */
    struct ctl_result *out;
};

static bool
is_restore(const struct verification_work *w)
{
    return strcmp(json_text_or(json_field(w->spec, "level"), "restore"), "restore") == 0;
}

static void
verification_tell(struct verification_work *w, enum condition_id id, enum condition_state state,
                  const char *text)
{
    struct teller to = {w->cx, w->op->backupverification.events, w->obj,
                        state == COND_TRUE ? "Normal" : "Warning"};

    condition_tell(&to, w->status, id, state, text);
}

/* ---- can it be done ---- */

static enum rc
verification_check(const struct verification_work *w, struct err *e)
{
    const struct invoker schedule = {.spec = w->spec};
    const char *limit = json_text(json_field(w->spec, "timeOut"));
    int64_t ms = 1;

    if (invoker_check_schedule(&schedule, clock_real_ms(), e))
        return err_code(e);
    if (limit != NULL && duration_parse(str_c(limit), &ms, e))
        return err_wrap(e, "spec.timeOut");
    if (ms <= 0)
        return err_set(e, RC_INVALID, "spec.timeOut is not longer than 0");
    if (json_int_or(json_field(w->spec, "historyLimit"), 1) < 0)
        return err_set(e, RC_INVALID, "spec.historyLimit is less than 0");
    if ((json_field(w->spec, "repository") != NULL) ==
        (json_field(w->spec, "configuration") != NULL))
        return err_set(e, RC_INVALID, "name either spec.repository or spec.configuration");
    return RC_OK;
}

/* Which Repository, and whose backups in it; `*ok` false: told why not. */
static void
verification_find(struct verification_work *w, bool *ok)
{
    const char *ns = kube_ns(w->obj),
               *config = json_text(json_dig(w->spec, "configuration", "name")),
               *repo = json_text(json_dig(w->spec, "repository", "name")),
               *target = json_text(json_field(w->spec, "target"));
    CLEANUP(mem_free_ptr) char *why = NULL;
    struct invoker inv;

    if (config != NULL) {
        w->config = cache_get(w->op->backupconfiguration.cache, ns, config);
        if (w->config == NULL)
            why = mem_printf("BackupConfiguration %s/%s does not exist.", ns, config);
    }
    if (w->config != NULL) {
        invoker_view(w->config, &inv);
        repo = inv.repo_name;
        w->target = mem_printf("%s/%s/%s", inv.target_ns, inv.target_kind, inv.target_name);
        if (strcmp(inv.repo_ns, ns) != 0)
            why = mem_printf("Repository %s is in namespace %s: make the BackupVerification there, "
                             "with spec.repository and spec.target.",
                             inv.repo_name, inv.repo_ns);
    } else if (target != NULL) {
        w->target = mem_strdup(target);
    }
    if (why == NULL)
        w->repo = cache_get(w->op->repository.cache, ns, repo != NULL ? repo : "");
    if (why == NULL && w->repo == NULL)
        why = mem_printf("Repository %s/%s does not exist.", ns, repo != NULL ? repo : "");
    *ok = why == NULL;
    if (why != NULL)
        verification_tell(w, COND_REPOSITORY_FOUND, COND_FALSE, why);
    else
        (void)condition_setf(w->status, COND_REPOSITORY_FOUND, COND_TRUE, "Repository %s/%s exist.",
                             ns, kube_name(w->repo));
}

/* As somebody says; or as the Redis that is backed up runs. */
static void
verification_find_server(struct verification_work *w)
{
    const struct json *given = json_field(w->spec, "server");
    struct invoker inv;

    if (json_text_or(json_field(given, "image"), "")[0] != '\0') {
        w->server = json_clone(given);
        return;
    }
    if (w->config == NULL)
        return;
    invoker_view(w->config, &inv);
    if (strcmp(inv.target_ns, kube_ns(w->obj)) == 0 &&
        strcmp(inv.target_kind, GVR_APP_BINDING.kind) == 0) {
        CLEANUP(json_free_ptr)
        struct json *app = cache_get(w->op->appbinding.cache, inv.target_ns, inv.target_name);

        w->server = app != NULL ? server_image_of(w->cx, w->op, app) : NULL;
    }
    if (w->server != NULL && json_field(given, "command") != NULL)
        json_set(w->server, "command", json_clone(json_field(given, "command")));
}

/* In a cluster somebody has to say which server. */
static bool
verification_server_named(struct verification_work *w)
{
    if (!is_restore(w) || w->op->opts->processes) {
        condition_remove(w->status, COND_SERVER_NAMED);
        return true;
    }
    verification_find_server(w);
    if (w->server != NULL) {
        (void)condition_setf(w->status, COND_SERVER_NAMED, COND_TRUE, "Image %s.",
                             json_text_or(json_field(w->server, "image"), ""));
        return true;
    }
    verification_tell(
        w, COND_SERVER_NAMED, COND_FALSE,
        "spec.server.image is missing, and no Pod behind the Service of the target shows "
        "one: level restore needs the image of a Redis or Valkey, of the version that "
        "is backed up or newer.");
    return false;
}

/* ---- its Pod ---- */

/* What the newest Snapshots say that the data took, and some for the server itself. */
static int64_t
memory_need(const struct verification_work *w)
{
    CLEANUP(mem_free_ptr) char *key = key2(kube_ns(w->repo), kube_name(w->repo));
    CLEANUP(json_free_ptr) struct json *list = cache_by(w->op->snapshot.cache, BY_REPOSITORY, key);
    int64_t most = 0;

    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *s = json_field(json_elem(list, i), "status");

        if (w->target == NULL || strcmp(json_text_or(json_field(s, "target"), ""), w->target) == 0)
            most = MAX(most, json_int_or(json_field(s, "memory"), 0));
    }
    /* In steps, so that a CronJob is not written anew with each backup. */
    return (most / MIB / SERVER_OWN_MIB + 2) * SERVER_OWN_MIB;
}

static void
server_resources(const struct verification_work *w, struct json *c)
{
    const struct json *given = json_dig(w->spec, "server", "resources");
    struct json *requests;
    char text[32];

    if (given != NULL)
        json_set(c, "resources", json_clone(given));
    requests = json_need_object(json_need_object(c, "resources"), "requests");
    (void)snprintf(text, sizeof(text), "%lldMi", (long long)w->need_mib);
    if (json_field(requests, "memory") == NULL && json_dig(given, "limits", "memory") == NULL)
        json_set_cstr(requests, "memory", text);
}

static void
server_mount(struct json *c)
{
    struct json *m = json_new_object();

    json_set_cstr(m, "name", SERVER_VOLUME);
    json_set_cstr(m, "mountPath", SERVER_FOLDER);
    json_push(json_need_array(c, "volumeMounts"), m);
}

static struct json *
server_container(const struct verification_work *w)
{
    static const char *const args[] = {"--port",           "0",   "--unixsocket", SERVER_SOCKET,
                                       "--unixsocketperm", "777", "--dir",        SERVER_FOLDER,
                                       "--save",           "",    "--appendonly", "no",
                                       "--databases",      "256"};
    const struct json *server = json_field(w->spec, "server");
    struct json *c = json_new_object();

    json_set_cstr(c, "name", "server");
    json_set_cstr(c, "image", json_text(json_field(w->server, "image")));
    json_set_cstr(c, "imagePullPolicy", "IfNotPresent");
    if (json_field(w->server, "command") != NULL)
        json_set(c, "command", json_clone(json_field(w->server, "command")));
    for (size_t i = 0; i < ARRAY_LEN(args); i++)
        json_push_cstr(json_need_array(c, "args"), args[i]);
    server_resources(w, c);
    server_mount(c);
    if (json_field(server, "securityContext") != NULL)
        json_set(c, "securityContext", json_clone(json_field(server, "securityContext")));
    else /* the usual images begin as root, and take any other user as well */
        json_set_int(json_need_object(c, "securityContext"), "runAsUser", SERVER_USER);
    podspec_secure(c, NULL);
    return c;
}

static void
verification_beside(void *arg, struct json *pod, const struct json *runtime)
{
    const struct verification_work *w = arg;
    struct json *containers = json_need_array(pod, "containers"), *own = json_elem(containers, 0),
                *volume = json_new_object(), *empty = json_need_object(volume, "emptyDir");

    (void)runtime;
    json_set_cstr(volume, "name", SERVER_VOLUME);
    json_set_cstr(empty, "medium", "Memory");
    json_set_cstr(empty, "sizeLimit", "16Mi");
    json_push(json_need_array(pod, "volumes"), volume);
    json_push_cstr(json_need_array(own, "args"), "--server-socket=" SERVER_SOCKET);
    server_mount(own);
    json_push(containers, server_container(w));
}

/* Who speaks for the Pod: its name goes into the result. */
static void
verification_pod(void *arg, struct json *pod, const struct json *runtime)
{
    const struct verification_work *w = arg;
    struct json *own = json_elem(json_need_array(pod, "containers"), 0), *v = json_new_object();

    json_set_cstr(v, "name", "POD_NAME");
    json_set_cstr(json_need_object(json_need_object(v, "valueFrom"), "fieldRef"), "fieldPath",
                  "metadata.name");
    json_push(json_need_array(own, "env"), v);
    if (is_restore(w) && !w->op->opts->processes)
        verification_beside(arg, pod, runtime);
}

static enum rc
verification_ensure(struct verification_work *w, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *name = name_of(NAME_MAX_CRONJOB, "stash-verify", kube_name(w->obj), NULL);
    const char *limit = json_text(json_field(w->spec, "timeOut"));
    const char *const args[] = {"verification",
                                kube_name(w->obj),
                                "repository",
                                kube_name(w->repo),
                                "target-name",
                                w->target != NULL ? w->target : "",
                                "metrics-pushgateway-url",
                                w->op->opts->pushgateway_url != NULL ? w->op->opts->pushgateway_url
                                                                     : "",
                                NULL};
    const struct repository_cron c = {.schedule = json_text_or(json_field(w->spec, "schedule"), ""),
                                      .note = NOTE_VERIFICATION,
                                      .paused = json_is_true(json_field(w->spec, "paused")),
                                      .history =
                                          json_int_or(json_field(w->spec, "historyLimit"), 1)};
    struct repository_job j = {.step = "verify-backup",
                               .component = COMPONENT,
                               .name = name,
                               .cluster_role = "stash-verification-job",
                               .repo = w->repo,
                               .owner = w->obj,
                               .args = args,
                               .beside = verification_pod,
                               .arg = w};
    int64_t ms;

    if (limit != NULL && duration_parse(str_c(limit), &ms, e))
        return err_code(e);
    if (limit != NULL)
        j.deadline_s = MAX(ms / SECOND_MS, (int64_t)1);
    w->need_mib = memory_need(w);
    return repository_cron_ensure(w->cx, w->op, &j, &c, e);
}

static void
verification_cron(struct verification_work *w)
{
    struct err e = ERR_INIT;

    if (verification_ensure(w, &e) == RC_OK) {
        (void)condition_set(w->status, COND_CRONJOB_CREATED, COND_TRUE,
                            "The CronJob that verifies is there.");
        return;
    }
    if (e.code == RC_CANCELLED)
        return;
    w->out->requeue_after_ms = OPERATOR_RETRY_MS;
    verification_tell(w, COND_CRONJOB_CREATED, COND_FALSE, e.msg);
}

/* ---- what came of it ---- */

struct newest_job {
    const char *of;
    char *name; /* of the newest */
    int64_t created;
};

static void
look_job(void *arg, const struct json *job)
{
    struct newest_job *n = arg;

    if (strcmp(json_text_or(json_dig(job, "metadata", "annotations", NOTE_VERIFICATION), ""),
               n->of) != 0 ||
        (n->name != NULL && kube_created_ms(job) < n->created))
        return;
    mem_free(n->name);
    n->name = mem_strdup(kube_name(job));
    n->created = kube_created_ms(job);
}

/* Is the last word that of a Pod of this Job, or that it had none? */
static bool
is_word_of(const struct json *obj, const char *job)
{
    const struct json *last = json_dig(obj, "status", "lastResult");
    const char *pod = json_text_or(json_field(last, "pod"), "");
    size_t n = strlen(job);

    return (strncmp(pod, job, n) == 0 && pod[n] == '-') ||
           strcmp(json_text_or(json_field(last, "job"), ""), job) == 0;
}

/* What a Job that ended without a word comes to: else the result before it would stand there as its. */
static void
tell_of_no_word(struct json *status, const char *job, const char *why)
{
    const struct json *last = json_field(status, "lastResult");
    struct json *r;
    char text[TEXT_MAX], when[API_TIME_TEXT];

    (void)snprintf(text, sizeof(text), "The last Job ended without a result: %s", why);
    /* An older CRD drops `job`: the same again would be another time, and so on for ever. */
    if (strcmp(json_text_or(json_field(last, "reason"), ""), text) == 0)
        return;
    r = json_new_object();
    json_set_cstr(r, "time", api_time(clock_real_ms(), when));
    json_set_cstr(r, "outcome", "NotVerifiable");
    json_set_cstr(r, "reason", text);
    json_set_cstr(r, "job", job);
    json_set(status, "lastResult", r);
}

/* The status has the word on the last Job. It may have written since the cache was told, so the server is asked before it is taken for dead. */
static enum rc
verification_last_word(struct verification_work *w, struct err *e)
{
    struct newest_job n = {.of = kube_name(w->obj)};
    CLEANUP(mem_free_ptr) char *name = NULL;
    CLEANUP(json_free_ptr) struct json *now = NULL;
    enum outcome o = OUTCOME_GOING;
    char why[WHY_TEXT];

    cache_each(w->op->jobs, kube_ns(w->obj), look_job, &n);
    name = n.name;
    if (name == NULL || is_word_of(w->obj, name))
        return RC_OK;
    if (job_outcome(w->cx, w->op, kube_ns(w->obj), name, &o, why, e))
        return err_code(e);
    if (o != OUTCOME_DEAD)
        return RC_OK;
    if (kube_get(w->cx, w->op->k, &GVR_BACKUP_VERIFICATION, kube_ns(w->obj), kube_name(w->obj),
                 &now, e))
        return err_code(e);
    if (is_word_of(now, name))
        json_set(w->status, "lastResult", json_clone(json_dig(now, "status", "lastResult")));
    else
        tell_of_no_word(w->status, name, why);
    return RC_OK;
}

static void
verification_words(const struct verification_work *w, char to[static TEXT_MAX])
{
    const struct json *r = json_field(w->status, "lastResult");
    const char *took = json_text(json_field(r, "restoreDuration")),
               *reason = json_text(json_field(r, "reason"));

    (void)snprintf(to, TEXT_MAX, "%s: ", json_text_or(json_field(r, "time"), "?"));
    if (reason != NULL)
        (void)snprintf(to + strlen(to), TEXT_MAX - strlen(to), "%.700s.", reason);
    else if (took != NULL)
        (void)snprintf(
            to + strlen(to), TEXT_MAX - strlen(to),
            "Snapshot %.8s was restored into %.60s in %.20s, and holds what its manifest says.",
            json_text_or(json_field(r, "snapshot"), "?"),
            json_text_or(json_field(r, "server"), "?"), took);
    else
        (void)snprintf(to + strlen(to), TEXT_MAX - strlen(to),
                       "Snapshot %.8s was read back, and holds what its manifest says.",
                       json_text_or(json_field(r, "snapshot"), "?"));
}

/* The condition goes to the BackupConfiguration as well, and what was measured. */
static enum rc
verification_mirror(struct verification_work *w, enum condition_id id, enum condition_state state,
                    const char *text, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *now = NULL;
    enum rc rc;

    if (w->config == NULL || kube_is_deleting(w->config))
        return RC_OK;
    now = json_clone(w->config);
    (void)condition_set(json_need_object(now, "status"), id, state, text);
    record_verified(json_field(now, "status"), w->status);
    rc = write_status(w->cx, w->op, w->op->backupconfiguration.cache, &GVR_BACKUP_CONFIGURATION,
                      w->config, now, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc
verification_judge(struct verification_work *w, struct err *e)
{
    enum condition_id id = COND_VERIFIED;
    enum condition_state state = COND_FALSE;
    const char *outcome;
    char text[TEXT_MAX];

    if (verification_last_word(w, e))
        return err_code(e);
    outcome = json_text(json_dig(w->status, "lastResult", "outcome"));
    if (outcome == NULL)
        return RC_OK;
    verification_words(w, text);
    if (strcmp(outcome, "NotVerifiable") == 0 || strcmp(outcome, "Error") == 0)
        id = COND_NOT_VERIFIABLE;
    else if (strcmp(outcome, "Verified") == 0)
        state = COND_TRUE;
    verification_tell(w, id, state, text);
    return verification_mirror(w, id, state, text, e);
}

/* ---- one look ---- */

static enum rc
verification_step(struct verification_work *w, struct err *e)
{
    struct err why = ERR_INIT;
    bool ok = false;

    slots_note(w->now, w->status, clock_real_ms());
    json_set_int(w->status, "observedGeneration", kube_generation(w->now));
    if (object_is_bad(w->cx, w->op->backupverification.events, &kind_backupverification, w->obj,
                      w->status))
        return RC_OK;
    if (verification_check(w, &why)) {
        verification_tell(w, COND_VALIDATION_PASSED, COND_FALSE, why.msg);
        return RC_OK;
    }
    (void)condition_set(w->status, COND_VALIDATION_PASSED, COND_TRUE, NULL);
    verification_find(w, &ok);
    if (ok && verification_server_named(w))
        verification_cron(w);
    else if (!ok)
        w->out->requeue_after_ms = OPERATOR_RETRY_MS;
    return verification_judge(w, e);
}

static enum rc
verification_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                       struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *obj = cache_get(op->backupverification.cache, ns, name);
    struct verification_work w = {.cx = cx, .op = op, .obj = obj, .out = out};
    enum rc rc;

    if (obj == NULL || kube_is_deleting(obj)) /* what it made goes with it */
        return RC_OK;
    w.now = json_clone(obj);
    w.spec = json_field(obj, "spec");
    w.status = json_need_object(w.now, "status");
    rc = verification_step(&w, e);
    if (rc == RC_OK)
        rc = write_status(cx, op, op->backupverification.cache, &GVR_BACKUP_VERIFICATION, obj,
                          w.now, e);
    json_free(w.now);
    json_free(w.config);
    json_free(w.repo);
    json_free(w.server);
    mem_free(w.target);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* ---- whom it concerns ---- */

static void
map_job(void *arg, const struct json *job, struct workq *q)
{
    const char *of = json_text(json_dig(job, "metadata", "annotations", NOTE_VERIFICATION));
    CLEANUP(mem_free_ptr) char *key = NULL;

    (void)arg;
    if (of == NULL)
        return;
    key = key2(kube_ns(job), of);
    workq_add(q, key);
}

/* The Repository or the BackupConfiguration that it names. */
static void
index_named(const struct json *obj, cache_emit_fn *emit, void *to)
{
    static const struct {
        const char *field;
        const struct kube_gvr *kind;
    } named[] = {{"repository", &GVR_REPOSITORY}, {"configuration", &GVR_BACKUP_CONFIGURATION}};

    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        const char *name = json_text(json_dig(obj, "spec", named[i].field, "name"));
        CLEANUP(mem_free_ptr) char *key = NULL;

        if (name == NULL)
            continue;
        key = key3(kube_ns(obj), named[i].kind->kind, name);
        emit(to, key);
    }
}

/* What it names was changed, came or went. */
static void
named_changed(const struct watched *own, const struct kube_gvr *kind, const struct json *old,
              const struct json *now)
{
    const struct json *one = now != NULL ? now : old;
    CLEANUP(mem_free_ptr) char *key = NULL;
    CLEANUP(json_free_ptr) struct json *keys = NULL;

    if (old != NULL && now != NULL && kube_generation(old) == kube_generation(now))
        return;
    key = key3(kube_ns(one), kind->kind, kube_name(one));
    keys = cache_keys_by(own->cache, BY_TARGET, key);
    for (size_t i = 0; i < json_size(keys); i++)
        workq_add(controller_queue(own->ctl), json_text(json_elem(keys, i)));
}

static void
on_repository(void *arg, const struct json *old, const struct json *now)
{
    named_changed((const struct watched *)arg, &GVR_REPOSITORY, old, now);
}

static void
on_configuration(void *arg, const struct json *old, const struct json *now)
{
    named_changed((const struct watched *)arg, &GVR_BACKUP_CONFIGURATION, old, now);
}

static void
verification_wire(struct operator* op, struct watched *own)
{
    cache_add_index(own->cache, BY_TARGET, index_named);
    cache_on_change(op->repository.cache, on_repository, own);
    cache_on_change(op->backupconfiguration.cache, on_configuration, own);
    controller_watch(own->ctl, op->cron_jobs, controller_map_owner,
                     (void *)(uintptr_t)GVR_BACKUP_VERIFICATION.kind);
    controller_watch(own->ctl, op->jobs, map_job, NULL);
}

const struct watched_ops watched_backupverification = {.reconcile = verification_reconcile,
                                                       .component = "BackupVerification Controller",
                                                       .optional = true,
                                                       .wire = verification_wire};
