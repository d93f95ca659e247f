/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/tree -- trees, whole and in small steps: both must say the same. */
#include "repo/format/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum rc
count(void *arg, const struct tree_node *node, struct err *e)
{
    (void)e;
    *(size_t *)arg += 1 + node->n_content + node->name.n;
    return RC_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    size_t seen[2] = {0, 0};
    enum rc rc[2];

    for (size_t i = 0; i < 2; i++) {
        struct err e = ERR_INIT;
        struct rd_mem m;
        rd_mem_init(&m, str_of(p, n), i * 3);
        rc[i] = tree_decode(&m.rd, count, &seen[i], &e);
    }
    if (rc[0] != rc[1] || seen[0] != seen[1])
        BUG("reading in steps gives something else");
    return 0;
}
