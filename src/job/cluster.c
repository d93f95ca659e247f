/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/kinds.h"
#include "base/b64.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/recorder.h"
#include "job/step_internal.h"
#include "kube/config.h"

enum {
    SECRET_VALUE_MAX = 1024 * 1024, /* what Kubernetes lets a whole Secret hold */
    LOG_OBJECT = 512,
    TRIES = 14 /* two minutes and more: a good backup is not lost to an API server that restarts */
};

enum rc
step_need(const char *value, const char *flag, struct err *e)
{
    return value != NULL && value[0] != '\0' ? RC_OK
                                             : err_set(e, RC_USAGE, "--%s is missing", flag);
}

static const char *
step_session_name(const struct step_flags *f)
{
    return step_is_backup(f) ? f->backupsession : step_text(f->restoresession, f->invoker_name);
}

enum rc
step_need_session(const struct step_flags *f, struct err *e)
{
    return step_need(step_session_name(f), step_is_backup(f) ? "backupsession" : "restoresession",
                     e);
}

const char *
step_text(const char *value, const char *otherwise)
{
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* A step is about one session from its first line to its last: what it logs says so. */
static void
step_log(const struct step_flags *f)
{
    static char object[LOG_OBJECT];
    static struct log_scope scope = {.component = "restoresession", .object = object};
    const char *name = step_text(step_session_name(f), NULL);

    log_as_service();
    if (name == NULL || object[0] != '\0')
        return;
    (void)snprintf(object, sizeof(object), "%s/%s", step_text(f->ns, "default"), name);
    if (step_is_backup(f))
        scope.component = "backupsession";
    else if (strcmp(step_text(f->invoker_kind, ""), GVR_BACKUP_CONFIGURATION.kind) == 0)
        scope.component = "backupconfiguration"; /* whose session is to be made */
    else if (strcmp(step_text(f->invoker_kind, ""), GVR_BACKUP_BATCH.kind) == 0)
        scope.component = "backupbatch";
    else if (strcmp(step_text(f->invoker_kind, ""), GVR_RESTORE_BATCH.kind) == 0)
        scope.component = "restorebatch";
    log_scope_enter(&scope);
}

enum rc
step_connect(const struct step_flags *f, struct kube **out, char **ns, struct err *e)
{
    struct kube_config_opts where = {.kubeconfig = step_text(f->kubeconfig, NULL),
                                     .server = step_text(f->master, NULL)};
    struct kube_opts how = {.manager = "cstash-job", .tries = TRIES};

    step_log(f);
    if (kube_connect(&where, &how, out, ns, e))
        return err_wrap(e, "could not reach the cluster");
    return RC_OK;
}

enum rc
secret_value(const struct json *secret, const char *key, struct secret *out, struct err *e)
{
    const struct json *v = json_dig(secret, "data", key);
    struct buf bytes = BUF_INIT(SECRET_VALUE_MAX);

    if (json_text(v) == NULL)
        return err_set(e, RC_NOT_FOUND, "the Secret has no key %s", key);
    if (b64_decode(json_text_str(v), &bytes, e))
        return err_wrap(e, "key %s of the Secret", key);
    secret_set(out, buf_str(&bytes));
    if (bytes.p != NULL)
        mem_wipe(bytes.p, bytes.cap);
    buf_release(&bytes);
    return RC_OK;
}

static bool
env_number(const char *name, long *out)
{
    const char *text = getenv(name);
    char *end;

    if (text == NULL || text[0] == '\0')
        return false;
    *out = strtol(text, &end, 10);
    if (*end == '\0')
        return true;
    log_warn("%s=%s is not a number and is ignored", name, text);
    return false;
}

void
step_be_nice(void)
{
    enum { CLASS_SHIFT = 13, WHO_PROCESS = 1, BEST_EFFORT = 2 };
    long nice_value, class = BEST_EFFORT, data = 4;
    bool io = env_number("IONICE_CLASS", &class), level = env_number("IONICE_CLASS_DATA", &data);

    if (env_number("NICE_ADJUSTMENT", &nice_value) &&
        setpriority(PRIO_PROCESS, 0, (int)nice_value) != 0)
        log_warn("could not set the CPU priority to %ld: errno %d", nice_value, errno);
    if (class < 0 || class > 3 || data < 0 || data > 7) {
        log_warn("there is no disk priority of class %ld, %ld", class, data);
        return;
    }
    if ((io || level) &&
        syscall(SYS_ioprio_set, WHO_PROCESS, 0, (int)(class << CLASS_SHIFT | data)) != 0)
        log_warn("could not set the disk priority to class %ld, %ld: errno %d", class, data, errno);
}

bool
step_is_backup(const struct step_flags *f)
{
    return step_text(f->backupsession, NULL) != NULL;
}

const struct kube_gvr *
step_session_kind(const struct step_flags *f)
{
    if (step_is_backup(f))
        return &GVR_BACKUP_SESSION;
    return strcmp(step_text(f->invoker_kind, ""), GVR_RESTORE_BATCH.kind) == 0
               ? &GVR_RESTORE_BATCH
               : &GVR_RESTORE_SESSION;
}

const struct kube_gvr *
step_backup_invoker(const char *kind, struct err *e)
{
    static const struct kube_gvr *const kinds[] = {&GVR_BACKUP_CONFIGURATION, &GVR_BACKUP_BATCH};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(step_text(kind, GVR_BACKUP_CONFIGURATION.kind), kinds[i]->kind) == 0)
            return kinds[i];
    (void)err_set(e, RC_UNSUPPORTED, "a %.60s makes no BackupSessions: use %s or %s", kind,
                  kinds[0]->kind, kinds[1]->kind);
    return NULL;
}

