/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/rand.h"
#include "dump/verbs.h"
#include "redis/ability.h"
#include "redis/exists_prefetch.h"
#include "redis/allow.h"
#include "redis/empty.h"
#include "redis/held.h"
#include "redis/split.h"

enum { PROGRESS_BYTES = 1024 * 1024, LAST_ANSWERS_MS = 2000 };

struct load {
    struct ctx *cx;
    struct conn *c;
    const struct load_opts *opts;
    struct load_result *result;
    struct resp_reader reader;
    struct dump_decode *undump;
    struct pipeline pump;
    struct exists_prefetch ahead;
    struct adapt_target target; /* what the server takes */
    struct adapt *adapt;        /* NULL: everything */
    struct held held;
    uint64_t told; /* bytes at the last progress call */
    uint64_t ticks;
    char no_key[64]; /* a name that no key has */
    bool sending;    /* not a dry run */
    bool to_empty;   /* LOAD_FLUSH, and not done yet */
    bool in_pieces;  /* a command is sent in part */
    bool in_key;     /* more commands of the key may follow */
};

/*
 * A write that changes nothing shows at once what would stop the load in its middle, and can be
 * waited for: pipelined commands that were refused could not be sent again in order. Then what the
 * server takes is tried.
 */
static enum rc
load_probe(struct load *l, struct err *e)
{
    uint8_t bytes[12];
    char *name = l->no_key;
    size_t n = (size_t)snprintf(name, sizeof(l->no_key), "cstash-probe-");
    struct reply r;
    int64_t since = 0;
    bool again;

    rand_bytes(bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), name + n);
    do {
        if (CONN_CALL(l->cx, l->c, &r, e, STR_LIT("DEL"), str_c(name)) ||
            conn_wait(l->cx, l->c, &r, &since, &again, e))
            return err_code(e);
    } while (again);
    if (r.type == REPLY_ERROR && !reply_is_error(&r, "NOPERM") && !reply_is_error(&r, "ERR"))
        return conn_fail(l->c, &r, "the server takes no writes", e);
    return ability_ask(l->cx, l->c, name, &l->target, e);
}

/*
 * LOAD_FLUSH: the server is emptied when there is something to be written to it: before the first
 * command that writes, after that was judged.
 */
static enum rc
empty_once(struct load *l, uint64_t db, struct str key, struct err *e)
{
    struct empty_for load = {.no_key = l->no_key,
                             .first = key,
                             .verbs = l->opts->verbs | dump_decode_facts(l->undump).verbs};

    if (!l->to_empty)
        return RC_OK;
    if (l->sending && (pipeline_drain(&l->pump, e) ||
                       empty_check_rights(l->cx, l->c, &l->opts->filter, &load, e)))
        return err_code(e);
    l->to_empty = false;
    if (!l->sending)
        return RC_OK;
    l->c->db = -1; /* the dump's SELECTs moved it */
    if (empty_target(l->cx, l->c, &l->opts->filter, &l->result->emptied, e))
        return err_code(e);
    return conn_select(l->cx, l->c, db, e);
}

/* Nothing follows. Only a dump that says itself that it is whole may leave a server empty. */
static enum rc
end_dump(struct load *l, struct err *e)
{
    struct dump_decode_facts facts;

    if (dump_decode_end(l->undump, e))
        return err_code(e);
    facts = dump_decode_facts(l->undump);
    if (!l->to_empty || l->result->filtered_keys != 0)
        return RC_OK;
    if (facts.ours || facts.has_marker)
        return empty_once(l, 0, str_of(NULL, 0), e);
    (void)err_set(e, RC_INVALID,
                  "there is no command that writes data, and no trailer of an empty dump");
    return err_hint(e, "if the server shall only be emptied: redis-cli FLUSHALL");
}

/* Does the command go to the server? Counts keys. */
static bool
load_wanted(struct load *l, const struct command_class *k)
{
    const struct filter *f = &l->opts->filter;

    switch (k->kind) {
    case CMD_META:
    case CMD_MARKER:
        return false;
    case CMD_SELECT:
        return filter_wants_db(f, k->db);
    case CMD_KEY:
        if (filter_wants(f, k->db, k->key))
            return true;
        l->result->filtered_keys += k->starts_key;
        return false;
    default:
        return filter_wants_keyless(f);
    }
}

/* A piece of a long command of the dump. */
static enum rc
next_piece(struct load *l, struct resp_reader_piece *piece, struct err *e)
{
    if (resp_reader_more(&l->reader, piece, e) || dump_decode_piece(l->undump, piece, e))
        return err_code(e);
    l->result->bytes += piece->raw.n;
    return RC_OK;
}

