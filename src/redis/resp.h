/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_RESP_H
#define REDIS_RESP_H

/*
 * redis/resp -- write commands as servers read them: arrays of bulk strings.
 *
 * Errors   none: the buffers belong to us and are bounded by what we put in (see buf_must_add).
 */
#include "base/buf.h"

enum { RESP_HEAD_MAX = 24 };

/* Append `*argc` or `$n` with CR LF. */
void resp_head(struct buf *to, char mark, uint64_t n);
/* Append one argument; the head of the command with its count came before. */
void resp_arg(struct buf *to, struct str arg);
void resp_arg_u64(struct buf *to, uint64_t v);
/* Append a whole command. */
void resp_cmd(struct buf *to, const struct str *argv, size_t argc);

/* A command of C strings: RESP_CMD(&b, STR_LIT("SELECT"), str_c(n)). */
#define RESP_CMD(to, ...)                                                                          \
    resp_cmd((to), (const struct str[]){__VA_ARGS__},                                              \
             sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str))

#endif
