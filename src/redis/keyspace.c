/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/keyspace.h"

#include "rdb/event.h"

enum {
    PEEK_PAGES_MAX = 1024,
    PEEK_BYTES_MAX = 64 * 1024 * 1024,
    CURSOR_MAX = 24,
    COUNT_DBS_MAX = 16384
};

/* The first names that the selected database shows; *empty: there are none. Whoever reads all finds lists without an end. */
static enum rc
keyspace_peek(struct ctx *cx, struct conn *c, struct buf *names, bool *empty, struct err *e)
{
    char cursor[CURSOR_MAX] = "0";
    struct reply r;

    buf_reset(names);
    for (unsigned page = 0; page < PEEK_PAGES_MAX; page++) {
        if (CONN_CALL(cx, c, &r, e, STR_LIT("SCAN"), str_c(cursor)))
            return err_code(e);
        if (r.type != REPLY_ARRAY || r.n != 2 || r.items[0].type != REPLY_BULK ||
            r.items[0].s.n >= sizeof(cursor) || r.items[1].type != REPLY_ARRAY)
            return conn_fail(c, &r, "could not list the keys (SCAN)", e);
        memcpy(cursor, r.items[0].s.p, r.items[0].s.n);
        cursor[r.items[0].s.n] = '\0';
        for (size_t i = 0; i < r.items[1].n; i++) {
            const struct reply *name = &r.items[1].items[i];
            if (name->type != REPLY_BULK)
                return conn_fail(c, name, "could not list the keys (SCAN)", e);
            if (buf_add_str(names, name->s, e))
                return err_wrap(e, "too long key names");
        }
        *empty = r.items[1].n == 0 && strcmp(cursor, "0") == 0;
        if (r.items[1].n != 0 || *empty)
            return RC_OK;
    }
    return RC_OK;
}

static const struct info_db *
keyspace_listed(const struct conn_info *info, uint64_t n)
{
    for (size_t i = 0; info != NULL && i < info->n_dbs; i++)
        if (info->dbs[i].n == n)
            return &info->dbs[i];
    return NULL;
}

struct walk {
    struct ctx *cx;
    struct conn *c;
    const struct conn_info *info;
    keyspace_fn *fn;
    void *arg;
    uint64_t dbs_max;
    bool blind_too;          /* call fn as well where SCAN is denied */
    bool seen;               /* SCAN showed keys of the database at work */
    struct buf first, names; /* what database 0 showed, and this one */
};

/* *more: false when the server has no database `n`. */
static enum rc
keyspace_visit(struct walk *w, uint64_t n, bool *more, struct err *e)
{
    const struct info_db *said = keyspace_listed(w->info, n);
    struct info_db db = {.n = n, .keys = EV_UNKNOWN, .expires = EV_UNKNOWN};
    struct err why = ERR_INIT;
    bool empty = false;
    enum rc rc;

    if (conn_select(w->cx, w->c, n, &why)) {
        *more = false;
        if (why.code == RC_NOT_FOUND && n != 0)
            return RC_OK;
        *e = why;
        return err_code(e);
    }
    if (said != NULL && n != 0)
        return w->fn(w->arg, said, e);
    rc = keyspace_peek(w->cx, w->c, &w->names, &empty, &why);
    if (rc != RC_OK && !(w->blind_too && (rc == RC_DENIED || rc == RC_UNSUPPORTED))) {
        *e = why;
        return rc;
    }
    w->seen = rc == RC_OK && !empty;
    if (n == 0 && buf_add_str(&w->first, buf_str(&w->names), e))
        return err_code(e);
    if (empty && said == NULL)
        return RC_OK;
    if (n != 0 && w->names.n != 0 && str_eq(buf_str(&w->first), buf_str(&w->names))) {
        *more = false;
        return RC_OK;
    }
    return w->fn(w->arg, said != NULL ? said : &db, e);
}

static enum rc
keyspace_walk(struct walk *w, const struct db_set *only, struct err *e)
{
    bool more = true;
    enum rc rc = RC_OK;

    buf_init(&w->first, PEEK_BYTES_MAX);
    buf_init(&w->names, PEEK_BYTES_MAX);
    for (uint32_t i = 0; rc == RC_OK && i < only->n; i++)
        rc = keyspace_visit(w, only->v[i], &more, e);
    for (uint64_t n = 0; rc == RC_OK && more && only->n == 0; n++)
        rc = n == w->dbs_max ? err_set(e, RC_LIMIT, "%s has more than %llu databases",
                                       conn_peer(w->c), (unsigned long long)n)
                             : keyspace_visit(w, n, &more, e);
    buf_release(&w->first);
    buf_release(&w->names);
    return rc;
}

enum rc
keyspace_each(struct ctx *cx, struct conn *c, const struct conn_info *info,
              const struct db_set *only, keyspace_fn *fn, void *arg, struct err *e)
{
    struct walk w = {
        .cx = cx, .c = c, .info = info, .fn = fn, .arg = arg, .dbs_max = KEYSPACE_DBS_MAX};

    return keyspace_walk(&w, only, e);
}

struct count {
    struct walk walk;
    struct conn_info *out;
    bool *counted;
};

static enum rc
count_db(void *arg, const struct info_db *db, struct err *e)
{
    struct count *n = arg;
    struct reply r;

    if (CONN_CALL(n->walk.cx, n->walk.c, &r, e, STR_LIT("DBSIZE")))
        return err_code(e);
    if (r.type == REPLY_INT && r.integer > 0)
        return info_add_db(n->out, db->n, (uint64_t)r.integer, e);
    if (r.type != REPLY_INT || n->walk.seen)
        *n->counted = false;
    return RC_OK;
}

enum rc
keyspace_count(struct ctx *cx, struct conn *c, struct conn_info *out, bool *counted, struct err *e)
{
    static const struct db_set all = {.n = 0};
    struct count n = {.out = out, .counted = counted};
    struct err why = ERR_INIT;
    enum rc rc = conn_info(cx, c, out, &why);

    if (rc == RC_DENIED)
        *out = (struct conn_info){.n_dbs = 0};
    else if (rc != RC_OK) {
        *e = why;
        return rc;
    }
    *counted = true;
    if (out->n_dbs != 0)
        return RC_OK;
    n.walk = (struct walk){
        .cx = cx, .c = c, .fn = count_db, .arg = &n, .dbs_max = COUNT_DBS_MAX, .blind_too = true};
    why = (struct err)ERR_INIT;
    rc = keyspace_walk(&n.walk, &all, &why);
    if (rc == RC_OK)
        return RC_OK;
    *counted = false;
    if (rc == RC_DENIED || rc == RC_LIMIT)
        return RC_OK;
    conn_info_release(out);
    *e = why;
    return rc;
}
