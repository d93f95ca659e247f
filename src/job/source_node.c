/* SPDX-License-Identifier: Apache-2.0 */
/* One server becomes a dump, or a part of one. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "dump/slot.h"
#include "job/source_internal.h"
#include "redis/fork_guard.h"
#include "redis/keyspace.h"
#include "redis/replica.h"
#include "redis/scan.h"

void
source_copy_text(char *to, size_t n, const char *from)
{
    size_t len = MIN(strlen(from), n - 1);

    memcpy(to, from, len);
    to[len] = '\0';
}

static void
facts_from_info(const struct conn_info *i, struct source_facts *f)
{
    static const char *const kinds[] = {"redis", "valkey", "other"};

    source_copy_text(f->server, sizeof(f->server), kinds[i->kind]);
    source_copy_text(f->version, sizeof(f->version), i->version);
    source_copy_text(f->mode, sizeof(f->mode), i->mode);
    source_copy_text(f->role, sizeof(f->role), i->role);
    source_copy_text(f->run_id, sizeof(f->run_id), i->run_id);
    source_copy_text(f->replid, sizeof(f->replid), i->replid);
    f->offset = i->offset;
    f->memory = i->dataset_memory;
    f->link_down = strcmp(i->role, "slave") == 0 && !i->link_up;
    f->link_down_s = f->link_down ? i->link_down_s : 0;
}

static void
count_db(void *arg, uint64_t db, uint64_t keys)
{
    reckon_add(&((struct dump *)arg)->read, db, keys);
}

enum rc
source_convert(struct ctx *cx, struct rdb *rdb, struct dump *d, struct err *e)
{
    const struct source_opts *o = d->o;
    struct convert_opts opts = {.format = o->format,
                                .filter = o->filter,
                                .keys = o->keys,
                                .no_code = d->how.no_code,
                                .index = d->how.index,
                                .share = d->how.share,
                                .on_db = count_db,
                                .arg = d};
    struct source_facts *f = d->f;
    struct convert_facts facts;

    if (convert_rdb(cx, rdb, &opts, d->enc, d->t, &facts, e))
        return err_code(e);
    f->announced = facts.announced;
    f->member_expiries = facts.member_expiries;
    f->foreign = facts.foreign;
    if (f->replid[0] == '\0') { /* a file, or an answer to SYNC, which does not say it */
        source_copy_text(f->replid, sizeof(f->replid), facts.repl_id);
        (void)str_to_told(str_c(facts.repl_offset), &f->offset);
    }
    f->rdb_version = facts.rdb_version;
    if (f->version[0] == '\0') {
        source_copy_text(f->server, sizeof(f->server), facts.server);
        source_copy_text(f->version, sizeof(f->version), facts.version);
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

    source_copy_text(d->f->replid, sizeof(d->f->replid), facts.replid);
    d->f->offset = facts.offset;
    d->f->point = facts.at;
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
    struct replica_opts opts = {.psync = d->o->psync,
                                .info = info,
                                .fall_back = d->o->kind == SOURCE_AUTO,
                                .share = d->how.share};
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

/* A replica of a cluster sends readers away to its master until they say that they only read. */
static enum rc
scan_only_reads(struct ctx *cx, struct conn *c, struct err *e)
{
    struct reply r;

    return CONN_CALL(cx, c, &r, e, STR_LIT("READONLY"));
}

/*
 * A node of a cluster that has just come back, or misses a master, answers no question about keys for a while, whatever
 * it says of itself.
 */
static enum rc
scan_wait_until_up(struct ctx *cx, struct conn *c, const uint8_t *slots, struct err *e)
{
    char name[40];
    struct reply r;
    int64_t since = 0;
    bool again = slots != NULL;
    unsigned slot, n = 0;

    do {
        (void)snprintf(name, sizeof(name), "cstash-probe-%u", n++);
        slot = slot_of(str_c(name));
    } while (again && (slots[slot / 8] >> slot % 8 & 1) == 0);
    while (again)
        if (CONN_CALL(cx, c, &r, e, STR_LIT("EXISTS"), str_c(name)) ||
            conn_wait(cx, c, &r, &since, &again, e))
            return err_code(e);
    return RC_OK;
}

static enum rc
by_scan(struct ctx *cx, struct conn *c, const struct conn_info *info, struct dump *d, struct err *e)
{
    struct scan_opts opts = {
        .format = d->o->format, .filter = d->o->filter, .info = info, .share = d->how.share};
    struct scan_tee to = {
        .tee = {.enc = d->enc, .tally = d->t, .index = d->how.index, .no_code = d->how.no_code},
        .dump = d,
        .keys = d->o->keys};
    struct scan_result res;

    if (d->seen->cluster &&
        (scan_only_reads(cx, c, e) || scan_wait_until_up(cx, c, d->o->filter.slots, e)))
        return err_code(e);
    if (d->enc != NULL && info != NULL)
        encoder_source(d->enc, rdb_version_of(info));
    if (scan_run(cx, c, &opts, scan_on, &to, &res, e))
        return err_code(e);
    d->f->kind = SOURCE_SCAN;
    d->f->vanished = res.vanished;
    d->f->foreign = res.foreign;
    if (res.foreign != 0)
        count_db(d, 0, res.foreign);               /* the server counts them */
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
                             .only = d->o->filter.dbs,
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

void
source_count_unmatched(struct dump *d, const struct conn_info *info)
{
    uint64_t held = 0, told = 0;

    if (filter_is_all(&d->o->filter) || d->enc == NULL || encoder_facts(d->enc).keys > 0)
        return;
    for (size_t i = 0; i < d->read.n; i++)
        held += d->read.dbs[i].keys;
    for (size_t i = 0; info != NULL && i < info->n_dbs; i++)
        told += info->dbs[i].keys != EV_UNKNOWN ? info->dbs[i].keys : 0;
    d->f->unmatched = MAX(held, told);
}

enum rc
source_look(struct ctx *cx, struct conn *c, struct source_seen *s, struct source_facts *f,
            struct err *e)
{
    bool told;
    enum rc rc;

    *s = (struct source_seen){.known = true};
    if (conn_max_bulk(cx, c, &s->max_bulk, &told, e))
        return err_code(e);
    /* A user who may only replicate may not ask INFO: then the RDB says who it is. */
    rc = conn_info(cx, c, &s->info, e);
    if (rc == RC_DENIED)
        s->known = false;
    else if (rc != RC_OK)
        return rc;
    else
        facts_from_info(&s->info, f);
    *e = (struct err)ERR_INIT;
    source_copy_text(f->node, sizeof(f->node), conn_peer(c));
    rc = topology_ask(cx, c, s->known ? &s->info : NULL, &s->cluster, e);
    if (rc != RC_OK)
        source_seen_release(s);
    return rc;
}

void
source_seen_release(struct source_seen *s)
{
    conn_info_release(&s->info);
}

static enum rc
read_server(struct ctx *cx, void *from, struct dump *d, struct err *e)
{
    const struct conn_info *known = d->seen->known ? &d->seen->info : NULL;
    enum source_kind kind = d->o->kind;
    struct conn **c = from;
    bool refused = false;
    enum rc rc = check_link(*c, &d->seen->info, d->f, e);

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
        source_count_unmatched(d, known);
    if (rc == RC_OK && d->enc != NULL)
        warn_of_length(encoder_facts(d->enc).longest, d->seen->max_bulk);
    return rc;
}

enum rc
source_node(struct ctx *cx, struct conn **c, struct dump *d, struct wr *out, struct err *e)
{
    return source_framed(cx, c, read_server, d, out, e);
}
