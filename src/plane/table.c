/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/table.h"

#include "api/age.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/core.h"
#include "validation/path.h"

/* Unix seconds of a time as text; 0: none. */
static int64_t
seconds_of(const struct json *time)
{
    struct err e = ERR_INIT;
    struct instant t;

    if (json_text(time) == NULL || instant_parse(json_text_str(time), &t, &e))
        return 0;
    return t.sec;
}

static void
push_age(struct json *cells, const struct json *time)
{
    int64_t at = seconds_of(time);
    char age[24];

    json_push_cstr(cells, at == 0 ? "<unknown>" : age_text(clock_real_ms() / 1000 - at, age));
}

static void
push_created(struct json *cells, const struct json *obj)
{
    push_age(cells, json_dig(obj, "metadata", "creationTimestamp"));
}

static void
push_text(struct json *cells, const struct json *value, const char *otherwise)
{
    json_push_cstr(cells, json_text_or(value, otherwise));
}

static void
word(struct buf *b, const char *w)
{

    buf_putf(b, "%s%s", b->n > 0 ? "," : "", w);
}

static void
push_words(struct json *cells, struct buf *b, const char *otherwise)
{
    json_push_cstr(cells, b->n > 0 ? buf_c(b) : otherwise);
}

/* Names and images of containers. */
static void
push_containers(struct json *cells, const struct json *pod_spec)
{
    static const char *const fields[] = {"name", "image"};

    for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
        CLEANUP(buf_release) struct buf b = BUF_INIT(4096);
        const struct json *list = json_field(pod_spec, "containers");
        for (size_t i = 0; i < json_size(list); i++)
            word(&b, json_text_or(json_field(json_elem(list, i), fields[f]), ""));
        push_words(cells, &b, "<none>");
    }
}

static void
push_labels(struct json *cells, const struct json *labels)
{
    CLEANUP(buf_release) struct buf b = BUF_INIT(4096);

    for (struct json_item it = json_first(labels); it.key != NULL; it = json_next(labels, it)) {
        CLEANUP(mem_free_ptr)
        char *pair = mem_printf("%s=%s", it.key, json_text_or(it.value, ""));
        word(&b, pair);
    }
    push_words(cells, &b, "<none>");
}

static void
cells_data(const struct json *obj, struct json *cells)
{
    json_push(cells, json_new_int((int64_t)(json_size(json_field(obj, "data")) +
                                            json_size(json_field(obj, "binaryData")))));
    push_created(cells, obj);
}

static void
cells_secret(const struct json *obj, struct json *cells)
{
    push_text(cells, json_field(obj, "type"), "Opaque");
    cells_data(obj, cells);
}

