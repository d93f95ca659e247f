/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "crypto/id.h"
#include "store/remote_internal.h"
#include "store/xml.h"

enum {
    SHARDS = 16,
    EMPTY_PAGES_MAX = 100, /* one after the other: deleted versions may fill some */
    NAME_MAX_BYTES = 4096  /* 1,024 of S3 and Azure, each percent-encoded */
};

struct listing {
    struct ctx *cx;
    struct remote *f;
    enum store_type type;
    pthread_mutex_t mutex; /* around fn, and n */
    store_list_fn *fn;
    void *arg;
    uint64_t n; /* objects so far */
};

struct xml_page {
    const struct remote_xml *where;
    const struct remote_page *to;
    char name[NAME_MAX_BYTES];
    uint64_t size;
    int64_t written_ms;
};

static enum rc
give_entry(struct xml_page *p, struct err *e)
{
    const struct remote_entry o = {str_c(p->name), p->size, p->written_ms};
    enum rc rc = p->to->fn(p->to->arg, &o, e);

    p->name[0] = '\0';
    p->size = 0;
    p->written_ms = REMOTE_NO_TIME;
    return rc;
}

/* As RFC 3339 or HTTP write it. */
static int64_t
read_written(struct str text)
{
    char date[INSTANT_TEXT];
    struct err ignored = ERR_INIT;
    struct instant at;
    int64_t ms;

    if (instant_parse(text, &at, &ignored) == RC_OK)
        return instant_ms(at);
    (void)str_cut(text, date, sizeof(date));
    return remote_date(date, &ms) ? ms : REMOTE_NO_TIME;
}

static enum rc
read_leaf(void *arg, const char *path, struct str text, struct err *e)
{
    struct xml_page *p = (struct xml_page *)arg;

    if (strcmp(path, p->where->name) == 0)
        (void)str_cut(text, p->name, sizeof(p->name));
    else if (strcmp(path, p->where->size) == 0)
        return str_to_u64(text, &p->size) ? RC_OK
                                          : err_set(e, RC_CORRUPT, "a size is not a number");
    else if (strcmp(path, p->where->written) == 0)
        p->written_ms = read_written(text);
    else if (strcmp(path, p->where->entry) == 0)
        return give_entry(p, e);
    else if (strcmp(path, p->where->next) == 0)
        return buf_add_str(p->to->next, text, e);
    return RC_OK;
}

enum rc
remote_xml_page(struct str body, const struct remote_xml *where, const struct remote_page *to,
                struct err *e)
{
    struct xml_page p = {.where = where, .to = to, .written_ms = REMOTE_NO_TIME};

    return xml_read(body, read_leaf, &p, e);
}

/* What one page holds. It is given on when it was read to its end, so that it may be read again. */
struct page {
    struct found {
        struct id id;
        uint64_t bytes;
    } * found;
    size_t n, cap;
    struct buf next; /* where the next one begins; empty: this is the last */
};

static void
page_init(struct page *p)
{
    *p = (struct page){.n = 0};
    buf_init(&p->next, REMOTE_MARK_MAX);
}

static void
page_release(struct page *p)
{
    mem_free(p->found);
    buf_release(&p->next);
}

struct str
remote_last_part(struct str name)
{
    const uint8_t *slash = name.n == 0 ? NULL : memrchr(name.p, '/', name.n);

    return slash == NULL ? name : str_of(slash + 1, (size_t)(name.p + name.n - slash - 1));
}

static enum rc
remote_list_keep(void *arg, const struct remote_entry *o, struct err *e)
{
    struct page *p = (struct page *)arg;
    struct id id;

    (void)e;
    if (!id_from_hex(remote_last_part(o->name), &id))
        return RC_OK; /* nothing of ours */
    if (p->n == p->cap) {
        p->cap = p->cap * 2 + 64;
        p->found = mem_grow(p->found, p->cap, sizeof(*p->found));
    }
    p->found[p->n++] = (struct found){id, o->bytes};
    return RC_OK;
}

