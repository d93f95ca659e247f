/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/admit.h"

#include <ctype.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/core.h"

enum { NAME_MAX_CHARS = 253, LABEL_MAX_CHARS = 63, SECRET_MAX = 4 * 1024 * 1024 };

static void
want_cstr(struct json *obj, const char *key, const char *value)
{
    if (obj != NULL && json_field(obj, key) == NULL)
        json_set_cstr(obj, key, value);
}

static void
want_int(struct json *obj, const char *key, int64_t value)
{
    if (obj != NULL && json_field(obj, key) == NULL)
        json_set_int(obj, key, value);
}

static void
want_bool(struct json *obj, const char *key, bool value)
{
    if (obj != NULL && json_field(obj, key) == NULL)
        json_set_bool(obj, key, value);
}

/* --- defaults -------------------------------------------------------------------------------- */

static void
default_containers(struct json *list)
{
    for (size_t i = 0; i < json_size(list); i++) {
        struct json *c = json_elem(list, i), *ports = json_field(c, "ports");
        want_cstr(c, "imagePullPolicy", "IfNotPresent");
        want_cstr(c, "terminationMessagePath", "/dev/termination-log");
        want_cstr(c, "terminationMessagePolicy", "File");
        if (json_field(c, "resources") == NULL)
            json_set(c, "resources", json_new_object());
        for (size_t p = 0; p < json_size(ports); p++)
            want_cstr(json_elem(ports, p), "protocol", "TCP");
    }
}

static void
default_pod_spec(struct json *spec)
{
    if (json_kind_of(spec) != JSON_IS_OBJECT)
        return;
    default_containers(json_field(spec, "containers"));
    default_containers(json_field(spec, "initContainers"));
    want_cstr(spec, "restartPolicy", "Always");
    want_cstr(spec, "dnsPolicy", "ClusterFirst");
    want_cstr(spec, "schedulerName", "default-scheduler");
    want_int(spec, "terminationGracePeriodSeconds", 30);
    if (json_field(spec, "securityContext") == NULL)
        json_set(spec, "securityContext", json_new_object());
}

static void
default_job_spec(struct json *spec)
{
    if (json_kind_of(spec) != JSON_IS_OBJECT)
        return;
    if (json_field(spec, "completions") == NULL && json_field(spec, "parallelism") == NULL)
        want_int(spec, "completions", 1);
    want_int(spec, "parallelism", 1);
    want_int(spec, "backoffLimit", 6);
    want_bool(spec, "suspend", false);
    want_cstr(spec, "completionMode", "NonIndexed");
    default_pod_spec(json_dig(spec, "template", "spec"));
}

/* As the Job's own: which Pods are its. */
static void
default_job_selector(struct json *obj)
{
    struct json *spec = json_field(obj, "spec"), *labels, *match;
    const char *uid = json_text_or(json_dig(obj, "metadata", "uid"), "");
    const char *name = json_text_or(json_dig(obj, "metadata", "name"), "");

    if (spec == NULL || json_is_true(json_field(spec, "manualSelector")) ||
        json_field(spec, "selector") != NULL)
        return;
    match = json_need_object(json_need_object(spec, "selector"), "matchLabels");
    json_set_cstr(match, "batch.kubernetes.io/controller-uid", uid);
    labels = json_need_object(json_need_object(json_need_object(spec, "template"), "metadata"),
                              "labels");
    json_set_cstr(labels, "batch.kubernetes.io/controller-uid", uid);
    json_set_cstr(labels, "batch.kubernetes.io/job-name", name);
    json_set_cstr(labels, "controller-uid", uid);
    json_set_cstr(labels, "job-name", name);
}

/* stringData is for writing only. */
static void
default_secret(struct json *obj)
{
    struct json *plain = json_field(obj, "stringData"), *data;

    want_cstr(obj, "type", "Opaque");
    if (plain == NULL)
        return;
    data = json_need_object(obj, "data");
    for (struct json_item it = json_first(plain); it.key != NULL; it = json_next(plain, it)) {
        CLEANUP(buf_release) struct buf coded = BUF_INIT(SECRET_MAX);
        struct err e = ERR_INIT;
        if (b64_encode(json_text_str(it.value), &coded, &e) == RC_OK)
            json_set(data, it.key, json_new_str(buf_str(&coded)));
    }
    json_remove(obj, "stringData");
}

