/* SPDX-License-Identifier: Apache-2.0 */
/* What src/ctl needs of a server: caches, controllers, leases and events, with a real one behind
 * them. */
#include <pthread.h>

#include "base/mem.h"
#include "conformance/suite_internal.h"
#include "ctl/lease.h"
#include "ctl/manager.h"
#include "ctl/recorder.h"
#include "kube/object.h"

/* ---- caches ---- */

static enum rc
create(struct suite *s, const char *name, const char *more)
{
    struct json *obj = suite_make(s, &KUBE_CONFIG_MAP, name, more);
    enum rc rc = kube_create(s->cx, s->k, &KUBE_CONFIG_MAP, NULL, obj, NULL, NULL, &s->e);

    json_free(obj);
    return rc;
}

/* The value of data.v in the cache, "" without one. Compared at once, so a static buffer will do.
 */
static bool
holds(struct suite *s, struct cache *c, const char *name, const char *v)
{
    struct json *obj = cache_get(c, s->ns, name);
    bool yes = strcmp(json_text_or(json_dig(obj, "data", "v"), ""), v) == 0;

    json_free(obj);
    return yes;
}

static enum rc
set_v(struct suite *s, const char *name, const char *v)
{
    struct json *patch = json_new_object();
    enum rc rc;

    json_set_cstr(json_need_object(patch, "data"), "v", v);
    rc = kube_patch(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, name, KUBE_PATCH_MERGE, patch, NULL, NULL,
                    &s->e);
    json_free(patch);
    return rc;
}

static enum rc
drop(struct suite *s, const char *name)
{
    return kube_delete(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, name, NULL, &s->e);
}

/* A cache of the run's ConfigMaps with the label cache=yes, in a ctx of its own. */
struct fixture {
    struct ctx cx;
    struct cache *c;
};

static enum rc
fixture_open(struct suite *s, struct fixture *f)
{
    struct cache_opts o = {.kind = &KUBE_CONFIG_MAP,
                           .ns = s->ns,
                           .label_selector = "cache=yes",
                           .page = 2,
                           .min_wait_ms = 10,
                           .max_wait_ms = 100};

    if (ctx_init(&f->cx, &s->e))
        return s->e.code;
    f->c = cache_new(s->k, &o);
    if (cache_start(&f->cx, f->c, &s->e) || cache_wait_synced(s->cx, f->c, &s->e))
        return s->e.code;
    return RC_OK;
}

static void
fixture_close(struct fixture *f)
{
    ctx_cancel(&f->cx);
    cache_join(f->c);
    cache_free(f->c);
    ctx_release(&f->cx);
}

#define CACHED(v) "{'metadata':{'labels':{'cache':'yes'}},'data':{'v':'" v "'}}"

static bool
follow(struct suite *s, struct fixture *f)
{
    CHECK(cache_count(f->c, s->ns) == 3);
    OK(set_v(s, "c1", "two"));
    UNTIL(holds(s, f->c, "c1", "two"));
    OK(drop(s, "c2"));
    UNTIL(!cache_has(f->c, s->ns, "c2"));
    OK(create(s, "c4", CACHED("new")));
    UNTIL(holds(s, f->c, "c4", "new"));
    OK(create(s, "c5", "{}")); /* not of the selection */
    OK(set_v(s, "c1", "three"));
    UNTIL(holds(s, f->c, "c1", "three"));
    CHECK(!cache_has(f->c, s->ns, "c5"));
    return true;
}

bool
case_cache_follows(struct suite *s)
{
    struct fixture f;
    bool ok;

    OK(create(s, "c1", CACHED("one")));
    OK(create(s, "c2", CACHED("one")));
    OK(create(s, "c3", CACHED("one")));
    ok = fixture_open(s, &f) == RC_OK && follow(s, &f);
    fixture_close(&f);
    return ok && kube_delete_collection(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns,
                                        &(struct kube_delete_opts){.label_selector = "cache=yes"},
                                        &s->e) == RC_OK;
}

