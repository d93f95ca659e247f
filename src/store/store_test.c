/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "harness/t_remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/store_suite.h"
#include "base/fs.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "store/cache.h"
#include "store/fault.h"
#include "store/local.h"
#include "store/mem.h"

static char place[] = "/tmp/cstash-store-XXXXXX";

static int
make_place(void **state)
{
    (void)state;
    strncpy(strrchr(place, '-') + 1, "XXXXXX", 7);
    return mkdtemp(place) == NULL;
}

static int
remove_place(void **state)
{
    (void)state;
    return t_remove(place);
}

static void
test_mem_passes_the_suite(void **state)
{
    struct store *s = store_mem_new();

    (void)state;
    store_suite(s);
    store_release(s);
}

static void
test_fault_without_faults_passes_the_suite(void **state)
{
    struct store *s = store_fault_new(store_mem_new(), (struct fault_plan){.shuffle = 1});

    (void)state;
    store_suite(s);
    assert_true(store_fault_count(s) > 50);
    store_release(s);
}

static void
test_local_passes_the_suite(void **state)
{
    char *path = mem_printf("%s/a/b", place), *url = mem_printf("local:%s/", path);
    struct store *s = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(store_open(url, NULL, &s, &e));
    assert_string_equal(s->place, path);
    store_suite(s);
    store_release(s);
    mem_free(path);
    mem_free(url);
}

static mode_t
mode_of(const char *name)
{
    char *path = mem_printf("%s/%s", place, name);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    mem_free(path);
    return st.st_mode & 0777;
}

static void
test_local_keeps_files_to_their_owner_or_group(void **state)
{
    struct store *s = store_local_new(place);
    struct store_name config = {.type = STORE_CONFIG}, lock = {.type = STORE_LOCK};
    struct ctx cx;
    struct err e = ERR_INIT;
    char *path = mem_printf("%s/config", place), *name;
    char text[STORE_NAME_TEXT];

    (void)state;
    T_OK(ctx_init(&cx, &e));
    T_OK(s->ops->create(&cx, s, &e));
    T_OK(store_put_all(&cx, s, &config, STR_LIT("c"), &e));
    assert_int_equal(mode_of("config"), 0400);
    assert_int_equal(mode_of("keys"), 0700);
    store_release(s);
    assert_int_equal(chmod(path, 0440), 0);
    s = store_local_new(place);
    T_OK(store_put_all(&cx, s, &lock, STR_LIT("l"), &e));
    assert_int_equal(mode_of(store_name_text(&lock, text)), 0440);
    lock.type = STORE_PACK;
    T_OK(store_put_all(&cx, s, &lock, STR_LIT("p"), &e));
    assert_int_equal(mode_of("data/00"), 0770);
    /* Strangers are passed over, and missing folders are empty. */
    name = mem_printf("%s/locks/xyz-tmp-123", place);
    (void)close(open(name, O_CREAT | O_WRONLY, 0600));
    mem_free(name);
    name = mem_printf("%s/index", place);
    (void)rmdir(name);
    mem_free(name);
    lock.type = STORE_INDEX;
    T_OK(store_put_all(&cx, s, &lock, STR_LIT("i"), &e));
    store_release(s);
    mem_free(path);
    ctx_release(&cx);
}

static void
test_local_leaves_no_temporary_file(void **state)
{
    struct store *s = store_local_new(place);
    struct store_put *put = NULL;
    struct ctx cx;
    struct err e = ERR_INIT;
    char *path = mem_printf("%s/data", place);
    DIR *dir;
    struct dirent *entry;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    T_OK(s->ops->create(&cx, s, &e));
    T_OK(s->ops->put_begin(&cx, s, STORE_PACK, &put, &e));
    T_OK(s->ops->put_write(&cx, put, (const uint8_t *)"x", 1, &e));
    s->ops->put_abort(put);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        assert_true(entry->d_name[0] == '.');
    (void)closedir(dir);
    store_release(s);
    mem_free(path);
    ctx_release(&cx);
}

