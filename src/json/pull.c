/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/hex.h"
#include "json/pull.h"
#include "json/utf8.h"

void
pull_init(struct pull *j, struct rd *from)
{
    j->from = from;
    j->at = 0;
    j->pos = j->n = 0;
    j->depth = 0;
    j->first = true;
    j->ended = false;
    buf_init(&j->text, PULL_TEXT);
}

void
pull_release(struct pull *j)
{
    buf_release(&j->text);
}

enum rc
pull_bad(const struct pull *j, const char *why, struct err *e)
{
    return err_set(e, RC_CORRUPT, "bad JSON at byte %" PRIu64 ": %s", j->at + j->pos, why);
}

/* The next byte without taking it, or -1 at the end of the stream. */
static enum rc
pull_peek(struct pull *j, int *c, struct err *e)
{
    if (j->pos == j->n && !j->ended) {
        size_t got;
        j->at += j->n;
        j->pos = j->n = 0;
        if (rd_read(j->from, j->buf, sizeof(j->buf), &got, e))
            return err_code(e);
        j->n = got;
        j->ended = got == 0;
    }
    *c = j->pos < j->n ? j->buf[j->pos] : -1;
    return RC_OK;
}

/* The next byte that is not white space, without taking it; the end of the text is an error. */
static enum rc
peek_token(struct pull *j, int *c, struct err *e)
{
    if (j->pos < j->n && j->buf[j->pos] > ' ') {
        *c = j->buf[j->pos];
        return RC_OK;
    }
    do {
        if (pull_peek(j, c, e))
            return err_code(e);
        if (*c != ' ' && *c != '\t' && *c != '\n' && *c != '\r')
            return *c < 0 ? pull_bad(j, "it ends too early", e) : RC_OK;
        j->pos++;
    } while (true);
}

static enum rc
pull_expect(struct pull *j, char want, const char *why, struct err *e)
{
    int c = 0;

    if (peek_token(j, &c, e))
        return err_code(e);
    if (c != want)
        return pull_bad(j, why, e);
    j->pos++;
    return RC_OK;
}

static enum rc
open_level(struct pull *j, char bracket, const char *why, struct err *e)
{
    if (pull_expect(j, bracket, why, e))
        return err_code(e);
    if (++j->depth > PULL_DEPTH)
        return pull_bad(j, "it is nested too deep", e);
    j->first = true;
    return RC_OK;
}

/* After an element: a comma and another, or the closing bracket. */
static enum rc
pull_next(struct pull *j, char bracket, bool *more, struct err *e)
{
    int c = 0;

    if (peek_token(j, &c, e))
        return err_code(e);
    if (c == bracket) {
        j->pos++;
        j->depth--;
        j->first = false;
        *more = false;
        return RC_OK;
    }
    if (!j->first && pull_expect(j, ',', "wanted a comma or the end of the list", e))
        return err_code(e);
    j->first = false;
    *more = true;
    return RC_OK;
}

enum rc
pull_object(struct pull *j, struct err *e)
{
    return open_level(j, '{', "wanted an object", e);
}

enum rc
pull_array(struct pull *j, struct err *e)
{
    return open_level(j, '[', "wanted an array", e);
}

enum rc
pull_item(struct pull *j, bool *more, struct err *e)
{
    return pull_next(j, ']', more, e);
}

enum rc
pull_key(struct pull *j, struct str *key, bool *more, struct err *e)
{
    bool any = false;

    if (pull_next(j, '}', &any, e))
        return err_code(e);
    *more = any;
    if (!any)
        return RC_OK;
    if (pull_str(j, key, e))
        return err_code(e);
    if (j->pos < j->n && j->buf[j->pos] == ':') {
        j->pos++;
        return RC_OK;
    }
    if (key->p != j->text.p) { /* in the buffer, which may have to be filled again */
        j->text.n = 0;
        buf_must_add(&j->text, key->p, key->n);
        *key = buf_str(&j->text);
    }
    return pull_expect(j, ':', "wanted a colon", e);
}

static enum rc
pull_hex4(struct pull *j, uint32_t *out, struct err *e)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++) {
        int c = 0;
        if (pull_peek(j, &c, e))
            return err_code(e);
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            v = v << 4 | (uint32_t)((c | 32) - 'a' + 10);
        else
            return pull_bad(j, "wanted four hexadecimal digits", e);
        j->pos++;
    }
    *out = v;
    return RC_OK;
}

