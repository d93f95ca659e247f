/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/pack_header -- pack headers: any bytes are refused or decoded to blobs that fill the pack
 * exactly. */
#include "base/mem.h"
#include "repo/format/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct pack_entry *blobs = NULL;
    struct err e = ERR_INIT;
    uint64_t sum = 0;
    size_t count = 0;

    for (size_t at = 0; at + PACK_ENTRY_PLAIN <= n; at += (p[at] & 2) != 0 ? 41 : 37)
        sum += (uint64_t)p[at + 1] | (uint64_t)p[at + 2] << 8 | (uint64_t)p[at + 3] << 16 |
               (uint64_t)p[at + 4] << 24;
    for (unsigned version = 1; version <= 2; version++) {
        if (pack_header_decode(str_of(p, n), sum, version, &blobs, &count, &e) != RC_OK)
            continue;
        if (count != 0 && blobs[count - 1].offset + (uint64_t)blobs[count - 1].sealed != sum)
            BUG("the blobs do not fill the pack");
        mem_free(blobs);
    }
    return 0;
}
