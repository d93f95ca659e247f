/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/cluster.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/documents.h"
#include "cli/print.h"
#include "kube/config.h"
#include "kube/object.h"

/* Of kubectl, and not taken here: `value` says what to do. The value itself may be a secret. */
static enum rc
cluster_refuse(const struct opt *o, const char *text, void *to, struct err *e)
{
    (void)to;
    return text == NULL ? RC_OK : err_set(e, RC_USAGE, "not taken here: %s", o->value);
}

static const struct opt_type opt_refused = {
    .value = "TEXT", .may_be_empty = true, .is_ignored = true, .parse = cluster_refuse};
#define REFUSED(name, say)                                                                         \
    {                                                                                              \
        name, 0, {.type = &opt_refused}, say, NULL                                                 \
    }
#define IGNORED(name, what)                                                                        \
    {                                                                                              \
        name, 0, what, NULL, NULL                                                                  \
    }
#define VISIBLE                                                                                    \
    "others would see it in the list of processes; name a user of the kubeconfig, which may hold " \
    "it, by --user"

const struct opt opts_cluster_access[] = {
    {"kubeconfig", 0, OPT_FILE_OR_NONE(struct cluster_access, kubeconfig), NULL,
     "kubeconfig file [$KUBECONFIG, ~/.kube/config, that of cstash up]"},
    {"context", 0, OPT_TEXT_OR_NONE(struct cluster_access, context), "NAME",
     "context of the kubeconfig"},
    {"namespace", 'n', OPT_TEXT_OR_NONE(struct cluster_access, ns), "NAMESPACE",
     "namespace [that of the context]"},
    {"cluster", 0, OPT_TEXT_OR_NONE(struct cluster_access, cluster), "NAME",
     "cluster of the kubeconfig [that of the context]"},
    {"user", 0, OPT_TEXT_OR_NONE(struct cluster_access, user), "NAME",
     "user of the kubeconfig [that of the context]"},
    {"server", 's', OPT_TEXT_OR_NONE(struct cluster_access, server), "URL",
     "address of the API server [that of the cluster]"},
    {"as", 0, OPT_TEXT_OR_NONE(struct cluster_access, as), "USER", "act as this user"},
    {"as-group", 0, OPT_LIST_OR_NONE(struct cluster_access, as_groups), "GROUP",
     "group of that user (repeatable)"},
    {"as-uid", 0, OPT_TEXT_OR_NONE(struct cluster_access, as_uid), "UID", "uid of that user"},
    {"request-timeout", 0, OPT_MS_OR_NONE(struct cluster_access, timeout_ms, NULL), NULL,
     "limit of each request, such as 5s or 5m; 0: half a minute"},
    {"certificate-authority", 0, OPT_FILE_OR_NONE(struct cluster_access, ca_file), NULL,
     "CA certificates of the API server [those of the cluster]"},
    {"tls-server-name", 0, OPT_TEXT_OR_NONE(struct cluster_access, server_name), "NAME",
     "name that the API server's certificate must have"},
    {"insecure-skip-tls-verify", 0, OPT_BOOL(struct cluster_access, insecure), NULL,
     "do not verify the API server's certificate"},
    REFUSED("token", VISIBLE),
    REFUSED("username", VISIBLE),
    REFUSED("password", VISIBLE),
    REFUSED("client-certificate", "name a user of the kubeconfig, with its certificate, by --user"),
    REFUSED("client-key", "name a user of the kubeconfig, with its certificate, by --user"),
    REFUSED("as-user-extra", "of whom to act as only --as, --as-group and --as-uid are sent"),
    IGNORED("cache-dir", OPT_IGNORED),
    IGNORED("match-server-version", OPT_IGNORED_FLAG),
    IGNORED("disable-compression", OPT_IGNORED_FLAG),
    IGNORED("warnings-as-errors", OPT_IGNORED_FLAG),
    IGNORED("logtostderr", OPT_IGNORED_FLAG),
    IGNORED("stderrthreshold", OPT_IGNORED),
    IGNORED("v", OPT_IGNORED),
    {.name = NULL},
};
const struct opt opts_objects[] = {
    {"all-namespaces", 'A', OPT_BOOL(struct object_choice, all_namespaces), NULL,
     "use all namespaces"},
    {"selector", 'l', OPT_TEXT_OR_NONE(struct object_choice, selector), "A=B", "select by labels"},
    {"field-selector", 0, OPT_TEXT_OR_NONE(struct object_choice, field_selector), "A=B",
     "select by fields"},
    {.name = NULL},
};
const struct opt opts_all[] = {
    {"all", 0, OPT_BOOL(struct object_choice, all), NULL, "select all objects of the type"},
    {.name = NULL},
};
const struct opt opts_files[] = {
    {"filename", 'f', OPT_FILES(struct object_choice, files), "FILE|FOLDER|-",
     "file with objects in YAML or JSON (repeatable)"},
    {.name = NULL},
};

