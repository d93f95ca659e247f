/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/http_script.h"

#include "base/mem.h"
#include "store/azure_internal.h"
#include "store/store.h"

/* The examples of "Authorize with Shared Key". */
static void
test_azure_string_to_sign(void **state)
{
    static const struct {
        struct azure_request rq;
        const char *want;
    } cases[] = {
        {{.method = "GET",
          .length = "",
          .md5 = "",
          .type = "",
          .range = "",
          .headers = "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n",
          .path = "/mycontainer",
          .query = "\ncomp:metadata\nrestype:container\ntimeout:20"},
         "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
         "x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\nrestype:container\n"
         "timeout:20"},
        {{.method = "PUT",
          .length = "0",
          .md5 = "",
          .type = "",
          .range = "",
          .headers = "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n",
          .path = "/mycontainer",
          .query = "\nrestype:container"},
         "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n"
         "x-ms-version:2015-02-21\n/myaccount/mycontainer\nrestype:container"},
        {{.method = "PUT",
          .length = "5",
          .md5 = "m",
          .type = "t",
          .range = "r",
          .headers = "",
          .path = "/c/b",
          .query = ""},
         "PUT\n\n\n5\nm\nt\n\n\n\n\n\nr\n/myaccount/c/b"},
    };
    CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&out);
        azure_string_to_sign("myaccount", &cases[i].rq, &out);
        assert_string_equal(buf_c(&out), cases[i].want);
    }
}

enum { ANSWERS = 4 };

/* Credentials in front of a server that plays all that gives out tokens. */
struct play {
    struct http_script server;
    char *answers[ANSWERS + 1];
    size_t n;
    char url[64];
    struct http *http;
    struct azure_credentials *credentials;
    struct ctx cx;
};

static void
play_start(struct play *p)
{
    http_script_start(&p->server, (const char *const *)p->answers);
    (void)sscanf(p->server.url, "%63[^x]", p->url); /* without the path */
    p->url[strlen(p->url) - 1] = '\0';
}

static enum rc
play_open(struct play *p, const char **env, struct err *to)
{
    struct store_opts o = {.env = http_script_env, .env_arg = env};
    struct err e = ERR_INIT;

    T_OK(ctx_init(&p->cx, &e));
    T_OK(http_new(NULL, &p->http, &e));
    return azure_credentials_new(&o, p->http, "myaccount", &p->credentials, to);
}

/* The header that a request gets, or what was added to its URL. */
static enum rc
play_sign(struct play *p, const char *url, char to[static 512], struct err *e)
{
    static const struct azure_request rq = {.method = "GET",
                                            .length = "",
                                            .md5 = "",
                                            .type = "",
                                            .range = "",
                                            .headers = "x-ms-version:2015-02-21\n",
                                            .path = "/c",
                                            .query = ""};
    struct remote_request a = {.url = BUF_INIT(16 * 1024)};
    enum rc rc;

    buf_must_printf(&a.url, "%s", url);
    rc = azure_credentials_sign(&p->cx, p->credentials, &rq, &a, e);
    if (rc == RC_OK)
        (void)snprintf(to, 512, "%.511s", a.n_headers > 0 ? a.headers[0] : buf_c(&a.url));
    for (size_t i = 0; i < a.n_headers; i++)
        mem_free(a.headers[i]);
    buf_release(&a.url);
    return rc;
}

/* What the server was asked; `p` is done with it. */
static char *
play_end(struct play *p)
{
    char *seen;

    http_script_end(&p->server);
    seen = mem_strdup(buf_c(&p->server.seen));
    buf_release(&p->server.seen);
    azure_credentials_free(p->credentials);
    http_free(p->http);
    ctx_release(&p->cx);
    for (size_t i = 0; i < p->n; i++)
        mem_free(p->answers[i]);
    return seen;
}

