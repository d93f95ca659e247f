/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/buf.h"
#include "base/mem.h"
#include "codec/zstd.h"

enum { N = 300000 };

static uint8_t *
some_text(void)
{
    uint8_t *p = mem_alloc(N);

    for (size_t i = 0; i < N; i++)
        p[i] = (uint8_t)("abcdefgh"[(i * i / 7) % 8]);
    return p;
}

static uint8_t *
some_noise(void)
{
    uint8_t *p = mem_alloc(N);
    uint64_t z = 1;

    for (size_t i = 0; i < N; i++) {
        z = z * 6364136223846793005ULL + 1442695040888963407ULL;
        p[i] = (uint8_t)(z >> 56);
    }
    return p;
}

static enum rc
read_frames(struct str in, size_t max, size_t step, struct buf *out, struct err *e)
{
    struct zstd_rd r;
    uint8_t part[1000];
    size_t got = 1;
    enum rc rc = RC_OK;

    zstd_rd_init(&r, in, max);
    while (rc == RC_OK && got != 0) {
        rc = rd_read(&r.rd, part, MIN(step, sizeof(part)), &got, e);
        if (rc == RC_OK)
            buf_must_add(out, part, got);
    }
    zstd_rd_release(&r);
    return rc;
}

static void
test_a_blob_comes_back_whole(void **state)
{
    CLEANUP(mem_free_ptr) uint8_t *text = some_text(), *small = mem_alloc(zstd_bound(N));
    CLEANUP(mem_free_ptr) uint8_t *back = mem_alloc(N + 1);
    struct zstd_dec *d = zstd_dec_new();
    struct err e = ERR_INIT;

    (void)state;
    for (int effort = ZSTD_FAST; effort <= ZSTD_DENSE; effort++) {
        struct zstd_enc *c = zstd_enc_new((enum zstd_effort)effort);
        size_t n = zstd_compress(c, str_of(text, N), small, zstd_bound(N));
        assert_true(n > 0 && n < N / 2);
        T_OK(zstd_decompress(d, str_of(small, n), back, N, &e));
        assert_memory_equal(text, back, N);
        T_RC(zstd_decompress(d, str_of(small, n), back, N - 1, &e), RC_CORRUPT);
        T_RC(zstd_decompress(d, str_of(small, n), back, N + 1, &e), RC_CORRUPT);
        T_RC(zstd_decompress(d, str_of(small, n - 1), back, N, &e), RC_CORRUPT);
        assert_int_equal(zstd_compress(c, str_of(text, N), small, n - 1), 0);
        zstd_enc_free(c);
    }
    zstd_dec_free(d);
}

/* From the end of the memory into its front. */
static void
decompress_in_place(struct str plain)
{
    size_t room = plain.n + zstd_margin(plain.n), packed;
    CLEANUP(mem_free_ptr) uint8_t *p = mem_alloc(room), *small = mem_alloc(zstd_bound(plain.n));
    struct zstd_enc *c = zstd_enc_new(ZSTD_FAST);
    struct zstd_dec *d = zstd_dec_new();
    struct err e = ERR_INIT;

    packed = zstd_compress(c, plain, small, zstd_bound(plain.n));
    assert_true(packed > 0 && packed <= room);
    memcpy(p + room - packed, small, packed);
    T_OK(zstd_decompress(d, str_of(p + room - packed, packed), p, plain.n, &e));
    T_STR(str_of(p, plain.n), plain);
    zstd_enc_free(c);
    zstd_dec_free(d);
}

static void
test_a_blob_is_decompressed_where_it_stands(void **state)
{
    CLEANUP(mem_free_ptr) uint8_t *shrinks = some_text(), *does_not = some_noise();

    (void)state;
    for (size_t n = 1; n <= N; n = n * 3 + 1) {
        decompress_in_place(str_of(shrinks, n));
        decompress_in_place(str_of(does_not, n));
    }
}

/* Two frames with a skippable one between them, as any encoder may write. */
static void
test_a_stream_of_frames_comes_back_whole_or_not_at_all(void **state)
{
    CLEANUP(mem_free_ptr) uint8_t *text = some_text();
    struct zstd_enc *c = zstd_enc_new(ZSTD_FAST);
    struct buf frames = BUF_INIT(2 * N), out = BUF_INIT(3 * N);
    struct err e = ERR_INIT;
    size_t first;

    (void)state;
    T_OK(buf_reserve(&frames, zstd_bound(N) + 100, &e));
    frames.n = first = zstd_compress(c, str_of(text, N), frames.p, zstd_bound(N));
    buf_must_add(&frames, "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
    frames.n += zstd_compress(c, STR_LIT("end"), frames.p + frames.n, 100);
    T_OK(read_frames(buf_str(&frames), N + 3, 1000, &out, &e));
    assert_int_equal(out.n, N + 3);
    assert_memory_equal(out.p, text, N);
    assert_memory_equal(out.p + N, "end", 3);
    T_RC(read_frames(buf_str(&frames), N + 2, 1000, &out, &e), RC_LIMIT);
    for (size_t cut = 1; cut < frames.n; cut += cut + 70 < first ? 61 : 1) {
        enum rc rc;
        out.n = 0;
        rc = read_frames(str_of(frames.p, cut), N + 3, 1000, &out, &e);
        assert_true(rc == RC_CORRUPT || cut == first || cut == first + 11);
    }
    zstd_enc_free(c);
    buf_release(&frames);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_blob_comes_back_whole),
        cmocka_unit_test(test_a_blob_is_decompressed_where_it_stands),
        cmocka_unit_test(test_a_stream_of_frames_comes_back_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
