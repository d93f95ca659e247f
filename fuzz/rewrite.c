/* SPDX-License-Identifier: Apache-2.0 */
/* A dump of anybody's making, renamed and masked: what comes out must be a dump that can be read. */
#include "base/compiler.h"
#include "dump/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The first byte chooses what is asked for. */
static void
choose(uint8_t how, struct change *c, struct filter *f)
{
    struct err e = ERR_INIT;

    *c = (struct change){.ttl = (enum change_ttl)(how % 3), .shift_ms = 1000};
    *f = (struct filter)FILTER_ALL;
    if ((how & 4) != 0)
        BUG_ON(change_add_rename(&c->rename, "a=bb", &e) != RC_OK);
    if ((how & 8) != 0)
        BUG_ON(change_add_db(&c->dbs, "0=1", &e) != RC_OK);
    if ((how & 16) != 0)
        BUG_ON(change_add_mask(&c->masks, "*->f*=hash", &e) != RC_OK);
    if ((how & 32) != 0)
        BUG_ON(change_add_mask(&c->masks, (how & 64) != 0 ? "*=fixed" : "*=hash", &e) != RC_OK);
    if ((how & 128) != 0)
        f->types = 1U << KV_STRING | 1U << KV_HASH;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t out[64 * 1024];
    struct change change;
    struct filter filter;
    struct rewrite *r;
    struct rd_mem in;
    struct err e = ERR_INIT;
    size_t got = 1;

    if (n == 0)
        return 0;
    choose(p[0], &change, &filter);
    rd_mem_init(&in, str_of(p + 1, n - 1), 0);
    r = rewrite_new(&in.rd, &(struct rewrite_opts){.change = &change, .filter = &filter});
    while (got != 0 && rd_read(rewrite_rd(r), out, sizeof(out), &got, &e) == RC_OK)
        continue;
    rewrite_free(r);
    return 0;
}
