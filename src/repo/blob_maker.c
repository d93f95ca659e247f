/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "repo/blob_maker.h"

enum {
    SAMPLE = 16 * 1024, /* a piece that tells whether more of it is worth compressing */
    SAMPLES = 3,
    SMALL_BLOB = 4 * SAMPLES * SAMPLE
};

enum rc
blob_maker_init(struct blob_maker *m, struct repo *r, enum save_compression compression,
                struct err *e)
{
    if (sealer_new(&r->key, &m->sealer, e))
        return err_code(e);
    if (r->config.version >= 2)
        m->zstd = zstd_enc_new(compression == SAVE_MAX ? ZSTD_DENSE : ZSTD_FAST);
    m->only_trees = compression == SAVE_OFF;
    return RC_OK;
}

void
blob_maker_release(struct blob_maker *m)
{
    sealer_free(m->sealer);
    zstd_enc_free(m->zstd);
    mem_free(m->out);
    *m = (struct blob_maker){.out_room = 0};
}

static void
want_room(struct blob_maker *m, size_t n)
{
    if (m->out_room >= n)
        return;
    mem_free(m->out);
    m->out_room = n;
    m->out = mem_alloc(n);
}

/* Do pieces of it from all over shrink by more than a 32nd? Costs a few hundredths of compressing
 * it. */
static bool
looks_compressible(struct blob_maker *m, const uint8_t *p, size_t n)
{
    if (n <= SMALL_BLOB)
        return true;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t at = (n - SAMPLE) / (SAMPLES - 1) * i;
        if (zstd_compress(m->zstd, str_of(p + at, SAMPLE), m->out, SAMPLE - SAMPLE / 32) != 0)
            return true;
    }
    return false;
}

/* Compress into m->out, behind room for the IV; the length, or 0: store it as it is. */
static size_t
blob_maker_pack(struct blob_maker *m, enum blob_type type, const uint8_t *p, size_t n)
{
    bool must = type == BLOB_TREE || m->always;
    size_t room = must ? zstd_bound(n) : n;

    if (m->zstd == NULL || (!must && m->only_trees))
        return 0;
    want_room(m, MAX(room, (size_t)SAMPLE) + SEAL_OVERHEAD);
    if (!must && !looks_compressible(m, p, n))
        return 0;
    return zstd_compress(m->zstd, str_of(p, n), m->out + SEAL_IV, room);
}

struct str
blob_make(struct blob_maker *m, uint8_t *p, size_t n, struct pack_entry *b)
{
    size_t packed = blob_maker_pack(m, b->type, p, n), stored = packed != 0 ? packed : n;
    uint8_t *to = packed != 0 ? m->out : p - SEAL_IV;

    b->plain = packed != 0 ? (uint32_t)n : 0;
    b->sealed = (uint32_t)(stored + SEAL_OVERHEAD);
    seal(m->sealer, to + SEAL_IV, stored, to);
    return str_of(to, b->sealed);
}
