/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "redis/allow.h"
#include "redis/empty.h"
#include "redis/load_internal.h"
#include "redis/rights.h"

enum { PROGRESS_BYTES = 1024 * 1024, LAST_ANSWERS_MS = 2000 };

/*
 * LOAD_FLUSH: the server is emptied when there is something to be written to it: before the first
 * command that writes, after that was judged.
 */
static enum rc
empty_once(struct load *l, uint64_t db, struct str key, struct err *e)
{
    struct filter what = l->opts->filter;
    enum rc rc = RC_OK;

    if (!l->to_empty)
        return RC_OK;
    if (load_is_cluster(l) && what.dbs.n != 0)
        what.dbs = db_set_of((int64_t)(db = 0));
    if (l->sending)
        rc = load_each(l, load_node_drain, e);
    for (size_t i = 0; rc == RC_OK && l->sending && i < l->n_nodes; i++) {
        const struct rights_for load = {.no_key = l->nodes[i]->no_key,
                                        .first = key,
                                        .verbs = l->opts->verbs |
                                                 dump_decode_facts(l->lane->undump).verbs,
                                        .empties = true,
                                        .of_cluster = load_is_cluster(l)};

        rc = rights_to_load(l->cx, l->nodes[i]->c, &what, &load, e);
    }
    if (rc != RC_OK)
        return rc;
    l->to_empty = false;
    for (size_t i = 0; rc == RC_OK && l->sending && i < l->n_nodes; i++) {
        struct conn *c = l->nodes[i]->c;

        c->db = -1; /* the dump's SELECTs moved it */
        rc = empty_target(l->cx, c, &what, &l->result->emptied, e);
        if (rc == RC_OK)
            rc = conn_select(l->cx, c, db, e);
    }
    return rc;
}

/* Nothing follows. Only a dump that says itself that it is whole may leave a server empty. */
static enum rc
end_dump(struct load *l, struct err *e)
{
    struct dump_decode_facts facts;

    if (dump_decode_end(l->whole.undump, e))
        return err_code(e);
    facts = dump_decode_facts(l->whole.undump);
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
    case CMD_SELECT: /* a cluster has but one database */
        return filter_wants_db(f, k->db) && !load_is_cluster(l);
    case CMD_KEY:
        if (filter_wants(f, k->db, k->key))
            return true;
        l->result->filtered_keys += k->starts_key;
        return false;
    default:
        return filter_wants_keyless(f);
    }
}

/* What cannot go into a cluster is an error before it is sent. */
static enum rc
check_routed(const struct load *l, const struct cmd *c, const struct command_class *k,
             struct err *e)
{
    char verb[PUMP_VERB + 1];

    if (!load_is_cluster(l) || k->kind == CMD_META || k->kind == CMD_MARKER)
        return RC_OK;
    if (k->db != 0 && l->opts->filter.dbs.n != 1 && k->kind == CMD_KEY) {
        (void)err_set(e, RC_UNSUPPORTED,
                      "a cluster has one database, and the dump has keys in "
                      "database %llu",
                      (unsigned long long)k->db);
        return err_hint(e, "--db %llu restores that one into the cluster",
                        (unsigned long long)k->db);
    }
    if (k->kind != CMD_MANY && k->kind != CMD_FOREIGN)
        return RC_OK;
    return err_set(e, RC_UNSUPPORTED,
                   "%s at byte %llu is not a command of one key: no node of a cluster takes it",
                   str_show(c->argv[0], verb, sizeof(verb)), (unsigned long long)c->at);
}

static void
load_tell(struct load *l, bool now)
{
    if (l->opts->progress == NULL || (!now && l->result->bytes - l->told < PROGRESS_BYTES))
        return;
    l->told = l->result->bytes;
    l->opts->progress(l->opts->progress_arg, l->result->bytes, l->result->commands);
}

/* Of a dry run, or of a key that is there for good: as if it were sent. */
static enum rc
load_count(struct load *l, const struct cmd *c, const struct command_class *k, bool wanted,
           struct err *e)
{
    uint64_t before = l->result->keys;
    struct pipeline_note note;

    if (wanted && k->kind == CMD_KEY) {
        pipeline_note(&note, c, k);
        pipeline_count(&l->at->pump, &note);
        if (l->sending) {
            l->result->keys_there += l->result->keys - before;
            l->result->passed_keys += l->result->keys - before;
        }
    }
    if (wanted && l->at->adapt != NULL)
        return load_try(l, c, k, e);
    return c->whole ? RC_OK : load_pass_pieces(l, false, e);
}

