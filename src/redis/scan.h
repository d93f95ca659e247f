/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_SCAN_H
#define REDIS_SCAN_H

/*
 * redis/scan -- the scan source: read a dataset through SCAN, for servers that do not serve
 * replicas.
 *
 * Shape    one call that emits rdb/event.h events: EV_FUNCTION for each library, then per database
 *          EV_DB and its keys.
 * Not      a point in time. A key that changes while we read may show an old or a new state; one
 *          that comes or goes may or may not be there. SCAN may give a key twice: each time is a
 *          whole key, and dumps delete a key before they write it, so the later one counts.
 * Reads    DUMP with its expiry, pipelined: exact for every type and whole per key. In the format
 *          commands it is decoded here. Keys above big_bytes, and all keys where DUMP is not to be
 *          had, are read element by element: SSCAN, HSCAN and ZSCAN may give an element twice then,
 *          and only what the server says in plain replies is kept.
 * Memory   batches of at most batch_bytes as MEMORY USAGE says, plus the largest key below
 *          big_bytes or the largest single element, and the names of a page of keys (about 1 MiB,
 *          or the longest).
 * Errors   RC_DENIED names the key that may not be read: there are no silent gaps. RC_CONFLICT: a
 *          key changed its type again and again. A key that vanished is no error but counted.
 */
#include "dump/filter.h"
#include "dump/dump_decode.h"
#include "rdb/event.h"
#include "redis/conn.h"

struct scan_opts {
    enum dump_format
        format; /* DUMP_RESTORE: EV_PAYLOAD for each key that fits; DUMP_COMMANDS: values */
    struct filter
        filter; /* the server is asked for names that match, and each is looked at again */
    const struct conn_info *info; /* NULL: asked for */
    uint32_t count;               /* of SCAN; 0: up to 1000, fewer of long names */
    bool plain;                   /* do not use DUMP but for modules */
    bool access;          /* ask for OBJECT FREQ or IDLETIME where the eviction policy has it */
    uint64_t big_bytes;   /* 0: 8 MiB */
    uint64_t batch_bytes; /* 0: 4 MiB */
    unsigned share;       /* of both so many take a part each; 0: one */
};

struct scan_result {
    uint64_t keys, vanished, reread;
    uint64_t foreign; /* of slots that the shard does not own: left out */
    uint64_t functions;
    uint64_t series;       /* values of RedisTimeSeries, whose rules of compaction DUMP lacks */
    bool functions_denied; /* the server has functions that the user may not list */
    bool plain;            /* DUMP was not to be had, or not wanted */
};

/*
 * The same for keys whose names the caller has: scan_some_read gives EV_KEY, value and EV_KEY_END of
 * those of them that there are in the database that is selected. The filter plays no part.
 */
struct scan_some;
NODISCARD enum rc scan_some_open(struct ctx *cx, struct conn *c, const struct scan_opts *opts,
                                 ev_fn *on, void *arg, struct scan_some **out, struct err *e);
NODISCARD enum rc scan_some_read(struct scan_some *s, const struct str *names, size_t n,
                                 struct err *e);
/* Are times of expiry exact? Before 7.0 they are what a key has left, and the time when it was asked. */
bool scan_some_exact(const struct scan_some *s);
/* NULL is a no-op. */
void scan_some_close(struct scan_some *s);

NODISCARD enum rc scan_run(struct ctx *cx, struct conn *c, const struct scan_opts *opts, ev_fn *on,
                           void *arg, struct scan_result *result, struct err *e);

#endif
