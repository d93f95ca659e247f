/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/kube_script.h"

#include "kube/limit.h"
#include "kube/object.h"
#include "kube/watch.h"

enum { TRIES = 4 };

struct world {
    struct ctx cx;
    struct script *script;
    struct kube *k;
    struct err e;
};

static int
setup(void **state)
{
    struct world *w = MEM_NEW(struct world);

    assert_int_equal(ctx_init(&w->cx, &w->e), RC_OK);
    w->script = script_new();
    w->k = kube_new(&w->script->t, &(struct kube_opts){.manager = "tester", .tries = TRIES});
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    kube_free(w->k);
    ctx_release(&w->cx);
    mem_free(w);
    return 0;
}

#define STATUS(code, reason, message)                                                              \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":" #code ",\"reason\":\"" reason          \
    "\",\"message\":\"" message "\"}"

#define NO_ROLE "you cannot: RBAC: clusterrole \\\"x\\\" not found"

static void
test_kube_status_codes(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum rc want;
        bool retry;
    } cases[] = {
        {404, STATUS(404, "NotFound", "gone"), RC_NOT_FOUND, false},
        {409, STATUS(409, "AlreadyExists", "x"), RC_EXISTS, false},
        {409, STATUS(409, "Conflict", "x"), RC_CONFLICT, false},
        {410, STATUS(410, "Expired", "x"), RC_CONFLICT, false},
        {401, STATUS(401, "Unauthorized", "x"), RC_DENIED, false},
        {403, STATUS(403, "Forbidden", "x"), RC_DENIED, false},
        {400, "", RC_INVALID, false},
        {422, STATUS(422, "Invalid", "x"), RC_INVALID, false},
        {413, "too large", RC_LIMIT, false},
        {500, "<html>", RC_UNAVAILABLE, true},
        {503, "", RC_UNAVAILABLE, true},
    };
    struct world *w = *state;
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *obj = NULL;
        for (int n = 0; n < (cases[i].retry ? TRIES : 1); n++)
            script_add(w->script, (struct script_step){.method = "GET",
                                                       .path = "/api/v1/namespaces/ns/pods/p",
                                                       .status = cases[i].status,
                                                       .body = cases[i].body});
        T_RC(kube_get(&w->cx, w->k, &KUBE_POD, "ns", "p", &obj, &e), cases[i].want);
        assert_int_equal(e.sys, cases[i].status);
        assert_int_equal(e.retry, cases[i].retry);
    }
    assert_int_equal(kube_status_error(&e, 403, 0, NULL), RC_DENIED);
    assert_true(kube_knows_no_roles(403, NO_ROLE));
    assert_false(kube_knows_no_roles(404, NO_ROLE));
    assert_false(kube_knows_no_roles(403, "RBAC: no such luck"));
    assert_false(kube_knows_no_roles(403, NULL));
}

static void
test_kube_paths(void **state)
{
    static const struct kube_gvr crd = {"stash.appscode.com", "v1beta1", "backupconfigurations",
                                        "BackupConfiguration", true};
    struct buf b = BUF_INIT(1000);

    (void)state;
    kube_path(&b, &KUBE_POD, "ns", "p", "log");
    kube_query(&b, "follow", "true");
    kube_query(&b, "none", NULL);
    kube_query(&b, "container", "a b/c");
    assert_string_equal(buf_c(&b),
                        "/api/v1/namespaces/ns/pods/p/log?follow=true&container=a%20b%2Fc");
    buf_reset(&b);
    kube_path(&b, &crd, NULL, NULL, NULL);
    assert_string_equal(buf_c(&b), "/apis/stash.appscode.com/v1beta1/backupconfigurations");
    buf_reset(&b);
    kube_path(&b, &KUBE_CLUSTER_ROLE, "ignored", "a:b/c", "status");
    assert_string_equal(buf_c(&b),
                        "/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab%2Fc/status");
    buf_release(&b);
}

static void
test_kube_list_pages(void **state)
{
    struct world *w = *state;
    struct kube_list_opts o = {.kind = &KUBE_POD, .label_selector = "a=b", .page = 2};
    struct json *items = NULL;
    struct err e = ERR_INIT;
    char *rv = NULL;

    script_add(w->script,
               (struct script_step){.method = "GET",
                                    .path = "pods?labelSelector=a%3Db&limit=2",
                                    .status = 200,
                                    .body = "{\"metadata\":{\"continue\":\"t1\"},\"items\":[{"
                                            "\"metadata\":{\"name\":\"a\"}},{\"metadata\":{}}]}"});
    script_add(w->script,
               (struct script_step){.method = "GET",
                                    .path = "limit=2&continue=t1",
                                    .status = 200,
                                    .body = "{\"metadata\":{\"resourceVersion\":\"77\"},"
                                            "\"items\":[{\"metadata\":{\"name\":\"c\"}}]}"});
    T_OK(kube_list(&w->cx, w->k, &o, &items, &rv, &e));
    assert_int_equal(json_size(items), 3);
    assert_string_equal(rv, "77");
    assert_string_equal(kube_name(json_elem(items, 2)), "c");
    assert_string_equal(json_text(json_field(json_elem(items, 0), "kind")), "Pod");
    json_free(items);
    mem_free(rv);
}

