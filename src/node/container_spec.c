/* SPDX-License-Identifier: Apache-2.0 */
/* From a container to the command that runs it. Source: Kubernetes pkg/kubelet/container/helpers.
 */
#include <ctype.h>
#include <unistd.h>

#include "base/mem.h"
#include "node/node_internal.h"

enum { LOG_DEFAULT = 10 * 1024 * 1024 };

/* ---- environment ---- */

/* The environment of one container as it is made, and what it is made for. */
struct env {
    struct node *r;
    const struct json *pod, *container;
    struct json *vars;   /* name -> value; a later one replaces it and keeps its place */
    struct json *secret; /* names whose value is not to be touched */
};

static const char *
env_look_up(void *arg, const char *name)
{
    return json_text(json_field(((struct env *)arg)->vars, name));
}

static void
env_put(struct env *env, const char *name, const char *value, bool secret)
{
    json_set_cstr(env->vars, name, value);
    if (secret)
        json_set_bool(env->secret, name, true);
    else
        json_remove(env->secret, name);
}

static bool
is_env_name(const char *s)
{
    return s[0] != '\0' && strchr(s, '=') == NULL;
}

static enum rc
env_add_from(struct ctx *cx, struct env *env, const struct json *from, struct pod_trouble *why,
             struct err *e)
{
    const struct json *secret = json_field(from, "secretRef"),
                      *ref = secret != NULL ? secret : json_field(from, "configMapRef");
    struct pod_source source =
        pod_source(env->pod, secret != NULL ? &KUBE_SECRET : &KUBE_CONFIG_MAP, ref, "name");
    const char *prefix = json_text_or(json_field(from, "prefix"), "");
    CLEANUP(json_free_ptr) struct json *data = NULL;

    if (ref == NULL)
        return RC_OK;
    if (pod_source_data(cx, env->r, source, &data, why, e))
        return err_code(e);
    for (struct json_item it = json_first(data); it.key != NULL; it = json_next(data, it)) {
        CLEANUP(mem_free_ptr) char *name = mem_printf("%s%s", prefix, it.key);
        if (is_env_name(name) && json_text(it.value) != NULL)
            env_put(env, name, json_text(it.value), secret != NULL);
    }
    return RC_OK;
}

