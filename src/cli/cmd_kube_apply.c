/* SPDX-License-Identifier: Apache-2.0 */
/* cstash apply: make the cluster's objects what files say, by server-side apply. */
#include "base/log.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "kube/object.h"

enum { CRD_WAIT_MS = 10000, CRD_STEP_MS = 200 };

enum mode { MODE_REAL, MODE_SERVER, MODE_CLIENT };

struct apply_args {
    struct app_opts app;
    enum mode mode;
    bool force_conflicts;
    const char *manager;
    struct object_choice objects;
    struct cluster_access cluster;
};
static const char *const modes[] = {"none", "server", "client", NULL};
static const struct opt opts_apply[] = {
    {"dry-run", 0, OPT_ENUM_BARE(struct apply_args, mode, modes, "none", "true"), NULL,
     "check only, change nothing"},
    {"force-conflicts", 0, OPT_BOOL(struct apply_args, force_conflicts), NULL,
     "take over fields of other managers"},
    {"field-manager", 0, OPT_TEXT(struct apply_args, manager), "NAME",
     "name of the field manager [cstash]"},
    {"server-side", 0, OPT_IGNORED_FLAG, NULL, "accepted for compatibility: it is always used"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_files, offsetof(struct apply_args, objects)},
    {opts_apply, 0},
    {opts_cluster_access, offsetof(struct apply_args, cluster)},
    {opts_app, 0},
    {.table = NULL},
};

struct applying {
    struct cluster_client c;
    struct cluster_objects objs;
    struct kube_write how;
    enum mode mode;
    bool new_types; /* a CustomResourceDefinition was applied */
};

static void
explain_conflict(const struct err *e)
{
    if (log_is_json()) {
        log_info("use --force-conflicts to take over the fields that other managers own");
        return;
    }
    (void)fputs("Please review the fields above--they currently have other managers. Here\n"
                "are the ways you can resolve this warning:\n"
                "* If you intend to manage all of these fields, please re-run the apply\n"
                "  command with the `--force-conflicts` flag.\n"
                "* If you do not intend to manage all of the fields, please edit your\n"
                "  manifest to remove references to the fields that should keep their\n"
                "  current managers.\n"
                "* You may co-own fields by updating your manifest to match the existing\n"
                "  value; in this case, you'll become the manager if the other manager(s)\n"
                "  stop managing the field (remove it from their configuration).\n",
                stderr);
    if (strstr(e->msg, "kubectl-client-side-apply") != NULL)
        (void)fputs("The object was applied by `kubectl apply` before, which owns its fields.\n",
                    stderr);
}

static void
kube_apply_tell(struct applying *ap, const struct cluster_object *o, struct err *e)
{
    bool conflict = e->sys == 409 && strstr(e->msg, "conflict") != NULL;

    (void)err_wrap(e, "error when applying \"%s\": %s/%s", o->from,
                   o->res != NULL ? o->res->kind_group
                                  : json_text_or(json_field(o->obj, "kind"), ""),
                   o->name);
    cluster_tell(&ap->c, e);
    if (conflict)
        explain_conflict(e);
}

/* Types that came with a definition a moment ago: ask until the server knows them. */
static enum rc
wait_for_type(struct applying *ap, size_t at, const struct resource **res, struct err *e)
{
    struct cluster_object *o = &ap->objs.v[at];
    const char *version = json_text_or(json_field(o->obj, "apiVersion"), "");
    const char *kind = json_text_or(json_field(o->obj, "kind"), "");
    int64_t until = clock_mono_ms() + CRD_WAIT_MS;

    while (ap->new_types && o->res == NULL && clock_mono_ms() < until) {
        struct resources now = {.v = NULL};
        if (resources_discover(ap->c.cx, ap->c.k, &now, e)) {
            resources_release(&now);
            return err_code(e);
        }
        resources_release(&ap->c.known);
        ap->c.known = now;
        for (size_t i = 0; i < ap->objs.n; i++)
            ap->objs.v[i].res =
                resources_of(&now, json_text_or(json_field(ap->objs.v[i].obj, "apiVersion"), ""),
                             json_text_or(json_field(ap->objs.v[i].obj, "kind"), ""));
        if (o->res == NULL && ctx_sleep(ap->c.cx, CRD_STEP_MS, e))
            return err_code(e);
    }
    if (o->res != NULL) {
        *res = o->res;
        return RC_OK;
    }
    (void)err_set(e, RC_NOT_FOUND, "no matches for kind \"%s\" in version \"%s\"", kind, version);
    return err_hint(e, "ensure CRDs are installed first");
}