static bool
is_reserved(const char *name, uint64_t bytes)
{
    char *path = mem_printf("%s/cstash-reserve/%s", place, name);
    struct stat st;
    bool there =
        lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_blocks * 512 >= bytes;

    mem_free(path);
    return there;
}

static void
replace_reserved(const char *name, const char *target)
{
    char *path = mem_printf("%s/cstash-reserve/%s", place, name);

    assert_int_equal(unlink(path), 0);
    if (target != NULL)
        assert_int_equal(symlink(target, path), 0);
    else
        assert_int_equal(mkfifo(path, 0600), 0);
    mem_free(path);
}

/* What stands under a name in the store is `want`; the names here are not hashes, and whole reads say so. */
static void
holds(struct ctx *cx, struct store *s, const struct store_name *name, struct str want)
{
    CLEANUP(buf_release) struct buf got = BUF_INIT(8 << 20), whole = BUF_INIT(8 << 20);
    struct err e = ERR_INIT;
    uint64_t bytes;

    T_OK(s->ops->stat(cx, s, name, &bytes, &e));
    assert_int_equal(bytes, want.n);
    T_OK(buf_reserve(&got, (size_t)bytes, &e));
    T_OK(s->ops->get(cx, s, name, 0, got.p, (size_t)bytes, &e));
    assert_memory_equal(got.p, want.p, want.n);
    T_RC(store_get_all(cx, s, name, &whole, &e), RC_CORRUPT);
}

static void
test_local_writes_into_what_it_set_aside(void **state)
{
    struct store *s = store_local_new(place);
    struct store_name lock = {.type = STORE_LOCK}, index = {.type = STORE_INDEX};
    char *large = mem_zero(5 << 20, 1);
    struct err e = ERR_INIT;
    struct ctx cx;
    uint64_t left = 0;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    T_OK(s->ops->create(&cx, s, &e));
    T_RC(store_reserve_put(&cx, s, &lock, STR_LIT("lock"), &e), RC_FULL);
    assert_true(store_reserve_keep(&cx, s, &left));
    assert_true(left > 0 && left < UINT64_MAX);
    assert_true(is_reserved("lock-1", 4096) && is_reserved("lock-4", 4096));
    assert_true(is_reserved("index-3", 4 << 20));
    for (uint8_t i = 0; i < 4; i++) {
        lock.id.b[0] = i;
        T_OK(store_reserve_put(&cx, s, &lock, STR_LIT("lock"), &e));
        holds(&cx, s, &lock, STR_LIT("lock"));
    }
    assert_true(!is_reserved("lock-1", 0) && !is_reserved("lock-4", 0));
    assert_true(is_reserved("index-3", 4 << 20));
    T_RC(store_reserve_put(&cx, s, &index, str_of((uint8_t *)large, 5 << 20), &e), RC_FULL);
    T_OK(store_reserve_put(&cx, s, &index, str_of((uint8_t *)large, 3 << 20), &e));
    holds(&cx, s, &index, str_of((uint8_t *)large, 3 << 20));
    assert_int_equal(mode_of("cstash-reserve"), 0700);
    T_OK(store_reserve_put(&cx, s, &lock, STR_LIT("lock"), &e)); /* of the room for an index */
    assert_true(!is_reserved("index-1", 0) && is_reserved("index-2", 512 << 10));
    T_RC(store_reserve_put(&cx, s, &index, str_of((uint8_t *)large, 3 << 20), &e), RC_FULL);
    assert_true(store_reserve_keep(&cx, s, &left));
    assert_true(is_reserved("lock-1", 4096) && is_reserved("index-3", 4 << 20));
    /* What somebody put in its place is neither written to nor waited for. */
    replace_reserved("lock-1", "../keys/elsewhere");
    replace_reserved("lock-2", NULL);
    T_OK(store_reserve_put(&cx, s, &lock, STR_LIT("again"), &e));
    holds(&cx, s, &lock, STR_LIT("again"));
    assert_true(!is_reserved("lock-3", 0) && is_reserved("lock-4", 4096));
    s->ops->reserve->drop(s);
    assert_true(!is_reserved("index-3", 0));
    mem_free(large);
    store_release(s);
    ctx_release(&cx);
}

