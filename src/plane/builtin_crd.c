/* SPDX-License-Identifier: Apache-2.0 */
/* CustomResourceDefinitions: defaults, the status that says they are served, checks. */
#include "api/conditions.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/builtin.h"
#include "validation/cel_rules.h"
#include "validation/schema.h"

/* {type, status: "True", ...}, its time kept when it is there already. */
static void
crd_set_condition(struct json *conditions, const char *type, const char *reason,
                  const char *message)
{
    struct json *c = NULL;
    char now[API_TIME_TEXT];

    for (size_t i = 0; i < json_size(conditions); i++)
        if (strcmp(json_text_or(json_field(json_elem(conditions, i), "type"), ""), type) == 0)
            return;
    c = json_new_object();
    json_set_cstr(c, "type", type);
    json_set_cstr(c, "status", "True");
    json_set_cstr(c, "lastTransitionTime", api_time(clock_real_ms(), now));
    json_set_cstr(c, "reason", reason);
    json_set_cstr(c, "message", message);
    json_push(conditions, c);
}

static void
crd_default_names(struct json *spec)
{
    struct json *names = json_need_object(spec, "names");
    const char *kind = json_text_or(json_field(names, "kind"), "");

    if (json_field(names, "listKind") == NULL) {
        CLEANUP(mem_free_ptr) char *list = mem_printf("%sList", kind);
        json_set_cstr(names, "listKind", list);
    }
    if (json_field(names, "singular") == NULL) {
        CLEANUP(mem_free_ptr) char *lower = mem_strdup(kind);
        for (char *p = lower; *p != '\0'; p++)
            if (*p >= 'A' && *p <= 'Z')
                *p = (char)(*p + 32);
        json_set_cstr(names, "singular", lower);
    }
}

static void
crd_defaults(const struct json *old, struct json *crd)
{
    struct json *spec = json_need_object(crd, "spec"), *status, *conditions, *stored;
    const struct json *versions = json_field(spec, "versions");

    (void)old;
    crd_default_names(spec);
    if (json_field(spec, "conversion") == NULL)
        json_set_cstr(json_need_object(spec, "conversion"), "strategy", "None");
    status = json_need_object(crd, "status");
    json_set(status, "acceptedNames", json_clone(json_field(spec, "names")));
    conditions = json_need_array(status, "conditions");
    crd_set_condition(conditions, "NamesAccepted", "NoConflicts", "no conflicts found");
    crd_set_condition(conditions, "Established", "InitialNamesAccepted",
                      "the initial names have been accepted");
    stored = json_need_array(status, "storedVersions");
    for (size_t i = 0; i < json_size(versions); i++) {
        const struct json *v = json_elem(versions, i);
        const char *name = json_text_or(json_field(v, "name"), "");
        bool known = false;
        for (size_t s = 0; s < json_size(stored); s++)
            known = known || strcmp(json_text_or(json_elem(stored, s), ""), name) == 0;
        if (!known && json_is_true(json_field(v, "storage")))
            json_push_cstr(stored, name);
    }
}

static void
crd_version_validate(const struct json *v, size_t i, size_t *storage, struct field_errors *to)
{
    const struct json *schema = json_dig(v, "schema", "openAPIV3Schema");
    char field[128];

    *storage += json_is_true(json_field(v, "storage"));
    (void)snprintf(field, sizeof(field), "spec.versions[%zu].name", i);
    if (json_text_or(json_field(v, "name"), "")[0] == '\0')
        field_error_add(to, "FieldValueRequired", field, "Required value");
    (void)snprintf(field, sizeof(field), "spec.versions[%zu].schema.openAPIV3Schema", i);
    if (schema == NULL) {
        field_error_add(to, "FieldValueRequired", field, "Required value: schemas are required");
        return;
    }
    schema_check_structural(schema, field, to);
    rules_check(schema, field, to);
}

static void
crd_validate(const struct json *old, const struct json *crd, struct field_errors *to)
{
    static const char *const needed[] = {"plural", "kind"};
    const struct json *spec = json_field(crd, "spec"), *versions = json_field(spec, "versions");
    const char *group = json_text_or(json_field(spec, "group"), "");
    const char *scope = json_text_or(json_field(spec, "scope"), "");
    const char *plural = json_text_or(json_dig(spec, "names", "plural"), "");
    CLEANUP(mem_free_ptr) char *name = mem_printf("%s.%s", plural, group);
    char field[64];
    size_t storage = 0;

    if (strcmp(json_text_or(json_dig(crd, "metadata", "name"), ""), name) != 0)
        field_error_add(to, "FieldValueInvalid", "metadata.name",
                        "Invalid value: \"%s\": must be spec.names.plural+\".\"+spec.group",
                        json_text_or(json_dig(crd, "metadata", "name"), ""));
    if (strchr(group, '.') == NULL)
        field_error_add(to, "FieldValueInvalid", "spec.group",
                        "Invalid value: \"%s\": should be a domain with at least one dot", group);
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (json_text_or(json_dig(spec, "names", needed[i]), "")[0] == '\0') {
            (void)snprintf(field, sizeof(field), "spec.names.%s", needed[i]);
            field_error_add(to, "FieldValueRequired", field, "Required value");
        }
    if (strcmp(scope, "Namespaced") != 0 && strcmp(scope, "Cluster") != 0)
        field_error_add(to, "FieldValueNotSupported", "spec.scope",
                        "Unsupported value: \"%s\": supported values: \"Cluster\", \"Namespaced\"",
                        scope);
    if (strcmp(json_text_or(json_dig(spec, "conversion", "strategy"), "None"), "None") != 0)
        field_error_add(to, "FieldValueNotSupported", "spec.conversion.strategy",
                        "Unsupported value: conversion webhooks are not supported here: supported "
                        "values: \"None\"");
    for (size_t i = 0; i < json_size(versions); i++)
        crd_version_validate(json_elem(versions, i), i, &storage, to);
    if (storage != 1)
        field_error_add(to, "FieldValueInvalid", "spec.versions",
                        "Invalid value: must have exactly one version marked as storage version");
    if (old != NULL && strcmp(json_text_or(json_dig(old, "spec", "scope"), ""), scope) != 0)
        field_error_add(to, "FieldValueInvalid", "spec.scope",
                        "Invalid value: \"%s\": field is immutable", scope);
}

const struct resource_ops crd_ops = {
    .defaults = crd_defaults,
    .validate = crd_validate,
    .columns = "Created At",
    .cells = cells_created_at,
    .defines = true,
};
