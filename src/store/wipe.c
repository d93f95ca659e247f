/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "store/store.h"

enum { BATCH = 16 * 1024 };

/* Whoever still writes finds its lock gone first. */
static const enum store_type order[] = {STORE_LOCK, STORE_SNAPSHOT, STORE_INDEX, STORE_PACK,
                                        STORE_KEY};

struct wipe {
    struct ctx *cx;
    struct store *s;
    enum store_type type;
    struct id *ids;
    size_t n;
};

/* What does not fit comes with the next list. */
static enum rc
wipe_keep(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct wipe *w = (struct wipe *)arg;

    (void)bytes;
    (void)e;
    if (w->n < BATCH)
        w->ids[w->n++] = *id;
    return RC_OK;
}

static enum rc
del_one(void *arg, unsigned worker, size_t i, struct err *e)
{
    struct wipe *w = (struct wipe *)arg;
    const struct store_name name = {.type = w->type, .id = w->ids[i]};

    (void)worker;
    return w->s->ops->del(w->cx, w->s, &name, e);
}

static enum rc
wipe_type(struct wipe *w, uint64_t *removed, struct err *e)
{
    do {
        size_t stayed;
        enum rc rc;
        w->n = 0;
        if (w->s->ops->list(w->cx, w->s, w->type, wipe_keep, w, e) ||
            parallel_for(w->n, parallel_workers(w->s->connections), del_one, w, e))
            return err_code(e);
        rc = store_prove_gone(w->cx, w->s, w->type, w->ids, w->n, &stayed, e);
        *removed += w->n - stayed;
        if (rc != RC_OK)
            return rc;
    } while (w->n == BATCH);
    return RC_OK;
}

static enum rc
refuse_strangers(struct ctx *cx, struct store *s, struct err *e)
{
    char *foreign = NULL, shown[200];
    enum rc rc = RC_OK;

    if (s->ops->foreign_object != NULL && s->ops->foreign_object(cx, s, &foreign, e))
        return err_hint(e, "give the repository a prefix of its own, or delete it by hand");
    if (foreign != NULL) {
        rc = err_set(e, RC_DENIED,
                     "%s has no prefix, and there is something else beside the repository: \"%s\"",
                     s->place, str_show(str_c(foreign), shown, sizeof(shown)));
        (void)err_hint(e, "delete the repository's files by hand");
    }
    mem_free(foreign);
    return rc;
}

static enum rc
wipe_config(struct ctx *cx, struct store *s, uint64_t *removed, struct err *e)
{
    const struct store_name config = {.type = STORE_CONFIG};
    struct err why = ERR_INIT;
    uint64_t bytes;
    size_t stayed;
    enum rc rc = s->ops->stat(cx, s, &config, &bytes, &why);

    if (rc == RC_NOT_FOUND)
        return RC_OK;
    if (rc == RC_OK)
        rc = s->ops->del(cx, s, &config, &why);
    if (rc == RC_OK)
        rc = store_prove_gone(cx, s, STORE_CONFIG, &config.id, 1, &stayed, &why);
    if (rc == RC_OK)
        (*removed)++;
    else
        *e = why;
    return rc;
}

enum rc
store_wipe(struct ctx *cx, struct store *s, uint64_t *removed, struct err *e)
{
    struct wipe w = {.cx = cx, .s = s};
    enum rc rc = refuse_strangers(cx, s, e);

    *removed = 0;
    w.ids = mem_grow(NULL, BATCH, sizeof(*w.ids));
    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(order); i++) {
        w.type = order[i];
        rc = wipe_type(&w, removed, e);
    }
    if (rc == RC_OK)
        rc = wipe_config(cx, s, removed, e);
    if (rc == RC_OK && s->ops->reserve != NULL)
        s->ops->reserve->drop(s);
    mem_free(w.ids);
    return rc;
}
