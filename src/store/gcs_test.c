/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/store_play.h"

#include "base/b64.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "json/node.h"

/* That of RFC 7515 appendix A.2, as it stands in JSON. */
#define RSA_KEY                                                                                    \
    "-----BEGIN PRIVATE KEY-----\\n"                                                               \
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\\n"                          \
    "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\\n"                          \
    "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\\n"                          \
    "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\\n"                          \
    "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\\n"                          \
    "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\\n"                          \
    "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\\n"                          \
    "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\\n"                          \
    "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\\n"                          \
    "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\\n"                          \
    "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\\n"                          \
    "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\\n"                          \
    "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\\n"                          \
    "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\\n"                          \
    "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\\n"                          \
    "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\\n"                          \
    "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\\n"                          \
    "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\\n"                          \
    "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\\n"                          \
    "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\\n"                          \
    "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\\n"                          \
    "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\\n"                          \
    "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\\n"                          \
    "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\\n"                          \
    "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\\n"                          \
    "03k2+ZQwVK0JKSHuLFkuQ3U=\\n"                                                                  \
    "-----END PRIVATE KEY-----\\n"

static const char stat_line[] =
    "GET /storage/v1/b/bucket/o/prefix%2Fkeys%2F" PLAY_KEY "?fields=size,updated HTTP/1.1";

static void
test_gs_token_of_the_metadata_server_is_kept(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GCE_METADATA_HOST", p.host, NULL};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add(&p, 200, "{\"access_token\":\"t1\",\"expires_in\":3600,\"token_type\":\"Bearer\"}");
    play_add(&p, 200, "{\"size\":\"7\"}");
    play_add(&p, 200, "{\"size\":\"7\"}");
    play_listen(&p);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(play_stat(&p, 7, &e));
    T_OK(play_stat(&p, 7, &e));
    seen = play_end(&p);
    assert_int_equal(
        http_script_count(seen, "GET /computeMetadata/v1/instance/service-accounts/default/token"),
        1);
    assert_int_equal(http_script_count(seen, "Metadata-Flavor: Google\r\n"), 1);
    assert_int_equal(http_script_count(seen, stat_line), 2);
    assert_int_equal(http_script_count(seen, "Authorization: Bearer t1\r\n"), 2);
    mem_free(seen);
}

static void
test_gs_token_that_was_called_back_is_replaced(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GCE_METADATA_HOST", p.host, NULL};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add(&p, 200, "{\"access_token\":\"t1\",\"expires_in\":\"3600\"}");
    play_add(&p, 401, "{\"error\":{\"code\":401,\"errors\":[{\"reason\":\"authError\"}]}}");
    play_add(&p, 200, "{\"access_token\":\"t2\",\"expires_in\":3600}");
    play_add(&p, 200, "{\"size\":\"7\"}");
    play_listen(&p);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(play_stat(&p, 7, &e));
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "Authorization: Bearer t2\r\n"), 1);
    mem_free(seen);
}

/* A JSON part of the JWT in the form. */
static struct json *
part_of(const char *seen, int n)
{
    const char *at = strstr(seen, "&assertion=") + strlen("&assertion=");
    struct buf text = BUF_INIT(4096), raw = BUF_INIT(4096);
    struct json *j = NULL;
    struct err e = ERR_INIT;

    while (n-- > 0)
        at = strchr(at, '.') + 1;
    for (; strchr(".% \r\n", *at) == NULL; at++)
        buf_must_printf(&text, "%c", *at == '-' ? '+' : *at == '_' ? '/' : *at);
    while (text.n % 4 != 0)
        buf_must_add(&text, "=", 1);
    T_OK(b64_decode(buf_str(&text), &raw, &e));
    T_OK(json_parse(buf_str(&raw), &j, &e));
    buf_release(&text);
    buf_release(&raw);
    return j;
}

static char *
account_key(const char *host)
{
    return mem_printf("{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key_id\":"
                      "\"k1\",\"private_key\":\"" RSA_KEY "\",\"token_uri\":\"http://%s/token\"}\n",
                      host);
}

