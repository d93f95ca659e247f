/* SPDX-License-Identifier: Apache-2.0 */
#include "job/look.h"

#include "dump/encode.h"
#include "dump/unpack.h"
#include "job/dump_reader.h"

/* A block is kept between the passes that find a key and read it, unless one of its keys makes it longer than that. */
enum { HELD_MAX = 4 * 1024 * 1024 };

struct look {
    const struct filter *filter; /* look_keys */
    look_key_fn *fn;
    const struct look_key *wanted; /* else this one */
    ev_fn *on;                     /* of its value; NULL: it is only looked for */
    void *arg;
    struct unpack *values;
    struct key_place place; /* only this of the dump; n 0: all */
    struct buf held;        /* the dump's bytes of `place`, once they were read; n 0: not kept */
    struct look_key at;     /* the key in progress */
    bool in;                /* it is wanted */
    bool found, once, done;
};

static void
look_count(struct look_key *k, const struct ev *ev)
{
    switch (ev->kind) {
    case EV_STRING:
    case EV_ELEM:
        k->bytes += ev->u.piece.p.n;
        k->items += ev->kind == EV_ELEM ? ev_is_last(&ev->u.piece) : ev_is_first(&ev->u.piece);
        break;
    case EV_ZELEM:
        k->bytes += ev->u.zelem.member.n + sizeof(ev->u.zelem.score);
        k->items++;
        break;
    case EV_FIELD:
        k->bytes +=
            ev->u.field.value.p.n + (ev_is_first(&ev->u.field.value) ? ev->u.field.name.n : 0);
        k->items += ev_is_first(&ev->u.field.value);
        break;
    case EV_ENTRY:
        k->bytes += sizeof(ev->u.entry.id);
        for (size_t i = 0; i < 2 * ev->u.entry.n; i++)
            k->bytes += ev->u.entry.pairs[i].n;
        k->items++;
        break;
    case EV_PAYLOAD:
        k->bytes += ev->u.payload.value.n;
        k->items++;
        break;
    default:
        break;
    }
}

static bool
look_wants(const struct look *l, const struct ev_key *k)
{
    return l->wanted != NULL ? l->at.db == l->wanted->db && str_eq(k->name, l->wanted->name)
                             : filter_wants(l->filter, l->at.db, k->name) &&
                                   filter_wants_type(l->filter, k->type);
}

static enum rc
look_key_begins(struct look *l, const struct ev *ev, struct err *e)
{
    struct ev key = *ev;

    l->in = look_wants(l, &ev->u.key);
    if (!l->in || (l->found && l->wanted != NULL)) /* again: it goes on */
        return RC_OK;
    l->found = true;
    l->at = (struct look_key){.db = l->at.db, .type = ev->u.key.type};
    if (l->on == NULL)
        return RC_OK;
    key.u.key.expires_at = l->wanted->expires_at;
    return l->on(l->arg, &key, e);
}

static enum rc
look_key_ends(struct look *l, const struct ev *ev, struct err *e)
{
    l->in = false;
    l->at.name = ev->u.key.name;
    l->at.expires_at = ev->u.key.expires_at;
    if (l->fn != NULL)
        return l->fn(l->arg, &l->at, e);
    l->done = l->once;
    /* Whatever it is: it ends the pass, and is not looked at. */
    return l->done ? err_set(e, RC_EXISTS, "the key is found") : RC_OK;
}

/* Of a key that is wanted: its value, taken apart. */
static enum rc
look_value_on(void *arg, const struct ev *ev, struct err *e)
{
    struct look *l = arg;

    look_count(&l->at, ev);
    return l->on != NULL ? l->on(l->arg, ev, e) : RC_OK;
}

static enum rc
look_on(void *arg, const struct ev *ev, struct err *e)
{
    struct look *l = arg;

    if (ev->kind == EV_DB)
        l->at.db = ev->u.db.n;
    if (ev->kind == EV_KEY)
        return look_key_begins(l, ev, e);
    if (!l->in)
        return RC_OK;
    if (ev->kind == EV_KEY_END)
        return look_key_ends(l, ev, e);
    return unpack_on(l->values, ev, e);
}

/* Some whole keys of a dump, with what must stand in front of them: one string after the other, then a stream, or none. */
struct fragment {
    struct rd rd;
    struct buf head;
    struct str left[2];
    struct rd *rest;
};

static enum rc
fragment_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct fragment *f = CONTAINER_OF(base, struct fragment, rd);
    struct str *from = f->left[0].n != 0 ? &f->left[0] : &f->left[1];

    *got = MIN(n, from->n);
    if (*got == 0)
        return f->rest != NULL ? rd_read(f->rest, p, n, got, e) : RC_OK;
    memcpy(p, from->p, *got);
    *from = str_of(from->p + *got, from->n - *got);
    return RC_OK;
}

/* A header, and the database. */
static enum rc
fragment_begin(struct fragment *f, uint64_t db, struct err *e)
{
    struct ev ev = {.kind = EV_DB, .u.db = {.n = db, .keys = EV_UNKNOWN, .expires = EV_UNKNOWN}};
    struct encoder *enc;
    struct wr_buf to;
    enum rc rc;

    *f = (struct fragment){.rd.read = fragment_read, .head = BUF_INIT(4 * TRAILER_TEXT)};
    wr_buf_init(&to, &f->head);
    enc = encoder_new(&to.wr, DUMP_COMMANDS);
    rc = encoder_begin(enc, PART_WHOLE, e);
    if (rc == RC_OK)
        rc = encoder_on(enc, &ev, e);
    if (rc == RC_OK)
        rc = encoder_flush(enc, e);
    encoder_free(enc);
    f->left[0] = buf_str(&f->head);
    return rc;
}

