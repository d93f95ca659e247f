/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "validation/cel_tree.h"

char *
cel_unescape(const char *name)
{
    static const struct {
        const char *escaped, *plain;
    } marks[] = {
        {"__underscores__", "__"}, {"__dot__", "."}, {"__dash__", "-"}, {"__slash__", "/"}};
    static const char *const keywords[] = {
        "true",     "false",   "null",   "in",       "as",   "break",  "const",
        "continue", "else",    "for",    "function", "if",   "import", "let",
        "loop",     "package", "return", "var",      "void", "while",  "namespace",
    };
    size_t n = strlen(name), got = 0;
    char *out;

    for (size_t i = 0; i < ARRAY_LEN(keywords) && n > 4; i++)
        if (strlen(keywords[i]) == n - 4 && strncmp(name, "__", 2) == 0 &&
            strncmp(name + 2, keywords[i], n - 4) == 0 && strcmp(name + n - 2, "__") == 0)
            return mem_strdup(keywords[i]);
    out = mem_strdup(name);
    for (size_t i = 0; i < n;) {
        size_t m = 0;
        while (m < ARRAY_LEN(marks) &&
               strncmp(name + i, marks[m].escaped, strlen(marks[m].escaped)) != 0)
            m++;
        if (m < ARRAY_LEN(marks)) {
            memcpy(out + got, marks[m].plain, strlen(marks[m].plain));
            got += strlen(marks[m].plain);
            i += strlen(marks[m].escaped);
        } else {
            out[got++] = name[i++];
        }
    }
    out[got] = '\0';
    return out;
}
