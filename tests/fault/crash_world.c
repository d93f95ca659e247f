/* SPDX-License-Identifier: Apache-2.0 */
/* The repository from which everything starts, and its copies. */
#include "crash.h"
#include "t.h"

#include "base/mem.h"
#include "crypto/sha256.h"
#include "repo/load.h"
#include "repo/save.h"
#include "store/mem.h"

enum { FILES = 4, FILE_STEP = 2, FILE_BYTES = 20000, OBJECT_MAX = 1 << 24 };

struct ctx cx;
const struct fault_plan no_fault = {.at = 0};

struct before before;

enum rc
open_repo(struct store *s, struct repo **out, struct err *e)
{
    static const struct lock_pace quick = {
        .settle = 0, .renew = 60000, .repeat = 1000, .lost = 120000};
    enum rc rc = repo_open(&cx, s, STR_LIT("pw"), out, e);

    if (rc == RC_WRONG_PASSWORD)
        rc = repo_open(&cx, s, STR_LIT("new"), out, e);
    if (rc == RC_OK)
        repo_set_lock_pace(*out, quick);
    return rc;
}

bool
opens_with(struct store *s, const char *password)
{
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    bool opens = repo_open(&cx, s, str_c(password), &r, &e) == RC_OK;

    repo_close(r);
    return opens;
}

static void
file_bytes(unsigned seed, uint8_t out[static FILE_BYTES])
{
    uint64_t z = seed;

    for (size_t i = 0; i < FILE_BYTES; i++) {
        z = z * 6364136223846793005ULL + 1442695040888963407ULL;
        out[i] = (uint8_t)(z >> 60 | 0x60); /* text that compresses a little */
    }
}

/* Files `first` and after, each a blob of its own: neighbours share most of them. */
enum rc
save_files(struct repo *r, unsigned first, struct err *e)
{
    static const char *const tags[] = {"t"};
    struct save_opts opts = {.workers = 2, .pack_mib = 1};
    struct save_meta meta = {
        .hostname = "host-0", .tags = tags, .n_tags = 1, .path = "/f", .time = instant_now()};
    uint8_t bytes[FILE_BYTES];
    struct save *s = NULL;
    enum rc rc = save_open(&cx, r, &opts, &s, e);

    for (unsigned i = first; rc == RC_OK && i < first + FILES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "f%u", i);
        file_bytes(i, bytes);
        rc = wr_write(save_file(s), bytes, FILE_BYTES, e);
        if (rc == RC_OK)
            rc = save_file_end(s, name, e);
    }
    if (rc == RC_OK)
        return save_commit(s, &meta, NULL, NULL, e);
    save_abort(s);
    return rc;
}

struct hashing {
    struct repo *repo;
    const struct id *tree;
    struct sha256 *sum;
};

static enum rc
hash_file(void *arg, const char *path, uint64_t size, struct err *e)
{
    struct hashing *h = arg;
    CLEANUP(buf_release) struct buf bytes = BUF_INIT(OBJECT_MAX);
    struct file_info f = {.size = 0};
    struct wr_buf to;
    enum rc rc = load_find_file(&cx, h->repo, h->tree, path, &f, e);

    (void)size;
    wr_buf_init(&to, &bytes);
    if (rc == RC_OK)
        rc = load_copy(&cx, h->repo, &f, 1, &to.wr, e);
    file_info_release(&f);
    sha256_add(h->sum, path, strlen(path) + 1);
    sha256_add(h->sum, bytes.p, bytes.n);
    return rc;
}

void
hash_tree(struct repo *r, const struct id *tree, struct id *out)
{
    struct sha256 sum;
    struct hashing h = {.repo = r, .tree = tree, .sum = &sum};
    struct err e = ERR_INIT;

    sha256_init(&sum);
    T_OK(load_list_files(&cx, r, tree, hash_file, &h, &e));
    sha256_end(&sum, out);
}

