/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/idset.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/repo_internal.h"

/* The byte before zstd frames in a file of a repository of version 2. */
enum { MARK_ZSTD = 2 };

enum { FIRST_STEP = 4 * 1024 /* most files are small, and there may be ten thousand */ };

/* Give the decoded text of `plain` to fn. */
static enum rc
unpacked_decode(struct repo *r, struct str plain, size_t text_max, unpacked_fn *fn, void *arg,
                struct err *e)
{
    struct zstd_rd z;
    struct rd_mem m;
    enum rc rc;

    if (plain.n == 0 || r->config.version < 2 || plain.p[0] == '{' || plain.p[0] == '[') {
        if (plain.n > text_max)
            return err_set(e, RC_LIMIT, "%zu bytes are more than are allowed here", plain.n);
        rd_mem_init(&m, plain, 0);
        return fn(arg, &m.rd, e);
    }
    if (plain.p[0] != MARK_ZSTD)
        return err_set(e, RC_CORRUPT,
                       "unknown encoding (first byte 0x%02x): damaged, or of a newer version",
                       plain.p[0]);
    zstd_rd_init(&z, str_of(plain.p + 1, plain.n - 1), text_max);
    rc = fn(arg, &z.rd, e);
    zstd_rd_release(&z);
    return rc;
}

static enum rc
open_in_place(struct repo *r, struct buf *raw, struct err *e)
{
    enum rc rc;

    if (raw->n < SEAL_OVERHEAD)
        return err_set(e, RC_CORRUPT, "%zu bytes are too few to be sealed", raw->n);
    (void)pthread_mutex_lock(&r->work);
    rc = seal_open(r->sealer, raw->p, raw->n, raw->p + SEAL_IV, e);
    (void)pthread_mutex_unlock(&r->work);
    return rc;
}

enum rc
unpacked_read(struct ctx *cx, struct repo *r, const struct store_name *name,
              struct unpacked_max max, unpacked_fn *fn, void *arg, struct err *e)
{
    CLEANUP(buf_release) struct buf raw = BUF_INIT(max.stored);
    char text[STORE_NAME_TEXT];

    if (store_get_all(cx, r->store, name, &raw, e))
        return err_code(e);
    if (open_in_place(r, &raw, e) ||
        unpacked_decode(r, str_of(raw.p + SEAL_IV, raw.n - SEAL_OVERHEAD), max.text, fn, arg, e))
        return err_wrap(e, "could not read %s", store_name_text(name, text));
    return RC_OK;
}

static enum rc
append_all(void *arg, struct rd *rd, struct err *e)
{
    struct buf *out = arg;
    size_t got = 1;

    while (got != 0) {
        size_t step = MAX(out->n, (size_t)FIRST_STEP);

        if (buf_reserve(out, MIN(step, MAX(out->max - out->n, (size_t)1)), e) ||
            rd_read(rd, out->p + out->n, out->cap - out->n, &got, e))
            return err_code(e);
        out->n += got;
    }
    return RC_OK;
}

enum rc
unpacked_load(struct ctx *cx, struct repo *r, const struct store_name *name, struct buf *out,
              struct err *e)
{
    return unpacked_read(cx, r, name, (struct unpacked_max){out->max, out->max}, append_all, out,
                         e);
}

static enum rc
unpacked_store(struct ctx *cx, struct repo *r, const struct store_name *name, struct str bytes,
               struct err *e)
{
    struct err full = ERR_INIT;
    enum rc rc = store_put_all(cx, r->store, name, bytes, &full);

    if (rc == RC_FULL && (name->type == STORE_LOCK || r->makes_room)) {
        struct err none = ERR_INIT; /* the first one says enough */

        atomic_store(&r->reserve_is_due, true);
        rc = store_reserve_put(cx, r->store, name, bytes, &none);
        if (rc != RC_OK && rc != RC_FULL)
            full = none;
    }
    if (rc != RC_OK)
        *e = full;
    return rc;
}

uint64_t
repo_keep_reserve(struct ctx *cx, struct repo *r)
{
    uint64_t left;

    if (store_reserve_keep(cx, r->store, &left))
        atomic_store(&r->reserve_is_due, false);
    return left;
}

enum rc
unpacked_save(struct ctx *cx, struct repo *r, enum store_type type, struct str text, struct id *id,
              uint64_t *bytes, struct err *e)
{
    size_t room = SEAL_OVERHEAD + 1 + MAX(zstd_bound(text.n), text.n), n = text.n;
    CLEANUP(mem_free_ptr) uint8_t *out = mem_alloc(room);
    struct store_name name = {.type = type};
    char shown[STORE_NAME_TEXT];

    (void)pthread_mutex_lock(&r->work);
    if (r->config.version < 2) {
        memcpy(out + SEAL_IV, text.p, text.n);
    } else {
        out[SEAL_IV] = MARK_ZSTD;
        n = 1 + zstd_compress(r->zstd, text, out + SEAL_IV + 1, zstd_bound(text.n));
    }
    seal(r->sealer, out + SEAL_IV, n, out);
    (void)pthread_mutex_unlock(&r->work);
    n += SEAL_OVERHEAD;
    sha256_of(str_of(out, n), &name.id);
    *id = name.id;
    if (bytes != NULL)
        *bytes = n;
    if (unpacked_store(cx, r, &name, str_of(out, n), e))
        return err_wrap(e, "could not store %s", store_name_text(&name, shown));
    return RC_OK;
}

void
id_list_add(struct id_list *l, const struct id *id, uint64_t bytes)
{
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 32;
        l->ids = mem_grow(l->ids, l->cap, sizeof(*l->ids));
        l->bytes = mem_grow(l->bytes, l->cap, sizeof(*l->bytes));
    }
    l->ids[l->n] = *id;
    l->bytes[l->n++] = bytes;
}

/* A store that names a file twice must not make it look like two: one of them would be kept and the other removed. */
struct once {
    struct id_list list;
    struct idset seen;
};

static enum rc
add_to_list(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct once *o = (struct once *)arg;

    (void)e;
    if (idset_add(&o->seen, id))
        id_list_add(&o->list, id, bytes);
    return RC_OK;
}

enum rc
id_list_load(struct ctx *cx, struct repo *r, enum store_type type, struct id_list *out,
             struct err *e)
{
    struct once o = {.list = {.n = 0}};
    enum rc rc = r->store->ops->list(cx, r->store, type, add_to_list, &o, e);

    idset_release(&o.seen);
    if (rc != RC_OK)
        id_list_release(&o.list);
    else
        *out = o.list;
    return rc;
}

void
id_list_release(struct id_list *l)
{
    mem_free(l->ids);
    mem_free(l->bytes);
    *l = (struct id_list){.n = 0};
}
