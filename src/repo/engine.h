/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REPO_ENGINE_H
#define REPO_ENGINE_H

/*
 * repo/engine -- the repository for those who maintain it: what is in it, file by file, and how files
 * are published and removed.
 *
 * Why      who prunes, repairs, checks or copies needs the files and the index, but neither the lock's
 *          thread nor the key: those stay inside of repo/.
 * Beside   index.h (where blobs are), pack_reader.h, blob_writer.h, packer.h, tree_walk.h, blob.h.
 * Threads  any, but for what says otherwise. The index is only read after it was loaded.
 */
#include "base/parallel.h"
#include "base/stream.h"
#include "repo/format/config.h"
#include "repo/format/snapshot_json.h"
#include "repo/index.h"
#include "repo/repo.h"

/* The most that is read, or made, of each kind of file. */
enum {
    SNAPSHOT_MAX = 16 * 1024 * 1024,
    LOCK_FILE_MAX = 1024 * 1024,
    KEY_FILE_MAX = 1024 * 1024,
    CONFIG_MAX = 64 * 1024,
    INDEX_FILE_MAX = 256 * 1024 * 1024,  /* as stored; restic aims at 8 MiB */
    INDEX_TEXT_MAX = 1024 * 1024 * 1024, /* decoded; read as a stream */
    BLOB_MAX = 64 * 1024 * 1024,         /* data; restic cuts at 8 MiB */
    TREE_MAX = 1024 * 1024 * 1024
};

/* What it stands on, and how it was made. Borrowed, as long as the repository is open. */
const struct config *repo_config(const struct repo *r);
/* The key, as JSON that people may keep; secret. */
NODISCARD enum rc repo_master_key(const struct repo *r, struct buf *out, struct err *e);
/* The index, after it was loaded. Borrowed until it is loaded again. */
const struct index *repo_index(const struct repo *r);
/* Index files were changed, or could not all be read: whoever needs the index next loads it again. */
void repo_index_is_old(struct repo *r);
/* While on, what is written lets more be removed: it may use the store's reserve (docs/adr/0024). */
void repo_make_room(struct repo *r, bool on);
/* Was the reserve used, or is some due? */
bool repo_reserve_is_due(struct repo *r);

/* parallel_workers for work that mostly waits for the store. */
unsigned repo_workers(const struct repo *r);

/* Reads the plaintext of an unpacked file. */
typedef enum rc unpacked_fn(void *arg, struct rd *rd, struct err *e);

/* The most that is taken of a file: as it is stored, and of its text. */
struct unpacked_max {
    size_t stored, text;
};

/*
 * Unpacked files: snapshots, indexes, locks. The hash of the bytes must be the name. Errors name
 * the file.
 */
NODISCARD enum rc unpacked_read(struct ctx *cx, struct repo *r, const struct store_name *name,
                                struct unpacked_max max, unpacked_fn *fn, void *arg, struct err *e);
/* The whole text, appended to `out`; its ceiling holds. */
NODISCARD enum rc unpacked_load(struct ctx *cx, struct repo *r, const struct store_name *name,
                                struct buf *out, struct err *e);
/*
 * Seal (and compress) and store. `*id` gets the name and `*bytes` (may be NULL) the size, also when
 * the store failed: the file may be there all the same. In a store that is full, locks go into the room that was set aside, and so
 * does the rest while repo_make_room is on.
 */
NODISCARD enum rc unpacked_save(struct ctx *cx, struct repo *r, enum store_type type,
                                struct str text, struct id *id, uint64_t *bytes, struct err *e);

/*
 * The same for an index file or a snapshot, between two proofs of our lock, and then the store's word
 * is proven: what is published is believed by everybody. RC_LOCKED: the lock is gone. RC_IO,
 * RC_CORRUPT: the file is not there, or not whole (docs/adr/0028). Nothing stays of it then.
 */
NODISCARD enum rc repo_publish(struct ctx *cx, struct repo *r, enum store_type type,
                               struct str text, struct id *id, struct err *e);

/*
 * Remove files of one type, several at a time, our lock looked at before each (but of locks), and see that they are
 * gone: a store may say so and keep them (docs/adr/0028). RC_IO: names those that stayed. `*gone` (may
 * be NULL) counts the others, also then. Every removal that is reported goes through here.
 */
NODISCARD enum rc repo_remove(struct ctx *cx, struct repo *r, enum store_type type,
                              const struct id *ids, size_t n, size_t *gone, struct err *e);

/* Asked about an index file that cannot be read (one call at a time): RC_OK goes on without it.
 * What stood before the damage may have been taken. */
struct index_bad {
    enum rc (*fn)(void *arg, const struct id *file, struct err *e);
    void *arg;
};
/* As repo_load_index; `bad` may be NULL. */
NODISCARD enum rc index_load_but(struct ctx *cx, struct repo *r, const struct index_bad *bad,
                                 struct err *e);

/* Set room aside in the store for when it is full, as far as there is any. Returns how many bytes
 * are left; UINT64_MAX: not known. */
uint64_t repo_keep_reserve(struct ctx *cx, struct repo *r);

/* The index, loaded if it is not, or if a save has made it old. */
NODISCARD enum rc repo_need_index(struct ctx *cx, struct repo *r, struct err *e);

/* A list of IDs from the store. */
struct id_list {
    struct id *ids;
    uint64_t *bytes;
    size_t n, cap;
};
NODISCARD enum rc id_list_load(struct ctx *cx, struct repo *r, enum store_type type,
                               struct id_list *out, struct err *e);
void id_list_add(struct id_list *l, const struct id *id, uint64_t bytes);
void id_list_release(struct id_list *l);

#endif
