/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VALUE_PRINT_H
#define CLI_VALUE_PRINT_H

/*
 * cli/value_print -- a key's value on stdout: as redis-cli shows it, or as JSON.
 *
 * Text     strings in quotes, with escapes; the rest as the answers to LRANGE, SMEMBERS, HGETALL, ZRANGE .. WITHSCORES and XRANGE
 *          look there. Elements come in the order of the dump, which is a server's own only for lists and streams.
 * JSON     one object. Text that is not UTF-8 becomes {"base64": ".."}. Groups of streams and expiries of fields are not shown.
 * Memory   of text: none; of JSON: the longest element.
 */
#include "job/look.h"
#include "json/write.h"

struct value_print {
    const struct look_key *key;
    bool json;
    int width;      /* columns of the largest number */
    uint64_t lines; /* numbers that were printed */
    struct buf out, held;
    struct jw w;
};

void value_print_init(struct value_print *p, const struct look_key *key, bool json);
void value_print_release(struct value_print *p);
/* An ev_fn; `arg` is the struct value_print. RC_IO, RC_LIMIT. */
enum rc value_print_on(void *arg, const struct ev *ev, struct err *e);

/* A text as JSON, whatever its bytes are. */
void value_print_json(struct jw *w, struct str s);
/* What is known of a key besides its value, as fields of an open object. */
void value_print_key(struct jw *w, const struct look_key *k);

#endif
