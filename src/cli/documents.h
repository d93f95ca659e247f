/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DOCUMENTS_H
#define CLI_DOCUMENTS_H

/*
 * cli/documents -- the objects in files of YAML or JSON.
 *
 * Shape    each name is a file, "-" for the standard input, or a folder: its .yaml, .yml and .json
 *          files by name, not deeper. Lists are taken apart. The order stays.
 * Errors   name the file. Nothing at all is RC_INVALID.
 */
#include "opts/opts.h"
#include "json/node.h"

struct document {
    struct json *obj;
    char *from; /* the file */
};
struct documents {
    struct document *v;
    size_t n;
};

NODISCARD enum rc documents_read(const struct opt_list *files, struct documents *out,
                                 struct err *e);
void documents_release(struct documents *d);

#endif
