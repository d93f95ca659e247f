/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/key_file -- key files, up to the key derivation. */
#include "base/mem.h"
#include "repo/format/key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct key_file *k = MEM_NEW(struct key_file);
    struct err e = ERR_INIT;

    if (key_file_decode(str_of(p, n), k, &e) == RC_OK && k->sealed_bytes > KEY_SEALED_MAX)
        BUG("too many sealed bytes");
    mem_free(k);
    return 0;
}
