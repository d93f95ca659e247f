/* SPDX-License-Identifier: Apache-2.0 */
#include "operator/podspec.h"

#include "api/kinds.h"
#include "api/notes.h"
#include "api/restore_choice.h"
#include "base/mem.h"
#include "kube/object.h"

#define TMP_VOLUME "stash-tmp-dir"
#define LOCAL_VOLUME "stash-local"
#define SAFETY_VOLUME "cstash-safety"
#define INTERIM_VOLUME "stash-interim-volume"
#define INTERIM_DIR "/stash-interim-volume"
#define INTERIM_DATA INTERIM_DIR "/data"
#define SCRATCH_DATA SCRATCH_DIR INTERIM_DIR "/data"

const char *
podspec_task(const struct invoker *inv, const struct json *app)
{
    const char *own = json_text(json_field(inv->task, "name"));

    if (own != NULL && own[0] != '\0')
        return own;
    return json_text(json_dig(app, "spec", "parameters", "stash", "addon",
                              inv->restore ? "restoreTask" : "backupTask", "name"));
}

char *
podspec_interim_name(const struct invoker *inv, const char *session)
{
    const char *name = json_text_or(json_dig(inv->interim, "metadata", "name"), "interim");

    return inv->at == 0 ? mem_printf("%s-%s", session, name)
                        : mem_printf("%s-%s-%zu", session, name, inv->at);
}

/* ---- variables ---- */

static void
set_list(struct vars *v, const char *name, const struct json *list, const char *otherwise)
{
    struct buf text = BUF_INIT(JSON_TEXT_MAX);

    for (size_t i = 0; i < json_size(list); i++)
        buf_must_printf(&text, "%s%s", i == 0 ? "" : ",", json_text_or(json_elem(list, i), ""));
    vars_set(v, name, text.n > 0 ? buf_c(&text) : otherwise);
    buf_release(&text);
}

static void
set_repository(struct vars *v, const struct podspec_in *in)
{
    const struct backend *b = in->backend;

    vars_set(v, "REPOSITORY_NAME", in->inv->repo_name);
    vars_set(v, "REPOSITORY_NAMESPACE", in->inv->repo_ns);
    vars_set(v, "REPOSITORY_PROVIDER", b->provider);
    vars_set(v, "REPOSITORY_BUCKET", b->bucket);
    vars_set(v, "REPOSITORY_PREFIX", b->prefix != NULL ? b->prefix : "");
    vars_set(v, "REPOSITORY_ENDPOINT", b->endpoint);
    if (strcmp(b->provider, "s3") == 0)
        vars_set(v, "REPOSITORY_REGION", b->region != NULL ? b->region : "");
    vars_set(v, "REPOSITORY_INSECURE_TLS", b->insecure_tls ? "true" : "false");
    vars_set(v, "REPOSITORY_SECRET_NAME", b->secret);
    vars_set(v, "REPOSITORY_SECRET_NAMESPACE", b->secret != NULL ? in->inv->repo_ns : NULL);
    vars_set_int(v, "MAX_CONNECTIONS", b->max_connections);
}

static void
set_retention(struct vars *v, const struct json *policy)
{
    static const char *const units[][2] = {
        {"keepLast", "RETENTION_KEEP_LAST"},       {"keepHourly", "RETENTION_KEEP_HOURLY"},
        {"keepDaily", "RETENTION_KEEP_DAILY"},     {"keepWeekly", "RETENTION_KEEP_WEEKLY"},
        {"keepMonthly", "RETENTION_KEEP_MONTHLY"}, {"keepYearly", "RETENTION_KEEP_YEARLY"},
    };

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (json_int_or(json_field(policy, units[i][0]), 0) > 0)
            vars_set_int(v, units[i][1], json_int_or(json_field(policy, units[i][0]), 0));
    set_list(v, "RETENTION_KEEP_TAGS", json_field(policy, "keepTags"), NULL);
    if (json_is_true(json_field(policy, "prune")))
        vars_set(v, "RETENTION_PRUNE", "true");
    if (json_is_true(json_field(policy, "dryRun")))
        vars_set(v, "RETENTION_DRY_RUN", "true");
}

