/* SPDX-License-Identifier: Apache-2.0 */
/* cstash init: make a repository. */
#include "base/log.h"
#include "cli/app.h"
#include "cli/out.h"

struct init_args {
    struct app_opts app;
    enum { INIT_V2, INIT_V1 } version;
    bool copy_chunker_params;
    struct from_access from;
    struct repo_access repo;
};
static const char *const versions[] = {"2", "1", NULL};
static const struct opt opts_init[] = {
    {"repository-version", 0, OPT_ENUM(struct init_args, version, versions, "2"), NULL,
     "repository format: 2 compresses, 1 is for restic before 0.14"},
    {"copy-chunker-params", 0, OPT_FLAG(struct init_args, copy_chunker_params), NULL,
     "use the chunker of --from-repo, so that copies share blobs"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_init, 0},
    {opts_from, offsetof(struct init_args, from)},
    {opts_repo, offsetof(struct init_args, repo)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

static void
print_result(const struct init_args *a, const struct app_repo *r, const struct id *id)
{
    struct out_json j;
    char text[ID_TEXT];

    if (!a->app.json) {
        (void)printf("created repository %.10s at %s\n", id_hex(id, text), r->store->place);
        return;
    }
    out_json_begin(&j);
    jw_open_object(&j.w);
    jw_field_cstr(&j.w, "message_type", "initialized");
    jw_field_cstr(&j.w, "id", id_hex(id, text));
    jw_field_cstr(&j.w, "repository", r->store->place);
    jw_close_object(&j.w);
    out_json_end(&j);
}

/* Chunks are cut alike in both: --copy-chunker-params. */
static enum rc
take_polynomial(struct ctx *cx, const struct init_args *a, uint64_t *out, struct err *e)
{
    struct app_repo from = {0};
    enum rc rc;

    if (!a->copy_chunker_params)
        return a->from.url == NULL
                   ? RC_OK
                   : err_set(e, RC_USAGE, "--from-repo is for --copy-chunker-params");
    rc = app_repo_from(cx, &a->repo, &a->from, &from, e);
    if (rc == RC_OK)
        *out = repo_polynomial(from.repo);
    app_repo_close(&from);
    return rc;
}

static enum rc
init_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct init_args *a = args;
    struct repo_init_opts opts = {.version = a->version == INIT_V2 ? 2 : 1};
    struct app_repo r = {0};
    struct id id;
    enum rc rc;

    opts.fast_kdf = repo_test_fast_kdf();
    rc = take_polynomial(cx, a, &opts.polynomial, e);
    if (rc == RC_OK)
        rc = app_repo_address(cx, &a->repo, &r, e);
    if (rc == RC_OK)
        rc = repo_init(cx, r.store, secret_str(&r.password), &opts, &id, e);
    if (rc == RC_OK) {
        print_result(a, &r, &id);
        log_info("keep the password: without it nothing in the repository can be read");
    }
    app_repo_close(&r);
    return rc;
}

const struct command cmd_init = {.name = "init",
                                 .summary = "create a repository",
                                 .groups = groups,
                                 .size = sizeof(struct init_args),
                                 .run = init_main};
