/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <pthread.h>

#include "base/endian.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "maintain/check.h"
#include "repo/keys.h"
#include "repo/load.h"
#include "repo/repo.h"
#include "repo/save.h"
#include "repo/snapshots.h"
#include "maintain/stats.h"
#include "store/mem.h"

static struct ctx cx;

enum { BIG = 5000000 };

/* Text that compresses, and differs with the seed. */
static uint8_t *
some_bytes(size_t n, uint64_t seed)
{
    uint8_t *p = mem_alloc(n + 8);

    for (size_t i = 0; i < n; i += 8) {
        uint64_t z = seed += 0x9e3779b97f4a7c15ULL;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
        z ^= z >> 31;
        le64_store(p + i, (z & 0x0707070707070707ULL) | 0x6060606060606060ULL);
    }
    return p;
}

static struct store *
new_repo(unsigned version)
{
    struct repo_init_opts opts = {.version = version, .fast_kdf = true};
    struct store *s = store_mem_new();
    struct err e = ERR_INIT;
    struct id id;

    T_OK(repo_init(&cx, s, STR_LIT("pw"), &opts, &id, &e));
    return s;
}

static struct repo *
open_repo(struct store *s)
{
    struct repo *r = NULL;
    struct err e = ERR_INIT;

    T_OK(repo_open(&cx, s, STR_LIT("pw"), &r, &e));
    return r;
}

/* Save `n` bytes as /f, in writes of `step`. */
static enum rc
save_bytes(struct ctx *with, struct repo *r, const uint8_t *p, size_t n, size_t step,
           struct save_stats *stats, struct err *e)
{
    static const char *const tags[] = {"a", "b"};
    struct save_opts opts = {.workers = 3, .pack_mib = 1};
    struct save_meta meta = {
        .hostname = "host-0", .tags = tags, .n_tags = 2, .path = "/f", .time = instant_now()};
    struct save *s = NULL;
    struct wr *w;
    enum rc rc = save_open(with, r, &opts, &s, e);

    if (rc)
        return rc;
    w = save_file(s);
    for (size_t at = 0; rc == RC_OK && at < n; at += step)
        rc = wr_write(w, p + at, MIN(step, n - at), e);
    if (rc == RC_OK)
        rc = save_file_end(s, "f", e);
    if (rc) {
        save_abort(s);
        return rc;
    }
    return save_commit(s, &meta, NULL, stats, e);
}

static enum rc
load_bytes(struct repo *r, const char *spec, const char *path, struct buf *out, struct err *e)
{
    struct snapshot snap = {.uid = 0};
    struct file_info f = {.size = 0};
    struct wr_buf to;
    enum rc rc = snapshot_find(&cx, r, spec, NULL, &snap, e);

    wr_buf_init(&to, out);
    if (rc == RC_OK)
        rc = load_find_file(&cx, r, &snap.tree, path, &f, e);
    if (rc == RC_OK)
        rc = load_copy(&cx, r, &f, 3, &to.wr, e);
    file_info_release(&f);
    snapshot_release(&snap);
    return rc;
}

struct problems {
    char text[4000];
};

static void
keep_problem(void *arg, const char *text)
{
    struct problems *p = arg;
    size_t used = strlen(p->text);

    (void)snprintf(p->text + used, sizeof(p->text) - used, "%s\n", text);
}

static enum rc
check(struct store *s, struct problems *p, struct check_result *res, struct err *e)
{
    struct repo *r = open_repo(s);
    struct check_opts opts = {.read_data = true, .problem = keep_problem, .arg = p};
    enum rc rc;

    p->text[0] = '\0';
    rc = check_run(&cx, r, &opts, res, e);
    repo_close(r);
    return rc;
}

static void
must_be_clean(struct store *s)
{
    struct problems p;
    struct check_result res;
    struct err e = ERR_INIT;

    if (check(s, &p, &res, &e))
        fail_msg("%s: %s", e.msg, p.text);
}

