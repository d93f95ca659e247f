/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REDIS_EXISTS_PREFETCH_H
#define REDIS_EXISTS_PREFETCH_H

/*
 * redis/exists_prefetch -- which keys exist already, asked ahead of their commands. For load.c.
 *
 * Shape    commands are held back until a batch is full, one round trip of EXISTS decides for all
 *          its keys, then they are sent or left out.
 * Why      the table `seen`: a key whose commands do not stand together (dumps of redis-dump-go),
 *          or that stands twice (SCAN), exists the second time because we made it. It remembers the
 *          last SEEN_SLOTS decisions; beyond them such a key counts as existing.
 */
#include "redis/pipeline.h"

struct exists_prefetch_cmd {
    struct pipeline_note note;
    size_t at, n; /* in `held` */
    size_t key;   /* index of its question, or AHEAD_SEND, AHEAD_DROP */
};

struct exists_prefetch_key {
    uint64_t hash;
    struct pipeline_note note; /* its first command, for messages */
    size_t at, n;              /* the question, in `asks` */
    bool exists;
};

/* Of a cluster: ask another node, to which the answer "MOVED .." or "ASK .." leads. */
typedef enum rc exists_elsewhere_fn(void *arg, struct str redirection, struct str command,
                                    struct reply *out, struct err *e);

struct exists_prefetch_db {
    uint64_t n;
    bool was_empty;
};

struct exists_prefetch {
    struct pipeline *pump;
    const struct load_opts *opts;
    struct buf held; /* raw commands */
    struct exists_prefetch_cmd *cmds;
    size_t n_cmds;
    struct buf asks;                  /* EXISTS commands */
    struct exists_prefetch_key *keys; /* what they ask for */
    size_t n_keys;
    size_t current; /* what the key of the last command has: as exists_prefetch_cmd.key */
    bool again;     /* the key of the last command is in `seen` */
    uint64_t *seen; /* hash with the lowest bit replaced by: 1 send, 0 drop */
    uint64_t seed;
    struct exists_prefetch_db *dbs;
    size_t n_dbs;
    int64_t db; /* of the last command; -1 at first */
    bool db_was_empty;
    exists_elsewhere_fn *elsewhere; /* NULL: it is not a cluster */
    void *elsewhere_arg;
};

void exists_prefetch_init(struct exists_prefetch *a, struct pipeline *p,
                          const struct load_opts *opts);
void exists_prefetch_release(struct exists_prefetch *a);

/*
 * Hold or send a command that writes a key. Of a long command this decides at once: `*send` says
 * whether its pieces go to pipeline_more.
 */
NODISCARD enum rc exists_prefetch_add(struct exists_prefetch *a, const struct cmd *c,
                                      const struct command_class *k, struct pipeline_note *note,
                                      bool *send, struct err *e);
/* The rest of the key's commands go to the node of `a`, since its slot moved there: what was decided of it holds. */
NODISCARD enum rc exists_prefetch_take_over(struct exists_prefetch *a, struct exists_prefetch *from,
                                            struct err *e);
/* Is the key of the last command one that is kept? After exists_prefetch_settle. */
bool exists_prefetch_drops(const struct exists_prefetch *a);
/* Decide and send what is held. */
NODISCARD enum rc exists_prefetch_settle(struct exists_prefetch *a, struct err *e);

#endif
