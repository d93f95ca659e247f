/* SPDX-License-Identifier: Apache-2.0 */
/* A store's word is checked (docs/adr/0028). */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "crypto/idset.h"
#include "store/store.h"

enum {
    LATE_PAUSE_MS = 50,
    LATE_PAUSE_MAX_MS = 400,
    ASKED_MAX = 8, /* one by one; more are listed first */
    NAMED_MAX = 8  /* in a message; more are logged */
};

struct retry
store_retry_damaged(const struct store *s)
{
    return retry_begin((struct retry_policy){.attempts = s->remote ? STORE_TRIES : 1});
}

struct retry
store_retry_late(const struct store *s)
{
    return retry_begin((struct retry_policy){.attempts = s->remote ? STORE_TRIES : 1,
                                             .pause_ms = LATE_PAUSE_MS,
                                             .pause_max_ms = LATE_PAUSE_MAX_MS});
}

enum rc
store_prove(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t bytes,
            struct err *e)
{
    struct retry late = store_retry_late(s);
    char text[STORE_NAME_TEXT];
    struct err why = ERR_INIT;
    uint64_t got = 0;
    enum rc rc;

    do {
        rc = s->ops->stat(cx, s, name, &got, &why);
    } while (rc == RC_NOT_FOUND && retry_next(cx, &late, &why));
    if (rc == RC_OK && got == bytes)
        return RC_OK;
    if (rc != RC_OK && why.code != RC_NOT_FOUND) {
        *e = why;
        return err_wrap(e, "could not see whether %s was stored", store_name_text(name, text));
    }
    if (rc == RC_NOT_FOUND)
        (void)err_set(e, RC_IO, "%s said that it stored %s, but it is not there", s->place,
                      store_name_text(name, text));
    else
        (void)err_set(e, RC_CORRUPT,
                      "%s said that it stored %s, but has %" PRIu64 " of its %" PRIu64 " bytes",
                      s->place, store_name_text(name, text), got, bytes);
    return err_hint(e, "the store loses what it is given: look at its log and its disks, then run "
                       "`cstash check`");
}

/* ---- removals ---- */

struct gone {
    struct ctx *cx;
    struct store *s;
    enum store_type type;
    struct id *left; /* those that may still be there */
    size_t n;
    bool *there;
};

struct gone_list {
    struct idset wanted;
    struct gone *g;
};

static enum rc
gone_keep_listed(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct gone_list *l = (struct gone_list *)arg;
    struct gone *g = l->g;

    (void)bytes;
    (void)e;
    if (g->n < l->wanted.n && idset_has(&l->wanted, id))
        g->left[g->n++] = *id;
    return RC_OK;
}

/* Only what a list still has need be asked for. */
static enum rc
gone_list(struct gone *g, struct err *e)
{
    struct gone_list l = {.g = g};
    enum rc rc;

    for (size_t i = 0; i < g->n; i++)
        (void)idset_add(&l.wanted, &g->left[i]);
    g->n = 0;
    rc = g->s->ops->list(g->cx, g->s, g->type, gone_keep_listed, &l, e);
    idset_release(&l.wanted);
    return rc;
}

static enum rc
gone_ask(void *arg, unsigned worker, size_t i, struct err *e)
{
    struct gone *g = (struct gone *)arg;
    const struct store_name name = {.type = g->type, .id = g->left[i]};
    struct err why = ERR_INIT;
    uint64_t bytes;
    enum rc rc = g->s->ops->stat(g->cx, g->s, &name, &bytes, &why);

    (void)worker;
    g->there[i] = rc == RC_OK;
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        return RC_OK;
    *e = why;
    return rc;
}

/* One look: afterwards `left` is what is there. */
static enum rc
gone_look(struct gone *g, struct err *e)
{
    size_t n = 0;

    if ((g->n > ASKED_MAX && gone_list(g, e)) ||
        parallel_for(g->n, parallel_workers(g->s->connections), gone_ask, g, e))
        return err_wrap(e, "could not see whether what was removed is gone");
    for (size_t i = 0; i < g->n; i++)
        if (g->there[i])
            g->left[n++] = g->left[i];
    g->n = n;
    return RC_OK;
}

static enum rc
gone_tell(const struct gone *g, struct err *e)
{
    static const char *const many[] = {
        [STORE_CONFIG] = "configs",    [STORE_KEY] = "keys",   [STORE_SNAPSHOT] = "snapshots",
        [STORE_INDEX] = "index files", [STORE_LOCK] = "locks", [STORE_PACK] = "packs"};
    char names[NAMED_MAX * 10 + 8] = "", text[STORE_NAME_TEXT], hex[ID_TEXT];
    size_t used = 0;

    for (size_t i = 0; i < g->n; i++) {
        const struct store_name name = {.type = g->type, .id = g->left[i]};
        if (i < NAMED_MAX)
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.8s",
                                     i > 0 ? ", " : "", id_hex(&g->left[i], hex));
        if (g->n > NAMED_MAX)
            log_warn("%s is still at %s", store_name_text(&name, text), g->s->place);
    }
    if (g->n == 1)
        (void)err_set(e, RC_IO, "%s said that it removed %s, but it is still there", g->s->place,
                      store_name_text(&(struct store_name){g->type, g->left[0], false}, text));
    else
        (void)err_set(e, RC_IO, "%s said that it removed %zu %s that are still there: %s%s",
                      g->s->place, g->n, many[g->type], names, g->n > NAMED_MAX ? ", ..." : "");
    return err_hint(e, "the store keeps what it is told to delete: look at its log and its rules "
                       "for retention, then run the same command again");
}

static enum rc
gone_wait(struct gone *g, struct err *e)
{
    struct retry late = store_retry_late(g->s);
    const struct err still_there = ERR_INIT;
    enum rc rc = gone_look(g, e);

    while (rc == RC_OK && g->n > 0) {
        int pause = retry_pause(&late, &still_there);
        if (pause < 0)
            return gone_tell(g, e);
        rc = ctx_sleep(g->cx, pause, e);
        if (rc == RC_OK)
            rc = gone_look(g, e);
    }
    return rc;
}

enum rc
store_prove_gone(struct ctx *cx, struct store *s, enum store_type type, const struct id *ids,
                 size_t n, size_t *stayed, struct err *e)
{
    struct gone g = {.cx = cx, .s = s, .type = type, .n = n};
    enum rc rc;

    *stayed = 0;
    if (!s->remote || n == 0)
        return RC_OK;
    g.left = (struct id *)mem_grow(NULL, n, sizeof(*g.left));
    g.there = (bool *)mem_zero(n, sizeof(*g.there));
    memcpy(g.left, ids, n * sizeof(*ids));
    rc = gone_wait(&g, e);
    *stayed = g.n;
    mem_free(g.left);
    mem_free(g.there);
    return rc;
}
