/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/cel_value.h"

#include <inttypes.h>
#include <math.h>

#include "base/hex.h"
#include "base/mem.h"

static const char as_uint[] = "\x01uint",
                  as_double[] = "\x01"
                                "double",
                  as_bytes[] = "\x01"
                               "bytes";
static const char key_mark = '\x01';
static const double two63 = 9223372036854775808.0, two64 = 18446744073709551616.0;

/* The text of a value that JSON has no kind for. */
static const char *
value_text(const struct json *v, const char *as)
{
    return json_size(v) == 1 ? json_text(json_field(v, as)) : NULL;
}

static struct json *
value_new(const char *as, const char *text)
{
    struct json *v = json_new_object();

    json_set_cstr(v, as, text);
    return v;
}

enum cel_kind
cel_kind_of(const struct json *v)
{
    switch (json_kind_of(v)) {
    case JSON_IS_BOOL:
        return CEL_IS_BOOL;
    case JSON_IS_INT:
        return CEL_IS_INT;
    case JSON_IS_DOUBLE:
        return CEL_IS_DOUBLE;
    case JSON_IS_STR:
        return CEL_IS_STRING;
    case JSON_IS_ARRAY:
        return CEL_IS_LIST;
    case JSON_IS_OBJECT:
        return value_text(v, as_uint) != NULL     ? CEL_IS_UINT
               : value_text(v, as_double) != NULL ? CEL_IS_DOUBLE
               : value_text(v, as_bytes) != NULL  ? CEL_IS_BYTES
                                                  : CEL_IS_MAP;
    default:
        return CEL_IS_NULL;
    }
}

bool
cel_is_number(const struct json *v)
{
    enum cel_kind k = cel_kind_of(v);

    return k == CEL_IS_INT || k == CEL_IS_UINT || k == CEL_IS_DOUBLE;
}

struct json *
cel_new_uint(uint64_t v)
{
    char text[STR_INT_MAX] = {0};

    (void)str_put_u64(v, (uint8_t *)text);
    return value_new(as_uint, text);
}

struct json *
cel_new_double(double v)
{
    return isfinite(v) ? json_new_double(v)
                       : value_new(as_double, isnan(v) ? "NaN"
                                              : v > 0  ? "+Inf"
                                                       : "-Inf");
}

struct json *
cel_new_bytes(struct str s)
{
    CLEANUP(mem_free_ptr) char *hex = (char *)mem_zero(2 * s.n + 1, 1);

    hex_encode(s.p, s.n, hex);
    return value_new(as_bytes, hex);
}

struct json *
cel_new_bytes_hex(const char *hex)
{
    return value_new(as_bytes, hex);
}

uint64_t
cel_uint(const struct json *v)
{
    const char *text = value_text(v, as_uint);
    uint64_t u = 0;

    return text != NULL && str_to_u64(str_c(text), &u) ? u : 0;
}

double
cel_double(const struct json *v)
{
    const char *text = value_text(v, as_double);

    if (text != NULL)
        return text[0] == '+' ? (double)INFINITY : text[0] == '-' ? -(double)INFINITY : (double)NAN;
    return cel_kind_of(v) == CEL_IS_UINT ? (double)cel_uint(v) : json_double_or(v, 0);
}

const char *
cel_bytes_hex(const struct json *v)
{
    return value_text(v, as_bytes);
}

static int
value_sign(double x, double y)
{
    return x < y ? -1 : x > y;
}

/* An int or uint beside a double: what is beyond 64 bits is so for certain. */
static int
value_order_double(const struct json *whole, double d)
{
    bool u = cel_kind_of(whole) == CEL_IS_UINT;

    if (d >= (u ? two64 : two63))
        return -1;
    if (d < (u ? 0 : -two63))
        return 1;
    return value_sign(cel_double(whole), d);
}

