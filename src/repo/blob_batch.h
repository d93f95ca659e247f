/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_BLOB_BATCH_H
#define REPO_BLOB_BATCH_H

/*
 * repo/blob_batch -- data blobs that lie side by side in one pack, read with one request.
 *
 * Why      a request to a store that is far away costs a round trip, whatever its length.
 * Shape    blob_batch_pick chooses, blob_batch_bytes says how much memory they take, blob_batch_load
 *          fills it.
 * Memory   stored bytes and plaintext share it: what is not compressed is opened where it came;
 *          what is, is read into the end of it and decompressed into its front, which must not
 *          catch up with what is still to come.
 * Errors   of a run that cannot be read, or a blob in it that is damaged, every blob in question is
 *          read again by itself (blob_load), so that the others come through and the message names
 *          it.
 */
#include "repo/blob.h"

enum {
    RUN_BLOBS = 8,        /* hashed side by side */
    RUN_GAP = 128 * 1024, /* between two that is read along: less than a round trip brings */
    RUN_PICK_MAX = 64
};

/* A blob that is wanted. */
struct run_blob {
    struct id id;
    struct blob_place place; /* as blob_find gave it */
    const uint8_t *p;        /* its blob_place_plain(&place) bytes, once loaded with RC_OK */
    enum rc rc;
    struct err err;
};

/*
 * Of wanted[0 .. n), n <= RUN_PICK_MAX, the first and those to read along with it: at most
 * RUN_BLOBS, in blob_batch_bytes of at most `max` (one alone may have more). How many; in their order
 * in the pack.
 */
size_t blob_batch_pick(struct run_blob *const *wanted, size_t n, size_t max,
                       struct run_blob *picked[static RUN_BLOBS]);
/* The memory for what blob_batch_pick gave. */
size_t blob_batch_bytes(struct run_blob *const *picked, size_t n);
/* Load them into `room` of blob_batch_bytes, where they stay. Sets p, rc and err of each. */
void blob_batch_load(struct ctx *cx, struct blob_reader *reader, struct run_blob *const *picked,
                     size_t n, uint8_t *room);

#endif
