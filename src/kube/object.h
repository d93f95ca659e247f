/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

/*
 * kube/object -- the metadata that all objects share.
 *
 * Shape    readers take NULL and half-made objects and give NULL, 0 or false. What they return is
 *          borrowed until the object changes. Writers make metadata and its parts when needed.
 * Threads  as json/node.h.
 */
#include <stdbool.h>
#include <stdint.h>

#include "json/node.h"
#include "kube/kube.h"

/* The field of an object of which only the metadata could be read, from a list or a watch: why. */
#define KUBE_UNREADABLE "cstash.io/unreadable"

/* {apiVersion, kind, metadata: {name, namespace}}; `ns` is left out for NULL. */
struct json *kube_object_new(const struct kube_gvr *kind, const char *ns, const char *name);

const char *kube_name(const struct json *obj);
const char *kube_ns(const struct json *obj);
const char *kube_uid(const struct json *obj);
const char *kube_version(const struct json *obj); /* metadata.resourceVersion */
int64_t kube_generation(const struct json *obj);
int64_t kube_created_ms(const struct json *obj); /* unix ms of creationTimestamp, 0: none */
int64_t kube_time_ms(const struct json *text);   /* unix ms of an RFC 3339 string, 0: none */
bool kube_is_deleting(const struct json *obj);
struct json *kube_meta(struct json *obj); /* metadata, made when missing */

const char *kube_label(const struct json *obj, const char *key);
const char *kube_annotation(const struct json *obj, const char *key);
/* NULL as value removes. */
void kube_set_label(struct json *obj, const char *key, const char *value);
void kube_set_annotation(struct json *obj, const char *key, const char *value);

bool kube_has_finalizer(const struct json *obj, const char *name);
/* Did it change anything? */
bool kube_add_finalizer(struct json *obj, const char *name);
bool kube_remove_finalizer(struct json *obj, const char *name);

/* An ownerReferences entry for `owner`, with blockOwnerDeletion; the caller frees. */
struct json *kube_owner_ref(const struct json *owner, bool controller);
/* Put it into `obj`, in place of one with the same uid. True if that changed something. */
bool kube_set_owner(struct json *obj, const struct json *owner, bool controller);
/* The reference with controller: true, borrowed; NULL: none. */
const struct json *kube_controller_of(const struct json *obj);
bool kube_is_owned_by(const struct json *obj, const char *uid);

/* {apiVersion, kind, name, namespace, uid, resourceVersion}, as events and references have it. */
struct json *kube_reference(const struct json *obj);

/* Is `obj` of this group and kind, in any version? */
bool kube_is_kind(const struct json *obj, const struct kube_gvr *kind);

#endif
