/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "redis/pipeline.h"

enum {
    WINDOW_COMMANDS = 16384,
    WINDOW_LEAST = 1024,
    WINDOW_BYTES = 4 * 1024 * 1024,
    OUT_STEP = 128 * 1024, /* written in one go */
    PUSH_STEP = 16 * 1024, /* more, before it is tried again */
    OUT_MAX = 4 * 1024 * 1024,
    READ_STEP = 64 * 1024,
    PATIENCE_MS = 20,
    MEANWHILE_MS = 2 /* until others are looked after */
};

void
pipeline_init(struct pipeline *p, struct ctx *cx, struct conn *c, const struct load_opts *opts,
              unsigned share, struct load_result *result)
{
    *p = (struct pipeline){.cx = cx, .c = c, .result = result};
    p->max_errors = opts->max_errors != 0 ? opts->max_errors : LOAD_MAX_ERRORS;
    p->cap = opts->window_commands != 0 ? opts->window_commands : WINDOW_COMMANDS;
    p->bytes_max = opts->window_bytes != 0 ? opts->window_bytes : WINDOW_BYTES;
    p->cap = MAX(p->cap / share, (uint32_t)MIN(p->cap, (uint32_t)WINDOW_LEAST));
    p->bytes_max = MAX(p->bytes_max / share, MIN(p->bytes_max, (uint64_t)OUT_STEP * 2));
    p->notes = mem_zero(p->cap, sizeof(*p->notes));
    buf_init(&p->out, SIZE_MAX / 2);
}

void
pipeline_release(struct pipeline *p)
{
    mem_free(p->notes);
    p->notes = NULL;
    buf_release(&p->out);
}

void
redirects_take(struct redirects *from, struct redirects *to)
{
    *to = *from;
    *from = (struct redirects){.n = 0};
    buf_init(&from->bytes, SIZE_MAX / 2);
}

void
redirects_release(struct redirects *r)
{
    buf_release(&r->bytes);
    mem_free(r->list);
    *r = (struct redirects){.n = 0};
}

/* XCLAIM key group consumer min-idle id... [TIME ...]: how many ids. */
static uint32_t
count_ids(const struct cmd *c)
{
    uint32_t n = 0;

    if (!c->whole || c->argc < 6 || !str_is_word(c->argv[0], "XCLAIM"))
        return 0;
    while (5 + n < c->argc && c->argv[5 + n].n != 0 && c->argv[5 + n].p[0] >= '0' &&
           c->argv[5 + n].p[0] <= '9')
        n++;
    return n;
}

/* The type of the module's value that is restored, or "". */
static void
note_module(struct pipeline_note *n, const struct cmd *c)
{
    struct ev ev = {.kind = EV_PAYLOAD};
    enum kv_type type;

    n->module[0] = '\0';
    if (!c->whole || c->n < 4 || c->argv[3].n == 0 || !str_is_word(c->argv[0], "RESTORE"))
        return;
    ev.u.payload.rdb_type = c->argv[3].p[0];
    ev.u.payload.value = str_of(c->argv[3].p + 1, c->argv[3].n - 1);
    if (rdb_kv_type(ev.u.payload.rdb_type, &type) && type == KV_MODULE)
        (void)payload_module(&ev, n->module);
}

void
pipeline_note(struct pipeline_note *n, const struct cmd *c, const struct command_class *k)
{
    struct str verb = c->n != 0 ? c->argv[0] : str_of(NULL, 0);

    n->bytes = c->raw.n;
    n->key_no = n->stream = 0;
    n->kept = 0;
    n->whole = c->whole;
    n->again = false;
    n->db = k->db;
    n->argc = c->argc;
    n->answer = (uint8_t)k->answer;
    n->starts_key = k->kind == CMD_KEY && k->starts_key;
    n->makes_key = k->kind == CMD_KEY && k->makes_key;
    n->ends_key = k->kind == CMD_KEY && k->ends_key;
    n->ids = count_ids(c);
    n->is_select = k->kind == CMD_SELECT;
    n->verb_n = (uint8_t)MIN(verb.n, (size_t)PUMP_VERB);
    if (n->verb_n != 0)
        memcpy(n->verb, verb.p, n->verb_n);
    n->has_key = k->kind == CMD_KEY;
    n->key_n = n->has_key ? (uint8_t)MIN(k->key.n, (size_t)PUMP_KEY) : 0;
    n->key_cut = n->has_key && k->key.n > PUMP_KEY;
    if (n->key_n != 0)
        memcpy(n->key, k->key.p, n->key_n);
    note_module(n, c);
}

