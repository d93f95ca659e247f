/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_YAML_INTERNAL_H
#define JSON_YAML_INTERNAL_H

/*
 * json/yaml_internal -- what a plain scalar means; reader and writer must agree on it.
 */
#include "json/yaml.h"

/* The value of a plain scalar; NULL: it is a string. */
struct json *yaml_plain_value(struct str text);

#endif
