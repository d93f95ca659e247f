/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

/*
 * cli/print -- objects of a cluster as kubectl prints them.
 *
 * Shape    everything is appended to a buffer; the caller writes it out.
 * Safety   control characters in tables and descriptions are escaped: they are of whoever made the object.
 * Source   cli-runtime printers, text/tabwriter, the generic describer of kubectl.
 * Tests    print_test.c, tests/integration/verbs.bats against the real kubectl
 */
#include "json/node.h"

enum { PRINT_MAX = 512 * 1024 * 1024 }; /* ceiling for such buffers: a list of everything */

/*
 * Lines of cells, "a\tb\tc\n", with each column as wide as its longest cell in the lines around it
 * plus `padding`. The last cell of a line belongs to no column. As text/tabwriter.
 */
void print_tabs(struct str text, size_t padding, struct buf *out);

/* A table that may come in parts (a watch): a column never gets narrower. */
enum { PRINT_COLUMNS_MAX = 64 };
struct print_table {
    size_t width[PRINT_COLUMNS_MAX];
    bool with_namespace, wide, no_headers, show_labels;
    bool headed; /* the header is out */
};
/*
 * The rows of a meta.k8s.io/v1 Table, below its header the first time. `prefix` (NULL: none) is put
 * before names, with a slash. Returns how many rows. Any other object is a row of name and age.
 */
size_t print_table(struct print_table *t, const struct json *table, const char *prefix,
                   struct buf *out);

/* One object or a List: -o json, -o yaml. Keys are sorted, managedFields left out. */
NODISCARD enum rc print_json(const struct json *obj, struct buf *out, struct err *e);
NODISCARD enum rc print_yaml(const struct json *obj, struct buf *out, struct err *e);

/* kubectl's generic describer. `events` is an array, NULL: that part is left out. */
void print_describe(const struct json *obj, const struct json *events, struct buf *out);

#endif
