/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_TRAILER_H
#define DUMP_TRAILER_H

/*
 * dump/trailer -- the commands by which a cut or altered dump is told from a whole one.
 *
 * Shape    format 1, one part:
 *            ECHO "cstash-dump 1 commands" and
 *            ECHO "cstash-end 1 commands=N bytes=N keys=N xxh3=<32 hex digits>"
 *          N commands (header included, trailer not) in that many bytes; xxh3 is XXH3-128 over
 *          those bytes.
 *          Format 2, several parts:
 *            ECHO "cstash-dump 1 commands", ECHO "cstash-dump 1 restore"
 *            for each part  ECHO "cstash-dump 2 commands shard=1/3" and
 *                           ECHO "cstash-part 2 commands=N bytes=N keys=N xxh3=..", as in format 1
 *            ECHO "cstash-end 2 parts=N bytes=N keys=N xxh3=.."
 *          of all parts; this xxh3 is over the 16 bytes of each part's, in order.
 *          The two headers of format 1 contradict each other: a program that knows only that format
 *          refuses the second one before it has loaded anything (docs/adr/0031).
 *          ECHO is harmless to redis-cli --pipe; no argument has the 20 bytes that it looks for.
 */
#include "base/buf.h"
#include "base/stream.h"

enum dump_format { DUMP_COMMANDS, DUMP_RESTORE };

enum { TRAILER_HASH = 16, TRAILER_TEXT = 160, PARTS_MAX = 65536 };

struct trailer {
    uint64_t commands, bytes, keys; /* of the end of several parts, commands counts the parts */
    uint8_t hash[TRAILER_HASH];
};

/* Part i of n, from 1 on; n 0: the whole dump is one part, in format 1. */
struct part {
    uint32_t i, n;
};
#define PART_WHOLE ((struct part){.n = 0})

enum trailer_kind { TRAILER_DUMP, TRAILER_PART, TRAILER_END };

const char *dump_format_name(enum dump_format f);
/* The argument of the header. */
const char *header_text(enum dump_format f, struct part part, char to[static TRAILER_TEXT]);
const char *trailer_text(enum trailer_kind kind, const struct trailer *t,
                         char to[static TRAILER_TEXT]);
/* part->n is 0 of format 1. */
bool header_parse(struct str arg, enum dump_format *out, struct part *part);
bool trailer_parse(struct str arg, enum trailer_kind *kind, struct trailer *out);

/* Around several parts: what stands before the first and behind the last. `parts`: their trailers. */
NODISCARD enum rc parts_begin(struct wr *out, struct err *e);
NODISCARD enum rc parts_end(struct wr *out, const struct trailer *parts, size_t n, struct err *e);

#endif
