/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/sentinel.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "redis/role.h"

enum { HOST_ROOM = 256, ASK_AGAIN_MS = 500, REPLICAS_MAX = 64 };

const char *const node_prefer_words[] = {"auto", "replica", "master", NULL};

void
node_found_release(struct node_found *f)
{
    conn_close(f->conn);
    redis_addr_release(&f->at);
    *f = (struct node_found){.conn = NULL};
}

/* A host and port as a server tells them; false: it tells none. */
static bool
take_node(struct str host, struct str port, char to[static HOST_ROOM], uint16_t *to_port)
{
    uint64_t n;

    if (host.n == 0 || host.n >= HOST_ROOM || memchr(host.p, 0, host.n) != NULL ||
        !str_to_u64(port, &n) || n == 0 || n > UINT16_MAX)
        return false;
    memcpy(to, host.p, host.n);
    to[host.n] = '\0';
    *to_port = (uint16_t)n;
    return true;
}

/* ---- what the Sentinels say ---- */

/* A server that some of them call the master. */
struct candidate {
    char host[HOST_ROOM];
    uint16_t port;
    unsigned votes;
    uint64_t epoch; /* the highest of those who name it */
};

struct poll {
    struct ctx *cx;
    const struct redis_addr *addr;
    const struct conn_opts *opts;
    struct candidate list[REDIS_SEEDS_MAX];
    size_t n;
    size_t unknown; /* Sentinels that do not know the name */
};

static enum rc
poll_count(struct poll *p, const struct conn *c, const struct reply *r, struct err *e)
{
    struct candidate one = {.votes = 1}, *same = NULL;

    if (r->type != REPLY_ARRAY ||
        !take_node(reply_field(r, "ip"), reply_field(r, "port"), one.host, &one.port))
        return err_set(e, RC_CORRUPT, "%s is not a Sentinel: it does not say where the master is",
                       conn_peer(c));
    (void)str_to_u64(reply_field(r, "config-epoch"), &one.epoch);
    for (size_t i = 0; i < p->n; i++)
        if (p->list[i].port == one.port && strcmp(p->list[i].host, one.host) == 0)
            same = &p->list[i];
    if (same == NULL)
        p->list[p->n++] = one;
    else {
        same->votes++;
        same->epoch = MAX(same->epoch, one.epoch);
    }
    return RC_OK;
}

static enum rc
poll_one(struct poll *p, const struct redis_seed *seed, struct err *e)
{
    struct conn_opts opts = *p->opts;
    struct redis_addr at;
    struct conn *c = NULL;
    struct reply r;
    enum rc rc;

    opts.connect_ms = opts.connect_ms > 0 ? MIN(opts.connect_ms, SENTINEL_ASK_MS) : SENTINEL_ASK_MS;
    opts.reply_ms = SENTINEL_ASK_MS;
    opts.wait_ms = -1;
    redis_addr_at(p->addr, seed->host, seed->port, &at);
    redis_addr_login(&at, &p->addr->sentinel);
    opts.tls = opts.sentinel_tls;
    rc = conn_open(p->cx, &at, &opts, &c, e);
    if (rc == RC_OK)
        rc = CONN_CALL(p->cx, c, &r, e, STR_LIT("SENTINEL"), STR_LIT("MASTER"),
                       str_c(p->addr->master));
    if (rc == RC_OK && r.type == REPLY_ERROR &&
        memmem(r.s.p, r.s.n, "No such master", 14) != NULL) {
        p->unknown++;
        rc = err_set(e, RC_NOT_FOUND, "the Sentinel does not know \"%s\"", p->addr->master);
    } else if (rc == RC_OK && r.type == REPLY_ERROR) {
        rc = conn_fail(c, &r, "could not ask where the master is", e);
    } else if (rc == RC_OK) {
        rc = poll_count(p, c, &r, e);
    }
    conn_close(c);
    if (rc == RC_DENIED &&
        memmem(e->msg, strlen(e->msg), "NOAUTH", 6) != NULL) /* not the servers' */
        (void)err_hint(e, "the Sentinels want a password of their own: --sentinel-password-file, "
                          "or the Secret that the AppBinding's parameters name in sentinel.secret; "
                          "one in the address is the server's");
    if (rc != RC_OK)
        rc = err_wrap(e, "Sentinel %s", redis_addr_text(&at));
    redis_addr_release(&at);
    return rc;
}