static char *
env_resource_field(const struct json *container, const struct json *ref)
{
    const char *path = json_text_or(json_field(ref, "resource"), "");
    const char *dot = strchr(path, '.'), *amount;
    int64_t divisor = quantity_parse(json_text_or(json_field(ref, "divisor"), "1"));
    double n;

    if (dot == NULL)
        return mem_strdup("0");
    CLEANUP(mem_free_ptr) char *list = mem_strndup(path, (size_t)(dot - path));
    amount = json_text_or(json_dig(container, "resources", list, dot + 1), "");
    n = (double)quantity_parse(amount);
    if (n <= 0) /* the whole machine */
        n = strcmp(dot + 1, "cpu") == 0
                ? (double)sysconf(_SC_NPROCESSORS_ONLN)
                : (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    return mem_printf("%.0f", n / (double)MAX(divisor, 1));
}

/* The value of one key. `*value` NULL: optional and not there. */
static enum rc
env_value_of_key(struct ctx *cx, struct node *r, struct pod_source from, const char *key,
                 char **value, struct pod_trouble *why, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *data = NULL;

    *value = NULL;
    if (pod_source_data(cx, r, from, &data, why, e))
        return err_code(e);
    if (json_text(json_field(data, key)) != NULL)
        *value = mem_strdup(json_text(json_field(data, key)));
    else if (!from.optional)
        return pod_trouble(why, e, POD_CONFIG_ERROR, "couldn't find key %s in %s %s/%s", key,
                           from.kind->kind, from.ns, from.name);
    return RC_OK;
}

/* A value that is kept elsewhere. `*value` NULL: optional and not there. */
static enum rc
env_value_from(struct ctx *cx, const struct env *env, const struct json *from, char **value,
               struct pod_trouble *why, struct err *e)
{
    const struct json *secret = json_field(from, "secretKeyRef"),
                      *ref = secret != NULL ? secret : json_field(from, "configMapKeyRef");
    struct pod_source source =
        pod_source(env->pod, secret != NULL ? &KUBE_SECRET : &KUBE_CONFIG_MAP, ref, "name");
    const char *path = json_text(json_dig(from, "fieldRef", "fieldPath"));

    if (path != NULL) {
        *value = pod_field(env->r, env->pod, path);
        if (*value == NULL)
            return pod_trouble(why, e, POD_CONFIG_ERROR, "unsupported fieldPath: %s", path);
        return RC_OK;
    }
    if (json_field(from, "resourceFieldRef") != NULL) {
        *value = env_resource_field(env->container, json_field(from, "resourceFieldRef"));
        return RC_OK;
    }
    if (ref == NULL)
        return pod_trouble(why, e, POD_CONFIG_ERROR, "an env.valueFrom of an unknown kind");
    return env_value_of_key(cx, env->r, source, json_text_or(json_field(ref, "key"), ""), value,
                            why, e);
}

static void
env_put_own(struct env *env)
{
    static const char *const passed[] = {"PATH",
                                         "HOME",
                                         "TZ",
                                         "LANG",
                                         "CSTASH_TEST_FAST_KDF",
                                         "ASAN_OPTIONS",
                                         "TSAN_OPTIONS",
                                         "UBSAN_OPTIONS",
                                         "LSAN_OPTIONS"};

    for (size_t i = 0; i < ARRAY_LEN(passed); i++)
        if (getenv(passed[i]) != NULL)
            env_put(env, passed[i], getenv(passed[i]), false);
    if (json_field(env->vars, "PATH") == NULL)
        env_put(env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", false);
    env_put(env, "KUBECONFIG", env->r->kubeconfig, false);
}

static enum rc
env_make(struct ctx *cx, struct env *env, struct pod_trouble *why, struct err *e)
{
    const struct json *from = json_field(env->container, "envFrom"),
                      *list = json_field(env->container, "env");

    env_put_own(env);
    env_put(env, "HOSTNAME", kube_name(env->pod), false);
    for (size_t i = 0; i < json_size(from); i++)
        if (env_add_from(cx, env, json_elem(from, i), why, e))
            return err_code(e);
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *one = json_elem(list, i), *source = json_field(one, "valueFrom");
        const char *name = json_text_or(json_field(one, "name"), "");
        CLEANUP(mem_free_ptr) char *value = NULL;
        if (source == NULL)
            value = expand_vars(json_text_or(json_field(one, "value"), ""), env_look_up, env);
        else if (env_value_from(cx, env, source, &value, why, e))
            return err_code(e);
        if (value != NULL && is_env_name(name))
            env_put(env, name, value, json_field(source, "secretKeyRef") != NULL);
    }
    return RC_OK;
}

/* ---- the program ---- */

/* The last part of "registry/path/name:tag@digest"; the caller frees. */
static char *
image_base(const char *image)
{
    const char *slash = strrchr(image, '/'), *base = slash != NULL ? slash + 1 : image;

    return mem_strndup(base, strcspn(base, ":@"));
}

static bool
is_our_image(struct node *r, const char *image)
{
    CLEANUP(mem_free_ptr) char *base = image_base(image);

    return image[0] != '/' && (strcmp(base, "cstash") == 0 ||
                               (r->opts->image != NULL && strcmp(image, r->opts->image) == 0));
}

/* In $PATH of the container, as execvp does. The caller frees; the name itself if there is none. */
static char *
program_find(const char *name, const char *path)
{
    if (strchr(name, '/') != NULL)
        return mem_strdup(name);
    for (;;) {
        size_t n = strcspn(path, ":");
        char *full = mem_printf("%.*s/%s", (int)n, path, name);
        if (access(full, X_OK) == 0)
            return full;
        mem_free(full);
        if (path[n] == '\0')
            return mem_strdup(name);
        path += n + 1;
    }
}

static enum rc
program_choose(const struct env *env, struct json *argv, char **program, struct pod_trouble *why,
               struct err *e)
{
    const char *image = json_text_or(json_field(env->container, "image"), "");
    const char *first = json_text(json_elem(argv, 0)), *slash;
    bool ours = is_our_image(env->r, image),
         command = json_size(json_field(env->container, "command")) > 0;

    if (!ours && image[0] != '/')
        return pod_trouble(why, e, "ErrImageNeverPull",
                           "the plane runs only programs of this machine: image \"%s\" is neither "
                           "cstash nor an absolute path",
                           image);
    if (!command) {
        json_insert_at(argv, 0, json_new_cstr(ours ? "cstash" : image));
        *program = mem_strdup(ours ? env->r->program : image);
        return RC_OK;
    }
    slash = strrchr(first, '/');
    if (ours && strcmp(slash != NULL ? slash + 1 : first, "cstash") == 0)
        *program = mem_strdup(env->r->program);
    else
        *program = program_find(first, json_text_or(json_field(env->vars, "PATH"), ""));
    return RC_OK;
}

static void
spec_add_words(struct json *argv, const struct json *words, struct env *env,
               const struct container_mounts *m)
{
    for (size_t i = 0; i < json_size(words); i++) {
        CLEANUP(mem_free_ptr)
        char *plain = expand_vars(json_text_or(json_elem(words, i), ""), env_look_up, env);
        CLEANUP(mem_free_ptr) char *real = map_mount_paths(plain, m->all, m->n);
        json_push_cstr(argv, real);
    }
}

static void
env_map_paths(struct env *env, const struct container_mounts *m)
{
    struct json *mapped = json_new_object();

    for (struct json_item it = json_first(env->vars); it.key != NULL;
         it = json_next(env->vars, it)) {
        const char *value = json_text_or(it.value, "");
        CLEANUP(mem_free_ptr) char *real = map_mount_paths(value, m->all, m->n);
        bool secret = json_is_true(json_field(env->secret, it.key));
        json_set_cstr(mapped, it.key, secret ? value : real);
    }
    json_free(env->vars);
    env->vars = mapped;
}

static void
spec_add_env(struct json *spec, const struct env *env)
{
    struct json *list = json_need_array(spec, "env");

    for (struct json_item it = json_first(env->vars); it.key != NULL;
         it = json_next(env->vars, it)) {
        CLEANUP(mem_free_ptr) char *one = mem_printf("%s=%s", it.key, json_text_or(it.value, ""));
        json_push_cstr(list, one);
    }
}

static void
spec_add_rest(struct node *r, const struct json *pod, const struct json *container,
              const struct container_mounts *m, struct json *spec)
{
    const char *name = json_text_or(json_field(container, "name"), ""),
               *cwd = json_text(json_field(container, "workingDir"));
    char *log = plane_log_path(r->plane, kube_uid(pod), name, false),
         *previous = plane_log_path(r->plane, kube_uid(pod), name, true),
         *group = mem_printf("%s-%s", kube_uid(pod), name), *own = pod_dir(r, kube_uid(pod)),
         *real = cwd != NULL ? map_mount_paths(cwd, m->all, m->n) : mem_strdup(own);

    json_set_cstr(spec, "cwd", real);
    json_set_cstr(spec, "log", log);
    json_set_cstr(spec, "previous", previous);
    json_set_int(spec, "logMax", r->opts->log_max > 0 ? r->opts->log_max : LOG_DEFAULT);
    json_set_cstr(spec, "cgroup", group);
    json_set_int(
        spec, "memoryMax",
        quantity_parse(json_text_or(json_dig(container, "resources", "limits", "memory"), "")));
    json_set_bool(spec, "tail",
                  strcmp(json_text_or(json_field(container, "terminationMessagePolicy"), ""),
                         "FallbackToLogsOnError") == 0);
    mem_free(log);
    mem_free(previous);
    mem_free(group);
    mem_free(own);
    mem_free(real);
}

enum rc
container_spec(struct ctx *cx, struct node *r, const struct json *pod, const struct json *container,
               struct json **out, struct pod_trouble *why, struct err *e)
{
    struct env env = {.r = r,
                      .pod = pod,
                      .container = container,
                      .vars = json_new_object(),
                      .secret = json_new_object()};
    struct container_mounts m = {.n = 0};
    struct json *spec = json_new_object(), *argv = json_need_array(spec, "argv");
    char *program = NULL, *config = NULL;
    enum rc rc = container_mounts(r, pod, container, &m, why, e);

    if (rc == RC_OK)
        rc = env_make(cx, &env, why, e);
    if (rc == RC_OK) {
        spec_add_words(argv, json_field(container, "command"), &env, &m);
        spec_add_words(argv, json_field(container, "args"), &env, &m);
        env_map_paths(&env, &m);
        rc = program_choose(&env, argv, &program, why, e);
    }
    if (rc == RC_OK)
        rc = container_user(r, pod, container, &m, spec, &config, e);
    if (rc == RC_OK) {
        if (config != NULL)
            env_put(&env, "KUBECONFIG", config, false);
        json_set_cstr(spec, "program", program);
        spec_add_env(spec, &env);
        spec_add_rest(r, pod, container, &m, spec);
        *out = TAKE(spec);
    }
    mem_free(program);
    mem_free(config);
    container_mounts_release(&m);
    json_free(env.vars);
    json_free(env.secret);
    json_free(spec);
    return rc;
}
