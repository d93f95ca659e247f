/* SPDX-License-Identifier: Apache-2.0 */
#include "api/shared_internal.h"

#include "api/invoker.h"

const char *const categories_stash[] = {"stash", "appscode", NULL};
const char *const categories_all[] = {"stash", "appscode", "all", NULL};
const char *const words_driver[] = {"Restic", "VolumeSnapshotter", NULL};
const char *const words_order[] = {ORDER_PARALLEL, ORDER_SEQUENTIAL, NULL};

static const char *const words_from[] = {"All", "Selector", "Same", NULL};
static const char *const words_status[] = {"True", "False", "Unknown", NULL};
static const char *const words_backup_policy[] = {"Always", "OnFailure", "OnSuccess",
                                                  "OnFinalRetryFailure", NULL};
static const char *const words_restore_policy[] = {"Always", "OnFailure", "OnSuccess", NULL};

static const struct field fields_namespaces[] = {
    {.name = "from",
     .type = F_STR,
     .words = words_from,
     .otherwise = "\"Same\"",
     .doc = "All, those that the selector matches, or only the Repository's own"},
    {.name = "selector",
     .type = F_FREE,
     .refused = "none or one that cannot be read, where from is Selector",
     .doc = "Labels of the namespaces, for from: Selector"},
    {.name = NULL},
};
const struct field fields_usage_policy[] = {
    {.name = "allowedNamespaces",
     .type = F_OBJECT,
     .of = fields_namespaces,
     .doc = "Namespaces that may refer to this Repository"},
    {.name = NULL},
};

/* ---- what to do ---- */

const struct field fields_retention[] = {
    {.name = "name", .type = F_STR, .required = true, .doc = "Free text"},
    {.name = "keepLast",
     .type = F_INT64,
     .refused = "less than -1",
     .doc = "Keep the last n snapshots"},
    {.name = "keepHourly",
     .type = F_INT64,
     .refused = "less than -1",
     .doc = "Keep the last of each of n hours"},
    {.name = "keepDaily",
     .type = F_INT64,
     .refused = "less than -1",
     .doc = "Keep the last of each of n days"},
    {.name = "keepWeekly",
     .type = F_INT64,
     .refused = "less than -1",
     .doc = "Keep the last of each of n weeks"},
    {.name = "keepMonthly",
     .type = F_INT64,
     .refused = "less than -1",
     .doc = "Keep the last of each of n months"},
    {.name = "keepYearly",
     .type = F_INT64,
     .refused = "less than -1",
     .doc = "Keep the last of each of n years"},
    {.name = "keepTags", .type = F_STRS, .doc = "Keep snapshots with these tags"},
    {.name = "prune", .type = F_BOOL, .required = true, .doc = "Remove data nobody needs"},
    {.name = "dryRun", .type = F_BOOL, .doc = "Only say what would be removed"},
    {.name = NULL},
};

static const struct field fields_param[] = {
    {.name = "name", .type = F_STR, .required = true, .doc = "Name of the variable"},
    {.name = "value", .type = F_STR, .doc = "Its value"},
    {.name = NULL},
};
const struct field fields_task[] = {
    {.name = "name", .type = F_STR, .doc = "Name of the Task"},
    {.name = "params", .type = F_LIST, .of = fields_param, .doc = "Variables for its Functions"},
    {.name = NULL},
};
const struct field fields_ref[] = {
    {.name = "apiVersion", .type = F_STR, .doc = "Group and version"},
    {.name = "kind", .type = F_STR, .doc = "Kind"},
    {.name = "name", .type = F_NAME, .doc = "Name"},
    {.name = "namespace", .type = F_NAME, .doc = "Namespace; that of the referrer when empty"},
    {.name = NULL},
};
const struct field fields_object_ref[] = {
    {.name = "name", .type = F_NAME, .required = true, .doc = "Name"},
    {.name = "namespace", .type = F_NAME, .doc = "Namespace; that of the referrer when empty"},
    {.name = NULL},
};
const struct field fields_backup_target[] = {
    {.name = "alias", .type = F_STR, .doc = "Host name of the snapshots; host-0 when empty"},
    {.name = "ref", .type = F_OBJECT, .of = fields_ref, .doc = "What to back up"},
    {.name = "paths", .type = F_STRS, .fate = FATE_TOLD, .doc = "Folders, for volumes"},
    {.name = "volumeMounts",
     .type = F_FREE_LIST,
     .fate = FATE_TOLD,
     .doc = "Volumes of the target"},
    {.name = "replicas",
     .type = F_INT32,
     .fate = FATE_TOLD,
     .doc = "Replicas, for volume snapshots"},
    {.name = "snapshotClassName", .type = F_STR, .fate = FATE_TOLD, .doc = "VolumeSnapshotClass"},
    {.name = "exclude",
     .type = F_STRS,
     .fate = FATE_TOLD,
     .doc = "Patterns to leave out, for volumes"},
    {.name = "args", .type = F_STRS, .fate = FATE_TOLD, .doc = "Arguments for the driver"},
    {.name = NULL},
};

