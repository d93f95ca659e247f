/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_KEYS_H
#define REPO_KEYS_H

/*
 * repo/keys -- the passwords of a repository: each key file holds the one master key, sealed with
 * another password.
 *
 * Locks    list and add: shared; remove and passwd: exclusive. Taken by the caller.
 * Errors   a key file that cannot be read is RC_CORRUPT and is named.
 */
#include "base/clock.h"
#include "repo/repo.h"

struct key_info {
    struct id id;
    struct instant created;
    char *username, *hostname;
    bool current; /* the one that opened the repository */
};

/* The caller frees with keys_free. Those whose file is damaged are warned of and counted. */
NODISCARD enum rc keys_list(struct ctx *cx, struct repo *r, struct key_info **out, size_t *n,
                            size_t *unread, struct err *e);
void keys_free(struct key_info *list, size_t n);

/* The new key is read back and opened before this returns. RC_INVALID: empty password. */
NODISCARD enum rc keys_add(struct ctx *cx, struct repo *r, struct str password,
                           const struct repo_init_opts *opts, struct id *id, struct err *e);
/* `spec` is an ID or a prefix. RC_NOT_FOUND; RC_INVALID: several match, or it is the key in use. */
NODISCARD enum rc keys_remove(struct ctx *cx, struct repo *r, const char *spec, struct err *e);
/* Add a key for `password`, then remove the current one. */
NODISCARD enum rc keys_passwd(struct ctx *cx, struct repo *r, struct str password,
                              const struct repo_init_opts *opts, struct id *id, struct err *e);

#endif