static void
default_namespace(struct json *obj)
{
    bool going = json_dig(obj, "metadata", "deletionTimestamp") != NULL;

    json_set_cstr(json_need_object(json_need_object(obj, "metadata"), "labels"),
                  "kubernetes.io/metadata.name",
                  json_text_or(json_dig(obj, "metadata", "name"), ""));
    if (json_dig(obj, "spec", "finalizers") == NULL)
        json_push_cstr(json_need_array(json_need_object(obj, "spec"), "finalizers"), "kubernetes");
    json_set_cstr(json_need_object(obj, "status"), "phase", going ? "Terminating" : "Active");
}

static void
default_service(struct json *obj)
{
    struct json *spec = json_need_object(obj, "spec"), *ports = json_field(spec, "ports");

    want_cstr(spec, "type", "ClusterIP");
    want_cstr(spec, "sessionAffinity", "None");
    for (size_t i = 0; i < json_size(ports); i++) {
        struct json *p = json_elem(ports, i);
        want_cstr(p, "protocol", "TCP");
        if (json_field(p, "targetPort") == NULL && json_field(p, "port") != NULL)
            json_set(p, "targetPort", json_clone(json_field(p, "port")));
    }
}

static bool
is(const struct kind *k, const char *store)
{
    return !k->custom && strcmp(k->store, store) == 0;
}

void
admit_defaults(const struct kind *k, const struct json *old, struct json *obj)
{
    struct json *spec = json_field(obj, "spec");

    if (is(k, "secrets")) {
        default_secret(obj);
    } else if (is(k, "namespaces")) {
        default_namespace(obj);
    } else if (is(k, "pods")) {
        default_pod_spec(spec);
    } else if (is(k, "services")) {
        default_service(obj);
    } else if (is(k, "jobs.batch")) {
        default_job_spec(spec);
        if (old == NULL)
            default_job_selector(obj);
    } else if (is(k, "cronjobs.batch") && spec != NULL) {
        want_cstr(spec, "concurrencyPolicy", "Allow");
        want_bool(spec, "suspend", false);
        want_int(spec, "successfulJobsHistoryLimit", 3);
        want_int(spec, "failedJobsHistoryLimit", 1);
        default_job_spec(json_dig(spec, "jobTemplate", "spec"));
    } else if (is(k, "persistentvolumeclaims") && spec != NULL) {
        want_cstr(spec, "volumeMode", "Filesystem");
    } else if (is(k, "customresourcedefinitions.apiextensions.k8s.io")) {
        crd_defaults(obj);
    }
}

void
admit_fresh_status(const struct kind *k, struct json *obj)
{
    if (k->custom)
        return;
    if (is(k, "pods")) {
        json_set_cstr(json_need_object(obj, "status"), "phase", "Pending");
        json_set_cstr(json_need_object(obj, "status"), "qosClass", "BestEffort");
    } else if (is(k, "persistentvolumeclaims")) {
        json_set_cstr(json_need_object(obj, "status"), "phase", "Pending");
    } else if (k->has_status) {
        (void)json_need_object(obj, "status");
    }
}

/* --- checks ---------------------------------------------------------------------------------- */

static bool
is_dns_label(const char *s, size_t n)
{
    if (n == 0 || n > LABEL_MAX_CHARS || s[0] == '-' || s[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '-')
            return false;
    return true;
}

static bool
is_dns_subdomain(const char *s)
{
    if (strlen(s) > NAME_MAX_CHARS)
        return false;
    for (;;) {
        size_t n = strcspn(s, ".");
        if (n == 0 || s[0] == '-' || s[n - 1] == '-')
            return false;
        for (size_t i = 0; i < n; i++)
            if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '-')
                return false;
        if (s[n] == '\0')
            return true;
        s += n + 1;
    }
}