static enum rc pull_escape(struct pull *j, struct err *e);

static enum rc
add_rune(struct pull *j, uint32_t rune, struct err *e)
{
    uint8_t utf8[4];
    size_t n = utf8_put(rune, utf8);

    return buf_add(&j->text, utf8, n, e);
}

/* \uXXXX, after the u. A lone surrogate becomes U+FFFD, as Go reads it. */
static enum rc
unicode_escape(struct pull *j, struct err *e)
{
    uint32_t rune = 0, low = 0;
    int c = 0;

    if (pull_hex4(j, &rune, e) || pull_peek(j, &c, e))
        return err_code(e);
    if (rune < 0xd800 || rune >= 0xdc00 || c != '\\')
        return add_rune(j, rune, e);
    j->pos++;
    if (pull_peek(j, &c, e))
        return err_code(e);
    if (c != 'u')
        return add_rune(j, rune, e) || pull_escape(j, e) ? err_code(e) : RC_OK;
    j->pos++;
    if (pull_hex4(j, &low, e))
        return err_code(e);
    if (low >= 0xdc00 && low < 0xe000)
        return add_rune(j, 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00), e);
    return add_rune(j, rune, e) || add_rune(j, low, e) ? err_code(e) : RC_OK;
}

static enum rc
pull_escape(struct pull *j, struct err *e)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    int c = 0;

    if (pull_peek(j, &c, e))
        return err_code(e);
    j->pos++;
    if (c == 'u')
        return unicode_escape(j, e);
    found = c > 0 ? strchr(from, c) : NULL;
    if (found == NULL)
        return pull_bad(j, "no such escape", e);
    return buf_add(&j->text, &to[found - from], 1, e);
}

/* The rest of a string, after its opening quote. Kept in j->text, or only passed over. */
static enum rc
string_rest(struct pull *j, bool keep, struct err *e)
{
    j->text.n = 0;
    for (;;) {
        size_t from;
        int c = 0;
        if (pull_peek(j, &c, e))
            return err_code(e);
        for (from = j->pos; j->pos < j->n; j->pos++) {
            c = j->buf[j->pos];
            if (c == '"' || c == '\\' || c < 0x20)
                break;
        }
        if (keep && buf_add(&j->text, j->buf + from, j->pos - from, e))
            return err_code(e);
        if (j->pos == j->n && !j->ended)
            continue;
        if (c != '"' && c != '\\')
            return pull_bad(j, "a string does not end", e);
        j->pos++;
        if (c == '"')
            return RC_OK;
        if (pull_escape(j, e))
            return err_code(e);
        if (!keep)
            j->text.n = 0;
    }
}

enum rc
pull_str(struct pull *j, struct str *out, struct err *e)
{
    size_t at;

    if (pull_expect(j, '"', "wanted a string", e))
        return err_code(e);
    /* Most strings are whole in the buffer, and stand there as they are. */
    for (at = j->pos; at < j->n && j->buf[at] != '"'; at++)
        if (j->buf[at] == '\\' || j->buf[at] < 0x20)
            at = j->n;
    if (at < j->n) {
        *out = str_of(j->buf + j->pos, at - j->pos);
        j->pos = at + 1;
        return RC_OK;
    }
    if (string_rest(j, true, e))
        return err_code(e);
    *out = buf_str(&j->text);
    return RC_OK;
}

enum rc
pull_hex(struct pull *j, uint8_t *out, size_t n, struct err *e)
{
    const uint8_t *p;
    struct str s = {0};
    int c = 0;

    if (peek_token(j, &c, e))
        return err_code(e);
    p = j->buf + j->pos;
    if (j->n - j->pos >= 2 * n + 2 && p[0] == '"' && p[2 * n + 1] == '"' &&
        hex_decode(str_of(p + 1, 2 * n), out, n)) {
        j->pos += 2 * n + 2;
        return RC_OK;
    }
    if (pull_str(j, &s, e))
        return err_code(e);
    return hex_decode(s, out, n) ? RC_OK : pull_bad(j, "wanted hexadecimal digits", e);
}

