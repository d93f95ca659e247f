/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_CRASH_H
#define FAULT_CRASH_H

/*
 * fault/crash -- what the files of the crash test share: the repository that everything starts from
 * (crash_world.c), the operations that change one (crash_ops.c), and how they are struck
 * (crash_test.c).
 */
#include "repo/repo_internal.h"
#include "repo/snapshots.h"
#include "store/fault.h"

enum { SNAPSHOTS = 5, ALL_SNAPSHOTS = (1 << SNAPSHOTS) - 1 };

extern struct ctx cx;
extern const struct fault_plan no_fault;

struct known {
    struct id tree, content;
    struct instant time;
};

/* Never written to after prepare made it. */
struct before {
    struct store *full, *empty;
    struct known known[SNAPSHOTS];
};
extern struct before before;

void prepare(void);
void prepare_end(void);

/* A store in memory that can be struck; with a repository in it or without. */
struct store *new_store(bool init);
void copy_store(struct store *from, struct store *to);
/* A password may be about to change: one of the two opens. */
NODISCARD enum rc open_repo(struct store *s, struct repo **out, struct err *e);
bool opens_with(struct store *s, const char *password);
/* A backup of files of which some are those of other numbers near `first`. */
NODISCARD enum rc save_files(struct repo *r, unsigned first, struct err *e);
/* Of all files of a tree, names and bytes. */
void hash_tree(struct repo *r, const struct id *tree, struct id *out);
/* Which of before.known it is, or -1. */
int known_as(const struct snapshot *s);

struct operation {
    const char *name;
    enum rc (*run)(struct store *s, struct err *e);
    bool (*is_done)(struct store *s);
    void (*set)(struct store *s); /* what it wants to find; may be NULL */
    unsigned forgets;             /* bits of the known snapshots that may be gone after it */
    bool from_nothing;
    bool damaged;     /* until it is done, check finds something */
    bool has_threads; /* several of its own store operations may be under way */
    bool needs_sight; /* what it cannot read it passes over */
    bool needs_room;  /* what it has no room for is left for another time */
};

extern const struct operation operations[];
extern const size_t n_operations;
void operations_end(void);

#endif
