/* SPDX-License-Identifier: Apache-2.0 */
#include "job/conflicts.h"

#include "base/clock.h"
#include "base/mem.h"
#include "dump/slot.h"

enum { CONFLICTS_BATCH = 4096, CONFLICTS_BYTES = 1024 * 1024 };

enum rc
conflicts_open(struct ctx *cx, struct masters *to, const struct outcome_start *start,
               struct conflicts *c, struct err *e)
{
    const struct db_set first = db_set_of(0);

    *c = (struct conflicts){.cx = cx, .to = to, .start = start};
    c->names = mem_zero(to->n, sizeof(*c->names));
    c->pending = mem_zero(to->n, sizeof(*c->pending));
    c->db_empty = start->asked && outcome_before(start, &first) == 0;
    for (size_t i = 0; i < to->n; i++) {
        char name[MASTERS_PROBE];

        if (!masters_probe_name(to, i, name))
            continue;
        if (rights_names_open(cx, to->list[i], name, &c->names[i], e))
            return err_code(e);
        c->names_some = c->names_some || c->names[i].some;
        c->names_unsure = c->names_unsure || (c->names[i].some && c->names[i].words == NULL);
    }
    return RC_OK;
}

void
conflicts_close(struct conflicts *c)
{
    for (size_t i = 0; c->names != NULL && i < c->to->n; i++)
        rights_names_close(&c->names[i]);
    mem_free(c->names);
    mem_free(c->pending);
    *c = (struct conflicts){.cx = NULL};
}

/* The answers to one name. */
static enum rc
conflicts_take(struct conflicts *c, size_t i, struct err *e)
{
    struct conn *conn = c->to->list[i];
    struct reply r;

    if (!c->db_empty) {
        if (conn_recv(c->cx, conn, &r, e))
            return err_code(e);
        c->asked++;
        c->exist += r.type == REPLY_INT && r.integer > 0;
        c->unknown += r.type != REPLY_INT;
    }
    if (c->names[i].words == NULL)
        return RC_OK;
    if (conn_recv(c->cx, conn, &r, e))
        return err_code(e);
    c->denied += rights_names_denied(&r);
    return RC_OK;
}

enum rc
conflicts_end(struct conflicts *c, struct err *e)
{
    int64_t began = clock_mono_ns();

    if (c->waiting == 0)
        return RC_OK;
    for (size_t i = 0; i < c->to->n; i++)
        if (c->pending[i] != 0 && conn_flush(c->cx, c->to->list[i], e))
            return err_code(e);
    for (size_t i = 0; i < c->to->n; i++) {
        for (; c->pending[i] != 0; c->pending[i]--)
            if (conflicts_take(c, i, e))
                return err_code(e);
    }
    c->waiting = 0;
    c->ns += clock_mono_ns() - began;
    return RC_OK;
}

/* Names of the database before are asked for in that one. */
static enum rc
conflicts_enter(struct conflicts *c, uint64_t db, struct err *e)
{
    const struct db_set one = db_set_of((int64_t)db);

    if (db == c->db)
        return RC_OK;
    if (conflicts_end(c, e))
        return err_code(e);
    c->db = db;
    c->db_empty = c->start->asked && outcome_before(c->start, &one) == 0;
    return RC_OK;
}

enum rc
conflicts_on(void *arg, const struct ev *ev, struct err *e)
{
    struct conflicts *c = arg;
    struct str name;
    struct buf *out;
    size_t i;

    if (ev->kind == EV_DB)
        return conflicts_enter(c, ev->u.db.n, e);
    if (ev->kind != EV_KEY)
        return RC_OK;
    name = ev->u.key.name;
    i = c->to->owner != NULL ? c->to->owner[slot_of(name)] : 0;
    if (c->db_empty && c->names[i].words == NULL)
        return RC_OK;
    out = &c->to->list[i]->out;
    /* Only where it is needed: the server may have no such database, which is for others to tell. */
    if (!c->db_empty && c->to->owner == NULL && c->waiting == 0 &&
        conn_select(c->cx, c->to->list[0], c->db, e))
        return err_code(e);
    if (!c->db_empty)
        RESP_CMD(out, STR_LIT("EXISTS"), name);
    if (c->names[i].words != NULL)
        rights_names_ask(&c->names[i], name, out);
    c->pending[i]++;
    c->waiting++;
    return c->waiting >= CONFLICTS_BATCH || out->n >= CONFLICTS_BYTES ? conflicts_end(c, e) : RC_OK;
}
