/* SPDX-License-Identifier: Apache-2.0 */
#include "plane/table.h"

#include "api/age.h"
#include "base/clock.h"
#include "base/mem.h"
#include "plane/core.h"
#include "validation/path.h"

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
table_new(const struct resource_info *k)
{
    struct json *t = json_new_object(), *columns;
    const struct resource_ops *ops = k->ops;

    json_set_cstr(t, "kind", "Table");
    json_set_cstr(t, "apiVersion", "meta.k8s.io/v1");
    json_set(t, "metadata", json_new_object());
    columns = json_need_array(t, "columnDefinitions");
    json_set(t, "rows", json_new_array());
    add_column(columns, "Name", "string", "name", "Name of the object", 0);
    if (ops != NULL) {
        CLEANUP(mem_free_ptr) char *copy = mem_strdup(ops->columns);
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
column_push(struct json *cells, const struct json *column, const struct json *obj)
{
    const struct json *v = path_first(obj, json_text_or(json_field(column, "jsonPath"), ""));
    const char *type = json_text_or(json_field(column, "type"), "string");
    CLEANUP(mem_free_ptr) char *text = NULL;

    if (v == NULL || json_kind_of(v) == JSON_IS_NULL) {
        json_push(cells, json_new_null());
    } else if (strcmp(type, "date") == 0) {
        cell_age(cells, v);
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
table_add(struct json *table, const struct resource_info *k, struct json *obj, const char *include)
{
    const struct resource_ops *ops = k->ops;
    struct json *row = json_new_object(), *cells = json_new_array();

    cell_text(cells, json_dig(obj, "metadata", "name"), "");
    if (ops != NULL)
        ops->cells(obj, cells);
    else if (json_size(k->columns) == 0)
        cell_created(cells, obj);
    for (size_t i = 0; ops == NULL && i < json_size(k->columns); i++)
        column_push(cells, json_elem(k->columns, i), obj);
    json_set(row, "cells", cells);
    if (strcmp(include, "Object") == 0)
        json_set(row, "object", json_clone(obj));
    else if (strcmp(include, "None") != 0)
        json_set(row, "object", table_partial(obj));
    json_push(json_field(table, "rows"), row);
}
