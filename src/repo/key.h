/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_KEY_H
#define REPO_KEY_H

/* repo/key -- key files in a store, below struct repo: used to make and to open one. */
#include "repo/format/key_file.h"
#include "repo/repo.h"

/* Make a key file for `master` and prove that it opens. */
NODISCARD enum rc key_store(struct ctx *cx, struct store *s, struct str password,
                            const struct seal_key *master, bool fast, struct id *id, struct err *e);
/* Try the password on the keys there are. RC_WRONG_PASSWORD; RC_CORRUPT names a key that is none.
 */
NODISCARD enum rc key_search(struct ctx *cx, struct store *s, struct str password,
                             struct seal_key *master, struct id *id, struct err *e);
/* Read a key file; its name must be its hash. */
NODISCARD enum rc key_load(struct ctx *cx, struct store *s, const struct id *id,
                           struct key_file *out, struct err *e);

#endif
