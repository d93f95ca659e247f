/* SPDX-License-Identifier: Apache-2.0 */
#include "job/room.h"

#include <stdio.h>

#include "base/log.h"

enum { WEIGHT_LONG = 64 };

static void
weigh_piece(struct room_weight *w, const struct ev_piece *p)
{
    if (p->total >= WEIGHT_LONG && !w->unsure)
        w->key += p->p.n;
}

enum rc
room_weigh(void *weight, const struct ev *ev, struct err *e)
{
    struct room_weight *w = (struct room_weight *)weight;

    (void)e;
    if (ev->kind == EV_KEY) {
        w->key = 0;
        w->unsure = ev->u.key.type == KV_LIST;
    } else if (ev->kind == EV_STRING || ev->kind == EV_ELEM) {
        weigh_piece(w, &ev->u.piece);
    } else if (ev->kind == EV_FIELD) {
        weigh_piece(w, &ev->u.field.value);
        if (ev_is_last(&ev->u.field.value) && ev->u.field.expires_at != EV_NO_EXPIRY)
            w->unsure = true;
    } else if (ev->kind == EV_FIELD_EXPIRY) {
        w->unsure = true;
    } else if (ev->kind == EV_KEY_END && !w->unsure && ev->u.key.expires_at == EV_NO_EXPIRY) {
        w->least += w->key;
    }
    return RC_OK;
}

/* Does one server take the longest value? */
static enum rc
room_length_of(struct ctx *cx, struct conn *c, uint64_t longest, struct err *e)
{
    uint64_t max;
    char bytes[STR_GROUPED_MAX], most[STR_GROUPED_MAX];
    bool known;

    if (conn_max_bulk(cx, c, &max, &known, e))
        return err_code(e);
    if (longest <= max)
        return RC_OK;
    if (!known) {
        log_warn(
            "the longest value has %s bytes; whether %s takes it (proto-max-bulk-len) cannot be "
            "asked",
            str_grouped(longest, bytes), conn_peer(c));
        return RC_OK;
    }
    (void)err_set(e, RC_LIMIT,
                  "the longest value has %s bytes, and %s takes at most %s "
                  "(proto-max-bulk-len)",
                  str_grouped(longest, bytes), conn_peer(c), str_grouped(max, most));
    return err_hint(e, "on the server: CONFIG SET proto-max-bulk-len %llu",
                    (unsigned long long)longest);
}

enum rc
room_length(struct ctx *cx, const struct masters *m, uint64_t longest, struct err *e)
{
    for (size_t i = 0; i < m->n; i++)
        if (room_length_of(cx, m->list[i], longest, e))
            return err_code(e);
    return RC_OK;
}

/* ---- memory ---- */

/* What a server has besides the value for each key, and for each that expires: entries and their share of a table. */
enum {
    ROOM_PER_KEY = 56,
    ROOM_PER_EXPIRY = 40,
    ROOM_PER_KEY_OF_DUMP = 40,
    ROOM_MOST_PER_KEY = 200,
    ROOM_MOST_PER_ELEMENT = 100,
    ROOM_MOST_OF_PAYLOADS = 50, /* values of one byte again and again are compressed as far */
    ROOM_NOISE = 1024 * 1024
};

struct room_use
room_use(const struct conn_info *infos, size_t n)
{
    struct room_use u = {.told = true, .limited = n != 0};

    for (size_t i = 0; i < n; i++) {
        const struct conn_info *one = &infos[i];

        u.told = u.told && one->used_memory != 0 && one->maxmemory_told;
        u.limited =
            u.limited && one->maxmemory != 0; /* one without a limit takes what the others do not */
        u.max += one->maxmemory;
        u.used += one->used_memory;
        u.dataset += one->dataset_memory;
        for (size_t k = 0; k < one->n_dbs; k++) /* EV_UNKNOWN: not counted */
            u.dataset += one->dbs[k].keys <= UINT32_MAX ? one->dbs[k].keys * ROOM_PER_KEY +
                                                              one->dbs[k].expires * ROOM_PER_EXPIRY
                                                        : 0;
        u.system = i == 0 ? one->total_system_memory : MIN(u.system, one->total_system_memory);
        if (u.policy[0] == '\0' || strcmp(u.policy, "noeviction") == 0)
            memcpy(u.policy, one->maxmemory_policy, sizeof(u.policy));
    }
    if (!u.limited)
        u.max = 0;
    u.dataset = MIN(u.dataset, u.used);
    return u;
}

/* Whatever becomes of the data that are there now, this much of the limit is not to be had. */
static uint64_t
room_taken(const struct room_use *u)
{
    return u->told ? u->used - u->dataset : 0;
}

