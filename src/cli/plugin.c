/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plugin.h"

#include "api/names.h"
#include "base/clock.h"
#include "base/mem.h"
#include "kube/object.h"
#include "kube/kube.h"

/* ---- verbs on a Repository's data ---- */

static const char *const remove_all[] = {"--remove-all", NULL};
static const char *const upgrade[] = {"upgrade_repo_v2", NULL};
static const char *const key_list[] = {"list", NULL}, *const key_add[] = {"add", NULL},
                         *const key_remove[] = {"remove", NULL},
                         *const key_passwd[] = {"passwd", NULL};
static const char *const prunes[] = {"--prune", "--guarded", NULL};

/* Of the container in which Stash's plug-in runs restic. */
#define OF_DOCKER                                                                                  \
    {"docker-registry", FORWARD_DROP, NULL, false, "NAME", NULL},                                  \
    {                                                                                              \
        "image-tag", FORWARD_DROP, NULL, false, "TAG", NULL                                        \
    }

static const struct forward_option of_docker[] = {OF_DOCKER, {.name = NULL}};
static const struct forward_option of_check[] = {
    {"with-cache", FORWARD_DROP, NULL, true, NULL, NULL}, {.name = NULL}};
static const struct forward_option of_prune[] = {OF_DOCKER,
                                                 {"max-unused-limit", FORWARD_AS, "max-unused",
                                                  false, "SIZE",
                                                  "what may stay unused, as --max-unused"},
                                                 {.name = NULL}};
static const struct forward_option of_remove[] = {
    {"id", FORWARD_WORD, NULL, false, "ID", "of the password, as key list shows it"},
    {.name = NULL}};

#define FORWARD(name_, usage_, summary_, ...)                                                      \
    static const struct forward forward_##name_ = {__VA_ARGS__};                                   \
    static const struct command plugin_##name_ = {                                                 \
        .name = usage_, .summary = summary_, .forward = &forward_##name_}

/* Not forget's policies: it is one snapshot that is meant. */
static const struct opt opts_delete[] = {
    {"dry-run", 0, OPT_IGNORED_FLAG, NULL, "only say what would be done"},
    {"allow-removal", 0, OPT_IGNORED_FLAG, NULL,
     "also one that is pinned, or the newest whole one of its target"},
    {.name = NULL}};
static const struct opt_group groups_delete[] = {
    {opts_delete, 0}, {opts_repo, 0}, {opts_json, 0}, {opts_app, 0}, {.table = NULL}};

FORWARD(delete_snapshot, "delete snapshot", "forget a snapshot, and remove its data",
        .to = &cmd_forget, .with = prunes, .groups = groups_delete, .snapshot = true,
        .options = of_docker);
FORWARD(unlock, "unlock", "remove all locks of a Repository", .to = &cmd_unlock,
        .with = remove_all);
FORWARD(check, "check", "check a Repository", .to = &cmd_check, .options = of_check);
FORWARD(rebuild_index, "rebuild-index", "make the index of a Repository anew",
        .to = &cmd_rebuild_index);
FORWARD(migrate, "migrate", "give a Repository restic's format 2", .to = &cmd_migrate,
        .with = upgrade, .options = of_docker);
FORWARD(prune, "prune", "remove data that no snapshot needs", .to = &cmd_prune,
        .options = of_prune);
FORWARD(key_list, "key list", "list the passwords of a Repository", .to = &cmd_key,
        .with = key_list);
FORWARD(key_add, "key add", "add a password", .to = &cmd_key, .with = key_add);
FORWARD(key_update, "key update", "change the password", .to = &cmd_key, .with = key_passwd);
FORWARD(key_remove, "key remove", "remove a password", .to = &cmd_key, .with = key_remove,
        .options = of_remove);

static const struct command *const commands[] = {
    &cmd_plugin_trigger,
    &cmd_plugin_pause,
    &cmd_plugin_resume,
    &cmd_plugin_undo,
    &cmd_plugin_create_repository,
    &cmd_plugin_create_config,
    &cmd_plugin_create_restore,
    &cmd_plugin_cp_secret,
    &cmd_plugin_cp_repository,
    &cmd_plugin_cp_config,
    &cmd_plugin_download,
    &cmd_plugin_rules,
    &cmd_plugin_debug_backup,
    &cmd_plugin_debug_restore,
    &cmd_plugin_debug_operator,
    &plugin_delete_snapshot,
    &plugin_unlock,
    &plugin_check,
    &plugin_rebuild_index,
    &plugin_migrate,
    &plugin_prune,
    &plugin_key_list,
    &plugin_key_add,
    &plugin_key_update,
    &plugin_key_remove,
    &cmd_plugin_purge,
    &cmd_completion,
    NULL,
};