static void
test_gs_service_account_states_who_it_is(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GOOGLE_SERVICE_ACCOUNT_JSON_KEY", NULL,
                         NULL};
    struct err e = ERR_INIT;
    char *seen, *key, *url;
    struct json *j;

    (void)state;
    play_add(&p, 200, "{\"access_token\":\"t1\",\"expires_in\":3599}");
    play_add(&p, 200, "{\"size\":\"7\"}");
    play_listen(&p);
    env[3] = key = account_key(p.host);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(play_stat(&p, 7, &e));
    seen = play_end(&p);
    T_CONTAINS(seen, "POST /token HTTP/1.1");
    T_CONTAINS(seen, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=");
    j = part_of(seen, 0);
    assert_string_equal(json_text_or(json_field(j, "alg"), ""), "RS256");
    assert_string_equal(json_text_or(json_field(j, "kid"), ""), "k1");
    json_free(j);
    j = part_of(seen, 1);
    url = mem_printf("http://%s/token", p.host);
    assert_string_equal(json_text_or(json_field(j, "iss"), ""), "a@b");
    assert_string_equal(json_text_or(json_field(j, "aud"), ""), url);
    assert_string_equal(json_text_or(json_field(j, "scope"), ""),
                        "https://www.googleapis.com/auth/devstorage.read_write");
    assert_int_equal(json_int_or(json_field(j, "exp"), 0) - json_int_or(json_field(j, "iat"), 0),
                     3600);
    json_free(j);
    T_CONTAINS(seen, "Authorization: Bearer t1\r\n");
    mem_free(seen);
    mem_free(key);
    mem_free(url);
}

static void
test_gs_service_account_that_is_refused(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GOOGLE_SERVICE_ACCOUNT_JSON_KEY", NULL,
                         NULL};
    struct err e = ERR_INIT;
    char *key;

    (void)state;
    play_add(&p, 400,
             "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT Signature.\"}");
    play_add(&p, 400,
             "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid JWT: Check your "
             "iat and exp values in the JWT claim.\"}");
    play_listen(&p);
    env[3] = key = account_key(p.host);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_RC(play_stat(&p, 7, &e), RC_DENIED);
    T_CONTAINS(e.msg, "invalid_grant: Invalid JWT Signature.");
    T_CONTAINS(e.hint, "still there");
    T_RC(play_stat(&p, 7, &e), RC_DENIED);
    T_CONTAINS(e.hint, "clock");
    mem_free(play_end(&p));
    mem_free(key);
}

static void
test_gs_keys_that_are_none_are_never_shown(void **state)
{
    static const char *const bad[] = {
        "secret-words",
        "{\"type\":\"service_account\",\"private_key\":\"secret-words\",\"client_email\":\"a\"}",
        "{\"type\":\"service_account\",\"private_key\":\"secret-words\"}",
        "{\"type\":\"other\",\"secret\":\"secret-words\"}",
        "{\"type\":\"external_account\",\"token_url\":\"http://x\",\"secret\":\"secret-words\"}",
        "{\"type\":\"authorized_user\",\"client_secret\":\"secret-words\"}",
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct play p = {.n = 0};
        const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GOOGLE_SERVICE_ACCOUNT_JSON_KEY",
                             bad[i], NULL};
        play_listen(&p);
        play_open(&p, "gs:bucket:/prefix", env, NULL);
        assert_int_not_equal(play_stat(&p, 7, &e), RC_OK);
        T_CONTAINS(e.msg, "GOOGLE_SERVICE_ACCOUNT_JSON_KEY");
        assert_null(strstr(e.msg, "secret-words"));
        assert_null(strstr(e.hint, "secret-words"));
        mem_free(play_end(&p));
    }
}

