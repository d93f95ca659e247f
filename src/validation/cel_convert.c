/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/cel_convert.h"

#include <ctype.h>
#include <math.h>

#include "base/hex.h"
#include "base/mem.h"
#include "json/utf8.h"
#include "validation/cel_value.h"

static struct json *
convert_fails(struct err *e, const char *what)
{
    (void)err_set(e, RC_INVALID, "%s", what);
    return NULL;
}

static bool
convert_is_one_of(const char *s, const char *const words[static 5])
{
    for (size_t i = 0; i < 5; i++)
        if (strcmp(words[i], s) == 0)
            return true;
    return false;
}

static struct json *
to_bool(const struct json *v, struct err *e)
{
    static const char *const yes[] = {"1", "t", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "false", "FALSE", "False"};
    const char *s = json_text(v);

    if (cel_kind_of(v) == CEL_IS_BOOL)
        return json_ref(v);
    if (s != NULL && (convert_is_one_of(s, yes) || convert_is_one_of(s, no)))
        return json_new_bool(convert_is_one_of(s, yes));
    return convert_fails(e, s != NULL ? "the string is not a boolean" : "no such overload: bool");
}

static struct json *
to_bytes(const struct json *v, struct err *e)
{
    if (cel_kind_of(v) == CEL_IS_BYTES)
        return json_ref(v);
    return json_text(v) != NULL ? cel_new_bytes(json_text_str(v))
                                : convert_fails(e, "no such overload: bytes");
}

static struct json *
to_double(const struct json *v, struct err *e)
{
    const char *s = json_text(v);
    char *end;
    double d;

    if (cel_is_number(v))
        return cel_new_double(cel_double(v));
    if (s == NULL)
        return convert_fails(e, "no such overload: double");
    d = strtod(s, &end);
    if (end == s || *end != '\0' || isspace((unsigned char)s[0]) || strchr(s, '(') != NULL ||
        (isinf(d) && strpbrk(s, "iI") == NULL))
        return convert_fails(e, "the string is not a number");
    return cel_new_double(d);
}

static struct json *
to_int(const struct json *v, struct err *e)
{
    const char *s = json_text(v);
    double d = cel_double(v);
    int64_t n;

    if (s != NULL) {
        s += s[0] == '+' && s[1] != '-';
        return str_to_i64(str_c(s), &n) ? json_new_int(n)
                                        : convert_fails(e, "the string is not an integer");
    }
    switch (cel_kind_of(v)) {
    case CEL_IS_INT:
        return json_ref(v);
    case CEL_IS_UINT:
        return cel_uint(v) <= INT64_MAX ? json_new_int((int64_t)cel_uint(v))
                                        : convert_fails(e, "integer overflow");
    case CEL_IS_DOUBLE:
        return d > -0x1p63 && d < 0x1p63 ? json_new_int((int64_t)d)
                                         : convert_fails(e, "integer overflow");
    default:
        return convert_fails(e, "no such overload: int");
    }
}

static struct json *
to_uint(const struct json *v, struct err *e)
{
    const char *s = json_text(v);
    double d = cel_double(v);
    uint64_t n;

    if (s != NULL)
        return str_to_u64(str_c(s), &n) ? cel_new_uint(n)
                                        : convert_fails(e, "the string is not an unsigned integer");
    switch (cel_kind_of(v)) {
    case CEL_IS_UINT:
        return json_ref(v);
    case CEL_IS_INT:
        return json_int_or(v, 0) >= 0 ? cel_new_uint((uint64_t)json_int_or(v, 0))
                                      : convert_fails(e, "unsigned integer overflow");
    case CEL_IS_DOUBLE:
        return d >= 0 && d < 0x1p64 ? cel_new_uint((uint64_t)d)
                                    : convert_fails(e, "unsigned integer overflow");
    default:
        return convert_fails(e, "no such overload: uint");
    }
}

