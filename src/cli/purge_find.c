/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/purge_find.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ctl/strmap.h"

static struct purge_repo *
folder_of(struct strmap *all, const char *path, size_t n)
{
    CLEANUP(mem_free_ptr) char *folder = mem_strndup(path, n);
    struct purge_repo *r = strmap_get(all, folder);

    if (r != NULL)
        return r;
    r = MEM_NEW(struct purge_repo);
    r->folder = TAKE(folder);
    strmap_add(all, r->folder, r);
    return r;
}

/* Does `path` end with the name of an object of that type, as a part of its own? Then `*n` is where its folder ends. */
static bool
is_object(const char *path, const struct store_name *name, size_t *n)
{
    char text[STORE_NAME_TEXT];
    size_t whole = strlen(path), len = strlen(store_name_text(name, text));

    if (whole < len || strcmp(path + whole - len, text) != 0 ||
        (whole > len && path[whole - len - 1] != '/'))
        return false;
    *n = whole > len ? whole - len - 1 : 0;
    return true;
}

/* `*n`: how much of the path is the repository's folder. */
static bool
parse(const char *path, enum store_type *type, size_t *n)
{
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    const char *slash = strrchr(path, '/');
    struct store_name name = {.type = STORE_CONFIG};

    *type = STORE_CONFIG;
    if (is_object(path, &name, n))
        return true;
    if (!id_from_hex(str_c(slash != NULL ? slash + 1 : path), &name.id))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        *type = name.type = types[i];
        if (is_object(path, &name, n))
            return true;
    }
    return false;
}

static void
set_odd(struct purge_repo *r, const char *path)
{
    if (r->odd == NULL)
        r->odd = mem_strdup(path);
}

static void
add_stranger(struct strmap *all, const char *path, const struct store_file *f)
{
    const char *slash = strrchr(path, '/');
    struct purge_repo *r = folder_of(all, path, slash != NULL ? (size_t)(slash - path) : 0);

    r->stranger_ms = MAX(r->stranger_ms, f->written_ms);
    if (!f->is_file)
        set_odd(r, path);
}

static enum rc
add_file(void *arg, const struct store_file *f, struct err *e)
{
    CLEANUP(mem_free_ptr) char *path = mem_strndup((const char *)f->path.p, f->path.n);
    struct strmap *all = (struct strmap *)arg;
    struct purge_repo *r;
    enum store_type type;
    size_t n;

    (void)e;
    if (!f->is_file || strlen(path) != f->path.n || !parse(path, &type, &n)) {
        add_stranger(all, path, f);
        return RC_OK;
    }
    r = folder_of(all, path, n);
    r->files++;
    r->bytes += f->bytes;
    r->newest_ms = MAX(r->newest_ms, f->written_ms);
    r->has_config = r->has_config || type == STORE_CONFIG;
    r->has_key = r->has_key || type == STORE_KEY;
    if (type == STORE_LOCK)
        r->lock_ms = MAX(r->lock_ms, f->written_ms);
    return RC_OK;
}

static bool
is_repo(const struct purge_repo *r)
{
    return r->has_config && r->has_key;
}

/* What lies in a repository's folder, or deeper, counts for it. */
static void
tell_above(struct strmap *all, const struct purge_repo *stranger)
{
    CLEANUP(mem_free_ptr) char *path = mem_strdup(stranger->folder);

    for (bool more = true; more;) {
        struct purge_repo *r = strmap_get(all, path);
        char *slash = strrchr(path, '/');

        if (r != NULL && is_repo(r)) {
            r->newest_ms = MAX(r->newest_ms, stranger->stranger_ms);
            if (stranger->odd != NULL)
                set_odd(r, stranger->odd);
        }
        more = path[0] != '\0';
        *(slash != NULL ? slash : path) = '\0';
    }
}

/* Empty parts, "." and "..": keys of objects may have them, addresses cannot. */
static bool
is_said_by_address(const char *folder)
{
    CLEANUP(mem_free_ptr) char *clean = str_clean_path(folder);

    return strcmp(clean, folder) == 0;
}

static int
by_folder(const void *a, const void *b)
{
    const struct purge_repo *const *x = a, *const *y = b;

    return strcmp((*x)->folder, (*y)->folder);
}

static void
free_repo(struct purge_repo *r)
{
    mem_free(r->folder);
    mem_free(r->odd);
    mem_free(r);
}

enum rc
purge_find(struct ctx *cx, struct store *s, struct purge_repos *out, struct err *e)
{
    struct strmap all = {.n = 0};
    enum rc rc;

    *out = (struct purge_repos){.n = 0};
    rc = store_walk(cx, s, add_file, &all, &out->now_ms, e);
    for (size_t i = 0; rc == RC_OK && i < all.cap; i++) {
        const struct purge_repo *r = strmap_at(&all, i);
        if (r != NULL && (r->stranger_ms != 0 || r->odd != NULL))
            tell_above(&all, r);
    }
    out->v = mem_grow(NULL, all.n + 1, sizeof(struct purge_repo *));
    for (size_t i = 0; i < all.cap; i++) {
        struct purge_repo *r = strmap_at(&all, i);
        if (r != NULL && rc == RC_OK && is_repo(r)) {
            if (!is_said_by_address(r->folder))
                set_odd(r, r->folder);
            out->v[out->n++] = r;
        } else if (r != NULL) {
            free_repo(r);
        }
    }
    strmap_release(&all);
    qsort(out->v, out->n, sizeof(struct purge_repo *), by_folder);
    return rc;
}

void
purge_repos_release(struct purge_repos *r)
{
    for (size_t i = 0; i < r->n; i++)
        free_repo(r->v[i]);
    mem_free(r->v);
}
