/* SPDX-License-Identifier: Apache-2.0 */
/* cstash crds, cstash catalog: objects to install; deploy/ holds what they print. */
#include "api/catalog.h"
#include "api/kinds.h"
#include "cli/app.h"
#include "json/yaml.h"

static const struct opt *const tables[] = {opts_global, NULL};

static enum rc
crds_main(struct ctx *cx, const struct args *a, struct err *e)
{
    struct buf text = BUF_INIT(16 * 1024 * 1024);
    size_t n;
    const struct crd_def *const *kinds = kinds_all(&n);
    enum rc rc = RC_OK;

    (void)cx;
    for (size_t i = 0; i < n && rc == RC_OK; i++) {
        char name[128];
        struct json *crd;

        (void)snprintf(name, sizeof(name), "%s.%s", kinds[i]->plural, kinds[i]->group);
        if (a->n_rest == 1 && strcmp(a->rest[0], kinds[i]->plural) != 0 &&
            strcmp(a->rest[0], name) != 0)
            continue;
        crd = kind_crd(kinds[i]);
        buf_must_printf(&text, "---\n");
        rc = json_to_yaml(crd, &text, e);
        json_free(crd);
    }
    if (rc == RC_OK && text.n == 0)
        rc = err_set(e, RC_NOT_FOUND, "there is no kind of ours called %s", a->rest[0]);
    if (rc == RC_OK)
        (void)fwrite(text.p, 1, text.n, stdout);
    buf_release(&text);
    return rc;
}

const struct command cmd_crds = {
    "crds", "[PLURAL]", "print the CustomResourceDefinitions", tables, 0, 1, crds_main};

static const struct opt opts_catalog[] = {
    {"image", 0, OPT_TEXT, OPT_AT(image), "IMAGE", "our image [" CSTASH_IMAGE "]"},
    {.name = NULL},
};
static const struct opt *const catalog_tables[] = {opts_catalog, opts_global, NULL};

static enum rc
run_catalog(struct ctx *cx, const struct args *a, struct err *e)
{
    struct json *list = catalog_new(a->image != NULL ? a->image : CSTASH_IMAGE);
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

const struct command cmd_catalog = {
    "catalog", "", "print the Tasks and Functions", catalog_tables, 0, 0, run_catalog};
