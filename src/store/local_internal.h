/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LOCAL_INTERNAL_H
#define STORE_LOCAL_INTERNAL_H

/* store/local_internal -- what local.c (reading, lists, removals), local_put.c (paths, writing) and
 * local_reserve.c (room kept for when the disk is full, what the dead left) share. */
#include <stdatomic.h>

#include "store/local.h"

enum { PATH_TEXT = 4096 };

#define LOCAL_TMP_PREFIX "cstash-tmp-"

struct local {
    struct store store;
    bool relaxed;     /* nothing is synced */
    atomic_int group; /* do the files belong to the group too? -1: not known yet */
};

struct local_put {
    struct store_put put;
    int fd;
    char *path;    /* of the temporary file */
    bool is_named; /* it stands there */
};

static inline struct local *
local_of(struct store *s)
{
    return CONTAINER_OF(s, struct local, store);
}

/* The folder of a type, below the place; packs are one level deeper. */
const char *local_folder(enum store_type type);
/* Of an object. Returns `to`. */
const char *local_path(struct store *s, const struct store_name *name, char to[static PATH_TEXT]);
bool local_is_group_shared(struct local *l);
/* Make what was done to a folder's names durable. */
NODISCARD enum rc local_sync_folder(const struct local *l, const char *path, struct err *e);
/* RC_OK also when it is there. */
NODISCARD enum rc local_make_folder(struct local *l, const char *path, struct err *e);
/* The folder of a type, and a new name in it for a file that is not whole yet. RC_INVALID: the
 * place's path is too long. */
enum { FOLDER_TEXT = PATH_TEXT / 2 };
NODISCARD enum rc local_temporary(struct store *s, enum store_type type,
                                  char folder[static FOLDER_TEXT], char path[static PATH_TEXT],
                                  struct err *e);

/*
 * A file without a name until it is whole: whoever is killed leaves nothing. Where there is no such
 * thing (NFS, no /proc), one with a temporary name. -1: errno says why not.
 */
int local_open_temporary(const char *folder, const char *path, bool *is_named);

/* As in store_ops. */
NODISCARD enum rc local_put_begin(struct ctx *cx, struct store *s, enum store_type type,
                                  struct store_put **out, struct err *e);
NODISCARD enum rc local_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from,
                                  size_t n, struct err *e);
NODISCARD enum rc local_put_commit(struct ctx *cx, struct store_put *put, const struct id *id,
                                   struct err *e);
void local_put_abort(struct store_put *put);

NODISCARD enum rc local_walk(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg,
                             int64_t *now, struct err *e);

extern const struct store_reserve_ops local_reserve_ops;
NODISCARD enum rc local_sweep(struct ctx *cx, struct store *s, uint64_t *files, uint64_t *bytes,
                              struct err *e);

#endif
