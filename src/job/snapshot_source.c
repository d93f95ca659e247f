/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot whose dump and manifest can be read. */
#include "base/mem.h"
#include "job/backup.h"
#include "job/manifest.h"
#include "job/restore.h"

/* The only file of a snapshot, for dumps that somebody stored under another name. */
struct only_file {
    char *path;
    size_t n;
};

static enum rc
note_file(void *arg, const char *path, uint64_t bytes, struct err *e)
{
    struct only_file *f = arg;

    (void)bytes;
    (void)e;
    if (f->n++ == 0)
        f->path = mem_strdup(path);
    return RC_OK;
}

static enum rc
find_dump(struct ctx *cx, struct repo *r, const struct id *tree, const char *file,
          struct file_info *out, struct err *e)
{
    struct only_file only = {0};
    enum rc rc = load_find_file(cx, r, tree, file != NULL ? file : DUMP_NAME, out, e);

    if (rc != RC_NOT_FOUND || file != NULL)
        return rc;
    rc = load_list_files(cx, r, tree, note_file, &only, e);
    if (rc == RC_OK && only.n != 1) {
        (void)err_set(e, RC_NOT_FOUND, "the snapshot has no " DUMP_NAME " but %zu other files",
                      only.n);
        rc = err_hint(e, "name the file that holds the dump with --path");
    } else if (rc == RC_OK) {
        rc = load_find_file(cx, r, tree, only.path, out, e);
    }
    mem_free(only.path);
    return rc;
}

enum rc
snapshot_manifest(struct ctx *cx, struct repo *r, const struct snapshot *s, struct buf *out,
                  struct err *e)
{
    struct file_info f = {0};
    struct wr_buf to;
    enum rc rc;

    buf_reset(out);
    wr_buf_init(&to, out);
    rc = load_find_file(cx, r, &s->tree, MANIFEST_NAME, &f, e);
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc == RC_OK)
        rc = load_copy(cx, r, &f, 1, &to.wr, e);
    file_info_release(&f);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not read the manifest");
}

static enum rc
open_parts(struct ctx *cx, struct repo *r, const char *file, struct snapshot_source *s,
           struct err *e)
{
    if (find_dump(cx, r, &s->snap.tree, file, &s->file, e))
        return err_code(e);
    return file == NULL ? snapshot_manifest(cx, r, &s->snap, &s->manifest, e) : RC_OK;
}

enum rc
snapshot_open(struct ctx *cx, struct repo *r, const char *spec,
              const struct snapshot_filter *filter, const char *file, struct snapshot_source *s,
              struct err *e)
{
    char id[ID_TEXT];

    memset(s, 0, sizeof(*s));
    s->repo = r;
    buf_init(&s->manifest, MANIFEST_MAX);
    if (snapshot_find(cx, r, spec, filter, &s->snap, e))
        return err_code(e);
    if (open_parts(cx, r, file, s, e))
        return err_wrap(e, "could not read snapshot %.8s", id_hex(&s->snap.id, id));
    return RC_OK;
}

enum rc
snapshot_rd(struct ctx *cx, struct snapshot_source *s, struct rd **out, struct err *e)
{
    char id[ID_TEXT];

    BUG_ON(s->load != NULL);
    if (load_open(cx, s->repo, &s->file, SNAPSHOT_WORKERS, &s->load, e))
        return err_wrap(e, "could not read snapshot %.8s", id_hex(&s->snap.id, id));
    *out = load_rd(s->load);
    return RC_OK;
}

void
snapshot_close(struct snapshot_source *s)
{
    load_close(s->load);
    file_info_release(&s->file);
    snapshot_release(&s->snap);
    buf_release(&s->manifest);
    memset(s, 0, sizeof(*s));
}
