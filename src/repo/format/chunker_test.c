/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/endian.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "repo/format/chunker.h"
#include "repo/format/poly.h"

#define P1 0x3da3358b4dc173ULL
#define P2 0x25b468838dcb75ULL

struct cut {
    size_t bytes;
    const char *sha; /* its first 16 digits */
};

static void
test_tables_and_fingerprints_match(void **state)
{
    struct chunker *c = MEM_NEW(struct chunker);
    uint8_t ramp[64];

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        ramp[i] = (uint8_t)i;
    chunker_init(c, P1);
    assert_true(c->mod[1] == P1 && c->mod[128] == 0x1012ab55b228ad4d &&
                c->mod[255] == 0x1ff7ac8a5af476a7);
    assert_true(chunker_fingerprint(c, (const uint8_t *)"hello world", 11) == 0x0f521f5c56bf7f);
    assert_true(chunker_fingerprint(c, ramp, 64) == 0x044b76cac5cee3);
    chunker_init(c, P2);
    assert_true(c->mod[1] == P2 && c->mod[255] == 0x1ff9ae6ade8f792b);
    assert_true(chunker_fingerprint(c, ramp, 64) == 0x05c555dc4378b2);
    mem_free(c);
}

static void
test_irreducible_polynomials_are_told_from_others(void **state)
{
    struct err e = ERR_INIT;
    uint64_t p;

    (void)state;
    assert_true(poly_is_good(P1) && poly_is_good(P2) && poly_is_good(0x20000000000047));
    assert_false(poly_is_good(0x3fffffffffffff) || poly_is_good(0x20000000000001));
    assert_false(poly_is_good(0) || poly_is_good(0x47));
    assert_true(poly_is_good(poly_random()));
    T_OK(poly_parse(STR_LIT("3da3358b4dc173"), &p, &e));
    assert_true(p == P1);
    T_RC(poly_parse(STR_LIT("3da3358b4dc17g"), &p, &e), RC_CORRUPT);
    T_RC(poly_parse(STR_LIT("3fffffffffffff"), &p, &e), RC_CORRUPT);
    T_RC(poly_parse(STR_LIT(""), &p, &e), RC_CORRUPT);
}

/* Feed `n` bytes in steps of `step` and compare with the wanted cuts. */
static void
check_cuts(uint64_t poly, const uint8_t *p, size_t n, size_t step, const struct cut *want,
           size_t n_want)
{
    struct chunker *c = MEM_NEW(struct chunker);
    struct chunk_scan s;
    size_t from = 0, seen = 0, i = 0;
    struct id id;
    char hex[ID_TEXT];

    chunker_init(c, poly);
    chunk_scan_start(&s);
    while (from < n) {
        size_t cut = chunker_scan(c, &s, p + from, seen - from);
        if (cut == 0 && seen < n) {
            seen = MIN(seen + step, n);
            continue;
        }
        cut = cut == 0 ? n - from : cut;
        assert_true(i < n_want);
        assert_int_equal(cut, want[i].bytes);
        sha256_of(str_of(p + from, cut), &id);
        assert_memory_equal(id_hex(&id, hex), want[i].sha, 16);
        from += cut;
        chunk_scan_start(&s);
        i++;
    }
    assert_int_equal(i, n_want);
    mem_free(c);
}

static void
check_in_steps(uint64_t poly, const uint8_t *p, size_t n, const struct cut *want, size_t n_want)
{
    static const size_t steps[] = {1 << 26, 65536, 16384, 100003, 4095};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        check_cuts(poly, p, n, steps[i], want, n_want);
}

