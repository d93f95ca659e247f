/* SPDX-License-Identifier: Apache-2.0 */
#include "base/compiler.h"
#include "json/yaml_internal.h"

enum { SIMPLE_KEY_MAX = 120 };

static enum rc write_value(const struct json *j, unsigned indent, struct buf *out, struct err *e);

static enum rc
yaml_write_put(struct buf *out, const char *s, struct err *e)
{
    return buf_add(out, s, strlen(s), e);
}

static enum rc
put_indent(struct buf *out, unsigned n, struct err *e)
{
    return buf_printf(out, e, "%*s", (int)n, "");
}

/* The code point at p[0..n), which is good UTF-8, and its length. */
static uint32_t
code_point(const uint8_t *p, size_t *len)
{
    uint32_t c = p[0];

    *len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (*len == 1)
        return c;
    c &= 0xFFU >> (*len + 1);
    for (size_t i = 1; i < *len; i++)
        c = c << 6 | (p[i] & 0x3FU);
    return c;
}

static bool
is_printable(uint32_t c)
{
    return (c >= 0x20 && c < 0x7F) ||
           (c >= 0xA0 && c != 0x2028 && c != 0x2029 && c != 0xFEFF && c != 0xFFFE && c != 0xFFFF);
}

static bool
is_all_printable(struct str s, const char *also)
{
    for (size_t i = 0, len; i < s.n; i += len) {
        uint32_t c = code_point(s.p + i, &len);
        if (!is_printable(c) && (c >= 0x80 || c == 0 || strchr(also, (int)c) == NULL))
            return false;
    }
    return true;
}

/* Would a reader take it, as a plain scalar, for something that is not a string? */
static bool
is_typed(struct str s)
{
    struct json *v = yaml_plain_value(s);
    bool date = s.n >= 8 && s.p[0] >= '0' && s.p[0] <= '9' && s.p[4] == '-';

    json_free(v);
    return v != NULL || date || str_eq(s, STR_LIT("<<")) || str_eq(s, STR_LIT("=")) ||
           (s.n > 1 && s.p[0] == '.' && strchr("iInN", s.p[1]) != NULL) ||
           (s.n > 2 && strchr("+-", s.p[0]) != NULL && s.p[1] == '.');
}

/* Does its syntax allow it to stand without quotes? */
static bool
is_plain(struct str s)
{
    if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == ':' ||
        strchr("!&*{}[],#|>@`\"'%", s.p[0]) != NULL)
        return false;
    if (strchr("-?:", s.p[0]) != NULL && (s.n == 1 || s.p[1] == ' '))
        return false;
    if (s.n >= 3 && (memcmp(s.p, "---", 3) == 0 || memcmp(s.p, "...", 3) == 0))
        return false;
    for (size_t i = 0; i + 1 < s.n; i++)
        if ((s.p[i] == ':' && s.p[i + 1] == ' ') || (s.p[i] == ' ' && s.p[i + 1] == '#'))
            return false;
    return true;
}