const struct rule rules_restore_rules[] = {
    {"self.filter(r, !has(r.targetHosts) || size(r.targetHosts) == 0).size() <= 1",
     "at most one rule may leave targetHosts empty"},
    {"self.all(r, !has(r.targetHosts) || r.targetHosts.all(h, self.exists_one(o, "
     "has(o.targetHosts) && h in o.targetHosts)))",
     "a target host may occur in one rule only"},
    {"self.all(r, !(has(r.snapshots) && size(r.snapshots) > 0 && has(r.paths) && "
     "size(r.paths) > 0))",
     "a rule names snapshots or paths, not both"},
    {.cel = NULL},
};
const struct field fields_rule[] = {
    {.name = "targetHosts",
     .type = F_STRS,
     .max_items = RESTORE_RULES_MAX,
     .doc = "Hosts the rule is for; all others when empty"},
    {.name = "sourceHost", .type = F_STR, .doc = "Host of the snapshots to restore"},
    {.name = "snapshots", .type = F_STRS, .doc = "IDs, or latest"},
    {.name = "paths", .type = F_STRS, .fate = FATE_TOLD, .doc = "Folders, for volumes"},
    {.name = "exclude", .type = F_STRS, .fate = FATE_TOLD, .doc = "Patterns to leave out"},
    {.name = "include", .type = F_STRS, .fate = FATE_TOLD, .doc = "Patterns to take"},
    {.name = NULL},
};
#define RESTORE_TARGET(rules_of_rules)                                                             \
    {.name = "alias", .type = F_STR, .doc = "Name of this host for the rules"},                    \
        {.name = "ref", .type = F_OBJECT, .of = fields_ref, .doc = "Where to restore to"},         \
        {.name = "volumeMounts",                                                                   \
         .type = F_FREE_LIST,                                                                      \
         .fate = FATE_TOLD,                                                                        \
         .doc = "Volumes of the target"},                                                          \
        {.name = "replicas", .type = F_INT32, .fate = FATE_TOLD, .doc = "Replicas, for volumes"},  \
        {.name = "volumeClaimTemplates",                                                           \
         .type = F_FREE_LIST,                                                                      \
         .fate = FATE_TOLD,                                                                        \
         .doc = "Claims to make"},                                                                 \
        {.name = "rules",                                                                          \
         .type = F_LIST,                                                                           \
         .of = fields_rule,                                                                        \
         .max_items = RESTORE_RULES_MAX,                                                           \
         .rules = (rules_of_rules),                                                                \
         .doc = "Which snapshot goes where"},                                                      \
        {.name = "args", .type = F_STRS, .fate = FATE_TOLD, .doc = "Arguments for the driver"},    \
    {                                                                                              \
        .name = NULL                                                                               \
    }
const struct field fields_restore_target[] = {RESTORE_TARGET(rules_restore_rules)};
/* A server counts a rule once for every member that a list may have: more than it grants. */
const struct field fields_member_target[] = {RESTORE_TARGET(NULL)};

const struct field fields_temp_dir[] = {
    {.name = "medium", .type = F_STR, .doc = "Memory, or empty for the node's disk"},
    {.name = "sizeLimit", .type = F_QUANTITY, .doc = "Most bytes"},
    {.name = "disableCaching", .type = F_BOOL, .doc = "Do not cache the repository's metadata"},
    {.name = NULL},
};

/* ---- runtime settings ---- */

