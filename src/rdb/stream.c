/* SPDX-License-Identifier: Apache-2.0 */
/* Streams as events. Sections 8.5 (nodes) and 9.2 (what follows them) of the reference. */
#include "base/endian.h"
#include "base/mem.h"
#include "rdb/packed.h"
#include "rdb/rdb_internal.h"

/* What the group says of a pending entry; the consumers only list IDs. Sorted by ID, as written. */
struct pending {
    struct stream_id id;
    int64_t delivered_at;
    uint64_t count;
};

struct pel {
    struct pending *p;
    size_t n, cap;
};

/* IDs, sorted; `at`: those before it stand in front of what was read so far. */
struct id_list {
    struct stream_id *ids;
    size_t n, cap, at;
};

/* A node while it is decoded: master fields, then the entries' fields, one array reused. */
struct node {
    struct stream_id master;
    struct packed b;
    struct str *names; /* of the master entry */
    size_t n_names;
    struct packed_entry *items; /* field and value of one entry, alternating */
    struct str *pairs;
    size_t cap;              /* of items and pairs, in pairs */
    struct id_list *pending; /* of all groups; empty where they are not known yet */
};

static enum rc
reserve_pairs(struct node *nd, uint64_t n, struct err *e)
{
    /* An entry takes two bytes at least, so the blob bounds what a length may claim. */
    if (n > (uint64_t)(nd->b.end - nd->b.p) / 2 + nd->n_names)
        return err_set(e, RC_CORRUPT, "broken stream node: %llu fields in one entry",
                       (unsigned long long)n);
    if (n > nd->cap) {
        nd->cap = (size_t)n;
        nd->items = mem_grow(nd->items, 2 * nd->cap, sizeof(*nd->items));
        nd->pairs = mem_grow(nd->pairs, 2 * nd->cap, sizeof(*nd->pairs));
    }
    return RC_OK;
}

/* A non-negative number. */
static enum rc
node_count(struct node *nd, uint64_t *out, struct err *e)
{
    int64_t v;

    if (packed_int(&nd->b, &v, e))
        return err_code(e);
    if (v < 0)
        return err_set(e, RC_CORRUPT, "broken stream node: a negative count");
    *out = (uint64_t)v;
    return RC_OK;
}

/*
 * The master entry: count, deleted, the names of its fields, a zero. `*total` is how many entries
 * follow.
 */
static enum rc
read_master(struct node *nd, struct buf *names, uint64_t *total, struct err *e)
{
    uint64_t count, deleted, n, at = 0;
    struct packed_entry x;
    int64_t zero;

    if (node_count(nd, &count, e) || node_count(nd, &deleted, e) || node_count(nd, &n, e))
        return err_code(e);
    if (n > (uint64_t)(nd->b.end - nd->b.p))
        return err_set(e, RC_CORRUPT, "broken stream node: too many field names");
    nd->names = mem_grow(nd->names, (size_t)n + 1, sizeof(*nd->names));
    nd->n_names = (size_t)n;
    buf_reset(names);
    /* integers as names: their text must outlive the loop */
    for (size_t i = 0; i < nd->n_names; i++) {
        if (packed_must(&nd->b, &x, e))
            return err_code(e);
        nd->names[i] = x.is_int ? str_of(NULL, x.s.n) : x.s;
        if (x.is_int && buf_add_str(names, x.s, e))
            return err_code(e);
    }
    for (size_t i = 0; i < nd->n_names; i++)
        if (nd->names[i].p == NULL) {
            nd->names[i].p = names->p + at;
            at += nd->names[i].n;
        }
    if (packed_int(&nd->b, &zero, e))
        return err_code(e);
    if (__builtin_add_overflow(count, deleted, total))
        return err_set(e, RC_CORRUPT, "broken stream node: impossible counts");
    return RC_OK;
}

