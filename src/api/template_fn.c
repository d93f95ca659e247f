/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>

#include "api/template.h"
#include "api/template_internal.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"

typedef enum rc fn(const char *name, const struct template_args *a, struct buf *out, struct err *e);

bool
template_truth(const struct json *v)
{
    switch (json_kind_of(v)) {
    case JSON_IS_BOOL:
        return json_is_true(v);
    case JSON_IS_INT:
        return json_int_or(v, 0) != 0;
    case JSON_IS_DOUBLE:
        return json_double_or(v, 0) != 0;
    case JSON_IS_STR:
        return json_text_str(v).n > 0;
    case JSON_IS_ARRAY:
    case JSON_IS_OBJECT:
        return json_size(v) > 0;
    default:
        return false;
    }
}

enum rc
template_print(const struct json *v, struct buf *out, struct err *e)
{
    switch (json_kind_of(v)) {
    case JSON_IS_STR:
        return buf_add_str(out, json_text_str(v), e);
    case JSON_IS_NULL:
    case JSON_ABSENT:
        return buf_add_str(out, STR_LIT("<no value>"), e);
    default:
        return json_print(v, out, e);
    }
}

/* ---- arguments as text ---- */

struct text {
    struct buf b;
};

static uint8_t
template_fn_upper(uint8_t c)
{
    return (uint8_t)toupper(c);
}

static uint8_t
template_fn_lower(uint8_t c)
{
    return (uint8_t)tolower(c);
}

static struct str
template_fn_arg(const struct template_args *a, size_t i, struct text *to)
{
    struct err e = ERR_INIT;

    buf_init(&to->b, TEMPLATE_MAX);
    if (template_print(a->v[i], &to->b, &e))
        buf_reset(&to->b);
    return to->b.n > 0 ? buf_str(&to->b) : STR_LIT("");
}

/* ---- text to text, the subject last ---- */

static enum rc
map_case(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text t;
    struct str s = template_fn_arg(a, 0, &t);
    bool start = true;
    enum rc rc = RC_OK;

    for (size_t i = 0; i < s.n && rc == RC_OK; i++) {
        uint8_t c = s.p[i];

        if (name[0] == 'u' || (name[0] == 't' && start))
            c = template_fn_upper(c);
        else if (name[0] == 'l')
            c = template_fn_lower(c);
        start = isspace(c);
        if (name[0] != 'n' || !isspace(c))
            rc = buf_add(out, &c, 1, e);
    }
    buf_release(&t.b);
    return rc;
}

static bool
in_set(uint8_t c, struct str set)
{
    return set.p == NULL ? isspace(c) != 0 : memchr(set.p, c, set.n) != NULL;
}

static enum rc
template_fn_trim(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text set = {BUF_INIT(1)}, t;
    struct str cut = str_of(NULL, 0), s;
    enum rc rc;

    if (strcmp(name, "trimAll") == 0)
        cut = template_fn_arg(a, 0, &set);
    s = template_fn_arg(a, a->n - 1, &t);
    while (s.n > 0 && in_set(s.p[0], cut))
        s = str_of(s.p + 1, s.n - 1);
    while (s.n > 0 && in_set(s.p[s.n - 1], cut))
        s.n--;
    rc = buf_add_str(out, s, e);
    buf_release(&set.b);
    buf_release(&t.b);
    return rc;
}

