/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_READ_BACK_H
#define HARNESS_READ_BACK_H

/* For tests of dumps. */
#include "t.h"

#include "dump/tally.h"
#include "dump/undump.h"

/* Read a dump back, `step` bytes a read; the raw bytes must come through as they were. */
static inline enum rc
read_back(struct str dump, size_t step, struct tally *t, struct undump_facts *facts, struct err *e)
{
    struct undump *u = undump_new(t == NULL ? NULL : tally_on, t);
    struct cmd_reader r;
    struct cmd_class class;
    struct cmd_piece p;
    struct rd_mem in;
    struct cmd c;
    size_t at = 0;
    bool over = false;
    enum rc rc = RC_OK;

    rd_mem_init(&in, dump, step);
    cmd_reader_init(&r, &in.rd);
    while (rc == RC_OK) {
        rc = cmd_next(&r, &c, &over, e);
        if (rc != RC_OK || over)
            break;
        assert_memory_equal(c.raw.p, dump.p + at, c.raw.n);
        at += c.raw.n;
        rc = undump_cmd(u, &c, &class, e);
        for (p.last = c.whole; rc == RC_OK && !p.last;) {
            rc = cmd_more(&r, &p, e);
            if (rc == RC_OK) {
                if (p.raw.n != 0)
                    assert_memory_equal(p.raw.p, dump.p + at, p.raw.n);
                at += p.raw.n;
                rc = undump_piece(u, &p, e);
            }
        }
    }
    if (rc == RC_OK)
        rc = undump_end(u, e);
    if (rc == RC_OK)
        assert_int_equal(at, dump.n);
    if (facts != NULL)
        *facts = undump_facts(u);
    cmd_reader_release(&r);
    undump_free(u);
    return rc;
}

#endif
