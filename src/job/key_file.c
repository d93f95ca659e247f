/* SPDX-License-Identifier: Apache-2.0 */
#include "job/key_file.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/backup.h"

enum { DIRECTORY_MAX = 8 * 1024 * 1024, LOOK_BYTES_MAX = 1024 * 1024 * 1024 };

/* What one look reads of the index. */
struct key_look {
    struct ctx *cx;
    const struct snapshot_source *from;
    struct file_info file;
    struct buf directory, bytes; /* of all blobs that are wanted, one behind the other */
    struct key_dir dir;
    struct key_want *wants;
    size_t n_wants;
};

/* Some blobs of the index as one file. */
static enum rc
read_blobs(struct key_look *l, const struct file_info *blobs, struct buf *out, struct err *e)
{
    struct wr_buf to;

    wr_buf_init(&to, out);
    return load_copy(l->cx, l->from->repo, blobs, SNAPSHOT_WORKERS, &to.wr, e);
}

static enum rc
read_directory(struct key_look *l, struct err *e)
{
    struct load_part last = {.first = l->file.n_content - 1, .n_blobs = 1, .lanes = 1};
    struct load *in = NULL;
    struct wr_buf to;
    enum rc rc;

    wr_buf_init(&to, &l->directory);
    rc = load_open_part(l->cx, l->from->repo, &l->file, &last, 1, &in, e);
    if (rc == RC_OK)
        rc = stream_copy(load_rd(in), &to.wr, NULL, e);
    load_close(in);
    if (rc == RC_OK)
        rc = key_dir_read(buf_str(&l->directory), &l->dir, e);
    if (rc == RC_OK &&
        (l->dir.n_blobs != l->file.n_content - 1 || l->dir.size != l->from->file.size))
        rc = err_set(e, RC_CORRUPT, "the key index is of another dump");
    return rc;
}

/* The blobs of all runs, in the order of l->wants: page, table. */
static enum rc
read_wants(struct key_look *l, uint32_t hash, struct err *e)
{
    struct file_info blobs = {.size = 0};
    struct key_walk walk = {0};
    struct key_want want;
    enum rc rc;

    while (key_dir_next(&l->dir, &walk, hash, &want)) {
        blobs.content = mem_more(blobs.content, blobs.n_content, sizeof(*blobs.content));
        blobs.content[blobs.n_content++] = l->file.content[want.page];
        blobs.content = mem_more(blobs.content, blobs.n_content, sizeof(*blobs.content));
        blobs.content[blobs.n_content++] = l->file.content[want.blocks];
        blobs.size += (uint64_t)want.page_bytes + want.blocks_bytes;
        l->wants = mem_more(l->wants, l->n_wants, sizeof(*l->wants));
        l->wants[l->n_wants++] = want;
    }
    rc = blobs.n_content == 0 ? RC_OK : read_blobs(l, &blobs, &l->bytes, e);
    mem_free(blobs.content);
    return rc;
}

static enum rc
find_places(struct key_look *l, uint64_t db, struct str name, struct key_places *out, struct err *e)
{
    struct str left;
    uint32_t hash;

    if (read_directory(l, e))
        return err_code(e);
    hash = key_hash(&l->dir, db, name);
    if (read_wants(l, hash, e))
        return err_code(e);
    left = buf_str(&l->bytes);
    for (size_t i = 0; i < l->n_wants; i++) {
        struct str page = str_of(left.p, l->wants[i].page_bytes);
        struct str blocks = str_of(left.p + page.n, l->wants[i].blocks_bytes);

        if (key_want_read(&l->dir, page, blocks, hash, out->v, &out->n, e))
            return err_code(e);
        left = str_of(blocks.p + blocks.n, left.n - page.n - blocks.n);
    }
    return RC_OK;
}

enum rc
key_file_look(struct ctx *cx, const struct snapshot_source *from, uint64_t db, struct str name,
              struct key_places *out, struct err *e)
{
    struct key_look l = {.cx = cx,
                         .from = from,
                         .directory = BUF_INIT(DIRECTORY_MAX),
                         .bytes = BUF_INIT(LOOK_BYTES_MAX)};
    enum rc rc;

    *out = (struct key_places){.known = false};
    if (from->manifest.n == 0 || from->snap.repaired)
        return RC_OK;
    rc = load_find_file(cx, from->repo, &from->snap.tree, KEYS_NAME, &l.file, e);
    if (rc == RC_OK && l.file.n_content != 0) {
        rc = find_places(&l, db, name, out, e);
        out->known = rc == RC_OK;
    }
    if (rc == RC_CORRUPT || rc == RC_UNSUPPORTED || rc == RC_LIMIT)
        log_warn("%s; the whole dump is read", e->msg);
    if (rc == RC_CORRUPT || rc == RC_UNSUPPORTED || rc == RC_LIMIT || rc == RC_NOT_FOUND) {
        *e = (struct err)ERR_INIT;
        rc = RC_OK;
    }
    file_info_release(&l.file);
    buf_release(&l.directory);
    buf_release(&l.bytes);
    mem_free(l.wants);
    return rc;
}
