/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "redis/reply.h"

enum { KEEP_BYTES = 1024 * 1024, KEEP_NODES = 4096 };

void
reply_reader_init(struct reply_reader *r)
{
    *r = (struct reply_reader){.todo = 1};
    buf_init(&r->in, (size_t)REPLY_BYTES_MAX + KEEP_BYTES);
}

void
reply_allow(struct reply_reader *r, uint64_t max)
{
    r->in.max = (size_t)max + KEEP_BYTES;
}

static enum rc
too_long(const struct reply_reader *r, struct err *e)
{
    return err_set(e, RC_LIMIT, "a reply is longer than %zu MiB", (r->in.max - KEEP_BYTES) >> 20);
}

void
reply_reader_release(struct reply_reader *r)
{
    buf_release(&r->in);
    mem_free(r->nodes);
    r->nodes = NULL;
}

/* Move the reply at work to the front, and give back memory that a giant needed. */
static void
reply_settle(struct reply_reader *r)
{
    size_t left = r->in.n - r->pos;

    if (r->pos == 0)
        return;
    if (r->in.cap > 4 * (size_t)KEEP_BYTES && left < KEEP_BYTES) {
        struct buf fresh;
        buf_init(&fresh, r->in.max);
        if (left != 0)
            buf_must_add(&fresh, r->in.p + r->pos, left);
        buf_release(&r->in);
        r->in = fresh;
    } else {
        if (left != 0)
            memmove(r->in.p, r->in.p + r->pos, left);
        r->in.n = left;
    }
    r->seen -= r->pos;
    r->pos = 0;
}

enum rc
reply_room(struct reply_reader *r, size_t n, uint8_t **p, size_t *cap, struct err *e)
{
    reply_settle(r);
    if (buf_reserve(&r->in, n, e))
        return too_long(r, e);
    *p = r->in.p + r->in.n;
    *cap = r->in.cap - r->in.n;
    return RC_OK;
}

void
reply_fed(struct reply_reader *r, size_t n)
{
    r->in.n += n;
}

struct str
reply_rest(const struct reply_reader *r)
{
    return str_of(r->in.p == NULL ? NULL : r->in.p + r->pos, r->in.n - r->pos);
}

void
reply_skip(struct reply_reader *r, size_t n)
{
    BUG_ON(n > r->in.n - r->pos);
    r->pos += n;
    r->seen = r->pos;
    r->todo = 1;
    r->nodes_n = 0;
}

static enum rc
not_resp(struct err *e, const uint8_t *p, size_t n)
{
    char shown[40];

    (void)err_set(e, RC_CORRUPT, "an answer is not in Redis's protocol: it starts with \"%s\"",
                  str_show(str_of(p, MIN(n, 8)), shown, sizeof(shown)));
    return err_hint(e, "is this the port of a Redis server? with TLS, use rediss://");
}

/* The line at `at` without CR LF; *n = 0 with *whole false while it has not come whole. */
static enum rc
line_at(const struct reply_reader *r, size_t at, struct str *line, bool *whole, struct err *e)
{
    const uint8_t *p = r->in.p + at;
    size_t n = r->in.n - at;
    const uint8_t *cr = n == 0 ? NULL : memchr(p, '\r', MIN(n, (size_t)REPLY_LINE_MAX));

    *whole = false;
    if (n == 0)
        return RC_OK;
    if (cr == NULL && n >= REPLY_LINE_MAX)
        return not_resp(e, p, n);
    if (cr == NULL || (size_t)(cr - p) + 1 == n)
        return RC_OK;
    if (cr[1] != '\n')
        return not_resp(e, p, n);
    *line = str_of(p, (size_t)(cr - p));
    *whole = true;
    return RC_OK;
}

static struct str
reply_tail(struct str s)
{
    return str_of(s.p + 1, s.n - 1);
}

/* The count in a `$` or `*` line: -1 or a length. */
static bool
count_of(struct str line, int64_t *n)
{
    return str_to_i64(reply_tail(line), n) && *n >= -1;
}

/* Check one element at r->seen and step over it; *whole = false: it has not come whole. */
static enum rc
check_one(struct reply_reader *r, bool *whole, struct err *e)
{
    struct str line = {.n = 0};
    int64_t n;
    size_t size;

    if (line_at(r, r->seen, &line, whole, e))
        return err_code(e);
    if (!*whole)
        return RC_OK;
    size = line.n + 2;
    switch (line.n == 0 ? 0 : line.p[0]) {
    case '+':
    case '-':
        break;
    case ':':
        if (!str_to_i64(reply_tail(line), &n))
            return not_resp(e, line.p, line.n);
        break;
    case '$':
        if (!count_of(line, &n))
            return not_resp(e, line.p, line.n);
        if (n > (int64_t)(r->in.max - KEEP_BYTES))
            return too_long(r, e);
        if (n < 0)
            break;
        if (r->in.n - r->seen - size < (size_t)n + 2) {
            *whole = false;
            return RC_OK;
        }
        if (memcmp(line.p + size + n, "\r\n", 2) != 0)
            return not_resp(e, line.p, line.n);
        size += (size_t)n + 2;
        break;
    case '*':
        if (!count_of(line, &n))
            return not_resp(e, line.p, line.n);
        if (n > REPLY_NODES_MAX || r->todo + r->nodes_n > REPLY_NODES_MAX)
            return err_set(e, RC_LIMIT, "a reply has more than %d elements", REPLY_NODES_MAX);
        r->todo += n > 0 ? (uint64_t)n : 0;
        break;
    default:
        return not_resp(e, line.p, line.n);
    }
    r->seen += size;
    r->todo--;
    r->nodes_n++;
    return RC_OK;
}

