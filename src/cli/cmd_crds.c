/* SPDX-License-Identifier: Apache-2.0 */
/* cstash crds, cstash catalog: objects to install; deploy/ holds what they print. */
#include "api/catalog.h"
#include "api/kinds.h"
#include "cli/app.h"
#include "json/yaml.h"

struct crds_args {
    struct app_opts app;
};
static const struct opt_group groups[] = {{opts_app, 0}, {.table = NULL}};

static enum rc
crds_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct crds_args *a = args;
    const char *only = a->app.words.n == 1 ? a->app.words.v[0] : NULL;
    struct buf text = BUF_INIT(16 * 1024 * 1024);
    size_t n;
    const struct crd_def *const *kinds = kinds_all(&n);
    enum rc rc = RC_OK;

    (void)cx;
    for (size_t i = 0; i < n && rc == RC_OK; i++) {
        char name[128];
        struct json *crd;

        (void)snprintf(name, sizeof(name), "%s.%s", kinds[i]->gvr->plural, kinds[i]->gvr->group);
        if (only != NULL && strcmp(only, kinds[i]->gvr->plural) != 0 && strcmp(only, name) != 0)
            continue;
        crd = kind_crd(kinds[i]);
        buf_must_printf(&text, "---\n");
        rc = json_to_yaml(crd, &text, e);
        json_free(crd);
    }
    if (rc == RC_OK && text.n == 0)
        rc = err_set(e, RC_NOT_FOUND, "there is no kind of ours called %s", only);
    if (rc == RC_OK)
        (void)fwrite(text.p, 1, text.n, stdout);
    buf_release(&text);
    return rc;
}

const struct command cmd_crds = {.name = "crds",
                                 .usage = "[PLURAL]",
                                 .summary = "print the CustomResourceDefinitions",
                                 .groups = groups,
                                 .size = sizeof(struct crds_args),
                                 .words_max = 1,
                                 .run = crds_main};

struct catalog_args {
    struct app_opts app;
    const char *image;
};
static const struct opt opts_catalog[] = {
    {"image", 0, OPT_TEXT_PRESET(struct catalog_args, image, CSTASH_IMAGE), "IMAGE", "our image"},
    {.name = NULL},
};
static const struct opt_group catalog_groups[] = {
    {opts_catalog, 0}, {opts_app, 0}, {.table = NULL}};

static enum rc
run_catalog(struct ctx *cx, const void *args, struct err *e)
{
    const struct catalog_args *a = args;
    struct json *list = catalog_new(a->image);
    struct buf text = BUF_INIT(16 * 1024 * 1024);
    enum rc rc = RC_OK;

    (void)cx;
    for (size_t i = 0; i < json_size(list) && rc == RC_OK; i++) {
        buf_must_printf(&text, "---\n");
        rc = json_to_yaml(json_elem(list, i), &text, e);
    }
    if (rc == RC_OK)
        (void)fwrite(text.p, 1, text.n, stdout);
    buf_release(&text);
    json_free(list);
    return rc;
}

const struct command cmd_catalog = {.name = "catalog",
                                    .summary = "print the Tasks and Functions",
                                    .groups = catalog_groups,
                                    .size = sizeof(struct catalog_args),
                                    .run = run_catalog};
