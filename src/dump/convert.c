/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "dump/convert.h"

struct convert {
    struct ctx *cx;
    struct rdb *in;
    const struct convert_opts *opts;
    struct tee to;
    struct convert_facts *facts;
    uint64_t db, keys, expires; /* of the current database */
    uint64_t said_keys, said_expires;
    bool in_db, silent; /* silent: some database did not announce itself */
};

enum rc
tee_on(void *arg, const struct ev *ev, struct err *e)
{
    struct tee *t = arg;

    if (t->enc != NULL && encoder_on(t->enc, ev, e))
        return e->code;
    return t->tally == NULL ? RC_OK : tally_on(t->tally, ev, e);
}

/* A database is over: were all keys there? */
static enum rc
leave_db(struct convert *c, struct err *e)
{
    if (!c->in_db)
        return RC_OK;
    c->in_db = false;
    if (c->said_keys == EV_UNKNOWN) {
        c->silent = true;
        return RC_OK;
    }
    if (c->said_keys != c->keys || c->said_expires != c->expires)
        return err_set(e, RC_CORRUPT,
                       "database %llu announces %llu keys (%llu with expiry) and holds %llu (%llu)",
                       (unsigned long long)c->db, (unsigned long long)c->said_keys,
                       (unsigned long long)c->said_expires, (unsigned long long)c->keys,
                       (unsigned long long)c->expires);
    return RC_OK;
}

static enum rc
on_db(struct convert *c, const struct rdb_item *it, struct err *e)
{
    struct ev ev = {.kind = EV_DB};

    if (leave_db(c, e))
        return e->code;
    c->in_db = true;
    c->db = it->db.n;
    c->keys = c->expires = 0;
    c->said_keys = it->db.keys;
    c->said_expires = it->db.expires;
    ev.u.db.n = it->db.n;
    ev.u.db.keys = it->db.keys;
    ev.u.db.expires = it->db.expires;
    return filter_wants_db(&c->opts->filter, c->db) ? tee_on(&c->to, &ev, e) : RC_OK;
}

/* In the restore format a value that fits goes out as it is, and is decoded only to be counted. */
static enum rc
on_value(struct convert *c, struct err *e)
{
    struct ev ev;
    bool fits = false;

    if (c->opts->format == DUMP_RESTORE && c->to.enc != NULL) {
        if (rdb_payload(c->in, CONVERT_PAYLOAD_MAX, &ev, &fits, e))
            return e->code;
        if (fits && encoder_on(c->to.enc, &ev, e))
            return e->code;
    }
    if (!fits)
        return rdb_value(c->in, tee_on, &c->to, e);
    return c->to.tally == NULL ? RC_OK : rdb_value(c->in, tally_on, c->to.tally, e);
}

static enum rc
on_key(struct convert *c, const struct rdb_item *it, struct err *e)
{
    struct ev ev = {.kind = EV_KEY};

    c->keys++;
    c->expires += it->key.expires_at != EV_NO_EXPIRY;
    if (!filter_wants(&c->opts->filter, c->db, it->key.name))
        return RC_OK;
    ev.u.key = it->key;
    if (tee_on(&c->to, &ev, e) || on_value(c, e))
        return e->code;
    ev.kind = EV_KEY_END;
    if (c->opts->keys != NULL)
        atomic_fetch_add_explicit(c->opts->keys, 1, memory_order_relaxed);
    return tee_on(&c->to, &ev, e);
}

static enum rc
on_code(struct convert *c, const struct rdb_item *it, struct err *e)
{
    struct ev ev = {.kind = it->kind == RDB_SCRIPT ? EV_SCRIPT : EV_FUNCTION};

    if (!filter_is_all(&c->opts->filter))
        return RC_OK;
    ev.u.code = it->value;
    return tee_on(&c->to, &ev, e);
}

static void
on_aux(struct convert *c, const struct rdb_item *it)
{
    struct convert_facts *f = c->facts;
    char shown[CONVERT_AUX_TEXT];

    (void)str_show(it->value, shown, sizeof(shown));
    if (str_eq(it->name, STR_LIT("redis-ver")) || str_eq(it->name, STR_LIT("valkey-ver"))) {
        (void)snprintf(f->server, sizeof(f->server), "%s",
                       it->name.p[0] == 'r' ? "redis" : "valkey");
        (void)snprintf(f->version, sizeof(f->version), "%s", shown);
    } else if (str_eq(it->name, STR_LIT("repl-id"))) {
        (void)snprintf(f->repl_id, sizeof(f->repl_id), "%s", shown);
    } else if (str_eq(it->name, STR_LIT("repl-offset"))) {
        (void)snprintf(f->repl_offset, sizeof(f->repl_offset), "%s", shown);
    }
}

static void
on_module_aux(struct convert *c, const struct rdb_item *it)
{
    char name[40];

    c->facts->module_aux++;
    log_warn("module %s keeps data outside of keys, which no command can restore; it is left out",
             str_show(it->name, name, sizeof(name)));
}

static enum rc
on_item(struct convert *c, const struct rdb_item *it, struct err *e)
{
    switch (it->kind) {
    case RDB_AUX:
        on_aux(c, it);
        return RC_OK;
    case RDB_MODULE_AUX:
        on_module_aux(c, it);
        return RC_OK;
    case RDB_FUNCTION:
    case RDB_SCRIPT:
        return on_code(c, it, e);
    case RDB_DB:
        return on_db(c, it, e);
    case RDB_KEY:
        return on_key(c, it, e);
    default:
        return leave_db(c, e);
    }
}

enum rc
convert_rdb(struct ctx *cx, struct rdb *in, const struct convert_opts *opts, struct encoder *enc,
            struct tally *t, struct convert_facts *out, struct err *e)
{
    struct convert c = {.cx = cx, .in = in, .opts = opts, .to = {enc, t}, .facts = out};
    struct rdb_item it = {.kind = RDB_AUX};

    memset(out, 0, sizeof(*out));
    while (it.kind != RDB_END)
        if (ctx_check(cx, e) || rdb_next(in, &it, e) || on_item(&c, &it, e))
            return e->code;
    out->rdb_version = rdb_version(in);
    out->announced = !c.silent;
    return RC_OK;
}
