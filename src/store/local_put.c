/* SPDX-License-Identifier: Apache-2.0 */
/* Where a local store keeps its files, and how one comes to be. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/local_internal.h"

const char *
local_folder(enum store_type type)
{
    static const char *const names[] = {
        [STORE_CONFIG] = ".",    [STORE_KEY] = "keys",   [STORE_SNAPSHOT] = "snapshots",
        [STORE_INDEX] = "index", [STORE_LOCK] = "locks", [STORE_PACK] = "data"};

    return names[type];
}

const char *
local_path(struct store *s, const struct store_name *name, char to[static PATH_TEXT])
{
    char text[STORE_NAME_TEXT];

    (void)snprintf(to, PATH_TEXT, "%s/%s", s->place, store_name_text(name, text));
    return to;
}

bool
local_is_group_shared(struct local *l)
{
    int group = atomic_load(&l->group);
    char path[PATH_TEXT];
    struct stat st;

    if (group >= 0)
        return group != 0;
    (void)snprintf(path, sizeof(path), "%s/config", l->store.place);
    if (stat(path, &st) != 0)
        return false; /* a new repository: ask again later */
    group = (st.st_mode & S_IRGRP) != 0;
    atomic_store(&l->group, group);
    return group != 0;
}

enum rc
local_sync_folder(const struct local *l, const char *path, struct err *e)
{
    int fd, rc, sys;

    if (l->relaxed)
        return RC_OK;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "could not open %s", path);
    rc = fsync(fd);
    sys = errno;
    (void)close(fd);
    if (rc != 0 && sys != ENOTSUP && sys != EINVAL && sys != ENOENT)
        return err_sys(e, sys, "could not sync %s", path);
    return RC_OK;
}

enum rc
local_make_folder(struct local *l, const char *path, struct err *e)
{
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? RC_OK : err_sys(e, errno, "could not make %s", path);
    if (local_is_group_shared(l))
        (void)chmod(path, 0770);
    return RC_OK;
}

enum rc
local_temporary(struct store *s, enum store_type type, char folder[static FOLDER_TEXT],
                char path[static PATH_TEXT], struct err *e)
{
    uint64_t nonce;

    rand_bytes(&nonce, sizeof(nonce));
    if ((size_t)snprintf(folder, FOLDER_TEXT, "%s/%s", s->place, local_folder(type)) >= FOLDER_TEXT)
        return err_set(e, RC_INVALID, "the path of the repository is too long: at most %zu bytes",
                       FOLDER_TEXT - 2 - strlen(local_folder(type)));
    (void)snprintf(path, PATH_TEXT, "%s/" LOCAL_TMP_PREFIX "%016llx", folder,
                   (unsigned long long)nonce);
    return RC_OK;
}

/* What to do about a full disk. */
static enum rc
local_advise(struct err *e)
{
    return e->code != RC_FULL
               ? err_code(e)
               : err_hint(e,
                          "make room on its file system, or remove snapshots with `cstash forget "
                          "--prune`, which works on a full disk");
}

int
local_open_temporary(const char *folder, const char *path, bool *is_named)
{
    int fd = -1;

    if (access("/proc/self/fd", X_OK) == 0)
        fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
    *is_named = fd < 0;
    return fd >= 0 ? fd : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static enum rc
give_name(struct local_put *p, struct err *e)
{
    char self[64];

    if (p->is_named)
        return RC_OK;
    (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", p->fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, p->path, AT_SYMLINK_FOLLOW) != 0)
        return err_sys(e, errno, "could not make %s", p->path);
    p->is_named = true;
    return RC_OK;
}

enum rc
local_put_begin(struct ctx *cx, struct store *s, enum store_type type, struct store_put **out,
                struct err *e)
{
    char folder[FOLDER_TEXT], path[PATH_TEXT];
    struct local_put *p;
    bool is_named = false;
    int fd;

    if (ctx_check(cx, e) || local_temporary(s, type, folder, path, e))
        return err_code(e);
    fd = local_open_temporary(folder, path, &is_named);
    if (fd < 0 && errno == ENOENT) { /* copies of repositories often lack the empty folders */
        if (local_make_folder(local_of(s), folder, e))
            return local_advise(e);
        fd = local_open_temporary(folder, path, &is_named);
    }
    if (fd < 0) {
        (void)err_sys(e, errno, "could not make %s", path);
        return local_advise(e);
    }
    p = MEM_NEW(struct local_put);
    *p = (struct local_put){.put = {.store = s, .type = type},
                            .fd = fd,
                            .path = mem_strdup(path),
                            .is_named = is_named};
    *out = &p->put;
    return RC_OK;
}

enum rc
local_put_write(struct ctx *cx, struct store_put *put, const uint8_t *from, size_t n, struct err *e)
{
    struct local_put *p = CONTAINER_OF(put, struct local_put, put);

    if (ctx_check(cx, e))
        return err_code(e);
    return fs_write_all(p->fd, from, n, p->path, e) ? local_advise(e) : RC_OK;
}

void
local_put_abort(struct store_put *put)
{
    struct local_put *p;

    if (put == NULL)
        return;
    p = CONTAINER_OF(put, struct local_put, put);
    if (p->fd >= 0)
        (void)close(p->fd);
    if (p->is_named)
        (void)unlink(p->path);
    mem_free(p->path);
    mem_free(p);
}

/* Rename into place; data/xx is made when it is wanted first. */
static enum rc
rename_into_place(struct local *l, const char *from, const char *to, struct err *e)
{
    char folder[PATH_TEXT], parent[PATH_TEXT];

    if (rename(from, to) == 0)
        return RC_OK;
    if (errno != ENOENT)
        return err_sys(e, errno, "could not rename %s to %s", from, to);
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(to, '/') - to), to);
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(folder, '/') - folder), folder);
    if (local_make_folder(l, folder, e) || local_sync_folder(l, parent, e))
        return err_code(e);
    if (rename(from, to) != 0)
        return err_sys(e, errno, "could not rename %s to %s", from, to);
    return RC_OK;
}

static enum rc
local_commit(struct ctx *cx, struct local_put *p, const struct id *id, struct err *e)
{
    struct local *l = local_of(p->put.store);
    struct store_name name = {.type = p->put.type};
    char path[PATH_TEXT];
    int fd = p->fd;

    if (id != NULL)
        name.id = *id;
    if (ctx_check(cx, e))
        return err_code(e);
    if (fchmod(fd, local_is_group_shared(l) ? 0440 : 0400) != 0)
        return err_sys(e, errno, "could not set the mode of %s", p->path);
    if (!l->relaxed && fsync(fd) != 0 && errno != ENOTSUP)
        return err_sys(e, errno, "could not write %s", p->path);
    if (give_name(p, e))
        return err_code(e);
    p->fd = -1;
    if (close(fd) != 0)
        return err_sys(e, errno, "could not write %s", p->path);
    if (rename_into_place(l, p->path, local_path(p->put.store, &name, path), e))
        return err_code(e);
    *strrchr(path, '/') = '\0';
    return local_sync_folder(l, path, e);
}

enum rc
local_put_commit(struct ctx *cx, struct store_put *put, const struct id *id, struct err *e)
{
    struct local_put *p = CONTAINER_OF(put, struct local_put, put);
    enum rc rc = local_commit(cx, p, id, e);

    local_put_abort(put); /* after a rename there is nothing left to remove */
    return rc == RC_OK ? RC_OK : local_advise(e);
}