/* The kubeconfig of `cstash up`, if there is one; mem_free. */
static char *
own_kubeconfig(void)
{
    CLEANUP(mem_free_ptr) char *dir = app_state_dir();
    char *path;

    if (dir == NULL)
        return NULL;
    path = mem_printf("%s/kubeconfig", dir);
    if (access(path, R_OK) == 0)
        return path;
    mem_free(path);
    return NULL;
}

struct cluster_access
cluster_of_repo(const struct repo_access *a)
{
    return a->cluster != NULL
               ? *a->cluster
               : (struct cluster_access){.kubeconfig = a->kubeconfig, .context = a->context};
}

enum rc
cluster_connect(const struct cluster_access *a, struct kube **k, char **ns, struct err *e)
{
    struct kube_config_opts where = {.kubeconfig = a->kubeconfig,
                                     .context = a->context,
                                     .server = a->server,
                                     .cluster = a->cluster,
                                     .user = a->user,
                                     .server_name = a->server_name,
                                     .ca_file = a->ca_file,
                                     .insecure = a->insecure,
                                     .as = a->as,
                                     .as_uid = a->as_uid,
                                     .as_groups = a->as_groups.v,
                                     .n_as_groups = a->as_groups.n,
                                     .timeout_ms = a->timeout_ms};
    CLEANUP(mem_free_ptr) char *own = NULL;
    struct err first = ERR_INIT;

    if (kube_connect(&where, NULL, k, ns, &first) == RC_OK)
        return RC_OK;
    if (first.code == RC_NOT_FOUND && where.kubeconfig == NULL && getenv("KUBECONFIG") == NULL)
        own = own_kubeconfig();
    if (own == NULL) {
        *e = first;
        return err_code(e);
    }
    where.kubeconfig = own;
    return kube_connect(&where, NULL, k, ns, e);
}

enum rc
cluster_open(struct ctx *cx, const struct cluster_access *a, bool all_namespaces,
             struct cluster_client *c, struct err *e)
{
    CLEANUP(mem_free_ptr) char *ns = NULL;

    c->cx = cx;
    c->all = all_namespaces;
    c->ns_given = a->ns;
    if (cluster_connect(a, &c->k, &ns, e))
        return err_code(e);
    c->ns = a->ns != NULL ? mem_strdup(a->ns) : TAKE(ns);
    return resources_discover(cx, c->k, &c->known, e);
}

void
cluster_close(struct cluster_client *c)
{
    resources_release(&c->known);
    kube_free(c->k);
    mem_free(c->ns);
}

const char *
cluster_ns(const struct cluster_client *c, const struct resource *res)
{
    return c->all || !res->kind.namespaced ? NULL : c->ns;
}

static const char *
reason_of(const struct err *e)
{
    switch (e->sys) {
    case 400:
        return "BadRequest";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "NotFound";
    case 405:
        return "MethodNotAllowed";
    case 409:
        return e->code == RC_EXISTS ? "AlreadyExists" : "Conflict";
    case 410:
        return "Expired";
    case 413:
        return "RequestEntityTooLarge";
    case 415:
        return "UnsupportedMediaType";
    case 422:
        return "Invalid";
    case 429:
        return "TooManyRequests";
    case 503:
        return "ServiceUnavailable";
    default:
        return "InternalError";
    }
}