static void
test_kube_list_begins_again_when_a_page_expired(void **state)
{
    struct world *w = *state;
    struct kube_list_opts o = {.kind = &KUBE_SECRET, .page = 1};
    struct json *items = NULL;
    struct err e = ERR_INIT;

    script_add(w->script, (struct script_step){.method = "GET",
                                               .path = "limit=1",
                                               .status = 200,
                                               .body = "{\"metadata\":{\"continue\":\"t1\"},"
                                                       "\"items\":[{}]}"});
    script_add(w->script, (struct script_step){.method = "GET",
                                               .path = "continue=t1",
                                               .status = 410,
                                               .body = STATUS(410, "Expired", "too slow")});
    script_add(w->script, (struct script_step){.method = "GET",
                                               .path = "/api/v1/secrets",
                                               .status = 200,
                                               .body = "{\"items\":[{},{}]}"});
    T_OK(kube_list(&w->cx, w->k, &o, &items, NULL, &e));
    assert_int_equal(json_size(items), 2);
    json_free(items);
}

static void
test_kube_retries_what_may_be_repeated(void **state)
{
    struct world *w = *state;
    struct json *out = NULL, *obj = kube_object_new(&KUBE_POD, "ns", "p");
    struct err e = ERR_INIT;

    script_add(w->script, (struct script_step){.method = "GET", .path = "pods/p", .status = 0});
    script_add(w->script, (struct script_step){
                              .method = "GET", .path = "pods/p", .status = 429, .after_ms = 1});
    script_add(w->script, (struct script_step){.method = "GET",
                                               .path = "pods/p",
                                               .status = 403,
                                               .body = STATUS(403, "Forbidden", NO_ROLE)});
    script_add(w->script, (struct script_step){
                              .method = "GET", .path = "pods/p", .status = 200, .body = "{}"});
    T_OK(kube_get(&w->cx, w->k, &KUBE_POD, "ns", "p", &out, &e));
    json_free(TAKE(out));
    script_add(w->script, (struct script_step){.method = "POST", .path = "pods", .status = 0});
    T_RC(kube_create(&w->cx, w->k, &KUBE_POD, NULL, obj, NULL, &out, &e), RC_UNAVAILABLE);
    script_add(w->script, (struct script_step){
                              .method = "POST", .path = "pods", .status = 503, .after_ms = 1});
    script_add(w->script,
               (struct script_step){.method = "POST", .path = "pods", .status = 201, .body = "{}"});
    T_OK(kube_create(&w->cx, w->k, &KUBE_POD, NULL, obj, NULL, &out, &e));
    assert_true(script_saw(w->script, "POST /api/v1/namespaces/ns/pods?fieldManager=tester {"));
    json_free(out);
    json_free(obj);
}

static void
test_kube_serves_what_can_be_watched(void **state)
{
    static const char *const bodies[] = {
        "{\"resources\":[{\"name\":\"pods/log\",\"verbs\":[\"get\"]},{\"name\":\"pods\",\"verbs\":["
        "\"list\",\"watch\"]}]}",
        "{\"resources\":[{\"name\":\"pods\",\"verbs\":[\"delete\",\"get\",\"list\"]}]}",
        "{\"resources\":[{\"name\":\"secrets\",\"verbs\":[\"watch\"]}]}"};
    static const enum rc codes[] = {RC_OK, RC_UNSUPPORTED, RC_NOT_FOUND};
    struct world *w = *state;
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        script_add(w->script,
                   (struct script_step){
                       .method = "GET", .path = "/api/v1", .status = 200, .body = bodies[i]});
        e = (struct err)ERR_INIT;
        assert_int_equal(kube_serves(&w->cx, w->k, &KUBE_POD, &e), codes[i]);
    }
    /* Who does not answer is not waited for. */
    script_add(w->script,
               (struct script_step){
                   .method = "GET", .path = "/apis/batch/v1", .status = 503, .after_ms = 1});
    script_add(w->script,
               (struct script_step){
                   .method = "GET", .path = "/apis/batch/v1", .status = 200, .body = "{}"});
    e = (struct err)ERR_INIT;
    assert_int_equal(kube_serves(&w->cx, w->k, &KUBE_JOB, &e), RC_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "v1.batch"));
    e = (struct err)ERR_INIT;
    assert_int_equal(kube_serves(&w->cx, w->k, &KUBE_JOB, &e), RC_NOT_FOUND);
}

