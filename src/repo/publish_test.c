/* SPDX-License-Identifier: Apache-2.0 */
/* What a backup publishes: nothing without its lock, nothing that counts on packs that are gone. */
#include "t.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "crypto/id.h"
#include "repo/repo_internal.h"
#include "repo/save.h"
#include "store/mem.h"

enum { BYTES = 3000000 };
static const enum store_type NEVER = STORE_CONFIG; /* is not stored any more */

static struct ctx cx;

/* A store that loses our lock right before, or right after, it stores an object of this type. */
static struct store_ops losing;
static const struct store_ops *plain;
static enum store_type lose_at;
static bool lose_after;
static atomic_uint n_lists;
static bool spoils;      /* of a snapshot that is read one bit is another */
static atomic_uint late; /* so many questions for an index file are too early */

static enum rc
drop_lock(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    (void)bytes;
    (void)e;
    *(struct id *)arg = *id;
    return RC_OK;
}

static void
lose_lock(struct store *s)
{
    struct store_name name = {.type = STORE_LOCK};
    struct err e = ERR_INIT;

    T_OK(plain->list(&cx, s, STORE_LOCK, drop_lock, &name.id, &e));
    T_OK(plain->del(&cx, s, &name, &e));
}

static enum rc
losing_commit(struct ctx *with, struct store_put *put, const struct id *id, struct err *e)
{
    struct store *s = put->store;
    bool now = put->type == lose_at;
    enum rc rc;

    if (now && !lose_after)
        lose_lock(s);
    rc = plain->put_commit(with, put, id, e);
    if (now && lose_after)
        lose_lock(s);
    return rc;
}

static enum rc
counting_list(struct ctx *with, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
              struct err *e)
{
    n_lists += type == STORE_PACK;
    return plain->list(with, s, type, fn, arg, e);
}

static enum rc
late_stat(struct ctx *with, struct store *s, const struct store_name *name, uint64_t *bytes,
          struct err *e)
{
    if (name->type == STORE_INDEX && late > 0) {
        late--;
        return err_set(e, RC_NOT_FOUND, "not yet");
    }
    return plain->stat(with, s, name, bytes, e);
}

static enum rc
spoiling_get(struct ctx *with, struct store *s, const struct store_name *name, uint64_t off,
             uint8_t *to, size_t n, struct err *e)
{
    enum rc rc = plain->get(with, s, name, off, to, n, e);

    if (rc == RC_OK && name->type == STORE_SNAPSHOT && spoils && n > 0)
        to[n / 2] ^= 1;
    return rc;
}

static struct store *
new_repo(void)
{
    struct repo_init_opts opts = {.fast_kdf = true};
    struct store *s = store_mem_new();
    struct err e = ERR_INIT;
    struct id id;

    T_OK(repo_init(&cx, s, STR_LIT("pw"), &opts, &id, &e));
    plain = s->ops;
    losing = *plain;
    losing.put_commit = losing_commit;
    losing.list = counting_list;
    losing.stat = late_stat;
    losing.get = spoiling_get;
    lose_at = NEVER;
    s->ops = &losing; /* before the lock's thread looks at it */
    return s;
}

static struct repo *
open_locked(struct store *s)
{
    struct lock_pace quick = {.settle = 1, .renew = 60000, .repeat = 60000, .lost = 60000};
    struct repo *r = NULL;
    struct err e = ERR_INIT;

    T_OK(repo_open(&cx, s, STR_LIT("pw"), &r, &e));
    repo_set_lock_pace(r, quick);
    T_OK(repo_lock(&cx, r, false, &e));
    T_OK(repo_load_index(&cx, r, &e));
    return r;
}

/* Save a file of `pieces` times BYTES that only depends on `seed`. */
static enum rc
save_bytes(struct repo *r, unsigned pieces, uint8_t seed, const struct save_opts *o, struct err *e)
{
    struct save_meta meta = {.hostname = "h", .path = "/f", .time = instant_now()};
    uint8_t *p = (uint8_t *)mem_alloc(BYTES);
    uint64_t x = seed;
    struct save *s;
    struct wr *w;
    enum rc rc = RC_OK;

    if (save_open(&cx, r, o, &s, e)) {
        mem_free(p);
        return err_code(e);
    }
    w = save_file(s);
    for (unsigned k = 0; k < pieces && rc == RC_OK; k++) {
        for (size_t i = 0; i < BYTES; i++) {
            x = x * 6364136223846793005U + 1442695040888963407U;
            p[i] = (uint8_t)(x >> 56);
        }
        rc = wr_write(w, p, BYTES, e);
    }
    mem_free(p);
    if (rc == RC_OK)
        rc = save_file_end(s, "f", e);
    if (rc == RC_OK)
        return save_commit(s, &meta, NULL, NULL, e);
    save_abort(s);
    return rc;
}

static enum rc
save(struct repo *r, uint8_t seed, struct err *e)
{
    return save_bytes(r, 1, seed, NULL, e);
}

static enum rc
count_one(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    (void)id;
    (void)bytes;
    (void)e;
    ++*(size_t *)arg;
    return RC_OK;
}

