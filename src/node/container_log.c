/* SPDX-License-Identifier: Apache-2.0 */
#include "node/container_log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

enum { LOG_MAX = 10 * 1024 * 1024 };

static void
log_open_file(struct container_log *l)
{
    l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    l->size = 0;
}

void
container_log_open(struct container_log *l, const char *path, const char *previous, int64_t max)
{
    *l = (struct container_log){.path = path, .previous = previous, .max = max > 0 ? max : LOG_MAX};
    buf_init(&l->line, CONTAINER_LOG_LINE);
    (void)rename(path, previous);
    log_open_file(l);
}

void
container_log_close(struct container_log *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    buf_release(&l->line);
}

static void
log_rotate(struct container_log *l)
{
    (void)close(l->fd);
    (void)rename(l->path, l->previous);
    log_open_file(l);
}

static void
log_remember(struct container_log *l, const uint8_t *p, size_t n)
{
    if (n > CONTAINER_LOG_TAIL) {
        p += n - CONTAINER_LOG_TAIL;
        n = CONTAINER_LOG_TAIL;
    }
    if (l->tail_n + n > sizeof(l->tail)) {
        size_t drop = l->tail_n - CONTAINER_LOG_TAIL;
        memmove(l->tail, l->tail + drop, CONTAINER_LOG_TAIL);
        l->tail_n = CONTAINER_LOG_TAIL;
    }
    if (n > 0)
        memcpy(l->tail + l->tail_n, p, n);
    l->tail_n += n;
}

static void
log_put_line(struct container_log *l)
{
    char whole[INSTANT_TEXT + CONTAINER_LOG_LINE + 2];
    struct instant t = instant_now();
    struct err ignored = ERR_INIT;
    size_t n;

    t.zone = 0;
    (void)instant_format(t, whole);
    n = strlen(whole);
    whole[n++] = ' ';
    if (l->line.n > 0)
        memcpy(whole + n, l->line.p, l->line.n);
    n += l->line.n;
    whole[n++] = '\n';
    log_remember(l, l->line.p, l->line.n);
    log_remember(l, (const uint8_t *)"\n", 1);
    buf_reset(&l->line);
    if (l->fd >= 0 && l->size > 0 && l->size + (int64_t)n > l->max)
        log_rotate(l);
    if (l->fd >= 0 && fs_write_all(l->fd, whole, n, l->path, &ignored) == RC_OK)
        l->size += (int64_t)n;
}

void
container_log_add(struct container_log *l, const char *p, size_t n)
{
    while (n > 0) {
        const char *end = memchr(p, '\n', n);
        size_t some = MIN(end != NULL ? (size_t)(end - p) : n, CONTAINER_LOG_LINE - l->line.n);
        bool whole = end != NULL && p + some == end;
        buf_must_add(&l->line, p, some);
        if (whole || l->line.n == CONTAINER_LOG_LINE)
            log_put_line(l);
        some += whole ? 1 : 0;
        p += some;
        n -= some;
    }
}

void
container_log_end(struct container_log *l)
{
    if (l->line.n > 0)
        log_put_line(l);
}

struct str
container_log_tail(const struct container_log *l)
{
    size_t n = MIN(l->tail_n, CONTAINER_LOG_TAIL), at = l->tail_n, lines = 0;

    while (at > l->tail_n - n) {
        if (l->tail[at - 1] == '\n' && ++lines > CONTAINER_LOG_TAIL_LINES)
            break;
        at--;
    }
    return str_of(l->tail + at, l->tail_n - at);
}
