/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/resp.h"

static size_t
put_u64(char *to, uint64_t v)
{
    char tmp[20];
    size_t n = 0;

    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    for (size_t i = 0; i < n; i++)
        to[i] = tmp[n - 1 - i];
    return n;
}

void
resp_head(struct buf *to, char mark, uint64_t n)
{
    char text[RESP_HEAD_MAX];
    size_t len = 1;

    text[0] = mark;
    len += put_u64(text + 1, n);
    text[len++] = '\r';
    text[len++] = '\n';
    buf_must_add(to, text, len);
}

void
resp_arg(struct buf *to, struct str arg)
{
    resp_head(to, '$', arg.n);
    buf_must_add(to, arg.p, arg.n);
    buf_must_add(to, "\r\n", 2);
}

void
resp_arg_u64(struct buf *to, uint64_t v)
{
    char text[RESP_HEAD_MAX];

    resp_arg(to, str_of(text, put_u64(text, v)));
}

void
resp_cmd(struct buf *to, const struct str *argv, size_t argc)
{
    resp_head(to, '*', argc);
    for (size_t i = 0; i < argc; i++)
        resp_arg(to, argv[i]);
}
