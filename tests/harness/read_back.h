/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_READ_BACK_H
#define HARNESS_READ_BACK_H

/* For tests of dumps. */
#include "t.h"

#include "dump/dataset_digest.h"
#include "dump/dump_decode.h"

/* Read a dump back, `step` bytes a read; the raw bytes must come through as they were. */
static inline enum rc
read_back(struct str dump, size_t step, struct dataset_digest *t, struct dump_decode_facts *facts,
          struct err *e)
{
    struct dump_decode *u = dump_decode_new(t == NULL ? NULL : dataset_digest_on, t);
    struct resp_reader r;
    struct command_class class;
    struct resp_reader_piece p;
    struct rd_mem in;
    struct cmd c;
    size_t at = 0;
    bool over = false;
    enum rc rc = RC_OK;

    rd_mem_init(&in, dump, step);
    resp_reader_init(&r, &in.rd);
    while (rc == RC_OK) {
        rc = resp_reader_next(&r, &c, &over, e);
        if (rc != RC_OK || over)
            break;
        assert_memory_equal(c.raw.p, dump.p + at, c.raw.n);
        at += c.raw.n;
        rc = dump_decode_cmd(u, &c, &class, e);
        for (p.last = c.whole; rc == RC_OK && !p.last;) {
            rc = resp_reader_more(&r, &p, e);
            if (rc == RC_OK) {
                if (p.raw.n != 0)
                    assert_memory_equal(p.raw.p, dump.p + at, p.raw.n);
                at += p.raw.n;
                rc = dump_decode_piece(u, &p, e);
            }
        }
    }
    if (rc == RC_OK)
        rc = dump_decode_end(u, e);
    if (rc == RC_OK)
        assert_int_equal(at, dump.n);
    if (facts != NULL)
        *facts = dump_decode_facts(u);
    resp_reader_release(&r);
    dump_decode_free(u);
    return rc;
}

#endif
