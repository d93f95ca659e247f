/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_CGROUP_H
#define NODE_CGROUP_H

/*
 * node/cgroup -- a ceiling for the memory of a container, where we may set one.
 *
 * Shape    a control group of version 2 beside ours, or of version 1 below ours. Where neither can
 *          be made (an ordinary user without delegation) there is no ceiling.
 */
#include <stdbool.h>
#include <stdint.h>

struct cgroup {
    char path[512]; /* "": none */
    bool v2;
};

/* `name` NULL or `max` 0: none wanted. */
void cgroup_make(struct cgroup *g, const char *name, int64_t max);
/* The calling process goes into it. Async-signal-safe. */
void cgroup_enter(const struct cgroup *g);
/* Remove it, empty; did the kernel kill something in it for want of memory? */
bool cgroup_leave(struct cgroup *g);

#endif
