/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARNESS_DOC_TABLE_H
#define HARNESS_DOC_TABLE_H

/*
 * harness/doc_table -- a document that a unit test generates: `TEST --print` writes it, and the test compares.
 */
#include "base/buf.h"
#include "base/fs.h"
#include "t.h"

typedef void doc_table_fn(struct buf *to);

enum { DOC_TABLE_MAX = 1024 * 1024 };

/* `path` is the committed document. */
static inline void
doc_table_same(doc_table_fn *write, const char *path)
{
    struct buf want = BUF_INIT(DOC_TABLE_MAX), have = BUF_INIT(DOC_TABLE_MAX);
    struct err e = ERR_INIT;

    write(&want);
    T_OK(fs_read_file(path, &have, &e));
    T_STR(buf_str(&have), buf_str(&want));
    buf_release(&want);
    buf_release(&have);
}

/* True: --print was asked for, and done. */
static inline bool
doc_table_print(int argc, char **argv, doc_table_fn *write)
{
    struct buf text = BUF_INIT(DOC_TABLE_MAX);

    if (argc != 2 || strcmp(argv[1], "--print") != 0)
        return false;
    write(&text);
    (void)fwrite(text.p, 1, text.n, stdout);
    buf_release(&text);
    return true;
}

#endif
