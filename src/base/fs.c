/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

enum { READ_STEP = 64 * 1024 };

enum rc
fs_read_some(int fd, void *p, size_t n, size_t *got, const char *what, struct err *e)
{
    size_t have = 0;

    while (have < n) {
        ssize_t r = read(fd, (char *)p + have, n - have);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_sys(e, errno, "could not read %s", what);
        if (r == 0)
            break;
        have += (size_t)r;
    }
    *got = have;
    return RC_OK;
}

/* All of it; the descriptor is closed. */
static enum rc
read_whole(int fd, const char *path, struct buf *out, struct err *e)
{
    size_t got = 1;

    while (got != 0) {
        uint8_t step[READ_STEP];
        if (fs_read_some(fd, step, sizeof(step), &got, path, e))
            goto fail;
        if (buf_add(out, step, got, e)) {
            (void)err_wrap(e, "could not read %s", path);
            goto fail;
        }
    }
    (void)close(fd);
    return RC_OK;
fail:
    (void)close(fd);
    return err_code(e);
}

enum rc
fs_read_file(const char *path, struct buf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? err_sys(e, errno, "could not open %s", path) : read_whole(fd, path, out, e);
}

/* Nobody else made it, or may change it. */
static enum rc
check_own(const struct stat *st, const char *what, const char *path, struct err *e)
{
    if (st->st_uid != geteuid())
        return err_set(e, RC_DENIED, "the %s %s belongs to another user (uid %u)", what, path,
                       (unsigned)st->st_uid);
    if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(e, RC_DENIED, "others may write to the %s %s", what, path);
    return RC_OK;
}

enum rc
fs_read_own_file(const char *path, struct buf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    enum rc rc;

    if (fd < 0 && errno == ELOOP)
        return err_set(e, RC_DENIED, "%s is a symbolic link", path);
    if (fd < 0)
        return err_sys(e, errno, "could not open %s", path);
    if (fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "could not look at %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, RC_DENIED, "%s is not a regular file", path);
    else
        rc = check_own(&st, "file", path, e);
    if (rc == RC_OK)
        return read_whole(fd, path, out, e);
    (void)close(fd);
    return rc;
}

enum rc
fs_check_own_dir(const char *path, struct err *e)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return err_sys(e, errno, "could not look at %s", path);
    return S_ISDIR(st.st_mode) ? check_own(&st, "folder", path, e)
                               : err_set(e, RC_DENIED, "%s is not a folder", path);
}

enum rc
fs_write_all(int fd, const void *p, size_t n, const char *what, struct err *e)
{
    const char *at = p;

    while (n > 0) {
        ssize_t w = write(fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return err_sys(e, errno, "could not write %s", what);
        at += w;
        n -= (size_t)w;
    }
    return RC_OK;
}

enum rc
fs_write_file(const char *path, struct str text, mode_t mode, struct err *e)
{
    CLEANUP(mem_free_ptr) char *part = mem_printf("%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    enum rc rc;

    if (fd < 0)
        return err_sys(e, errno, "could not write %s", part);
    rc = fs_write_all(fd, text.p, text.n, part, e);
    if (rc == RC_OK && fsync(fd) != 0)
        rc = err_sys(e, errno, "could not write %s", part);
    if (close(fd) != 0 && rc == RC_OK)
        rc = err_sys(e, errno, "could not write %s", part);
    if (rc == RC_OK && rename(part, path) != 0)
        rc = err_sys(e, errno, "could not write %s", path);
    if (rc != RC_OK)
        (void)unlink(part);
    return rc;
}

enum rc
fs_make_dirs(const char *path, mode_t mode, struct err *e)
{
    CLEANUP(mem_free_ptr) char *part = mem_strdup(path);

    for (char *p = part + 1;; p++) {
        char was = *p;
        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return err_sys(e, errno, "could not make the folder %s", part);
        *p = was;
        if (was == '\0')
            return RC_OK;
    }
}

char *
fs_find_program(const char *name)
{
    const char *path = getenv("PATH");

    for (const char *p = path != NULL ? path : "/usr/bin:/bin"; *p != '\0';) {
        size_t n = strcspn(p, ":");
        char *full = mem_printf("%.*s/%s", (int)n, p, name);

        if (access(full, X_OK) == 0)
            return full;
        mem_free(full);
        p += n + (p[n] == ':');
    }
    return NULL;
}