static void
cells_event(const struct json *obj, struct json *cells)
{
    const struct json *last = json_field(obj, "lastTimestamp"), *first, *on;
    int64_t count = json_int_or(json_field(obj, "count"), 1);

    if (json_text(last) == NULL)
        last = json_field(obj, "eventTime");
    if (json_text(last) == NULL)
        last = json_dig(obj, "metadata", "creationTimestamp");
    first = json_field(obj, "firstTimestamp");
    if (json_text(first) == NULL)
        first = last;
    on = json_field(obj, "involvedObject");
    push_age(cells, last);
    push_text(cells, json_field(obj, "type"), "");
    push_text(cells, json_field(obj, "reason"), "");
    CLEANUP(mem_free_ptr)
    char *name = mem_printf("%s/%s", json_text_or(json_field(on, "kind"), ""),
                            json_text_or(json_field(on, "name"), ""));
    for (char *p = name; *p != '/'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    json_push_cstr(cells, name);
    push_text(cells, json_field(on, "fieldPath"), "");
    push_text(cells, json_dig(obj, "source", "component"),
              json_text_or(json_field(obj, "reportingComponent"), ""));
    push_text(cells, json_field(obj, "message"), "");
    push_age(cells, first);
    json_push(cells, json_new_int(count));
    push_text(cells, json_dig(obj, "metadata", "name"), "");
}

static void
cells_namespace(const struct json *obj, struct json *cells)
{
    push_text(cells, json_dig(obj, "status", "phase"), "Active");
    push_created(cells, obj);
}

static void
cells_node(const struct json *obj, struct json *cells)
{
    const struct json *conditions = json_dig(obj, "status", "conditions");
    const char *status = "Unknown";

    for (size_t i = 0; i < json_size(conditions); i++)
        if (strcmp(json_text_or(json_field(json_elem(conditions, i), "type"), ""), "Ready") == 0)
            status = strcmp(json_text_or(json_field(json_elem(conditions, i), "status"), ""),
                            "True") == 0
                         ? "Ready"
                         : "NotReady";
    json_push_cstr(cells, status);
    json_push_cstr(cells, "<none>");
    push_created(cells, obj);
    push_text(cells, json_dig(obj, "status", "nodeInfo", "kubeletVersion"), "");
}

static void
cells_pvc(const struct json *obj, struct json *cells)
{
    CLEANUP(buf_release) struct buf modes = BUF_INIT(256);
    const struct json *list = json_dig(obj, "spec", "accessModes");

    push_text(cells, json_dig(obj, "status", "phase"), "Pending");
    push_text(cells, json_dig(obj, "spec", "volumeName"), "");
    push_text(cells, json_dig(obj, "status", "capacity", "storage"), "");
    for (size_t i = 0; i < json_size(list); i++) {
        const char *mode = json_text_or(json_elem(list, i), "");
        word(&modes, strcmp(mode, "ReadWriteOnce") == 0   ? "RWO"
                     : strcmp(mode, "ReadWriteMany") == 0 ? "RWX"
                     : strcmp(mode, "ReadOnlyMany") == 0  ? "ROX"
                                                          : mode);
    }
    push_words(cells, &modes, "");
    push_text(cells, json_dig(obj, "spec", "storageClassName"), "");
    push_created(cells, obj);
}

/* "Init:Error", "Init:1/2": where the init containers are. Empty: they are done. */
static void
init_status(const struct json *obj, char *to, size_t max)
{
    const struct json *list = json_dig(obj, "status", "initContainerStatuses");

    to[0] = '\0';
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *state = json_field(json_elem(list, i), "state"),
                          *over = json_field(state, "terminated");
        const char *why = json_text_or(json_field(over, "reason"), "");

        if (over != NULL && json_int_or(json_field(over, "exitCode"), 0) == 0)
            continue;
        if (over == NULL)
            why = json_text_or(json_dig(state, "waiting", "reason"), "");
        if (over != NULL && why[0] == '\0')
            why = "Error";
        if (why[0] != '\0' && strcmp(why, "PodInitializing") != 0)
            (void)snprintf(to, max, "Init:%s", why);
        else
            (void)snprintf(to, max, "Init:%zu/%zu", i, json_size(list));
        return;
    }
}

/* "Completed", "CrashLoopBackOff", ...: why a container is not simply running. */
static const char *
pod_status(const struct json *obj, char *of_init, size_t max, int64_t *ready, int64_t *restarts)
{
    const struct json *list = json_dig(obj, "status", "containerStatuses");
    const char *text = json_text_or(json_dig(obj, "status", "phase"), "Pending");

    text = json_text_or(json_dig(obj, "status", "reason"), text);
    *ready = *restarts = 0;
    for (size_t i = 0; i < json_size(list); i++) {
        const struct json *s = json_elem(list, i), *state = json_field(s, "state");
        const char *why = json_text(json_dig(state, "waiting", "reason"));
        *ready += json_is_true(json_field(s, "ready"));
        *restarts += json_int_or(json_field(s, "restartCount"), 0);
        if (why == NULL)
            why = json_text(json_dig(state, "terminated", "reason"));
        if (why != NULL && why[0] != '\0')
            text = why;
        else if (json_field(state, "terminated") != NULL)
            text = "Error";
    }
    init_status(obj, of_init, max);
    if (of_init[0] != '\0' && json_dig(obj, "status", "reason") == NULL)
        text = of_init;
    return json_dig(obj, "metadata", "deletionTimestamp") != NULL ? "Terminating" : text;
}

