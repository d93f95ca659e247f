/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a BackupBlueprint makes for the AppBindings that name it: made, kept in step, and the BackupConfiguration taken
 * away with the annotation. The Repository stays: it has the backups.
 *
 * Rule     what cannot be followed (a name or a schedule that is misspelt, a Repository with backups that would lie elsewhere,
 *          an API server that refuses) leaves what was made before as it is, and says so.
 */
#include "api/blueprint.h"

#include "api/backend.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/operator_internal.h"

#define BY_BLUEPRINT "blueprint" /* its name: of what names it, and of what was made from it */
#define BY_BLUEPRINT_TARGET "blueprint-target" /* of what was made: "ns/name" of the AppBinding */

enum { LOOK_AGAIN_MS = 60 * 1000 }; /* somebody else's object of that name may have gone */

/* An AppBinding, and one of the blueprints that it names. */
struct following {
    struct operator* op;
    const struct json *app;
    const char *name;  /* of the blueprint */
    struct json *keep; /* what those before it made, "kind/ns/name" */
    bool failed;       /* one of those before it cannot be followed */
};

/* ---- what should be ---- */

static bool
is_made_for(const struct json *live, const struct json *wanted)
{
    return blueprint_target(live) != NULL &&
           strcmp(blueprint_target(live), blueprint_target(wanted)) == 0;
}

static bool
is_in(const struct json *list, const char *text)
{
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text(json_elem(list, i)), text) == 0)
            return true;
    return false;
}

static char *
made_key(const struct json *obj)
{
    return key3(json_text_or(json_field(obj, "kind"), ""), kube_ns(obj), kube_name(obj));
}

/* Has another blueprint of the same AppBinding this name already? */
static bool
is_anothers(const struct following *f, struct cache *cache, const struct json *wanted)
{
    CLEANUP(json_free_ptr) struct json *live = cache_get(cache, kube_ns(wanted), kube_name(wanted));
    CLEANUP(mem_free_ptr) char *key = made_key(wanted);

    return is_in(f->keep, key) ||
           (live != NULL && is_made_for(live, wanted) && strcmp(blueprint_of(live), f->name) != 0);
}

static enum rc
same_target(const struct json *live, const struct json *wanted, struct err *e)
{
    struct invoker has, wants;

    invoker_view(live, &has);
    invoker_view(wanted, &wants);
    if (strcmp(has.target_ns, wants.target_ns) == 0 &&
        strcmp(has.target_name, wants.target_name) == 0 &&
        strcmp(has.target_kind, wants.target_kind) == 0)
        return RC_OK;
    return err_set(e, RC_EXISTS, "BackupConfiguration %s/%s is there, and has another target",
                   kube_ns(live), kube_name(live));
}

/*
 * May the object be made, or made so? What is there without our marks was made by Stash or by a person: it is taken over where
 * it means the same.
 */
static enum rc
may_be_made(struct cache *cache, const struct json *wanted, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *live = cache_get(cache, kube_ns(wanted), kube_name(wanted));

    if (live == NULL || is_made_for(live, wanted))
        return RC_OK;
    if (blueprint_target(live) != NULL)
        return err_set(e, RC_EXISTS, "%s %s/%s was made for AppBinding %s", cache_kind(cache)->kind,
                       kube_ns(live), kube_name(live), blueprint_target(live));
    if (cache_kind(cache) == &GVR_BACKUP_CONFIGURATION)
        return same_target(live, wanted, e);
    if (json_same(json_dig(live, "spec", "backend"), json_dig(wanted, "spec", "backend")))
        return RC_OK;
    return err_set(e, RC_EXISTS, "Repository %s/%s is there, and its backend is another one",
                   kube_ns(live), kube_name(live));
}

/* Do both mean the same place? What opens it (Secret, region, connections) plays no part. */
static bool
is_same_place(const struct json *a, const struct json *b)
{
    const struct json *of[] = {json_dig(a, "spec", "backend"), json_dig(b, "spec", "backend")};
    char *address[] = {NULL, NULL};
    bool same = json_same(of[0], of[1]);

    for (size_t i = 0; i < ARRAY_LEN(of) && !same; i++) {
        struct backend backend;
        struct err none = ERR_INIT;

        if (backend_decode(of[i], &backend, &none))
            break;
        if (backend_address(&backend, &address[i], &none))
            address[i] = NULL;
        backend_release(&backend);
    }
    /* A path says nothing without the volume that it is in. */
    same =
        same || (address[0] != NULL && address[1] != NULL && strcmp(address[0], address[1]) == 0 &&
                 json_same(json_field(of[0], "local"), json_field(of[1], "local")));
    mem_free(address[0]);
    mem_free(address[1]);
    return same;
}

