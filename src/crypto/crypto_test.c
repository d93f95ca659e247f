/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/buf.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/idset.h"
#include "crypto/jwt.h"
#include "crypto/scrypt.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "crypto/sha256_lanes.h"

static void
fill(uint8_t *p, size_t n, uint8_t from)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(from + i);
}

static struct sealer *
vector_sealer(void)
{
    struct seal_key key;
    struct sealer *s = NULL;
    struct err e = ERR_INIT;

    fill(key.encrypt, 32, 0x00);
    fill(key.mac_k, 16, 0x20);
    fill(key.mac_r, 16, 0x30);
    T_OK(sealer_new(&key, &s, &e));
    return s;
}

static void
check_vector(const char *plain, const char *want_hex)
{
    struct sealer *s = vector_sealer();
    struct err e = ERR_INIT;
    uint8_t iv[SEAL_IV], out[128], back[128];
    char hex[257];
    size_t n = strlen(plain);

    fill(iv, sizeof(iv), 0x40);
    seal_with_iv(s, iv, (const uint8_t *)plain, n, out);
    hex_encode(out, n + SEAL_OVERHEAD, hex);
    assert_string_equal(hex, want_hex);
    T_OK(seal_open(s, out, n + SEAL_OVERHEAD, back, &e));
    assert_memory_equal(back, plain, n);
    sealer_free(s);
}

static void
test_seal_matches_the_vectors(void **state)
{
    (void)state;
    check_vector("", "404142434445464748494a4b4c4d4e4f859469c07743c7e45b318d151d3d87e9");
    check_vector("hello restic", "404142434445464748494a4b4c4d4e4fcb1bb353f87ac88ae00f0ba4818f299f"
                                 "0076bb28b1499f7278ed527b");
}

