/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_TREE_H
#define REPO_FORMAT_TREE_H

/*
 * repo/format/tree -- a folder of a snapshot: what is in it and which blobs it is made of.
 *
 * Shape    written as restic writes it, byte for byte, so that equal folders are one blob; read
 *          node by node from a stream, since a large file lists many thousand blobs.
 * Errors   RC_CORRUPT; RC_LIMIT above TREE_CONTENT_MAX blobs in a file.
 * Source   restic doc/design.rst "Trees and Data"; the field order is observed.
 */
#include "base/clock.h"
#include "base/stream.h"
#include "crypto/id.h"

enum { TREE_CONTENT_MAX = 1 << 24 };

enum node_type { NODE_FILE, NODE_DIR, NODE_OTHER };

enum { NODE_MODE_FILE = 0644 };
#define NODE_MODE_DIR (1U << 31 | 0755U)

struct tree_node {
    struct str name; /* raw; not empty, no '/', not "." or ".." */
    enum node_type type;
    uint32_t mode;       /* Go's bits */
    struct instant time; /* of all three */
    uint32_t uid, gid;
    uint64_t size;            /* files */
    const struct id *content; /* files: the blobs in order */
    size_t n_content;
    struct id subtree;             /* folders */
    uint64_t links, inode, device; /* of what was backed up: equal inodes are one file */
};

/* Append the blob's plaintext. `nodes` are sorted by name, bytewise, and without duplicates. */
NODISCARD enum rc tree_encode(const struct tree_node *nodes, size_t n, struct buf *out,
                              struct err *e);

/* A node, borrowed for the call; mode, time, uid and gid are not filled in, the links are. */
typedef enum rc tree_node_fn(void *arg, const struct tree_node *node, struct err *e);

NODISCARD enum rc tree_decode(struct rd *json, tree_node_fn *fn, void *arg, struct err *e);

#endif