static void
test_open_refuses_what_it_does_not_know(void **state)
{
    struct store *s = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_RC(store_open("sftp:u@h:/x", NULL, &s, &e), RC_UNSUPPORTED);
    T_RC(store_open("rclone:u:secret@h/", NULL, &s, &e), RC_UNSUPPORTED);
    assert_null(strstr(e.msg, "secret"));
    T_RC(store_open("nul:x", NULL, &s, &e), RC_UNSUPPORTED);
    T_OK(store_open("local:nul:x", NULL, &s, &e));
    store_release(s);
    T_OK(store_open("./nul:x", NULL, &s, &e));
    store_release(s);
    T_RC(store_open("", NULL, &s, &e), RC_INVALID);
    T_RC(store_open("local:", NULL, &s, &e), RC_INVALID);
}

/* An object of `n` bytes in the store, by its hash. */
static struct store_name
put_object(struct ctx *cx, struct store *s, enum store_type type, uint8_t fill, size_t n)
{
    uint8_t *p = (uint8_t *)mem_alloc(n);
    struct store_name name = {.type = type, .metadata = true};
    struct err e = ERR_INIT;

    memset(p, fill, n);
    sha256_of(str_of(p, n), &name.id);
    T_OK(store_put_all(cx, s, &name, str_of(p, n), &e));
    mem_free(p);
    return name;
}

static void
must_hold(struct ctx *cx, struct store *s, const struct store_name *name, uint8_t fill)
{
    struct err e = ERR_INIT;
    uint8_t got[2] = {0};

    T_OK(s->ops->get(cx, s, name, 3, got, sizeof(got), &e));
    assert_true(got[0] == fill && got[1] == fill);
}

static void
test_cache_passes_the_suite(void **state)
{
    struct store *far = store_mem_new(), *s = store_cache_new(far, place, 0);

    (void)state;
    store_suite(s);
    store_release(s);
    store_release(far);
}

static void
test_cache_serves_what_it_has_and_nothing_else(void **state)
{
    struct store *far = store_fault_new(store_mem_new(), (struct fault_plan){0});
    struct store *s = store_cache_new(far, place, 0);
    const struct fault_plan dead = {.at = 1, .dead = true};
    struct ctx cx;
    struct err e = ERR_INIT;
    struct store_name index, pack, data, lock;
    uint8_t got[2];

    (void)state;
    T_OK(ctx_init(&cx, &e));
    index = put_object(&cx, s, STORE_INDEX, 1, 1000);
    pack = put_object(&cx, s, STORE_PACK, 2, 600 * 1024);
    data = put_object(&cx, s, STORE_PACK, 3, 1000);
    lock = put_object(&cx, s, STORE_LOCK, 4, 1000);
    data.metadata = false;
    must_hold(&cx, s, &index, 1);
    must_hold(&cx, s, &pack, 2);
    must_hold(&cx, s, &data, 3);
    must_hold(&cx, s, &lock, 4);
    store_release(s);
    s = store_cache_new(far, place, 0); /* another run, and the peer is gone */
    store_fault_plan(far, dead);
    must_hold(&cx, s, &index, 1);
    must_hold(&cx, s, &pack, 2);
    assert_int_equal(s->ops->get(&cx, s, &data, 3, got, 2, &e), RC_IO);
    assert_int_equal(s->ops->get(&cx, s, &lock, 3, got, 2, &e), RC_IO);
    store_fault_plan(far, (struct fault_plan){0});
    T_OK(s->ops->del(&cx, s, &index, &e));
    assert_int_equal(s->ops->get(&cx, s, &index, 3, got, 2, &e), RC_NOT_FOUND);
    store_release(s);
    store_release(far);
    ctx_release(&cx);
}

/* Overwrite a file of the cache. */
static void
spoil(const struct store_name *name, const char *text)
{
    char rel[STORE_NAME_TEXT];
    char *path = mem_printf("%s/%s", place, store_name_text(name, rel));
    struct err e = ERR_INIT;

    assert_int_equal(unlink(path), 0);
    T_OK(fs_write_file(path, str_c(text), 0600, &e));
    mem_free(path);
}

