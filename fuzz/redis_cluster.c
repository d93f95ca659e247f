/* SPDX-License-Identifier: Apache-2.0 */
/* What a cluster says of itself: any reply gives a description whose parts fit, or an error; so does any text of
 * CLUSTER NODES and any redirection. */
#include "base/mem.h"
#include "redis/masters.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_cluster(enum rc rc, struct cluster **at)
{
    const struct cluster *c = *at;
    uint32_t owned = 0, counted = 0;

    if (rc != RC_OK)
        return;
    for (size_t i = 0; i < SLOTS; i++) {
        BUG_ON(c->owner[i] != CLUSTER_NO_SHARD && c->owner[i] >= c->n_shards);
        owned += c->owner[i] != CLUSTER_NO_SHARD;
    }
    for (size_t i = 0; i < c->n_shards; i++) {
        BUG_ON(c->shards[i].master != SIZE_MAX && c->shards[i].master >= c->n_nodes);
        BUG_ON(c->shards[i].slots == 0);
        counted += c->shards[i].slots;
    }
    BUG_ON(owned != counted);
    cluster_free(*at);
}

static void
describe(const uint8_t *p, size_t n)
{
    static const struct cluster_alias map[] = {
        {"127.0.0.1:7000", "[::1]:1"}, {"h", "g"}, {"i", ":"}};
    const struct cluster_ask ask = {.map = map, .n_map = ARRAY_LEN(map)};
    struct cluster *c = NULL;
    struct reply_reader r;
    struct err e = ERR_INIT;
    struct reply one;
    bool whole;
    uint8_t *to;
    size_t room;

    reply_reader_init(&r);
    if (reply_room(&r, n, &to, &room, &e) == RC_OK) {
        memcpy(to, p, n);
        reply_fed(&r, n);
        if (reply_next(&r, &one, &whole, &e) == RC_OK && whole) {
            check_cluster(cluster_take_shards(&one, &ask, &c, &e), &c);
            check_cluster(cluster_take_slots(&one, &ask, &c, &e), &c);
        }
    }
    reply_reader_release(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char host[CLUSTER_HOST];
    struct cluster_view v;
    unsigned slot;
    uint16_t port;

    if (n == 0)
        return 0;
    describe(p, n);
    if (cluster_take_view(str_of(p, n), &v))
        BUG_ON(v.moving != 0 && v.first >= SLOTS);
    if (masters_take_redirection(str_of(p, n), &slot, host, &port))
        BUG_ON(slot >= SLOTS || port == 0 || strlen(host) >= CLUSTER_HOST);
    return 0;
}