enum rc
load_pass(struct load *l, const struct cmd *c, struct err *e)
{
    struct command_class k;
    bool send;

    if (dump_decode_cmd(l->lane->undump, c, &k, e))
        return load_lane_failed(l->lane, e);
    l->in_key = k.kind == CMD_KEY;
    if (k.kind == CMD_KEY && k.starts_key)
        load_place_key(l);
    if (allow_check(l->opts, c, &k, e) || check_routed(l, c, &k, e))
        return load_lane_failed(l->lane, e);
    l->result->bytes += c->raw.n;
    l->wanted = send = load_wanted(l, &k);
    l->result->wanted += send ? c->raw.n : 0;
    if (send)
        l->result->highest_db = MAX(l->result->highest_db, k.db);
    if (send && k.kind != CMD_SELECT &&
        ((l->sending && load_place_begin(l, e)) || empty_once(l, k.db, k.key, e)))
        return err_code(e);
    if (send && l->sending && !(k.kind == CMD_KEY && load_place_passed(l))
            ? load_send(l, c, &k, e)
            : load_count(l, c, &k, send, e))
        return err_code(e);
    if ((++l->ticks & 1023) == 0 && ctx_check(l->cx, e))
        return err_code(e);
    load_place_tell(l, false);
    load_tell(l, false);
    return RC_OK;
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

    for (size_t i = 0; i < l->n_nodes; i++) {
        struct load_node *node = l->nodes[i];

        if ((l->in_pieces && node == l->at) ||
            ((why == RC_UNAVAILABLE || why == RC_TIMEOUT) && l->n_nodes == 1) || node->pump.broken)
            continue;
        node->pump.cx = &last;
        if ((why == RC_CANCELLED || exists_prefetch_settle(&node->ahead, &ignored) == RC_OK) &&
            pipeline_drain(&node->pump, &ignored) == RC_OK)
            pipeline_end(&node->pump, !(l->in_key && node == l->at) && node->ahead.n_cmds == 0);
        node->pump.cx = l->cx;
    }
}

/* How much was left out of this kind: not sent, or sent and not taken. */
static uint64_t
left_out(const struct load *l, unsigned what)
{
    uint64_t n = l->result->left_out[what];

    for (size_t i = 0; i < l->n_nodes; i++)
        n += l->nodes[i]->adapt != NULL ? adapt_left_out(l->nodes[i]->adapt)[what] : 0;
    return n;
}

static void
warn_left_out(const struct load *l)
{
    for (unsigned i = 0; i < ADAPT_N; i++)
        if (left_out(l, i) != 0)
            log_warn("%s cannot hold %s: %llu left out", l->m->name,
                     adapt_left_text((enum adapt_left)i), (unsigned long long)left_out(l, i));
}

static enum rc
send_all(struct load *l, struct rd *dump, struct err *e)
{
    if (load_pass_all(l, dump, e) || end_dump(l, e)) {
        if (l->sending)
            take_last_answers(l, e->code);
        return err_code(e);
    }
    load_tell(l, true);
    if (!l->sending)
        return RC_OK;
    if (load_each(l, load_node_settle, e) || load_follow(l, e) || load_each(l, load_node_fence, e))
        return err_code(e);
    for (size_t i = 0; i < l->n_nodes; i++)
        pipeline_end(&l->nodes[i]->pump, true);
    warn_left_out(l);
    if (l->result->lost_pending != 0)
        log_warn("%llu pending %s of streams not restored: the messages had been deleted before "
                 "the backup",
                 (unsigned long long)l->result->lost_pending,
                 str_plural(l->result->lost_pending, "entry", "entries"));
    return pipeline_verdict(&l->nodes[0]->pump, e);
}

static enum rc
load_prepare(struct load *l, struct err *e)
{
    enum rc rc = RC_OK;

    buf_init(&l->redirects.bytes, SIZE_MAX / 2);
    for (size_t i = 0; rc == RC_OK && l->sending && i < l->m->n; i++)
        rc = load_add_node(l, e);
    if (!l->sending) {
        l->nodes = mem_more(NULL, 0, sizeof(struct load_node *)); /* NOLINT */
        l->nodes[l->n_nodes++] = MEM_NEW(struct load_node);
        l->nodes[0]->pump.result = l->result; /* a dry run counts too */
        if (l->opts->as_if != NULL)
            l->nodes[0]->adapt = adapt_new(l->opts->as_if);
    }
    l->at = l->nodes[0];
    return rc;
}

enum rc
load_run(struct ctx *cx, struct masters *m, struct rd *dump, const struct load_opts *opts,
         struct load_result *result, struct err *e)
{
    struct load l = {.cx = cx,
                     .m = opts->dry_run ? NULL : m,
                     .opts = opts,
                     .result = result,
                     .sending = !opts->dry_run,
                     .to_empty = opts->existing == LOAD_FLUSH &&
                                 !(opts->from != NULL && opts->from->emptied)};
    enum rc rc;

    BUG_ON(m == NULL && !opts->dry_run);
    BUG_ON(opts->as_if != NULL && !opts->dry_run);
    BUG_ON(opts->from != NULL && opts->dry_run);
    /* One server has one database at a time. */
    BUG_ON(opts->parts != NULL && !opts->dry_run && !load_is_cluster(&l));
    memset(result, 0, sizeof(*result));
    rc = load_place_open(&l, e);
    if (rc == RC_OK)
        rc = load_prepare(&l, e);
    if (rc == RC_OK) {
        l.lane = &l.whole;
        l.whole.undump = dump_decode_new(opts->on, opts->on_arg);
        rc = send_all(&l, dump, e);
        if (rc != RC_OK)
            load_place_tell(&l, true);
        for (unsigned i = 0; i < ADAPT_N; i++)
            result->left_out[i] = left_out(&l, i);
        if (opts->as_if != NULL)
            result->refused = adapt_refused(l.nodes[0]->adapt);
        result->facts = dump_decode_facts(l.whole.undump);
        held_release(&l.held);
        dump_decode_free(l.whole.undump);
    }
    load_free_nodes(&l);
    load_place_close(&l);
    redirects_release(&l.redirects);
    return rc;
}
