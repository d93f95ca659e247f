/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_FIND_H
#define MAINTAIN_FIND_H

/*
 * maintain/find -- where in the snapshots a blob, a tree, what is in a pack, or a name is.
 *
 * Patterns as restic's: `*`, `?` and `[a-z]` within a name, `**` for any number of folders; one
 * that begins with a slash is for the whole path, another one matches anywhere. A folder that
 *          matches has all in it match too.
 * Errors   a tree that cannot be read is told to `bad` and passed over. RC_NOT_FOUND: no such pack
 *          in the index; RC_INVALID: not an ID.
 */
#include "base/str.h"
#include "repo/snapshots.h"

enum find_kind { FIND_NAME, FIND_BLOB, FIND_TREE, FIND_PACK };

struct find_hit {
    const struct snapshot *snapshot;
    const char *path;
    enum find_kind kind;   /* FIND_NAME, FIND_BLOB or FIND_TREE */
    const struct id *id;   /* of the blob or the tree */
    const struct id *tree; /* in which a blob's file is */
    const char *type;      /* of a name: "file", "dir" or "other" */
    uint64_t size;
};

struct find_query {
    enum find_kind kind;
    const char *const *words; /* patterns; or IDs or the beginnings of some */
    size_t n;
    bool ignore_case; /* in patterns */
    /* All is borrowed for the call. An error ends the search. */
    enum rc (*hit)(void *arg, const struct find_hit *hit, struct err *e);
    void (*bad)(void *arg, const struct snapshot *s, const struct err *why);
    void *arg;
};

/* In the order of the list. */
NODISCARD enum rc find_run(struct ctx *cx, struct repo *r, const struct snapshot *list, size_t n,
                           const struct find_query *q, struct err *e);

/* Does the path "/a/b" match? */
bool find_matches(const char *pattern, const char *path, bool ignore_case);

#endif