static void
set_backup(struct vars *v, const struct podspec_in *in)
{
    const struct invoker *inv = in->inv;

    vars_set(v, "BACKUP_SESSION", in->session);
    vars_set(v, "HOSTNAME", invoker_host(inv));
    set_list(v, "TARGET_PATHS", json_field(inv->target, "paths"), "/stash-data");
    set_list(v, "EXCLUDE_PATTERNS", json_field(inv->target, "exclude"), NULL);
    set_retention(v, inv->retention);
}

static void
set_restore(struct vars *v, const struct podspec_in *in)
{
    const struct invoker *inv = in->inv;
    const struct json *rule = invoker_rule(inv);
    const char *source = json_text_or(json_field(rule, "sourceHost"), "");

    vars_set(v, "RESTORE_SESSION", in->session);
    vars_set(v, "HOSTNAME", inv->alias);
    vars_set(v, "SOURCE_HOSTNAME", source[0] != '\0' ? source : inv->alias);
    set_list(v, "RESTORE_SNAPSHOTS", json_field(rule, "snapshots"), "");
    set_list(v, "RESTORE_PATHS", json_field(rule, "paths"), "");
    set_list(v, "EXCLUDE_PATTERNS", json_field(rule, "exclude"), NULL);
    set_list(v, "INCLUDE_PATTERNS", json_field(rule, "include"), NULL);
    vars_set_int(v, "TARGET_APP_REPLICAS", json_int_or(json_field(inv->target, "replicas"), 1));
}

/* "registry/name:tag", a digest stays with the name. */
static void
set_image(struct vars *v, const char *image)
{
    const char *slash = strrchr(image, '/'), *base = slash == NULL ? image : slash + 1,
               *colon = strchr(base, ':');
    char *registry = slash == NULL ? NULL : mem_strndup(image, (size_t)(slash - image)),
         *name = colon == NULL ? mem_strdup(base) : mem_strndup(base, (size_t)(colon - base));

    vars_set(v, "STASH_DOCKER_REGISTRY", registry != NULL ? registry : "");
    vars_set(v, "STASH_DOCKER_IMAGE", name);
    vars_set(v, "STASH_IMAGE_TAG", colon != NULL ? colon + 1 : "latest");
    mem_free(registry);
    mem_free(name);
}

/* The table of Stash; the invoker's own params go before all of it. */
static struct vars *
base_vars(const struct podspec_in *in)
{
    const struct invoker *inv = in->inv;
    struct vars *v = vars_new();
    const struct json *mounts = json_field(inv->target, "volumeMounts");
    struct buf args = BUF_INIT(JSON_TEXT_MAX);

    set_repository(v, in);
    vars_set(v, "TARGET_KIND", inv->target_kind);
    vars_set(v, "TARGET_NAME", inv->target_name);
    vars_set(v, "TARGET_NAMESPACE", inv->target_ns);
    vars_set(v, "TARGET_MOUNT_PATH",
             json_text_or(json_field(json_elem(mounts, 0), "mountPath"), "/stash-data"));
    for (size_t i = 0; i < json_size(json_field(inv->target, "args")); i++)
        buf_must_printf(&args, "%s%s", i == 0 ? "" : " ",
                        json_text_or(json_elem(json_field(inv->target, "args"), i), ""));
    vars_set(v, "DRIVER_ARGS", args.n > 0 ? buf_c(&args) : NULL);
    vars_set(v, "ENABLE_CACHE",
             json_is_true(json_field(inv->temp_dir, "disableCaching")) ? "false" : "true");
    vars_set(v, "INTERIM_DATA_DIR", inv->interim != NULL ? INTERIM_DATA : SCRATCH_DATA);
    if (inv->restore)
        set_restore(v, in);
    else
        set_backup(v, in);
    vars_set(v, "NAMESPACE", inv->ns);
    vars_set(v, "INVOKER_KIND", inv->kind);
    vars_set(v, "INVOKER_NAME", inv->name);
    set_image(v, in->image);
    vars_set(v, "LICENSE_APISERVICE", "");
    vars_set(v, "PROMETHEUS_PUSHGATEWAY_URL",
             in->pushgateway_url != NULL ? in->pushgateway_url : "");
    vars_set(v, "PROMETHEUS_JOB_NAME", inv->name);
    vars_set_params(v, json_dig(in->app_binding, "spec", "parameters", "stash", "addon",
                                inv->restore ? "restoreTask" : "backupTask", "params"));
    vars_set_params(v, json_field(inv->task, "params"));
    buf_release(&args);
    return v;
}

