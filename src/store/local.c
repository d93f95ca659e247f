/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/local_internal.h"
#include "store/scheme.h"

static enum rc
local_create(struct ctx *cx, struct store *s, struct err *e)
{
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    struct local *l = local_of(s);
    char path[PATH_TEXT];

    if (ctx_check(cx, e))
        return err_code(e);
    /* Parents too, as restic does. */
    for (const char *slash = strchr(s->place + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        (void)snprintf(path, sizeof(path), "%.*s", (int)(slash - s->place), s->place);
        if (local_make_folder(l, path, e))
            return err_code(e);
    }
    if (local_make_folder(l, s->place, e))
        return err_code(e);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", s->place, local_folder(types[i]));
        if (local_make_folder(l, path, e))
            return err_code(e);
    }
    return local_sync_folder(l, s->place, e);
}

static enum rc
open_object(struct ctx *cx, struct store *s, const struct store_name *name, int *fd, struct err *e)
{
    char path[PATH_TEXT];
    struct stat st;

    if (ctx_check(cx, e))
        return err_code(e);
    /* Whoever may write to the folder may put a FIFO there, whose opening would not end. */
    *fd = open(local_path(s, name, path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0 && errno == ENOENT && lstat(path, &st) == 0)
        return err_set(e, RC_CORRUPT, "%s is a link to nothing", path);
    if (*fd < 0)
        return err_sys(e, errno, "could not open %s", path);
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
        return RC_OK;
    (void)close(*fd);
    return err_set(e, RC_CORRUPT, "%s is not a regular file", path);
}

static enum rc
read_at(int fd, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to, size_t n,
        struct err *e)
{
    char path[PATH_TEXT];
    enum rc rc = RC_OK;

    while (rc == RC_OK && n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)off);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            rc = err_sys(e, errno, "could not read %s", local_path(s, name, path));
        } else if (got == 0) {
            rc = err_set(e, RC_CORRUPT, "%s is cut short: nothing at byte %llu",
                         local_path(s, name, path), (unsigned long long)off);
        } else {
            to += got;
            off += (uint64_t)got;
            n -= (size_t)got;
        }
    }
    return rc;
}

static enum rc
local_get(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t off, uint8_t *to,
          size_t n, struct err *e)
{
    int fd = -1;
    enum rc rc = open_object(cx, s, name, &fd, e);

    if (rc)
        return rc;
    rc = read_at(fd, s, name, off, to, n, e);
    (void)close(fd);
    return rc;
}

/* The path is looked up once only: there may be ten thousand snapshots. */
static enum rc
local_get_all(struct ctx *cx, struct store *s, const struct store_name *name, struct buf *out,
              struct err *e)
{
    char path[PATH_TEXT];
    struct stat st = {.st_size = 0};
    int fd = -1;
    enum rc rc = open_object(cx, s, name, &fd, e);
    size_t n;

    if (rc)
        return rc;
    if (fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "could not read %s", local_path(s, name, path));
    n = (size_t)st.st_size;
    if (rc == RC_OK && buf_reserve(out, n, e))
        rc = store_too_large(name, n, e);
    if (rc == RC_OK && n != 0)
        rc = read_at(fd, s, name, 0, out->p + out->n, n, e);
    (void)close(fd);
    out->n += rc == RC_OK ? n : 0;
    return rc;
}

static enum rc
local_stat(struct ctx *cx, struct store *s, const struct store_name *name, uint64_t *bytes,
           struct err *e)
{
    char path[PATH_TEXT];
    struct stat st;

    if (ctx_check(cx, e))
        return err_code(e);
    if (stat(local_path(s, name, path), &st) != 0)
        return err_sys(e, errno, "could not find %s", path);
    *bytes = (uint64_t)st.st_size;
    return RC_OK;
}

/* The folder's own clock, which may be that of a file server: the time that a new file gets.
 * On a full disk it stays empty, and has the time when it was made. */
static enum rc
local_now(struct store *s, int64_t *ms, struct err *e)
{
    char folder[FOLDER_TEXT], path[PATH_TEXT];
    bool is_named = false;
    struct stat st;
    enum rc rc = RC_OK;
    int fd;

    if (local_temporary(s, STORE_LOCK, folder, path, e))
        return err_code(e);
    fd = local_open_temporary(folder, path, &is_named);
    if (fd < 0)
        return err_set(e, RC_UNSUPPORTED, "no file can be made in %s, whose clock would be seen",
                       folder);
    if ((write(fd, "", 1) != 1 && errno != ENOSPC && errno != EDQUOT) || fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "could not write %s", path);
    else
        *ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    (void)close(fd);
    if (is_named)
        (void)unlink(path);
    return rc;
}

