/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/config.h"

#include <unistd.h>

#include "base/b64.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/secret.h"
#include "json/yaml.h"
#include "kube/config_internal.h"

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

void
kube_config_free(struct kube_config *c)
{
    if (c == NULL)
        return;
    mem_free(c->server);
    mem_free(c->ns);
    mem_free(c->context);
    mem_free(c->ca);
    mem_free(c->cert);
    secret_free_text(c->key);
    secret_free_text(c->token);
    mem_free(c->token_file);
    mem_free(c->user);
    secret_free_text(c->password);
    mem_free(c->server_name);
    mem_free(c->proxy);
    mem_free(c->exec_dir);
    for (size_t i = 0; c->as != NULL && c->as[i] != NULL; i++)
        mem_free(c->as[i]);
    mem_free(c->as);
    json_free(c->exec);
    json_free(c->cluster);
    mem_free(c);
}

const char *
kube_config_server(const struct kube_config *c)
{
    return c->server;
}

const char *
kube_config_namespace(const struct kube_config *c)
{
    return c->ns != NULL ? c->ns : "default";
}

const char *
kube_config_context(const struct kube_config *c)
{
    return c->context != NULL ? c->context : "";
}

bool
kube_config_is_in_cluster(const struct kube_config *c)
{
    return c->in_cluster;
}

static const char *
config_env(const char *name)
{
    const char *v = getenv(name); /* NOLINT(concurrency-mt-unsafe): nobody changes it */

    return v != NULL && v[0] != '\0' ? v : NULL;
}

static enum rc
read_text(const char *path, char **out, struct err *e)
{
    CLEANUP(buf_release) struct buf b = BUF_INIT(CONFIG_FILE_MAX);

    if (fs_read_file(path, &b, e))
        return err_code(e);
    *out = mem_strndup(buf_c(&b), b.n);
    return RC_OK;
}

enum rc
kube_read_token(const char *path, char **out, struct err *e)
{
    struct secret s = {.p = NULL};

    if (secret_from_file(path, &s, e))
        return err_wrap(e, "could not read the token");
    *out = mem_strndup(s.n > 0 ? (const char *)s.p : "", s.n);
    secret_release(&s);
    return RC_OK;
}

static char *
config_resolve(const char *dir, const char *path)
{
    return path[0] == '/' ? mem_strdup(path) : mem_printf("%s/%s", dir, path);
}

static const char *const lists[] = {"clusters", "users", "contexts"};

/* The entry called `name`, or NULL. */
static struct json *
config_find(const struct json *list, const char *name)
{
    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "name"), ""), name) == 0)
            return json_elem(list, i);
    return NULL;
}

/* Add what a file names first. Each entry remembers the folder that its paths start from. */
static void
config_merge(struct json *all, const struct json *file, const char *dir)
{
    const char *current = json_text_or(json_field(file, "current-context"), "");

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const struct json *from = json_field(file, lists[i]);
        struct json *to = json_need_array(all, lists[i]);
        for (size_t k = 0; k < json_size(from); k++) {
            const char *name = json_text(json_field(json_elem(from, k), "name"));
            struct json *entry;
            if (name == NULL || config_find(to, name) != NULL)
                continue;
            entry = json_clone(json_elem(from, k));
            json_set_cstr(entry, "dir", dir);
            json_push(to, entry);
        }
    }
    if (current[0] != '\0' && json_field(all, "current-context") == NULL)
        json_set_cstr(all, "current-context", current);
}

static enum rc
merge_text(struct json *all, struct str yaml, const char *dir, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *docs = NULL;

    if (yaml_to_json(yaml, &docs, e))
        return err_code(e);
    if (json_size(docs) > 0 && json_kind_of(json_elem(docs, 0)) != JSON_IS_OBJECT)
        return err_set(e, RC_INVALID, "it is not a kubeconfig");
    config_merge(all, json_elem(docs, 0), dir);
    return RC_OK;
}

static enum rc
merge_file(struct json *all, const char *path, struct err *e)
{
    CLEANUP(buf_release) struct buf b = BUF_INIT(CONFIG_FILE_MAX);
    const char *slash = strrchr(path, '/');
    char *dir;
    enum rc rc = fs_read_file(path, &b, e);

    if (rc != RC_OK)
        return rc;
    dir = slash == NULL ? mem_strdup(".") : mem_strndup(path, MAX((size_t)(slash - path), 1U));
    rc = merge_text(all, buf_str(&b), dir, e);
    mem_free(dir);
    if (b.n > 0)
        mem_wipe(b.p, b.n);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not read %s", path);
}