static const struct field fields_nice[] = {
    {.name = "adjustment", .type = F_INT32, .doc = "-20 (first) to 19 (last)"},
    {.name = NULL},
};
static const struct field fields_ionice[] = {
    {.name = "class", .type = F_INT32, .doc = "0 none, 1 realtime, 2 best effort, 3 idle"},
    {.name = "classData", .type = F_INT32, .doc = "0 (first) to 7 (last)"},
    {.name = NULL},
};
const struct field fields_container_runtime[] = {
    {.name = "resources", .type = F_FREE, .doc = "Requests and limits"},
    {.name = "livenessProbe", .type = F_FREE, .doc = "Liveness probe"},
    {.name = "readinessProbe", .type = F_FREE, .doc = "Readiness probe"},
    {.name = "lifecycle", .type = F_FREE, .doc = "Lifecycle hooks"},
    {.name = "securityContext", .type = F_FREE, .doc = "Security context of the container"},
    {.name = "nice", .type = F_OBJECT, .of = fields_nice, .doc = "CPU priority"},
    {.name = "ionice", .type = F_OBJECT, .of = fields_ionice, .doc = "Disk priority"},
    {.name = "envFrom", .type = F_FREE_LIST, .doc = "Sources of environment variables"},
    {.name = "env", .type = F_FREE_LIST, .doc = "Environment variables"},
    {.name = NULL},
};
static const struct field fields_pod_runtime[] = {
    {.name = "podLabels", .type = F_STR_MAP, .doc = "Labels of the pods"},
    {.name = "podAnnotations", .type = F_STR_MAP, .doc = "Annotations of the pods"},
    {.name = "nodeSelector", .type = F_STR_MAP, .doc = "Labels of the nodes"},
    {.name = "serviceAccountName", .type = F_STR, .doc = "Use this account, make none"},
    {.name = "serviceAccountAnnotations",
     .type = F_STR_MAP,
     .doc = "Annotations of the account that is made"},
    {.name = "automountServiceAccountToken", .type = F_BOOL, .doc = "Mount the account's token"},
    {.name = "nodeName", .type = F_STR, .doc = "This node"},
    {.name = "securityContext", .type = F_FREE, .doc = "Security context of the pod"},
    {.name = "imagePullSecrets", .type = F_FREE_LIST, .doc = "Secrets for the registry"},
    {.name = "affinity", .type = F_FREE, .doc = "Affinity"},
    {.name = "schedulerName", .type = F_STR, .doc = "Scheduler"},
    {.name = "tolerations", .type = F_FREE_LIST, .doc = "Tolerations"},
    {.name = "priorityClassName", .type = F_STR, .doc = "Priority class"},
    {.name = "priority", .type = F_INT32, .doc = "Priority"},
    {.name = "readinessGates", .type = F_FREE_LIST, .doc = "Readiness gates"},
    {.name = "runtimeClassName", .type = F_STR, .doc = "Runtime class"},
    {.name = "enableServiceLinks", .type = F_BOOL, .doc = "Services as environment variables"},
    {.name = "topologySpreadConstraints", .type = F_FREE_LIST, .doc = "Spread constraints"},
    {.name = NULL},
};
const struct field fields_runtime[] = {
    {.name = "pod", .type = F_OBJECT, .of = fields_pod_runtime, .doc = "For pods"},
    {.name = "container",
     .type = F_OBJECT,
     .of = fields_container_runtime,
     .doc = "For containers"},
    {.name = NULL},
};

const struct field fields_retry[] = {
    {.name = "maxRetry", .type = F_INT32, .otherwise = "1", .doc = "How often to try again"},
    {.name = "delay", .type = F_DURATION, .doc = "How long to wait before"},
    {.name = NULL},
};
const struct field fields_last_backup[] = {
    {.name = "session", .type = F_STR, .doc = "Its name"},
    {.name = "seconds", .type = F_INT64, .doc = "Time it took"},
    {.name = "keys", .type = F_INT64, .doc = "Keys, of all targets"},
    {.name = "bytes", .type = F_INT64, .doc = "Bytes read"},
    {.name = "storedBytes", .type = F_INT64, .doc = "Bytes added to the repository"},
    {.name = NULL},
};
const struct field fields_condition[] = {
    {.name = "type", .type = F_STR, .required = true, .doc = "What it is about"},
    {.name = "status", .type = F_STR, .required = true, .words = words_status, .doc = "Is it so"},
    {.name = "lastTransitionTime", .type = F_TIME, .required = true, .doc = "Since when"},
    {.name = "reason", .type = F_STR, .doc = "One word"},
    {.name = "message", .type = F_STR, .doc = "For people"},
    {.name = "severity", .type = F_STR, .doc = "How bad"},
    {.name = "observedGeneration", .type = F_INT64, .doc = "Generation it was seen at"},
    {.name = NULL},
};