/* Did it change anything? A dry run keeps the version, so it is the content that counts there. */
static bool
is_same(const struct applying *ap, const struct json *before, const struct json *after)
{
    CLEANUP(json_free_ptr) struct json *a = NULL;
    CLEANUP(json_free_ptr) struct json *b = NULL;

    if (ap->mode == MODE_REAL)
        return kube_version(before) != NULL && kube_version(after) != NULL &&
               strcmp(kube_version(before), kube_version(after)) == 0;
    a = json_clone(before);
    b = json_clone(after);
    json_remove(kube_meta(a), "managedFields");
    json_remove(kube_meta(b), "managedFields");
    json_remove(kube_meta(a), "resourceVersion");
    json_remove(kube_meta(b), "resourceVersion");
    return json_same(a, b);
}

static enum rc
apply_one(struct applying *ap, size_t at, struct err *e)
{
    static const char *const suffix[] = {"", " (server dry run)", " (dry run)"};
    struct cluster_object *o = &ap->objs.v[at];
    CLEANUP(json_free_ptr) struct json *before = NULL;
    CLEANUP(json_free_ptr) struct json *after = NULL;
    const struct resource *res = o->res;
    const char *ns, *what = "configured";

    if (res == NULL && wait_for_type(ap, at, &res, e))
        return err_code(e);
    ns = res->kind.namespaced ? o->ns : NULL;
    json_set_cstr(kube_meta(o->obj), "namespace", ns);
    if (kube_get(ap->c.cx, ap->c.k, &res->kind, ns, o->name, &before, e) && e->code != RC_NOT_FOUND)
        return err_code(e);
    if (ap->mode != MODE_CLIENT && kube_patch(ap->c.cx, ap->c.k, &res->kind, ns, o->name,
                                              KUBE_PATCH_APPLY, o->obj, &ap->how, &after, e))
        return err_code(e);
    if (before == NULL)
        what = "created";
    else if (ap->mode != MODE_CLIENT && is_same(ap, before, after))
        what = "unchanged";
    ap->new_types = ap->new_types || strcmp(res->kind.kind, KUBE_CRD.kind) == 0;
    (void)printf("%s/%s %s%s\n", res->kind_group, o->name, what, suffix[ap->mode]);
    (void)fflush(stdout);
    return RC_OK;
}

static enum rc
apply_all(struct applying *ap, const struct apply_args *a, struct err *e)
{
    if (cluster_files(&ap->c, &a->objects.files, &ap->objs, e))
        return err_code(e);
    for (size_t i = 0; i < ap->objs.n; i++) {
        struct err why = ERR_INIT;
        if (apply_one(ap, i, &why) == RC_OK)
            continue;
        if (why.code == RC_CANCELLED) {
            *e = why;
            return err_code(e);
        }
        kube_apply_tell(ap, &ap->objs.v[i], &why);
    }
    return cluster_outcome(&ap->c, e);
}

static enum rc
kube_apply_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct apply_args *a = args;
    struct applying ap = {.mode = a->mode};
    enum rc rc;

    if (a->objects.files.n == 0)
        return err_set(e, RC_USAGE, "must specify one of -f");
    ap.how = (struct kube_write){.manager = a->manager,
                                 .validation = "Strict",
                                 .force = a->force_conflicts,
                                 .dry_run = ap.mode == MODE_SERVER};
    rc = cluster_open(cx, &a->cluster, false, &ap.c, e);
    if (rc == RC_OK)
        rc = apply_all(&ap, a, e);
    cluster_objects_release(&ap.objs);
    cluster_close(&ap.c);
    return rc;
}

const struct command cmd_apply = {.name = "apply",
                                  .usage = "-f FILE",
                                  .summary = "create or update objects from files",
                                  .groups = groups,
                                  .size = sizeof(struct apply_args),
                                  .run = kube_apply_main};
