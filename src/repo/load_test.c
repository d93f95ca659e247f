/* SPDX-License-Identifier: Apache-2.0 */
/* Reading from a store that is far away: what is read with one request, and what becomes of damage.
 */
#include "t.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/mem.h"
#include "codec/zstd.h"
#include "repo/blob_batch.h"
#include "repo/load.h"
#include "repo/save.h"
#include "repo/snapshots.h"
#include "store/fault.h"
#include "store/mem.h"

enum { BIG = 16000000, HUGE_FILE = 3 * LOAD_MEMORY / 2, SETTLE_US = 300000 };

static struct ctx cx;

/* ---- what goes into a run ---- */

/* Blobs of a pack that is named by a letter. */
static struct run_blob
blob_at(char pack, uint32_t offset, uint32_t sealed, uint32_t plain)
{
    struct run_blob b = {.place = {.offset = offset, .sealed = sealed, .plain = plain}};

    b.place.pack.b[0] = (uint8_t)pack;
    return b;
}

/* The offsets of what is picked, in words. */
static const char *
picks(struct run_blob *blobs, size_t n, size_t max)
{
    static char text[200];
    struct run_blob *wanted[RUN_PICK_MAX], *picked[RUN_BLOBS];
    size_t got, at = 0;

    for (size_t i = 0; i < n; i++)
        wanted[i] = &blobs[i];
    got = blob_batch_pick(wanted, n, max, picked);
    text[0] = '\0';
    for (size_t i = 0; i < got; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%u ", picked[i]->place.offset);
    if (got > 1)
        assert_true(blob_batch_bytes(picked, got) <= max);
    return text;
}

static void
test_a_run_is_what_lies_side_by_side(void **state)
{
    struct run_blob in_order[] = {blob_at('a', 0, 100, 0), blob_at('a', 100, 100, 0),
                                  blob_at('a', 200, 100, 0)};
    struct run_blob mixed[] = {blob_at('a', 200, 100, 0), blob_at('b', 300, 100, 0),
                               blob_at('a', 0, 100, 0), blob_at('a', 300, 100, 0),
                               blob_at('a', 100, 100, 0)};
    struct run_blob twice[] = {blob_at('a', 0, 100, 0), blob_at('a', 0, 100, 0),
                               blob_at('a', 50, 100, 0), blob_at('a', 100, 100, 0)};

    (void)state;
    assert_string_equal(picks(in_order, 3, 1000), "0 100 200 ");
    assert_string_equal(picks(mixed, 5, 1000), "0 100 200 300 ");
    assert_string_equal(picks(mixed + 1, 4, 1000), "300 ");
    assert_string_equal(picks(twice, 4, 1000), "0 ");
}

static void
test_a_run_has_limits(void **state)
{
    struct run_blob many[2 * RUN_BLOBS];
    struct run_blob gaps[] = {blob_at('a', 0, 100, 0), blob_at('a', 100 + RUN_GAP, 100, 0),
                              blob_at('a', 201 + 2 * RUN_GAP, 100, 0)};
    struct run_blob packed[] = {blob_at('a', 100, 100, 300), blob_at('a', 0, 100, 300),
                                blob_at('a', 200, 100, 400)};
    const size_t need = 700 + zstd_margin(400) + SEAL_MAC; /* of the second and the third */
    struct run_blob last = blob_at('a', UINT32_MAX - 99, 100, 0);

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = blob_at('a', i * 100, 100, 0);
    assert_string_equal(picks(many, ARRAY_LEN(many), 1000), "0 100 200 300 400 500 600 700 ");
    assert_string_equal(picks(many, ARRAY_LEN(many), 399), "0 100 200 ");
    assert_string_equal(picks(many, ARRAY_LEN(many), 50), "0 ");
    assert_string_equal(picks(gaps, 3, 1 << 20), "0 131172 ");
    assert_string_equal(picks(gaps, 3, RUN_GAP), "0 ");
    /* What counts is their plaintext, and that it must not catch up with what is still to come. */
    assert_string_equal(picks(packed, 3, need), "100 200 ");
    assert_string_equal(picks(packed, 3, need - 1), "0 100 ");
    assert_string_equal(picks(packed, 3, need + 300), "0 100 200 ");
    assert_string_equal(picks(&last, 1, 100), "4294967196 ");
}

/* ---- a store that is far away ---- */

/* Around store/mem: counts what is read of packs, and damages or refuses it. */
static struct {
    struct store_ops ops;
    enum rc (*get)(struct ctx *, struct store *, const struct store_name *, uint64_t, uint8_t *,
                   size_t, struct err *);
    atomic_size_t gets, bytes, hits; /* hits: that covered the damaged byte */
    struct id pack;                  /* the damage */
    uint64_t at;
    size_t times;
    bool gone;
} far;

static enum rc
far_get(struct ctx *with, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
        size_t n, struct err *e)
{
    if (name->type == STORE_PACK && far.gone) {
        atomic_fetch_add(&far.gets, 1);
        return err_set(e, RC_UNAVAILABLE, "nobody is there");
    }
    if (far.get(with, s, name, off, to, n, e))
        return err_code(e);
    if (name->type != STORE_PACK)
        return RC_OK;
    atomic_fetch_add(&far.gets, 1);
    atomic_fetch_add(&far.bytes, n);
    if (id_eq(&name->id, &far.pack) && far.at >= off && far.at - off < n &&
        atomic_fetch_add(&far.hits, 1) < far.times)
        to[far.at - off] ^= 1;
    return RC_OK;
}

/* Noise, or with every fourth MiB of it one number over and over: some chunks shrink. */
enum kind { NOISE, MIXED };

static uint8_t *
some_bytes(size_t n, enum kind kind)
{
    uint8_t *p = mem_alloc(n + 8);
    uint64_t z = n;

    for (size_t i = 0; i < n; i += 8) {
        if (kind == NOISE || (i >> 20) % 4 != 0)
            z = z * 6364136223846793005ULL + 1442695040888963407ULL;
        le64_store(p + i, z ^ z >> 29);
    }
    return p;
}

/* A repository with the file /f, its packs as in a store that is far away. */
struct place {
    struct store *store;
    struct repo *repo;
    struct file_info file;
    uint8_t *bytes;
    size_t n;
};

static void
place_init(struct place *p, size_t n, enum kind kind, unsigned workers)
{
    struct repo_init_opts opts = {.version = 2, .fast_kdf = true, .polynomial = 0x3da3358b4dc173};
    struct save_opts save = {.workers = workers, .pack_mib = 8};
    struct save_meta meta = {.hostname = "h", .path = "/f", .time = instant_now()};
    struct snapshot snap;
    struct save *sv = NULL;
    struct err e = ERR_INIT;
    struct id id;

    memset(&far, 0, sizeof(far));
    *p = (struct place){.store = store_mem_new(), .bytes = some_bytes(n, kind), .n = n};
    T_OK(repo_init(&cx, p->store, STR_LIT("pw"), &opts, &id, &e));
    T_OK(repo_open(&cx, p->store, STR_LIT("pw"), &p->repo, &e));
    T_OK(save_open(&cx, p->repo, &save, &sv, &e));
    T_OK(wr_write(save_file(sv), p->bytes, n, &e));
    T_OK(save_file_end(sv, "f", &e));
    T_OK(save_commit(sv, &meta, NULL, NULL, &e));
    T_OK(snapshot_find(&cx, p->repo, "latest", NULL, &snap, &e));
    T_OK(load_find_file(&cx, p->repo, &snap.tree, "f", &p->file, &e));
    snapshot_release(&snap);
    far.ops = *p->store->ops;
    far.get = far.ops.get;
    far.ops.get = far_get;
    p->store->ops = &far.ops;
    p->store->remote = true;
    p->store->connections = STORE_CONNECTIONS;
}

static void
place_release(struct place *p)
{
    file_info_release(&p->file);
    repo_close(p->repo);
    store_release(p->store);
    mem_free(p->bytes);
}

static enum rc
load_all(struct place *p, struct buf *out, struct err *e)
{
    struct wr_buf to;

    wr_buf_init(&to, out);
    return load_copy(&cx, p->repo, &p->file, 0, &to.wr, e);
}

static void
must_load(struct place *p)
{
    CLEANUP(buf_release) struct buf back = BUF_INIT(p->n + 1);
    struct err e = ERR_INIT;

    T_OK(load_all(p, &back, &e));
    T_STR(buf_str(&back), str_of(p->bytes, p->n));
}

static enum rc
throw_away(struct wr *w, const uint8_t *bytes, size_t n, struct err *e)
{
    (void)w;
    (void)bytes;
    (void)n;
    (void)e;
    return RC_OK;
}

static void
test_one_request_brings_several_blobs(void **state)
{
    struct place p;

    (void)state;
    for (unsigned workers = 1; workers <= 3; workers++) {
        place_init(&p, BIG, NOISE, workers);
        must_load(&p);
        assert_true(p.file.n_content > 5);
        assert_true(far.gets < p.file.n_content);
        assert_true(workers > 1 || far.gets <= p.file.n_content * 2 / 3);
        assert_true(far.bytes < BIG + BIG / 10);
        place_release(&p);
    }
}

/* Damage the second blob of the file, which is not the first one of its pack, so many times. */
static void
damage(struct place *p, size_t times)
{
    struct blob_place place;
    struct err e = ERR_INIT;

    T_OK(blob_find(p->repo, BLOB_DATA, &p->file.content[1], &place, &e));
    assert_true(place.offset > 0);
    far.pack = place.pack;
    far.at = place.offset + place.sealed / 2;
    far.times = times;
}

static void
test_what_is_compressed_and_what_is_not_come_together(void **state)
{
    struct blob_place place;
    struct place p;
    struct err e = ERR_INIT;
    size_t compressed = 0;

    (void)state;
    place_init(&p, BIG, MIXED, 1);
    for (size_t i = 0; i < p.file.n_content; i++) {
        T_OK(blob_find(p.repo, BLOB_DATA, &p.file.content[i], &place, &e));
        compressed += place.plain != 0;
    }
    assert_true(compressed > 2 && compressed + 2 < p.file.n_content);
    must_load(&p);
    assert_true(far.gets <= p.file.n_content * 2 / 3);
    damage(&p, 1);
    must_load(&p);
    assert_int_equal(far.hits, 2);
    place_release(&p);
}

static void
test_what_is_read_ahead_has_a_limit(void **state)
{
    CLEANUP(buf_release) struct buf back = BUF_INIT(HUGE_FILE + 1);
    struct load *l = NULL;
    struct wr_buf to;
    struct place p;
    struct err e = ERR_INIT;

    (void)state;
    place_init(&p, HUGE_FILE, NOISE, 3);
    T_OK(load_open(&cx, p.repo, &p.file, 0, &l, &e));
    (void)usleep(SETTLE_US);
    assert_true(far.bytes <= LOAD_MEMORY);
    wr_buf_init(&to, &back);
    T_OK(stream_copy(load_rd(l), &to.wr, NULL, &e));
    T_STR(buf_str(&back), str_of(p.bytes, p.n));
    load_close(l);
    place_release(&p);
}

/* The blobs of the file over and over, in any order: no run is like the one before. */
static void
test_any_order_is_read(void **state)
{
    enum { MANY = 120 };
    struct file_info file = {.content = mem_zero(MANY, sizeof(struct id)), .n_content = MANY};
    struct load *l = NULL;
    struct place p;
    struct wr null = {.write = throw_away};
    struct err e = ERR_INIT;
    uint64_t z = 7;

    (void)state;
    place_init(&p, BIG, NOISE, 3);
    for (size_t i = 0; i < MANY; i++) {
        size_t n = 0;
        z = z * 6364136223846793005ULL + 1442695040888963407ULL;
        file.content[i] = p.file.content[(z >> 33) % p.file.n_content];
        T_OK(blob_length(p.repo, BLOB_DATA, &file.content[i], &n, &e));
        file.size += n;
    }
    for (unsigned workers = 0; workers <= 2; workers++) {
        p.store->remote = workers == 0; /* and one that is not */
        p.store->connections = workers == 0 ? STORE_CONNECTIONS : 0;
        T_OK(load_open(&cx, p.repo, &file, workers, &l, &e));
        T_OK(stream_copy(load_rd(l), &null, NULL, &e));
        load_close(l);
    }
    file_info_release(&file);
    place_release(&p);
}

static void
test_a_blob_that_came_damaged_is_read_again(void **state)
{
    struct place p;

    (void)state;
    for (size_t times = 1; times <= STORE_TRIES; times++) {
        place_init(&p, BIG, NOISE, 1);
        damage(&p, times);
        must_load(&p);
        assert_int_equal(far.hits, times + 1);
        place_release(&p);
    }
}

static void
test_a_damaged_blob_in_a_run_is_named(void **state)
{
    CLEANUP(buf_release) struct buf back = BUF_INIT(BIG);
    char hex[ID_TEXT], text[STORE_NAME_TEXT];
    struct store_name name = {.type = STORE_PACK};
    struct place p;
    struct err e = ERR_INIT;
    size_t n = 0;

    (void)state;
    place_init(&p, BIG, NOISE, 1);
    damage(&p, SIZE_MAX);
    T_RC(load_all(&p, &back, &e), RC_CORRUPT);
    name.id = far.pack;
    T_CONTAINS(e.msg, id_hex(&p.file.content[1], hex));
    T_CONTAINS(e.msg, store_name_text(&name, text));
    assert_int_equal(far.hits, 1 + STORE_TRIES);
    /* What stands before it was handed out. */
    T_OK(blob_length(p.repo, BLOB_DATA, &p.file.content[0], &n, &e));
    T_STR(buf_str(&back), str_of(p.bytes, n));
    place_release(&p);
}

static void
test_a_read_that_ends_early_is_repeated(void **state)
{
    struct fault_plan plan = {.kind = FAULT_SHORT, .types = 1U << STORE_PACK};
    struct store *fault;
    struct repo *repo;
    struct place p;
    struct err e = ERR_INIT;

    (void)state;
    place_init(&p, BIG, NOISE, 2);
    fault = store_fault_new(p.store, plan);
    T_OK(repo_open(&cx, fault, STR_LIT("pw"), &repo, &e));
    repo_close(p.repo);
    p.repo = repo;
    p.store = fault;
    for (plan.at = 1; plan.at <= 2; plan.at++) {
        store_fault_plan(fault, plan);
        must_load(&p);
        assert_true(store_fault_count(fault) > plan.at);
    }
    place_release(&p);
}

static void
test_a_store_that_is_gone_is_not_asked_for_every_blob(void **state)
{
    CLEANUP(buf_release) struct buf back = BUF_INIT(BIG);
    struct place p;
    struct err e = ERR_INIT;

    (void)state;
    place_init(&p, HUGE_FILE, NOISE, 1);
    far.gone = true;
    T_RC(load_all(&p, &back, &e), RC_UNAVAILABLE);
    T_CONTAINS(e.msg, "could not read blob");
    /* For every run that there is memory for: the run, and one of its blobs. */
    assert_true(far.gets <= 2 * (STORE_CONNECTIONS + 2));
    assert_int_equal(back.n, 0);
    place_release(&p);
}

/* ---- lanes ---- */

enum { LANES = SAVE_LANES_MAX, LANE_BYTES = 5 * 1024 * 1024 + 77 };

struct lane_arg {
    struct save *save;
    unsigned i;
    const uint8_t *p;
    struct err e;
};

/* In pieces, so that the lanes are in each other's way all the time; every other one begins anew. */
enum { SIDE_BYTES = 100 * 1000 };
static pthread_mutex_t side_lock = PTHREAD_MUTEX_INITIALIZER;

static void *
lane_thread(void *arg)
{
    struct lane_arg *l = arg;
    struct wr *to = save_lane(l->save, l->i);
    enum rc rc = RC_OK;

    if (l->i % 2 != 0) {
        rc = wr_write(to, l->p + 99, 2 * 1024 * 1024 + l->i, &l->e);
        to = save_lane(l->save, l->i);
    }
    for (size_t at = 0; rc == RC_OK && at < LANE_BYTES; at += 10007)
        rc = wr_write(to, l->p + at, MIN(10007, LANE_BYTES - at), &l->e);
    if (rc == RC_OK)
        rc = save_lane_end(l->save, l->i, &l->e);
    (void)pthread_mutex_lock(&side_lock);
    if (rc == RC_OK)
        rc = save_side_blob(l->save, str_of(l->p, SIDE_BYTES), &l->e);
    (void)pthread_mutex_unlock(&side_lock);
    return NULL;
}

static void
save_in_lanes(struct place *p, const uint8_t *bytes)
{
    struct save_opts opts = {.workers = 1, .uploads = 1};
    struct save_meta meta = {.hostname = "h", .path = "/lanes", .time = instant_now()};
    struct lane_arg args[LANES];
    pthread_t threads[LANES];
    struct save *sv = NULL;
    struct snapshot snap;
    struct err e = ERR_INIT;

    T_OK(save_open(&cx, p->repo, &opts, &sv, &e));
    save_lanes(sv, LANES);
    save_side(sv);
    for (unsigned i = 0; i < LANES; i++) {
        args[i] = (struct lane_arg){
            .save = sv, .i = i, .p = bytes + (size_t)i * LANE_BYTES, .e = ERR_INIT};
        assert_int_equal(pthread_create(&threads[i], NULL, lane_thread, &args[i]), 0);
    }
    for (unsigned i = 0; i < LANES; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(args[i].e.code, RC_OK);
    }
    T_OK(save_side_end(sv, "side", &e));
    T_OK(save_lanes_end(sv, "lanes", &e));
    T_OK(wr_write(save_file(sv), "beside", 6, &e));
    T_OK(save_file_end(sv, "beside", &e));
    T_OK(save_commit(sv, &meta, NULL, NULL, &e));
    T_OK(snapshot_find(&cx, p->repo, "latest", NULL, &snap, &e));
    assert_int_equal(snap.summary.total_files_processed, 3);
    file_info_release(&p->file);
    T_OK(load_find_file(&cx, p->repo, &snap.tree, "side", &p->file, &e));
    assert_int_equal(p->file.n_content, LANES); /* each a blob, none cut elsewhere */
    assert_int_equal(p->file.size, LANES * SIDE_BYTES);
    file_info_release(&p->file);
    T_OK(load_find_file(&cx, p->repo, &snap.tree, "lanes", &p->file, &e));
    snapshot_release(&snap);
}

/* Of the least memory: a store that is far away. */
static void
test_sixteen_lanes_become_one_file(void **state)
{
    struct place p;
    uint8_t *bytes = some_bytes((size_t)LANES * LANE_BYTES, NOISE);

    (void)state;
    place_init(&p, 1000, NOISE, 1); /* far from now on */
    save_in_lanes(&p, bytes);
    mem_free(p.bytes);
    p.bytes = bytes;
    p.n = (size_t)LANES * LANE_BYTES;
    must_load(&p);
    place_release(&p);
}

/* The bytes, for what the blobs cost that they are in. */
static void
test_a_range_costs_its_blobs(void **state)
{
    static const struct {
        uint64_t at, n;
    } ranges[] = {{0, 1}, {0, BIG}, {BIG - 1, 1}, {5 * 1000 * 1000, 300 * 1000}, {1, BIG - 2}};
    struct err e = ERR_INIT;
    struct load *l = NULL;
    struct place p;

    (void)state;
    place_init(&p, BIG, NOISE, 1);
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        CLEANUP(buf_release) struct buf back = BUF_INIT(BIG);
        struct wr_buf to;

        far.bytes = 0;
        wr_buf_init(&to, &back);
        T_OK(load_open_range(&cx, p.repo, &p.file, ranges[i].at, ranges[i].n, &l, &e));
        T_OK(stream_copy(load_rd(l), &to.wr, NULL, &e));
        load_close(l);
        T_STR(buf_str(&back), str_of(p.bytes + ranges[i].at, ranges[i].n));
        assert_true(ranges[i].n > 1000 * 1000 || far.bytes < BIG);
    }
    T_RC(load_open_range(&cx, p.repo, &p.file, BIG - 10, 11, &l, &e), RC_CORRUPT);
    e = (struct err)ERR_INIT;
    T_RC(load_open_range(&cx, p.repo, &p.file, 5, UINT64_MAX, &l, &e), RC_CORRUPT);
    place_release(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_is_what_lies_side_by_side),
        cmocka_unit_test(test_a_run_has_limits),
        cmocka_unit_test(test_one_request_brings_several_blobs),
        cmocka_unit_test(test_what_is_compressed_and_what_is_not_come_together),
        cmocka_unit_test(test_what_is_read_ahead_has_a_limit),
        cmocka_unit_test(test_any_order_is_read),
        cmocka_unit_test(test_a_blob_that_came_damaged_is_read_again),
        cmocka_unit_test(test_a_damaged_blob_in_a_run_is_named),
        cmocka_unit_test(test_a_read_that_ends_early_is_repeated),
        cmocka_unit_test(test_a_store_that_is_gone_is_not_asked_for_every_blob),
        cmocka_unit_test(test_sixteen_lanes_become_one_file),
        cmocka_unit_test(test_a_range_costs_its_blobs),
    };

    T_RUN(tests, cx);
}
