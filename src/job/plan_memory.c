/* SPDX-License-Identifier: Apache-2.0 */
/* Is there room for what a restore would write? An estimate. */
#include "job/plan_internal.h"

#include <stdio.h>

#include "dump/slot.h"

enum {
    LOAD_TAKES = 512 * 1024
}; /* of a server's memory, for what it was sent and has not stored yet */

static bool
plan_copies(const struct planning *g)
{
    return !g->safety->skip && (!g->p->target_told || g->p->target_keys != 0);
}

static struct room_data
plan_data(const struct planning *g)
{
    const struct plan *p = g->p;
    struct room_data d = {.keys = p->keys, .bytes = p->bytes, .least = g->survey.need.least};
    const struct conn_info *info = &g->checked.start.infos[0];
    uint64_t kept = g->opts->existing == LOAD_SKIP ? MIN(p->conflicts, p->keys) : 0;
    double share = g->source.bytes == 0 ? 1 : (double)p->bytes / (double)g->source.bytes;

    for (size_t i = 0; i < p->n_dbs; i++) {
        d.expiring += p->dbs[i].expiring;
        d.elements += p->dbs[i].elements;
    }
    d.payloads = g->source.payloads;
    for (size_t i = 0; i < g->checked.start.n;
         i++) /* its first replica makes a server keep a buffer */
        d.slack += LOAD_TAKES + (plan_copies(g) ? g->checked.start.infos[i].backlog : 0);
    d.memory = (uint64_t)((double)g->source.memory * MIN(share, 1.0));
    d.same = g->source.version / 100 == info->kind_version / 100 &&
             g->source.valkey == (info->kind == SERVER_VALKEY);
    if (kept != 0) { /* are not written again */
        d.memory = (uint64_t)((double)d.memory * (double)(p->keys - kept) / (double)p->keys);
        d.bytes = (uint64_t)((double)d.bytes * (double)(p->keys - kept) / (double)p->keys);
        d.keys -= kept;
        d.expiring = MIN(d.expiring, d.keys);
    }
    if (g->source.memory != 0)
        d.memory = MAX(d.memory, UINT64_C(1));
    return d;
}

/* Of the data that are there, which part the restore takes away first, or key by key. */
static double
plan_gone(const struct planning *g)
{
    const struct plan *p = g->p;
    uint64_t gone = g->opts->existing == LOAD_FLUSH     ? plan_keys_concerned(g)
                    : g->opts->existing == LOAD_REPLACE ? p->conflicts
                                                        : 0;

    if (!p->target_told || p->target_keys == 0)
        return 0;
    return (double)MIN(gone, p->target_keys) / (double)p->target_keys;
}

static const char *
evicts(const struct room_use *u)
{
    return u->policy[0] == '\0'                   ? "what it does when it is full is not known"
           : strcmp(u->policy, "noeviction") == 0 ? "it refuses writes when it is full (noeviction)"
           : strncmp(u->policy, "volatile", 8) == 0 ? "it removes keys that expire when it is "
                                                      "full, and refuses writes when there are none"
                                                    : "it removes keys when it is full";
}

/* One server, and what falls to it. */
struct weighed {
    struct room_estimate need;
    struct room_use use;
    uint64_t room;
    enum room_grade grade;
    const char *name;
};

/* Of a cluster the share of its slots, more or less: names need not be spread evenly. */
static struct room_estimate
plan_share(const struct planning *g, size_t i)
{
    const struct masters *m = g->to;
    struct room_estimate x = g->p->need;
    uint64_t slots = 0;
    double share;

    if (m->owner == NULL || m->n == 1)
        return x;
    for (size_t k = 0; k < SLOTS; k++)
        slots += m->owner[k] == i;
    share = (double)slots / SLOTS;
    x.need = (uint64_t)((double)x.need * share);
    x.least = (uint64_t)((double)x.least * share * 0.7);
    x.most = (uint64_t)((double)x.most * MIN(share * 1.3, 1.0)) + LOAD_TAKES;
    return x;
}

