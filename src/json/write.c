/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "json/utf8.h"
#include "json/write.h"

void
jw_init(struct jw *w, struct buf *to)
{
    *w = (struct jw){.to = to};
}

static void
write_put(struct jw *w, const void *p, size_t n)
{
    if (!w->failed && buf_add(w->to, p, n, &w->err))
        w->failed = true;
}

/* Before a value or a key: the comma, if one is due. */
static void
write_begin(struct jw *w)
{
    if (w->comma)
        write_put(w, ",", 1);
    w->comma = true;
}

static void
open_level(struct jw *w, const char *bracket)
{
    write_begin(w);
    write_put(w, bracket, 1);
    w->comma = false;
}

static void
close_level(struct jw *w, const char *bracket)
{
    write_put(w, bracket, 1);
    w->comma = true;
}

void
jw_open_object(struct jw *w)
{
    open_level(w, "{");
}

void
jw_close_object(struct jw *w)
{
    close_level(w, "}");
}

void
jw_open_array(struct jw *w)
{
    open_level(w, "[");
}

void
jw_close_array(struct jw *w)
{
    close_level(w, "]");
}

/* The escape of an ASCII character, or NULL when it stands for itself. */
static const char *
escape_of(uint8_t c, char to[static 8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        break;
    }
    if (c >= 0x20 && c != '<' && c != '>' && c != '&')
        return NULL;
    (void)snprintf(to, 8, "\\u%04x", c);
    return to;
}

static void
write_quoted(struct jw *w, struct str s)
{
    size_t from = 0, i = 0;
    char text[8];

    write_put(w, "\"", 1);
    while (i < s.n) {
        const char *esc = NULL;
        size_t len = 1;
        uint32_t rune = s.p[i];
        if (rune < 0x80)
            esc = escape_of(s.p[i], text);
        else if (!utf8_next(str_of(s.p + i, s.n - i), &rune, &len))
            esc = "\\ufffd";
        else if (rune == 0x2028 || rune == 0x2029)
            esc = rune == 0x2028 ? "\\u2028" : "\\u2029";
        if (esc != NULL) {
            write_put(w, s.p + from, i - from);
            write_put(w, esc, strlen(esc));
            from = i + len;
        }
        i += len;
    }
    if (from < s.n)
        write_put(w, s.p + from, s.n - from);
    write_put(w, "\"", 1);
}

void
jw_key(struct jw *w, const char *key)
{
    write_begin(w);
    write_quoted(w, str_c(key));
    write_put(w, ":", 1);
    w->comma = false;
}

void
jw_str(struct jw *w, struct str s)
{
    write_begin(w);
    write_quoted(w, s);
}

void
jw_cstr(struct jw *w, const char *s)
{
    jw_str(w, str_c(s));
}

void
jw_raw(struct jw *w, struct str json)
{
    write_begin(w);
    write_put(w, json.p, json.n);
}

void
jw_u64(struct jw *w, uint64_t v)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, v);
    jw_raw(w, str_c(text));
}

void
jw_i64(struct jw *w, int64_t v)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, v);
    jw_raw(w, str_c(text));
}

void
jw_double(struct jw *w, double v)
{
    char text[40];

    if (!isfinite(v)) {
        jw_null(w);
        return;
    }
    (void)snprintf(text, sizeof(text), "%.17g", v);
    jw_raw(w, str_c(text));
}

void
jw_bool(struct jw *w, bool v)
{
    jw_raw(w, str_c(v ? "true" : "false"));
}

void
jw_null(struct jw *w)
{
    jw_raw(w, STR_LIT("null"));
}

enum rc
jw_end(struct jw *w, struct err *e)
{
    if (!w->failed)
        return RC_OK;
    *e = w->err;
    return err_wrap(e, "could not write JSON");
}
