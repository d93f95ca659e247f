/* SPDX-License-Identifier: Apache-2.0 */
#include "base/queue.h"
#include "base/endian.h"
#include "base/mem.h"
#include "base/thread.h"
#include "crypto/sha256.h"
#include "repo/packer.h"

enum {
    TARGET_BYTES = 16 * 1024 * 1024,
    UPLOADS = 2,
    /* Two open packs, one that waits and five on their way: 28 to 35 MiB. */
    FAR_BYTES = 4 * 1024 * 1024,
    FAR_UPLOADS = 5,
    UPLOADS_MAX = 16,
    INDEX_BLOBS = 20000, /* an index file of some 3 MB of text: small enough for our memory */
    INDEX_AGE_MS = 10 * 60 * 1000
};

/* A pack on its way: open, then waiting for its commit, then for its index file. */
struct pack {
    struct store_put *put;
    struct sha256 hash;
    struct id id;
    struct pack_entry *blobs;
    size_t n, cap;
    uint64_t bytes;    /* of its blobs; with the header when it is closed */
    bool is_seen;      /* in a list of the store */
    struct pack *next; /* among those not indexed */
};

/* The open pack of one kind. */
struct lane {
    pthread_mutex_t mutex; /* guards open and sealer */
    struct pack *open;
    struct sealer *sealer;
};

struct packer {
    struct ctx *cx;
    struct repo *repo;
    uint64_t target;
    struct lane lanes[2]; /* by enum blob_type */
    struct queue finished;
    pthread_t threads[UPLOADS_MAX];
    unsigned n_threads;
    pthread_mutex_t mutex; /* guards all below */
    struct pack *durable;  /* not in an index file yet */
    size_t durable_blobs;
    int64_t indexed_at;
    bool failed;
    struct err first;
};

static void
pack_free(struct pack *k, struct store *s)
{
    if (k == NULL)
        return;
    s->ops->put_abort(k->put);
    mem_free(k->blobs);
    mem_free(k);
}

static enum rc
packer_fail(struct packer *p, const struct err *e)
{
    (void)pthread_mutex_lock(&p->mutex);
    if (!p->failed)
        p->first = *e;
    p->failed = true;
    (void)pthread_mutex_unlock(&p->mutex);
    queue_close(&p->finished);
    return err_code(e);
}

static enum rc
check_failed(struct packer *p, struct err *e)
{
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&p->mutex);
    if (p->failed) {
        *e = p->first;
        rc = e->code;
    }
    (void)pthread_mutex_unlock(&p->mutex);
    return rc;
}

/* Remove packs that no index file lists, since the store is full. */
static void
packs_take_back(struct packer *p, const struct pack *list)
{
    struct store *s = p->repo->store;

    for (const struct pack *k = list; k != NULL; k = k->next) {
        struct store_name name = {.type = STORE_PACK, .id = k->id};
        struct err ignored = ERR_INIT; /* the next prune does it */

        (void)s->ops->del(p->cx, s, &name, &ignored);
    }
}

/* After an index file was not stored: it must be certain that nobody sees one. */
static void
index_take_back(struct packer *p, const struct id *id, const struct pack *list)
{
    struct store *s = p->repo->store;
    struct store_name name = {.type = STORE_INDEX, .id = *id};
    struct err ignored = ERR_INIT;

    if (s->ops->del(p->cx, s, &name, &ignored) == RC_OK)
        packs_take_back(p, list);
}

/* Packs that are to be named in an index file: are they in the store? */
struct proof {
    struct packer *packer;
    struct pack **packs; /* by their IDs */
    size_t n;
};

static int
proof_order(const void *a, const void *b)
{
    return memcmp((*(struct pack *const *)a)->id.b, (*(struct pack *const *)b)->id.b, ID_BYTES);
}

/* One that a list shows whole need not be asked for. */
static enum rc
proof_see(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct proof *p = (struct proof *)arg;
    struct pack sought = {.id = *id}, *key = &sought;
    struct pack **at =
        (struct pack **)bsearch(&key, p->packs, p->n, sizeof(struct pack *), proof_order);

    (void)e;
    if (at != NULL)
        (*at)->is_seen = (*at)->bytes == bytes;
    return RC_OK;
}

static enum rc
proof_ask(void *arg, unsigned worker, size_t at, struct err *e)
{
    const struct proof *p = (const struct proof *)arg;
    const struct pack *k = p->packs[at];
    struct store_name name = {.type = STORE_PACK, .id = k->id};

    (void)worker;
    return k->is_seen ? RC_OK
                      : store_prove(p->packer->cx, p->packer->repo->store, &name, k->bytes, e);
}

