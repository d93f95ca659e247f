/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/store_play.h"

#include "base/mem.h"

#define HELLO_SHA1 "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
#define LOCK "locks/0000000000000000000000000000000000000000000000000000000000000000"

/* The server plays all hosts of B2; tokens are secret-1, secret-2, ... of `n`. */
static void
play_add_token(struct play *p, int n, const char *bucket)
{
    char *body;

    play_listen(p);
    body = mem_printf("{\"accountId\":\"a\",\"authorizationToken\":\"secret-%d\",\"apiUrl\":\"%s\","
                      "\"downloadUrl\":\"%s\",\"allowed\":{\"bucketId\":%s,\"bucketName\":%s}}",
                      n, p->url, p->url, bucket != NULL ? "\"b1\"" : "null",
                      bucket != NULL ? bucket : "null");
    play_add(p, 200, body);
    mem_free(body);
}

static void
play_add_upload(struct play *p, int n)
{
    char *body = mem_printf(
        "{\"uploadUrl\":\"%s/secret-up%d\",\"authorizationToken\":\"secret-u%d\"}", p->url, n, n);

    play_add(p, 200, body);
    mem_free(body);
}

static void
play_open_b2(struct play *p)
{
    const struct store_opts patient = {.retry_ms = 3000};
    const char *env[] = {"B2_ACCOUNT_ID", "id", "B2_ACCOUNT_KEY", "secret-key", "B2_ENVIRONMENT",
                         p->url,          NULL};

    play_open(p, "b2:bucket:/p", env, &patient);
}

static enum rc
play_put(struct play *p, struct err *e)
{
    const struct store_name name = {.type = STORE_LOCK};

    return store_put_all(&p->cx, p->store, &name, STR_LIT("hello"), e);
}

static void
test_b2_upload_url_is_kept_and_replaced_when_it_fails(void **state)
{
    struct play p = {.n = 0};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add_token(&p, 1, NULL);
    play_add(&p, 200, "{\"buckets\":[{\"bucketId\":\"b1\"}]}");
    play_add_upload(&p, 1);
    play_add(&p, 200, "{}");
    play_add(&p, 503, "{\"status\":503,\"code\":\"service_unavailable\",\"message\":\"m\"}");
    play_add_upload(&p, 2);
    play_add(&p, 200, "{}");
    play_open_b2(&p);
    T_OK(play_put(&p, &e));
    T_OK(play_put(&p, &e));
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "GET /b2api/v2/b2_authorize_account HTTP/1.1"), 1);
    T_CONTAINS(seen, "Authorization: Basic aWQ6c2VjcmV0LWtleQ==\r\n");
    T_CONTAINS(seen, "{\"accountId\":\"a\",\"bucketName\":\"bucket\"}");
    assert_int_equal(http_script_count(seen, "POST /b2api/v2/b2_get_upload_url HTTP/1.1"), 2);
    assert_int_equal(http_script_count(seen, "POST /secret-up1 HTTP/1.1"), 2);
    assert_int_equal(http_script_count(seen, "POST /secret-up2 HTTP/1.1"), 1);
    assert_int_equal(http_script_count(seen, "Authorization: secret-u1\r\n"), 2);
    assert_int_equal(http_script_count(seen, "X-Bz-File-Name: p/" LOCK "\r\n"), 3);
    assert_int_equal(http_script_count(seen, "X-Bz-Content-Sha1: " HELLO_SHA1 "\r\n"), 3);
    mem_free(seen);
}

static void
test_b2_token_that_expired_is_replaced(void **state)
{
    struct play p = {.n = 0};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add_token(&p, 1, "\"bucket\""); /* a restricted key tells the bucket's id */
    play_add(&p, 401, "{\"status\":401,\"code\":\"expired_auth_token\",\"message\":\"m\"}");
    play_add_token(&p, 2, "\"bucket\"");
    play_add_upload(&p, 1);
    play_add(&p, 200, "{}");
    play_open_b2(&p);
    T_OK(play_put(&p, &e));
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "Authorization: secret-1\r\n"), 1);
    assert_int_equal(http_script_count(seen, "Authorization: secret-2\r\n"), 1);
    assert_null(strstr(seen, "b2_list_buckets"));
    mem_free(seen);
}

static void
test_b2_answers_that_may_be_a_proxys_are_asked_for_again(void **state)
{
    static const char proxy[] = "<Error><Code>AccessDenied</Code></Error>";
    struct play p = {.n = 0};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add(&p, 403, proxy);
    play_add_token(&p, 1, NULL);
    play_add(&p, 404, proxy);
    play_add(&p, 200, "{\"buckets\":[{\"buck"); /* cut short */
    play_add(&p, 200, "{\"buckets\":[{\"bucketId\":\"b1\"}]}");
    play_add_upload(&p, 1);
    play_add(&p, 200, "{}");
    play_open_b2(&p);
    T_OK(play_put(&p, &e));
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "GET /b2api/v2/b2_authorize_account HTTP/1.1"), 2);
    assert_int_equal(http_script_count(seen, "POST /b2api/v2/b2_list_buckets HTTP/1.1"), 3);
    mem_free(seen);
}