static bool
value_order(const struct json *a, const struct json *b, int *order)
{
    enum cel_kind ka = cel_kind_of(a), kb = cel_kind_of(b);

    if ((ka == CEL_IS_DOUBLE && isnan(cel_double(a))) ||
        (kb == CEL_IS_DOUBLE && isnan(cel_double(b))))
        return false;
    if (ka == CEL_IS_DOUBLE && kb == CEL_IS_DOUBLE) {
        *order = value_sign(cel_double(a), cel_double(b));
    } else if (kb == CEL_IS_DOUBLE) {
        *order = value_order_double(a, cel_double(b));
    } else if (ka == CEL_IS_DOUBLE) {
        *order = -value_order_double(b, cel_double(a));
    } else if (ka == CEL_IS_INT && kb == CEL_IS_INT) {
        int64_t x = json_int_or(a, 0), y = json_int_or(b, 0);
        *order = x < y ? -1 : x > y;
    } else if (ka == CEL_IS_INT && json_int_or(a, 0) < 0) {
        *order = -1;
    } else if (kb == CEL_IS_INT && json_int_or(b, 0) < 0) {
        *order = 1;
    } else {
        uint64_t x = ka == CEL_IS_INT ? (uint64_t)json_int_or(a, 0) : cel_uint(a);
        uint64_t y = kb == CEL_IS_INT ? (uint64_t)json_int_or(b, 0) : cel_uint(b);
        *order = x < y ? -1 : x > y;
    }
    return true;
}

bool
cel_compare(const struct json *a, const struct json *b, int *order)
{
    enum cel_kind k = cel_kind_of(a);

    if (cel_is_number(a) && cel_is_number(b))
        return value_order(a, b, order);
    if (k != cel_kind_of(b))
        return false;
    if (k == CEL_IS_STRING)
        *order = strcmp(json_text(a), json_text(b));
    else if (k == CEL_IS_BYTES)
        *order = strcmp(cel_bytes_hex(a), cel_bytes_hex(b));
    else if (k == CEL_IS_BOOL)
        *order = (int)json_is_true(a) - (int)json_is_true(b);
    else
        return false;
    return true;
}

bool
cel_equal(const struct json *a, const struct json *b, int64_t *cost)
{
    enum cel_kind k = cel_kind_of(a);
    bool same;
    int order;

    ++*cost;
    if (cel_is_number(a) && cel_is_number(b))
        return value_order(a, b, &order) && order == 0;
    if (k != cel_kind_of(b))
        return false;
    if (k != CEL_IS_LIST && k != CEL_IS_MAP)
        return json_same(a, b);
    same = json_size(a) == json_size(b);
    for (size_t i = 0; k == CEL_IS_LIST && same && i < json_size(a); i++)
        same = cel_equal(json_elem(a, i), json_elem(b, i), cost);
    if (k == CEL_IS_MAP)
        for (struct json_item it = json_first(a); same && it.key != NULL; it = json_next(a, it)) {
            const struct json *other = json_field(b, it.key);
            same = other != NULL && cel_equal(it.value, other, cost);
        }
    return same;
}

char *
cel_key_name(const struct json *key)
{
    double d;

    switch (cel_kind_of(key)) {
    case CEL_IS_STRING:
        return mem_strdup(json_text(key));
    case CEL_IS_BOOL:
        return mem_printf("%c%s", key_mark, json_is_true(key) ? "true" : "false");
    case CEL_IS_INT:
        return mem_printf("%c%" PRId64, key_mark, json_int_or(key, 0));
    case CEL_IS_UINT:
        return mem_printf("%c%" PRIu64, key_mark, cel_uint(key));
    case CEL_IS_DOUBLE:
        d = cel_double(key);
        if (d != trunc(d) || d < -two63 || d >= two64)
            return NULL;
        return d < 0 ? mem_printf("%c%" PRId64, key_mark, (int64_t)d)
                     : mem_printf("%c%" PRIu64, key_mark, (uint64_t)d);
    default:
        return NULL;
    }
}

struct json *
cel_key_of(const char *name)
{
    int64_t i;
    uint64_t u;

    if (name[0] != key_mark)
        return json_new_cstr(name);
    if (str_to_i64(str_c(name + 1), &i))
        return json_new_int(i);
    if (str_to_u64(str_c(name + 1), &u))
        return cel_new_uint(u);
    return json_new_bool(name[1] == 't');
}
