/* SPDX-License-Identifier: Apache-2.0 */
/* cstash repair: make a damaged repository one that its check passes. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "maintain/inspect.h"
#include "maintain/repair.h"

struct repair_args {
    struct app_opts app;
    bool read_all_packs, forget, dry_run;
    struct snapshot_choice snapshots;
    struct repo_access repo;
};
static const struct opt opts_repair[] = {
    {"read-all-packs", 0, OPT_FLAG(struct repair_args, read_all_packs), NULL,
     "index: rebuild it from the packs alone"},
    {"forget", 0, OPT_FLAG(struct repair_args, forget), NULL, "snapshots: remove damaged ones"},
    {"dry-run", 'n', OPT_FLAG(struct repair_args, dry_run), NULL,
     "snapshots: only show what would be done"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_repair, 0},
    GROUPS_SNAPSHOTS(struct repair_args, snapshots),
    {opts_repo, offsetof(struct repair_args, repo)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static void
on_note(void *arg, const char *text)
{
    (void)arg;
    log_warn("%s", text);
}

static struct repair_opts
repair_opts(const struct repair_args *a)
{
    return (struct repair_opts){.note = on_note,
                                .dry_run = a->dry_run,
                                .forget = a->forget,
                                .read_all_packs = a->read_all_packs};
}

static enum rc
run_index(struct ctx *cx, const struct repair_args *a, const struct opt_list *ids, struct repo *r,
          struct err *e)
{
    struct repair_opts opts = repair_opts(a);
    struct repair_index_result res;

    (void)ids;
    if (repair_index(cx, r, &opts, &res, e))
        return err_code(e);
    if (a->app.json)
        (void)printf("{\"message_type\":\"summary\",\"packs\":%zu,\"packs_read\":%zu,"
                     "\"packs_missing\":%zu,\"packs_unreadable\":%zu}\n",
                     res.packs, res.read, res.missing, res.bad);
    else
        (void)printf("%zu %s in the index: %zu read, %zu missing, %zu that cannot be read\n",
                     res.packs, str_plural(res.packs, "pack", "packs"), res.read, res.missing,
                     res.bad);
    if (res.bad == 0)
        return RC_OK;
    (void)err_set(e, RC_CORRUPT, "%zu %s cannot be read", res.bad,
                  str_plural(res.bad, "pack", "packs"));
    return err_hint(e, "`cstash repair packs ID` saves what is whole in it");
}

/* ---- packs ---- */

/*
 * A copy in the current folder: what cannot be read today may be worth a look tomorrow. One of an
 * earlier run that was cut off stays: the pack may be worse by now.
 */
static enum rc
keep_copy(struct ctx *cx, struct repo *r, const struct id *pack, struct err *e)
{
    char hex[ID_TEXT], name[ID_TEXT + 8], part[ID_TEXT + 16];
    struct wr_fd out;
    int fd;
    enum rc rc;

    (void)snprintf(name, sizeof(name), "pack-%s", id_hex(pack, hex));
    if (access(name, F_OK) == 0)
        return RC_OK;
    (void)snprintf(part, sizeof(part), "%s.part", name);
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(e, errno, "could not make %s to keep a copy of the pack", part);
    wr_fd_init(&out, cx, fd, part);
    rc = inspect_cat(cx, r, INSPECT_PACK, hex, &out.wr, e);
    if (rc == RC_CORRUPT) /* that is why it is kept */
        rc = RC_OK;
    if (rc == RC_OK && (fsync(fd) != 0 || rename(part, name) != 0))
        rc = err_sys(e, errno, "could not write %s", name);
    (void)close(fd);
    if (rc != RC_OK)
        (void)unlink(part);
    else
        log_info("kept a copy of the pack as %s", name);
    return rc;
}

static enum rc
run_packs(struct ctx *cx, const struct repair_args *a, const struct opt_list *ids, struct repo *r,
          struct err *e)
{
    struct repair_opts opts = repair_opts(a);
    struct repair_packs_result res;
    struct id packs[OPT_LIST_MAX];

