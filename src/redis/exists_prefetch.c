/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "redis/exists_prefetch.h"

enum {
    BATCH_COMMANDS = 4096,
    BATCH_BYTES = 1024 * 1024,
    HELD_MAX = BATCH_BYTES + CMD_WHOLE_MAX + 64 * 1024,
    LONG_NAME = 64 * 1024,
    SEEN_SLOTS = 32768,
    DBS_MAX = 1 << 20
};

#define AHEAD_SEND SIZE_MAX
#define AHEAD_DROP (SIZE_MAX - 1)

void
exists_prefetch_init(struct exists_prefetch *a, struct pipeline *p, const struct load_opts *opts)
{
    *a = (struct exists_prefetch){.pump = p, .opts = opts, .current = AHEAD_SEND, .db = -1};
    if (opts->existing != LOAD_SKIP && opts->existing != LOAD_FAIL)
        return;
    buf_init(&a->held, HELD_MAX);
    buf_init(&a->asks, SIZE_MAX); /* a batch, or one long name */
    a->cmds = mem_zero(BATCH_COMMANDS, sizeof(*a->cmds));
    a->keys = mem_zero(BATCH_COMMANDS, sizeof(*a->keys));
    a->seen = mem_zero(SEEN_SLOTS, sizeof(*a->seen));
    rand_bytes(&a->seed, sizeof(a->seed));
}

void
exists_prefetch_release(struct exists_prefetch *a)
{
    buf_release(&a->held);
    buf_release(&a->asks);
    mem_free(a->cmds);
    mem_free(a->keys);
    mem_free(a->seen);
    mem_free(a->dbs);
}

/* FNV-1a; never 0 in its upper bits, which would be an empty slot. */
static uint64_t
hash_of(const struct exists_prefetch *a, uint64_t db, struct str key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ a->seed ^ (db * UINT64_C(0x9e3779b97f4a7c15));

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ key.p[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 29;
    return (h | 2) & ~UINT64_C(1);
}

static uint64_t *
seen_slot(const struct exists_prefetch *a, uint64_t hash)
{
    return &a->seen[(hash >> 2) % SEEN_SLOTS];
}

/* The first time in a database: was it empty before we came? */
static enum rc
enter_db(struct exists_prefetch *a, uint64_t db, struct err *e)
{
    struct reply r;

    a->db = (int64_t)db;
    for (size_t i = 0; i < a->n_dbs; i++) {
        if (a->dbs[i].n == db) {
            a->db_was_empty = a->dbs[i].was_empty;
            return RC_OK;
        }
    }
    if (pipeline_drain(a->pump, e) || CONN_CALL(a->pump->cx, a->pump->c, &r, e, STR_LIT("DBSIZE")))
        return err_code(e);
    a->db_was_empty = r.type == REPLY_INT && r.integer == 0;
    if (a->n_dbs == DBS_MAX)
        return err_set(e, RC_LIMIT, "the dump has more than %d databases", DBS_MAX);
    a->dbs = mem_more(a->dbs, a->n_dbs, sizeof(*a->dbs));
    a->dbs[a->n_dbs++] = (struct exists_prefetch_db){.n = db, .was_empty = a->db_was_empty};
    return RC_OK;
}

/* What becomes of a key whose commands begin. */
static size_t
exists_prefetch_decide(struct exists_prefetch *a, const struct command_class *k,
                       const struct pipeline_note *note)
{
    uint64_t hash = hash_of(a, k->db, k->key), seen = *seen_slot(a, hash);

    a->again = false;
    if (a->db_was_empty)
        return AHEAD_SEND;
    a->again = (seen & ~UINT64_C(1)) == hash;
    if (a->again)
        return (seen & 1) != 0 ? AHEAD_SEND : AHEAD_DROP;
    a->keys[a->n_keys] = (struct exists_prefetch_key){.hash = hash, .note = *note, .at = a->asks.n};
    RESP_CMD(&a->asks, STR_LIT("EXISTS"), k->key);
    a->keys[a->n_keys].n = a->asks.n - a->keys[a->n_keys].at;
    return a->n_keys++;
}

/* A name too long to wait in a batch. */
static enum rc
decide_now(struct exists_prefetch *a, const struct command_class *k,
           const struct pipeline_note *note, struct err *e)
{
    if (exists_prefetch_settle(a, e))
        return err_code(e);
    a->current = exists_prefetch_decide(a, k, note);
    return exists_prefetch_settle(a, e);
}

static bool
exists_prefetch_full(const struct exists_prefetch *a)
{
    return a->n_cmds == BATCH_COMMANDS || a->n_keys == BATCH_COMMANDS || a->held.n >= BATCH_BYTES ||
           a->asks.n >= BATCH_BYTES;
}

enum rc
exists_prefetch_add(struct exists_prefetch *a, const struct cmd *c, const struct command_class *k,
                    struct pipeline_note *note, bool *send, struct err *e)
{
    if (a->db != (int64_t)k->db && enter_db(a, k->db, e))
        return err_code(e);
    if (k->starts_key && k->key.n > LONG_NAME ? decide_now(a, k, note, e) : RC_OK)
        return err_code(e);
    if (k->starts_key && k->key.n <= LONG_NAME)
        a->current = exists_prefetch_decide(a, k, note);
    if (a->again) /* is counted already */
        note->makes_key = false;
    if (!c->whole || c->raw.n > CMD_WHOLE_MAX) { /* cannot be held back */
        if (exists_prefetch_settle(a, e))
            return err_code(e);
        *send = a->current == AHEAD_SEND;
        return *send ? pipeline_add(a->pump, note, c->raw, e) : RC_OK;
    }
    if (a->current == AHEAD_DROP)
        return RC_OK;
    if (a->current == AHEAD_SEND && a->n_cmds == 0)
        return pipeline_add(a->pump, note, c->raw, e);
    a->cmds[a->n_cmds++] = (struct exists_prefetch_cmd){
        .note = *note, .at = a->held.n, .n = c->raw.n, .key = a->current};
    buf_must_add(&a->held, c->raw.p, c->raw.n);
    return exists_prefetch_full(a) ? exists_prefetch_settle(a, e) : RC_OK;
}

static enum rc
is_there(struct exists_prefetch *a, const struct exists_prefetch_key *k, struct err *e)
{
    char shown[100];

    (void)str_show(str_of(k->note.key, k->note.key_n), shown, sizeof(shown));
    (void)err_set(e, RC_EXISTS, "the key \"%s%s\" exists already in database %lld of %s", shown,
                  k->note.key_cut ? "..." : "", (long long)a->db, conn_peer(a->pump->c));
    return err_hint(e, "--existing replace overwrites it, --existing skip keeps it");
}

/* Slots that have moved, or are on the move: "index text" of each, once all is answered. */
static enum rc
exists_prefetch_follow(struct exists_prefetch *a, const size_t *which, const struct buf *texts,
                       size_t n, struct err *e)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        struct exists_prefetch_key *k = &a->keys[which[2 * i]];
        struct reply r;

        if (a->elsewhere(a->elsewhere_arg, str_of(texts->p + at, which[2 * i + 1]),
                         str_of(a->asks.p + k->at, k->n), &r, e))
            return err_code(e);
        if (r.type != REPLY_INT)
            return conn_fail(a->pump->c, &r, "could not ask which keys exist", e);
        k->exists = r.integer != 0;
        at += which[2 * i + 1];
    }
    return RC_OK;
}

