/* SPDX-License-Identifier: Apache-2.0 */
/* The servers that a load writes to, and what one of a cluster sends on to another. */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "dump/slot.h"
#include "redis/ability.h"
#include "redis/load_internal.h"

enum {
    FOLLOW_MS = 60 * 1000, /* commands may be sent on for so long */
    FOLLOW_STEP_MS = 20
};

/* ---- the servers ---- */

/*
 * What would stop the load in its middle can be waited for here: pipelined commands that were refused could not be sent
 * again in order. Then what the server takes is tried.
 */
static enum rc
load_probe(struct load *l, size_t i, struct err *e)
{
    struct load_node *node = l->nodes[i];

    if (!masters_probe_name(l->m, i, node->no_key)) {
        node->target = l->nodes[0]->target;
        return RC_OK;
    }
    if (ability_try_write(l->cx, node->c, node->no_key, e))
        return err_code(e);
    return ability_ask(l->cx, node->c, node->no_key, &node->target, e);
}

static exists_elsewhere_fn redirect_question;

/* While one server is waited for the others go on. */
static void
push_all(void *arg)
{
    struct load *l = arg;

    for (size_t i = 0; i < l->n_nodes; i++)
        pipeline_push(&l->nodes[i]->pump);
}

enum rc
load_add_node(struct load *l, struct err *e)
{
    struct load_node *node = MEM_NEW(struct load_node);
    unsigned share = (unsigned)MAX(l->m->n, (size_t)1);
    size_t i = l->n_nodes;

    l->nodes = mem_more(l->nodes, l->n_nodes, sizeof(struct load_node *)); /* NOLINT */
    l->nodes[l->n_nodes++] = node;
    node->c = l->m->list[i];
    pipeline_init(&node->pump, l->cx, node->c, l->opts, share, l->result);
    node->pump.streams = &l->streams;
    node->pump.redirects = load_is_cluster(l) ? &l->redirects : NULL;
    node->pump.meanwhile = load_is_cluster(l) ? push_all : NULL;
    node->pump.meanwhile_arg = l;
    exists_prefetch_init(&node->ahead, &node->pump, l->opts);
    node->ahead.elsewhere = load_is_cluster(l) ? redirect_question : NULL;
    node->ahead.elsewhere_arg = l;
    if (load_probe(l, i, e))
        return err_code(e);
    node->adapt = adapt_takes_all(&node->target) ? NULL : adapt_new(&node->target);
    /* A dump selects its databases itself, but one of other origin may rely on starting in 0. */
    return conn_select(l->cx, node->c, 0, e);
}

void
load_free_nodes(struct load *l)
{
    for (size_t i = 0; i < l->n_nodes; i++) {
        struct load_node *node = l->nodes[i];

        if (l->sending) {
            pipeline_end(&node->pump, false);
            exists_prefetch_release(&node->ahead);
            pipeline_release(&node->pump);
            node->c->db = -1; /* the dump's own SELECTs moved it */
        }
        adapt_free(node->adapt);
        mem_free(node);
    }
    mem_free(l->nodes);
}

enum rc
load_each(struct load *l, load_node_fn *fn, struct err *e)
{
    for (size_t i = 0; i < l->n_nodes; i++)
        if (fn(l, l->nodes[i], e))
            return err_code(e);
    return RC_OK;
}

enum rc
load_node_settle(struct load *l, struct load_node *node, struct err *e)
{
    (void)l;
    return exists_prefetch_settle(&node->ahead, e);
}

enum rc
load_node_drain(struct load *l, struct load_node *node, struct err *e)
{
    (void)l;
    return pipeline_drain(&node->pump, e);
}

enum rc
load_node_fence(struct load *l, struct load_node *node, struct err *e)
{
    (void)l;
    return pipeline_fence(&node->pump, e);
}

/* ---- redirections ---- */

