/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATION_PATH_H
#define VALIDATION_PATH_H

/*
 * validation/path -- the JSONPath of printer columns: ".spec.a", "['a.b']", "[0]", "[*]" and
 * "[?(@.type=="Ready")]".
 */
#include "json/node.h"

/* The first value that the path finds, borrowed; NULL: none, or the path is malformed. */
const struct json *path_first(const struct json *j, const char *path);

#endif
