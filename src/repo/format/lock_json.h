/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_FORMAT_LOCK_JSON_H
#define REPO_FORMAT_LOCK_JSON_H

/* repo/format/lock_json -- who uses the repository. Source: restic doc/design.rst "Locks". */
#include "base/buf.h"
#include "base/clock.h"

enum { LOCK_NAME_MAX = 256 };

struct lock_info {
    struct instant time;
    bool exclusive;
    char hostname[LOCK_NAME_MAX], username[LOCK_NAME_MAX]; /* cut when longer */
    uint64_t pid, uid, gid;
    /* Where `pid` counts: the boot and the PID namespace. Containers may share a host's name and
     * not its processes. Ours alone; "" in those of restic, which passes it over. */
    char pid_space[LOCK_NAME_MAX];
};

NODISCARD enum rc lock_encode(const struct lock_info *l, struct buf *out, struct err *e);
NODISCARD enum rc lock_decode(struct str json, struct lock_info *out, struct err *e);

#endif
