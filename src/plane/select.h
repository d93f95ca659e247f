/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_SELECT_H
#define PLANE_SELECT_H

/* plane/select -- which objects of a list or a watch are wanted: selectors of the query. */
#include "kube/selector.h"
#include "plane/core.h"

struct selection {
    struct kube_selector *labels, *fields;
    char *name; /* NULL: any */
    bool all;   /* everything is wanted */
};

/* From labelSelector, fieldSelector and the name in the path. False: answered. */
bool selection_init(struct selection *s, struct call *c);
void selection_release(struct selection *s);
/* Of an object as it is stored. */
bool selection_match(const struct selection *s, struct str text);

#endif
