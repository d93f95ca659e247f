/* SPDX-License-Identifier: Apache-2.0 */
#include "repo/blob_batch.h"

#include "base/mem.h"
#include "codec/zstd.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"

static uint64_t
end_of(const struct run_blob *b)
{
    return (uint64_t)b->place.offset + b->place.sealed;
}

/* The wanted ones of the first one's pack, by offset; where the first one is among them. */
static size_t
sort_pack(struct run_blob *const *wanted, size_t n, struct run_blob *out[static RUN_PICK_MAX],
          size_t *first)
{
    size_t m = 1;

    out[0] = wanted[0];
    for (size_t i = 1; i < n; i++) {
        size_t at = m;
        if (!id_eq(&wanted[i]->place.pack, &wanted[0]->place.pack))
            continue;
        for (; at > 0 && out[at - 1]->place.offset > wanted[i]->place.offset; at--)
            out[at] = out[at - 1];
        out[at] = wanted[i];
        m++;
    }
    for (*first = 0; out[*first] != wanted[0]; (*first)++)
        continue;
    return m;
}

/* The stored bytes from the first one to the end of this one. */
static size_t
span_to(struct run_blob *const *picked, size_t i)
{
    return (size_t)(end_of(picked[i]) - picked[0]->place.offset);
}

/* How far behind the front stored bytes must begin, so that no plaintext catches up with them. */
static size_t
lead_of(struct run_blob *const *picked, size_t n)
{
    size_t lead = 0, out = 0;

    for (size_t i = 0; i < n; i++) {
        size_t plain = picked[i]->place.plain, need;
        out += blob_place_plain(&picked[i]->place);
        need = plain != 0 ? out + zstd_margin(plain) + SEAL_MAC : out;
        lead = MAX(lead, need - MIN(need, span_to(picked, i)));
    }
    return lead;
}

size_t
blob_batch_bytes(struct run_blob *const *picked, size_t n)
{
    return lead_of(picked, n) + span_to(picked, n - 1);
}

/* May b[0 .. n) be read at once, if those but one end may? The same blob may be wanted twice. */
static bool
may_join(struct run_blob *const *b, size_t n, size_t left, size_t max)
{
    uint64_t end = end_of(b[left]), next = b[left + 1]->place.offset;

    return n <= RUN_BLOBS && next >= end && next - end <= RUN_GAP && blob_batch_bytes(b, n) <= max;
}

size_t
blob_batch_pick(struct run_blob *const *wanted, size_t n, size_t max,
                struct run_blob *picked[static RUN_BLOBS])
{
    struct run_blob *b[RUN_PICK_MAX];
    size_t lo, hi, m = sort_pack(wanted, n, b, &lo);

    for (hi = lo + 1;;) {
        if (hi < m && may_join(b + lo, hi + 1 - lo, hi - 1 - lo, max))
            hi++;
        else if (lo > 0 && may_join(b + lo - 1, hi + 1 - lo, 0, max))
            lo--;
        else
            break;
    }
    for (size_t i = lo; i < hi; i++)
        picked[i - lo] = b[i];
    return hi - lo;
}

/* One by one, what did not come as it should. A store that is gone is not asked for all of them. */
static void
load_again(struct ctx *cx, struct blob_reader *reader, struct run_blob *const *bad,
           uint8_t *const *to, size_t n)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < n; i++) {
        if (rc == RC_OK || rc == RC_CORRUPT)
            rc = blob_load(cx, reader, BLOB_DATA, &bad[i]->id, to[i],
                           blob_place_plain(&bad[i]->place), &bad[i]->err);
        else
            bad[i]->err = bad[i - 1]->err;
        bad[i]->rc = rc;
    }
}

static bool
is_compressed(struct run_blob *const *picked, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (picked[i]->place.plain != 0)
            return true;
    return false;
}

/* The plaintext of what stands at `at` into `out`. */
static enum rc
unseal_to(struct blob_reader *reader, const struct blob_place *place, uint8_t *at, uint8_t *out,
          struct err *e)
{
    if (place->plain != 0)
        return blob_unseal(reader, place, at, out, e);
    if (blob_unseal(reader, place, at, at + SEAL_IV, e))
        return err_code(e);
    if (out != at + SEAL_IV)
        memmove(out, at + SEAL_IV, blob_place_plain(place));
    return RC_OK;
}

void
blob_batch_load(struct ctx *cx, struct blob_reader *reader, struct run_blob *const *picked,
                size_t n, uint8_t *room)
{
    struct store *s = reader->repo->store;
    struct store_name pack = {.type = STORE_PACK, .id = picked[0]->place.pack};
    uint64_t off = picked[0]->place.offset;
    bool moves = is_compressed(picked, n);
    uint8_t *read = room + lead_of(picked, n), *front = room, *to[RUN_BLOBS];
    struct run_blob *bad[RUN_BLOBS];
    struct str bytes[RUN_BLOBS];
    struct id got[RUN_BLOBS];
    struct err e = ERR_INIT;
    bool here = s->ops->get(cx, s, &pack, off, read, span_to(picked, n - 1), &e) == RC_OK;
    size_t n_bad = 0;

    for (size_t i = 0; i < n; i++) {
        const struct blob_place *place = &picked[i]->place;
        uint8_t *at = read + (place->offset - off);
        to[i] = moves ? front : at + SEAL_IV;
        front += blob_place_plain(place);
        bytes[i] = here && unseal_to(reader, place, at, to[i], &e) == RC_OK
                       ? str_of(to[i], blob_place_plain(place))
                       : str_of(NULL, 0);
    }
    sha256_many(bytes, n, got);
    for (size_t i = 0; i < n; i++) {
        picked[i]->p = to[i];
        picked[i]->rc = RC_OK;
        if (bytes[i].p != NULL && id_eq(&got[i], &picked[i]->id))
            continue;
        to[n_bad] = to[i];
        bad[n_bad++] = picked[i];
    }
    load_again(cx, reader, bad, to, n_bad);
}