static void
test_b2_deletes_all_versions(void **state)
{
    const struct store_name name = {.type = STORE_LOCK};
    struct play p = {.n = 0};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add_token(&p, 1, "\"bucket\"");
    play_add(&p, 200, "{\"files\":[{\"fileN"); /* cut short */
    play_add(&p, 200,
             "{\"files\":[{\"fileName\":\"p/" LOCK "\",\"fileId\":\"f1\"},{\"fileName\":\"p/" LOCK
             "\",\"fileId\":\"f2\"},{\"fileName\":\"p/" LOCK "x\",\"fileId\":\"f3\"}]}");
    play_add(&p, 200, "{}");
    play_add(&p, 400, "{\"status\":400,\"code\":\"file_not_present\",\"message\":\"m\"}");
    play_open_b2(&p);
    T_OK(p.store->ops->del(&p.cx, p.store, &name, &e));
    seen = play_end(&p);
    T_CONTAINS(seen, "{\"bucketId\":\"b1\",\"prefix\":\"p/" LOCK "\",\"maxFileCount\":100}");
    T_CONTAINS(seen, "{\"fileName\":\"p/" LOCK "\",\"fileId\":\"f1\"}");
    T_CONTAINS(seen, "{\"fileName\":\"p/" LOCK "\",\"fileId\":\"f2\"}");
    assert_null(strstr(seen, "f3"));
    mem_free(seen);
}

static void
test_b2_upload_that_was_damaged_is_sent_again(void **state)
{
    struct play p = {.n = 0};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add_token(&p, 1, "\"bucket\"");
    play_add_upload(&p, 1);
    play_add(&p, 400,
             "{\"status\":400,\"code\":\"bad_request\",\"message\":\"Checksum did not match data "
             "received\"}");
    play_add_upload(&p, 2);
    play_add(&p, 200, "{}");
    play_open_b2(&p);
    T_OK(play_put(&p, &e));
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "X-Bz-Content-Sha1: " HELLO_SHA1 "\r\n"), 2);
    mem_free(seen);
}

static void
test_b2_bucket_of_somebody_else_is_not_made(void **state)
{
    struct play p = {.n = 0};
    struct err e = ERR_INIT;

    (void)state;
    play_add_token(&p, 1, NULL);
    for (int i = 0; i < 2; i++) { /* it looks again: the bucket could be its own */
        play_add(&p, 200, "{\"buckets\":[]}");
        play_add(&p, 400, "{\"status\":400,\"code\":\"duplicate_bucket_name\",\"message\":\"m\"}");
    }
    play_open_b2(&p);
    T_RC(p.store->ops->create(&p.cx, p.store, &e), RC_CONFLICT);
    T_CONTAINS(e.hint, "take another");
    mem_free(play_end(&p));
}

static void
test_b2_says_what_a_user_can_do(void **state)
{
    static const struct {
        const char *bucket; /* of the key; NULL: the key is wrong */
        int status;
        enum rc rc;
        const char *body, *msg, *hint;
    } cases[] = {
        {NULL, 401, RC_DENIED, "{\"status\":401,\"code\":\"unauthorized\",\"message\":\"words\"}",
         "b2_authorize_account was answered 401 unauthorized: words", "B2_ACCOUNT_KEY right"},
        {"\"other\"", 0, RC_DENIED, NULL, "for the bucket other only", "name of the bucket"},
        {"null", 200, RC_NOT_FOUND, "{\"buckets\":[]}", "there is no bucket bucket", "init"},
        {"\"bucket\"", 401, RC_DENIED,
         "{\"status\":401,\"code\":\"unauthorized\",\"message\":\"\"}", "401 unauthorized",
         "what may the application key do"},
        {"\"bucket\"", 403, RC_IO,
         "{\"status\":403,\"code\":\"storage_cap_exceeded\",\"message\":\"m\"}",
         "403 storage_cap_exceeded: m", "caps"},
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct play p = {.n = 0};
        play_add_token(&p, 1, cases[i].bucket);
        if (cases[i].bucket == NULL) {
            mem_free(p.answers[0]);
            p.answers[p.n = 0] = NULL;
        }
        if (cases[i].body != NULL)
            play_add(&p, cases[i].status, cases[i].body);
        play_open_b2(&p);
        T_RC(play_put(&p, &e), cases[i].rc);
        T_CONTAINS(e.msg, cases[i].msg);
        T_CONTAINS(e.hint, cases[i].hint);
        assert_null(strstr(e.msg, "secret"));
        mem_free(play_end(&p));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_b2_upload_url_is_kept_and_replaced_when_it_fails),
        cmocka_unit_test(test_b2_token_that_expired_is_replaced),
        cmocka_unit_test(test_b2_answers_that_may_be_a_proxys_are_asked_for_again),
        cmocka_unit_test(test_b2_deletes_all_versions),
        cmocka_unit_test(test_b2_upload_that_was_damaged_is_sent_again),
        cmocka_unit_test(test_b2_bucket_of_somebody_else_is_not_made),
        cmocka_unit_test(test_b2_says_what_a_user_can_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
