/* SPDX-License-Identifier: Apache-2.0 */
#include "job/dump_reader.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/ring.h"
#include "base/thread.h"
#include "job/source.h"

enum { RING_BYTES = 2 * 1024 * 1024, DUMP_READER_PEEK = 6 };

/* The first bytes again, then the rest. */
struct peeked {
    struct rd rd;
    struct rd *rest;
    uint8_t first[DUMP_READER_PEEK];
    size_t n, at;
};

struct dump_reader {
    struct ctx *cx;
    struct peeked in;
    bool rdb, started;
    struct ring ring;
    struct wr into_ring;
    pthread_t thread;
    struct rewrite *rewrite; /* NULL: the dump passes as it is */
};

static enum rc
peeked_read(struct rd *base, uint8_t *p, size_t n, size_t *got, struct err *e)
{
    struct peeked *r = CONTAINER_OF(base, struct peeked, rd);

    if (r->at == r->n)
        return rd_read(r->rest, p, n, got, e);
    *got = MIN(n, r->n - r->at);
    memcpy(p, r->first + r->at, *got);
    r->at += *got;
    return RC_OK;
}

static enum rc
ring_write(struct wr *base, const uint8_t *p, size_t n, struct err *e)
{
    struct dump_reader *f = CONTAINER_OF(base, struct dump_reader, into_ring);

    while (n > 0) {
        uint8_t *room;
        size_t k;
        if (ring_room(&f->ring, -1, &room, &k, e))
            return err_code(e);
        k = MIN(k, n);
        memcpy(room, p, k);
        ring_commit(&f->ring, k);
        p += k;
        n -= k;
    }
    return RC_OK;
}

static void *
dump_reader_convert(void *arg)
{
    struct dump_reader *f = arg;
    struct source_opts opts = {.format = DUMP_COMMANDS, .filter = FILTER_ALL};
    struct source_facts facts;
    struct err e = ERR_INIT;
    enum rc rc = source_rdb(f->cx, &f->in.rd, &opts, &f->into_ring, NULL, &facts, &e);

    ring_end(&f->ring, rc == RC_OK ? NULL : &e);
    return NULL;
}

static enum rc
start_converter(struct dump_reader *f, struct err *e)
{
    ring_init(&f->ring, RING_BYTES);
    f->into_ring.write = ring_write;
    if (thread_start(&f->thread, "convert", dump_reader_convert, f, e))
        return err_code(e);
    f->started = true;
    return RC_OK;
}

static bool
begins_like_rdb(struct str first)
{
    return first.n >= 6 && (memcmp(first.p, "REDIS0", 6) == 0 || memcmp(first.p, "VALKEY", 6) == 0);
}

/* What people have at hand that is not a dump, by its first bytes. */
static enum rc
refuse_no_dump(struct str first, struct err *e)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what, *hint;
    } known[] = {
        {"\x1f\x8b", 2, "compressed with gzip", "unpack it first: gunzip -c FILE | cstash load -"},
        {"\x28\xb5\x2f\xfd", 4, "compressed with zstd",
         "unpack it first: zstd -dc FILE | cstash load -"},
        {"\xfd"
         "7zXZ",
         5, "compressed with xz", "unpack it first: xz -dc FILE | cstash load -"},
        {"BZh", 3, "compressed with bzip2", "unpack it first: bzip2 -dc FILE | cstash load -"},
        {"\x04\x22\x4d\x18", 4, "compressed with lz4",
         "unpack it first: lz4 -dc FILE | cstash load -"},
        {"PK\x03\x04", 4, "a ZIP archive", "unpack it first: unzip -p FILE | cstash load -"},
        {"file ", 5, "the manifest of an append-only file",
         "load the files that it names: the base, then each incr, in their order"},
    };

    if (first.n == 0)
        return err_set(e, RC_INVALID, "it is empty, and a dump never is");
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (first.n >= known[i].n && memcmp(first.p, known[i].magic, known[i].n) == 0) {
            (void)err_set(e, RC_INVALID, "this is %s, not a dump", known[i].what);
            return err_hint(e, "%s", known[i].hint);
        }
    if (!begins_like_rdb(first) && strchr("*\r\n", first.p[0]) == NULL)
        return err_set(e, RC_INVALID, "it begins neither like RESP commands nor like an RDB file");
    return RC_OK;
}

enum rc
dump_reader_open(struct ctx *cx, struct rd *in, const struct rewrite_opts *rewrite,
                 struct dump_reader **out, struct err *e)
{
    struct dump_reader *f = MEM_NEW(struct dump_reader);

    f->cx = cx;
    f->in.rd.read = peeked_read;
    f->in.rest = in;
    if (rd_full(in, f->in.first, DUMP_READER_PEEK, &f->in.n, e) ||
        refuse_no_dump(str_of(f->in.first, f->in.n), e))
        goto fail;
    f->rdb = begins_like_rdb(str_of(f->in.first, f->in.n));
    if (f->rdb && start_converter(f, e))
        goto fail;
    if (rewrite != NULL)
        f->rewrite = rewrite_new(dump_reader_rd(f), rewrite);
    *out = f;
    return RC_OK;
fail:
    dump_reader_close(f);
    return err_code(e);
}

struct rd *
dump_reader_rd(struct dump_reader *f)
{
    if (f->rewrite != NULL)
        return rewrite_rd(f->rewrite);
    return f->rdb ? &f->ring.rd : &f->in.rd;
}

uint64_t
dump_reader_filtered(const struct dump_reader *f)
{
    return f->rewrite != NULL ? rewrite_filtered(f->rewrite) : 0;
}

bool
dump_reader_is_rdb(const struct dump_reader *f)
{
    return f->rdb;
}

void
dump_reader_close(struct dump_reader *f)
{
    if (f == NULL)
        return;
    if (f->started) {
        ring_abandon(&f->ring);
        (void)pthread_join(f->thread, NULL);
    }
    ring_release(&f->ring);
    rewrite_free(f->rewrite);
    mem_free(f);
}
