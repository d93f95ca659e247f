/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <dirent.h>
#include <sys/stat.h>
#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "plane/plane.h"

#define CMS "/api/v1/namespaces/default/configmaps"

static char dir[] = "/tmp/planetest.XXXXXX";
static struct plane *plane;
static struct kube_transport *transport;

static void
remove_folder(void)
{
    DIR *d = opendir(dir);
    struct dirent *f;

    while (d != NULL && (f = readdir(d)) != NULL) {
        char *path = mem_printf("%s/%s", dir, f->d_name);
        if (f->d_name[0] != '.')
            (void)unlink(path);
        mem_free(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(dir);
}

static int
setup(void **state)
{
    struct plane_opts o = {.keep_revisions = 200, .bookmark_s = 1};
    struct err e = ERR_INIT;

    (void)state;
    memset(dir + sizeof(dir) - 7, 'X', 6);
    assert_non_null(mkdtemp(dir));
    T_OK(plane_open(dir, &o, &plane, &e));
    transport = plane_transport(plane);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    transport->free(transport);
    plane_close(plane);
    remove_folder();
    return 0;
}

/* The answer's tree (the caller frees); the status must be `want`. */
static struct json *
call(const char *method, const char *path, const char *type, const char *body, int want)
{
    struct ctx cx = {.fd = -1};
    struct kube_request rq = {.method = method,
                              .path = path,
                              .content_type = type,
                              .body = body != NULL ? str_c(body) : STR_LIT("")};
    struct kube_response r = {0};
    struct json *j = NULL;
    struct err e = ERR_INIT;

    T_OK(transport->call(transport, &cx, &rq, &r, &e));
    if (r.status != want)
        fail_msg("%s %s: %d, wanted %d: %s", method, path, r.status, want, buf_c(&r.body));
    T_OK(json_parse(buf_str(&r.body), &j, &e));
    buf_release(&r.body);
    return j;
}

static void
done(const char *method, const char *path, const char *type, const char *body, int want)
{
    json_free(call(method, path, type, body, want));
}

static char *
config_map(const char *name, const char *value)
{
    return mem_printf("{\"metadata\":{\"name\":\"%s\",\"labels\":{\"v\":\"%s\"}},"
                      "\"data\":{\"v\":\"%s\"}}",
                      name, value, value);
}

static void
make(const char *name, const char *value)
{
    char *text = config_map(name, value);

    done("POST", CMS, NULL, text, 201);
    mem_free(text);
}

static void
test_writes_meet_their_version(void **state)
{
    struct json *a;
    char *text;

    (void)state;
    make("x", "1");
    a = call("GET", CMS "/x", NULL, NULL, 200);
    assert_non_null(json_text(json_dig(a, "metadata", "uid")));
    assert_string_equal(json_text(json_field(a, "kind")), "ConfigMap");
    json_set_cstr(json_field(a, "data"), "v", "2");
    text = json_to_text(a, false);
    done("PUT", CMS "/x", NULL, text, 200);
    json_free(a);
    a = call("PUT", CMS "/x", NULL, text, 409);
    assert_string_equal(json_text(json_field(a, "reason")), "Conflict");
    T_CONTAINS(json_text(json_field(a, "message")), "please apply your changes to the latest");
    json_free(a);
    mem_free(text);
    text = config_map("x", "1");
    a = call("POST", CMS, NULL, text, 409);
    assert_string_equal(json_text(json_field(a, "message")), "configmaps \"x\" already exists");
    json_free(a);
    mem_free(text);
    done("PATCH", CMS "/x", "application/merge-patch+json", "{\"data\":{\"v\":\"3\"}}", 200);
    done("PATCH", CMS "/x", "application/json-patch+json",
         "[{\"op\":\"test\",\"path\":\"/data/v\",\"value\":\"9\"}]", 422);
    done("DELETE", CMS "/x", NULL, NULL, 200);
    done("GET", CMS "/x", NULL, NULL, 404);
}

static void
test_what_is_refused(void **state)
{
    struct json *a;

    (void)state;
    done("POST", "/api/v1/namespaces/nope/configmaps", NULL, "{\"metadata\":{\"name\":\"x\"}}",
         404);
    done("POST", CMS, NULL, "{\"metadata\":{\"name\":\"X_Y\"}}", 422);
    done("POST", CMS, NULL, "{\"metadata\":{}}", 422);
    done("POST", CMS, NULL, "{\"metadata\":{\"name\":\"x\",\"namespace\":\"other\"}}", 400);
    done("POST", CMS, NULL, "{\"kind\":\"Secret\",\"metadata\":{\"name\":\"x\"}}", 400);
    done("POST", CMS, NULL, "[]", 400);
    done("POST", CMS, NULL, "{", 400);
    done("GET", "/api/v1/namespaces/default/nopes", NULL, NULL, 404);
    done("GET", CMS "?labelSelector=%3D%3D", NULL, NULL, 400);
    done("PATCH", CMS "/x", "text/plain", "{}", 404);
    a = call("POST", "/apis/batch/v1/namespaces/default/cronjobs", NULL,
             "{\"metadata\":{\"name\":\"c\"},\"spec\":{}}", 422);
    assert_string_equal(json_text(json_field(a, "reason")), "Invalid");
    T_CONTAINS(json_text(json_field(a, "message")),
               "CronJob.batch \"c\" is invalid: [spec.schedule: Required value");
    json_free(a);
}

static void
test_lists_have_pages_and_selectors(void **state)
{
    struct json *a, *b;
    char name[16], *path;

    (void)state;
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        make(name, i % 2 == 0 ? "even" : "odd");
    }
    a = call("GET", CMS "?limit=3", NULL, NULL, 200);
    assert_int_equal(json_size(json_field(a, "items")), 3);
    path = mem_printf(CMS "?limit=3&continue=%s", json_text(json_dig(a, "metadata", "continue")));
    b = call("GET", path, NULL, NULL, 200);
    assert_int_equal(json_size(json_field(b, "items")), 2);
    assert_null(json_dig(b, "metadata", "continue"));
    assert_true(json_same(json_dig(a, "metadata", "resourceVersion"),
                          json_dig(b, "metadata", "resourceVersion")));
    json_free(a);
    json_free(b);
    mem_free(path);
    a = call("GET", "/api/v1/configmaps?labelSelector=v%3Dodd", NULL, NULL, 200);
    assert_int_equal(json_size(json_field(a, "items")), 2);
    json_free(a);
    a = call("GET", CMS "?fieldSelector=metadata.name%3Dc4", NULL, NULL, 200);
    assert_int_equal(json_size(json_field(a, "items")), 1);
    json_free(a);
    done("DELETE", CMS "?labelSelector=v%3Deven", NULL, NULL, 200);
    a = call("GET", CMS, NULL, NULL, 200);
    assert_int_equal(json_size(json_field(a, "items")), 2);
    json_free(a);
}

static void
test_finalizers_hold_what_is_deleted(void **state)
{
    struct json *a;

    (void)state;
    done("POST", CMS, NULL, "{\"metadata\":{\"name\":\"x\",\"finalizers\":[\"a/b\"]}}", 201);
    a = call("DELETE", CMS "/x", NULL, "{\"propagationPolicy\":\"Background\"}", 200);
    assert_non_null(json_dig(a, "metadata", "deletionTimestamp"));
    json_free(a);
    done("GET", CMS "/x", NULL, NULL, 200);
    done("PATCH", CMS "/x", "application/merge-patch+json", "{\"metadata\":{\"finalizers\":[]}}",
         200);
    done("GET", CMS "/x", NULL, NULL, 404);
    make("y", "1");
    a = call("DELETE", CMS "/y", NULL, "{\"propagationPolicy\":\"Foreground\"}", 200);
    assert_string_equal(json_text(json_elem(json_dig(a, "metadata", "finalizers"), 0)),
                        "foregroundDeletion");
    json_free(a);
    make("z", "1");
    done("DELETE", CMS "/z", NULL, "{\"preconditions\":{\"uid\":\"other\"}}", 409);
    done("DELETE", CMS "/z?dryRun=All", NULL, NULL, 200);
    done("GET", CMS "/z", NULL, NULL, 200);
}

static void
test_status_is_apart_and_generations_count(void **state)
{
    static const char job[] =
        "{\"metadata\":{\"generateName\":\"j-\"},\"status\":{\"active\":9},\"spec\":{\"template\":{"
        "\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"name\":\"a\",\"image\":\"i\"}]}}}"
        "}";
    struct json *a = call("POST", "/apis/batch/v1/namespaces/default/jobs", NULL, job, 201);
    char *path = mem_printf("/apis/batch/v1/namespaces/default/jobs/%s",
                            json_text(json_dig(a, "metadata", "name")));
    char *status = mem_printf("%s/status", path);

    (void)state;
    assert_int_equal(json_size(json_field(a, "status")), 0);
    assert_int_equal(json_int_or(json_dig(a, "spec", "backoffLimit"), 0), 6);
    assert_int_equal(json_int_or(json_dig(a, "metadata", "generation"), 0), 1);
    json_free(a);
    a = call("PATCH", status, "application/merge-patch+json",
             "{\"spec\":{\"backoffLimit\":1},\"status\":{\"active\":1}}", 200);
    assert_int_equal(json_int_or(json_dig(a, "spec", "backoffLimit"), 0), 6);
    assert_int_equal(json_int_or(json_dig(a, "status", "active"), 0), 1);
    assert_int_equal(json_int_or(json_dig(a, "metadata", "generation"), 0), 1);
    json_free(a);
    a = call("PATCH", path, "application/strategic-merge-patch+json",
             "{\"spec\":{\"backoffLimit\":1},\"status\":{\"active\":2}}", 200);
    assert_int_equal(json_int_or(json_dig(a, "status", "active"), 0), 1);
    assert_int_equal(json_int_or(json_dig(a, "metadata", "generation"), 0), 2);
    json_free(a);
    mem_free(path);
    mem_free(status);
}

/* --- watches --------------------------------------------------------------------------------- */

struct lines {
    struct kube_stream *s;
    struct buf b;
};

static void
watch(struct lines *l, struct ctx *cx, const char *path)
{
    struct kube_request rq = {.method = "GET", .path = path};
    struct kube_response r = {0};
    struct err e = ERR_INIT;

    buf_init(&l->b, 1024 * 1024);
    T_OK(transport->open(transport, cx, &rq, &r, &l->s, &e));
    if (l->s == NULL)
        fail_msg("%s: %d %s", path, r.status, buf_c(&r.body));
    buf_release(&r.body);
}

/* The next event as "TYPE name", "" at the end; the caller frees. */
static char *
next(struct lines *l)
{
    struct err e = ERR_INIT;
    struct json *j = NULL;
    uint8_t *nl;
    char *out;
    size_t got = 1, n;

    while ((nl = l->b.n > 0 ? memchr(l->b.p, '\n', l->b.n) : NULL) == NULL && got > 0) {
        uint8_t some[7];
        T_OK(rd_read(&l->s->rd, some, sizeof(some), &got, &e));
        buf_must_add(&l->b, some, got);
    }
    if (nl == NULL)
        return mem_strdup("");
    n = (size_t)(nl - l->b.p) + 1;
    T_OK(json_parse(str_of(l->b.p, n), &j, &e));
    out = mem_printf("%s %s", json_text(json_field(j, "type")),
                     json_text_or(json_dig(j, "object", "metadata", "name"),
                                  json_text_or(json_dig(j, "object", "reason"), "")));
    json_free(j);
    memmove(l->b.p, l->b.p + n, l->b.n - n);
    l->b.n -= n;
    return out;
}

static void
expect(struct lines *l, const char *want)
{
    char *got = next(l);

    assert_string_equal(got, want);
    mem_free(got);
}

static void
end(struct lines *l)
{
    transport->close_stream(l->s);
    buf_release(&l->b);
}

static void
test_watches_see_what_they_selected(void **state)
{
    struct ctx cx = {.fd = -1};
    struct lines all, odd;

    (void)state;
    make("a", "odd");
    watch(&all, &cx, CMS "?watch=true&timeoutSeconds=2&allowWatchBookmarks=true");
    watch(&odd, &cx, CMS "?watch=true&timeoutSeconds=1&labelSelector=v%3Dodd");
    make("b", "even");
    done("PATCH", CMS "/b", "application/merge-patch+json",
         "{\"metadata\":{\"labels\":{\"v\":\"odd\"}}}", 200);
    done("PATCH", CMS "/a", "application/merge-patch+json",
         "{\"metadata\":{\"labels\":{\"v\":\"even\"}}}", 200);
    done("DELETE", CMS "/a", NULL, NULL, 200);
    expect(&all, "ADDED a");
    expect(&all, "ADDED b");
    expect(&all, "MODIFIED b");
    expect(&all, "MODIFIED a");
    expect(&all, "DELETED a");
    expect(&all, "BOOKMARK ");
    expect(&odd, "ADDED a");
    expect(&odd, "ADDED b");
    expect(&odd, "DELETED a");
    expect(&odd, "");
    end(&all);
    end(&odd);
}

static void
test_a_watch_of_what_was_dropped_says_so(void **state)
{
    struct ctx cx = {.fd = -1};
    struct lines l;

    (void)state;
    make("a", "0");
    for (int i = 0; i < 500; i++) {
        char body[64];
        (void)snprintf(body, sizeof(body), "{\"data\":{\"v\":\"%d\"}}", i);
        done("PATCH", CMS "/a", "application/merge-patch+json", body, 200);
    }
    watch(&l, &cx, CMS "?watch=true&resourceVersion=2");
    expect(&l, "ERROR Expired");
    expect(&l, "");
    end(&l);
}

static void *
write_many(void *arg)
{
    for (int i = 0; i < 40; i++) {
        char *name = mem_printf("t%d-%d", (int)(intptr_t)arg, i);
        make(name, "1");
        mem_free(name);
    }
    return NULL;
}

static void
test_many_write_while_one_watches(void **state)
{
    pthread_t all[4];
    struct ctx cx = {.fd = -1};
    struct lines l;

    (void)state;
    watch(&l, &cx, CMS "?watch=true&timeoutSeconds=30");
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(pthread_create(&all[i], NULL, write_many, (void *)(intptr_t)i), 0);
    for (int i = 0; i < 160; i++) {
        char *got = next(&l);
        assert_int_equal(strncmp(got, "ADDED t", 7), 0);
        mem_free(got);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        assert_int_equal(pthread_join(all[i], NULL), 0);
    end(&l);
}

static void
test_one_process_at_a_time_and_all_is_kept(void **state)
{
    struct plane *other = NULL;
    struct err e = ERR_INIT;

    (void)state;
    make("kept", "1");
    T_RC(plane_open(dir, NULL, &other, &e), RC_LOCKED);
    T_CONTAINS(e.msg, "already running as pid");
    transport->free(transport);
    plane_close(plane);
    e = (struct err)ERR_INIT;
    T_OK(plane_open(dir, NULL, &plane, &e));
    transport = plane_transport(plane);
    done("GET", CMS "/kept", NULL, NULL, 200);
    T_RC(plane_serve(plane, "0.0.0.0:0", &e), RC_INVALID);
}

/* What somebody else could have put there is not believed. */
static void
test_a_folder_of_others_is_refused(void **state)
{
    char other[] = "/tmp/cstash-other-XXXXXX";
    struct plane *p = NULL;
    struct err e = ERR_INIT;

    (void)state;
    assert_non_null(mkdtemp(other));
    assert_int_equal(chmod(other, 0777), 0);
    T_RC(plane_open(other, NULL, &p, &e), RC_DENIED);
    T_CONTAINS(e.msg, "others may write");
    if (geteuid() == 0) {
        assert_int_equal(chmod(other, 0700), 0);
        assert_int_equal(chown(other, 65533, 65533), 0);
        T_RC(plane_open(other, NULL, &p, &e), RC_DENIED);
        T_CONTAINS(e.msg, "another user");
    }
    assert_int_equal(rmdir(other), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_of_others_is_refused),
        cmocka_unit_test_setup_teardown(test_writes_meet_their_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_have_pages_and_selectors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_finalizers_hold_what_is_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_status_is_apart_and_generations_count, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_watches_see_what_they_selected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_watch_of_what_was_dropped_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_write_while_one_watches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_process_at_a_time_and_all_is_kept, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
