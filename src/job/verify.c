/* SPDX-License-Identifier: Apache-2.0 */
#include "job/verify.h"

#include "base/mem.h"
#include "dump/dataset_digest.h"
#include "dump/slot.h"
#include "job/dump_reader.h"
#include "job/outcome.h"
#include "job/restore.h"
#include "redis/scan.h"

enum { BATCH_KEYS = 512, BATCH_BYTES = 1024 * 1024, EXPIRY_SLACK_MS = 2000 };

struct verify {
    struct ctx *cx;
    const struct masters *from;
    struct scan_some **scans; /* of each */
    size_t at;                /* the one that is being read */
    struct filtered filtered; /* in front of verify_on */
    struct dataset_digest *want, *have;
    struct buf names; /* of keys that are not read yet */
    size_t ends[BATCH_KEYS];
    int64_t expires_at[BATCH_KEYS];
    size_t n, reading, next; /* reading: of the batch that is being read, next: its next key */
};

/* When the key is to expire, of the batch that is being read, which comes in order. */
static int64_t
verify_wanted(struct verify *v, struct str name)
{
    for (size_t tries = 0; tries < v->reading; tries++) {
        size_t i = v->next, start = i == 0 ? 0 : v->ends[i - 1];

        v->next = i + 1 == v->reading ? 0 : i + 1;
        if (str_eq(name, str_of(v->names.p + start, v->ends[i] - start)))
            return v->expires_at[i];
    }
    return EV_NO_EXPIRY;
}

/* An event of what the server holds. */
static enum rc
verify_have(void *arg, const struct ev *ev, struct err *e)
{
    struct verify *v = arg;
    struct ev same = *ev;
    int64_t want, at;

    if (ev->kind != EV_KEY_END || scan_some_exact(v->scans[v->at]))
        return dataset_digest_on(v->have, ev, e);
    at = ev->u.key.expires_at;
    want = at == EV_NO_EXPIRY ? EV_NO_EXPIRY : verify_wanted(v, ev->u.key.name);
    if (want != EV_NO_EXPIRY && at >= want - EXPIRY_SLACK_MS && at <= want + EXPIRY_SLACK_MS)
        same.u.key.expires_at = want;
    return dataset_digest_on(v->have, &same, e);
}

/* The master that has the key. */
static size_t
verify_owner(const struct verify *v, struct str name)
{
    return v->from->owner == NULL ? 0 : v->from->owner[slot_of(name)];
}

/* Read the keys of the batch, from each server its own. */
static enum rc
verify_flush(struct verify *v, struct err *e)
{
    struct str names[BATCH_KEYS];

    v->reading = v->n;
    v->next = 0;
    for (v->at = 0; v->at < v->from->n; v->at++) {
        size_t start = 0, n = 0;

        for (size_t i = 0; i < v->reading; i++) {
            struct str name = str_of(v->names.p + start, v->ends[i] - start);

            if (verify_owner(v, name) == v->at)
                names[n++] = name;
            start = v->ends[i];
        }
        if (n != 0 && scan_some_read(v->scans[v->at], names, n, e))
            return err_code(e);
    }
    v->n = 0;
    buf_reset(&v->names);
    return RC_OK;
}

/* An event of the dump that is wanted. */
static enum rc
verify_on(void *arg, const struct ev *ev, struct err *e)
{
    struct verify *v = arg;

    if (ev->kind == EV_FUNCTION || ev->kind == EV_SCRIPT) /* the answers to their commands tell */
        return RC_OK;
    if (dataset_digest_on(v->want, ev, e))
        return err_code(e);
    if (ev->kind == EV_DB) {
        if (verify_flush(v, e) ||
            (v->from->owner == NULL && conn_select(v->cx, v->from->list[0], ev->u.db.n, e)))
            return err_code(e);
        return dataset_digest_on(v->have, ev, e);
    }
    if (ev->kind != EV_KEY_END)
        return RC_OK;
    if (buf_add_str(&v->names, ev->u.key.name, e))
        return err_code(e);
    v->expires_at[v->n] = ev->u.key.expires_at;
    v->ends[v->n++] = v->names.n;
    return v->n == BATCH_KEYS || v->names.n >= BATCH_BYTES ? verify_flush(v, e) : RC_OK;
}

static enum rc
verify_read(struct verify *v, struct rd *dump, const struct load_opts *opts, struct err *e)
{
    const struct rewrite_opts rewrite = {.change = opts->change, .filter = &opts->filter};
    struct load_opts o = *opts;
    struct load_result ignored;
    struct dump_reader *feed = NULL;
    enum rc rc;

    v->filtered = (struct filtered){.filter = restore_filter(opts), .on = verify_on, .arg = v};
    o.filter = v->filtered.filter;
    o.dry_run = true;
    o.on = filtered_on;
    o.on_arg = &v->filtered;
    rc = dump_reader_open(v->cx, dump, restore_rewrites(opts) ? &rewrite : NULL, &feed, e);
    if (rc == RC_OK)
        rc = load_run(v->cx, NULL, dump_reader_rd(feed), &o, &ignored, e);
    dump_reader_close(feed);
    if (rc == RC_OK && !ignored.facts.exact)
        return err_set(
            e, RC_UNSUPPORTED,
            "the commands of its keys are interleaved, or not all of them are known here");
    return rc == RC_OK ? verify_flush(v, e) : rc;
}

