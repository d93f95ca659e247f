/* SPDX-License-Identifier: Apache-2.0 */
/* kubectl-stash download: the files of snapshots, into a folder for each. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/plugin.h"
#include "cli/snapshot_opts.h"
#include "repo/load.h"

struct download_args {
    struct app_opts app;
    const char *destination;
    struct opt_list snapshots;
    struct snapshot_choice choice; /* host and target */
    struct cluster_access cluster;
};
static const struct opt opts_download[] = {
    {"snapshots", 0, OPT_LIST(struct download_args, snapshots), "ID,...", "which snapshots"},
    {"destination", 0, OPT_FOLDER(struct download_args, destination), NULL,
     "folder in which each gets one of its own, made if it is not there [the current one]"},
    {"paths", 0, OPT_IGNORED, NULL, "accepted and ignored: all files are written"},
    {"docker-registry", 0, OPT_IGNORED, NULL, "accepted and ignored: no container is needed"},
    {"image-tag", 0, OPT_IGNORED, NULL, "accepted and ignored"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_download, 0},
    {opts_host, offsetof(struct download_args, choice)},
    {opts_target, offsetof(struct download_args, choice)},
    {opts_cluster_access, offsetof(struct download_args, cluster)},
    {opts_app, 0},
    {.table = NULL}};

struct download {
    struct ctx *cx;
    struct repo *repo;
    const struct snapshot *snap;
    const char *folder;
    bool left_out; /* not all files */
};

/* A file of that name is not overwritten. */
static enum rc
write_file(struct download *d, const char *to, const struct file_info *f, struct err *e)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct wr_fd out;
    enum rc rc;

    if (fd < 0)
        return err_sys(e, errno, "could not make %s", to);
    wr_fd_init(&out, d->cx, fd, to);
    rc = load_copy(d->cx, d->repo, f, SNAPSHOT_WORKERS, &out.wr, e);
    if (close(fd) != 0 && rc == RC_OK)
        rc = err_sys(e, errno, "could not write %s", to);
    if (rc != RC_OK) /* half a dump must not be taken for one */
        (void)unlink(to);
    return rc;
}

/* Dumps lie at the top; what lies deeper is named by its whole path, and made where that is only names. */
static enum rc
download_file(void *arg, const char *path, uint64_t bytes, struct err *e)
{
    struct download *d = arg;
    struct file_info f = {0};
    CLEANUP(mem_free_ptr) char *to = NULL;
    char shown_to[400];
    enum rc rc;

    if (path[0] == '\0' || strchr(path + 1, '/') != NULL || strcmp(path, "/..") == 0 ||
        strcmp(path, "/.") == 0) {
        char shown[200];

        log_warn("%s is not at the top of the snapshot: left out",
                 str_show(str_c(path), shown, sizeof(shown)));
        d->left_out = true;
        return RC_OK;
    }
    to = mem_printf("%s%s", d->folder, path);
    rc = load_find_file(d->cx, d->repo, &d->snap->tree, path, &f, e);
    if (rc == RC_OK)
        rc = write_file(d, to, &f, e);
    file_info_release(&f);
    if (rc == RC_OK)
        (void)printf("%s: %llu bytes\n", str_show(str_c(to), shown_to, sizeof(shown_to)),
                     (unsigned long long)bytes);
    return rc;
}

static enum rc
download_one(struct ctx *cx, struct repo *r, const struct snapshot *s, const char *destination,
             struct err *e)
{
    char id[ID_TEXT];
    CLEANUP(mem_free_ptr) char *folder = mem_printf("%s/%.8s", destination, id_hex(&s->id, id));
    struct download d = {.cx = cx, .repo = r, .snap = s, .folder = folder};

    if (fs_make_dirs(folder, 0700, e) || load_list_files(cx, r, &s->tree, download_file, &d, e))
        return err_code(e);
    return d.left_out
               ? err_set(e, RC_UNSUPPORTED,
                         "not all files of snapshot %.8s were written: use restic restore", id)
               : RC_OK;
}

/* Each of "a,b" as a word; they stand in `text`. */
static enum rc
split_words(const struct opt_list *from, char *text[static OPT_LIST_MAX], struct opt_list *to,
            struct err *e)
{
    for (size_t i = 0; i < from->n; i++) {
        char *save = NULL;

        text[i] = mem_strdup(from->v[i]);
        for (char *w = strtok_r(text[i], ",", &save); w != NULL; w = strtok_r(NULL, ",", &save)) {
            if (to->n == OPT_LIST_MAX)
                return err_set(e, RC_USAGE, "more than %d snapshots", OPT_LIST_MAX);
            to->v[to->n++] = w;
            if (app_check_snapshot(w, e))
                return err_code(e);
        }
    }
    return RC_OK;
}

static enum rc
download_all(struct ctx *cx, const struct download_args *a, const struct opt_list *words,
             struct err *e)
{
    CLEANUP(mem_free_ptr) char *url = plugin_repo(&a->cluster, a->app.words.v[0]);
    const struct repo_access access = plugin_access(&a->cluster, url);
    struct app_snapshots s = {.n = 0};
    struct app_repo r = {0};
    enum rc rc = app_repo_open(cx, &access, APP_LOCK_SHARED, &r, e);

    if (rc == RC_OK)
        rc = app_snapshots(cx, &a->choice, words, r.repo, &s, e);
    for (size_t i = 0; rc == RC_OK && i < s.n; i++)
        rc = download_one(cx, r.repo, &s.list[i], a->destination != NULL ? a->destination : ".", e);
    rc = app_snapshots_close(rc, &s, e);
    app_repo_close(&r);
    return rc;
}

static enum rc
download_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct download_args *a = args;
    char *text[OPT_LIST_MAX] = {NULL};
    struct opt_list words = {.n = 0};
    enum rc rc = split_words(&a->snapshots, text, &words, e);

    if (rc == RC_OK && words.n == 0)
        rc = err_set(e, RC_USAGE, "use --snapshots ID,..");
    if (rc == RC_OK)
        rc = download_all(cx, a, &words, e);
    for (size_t i = 0; i < ARRAY_LEN(text); i++)
        mem_free(text[i]);
    return rc;
}

const struct command cmd_plugin_download = {.name = "download",
                                            .usage = "REPOSITORY",
                                            .summary = "write the files of snapshots into a folder",
                                            .groups = groups,
                                            .size = sizeof(struct download_args),
                                            .words_min = 1,
                                            .words_max = 1,
                                            .run = download_main};
