/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/store_play.h"

static char auth[128], swift[128]; /* URLs */

/* The server plays both the identity service, at `path`, and Swift, at /v1/a. */
static void
play_start(struct play *p, const char *path)
{
    play_listen(p);
    (void)snprintf(auth, sizeof(auth), "%s%s", p->url, path);
    (void)snprintf(swift, sizeof(swift), "%s/v1/a", p->url);
}

#define TRANS "X-Trans-Id: tx1\r\n"
static const char stat_line[] = "HEAD /v1/a/c/prefix/keys/" PLAY_KEY " HTTP/1.1";

/* What version 1 gives out. */
static void
play_add_token(struct play *p, const char *token)
{
    char *fields;

    if (p->host[0] == '\0')
        play_start(p, "/auth/v1.0");
    fields = mem_printf("X-Storage-Url: %s\r\nX-Auth-Token: %s\r\nX-Auth-Token-Expires: 3600\r\n",
                        swift, token);
    play_add_fields(p, 200, fields, "");
    mem_free(fields);
}

static void
test_swift_token_is_kept_and_replaced_when_refused(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"ST_AUTH", auth, "ST_USER", "a:u", "ST_KEY", "k", NULL};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add_token(&p, "t1");
    play_add_fields(&p, 200, TRANS, "");
    play_add_fields(&p, 401, TRANS, "");
    play_add_token(&p, "t2");
    play_add_fields(&p, 200, TRANS, "");
    play_open(&p, "swift:c:/prefix", env, NULL);
    T_OK(play_stat(&p, 0, &e));
    T_OK(play_stat(&p, 0, &e));
    assert_int_equal(e.code, RC_OK); /* what came through leaves no error behind */
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "GET /auth/v1.0 HTTP/1.1"), 2);
    assert_int_equal(http_script_count(seen, "X-Auth-User: a:u\r\nX-Auth-Key: k\r\n"), 2);
    assert_int_equal(http_script_count(seen, stat_line), 3);
    assert_int_equal(http_script_count(seen, "X-Auth-Token: t1\r\n"), 2);
    assert_int_equal(http_script_count(seen, "X-Auth-Token: t2\r\n"), 1);
    mem_free(seen);
}

/* Somebody between us and the identity service. */
#define PROXY "<Error><Code>AccessDenied</Code></Error>"

static void
test_swift_believes_a_proxy_that_refuses_to_the_end(void **state)
{
    static const char words[] = "<html><h1>Unauthorized</h1></html>";
    static const struct {
        const char *fields, *body;
        size_t asked;
    } cases[] = {
        {"", PROXY, STORE_TRIES}, {TRANS, words, 1}, {"", "{\"error\":{\"message\":\"m\"}}", 1}};
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct play p = {.n = 0};
        const char *env[] = {"ST_AUTH", auth, "ST_USER", "a:u", "ST_KEY", "k", NULL};
        char *seen;
        for (size_t k = 0; k < cases[i].asked; k++)
            play_add_fields(&p, 403, cases[i].fields, cases[i].body);
        play_start(&p, "/auth/v1.0");
        play_open(&p, "swift:c:/prefix", env, NULL);
        T_RC(play_stat(&p, 0, &e), RC_DENIED);
        seen = play_end(&p);
        assert_int_equal(http_script_count(seen, "GET /auth/v1.0 HTTP/1.1"), cases[i].asked);
        mem_free(seen);
    }
}

#define PASSWORD "\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":"
#define APPLICATION                                                                                \
    "\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":"