/* The fields and values of an entry into nd->pairs. */
static enum rc
read_pairs(struct node *nd, bool same_fields, size_t *n_out, struct err *e)
{
    uint64_t n = nd->n_names;

    if ((!same_fields && node_count(nd, &n, e)) || reserve_pairs(nd, n, e))
        return err_code(e);
    for (size_t i = 0; i < (size_t)n; i++) {
        struct packed_entry *name = &nd->items[2 * i], *value = &nd->items[2 * i + 1];
        if (!same_fields && packed_must(&nd->b, name, e))
            return err_code(e);
        if (packed_must(&nd->b, value, e))
            return err_code(e);
        nd->pairs[2 * i] = same_fields ? nd->names[i] : name->s;
        nd->pairs[2 * i + 1] = value->s;
    }
    *n_out = (size_t)n;
    return RC_OK;
}

static int
id_cmp(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return (a.seq > b.seq) - (a.seq < b.seq);
}

/* Say what is pending of IDs before `id` that no entry has; `id` itself is one. */
static enum rc
say_deleted(struct id_list *l, struct stream_id id, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_DELETED};

    for (; l->at < l->n && id_cmp(l->ids[l->at], id) < 0; l->at++) {
        ev.u.entry.id = l->ids[l->at];
        if (rdb_emit(o, &ev, e))
            return err_code(e);
    }
    l->at += l->at < l->n && id_cmp(l->ids[l->at], id) == 0;
    return RC_OK;
}

static enum rc
read_entry(struct node *nd, const struct rdb_out *o, uint64_t *live, struct err *e)
{
    enum { DELETED = 1, SAME_FIELDS = 2 };
    struct ev ev = {.kind = EV_ENTRY};
    int64_t flags, ms, seq, back;

    if (packed_int(&nd->b, &flags, e) || packed_int(&nd->b, &ms, e) ||
        packed_int(&nd->b, &seq, e) ||
        read_pairs(nd, (flags & SAME_FIELDS) != 0, &ev.u.entry.n, e) ||
        packed_int(&nd->b, &back, e))
        return err_code(e);
    if (flags & DELETED) /* a tombstone: its fields had to be read, but it is not data */
        return RC_OK;
    ev.u.entry.id.ms = nd->master.ms + (uint64_t)ms;
    ev.u.entry.id.seq = nd->master.seq + (uint64_t)seq;
    ev.u.entry.pairs = nd->pairs;
    (*live)++;
    return say_deleted(nd->pending, ev.u.entry.id, o, e) ? err_code(e) : rdb_emit(o, &ev, e);
}

static enum rc
read_node(struct rdb *r, struct node *nd, const struct rdb_out *o, uint64_t *live, struct err *e)
{
    uint64_t total, n = 0;
    struct str s;

    if (rdb_string(r, &r->blob, &s, e))
        return err_code(e);
    if (s.n != 16)
        return rdb_corrupt(r, e, "a stream node with a key of %zu bytes", s.n);
    nd->master = (struct stream_id){be64_load(s.p), be64_load(s.p + 8)};
    if (rdb_string(r, &r->blob, &s, e) || packed_open(&nd->b, BLOB_LISTPACK, s, e) ||
        read_master(nd, &r->field, &total, e))
        return err_code(e);
    /* As servers do: what the node holds counts, not what it says that it holds. */
    for (; nd->b.p != nd->b.end; n++)
        if (read_entry(nd, o, live, e))
            return err_code(e);
    if (n != total)
        r->oddity = "a node of the stream does not hold as many entries as it says";
    return RC_OK;
}

static enum rc
read_nodes(struct rdb *r, struct id_list *pending, const struct rdb_out *o, uint64_t *live,
           struct err *e)
{
    struct node nd = {.pending = pending};
    enum rc rc = RC_OK;
    uint64_t n;

    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; rc == RC_OK && n > 0; n--)
        rc = read_node(r, &nd, o, live, e);
    mem_free(nd.names);
    mem_free(nd.items);
    mem_free(nd.pairs);
    return rc;
}

static enum rc
read_pel(struct rdb *r, struct pel *pel, struct err *e)
{
    uint64_t n;

    pel->n = 0;
    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--) {
        struct pending *x;
        if (pel->n == pel->cap) {
            pel->cap = pel->cap ? pel->cap * 2 : 64;
            pel->p = mem_grow(pel->p, pel->cap, sizeof(*pel->p));
        }
        x = &pel->p[pel->n++];
        if (rdb_id16(r, &x->id, e) || rdb_i64(r, &x->delivered_at, e) || rdb_len(r, &x->count, e))
            return err_code(e);
    }
    return RC_OK;
}