/* An event is lost with its connection: resumed from the last version, it comes again. Then the
 * version is too old as well, and only a list can tell what happened meanwhile, a deletion above
 * all. */
static bool
miss(struct suite *s, struct fixture *f)
{
    unsigned lists = atomic_load(&s->net->lists);

    atomic_store(&s->net->cut, true);
    OK(set_v(s, "l1", "lost"));
    UNTIL(holds(s, f->c, "l1", "lost"));
    CHECK(atomic_load(&s->net->lists) == lists);
    atomic_store(&s->net->forget, true);
    atomic_store(&s->net->cut, true);
    OK(drop(s, "l2"));
    UNTIL(!cache_has(f->c, s->ns, "l2"));
    OK(set_v(s, "l1", "after"));
    UNTIL(holds(s, f->c, "l1", "after"));
    CHECK(!atomic_load(&s->net->forget));
    if (atomic_load(&s->net->lists) > lists)
        (void)printf("# listed anew: the server had forgotten version 1\n");
    return true;
}

bool
case_cache_lists_anew(struct suite *s)
{
    struct fixture f;
    bool ok;

    OK(create(s, "l1", CACHED("one")));
    OK(create(s, "l2", CACHED("one")));
    ok = fixture_open(s, &f) == RC_OK && miss(s, &f);
    fixture_close(&f);
    return ok;
}

/* ---- controllers ---- */

static enum rc
answer(void *arg, struct json *obj, struct err *e)
{
    (void)arg;
    (void)e;
    json_set_cstr(json_need_object(obj, "data"), "v", "done");
    return RC_OK;
}

static enum rc
reconcile(struct ctx *cx, void *arg, const char *ns, const char *name, struct ctl_result *out,
          struct err *e)
{
    struct suite *s = (struct suite *)arg;
    enum rc rc;

    (void)out;
    rc = kube_modify(cx, s->k, &KUBE_CONFIG_MAP, ns, name, NULL, answer, NULL, NULL, e);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

struct runner {
    struct ctx cx;
    struct manager *m;
    enum rc rc;
};

static void *
run(void *arg)
{
    struct runner *r = (struct runner *)arg;
    struct err e = ERR_INIT;

    r->rc = manager_run(&r->cx, r->m, &e);
    return NULL;
}

static bool
converge(struct suite *s, struct cache *c)
{
    char name[16];

    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof(name), "work-%d", i);
        OK(create(s, name, "{'metadata':{'labels':{'work':'yes'}},'data':{'v':'to do'}}"));
    }
    for (int i = 0; i < 8; i++) {
        (void)snprintf(name, sizeof(name), "work-%d", i);
        UNTIL(holds(s, c, name, "done"));
    }
    OK(set_v(s, "work-3", "undone"));
    UNTIL(holds(s, c, "work-3", "undone") || holds(s, c, "work-3", "done"));
    UNTIL(holds(s, c, "work-3", "done"));
    return true;
}

bool
case_controller_converges(struct suite *s)
{
    struct runner r = {.m = manager_new(s->k), .rc = RC_INTERNAL};
    struct cache *c = manager_cache(
        r.m,
        &(struct cache_opts){.kind = &KUBE_CONFIG_MAP, .ns = s->ns, .label_selector = "work=yes"});
    struct controller_opts o = {.name = "suite", .reconcile = reconcile, .arg = s, .workers = 3};
    struct controller *ctl = NULL;
    pthread_t thread;
    bool ok;

    OK(ctx_init(&r.cx, &s->e));
    OK(controller_new(&o, &ctl, &s->e));
    controller_watch(ctl, c, controller_map_self, NULL);
    manager_add(r.m, ctl);
    CHECK(pthread_create(&thread, NULL, run, &r) == 0);
    ok = converge(s, c);
    ctx_cancel(&r.cx);
    (void)pthread_join(thread, NULL);
    manager_free(r.m);
    ctx_release(&r.cx);
    return ok && r.rc == RC_OK;
}

/* ---- leases ---- */

