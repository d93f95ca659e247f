/* SPDX-License-Identifier: Apache-2.0 */
#include "api/blueprint.h"

#include <ctype.h>

#include "api/kinds.h"
#include "api/names.h"
#include "api/notes.h"
#include "api/shared_internal.h"
#include "api/vars.h"
#include "base/mem.h"

enum { WORD_MAX = 253 };

/* ---- who names which ---- */

static const char *
note_of(const struct json *obj, const char *name)
{
    return json_text(json_dig(obj, "metadata", "annotations", name));
}

static const char *
meta_text(const struct json *obj, const char *field)
{
    return json_text_or(json_dig(obj, "metadata", field), "");
}

struct json *
blueprints_of(const struct json *app)
{
    const char *at = note_of(app, BLUEPRINT_ANNOTATION);
    struct json *names = json_new_array();

    while (at != NULL && *at != '\0') {
        size_t n = strcspn(at, ", \t\n");
        CLEANUP(mem_free_ptr) char *name = mem_strndup(at, n);
        bool known = n == 0;

        for (size_t i = 0; i < json_size(names) && !known; i++)
            known = strcmp(json_text(json_elem(names, i)), name) == 0;
        if (!known)
            json_push_cstr(names, name);
        at += n + (at[n] != '\0');
    }
    return names;
}

const char *
blueprint_of(const struct json *obj)
{
    return note_of(obj, NOTE_BLUEPRINT);
}

const char *
blueprint_target(const struct json *obj)
{
    return note_of(obj, NOTE_BLUEPRINT_TARGET);
}

/* ---- variables ---- */

/* It becomes part of a path in a bucket: a word that leads elsewhere would share another one's repository. */
static bool
is_word(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && strchr("-._", s[i]) == NULL)
            return false;
    return n <= WORD_MAX && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

/* What is not there has no value: whoever needs it is told, and no two prefixes become one. */
static const char *
or_null(const char *s)
{
    return *s == '\0' ? NULL : s;
}

/* "kubedb.com/redis", or only "redis". */
static enum rc
set_type(struct vars *v, const char *type, struct err *e)
{
    const char *slash = strchr(type, '/');
    CLEANUP(mem_free_ptr)
    char *group = slash == NULL ? mem_strdup("") : mem_strndup(type, (size_t)(slash - type));
    const char *resource = slash == NULL ? type : slash + 1;

    if (!is_word(group) || !is_word(resource) ||
        (slash != NULL && (*group == '\0' || *resource == '\0')))
        return err_set(
            e, RC_INVALID,
            "spec.type \"%.80s\" of the AppBinding is neither RESOURCE nor GROUP/RESOURCE", type);
    vars_set(v, "TARGET_APP_GROUP", or_null(group));
    vars_set(v, "TARGET_APP_RESOURCE", or_null(resource));
    vars_set(v, "TARGET_APP_TYPE", or_null(type));
    return RC_OK;
}

static enum rc
set_vars(struct vars *v, const struct json *app, struct err *e)
{
    const char *version = json_text_or(json_dig(app, "spec", "version"), "");

    vars_set(v, "TARGET_API_VERSION", json_text_or(json_field(app, "apiVersion"), ""));
    vars_set(v, "TARGET_KIND", GVR_APP_BINDING.kind);
    vars_set(v, "TARGET_RESOURCE", GVR_APP_BINDING.plural);
    vars_set(v, "TARGET_NAMESPACE", meta_text(app, "namespace"));
    vars_set(v, "TARGET_NAME", meta_text(app, "name"));
    if (!is_word(version))
        return err_set(e, RC_INVALID, "spec.version \"%.80s\" of the AppBinding is not a version",
                       version);
    vars_set(v, "TARGET_APP_VERSION", or_null(version));
    return set_type(v, json_text_or(json_dig(app, "spec", "type"), ""), e);
}

/* ---- what is made ---- */

struct making {
    const struct json *blueprint, *app;
    const char *name;               /* of the blueprint */
    const char *target_ns, *target; /* the AppBinding's */
    const char *ns, *repo_ns;       /* where the objects go */
    bool plain;
    struct vars *vars;
};

