/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

/*
 * base/secret -- passwords and keys: wiped when released, never part of a message.
 *
 * Ownership  a struct secret owns its copy. Do not copy the struct.
 */
#include "base/err.h"
#include "base/str.h"

enum { SECRET_MAX = 64 * 1024 }; /* the largest password file taken */

struct secret {
    uint8_t *p;
    size_t n;
};

/* Replace the content of `s` (zeroed at first) by a copy of `from`. */
void secret_set(struct secret *s, struct str from);
void secret_release(struct secret *s);
/* Wipe and free a C string of mem_alloc; NULL is a no-op. */
void secret_free_text(char *s);
static inline struct str
secret_str(const struct secret *s)
{
    return str_of(s->p, s->n);
}
/*
 * The content of a file without white space around it, as restic reads password files (a UTF-8 byte
 * order mark is dropped too). RC_NOT_FOUND, RC_DENIED, RC_LIMIT, RC_IO.
 */
NODISCARD enum rc secret_from_file(const char *path, struct secret *out, struct err *e);

#endif
