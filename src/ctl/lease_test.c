/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/kube_script.h"

#include "ctl/lease.h"
#include "ctl/recorder.h"
#include "kube/object.h"

static int64_t now;

static int64_t
fake_now(void)
{
    return now;
}

struct world {
    struct ctx cx;
    struct script *script;
    struct kube *k;
};

static int
setup(void **state)
{
    struct world *w = MEM_NEW(struct world);
    struct err e = ERR_INIT;

    assert_int_equal(ctx_init(&w->cx, &e), RC_OK);
    w->script = script_new();
    w->k = kube_new(&w->script->t, NULL);
    now = 1795305600000;
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

#define LEASE(holder, renewed)                                                                     \
    "{\"metadata\":{\"name\":\"l\",\"namespace\":\"ns\",\"resourceVersion\":\"5\"},\"spec\":{"     \
    "\"holderIdentity\":\"" holder "\",\"leaseDurationSeconds\":15,\"leaseTransitions\":3,"        \
    "\"renewTime\":\"" renewed "\"}}"

static void
get_gives(struct world *w, const char *body)
{
    script_add(w->script, (struct script_step){
                              .method = "GET", .path = "/leases/l", .status = 200, .body = body});
}

static void
put_gives(struct world *w, int status)
{
    script_add(w->script, (struct script_step){.method = "PUT",
                                               .path = "/leases/l",
                                               .status = status,
                                               .body = "{\"reason\":\"Conflict\"}"});
}

static struct lease *
new_lease(struct world *w)
{
    return lease_new(
        w->k, &(struct lease_opts){
                  .ns = "ns", .name = "l", .identity = "me", .retry_ms = 1, .now_ms = fake_now});
}

static void
test_lease_is_made_and_renewed(void **state)
{
    struct world *w = *state;
    struct lease *l = new_lease(w);
    struct err e = ERR_INIT;
    bool held = false;

    script_add(w->script, (struct script_step){
                              .method = "POST", .path = "/leases", .status = 201, .body = "{}"});
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_true(held && lease_is_held(l));
    assert_true(script_saw(w->script, "\"holderIdentity\":\"me\",\"leaseDurationSeconds\":15"));
    get_gives(w, LEASE("me", "x"));
    put_gives(w, 200);
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_true(held);
    assert_true(script_saw(w->script, "\"leaseTransitions\":3"));
    get_gives(w, LEASE("me", "x"));
    put_gives(w, 200);
    lease_free(l);
    assert_true(script_saw(w->script, "\"holderIdentity\":\"\""));
}

static void
test_lease_survives_a_lost_answer(void **state)
{
    struct world *w = *state;
    struct lease *l = new_lease(w);
    struct err e = ERR_INIT;
    bool held = false;

    get_gives(w, LEASE("me", "t1"));
    put_gives(w, 0);
    put_gives(w, 409); /* to the first one */
    get_gives(w, LEASE("me", "t2"));
    put_gives(w, 200);
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_true(held);
    get_gives(w, LEASE("you", "t3"));
    lease_free(l);
}

static void
test_lease_waits_for_another_to_expire(void **state)
{
    struct world *w = *state;
    struct lease *l = new_lease(w);
    struct err e = ERR_INIT;
    bool held = true;

    get_gives(w, LEASE("you", "t1"));
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_false(held);
    now += 14000;
    get_gives(w, LEASE("you", "t2"));
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_false(held);
    now += 14999;
    get_gives(w, LEASE("you", "t2"));
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_false(held);
    now += 1;
    get_gives(w, LEASE("you", "t2"));
    put_gives(w, 409);
    get_gives(w, LEASE("they", "t3"));
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_false(held);
    now += 15000;
    get_gives(w, LEASE("they", "t3"));
    put_gives(w, 200);
    T_OK(lease_acquire(&w->cx, l, &e));
    assert_true(script_saw(w->script, "\"leaseTransitions\":4"));
    get_gives(w, LEASE("you", "t4"));
    lease_free(l); /* somebody has it: it stays his */
    assert_false(script_saw(w->script, "\"holderIdentity\":\"\""));
}

static void
on_lost(void *arg)
{
    atomic_store((atomic_int *)arg, 1);
}

static void
test_lease_tells_when_it_is_lost(void **state)
{
    struct world *w = *state;
    struct lease *l = new_lease(w);
    atomic_int lost = 0;
    struct err e = ERR_INIT;
    bool held;

    get_gives(w, LEASE("", "t1"));
    put_gives(w, 200);
    T_OK(lease_try(&w->cx, l, &held, &e));
    assert_true(held);
    get_gives(w, LEASE("me", "t1"));
    put_gives(w, 200);
    get_gives(w, LEASE("you", "t2"));
    T_OK(lease_keep(l, on_lost, &lost, &e));
    for (int i = 0; i < 5000 && !atomic_load(&lost); i++)
        T_OK(ctx_sleep(&w->cx, 1, &e));
    assert_true(atomic_load(&lost));
    assert_false(lease_is_held(l));
    lease_free(l);
}

static void
test_recorder_counts_the_same_event(void **state)
{
    struct world *w = *state;
    struct recorder *r =
        recorder_new(w->k, &(struct recorder_opts){.component = "cstash", .now_ms = fake_now});
    struct json *obj = kube_object_new(&KUBE_JOB, "ns", "j");
    size_t before;

    json_set_cstr(kube_meta(obj), "uid", "u");
    for (int i = 0; i < 2; i++)
        script_add(
            w->script,
            (struct script_step){.method = "POST", .path = "/events", .status = 201, .body = "{}"});
    script_add(
        w->script,
        (struct script_step){.method = "PATCH", .path = "/events/j.", .status = 200, .body = "{}"});
    recorder_event(&w->cx, r, obj, "Warning", "Failed", "it %s", "broke");
    assert_true(script_saw(w->script,
                           "\"involvedObject\":{\"apiVersion\":\"batch/v1\",\"kind\":"
                           "\"Job\",\"name\":\"j\",\"namespace\":\"ns\",\"uid\":\"u\"}"));
    assert_true(script_saw(w->script, "\"message\":\"it broke\""));
    recorder_event(&w->cx, r, obj, "Warning", "Failed", "it broke");
    assert_true(script_saw(w->script, "{\"count\":2,\"lastTimestamp\":"));
    now += 600000;
    recorder_event(&w->cx, r, obj, "Warning", "Failed", "it broke");
    assert_int_equal(w->script->calls, 3);
    before = w->script->calls;
    for (int i = 0; i < 100; i++)
        recorder_event(&w->cx, r, obj, "Normal", "Talk", "word %d", i);
    assert_in_range(w->script->calls - before, 22, 26);
    recorder_free(r);
    json_free(obj);
}

/* The operator and a Job tell of the same object in the same moment: neither's event is lost. */
static void
test_recorder_finds_a_name_that_is_free(void **state)
{
    struct world *w = *state;
    struct recorder *r =
        recorder_new(w->k, &(struct recorder_opts){.component = "cstash", .now_ms = fake_now});
    struct json *obj = kube_object_new(&KUBE_JOB, "ns", "j");

    now = 1;
    script_add(w->script,
               (struct script_step){.method = "POST",
                                    .path = "/events",
                                    .status = 409,
                                    .body = "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\"}"});
    script_add(w->script, (struct script_step){
                              .method = "POST", .path = "/events", .status = 201, .body = "{}"});
    script_add(w->script,
               (struct script_step){
                   .method = "PATCH", .path = "/events/j.f4241", .status = 200, .body = "{}"});
    recorder_event(&w->cx, r, obj, "Normal", "Made", "it is there");
    assert_true(script_saw(w->script, "\"name\":\"j.f4240\""));
    assert_true(script_saw(w->script, "\"name\":\"j.f4241\""));
    recorder_event(&w->cx, r, obj, "Normal", "Made", "it is there");
    assert_int_equal(w->script->calls, 3);
    recorder_free(r);
    json_free(obj);
}

int
main(void)
{
#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_lease_is_made_and_renewed),         WITH(test_lease_survives_a_lost_answer),
        WITH(test_lease_waits_for_another_to_expire), WITH(test_lease_tells_when_it_is_lost),
        WITH(test_recorder_counts_the_same_event),    WITH(test_recorder_finds_a_name_that_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
