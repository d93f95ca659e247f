/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/cel_call.h"

#include <ctype.h>
#include <math.h>

#include "base/mem.h"
#include "json/utf8.h"
#include "validation/cel.h"
#include "validation/cel_convert.h"
#include "validation/cel_value.h"
#include "validation/pattern.h"

struct call {
    const struct json *const *a;
    size_t n;
    int64_t *cost;
    struct err *e;
};

static struct json *
call_fails(struct call *c, const char *what)
{
    (void)err_set(c->e, RC_INVALID, "%s", what);
    return NULL;
}

static struct json *
call_no_overload(struct call *c)
{
    return call_fails(c, "no such overload: arguments of these kinds");
}

/* The text of argument `i`; false: it is not a string, and the call has failed. */
static bool
call_text(struct call *c, size_t i, struct str *s)
{
    if (i < c->n && json_text(c->a[i]) != NULL) {
        *s = json_text_str(c->a[i]);
        *c->cost += (int64_t)s->n / 16;
        return true;
    }
    (void)call_no_overload(c);
    return false;
}

/* Argument `i`, or `otherwise` when it is not given; false as above. */
static bool
call_int(struct call *c, size_t i, int64_t otherwise, int64_t *v)
{
    *v = i < c->n ? json_int_or(c->a[i], 0) : otherwise;
    if (i >= c->n || cel_kind_of(c->a[i]) == CEL_IS_INT)
        return true;
    (void)call_no_overload(c);
    return false;
}

static struct json *
call_new_text(const void *p, size_t n)
{
    return json_new_str(str_of(p, n));
}

/* Where code point `at` begins; s.n for the one behind the last. */
static size_t
call_offset(struct str s, int64_t at)
{
    size_t i = 0;

    while (i < s.n && (at > 0 || (s.p[i] & 0xC0) == 0x80))
        at -= (s.p[i++] & 0xC0) != 0x80 && at > 0;
    return i;
}

static struct json *
call_size(struct call *c)
{
    const struct json *v = c->a[0];
    struct str s;

    switch (cel_kind_of(v)) {
    case CEL_IS_STRING:
        return call_text(c, 0, &s) ? json_new_int((int64_t)str_chars(s)) : NULL;
    case CEL_IS_BYTES:
        return json_new_int((int64_t)strlen(cel_bytes_hex(v)) / 2);
    case CEL_IS_LIST:
    case CEL_IS_MAP:
        return json_new_int((int64_t)json_size(v));
    default:
        return call_no_overload(c);
    }
}

/* --- tests of strings --- */

static bool
call_find_text(struct str s, struct str what, size_t from, size_t *at)
{
    for (; from + what.n <= s.n; from++)
        if (what.n == 0 || memcmp(s.p + from, what.p, what.n) == 0) {
            *at = from;
            return true;
        }
    return false;
}

static struct json *
call_starts_with(struct call *c)
{
    struct str s, t;

    if (!call_text(c, 0, &s) || !call_text(c, 1, &t))
        return NULL;
    return json_new_bool(t.n <= s.n && str_eq(str_of(s.p, t.n), t));
}

static struct json *
call_ends_with(struct call *c)
{
    struct str s, t;

    if (!call_text(c, 0, &s) || !call_text(c, 1, &t))
        return NULL;
    return json_new_bool(t.n <= s.n && str_eq(str_of(s.p + s.n - t.n, t.n), t));
}

static struct json *
call_contains(struct call *c)
{
    struct str s, t;

    if (!call_text(c, 0, &s) || !call_text(c, 1, &t))
        return NULL;
    return json_new_bool(strstr((const char *)s.p, (const char *)t.p) != NULL);
}

static struct json *
call_matches(struct call *c)
{
    struct str s, t;
    enum pattern_result r;

    if (!call_text(c, 0, &s) || !call_text(c, 1, &t))
        return NULL;
    *c->cost += 50;
    r = pattern_match((const char *)t.p, (const char *)s.p);
    if (r == PATTERN_BAD)
        return call_fails(c, "bad regular expression");
    if (r == PATTERN_LIMIT)
        return call_fails(c, "the regular expression takes too long");
    return json_new_bool(r == PATTERN_MATCHES);
}

