/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CONTAINER_LOG_H
#define NODE_CONTAINER_LOG_H

/*
 * node/container_log -- the output of a container as a file of lines "RFC3339-time text".
 *
 * Shape    bytes in, whole lines out; a line longer than CONTAINER_LOG_LINE is cut into several. Past its
 *          limit the file becomes the previous one and a new one begins.
 * Errors   none: a full disk loses lines, not the container.
 */
#include "base/buf.h"

enum { CONTAINER_LOG_LINE = 16 * 1024, CONTAINER_LOG_TAIL = 2048, CONTAINER_LOG_TAIL_LINES = 80 };

struct container_log {
    const char *path, *previous; /* borrowed */
    int fd;                      /* -1: none */
    int64_t max, size;
    struct buf line;                   /* the beginning of one */
    char tail[2 * CONTAINER_LOG_TAIL]; /* the last of what was written, without times */
    size_t tail_n;
};

/* A log that is there becomes the previous one: of the attempt before. `max` 0: 10 MiB. */
void container_log_open(struct container_log *l, const char *path, const char *previous,
                        int64_t max);
void container_log_add(struct container_log *l, const char *p, size_t n);
/* The last line, though it has no end. */
void container_log_end(struct container_log *l);
/* The last 2048 bytes or 80 lines; borrowed until the next call. */
struct str container_log_tail(const struct container_log *l);
void container_log_close(struct container_log *l);

#endif
