/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kinds.h"
#include "api/notes.h"
#include "api/shared_internal.h"
#include "base/mem.h"

static const struct field fields_verification[] = {
    {.name = "time", .type = F_TIME, .doc = "When"},
    {.name = "good", .type = F_BOOL, .doc = "Is it what it should be"},
    {.name = "level", .type = F_STR, .doc = "data or restore"},
    {.name = "reason", .type = F_STR, .doc = "Why it is not good"},
    {.name = "restoreDuration", .type = F_STR, .doc = "How long the load took"},
    {.name = NULL},
};
static const struct field fields_status[] = {
    {.name = "id", .type = F_STR, .doc = "ID in the repository"},
    {.name = "shortID", .type = F_STR, .doc = "Its first eight digits"},
    {.name = "time", .type = F_TIME, .doc = "When it was made"},
    {.name = "repository", .type = F_STR, .doc = "Repository that holds it"},
    {.name = "hostname", .type = F_STR, .doc = "Host of the snapshot"},
    {.name = "username", .type = F_STR, .doc = "User of whoever made it"},
    {.name = "uid", .type = F_INT64, .doc = "The user's number"},
    {.name = "gid", .type = F_INT64, .doc = "The group's number"},
    {.name = "tree", .type = F_STR, .doc = "ID of its root folder"},
    {.name = "paths", .type = F_STRS, .doc = "What it holds"},
    {.name = "tags", .type = F_STRS, .doc = "Tags"},
    {.name = "target", .type = F_STR, .doc = "Whose data it holds"},
    {.name = "keys", .type = F_INT64, .doc = "Keys of the Redis"},
    {.name = "digest", .type = F_STR, .doc = "Digest of the data"},
    {.name = "source", .type = F_STR, .doc = "How the data were read"},
    {.name = "shards", .type = F_INT64, .doc = "Shards of the cluster"},
    {.name = "skew", .type = F_STR, .doc = "Time between the points in time of the shards"},
    {.name = "partial",
     .type = F_STR,
     .doc = "Which part of the target it holds; whole if missing"},
    {.name = "memory",
     .type = F_INT64,
     .doc = "Bytes that the data took in their server, which is about what a restore needs"},
    {.name = "verified", .type = F_TIME, .doc = "When what it holds was last proven"},
    {.name = "verification",
     .type = F_OBJECT,
     .of = fields_verification,
     .doc = "What its last verification found"},
    FIELD_CONDITIONS,
    {.name = NULL},
};
static const struct field fields[] = {
    {.name = "status", .type = F_OBJECT, .of = fields_status, .doc = "What is known"},
    {.name = NULL},
};
/* Stash's columns and no others: its plug-in for kubectl counts them. */
static const struct column columns[] = {
    {"ID", "string", ".status.shortID"},
    {"Repository", "string", ".status.repository"},
    {"Hostname", "string", ".status.hostname"},
    {"Created At", "string", ".status.time"},
    {.name = NULL},
};
static const struct column wide[] = {
    {"Verified", "date", ".status.verified"}, {"Age", "date", ".status.time"}, {.name = NULL}};
/* Not "all", as Stash has it: whoever clears a namespace by `kubectl delete all --all` does not mean its backups. */
static const char *const categories[] = {"storage", "appscode", NULL};

const struct kube_gvr GVR_SNAPSHOT = {"repositories.stash.appscode.com", "v1alpha1", "snapshots",
                                      "Snapshot", true};

const struct crd_def kind_snapshot = {.gvr = &GVR_SNAPSHOT,
                                      .singular = "snapshot",
                                      .categories = categories,
                                      .status = true,
                                      .fields = fields,
                                      .columns = columns,
                                      .wide = wide,
                                      .doc = "A snapshot in a Repository, as Jobs found it there"};

char *
snapshots_due(const struct json *repo)
{
    const char *last = json_text_or(json_dig(repo, "status", "lastBackupTime"), ""),
               *note =
                   json_text_or(json_dig(repo, "metadata", "annotations", NOTE_SHOW_SNAPSHOTS), "");

    if (*last == '\0' && *note == '\0')
        return NULL;
    return mem_printf("%s%s%s", last, *last != '\0' && *note != '\0' ? " " : "", note);
}