/* Either each is asked for, or all packs are listed before: whatever takes fewer turns. */
static enum rc
packs_prove(struct packer *p, struct pack *list, struct err *e)
{
    enum { LIST_PAGE = 1000 };
    struct proof proof = {.packer = p};
    const struct repo *r = p->repo;
    unsigned lanes = repo_workers(r);
    size_t known = r->index != NULL ? index_packs(r->index) : 0;
    enum rc rc;

    for (struct pack *k = list; k != NULL; k = k->next) {
        proof.packs = (struct pack **)mem_more(proof.packs, proof.n, sizeof(struct pack *));
        proof.packs[proof.n++] = k;
    }
    if (proof.n / lanes > 1 + (known + proof.n) / LIST_PAGE) {
        struct err ignored = ERR_INIT; /* then each is asked for */

        qsort(proof.packs, proof.n, sizeof(struct pack *), proof_order);
        (void)r->store->ops->list(p->cx, r->store, STORE_PACK, proof_see, &proof, &ignored);
    }
    rc = parallel_for(proof.n, lanes, proof_ask, &proof, e);
    mem_free(proof.packs);
    return rc;
}

/* Write one index file for a list of packs, and free them. */
static enum rc
write_index(struct packer *p, struct pack *list, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(INDEX_FILE_MAX);
    struct index_pack *packs = NULL;
    struct pack *next;
    struct id id = {.b = {0}};
    size_t n = 0;
    enum rc rc;

    for (struct pack *k = list; k != NULL; k = k->next) {
        packs = mem_more(packs, n, sizeof(*packs));
        packs[n++] = (struct index_pack){.id = k->id, .blobs = k->blobs, .n = k->n};
    }
    rc = packs_prove(p, list, e);
    if (rc == RC_OK)
        rc = index_encode(packs, n, &text, e);
    if (rc == RC_OK)
        rc = repo_publish(p->cx, p->repo, STORE_INDEX, buf_str(&text), &id, e);
    if (rc == RC_FULL)
        index_take_back(p, &id, list);
    mem_free(packs);
    for (; list != NULL; list = next) {
        next = list->next;
        pack_free(list, p->repo->store);
    }
    return rc;
}

/* A pack became durable: remember it, and write an index file when there is enough for one. */
static enum rc
note_durable(struct packer *p, struct pack *k, struct err *e)
{
    struct pack *list = NULL;
    int64_t now = clock_mono_ms();

    (void)pthread_mutex_lock(&p->mutex);
    k->next = p->durable;
    p->durable = k;
    p->durable_blobs += k->n;
    if (p->durable_blobs >= INDEX_BLOBS || now - p->indexed_at > INDEX_AGE_MS) {
        list = TAKE(p->durable);
        p->durable_blobs = 0;
        p->indexed_at = now;
    }
    (void)pthread_mutex_unlock(&p->mutex);
    return list == NULL ? RC_OK : write_index(p, list, e);
}

static enum rc
commit_pack(struct packer *p, struct pack *k, struct err *e)
{
    struct store *s = p->repo->store;
    struct store_name name = {.type = STORE_PACK, .id = k->id};
    char text[STORE_NAME_TEXT];

    if (check_failed(p, e) || repo_lock_ok(p->repo, e)) {
        pack_free(k, s);
        return err_code(e);
    }
    if (s->ops->put_commit(p->cx, TAKE(k->put), &k->id, e)) {
        pack_free(k, s);
        return err_wrap(e, "could not store %s", store_name_text(&name, text));
    }
    return note_durable(p, k, e);
}

static void *
run_committer(void *arg)
{
    struct packer *p = arg;
    void *item;

    while (queue_take(&p->finished, &item)) {
        struct err e = ERR_INIT;
        if (commit_pack(p, item, &e))
            (void)packer_fail(p, &e);
    }
    return NULL;
}

/* Write the header behind the blobs and hand the pack to the committers. Takes l->open. */
static enum rc
close_pack_locked(struct packer *p, struct lane *l, struct err *e)
{
    struct pack *k = TAKE(l->open);
    CLEANUP(buf_release) struct buf tail = BUF_INIT(PACK_HEADER_MAX + 1024);
    size_t header;

    if (buf_reserve(&tail, SEAL_IV, e))
        goto drop;
    tail.n = SEAL_IV;
    pack_header_encode(k->blobs, k->n, &tail);
    header = tail.n - SEAL_IV;
    if (buf_reserve(&tail, SEAL_MAC + PACK_LENGTH_BYTES, e))
        goto drop;
    seal(l->sealer, tail.p + SEAL_IV, header, tail.p);
    tail.n += SEAL_MAC;
    le32_store(tail.p + tail.n, (uint32_t)tail.n);
    tail.n += PACK_LENGTH_BYTES;
    if (p->repo->store->ops->put_write(p->cx, k->put, tail.p, tail.n, e))
        goto drop;
    sha256_add(&k->hash, tail.p, tail.n);
    sha256_end(&k->hash, &k->id);
    k->bytes += tail.n;
    if (queue_put(&p->finished, k))
        return RC_OK;
    (void)check_failed(p, e);
drop:
    pack_free(k, p->repo->store);
    return packer_fail(p, e);
}

static enum rc
append_locked(struct packer *p, struct lane *l, struct str sealed, const struct pack_entry *b,
              struct err *e)
{
    struct store *s = p->repo->store;
    struct pack *k = l->open;

