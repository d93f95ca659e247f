/* SPDX-License-Identifier: Apache-2.0 */
#include "job/diff.h"

#include "base/mem.h"
#include "dump/name_set.h"

enum { FIRST_CAP = 4096, CAP_MAX = 2 * 1024 * 1024, SIEVE = 2 * 1024 * 1024, SHARES_MAX = 4096 };

/* A key of the first one. */
struct entry {
    uint64_t name;  /* 0: empty */
    uint64_t value; /* its lowest bit says whether the key is in the second one, too */
    int64_t expires_at;
};

enum diff_pass { SIFT_FIRST, SIFT_SECOND, TAKE_FIRST, COMPARE_SECOND, TELL_REMOVED };

struct diff {
    struct ctx *cx;
    const struct filter *filter;
    diff_fn *fn;
    void *arg;
    uint64_t *counts;
    struct entry *table;
    size_t cap, cap_max, n;
    uint64_t *
        sieve; /* NULL until there are many keys: sums of one less those of the other, by hash of the name */
    uint64_t share, shares;
    enum diff_pass pass;
    bool full;
    bool turned; /* the second one is read first */
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
    if (d->n >= (d->share == 0 ? d->cap_max / 2 : d->cap_max / 4 * 3)) {
        d->full = true;
        return err_set(e, RC_LIMIT, "too many keys at once");
    }
    if (d->n >= d->cap / 4 * 3)
        diff_grow(d);
    at = diff_at(d->table, d->cap, name);
    d->n += at->name == 0;
    *at =
        (struct entry){.name = name, .value = k->value & ~UINT64_C(1), .expires_at = k->expires_at};
    return RC_OK;
}

static uint64_t *
diff_sieve_at(const struct diff *d, uint64_t name)
{
    return &d->sieve[(name >> 40) % SIEVE]; /* other bits than those that find it in the table */
}

/* What stands for a key with all that is compared of it: where the sums of two sets are the same, so are the sets. */
static uint64_t
diff_term(uint64_t name, const struct dataset_digest_key *k)
{
    uint64_t v = name ^ (k->value * UINT64_C(0x9e3779b97f4a7c15)) ^
                 ((uint64_t)k->expires_at * UINT64_C(0xc2b2ae3d27d4eb4f));

    v = (v ^ v >> 32) * UINT64_C(0xff51afd7ed558ccd);
    v = (v ^ v >> 29) * UINT64_C(0xc4ceb9fe1a85ec53);
    return v ^ v >> 32;
}

static enum rc
diff_tell(struct diff *d, enum diff_kind kind, const struct dataset_digest_key *k, struct err *e)
{
    static const enum diff_kind turned[DIFF_KINDS] = {[DIFF_ADDED] = DIFF_REMOVED,
                                                      [DIFF_REMOVED] = DIFF_ADDED,
                                                      [DIFF_CHANGED] = DIFF_CHANGED,
                                                      [DIFF_EXPIRY] = DIFF_EXPIRY,
                                                      [DIFF_SAME] = DIFF_SAME};

    kind = d->turned ? turned[kind] : kind;
    d->counts[kind]++;
    return kind == DIFF_SAME ? RC_OK : d->fn(d->arg, kind, k, e);
}

static enum rc
diff_key(void *arg, const struct dataset_digest_key *k, struct err *e)
{
    struct diff *d = arg;
    struct name_hash h = name_set_hash(k->db, k->name);
    struct entry *at;

    if (d->pass <= SIFT_SECOND) {
        uint64_t term = diff_term(h.name, k);

        *diff_sieve_at(d, h.name) += d->pass == SIFT_FIRST ? term : -term;
        return RC_OK;
    }
    if (h.choose % d->shares != d->share)
        return RC_OK;
    if (d->sieve != NULL && *diff_sieve_at(d, h.name) == 0) {
        d->counts[DIFF_SAME] += d->pass == COMPARE_SECOND;
        return RC_OK;
    }
    if (d->pass == TAKE_FIRST)
        return diff_take(d, h.name, k, e);
    at = diff_at(d->table, d->cap, h.name);
    if (d->pass == TELL_REMOVED)
        return at->name == 0 || (at->value & 1) != 0 ? RC_OK : diff_tell(d, DIFF_REMOVED, k, e);
    if (at->name == 0)
        return diff_tell(d, DIFF_ADDED, k, e);
    at->value |= 1;
    return diff_tell(d,
                     at->value != (k->value | 1)       ? DIFF_CHANGED
                     : at->expires_at != k->expires_at ? DIFF_EXPIRY
                                                       : DIFF_SAME,
                     k, e);
}

