/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_ENCODE_H
#define DUMP_ENCODE_H

/*
 * dump/encode -- events in, the commands of a dump out.
 *
 * Shape    encoder_begin writes the header, encoder_on takes events, encoder_end writes the
 *          trailer. Values become plain commands that rebuild them exactly; an EV_PAYLOAD becomes a
 *          RESTORE.
 * Idempotent  a key is deleted before it is built, unless one command replaces it whole (SET,
 *          RESTORE). Commands SELECT, SET, APPEND, RPUSH, SADD, ZADD, HMSET, HPEXPIREAT, XADD,
 *          XSETID, XGROUP, XREADGROUP, XCLAIM, PEXPIREAT, DEL, RESTORE, FUNCTION LOAD, SCRIPT LOAD,
 *          ECHO.
 * Oldest   each is what the oldest server takes that knows the type, and says no more than the value
 *          needs: so a dump of plain types loads into Redis 2.6, and into the version that it came
 *          from by redis-cli --pipe as well. What newer ones added is said by options of theirs,
 *          which a load leaves out where they are not known (dump/adapt).
 * Batches  at most ENC_BATCH_ARGS elements or ENC_BATCH_BYTES a command; a longer element has a
 *          command of its own. A string above ENC_STRING_MAX is built by SET and APPEND.
 * Losses   what commands cannot say is left out with one warning per key, and counted.
 * Deleted  entries that are still pending are added for XCLAIM, and removed in the end (EV_DELETED).
 * Memory   less than 1 MiB, the key's name, the IDs of such entries, and names of group and consumer; an opaque value is the
 *          event's.
 * Errors   RC_LIMIT: what a load would refuse as too long (rdb/event.h) is not written.
 * Threads  one at a time.
 * Source   reference redis-dump sections 10, 11 and 16.
 * Tests    dump_test.c, tests/integration/fixtures.bats
 */
#include "base/stream.h"
#include "dump/trailer.h"
#include "rdb/event.h"

enum { ENC_BATCH_ARGS = 512, ENC_BATCH_BYTES = 64 * 1024, ENC_STRING_MAX = 256 * 1024 * 1024 };

struct encoder;

/* `out` is borrowed. */
struct encoder *encoder_new(struct wr *out, enum dump_format format);
void encoder_free(struct encoder *x);

/*
 * The RDB version of the source, 0 not known: RESTORE says no more than that source's own version takes
 * (REPLACE: Redis 3.2 writes 7; ABSTTL: 5.0 writes 9).
 */
void encoder_source(struct encoder *x, unsigned rdb_version);
/* part.n 0: the whole dump (dump/trailer). */
NODISCARD enum rc encoder_begin(struct encoder *x, struct part part, struct err *e);
/* An ev_fn; `arg` is the struct encoder. EV_KEY must carry the final expiry. */
enum rc encoder_on(void *arg, const struct ev *ev, struct err *e);
/* Pass everything on, without a trailer: for a part of a dump. */
NODISCARD enum rc encoder_flush(struct encoder *x, struct err *e);
/* Write the trailer and pass everything on; what it says is in `out` (may be NULL), for parts_end. */
NODISCARD enum rc encoder_end(struct encoder *x, struct trailer *out, struct err *e);

struct encoder_facts {
    uint64_t commands, bytes, keys;
    uint64_t opaque;  /* keys whose values only a RESTORE can carry, in the commands format */
    uint64_t lossy;   /* keys of which something was left out */
    uint64_t longest; /* bytes of the longest argument, or string made of several */
};
struct encoder_facts encoder_facts(const struct encoder *x);

#endif
