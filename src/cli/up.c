/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/up.h"

#include <limits.h>
#include <pthread.h>

#include "api/catalog.h"
#include "api/kinds.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/thread.h"
#include "http/client.h"
#include "httpd/httpd.h"
#include "kube/kube.h"
#include "kube/object.h"
#include "node/node.h"
#include "operator/operator.h"
#include "plane/gc.h"
#include "plane/plane.h"

#define PUSHGATEWAY "prometheus-pushgateway"

struct up {
    struct ctx *cx;
    const struct up_opts *o;
    struct plane *plane;
    struct kube *k; /* in process, for everybody here */
    struct child *pushgateway;
    char *pushgateway_url;
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool listening, over; /* of the operator; guarded by mutex */
};

/* ---- what must be there before the operator looks ---- */

static enum rc
up_install(struct up *u, const struct kube_gvr *kind, struct json *take, struct err *e)
{
    struct kube_write w = {.manager = "cstash-up", .force = true};
    enum rc rc = kube_apply(u->cx, u->k, kind, take, &w, NULL, e);

    if (rc != RC_OK)
        (void)err_wrap(e, "could not install %s %s", kind->kind, kube_name(take));
    json_free(take);
    return rc;
}

static enum rc
install_all(struct up *u, struct err *e)
{
    size_t n;
    const struct crd_def *const *kinds = kinds_all(&n);
    CLEANUP(json_free_ptr) struct json *catalog = catalog_new(CSTASH_IMAGE);

    for (size_t i = 0; i < n; i++)
        if (up_install(u, &KUBE_CRD, kind_crd(kinds[i]), e))
            return err_code(e);
    for (size_t i = 0; i < json_size(catalog); i++) {
        const struct json *one = json_elem(catalog, i);

        if (up_install(u, kube_is_kind(one, &GVR_TASK) ? &GVR_TASK : &GVR_FUNCTION, json_ref(one),
                       e))
            return err_code(e);
    }
    return RC_OK;
}

/* ---- the Pushgateway ---- */

enum { PUSHGATEWAY_MS = 15000, FREE_MS = 5000, LOOK_MS = 100 };

/* That of a run before may still be on its way out. */
static enum rc
pushgateway_free(struct up *u, const char *at, struct err *e)
{
    struct retry again =
        retry_begin((struct retry_policy){.total_ms = FREE_MS, .pause_ms = LOOK_MS});
    struct err why = ERR_INIT;
    enum rc rc;

    while ((rc = httpd_check_free(at, &why)) == RC_UNAVAILABLE && retry_next(u->cx, &again, &why))
        continue;
    if (rc == RC_OK)
        return RC_OK;
    *e = why;
    if (e->code == RC_CANCELLED)
        return err_code(e);
    (void)err_wrap(e, "the Pushgateway");
    return err_hint(e, "choose another with --pushgateway-listen HOST:PORT, or use a running one "
                       "with --pushgateway-url URL");
}

static enum rc
pushgateway_ask(struct up *u, struct http *h, const char *url, struct err *e)
{
    const struct http_request rq = {
        .method = "GET", .url = url, .timeout_ms = 2000, .no_proxy = true};
    struct http_response r = {.status = 0};
    enum rc rc = http_call(u->cx, h, &rq, &r, e);

    http_response_release(&r);
    return rc;
}

static enum rc
pushgateway_answers(struct up *u, const char *log_path, struct err *e)
{
    struct retry again =
        retry_begin((struct retry_policy){.total_ms = PUSHGATEWAY_MS, .pause_ms = LOOK_MS});
    CLEANUP(mem_free_ptr) char *url = mem_printf("%s/-/ready", u->pushgateway_url);
    struct err why = ERR_INIT;
    struct http *h;
    enum rc rc;

    if (http_new(NULL, &h, e))
        return err_code(e);
    while ((rc = pushgateway_ask(u, h, url, &why)) != RC_OK && retry_next(u->cx, &again, &why))
        continue;
    http_free(h);
    if (rc == RC_OK)
        return RC_OK;
    if (why.code == RC_CANCELLED) {
        *e = why;
        return err_code(e);
    }
    return err_set(e, RC_UNAVAILABLE, "the Pushgateway does not answer at %s; its output is in %s",
                   u->pushgateway_url, log_path);
}

static enum rc
pushgateway_run(struct up *u, const char *program, const char *at, struct err *e)
{
    CLEANUP(mem_free_ptr) char *address = mem_printf("--web.listen-address=%s", at);
    CLEANUP(mem_free_ptr)
    char *file = mem_printf("--persistence.file=%s/pushgateway.dat", plane_dir(u->plane));
    CLEANUP(mem_free_ptr)
    char *log_path = mem_printf("%s/pushgateway.log", plane_dir(u->plane));

    u->pushgateway_url = mem_printf("http://%s%s", at[0] == ':' ? "127.0.0.1" : "", at);
    if (pushgateway_free(u, at, e) ||
        child_start((const char *const[]){program, address, file, NULL}, log_path, &u->pushgateway,
                    e) ||
        pushgateway_answers(u, log_path, e))
        return err_code(e);
    log_info("Pushgateway at %s", u->pushgateway_url);
    return RC_OK;
}