static void
test_azure_key_signs(void **state)
{
    const char *env[] = {"AZURE_ACCOUNT_KEY", "a2V5", "AZURE_ACCOUNT_SAS", "sig=s", NULL};
    struct play p = {.n = 0};
    struct err e = ERR_INIT;
    char got[512];

    (void)state;
    play_start(&p);
    T_OK(play_open(&p, env, &e));
    T_OK(play_sign(&p, "https://h/c", got, &e));
    /* printf 'GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-version:2015-02-21\n/myaccount/c' |
     * openssl dgst -sha256 -hmac key -binary | base64 */
    assert_string_equal(
        got, "Authorization: SharedKey myaccount:m5Z+dCSvebeYuM4hSLRaoG2i1S4quNIpqqCd0jDuBiA=");
    mem_free(play_end(&p));
}

/* What becomes of `url`, for who has this SAS. */
static enum rc
sign_by_sas(const char *sas, const char *url, char to[static 512], struct err *e)
{
    const char *env[] = {"AZURE_ACCOUNT_SAS", sas, NULL};
    struct play p = {.n = 0};
    enum rc rc;

    play_start(&p);
    assert_int_equal(play_open(&p, env, e), RC_OK);
    rc = play_sign(&p, url, to, e);
    mem_free(play_end(&p));
    return rc;
}

static void
test_azure_sas_goes_into_the_url(void **state)
{
    struct err e = ERR_INIT;
    char got[512];

    (void)state;
    T_OK(sign_by_sas("?sv=1&sig=s", "https://h/c", got, &e));
    assert_string_equal(got, "https://h/c?sv=1&sig=s");
    T_OK(sign_by_sas("sv=1&sig=s", "https://h/c?comp=list", got, &e));
    assert_string_equal(got, "https://h/c?comp=list&sv=1&sig=s");
    T_RC(sign_by_sas("secret words", "https://h/c", got, &e), RC_DENIED);
    assert_null(strstr(e.msg, "secret"));
}

static void
test_azure_key_that_is_none_is_never_shown(void **state)
{
    const char *env[] = {"AZURE_ACCOUNT_KEY", "?sv=1&sig=secret", NULL};
    struct play p = {.n = 0};
    struct err e = ERR_INIT;

    (void)state;
    play_start(&p);
    T_RC(play_open(&p, env, &e), RC_DENIED);
    assert_null(strstr(e.msg, "secret"));
    T_CONTAINS(e.hint, "AZURE_ACCOUNT_SAS");
    mem_free(play_end(&p));
}

static void
test_azure_workload_identity_exchanges_its_token(void **state)
{
    char path[] = "/tmp/cstash-azure-XXXXXX", got[512];
    int fd = mkstemp(path);
    struct play p = {.n = 0};
    const char *env[] = {"AZURE_AUTHORITY_HOST",
                         p.url,
                         "AZURE_TENANT_ID",
                         "tenant",
                         "AZURE_CLIENT_ID",
                         "client",
                         "AZURE_FEDERATED_TOKEN_FILE",
                         path,
                         NULL};
    struct err e = ERR_INIT;
    char *seen;

    (void)state;
    assert_true(fd >= 0);
    T_OK(fs_write_all(fd, "subject\n", 8, "file", &e));
    (void)close(fd);
    p.answers[p.n++] = http_script_answer(200, "{\"access_token\":\"t1\",\"expires_in\":3599}");
    p.answers[p.n++] = http_script_answer(200, "{\"access_token\":\"t2\",\"expires_in\":3599}");
    p.answers[p.n++] = http_script_answer(
        400,
        "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS70021: No match.\\r\\nT\"}");
    play_start(&p);
    T_OK(play_open(&p, env, &e));
    T_OK(play_sign(&p, "https://h/c", got, &e));
    T_OK(play_sign(&p, "https://h/c", got, &e));
    assert_string_equal(got, "Authorization: Bearer t1");
    azure_credentials_refused(p.credentials, &e);
    T_OK(play_sign(&p, "https://h/c", got, &e));
    assert_string_equal(got, "Authorization: Bearer t2");
    azure_credentials_refused(p.credentials, &e);
    T_RC(play_sign(&p, "https://h/c", got, &e), RC_DENIED);
    T_CONTAINS(e.msg, "invalid_client: AADSTS70021: No match.");
    T_CONTAINS(e.hint, "AZURE_FEDERATED_TOKEN_FILE");
    seen = play_end(&p);
    assert_int_equal(http_script_count(seen, "POST /tenant/oauth2/v2.0/token HTTP/1.1"), 3);
    T_CONTAINS(seen, "grant_type=client_credentials&client_id=client&"
                     "scope=https%3A%2F%2Fstorage.azure.com%2F.default&client_assertion_type=urn%3A"
                     "ietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
                     "client_assertion=subject");
    mem_free(seen);
    (void)unlink(path);
}