static void
test_seal_open_refuses_every_flipped_bit_and_every_prefix(void **state)
{
    struct sealer *s = vector_sealer();
    struct err e = ERR_INIT;
    uint8_t out[64], back[64];
    size_t n = 12 + SEAL_OVERHEAD;

    (void)state;
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, not text */
    memcpy(out + SEAL_IV, "hello restic", 12);
    seal(s, out + SEAL_IV, 12, out);
    for (size_t bit = 0; bit < n * 8; bit++) {
        out[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        T_RC(seal_open(s, out, n, back, &e), RC_CORRUPT);
        out[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t cut = 0; cut < n; cut++)
        T_RC(seal_open(s, out, cut, back, &e), RC_CORRUPT);
    T_OK(seal_open(s, out, n, out + SEAL_IV, &e));
    assert_memory_equal(out + SEAL_IV, "hello restic", 12);
    sealer_free(s);
}

static void
test_scrypt_matches_the_vectors(void **state)
{
    uint8_t salt[64], out[SCRYPT_KEY];
    char hex[2 * SCRYPT_KEY + 1];
    struct err e = ERR_INIT;
    struct str password = STR_LIT("secret");

    (void)state;
    fill(salt, sizeof(salt), 0);
    T_OK(scrypt_key(password, str_of(salt, 64), (struct scrypt_params){1024, 8, 1}, out, &e));
    hex_encode(out, sizeof(out), hex);
    assert_string_equal(hex, "8294788ae39ff8884c3e62efc4fe4d2be03c0d07f4894dc1f26f0211b8b27143"
                             "2dc647db76d14555d1225b3320e98dca4ac5edc76ab074a28698cfbf4adbbf7c");
    T_OK(scrypt_key(password, str_of(salt, 64), (struct scrypt_params){32768, 8, 1}, out, &e));
    hex_encode(out, sizeof(out), hex);
    assert_string_equal(hex, "1d9cfde53c30d6eab9b2affee171d9636bb5f105ceb0ce476c5db813640c45b0"
                             "f38f2d1ad7845ff16d60f9ab12c981b91cb7b41b673aed1f0997e9b96888c9cb");
}

static void
test_scrypt_refuses_senseless_and_greedy_parameters(void **state)
{
    uint8_t out[SCRYPT_KEY];
    struct err e = ERR_INIT;
    struct str x = STR_LIT("x");

    (void)state;
    T_RC(scrypt_key(x, x, (struct scrypt_params){0, 8, 1}, out, &e), RC_INVALID);
    T_RC(scrypt_key(x, x, (struct scrypt_params){3, 8, 1}, out, &e), RC_INVALID);
    T_RC(scrypt_key(x, x, (struct scrypt_params){2, 0, 1}, out, &e), RC_INVALID);
    T_RC(scrypt_key(x, x, (struct scrypt_params){2, 8, 0}, out, &e), RC_INVALID);
    T_RC(scrypt_key(x, x, (struct scrypt_params){1ULL << 40, 8, 1}, out, &e), RC_LIMIT);
    T_RC(scrypt_key(x, x, (struct scrypt_params){2, 1U << 30, 1}, out, &e), RC_LIMIT);
    T_RC(scrypt_key(x, x, (struct scrypt_params){2, 8, 1U << 30}, out, &e), RC_LIMIT);
}

static void
test_sha256_in_pieces_is_sha256_of_the_whole(void **state)
{
    uint8_t bytes[300];
    struct id whole, pieces;
    struct sha256 h;
    char hex[ID_TEXT];

    (void)state;
    fill(bytes, sizeof(bytes), 0);
    sha256_of(str_of(bytes, sizeof(bytes)), &whole);
    for (size_t step = 1; step < 130; step++) {
        sha256_init(&h);
        for (size_t at = 0; at < sizeof(bytes); at += step)
            sha256_add(&h, bytes + at, MIN(step, sizeof(bytes) - at));
        sha256_end(&h, &pieces);
        assert_true(id_eq(&whole, &pieces));
    }
    sha256_of(STR_LIT("abc"), &whole);
    assert_string_equal(id_hex(&whole, hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void
test_sha256_of_many_is_sha256_of_each(void **state)
{
    enum { MANY = 37 };
    static uint8_t bytes[100000];
    struct str in[MANY] = {{0}};
    struct id want[MANY], got[MANY];

    (void)state;
    fill(bytes, sizeof(bytes), 3);
    for (size_t n = 0; n <= MANY; n++) {
        for (size_t i = 0; i < n; i++) {
            in[i] = str_of(bytes + i * 13, (i * i * 977 + n * 61) % (i % 3 == 0 ? 200 : 60000));
            sha256_of(in[i], &want[i]);
        }
        for (size_t k = 0; k == 0 || sha256_engine(k - 1) != NULL; k++) {
            memset(got, 0, sizeof(got));
            sha256_many_by(sha256_engine(k), in, n, got); /* the last time without one */
            for (size_t i = 0; i < n; i++)
                assert_true(id_eq(&want[i], &got[i]));
        }
    }
}

/* The key, the statement and the signature of RFC 7515 appendix A.2. */
static const char rfc_key[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCh+BYK4uPJtGXO\n"
                              "jS1lYmM2K5J9vinh8CR3/BYlzJChNuOL2TSXxbbqY913EeZ8dCn5VrD7io8ImtxL\n"
                              "aYk8wTM/U+3QGbh3hCUv7JFP5IV3aVlL6kKA0ywPVb9ilE8TA5a8bpvfbr3SvaNn\n"
                              "juygxmj3AbONv/s4yDQs4v5tJ/reSlpIdJed1LnPmt7Ex1sFhSwsD174pcF1A5L5\n"
                              "ROjtZMEQxrZHYJqkeDrrnGya11UxMFBji4NmXG9veoKjlnAqH2QbgtPr8jkiGUkf\n"
                              "toaHLFcW9Qr4NY2ai50Xw0Byj3+H2JoY2PyrZ62EWQwuz3WTOTY8BwNNb2BvniHg\n"
                              "VFbK5emhAgMBAAECggEAEq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyW\n"
                              "PEAeP88vLNO97IjlA7/GQ5sLKMgvfTeXZx9SE+7YwVol2NXOoAJe46sui395IW/G\n"
                              "O+pWJ1O0BkTGoVEn2bKVRUCgu+GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzj\n"
                              "kn439X0M/V51gfpRLI9JYanrC4D4qAdGcopV/0ZHHzQlBjudU2QvXt4ehNYTCBr6\n"
                              "XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl/x/jTj3ccPDVZFD9pIuhLhBOneufuBiB\n"
                              "4cS98l2SR/RQyGWSeWjnczT0QU91p1DhOVRuOopznQKBgQDgHMQQ60imZV1URk0K\n"
                              "pLttoLhyt3SmqdEf/kgHePDdtzEafpAu+cS191R2JiuoF2yzWXnwFDcqGigp5BNr\n"
                              "0AHQfD8/Lk8l1Mk09jxxCfui5nYooNyac8YFjm3vItzVCVDnEd3BbVWG8qf6deqE\n"
                              "lMGAg+C2V0L4oNXnP7LZcPAZRwKBgQC5A8R+CZW2MvRTLLHzwZkUXV866cff7tx6\n"
                              "kqa0finGG0KgeqlaZPxgCZnFp7AeAcCMtiynVlJ7vMVgePsLq6XtON4tB5kP9jAP\n"
                              "rq3rbAOal78eUH5OcED6eNuCV8ixEu1eWcPNCS/l1OW1EnXUEoEHKl54Xrrz2uNw\n"
                              "kgMTP1FZ1wKBgAcCn1dwJKufzBWQxWQp1vsM5fggqPN1qGb5y0MAk3g7/Ls5bkUp\n"
                              "5u9SN0Ai3Ya6hNnvWJMb7sXQX6U/zyO2M/hTip7tUeh7CXgwo59dkpN75gJLVds2\n"
                              "9+DAncu3KXU4f2Fa+7bLNrur53k8KwPOq2bbuTG69QtV7Jr5MR0AHWKNAoGBAIf/\n"
                              "evpitUf+4JYbLpvNXWcY052Mpz22aR84mY3nh3F2LF2mjMJDpTg7FmuyPcVw6EcG\n"
                              "yoAe9fa65iNqCq+jdw6PVNGo2hxfjSiZ8IIzHdsPXI89//pMjZcQK9r+CCoRjaZj\n"
                              "OYiIDktVWZzmevJuv6WywUqd57LE3Zar3dLSIkx1AoGAIYd7DHOhrWvxkwPQsRM2\n"
                              "tOgrjbcrfvtQJipd+DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd/QJQ3\n"
                              "ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp/gh6A56\n"
                              "03k2+ZQwVK0JKSHuLFkuQ3U=\n"
                              "-----END PRIVATE KEY-----\n";

static void
test_jwt_is_that_of_the_rfc(void **state)
{
    static const struct str header = STR_LIT("{\"alg\":\"RS256\"}");
    static const struct str claims = STR_LIT("{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                                             "\"http://example.com/is_root\":true}");
    CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
    struct err e = ERR_INIT;

    (void)state;
    T_OK(jwt_sign(str_c(rfc_key), header, claims, &out, &e));
    assert_string_equal(buf_c(&out),
                        "eyJhbGciOiJSUzI1NiJ9."
                        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS"
                        "9pc19yb290Ijp0cnVlfQ."
                        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-"
                        "0Qc_lF5YKt_O8W2Fp5"
                        "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
                        "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
                        "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
                        "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
                        "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
}

static void
test_jwt_refuses_what_is_no_key(void **state)
{
    static const char *const bad[] = {
        "",
        "secret",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        /* of a curve */
        "-----BEGIN PRIVATE "
        "KEY-----\nMC4CAQAwBQYDK2VwBCIEIBGvBBSEHePpaKw1BavmtEAIJv1zmvXfkeFhmTQcmYnI\n-----END "
        "PRIVATE KEY-----\n",
    };
    CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(jwt_sign(str_c(bad[i]), STR_LIT("{}"), STR_LIT("{}"), &out, &e), RC_INVALID);
    assert_int_equal(out.n, 0);
    buf_release(&out);
    buf_init(&out, 100); /* no room */
    T_RC(jwt_sign(str_c(rfc_key), STR_LIT("{}"), STR_LIT("{}"), &out, &e), RC_LIMIT);
}

/* An empty slot is all zeros, and so may be a name in a hostile file. */
static void
test_a_set_tells_zeros_from_nothing(void **state)
{
    struct idset s = {.n = 0};
    const struct id zero = {.b = {0}};
    struct id id = {.b = {0}};
    size_t at = 0, n = 0;

    (void)state;
    for (uint8_t i = 1; i <= 200; i++) {
        id.b[i % 32] = i;
        assert_true(idset_add(&s, &id));
        assert_false(idset_add(&s, &id));
        assert_false(idset_has(&s, &zero));
    }
    assert_true(idset_add(&s, &zero));
    assert_false(idset_add(&s, &zero));
    assert_true(idset_has(&s, &zero));
    while (idset_next(&s, &at) != NULL)
        n++;
    assert_int_equal(n, 201);
    assert_null(idset_next(&s, &at));
    idset_release(&s);
    assert_false(idset_has(&s, &zero));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seal_matches_the_vectors),
        cmocka_unit_test(test_seal_open_refuses_every_flipped_bit_and_every_prefix),
        cmocka_unit_test(test_scrypt_matches_the_vectors),
        cmocka_unit_test(test_scrypt_refuses_senseless_and_greedy_parameters),
        cmocka_unit_test(test_sha256_in_pieces_is_sha256_of_the_whole),
        cmocka_unit_test(test_sha256_of_many_is_sha256_of_each),
        cmocka_unit_test(test_jwt_is_that_of_the_rfc),
        cmocka_unit_test(test_jwt_refuses_what_is_no_key),
        cmocka_unit_test(test_a_set_tells_zeros_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