struct builder {
    struct reply_reader *r;
    size_t at;   /* in the bytes */
    size_t used; /* of the nodes */
};

/* Turn bytes that were checked into nodes. The children of an array stand together. */
static enum rc
reply_build(struct builder *b, struct reply *to, unsigned depth, struct err *e)
{
    const uint8_t *p = b->r->in.p + b->at;
    const uint8_t *cr = memchr(p, '\r', b->r->in.n - b->at);
    struct str text = str_of(p + 1, (size_t)(cr - p) - 1);
    int64_t n = 0;

    b->at += text.n + 3;
    *to = (struct reply){.type = REPLY_STATUS, .s = text};
    if (p[0] == '+')
        return RC_OK;
    if (p[0] == '-') {
        to->type = REPLY_ERROR;
        return RC_OK;
    }
    (void)str_to_i64(text, &n);
    *to = (struct reply){.type = REPLY_INT, .integer = n};
    if (p[0] == ':')
        return RC_OK;
    to->integer = 0;
    to->type = n < 0 ? REPLY_NIL : p[0] == '$' ? REPLY_BULK : REPLY_ARRAY;
    if (to->type == REPLY_BULK) {
        to->s = str_of(b->r->in.p + b->at, (size_t)n);
        b->at += (size_t)n + 2;
    }
    if (to->type == REPLY_ARRAY) {
        struct reply *items = b->r->nodes + b->used;
        if (depth == REPLY_DEPTH_MAX)
            return err_set(e, RC_LIMIT, "a reply has more than %d nested arrays", REPLY_DEPTH_MAX);
        to->items = items;
        to->n = (size_t)n;
        b->used += to->n;
        for (size_t i = 0; i < to->n; i++) {
            if (reply_build(b, &items[i], depth + 1, e))
                return err_code(e);
        }
    }
    return RC_OK;
}

enum rc
reply_next(struct reply_reader *r, struct reply *out, bool *whole, struct err *e)
{
    struct builder b = {.r = r, .at = r->pos};

    *whole = true;
    while (r->todo != 0 && *whole) {
        enum rc rc = check_one(r, whole, e);
        if (rc)
            return rc;
    }
    if (!*whole)
        return RC_OK;
    if (r->nodes_n > r->nodes_cap || (r->nodes_cap > KEEP_NODES * 16 && r->nodes_n < KEEP_NODES)) {
        r->nodes_cap = MAX(r->nodes_n, (size_t)KEEP_NODES / 16);
        mem_free(r->nodes);
        r->nodes = mem_zero(r->nodes_cap, sizeof(*r->nodes));
    }
    if (reply_build(&b, out, 0, e))
        return err_code(e);
    r->pos = r->seen;
    r->todo = 1;
    r->nodes_n = 0;
    return RC_OK;
}

struct str
reply_field(const struct reply *r, const char *name)
{
    for (size_t i = 0; r->type == REPLY_ARRAY && i + 1 < r->n; i += 2)
        if (str_eq(r->items[i].s, str_c(name)))
            return r->items[i + 1].s;
    return str_of(NULL, 0);
}

bool
reply_is_error(const struct reply *r, const char *code)
{
    size_t n = strlen(code);

    return r->type == REPLY_ERROR && r->s.n >= n && memcmp(r->s.p, code, n) == 0 &&
           (r->s.n == n || r->s.p[n] == ' ');
}

bool
reply_is_status(const struct reply *r, const char *text)
{
    return r->type == REPLY_STATUS && str_eq(r->s, str_c(text));
}

const char *
reply_error_text(const struct reply *r, char *to, size_t n)
{
    static const char quoting[] = ", with args";
    const uint8_t *cut = r->s.n == 0 ? NULL : memmem(r->s.p, r->s.n, quoting, sizeof(quoting) - 1);
    struct str s = str_of(r->s.p, cut == NULL ? r->s.n : (size_t)(cut - r->s.p));
    size_t used = 0;

    while (s.n != 0 && used + 1 < n) {
        to[used++] = (char)(s.p[0] < ' ' || s.p[0] >= 0x7f ? '?' : s.p[0]);
        s = reply_tail(s);
    }
    to[used] = '\0';
    return to;
}