/* A server that is full loses keys, or refuses to take more. */
enum rc
room_memory(const char *name, const struct conn_info *infos, size_t n, const struct room_need *need,
            bool keeps, struct err *e)
{
    const struct room_use use = room_use(infos, n);
    uint64_t memory = MAX(need->memory, need->least),
             taken = keeps ? 0 : MIN(room_taken(&use), use.max), most = use.max - taken;
    char bytes[STR_GROUPED_MAX], max[STR_GROUPED_MAX], used[STR_GROUPED_MAX], of[80] = "";

    if (use.max == 0 || memory <= most)
        return RC_OK;
    (void)str_grouped(use.max, max);
    if (taken != 0)
        (void)snprintf(of, sizeof(of), ", of which %s are in use besides data",
                       str_grouped(taken, used));
    if (need->least > most) {
        (void)err_set(e, RC_LIMIT, "the values alone have %s bytes, and %s has a maxmemory of %s%s",
                      str_grouped(need->least, bytes), name, max, of);
        return err_hint(e, "on the server: CONFIG SET maxmemory %llu, or 0 for no limit",
                        (unsigned long long)(memory + memory / 4 + taken));
    }
    if (memory / 2 <= most) {
        log_warn("the data took %s bytes at their source, and %s has a maxmemory of %s%s: they may "
                 "not fit",
                 str_grouped(memory, bytes), name, max, of);
        return RC_OK;
    }
    (void)err_set(e, RC_LIMIT,
                  "the data took %s bytes at their source, and %s has a maxmemory of "
                  "%s%s",
                  str_grouped(memory, bytes), name, max, of);
    return err_hint(e,
                    "on the server: CONFIG SET maxmemory %llu, or 0 for no limit; or restore a "
                    "part, with --match or --db",
                    (unsigned long long)(memory + memory / 4 + taken));
}

struct room_estimate
room_estimate(const struct room_data *d)
{
    /* What the source said of its data holds what its clients and modules took, too. */
    uint64_t most =
        d->payloads ? UINT64_MAX
                    : d->bytes + d->keys * ROOM_MOST_PER_KEY + d->elements * ROOM_MOST_PER_ELEMENT;
    struct room_estimate x = {.from_source = d->memory != 0};
    uint64_t overhead = d->keys * ROOM_PER_KEY + d->expiring * ROOM_PER_EXPIRY;

    if (x.from_source) {
        x.need = MIN(d->memory, most) + overhead;
        x.least = d->same ? x.need - x.need / 6 : d->payloads ? x.need / 3 : x.need / 2;
        x.least -= MIN(x.least, (uint64_t)ROOM_NOISE);
        x.most = d->same ? x.need + x.need / 6 : x.need + x.need / 2;
    } else {
        x.need = d->bytes + overhead + d->keys * ROOM_PER_KEY_OF_DUMP;
        x.least = x.need / 3;
        x.most = x.need * 2 + d->elements * ROOM_MOST_PER_ELEMENT +
                 (d->payloads ? d->bytes * ROOM_MOST_OF_PAYLOADS : 0);
    }
    x.least = MAX(x.least, d->least);
    x.need = MAX(x.need, x.least);
    x.most = MAX(x.most, x.need) + d->slack;
    return x;
}

enum room_grade
room_judge(const struct room_estimate *x, const struct room_use *u, uint64_t freed, uint64_t *room)
{
    uint64_t used = u->used - MIN(freed, u->used);

    *room = u->max - MIN(used, u->max);
    if (u->max == 0)
        return !u->told                                ? ROOM_UNKNOWN
               : u->system != 0 && x->need > u->system ? ROOM_DOUBTFUL
                                                       : ROOM_NO_LIMIT;
    if (!u->told) /* how much is in use */
        return x->least > u->max ? ROOM_SHORT : ROOM_UNKNOWN;
    return x->least > *room ? ROOM_SHORT : x->most <= *room ? ROOM_ENOUGH : ROOM_DOUBTFUL;
}

enum rc
room_databases(struct ctx *cx, const struct masters *m, const struct room_need *need, struct err *e)
{
    if (m->owner == NULL)
        return conn_select(cx, m->list[0], need->highest_db, e);
    if (need->highest_db == 0 || need->one_db)
        return RC_OK;
    (void)err_set(e, RC_UNSUPPORTED,
                  "a cluster has one database, and the dump has keys in databases up to %llu",
                  (unsigned long long)need->highest_db);
    return err_hint(e, "--db N restores one of them into the cluster");
}