/* Names of these kinds may have dots. mem_free. */
static char *
name_joined(const char *prefix, const char *name, const char *suffix)
{
    char *all = mem_printf("%s-%s%s%s", prefix, name, suffix != NULL ? "-" : "",
                           suffix != NULL ? suffix : "");

    if (strlen(all) <= WORD_MAX)
        return all;
    mem_free(all);
    all = mem_printf("%s%s%s", name, suffix != NULL ? "-" : "", suffix != NULL ? suffix : "");
    CLEANUP(mem_free_ptr) char *rest = all;

    return name_of(WORD_MAX, prefix, rest, NULL);
}

/* mem_free. */
static char *
name_in(const struct making *m, const char *ns)
{
    CLEANUP(mem_free_ptr) char *kind = name_short_kind(GVR_APP_BINDING.kind);
    CLEANUP(mem_free_ptr)
    char *prefix =
        strcmp(ns, m->target_ns) == 0 ? mem_strdup(kind) : mem_printf("%s-%s", m->target_ns, kind);

    return name_joined(prefix, m->target, m->plain ? NULL : m->name);
}

/* `spec` is taken. */
static struct json *
make_object(const struct making *m, const struct kube_gvr *kind, const char *ns, struct json *spec)
{
    struct json *obj = json_new_object(), *meta = json_need_object(obj, "metadata"),
                *notes = json_need_object(meta, "annotations");
    CLEANUP(mem_free_ptr) char *name = name_in(m, ns);
    CLEANUP(mem_free_ptr) char *of = mem_printf("%s/%s", m->target_ns, m->target);
    CLEANUP(mem_free_ptr) char *text = json_to_text(spec, true);
    CLEANUP(mem_free_ptr)
    char *revision = mem_printf("%016llx", (unsigned long long)name_hash(text));
    CLEANUP(mem_free_ptr) char *api = mem_printf("%s/%s", kind->group, kind->version);

    json_set_cstr(obj, "apiVersion", api);
    json_set_cstr(obj, "kind", kind->kind);
    json_set_cstr(meta, "name", name);
    json_set_cstr(meta, "namespace", ns);
    json_set_cstr(notes, NOTE_BLUEPRINT, m->name);
    json_set_cstr(notes, NOTE_BLUEPRINT_TARGET, of);
    json_set_cstr(notes, NOTE_BLUEPRINT_REVISION, revision);
    json_set(obj, "spec", spec);
    return obj;
}

static void
copy_fields(struct json *to, const struct json *from, const char *const *names)
{
    for (; *names != NULL; names++)
        if (json_field(from, *names) != NULL)
            json_set(to, *names, json_clone(json_field(from, *names)));
}

static enum rc
make_repository(const struct making *m, struct json **out, struct err *e)
{
    static const char *const same[] = {"wipeOut", "usagePolicy", NULL};
    const struct json *from = json_field(m->blueprint, "spec");
    struct json *spec, *backend = NULL;

    if (vars_expand_tree(m->vars, json_field(from, "backend"), &backend, e))
        return err_wrap(e, "spec.backend of BackupBlueprint %s", m->name);
    spec = json_new_object();
    json_set(spec, "backend", backend);
    copy_fields(spec, from, same);
    *out = make_object(m, &GVR_REPOSITORY, m->repo_ns, spec);
    return RC_OK;
}

/* Those of the annotations go before the blueprint's. */
static void
add_params(const struct json *app, struct json *task)
{
    struct json *params = json_need_array(task, "params");
    const struct json *notes = json_dig(app, "metadata", "annotations");

    for (struct json_item it = json_first(notes); it.key != NULL; it = json_next(notes, it)) {
        const char *name = it.key + strlen(BLUEPRINT_PARAMS);
        struct json *param;

        if (strncmp(it.key, BLUEPRINT_PARAMS, strlen(BLUEPRINT_PARAMS)) != 0 || *name == '\0')
            continue;
        for (size_t i = json_size(params); i > 0; i--)
            if (strcmp(json_text_or(json_field(json_elem(params, i - 1), "name"), ""), name) == 0)
                json_remove_at(params, i - 1);
        param = json_new_object();
        json_set_cstr(param, "name", name);
        json_set(param, "value", json_clone(it.value));
        json_push(params, param);
    }
    if (json_size(params) == 0)
        json_remove(task, "params");
}