static void
test_gs_external_account_exchanges_its_token(void **state)
{
    char path[] = "/tmp/cstash-gs-XXXXXX";
    int fd = mkstemp(path);
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GOOGLE_SERVICE_ACCOUNT_JSON_KEY", NULL,
                         NULL};
    struct err e = ERR_INIT;
    char *seen, *key;

    (void)state;
    assert_true(fd >= 0);
    T_OK(fs_write_all(fd, "{\"t\":\"subject\"}\n", 16, "file", &e));
    (void)close(fd);
    play_add(&p, 200, "{\"access_token\":\"federated\",\"expires_in\":3599}");
    play_add(&p, 200, "{\"accessToken\":\"t1\",\"expireTime\":\"2999-01-01T00:00:00Z\"}");
    play_add(&p, 200, "{\"size\":\"7\"}");
    play_listen(&p);
    env[3] = key = mem_printf(
        "{\"type\":\"external_account\",\"audience\":\"//iam/x\",\"subject_token_type\":"
        "\"urn:jwt\",\"token_url\":\"http://%s/sts\",\"credential_source\":{\"file\":\"%s\","
        "\"format\":{\"type\":\"json\",\"subject_token_field_name\":\"t\"}},"
        "\"service_account_impersonation_url\":\"http://%s/as\"}",
        p.host, path, p.host);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(play_stat(&p, 7, &e));
    seen = play_end(&p);
    T_CONTAINS(seen, "POST /sts HTTP/1.1");
    T_CONTAINS(seen, "&audience=%2F%2Fiam%2Fx&subject_token_type=urn%3Ajwt&subject_token=subject");
    T_CONTAINS(seen, "POST /as HTTP/1.1");
    T_CONTAINS(seen, "Authorization: Bearer federated\r\n");
    T_CONTAINS(seen, "Authorization: Bearer t1\r\n");
    mem_free(seen);
    mem_free(key);
    (void)unlink(path);
}

/* What a Secret of a cluster holds: a key that names a file, or a token's place beside the machine. */
static void
test_gs_key_from_a_secret_is_a_service_accounts(void **state)
{
    static const char external[] =
        "{\"type\":\"external_account\",\"audience\":\"//iam/x\",\"subject_token_type\":\"x\","
        "\"token_url\":\"http://127.0.0.1:1/\",\"credential_source\":{\"file\":\"/etc/hostname\"}}";
    char *local = account_key("169.254.169.254");
    const char *const keys[] = {external, "{\"type\":\"authorized_user\"}", local};
    const char *const words[] = {"service_account", "service_account", "link-local"};
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct play p = {.n = 0};
        const struct store_opts guarded = {.guarded = true, .retry_ms = 1000};
        const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GOOGLE_SERVICE_ACCOUNT_JSON_KEY",
                             keys[i], NULL};
        char *seen;

        play_listen(&p);
        play_open(&p, "gs:bucket:/prefix", env, &guarded);
        T_RC(play_stat(&p, 7, &e), RC_DENIED);
        T_CONTAINS(e.msg, words[i]);
        seen = play_end(&p);
        assert_string_equal(seen, "");
        mem_free(seen);
    }
    mem_free(local);
}

static void
test_gs_without_ambient_identity_nobody_is_asked(void **state)
{
    struct play p = {.n = 0};
    const struct store_opts given = {.no_ambient = true, .retry_ms = 1000};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GCE_METADATA_HOST", p.host, NULL};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add(&p, 200, "{\"access_token\":\"t1\",\"expires_in\":3600}");
    play_listen(&p);
    play_open(&p, "gs:bucket:/prefix", env, &given);
    T_RC(play_stat(&p, 7, &e), RC_DENIED);
    T_CONTAINS(e.msg, "there are no credentials for Google");
    seen = play_end(&p);
    assert_string_equal(seen, "");
    mem_free(seen);
}

static void
test_gs_upload_that_was_damaged_is_sent_again(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, NULL};
    struct store_name name = {.type = STORE_LOCK};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add(&p, 200, "{\"md5Hash\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}");
    play_add(&p, 200, "{\"md5Hash\":\"XUFAKrxLKna5cZ2REBfFkg==\"}");
    play_listen(&p);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(store_put_all(&p.cx, p.store, &name, STR_LIT("hello"), &e));
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "X-Goog-Hash: md5=XUFAKrxLKna5cZ2REBfFkg==\r\n"), 2);
    assert_null(strstr(seen, "Authorization"));
    mem_free(seen);
}

static void
test_gs_answer_that_was_cut_short_is_asked_for_again(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, NULL};
    struct err e = ERR_INIT;

    (void)state;
    play_add(&p, 200, "{\"size\":\"7");
    play_add(&p, 200, "{\"size\":\"7\"}");
    play_listen(&p);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(play_stat(&p, 7, &e));
    assert_int_equal(e.code, RC_OK);
    mem_free(play_end(&p));
}

