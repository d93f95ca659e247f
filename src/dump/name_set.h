/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_NAME_SET_H
#define DUMP_NAME_SET_H

/*
 * dump/name_set -- how many different keys there are among those that are named.
 *
 * Shape    a set of hashes of database and name (64 bits: of 10 million names, one pair in 400,000 such sets is taken for one). It
 *          grows to NAME_SET_MAX of them; then it is `full`, and the rest needs further passes, each over the share of the
 *          names that name_set_share chooses.
 * Memory   at most 64 MiB, and half as much more while it grows.
 */
#include "base/str.h"

/* A key by hashes: `name` is never 0; `choose` has nothing to do with it, and tells in which share of many it is. */
struct name_hash {
    uint64_t name, choose;
};
struct name_hash name_set_hash(uint64_t db, struct str name);

enum { NAME_SET_MAX = 6 * 1024 * 1024 };

struct name_set {
    uint64_t *slots; /* 0: empty */
    size_t cap, n;
    uint32_t share, shares; /* shares 0: all names */
    bool full;
};

void name_set_init(struct name_set *s);
/* Begin anew, for those names whose share of `shares` is `share`. */
void name_set_share(struct name_set *s, uint32_t share, uint32_t shares);
void name_set_release(struct name_set *s);
/* True: it is new. False: it was there, is of another share, or the set is full. */
bool name_set_add(struct name_set *s, uint64_t db, struct str name);

#endif