/* ---- what a session is told ---- */

/* One session of several targets: what is said of it says of which. */
static bool
is_of_many(const struct json *session)
{
    return strcmp(json_text_or(json_dig(session, "spec", "invoker", "kind"), ""),
                  GVR_BACKUP_BATCH.kind) == 0;
}

/*
 * The members of a batch have one condition of a type for all of them: what went wrong with one stays when another
 * does well. Waiting is a matter of the moment.
 */
static void
put_joint_verdict(const struct step_verdict *v, const char *target, struct json *status)
{
    const struct condition *row = condition_row(v->id);
    const struct json *was = condition_find(status, row->type);
    const char *had = json_text_or(json_field(was, "message"), "");
    bool bad = condition_is_false(status, v->id) && v->id != COND_WAITING_FOR_TARGET;
    CLEANUP(mem_free_ptr) char *text = NULL;
    enum condition_id id = v->id;

    if (bad && v->state == COND_TRUE)
        return;
    if (v->text == NULL ||
        (row->in[v->state].text != NULL && strcmp(row->in[v->state].text, v->text) == 0)) {
        (void)condition_set(status, v->id, v->state, NULL);
        return;
    }
    if (bad && v->state == COND_FALSE && id == COND_RETENTION_HELD_BACK &&
        !condition_is_because(status, id, COND_FALSE))
        id = COND_RETENTION_APPLIED; /* a failure says more */
    text = mem_printf("%s%s%s: %s", bad ? had : "", bad ? " " : "", target, v->text);
    (void)condition_set(status, id, v->state, text);
}

struct put {
    const struct step_verdict *v;
    const char *target; /* of the flags */
};

static enum rc
put_verdict(void *arg, struct json *session, struct err *e)
{
    const struct put *p = (const struct put *)arg;
    const struct step_verdict *v = p->v;

    (void)e;
    if (v->place == NULL && is_of_many(session))
        put_joint_verdict(v, p->target, json_need_object(session, "status"));
    else
        (void)condition_set(v->place != NULL ? v->place(v->arg, session)
                                             : json_need_object(session, "status"),
                            v->id, v->state, v->text);
    return RC_OK;
}

static enum rc
write_verdict(struct ctx *cx, struct kube *k, const struct step_flags *f,
              const struct step_verdict *v, struct json **session, struct err *e)
{
    const struct kube_gvr *kind = step_session_kind(f);
    struct put p = {v, step_text(f->target_name, step_text(f->appbinding, "?"))};

    if (kube_modify(cx, k, kind, f->ns, step_session_name(f), "status", put_verdict, &p, session,
                    e) == RC_OK)
        return RC_OK;
    return err_wrap(e, "could not write condition %s of %s %s/%s", condition_row(v->id)->type,
                    kind->kind, f->ns, step_session_name(f));
}

enum rc
step_tell(struct ctx *cx, struct kube *k, const struct step_flags *f, const struct step_verdict *v,
          struct err *e)
{
    return write_verdict(cx, k, f, v, NULL, e);
}

void
step_note(struct ctx *cx, struct kube *k, const struct step_flags *f, const struct step_verdict *v)
{
    const struct recorder_opts o = {.component = "cstash-job"};
    CLEANUP(json_free_ptr) struct json *session = NULL;
    struct recorder *events;
    struct err why = ERR_INIT;

    if (step_text(step_session_name(f), NULL) == NULL)
        return;
    if (write_verdict(cx, k, f, v, &session, &why)) {
        log_warn("%s", why.msg);
        return;
    }
    if (v->event == NULL || session == NULL)
        return;
    events = recorder_new(k, &o);
    recorder_event(cx, events, session, v->event, condition_row(v->id)->in[v->state].reason, "%s",
                   v->text);
    recorder_free(events);
}

enum rc
step_session(struct ctx *cx, struct kube *k, const struct step_flags *f, struct json **session,
             struct json **invoker, struct invoker *inv, struct err *e)
{
    const struct kube_gvr *kind = step_session_kind(f);
    bool backup = step_is_backup(f);
    const char *name = step_session_name(f), *config = step_text(f->invoker_name, "");

    if (step_need_session(f, e))
        return err_code(e);
    if (kube_get(cx, k, kind, f->ns, name, session, e))
        return err_wrap(e, "could not read %s %s/%s", kind->kind, f->ns, name);
    if (!backup)
        *invoker = json_ref(*session);
    else if ((kind = step_backup_invoker(f->invoker_kind, e)) == NULL)
        return err_code(e);
    else if (kube_get(cx, k, kind, f->ns, config, invoker, e))
        return err_wrap(e, "could not read %s %s/%s", kind->kind, f->ns, config);
    invoker_view(*invoker, inv);
    if (!inv->batch)
        return RC_OK;
    if (step_text(f->target_name, NULL) == NULL) {
        invoker_whole(inv, inv);
        return RC_OK;
    }
    if (invoker_find(inv, step_text(f->target_kind, ""), step_text(f->target_ns, ""),
                     f->target_name, inv))
        return RC_OK;
    return err_set(e, RC_NOT_FOUND, "%s %s/%s has no member with the target %s %s", inv->kind,
                   inv->ns, inv->name, step_text(f->target_kind, "(no kind)"), f->target_name);
}