/* The rest of a long command, sent or not. */
static enum rc
pass_pieces(struct load *l, bool send, struct err *e)
{
    struct resp_reader_piece piece;

    l->in_pieces = send;
    do {
        if (next_piece(l, &piece, e) || (send && pipeline_more(&l->pump, piece.raw, e)))
            return err_code(e);
    } while (!piece.last);
    l->in_pieces = false;
    return RC_OK;
}

/* Send what is there of a command, or hold it; `*send`: the rest of it is to be sent too. */
static enum rc
send_begin(struct load *l, const struct cmd *c, const struct command_class *k, bool *send,
           struct err *e)
{
    struct pipeline_note note;

    *send = true;
    pipeline_note(&note, c, k);
    if (k->kind != CMD_KEY)
        return exists_prefetch_settle(&l->ahead, e) ? err_code(e)
                                                    : pipeline_add(&l->pump, &note, c->raw, e);
    if (l->opts->existing == LOAD_SKIP || l->opts->existing == LOAD_FAIL)
        return exists_prefetch_add(&l->ahead, c, k, &note, send, e);
    return pipeline_add(&l->pump, &note, c->raw, e);
}

/* Send a command that is whole, or whose pieces follow in the dump. */
static enum rc
send_one(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    bool send;

    if (send_begin(l, c, k, &send, e) || (!c->whole && pass_pieces(l, send, e)))
        return err_code(e);
    /* Whatever follows a SELECT that failed would land in the wrong database. */
    return k->kind == CMD_SELECT ? pipeline_drain(&l->pump, e) : RC_OK;
}

/* Between two elements of a long command that is sent as several: one ends, the next begins. */
static enum rc
next_part(struct load *l, const struct split *s, uint32_t done, struct str framing,
          struct pipeline_note *note, struct buf *head, struct err *e)
{
    if (pipeline_more(&l->pump, str_of(framing.p, 2), e) ||
        split_head(s, done, str_of(framing.p + 2, framing.n - 2), head, e))
        return err_code(e);
    note->argc = s->fixed + split_elements(s, done);
    note->bytes = head->n;
    note->starts_key = false;
    return pipeline_add(&l->pump, note, buf_str(head), e);
}

static enum rc
send_parts(struct load *l, const struct cmd *c, const struct command_class *k,
           const struct split *s, struct buf *head, struct err *e)
{
    struct str last = c->argv[s->fixed - 1];
    size_t at = (size_t)(last.p + last.n + 2 - c->raw.p);
    uint32_t done = c->n - s->fixed;
    struct cmd part = *c;
    struct command_class one = *k;
    struct resp_reader_piece piece;
    struct pipeline_note note;
    bool send;

    if (split_head(s, 0, str_of(c->raw.p + at, c->raw.n - at), head, e))
        return err_code(e);
    part.raw = buf_str(head);
    part.argc = s->fixed + split_elements(s, 0);
    one.answer = s->answer;
    pipeline_note(&note, &part, &one);
    if (send_begin(l, &part, &one, &send, e))
        return err_code(e);
    l->in_pieces = send;
    do {
        if (next_piece(l, &piece, e))
            return err_code(e);
        done += piece.arg < 0; /* the framing behind each */
        if (send && (piece.arg < 0 && !piece.last && done % SPLIT_ARGS == 0
                         ? next_part(l, s, done, piece.raw, &note, head, e)
                         : pipeline_more(&l->pump, piece.raw, e)))
            return err_code(e);
    } while (!piece.last);
    l->in_pieces = false;
    return RC_OK;
}

/* A long command of more arguments than every server takes goes out as several. */
static enum rc
send_split(struct load *l, const struct cmd *c, const struct command_class *k, bool *cut,
           struct err *e)
{
    struct split s;
    struct buf head;
    enum rc rc;

    buf_init(&head, 2 * EV_HELD_MAX);
    rc = split_find(c, &s, cut, e);
    if (rc == RC_OK && *cut)
        rc = send_parts(l, c, k, &s, &head, e);
    split_release(&s);
    buf_release(&head);
    return rc;
}

/* Make a long command whole. */
static enum rc
load_hold(struct load *l, struct cmd *c, struct err *e)
{
    struct resp_reader_piece piece;

    if (held_begin(&l->held, c, e))
        return err_code(e);
    do {
        if (next_piece(l, &piece, e) || held_add(&l->held, &piece, e))
            return err_code(e);
    } while (!piece.last);
    held_take(&l->held, c);
    return RC_OK;
}

/* The server cannot hold it. */
static enum rc
leave_out(struct load *l, const struct cmd *c, const struct command_class *k, enum adapt_left why,
          struct err *e)
{
    struct pipeline_note note;
    char text[100];

