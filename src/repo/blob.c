/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/blob.h"

enum rc
blob_reader_init(struct blob_reader *b, struct repo *r, struct err *e)
{
    *b = (struct blob_reader){.repo = r};
    if (sealer_new(&r->key, &b->sealer, e))
        return err_code(e);
    b->zstd = zstd_dec_new();
    return RC_OK;
}

void
blob_reader_release(struct blob_reader *b)
{
    sealer_free(b->sealer);
    zstd_dec_free(b->zstd);
    mem_free(b->sealed);
    *b = (struct blob_reader){.room = 0};
}

static enum rc
blob_unlisted(enum blob_type type, const struct id *id, struct err *e)
{
    char hex[ID_TEXT];

    (void)err_set(e, RC_CORRUPT, "no readable index file lists the %s blob %s",
                  type == BLOB_TREE ? "tree" : "data", id_hex(id, hex));
    return err_hint(e, "`cstash repair index` makes the index anew from the packs");
}

enum rc
blob_find(struct repo *r, enum blob_type type, const struct id *id, struct blob_place *out,
          struct err *e)
{
    struct blob_place place;
    size_t max = type == BLOB_TREE ? (size_t)TREE_MAX : (size_t)BLOB_MAX;
    char hex[ID_TEXT];

    if (!index_find(r->index, type, id, 0, &place))
        return blob_unlisted(type, id, e);
    if (blob_place_plain(&place) > max || place.sealed > max + max / 128 + 1024)
        return err_set(e, RC_LIMIT, "the blob %s has more than the %zu bytes allowed here",
                       id_hex(id, hex), max);
    *out = place;
    return RC_OK;
}

enum rc
blob_length(struct repo *r, enum blob_type type, const struct id *id, size_t *n, struct err *e)
{
    struct blob_place place;

    if (blob_find(r, type, id, &place, e))
        return err_code(e);
    *n = blob_place_plain(&place);
    return RC_OK;
}

enum rc
blob_unseal(struct blob_reader *b, const struct blob_place *place, uint8_t *sealed, uint8_t *out,
            struct err *e)
{
    struct str packed = str_of(sealed + SEAL_IV, place->sealed - SEAL_OVERHEAD);

    if (place->plain == 0)
        return seal_open(b->sealer, sealed, place->sealed, out, e);
    if (seal_open(b->sealer, sealed, place->sealed, sealed + SEAL_IV, e))
        return err_code(e);
    return zstd_decompress(b->zstd, packed, out, place->plain, e);
}

/* Read, open, decompress; no look at the hash. */
static enum rc
fetch_from(struct ctx *cx, struct blob_reader *b, enum blob_type type,
           const struct blob_place *place, uint8_t *out, struct err *e)
{
    struct store *s = b->repo->store;
    struct store_name pack = {.type = STORE_PACK, .id = place->pack, .metadata = type == BLOB_TREE};

    if (b->room < place->sealed) {
        mem_free(b->sealed);
        b->room = place->sealed;
        b->sealed = (uint8_t *)mem_alloc(b->room);
    }
    if (s->ops->get(cx, s, &pack, place->offset, b->sealed, place->sealed, e))
        return err_code(e);
    return blob_unseal(b, place, b->sealed, out, e);
}

static enum rc
load_once(struct ctx *cx, struct blob_reader *b, enum blob_type type,
          const struct blob_place *place, const struct id *id, uint8_t *out, struct err *e)
{
    struct id got;

    if (fetch_from(cx, b, type, place, out, e))
        return err_code(e);
    sha256_of(str_of(out, blob_place_plain(place)), &got);
    if (!id_eq(&got, id))
        return err_set(e, RC_CORRUPT, "its content does not have the hash that is its name");
    return RC_OK;
}

/* Only who opens a blob sees whether it came as it was stored. */
static enum rc
load_from(struct ctx *cx, struct blob_reader *b, enum blob_type type,
          const struct blob_place *place, const struct id *id, uint8_t *out, struct err *e)
{
    struct retry again = store_retry_damaged(b->repo->store);
    enum rc rc;

    do {
        rc = load_once(cx, b, type, place, id, out, e);
    } while (rc == RC_CORRUPT && retry_next(cx, &again, e));
    return rc == RC_OK ? RC_OK : err_code(e);
}

enum rc
blob_load(struct ctx *cx, struct blob_reader *b, enum blob_type type, const struct id *id,
          uint8_t *out, size_t n, struct err *e)
{
    struct blob_place place;
    struct err first = ERR_INIT;
    char text[STORE_NAME_TEXT], hex[ID_TEXT];

    for (size_t nth = 0; index_find(b->repo->index, type, id, nth, &place); nth++) {
        struct store_name pack = {.type = STORE_PACK, .id = place.pack};
        if (blob_place_plain(&place) != n)
            (void)err_set(e, RC_CORRUPT, "index files disagree about its length");
        else if (load_from(cx, b, type, &place, id, out, e) == RC_OK)
            return RC_OK;
        if (e->code == RC_CANCELLED || e->code == RC_TIMEOUT)
            return err_code(e);
        if (e->code == RC_NOT_FOUND)
            e->code = RC_CORRUPT; /* the index promised it */
        (void)err_wrap(e, "could not read blob %s in %s", id_hex(id, hex),
                       store_name_text(&pack, text));
        if (nth == 0)
            first = *e;
    }
    *e = first;
    if (e->code == RC_OK)
        return blob_unlisted(type, id, e);
    return err_code(e);
}
