/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/db.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sqlite3.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { CACHE_KIB = 2048, COMPACT_EVERY = 500, TEXT_MAX = 64 * 1024 * 1024 };

static const char schema_sql[] =
    "PRAGMA journal_mode=WAL;"
    "CREATE TABLE IF NOT EXISTS version(rev INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
    " ns TEXT NOT NULL, name TEXT NOT NULL, event INTEGER NOT NULL, prev INTEGER NOT NULL,"
    " text BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS version_kind ON version(kind, rev);"
    "CREATE TABLE IF NOT EXISTS current(kind TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
    " rev INTEGER NOT NULL, PRIMARY KEY(kind, ns, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS floor(only INTEGER PRIMARY KEY CHECK(only = 1), rev INTEGER);"
    "INSERT OR IGNORE INTO floor VALUES(1, 1);";

enum query {
    Q_BEGIN,
    Q_READ,
    Q_COMMIT,
    Q_ROLLBACK,
    Q_CURRENT,
    Q_INSERT,
    Q_POINT,
    Q_UNPOINT,
    Q_FLOOR,
    Q_SET_FLOOR,
    Q_DROP_REPLACED,
    Q_DROP_GONE,
    Q_GET,
    Q_LAST,
    Q_LIST,
    Q_LIST_NS,
    Q_CHANGES,
    Q_CHANGES_ALL,
    Q_COUNT
};

static const char *const sql[Q_COUNT] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_READ] = "BEGIN",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_CURRENT] = "SELECT rev FROM current WHERE kind=?1 AND ns=?2 AND name=?3",
    [Q_INSERT] = "INSERT INTO version VALUES(?4,?1,?2,?3,?5,?6,?7)",
    [Q_POINT] = "INSERT OR REPLACE INTO current VALUES(?1,?2,?3,?4)",
    [Q_UNPOINT] = "DELETE FROM current WHERE kind=?1 AND ns=?2 AND name=?3",
    [Q_FLOOR] = "SELECT rev FROM floor",
    [Q_SET_FLOOR] = "UPDATE floor SET rev=?1",
    [Q_DROP_REPLACED] = "DELETE FROM version WHERE rev IN"
                        " (SELECT prev FROM version WHERE rev>?1 AND rev<=?2 AND prev>0)",
    [Q_DROP_GONE] = "DELETE FROM version WHERE rev>?1 AND rev<=?2 AND event=2",
    [Q_GET] = "SELECT v.text, v.rev FROM current c JOIN version v ON v.rev=c.rev"
              " WHERE c.kind=?1 AND c.ns=?2 AND c.name=?3",
    [Q_LAST] = "SELECT max(coalesce((SELECT max(rev) FROM version), 0), (SELECT rev FROM floor))",
    [Q_LIST] = "SELECT c.ns, c.name, v.text, v.rev FROM current c JOIN version v ON v.rev=c.rev"
               " WHERE c.kind=?1 AND (c.ns, c.name) > (?2, ?3) ORDER BY c.ns, c.name",
    [Q_LIST_NS] = "SELECT c.ns, c.name, v.text, v.rev FROM current c JOIN version v ON v.rev=c.rev"
                  " WHERE c.kind=?1 AND c.ns=?2 AND c.name > ?3 ORDER BY c.name",
    [Q_CHANGES] = "SELECT v.ns, v.name, v.text, v.rev, v.event, p.text, v.kind FROM version v"
                  " LEFT JOIN version p ON p.rev=v.prev WHERE v.kind=?1 AND v.rev>?2"
                  " AND (?3 IS NULL OR v.ns=?3) ORDER BY v.rev",
    [Q_CHANGES_ALL] = "SELECT v.ns, v.name, v.text, v.rev, v.event, NULL, v.kind FROM version v"
                      " WHERE v.rev>?2 AND (?3 IS NULL OR v.ns=?3) ORDER BY v.rev",
};

struct conn {
    sqlite3 *lib;
    sqlite3_stmt *q[Q_COUNT];
};

