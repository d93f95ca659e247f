/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct field fields_spec[] = {
    {.name = "image", .type = F_STR, .doc = "Image"},
    {.name = "command", .type = F_STRS, .doc = "Entry point"},
    {.name = "args", .type = F_STRS, .doc = "Arguments, with ${VARIABLES}"},
    {.name = "workingDir", .type = F_STR, .doc = "Working directory"},
    {.name = "ports", .type = F_FREE_LIST, .doc = "Ports"},
    {.name = "volumeMounts", .type = F_FREE_LIST, .doc = "Volumes"},
    {.name = "volumeDevices", .type = F_FREE_LIST, .doc = "Block devices"},
    {.name = "runtimeSettings",
     .type = F_OBJECT,
     .of = fields_container_runtime,
     .doc = "Settings for the container"},
    {.name = "podSecurityPolicyName",
     .type = F_STR,
     .fate = FATE_NOTED,
     .doc = "Kept for old clusters; not used"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec", .type = F_OBJECT, .of = fields_spec, .doc = "The container"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};
static const char *const short_names[] = {"fn", NULL};

const struct kube_gvr GVR_FUNCTION = {STASH_GROUP, STASH_VERSION, "functions", "Function", false};

const struct crd_def kind_function = {.gvr = &GVR_FUNCTION,
                                      .singular = "function",
                                      .short_names = short_names,
                                      .categories = categories_stash,
                                      .fields = fields,
                                      .columns = columns,
                                      .doc = "A container with variables in its arguments"};
