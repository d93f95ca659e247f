/* SPDX-License-Identifier: Apache-2.0 */
#include "job/diff.h"

#include "base/mem.h"
#include "dump/name_set.h"

enum { FIRST_CAP = 4096, CAP_MAX = 2 * 1024 * 1024, SHARES_MAX = 4096 };

/* A key of the first one. */
struct entry {
    uint64_t name; /* 0: empty */
    uint64_t value;
    int64_t expires_at;
    bool seen; /* in the second one, too */
};

enum diff_pass { TAKE_FIRST, COMPARE_SECOND, TELL_REMOVED };

struct diff {
    struct ctx *cx;
    const struct filter *filter;
    diff_fn *fn;
    void *arg;
    uint64_t *counts;
    struct entry *table;
    size_t cap, n;
    uint64_t share, shares;
    enum diff_pass pass;
    bool full;
};

/* Its place, or where it would be. */
static struct entry *
diff_at(struct entry *table, size_t cap, uint64_t name)
{
    size_t i = name & (cap - 1);

    while (table[i].name != 0 && table[i].name != name)
        i = (i + 1) & (cap - 1);
    return &table[i];
}

static void
diff_grow(struct diff *d)
{
    size_t cap = 2 * d->cap;
    struct entry *table = (struct entry *)mem_zero(cap, sizeof(*table));

    for (size_t i = 0; i < d->cap; i++)
        if (d->table[i].name != 0)
            *diff_at(table, cap, d->table[i].name) = d->table[i];
    mem_free(d->table);
    d->table = table;
    d->cap = cap;
}

/* RC_LIMIT, with d->full: more shares are needed. */
static enum rc
diff_take(struct diff *d, uint64_t name, const struct dataset_digest_key *k, struct err *e)
{
    struct entry *at;

    /* The first share decides how many there are, with room for others to be larger. */
    if (d->n >= (d->share == 0 ? CAP_MAX / 2 : CAP_MAX / 4 * 3)) {
        d->full = true;
        return err_set(e, RC_LIMIT, "too many keys at once");
    }
    if (d->n >= d->cap / 4 * 3)
        diff_grow(d);
    at = diff_at(d->table, d->cap, name);
    d->n += at->name == 0;
    *at = (struct entry){.name = name, .value = k->value, .expires_at = k->expires_at};
    return RC_OK;
}

static enum rc
diff_tell(struct diff *d, enum diff_kind kind, const struct dataset_digest_key *k, struct err *e)
{
    d->counts[kind]++;
    return kind == DIFF_SAME ? RC_OK : d->fn(d->arg, kind, k, e);
}

static enum rc
diff_key(void *arg, const struct dataset_digest_key *k, struct err *e)
{
    struct diff *d = arg;
    struct name_hash h = name_set_hash(k->db, k->name);
    struct entry *at;

    if (h.choose % d->shares != d->share)
        return RC_OK;
    if (d->pass == TAKE_FIRST)
        return diff_take(d, h.name, k, e);
    at = diff_at(d->table, d->cap, h.name);
    if (d->pass == TELL_REMOVED)
        return at->seen ? RC_OK : diff_tell(d, DIFF_REMOVED, k, e);
    if (at->name == 0)
        return diff_tell(d, DIFF_ADDED, k, e);
    at->seen = true;
    return diff_tell(d,
                     at->value != k->value             ? DIFF_CHANGED
                     : at->expires_at != k->expires_at ? DIFF_EXPIRY
                                                       : DIFF_SAME,
                     k, e);
}

static enum rc
diff_read(struct diff *d, const struct snapshot_source *from, enum diff_pass pass, struct err *e)
{
    struct dataset_digest *t = dataset_digest_new();
    struct filtered keys = {.filter = *d->filter, .on = dataset_digest_on, .arg = t};
    struct load_result load;
    char id[ID_TEXT];
    enum rc rc;

    d->pass = pass;
    dataset_digest_leave_out_parts(t, TALLY_TERMS);
    dataset_digest_each(t, diff_key, d);
    rc = look_events(d->cx, from, filtered_on, &keys, &load, NULL, e);
    dataset_digest_free(t);
    if (rc == RC_OK && !load.facts.exact)
        return err_set(
            e, RC_UNSUPPORTED,
            "the dump of snapshot %.8s names keys more than once: they cannot be compared",
            id_hex(&from->snap.id, id));
    return rc;
}

static size_t
diff_unseen(const struct diff *d)
{
    size_t n = 0;

    for (size_t i = 0; i < d->cap; i++)
        n += d->table[i].name != 0 && !d->table[i].seen;
    return n;
}

static enum rc
diff_share(struct diff *d, const struct snapshot_source *a, const struct snapshot_source *b,
           struct err *e)
{
    memset(d->table, 0, d->cap * sizeof(*d->table));
    d->n = 0;
    if (diff_read(d, a, TAKE_FIRST, e) || diff_read(d, b, COMPARE_SECOND, e))
        return err_code(e);
    return diff_unseen(d) != 0 ? diff_read(d, a, TELL_REMOVED, e) : RC_OK;
}

enum rc
diff_snapshots(struct ctx *cx, const struct snapshot_source *a, const struct snapshot_source *b,
               const struct filter *filter, diff_fn *fn, void *arg,
               uint64_t counts[static DIFF_KINDS], struct err *e)
{
    struct diff d = {.cx = cx,
                     .filter = filter,
                     .fn = fn,
                     .arg = arg,
                     .counts = counts,
                     .cap = FIRST_CAP,
                     .shares = 1};
    enum rc rc = RC_OK;

    memset(counts, 0, DIFF_KINDS * sizeof(*counts));
    d.table = (struct entry *)mem_zero(d.cap, sizeof(*d.table));
    while (d.share < d.shares && rc == RC_OK) {
        struct err why = ERR_INIT;

        d.full = false;
        rc = diff_share(&d, a, b, &why);
        if (rc == RC_LIMIT && d.full && d.shares < SHARES_MAX && d.share == 0) {
            d.shares *= 2;
            rc = RC_OK;
            continue;
        }
        d.share++;
        if (rc != RC_OK)
            *e = why;
    }
    mem_free(d.table);
    return rc;
}
