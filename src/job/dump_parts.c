/* SPDX-License-Identifier: Apache-2.0 */
#include "job/dump_parts.h"

#include "base/mem.h"
#include "job/manifest.h"

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

enum rc
dump_parts_open(struct ctx *cx, struct snapshot_source *from, struct dump_parts *p, struct err *e)
{
    size_t *blobs = NULL, n = 0;
    enum rc rc = RC_OK;

    *p = (struct dump_parts){
        .cx = cx, .from = from, .parts = {.open = parts_begin_one, .close = parts_end_one}};
    if (from->manifest.n != 0 && !from->snap.repaired) /* of such a one it says what it was */
        rc = manifest_parts(buf_str(&from->manifest), &blobs, &n, e);
    if (rc == RC_OK && n > 1 && n <= PARTS_MAX) {
        p->parts.n = (uint32_t)n;
        p->at = mem_zero(n + 2, sizeof(*p->at));
        p->loads = mem_zero(n + 2, sizeof(struct load *)); /* NOLINT */
        if (!parts_place(p, blobs, from->file.n_content)) {
            (void)err_set(e, RC_CORRUPT, "the manifest has another number of blobs than the dump");
            rc = err_hint(e, "cstash show writes the dump, and cstash load takes it without the "
                             "manifest");
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
