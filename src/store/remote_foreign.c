/* SPDX-License-Identifier: Apache-2.0 */
/* What there is in a bucket beside a repository. */
#include "base/mem.h"
#include "store/remote_internal.h"

enum { PAGES_MAX = 1000 /* of what is ours, before something else */ };

/* The objects that some tools make of folders: "keys/", "data/3f/". */
static bool
is_folder(struct str name, const char *known)
{
    size_t n = strcspn(known, "/") + 1;

    return name.n >= n && memcmp(name.p, known, n) == 0 && name.p[name.n - 1] == '/';
}

/* "config", "keys/3f..", "data/3f/3f..", and their folders. */
static bool
is_ours(struct str name)
{
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    struct store_name known = {.type = STORE_CONFIG};
    char text[STORE_NAME_TEXT];
    bool has_id = id_from_hex(remote_last_part(name), &known.id);

    if (str_eq(name, str_c(store_name_text(&known, text))))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        known.type = types[i];
        (void)store_name_text(&known, text);
        if ((has_id && str_eq(name, str_c(text))) || is_folder(name, text))
            return true;
    }
    return false;
}

static enum rc
remote_foreign_look(void *arg, struct str name, uint64_t bytes, struct err *e)
{
    char **first = (char **)arg;

    (void)bytes;
    (void)e;
    if (*first == NULL && !is_ours(name))
        *first = mem_strndup((const char *)name.p, name.n);
    return RC_OK;
}

static enum rc
read_pages(struct ctx *cx, struct remote *f, char **first, struct err *e)
{
    struct buf mark = BUF_INIT(REMOTE_MARK_MAX), next = BUF_INIT(REMOTE_MARK_MAX);
    struct remote_op w = {.verb = REMOTE_LIST, .name.type = STORE_PACK, .foreign = true};
    struct remote_page to = {.fn = remote_foreign_look, .arg = first, .next = &next};
    unsigned pages = 0;
    enum rc rc;

    do {
        struct http_response r = {.status = 0};
        w.page = mark.n > 0 ? buf_c(&mark) : NULL;
        rc = remote_exchange(cx, f, &w, &r, e);
        if (rc == RC_OK)
            rc = f->ops->page(cx, f, &w, &r, &to, e);
        http_response_release(&r);
        buf_release(&mark);
        mark = next;
        next = (struct buf)BUF_INIT(REMOTE_MARK_MAX);
        if (rc == RC_OK && ++pages > PAGES_MAX)
            rc = err_set(e, RC_LIMIT, "the list of the bucket does not end");
    } while (rc == RC_OK && *first == NULL && mark.n > 0);
    buf_release(&mark);
    buf_release(&next);
    return rc;
}

enum rc
remote_foreign_object(struct ctx *cx, struct store *s, char **name, struct err *e)
{
    struct remote *f = CONTAINER_OF(s, struct remote, store);
    struct err mine = ERR_INIT;

    *name = NULL;
    if (!f->at_bucket_root)
        return RC_OK;
    if (!f->ops->lists_foreign)
        return err_set(e, RC_UNSUPPORTED, "%s does not tell what else it holds", s->place);
    if (read_pages(cx, f, name, &mine) == RC_OK || mine.code == RC_NOT_FOUND)
        return RC_OK;
    *e = mine;
    return err_code(e);
}
