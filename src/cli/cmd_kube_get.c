/* SPDX-License-Identifier: Apache-2.0 */
/* cstash get: objects of a cluster as tables, documents, names or templates; once or as they
 * change. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/cluster.h"
#include "cli/jsonpath.h"
#include "cli/print.h"
#include "kube/object.h"
#include "kube/watch.h"

enum { PAGE = 500, LINE_BYTES = 64 * 1024 * 1024, PATH_MAX_BYTES = 64 * 1024 };

#define AS_TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

enum form { FORM_TABLE, FORM_WIDE, FORM_NAME, FORM_JSON, FORM_YAML, FORM_PATH };

struct output {
    enum form form;
    const char *path; /* of jsonpath */
};

struct get_args {
    struct app_opts app;
    struct output output;
    bool no_headers, show_labels, ignore_not_found, watch;
    struct object_choice objects;
    struct cluster_access cluster;
};

static enum rc
get_output(const struct opt *o, const char *text, void *to, struct err *e)
{
    /* In the order of the enum, but for the first. */
    static const char *const words[] = {"wide", "name", "json", "yaml", NULL};
    struct output *out = to;
    int word;

    (void)o;
    *out = (struct output){.form = FORM_TABLE};
    if (text == NULL)
        return RC_OK;
    if (strncmp(text, "jsonpath=", 9) == 0) {
        *out = (struct output){.form = FORM_PATH, .path = text + 9};
        return RC_OK;
    }
    word = app_word(text, words);
    if (word < 0)
        return err_set(e, RC_USAGE,
                       "unable to match a printer suitable for the output format \"%s\", allowed "
                       "formats are: json,jsonpath,name,wide,yaml",
                       text);
    out->form = (enum form)(FORM_WIDE + word);
    return RC_OK;
}
static const char *const output_words[] = {"json", "yaml", "wide", "name", "jsonpath=", NULL};
static const struct opt_type output_type = {
    .value = "json|yaml|wide|name|jsonpath=TEMPLATE", .words = output_words, .parse = get_output};

static const struct opt opts_get[] = {
    {"output", 'o', OPT_OWN(output_type, struct get_args, output, struct output, NULL), NULL,
     "output format"},
    {"no-headers", 0, OPT_BOOL(struct get_args, no_headers), NULL, "omit headers"},
    {"show-labels", 0, OPT_BOOL(struct get_args, show_labels), NULL, "show labels as a column"},
    {"ignore-not-found", 0, OPT_BOOL(struct get_args, ignore_not_found), NULL,
     "ignore missing objects"},
    {"watch", 'w', OPT_BOOL(struct get_args, watch), NULL, "watch for changes until interrupted"},
    {.name = NULL},
};
static const struct opt_group groups[] = {
    {opts_get, 0},
    GROUPS_OBJECTS(struct get_args, objects),
    {opts_cluster_access, offsetof(struct get_args, cluster)},
    {opts_json, 0},
    {opts_app, 0},
    {.table = NULL},
};

struct getting {
    struct cluster_client c;
    const struct get_args *a;
    enum form form;
    const char *fields; /* selector */
    bool single;        /* one object is meant, though it is asked for as a list */
    struct print_table table;
    const struct resource *last; /* whose table is open */
    struct json *columns;        /* of that table, for a watch */
    char *version;               /* that a watch begins at */
    struct buf out;
    size_t printed; /* bytes of tables */
};

/* What to ask for: one object, or all that the selectors leave. */
struct query {
    const struct resource *res;
    const char *ns, *name;
};

static void
query_path(const struct getting *g, const struct query *q, const char *token, struct buf *path)
{
    kube_path(path, &q->res->kind, q->ns, q->name, NULL);
    if (q->name != NULL)
        return;
    kube_query(path, "labelSelector", g->a->objects.selector);
    kube_query(path, "fieldSelector", g->fields);
    kube_query(path, "limit", "500");
    kube_query(path, "continue", token);
}

static enum rc
ask_table(struct getting *g, const struct query *q, const char *token, struct json **out,
          struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(PATH_MAX_BYTES);
    CLEANUP(buf_release) struct buf body = BUF_INIT(PRINT_MAX);

    query_path(g, q, token, &path);
    if (buf_whole(&path, "the address of a request", e) ||
        kube_raw(g->c.cx, g->c.k, &(struct kube_raw){.path = buf_c(&path), .accept = AS_TABLE},
                 &body, e))
        return err_code(e);
    return json_parse(buf_str(&body), out, e);
}

