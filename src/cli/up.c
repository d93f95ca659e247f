/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/up.h"

#include <pthread.h>

#include "api/catalog.h"
#include "api/kinds.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
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

static enum rc
start_pushgateway(struct up *u, struct err *e)
{
    const char *at = u->o->pushgateway_listen;
    char *program, *address, *file, *log_path;
    enum rc rc;

    if (u->o->pushgateway_url != NULL) {
        u->pushgateway_url = mem_strdup(u->o->pushgateway_url);
        return RC_OK;
    }
    program = at[0] == '\0' ? NULL : program_path(PUSHGATEWAY);
    if (program == NULL) {
        if (at[0] != '\0')
            log_warn(PUSHGATEWAY " is not installed: the metrics of sessions are not kept "
                                 "(apt-get install " PUSHGATEWAY ")");
        return RC_OK;
    }
    address = mem_printf("--web.listen-address=%s", at);
    file = mem_printf("--persistence.file=%s/pushgateway.dat", plane_dir(u->plane));
    log_path = mem_printf("%s/pushgateway.log", plane_dir(u->plane));
    rc = child_start((const char *const[]){program, address, file, NULL}, log_path, &u->pushgateway,
                     e);
    if (rc == RC_OK) {
        u->pushgateway_url = mem_printf("http://%s", at);
        log_info("Pushgateway at %s", u->pushgateway_url);
    }
    mem_free(program);
    mem_free(address);
    mem_free(file);
    mem_free(log_path);
    return rc;
}

/* ---- the threads ---- */

struct part {
    struct up *up;
    enum rc (*run)(struct up *u, struct err *e);
    struct err err;
    pthread_t thread;
};

static enum rc
run_controllers(struct up *u, struct err *e)
{
    struct node_opts o = {.image = CSTASH_IMAGE};

    return node_run(u->cx, u->plane, u->k, &o, e);
}

static enum rc
run_gc(struct up *u, struct err *e)
{
    return gc_run(u->cx, u->plane, u->k, e);
}

static enum rc
run_operator(struct up *u, struct err *e)
{
    struct operator_opts o = {.image = CSTASH_IMAGE,
                              .pushgateway_url = u->pushgateway_url,
                              .listen = u->o->metrics_listen,
                              .deletion_limit_ms = OPERATOR_DELETION_LIMIT_MS};

    return operator_run(u->cx, u->k, &o, e);
}

static void *
run_part(void *arg)
{
    struct part *p = (struct part *)arg;

    if (p->run(p->up, &p->err))
        ctx_cancel(p->up->cx); /* none works without the others */
    return NULL;
}

static enum rc
run_parts(struct up *u, struct err *e)
{
    struct part parts[] = {{.up = u, .run = run_controllers},
                           {.up = u, .run = run_gc},
                           {.up = u, .run = run_operator}};
    size_t n = 0;
    enum rc rc = RC_OK;

    for (; n < ARRAY_LEN(parts) && rc == RC_OK; n += rc == RC_OK)
        rc = thread_start(&parts[n].thread, "controllers", run_part, &parts[n], e);
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
    struct up u = {.cx = cx, .o = o};
    struct kube_opts how = {.manager = "cstash"};
    struct plane_hooks hooks = {.check = node_check_cron_job};
    size_t left;
    enum rc rc = plane_open(o->dir, NULL, &u.plane, e);

    if (rc != RC_OK)
        return rc;
    plane_set_hooks(u.plane, &hooks);
    u.k = kube_new(plane_transport(u.plane), &how);
    rc = install_all(&u, e);
    if (rc == RC_OK)
        rc = start_pushgateway(&u, e);
    if (rc == RC_OK)
        rc = plane_serve(u.plane, o->listen, e);
    if (rc == RC_OK) {
        /* Scripts read it: as it is. */
        log_info("ready: export KUBECONFIG=%s", plane_kubeconfig(u.plane));
        log_as_service();
        rc = run_parts(&u, e);
    }
    left = node_processes(u.plane);
    if (left > 0)
        log_info("%zu processes of Pods go on; the next start finds them", left);
    child_stop(u.pushgateway);
    kube_free(u.k);
    plane_close(u.plane);
    mem_free(u.pushgateway_url);
    return rc;
}
