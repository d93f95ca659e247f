/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/repository -- a whole repository whose files somebody without the password has changed. Each
 * seven bytes of the input are one deed. Then everything is tried on it. What is handed out must be
 * what was saved; what check finds clean must be readable, and clean after a prune too. Key files
 * that are within the limits of scrypt, but slow, are not made here.
 */
#include "base/mem.h"
#include "crypto/sha256.h"
#include "maintain/check.h"
#include "repo/key.h"
#include "repo/load.h"
#include "maintain/prune.h"
#include "repo/repo_internal.h"
#include "repo/save.h"
#include "repo/snapshots.h"
#include "store/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { DEED = 7, DEEDS_MAX = 64, OBJECTS_MAX = 64, OBJECT_MAX = 1 << 20, TEXT = 3000 };
#define WORK_MAX (1ULL << 14)

struct object {
    struct store_name name;
    struct buf bytes;
};

static struct ctx cx = {.fd = -1};
static struct object objects[OBJECTS_MAX]; /* as they were */
static size_t n_objects;
static const struct lock_pace quick = {.settle = 0, .renew = 60000, .repeat = 60000, .lost = 60000};

/* ---- the repository before ---- */

static void
text_of(unsigned seed, uint8_t out[static TEXT])
{
    for (size_t i = 0; i < TEXT; i++)
        out[i] = (uint8_t)('a' + (i / 7 * (seed + 1) + i % 7) % 26);
}

static void
save(struct repo *r, unsigned seed)
{
    struct save_opts opts = {.workers = 1, .pack_mib = 1};
    struct save_meta meta = {.hostname = "h", .path = "/f", .time = {.sec = 1700000000 + seed}};
    struct save *s = NULL;
    struct err e = ERR_INIT;
    uint8_t text[TEXT];

    text_of(seed, text);
    BUG_ON(save_open(&cx, r, &opts, &s, &e) != RC_OK);
    BUG_ON(wr_write(save_file(s), text, TEXT, &e) != RC_OK);
    BUG_ON(save_file_end(s, "f", &e) != RC_OK);
    BUG_ON(save_commit(s, &meta, NULL, NULL, &e) != RC_OK);
}

struct taking {
    struct store *store;
    enum store_type type;
};

static enum rc
take(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct taking *t = arg;
    struct object *o = &objects[n_objects++];

    (void)bytes;
    BUG_ON(n_objects == OBJECTS_MAX);
    o->name = (struct store_name){.type = t->type, .id = *id};
    buf_init(&o->bytes, OBJECT_MAX);
    return store_get_all(&cx, t->store, &o->name, &o->bytes, e);
}

static void
prepare(void)
{
    struct repo_init_opts opts = {.fast_kdf = true};
    struct taking t = {.store = store_mem_new()};
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    struct id id = {{0}};

    BUG_ON(repo_init(&cx, t.store, STR_LIT("pw"), &opts, &id, &e) != RC_OK);
    BUG_ON(repo_open(&cx, t.store, STR_LIT("pw"), &r, &e) != RC_OK);
    repo_set_lock_pace(r, quick);
    for (unsigned i = 0; i < 3; i++)
        save(r, i);
    BUG_ON(repo_lock(&cx, r, false, &e) != RC_OK);
    t.type = STORE_CONFIG;
    (void)take(&t, &id, 0, &e);
    for (t.type = STORE_KEY; t.type <= STORE_PACK; t.type++)
        BUG_ON(t.store->ops->list(&cx, t.store, t.type, take, &t, &e) != RC_OK);
    repo_close(r);
    store_release(t.store);
}

/* ---- deeds ---- */

static void
put(struct store *s, const struct store_name *name, struct str bytes)
{
    struct err e = ERR_INIT;

    BUG_ON(store_put_all(&cx, s, name, bytes, &e) != RC_OK);
}

/* A key file with any parameters and the hash that it must have. */
static void
put_key(struct store *s, const uint8_t *d)
{
    struct key_file *k = MEM_NEW(struct key_file);
    struct buf text = BUF_INIT(KEY_FILE_MAX);
    struct store_name name = {.type = STORE_KEY};
    struct err e = ERR_INIT;
    uint64_t work;

    k->params = (struct scrypt_params){1ULL << d[0] % 64, (uint32_t)d[1] << d[2] % 24,
                                       (uint32_t)d[3] << d[4] % 24};
    k->sealed_bytes = d[5];
    work = scrypt_work(k->params);
    if (work <= WORK_MAX || work > SCRYPT_MAX_WORK) {
        BUG_ON(key_file_encode(k, &text, &e) != RC_OK);
        sha256_of(buf_str(&text), &name.id);
        put(s, &name, buf_str(&text));
    }
    buf_release(&text);
    mem_free(k);
}

static void
put_many(struct store *s, enum store_type type, unsigned n)
{
    struct store_name name = {.type = type};

    for (unsigned i = 0; i < n; i++) {
        memcpy(name.id.b, &i, sizeof(i));
        put(s, &name, STR_LIT("bogus"));
    }
}