static enum rc
start_pushgateway(struct up *u, struct err *e)
{
    const char *at = u->o->pushgateway_listen;
    CLEANUP(mem_free_ptr) char *program = NULL;

    if (u->o->pushgateway_url != NULL) {
        u->pushgateway_url = mem_strdup(u->o->pushgateway_url);
        return RC_OK;
    }
    if (at[0] == '\0')
        return RC_OK;
    program = fs_find_program(PUSHGATEWAY);
    if (program != NULL)
        return pushgateway_run(u, program, at, e);
    log_warn(PUSHGATEWAY " is not installed: the metrics of sessions are not kept "
                         "(apt-get install " PUSHGATEWAY ")");
    return RC_OK;
}

/* ---- the threads ---- */

struct part {
    struct up *up;
    enum rc (*run)(struct up *u, struct err *e);
    struct err err;
    pthread_t thread;
};

static const struct node_opts node_choice = {.image = CSTASH_IMAGE};

static enum rc
run_controllers(struct up *u, struct err *e)
{
    return node_run(u->cx, u->plane, u->k, &node_choice, e);
}

static enum rc
run_gc(struct up *u, struct err *e)
{
    return gc_run(u->cx, u->plane, u->k, e);
}

static void
up_moved(struct up *u, bool *what)
{
    (void)pthread_mutex_lock(&u->mutex);
    *what = true;
    (void)pthread_cond_broadcast(&u->moved);
    (void)pthread_mutex_unlock(&u->mutex);
}

static void
up_listening(void *arg)
{
    struct up *u = (struct up *)arg;

    up_moved(u, &u->listening);
}

static enum rc
run_operator(struct up *u, struct err *e)
{
    struct operator_opts o = {.image = CSTASH_IMAGE,
                              .processes = true,
                              .pushgateway_url = u->pushgateway_url,
                              .listen = u->o->metrics_listen,
                              .deletion_limit_ms = OPERATOR_DELETION_LIMIT_MS,
                              .listening = up_listening,
                              .arg = u};

    return operator_run(u->cx, u->k, &o, e);
}

static void *
run_part(void *arg)
{
    struct part *p = (struct part *)arg;

    if (p->run(p->up, &p->err))
        ctx_cancel(p->up->cx); /* none works without the others */
    up_moved(p->up, &p->up->over);
    return NULL;
}

/* For a shell, where what `path` holds would mean something to it. */
static void
print_quoted(struct buf *to, const char *path)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%=";

    if (path[strspn(path, plain)] == '\0') {
        buf_putf(to, "%s", path);
        return;
    }
    buf_putf(to, "'");
    for (const char *c = path; *c != '\0'; c++)
        buf_putf(to, *c == '\'' ? "'\\''" : "%c", *c);
    buf_putf(to, "'");
}

/* Everything listens, or something ended before. */
static void
up_ready(struct up *u)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(4 * PATH_MAX);
    bool listening;

    (void)pthread_mutex_lock(&u->mutex);
    while (!u->listening && !u->over)
        (void)pthread_cond_wait(&u->moved, &u->mutex);
    listening = u->listening;
    (void)pthread_mutex_unlock(&u->mutex);
    if (!listening)
        return;
    print_quoted(&path, plane_kubeconfig(u->plane));
    /* Scripts read it: as it is. */
    log_info("ready: export KUBECONFIG=%s", buf_c(&path));
    log_as_service();
}

static enum rc
run_parts(struct up *u, struct err *e)
{
    /* The operator first: it is ready once it listens, and what runs beside it begins then. */
    struct part parts[] = {{.up = u, .run = run_operator},
                           {.up = u, .run = run_controllers},
                           {.up = u, .run = run_gc}};
    size_t n = 0;
    enum rc rc = RC_OK;

    for (; n < ARRAY_LEN(parts) && rc == RC_OK; n += rc == RC_OK) {
        if (n == 1)
            up_ready(u);
        rc = thread_start(&parts[n].thread, "controllers", run_part, &parts[n], e);
    }
    if (rc != RC_OK)
        ctx_cancel(u->cx);
    for (size_t i = 0; i < n; i++)
        (void)pthread_join(parts[i].thread, NULL);
    if (rc != RC_OK)
        return rc;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].err.code != RC_OK && parts[i].err.code != RC_CANCELLED) {
            *e = parts[i].err;
            return err_code(e);
        }
    return RC_OK;
}

enum rc
up_run(struct ctx *cx, const struct up_opts *o, struct err *e)
{
    struct up u = {
        .cx = cx, .o = o, .mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct kube_opts how = {.manager = "cstash"};
    struct plane_hooks hooks = {
        .check = node_check_cron_job, .exec = node_exec, .arg = (void *)(uintptr_t)&node_choice};
    size_t left;
    enum rc rc = plane_open(o->dir, NULL, &u.plane, e);

    if (rc != RC_OK)
        return rc;
    plane_set_hooks(u.plane, &hooks);
    u.k = kube_new(plane_transport(u.plane), &how);
    rc = install_all(&u, e);
    if (rc == RC_OK)
        rc = plane_serve(u.plane, o->listen, e);
    if (rc == RC_OK)
        rc = start_pushgateway(&u, e);
    if (rc == RC_OK)
        rc = run_parts(&u, e);
    left = node_processes(u.plane);
    if (left > 0)
        log_info("%zu processes of Pods go on; the next start finds them", left);
    child_stop(u.pushgateway);
    kube_free(u.k);
    plane_close(u.plane);
    mem_free(u.pushgateway_url);
    return rc;
}
