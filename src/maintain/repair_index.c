/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "repo/pack_reader.h"
#include "maintain/repair_internal.h"

enum { INDEX_BLOBS = 20000, NOTE_MAX = 640 };

void
repair_note(const struct repair_opts *opts, const char *fmt, ...)
{
    char text[NOTE_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    opts->note(opts->arg, text);
}

bool
repair_is_damage(enum rc rc)
{
    return rc == RC_CORRUPT || rc == RC_LIMIT || rc == RC_UNSUPPORTED;
}

/* A pack file of the store. */
struct stored {
    struct id id;
    uint64_t bytes;
    bool listed; /* in a new index file, or about to be */
    bool told;   /* an old one lists it wrongly, and that was told */
    bool bad;    /* its header cannot be read */
};

struct rebuild {
    struct ctx *cx;
    struct repo *repo;
    const struct repair_opts *opts;
    struct repair_index_result *result;
    const struct idset *drop; /* packs that leave the index; may be NULL */
    bool only_bad;            /* old index files are asked for packs that cannot tell themselves */
    struct stored *packs;     /* sorted by ID */
    size_t n_packs;
    struct idset missing;       /* packs that were told */
    struct index_pack *pending; /* for the next index file; their blobs are ours */
    size_t n_pending, pending_blobs;
};

/* ---- new index files ---- */

static void
drop_pending(struct rebuild *b)
{
    for (size_t i = 0; i < b->n_pending; i++)
        mem_free((void *)(uintptr_t)b->pending[i].blobs);
    mem_free(b->pending);
    b->pending = NULL;
    b->n_pending = b->pending_blobs = 0;
}

static enum rc
repair_index_flush(struct rebuild *b, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(INDEX_FILE_MAX);
    struct id id;

    if (b->n_pending == 0)
        return RC_OK;
    if (index_encode(b->pending, b->n_pending, &text, e) ||
        repo_publish(b->cx, b->repo, STORE_INDEX, buf_str(&text), &id, e))
        return err_code(e);
    drop_pending(b);
    return RC_OK;
}

/* The pack's place is in a new index file. */
static enum rc
list_pack(struct rebuild *b, struct stored *s, const struct pack_entry *blobs, size_t n,
          struct err *e)
{
    struct pack_entry *copy = mem_zero(n, sizeof(*copy));

    memcpy(copy, blobs, n * sizeof(*copy));
    b->pending = mem_more(b->pending, b->n_pending, sizeof(*b->pending));
    b->pending[b->n_pending++] = (struct index_pack){.id = s->id, .blobs = copy, .n = n};
    b->pending_blobs += n;
    b->result->packs++;
    s->listed = true;
    return b->pending_blobs < INDEX_BLOBS ? RC_OK : repair_index_flush(b, e);
}

/* ---- old index files ---- */

static int
by_id(const void *a, const void *b)
{
    const struct stored *x = a, *y = b;

    return memcmp(x->id.b, y->id.b, ID_BYTES);
}

static bool
is_dropped(const struct rebuild *b, const struct id *pack)
{
    return b->drop != NULL && idset_has(b->drop, pack);
}

static enum rc
judge_pack(void *arg, const struct index_pack *pack, struct err *e)
{
    struct rebuild *b = arg;
    struct stored key = {.id = pack->id};
    struct stored *s =
        b->n_packs == 0 ? NULL : bsearch(&key, b->packs, b->n_packs, sizeof(*b->packs), by_id);
    char hex[ID_TEXT];

    if (b->only_bad && (s == NULL || !s->bad))
        return RC_OK;
    if (s == NULL) {
        if (!is_dropped(b, &pack->id) && idset_add(&b->missing, &pack->id))
            repair_note(b->opts, "pack %s is not there: its %zu %s the index",
                        id_hex(&pack->id, hex), pack->n,
                        str_plural(pack->n, "blob leaves", "blobs leave"));
        return RC_OK;
    }
    if (s->listed)
        return RC_OK;
    if (pack_file_bytes(pack->blobs, pack->n) == s->bytes) {
        if (s->bad)
            repair_note(b->opts, "pack %s: its %zu %s in the index, as an old index file has them",
                        id_hex(&pack->id, hex), pack->n,
                        str_plural(pack->n, "blob stays", "blobs stay"));
        return list_pack(b, s, pack->blobs, pack->n, e);
    }
    if (!s->told)
        repair_note(b->opts, "pack %s has not the size that an index file says",
                    id_hex(&pack->id, hex));
    s->told = true;
    return RC_OK;
}

static enum rc
repair_index_decode(void *arg, struct rd *rd, struct err *e)
{
    struct rebuild *b = arg;

    return index_decode(rd, repo_config(b->repo)->version, judge_pack, b, e);
}

static enum rc
read_old(struct rebuild *b, const struct id_list *old, struct err *e)
{
    for (size_t i = 0; i < old->n; i++) {
        struct store_name name = {.type = STORE_INDEX, .id = old->ids[i]};
        enum rc rc = unpacked_read(b->cx, b->repo, &name,
                                   (struct unpacked_max){INDEX_FILE_MAX, INDEX_TEXT_MAX},
                                   repair_index_decode, b, e);
        if (rc != RC_OK && !repair_is_damage(rc))
            return rc;
        if (rc != RC_OK)
            repair_note(b->opts, "%s: it is removed", e->msg);
    }
    return RC_OK;
}

/* ---- packs that no index file lists as they are ---- */

static enum rc
read_pack(struct rebuild *b, struct pack_reader *reader, struct stored *s, struct buf *tail,
          struct err *e)
{
    struct pack_entry *blobs = NULL;
    size_t n = 0;
    char hex[ID_TEXT];
    enum rc rc = pack_read_header(reader, &s->id, s->bytes, tail, &blobs, &n, e);

    if (rc == RC_OK) {
        b->result->read++;
        rc = list_pack(b, s, blobs, n, e);
    } else if (repair_is_damage(rc)) {
        b->result->bad++;
        s->bad = true;
        repair_note(b->opts, "pack %s cannot be read: %s", id_hex(&s->id, hex), e->msg);
        rc = RC_OK;
    }
    mem_free(blobs);
    return rc;
}

static enum rc
read_packs(struct rebuild *b, struct err *e)
{
    CLEANUP(buf_release) struct buf tail = BUF_INIT(PACK_HEADER_MAX + PACK_LENGTH_BYTES);
    struct pack_reader reader;
    enum rc rc = pack_reader_init(&reader, b->cx, b->repo, e);

    for (size_t i = 0; rc == RC_OK && i < b->n_packs; i++)
        if (!b->packs[i].listed)
            rc = read_pack(b, &reader, &b->packs[i], &tail, e);
    pack_reader_release(&reader);
    return rc;
}

/* What a damaged header no longer says, an old index file may. */
static enum rc
repair_index_bad(struct rebuild *b, const struct id_list *old, struct err *e)
{
    char hex[ID_TEXT];

    b->only_bad = true;
    if (b->result->bad == 0)
        return RC_OK;
    if (b->opts->read_all_packs && read_old(b, old, e))
        return err_code(e);
    for (size_t i = 0; i < b->n_packs; i++)
        if (b->packs[i].bad && !b->packs[i].listed)
            repair_note(b->opts, "pack %s is left out: no index file knows what is in it",
                        id_hex(&b->packs[i].id, hex));
    return RC_OK;
}

/* ---- all of it ---- */

static enum rc
find_packs(struct rebuild *b, struct err *e)
{
    struct id_list files = {.n = 0};

    if (id_list_load(b->cx, b->repo, STORE_PACK, &files, e))
        return err_code(e);
    b->packs = mem_zero(files.n, sizeof(*b->packs));
    for (size_t i = 0; i < files.n; i++)
        if (!is_dropped(b, &files.ids[i]))
            b->packs[b->n_packs++] = (struct stored){.id = files.ids[i], .bytes = files.bytes[i]};
    qsort(b->packs, b->n_packs, sizeof(*b->packs), by_id);
    id_list_release(&files);
    return RC_OK;
}

static enum rc
repair_index_rebuild(struct rebuild *b, const struct id_list *old, struct err *e)
{
    if (find_packs(b, e) || (!b->opts->read_all_packs && read_old(b, old, e)) || read_packs(b, e) ||
        repair_index_bad(b, old, e) || repair_index_flush(b, e))
        return err_code(e);
    b->result->missing = b->missing.n;
    return repo_remove(b->cx, b->repo, STORE_INDEX, old->ids, old->n, NULL, e);
}

enum rc
repair_index_without(struct ctx *cx, struct repo *r, const struct idset *drop,
                     const struct repair_opts *opts, struct repair_index_result *out, struct err *e)
{
    struct rebuild b = {.cx = cx, .repo = r, .opts = opts, .result = out, .drop = drop};
    struct id_list old = {.n = 0};
    enum rc rc = id_list_load(cx, r, STORE_INDEX, &old, e);

    *out = (struct repair_index_result){.packs = 0};
    if (rc == RC_OK)
        rc = repair_index_rebuild(&b, &old, e);
    repo_index_is_old(r);
    drop_pending(&b);
    idset_release(&b.missing);
    mem_free(b.packs);
    id_list_release(&old);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not make the index anew");
}

enum rc
repair_index(struct ctx *cx, struct repo *r, const struct repair_opts *opts,
             struct repair_index_result *out, struct err *e)
{
    return repair_index_without(cx, r, NULL, opts, out, e);
}
