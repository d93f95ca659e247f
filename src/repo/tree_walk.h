/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_TREE_WALK_H
#define REPO_TREE_WALK_H

/* repo/tree_walk -- tree blobs by ID. */
#include "repo/blob.h"
#include "repo/format/tree.h"
#include "crypto/idset.h"

enum { TREE_DEPTH_MAX = 256, TREE_PATH_MAX = 1024 * 1024 };

/* Load the tree and give its nodes to fn. The index is loaded. */
NODISCARD enum rc tree_each(struct ctx *cx, struct blob_reader *b, const struct id *tree,
                            tree_node_fn *fn, void *arg, struct err *e);

/*
 * All nodes of a tree and of the trees below it. With `seen`, a tree that is in it is passed over
 * and every other one is added. `bad` (may be NULL) is asked about a tree that cannot be read:
 * RC_OK goes on without it.
 */
struct tree_walker {
    struct ctx *cx;
    struct blob_reader *reader;
    struct idset *seen;
    tree_node_fn *node;
    enum rc (*bad)(void *arg, const struct id *tree, struct err *e);
    void *arg;
    unsigned depth;        /* starts at 0 */
    const struct id *tree; /* that `node` is of; set by the walk */
    struct buf *path;      /* may be NULL; "/a/b/" of that tree is kept in it; starts as "/" */
};

NODISCARD enum rc tree_walk(struct tree_walker *w, const struct id *root, struct err *e);

#endif
