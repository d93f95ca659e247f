/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/volume_job.h"

#include <dirent.h>

#include "api/backend.h"
#include "api/conditions.h"
#include "api/kinds.h"
#include "api/names.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "kube/object.h"
#include "kube/podexec.h"
#include "operator/podspec.h"
#include "operator/volume_runtime.h"
#include "store/wire.h"

enum {
    JOB_LIFE_S = 24 * 3600,
    JOB_KEPT_S = 60,
    START_MS = 120 * 1000,
    TELL_MS = 5000,
    ASK_AGAIN_MS = 300,
    ANSWER_MS = 5 * 60 * 1000,
    DELETE_MS = 10 * 1000,
    HOLD_LOOK_MS = 5000,
    HOLD_IDLE_MS = 60 * 1000
};

/* ---- in the Pod ---- */

/* Is there a process beside this one? In a container only its own are seen. */
static bool
has_company(void)
{
    DIR *d = opendir("/proc");
    size_t n = 0;

    if (d == NULL)
        return true;
    for (const struct dirent *f = readdir(d); f != NULL; f = readdir(d))
        n += f->d_name[0] >= '1' && f->d_name[0] <= '9';
    (void)closedir(d);
    return n > 1;
}

enum rc
volume_job_hold(struct ctx *cx, struct err *e)
{
    int64_t idle_since = clock_mono_ms();

    while (clock_mono_ms() - idle_since < HOLD_IDLE_MS) {
        if (has_company())
            idle_since = clock_mono_ms();
        if (ctx_sleep(cx, HOLD_LOOK_MS, e))
            return err_code(e);
    }
    return RC_OK;
}

/* ---- the Job ---- */

struct volume_job {
    struct wire_link link;
    struct rd rd;
    struct wr wr;
    struct kube *k;
    struct ctx
        cx; /* of the connection: what ends the command does not cut it, since the lock is removed through it */
    struct json *job;
    struct kube_pod_talk *talk;
};

/* That of the Functions, which whoever mirrors images has changed; else the one that belongs to this program. */
static char *
job_image(struct ctx *cx, struct kube *k)
{
    CLEANUP(json_free_ptr) struct json *function = NULL;
    struct err why = ERR_INIT;

    if (kube_get(cx, k, &GVR_FUNCTION, NULL, "update-status", &function, &why))
        log_debug("%s", why.msg);
    return mem_strdup(json_text_or(json_dig(function, "spec", "image"), CSTASH_IMAGE));
}

/* Who may not see the configurations gets the default. */
static void
list_writers(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
             struct json *to)
{
    CLEANUP(json_free_ptr) struct json *list = NULL;
    const struct kube_list_opts o = {.kind = kind, .ns = ns};
    struct err why = ERR_INIT;

    if (kube_list(cx, k, &o, &list, NULL, &why))
        log_debug("%s", why.msg);
    for (size_t i = 0; i < json_size(list); i++)
        json_push(to, json_ref(json_elem(list, i)));
}

/* As whom it runs; the caller frees. */
static struct json *
job_runtime(struct ctx *cx, struct kube *k, const struct json *repo)
{
    CLEANUP(json_free_ptr) struct json *writers = json_new_array();

    list_writers(cx, k, &GVR_BACKUP_CONFIGURATION, kube_ns(repo), writers);
    list_writers(cx, k, &GVR_BACKUP_BATCH, kube_ns(repo), writers);
    return volume_runtime(repo, writers);
}