void
cluster_tell(struct cluster_client *c, const struct err *e)
{
    c->failed++;
    if (log_is_json()) {
        log_err(e);
        return;
    }
    if (e->sys >= 400 && e->sys < 600)
        (void)fprintf(stderr, "Error from server (%s): %s\n", reason_of(e), e->msg);
    else
        (void)fprintf(stderr, "error: %s\n", e->msg);
    if (e->hint[0] != '\0')
        (void)fprintf(stderr, "hint: %s\n", e->hint);
}

enum rc
cluster_outcome(const struct cluster_client *c, struct err *e)
{
    return c->failed == 0 ? RC_OK : err_set(e, RC_INVALID, "%s", "");
}

enum rc
cluster_print(struct buf *out, struct err *e)
{
    if (fwrite(out->p != NULL ? out->p : (const uint8_t *)"", 1, out->n, stdout) != out->n ||
        fflush(stdout) != 0)
        return err_set(e, RC_IO, "could not write to the standard output");
    buf_reset(out);
    return RC_OK;
}

/* The events of an object; none when they cannot be asked for. */
static struct json *
events_of(struct ctx *cx, struct kube *k, const struct json *obj)
{
    CLEANUP(mem_free_ptr)
    char *fields = mem_printf("involvedObject.name=%s,involvedObject.kind=%s%s%s", kube_name(obj),
                              json_text_or(json_field(obj, "kind"), ""),
                              kube_uid(obj) != NULL ? ",involvedObject.uid=" : "",
                              kube_uid(obj) != NULL ? kube_uid(obj) : "");
    struct kube_list_opts o = {.kind = &KUBE_EVENT, .ns = kube_ns(obj), .field_selector = fields};
    struct json *events = NULL;
    struct err ignored = ERR_INIT;

    if (kube_list(cx, k, &o, &events, NULL, &ignored))
        return json_new_array();
    return events;
}

enum rc
cluster_describe(struct ctx *cx, struct kube *k, const struct json *obj, bool with_events,
                 struct err *e)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(PRINT_MAX);
    CLEANUP(json_free_ptr) struct json *events = with_events ? events_of(cx, k, obj) : NULL;

    print_describe(obj, events, &out);
    return cluster_print(&out, e);
}

void
cluster_objects_release(struct cluster_objects *o)
{
    for (size_t i = 0; i < o->n; i++) {
        mem_free(o->v[i].ns);
        mem_free(o->v[i].name);
        mem_free(o->v[i].from);
        json_free(o->v[i].obj);
    }
    mem_free(o->v);
    *o = (struct cluster_objects){.v = NULL};
}

static void
cluster_push(struct cluster_objects *out, const struct resource *res, const char *ns,
             const char *name, const char *from, struct json *take)
{
    out->v = (struct cluster_object *)mem_more(out->v, out->n, sizeof(*out->v));
    out->v[out->n++] = (struct cluster_object){.res = res,
                                               .ns = ns != NULL ? mem_strdup(ns) : NULL,
                                               .name = mem_strdup(name),
                                               .from = from != NULL ? mem_strdup(from) : NULL,
                                               .obj = take};
}

/* The type of an object from a file, asked for again if it may be new. */
static const struct resource *
type_of(const struct cluster_client *c, const struct json *obj)
{
    return resources_of(&c->known, json_text_or(json_field(obj, "apiVersion"), ""),
                        json_text_or(json_field(obj, "kind"), ""));
}

