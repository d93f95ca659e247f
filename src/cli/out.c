/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "cli/out.h"
#include "repo/snapshots.h"

enum { PROGRESS_MS = 200 };

struct progress_thread {
    pthread_t id;
    struct ctx stop;
};

const char *
out_bytes(uint64_t n, char to[static OUT_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    double v = (double)n;
    size_t u = 0;

    if (n < 1024) {
        (void)snprintf(to, OUT_TEXT, "%llu B", (unsigned long long)n);
        return to;
    }
    for (v /= 1024; v >= 1024 && u + 1 < ARRAY_LEN(units); u++)
        v /= 1024;
    (void)snprintf(to, OUT_TEXT, "%.3f %s", v, units[u]);
    return to;
}

const char *
out_duration(int64_t ms, char to[static OUT_TEXT])
{
    int64_t s = ms / 1000;

    if (s < 60)
        (void)snprintf(to, OUT_TEXT, "%.1f s", (double)ms / 1000);
    else if (s < 3600)
        (void)snprintf(to, OUT_TEXT, "%lld:%02lld", (long long)s / 60, (long long)s % 60);
    else
        (void)snprintf(to, OUT_TEXT, "%lld:%02lld:%02lld", (long long)s / 3600,
                       (long long)s / 60 % 60, (long long)s % 60);
    return to;
}

const char *
out_time(struct instant t, char to[static OUT_TIME])
{
    time_t sec = (time_t)t.sec;
    char text[INSTANT_TEXT];
    struct tm tm;

    t.nsec = 0;
    t.zone = localtime_r(&sec, &tm) != NULL ? (int32_t)tm.tm_gmtoff : 0;
    (void)snprintf(to, OUT_TIME, "%.*s", OUT_TIME - 1, instant_format(t, text));
    return to;
}

const char *
out_snapshot(const struct snapshot *s, char to[static OUT_SNAPSHOT])
{
    struct instant utc = {.sec = s->time.sec};
    char id[ID_TEXT], when[INSTANT_TEXT];

    (void)instant_format(utc, when); /* 2026-11-29T02:00:17Z */
    (void)snprintf(to, OUT_SNAPSHOT, "%.8s (%.10s %.5s UTC)", id_hex(&s->id, id), when, when + 11);
    return to;
}

void
out_words(const char *s, int columns)
{
    CLEANUP(mem_free_ptr) char *copy = mem_strdup(s != NULL ? s : "");

    (void)printf("%-*s", columns, str_one_line(copy));
}

enum rc
out_check(struct err *e)
{
    return ferror(stdout) == 0 ? RC_OK
                               : err_set(e, RC_IO, "could not write to the standard output");
}

void
out_json_begin(struct out_json *j)
{
    buf_init(&j->text, SIZE_MAX);
    jw_init(&j->w, &j->text);
}

void
out_json_end(struct out_json *j)
{
    (void)puts(buf_c(&j->text));
    buf_release(&j->text);
}

static void *
out_show(void *arg)
{
    struct progress *p = arg;
    struct err e = ERR_INIT;

    while (ctx_sleep(&p->thread->stop, PROGRESS_MS, &e) == RC_OK) {
        char bytes[OUT_TEXT], rate[OUT_TEXT], took[OUT_TEXT];
        uint64_t n = atomic_load(&p->bytes), keys = atomic_load(&p->keys);
        int64_t ms = MAX(clock_mono_ms() - p->started_ms, 1);

        log_status("%s: %s, %llu %s, %s/s, %s", p->what, out_bytes(n, bytes),
                   (unsigned long long)keys, str_plural(keys, "key", "keys"),
                   out_bytes(n * 1000 / (uint64_t)ms, rate), out_duration(ms, took));
    }
    log_status("%s", "");
    return NULL;
}

void
progress_start(struct progress *p, const char *what, bool quiet)
{
    struct err e = ERR_INIT;

    atomic_init(&p->bytes, 0);
    atomic_init(&p->keys, 0);
    p->what = what;
    p->started_ms = clock_mono_ms();
    p->thread = NULL;
    if (quiet || !isatty(STDERR_FILENO))
        return;
    p->thread = MEM_NEW(struct progress_thread);
    if (ctx_init(&p->thread->stop, &e) == RC_OK &&
        thread_start(&p->thread->id, "progress", out_show, p, &e) == RC_OK)
        return;
    ctx_release(&p->thread->stop); /* no progress, then */
    mem_free(TAKE(p->thread));
}

void
progress_stop(struct progress *p)
{
    if (p->thread == NULL)
        return;
    ctx_cancel(&p->thread->stop);
    (void)pthread_join(p->thread->id, NULL);
    ctx_release(&p->thread->stop);
    mem_free(TAKE(p->thread));
}

enum out_answer
out_ask_for(const char *question)
{
    char line[16] = "";

    (void)fprintf(stderr, "%s [y/N] ", question);
    (void)fflush(stderr);
    if (fgets(line, sizeof(line), stdin) == NULL)
        return OUT_ANSWER_NONE;
    line[strcspn(line, "\r\n")] = '\0';
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0 ? OUT_ANSWER_YES
                                                                      : OUT_ANSWER_NO;
}
