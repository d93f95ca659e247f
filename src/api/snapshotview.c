/* SPDX-License-Identifier: Apache-2.0 */
/* SnapshotView: of ours alone, so its group is too. */
#include "api/kinds.h"
#include "api/shared_internal.h"

enum { GLOBS_MAX = 32, DBS_MAX = 32, TYPES_MAX = 16, FILTERS_MAX = 64 };

static const struct rule rules_spec[] = {
    {"self == oldSelf", "a look is not changed: make another one"},
    {.cel = NULL},
};
static const char *const commands[] = {"keys", "get", "diff", NULL};
static const char *const orders[] = {"none", "size", NULL};
static const char *const phases[] = {"Pending", "Running", "Ready", "Failed", "Expired", NULL};
static const struct field fields_name[] = {
    {.name = "name", .type = F_NAME, .required = true, .doc = "Name, in the same namespace"},
    {.name = NULL},
};
static const struct field fields_spec[] = {
    {.name = "repository",
     .type = F_OBJECT,
     .required = true,
     .of = fields_name,
     .doc = "Repository whose snapshots are looked at"},
    {.name = "command",
     .type = F_STR,
     .required = true,
     .words = commands,
     .doc = "What `cstash` is asked: keys, get or diff"},
    {.name = "snapshots",
     .type = F_STRS,
     .max_items = 2,
     .refused = "another number than the command takes",
     .doc = "Which: an ID, \"latest\", \"latest:N\"; two for diff, else one, the latest when "
            "missing"},
    {.name = "before",
     .type = F_TIME,
     .doc = "The latest of those that are not younger, in place of snapshots"},
    {.name = "hosts",
     .type = F_STRS,
     .max_items = FILTERS_MAX,
     .doc = "Only snapshots of these hosts"},
    {.name = "tags",
     .type = F_STRS,
     .max_items = FILTERS_MAX,
     .doc = "Only snapshots with one of these lists of tags: \"a,b\""},
    {.name = "target", .type = F_STR, .doc = "Only snapshots of this target, as lists show it"},
    {.name = "path", .type = F_STR, .doc = "Path of the dump in the snapshot"},
    {.name = "match",
     .type = F_STRS,
     .max_items = GLOBS_MAX,
     .doc = "Of keys and diff: only keys whose names match one of these"},
    {.name = "exclude",
     .type = F_STRS,
     .max_items = GLOBS_MAX,
     .doc = "Of keys and diff: no keys whose names match one of these"},
    {.name = "types",
     .type = F_STRS,
     .max_items = TYPES_MAX,
     .refused = "those that there are not",
     .doc = "Of keys and diff: only keys of these types"},
    {.name = "databases",
     .type = F_INT32S,
     .max_items = DBS_MAX,
     .refused = "less than 0, and with get",
     .doc = "Of keys and diff: only these databases"},
    {.name = "db",
     .type = F_INT64,
     .refused = "less than 0, and with keys and diff",
     .doc = "Of get: the key's database"},
    {.name = "key", .type = F_STR, .doc = "Of get: the key"},
    {.name = "keyBase64", .type = F_BYTES, .doc = "Of get: one whose name is not text"},
    {.name = "sort", .type = F_STR, .words = orders, .doc = "Of keys: size: the largest first"},
    {.name = "top",
     .type = F_INT64,
     .refused = "less than 1 and more than 100000",
     .doc = "Of keys by size: so many; 100 when missing"},
    {.name = "resp", .type = F_BOOL, .doc = "Of get: as commands that make the key"},
    {.name = "summary", .type = F_BOOL, .doc = "Of diff: only how many, by prefix"},
    {.name = "values", .type = F_BOOL, .doc = "Of diff: with the values"},
    {.name = "json", .type = F_BOOL, .doc = "As JSON"},
    {.name = "noLock", .type = F_BOOL, .doc = "Do not lock the repository"},
    {.name = "ttlSecondsAfterFinished",
     .type = F_INT32,
     .doc = "How long the object stays when its result is gone; 600 when missing"},
    {.name = "user",
     .type = F_STR,
     .doc = "Who may fetch the result without a right to run commands in Pods: a user as the "
            "cluster names them"},
    {.name = NULL},
};
static const struct field fields_status[] = {
    FIELD_OBSERVED,
    FIELD_CONDITIONS,
    {.name = "phase",
     .type = F_STR,
     .words = phases,
     .doc = "Ready: the result waits in the Pod to be fetched, once; Expired: it is gone"},
    {.name = "pod", .type = F_STR, .doc = "Pod that has the result"},
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "spec",
     .type = F_OBJECT,
     .required = true,
     .of = fields_spec,
     .rules = rules_spec,
     .doc = "What is asked"},
    {.name = "status", .type = F_OBJECT, .of = fields_status, .doc = "How far it is"},
    {.name = NULL},
};
static const struct column columns[] = {
    {"Repository", "string", ".spec.repository.name"},
    {"Command", "string", ".spec.command"},
    {"Phase", "string", ".status.phase"},
    {"Age", "date", ".metadata.creationTimestamp"},
    {.name = NULL},
};

const struct kube_gvr GVR_SNAPSHOT_VIEW = {"cstash.io", "v1alpha1", "snapshotviews", "SnapshotView",
                                           true};

const struct crd_def kind_snapshotview = {
    .gvr = &GVR_SNAPSHOT_VIEW,
    .singular = "snapshotview",
    .categories = categories_all,
    .status = true,
    .fields = fields,
    .columns = columns,
    .doc = "One look into a Repository from a cluster; the result is fetched from a Pod, once"};
