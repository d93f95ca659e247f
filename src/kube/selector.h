/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_SELECTOR_H
#define KUBE_SELECTOR_H

/*
 * kube/selector -- which objects are meant, by their labels or by their fields.
 *
 * Shape    parsed once, then asked per object. A label selector is "a=b,c!=d,e in (x,y),f notin
 *          (z),g,!h,n>5", or matchLabels and matchExpressions as JSON; a field selector is
 *          "metadata.name=x,status.phase!=y" with paths into the object. NULL or "" means all.
 * Errors   RC_INVALID with what is wrong in it.
 * Threads  a parsed selector may be shared.
 * Source   apimachinery labels.Parse, fields.ParseSelector; != and notin match a missing label.
 * Tests    selector_test.c
 */
#include "json/node.h"

struct kube_selector;

NODISCARD enum rc kube_selector_labels(const char *text, struct kube_selector **out, struct err *e);
NODISCARD enum rc kube_selector_json(const struct json *selector, struct kube_selector **out,
                                     struct err *e);
NODISCARD enum rc kube_selector_fields(const char *text, struct kube_selector **out, struct err *e);
void kube_selector_free(struct kube_selector *s);
void kube_selector_free_ptr(struct kube_selector **s);

/* Does the object match, by metadata.labels or by its fields? A missing field is "". */
bool kube_selector_match(const struct kube_selector *s, const struct json *obj);
/* Label selectors on a bare object of labels, such as a Pod template's. */
bool kube_selector_match_labels(const struct kube_selector *s, const struct json *labels);
bool kube_selector_is_empty(const struct kube_selector *s);

/* A label selector in JSON form as text, for a list; RC_INVALID as above. The caller frees. */
NODISCARD enum rc kube_selector_text(const struct json *selector, char **out, struct err *e);

#endif