static int
by_votes(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->votes != y->votes)
        return x->votes > y->votes ? -1 : 1;
    return (x->epoch < y->epoch) - (x->epoch > y->epoch);
}

/* Ask them all. An error when none of them named a server: the last one. */
static enum rc
poll_all(struct poll *p, struct err *e)
{
    struct err last = ERR_INIT;

    p->n = p->unknown = 0;
    for (size_t i = 0; i < p->addr->n_seeds; i++) {
        struct err why = ERR_INIT;

        if (ctx_check(p->cx, e))
            return err_code(e);
        if (poll_one(p, &p->addr->seeds[i], &why) == RC_OK)
            continue;
        log_debug("%s", why.msg);
        last = why;
    }
    if (p->n == 0) {
        *e = last;
        return p->addr->n_seeds > 1
                   ? err_wrap(e, "none of the %zu Sentinels named a server", p->addr->n_seeds)
                   : err_code(e);
    }
    qsort(p->list, p->n, sizeof(p->list[0]), by_votes);
    return RC_OK;
}

/* ---- what the servers say ---- */

/* A replica, as its master knows it. */
struct follower {
    char host[HOST_ROOM];
    uint16_t port;
    uint64_t lag;
};

struct followers {
    uint64_t end; /* of the master's stream */
    struct follower list[REPLICAS_MAX];
    size_t n;
};

static int
by_lag(const void *a, const void *b)
{
    const struct follower *x = a, *y = b;

    return (x->lag > y->lag) - (x->lag < y->lag);
}

/* "master", its offset, [host, port, offset] of each replica. */
static void
take_followers(const struct role *role, struct followers *f)
{
    const struct reply *r = &role->reply;

    f->end = role->offset;
    f->n = 0;
    for (size_t i = 0;
         r->type == REPLY_ARRAY && r->n > 2 && i < r->items[2].n && f->n < REPLICAS_MAX; i++) {
        const struct reply *one = &r->items[2].items[i];
        struct follower *to = &f->list[f->n];
        uint64_t at;

        if (one->n != 3 || !take_node(one->items[0].s, one->items[1].s, to->host, &to->port) ||
            !str_to_u64(one->items[2].s, &at))
            continue;
        to->lag = role->offset > at ? role->offset - at : 0;
        f->n++;
    }
    qsort(f->list, f->n, sizeof(f->list[0]), by_lag);
}

static enum rc
ask_master(struct ctx *cx, struct conn *c, struct followers *f, struct err *e)
{
    struct role role;

    if (role_ask(cx, c, &role, e))
        return err_code(e);
    if (role.master) {
        take_followers(&role, f);
        return RC_OK;
    }
    (void)err_set(e, RC_UNAVAILABLE, "%s is not a master", conn_peer(c));
    e->retry = true;
    return err_code(e);
}

/* ---- the choice ---- */

static enum rc
find_master(struct poll *p, struct node_found *out, struct followers *f, struct err *e)
{
    struct conn_opts opts = *p->opts;

    opts.wait_ms = -1; /* the waiting is done here */
    for (size_t i = 0; i < p->n; i++) {
        struct err why = ERR_INIT;

        redis_addr_at(p->addr, p->list[i].host, p->list[i].port, &out->at);
        if (conn_open(p->cx, &out->at, &opts, &out->conn, &why) == RC_OK &&
            ask_master(p->cx, out->conn, f, &why) == RC_OK)
            return RC_OK;
        node_found_release(out);
        *e = why;
        if (e->code == RC_DENIED || e->code == RC_CANCELLED)
            break;
    }
    return err_wrap(e, "the master of \"%s\"", p->addr->master);
}

