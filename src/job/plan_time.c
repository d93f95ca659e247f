/* SPDX-License-Identifier: Apache-2.0 */
/* How long a restore would take: by what is measured now, on both sides. */
#include "base/clock.h"
#include "base/mem.h"
#include "job/plan_internal.h"
#include "repo/verdict.h"

enum {
    SAMPLE_BYTES = 16 * 1024 * 1024,
    SAMPLE_MS = 500,
    SAMPLE_CHUNK = 64 * 1024,
    ECHO_LONGEST = 64 * 1024,
    ECHO_BATCH_BYTES = 256 * 1024,
    ECHO_BATCH = 1000,
    NS_PER_MS = 1000000
};

/* a * b / c, without overflow where the result fits. */
static uint64_t
scaled(uint64_t a, uint64_t b, uint64_t c)
{
    double x = c == 0 ? 0 : (double)a * (double)b / (double)c;

    return x > (double)INT64_MAX / 2 ? INT64_MAX / 2 : (uint64_t)x;
}

/* The beginning of the dump; *bytes in *ns. */
static enum rc
measure_read(struct ctx *cx, struct snapshot_source *from, uint64_t *bytes, int64_t *ns,
             struct err *e)
{
    int64_t began = clock_mono_ns();
    uint8_t *chunk;
    struct load *l;
    enum rc rc;
    size_t n = 1;

    *bytes = 0;
    if (load_open(cx, from->repo, &from->file, SNAPSHOT_WORKERS, &l, e))
        return err_code(e);
    chunk = mem_zero(1, SAMPLE_CHUNK);
    do {
        rc = rd_read(load_rd(l), chunk, SAMPLE_CHUNK, &n, e);
        *bytes += rc == RC_OK ? n : 0;
        *ns = MAX(clock_mono_ns() - began, INT64_C(1));
    } while (rc == RC_OK && n != 0 && *bytes < SAMPLE_BYTES &&
             *ns < (int64_t)SAMPLE_MS * NS_PER_MS);
    mem_free(chunk);
    load_close(l);
    return rc;
}

/* Commands as long as those of the dump, which the server sends back; *n 0: it does not. */
static enum rc
measure_write(struct ctx *cx, struct conn *c, uint64_t length, uint64_t *n, int64_t *ns,
              struct err *e)
{
    struct str text;
    uint8_t *bytes;
    uint64_t batch;
    bool refused = false;
    enum rc rc = RC_OK;

    length = MIN(MAX(length, UINT64_C(1)), (uint64_t)ECHO_LONGEST);
    batch = MIN(MAX(ECHO_BATCH_BYTES / length, UINT64_C(1)), (uint64_t)ECHO_BATCH);
    bytes = mem_zero(1, length);
    memset(bytes, 'x', length);
    text = str_of(bytes, length);
    *n = 0;
    *ns = 0;
    while (rc == RC_OK && !refused && *ns < (int64_t)SAMPLE_MS / 2 * NS_PER_MS &&
           *n * length < SAMPLE_BYTES) {
        int64_t began = clock_mono_ns();

        for (uint64_t i = 0; i < batch; i++)
            RESP_CMD(&c->out, STR_LIT("ECHO"), text);
        rc = conn_flush(cx, c, e);
        for (uint64_t i = 0; rc == RC_OK && i < batch; i++) {
            struct reply r;

            rc = conn_recv(cx, c, &r, e);
            refused = refused || (rc == RC_OK && r.type == REPLY_ERROR);
        }
        *n += batch;
        *ns += MAX(clock_mono_ns() - began, INT64_C(1));
    }
    if (refused)
        *n = 0;
    mem_free(bytes);
    return rc;
}

static void
say_rate(struct plan *p, const struct plan_times *t, uint64_t bytes_a_s, uint64_t commands_a_s)
{
    char read[STR_GROUPED_MAX], write[STR_GROUPED_MAX];

    plan_say(
        p, PLAN_TIME, PLAN_YES,
        "measured now: %s KiB a second of the dump %s, %s commands a second of its length %s %s",
        str_grouped(bytes_a_s / 1024, read),
        t->read_ms >= 0 ? "read, all of it" : "read, of its beginning",
        commands_a_s != 0 ? str_grouped(commands_a_s, write) : "an unknown number of",
        p->n_servers > 1 ? "answered by the masters together, at" : "answered by", p->target);
}

/* How long it took counts more than what is measured in a moment, but for a server that is slower to answer now. */
static void
say_before(struct plan *p, const struct plan_times *t)
{
    char when[INSTANT_TEXT];
    int64_t ms =
        (int64_t)scaled((uint64_t)t->before->restore_ms, t->wanted, MAX(t->bytes, UINT64_C(1)));

    plan_say(p, PLAN_TIME, PLAN_YES,
             "when it was verified (%.10s) all of it was loaded into %s in %lld.%lld s",
             instant_format(t->before->time, when),
             t->before->server[0] != '\0' ? t->before->server : "a server",
             (long long)t->before->restore_ms / 1000, (long long)t->before->restore_ms / 100 % 10);
    p->write_ms = MAX(p->write_ms, ms);
}

enum rc
plan_measure(struct ctx *cx, struct snapshot_source *from, struct masters *to,
             const struct plan_times *t, struct plan *p, struct err *e)
{
    uint64_t bytes = t->bytes, n = 0, commands;
    int64_t ns = MAX(t->read_ms, INT64_C(1)) * NS_PER_MS, write_ns = 0;

    if (t->read_ms < 0 && measure_read(cx, from, &bytes, &ns, e))
        return err_code(e);
    if (measure_write(cx, to->list[0], t->commands != 0 ? t->bytes / t->commands : 1, &n, &write_ns,
                      e))
        return err_code(e);
    commands = scaled(t->commands, t->wanted, MAX(t->bytes, UINT64_C(1)));
    p->read_ms = bytes == 0 ? 0 : (int64_t)scaled(t->bytes, (uint64_t)ns / NS_PER_MS + 1, bytes);
    p->write_ms =
        n == 0 ? -1 : (int64_t)scaled(commands, (uint64_t)write_ns / NS_PER_MS + 1, n * to->n);
    say_rate(p, t, scaled(bytes, UINT64_C(1000) * NS_PER_MS, (uint64_t)ns),
             n == 0 ? 0 : scaled(n * to->n, UINT64_C(1000) * NS_PER_MS, (uint64_t)write_ns));
    if (t->before != NULL)
        say_before(p, t);
    p->copy_ms = t->copy_ms;
    p->ms = MAX(p->read_ms, p->write_ms) + MAX(p->copy_ms, INT64_C(0));
    return RC_OK;
}
