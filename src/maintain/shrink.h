/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAINTAIN_SHRINK_H
#define MAINTAIN_SHRINK_H

/*
 * maintain/shrink -- did a target lose most of its keys, and which snapshot is the last good one?
 *
 * Why      an emptied server is backed up like any other, and a policy of three snapshots has
 *          rotated the last good one away after three nights.
 * Shape    each snapshot of a target carries what is known of its history in its brief: how many
 *          keys the largest ones of late had, though they may be removed by now, and which snapshot
 *          is pinned. shrink_next makes that of the next snapshot; retention keeps what
 *          shrink_pins finds.
 * Rules    compared is with the largest of the last SHRINK_DAYS days, or of the last SHRINK_LAST
 *          snapshots if those reach back further. Below `below` percent of its keys, the newest
 *          snapshot of at least that size is pinned: one at most. The pin ends when a snapshot
 *          reaches SHRINK_BACK percent of the pinned one, when the pinned one is removed by hand,
 *          or when somebody accepts.
 * Limits   SHRINK_POINTS sizes; of more, the one nearest to its successor is forgotten.
 * Threads  pure.
 */
#include "crypto/id.h"
#include "repo/snapshots.h"

enum {
    SHRINK_BELOW = 50,
    SHRINK_BACK = 90,
    SHRINK_DAYS = 14,
    SHRINK_LAST = 10,
    SHRINK_POINTS = 64
};

/* A snapshot that was larger than all after it. */
struct shrink_point {
    uint64_t number; /* of the target's snapshots, counted from 1 */
    int64_t time;    /* unix seconds */
    uint64_t keys;
};

struct shrink {
    struct shrink_point points[SHRINK_POINTS]; /* falling keys; the last one is the newest */
    size_t n_points;
    uint64_t peak; /* keys that the newest was compared with; 0: with none */
    bool pinned;
    struct id pin;
    uint64_t pin_keys;
};

struct shrink_opts {
    struct target target; /* whose snapshot is to be made */
    unsigned below;       /* percent; 0: never pin */
    bool accept;          /* what there is now is right: forget the history */
};

/*
 * The history of a snapshot with `keys` keys at `now`, after those of `list` (the whole repository,
 * numbered by targets_number). A target without any snapshot follows its namesakes.
 */
void shrink_next(const struct snapshot *list, size_t n, const struct shrink_opts *o,
                 struct instant now, uint64_t keys, struct shrink *out);
/* Has `t` no snapshot in the list, while another target of its name has? */
bool shrink_is_namesake(const struct snapshot *list, size_t n, const struct target *t);

/* Field "shrink" of a brief. Reading is lenient: false when it is not there or makes no sense. */
struct jw;
void shrink_write(struct jw *w, const struct shrink *s);
bool shrink_read(const char *brief, struct shrink *out);

/* Set `pinned` of the snapshots of the list (the whole repository, numbered by targets_number). */
void shrink_pins(struct snapshot *list, size_t n);

#endif