static void
test_swift_asks_keystone_in_each_way(void **state)
{
    static const struct {
        const char *path, *env[16], *asked;
    } cases[] = {
        {"/v3",
         {"OS_USERNAME", "u", "OS_PASSWORD", "p", "OS_PROJECT_NAME", "n"},
         "{\"auth\":{" PASSWORD
         "{\"name\":\"u\",\"domain\":{\"id\":\"default\"},\"password\":\"p\"}"
         "}},\"scope\":{\"project\":{\"name\":\"n\",\"domain\":{\"id\":\"default\"}}}}}"},
        {"/identity/", /* no version: the newest; the project's domain: the user's */
         {"OS_USERNAME", "u", "OS_PASSWORD", "p", "OS_TENANT_NAME", "n", "OS_USER_DOMAIN_NAME",
          "d"},
         "{\"auth\":{" PASSWORD "{\"name\":\"u\",\"domain\":{\"name\":\"d\"},\"password\":\"p\"}}},"
         "\"scope\":{\"project\":{\"name\":\"n\",\"domain\":{\"name\":\"d\"}}}}}"},
        {"/v3/",
         {"OS_USER_ID", "i", "OS_PASSWORD", "p", "OS_TENANT_ID", "t"},
         "{\"auth\":{" PASSWORD
         "{\"id\":\"i\",\"password\":\"p\"}}},\"scope\":{\"project\":{\"id\":\"t\"}}}}"},
        {"/v3",
         {"OS_USER_ID", "i", "OS_PASSWORD", "p", "OS_TRUST_ID", "t", "OS_PROJECT_NAME", "n"},
         "{\"auth\":{" PASSWORD
         "{\"id\":\"i\",\"password\":\"p\"}}},\"scope\":{\"OS-TRUST:trust\":{\"id\":\"t\"}}}}"},
        {"/v3",
         {"OS_APPLICATION_CREDENTIAL_ID", "i", "OS_APPLICATION_CREDENTIAL_SECRET", "s",
          "OS_PROJECT_NAME", "n"},
         "{\"auth\":{" APPLICATION "{\"id\":\"i\",\"secret\":\"s\"}}}}"},
        {"/v3",
         {"OS_APPLICATION_CREDENTIAL_NAME", "n", "OS_APPLICATION_CREDENTIAL_SECRET", "s",
          "OS_USERNAME", "u", "OS_USER_DOMAIN_ID", "d"},
         "{\"auth\":{" APPLICATION "{\"name\":\"n\",\"secret\":\"s\",\"user\":{\"name\":\"u\","
         "\"domain\":{\"id\":\"d\"}}}}}}"},
        {"/v2.0",
         {"OS_USERNAME", "u", "OS_PASSWORD", "p", "OS_TENANT_NAME", "n"},
         "{\"auth\":{\"passwordCredentials\":{\"username\":\"u\",\"password\":\"p\"},"
         "\"tenantName\":\"n\"}}"},
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct play p = {.n = 0};
        const char *env[24] = {"OS_AUTH_URL", auth, "OS_REGION_NAME", "two"};
        bool v2 = strstr(cases[i].path, "v2") != NULL;
        char *body, *seen;
        memcpy(env + 4, cases[i].env, sizeof(cases[i].env));
        play_start(&p, cases[i].path);
        body = mem_printf(
            v2 ? "{\"access\":{\"token\":{\"id\":\"t2\",\"expires\":\"2999-01-01T00:00:00Z\"},"
                 "\"serviceCatalog\":[{\"type\":\"object-store\",\"endpoints\":[{\"region\":"
                 "\"one\",\"publicURL\":\"http://x\"},{\"region\":\"two\",\"publicURL\":\"%s/\"}]}]"
                 "}}"
               : "{\"token\":{\"expires_at\":\"2999-01-01T00:00:00.000000Z\",\"catalog\":[{\"type\""
                 ":\"identity\",\"endpoints\":[]},{\"type\":\"object-store\",\"endpoints\":[{"
                 "\"interface\":\"admin\",\"region\":\"two\",\"url\":\"http://x\"},{\"interface\":"
                 "\"public\",\"region\":\"two\",\"url\":\"%s\"}]}]}}",
            swift);
        play_add_fields(&p, v2 ? 200 : 201, v2 ? "" : "X-Subject-Token: t3\r\n", body);
        play_add_fields(&p, 200, TRANS, "");
        play_open(&p, "swift:c:/prefix", env, NULL);
        T_OK(play_stat(&p, 0, &e));
        seen = play_end(&p);
        T_CONTAINS(seen, v2                        ? "POST /v2.0/tokens HTTP/1.1"
                         : cases[i].path[1] == 'i' ? "POST /identity/v3/auth/tokens HTTP/1.1"
                                                   : "POST /v3/auth/tokens HTTP/1.1");
        T_CONTAINS(seen, cases[i].asked);
        T_CONTAINS(seen, stat_line);
        T_CONTAINS(seen, v2 ? "X-Auth-Token: t2\r\n" : "X-Auth-Token: t3\r\n");
        mem_free(body);
        mem_free(seen);
    }
}

