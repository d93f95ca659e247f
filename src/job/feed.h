/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_FEED_H
#define JOB_FEED_H

/*
 * job/feed -- any file that holds a Redis dataset, as a dump: RESP as it is, an RDB converted on
 * the fly.
 *
 * Shape    feed_open looks at the first bytes; feed_rd gives a dump in either case.
 * Threads  an RDB is converted by a thread of its own, through a ring; feed_close ends it at any
 *          time.
 */
#include "base/ctx.h"
#include "base/stream.h"
#include "dump/undump.h"

struct feed;

/* RC_INVALID: a compressed file, or another that is known. `in` is borrowed until feed_close, and belongs to the feed's thread meanwhile. */
NODISCARD enum rc feed_open(struct ctx *cx, struct rd *in, struct feed **out, struct err *e);
/* Borrowed until feed_close. */
struct rd *feed_rd(struct feed *f);
bool feed_is_rdb(const struct feed *f);
void feed_close(struct feed *f);

#endif
