/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_DB_H
#define PLANE_DB_H

/*
 * plane/db -- objects by kind, namespace and name; every change has a revision; nothing else.
 *
 * Why      one place knows SQLite.
 * Shape    as etcd: each write is a row of its own under the next revision, and a small table says
 *          which row is the current one of each object. The rows that were replaced are the log
 *          that watches read; older ones than DB_KEEP revisions are dropped.
 * Durability  a write that returned survives the death of the process at any instant. When the
 *          machine loses power, the last moments may be missing, never a part (WAL, NORMAL).
 * Threads  any. Writers take turns; readers see a snapshot and wait for nobody.
 * Errors   RC_IO and RC_CORRUPT of the file, besides what is said below.
 */
#include "base/buf.h"
#include "base/ctx.h"
#include "json/node.h"

enum { DB_KEEP = 10000, DB_READERS = 4 };

struct db;

struct db_key {
    const char *kind; /* "jobs.batch", "secrets" */
    const char *ns;   /* "" when the kind has no namespaces; NULL in a list: all */
    const char *name; /* "" before every name */
};

enum db_event { DB_ADDED, DB_MODIFIED, DB_DELETED };

/* Open or make the file. `keep`: see DB_KEEP; 0: that. */
NODISCARD enum rc db_open(const char *path, int64_t keep, struct db **out, struct err *e);
void db_close(struct db *db);

/* Append the object's text. RC_NOT_FOUND. */
NODISCARD enum rc db_get(struct db *db, struct db_key key, struct buf *text, int64_t *rev,
                         struct err *e);
/*
 * Write `obj`, whose metadata.resourceVersion is set to the new revision. `expect` is the revision
 * that is current now, 0 for none. RC_EXISTS: expect is 0 and there is one; RC_CONFLICT: another is
 * current; RC_NOT_FOUND: none is. The text that was stored is appended to `text` unless NULL.
 */
NODISCARD enum rc db_put(struct db *db, struct db_key key, int64_t expect, struct json *obj,
                         int64_t *rev, struct buf *text, struct err *e);
/* Remove the object; `last` is what watches get, its resourceVersion is set. As db_put. */
NODISCARD enum rc db_remove(struct db *db, struct db_key key, int64_t expect, struct json *last,
                            int64_t *rev, struct err *e);

/* A row, borrowed for the call. */
struct db_row {
    const char *ns, *name;
    struct str text;
    int64_t rev;
    enum db_event event; /* changes only */
    struct str prev;     /* the text before; changes of one kind only */
    const char *kind;    /* changes only */
};
/* Returns false to stop. Must not call the db. */
typedef bool db_each(void *arg, const struct db_row *row);

/* Current objects behind `after` in order of namespace and name; `*rev`: of the snapshot read. */
NODISCARD enum rc db_list(struct db *db, struct db_key after, const char *ns, db_each *each,
                          void *arg, int64_t *rev, struct err *e);
/*
 * Changes with a revision above `*rev`, in order; `*rev` becomes the revision up to which all were
 * given. `kind` NULL: of all kinds. RC_LIMIT: some of them were dropped already.
 */
NODISCARD enum rc db_changes(struct db *db, const char *kind, const char *ns, db_each *each,
                             void *arg, int64_t *rev, struct err *e);
int64_t db_revision(struct db *db);

/* A bell that rings when an object of the kind changes: `fd` becomes readable (an eventfd). */
struct db_notifier {
    const char *kind; /* borrowed; NULL: any */
    int fd;
    struct db_notifier *next;
};
NODISCARD enum rc db_notifier_add(struct db *db, const char *kind, struct db_notifier *bell,
                                  struct err *e);
void db_notifier_remove(struct db *db, struct db_notifier *bell);
void db_notifier_quiet(struct db_notifier *bell);

#endif
