/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/value_print.h"

#include <ctype.h>

#include "base/b64.h"
#include "base/mem.h"
#include "cli/out.h"
#include "json/utf8.h"

enum { FLUSH_BYTES = 64 * 1024 };

void
value_print_init(struct value_print *p, const struct look_key *key, bool json)
{
    uint64_t n = key->items * (kv_info[key->type].pairs ? 2 : 1);

    *p = (struct value_print){.key = key, .json = json, .width = 1};
    for (; n >= 10; n /= 10)
        p->width++;
    buf_init(&p->out, SIZE_MAX / 2);
    buf_init(&p->held, EV_HELD_MAX);
    jw_init(&p->w, &p->out);
}

void
value_print_release(struct value_print *p)
{
    buf_release(&p->out);
    buf_release(&p->held);
}

static enum rc
print_flush(struct value_print *p, size_t above, struct err *e)
{
    if (p->out.n <= above)
        return RC_OK;
    if (fwrite(p->out.p, 1, p->out.n, stdout) != p->out.n)
        return err_set(e, RC_IO, "could not write to the standard output");
    buf_reset(&p->out);
    return RC_OK;
}

/* ---- as redis-cli ---- */

static void
put_escaped(struct buf *to, struct str s)
{
    static const char letters[] = "\nn\rr\tt\aa\bb\\\\\"\"";

    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        const char *at = letters;

        while (*at != '\0' && (uint8_t)*at != c)
            at += 2;
        if (c != 0 && *at != '\0')
            buf_must_printf(to, "\\%c", at[1]);
        else if (isprint(c))
            buf_must_add(to, &s.p[i], 1);
        else
            buf_must_printf(to, "\\x%02x", c);
    }
}

static void
put_number(struct value_print *p)
{
    buf_must_printf(&p->out, "%*llu) ", p->width, (unsigned long long)++p->lines);
}

static void
put_quoted(struct value_print *p, struct str s)
{
    buf_must_printf(&p->out, "\"");
    put_escaped(&p->out, s);
    buf_must_printf(&p->out, "\"\n");
}

/* A run of a longer one. */
static void
put_piece(struct value_print *p, const struct ev_piece *x)
{
    if (ev_is_first(x))
        buf_must_printf(&p->out, "\"");
    put_escaped(&p->out, x->p);
    if (ev_is_last(x))
        buf_must_printf(&p->out, "\"\n");
}

static void
put_entry(struct value_print *p, const struct ev *ev)
{
    int indent = p->width + 2, inner = 1;
    char id[48];

    for (size_t n = 2 * ev->u.entry.n; n >= 10; n /= 10)
        inner++;
    put_number(p);
    (void)snprintf(id, sizeof(id), "%llu-%llu", (unsigned long long)ev->u.entry.id.ms,
                   (unsigned long long)ev->u.entry.id.seq);
    buf_must_printf(&p->out, "1) \"%s\"\n%*s2) ", id, indent, "");
    for (size_t i = 0; i < 2 * ev->u.entry.n; i++) {
        buf_must_printf(&p->out, "%*s%*zu) ", i == 0 ? 0 : indent + 3, "", inner, i + 1);
        put_quoted(p, ev->u.entry.pairs[i]);
    }
}

static void
print_text(struct value_print *p, const struct ev *ev)
{
    char score[STR_DOUBLE_MAX];

    switch (ev->kind) {
    case EV_STRING:
        put_piece(p, &ev->u.piece);
        break;
    case EV_ELEM:
        if (ev_is_first(&ev->u.piece))
            put_number(p);
        put_piece(p, &ev->u.piece);
        break;
    case EV_ZELEM:
        put_number(p);
        put_quoted(p, ev->u.zelem.member);
        put_number(p);
        put_quoted(p, str_c(str_put_double(ev->u.zelem.score, score)));
        break;
    case EV_FIELD:
        if (ev_is_first(&ev->u.field.value)) {
            put_number(p);
            put_quoted(p, ev->u.field.name);
            put_number(p);
        }
        put_piece(p, &ev->u.field.value);
        break;
    case EV_ENTRY:
        put_entry(p, ev);
        break;
    case EV_PAYLOAD:
        buf_must_printf(&p->out, "(%s, %zu bytes that only its own server reads)\n",
                        kv_info[p->key->type].name, ev->u.payload.value.n);
        break;
    case EV_KEY_END:
        if (p->key->items == 0)
            buf_must_printf(&p->out, "(empty array)\n");
        break;
    default:
        break;
    }
}

