/* SPDX-License-Identifier: Apache-2.0 */
#include "job/source.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/reckon.h"
#include "redis/fork_guard.h"
#include "redis/keyspace.h"
#include "redis/replica.h"
#include "redis/scan.h"
#include "redis/topology.h"

/* Counts for the progress line what goes by. */
struct counted {
    struct wr wr;
    struct wr *to;
    atomic_uint_fast64_t *bytes;
};

static enum rc
counted_write(struct wr *base, const uint8_t *p, size_t n, struct err *e)
{
    struct counted *w = CONTAINER_OF(base, struct counted, wr);

    if (w->bytes != NULL)
        atomic_fetch_add_explicit(w->bytes, n, memory_order_relaxed);
    return w->to == NULL ? RC_OK : wr_write(w->to, p, n, e);
}

const char *
source_kind_name(enum source_kind k)
{
    static const char *const names[] = {"auto", "replication", "scan", "rdb"};
    return names[k];
}

static void
copy_text(char *to, size_t n, const char *from)
{
    size_t len = MIN(strlen(from), n - 1);

    memcpy(to, from, len);
    to[len] = '\0';
}

static void
facts_from_info(const struct conn_info *i, struct source_facts *f)
{
    static const char *const kinds[] = {"redis", "valkey", "other"};

    copy_text(f->server, sizeof(f->server), kinds[i->kind]);
    copy_text(f->version, sizeof(f->version), i->version);
    copy_text(f->mode, sizeof(f->mode), i->mode);
    copy_text(f->role, sizeof(f->role), i->role);
    copy_text(f->run_id, sizeof(f->run_id), i->run_id);
    copy_text(f->replid, sizeof(f->replid), i->replid);
    f->offset = i->offset;
    f->memory = i->dataset_memory;
    f->link_down = strcmp(i->role, "slave") == 0 && !i->link_up;
    f->link_down_s = f->link_down ? i->link_down_s : 0;
}

/* One dump: what is asked for and where it goes. */
struct dump {
    const struct source_opts *o;
    struct encoder *enc;      /* NULL: only count */
    struct dataset_digest *t; /* NULL: not */
    struct source_facts *f;
    struct reckon read;
};

static void
count_db(void *arg, uint64_t db, uint64_t keys)
{
    reckon_add(&((struct dump *)arg)->read, db, keys);
}

static enum rc
source_convert(struct ctx *cx, struct rdb *rdb, struct dump *d, struct err *e)
{
    const struct source_opts *o = d->o;
    struct convert_opts opts = {
        .format = o->format, .filter = o->filter, .keys = o->keys, .on_db = count_db, .arg = d};
    struct source_facts *f = d->f;
    struct convert_facts facts;

    if (convert_rdb(cx, rdb, &opts, d->enc, d->t, &facts, e))
        return err_code(e);
    f->announced = facts.announced;
    f->member_expiries = facts.member_expiries;
    if (f->replid[0] == '\0') { /* a file, or an answer to SYNC, which does not say it */
        copy_text(f->replid, sizeof(f->replid), facts.repl_id);
        (void)str_to_told(str_c(facts.repl_offset), &f->offset);
    }
    f->rdb_version = facts.rdb_version;
    if (f->version[0] == '\0') {
        copy_text(f->server, sizeof(f->server), facts.server);
        copy_text(f->version, sizeof(f->version), facts.version);
    }
    return RC_OK;
}

/* Take the snapshot of an attached replica. */
static enum rc
source_drain(struct ctx *cx, struct replica *r, struct dump *d, struct err *e)
{
    struct rdb *rdb = rdb_new(replica_rd(r));
    struct replica_facts facts = replica_facts(r);
    enum rc rc;

    copy_text(d->f->replid, sizeof(d->f->replid), facts.replid);
    d->f->offset = facts.offset;
    rc = source_convert(cx, rdb, d, e);
    if (rc == RC_OK)
        rc = replica_finish(r, rdb_leftover(rdb), e);
    rdb_free(rdb);
    return rc;
}

/*
 * `*refused` = true when the server does not serve replicas; *c is NULL once the replica has taken
 * it.
 */
