/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "codec/crc64.h"
#include "codec/lzf.h"

static void
test_crc64_gives_the_check_value_in_any_pieces(void **state)
{
    const uint8_t *nine = (const uint8_t *)"123456789";

    (void)state;
    for (size_t cut = 0; cut <= 9; cut++)
        assert_true(crc64(crc64(0, nine, cut), nine + cut, 9 - cut) == 0xe9c6d914c4b8d9caULL);
}

/* 100 times "a" as Redis 7.0 writes it. */
static const uint8_t hundred_a[] = {0x01, 0x61, 0x61, 0xe0, 0x57, 0x00, 0x01, 0x61, 0x61};

static void
test_lzf_decodes_overlapping_runs(void **state)
{
    struct err e = ERR_INIT;
    uint8_t out[100];

    (void)state;
    T_OK(lzf_decode(str_of(hundred_a, sizeof(hundred_a)), out, sizeof(out), &e));
    for (size_t i = 0; i < sizeof(out); i++)
        assert_int_equal(out[i], 'a');
    T_OK(lzf_decode(STR_LIT("\x02"
                            "abc"
                            "\xe0\x01\x02"),
                    out, 13, &e));
    assert_memory_equal(out, "abcabcabcabca", 13);
}

static void
test_lzf_refuses_every_prefix_and_wrong_lengths(void **state)
{
    struct err e = ERR_INIT;
    uint8_t out[101];

    (void)state;
    for (size_t n = 0; n < sizeof(hundred_a); n++)
        T_RC(lzf_decode(str_of(hundred_a, n), out, 100, &e), RC_CORRUPT);
    T_RC(lzf_decode(str_of(hundred_a, sizeof(hundred_a)), out, 99, &e), RC_CORRUPT);
    T_RC(lzf_decode(str_of(hundred_a, sizeof(hundred_a)), out, 101, &e), RC_CORRUPT);
    /* distance 6 with nothing before */
    T_RC(lzf_decode(STR_LIT("\x20\x05"), out, 3, &e), RC_CORRUPT);
}

static void
test_lzf_step_needs_whole_tokens_only(void **state)
{
    struct err e = ERR_INIT;
    uint8_t out[100 + LZF_RUN_MAX];
    size_t have = 0, used, at = 0;

    (void)state;
    for (size_t n = 1; at < sizeof(hundred_a); n++) { /* one more byte is there each time */
        T_OK(lzf_step(str_of(hundred_a + at, MIN(n, sizeof(hundred_a)) - at), &used, out, &have,
                      sizeof(out), &e));
        at += used;
    }
    assert_int_equal(have, 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc64_gives_the_check_value_in_any_pieces),
        cmocka_unit_test(test_lzf_decodes_overlapping_runs),
        cmocka_unit_test(test_lzf_refuses_every_prefix_and_wrong_lengths),
        cmocka_unit_test(test_lzf_step_needs_whole_tokens_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
