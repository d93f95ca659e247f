/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that waits for the end of all processes of Pods, ours and those found again. */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "node/node_internal.h"

enum { EVENTS = 64, POLL_MS = 500 };

struct watched {
    int fd;
    pid_t pid;
    char *key;
    struct watched *next;
};

static void
process_watch_drop(struct node *r, struct watched *w)
{
    (void)pthread_mutex_lock(&r->lock);
    for (struct watched **at = &r->watched; *at != NULL; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    (void)pthread_mutex_unlock(&r->lock);
    (void)close(w->fd);
    mem_free(w->key);
    mem_free(w);
}

static void *
process_watch_thread(void *arg)
{
    struct node *r = (struct node *)arg;
    struct epoll_event got[EVENTS];
    bool over = false;

    while (!over) {
        int n = epoll_wait(r->watch_fd, got, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct watched *w = (struct watched *)got[i].data.ptr;
            if (w == NULL) {
                over = true;
                continue;
            }
            (void)waitpid(w->pid, NULL, WNOHANG); /* fails if it is not a child of ours: fine */
            workq_add(controller_queue(r->pod_ctl), w->key);
            (void)epoll_ctl(r->watch_fd, EPOLL_CTL_DEL, w->fd, NULL);
            process_watch_drop(r, w);
        }
        if (n < 0 && errno != EINTR)
            break;
    }
    return NULL;
}

enum rc
process_watch_begin(struct node *r, struct err *e)
{
    struct epoll_event end = {.events = EPOLLIN, .data.ptr = NULL};

    r->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    if (r->watch_fd < 0 || epoll_ctl(r->watch_fd, EPOLL_CTL_ADD, r->cx->fd, &end) != 0)
        return err_sys(e, errno, "could not watch processes");
    if (thread_start(&r->watch_thread, "processes", process_watch_thread, r, e))
        return err_wrap(e, "could not watch processes");
    r->watching = true;
    return RC_OK;
}

void
process_watch_end(struct node *r)
{
    if (r->watching)
        (void)pthread_join(r->watch_thread, NULL);
    while (r->watched != NULL)
        process_watch_drop(r, r->watched);
    if (r->watch_fd >= 0)
        (void)close(r->watch_fd);
    r->watching = false;
    r->watch_fd = -1;
}

static bool
process_is_watched(struct node *r, pid_t pid)
{
    bool found = false;

    (void)pthread_mutex_lock(&r->lock);
    for (const struct watched *w = r->watched; w != NULL && !found; w = w->next)
        found = w->pid == pid;
    (void)pthread_mutex_unlock(&r->lock);
    return found;
}

void
process_watch_add(struct node *r, pid_t pid, const char *key)
{
    struct epoll_event ev = {.events = EPOLLIN};
    struct watched *w;
    int fd;

    if (process_is_watched(r, pid))
        return;
    fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        (void)waitpid(pid, NULL, WNOHANG);
        workq_add_after(controller_queue(r->pod_ctl), key, POLL_MS);
        return;
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    w = MEM_NEW(struct watched);
    *w = (struct watched){.fd = fd, .pid = pid, .key = mem_strdup(key)};
    (void)pthread_mutex_lock(&r->lock);
    w->next = r->watched;
    r->watched = w;
    (void)pthread_mutex_unlock(&r->lock);
    ev.data.ptr = w;
    if (epoll_ctl(r->watch_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
        workq_add_after(controller_queue(r->pod_ctl), key, POLL_MS);
        process_watch_drop(r, w);
    }
}
