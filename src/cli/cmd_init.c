/* SPDX-License-Identifier: Apache-2.0 */
/* cstash init: make a repository. */
#include "base/log.h"
#include "cli/app.h"
#include "cli/out.h"

static const struct opt opts_init[] = {
    {"repository-version", 0, OPT_TEXT, OPT_AT(repository_version), "1|2",
     "repository format: 2 compresses, 1 is for restic before 0.14 [2]"},
    {"copy-chunker-params", 0, OPT_FLAG, OPT_AT(copy_chunker_params), NULL,
     "use the chunker of --from-repo, so that copies share blobs"},
    {.name = NULL},
};
static const struct opt *const tables[] = {opts_init, opts_from, opts_repo, opts_global, NULL};

static void
print_result(const struct args *a, const struct app_repo *r, const struct id *id)
{
    struct out_json j;
    char text[ID_TEXT];

    if (!a->json) {
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
take_polynomial(struct ctx *cx, const struct args *a, uint64_t *out, struct err *e)
{
    struct app_repo from = {0};
    enum rc rc;

    if (!a->copy_chunker_params)
        return a->from_repo == NULL
                   ? RC_OK
                   : err_set(e, RC_USAGE, "--from-repo is for --copy-chunker-params");
    rc = app_repo_from(cx, a, &from, e);
    if (rc == RC_OK)
        *out = repo_polynomial(from.repo);
    app_repo_close(&from);
    return rc;
}

static enum rc
init_main(struct ctx *cx, const struct args *a, struct err *e)
{
    static const char *const versions[] = {"2", "1", NULL};
    struct repo_init_opts opts = {0};
    struct app_repo r = {0};
    struct id id;
    int i;
    enum rc rc;

    if (app_word(a->repository_version, "repository-version", versions, &i, e))
        return e->code;
    opts.version = i == 0 ? 2 : 1;
    opts.fast_kdf = repo_test_fast_kdf();
    rc = take_polynomial(cx, a, &opts.polynomial, e);
    if (rc == RC_OK)
        rc = app_repo_address(a, &r, e);
    if (rc == RC_OK)
        rc = repo_init(cx, r.store, secret_str(&r.password), &opts, &id, e);
    if (rc == RC_OK) {
        print_result(a, &r, &id);
        log_info("keep the password: without it nothing in the repository can be read");
    }
    app_repo_close(&r);
    return rc;
}

const struct command cmd_init = {"init", "", "create a repository", tables, 0, 0, init_main};
