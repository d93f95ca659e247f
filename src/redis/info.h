/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_INFO_H
#define REDIS_INFO_H

/*
 * redis/info -- what a server says of itself.
 *
 * Shape    the text of INFO in, a struct out. Lines that are not known are skipped; fields that are
 *          missing keep their zero.
 * Limits   INFO_DBS_MAX databases.
 */
#include "base/buf.h"

enum { INFO_DBS_MAX = 1 << 20, INFO_WORD = 48 };

enum server_kind { SERVER_REDIS, SERVER_VALKEY, SERVER_OTHER };

struct info_db {
    uint64_t n, keys, expires;
};

struct conn_info {
    enum server_kind kind;
    char version[INFO_WORD]; /* of the product: "7.0.15", for Valkey "8.1.1" */
    uint32_t redis_version;  /* 70015: the Redis version it is compatible with; 0 unknown */
    uint32_t kind_version;   /* the same for the product itself */
    char mode[INFO_WORD];    /* standalone, sentinel, cluster */
    char run_id[INFO_WORD];
    char role[INFO_WORD]; /* master, slave */
    char replid[INFO_WORD],
        replid2[INFO_WORD]; /* the second: of the master that it followed before it was one */
    char maxmemory_policy[INFO_WORD];
    uint64_t offset;                 /* master_repl_offset */
    uint64_t used_memory, maxmemory; /* maxmemory 0: no limit, or not told */
    bool maxmemory_told;             /* servers before 3.2 do not */
    uint64_t backlog;        /* that the first replica makes it keep; 0: it does, or has none */
    uint64_t dataset_memory; /* of used_memory, what the data take; 0: not told */
    uint64_t used_memory_rss, total_system_memory; /* 0: not told */
    uint64_t cow;     /* current_cow_size: what a fork that runs had to copy so far (7.0 on) */
    uint64_t changes; /* since the last save: grows with every write, until the next save */
    uint64_t evicted_keys, expired_keys;    /* since the server started */
    bool cluster_enabled, loading, link_up; /* link_up: a replica has its master */
    uint64_t link_down_s;                   /* for how long not */
    bool link_never_up;                     /* since it became a replica */
    struct info_db *dbs;                    /* the databases that have keys, in order */
    size_t n_dbs;
};

NODISCARD enum rc info_parse(struct str text, struct conn_info *out, struct err *e);
/* One more database, behind the others. RC_LIMIT. */
NODISCARD enum rc info_add_db(struct conn_info *i, uint64_t n, uint64_t keys, struct err *e);
void conn_info_release(struct conn_info *i);

/* "Redis 7.0.15"; for messages. Returns `to`. */
const char *info_name(const struct conn_info *i, char *to, size_t n);

#endif
