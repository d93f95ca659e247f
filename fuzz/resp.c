/* SPDX-License-Identifier: Apache-2.0 */
/* A dump of anybody's making: its commands, their meaning, counted; and said as an old server takes them. */
#include "base/compiler.h"
#include "dump/adapt.h"
#include "dump/tally.h"
#include "dump/undump.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum rc
read_all(struct cmd_reader *r, struct undump *u, struct adapt *a, struct err *e)
{
    enum adapt_verdict verdict;
    enum adapt_left why;
    struct cmd_class class;
    struct cmd_piece piece;
    struct str resp;
    struct cmd c;
    bool over;

    for (;;) {
        if (cmd_next(r, &c, &over, e))
            return e->code;
        if (over)
            return undump_end(u, e);
        if (undump_cmd(u, &c, &class, e))
            return e->code;
        if (c.whole && adapt_command(a, &c, &verdict, &resp, &why, e))
            return e->code;
        for (piece.last = c.whole; !piece.last;)
            if (cmd_more(r, &piece, e) || undump_piece(u, &piece, e))
                return e->code;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct tally *t = tally_new();
    struct undump *u = undump_new(tally_on, t);
    struct adapt_target old = {.streams = true}; /* and nothing else */
    struct adapt *a = adapt_new(&old);
    struct cmd_reader r;
    struct rd_mem in;
    struct err e = ERR_INIT;

    rd_mem_init(&in, str_of(p, n), 0);
    cmd_reader_init(&r, &in.rd);
    (void)!read_all(&r, u, a, &e);
    cmd_reader_release(&r);
    adapt_free(a);
    undump_free(u);
    tally_free(t);
    return 0;
}