/* The key of a note, for people. */
static void
show_key(const struct pipeline_note *n, char to[static LOAD_KEY_SHOWN])
{
    size_t used;

    to[0] = '\0';
    if (!n->has_key)
        return;
    to[0] = '"';
    (void)str_show(str_of(n->key, n->key_n), to + 1, LOAD_KEY_SHOWN - 6);
    used = strlen(to);
    (void)snprintf(to + used, LOAD_KEY_SHOWN - used, n->key_cut ? "...\"" : "\"");
}

static void
keep_error(struct pipeline *p, const struct pipeline_note *n, const char *text)
{
    struct load_error *to;
    size_t i;

    load_streams_fail(p->streams, n);
    if (p->result->n_errors++ >= LOAD_ERRORS_KEPT)
        return;
    to = &p->result->errors[p->result->n_errors - 1];
    for (i = 0; i < n->verb_n; i++)
        to->verb[i] = (char)(n->verb[i] > ' ' && n->verb[i] < 0x7f ? n->verb[i] : '?');
    to->verb[i] = '\0';
    show_key(n, to->key);
    (void)snprintf(to->text, sizeof(to->text), "%s", text);
}

/* Errors that the next command would meet as well. */
static bool
pipeline_stops(const struct pipeline *p, const struct reply *r, const struct pipeline_note *n)
{
    static const char *const words[] = {"OOM",    "READONLY",   "MISCONF",    "NOPERM",
                                        "NOAUTH", "LOADING",    "NOREPLICAS", "MASTERDOWN",
                                        "BUSY",   "CLUSTERDOWN"};
    static const char protocol[] = "ERR Protocol error";

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (reply_is_error(r, words[i]))
            return true;
    }
    if (p->redirects == NULL && (reply_is_error(r, "MOVED") || reply_is_error(r, "ASK")))
        return true;
    return n->is_select || reply_is_error(r, protocol) ||
           (r->s.n >= sizeof(protocol) - 1 && memcmp(r->s.p, protocol, sizeof(protocol) - 1) == 0);
}

/* A command for people: its verb, and its key if it has one. */
enum { COMMAND_SHOWN = PUMP_VERB + LOAD_KEY_SHOWN + 2 };
static const char *
show_command(const struct pipeline_note *n, char to[static COMMAND_SHOWN])
{
    char key[LOAD_KEY_SHOWN];

    show_key(n, key);
    (void)str_show(str_of(n->verb, n->verb_n), to, PUMP_VERB + 1);
    (void)snprintf(to + strlen(to), LOAD_KEY_SHOWN + 1, "%s%s", key[0] != '\0' ? " " : "", key);
    return to;
}

static enum rc
stop_with(const struct pipeline *p, const struct pipeline_note *n, const struct reply *r,
          struct err *e)
{
    char command[COMMAND_SHOWN], what[COMMAND_SHOWN + 8];
    enum rc code;

    (void)snprintf(what, sizeof(what), "%s failed", show_command(n, command));
    code = conn_fail(p->c, r, what, e);
    if (n->is_select && code != RC_DENIED) {
        e->code = RC_NOT_FOUND;
        (void)err_hint(e, "the server has fewer databases than the dump: raise its setting "
                          "'databases', or restore one with --db");
    }
    return err_wrap(e, "the load stopped after %llu %s", (unsigned long long)p->result->confirmed,
                    str_plural(p->result->confirmed, "command", "commands"));
}