static void
free_lease(struct lease **l)
{
    lease_free(*l);
}

/* Short times: 2 s until it expires. */
static struct lease *
new_lease(struct suite *s, const char *name, const char *who)
{
    return lease_new(s->k, &(struct lease_opts){.ns = s->ns,
                                                .name = name,
                                                .identity = who,
                                                .lease_ms = 2000,
                                                .renew_ms = 1500,
                                                .retry_ms = 100});
}

static enum rc
holder(struct suite *s, const char *name, struct json **spec)
{
    struct json *obj = NULL;

    if (kube_get(s->cx, s->k, &KUBE_LEASE, s->ns, name, &obj, &s->e))
        return s->e.code;
    *spec = json_ref(json_field(obj, "spec"));
    json_free(obj);
    return RC_OK;
}

enum { CONTENDERS = 6 };

struct contender {
    struct suite *s;
    struct lease *l;
    enum rc rc;
    bool held;
};

static void *
contend(void *arg)
{
    struct contender *c = (struct contender *)arg;
    struct err e = ERR_INIT;

    c->rc = lease_try(c->s->cx, c->l, &c->held, &e);
    return NULL;
}

bool
case_lease_has_one_holder(struct suite *s)
{
    struct contender all[CONTENDERS];
    pthread_t threads[CONTENDERS];
    int held = 0, wrong = 0;

    for (int i = 0; i < CONTENDERS; i++) {
        all[i] = (struct contender){.s = s, .l = new_lease(s, "race", NULL), .rc = RC_OK};
        if (pthread_create(&threads[i], NULL, contend, &all[i]) != 0)
            BUG("no thread");
    }
    for (int i = 0; i < CONTENDERS; i++) {
        (void)pthread_join(threads[i], NULL);
        held += all[i].held;
        wrong += all[i].rc != RC_OK;
    }
    for (int i = 0; i < CONTENDERS; i++)
        lease_free(all[i].l);
    CHECK(held == 1 && wrong == 0);
    return true;
}

static void
on_lost(void *arg)
{
    atomic_store((atomic_bool *)arg, true);
}

bool
case_lease_is_kept_and_given_back(struct suite *s)
{
    CLEANUP(free_lease) struct lease *a = new_lease(s, "kept", "a");
    CLEANUP(free_lease) struct lease *b = new_lease(s, "kept", "b");
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    atomic_bool lost = false;
    bool held = false;

    OK(lease_acquire(s->cx, a, &s->e));
    OK(lease_keep(a, on_lost, &lost, &s->e));
    for (int i = 0; i < 30; i++) { /* longer than it lasts */
        OK(lease_try(s->cx, b, &held, &s->e));
        CHECK(!held);
        OK(ctx_sleep(s->cx, 100, &s->e));
    }
    CHECK(!atomic_load(&lost) && lease_is_held(a));
    lease_free(TAKE(a));
    OK(lease_try(s->cx, b, &held, &s->e)); /* at once: it was given back */
    CHECK(held);
    OK(holder(s, "kept", &spec));
    CHECK(strcmp(json_text_or(json_field(spec, "holderIdentity"), ""), "b") == 0);
    CHECK(json_int_or(json_field(spec, "leaseTransitions"), 0) == 1);
    return true;
}

bool
case_lease_is_taken_over(struct suite *s)
{
    CLEANUP(free_lease) struct lease *a = new_lease(s, "steal", "a");
    CLEANUP(free_lease) struct lease *b = new_lease(s, "steal", "b");
    bool held = false;

    OK(lease_acquire(s->cx, a, &s->e)); /* and does not renew it */
    OK(lease_try(s->cx, b, &held, &s->e));
    CHECK(!held);
    OK(lease_acquire(s->cx, b, &s->e));
    OK(lease_try(s->cx, a, &held, &s->e));
    CHECK(!held && !lease_is_held(a) && lease_is_held(b));
    return true;
}