static void
round_trip(unsigned version, size_t n, size_t step)
{
    CLEANUP(mem_free_ptr) uint8_t *p = some_bytes(n, n);
    CLEANUP(buf_release) struct buf back = BUF_INIT(n + 1);
    struct store *s = new_repo(version);
    struct repo *r = open_repo(s);
    struct save_stats stats, again;
    struct err e = ERR_INIT;

    assert_int_equal(repo_version(r), version);
    T_OK(save_bytes(&cx, r, p, n, step, &stats, &e));
    assert_int_equal(stats.bytes_processed, n);
    T_OK(load_bytes(r, "latest", "/f", &back, &e));
    T_STR(buf_str(&back), str_of(p, n));
    /* The same bytes once more: only another snapshot. */
    T_OK(save_bytes(&cx, r, p, n, step + 1, &again, &e));
    assert_int_equal(again.data_blobs, 0);
    assert_int_equal(again.blobs_known, stats.data_blobs + stats.blobs_known);
    repo_close(r);
    must_be_clean(s);
    store_release(s);
}

static void
test_bytes_come_back_in_both_versions(void **state)
{
    (void)state;
    for (unsigned version = 1; version <= 2; version++) {
        round_trip(version, 0, 1);
        round_trip(version, 1, 1);
        round_trip(version, 524288, 524288);
        round_trip(version, BIG, 65536);
        round_trip(version, BIG, 7001);
        round_trip(version, BIG, BIG);
    }
    round_trip(2, 4 * BIG, 1 << 20);
}

static void
test_incompressible_bytes_come_back(void **state)
{
    CLEANUP(mem_free_ptr) uint8_t *p = mem_alloc(BIG);
    CLEANUP(buf_release) struct buf back = BUF_INIT(BIG);
    struct store *s = new_repo(2);
    struct repo *r = open_repo(s);
    struct save_stats stats;
    struct err e = ERR_INIT;
    uint64_t z = 1;

    (void)state;
    for (size_t i = 0; i < BIG; i += 8) {
        z = z * 6364136223846793005ULL + 1442695040888963407ULL;
        le64_store(p + i, z ^ z >> 29);
    }
    T_OK(save_bytes(&cx, r, p, BIG, 100000, &stats, &e));
    assert_true(stats.data_added_packed < BIG + 20000);
    T_OK(load_bytes(r, "latest", "f", &back, &e));
    T_STR(buf_str(&back), str_of(p, BIG));
    repo_close(r);
    must_be_clean(s);
    store_release(s);
}

static enum rc
note_file(void *arg, const char *path, uint64_t size, struct err *e)
{
    (void)e;
    buf_must_printf(arg, "%s=%llu ", path, (unsigned long long)size);
    return RC_OK;
}

static void
test_several_files_and_folders_in_one_snapshot(void **state)
{
    static const char *const names[] = {"z", "dir/b", "dir.x", "dir/a/deep", "empty"};
    struct store *s = new_repo(2);
    struct repo *r = open_repo(s);
    struct save *sv = NULL;
    struct save_meta meta = {.hostname = "h", .path = "/z"};
    struct snapshot snap;
    CLEANUP(buf_release) struct buf seen = BUF_INIT(1000), back = BUF_INIT(100);
    struct stats st;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(save_open(&cx, r, NULL, &sv, &e));
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct wr *w = save_file(sv);
        if (i != 4)
            T_OK(wr_write(w, names[i], strlen(names[i]), &e));
        T_OK(save_file_end(sv, names[i], &e));
    }
    T_OK(save_commit(sv, &meta, NULL, NULL, &e));
    T_OK(snapshot_find(&cx, r, "latest", NULL, &snap, &e));
    T_OK(load_list_files(&cx, r, &snap.tree, note_file, &seen, &e));
    T_STR(buf_str(&seen), STR_LIT("/dir/a/deep=10 /dir/b=5 /dir.x=5 /empty=0 /z=1 "));
    T_OK(load_bytes(r, "latest", "/dir/a/deep", &back, &e));
    T_STR(buf_str(&back), STR_LIT("dir/a/deep"));
    T_RC(load_bytes(r, "latest", "/dir/a", &back, &e), RC_INVALID);
    T_RC(load_bytes(r, "latest", "/dir/no", &back, &e), RC_NOT_FOUND);
    T_RC(load_bytes(r, "latest", "/z/z", &back, &e), RC_NOT_FOUND);
    T_OK(stats_count(&cx, r, STATS_RESTORE_SIZE, &snap, 1, &st, &e));
    assert_int_equal(st.total_size, 21);
    assert_int_equal(st.files, 5 + 2);
    T_OK(stats_count(&cx, r, STATS_RAW_DATA, &snap, 1, &st, &e));
    assert_int_equal(st.blobs, 4 + 3);
    snapshot_release(&snap);
    T_OK(save_open(&cx, r, NULL, &sv, &e));
    (void)save_file(sv);
    T_RC(save_file_end(sv, "../x", &e), RC_INVALID);
    T_RC(save_commit(sv, &meta, NULL, NULL, &e), RC_INVALID);
    repo_close(r);
    must_be_clean(s);
    store_release(s);
}

