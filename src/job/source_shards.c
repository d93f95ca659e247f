/* SPDX-License-Identifier: Apache-2.0 */
/* All shards of a cluster, at once, as the parts of one dump. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "job/node_map.h"
#include "job/source_internal.h"
#include "redis/cluster_plan.h"

struct shards {
    struct ctx cx; /* of all threads: cancelled when one of them failed */
    const struct source_opts *o;
    struct cluster_where where;
    struct cluster_plan plan;
    struct source_sink *to;
    struct source_facts *f;
    struct trailer *trailers;
    char **machines; /* of each shard the host of the node that is read first */
    size_t n;
    unsigned width;       /* so many are read at once */
    int over;             /* an eventfd, to which each thread adds one at its end */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t done;  /* a shard was read, or one failed */
    struct dataset_digest *t;
    enum shard_state { SHARD_WAITS, SHARD_IS_READ, SHARD_DONE } * state;
    struct err why; /* the first failure */
};

/* One part is a dump of its own; several have a beginning before them, and an end. */
static unsigned
shards_lane(const struct shards *s, size_t i)
{
    return s->n == 1 ? 0 : (unsigned)i + 1;
}

/* ---- one shard ---- */

static enum rc
shard_read(struct shards *s, size_t i, const struct source_opts *o, struct conn **c,
           struct dataset_digest *t, struct err *e)
{
    struct source_facts *f = &s->f->shards[i].facts;
    struct source_seen seen;
    struct dump d = {.o = o,
                     .seen = &seen,
                     .t = t,
                     .f = f,
                     .how.part = s->n == 1
                                     ? PART_WHOLE
                                     : (struct part){.i = (uint32_t)i + 1, .n = (uint32_t)s->n},
                     .how.share = s->width,
                     .how.no_code = i != 0,
                     .how.trailer = &s->trailers[i]};
    unsigned lane = shards_lane(s, i);
    enum rc rc;

    if (source_look(&s->cx, *c, &seen, f, e))
        return err_code(e);
    rc = seen.cluster
             ? source_node(&s->cx, c, &d, source_lane(s->to, lane, &d), e)
             : err_set(e, RC_CONFLICT, "%s is not a node of the cluster any more", f->node);
    source_seen_release(&seen);
    return rc == RC_OK ? s->to->end(s->to, lane, e) : rc;
}

/* Once; what it counted is in *t, which is NULL where nobody counts. */
static enum rc
shard_try(struct shards *s, size_t i, enum source_kind kind, struct dataset_digest **t,
          struct err *e)
{
    const struct cluster_choice *choice = &s->plan.shards[i];
    struct source_shard *sh = &s->f->shards[i];
    struct source_opts o = *s->o;
    struct conn *c = NULL;
    enum rc rc;

    dataset_digest_free(*t);
    *t = s->t == NULL ? NULL : dataset_digest_new();
    if (*t != NULL) {
        dataset_digest_leave_out_parts(*t, TALLY_TERMS); /* of many at once */
        dataset_digest_each_as(*t, s->t);
    }
    o.addr = &choice->at;
    o.kind = kind;
    o.filter.slots = sh->slots;
    sh->facts = (struct source_facts){.lag = choice->lag};
    memcpy(sh->id, choice->id, sizeof(sh->id));
    rc = conn_open(&s->cx, &choice->at, o.conn, &c, e);
    if (rc == RC_OK)
        rc = shard_read(s, i, &o, &c, *t, e);
    conn_close(c);
    return rc;
}

static enum rc
shard_count(struct shards *s, size_t i, const struct dataset_digest *t, struct err *e)
{
    struct source_shard *sh = &s->f->shards[i];
    enum rc rc;

    if (t == NULL)
        return RC_OK;
    sh->keys = dataset_digest_keys(t);
    (void)dataset_digest_sum_text(dataset_digest_whole(t), sh->digest);
    sh->n_code = dataset_digest_functions(t, &sh->code);
    (void)pthread_mutex_lock(&s->lock);
    rc = dataset_digest_add(s->t, t, i == 0, e);
    (void)pthread_mutex_unlock(&s->lock);
    return rc;
}