/* A table of another type begins: a blank line before it, and columns of its own. */
static void
begin_table(struct getting *g, const struct resource *res)
{
    if (g->last == res)
        return;
    g->last = res;
    g->table =
        (struct print_table){.with_namespace = g->a->objects.all_namespaces && res->kind.namespaced,
                             .wide = g->form == FORM_WIDE,
                             .no_headers = g->a->no_headers,
                             .show_labels = g->a->show_labels};
    json_free(TAKE(g->columns));
}

static enum rc
print_rows(struct getting *g, const struct resource *res, const struct json *table, bool prefixed,
           struct err *e)
{
    bool fresh = g->last != res;

    begin_table(g, res);
    if (print_table(&g->table, table, prefixed ? res->kind_group : NULL, &g->out) == 0)
        return RC_OK;
    if (fresh && g->printed > 0 && !g->a->no_headers && putchar('\n') == EOF)
        return err_set(e, RC_IO, "could not write to the standard output");
    g->printed += g->out.n;
    return cluster_print(&g->out, e);
}

static enum rc
get_table(struct getting *g, const struct query *q, bool prefixed, struct err *e)
{
    CLEANUP(mem_free_ptr) char *token = NULL;

    for (;;) {
        CLEANUP(json_free_ptr) struct json *t = NULL;
        const char *more;
        if (ask_table(g, q, token, &t, e) || print_rows(g, q->res, t, prefixed, e))
            return err_code(e);
        more = json_text_or(json_dig(t, "metadata", "continue"), "");
        mem_free(g->version);
        g->version = mem_strdup(json_text_or(json_dig(t, "metadata", "resourceVersion"), ""));
        if (g->columns == NULL)
            g->columns = json_ref(json_field(t, "columnDefinitions"));
        mem_free(TAKE(token));
        if (more[0] == '\0')
            return RC_OK;
        token = mem_strdup(more);
    }
}

/* Append what is asked for to `items`. */
static enum rc
get_objects(struct getting *g, const struct query *q, struct json *items, struct err *e)
{
    struct kube_list_opts o = {.kind = &q->res->kind,
                               .ns = q->ns,
                               .label_selector = g->a->objects.selector,
                               .field_selector = g->fields};
    CLEANUP(json_free_ptr) struct json *found = NULL;

    if (q->name != NULL) {
        if (kube_get(g->c.cx, g->c.k, &q->res->kind, q->ns, q->name, &found, e))
            return err_code(e);
        json_push(items, TAKE(found));
        return RC_OK;
    }
    mem_free(TAKE(g->version));
    if (kube_list(g->c.cx, g->c.k, &o, &found, &g->version, e))
        return err_code(e);
    for (size_t i = 0; i < json_size(found); i++)
        json_push(items, json_ref(json_elem(found, i)));
    return RC_OK;
}

static enum rc
print_object(struct getting *g, const struct json *obj, struct err *e)
{
    if (g->form == FORM_JSON)
        return print_json(obj, &g->out, e);
    if (g->form == FORM_YAML)
        return print_yaml(obj, &g->out, e);
    return jsonpath_print(g->a->output.path, obj, &g->out, e);
}

static void
print_names(struct getting *g, const struct resource *res, const struct json *items, size_t from)
{
    for (size_t i = from; i < json_size(items); i++)
        buf_must_printf(&g->out, "%s/%s\n", res->kind_group, kube_name(json_elem(items, i)));
}

static enum rc
print_documents(struct getting *g, struct json *items, bool single, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *list = NULL;

    if (single)
        return json_size(items) == 0 ? RC_OK : print_object(g, json_elem(items, 0), e);
    list = json_new_object();
    json_set_cstr(list, "apiVersion", "v1");
    json_set_cstr(list, "kind", "List");
    json_set(list, "items", json_ref(items));
    json_set_cstr(json_need_object(list, "metadata"), "resourceVersion", "");
    return print_object(g, list, e);
}

static void
tell_empty(const struct getting *g, const struct query *q, size_t n)
{
    bool namespaced = !g->a->objects.all_namespaces;

    for (size_t i = 0; i < n; i++)
        namespaced = namespaced && q[i].res->kind.namespaced;
    if (namespaced)
        log_info("No resources found in %s namespace.", g->c.ns);
    else
        log_info("No resources found");
}