struct store *
new_store(bool init)
{
    struct repo_init_opts fast = {.fast_kdf = true};
    struct store *s = store_fault_new(store_mem_new(), no_fault);
    struct err e = ERR_INIT;
    struct id id;

    if (init)
        T_OK(repo_init(&cx, s, STR_LIT("pw"), &fast, &id, &e));
    return s;
}

static struct known
last_saved(struct repo *r)
{
    struct snapshot last;
    struct err e = ERR_INIT;
    struct known k;

    T_OK(snapshot_find(&cx, r, "latest", NULL, &last, &e));
    T_OK(repo_load_index(&cx, r, &e));
    k = (struct known){.tree = last.tree, .time = last.time};
    hash_tree(r, &k.tree, &k.content);
    snapshot_release(&last);
    return k;
}

/* The index files do not become durable: the packs stay without a name. */
static void
leave_packs(struct store *s, struct repo *r, unsigned first)
{
    struct fault_plan plan = {.at = 1, .dead = true, .types = 1U << STORE_INDEX};
    struct err e = ERR_INIT;

    store_fault_plan(s, plan);
    T_RC(save_files(r, first, &e), RC_IO);
    store_fault_plan(s, no_fault);
}

/*
 * Snapshots that share blobs, each blob of the first two stored twice; a pack of which half is
 * needed; packs that nobody knows.
 */
void
prepare(void)
{
    static const unsigned first[SNAPSHOTS] = {0, 0, FILE_STEP, 2 * FILE_STEP, 30 + FILE_STEP};
    struct store *s = new_store(true);
    struct repo *r = NULL, *unaware = NULL;
    struct snapshot gone;
    struct err e = ERR_INIT;

    T_OK(open_repo(s, &r, &e));
    T_OK(open_repo(s, &unaware, &e));
    T_OK(save_files(r, 30, &e));
    T_OK(snapshot_find(&cx, r, "latest", NULL, &gone, &e));
    T_OK(repo_load_index(&cx, unaware, &e));
    for (size_t i = 0; i < SNAPSHOTS; i++) {
        T_OK(save_files(i == 1 ? unaware : r, first[i], &e));
        before.known[i] = last_saved(r);
    }
    T_OK(snapshot_forget(&cx, r, &gone.id, &e));
    snapshot_release(&gone);
    leave_packs(s, r, 60);
    repo_close(unaware);
    repo_close(r);
    before.full = s;
    before.empty = new_store(false);
}

int
known_as(const struct snapshot *s)
{
    for (int i = 0; i < SNAPSHOTS; i++)
        if (id_eq(&s->tree, &before.known[i].tree) &&
            instant_cmp(s->time, before.known[i].time) == 0)
            return i;
    return -1;
}

/* ---- copies ---- */

struct copying {
    struct store *from, *to;
    enum store_type type;
};

static enum rc
copy_object(void *arg, const struct id *id, uint64_t size, struct err *e)
{
    struct copying *c = arg;
    CLEANUP(buf_release) struct buf bytes = BUF_INIT(OBJECT_MAX);
    struct store_name name = {.type = c->type, .id = *id};

    /* As it is: half a pack does not have the hash that is its name. */
    if (c->type == STORE_CONFIG && c->from->ops->stat(&cx, c->from, &name, &size, e))
        return err_code(e);
    if (buf_reserve(&bytes, (size_t)size, e) ||
        (size != 0 && c->from->ops->get(&cx, c->from, &name, 0, bytes.p, (size_t)size, e)))
        return err_code(e);
    bytes.n = (size_t)size;
    return store_put_all(&cx, c->to, &name, buf_str(&bytes), e);
}

void
copy_store(struct store *from, struct store *to)
{
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    static const struct id none;
    struct copying c = {.from = from, .to = to, .type = STORE_CONFIG};
    struct err e = ERR_INIT;

    T_OK(to->ops->create(&cx, to, &e));
    if (copy_object(&c, &none, 0, &e) == RC_NOT_FOUND)
        return;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        c.type = types[i];
        T_OK(from->ops->list(&cx, from, c.type, copy_object, &c, &e));
    }
}

void
prepare_end(void)
{
    store_release(before.full);
    store_release(before.empty);
}
