/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATTERN_MAX = 8192,     /* bytes */
    REPEAT_MAX = 1000,      /* as RE2 */
    NESTING_MAX = 200,      /* parentheses */
    STEPS_MAX = 2000000,    /* of a match: a fraction of a second */
    MEMORY_KIB = 16 * 1024, /* of a match */
    DEPTH_MAX = 100000
};

/* A class in brackets, from behind its '[' on. Returns what follows its ']', NULL: it has no end. */
static const char *
class_end(const char *p)
{
    p += *p == '^';
    p += *p == ']';
    for (; *p != '\0' && *p != ']'; p++) {
        const char *end;

        if (*p == '[' && p[1] == ':' && (end = strstr(p + 2, ":]")) != NULL)
            p = end + 1;
        else if (*p == '\\' && p[1] != '\0')
            p++;
    }
    return *p == ']' ? p + 1 : NULL;
}

/* What stands behind '(': a group that RE2 has? */
static bool
is_group(const char *p)
{
    if (*p == '*') /* a verb */
        return false;
    if (*p != '?')
        return true;
    p++;
    if (*p == ':')
        return true;
    if (p[0] == 'P' && p[1] == '<')
        return true;
    if (p[0] == '<')
        return p[1] != '=' && p[1] != '!';
    p += strspn(p, "imsU-");
    return *p == ')' || *p == ':';
}

/* "{n}", "{n,}" or "{n,m}" at `p`: is it a repetition that RE2 refuses? */
static bool
is_too_many(const char *p)
{
    char *end;
    unsigned long least, most;

    if (!isdigit((unsigned char)p[1]))
        return false;
    least = most = strtoul(p + 1, &end, 10);
    if (*end == ',' && isdigit((unsigned char)end[1]))
        most = strtoul(end + 1, &end, 10);
    else if (*end == ',')
        end++;
    return *end == '}' && (least > REPEAT_MAX || most > REPEAT_MAX);
}

/* May PCRE2 see it: does it mean there what it means in RE2? */
static bool
is_known(const char *p)
{
    static const char *const escapes = "AaBbdDfnpPQrsStvwWxz";

    while (*p != '\0') {
        char c = *p++;

        if (c == '[') {
            p = class_end(p);
            if (p == NULL)
                return false;
        } else if (c == '\\' && *p == 'Q') {
            const char *end = strstr(p, "\\E");
            p = end != NULL ? end + 2 : p + strlen(p);
        } else if (c == '\\') {
            if (*p == '\0' || (isalpha((unsigned char)*p) && strchr(escapes, *p) == NULL) ||
                (*p >= '1' && *p <= '9'))
                return false;
            p++;
        } else if ((c == '(' && !is_group(p)) || (strchr("*+?}", c) != NULL && *p == '+') ||
                   (c == '{' && is_too_many(p - 1))) {
            return false;
        }
    }
    return true;
}

static pcre2_code *
pattern_compile(const char *pattern)
{
    pcre2_compile_context *how = pcre2_compile_context_create(NULL);
    pcre2_code *code;
    PCRE2_SIZE at;
    int error;

    if (how == NULL)
        return NULL;
    (void)pcre2_set_parens_nest_limit(how, NESTING_MAX);
    (void)pcre2_set_max_pattern_length(how, PATTERN_MAX);
    code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                         PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C |
                             PCRE2_NO_AUTO_CAPTURE,
                         &error, &at, how);
    pcre2_compile_context_free(how);
    return code;
}

enum pattern_result
pattern_match(const char *pattern, const char *text)
{
    enum pattern_result result = PATTERN_LIMIT;
    pcre2_match_context *limits = NULL;
    pcre2_match_data *found = NULL;
    pcre2_code *code;

    if (strlen(pattern) > PATTERN_MAX || !is_known(pattern) ||
        (code = pattern_compile(pattern)) == NULL)
        return PATTERN_BAD;
    limits = pcre2_match_context_create(NULL);
    found = pcre2_match_data_create(1, NULL);
    if (limits != NULL && found != NULL) {
        int rc;

        (void)pcre2_set_match_limit(limits, STEPS_MAX);
        (void)pcre2_set_depth_limit(limits, DEPTH_MAX);
        (void)pcre2_set_heap_limit(limits, MEMORY_KIB);
        rc = pcre2_match(code, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, 0, found, limits);
        if (rc >= 0)
            result = PATTERN_MATCHES;
        else if (rc == PCRE2_ERROR_NOMATCH)
            result = PATTERN_DIFFERS;
    }
    pcre2_match_data_free(found);
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
    return result;
}
