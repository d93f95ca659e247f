/* SPDX-License-Identifier: Apache-2.0 */
#include "validation/path.h"

enum { WORD_MAX = 256 };

/* Copy n bytes, a backslash before a dot left out. False: too long or empty. */
static bool
take_word(const char *p, size_t n, char to[static WORD_MAX])
{
    size_t got = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\\' && i + 1 < n)
            continue;
        if (got == WORD_MAX - 1)
            return false;
        to[got++] = p[i];
    }
    to[got] = '\0';
    return got > 0;
}

/* "?(@.a.b=="v")" of an element? */
static bool
path_passes(const struct json *elem, const char *p, size_t n)
{
    char path[WORD_MAX], value[WORD_MAX];
    const char *eq = NULL, *end = p + n;

    for (const char *s = p; s + 1 < end; s++)
        if (s[0] == '=' && s[1] == '=') {
            eq = s;
            break;
        }
    if (eq == NULL || n < 4 || p[1] != '(' || p[2] != '@' || end[-1] != ')' ||
        !take_word(p + 3, (size_t)(eq - p - 3), path))
        return false;
    for (size_t i = strlen(path); i > 0 && path[i - 1] == ' '; i--)
        path[i - 1] = '\0';
    eq += 2;
    while (*eq == ' ')
        eq++;
    end--;
    if (end - eq < 2 || (*eq != '"' && *eq != '\'') ||
        !take_word(eq + 1, (size_t)(end - eq - 2), value))
        return false;
    return strcmp(json_text_or(path_first(elem, path), ""), value) == 0;
}

static const struct json *
path_take_elements(const struct json *arr, const char *p, size_t n, const char *rest)
{
    const struct json *found = NULL;

    for (size_t i = 0; i < json_size(arr) && found == NULL; i++)
        if (p[0] == '*' || path_passes(json_elem(arr, i), p, n))
            found = path_first(json_elem(arr, i), rest);
    return found;
}

static const struct json *
path_bracket(const struct json *j, const char *p)
{
    char word[WORD_MAX];
    const char *end = p;
    char quote = 0;
    size_t n;
    int64_t at;

    for (; *end != '\0' && (quote != 0 || *end != ']'); end++)
        if (quote != 0 && *end == quote)
            quote = 0;
        else if (quote == 0 && (*end == '\'' || *end == '"'))
            quote = *end;
    n = (size_t)(end - p);
    if (*end != ']' || n == 0)
        return NULL;
    if (*p == '*' || *p == '?')
        return path_take_elements(j, p, n, end + 1);
    if (*p == '\'' || *p == '"')
        return n > 2 && take_word(p + 1, n - 2, word) ? path_first(json_field(j, word), end + 1)
                                                      : NULL;
    if (!str_to_i64(str_of(p, n), &at))
        return NULL;
    if (at < 0)
        at += (int64_t)json_size(j);
    return at < 0 ? NULL : path_first(json_elem(j, (size_t)at), end + 1);
}

const struct json *
path_first(const struct json *j, const char *path)
{
    char word[WORD_MAX];
    size_t n = 0;

    if (j == NULL || *path == '\0' || strcmp(path, ".") == 0)
        return j;
    if (*path == '[')
        return path_bracket(j, path + 1);
    if (*path == '.')
        path++;
    while (path[n] != '\0' && path[n] != '[' && (path[n] != '.' || (n > 0 && path[n - 1] == '\\')))
        n++;
    return take_word(path, n, word) ? path_first(json_field(j, word), path + n) : NULL;
}
