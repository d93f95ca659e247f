/* SPDX-License-Identifier: Apache-2.0 */
/* The reply reader: any bytes, in two pieces, must give replies or an error, and the same as in one
 * piece. */
#include "base/mem.h"
#include "redis/info.h"
#include "redis/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static uint64_t
weigh(const struct reply *r)
{
    uint64_t sum = (uint64_t)r->type * 31 + (uint64_t)r->integer;

    for (size_t i = 0; i < r->s.n; i++)
        sum = sum * 131 + r->s.p[i];
    for (size_t i = 0; i < r->n; i++)
        sum = sum * 17 + weigh(&r->items[i]);
    return sum;
}

static uint64_t
read_all(const uint8_t *p, size_t n, size_t split)
{
    struct err e = ERR_INIT;
    struct reply_reader r;
    struct reply one;
    uint64_t sum = 0;
    size_t at = 0;
    char text[100];

    reply_reader_init(&r);
    while (at < n) {
        size_t step = MIN(split, n - at), cap;
        uint8_t *to;
        bool whole = true;
        if (reply_room(&r, step, &to, &cap, &e))
            break;
        memcpy(to, p + at, step);
        reply_fed(&r, step);
        at += step;
        while (whole) {
            if (reply_next(&r, &one, &whole, &e)) {
                at = n;
                break;
            }
            if (whole) {
                sum = sum * 7 + weigh(&one);
                if (one.type == REPLY_ERROR)
                    (void)reply_error_text(&one, text, sizeof(text));
            }
        }
    }
    reply_reader_release(&r);
    return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct conn_info info;
    struct err e = ERR_INIT;

    if (n == 0)
        return 0;
    if (read_all(p + 1, n - 1, n) != read_all(p + 1, n - 1, (size_t)p[0] % 17 + 1))
        BUG("the replies differ");
    if (info_parse(str_of(p, n), &info, &e) == RC_OK)
        conn_info_release(&info);
    return 0;
}