static enum rc
exists_prefetch_answers(struct exists_prefetch *a, struct err *e)
{
    struct conn *c = a->pump->c;
    struct buf texts = BUF_INIT(SIZE_MAX / 2);
    size_t *moved = NULL, n = 0;
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < a->n_keys; i++) {
        struct reply r;

        rc = conn_recv(a->pump->cx, c, &r, e);
        if (rc == RC_OK && a->elsewhere != NULL &&
            (reply_is_error(&r, "MOVED") || reply_is_error(&r, "ASK"))) {
            moved = mem_more(moved, n, 2 * sizeof(*moved));
            moved[2 * n] = i;
            moved[2 * n++ + 1] = r.s.n;
            buf_must_add(&texts, r.s.p, r.s.n);
        } else if (rc == RC_OK && r.type != REPLY_INT) {
            rc = conn_fail(c, &r, "could not ask which keys exist", e);
        } else if (rc == RC_OK) {
            a->keys[i].exists = r.integer != 0;
        }
    }
    if (rc == RC_OK)
        rc = exists_prefetch_follow(a, moved, &texts, n, e);
    buf_release(&texts);
    mem_free(moved);
    return rc;
}

static enum rc
exists_prefetch_ask(struct exists_prefetch *a, struct err *e)
{
    struct conn *c = a->pump->c;

    if (pipeline_drain(a->pump, e))
        return err_code(e);
    buf_must_add(&c->out, a->asks.p, a->asks.n);
    if (conn_flush(a->pump->cx, c, e))
        return err_code(e);
    if (exists_prefetch_answers(a, e))
        return err_code(e);
    for (size_t i = 0; i < a->n_keys; i++) {
        const struct exists_prefetch_key *k = &a->keys[i];
        if (k->exists && a->opts->existing == LOAD_FAIL)
            return is_there(a, k, e);
        a->pump->result->skipped_keys += k->exists;
        *seen_slot(a, k->hash) = k->hash | !k->exists;
    }
    return RC_OK;
}

bool
exists_prefetch_drops(const struct exists_prefetch *a)
{
    return a->current == AHEAD_DROP;
}

enum rc
exists_prefetch_settle(struct exists_prefetch *a, struct err *e)
{
    if (a->n_keys != 0 && exists_prefetch_ask(a, e))
        return err_code(e);
    for (size_t i = 0; i < a->n_cmds; i++) {
        const struct exists_prefetch_cmd *c = &a->cmds[i];
        if (c->key != AHEAD_SEND && a->keys[c->key].exists)
            continue;
        if (pipeline_add(a->pump, &c->note, str_of(a->held.p + c->at, c->n), e))
            return err_code(e);
    }
    if (a->current < AHEAD_DROP)
        a->current = a->keys[a->current].exists ? AHEAD_DROP : AHEAD_SEND;
    a->n_keys = a->n_cmds = 0;
    buf_reset(&a->held);
    buf_reset(&a->asks);
    return RC_OK;
}

enum rc
exists_prefetch_take_over(struct exists_prefetch *a, struct exists_prefetch *from, struct err *e)
{
    if (exists_prefetch_settle(from, e))
        return err_code(e);
    a->current = from->current;
    a->again = from->again;
    return RC_OK;
}