static bool
template_fn_begins(struct str s, struct str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

static bool
template_fn_ends(struct str s, struct str with)
{
    return s.n >= with.n && memcmp(s.p + s.n - with.n, with.p, with.n) == 0;
}

static enum rc
cut_affix(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text x, t;
    struct str affix = template_fn_arg(a, 0, &x), s = template_fn_arg(a, 1, &t);
    enum rc rc;

    if (affix.n > 0 && strcmp(name, "trimPrefix") == 0 && template_fn_begins(s, affix))
        s = str_of(s.p + affix.n, s.n - affix.n);
    else if (affix.n > 0 && strcmp(name, "trimSuffix") == 0 && template_fn_ends(s, affix))
        s.n -= affix.n;
    rc = buf_add_str(out, s, e);
    buf_release(&x.b);
    buf_release(&t.b);
    return rc;
}

static enum rc
template_fn_replace(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text x, y, t;
    struct str what = template_fn_arg(a, 0, &x), with = template_fn_arg(a, 1, &y),
               s = template_fn_arg(a, 2, &t);
    enum rc rc = RC_OK;

    (void)name;
    for (size_t i = 0; i < s.n && rc == RC_OK;) {
        bool here = what.n > 0 && template_fn_begins(str_of(s.p + i, s.n - i), what);

        rc = here ? buf_add_str(out, with, e) : buf_add(out, s.p + i, 1, e);
        i += here ? what.n : 1;
    }
    buf_release(&x.b);
    buf_release(&y.b);
    buf_release(&t.b);
    return rc;
}

static enum rc
template_fn_quote(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text t;
    struct str s = template_fn_arg(a, 0, &t);
    enum rc rc;

    if (name[0] == 's') {
        rc = buf_printf(out, e, "'%.*s'", (int)s.n, (const char *)s.p);
    } else {
        struct json *j = json_new_str(s);

        rc = json_print(j, out, e);
        json_free(j);
    }
    buf_release(&t.b);
    return rc;
}

static enum rc
template_fn_cut(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text t;
    int64_t n = json_int_or(a->v[0], 0);
    struct str s = template_fn_arg(a, 1, &t);
    enum rc rc = RC_OK;

    if (strcmp(name, "repeat") == 0) {
        for (int64_t i = 0; i < MIN(n, (int64_t)TEMPLATE_MAX) && rc == RC_OK; i++)
            rc = buf_add_str(out, s, e);
    } else {
        size_t len = (size_t)MIN(n < 0 ? -MAX(n, -INT64_MAX) : n, (int64_t)s.n);

        rc = buf_add_str(out, n < 0 ? str_of(s.p + s.n - len, len) : str_of(s.p, len), e);
    }
    buf_release(&t.b);
    return rc;
}

static enum rc
print_all(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    bool lines = strcmp(name, "println") == 0;

    for (size_t i = 0; i < a->n; i++)
        if ((lines && i > 0 && buf_add_str(out, STR_LIT(" "), e)) ||
            template_print(a->v[i], out, e))
            return err_code(e);
    return lines ? buf_add_str(out, STR_LIT("\n"), e) : RC_OK;
}

/* indent N TEXT: blanks before each line; nindent: and a line break before all of it. */
static enum rc
template_fn_indent(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    int64_t n = MIN(MAX(template_int(a->v[0]), (int64_t)0), (int64_t)256);
    struct text t;
    struct str s = template_fn_arg(a, 1, &t);
    enum rc rc = name[0] == 'n' ? buf_add_str(out, STR_LIT("\n"), e) : RC_OK;

    for (size_t i = 0; i <= s.n && rc == RC_OK; i++) {
        if (i == 0 || s.p[i - 1] == '\n')
            for (int64_t k = 0; k < n && rc == RC_OK; k++)
                rc = buf_add_str(out, STR_LIT(" "), e);
        if (rc == RC_OK && i < s.n)
            rc = buf_add(out, s.p + i, 1, e);
    }
    buf_release(&t.b);
    return rc;
}

static enum rc
print_format(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text t;
    struct str f = template_fn_arg(a, 0, &t);
    size_t next = 1;
    enum rc rc = RC_OK;

    (void)name;
    for (size_t i = 0; i < f.n && rc == RC_OK; i++) {
        if (f.p[i] != '%' || i + 1 == f.n) {
            rc = buf_add(out, f.p + i, 1, e);
        } else if (f.p[++i] == '%') {
            rc = buf_add(out, "%", 1, e);
        } else if (strchr("svdq", f.p[i]) == NULL || next >= a->n) {
            rc = err_set(e, RC_INVALID, "template: printf: %%%c has no value or is not understood",
                         f.p[i]);
        } else if (f.p[i] == 'q') {
            rc = template_fn_quote("quote", &(struct template_args){.v = {a->v[next++]}, .n = 1},
                                   out, e);
        } else {
            rc = template_print(a->v[next++], out, e);
        }
    }
    buf_release(&t.b);
    return rc;
}

static enum rc
template_fn_encode(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text t;
    enum rc rc;

    if (strcmp(name, "toPrettyJson") == 0)
        return json_print_pretty(a->v[0], out, e);
    if (name[0] == 't') { /* with its keys sorted, as Go does */
        CLEANUP(mem_free_ptr) char *json = json_to_text(a->v[0], true);

        return buf_add(out, json, strlen(json), e);
    }
    rc = b64_encode(template_fn_arg(a, 0, &t), out, e);
    buf_release(&t.b);
    return rc;
}

/* Go's reference time, piece by piece: what stands there, and how many bytes that takes. */
static size_t
time_piece(struct str f, const struct tm *tm, char *to, size_t n, size_t *put)
{
#define PIECE(text, format)                                                                        \
    if (template_fn_begins(f, STR_LIT(text))) {                                                    \
        *put = strftime(to, n, format, tm);                                                        \
        return sizeof(text) - 1;                                                                   \
    }
    PIECE("2006", "%Y")
    PIECE("January", "%B")
    PIECE("Jan", "%b")
    PIECE("01", "%m")
    PIECE("02", "%d")
    PIECE("15", "%H")
    PIECE("04", "%M")
    PIECE("05", "%S")
    PIECE("Monday", "%A")
    PIECE("Mon", "%a")
    PIECE("MST", "UTC")
#undef PIECE
    to[0] = (char)f.p[0];
    *put = 1;
    return 1;
}

static enum rc
template_fn_date(const char *name, const struct template_args *a, struct buf *out, struct err *e)
{
    struct text t;
    struct str f = template_fn_arg(a, 0, &t);
    time_t at = (time_t)json_int_or(a->v[1], 0);
    struct tm tm;
    enum rc rc = RC_OK;

    if (gmtime_r(&at, &tm) == NULL)
        rc = err_set(e, RC_INVALID, "template: %s: there is no such time", name);
    for (size_t i = 0; i < f.n && rc == RC_OK;) {
        char text[40];
        size_t put;

        i += time_piece(str_of(f.p + i, f.n - i), &tm, text, sizeof(text), &put);
        rc = buf_add(out, text, put, e);
    }
    buf_release(&t.b);
    return rc;
}

static const struct text_fn {
    const char *name;
    size_t min, max;
    fn *run;
} text_fns[] = {
    {"upper", 1, 1, map_case},
    {"lower", 1, 1, map_case},
    {"title", 1, 1, map_case},
    {"nospace", 1, 1, map_case},
    {"trim", 1, 1, template_fn_trim},
    {"trimAll", 2, 2, template_fn_trim},
    {"trimPrefix", 2, 2, cut_affix},
    {"trimSuffix", 2, 2, cut_affix},
    {"replace", 3, 3, template_fn_replace},
    {"quote", 1, 1, template_fn_quote},
    {"squote", 1, 1, template_fn_quote},
    {"trunc", 2, 2, template_fn_cut},
    {"repeat", 2, 2, template_fn_cut},
    {"print", 0, TEMPLATE_ARGS, print_all},
    {"toString", 1, 1, print_all},
    {"printf", 1, TEMPLATE_ARGS, print_format},
    {"b64enc", 1, 1, template_fn_encode},
    {"toJson", 1, 1, template_fn_encode},
    {"toPrettyJson", 1, 1, template_fn_encode},
    {"indent", 2, 2, template_fn_indent},
    {"nindent", 2, 2, template_fn_indent},
    {"println", 0, TEMPLATE_ARGS, print_all},
    {"date", 2, 2, template_fn_date},
};

/* ---- values ---- */

static int
template_fn_compare(const struct json *a, const struct json *b)
{
    if (json_kind_of(a) == JSON_IS_STR && json_kind_of(b) == JSON_IS_STR)
        return strcmp(json_text(a), json_text(b));
    double x = json_double_or(a, 0), y = json_double_or(b, 0);

    return (x > y) - (x < y);
}

static bool
template_fn_contains(struct str what, struct str s)
{
    return what.n == 0 || memmem(s.p, s.n, what.p, what.n) != NULL;
}

static struct json *
ask_text(const char *name, const struct template_args *a)
{
    struct text x, t;
    struct str what = template_fn_arg(a, 0, &x), s = template_fn_arg(a, 1, &t);
    bool yes = name[0] == 'c'                   ? template_fn_contains(what, s)
               : strcmp(name, "hasPrefix") == 0 ? template_fn_begins(s, what)
                                                : template_fn_ends(s, what);

    buf_release(&x.b);
    buf_release(&t.b);
    return json_new_bool(yes);
}

/* and, or, coalesce: the first that decides, else the last. */
static struct json *
template_fn_choose(const char *name, const struct template_args *a)
{
    size_t i = 0;

    while (i + 1 < a->n && template_truth(a->v[i]) == (name[0] == 'a'))
        i++;
    return json_clone(a->v[i]);
}

static struct json *
eq_any(const struct template_args *a)
{
    for (size_t i = 1; i < a->n; i++)
        if (json_same(a->v[0], a->v[i]))
            return json_new_bool(true);
    return json_new_bool(false);
}

int64_t
template_int(const struct json *v)
{
    int64_t n = 0;

    switch (json_kind_of(v)) {
    case JSON_IS_STR:
        return str_to_i64(json_text_str(v), &n) ? n : 0;
    case JSON_IS_DOUBLE: /* beyond 2^63 there is nothing to be had */
        return fabs(json_double_or(v, 0)) < 0x1p63 ? (int64_t)json_double_or(v, 0) : 0;
    default:
        return json_int_or(v, 0);
    }
}

static struct json *
template_fn_sum(const struct template_args *a, bool minus)
{
    uint64_t v = (uint64_t)template_int(a->v[0]);

    for (size_t i = 1; i < a->n; i++)
        v = minus ? v - (uint64_t)template_int(a->v[i]) : v + (uint64_t)template_int(a->v[i]);
    return json_new_int((int64_t)v);
}

static const struct {
    const char *name;
    size_t min, max;
} value_fns[] = {
    {"and", 1, TEMPLATE_ARGS},
    {"or", 1, TEMPLATE_ARGS},
    {"coalesce", 1, TEMPLATE_ARGS},
    {"not", 1, 1},
    {"eq", 2, TEMPLATE_ARGS},
    {"ne", 2, 2},
    {"lt", 2, 2},
    {"le", 2, 2},
    {"gt", 2, 2},
    {"ge", 2, 2},
    {"len", 1, 1},
    {"default", 2, 2},
    {"empty", 1, 1},
    {"ternary", 3, 3},
    {"contains", 2, 2},
    {"hasPrefix", 2, 2},
    {"hasSuffix", 2, 2},
    {"int", 1, 1},
    {"add", 1, TEMPLATE_ARGS},
    {"sub", 2, 2},
    {"now", 0, 0},
    {"unixEpoch", 1, 1},
};

static struct json *
call_value(const char *name, const struct template_args *a)
{
    if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0 || strcmp(name, "coalesce") == 0)
        return template_fn_choose(name, a);
    if (strcmp(name, "not") == 0 || strcmp(name, "empty") == 0)
        return json_new_bool(!template_truth(a->v[0]));
    if (strcmp(name, "eq") == 0)
        return eq_any(a);
    if (strcmp(name, "ne") == 0)
        return json_new_bool(!json_same(a->v[0], a->v[1]));
    if (strcmp(name, "lt") == 0)
        return json_new_bool(template_fn_compare(a->v[0], a->v[1]) < 0);
    if (strcmp(name, "le") == 0)
        return json_new_bool(template_fn_compare(a->v[0], a->v[1]) <= 0);
    if (strcmp(name, "gt") == 0)
        return json_new_bool(template_fn_compare(a->v[0], a->v[1]) > 0);
    if (strcmp(name, "ge") == 0)
        return json_new_bool(template_fn_compare(a->v[0], a->v[1]) >= 0);
    if (strcmp(name, "len") == 0)
        return json_new_int((int64_t)(json_kind_of(a->v[0]) == JSON_IS_STR
                                          ? json_text_str(a->v[0]).n
                                          : json_size(a->v[0])));
    if (strcmp(name, "default") == 0)
        return json_clone(template_truth(a->v[1]) ? a->v[1] : a->v[0]);
    if (strcmp(name, "ternary") == 0)
        return json_clone(template_truth(a->v[2]) ? a->v[0] : a->v[1]);
    if (strcmp(name, "int") == 0 || strcmp(name, "unixEpoch") == 0)
        return json_new_int(template_int(a->v[0]));
    if (strcmp(name, "add") == 0 || strcmp(name, "sub") == 0)
        return template_fn_sum(a, name[0] == 's');
    if (strcmp(name, "now") == 0)
        return json_new_int(clock_real_ms() / 1000);
    return ask_text(name, a);
}

