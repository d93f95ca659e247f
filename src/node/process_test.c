/* SPDX-License-Identifier: Apache-2.0 */
/* A container's files, with this very program as the shim. */
#include "node/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "node/node.h"
#include "node/container_log.h"
#include "t.h"

static char dir[] = "/tmp/process.XXXXXX";

static char *
path_of(const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

static struct json *
spec_of(const char *script)
{
    struct json *s = json_new_object(), *argv = json_need_array(s, "argv");
    char *log = path_of("c.log"), *previous = path_of("c.previous.log");

    json_push_cstr(argv, "sh");
    json_push_cstr(argv, "-c");
    json_push_cstr(argv, script);
    json_set_cstr(s, "program", "/bin/sh");
    json_set_cstr(s, "log", log);
    json_set_cstr(s, "previous", previous);
    json_set_bool(s, "tail", true);
    mem_free(log);
    mem_free(previous);
    return s;
}

static pid_t
start(const char *script, int attempt)
{
    struct json *s = spec_of(script);
    struct err e = ERR_INIT;
    pid_t shim;

    T_OK(proc_start(dir, "c", s, attempt, &shim, &e));
    json_free(s);
    return shim;
}

static void
until(enum proc_phase phase, struct proc_state *s)
{
    for (int i = 0; i < 3000; i++) {
        proc_look(dir, "c", s);
        if (s->phase == phase && (phase == PROC_ENDED || s->pid > 0))
            return;
        proc_release(s);
        (void)usleep(10 * 1000);
    }
    fail_msg("it did not come to phase %d", (int)phase);
}

static void
test_an_end_is_written_down(void **state)
{
    CLEANUP(buf_release) struct buf log = BUF_INIT(65536);
    struct proc_state s;
    struct err e = ERR_INIT;
    char *path = path_of("c.log");
    pid_t shim;

    (void)state;
    proc_look(dir, "c", &s);
    assert_int_equal(s.phase, PROC_NONE);
    proc_release(&s);
    shim = start("echo hello; echo bad >&2; exit 3", 0);
    until(PROC_ENDED, &s);
    assert_int_equal(s.code, 3);
    assert_int_equal(s.sig, 0);
    assert_int_equal(s.attempt, 0);
    assert_string_equal(json_text(json_field(s.file, "reason")), "Error");
    assert_string_equal(json_text(json_field(s.file, "message")), "hello\nbad\n");
    proc_release(&s);
    (void)waitpid(shim, NULL, 0);
    T_OK(fs_read_file(path, &log, &e));
    T_CONTAINS(buf_c(&log), "Z hello\n");
    mem_free(path);
}

static void
test_signals_reach_the_group_and_no_stranger(void **state)
{
    struct proc_state s, other;
    struct json *spec = spec_of("true");
    struct err e = ERR_INIT;
    pid_t shim = start("sleep 600 & wait", 1), again;

    (void)state;
    until(PROC_RUNNING, &s);
    T_RC(proc_start(dir, "c", spec, 2, &again, &e), RC_EXISTS);
    other = s;
    other.start++; /* the number now belongs to somebody else */
    proc_signal(&other, SIGKILL);
    assert_int_equal(kill(s.pid, 0), 0);
    proc_signal(&s, SIGTERM);
    proc_release(&s);
    until(PROC_ENDED, &s);
    assert_int_equal(s.code, 128 + SIGTERM);
    assert_int_equal(s.sig, SIGTERM);
    assert_int_equal(s.attempt, 1);
    proc_release(&s);
    (void)waitpid(shim, NULL, 0);
    json_free(spec);
}

static void
test_a_shim_that_is_killed_leaves_a_lost_process(void **state)
{
    struct proc_state s;
    pid_t shim = start("sleep 600", 2), pid;

    (void)state;
    until(PROC_RUNNING, &s);
    pid = s.pid;
    proc_release(&s);
    (void)kill(shim, SIGKILL);
    (void)waitpid(shim, NULL, 0);
    until(PROC_ENDED, &s);
    assert_int_equal(s.code, SHIM_LOST);
    assert_int_equal(s.attempt, 2);
    assert_string_equal(json_text(json_field(s.file, "reason")), "ContainerStatusUnknown");
    proc_release(&s);
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) {
        char path[64], text[512];
        ssize_t n;
        int fd;
        (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
        if (fd >= 0)
            (void)close(fd);
        text[n > 0 ? n : 0] = '\0';
        if (strstr(text, ") Z ") != NULL)
            break;
        (void)usleep(10 * 1000);
    }
    proc_look(dir, "c", &s); /* and it stays so */
    assert_int_equal(s.code, SHIM_LOST);
    proc_release(&s);
}

static void
test_what_cannot_run(void **state)
{
    struct json *spec = spec_of("true");
    struct proc_state s;
    struct err e = ERR_INIT;
    pid_t shim;

    (void)state;
    json_set_cstr(spec, "program", "/no/such/program");
    T_OK(proc_start(dir, "c", spec, 3, &shim, &e));
    until(PROC_ENDED, &s);
    while (s.attempt != 3) {
        proc_release(&s);
        until(PROC_ENDED, &s);
    }
    assert_int_equal(s.code, SHIM_CANNOT_RUN);
    assert_string_equal(json_text(json_field(s.file, "reason")), "ContainerCannotRun");
    proc_release(&s);
    (void)waitpid(shim, NULL, 0);
    json_free(spec);
}

static void
test_logs_rotate_and_long_lines_are_cut(void **state)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
    char *path = path_of("r.log"), *previous = path_of("r.previous.log"), line[100];
    struct container_log l;
    struct err e = ERR_INIT;

    (void)state;
    container_log_open(&l, path, previous, 4000);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(line, sizeof(line), "line %d of a log\npart", i);
        container_log_add(&l, line, strlen(line) - 4);
    }
    container_log_add(&l, "the end", 7);
    container_log_end(&l);
    assert_true(container_log_tail(&l).n <= CONTAINER_LOG_TAIL);
    T_CONTAINS((const char *)container_log_tail(&l).p, "line 199 of a log\nthe end\n");
    container_log_close(&l);
    T_OK(fs_read_file(path, &text, &e));
    assert_true(text.n <= 4000);
    T_CONTAINS(buf_c(&text), "Z the end\n");
    buf_reset(&text);
    T_OK(fs_read_file(previous, &text, &e));
    assert_true(text.n <= 4000 && text.n > 3000);
    container_log_open(&l, path, previous, 0);
    for (int i = 0; i < 3000; i++)
        container_log_add(&l, "0123456789", 10);
    container_log_end(&l);
    container_log_close(&l);
    buf_reset(&text);
    T_OK(fs_read_file(path, &text, &e));
    assert_in_range(text.n, 30000, 30000 + 200);
    mem_free(path);
    mem_free(previous);
}

