/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/topology.h"

#include "base/log.h"

static enum rc
refuse_sentinel(const struct conn *c, struct err *e)
{
    (void)err_set(e, RC_UNSUPPORTED, "%s is a Sentinel, which holds no data of its own",
                  conn_peer(c));
    return err_hint(e, "use redis-sentinel://HOST:PORT/NAME with the name by which it knows the "
                       "server; redis-cli -h HOST -p PORT sentinel masters tells it");
}

/* What HELLO says, for who may not ask INFO; empty before Redis 6.0. Valid until the next reply. */
static enum rc
ask_hello(struct ctx *cx, struct conn *c, const char *field, struct str *out, struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("HELLO")))
        return err_wrap(e, "could not ask what kind of server it is");
    *out = reply_field(&r, field);
    return RC_OK;
}

enum rc
topology_ask(struct ctx *cx, struct conn *c, const struct conn_info *info, bool *cluster,
             struct err *e)
{
    struct str mode = info != NULL ? str_c(info->mode) : str_of(NULL, 0);

    if (info == NULL) {
        if (ask_hello(cx, c, "mode", &mode, e))
            return err_code(e);
        if (mode.n == 0)
            log_warn("%s does not tell (INFO, HELLO) whether it is a single server; a node of a "
                     "cluster would give only its own keys",
                     conn_peer(c));
    }
    *cluster = str_eq(mode, STR_LIT("cluster")) || (info != NULL && info->cluster_enabled);
    return str_eq(mode, STR_LIT("sentinel")) ? refuse_sentinel(c, e) : RC_OK;
}

enum rc
topology_need_master(struct ctx *cx, struct conn *c, const struct conn_info *info, struct err *e)
{
    struct str role = info != NULL ? str_c(info->role) : str_of(NULL, 0);

    if (info == NULL && ask_hello(cx, c, "role", &role, e))
        return err_code(e);
    if (!str_eq(role, STR_LIT("slave")) && !str_eq(role, STR_LIT("replica")))
        return RC_OK;
    (void)err_set(e, RC_DENIED,
                  "%s is a replica, which loses what others than its master write to it",
                  conn_peer(c));
    return err_hint(e, "give the address of its master");
}

/* The first node that answers. */
static enum rc
reach_seed(struct ctx *cx, const struct redis_addr *addr, const struct conn_opts *opts,
           struct node_found *out, struct err *e)
{
    enum rc rc = RC_UNAVAILABLE;

    for (size_t i = 0; i < addr->n_seeds && (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT); i++) {
        node_found_release(out);
        *e = (struct err)ERR_INIT;
        redis_addr_at(addr, addr->seeds[i].host, addr->seeds[i].port, &out->at);
        rc = conn_open(cx, &out->at, opts, &out->conn, e);
    }
    return rc;
}

enum rc
topology_reach(struct ctx *cx, const struct redis_addr *addr, const struct conn_opts *opts,
               enum node_prefer prefer, struct node_found *out, struct err *e)
{
    enum rc rc;

    if (addr->master != NULL)
        return sentinel_find(cx, addr, opts, prefer, out, e);
    *out = (struct node_found){.conn = NULL};
    if (addr->cluster && addr->n_seeds > 0) {
        rc = reach_seed(cx, addr, opts, out, e);
    } else {
        redis_addr_copy(addr, &out->at);
        rc = conn_open(cx, addr, opts, &out->conn, e);
    }
    if (rc != RC_OK)
        node_found_release(out);
    return rc;
}

enum rc
topology_connect(struct ctx *cx, const struct redis_addr *addr, const struct conn_opts *opts,
                 enum node_prefer prefer, struct conn **out, struct err *e)
{
    struct node_found node;

    if (topology_reach(cx, addr, opts, prefer, &node, e))
        return err_code(e);
    *out = TAKE(node.conn);
    node_found_release(&node);
    return RC_OK;
}