/* May it succeed on another node, or on this one a little later? */
static bool
shard_may_again(const struct shards *s, unsigned tries, enum rc rc)
{
    return s->to->again && tries < SOURCE_TRIES && (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT);
}

static enum rc
shard_dump(struct shards *s, size_t i, struct err *e)
{
    const struct source_facts *f = &s->f->shards[i].facts;
    enum source_kind kind = s->o->kind;
    struct dataset_digest *t = NULL;
    struct err none = ERR_INIT;
    enum rc rc;

    for (unsigned tries = 1;; tries++) {
        rc = shard_try(s, i, kind, &t, e);
        if (rc == RC_OK || ctx_check(&s->cx, &none) != RC_OK)
            break;
        if (f->fork_too_dear && kind == SOURCE_AUTO && s->to->again) {
            log_warn("%s; falling back to SCAN: keys that change meanwhile may be inconsistent "
                     "with each other",
                     e->msg);
            kind = SOURCE_SCAN;
        } else if (shard_may_again(s, tries, rc)) {
            log_warn("%s; the shard is read anew", e->msg);
            *e = (struct err)ERR_INIT;
            if (cluster_plan_again(&s->cx, &s->where, &s->plan, i, e))
                break;
        } else {
            break;
        }
        *e = (struct err)ERR_INIT;
    }
    rc = e->code;
    if (rc == RC_OK)
        rc = shard_count(s, i, t, e);
    dataset_digest_free(t);
    return rc == RC_OK ? RC_OK
                       : err_wrap(e, "shard %zu of %zu (%s)", i + 1, s->n,
                                  redis_addr_text(&s->plan.shards[i].at));
}

/* ---- all of them ---- */

/* How many of those that are read now are on the same machine, as far as its name tells. */
static unsigned
shards_beside(const struct shards *s, size_t i)
{
    unsigned n = 0;

    for (size_t k = 0; k < s->n; k++)
        n += s->state[k] == SHARD_IS_READ && strcmp(s->machines[k], s->machines[i]) == 0;
    return n;
}

/* The next that waits and may fork beside the others of its machine; s->n: none may now. `*waits`: some do. */
static size_t
shards_choose(const struct shards *s, bool *waits)
{
    *waits = false;
    for (size_t i = 0; i < s->n; i++) {
        if (s->state[i] != SHARD_WAITS)
            continue;
        *waits = true;
        if (s->o->kind == SOURCE_SCAN || shards_beside(s, i) < SOURCE_FORKS)
            return i;
    }
    return s->n;
}

static bool
shards_next(struct shards *s, size_t *i)
{
    bool waits = true;

    (void)pthread_mutex_lock(&s->lock);
    *i = s->n;
    while (s->why.code == RC_OK && waits && *i == s->n) {
        *i = shards_choose(s, &waits);
        if (*i == s->n && waits)
            (void)pthread_cond_wait(&s->done, &s->lock);
    }
    if (*i < s->n)
        s->state[*i] = SHARD_IS_READ;
    (void)pthread_mutex_unlock(&s->lock);
    return *i < s->n;
}

static void
shards_done(struct shards *s, size_t i)
{
    (void)pthread_mutex_lock(&s->lock);
    s->state[i] = SHARD_DONE;
    (void)pthread_cond_broadcast(&s->done);
    (void)pthread_mutex_unlock(&s->lock);
}

static void
shards_fail(struct shards *s, const struct err *e)
{
    (void)pthread_mutex_lock(&s->lock);
    if (s->why.code == RC_OK)
        s->why = *e;
    (void)pthread_cond_broadcast(&s->done);
    (void)pthread_mutex_unlock(&s->lock);
    ctx_cancel(&s->cx);
}

static void *
shards_work(void *arg)
{
    struct shards *s = arg;
    const uint64_t one = 1;
    size_t i;

    while (shards_next(s, &i)) {
        char name[64];
        struct log_scope scope = {.component = "dump", .object = name};
        struct err e = ERR_INIT;

        (void)snprintf(name, sizeof(name), "shard %zu of %zu", i + 1, s->n);
        log_scope_enter(&scope);
        if (shard_dump(s, i, &e))
            shards_fail(s, &e);
        shards_done(s, i);
        log_scope_leave(&scope);
    }
    (void)!write(s->over, &one, sizeof(one));
    return NULL;
}

