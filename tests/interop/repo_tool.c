/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repo_tool -- the repository engine on the command line, for the interoperability tests and for
 * measurements. RESTIC_REPOSITORY and RESTIC_PASSWORD say which repository.
 *
 *   repo_tool init [1|2]            with a key that costs nothing to derive
 *   repo_tool save NAME [auto|off|max] < data
 *   repo_tool list
 *   repo_tool ls SNAPSHOT
 *   repo_tool show SNAPSHOT PATH > data
 *   repo_tool plant                 snapshots of the latest one's tree; a line of stdin is
 *                                   "TIME|HOST|PATH,PATH|TAG,TAG"
 *   repo_tool unlock [all]
 *   repo_tool check                 with every byte
 *   repo_tool stats
 *   repo_tool hold [exclusive]      lock it and sleep until killed
 *   repo_tool passwd NEW
 *
 * REPO_TOOL_RENEW is how often a lock is renewed, in milliseconds; after three times as long
 * without it is given up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/mem.h"
#include "base/stream.h"
#include "maintain/check.h"
#include "repo/keys.h"
#include "repo/load.h"
#include "repo/repo.h"
#include "repo/save.h"
#include "repo/snapshots.h"
#include "maintain/stats.h"

struct tool {
    struct ctx cx;
    struct store *store;
    struct repo *repo;
};

static enum rc
tool_init(struct tool *t, const char *version, const char *password, struct err *e)
{
    struct repo_init_opts opts = {.version = version != NULL && version[0] == '1' ? 1 : 2,
                                  .fast_kdf = true};
    struct id id;

    return repo_init(&t->cx, t->store, str_c(password), &opts, &id, e);
}

static enum rc
tool_save(struct tool *t, const char *name, const char *mode, struct err *e)
{
    struct save_opts opts = {.compression = SAVE_AUTO};
    char *path = mem_printf("/%s", name);
    struct save_meta meta = {.hostname = "host-0", .path = path, .time = instant_now()};
    struct save *s = NULL;
    struct save_stats stats;
    struct rd_fd in;
    struct id id;
    char hex[ID_TEXT];
    enum rc rc;

    if (mode != NULL && mode[0] == 'o')
        opts.compression = SAVE_OFF;
    if (mode != NULL && mode[0] == 'm')
        opts.compression = SAVE_MAX;
    rd_fd_init(&in, &t->cx, STDIN_FILENO, "the standard input");
    rc = repo_lock(&t->cx, t->repo, false, e);
    if (rc == RC_OK)
        rc = save_open(&t->cx, t->repo, &opts, &s, e);
    if (rc == RC_OK)
        rc = stream_copy(&in.rd, save_file(s), NULL, e);
    if (rc == RC_OK)
        rc = save_file_end(s, name, e);
    if (rc == RC_OK)
        rc = save_commit(TAKE(s), &meta, &id, &stats, e);
    save_abort(s);
    mem_free(path);
    if (rc == RC_OK)
        (void)printf("%s %" PRIu64 " bytes, %" PRIu64 " new blobs, %" PRIu64 " stored, %" PRIu64
                     " known\n",
                     id_hex(&id, hex), stats.bytes_processed, stats.data_blobs,
                     stats.data_added_packed, stats.blobs_known);
    return rc;
}

static enum rc
tool_list(struct tool *t, struct err *e)
{
    struct snapshot *list = NULL;
    size_t n = 0;
    char hex[ID_TEXT], time[INSTANT_TEXT];

    if (snapshots_list(&t->cx, t->repo, &list, &n, e))
        return err_code(e);
    for (size_t i = 0; i < n; i++) {
        (void)printf("%.8s %s %s", id_hex(&list[i].id, hex), instant_format(list[i].time, time),
                     list[i].hostname);
        for (size_t k = 0; k < list[i].n_paths; k++)
            (void)printf(" %s", list[i].paths[k]);
        for (size_t k = 0; k < list[i].n_tags; k++)
            (void)printf(" tag=%s", list[i].tags[k]);
        (void)printf("\n");
    }
    snapshots_free(list, n);
    return RC_OK;
}

static size_t
split(char *text, char **out, size_t max)
{
    size_t n = 0;

    for (char *at = text, *word; (word = strsep(&at, ",")) != NULL && n < max;)
        if (word[0] != '\0')
            out[n++] = word;
    return n;
}

static enum rc
plant_one(struct tool *t, const struct id *tree, char *line, struct err *e)
{
    enum { MANY = 16 };
    char *paths[MANY], *tags[MANY], *at = line, *time = strsep(&at, "|");
    struct snapshot s = {.tree = *tree, .hostname = strsep(&at, "|"), .paths = paths, .tags = tags};

    s.n_paths = split(strsep(&at, "|"), paths, MANY);
    s.n_tags = split(strsep(&at, "|\n"), tags, MANY);
    if (instant_parse(str_c(time), &s.time, e))
        return err_code(e);
    return snapshot_save(&t->cx, t->repo, &s, e);
}

static enum rc
tool_plant(struct tool *t, struct err *e)
{
    struct snapshot latest;
    char line[1024];
    enum rc rc = snapshot_find(&t->cx, t->repo, "latest", NULL, &latest, e);

    if (rc != RC_OK)
        return rc;
    while (rc == RC_OK && fgets(line, sizeof(line), stdin) != NULL)
        rc = plant_one(t, &latest.tree, line, e);
    snapshot_release(&latest);
    return rc;
}

static enum rc
print_file(void *arg, const char *path, uint64_t size, struct err *e)
{
    (void)arg;
    (void)e;
    (void)printf("%s %" PRIu64 "\n", path, size);
    return RC_OK;
}

