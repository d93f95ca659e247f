/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_YAML_H
#define JSON_YAML_H

/*
 * json/yaml -- YAML text to JSON trees and back, as kubectl reads and writes it.
 *
 * Shape    any number of documents; JSON is YAML too. Plain scalars are typed as the YAML 1.1 of
 *          Kubernetes does (true, null, 1, 0x1F, 0o17, 1.5, .inf is text; yes, no, on, off are
 *          booleans when plain); quoted ones are strings. Keys become strings. Anchors, aliases
 *          and merge keys (<<) are understood.
 * Errors   RC_INVALID with the line; RC_LIMIT past a limit below. Duplicate keys are an error.
 * Limits   each with its reason: text, memory of a careless file; depth, our stack; nodes, the same; nodes (and 64 bytes
 *          of a text for one) that are there once more by anchors, aliases that multiply ("billion laughs").
 * Source   YAML 1.1, sigs.k8s.io/yaml.
 * Tests    yaml_test.c, fuzz/yaml.c
 */
#include "base/buf.h"
#include "json/node.h"

enum {
    YAML_TEXT_MAX = 64 * 1024 * 1024,
    YAML_DEPTH_MAX = 200,
    YAML_NODES_MAX = 4 * 1000 * 1000,
    YAML_REPEATED_MAX = 200 * 1000
};

/* An array of the documents; those without content are left out. The caller frees. */
NODISCARD enum rc yaml_to_json(struct str text, struct json **docs, struct err *e);

/*
 * Append `j` as one document in block style, without "---". Strings are quoted only when they
 * would be read as something else; those of several lines become blocks. RC_LIMIT.
 */
NODISCARD enum rc json_to_yaml(const struct json *j, struct buf *out, struct err *e);

#endif
