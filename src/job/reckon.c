/* SPDX-License-Identifier: Apache-2.0 */
#include "job/reckon.h"

#include "base/log.h"
#include "base/mem.h"
#include "dump/filter.h"

enum { FEW = 2, MANY = 100, NORMAL_SHARE = 10 };

void
reckon_add(struct reckon *r, uint64_t db, uint64_t keys)
{
    if (r->n > 0 && r->dbs[r->n - 1].n == db) {
        r->dbs[r->n - 1].keys += keys;
        return;
    }
    r->dbs = (struct reckon_db *)mem_more(r->dbs, r->n, sizeof(*r->dbs));
    r->dbs[r->n++] = (struct reckon_db){db, keys};
}

void
reckon_release(struct reckon *r)
{
    mem_free(r->dbs);
    *r = (struct reckon){NULL, 0};
}

static int
reckon_compare(const void *a, const void *b)
{
    uint64_t x = ((const struct reckon_db *)a)->n, y = ((const struct reckon_db *)b)->n;

    return x < y ? -1 : x > y;
}

/* One entry for each database, in order. */
static void
reckon_sort(struct reckon *r)
{
    size_t kept = 0;

    if (r->n > 0)
        qsort(r->dbs, r->n, sizeof(*r->dbs), reckon_compare);
    for (size_t i = 0; i < r->n; i++)
        if (kept > 0 && r->dbs[kept - 1].n == r->dbs[i].n)
            r->dbs[kept - 1].keys += r->dbs[i].keys;
        else
            r->dbs[kept++] = r->dbs[i];
    r->n = kept;
}

static uint64_t
reckon_read(const struct reckon *r, uint64_t db)
{
    struct reckon_db key = {.n = db};
    const struct reckon_db *found =
        r->n == 0 ? NULL
                  : (const struct reckon_db *)bsearch(&key, r->dbs, r->n, sizeof(*r->dbs),
                                                      reckon_compare);

    return found == NULL ? 0 : found->keys;
}

/* Keys that stay until somebody removes them. */
static uint64_t
reckon_lasting(const struct info_db *db)
{
    return db->keys > db->expires ? db->keys - db->expires : 0;
}

enum reckon_word
reckon_judge(const struct info_db *before, const struct info_db *after, uint64_t keys, bool proven)
{
    uint64_t said = after == NULL ? before->keys : MIN(before->keys, after->keys),
             lack = said > keys ? said - keys : 0, stay;

    if (lack < FEW || lack <= said / NORMAL_SHARE)
        return RECKON_ENOUGH;
    if (after == NULL || !proven)
        return RECKON_LITTLE;
    stay = MIN(reckon_lasting(before), reckon_lasting(after));
    if ((keys == 0 && stay >= FEW) || (stay >= MANY && keys < stay / 2))
        return RECKON_TOO_LITTLE;
    return RECKON_LITTLE;
}

static int
info_compare(const void *a, const void *b)
{
    uint64_t x = ((const struct info_db *)a)->n, y = ((const struct info_db *)b)->n;

    return x < y ? -1 : x > y;
}

/* In a list that is sorted. */
static const struct info_db *
reckon_find(const struct conn_info *in, uint64_t n)
{
    static const struct info_db none = {.n = 0};
    struct info_db key = {.n = n};
    const struct info_db *found =
        in->n_dbs == 0 ? NULL
                       : (const struct info_db *)bsearch(&key, in->dbs, in->n_dbs, sizeof(*in->dbs),
                                                         info_compare);

    return found == NULL ? &none : found;
}

/* Did nothing happen that takes keys away? */
static bool
is_still(const struct conn_info *before, const struct conn_info *after,
         const struct reckon_ask *ask)
{
    return before->evicted_keys == after->evicted_keys &&
           (ask->at_once || (before->changes == after->changes && ask->vanished == 0));
}

/* Is every key of it that stays there? */
static bool
has_lasting(uint64_t keys, const struct info_db *before, const struct info_db *after)
{
    return keys >= reckon_lasting(before) || before->keys != after->keys ||
           before->expires != after->expires;
}

/* Names without values prove as many keys as there are of them. */
static enum reckon_word
reckon_one(const struct reckon *r, const struct info_db *before, const struct conn_info *after,
           const struct reckon_ask *ask)
{
    uint64_t keys = reckon_read(r, before->n);
    bool proven =
        ask->at_once || (before->keys > keys && ask->vanished >= (before->keys - keys) / 2);

    return reckon_judge(before, after == NULL ? NULL : reckon_find(after, before->n), keys, proven);
}

static bool
is_asked(const struct info_db *db, const struct reckon_ask *ask)
{
    return db_set_has(&ask->only, db->n);
}

static void
reckon_tell(const struct reckon *r, const struct info_db *db)
{
    log_warn("database %llu: the server counts %llu keys, and %llu %s in the dump",
             (unsigned long long)db->n, (unsigned long long)db->keys,
             (unsigned long long)reckon_read(r, db->n),
             str_plural(reckon_read(r, db->n), "is", "are"));
}

static enum rc
reckon_refuse(const struct reckon *r, const struct info_db *db, struct err *e)
{
    (void)err_set(e, RC_CONFLICT,
                  "database %llu: the server counts %llu keys before and after, and gave %llu of "
                  "them",
                  (unsigned long long)db->n, (unsigned long long)db->keys,
                  (unsigned long long)reckon_read(r, db->n));
    return err_hint(e, "read the server itself, not through a proxy; if its keys come and go that "
                       "fast, try again");
}

enum rc
reckon_check(struct reckon *r, const struct conn_info *before, const struct reckon_ask *ask,
             bool *little, struct err *e)
{
    struct conn_info after = {.n_dbs = 0};
    struct err why = ERR_INIT;
    bool lacks = false, known, still;
    enum rc rc = RC_OK;

    *little = false;
    reckon_sort(r);
    for (size_t i = 0; i < before->n_dbs && !lacks; i++)
        lacks = is_asked(&before->dbs[i], ask) &&
                (reckon_one(r, &before->dbs[i], NULL, ask) != RECKON_ENOUGH ||
                 reckon_read(r, before->dbs[i].n) < reckon_lasting(&before->dbs[i]));
    lacks = lacks || (before->n_dbs == 0 && r->n == 0 && ask->vanished >= FEW);
    if (!lacks)
        return RC_OK;
    known = ask->after(ask->arg, &after, &why) == RC_OK;
    still = known && is_still(before, &after, ask);
    if (why.code == RC_CANCELLED) {
        *e = why;
        return err_code(e);
    }
    if (after.n_dbs > 0)
        qsort(after.dbs, after.n_dbs, sizeof(*after.dbs), info_compare);
    if (before->n_dbs == 0)
        before = &after;
    for (size_t i = 0; i < before->n_dbs && rc == RC_OK; i++) {
        const struct info_db *db = &before->dbs[i];
        enum reckon_word word =
            is_asked(db, ask) ? reckon_one(r, db, known ? &after : NULL, ask) : RECKON_ENOUGH;

        if (word == RECKON_ENOUGH && still && is_asked(db, ask) &&
            !has_lasting(reckon_read(r, db->n), db, reckon_find(&after, db->n)))
            word = RECKON_LITTLE;
        if (word == RECKON_TOO_LITTLE)
            rc = reckon_refuse(r, db, e);
        else if (word == RECKON_LITTLE)
            reckon_tell(r, db);
        *little = *little || word != RECKON_ENOUGH;
    }
    conn_info_release(&after);
    return rc;
}