/* Where an answer sends a command; a slot that has moved belongs there from now on. */
static enum rc
redirect_to(struct load *l, struct str redirection, bool ask, struct load_node **to, struct err *e)
{
    unsigned slot;
    size_t i;

    if (masters_find(l->cx, l->m, redirection, &i, &slot, e))
        return err_code(e);
    while (l->n_nodes < l->m->n)
        if (load_add_node(l, e))
            return err_code(e);
    if (!ask)
        l->m->owner[slot] = (uint16_t)i;
    *to = l->nodes[i];
    return RC_OK;
}

/* A question whose answer is waited for. */
static enum rc
redirect_question(void *arg, struct str redirection, struct str command, struct reply *out,
                  struct err *e)
{
    struct load *l = arg;
    bool ask = redirection.n > 3 && memcmp(redirection.p, "ASK", 3) == 0;
    struct load_node *to;

    if (redirect_to(l, redirection, ask, &to, e) || pipeline_drain(&to->pump, e) ||
        (ask && CONN_CALL(l->cx, to->c, out, e, STR_LIT("ASKING"))))
        return err_code(e);
    buf_must_add(&to->c->out, command.p, command.n);
    return conn_flush(l->cx, to->c, e) ? err_code(e) : conn_recv(l->cx, to->c, out, e);
}

static enum rc
redirect_one(struct load *l, const struct redirects *r, const struct redirected *one, struct err *e)
{
    struct pipeline_note note = one->note;
    struct load_node *to;

    note.again = true;
    if (redirect_to(l, str_of(r->bytes.p + one->where_at, one->where_n), one->ask, &to, e))
        return err_code(e);
    to->pump.asking = one->ask;
    return pipeline_add(&to->pump, &note, str_of(r->bytes.p + one->at, one->n), e);
}

enum rc
load_follow(struct load *l, struct err *e)
{
    int64_t until = clock_mono_ms() + FOLLOW_MS;
    enum rc rc = load_each(l, load_node_drain, e);

    for (unsigned round = 0; rc == RC_OK && l->redirects.n != 0; round++) {
        struct redirects now;

        if (round > 0 && clock_mono_ms() > until)
            return err_set(e, RC_UNAVAILABLE,
                           "the nodes of the cluster send %zu commands from one to the other",
                           l->redirects.n);
        if (round > 0 && ctx_sleep(l->cx, FOLLOW_STEP_MS, e))
            return err_code(e);
        redirects_take(&l->redirects, &now);
        for (size_t i = 0; rc == RC_OK && i < now.n; i++)
            rc = redirect_one(l, &now, &now.list[i], e);
        for (size_t i = 0; rc != RC_OK && i < now.n; i++) /* nobody has them any more */
            load_streams_fail(&l->streams, &now.list[i].note);
        redirects_release(&now);
        if (rc == RC_OK)
            rc = load_each(l, load_node_drain, e);
    }
    return rc;
}

/* A write that changes nothing of a key of any type. */
static enum rc
ask_taker(struct load *l, struct str key, struct reply *r, struct err *e)
{
    struct load_node *at = l->at;

    return pipeline_drain(&at->pump, e)
               ? err_code(e)
               : CONN_CALL(l->cx, at->c, r, e, STR_LIT("SREM"), key, str_c(at->no_key));
}

enum rc
load_find_taker(struct load *l, struct str key, struct err *e)
{
    int64_t until = clock_mono_ms() + FOLLOW_MS;
    struct reply r;

    if (exists_prefetch_settle(&l->at->ahead, e) || pipeline_drain(&l->at->pump, e) ||
        (l->redirects.n != 0 && load_follow(l, e)))
        return err_code(e);
    l->at = l->nodes[l->m->owner[slot_of(key)]];
    while (clock_mono_ms() < until) {
        struct load_node *to;
        bool ask;

        if (ask_taker(l, key, &r, e))
            return err_code(e);
        ask = reply_is_error(&r, "ASK");
        if (!ask &&
            !reply_is_error(
                &r, "MOVED")) /* it takes it; or another error, which the command meets, too */
            return RC_OK;
        if (redirect_to(l, r.s, ask, &to, e))
            return err_code(e);
        l->at = to;
        l->asking = ask;
        if (ask)
            return RC_OK;
        if (ctx_sleep(l->cx, 1, e))
            return err_code(e);
    }
    return RC_OK; /* the command says what is wrong */
}
