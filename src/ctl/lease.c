/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/thread.h"
#include "kube/object.h"

enum { LEASE_MS = 15000, RENEW_MS = 10000, RETRY_MS = 2000, GIVE_BACK_MS = 5000 };

struct lease {
    struct kube *k;
    struct lease_opts o;
    atomic_bool held;
    /* Another's lease as last seen, and since when by our clock it has been so. */
    char *seen;
    int64_t seen_ms;
    int64_t renewed_ms;
    /* The thread of lease_keep. */
    struct ctx cx;
    pthread_t thread;
    bool keeping;
    void (*lost)(void *arg);
    void *arg;
};

struct lease *
lease_new(struct kube *k, const struct lease_opts *o)
{
    struct lease *l = MEM_NEW(struct lease);
    char host[256] = "cstash";
    uint64_t unique;

    l->k = k;
    l->o = *o;
    l->o.ns = mem_strdup(o->ns);
    l->o.name = mem_strdup(o->name);
    (void)gethostname(host, sizeof(host) - 1);
    rand_bytes(&unique, sizeof(unique));
    l->o.identity = o->identity != NULL
                        ? mem_strdup(o->identity)
                        : mem_printf("%s_%016llx", host, (unsigned long long)unique);
    l->o.lease_ms = o->lease_ms > 0 ? o->lease_ms : LEASE_MS;
    l->o.renew_ms = o->renew_ms > 0 ? o->renew_ms : RENEW_MS;
    l->o.retry_ms = o->retry_ms > 0 ? o->retry_ms : RETRY_MS;
    l->o.now_ms = o->now_ms != NULL ? o->now_ms : clock_mono_ms;
    return l;
}

const char *
lease_identity(const struct lease *l)
{
    return l->o.identity;
}

bool
lease_is_held(struct lease *l)
{
    return atomic_load(&l->held);
}

static void
set_time(struct json *spec, const char *key)
{
    char text[INSTANT_TEXT];

    json_set_cstr(spec, key, instant_format_micro(instant_now(), text));
}

static void
lease_fill(struct lease *l, struct json *obj, bool taken_over)
{
    struct json *spec = json_need_object(obj, "spec");
    int64_t transitions = json_int_or(json_field(spec, "leaseTransitions"), 0);

    json_set_cstr(spec, "holderIdentity", l->o.identity);
    json_set_int(spec, "leaseDurationSeconds", MAX(l->o.lease_ms / 1000, 1));
    set_time(spec, "renewTime");
    if (taken_over || json_field(spec, "acquireTime") == NULL)
        set_time(spec, "acquireTime");
    json_set_int(spec, "leaseTransitions", transitions + (taken_over ? 1 : 0));
}

/* May we take what somebody else holds? Only when it has not moved for as long as it lasts. */
static bool
is_expired(struct lease *l, const struct json *spec)
{
    int64_t lasts_ms = json_int_or(json_field(spec, "leaseDurationSeconds"), 0) * 1000;
    char *now = json_to_text(spec, true);

    if (l->seen == NULL || strcmp(l->seen, now) != 0) {
        mem_free(l->seen);
        l->seen = now;
        l->seen_ms = l->o.now_ms();
        return false;
    }
    mem_free(now);
    return l->o.now_ms() - l->seen_ms >= lasts_ms;
}

static enum rc
lease_first(struct ctx *cx, struct lease *l, struct err *e)
{
    struct json *obj = kube_object_new(&KUBE_LEASE, l->o.ns, l->o.name);
    enum rc rc;

    lease_fill(l, obj, false);
    rc = kube_create(cx, l->k, &KUBE_LEASE, l->o.ns, obj, NULL, NULL, e);
    json_free(obj);
    return rc;
}

/* Take or renew `obj`. RC_CONFLICT: somebody else has it, or was faster. */
static enum rc
lease_next(struct ctx *cx, struct lease *l, struct json *obj, struct err *e)
{
    const struct json *spec = json_field(obj, "spec");
    const char *holder = json_text_or(json_field(spec, "holderIdentity"), "");
    bool ours = strcmp(holder, l->o.identity) == 0;

    if (!ours && holder[0] != '\0' && !is_expired(l, spec))
        return err_set(e, RC_CONFLICT, "%s holds it", holder);
    lease_fill(l, obj, !ours);
    return kube_update(cx, l->k, &KUBE_LEASE, obj, NULL, NULL, e);
}

static enum rc
lease_ask(struct ctx *cx, struct lease *l, struct err *e)
{
    struct json *obj = NULL;
    enum rc rc = kube_get(cx, l->k, &KUBE_LEASE, l->o.ns, l->o.name, &obj, e);

    if (rc == RC_NOT_FOUND)
        rc = lease_first(cx, l, e);
    else if (rc == RC_OK)
        rc = lease_next(cx, l, obj, e);
    json_free(obj);
    return rc;
}