    if (k == NULL) {
        struct store_put *put = NULL;
        if (s->ops->put_begin(p->cx, s, STORE_PACK, &put, e))
            return err_code(e);
        k = l->open = MEM_NEW(struct pack);
        k->put = put;
        sha256_init(&k->hash);
    }
    if (s->ops->put_write(p->cx, k->put, sealed.p, sealed.n, e))
        return err_code(e);
    sha256_add(&k->hash, sealed.p, sealed.n);
    if (k->n == k->cap) {
        k->cap = k->cap * 2 + 16;
        k->blobs = mem_grow(k->blobs, k->cap, sizeof(*k->blobs));
    }
    k->blobs[k->n] = *b;
    k->blobs[k->n].offset = (uint32_t)k->bytes;
    k->blobs[k->n].sealed = (uint32_t)sealed.n;
    k->n++;
    k->bytes += sealed.n;
    return RC_OK;
}

/* Would it make the pack a quarter larger than it is to be? */
static bool
is_too_much(const struct packer *p, const struct pack *k, size_t n)
{
    return k != NULL && k->bytes + n > p->target + p->target / 4;
}

enum rc
packer_add(struct packer *p, struct str sealed, const struct pack_entry *b, struct err *e)
{
    struct lane *l = &p->lanes[b->type];
    enum rc rc = RC_OK;

    if (check_failed(p, e))
        return err_code(e);
    (void)pthread_mutex_lock(&l->mutex);
    if (is_too_much(p, l->open, sealed.n))
        rc = close_pack_locked(p, l, e);
    if (rc == RC_OK && append_locked(p, l, sealed, b, e))
        rc = packer_fail(p, e);
    if (rc == RC_OK && (l->open->bytes >= p->target || l->open->n >= PACK_ENTRIES_MAX))
        rc = close_pack_locked(p, l, e);
    (void)pthread_mutex_unlock(&l->mutex);
    return rc;
}

enum rc
packer_open(struct ctx *cx, struct repo *r, const struct packer_opts *opts, struct packer **out,
            struct err *e)
{
    struct packer *p = MEM_NEW(struct packer);
    bool far = r->store->remote;
    unsigned few = far ? MIN(r->store->connections, (unsigned)FAR_UPLOADS) : UPLOADS;
    unsigned uploads = opts->uploads != 0 ? MIN(opts->uploads, (unsigned)UPLOADS_MAX) : few;

    p->cx = cx;
    p->repo = r;
    p->target = opts->target_bytes != 0 ? opts->target_bytes : far ? FAR_BYTES : TARGET_BYTES;
    p->indexed_at = clock_mono_ms();
    (void)repo_keep_reserve(cx, r);
    queue_init(&p->finished, 1);
    (void)pthread_mutex_init(&p->mutex, NULL);
    for (size_t i = 0; i < ARRAY_LEN(p->lanes); i++)
        (void)pthread_mutex_init(&p->lanes[i].mutex, NULL);
    for (size_t i = 0; i < ARRAY_LEN(p->lanes); i++) {
        if (sealer_new(&r->key, &p->lanes[i].sealer, e)) {
            packer_abort(p);
            return err_code(e);
        }
    }
    for (; p->n_threads < uploads; p->n_threads++) {
        if (thread_start(&p->threads[p->n_threads], "store packs", run_committer, p, e)) {
            packer_abort(p);
            return err_code(e);
        }
    }
    *out = p;
    return RC_OK;
}

static void
packer_join(struct packer *p)
{
    queue_close(&p->finished);
    for (; p->n_threads > 0; p->n_threads--)
        (void)pthread_join(p->threads[p->n_threads - 1], NULL);
}

/* After join: nobody else is in it. */
static void
packer_free(struct packer *p)
{
    struct pack *next;

    if (p->failed && p->first.code == RC_FULL)
        packs_take_back(p, p->durable);
    for (size_t i = 0; i < ARRAY_LEN(p->lanes); i++) {
        pack_free(p->lanes[i].open, p->repo->store);
        sealer_free(p->lanes[i].sealer);
        (void)pthread_mutex_destroy(&p->lanes[i].mutex);
    }
    for (; p->durable != NULL; p->durable = next) {
        next = p->durable->next;
        pack_free(p->durable, p->repo->store);
    }
    queue_release(&p->finished);
    (void)pthread_mutex_destroy(&p->mutex);
    mem_free(p);
}

enum rc
packer_finish(struct packer *p, struct err *e)
{
    enum rc rc = check_failed(p, e);

    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(p->lanes); i++) {
        (void)pthread_mutex_lock(&p->lanes[i].mutex);
        if (p->lanes[i].open != NULL)
            rc = close_pack_locked(p, &p->lanes[i], e);
        (void)pthread_mutex_unlock(&p->lanes[i].mutex);
    }
    packer_join(p);
    if (rc == RC_OK)
        rc = check_failed(p, e);
    if (rc == RC_OK && p->durable != NULL)
        rc = write_index(p, TAKE(p->durable), e);
    packer_free(p);
    return rc;
}

void
packer_abort(struct packer *p)
{
    struct err stopped = ERR_INIT;

    if (p == NULL)
        return;
    (void)err_set(&stopped, RC_CANCELLED, "the work was given up");
    (void)packer_fail(p, &stopped);
    packer_join(p);
    packer_free(p);
}