/* Backups do not move with a blueprint: the next one would begin a history elsewhere, and nobody look after this one. */
static enum rc
may_move(const struct json *live, const struct json *wanted, struct err *e)
{
    const struct json *status = json_field(live, "status");
    bool any = json_int_or(json_field(status, "snapshotCount"),
                           json_field(status, "lastBackupTime") != NULL) > 0;

    if (live == NULL || kube_is_deleting(live) || !any || is_same_place(live, wanted))
        return RC_OK;
    return err_set(
        e, RC_EXISTS,
        "Repository %s/%s has backups, and its backend would be another one: it stays. To "
        "begin anew there delete the Repository, which without wipeOut leaves its backups",
        kube_ns(live), kube_name(live));
}

/* The Repository of that name, and those into which the blueprint has this AppBinding backed up now. */
static enum rc
may_all_move(const struct following *f, const struct json *wanted, struct err *e)
{
    CLEANUP(json_free_ptr)
    struct json *live = cache_get(f->op->repository.cache, kube_ns(wanted), kube_name(wanted));
    CLEANUP(json_free_ptr)
    struct json *made =
        cache_by(f->op->backupconfiguration.cache, BY_BLUEPRINT_TARGET, blueprint_target(wanted));

    if (live != NULL && is_made_for(live, wanted) && may_move(live, wanted, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(made); i++) {
        CLEANUP(json_free_ptr) struct json *repo = NULL;
        struct invoker inv;

        if (strcmp(blueprint_of(json_elem(made, i)), f->name) != 0)
            continue;
        invoker_view(json_elem(made, i), &inv);
        repo = cache_get(f->op->repository.cache, inv.repo_ns, inv.repo_name);
        if (may_move(repo, wanted, e))
            return err_code(e);
    }
    return RC_OK;
}

/* RC_NOT_FOUND, RC_INVALID, RC_EXISTS: why nothing can be made now. blueprint_made_release in every case. */
static enum rc
blueprint_wanted(const struct following *f, struct blueprint_made *made, struct err *e)
{
    struct cache *repositories = f->op->repository.cache,
                 *configurations = f->op->backupconfiguration.cache;
    CLEANUP(json_free_ptr)
    struct json *from = cache_get(f->op->backupblueprint.cache, NULL, f->name);

    *made = (struct blueprint_made){NULL, NULL};
    if (from == NULL || kube_is_deleting(from))
        return err_set(e, RC_NOT_FOUND, "there is no BackupBlueprint %s", f->name);
    if (object_fits(&kind_backupblueprint, from, e))
        return err_wrap(e, "BackupBlueprint %s", f->name);
    if (blueprint_make(from, f->app, true, made, e))
        return err_code(e);
    if (is_anothers(f, repositories, made->repository) ||
        is_anothers(f, configurations, made->configuration)) {
        blueprint_made_release(made);
        if (blueprint_make(from, f->app, false, made, e))
            return err_code(e);
    }
    if (object_check(&kind_repository, made->repository, e) ||
        object_check(&kind_backupconfiguration, made->configuration, e) ||
        may_be_made(repositories, made->repository, e) ||
        may_be_made(configurations, made->configuration, e))
        return err_code(e);
    return may_all_move(f, made->repository, e);
}

/* ---- made, and kept in step ---- */

static void
keep_made(struct following *f, const struct json *obj)
{
    CLEANUP(mem_free_ptr) char *key = made_key(obj);

    json_push_cstr(f->keep, key);
}

static void
tell_not_followed(struct ctx *cx, const struct following *f, const struct err *why)
{
    if (why->code != RC_CANCELLED)
        recorder_event(cx, f->op->appbinding.events, f->app, "Warning", "BlueprintNotFollowed",
                       "No backup by BackupBlueprint %s: %s", f->name, why->msg);
}

/* Something was refused: what there is of it is not as it should be. That it cannot be written there is for the log. */
static void
tell_refused(struct ctx *cx, const struct following *f, const struct json *wanted,
             const struct err *why)
{
    struct cache *cache = f->op->backupconfiguration.cache;
    CLEANUP(json_free_ptr) struct json *was = cache_get(cache, kube_ns(wanted), kube_name(wanted));
    CLEANUP(json_free_ptr) struct json *now = NULL;
    struct err e = ERR_INIT;

    if (was == NULL || !is_made_for(was, wanted) || why->retry || why->code == RC_CANCELLED ||
        why->code == RC_CONFLICT)
        return;
    now = json_clone(was);
    (void)condition_set(json_need_object(now, "status"), COND_BLUEPRINT_FOLLOWED, COND_FALSE,
                        why->msg);
    if (write_status(cx, f->op, cache, &GVR_BACKUP_CONFIGURATION, was, now, &e))
        log_warn("%s", e.msg);
}

static enum rc
blueprint_follow(struct ctx *cx, struct following *f, struct ctl_result *out, struct err *e)
{
    struct operator* op = f->op;
    struct blueprint_made made;
    struct err why = ERR_INIT;

    if (blueprint_wanted(f, &made, &why)) {
        f->failed = true;
        tell_not_followed(cx, f, &why);
        out->requeue_after_ms = LOOK_AGAIN_MS;
    } else {
        keep_made(f, made.repository);
        keep_made(f, made.configuration);
        if (ensure(cx, op, op->repository.cache, &GVR_REPOSITORY, made.repository, e) ||
            ensure(cx, op, op->backupconfiguration.cache, &GVR_BACKUP_CONFIGURATION,
                   made.configuration, e)) {
            tell_not_followed(cx, f, e);
            tell_refused(cx, f, made.configuration, e);
        }
    }
    blueprint_made_release(&made);
    return e->code == RC_OK ? RC_OK : err_code(e);
}

static enum rc
remove_others(struct ctx *cx, const struct following *f, const struct json *made, struct err *e)
{
    for (size_t i = 0; i < json_size(made); i++) {
        const struct json *config = json_elem(made, i);
        CLEANUP(mem_free_ptr) char *key = made_key(config);

        if (kube_is_deleting(config) || is_in(f->keep, key))
            continue;
        if (ensure_gone(cx, f->op, &GVR_BACKUP_CONFIGURATION, kube_ns(config), kube_name(config),
                        "Background", e))
            return err_code(e);
    }
    return RC_OK;
}

static enum rc
app_binding_reconcile(struct ctx *cx, void *arg, const char *ns, const char *name,
                      struct ctl_result *out, struct err *e)
{
    struct operator* op =(struct operator*) arg;
    CLEANUP(json_free_ptr) struct json *app = cache_get(op->appbinding.cache, ns, name);
    CLEANUP(mem_free_ptr) char *key = key2(ns, name);
    CLEANUP(json_free_ptr)
    struct json *made = cache_by(op->backupconfiguration.cache, BY_BLUEPRINT_TARGET, key);
    CLEANUP(json_free_ptr) struct json *keep = json_new_array();
    CLEANUP(json_free_ptr) struct json *names = NULL;
    struct following f = {.op = op, .app = app, .keep = keep};
    struct err first = ERR_INIT;

    if (app != NULL && json_field(app, KUBE_UNREADABLE) != NULL)
        return RC_OK;
    names = blueprints_of(app == NULL || kube_is_deleting(app) ? NULL : app);
    for (size_t i = 0; i < json_size(names); i++) {
        struct err why = ERR_INIT;

        f.name = json_text(json_elem(names, i));
        if (blueprint_follow(cx, &f, out, &why) && first.code == RC_OK)
            first = why;
    }
    /* Whoever misspelt a name means no end of the backups. */
    if (first.code == RC_OK && !f.failed && remove_others(cx, &f, made, &first))
        f.failed = true;
    for (size_t i = 0; i < json_size(made); i++) /* annotations are not their concern otherwise */
        controller_enqueue(op->backupconfiguration.ctl, kube_ns(json_elem(made, i)),
                           kube_name(json_elem(made, i)));
    if (first.code == RC_OK)
        return RC_OK;
    *e = first;
    return err_code(e);
}

/* ---- the condition of what was made ---- */

/* The AppBinding names others, of which one cannot be followed. */
static void
tell_others(const struct teller *to, const struct following *f, const struct json *names,
            struct json *status)
{
    struct following other = *f;

    for (size_t i = 0; i < json_size(names); i++) {
        CLEANUP(mem_free_ptr) char *text = NULL;
        struct blueprint_made made;
        struct err why = ERR_INIT;

        other.name = json_text(json_elem(names, i));
        if (blueprint_wanted(&other, &made, &why) != RC_OK)
            text = mem_printf("Kept as BackupBlueprint %s made it: the AppBinding names %s, and %s",
                              f->name, other.name, why.msg);
        blueprint_made_release(&made);
        if (text == NULL)
            continue;
        condition_tell(to, status, COND_BLUEPRINT_FOLLOWED, COND_FALSE, text);
        return;
    }
}

void
tell_blueprint(struct ctx *cx, struct operator* op, const struct json *config, struct json *status)
{
    struct teller to = {cx, op->backupconfiguration.events, config, "Warning"};
    const char *target = blueprint_target(config),
               *slash = target != NULL ? strchr(target, '/') : NULL;
    struct blueprint_made made = {NULL, NULL};
    struct err why = ERR_INIT;

    if (slash == NULL || blueprint_of(config) == NULL) {
        condition_remove(status, COND_BLUEPRINT_FOLLOWED);
        return;
    }
    CLEANUP(mem_free_ptr) char *ns = mem_strndup(target, (size_t)(slash - target));
    CLEANUP(json_free_ptr) struct json *app = cache_get(op->appbinding.cache, ns, slash + 1);
    struct following f = {.op = op, .app = app, .name = blueprint_of(config)};

    if (app == NULL) /* it goes, too */
        return;
    CLEANUP(json_free_ptr) struct json *names = blueprints_of(app);

    if (!is_in(names, f.name)) {
        tell_others(&to, &f, names, status);
        return;
    }
    if (blueprint_wanted(&f, &made, &why) == RC_OK) {
        CLEANUP(json_free_ptr)
        struct json *repo =
            cache_get(op->repository.cache, kube_ns(made.repository), kube_name(made.repository));

        /* Else it is on its way, or was refused, which stands here already. */
        if (json_covers(config, made.configuration) && json_covers(repo, made.repository))
            (void)condition_set(status, COND_BLUEPRINT_FOLLOWED, COND_TRUE, NULL);
    } else {
        condition_tell(&to, status, COND_BLUEPRINT_FOLLOWED, COND_FALSE, why.msg);
    }
    blueprint_made_release(&made);
}

/* ---- whose changes concern whom ---- */

static void
index_blueprints(const struct json *app, cache_emit_fn *emit, void *to)
{
    CLEANUP(json_free_ptr) struct json *names = blueprints_of(app);

    for (size_t i = 0; i < json_size(names); i++)
        emit(to, json_text(json_elem(names, i)));
}

static void
index_made(const struct json *obj, cache_emit_fn *emit, void *to)
{
    if (blueprint_target(obj) != NULL && blueprint_of(obj) != NULL)
        emit(to, blueprint_target(obj));
}

/* What was made, changed or taken away by hand; and what has the name that something should have. */
static void
map_made(void *arg, const struct json *obj, struct workq *q)
{
    static const char prefix[] = "app-";
    const char *name = kube_name(obj);

    (void)arg;
    if (blueprint_target(obj) != NULL) {
        workq_add(q, blueprint_target(obj));
    } else if (name != NULL && strncmp(name, prefix, strlen(prefix)) == 0) {
        CLEANUP(mem_free_ptr) char *key = key2(kube_ns(obj), name + strlen(prefix));

        workq_add(q, key);
    }
}

/* `arg`: the cache of what names or was made from it. */
static void
map_blueprint(void *arg, const struct json *blueprint, struct workq *q)
{
    CLEANUP(json_free_ptr)
    struct json *keys = cache_keys_by((struct cache *)arg, BY_BLUEPRINT, kube_name(blueprint));

    for (size_t i = 0; i < json_size(keys); i++)
        workq_add(q, json_text(json_elem(keys, i)));
}

static void
index_from(const struct json *config, cache_emit_fn *emit, void *to)
{
    if (blueprint_of(config) != NULL)
        emit(to, blueprint_of(config));
}

static void
app_binding_wire(struct operator* op, struct watched *own)
{
    cache_add_index(own->cache, BY_BLUEPRINT, index_blueprints);
    cache_add_index(op->backupconfiguration.cache, BY_BLUEPRINT, index_from);
    cache_add_index(op->backupconfiguration.cache, BY_BLUEPRINT_TARGET, index_made);
    controller_watch(own->ctl, op->backupblueprint.cache, map_blueprint, own->cache);
    controller_watch(own->ctl, op->backupconfiguration.cache, map_made, op);
    controller_watch(own->ctl, op->repository.cache, map_made, op);
    controller_watch(op->backupconfiguration.ctl, op->backupblueprint.cache, map_blueprint,
                     op->backupconfiguration.cache);
}

const struct watched_ops watched_appbinding = {.reconcile = app_binding_reconcile,
                                               .component = "BackupBlueprint Controller",
                                               .wire = app_binding_wire};
const struct watched_ops watched_backupblueprint = {.reconcile = NULL};
