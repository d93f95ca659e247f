/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/pattern.h"

#include <ctype.h>
#include <regex.h>
#include <string.h>

#include "base/buf.h"

enum { PATTERN_MAX = 8192 };

static const char *
class_of(char c, bool inside)
{
    switch (c) {
    case 'd':
        return inside ? "0-9" : "[0-9]";
    case 'D':
        return inside ? NULL : "[^0-9]";
    case 'w':
        return inside ? "A-Za-z0-9_" : "[A-Za-z0-9_]";
    case 'W':
        return inside ? NULL : "[^A-Za-z0-9_]";
    case 's':
        return inside ? " \t\n\r\f" : "[ \t\n\r\f]";
    case 'S':
        return inside ? NULL : "[^ \t\n\r\f]";
    case 'n':
        return "\n";
    case 't':
        return "\t";
    case 'r':
        return "\r";
    default:
        return NULL;
    }
}

/* A bracket expression from its '[' on. Returns what follows it, NULL: not understood. */
static const char *
put_class(struct buf *out, const char *p)
{
    const char *begin = ++p;
    bool minus = false, bracket = false, caret = false;

    buf_must_printf(out, "[");
    if (*p == '^') {
        buf_must_printf(out, "^");
        begin = ++p;
    }
    for (; *p != '\0' && (*p != ']' || p == begin); p++) {
        if (*p == '[' && p[1] == ':') {
            const char *end = strstr(p, ":]");
            if (end == NULL)
                return NULL;
            buf_must_add(out, p, (size_t)(end + 2 - p));
            p = end + 1;
            continue;
        }
        if (*p != '\\') {
            buf_must_add(out, p, 1);
            continue;
        }
        if (*++p == '\0')
            return NULL;
        if (isalpha((unsigned char)*p)) {
            const char *known = class_of(*p, true);
            if (known == NULL)
                return NULL;
            buf_must_printf(out, "%s", known);
        } else if (*p == '-') {
            minus = true; /* these three have places of their own in POSIX */
        } else if (*p == ']') {
            bracket = true;
        } else if (*p == '^') {
            caret = true;
        } else {
            buf_must_add(out, p, 1);
        }
    }
    if (*p != ']' || bracket)
        return NULL;
    buf_must_printf(out, "%s%s]", caret ? "^" : "", minus ? "-" : "");
    return p + 1;
}

static bool
translate(const char *p, struct buf *out)
{
    while (*p != '\0') {
        if (*p == '[') {
            p = put_class(out, p);
            if (p == NULL)
                return false;
        } else if (*p == '\\' && p[1] != '\0') {
            const char *known = isalpha((unsigned char)p[1]) ? class_of(p[1], false) : NULL;
            if (known != NULL)
                buf_must_printf(out, "%s", known);
            else if (p[1] == 'z' || p[1] == 'A')
                buf_must_printf(out, "%s", p[1] == 'z' ? "$" : "^");
            else if (isalnum((unsigned char)p[1]) && p[1] != 'b' && p[1] != 'B')
                return false;
            else
                buf_must_add(out, p, 2);
            p += 2;
        } else if (p[0] == '(' && p[1] == '?' && p[2] == ':') {
            buf_must_printf(out, "(");
            p += 3;
        } else if ((p[0] == '(' && p[1] == '?') || (strchr("*+?}", p[0]) != NULL && p[1] == '?')) {
            return false;
        } else {
            buf_must_add(out, p++, 1);
        }
    }
    return true;
}

enum pattern_result
pattern_match(const char *pattern, const char *text)
{
    CLEANUP(buf_release) struct buf posix = BUF_INIT(PATTERN_MAX * 12);
    enum pattern_result result;
    regex_t re;

    if (strlen(pattern) > PATTERN_MAX || !translate(pattern, &posix) ||
        regcomp(&re, buf_c(&posix), REG_EXTENDED | REG_NOSUB) != 0)
        return PATTERN_BAD;
    result = regexec(&re, text, 0, NULL, 0) == 0 ? PATTERN_MATCHES : PATTERN_DIFFERS;
    regfree(&re);
    return result;
}