/* The files of $KUBECONFIG; those that are not there are passed over. */
static enum rc
merge_list(struct json *all, const char *paths, bool *any, struct err *e)
{
    while (*paths != '\0') {
        size_t n = strcspn(paths, ":");
        char *path = mem_strndup(paths, n);
        enum rc rc = n == 0 ? RC_NOT_FOUND : merge_file(all, path, e);
        mem_free(path);
        if (rc != RC_OK && rc != RC_NOT_FOUND)
            return rc;
        *any = *any || rc == RC_OK;
        paths += n + (paths[n] == ':' ? 1 : 0);
    }
    return RC_OK;
}

/* `key`-data, decoded, or the file at `key`; `*out` stays NULL if there is neither. */
static enum rc
get_pem(const struct json *from, const char *dir, const char *key, char **out, struct err *e)
{
    CLEANUP(buf_release) struct buf b = BUF_INIT(CONFIG_FILE_MAX);
    char data_key[64];
    const char *data, *path = json_text_or(json_field(from, key), "");
    char *file;
    enum rc rc;

    (void)snprintf(data_key, sizeof(data_key), "%s-data", key);
    data = json_text_or(json_field(from, data_key), "");
    if (data[0] != '\0') {
        if (b64_decode(str_c(data), &b, e))
            return err_set(e, RC_INVALID, "%s is not base64", data_key);
        *out = mem_strndup(buf_c(&b), b.n);
        mem_wipe(b.p, b.n);
        return RC_OK;
    }
    if (path[0] == '\0')
        return RC_OK;
    file = config_resolve(dir, path);
    rc = read_text(file, out, e);
    mem_free(file);
    return rc == RC_OK ? RC_OK : err_wrap(e, "could not read %s", key);
}

static char *
get_text(const struct json *from, const char *key)
{
    const char *s = json_text_or(json_field(from, key), "");

    return s[0] == '\0' ? NULL : mem_strdup(s);
}

/* What a plug-in may be told of the cluster. */
static struct json *
cluster_info(const struct kube_config *c)
{
    struct json *j = json_new_object();
    struct buf b64 = BUF_INIT(2 * (size_t)CONFIG_FILE_MAX);
    struct err ignored = ERR_INIT;

    json_set_cstr(j, "server", c->server);
    json_set_cstr(j, "tls-server-name", c->server_name);
    json_set_cstr(j, "proxy-url", c->proxy);
    if (c->insecure)
        json_set_bool(j, "insecure-skip-tls-verify", true);
    if (c->ca != NULL && b64_encode(str_c(c->ca), &b64, &ignored) == RC_OK)
        json_set_cstr(j, "certificate-authority-data", buf_c(&b64));
    buf_release(&b64);
    return j;
}

/* What was asked for in place of what the cluster's entry says, as client-go does it. */
static enum rc
take_tls(struct kube_config *c, const struct kube_config_opts *o, struct err *e)
{
    if (o->server != NULL || o->server_name != NULL) {
        mem_free(c->server_name);
        c->server_name = o->server_name != NULL ? mem_strdup(o->server_name) : NULL;
    }
    if (o->insecure || o->ca_file != NULL) {
        mem_free(TAKE(c->ca));
        c->insecure = o->insecure;
    }
    if (o->insecure && o->ca_file != NULL)
        return err_set(e, RC_INVALID,
                       "a server that is not verified needs no file of certificates: leave one of "
                       "the two out");
    return o->ca_file != NULL ? read_text(o->ca_file, &c->ca, e) : RC_OK;
}

static enum rc
take_cluster(struct kube_config *c, const struct json *entry, const struct kube_config_opts *o,
             struct err *e)
{
    const struct json *j = json_field(entry, "cluster");
    const char *dir = json_text_or(json_field(entry, "dir"), ".");
    size_t n;

    c->server = o->server != NULL ? mem_strdup(o->server) : get_text(j, "server");
    if (c->server == NULL ||
        (strncmp(c->server, "https://", 8) != 0 && strncmp(c->server, "http://", 7) != 0))
        return err_set(e, RC_INVALID,
                       "the server of the cluster is not an http:// or https:// URL");
    for (n = strlen(c->server); n > 0 && c->server[n - 1] == '/'; n--)
        c->server[n - 1] = '\0';
    c->server_name = get_text(j, "tls-server-name");
    c->proxy = get_text(j, "proxy-url");
    c->insecure = json_is_true(json_field(j, "insecure-skip-tls-verify"));
    if (get_pem(j, dir, "certificate-authority", &c->ca, e) || take_tls(c, o, e))
        return err_code(e);
    c->cluster = cluster_info(c);
    return RC_OK;
}