static enum rc
verify_compare(const struct verify *v, bool changed, struct err *e)
{
    const struct dataset_digest_db *want, *have;
    size_t n, m;

    want = dataset_digest_dbs(v->want, &n);
    have = dataset_digest_dbs(v->have, &m);
    for (size_t i = 0; i < n; i++) {
        struct dataset_digest_type w = dataset_digest_db_total(&want[i]), h = {0};
        struct dataset_digest_sum sum = {0};

        for (size_t k = 0; k < m; k++)
            if (have[k].n == want[i].n) {
                h = dataset_digest_db_total(&have[k]);
                sum = have[k].digest;
            }
        if (w.keys == h.keys && w.elements == h.elements && w.expiring == h.expiring &&
            sum.lo == want[i].digest.lo && sum.hi == want[i].digest.hi)
            continue;
        if (changed)
            return err_set(
                e, RC_CONFLICT,
                "%s changed meanwhile: clients wrote to it while it was read back (database "
                "%llu differs)",
                v->from->name, (unsigned long long)want[i].n);
        return err_set(
            e, RC_CORRUPT,
            "%s does not hold what was restored: database %llu: %llu keys with %llu elements "
            "were restored, %llu with %llu were read back%s",
            v->from->name, (unsigned long long)want[i].n, (unsigned long long)w.keys,
            (unsigned long long)w.elements, (unsigned long long)h.keys,
            (unsigned long long)h.elements,
            w.keys == h.keys && w.elements == h.elements ? ", with other contents" : "");
    }
    return RC_OK;
}

/* Their count of writes; 0 where it may not be asked. */
static enum rc
verify_changes(const struct verify *v, uint64_t *out, struct err *e)
{
    *out = 0;
    for (size_t i = 0; i < v->from->n; i++) {
        struct conn_info info = {0};
        struct err why = ERR_INIT;
        enum rc rc = conn_info(v->cx, v->from->list[i], &info, &why);

        if (rc != RC_OK && rc != RC_DENIED) {
            *e = why;
            return rc;
        }
        *out += info.changes;
        conn_info_release(&info);
    }
    return RC_OK;
}

static enum rc
verify_open(struct verify *v, struct err *e)
{
    const struct scan_opts scan = {.format = DUMP_COMMANDS, .filter = FILTER_ALL};

    for (size_t i = 0; i < v->from->n; i++)
        if (scan_some_open(v->cx, v->from->list[i], &scan, verify_have, v, &v->scans[i], e))
            return err_code(e);
    return RC_OK;
}

static enum rc
verify_run(struct verify *v, struct rd *dump, const struct load_opts *opts, int64_t cut,
           struct err *e)
{
    uint64_t before = 0, after = 0;
    int64_t now;

    dataset_digest_leave_out(v->want, cut);
    dataset_digest_leave_out(v->have, cut);
    if (verify_changes(v, &before, e) || verify_open(v, e) || verify_read(v, dump, opts, e) ||
        verify_changes(v, &after, e))
        return err_code(e);
    if (outcome_time(v->cx, v->from->list[0], &now, e))
        return err_code(e);
    if (now >= cut)
        return err_set(e, RC_TIMEOUT, "it took so long that keys may have expired meanwhile");
    return verify_compare(v, before != after, e);
}

enum rc
verify_target(struct ctx *cx, struct rd *dump, struct masters *from, const struct verify_opts *opts,
              struct verified *out, struct err *e)
{
    struct verify v = {
        .cx = cx, .from = from, .want = dataset_digest_new(), .have = dataset_digest_new()};
    unsigned parts = TALLY_MODULES | (opts->counters ? 0U : TALLY_COUNTERS);
    const struct dataset_digest_db *dbs;
    size_t n;
    int64_t now;
    enum rc rc = outcome_time(cx, from->list[0], &now, e);

    v.scans =
        mem_zero(from->n, sizeof(struct scan_some *)); /* NOLINT(bugprone-sizeof-expression) */
    buf_init(&v.names, EV_HELD_MAX + BATCH_BYTES);
    dataset_digest_leave_out_parts(v.want, parts);
    dataset_digest_leave_out_parts(v.have, parts);
    if (rc == RC_OK)
        rc = verify_run(&v, dump, opts->load, now + opts->soon_ms, e);
    if (rc == RC_OK) {
        out->keys = dataset_digest_keys(v.want);
        out->left_out = dataset_digest_left_out(v.want);
        dbs = dataset_digest_dbs(v.want, &n);
        for (size_t i = 0; i < n; i++)
            out->modules += dbs[i].types[KV_MODULE].keys;
        (void)dataset_digest_sum_text(dataset_digest_whole(v.want), out->digest);
    }
    for (size_t i = 0; i < from->n; i++)
        scan_some_close(v.scans[i]);
    mem_free(v.scans);
    buf_release(&v.names);
    dataset_digest_free(v.want);
    dataset_digest_free(v.have);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not verify the restore");
}
