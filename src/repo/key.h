/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_KEY_H
#define REPO_KEY_H

/* repo/key -- key files in a store, below struct repo: used to make and to open one. */
#include "repo/format/key_file.h"
#include "repo/repo.h"

/* Make a key file for `master` and prove that it opens. Of `opts` (NULL: nothing said) what is about keys counts. */
NODISCARD enum rc key_store(struct ctx *cx, struct store *s, struct str password,
                            const struct seal_key *master, const struct repo_init_opts *opts,
                            struct id *id, struct err *e);
/*
 * Try the password on the first 20 keys among 10,000 names, up to KEYS_WORK_MAX of scrypt. `config`
 * is the sealed config, which the master key must open: two `init` at once may leave a key that
 * does not. Empty: any will do. RC_NOT_FOUND: there are no keys. RC_WRONG_PASSWORD: none opens;
 * what is not a key was warned of. Other errors are of the first key that could not be fetched, or of the first where none
 * of them is one, if no other opens.
 */
#define KEYS_WORK_MAX (4 * SCRYPT_MAX_WORK)
NODISCARD enum rc key_search(struct ctx *cx, struct store *s, struct str password,
                             struct str config, struct seal_key *master, struct id *id,
                             struct err *e);
/* Read a key file; its name must be its hash. */
NODISCARD enum rc key_load(struct ctx *cx, struct store *s, const struct id *id,
                           struct key_file *out, struct err *e);

#endif
