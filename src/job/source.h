/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_SOURCE_H
#define JOB_SOURCE_H

/*
 * job/source -- a Redis as a dump: which way to read it, and what is known of it afterwards.
 *
 * Why      backup, dump and digest read a server in the same way; only where the bytes go differs.
 * Ways     replication (a point in time) or scan; auto tries the first and says in one line why it
 *          fell back.
 * Check    the keys of a point in time are compared with those that the server announced
 *          (dump/convert); a difference is warned of, and in the facts.
 * Connection  the way that auto falls back to has one of its own: the first may be streaming.
 * Threads  one caller; the replication source receives on a thread of its own.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "dump/convert.h"
#include "redis/topology.h"

enum source_kind { SOURCE_AUTO, SOURCE_REPLICATION, SOURCE_SCAN, SOURCE_RDB };

struct source_opts {
    const struct redis_addr *addr;
    const struct conn_opts *conn;
    enum source_kind kind;
    enum dump_format format;
    struct filter filter;
    enum node_prefer prefer;            /* which of several nodes */
    const char *psync;                  /* the command's name where it was renamed; NULL: PSYNC */
    atomic_uint_fast64_t *bytes, *keys; /* count up; may be NULL */
};

/* What to know of a dump besides its data; empty text and EV_UNKNOWN where it is not known. */
struct source_facts {
    enum source_kind kind; /* what was used */
    bool point_in_time;
    bool announced; /* the keys were compared with what the server says */
    char server[16], version[INFO_WORD], mode[INFO_WORD], role[INFO_WORD], run_id[INFO_WORD];
    char node[INFO_WORD * 2]; /* that was read: host:port */
    uint64_t lag;             /* bytes that it was behind its master, when it was chosen */
    char replid[48];
    uint64_t offset;
    unsigned rdb_version;
    uint64_t memory; /* that the server took for all its data; 0: not told */
    bool link_down;  /* it is a replica that has lost its master, for so many seconds */
    uint64_t link_down_s;
    bool functions_denied; /* the server may have libraries; the user may not list them */
    /* It failed since the server had to copy too much for its fork: a scan would not (redis/
     * fork_guard). */
    bool fork_too_dear;
    struct instant started, ended;
    uint64_t
        unmatched; /* the filter wanted none of so many keys; 0: it wanted some, or there are none */
    uint64_t vanished;        /* scan: keys that went while it ran */
    uint64_t member_expiries; /* of KeyDB's set members: left out */
    struct encoder_facts enc;
};

/* "replication", "scan", "rdb". Static. */
const char *source_kind_name(enum source_kind k);

/*
 * Dump the server of `opts` to `out` (NULL: nowhere) and count it in `t` (NULL: not). On success
 * the dump in `out` is whole, trailer included.
 */
NODISCARD enum rc source_dump(struct ctx *cx, const struct source_opts *opts, struct wr *out,
                              struct dataset_digest *t, struct source_facts *facts, struct err *e);

/*
 * The same from an RDB; addr and conn are not used. Bytes behind the RDB are RC_CORRUPT, unless
 * they are the 40 of a diskless transfer.
 */
NODISCARD enum rc source_rdb(struct ctx *cx, struct rd *in, const struct source_opts *opts,
                             struct wr *out, struct dataset_digest *t, struct source_facts *facts,
                             struct err *e);

#endif