/* Is it what the server says when the command did what it should? */
static bool
is_answer(const struct pipeline_note *n, const struct reply *r)
{
    switch ((enum cmd_answer)n->answer) {
    case ANSWER_OK:
        return reply_is_status(r, "OK");
    case ANSWER_INT:
        return r->type == REPLY_INT;
    case ANSWER_COUNT:
        return r->type == REPLY_INT && r->integer >= 0 && r->integer <= (int64_t)n->argc;
    case ANSWER_LENGTH:
        return r->type == REPLY_INT && r->integer >= (int64_t)n->argc - 2;
    case ANSWER_BULK:
        return r->type == REPLY_BULK;
    case ANSWER_ARRAY:
        return r->type == REPLY_ARRAY && r->n <= n->argc;
    default:
        return true;
    }
}

/* The server does not do what Redis does; nothing that it says counts any more. */
static enum rc
wrong_answer(struct pipeline *p, const struct pipeline_note *n, const struct reply *r,
             struct err *e)
{
    static const char *const kinds[] = {
        [REPLY_STATUS] = "a status", [REPLY_ERROR] = "an error",    [REPLY_INT] = "a wrong number",
        [REPLY_BULK] = "a string",   [REPLY_NIL] = "nothing (nil)", [REPLY_ARRAY] = "a list"};
    char command[COMMAND_SHOWN];

    p->broken = true;
    keep_error(p, n, kinds[r->type]);
    (void)err_set(e, RC_CORRUPT, "%s answered %s to %s, which is not what Redis answers",
                  conn_peer(p->c), kinds[r->type], show_command(n, command));
    return err_wrap(e, "the load stopped after %llu %s", (unsigned long long)p->result->confirmed,
                    str_plural(p->result->confirmed, "command", "commands"));
}

static enum rc
pipeline_failed(struct pipeline *p, const struct pipeline_note *n, const struct reply *r,
                struct err *e)
{
    char text[sizeof(p->result->errors[0].text)];

    (void)reply_error_text(r, text, sizeof(text));
    if (n->module[0] != '\0' && strstr(text, "Bad data format") != NULL) {
        p->result->left_out[ADAPT_MODULES]++;
        (void)snprintf(text, sizeof(text),
                       "not taken: the server lacks the module of the type \"%s\", or has an older "
                       "version of it",
                       n->module);
    }
    keep_error(p, n, text);
    p->broken = pipeline_stops(p, r, n);
    if (p->broken)
        return stop_with(p, n, r, e);
    if (p->result->n_errors >= p->max_errors) {
        (void)!pipeline_verdict(p, e);
        return err_wrap(e, "too many errors, the load stopped");
    }
    return RC_OK;
}

void
pipeline_count(struct pipeline *p, const struct pipeline_note *n)
{
    bool was = p->key_made && !n->starts_key;

    p->key_made = (was || n->makes_key) && !n->ends_key;
    if (p->key_made != was)
        p->result->keys = p->key_made ? p->result->keys + 1 : p->result->keys - 1;
}

/* A key is there when the answers to all its commands were good, which the next key tells. */
static void
count_key(struct pipeline *p, const struct pipeline_note *n, bool good)
{
    if (n->starts_key) {
        p->result->keys_there += p->in_key && p->key_good && p->key_there;
        p->in_key = p->key_good = true;
        p->key_there = false;
        p->key_refused = false;
        p->key = *n;
    }
    p->key_good = p->key_good && (good || !n->has_key);
    if (good)
        p->key_there = (p->key_there || n->makes_key) && !n->ends_key;
}

void
pipeline_end(struct pipeline *p, bool whole)
{
    if (!p->in_key)
        return;
    p->in_key = false;
    p->result->keys_there += p->key_good && p->key_there; /* though perhaps only in part */
    if (whole)
        return;
    p->result->db_at_work = p->key.db;
    show_key(&p->key, p->result->key_at_work);
}

/* Does another node take it? Then it is queued; a long one, which is not kept, has failed. */
static bool
pipeline_redirect(struct pipeline *p, const struct pipeline_note *n, const struct reply *r,
                  const uint8_t *command)
{
    bool ask = reply_is_error(r, "ASK");
    struct redirects *to = p->redirects;

    if (to == NULL || n->kept == 0 || (!ask && !reply_is_error(r, "MOVED")))
        return false;
    to->list = mem_more(to->list, to->n, sizeof(*to->list));
    to->list[to->n++] = (struct redirected){.note = *n,
                                            .at = to->bytes.n,
                                            .n = n->kept,
                                            .where_at = to->bytes.n + n->kept,
                                            .where_n = r->s.n,
                                            .ask = ask};
    buf_must_add(&to->bytes, command, n->kept);
    buf_must_add(&to->bytes, r->s.p, r->s.n);
    return true;
}

