/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/shared_internal.h"

static const struct field fields_param[] = {
    {.name = "name", .type = F_STR, .required = true, .doc = "Name of the variable"},
    {.name = "value", .type = F_STR, .doc = "Its value"},
    {.name = NULL},
};
static const struct field fields_step[] = {
    {.name = "name", .type = F_STR, .doc = "Function to run"},
    {.name = "params", .type = F_LIST, .of = fields_param, .doc = "Variables for it"},
    {.name = NULL},
};
static const struct field fields_spec[] = {
    {.name = "steps", .type = F_LIST, .of = fields_step, .doc = "Functions, one after the other"},
    {.name = "volumes", .type = F_FREE_LIST, .doc = "Volumes for all of them"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec", .type = F_OBJECT, .of = fields_spec, .doc = "What is to be done"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};
static const char *const short_names[] = {"task", NULL};

const struct kube_gvr GVR_TASK = {STASH_GROUP, STASH_VERSION, "tasks", "Task", false};

const struct crd_def kind_task = {.gvr = &GVR_TASK,
                                  .singular = "task",
                                  .short_names = short_names,
                                  .categories = categories_stash,
                                  .fields = fields,
                                  .columns = columns,
                                  .doc = "Functions that make a backup or a restore"};
