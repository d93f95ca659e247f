/* SPDX-License-Identifier: Apache-2.0 */
/* The side of cli/view_job that runs where the caller is. */
#include "cli/view_job.h"

#include <unistd.h>

#include "api/conditions.h"
#include "api/kinds.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "cli/cluster.h"
#include "kube/object.h"
#include "kube/podexec.h"

#define VIEW_FOLDER "/cstash-view" /* as in operator/view.c */

enum {
    ASK_AGAIN_MS = 300,
    TELL_MS = 5000,
    NOBODY_MS = 30 * 1000,
    RIGHT_MS = 10 * 1000,
    ANSWER_MS = 5 * 60 * 1000,
    DELETE_MS = 10 * 1000,
    HEAD_MAX = 64 * 1024
};

struct view {
    struct kube *k;
    char *ns, *repo;
    char *name;       /* of the object; NULL: there is none */
    struct json *obj; /* as it was last seen */
};

bool
view_is_asked(const struct repo_access *a)
{
    const char *url = app_repo_url(a);

    return url != NULL && strncmp(url, APP_VIEW, strlen(APP_VIEW)) == 0;
}

/* ---- the object ---- */

/* As the cluster calls us; mem_free. NULL: it does not say, and rights of one's own are needed to fetch the result. */
static char *
view_user(struct ctx *cx, struct kube *k)
{
    static const struct kube_gvr self = {"authentication.k8s.io", "v1", "selfsubjectreviews",
                                         "SelfSubjectReview", false};
    CLEANUP(json_free_ptr) struct json *ask = json_new_object();
    CLEANUP(json_free_ptr) struct json *answer = NULL;
    char version[KUBE_API_VERSION];
    struct err why = ERR_INIT;

    json_set_cstr(ask, "apiVersion", kube_gvr_api_version(&self, version));
    json_set_cstr(ask, "kind", self.kind);
    if (kube_create(cx, k, &self, NULL, ask, NULL, &answer, &why))
        log_debug("the cluster does not say who asks: %s", why.msg);
    return mem_strdup(json_text_or(json_dig(answer, "status", "userInfo", "username"), ""));
}

static enum rc
view_create(struct ctx *cx, struct view *v, struct json *take_spec, struct err *e)
{
    uint8_t tail[4];
    CLEANUP(mem_free_ptr) char *name = NULL;
    CLEANUP(mem_free_ptr) char *user = view_user(cx, v->k);
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    enum rc rc;

    rand_bytes(tail, sizeof(tail));
    name = mem_printf("view-%02x%02x%02x%02x", tail[0], tail[1], tail[2], tail[3]);
    obj = kube_object_new(&GVR_SNAPSHOT_VIEW, v->ns, name);
    json_set_cstr(json_need_object(take_spec, "repository"), "name", v->repo);
    if (*user != '\0')
        json_set_cstr(take_spec, "user", user);
    json_set(obj, "spec", take_spec);
    rc = kube_create(cx, v->k, &GVR_SNAPSHOT_VIEW, v->ns, obj, NULL, &v->obj, e);
    if (rc == RC_NOT_FOUND && e->hint[0] == '\0')
        (void)err_hint(e, "the namespace is missing, or the cluster does not know the kind: cstash "
                          "crds | kubectl apply -f -");
    if (rc != RC_OK)
        return err_wrap(e, "could not make a SnapshotView in namespace %s", v->ns);
    v->name = TAKE(name);
    return RC_OK;
}

static void
view_delete(struct view *v)
{
    struct ctx cx = {.fd = -1, .until = clock_mono_ms() + DELETE_MS};
    struct err why = ERR_INIT;

    if (v->name != NULL &&
        kube_delete(&cx, v->k, &GVR_SNAPSHOT_VIEW, v->ns, v->name,
                    &(struct kube_delete_opts){.propagation = "Background"}, &why) &&
        why.code != RC_NOT_FOUND)
        log_warn("SnapshotView %s/%s stays until the operator deletes it: %s", v->ns, v->name,
                 why.msg);
}

/* ---- until it is ready ---- */

static const char *
view_phase(const struct view *v)
{
    return json_text_or(json_dig(v->obj, "status", "phase"), "");
}

