/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_LOCAL_H
#define STORE_LOCAL_H

/*
 * store/local -- a store in a folder of this machine, in restic's layout.
 *
 * Writing  into a file without a name, fsync, a temporary name, rename, fsync of the folder. Where
 *          the file system knows no files without names, the temporary name comes first, and a
 *          crash leaves a file of it, which no reader takes for an object.
 * Modes    folders 0700, files 0400; 0770 and 0440 when `config` is readable by its group.
 * Source   restic's local backend, as seen from outside (system calls of 0.14).
 */
#include "store/store.h"

/* `path` is copied. Nothing is touched yet. */
struct store *store_local_new(const char *path);
/* The same for copies that can be fetched again: nothing is synced. */
struct store *store_local_new_relaxed(const char *path);

#endif
