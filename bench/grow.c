/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grow -- fill a local repository with years of backups, without their data.
 *
 *   grow PACKS SNAPSHOTS     into $RESTIC_REPOSITORY (made before), with $RESTIC_PASSWORD
 *
 * Packs of data are files with holes, of the size that the index says, so that all is there but the
 * bytes; trees, snapshots and index files are real. Every 20th pack is used by no snapshot. Each
 * snapshot has one file of BLOBS_OF_FILE blobs, of which most were in the one before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "crypto/sha256.h"
#include "repo/blob_writer.h"
#include "repo/format/tree.h"
#include "repo/snapshots.h"

enum {
    BLOBS_OF_PACK = 10,
    BLOB_BYTES = 1600000,
    BLOBS_OF_FILE = 700, /* a dump of 1.4 GB */
    PACKS_OF_INDEX = 5000,
    UNUSED_EVERY = 20,
    HOUR = 3600
};

struct grow {
    struct ctx cx;
    const char *folder;
    struct repo *repo;
    struct pack_entry *blobs; /* of all packs */
    size_t n_packs;
};

static enum rc
make_pack(struct grow *g, const struct id *id, size_t at, struct err *e)
{
    char hex[ID_TEXT];
    char *path = mem_printf("%s/data/%.2s", g->folder, id_hex(id, hex));
    uint64_t bytes = pack_file_bytes(g->blobs + at * BLOBS_OF_PACK, BLOBS_OF_PACK);
    int fd;

    (void)mkdir(path, 0700);
    mem_free(path);
    path = mem_printf("%s/data/%.2s/%s", g->folder, hex, hex);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    mem_free(path);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0 || close(fd) != 0)
        return err_sys(e, errno, "could not make a pack");
    return RC_OK;
}

static enum rc
make_index(struct grow *g, size_t first, size_t n, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(INDEX_TEXT_MAX);
    struct index_pack *packs = (struct index_pack *)mem_zero(n, sizeof(*packs));
    struct id id;
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < n; i++) {
        packs[i] = (struct index_pack){.blobs = g->blobs + (first + i) * BLOBS_OF_PACK,
                                       .n = BLOBS_OF_PACK};
        rand_bytes(&packs[i].id, sizeof(packs[i].id));
        rc = make_pack(g, &packs[i].id, first + i, e);
    }
    if (rc == RC_OK)
        rc = index_encode(packs, n, &text, e);
    if (rc == RC_OK)
        rc = unpacked_save(&g->cx, g->repo, STORE_INDEX, buf_str(&text), &id, NULL, e);
    mem_free(packs);
    return rc;
}

static enum rc
make_packs(struct grow *g, struct err *e)
{
    g->blobs = (struct pack_entry *)mem_zero(g->n_packs * BLOBS_OF_PACK, sizeof(*g->blobs));
    for (size_t i = 0; i < g->n_packs * BLOBS_OF_PACK; i++) {
        struct pack_entry *b = &g->blobs[i];

        rand_bytes(&b->id, sizeof(b->id));
        b->sealed = BLOB_BYTES + (uint32_t)b->id.b[0] * 100;
        b->plain = b->sealed + b->sealed / 3;
        b->offset = i % BLOBS_OF_PACK == 0 ? 0 : b[-1].offset + b[-1].sealed;
    }
    for (size_t at = 0; at < g->n_packs; at += PACKS_OF_INDEX)
        if (make_index(g, at, MIN(g->n_packs - at, (size_t)PACKS_OF_INDEX), e))
            return e->code;
    return RC_OK;
}

/* The tree of snapshot `at` of `all`. */
static enum rc
make_tree(struct grow *g, struct blob_writer *w, size_t at, size_t all, struct instant time,
          struct id *id, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(TREE_MAX);
    size_t n_blobs = g->n_packs * BLOBS_OF_PACK, n = 0;
    struct id content[BLOBS_OF_FILE];
    struct tree_node node = {.name = STR_LIT("dumpfile.resp"),
                             .type = NODE_FILE,
                             .mode = NODE_MODE_FILE,
                             .time = time,
                             .content = content};

    for (size_t i = (n_blobs - BLOBS_OF_FILE) * at / all; n < BLOBS_OF_FILE && i < n_blobs; i++) {
        if (i / BLOBS_OF_PACK % UNUSED_EVERY == UNUSED_EVERY / 2)
            continue;
        node.size += pack_entry_plain(&g->blobs[i]);
        content[n++] = g->blobs[i].id;
    }
    node.n_content = n;
    if (buf_add(&text, (const uint8_t[SEAL_IV]){0}, SEAL_IV, e) ||
        tree_encode(&node, 1, &text, e) || buf_reserve(&text, SEAL_MAC, e))
        return e->code;
    sha256_of(str_of(text.p + SEAL_IV, text.n - SEAL_IV), id);
    return blob_writer_add(w, BLOB_TREE, id, text.p + SEAL_IV, text.n - SEAL_IV, e);
}

static enum rc
make_snapshots(struct grow *g, size_t all, struct err *e)
{
    struct instant now = instant_now();
    struct id *trees = (struct id *)mem_zero(all, sizeof(*trees));
    char path_of_all[] = "/dumpfile.resp", host[] = "host-0", user[] = "root";
    char *path = path_of_all;
    struct blob_writer *w = NULL;
    enum rc rc = blob_writer_open(&g->cx, g->repo, NULL, &w, e);

    for (size_t i = 0; rc == RC_OK && i < all; i++)
        rc = make_tree(g, w, i, all, now, &trees[i], e);
    if (rc == RC_OK)
        rc = blob_writer_finish(TAKE(w), e);
    blob_writer_abort(w);
    for (size_t i = 0; rc == RC_OK && i < all; i++) {
        struct snapshot s = {.tree = trees[i],
                             .time = now,
                             .hostname = host,
                             .username = user,
                             .paths = &path,
                             .n_paths = 1};

        s.time.sec -= (int64_t)(all - i) * HOUR;
        rc = snapshot_save(&g->cx, g->repo, &s, e);
    }
    mem_free(trees);
    return rc;
}

int
main(int argc, char **argv)
{
    const char *password = getenv("RESTIC_PASSWORD");
    struct grow g = {.folder = getenv("RESTIC_REPOSITORY")};
    struct store *s = NULL;
    struct err e = ERR_INIT;
    enum rc rc;

    if (argc != 3 || password == NULL || g.folder == NULL) {
        (void)fputs("usage: grow PACKS SNAPSHOTS\n", stderr);
        return 2;
    }
    g.n_packs = strtoul(argv[1], NULL, 10);
    rc = ctx_init(&g.cx, &e);
    if (rc == RC_OK)
        rc = store_open(g.folder, NULL, &s, &e);
    if (rc == RC_OK)
        rc = repo_open(&g.cx, s, str_c(password), &g.repo, &e);
    if (rc == RC_OK)
        rc = make_packs(&g, &e);
    if (rc == RC_OK)
        rc = make_snapshots(&g, strtoul(argv[2], NULL, 10), &e);
    if (rc)
        (void)fprintf(stderr, "grow: %s\n", e.msg);
    mem_free(g.blobs);
    repo_close(g.repo);
    store_release(s);
    ctx_release(&g.cx);
    return rc == RC_OK ? 0 : 1;
}