/* True: `out` is a replica now, and its master's connection is closed. */
static bool
find_replica(struct poll *p, struct node_found *out, const struct followers *f)
{
    for (size_t i = 0; i < f->n; i++) {
        struct node_found one = {.replica = true};
        struct err why = ERR_INIT;

        redis_addr_at(p->addr, f->list[i].host, f->list[i].port, &one.at);
        if (conn_open(p->cx, &one.at, p->opts, &one.conn, &why) == RC_OK &&
            role_catch_up(p->cx, one.conn, f->end, &one.lag, &why) == RC_OK) {
            node_found_release(out);
            *out = one;
            return true;
        }
        log_info("%s is not read: %s", redis_addr_text(&one.at), why.msg);
        node_found_release(&one);
    }
    return false;
}

/* Those that hold it against the others are told of, once. */
static void
tell_dissent(const struct poll *p)
{
    if (p->n > 1)
        log_warn("the Sentinels disagree about \"%s\": %u of them name %s:%u, %u name %s:%u",
                 p->addr->master, p->list[0].votes, p->list[0].host, p->list[0].port,
                 p->list[1].votes, p->list[1].host, p->list[1].port);
}

static enum rc
wait_for_master(struct poll *p, struct node_found *out, struct followers *f, struct err *e)
{
    int wait_ms = p->opts->wait_ms == 0 ? CONN_WAIT_MS : MAX(p->opts->wait_ms, 0);
    int64_t until = clock_mono_ms() + wait_ms;

    for (bool told = false;; told = true) {
        int64_t left;

        if (poll_all(p, e))
            return err_code(e);
        if (!told)
            tell_dissent(p);
        if (find_master(p, out, f, e) == RC_OK)
            return RC_OK;
        left = until - clock_mono_ms();
        if (e->code == RC_DENIED || e->code == RC_CANCELLED)
            return err_code(e);
        if (left <= 0)
            return err_wrap(e, "no master was found within %d s", wait_ms / 1000);
        if (!told)
            log_info("waiting up to %d s: %s", wait_ms / 1000, e->msg);
        *e = (struct err)ERR_INIT;
        if (ctx_sleep(p->cx, (int)MIN(left, (int64_t)ASK_AGAIN_MS), e))
            return err_code(e);
    }
}

enum rc
sentinel_find(struct ctx *cx, const struct redis_addr *addr, const struct conn_opts *opts,
              enum node_prefer prefer, struct node_found *out, struct err *e)
{
    struct poll p = {.cx = cx, .addr = addr, .opts = opts};
    struct followers *f = MEM_NEW(struct followers);
    char lag[STR_GROUPED_MAX];
    enum rc rc;

    *out = (struct node_found){.conn = NULL};
    rc = wait_for_master(&p, out, f, e);
    if (rc == RC_OK && prefer != PREFER_MASTER && !find_replica(&p, out, f) &&
        prefer == PREFER_REPLICA) {
        rc = err_set(e, RC_UNAVAILABLE,
                     "none of the %zu replicas of \"%s\" can be read: each must have its link to "
                     "the master and be less than %d MiB behind it",
                     f->n, addr->master, ROLE_LAG_MAX / 1024 / 1024);
        node_found_release(out);
    }
    mem_free(f);
    if (rc != RC_OK)
        return rc;
    if (out->replica)
        log_info("\"%s\": reading %s, a replica %s bytes behind its master", addr->master,
                 redis_addr_text(&out->at), str_grouped(out->lag, lag));
    else
        log_info("\"%s\" is %s", addr->master, redis_addr_text(&out->at));
    return RC_OK;
}