struct db {
    int64_t keep;
    pthread_mutex_t write; /* the writer and the two fields behind it */
    struct conn writer;
    int64_t floor;
    pthread_mutex_t free_lock; /* readers that are not in use */
    pthread_cond_t freed;
    struct conn *readers[DB_READERS];
    size_t n_readers;
    struct conn all[DB_READERS];
    pthread_mutex_t bell_lock;
    struct db_notifier *bells;
    _Atomic int64_t last;
};

static enum rc
db_fail(struct conn *c, const char *what, struct err *e)
{
    int code = sqlite3_errcode(c->lib) & 0xff;

    return err_set(e, code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? RC_CORRUPT : RC_IO,
                   "could not %s: %s", what, sqlite3_errmsg(c->lib));
}

/*
 * The statement, ready to be bound. Done with it: sqlite3_reset, which also ends its read. The first
 * use reads the file: NULL when that failed, which whoever steps it is told.
 */
static sqlite3_stmt *
db_query(struct conn *c, enum query q)
{
    if (c->q[q] == NULL && sqlite3_prepare_v3(c->lib, sql[q], -1, SQLITE_PREPARE_PERSISTENT,
                                              &c->q[q], NULL) == SQLITE_ERROR)
        BUG("bad SQL: %s", sqlite3_errmsg(c->lib));
    return c->q[q];
}