/* Stash's plug-in has these for volumes. */
#define NO_VOLUMES "volumes are not what cstash saves, only what a Redis holds"
static const struct app_absent absent[] = {
    {"clone pvc", NO_VOLUMES}, {"cp volumesnapshot", NO_VOLUMES}, {.name = NULL}};

static const struct opt_group leading[] = {
    {opts_cluster_access, 0}, {opts_app, 0}, {.table = NULL}};

const struct program program_plugin = {.name = "kubectl stash",
                                       .file = "kubectl-stash",
                                       .asked = "kubectl_complete-stash",
                                       .commands = commands,
                                       .leading = leading,
                                       .absent = absent};

bool
plugin_is_called(const char *argv0)
{
    const char *slash = strrchr(argv0, '/'), *name = slash != NULL ? slash + 1 : argv0;

    return strcmp(name, "kubectl-stash") == 0;
}

/* ---- for the commands on objects ---- */

enum rc
plugin_open(struct ctx *cx, const struct cluster_access *a, struct plugin *out, struct err *e)
{
    *out = (struct plugin){.cx = cx};
    if (cluster_connect(a, &out->k, &out->ns, e))
        return err_code(e);
    if (a->ns != NULL) {
        mem_free(out->ns);
        out->ns = mem_strdup(a->ns);
    }
    return RC_OK;
}

void
plugin_close(struct plugin *p)
{
    kube_free(p->k);
    mem_free(p->ns);
}

char *
plugin_repo(const struct cluster_access *a, const char *repository)
{
    const char *ns = a->ns;

    return mem_printf(APP_KUBE "%s%s%s", ns != NULL ? ns : "", ns != NULL ? "/" : "", repository);
}

struct repo_access
plugin_access(const struct cluster_access *a, const char *url)
{
    return (struct repo_access){.url = url, .cluster = a, .retry_limit_ms = 15 * 60 * 1000};
}

/* Is it there already, with all that `obj` says but for labels and annotations? */
static bool
plugin_there(struct plugin *p, const struct kube_gvr *kind, const struct json *obj)
{
    CLEANUP(json_free_ptr) struct json *live = NULL;
    struct err ignored = ERR_INIT;
    bool same = kube_name(obj) != NULL &&
                kube_get(p->cx, p->k, kind, kube_ns(obj), kube_name(obj), &live, &ignored) == RC_OK;

    for (struct json_item it = json_first(obj); same && it.key != NULL; it = json_next(obj, it))
        same = strcmp(it.key, "metadata") == 0 || json_covers(json_field(live, it.key), it.value);
    return same;
}

/* `same_is_fine`: what is there already and the same is not made again. */
static enum rc
plugin_make(struct plugin *p, const struct kube_gvr *kind, const struct json *obj,
            bool same_is_fine, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *made = NULL;
    CLEANUP(mem_free_ptr)
    char *type = mem_printf("%s%s%s", kind->plural, *kind->group != '\0' ? "." : "", kind->group);
    const char *name = kube_name(obj);
    struct err why = ERR_INIT;
    enum rc rc = kube_create(p->cx, p->k, kind, kube_ns(obj), obj, NULL, &made, &why);

    if (rc == RC_EXISTS && same_is_fine && plugin_there(p, kind, obj)) {
        (void)printf("%s/%s unchanged in %s\n", type, name, kube_ns(obj));
        return RC_OK;
    }
    if (rc != RC_OK) {
        *e = why;
        if (rc == RC_EXISTS)
            (void)err_hint(
                e, "it is another one, which stays: delete it first, or change it by kubectl");
        return err_wrap(e, "could not create %s %s/%s", kind->kind, kube_ns(obj),
                        name != NULL ? name : "");
    }
    (void)printf("%s/%s created in %s\n", type, kube_name(made), kube_ns(made));
    return RC_OK;
}

enum rc
plugin_create(struct plugin *p, const struct kube_gvr *kind, const struct json *obj, struct err *e)
{
    return plugin_make(p, kind, obj, true, e);
}

enum { ANOTHER_TRIES = 10 };

enum rc
plugin_create_another(struct plugin *p, const struct kube_gvr *kind, struct json *obj,
                      const char *name, const char *prefix, struct err *e)
{
    for (int64_t at = clock_real_ms() / 1000, last = at + ANOTHER_TRIES;; at++) {
        CLEANUP(mem_free_ptr) char *suffix = mem_printf("%s%lld", prefix, (long long)at);
        CLEANUP(mem_free_ptr) char *own = name_of(NAME_MAX_LABEL, NULL, name, suffix);
        enum rc rc;

        json_set_cstr(kube_meta(obj), "name", own);
        *e = (struct err)ERR_INIT;
        rc = plugin_make(p, kind, obj, false, e);
        if (rc != RC_EXISTS || at == last)
            return rc;
    }
}