enum rc
lease_try(struct ctx *cx, struct lease *l, bool *held, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc = lease_ask(cx, l, &why);

    if (rc == RC_CONFLICT && why.sys == 409) /* it may be our own write, whose answer was lost */
        rc = lease_ask(cx, l, &why);
    if (rc != RC_OK && rc != RC_CONFLICT && rc != RC_EXISTS) {
        *e = why;
        return err_wrap(e, "could not get the lease %s/%s", l->o.ns, l->o.name);
    }
    if (rc == RC_OK)
        l->renewed_ms = l->o.now_ms();
    else
        log_debug("lease %s/%s: %s", l->o.ns, l->o.name, why.msg);
    atomic_store(&l->held, rc == RC_OK);
    *held = rc == RC_OK;
    return RC_OK;
}

static enum rc
pause_retry(struct ctx *cx, struct lease *l, struct err *e)
{
    int ms = l->o.retry_ms;

    return ctx_sleep(cx, ms + (int)rand_below((uint64_t)ms / 5 + 1), e);
}

enum rc
lease_acquire(struct ctx *cx, struct lease *l, struct err *e)
{
    for (;;) {
        struct err why = ERR_INIT;
        bool held = false;
        if (lease_try(cx, l, &held, &why)) {
            if (ctx_check(cx, e))
                return err_code(e);
            log_warn("%s", why.msg);
        }
        if (held) {
            log_info("%s holds the lease %s/%s", l->o.identity, l->o.ns, l->o.name);
            return RC_OK;
        }
        if (pause_retry(cx, l, e))
            return err_code(e);
    }
}

static void *
keep(void *arg)
{
    struct lease *l = (struct lease *)arg;
    struct err e = ERR_INIT;
    bool held = true;

    while (pause_retry(&l->cx, l, &e) == RC_OK) {
        l->cx.until = clock_mono_ms() + l->o.renew_ms;
        if (lease_try(&l->cx, l, &held, &e) && e.code != RC_CANCELLED)
            log_warn("%s", e.msg);
        l->cx.until = 0;
        if (ctx_check(&l->cx, &e))
            break;
        if (held && l->o.now_ms() - l->renewed_ms < l->o.renew_ms)
            continue;
        atomic_store(&l->held, false);
        log_error("the lease %s/%s is lost", l->o.ns, l->o.name);
        l->lost(l->arg);
        break;
    }
    return NULL;
}

enum rc
lease_keep(struct lease *l, void (*lost)(void *arg), void *arg, struct err *e)
{
    if (ctx_init(&l->cx, e))
        return err_code(e);
    l->lost = lost;
    l->arg = arg;
    if (thread_start(&l->thread, "lease", keep, l, e)) {
        ctx_release(&l->cx);
        return err_wrap(e, "could not start renewing the lease");
    }
    l->keeping = true;
    return RC_OK;
}

static enum rc
let_go(void *arg, struct json *obj, struct err *e)
{
    struct lease *l = (struct lease *)arg;
    struct json *spec = json_need_object(obj, "spec");

    if (strcmp(json_text_or(json_field(spec, "holderIdentity"), ""), l->o.identity) != 0)
        return err_set(e, RC_CONFLICT, "somebody else holds it");
    json_set_cstr(spec, "holderIdentity", "");
    json_set_int(spec, "leaseDurationSeconds", 1);
    set_time(spec, "renewTime");
    return RC_OK;
}

static void
give_back(struct lease *l)
{
    struct err e = ERR_INIT;
    struct ctx cx;

    if (ctx_init(&cx, &e))
        return;
    cx.until = clock_mono_ms() + GIVE_BACK_MS;
    if (kube_modify(&cx, l->k, &KUBE_LEASE, l->o.ns, l->o.name, NULL, let_go, l, NULL, &e))
        log_debug("could not give back the lease %s/%s: %s", l->o.ns, l->o.name, e.msg);
    ctx_release(&cx);
}

void
lease_free(struct lease *l)
{
    if (l == NULL)
        return;
    if (l->keeping) {
        ctx_cancel(&l->cx);
        (void)pthread_join(l->thread, NULL);
        ctx_release(&l->cx);
    }
    if (atomic_load(&l->held))
        give_back(l);
    mem_free(l->seen);
    mem_free((void *)(uintptr_t)l->o.ns);
    mem_free((void *)(uintptr_t)l->o.name);
    mem_free((void *)(uintptr_t)l->o.identity);
    mem_free(l);
}