static enum rc
put_double_quoted(struct str s, struct buf *out, struct err *e)
{
    enum rc rc = yaml_write_put(out, "\"", e);

    for (size_t i = 0, len = 1; rc == RC_OK && i < s.n; i += len) {
        uint32_t c = code_point(s.p + i, &len);
        if (c == '"' || c == '\\')
            rc = buf_printf(out, e, "\\%c", (int)c);
        else if (c == '\n' || c == '\t' || c == '\r')
            rc = yaml_write_put(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r", e);
        else if (is_printable(c))
            rc = buf_add(out, s.p + i, len, e);
        else
            rc = buf_printf(out, e, c < 0x100 ? "\\x%02X" : "\\u%04X", c);
    }
    return rc != RC_OK ? rc : yaml_write_put(out, "\"", e);
}

static enum rc
put_single_quoted(struct str s, struct buf *out, struct err *e)
{
    enum rc rc = yaml_write_put(out, "'", e);

    for (size_t i = 0; rc == RC_OK && i < s.n; i++)
        rc = s.p[i] == '\'' ? yaml_write_put(out, "''", e) : buf_add(out, s.p + i, 1, e);
    return rc != RC_OK ? rc : yaml_write_put(out, "'", e);
}

static enum rc
put_line(struct str s, struct buf *out, struct err *e)
{
    if (!is_all_printable(s, "") || is_typed(s))
        return put_double_quoted(s, out, e);
    return is_plain(s) ? buf_add_str(out, s, e) : put_single_quoted(s, out, e);
}

/* May it be a "|" block? Text that begins with white space would need an indentation mark. */
static bool
is_block(struct str s)
{
    return s.n > 1 && memchr(s.p, '\n', s.n) != NULL && strchr(" \t\n", s.p[0]) == NULL &&
           is_all_printable(s, "\n\t");
}

static enum rc
put_block(struct str s, unsigned indent, struct buf *out, struct err *e)
{
    bool ends = s.p[s.n - 1] == '\n', ends_twice = ends && s.p[s.n - 2] == '\n';

    if (yaml_write_put(out, ends_twice ? "|+" : ends ? "|" : "|-", e))
        return err_code(e);
    for (size_t i = 0; i < s.n;) {
        const uint8_t *nl = memchr(s.p + i, '\n', s.n - i);
        size_t n = nl == NULL ? s.n - i : (size_t)(nl - s.p) - i;
        if (yaml_write_put(out, "\n", e) || (n > 0 && put_indent(out, indent, e)) ||
            buf_add(out, s.p + i, n, e))
            return err_code(e);
        i += n + 1;
    }
    return RC_OK;
}

static enum rc
write_scalar(const struct json *j, unsigned indent, struct buf *out, struct err *e)
{
    struct str s = json_text_str(j);

    if (json_kind_of(j) != JSON_IS_STR)
        return json_print(j, out, e);
    if (s.n == 0)
        return yaml_write_put(out, "\"\"", e);
    return indent > 0 && is_block(s) ? put_block(s, indent, out, e) : put_line(s, out, e);
}

static enum rc
write_key(const char *key, unsigned indent, struct buf *out, struct err *e)
{
    struct str s = str_c(key);

    if (s.n <= SIMPLE_KEY_MAX)
        return s.n == 0              ? yaml_write_put(out, "\"\":", e)
               : put_line(s, out, e) ? err_code(e)
                                     : yaml_write_put(out, ":", e);
    if (yaml_write_put(out, "? ", e) || put_double_quoted(s, out, e) ||
        yaml_write_put(out, "\n", e) || put_indent(out, indent, e))
        return err_code(e);
    return yaml_write_put(out, ":", e);
}

static bool
is_empty(const struct json *j)
{
    enum json_kind kind = json_kind_of(j);

    return (kind != JSON_IS_OBJECT && kind != JSON_IS_ARRAY) || json_size(j) == 0;
}

/* The value of a key at `indent`: on its line, or below. Arrays are not indented further. */
static enum rc
write_field(const struct json *j, unsigned indent, struct buf *out, struct err *e)
{
    bool deeper = json_kind_of(j) == JSON_IS_OBJECT;

    if (is_empty(j))
        return yaml_write_put(out, " ", e) ? err_code(e) : write_value(j, indent + 2, out, e);
    if (deeper)
        indent += 2;
    if (yaml_write_put(out, "\n", e) || put_indent(out, indent, e))
        return err_code(e);
    return write_value(j, indent, out, e);
}

/*
 * `j`, whose first line begins where the buffer ends and whose others are indented by `indent`.
 * Each value ends without a line break.
 */
static enum rc
write_value(const struct json *j, unsigned indent, struct buf *out, struct err *e)
{
    bool first = true;

    if (json_kind_of(j) == JSON_IS_OBJECT && json_size(j) > 0) {
        for (struct json_item it = json_first(j); it.key != NULL; it = json_next(j, it)) {
            if (!first && (yaml_write_put(out, "\n", e) || put_indent(out, indent, e)))
                return err_code(e);
            if (write_key(it.key, indent, out, e) || write_field(it.value, indent, out, e))
                return err_code(e);
            first = false;
        }
        return RC_OK;
    }
    if (json_kind_of(j) == JSON_IS_ARRAY && json_size(j) > 0) {
        for (size_t i = 0; i < json_size(j); i++) {
            if (i > 0 && (yaml_write_put(out, "\n", e) || put_indent(out, indent, e)))
                return err_code(e);
            if (yaml_write_put(out, "- ", e) || write_value(json_elem(j, i), indent + 2, out, e))
                return err_code(e);
        }
        return RC_OK;
    }
    if (json_kind_of(j) == JSON_IS_OBJECT || json_kind_of(j) == JSON_IS_ARRAY)
        return yaml_write_put(out, json_kind_of(j) == JSON_IS_OBJECT ? "{}" : "[]", e);
    return write_scalar(j, indent, out, e);
}

enum rc
json_to_yaml(const struct json *j, struct buf *out, struct err *e)
{
    if (write_value(j, 0, out, e))
        return err_code(e);
    return yaml_write_put(out, "\n", e);
}
