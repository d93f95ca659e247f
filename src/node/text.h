/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NODE_TEXT_H
#define NODE_TEXT_H

/*
 * node/text -- what becomes of the words of a container: variables, paths, amounts.
 *
 * Threads  pure functions.
 * Tests    text_test.c
 */
#include <stddef.h>
#include <stdint.h>

enum { EXPAND_MAX = 1024 * 1024 };

/* NULL: no such variable. */
typedef const char *expand_lookup_fn(void *arg, const char *name);

/*
 * "$(NAME)" becomes its value, "$$" a "$"; what is not known stays as it is. The caller frees.
 * Source: Kubernetes third_party/forked/golang/expansion.
 */
char *expand_vars(const char *text, expand_lookup_fn *lookup, void *arg);

/* A folder that a container knows under another name. */
struct mount_point {
    char *path; /* in the container, without a slash at its end */
    char *real;
};

/*
 * There is no other root for a container, so each mount path in its words becomes the real one,
 * the longest path first: at the beginning, or behind = : , a blank, a quote or what a shell cuts
 * words at, if the end, or / : , and the like follows. The caller frees.
 */
char *map_mount_paths(const char *text, const struct mount_point *mounts, size_t n);

/* "512Mi", "1.5G", "100m" in units of one, rounded up; 0: no quantity. */
int64_t quantity_parse(const char *text);

#endif
