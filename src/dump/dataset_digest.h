/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DUMP_DATASET_DIGEST_H
#define DUMP_DATASET_DIGEST_H

/*
 * dump/dataset_digest -- count a dataset and digest its logical content while it passes by.
 *
 * Why      two datasets with equal digests hold the same data, whatever server, encoding, format or
 *          order it came in; that is how a backup is compared with its source and a restore with
 *          its backup.
 * Digest   per database the sum (mod 2^128) over its keys of a hash of: name, type, expiry, and the
 *          value: string bytes; list elements in order; set members, sorted set members with
 *          scores, hash fields with values and expiries in any order; stream entries in order with
 *          last ID, entries added, largest deleted ID, groups (last ID, entries read), consumers,
 *          pending entries (owner, time, count). Opaque values by their bytes. Not in it: LRU and
 *          LFU, encodings, when consumers were seen, pending entries of no consumer, message
 *          deduplication. Empty collections are not keys; -0 counts as 0. The hash is XXH3-128: it
 *          finds accidents, not an adversary. Functions are digested by themselves.
 * Memory   constant, but for one record per database (at most TALLY_DBS_MAX) and 4 MiB for all
 *          expiries (dump/soon).
 * Threads  one at a time.
 * Source   docs/format/digest.md; XXH3-128 of xxHash 0.8.
 * Tests    dump_test.c; tests/integration compare it over formats, sources and servers.
 */
#include <stdio.h>

#include "dump/soon.h"
#include "rdb/event.h"

enum { TALLY_DBS_MAX = 65536, TALLY_DIGEST_TEXT = 33 };

struct dataset_digest_type {
    uint64_t keys, expiring, elements;
};

struct dataset_digest_sum {
    uint64_t lo, hi;
};

struct dataset_digest_db {
    uint64_t n;
    struct dataset_digest_type types[KV_N_TYPES];
    struct dataset_digest_sum digest;
    struct soon
        soon; /* when keys are gone, because their time was over or that of all their fields */
    uint64_t said_keys, said_expires; /* of EV_DB: what the source says, or EV_UNKNOWN */
};

struct dataset_digest;

struct dataset_digest *dataset_digest_new(void);
void dataset_digest_free(struct dataset_digest *t);

/*
 * Leave out keys and fields that expire at `cut_ms` or before, whether they are still there or not:
 * so two readings of a dataset at different times before then are of the same. Before the first
 * event.
 */
void dataset_digest_leave_out(struct dataset_digest *t, int64_t cut_ms);
/*
 * Leave out what is not told alike by two servers that hold the same: what Redis 7 counts of streams
 * beside their data, and the bytes of values of modules, not that they are there. Or, which is no part of
 * the digest, when keys are gone: no `soon` is kept. Before the first event.
 */
enum dataset_digest_part { TALLY_COUNTERS = 1, TALLY_MODULES = 2, TALLY_TERMS = 4 };
void dataset_digest_leave_out_parts(struct dataset_digest *t, unsigned parts);
/* A key that was counted, and what its value is: equal for equal values of a type, whatever their order and encoding. */
struct dataset_digest_key {
    uint64_t db;
    struct str name; /* borrowed */
    enum kv_type type;
    uint64_t value;
    int64_t expires_at; /* EV_NO_EXPIRY: it does not */
};
typedef enum rc dataset_digest_key_fn(void *arg, const struct dataset_digest_key *k, struct err *e);
/* Tell each. Before the first event. */
void dataset_digest_each(struct dataset_digest *t, dataset_digest_key_fn *fn, void *arg);
/* The same that `from` tells: then `t` counts a part of what `from` does. */
void dataset_digest_each_as(struct dataset_digest *t, const struct dataset_digest *from);
/* How many keys and fields were left out. */
uint64_t dataset_digest_left_out(const struct dataset_digest *t);

/* An ev_fn; `arg` is the struct dataset_digest. RC_LIMIT: too many databases; RC_UNSUPPORTED: the expiry of a
 * field that is to be left out comes too late behind it. */
enum rc dataset_digest_on(void *arg, const struct ev *ev, struct err *e);

/*
 * Add what another one counted, of keys that are not in `t`: digests and counts are then those of both
 * together. `keyless`: what belongs to no key as well; else nothing of it.
 */
NODISCARD enum rc dataset_digest_add(struct dataset_digest *t, const struct dataset_digest *from,
                                     bool keyless, struct err *e);

/* Databases with keys or announcements, by number. Borrowed until the next event. */
const struct dataset_digest_db *dataset_digest_dbs(const struct dataset_digest *t, size_t *n);
/* How many function libraries (and scripts), and their digest. */
uint64_t dataset_digest_functions(const struct dataset_digest *t,
                                  struct dataset_digest_sum *digest);
uint64_t dataset_digest_keys(const struct dataset_digest *t);

/* All types of a database together. */
struct dataset_digest_type dataset_digest_db_total(const struct dataset_digest_db *db);
/* 32 hex digits. Returns `to`. */
const char *dataset_digest_sum_text(struct dataset_digest_sum s, char to[static TALLY_DIGEST_TEXT]);
/* One digest of everything: databases that hold keys, with their numbers, and functions. */
struct dataset_digest_sum dataset_digest_whole(const struct dataset_digest *t);

#endif