static enum rc
on_reply(struct pipeline *p, const struct reply *r, struct err *e)
{
    const struct pipeline_note *n = &p->notes[p->first];
    const uint8_t *command = p->out.p + p->kept_at;
    bool good;

    if (UNLIKELY(p->n == 0)) {
        p->broken = true;
        return err_set(e, RC_CORRUPT, "%s sent an answer to no command", conn_peer(p->c));
    }
    p->first = p->first + 1 == p->cap ? 0 : p->first + 1;
    p->n--;
    p->bytes -= n->bytes;
    p->kept_at += n->kept;
    p->kept_n -= n->kept;
    if (UNLIKELY(r->type == REPLY_ERROR) && pipeline_redirect(p, n, r, command))
        return RC_OK;
    good = r->type != REPLY_ERROR && is_answer(n, r);
    if (!n->again)
        count_key(p, n, good);
    if (UNLIKELY(!good))
        return r->type == REPLY_ERROR ? pipeline_failed(p, n, r, e) : wrong_answer(p, n, r, e);
    p->result->confirmed++;
    if (UNLIKELY(n->ids != 0) && r->n < n->ids)
        p->result->lost_pending += n->ids - r->n;
    return RC_OK;
}

/* Take in what came; *got = 0: nothing. */
static enum rc
read_replies(struct pipeline *p, size_t *got, struct err *e)
{
    uint8_t *to;
    size_t cap;
    bool over, whole;
    struct reply r;

    if (reply_room(&p->c->in, READ_STEP, &to, &cap, e) ||
        sock_try_read(&p->c->sock, to, cap, got, &over, e))
        return err_code(e);
    reply_fed(&p->c->in, *got);
    if (over) {
        (void)err_set(e, RC_UNAVAILABLE, "%s closed the connection", conn_peer(p->c));
        e->retry = true;
        return err_code(e);
    }
    do {
        if (reply_next(&p->c->in, &r, &whole, e))
            return err_code(e);
        if (whole && on_reply(p, &r, e))
            return err_code(e);
    } while (whole);
    return RC_OK;
}

/* A lost connection is told with how far we came; an error reply says that itself. */
static enum rc
io_failed(const struct pipeline *p, struct err *e)
{
    if (e->code == RC_UNAVAILABLE || e->code == RC_TIMEOUT)
        return err_wrap(e, "the load broke off: %llu %s confirmed, %u more %s sent",
                        (unsigned long long)p->result->confirmed,
                        str_plural(p->result->confirmed, "command was", "commands were"), p->n,
                        str_plural(p->n, "was", "were"));
    return err_code(e);
}

/* Up to io_ms; others go on. */
static enum rc
pipeline_wait(struct pipeline *p, unsigned events, unsigned *ready, struct err *e)
{
    int left = p->c->sock.io_ms, step = p->meanwhile != NULL ? MEANWHILE_MS : left;

    *ready = 0;
    for (; *ready == 0 && left > 0; left -= step) {
        if (sock_wait(p->cx, &p->c->sock, events, MIN(step, left), ready, e))
            return err_code(e);
        if (*ready == 0 && p->meanwhile != NULL)
            p->meanwhile(p->meanwhile_arg);
    }
    return RC_OK;
}

/*
 * Write and read what can be, and wait when neither can. While there is something to write, replies
 * are left in the kernel until the window is half full: fewer and bigger reads.
 */
