/* SPDX-License-Identifier: Apache-2.0 */
/* A dump that is stored in parts, and manifests that say so, or something else. */
#include "t.h"

#include "base/mem.h"
#include "dump/encode.h"
#include "job/backup.h"
#include "job/dump_parts.h"
#include "repo/save.h"
#include "store/mem.h"

enum { PARTS = 3, KEYS = 1500, DUMP_MAX = 16 * 1024 * 1024 };

static struct ctx cx;

struct place {
    struct store *store;
    struct repo *repo;
    struct snapshot_source from;
    size_t blobs[PARTS];
};

/* Part i of i * KEYS strings. */
static void
part_write(struct wr *to, uint32_t i, struct trailer *t)
{
    static const uint8_t value[1000] = {1};
    const struct ev string = {.kind = EV_STRING, .u.piece = ev_whole(str_of(value, sizeof(value)))};
    struct encoder *x = encoder_new(to, DUMP_COMMANDS);
    struct err e = ERR_INIT;
    struct ev db = {.kind = EV_DB}, key = {.kind = EV_KEY};
    char name[32];

    T_OK(encoder_begin(x, (struct part){i, PARTS}, &e));
    db.u.db.keys = db.u.db.expires = EV_UNKNOWN;
    T_OK(encoder_on(x, &db, &e));
    for (uint32_t k = 0; k < i * KEYS; k++) {
        (void)snprintf(name, sizeof(name), "%u:%u", i, k);
        key.u.key = (struct ev_key){
            .name = str_c(name), .expires_at = EV_NO_EXPIRY, .idle_s = -1, .freq = -1};
        key.kind = EV_KEY;
        T_OK(encoder_on(x, &key, &e));
        T_OK(encoder_on(x, &string, &e));
        key.kind = EV_KEY_END;
        T_OK(encoder_on(x, &key, &e));
    }
    T_OK(encoder_end(x, t, &e));
    encoder_free(x);
}

/* As source_shards and backup do; `lanes`: each part is one, else all is one stream. */
static void
place_init(struct place *p, bool lanes)
{
    struct repo_init_opts opts = {.version = 2, .fast_kdf = true, .polynomial = 0x3da3358b4dc173};
    struct save_meta meta = {.hostname = "h", .path = "/" DUMP_NAME, .time = instant_now()};
    struct trailer trailers[PARTS];
    struct err e = ERR_INIT;
    struct save *s = NULL;
    struct wr *all;
    struct id id;

    *p = (struct place){.store = store_mem_new()};
    T_OK(repo_init(&cx, p->store, STR_LIT("pw"), &opts, &id, &e));
    T_OK(repo_open(&cx, p->store, STR_LIT("pw"), &p->repo, &e));
    T_OK(save_open(&cx, p->repo, NULL, &s, &e));
    if (lanes)
        save_lanes(s, PARTS + 2);
    all = lanes ? NULL : save_file(s);
    T_OK(parts_begin(lanes ? save_lane(s, 0) : all, &e));
    for (uint32_t i = 1; i <= PARTS; i++)
        part_write(lanes ? save_lane(s, i) : all, i, &trailers[i - 1]);
    T_OK(parts_end(lanes ? save_lane(s, PARTS + 1) : all, trailers, PARTS, &e));
    for (unsigned i = 0; lanes && i < PARTS + 2; i++) {
        T_OK(save_lane_end(s, i, &e));
        if (i > 0 && i <= PARTS)
            p->blobs[i - 1] = save_lane_blobs(s, i);
    }
    T_OK(lanes ? save_lanes_end(s, DUMP_NAME, &e) : save_file_end(s, DUMP_NAME, &e));
    T_OK(save_commit(s, &meta, NULL, NULL, &e));
    T_OK(snapshot_open(&cx, p->repo, "latest", NULL, NULL, &p->from, &e));
}

static void
place_release(struct place *p)
{
    snapshot_close(&p->from);
    repo_close(p->repo);
    store_release(p->store);
}

/* The manifest says these blobs, 0: nothing, of so many shards. */
static void
place_say(struct place *p, const size_t *blobs, size_t n)
{
    struct buf *m = &p->from.manifest;

    buf_reset(m);
    buf_must_printf(m, "{\"version\": 2, \"shards\": [");
    for (size_t i = 0; i < n; i++)
        if (blobs[i] == 0)
            buf_must_printf(m, "%s{}", i == 0 ? "" : ", ");
        else
            buf_must_printf(m, "%s{\"blobs\": %zu}", i == 0 ? "" : ", ", blobs[i]);
    buf_must_printf(m, "]}");
}