    if (ids->n == 0)
        return err_set(e, RC_USAGE,
                       "repair packs needs the IDs of packs: `cstash check "
                       "--read-data` names the damaged ones");
    for (size_t i = 0; i < ids->n; i++)
        if (inspect_find_pack(cx, r, ids->v[i], &packs[i], e))
            return err_code(e);
    for (size_t i = 0; i < ids->n; i++)
        if (keep_copy(cx, r, &packs[i], e))
            return err_code(e);
    if (repair_packs(cx, r, packs, ids->n, &opts, &res, e))
        return err_code(e);
    if (a->app.json)
        (void)printf("{\"message_type\":\"summary\",\"blobs_saved\":%zu,\"blobs_lost\":%zu}\n",
                     res.saved, res.lost);
    else
        (void)printf("%zu %s saved, %zu lost\n", res.saved, str_plural(res.saved, "blob", "blobs"),
                     res.lost);
    if (res.lost != 0)
        log_info("hint: `cstash repair snapshots --forget` takes them out of the snapshots");
    return RC_OK;
}

/* ---- snapshots ---- */

static enum rc
run_snapshots(struct ctx *cx, const struct repair_args *a, const struct opt_list *ids,
              struct repo *r, struct err *e)
{
    struct repair_opts opts = repair_opts(a);
    struct app_snapshots all;
    size_t changed = 0;
    enum rc rc = app_snapshots(cx, &a->snapshots, ids, r, &all, e);

    if (rc == RC_OK)
        rc = repair_snapshots(cx, r, all.list, all.n, &opts, &changed, e);
    if (a->forget && !a->dry_run && rc == RC_OK)
        rc = snapshots_forget(cx, r, all.unread.ids, all.unread.n, NULL, e);
    if (a->forget)
        changed += all.unread.n;
    if (rc == RC_OK && a->app.json)
        (void)printf("{\"message_type\":\"summary\",\"dry_run\":%s,\"changed_snapshots\":%zu}\n",
                     a->dry_run ? "true" : "false", changed);
    else if (rc == RC_OK)
        (void)printf("%zu %s %s\n", changed, str_plural(changed, "snapshot", "snapshots"),
                     a->dry_run ? "would change" : "changed");
    if (a->forget)
        all.unread.n = 0; /* they are gone, or would be */
    return app_snapshots_close(rc, &all, e);
}

/* ---- the command ---- */

/* `ids`: the words behind the verb. */
typedef enum rc verb_fn(struct ctx *cx, const struct repair_args *a, const struct opt_list *ids,
                        struct repo *r, struct err *e);

static enum rc
run_verb(struct ctx *cx, const struct repair_args *a, const struct opt_list *ids, verb_fn *verb,
         struct err *e)
{
    struct app_repo r = {0};
    enum rc rc = app_repo_lock(cx, &a->repo, APP_LOCK_EXCLUSIVE, &r, e);

    if (rc == RC_OK)
        rc = verb(cx, a, ids, r.repo, e);
    app_repo_close(&r);
    return rc;
}

static const char *const repair_words[] = {"index", "packs", "snapshots", NULL};

static enum rc
repair_main(struct ctx *cx, const void *args, struct err *e)
{
    static verb_fn *const verbs[] = {run_index, run_packs, run_snapshots};
    enum { SNAPSHOTS = 2 };
    const struct repair_args *a = args;
    const char *word = a->app.words.v[0];
    struct opt_list ids = {.n = a->app.words.n - 1};
    int verb = app_word(word, repair_words);

    if (verb < 0)
        return err_set(e, RC_USAGE, "cstash repair %s: use index, packs ID... or snapshots [ID...]",
                       word);
    if (verb != SNAPSHOTS && (a->dry_run || a->forget))
        return err_set(e, RC_USAGE, "--dry-run and --forget are for repair snapshots");
    memcpy(ids.v, a->app.words.v + 1, ids.n * sizeof(ids.v[0]));
    for (size_t i = 0; i < ids.n; i++)
        if (verb == SNAPSHOTS ? app_check_snapshot(ids.v[i], e) : app_check_id(ids.v[i], e))
            return err_code(e);
    return run_verb(cx, a, &ids, verbs[verb], e);
}

const struct command cmd_repair = {.name = "repair",
                                   .usage = "index|packs ID...|snapshots [ID...]",
                                   .summary = "repair a damaged repository",
                                   .groups = groups,
                                   .size = sizeof(struct repair_args),
                                   .words_min = 1,
                                   .first_words = repair_words,
                                   .words_max = OPT_LIST_MAX,
                                   .run = repair_main};

static enum rc
run_rebuild(struct ctx *cx, const void *args, struct err *e)
{
    const struct opt_list none = {.n = 0};

    return run_verb(cx, args, &none, run_index, e);
}

const struct command cmd_rebuild_index = {.name = "rebuild-index",
                                          .summary = "deprecated name of \"repair index\"",
                                          .groups = groups,
                                          .size = sizeof(struct repair_args),
                                          .run = run_rebuild};
