/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and what binds them. */
#include "base/mem.h"
#include "plane/builtin.h"

static void
role_ref_validate(const struct json *old, const struct json *obj, bool of_cluster,
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

static void
role_binding_validate(const struct json *old, const struct json *obj, struct field_errors *to)
{
    role_ref_validate(old, obj, false, to);
}

static void
cluster_role_binding_validate(const struct json *old, const struct json *obj,
                              struct field_errors *to)
{
    role_ref_validate(old, obj, true, to);
}

static void
cells_binding(const struct json *obj, struct json *cells)
{
    CLEANUP(mem_free_ptr)
    char *role = mem_printf("%s/%s", json_text_or(json_dig(obj, "roleRef", "kind"), ""),
                            json_text_or(json_dig(obj, "roleRef", "name"), ""));

    json_push_cstr(cells, role);
    cell_created(cells, obj);
}

const struct resource_ops role_ops = {.columns = "Created At", .cells = cells_created_at};

const struct resource_ops role_binding_ops = {
    .validate = role_binding_validate, .columns = "Role|Age", .cells = cells_binding};

const struct resource_ops cluster_role_binding_ops = {
    .validate = cluster_role_binding_validate, .columns = "Role|Age", .cells = cells_binding};