/* --- parts of strings --- */

static struct json *
call_change_case(struct call *c, int (*to)(int))
{
    CLEANUP(mem_free_ptr) char *copy = NULL;
    struct str s;

    if (!call_text(c, 0, &s))
        return NULL;
    copy = mem_strndup((const char *)s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x80)
            copy[i] = (char)to(s.p[i]);
    return call_new_text(copy, s.n);
}

static struct json *
call_lower(struct call *c)
{
    return call_change_case(c, tolower);
}

static struct json *
call_upper(struct call *c)
{
    return call_change_case(c, toupper);
}

/* Unicode's White_Space. */
static bool
call_is_space(uint32_t r)
{
    return (r >= 0x09 && r <= 0x0D) || r == 0x20 || r == 0x85 || r == 0xA0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200A) || r == 0x2028 || r == 0x2029 || r == 0x202F ||
           r == 0x205F || r == 0x3000;
}

static struct json *
call_trim(struct call *c)
{
    size_t from = 0, to = 0, len;
    bool begun = false;
    uint32_t rune;
    struct str s;

    if (!call_text(c, 0, &s))
        return NULL;
    for (size_t i = 0; i < s.n; i += len) {
        bool space = utf8_next(str_of(s.p + i, s.n - i), &rune, &len) && call_is_space(rune);
        if (space)
            continue;
        from = begun ? from : i;
        begun = true;
        to = i + len;
    }
    return call_new_text(s.p + from, to - from);
}

static struct json *
call_char_at(struct call *c)
{
    struct str s;
    int64_t at;
    size_t from;

    if (!call_text(c, 0, &s) || !call_int(c, 1, 0, &at))
        return NULL;
    if (at < 0 || at > (int64_t)str_chars(s))
        return call_fails(c, "index out of range");
    from = call_offset(s, at);
    return call_new_text(s.p + from, call_offset(s, at + 1) - from);
}

static struct json *
call_substring(struct call *c)
{
    struct str s;
    int64_t from, to, n;
    size_t at;

    if (!call_text(c, 0, &s))
        return NULL;
    n = (int64_t)str_chars(s);
    if (!call_int(c, 1, 0, &from) || !call_int(c, 2, n, &to))
        return NULL;
    if (from < 0 || to > n || from > to)
        return call_fails(c, "index out of range");
    at = call_offset(s, from);
    return call_new_text(s.p + at, call_offset(s, to) - at);
}

static struct json *
call_list_index(struct call *c, bool last)
{
    int64_t at = -1;

    for (size_t i = 0; i < json_size(c->a[0]) && (last || at < 0); i++)
        if (cel_equal(json_elem(c->a[0], i), c->a[1], c->cost))
            at = (int64_t)i;
    return json_new_int(at);
}

static struct json *
call_index_of(struct call *c)
{
    struct str s, t;
    int64_t from;
    size_t at;

    if (cel_kind_of(c->a[0]) == CEL_IS_LIST && c->n == 2)
        return call_list_index(c, false);
    if (!call_text(c, 0, &s) || !call_text(c, 1, &t) || !call_int(c, 2, 0, &from))
        return NULL;
    if (from < 0 || from > (int64_t)str_chars(s))
        return call_fails(c, "index out of range");
    return json_new_int(
        call_find_text(s, t, call_offset(s, from), &at) ? (int64_t)str_chars(str_of(s.p, at)) : -1);
}

static struct json *
call_last_index_of(struct call *c)
{
    struct str s, t;
    int64_t to, n;
    size_t at, end;

    if (cel_kind_of(c->a[0]) == CEL_IS_LIST && c->n == 2)
        return call_list_index(c, true);
    if (!call_text(c, 0, &s) || !call_text(c, 1, &t))
        return NULL;
    n = (int64_t)str_chars(s);
    if (!call_int(c, 2, n, &to))
        return NULL;
    if (to < 0 || to > n)
        return call_fails(c, "index out of range");
    end = call_offset(s, to);
    for (at = MIN(end, s.n - MIN(t.n, s.n)) + 1; at-- > 0;)
        if (at + t.n <= s.n && (t.n == 0 || memcmp(s.p + at, t.p, t.n) == 0))
            return json_new_int((int64_t)str_chars(str_of(s.p, at)));
    return json_new_int(-1);
}

