/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_NODE_H
#define JSON_NODE_H

/*
 * json/node -- JSON trees that are read leniently, built and changed: Kubernetes objects.
 *
 * Why      an object of the cluster is mostly optional fields, ours or somebody else's, and must go
 *          back with all that we do not know. So it stays a tree; nothing is decoded into structs.
 * Shape    readers take NULL and wrong types for "not there": chains of them need no checks.
 *          json_dig(j, "metadata", "name") walks objects. Keys keep their order.
 * Ownership  json_set and json_push take their value, unless its name says otherwise; json_set
 *          replaces. A tree is counted: json_ref shares it, json_free drops one share. A shared
 *          tree must not be changed.
 * Threads  several may read and share a tree that nobody changes; each drops its own share.
 * Errors   none can happen: memory ends the process (base/mem), a wrong argument is BUG.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "json/json.h"

struct json *json_new_object(void);
struct json *json_new_array(void);
/* Bad UTF-8 becomes U+FFFD. */
struct json *json_new_str(struct str s);
struct json *json_new_cstr(const char *s);
struct json *json_new_int(int64_t v);
struct json *json_new_double(double v);
struct json *json_new_bool(bool v);
struct json *json_new_null(void);

/* One share more; returns `j`. NULL stays NULL. */
struct json *json_ref(const struct json *j);
/* A deep copy of one's own. NULL stays NULL. */
struct json *json_clone(const struct json *j);
/* Same content; the order of keys plays no part, 1 and 1.0 differ. NULL equals NULL only. */
bool json_same(const struct json *a, const struct json *b);
/* Does `live` hold everything that `wanted` says? Lists element by element. */
bool json_covers(const struct json *live, const struct json *wanted);

enum json_kind {
    JSON_ABSENT, /* of NULL */
    JSON_IS_NULL,
    JSON_IS_BOOL,
    JSON_IS_INT,
    JSON_IS_DOUBLE,
    JSON_IS_STR,
    JSON_IS_ARRAY,
    JSON_IS_OBJECT
};
enum json_kind json_kind_of(const struct json *j);

/* Read. `key` as a C string; see above for NULL. All borrowed. */
struct json *json_field(const struct json *obj, const char *key);
struct json *json_dig_path(const struct json *j, const char *const *keys);
#define json_dig(j, ...) json_dig_path((j), (const char *const[]){__VA_ARGS__, NULL})
/* The text of a string, NULL for anything else. */
const char *json_text(const struct json *j);
/* The same, `otherwise` for anything else. */
const char *json_text_or(const struct json *j, const char *otherwise);
struct str json_text_str(const struct json *j); /* {NULL, 0} for anything else */
int64_t json_int_or(const struct json *j, int64_t otherwise);
double json_double_or(const struct json *j, double otherwise); /* an int counts */
bool json_is_true(const struct json *j);

/* Fields of an object in order: for (it = json_first(o); it.key; it = json_next(o, it)). */
struct json_item {
    const char *key;    /* NULL: no more */
    struct json *value; /* borrowed */
    void *at;
};
struct json_item json_first(const struct json *obj);
struct json_item json_next(const struct json *obj, struct json_item at);
size_t json_size(const struct json *j); /* fields of an object, elements of an array, else 0 */
/* Elements: json_elem(arr, i) for i < json_size(arr); NULL beyond or when it is not an array. */
struct json *json_elem(const struct json *arr, size_t i);

/* Change. Each takes `value`; NULL as value removes the field. */
void json_set(struct json *obj, const char *key, struct json *value);
void json_set_cstr(struct json *obj, const char *key, const char *v); /* NULL removes */
void json_set_int(struct json *obj, const char *key, int64_t v);
void json_set_bool(struct json *obj, const char *key, bool v);
void json_remove(struct json *obj, const char *key);
/* The object (array) at `key`, made when it is not there or is something else. Borrowed. */
struct json *json_need_object(struct json *obj, const char *key);
struct json *json_need_array(struct json *obj, const char *key);
void json_push(struct json *arr, struct json *value);
void json_push_cstr(struct json *arr, const char *v);
void json_put_at(struct json *arr, size_t i, struct json *value);    /* replace; i < size */
void json_insert_at(struct json *arr, size_t i, struct json *value); /* i <= size */
void json_remove_at(struct json *arr, size_t i);
/* Shallow: every field of `from` into `obj`, as a copy. */
void json_merge_fields(struct json *obj, const struct json *from);

/* Compact text, appended. RC_LIMIT at the buffer's ceiling. */
NODISCARD enum rc json_print(const struct json *j, struct buf *out, struct err *e);
/* The same with two blanks per level, for people. */
NODISCARD enum rc json_print_pretty(const struct json *j, struct buf *out, struct err *e);
/* Compact text of its own; keys sorted if `sorted`, for hashes and comparisons. mem_free. */
char *json_to_text(const struct json *j, bool sorted);

#endif
