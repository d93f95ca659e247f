/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_LISTTYPE_H
#define VALIDATION_LISTTYPE_H

/*
 * validation/listtype -- how the fields of an object merge: whole, by elements, by keys.
 *
 * Source   the x-kubernetes-* marks of the API's types, for the fields that we store; those of the schema for custom resources.
 */
#include "json/node.h"

enum list_kind { LIST_ATOMIC, LIST_SET, LIST_MAP };
enum { LIST_KEYS_MAX = 4 };

struct list_type {
    enum list_kind kind;
    const char *keys[LIST_KEYS_MAX]; /* of LIST_MAP; borrowed from the schema */
    size_t n;
};

/* What a value is: what its schema says, or for built-in ones what its field is called. */
struct field_type {
    const char *field;
    const struct json *schema; /* custom only; NULL: it says nothing */
    bool custom;
};

struct list_type field_list_type(struct field_type t, const struct json *list);
bool field_is_atomic_map(struct field_type t);
struct field_type field_child(struct field_type t, const char *key);
struct field_type field_item(struct field_type t);

/* The element of `list` with the same keys as `like`; its place in `*at`. NULL: none. */
struct json *list_find(const struct json *list, const struct list_type *t, const struct json *like,
                       size_t *at);

#endif
