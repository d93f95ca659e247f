/* SPDX-License-Identifier: Apache-2.0 */
/* A command of a dump as the server takes it: routed, split, in other words, or left out. */
#include <stdio.h>

#include "dump/slot.h"
#include "dump/verbs.h"
#include "redis/load_internal.h"
#include "redis/split.h"

/* A piece of a long command of the dump. */
static enum rc
next_piece(struct load *l, struct resp_reader_piece *piece, struct err *e)
{
    if (resp_reader_more(&l->lane->reader, piece, e) ||
        dump_decode_piece(l->lane->undump, piece, e))
        return load_lane_failed(l->lane, e);
    l->result->bytes += piece->raw.n;
    l->result->wanted += l->wanted ? piece->raw.n : 0;
    return RC_OK;
}

enum rc
load_pass_pieces(struct load *l, bool send, struct err *e)
{
    struct resp_reader_piece piece;

    l->in_pieces = send;
    do {
        if (next_piece(l, &piece, e) || (send && pipeline_more(&l->at->pump, piece.raw, e)))
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
    load_note(l, &note, c, k);
    if (k->kind != CMD_KEY)
        return exists_prefetch_settle(&l->at->ahead, e)
                   ? err_code(e)
                   : pipeline_add(&l->at->pump, &note, c->raw, e);
    if (l->opts->existing == LOAD_SKIP || l->opts->existing == LOAD_FAIL)
        return exists_prefetch_add(&l->at->ahead, c, k, &note, send, e);
    return pipeline_add(&l->at->pump, &note, c->raw, e);
}

/* Send a command that is whole, or whose pieces follow in the dump. */
static enum rc
send_one(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    bool send;

    if (send_begin(l, c, k, &send, e) || (!c->whole && load_pass_pieces(l, send, e)))
        return err_code(e);
    /* Whatever follows a SELECT that failed would land in the wrong database. */
    return k->kind == CMD_SELECT ? pipeline_drain(&l->at->pump, e) : RC_OK;
}

/* Between two elements of a long command that is sent as several: one ends, the next begins. */
static enum rc
next_part(struct load *l, const struct split *s, uint32_t done, struct str framing,
          struct pipeline_note *note, struct buf *head, struct err *e)
{
    if (pipeline_more(&l->at->pump, str_of(framing.p, 2), e) ||
        split_head(s, done, str_of(framing.p + 2, framing.n - 2), head, e))
        return err_code(e);
    note->argc = s->fixed + split_elements(s, done);
    note->bytes = head->n;
    note->starts_key = false;
    l->at->pump.asking = l->asking;
    return pipeline_add(&l->at->pump, note, buf_str(head), e);
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
    load_note(l, &note, &part, &one);
    if (send_begin(l, &part, &one, &send, e))
        return err_code(e);
    l->in_pieces = send;
    do {
        if (next_piece(l, &piece, e))
            return err_code(e);
        done += piece.arg < 0; /* the framing behind each */
        if (send && (piece.arg < 0 && !piece.last && done % SPLIT_ARGS == 0
                         ? next_part(l, s, done, piece.raw, &note, head, e)
                         : pipeline_more(&l->at->pump, piece.raw, e)))
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

    load_note(l, &note, c, k);
    (void)snprintf(text, sizeof(text), "not sent: the server cannot hold %s", adapt_left_text(why));
    if (exists_prefetch_settle(&l->at->ahead, e))
        return err_code(e);
    /* A key that is kept needs nothing. */
    if ((k->starts_key || !exists_prefetch_drops(&l->at->ahead)) &&
        pipeline_refuse(&l->at->pump, &note, text, e))
        return err_code(e);
    return c->whole ? RC_OK : load_pass_pieces(l, false, e);
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

    if (adapt_command(l->at->adapt, c, &verdict, &older.raw, &why, e))
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

    if (!c->whole && adapt_wants_whole(l->at->adapt, c) && load_hold(l, &whole, e))
        return err_code(e);
    return send_older(l, &whole, k, e);
}

/* What belongs to no key goes to every master. */
static enum rc
send_everywhere(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    struct cmd whole = *c;

    if (!c->whole && load_hold(l, &whole, e))
        return err_code(e);
    for (size_t i = 0; i < l->n_nodes; i++) {
        l->at = l->nodes[i];
        if (l->at->adapt == NULL ? send_one(l, &whole, k, e) : send_adapted(l, &whole, k, e))
            return err_code(e);
    }
    return RC_OK;
}

/* Where the command goes; its slot may have moved since the command before it of the same key. */
static enum rc
send_route(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    bool keeps = l->opts->existing == LOAD_SKIP || l->opts->existing == LOAD_FAIL;
    struct load_node *before = l->at;

    l->at = l->nodes[l->m->owner[slot_of(k->key)]];
    if (k->kind != CMD_KEY)
        return RC_OK;
    if (!c->whole && !keeps && load_find_taker(l, k->key, e))
        return err_code(e);
    l->at->pump.asking = l->asking;
    if (before == l->at || k->starts_key)
        return RC_OK;
    l->at->pump.key_made = before->pump.key_made;
    return keeps ? exists_prefetch_take_over(&l->at->ahead, &before->ahead, e) : RC_OK;
}

/* To one server. */
static enum rc
send_there(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    bool cut = false;

    if (!c->whole && send_split(l, c, k, &cut, e))
        return err_code(e);
    if (cut)
        return RC_OK;
    return l->at->adapt == NULL ? send_one(l, c, k, e) : send_adapted(l, c, k, e);
}

enum rc
load_send(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    enum rc rc;

    if (!load_is_cluster(l))
        return send_there(l, c, k, e);
    if (k->kind == CMD_GLOBAL)
        return send_everywhere(l, c, k, e);
    if (send_route(l, c, k, e))
        return err_code(e);
    rc = send_there(l, c, k, e);
    l->asking = l->at->pump.asking = false;
    return rc == RC_OK && l->redirects.n != 0 ? load_follow(l, e) : rc;
}

/* As send_older, but nothing is sent. */
static enum rc
try_older(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    enum adapt_verdict verdict;
    enum adapt_left why = ADAPT_N;
    struct str older;

    if (adapt_command(l->at->adapt, c, &verdict, &older, &why, e))
        return err_code(e);
    if (verdict == ADAPT_SAME || verdict == ADAPT_CHANGED) {
        const struct verb_info *v = verb_find(c->argv[0], c->n > 1 ? c->argv[1] : str_of(NULL, 0));

        l->result->wanted_verbs |= v != NULL ? UINT32_C(1) << v->verb : 0;
    }
    if (verdict == ADAPT_PLAIN && send_list(l, older, k, try_older, e))
        return err_code(e);
    return c->whole ? RC_OK : load_pass_pieces(l, false, e);
}

enum rc
load_try(struct load *l, const struct cmd *c, const struct command_class *k, struct err *e)
{
    struct cmd whole = *c;

    if (!c->whole && adapt_wants_whole(l->at->adapt, c) && load_hold(l, &whole, e))
        return err_code(e);
    return try_older(l, &whole, k, e);
}
