/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dump/key_index.h"

/* The blobs of an index, as a repository would keep them. */
struct kept {
    struct key_index_sink sink;
    struct buf blobs[400];
    size_t n;
};

static enum rc
keep(struct key_index_sink *s, struct str bytes, struct err *e)
{
    struct kept *k = CONTAINER_OF(s, struct kept, sink);

    assert_true(k->n < ARRAY_LEN(k->blobs));
    buf_init(&k->blobs[k->n], SIZE_MAX);
    return buf_add_str(&k->blobs[k->n++], bytes, e);
}

static void
kept_init(struct kept *k)
{
    *k = (struct kept){.sink.blob = keep};
}

static void
kept_release(struct kept *k)
{
    for (size_t i = 0; i < k->n; i++)
        buf_release(&k->blobs[i]);
}

static struct key_dir
directory(const struct kept *k)
{
    struct err e = ERR_INIT;
    struct key_dir d;

    assert_int_equal(key_dir_read(buf_str(&k->blobs[k->n - 1]), &d, &e), RC_OK);
    assert_int_equal(d.n_blobs, k->n - 1);
    return d;
}

/* How many places the index gives; is `at` in one of them? */
static size_t
look(const struct kept *k, uint64_t db, struct str name, uint64_t at, bool *there)
{
    struct key_dir d = directory(k);
    uint32_t hash = key_hash(&d, db, name);
    struct key_place places[KEY_PLACES];
    struct err e = ERR_INIT;
    struct key_walk w = {0};
    struct key_want want;
    size_t n = 0;

    while (key_dir_next(&d, &w, hash, &want)) {
        assert_int_equal(k->blobs[want.page].n, want.page_bytes);
        assert_int_equal(k->blobs[want.blocks].n, want.blocks_bytes);
        assert_int_equal(key_want_read(&d, buf_str(&k->blobs[want.page]),
                                       buf_str(&k->blobs[want.blocks]), hash, places, &n, &e),
                         RC_OK);
    }
    *there = false;
    for (size_t i = 0; i < n; i++)
        *there = *there || (places[i].at <= at && at < places[i].at + places[i].n);
    return n;
}

static struct str
name_of(size_t i, char to[static 32])
{
    return str_of(to, (size_t)snprintf(to, 32, "key:%zu", i));
}

enum { KEY_BYTES = 60 };

static void
add_keys(struct key_lane *l, size_t from, size_t n)
{
    struct err e = ERR_INIT;
    char name[32];

    for (size_t i = 0; i < n; i++)
        assert_int_equal(key_lane_key(l, 100 + i * KEY_BYTES, i % 3, name_of(from + i, name), &e),
                         RC_OK);
    assert_int_equal(key_lane_end(l, 100 + n * KEY_BYTES, &e), RC_OK);
}

static void
test_every_key_is_found_in_its_block(void **state)
{
    enum { N = 1200000 };
    struct err e = ERR_INIT;
    struct kept *k = MEM_NEW(struct kept);
    uint64_t start = 0;
    struct key_index *x;
    size_t more = 0;
    char name[32];
    bool there;

    (void)state;
    kept_init(k);
    x = key_index_new(7, 1, &k->sink);
    add_keys(key_index_lane(x, 0), 0, N);
    assert_int_equal(key_index_end(x, &start, 100 + N * KEY_BYTES + 40, &e), RC_OK);
    key_index_free(x);
    assert_int_equal(directory(k).n_runs, 3);
    for (size_t i = 0; i < N; i += 997) {
        more += look(k, i % 3, name_of(i, name), 100 + i * KEY_BYTES, &there);
        assert_true(there);
    }
    assert_true(more < N / 997 + 20); /* a place more is one key in thousands */
    more = 0;
    for (size_t i = N; i < N + 1000; i++)
        more += look(k, 0, name_of(i, name), 0, &there);
    assert_true(more < 10);
    for (size_t i = 0; i < k->n - 1; i++)
        assert_true(k->blobs[i].n < 2 * KEY_PAGE);
    kept_release(k);
    mem_free(k);
}

