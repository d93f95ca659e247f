/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_ROOM_H
#define JOB_ROOM_H

/*
 * job/room -- does a server take what a dump is known to hold? Asked before it is emptied or written.
 *
 * Memory   what the data took at their source is compared with the target's maxmemory, less what it uses besides data. Another
 *          version keeps the same data in less or in more, so less than half of it is an error,
 *          less than all of it a warning.
 *          What was read of the dump itself is a lower bound: long values take at least their bytes.
 * Errors   RC_LIMIT: the longest value, or the memory; RC_NOT_FOUND: the database. The hint says what to
 *          do.
 */
#include "dump/filter.h"
#include "redis/masters.h"

struct room_need { /* 0: not known */
    uint64_t longest, highest_db;
    uint64_t memory; /* of the data at their source */
    bool one_db;     /* the keys of exactly one database are wanted */
    uint64_t least;  /* bytes that the data take on any server */
};

/*
 * Adds up `least` from the events of a dump. Only what no server stores in fewer bytes than it has:
 * strings, fields and members that are neither short, and so perhaps numbers, nor in a list, which
 * may be compressed; of keys that do not expire, nor their fields.
 */
struct room_weight {
    uint64_t least;
    uint64_t key; /* of the one in progress */
    bool unsure;  /* it is a list, or fields of it expire */
};
enum rc room_weigh(void *weight, const struct ev *ev, struct err *e);

/* The hint says what to do. */
NODISCARD enum rc room_databases(struct ctx *cx, const struct masters *m,
                                 const struct room_need *need, struct err *e);
NODISCARD enum rc room_length(struct ctx *cx, const struct masters *m, uint64_t longest,
                              struct err *e);
/* `infos` are those of the n servers that `name` stands for; `keeps`: what is there stays, and is not written again. */
NODISCARD enum rc room_memory(const char *name, const struct conn_info *infos, size_t n,
                              const struct room_need *need, bool keeps, struct err *e);

/* ---- an estimate, for a plan ---- */

/* What the servers say of their memory, all of them together. */
struct room_use {
    bool told;              /* each said what it uses */
    bool limited;           /* each has a limit */
    uint64_t max;           /* 0: there is none */
    uint64_t used, dataset; /* dataset: of it, the data with their keys */
    uint64_t system;        /* of the smallest machine; 0: not told */
    char policy[INFO_WORD]; /* of the first that evicts */
};
struct room_use room_use(const struct conn_info *infos, size_t n);

/* What is going to be written. */
struct room_data {
    uint64_t
        memory; /* that it took at its source, without what each key takes besides; 0: not known */
    bool same;  /* by a server of the same version */
    uint64_t keys, expiring;
    uint64_t elements; /* of collections */
    uint64_t bytes;    /* of the dump */
    bool payloads;     /* it has values as the server's own, which are compressed */
    uint64_t least;    /* room_need.least */
    uint64_t slack;    /* that the servers take for the restore itself */
};
/* Between `least` and `most`, about `need`. */
struct room_estimate {
    uint64_t need, least, most;
    bool from_source;
};
struct room_estimate room_estimate(const struct room_data *d);

/* ROOM_NO_LIMIT: and it is less than the machine has. ROOM_UNKNOWN: the servers do not tell. */
enum room_grade { ROOM_NO_LIMIT, ROOM_ENOUGH, ROOM_UNKNOWN, ROOM_DOUBTFUL, ROOM_SHORT };
/* `freed`: of what is used now; `*room`: what there is of the limit then. */
enum room_grade room_judge(const struct room_estimate *x, const struct room_use *u, uint64_t freed,
                           uint64_t *room);

#endif
