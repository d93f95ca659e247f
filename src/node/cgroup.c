/* SPDX-License-Identifier: Apache-2.0 */
#include "node/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"

enum { FILE_MAX_BYTES = 64 * 1024, REMOVE_TRIES = 50, REMOVE_WAIT_US = 10 * 1000 };

#define ROOT "/sys/fs/cgroup"

/* Write `text` to a file of the group. */
static bool
cgroup_put(const char *dir, const char *file, const char *text)
{
    char path[640];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = write(fd, text, strlen(text));
    (void)close(fd);
    return n == (ssize_t)strlen(text);
}

/* Our own group in the hierarchy whose line in /proc/self/cgroup has `mark`; "" if there is none.
 */
static void
cgroup_of_self(const char *mark, char *to, size_t n)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX_BYTES);
    struct err ignored = ERR_INIT;
    const char *at;

    to[0] = '\0';
    if (fs_read_file("/proc/self/cgroup", &text, &ignored))
        return;
    at = strstr(buf_c(&text), mark);
    if (at == NULL)
        return;
    at += strlen(mark);
    (void)snprintf(to, n, "%.*s", (int)strcspn(at, "\n"), at);
    if (strcmp(to, "/") == 0)
        to[0] = '\0';
}

static bool
cgroup_try(struct cgroup *g, const char *dir, const char *name, const char *limit, int64_t max)
{
    char number[24];

    (void)snprintf(number, sizeof(number), "%lld", (long long)max);
    if (snprintf(g->path, sizeof(g->path), "%s/cstash-%s", dir, name) >= (int)sizeof(g->path) ||
        (mkdir(g->path, 0755) != 0 && errno != EEXIST)) {
        g->path[0] = '\0';
        return false;
    }
    if (cgroup_put(g->path, limit, number))
        return true;
    (void)rmdir(g->path);
    g->path[0] = '\0';
    return false;
}

void
cgroup_make(struct cgroup *g, const char *name, int64_t max)
{
    char own[300], dir[400];
    char *slash;

    *g = (struct cgroup){.v2 = false};
    if (name == NULL || max <= 0)
        return;
    if (access(ROOT "/cgroup.controllers", F_OK) == 0) {
        g->v2 = true;
        cgroup_of_self("0::", own, sizeof(own));
        slash = strrchr(own, '/'); /* beside us: a group with processes has no groups below it */
        if (slash != NULL)
            *slash = '\0';
        (void)snprintf(dir, sizeof(dir), ROOT "%s", own);
        if (cgroup_try(g, dir, name, "memory.max", max))
            (void)cgroup_put(g->path, "memory.swap.max", "0");
        return;
    }
    cgroup_of_self(":memory:", own, sizeof(own));
    (void)snprintf(dir, sizeof(dir), ROOT "/memory%s", own);
    (void)cgroup_try(g, dir, name, "memory.limit_in_bytes", max);
}

void
cgroup_enter(const struct cgroup *g)
{
    if (g->path[0] != '\0')
        (void)cgroup_put(g->path, "cgroup.procs", "0");
}

bool
cgroup_leave(struct cgroup *g)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX_BYTES);
    struct err ignored = ERR_INIT;
    char path[640];
    const char *at;
    bool killed;

    if (g->path[0] == '\0')
        return false;
    (void)snprintf(path, sizeof(path), "%s/%s", g->path,
                   g->v2 ? "memory.events" : "memory.oom_control");
    killed = fs_read_file(path, &text, &ignored) == RC_OK &&
             (at = strstr(buf_c(&text), "oom_kill ")) != NULL && strtol(at + 9, NULL, 10) > 0;
    for (int i = 0; i < REMOVE_TRIES && rmdir(g->path) != 0 && errno == EBUSY; i++)
        (void)usleep(REMOVE_WAIT_US);
    return killed;
}