static void
cells_pod(const struct json *obj, struct json *cells)
{
    int64_t ready, restarts;
    char of_init[80];
    const char *status = pod_status(obj, of_init, sizeof(of_init), &ready, &restarts);
    CLEANUP(mem_free_ptr)
    char *of =
        mem_printf("%lld/%zu", (long long)ready, json_size(json_dig(obj, "spec", "containers")));
    CLEANUP(mem_free_ptr) char *times = mem_printf("%lld", (long long)restarts);

    json_push_cstr(cells, of);
    json_push_cstr(cells, status);
    json_push_cstr(cells, times);
    push_created(cells, obj);
    push_text(cells, json_dig(obj, "status", "podIP"), "<none>");
    push_text(cells, json_dig(obj, "spec", "nodeName"), "<none>");
    json_push_cstr(cells, "<none>");
    json_push_cstr(cells, "<none>");
}

static void
cells_service_account(const struct json *obj, struct json *cells)
{
    json_push(cells, json_new_int((int64_t)json_size(json_field(obj, "secrets"))));
    push_created(cells, obj);
}

static void
cells_service(const struct json *obj, struct json *cells)
{
    CLEANUP(buf_release) struct buf ports = BUF_INIT(1024);
    const struct json *spec = json_field(obj, "spec"), *list = json_field(spec, "ports");

    push_text(cells, json_field(spec, "type"), "ClusterIP");
    push_text(cells, json_field(spec, "clusterIP"), "<none>");
    push_text(cells, json_field(spec, "externalName"), "<none>");
    for (size_t i = 0; i < json_size(list); i++) {
        CLEANUP(mem_free_ptr)
        char *port =
            mem_printf("%lld/%s", (long long)json_int_or(json_field(json_elem(list, i), "port"), 0),
                       json_text_or(json_field(json_elem(list, i), "protocol"), "TCP"));
        word(&ports, port);
    }
    push_words(cells, &ports, "<none>");
    push_created(cells, obj);
    push_labels(cells, json_field(spec, "selector"));
}

static void
cells_endpoints(const struct json *obj, struct json *cells)
{
    CLEANUP(buf_release) struct buf all = BUF_INIT(1024);
    const struct json *subsets = json_field(obj, "subsets");

    for (size_t i = 0; i < json_size(subsets); i++) {
        const struct json *ips = json_field(json_elem(subsets, i), "addresses");
        const struct json *port =
            json_field(json_elem(json_field(json_elem(subsets, i), "ports"), 0), "port");
        for (size_t k = 0; k < json_size(ips); k++) {
            CLEANUP(mem_free_ptr)
            char *one = mem_printf("%s:%lld", json_text_or(json_field(json_elem(ips, k), "ip"), ""),
                                   (long long)json_int_or(port, 0));
            word(&all, one);
        }
    }
    push_words(cells, &all, "<none>");
    push_created(cells, obj);
}

static void
cells_created_at(const struct json *obj, struct json *cells)
{
    push_text(cells, json_dig(obj, "metadata", "creationTimestamp"), "");
}

static void
cells_cron_job(const struct json *obj, struct json *cells)
{
    const struct json *spec = json_field(obj, "spec"), *last;
    const struct json *pod = json_dig(spec, "jobTemplate", "spec", "template", "spec");

    push_text(cells, json_field(spec, "schedule"), "");
    push_text(cells, json_field(spec, "timeZone"), "<none>");
    json_push_cstr(cells, json_is_true(json_field(spec, "suspend")) ? "True" : "False");
    json_push(cells, json_new_int((int64_t)json_size(json_dig(obj, "status", "active"))));
    last = json_dig(obj, "status", "lastScheduleTime");
    if (last == NULL)
        json_push_cstr(cells, "<none>");
    else
        push_age(cells, last);
    push_created(cells, obj);
    push_containers(cells, pod);
    json_push_cstr(cells, "<none>");
}