    pipeline_note(&note, c, k);
    (void)snprintf(text, sizeof(text), "not sent: the server cannot hold %s", adapt_left_text(why));
    if (exists_prefetch_settle(&l->ahead, e))
        return err_code(e);
    /* A key that is kept needs nothing. */
    if ((k->starts_key || !exists_prefetch_drops(&l->ahead)) &&
        pipeline_refuse(&l->pump, &note, text, e))
        return err_code(e);
    return c->whole ? RC_OK : pass_pieces(l, false, e);
}

typedef enum rc send_fn(struct load *l, const struct cmd *c, const struct command_class *k,
                        struct err *e);

/* The next command of `in`, made whole. */
static enum rc
next_whole(struct resp_reader *in, struct held *held, struct cmd *c, bool *over, struct err *e)
{
    struct resp_reader_piece piece;

    if (resp_reader_next(in, c, over, e))
        return err_code(e);
    if (*over || c->whole)
        return RC_OK;
    if (held_begin(held, c, e))
        return err_code(e);
    do {
        if (resp_reader_more(in, &piece, e) || held_add(held, &piece, e))
            return err_code(e);
    } while (!piece.last);
    held_take(held, c);
    return RC_OK;
}

/* Commands that stand in place of one, each by `send`. */
static enum rc
send_list(struct load *l, struct str resp, const struct command_class *k, send_fn *send,
          struct err *e)
{
    struct held held = {.n = 0};
    struct command_class one = *k;
    struct resp_reader in;
    struct rd_mem bytes;
    bool over = false;
    enum rc rc = RC_OK;

    rd_mem_init(&bytes, resp, 0);
    resp_reader_init(&in, &bytes.rd);
    while (rc == RC_OK && !over) {
        const struct verb_info *v;
        struct cmd c;

        rc = next_whole(&in, &held, &c, &over, e);
        if (rc != RC_OK || over)
            break;
        v = verb_find(c.argv[0], c.n > 1 ? c.argv[1] : str_of(NULL, 0));
        one.answer = v == NULL ? ANSWER_ANY : v->answer;
        rc = send(l, &c, &one, e);
        one.starts_key = false;
    }
    held_release(&held);
    resp_reader_release(&in);
    return rc;
}

/* A command that is said in other words, or not at all, but is one command. */
static enum rc
send_older(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    enum adapt_verdict verdict;
    enum adapt_left why = ADAPT_N;
    struct cmd older = *c;

    if (adapt_command(l->adapt, c, &verdict, &older.raw, &why, e))
        return err_code(e);
    if (verdict == ADAPT_LEFT_OUT)
        return leave_out(l, c, k, why, e);
    if (verdict == ADAPT_SAME || !c->whole) /* of a long one only the beginning has changed */
        return send_one(l, &older, k, e);
    return send_list(l, older.raw, k, verdict == ADAPT_PLAIN ? send_older : send_one, e);
}

static enum rc
send_adapted(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    struct cmd whole = *c;

    if (!c->whole && adapt_wants_whole(l->adapt, c) && load_hold(l, &whole, e))
        return err_code(e);
    return send_older(l, &whole, k, e);
}

static void
load_tell(struct load *l, bool now)
{
    if (l->opts->progress == NULL || (!now && l->result->bytes - l->told < PROGRESS_BYTES))
        return;
    l->told = l->result->bytes;
    l->opts->progress(l->opts->progress_arg, l->result->bytes, l->result->commands);
}

static enum rc
pass_all(struct load *l, struct err *e)
{
    for (;;) {
        struct cmd c;
        struct command_class k;
        struct pipeline_note note;
        bool over, send;

        if (resp_reader_next(&l->reader, &c, &over, e))
            return err_code(e);
        if (over)
            return end_dump(l, e);
        if (dump_decode_cmd(l->undump, &c, &k, e))
            return err_code(e);
        l->in_key = k.kind == CMD_KEY;
        if (allow_check(l->opts, &c, &k, e))
            return err_code(e);
        l->result->bytes += c.raw.n;
        send = load_wanted(l, &k);
        if (send)
            l->result->highest_db = MAX(l->result->highest_db, k.db);
        if (send && k.kind != CMD_SELECT && empty_once(l, k.db, k.key, e))
            return err_code(e);
        if (send && l->sending) {
            bool cut = false;

            if (!c.whole && send_split(l, &c, &k, &cut, e))
                return err_code(e);
            if (!cut && (l->adapt == NULL ? send_one(l, &c, &k, e) : send_adapted(l, &c, &k, e)))
                return err_code(e);
        } else {
            if (send && k.kind == CMD_KEY) {
                pipeline_note(&note, &c, &k);
                pipeline_count(&l->pump, &note);
            }
            if (!c.whole && pass_pieces(l, false, e))
                return err_code(e);
        }
        if ((++l->ticks & 1023) == 0 && ctx_check(l->cx, e))
            return err_code(e);
        load_tell(l, false);
    }
}

