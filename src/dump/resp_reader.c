/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "dump/resp_reader.h"
#include "dump/verbs.h"

enum { PIECE = 256 * 1024, DIGITS_MAX = 20 };

void
resp_reader_init(struct resp_reader *r, struct rd *in)
{
    memset(r, 0, sizeof(*r));
    lookahead_init(&r->w, in, EV_HELD_MAX + CMD_WHOLE_MAX);
}

void
resp_reader_release(struct resp_reader *r)
{
    lookahead_release(&r->w);
    mem_free(r->argv);
    mem_free(r->offs);
    r->argv = NULL;
    r->offs = NULL;
}

static enum rc
not_resp(const struct resp_reader *r, const char *what, struct err *e)
{
    return err_set(e, RC_CORRUPT, "not a RESP command at byte %llu: %s",
                   (unsigned long long)lookahead_at(&r->w), what);
}

/* `lead`, a decimal number, CR LF. */
static inline enum rc
read_number(struct resp_reader *r, uint8_t lead, uint64_t *out, struct err *e)
{
    const uint8_t *p;
    uint64_t v = 0;
    size_t n = 1;

    for (;; n++) {
        if (lookahead_need(&r->w, n + 1, e))
            return err_code(e);
        p = r->w.p + r->w.pos;
        if (p[n] < '0' || p[n] > '9')
            break;
        if (n > DIGITS_MAX - 2)
            return not_resp(r, "a number that is too long", e);
        v = v * 10 + (uint64_t)(p[n] - '0');
    }
    if (p[0] != lead)
        return not_resp(r, lead == '*' ? "'*' is missing" : "'$' is missing", e);
    if (lookahead_need(&r->w, n + 2, e))
        return err_code(e);
    p = r->w.p + r->w.pos;
    if (n == 1 || p[n] != '\r' || p[n + 1] != '\n')
        return not_resp(r, "a length that is not a number", e);
    (void)lookahead_take(&r->w, n + 2);
    *out = v;
    return RC_OK;
}

/* Empty lines between commands are skipped, as servers do. */
static enum rc
skip_empty_lines(struct resp_reader *r, bool *over, struct err *e)
{
    for (;;) {
        uint8_t c;
        if (lookahead_more(&r->w, over, e))
            return err_code(e);
        if (*over)
            return RC_OK;
        c = r->w.p[r->w.pos];
        if (c != '\r' && c != '\n')
            return RC_OK;
        (void)lookahead_take(&r->w, 1);
    }
}

static enum rc
read_arg_len(struct resp_reader *r, uint64_t *len, struct err *e)
{
    if (read_number(r, '$', len, e))
        return err_code(e);
    if (*len > CMD_ARG_BYTES_MAX)
        return err_set(e, RC_LIMIT, "an argument of %llu bytes at byte %llu",
                       (unsigned long long)*len, (unsigned long long)lookahead_at(&r->w));
    return RC_OK;
}

static enum rc
take_crlf(struct resp_reader *r, struct err *e)
{
    const uint8_t *p;

    if (lookahead_need(&r->w, 2, e))
        return err_code(e);
    p = lookahead_take(&r->w, 2);
    if (p[0] != '\r' || p[1] != '\n')
        return not_resp(r, "an argument without its end", e);
    return RC_OK;
}

static void
reserve_args(struct resp_reader *r, uint32_t n)
{
    if (n <= r->argv_cap)
        return;
    r->argv_cap = MAX(n, 2 * r->argv_cap);
    r->argv = mem_grow(r->argv, r->argv_cap, sizeof(*r->argv));
    r->offs = mem_grow(r->offs, r->argv_cap, sizeof(*r->offs));
}

/* Is the argument that comes next the name of the command's key, or in front of it? */
static bool
is_up_to_key(const struct resp_reader *r)
{
    const uint8_t *start = r->w.p + r->w.keep;
    const struct verb_info *v;
    struct str first = {NULL, 0};

    if (r->next == 0)
        return false;
    if (r->next > 1)
        first = str_of(start + r->offs[1], r->argv[1].n);
    v = verb_find(str_of(start + r->offs[0], r->argv[0].n), first);
    return v != NULL && r->next <= v->key;
}

