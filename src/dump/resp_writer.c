/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's way out: frames and arguments into a block, blocks into the stream, hashed as they
 * go. */
#define XXH_STATIC_LINKING_ONLY
#include "dump/encode_internal.h"

static enum rc
pass_on(struct encoder *x, const uint8_t *p, size_t n, struct err *e)
{
    (void)XXH3_128bits_update(x->hash, p, n);
    x->facts.bytes += n;
    return wr_write(x->to, p, n, e);
}

enum rc
resp_write_flush(struct encoder *x, struct err *e)
{
    size_t n = x->n;

    x->n = 0;
    return n == 0 ? RC_OK : pass_on(x, x->out, n, e);
}

enum rc
put(struct encoder *x, const void *p, size_t n, struct err *e)
{
    if (n > OUT_BYTES - x->n) {
        if (resp_write_flush(x, e))
            return err_code(e);
        if (n > OUT_BYTES / 2)
            return pass_on(x, p, n, e);
    }
    if (n != 0)
        memcpy(x->out + x->n, p, n);
    x->n += n;
    return RC_OK;
}

/* `lead`, number, CR LF. */
static size_t
resp_writer_frame(uint8_t lead, uint64_t v, uint8_t to[static NUMBER_TEXT])
{
    size_t n;

    to[0] = lead;
    n = 1 + str_put_u64(v, to + 1);
    to[n++] = '\r';
    to[n++] = '\n';
    return n;
}

enum rc
resp_write_frame(struct encoder *x, uint8_t lead, uint64_t v, struct err *e)
{
    uint8_t text[NUMBER_TEXT];

    return put(x, text, resp_writer_frame(lead, v, text), e);
}

static void
note_length(struct encoder *x, uint64_t n)
{
    if (n > x->facts.longest)
        x->facts.longest = n;
}

enum rc
resp_write_length(struct encoder *x, uint64_t n, struct err *e)
{
    note_length(x, n);
    return resp_write_frame(x, '$', n, e);
}

enum rc
resp_write_command(struct encoder *x, uint64_t args, struct err *e)
{
    x->facts.commands++;
    return resp_write_frame(x, '*', args, e);
}

size_t
resp_write_lay(uint8_t *to, struct str s)
{
    size_t n = resp_writer_frame('$', s.n, to);

    if (s.n != 0)
        memcpy(to + n, s.p, s.n);
    n += s.n;
    to[n++] = '\r';
    to[n++] = '\n';
    return n;
}

enum rc
resp_write_arg(struct encoder *x, struct str s, struct err *e)
{
    if (LIKELY(s.n + ARG_FRAME <= OUT_BYTES - x->n)) {
        note_length(x, s.n);
        x->n += resp_write_lay(x->out + x->n, s);
        return RC_OK;
    }
    if (resp_write_length(x, s.n, e) || put(x, s.p, s.n, e))
        return err_code(e);
    return put(x, "\r\n", 2, e);
}

enum rc
resp_write_word(struct encoder *x, const char *word, struct err *e)
{
    return resp_write_arg(x, str_c(word), e);
}

enum rc
resp_write_int(struct encoder *x, int64_t v, struct err *e)
{
    uint8_t text[STR_INT_MAX];

    return resp_write_arg(x, str_of(text, str_put_i64(v, text)), e);
}

size_t
resp_write_id_text(struct stream_id id, uint8_t to[static ID_CHARS])
{
    size_t n = str_put_u64(id.ms, to);

    to[n++] = '-';
    return n + str_put_u64(id.seq, to + n);
}

enum rc
resp_write_id(struct encoder *x, struct stream_id id, struct err *e)
{
    uint8_t text[ID_CHARS];

    return resp_write_arg(x, str_of(text, resp_write_id_text(id, text)), e);
}

enum rc
resp_write_piece(struct encoder *x, const struct ev_piece *p, struct err *e)
{
    if ((ev_is_first(p) && resp_write_length(x, p->total, e)) || put(x, p->p.p, p->p.n, e))
        return err_code(e);
    return ev_is_last(p) ? put(x, "\r\n", 2, e) : RC_OK;
}

enum rc
resp_write_key(struct encoder *x, struct err *e)
{
    return resp_write_arg(x, buf_str(&x->name), e);
}

enum rc
resp_write_verb(struct encoder *x, const char *verb, uint64_t more, struct err *e)
{
    if (resp_write_command(x, 2 + more, e) || resp_write_word(x, verb, e))
        return err_code(e);
    return resp_write_key(x, e);
}