static size_t
count(struct store *s, enum store_type type)
{
    struct err e = ERR_INIT;
    size_t n = 0;

    T_OK(plain->list(&cx, s, type, count_one, &n, &e));
    return n;
}

static void
test_nothing_is_published_without_the_lock(void **state)
{
    static const struct {
        enum store_type at;
        bool after;
        size_t indexes; /* that stay: those that were proven */
    } cases[] = {{STORE_PACK, false, 0}, {STORE_PACK, true, 0},      {STORE_INDEX, false, 0},
                 {STORE_INDEX, true, 0}, {STORE_SNAPSHOT, false, 1}, {STORE_SNAPSHOT, true, 1}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct store *s = new_repo();
        struct repo *r = open_locked(s);
        struct err e = ERR_INIT;

        lose_at = cases[i].at;
        lose_after = cases[i].after;
        T_RC(save(r, 1, &e), RC_LOCKED);
        T_CONTAINS(e.msg, "lock");
        lose_at = NEVER;
        assert_int_equal(count(s, STORE_INDEX), cases[i].indexes);
        assert_int_equal(count(s, STORE_SNAPSHOT), 0);
        repo_close(r);
        store_release(s);
    }
}

struct largest {
    struct id id;
    uint64_t bytes;
};

static enum rc
find_largest(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct largest *l = (struct largest *)arg;

    (void)e;
    if (bytes > l->bytes)
        *l = (struct largest){*id, bytes};
    return RC_OK;
}

/* Remove the largest pack, which has data, or put other bytes in its place. */
static void
harm_pack(struct store *s, bool remove)
{
    struct store_name name = {.type = STORE_PACK};
    struct largest l = {.bytes = 0};
    struct err e = ERR_INIT;

    T_OK(plain->list(&cx, s, STORE_PACK, find_largest, &l, &e));
    name.id = l.id;
    if (remove)
        T_OK(plain->del(&cx, s, &name, &e));
    else
        T_OK(store_put_all(&cx, s, &name, STR_LIT("short"), &e));
}

static void
test_packs_that_are_counted_on_are_looked_for(void **state)
{
    (void)state;
    for (int remove = 0; remove < 2; remove++) {
        struct store *s = new_repo();
        struct repo *r = open_locked(s);
        struct err e = ERR_INIT;

        n_lists = 0;
        T_OK(save(r, 1, &e));
        assert_int_equal(n_lists, 0); /* nothing to count on */
        T_OK(save(r, 1, &e));
        assert_int_equal(n_lists, 1);
        harm_pack(s, remove != 0);
        T_RC(save(r, 1, &e), RC_CORRUPT);
        T_CONTAINS(e.msg, remove != 0 ? "is missing" : "bytes");
        assert_int_equal(count(s, STORE_SNAPSHOT), 2);
        repo_close(r);
        store_release(s);
    }
}

/* What is stored far away may show late; a folder shows it at once. */
static void
test_what_shows_late_is_waited_for(void **state)
{
    (void)state;
    for (unsigned far = 0; far < 2; far++) {
        struct store *s = new_repo();
        struct repo *r;
        struct err e = ERR_INIT;

        s->remote = far != 0;
        s->connections = far;
        r = open_locked(s);
        late = 2;
        T_RC(save(r, 1, &e), far != 0 ? RC_OK : RC_IO);
        assert_int_equal(count(s, STORE_INDEX), far);
        assert_int_equal(count(s, STORE_SNAPSHOT), far);
        late = 0;
        repo_close(r);
        store_release(s);
    }
}

static void
test_a_snapshot_that_is_stored_as_another_is_none(void **state)
{
    struct store *s = new_repo();
    struct repo *r = open_locked(s);
    struct err e = ERR_INIT;

    (void)state;
    spoils = true;
    T_RC(save(r, 1, &e), RC_CORRUPT);
    spoils = false;
    assert_int_equal(count(s, STORE_SNAPSHOT), 0);
    T_OK(save(r, 1, &e));
    assert_int_equal(count(s, STORE_SNAPSHOT), 1);
    repo_close(r);
    store_release(s);
}

/* More packs than can be asked for in a few turns are listed. */
static void
test_many_packs_are_listed(void **state)
{
    struct save_opts small = {.pack_mib = 1};
    struct store *s = new_repo();
    struct repo *r = open_locked(s);
    struct err e = ERR_INIT;

    (void)state;
    n_lists = 0;
    T_OK(save_bytes(r, 40, 1, &small, &e));
    assert_int_equal(n_lists, 1);
    repo_close(r);
    store_release(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_published_without_the_lock),
        cmocka_unit_test(test_packs_that_are_counted_on_are_looked_for),
        cmocka_unit_test(test_what_shows_late_is_waited_for),
        cmocka_unit_test(test_a_snapshot_that_is_stored_as_another_is_none),
        cmocka_unit_test(test_many_packs_are_listed),
    };
    struct err e = ERR_INIT;

    T_OK(ctx_init(&cx, &e));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
