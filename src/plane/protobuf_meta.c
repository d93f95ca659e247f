/* SPDX-License-Identifier: Apache-2.0 */
/* What objects of every kind have, and what several kinds share. */
#include "plane/protobuf_messages.h"

/* clang-format off */
static const struct member owner_reference[] = {
    KEPT_TEXT(1, "kind"), KEPT_TEXT(3, "name"), KEPT_TEXT(4, "uid"), KEPT_TEXT(5, "apiVersion"), KEPT_BOOL(6, "controller"),
    KEPT_BOOL(7, "blockOwnerDeletion"), END};
const struct member message_object_meta[] = {
    TEXT(1, "name"), TEXT(2, "generateName"), TEXT(3, "namespace"), SERVERS(4, "selfLink"), TEXT(5, "uid"),
    TEXT(6, "resourceVersion"), INT(7, "generation"), TIME(8, "creationTimestamp"), TIME(9, "deletionTimestamp"),
    KEPT_INT(10, "deletionGracePeriodSeconds"), TEXT_MAP(11, "labels"), TEXT_MAP(12, "annotations"),
    MESSAGES(13, "ownerReferences", owner_reference), TEXTS(14, "finalizers"), SERVERS(17, "managedFields"), END};
const struct member message_label_selector_requirement[] = {
    KEPT_TEXT(1, "key"), KEPT_TEXT(2, "operator"), TEXTS(3, "values"), END};
const struct member message_label_selector[] = {
    TEXT_MAP(1, "matchLabels"), MESSAGES(2, "matchExpressions", message_label_selector_requirement), END};
const struct member message_local_object_reference[] = {TEXT(1, "name"), END};
const struct member message_object_reference[] = {
    TEXT(1, "kind"), TEXT(2, "namespace"), TEXT(3, "name"), TEXT(4, "uid"), TEXT(5, "apiVersion"), TEXT(6, "resourceVersion"),
    TEXT(7, "fieldPath"), END};
static const struct member preconditions[] = {KEPT_TEXT(1, "uid"), KEPT_TEXT(2, "resourceVersion"), END};
const struct member message_delete_options[] = {
    KEPT_INT(1, "gracePeriodSeconds"), MESSAGE(2, "preconditions", preconditions), KEPT_BOOL(3, "orphanDependents"),
    KEPT_TEXT(4, "propagationPolicy"), TEXTS(5, "dryRun"), KEPT_BOOL(6, "ignoreStoreReadErrorWithClusterBreakingPotential"),
    END};
static const struct member volume_resource_requirements[] = {QUANTITY_MAP(1, "limits"), QUANTITY_MAP(2, "requests"), END};
static const struct member typed_local_object_reference[] = {
    KEPT_TEXT(1, "apiGroup"), KEPT_TEXT(2, "kind"), KEPT_TEXT(3, "name"), END};
static const struct member typed_object_reference[] = {
    KEPT_TEXT(1, "apiGroup"), KEPT_TEXT(2, "kind"), KEPT_TEXT(3, "name"), KEPT_TEXT(4, "namespace"), END};
const struct member message_persistent_volume_claim_spec[] = {
    TEXTS(1, "accessModes"), MESSAGE(2, "resources", volume_resource_requirements), TEXT(3, "volumeName"),
    MESSAGE(4, "selector", message_label_selector), KEPT_TEXT(5, "storageClassName"), KEPT_TEXT(6, "volumeMode"),
    MESSAGE(7, "dataSource", typed_local_object_reference), MESSAGE(8, "dataSourceRef", typed_object_reference),
    KEPT_TEXT(9, "volumeAttributesClassName"), END};
/* clang-format on */
