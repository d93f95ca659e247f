/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of a dump: one stream, or its parts in turn, so that all masters of a cluster have work. */
#include "base/mem.h"
#include "redis/load_internal.h"

enum { LANE_TURN = 128 * 1024 }; /* bytes of one part, before the next one has its turn */

enum rc
load_lane_failed(const struct load_lane *lane, struct err *e)
{
    return lane->part.n == 0 ? err_code(e)
                             : err_wrap(e, "part %u of %u", lane->part.i, lane->part.n);
}

/* To the end of the stream, `*over`, or, when at least `most` bytes are passed, to that of a key. */
static enum rc
pass_lane(struct load *l, uint64_t most, bool *over, struct err *e)
{
    struct load_lane *lane = l->lane;
    uint64_t start = l->result->bytes;

    for (;;) {
        bool paused = false;

        if (!lane->waits && resp_reader_next(&lane->reader, &lane->next, over, e))
            return load_lane_failed(lane, e);
        if (*over)
            return RC_OK;
        if (!lane->waits && l->result->bytes - start >= most &&
            resp_reader_is_small(&lane->reader) &&
            dump_decode_pause(lane->undump, &lane->next, &paused, e))
            return load_lane_failed(lane, e);
        lane->waits = paused;
        if (paused) {
            l->in_key = false;
            return RC_OK;
        }
        if (load_pass(l, &lane->next, e))
            return err_code(e);
    }
}

static enum rc
pass_stream(struct load *l, struct rd *in, struct err *e)
{
    bool over = false;
    enum rc rc;

    l->lane = &l->whole;
    resp_reader_init(&l->whole.reader, in);
    rc = pass_lane(l, UINT64_MAX, &over, e);
    if (rc == RC_OK)
        rc = load_place_end(l, e);
    resp_reader_release(&l->whole.reader);
    return rc;
}

/* What stands around the parts. */
static enum rc
pass_around(struct load *l, uint32_t i, struct err *e)
{
    struct load_parts *p = l->opts->parts;
    struct rd *in;
    enum rc rc;

    if (p->open(p, i, &in, e))
        return err_code(e);
    rc = pass_stream(l, in, e);
    p->close(p, i);
    return rc;
}

static enum rc
lane_begin(struct load *l, struct load_lane *lane, uint32_t i, struct err *e)
{
    struct load_parts *p = l->opts->parts;
    struct rd *in;

    *lane = (struct load_lane){.part = {.i = i, .n = p->n}};
    if (dump_decode_part(l->whole.undump, lane->part, &lane->undump, e))
        return err_code(e);
    if (p->open(p, i, &in, e)) {
        dump_decode_free(TAKE(lane->undump));
        return err_code(e);
    }
    resp_reader_init(&lane->reader, in);
    return RC_OK;
}

static void
lane_end(struct load *l, struct load_lane *lane)
{
    resp_reader_release(&lane->reader);
    dump_decode_free(TAKE(lane->undump));
    l->opts->parts->close(l->opts->parts, lane->part.i);
}

/* The next turn of the lane; a new part, when its own is over. */
static enum rc
lane_turn(struct load *l, struct load_lane *lane, uint32_t *next, struct dump_part *done,
          struct err *e)
{
    bool over = false;

    l->lane = lane;
    if (pass_lane(l, LANE_TURN, &over, e))
        return err_code(e);
    if (!over)
        return RC_OK;
    if (dump_decode_part_end(lane->undump, &done[lane->part.i - 1], e))
        return err_code(e);
    if (load_place_end(l, e))
        return load_lane_failed(lane, e);
    l->lane = &l->whole;
    lane_end(l, lane);
    return *next > l->opts->parts->n ? RC_OK : lane_begin(l, lane, (*next)++, e);
}

static enum rc
pass_parts(struct load *l, struct dump_part *done, struct err *e)
{
    struct load_lane lanes[LOAD_LANES] = {{.waits = false}};
    uint32_t next = 1;
    size_t running = 1;
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < LOAD_LANES && next <= l->opts->parts->n; i++)
        rc = lane_begin(l, &lanes[i], next++, e);
    while (rc == RC_OK && running != 0) {
        running = 0;
        for (size_t i = 0; rc == RC_OK && i < LOAD_LANES; i++)
            if (lanes[i].undump != NULL) {
                rc = lane_turn(l, &lanes[i], &next, done, e);
                running++;
            }
    }
    l->lane = &l->whole;
    for (size_t i = 0; i < LOAD_LANES; i++)
        if (lanes[i].undump != NULL)
            lane_end(l, &lanes[i]);
    return rc;
}

enum rc
load_pass_all(struct load *l, struct rd *dump, struct err *e)
{
    struct load_parts *p = l->opts->parts;
    struct dump_part *done;
    enum rc rc;

    if (p == NULL)
        return pass_stream(l, dump, e);
    BUG_ON(p->n == 0 || p->n > PARTS_MAX);
    done = mem_zero(p->n, sizeof(*done));
    rc = pass_around(l, 0, e);
    if (rc == RC_OK)
        rc = pass_parts(l, done, e);
    for (uint32_t i = 0; rc == RC_OK && i < p->n; i++)
        rc = dump_decode_join(l->whole.undump, &done[i], e);
    if (rc == RC_OK)
        rc = pass_around(l, p->n + 1, e);
    mem_free(done);
    return rc;
}