/* What its conditions say; borrowed. */
static const char *
view_words(const struct view *v)
{
    const struct json *status = json_field(v->obj, "status"),
                      *bad = condition_find(status, "ValidationPassed"),
                      *c = condition_find(status, "Ready");

    if (strcmp(json_text_or(json_field(bad, "status"), ""), "False") == 0)
        c = bad;
    return json_text_or(json_field(c, "message"), "it does not say why");
}

static enum rc
view_wait(struct ctx *cx, struct view *v, struct err *e)
{
    const char *name = v->name;
    int64_t began = clock_mono_ms();
    bool told = false;

    for (;;) {
        int64_t waited = clock_mono_ms() - began;
        const char *phase = view_phase(v);

        if (strcmp(phase, "Ready") == 0)
            return RC_OK;
        if (strcmp(phase, "Failed") == 0 || strcmp(phase, "Expired") == 0)
            return err_set(e, RC_UNAVAILABLE, "SnapshotView %s/%s: %.400s", v->ns, name,
                           view_words(v));
        if (*phase == '\0' && waited >= NOBODY_MS)
            return err_set(e, RC_UNAVAILABLE,
                           "no operator took up SnapshotView %s/%s within %d s: does one run that "
                           "knows the kind?",
                           v->ns, name, NOBODY_MS / 1000);
        if (waited >= TELL_MS && *phase != '\0' && !told) {
            log_info("SnapshotView %s/%s: %s", v->ns, name, view_words(v));
            told = true;
        }
        if (ctx_sleep(cx, ASK_AGAIN_MS, e))
            return err_code(e);
        json_free(TAKE(v->obj));
        if (kube_get(cx, v->k, &GVR_SNAPSHOT_VIEW, v->ns, name, &v->obj, e))
            return err_wrap(e, "could not read SnapshotView %s/%s", v->ns, name);
    }
}

/* ---- the result ---- */

struct view_result {
    struct json *head;
    struct buf notes, result;
};

static enum rc
read_line(struct rd *rd, struct buf *line, struct err *e)
{
    for (;;) {
        uint8_t c;
        size_t got = 0;

        if (rd_read(rd, &c, 1, &got, e))
            return err_code(e);
        if (got == 0)
            return err_set(e, RC_CORRUPT, "the Pod's answer has no first line");
        if (c == '\n')
            return RC_OK;
        if (buf_add(line, &c, 1, e))
            return err_code(e);
    }
}

static enum rc
read_part(struct rd *rd, const struct json *head, const char *part, struct buf *to, struct err *e)
{
    int64_t n = json_int_or(json_field(head, part), -1);
    size_t got = 0;

    if (n < 0 || (uint64_t)n > to->max)
        return err_set(e, RC_CORRUPT, "the Pod's answer has a %s of %lld bytes", part,
                       (long long)n);
    if (buf_reserve(to, (size_t)n, e) || rd_full(rd, to->p + to->n, (size_t)n, &got, e))
        return err_code(e);
    if (got < (size_t)n)
        return err_set(e, RC_UNAVAILABLE, "the Pod's answer ends in the middle of its %s", part);
    to->n += got;
    return RC_OK;
}

/* All of it, or an error. */
static enum rc
read_result(struct rd *rd, struct view_result *r, struct err *e)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(HEAD_MAX);
    uint8_t more;
    size_t got = 0;

    if (read_line(rd, &line, e) || json_parse(buf_str(&line), &r->head, e) ||
        read_part(rd, r->head, "notes", &r->notes, e) ||
        read_part(rd, r->head, "result", &r->result, e) || rd_read(rd, &more, 1, &got, e))
        return err_code(e);
    return got == 0 ? RC_OK : err_set(e, RC_CORRUPT, "the Pod's answer does not end");
}

static enum rc
view_fetch_once(const struct view *v, struct view_result *r, struct err *e)
{
    const char *const argv[] = {"/usr/bin/cstash", "hand-view", VIEW_FOLDER, NULL};
    const struct kube_pod_exec_opts o = {.container = "hold-view", .argv = argv};
    const char *pod = json_text_or(json_dig(v->obj, "status", "pod"), "");
    struct ctx cx = {.fd = -1, .until = clock_mono_ms() + ANSWER_MS};
    struct kube_pod_talk *talk;
    enum rc rc;

    if (kube_pod_exec_open(&cx, v->k, v->ns, pod, &o, &talk, e))
        return err_code(e);
    rc = read_result(&talk->rd, r, e);
    kube_pod_exec_close(talk);
    return rc == RC_OK ? RC_OK
                       : err_wrap(e, "could not fetch the result from pod %s/%s", v->ns, pod);
}