/* `out->next` says which page, and then which comes after it. */
static enum rc
read_page(struct listing *l, const char *shard, struct page *out, struct err *e)
{
    struct buf mark = BUF_INIT(REMOTE_MARK_MAX);
    struct remote_op w = {.verb = REMOTE_LIST,
                          .name.type = l->type,
                          .shard = shard,
                          .page = out->next.n > 0 ? buf_c(&out->next) : NULL};
    struct remote_page to = {.fn = remote_list_keep, .arg = out, .next = &mark};
    struct retry again = store_retry_damaged(&l->f->store);
    struct err mine = ERR_INIT;
    enum rc rc;

    do {
        struct http_response r = {.status = 0};
        out->n = 0;
        buf_reset(&mark);
        rc = remote_exchange(l->cx, l->f, &w, &r, &mine);
        if (rc == RC_OK)
            rc = l->f->ops->page(l->cx, l->f, &w, &r, &to, &mine);
        http_response_release(&r);
    } while (rc == RC_CORRUPT && retry_next(l->cx, &again, &mine));
    buf_release(&out->next);
    out->next = mark;
    if (rc == RC_OK || rc == RC_NOT_FOUND) /* nothing was ever stored there */
        return RC_OK;
    *e = mine;
    return rc;
}

static enum rc
remote_list_give(struct listing *l, const struct page *p, struct err *e)
{
    enum rc rc = RC_OK;

    (void)pthread_mutex_lock(&l->mutex);
    l->n += p->n;
    if (l->n > store_list_max(l->type))
        rc = err_set(e, RC_LIMIT, "the list does not end: it has more than %llu names already",
                     (unsigned long long)store_list_max(l->type));
    for (size_t i = 0; rc == RC_OK && i < p->n; i++)
        rc = l->fn(l->arg, &p->found[i].id, p->found[i].bytes, e);
    (void)pthread_mutex_unlock(&l->mutex);
    return rc;
}

/* The page after one that began at `before` begins elsewhere, and holds something now and then. */
static enum rc
remote_list_advances(const struct page *p, const struct buf *before, unsigned *empty, struct err *e)
{
    *empty = p->n > 0 ? 0 : *empty + 1;
    if (p->next.n > 0 && before->n > 0 && str_eq(buf_str(&p->next), buf_str(before)))
        return err_set(e, RC_CORRUPT,
                       "the list does not advance: its next page begins where the "
                       "last one began");
    if (p->next.n > 0 && *empty > EMPTY_PAGES_MAX)
        return err_set(e, RC_CORRUPT, "the list does not advance: %u pages were empty", *empty);
    return RC_OK;
}

/* From the page that `p` names to the last one. */
static enum rc
give_pages(struct listing *l, const char *shard, struct page *p, struct err *e)
{
    CLEANUP(buf_release) struct buf before = BUF_INIT(REMOTE_MARK_MAX);
    unsigned empty = 0;
    enum rc rc;

    do {
        buf_reset(&before);
        rc = buf_add_str(&before, buf_str(&p->next), e);
        if (rc == RC_OK)
            rc = read_page(l, shard, p, e);
        if (rc == RC_OK)
            rc = remote_list_give(l, p, e);
        if (rc == RC_OK)
            rc = remote_list_advances(p, &before, &empty, e);
    } while (rc == RC_OK && p->next.n > 0);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not list %s", l->f->store.place);
}

static enum rc
give_shard(void *arg, unsigned worker, size_t i, struct err *e)
{
    char shard[2] = {"0123456789abcdef"[i], '\0'};
    struct page p;
    enum rc rc;

    (void)worker;
    page_init(&p);
    rc = give_pages((struct listing *)arg, shard, &p, e);
    page_release(&p);
    return rc;
}

/* Pages come one after the other; packs that fill more than one are asked for side by side. */
enum rc
remote_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
            struct err *e)
{
    struct listing l = {
        .cx = cx, .f = CONTAINER_OF(s, struct remote, store), .type = type, .fn = fn, .arg = arg};
    struct page p;
    enum rc rc;

    (void)pthread_mutex_init(&l.mutex, NULL);
    page_init(&p);
    rc = read_page(&l, NULL, &p, e);
    if (rc == RC_OK && p.next.n > 0 && type == STORE_PACK && l.f->ops->shards) {
        rc = parallel_for(SHARDS, parallel_workers(s->connections), give_shard, &l, e);
    } else if (rc == RC_OK) {
        rc = remote_list_give(&l, &p, e);
        if (rc == RC_OK && p.next.n > 0)
            rc = give_pages(&l, NULL, &p, e);
    }
    page_release(&p);
    (void)pthread_mutex_destroy(&l.mutex);
    return rc;
}
