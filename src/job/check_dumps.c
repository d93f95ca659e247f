/* SPDX-License-Identifier: Apache-2.0 */
#include "job/check_dumps.h"

#include "base/mem.h"
#include "job/backup.h"
#include "job/manifest.h"
#include "job/restore.h"
#include "maintain/repair.h"

struct dump_check {
    struct ctx *cx;
    struct repo *repo;
    void (*problem)(void *arg, const char *text);
    void *arg;
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

/* Read it as a restore would; `*bytes` of the dump. */
static enum rc
read_dump(struct dump_check *c, const struct snapshot *snap, struct buf *manifest, uint64_t *bytes,
          struct err *e)
{
    const struct load_opts opts = {.filter = FILTER_ALL, .dry_run = true};
    struct snapshot_source from = {.repo = NULL};
    struct restore_result res = {.keys = 0};
    char id[ID_TEXT];
    enum rc rc = snapshot_open(c->cx, c->repo, id_hex(&snap->id, id), NULL, DUMP_NAME, &from, e);

    if (rc == RC_OK)
        rc = buf_add_str(&from.manifest, buf_str(manifest), e);
    if (rc == RC_OK)
        rc = restore_redis(c->cx, &from, NULL, &opts, &res, e);
    *bytes = res.load.bytes;
    snapshot_close(&from);
    if (rc == RC_OK && *bytes == 0) /* no backup makes one: repair does, of a dump that is lost */
        return err_set(e, RC_CORRUPT, "its dump is empty");
    return rc;
}

/* RC_OK also when a restore would refuse it. */
static enum rc
check_dump(struct dump_check *c, const struct snapshot *snap, bool newest, struct err *e)
{
    struct buf manifest = BUF_INIT(MANIFEST_MAX);
    struct err why = ERR_INIT;
    char id[ID_TEXT], text[sizeof(why.msg) + 64];
    uint64_t bytes = 0;
    enum rc rc = snapshot_manifest(c->cx, c->repo, snap, &manifest, &why);
    bool is_ours = rc == RC_OK && (manifest.n != 0 || snapshot_has_tags(snap, REPAIRED_TAG));

    if (rc == RC_OK && (newest || !is_vouched(buf_str(&manifest))))
        rc = read_dump(c, snap, &manifest, &bytes, &why);
    buf_release(&manifest);
    if (rc == RC_CANCELLED || rc == RC_TIMEOUT) {
        *e = why;
        return rc;
    }
    c->out->read += bytes != 0;
    /* Nothing read of what no manifest vouches for: something else under the name of a dump. */
    if (rc == RC_OK || (bytes == 0 && !is_ours))
        return RC_OK;
    c->out->refused++;
    (void)snprintf(text, sizeof(text), "snapshot %.8s cannot be restored: %s",
                   id_hex(&snap->id, id), why.msg);
    c->problem(c->arg, text);
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
check_dumps(struct ctx *cx, struct repo *r, void (*problem)(void *arg, const char *text), void *arg,
            struct checked_dumps *out, struct err *e)
{
    struct dump_check c = {.cx = cx, .repo = r, .problem = problem, .arg = arg, .out = out};
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
