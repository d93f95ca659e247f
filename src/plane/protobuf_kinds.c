/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of other groups than "v1", and the list of all. */
#include <string.h>

#include "base/mem.h"
#include "plane/protobuf_messages.h"

/* clang-format off */
static const struct member pod_failure_policy_on_exit_codes_requirement[] = {
    KEPT_TEXT(1, "containerName"), KEPT_TEXT(2, "operator"), INTS(3, "values"), END};
static const struct member pod_failure_policy_on_pod_conditions_pattern[] = {KEPT_TEXT(1, "type"), KEPT_TEXT(2, "status"), END};
static const struct member pod_failure_policy_rule[] = {
    KEPT_TEXT(1, "action"), MESSAGE(2, "onExitCodes", pod_failure_policy_on_exit_codes_requirement),
    MESSAGES(3, "onPodConditions", pod_failure_policy_on_pod_conditions_pattern), END};
static const struct member pod_failure_policy[] = {MESSAGES(1, "rules", pod_failure_policy_rule), END};
static const struct member success_policy_rule[] = {KEPT_TEXT(1, "succeededIndexes"), KEPT_INT(2, "succeededCount"), END};
static const struct member success_policy[] = {MESSAGES(1, "rules", success_policy_rule), END};
static const struct member job_spec[] = {
    KEPT_INT(1, "parallelism"), KEPT_INT(2, "completions"), KEPT_INT(3, "activeDeadlineSeconds"),
    MESSAGE(4, "selector", message_label_selector), KEPT_BOOL(5, "manualSelector"),
    MESSAGE(6, "template", message_pod_template_spec), KEPT_INT(7, "backoffLimit"), KEPT_INT(8, "ttlSecondsAfterFinished"),
    KEPT_TEXT(9, "completionMode"), KEPT_BOOL(10, "suspend"), MESSAGE(11, "podFailurePolicy", pod_failure_policy),
    KEPT_INT(12, "backoffLimitPerIndex"), KEPT_INT(13, "maxFailedIndexes"), KEPT_TEXT(14, "podReplacementPolicy"),
    KEPT_TEXT(15, "managedBy"), MESSAGE(16, "successPolicy", success_policy), END};
static const struct member job_condition[] = {
    KEPT_TEXT(1, "type"), KEPT_TEXT(2, "status"), TIME(3, "lastProbeTime"), TIME(4, "lastTransitionTime"), TEXT(5, "reason"),
    TEXT(6, "message"), END};
static const struct member uncounted_terminated_pods[] = {TEXTS(1, "succeeded"), TEXTS(2, "failed"), END};
static const struct member job_status[] = {
    MESSAGES(1, "conditions", job_condition), TIME(2, "startTime"), TIME(3, "completionTime"), INT(4, "active"),
    INT(5, "succeeded"), INT(6, "failed"), TEXT(7, "completedIndexes"),
    MESSAGE(8, "uncountedTerminatedPods", uncounted_terminated_pods), KEPT_INT(9, "ready"), KEPT_TEXT(10, "failedIndexes"),
    KEPT_INT(11, "terminating"), END};
