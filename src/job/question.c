/* SPDX-License-Identifier: Apache-2.0 */
#include "job/question.h"

#include <ctype.h>

#include "base/hex.h"
#include "base/mem.h"

enum { WORDS_MAX = 64, WORD_MAX = 1024 * 1024, SHOWN = 120 };

/* Every one of them reads, needs no time to expire, and answers in an order that is the data's own or the command's. */
static const char *const reads[] = {
    "GET",       "MGET",          "STRLEN",    "GETRANGE",  "GETBIT",    "BITCOUNT",  "EXISTS",
    "TYPE",      "DBSIZE",        "LLEN",      "LINDEX",    "LRANGE",    "LPOS",      "SCARD",
    "SISMEMBER", "SMISMEMBER",    "HGET",      "HMGET",     "HEXISTS",   "HLEN",      "HSTRLEN",
    "ZCARD",     "ZSCORE",        "ZMSCORE",   "ZRANK",     "ZREVRANK",  "ZCOUNT",    "ZRANGE",
    "ZREVRANGE", "ZRANGEBYSCORE", "ZLEXCOUNT", "XLEN",      "XRANGE",    "XREVRANGE", "GEOPOS",
    "GEODIST",   "GEOHASH",       "JSON.GET",  "JSON.TYPE", "BF.EXISTS", "TS.GET"};
/* Whose numbers are counts, not values of somebody's. */
static const char *const counts[] = {"STRLEN", "BITCOUNT", "EXISTS", "DBSIZE", "LLEN",      "SCARD",
                                     "HLEN",   "HSTRLEN",  "ZCARD",  "ZCOUNT", "ZLEXCOUNT", "XLEN"};

enum compare { IS, AT_LEAST, AT_MOST };

struct word {
    struct buf text;
    bool quoted;
};

struct question {
    char *shown; /* the command, for people */
    struct word words[WORDS_MAX];
    size_t n, first; /* of the command: words[first] to words[answer - 1] */
    size_t answer;   /* words[answer] to words[n - 1] */
    enum compare compare;
    int64_t db, number;
};

/* ---- read ---- */

static bool
escape_read(const char **at, char *out)
{
    static const char names[] = "nrtba\"\\", means[] = "\n\r\t\b\a\"\\";
    const char *name;
    uint8_t byte;

    if (**at == 'x' && (*at)[1] != '\0' && (*at)[2] != '\0' &&
        hex_decode(str_of((const uint8_t *)*at + 1, 2), &byte, 1)) {
        *out = (char)byte;
        *at += 3;
        return true;
    }
    name = **at != '\0' ? strchr(names, **at) : NULL;
    if (name == NULL)
        return false;
    *out = means[name - names];
    (*at)++;
    return true;
}

/* A word from `*at` on, up to a blank; RC_USAGE. */
static enum rc
word_read(const char **at, struct word *w, struct err *e)
{
    char quote = '\0', c;

    buf_init(&w->text, WORD_MAX);
    w->quoted = **at == '"' || **at == '\'';
    if (w->quoted)
        quote = *(*at)++;
    for (; **at != '\0' && (quote != '\0' ? **at != quote : !isspace((unsigned char)**at));) {
        c = *(*at)++;
        if (c == '\\' && quote == '"' && !escape_read(at, &c))
            return err_set(e, RC_USAGE,
                           "\"\\%c\" is not an escape: \\n, \\r, \\t, \\xHH, \\\", \\\\", **at);
        if (buf_add(&w->text, &c, 1, e))
            return err_code(e);
    }
    if (quote != '\0' && *(*at)++ != quote)
        return err_set(e, RC_USAGE, "a quote is not closed");
    if (**at != '\0' && !isspace((unsigned char)**at))
        return err_set(e, RC_USAGE, "a blank is missing behind a quoted word");
    return RC_OK;
}

static bool
word_is(const struct word *w, const char *text)
{
    return !w->quoted && str_eq(buf_str(&w->text), str_c(text));
}

static bool
is_one_of(struct str word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_is_word(word, list[i]))
            return true;
    return false;
}

static bool
word_compares(const struct word *w, enum compare *out)
{
    static const char *const signs[] = {"=>", ">=", "<="};

    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (word_is(w, signs[i])) {
            *out = (enum compare)i;
            return true;
        }
    return false;
}

/* All words; the sign between command and answer is none of them. */
static enum rc
question_words(struct question *q, const char *text, struct err *e)
{
    const char *at = text;

    for (;;) {
        struct word *w = &q->words[q->n];
        const char *from;

        at += strspn(at, " \t\n");
        if (*at == '\0')
            return RC_OK;
        if (q->n == WORDS_MAX - 1)
            return err_set(e, RC_USAGE, "it has more than %d words", WORDS_MAX - 1);
        from = at;
        q->n++;
        if (word_read(&at, w, e))
            return err_code(e);
        if (q->answer != 0 || !word_compares(w, &q->compare))
            continue;
        q->n--;
        buf_release(&w->text);
        q->answer = q->n;
        q->shown = mem_strndup(text, (size_t)(from - text));
    }
}

