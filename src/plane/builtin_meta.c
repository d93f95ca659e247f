/* SPDX-License-Identifier: Apache-2.0 */
/* Names, labels, and what several resources have. */
#include "plane/builtin.h"

#include <ctype.h>
#include <stdio.h>

#include "base/mem.h"

enum { NAME_MAX_CHARS = 253, LABEL_MAX_CHARS = 63 };

void
default_cstr(struct json *obj, const char *key, const char *value)
{
    if (obj != NULL && json_field(obj, key) == NULL)
        json_set_cstr(obj, key, value);
}

void
default_int(struct json *obj, const char *key, int64_t value)
{
    if (obj != NULL && json_field(obj, key) == NULL)
        json_set_int(obj, key, value);
}

void
default_bool(struct json *obj, const char *key, bool value)
{
    if (obj != NULL && json_field(obj, key) == NULL)
        json_set_bool(obj, key, value);
}

bool
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
bool
is_path_segment(const char *s)
{
    return s[0] != '\0' && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 &&
           strpbrk(s, "/%") == NULL && strlen(s) <= NAME_MAX_CHARS;
}

/* The part behind the prefix of a label key, or a value of one. */
static bool
is_label_text(const char *s, bool may_be_empty)
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
        return is_label_text(key, false);
    CLEANUP(mem_free_ptr) char *prefix = mem_strndup(key, (size_t)(slash - key));
    return is_dns_subdomain(prefix) && is_label_text(slash + 1, false);
}

void
labels_validate(const struct json *map, const char *field, bool labels, struct field_errors *to)
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
        else if (labels && !is_label_text(json_text(it.value), true))
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
finalizer_validate(bool custom, const char *name, struct field_errors *to)
{
    static const char *const own[] = {"orphan", "foregroundDeletion", "kubernetes"};
    bool known = custom || strchr(name, '/') != NULL;

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
controllers_validate(const struct json *owners, struct field_errors *to)
{
    size_t n = 0;

    for (size_t i = 0; i < json_size(owners); i++)
        n += json_is_true(json_field(json_elem(owners, i), "controller"));
    if (n > 1)
        field_error_add(to, "FieldValueInvalid", "metadata.ownerReferences",
                        "Invalid value: Only one reference can have Controller set to true");
}

void
meta_validate(const struct json *obj, enum name_rule rule, bool custom, struct field_errors *to)
{
    const struct json *meta = json_field(obj, "metadata");
    const char *name = json_text_or(json_field(meta, "name"), "");
    const struct json *list = json_field(meta, "finalizers"), *owners;

    if (name[0] == '\0')
        field_error_add(to, "FieldValueRequired", "metadata.name",
                        "Required value: name or generateName is required");
    else if (rule == NAME_LABEL && !is_dns_label(name, strlen(name)))
        field_error_add(
            to, "FieldValueInvalid", "metadata.name",
            "Invalid value: \"%s\": a lowercase RFC 1123 label must consist of lower case "
            "alphanumeric characters or '-', and must start and end with an alphanumeric "
            "character",
            name);
    else if (rule == NAME_PATH_SEGMENT ? !is_path_segment(name) : !is_dns_subdomain(name))
        field_error_add(
            to, "FieldValueInvalid", "metadata.name",
            "Invalid value: \"%s\": a lowercase RFC 1123 subdomain must consist of lower case "
            "alphanumeric characters, '-' or '.', and must start and end with an "
            "alphanumeric character",
            name);
    labels_validate(json_field(meta, "labels"), "metadata.labels", true, to);
    labels_validate(json_field(meta, "annotations"), "metadata.annotations", false, to);
    for (size_t i = 0; i < json_size(list); i++)
        finalizer_validate(custom, json_text_or(json_elem(list, i), ""), to);
    owners = json_field(meta, "ownerReferences");
    controllers_validate(owners, to);
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

/* What may never change once it is written. */
void
fixed_validate(const struct json *old, const struct json *obj, const char *const *path,
               const char *field, struct field_errors *to)
{
    if (old != NULL && !json_same(json_dig_path(old, path), json_dig_path(obj, path)))
        field_error_add(to, "FieldValueInvalid", field, "Invalid value: field is immutable");
}
