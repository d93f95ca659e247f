/* SPDX-License-Identifier: Apache-2.0 */
/* Pods, and what makes them. */
#include "api/age.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/builtin.h"

enum { POD_GRACE_S = 30 };

/* ---- defaults ---- */

static void
containers_defaults(struct json *list)
{
    for (size_t i = 0; i < json_size(list); i++) {
        struct json *c = json_elem(list, i), *ports = json_field(c, "ports");
        default_cstr(c, "imagePullPolicy", "IfNotPresent");
        default_cstr(c, "terminationMessagePath", "/dev/termination-log");
        default_cstr(c, "terminationMessagePolicy", "File");
        if (json_field(c, "resources") == NULL)
            json_set(c, "resources", json_new_object());
        for (size_t p = 0; p < json_size(ports); p++)
            default_cstr(json_elem(ports, p), "protocol", "TCP");
    }
}

static void
pod_spec_defaults(struct json *spec)
{
    if (json_kind_of(spec) != JSON_IS_OBJECT)
        return;
    containers_defaults(json_field(spec, "containers"));
    containers_defaults(json_field(spec, "initContainers"));
    default_cstr(spec, "restartPolicy", "Always");
    default_cstr(spec, "dnsPolicy", "ClusterFirst");
    default_cstr(spec, "schedulerName", "default-scheduler");
    default_int(spec, "terminationGracePeriodSeconds", 30);
    if (json_field(spec, "securityContext") == NULL)
        json_set(spec, "securityContext", json_new_object());
}

static void
job_spec_defaults(struct json *spec)
{
    if (json_kind_of(spec) != JSON_IS_OBJECT)
        return;
    if (json_field(spec, "completions") == NULL && json_field(spec, "parallelism") == NULL)
        default_int(spec, "completions", 1);
    default_int(spec, "parallelism", 1);
    default_int(spec, "backoffLimit", 6);
    default_bool(spec, "suspend", false);
    default_cstr(spec, "completionMode", "NonIndexed");
    pod_spec_defaults(json_dig(spec, "template", "spec"));
}

/* As the Job's own: which Pods are its. */
static void
job_selector_defaults(struct json *obj)
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

static void
pod_defaults(const struct json *old, struct json *obj)
{
    (void)old;
    pod_spec_defaults(json_field(obj, "spec"));
}

static void
job_defaults(const struct json *old, struct json *obj)
{
    job_spec_defaults(json_field(obj, "spec"));
    if (old == NULL)
        job_selector_defaults(obj);
}

static void
cron_job_defaults(const struct json *old, struct json *obj)
{
    struct json *spec = json_field(obj, "spec");

    (void)old;
    default_cstr(spec, "concurrencyPolicy", "Allow");
    default_bool(spec, "suspend", false);
    default_int(spec, "successfulJobsHistoryLimit", 3);
    default_int(spec, "failedJobsHistoryLimit", 1);
    job_spec_defaults(json_dig(spec, "jobTemplate", "spec"));
}

static void
pod_new_status(struct json *status)
{
    json_set_cstr(status, "phase", "Pending");
    json_set_cstr(status, "qosClass", "BestEffort");
}

/* ---- checks ---- */

/* Labels and annotations of a Pod template, which is at `at`. */
static void
template_meta_validate(const struct json *template, const char *at, struct field_errors *to)
{
    char field[128];

    (void)snprintf(field, sizeof(field), "%s.metadata.labels", at);
    labels_validate(json_dig(template, "metadata", "labels"), field, true, to);
    (void)snprintf(field, sizeof(field), "%s.metadata.annotations", at);
    labels_validate(json_dig(template, "metadata", "annotations"), field, false, to);
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
mounts_validate(const struct json *spec, const struct json *container, const char *at,
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
pod_spec_validate(const struct json *spec, const char *at, bool job, struct field_errors *to)
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
            mounts_validate(spec, json_elem(list, i), field, to);
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
cron_job_spec_validate(const struct json *spec, struct field_errors *to)
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
    template_meta_validate(json_dig(spec, "jobTemplate", "spec", "template"),
                           "spec.jobTemplate.spec.template", to);
    pod_spec_validate(json_dig(spec, "jobTemplate", "spec", "template", "spec"),
                      "spec.jobTemplate.spec.template.spec", true, to);
}

static void
pod_validate(const struct json *old, const struct json *obj, struct field_errors *to)
{
    (void)old;
    pod_spec_validate(json_field(obj, "spec"), "spec", false, to);
}

static void
job_validate(const struct json *old, const struct json *obj, struct field_errors *to)
{
    const struct json *spec = json_field(obj, "spec");

    template_meta_validate(json_field(spec, "template"), "spec.template", to);
    pod_spec_validate(json_dig(spec, "template", "spec"), "spec.template.spec", true, to);
    fixed_validate(old, obj, (const char *const[]){"spec", "template", NULL}, "spec.template", to);
    fixed_validate(old, obj, (const char *const[]){"spec", "selector", NULL}, "spec.selector", to);
}

static void
cron_job_validate(const struct json *old, const struct json *obj, struct field_errors *to)
{
    (void)old;
    cron_job_spec_validate(json_field(obj, "spec"), to);
}

/* ---- deletion ---- */

/* A Pod that may be running is ended by who runs it, which then deletes with grace 0. */
static int64_t
pod_grace_s(const struct json *obj, int64_t wanted)
{
    const char *phase = json_text_or(json_dig(obj, "status", "phase"), "");

    if (json_text_or(json_dig(obj, "spec", "nodeName"), "")[0] == '\0' ||
        strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
        return 0;
    return wanted >= 0
               ? wanted
               : json_int_or(json_dig(obj, "spec", "terminationGracePeriodSeconds"), POD_GRACE_S);
}

/* ---- columns ---- */

/* Names and images of containers. */
static void
cells_containers(struct json *cells, const struct json *pod_spec)
{
    static const char *const fields[] = {"name", "image"};

    for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
        CLEANUP(buf_release) struct buf b = BUF_INIT(4096);
        const struct json *list = json_field(pod_spec, "containers");
        for (size_t i = 0; i < json_size(list); i++)
            cell_word(&b, json_text_or(json_field(json_elem(list, i), fields[f]), ""));
        cell_words(cells, &b, "<none>");
    }
}

/* "Init:Error", "Init:1/2": where the init containers are. Empty: they are done. */
static void
pod_init_text(const struct json *obj, char *to, size_t max)
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
pod_text(const struct json *obj, char *of_init, size_t max, int64_t *ready, int64_t *restarts)
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
    pod_init_text(obj, of_init, max);
    if (of_init[0] != '\0' && json_dig(obj, "status", "reason") == NULL)
        text = of_init;
    return json_dig(obj, "metadata", "deletionTimestamp") != NULL ? "Terminating" : text;
}