/* The server that has the least room for what it gets. */
static struct weighed
plan_tightest(const struct planning *g)
{
    struct weighed worst = {.grade = ROOM_NO_LIMIT};

    for (size_t i = 0; i < g->to->n; i++) {
        struct weighed one = {.need = plan_share(g, i),
                              .use = room_use(&g->checked.start.infos[i], 1),
                              .name = conn_peer(g->to->list[i])};

        one.grade = room_judge(&one.need, &one.use,
                               (uint64_t)((double)one.use.dataset * plan_gone(g)), &one.room);
        if (i == 0 || one.grade > worst.grade ||
            (one.grade == worst.grade && one.room < worst.room))
            worst = one;
    }
    return worst;
}

static void
say_of_limit(struct plan *p, const struct weighed *w, bool frees)
{
    static const enum plan_grade grades[] = {[ROOM_NO_LIMIT] = PLAN_YES,
                                             [ROOM_ENOUGH] = PLAN_YES,
                                             [ROOM_UNKNOWN] = PLAN_UNSURE,
                                             [ROOM_DOUBTFUL] = PLAN_UNSURE,
                                             [ROOM_SHORT] = PLAN_NO};
    char max[STR_GROUPED_MAX], room[STR_GROUPED_MAX];

    plan_say(p, PLAN_MEMORY, grades[w->grade], "of a maxmemory of %s there %s %s; %s%s",
             str_grouped(w->use.max, max), frees ? "would then be" : "are",
             str_grouped(w->room, room), evicts(&w->use),
             w->grade == ROOM_ENOUGH ? "" : ", and the restore fails then");
    if (w->grade != ROOM_ENOUGH && p->points[PLAN_MEMORY].hint[0] == '\0')
        (void)snprintf(p->points[PLAN_MEMORY].hint, sizeof(p->points[PLAN_MEMORY].hint),
                       "on the server: CONFIG SET maxmemory %llu, or 0 for no limit; or restore a "
                       "part, with --match or --db",
                       (unsigned long long)(w->use.max - w->room + w->need.most));
}

void
plan_weigh(struct planning *g)
{
    struct plan *p = g->p;
    const struct room_data d = plan_data(g);
    struct weighed w;
    char need[STR_GROUPED_MAX], least[STR_GROUPED_MAX], most[STR_GROUPED_MAX],
        system[STR_GROUPED_MAX];

    p->need = room_estimate(&d);
    w = plan_tightest(g);
    p->room_grade = w.grade;
    p->room = w.room;
    plan_say(p, PLAN_MEMORY, PLAN_YES,
             "about %s bytes are needed (an estimate, between %s and %s, from %s)",
             str_grouped(p->need.need, need), str_grouped(p->need.least, least),
             str_grouped(p->need.most, most),
             p->need.from_source ? "what they took at their source" : "the length of the dump");
    if (g->to->n > 1 && w.grade != ROOM_NO_LIMIT)
        plan_say(p, PLAN_MEMORY, PLAN_YES, "the tightest master, %s, gets about %s of them", w.name,
                 str_grouped(w.need.need, need));
    if (w.grade == ROOM_NO_LIMIT)
        plan_say(p, PLAN_MEMORY, PLAN_YES, "the target has no maxmemory");
    else if (w.grade == ROOM_UNKNOWN)
        plan_say(
            p, PLAN_MEMORY, PLAN_UNSURE,
            "the target does not tell how much memory it may use, and does (the user needs +info)");
    else if (w.use.max == 0)
        plan_say(p, PLAN_MEMORY, PLAN_UNSURE,
                 "the target has no maxmemory, and its machine %s bytes of memory",
                 str_grouped(w.use.system, system));
    else
        say_of_limit(p, &w, plan_gone(g) > 0);
}
