/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_T_REMOVE_H
#define HARNESS_T_REMOVE_H

/* t_remove -- a folder of a test goes, with all that is in it. 0: it is gone. */
#include <ftw.h>
#include <stdio.h>

static int
t_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int
t_remove(const char *folder)
{
    return nftw(folder, t_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
