/* SPDX-License-Identifier: Apache-2.0 */
/* cstash cat and list: a look into a repository. */
#include <unistd.h>

#include "base/stream.h"
#include "cli/app.h"
#include "maintain/inspect.h"

struct cat_args {
    struct app_opts app;
    struct repo_access repo;
};
static const struct opt_group groups[] = {
    {opts_repo, offsetof(struct cat_args, repo)}, {opts_app, 0}, {.table = NULL}};

static enum rc
find_word(const char *word, const char *const *words, int *out, struct err *e)
{
    *out = app_word(word, words);
    if (*out >= 0)
        return RC_OK;
    return err_set(e, RC_USAGE, "there are no \"%s\" in a repository; see --help", word);
}

static enum rc
run_cat(struct ctx *cx, const void *args, struct err *e)
{
    const struct cat_args *a = args;
    /* In the order of enum inspect_kind. */
    static const char *const words[] = {"config", "index", "snapshot", "key",  "masterkey",
                                        "lock",   "pack",  "blob",     "tree", NULL};
    struct app_repo r = {0};
    const char *id = a->app.words.n == 2 ? a->app.words.v[1] : NULL;
    struct wr_fd out;
    int kind;
    bool whole;
    enum rc rc = find_word(a->app.words.v[0], words, &kind, e);

    whole = rc == RC_OK && (kind == INSPECT_CONFIG || kind == INSPECT_MASTERKEY);
    if (rc == RC_OK && whole != (a->app.words.n == 1))
        rc = err_set(e, RC_USAGE, whole ? "there is only one %s" : "cat %s needs an ID",
                     a->app.words.v[0]);
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &a->repo, APP_LOCK_SHARED, &r, e);
    wr_fd_init(&out, cx, STDOUT_FILENO, "the standard output");
    if (rc == RC_OK)
        rc = inspect_cat(cx, r.repo, (enum inspect_kind)kind, id, &out.wr, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_cat = {
    .name = "cat",
    .usage = "config|masterkey|index|snapshot|key|lock|pack|blob ID|tree SNAPSHOT[:FOLDER]",
    .summary = "print a file of a repository",
    .groups = groups,
    .size = sizeof(struct cat_args),
    .words_min = 1,
    .words_max = 2,
    .run = run_cat};

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
run_list(struct ctx *cx, const void *args, struct err *e)
{
    const struct cat_args *a = args;
    static const char *const words[] = {"keys",  "snapshots", "index", "locks",
                                        "packs", "blobs",     NULL};
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    enum { LOCKS = 3, BLOBS = 5 };
    struct app_repo r = {0};
    int kind;
    enum rc rc = find_word(a->app.words.v[0], words, &kind, e);

    /* Locks are listed without making one more. */
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &a->repo, kind == LOCKS ? APP_LOCK_NONE : APP_LOCK_SHARED, &r, e);
    if (rc == RC_OK)
        rc = kind == BLOBS ? inspect_blobs(cx, r.repo, print_blob, NULL, e)
                           : r.store->ops->list(cx, r.store, types[kind], print_file, NULL, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_list = {.name = "list",
                                 .usage = "blobs|packs|index|snapshots|keys|locks",
                                 .summary = "list the files or blobs of a repository",
                                 .groups = groups,
                                 .size = sizeof(struct cat_args),
                                 .words_min = 1,
                                 .words_max = 1,
                                 .run = run_list};
