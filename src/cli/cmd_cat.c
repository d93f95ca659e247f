/* SPDX-License-Identifier: Apache-2.0 */
/* cstash cat and list: a look into a repository. */
#include <unistd.h>

#include "base/stream.h"
#include "cli/app.h"
#include "repo/inspect.h"

static const struct opt *const tables[] = {opts_repo, opts_global, NULL};

static enum rc
find_word(const char *word, const char *const *words, int *out, struct err *e)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = i;
            return RC_OK;
        }
    return err_set(e, RC_USAGE, "there are no \"%s\" in a repository; see --help", word);
}

static enum rc
run_cat(struct ctx *cx, const struct args *a, struct err *e)
{
    /* In the order of enum inspect_kind. */
    static const char *const words[] = {"config", "index", "snapshot", "key",  "masterkey",
                                        "lock",   "pack",  "blob",     "tree", NULL};
    struct app_repo r = {0};
    struct wr_fd out;
    int kind;
    bool whole;
    enum rc rc = find_word(a->rest[0], words, &kind, e);

    whole = rc == RC_OK && (kind == INSPECT_CONFIG || kind == INSPECT_MASTERKEY);
    if (rc == RC_OK && whole != (a->n_rest == 1))
        rc =
            err_set(e, RC_USAGE, whole ? "there is only one %s" : "cat %s needs an ID", a->rest[0]);
    if (rc == RC_OK)
        rc = app_repo_lock(cx, a, APP_LOCK_SHARED, &r, e);
    wr_fd_init(&out, cx, STDOUT_FILENO, "the standard output");
    if (rc == RC_OK)
        rc = inspect_cat(cx, r.repo, (enum inspect_kind)kind, a->rest[1], &out.wr, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_cat = {
    "cat",
    "config|masterkey|index|snapshot|key|lock|pack|blob ID|tree SNAPSHOT[:FOLDER]",
    "print a file of a repository",
    tables,
    1,
    2,
    run_cat};

static enum rc
print_file(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    char hex[ID_TEXT];

    (void)arg;
    (void)bytes;
    (void)e;
    (void)puts(id_hex(id, hex));
    return RC_OK;
}

static enum rc
print_blob(void *arg, bool is_tree, const struct id *id, struct err *e)
{
    char hex[ID_TEXT];

    (void)arg;
    (void)e;
    (void)printf("%s %s\n", is_tree ? "tree" : "data", id_hex(id, hex));
    return RC_OK;
}

static enum rc
run_list(struct ctx *cx, const struct args *a, struct err *e)
{
    static const char *const words[] = {"keys",  "snapshots", "index", "locks",
                                        "packs", "blobs",     NULL};
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    enum { LOCKS = 3, BLOBS = 5 };
    struct app_repo r = {0};
    int kind;
    enum rc rc = find_word(a->rest[0], words, &kind, e);

    /* Locks are listed without making one more. */
    if (rc == RC_OK)
        rc = app_repo_lock(cx, a, kind == LOCKS ? APP_LOCK_NONE : APP_LOCK_SHARED, &r, e);
    if (rc == RC_OK)
        rc = kind == BLOBS ? inspect_blobs(cx, r.repo, print_blob, NULL, e)
                           : r.store->ops->list(cx, r.store, types[kind], print_file, NULL, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_list = {"list",
                                 "blobs|packs|index|snapshots|keys|locks",
                                 "list the files or blobs of a repository",
                                 tables,
                                 1,
                                 1,
                                 run_list};
