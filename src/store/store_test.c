/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/store_suite.h"
#include "base/fs.h"
#include "base/mem.h"
#include "store/fault.h"
#include "store/local.h"
#include "store/mem.h"

static char place[] = "/tmp/cstash-store-XXXXXX";

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

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
    return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
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
    struct store *s = store_fault_new(store_mem_new(), (struct fault_plan){.fail_at = 0});

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
    T_OK(store_open(url, &s, &e));
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

static void
test_open_refuses_what_it_does_not_know(void **state)
{
    struct store *s = NULL;
    struct err e = ERR_INIT;

    (void)state;
    T_RC(store_open("s3:host/bucket", &s, &e), RC_UNSUPPORTED);
    T_RC(store_open("rest:http://u:secret@h/", &s, &e), RC_UNSUPPORTED);
    assert_null(strstr(e.msg, "secret"));
    T_RC(store_open("", &s, &e), RC_INVALID);
    T_RC(store_open("local:", &s, &e), RC_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_passes_the_suite),
        cmocka_unit_test(test_fault_without_faults_passes_the_suite),
        cmocka_unit_test_setup_teardown(test_local_passes_the_suite, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_local_keeps_files_to_their_owner_or_group, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(test_local_leaves_no_temporary_file, make_place,
                                        remove_place),
        cmocka_unit_test(test_open_refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