/* ---- as JSON ---- */

static bool
is_text(struct str s)
{
    uint32_t rune;
    size_t n;

    for (size_t i = 0; i < s.n; i += n)
        if (!utf8_next(str_of(s.p + i, s.n - i), &rune, &n))
            return false;
    return true;
}

void
value_print_json(struct jw *w, struct str s)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SIZE_MAX / 2);
    struct err none = ERR_INIT;

    if (is_text(s)) {
        jw_str(w, s);
        return;
    }
    jw_open_object(w);
    jw_key(w, "base64");
    if (b64_encode(s, &text, &none) == RC_OK)
        jw_str(w, buf_str(&text));
    else
        jw_null(w);
    jw_close_object(w);
}

/* Pieces are held until all of it is here: true, and then it is in p->held. */
static enum rc
hold(struct value_print *p, const struct ev_piece *x, bool *whole, struct err *e)
{
    if (ev_is_first(x))
        buf_reset(&p->held);
    *whole = ev_is_last(x);
    return buf_add_str(&p->held, x->p, e);
}

static void
json_entry(struct value_print *p, const struct ev *ev)
{
    char id[48];

    (void)snprintf(id, sizeof(id), "%llu-%llu", (unsigned long long)ev->u.entry.id.ms,
                   (unsigned long long)ev->u.entry.id.seq);
    jw_open_object(&p->w);
    jw_field_cstr(&p->w, "id", id);
    jw_key(&p->w, "fields");
    jw_open_array(&p->w);
    for (size_t i = 0; i < 2 * ev->u.entry.n; i++)
        value_print_json(&p->w, ev->u.entry.pairs[i]);
    jw_close_array(&p->w);
    jw_close_object(&p->w);
}

static void
json_pair(struct value_print *p, const char *name, struct str a, const char *value)
{
    jw_open_object(&p->w);
    jw_key(&p->w, name);
    value_print_json(&p->w, a);
    jw_key(&p->w, value);
}

void
value_print_key(struct jw *w, const struct look_key *k)
{
    char when[INSTANT_TEXT];

    jw_field_u64(w, "db", k->db);
    jw_key(w, "key");
    value_print_json(w, k->name);
    jw_field_cstr(w, "type", kv_info[k->type].name);
    jw_field_u64(w, "items", k->items);
    jw_field_u64(w, "bytes", k->bytes);
    if (k->expires_at != EV_NO_EXPIRY)
        jw_field_cstr(w, "expires",
                      instant_format((struct instant){.sec = k->expires_at / 1000}, when));
}

static void
json_begin(struct value_print *p)
{
    jw_open_object(&p->w);
    value_print_key(&p->w, p->key);
    jw_key(&p->w, "value");
    if (p->key->type != KV_STRING)
        jw_open_array(&p->w);
}

static enum rc
print_json(struct value_print *p, const struct ev *ev, struct err *e)
{
    bool whole;

    switch (ev->kind) {
    case EV_KEY:
        json_begin(p);
        break;
    case EV_STRING:
    case EV_ELEM:
        if (hold(p, &ev->u.piece, &whole, e))
            return err_code(e);
        if (whole)
            value_print_json(&p->w, buf_str(&p->held));
        break;
    case EV_ZELEM:
        json_pair(p, "member", ev->u.zelem.member, "score");
        jw_double(&p->w, ev->u.zelem.score);
        jw_close_object(&p->w);
        break;
    case EV_FIELD:
        if (hold(p, &ev->u.field.value, &whole, e))
            return err_code(e);
        if (!whole)
            break;
        json_pair(p, "field", ev->u.field.name, "value");
        value_print_json(&p->w, buf_str(&p->held));
        jw_close_object(&p->w);
        break;
    case EV_ENTRY:
        json_entry(p, ev);
        break;
    case EV_PAYLOAD:
        value_print_json(&p->w, ev->u.payload.value);
        break;
    case EV_KEY_END:
        if (p->key->type != KV_STRING)
            jw_close_array(&p->w);
        jw_close_object(&p->w);
        buf_must_printf(&p->out, "\n");
        break;
    default:
        break;
    }
    return RC_OK;
}

enum rc
value_print_on(void *arg, const struct ev *ev, struct err *e)
{
    struct value_print *p = arg;

    if (!p->json)
        print_text(p, ev);
    else if (print_json(p, ev, e))
        return err_code(e);
    return print_flush(p, ev->kind == EV_KEY_END ? 0 : FLUSH_BYTES, e);
}
