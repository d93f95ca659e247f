/* SPDX-License-Identifier: Apache-2.0 */
/* The small resources: what is in a namespace beside Pods, and namespaces themselves. */
#include <ctype.h>
#include <stdio.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/builtin.h"

enum { KEY_MAX_CHARS = 253, SECRET_MAX = 4 * 1024 * 1024 };

/* ---- types ---- */

static enum rc
strings_read(const char *kind, const struct json *obj, const char *field, struct err *e)
{
    const struct json *map = json_field(obj, field);

    for (struct json_item it = json_first(map); it.key != NULL; it = json_next(map, it))
        if (json_kind_of(it.value) != JSON_IS_STR && json_kind_of(it.value) != JSON_IS_NULL)
            return err_set(e, RC_INVALID,
                           "cannot unmarshal a value into field %s.%s of type string", kind, field);
    return RC_OK;
}

static enum rc
base64_read(const struct json *map, struct err *e)
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
time_read(const struct json *j, struct err *e)
{
    struct err why = ERR_INIT;
    struct instant t;

    if (json_text(j) == NULL || instant_parse(json_text_str(j), &t, &why) == RC_OK)
        return RC_OK;
    return err_set(e, RC_INVALID, "parsing time \"%s\": not a time of RFC 3339", json_text(j));
}

