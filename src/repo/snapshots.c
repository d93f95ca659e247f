/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "repo/lookup.h"
#include "repo/snapshots.h"
#include "repo/verdict.h"

enum rc
snapshot_load(struct ctx *cx, struct repo *r, const struct id *id, struct snapshot *out,
              struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SNAPSHOT_MAX);
    struct store_name name = {.type = STORE_SNAPSHOT, .id = *id};
    char shown[STORE_NAME_TEXT];

    if (unpacked_load(cx, r, &name, &text, e))
        return err_code(e);
    if (snapshot_decode(buf_str(&text), out, e))
        return err_wrap(e, "could not read %s", store_name_text(&name, shown));
    out->id = *id;
    return RC_OK;
}

enum rc
snapshot_save(struct ctx *cx, struct repo *r, struct snapshot *s, struct err *e)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(SNAPSHOT_MAX);

    if (snapshot_encode(s, &text, e))
        return err_code(e);
    return repo_publish(cx, r, STORE_SNAPSHOT, buf_str(&text), &s->id, e);
}

enum rc
snapshot_forget(struct ctx *cx, struct repo *r, const struct id *id, struct err *e)
{
    return snapshots_forget(cx, r, id, 1, NULL, e);
}

enum rc
snapshots_forget(struct ctx *cx, struct repo *r, const struct id *ids, size_t n, size_t *gone,
                 struct err *e)
{
    return repo_remove(cx, r, STORE_SNAPSHOT, ids, n, gone, e);
}

static int
by_time(const void *a, const void *b)
{
    const struct snapshot *x = a, *y = b;
    int c = instant_cmp(x->time, y->time);

    return c != 0 ? c : memcmp(x->id.b, y->id.b, ID_BYTES);
}

void
snapshots_free(struct snapshot *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snapshot_release(&list[i]);
    mem_free(list);
}

enum found { THERE, FORGOTTEN, DAMAGED };

struct list_load {
    struct ctx *cx;
    struct repo *repo;
    const struct id_list *files;
    struct snapshot *list;
    enum found *found;
    bool all; /* or it is an error */
};

static enum rc
load_one(void *arg, unsigned worker, size_t at, struct err *e)
{
    struct list_load *l = (struct list_load *)arg;
    struct err why = ERR_INIT;
    enum rc rc = snapshot_load(l->cx, l->repo, &l->files->ids[at], &l->list[at], &why);

    (void)worker;
    l->found[at] = rc == RC_OK ? THERE : rc == RC_CORRUPT ? DAMAGED : FORGOTTEN;
    if (rc == RC_OK || rc == RC_NOT_FOUND) /* forgotten just now */
        return RC_OK;
    if (rc == RC_CORRUPT && !l->all) {
        log_warn("%s", why.msg);
        return RC_OK;
    }
    *e = why;
    return rc == RC_CORRUPT ? err_hint(e, "`cstash repair snapshots --forget` removes it") : rc;
}

enum rc
snapshots_and_records(struct ctx *cx, struct repo *r, struct snapshot **out, size_t *n,
                      struct snapshots_unread *unread, struct err *e)
{
    struct id_list files = {.n = 0};
    struct list_load l = {.cx = cx, .repo = r, .files = &files, .all = unread == NULL};
    size_t have = 0;
    enum rc rc = id_list_load(cx, r, STORE_SNAPSHOT, &files, e);

    if (rc)
        return rc;
    l.list = (struct snapshot *)mem_zero(files.n, sizeof(*l.list));
    l.found = (enum found *)mem_zero(files.n, sizeof(*l.found));
    rc = parallel_for(files.n, repo_workers(r), load_one, &l, e);
    for (size_t i = 0; i < files.n; i++) {
        if (l.found[i] == THERE)
            l.list[have++] = l.list[i];
        if (l.found[i] == DAMAGED && rc == RC_OK) {
            unread->ids = (struct id *)mem_more(unread->ids, unread->n, sizeof(*unread->ids));
            unread->ids[unread->n++] = files.ids[i];
        }
    }
    mem_free(l.found);
    id_list_release(&files);
    if (rc) {
        snapshots_free(l.list, have);
        return rc;
    }
    qsort(l.list, have, sizeof(*l.list), by_time);
    *out = l.list;
    *n = have;
    return RC_OK;
}

enum rc
snapshots_readable(struct ctx *cx, struct repo *r, struct snapshot **out, size_t *n,
                   struct snapshots_unread *unread, struct err *e)
{
    if (snapshots_and_records(cx, r, out, n, unread, e))
        return err_code(e);
    *n = verdicts_attach(*out, *n);
    return RC_OK;
}

enum rc
snapshots_list(struct ctx *cx, struct repo *r, struct snapshot **out, size_t *n, struct err *e)
{
    return snapshots_readable(cx, r, out, n, NULL, e);
}

static enum rc
find_latest(struct ctx *cx, struct repo *r, uint64_t back, const struct snapshot_filter *f,
            struct snapshot *out, struct err *e)
{
    struct snapshots_unread unread = {.n = 0};
    struct snapshot *list = NULL;
    size_t n = 0, at;
    bool *chosen;
    enum rc rc;

    if (snapshots_readable(cx, r, &list, &n, &unread, e))
        return err_code(e);
    mem_free(unread.ids);
    chosen = (bool *)mem_zero(n + 1, sizeof(*chosen));
    rc = targets_choose(list, n, f, chosen, e);
    for (at = n; rc == RC_OK && at > 0; at--)
        if (chosen[at - 1] && back-- == 0)
            break;
    if (rc == RC_OK && at == 0)
        rc = err_set(e, RC_NOT_FOUND, "no snapshot matches");
    if (rc == RC_OK) {
        *out = list[at - 1];
        list[at - 1] = (struct snapshot){.uid = 0};
    }
    mem_free(chosen);
    snapshots_free(list, n);
    return rc;
}

static enum rc
find_by_id(struct ctx *cx, struct repo *r, const char *spec, struct snapshot *out, struct err *e)
{
    struct id id;

    if (lookup_file(cx, r, STORE_SNAPSHOT, spec, &id, e))
        return err_code(e);
    return snapshot_load(cx, r, &id, out, e);
}

enum rc
snapshot_find(struct ctx *cx, struct repo *r, const char *spec, const struct snapshot_filter *f,
              struct snapshot *out, struct err *e)
{
    struct snapshot found = {.uid = 0};
    uint64_t back = 0;
    enum rc rc;

    if (strcmp(spec, "latest") == 0 ||
        (strncmp(spec, "latest:", 7) == 0 && str_to_u64(str_c(spec + 7), &back)))
        rc = find_latest(cx, r, back, f, &found, e);
    else
        rc = find_by_id(cx, r, spec, &found, e);
    if (rc == RC_OK)
        *out = found;
    return rc;
}
