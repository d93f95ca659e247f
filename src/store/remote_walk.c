/* SPDX-License-Identifier: Apache-2.0 */
/* What there is below a prefix, ours or not. */
#include "store/remote_internal.h"

/* A page that was damaged on its way fails the list: a part of it was given on already. */
static enum rc
read_one(struct ctx *cx, struct remote *f, struct buf *mark, const struct remote_page *to,
         int64_t *now, struct err *e)
{
    const struct remote_op w = {.verb = REMOTE_LIST,
                                .name.type = STORE_PACK,
                                .foreign = true,
                                .page = mark->n > 0 ? buf_c(mark) : NULL};
    struct http_response r = {.status = 0};
    enum rc rc = remote_exchange(cx, f, &w, &r, e);

    if (rc == RC_OK && mark->n == 0 && now != NULL && !remote_date(r.got[REMOTE_WANT_DATE], now))
        rc = err_set(e, RC_UNSUPPORTED, "%s does not tell what time it is", f->store.place);
    if (rc == RC_OK)
        rc = f->ops->page(cx, f, &w, &r, to, e);
    if (rc == RC_OK && mark->n > 0 && str_eq(buf_str(mark), buf_str(to->next)))
        rc = err_set(e, RC_CORRUPT, "the list does not advance");
    http_response_release(&r);
    return rc;
}

enum rc
remote_walk_pages(struct ctx *cx, struct remote *f, remote_entry_fn *fn, void *arg,
                  unsigned pages_max, int64_t *now, struct err *e)
{
    struct buf mark = BUF_INIT(REMOTE_MARK_MAX), next = BUF_INIT(REMOTE_MARK_MAX);
    const struct remote_page to = {.fn = fn, .arg = arg, .next = &next};
    unsigned pages = 0;
    enum rc rc;

    do {
        rc = read_one(cx, f, &mark, &to, now, e);
        buf_release(&mark);
        mark = next;
        next = (struct buf)BUF_INIT(REMOTE_MARK_MAX);
        if (rc == RC_OK && ++pages > pages_max)
            rc = err_set(e, RC_LIMIT, "the list of the bucket does not end");
    } while (rc == RC_OK && mark.n > 0);
    buf_release(&mark);
    buf_release(&next);
    return rc;
}

struct walk {
    const struct remote *f;
    store_walk_fn *fn;
    void *arg;
};

static enum rc
give(void *arg, const struct remote_entry *o, struct err *e)
{
    const struct walk *w = (const struct walk *)arg;
    size_t n = strlen(w->f->prefix);
    struct store_file file = {.bytes = o->bytes, .written_ms = o->written_ms, .is_file = true};
    char shown[200];

    (void)str_show(o->name, shown, sizeof(shown));
    if (n > 0 &&
        (o->name.n <= n + 1 || memcmp(o->name.p, w->f->prefix, n) != 0 || o->name.p[n] != '/')) {
        if (o->name.n == n + 1 && o->name.p[n] == '/') /* what some tools make of the folder */
            return RC_OK;
        return err_set(e, RC_CORRUPT, "there is \"%s\" in the list, which is not below %s", shown,
                       w->f->prefix);
    }
    n += n > 0 ? 1 : 0;
    file.path = str_of(o->name.p + n, o->name.n - n);
    if (o->written_ms == REMOTE_NO_TIME)
        return err_set(e, RC_UNSUPPORTED, "it does not tell when \"%s\" was written", shown);
    return w->fn(w->arg, &file, e);
}

enum rc
remote_walk(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg, int64_t *now,
            struct err *e)
{
    enum { PAGES_MAX = 1000 * 1000 };
    struct walk w = {.f = remote_of(s), .fn = fn, .arg = arg};

    if (!w.f->ops->lists_foreign)
        return err_set(e, RC_UNSUPPORTED, "%s does not tell what else lies below it", s->place);
    return remote_walk_pages(cx, remote_of(s), give, &w, PAGES_MAX, now, e) == RC_OK
               ? RC_OK
               : err_wrap(e, "could not list %s", s->place);
}