/* ---- hooks ---- */

static const struct field fields_exec[] = {
    {.name = "command", .type = F_STRS, .doc = "Program and arguments"},
    {.name = NULL},
};
static const struct field fields_header[] = {
    {.name = "name", .type = F_STR, .required = true, .doc = "Name"},
    {.name = "value", .type = F_STR, .required = true, .doc = "Value"},
    {.name = NULL},
};
static const struct field fields_form[] = {
    {.name = "key", .type = F_STR, .required = true, .doc = "Name"},
    {.name = "values", .type = F_STRS, .doc = "Values"},
    {.name = NULL},
};
#define FIELDS_HTTP                                                                                \
    {.name = "path", .type = F_STR, .doc = "Path"},                                                \
        {.name = "port", .type = F_PORT, .required = true, .doc = "Port"},                         \
        {.name = "host", .type = F_STR, .doc = "Host; the pod's address when empty"},              \
        {.name = "scheme", .type = F_STR, .doc = "HTTP (the default) or HTTPS"},                   \
    {                                                                                              \
        .name = "httpHeaders", .type = F_LIST, .of = fields_header, .doc = "Headers"               \
    }
static const struct field fields_get[] = {FIELDS_HTTP, {.name = NULL}};
static const struct field fields_post[] = {
    FIELDS_HTTP,
    {.name = "body", .type = F_STR, .doc = "Body"},
    {.name = "form", .type = F_LIST, .of = fields_form, .doc = "Form fields instead of a body"},
    {.name = NULL},
};
static const struct field fields_tcp[] = {
    {.name = "port", .type = F_PORT, .required = true, .doc = "Port"},
    {.name = "host", .type = F_STR, .doc = "Host; the pod's address when empty"},
    {.name = NULL},
};
#define FIELDS_HANDLER                                                                             \
    {.name = "exec", .type = F_OBJECT, .of = fields_exec, .doc = "Run in the target's pod"},       \
        {.name = "httpGet", .type = F_OBJECT, .of = fields_get, .doc = "GET"},                     \
        {.name = "httpPost", .type = F_OBJECT, .of = fields_post, .doc = "POST"},                  \
        {.name = "tcpSocket", .type = F_OBJECT, .of = fields_tcp, .doc = "Connect"},               \
    {                                                                                              \
        .name = "containerName", .type = F_STR, .doc = "Container for exec; the first when empty"  \
    }
#define FIELD_POLICY(list)                                                                         \
    {                                                                                              \
        .name = "executionPolicy", .type = F_STR, .words = (list), .otherwise = "\"Always\"",      \
        .doc = "When to run it"                                                                    \
    }
static const struct field fields_handler[] = {FIELDS_HANDLER, {.name = NULL}};
static const struct field fields_post_backup[] = {
    FIELDS_HANDLER, FIELD_POLICY(words_backup_policy), {.name = NULL}};
static const struct field fields_post_restore[] = {
    FIELDS_HANDLER, FIELD_POLICY(words_restore_policy), {.name = NULL}};
const struct field fields_backup_hooks[] = {
    {.name = "preBackup", .type = F_OBJECT, .of = fields_handler, .doc = "Before the backup"},
    {.name = "postBackup", .type = F_OBJECT, .of = fields_post_backup, .doc = "After it"},
    {.name = NULL},
};
const struct field fields_restore_hooks[] = {
    {.name = "preRestore", .type = F_OBJECT, .of = fields_handler, .doc = "Before the restore"},
    {.name = "postRestore", .type = F_OBJECT, .of = fields_post_restore, .doc = "After it"},
    {.name = NULL},
};
