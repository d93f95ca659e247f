/* SPDX-License-Identifier: Apache-2.0 */
#define ZSTD_STATIC_LINKING_ONLY /* for the number of one parameter: ZSTD_c_literalCompressionMode \
                                  */
#include <stdatomic.h>
#include <zstd.h>

#include "base/mem.h"
#include "codec/zstd.h"

enum { WINDOW_LOG_MAX = 27, SPARE_BYTES = 1 << 20 };

struct zstd_enc {
    ZSTD_CCtx *z;
};

struct zstd_dec {
    ZSTD_DCtx *z;
};

static void
set_param(ZSTD_CCtx *z, ZSTD_cParameter name, int value)
{
    if (ZSTD_isError(ZSTD_CCtx_setParameter(z, name, value)))
        BUG("zstd does not take parameter %d = %d", (int)name, value);
}

struct zstd_enc *
zstd_enc_new(enum zstd_effort effort)
{
    struct zstd_enc *c = MEM_NEW(struct zstd_enc);

    c->z = ZSTD_createCCtx();
    if (c->z == NULL)
        BUG("no zstd context");
    set_param(c->z, ZSTD_c_compressionLevel, effort == ZSTD_FAST ? 1 : 11);
    set_param(c->z, ZSTD_c_windowLog, 21); /* level 11 would take 16 MiB more, for a thread */
    if (effort == ZSTD_DENSE) {
        set_param(c->z, ZSTD_c_hashLog, 19);
        set_param(c->z, ZSTD_c_chainLog, 20);
    } else {
        /*
         * Level 1's single hash table, but larger, for longer matches, over the whole chunk, and
         * stepping faster where nothing matches. On RESP text that is within 1 % of restic's
         * "auto", on either side, for half the time of level 3. A longer step alone would switch
         * off the entropy coding of what does not match, which is most of the gain on such text: so
         * that is asked for by itself, and where a library does not know it, the step stays short.
         */
        set_param(c->z, ZSTD_c_hashLog, 17);
        set_param(c->z, ZSTD_c_minMatch, 7);
        if (!ZSTD_isError(
                ZSTD_CCtx_setParameter(c->z, ZSTD_c_literalCompressionMode, ZSTD_ps_enable)))
            set_param(c->z, ZSTD_c_targetLength, 3);
    }
    set_param(c->z, ZSTD_c_checksumFlag, 0);
    return c;
}

void
zstd_enc_free(struct zstd_enc *c)
{
    if (c == NULL)
        return;
    (void)ZSTD_freeCCtx(c->z);
    mem_free(c);
}

size_t
zstd_bound(size_t n)
{
    return ZSTD_compressBound(n);
}

size_t
zstd_compress(struct zstd_enc *c, struct str in, uint8_t *out, size_t room)
{
    size_t n = ZSTD_compress2(c->z, out, room, in.p, in.n);

    /* With valid parameters and memory at hand, no room is the only way to fail. */
    return ZSTD_isError(n) ? 0 : n;
}

struct zstd_dec *
zstd_dec_new(void)
{
    struct zstd_dec *d = MEM_NEW(struct zstd_dec);

    d->z = ZSTD_createDCtx();
    if (d->z == NULL)
        BUG("no zstd context");
    return d;
}

void
zstd_dec_free(struct zstd_dec *d)
{
    if (d == NULL)
        return;
    (void)ZSTD_freeDCtx(d->z);
    mem_free(d);
}

enum rc
zstd_decompress(struct zstd_dec *d, struct str in, uint8_t *out, size_t n, struct err *e)
{
    size_t got = ZSTD_decompressDCtx(d->z, out, n, in.p, in.n);

    if (ZSTD_isError(got))
        return err_set(e, RC_CORRUPT, "could not decompress: %s", ZSTD_getErrorName(got));
    if (got != n)
        return err_set(e, RC_CORRUPT, "could not decompress with zstd: expected %zu bytes, got %zu",
                       n, got);
    return RC_OK;
}

/* A whole block, the frame's own bytes, and three for each of its blocks (zstd.h of libzstd, on
 * decompression in place; RFC 8878, section 3.1.1), should they be of 768 bytes only. */
size_t
zstd_margin(size_t n)
{
    return ZSTD_BLOCKSIZE_MAX + 32 + n / 256;
}

static enum rc
stream_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct zstd_rd *r = CONTAINER_OF(base, struct zstd_rd, rd);
    ZSTD_outBuffer out = {.dst = p, .size = n, .pos = 0};

    while (out.pos == 0) {
        ZSTD_inBuffer in = {.src = r->left.p, .size = r->left.n, .pos = 0};
        size_t rc;
        if (in.size == 0 && !r->inside)
            break;
        rc = ZSTD_decompressStream(r->stream, &out, &in);
        if (ZSTD_isError(rc))
            return err_set(e, RC_CORRUPT, "could not decompress: %s", ZSTD_getErrorName(rc));
        if (rc != 0 && in.size == 0 && out.pos == 0)
            return err_set(e, RC_CORRUPT, "could not decompress: the data is cut short");
        r->inside = rc != 0;
        r->left = str_of(r->left.p + in.pos, r->left.n - in.pos);
    }
    if (out.pos > r->room)
        return err_set(e, RC_LIMIT, "could not decompress: more comes out than is allowed here");
    r->room -= out.pos;
    *got = out.pos;
    return RC_OK;
}

/* A context is large, and small files come by the ten thousand: one or two are kept for the next.
 */
static _Atomic(ZSTD_DStream *) spare[2];

void
zstd_rd_init(struct zstd_rd *r, struct str in, size_t max)
{
    ZSTD_DStream *z = NULL;

    for (size_t i = 0; i < ARRAY_LEN(spare) && z == NULL; i++)
        z = atomic_exchange(&spare[i], NULL);
    if (z == NULL)
        z = ZSTD_createDStream();
    if (z == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
        BUG("no zstd context");
    *r = (struct zstd_rd){.rd = {.read = stream_read}, .stream = z, .left = in, .room = max};
}

void
zstd_rd_release(struct zstd_rd *r)
{
    ZSTD_DStream *z = r->stream;

    r->stream = NULL;
    (void)ZSTD_DCtx_reset(z, ZSTD_reset_session_only);
    for (size_t i = 0; i < ARRAY_LEN(spare) && z != NULL; i++)
        z = ZSTD_sizeof_DStream(z) <= SPARE_BYTES ? atomic_exchange(&spare[i], z) : z;
    (void)ZSTD_freeDStream(z);
}