/* A load of what the manifest says; RC_EXISTS: it is to be read in order. */
static enum rc
place_load(struct place *p, uint64_t *keys, struct err *e)
{
    struct load_opts opts = {.filter = FILTER_ALL, .dry_run = true};
    struct load_result r = {.keys = 0};
    struct dump_parts parts;
    enum rc rc = dump_parts_open(&cx, &p->from, &parts, e);

    opts.parts = &parts.parts;
    if (rc == RC_OK && parts.parts.n == 0)
        rc = RC_EXISTS;
    if (rc == RC_OK)
        rc = load_run(&cx, NULL, NULL, &opts, &r, e);
    if (rc == RC_OK)
        rc = dump_parts_end(&parts, e);
    dump_parts_close(&parts);
    *keys = r.keys;
    return rc;
}

static void
test_parts_are_where_the_manifest_says(void **state)
{
    struct place p;
    struct err e = ERR_INIT;
    uint64_t keys;

    (void)state;
    place_init(&p, true);
    for (size_t i = 0; i < PARTS; i++)
        assert_true(p.blobs[i] > i + 1);
    place_say(&p, p.blobs, PARTS);
    T_OK(place_load(&p, &keys, &e));
    assert_int_equal(keys, KEYS * (1 + 2 + 3));
    p.from.file.size++; /* the tree says another size */
    T_RC(place_load(&p, &keys, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "but its tree says");
    place_release(&p);
}

/* The same number of blobs in all, or of parts, but other ones. */
static void
test_a_manifest_that_lies_is_found_out(void **state)
{
    struct place p;
    struct err e = ERR_INIT;
    uint64_t keys;

    (void)state;
    place_init(&p, true);
    for (size_t from = 0; from < PARTS; from++)
        for (size_t to = 0; to < PARTS; to++) {
            size_t lie[PARTS];

            if (from == to)
                continue;
            memcpy(lie, p.blobs, sizeof(lie));
            lie[from]--;
            lie[to]++;
            place_say(&p, lie, PARTS);
            T_RC(place_load(&p, &keys, &e), RC_CORRUPT);
            e = (struct err)ERR_INIT;
        }
    place_say(&p, (size_t[]){p.blobs[0], p.blobs[1] + p.blobs[2]}, 2);
    T_RC(place_load(&p, &keys, &e), RC_CORRUPT);
    e = (struct err)ERR_INIT;
    place_say(&p, (size_t[]){p.blobs[0], p.blobs[1], 1, p.blobs[2] - 1}, 4);
    T_RC(place_load(&p, &keys, &e), RC_CORRUPT);
    place_release(&p);
}

static void
test_what_is_not_stored_in_parts_is_read_in_order(void **state)
{
    struct place p;
    struct err e = ERR_INIT;
    uint64_t keys;

    (void)state;
    place_init(&p, true);
    for (size_t i = 0; i < PARTS; i++) {
        size_t other[PARTS];

        memcpy(other, p.blobs, sizeof(other));
        other[i] = 0; /* not said */
        place_say(&p, other, PARTS);
        assert_int_equal(place_load(&p, &keys, &e), RC_EXISTS);
        for (size_t n = 1; n < SIZE_MAX / 4; n *= 1000) {
            other[i] = p.blobs[i] + n;
            place_say(&p, other, PARTS);
            assert_int_equal(place_load(&p, &keys, &e), RC_EXISTS);
        }
    }
    place_say(&p, p.blobs, 1);
    assert_int_equal(place_load(&p, &keys, &e), RC_EXISTS);
    place_say(&p, p.blobs, PARTS);
    p.from.snap.repaired = true;
    assert_int_equal(place_load(&p, &keys, &e), RC_EXISTS);
    place_release(&p);
    /* As many blobs, but cut elsewhere. */
    place_init(&p, false);
    assert_true(p.from.file.n_content > PARTS + 2);
    place_say(&p, (size_t[]){1, p.from.file.n_content - 4, 1}, PARTS);
    assert_int_equal(place_load(&p, &keys, &e), RC_EXISTS);
    place_release(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_where_the_manifest_says),
        cmocka_unit_test(test_a_manifest_that_lies_is_found_out),
        cmocka_unit_test(test_what_is_not_stored_in_parts_is_read_in_order),
    };

    T_RUN(tests, cx);
}