/* Keys become names of files. */
static void
data_keys_validate(const struct json *map, const char *at, struct field_errors *to)
{
    for (struct json_item it = json_first(map); it.key != NULL; it = json_next(map, it)) {
        bool good = it.key[0] != '\0' && strlen(it.key) <= KEY_MAX_CHARS &&
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

/* ---- ConfigMaps and Secrets ---- */

static enum rc
configmap_read(const struct json *obj, struct err *e)
{
    return strings_read("ConfigMap", obj, "data", e);
}

static void
data_validate(const struct json *old, const struct json *obj, struct field_errors *to)
{
    data_keys_validate(json_field(obj, "data"), "data", to);
    if (json_is_true(json_field(old, "immutable")))
        fixed_validate(old, obj, (const char *const[]){"data", NULL}, "data", to);
}

static void
cells_data(const struct json *obj, struct json *cells)
{
    json_push(cells, json_new_int((int64_t)(json_size(json_field(obj, "data")) +
                                            json_size(json_field(obj, "binaryData")))));
    cell_created(cells, obj);
}

/* stringData is for writing only. */
static void
secret_defaults(const struct json *old, struct json *obj)
{
    struct json *plain = json_field(obj, "stringData"), *data;

    (void)old;
    default_cstr(obj, "type", "Opaque");
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

static enum rc
secret_read(const struct json *obj, struct err *e)
{
    if (strings_read("Secret", obj, "data", e) || strings_read("Secret", obj, "stringData", e))
        return err_code(e);
    return base64_read(json_field(obj, "data"), e);
}

static void
secret_validate(const struct json *old, const struct json *obj, struct field_errors *to)
{
    fixed_validate(old, obj, (const char *const[]){"type", NULL}, "type", to);
    data_validate(old, obj, to);
}

static void
cells_secret(const struct json *obj, struct json *cells)
{
    cell_text(cells, json_field(obj, "type"), "Opaque");
    cells_data(obj, cells);
}

/* ---- namespaces ---- */

static void
namespace_defaults(const struct json *old, struct json *obj)
{
    bool going = json_dig(obj, "metadata", "deletionTimestamp") != NULL;

    (void)old;
    json_set_cstr(json_need_object(json_need_object(obj, "metadata"), "labels"),
                  "kubernetes.io/metadata.name",
                  json_text_or(json_dig(obj, "metadata", "name"), ""));
    if (json_dig(obj, "spec", "finalizers") == NULL)
        json_push_cstr(json_need_array(json_need_object(obj, "spec"), "finalizers"), "kubernetes");
    json_set_cstr(json_need_object(obj, "status"), "phase", going ? "Terminating" : "Active");
}

static void
namespace_deleting(struct json *obj)
{
    json_set_cstr(json_need_object(obj, "status"), "phase", "Terminating");
}

static bool
namespace_is_kept(const struct json *obj)
{
    return json_size(json_dig(obj, "spec", "finalizers")) > 0;
}

static void
cells_namespace(const struct json *obj, struct json *cells)
{
    cell_text(cells, json_dig(obj, "status", "phase"), "Active");
    cell_created(cells, obj);
}

/* ---- claims ---- */

static void
claim_defaults(const struct json *old, struct json *obj)
{
    (void)old;
    default_cstr(json_field(obj, "spec"), "volumeMode", "Filesystem");
}

static void
claim_new_status(struct json *status)
{
    json_set_cstr(status, "phase", "Pending");
}

static void
cells_claim(const struct json *obj, struct json *cells)
{
    CLEANUP(buf_release) struct buf modes = BUF_INIT(256);
    const struct json *list = json_dig(obj, "spec", "accessModes");

    cell_text(cells, json_dig(obj, "status", "phase"), "Pending");
    cell_text(cells, json_dig(obj, "spec", "volumeName"), "");
    cell_text(cells, json_dig(obj, "status", "capacity", "storage"), "");
    for (size_t i = 0; i < json_size(list); i++) {
        const char *mode = json_text_or(json_elem(list, i), "");
        cell_word(&modes, strcmp(mode, "ReadWriteOnce") == 0   ? "RWO"
                          : strcmp(mode, "ReadWriteMany") == 0 ? "RWX"
                          : strcmp(mode, "ReadOnlyMany") == 0  ? "ROX"
                                                               : mode);
    }
    cell_words(cells, &modes, "");
    cell_text(cells, json_dig(obj, "spec", "storageClassName"), "");
    cell_created(cells, obj);
}

/* ---- services ---- */

static void
service_defaults(const struct json *old, struct json *obj)
{
    struct json *spec = json_need_object(obj, "spec"), *ports = json_field(spec, "ports");

    (void)old;
    default_cstr(spec, "type", "ClusterIP");
    default_cstr(spec, "sessionAffinity", "None");
    for (size_t i = 0; i < json_size(ports); i++) {
        struct json *p = json_elem(ports, i);
        default_cstr(p, "protocol", "TCP");
        if (json_field(p, "targetPort") == NULL && json_field(p, "port") != NULL)
            json_set(p, "targetPort", json_clone(json_field(p, "port")));
    }
}

static void
cells_service(const struct json *obj, struct json *cells)
{
    CLEANUP(buf_release) struct buf ports = BUF_INIT(1024);
    const struct json *spec = json_field(obj, "spec"), *list = json_field(spec, "ports");

    cell_text(cells, json_field(spec, "type"), "ClusterIP");
    cell_text(cells, json_field(spec, "clusterIP"), "<none>");
    cell_text(cells, json_field(spec, "externalName"), "<none>");
    for (size_t i = 0; i < json_size(list); i++) {
        CLEANUP(mem_free_ptr)
        char *port =
            mem_printf("%lld/%s", (long long)json_int_or(json_field(json_elem(list, i), "port"), 0),
                       json_text_or(json_field(json_elem(list, i), "protocol"), "TCP"));
        cell_word(&ports, port);
    }
    cell_words(cells, &ports, "<none>");
    cell_created(cells, obj);
    cell_labels(cells, json_field(spec, "selector"));
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
            cell_word(&all, one);
        }
    }
    cell_words(cells, &all, "<none>");
    cell_created(cells, obj);
}

static void
cells_endpoint_slice(const struct json *obj, struct json *cells)
{
    CLEANUP(buf_release) struct buf ports = BUF_INIT(1024), ips = BUF_INIT(1024);
    const struct json *all = json_field(obj, "ports"), *ends = json_field(obj, "endpoints");

    for (size_t i = 0; i < json_size(all); i++) {
        CLEANUP(mem_free_ptr)
        char *port =
            mem_printf("%lld", (long long)json_int_or(json_field(json_elem(all, i), "port"), 0));
        cell_word(&ports, port);
    }
    for (size_t i = 0; i < json_size(ends); i++)
        cell_word(&ips,
                  json_text_or(json_elem(json_field(json_elem(ends, i), "addresses"), 0), ""));
    cell_text(cells, json_field(obj, "addressType"), "<unset>");
    cell_words(cells, &ports, "<unset>");
    cell_words(cells, &ips, "<unset>");
    cell_created(cells, obj);
}

/* ---- leases ---- */

static enum rc
lease_read(const struct json *obj, struct err *e)
{
    const struct json *spec = json_field(obj, "spec");

    if (time_read(json_field(spec, "renewTime"), e))
        return err_code(e);
    return time_read(json_field(spec, "acquireTime"), e);
}

static void
lease_validate(const struct json *old, const struct json *obj, struct field_errors *to)
{
    const struct json *lasts = json_dig(obj, "spec", "leaseDurationSeconds");

    (void)old;
    if (lasts != NULL && json_int_or(lasts, 0) <= 0)
        field_error_add(to, "FieldValueInvalid", "spec.leaseDurationSeconds",
                        "Invalid value: must be greater than 0");
}

static void
cells_lease(const struct json *obj, struct json *cells)
{
    cell_text(cells, json_dig(obj, "spec", "holderIdentity"), "");
    cell_created(cells, obj);
}

/* ---- the rest ---- */

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
    cell_age(cells, last);
    cell_text(cells, json_field(obj, "type"), "");
    cell_text(cells, json_field(obj, "reason"), "");
    CLEANUP(mem_free_ptr)
    char *name = mem_printf("%s/%s", json_text_or(json_field(on, "kind"), ""),
                            json_text_or(json_field(on, "name"), ""));
    for (char *p = name; *p != '/'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    json_push_cstr(cells, name);
    cell_text(cells, json_field(on, "fieldPath"), "");
    cell_text(cells, json_dig(obj, "source", "component"),
              json_text_or(json_field(obj, "reportingComponent"), ""));
    cell_text(cells, json_field(obj, "message"), "");
    cell_age(cells, first);
    json_push(cells, json_new_int(count));
    cell_text(cells, json_dig(obj, "metadata", "name"), "");
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
    cell_created(cells, obj);
    cell_text(cells, json_dig(obj, "status", "nodeInfo", "kubeletVersion"), "");
}

static void
cells_service_account(const struct json *obj, struct json *cells)
{
    json_push(cells, json_new_int((int64_t)json_size(json_field(obj, "secrets"))));
    cell_created(cells, obj);
}

const struct resource_ops configmap_ops = {
    .read = configmap_read, .validate = data_validate, .columns = "Data|Age", .cells = cells_data};

const struct resource_ops secret_ops = {
    .defaults = secret_defaults,
    .read = secret_read,
    .validate = secret_validate,
    .columns = "Type|Data|Age",
    .cells = cells_secret,
};

static const char *const namespace_subresources[] = {"finalize", NULL};

const struct resource_ops namespace_ops = {
    .defaults = namespace_defaults,
    .columns = "Status|Age",
    .cells = cells_namespace,
    .deleting = namespace_deleting,
    .is_kept = namespace_is_kept,
    .subresources = namespace_subresources,
};

const struct resource_ops claim_ops = {
    .defaults = claim_defaults,
    .new_status = claim_new_status,
    .columns = "Status|Volume|Capacity|Access Modes|StorageClass|Age",
    .cells = cells_claim,
};

const struct resource_ops service_ops = {
    .defaults = service_defaults,
    .columns = "Type|Cluster-IP|External-IP|Port(s)|Age|*Selector",
    .cells = cells_service,
};

const struct resource_ops endpoint_slice_ops = {.columns = "AddressType|Ports|Endpoints|Age",
                                                .cells = cells_endpoint_slice};
const struct resource_ops endpoints_ops = {.columns = "Endpoints|Age", .cells = cells_endpoints};

const struct resource_ops lease_ops = {
    .read = lease_read, .validate = lease_validate, .columns = "Holder|Age", .cells = cells_lease};

const struct resource_ops event_ops = {
    .columns = "Last Seen|Type|Reason|Object|*Subobject|*Source|Message|*First Seen|*Count|*Name",
    .cells = cells_event,
};

const struct resource_ops node_ops = {.columns = "Status|Roles|Age|Version", .cells = cells_node};

const struct resource_ops service_account_ops = {.columns = "Secrets|Age",
                                                 .cells = cells_service_account};