/* Until every thread is over; when whoever asked for it gives up, they do. */
static void
shards_wait(struct ctx *cx, struct shards *s, unsigned running)
{
    while (running > 0) {
        struct err e = ERR_INIT;
        uint64_t n = 0;
        short ready;

        if (ctx_wait(cx, s->over, POLLIN, -1, &ready, &e)) {
            shards_fail(s, &e);
            return;
        }
        if (read(s->over, &n, sizeof(n)) == (ssize_t)sizeof(n))
            running -= (unsigned)MIN(n, (uint64_t)running);
    }
}

static enum rc
shards_run(struct ctx *cx, struct shards *s, struct err *e)
{
    pthread_t threads[SOURCE_LANES];
    struct err why = ERR_INIT;
    unsigned n = 0;

    for (; n < s->width; n++)
        if (thread_start(&threads[n], "shard", shards_work, s, &why)) {
            shards_fail(s, &why);
            break;
        }
    shards_wait(cx, s, n);
    for (unsigned i = 0; i < n; i++)
        (void)pthread_join(threads[i], NULL);
    if (s->why.code == RC_OK)
        return RC_OK;
    *e = s->why;
    return err_code(e);
}

/* What stands around the parts, in lanes of their own. */
static enum rc
shards_around(struct shards *s, bool end, struct err *e)
{
    unsigned lane = end ? (unsigned)s->n + 1 : 0;
    struct wr *out;

    if (s->n == 1)
        return RC_OK;
    out = s->to->lane(s->to, lane);
    if (out != NULL && (end ? parts_end(out, s->trailers, s->n, e) : parts_begin(out, e)))
        return err_code(e);
    return s->to->end(s->to, lane, e);
}

/* Libraries are one set in a cluster, or should be: the dump has those of the first shard. */
static void
shards_compare_code(struct source_facts *f)
{
    const struct source_shard *first = &f->shards[0];

    for (size_t i = 1; i < f->n_shards && !f->functions_differ; i++) {
        const struct source_shard *sh = &f->shards[i];

        f->functions_differ = sh->n_code != first->n_code || sh->code.hi != first->code.hi ||
                              sh->code.lo != first->code.lo;
        if (f->functions_differ)
            log_warn("the libraries of functions of %s are not those of %s, which the dump has",
                     sh->facts.node, first->facts.node);
    }
}

static void
facts_add(struct source_facts *f, const struct source_facts *one, bool first)
{
    f->kind = first || one->kind == SOURCE_SCAN ? one->kind : f->kind;
    f->point_in_time = one->point_in_time && (first || f->point_in_time);
    f->announced = one->announced && (first || f->announced);
    f->functions_denied = f->functions_denied || one->functions_denied;
    if (first) {
        source_copy_text(f->server, sizeof(f->server), one->server);
        source_copy_text(f->version, sizeof(f->version), one->version);
        source_copy_text(f->mode, sizeof(f->mode), "cluster");
        f->started = one->started;
    }
    f->started = instant_cmp(one->started, f->started) < 0 ? one->started : f->started;
    f->rdb_version = MAX(f->rdb_version, one->rdb_version);
    f->memory += one->memory;
    f->link_down = f->link_down || one->link_down;
    f->link_down_s = MAX(f->link_down_s, one->link_down_s);
    f->vanished += one->vanished;
    f->foreign += one->foreign;
    f->member_expiries += one->member_expiries;
    f->unmatched += one->unmatched;
    f->enc.commands += one->enc.commands;
    f->enc.bytes += one->enc.bytes;
    f->enc.keys += one->enc.keys;
    f->enc.opaque += one->enc.opaque;
    f->enc.lossy += one->enc.lossy;
    f->enc.longest = MAX(f->enc.longest, one->enc.longest);
}

