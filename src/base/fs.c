/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"

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

enum rc
fs_read_file(const char *path, struct buf *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t got = 1;

    if (fd < 0)
        return err_sys(e, errno, "could not open %s", path);
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
    return e->code;
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
