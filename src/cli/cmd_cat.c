/* SPDX-License-Identifier: Apache-2.0 */
/* cstash cat and list: a look into a repository. */
#include <unistd.h>

#include "base/stream.h"
#include "cli/app.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "maintain/inspect.h"

struct cat_args {
    struct app_opts app;
    struct repo_access repo;
};
static const struct opt_group groups[] = {
    {opts_repo, offsetof(struct cat_args, repo)}, {opts_json, 0}, {opts_app, 0}, {.table = NULL}};

static enum rc
find_word(const char *word, const char *const *words, int *out, struct err *e)
{
    *out = app_word(word, words);
    if (*out >= 0)
        return RC_OK;
    return err_set(e, RC_USAGE, "there are no \"%s\" in a repository; see --help", word);
}

/* In the order of enum inspect_kind. */
static const char *const cat_words[] = {"config", "index", "snapshot", "key",  "masterkey",
                                        "lock",   "pack",  "blob",     "tree", NULL};

static enum rc
run_cat(struct ctx *cx, const void *args, struct err *e)
{
    const struct cat_args *a = args;
    struct app_repo r = {0};
    const char *id = a->app.words.n == 2 ? a->app.words.v[1] : NULL;
    struct wr_fd out;
    int kind;
    bool whole;
    enum rc rc = find_word(a->app.words.v[0], cat_words, &kind, e);

    whole = rc == RC_OK && (kind == INSPECT_CONFIG || kind == INSPECT_MASTERKEY);
    if (rc == RC_OK && whole != (a->app.words.n == 1))
        rc = err_set(e, RC_USAGE, whole ? "there is only one %s" : "cat %s needs an ID",
                     a->app.words.v[0]);
    if (rc == RC_OK && a->app.json && (kind == INSPECT_PACK || kind == INSPECT_BLOB))
        rc = err_set(e, RC_USAGE, "the bytes of a %s are not JSON: leave out --json",
                     cat_words[kind]);
    if (rc == RC_OK && kind == INSPECT_SNAPSHOT)
        rc = app_check_snapshot(id, e);
    else if (rc == RC_OK && !whole && kind != INSPECT_TREE)
        rc = app_check_id(id, e);
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
    .first_words = cat_words,
    .words_max = 2,
    .run = run_cat};

/* What a list prints: one line or one element each. */
struct list_out {
    bool as_json;
    struct out_json json;
};

static enum rc
print_file(void *arg, const struct id *id, uint64_t bytes, struct err *e)
{
    struct list_out *out = arg;
    char hex[ID_TEXT];

    (void)bytes;
    (void)e;
    if (out->as_json)
        jw_cstr(&out->json.w, id_hex(id, hex));
    else
        (void)puts(id_hex(id, hex));
    return RC_OK;
}

static enum rc
print_blob(void *arg, bool is_tree, const struct id *id, struct err *e)
{
    struct list_out *out = arg;
    const char *type = is_tree ? "tree" : "data";
    char hex[ID_TEXT];

    (void)e;
    if (!out->as_json) {
        (void)printf("%s %s\n", type, id_hex(id, hex));
        return RC_OK;
    }
    jw_open_object(&out->json.w);
    jw_field_cstr(&out->json.w, "type", type);
    jw_field_cstr(&out->json.w, "id", id_hex(id, hex));
    jw_close_object(&out->json.w);
    return RC_OK;
}

static const char *const list_words[] = {"keys",  "snapshots", "index", "locks",
                                         "packs", "blobs",     NULL};

static enum rc
run_list(struct ctx *cx, const void *args, struct err *e)
{
    const struct cat_args *a = args;
    static const enum store_type types[] = {STORE_KEY, STORE_SNAPSHOT, STORE_INDEX, STORE_LOCK,
                                            STORE_PACK};
    enum { LOCKS = 3, BLOBS = 5 };
    struct list_out out = {.as_json = a->app.json};
    struct app_repo r = {0};
    int kind;
    enum rc rc = find_word(a->app.words.v[0], list_words, &kind, e);

    /* Locks are listed without making one more. */
    if (rc == RC_OK)
        rc = app_repo_lock(cx, &a->repo, kind == LOCKS ? APP_LOCK_NONE : APP_LOCK_SHARED, &r, e);
    out_json_begin(&out.json);
    jw_open_array(&out.json.w);
    if (rc == RC_OK)
        rc = kind == BLOBS ? inspect_blobs(cx, r.repo, print_blob, &out, e)
                           : r.store->ops->list(cx, r.store, types[kind], print_file, &out, e);
    jw_close_array(&out.json.w);
    if (rc == RC_OK && out.as_json)
        out_json_end(&out.json);
    else
        buf_release(&out.json.text);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_list = {.name = "list",
                                 .usage = "blobs|packs|index|snapshots|keys|locks",
                                 .summary = "list the files or blobs of a repository",
                                 .groups = groups,
                                 .size = sizeof(struct cat_args),
                                 .words_min = 1,
                                 .first_words = list_words,
                                 .words_max = 1,
                                 .run = run_list};
