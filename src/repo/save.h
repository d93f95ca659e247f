/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_SAVE_H
#define REPO_SAVE_H

/*
 * repo/save -- streams in, a snapshot out.
 *
 * Shape    save_open; for each file save_file, write, save_file_end; then save_commit or
 *          save_abort.
 * Stages   the caller's thread cuts chunks; workers hash, look up, compress, seal and append to
 *          packs; committers make packs durable. All bounded: chunks in flight take at most
 *          SAVE_MEMORY bytes, and one chunk always fits.
 * Order    packs, then their index files, then the snapshot, each durable before the next begins.
 * Errors   the first failure anywhere stops every stage and is what the next call returns; no
 *          snapshot and no temporary file stay. The caller still ends with save_abort (or
 *          save_commit).
 * Locks    the caller holds the repository's lock from before save_open until after save_commit.
 */
#include "base/clock.h"
#include "base/stream.h"
#include "repo/repo.h"

enum { SAVE_MEMORY = 28 * 1024 * 1024, SAVE_MEMORY_FAR = 6 * 1024 * 1024 };

enum save_compression { SAVE_AUTO, SAVE_OFF, SAVE_MAX };

struct save_opts {
    enum save_compression compression; /* repositories of version 1 never compress */
    unsigned workers;                  /* 0: as many as processors, at most 4 */
    unsigned uploads;                  /* packs made durable at once; 0: 2 */
    unsigned pack_mib;                 /* size at which a pack is closed; 0: 16 */
};

struct save;

/* `opts` may be NULL. `cx` is kept until the end. */
NODISCARD enum rc save_open(struct ctx *cx, struct repo *r, const struct save_opts *opts,
                            struct save **out, struct err *e);

/* Begin the next file; what is written to the result becomes its content. Valid until
 * save_file_end. */
struct wr *save_file(struct save *s);
/* "a/b/c": could that be the name of a file in a snapshot? No empty, "." or ".." parts. */
bool save_name_is_good(const char *name);
/*
 * End it. `name` is its place in the snapshot: "dumpfile.resp" or "dir/name". RC_INVALID: an
 * impossible or a doubled name.
 */
NODISCARD enum rc save_file_end(struct save *s, const char *name, struct err *e);

/*
 * A file of several streams that stand in it one behind the other: save_lanes, for each save_lane, writes
 * and save_lane_end, and then save_lanes_end. SAVE_LANES_MAX of them may be written at once, each from a
 * thread of its own; no other file is begun meanwhile. A lane's chunks are cut at a size at the latest, of
 * which each lane has two at any time: none waits for another to go on. A single lane is cut as a file is.
 */
enum { SAVE_LANES_MAX = 16 };
void save_lanes(struct save *s, unsigned n);
/* Begin the lane; once more: what was written to it before is dropped. */
struct wr *save_lane(struct save *s, unsigned i);
NODISCARD enum rc save_lane_end(struct save *s, unsigned i, struct err *e);
/* Of how many blobs, and bytes, the file's part from the lane consists, once that is ended. */
size_t save_lane_blobs(struct save *s, unsigned i);
uint64_t save_lane_bytes(struct save *s, unsigned i);
NODISCARD enum rc save_lanes_end(struct save *s, const char *name, struct err *e);

/*
 * One more file, written while others are, by one thread at a time: each save_side_blob makes a blob of its own, of at
 * most 8 MiB (a longer one becomes several).
 */
void save_side(struct save *s);
NODISCARD enum rc save_side_blob(struct save *s, struct str bytes, struct err *e);
NODISCARD enum rc save_side_end(struct save *s, const char *name, struct err *e);

struct save_meta {
    const char *hostname;
    const char *const *tags;
    size_t n_tags;
    const char *path;    /* the only entry of the snapshot's paths, such as "/dumpfile.resp" */
    struct instant time; /* of the snapshot and its nodes */
    const char *brief;   /* a JSON object for lists of snapshots, or NULL */
};

struct save_stats {
    uint64_t bytes_processed;
    uint64_t data_blobs, tree_blobs; /* new ones */
    uint64_t data_added;             /* bytes of new blobs before compression */
    uint64_t data_added_packed;      /* and as stored */
    uint64_t blobs_known;            /* that the repository or this save had already */
};

/* Where it is now, for progress. From any thread. */
void save_peek(struct save *s, struct save_stats *out);

/*
 * Make it all durable and write the snapshot. Frees the save in every case. `snapshot` and `stats`
 * may be NULL.
 */
NODISCARD enum rc save_commit(struct save *s, const struct save_meta *meta, struct id *snapshot,
                              struct save_stats *stats, struct err *e);
/* Stop and free; no snapshot. NULL is a no-op. */
void save_abort(struct save *s);

#endif
