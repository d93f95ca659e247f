/* SPDX-License-Identifier: Apache-2.0 */
/* What a full disk needs of a folder: room that was set aside before, and an end of what the dead
 * left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/local_internal.h"

#define RESERVE "cstash-reserve"

/*
 * Files of which nothing but their blocks matters, smallest first. An object is written into the
 * blocks, and the file renamed to what it has become: at no time can somebody else take the room.
 * Locks: one of ours, the next one while it is renewed, those of two readers. An index file takes
 * some 40 bytes a blob, and 3 MB at most (in version 1): the smallest that is large enough is
 * taken, so that little room is needed to replace it.
 */
static const struct reserve_file {
    const char *name;
    uint32_t bytes;
} reserve_files[] = {{"lock-1", 4096},
                     {"lock-2", 4096},
                     {"lock-3", 4096},
                     {"lock-4", 4096},
                     {"index-1", 64 * 1024},
                     {"index-2", 512 * 1024},
                     {"index-3", 4 * 1024 * 1024}};

enum { STALE_S = 60 * 60, STAT_BLOCK = 512 };

static const char *
reserve_path(struct store *s, const char *file, char to[static PATH_TEXT])
{
    (void)snprintf(to, PATH_TEXT, "%s/" RESERVE "/%s", s->place, file);
    return to;
}

/* ---- set aside ---- */

/* Copies of repositories may have holes in place of the blocks. */
static bool
reserve_is_there(const char *path, uint32_t bytes)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_blocks * STAT_BLOCK >= bytes;
}

/* Where blocks cannot be asked for they are written, with what no file system compresses. */
static enum rc
reserve_fill(int fd, uint32_t bytes, const char *path, struct err *e)
{
    CLEANUP(mem_free_ptr) uint8_t *noise = NULL;

    if (fallocate(fd, 0, 0, bytes) == 0)
        return RC_OK;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return err_sys(e, errno, "could not set %u bytes aside in %s", bytes, path);
    noise = (uint8_t *)mem_alloc(bytes);
    rand_bytes(noise, bytes);
    return fs_write_all(fd, noise, bytes, path, e);
}

static enum rc
reserve_make(struct local *l, const struct reserve_file *f, struct err *e)
{
    char path[PATH_TEXT], part[PATH_TEXT], name[64];
    uint64_t nonce;
    enum rc rc;
    int fd;

    if (reserve_is_there(reserve_path(&l->store, f->name, path), f->bytes))
        return RC_OK;
    rand_bytes(&nonce, sizeof(nonce));
    (void)snprintf(name, sizeof(name), LOCAL_TMP_PREFIX "%016llx", (unsigned long long)nonce);
    fd = open(reserve_path(&l->store, name, part), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, errno, "could not make %s", part);
    if (local_is_group_shared(l))
        (void)fchmod(fd, 0660);
    rc = reserve_fill(fd, f->bytes, part, e);
    (void)close(fd);
    if (rc == RC_OK && rename(part, path) != 0)
        rc = err_sys(e, errno, "could not rename %s to %s", part, path);
    if (rc != RC_OK)
        (void)unlink(part);
    return rc;
}

static uint64_t
reserve_left(struct store *s)
{
    struct statvfs fs;

    if (statvfs(s->place, &fs) != 0 || fs.f_blocks == 0)
        return UINT64_MAX;
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static enum rc
reserve_keep(struct ctx *cx, struct store *s, uint64_t *left, struct err *e)
{
    char folder[PATH_TEXT];
    enum rc rc = ctx_check(cx, e);

    if (rc == RC_OK) {
        (void)snprintf(folder, sizeof(folder), "%s/" RESERVE, s->place);
        rc = local_make_folder(local_of(s), folder, e);
    }
    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(reserve_files); i++)
        rc = reserve_make(local_of(s), &reserve_files[i], e);
    *left = reserve_left(s);
    return rc;
}

/* ---- used ---- */

/* As a temporary file that is ours alone; -1: it is not there, or is none of ours. */
static int
reserve_take(const char *from, const char *path)
{
    struct stat st;
    int fd;

    if (rename(from, path) != 0)
        return -1;
    fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    (void)unlink(path);
    return -1;
}

static struct local_put *
reserve_begin(struct store *s, enum store_type type, size_t n, const char *path)
{
    char from[PATH_TEXT];
    struct local_put *p;
    int fd = -1;

    for (size_t i = 0; fd < 0 && i < ARRAY_LEN(reserve_files); i++)
        if (reserve_files[i].bytes >= n)
            fd = reserve_take(reserve_path(s, reserve_files[i].name, from), path);
    if (fd < 0)
        return NULL;
    p = MEM_NEW(struct local_put);
    *p = (struct local_put){
        .put = {.store = s, .type = type}, .fd = fd, .path = mem_strdup(path), .is_named = true};
    return p;
}

