/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl's generic describer. */
#include <ctype.h>
#include <math.h>

#include "api/age.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/print.h"
#include "kube/object.h"

enum { LINE_MAX_CHARS = 140, PADDING = 2, DEPTH_MAX = 200 };
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

static void
describe_indent(struct buf *out, int level)
{
    for (int i = 0; i < level; i++)
        buf_must_add(out, "  ", 2);
}

/* The length of the word that begins at `s`: "resource" of "resourceVersion", "API" of "APIKey". */
static size_t
word_length(const char *s)
{
    size_t n = 1;

    if (!isalpha((unsigned char)s[0]))
        return 1;
    if (islower((unsigned char)s[0])) {
        while (islower((unsigned char)s[n]))
            n++;
        return n;
    }
    while (isupper((unsigned char)s[n]))
        n++;
    if (!islower((unsigned char)s[n]))
        return n;
    if (n > 1)
        return n - 1; /* the last one begins the next word */
    while (islower((unsigned char)s[n]))
        n++;
    return n;
}

static bool
is_acronym(const char *s, size_t n)
{
    static const char *const words[] = {"API", "URL", "UID", "OSB", "GUID"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_is_word(str_of(s, n), words[i]))
            return true;
    return false;
}

static char
describe_capital(char c)
{
    return (char)toupper((unsigned char)c);
}

/* "resourceVersion" as "Resource Version"; names with anything but letters and dashes stay. */
static void
add_title(struct buf *out, const char *field)
{
    for (const char *c = field; *c != '\0'; c++)
        if (!isalpha((unsigned char)*c) && *c != '-') {
            buf_must_add(out, field, strlen(field));
            return;
        }
    for (const char *c = field; *c != '\0';) {
        size_t n = word_length(c);
        bool whole = is_acronym(c, n);
        if (c != field)
            buf_must_add(out, " ", 1);
        for (size_t i = 0; i < n; i++) {
            char to = c[i];
            if (i == 0 || whole)
                to = describe_capital(to);
            buf_must_add(out, &to, 1);
        }
        c += n;
    }
}

/* As Go's %v. */
static void
add_value(struct buf *out, const struct json *v)
{
    CLEANUP(mem_free_ptr) char *text = NULL;

    switch (json_kind_of(v)) {
    case JSON_ABSENT:
    case JSON_IS_NULL:
        buf_must_printf(out, "<nil>");
        return;
    case JSON_IS_STR:
        buf_must_printf(out, "%s", json_text(v));
        return;
    case JSON_IS_DOUBLE:
        buf_must_printf(out, "%g", json_double_or(v, NAN));
        return;
    default:
        text = json_to_text(v, false);
        buf_must_printf(out, "%s", text);
    }
}

static int
by_key(const void *a, const void *b)
{
    return strcmp(((const struct json_item *)a)->key, ((const struct json_item *)b)->key);
}

/* The fields of an object by name; mem_free. */
static struct json_item *
sorted_items(const struct json *obj, size_t *n)
{
    struct json_item *v = (struct json_item *)mem_zero(json_size(obj) + 1, sizeof(*v));

    *n = 0;
    for (struct json_item it = json_first(obj); it.key != NULL; it = json_next(obj, it))
        v[(*n)++] = it;
    qsort(v, *n, sizeof(*v), by_key);
    return v;
}

static bool
is_skipped(const char *key)
{
    static const char *const skip[] = {"managedFields", "name", "namespace", "labels",
                                       "annotations"};

    for (size_t i = 0; i < ARRAY_LEN(skip); i++)
        if (strcmp(key, skip[i]) == 0)
            return true;
    return false;
}

static void
add_content(struct buf *out, int level, const struct json *obj, bool metadata)
{
    CLEANUP(mem_free_ptr) struct json_item *items = NULL;
    size_t n;

    items = sorted_items(obj, &n);
    for (size_t i = 0; i < n && level < DEPTH_MAX; i++) {
        const struct json *v = items[i].value;
        enum json_kind kind = json_kind_of(v);
        if (metadata && is_skipped(items[i].key))
            continue;
        describe_indent(out, level);
        add_title(out, items[i].key);
        if (kind != JSON_IS_OBJECT && kind != JSON_IS_ARRAY) {
            buf_must_printf(out, ":\t");
            add_value(out, v);
            buf_must_add(out, "\n", 1);
            continue;
        }
        buf_must_printf(out, ":\n");
        if (kind == JSON_IS_OBJECT)
            add_content(out, level + 1, v, level == 0 && strcmp(items[i].key, "metadata") == 0);
        for (size_t k = 0; kind == JSON_IS_ARRAY && k < json_size(v); k++) {
            if (json_kind_of(json_elem(v, k)) == JSON_IS_OBJECT) {
                add_content(out, level + 1, json_elem(v, k), false);
                continue;
            }
            describe_indent(out, level + 1);
            add_value(out, json_elem(v, k));
            buf_must_add(out, "\n", 1);
        }
    }
}

static void
add_labels(struct buf *out, const struct json *labels)
{
    CLEANUP(mem_free_ptr) struct json_item *items = NULL;
    size_t n;

    items = sorted_items(labels, &n);
    buf_must_printf(out, "Labels:\t%s", n == 0 ? "<none>\n" : "");
    for (size_t i = 0; i < n; i++)
        buf_must_printf(out, "%s%s=%s\n", i > 0 ? "\t" : "", items[i].key,
                        json_text_or(items[i].value, ""));
}

