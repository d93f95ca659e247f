/* SPDX-License-Identifier: Apache-2.0 */
#include "dump/convert.h"

#include "base/log.h"
#include "base/mem.h"
#include "dump/name_set.h"

enum { WARNINGS_MAX = 20 };

struct convert {
    struct ctx *cx;
    struct rdb *in;
    const struct convert_opts *opts;
    struct tee to;
    struct convert_facts *facts;
    uint64_t db, keys, expires; /* of the current database */
    uint64_t said_keys, said_expires;
    bool in_db, unsure; /* unsure: some database did not say what it holds, or something else */
    uint64_t n_items;   /* events of the value at hand that are data */
    uint64_t odd;
    uint64_t *names; /* hashes of names with their databases; 0: none */
    size_t n_names;
};

enum rc
tee_on(void *arg, const struct ev *ev, struct err *e)
{
    struct tee *t = arg;
    bool code = ev->kind == EV_FUNCTION || ev->kind == EV_SCRIPT;

    if (ev->kind == EV_DB)
        t->db = ev->u.db.n;
    if (ev->kind == EV_KEY && t->index != NULL &&
        key_lane_key(t->index, encoder_facts(t->enc).bytes, t->db, ev->u.key.name, e))
        return err_code(e);
    if (t->enc != NULL && !(code && t->no_code) && encoder_on(t->enc, ev, e))
        return err_code(e);
    return t->tally == NULL ? RC_OK : dataset_digest_on(t->tally, ev, e);
}

/*
 * A database is over. The counts in front of it are hints for a server's hash tables: Redis up to
 * 3.2 counts expired keys that it does not write, Redis Enterprise and tools that split files write
 * those of the whole. Whether all bytes are there the checksum tells.
 */
static void
leave_db(struct convert *c)
{
    if (!c->in_db)
        return;
    c->in_db = false;
    if (c->opts->on_db != NULL)
        c->opts->on_db(c->opts->arg, c->db, c->keys);
    if (c->said_keys == c->keys && c->said_expires == c->expires)
        return;
    c->unsure = true;
    if (c->said_keys != EV_UNKNOWN)
        log_warn("database %llu announces %llu %s (%llu with expiry) and holds %llu (%llu)",
                 (unsigned long long)c->db, (unsigned long long)c->said_keys,
                 str_plural(c->said_keys, "key", "keys"), (unsigned long long)c->said_expires,
                 (unsigned long long)c->keys, (unsigned long long)c->expires);
}