static void
test_snapshots_are_found(void **state)
{
    struct store *s = new_repo(2);
    struct repo *r = open_repo(s);
    static const char *const hosts[] = {"x", "host-0"}, *const tags[] = {"b"}, *const no[] = {"c"},
                             *const paths[] = {"/f"};
    struct snapshot_filter f = {
        .hosts = hosts, .n_hosts = 2, .tags = tags, .n_tags = 1, .paths = paths, .n_paths = 1};
    struct snapshot *list = NULL, one;
    struct err e = ERR_INIT;
    char hex[ID_TEXT];
    size_t n = 0;

    (void)state;
    T_RC(snapshot_find(&cx, r, "latest", NULL, &one, &e), RC_NOT_FOUND);
    for (uint8_t i = 0; i < 20; i++)
        T_OK(save_bytes(&cx, r, &i, 1, 1, NULL, &e));
    T_OK(snapshots_list(&cx, r, &list, &n, &e));
    assert_int_equal(n, 20);
    for (size_t i = 0; i < n; i++)
        assert_false(list[i].has_parent);
    for (size_t i = 1; i < n; i++) {
        assert_true(instant_cmp(list[i - 1].time, list[i].time) < 0);
    }
    T_OK(snapshot_find(&cx, r, "latest:3", &f, &one, &e));
    assert_true(id_eq(&one.id, &list[16].id));
    assert_string_equal(one.program_version, "cstash " CSTASH_VERSION);
    snapshot_release(&one);
    T_OK(snapshot_find(&cx, r, id_hex(&list[5].id, hex), NULL, &one, &e));
    assert_true(id_eq(&one.id, &list[5].id));
    snapshot_release(&one);
    T_RC(snapshot_find(&cx, r, "latest:20", &f, &one, &e), RC_NOT_FOUND);
    f.tags = no;
    T_RC(snapshot_find(&cx, r, "latest", &f, &one, &e), RC_NOT_FOUND);
    T_RC(snapshot_find(&cx, r, "newest", NULL, &one, &e), RC_INVALID);
    for (int c = 0; c < 16; c++) {
        char digit[2] = {"0123456789abcdef"[c], '\0'};
        size_t with = 0;
        enum rc rc;
        for (size_t i = 0; i < n; i++)
            with += id_hex(&list[i].id, hex)[0] == digit[0];
        rc = snapshot_find(&cx, r, digit, NULL, &one, &e);
        assert_int_equal(rc, with == 0 ? RC_NOT_FOUND : with == 1 ? RC_OK : RC_INVALID);
        if (rc == RC_OK)
            snapshot_release(&one);
    }
    T_OK(snapshot_forget(&cx, r, &list[0].id, &e));
    snapshots_free(list, n);
    T_OK(snapshots_list(&cx, r, &list, &n, &e));
    assert_int_equal(n, 19);
    snapshots_free(list, n);
    repo_close(r);
    store_release(s);
}