static void
test_a_log_may_begin_with_an_empty_line(void **state)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);
    char *path = path_of("e.log"), *previous = path_of("e.previous.log");
    struct container_log l;
    struct err e = ERR_INIT;

    (void)state;
    container_log_open(&l, path, previous, 0);
    container_log_add(&l, "\nhello\n", 7);
    container_log_end(&l);
    assert_string_equal((const char *)container_log_tail(&l).p, "\nhello\n");
    container_log_close(&l);
    T_OK(fs_read_file(path, &text, &e));
    T_CONTAINS(buf_c(&text), "Z \n");
    T_CONTAINS(buf_c(&text), "Z hello\n");
    mem_free(path);
    mem_free(previous);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_end_is_written_down),
        cmocka_unit_test(test_signals_reach_the_group_and_no_stranger),
        cmocka_unit_test(test_a_shim_that_is_killed_leaves_a_lost_process),
        cmocka_unit_test(test_what_cannot_run),
        cmocka_unit_test(test_logs_rotate_and_long_lines_are_cut),
        cmocka_unit_test(test_a_log_may_begin_with_an_empty_line),
    };
    int failed;

    if (argc > 1 && strcmp(argv[1], "pod-shim") == 0)
        return node_shim_main(argc - 2, argv + 2);
    if (mkdtemp(dir) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    proc_remove_tree(dir);
    return failed;
}