/* A long value: line by line, each cut. */
static void
add_lines(struct buf *out, const char *value)
{
    for (;;) {
        size_t n = strcspn(value, "\n"), most = LINE_MAX_CHARS - 2;
        buf_must_printf(out, "\t  %.*s%s\n", (int)MIN(n, most), value, n > most ? "..." : "");
        if (value[n] == '\0' || value[n + 1] == '\0')
            return;
        value += n + 1;
    }
}

static void
add_annotations(struct buf *out, const struct json *annotations)
{
    CLEANUP(mem_free_ptr) struct json_item *items = NULL;
    size_t n, shown = 0;

    items = sorted_items(annotations, &n);
    buf_must_printf(out, "Annotations:\t");
    for (size_t i = 0; i < n; i++) {
        const char *key = items[i].key, *value = json_text_or(items[i].value, "");
        const char *line_end = strchr(value, '\n');
        if (strcmp(key, LAST_APPLIED) == 0)
            continue;
        if (shown++ > 0)
            buf_must_printf(out, "\t");
        if (strlen(value) + strlen(key) + 2 < LINE_MAX_CHARS &&
            (line_end == NULL || line_end[1] == '\0')) {
            buf_must_printf(out, "%s: %.*s\n", key, (int)strcspn(value, "\n"), value);
        } else {
            buf_must_printf(out, "%s:\n", key);
            add_lines(out, value);
        }
    }
    if (shown == 0)
        buf_must_printf(out, "<none>\n");
}

static const char *
describe_ago(int64_t at_ms, char to[static 24])
{
    if (at_ms == 0)
        return "<unknown>";
    return age_text((clock_real_ms() - at_ms) / 1000, to);
}

static int64_t
last_ms(const struct json *ev)
{
    int64_t ms = kube_time_ms(json_field(ev, "lastTimestamp"));

    return ms != 0 ? ms : kube_time_ms(json_field(ev, "eventTime"));
}

static int
by_time(const void *a, const void *b)
{
    int64_t x = last_ms(*(const struct json *const *)a),
            y = last_ms(*(const struct json *const *)b);

    return x < y ? -1 : x > y;
}

static void
add_event(struct buf *out, const struct json *ev)
{
    const struct json *series = json_field(ev, "series");
    const char *from = json_text_or(json_dig(ev, "source", "component"), "");
    int64_t first = kube_time_ms(json_field(ev, "eventTime")), n;
    struct str message = json_text_str(json_field(ev, "message"));
    char first_age[24], last_age[24];

    if (first == 0)
        first = kube_time_ms(json_field(ev, "firstTimestamp"));
    if (from[0] == '\0')
        from = json_text_or(json_field(ev, "reportingComponent"), "");
    while (message.n > 0 && isspace(message.p[message.n - 1]))
        message.n--;
    n = json_int_or(json_field(series != NULL ? series : ev, "count"), 1);
    buf_must_printf(out, "  %s\t%s\t", json_text_or(json_field(ev, "type"), ""),
                    json_text_or(json_field(ev, "reason"), ""));
    if (series != NULL || n > 1) {
        int64_t last = series != NULL ? kube_time_ms(json_field(series, "lastObservedTime"))
                                      : kube_time_ms(json_field(ev, "lastTimestamp"));
        buf_must_printf(out, "%s (x%lld over %s)", describe_ago(last, last_age), (long long)n,
                        describe_ago(first, first_age));
    } else {
        buf_must_printf(out, "%s", describe_ago(first, first_age));
    }
    buf_must_printf(out, "\t%s\t%.*s\n", from, (int)message.n,
                    message.n > 0 ? (const char *)message.p : "");
}

static void
add_events(struct buf *out, const struct json *events)
{
    size_t n = json_size(events);
    CLEANUP(mem_free_ptr)
    const struct json **v = (const struct json **)mem_zero(n + 1, sizeof(struct json *));

    if (n == 0) {
        buf_must_printf(out, "Events:\t<none>\n");
        return;
    }
    for (size_t i = 0; i < n; i++)
        v[i] = json_elem(events, i);
    qsort(v, n, sizeof(struct json *), by_time);
    buf_must_printf(out, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n"
                         "  ----\t------\t----\t----\t-------\n");
    for (size_t i = 0; i < n; i++)
        add_event(out, v[i]);
}

void
print_describe(const struct json *obj, const struct json *events, struct buf *out)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(PRINT_MAX);

    buf_must_printf(&text, "Name:\t%s\n", kube_name(obj) != NULL ? kube_name(obj) : "");
    buf_must_printf(&text, "Namespace:\t%s\n", kube_ns(obj) != NULL ? kube_ns(obj) : "");
    add_labels(&text, json_dig(obj, "metadata", "labels"));
    add_annotations(&text, json_dig(obj, "metadata", "annotations"));
    add_content(&text, 0, obj, false);
    if (json_size(events) > 0) { /* the events are a table of their own */
        print_tabs(buf_str(&text), PADDING, out);
        buf_reset(&text);
    }
    if (events != NULL)
        add_events(&text, events);
    print_tabs(buf_str(&text), PADDING, out);
}
