/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/kube_script.h"

#include "ctl/manager.h"
#include "kube/object.h"

#define OBJ(ns, name, rv, more)                                                                    \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" ns "\",\"resourceVersion\":\"" rv      \
    "\",\"managedFields\":[{}]" more "}}"
#define LIST(rv, items) "{\"metadata\":{\"resourceVersion\":\"" rv "\"},\"items\":[" items "]}"
#define EVENT(type, obj) "{\"type\":\"" type "\",\"object\":" obj "}"
#define OWNED(uid)                                                                                 \
    ",\"ownerReferences\":[{\"uid\":\"" uid                                                        \
    "\",\"kind\":\"Job\",\"name\":\"j\",\"controller\":true}]"

struct world {
    struct ctx cx;
    struct script *script;
    struct kube *k;
    pthread_mutex_t lock;
    struct buf story; /* under lock */
    int fails;        /* reconciles that shall fail */
};

static int
setup(void **state)
{
    struct world *w = MEM_NEW(struct world);
    struct err e = ERR_INIT;

    assert_int_equal(ctx_init(&w->cx, &e), RC_OK);
    pthread_mutex_init(&w->lock, NULL);
    buf_init(&w->story, 100000);
    w->script = script_new();
    w->k = kube_new(&w->script->t, NULL);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    kube_free(w->k);
    buf_release(&w->story);
    pthread_mutex_destroy(&w->lock);
    ctx_release(&w->cx);
    mem_free(w);
    return 0;
}

static void
tell(struct world *w, const char *what, const char *name)
{
    pthread_mutex_lock(&w->lock);
    buf_must_printf(&w->story, "%s%s ", what, name);
    pthread_mutex_unlock(&w->lock);
}

/* Wait until the story contains `part`. */
static void
until(struct world *w, const char *part)
{
    struct err e = ERR_INIT;

    for (int i = 0; i < 5000; i++) {
        bool there;
        pthread_mutex_lock(&w->lock);
        there = strstr(buf_c(&w->story), part) != NULL;
        pthread_mutex_unlock(&w->lock);
        if (there)
            return;
        T_OK(ctx_sleep(&w->cx, 1, &e));
    }
    fail_msg("\"%s\" is not in \"%s\"", part, buf_c(&w->story));
}

static void
on_change(void *arg, const struct json *old, const struct json *now)
{
    assert_null(json_dig(now, "metadata", "managedFields"));
    tell(arg, old == NULL ? "+" : now == NULL ? "-" : "~", kube_name(now != NULL ? now : old));
}

static struct cache *
start(struct world *w)
{
    struct cache *c = cache_new(
        w->k, &(struct cache_opts){.kind = &KUBE_POD, .min_wait_ms = 1, .max_wait_ms = 2});
    struct err e = ERR_INIT;

    cache_add_index(c, "owner", cache_index_owner);
    cache_on_change(c, on_change, w);
    T_OK(cache_start(&w->cx, c, &e));
    T_OK(cache_wait_synced(&w->cx, c, &e));
    return c;
}

static void
stop(struct world *w, struct cache *c)
{
    ctx_cancel(&w->cx);
    cache_join(c);
    cache_free(c);
}