static void
test_azure_managed_identities(void **state)
{
    struct play p = {.n = 0};
    const char *metadata[] = {"AZURE_POD_IDENTITY_AUTHORITY_HOST", p.url, "AZURE_CLIENT_ID", "c",
                              NULL};
    const char *container[] = {"IDENTITY_ENDPOINT", p.url, "IDENTITY_HEADER", "h", NULL};
    struct err e = ERR_INIT;
    char got[512], *seen;

    (void)state;
    p.answers[p.n++] = http_script_answer(200, "{\"access_token\":\"t1\",\"expires_in\":\"99\"}");
    play_start(&p);
    T_OK(play_open(&p, metadata, &e));
    T_OK(play_sign(&p, "https://h/c", got, &e));
    assert_string_equal(got, "Authorization: Bearer t1");
    seen = play_end(&p);
    T_CONTAINS(seen, "GET /metadata/identity/oauth2/token?api-version=2018-02-01&"
                     "resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=c HTTP/1.1");
    T_CONTAINS(seen, "Metadata: true\r\n");
    mem_free(seen);
    p = (struct play){.n = 0};
    p.answers[p.n++] =
        http_script_answer(200, "{\"access_token\":\"t2\",\"expires_on\":\"99999999999\"}");
    play_start(&p);
    T_OK(play_open(&p, container, &e));
    T_OK(play_sign(&p, "https://h/c", got, &e));
    assert_string_equal(got, "Authorization: Bearer t2");
    seen = play_end(&p);
    T_CONTAINS(seen, "?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com%2F HTTP");
    T_CONTAINS(seen, "X-IDENTITY-HEADER: h\r\n");
    mem_free(seen);
}

static void
test_azure_addresses(void **state)
{
    static const struct {
        const char *url, *account, *place; /* NULL: it is refused */
    } cases[] = {
        {"azure:c:/p", "a1", "azure:c:/p"},
        {"azure:c://p/", "a1", "azure:c:/p"},
        {"azure:c:p/../q", "a1", "azure:c:/q"},
        {"azure:c", "a1", "azure:c:/"},
        {"azure:", "a1", NULL},
        {"azure:c/p", "a1", NULL},
        {"azure:c:/p", "a/b", NULL},
        {"azure:c:/p", "A", NULL},
    };
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *env[] = {"AZURE_ACCOUNT_NAME", cases[i].account, NULL};
        struct store_opts o = {.env = http_script_env, .env_arg = env};
        struct store *s = NULL;
        enum rc rc = store_open(cases[i].url, &o, &s, &e);
        assert_int_equal(rc, cases[i].place == NULL ? RC_INVALID : RC_OK);
        if (rc == RC_OK)
            assert_string_equal(s->place, cases[i].place);
        store_release(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_azure_string_to_sign),
        cmocka_unit_test(test_azure_key_signs),
        cmocka_unit_test(test_azure_sas_goes_into_the_url),
        cmocka_unit_test(test_azure_key_that_is_none_is_never_shown),
        cmocka_unit_test(test_azure_workload_identity_exchanges_its_token),
        cmocka_unit_test(test_azure_managed_identities),
        cmocka_unit_test(test_azure_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