static void
test_swift_says_what_is_wrong_with_credentials(void **state)
{
    static const struct {
        const char *env[12];
        int status;
        const char *body, *msg, *hint;
    } cases[] = {
        {{NULL}, 0, NULL, "there are no credentials", "OS_AUTH_URL"},
        {{"ST_USER", "u"}, 0, NULL, "there are no credentials", "ST_KEY"},
        {{"OS_USERNAME", "u", "OS_PASSWORD", "secret-words"},
         401,
         "{\"error\":{\"message\":\"The request you have made requires authentication.\"}}",
         "answered 401: The request you have made",
         "OS_USERNAME, OS_PASSWORD"},
        {{"OS_APPLICATION_CREDENTIAL_ID", "u", "OS_APPLICATION_CREDENTIAL_SECRET", "secret-words"},
         404,
         "{\"error\":{\"message\":\"Could not find Application Credential\"}}",
         "answered 404: Could not find",
         "OS_AUTH_URL right"},
        {{"OS_USERNAME", "u", "OS_PASSWORD", "secret-words", "OS_REGION_NAME", "there"},
         201,
         "{\"token\":{\"catalog\":[]}}",
         "no object store in the region there",
         "OS_REGION_NAME"},
        {{"OS_STORAGE_URL", "nothing", "OS_AUTH_TOKEN", "secret-words"}, 0, NULL, "not a URL", ""},
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct play p = {.n = 0};
        const char *env[16] = {"OS_AUTH_URL", auth};
        memcpy(env + 2, cases[i].env, sizeof(cases[i].env));
        if (cases[i].body != NULL)
            play_add_fields(&p, cases[i].status, "X-Subject-Token: t\r\n", cases[i].body);
        play_start(&p, "/v3");
        play_open(&p, "swift:c:/prefix", i == 0 ? env + 2 : env, NULL);
        T_RC(play_stat(&p, 0, &e), RC_DENIED);
        T_CONTAINS(e.msg, cases[i].msg);
        T_CONTAINS(e.hint, cases[i].hint);
        assert_null(strstr(e.msg, "secret-words"));
        mem_free(play_end(&p));
    }
}

static void
test_swift_says_what_a_user_can_do(void **state)
{
    static const struct {
        int status;
        enum rc rc;
        const char *body, *msg, *hint;
    } cases[] = {
        {401, RC_DENIED, "<html><h1>Unauthorized</h1><p>words</p></html>", "401: words",
         "OS_AUTH_TOKEN"},
        {403, RC_DENIED, "<html><h1>Forbidden</h1><p>Access was denied.</p></html>",
         "403: Access was denied.", "may the user"},
        {413, RC_IO, "Upload exceeds quota.", "413: Upload exceeds quota.", "make room"},
        {507, RC_IO, "", "507", "full"},
    };
    struct store_name name = {.type = STORE_LOCK};
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct play p = {.n = 0};
        const char *env[] = {"OS_STORAGE_URL", swift, "OS_AUTH_TOKEN", "secret-words", NULL};
        for (int k = 0; k < STORE_TRIES; k++) /* a 401 is asked for again */
            play_add_fields(&p, cases[i].status, TRANS, cases[i].body);
        play_start(&p, "");
        play_open(&p, "swift:c:/prefix", env, NULL);
        T_RC(store_put_all(&p.cx, p.store, &name, STR_LIT("hello"), &e), cases[i].rc);
        T_CONTAINS(e.msg, cases[i].msg);
        T_CONTAINS(e.hint, cases[i].hint);
        assert_null(strstr(e.msg, "secret-words"));
        mem_free(play_end(&p));
    }
}

static void
test_swift_upload_that_was_damaged_is_sent_again(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"OS_STORAGE_URL", swift, "OS_AUTH_TOKEN", "t", NULL};
    struct store_name name = {.type = STORE_LOCK};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add_fields(&p, 422, TRANS, "");
    play_add_fields(&p, 201, TRANS, "");
    play_start(&p, "");
    play_open(&p, "swift:c:/prefix", env, NULL);
    T_OK(store_put_all(&p.cx, p.store, &name, STR_LIT("hello"), &e));
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "ETag: 5d41402abc4b2a76b9719d911017c592\r\n"), 2);
    mem_free(seen);
}

static void
test_swift_makes_the_container_that_is_missing(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {
        "OS_STORAGE_URL", swift, "OS_AUTH_TOKEN", "t", "SWIFT_DEFAULT_CONTAINER_POLICY",
        "gold",           NULL};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add_fields(&p, 404, TRANS, "");
    play_add_fields(&p, 201, TRANS, "");
    play_start(&p, "");
    play_open(&p, "swift:c:/prefix", env, NULL);
    T_OK(p.store->ops->create(&p.cx, p.store, &e));
    seen = play_end(&p);
    T_CONTAINS(seen, "GET /v1/a/c?format=json&limit=1000&delimiter=%2F&prefix=prefix%2Fkeys%2F "
                     "HTTP/1.1");
    T_CONTAINS(seen, "PUT /v1/a/c HTTP/1.1");
    T_CONTAINS(seen, "X-Storage-Policy: gold\r\n");
    mem_free(seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swift_token_is_kept_and_replaced_when_refused),
        cmocka_unit_test(test_swift_believes_a_proxy_that_refuses_to_the_end),
        cmocka_unit_test(test_swift_asks_keystone_in_each_way),
        cmocka_unit_test(test_swift_says_what_is_wrong_with_credentials),
        cmocka_unit_test(test_swift_says_what_a_user_can_do),
        cmocka_unit_test(test_swift_upload_that_was_damaged_is_sent_again),
        cmocka_unit_test(test_swift_makes_the_container_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