enum rc
pull_u64(struct pull *j, uint64_t *out, struct err *e)
{
    uint64_t v = 0;
    int c = 0;

    if (peek_token(j, &c, e))
        return err_code(e);
    if (c < '0' || c > '9')
        return pull_bad(j, "wanted a whole number", e);
    while (c >= '0' && c <= '9') {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(c - '0'), &v))
            return pull_bad(j, "the number is too large", e);
        j->pos++;
        if (pull_peek(j, &c, e))
            return err_code(e);
    }
    if (c == '.' || c == 'e' || c == 'E')
        return pull_bad(j, "wanted a whole number", e);
    *out = v;
    return RC_OK;
}

enum rc
pull_look(struct pull *j, size_t want, struct str *out, struct err *e)
{
    if (j->n - j->pos < want && !j->ended) {
        memmove(j->buf, j->buf + j->pos, j->n - j->pos);
        j->at += j->pos;
        j->n -= j->pos;
        j->pos = 0;
    }
    while (j->n - j->pos < want && !j->ended) {
        size_t got;

        if (rd_read(j->from, j->buf + j->n, sizeof(j->buf) - j->n, &got, e))
            return err_code(e);
        j->n += got;
        j->ended = got == 0;
    }
    *out = str_of(j->buf + j->pos, j->n - j->pos);
    return RC_OK;
}

void
pull_take(struct pull *j, size_t n)
{
    j->pos += n;
}

/* A word of letters, digits and signs: true, null, -1.5e3. */
static enum rc
pull_word(struct pull *j, struct err *e)
{
    int c = 0;

    j->text.n = 0;
    for (;;) {
        uint8_t byte;
        if (pull_peek(j, &c, e))
            return err_code(e);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' || c == '.' ||
              c == '-' || c == '+'))
            break;
        byte = (uint8_t)c;
        if (j->text.n == 64)
            return pull_bad(j, "wanted a value", e);
        buf_must_add(&j->text, &byte, 1);
        j->pos++;
    }
    if (j->text.n == 0)
        return pull_bad(j, "wanted a value", e);
    return RC_OK;
}

enum rc
pull_null(struct pull *j, bool *was_null, struct err *e)
{
    int c = 0;

    if (peek_token(j, &c, e))
        return err_code(e);
    *was_null = c == 'n';
    if (!*was_null)
        return RC_OK;
    if (pull_word(j, e))
        return err_code(e);
    return str_eq(buf_str(&j->text), STR_LIT("null")) ? RC_OK : pull_bad(j, "wanted a value", e);
}

static bool
is_scalar(struct str s)
{
    if (s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9')) {
        for (size_t i = 1; i < s.n; i++) {
            if (s.p[i] >= 'a' && s.p[i] != 'e')
                return false;
        }
        return s.n > 1 || s.p[0] != '-';
    }
    return str_eq(s, STR_LIT("true")) || str_eq(s, STR_LIT("false")) || str_eq(s, STR_LIT("null"));
}

enum rc
pull_skip(struct pull *j, struct err *e)
{
    struct str key;
    bool more = true;
    int c = 0;

    if (peek_token(j, &c, e))
        return err_code(e);
    if (c == '"') {
        j->pos++;
        return string_rest(j, false, e);
    }
    if (c == '{') {
        if (pull_object(j, e))
            return err_code(e);
        while (more) {
            if (pull_key(j, &key, &more, e) || (more && pull_skip(j, e)))
                return err_code(e);
        }
        return RC_OK;
    }
    if (c == '[') {
        if (pull_array(j, e))
            return err_code(e);
        while (more) {
            if (pull_item(j, &more, e) || (more && pull_skip(j, e)))
                return err_code(e);
        }
        return RC_OK;
    }
    if (pull_word(j, e))
        return err_code(e);
    return is_scalar(buf_str(&j->text)) ? RC_OK : pull_bad(j, "wanted a value", e);
}

enum rc
pull_end(struct pull *j, struct err *e)
{
    int c = 0;

    do {
        if (pull_peek(j, &c, e))
            return err_code(e);
        if (c < 0)
            return RC_OK;
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return pull_bad(j, "something follows the document", e);
        j->pos++;
    } while (true);
}
