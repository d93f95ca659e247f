/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/cel_literal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

#include "base/mem.h"
#include "json/utf8.h"
#include "validation/cel.h"
#include "validation/cel_value.h"

struct quoted {
    const char *at;
    bool raw, bytes, three;
    char quote;
    struct buf text;
};

static bool
literal_is_quote(char c)
{
    return c == '"' || c == '\'';
}

/* Behind the prefix of a string; NULL: there is no string. */
static const char *
literal_quote(const char *at, bool *raw, bool *bytes)
{
    *bytes = *at == 'b' || *at == 'B';
    at += *bytes;
    *raw = *at == 'r' || *at == 'R';
    at += *raw;
    return literal_is_quote(*at) ? at : NULL;
}

bool
cel_is_number_literal(const char *at)
{
    return isdigit((unsigned char)at[at[0] == '.']) != 0;
}

bool
cel_is_literal(const char *at)
{
    bool raw, bytes;

    return cel_is_number_literal(at) || literal_quote(at, &raw, &bytes) != NULL;
}

/* `n` digits of a base; false: fewer. */
static bool
literal_code(const char *at, size_t n, uint32_t base, uint32_t *code)
{
    *code = 0;
    for (size_t i = 0; i < n; i++) {
        char c = at[i];
        if (!isxdigit((unsigned char)c) || (base == 8 && (c < '0' || c > '7')))
            return false;
        *code =
            *code * base + (uint32_t)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
}

/* What follows a backslash. */
static bool
literal_escape(struct quoted *q)
{
    static const char names[] = "abfnrtv\\?\"'`", plain[] = "\a\b\f\n\r\t\v\\?\"'`";
    const char c = *q->at, *known = c != '\0' ? strchr(names, c) : NULL;
    bool octal = c >= '0' && c <= '3', hex = c == 'x' || c == 'X';
    size_t digits = octal ? 3 : hex ? 2 : q->bytes ? 0 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint8_t u[4];
    uint32_t code;

    if (known != NULL) {
        buf_must_add(&q->text, &plain[known - names], 1);
        q->at++;
        return true;
    }
    if (digits == 0 || !literal_code(q->at + !octal, digits, octal ? 8 : 16, &code))
        return false;
    if (!q->bytes && (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)))
        return false;
    u[0] = (uint8_t)code;
    buf_must_add(&q->text, u, q->bytes ? 1 : utf8_put(code, u));
    q->at += digits + !octal;
    return true;
}

static const char *
literal_text(struct quoted *q)
{
    for (;;) {
        if (*q->at == '\0' || ((*q->at == '\n' || *q->at == '\r') && !q->three))
            return "the string does not end";
        if (*q->at == q->quote && (!q->three || (q->at[1] == q->quote && q->at[2] == q->quote)))
            break;
        if (*q->at != '\\' || q->raw) {
            buf_must_add(&q->text, q->at++, 1);
            continue;
        }
        q->at++;
        if (!literal_escape(q))
            return "unknown escape";
    }
    q->at += q->three ? 3 : 1;
    return NULL;
}

static struct json *
literal_string(const char **at, const char **why)
{
    struct quoted q = {.text = BUF_INIT(4 * CEL_TEXT_MAX)};
    struct json *v = NULL;

    q.at = literal_quote(*at, &q.raw, &q.bytes);
    BUG_ON(q.at == NULL); /* cel_is_literal was asked */
    q.quote = *q.at++;
    q.three = q.at[0] == q.quote && q.at[1] == q.quote;
    q.at += q.three ? 2 : 0;
    *why = literal_text(&q);
    if (*why == NULL)
        v = q.bytes ? cel_new_bytes(buf_str(&q.text)) : json_new_str(buf_str(&q.text));
    *at = q.at;
    buf_release(&q.text);
    return v;
}

static size_t
literal_digits(const char *at)
{
    size_t n = 0;

    while (isdigit((unsigned char)at[n]))
        n++;
    return n;
}

/* How long a floating literal is; 0: it is none. */
static size_t
literal_float(const char *at)
{
    size_t n = literal_digits(at), sign;
    bool is = at[n] == '.' && isdigit((unsigned char)at[n + 1]);

    if (is)
        n += 1 + literal_digits(at + n + 1);
    if (at[n] != 'e' && at[n] != 'E')
        return is ? n : 0;
    sign = at[n + 1] == '-' || at[n + 1] == '+';
    if (!isdigit((unsigned char)at[n + 1 + sign]))
        return is ? n : 0;
    return n + 1 + sign + literal_digits(at + n + 1 + sign);
}

static struct json *
literal_integer(const char **at, bool negative, const char **why)
{
    bool hex = (*at)[0] == '0' && ((*at)[1] | 0x20) == 'x' && isxdigit((unsigned char)(*at)[2]);
    char *end;
    unsigned long long u;

    errno = 0;
    u = strtoull(*at, &end, hex ? 16 : 10);
    *why = "the number is out of range";
    if (errno != 0)
        return NULL;
    if (*end == 'u' || *end == 'U') {
        *why = "an unsigned number has no minus";
        if (negative)
            return NULL;
        *at = end + 1;
        return cel_new_uint(u);
    }
    if (u > (uint64_t)INT64_MAX + negative)
        return NULL;
    *at = end;
    return json_new_int(negative ? (int64_t)(0 - (uint64_t)u) : (int64_t)u);
}

struct json *
cel_literal(const char **at, bool negative, const char **why)
{
    size_t n = literal_float(*at);
    double d;

    if (!isdigit((unsigned char)**at) && **at != '.')
        return literal_string(at, why);
    if (n == 0)
        return literal_integer(at, negative, why);
    d = strtod(*at, NULL);
    *why = "the number is out of range";
    if (!isfinite(d))
        return NULL;
    *at += n;
    return json_new_double(negative ? -d : d);
}