static enum rc
get_once(struct getting *g, const struct query *q, size_t n, bool prefixed, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *items = json_new_array();
    bool table = g->form <= FORM_WIDE;

    for (size_t i = 0; i < n; i++) {
        struct err why = ERR_INIT;
        size_t before = json_size(items);
        enum rc rc =
            table ? get_table(g, &q[i], prefixed, &why) : get_objects(g, &q[i], items, &why);
        if (rc == RC_CANCELLED) {
            *e = why;
            return rc;
        }
        if (rc != RC_OK && !(rc == RC_NOT_FOUND && g->a->ignore_not_found && q[i].name != NULL))
            cluster_tell(&g->c, &why);
        if (g->form == FORM_NAME)
            print_names(g, q[i].res, items, before);
    }
    if (g->form > FORM_NAME && !(g->c.failed > 0 && json_size(items) == 0) &&
        print_documents(g, items, g->single || (n == 1 && q[0].name != NULL), e))
        return err_code(e);
    if (table && g->printed == 0 && g->c.failed == 0 && !g->a->ignore_not_found)
        tell_empty(g, q, n);
    return cluster_print(&g->out, e);
}

/* One event of a watch of tables. */
static enum rc
print_event(struct getting *g, const struct query *q, struct str line, struct err *e)
{
    CLEANUP(json_free_ptr) struct json *ev = NULL;
    struct json *obj;

    if (json_parse(line, &ev, e))
        return err_code(e);
    obj = json_field(ev, "object");
    if (strcmp(json_text_or(json_field(ev, "type"), ""), "ERROR") == 0)
        return kube_status_error(e, (int)json_int_or(json_field(obj, "code"), 500), 0, obj);
    if (strcmp(json_text_or(json_field(ev, "type"), ""), "BOOKMARK") == 0)
        return RC_OK;
    if (json_size(json_field(obj, "columnDefinitions")) == 0 && json_field(obj, "rows") != NULL)
        json_set(obj, "columnDefinitions", json_ref(g->columns));
    return print_rows(g, q->res, obj, false, e);
}

static enum rc
watch_lines(struct getting *g, const struct query *q, struct rd *rd, struct err *e)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(LINE_BYTES);

    for (;;) {
        uint8_t some[16 * 1024];
        size_t got = 0, start = 0;
        if (rd_read(rd, some, sizeof(some), &got, e))
            return err_code(e);
        if (got == 0)
            return RC_OK;
        for (size_t i = 0; i < got; i++) {
            if (some[i] != '\n')
                continue;
            if (buf_add(&line, some + start, i - start, e) ||
                (line.n > 0 && print_event(g, q, buf_str(&line), e)))
                return err_code(e);
            buf_reset(&line);
            start = i + 1;
        }
        if (buf_add(&line, some + start, got - start, e))
            return err_code(e);
    }
}

static enum rc
watch_table(struct getting *g, const struct query *q, struct err *e)
{
    CLEANUP(buf_release) struct buf path = BUF_INIT(PATH_MAX_BYTES);
    struct kube_stream *s = NULL;
    enum rc rc;

    kube_path(&path, &q->res->kind, q->ns, NULL, NULL);
    kube_query(&path, "labelSelector", g->a->objects.selector);
    kube_query(&path, "fieldSelector", g->fields);
    kube_query(&path, "resourceVersion", g->version);
    kube_query(&path, "watch", "true");
    if (buf_whole(&path, "the address of a request", e) ||
        kube_open_as(g->c.cx, g->c.k, buf_c(&path), AS_TABLE, &s, e))
        return err_code(e);
    rc = watch_lines(g, q, &s->rd, e);
    kube_close(g->c.k, s);
    return rc;
}

static enum rc
watch_objects(struct getting *g, const struct query *q, struct err *e)
{
    struct kube_watch_opts o = {.label_selector = g->a->objects.selector,
                                .field_selector = g->fields,
                                .resource_version = g->version};
    enum kube_event_type type = KUBE_BOOKMARK;
    struct kube_watch *w = NULL;
    enum rc rc;

    if (kube_watch_open(g->c.cx, g->c.k, &q->res->kind, q->ns, &o, &w, e))
        return err_code(e);
    while ((rc = kube_watch_next(w, &type, &g->columns, e)) == RC_OK && type != KUBE_END) {
        struct json *obj = TAKE(g->columns);
        if (type == KUBE_BOOKMARK) {
            json_free(obj);
            continue;
        }
        if (g->form == FORM_NAME)
            buf_must_printf(&g->out, "%s/%s\n", q->res->kind_group, kube_name(obj));
        else if (g->form == FORM_YAML)
            buf_must_printf(&g->out, "---\n");
        rc = g->form == FORM_NAME ? RC_OK : print_object(g, obj, e);
        json_free(obj);
        if (rc != RC_OK || (rc = cluster_print(&g->out, e)) != RC_OK)
            break;
    }
    kube_watch_close(w);
    return rc;
}

