/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FS_H
#define BASE_FS_H

/*
 * base/fs -- whole files and whole writes.
 *
 * Errors   name the path.
 */
#include "base/buf.h"

/* Append the whole file to `out`; RC_LIMIT when it is larger than out's ceiling allows. */
NODISCARD enum rc fs_read_file(const char *path, struct buf *out, struct err *e);
/* Write all `n` bytes to a blocking descriptor; `what` names it in the error. */
NODISCARD enum rc fs_write_all(int fd, const void *p, size_t n, const char *what, struct err *e);
/* Read until `n` bytes or the end; `*got` says how many. */
NODISCARD enum rc fs_read_some(int fd, void *p, size_t n, size_t *got, const char *what,
                               struct err *e);

#endif