static void
test_passwords_open_or_do_not(void **state)
{
    struct repo_init_opts fast = {.fast_kdf = true};
    struct store *s = new_repo(2), *empty = store_mem_new();
    struct repo *r = open_repo(s), *other = NULL;
    struct key_info *keys = NULL;
    struct err e = ERR_INIT;
    struct id id, id2;
    char hex[ID_TEXT];
    size_t n = 0, unread = 0;

    (void)state;
    T_RC(repo_open(&cx, s, STR_LIT("PW"), &other, &e), RC_WRONG_PASSWORD);
    T_RC(repo_open(&cx, empty, STR_LIT("pw"), &other, &e), RC_NO_REPOSITORY);
    T_RC(repo_init(&cx, s, STR_LIT("pw"), &fast, &id, &e), RC_EXISTS);
    T_RC(repo_init(&cx, empty, STR_LIT(""), &fast, &id, &e), RC_INVALID);
    T_OK(keys_add(&cx, r, STR_LIT("two"), &fast, &id, &e));
    T_OK(repo_open(&cx, s, STR_LIT("two"), &other, &e));
    T_RC(keys_remove(&cx, other, id_hex(&id, hex), &e), RC_INVALID);
    T_OK(keys_list(&cx, other, &keys, &n, &unread, &e));
    assert_int_equal(n, 2);
    assert_int_equal(keys[0].current + keys[1].current, 1);
    keys_free(keys, n);
    T_OK(keys_passwd(&cx, other, STR_LIT("three"), &fast, &id2, &e));
    repo_close(other);
    T_RC(repo_open(&cx, s, STR_LIT("two"), &other, &e), RC_WRONG_PASSWORD);
    T_OK(repo_open(&cx, s, STR_LIT("three"), &other, &e));
    repo_close(other);
    T_OK(keys_remove(&cx, r, id_hex(&id2, hex), &e));
    T_RC(keys_remove(&cx, r, id_hex(&id2, hex), &e), RC_NOT_FOUND);
    T_RC(repo_open(&cx, s, STR_LIT("three"), &other, &e), RC_WRONG_PASSWORD);
    repo_close(r);
    store_release(s);
    store_release(empty);
}

static void
test_locks_keep_others_out(void **state)
{
    struct store *s = new_repo(2);
    struct repo *a = open_repo(s), *b = open_repo(s);
    struct err e = ERR_INIT;
    size_t removed = 9;

    (void)state;
    T_OK(repo_lock(&cx, a, false, &e));
    T_OK(repo_lock(&cx, b, false, &e));
    T_OK(repo_lock_ok(a, &e));
    repo_unlock(b);
    T_RC(repo_lock(&cx, b, true, &e), RC_LOCKED);
    T_CONTAINS(e.msg, "locked by");
    T_CONTAINS(e.hint, "unlock");
    repo_unlock(a);
    T_OK(repo_lock(&cx, b, true, &e));
    T_RC(repo_lock(&cx, a, false, &e), RC_LOCKED);
    T_CONTAINS(e.msg, "exclusively");
    T_OK(repo_unlock_stale(&cx, a, false, &removed, &e));
    assert_int_equal(removed, 0);
    T_OK(repo_unlock_stale(&cx, a, true, &removed, &e));
    assert_int_equal(removed, 1);
    T_OK(repo_lock(&cx, a, false, &e));
    repo_close(a); /* unlocks */
    repo_close(b);
    a = open_repo(s);
    T_OK(repo_unlock_stale(&cx, a, true, &removed, &e));
    assert_int_equal(removed, 0);
    repo_close(a);
    store_release(s);
}

