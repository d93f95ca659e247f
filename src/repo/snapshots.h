/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_SNAPSHOTS_H
#define REPO_SNAPSHOTS_H

/*
 * repo/snapshots -- what was backed up when: list and find.
 *
 * Ownership  a struct snapshot owns its strings: snapshot_release, snapshots_free.
 * Order    call these before repo_load_index when reading without a lock, else a new snapshot may
 *          refer to packs that the index does not know.
 * Errors   RC_CORRUPT names the file.
 * Source   restic doc/design.rst "Snapshots"; field names observed up to 0.19.
 */
#include "base/clock.h"
#include "base/ctx.h"
#include "crypto/id.h"
#include "repo/target.h"

struct repo;
struct verdict;

/*
 * The tag of a snapshot that lost something when it was repaired, restic's too. The brief of one that we repaired
 * says so as well, without the counts that are no longer true: it stays partial without the tag.
 */
#define REPAIRED_TAG "repaired"
#define REPAIRED_PART "what repair left"

/*
 * The tag of the copy that a restore takes of its target before it writes there (docs/adr/0036); with UNFINISHED_TAG until
 * that restore has ended well.
 */
#define SAFETY_TAG "before-restore"
#define UNFINISHED_TAG "restore-unfinished"

struct snapshot_summary {
    struct instant backup_start, backup_end;
    uint64_t files_new, files_changed, files_unmodified;
    uint64_t dirs_new, dirs_changed, dirs_unmodified;
    uint64_t data_blobs, tree_blobs;
    uint64_t data_added, data_added_packed; /* bytes before and after compression */
    uint64_t total_files_processed, total_bytes_processed;
};

struct snapshot {
    struct id id; /* the file's name; not part of the file */
    struct id tree;
    struct instant time;
    char *hostname, *username; /* NULL when absent, as program_version */
    char **paths, **tags, **excludes;
    size_t n_paths, n_tags, n_excludes;
    bool has_parent, has_original;
    struct id parent, original; /* original: the first of its line, after tag or rewrite */
    uint64_t uid, gid;
    char *program_version;
    char *brief; /* the field "cstash": a JSON object that whoever saved it may add, or NULL */
    /* What the brief says of whose data it is; all NULL where it says nothing (repo/target.h). */
    char *target, *scope;
    char *
        part; /* of a partial one: what was chosen, as options, or REPAIRED_PART; NULL: the whole target */
    bool repaired; /* what a repair left of a damaged one: it counts as a partial one */
    bool safety;   /* has SAFETY_TAG, and names a target: it is not of that target's history */
    bool counted;  /* keys is known */
    uint64_t keys;
    bool record; /* it holds no data, but what a verification of another one found (repo/verdict) */
    struct verdict *verdict; /* of the last verification; of a list, and of a record; NULL: none */
    bool last_verified;      /* by removal_pins; not part of the file */
    unsigned owner;          /* a number given by targets_number; not part of the file */
    bool pinned;             /* by removal_pins (shrink_pins); not part of the file */
    bool has_summary;
    struct snapshot_summary summary;
};

void snapshot_release(struct snapshot *s);

/*
 * Is it a backup of all there was: not a part, not what a repair left, not the copy that a restore took? Only such ones are
 * `latest`, are compared by the guards, hold others in place, and are counted; what else there is asks for itself.
 */
bool snapshot_is_backup(const struct snapshot *s);

/*
 * All of them but records, whose verdicts they have, oldest first. The caller frees with snapshots_free. One that cannot be read is RC_CORRUPT: for what would
 * lose data without it.
 */
NODISCARD enum rc snapshots_list(struct ctx *cx, struct repo *r, struct snapshot **out, size_t *n,
                                 struct err *e);
/* Those whose file is damaged; mem_free(ids). */
struct snapshots_unread {
    struct id *ids;
    size_t n;
};
/* The same but for those: a warning for each. One bad file hides no others. */
NODISCARD enum rc snapshots_readable(struct ctx *cx, struct repo *r, struct snapshot **out,
                                     size_t *n, struct snapshots_unread *unread, struct err *e);
/* The same with the records, whose verdicts nobody has; `unread` may be NULL. */
NODISCARD enum rc snapshots_and_records(struct ctx *cx, struct repo *r, struct snapshot **out,
                                        size_t *n, struct snapshots_unread *unread, struct err *e);
void snapshots_free(struct snapshot *list, size_t n);

/* Has it all the tags of `list`, "a,b"? An empty name means: has none. */
bool snapshot_has_tags(const struct snapshot *s, const char *list);

/*
 * What a snapshot must be to count: one of the hosts, one of the lists of tags, all of the paths,
 * of the target, as far as any are given. "latest" is the latest of one target, and also obeys what
 * stands below.
 */
struct snapshot_filter {
    const char *const *hosts;
    size_t n_hosts;
    const char *const *tags; /* each as for snapshot_has_tags */
    size_t n_tags;
    const char *const *paths;
    size_t n_paths;
    const char *target; /* its name, or name@scope */
    struct target own;  /* who asks: its own come first; no name: nobody in particular */
    const char *part;   /* partial ones of this part count too; NULL: whole ones only */
    bool only_part;     /* where none is whole, and all are one part, that part counts too */
    const struct instant *before; /* none that is younger; NULL: whatever their age */
};

/* By hosts, tags, paths and target; `f` may be NULL: everything matches. */
bool snapshot_matches(const struct snapshot *s, const struct snapshot_filter *f);

/*
 * The snapshot that `spec` means: "latest", "latest:N" (N before the latest) among those that match
 * `f` (targets_choose), or an ID or a prefix of one (`f` plays no part then). RC_NOT_FOUND;
 * RC_INVALID: not an ID, a prefix of several, or the latest of several targets. The caller releases
 * `*out`.
 */
NODISCARD enum rc snapshot_find(struct ctx *cx, struct repo *r, const char *spec,
                                const struct snapshot_filter *f, struct snapshot *out,
                                struct err *e);

/* Write a snapshot file; `s->id` gets its name. The caller has made everything in it durable. */
NODISCARD enum rc snapshot_save(struct ctx *cx, struct repo *r, struct snapshot *s, struct err *e);
NODISCARD enum rc snapshot_load(struct ctx *cx, struct repo *r, const struct id *id,
                                struct snapshot *out, struct err *e);
/* Remove the snapshot file only: what it held goes with the next prune. */
NODISCARD enum rc snapshot_forget(struct ctx *cx, struct repo *r, const struct id *id,
                                  struct err *e);
/* The same for n of them; `*gone` (may be NULL) counts those that are removed, also when others stay. */
NODISCARD enum rc snapshots_forget(struct ctx *cx, struct repo *r, const struct id *ids, size_t n,
                                   size_t *gone, struct err *e);

/* The file's JSON, also what `snapshots --json` is made of (without "id" and "short_id"). */
struct jw;
void snapshot_write_fields(struct jw *w, const struct snapshot *s);

#endif