static struct json *
job_object(const struct json *repo, const struct backend *b, const char *image,
           const struct json *runtime)
{
    uint8_t tail[4];
    CLEANUP(mem_free_ptr) char *name = NULL;
    CLEANUP(mem_free_ptr) char *unique = NULL;
    struct json *job, *spec, *pod, *c;

    rand_bytes(tail, sizeof(tail));
    unique = mem_printf("%02x%02x%02x%02x", tail[0], tail[1], tail[2], tail[3]);
    name = name_of(NAME_MAX_LABEL, "stash-volume", kube_name(repo), unique);
    job = kube_object_new(&KUBE_JOB, kube_ns(repo), name);
    json_set_cstr(json_need_object(kube_meta(job), "labels"), LABEL_MANAGED_BY, MANAGED_BY_STASH);
    spec = json_need_object(job, "spec");
    json_set_int(spec, "backoffLimit", 0);
    json_set_int(spec, "activeDeadlineSeconds", JOB_LIFE_S);
    json_set_int(spec, "ttlSecondsAfterFinished", JOB_KEPT_S);
    pod = json_need_object(json_need_object(spec, "template"), "spec");
    json_set_cstr(pod, "restartPolicy", "Never");
    json_set_bool(pod, "automountServiceAccountToken", false);
    json_set_bool(pod, "enableServiceLinks", false);
    podspec_local_volume(repo, pod);
    c = json_new_object();
    json_set_cstr(c, "name", "volume");
    json_set_cstr(c, "image", image);
    json_set_cstr(c, "imagePullPolicy", "IfNotPresent");
    json_set_cstr(c, "terminationMessagePolicy", "FallbackToLogsOnError");
    json_push_cstr(json_need_array(c, "args"), "hold-volume");
    podspec_local_mount(repo, b, c);
    podspec_secure(c, runtime);
    json_push(json_need_array(pod, "containers"), c);
    podspec_apply_runtime(pod, runtime, NULL);
    return job;
}

/* ---- its Pod ---- */

/* Does it run? RC_UNAVAILABLE: it never will. `*waits`: what it waits for; mem_free. */
static enum rc
pod_runs(const struct json *pod, bool *runs, char **waits, struct err *e)
{
    const struct json *state =
        json_dig(json_elem(json_dig(pod, "status", "containerStatuses"), 0), "state");
    const struct json *unscheduled = condition_find(json_field(pod, "status"), "PodScheduled");
    const struct json *ended = json_field(state, "terminated");
    const char *phase = json_text_or(json_dig(pod, "status", "phase"), "Pending");

    *runs = json_field(state, "running") != NULL;
    if (ended != NULL || strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0)
        return err_set(e, RC_UNAVAILABLE, "pod %s/%s ended: %.300s", kube_ns(pod), kube_name(pod),
                       json_text_or(json_field(ended, "message"),
                                    json_text_or(json_dig(pod, "status", "message"), phase)));
    mem_free(*waits);
    *waits = mem_printf(
        "pod %s/%s waits: %.300s", kube_ns(pod), kube_name(pod),
        json_text_or(json_dig(state, "waiting", "message"),
                     json_text_or(json_dig(state, "waiting", "reason"),
                                  json_text_or(json_field(unscheduled, "message"), phase))));
    return RC_OK;
}

/* The Job's Pod, once; `*name` stays NULL while it does not run. */
static enum rc
look_for_pod(struct ctx *cx, const struct volume_job *v, char **name, char **waits, struct err *e)
{
    CLEANUP(mem_free_ptr) char *selector = mem_printf("job-name=%s", kube_name(v->job));
    CLEANUP(json_free_ptr) struct json *pods = NULL;
    const struct kube_list_opts o = {
        .kind = &KUBE_POD, .ns = kube_ns(v->job), .label_selector = selector};
    const struct json *pod;
    bool runs;

    if (kube_list(cx, v->k, &o, &pods, NULL, e))
        return err_code(e);
    pod = json_elem(pods, 0);
    if (pod == NULL)
        return RC_OK;
    if (pod_runs(pod, &runs, waits, e))
        return err_code(e);
    *name = runs ? mem_strdup(kube_name(pod)) : NULL;
    return RC_OK;
}

static enum rc
wait_for_pod(struct ctx *cx, const struct volume_job *v, char **name, struct err *e)
{
    CLEANUP(mem_free_ptr)
    char *waits =
        mem_printf("Job %s/%s has no Pod: see its events", kube_ns(v->job), kube_name(v->job));
    int64_t began = clock_mono_ms();

    for (bool told = false;;) {
        int64_t waited = clock_mono_ms() - began;

        if (look_for_pod(cx, v, name, &waits, e))
            return err_code(e);
        if (*name != NULL)
            return RC_OK;
        if (waited >= START_MS)
            return err_set(e, RC_UNAVAILABLE, "%s, after %d s", waits, START_MS / 1000);
        if (waited >= TELL_MS && !told) {
            log_info("waiting up to %d s: %s", START_MS / 1000, waits);
            told = true;
        }
        if (ctx_sleep(cx, ASK_AGAIN_MS, e))
            return err_code(e);
    }
}

