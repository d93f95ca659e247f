/* SPDX-License-Identifier: Apache-2.0 */
#include "job/dump_parts.h"

#include "base/log.h"
#include "base/mem.h"
#include "job/manifest.h"

enum { PARTS_BEGIN_MAX = 4 * TRAILER_TEXT };

static enum rc
parts_begin_one(struct load_parts *parts, uint32_t i, struct rd **out, struct err *e)
{
    struct dump_parts *p = CONTAINER_OF(parts, struct dump_parts, parts);
    struct snapshot_source *from = p->from;

    if (load_open_part(p->cx, from->repo, &from->file, &p->at[i], SNAPSHOT_WORKERS, &p->loads[i],
                       e))
        return err_code(e);
    *out = load_rd(p->loads[i]);
    return RC_OK;
}

static void
parts_end_one(struct load_parts *parts, uint32_t i)
{
    struct dump_parts *p = CONTAINER_OF(parts, struct dump_parts, parts);

    p->bytes += load_total(p->loads[i]);
    load_close(TAKE(p->loads[i]));
}

/* One blob, those of each part, one blob. False: they are not those of the file. */
static bool
parts_place(struct dump_parts *p, const size_t *blobs, size_t n_content)
{
    uint32_t n = p->parts.n;
    size_t at = 0;

    for (uint32_t i = 0; i < n + 2; i++) {
        struct load_part *one = &p->at[i];

        *one = (struct load_part){.first = at, .n_blobs = i == 0 || i > n ? 1 : blobs[i - 1]};
        one->lanes = (unsigned)MIN(n, (uint32_t)LOAD_LANES);
        if (one->n_blobs > n_content - at)
            return false;
        at += one->n_blobs;
    }
    return at == n_content;
}

/* Is the first blob what stands before the parts, and nothing else? The chunks of other programs are not cut there. */
static enum rc
parts_check_begin(struct dump_parts *p, bool *is, struct err *e)
{
    CLEANUP(buf_release) struct buf want = BUF_INIT(PARTS_BEGIN_MAX);
    CLEANUP(buf_release) struct buf have = BUF_INIT(PARTS_BEGIN_MAX);
    struct err longer = ERR_INIT;
    struct wr_buf to;
    struct rd *in;
    enum rc rc;

    wr_buf_init(&to, &want);
    if (parts_begin(&to.wr, e) || parts_begin_one(&p->parts, 0, &in, e))
        return err_code(e);
    wr_buf_init(&to, &have);
    rc = stream_copy(in, &to.wr, NULL, &longer);
    load_close(TAKE(p->loads[0]));
    if (rc != RC_OK && rc != RC_LIMIT) {
        *e = longer;
        return rc;
    }
    *is = rc == RC_OK && str_eq(buf_str(&want), buf_str(&have));
    return RC_OK;
}

enum rc
dump_parts_open(struct ctx *cx, struct snapshot_source *from, struct dump_parts *p, struct err *e)
{
    size_t *blobs = NULL, n = 0;
    bool stored_so = false;
    enum rc rc = RC_OK;

    *p = (struct dump_parts){
        .cx = cx, .from = from, .parts = {.open = parts_begin_one, .close = parts_end_one}};
    if (from->manifest.n != 0 && !from->snap.repaired) /* of such a one it says what it was */
        rc = manifest_parts(buf_str(&from->manifest), &blobs, &n, e);
    if (rc == RC_OK && n > 1 && n <= PARTS_MAX) {
        p->parts.n = (uint32_t)n;
        p->at = mem_zero(n + 2, sizeof(*p->at));
        p->loads = mem_zero(n + 2, sizeof(struct load *)); /* NOLINT */
        if (parts_place(p, blobs, from->file.n_content))
            rc = parts_check_begin(p, &stored_so, e);
        if (rc == RC_OK && !stored_so) {
            log_info("the dump is not stored in the parts that its manifest tells: it is read in "
                     "order");
            p->parts.n = 0;
        }
    }
    mem_free(blobs);
    return rc;
}

enum rc
dump_parts_end(const struct dump_parts *p, struct err *e)
{
    if (p->bytes == p->from->file.size)
        return RC_OK;
    return err_set(e, RC_CORRUPT, "the file has %llu bytes, but its tree says %llu",
                   (unsigned long long)p->bytes, (unsigned long long)p->from->file.size);
}

void
dump_parts_close(struct dump_parts *p)
{
    mem_free(p->at);
    mem_free(p->loads);
    *p = (struct dump_parts){.bytes = 0};
}
