/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STR_H
#define BASE_STR_H

/*
 * base/str -- a borrowed run of bytes: pointer and length, no NUL, any content.
 *
 * Ownership  the owner of the bytes says how long they stay; a struct str never frees.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const uint8_t *p;
    size_t n;
};

#define STR_LIT(s) ((struct str){.p = (const uint8_t *)("" s), .n = sizeof(s) - 1})

static inline struct str
str_of(const void *p, size_t n)
{
    return (struct str){.p = (const uint8_t *)p, .n = n};
}

static inline struct str
str_c(const char *s)
{
    return str_of(s, strlen(s));
}

static inline bool
str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Is `a` the ASCII word `word`, ignoring case? `word` is upper case. */
static inline bool
str_is_word(struct str a, const char *word)
{
    size_t i;

    for (i = 0; i < a.n; i++) {
        uint8_t c = a.p[i];
        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c - 32);
        if (word[i] == '\0' || c != (uint8_t)word[i])
            return false;
    }
    return word[i] == '\0';
}

/*
 * Write `s` for a human: printable ASCII as it is, backslash and quote escaped, the rest as \xHH;
 * cut with "..." to fit `n` bytes with the NUL. For key names in messages. Returns `to`.
 */
const char *str_show(struct str s, char *to, size_t n);
/*
 * Make a text that may come from outside one line that changes no terminal: control characters (of
 * ASCII, and U+0080 to U+009F) and marks that turn the direction of writing become '?', line breaks
 * and tabs blanks. In place; the length stays. Returns `s`.
 */
char *str_one_line(char *s);
/* How many characters UTF-8 text has. */
size_t str_chars(struct str s);
/* Write `s` as a C string, cut to fit `n` bytes with the NUL. Returns `to`. */
const char *str_cut(struct str s, char *to, size_t n);

/*
 * Parse a decimal integer without sign tricks: digits with an optional '-', whole string, in range.
 */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_u64(struct str s, uint64_t *out);
/*
 * The same for what a server tells of itself: false above INT64_MAX too. Such a number is one below 0
 * that was printed without its sign, and JSON's readers do not take it.
 */
bool str_to_told(struct str s, uint64_t *out);

/* "200", "200K", "1G", "10MB": bytes, in powers of 1024; below INT64_MAX. */
bool str_to_size(struct str s, uint64_t *out);

/*
 * A path without leading, trailing and double slashes, "." and "..": as Go's path.Clean joins. The
 * caller frees with mem_free.
 */
char *str_clean_path(const char *path);

/* Decimal text of v, without a NUL; returns its length. */
enum { STR_INT_MAX = 21 };
size_t str_put_u64(uint64_t v, uint8_t to[static STR_INT_MAX - 1]);
size_t str_put_i64(int64_t v, uint8_t to[static STR_INT_MAX]);

/*
 * The shortest text that reads back as `v`, as Go writes it (%g): 19.95, 1e+06, 5e-324, +Inf, NaN.
 * With a NUL; returns `to`.
 */
enum { STR_DOUBLE_MAX = 40 };
const char *str_put_double(double v, char to[static STR_DOUBLE_MAX]);

/* "1,204,021": a number for people. Returns `to`. */
enum { STR_GROUPED_MAX = 28 };
const char *str_grouped(uint64_t v, char to[static STR_GROUPED_MAX]);

/* The word for so many of a thing: `one` for 1, else `many`. */
static inline const char *
str_plural(uint64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

#endif
