/* SPDX-License-Identifier: Apache-2.0 */
/* How far a load is, so that a later one can go on from there. */
#include "base/clock.h"
#include "base/mem.h"
#include "redis/load_internal.h"

enum { PLACE_BYTES = 1024 * 1024, PLACE_TICKS = 1024, PLACE_MS = 250 };

static uint32_t
lane_stream(const struct load_lane *lane)
{
    return lane->part.n == 0 ? 0 : lane->part.i;
}

enum rc
load_place_open(struct load *l, struct err *e)
{
    l->streams.n = l->opts->parts != NULL ? l->opts->parts->n + 1 : 1;
    l->streams.whole = mem_zero(l->streams.n, sizeof(*l->streams.whole));
    l->streams.failed = mem_zero(l->streams.n, sizeof(*l->streams.failed));
    if (l->opts->from == NULL)
        return RC_OK;
    if (l->opts->from->n != l->streams.n)
        return err_set(e, RC_CONFLICT,
                       "the unfinished load was one of %u streams, and this is one of %u",
                       l->opts->from->n, l->streams.n);
    l->result->emptied = l->opts->from->emptied;
    l->result->lost_pending = l->opts->from->lost_pending;
    return RC_OK;
}

void
load_place_close(struct load *l)
{
    mem_free(l->streams.whole);
    mem_free(l->streams.failed);
}

void
load_place_key(struct load *l)
{
    l->streams.whole[lane_stream(l->lane)] = l->lane->keys++;
}

bool
load_place_passed(const struct load *l)
{
    return l->opts->from != NULL && l->lane->keys <= l->opts->from->keys[lane_stream(l->lane)];
}

enum rc
load_place_end(struct load *l, struct err *e)
{
    uint32_t i = lane_stream(l->lane);

    /* The one that stands around the parts has no keys, and comes twice. */
    l->streams.whole[i] = l->lane->keys;
    if (l->opts->from == NULL || l->opts->from->keys[i] <= l->lane->keys)
        return RC_OK;
    return err_set(e, RC_CORRUPT,
                   "%llu keys are said to be there of a dump, or a part of one, that has %llu",
                   (unsigned long long)l->opts->from->keys[i], (unsigned long long)l->lane->keys);
}

void
load_streams_fail(struct load_streams *s, const struct pipeline_note *n)
{
    if (s != NULL && n->has_key && n->key_no != 0 &&
        (s->failed[n->stream] == 0 || n->key_no < s->failed[n->stream]))
        s->failed[n->stream] = n->key_no;
}

void
load_note(const struct load *l, struct pipeline_note *n, const struct cmd *c,
          const struct command_class *k)
{
    pipeline_note(n, c, k);
    n->key_no = l->lane->keys;
    n->stream = lane_stream(l->lane);
}

/* ---- where it is ---- */

/* The key is not there for good yet. */
static void
place_before(struct load_place *p, const struct pipeline_note *n)
{
    if (n->has_key && n->key_no != 0 && n->key_no <= p->keys[n->stream])
        p->keys[n->stream] = n->key_no - 1;
}

static void
place_of_node(struct load_place *p, const struct load_node *node)
{
    const struct pipeline *pump = &node->pump;

    for (uint32_t i = 0; i < pump->n; i++) {
        uint32_t at = pump->first + i;

        place_before(p, &pump->notes[at >= pump->cap ? at - pump->cap : at]);
    }
    for (size_t i = 0; i < node->ahead.n_cmds; i++)
        place_before(p, &node->ahead.cmds[i].note);
}

static void
place_tell(struct load *l)
{
    const struct load_place *from = l->opts->from;
    struct load_place now = {.n = l->streams.n,
                             .emptied = l->result->emptied,
                             .there = l->result->keys_there,
                             .lost_pending = l->result->lost_pending};

    now.keys = mem_alloc(now.n * sizeof(*now.keys));
    for (uint32_t i = 0; i < now.n; i++) {
        uint64_t failed = l->streams.failed[i];

        now.keys[i] = failed != 0 ? MIN(l->streams.whole[i], failed - 1) : l->streams.whole[i];
    }
    for (size_t i = 0; i < l->n_nodes; i++)
        place_of_node(&now, l->nodes[i]);
    for (size_t i = 0; i < l->redirects.n; i++)
        place_before(&now, &l->redirects.list[i].note);
    for (uint32_t i = 0; from != NULL && i < now.n; i++) /* what was passed is there still */
        now.keys[i] = MAX(now.keys[i], from->keys[i]);
    if (from != NULL)
        now.there = MAX(now.there, from->there);
    l->opts->placed(l->opts->placed_arg, &now);
    mem_free(now.keys);
}

enum rc
load_place_begin(struct load *l, struct err *e)
{
    if (l->placed_ms != 0 || (l->opts->placed == NULL && l->opts->from == NULL))
        return RC_OK;
    if (dump_decode_facts(l->whole.undump).ours) {
        l->placed_ms = clock_mono_ms();
        if (l->opts->placed != NULL)
            place_tell(l);
        return RC_OK;
    }
    if (l->opts->from == NULL)
        return RC_OK;
    return err_set(e, RC_UNSUPPORTED,
                   "the dump is not one of cstash: whether a key is there in part cannot be told");
}

void
load_place_tell(struct load *l, bool now)
{
    if (l->opts->placed == NULL || l->placed_ms == 0)
        return;
    if (!now && l->result->bytes - l->placed < PLACE_BYTES && l->ticks % PLACE_TICKS != 0)
        return;
    l->placed = l->result->bytes;
    if (!now && clock_mono_ms() - l->placed_ms < PLACE_MS)
        return;
    l->placed_ms = clock_mono_ms();
    place_tell(l);
}
