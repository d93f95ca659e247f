/* SPDX-License-Identifier: Apache-2.0 */
/* A RESTORE payload of anybody's making; the checksum is mended so that the value is reached. */
#include "base/compiler.h"
#include "base/endian.h"
#include "base/mem.h"
#include "dump/dataset_digest.h"
#include "rdb/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum rc
ignore(void *arg, const struct ev *ev, struct err *e)
{
    (void)arg;
    (void)ev;
    (void)e;
    return RC_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct payload_decoder *d = payload_decoder_new();
    uint8_t *copy = mem_alloc(n);
    struct err e = ERR_INIT;
    struct ev ev;

    if (n > PAYLOAD_FOOTER) {
        memcpy(copy, p, n);
        le64_store(copy + n - 8, 0);
        if (payload_split(str_of(copy, n), &ev, &e) == RC_OK)
            (void)!payload_decode(d, &ev, ignore, NULL, &e);
    }
    payload_decoder_free(d);
    mem_free(copy);
    return 0;
}