static enum rc
question_check(struct question *q, struct err *e)
{
    char shown[SHOWN];

    if (q->n > 2 && word_is(&q->words[0], "-n")) {
        if (!str_to_i64(buf_str(&q->words[1].text), &q->db) || q->db < 0)
            return err_set(e, RC_USAGE, "-n needs the number of a database");
        q->first = 2;
    }
    if (q->answer <= q->first || q->n == q->answer)
        return err_set(e, RC_USAGE, "write COMMAND => ANSWER, as in: GET greeting => hello");
    if (!is_one_of(buf_str(&q->words[q->first].text), reads, ARRAY_LEN(reads)))
        return err_set(e, RC_USAGE,
                       "%s is not a command for this: only such as read data, GET and "
                       "DBSIZE and the like",
                       str_show(buf_str(&q->words[q->first].text), shown, sizeof(shown)));
    if (q->compare != IS &&
        (q->n != q->answer + 1 || !str_to_i64(buf_str(&q->words[q->answer].text), &q->number)))
        return err_set(e, RC_USAGE, ">= and <= need one whole number behind them");
    return RC_OK;
}

enum rc
question_parse(const char *text, struct question **out, struct err *e)
{
    struct question *q = MEM_NEW(struct question);
    char shown[SHOWN];

    if (question_words(q, text, e) || question_check(q, e)) {
        question_free(q);
        return err_wrap(e, "the question '%s'", str_show(str_c(text), shown, sizeof(shown)));
    }
    while (q->shown[0] != '\0' && isspace((unsigned char)q->shown[strlen(q->shown) - 1]))
        q->shown[strlen(q->shown) - 1] = '\0';
    *out = q;
    return RC_OK;
}

void
question_free(struct question *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->n; i++)
        buf_release(&q->words[i].text);
    mem_free(q->shown);
    mem_free(q);
}

/* ---- asked ---- */

/* The next word that is expected, and what came. */
static bool
answer_matches(const struct question *q, size_t *at, const struct reply *r)
{
    uint8_t text[STR_INT_MAX];
    const struct word *w;
    struct str s = r->s;

    if (r->type == REPLY_ARRAY) {
        for (size_t i = 0; i < r->n; i++)
            if (!answer_matches(q, at, &r->items[i]))
                return false;
        return true;
    }
    if (*at == q->n)
        return false;
    w = &q->words[(*at)++];
    if (r->type == REPLY_NIL)
        return word_is(w, "(nil)");
    if (r->type == REPLY_INT)
        s = str_of(text, str_put_i64(r->integer, text));
    return r->type != REPLY_ERROR && str_eq(s, buf_str(&w->text));
}

static bool
answer_number(const struct reply *r, int64_t *out)
{
    *out = r->integer;
    return r->type == REPLY_INT || (r->type == REPLY_BULK && str_to_i64(r->s, out));
}

bool
question_is_answer(const struct question *q, const struct reply *r)
{
    size_t at = q->answer;
    int64_t number;

    if (q->compare != IS)
        return answer_number(r, &number) &&
               (q->compare == AT_LEAST ? number >= q->number : number <= q->number);
    if (r->type == REPLY_ARRAY && r->n == 0)
        return q->n == q->answer + 1 && word_is(&q->words[q->answer], "(empty)");
    return answer_matches(q, &at, r) && at == q->n;
}

static enum rc
question_wrong(const struct question *q, const struct reply *r, struct err *e)
{
    bool count = is_one_of(buf_str(&q->words[q->first].text), counts, ARRAY_LEN(counts));
    char shown[SHOWN];

    (void)str_show(str_c(q->shown), shown, sizeof(shown));
    if (r->type == REPLY_INT && count)
        return err_set(e, RC_CORRUPT, "the answer to '%s' is %lld, which was not expected", shown,
                       (long long)r->integer);
    if (r->type == REPLY_NIL)
        return err_set(e, RC_CORRUPT, "the answer to '%s' is that there is nothing", shown);
    return err_set(e, RC_CORRUPT, "the answer to '%s' is not the one that was expected", shown);
}

enum rc
question_ask(struct ctx *cx, struct conn *c, const struct question *q, struct err *e)
{
    struct str argv[WORDS_MAX];
    struct reply r;
    char shown[SHOWN], text[SHOWN];

    for (size_t i = q->first; i < q->answer; i++)
        argv[i - q->first] = buf_str(&q->words[i].text);
    if (conn_select(cx, c, (uint64_t)q->db, e) ||
        conn_call(cx, c, argv, q->answer - q->first, &r, e))
        return err_code(e);
    if (r.type == REPLY_ERROR)
        return err_set(e, RC_CORRUPT, "the answer to '%s' is an error: %s",
                       str_show(str_c(q->shown), shown, sizeof(shown)),
                       reply_error_text(&r, text, sizeof(text)));
    return question_is_answer(q, &r) ? RC_OK : question_wrong(q, &r, e);
}
