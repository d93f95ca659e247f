/* SPDX-License-Identifier: Apache-2.0 */
/* A dump of anybody's making: its commands, their meaning, counted; and said as an old server takes them. */
#include "base/compiler.h"
#include "dump/adapt.h"
#include "dump/dataset_digest.h"
#include "dump/dump_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum rc
read_all(struct resp_reader *r, struct dump_decode *u, struct adapt *a, struct err *e)
{
    enum adapt_verdict verdict;
    enum adapt_left why;
    struct command_class class;
    struct resp_reader_piece piece;
    struct str resp;
    struct cmd c;
    bool over;

    for (;;) {
        if (resp_reader_next(r, &c, &over, e))
            return err_code(e);
        if (over)
            return dump_decode_end(u, e);
        if (dump_decode_cmd(u, &c, &class, e))
            return err_code(e);
        if (c.whole && adapt_command(a, &c, &verdict, &resp, &why, e))
            return err_code(e);
        for (piece.last = c.whole; !piece.last;)
            if (resp_reader_more(r, &piece, e) || dump_decode_piece(u, &piece, e))
                return err_code(e);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct dataset_digest *t = dataset_digest_new();
    struct dump_decode *u = dump_decode_new(dataset_digest_on, t);
    struct adapt_target old = {.streams = true}; /* and nothing else */
    struct adapt *a = adapt_new(&old);
    struct resp_reader r;
    struct rd_mem in;
    struct err e = ERR_INIT;

    rd_mem_init(&in, str_of(p, n), 0);
    resp_reader_init(&r, &in.rd);
    (void)!read_all(&r, u, a, &e);
    resp_reader_release(&r);
    adapt_free(a);
    dump_decode_free(u);
    dataset_digest_free(t);
    return 0;
}