/* Arguments until all are there or one is too long to be held; then r->in_arg. */
static enum rc
read_args(struct resp_reader *r, struct err *e)
{
    for (; r->next < r->argc; r->next++) {
        uint64_t len;
        if (read_arg_len(r, &len, e))
            return err_code(e);
        if (r->w.pos - r->w.keep + len + 2 > CMD_WHOLE_MAX && !is_up_to_key(r)) {
            r->in_arg = true;
            r->arg_off = 0;
            r->arg_total = len;
            return RC_OK;
        }
        if (len > EV_HELD_MAX)
            return err_set(e, RC_LIMIT, "a key name of %llu bytes at byte %llu",
                           (unsigned long long)len, (unsigned long long)lookahead_at(&r->w));
        if (lookahead_need(&r->w, (size_t)len, e))
            return err_code(e);
        reserve_args(r, r->next + 1);
        r->offs[r->next] = r->w.pos - r->w.keep;
        r->argv[r->next].n = (size_t)len;
        (void)lookahead_take(&r->w, (size_t)len);
        if (take_crlf(r, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
resp_reader_next(struct resp_reader *r, struct cmd *out, bool *over, struct err *e)
{
    uint64_t argc;

    BUG_ON(r->in_arg);
    lookahead_unpin(&r->w);
    if (skip_empty_lines(r, over, e))
        return err_code(e);
    if (*over)
        return RC_OK;
    lookahead_pin(&r->w);
    out->at = lookahead_at(&r->w);
    if (read_number(r, '*', &argc, e))
        return err_code(e);
    if (argc == 0 || argc > CMD_ARGS_MAX)
        return err_set(e, argc == 0 ? RC_CORRUPT : RC_LIMIT,
                       "a command of %llu arguments at byte %llu", (unsigned long long)argc,
                       (unsigned long long)out->at);
    r->argc = (uint32_t)argc;
    r->next = 0;
    if (read_args(r, e))
        return err_code(e);
    out->raw = lookahead_pinned(&r->w);
    for (uint32_t i = 0; i < r->next; i++)
        r->argv[i].p = out->raw.p + r->offs[i];
    out->argc = r->argc;
    out->argv = r->argv;
    out->n = r->next;
    out->whole = !r->in_arg;
    return RC_OK;
}

/* Between two arguments of a long command: the framing of the next one. */
static enum rc
next_long_arg(struct resp_reader *r, struct resp_reader_piece *out, struct err *e)
{
    lookahead_pin(&r->w);
    if (take_crlf(r, e))
        return err_code(e);
    r->next++;
    out->arg = -1;
    out->bytes = str_of(NULL, 0);
    out->off = out->total = 0;
    out->last = r->next == r->argc;
    r->in_arg = !out->last;
    if (!out->last) {
        if (read_arg_len(r, &r->arg_total, e))
            return err_code(e);
        r->arg_off = 0;
    }
    out->raw = lookahead_pinned(&r->w);
    return RC_OK;
}

enum rc
resp_reader_more(struct resp_reader *r, struct resp_reader_piece *out, struct err *e)
{
    size_t n;

    BUG_ON(!r->in_arg);
    lookahead_unpin(&r->w);
    if (r->arg_off == r->arg_total && r->arg_off != 0)
        return next_long_arg(r, out, e);
    if (r->arg_total == 0 && r->arg_off == 0) { /* an empty one still is an argument */
        r->arg_off = UINT64_MAX;
        *out = (struct resp_reader_piece){.arg = r->next};
        return RC_OK;
    }
    if (r->arg_off == UINT64_MAX)
        return next_long_arg(r, out, e);
    n = (size_t)MIN(r->arg_total - r->arg_off, (uint64_t)PIECE);
    if (lookahead_need(&r->w, n, e))
        return err_code(e);
    out->bytes = out->raw = str_of(lookahead_take(&r->w, n), n);
    out->arg = r->next;
    out->off = r->arg_off;
    out->total = r->arg_total;
    out->last = false;
    r->arg_off += n;
    return RC_OK;
}
