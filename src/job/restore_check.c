/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore is refused for before anything is written. A plan asks the same (plan.c). */
#include "job/restore_internal.h"

#include "dump/verbs.h"
#include "redis/ability.h"
#include "redis/rights.h"
#include "redis/topology.h"

/* What INFO of older servers does not tell. */
static enum rc
ask_maxmemory(struct ctx *cx, struct conn *c, struct conn_info *info, struct err *e)
{
    struct reply r;

    if (info->maxmemory_told)
        return RC_OK;
    if (CONN_CALL(cx, c, &r, e, STR_LIT("CONFIG"), STR_LIT("GET"), STR_LIT("maxmemory*")))
        return err_code(e);
    for (size_t i = 0; r.type == REPLY_ARRAY && i + 1 < r.n; i += 2) {
        if (str_eq(r.items[i].s, STR_LIT("maxmemory")))
            info->maxmemory_told = str_to_told(r.items[i + 1].s, &info->maxmemory);
        else if (str_eq(r.items[i].s, STR_LIT("maxmemory-policy")))
            (void)str_show(r.items[i + 1].s, info->maxmemory_policy,
                           sizeof(info->maxmemory_policy));
    }
    return RC_OK;
}

enum rc
restore_checked_open(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    if (outcome_begin(cx, c->to, &c->start, e))
        return err_code(e);
    for (size_t i = 0; i < c->to->n; i++)
        if (ask_maxmemory(cx, c->to->list[i], &c->start.infos[i], e))
            return err_code(e);
    return RC_OK;
}

void
restore_checked_close(struct restore_checked *c)
{
    outcome_release(&c->start);
}

uint64_t
restore_checked_keys(const struct restore_checked *c)
{
    static const struct db_set all = {.n = 0};

    return c->start.asked ? outcome_before(&c->start, &all) : EV_UNKNOWN;
}

static enum rc
check_databases(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    return room_databases(cx, c->to, &c->survey->need, e);
}

static enum rc
check_length(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    return room_length(cx, c->to, c->survey->need.longest, e);
}

static enum rc
check_memory(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    (void)cx;
    return room_memory(c->to->name, c->start.infos, c->start.n, &c->survey->need,
                       c->opts->existing == LOAD_SKIP, e);
}

static enum rc
check_snapshot(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    if (c->from == NULL || c->opts->existing != LOAD_FLUSH ||
        load_prove(cx, c->from->repo, &c->from->snap.tree, &c->from->file, e) == RC_OK)
        return RC_OK;
    (void)err_hint(e, "another snapshot may be whole; run cstash check");
    return err_wrap(e, "the snapshot is not whole");
}

/* Masters of a cluster said what they are when they were chosen. */
static enum rc
check_role(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    const struct conn_info *info = &c->start.infos[0];

    if (c->to->owner != NULL)
        return RC_OK;
    return topology_need_master(cx, c->to->list[0], info->version[0] != '\0' ? info : NULL, e);
}

static enum rc
check_writes(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    char name[MASTERS_PROBE];

    for (size_t i = 0; i < c->to->n; i++)
        if (masters_probe_name(c->to, i, name) && ability_try_write(cx, c->to->list[i], name, e))
            return err_code(e);
    return RC_OK;
}

/* Are there keys of which it has to be asked whether they are there? */
static bool
check_asks(const struct restore_checked *c)
{
    bool keeps = c->opts->existing == LOAD_SKIP || c->opts->existing == LOAD_FAIL;

    return keeps && restore_checked_keys(c) != 0;
}

/* What will be sent; of a part that is known only where the dump was read for it. */
static uint32_t
check_verbs(const struct restore_checked *c)
{
    struct filter f = restore_filter(c->opts);

    return c->survey->found.wanted_verbs != 0 ? c->survey->found.wanted_verbs
           : filter_is_all(&f)                ? c->survey->verbs
                                              : 0;
}

static enum rc
check_rights(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    bool cluster = c->to->owner != NULL;
    struct filter what = restore_filter(c->opts);

    if (cluster && what.dbs.n != 0)
        what.dbs = db_set_of(0);
    for (size_t i = 0; i < c->to->n; i++) {
        char name[MASTERS_PROBE];
        const struct rights_for load = {.no_key = name,
                                        .verbs = check_verbs(c),
                                        .empties = c->opts->existing == LOAD_FLUSH,
                                        .asks = check_asks(c),
                                        .of_cluster = cluster};

        if (masters_probe_name(c->to, i, name) &&
            rights_to_load(cx, c->to->list[i], &what, &load, e))
            return err_code(e);
    }
    return RC_OK;
}

enum rc
restore_check(struct ctx *cx, struct restore_checked *c, enum restore_check what, struct err *e)
{
    static enum rc (*const checks[CHECK_N])(struct ctx *, struct restore_checked *,
                                            struct err *) = {
        [CHECK_DATABASES] = check_databases, [CHECK_LENGTH] = check_length,
        [CHECK_MEMORY] = check_memory,       [CHECK_SNAPSHOT] = check_snapshot,
        [CHECK_ROLE] = check_role,           [CHECK_WRITES] = check_writes,
        [CHECK_RIGHTS] = check_rights};

    return checks[what](cx, c, e);
}

enum rc
restore_check_all(struct ctx *cx, struct restore_checked *c, struct err *e)
{
    for (unsigned i = 0; i < CHECK_N; i++)
        if (restore_check(cx, c, (enum restore_check)i, e))
            return err_code(e);
    return RC_OK;
}
