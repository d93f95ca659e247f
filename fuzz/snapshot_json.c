/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/snapshot_json -- snapshot files: what decodes also encodes, and decodes again. */
#include "repo/format/snapshot_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf text = BUF_INIT(1 << 26);
    struct snapshot s, again;
    struct err e = ERR_INIT;

    if (snapshot_decode(str_of(p, n), &s, &e) != RC_OK)
        return 0;
    if (snapshot_encode(&s, &text, &e) != RC_OK ||
        snapshot_decode(buf_str(&text), &again, &e) != RC_OK)
        BUG("a snapshot does not survive: %s", e.msg);
    snapshot_release(&s);
    snapshot_release(&again);
    buf_release(&text);
    return 0;
}