static enum rc
make_task(const struct making *m, struct json *spec, struct err *e)
{
    const struct json *task = json_dig(m->blueprint, "spec", "task");
    struct json *name = NULL, *copy = task == NULL ? json_new_object() : json_clone(task);

    if (json_field(task, "name") != NULL &&
        vars_expand_tree(m->vars, json_field(task, "name"), &name, e)) {
        json_free(copy);
        return err_wrap(e, "spec.task.name of BackupBlueprint %s", m->name);
    }
    if (name != NULL)
        json_set(copy, "name", name);
    add_params(m->app, copy);
    if (json_size(copy) > 0)
        json_set(spec, "task", copy);
    else
        json_free(copy);
    return RC_OK;
}

static enum rc
make_configuration(const struct making *m, struct json **out, struct err *e)
{
    static const char *const same[] = {"retentionPolicy",
                                       "runtimeSettings",
                                       "tempDir",
                                       "interimVolumeTemplate",
                                       "hooks",
                                       "backupHistoryLimit",
                                       "timeOut",
                                       "retryConfig",
                                       NULL};
    const struct json *from = json_field(m->blueprint, "spec");
    const char *schedule = note_of(m->app, BLUEPRINT_SCHEDULE);
    struct json *spec = json_new_object(), *repository, *ref;
    CLEANUP(mem_free_ptr) char *repo = name_in(m, m->repo_ns);

    if (make_task(m, spec, e)) {
        json_free(spec);
        return err_code(e);
    }
    json_set_cstr(spec, "schedule",
                  schedule != NULL ? schedule : json_text(json_field(from, "schedule")));
    repository = json_need_object(spec, "repository");
    json_set_cstr(repository, "name", repo);
    ref = json_need_object(json_need_object(spec, "target"), "ref");
    json_set_cstr(ref, "apiVersion", json_text_or(json_field(m->app, "apiVersion"), ""));
    json_set_cstr(ref, "kind", GVR_APP_BINDING.kind);
    json_set_cstr(ref, "name", m->target);
    if (strcmp(m->repo_ns, m->ns) != 0)
        json_set_cstr(repository, "namespace", m->repo_ns);
    if (strcmp(m->target_ns, m->ns) != 0)
        json_set_cstr(ref, "namespace", m->target_ns);
    copy_fields(spec, from, same);
    *out = make_object(m, &GVR_BACKUP_CONFIGURATION, m->ns, spec);
    return RC_OK;
}

enum rc
blueprint_make(const struct json *blueprint, const struct json *app, bool plain,
               struct blueprint_made *out, struct err *e)
{
    const struct json *spec = json_field(blueprint, "spec");
    struct making m = {.blueprint = blueprint,
                       .app = app,
                       .name = meta_text(blueprint, "name"),
                       .target_ns = meta_text(app, "namespace"),
                       .target = meta_text(app, "name"),
                       .plain = plain};
    enum rc rc;

    *out = (struct blueprint_made){NULL, NULL};
    m.ns = text_or(spec, "backupNamespace", m.target_ns);
    m.repo_ns = text_or(spec, "repoNamespace", m.ns);
    m.vars = vars_new();
    rc = set_vars(m.vars, app, e);
    if (rc == RC_OK)
        rc = make_repository(&m, &out->repository, e);
    if (rc == RC_OK)
        rc = make_configuration(&m, &out->configuration, e);
    vars_free(m.vars);
    return rc;
}

void
blueprint_made_release(struct blueprint_made *m)
{
    json_free(m->repository);
    json_free(m->configuration);
    *m = (struct blueprint_made){NULL, NULL};
}
