/* SPDX-License-Identifier: Apache-2.0 */
/* Several streams at once that become one file. */
#include "base/mem.h"
#include "repo/save_internal.h"

enum { LANE_MOST = 1024 * 1024, LANE_LEAST = 256 * 1024 };

void
save_lanes(struct save *s, unsigned n)
{
    unsigned at_once = MIN(n, (unsigned)SAVE_LANES_MAX);
    size_t most = s->memory / 2 / at_once / SCAN_STEP * SCAN_STEP;

    most = MAX(MIN(most, (size_t)LANE_MOST), (size_t)LANE_LEAST);
    /* Each lane may hold a chunk and the rest behind it, whatever the others do. */
    if (n > 1)
        s->memory = MAX(s->memory, 2 * most * at_once);
    s->lanes = mem_zero(n, sizeof(*s->lanes));
    s->n_lanes = n;
    for (unsigned i = 0; i < n; i++)
        s->lanes[i] = (struct save_lane){
            .save = s, .wr = {.write = save_lane_write}, .most = n > 1 ? most : 0};
}

struct wr *
save_lane(struct save *s, unsigned i)
{
    struct save_lane *l = &s->lanes[i];

    if (l->filling != NULL) {
        l->filling->n = 0;
        chunk_scan_start(&l->scan);
    }
    l->bytes = 0;
    l->file = save_file_add(s);
    return &l->wr;
}

enum rc
save_lane_end(struct save *s, unsigned i, struct err *e)
{
    return save_lane_flush(&s->lanes[i], e);
}

size_t
save_lane_blobs(struct save *s, unsigned i)
{
    size_t n;

    (void)pthread_mutex_lock(&s->mutex);
    n = s->files[s->lanes[i].file].n;
    (void)pthread_mutex_unlock(&s->mutex);
    return n;
}

uint64_t
save_lane_bytes(struct save *s, unsigned i)
{
    return s->lanes[i].bytes;
}

enum rc
save_lanes_end(struct save *s, const char *name, struct err *e)
{
    size_t whole = save_file_add(s);
    struct save_file_info *f = &s->files[whole];

    f->parts = mem_zero(s->n_lanes, sizeof(*f->parts));
    f->n_parts = s->n_lanes;
    for (unsigned i = 0; i < s->n_lanes; i++) {
        f->parts[i] = s->lanes[i].file;
        f->bytes += s->files[s->lanes[i].file].bytes;
    }
    mem_free(s->lanes);
    s->lanes = NULL;
    s->n_lanes = 0;
    return save_file_name(s, whole, name, e);
}