static enum rc
look_hold(struct look *l, struct rd *in, struct err *e)
{
    size_t got;

    buf_init(&l->held, HELD_MAX);
    if (buf_reserve(&l->held, l->place.n, e) || rd_full(in, l->held.p, l->place.n, &got, e))
        return err_code(e);
    l->held.n = got;
    return RC_OK;
}

static enum rc
look_at_place(struct ctx *cx, const struct snapshot_source *from, struct look *l, struct err *e)
{
    const struct load_opts opts = {
        .filter = FILTER_ALL, .dry_run = true, .on = look_on, .on_arg = l};
    struct load_result result;
    struct load *file = NULL;
    struct fragment f;
    enum rc rc = fragment_begin(&f, l->place.db, e);

    if (rc == RC_OK && l->held.n == 0)
        rc = load_open_range(cx, from->repo, &from->file, l->place.at, l->place.n, &file, e);
    if (rc == RC_OK && l->held.n == 0 && l->place.n <= HELD_MAX)
        rc = look_hold(l, load_rd(file), e);
    if (rc == RC_OK) {
        f.left[1] = buf_str(&l->held);
        f.rest = l->held.n == 0 ? load_rd(file) : NULL;
        rc = load_run(cx, NULL, &f.rd, &opts, &result, e);
    }
    load_close(file);
    buf_release(&f.head);
    return rc;
}

enum rc
look_events(struct ctx *cx, const struct snapshot_source *from, ev_fn *on, void *arg,
            struct load_result *load, bool *is_rdb, struct err *e)
{
    const struct load_opts opts = {.filter = FILTER_ALL, .dry_run = true, .on = on, .on_arg = arg};
    struct dump_reader *feed = NULL;
    struct load_result result;
    struct load *file;
    enum rc rc;

    if (load_open(cx, from->repo, &from->file, SNAPSHOT_WORKERS, &file, e))
        return err_code(e);
    rc = dump_reader_open(cx, load_rd(file), NULL, &feed, e);
    if (rc == RC_OK) {
        if (is_rdb != NULL)
            *is_rdb = dump_reader_is_rdb(feed);
        rc = load_run(cx, NULL, dump_reader_rd(feed), &opts, load != NULL ? load : &result, e);
    }
    dump_reader_close(feed);
    load_close(file);
    return rc;
}

static enum rc
look_pass(struct ctx *cx, const struct snapshot_source *from, struct look *l, struct err *e)
{
    struct err why = ERR_INIT;
    enum rc rc;

    l->once = from->manifest.n != 0;
    l->at = (struct look_key){.db = 0};
    l->values = unpack_new(look_value_on, l);
    rc = l->place.n != 0 ? look_at_place(cx, from, l, &why)
                         : look_events(cx, from, look_on, l, NULL, NULL, &why);
    unpack_free(l->values);
    if (rc == RC_OK || l->done)
        return RC_OK;
    *e = why;
    return rc;
}

enum rc
look_keys(struct ctx *cx, const struct snapshot_source *from, const struct filter *filter,
          look_key_fn *fn, void *arg, struct err *e)
{
    struct look l = {.filter = filter, .fn = fn, .arg = arg};

    return look_pass(cx, from, &l, e);
}

/* Where the index leads; a key of the same hash may be there instead, and what ends there has no end. */
static enum rc
look_by_index(struct ctx *cx, const struct snapshot_source *from, struct look *l, bool *known,
              struct err *e)
{
    struct key_places places;
    struct err why = ERR_INIT;
    enum rc rc;

    if (key_file_look(cx, from, l->wanted->db, l->wanted->name, &places, e))
        return err_code(e);
    *known = places.known && places.n == 0;
    for (size_t i = 0; i < places.n && !l->found; i++) {
        l->place = places.v[i];
        buf_release(&l->held);
        why = (struct err)ERR_INIT;
        rc = look_pass(cx, from, l, &why);
        if (rc != RC_OK && rc != RC_CORRUPT) {
            *e = why;
            return rc;
        }
    }
    *known = *known || l->found;
    if (!l->found)
        l->place.n = 0;
    return RC_OK;
}

enum rc
look_find(struct ctx *cx, const struct snapshot_source *from, uint64_t db, struct str name,
          struct look_key *out, struct err *e)
{
    const struct look_key wanted = {.db = db, .name = name};
    struct look l = {.wanted = &wanted};
    enum rc rc = RC_OK;
    char shown[80];
    bool known;

    if (look_by_index(cx, from, &l, &known, e) || (!known && look_pass(cx, from, &l, e)))
        rc = err_code(e);
    else if (!l.found)
        rc = err_set(e, RC_NOT_FOUND, "there is no key \"%s\" in database %llu of the snapshot",
                     str_show(name, shown, sizeof(shown)), (unsigned long long)db);
    if (rc != RC_OK) {
        buf_release(&l.held);
        return rc;
    }
    *out = l.at;
    out->db = db;
    out->name = name;
    out->place = l.place;
    out->held = l.held;
    return RC_OK;
}

void
look_key_release(struct look_key *k)
{
    buf_release(&k->held);
}

enum rc
look_value(struct ctx *cx, const struct snapshot_source *from, const struct look_key *k, ev_fn *on,
           void *arg, struct err *e)
{
    struct look l = {.wanted = k, .on = on, .arg = arg, .place = k->place, .held = k->held};
    struct ev end = {.kind = EV_KEY_END};

    if (look_pass(cx, from, &l, e))
        return err_code(e);
    end.u.key = (struct ev_key){
        .name = k->name, .type = k->type, .expires_at = k->expires_at, .idle_s = -1, .freq = -1};
    return on(arg, &end, e);
}
