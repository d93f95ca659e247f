/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/text.h"

#include <ctype.h>
#include <math.h>

#include "base/mem.h"

enum { PUSH_MS = 10 * 1000, LABEL_MAX = 4096 /* bytes of a label's value; the rest is cut */ };

void
metrics_release(struct metrics *m)
{
    buf_release(&m->text);
}

void
metrics_begin(struct metrics *m, const char *name, const char *type, const char *help)
{
    CLEANUP(mem_free_ptr)
    char *head = mem_printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
    struct err ignored = ERR_INIT;

    m->name = name;
    m->full = buf_add(&m->text, head, strlen(head), &ignored) != RC_OK || m->full;
}

static void
put_value(struct buf *to, const char *s)
{
    for (const char *end = s + strnlen(s, LABEL_MAX); s < end; s++) {
        if (*s == '\n')
            buf_must_add(to, "\\n", 2);
        else if (*s == '"' || *s == '\\')
            buf_must_printf(to, "\\%c", *s);
        else
            buf_must_add(to, s, 1);
    }
}

/* The line, or nothing of it: half of one would make all of it unreadable. */
void
metrics_sample(struct metrics *m, const struct metrics_label *labels, double value)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(METRICS_TEXT_MAX);
    struct err ignored = ERR_INIT;
    const char *sep = "{";

    buf_must_printf(&line, "%s", m->name);
    for (; labels != NULL && labels->name != NULL; labels++) {
        if (labels->value == NULL)
            continue;
        buf_must_printf(&line, "%s%s=\"", sep, labels->name);
        put_value(&line, labels->value);
        buf_must_add(&line, "\"", 1);
        sep = ",";
    }
    if (m->common.n > 0) {
        buf_must_printf(&line, "%s", sep);
        buf_must_add(&line, m->common.p, m->common.n);
        sep = ",";
    }
    buf_must_printf(&line, "%s ", sep[0] == ',' ? "}" : "");
    if (fabs(value) < 1e15 && value == floor(value))
        buf_must_printf(&line, "%lld\n", (long long)value);
    else
        buf_must_printf(&line, "%.17g\n", value);
    m->full = buf_add_str(&m->text, buf_str(&line), &ignored) != RC_OK || m->full;
}

void
metrics_append(struct metrics *m, const struct metrics *more)
{
    struct err ignored = ERR_INIT;

    m->full =
        buf_add_str(&m->text, buf_str(&more->text), &ignored) != RC_OK || more->full || m->full;
}

/* Prometheus' data model: [a-zA-Z_][a-zA-Z0-9_]*, and what begins with "__" is its own. */
static bool
is_label_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != '_' && !isalpha((unsigned char)s[i]) &&
            (i == 0 || !isdigit((unsigned char)s[i])))
            return false;
    return n > 0 && (n < 2 || s[0] != '_' || s[1] != '_');
}

enum rc
metrics_labels(const char *pairs, struct buf *out, struct err *e)
{
    while (pairs != NULL && *pairs != '\0') {
        size_t n = strcspn(pairs, ","), name = strcspn(pairs, "=,");
        CLEANUP(mem_free_ptr) char *value = NULL;

        if (name >= n || !is_label_name(pairs, name))
            return err_set(e, RC_INVALID,
                           "bad label \"%.*s\": wanted NAME=VALUE, with a name of "
                           "letters, digits and _",
                           (int)n, pairs);
        value = mem_strndup(pairs + name + 1, n - name - 1);
        buf_must_printf(out, "%s%.*s=\"", out->n > 0 ? "," : "", (int)name, pairs);
        put_value(out, value);
        buf_must_add(out, "\"", 1);
        pairs += n + (pairs[n] == ',' ? 1 : 0);
    }
    return RC_OK;
}

static size_t
group_room(const struct metrics_label *group)
{
    size_t n = 0;

    for (; group->name != NULL; group++)
        n += strlen(group->name) + 3 * strlen(group->value) + 2;
    return n;
}

enum rc
metrics_push(struct ctx *cx, struct http *h, const char *url, const struct metrics_label *group,
             const struct metrics *m, struct err *e)
{
    static const char *const headers[] = {"Content-Type: text/plain; version=0.0.4", NULL};
    CLEANUP(buf_release) struct buf to = BUF_INIT(group_room(group) + strlen(url) + 16);
    struct http_response answer = {0};
    struct http_request rq = {
        .method = "POST", .headers = headers, .body = buf_str(&m->text), .timeout_ms = PUSH_MS};
    size_t n = strlen(url);
    enum rc rc;

    if (m->full)
        return err_set(e, RC_LIMIT, "the metrics are larger than %d bytes", METRICS_TEXT_MAX);
    buf_must_printf(&to, "%.*s/metrics", (int)(n > 0 && url[n - 1] == '/' ? n - 1 : n), url);
    for (; group->name != NULL; group++) {
        buf_must_printf(&to, "/%s/", group->name);
        http_escape(&to, group->value);
    }
    rq.url = buf_c(&to);
    rc = http_call(cx, h, &rq, &answer, e);
    if (rc == RC_OK && answer.status / 100 != 2)
        rc = err_set(e, answer.status / 100 == 4 ? RC_INVALID : RC_UNAVAILABLE,
                     "the Pushgateway answers %d: %.*s", answer.status,
                     (int)MIN(answer.body.n, 200), (const char *)answer.body.p);
    http_response_release(&answer);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not push metrics to %s", url);
}