static const struct member job[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", job_spec), MESSAGE(3, "status", job_status), END};
static const struct member job_template_spec[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", job_spec), END};
static const struct member cron_job_spec[] = {
    KEPT_TEXT(1, "schedule"), KEPT_INT(2, "startingDeadlineSeconds"), TEXT(3, "concurrencyPolicy"), KEPT_BOOL(4, "suspend"),
    MESSAGE(5, "jobTemplate", job_template_spec), KEPT_INT(6, "successfulJobsHistoryLimit"),
    KEPT_INT(7, "failedJobsHistoryLimit"), KEPT_TEXT(8, "timeZone"), END};
static const struct member cron_job_status[] = {
    MESSAGES(1, "active", message_object_reference), TIME(4, "lastScheduleTime"), TIME(5, "lastSuccessfulTime"), END};
static const struct member cron_job[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", cron_job_spec), MESSAGE(3, "status", cron_job_status), END};
static const struct member policy_rule[] = {
    TEXTS(1, "verbs"), TEXTS(2, "apiGroups"), TEXTS(3, "resources"), TEXTS(4, "resourceNames"), TEXTS(5, "nonResourceURLs"),
    END};
static const struct member role[] = {MESSAGE(1, "metadata", message_object_meta), MESSAGES(2, "rules", policy_rule), END};
static const struct member aggregation_rule[] = {MESSAGES(1, "clusterRoleSelectors", message_label_selector), END};
static const struct member cluster_role[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGES(2, "rules", policy_rule),
    MESSAGE(3, "aggregationRule", aggregation_rule), END};
static const struct member subject[] = {
    KEPT_TEXT(1, "kind"), TEXT(2, "apiGroup"), KEPT_TEXT(3, "name"), TEXT(4, "namespace"), END};
static const struct member role_ref[] = {KEPT_TEXT(1, "apiGroup"), KEPT_TEXT(2, "kind"), KEPT_TEXT(3, "name"), END};
static const struct member role_binding[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGES(2, "subjects", subject), MESSAGE(3, "roleRef", role_ref), END};
static const struct member cluster_role_binding[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGES(2, "subjects", subject), MESSAGE(3, "roleRef", role_ref), END};
static const struct member field_selector_requirement[] = {
    KEPT_TEXT(1, "key"), KEPT_TEXT(2, "operator"), TEXTS(3, "values"), END};
static const struct member field_selector_attributes[] = {
    TEXT(1, "rawSelector"), MESSAGES(2, "requirements", field_selector_requirement), END};
static const struct member label_selector_attributes[] = {
    TEXT(1, "rawSelector"), MESSAGES(2, "requirements", message_label_selector_requirement), END};
static const struct member resource_attributes[] = {
    TEXT(1, "namespace"), TEXT(2, "verb"), TEXT(3, "group"), TEXT(4, "version"), TEXT(5, "resource"), TEXT(6, "subresource"),
    TEXT(7, "name"), MESSAGE(8, "fieldSelector", field_selector_attributes),
    MESSAGE(9, "labelSelector", label_selector_attributes), END};
static const struct member non_resource_attributes[] = {TEXT(1, "path"), TEXT(2, "verb"), END};
static const struct member self_subject_access_review_spec[] = {
    MESSAGE(1, "resourceAttributes", resource_attributes), MESSAGE(2, "nonResourceAttributes", non_resource_attributes), END};
static const struct member subject_access_review_status[] = {
    KEPT_BOOL(1, "allowed"), TEXT(2, "reason"), TEXT(3, "evaluationError"), BOOL(4, "denied"), END};
static const struct member self_subject_access_review[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", self_subject_access_review_spec),
    MESSAGE(3, "status", subject_access_review_status), END};
static const struct member subject_access_review_spec[] = {
    MESSAGE(1, "resourceAttributes", resource_attributes), MESSAGE(2, "nonResourceAttributes", non_resource_attributes),
    TEXT(3, "user"), TEXTS(4, "groups"), TEXTS_MAP(5, "extra"), TEXT(6, "uid"), END};
static const struct member subject_access_review[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", subject_access_review_spec),
    MESSAGE(3, "status", subject_access_review_status), END};
static const struct member local_subject_access_review[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", subject_access_review_spec),
    MESSAGE(3, "status", subject_access_review_status), END};
static const struct member self_subject_rules_review_spec[] = {TEXT(1, "namespace"), END};
static const struct member resource_rule[] = {
    TEXTS(1, "verbs"), TEXTS(2, "apiGroups"), TEXTS(3, "resources"), TEXTS(4, "resourceNames"), END};
static const struct member non_resource_rule[] = {TEXTS(1, "verbs"), TEXTS(2, "nonResourceURLs"), END};
static const struct member subject_rules_review_status[] = {
    MESSAGES(1, "resourceRules", resource_rule), MESSAGES(2, "nonResourceRules", non_resource_rule), KEPT_BOOL(3, "incomplete"),
    TEXT(4, "evaluationError"), END};
static const struct member self_subject_rules_review[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", self_subject_rules_review_spec),
    MESSAGE(3, "status", subject_rules_review_status), END};
static const struct member user_info[] = {TEXT(1, "username"), TEXT(2, "uid"), TEXTS(3, "groups"), TEXTS_MAP(4, "extra"), END};
static const struct member self_subject_review_status[] = {MESSAGE(1, "userInfo", user_info), END};
static const struct member self_subject_review[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "status", self_subject_review_status), END};
static const struct member token_review_spec[] = {TEXT(1, "token"), TEXTS(2, "audiences"), END};
static const struct member token_review_status[] = {
    BOOL(1, "authenticated"), MESSAGE(2, "user", user_info), TEXT(3, "error"), TEXTS(4, "audiences"), END};
static const struct member token_review[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", token_review_spec),
    MESSAGE(3, "status", token_review_status), END};
static const struct member lease_spec[] = {
    KEPT_TEXT(1, "holderIdentity"), KEPT_INT(2, "leaseDurationSeconds"), MICRO_TIME(3, "acquireTime"),
    MICRO_TIME(4, "renewTime"), KEPT_INT(5, "leaseTransitions"), KEPT_TEXT(6, "strategy"), KEPT_TEXT(7, "preferredHolder"),
    END};
static const struct member lease[] = {MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", lease_spec), END};
static const struct member slice_endpoint_conditions[] = {
    KEPT_BOOL(1, "ready"), KEPT_BOOL(2, "serving"), KEPT_BOOL(3, "terminating"), END};
static const struct member slice_for_zone[] = {KEPT_TEXT(1, "name"), END};
static const struct member slice_for_node[] = {KEPT_TEXT(1, "name"), END};
static const struct member slice_endpoint_hints[] = {
    MESSAGES(1, "forZones", slice_for_zone), MESSAGES(2, "forNodes", slice_for_node), END};
static const struct member slice_endpoint[] = {
    TEXTS(1, "addresses"), MESSAGE(2, "conditions", slice_endpoint_conditions), KEPT_TEXT(3, "hostname"),
    MESSAGE(4, "targetRef", message_object_reference), TEXT_MAP(5, "deprecatedTopology"), KEPT_TEXT(6, "nodeName"),
    KEPT_TEXT(7, "zone"), MESSAGE(8, "hints", slice_endpoint_hints), END};
static const struct member slice_endpoint_port[] = {
    KEPT_TEXT(1, "name"), KEPT_TEXT(2, "protocol"), KEPT_INT(3, "port"), KEPT_TEXT(4, "appProtocol"), END};
static const struct member endpoint_slice[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGES(2, "endpoints", slice_endpoint),
    MESSAGES(3, "ports", slice_endpoint_port), KEPT_TEXT(4, "addressType"), END};

static const struct {
    const char *api_version, *kind;
    const struct member *members;
} kinds[] = {
    {"v1", "ConfigMap", message_config_map},
    {"v1", "Endpoints", message_endpoints},
    {"v1", "Event", message_event},
    {"v1", "Namespace", message_namespace},
    {"v1", "Node", message_node},
    {"v1", "PersistentVolumeClaim", message_persistent_volume_claim},
    {"v1", "Pod", message_pod},
    {"v1", "Secret", message_secret},
    {"v1", "Service", message_service},
    {"v1", "ServiceAccount", message_service_account},
    {"authentication.k8s.io/v1", "SelfSubjectReview", self_subject_review},
    {"authentication.k8s.io/v1", "TokenReview", token_review},
    {"authorization.k8s.io/v1", "LocalSubjectAccessReview", local_subject_access_review},
    {"authorization.k8s.io/v1", "SelfSubjectAccessReview", self_subject_access_review},
    {"authorization.k8s.io/v1", "SelfSubjectRulesReview", self_subject_rules_review},
    {"authorization.k8s.io/v1", "SubjectAccessReview", subject_access_review},
    {"batch/v1", "CronJob", cron_job},
    {"batch/v1", "Job", job},
    {"coordination.k8s.io/v1", "Lease", lease},
    {"discovery.k8s.io/v1", "EndpointSlice", endpoint_slice},
    {"rbac.authorization.k8s.io/v1", "ClusterRole", cluster_role},
    {"rbac.authorization.k8s.io/v1", "ClusterRoleBinding", cluster_role_binding},
    {"rbac.authorization.k8s.io/v1", "Role", role},
    {"rbac.authorization.k8s.io/v1", "RoleBinding", role_binding},
};
/* clang-format on */

const struct member *
message_of_kind(const char *api_version, const char *kind)
{
    if (strcmp(kind, "DeleteOptions") == 0) /* which every group has */
        return message_delete_options;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(api_version, kinds[i].api_version) == 0 && strcmp(kind, kinds[i].kind) == 0)
            return kinds[i].members;
    return NULL;
}
