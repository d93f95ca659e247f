/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <math.h>

#include "base/compiler.h"
#include "json/yaml_internal.h"

enum { NUMBER_MAX = 100 };

static bool
is_one_of(struct str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(s, str_c(words[i])))
            return true;
    return false;
}

static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
static const char *const trues[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                    "on",   "On",   "ON",   "y",   "Y"};
static const char *const falses[] = {"false", "False", "FALSE", "no", "No", "NO",
                                     "off",   "Off",   "OFF",   "n",  "N"};

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool
is_float(const char *s)
{
    size_t whole, part = 0;

    s += *s == '-' || *s == '+';
    whole = strspn(s, "0123456789");
    s += whole;
    if (*s == '.') {
        part = strspn(++s, "0123456789");
        s += part;
    }
    if (whole + part == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        if (!isdigit((unsigned char)*s))
            return false;
        s += strspn(s, "0123456789");
    }
    return *s == '\0';
}

/* Digits with an optional sign; 0x, 0b, 0o and a leading 0 choose the base. */
static bool
is_int(const char *s, int64_t *out)
{
    bool minus = *s == '-';
    int base = 10;
    char *end;
    unsigned long long v;

    s += *s == '-' || *s == '+';
    if (*s == '0' && s[1] != '\0') {
        int c = s[1] | 0x20; /* in lower case */
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        s += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
    }
    if (!isxdigit((unsigned char)*s))
        return false;
    errno = 0;
    v = strtoull(s, &end, base);
    if (*end != '\0' || errno != 0 || v > (unsigned long long)INT64_MAX + (minus ? 1 : 0))
        return false;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

struct json *
yaml_plain_value(struct str text)
{
    char s[NUMBER_MAX + 1];
    size_t n = 0;
    int64_t i;
    double d;

    if (is_one_of(text, nulls, ARRAY_LEN(nulls)))
        return json_new_null();
    if (is_one_of(text, trues, ARRAY_LEN(trues)))
        return json_new_bool(true);
    if (is_one_of(text, falses, ARRAY_LEN(falses)))
        return json_new_bool(false);
    if (text.n > NUMBER_MAX || strchr("0123456789+-.", text.p[0]) == NULL || text.p[0] == '\0')
        return NULL;
    for (size_t k = 0; k < text.n; k++)
        if (text.p[k] != '_')
            s[n++] = (char)text.p[k];
    s[n] = '\0';
    if (strlen(s) != n)
        return NULL;
    if (is_int(s, &i))
        return json_new_int(i);
    if (!is_float(s))
        return NULL;
    d = strtod(s, NULL);
    return isfinite(d) ? json_new_double(d) : NULL;
}
