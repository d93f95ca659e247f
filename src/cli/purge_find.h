/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PURGE_FIND_H
#define CLI_PURGE_FIND_H

/*
 * cli/purge_find -- the restic repositories below a place, and when each was last changed.
 *
 * What     a folder with a file `config` and a key in `keys/`, in the layout of store/store.h. They may lie in one another.
 * Change   the newest time of all files that lie in the folder, however they are named, but for those of another repository:
 *          what somebody writes just now has no proper name yet.
 * Doubt    what is no file (a link: it may lead to more), or a name that no address can say, is told in `odd`.
 */
#include "store/store.h"

struct purge_repo {
    char *folder;          /* from the place; "": the place itself */
    uint64_t files, bytes; /* of the repository's own names: what a deletion removes */
    int64_t newest_ms;     /* unix ms */
    int64_t lock_ms;       /* of its newest lock; 0: it has none */
    char *odd;             /* NULL: nothing */
    bool has_config, has_key;
    int64_t stranger_ms; /* the newest with another name, right here */
};

struct purge_repos {
    struct purge_repo **v; /* by folder */
    size_t n;
    int64_t now_ms; /* by the store's clock */
};

/* Errors as store_walk. purge_repos_release in any case. */
NODISCARD enum rc purge_find(struct ctx *cx, struct store *s, struct purge_repos *out,
                             struct err *e);
void purge_repos_release(struct purge_repos *r);

#endif