static const struct pending *
find_pending(const struct pel *pel, struct stream_id id)
{
    size_t lo = 0, hi = pel->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = id_cmp(pel->p[mid].id, id);
        if (c == 0)
            return &pel->p[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* The IDs that a consumer (or, with an empty name, the NACK zone) holds. */
static enum rc
read_owned(struct rdb *r, const struct pel *pel, struct ev *ev, const struct rdb_out *o,
           struct err *e)
{
    const struct pending *x;
    uint64_t n;

    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--) {
        if (rdb_id16(r, &ev->u.pending.id, e))
            return err_code(e);
        x = find_pending(pel, ev->u.pending.id);
        if (x == NULL)
            return rdb_corrupt(r, e, "a consumer holds an entry that its group does not know");
        ev->u.pending.delivered_at = x->delivered_at;
        ev->u.pending.count = x->count;
        if (rdb_emit(o, ev, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
read_consumer(struct rdb *r, struct str group, const struct pel *pel, const struct rdb_out *o,
              struct err *e)
{
    struct ev ev = {.kind = EV_CONSUMER}, pending = {.kind = EV_PENDING};
    struct str name;

    if (rdb_string_held(r, &r->blob, &name, e) || rdb_i64(r, &ev.u.consumer.seen_at, e))
        return err_code(e);
    ev.u.consumer.active_at = -1;
    if (r->type >= T_STREAM_3 && rdb_i64(r, &ev.u.consumer.active_at, e))
        return err_code(e);
    ev.u.consumer.group = pending.u.pending.group = group;
    /* An empty name is a name; no pointer means no owner. */
    ev.u.consumer.name = pending.u.pending.consumer = name.n != 0 ? name : STR_LIT("");
    if (rdb_emit(o, &ev, e))
        return err_code(e);
    return read_owned(r, pel, &pending, o, e);
}

static enum rc
read_group(struct rdb *r, struct pel *pel, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_GROUP}, pending = {.kind = EV_PENDING};
    uint64_t entries_read = UINT64_MAX, n;
    struct str name;

    ev.u.group.modern = r->type >= T_STREAM_2;
    if (rdb_string_held(r, &r->field, &name, e) || rdb_id2(r, &ev.u.group.last, e) ||
        (ev.u.group.modern && rdb_len(r, &entries_read, e)))
        return err_code(e);
    ev.u.group.name = name;
    ev.u.group.entries_read = (int64_t)entries_read; /* -1 is stored as 2^64-1 */
    if (rdb_emit(o, &ev, e) || read_pel(r, pel, e) || rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--)
        if (read_consumer(r, name, pel, o, e))
            return err_code(e);
    if (r->type == T_STREAM_5) {
        pending.u.pending.group = name;
        return read_owned(r, pel, &pending, o, e);
    }
    return RC_OK;
}

/* Message deduplication of Redis 8.6: settings, then what each producer has sent. */
static enum rc
read_idmp(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct ev ev = {.kind = EV_IDMP};
    uint64_t producers, n, counter;

    if (rdb_len(r, &ev.u.idmp.duration_s, e) || rdb_len(r, &ev.u.idmp.max_entries, e) ||
        rdb_emit(o, &ev, e) || rdb_count(r, &producers, e))
        return err_code(e);
    for (; producers > 0; producers--) {
        if (rdb_string_held(r, &r->field, &ev.u.idmp.producer, e) || rdb_count(r, &n, e))
            return err_code(e);
        for (; n > 0; n--)
            if (rdb_string_held(r, &r->blob, &ev.u.idmp.iid, e) || rdb_id2(r, &ev.u.idmp.id, e) ||
                rdb_emit(o, &ev, e))
                return err_code(e);
    }
    /* NOLINTNEXTLINE(misc-redundant-expression): two lengths */
    return rdb_len(r, &counter, e) || rdb_len(r, &counter, e) ? err_code(e) : RC_OK;
}

static enum rc
read_groups(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct pel pel = {0};
    enum rc rc = RC_OK;
    uint64_t n;

    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; rc == RC_OK && n > 0; n--)
        rc = read_group(r, &pel, o, e);
    mem_free(pel.p);
    return rc;
}

/* The numbers between the entries and the groups. */
static enum rc
read_numbers(struct rdb *r, struct ev *ev, struct err *e)
{
    struct stream_id first;

    *ev = (struct ev){.kind = EV_STREAM};
    if (rdb_len(r, &ev->u.stream.length, e) || rdb_id2(r, &ev->u.stream.last, e))
        return err_code(e);
    ev->u.stream.modern = r->type >= T_STREAM_2;
    if (ev->u.stream.modern && (rdb_id2(r, &first, e) || rdb_id2(r, &ev->u.stream.max_deleted, e) ||
                                rdb_len(r, &ev->u.stream.added, e)))
        return err_code(e);
    return RC_OK;
}

static enum rc
note_pending(void *arg, const struct ev *ev, struct err *e)
{
    struct id_list *l = arg;

    (void)e;
    if (ev->kind != EV_PENDING)
        return RC_OK;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->ids = mem_grow(l->ids, l->cap, sizeof(*l->ids));
    }
    l->ids[l->n++] = ev->u.pending.id;
    return RC_OK;
}

static int
compare_ids(const void *a, const void *b)
{
    return id_cmp(*(const struct stream_id *)a, *(const struct stream_id *)b);
}

/*
 * Look ahead: which entries does some consumer have pending? Commands can only give an entry to a
 * consumer that there is, so the deleted ones among them are to be known before what follows them.
 */
static enum rc
peek_pending(struct rdb *r, struct id_list *l, struct err *e)
{
    uint64_t start = lookahead_at(&r->w), n;
    struct rdb_out o = {.on = note_pending, .arg = l};
    struct ev ev;
    size_t kept = 0;

    if (rdb_count(r, &n, e))
        return err_code(e);
    for (; n > 0; n--) {
        if (rdb_string_skip(r, e))
            return err_code(e);
        if (rdb_string_skip(r, e)) /* and what stands under that name */
            return err_code(e);
    }
    if (read_numbers(r, &ev, e) || read_groups(r, &o, e))
        return err_code(e);
    r->w.pos = (size_t)(start - r->w.base);
    if (l->n != 0)
        qsort(l->ids, l->n, sizeof(*l->ids), compare_ids);
    for (size_t i = 0; i < l->n; i++) /* groups may share them; none is behind the stream's last */
        if ((kept == 0 || id_cmp(l->ids[kept - 1], l->ids[i]) != 0) &&
            id_cmp(l->ids[i], ev.u.stream.last) <= 0)
            l->ids[kept++] = l->ids[i];
    l->n = kept;
    return RC_OK;
}

static enum rc
decode_stream(struct rdb *r, struct id_list *pending, const struct rdb_out *o, struct err *e)
{
    static const struct stream_id behind_all = {UINT64_MAX, UINT64_MAX};
    uint64_t live = 0;
    struct ev ev;

    if ((r->captured && peek_pending(r, pending, e)) || read_nodes(r, pending, o, &live, e) ||
        say_deleted(pending, behind_all, o, e) || read_numbers(r, &ev, e))
        return err_code(e);
    if (ev.u.stream.length != live) { /* Redis 5.0 had release candidates that miscounted */
        r->oddity = "the stream does not hold as many entries as it says";
        ev.u.stream.length = live;
    }
    if (rdb_emit(o, &ev, e) || read_groups(r, o, e))
        return err_code(e);
    return r->type >= T_STREAM_4 ? read_idmp(r, o, e) : RC_OK;
}

enum rc
rdb_decode_stream(struct rdb *r, const struct rdb_out *o, struct err *e)
{
    struct id_list pending = {0};
    enum rc rc = decode_stream(r, &pending, o, e);

    mem_free(pending.ids);
    return rc;
}