static enum rc
add_one(void *arg, struct json *obj, struct err *e)
{
    (void)e;
    (*(int *)arg)++;
    json_set_int(json_need_object(obj, "status"), "n",
                 json_int_or(json_dig(obj, "status", "n"), 0) + 1);
    return RC_OK;
}

static void
test_kube_modify_again_on_conflict(void **state)
{
    struct world *w = *state;
    struct json *out = NULL;
    struct err e = ERR_INIT;
    int calls = 0;

    script_add(w->script,
               (struct script_step){.method = "GET",
                                    .path = "/jobs/j",
                                    .status = 200,
                                    .body = "{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\"},"
                                            "\"status\":{\"n\":1}}"});
    script_add(w->script,
               (struct script_step){.method = "PUT", .path = "/jobs/j/status", .status = 0});
    script_add(w->script, (struct script_step){.method = "PUT",
                                               .path = "/jobs/j/status",
                                               .status = 409,
                                               .body = STATUS(409, "Conflict", "changed")});
    script_add(w->script,
               (struct script_step){.method = "GET",
                                    .path = "/jobs/j",
                                    .status = 200,
                                    .body = "{\"metadata\":{\"name\":\"j\",\"namespace\":\"ns\"},"
                                            "\"status\":{\"n\":5}}"});
    script_add(w->script, (struct script_step){.method = "PUT",
                                               .path = "/jobs/j/status",
                                               .status = 200,
                                               .body = "{\"status\":{\"n\":6}}"});
    T_OK(kube_modify(&w->cx, w->k, &KUBE_JOB, "ns", "j", "status", add_one, &calls, &out, &e));
    assert_int_equal(calls, 2);
    assert_true(script_saw(w->script, "\"n\":6"));
    json_free(out);
}

static void
test_kube_patch_and_delete_say_how(void **state)
{
    struct world *w = *state;
    struct json *obj = kube_object_new(&KUBE_JOB, "ns", "j");
    struct err e = ERR_INIT;

    script_add(w->script, (struct script_step){
                              .method = "PATCH", .path = "jobs/j", .status = 200, .body = "{}"});
    T_OK(kube_apply(&w->cx, w->k, &KUBE_JOB, obj, &(struct kube_write){.force = true}, NULL, &e));
    assert_true(script_saw(w->script, "jobs/j?fieldManager=tester&force=true {"));
    script_add(w->script,
               (struct script_step){.method = "DELETE", .path = "jobs/j", .status = 200});
    T_OK(kube_delete(
        &w->cx, w->k, &KUBE_JOB, "ns", "j",
        &(struct kube_delete_opts){.propagation = "Background", .uid = "u", .has_grace = true},
        &e));
    assert_true(script_saw(w->script, "\"propagationPolicy\":\"Background\",\"gracePeriodSeconds\":"
                                      "0,\"preconditions\":{\"uid\":\"u\"}"));
    json_free(obj);
}

static void
test_watch_reads_events(void **state)
{
    struct world *w = *state;
    struct kube_watch *watch = NULL;
    enum kube_event_type type;
    struct json *obj = NULL;
    struct err e = ERR_INIT;

    script_add(w->script,
               (struct script_step){
                   .method = "GET",
                   .path = "watch=true",
                   .status = 200,
                   .body = "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n\n"
                           "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}\n"
                           "{\"type\":\"ERROR\",\"object\":" STATUS(410, "Expired", "old") "}\n"});
    T_OK(kube_watch_open(&w->cx, w->k, &KUBE_POD, NULL,
                         &(struct kube_watch_opts){.resource_version = "5"}, &watch, &e));
    T_OK(kube_watch_next(watch, &type, &obj, &e));
    assert_int_equal(type, KUBE_ADDED);
    assert_string_equal(kube_name(obj), "a");
    json_free(obj);
    T_OK(kube_watch_next(watch, &type, &obj, &e));
    assert_int_equal(type, KUBE_BOOKMARK);
    json_free(obj);
    T_RC(kube_watch_next(watch, &type, &obj, &e), RC_CONFLICT);
    assert_int_equal(e.sys, 410);
    kube_watch_close(watch);
    script_add(w->script, (struct script_step){
                              .method = "GET", .path = "watch", .status = 200, .body = "{\"ty"});
    T_OK(kube_watch_open(&w->cx, w->k, &KUBE_POD, NULL, &(struct kube_watch_opts){.timeout_s = 3},
                         &watch, &e));
    T_OK(kube_watch_next(watch, &type, &obj, &e));
    assert_int_equal(type, KUBE_END);
    kube_watch_close(watch);
}