/* A right that was given a moment ago is not known at once everywhere. */
static enum rc
view_fetch(struct ctx *cx, const struct view *v, struct view_result *r, struct err *e)
{
    int64_t until = clock_mono_ms() + RIGHT_MS;

    for (;;) {
        enum rc rc = view_fetch_once(v, r, e);

        if (rc != RC_DENIED || clock_mono_ms() >= until)
            return rc;
        if (ctx_sleep(cx, ASK_AGAIN_MS, e))
            return err_code(e);
    }
}

static enum rc
code_named(const char *name)
{
    for (int rc = RC_INVALID; rc <= RC_ANSWER_NO; rc++)
        if (strcmp(rc_name((enum rc)rc), name) == 0)
            return (enum rc)rc;
    return RC_INTERNAL;
}

static enum rc
view_print(const struct view_result *r, struct err *e)
{
    const char *code = json_text(json_field(r->head, "code")),
               *hint = json_text_or(json_field(r->head, "hint"), "");

    if (fs_write_all(STDERR_FILENO, r->notes.p, r->notes.n, "standard error", e) ||
        fs_write_all(STDOUT_FILENO, r->result.p, r->result.n, "standard output", e))
        return err_code(e);
    if (code == NULL)
        return RC_OK;
    (void)err_set(e, code_named(code), "%.470s",
                  json_text_or(json_field(r->head, "message"), code));
    return *hint != '\0' ? err_hint(e, "%.310s", hint) : err_code(e);
}

/* ---- the whole ---- */

/* "NAMESPACE/NAME", or "NAME" in the namespace of the context. */
static enum rc
view_connect(const struct repo_access *a, struct view *v, struct err *e)
{
    const struct cluster_access where = cluster_of_repo(a);
    const char *name = app_repo_url(a) + strlen(APP_VIEW), *slash = strchr(name, '/');

    if (*name == '\0' || slash == name ||
        (slash != NULL && (slash[1] == '\0' || strchr(slash + 1, '/') != NULL)))
        return err_set(e, RC_USAGE,
                       "\"" APP_VIEW "%.200s\" is not of the form " APP_VIEW "NAMESPACE/REPOSITORY",
                       name);
    if (cluster_connect(&where, &v->k, &v->ns, e))
        return err_wrap(e, "could not reach the cluster of Repository %.200s", name);
    if (slash != NULL) {
        mem_free(v->ns);
        v->ns = mem_strndup(name, (size_t)(slash - name));
    }
    v->repo = mem_strdup(slash != NULL ? slash + 1 : name);
    return RC_OK;
}

static enum rc
view_do(struct ctx *cx, struct view *v, struct json *take_spec, struct err *e)
{
    struct view_result r = {.notes = BUF_INIT(VIEW_NOTES_MAX), .result = BUF_INIT(VIEW_RESULT_MAX)};
    enum rc rc = view_create(cx, v, take_spec, e);

    if (rc == RC_OK)
        rc = view_wait(cx, v, e);
    if (rc == RC_OK)
        rc = view_fetch(cx, v, &r, e);
    view_delete(v);
    if (rc == RC_OK)
        rc = view_print(&r, e);
    json_free(r.head);
    buf_release(&r.notes);
    buf_release(&r.result);
    return rc;
}

enum rc
view_run(struct ctx *cx, enum look which, const struct look_args *a, struct err *e)
{
    struct json *spec = NULL;
    struct view v = {.k = NULL};
    enum rc rc = view_spec_encode(which, a, &spec, e);

    if (rc == RC_OK)
        rc = view_connect(&a->repo, &v, e);
    if (rc == RC_OK)
        rc = view_do(cx, &v, TAKE(spec), e);
    json_free(spec);
    json_free(v.obj);
    kube_free(v.k);
    mem_free(v.ns);
    mem_free(v.repo);
    mem_free(v.name);
    return rc;
}