static void
test_cache_follows_the_server(void **state)
{
    struct world *w = *state;
    struct json *got;
    struct cache *c;

    script_add(w->script,
               (struct script_step){.method = "GET",
                                    .path = "pods?limit",
                                    .status = 200,
                                    .body = LIST("9", OBJ("n2", "b", "2", OWNED("u1")) "," OBJ(
                                                          "n1", "a", "1", OWNED("u1")))});
    c = start(w);
    assert_int_equal(cache_count(c, NULL), 2);
    assert_int_equal(cache_count(c, "n1"), 1);
    got = cache_list(c, NULL);
    assert_string_equal(kube_name(json_elem(got, 0)), "a");
    json_free(got);
    got = cache_by(c, "owner", "u1");
    assert_int_equal(json_size(got), 2);
    json_free(got);
    script_feed(w->script, EVENT("MODIFIED", OBJ("n1", "a", "10", OWNED("u2"))));
    script_feed(w->script, EVENT("MODIFIED", OBJ("n1", "a", "10", OWNED("u2"))));
    script_feed(w->script, EVENT("DELETED", OBJ("n2", "b", "11", "")));
    script_feed(w->script, EVENT("DELETED", OBJ("n2", "none", "11", "")));
    script_feed(w->script, EVENT("ADDED", OBJ("n3", "c", "12", "")));
    until(w, "+b +a ~a -b +c ");
    got = cache_get(c, "n1", "a");
    assert_string_equal(kube_version(got), "10");
    json_free(got);
    assert_null(cache_get(c, "n2", "b"));
    assert_true(cache_has(c, "n3", "c"));
    got = cache_by(c, "owner", "u1");
    assert_int_equal(json_size(got), 0);
    json_free(got);
    got = cache_by(c, "owner", "u2");
    assert_int_equal(json_size(got), 1);
    json_free(got);
    stop(w, c);
}

static void
test_cache_finds_out_what_it_missed(void **state)
{
    struct world *w = *state;
    struct cache *c;

    script_add(
        w->script,
        (struct script_step){.method = "GET",
                             .path = "pods?limit",
                             .status = 200,
                             .body = LIST("9", OBJ("n", "a", "1", "") "," OBJ(
                                                   "n", "b", "2", "") "," OBJ("n", "c", "3", ""))});
    script_add(w->script,
               (struct script_step){
                   .method = "GET", .path = "watch=true", .status = 410, .body = "{\"code\":410}"});
    script_add(w->script, (struct script_step){.method = "GET",
                                               .path = "pods?limit",
                                               .status = 200,
                                               .body = LIST("20", OBJ("n", "a", "1", "") "," OBJ(
                                                                      "n", "c", "15", ""))});
    c = start(w);
    until(w, "+a +b +c ~c -b ");
    script_feed(w->script, EVENT("ADDED", OBJ("n", "z", "21", "")));
    until(w, "-b +z ");
    assert_int_equal(cache_lists(c), 2);
    stop(w, c);
}

static void
test_cache_notes_our_own_writes(void **state)
{
    struct world *w = *state;
    struct json *obj = NULL, *got;
    struct err e = ERR_INIT;
    struct cache *c;

    script_add(w->script, (struct script_step){.method = "GET",
                                               .path = "pods?limit",
                                               .status = 200,
                                               .body = LIST("9", OBJ("n", "a", "1", ""))});
    c = start(w);
    T_OK(json_parse(STR_LIT(OBJ("n", "a", "12", ",\"labels\":{\"x\":\"y\"}")), &obj, &e));
    cache_note(c, obj);
    got = cache_get(c, "n", "a");
    assert_string_equal(kube_label(got, "x"), "y");
    json_free(got);
    script_feed(w->script, EVENT("MODIFIED", OBJ("n", "a", "11", "")));
    script_feed(w->script, EVENT("ADDED", OBJ("n", "m", "11", "")));
    until(w, "+a +m ");
    got = cache_get(c, "n", "a");
    assert_string_equal(kube_version(got), "12");
    json_free(got);
    script_feed(w->script, EVENT("MODIFIED", OBJ("n", "a", "12", ",\"labels\":{\"x\":\"y\"}")));
    until(w, "+a +m ~a ");
    json_set_cstr(kube_meta(obj), "name", "gone");
    cache_note(c, obj);
    assert_false(cache_has(c, "n", "gone"));
    json_free(obj);
    stop(w, c);
}

static enum rc
reconcile(struct ctx *cx, void *arg, const char *ns, const char *name, struct ctl_result *out,
          struct err *e)
{
    struct world *w = arg;

    (void)cx;
    pthread_mutex_lock(&w->lock);
    if (w->fails > 0) {
        w->fails--;
        pthread_mutex_unlock(&w->lock);
        return err_set(e, RC_CONFLICT, "not yet");
    }
    pthread_mutex_unlock(&w->lock);
    tell(w, ns, name);
    if (strcmp(name, "again") == 0)
        out->requeue_after_ms = 1;
    return RC_OK;
}