static void
test_vector_1_aes_keystream(void **state)
{
    static const struct cut want[] = {
        {551133, "3ce030d97b29f48d"},  {640712, "074630d6b7216556"},  {2766582, "a89379ee810e0b92"},
        {898583, "2a4a7a1c8e43abee"},  {2782732, "691f4c7c442a3d1a"}, {2263350, "cb9cbc8f9fe34b2a"},
        {531615, "d7545cf76e2dd78f"},  {1191198, "c8f0bc8854e554d0"}, {3039727, "618b3ab416c6c9d0"},
        {3056265, "885e8b56714e299b"}, {6102139, "50df04d908c2a4c8"}, {872917, "1a5ccfc7fea84456"},
        {919848, "1f995401aa969cbc"},  {1608882, "b61c807c92a25b06"}, {1844092, "9f7b9baed5bfd54f"},
        {1605195, "0c1b3d3dab2185b5"}, {2879462, "124933c15b910668"},
    };
    size_t n = 33554432;
    CLEANUP(mem_free_ptr) uint8_t *p = mem_zero(n + SEAL_OVERHEAD, 1);
    struct seal_key key = {.encrypt = {0}};
    uint8_t iv[SEAL_IV] = {0};
    struct sealer *s = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(sealer_new(&key, &s, &e));
    seal_with_iv(s, iv, p + SEAL_IV, n, p);
    sealer_free(s);
    check_in_steps(P1, p + SEAL_IV, n, want, ARRAY_LEN(want));
}

static uint8_t *
splitmix(size_t n)
{
    uint8_t *p = mem_alloc(n);
    uint64_t state = 0;

    for (size_t i = 0; i < n; i += 8) {
        uint64_t z = state += 0x9e3779b97f4a7c15ULL;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
        le64_store(p + i, z ^ z >> 31);
    }
    return p;
}

static void
test_vector_2_splitmix(void **state)
{
    static const struct cut want[] = {
        {1285841, "0c9722f1466328d5"}, {609147, "cfd4d851001017cf"},  {536277, "bdac4a60a7253046"},
        {939814, "ff55a781405bb08c"},  {759094, "a713feee7ab74222"},  {1146182, "42d1f80774010719"},
        {2257240, "fdc243c093fa9fb1"}, {1210894, "d9d1df4238181fb2"}, {631848, "639a98bea14b0b7e"},
        {864506, "fda7c6682b268a16"},  {3818237, "8bc1ef424081f762"}, {2152464, "e73c97e2ac0f6774"},
        {565672, "455e213687b7b052"},
    };
    CLEANUP(mem_free_ptr) uint8_t *p = splitmix(16777216);

    (void)state;
    check_in_steps(P1, p, 16777216, want, ARRAY_LEN(want));
}

static void
test_vector_3_another_polynomial(void **state)
{
    static const struct cut want[] = {
        {2539563, "e49df7691a599e88"}, {995656, "f4c911d1759484ca"},  {1229420, "6095c1fe14fa9a2f"},
        {4291192, "1644483c7bdfb094"}, {2171995, "bd6d4002a9e7b8e1"}, {717503, "d31572477696579a"},
        {1041269, "b9aed2e85369968c"}, {693379, "2d664ac45bbe9afc"},  {725768, "1dcb59d011b97e10"},
        {1328651, "0e87a726b050a3da"}, {1042820, "6417e8220147ad66"},
    };
    CLEANUP(mem_free_ptr) uint8_t *p = splitmix(16777216);

    (void)state;
    check_in_steps(P2, p, 16777216, want, ARRAY_LEN(want));
}

static void
test_vectors_4_and_5_constant_bytes(void **state)
{
    static const struct cut zeros[] = {{524288, "07854d2fef297a06"},
                                       {524288, "07854d2fef297a06"},
                                       {524288, "07854d2fef297a06"},
                                       {524288, "07854d2fef297a06"},
                                       {100, "cd00e292c5970d3c"}};
    static const struct cut as[] = {{8388608, "ad97f87076920684"},
                                    {8388608, "ad97f87076920684"},
                                    {4194304, "299285fc41a44cdb"}};
    CLEANUP(mem_free_ptr) uint8_t *p = mem_zero(20971520, 1);

    (void)state;
    check_in_steps(P1, p, 2097252, zeros, ARRAY_LEN(zeros));
    memset(p, 'a', 20971520);
    check_in_steps(P1, p, 20971520, as, ARRAY_LEN(as));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_and_fingerprints_match),
        cmocka_unit_test(test_irreducible_polynomials_are_told_from_others),
        cmocka_unit_test(test_vector_1_aes_keystream),
        cmocka_unit_test(test_vector_2_splitmix),
        cmocka_unit_test(test_vector_3_another_polynomial),
        cmocka_unit_test(test_vectors_4_and_5_constant_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
