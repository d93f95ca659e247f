/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SNAPSHOT_OPTS_H
#define CLI_SNAPSHOT_OPTS_H

/*
 * cli/snapshot_opts -- the options that choose a snapshot, and a snapshot ready to be read.
 */
#include "cli/redis_opts.h"
#include "job/restore.h"

struct snapshot_choice {
    struct opt_list hosts, tags, paths;
    const char *target;
    const char *path; /* of the dump in a snapshot */
    struct opt_time before;
};
/* --host, --tag, --target; --path as a filter (repeatable), or of the dump in the snapshot; --before. */
extern const struct opt opts_host[], opts_tag[], opts_target[], opts_paths[], opts_dump_path[],
    opts_before[];
/* The groups of a struct snapshot_choice `f` of `T`: for one snapshot, and for several. */
#define GROUPS_SNAPSHOT(T, f)                                                                      \
    {opts_host, offsetof(T, f)}, {opts_tag, offsetof(T, f)}, {opts_target, offsetof(T, f)},        \
        {opts_before, offsetof(T, f)},                                                             \
    {                                                                                              \
        opts_dump_path, offsetof(T, f)                                                             \
    }
#define GROUPS_SNAPSHOTS(T, f)                                                                     \
    {opts_host, offsetof(T, f)}, {opts_tag, offsetof(T, f)}, {opts_target, offsetof(T, f)},        \
    {                                                                                              \
        opts_paths, offsetof(T, f)                                                                 \
    }

/* Zeroed: none. */
struct app_snapshots {
    struct snapshot *list;
    size_t n;
    struct snapshots_unread unread; /* whose files are damaged; each was warned of */
};
/*
 * The snapshots that the words of the command name ("latest" among those that match the filter), or
 * without words all that match; oldest first, each once. All that were named are found, or it fails. No index is
 * needed. The command does its work on those that can be read; app_snapshots_close in any case.
 */
NODISCARD enum rc app_snapshots(struct ctx *cx, const struct snapshot_choice *c,
                                const struct opt_list *words, struct repo *r,
                                struct app_snapshots *out, struct err *e);
/* Releases them. `rc`, or RC_CORRUPT when all went well but for those that could not be read. */
NODISCARD enum rc app_snapshots_close(enum rc rc, struct app_snapshots *s, struct err *e);
/* The same of these alone. */
NODISCARD enum rc app_unread(enum rc rc, struct snapshots_unread *unread, struct err *e);

/*
 * Could the word name a snapshot, or a file of the repository by its ID? RC_USAGE: nobody could have one by that
 * name. A snapshot that is not there is for whoever looks for it to tell.
 */
NODISCARD enum rc app_check_snapshot(const char *word, struct err *e);
NODISCARD enum rc app_check_id(const char *word, struct err *e);

struct snapshot_filter app_snapshot_filter(const struct snapshot_choice *c);

/* As `snapshots --json` has it. */
void app_snapshot_json(struct jw *w, const struct snapshot *s);

struct app_snapshot {
    struct app_repo repo;
    struct snapshot_source from;
};

/* Which one is meant. `keys` (may be NULL) are those that are wanted: snapshots of that part come first. */
struct app_wanted {
    const char *spec; /* NULL: latest */
    const struct snapshot_choice *choice;
    const struct filter *keys;
    const struct redis_access *own; /* the Redis that it is for, whose own come first; NULL: none */
};
/* Repository, shared lock, snapshot. app_snapshot_close in any case. */
NODISCARD enum rc app_snapshot_open(struct ctx *cx, const struct repo_access *a,
                                    const struct app_wanted *w, struct app_snapshot *out,
                                    struct err *e);
void app_snapshot_close(struct app_snapshot *s);

#endif
