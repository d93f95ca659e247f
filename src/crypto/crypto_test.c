/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/buf.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/scrypt.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"

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
        memset(got, 0, sizeof(got));
        sha256_many(in, n, got);
        for (size_t i = 0; i < n; i++)
            assert_true(id_eq(&want[i], &got[i]));
    }
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