/* Writes down what it is told; cancels at the object called "stop". */
struct story {
    struct kube_sink sink;
    struct buf text;
    struct ctx *cx;
};

static void
story_add(struct kube_sink *s, const char *what, const struct json *obj)
{
    struct story *st = CONTAINER_OF(s, struct story, sink);

    buf_must_printf(&st->text, "%s%s ", what, obj != NULL ? kube_name(obj) : "");
    if (obj != NULL && strcmp(kube_name(obj), "stop") == 0)
        ctx_cancel(st->cx);
}

static void
story_start(struct kube_sink *s)
{
    story_add(s, "start", NULL);
}

static void
story_item(struct kube_sink *s, struct json *obj)
{
    story_add(s, "=", obj);
}

static void
story_finish(struct kube_sink *s)
{
    story_add(s, "finish", NULL);
}

static void
story_event(struct kube_sink *s, enum kube_event_type type, struct json *obj)
{
    story_add(s, type == KUBE_ADDED ? "+" : type == KUBE_DELETED ? "-" : "~", obj);
}

static void
story_trouble(struct kube_sink *s, const struct err *e)
{
    (void)e;
    story_add(s, "trouble", NULL);
}

#define OBJ(name, rv) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" rv "\"}}"
#define EVENT(type, name, rv) "{\"type\":\"" type "\",\"object\":" OBJ(name, rv) "}\n"
#define LIST(rv, items) "{\"metadata\":{\"resourceVersion\":\"" rv "\"},\"items\":[" items "]}"

static void
test_reflect_resumes_and_lists_again(void **state)
{
    struct world *w = *state;
    struct story st = {.sink = {story_start, story_item, story_finish, story_event, story_trouble},
                       .text = BUF_INIT(10000),
                       .cx = &w->cx};
    struct kube_reflect_opts o = {.min_wait_ms = 1, .max_wait_ms = 2};
    const struct script_step steps[] = {
        {.method = "GET", .path = "pods?limit", .status = 500, .body = ""},
        {.method = "GET", .path = "pods?limit", .status = 200, .body = LIST("10", OBJ("a", "3"))},
        {.method = "GET",
         .path = "resourceVersion=10",
         .status = 200,
         .body = EVENT("ADDED", "b", "11") EVENT("BOOKMARK", "x", "20")},
        {.method = "GET", .path = "resourceVersion=20", .status = 0},
        {.method = "GET",
         .path = "resourceVersion=20",
         .status = 200,
         .body = EVENT("DELETED", "a", "21")},
        {.method = "GET",
         .path = "resourceVersion=21",
         .status = 410,
         .body = STATUS(410, "Expired", "old")},
        {.method = "GET", .path = "pods?limit", .status = 200, .body = LIST("40", OBJ("c", "4"))},
        {.method = "GET",
         .path = "resourceVersion=40",
         .status = 200,
         .body = EVENT("MODIFIED", "stop", "41"),
         .feeds = true},
    };
    struct err e = ERR_INIT;

    for (size_t i = 1; i < TRIES; i++)
        script_add(w->script, steps[0]);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        script_add(w->script, steps[i]);
    T_RC(kube_reflect(&w->cx, w->k, &KUBE_POD, NULL, &o, &st.sink, &e), RC_CANCELLED);
    assert_string_equal(buf_c(&st.text),
                        "start trouble start =a finish +b trouble -a trouble start "
                        "=c finish ~stop ");
    buf_release(&st.text);
}

static void
test_limit_counts(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l, 10, 2, 1000);
    assert_int_equal(limit_take(&l, 1000), 0);
    assert_int_equal(limit_take(&l, 1000), 0);
    assert_in_range(limit_take(&l, 1000), 100, 101);
    assert_in_range(limit_take(&l, 1000), 200, 201);
    assert_int_equal(limit_take(&l, 1400), 0);
    assert_true(limit_try(&l, 1400));
    assert_false(limit_try(&l, 1400));
    assert_true(limit_try(&l, 1600));
    limit_release(&l);
}

int
main(void)
{
#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_kube_status_codes),
        cmocka_unit_test(test_kube_paths),
        WITH(test_kube_list_pages),
        WITH(test_kube_list_begins_again_when_a_page_expired),
        WITH(test_kube_retries_what_may_be_repeated),
        WITH(test_kube_serves_what_can_be_watched),
        WITH(test_kube_modify_again_on_conflict),
        WITH(test_kube_patch_and_delete_say_how),
        WITH(test_watch_reads_events),
        WITH(test_reflect_resumes_and_lists_again),
        cmocka_unit_test(test_limit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