static void
test_a_cancelled_save_leaves_no_snapshot(void **state)
{
    CLEANUP(mem_free_ptr) uint8_t *p = some_bytes(BIG, 3);
    struct store *s = new_repo(2);
    struct repo *r = open_repo(s);
    struct save *sv = NULL;
    struct snapshot one;
    struct ctx mine;
    struct err e = ERR_INIT;
    struct save_meta meta = {.hostname = "h", .path = "/f"};

    (void)state;
    T_OK(ctx_init(&mine, &e));
    T_OK(save_open(&mine, r, NULL, &sv, &e));
    T_OK(wr_write(save_file(sv), p, BIG, &e));
    ctx_cancel(&mine);
    {
        enum rc rc = save_file_end(sv, "f", &e);
        assert_true(rc == RC_OK || rc == RC_CANCELLED);
    }
    T_RC(save_commit(sv, &meta, NULL, NULL, &e), RC_CANCELLED);
    T_RC(snapshot_find(&cx, r, "latest", NULL, &one, &e), RC_NOT_FOUND);
    ctx_release(&mine);
    repo_close(r);
    must_be_clean(s);
    store_release(s);
}

struct damage {
    struct store *store;
    enum store_type type;
    struct store_name name; /* the last one of its type */
};

static enum rc
pick(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct damage *d = arg;

    (void)bytes;
    (void)e;
    d->name = (struct store_name){.type = d->type, .id = *id};
    return RC_OK;
}

static void
damage_is_found(enum store_type type, bool cut)
{
    CLEANUP(mem_free_ptr) uint8_t *p = some_bytes(BIG / 4, 1);
    CLEANUP(buf_release) struct buf raw = BUF_INIT(2 * BIG);
    struct store *s = new_repo(2);
    struct repo *r = open_repo(s);
    struct damage d = {.store = s, .type = type, .name = {.type = type}};
    struct problems found;
    struct check_result res;
    struct err e = ERR_INIT;
    char text[STORE_NAME_TEXT];

    T_OK(save_bytes(&cx, r, p, BIG / 4, 50000, NULL, &e));
    repo_close(r);
    T_OK(s->ops->list(&cx, s, type, pick, &d, &e));
    T_OK(store_get_all(&cx, s, &d.name, &raw, &e));
    raw.p[raw.n / 2] ^= 1;
    T_OK(store_mem_set(s, &d.name, str_of(raw.p, cut ? raw.n - 1 : raw.n), &e));
    (void)store_name_text(&d.name, text);
    if (type == STORE_CONFIG || type == STORE_KEY) {
        T_RC(repo_open(&cx, s, STR_LIT("pw"), &r, &e), RC_CORRUPT);
        T_CONTAINS(e.msg, text);
    } else {
        T_RC(check(s, &found, &res, &e), RC_CORRUPT);
        T_CONTAINS(found.text, text);
    }
    store_release(s);
}

static void
test_damage_is_found_and_named(void **state)
{
    static const enum store_type types[] = {STORE_CONFIG, STORE_KEY, STORE_SNAPSHOT, STORE_INDEX,
                                            STORE_PACK};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        damage_is_found(types[i], false);
        damage_is_found(types[i], true);
    }
}

static void
test_a_damaged_blob_is_never_handed_out(void **state)
{
    CLEANUP(mem_free_ptr) uint8_t *p = some_bytes(BIG, 1);
    struct store *s = new_repo(2);
    struct repo *r = open_repo(s);
    struct damage d = {.store = s, .type = STORE_PACK};
    CLEANUP(buf_release) struct buf raw = BUF_INIT(2 * BIG), back = BUF_INIT(BIG);
    struct err e = ERR_INIT;

    (void)state;
    T_OK(save_bytes(&cx, r, p, BIG, 50000, NULL, &e));
    T_OK(s->ops->list(&cx, s, STORE_PACK, pick, &d, &e));
    T_OK(store_get_all(&cx, s, &d.name, &raw, &e));
    raw.p[40] ^= 1;
    T_OK(store_mem_set(s, &d.name, buf_str(&raw), &e));
    T_RC(load_bytes(r, "latest", "f", &back, &e), RC_CORRUPT);
    T_CONTAINS(e.msg, "data/");
    assert_true(back.n < BIG);
    assert_memory_equal(back.p == NULL ? p : back.p, p, back.n);
    repo_close(r);
    store_release(s);
}

struct saver {
    struct store *store;
    uint8_t *bytes;
    enum rc rc;
};