static enum rc
by_replication(struct ctx *cx, struct conn **c, const struct conn_info *info, struct dump *d,
               bool *refused, struct err *e)
{
    struct replica_opts opts = {
        .psync = d->o->psync, .info = info, .fall_back = d->o->kind == SOURCE_AUTO};
    struct fork_guard *guard;
    struct replica *r;
    struct err why = ERR_INIT;
    enum rc rc;

    *refused = false;
    if (fork_guard_check(cx, *c, info, &why)) {
        if (d->o->kind == SOURCE_AUTO || !replica_refused(&why)) {
            *e = why;
            *refused = replica_refused(e);
            return err_code(e);
        }
        log_warn("%s", why.msg); /* it was asked for */
        why = (struct err)ERR_INIT;
    }
    if (replica_open(cx, *c, &opts, &r, e)) {
        *refused = replica_refused(e);
        return err_code(e);
    }
    *c = NULL;
    d->f->kind = SOURCE_REPLICATION;
    d->f->point_in_time = true;
    rc = fork_guard_start(d->o->addr, d->o->conn, r, info, &guard, e);
    if (rc == RC_OK)
        rc = source_drain(cx, r, d, e);
    if (fork_guard_stop(guard, &why) && rc != RC_OK) {
        *e = why;
        rc = e->code;
        d->f->fork_too_dear = true;
    }
    replica_close(r);
    return rc;
}

struct scan_tee {
    struct tee tee;
    struct dump *dump;
    uint64_t db;
    atomic_uint_fast64_t *keys;
};

static enum rc
scan_on(void *arg, const struct ev *ev, struct err *e)
{
    struct scan_tee *s = arg;

    if (ev->kind == EV_DB)
        s->db = ev->u.db.n;
    if (ev->kind == EV_KEY_END)
        count_db(s->dump, s->db, 1);
    if (ev->kind == EV_KEY_END && s->keys != NULL)
        atomic_fetch_add_explicit(s->keys, 1, memory_order_relaxed);
    return tee_on(&s->tee, ev, e);
}

/* What a server that says this of itself writes; 0 where it may be anything. */
static unsigned
rdb_version_of(const struct conn_info *i)
{
    if (i->kind == SERVER_OTHER || i->redis_version == 0 || i->redis_version >= 50000)
        return 0;
    return i->redis_version >= 40000 ? 8 : i->redis_version >= 30200 ? 7 : 6;
}

static enum rc
by_scan(struct ctx *cx, struct conn *c, const struct conn_info *info, struct dump *d, struct err *e)
{
    struct scan_opts opts = {.format = d->o->format, .filter = d->o->filter, .info = info};
    struct scan_tee to = {.tee = {d->enc, d->t}, .dump = d, .keys = d->o->keys};
    struct scan_result res;

    if (d->enc != NULL && info != NULL)
        encoder_source(d->enc, rdb_version_of(info));
    if (scan_run(cx, c, &opts, scan_on, &to, &res, e))
        return err_code(e);
    d->f->kind = SOURCE_SCAN;
    d->f->vanished = res.vanished;
    d->f->functions_denied = res.functions_denied; /* redis/scan has warned */
    return RC_OK;
}

/* What servers do not take without being told to is said when it is saved, not when it is needed. */
static void
warn_of_length(uint64_t longest, uint64_t max)
{
    char bytes[STR_GROUPED_MAX];

    if (longest > MIN(max, CONN_BULK_DEFAULT))
        log_warn("the longest value has %s bytes: a server to restore to needs CONFIG SET "
                 "proto-max-bulk-len %llu first",
                 str_grouped(longest, bytes), (unsigned long long)longest);
}

enum { LINK_DOWN_MAX_S = 24 * 3600 };

/* What a replica holds that lost its master long ago, or never reached it, is not the backup of anything. */
static enum rc
check_link(const struct conn *c, const struct conn_info *info, const struct source_facts *f,
           struct err *e)
{
    if (!f->link_down ||
        (f->link_down_s <= LINK_DOWN_MAX_S && !(info->link_never_up && info->n_dbs == 0)))
        return RC_OK;
    if (info->link_never_up)
        (void)err_set(e, RC_CONFLICT,
                      "%s is a replica that holds nothing: it never reached its "
                      "master",
                      conn_peer(c));
    else
        (void)err_set(e, RC_CONFLICT,
                      "%s is a replica that has been without its master for %llu "
                      "hours",
                      conn_peer(c), (unsigned long long)f->link_down_s / 3600);
    return err_hint(e, "back up its master; or, if this is the only copy, make it a master first: "
                       "REPLICAOF NO ONE");
}