static enum rc
tool_show(struct tool *t, const char *spec, const char *path, struct err *e)
{
    struct snapshot snap;
    struct file_info file = {.size = 0};
    struct wr_fd out;
    enum rc rc = snapshot_find(&t->cx, t->repo, spec, NULL, &snap, e);

    if (rc)
        return rc;
    if (path == NULL) {
        rc = load_list_files(&t->cx, t->repo, &snap.tree, print_file, NULL, e);
    } else {
        wr_fd_init(&out, &t->cx, STDOUT_FILENO, "the standard output");
        rc = load_find_file(&t->cx, t->repo, &snap.tree, path, &file, e);
        if (rc == RC_OK)
            rc = load_copy(&t->cx, t->repo, &file, 0, &out.wr, e);
        file_info_release(&file);
    }
    snapshot_release(&snap);
    return rc;
}

static void
print_problem(void *arg, const char *text)
{
    (void)arg;
    (void)fprintf(stderr, "%s\n", text);
}

static enum rc
tool_check(struct tool *t, struct err *e)
{
    struct check_opts opts = {.read_data = true, .problem = print_problem};
    struct check_result res;

    return check_run(&t->cx, t->repo, &opts, &res, e);
}

static enum rc
tool_stats(struct tool *t, struct err *e)
{
    struct snapshot *list = NULL;
    struct stats raw, restore;
    size_t n = 0;
    enum rc rc = snapshots_list(&t->cx, t->repo, &list, &n, e);

    if (rc == RC_OK)
        rc = stats_count(&t->cx, t->repo, STATS_RAW_DATA, list, n, &raw, e);
    if (rc == RC_OK)
        rc = stats_count(&t->cx, t->repo, STATS_RESTORE_SIZE, list, n, &restore, e);
    if (rc == RC_OK)
        (void)printf("raw-data %" PRIu64 "\nrestore-size %" PRIu64 "\n", raw.total_size,
                     restore.total_size);
    snapshots_free(list, n);
    return rc;
}

static enum rc
tool_hold(struct tool *t, bool exclusive, struct err *e)
{
    if (repo_lock(&t->cx, t->repo, exclusive, e))
        return err_code(e);
    return ctx_sleep(&t->cx, 60000, e);
}

static enum rc
tool_passwd(struct tool *t, const char *password, struct err *e)
{
    struct repo_init_opts fast = {.fast_kdf = true};
    struct id id;

    return keys_passwd(&t->cx, t->repo, str_c(password), &fast, &id, e);
}

static void
set_pace(struct repo *r)
{
    const char *renew = getenv("REPO_TOOL_RENEW");
    int ms = renew == NULL ? 0 : (int)strtol(renew, NULL, 10);

    if (ms > 0)
        repo_set_lock_pace(
            r,
            (struct lock_pace){.settle = 200, .renew = ms, .repeat = ms, .lost = 3 * (ms + 200)});
}

static enum rc
run(struct tool *t, char **argv, struct err *e)
{
    const char *password = getenv("RESTIC_PASSWORD");
    size_t removed = 0;

    if (password == NULL)
        return err_set(e, RC_INVALID, "RESTIC_PASSWORD is not set");
    if (strcmp(argv[1], "init") == 0)
        return tool_init(t, argv[2], password, e);
    if (repo_open(&t->cx, t->store, str_c(password), &t->repo, e))
        return err_code(e);
    set_pace(t->repo);
    if (strcmp(argv[1], "save") == 0 && argv[2] != NULL)
        return tool_save(t, argv[2], argv[3], e);
    if (strcmp(argv[1], "list") == 0)
        return tool_list(t, e);
    if (strcmp(argv[1], "plant") == 0)
        return tool_plant(t, e);
    if (strcmp(argv[1], "ls") == 0 && argv[2] != NULL)
        return tool_show(t, argv[2], NULL, e);
    if (strcmp(argv[1], "show") == 0 && argv[2] != NULL && argv[3] != NULL)
        return tool_show(t, argv[2], argv[3], e);
    if (strcmp(argv[1], "unlock") == 0)
        return repo_unlock_stale(&t->cx, t->repo, argv[2] != NULL, &removed, e);
    if (strcmp(argv[1], "check") == 0)
        return tool_check(t, e);
    if (strcmp(argv[1], "stats") == 0)
        return tool_stats(t, e);
    if (strcmp(argv[1], "hold") == 0)
        return tool_hold(t, argv[2] != NULL, e);
    if (strcmp(argv[1], "passwd") == 0 && argv[2] != NULL)
        return tool_passwd(t, argv[2], e);
    return err_set(e, RC_INVALID, "unknown command %s", argv[1]);
}

int
main(int argc, char **argv)
{
    struct tool t = {.store = NULL};
    struct err e = ERR_INIT;
    enum rc rc;

    if (argc < 2 || getenv("RESTIC_REPOSITORY") == NULL) {
        (void)fprintf(stderr, "usage: repo_tool COMMAND, see its source\n");
        return 2;
    }
    rc = ctx_init(&t.cx, &e);
    if (rc == RC_OK)
        rc = store_open(getenv("RESTIC_REPOSITORY"), NULL, &t.store, &e);
    if (rc == RC_OK)
        rc = run(&t, argv, &e);
    repo_close(t.repo);
    store_release(t.store);
    ctx_release(&t.cx);
    if (rc)
        (void)fprintf(stderr, "error: %s (%s)\n", e.msg, rc_name(rc));
    return rc == RC_OK ? 0 : 1;
}