/* ---- the link ---- */

static enum rc
link_read(struct rd *r, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct volume_job *v = CONTAINER_OF(r, struct volume_job, rd);

    v->cx.until = clock_mono_ms() + ANSWER_MS;
    return rd_read(&v->talk->rd, p, n, got, e);
}

static enum rc
link_write(struct wr *w, const uint8_t *p, size_t n, struct err *e)
{
    struct volume_job *v = CONTAINER_OF(w, struct volume_job, wr);

    v->cx.until = clock_mono_ms() + ANSWER_MS;
    return wr_write(&v->talk->wr, p, n, e);
}

static void
delete_job(struct volume_job *v)
{
    struct ctx cx = {.fd = -1, .until = clock_mono_ms() + DELETE_MS};
    struct err why = ERR_INIT;

    if (kube_delete(&cx, v->k, &KUBE_JOB, kube_ns(v->job), kube_name(v->job),
                    &(struct kube_delete_opts){.propagation = "Background"}, &why))
        log_warn("Job %s/%s stays until it ends by itself: %s", kube_ns(v->job), kube_name(v->job),
                 why.msg);
}

static void
link_close(struct wire_link *l)
{
    struct volume_job *v = CONTAINER_OF(l, struct volume_job, link);

    v->cx.until = clock_mono_ms() + DELETE_MS;
    if (v->talk != NULL)
        kube_pod_exec_close(v->talk);
    if (v->job != NULL)
        delete_job(v);
    json_free(v->job);
    mem_free(v);
}

static enum rc
link_open(struct ctx *cx, struct volume_job *v, const struct json *repo, const struct backend *b,
          struct store **out, struct err *e)
{
    CLEANUP(mem_free_ptr) char *image = job_image(cx, v->k);
    CLEANUP(json_free_ptr) struct json *runtime = job_runtime(cx, v->k, repo);
    CLEANUP(json_free_ptr) struct json *wanted = job_object(repo, b, image, runtime);
    CLEANUP(mem_free_ptr) char *pod = NULL;
    CLEANUP(mem_free_ptr) char *address = NULL;
    CLEANUP(mem_free_ptr) char *place = NULL;
    const char *argv[] = {"/usr/bin/cstash", "serve-volume", NULL, NULL};

    if (backend_address(b, &address, e) ||
        kube_create(cx, v->k, &KUBE_JOB, kube_ns(repo), wanted, NULL, &v->job, e))
        return err_code(e);
    log_info("through Job %s/%s, which mounts it", kube_ns(v->job), kube_name(v->job));
    if (wait_for_pod(cx, v, &pod, e))
        return err_code(e);
    argv[2] = address;
    if (kube_pod_exec_open(&v->cx, v->k, kube_ns(v->job), pod,
                           &(struct kube_pod_exec_opts){.argv = argv}, &v->talk, e))
        return err_code(e);
    place = mem_printf("%s of pod %s/%s", address, kube_ns(v->job), pod);
    return store_wire_open(&v->link, place, out, e);
}

enum rc
volume_job_open(struct ctx *cx, struct kube *k, const struct json *repo, const struct backend *b,
                struct store **out, struct err *e)
{
    struct volume_job *v = MEM_NEW(struct volume_job);

    v->k = k;
    v->cx = (struct ctx){.fd = -1, .until = clock_mono_ms() + ANSWER_MS};
    v->rd = (struct rd){.read = link_read};
    v->wr = (struct wr){.write = link_write};
    v->link = (struct wire_link){.rd = &v->rd, .wr = &v->wr, .close = link_close};
    if (link_open(cx, v, repo, b, out, e) == RC_OK)
        return RC_OK;
    link_close(&v->link);
    return err_wrap(e, "it lies in a volume, which a Job could not give");
}
