/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_KEY_INDEX_INTERNAL_H
#define DUMP_KEY_INDEX_INTERNAL_H

/*
 * dump/key_index_internal -- what the writer and the reader of a key index agree on.
 *
 * Numbers  "varint": seven bits a byte, the lowest first, the eighth bit says that more follow; the rest little endian.
 * Page     for each key, in order of hash: varint(hash - that of the one before, 0 at first), varint(block of the run).
 * Blocks   for each block of the run, from 0 on: varint lane, its attempt, where it begins in the lane, bytes, database.
 * Directory  KEY_INDEX_MAGIC, 8 bytes of seed, varint bytes of the dump, lanes, runs; for each lane: varint attempt that
 *          holds, where the lane begins in the dump; for each run: for each page varint bytes and 4 bytes of
 *          its first hash, a varint 0, and varint bytes of the table of blocks.
 */
#include "dump/key_index.h"

#define KEY_INDEX_MAGIC "cstash-keys 1\n"

/* 32 bits are enough: whatever has the same is looked at. */
uint32_t key_index_hash(uint64_t seed, uint64_t db, struct str name);

enum { VARINT_MAX = 10 };

#endif
