/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_metrics.h"

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#include "base/b64.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/client.h"
#include "metrics/text.h"

enum { FILE_LIMIT = 1024 * 1024, SECOND_MS = 1000, FILE_MODE = 0644 };
#define FILE_END ".prom"
#define KIND "cstash backup"

const struct opt opts_metrics[] = {
    {"pushgateway", 0, OPT_TEXT(struct metrics_opts, pushgateway), "URL",
     "push how it went to this Prometheus Pushgateway"},
    {"metrics-file", 0, OPT_FILE(struct metrics_opts, file), "FILE.prom",
     "write how it went to FILE, for node_exporter's textfile collector"},
    {.name = NULL},
};

enum rc
run_metrics_check(const struct metrics_opts *o, struct err *e)
{
    size_t n = o->file != NULL ? strlen(o->file) : 0;

    if (o->file != NULL &&
        (n <= strlen(FILE_END) || strcmp(o->file + n - strlen(FILE_END), FILE_END) != 0))
        return err_set(e, RC_USAGE,
                       "--metrics-file must end in " FILE_END ": node_exporter reads no other");
    return RC_OK;
}

bool
run_metrics_wanted(const struct metrics_opts *o)
{
    return o->pushgateway != NULL || o->file != NULL;
}

/* ---- the series ---- */

enum kept { ALWAYS, ON_SUCCESS, ON_FAILURE };

#define VALUE(fn, expr)                                                                            \
    static double fn(const struct run_metrics *r)                                                  \
    {                                                                                              \
        return (double)(expr);                                                                     \
    }
VALUE(began, floor((double)r->began_ms / SECOND_MS))
VALUE(took, (double)r->took_ms / SECOND_MS)
VALUE(keys, r->keys)
VALUE(bytes, r->bytes)
VALUE(stored, r->stored)
VALUE(shrank, r->shrank)

static const struct run_series {
    const char *name, *help;
    enum kept when; /* it is new then; else what was known before stays */
    double (*value)(const struct run_metrics *r);
} run_series[] = {
    {"cstash_backup_last_run_time_seconds", "When the last backup began", ALWAYS, began},
    {"cstash_backup_last_success_time_seconds", "When the last backup that succeeded began",
     ON_SUCCESS, began},
    {"cstash_backup_last_failure_time_seconds", "When the last backup that failed began",
     ON_FAILURE, began},
    {"cstash_backup_duration_seconds", "How long the last backup that succeeded took", ON_SUCCESS,
     took},
    {"cstash_backup_keys", "Keys in it, where they are known", ON_SUCCESS, keys},
    {"cstash_backup_size_bytes", "Bytes read by it", ON_SUCCESS, bytes},
    {"cstash_backup_stored_bytes", "Bytes that it added to the repository", ON_SUCCESS, stored},
    {"cstash_backup_shrank",
     "Had the Redis lost most of its keys, so that a snapshot from before is kept", ON_SUCCESS,
     shrank},
};

/* Does this run say it? */
static bool
series_is_due(const struct run_series *s, const struct run_metrics *r)
{
    return s->when == ALWAYS || (s->when == ON_SUCCESS) == r->success;
}

static bool
series_is_known(const struct run_series *s, const struct run_metrics *r)
{
    return s->value != keys || r->keys >= 0;
}

static void
series_put(struct metrics *m, const struct run_series *s, const struct run_metrics *r, double value)
{
    const struct metrics_label labels[] = {
        {"invoker_kind", KIND}, {"invoker_name", r->target}, {NULL, NULL}};

    metrics_begin(m, s->name, "gauge", s->help);
    metrics_sample(m, labels, value);
}

/* ---- the Pushgateway ---- */

/* Names of targets have slashes, which a part of a path cannot have. */
static char *
push_name(const char *target)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(strlen(target) * 2 + 16);
    struct err e = ERR_INIT;

    return mem_strdup(b64_encode_url(str_c(target), &text, &e) == RC_OK && text.n > 0 ? buf_c(&text)
                                                                                      : "=");
}

static enum rc
run_push(const char *url, const struct run_metrics *r, struct err *e)
{
    CLEANUP(mem_free_ptr) char *name = push_name(r->target);
    const struct metrics_label group[] = {
        {"job", "cstash-backup"}, {"invoker_name@base64", name}, {NULL, NULL}};
    struct metrics m = METRICS_INIT;
    struct http *http = NULL;
    struct ctx cx;
    enum rc rc;

    if (ctx_init(&cx, e))
        return err_code(e);
    for (size_t i = 0; i < ARRAY_LEN(run_series); i++)
        if (series_is_due(&run_series[i], r) && series_is_known(&run_series[i], r))
            series_put(&m, &run_series[i], r, run_series[i].value(r));
    rc = http_new(NULL, &http, e);
    if (rc == RC_OK)
        rc = metrics_push(&cx, http, url, group, &m, e);
    if (http != NULL)
        http_free(http);
    metrics_release(&m);
    ctx_release(&cx);
    return rc;
}

/* ---- the file ---- */

/* What a file of ours says of a series; false: nothing. There is one sample of each. */
static bool
file_value(struct str text, const char *name, double *value)
{
    const char *at = (const char *)text.p, *end = at + text.n;
    size_t n = strlen(name);

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at)), *space;

        line_end = line_end != NULL ? line_end : end;
        space = memrchr(at, ' ', (size_t)(line_end - at));
        if ((size_t)(line_end - at) > n && strncmp(at, name, n) == 0 && at[n] == '{' &&
            space != NULL) {
            char number[64], *rest;

            (void)str_cut(str_of(space + 1, (size_t)(line_end - space - 1)), number,
                          sizeof(number));
            *value = strtod(number, &rest);
            return rest != number && *rest == '\0' && isfinite(*value);
        }
        at = line_end + 1;
    }
    return false;
}

/* A time that never was is 0. */
static bool
is_time(const struct run_series *s)
{
    return strstr(s->name, "_time_seconds") != NULL;
}

static enum rc
run_write(const char *path, const struct run_metrics *r, struct err *e)
{
    CLEANUP(buf_release) struct buf was = BUF_INIT(FILE_LIMIT);
    struct metrics m = METRICS_INIT;
    struct err none = ERR_INIT;
    enum rc rc;

    if (fs_read_file(path, &was, &none) && none.code != RC_NOT_FOUND)
        log_warn("%s: it is written anew, without what it said before", none.msg);
    for (size_t i = 0; i < ARRAY_LEN(run_series); i++) {
        const struct run_series *s = &run_series[i];
        double value = 0;

        if (series_is_due(s, r) ? series_is_known(s, r)
                                : file_value(buf_str(&was), s->name, &value) || is_time(s))
            series_put(&m, s, r, series_is_due(s, r) ? s->value(r) : value);
    }
    rc = fs_write_file(path, buf_str(&m.text), FILE_MODE, e);
    /* Others read it: the umask of a service that hides its files is not meant for this one. */
    if (rc == RC_OK && chmod(path, FILE_MODE) != 0)
        rc = err_sys(e, errno, "could not let others read %s", path);
    metrics_release(&m);
    return rc;
}

void
run_metrics_tell(const struct metrics_opts *o, const struct run_metrics *r)
{
    struct err e = ERR_INIT, f = ERR_INIT;

    if (o->pushgateway != NULL && run_push(o->pushgateway, r, &e))
        log_warn("the Pushgateway does not have how it went: %s", e.msg);
    if (o->file != NULL && run_write(o->file, r, &f))
        log_warn("the metrics of the run are not told: %s", f.msg);
}
