/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/parallel.h"
#include "repo/repo_internal.h"

struct index_load {
    struct ctx *cx;
    struct repo *repo;
    const struct id_list *files;
    const struct index_bad *bad;
    pthread_mutex_t mutex; /* guards index, and the calls of bad */
    struct index *index;
};

/* One index file on its way into the index. */
struct file_load {
    struct index_load *all;
    uint32_t number;
};

static enum rc
add_pack(void *arg, const struct index_pack *pack, struct err *e)
{
    struct file_load *f = (struct file_load *)arg;
    struct index_load *l = f->all;
    enum rc rc;

    (void)pthread_mutex_lock(&l->mutex);
    rc = index_add(l->index, pack, f->number, e);
    (void)pthread_mutex_unlock(&l->mutex);
    return rc;
}

static enum rc
read_index(void *arg, struct rd *rd, struct err *e)
{
    struct file_load *f = (struct file_load *)arg;

    return index_decode(rd, f->all->repo->config.version, add_pack, f, e);
}

static enum rc
load_file(void *arg, unsigned worker, size_t at, struct err *e)
{
    struct index_load *l = (struct index_load *)arg;
    struct store_name name = {.type = STORE_INDEX, .id = l->files->ids[at]};
    struct file_load f = {.all = l};
    enum rc rc;

    (void)worker;
    (void)pthread_mutex_lock(&l->mutex);
    f.number = index_file_add(l->index, &name.id);
    (void)pthread_mutex_unlock(&l->mutex);
    rc = unpacked_read(l->cx, l->repo, &name, (struct unpacked_max){INDEX_FILE_MAX, INDEX_TEXT_MAX},
                       read_index, &f, e);
    if (rc == RC_CORRUPT && l->bad == NULL)
        return err_hint(e, "`cstash repair index` makes the index anew from the packs");
    if (rc == RC_OK || l->bad == NULL || rc == RC_CANCELLED || rc == RC_TIMEOUT)
        return rc;
    (void)pthread_mutex_lock(&l->mutex);
    rc = l->bad->fn(l->bad->arg, &name.id, e);
    (void)pthread_mutex_unlock(&l->mutex);
    return rc;
}

enum rc
index_load_but(struct ctx *cx, struct repo *r, const struct index_bad *bad, struct err *e)
{
    struct id_list files = {.n = 0};
    struct index_load l = {.cx = cx, .repo = r, .files = &files, .bad = bad};
    enum rc rc = id_list_load(cx, r, STORE_INDEX, &files, e);

    if (rc)
        return rc;
    l.index = index_new();
    (void)pthread_mutex_init(&l.mutex, NULL);
    rc = parallel_for(files.n, repo_workers(r), load_file, &l, e);
    (void)pthread_mutex_destroy(&l.mutex);
    id_list_release(&files);
    if (rc) {
        index_free(l.index);
        return rc;
    }
    index_sort(l.index);
    index_free(r->index);
    r->index = l.index;
    r->index_is_fresh = true;
    return RC_OK;
}

enum rc
repo_load_index(struct ctx *cx, struct repo *r, struct err *e)
{
    return index_load_but(cx, r, NULL, e);
}

enum rc
repo_need_index(struct ctx *cx, struct repo *r, struct err *e)
{
    return r->index_is_fresh ? RC_OK : repo_load_index(cx, r, e);
}