/* ---- containers ---- */

static void
put_env(struct json *container, struct json *take)
{
    struct json *env = json_need_array(container, "env");
    const char *name = json_text_or(json_field(take, "name"), "");

    for (size_t i = 0; i < json_size(env); i++)
        if (strcmp(json_text_or(json_field(json_elem(env, i), "name"), ""), name) == 0) {
            json_put_at(env, i, take);
            return;
        }
    json_push(env, take);
}

static void
put_env_text(struct json *container, const char *name, const char *value)
{
    struct json *v = json_new_object();

    json_set_cstr(v, "name", name);
    json_set_cstr(v, "value", value);
    put_env(container, v);
}

static void
put_env_field(struct json *container, const char *name, const char *path)
{
    struct json *v = json_new_object();

    json_set_cstr(v, "name", name);
    json_set_cstr(json_need_object(json_need_object(v, "valueFrom"), "fieldRef"), "fieldPath",
                  path);
    put_env(container, v);
}

static void
put_env_int(struct json *container, const char *name, const struct json *value)
{
    char text[STR_INT_MAX + 1] = "";

    if (json_kind_of(value) != JSON_IS_INT)
        return;
    (void)str_put_i64(json_int_or(value, 0), (uint8_t *)text);
    put_env_text(container, name, text);
}

/* The "container" half of runtimeSettings, over what the Function says. */
static void
layer_runtime(struct json *c, const struct json *rt)
{
    static const char *const whole[] = {"livenessProbe", "readinessProbe", "lifecycle",
                                        "securityContext"};
    const struct json *res = json_field(rt, "resources"), *list;

    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (json_field(rt, whole[i]) != NULL)
            json_set(c, whole[i], json_clone(json_field(rt, whole[i])));
    if (res != NULL) /* requests and limits each on its own */
        json_merge_fields(json_need_object(c, "resources"), res);
    list = json_field(rt, "envFrom");
    for (size_t i = 0; i < json_size(list); i++)
        json_push(json_need_array(c, "envFrom"), json_clone(json_elem(list, i)));
    list = json_field(rt, "env");
    for (size_t i = 0; i < json_size(list); i++)
        put_env(c, json_clone(json_elem(list, i)));
    put_env_int(c, "NICE_ADJUSTMENT", json_dig(rt, "nice", "adjustment"));
    put_env_int(c, "IONICE_CLASS", json_dig(rt, "ionice", "class"));
    put_env_int(c, "IONICE_CLASS_DATA", json_dig(rt, "ionice", "classData"));
}

static void
set_missing(struct json *obj, const char *key, struct json *take)
{
    if (json_field(obj, key) == NULL)
        json_set(obj, key, take);
    else
        json_free(take);
}

/* Somebody chose root: for files of others in a volume, which it reads by its capabilities. */
static bool
is_root(const struct json *sc, const struct json *runtime)
{
    int64_t of_pod = json_int_or(json_dig(runtime, "pod", "securityContext", "runAsUser"), -1);

    return json_int_or(json_field(sc, "runAsUser"), of_pod) == 0;
}