static void
cells_job(const struct json *obj, struct json *cells)
{
    const struct json *spec = json_field(obj, "spec"), *status = json_field(obj, "status");
    const struct json *conditions = json_field(status, "conditions");
    const char *state = "Running";
    int64_t from = seconds_of(json_field(status, "startTime"));
    int64_t to = seconds_of(json_field(status, "completionTime"));
    char age[24];

    for (size_t i = 0; i < json_size(conditions); i++) {
        const struct json *one = json_elem(conditions, i);
        const char *type = json_text_or(json_field(one, "type"), "");
        bool on = strcmp(json_text_or(json_field(one, "status"), ""), "True") == 0;
        if (on && (strcmp(type, "Complete") == 0 || strcmp(type, "Failed") == 0 ||
                   strcmp(type, "Suspended") == 0))
            state = type;
    }
    if (json_dig(obj, "metadata", "deletionTimestamp") != NULL)
        state = "Terminating";
    json_push_cstr(cells, state);
    CLEANUP(mem_free_ptr)
    char *of = mem_printf("%lld/%lld", (long long)json_int_or(json_field(status, "succeeded"), 0),
                          (long long)json_int_or(json_field(spec, "completions"), 1));
    json_push_cstr(cells, of);
    json_push_cstr(cells,
                   from == 0 ? "" : age_text((to != 0 ? to : clock_real_ms() / 1000) - from, age));
    push_created(cells, obj);
    push_containers(cells, json_dig(spec, "template", "spec"));
    push_labels(cells, json_dig(spec, "selector", "matchLabels"));
}

static void
cells_lease(const struct json *obj, struct json *cells)
{
    push_text(cells, json_dig(obj, "spec", "holderIdentity"), "");
    push_created(cells, obj);
}

static void
cells_binding(const struct json *obj, struct json *cells)
{
    CLEANUP(mem_free_ptr)
    char *role = mem_printf("%s/%s", json_text_or(json_dig(obj, "roleRef", "kind"), ""),
                            json_text_or(json_dig(obj, "roleRef", "name"), ""));

    json_push_cstr(cells, role);
    push_created(cells, obj);
}

/* Columns behind the name, "*" in front of those of -o wide. */
static const struct printer {
    const char *store, *columns;
    void (*cells)(const struct json *obj, struct json *cells);
} printers[] = {
    {"configmaps", "Data|Age", cells_data},
    {"endpoints", "Endpoints|Age", cells_endpoints},
    {"events", "Last Seen|Type|Reason|Object|*Subobject|*Source|Message|*First Seen|*Count|*Name",
     cells_event},
    {"namespaces", "Status|Age", cells_namespace},
    {"nodes", "Status|Roles|Age|Version", cells_node},
    {"persistentvolumeclaims", "Status|Volume|Capacity|Access Modes|StorageClass|Age", cells_pvc},
    {"pods", "Ready|Status|Restarts|Age|*IP|*Node|*Nominated Node|*Readiness Gates", cells_pod},
    {"secrets", "Type|Data|Age", cells_secret},
    {"serviceaccounts", "Secrets|Age", cells_service_account},
    {"services", "Type|Cluster-IP|External-IP|Port(s)|Age|*Selector", cells_service},
    {"customresourcedefinitions.apiextensions.k8s.io", "Created At", cells_created_at},
    {"cronjobs.batch",
     "Schedule|Timezone|Suspend|Active|Last Schedule|Age|*Containers|*Images|*Selector",
     cells_cron_job},
    {"jobs.batch", "Status|Completions|Duration|Age|*Containers|*Images|*Selector", cells_job},
    {"leases.coordination.k8s.io", "Holder|Age", cells_lease},
    {"clusterroles.rbac.authorization.k8s.io", "Created At", cells_created_at},
    {"roles.rbac.authorization.k8s.io", "Created At", cells_created_at},
    {"clusterrolebindings.rbac.authorization.k8s.io", "Role|Age", cells_binding},
    {"rolebindings.rbac.authorization.k8s.io", "Role|Age", cells_binding},
};

