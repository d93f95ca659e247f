/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/pack_reader.h"

enum { TAIL_GUESS = 4 * 1024 /* most headers, and their length: one question, not two */ };

enum rc
pack_reader_init(struct pack_reader *p, struct ctx *cx, struct repo *r, struct err *e)
{
    *p = (struct pack_reader){.cx = cx, .repo = r};
    if (sealer_new(&r->key, &p->sealer, e))
        return err_code(e);
    p->zstd = zstd_dec_new();
    return RC_OK;
}

void
pack_reader_release(struct pack_reader *p)
{
    sealer_free(p->sealer);
    zstd_dec_free(p->zstd);
    mem_free(p->sealed);
    mem_free(p->plain);
    *p = (struct pack_reader){.repo = NULL};
}

static void
pack_reader_want(uint8_t **p, size_t *room, size_t n)
{
    if (*room >= n)
        return;
    mem_free(*p);
    *room = n;
    *p = mem_alloc(n);
}

/* The last `n` bytes of a pack, in place of what is in `tail`. */
static enum rc
read_tail(struct pack_reader *p, const struct id *pack, uint64_t bytes, size_t n, struct buf *tail,
          struct err *e)
{
    struct store *s = p->repo->store;
    struct store_name name = {.type = STORE_PACK, .id = *pack};

    buf_reset(tail);
    if (buf_reserve(tail, n, e) || s->ops->get(p->cx, s, &name, bytes - n, tail->p, n, e))
        return err_code(e);
    tail->n = n;
    return RC_OK;
}

enum rc
pack_read_header(struct pack_reader *p, const struct id *pack, uint64_t bytes, struct buf *tail,
                 struct pack_entry **blobs, size_t *n, struct err *e)
{
    size_t header, all, have = (size_t)MIN(bytes, (uint64_t)TAIL_GUESS);

    if (bytes < PACK_ENTRY_PLAIN + SEAL_OVERHEAD + PACK_LENGTH_BYTES)
        return err_set(e, RC_CORRUPT, "it is too small for a pack");
    if (read_tail(p, pack, bytes, have, tail, e))
        return err_code(e);
    header = le32_load(tail->p + have - PACK_LENGTH_BYTES);
    if (header < SEAL_OVERHEAD || header > PACK_HEADER_MAX || header > bytes - PACK_LENGTH_BYTES)
        return err_set(e, RC_CORRUPT, "the length of its header is impossible");
    all = header + PACK_LENGTH_BYTES;
    if (all > have && read_tail(p, pack, bytes, all, tail, e))
        return err_code(e);
    memmove(tail->p, tail->p + tail->n - all, all);
    tail->n = all;
    pack_reader_want(&p->plain, &p->plain_room, header);
    if (seal_open(p->sealer, tail->p, header, p->plain, e))
        return err_wrap(e, "its header");
    return pack_header_decode(str_of(p->plain, header - SEAL_OVERHEAD), bytes - all,
                              p->repo->config.version, blobs, n, e);
}

enum rc
pack_read_blob(struct pack_reader *p, const struct id *pack, const struct pack_entry *b,
               struct err *e)
{
    struct store *s = p->repo->store;
    struct store_name name = {.type = STORE_PACK, .id = *pack};

    if (b->sealed > PACK_BLOB_MAX || pack_entry_plain(b) > PACK_BLOB_MAX)
        return err_set(e, RC_LIMIT, "it is too large: at most %d bytes", PACK_BLOB_MAX);
    pack_reader_want(&p->sealed, &p->sealed_room, b->sealed);
    return s->ops->get(p->cx, s, &name, b->offset, p->sealed, b->sealed, e);
}

enum rc
pack_open_blob(struct pack_reader *p, const struct pack_entry *b, const uint8_t *sealed,
               uint8_t **out, struct err *e)
{
    size_t n = pack_entry_plain(b);
    uint8_t *at;
    struct id got;

    if (b->sealed > PACK_BLOB_MAX || n > PACK_BLOB_MAX)
        return err_set(e, RC_LIMIT, "it is too large: at most %d bytes", PACK_BLOB_MAX);
    pack_reader_want(&p->sealed, &p->sealed_room, b->sealed);
    at = p->sealed + SEAL_IV;
    if (seal_open(p->sealer, sealed, b->sealed, at, e))
        return err_code(e);
    if (b->plain != 0) {
        struct str packed = str_of(at, b->sealed - SEAL_OVERHEAD);
        pack_reader_want(&p->plain, &p->plain_room, n + SEAL_OVERHEAD);
        at = p->plain + SEAL_IV;
        if (zstd_decompress(p->zstd, packed, at, n, e))
            return err_code(e);
    }
    sha256_of(str_of(at, n), &got);
    if (!id_eq(&got, &b->id))
        return err_set(e, RC_CORRUPT, "its content does not have the hash that is its name");
    *out = at;
    return RC_OK;
}