void
podspec_secure(struct json *c, const struct json *runtime)
{
    const struct json *given = json_dig(runtime, "container", "securityContext");
    struct json *sc, *drop = json_new_object();

    if (given != NULL && json_field(c, "securityContext") == NULL)
        json_set(c, "securityContext", json_clone(given));
    sc = json_need_object(c, "securityContext");
    set_missing(sc, "allowPrivilegeEscalation", json_new_bool(false));
    json_push_cstr(json_need_array(drop, "drop"), "ALL");
    if (is_root(sc, runtime))
        json_free(drop);
    else
        set_missing(sc, "capabilities", drop);
    set_missing(sc, "readOnlyRootFilesystem", json_new_bool(true));
    /* Who chooses a user, as root, is not contradicted. */
    if (json_dig(runtime, "pod", "securityContext") == NULL && json_field(sc, "runAsUser") == NULL)
        set_missing(sc, "runAsNonRoot", json_new_bool(true));
}

static void
add_mount(struct json *c, const char *volume, const char *path, const char *sub)
{
    struct json *m = json_new_object();

    json_set_cstr(m, "name", volume);
    json_set_cstr(m, "mountPath", path);
    json_set_cstr(m, "subPath", sub);
    json_push(json_need_array(c, "volumeMounts"), m);
}

static void
local_volume(const struct json *repo, const char *name, struct json *pod)
{
    const struct json *local = json_dig(repo, "spec", "backend", "local");
    struct json *v;

    if (local == NULL)
        return;
    v = json_clone(local);
    json_remove(v, "mountPath");
    json_remove(v, "subPath");
    json_set_cstr(v, "name", name);
    json_push(json_need_array(pod, "volumes"), v);
}

void
podspec_local_mount(const struct json *repo, const struct backend *b, struct json *c)
{
    const struct json *local = json_dig(repo, "spec", "backend", "local");

    if (local != NULL)
        add_mount(c, LOCAL_VOLUME, b->bucket, json_text(json_field(local, "subPath")));
}

void
podspec_local_volume(const struct json *repo, struct json *pod)
{
    local_volume(repo, LOCAL_VOLUME, pod);
}

/* Where the step finds the Repository of the copy: by its name, and mounted where it lies in a volume. */
static void
safety_place(const struct json *safety, struct json *c)
{
    const struct json *local = json_dig(safety, "spec", "backend", "local");

    if (safety == NULL)
        return;
    put_env_text(c, NOTE_SAFETY_REPOSITORY_ENV, kube_name(safety));
    if (local != NULL)
        add_mount(c, SAFETY_VOLUME, json_text_or(json_field(local, "mountPath"), ""),
                  json_text(json_field(local, "subPath")));
}

/* What annotations and spec.cstash of a restore say, which its step could not read. They were checked before. */
static void
podspec_notes(const struct invoker *inv, struct json *c)
{
    CLEANUP(mem_free_ptr) char *choice = restore_choice_env(inv->choice);
    struct notes n;
    struct err none = ERR_INIT;

    if (!inv->restore || inv->obj == NULL ||
        notes_read(inv->kind, json_dig(inv->obj, "metadata", "annotations"), &n, &none))
        return;
    if (n.safety_skip)
        put_env_text(c, NOTE_SAFETY_COPY_ENV, "skip");
    if (n.undo)
        put_env_text(c, NOTE_UNDO_ENV, "true");
    if (n.plan)
        put_env_text(c, NOTE_PLAN_ENV, "true");
    if (choice != NULL)
        put_env_text(c, RESTORE_CHOICE_ENV, choice);
}

/* What every container of the pod gets. */
static void
finish_container(const struct podspec_in *in, struct json *c)
{
    json_set_cstr(c, "imagePullPolicy", "IfNotPresent");
    json_set_cstr(c, "terminationMessagePolicy", "FallbackToLogsOnError");
    put_env_field(c, "POD_NAME", "metadata.name");
    put_env_field(c, "POD_NAMESPACE", "metadata.namespace");
    put_env_field(c, "NODE_NAME", "spec.nodeName");
    if (in->cluster_uid != NULL)
        put_env_text(c, CLUSTER_UID, in->cluster_uid);
    podspec_notes(in->inv, c);
    safety_place(in->safety, c);
    layer_runtime(c, json_field(in->inv->runtime, "container"));
    add_mount(c, TMP_VOLUME, SCRATCH_DIR, NULL);
    podspec_local_mount(in->repo, in->backend, c);
    if (in->inv->interim != NULL)
        add_mount(c, INTERIM_VOLUME, INTERIM_DIR, NULL);
    podspec_secure(c, in->inv->runtime);
}

