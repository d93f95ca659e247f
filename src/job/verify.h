/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_VERIFY_H
#define JOB_VERIFY_H

/*
 * job/verify -- read back from a server what was restored into it, and compare.
 *
 * Why      counts prove nothing of values, and nothing at all in a server that held keys before.
 * Shape    the dump is read once more; the keys that it names are read from the server, and both
 *          are digested. Whatever else the server holds plays no part.
 * Expiry   keys and fields that expire before the reading is surely over are left out on both sides,
 *          and counted.
 *          Before Redis 7.0 a server tells when a key expires to some milliseconds only.
 * Modules  the bytes of a module's value are not the same in a snapshot and from DUMP, or from two
 *          servers: only that it is there is compared.
 * Cluster  each key is read from the owner of its slot.
 * Errors   RC_CONFLICT: they differ, and clients wrote meanwhile; RC_CORRUPT: they differ;
 *          RC_DENIED: a key may not be read; as redis/load and redis/scan.
 */
#include "redis/load.h"

struct verified {
    uint64_t keys;     /* that were compared */
    uint64_t left_out; /* keys and fields that expire too soon */
    uint64_t modules;  /* keys of modules, among `keys`, whose values were not compared */
    char digest[33];   /* of these keys, with counters of streams if they were compared */
};

struct verify_opts {
    const struct load_opts *load; /* whose filter and allowed commands count here too */
    int64_t soon_ms;              /* in which the reading is surely over */
    bool counters;                /* of streams, which Redis 7 added, are compared too */
};

/* RC_TIMEOUT: the reading was not over in time. */
NODISCARD enum rc verify_target(struct ctx *cx, struct rd *dump, struct masters *from,
                                const struct verify_opts *opts, struct verified *out,
                                struct err *e);

#endif
