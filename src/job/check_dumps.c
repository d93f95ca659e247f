/* SPDX-License-Identifier: Apache-2.0 */
#include "job/check_dumps.h"

#include "base/mem.h"
#include "job/backup.h"
#include "job/manifest.h"
#include "job/restore.h"

struct dump_check {
    struct ctx *cx;
    struct repo *repo;
    const struct check_dumps_on *on;
    struct checked_dumps *out;
};

/* Does the manifest say what reading the dump would? */
static bool
is_vouched(struct str manifest)
{
    struct manifest_brief brief;
    struct err none = ERR_INIT;

    return manifest.n != 0 && manifest_brief(manifest, &brief, &none) == RC_OK &&
           brief.longest != 0;
}

/* What was found out about one. */
struct dump_look {
    bool is_dump; /* it is meant to be one, or begins like one; not that a file is missing */
    bool read;
};

/* Read it as a restore would. */
static enum rc
dump_read(struct ctx *cx, struct repo *r, const struct snapshot *snap, struct buf *manifest,
          struct dump_look *out, struct err *e)
{
    const struct load_opts opts = {.filter = FILTER_ALL, .dry_run = true};
    struct snapshot_source from = {.repo = NULL};
    struct restore_result res = {.keys = 0};
    char id[ID_TEXT];
    enum rc rc = snapshot_open(cx, r, id_hex(&snap->id, id), NULL, DUMP_NAME, &from, e);

    if (rc == RC_OK)
        rc = buf_add_str(&from.manifest, buf_str(manifest), e);
    if (rc == RC_OK)
        rc = restore_redis(cx, &from, NULL, &opts, NULL, &res, e);
    out->read = true;
    /* RC_INVALID: not by its first bytes (job/dump_reader). */
    out->is_dump = out->is_dump || (rc != RC_INVALID && rc != RC_NOT_FOUND);
    snapshot_close(&from);
    return rc;
}

/* `every`: also one whose manifest vouches for it. */
static enum rc
dump_look(struct ctx *cx, struct repo *r, const struct snapshot *snap, bool every,
          struct dump_look *out, struct err *e)
{
    CLEANUP(buf_release) struct buf manifest = BUF_INIT(MANIFEST_MAX);
    enum rc rc = snapshot_manifest(cx, r, snap, &manifest, e);

    *out = (struct dump_look){.is_dump = rc == RC_OK && (manifest.n != 0 || snap->repaired)};
    if (rc != RC_OK || (!every && is_vouched(buf_str(&manifest))))
        return rc;
    return dump_read(cx, r, snap, &manifest, out, e);
}

/* RC_OK also when a restore would refuse it. */
static enum rc
check_dump(struct dump_check *c, const struct snapshot *snap, bool newest, struct err *e)
{
    struct err why = ERR_INIT;
    char id[ID_TEXT], text[sizeof(why.msg) + 64];
    struct dump_look look;
    enum rc rc = dump_look(c->cx, c->repo, snap, newest, &look, &why);

    if (rc == RC_CANCELLED || rc == RC_TIMEOUT) {
        *e = why;
        return rc;
    }
    c->out->read += look.is_dump && look.read;
    if (rc == RC_OK)
        return RC_OK;
    (void)snprintf(text, sizeof(text), "snapshot %.8s %s: %s", id_hex(&snap->id, id),
                   look.is_dump ? "cannot be restored" : "holds no dump under the name of one",
                   why.msg);
    if (look.is_dump)
        c->out->refused++;
    if (look.is_dump || snapshot_is_dump(snap))
        (look.is_dump ? c->on->problem : c->on->hint)(c->on->arg, text);
    return RC_OK;
}

/* The last of its target in the list, which is sorted by time. */
static bool
is_newest(const struct snapshot *list, size_t n, size_t i)
{
    for (size_t k = i + 1; k < n; k++)
        if (list[k].owner == list[i].owner)
            return false;
    return list[i].owner != 0;
}

enum rc
check_dumps(struct ctx *cx, struct repo *r, const struct check_dumps_on *on,
            struct checked_dumps *out, struct err *e)
{
    struct dump_check c = {.cx = cx, .repo = r, .on = on, .out = out};
    struct snapshot *list;
    size_t n;
    struct snapshots_unread unread = {.n = 0}; /* the check of the repository tells */
    enum rc rc = snapshots_readable(cx, r, &list, &n, &unread, e);

    mem_free(unread.ids);
    *out = (struct checked_dumps){.read = 0};
    if (rc)
        return rc;
    targets_number(list, n);
    for (size_t i = 0; i < n && rc == RC_OK; i++)
        rc = check_dump(&c, &list[i], is_newest(list, n, i), e);
    snapshots_free(list, n);
    return rc;
}

/* ---- one snapshot, every byte of it ---- */

struct file_reader {
    struct ctx *cx;
    struct repo *repo;
    const struct snapshot *snap;
};

static enum rc
file_read(void *arg, const char *path, uint64_t bytes, struct err *e)
{
    struct file_reader *f = arg;
    struct file_info info = {0};
    struct wr_null to;
    enum rc rc = load_find_file(f->cx, f->repo, &f->snap->tree, path, &info, e);

    (void)bytes;
    wr_null_init(&to);
    if (rc == RC_OK)
        rc = load_copy(f->cx, f->repo, &info, 0, &to.wr, e);
    file_info_release(&info);
    return rc;
}

enum rc
snapshot_read(struct ctx *cx, struct repo *r, const struct snapshot *snap, struct err *e)
{
    struct file_reader f = {.cx = cx, .repo = r, .snap = snap};
    struct err why = ERR_INIT;
    struct dump_look look;
    char id[ID_TEXT];
    enum rc rc = dump_look(cx, r, snap, true, &look, &why);

    if (rc != RC_OK && rc != RC_CANCELLED && rc != RC_TIMEOUT && !look.is_dump)
        rc = load_list_files(cx, r, &snap->tree, file_read, &f, e);
    else if (rc != RC_OK)
        *e = why;
    return rc == RC_OK ? RC_OK : err_wrap(e, "snapshot %.8s", id_hex(&snap->id, id));
}
