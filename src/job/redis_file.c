/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that a library wants as files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "job/step_internal.h"

enum rc
redis_target_file(const struct step_flags *f, struct redis_target *b, size_t at, const char *name,
                  struct str bytes, const char **path, struct err *e)
{
    int fd;
    enum rc rc;

    b->files[at] =
        mem_printf("%s/cstash-%ld-%s", step_text(f->scratch_dir, "/tmp"), (long)getpid(), name);
    /* Of an earlier run of ours; where others put a file of that name, it is refused. */
    (void)unlink(b->files[at]);
    fd = open(b->files[at], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(e, errno, "could not write %s", b->files[at]);
    rc = fs_write_all(fd, bytes.p, bytes.n, b->files[at], e);
    (void)close(fd);
    *path = b->files[at];
    return rc;
}