static void *
run_saver(void *arg)
{
    struct saver *w = arg;
    struct err e = ERR_INIT;
    struct repo *r = NULL;

    w->rc = repo_open(&cx, w->store, STR_LIT("pw"), &r, &e);
    if (w->rc == RC_OK)
        w->rc = repo_lock(&cx, r, false, &e);
    if (w->rc == RC_OK)
        w->rc = save_bytes(&cx, r, w->bytes, BIG, 30000, NULL, &e);
    repo_close(r);
    return NULL;
}

static void
test_two_saves_at_once(void **state)
{
    struct store *s = new_repo(2);
    struct saver w[2];
    pthread_t threads[2];
    struct repo *r;
    CLEANUP(buf_release) struct buf back = BUF_INIT(BIG);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        w[i] = (struct saver){.store = s, .bytes = some_bytes(BIG, 5)};
        assert_int_equal(pthread_create(&threads[i], NULL, run_saver, &w[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(w[i].rc, RC_OK);
    }
    must_be_clean(s);
    r = open_repo(s);
    T_OK(load_bytes(r, "latest:1", "f", &back, &e));
    T_STR(buf_str(&back), str_of(w[0].bytes, BIG));
    repo_close(r);
    mem_free(w[0].bytes);
    mem_free(w[1].bytes);
    store_release(s);
}

/* A repository made by hand, byte for byte known. */
static void
test_the_golden_repository_opens(void **state)
{
    static const char key[] =
        "{\"created\":\"2024-01-02T03:04:05Z\",\"username\":\"u\",\"hostname\":\"h\",\"kdf\":"
        "\"scrypt\",\"N\":1024,\"r\":8,\"p\":1,\"salt\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH"
        "h8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==\",\"data\":\"QEFCQ0RFRkdISUpLTE1OTx1u+BHsf"
        "ZsknOwwf9d4G+XRP9b4jjrzyytDVoeN7NxW30AgCmQKGmjhhptBXwC80HNqjnVlVEcDPzdUMyACr6tNNDtwVsPqvoC"
        "Oll5c1HHhg66Ue7lKFAbg/aFKznhkTcSE/sA3WxiWEqpp8wCa1CrKMdPb0ChYAy7iCcbZRz0aCr+WHh2MYBpXtuhKB"
        "yL09A==\"}";
    static const char config[] = "404142434445464748494a4b4c4d4e4fd85ca95ae529d380fd5958f5a179d8339"
                                 "24f3cf2ca8f0620e988dfaf323"
                                 "737508711c18acf81c5658fa8dcaf26975f12d0956363d971847c325672008361"
                                 "e607b296ea4be99bd817472769"
                                 "628d61ede65bc361371d7550e6eb8abb3ce9712a8be2c23aa273c17ab45ab38b2"
                                 "3acdda824f5533dc030e4512ea"
                                 "0f2435e88919199f3977057c629e83ef17095";
    struct store *s = store_mem_new();
    struct store_name name = {.type = STORE_KEY};
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    uint8_t raw[155];
    char hex[ID_TEXT];

    (void)state;
    sha256_of(str_c(key), &name.id);
    assert_string_equal(id_hex(&name.id, hex),
                        "0d913202b000c834a221431a58cf6847446537d44de7b82e8a9052d1387ba589");
    T_OK(store_put_all(&cx, s, &name, str_c(key), &e));
    assert_true(hex_decode(str_c(config), raw, sizeof(raw)));
    name.type = STORE_CONFIG;
    T_OK(store_put_all(&cx, s, &name, str_of(raw, sizeof(raw)), &e));
    T_OK(repo_open(&cx, s, STR_LIT("secret"), &r, &e));
    assert_int_equal(repo_version(r), 2);
    assert_string_equal(id_hex(repo_id(r), hex),
                        "abababababababababababababababababababababababababababababababab");
    repo_close(r);
    T_RC(repo_open(&cx, s, STR_LIT("secrets"), &r, &e), RC_WRONG_PASSWORD);
    store_release(s);
}

/* ---- a store that names everything twice ---- */

static const struct store_ops *once;

static enum rc
list_twice(struct ctx *with, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
           struct err *e)
{
    for (unsigned nth = 0; nth < 2; nth++)
        if (once->list(with, s, type, fn, arg, e))
            return err_code(e);
    return RC_OK;
}

static void
test_a_file_that_is_listed_twice_is_one(void **state)
{
    static struct store_ops twice;
    struct repo_init_opts fast = {.fast_kdf = true};
    struct store *s = store_mem_new();
    struct key_info *keys = NULL;
    struct snapshot *list = NULL;
    struct snapshot one = {.hostname = mem_strdup("h"), .time = instant_now()};
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    struct id id;
    size_t n = 0, unread = 0;

    (void)state;
    T_OK(repo_init(&cx, s, STR_LIT("pw"), &fast, &id, &e));
    once = s->ops;
    twice = *once;
    twice.list = list_twice;
    s->ops = &twice;
    T_OK(repo_open(&cx, s, STR_LIT("pw"), &r, &e));
    T_OK(snapshot_save(&cx, r, &one, &e));
    snapshot_release(&one);
    T_OK(snapshots_list(&cx, r, &list, &n, &e));
    assert_int_equal(n, 1);
    snapshots_free(list, n);
    T_OK(keys_list(&cx, r, &keys, &n, &unread, &e));
    assert_int_equal(n, 1);
    keys_free(keys, n);
    repo_close(r);
    s->ops = once;
    store_release(s);
}

static void
test_snapshots_that_lost_config_are_not_buried(void **state)
{
    struct repo_init_opts fast = {.fast_kdf = true};
    struct store_name config = {.type = STORE_CONFIG}, key = {.type = STORE_KEY};
    struct store *s = new_repo(2);
    struct snapshot one = {.hostname = mem_strdup("h"), .time = instant_now()};
    struct repo *r = open_repo(s);
    struct snapshot *list = NULL;
    struct key_info *keys = NULL;
    struct err e = ERR_INIT;
    struct id id;
    size_t n = 0, unread = 0;

    (void)state;
    T_OK(snapshot_save(&cx, r, &one, &e));
    snapshot_release(&one);
    T_OK(keys_list(&cx, r, &keys, &n, &unread, &e));
    key.id = keys[0].id;
    keys_free(keys, n);
    repo_close(r);
    T_OK(s->ops->del(&cx, s, &config, &e));
    T_OK(repo_init(&cx, s, STR_LIT("pw"), &fast, &id, &e)); /* the key opens them */
    r = open_repo(s);
    T_OK(snapshots_list(&cx, r, &list, &n, &e));
    assert_int_equal(n, 1);
    snapshots_free(list, n);
    repo_close(r);
    T_OK(s->ops->del(&cx, s, &config, &e));
    T_OK(s->ops->del(&cx, s, &key, &e));
    T_RC(repo_init(&cx, s, STR_LIT("pw"), &fast, &id, &e), RC_CORRUPT); /* nothing does */
    T_RC(repo_open(&cx, s, STR_LIT("pw"), &r, &e), RC_NO_REPOSITORY);
    store_release(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_back_in_both_versions),
        cmocka_unit_test(test_incompressible_bytes_come_back),
        cmocka_unit_test(test_several_files_and_folders_in_one_snapshot),
        cmocka_unit_test(test_snapshots_are_found),
        cmocka_unit_test(test_passwords_open_or_do_not),
        cmocka_unit_test(test_locks_keep_others_out),
        cmocka_unit_test(test_a_cancelled_save_leaves_no_snapshot),
        cmocka_unit_test(test_damage_is_found_and_named),
        cmocka_unit_test(test_a_damaged_blob_is_never_handed_out),
        cmocka_unit_test(test_two_saves_at_once),
        cmocka_unit_test(test_the_golden_repository_opens),
        cmocka_unit_test(test_a_file_that_is_listed_twice_is_one),
        cmocka_unit_test(test_snapshots_that_lost_config_are_not_buried),
    };

    T_RUN(tests, cx);
}