static enum rc
count(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    (void)id;
    (void)bytes;
    (void)e;
    ++*(size_t *)arg;
    return RC_OK;
}

static void
test_cache_trusts_nobody(void **state)
{
    struct store *far = store_mem_new(), *s = store_cache_new(far, place, 0), *near;
    struct ctx cx;
    struct err e = ERR_INIT;
    struct store_name one, two;
    uint64_t bytes = 0;
    size_t n = 0;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    one = put_object(&cx, s, STORE_SNAPSHOT, 1, 1000);
    two = put_object(&cx, s, STORE_SNAPSHOT, 2, 1000);
    must_hold(&cx, s, &one, 1);
    must_hold(&cx, s, &two, 2);
    store_release(s);
    spoil(&one, "this is not a snapshot");
    s = store_cache_new(far, place, 0);
    T_OK(s->ops->stat(&cx, s, &one, &bytes, &e));
    assert_int_equal(bytes, 1000);
    must_hold(&cx, s, &one, 1); /* fetched again */
    /* Somebody else removes one: the next list takes it out of the folder. */
    T_OK(far->ops->del(&cx, far, &two, &e));
    T_OK(s->ops->list(&cx, s, STORE_SNAPSHOT, count, &n, &e));
    assert_int_equal(n, 1);
    near = store_local_new(place);
    T_RC(near->ops->stat(&cx, near, &two, &bytes, &e), RC_NOT_FOUND);
    T_OK(near->ops->stat(&cx, near, &one, &bytes, &e));
    store_release(near);
    store_release(s);
    /* A folder that cannot be: everything comes from afar. */
    s = store_cache_new(far, "/dev/null/cache", 0);
    must_hold(&cx, s, &one, 1);
    store_release(s);
    store_release(far);
    ctx_release(&cx);
}

static void
test_cache_has_a_bound(void **state)
{
    enum { OBJECTS = 30, BYTES = 1000, MAX_BYTES = 10 * BYTES };
    struct store *far = store_mem_new(), *s = store_cache_new(far, place, MAX_BYTES), *near;
    struct store_name names[OBJECTS];
    struct ctx cx;
    struct err e = ERR_INIT;
    size_t n = 0;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    for (unsigned i = 0; i < OBJECTS; i++)
        names[i] = put_object(&cx, far, STORE_SNAPSHOT, (uint8_t)i, BYTES);
    for (unsigned i = 0; i < OBJECTS; i++)
        must_hold(&cx, s, &names[i], (uint8_t)i);
    store_release(s);
    near = store_local_new(place);
    T_OK(near->ops->list(&cx, near, STORE_SNAPSHOT, count, &n, &e));
    assert_int_equal(n, 10);
    s = store_cache_new(far, place, MAX_BYTES / 2); /* a smaller bound than before */
    must_hold(&cx, s, &names[0], 0);
    n = 0;
    T_OK(near->ops->list(&cx, near, STORE_SNAPSHOT, count, &n, &e));
    assert_true(n <= 3);
    store_release(near);
    store_release(s);
    store_release(far);
    ctx_release(&cx);
}

static void
test_addresses_of_buckets(void **state)
{
    static const struct {
        const char *url, *place;
    } good[] = {
        {"b2:b:/p", "b2:b:/p"},
        {"b2:b://p", "b2:b:/p"},
        {"b2:b:p/", "b2:b:/p"},
        {"b2:b", "b2:b:/"},
        {"gs:b:/p", "gs:b:/p"},
        {"gs:b://p", "gs:b:/p"},
        {"gs:b:p/./a/../q/", "gs:b:/p/q"},
        {"gs:b", "gs:b:/"},
        {"gs:b:/", "gs:b:/"},
        {"swift:c:/p", "swift:c:/p"},
        {"swift:c://p", "swift:c://p"},
        {"swift:c:///p//q/", "swift:c://p/q"},
        {"swift:c:/a/../q/", "swift:c:/q"},
        {"swift:c:/", "swift:c:/"},
        {"swift:c://", "swift:c://"},
    };
    static const char *const bad[] = {"b2:",    "b2::/p",   "b2:b/p", "gs:",       "gs::/p",
                                      "gs:b/p", "gs://b/p", "swift:", "swift::/p", "swift:c/p"};
    struct store *s = NULL;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        T_OK(store_open(good[i].url, NULL, &s, &e));
        assert_string_equal(s->place, good[i].place);
        store_release(s);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        T_RC(store_open(bad[i], NULL, &s, &e), RC_INVALID);
}