static void
cells_pod(const struct json *obj, struct json *cells)
{
    int64_t ready, restarts;
    char of_init[80];
    const char *status = pod_text(obj, of_init, sizeof(of_init), &ready, &restarts);
    CLEANUP(mem_free_ptr)
    char *of =
        mem_printf("%lld/%zu", (long long)ready, json_size(json_dig(obj, "spec", "containers")));
    CLEANUP(mem_free_ptr) char *times = mem_printf("%lld", (long long)restarts);

    json_push_cstr(cells, of);
    json_push_cstr(cells, status);
    json_push_cstr(cells, times);
    cell_created(cells, obj);
    cell_text(cells, json_dig(obj, "status", "podIP"), "<none>");
    cell_text(cells, json_dig(obj, "spec", "nodeName"), "<none>");
    json_push_cstr(cells, "<none>");
    json_push_cstr(cells, "<none>");
}

static void
cells_cron_job(const struct json *obj, struct json *cells)
{
    const struct json *spec = json_field(obj, "spec"), *last;
    const struct json *pod = json_dig(spec, "jobTemplate", "spec", "template", "spec");

    cell_text(cells, json_field(spec, "schedule"), "");
    cell_text(cells, json_field(spec, "timeZone"), "<none>");
    json_push_cstr(cells, json_is_true(json_field(spec, "suspend")) ? "True" : "False");
    json_push(cells, json_new_int((int64_t)json_size(json_dig(obj, "status", "active"))));
    last = json_dig(obj, "status", "lastScheduleTime");
    if (last == NULL)
        json_push_cstr(cells, "<none>");
    else
        cell_age(cells, last);
    cell_created(cells, obj);
    cells_containers(cells, pod);
    json_push_cstr(cells, "<none>");
}

static void
cells_job(const struct json *obj, struct json *cells)
{
    const struct json *spec = json_field(obj, "spec"), *status = json_field(obj, "status");
    const struct json *conditions = json_field(status, "conditions");
    const char *state = "Running";
    int64_t from = time_seconds(json_field(status, "startTime"));
    int64_t to = time_seconds(json_field(status, "completionTime"));
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
    cell_created(cells, obj);
    cells_containers(cells, json_dig(spec, "template", "spec"));
    cell_labels(cells, json_dig(spec, "selector", "matchLabels"));
}

static const char *const pod_subresources[] = {"log", "exec", NULL};

const struct resource_ops pod_ops = {
    .defaults = pod_defaults,
    .new_status = pod_new_status,
    .validate = pod_validate,
    .columns = "Ready|Status|Restarts|Age|*IP|*Node|*Nominated Node|*Readiness Gates",
    .cells = cells_pod,
    .grace_s = pod_grace_s,
    .subresources = pod_subresources,
};

const struct resource_ops job_ops = {
    .defaults = job_defaults,
    .validate = job_validate,
    .columns = "Status|Completions|Duration|Age|*Containers|*Images|*Selector",
    .cells = cells_job,
};

const struct resource_ops cron_job_ops = {
    .defaults = cron_job_defaults,
    .validate = cron_job_validate,
    .columns = "Schedule|Timezone|Suspend|Active|Last Schedule|Age|*Containers|*Images|*Selector",
    .cells = cells_cron_job,
};