/* A step of ours reads the Redis from an AppBinding: with another target, or none, it never will. */
static enum rc
check_step_target(const struct invoker *inv, const struct json *container, struct err *e)
{
    static const char *const steps[] = {"backup-redis", "restore-redis"};
    const char *first = json_text_or(json_elem(json_field(container, "args"), 0), "");
    char path[INVOKER_PATH];

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (strcmp(first, steps[i]) != 0 || strcmp(inv->target_kind, GVR_APP_BINDING.kind) == 0)
            continue;
        (void)invoker_path(inv, path);
        return json_dig(inv->target, "ref", "kind") == NULL
                   ? err_set(e, RC_INVALID,
                             "%s.target.ref is missing: %s needs the AppBinding of a Redis there",
                             path, steps[i])
                   : err_set(e, RC_INVALID,
                             "%s.target.ref is a %.80s: %s needs the AppBinding of a Redis there",
                             path, inv->target_kind, steps[i]);
    }
    return RC_OK;
}

static enum rc
step_container(const struct podspec_in *in, const struct json *step, size_t at, struct json **out,
               struct err *e)
{
    static const char *const fields[] = {"image",        "command",       "args", "workingDir",
                                         "volumeMounts", "volumeDevices", "ports"};
    const char *name = json_text_or(json_field(step, "name"), "");
    CLEANUP(json_free_ptr) struct json *fn = in->function(in->arg, name);
    CLEANUP(json_free_ptr) struct json *spec = NULL;
    struct vars *v;
    struct json *c;
    char *cname;
    enum rc rc;

    if (fn == NULL)
        return err_set(e, RC_NOT_FOUND, "Function \"%s\" not found", name);
    v = base_vars(in);
    vars_set(v, "ADDON_IMAGE", json_text_or(json_dig(fn, "spec", "image"), ""));
    rc = vars_set_expanded(v, json_field(step, "params"), e);
    if (rc == RC_OK)
        rc = vars_expand_tree(v, json_field(fn, "spec"), &spec, e);
    vars_free(v);
    if (rc != RC_OK)
        return err_wrap(e, "could not resolve Function \"%s\"", name);
    c = json_new_object();
    cname = mem_printf("%s-%zu", name, at);
    for (char *p = cname; *p != '\0'; p++)
        if (*p == '.')
            *p = '-';
    json_set_cstr(c, "name", cname);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (json_field(spec, fields[i]) != NULL)
            json_set(c, fields[i], json_clone(json_field(spec, fields[i])));
    mem_free(cname);
    if (check_step_target(in->inv, c, e)) {
        json_free(c);
        return err_code(e);
    }
    layer_runtime(c, json_field(spec, "runtimeSettings"));
    finish_container(in, c);
    *out = c;
    return RC_OK;
}

/* Where the first step writes output.json: the hooks look there too. */
static const char *
output_dir(const struct json *task)
{
    const struct json *steps = json_dig(task, "spec", "steps");

    for (size_t i = 0; i < json_size(steps); i++) {
        const struct json *params = json_field(json_elem(steps, i), "params");

        for (size_t p = 0; p < json_size(params); p++)
            if (strcmp(json_text_or(json_field(json_elem(params, p), "name"), ""), "outputDir") ==
                0)
                return json_text_or(json_field(json_elem(params, p), "value"), "");
    }
    return "";
}

static void
add_arg(struct json *args, const char *flag, const char *value)
{
    char *arg = mem_printf("--%s=%s", flag, value);

    json_push_cstr(args, arg);
    mem_free(arg);
}