static const struct printer *
printer_of(const struct kind *k)
{
    for (size_t i = 0; i < ARRAY_LEN(printers) && !k->custom; i++)
        if (strcmp(printers[i].store, k->store) == 0)
            return &printers[i];
    return NULL;
}

static void
add_column(struct json *columns, const char *name, const char *type, const char *format,
           const char *description, int64_t priority)
{
    struct json *c = json_new_object();

    json_set_cstr(c, "name", name);
    json_set_cstr(c, "type", type);
    json_set_cstr(c, "format", format);
    json_set_cstr(c, "description", description);
    json_set_int(c, "priority", priority);
    json_push(columns, c);
}

struct json *
table_new(const struct kind *k)
{
    struct json *t = json_new_object(), *columns;
    const struct printer *p = printer_of(k);

    json_set_cstr(t, "kind", "Table");
    json_set_cstr(t, "apiVersion", "meta.k8s.io/v1");
    json_set(t, "metadata", json_new_object());
    columns = json_need_array(t, "columnDefinitions");
    json_set(t, "rows", json_new_array());
    add_column(columns, "Name", "string", "name", "Name of the object", 0);
    if (p != NULL) {
        CLEANUP(mem_free_ptr) char *copy = mem_strdup(p->columns);
        char *save = NULL;
        for (char *w = strtok_r(copy, "|", &save); w != NULL; w = strtok_r(NULL, "|", &save))
            add_column(columns, w + (w[0] == '*'), "string", "", "", w[0] == '*');
        return t;
    }
    for (size_t i = 0; i < json_size(k->columns); i++) {
        const struct json *c = json_elem(k->columns, i);
        add_column(columns, json_text_or(json_field(c, "name"), ""),
                   json_text_or(json_field(c, "type"), "string"),
                   json_text_or(json_field(c, "format"), ""),
                   json_text_or(json_field(c, "description"), ""),
                   json_int_or(json_field(c, "priority"), 0));
    }
    if (json_size(k->columns) == 0)
        add_column(columns, "Age", "date", "", "", 0);
    return t;
}

/* A cell of a custom resource: by its path, printed by its type. */
static void
push_custom(struct json *cells, const struct json *column, const struct json *obj)
{
    const struct json *v = path_first(obj, json_text_or(json_field(column, "jsonPath"), ""));
    const char *type = json_text_or(json_field(column, "type"), "string");
    CLEANUP(mem_free_ptr) char *text = NULL;

    if (v == NULL || json_kind_of(v) == JSON_IS_NULL) {
        json_push(cells, json_new_null());
    } else if (strcmp(type, "date") == 0) {
        push_age(cells, v);
    } else if (strcmp(type, "string") == 0 && json_text(v) == NULL) {
        text = json_to_text(v, false);
        json_push_cstr(cells, text);
    } else {
        json_push(cells, json_clone(v));
    }
}

struct json *
table_partial(const struct json *obj)
{
    struct json *p = json_new_object();

    json_set_cstr(p, "kind", "PartialObjectMetadata");
    json_set_cstr(p, "apiVersion", "meta.k8s.io/v1");
    json_set(p, "metadata", json_clone(json_field(obj, "metadata")));
    return p;
}

void
table_add(struct json *table, const struct kind *k, struct json *obj, const char *include)
{
    const struct printer *p = printer_of(k);
    struct json *row = json_new_object(), *cells = json_new_array();

    push_text(cells, json_dig(obj, "metadata", "name"), "");
    if (p != NULL)
        p->cells(obj, cells);
    else if (json_size(k->columns) == 0)
        push_created(cells, obj);
    for (size_t i = 0; p == NULL && i < json_size(k->columns); i++)
        push_custom(cells, json_elem(k->columns, i), obj);
    json_set(row, "cells", cells);
    if (strcmp(include, "Object") == 0)
        json_set(row, "object", json_clone(obj));
    else if (strcmp(include, "None") != 0)
        json_set(row, "object", table_partial(obj));
    json_push(json_field(table, "rows"), row);
}
