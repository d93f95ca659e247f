/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_LOOK_H
#define JOB_LOOK_H

/*
 * job/look -- what is in a snapshot's dump, without a Redis.
 *
 * Shape    a pass over the dump: look_events gives all of it, look_keys tells every key; look_find finds one, and look_value gives its events.
 * Sizes    bytes of the data: names of fields, elements, values; what a server takes for them is more.
 * Memory   that of a decoder (dump/dump_decode), whatever the dump's size.
 * Far      of a dump with a key index beside it one key costs the index's directory, a page of each run and the block that
 *          holds the key (job/key_file), where all of it would be read.
 * Stops    at the key that is looked for, where the dump is of our making; in others a key may come again.
 * Errors   as job/restore of a dump that is not whole, as far as it was read.
 */
#include "dump/dataset_digest.h"
#include "dump/filter.h"
#include "job/key_file.h"

/* All of the dump as events. `load` and `is_rdb` may be NULL: how it was read. An error of `on` ends it. */
NODISCARD enum rc look_events(struct ctx *cx, const struct snapshot_source *from, ev_fn *on,
                              void *arg, struct load_result *load, bool *is_rdb, struct err *e);

struct look_key {
    uint64_t db;
    struct str name; /* borrowed until the callback returns; of look_find: the caller's */
    enum kv_type type;
    uint64_t items, bytes;
    int64_t expires_at;     /* unix ms, EV_NO_EXPIRY */
    struct key_place place; /* of look_find: the bytes of the dump that hold it; n 0: any may */
    struct buf
        held; /* of look_find: these bytes, so that look_value need not read them again; n 0: not kept */
};

typedef enum rc look_key_fn(void *arg, const struct look_key *k, struct err *e);

/* The keys that `filter` wants, in the order of the dump. A callback's error ends it. */
NODISCARD enum rc look_keys(struct ctx *cx, const struct snapshot_source *from,
                            const struct filter *filter, look_key_fn *fn, void *arg, struct err *e);
/* RC_NOT_FOUND: it is not in that database. The caller releases `out`, but not after an error. */
NODISCARD enum rc look_find(struct ctx *cx, const struct snapshot_source *from, uint64_t db,
                            struct str name, struct look_key *out, struct err *e);
void look_key_release(struct look_key *k);
/* Its value as events, between EV_KEY with its final expiry and EV_KEY_END; payloads are taken apart, but for opaque ones. */
NODISCARD enum rc look_value(struct ctx *cx, const struct snapshot_source *from,
                             const struct look_key *k, ev_fn *on, void *arg, struct err *e);

#endif