/* Where files are never written in place, their blocks are given back first. */
static enum rc
reserve_write(struct local_put *p, struct str bytes, struct err *e)
{
    enum rc rc = fs_write_all(p->fd, bytes.p, bytes.n, p->path, e);

    if (rc == RC_FULL && ftruncate(p->fd, 0) == 0 && lseek(p->fd, 0, SEEK_SET) == 0)
        rc = fs_write_all(p->fd, bytes.p, bytes.n, p->path, e);
    if (rc == RC_OK && ftruncate(p->fd, (off_t)bytes.n) != 0)
        rc = err_sys(e, errno, "could not write %s", p->path);
    return rc;
}

static enum rc
reserve_put(struct ctx *cx, struct store *s, const struct store_name *name, struct str bytes,
            struct err *e)
{
    char folder[FOLDER_TEXT], path[PATH_TEXT];
    struct local_put *p;

    if (ctx_check(cx, e) || local_temporary(s, name->type, folder, path, e))
        return err_code(e);
    p = reserve_begin(s, name->type, bytes.n, path);
    if (p == NULL)
        return err_set(e, RC_FULL, "%s is full, and no room is left that was set aside", s->place);
    if (reserve_write(p, bytes, e)) {
        local_put_abort(&p->put);
        return err_code(e);
    }
    return local_put_commit(cx, &p->put, &name->id, e);
}

static void
reserve_drop(struct store *s)
{
    char path[PATH_TEXT];

    for (size_t i = 0; i < ARRAY_LEN(reserve_files); i++)
        (void)unlink(reserve_path(s, reserve_files[i].name, path));
    (void)snprintf(path, sizeof(path), "%s/" RESERVE, s->place);
    (void)rmdir(path);
}

const struct store_reserve_ops local_reserve_ops = {
    .keep = reserve_keep, .put = reserve_put, .drop = reserve_drop};

/* ---- what the dead left ---- */

struct sweep {
    struct ctx *cx;
    int64_t before; /* only what is older; unix seconds */
    uint64_t files, bytes;
};

/* Of ours, or of restic's: NAME-tmp-N. */
static bool
sweep_is_temporary(const char *name)
{
    size_t hex = ID_TEXT - 1;
    struct id id;

    if (strncmp(name, LOCAL_TMP_PREFIX, sizeof(LOCAL_TMP_PREFIX) - 1) == 0)
        return true;
    return strlen(name) > hex && id_from_hex(str_of((const uint8_t *)name, hex), &id) &&
           strncmp(name + hex, "-tmp-", 5) == 0;
}

static enum rc
sweep_folder(struct sweep *w, const char *path, struct err *e)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    enum rc rc = RC_OK;

    if (dir == NULL)
        return errno == ENOENT || errno == ENOTDIR ? RC_OK
                                                   : err_sys(e, errno, "could not list %s", path);
    while ((rc = ctx_check(w->cx, e)) == RC_OK && (entry = readdir(dir)) != NULL) {
        struct stat st;

        if (!sweep_is_temporary(entry->d_name) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode) || st.st_mtim.tv_sec >= w->before)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
            w->files++;
            w->bytes += (uint64_t)st.st_blocks * STAT_BLOCK;
        }
    }
    (void)closedir(dir);
    return rc;
}

enum rc
local_sweep(struct ctx *cx, struct store *s, uint64_t *files, uint64_t *bytes, struct err *e)
{
    static const enum store_type types[] = {STORE_CONFIG, STORE_KEY, STORE_SNAPSHOT, STORE_INDEX,
                                            STORE_PACK};
    struct sweep w = {.cx = cx, .before = INT64_MAX};
    char path[PATH_TEXT];
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && i < ARRAY_LEN(types); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", s->place, local_folder(types[i]));
        rc = sweep_folder(&w, path, e);
    }
    for (unsigned i = 0; rc == RC_OK && i < 256; i++) {
        (void)snprintf(path, sizeof(path), "%s/data/%02x", s->place, i & 0xffU);
        rc = sweep_folder(&w, path, e);
    }
    /* Whoever wants the lock may be about to write his, or to make the reserve. */
    w.before = time(NULL) - STALE_S;
    if (rc == RC_OK)
        rc = sweep_folder(&w, reserve_path(s, "", path), e);
    (void)snprintf(path, sizeof(path), "%s/%s", s->place, local_folder(STORE_LOCK));
    if (rc == RC_OK)
        rc = sweep_folder(&w, path, e);
    *files = w.files;
    *bytes = w.bytes;
    return rc;
}
