/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_LOAD_H
#define REPO_LOAD_H

/*
 * repo/load -- a file of a snapshot as a stream.
 *
 * Shape    load_find_file, load_open, read, load_close.
 * Stages   worker threads fetch runs of blobs (blob_batch.h), open, decompress and check them ahead
 *          of the reader, in at most LOAD_MEMORY bytes; the reader gets them in order.
 * Parts    load_open_part reads a part of the file, so that several can be read at once; load_open_range any bytes of it.
 * Errors   every byte was checked against its blob's hash before it is handed out. RC_CORRUPT names
 *          what is wrong. An error comes after the bytes before it.
 */
#include "base/stream.h"
#include "repo/repo.h"

enum { LOAD_MEMORY = 32 * 1024 * 1024 };

struct file_info {
    struct id *content; /* the blobs, in order */
    size_t n_content;
    uint64_t size; /* as the tree says */
};
void file_info_release(struct file_info *f);

/* `path` as in "dumpfile.resp" or "/a/b". RC_NOT_FOUND; RC_INVALID: not a regular file. */
NODISCARD enum rc load_find_file(struct ctx *cx, struct repo *r, const struct id *tree,
                                 const char *path, struct file_info *out, struct err *e);

/* A regular file of the snapshot: "/a/b", borrowed for the call. An error stops the walk. */
typedef enum rc load_list_fn(void *arg, const char *path, uint64_t size, struct err *e);
NODISCARD enum rc load_list_files(struct ctx *cx, struct repo *r, const struct id *tree,
                                  load_list_fn *fn, void *arg, struct err *e);

/*
 * Is every blob of the file, and the tree that names it, in the index, and the pack that holds it in the store, with the right
 * size? Nothing is read but a list of the packs. RC_CORRUPT names what is missing. The index is
 * loaded.
 */
NODISCARD enum rc load_prove(struct ctx *cx, struct repo *r, const struct id *tree,
                             const struct file_info *f, struct err *e);

struct load;

/* `f` is borrowed until load_close; workers 0: as many as processors, at most 4. A remote
 * store is always read by as many as it has connections. */
NODISCARD enum rc load_open(struct ctx *cx, struct repo *r, const struct file_info *f,
                            unsigned workers, struct load **out, struct err *e);

/*
 * A part of the file, beside others: n_blobs from `first` on. Of the workers, the connections and the memory it has what
 * falls to one of `lanes` that are read at once. Nobody compares its bytes with f->size: load_total tells them.
 */
struct load_part {
    size_t first, n_blobs;
    unsigned lanes;
};
NODISCARD enum rc load_open_part(struct ctx *cx, struct repo *r, const struct file_info *f,
                                 const struct load_part *part, unsigned workers, struct load **out,
                                 struct err *e);
/* The `n` bytes from `at` on, which cost the blobs that they are in. RC_CORRUPT: the file has not so many. */
NODISCARD enum rc load_open_range(struct ctx *cx, struct repo *r, const struct file_info *f,
                                  uint64_t at, uint64_t n, struct load **out, struct err *e);
/* What was read so far. */
uint64_t load_total(const struct load *l);
/* The stream; the blobs together must have f->size bytes, else its end is RC_CORRUPT. */
struct rd *load_rd(struct load *l);
/* All of it into `to`. */
NODISCARD enum rc load_copy(struct ctx *cx, struct repo *r, const struct file_info *f,
                            unsigned workers, struct wr *to, struct err *e);
/* NULL is a no-op. */
void load_close(struct load *l);

#endif