static enum rc
on_db(struct convert *c, const struct rdb_item *it, struct err *e)
{
    struct ev ev = {.kind = EV_DB};

    leave_db(c);
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

static enum rc
count_on(void *arg, const struct ev *ev, struct err *e)
{
    struct convert *c = arg;

    c->n_items++;
    return c->to.tally == NULL ? RC_OK : dataset_digest_on(c->to.tally, ev, e);
}

static enum rc
pass_on(void *arg, const struct ev *ev, struct err *e)
{
    struct convert *c = arg;

    c->n_items++;
    return tee_on(&c->to, ev, e);
}

/*
 * In the restore format a value that fits goes out as it is. It is decoded all the same, to be
 * counted, and so that no payload is written that a server would refuse: what is empty is left out,
 * what is odd is written as commands.
 */
static enum rc
on_payload_value(struct convert *c, const struct ev *payload, struct err *e)
{
    if (rdb_value(c->in, count_on, c, e))
        return err_code(e);
    if (rdb_oddity(c->in) != NULL)
        return rdb_value(c->in, encoder_on, c->to.enc, e);
    return c->n_items == 0 ? RC_OK : encoder_on(c->to.enc, payload, e);
}

static void
warn_odd(struct convert *c, const struct rdb_item *it)
{
    const char *what =
        c->n_items == 0 ? "it is empty, and left out as servers do" : rdb_oddity(c->in);
    char name[100];

    if (what == NULL)
        return;
    if (c->odd++ < WARNINGS_MAX)
        log_warn("key \"%s\" of type %s: %s", str_show(it->key.name, name, sizeof(name)),
                 kv_info[it->key.type].name, what);
    else if (c->odd == WARNINGS_MAX + 1)
        log_warn("more keys like these; no further warnings");
}

static enum rc
on_value(struct convert *c, const struct rdb_item *it, struct err *e)
{
    bool fits = false, restore = c->opts->format == DUMP_RESTORE;
    struct ev ev;

    c->n_items = 0;
    /* A stream is held for commands too: what it says last is needed first (EV_DELETED). */
    if ((restore || it->key.type == KV_STREAM) && c->to.enc != NULL &&
        rdb_payload(c->in, CONVERT_PAYLOAD_MAX, &ev, &fits, e))
        return err_code(e);
    if (fits && restore ? on_payload_value(c, &ev, e) : rdb_value(c->in, pass_on, c, e))
        return err_code(e);
    warn_odd(c, it);
    return RC_OK;
}

static enum rc
check_twice(struct convert *c, struct str name, struct err *e)
{
    struct name_hash h = name_set_hash(c->db, name);
    uint64_t *at = &c->names[h.choose % c->n_names];
    char shown[100];

    if (*at == h.name)
        return err_set(e, RC_CORRUPT, "key \"%s\" is there twice in database %llu",
                       str_show(name, shown, sizeof(shown)), (unsigned long long)c->db);
    *at = h.name;
    return RC_OK;
}

static enum rc
on_key(struct convert *c, const struct rdb_item *it, struct err *e)
{
    struct ev ev = {.kind = EV_KEY};

    if (check_twice(c, it->key.name, e))
        return err_code(e);
    c->keys++;
    c->expires += it->key.expires_at != EV_NO_EXPIRY;
    c->facts->foreign += !filter_owns(&c->opts->filter, it->key.name);
    if (!filter_wants(&c->opts->filter, c->db, it->key.name) ||
        !filter_wants_type(&c->opts->filter, it->key.type))
        return RC_OK;
    ev.u.key = it->key;
    if (tee_on(&c->to, &ev, e) || on_value(c, it, e))
        return err_code(e);
    ev.kind = EV_KEY_END;
    if (c->opts->keys != NULL)
        atomic_fetch_add_explicit(c->opts->keys, 1, memory_order_relaxed);
    return tee_on(&c->to, &ev, e);
}

static enum rc
on_code(struct convert *c, const struct rdb_item *it, struct err *e)
{
    struct ev ev = {.kind = it->kind == RDB_SCRIPT ? EV_SCRIPT : EV_FUNCTION};

    if (!filter_wants_keyless(&c->opts->filter))
        return RC_OK;
    ev.u.code = it->value;
    return tee_on(&c->to, &ev, e);
}

static void
on_aux(struct convert *c, const struct rdb_item *it)
{
    struct convert_facts *f = c->facts;

    if (str_eq(it->name, STR_LIT("redis-ver")) || str_eq(it->name, STR_LIT("valkey-ver"))) {
        (void)snprintf(f->server, sizeof(f->server), "%s",
                       it->name.p[0] == 'r' ? "redis" : "valkey");
        (void)str_show(it->value, f->version, sizeof(f->version));
    } else if (str_eq(it->name, STR_LIT("repl-id"))) {
        (void)str_show(it->value, f->repl_id, sizeof(f->repl_id));
    } else if (str_eq(it->name, STR_LIT("repl-offset"))) {
        (void)str_show(it->value, f->repl_offset, sizeof(f->repl_offset));
    } else if (str_eq(it->name, STR_LIT("keydb-subexpire-key"))) {
        f->member_expiries++; /* of the key before; no other server has these */
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
        leave_db(c);
        return RC_OK;
    }
}

static enum rc
all_items(struct convert *c, struct err *e)
{
    struct rdb_item it = {.kind = RDB_AUX};

    while (it.kind != RDB_END) {
        if (ctx_check(c->cx, e) || rdb_next(c->in, &it, e))
            return err_code(e);
        if (c->to.enc != NULL)
            encoder_source(c->to.enc, rdb_version(c->in));
        if (on_item(c, &it, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
convert_rdb(struct ctx *cx, struct rdb *in, const struct convert_opts *opts, struct encoder *enc,
            struct dataset_digest *t, struct convert_facts *out, struct err *e)
{
    struct convert c = {
        .cx = cx,
        .in = in,
        .opts = opts,
        .to = {.enc = enc, .tally = t, .index = opts->index, .no_code = opts->no_code},
        .facts = out};
    enum rc rc;

    memset(out, 0, sizeof(*out));
    c.n_names = CONVERT_NAMES_KEPT / MAX(opts->share, 1U);
    c.names = (uint64_t *)mem_zero(c.n_names, sizeof(*c.names));
    rc = all_items(&c, e);
    mem_free(c.names);
    if (rc != RC_OK)
        return rc;
    out->rdb_version = rdb_version(in);
    out->announced = !c.unsure;
    if (out->member_expiries != 0)
        log_warn("%llu expiries of single members (KeyDB's EXPIREMEMBER) are left out: these "
                 "members will not expire",
                 (unsigned long long)out->member_expiries);
    return RC_OK;
}