static enum rc
pipeline_step(struct pipeline *p, struct err *e)
{
    bool writing = p->out_at < p->out.n;
    size_t put = 0, got = 0;
    unsigned ready = 0;

    if (writing && sock_try_write(&p->c->sock, p->out.p + p->out_at, p->out.n - p->out_at, &put, e))
        goto broke;
    p->out_at += put;
    if (p->n != 0 && (!writing || p->n > p->cap / 2 || p->bytes > p->bytes_max / 2)) {
        if (read_replies(p, &got, e))
            return e->code == RC_UNAVAILABLE && e->retry ? io_failed(p, e) : err_code(e);
    }
    if (put != 0 || got != 0)
        return RC_OK;
    if (writing && p->meanwhile == NULL &&
        sock_wait(p->cx, &p->c->sock, SOCK_WRITE, PATIENCE_MS, &ready, e))
        return err_code(e);
    if (ready != 0)
        return RC_OK;
    if (pipeline_wait(p, SOCK_READ | (writing ? SOCK_WRITE : 0U), &ready, e))
        return err_code(e);
    if (ready == 0) {
        (void)err_set(e, RC_TIMEOUT, "%s did not answer for %d seconds", conn_peer(p->c),
                      p->c->sock.io_ms / 1000);
        goto broke;
    }
    if ((ready & SOCK_READ) != 0 && read_replies(p, &got, e))
        return e->code == RC_UNAVAILABLE && e->retry ? io_failed(p, e) : err_code(e);
    return RC_OK;
broke:
    /* What the server said before it hung up is worth more than the broken pipe. */
    if (e->code == RC_UNAVAILABLE) {
        struct err said = ERR_INIT;
        do {
            if (read_replies(p, &got, &said) && said.code != RC_UNAVAILABLE) {
                *e = said;
                return err_code(e);
            }
        } while (said.code == RC_OK && got != 0);
    }
    return io_failed(p, e);
}

/* What is written, and is not kept, goes: at once when that is all, else once it is worth moving the rest. */
static void
pipeline_trim(struct pipeline *p)
{
    size_t gone = p->kept_n == 0 ? p->out_at : MIN(p->kept_at, p->out_at);

    if (gone != p->out.n && gone <= p->bytes_max)
        return;
    if (gone != p->out.n)
        memmove(p->out.p, p->out.p + gone, p->out.n - gone);
    p->out.n -= gone;
    p->out_at -= gone;
    p->kept_at -= MIN(p->kept_at, gone);
}

static enum rc
pipeline_flush(struct pipeline *p, struct err *e)
{
    while (p->out_at < p->out.n) {
        if (pipeline_step(p, e))
            return err_code(e);
    }
    pipeline_trim(p);
    return RC_OK;
}

void
pipeline_push(struct pipeline *p)
{
    struct err later = ERR_INIT;
    size_t put = 1;

    while (put != 0 && p->out_at < p->out.n) {
        if (sock_try_write(&p->c->sock, p->out.p + p->out_at, p->out.n - p->out_at, &put, &later))
            return;
        p->out_at += put;
    }
    pipeline_trim(p);
}

/*
 * Beside others what the server takes is written once OUT_STEP wait, and not again for each command
 * after that: while it takes nothing that would be a call for nothing.
 */
static enum rc
pipeline_queue(struct pipeline *p, struct str raw, struct err *e)
{
    while (raw.n != 0) {
        size_t n = MIN(raw.n, (size_t)OUT_STEP), before = p->out.n - p->out_at;

        buf_must_add(&p->out, raw.p, n);
        raw = str_of(raw.p + n, raw.n - n);
        if (before + n < OUT_STEP)
            continue;
        if (p->meanwhile != NULL && before + n < OUT_MAX) {
            if (before < OUT_STEP || before / PUSH_STEP != (before + n) / PUSH_STEP)
                pipeline_push(p);
        } else if (pipeline_flush(p, e)) {
            return err_code(e);
        }
    }
    return RC_OK;
}

/* A node to which a slot is on its way takes the next command of it. */
static enum rc
pipeline_ask(struct pipeline *p, struct err *e)
{
    static const char asking[] = "*1\r\n$6\r\nASKING\r\n";
    const struct pipeline_note n = {
        .bytes = sizeof(asking) - 1, .whole = true, .again = true, .answer = ANSWER_OK};

    p->asking = false;
    return pipeline_add(p, &n, str_c(asking), e);
}