static struct json *
bytes_to_string(const char *hex, struct err *e)
{
    size_t n = strlen(hex) / 2, len;
    CLEANUP(mem_free_ptr) uint8_t *p = (uint8_t *)mem_zero(n + 1, 1);
    uint32_t rune;
    bool good = hex_decode(str_c(hex), p, n);

    for (size_t i = 0; good && i < n; i += len)
        good = utf8_next(str_of(p + i, n - i), &rune, &len) && rune != 0;
    return good ? json_new_str(str_of(p, n)) : convert_fails(e, "the bytes are not text");
}

static struct json *
to_string(const struct json *v, struct err *e)
{
    char number[STR_DOUBLE_MAX] = {0};

    switch (cel_kind_of(v)) {
    case CEL_IS_STRING:
        return json_ref(v);
    case CEL_IS_BOOL:
        return json_new_cstr(json_is_true(v) ? "true" : "false");
    case CEL_IS_INT:
        return json_new_str(str_of(number, str_put_i64(json_int_or(v, 0), (uint8_t *)number)));
    case CEL_IS_UINT:
        return json_new_str(str_of(number, str_put_u64(cel_uint(v), (uint8_t *)number)));
    case CEL_IS_DOUBLE:
        return json_new_cstr(str_put_double(cel_double(v), number));
    case CEL_IS_BYTES:
        return bytes_to_string(cel_bytes_hex(v), e);
    default:
        return convert_fails(e, "no such overload: string");
    }
}

static struct json *
to_itself(const struct json *v, struct err *e)
{
    (void)e;
    return json_ref(v);
}

struct json *
cel_convert(const char *to, const struct json *v, struct err *e)
{
    static const struct {
        const char *to;
        struct json *(*convert)(const struct json *v, struct err *e);
    } all[] = {
        {"bool", to_bool}, {"bytes", to_bytes},   {"double", to_double}, {"dyn", to_itself},
        {"int", to_int},   {"string", to_string}, {"uint", to_uint},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(all[i].to, to) == 0)
            return all[i].convert(v, e);
    BUG("unknown conversion %s", to);
}

static struct json *
calculate_int(char op, int64_t a, int64_t b, struct err *e)
{
    int64_t v = 0;
    bool bad = false;

    switch (op) {
    case '+':
        bad = __builtin_add_overflow(a, b, &v);
        break;
    case '-':
        bad = __builtin_sub_overflow(a, b, &v);
        break;
    case '*':
        bad = __builtin_mul_overflow(a, b, &v);
        break;
    default:
        if (b == 0)
            return convert_fails(e, op == '/' ? "division by zero" : "modulus by zero");
        if (a == INT64_MIN && b == -1)
            bad = true;
        else
            v = op == '/' ? a / b : a % b;
    }
    return bad ? convert_fails(e, "integer overflow") : json_new_int(v);
}

static struct json *
calculate_uint(char op, uint64_t a, uint64_t b, struct err *e)
{
    uint64_t v = 0;
    bool bad = false;

    switch (op) {
    case '+':
        bad = __builtin_add_overflow(a, b, &v);
        break;
    case '-':
        bad = __builtin_sub_overflow(a, b, &v);
        break;
    case '*':
        bad = __builtin_mul_overflow(a, b, &v);
        break;
    default:
        if (b == 0)
            return convert_fails(e, op == '/' ? "division by zero" : "modulus by zero");
        v = op == '/' ? a / b : a % b;
    }
    return bad ? convert_fails(e, "unsigned integer overflow") : cel_new_uint(v);
}

struct json *
cel_calculate(char op, const struct json *a, const struct json *b, struct err *e)
{
    enum cel_kind ka = cel_kind_of(a), kb = cel_kind_of(b);
    double x = cel_double(a), y = cel_double(b);

    if (ka == CEL_IS_INT && kb == CEL_IS_INT)
        return calculate_int(op, json_int_or(a, 0), json_int_or(b, 0), e);
    if (ka == CEL_IS_UINT && kb == CEL_IS_UINT)
        return calculate_uint(op, cel_uint(a), cel_uint(b), e);
    /* A field that its schema calls a number may hold 1, so doubles and ints meet. */
    if (!cel_is_number(a) || !cel_is_number(b) || ka == CEL_IS_UINT || kb == CEL_IS_UINT ||
        op == '%')
        return convert_fails(e, "no such overload: arithmetic");
    return cel_new_double(op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y);
}
