/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <time.h>

#include "base/mem.h"
#include "store/s3_internal.h"
#include "store/url.h"
#include "store/xml.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* The examples of "Signature Calculations for the Authorization Header" in the S3 API reference. */
static void
test_s3_signature_matches_the_examples(void **state)
{
    static const char *const range[] = {"host:examplebucket.s3.amazonaws.com", "range:bytes=0-9",
                                        ("x-amz-content-sha256:" EMPTY),
                                        "x-amz-date:20130524T000000Z"};
    static const char *const list[] = {"host:examplebucket.s3.amazonaws.com",
                                       ("x-amz-content-sha256:" EMPTY),
                                       "x-amz-date:20130524T000000Z"};
    char id[] = "AKIAIOSFODNN7EXAMPLE", secret[] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const struct s3_key key = {.id = id, .secret = secret};
    struct s3_request rq = {.method = "GET",
                            .path = "/test.txt",
                            .query = "",
                            .region = "us-east-1",
                            .service = "s3",
                            .payload = EMPTY,
                            .time = "20130524T000000Z"};
    struct buf out = BUF_INIT(4096);

    (void)state;
    s3_sign(&rq, &key, range, ARRAY_LEN(range), &out);
    assert_string_equal(
        buf_c(&out),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    buf_reset(&out);
    rq.path = "/";
    rq.query = "max-keys=2&prefix=J";
    s3_sign(&rq, &key, list, ARRAY_LEN(list), &out);
    T_CONTAINS(buf_c(&out), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
    buf_release(&out);
}

static void
test_s3_time(void **state)
{
    char text[S3_TIME];

    (void)state;
    s3_time(1369353600000, text);
    assert_string_equal(text, "20130524T000000Z");
}

static void
test_s3_addresses(void **state)
{
    static const struct {
        const char *address, *host, *bucket, *prefix;
        bool tls;
    } good[] = {
        {"s3.amazonaws.com/b", "s3.amazonaws.com", "b", "", true},
        {"https://h:9000/b/p/", "h:9000", "b", "p", true},
        {"http://h:80/b//a/../c/./d/", "h", "b", "c/d", false},
        {"https://h:443/b/p", "h", "b", "p", true},
        {"//h/b/p/q", "h", "b", "p/q", true},
        {"https://h:9000///b/p", "h:9000", "b", "p", true},
    };
    static const char *const bad[] = {
        "", "h", "h/", "/b", "http://h", "http:///b", "http://u:pw@h/b", "https://h//"};
    struct url_place p;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        T_OK(url_place(good[i].address, "s3", &p, &e));
        assert_string_equal(p.host, good[i].host);
        assert_string_equal(p.bucket, good[i].bucket);
        assert_string_equal(p.prefix, good[i].prefix);
        assert_int_equal(p.tls, good[i].tls);
        url_place_release(&p);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        T_RC(url_place(bad[i], "s3", &p, &e), RC_INVALID);
        assert_null(strstr(e.msg, "pw"));
    }
}

static void
test_far_clock_is_wrong(void **state)
{
    struct err e = ERR_INIT;
    char date[64];
    time_t now = time(NULL);
    struct tm tm;

    (void)state;
    assert_false(remote_clock_is_wrong("", &e));
    e.sys = 403;
    assert_true(remote_clock_is_wrong("Fri, 24 May 2013 00:00:00 GMT", &e));
    T_CONTAINS(e.msg, "min ahead of the server's");
    assert_int_equal(e.sys, 403);
    assert_true(remote_clock_is_wrong("Fri, 24 May 2213 00:00:00 GMT", &e));
    T_CONTAINS(e.msg, "min behind the server's");
    now -= 14 * 60;
    assert_non_null(gmtime_r(&now, &tm));
    assert_int_not_equal(strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm), 0);
    assert_false(remote_clock_is_wrong(date, &e));
}

static enum rc
note(void *arg, const char *path, struct str text, struct err *e)
{
    struct buf *b = arg;

    (void)e;
    buf_must_printf(b, "%s=%.*s;", path, (int)text.n, (const char *)text.p);
    return RC_OK;
}

static void
test_xml_gives_every_element_and_refuses_the_rest(void **state)
{
    static const char deep[] = "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/>"
                               "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>";
    static const char *const bad[] = {
        "", "<a>", "<a></b>", "<a/><b/>", "no", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", deep,
    };
    CLEANUP(buf_release) struct buf b = BUF_INIT(1000);
    struct err e = ERR_INIT;

    (void)state;
    T_OK(xml_read(
        STR_LIT("<?xml version=\"1.0\"?><n:A xmlns:n=\"u\"><B x=\"1\">1 &amp; 2</B> <C/></n:A>"),
        note, &b, &e));
    assert_string_equal(buf_c(&b), "A/B=1 & 2;A/C=;A=;");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(xml_read(str_c(bad[i]), note, &b, &e), RC_CORRUPT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_s3_signature_matches_the_examples),
        cmocka_unit_test(test_s3_time),
        cmocka_unit_test(test_s3_addresses),
        cmocka_unit_test(test_far_clock_is_wrong),
        cmocka_unit_test(test_xml_gives_every_element_and_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
