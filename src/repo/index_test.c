/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/index.h"

#include "crypto/sha256.h"
#include "t.h"

enum {
    PACKS = 3000,
    BLOBS_OF_PACK = 10,
    KINDS = 20000 /* different IDs: some are in several packs */
};

static struct id
id_of(uint32_t n)
{
    struct id id;

    sha256_of(str_of((const uint8_t *)&n, sizeof(n)), &id);
    return id;
}

/* Blob i of pack p; every 7th kind is a tree. */
static struct pack_entry
blob_of(uint32_t p, uint32_t i)
{
    uint32_t kind = (p * BLOBS_OF_PACK + i) * 7919U % KINDS;

    return (struct pack_entry){.id = id_of(kind),
                               .type = kind % 7 == 0 ? BLOB_TREE : BLOB_DATA,
                               .offset = (BLOBS_OF_PACK - i) * 1000,
                               .sealed = 1000,
                               .plain = kind};
}

static void
add_pack(struct index *ix, uint32_t p, uint32_t file)
{
    struct pack_entry blobs[BLOBS_OF_PACK];
    const struct index_pack pack = {.id = id_of(KINDS + p), .blobs = blobs, .n = BLOBS_OF_PACK};
    struct err e = ERR_INIT;

    for (uint32_t i = 0; i < BLOBS_OF_PACK; i++)
        blobs[i] = blob_of(p, i);
    T_OK(index_add(ix, &pack, file, &e));
}

/* Two files of `packs` packs together; the last 5 packs of the first are in the second as well. */
static struct index *
make(uint32_t packs)
{
    struct index *ix = index_new();
    const struct id files[] = {id_of(1), id_of(2)};
    uint32_t first = index_file_add(ix, &files[0]), second = index_file_add(ix, &files[1]);

    for (uint32_t p = 0; p < packs; p++)
        add_pack(ix, p, p < packs / 2 ? first : second);
    for (uint32_t p = packs / 2 - 5; p < packs / 2; p++)
        add_pack(ix, p, second);
    index_sort(ix);
    return ix;
}

static void
check_order(const struct index *ix)
{
    struct pack_entry a, b;

    for (size_t i = 1; i < index_blobs(ix); i++) {
        uint32_t pack_a = index_at(ix, i - 1, &a), pack_b = index_at(ix, i, &b);
        int c = memcmp(a.id.b, b.id.b, ID_BYTES);

        assert_true(c < 0 || (c == 0 && a.type <= b.type && pack_a <= pack_b));
    }
    for (uint32_t p = 1; p < index_packs(ix); p++)
        assert_true(memcmp(index_pack(ix, p - 1)->b, index_pack(ix, p)->b, ID_BYTES) < 0);
}

static void
check_lookups(const struct index *ix, uint32_t packs)
{
    struct id nobody = id_of(999999);
    struct blob_place place;

    for (uint32_t p = 0; p < packs; p += 7) {
        struct pack_entry want = blob_of(p, 3);
        struct id pack = id_of(KINDS + p);
        bool found = false;

        for (size_t n = 0; !found && index_find(ix, want.type, &want.id, n, &place); n++)
            found = id_eq(&place.pack, &pack) && place.offset == want.offset;
        assert_true(found);
        assert_true(index_first(ix, want.type == BLOB_TREE ? BLOB_DATA : BLOB_TREE, &want.id) ==
                    INDEX_NONE);
        assert_true(id_eq(index_pack(ix, (uint32_t)index_pack_find(ix, &pack)), &pack));
    }
    assert_true(index_first(ix, BLOB_DATA, &nobody) == INDEX_NONE);
    assert_true(index_pack_find(ix, &nobody) == INDEX_NONE);
}

static void
check_packs(const struct index *ix)
{
    struct index_order o;
    size_t listed, in_first = 0;
    const struct index_listing *list = index_listings(ix, &listed);

    index_order_make(ix, &o);
    for (uint32_t p = 0; p < index_packs(ix); p++) {
        assert_int_equal(o.first[p + 1] - o.first[p], BLOBS_OF_PACK);
        for (uint32_t i = o.first[p]; i < o.first[p + 1]; i++) {
            struct pack_entry b;

            assert_int_equal(index_at(ix, o.blobs[i], &b), p);
            assert_int_equal(b.offset, (i - o.first[p] + 1) * 1000);
        }
    }
    index_order_release(&o);
    assert_int_equal(listed, index_packs(ix) + 5);
    for (size_t i = 0; i < listed; i++)
        in_first += list[i].file == 0;
    assert_int_equal(in_first, index_packs(ix) / 2);
}

/* Few are sorted at once, many side by side: the same comes out. */
static void
test_index(void **state)
{
    static const uint32_t sizes[] = {20, PACKS};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct index *ix = make(sizes[i]);

        assert_int_equal(index_packs(ix), sizes[i]);
        assert_int_equal(index_blobs(ix), sizes[i] * BLOBS_OF_PACK);
        check_order(ix);
        check_lookups(ix, sizes[i]);
        check_packs(ix);
        index_free(ix);
    }
}

static void
test_an_empty_index(void **state)
{
    struct index *ix = index_new();
    struct id id = id_of(1);
    struct index_order o;

    (void)state;
    index_sort(ix);
    assert_true(index_first(ix, BLOB_DATA, &id) == INDEX_NONE);
    index_order_make(ix, &o);
    index_order_release(&o);
    index_free(ix);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_index),
                                       cmocka_unit_test(test_an_empty_index)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
