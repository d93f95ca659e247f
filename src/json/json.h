/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

/*
 * json/json -- a parsed JSON document, for small ones (large lists: json/pull.h). Writing:
 * json/write.h.
 *
 * Why      one place knows the library behind it.
 * Shape    json_parse gives the root; the getters look at one field of an object and say which
 *          field is missing or wrong. Unknown fields are passed over. Duplicate fields: the last
 *          one counts.
 * Errors   RC_CORRUPT for every wrong document or field.
 * Limits   JSON_TEXT_MAX bytes, 2048 levels (the library's bound), integers of int64_t.
 * Ownership  the root owns all; strings and children are borrowed from it.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum { JSON_TEXT_MAX = 64 * 1024 * 1024 };

struct json;

NODISCARD enum rc json_parse(struct str text, struct json **out, struct err *e);
/*
 * The same, but a whole number beyond 63 bits, which json_parse refuses with all that stands around
 * it, is read as null: for documents that must be read although one number in them is wrong.
 */
NODISCARD enum rc json_parse_lenient(struct str text, struct json **out, struct err *e);
/*
 * An object with this one field of the top level, or with none if it is not there, at a fraction of
 * the cost: what stands around it is passed over by its brackets and quotes, so `text` must have
 * been parsed as a whole before.
 */
NODISCARD enum rc json_parse_field(struct str text, const char *field, struct json **out,
                                   struct err *e);
/*
 * Past the object that begins with the brace at `p`, by its brackets and quotes alone; `end` when
 * it does not end before. Of a document that the library takes no part of this is the way around.
 */
const uint8_t *json_past_object(const uint8_t *p, const uint8_t *end);
/*
 * Cut fields of this name, at any depth, out of the `n` bytes at `text`, which must be JSON;
 * returns how many bytes are left. A name that is followed by white space is passed over.
 */
size_t json_cut_field(uint8_t *text, size_t n, const char *field);
void json_free(struct json *root);
/* For CLEANUP. */
void json_free_ptr(struct json **root);

bool json_node_is_object(const struct json *j);
bool json_node_is_array(const struct json *j);

/* A field that must be there. */
NODISCARD enum rc json_get_str(const struct json *obj, const char *field, struct str *out,
                               struct err *e);
NODISCARD enum rc json_get_u64(const struct json *obj, const char *field, uint64_t *out,
                               struct err *e);
NODISCARD enum rc json_get_bool(const struct json *obj, const char *field, bool *out,
                                struct err *e);
NODISCARD enum rc json_get_object(const struct json *obj, const char *field,
                                  const struct json **out, struct err *e);
NODISCARD enum rc json_get_array(const struct json *obj, const char *field, const struct json **out,
                                 struct err *e);

/* Is the field there and not null? */
bool json_has(const struct json *obj, const char *field);

/* A field that may be missing or null: `*out` keeps its value then. */
NODISCARD enum rc json_opt_str(const struct json *obj, const char *field, struct str *out,
                               struct err *e);
NODISCARD enum rc json_opt_u64(const struct json *obj, const char *field, uint64_t *out,
                               struct err *e);
NODISCARD enum rc json_opt_bool(const struct json *obj, const char *field, bool *out,
                                struct err *e);
NODISCARD enum rc json_opt_object(const struct json *obj, const char *field,
                                  const struct json **out, struct err *e);
NODISCARD enum rc json_opt_array(const struct json *obj, const char *field, const struct json **out,
                                 struct err *e);

/* Arrays; `arr` may be NULL, which is an empty one. */
size_t json_len(const struct json *arr);
const struct json *json_at(const struct json *arr, size_t i);
/* The element as a string. */
NODISCARD enum rc json_at_str(const struct json *arr, size_t i, struct str *out, struct err *e);

#endif
