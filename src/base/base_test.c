/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t.h"

#include "base/queue.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/b64.h"
#include "base/fs.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/ring.h"
#include "base/roots.h"
#include "base/retry.h"
#include "base/thread.h"
#include "base/lookahead.h"

static void
test_err_wrap_reads_from_wish_to_reason(void **state)
{
    struct err e = ERR_INIT;

    (void)state;
    assert_int_equal(err_sys(&e, 2, "could not open %s", "config"), RC_NOT_FOUND);
    (void)err_wrap(&e, "could not open repository %s", "/r");
    assert_string_equal(e.msg, "could not open repository /r: could not open config: "
                               "No such file or directory");
}

/* What a server wrote into its answer cannot forge a line of a log, or change a terminal. */
static void
test_an_early_return_without_an_error_ends_the_test(void **state)
{
    struct err e = ERR_INIT;
    int status = 0;
    pid_t child;

    (void)state;
    (void)err_set(&e, RC_FULL, "no room");
    assert_int_equal(err_code(&e), RC_FULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        e = (struct err)ERR_INIT;
        (void)close(STDERR_FILENO);
        (void)err_code(&e);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
test_words_from_outside_are_one_line(void **state)
{
    struct err e = ERR_INIT;
    char text[] = "a\nb\r\tc\x1b[31m\xc2\x9b\x7f\xe2\x80\xaex\xe2\x81\xa9\xc3\xa9\xe2\x82\xac";

    (void)state;
    assert_string_equal(str_one_line(text), "a b  c?[31m??????x???\xc3\xa9\xe2\x82\xac");
    (void)err_set(&e, RC_IO, "the server answered %s", "no\ninfo: snapshot saved\x1b]0;t\a");
    (void)err_hint(&e, "look\nhere");
    assert_null(strpbrk(e.msg, "\n\x1b\a"));
    assert_null(strchr(e.hint, '\n'));
}

/* However long the names in between are, what went wrong is still there, and how it began. */
static void
test_a_long_context_never_cuts_the_cause(void **state)
{
    char path[4000];
    struct err e = ERR_INIT;

    (void)state;
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    (void)err_sys(&e, 28, "could not write %s", path);
    T_CONTAINS(e.msg, "could not write pppp");
    T_CONTAINS(e.msg, "...");
    T_CONTAINS(e.msg, "No space left on device");
    for (int i = 0; i < 20; i++) {
        (void)err_wrap(&e, "could not store object %d of %s", i, path);
        T_CONTAINS(e.msg, "No space left on device");
        assert_true(strlen(e.msg) < sizeof(e.msg));
    }
    T_CONTAINS(e.msg, "could not store object 19");
    (void)err_set(&e, RC_IO, "the reason");
    for (int i = 0; i < 200; i++) {
        (void)err_wrap(&e, "level %d", i);
        T_CONTAINS(e.msg, ": the reason");
    }
    T_CONTAINS(e.msg, "level 199: ");
    /* Never in the middle of a character. */
    for (size_t i = 0; i + 2 < sizeof(path); i += 2)
        memcpy(path + i, "\xc3\xa9", 3);
    (void)err_set(&e, RC_IO, "%s", path);
    for (size_t i = 0; e.msg[i] != '\0'; i += e.msg[i] == '.' ? 1 : 2)
        assert_true(e.msg[i] == '.' || memcmp(e.msg + i, "\xc3\xa9", 2) == 0);
}

static void
test_buf_stops_at_its_ceiling(void **state)
{
    struct buf b = BUF_INIT(10);
    struct err e = ERR_INIT;

    (void)state;
    T_OK(buf_add(&b, "0123456789", 10, &e));
    T_RC(buf_add(&b, "x", 1, &e), RC_LIMIT);
    T_STR(buf_str(&b), STR_LIT("0123456789"));
    buf_release(&b);
}

static void
test_str_show_escapes_and_cuts(void **state)
{
    char to[12];

    (void)state;
    assert_string_equal(str_show(STR_LIT("a\"\n"), to, sizeof(to)), "a\\\"\\x0a");
    assert_string_equal(str_show(STR_LIT("abcdefghijklmnop"), to, sizeof(to)), "abcdefgh...");
}

static void
test_str_to_i64_covers_the_range_and_no_more(void **state)
{
    int64_t v;

    (void)state;
    assert_true(str_to_i64(STR_LIT("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(str_to_i64(STR_LIT("9223372036854775807"), &v) && v == INT64_MAX);
    assert_false(str_to_i64(STR_LIT("9223372036854775808"), &v));
    assert_false(str_to_i64(STR_LIT("-9223372036854775809"), &v));
    assert_false(str_to_i64(STR_LIT("-"), &v));
    assert_false(str_to_i64(STR_LIT("1x"), &v));
    assert_false(str_to_i64(STR_LIT(""), &v));
}

static void
test_instant_text_goes_both_ways(void **state)
{
    static const char *const good[] = {
        "2024-01-02T03:04:05Z",        "2024-02-29T23:59:59.000000001Z",
        "1999-12-31T00:00:00.5+05:30", "2026-11-22T10:00:00.123456789-08:00",
        "0001-01-01T00:00:00Z",
    };
    struct err e = ERR_INIT;
    struct instant t;
    char text[INSTANT_TEXT];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        T_OK(instant_parse(str_c(good[i]), &t, &e));
        assert_string_equal(instant_format(t, text), good[i]);
    }
    T_OK(instant_parse(str_c("1970-01-02T00:00:00+01:00"), &t, &e));
    assert_int_equal(t.sec, 86400 - 3600);
    T_RC(instant_parse(str_c("yesterday"), &t, &e), RC_INVALID);
    T_RC(instant_parse(str_c("2024-01-02T03:04:05"), &t, &e), RC_INVALID);
}

static void
test_b64_goes_both_ways_and_refuses_junk(void **state)
{
    struct buf text = BUF_INIT(100), back = BUF_INIT(100);
    struct err e = ERR_INIT;

    (void)state;
    for (size_t n = 0; n < 8; n++) {
        struct str s = str_of("\x00\xff\x10zyxw", n);
        buf_reset(&text);
        buf_reset(&back);
        T_OK(b64_encode(s, &text, &e));
        T_OK(b64_decode(buf_str(&text), &back, &e));
        T_STR(buf_str(&back), s);
    }
    T_RC(b64_decode(STR_LIT("abc"), &back, &e), RC_INVALID);
    T_RC(b64_decode(STR_LIT("ab*="), &back, &e), RC_INVALID);
    T_RC(b64_decode(STR_LIT("=abc"), &back, &e), RC_INVALID);
    buf_release(&text);
    buf_release(&back);
}

static void
count_gone(void *arg, const uint8_t *p, size_t n)
{
    uint64_t *sum = arg;

    for (size_t i = 0; i < n; i++)
        *sum = *sum * 31 + p[i];
}

/* Every byte leaves the window exactly once and in order, whatever the reads look like. */
static void /* NOLINTNEXTLINE(readability-function-size): every split is loops in loops */
test_win_hands_over_every_byte_once(void **state)
{
    enum { N = 600000 };
    uint8_t *all = mem_alloc(N);
    uint64_t want = 0;
    struct err e = ERR_INIT;

    (void)state;
    for (size_t i = 0; i < N; i++)
        all[i] = (uint8_t)(i * 7 + i / 251);
    count_gone(&want, all, N);
    for (size_t step = 1; step < 300000; step = step * 5 + 3) {
        struct rd_mem in;
        struct lookahead w;
        uint64_t sum = 0;
        size_t at = 0;

        rd_mem_init(&in, str_of(all, N), step);
        lookahead_init(&w, &in.rd, 1 << 20);
        w.on_gone = count_gone;
        w.on_gone_arg = &sum;
        for (size_t n = 1; at + n <= N; n = n * 3 % 70001 + 1) {
            T_OK(lookahead_need(&w, n, &e));
            lookahead_pin(&w);
            assert_memory_equal(lookahead_take(&w, n), all + at, n);
            lookahead_rewind(&w);
            T_OK(lookahead_need(&w, n, &e));
            assert_memory_equal(lookahead_take(&w, n), all + at, n);
            assert_int_equal(lookahead_pinned(&w).n, n);
            lookahead_unpin(&w);
            at += n;
            assert_int_equal(lookahead_at(&w), at);
        }
        T_RC(lookahead_need(&w, N - at + 1, &e), RC_CORRUPT);
        T_OK(lookahead_need(&w, N - at, &e));
        (void)lookahead_take(&w, N - at);
        lookahead_settle(&w);
        assert_true(sum == want);
        lookahead_release(&w);
    }
    mem_free(all);
}

static void *
pour(void *arg)
{
    struct ring *r = arg;
    struct err e = ERR_INIT, why = ERR_INIT;
    uint8_t *p;
    size_t n;

    for (unsigned sent = 0; sent < 100000;) {
        if (ring_room(r, -1, &p, &n, &e))
            return NULL;
        n = MIN(n, (size_t)(100000 - sent));
        for (size_t i = 0; i < n; i++)
            p[i] = (uint8_t)(sent + i);
        ring_commit(r, n);
        sent += (unsigned)n;
    }
    (void)err_set(&why, RC_UNAVAILABLE, "the server went away");
    ring_end(r, &why);
    return NULL;
}

/* A producer that fails is never mistaken for the end of the stream. */
static void
test_ring_delivers_bytes_then_the_error(void **state)
{
    struct ring r;
    struct err e = ERR_INIT;
    pthread_t t;
    uint8_t some[333];
    size_t got, sum = 0;

    (void)state;
    ring_init(&r, 1000);
    assert_int_equal(pthread_create(&t, NULL, pour, &r), 0);
    while (sum < 100000) {
        T_OK(rd_read(&r.rd, some, sizeof(some), &got, &e));
        for (size_t i = 0; i < got; i++)
            assert_int_equal(some[i], (uint8_t)(sum + i));
        sum += got;
    }
    T_RC(rd_read(&r.rd, some, sizeof(some), &got, &e), RC_UNAVAILABLE);
    (void)pthread_join(t, NULL);
    ring_release(&r);
}

static void
test_ring_tells_the_producer_that_nobody_reads(void **state)
{
    struct ring r;
    struct err e = ERR_INIT;
    uint8_t *p;
    size_t n;

    (void)state;
    ring_init(&r, 10);
    T_OK(ring_room(&r, -1, &p, &n, &e));
    ring_commit(&r, n);
    T_OK(ring_room(&r, 1, &p, &n, &e));
    assert_int_equal(n, 0);
    ring_abandon(&r);
    T_RC(ring_room(&r, -1, &p, &n, &e), RC_CANCELLED);
    ring_release(&r);
}

static void
test_bq_keeps_order_and_drains_after_close(void **state)
{
    struct queue q;
    int items[3];
    void *item;

    (void)state;
    queue_init(&q, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(queue_put(&q, &items[i]));
    queue_close(&q);
    assert_false(queue_put(&q, &items[0]));
    for (size_t i = 0; i < 3; i++) {
        assert_true(queue_take(&q, &item));
        assert_ptr_equal(item, &items[i]);
    }
    assert_false(queue_take(&q, &item));
    queue_release(&q);
}

static void
test_fs_replaces_a_file_whole_and_makes_its_folders(void **state)
{
    char top[] = "/tmp/cstash-fs-XXXXXX", folder[64], path[80];
    struct buf text = BUF_INIT(100);
    struct err e = ERR_INIT;

    (void)state;
    assert_non_null(mkdtemp(top));
    (void)snprintf(folder, sizeof(folder), "%s/a/b", top);
    (void)snprintf(path, sizeof(path), "%s/f", folder);
    T_RC(fs_write_file(path, STR_LIT("no folder"), 0600, &e), RC_NOT_FOUND);
    T_OK(fs_make_dirs(folder, 0700, &e));
    T_OK(fs_make_dirs(folder, 0700, &e));
    T_OK(fs_write_file(path, STR_LIT("a longer first text"), 0600, &e));
    T_OK(fs_write_file(path, STR_LIT("second"), 0600, &e));
    T_OK(fs_read_file(path, &text, &e));
    T_STR(buf_str(&text), STR_LIT("second"));
    buf_release(&text);
    (void)unlink(path);
    (void)rmdir(folder);
    *strrchr(folder, '/') = '\0';
    (void)rmdir(folder);
    assert_int_equal(rmdir(top), 0); /* nothing else was left */
}

static void
test_str_plural_is_for_all_but_one(void **state)
{
    (void)state;
    assert_string_equal(str_plural(1, "key", "keys"), "key");
    assert_string_equal(str_plural(0, "key", "keys"), "keys");
    assert_string_equal(str_plural(2, "entry", "entries"), "entries");
}

static void
test_retry_ends_after_its_attempts_and_tells_of_all(void **state)
{
    struct retry r = retry_begin((struct retry_policy){.attempts = 4});
    const char *const words[] = {"refused", "timed out", "refused", "answered 503"};
    struct ctx cx = {.fd = -1};
    struct err e = ERR_INIT;
    unsigned n = 0;

    (void)state;
    do {
        (void)err_set(&e, RC_UNAVAILABLE, "%s", words[n++]);
        (void)err_wrap(&e, "attempt %u", n);
    } while (n < ARRAY_LEN(words) && retry_next(&cx, &r, &e));
    assert_int_equal(n, 4);
    assert_int_equal(r.failed, 3);
    assert_int_equal(retry_pause(&r, &e), -1);
    assert_int_equal(retry_tell(&r, &e), RC_UNAVAILABLE);
    T_CONTAINS(e.msg, "attempt 4: answered 503 (4 attempts in ");
    T_CONTAINS(e.msg, " s; earlier answers: \"refused\" (2 times), \"timed out\")");
}

static void
test_retry_tells_of_answers_that_all_differ(void **state)
{
    struct retry r = retry_begin((struct retry_policy){.attempts = 6});
    struct err e = ERR_INIT;

    (void)state;
    for (int n = 1; n <= 4; n++) {
        (void)err_set(&e, RC_UNAVAILABLE, "the server answered %d", 500 + n);
        (void)retry_pause(&r, &e);
    }
    (void)retry_tell(&r, &e);
    T_CONTAINS(e.msg, "the server answered 504 (4 attempts in ");
    T_CONTAINS(
        e.msg,
        "\"the server answered 501\", \"the server answered 502\", \"the server answered 503\")");
    for (int n = 5; n <= 6; n++) {
        (void)err_set(&e, RC_UNAVAILABLE, "the server answered %d", 500 + n);
        (void)retry_pause(&r, &e);
    }
    (void)retry_tell(&r, &e);
    T_CONTAINS(e.msg, "\"the server answered 504\", ...)"); /* 505 is not known any more */
}

static void
test_retry_says_nothing_of_a_single_attempt(void **state)
{
    struct retry r = retry_begin((struct retry_policy){.attempts = 1});
    struct ctx cx = {.fd = -1};
    struct err e = ERR_INIT;

    (void)state;
    (void)err_set(&e, RC_CORRUPT, "no");
    assert_false(retry_next(&cx, &r, &e));
    assert_string_equal(e.msg, "no");
}

static void
test_retry_pauses_double_and_spread(void **state)
{
    struct retry_policy policy = {.pause_ms = 100, .pause_max_ms = 400, .after_max_ms = 5000};
    struct err e = {.code = RC_UNAVAILABLE};
    struct retry r = retry_begin(policy);

    (void)state;
    for (int around = 100, n = 0; n < 40; n++, around = MIN(2 * around, 400)) {
        int ms = retry_pause(&r, &e);
        assert_in_range(ms, around / 2, around * 3 / 2);
    }
    e.after_ms = 5000; /* what the peer asks for comes first */
    assert_in_range(retry_pause(&r, &e), 5000 + 200, 5000 + 600);
    e.after_ms = 5001;
    assert_int_equal(retry_pause(&r, &e), -1);
}

static void
test_retry_keeps_within_its_time(void **state)
{
    struct retry r = retry_begin((struct retry_policy){.total_ms = 3600000, .pause_ms = 86400000});
    struct err e = {.code = RC_UNAVAILABLE};

    (void)state;
    assert_in_range(retry_pause(&r, &e), 1, 3600000);
    r.since -= 3600000;
    assert_int_equal(retry_pause(&r, &e), -1);
}

static void
test_retry_stops_with_its_context(void **state)
{
    struct retry r = retry_begin((struct retry_policy){.attempts = 3});
    struct err e = ERR_INIT;
    struct ctx cx;

    (void)state;
    T_OK(ctx_init(&cx, &e));
    ctx_cancel(&cx);
    (void)err_set(&e, RC_CORRUPT, "no");
    assert_false(retry_next(&cx, &r, &e));
    assert_int_equal(e.code, RC_CANCELLED);
    ctx_release(&cx);
}

static void *
wait_for_mutex(void *arg)
{
    (void)pthread_mutex_lock(arg);
    (void)pthread_mutex_unlock(arg);
    return NULL;
}

static void
test_thread_start_gives_a_name(void **state)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct err e = ERR_INIT;
    char name[32];
    pthread_t t;

    (void)state;
    (void)pthread_mutex_lock(&mutex);
    T_OK(thread_start(&t, "backupconfigurations", wait_for_mutex, &mutex, &e));
    assert_int_equal(pthread_getname_np(t, name, sizeof(name)), 0);
    (void)pthread_mutex_unlock(&mutex);
    (void)pthread_join(t, NULL);
    assert_string_equal(name, "backupconfigura"); /* what the kernel has room for */
}

static void *
log_from_a_thread(void *arg)
{
    log_info("four");
    return arg;
}

static void
test_a_line_of_the_log_says_what_it_is_about(void **state)
{
    struct log_scope outer = {.component = "backupsession", .object = "demo/one", .attempt = 1},
                     inner = {.component = "retention", .attempt = 2};
    char text[512], path[] = "/tmp/cstash-log-XXXXXX";
    int file = mkstemp(path), keep = dup(STDERR_FILENO);
    struct err e = ERR_INIT;
    pthread_t t;
    ssize_t n;

    (void)state;
    assert_true(file >= 0 && keep >= 0);
    (void)unlink(path);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    log_warn("none");
    log_scope_enter(&outer);
    log_info("one");
    log_scope_enter(&inner);
    log_warn("two");
    log_set_json(true);
    log_error("three");
    log_set_json(false);
    T_OK(thread_start(&t, "heir", log_from_a_thread, NULL, &e));
    (void)pthread_join(t, NULL);
    log_scope_leave(&inner);
    log_scope_leave(&outer);
    assert_null(log_scope_now().component);
    assert_true(dup2(keep, STDERR_FILENO) >= 0);
    n = pread(file, text, sizeof(text) - 1, 0);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "warning: none\n"
                                 "one component=backupsession object=demo/one\n"
                                 "warning: two component=retention object=demo/one attempt=2\n"));
    assert_non_null(strstr(text,
                           "\"level\":\"error\",\"msg\":\"three\",\"component\":\"retention\","
                           "\"object\":\"demo/one\",\"attempt\":2}\n"
                           "four component=retention object=demo/one attempt=2\n"));
    (void)close(file);
    (void)close(keep);
}

static void
test_b64_for_urls_has_another_alphabet_and_no_padding(void **state)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(64);
    struct err e = ERR_INIT;

    (void)state;
    T_OK(b64_encode(STR_LIT("+/="), &text, &e)); /* what stands there stays */
    T_OK(b64_encode_url(STR_LIT("\xfb\xef\xff?"), &text, &e));
    assert_string_equal(buf_c(&text), "Ky89"
                                      "--__Pw");
}

static void
test_roots_are_the_ones_that_were_given(void **state)
{
    const char *own;

    (void)state;
    (void)unsetenv("SSL_CERT_FILE");
    own = roots_file();
    assert_true(own == NULL || access(own, R_OK) == 0);
    (void)setenv("SSL_CERT_FILE", "/some/where.pem", 1);
    assert_string_equal(roots_file(), "/some/where.pem");
    (void)setenv("SSL_CERT_FILE", "", 1);
    assert_ptr_equal(roots_file(), own);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread_start_gives_a_name),
        cmocka_unit_test(test_retry_ends_after_its_attempts_and_tells_of_all),
        cmocka_unit_test(test_retry_tells_of_answers_that_all_differ),
        cmocka_unit_test(test_retry_says_nothing_of_a_single_attempt),
        cmocka_unit_test(test_retry_pauses_double_and_spread),
        cmocka_unit_test(test_retry_keeps_within_its_time),
        cmocka_unit_test(test_retry_stops_with_its_context),
        cmocka_unit_test(test_str_plural_is_for_all_but_one),
        cmocka_unit_test(test_a_line_of_the_log_says_what_it_is_about),
        cmocka_unit_test(test_err_wrap_reads_from_wish_to_reason),
        cmocka_unit_test(test_an_early_return_without_an_error_ends_the_test),
        cmocka_unit_test(test_words_from_outside_are_one_line),
        cmocka_unit_test(test_a_long_context_never_cuts_the_cause),
        cmocka_unit_test(test_buf_stops_at_its_ceiling),
        cmocka_unit_test(test_str_show_escapes_and_cuts),
        cmocka_unit_test(test_str_to_i64_covers_the_range_and_no_more),
        cmocka_unit_test(test_instant_text_goes_both_ways),
        cmocka_unit_test(test_b64_goes_both_ways_and_refuses_junk),
        cmocka_unit_test(test_win_hands_over_every_byte_once),
        cmocka_unit_test(test_ring_delivers_bytes_then_the_error),
        cmocka_unit_test(test_ring_tells_the_producer_that_nobody_reads),
        cmocka_unit_test(test_bq_keeps_order_and_drains_after_close),
        cmocka_unit_test(test_b64_for_urls_has_another_alphabet_and_no_padding),
        cmocka_unit_test(test_roots_are_the_ones_that_were_given),
        cmocka_unit_test(test_fs_replaces_a_file_whole_and_makes_its_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