static enum rc
take_exec(struct kube_config *c, const struct json *exec, const char *dir, struct err *e)
{
    const char *version = json_text_or(json_field(exec, "apiVersion"), "");

    if (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
        strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)
        return err_set(e, RC_UNSUPPORTED, "the exec plug-in speaks \"%.60s\"", version);
    if (json_text_or(json_field(exec, "command"), "")[0] == '\0')
        return err_set(e, RC_INVALID, "the exec plug-in has no command");
    c->exec = json_clone(exec);
    c->exec_dir = mem_strdup(dir);
    return RC_OK;
}

/* One more line of the header. */
static enum rc
push_as(struct kube_config *c, size_t *n, const char *name, const char *value, struct err *e)
{
    for (const char *p = value; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return err_set(e, RC_INVALID, "who to act as must not hold control characters");
    c->as[(*n)++] = mem_printf("%s: %s", name, value);
    return RC_OK;
}

/* All of the options, or all of the kubeconfig's user: groups alone would be the wrong person's. */
static enum rc
take_as(struct kube_config *c, const struct kube_config_opts *o, const struct json *user,
        struct err *e)
{
    const struct json *groups = json_field(user, "as-groups");
    bool asked = o->as != NULL || o->as_uid != NULL || o->n_as_groups > 0;
    const char *as = asked ? o->as : json_text(json_field(user, "as")),
               *uid = asked ? o->as_uid : json_text(json_field(user, "as-uid"));
    size_t n_groups = asked ? o->n_as_groups : json_size(groups), n = 0;

    if (as == NULL || as[0] == '\0') {
        if (uid == NULL && n_groups == 0)
            return RC_OK;
        (void)err_set(e, RC_INVALID, "groups or a uid to act with need the user that they are of");
        return err_hint(e, "give --as too");
    }
    c->as = (char **)mem_zero(n_groups + 3, sizeof(*c->as));
    if (push_as(c, &n, "Impersonate-User", as, e) ||
        (uid != NULL && push_as(c, &n, "Impersonate-Uid", uid, e)))
        return err_code(e);
    for (size_t i = 0; i < n_groups; i++)
        if (push_as(c, &n, "Impersonate-Group",
                    asked ? o->as_groups[i] : json_text_or(json_elem(groups, i), ""), e))
            return err_code(e);
    return RC_OK;
}

static enum rc
take_user(struct kube_config *c, const struct json *entry, struct err *e)
{
    const struct json *j = json_field(entry, "user");
    const char *dir = json_text_or(json_field(entry, "dir"), ".");
    const char *token_file = json_text_or(json_field(j, "tokenFile"), "");

    if (json_has(j, "auth-provider") || json_has(j, "as-user-extra"))
        return err_set(e, RC_UNSUPPORTED, "auth-provider and as-user-extra are not supported");
    if (get_pem(j, dir, "client-certificate", &c->cert, e) ||
        get_pem(j, dir, "client-key", &c->key, e))
        return err_code(e);
    if ((c->cert == NULL) != (c->key == NULL))
        return err_set(e, RC_INVALID, "a client certificate and its key belong together");
    c->token = get_text(j, "token");
    if (token_file[0] != '\0')
        c->token_file = config_resolve(dir, token_file);
    c->user = get_text(j, "username");
    c->password = get_text(j, "password");
    return json_has(j, "exec") ? take_exec(c, json_field(j, "exec"), dir, e) : RC_OK;
}

/* Choose from what was merged. */
static enum rc
config_choose(const struct json *all, const struct kube_config_opts *o, struct kube_config *c,
              struct err *e)
{
    const char *name =
        o->context != NULL ? o->context : json_text_or(json_field(all, "current-context"), "");
    const struct json *context = config_find(json_field(all, "contexts"), name), *cluster, *user;
    const char *cluster_name, *user_name;

    if (context == NULL && (o->context != NULL || name[0] != '\0' || o->server == NULL)) {
        (void)err_set(e, RC_NOT_FOUND, "the kubeconfig has no context \"%.100s\"", name);
        return err_hint(e, "name one with --context, or set current-context");
    }
    context = json_field(context, "context");
    cluster_name =
        o->cluster != NULL ? o->cluster : json_text_or(json_field(context, "cluster"), "");
    user_name = o->user != NULL ? o->user : json_text_or(json_field(context, "user"), "");
    cluster = config_find(json_field(all, "clusters"), cluster_name);
    user = config_find(json_field(all, "users"), user_name);
    if (cluster == NULL && (o->server == NULL || o->cluster != NULL))
        return err_set(e, RC_NOT_FOUND, "the kubeconfig has no cluster \"%.100s\"", cluster_name);
    if (user == NULL && user_name[0] != '\0')
        return err_set(e, RC_NOT_FOUND, "the kubeconfig has no user \"%.100s\"", user_name);
    if (take_cluster(c, cluster, o, e) || take_user(c, user, e) ||
        take_as(c, o, json_field(user, "user"), e))
        return err_wrap(e, "could not use the context \"%.100s\"", name);
    c->timeout_ms = o->timeout_ms;
    c->context = mem_strdup(name);
    c->ns = get_text(context, "namespace");
    return RC_OK;
}

static const struct kube_config_opts nothing;

static enum rc
from_tree(const struct json *all, const struct kube_config_opts *o, struct kube_config **out,
          struct err *e)
{
    struct kube_config *c = MEM_NEW(struct kube_config);

    if (config_choose(all, o, c, e)) {
        kube_config_free(c);
        return err_code(e);
    }
    *out = c;
    return RC_OK;
}

enum rc
kube_config_parse(struct str yaml, const char *dir, const struct kube_config_opts *o,
                  struct kube_config **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *all = json_new_object();

    if (merge_text(all, yaml, dir, e))
        return err_code(e);
    return from_tree(all, o != NULL ? o : &nothing, out, e);
}

/* Inside of a Pod. */
static enum rc
from_account(const struct kube_config_opts *o, const char *host, const char *port,
             struct kube_config **out, struct err *e)
{
    struct kube_config *c = MEM_NEW(struct kube_config);
    bool v6 = strchr(host, ':') != NULL;
    struct err ignored = ERR_INIT;

    c->in_cluster = true;
    c->server = mem_printf(v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    c->token_file = mem_strdup(ACCOUNT "/token");
    c->timeout_ms = o->timeout_ms;
    if (read_text(ACCOUNT "/ca.crt", &c->ca, e) || take_tls(c, o, e) || take_as(c, o, NULL, e)) {
        kube_config_free(c);
        return err_wrap(e, "could not read the service account");
    }
    if (read_text(ACCOUNT "/namespace", &c->ns, &ignored) == RC_OK)
        c->ns[strcspn(c->ns, " \r\n")] = '\0';
    *out = c;
    return RC_OK;
}

/* ~/.kube/config, if it is there. */
static enum rc
merge_home(struct json *all, bool *any, struct err *e)
{
    const char *home = config_env("HOME");
    char *path;
    enum rc rc;

    if (home == NULL)
        return RC_OK;
    path = mem_printf("%s/.kube/config", home);
    rc = merge_list(all, path, any, e);
    mem_free(path);
    return rc;
}

enum rc
kube_config_load(const struct kube_config_opts *o, struct kube_config **out, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *all = json_new_object();
    const char *host = config_env("KUBERNETES_SERVICE_HOST"),
               *port = config_env("KUBERNETES_SERVICE_PORT");
    bool any = false;

    if (o == NULL)
        o = &nothing;
    if (o->kubeconfig != NULL) {
        if (merge_file(all, o->kubeconfig, e))
            return err_code(e);
        return from_tree(all, o, out, e);
    }
    if (config_env("KUBECONFIG") != NULL && merge_list(all, config_env("KUBECONFIG"), &any, e))
        return err_code(e);
    if (!any && config_env("KUBECONFIG") == NULL && merge_home(all, &any, e))
        return err_code(e);
    if (!any && o->cluster == NULL && o->user == NULL && host != NULL && port != NULL &&
        access(ACCOUNT "/token", R_OK) == 0)
        return from_account(o, host, port, out, e);
    if (any || o->server != NULL)
        return from_tree(all, o, out, e);
    (void)err_set(e, RC_NOT_FOUND, "no Kubernetes API server is configured");
    return err_hint(e, "give --kubeconfig, set KUBECONFIG, or start `cstash up`");
}