enum rc
template_check_count(const char *name, size_t n, size_t min, size_t max, struct err *e)
{
    return n >= min && n <= max
               ? RC_OK
               : err_set(e, RC_INVALID, "template: %s does not take %zu arguments", name, n);
}

enum rc
template_call(const char *name, const struct template_args *a, struct json **out, struct err *e)
{
    enum rc rc;

    for (size_t i = 0; i < ARRAY_LEN(value_fns); i++)
        if (strcmp(name, value_fns[i].name) == 0) {
            if (template_check_count(name, a->n, value_fns[i].min, value_fns[i].max, e))
                return err_code(e);
            *out = call_value(name, a);
            return RC_OK;
        }
    for (size_t i = 0; i < ARRAY_LEN(text_fns); i++)
        if (strcmp(name, text_fns[i].name) == 0) {
            CLEANUP(buf_release) struct buf text = BUF_INIT(TEMPLATE_MAX);

            if (template_check_count(name, a->n, text_fns[i].min, text_fns[i].max, e) ||
                text_fns[i].run(name, a, &text, e))
                return err_code(e);
            *out = json_new_str(buf_str(&text));
            return RC_OK;
        }
    rc = template_call_list(name, a, out, e);
    return rc != RC_NOT_FOUND
               ? rc
               : err_set(e, RC_INVALID, "template: function \"%s\" is not known", name);
}
