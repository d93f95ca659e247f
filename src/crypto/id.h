/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRYPTO_ID_H
#define CRYPTO_ID_H

/*
 * crypto/id -- a SHA-256 as a name: of a stored file (storage ID) or of a blob's plaintext (blob
 * ID).
 *
 * Source   restic doc/design.rst "Repository Format"; the two kinds must not be mixed up.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/hex.h"

enum { ID_BYTES = 32, ID_TEXT = 65 };

struct id {
    uint8_t b[ID_BYTES];
};

static inline bool
id_eq(const struct id *a, const struct id *b)
{
    return memcmp(a->b, b->b, ID_BYTES) == 0;
}

/* 64 lower-case hex digits and a NUL. Returns `to`. */
static inline const char *
id_hex(const struct id *id, char to[static ID_TEXT])
{
    hex_encode(id->b, ID_BYTES, to);
    return to;
}

/* From exactly 64 hex digits of either case. */
static inline bool
id_from_hex(struct str s, struct id *out)
{
    return hex_decode(s, out->b, ID_BYTES);
}

#endif