static void
bind_key(sqlite3_stmt *s, struct db_key key)
{
    (void)sqlite3_bind_text(s, 1, key.kind, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(s, 2, key.ns, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(s, 3, key.name, -1, SQLITE_STATIC);
}

static enum rc
db_run(struct conn *c, sqlite3_stmt *s, const char *what, struct err *e)
{
    enum rc rc = RC_OK;

    if (sqlite3_step(s) != SQLITE_DONE)
        rc = db_fail(c, what, e);
    (void)sqlite3_reset(s);
    return rc;
}

/* The first column of the first row, `otherwise` when there is none. */
static enum rc
db_number(struct conn *c, sqlite3_stmt *s, int64_t otherwise, int64_t *out, struct err *e)
{
    int got = sqlite3_step(s);

    if (got == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    else if (got == SQLITE_DONE)
        *out = otherwise;
    else
        (void)db_fail(c, "read the state database", e);
    (void)sqlite3_reset(s);
    return got == SQLITE_ROW || got == SQLITE_DONE ? RC_OK : err_code(e);
}

static enum rc
conn_open(struct conn *c, const char *path, struct err *e)
{
    char pragma[160];

    if (sqlite3_open_v2(path, &c->lib,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return db_fail(c, "open the state database", e);
    (void)sqlite3_busy_timeout(c->lib, 10000);
    (void)snprintf(pragma, sizeof(pragma),
                   "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-%d; PRAGMA mmap_size=0;"
                   "PRAGMA wal_autocheckpoint=2000; PRAGMA temp_store=MEMORY",
                   CACHE_KIB);
    if (sqlite3_exec(c->lib, pragma, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(c, "set up the state database", e);
    return RC_OK;
}

static void
conn_close(struct conn *c)
{
    for (size_t i = 0; i < Q_COUNT; i++)
        (void)sqlite3_finalize(c->q[i]);
    (void)sqlite3_close(c->lib);
}

enum rc
db_open(const char *path, int64_t keep, struct db **out, struct err *e)
{
    struct db *db = MEM_NEW(struct db);
    mode_t old = umask(077);
    int64_t last = 0;
    enum rc rc;

    db->keep = keep > 0 ? keep : DB_KEEP;
    (void)pthread_mutex_init(&db->write, NULL);
    (void)pthread_mutex_init(&db->free_lock, NULL);
    (void)pthread_mutex_init(&db->bell_lock, NULL);
    (void)pthread_cond_init(&db->freed, NULL);
    rc = conn_open(&db->writer, path, e);
    if (rc == RC_OK && sqlite3_exec(db->writer.lib, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
        rc = db_fail(&db->writer, "set up the state database", e);
    if (rc == RC_OK)
        rc = db_number(&db->writer, db_query(&db->writer, Q_LAST), 1, &last, e);
    if (rc == RC_OK)
        rc = db_number(&db->writer, db_query(&db->writer, Q_FLOOR), 1, &db->floor, e);
    for (size_t i = 0; rc == RC_OK && i < DB_READERS; i++) {
        rc = conn_open(&db->all[i], path, e);
        db->readers[db->n_readers++] = &db->all[i];
    }
    (void)umask(old);
    atomic_store(&db->last, last);
    if (rc != RC_OK) {
        db_close(db);
        return err_wrap(e, "%s", path);
    }
    *out = db;
    return RC_OK;
}

void
db_close(struct db *db)
{
    if (db == NULL)
        return;
    for (size_t i = 0; i < DB_READERS; i++)
        conn_close(&db->all[i]);
    conn_close(&db->writer);
    (void)pthread_mutex_destroy(&db->write);
    (void)pthread_mutex_destroy(&db->free_lock);
    (void)pthread_mutex_destroy(&db->bell_lock);
    (void)pthread_cond_destroy(&db->freed);
    mem_free(db);
}

static struct conn *
reader_take(struct db *db)
{
    struct conn *c;

    (void)pthread_mutex_lock(&db->free_lock);
    while (db->n_readers == 0)
        (void)pthread_cond_wait(&db->freed, &db->free_lock);
    c = db->readers[--db->n_readers];
    (void)pthread_mutex_unlock(&db->free_lock);
    return c;
}

static void
reader_give(struct db *db, struct conn *c)
{
    (void)pthread_mutex_lock(&db->free_lock);
    db->readers[db->n_readers++] = c;
    (void)pthread_cond_signal(&db->freed);
    (void)pthread_mutex_unlock(&db->free_lock);
}

static struct str
db_column(sqlite3_stmt *s, int i)
{
    return str_of(sqlite3_column_blob(s, i), (size_t)sqlite3_column_bytes(s, i));
}

enum rc
db_get(struct db *db, struct db_key key, struct buf *text, int64_t *rev, struct err *e)
{
    struct conn *c = reader_take(db);
    sqlite3_stmt *s = db_query(c, Q_GET);
    enum rc rc;
    int got;

    bind_key(s, key);
    got = sqlite3_step(s);
    if (got == SQLITE_ROW) {
        rc = buf_add_str(text, db_column(s, 0), e);
        if (rc == RC_OK)
            *rev = sqlite3_column_int64(s, 1);
    } else if (got == SQLITE_DONE) {
        rc = err_set(e, RC_NOT_FOUND, "no such object");
    } else {
        rc = db_fail(c, "read the state database", e);
    }
    (void)sqlite3_reset(s);
    reader_give(db, c);
    return rc;
}

static void
db_ring(struct db *db, const char *kind)
{
    uint64_t one = 1;

    (void)pthread_mutex_lock(&db->bell_lock);
    for (struct db_notifier *b = db->bells; b != NULL; b = b->next)
        if ((b->kind == NULL || strcmp(b->kind, kind) == 0) && write(b->fd, &one, sizeof(one)) < 0)
            continue; /* it rings already */
    (void)pthread_mutex_unlock(&db->bell_lock);
}

/* Forget what no watch may ask for any more: all that was replaced up to the new floor. */
static enum rc
compact_locked(struct db *db, int64_t rev, struct err *e)
{
    static const enum query steps[] = {Q_DROP_REPLACED, Q_DROP_GONE};
    int64_t to = rev - db->keep;
    sqlite3_stmt *s;

    if (to < db->floor + MIN(COMPACT_EVERY, db->keep))
        return RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        s = db_query(&db->writer, steps[i]);
        (void)sqlite3_bind_int64(s, 1, db->floor);
        (void)sqlite3_bind_int64(s, 2, to);
        if (db_run(&db->writer, s, "compact the state database", e))
            return err_code(e);
    }
    s = db_query(&db->writer, Q_SET_FLOOR);
    (void)sqlite3_bind_int64(s, 1, to);
    if (db_run(&db->writer, s, "compact the state database", e))
        return err_code(e);
    db->floor = to;
    return RC_OK;
}

static enum rc
check_expected(int64_t current, int64_t expect, struct err *e)
{
    if (current == expect)
        return RC_OK;
    if (expect == 0)
        return err_set(e, RC_EXISTS, "the object exists already");
    if (current == 0)
        return err_set(e, RC_NOT_FOUND, "no such object");
    return err_set(e, RC_CONFLICT, "somebody else changed the object");
}

struct change {
    struct db_key key;
    int64_t expect;
    struct json *obj;
    bool gone;
};

static enum rc
write_locked(struct db *db, const struct change *ch, int64_t rev, struct buf *text, struct err *e)
{
    struct conn *c = &db->writer;
    sqlite3_stmt *s = db_query(c, Q_CURRENT);
    char decimal[24];
    int64_t current;

    bind_key(s, ch->key);
    if (db_number(c, s, 0, &current, e) || check_expected(current, ch->expect, e))
        return err_code(e);
    (void)snprintf(decimal, sizeof(decimal), "%lld", (long long)rev);
    json_set_cstr(json_need_object(ch->obj, "metadata"), "resourceVersion", decimal);
    if (json_print(ch->obj, text, e))
        return err_code(e);
    s = db_query(c, Q_INSERT);
    bind_key(s, ch->key);
    (void)sqlite3_bind_int64(s, 4, rev);
    (void)sqlite3_bind_int(s, 5, ch->gone ? DB_DELETED : current == 0 ? DB_ADDED : DB_MODIFIED);
    (void)sqlite3_bind_int64(s, 6, current);
    (void)sqlite3_bind_blob64(s, 7, text->p, text->n, SQLITE_STATIC);
    if (db_run(c, s, "write to the state database", e))
        return err_code(e);
    s = db_query(c, ch->gone ? Q_UNPOINT : Q_POINT);
    bind_key(s, ch->key);
    if (!ch->gone)
        (void)sqlite3_bind_int64(s, 4, rev);
    if (db_run(c, s, "write to the state database", e))
        return err_code(e);
    return compact_locked(db, rev, e);
}

static enum rc
db_change(struct db *db, const struct change *ch, int64_t *out, struct buf *text, struct err *e)
{
    CLEANUP(buf_release) struct buf own = BUF_INIT(TEXT_MAX);
    struct conn *c = &db->writer;
    struct err ignored = ERR_INIT;
    int64_t rev, floor;
    enum rc rc;

    (void)pthread_mutex_lock(&db->write);
    rev = atomic_load(&db->last) + 1;
    floor = db->floor;
    rc = db_run(c, db_query(c, Q_BEGIN), "write to the state database", e);
    if (rc == RC_OK) {
        rc = write_locked(db, ch, rev, text != NULL ? text : &own, e);
        if (rc == RC_OK)
            rc = db_run(c, db_query(c, Q_COMMIT), "write to the state database", e);
        if (rc == RC_OK)
            atomic_store(&db->last, rev);
        else
            (void)db_run(c, db_query(c, Q_ROLLBACK), "roll back", &ignored);
    }
    if (rc != RC_OK)
        db->floor = floor;
    (void)pthread_mutex_unlock(&db->write);
    if (rc != RC_OK)
        return rc;
    db_ring(db, ch->key.kind);
    if (out != NULL)
        *out = rev;
    return RC_OK;
}

enum rc
db_put(struct db *db, struct db_key key, int64_t expect, struct json *obj, int64_t *rev,
       struct buf *text, struct err *e)
{
    return db_change(db, &(struct change){key, expect, obj, false}, rev, text, e);
}

enum rc
db_remove(struct db *db, struct db_key key, int64_t expect, struct json *last, int64_t *rev,
          struct err *e)
{
    return db_change(db, &(struct change){key, expect, last, true}, rev, NULL, e);
}

/* Begin a snapshot and see which revision it is. */
static enum rc
snapshot_begin(struct conn *c, int64_t *rev, struct err *e)
{
    if (db_run(c, db_query(c, Q_READ), "read the state database", e))
        return err_code(e);
    return db_number(c, db_query(c, Q_LAST), 1, rev, e);
}

static void
snapshot_end(struct conn *c)
{
    struct err ignored = ERR_INIT;

    (void)db_run(c, db_query(c, Q_COMMIT), "end a read", &ignored);
}

static enum rc
give_rows(struct conn *c, sqlite3_stmt *s, bool log, db_each *each, void *arg, int64_t *stopped,
          struct err *e)
{
    enum rc rc = RC_OK;
    int got;

    while ((got = sqlite3_step(s)) == SQLITE_ROW) {
        struct db_row row = {
            .ns = (const char *)sqlite3_column_text(s, 0),
            .name = (const char *)sqlite3_column_text(s, 1),
            .text = db_column(s, 2),
            .rev = sqlite3_column_int64(s, 3),
            .event = log ? (enum db_event)sqlite3_column_int(s, 4) : DB_ADDED,
            .prev = log ? db_column(s, 5) : STR_LIT(""),
            .kind = log ? (const char *)sqlite3_column_text(s, 6) : NULL,
        };
        if (!each(arg, &row)) {
            if (stopped != NULL)
                *stopped = row.rev;
            break;
        }
    }
    if (got != SQLITE_ROW && got != SQLITE_DONE)
        rc = db_fail(c, "read the state database", e);
    (void)sqlite3_reset(s);
    return rc;
}

enum rc
db_list(struct db *db, struct db_key after, const char *ns, db_each *each, void *arg, int64_t *rev,
        struct err *e)
{
    struct conn *c = reader_take(db);
    sqlite3_stmt *s = db_query(c, ns != NULL ? Q_LIST_NS : Q_LIST);
    int64_t at = 0;
    enum rc rc = snapshot_begin(c, &at, e);

    if (rc == RC_OK) {
        bind_key(s, (struct db_key){after.kind, ns != NULL ? ns : after.ns, after.name});
        rc = give_rows(c, s, false, each, arg, NULL, e);
        snapshot_end(c);
    }
    reader_give(db, c);
    if (rc == RC_OK)
        *rev = at;
    return rc;
}

enum rc
db_changes(struct db *db, const char *kind, const char *ns, db_each *each, void *arg, int64_t *rev,
           struct err *e)
{
    struct conn *c = reader_take(db);
    sqlite3_stmt *s = db_query(c, kind != NULL ? Q_CHANGES : Q_CHANGES_ALL);
    int64_t at = 0, floor = 0;
    enum rc rc = snapshot_begin(c, &at, e);

    if (rc == RC_OK) {
        rc = db_number(c, db_query(c, Q_FLOOR), 1, &floor, e);
        if (rc == RC_OK && *rev < floor)
            rc = err_set(e, RC_LIMIT, "too old resource version: %lld (%lld)", (long long)*rev,
                         (long long)floor);
        if (rc == RC_OK) {
            if (kind != NULL)
                (void)sqlite3_bind_text(s, 1, kind, -1, SQLITE_STATIC);
            (void)sqlite3_bind_int64(s, 2, *rev);
            (void)sqlite3_bind_text(s, 3, ns, -1, SQLITE_STATIC);
            rc = give_rows(c, s, true, each, arg, &at, e);
        }
        snapshot_end(c);
    }
    reader_give(db, c);
    if (rc == RC_OK)
        *rev = at;
    return rc;
}

int64_t
db_revision(struct db *db)
{
    return atomic_load(&db->last);
}

enum rc
db_notifier_add(struct db *db, const char *kind, struct db_notifier *bell, struct err *e)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    if (fd < 0)
        return err_sys(e, errno, "could not start a watch");
    *bell = (struct db_notifier){.kind = kind, .fd = fd};
    (void)pthread_mutex_lock(&db->bell_lock);
    bell->next = db->bells;
    db->bells = bell;
    (void)pthread_mutex_unlock(&db->bell_lock);
    return RC_OK;
}

void
db_notifier_remove(struct db *db, struct db_notifier *bell)
{
    (void)pthread_mutex_lock(&db->bell_lock);
    for (struct db_notifier **at = &db->bells; *at != NULL; at = &(*at)->next)
        if (*at == bell) {
            *at = bell->next;
            break;
        }
    (void)pthread_mutex_unlock(&db->bell_lock);
    (void)close(bell->fd);
}

void
db_notifier_quiet(struct db_notifier *bell)
{
    uint64_t n;

    if (read(bell->fd, &n, sizeof(n)) < 0)
        return; /* it did not ring */
}
