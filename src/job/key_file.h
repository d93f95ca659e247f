/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_KEY_FILE_H
#define JOB_KEY_FILE_H

/*
 * job/key_file -- where in a snapshot's dump a key may be, by the index beside it (dump/key_index).
 *
 * Reads    the index's directory, and of each of its runs one page and one table: all of them at once.
 * Memory   that of what it reads.
 */
#include "dump/key_index.h"
#include "job/restore.h"

struct key_places {
    bool known; /* else there is no index, or none that can be used: the dump must be read */
    struct key_place v[KEY_PLACES];
    size_t n;
};

/* What keeps an index from being used is told, and no error; an error is one of the store. */
NODISCARD enum rc key_file_look(struct ctx *cx, const struct snapshot_source *from, uint64_t db,
                                struct str name, struct key_places *out, struct err *e);

#endif