/* A connection of its own: the one that the dump came by may be used up. */
struct ask_after {
    struct ctx *cx;
    const struct source_opts *o;
};

static enum rc
ask_after(void *arg, struct conn_info *out, struct err *e)
{
    struct ask_after *a = arg;
    struct conn *c = NULL;
    bool counted = false;
    enum rc rc = conn_open(a->cx, a->o->addr, a->o->conn, &c, e);

    if (rc == RC_OK)
        rc = keyspace_count(a->cx, c, out, &counted, e);
    conn_close(c);
    if (rc == RC_OK && !counted) {
        conn_info_release(out);
        rc = err_set(e, RC_UNAVAILABLE, "the server does not count its keys");
    }
    return rc;
}

static enum rc
check_counts(struct ctx *cx, struct dump *d, const struct conn_info *before, struct err *e)
{
    struct ask_after arg = {.cx = cx, .o = d->o};
    struct reckon_ask ask = {.after = ask_after,
                             .arg = &arg,
                             .only = d->o->filter.db,
                             .vanished = d->f->vanished,
                             .at_once = d->f->point_in_time};
    const struct conn_info none = {.n_dbs = 0};
    bool little;

    if (filter_by_name(&d->o->filter))
        return RC_OK;
    if (reckon_check(&d->read, before != NULL ? before : &none, &ask, &little, e))
        return err_code(e);
    d->f->announced = d->f->announced && !little;
    return RC_OK;
}

/* A dump of nothing is more likely a mistake than a wish. */
static void
check_matched(struct dump *d, const struct conn_info *info)
{
    CLEANUP(mem_free_ptr) char *filter = NULL;
    uint64_t held = 0, told = 0;
    char n[STR_GROUPED_MAX];

    if (filter_is_all(&d->o->filter) || d->enc == NULL || encoder_facts(d->enc).keys > 0)
        return;
    for (size_t i = 0; i < d->read.n; i++)
        held += d->read.dbs[i].keys;
    for (size_t i = 0; info != NULL && i < info->n_dbs; i++)
        told += info->dbs[i].keys != EV_UNKNOWN ? info->dbs[i].keys : 0;
    d->f->unmatched = MAX(held, told);
    if (d->f->unmatched == 0)
        return;
    filter = filter_text(&d->o->filter);
    log_warn("%s chooses none of the keys that are there (%s)", filter,
             str_grouped(d->f->unmatched, n));
}

static enum rc
read_server(struct ctx *cx, void *from, struct dump *d, struct err *e)
{
    struct conn_info info = {0}, *known = &info;
    enum source_kind kind = d->o->kind;
    struct conn **c = from;
    bool refused = false, told;
    uint64_t max_bulk;
    enum rc rc;

    if (conn_max_bulk(cx, *c, &max_bulk, &told, e))
        return err_code(e);
    /* A user who may only replicate may not ask INFO: then the RDB says who it is. */
    rc = conn_info(cx, *c, &info, e);
    if (rc == RC_DENIED)
        known = NULL;
    else if (rc != RC_OK)
        return rc;
    else
        facts_from_info(&info, d->f);
    rc = topology_need_single(cx, *c, known, e);
    if (rc == RC_OK)
        rc = check_link(*c, &info, d->f, e);
    if (rc == RC_OK && d->f->link_down)
        log_warn("%s is a replica without its master (for %llu s): what was written since is not "
                 "in it",
                 conn_peer(*c), (unsigned long long)d->f->link_down_s);
    if (rc == RC_OK && kind != SOURCE_SCAN)
        rc = by_replication(cx, c, known, d, &refused, e);
    if (kind == SOURCE_AUTO && refused) {
        log_warn("%s; falling back to SCAN: keys that change meanwhile may be inconsistent with "
                 "each other",
                 e->msg);
        conn_close(*c);
        *c = NULL;
        rc = conn_open(cx, d->o->addr, d->o->conn, c, e);
    }
    if (rc == RC_OK && (kind == SOURCE_SCAN || (kind == SOURCE_AUTO && refused)))
        rc = by_scan(cx, *c, known, d, e);
    if (rc == RC_OK)
        rc = check_counts(cx, d, known, e);
    if (rc == RC_OK)
        check_matched(d, known);
    conn_info_release(&info);
    if (rc == RC_OK && d->enc != NULL)
        warn_of_length(encoder_facts(d->enc).longest, max_bulk);
    return rc;
}