static bool
call_add(struct call *c, struct buf *to, struct str s)
{
    *c->cost += (int64_t)s.n / 16 + 1;
    if (*c->cost <= CEL_COST_MAX)
        return buf_add_str(to, s, c->e) == RC_OK;
    (void)err_set(c->e, RC_LIMIT, "the rule is too expensive");
    return false;
}

/* Behind the separator at or after `from`; an empty one is found behind each code point. */
static bool
call_next_part(struct str s, struct str separator, size_t from, size_t *end, size_t *next)
{
    if (separator.n == 0) {
        *end = *next = from + call_offset(str_of(s.p + from, s.n - from), 1);
        return *end < s.n;
    }
    if (!call_find_text(s, separator, from, end))
        return false;
    *next = *end + separator.n;
    return true;
}

static struct json *
call_replace(struct call *c)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(16 * (size_t)CEL_COST_MAX);
    struct str s, old, new;
    int64_t limit;
    size_t at = 0, end;

    if (!call_text(c, 0, &s) || !call_text(c, 1, &old) || !call_text(c, 2, &new) ||
        !call_int(c, 3, -1, &limit))
        return NULL;
    if (old.n == 0 && limit != 0 && limit-- != 0 && !call_add(c, &out, new))
        return NULL;
    while (limit != 0 && at < s.n) {
        size_t next;
        if (old.n == 0)
            end = next = at + call_offset(str_of(s.p + at, s.n - at), 1);
        else if (!call_find_text(s, old, at, &end))
            break;
        else
            next = end + old.n;
        if (!call_add(c, &out, str_of(s.p + at, end - at)) || !call_add(c, &out, new))
            return NULL;
        at = next;
        limit -= limit > 0;
    }
    if (!call_add(c, &out, str_of(s.p + at, s.n - at)))
        return NULL;
    return json_new_str(buf_str(&out));
}

static struct json *
call_split(struct call *c)
{
    struct json *list;
    struct str s, separator;
    int64_t limit;
    size_t at = 0, end, next;

    if (!call_text(c, 0, &s) || !call_text(c, 1, &separator) || !call_int(c, 2, -1, &limit))
        return NULL;
    list = json_new_array();
    if (limit == 0 || (s.n == 0 && separator.n == 0))
        return list;
    while ((limit < 0 || --limit > 0) && call_next_part(s, separator, at, &end, &next)) {
        ++*c->cost;
        json_push(list, call_new_text(s.p + at, end - at));
        at = next;
    }
    json_push(list, call_new_text(s.p + at, s.n - at));
    return list;
}

/* --- lists --- */

static struct json *
call_join(struct call *c)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(16 * (size_t)CEL_COST_MAX);
    struct str separator = STR_LIT("");

    if (cel_kind_of(c->a[0]) != CEL_IS_LIST)
        return call_no_overload(c);
    if (c->n > 1 && !call_text(c, 1, &separator))
        return NULL;
    for (size_t i = 0; i < json_size(c->a[0]); i++) {
        const struct json *item = json_elem(c->a[0], i);
        if (json_text(item) == NULL)
            return call_no_overload(c);
        if ((i > 0 && !call_add(c, &out, separator)) || !call_add(c, &out, json_text_str(item)))
            return NULL;
    }
    return json_new_str(buf_str(&out));
}

static struct json *
call_is_sorted(struct call *c)
{
    int order = 0;

    if (cel_kind_of(c->a[0]) != CEL_IS_LIST)
        return call_no_overload(c);
    *c->cost += (int64_t)json_size(c->a[0]);
    for (size_t i = 1; i < json_size(c->a[0]) && order <= 0; i++)
        if (!cel_compare(json_elem(c->a[0], i - 1), json_elem(c->a[0], i), &order))
            return call_no_overload(c);
    return json_new_bool(order <= 0);
}