static const struct object *
pick(uint8_t which)
{
    BUG_ON(n_objects == 0);
    return &objects[which % n_objects];
}

static void
act(struct store *s, const uint8_t d[static DEED])
{
    const struct object *o = pick(d[1]), *other = pick(d[2]);
    size_t at = (d[3] | (size_t)d[4] << 8) % (o->bytes.n + 1);
    CLEANUP(mem_free_ptr) uint8_t *copy = mem_alloc(o->bytes.n + 1);
    struct store_name name = {.type = (enum store_type)(d[2] % 6)};
    struct err e = ERR_INIT;

    memcpy(copy, o->bytes.p, o->bytes.n);
    switch (d[0] % 7) {
    case 0: /* it goes */
        BUG_ON(s->ops->del(&cx, s, &o->name, &e) != RC_OK);
        break;
    case 1: /* bytes are altered */
        if (at < o->bytes.n)
            copy[at] ^= d[5] | 1;
        put(s, &o->name, str_of(copy, o->bytes.n));
        break;
    case 2: /* it is cut */
        put(s, &o->name, str_of(copy, at));
        break;
    case 3: /* it gets another's bytes */
        put(s, &o->name, buf_str(&other->bytes));
        break;
    case 4: /* its bytes, or a part, as another kind, with a fitting name */
        sha256_of(str_of(copy, o->bytes.n - at / 2), &name.id);
        put(s, &name, str_of(copy, o->bytes.n - at / 2));
        break;
    case 5:
        put_key(s, d + 1);
        break;
    default:
        put_many(s, name.type, d[5]);
    }
}

/* ---- what is tried ---- */

static bool
is_clean(struct repo *r)
{
    struct check_opts opts = {.read_data = true, .workers = 1};
    struct check_result res;
    struct err e = ERR_INIT;

    return check_run(&cx, r, &opts, &res, &e) == RC_OK;
}

/* Load its file; must it work? */
static void
load(struct repo *r, const struct snapshot *snap, bool must)
{
    struct file_info f = {.size = 0};
    struct load *l = NULL;
    struct err e = ERR_INIT;
    uint8_t want[TEXT], got[TEXT + 1];
    size_t n = 0, some = 1;
    enum rc rc = load_find_file(&cx, r, &snap->tree, "f", &f, &e);

    text_of((unsigned)(snap->time.sec - 1700000000), want);
    if (rc == RC_OK)
        rc = load_open(&cx, r, &f, 1, &l, &e);
    while (rc == RC_OK && some != 0) {
        rc = rd_read(load_rd(l), got + n, sizeof(got) - n, &some, &e);
        n += rc == RC_OK ? some : 0;
    }
    if (n > TEXT || memcmp(got, want, n) != 0 || (rc == RC_OK && n != TEXT))
        BUG("what was handed out is not what was saved");
    if (must && rc != RC_OK)
        BUG("clean, but not readable: %s", e.msg);
    load_close(l);
    file_info_release(&f);
}

static void
load_all(struct repo *r, bool must)
{
    struct snapshot *list = NULL;
    struct err e = ERR_INIT;
    size_t n = 0;
    enum rc rc = snapshots_list(&cx, r, &list, &n, &e);

    BUG_ON(must && rc != RC_OK);
    if (rc == RC_OK)
        rc = repo_load_index(&cx, r, &e);
    for (size_t i = 0; rc == RC_OK && i < n; i++)
        load(r, &list[i], must);
    snapshots_free(list, n);
}

static void
try_all(struct store *s)
{
    struct prune_opts thorough = {.max_unused = {.kind = PRUNE_BYTES}, .repack_small = true};
    struct prune_stats stats;
    struct repo *r = NULL;
    struct err e = ERR_INIT;
    size_t removed;
    bool clean;

    if (repo_open(&cx, s, STR_LIT("pw"), &r, &e))
        return;
    repo_set_lock_pace(r, quick);
    BUG_ON(repo_lock(&cx, r, true, &e) == RC_OK && repo_lock_prove(&cx, r, &e) != RC_OK);
    repo_unlock(r);
    BUG_ON(repo_unlock_stale(&cx, r, false, &removed, &e) != RC_OK);
    BUG_ON(repo_unlock_stale(&cx, r, true, &removed, &e) != RC_OK);
    clean = is_clean(r);
    load_all(r, clean);
    if (prune_run(&cx, r, &thorough, &stats, &e) == RC_OK && clean && !is_clean(r))
        BUG("prune did harm");
    load_all(r, clean);
    repo_close(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct store *s;

    if (n_objects == 0)
        prepare();
    s = store_mem_new();
    for (size_t i = 0; i < n_objects; i++)
        put(s, &objects[i].name, buf_str(&objects[i].bytes));
    for (size_t at = 0; n - at >= DEED && at < (size_t)DEED * DEEDS_MAX; at += DEED)
        act(s, p + at);
    try_all(s);
    store_release(s);
    return 0;
}
