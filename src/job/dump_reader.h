/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_DUMP_READER_H
#define JOB_DUMP_READER_H

/*
 * job/dump_reader -- any file that holds a Redis dataset, as a dump: RESP as it is, an RDB converted on
 * the fly, and changed if that is wanted (dump/rewrite).
 *
 * Shape    dump_reader_open looks at the first bytes; dump_reader_rd gives a dump in any case.
 * Threads  an RDB is converted by a thread of its own, through a ring; dump_reader_close ends it at any
 *          time.
 */
#include "base/ctx.h"
#include "base/stream.h"
#include "dump/rewrite.h"

struct dump_reader;

/* RC_INVALID: no dump by its first bytes (nothing at all, a compressed file, a text).
 * `in` is borrowed until dump_reader_close, and belongs to the reader's thread meanwhile. `rewrite` NULL: as it is. */
NODISCARD enum rc dump_reader_open(struct ctx *cx, struct rd *in,
                                   const struct rewrite_opts *rewrite, struct dump_reader **out,
                                   struct err *e);
/* Borrowed until dump_reader_close. */
struct rd *dump_reader_rd(struct dump_reader *f);
/* Keys that the rewriting left out so far. */
uint64_t dump_reader_filtered(const struct dump_reader *f);
bool dump_reader_is_rdb(const struct dump_reader *f);
void dump_reader_close(struct dump_reader *f);

#endif