enum rc
pipeline_add(struct pipeline *p, const struct pipeline_note *n, struct str raw, struct err *e)
{
    struct pipeline_note *note;
    uint32_t last;

    if (UNLIKELY(p->asking) && pipeline_ask(p, e))
        return err_code(e);
    /* What is kept is one run of whole commands. */
    if (UNLIKELY(p->redirects != NULL && !n->whole) && pipeline_drain(p, e))
        return err_code(e);
    if (p->n == p->cap || (p->n != 0 && p->bytes + raw.n > p->bytes_max)) {
        if (pipeline_flush(p, e))
            return err_code(e);
        while (p->n > p->cap / 2 || p->bytes > p->bytes_max / 2) {
            if (pipeline_step(p, e))
                return err_code(e);
        }
    }
    last = p->first + p->n;
    note = &p->notes[last >= p->cap ? last - p->cap : last];
    *note = *n;
    note->kept = p->redirects != NULL && n->whole ? (uint32_t)raw.n : 0;
    if (p->kept_n == 0)
        p->kept_at = p->out.n;
    p->kept_n += note->kept;
    p->n++;
    p->bytes += n->bytes;
    if (!n->again) {
        p->result->commands++;
        pipeline_count(p, n);
    }
    return pipeline_queue(p, raw, e);
}

enum rc
pipeline_more(struct pipeline *p, struct str raw, struct err *e)
{
    return pipeline_queue(p, raw, e);
}

enum rc
pipeline_drain(struct pipeline *p, struct err *e)
{
    if (pipeline_flush(p, e))
        return err_code(e);
    while (p->n != 0) {
        if (pipeline_step(p, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
pipeline_refuse(struct pipeline *p, const struct pipeline_note *n, const char *why, struct err *e)
{
    if (pipeline_drain(p, e))
        return err_code(e);
    pipeline_count(p, n);
    count_key(p, n, false);
    if (!n->has_key || !p->key_refused)
        keep_error(p, n, why);
    p->key_refused = n->has_key;
    return RC_OK;
}

enum rc
pipeline_fence(struct pipeline *p, struct err *e)
{
    uint8_t random[16];
    char word[2 * sizeof(random) + 1];
    struct reply r;

    rand_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), word);
    if (CONN_CALL(p->cx, p->c, &r, e, STR_LIT("ECHO"), str_c(word)))
        return err_code(e);
    if (r.type == REPLY_ERROR ? reply_rest(&p->c->in).n == 0 : str_eq(r.s, str_c(word)))
        return RC_OK; /* an error: a user who may not ECHO */
    return err_set(e, RC_CORRUPT,
                   "%s did not answer ECHO with its word: its other answers cannot be relied upon",
                   conn_peer(p->c));
}

enum rc
pipeline_verdict(const struct pipeline *p, struct err *e)
{
    static const char *const old[] = {"unknown command", "DUMP payload version",
                                      "Bad data format", "foreign data type",
                                      "syntax error",    "nknown subcommand"};
    const struct load_result *r = p->result;
    const struct load_error *first = &r->errors[0];

    if (r->n_errors == 0)
        return RC_OK;
    (void)err_set(e, RC_INVALID, "%llu of %llu %s failed, the first: %s%s%s: %s",
                  (unsigned long long)r->n_errors, (unsigned long long)r->commands,
                  str_plural(r->commands, "command", "commands"), first->verb,
                  first->key[0] != '\0' ? " " : "", first->key, first->text);
    if (strncmp(first->text, "not sent", 8) == 0 || strncmp(first->text, "not taken", 9) == 0)
        return err_hint(
            e, "a newer server, or one that has the module loaded, holds all of it; the rest "
               "is restored");
    for (size_t i = 0; i < ARRAY_LEN(old); i++) {
        if (strstr(first->text, old[i]) != NULL)
            return err_hint(e, "the server seems older than the one that was dumped, or lacks a "
                               "module; dumps in the format 'commands' load on more versions");
    }
    if (strstr(first->text, "WRONGTYPE") != NULL)
        return err_hint(e, "the server was not empty: --existing flush or replace");
    return err_code(e);
}
