/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/retry.h"
#include "kube/object.h"
#include "kube/watch.h"

enum { MIN_WAIT_MS = 800, MAX_WAIT_MS = 30000, WATCH_S = 300, HEALTHY_MS = 1000 };

struct reflector {
    struct ctx *cx;
    struct kube *k;
    const struct kube_gvr *kind;
    const char *ns;
    struct kube_reflect_opts o;
    struct kube_sink *sink;
    char *version;      /* the last one seen; NULL: list first */
    struct retry again; /* since the last event */
};

/* Something went wrong: tell, wait. Only the ctx makes it fail. */
static enum rc
reflect_recover(struct reflector *r, const struct err *why, struct err *e)
{
    struct err patient = *why;

    if (ctx_check(r->cx, e))
        return err_code(e);
    if (r->sink->trouble != NULL)
        r->sink->trouble(r->sink, why);
    patient.after_ms = MIN(why->after_ms, (unsigned)r->o.max_wait_ms);
    return ctx_sleep(r->cx, retry_pause(&r->again, &patient), e);
}

static void
reflect_begin_anew(struct reflector *r)
{
    r->again = retry_begin(
        (struct retry_policy){.pause_ms = r->o.min_wait_ms, .pause_max_ms = r->o.max_wait_ms});
}

static void
list_item(void *arg, struct json *obj)
{
    struct kube_sink *sink = ((struct reflector *)arg)->sink;

    sink->item(sink, obj);
}

static enum rc
reflect_list(struct reflector *r, struct err *e)
{
    struct kube_list_opts o = {.kind = r->kind,
                               .ns = r->ns,
                               .label_selector = r->o.label_selector,
                               .field_selector = r->o.field_selector,
                               .page = r->o.page,
                               .no_managed_fields = true};

    if (r->o.ask_first && kube_serves(r->cx, r->k, r->kind, e))
        return err_code(e);
    r->sink->start(r->sink);
    if (kube_each(r->cx, r->k, &o, list_item, r, &r->version, e))
        return err_code(e);
    r->sink->finish(r->sink);
    return RC_OK;
}

static void
take_event(struct reflector *r, enum kube_event_type type, struct json *obj)
{
    const char *version = kube_version(obj);

    if (version != NULL) {
        mem_free(r->version);
        r->version = mem_strdup(version);
    }
    reflect_begin_anew(r);
    if (type != KUBE_BOOKMARK)
        r->sink->event(r->sink, type, obj);
}

/* One watch until it ends. */
static enum rc
reflect_watch(struct reflector *r, struct err *e)
{
    struct kube_watch_opts o = {.label_selector = r->o.label_selector,
                                .field_selector = r->o.field_selector,
                                .resource_version = r->version,
                                .timeout_s = WATCH_S + (int)rand_below(WATCH_S),
                                .no_managed_fields = true};
    int64_t began = clock_mono_ms();
    enum kube_event_type type = KUBE_BOOKMARK;
    struct kube_watch *w = NULL;
    bool any = false;
    enum rc rc;

    if (kube_watch_open(r->cx, r->k, r->kind, r->ns, &o, &w, e))
        return err_code(e);
    do {
        struct json *obj = NULL;
        rc = kube_watch_next(w, &type, &obj, e);
        if (rc == RC_OK && type != KUBE_END) {
            any = true;
            take_event(r, type, obj);
            json_free(obj);
        }
    } while (rc == RC_OK && type != KUBE_END);
    kube_watch_close(w);
    if (rc == RC_OK && !any && clock_mono_ms() - began < HEALTHY_MS) {
        rc = err_set(e, RC_UNAVAILABLE, "a watch of %s ended at once", r->kind->plural);
        e->retry = true;
    }
    return rc;
}

static enum rc
reflect_once(struct reflector *r, struct err *e)
{
    for (;;) {
        struct err why = ERR_INIT;
        if (ctx_check(r->cx, e))
            return err_code(e);
        if ((r->version == NULL ? reflect_list(r, &why) : reflect_watch(r, &why)) == RC_OK)
            continue;
        if (!why.retry)
            mem_free(TAKE(r->version)); /* forgotten there, or not understood here */
        if (reflect_recover(r, &why, e))
            return err_code(e);
    }
}

enum rc
kube_reflect(struct ctx *cx, struct kube *k, const struct kube_gvr *kind, const char *ns,
             const struct kube_reflect_opts *o, struct kube_sink *sink, struct err *e)
{
    struct reflector r = {.cx = cx, .k = k, .kind = kind, .ns = ns, .sink = sink};
    enum rc rc;

    if (o != NULL)
        r.o = *o;
    if (r.o.min_wait_ms <= 0)
        r.o.min_wait_ms = MIN_WAIT_MS;
    if (r.o.max_wait_ms <= 0)
        r.o.max_wait_ms = MAX_WAIT_MS;
    reflect_begin_anew(&r);
    rc = reflect_once(&r, e);
    mem_free(r.version);
    return rc;
}