/* Runs one hook; of a whole batch no target is named. */
static struct json *
run_hook_container(const struct podspec_in *in, const char *type, const char *name,
                   const char *output)
{
    const struct invoker *inv = in->inv;
    bool whole = inv->at == INVOKER_WHOLE;
    struct json *c = json_new_object(), *args;

    json_set_cstr(c, "name", name);
    json_set_cstr(c, "image", in->image);
    args = json_need_array(c, "args");
    json_push_cstr(args, "run-hook");
    add_arg(args, "namespace", inv->ns);
    add_arg(args, "backupsession", inv->restore ? "" : in->session);
    add_arg(args, "restoresession", inv->restore ? in->session : "");
    add_arg(args, "invoker-kind", inv->kind);
    add_arg(args, "invoker-name", inv->name);
    add_arg(args, "target-kind", whole ? "" : inv->target_kind);
    add_arg(args, "target-namespace", whole ? "" : inv->target_ns);
    add_arg(args, "target-name", whole ? "" : inv->target_name);
    add_arg(args, "hook-type", type);
    add_arg(args, "hostname", invoker_host(inv));
    add_arg(args, "output-dir", output);
    add_arg(args, "metrics-enabled", "true");
    add_arg(args, "metrics-pushgateway-url",
            in->pushgateway_url != NULL ? in->pushgateway_url : "");
    finish_container(in, c);
    return c;
}

static struct json *
hook_container(const struct podspec_in *in, const struct json *task, bool post)
{
    bool restore = in->inv->restore;
    const char *type =
        restore ? (post ? "postRestore" : "preRestore") : (post ? "postBackup" : "preBackup");

    if (json_field(in->inv->hooks, type) == NULL)
        return NULL;
    return run_hook_container(in, type, post ? "post-task-hook" : "pre-task-hook",
                              output_dir(task));
}

/* ---- the pod ---- */

static void
add_pull_secrets(struct json *pod, const char *names)
{
    struct str left = names == NULL ? str_of(NULL, 0) : str_c(names);

    while (left.n > 0) {
        const uint8_t *comma = (const uint8_t *)memchr(left.p, ',', left.n);
        size_t n = comma == NULL ? left.n : (size_t)(comma - left.p);
        struct json *one = json_new_object();

        json_set(one, "name", json_new_str(str_of(left.p, n)));
        json_push(json_need_array(pod, "imagePullSecrets"), one);
        left = comma == NULL ? str_of(NULL, 0) : str_of(comma + 1, left.n - n - 1);
    }
}

void
podspec_apply_runtime(struct json *pod, const struct json *runtime, const char *pull_secrets)
{
    static const char *const whole[] = {"nodeSelector",       "automountServiceAccountToken",
                                        "nodeName",           "affinity",
                                        "schedulerName",      "tolerations",
                                        "priorityClassName",  "priority",
                                        "readinessGates",     "runtimeClassName",
                                        "enableServiceLinks", "topologySpreadConstraints",
                                        "securityContext"};
    const struct json *rt = json_field(runtime, "pod"), *secrets;

    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (json_field(rt, whole[i]) != NULL)
            json_set(pod, whole[i], json_clone(json_field(rt, whole[i])));
    if (json_field(pod, "securityContext") == NULL) {
        struct json *sc = json_need_object(pod, "securityContext");

        json_set_bool(sc, "runAsNonRoot", true);
        json_set_cstr(json_need_object(sc, "seccompProfile"), "type", "RuntimeDefault");
    } else {
        set_missing(json_need_object(json_field(pod, "securityContext"), "seccompProfile"), "type",
                    json_new_cstr("RuntimeDefault"));
    }
    add_pull_secrets(pod, pull_secrets);
    secrets = json_field(rt, "imagePullSecrets");
    for (size_t i = 0; i < json_size(secrets); i++)
        json_push(json_need_array(pod, "imagePullSecrets"), json_clone(json_elem(secrets, i)));
}

