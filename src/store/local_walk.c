/* SPDX-License-Identifier: Apache-2.0 */
/* What there is below a folder, of a repository or not. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/local_internal.h"

enum { DEPTH_MAX = 100 };

struct walk {
    struct ctx *cx;
    const char *place;
    store_walk_fn *fn;
    void *arg;
    char path[PATH_TEXT]; /* from the place */
};

static enum rc walk_folder(struct walk *w, int fd, size_t n, unsigned depth, struct err *e);

/* `w->path` names it, its last part the entry `name` of the folder `fd`. */
static enum rc
walk_entry(struct walk *w, int fd, const char *name, size_t n, unsigned depth, struct err *e)
{
    struct stat st;
    int below;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? RC_OK /* gone just now */
                               : err_sys(e, errno, "could not look at %s/%s", w->place, w->path);
    if (!S_ISDIR(st.st_mode))
        return w->fn(w->arg,
                     &(struct store_file){.path = str_of(w->path, n),
                                          .bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
                                          .written_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
                                                        st.st_mtim.tv_nsec / 1000000,
                                          .is_file = S_ISREG(st.st_mode)},
                     e);
    if (depth == DEPTH_MAX)
        return err_set(e, RC_LIMIT, "%s/%s: more than %d folders in each other", w->place, w->path,
                       DEPTH_MAX);
    below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return errno == ENOENT ? RC_OK
                               : err_sys(e, errno, "could not list %s/%s", w->place, w->path);
    return walk_folder(w, below, n, depth + 1, e);
}

/* Closes `fd`. The first n bytes of w->path name it. */
static enum rc
walk_folder(struct walk *w, int fd, size_t n, unsigned depth, struct err *e)
{
    DIR *dir = fdopendir(fd);
    enum rc rc = RC_OK;

    if (dir == NULL) {
        rc = err_sys(e, errno, "could not list %s/%s", w->place, w->path);
        (void)close(fd);
        return rc;
    }
    while (rc == RC_OK && (rc = ctx_check(w->cx, e)) == RC_OK) {
        const struct dirent *entry;
        size_t len;

        w->path[n] = '\0';
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL && errno != 0)
            rc = err_sys(e, errno, "could not list %s/%s", w->place, w->path);
        if (entry == NULL)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        len = strlen(entry->d_name);
        if (n + len + 2 > sizeof(w->path)) {
            rc = err_set(e, RC_LIMIT, "a path below %s is too long", w->place);
            break;
        }
        if (n > 0)
            w->path[n] = '/';
        memcpy(w->path + n + (n > 0), entry->d_name, len + 1);
        rc = walk_entry(w, dirfd(dir), entry->d_name, n + (n > 0) + len, depth, e);
    }
    (void)closedir(dir);
    return rc;
}

enum rc
local_walk(struct ctx *cx, struct store *s, store_walk_fn *fn, void *arg, int64_t *now,
           struct err *e)
{
    struct walk w = {.cx = cx, .place = s->place, .fn = fn, .arg = arg, .path = ""};
    int fd = open(s->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(e, errno, "could not list %s", s->place);
    *now = clock_real_ms();
    return walk_folder(&w, fd, 0, 0, e);
}
