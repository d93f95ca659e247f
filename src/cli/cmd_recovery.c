/* SPDX-License-Identifier: Apache-2.0 */
/* cstash recovery-sheet: what to keep elsewhere, so that the store alone is enough to get a Redis back. */
#include "base/mem.h"
#include "cli/out.h"
#include "cli/snapshot_opts.h"
#include "repo/keys.h"

enum { TARGETS_SHOWN = 100 };

struct recovery_args {
    struct app_opts app;
    bool with_password;
    struct repo_access repo;
};
static const struct opt opts_recovery[] = {
    {"with-password", 0, OPT_FLAG(struct recovery_args, with_password), NULL,
     "write the repository's password onto it, too: whoever has the sheet can read the backups "
     "then"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_recovery, 0},
    {opts_repo, offsetof(struct recovery_args, repo)},
    {opts_app, 0},
    {.table = NULL},
};

/* What the environment must hold beside address and password, by the beginning of the address. */
static const struct recovery_credentials {
    const char *scheme, *names[8];
} credentials[] = {
    {"s3:", {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}},
    {"gs:", {"GOOGLE_PROJECT_ID", "GOOGLE_APPLICATION_CREDENTIALS"}},
    {"azure:", {"AZURE_ACCOUNT_NAME", "AZURE_ACCOUNT_KEY"}},
    {"swift:",
     {"OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_PROJECT_NAME", "OS_USER_DOMAIN_NAME",
      "OS_PROJECT_DOMAIN_NAME"}},
    {"b2:", {"B2_ACCOUNT_ID", "B2_ACCOUNT_KEY"}},
    {"rest:", {"RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"}},
};

static const struct recovery_credentials *
credentials_of(const char *place)
{
    for (size_t i = 0; i < ARRAY_LEN(credentials); i++)
        if (strncmp(place, credentials[i].scheme, strlen(credentials[i].scheme)) == 0)
            return &credentials[i];
    return NULL;
}

static enum rc
print_keys(struct ctx *cx, struct repo *r, struct err *e)
{
    struct key_info *keys;
    size_t n, unread;
    char id[ID_TEXT], when[OUT_TIME];

    if (keys_list(cx, r, &keys, &n, &unread, e))
        return err_code(e);
    (void)printf("\n## Keys: each opens the repository with a password of its own\n\n");
    for (size_t i = 0; i < n; i++) {
        (void)printf("    %s  %s  ", id_hex(&keys[i].id, id), out_time(keys[i].created, when));
        out_words(keys[i].username != NULL ? keys[i].username : "", 0);
        (void)printf("@");
        out_words(keys[i].hostname != NULL ? keys[i].hostname : "", 0);
        (void)printf("%s\n", keys[i].current ? "  (the one of the password that is used now)" : "");
    }
    keys_free(keys, n);
    return RC_OK;
}

/* The newest whole backup of each target. */
static enum rc
print_targets(struct ctx *cx, struct repo *r, struct err *e)
{
    struct snapshot *list;
    size_t n, shown = 0;
    char id[ID_TEXT], when[OUT_TIME];

    if (snapshots_list(cx, r, &list, &n, e))
        return err_code(e);
    targets_number(list, n);
    (void)printf("\n## What is in it: the newest whole backup of each Redis\n\n");
    for (size_t i = n; i-- > 0 && shown < TARGETS_SHOWN;) {
        const struct snapshot *s = &list[i];
        bool newest = !s->safety && s->part == NULL && snapshot_is_backup(s);

        for (size_t k = i + 1; k < n && newest; k++)
            newest = list[k].safety || list[k].part != NULL || !snapshot_is_backup(&list[k]) ||
                     list[k].owner != s->owner || (s->owner == 0 && s->target == NULL);
        if (!newest)
            continue;
        shown++;
        (void)printf("    %.8s  %s  ", id_hex(&s->id, id), out_time(s->time, when));
        out_words(s->target != NULL ? s->target : s->hostname, 0);
        (void)printf("\n");
    }
    if (shown == 0)
        (void)printf("    nothing yet\n");
    snapshots_free(list, n);
    return RC_OK;
}

/* NAME='VALUE' as a shell reads it. */
static void
print_export(const char *name, struct str value)
{
    (void)printf("    export %s='", name);
    for (size_t i = 0; i < value.n; i++)
        (void)printf(value.p[i] == '\'' ? "'\\''" : "%c", value.p[i]);
    (void)printf("'\n");
}

static void
print_way_back(const struct recovery_args *a, const struct app_repo *r)
{
    const struct recovery_credentials *c = credentials_of(r->store->place);

    (void)printf("\n## The way back, on any machine that has cstash and reaches the store\n\n");
    print_export("RESTIC_REPOSITORY", str_c(r->store->place));
    if (a->with_password)
        print_export("RESTIC_PASSWORD", secret_str(&r->password));
    else
        (void)printf("    export RESTIC_PASSWORD=...      # not on this sheet\n");
    for (size_t i = 0; c != NULL && c->names[i] != NULL; i++)
        (void)printf("    export %s=...\n", c->names[i]);
    (void)printf("    cstash snapshots\n"
                 "    cstash restore --plan --redis redis://NEW:6379 SNAPSHOT\n"
                 "    cstash restore --redis redis://NEW:6379 SNAPSHOT\n"
                 "\nWithout cstash, with restic (0.14 or later) and redis-cli:\n\n"
                 "    restic dump SNAPSHOT dumpfile.resp | redis-cli -h NEW --pipe\n");
}

static enum rc
print_sheet(struct ctx *cx, const struct recovery_args *a, struct app_repo *r, struct err *e)
{
    char id[ID_TEXT], when[OUT_TIME];

    (void)printf("# Recovery sheet\n\n"
                 "Written %s by cstash " CSTASH_VERSION
                 ". Keep it where it is found when everything "
                 "else is gone.\n\n"
                 "    address     %s\n"
                 "    repository  %s\n",
                 out_time(instant_now(), when), r->store->place, id_hex(repo_id(r->repo), id));
    if (print_keys(cx, r->repo, e) || print_targets(cx, r->repo, e))
        return err_code(e);
    print_way_back(a, r);
    return out_check(e);
}

static enum rc
recovery_main(struct ctx *cx, const void *args, struct err *e)
{
    struct recovery_args a = *(const struct recovery_args *)args;
    CLEANUP(mem_free_ptr) char *url = NULL;
    struct app_repo r = {0};
    enum rc rc;

    if (a.app.words.n > 0 && a.repo.url != NULL)
        return err_set(e, RC_USAGE, "name one repository: --repo, or NAMESPACE/REPOSITORY");
    if (a.app.words.n > 0)
        a.repo.url = url = mem_printf(APP_KUBE "%s", a.app.words.v[0]);
    rc = app_repo_lock(cx, &a.repo, APP_LOCK_NONE, &r, e);
    if (rc == RC_OK)
        rc = print_sheet(cx, &a, &r, e);
    app_repo_close(&r);
    return rc;
}

const struct command cmd_recovery_sheet = {.name = "recovery-sheet",
                                           .usage = "[NAMESPACE/REPOSITORY]",
                                           .summary = "print what to keep elsewhere: where the "
                                                      "backups are, and the way back",
                                           .groups = groups,
                                           .size = sizeof(struct recovery_args),
                                           .words_max = 1,
                                           .run = recovery_main};
