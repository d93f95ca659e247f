/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_SOURCE_H
#define JOB_SOURCE_H

/*
 * job/source -- a Redis as a dump: which way to read it, and what is known of it afterwards.
 *
 * Why      backup, dump and digest read a server in the same way; only where the bytes go differs.
 * Ways     replication (a point in time) or scan; auto tries the first and says in one line why it
 *          fell back.
 * Cluster  a node of one stands for all shards, unless opts.node says that it is meant alone: each is a part of
 *          the dump (dump/trailer), read by a thread of its own, SOURCE_LANES at once, SOURCE_FORKS on one machine. What a node holds of slots
 *          that its shard does not own is left out. A shard whose node goes is read anew, SOURCE_TRIES times,
 *          while the others go on. In the end all owners must be those of the beginning.
 * Check    the keys of a point in time are compared with those that the server announced
 *          (dump/convert); a difference is warned of, and in the facts.
 * Connection  the way that auto falls back to has one of its own: the first may be streaming.
 * Threads  one caller; the replication source receives on a thread of its own.
 */
#include <stdatomic.h>

#include "base/clock.h"
#include "dump/convert.h"
#include "opts/opts.h"
#include "redis/cluster.h"
#include "redis/topology.h"

/* SOURCE_FORKS: of masters on one machine, at a time: each may need its memory once more. */
enum { SOURCE_LANES = 16, SOURCE_FORKS = 4, SOURCE_TRIES = 3 };

enum source_kind { SOURCE_AUTO, SOURCE_REPLICATION, SOURCE_SCAN, SOURCE_RDB };

struct source_opts {
    const struct redis_addr *addr;
    const struct conn_opts *conn;
    enum source_kind kind;
    enum dump_format format;
    struct filter filter;
    enum node_prefer prefer;            /* which of several nodes */
    const char *psync;                  /* the command's name where it was renamed; NULL: PSYNC */
    bool node;                          /* of a cluster this node alone, which is a part of it */
    struct opt_list node_map;           /* "announced=reachable" (redis/cluster) */
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
    uint64_t vanished;    /* scan: keys that went while it ran */
    uint64_t foreign;     /* keys of slots that are not the shard's own: left out */
    struct instant point; /* of the point in time, as far as the server tells it; else the start */
    uint64_t member_expiries; /* of KeyDB's set members: left out */
    struct encoder_facts enc;
    /* Of a cluster; the facts above are those of all shards then, or empty where they have nothing in common. */
    struct source_shard *shards; /* owned, as `nodes`: source_facts_release */
    size_t n_shards;
    char *nodes;           /* the IDs of its nodes (cluster_ids) */
    bool moves_unknown;    /* whether slots moved meanwhile is known by their owners alone */
    bool functions_differ; /* of the masters: those of the first shard are in the dump */
    bool
        changed; /* it failed since the cluster changed, or a shard's nodes went: anew it may succeed */
};

struct source_shard {
    uint8_t slots[SLOTS / 8];
    char id[CLUSTER_ID]; /* of the node that was read */
    uint64_t keys;
    uint64_t blobs; /* of the file, where its part is stored; 0: nobody says */
    char digest[TALLY_DIGEST_TEXT];
    uint64_t n_code; /* its libraries and scripts, and their digest */
    struct dataset_digest_sum code;
    struct source_facts facts;
};

/* What `shards` and `nodes` hold; also after an error. */
void source_facts_release(struct source_facts *f);
/* Between the first and the last point in time of the shards, in ms; 0 where they are none. */
uint64_t source_skew_ms(const struct source_facts *f);

/*
 * Where a dump goes: streams ("lanes") that stand in it one behind the other, in the order of their numbers.
 * A dump of one part is one lane.
 */
struct source_sink {
    unsigned width; /* so many of them may be written at once */
    bool again;     /* a lane may be begun again: what it held is dropped */
    void (*open)(struct source_sink *s, unsigned n_lanes);
    struct wr *(*lane)(struct source_sink *s, unsigned i); /* NULL: nowhere */
    /* Who hears where the keys of the lane that was just begun stand. NULL: nobody. */
    struct key_lane *(*index)(struct source_sink *s, unsigned i);
    enum rc (*end)(struct source_sink *s, unsigned i, struct err *e);
};

/* Everything into one stream, part after part; `out` NULL: nowhere, all at once. */
struct source_stream {
    struct source_sink sink;
    struct wr *out;
};
struct source_sink *source_stream(struct source_stream *s, struct wr *out);

/* Nothing is kept, and one lane is read at a time, once: for a digest that tells each key (dataset_digest_each). */
struct source_sink *source_told(struct source_stream *s);

/* "replication", "scan", "rdb". Static. */
const char *source_kind_name(enum source_kind k);

/*
 * Dump the server of `opts`, or its cluster, to `to` and count it in `t` (NULL: not). On success the dump is
 * whole, trailers included. opts->node_map is
 * as the option took it.
 */
NODISCARD enum rc source_dump(struct ctx *cx, const struct source_opts *opts,
                              struct source_sink *to, struct dataset_digest *t,
                              struct source_facts *facts, struct err *e);

/*
 * The same from an RDB; addr and conn are not used. Bytes behind the RDB are RC_CORRUPT, unless
 * they are the 40 of a diskless transfer.
 */
NODISCARD enum rc source_rdb(struct ctx *cx, struct rd *in, const struct source_opts *opts,
                             struct wr *out, struct dataset_digest *t, struct source_facts *facts,
                             struct err *e);

#endif
