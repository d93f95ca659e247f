/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_RIGHTS_H
#define REDIS_RIGHTS_H

/*
 * redis/rights -- may the user of a connection do what a load, or a copy of the server, needs? Asked before anything is
 * written.
 *
 * Why      what the user may not write, or may not write to, would leave a server empty, or half of a dump in it.
 * Asks     by ACL DRYRUN (7.0 on) where the user may ask that, else by commands that write nothing whatever the server
 *          answers. A right that cannot be asked for so counts as there.
 * Errors   RC_DENIED: names what the user may not do; as conn.
 */
#include "dump/filter.h"
#include "redis/conn.h"

/* What is going to be sent. */
struct rights_for {
    const char *no_key; /* a name that no key has */
    struct str first;   /* the key that is written first; may be empty */
    uint32_t verbs;     /* bits of enum verb: the commands */
    bool empties;       /* the server, or the database of the filter, first (redis/empty) */
    bool asks;          /* which keys there are */
    bool of_cluster;    /* no database is selected */
};
NODISCARD enum rc rights_to_load(struct ctx *cx, struct conn *c, const struct filter *f,
                                 const struct rights_for *load, struct err *e);
/*
 * May all of the server be read, by replication or by SCAN? *unsure: not by SCAN, and whether by replication cannot be asked,
 * which only ACL DRYRUN tells.
 */
NODISCARD enum rc rights_to_copy(struct ctx *cx, struct conn *c, const char *no_key, bool *unsure,
                                 struct err *e);
/* ACL SETUSER; `no_user`: a name that no user has. */
NODISCARD enum rc rights_to_make_users(struct ctx *cx, struct conn *c, const char *no_user,
                                       struct err *e);

/*
 * May the user write these names? For users who may not write all of them: `some` is false where `no_key` may be written.
 * rights_names_ask puts a question for one name behind `out`; its answer is judged by rights_names_denied.
 */
struct rights_names {
    bool some;                /* only names of some patterns */
    struct buf user;          /* whom ACL DRYRUN is asked about; empty: the command itself is */
    const char *const *words; /* that are asked; NULL: there is none that would tell */
};
NODISCARD enum rc rights_names_open(struct ctx *cx, struct conn *c, const char *no_key,
                                    struct rights_names *out, struct err *e);
void rights_names_ask(const struct rights_names *n, struct str name, struct buf *out);
bool rights_names_denied(const struct reply *r);
/* A zeroed one is a no-op. */
void rights_names_close(struct rights_names *n);

#endif
