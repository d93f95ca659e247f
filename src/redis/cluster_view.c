/* SPDX-License-Identifier: Apache-2.0 */
/* What a node of a cluster says of itself. */
#include "redis/cluster.h"

/* Cut off what stands before `at`, or all. */
static struct str
cluster_cut(struct str *rest, char at)
{
    const uint8_t *end = rest->n == 0 ? NULL : memchr(rest->p, at, rest->n);
    struct str head = str_of(rest->p, end == NULL ? rest->n : (size_t)(end - rest->p));
    size_t used = MIN(head.n + 1, rest->n);

    *rest = str_of(rest->p + used, rest->n - used);
    return head;
}

/* "0-5460 [93-<-id] 7000": the slots of a node's own line, and those on the move. */
static bool
cluster_take_ranges(struct str *line, struct cluster_view *v)
{
    for (struct str word = cluster_cut(line, ' '); word.n != 0; word = cluster_cut(line, ' ')) {
        bool moves = word.p[0] == '[';
        const uint8_t *dash = memchr(word.p, '-', word.n);
        size_t from = moves ? 1 : 0, n = dash == NULL ? word.n : (size_t)(dash - word.p);
        uint64_t first, last;

        if (n < from || !str_to_u64(str_of(word.p + from, n - from), &first) || first >= SLOTS)
            return false;
        if (moves) {
            v->first = v->moving++ == 0 ? (unsigned)first : v->first;
            continue;
        }
        last = first;
        if (dash != NULL && !str_to_u64(str_of(dash + 1, word.n - n - 1), &last))
            return false;
        for (uint64_t i = first; i <= last && i < SLOTS; i++)
            v->slots[i / 8] |= (uint8_t)(1U << i % 8);
    }
    return true;
}

bool
cluster_take_view(struct str nodes, struct cluster_view *out)
{
    enum { EPOCH = 6, FIELDS = 8 };

    *out = (struct cluster_view){.told = true};
    while (nodes.n != 0) {
        struct str line = cluster_cut(&nodes, '\n'), word[FIELDS];

        for (size_t i = 0; i < FIELDS; i++)
            word[i] = cluster_cut(&line, ' ');
        if (word[2].n == 0 || memmem(word[2].p, word[2].n, "myself", 6) == NULL)
            continue;
        return str_to_u64(word[EPOCH], &out->epoch) && cluster_take_ranges(&line, out);
    }
    return false;
}

/*
 * Slots that move at once: they have one owner until they have another. Redis 8.4 (CLUSTER MIGRATION)
 * and Valkey 9 (CLUSTER GETSLOTMIGRATIONS) keep lists of those that are over, too.
 */
static size_t
cluster_count_jobs(const struct reply *r)
{
    static const char *const over[] = {"completed", "success", "failed", "canceled", "cancelled"};
    size_t n = 0;

    for (size_t i = 0; r->type == REPLY_ARRAY && i < r->n; i++) {
        struct str state = reply_field(&r->items[i], "state");
        bool runs = state.n != 0;

        for (size_t k = 0; k < ARRAY_LEN(over); k++)
            runs = runs && !str_eq(state, str_c(over[k]));
        n += runs;
    }
    return n;
}

static enum rc
cluster_ask_jobs(struct ctx *cx, struct conn *c, struct cluster_view *v, struct err *e)
{
    struct reply r;

    if (CONN_CALL(cx, c, &r, e, STR_LIT("CLUSTER"), STR_LIT("MIGRATION"), STR_LIT("STATUS"),
                  STR_LIT("ALL")))
        return err_code(e);
    if (r.type == REPLY_ERROR &&
        CONN_CALL(cx, c, &r, e, STR_LIT("CLUSTER"), STR_LIT("GETSLOTMIGRATIONS")))
        return err_code(e);
    v->jobs = cluster_count_jobs(&r);
    return RC_OK;
}

enum rc
cluster_ask_view(struct ctx *cx, struct conn *c, struct cluster_view *out, struct err *e)
{
    struct reply r;

    *out = (struct cluster_view){.told = false};
    if (CONN_CALL(cx, c, &r, e, STR_LIT("CLUSTER"), STR_LIT("NODES")))
        return err_code(e);
    if (r.type == REPLY_ERROR)
        return RC_OK;
    if (r.type != REPLY_BULK || !cluster_take_view(r.s, out))
        return err_set(e, RC_CORRUPT,
                       "%s describes itself in a way that cannot be read (CLUSTER NODES)",
                       conn_peer(c));
    return cluster_ask_jobs(cx, c, out, e);
}

bool
cluster_agrees(const struct cluster *c, size_t shard, const struct cluster_view *v)
{
    for (size_t i = 0; i < SLOTS; i++)
        if ((v->slots[i / 8] >> i % 8 & 1) != (c->owner[i] == shard))
            return false;
    return true;
}

void
cluster_slots(const struct cluster *c, size_t shard, uint8_t out[static SLOTS / 8])
{
    memset(out, 0, SLOTS / 8);
    for (size_t i = 0; i < SLOTS; i++)
        if (c->owner[i] == shard)
            out[i / 8] |= (uint8_t)(1U << i % 8);
}
