/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_WRITE_H
#define JSON_WRITE_H

/*
 * json/write -- compact JSON, written front to back into a buffer.
 *
 * Why      fields keep the order they are written in, and the bytes are those of Go's
 *          encoding/json: tree blobs are named by their hash, so equal trees must be equal bytes.
 * Shape    jw_open_object, { jw_key, a value }, jw_close_object. Commas take care of themselves.
 * Errors   kept in `failed` (the buffer's ceiling); ask jw_end once.
 * Source   RFC 8259; Go encoding/json string escapes (<, >, & and U+2028/9 escaped, bad UTF-8
 *          becomes U+FFFD).
 */
#include <stdbool.h>

#include "base/buf.h"

struct jw {
    struct buf *to; /* borrowed */
    bool comma;     /* a value came before on this level */
    bool failed;
    struct err err;
};

void jw_init(struct jw *w, struct buf *to);

void jw_open_object(struct jw *w);
void jw_close_object(struct jw *w);
void jw_open_array(struct jw *w);
void jw_close_array(struct jw *w);
void jw_key(struct jw *w, const char *key);
void jw_str(struct jw *w, struct str s);
void jw_cstr(struct jw *w, const char *s);
void jw_u64(struct jw *w, uint64_t v);
void jw_i64(struct jw *w, int64_t v);
void jw_double(struct jw *w, double v);
void jw_bool(struct jw *w, bool v);
void jw_null(struct jw *w);
/* A value that is JSON already. */
void jw_raw(struct jw *w, struct str json);

/* A field of an open object: key and value. */
static inline void
jw_field_u64(struct jw *w, const char *key, uint64_t v)
{
    jw_key(w, key);
    jw_u64(w, v);
}
static inline void
jw_field_cstr(struct jw *w, const char *key, const char *v)
{
    jw_key(w, key);
    jw_cstr(w, v);
}
static inline void
jw_field_bool(struct jw *w, const char *key, bool v)
{
    jw_key(w, key);
    jw_bool(w, v);
}

/* Did all of it fit? */
NODISCARD enum rc jw_end(struct jw *w, struct err *e);

#endif
