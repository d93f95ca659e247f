/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_TRAILER_H
#define DUMP_TRAILER_H

/*
 * dump/trailer -- the first and the last command of a dump, by which a cut or altered one is told
 * from a whole one.
 *
 * Shape    ECHO "cstash-dump 1 commands" and
 *          ECHO "cstash-end 1 commands=N bytes=N keys=N xxh3=<32 hex digits>"
 *          N commands (header included, trailer not) in that many bytes; xxh3 is XXH3-128 over
 *          those bytes. ECHO is harmless to redis-cli --pipe; neither argument has the 20 bytes
 *          that it looks for.
 */
#include "base/buf.h"
#include "dump/dump_decode.h"

struct trailer {
    uint64_t commands, bytes, keys;
    uint8_t hash[16];
};

enum { TRAILER_TEXT = 160 };

const char *dump_format_name(enum dump_format f);
/* The argument of the header. Static. */
const char *header_text(enum dump_format f);
const char *trailer_text(const struct trailer *t, char to[static TRAILER_TEXT]);
bool header_parse(struct str arg, enum dump_format *out);
bool trailer_parse(struct str arg, struct trailer *out);

#endif