static struct json *
call_extreme(struct call *c, int sign)
{
    const struct json *best = json_elem(c->a[0], 0);
    int order;

    if (cel_kind_of(c->a[0]) != CEL_IS_LIST)
        return call_no_overload(c);
    if (best == NULL)
        return call_fails(c, "the list is empty");
    *c->cost += (int64_t)json_size(c->a[0]);
    for (size_t i = 1; i < json_size(c->a[0]); i++) {
        if (!cel_compare(json_elem(c->a[0], i), best, &order))
            return call_no_overload(c);
        if (order * sign > 0)
            best = json_elem(c->a[0], i);
    }
    return json_ref(best);
}

static struct json *
call_min(struct call *c)
{
    return call_extreme(c, -1);
}

static struct json *
call_max(struct call *c)
{
    return call_extreme(c, 1);
}

static struct json *
call_sum(struct call *c)
{
    struct json *sum = json_new_int(0);

    if (cel_kind_of(c->a[0]) != CEL_IS_LIST) {
        json_free(sum);
        return call_no_overload(c);
    }
    *c->cost += (int64_t)json_size(c->a[0]);
    for (size_t i = 0; i < json_size(c->a[0]) && sum != NULL; i++) {
        const struct json *item = json_elem(c->a[0], i);
        struct json *more =
            i == 0 && cel_is_number(item) ? json_ref(item) : cel_calculate('+', sum, item, c->e);
        json_free(sum);
        sum = more;
    }
    return sum;
}

/* --- the table --- */

static const struct {
    const char *name;
    bool method;
    size_t least, most;                   /* arguments, what it is called on among them */
    struct json *(*call)(struct call *c); /* NULL: a conversion */
} calls[] = {
    {"bool", false, 1, 1, NULL},
    {"bytes", false, 1, 1, NULL},
    {"double", false, 1, 1, NULL},
    {"dyn", false, 1, 1, NULL},
    {"int", false, 1, 1, NULL},
    {"matches", false, 2, 2, call_matches},
    {"size", false, 1, 1, call_size},
    {"string", false, 1, 1, NULL},
    {"uint", false, 1, 1, NULL},
    {"charAt", true, 2, 2, call_char_at},
    {"contains", true, 2, 2, call_contains},
    {"endsWith", true, 2, 2, call_ends_with},
    {"indexOf", true, 2, 3, call_index_of},
    {"isSorted", true, 1, 1, call_is_sorted},
    {"join", true, 1, 2, call_join},
    {"lastIndexOf", true, 2, 3, call_last_index_of},
    {"lowerAscii", true, 1, 1, call_lower},
    {"matches", true, 2, 2, call_matches},
    {"max", true, 1, 1, call_max},
    {"min", true, 1, 1, call_min},
    {"replace", true, 3, 4, call_replace},
    {"size", true, 1, 1, call_size},
    {"split", true, 2, 3, call_split},
    {"startsWith", true, 2, 2, call_starts_with},
    {"substring", true, 2, 3, call_substring},
    {"sum", true, 1, 1, call_sum},
    {"trim", true, 1, 1, call_trim},
    {"upperAscii", true, 1, 1, call_upper},
};

static size_t
call_find(const char *name, bool method)
{
    size_t i = 0;

    while (i < ARRAY_LEN(calls) && (calls[i].method != method || strcmp(calls[i].name, name) != 0))
        i++;
    return i;
}

bool
cel_call_known(const char *name, bool method)
{
    return call_find(name, method) < ARRAY_LEN(calls);
}

bool
cel_call_takes(const char *name, bool method, size_t n)
{
    size_t i = call_find(name, method);

    return i < ARRAY_LEN(calls) && n >= calls[i].least && n <= calls[i].most;
}

struct json *
cel_call(const char *name, bool method, const struct json *const *args, size_t n, int64_t *cost,
         struct err *e)
{
    struct call c = {args, n, cost, e};
    size_t i = call_find(name, method);

    if (i == ARRAY_LEN(calls))
        BUG("unknown function %s", name);
    return calls[i].call != NULL ? calls[i].call(&c) : cel_convert(name, args[0], e);
}