static void
test_gs_bucket_is_made_though_nobody_heard(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, "GOOGLE_PROJECT_ID", "project", NULL};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    play_add(&p, 404, "{\"error\":{\"errors\":[{\"reason\":\"notFound\"}]}}");
    p.answers[p.n++] = mem_strdup("!");
    play_add(&p, 409, "{\"error\":{\"errors\":[{\"reason\":\"conflict\"}]}}");
    play_add(&p, 200, "{}");
    play_listen(&p);
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(p.store->ops->create(&p.cx, p.store, &e));
    assert_int_equal(e.code, RC_OK);
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "POST /storage/v1/b?project=project HTTP/1.1"), 2);
    mem_free(seen);
}

static void
test_gs_says_what_a_user_can_do(void **state)
{
    static const struct {
        int status;
        const char *body, *msg, *hint;
        enum rc rc;
    } cases[] = {
        {403,
         "{\"error\":{\"message\":\"a@b does not have storage.objects.get "
         "access\",\"errors\":[{\"reason\":\"forbidden\"}]}}",
         "403 forbidden: a@b does not have storage.objects.get access", "may the account",
         RC_DENIED},
        {404,
         "{\"error\":{\"message\":\"The specified bucket does not "
         "exist.\",\"errors\":[{\"reason\":\"notFound\"}]}}",
         "404 notFound: The specified bucket does not exist.", "init", RC_NOT_FOUND},
        {403, "{\"error\":{\"message\":\"m\",\"errors\":[{\"reason\":\"accountDisabled\"}]}}",
         "accountDisabled", "billing", RC_DENIED},
    };
    struct store_name name = {.type = STORE_LOCK};
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct play p = {.n = 0};
        const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, NULL};
        play_add(&p, cases[i].status, cases[i].body);
        play_listen(&p);
        play_open(&p, "gs:bucket:/prefix", env, NULL);
        T_RC(store_put_all(&p.cx, p.store, &name, STR_LIT("hello"), &e), cases[i].rc);
        T_CONTAINS(e.msg, cases[i].msg);
        T_CONTAINS(e.hint, cases[i].hint);
        mem_free(play_end(&p));
    }
}

/* What comes with another hash than its name was damaged on its way, unless it always does. */
static void
test_an_object_is_read_until_its_hash_is_its_name(void **state)
{
    struct play p = {.n = 0};
    const char *env[] = {"STORAGE_EMULATOR_HOST", p.host, NULL};
    CLEANUP(buf_release) struct buf got = BUF_INIT(100);
    struct store_name name = {.type = STORE_SNAPSHOT};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    sha256_of(STR_LIT("hello"), &name.id);
    play_add(&p, 200, "hellp");
    play_add(&p, 200, "hell");
    play_add(&p, 200, "hello");
    for (int i = 0; i < STORE_TRIES; i++)
        play_add(&p, 200, "hellp");
    play_open(&p, "gs:bucket:/prefix", env, NULL);
    T_OK(store_get_all(&p.cx, p.store, &name, &got, &e));
    T_STR(buf_str(&got), STR_LIT("hello"));
    assert_int_equal(e.code, RC_OK);
    T_RC(store_get_all(&p.cx, p.store, &name, &got, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "5 attempts in ");
    T_CONTAINS(e.msg, "its content does not have the hash that is its name");
    assert_int_equal(got.n, 5);
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "GET "), 3 + STORE_TRIES);
    mem_free(seen);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_object_is_read_until_its_hash_is_its_name),
        cmocka_unit_test(test_gs_token_of_the_metadata_server_is_kept),
        cmocka_unit_test(test_gs_token_that_was_called_back_is_replaced),
        cmocka_unit_test(test_gs_service_account_states_who_it_is),
        cmocka_unit_test(test_gs_service_account_that_is_refused),
        cmocka_unit_test(test_gs_keys_that_are_none_are_never_shown),
        cmocka_unit_test(test_gs_external_account_exchanges_its_token),
        cmocka_unit_test(test_gs_key_from_a_secret_is_a_service_accounts),
        cmocka_unit_test(test_gs_without_ambient_identity_nobody_is_asked),
        cmocka_unit_test(test_gs_upload_that_was_damaged_is_sent_again),
        cmocka_unit_test(test_gs_answer_that_was_cut_short_is_asked_for_again),
        cmocka_unit_test(test_gs_bucket_is_made_though_nobody_heard),
        cmocka_unit_test(test_gs_says_what_a_user_can_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