static enum rc
check_document(struct cluster_client *c, const struct document *d, struct err *e)
{
    const char *version = json_text_or(json_field(d->obj, "apiVersion"), "");
    const char *kind = json_text_or(json_field(d->obj, "kind"), "");
    const char *name = kube_name(d->obj), *ns = kube_ns(d->obj);

    if (version[0] == '\0' || kind[0] == '\0')
        return err_set(e, RC_INVALID, "error validating \"%s\": %s not set", d->from,
                       kind[0] == '\0' ? "kind" : "apiVersion");
    if (name == NULL || name[0] == '\0')
        return err_set(e, RC_INVALID, "error when reading \"%s\": the %s has no name", d->from,
                       kind);
    if (ns != NULL && c->ns_given != NULL && strcmp(ns, c->ns_given) != 0)
        return err_set(e, RC_INVALID,
                       "the namespace from the provided object \"%s\" does not match the "
                       "namespace \"%s\". You must pass '--namespace=%s' to perform this "
                       "operation.",
                       ns, c->ns, ns);
    return RC_OK;
}

enum rc
cluster_files(struct cluster_client *c, const struct opt_list *files, struct cluster_objects *out,
              struct err *e)
{
    CLEANUP(documents_release) struct documents docs = {.v = NULL};

    if (documents_read(files, &docs, e))
        return err_code(e);
    for (size_t i = 0; i < docs.n; i++) {
        const struct document *d = &docs.v[i];
        const struct resource *res = type_of(c, d->obj);
        struct err why = ERR_INIT;
        const char *ns;
        if (check_document(c, d, &why)) {
            cluster_tell(c, &why);
            continue;
        }
        ns = res != NULL && !res->kind.namespaced ? NULL
             : kube_ns(d->obj) != NULL            ? kube_ns(d->obj)
                                                  : c->ns;
        cluster_push(out, res, ns, kube_name(d->obj), d->from, json_clone(d->obj));
    }
    return RC_OK;
}

static enum rc
list_target(struct cluster_client *c, const struct object_choice *a, const struct resource *res,
            struct cluster_objects *out, struct err *e)
{
    struct kube_list_opts o = {.kind = &res->kind,
                               .ns = cluster_ns(c, res),
                               .label_selector = a->selector,
                               .field_selector = a->field_selector};
    CLEANUP(json_free_ptr) struct json *items = NULL;

    if (kube_list(c->cx, c->k, &o, &items, NULL, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(items); i++) {
        struct json *obj = json_elem(items, i);
        cluster_push(out, res, kube_ns(obj), kube_name(obj), NULL, json_ref(obj));
    }
    return RC_OK;
}

static enum rc
named_target(struct cluster_client *c, const struct resource_arg *t, bool fetch,
             struct cluster_objects *out, struct err *e)
{
    const char *ns = t->res->kind.namespaced ? c->ns : NULL;
    struct json *obj = NULL;

    if (c->all && t->res->kind.namespaced)
        return err_set(e, RC_INVALID,
                       "a resource cannot be retrieved by name across all namespaces");
    if (fetch && kube_get(c->cx, c->k, &t->res->kind, ns, t->name, &obj, e))
        return err_code(e);
    cluster_push(out, t->res, ns, t->name, NULL, obj);
    return RC_OK;
}

enum rc
cluster_objects(struct cluster_client *c, const struct object_choice *a,
                const struct opt_list *words, bool fetch, struct cluster_objects *out,
                struct err *e)
{
    CLEANUP(targets_release) struct targets t = {.v = NULL};
    bool select = a->selector != NULL || a->field_selector != NULL || a->all;

    if (a->files.n > 0)
        return cluster_files(c, &a->files, out, e);
    if (targets_parse(&c->known, words->v, words->n, &t, e))
        return err_code(e);
    for (size_t i = 0; i < t.n; i++) {
        struct err why = ERR_INIT;
        enum rc rc;
        if (t.v[i].name == NULL && !select)
            return err_set(e, RC_INVALID, "resource(s) were provided, but no name was specified");
        if (t.v[i].name != NULL && select)
            return err_set(e, RC_INVALID, "name cannot be provided when a selector is specified");
        rc = t.v[i].name == NULL ? list_target(c, a, t.v[i].res, out, &why)
                                 : named_target(c, &t.v[i], fetch, out, &why);
        if (rc == RC_CANCELLED) {
            *e = why;
            return rc;
        }
        if (rc != RC_OK)
            cluster_tell(c, &why);
    }
    return RC_OK;
}