static enum rc
diff_read_server(struct diff *d, const struct source_opts *from, struct dataset_digest *t,
                 struct err *e)
{
    struct source_opts opts = *from;
    struct source_stream nowhere;
    struct source_facts facts;
    enum rc rc;

    opts.filter = *d->filter;
    rc = source_dump(d->cx, &opts, source_told(&nowhere), t, &facts, e);
    source_facts_release(&facts);
    return rc;
}

static enum rc
diff_read_snapshot(struct diff *d, const struct snapshot_source *from, struct dataset_digest *t,
                   struct err *e)
{
    struct filtered keys = {.filter = *d->filter, .on = dataset_digest_on, .arg = t};
    struct load_result load;
    char id[ID_TEXT];
    enum rc rc = look_events(d->cx, from, filtered_on, &keys, &load, NULL, e);

    if (rc == RC_OK && !load.facts.exact)
        return err_set(
            e, RC_UNSUPPORTED,
            "the dump of snapshot %.8s names keys more than once: they cannot be compared",
            id_hex(&from->snap.id, id));
    return rc;
}

static enum rc
diff_read(struct diff *d, const struct diff_side *from, enum diff_pass pass, struct err *e)
{
    struct dataset_digest *t = dataset_digest_new();
    enum rc rc;

    d->pass = pass;
    dataset_digest_leave_out_parts(t, TALLY_TERMS);
    dataset_digest_each(t, diff_key, d);
    rc = from->snapshot != NULL ? diff_read_snapshot(d, from->snapshot, t, e)
                                : diff_read_server(d, from->server, t, e);
    dataset_digest_free(t);
    return rc;
}

static size_t
diff_unseen(const struct diff *d)
{
    size_t n = 0;

    for (size_t i = 0; i < d->cap; i++)
        n += d->table[i].name != 0 && (d->table[i].value & 1) == 0;
    return n;
}

static enum rc
diff_share(struct diff *d, const struct diff_side *a, const struct diff_side *b, struct err *e)
{
    uint64_t *removed = &d->counts[d->turned ? DIFF_ADDED : DIFF_REMOVED], before = *removed;
    size_t unseen;
    enum rc rc;

    memset(d->table, 0, d->cap * sizeof(*d->table));
    d->n = 0;
    if (diff_read(d, a, TAKE_FIRST, e) || diff_read(d, b, COMPARE_SECOND, e))
        return err_code(e);
    unseen = diff_unseen(d);
    rc = unseen != 0 ? diff_read(d, a, TELL_REMOVED, e) : RC_OK;
    *removed = before + unseen;
    return rc;
}

static size_t
diff_cap_max(void)
{
#ifdef CSTASH_TEST_SWITCHES
    if (getenv("CSTASH_TEST_SMALL_DIFF") != NULL)
        return FIRST_CAP;
#endif
    return CAP_MAX;
}

/* There are many keys: find the few in which the two may differ. */
static enum rc
diff_sift(struct diff *d, const struct diff_side *a, const struct diff_side *b, struct err *e)
{
    d->sieve = (uint64_t *)mem_zero(SIEVE, sizeof(*d->sieve));
    return diff_read(d, a, SIFT_FIRST, e) ? err_code(e) : diff_read(d, b, SIFT_SECOND, e);
}

enum rc
diff_run(struct ctx *cx, struct diff_side a, struct diff_side b, const struct filter *filter,
         diff_fn *fn, void *arg, uint64_t counts[static DIFF_KINDS], struct err *e)
{
    /* The first is read once more for what was removed: better one that does not change. */
    const bool turn = a.snapshot == NULL && b.snapshot != NULL;
    const struct diff_side *first = turn ? &b : &a, *second = turn ? &a : &b;
    struct diff d = {.cx = cx,
                     .filter = filter,
                     .fn = fn,
                     .arg = arg,
                     .counts = counts,
                     .turned = turn,
                     .cap = FIRST_CAP,
                     .cap_max = diff_cap_max(),
                     .shares = 1};
    enum rc rc = RC_OK;

    memset(counts, 0, DIFF_KINDS * sizeof(*counts));
    d.table = (struct entry *)mem_zero(d.cap, sizeof(*d.table));
    while (d.share < d.shares && rc == RC_OK) {
        struct err why = ERR_INIT;

        d.full = false;
        rc = diff_share(&d, first, second, &why);
        if (rc == RC_LIMIT && d.full && d.sieve == NULL) {
            rc = diff_sift(&d, first, second, e);
            continue;
        }
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
    mem_free(d.sieve);
    return rc;
}