static void
test_lanes_stand_behind_each_other_and_begin_anew(void **state)
{
    const uint64_t starts[] = {0, 50, 1000000};
    struct err e = ERR_INIT;
    struct kept *k = MEM_NEW(struct kept);
    struct key_index *x;
    char name[32];
    bool there;

    (void)state;
    kept_init(k);
    x = key_index_new(1, ARRAY_LEN(starts), &k->sink);
    add_keys(key_index_lane(x, 1), 0, 5000);
    add_keys(key_index_lane(x, 2), 100000, 9000); /* given up */
    add_keys(key_index_lane(x, 2), 200000, 9000);
    assert_int_equal(key_index_end(x, starts, 2000000, &e), RC_OK);
    key_index_free(x);
    assert_int_equal(look(k, 4 % 3, name_of(4, name), 50 + 100 + 4 * KEY_BYTES, &there), 1);
    assert_true(there);
    assert_int_equal(look(k, 8 % 3, name_of(200008, name), 1000000 + 100 + 8 * KEY_BYTES, &there),
                     1);
    assert_true(there);
    assert_int_equal(look(k, 8 % 3, name_of(100008, name), 0, &there), 0);
    kept_release(k);
    mem_free(k);
}

static void
test_nothing_is_an_index_too(void **state)
{
    struct err e = ERR_INIT;
    struct kept *k = MEM_NEW(struct kept);
    uint64_t start = 0;
    struct key_index *x;
    bool there;

    (void)state;
    kept_init(k);
    x = key_index_new(1, 1, &k->sink);
    assert_int_equal(key_index_end(x, &start, 40, &e), RC_OK);
    key_index_free(x);
    assert_int_equal(k->n, 1);
    assert_int_equal(look(k, 0, STR_LIT("a"), 0, &there), 0);
    kept_release(k);
    mem_free(k);
}

/* A blob that was cut or changed is refused, or gives places inside of the dump. */
static void
test_a_changed_index_leads_nowhere_else(void **state)
{
    struct err e = ERR_INIT;
    struct kept *k = MEM_NEW(struct kept);
    struct key_place places[KEY_PLACES];
    uint64_t start = 0;
    struct key_index *x;
    struct key_dir d;
    size_t refused = 0;
    char name[32];

    (void)state;
    kept_init(k);
    x = key_index_new(9, 1, &k->sink);
    add_keys(key_index_lane(x, 0), 0, 100);
    assert_int_equal(key_index_end(x, &start, 100 + 100 * KEY_BYTES, &e), RC_OK);
    key_index_free(x);
    assert_int_equal(k->n, 3);
    for (size_t i = 0; i < k->blobs[2].n; i++) {
        e = (struct err)ERR_INIT;
        assert_int_not_equal(key_dir_read(str_of(k->blobs[2].p, i), &d, &e), RC_OK);
    }
    d = directory(k);
    for (size_t i = 0; i < k->blobs[1].n; i++) {
        uint32_t hash = key_hash(&d, 1, name_of(1, name));
        size_t n = 0;
        k->blobs[1].p[i] ^= 0x7f;
        e = (struct err)ERR_INIT;
        if (key_want_read(&d, buf_str(&k->blobs[0]), buf_str(&k->blobs[1]), hash, places, &n, &e))
            refused++;
        for (size_t at = 0; e.code == RC_OK && at < n; at++)
            assert_true(places[at].at + places[at].n <= d.size);
        k->blobs[1].p[i] ^= 0x7f;
    }
    assert_true(refused > 0);
    kept_release(k);
    mem_free(k);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_is_found_in_its_block),
        cmocka_unit_test(test_lanes_stand_behind_each_other_and_begin_anew),
        cmocka_unit_test(test_nothing_is_an_index_too),
        cmocka_unit_test(test_a_changed_index_leads_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
