/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/lzf.h"

struct token {
    size_t bytes; /* of input, literals included; 0: the input ends inside */
    size_t run;   /* of output */
    size_t back;  /* 0: literals */
};

static inline struct token
read_token(struct str in, size_t at)
{
    size_t left = in.n - at, c = in.p[at], more;
    struct token t = {0, 0, 0};

    if (c < 32) {
        t.run = c + 1;
        t.bytes = left > t.run ? 1 + t.run : 0;
        return t;
    }
    more = c >> 5 == 7;
    if (left < 2 + more)
        return t;
    t.bytes = 2 + more;
    t.run = (c >> 5) + 2 + (more ? in.p[at + 1] : 0U);
    t.back = ((c & 31) << 8) + in.p[at + 1 + more] + 1;
    return t;
}

static inline void
copy_back(uint8_t *to, size_t back, size_t n)
{
    const uint8_t *from = to - back;

    /* Where the runs overlap the copy repeats what it writes: from `from` on there is twice as much of it each time. */
    for (; back < n; back *= 2) {
        memcpy(to, from, back);
        to += back;
        n -= back;
    }
    memcpy(to, from, n);
}

/* Decode one token at *at; `*stop` when it needs more input, or more room than out_n gives. */
static inline enum rc
decode_token(struct str in, size_t *at, uint8_t *out, size_t *have, size_t out_n, bool *stop,
             struct err *e)
{
    struct token t = read_token(in, *at);

    *stop = t.bytes == 0 || t.run > out_n - *have;
    if (*stop)
        return RC_OK;
    if (t.back > *have)
        return err_set(e, RC_CORRUPT, "compressed string points before its start");
    if (t.back == 0)
        memcpy(out + *have, in.p + *at + 1, t.run);
    else
        copy_back(out + *have, t.back, t.run);
    *at += t.bytes;
    *have += t.run;
    return RC_OK;
}

enum rc
lzf_decode(struct str in, uint8_t *out, size_t out_n, struct err *e)
{
    size_t at = 0, have = 0;
    bool stop;

    while (at < in.n) {
        if (decode_token(in, &at, out, &have, out_n, &stop, e))
            return err_code(e);
        if (stop)
            return err_set(e, RC_CORRUPT, "compressed string is cut or longer than it says");
    }
    if (have != out_n)
        return err_set(e, RC_CORRUPT, "compressed string gives %zu bytes instead of %zu", have,
                       out_n);
    return RC_OK;
}

enum rc
lzf_step(struct str in, size_t *used, uint8_t *out, size_t *have, size_t out_n, struct err *e)
{
    size_t at = 0;
    bool stop = false;

    while (at < in.n && !stop)
        if (decode_token(in, &at, out, have, out_n, &stop, e))
            return err_code(e);
    *used = at;
    return RC_OK;
}