struct runner {
    struct world *w;
    struct manager *m;
    enum rc rc;
};

static void *
run(void *arg)
{
    struct runner *r = arg;
    struct err e = ERR_INIT;

    r->rc = manager_run(&r->w->cx, r->m, &e);
    return NULL;
}

static void
test_manager_runs_controllers(void **state)
{
    struct world *w = *state;
    struct manager *m = manager_new(w->k);
    struct cache *pods = manager_cache(m, &(struct cache_opts){.kind = &KUBE_POD});
    struct controller_stats stats;
    struct controller *c = NULL;
    struct runner r = {w, m, RC_INTERNAL};
    struct err e = ERR_INIT;
    pthread_t t;

    script_add(w->script,
               (struct script_step){.method = "GET",
                                    .path = "pods?limit",
                                    .status = 200,
                                    .body = LIST("9", OBJ("ns-", "a", "1", OWNED("u1")))});
    w->fails = 2;
    T_OK(controller_new(&(struct controller_opts){.name = "test",
                                                  .reconcile = reconcile,
                                                  .arg = w,
                                                  .workers = 3,
                                                  .queue = {.base_ms = 1}},
                        &c, &e));
    controller_watch(c, pods, controller_map_self, NULL);
    controller_watch(c, pods, controller_map_owner, (void *)(uintptr_t) "Job");
    manager_add(m, c);
    assert_int_equal(pthread_create(&t, NULL, run, &r), 0);
    until(w, "ns-a ");
    until(w, "ns-j ");
    while (!manager_is_ready(m))
        T_OK(ctx_sleep(&w->cx, 1, &e));
    script_feed(w->script, EVENT("ADDED", OBJ("ns-", "again", "10", "")));
    until(w, "ns-again ns-again ");
    ctx_cancel(&w->cx);
    (void)pthread_join(t, NULL);
    assert_int_equal(r.rc, RC_OK);
    assert_true(manager_stats(m, 0, &stats));
    assert_false(manager_stats(m, 1, &stats));
    assert_int_equal(stats.errors, 2);
    assert_int_equal(stats.retries, 2);
    assert_true(stats.success >= 2 && stats.requeue_after >= 2);
    manager_free(m);
}

static void
test_manager_shares_caches(void **state)
{
    struct world *w = *state;
    struct manager *m = manager_new(w->k);
    struct cache_opts all = {.kind = &KUBE_POD}, some = {.kind = &KUBE_POD, .ns = "x"};
    struct cache *pods = manager_cache(m, &all);

    assert_ptr_equal(manager_cache(m, &all), pods);
    assert_ptr_not_equal(manager_cache(m, &some), pods);
    assert_ptr_equal(manager_cache_at(m, 0), pods);
    assert_null(manager_cache_at(m, 2));
    manager_free(m);
}

/* Ten thousand objects: what one costs beside its text. */
static void
test_cache_is_compact(void **state)
{
    enum { N = 10000 };
    struct world *w = *state;
    struct buf list = BUF_INIT(64 * 1024 * 1024);
    struct cache *c;

    buf_must_printf(&list, "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
    for (int i = 0; i < N; i++)
        buf_must_printf(&list,
                        "%s"
                        "{\"metadata\":{\"name\":\"pod-%d\",\"namespace\":\"ns\","
                        "\"resourceVersion\":\"1\",\"managedFields\":[{\"a\":\"%0500d\"}]}}",
                        i > 0 ? "," : "", i, 7);
    buf_must_printf(&list, "]}");
    script_add(w->script,
               (struct script_step){
                   .method = "GET", .path = "pods?", .status = 200, .body = buf_c(&list)});
    c = start(w);
    assert_int_equal(cache_count(c, NULL), N);
    assert_true(cache_bytes(c) < N * 150);
    stop(w, c);
    buf_release(&list);
}

int
main(void)
{
#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_cache_follows_the_server),   WITH(test_cache_finds_out_what_it_missed),
        WITH(test_cache_notes_our_own_writes), WITH(test_manager_runs_controllers),
        WITH(test_manager_shares_caches),      WITH(test_cache_is_compact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
