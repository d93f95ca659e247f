/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/ability.h"

#include <stdio.h>

#include "base/clock.h"
#include "rdb/payload.h"

enum { NO_SUCH_TYPE = 250, PAYLOAD_BYTES = 1 + PAYLOAD_FOOTER };

/* Questions in the order of their answers; the payloads of all versions follow, MODULE LIST, TIME. */
enum question {
    ASK_REPLACE,
    ASK_ABSTTL,
    ASK_STREAMS,
    ASK_CREATE_CONSUMER,
    ASK_XSETID,
    ASK_ENTRIESREAD,
    ASK_FUNCTIONS,
    ASK_FIELD_EXPIRY,
    ASK_GETEX, /* of 6.2, since which no payload ends the server */
    ASK_N
};

static void
ability_ask_words(struct buf *out, struct str key)
{
    struct str none = STR_LIT("x");

    RESP_CMD(out, STR_LIT("RESTORE"), key, STR_LIT("1"), none, STR_LIT("REPLACE"));
    RESP_CMD(out, STR_LIT("RESTORE"), key, STR_LIT("1"), none, STR_LIT("REPLACE"),
             STR_LIT("ABSTTL"));
    RESP_CMD(out, STR_LIT("XLEN"), key);
    RESP_CMD(out, STR_LIT("XGROUP"), STR_LIT("CREATECONSUMER"), key, none, none);
    RESP_CMD(out, STR_LIT("XSETID"), key, STR_LIT("1-1"), STR_LIT("ENTRIESADDED"), STR_LIT("1"),
             STR_LIT("MAXDELETEDID"), STR_LIT("0-0"));
    RESP_CMD(out, STR_LIT("XGROUP"), STR_LIT("CREATE"), key, none, STR_LIT("0"),
             STR_LIT("ENTRIESREAD"), STR_LIT("1"));
    RESP_CMD(out, STR_LIT("FUNCTION"), STR_LIT("LOAD"), STR_LIT("REPLACE"));
    RESP_CMD(out, STR_LIT("HPEXPIREAT"), key, STR_LIT("1"), STR_LIT("FIELDS"), STR_LIT("1"), none);
    RESP_CMD(out, STR_LIT("GETEX"), key);
}

static uint16_t
ability_rdb_version(size_t slot)
{
    return slot == ADAPT_RDB_SLOTS - 1 ? ADAPT_RDB_VALKEY : (uint16_t)slot;
}

/* A payload that is whole but for its type, which there is not: never more than its version counts. */
static void
ability_ask_payload(struct buf *out, struct str key, uint16_t version)
{
    struct ev ev = {.kind = EV_PAYLOAD};
    uint8_t bytes[PAYLOAD_BYTES] = {NO_SUCH_TYPE};

    ev.u.payload.rdb_type = NO_SUCH_TYPE;
    ev.u.payload.version = version;
    payload_footer(&ev, bytes + 1);
    RESP_CMD(out, STR_LIT("RESTORE"), key, STR_LIT("1"), str_of(bytes, sizeof(bytes)));
}

static bool
ability_says(const struct reply *r, const char *words)
{
    return r->type == REPLY_ERROR && memmem(r->s.p, r->s.n, words, strlen(words)) != NULL;
}

/* Does the answer say that the server knows no such words? */
static bool
ability_unknown(const struct reply *r)
{
    return ability_says(r, "nknown command") || ability_says(r, "nknown subcommand") ||
           ability_says(r, "wrong number of arguments") || ability_says(r, "syntax error");
}

/* The names in the answer to MODULE LIST, each between spaces. */
static void
ability_take_modules(const struct reply *r, struct adapt_target *t)
{
    size_t n = 0;

    t->modules_told = r->type == REPLY_ARRAY;
    for (size_t i = 0; r->type == REPLY_ARRAY && i < r->n; i++) {
        const struct reply *one = &r->items[i];

        if (one->type != REPLY_ARRAY || one->n < 2 || !str_eq(one->items[0].s, STR_LIT("name")) ||
            n + one->items[1].s.n + 3 > sizeof(t->modules))
            continue;
        t->modules[n++] = ' ';
        memcpy(t->modules + n, one->items[1].s.p, one->items[1].s.n);
        n += one->items[1].s.n;
        t->modules[n] = ' ';
        t->modules[n + 1] = '\0';
    }
}

static enum rc
ability_take_time(struct ctx *cx, struct conn *c, struct adapt_target *t, struct err *e)
{
    struct reply r;
    int64_t s, us;

    if (conn_recv(cx, c, &r, e))
        return err_code(e);
    if (r.type == REPLY_ARRAY && r.n == 2 && str_to_i64(r.items[0].s, &s) &&
        str_to_i64(r.items[1].s, &us) && s > 0 && s < INT64_MAX / 2000)
        t->ahead_ms = s * 1000 + us / 1000 - clock_real_ms();
    return RC_OK;
}

static void
ability_judge(const bool knows[static ASK_N], struct adapt_target *t)
{
    t->replace = knows[ASK_REPLACE];
    t->absttl = knows[ASK_ABSTTL];
    t->streams = knows[ASK_STREAMS];
    t->stream_counts = knows[ASK_XSETID] && knows[ASK_ENTRIESREAD];
    t->functions = knows[ASK_FUNCTIONS];
    t->field_expiry = knows[ASK_FIELD_EXPIRY];
    /* Older ones look for the key before they refuse the word. */
    t->create_consumer = knows[ASK_CREATE_CONSUMER] && knows[ASK_GETEX];
    t->survives_modules = knows[ASK_GETEX];
}

enum rc
ability_try_write(struct ctx *cx, struct conn *c, const char *key, struct err *e)
{
    struct reply r;
    int64_t since = 0;
    bool again;

    do {
        if (CONN_CALL(cx, c, &r, e, STR_LIT("DEL"), str_c(key)) ||
            conn_wait(cx, c, &r, &since, &again, e))
            return err_code(e);
    } while (again);
    if (r.type == REPLY_ERROR && !reply_is_error(&r, "NOPERM") && !reply_is_error(&r, "ERR"))
        return conn_fail(c, &r, "the server takes no writes", e);
    return RC_OK;
}

enum rc
ability_ask(struct ctx *cx, struct conn *c, const char *key, struct adapt_target *out,
            struct err *e)
{
    struct adapt_target t = adapt_anything();
    bool knows[ASK_N];
    struct reply r;

    ability_ask_words(&c->out, str_c(key));
    for (size_t i = 1; i < ADAPT_RDB_SLOTS; i++)
        ability_ask_payload(&c->out, str_c(key), ability_rdb_version(i));
    RESP_CMD(&c->out, STR_LIT("MODULE"), STR_LIT("LIST"));
    RESP_CMD(&c->out, STR_LIT("TIME"));
    if (conn_flush(cx, c, e))
        return err_code(e);
    for (size_t i = 0; i < ASK_N; i++) {
        if (conn_recv(cx, c, &r, e))
            return err_code(e);
        knows[i] = !ability_unknown(&r);
    }
    ability_judge(knows, &t);
    for (size_t i = 1; i < ADAPT_RDB_SLOTS; i++) {
        if (conn_recv(cx, c, &r, e))
            return err_code(e);
        t.rdb[i] = !ability_says(&r, "DUMP payload version") && !ability_says(&r, "foreign");
    }
    if (conn_recv(cx, c, &r, e))
        return err_code(e);
    ability_take_modules(&r, &t);
    if (ability_take_time(cx, c, &t, e))
        return err_code(e);
    *out = t;
    return RC_OK;
}