bool
case_lease_is_lost(struct suite *s)
{
    CLEANUP(free_lease) struct lease *a = new_lease(s, "lost", "a");
    CLEANUP(json_free_ptr) struct json *patch = json_new_object();
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    atomic_bool lost = false;

    OK(lease_acquire(s->cx, a, &s->e));
    OK(lease_keep(a, on_lost, &lost, &s->e));
    json_set_cstr(json_need_object(patch, "spec"), "holderIdentity", "thief");
    OK(kube_patch(s->cx, s->k, &KUBE_LEASE, s->ns, "lost", KUBE_PATCH_MERGE, patch, NULL, NULL,
                  &s->e));
    UNTIL(atomic_load(&lost));
    CHECK(!lease_is_held(a));
    lease_free(TAKE(a)); /* takes nothing from the thief */
    OK(holder(s, "lost", &spec));
    CHECK(strcmp(json_text_or(json_field(spec, "holderIdentity"), ""), "thief") == 0);
    return true;
}

/* ---- events ---- */

static enum rc
events(struct suite *s, struct json **out)
{
    struct kube_list_opts o = {.kind = &KUBE_EVENT,
                               .ns = s->ns,
                               .field_selector =
                                   "involvedObject.kind=ConfigMap,involvedObject.name=told"};

    return kube_list(s->cx, s->k, &o, out, NULL, &s->e);
}

static const struct json *
with_reason(const struct json *list, const char *reason)
{
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "reason"), ""), reason) == 0)
            return json_elem(list, i);
    return NULL;
}

static bool
tell(struct suite *s, struct recorder *r, const struct json *obj)
{
    CLEANUP(json_free_ptr) struct json *list = NULL;
    const struct json *ev;

    recorder_event(s->cx, r, obj, "Normal", "Same", "said %d times", 3);
    recorder_event(s->cx, r, obj, "Normal", "Same", "said %d times", 3);
    recorder_event(s->cx, r, obj, "Normal", "Same", "said %d times", 3);
    recorder_event(s->cx, r, obj, "Warning", "Other", "once");
    OK(events(s, &list));
    CHECK(json_size(list) == 2);
    ev = with_reason(list, "Same");
    CHECK(json_int_or(json_field(ev, "count"), 0) == 3);
    CHECK(strcmp(json_text_or(json_field(ev, "message"), ""), "said 3 times") == 0);
    CHECK(strcmp(json_text_or(json_dig(ev, "involvedObject", "uid"), ""), kube_uid(obj)) == 0);
    CHECK(kube_time_ms(json_field(ev, "lastTimestamp")) > 0);
    CHECK(strcmp(json_text_or(json_dig(ev, "source", "component"), ""), "suite") == 0);
    CHECK(json_int_or(json_field(with_reason(list, "Other"), "count"), 0) == 1);
    /* The server drops events after an hour: then it is written anew. */
    OK(kube_delete(s->cx, s->k, &KUBE_EVENT, s->ns, kube_name(ev), NULL, &s->e));
    recorder_event(s->cx, r, obj, "Normal", "Same", "said %d times", 3);
    json_free(TAKE(list));
    OK(events(s, &list));
    CHECK(json_size(list) == 2);
    CHECK(json_int_or(json_field(with_reason(list, "Same"), "count"), 0) == 1);
    for (int i = 0; i < 30; i++)
        recorder_event(s->cx, r, obj, "Normal", "Chatter", "number %d", i);
    json_free(TAKE(list));
    OK(events(s, &list));
    CHECK(json_size(list) == 2 + 25 - 5);
    return true;
}

bool
case_recorder_counts(struct suite *s)
{
    CLEANUP(json_free_ptr) struct json *obj = NULL;
    struct recorder *r;
    bool ok;

    OK(create(s, "told", "{}"));
    OK(kube_get(s->cx, s->k, &KUBE_CONFIG_MAP, s->ns, "told", &obj, &s->e));
    r = recorder_new(s->k, &(struct recorder_opts){.component = "suite"});
    ok = tell(s, r, obj);
    recorder_free(r);
    return ok;
}
