/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FS_H
#define BASE_FS_H

/*
 * base/fs -- whole files, whole writes, folders with their parents.
 *
 * Errors   name the path.
 */
#include <sys/types.h>

#include "base/buf.h"

/* Append the whole file to `out`; RC_LIMIT when it is larger than out's ceiling allows. */
NODISCARD enum rc fs_read_file(const char *path, struct buf *out, struct err *e);
/*
 * The same of a file that is believed: a regular one that belongs to this user, and that nobody else may write to
 * (RC_DENIED), by its own name. RC_NOT_FOUND: there is none.
 */
NODISCARD enum rc fs_read_own_file(const char *path, struct buf *out, struct err *e);
/* RC_DENIED: another user made the folder, or others may write there. */
NODISCARD enum rc fs_check_own_dir(const char *path, struct err *e);
/*
 * Replace the file or make it: whoever reads it sees the old text or the new one, also after a
 * power loss. `<path>.part` is used on the way.
 */
NODISCARD enum rc fs_write_file(const char *path, struct str text, mode_t mode, struct err *e);
/* The folder and all above it; one that is there stays as it is. */
NODISCARD enum rc fs_make_dirs(const char *path, mode_t mode, struct err *e);
/* Write all `n` bytes to a blocking descriptor; `what` names it in the error. */
NODISCARD enum rc fs_write_all(int fd, const void *p, size_t n, const char *what, struct err *e);
/* Read until `n` bytes or the end; `*got` says how many. */
NODISCARD enum rc fs_read_some(int fd, void *p, size_t n, size_t *got, const char *what,
                               struct err *e);
/* The path of a program in $PATH, mem_free; NULL: not installed. */
char *fs_find_program(const char *name);

#endif
