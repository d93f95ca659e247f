/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_AHEAD_H
#define REDIS_AHEAD_H

/*
 * redis/ahead -- which keys exist already, asked ahead of their commands. For load.c.
 *
 * Shape    commands are held back until a batch is full, one round trip of EXISTS decides for all
 *          its keys, then they are sent or left out.
 * Why      the table `seen`: a key whose commands do not stand together (dumps of redis-dump-go),
 *          or that stands twice (SCAN), exists the second time because we made it. It remembers the
 *          last SEEN_SLOTS decisions; beyond them such a key counts as existing.
 */
#include "redis/pump.h"

struct ahead_cmd {
    struct pump_note note;
    size_t at, n; /* in `held` */
    size_t key;   /* index of its question, or AHEAD_SEND, AHEAD_DROP */
};

struct ahead_key {
    uint64_t hash;
    struct pump_note note; /* its first command, for messages */
    bool exists;
};

struct ahead_db {
    uint64_t n;
    bool was_empty;
};

struct ahead {
    struct pump *pump;
    const struct load_opts *opts;
    struct buf held; /* raw commands */
    struct ahead_cmd *cmds;
    size_t n_cmds;
    struct buf asks;        /* EXISTS commands */
    struct ahead_key *keys; /* what they ask for */
    size_t n_keys;
    size_t current; /* what the key of the last command has: as ahead_cmd.key */
    bool again;     /* the key of the last command is in `seen` */
    uint64_t *seen; /* hash with the lowest bit replaced by: 1 send, 0 drop */
    uint64_t seed;
    struct ahead_db *dbs;
    size_t n_dbs;
    int64_t db; /* of the last command; -1 at first */
    bool db_was_empty;
};

void ahead_init(struct ahead *a, struct pump *p, const struct load_opts *opts);
void ahead_release(struct ahead *a);

/*
 * Hold or send a command that writes a key. Of a long command this decides at once: `*send` says
 * whether its pieces go to pump_more.
 */
NODISCARD enum rc ahead_add(struct ahead *a, const struct cmd *c, const struct cmd_class *k,
                            struct pump_note *note, bool *send, struct err *e);
/* Is the key of the last command one that is kept? After ahead_settle. */
bool ahead_drops(const struct ahead *a);
/* Decide and send what is held. */
NODISCARD enum rc ahead_settle(struct ahead *a, struct err *e);

#endif
