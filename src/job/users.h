/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JOB_USERS_H
#define JOB_USERS_H

/*
 * job/users -- the ACL users of a server, in a file of the snapshot beside the dump: USERS_NAME, commands that
 * redis-cli --pipe takes as well. Both ways only where it was asked for. Of a cluster the users are those of one node, and go
 * to all masters: nodes have their own, and replicas of the target are left alone.
 */
#include "job/restore.h"
#include "job/source.h"
#include "redis/acl.h"
#include "repo/save.h"

#define USERS_NAME "acl.resp"

/* One more file of `s`, of the server of `source`. As redis/acl. */
NODISCARD enum rc users_save(struct ctx *cx, const struct source_opts *source, struct save *s,
                             uint64_t *n, struct err *e);

/* Before anything is written: are there users in the snapshot (RC_NOT_FOUND), and may they be written? */
struct users {
    enum acl_how how;
    struct buf commands; /* the caller releases it */
};
NODISCARD enum rc users_open(struct ctx *cx, const struct snapshot_source *from, struct masters *to,
                             enum acl_how how, struct users *out, struct err *e);
void users_close(struct users *u);
/* After the data; fills what the result says of users. Nothing where nobody asked for it. */
NODISCARD enum rc users_restore(struct ctx *cx, const struct users *u, struct masters *to,
                                struct restore_result *r, struct err *e);

enum { USERS_WORDS = 100 };
/* "2 users made, 0 replaced, 1 left as it is". Returns `to`. */
const char *users_words(const struct acl_result *u, char to[static USERS_WORDS]);

#endif
