/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_REMOTE_INTERNAL_H
#define STORE_REMOTE_INTERNAL_H

/* store/remote_internal -- what remote.c (operations), remote_put.c (uploads), remote_try.c (attempts),
 * remote_list.c, remote_walk.c and remote_foreign.c share. */
#include "store/remote.h"

enum {
    REMOTE_MARK_MAX = 4 * 1024, /* where a page of a list begins, as the server says it */
    REMOTE_RETRY_MS = 15 * 60 * 1000,
    REMOTE_WANT_SIZE = 0 /* remote_request.want[0] is what tells the size, and belongs to us */
};

static inline struct remote *
remote_of(struct store *s)
{
    return CONTAINER_OF(s, struct remote, store);
}

/* store_ops.put_begin and so on */
NODISCARD enum rc remote_put_begin(struct ctx *cx, struct store *s, enum store_type type,
                                   struct store_put **out, struct err *e);
NODISCARD enum rc remote_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from,
                                   size_t n, struct err *e);
NODISCARD enum rc remote_put_commit(struct ctx *cx, struct store_put *put, const struct id *id,
                                    struct err *e);
void remote_put_abort(struct store_put *put);
void upload_pool_release(struct upload_pool *all);

/* store_ops.list */
NODISCARD enum rc remote_list(struct ctx *cx, struct store *s, enum store_type type,
                              store_list_fn *fn, void *arg, struct err *e);

/* store_ops.foreign_object */
NODISCARD enum rc remote_foreign_object(struct ctx *cx, struct store *s, char **name,
                                        struct err *e);

/*
 * Every object below the prefix, in pages, the first of which tells what time it is there (`now`; NULL: not wanted). `fn` may
 * end it by RC_CONFLICT, which is given back. RC_LIMIT: more than so many pages.
 */
NODISCARD enum rc remote_walk_pages(struct ctx *cx, struct remote *f, remote_entry_fn *fn,
                                    void *arg, unsigned pages_max, int64_t *now, struct err *e);
/* store_ops.walk */
NODISCARD enum rc remote_walk(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg,
                              int64_t *now, struct err *e);

/* What follows the last slash. */
struct str remote_last_part(struct str name);

#endif