/* The frame of every dump: header, what `body` reads, trailer. */
typedef enum rc body_fn(struct ctx *cx, void *from, struct dump *d, struct err *e);

static enum rc
source_framed(struct ctx *cx, void *from, body_fn *body, struct dump *d, struct wr *out,
              struct err *e)
{
    struct counted w = {.wr = {.write = counted_write}, .to = out, .bytes = d->o->bytes};
    struct encoder *enc = out == NULL ? NULL : encoder_new(&w.wr, d->o->format);
    enum rc rc = RC_OK;

    d->enc = enc;
    d->f->started = instant_now();
    if (enc != NULL)
        rc = encoder_begin(enc, PART_WHOLE, e);
    if (rc == RC_OK)
        rc = body(cx, from, d, e);
    if (rc == RC_OK && enc != NULL) {
        rc = encoder_end(enc, NULL, e);
        d->f->enc = encoder_facts(enc);
    }
    d->f->ended = instant_now();
    encoder_free(enc);
    reckon_release(&d->read);
    return rc;
}

enum rc
source_dump(struct ctx *cx, const struct source_opts *o, struct wr *out, struct dataset_digest *t,
            struct source_facts *f, struct err *e)
{
    struct source_opts at = *o;
    struct dump d = {.o = &at, .t = t, .f = f};
    struct node_found node;
    enum rc rc;

    memset(f, 0, sizeof(*f));
    rc = topology_reach(cx, o->addr, o->conn, o->prefer, &node, e);
    if (rc == RC_OK) {
        at.addr = &node.at;
        f->lag = node.lag;
        copy_text(f->node, sizeof(f->node), conn_peer(node.conn));
        rc = source_framed(cx, &node.conn, read_server, &d, out, e);
        node_found_release(&node);
    }
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not dump %s", redis_addr_text(o->addr));
}

/* redis-cli --rdb to a pipe leaves the mark of a diskless transfer behind the file. */
static enum rc
check_end(struct rdb *rdb, struct rd *in, struct err *e)
{
    uint8_t more[REPLICA_MARK + 1];
    size_t got = 0, n = rdb_leftover(rdb).n;

    if (n <= REPLICA_MARK && rd_full(in, more, sizeof(more), &got, e))
        return err_code(e);
    if (n + got == 0 || n + got == REPLICA_MARK)
        return RC_OK;
    (void)err_set(e, RC_CORRUPT, "bytes follow the end of the RDB at byte %llu",
                  (unsigned long long)rdb_at(rdb));
    return err_hint(e,
                    "an append-only file that begins with an RDB is loaded by a server: start one "
                    "on it, and back that up");
}

static enum rc
rdb_body(struct ctx *cx, void *from, struct dump *d, struct err *e)
{
    struct rdb *rdb = rdb_new(from);
    enum rc rc = source_convert(cx, rdb, d, e);

    if (rc == RC_OK)
        rc = check_end(rdb, from, e);
    if (rc == RC_OK)
        check_matched(d, NULL);
    rdb_free(rdb);
    return rc;
}

enum rc
source_rdb(struct ctx *cx, struct rd *in, const struct source_opts *o, struct wr *out,
           struct dataset_digest *t, struct source_facts *f, struct err *e)
{
    struct dump d = {.o = o, .t = t, .f = f};

    memset(f, 0, sizeof(*f));
    f->kind = SOURCE_RDB;
    f->point_in_time = true;
    return source_framed(cx, in, rdb_body, &d, out, e);
}
