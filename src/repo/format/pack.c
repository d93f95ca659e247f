/* SPDX-License-Identifier: Apache-2.0 */
#include "base/endian.h"
#include "base/mem.h"
#include "repo/format/pack.h"

/* The type byte: bit 0 says tree, bit 1 says compressed. */
enum { TYPE_TREE = 1, TYPE_PACKED = 2, TYPE_MAX = 3 };

uint64_t
pack_file_bytes(const struct pack_entry *blobs, size_t n)
{
    uint64_t sum = SEAL_OVERHEAD + PACK_LENGTH_BYTES;

    for (size_t i = 0; i < n; i++)
        sum += blobs[i].sealed + pack_entry_bytes(&blobs[i]);
    return sum;
}

void
pack_header_encode(const struct pack_entry *blobs, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct pack_entry *b = &blobs[i];
        uint8_t raw[PACK_ENTRY_PACKED];
        size_t at = 5;
        raw[0] = (uint8_t)((b->type == BLOB_TREE ? TYPE_TREE : 0) | (b->plain ? TYPE_PACKED : 0));
        le32_store(raw + 1, b->sealed);
        if (b->plain != 0) {
            le32_store(raw + at, b->plain);
            at += 4;
        }
        memcpy(raw + at, b->id.b, ID_BYTES);
        buf_must_add(out, raw, at + ID_BYTES);
    }
}

enum rc
pack_header_decode(struct str header, uint64_t blobs_bytes, unsigned version,
                   struct pack_entry **out, size_t *n, struct err *e)
{
    struct pack_entry *blobs;
    uint64_t offset = 0;
    size_t at = 0, count = 0;

    if (blobs_bytes > UINT32_MAX)
        return err_set(e, RC_CORRUPT, "a pack of 4 GiB or more has no offsets");
    blobs = mem_zero(header.n / PACK_ENTRY_PLAIN + 1, sizeof(*blobs));
    while (at < header.n) {
        const uint8_t *p = header.p + at;
        struct pack_entry *b = &blobs[count];
        size_t bytes = p[0] & TYPE_PACKED ? PACK_ENTRY_PACKED : PACK_ENTRY_PLAIN;
        if (p[0] > TYPE_MAX || ((p[0] & TYPE_PACKED) && version < 2)) {
            (void)err_set(e, RC_CORRUPT, "blob %zu of the header has the unknown type %u", count,
                          p[0]);
            goto fail;
        }
        if (bytes > header.n - at) {
            (void)err_set(e, RC_CORRUPT, "the header is cut short");
            goto fail;
        }
        b->type = p[0] & TYPE_TREE ? BLOB_TREE : BLOB_DATA;
        b->offset = (uint32_t)offset;
        b->sealed = le32_load(p + 1);
        b->plain = p[0] & TYPE_PACKED ? le32_load(p + 5) : 0;
        memcpy(b->id.b, p + bytes - ID_BYTES, ID_BYTES);
        offset += b->sealed;
        if (b->sealed < SEAL_OVERHEAD || offset > blobs_bytes ||
            ((p[0] & TYPE_PACKED) && b->plain == 0)) {
            (void)err_set(e, RC_CORRUPT, "blob %zu of the header has an impossible length", count);
            goto fail;
        }
        at += bytes;
        count++;
    }
    if (offset != blobs_bytes) {
        (void)err_set(e, RC_CORRUPT, "the header does not account for all bytes of the pack");
        goto fail;
    }
    *out = blobs;
    *n = count;
    return RC_OK;
fail:
    mem_free(blobs);
    return err_code(e);
}