/*
 * The dump ends in its middle, or somebody asked to stop: what was sent is waited for, so that the
 * counts are right.
 */
static void
take_last_answers(struct load *l, enum rc why)
{
    struct ctx last = {.fd = -1, .until = clock_mono_ms() + LAST_ANSWERS_MS};
    struct err ignored = ERR_INIT;

    if (l->in_pieces || why == RC_UNAVAILABLE || why == RC_TIMEOUT || l->pump.broken)
        return;
    l->pump.cx = &last;
    if ((why == RC_CANCELLED || exists_prefetch_settle(&l->ahead, &ignored) == RC_OK) &&
        pipeline_drain(&l->pump, &ignored) == RC_OK)
        pipeline_end(&l->pump, !l->in_key);
    l->pump.cx = l->cx;
}

/* How much was left out of this kind: not sent, or sent and not taken. */
static uint64_t
left_out(const struct load *l, unsigned what)
{
    return l->result->left_out[what] + (l->adapt != NULL ? adapt_left_out(l->adapt)[what] : 0);
}

static void
warn_left_out(const struct load *l)
{
    for (unsigned i = 0; i < ADAPT_N; i++)
        if (left_out(l, i) != 0)
            log_warn("%s cannot hold %s: %llu left out", conn_peer(l->c),
                     adapt_left_text((enum adapt_left)i), (unsigned long long)left_out(l, i));
}

static enum rc
send_all(struct load *l, struct err *e)
{
    if (pass_all(l, e)) {
        if (l->sending)
            take_last_answers(l, e->code);
        return err_code(e);
    }
    load_tell(l, true);
    if (!l->sending)
        return RC_OK;
    if (exists_prefetch_settle(&l->ahead, e) || pipeline_drain(&l->pump, e) ||
        pipeline_fence(&l->pump, e))
        return err_code(e);
    pipeline_end(&l->pump, true);
    warn_left_out(l);
    if (l->result->lost_pending != 0)
        log_warn("%llu pending %s of streams not restored: the messages had been deleted before "
                 "the backup",
                 (unsigned long long)l->result->lost_pending,
                 str_plural(l->result->lost_pending, "entry", "entries"));
    return pipeline_verdict(&l->pump, e);
}

static enum rc
load_prepare(struct load *l, struct err *e)
{
    if (!l->sending)
        return RC_OK;
    if (load_probe(l, e))
        return err_code(e);
    /* A dump selects its databases itself, but one of other origin may rely on starting in 0. */
    return conn_select(l->cx, l->c, 0, e);
}

enum rc
load_run(struct ctx *cx, struct conn *c, struct rd *dump, const struct load_opts *opts,
         struct load_result *result, struct err *e)
{
    struct load l = {.cx = cx,
                     .c = c,
                     .opts = opts,
                     .result = result,
                     .sending = !opts->dry_run,
                     .to_empty = opts->existing == LOAD_FLUSH};
    enum rc rc;

    BUG_ON(c == NULL && !opts->dry_run);
    memset(result, 0, sizeof(*result));
    rc = load_prepare(&l, e);
    if (rc)
        return rc;
    resp_reader_init(&l.reader, dump);
    l.pump.result = result; /* a dry run counts too */
    l.undump = dump_decode_new(opts->on, opts->on_arg);
    if (l.sending) {
        pipeline_init(&l.pump, cx, c, opts, result);
        exists_prefetch_init(&l.ahead, &l.pump, opts);
        l.adapt = adapt_takes_all(&l.target) ? NULL : adapt_new(&l.target);
    }
    rc = send_all(&l, e);
    for (unsigned i = 0; i < ADAPT_N; i++)
        result->left_out[i] = left_out(&l, i);
    result->facts = dump_decode_facts(l.undump);
    if (l.sending) {
        pipeline_end(&l.pump, false);
        exists_prefetch_release(&l.ahead);
        pipeline_release(&l.pump);
        c->db = -1; /* the dump's own SELECTs moved it */
    }
    adapt_free(l.adapt);
    held_release(&l.held);
    dump_decode_free(l.undump);
    resp_reader_release(&l.reader);
    return rc != RC_OK && l.sending && l.to_empty ? err_wrap(e, "nothing was emptied or written")
                                                  : rc;
}
