/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_FAR_INTERNAL_H
#define STORE_FAR_INTERNAL_H

/* store/far_internal -- what far.c (operations), far_put.c (uploads), far_try.c (attempts),
 * far_list.c and far_stranger.c share. */
#include "store/far.h"

enum {
    FAR_MARK_MAX = 4 * 1024, /* where a page of a list begins, as the server says it */
    FAR_RETRY_MS = 15 * 60 * 1000,
    FAR_WANT_SIZE = 0 /* far_ask.want[0] is what tells the size, and belongs to us */
};

extern const struct store_ops far_ops_of_store;

static inline struct far *
far_of(struct store *s)
{
    return CONTAINER_OF(s, struct far, store);
}

/* store_ops.put_begin and so on */
NODISCARD enum rc far_put_begin(struct ctx *cx, struct store *s, enum store_type type,
                                struct store_put **out, struct err *e);
NODISCARD enum rc far_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from,
                                size_t n, struct err *e);
NODISCARD enum rc far_put_commit(struct ctx *cx, struct store_put *put, const struct id *id,
                                 struct err *e);
void far_put_abort(struct store_put *put);
void far_rooms_release(struct far_rooms *all);

/* store_ops.list */
NODISCARD enum rc far_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn,
                           void *arg, struct err *e);

/* store_ops.stranger */
NODISCARD enum rc far_stranger(struct ctx *cx, struct store *s, char **name, struct err *e);

/* What follows the last slash. */
struct str far_last_part(struct str name);

#endif
