/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore notes of itself, read again; and files that nobody should believe. */
#include "t.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "job/resume.h"

static const struct target own = {.name = "10.0.0.1:6379"}, other = {.name = "10.0.0.1:6380"},
                           scoped = {.name = "10.0.0.1:6379", .scope = "x"};

static char *
example(void)
{
    static uint64_t keys[3] = {0, 17, 4000000000};
    static struct resume_master masters[2] = {{"aa", 1, 2}, {"", 0, 0}};
    const struct load_place now = {.keys = keys, .n = 3, .emptied = true, .there = 4000000001};
    struct resume_state s = {.snapshot = {{1}},
                             .tree = {{2}},
                             .asked = "0123456789abcdef0123456789abcdef",
                             .shift_ms = 7,
                             .before = EV_UNKNOWN,
                             .masters = masters,
                             .n_masters = 2,
                             .safety = {.state = SAFETY_TAKEN, .copy = {{3}}, .back = {{4}}}};

    return resume_write(&s, &now, own);
}

static void
test_what_is_written_is_read(void **state)
{
    CLEANUP(mem_free_ptr) char *text = example(), *again = NULL;
    struct resume_state s;
    struct err e = ERR_INIT;

    (void)state;
    T_OK(resume_parse(str_c(text), own, &s, &e));
    assert_int_equal(s.place.n, 3);
    assert_true(s.place.keys[2] == 4000000000 && s.place.there == 4000000001 && s.place.emptied);
    assert_true(s.before == EV_UNKNOWN && s.safety.state == SAFETY_TAKEN &&
                s.safety.back.b[0] == 4);
    assert_true(s.n_masters == 2 && strcmp(s.masters[0].run_id, "aa") == 0);
    again = resume_write(&s, &s.place, own);
    assert_string_equal(text, again);
    resume_state_release(&s);
}

static void
test_of_another_target_or_cut_it_is_none(void **state)
{
    CLEANUP(mem_free_ptr) char *text = example();
    struct resume_state s;
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(resume_parse(str_c(text), other, &s, &e), RC_NOT_FOUND);
    assert_int_equal(resume_parse(str_c(text), scoped, &s, &e), RC_NOT_FOUND);
    for (size_t n = 0; n < strlen(text); n++)
        assert_int_equal(resume_parse(str_of((uint8_t *)text, n), own, &s, &e), RC_CORRUPT);
}

static void
test_only_files_that_are_the_users_own_are_read(void **state)
{
    char dir[] = "/tmp/resume-test-XXXXXX", path[64], to[64];
    struct buf text = BUF_INIT(1024);
    struct err e = ERR_INIT;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/f", dir);
    (void)snprintf(to, sizeof(to), "%s/to", dir);
    assert_int_equal(fs_read_own_file(path, &text, &e), RC_NOT_FOUND);
    T_OK(fs_write_file(path, STR_LIT("x"), 0600, &e));
    T_OK(fs_read_own_file(path, &text, &e));
    assert_int_equal(text.n, 1);
    assert_int_equal(symlink(path, to), 0);
    assert_int_equal(fs_read_own_file(to, &text, &e), RC_DENIED);
    assert_int_equal(fs_read_own_file(dir, &text, &e), RC_DENIED);
    assert_int_equal(chmod(path, 0620), 0);
    assert_int_equal(fs_read_own_file(path, &text, &e), RC_DENIED);
    T_OK(fs_check_own_dir(dir, &e));
    assert_int_equal(fs_check_own_dir(path, &e), RC_DENIED);
    assert_int_equal(chmod(dir, 0777), 0);
    assert_int_equal(fs_check_own_dir(dir, &e), RC_DENIED);
    (void)unlink(path);
    (void)unlink(to);
    (void)rmdir(dir);
    buf_release(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_of_another_target_or_cut_it_is_none),
        cmocka_unit_test(test_only_files_that_are_the_users_own_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
