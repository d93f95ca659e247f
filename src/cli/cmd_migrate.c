/* SPDX-License-Identifier: Apache-2.0 */
/* cstash migrate: a repository takes another format. */
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/app.h"
#include "maintain/check.h"

#define UPGRADE "upgrade_repo_v2"

struct migrate_args {
    struct app_opts app;
    bool force;
    struct repo_access repo;
};
static const struct opt opts_migrate[] = {
    {"force", 'f', OPT_FLAG(struct migrate_args, force), NULL,
     "apply again what was applied already"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_migrate, 0}, {opts_repo, offsetof(struct migrate_args, repo)},
    {opts_json, 0},    {opts_app, 0},
    {.table = NULL},
};

static void
on_problem(void *arg, const char *text)
{
    (void)arg;
    log_error("%s", text);
}

/* The old config, until the new one is there: "config-ID" in the current folder. */
static enum rc
keep_config(void *arg, struct str config, struct err *e)
{
    const char *path = arg;

    /* One may be there, of a run that was cut off: this config was just read, and is as good. */
    if (fs_write_file(path, config, 0600, e))
        return err_wrap(e, "could not keep the old config");
    return RC_OK;
}

static void
print_result(const struct migrate_args *a, unsigned version, bool applied, const char *text)
{
    if (a->app.json)
        (void)printf("{\"message_type\":\"summary\",\"version\":%u,\"applied\":[%s],"
                     "\"available\":[%s]}\n",
                     version, applied ? "\"" UPGRADE "\"" : "",
                     version < 2 ? "\"" UPGRADE "\"" : "");
    else
        (void)puts(text);
}

static enum rc
migrate_upgrade(struct ctx *cx, const struct migrate_args *a, struct repo *r, struct err *e)
{
    struct check_opts opts = {.problem = on_problem};
    struct check_result res;
    char hex[ID_TEXT];
    CLEANUP(mem_free_ptr) char *kept = mem_printf("config-%s", id_hex(repo_id(r), hex));

    if (check_run(cx, r, &opts, &res, e))
        return err_wrap(e, "it is left as it is");
    if (repo_upgrade(cx, r, keep_config, kept, e)) {
        if (access(kept, F_OK) == 0)
            (void)err_hint(e, "the old config is kept as %s", kept);
        return err_code(e);
    }
    (void)unlink(kept);
    print_result(a, repo_version(r), true,
                 "the repository has version 2 now; `cstash prune` compresses its trees");
    return RC_OK;
}

static enum rc
migrate_repo(struct ctx *cx, const struct migrate_args *a, struct repo *r, struct err *e)
{
    bool is_done = repo_version(r) >= 2;

    if (a->app.words.n == 0)
        print_result(a, repo_version(r), false,
                     is_done ? "there is nothing to migrate"
                             : UPGRADE "  make it a repository of version 2, which compresses");
    else if (is_done && !a->force)
        print_result(a, repo_version(r), false, UPGRADE ": the repository has version 2 already");
    else
        return migrate_upgrade(cx, a, r, e);
    return RC_OK;
}

static enum rc
migrate_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct migrate_args *a = args;
    struct app_repo r = {0};
    enum rc rc;

    if (a->app.words.n == 1 && strcmp(a->app.words.v[0], UPGRADE) != 0)
        return err_set(e, RC_USAGE, "there is no migration %s, only " UPGRADE, a->app.words.v[0]);
    rc = app_repo_lock(cx, &a->repo, APP_LOCK_EXCLUSIVE, &r, e);
    if (rc == RC_OK)
        rc = migrate_repo(cx, a, r.repo, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_migrate = {.name = "migrate",
                                    .usage = "[" UPGRADE "]",
                                    .summary = "bring a repository to a newer format",
                                    .groups = groups,
                                    .size = sizeof(struct migrate_args),
                                    .words_max = 1,
                                    .run = migrate_main};