static enum rc
local_age(struct ctx *cx, struct store *s, const struct store_name *name, struct store_age *age,
          struct err *e)
{
    char path[PATH_TEXT];
    struct stat st;
    int64_t now = 0;

    if (ctx_check(cx, e) || local_now(s, &now, e))
        return err_code(e);
    if (stat(local_path(s, name, path), &st) != 0)
        return err_sys(e, errno, "could not find %s", path);
    age->ms = now - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
    return RC_OK;
}

/* One folder of objects; for packs, one of the 256. */
static enum rc
list_folder(struct ctx *cx, const char *path, const char *prefix, store_list_fn *fn, void *arg,
            struct err *e)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    enum rc rc = RC_OK;

    if (dir == NULL) {
        if (errno == ENOENT || errno == ENOTDIR)
            return RC_OK;
        return err_sys(e, errno, "could not list %s", path);
    }
    while (rc == RC_OK && (rc = ctx_check(cx, e)) == RC_OK) {
        struct stat st;
        struct id id;
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0)
                rc = err_sys(e, errno, "could not list %s", path);
            break;
        }
        if (!id_from_hex(str_c(entry->d_name), &id) ||
            strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0) {
            if (errno != ENOENT)
                rc = err_sys(e, errno, "could not list %s", path);
            else if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                rc = fn(arg, &id, 0, e); /* a link to nothing; else somebody removed it just now */
        } else {
            rc = fn(arg, &id, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, e);
        }
    }
    (void)closedir(dir);
    return rc;
}

static enum rc
local_list(struct ctx *cx, struct store *s, enum store_type type, store_list_fn *fn, void *arg,
           struct err *e)
{
    char path[PATH_TEXT], prefix[3] = "";

    (void)snprintf(path, sizeof(path), "%s/%s", s->place, local_folder(type));
    if (type != STORE_PACK)
        return list_folder(cx, path, prefix, fn, arg, e);
    for (unsigned i = 0; i < 256; i++) {
        (void)snprintf(prefix, sizeof(prefix), "%02x", i & 0xffU);
        (void)snprintf(path, sizeof(path), "%s/data/%s", s->place, prefix);
        if (list_folder(cx, path, prefix, fn, arg, e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
local_del(struct ctx *cx, struct store *s, const struct store_name *name, struct err *e)
{
    char path[PATH_TEXT];

    if (ctx_check(cx, e))
        return err_code(e);
    if (unlink(local_path(s, name, path)) != 0 && errno != ENOENT)
        return err_sys(e, errno, "could not remove %s", path);
    return RC_OK;
}

static void
local_release(struct store *s)
{
    mem_free(s->place);
    mem_free(local_of(s));
}

struct store *
store_local_new(const char *path)
{
    static const struct store_ops ops = {
        .create = local_create,
        .put_begin = local_put_begin,
        .put_write = local_put_write,
        .put_commit = local_put_commit,
        .put_abort = local_put_abort,
        .get = local_get,
        .get_all = local_get_all,
        .stat = local_stat,
        .age = local_age,
        .list = local_list,
        .walk = local_walk,
        .del = local_del,
        .reserve = &local_reserve_ops,
        .sweep = local_sweep,
        .release = local_release,
    };
    struct local *l = MEM_NEW(struct local);
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    l->store = (struct store){.ops = &ops, .place = mem_strndup(path, n)};
    atomic_init(&l->group, -1);
    return &l->store;
}

struct store *
store_local_new_relaxed(const char *path)
{
    struct store *s = store_local_new(path);

    local_of(s)->relaxed = true;
    return s;
}

static enum rc
local_open(const char *address, const struct store_opts *o, struct store **out, struct err *e)
{
    (void)o;
    if (address[0] == '\0')
        return err_set(e, RC_INVALID, "the address of the repository is empty");
    *out = store_local_new(address);
    return RC_OK;
}

const struct store_scheme scheme_local = {
    .name = "local", .form = "local:PATH", .open = local_open};