/* What is true of all of them together. */
static void
shards_sum_up(struct source_facts *f)
{
    struct source_facts all = {.shards = f->shards,
                               .n_shards = f->n_shards,
                               .nodes = f->nodes,
                               .moves_unknown = f->moves_unknown};

    for (size_t i = 0; i < f->n_shards; i++)
        facts_add(&all, &f->shards[i].facts, i == 0);
    /* A filter that matched somewhere has matched. */
    all.unmatched = all.enc.keys > 0 ? 0 : all.unmatched;
    all.ended = instant_now();
    *f = all;
    shards_compare_code(f);
    if (f->point_in_time && f->n_shards > 1)
        log_info("%zu shards, their points in time within %llu ms", f->n_shards,
                 (unsigned long long)source_skew_ms(f));
    if (f->foreign != 0)
        log_info("%llu %s of slots that a node does not own left out",
                 (unsigned long long)f->foreign, str_plural(f->foreign, "key", "keys"));
}

static enum rc
shards_dump(struct ctx *cx, struct shards *s, struct err *e)
{
    struct source_facts *f = s->f;
    struct err why = ERR_INIT;

    s->n = f->n_shards = s->plan.cluster->n_shards;
    s->width = (unsigned)MIN(s->n, (size_t)MIN(s->to->width, (unsigned)SOURCE_LANES));
    s->trailers = mem_zero(s->n, sizeof(*s->trailers));
    s->state = mem_zero(s->n, sizeof(*s->state));
    s->machines = mem_zero(s->n, sizeof(*s->machines));
    f->shards = mem_zero(s->n, sizeof(*f->shards));
    f->moves_unknown = s->plan.unsure;
    f->nodes = cluster_ids(s->plan.cluster, CLUSTER_IDS);
    for (size_t i = 0; i < s->n; i++) {
        s->machines[i] = mem_strdup(s->plan.shards[i].at.host);
        cluster_slots(s->plan.cluster, i, f->shards[i].slots);
        cluster_plan_tell(&s->plan, i);
    }
    s->to->open(s->to, s->n == 1 ? 1 : (unsigned)s->n + 2);
    if (shards_around(s, false, e))
        return err_code(e);
    if (shards_run(cx, s, e)) {
        f->changed = e->code == RC_UNAVAILABLE || e->code == RC_TIMEOUT ||
                     (e->code != RC_CANCELLED &&
                      cluster_plan_check(cx, &s->where, &s->plan, &why) == RC_CONFLICT);
        return err_code(e);
    }
    if (cluster_plan_check(cx, &s->where, &s->plan, e)) {
        f->changed = e->code == RC_CONFLICT;
        return err_code(e);
    }
    if (shards_around(s, true, e))
        return err_code(e);
    shards_sum_up(f);
    return RC_OK;
}

enum rc
source_shards(struct ctx *cx, const struct source_opts *o, struct source_sink *to,
              struct dataset_digest *t, struct source_facts *f, struct err *e)
{
    struct shards *s = MEM_NEW(struct shards);
    struct node_map map;
    enum rc rc;

    s->o = o;
    s->to = to;
    s->t = t;
    s->f = f;
    s->where = (struct cluster_where){.addr = o->addr, .conn = o->conn, .prefer = o->prefer};
    s->over = eventfd(0, EFD_CLOEXEC);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->done, NULL);
    node_map_init(&map, &o->node_map);
    s->where.map = map.list;
    s->where.n_map = map.n;
    rc =
        s->over < 0 ? err_sys(e, errno, "could not make an event descriptor") : ctx_init(&s->cx, e);
    if (rc == RC_OK) {
        s->cx.until = cx->until;
        rc = cluster_plan_make(cx, &s->where, &s->plan, e);
        if (rc == RC_OK && s->plan.unsure)
            log_warn("the user may not ask for slots on the move (+cluster|nodes): whether the "
                     "cluster changes meanwhile is seen by its owners of slots alone");
        if (rc == RC_OK)
            rc = shards_dump(cx, s, e);
        cluster_plan_release(&s->plan);
        ctx_release(&s->cx);
    }
    if (s->over >= 0)
        (void)close(s->over);
    node_map_release(&map);
    (void)pthread_cond_destroy(&s->done);
    (void)pthread_mutex_destroy(&s->lock);
    for (size_t i = 0; s->machines != NULL && i < s->n; i++)
        mem_free(s->machines[i]);
    mem_free(s->machines);
    mem_free(s->state);
    mem_free(s->trailers);
    mem_free(s);
    return rc;
}
