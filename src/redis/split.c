/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/split.h"

#include <stdlib.h>

/* Commands that do the same in parts as in one, and by which name every version takes the parts. */
static const struct {
    const char *word, *verb;
    enum cmd_answer answer;
    uint32_t fixed;
} splits[] = {
    {"SADD", "SADD", ANSWER_COUNT, 2},  {"RPUSH", "RPUSH", ANSWER_INT, 2},
    {"LPUSH", "LPUSH", ANSWER_INT, 2},  {"HSET", "HMSET", ANSWER_OK, 2},
    {"HMSET", "HMSET", ANSWER_OK, 2},   {"ZADD", "ZADD", ANSWER_COUNT, 2},
    {"SREM", "SREM", ANSWER_COUNT, 2},  {"ZREM", "ZREM", ANSWER_COUNT, 2},
    {"HDEL", "HDEL", ANSWER_COUNT, 2},  {"PFADD", "PFADD", ANSWER_COUNT, 2},
    {"MSET", "MSET", ANSWER_OK, 1},     {"DEL", "DEL", ANSWER_COUNT, 1},
    {"UNLINK", "DEL", ANSWER_COUNT, 1},
};

/* ZADD with options would need them in each part. */
static bool
split_is_score(struct str s)
{
    char text[64], *end;

    if (s.n == 0 || s.n >= sizeof(text))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    (void)strtod(text, &end);
    return end == text + s.n;
}

static enum rc
split_front(const struct cmd *c, struct split *s, struct err *e)
{
    if (buf_printf(&s->front, e, "$%zu\r\n%s\r\n", strlen(s->verb), s->verb))
        return err_code(e);
    for (uint32_t i = 1; i < s->fixed; i++)
        if (buf_printf(&s->front, e, "$%zu\r\n", c->argv[i].n) ||
            buf_add_str(&s->front, c->argv[i], e) || buf_add(&s->front, "\r\n", 2, e))
            return err_code(e);
    return RC_OK;
}

enum rc
split_find(const struct cmd *c, struct split *out, bool *cut, struct err *e)
{
    *out = (struct split){.verb = NULL};
    buf_init(&out->front, 2 * EV_HELD_MAX);
    *cut = false;
    if (c->argc <= SPLIT_ARGS_MAX || c->n < 3)
        return RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(splits) && !*cut; i++) {
        if (!str_is_word(c->argv[0], splits[i].word) ||
            (str_is_word(c->argv[0], "ZADD") && !split_is_score(c->argv[2])))
            continue;
        *cut = true;
        out->verb = splits[i].verb;
        out->answer = splits[i].answer;
        out->fixed = splits[i].fixed;
        out->elements = c->argc - splits[i].fixed;
    }
    return *cut ? split_front(c, out, e) : RC_OK;
}

void
split_release(struct split *s)
{
    buf_release(&s->front);
}

uint32_t
split_elements(const struct split *s, uint32_t done)
{
    return MIN(s->elements - done, (uint32_t)SPLIT_ARGS);
}

enum rc
split_head(const struct split *s, uint32_t done, struct str rest, struct buf *out, struct err *e)
{
    buf_reset(out);
    if (buf_printf(out, e, "*%u\r\n", s->fixed + split_elements(s, done)) ||
        buf_add_str(out, buf_str(&s->front), e))
        return err_code(e);
    return buf_add_str(out, rest, e);
}