static void
add_volumes(const struct podspec_in *in, const struct json *task, struct json *pod)
{
    struct json *list = json_need_array(pod, "volumes"), *tmp = json_new_object(), *empty;
    const struct json *of_task = json_dig(task, "spec", "volumes");

    for (size_t i = 0; i < json_size(of_task); i++)
        json_push(list, json_clone(json_elem(of_task, i)));
    json_set_cstr(tmp, "name", TMP_VOLUME);
    empty = json_need_object(tmp, "emptyDir");
    json_set_cstr(empty, "medium", json_text(json_field(in->inv->temp_dir, "medium")));
    json_set(empty, "sizeLimit", json_clone(json_field(in->inv->temp_dir, "sizeLimit")));
    json_push(list, tmp);
    podspec_local_volume(in->repo, pod);
    local_volume(in->safety, SAFETY_VOLUME, pod);
    if (in->inv->interim != NULL) {
        struct json *v = json_new_object();
        char *claim = podspec_interim_name(in->inv, in->session);

        json_set_cstr(v, "name", INTERIM_VOLUME);
        json_set_cstr(json_need_object(v, "persistentVolumeClaim"), "claimName", claim);
        json_push(list, v);
        mem_free(claim);
    }
}

static enum rc
add_steps(const struct podspec_in *in, const struct json *task, struct json *list, struct err *e)
{
    const struct json *steps = json_dig(task, "spec", "steps");

    for (size_t i = 0; i < json_size(steps); i++) {
        struct json *c;

        if (step_container(in, json_elem(steps, i), i, &c, e))
            return err_code(e);
        json_push(list, c);
    }
    return RC_OK;
}

/* Nobody but restore-redis acts on spec.cstash: without that step all of the snapshot would be restored. */
static enum rc
check_choice(const struct invoker *inv, const struct json *containers, struct err *e)
{
    char path[INVOKER_PATH];

    if (json_size(inv->choice) == 0)
        return RC_OK;
    for (size_t i = 0; i < json_size(containers); i++)
        if (strcmp(json_text_or(json_elem(json_field(json_elem(containers, i), "args"), 0), ""),
                   "restore-redis") == 0)
            return RC_OK;
    return err_set(e, RC_INVALID,
                   "%s.cstash is for the step restore-redis, which the Task does not have",
                   invoker_path(inv, path));
}

enum rc
podspec_build(const struct podspec_in *in, struct json **out, struct err *e)
{
    const char *name = podspec_task(in->inv, in->app_binding);
    CLEANUP(json_free_ptr) struct json *task = NULL;
    CLEANUP(json_free_ptr) struct json *all = json_new_array();
    struct json *pod, *hook;
    size_t last;

    if (name == NULL)
        return err_set(e, RC_INVALID, "%s %s/%s names no Task, nor does its AppBinding",
                       in->inv->kind, in->inv->ns, in->inv->name);
    task = in->task(in->arg, name);
    if (task == NULL)
        return err_set(e, RC_NOT_FOUND, "Task \"%s\" not found", name);
    if (json_size(json_dig(task, "spec", "steps")) == 0)
        return err_set(e, RC_INVALID, "Task \"%s\" has no steps", name);
    if ((hook = hook_container(in, task, false)) != NULL)
        json_push(all, hook);
    if (add_steps(in, task, all, e) || check_choice(in->inv, all, e))
        return err_wrap(e, "could not resolve Task \"%s\"", name);
    if ((hook = hook_container(in, task, true)) != NULL)
        json_push(all, hook);
    last = json_size(all) - 1;
    put_env_text(json_elem(all, last), FINAL_STEP, "true");
    pod = json_new_object();
    json_set_cstr(pod, "restartPolicy", "Never");
    for (size_t i = 0; i <= last; i++)
        json_push(json_need_array(pod, i < last ? "initContainers" : "containers"),
                  json_clone(json_elem(all, i)));
    add_volumes(in, task, pod);
    podspec_apply_runtime(pod, in->inv->runtime, in->pull_secrets);
    *out = pod;
    return RC_OK;
}

struct json *
podspec_build_hook(const struct podspec_in *in, const char *type)
{
    struct json *pod = json_new_object(), *c = run_hook_container(in, type, "run-hook", "");

    put_env_text(c, FINAL_STEP, "true");
    json_set_cstr(pod, "restartPolicy", "Never");
    json_push(json_need_array(pod, "containers"), c);
    add_volumes(in, NULL, pod);
    podspec_apply_runtime(pod, in->inv->runtime, in->pull_secrets);
    return pod;
}
