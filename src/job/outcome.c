/* SPDX-License-Identifier: Apache-2.0 */
#include "job/outcome.h"

#include "base/clock.h"
#include "base/mem.h"
#include "redis/keyspace.h"

static void
infos_free(struct conn_info *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        conn_info_release(&list[i]);
    mem_free(list);
}

/* What each of them holds. */
static enum rc
outcome_ask(struct ctx *cx, const struct masters *m, struct conn_info **out, bool *asked,
            struct err *e)
{
    struct conn_info *list = mem_zero(m->n, sizeof(*list));

    *asked = true;
    for (size_t i = 0; i < m->n; i++) {
        bool counted = false;

        if (keyspace_count(cx, m->list[i], &list[i], &counted, e)) {
            infos_free(list, i);
            return err_wrap(e, "could not ask what the server holds");
        }
        *asked = *asked && counted;
    }
    *out = list;
    return RC_OK;
}

enum rc
outcome_begin(struct ctx *cx, struct masters *m, struct outcome_start *s, struct err *e)
{
    *s = (struct outcome_start){.m = m};
    if (outcome_ask(cx, m, &s->infos, &s->asked, e))
        return err_code(e);
    s->n = m->n;
    return RC_OK;
}

void
outcome_release(struct outcome_start *s)
{
    infos_free(s->infos, s->n);
    s->infos = NULL;
    s->n = 0;
}

static uint64_t
outcome_keys(const struct masters *m, const struct conn_info *list, size_t n,
             const struct db_set *dbs)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < list[i].n_dbs; k++)
            if (m->owner != NULL || db_set_has(dbs, list[i].dbs[k].n))
                sum += list[i].dbs[k].keys;
    return sum;
}

uint64_t
outcome_before(const struct outcome_start *s, const struct db_set *dbs)
{
    return outcome_keys(s->m, s->infos, s->n, dbs);
}

/* The server's clock decides what has expired. */
enum rc
outcome_time(struct ctx *cx, struct conn *c, int64_t *ms, struct err *e)
{
    struct reply r;
    int64_t s;

    *ms = clock_real_ms();
    if (CONN_CALL(cx, c, &r, e, STR_LIT("TIME")))
        return err_code(e);
    if (r.type == REPLY_ARRAY && r.n == 2 && str_to_i64(r.items[0].s, &s) && s > 0 &&
        s < INT64_MAX / 2000)
        *ms = s * 1000 + 999;
    return RC_OK;
}

/* A master that becomes a replica and then a master again takes a new name for its stream, and keeps that of the other. */
static bool
outcome_followed(const struct conn_info *was, const struct conn_info *is)
{
    return strcmp(was->replid, is->replid) != 0 && strcmp(was->replid2, is->replid2) != 0 &&
           strspn(is->replid2, "0") != strlen(is->replid2);
}

/* What the counters of the server say of the time of the load. */
static enum rc
outcome_counters(const struct conn *c, const struct conn_info *was, const struct conn_info *is,
                 struct err *e)
{
    char n[STR_GROUPED_MAX], max[STR_GROUPED_MAX];

    if (strcmp(was->run_id, is->run_id) != 0)
        return err_set(e, RC_CONFLICT, "%s restarted during the load", conn_peer(c));
    if (outcome_followed(was, is)) {
        (void)err_set(e, RC_CONFLICT,
                      "%s was a replica for a while during the load: what was written last before "
                      "may be lost",
                      conn_peer(c));
        return err_hint(e, "run the same restore again");
    }
    if (is->evicted_keys <= was->evicted_keys)
        return RC_OK;
    (void)err_set(e, RC_LIMIT, "%s evicted %s %s during the load (maxmemory %s bytes, %s)",
                  conn_peer(c), str_grouped(is->evicted_keys - was->evicted_keys, n),
                  str_plural(is->evicted_keys - was->evicted_keys, "key", "keys"),
                  str_grouped(is->maxmemory, max), is->maxmemory_policy);
    return err_hint(e, "raise maxmemory, then run the same restore again");
}

static enum rc
outcome_missing(const char *name, uint64_t db, uint64_t have, uint64_t want, uint64_t expired,
                struct err *e)
{
    char h[STR_GROUPED_MAX], w[STR_GROUPED_MAX], x[STR_GROUPED_MAX];

    (void)err_set(e, RC_CONFLICT, "%s holds %s %s in database %llu after %s %s sent (%s expired)",
                  name, str_grouped(have, h), str_plural(have, "key", "keys"),
                  (unsigned long long)db, str_grouped(want, w), str_plural(want, "was", "were"),
                  str_grouped(expired, x));
    return err_hint(e, "keys were lost or deleted during the load; run the same restore again");
}

static enum rc
outcome_compare(const struct outcome_start *s, const struct conn_info *is,
                const struct outcome_opts *o, int64_t now, struct outcome *out, struct err *e)
{
    const struct dataset_digest_db *dbs;
    uint64_t sent = 0;
    bool all = true;
    size_t n;

    out->after = outcome_keys(s->m, is, s->m->n, &o->dbs);
    out->before = o->emptied ? 0 : s->resumed ? s->before : outcome_before(s, &o->dbs);
    dbs = dataset_digest_dbs(o->sent, &n);
    for (size_t i = 0; i < n; i++) {
        const struct db_set one = db_set_of((int64_t)dbs[i].n);
        uint64_t want = dataset_digest_db_total(&dbs[i]).keys,
                 have = outcome_keys(s->m, is, s->m->n, &one),
                 expired = soon_count(&dbs[i].soon, now), unsure = dbs[i].soon.unplaced,
                 least = want - MIN(want, expired + unsure);

        if (have < least && !o->removes && (o->distinct || have == 0))
            return outcome_missing(s->m->name, dbs[i].n, have, want, expired, e);
        all = all && have >= least && have <= want && unsure == 0;
        sent += want;
    }
    out->proven = all && out->after <= sent && out->before == 0 && o->exact;
    return RC_OK;
}

enum rc
outcome_end(struct ctx *cx, const struct outcome_start *s, const struct outcome_opts *o,
            struct outcome *out, struct err *e)
{
    const struct dataset_digest_db *dbs;
    struct conn_info *is;
    enum rc rc = RC_OK;
    int64_t now;
    size_t n;

    memset(out, 0, sizeof(*out));
    if (outcome_time(cx, s->m->list[0], &now, e) || outcome_ask(cx, s->m, &is, &out->told, e))
        return err_code(e);
    dbs = dataset_digest_dbs(o->sent, &n);
    for (size_t i = 0; i < n; i++)
        out->expired += soon_count(&dbs[i].soon, now);
    out->told = out->told && s->asked;
    for (size_t i = 0; rc == RC_OK && out->told && i < s->n; i++)
        rc = outcome_counters(s->m->list[i], &s->infos[i], &is[i], e);
    if (rc == RC_OK && out->told)
        rc = outcome_compare(s, is, o, now, out, e);
    infos_free(is, s->m->n);
    return rc;
}