/* RBAC: anything that can be one segment of a path. */
static bool
is_path_segment(const char *s)
{
    return s[0] != '\0' && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
           strpbrk(s, "/%") == NULL && strlen(s) <= NAME_MAX_CHARS;
}

/* The part behind the prefix of a label key, or a value of one. */
static bool
is_label_word(const char *s, bool may_be_empty)
{
    size_t n = strlen(s);

    if (n == 0)
        return may_be_empty;
    if (n > LABEL_MAX_CHARS || !isalnum((unsigned char)s[0]) || !isalnum((unsigned char)s[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && strchr("-_.", s[i]) == NULL)
            return false;
    return true;
}

static bool
is_label_key(const char *key)
{
    const char *slash = strchr(key, '/');

    if (slash == NULL)
        return is_label_word(key, false);
    CLEANUP(mem_free_ptr) char *prefix = mem_strndup(key, (size_t)(slash - key));
    return is_dns_subdomain(prefix) && is_label_word(slash + 1, false);
}

static void
check_words(const struct json *map, const char *field, bool labels, struct field_errors *to)
{
    for (struct json_item it = json_first(map); it.key != NULL; it = json_next(map, it)) {
        if (!is_label_key(it.key))
            field_error_add(
                to, "FieldValueInvalid", field,
                "Invalid value: \"%s\": name part must consist of alphanumeric characters, "
                "'-', '_' or '.', and must start and end with an alphanumeric character",
                it.key);
        if (json_text(it.value) == NULL)
            field_error_add(to, "FieldValueTypeInvalid", field,
                            "Invalid value: \"%s\": must be a string", it.key);
        else if (labels && !is_label_word(json_text(it.value), true))
            field_error_add(
                to, "FieldValueInvalid", field,
                "Invalid value: \"%s\": a valid label must be an empty string or consist of "
                "alphanumeric characters, '-', '_' or '.', and must start and end with an "
                "alphanumeric character",
                json_text(it.value));
    }
}

/* On built-in kinds: of Kubernetes' own, or "domain/name" so that nobody takes another's for his.
 */
static void
check_finalizer(const struct kind *k, const char *name, struct field_errors *to)
{
    static const char *const own[] = {"orphan", "foregroundDeletion", "kubernetes"};
    bool known = k->custom || strchr(name, '/') != NULL;

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        known = known || strcmp(name, own[i]) == 0;
    if (!is_label_key(name) || !known)
        field_error_add(
            to, "FieldValueInvalid", "metadata.finalizers",
            "Invalid value: \"%s\": name is neither a standard finalizer name nor is it fully "
            "qualified",
            name);
}

static void
check_controllers(const struct json *owners, struct field_errors *to)
{
    size_t n = 0;

    for (size_t i = 0; i < json_size(owners); i++)
        n += json_is_true(json_field(json_elem(owners, i), "controller"));
    if (n > 1)
        field_error_add(to, "FieldValueInvalid", "metadata.ownerReferences",
                        "Invalid value: Only one reference can have Controller set to true");
}

void
admit_check_meta(const struct kind *k, const struct json *obj, struct field_errors *to)
{
    const struct json *meta = json_field(obj, "metadata");
    const char *name = json_text_or(json_field(meta, "name"), "");
    const struct json *list = json_field(meta, "finalizers"), *owners;

    if (name[0] == '\0')
        field_error_add(to, "FieldValueRequired", "metadata.name",
                        "Required value: name or generateName is required");
    else if (is(k, "namespaces") && !is_dns_label(name, strlen(name)))
        field_error_add(
            to, "FieldValueInvalid", "metadata.name",
            "Invalid value: \"%s\": a lowercase RFC 1123 label must consist of lower case "
            "alphanumeric characters or '-', and must start and end with an alphanumeric "
            "character",
            name);
    else if (k->loose_names ? !is_path_segment(name) : !is_dns_subdomain(name))
        field_error_add(
            to, "FieldValueInvalid", "metadata.name",
            "Invalid value: \"%s\": a lowercase RFC 1123 subdomain must consist of lower case "
            "alphanumeric characters, '-' or '.', and must start and end with an "
            "alphanumeric character",
            name);
    check_words(json_field(meta, "labels"), "metadata.labels", true, to);
    check_words(json_field(meta, "annotations"), "metadata.annotations", false, to);
    for (size_t i = 0; i < json_size(list); i++)
        check_finalizer(k, json_text_or(json_elem(list, i), ""), to);
    owners = json_field(meta, "ownerReferences");
    check_controllers(owners, to);
    for (size_t i = 0; i < json_size(owners); i++) {
        static const char *const needed[] = {"apiVersion", "kind", "name", "uid"};
        for (size_t f = 0; f < ARRAY_LEN(needed); f++)
            if (json_text_or(json_field(json_elem(owners, i), needed[f]), "")[0] == '\0') {
                char field[64];
                (void)snprintf(field, sizeof(field), "metadata.ownerReferences[%zu].%s", i,
                               needed[f]);
                field_error_add(to, "FieldValueRequired", field,
                                "Required value: must not be empty");
            }
    }
}

/* Labels and annotations of a Pod template, which is at `at`. */
static void
check_template_meta(const struct json *template, const char *at, struct field_errors *to)
{
    char field[128];

    (void)snprintf(field, sizeof(field), "%s.metadata.labels", at);
    check_words(json_dig(template, "metadata", "labels"), field, true, to);
    (void)snprintf(field, sizeof(field), "%s.metadata.annotations", at);
    check_words(json_dig(template, "metadata", "annotations"), field, false, to);
}

static bool
has_volume(const struct json *spec, const char *name)
{
    const struct json *list = json_field(spec, "volumes");

    for (size_t i = 0; i < json_size(list); i++)
        if (strcmp(json_text_or(json_field(json_elem(list, i), "name"), ""), name) == 0)
            return true;
    return false;
}

/* What a container mounts is a volume of its Pod. `at` is where the container is. */
static void
check_mounts(const struct json *spec, const struct json *container, const char *at,
             struct field_errors *to)
{
    const struct json *mounts = json_field(container, "volumeMounts");
    char field[192];

    for (size_t i = 0; i < json_size(mounts); i++) {
        const char *name = json_text_or(json_field(json_elem(mounts, i), "name"), "");
        (void)snprintf(field, sizeof(field), "%s.volumeMounts[%zu].name", at, i);
        if (!has_volume(spec, name))
            field_error_add(to, "FieldValueNotFound", field, "Not found: \"%s\"", name);
    }
}

/* `at` is where the template's Pod spec is, such as "spec.template.spec". */
static void
check_pod_spec(const struct json *spec, const char *at, bool job, struct field_errors *to)
{
    static const char *const lists[] = {"containers", "initContainers"};
    const char *restart = json_text_or(json_field(spec, "restartPolicy"), "Always");
    char field[128];

    if (json_size(json_field(spec, "containers")) == 0) {
        (void)snprintf(field, sizeof(field), "%s.containers", at);
        field_error_add(to, "FieldValueRequired", field, "Required value");
    }
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        const struct json *list = json_field(spec, lists[l]);
        for (size_t i = 0; i < json_size(list); i++) {
            const char *name = json_text_or(json_field(json_elem(list, i), "name"), "");
            (void)snprintf(field, sizeof(field), "%s.%s[%zu].name", at, lists[l], i);
            if (name[0] == '\0')
                field_error_add(to, "FieldValueRequired", field, "Required value");
            else if (!is_dns_label(name, strlen(name)))
                field_error_add(
                    to, "FieldValueInvalid", field,
                    "Invalid value: \"%s\": a lowercase RFC 1123 label must consist of lower "
                    "case alphanumeric characters or '-'",
                    name);
            (void)snprintf(field, sizeof(field), "%s.%s[%zu].image", at, lists[l], i);
            if (json_text_or(json_field(json_elem(list, i), "image"), "")[0] == '\0')
                field_error_add(to, "FieldValueRequired", field, "Required value");
            (void)snprintf(field, sizeof(field), "%s.%s[%zu]", at, lists[l], i);
            check_mounts(spec, json_elem(list, i), field, to);
        }
    }
    (void)snprintf(field, sizeof(field), "%s.restartPolicy", at);
    if (job && strcmp(restart, "OnFailure") != 0 && strcmp(restart, "Never") != 0)
        field_error_add(to, "FieldValueNotSupported", field,
                        "Unsupported value: \"%s\": supported values: \"OnFailure\", \"Never\"",
                        restart);
    else if (strcmp(restart, "Always") != 0 && strcmp(restart, "OnFailure") != 0 &&
             strcmp(restart, "Never") != 0)
        field_error_add(to, "FieldValueNotSupported", field,
                        "Unsupported value: \"%s\": supported values: \"Always\", \"OnFailure\", "
                        "\"Never\"",
                        restart);
}

static void
check_cron_job(const struct json *spec, struct field_errors *to)
{
    const char *policy = json_text_or(json_field(spec, "concurrencyPolicy"), "Allow");

    if (json_text_or(json_field(spec, "schedule"), "")[0] == '\0')
        field_error_add(to, "FieldValueRequired", "spec.schedule", "Required value");
    if (strcmp(policy, "Allow") != 0 && strcmp(policy, "Forbid") != 0 &&
        strcmp(policy, "Replace") != 0)
        field_error_add(to, "FieldValueNotSupported", "spec.concurrencyPolicy",
                        "Unsupported value: \"%s\": supported values: \"Allow\", \"Forbid\", "
                        "\"Replace\"",
                        policy);
    check_template_meta(json_dig(spec, "jobTemplate", "spec", "template"),
                        "spec.jobTemplate.spec.template", to);
    check_pod_spec(json_dig(spec, "jobTemplate", "spec", "template", "spec"),
                   "spec.jobTemplate.spec.template.spec", true, to);
}

/* Keys become names of files. */
static void
check_data_keys(const struct json *map, const char *at, struct field_errors *to)
{
    for (struct json_item it = json_first(map); it.key != NULL; it = json_next(map, it)) {
        bool good = it.key[0] != '\0' && strlen(it.key) <= NAME_MAX_CHARS &&
                    strcmp(it.key, ".") != 0 && strncmp(it.key, "..", 2) != 0;
        char field[400];

        for (const char *p = it.key; *p != '\0'; p++)
            good = good && (isalnum((unsigned char)*p) || strchr("-_.", *p) != NULL);
        (void)snprintf(field, sizeof(field), "%s[%s]", at, it.key);
        if (!good)
            field_error_add(
                to, "FieldValueInvalid", field,
                "Invalid value: \"%s\": a valid config key must consist of alphanumeric "
                "characters, '-', '_' or '.'",
                it.key);
    }
}

static void
check_lease(const struct json *spec, struct field_errors *to)
{
    const struct json *lasts = json_field(spec, "leaseDurationSeconds");

    if (lasts != NULL && json_int_or(lasts, 0) <= 0)
        field_error_add(to, "FieldValueInvalid", "spec.leaseDurationSeconds",
                        "Invalid value: must be greater than 0");
}

static void
check_role_ref(const struct json *old, const struct json *obj, bool of_cluster,
               struct field_errors *to)
{
    const struct json *ref = json_field(obj, "roleRef");
    const char *kind = json_text_or(json_field(ref, "kind"), "");

    if (json_text_or(json_field(ref, "name"), "")[0] == '\0')
        field_error_add(to, "FieldValueRequired", "roleRef.name", "Required value");
    if (strcmp(kind, "ClusterRole") != 0 && (of_cluster || strcmp(kind, "Role") != 0))
        field_error_add(to, "FieldValueNotSupported", "roleRef.kind", "Unsupported value: \"%s\"",
                        kind);
    if (old != NULL && !json_same(json_field(old, "roleRef"), ref))
        field_error_add(to, "FieldValueInvalid", "roleRef", "Invalid value: cannot change roleRef");
}

/* ---- types: what a server with typed objects cannot even read ---------------------------------
 */

static enum rc
read_strings(const struct kind *k, const struct json *obj, const char *field, struct err *e)
{
    const struct json *map = json_field(obj, field);

    for (struct json_item it = json_first(map); it.key != NULL; it = json_next(map, it))
        if (json_kind_of(it.value) != JSON_IS_STR && json_kind_of(it.value) != JSON_IS_NULL)
            return err_set(e, RC_INVALID,
                           "cannot unmarshal a value into field %s.%s of type string", k->kind,
                           field);
    return RC_OK;
}

static enum rc
read_base64(const struct json *map, struct err *e)
{
    for (struct json_item it = json_first(map); it.key != NULL; it = json_next(map, it)) {
        CLEANUP(buf_release) struct buf plain = BUF_INIT(SECRET_MAX);
        struct err why = ERR_INIT;
        if (json_kind_of(it.value) == JSON_IS_STR &&
            b64_decode(json_text_str(it.value), &plain, &why) != RC_OK)
            return err_set(e, RC_INVALID, "illegal base64 data in data[%s]", it.key);
    }
    return RC_OK;
}

static enum rc
read_time(const struct json *j, struct err *e)
{
    struct err why = ERR_INIT;
    struct instant t;

    if (json_text(j) == NULL || instant_parse(json_text_str(j), &t, &why) == RC_OK)
        return RC_OK;
    return err_set(e, RC_INVALID, "parsing time \"%s\": not a time of RFC 3339", json_text(j));
}

enum rc
admit_types(const struct kind *k, const struct json *obj, struct err *e)
{
    const struct json *spec = json_field(obj, "spec");

    if (is(k, "configmaps"))
        return read_strings(k, obj, "data", e);
    if (is(k, "secrets")) {
        if (read_strings(k, obj, "data", e) || read_strings(k, obj, "stringData", e))
            return e->code;
        return read_base64(json_field(obj, "data"), e);
    }
    if (is(k, "leases.coordination.k8s.io")) {
        if (read_time(json_field(spec, "renewTime"), e))
            return e->code;
        return read_time(json_field(spec, "acquireTime"), e);
    }
    return RC_OK;
}

/* What may never change once it is written. */
static void
check_fixed(const struct json *old, const struct json *obj, const char *const *path,
            const char *field, struct field_errors *to)
{
    if (old != NULL && !json_same(json_dig_path(old, path), json_dig_path(obj, path)))
        field_error_add(to, "FieldValueInvalid", field, "Invalid value: field is immutable");
}

void
admit_check(const struct kind *k, const struct json *old, const struct json *obj,
            struct field_errors *to)
{
    const struct json *spec = json_field(obj, "spec");

    if (is(k, "pods")) {
        check_pod_spec(spec, "spec", false, to);
    } else if (is(k, "jobs.batch")) {
        check_template_meta(json_field(spec, "template"), "spec.template", to);
        check_pod_spec(json_dig(spec, "template", "spec"), "spec.template.spec", true, to);
        check_fixed(old, obj, (const char *const[]){"spec", "template", NULL}, "spec.template", to);
        check_fixed(old, obj, (const char *const[]){"spec", "selector", NULL}, "spec.selector", to);
    } else if (is(k, "cronjobs.batch")) {
        check_cron_job(spec, to);
    } else if (is(k, "secrets")) {
        check_data_keys(json_field(obj, "data"), "data", to);
        check_fixed(old, obj, (const char *const[]){"type", NULL}, "type", to);
        if (json_is_true(json_field(old, "immutable")))
            check_fixed(old, obj, (const char *const[]){"data", NULL}, "data", to);
    } else if (is(k, "configmaps")) {
        check_data_keys(json_field(obj, "data"), "data", to);
        if (json_is_true(json_field(old, "immutable")))
            check_fixed(old, obj, (const char *const[]){"data", NULL}, "data", to);
    } else if (is(k, "rolebindings.rbac.authorization.k8s.io") ||
               is(k, "clusterrolebindings.rbac.authorization.k8s.io")) {
        check_role_ref(old, obj, !k->namespaced, to);
    } else if (is(k, "leases.coordination.k8s.io")) {
        check_lease(spec, to);
    } else if (is(k, "customresourcedefinitions.apiextensions.k8s.io")) {
        crd_check(old, obj, to);
    }
}