static struct ctx nobody = {.fd = -1}; /* cancels */

static void
put_numbered(struct store *s, enum store_type type, size_t n, struct id *ids)
{
    struct err e = ERR_INIT;

    for (size_t i = 0; i < n; i++) {
        struct store_name name = {.type = type};
        char text[40];
        (void)snprintf(text, sizeof(text), "object %zu", i);
        sha256_of(str_c(text), &name.id);
        T_OK(store_put_all(&nobody, s, &name, str_c(text), &e));
        ids[i] = name.id;
    }
}

/* One of many, of few and a single one: it is named, and only the others are counted. */
static void
test_what_stays_after_its_removal_is_named(void **state)
{
    static const size_t counts[] = {1, 3, 30};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
        struct store *s = store_fault_new(store_mem_new(), (struct fault_plan){0});
        const struct fault_plan keep = {.at = 1, .kind = FAULT_KEPT};
        size_t n = counts[k], stayed;
        struct err e = ERR_INIT;
        struct id ids[30];
        char hex[ID_TEXT];

        put_numbered(s, STORE_SNAPSHOT, n, ids);
        store_fault_plan(s, keep);
        for (size_t i = 0; i < n; i++)
            T_OK(s->ops->del(&nobody, s, &(struct store_name){STORE_SNAPSHOT, ids[i], false}, &e));
        T_OK(store_prove_gone(&nobody, s, STORE_SNAPSHOT, ids, n, &stayed,
                              &e)); /* it is not remote */
        s->remote = true;
        T_RC(store_prove_gone(&nobody, s, STORE_SNAPSHOT, ids, n, &stayed, &e), RC_IO);
        assert_int_equal(stayed, 1);
        T_CONTAINS(e.msg, id_hex(&ids[0], hex));
        T_OK(s->ops->del(&nobody, s, &(struct store_name){STORE_SNAPSHOT, ids[0], false}, &e));
        T_OK(store_prove_gone(&nobody, s, STORE_SNAPSHOT, ids, n, &stayed, &e));
        assert_int_equal(stayed, 0);
        store_release(s);
    }
}

static void
test_a_wipe_counts_what_is_gone(void **state)
{
    struct store *s = store_fault_new(store_mem_new(), (struct fault_plan){0});
    struct err e = ERR_INIT;
    struct id ids[5];
    uint64_t n = 0;

    (void)state;
    put_numbered(s, STORE_PACK, ARRAY_LEN(ids), ids);
    s->remote = true;
    store_fault_plan(s, (struct fault_plan){.at = 1, .kind = FAULT_KEPT});
    T_RC(store_wipe(&nobody, s, &n, &e), RC_IO);
    assert_int_equal(n, ARRAY_LEN(ids) - 1);
    T_OK(store_wipe(&nobody, s, &n, &e));
    assert_int_equal(n, 1);
    store_release(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_passes_the_suite),
        cmocka_unit_test(test_what_stays_after_its_removal_is_named),
        cmocka_unit_test(test_a_wipe_counts_what_is_gone),
        cmocka_unit_test(test_fault_without_faults_passes_the_suite),
        cmocka_unit_test_setup_teardown(test_local_passes_the_suite, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_local_keeps_files_to_their_owner_or_group, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_local_writes_into_what_it_set_aside, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_local_leaves_no_temporary_file, make_place,
                                        remove_place),
        cmocka_unit_test(test_open_refuses_what_it_does_not_know),
        cmocka_unit_test_setup_teardown(test_cache_passes_the_suite, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_cache_serves_what_it_has_and_nothing_else, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_cache_trusts_nobody, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_cache_has_a_bound, make_place, remove_place),
        cmocka_unit_test(test_addresses_of_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
