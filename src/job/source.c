/* SPDX-License-Identifier: Apache-2.0 */
#include "job/source.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/source_internal.h"
#include "redis/replica.h"

const char *
source_kind_name(enum source_kind k)
{
    static const char *const names[] = {"auto", "replication", "scan", "rdb"};
    return names[k];
}

/* ---- into one stream ---- */

static void
stream_open(struct source_sink *s, unsigned n_lanes)
{
    (void)s;
    (void)n_lanes;
}

static struct wr *
stream_lane(struct source_sink *s, unsigned i)
{
    (void)i;
    return CONTAINER_OF(s, struct source_stream, sink)->out;
}

static enum rc
stream_end(struct source_sink *s, unsigned i, struct err *e)
{
    (void)s;
    (void)i;
    (void)e;
    return RC_OK;
}

struct source_sink *
source_stream(struct source_stream *s, struct wr *out)
{
    *s = (struct source_stream){.sink = {.width = out == NULL ? SOURCE_LANES : 1,
                                         .again = out == NULL,
                                         .open = stream_open,
                                         .lane = stream_lane,
                                         .end = stream_end},
                                .out = out};
    return &s->sink;
}

struct source_sink *
source_told(struct source_stream *s)
{
    struct source_sink *sink = source_stream(s, NULL);

    sink->width = 1;
    sink->again = false;
    return sink;
}

/* ---- the whole ---- */

/* A dump of nothing is more likely a mistake than a wish. */
static void
warn_of_unmatched(const struct filter *filter, const struct source_facts *f)
{
    CLEANUP(mem_free_ptr) char *text = NULL;
    char n[STR_GROUPED_MAX];

    if (f->unmatched == 0)
        return;
    text = filter_text(filter);
    log_warn("%s chooses none of the keys that are there (%s)", text, str_grouped(f->unmatched, n));
}

/* A server that stands for itself, or a node that was asked for alone. */
static enum rc
source_single(struct ctx *cx, struct node_found *node, struct source_sink *to, struct dump d,
              struct err *e)
{
    struct source_opts at = *d.o;

    if (at.addr->cluster && !d.seen->cluster)
        return err_set(e, RC_UNSUPPORTED, "%s is not a node of a cluster", d.f->node);
    if (at.node && !d.seen->cluster)
        return err_set(e, RC_USAGE, "--node is for a node of a cluster, and %s is not one",
                       d.f->node);
    at.addr = &node->at;
    at.filter.node = d.seen->cluster ? d.f->node : NULL;
    d.o = &at;
    d.f->lag = node->lag;
    to->open(to, 1);
    if (source_node(cx, &node->conn, &d, source_lane(to, 0, &d), e))
        return err_code(e);
    return to->end(to, 0, e);
}

static enum rc
source_any(struct ctx *cx, const struct source_opts *o, struct source_sink *to,
           struct dataset_digest *t, struct source_facts *f, struct err *e)
{
    struct node_found node;
    struct source_seen seen;
    enum rc rc;

    if (topology_reach(cx, o->addr, o->conn, o->prefer, &node, e))
        return err_code(e);
    rc = source_look(cx, node.conn, &seen, f, e);
    if (rc == RC_OK && seen.cluster && !o->node) {
        rc = source_shards(cx, o, to, t, f, e);
        source_seen_release(&seen);
    } else if (rc == RC_OK) {
        struct dump d = {.o = o, .seen = &seen, .how = {.part = PART_WHOLE}, .t = t, .f = f};

        rc = source_single(cx, &node, to, d, e);
        source_seen_release(&seen);
    }
    node_found_release(&node);
    return rc;
}

enum rc
source_dump(struct ctx *cx, const struct source_opts *o, struct source_sink *to,
            struct dataset_digest *t, struct source_facts *f, struct err *e)
{
    memset(f, 0, sizeof(*f));
    if (source_any(cx, o, to, t, f, e))
        return err_wrap(e, "could not dump %s", redis_addr_text(o->addr));
    warn_of_unmatched(&o->filter, f);
    return RC_OK;
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
        source_count_unmatched(d, NULL);
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
    if (source_framed(cx, in, rdb_body, &d, out, e))
        return err_code(e);
    warn_of_unmatched(&o->filter, f);
    return RC_OK;
}