static enum rc
get_and_watch(struct getting *g, const struct query *q, size_t n, struct err *e)
{
    CLEANUP(mem_free_ptr) char *own = NULL;
    struct query all = q[0];

    if (n != 1)
        return err_set(e, RC_INVALID, "you may only specify a single resource type to watch");
    if (all.name != NULL) { /* as a list of one, which has a version to go on from */
        if (kube_get(g->c.cx, g->c.k, &all.res->kind, all.ns, all.name, NULL, e)) {
            cluster_tell(&g->c, e);
            return cluster_outcome(&g->c, e);
        }
        own = mem_printf("metadata.name=%s", all.name);
        g->fields = own;
        g->single = true;
        all.name = NULL;
    }
    if (get_once(g, &all, 1, false, e) || cluster_outcome(&g->c, e))
        return err_code(e);
    return g->form <= FORM_WIDE ? watch_table(g, &all, e) : watch_objects(g, &all, e);
}

static struct query *
make_queries(struct getting *g, const struct targets *t, const struct cluster_objects *files,
             size_t *n)
{
    struct query *q = (struct query *)mem_zero(t->n + files->n + 1, sizeof(*q));

    for (size_t i = 0; i < t->n; i++)
        q[(*n)++] = (struct query){t->v[i].res, cluster_ns(&g->c, t->v[i].res), t->v[i].name};
    for (size_t i = 0; i < files->n; i++)
        if (files->v[i].res != NULL)
            q[(*n)++] = (struct query){files->v[i].res, files->v[i].ns, files->v[i].name};
    return q;
}

static enum rc
kube_get_all(struct getting *g, struct err *e)
{
    CLEANUP(cluster_objects_release) struct cluster_objects files = {.v = NULL};
    CLEANUP(targets_release) struct targets t = {.v = NULL};
    CLEANUP(mem_free_ptr) struct query *q = NULL;
    bool several = false;
    size_t n = 0;

    if (g->a->objects.files.n > 0) {
        if (cluster_files(&g->c, &g->a->objects.files, &files, e))
            return err_code(e);
    } else if (targets_parse(&g->c.known, g->a->app.words.v, g->a->app.words.n, &t, e)) {
        return err_code(e);
    }
    q = make_queries(g, &t, &files, &n);
    for (size_t i = 0; i < n; i++) {
        several = several || q[i].res != q[0].res;
        if (q[i].name != NULL && g->c.all && q[i].res->kind.namespaced &&
            g->a->objects.files.n == 0)
            return err_set(e, RC_INVALID,
                           "a resource cannot be retrieved by name across all namespaces");
    }
    if (g->a->watch)
        return get_and_watch(g, q, n, e);
    if (get_once(g, q, n, several, e))
        return err_code(e);
    return cluster_outcome(&g->c, e);
}

static enum rc
kube_get_main(struct ctx *cx, const void *args, struct err *e)
{
    const struct get_args *a = args;
    struct getting g = {.a = a,
                        .form = a->output.form,
                        .fields = a->objects.field_selector,
                        .out = BUF_INIT(PRINT_MAX)};
    enum rc rc;

    if (g.form == FORM_TABLE && a->app.json)
        g.form = FORM_JSON;
    rc = cluster_open(cx, &a->cluster, a->objects.all_namespaces, &g.c, e);
    if (rc == RC_OK)
        rc = kube_get_all(&g, e);
    json_free(g.columns);
    mem_free(g.version);
    buf_release(&g.out);
    cluster_close(&g.c);
    return rc;
}

const struct command cmd_get = {.name = "get",
                                .usage = "TYPE [NAME...] | TYPE/NAME...",
                                .summary = "list objects",
                                .groups = groups,
                                .size = sizeof(struct get_args),
                                .words_max = OPT_LIST_MAX,
                                .of_snapshots = &cmd_get_key,
                                .run = kube_get_main};
