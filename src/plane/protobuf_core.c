/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of "v1" but Pods. */
#include "plane/protobuf_messages.h"

/* clang-format off */
const struct member message_config_map[] = {
    MESSAGE(1, "metadata", message_object_meta), TEXT_MAP(2, "data"), BYTES_MAP(3, "binaryData"), KEPT_BOOL(4, "immutable"),
    END};
static const struct member endpoint_address[] = {
    KEPT_TEXT(1, "ip"), MESSAGE(2, "targetRef", message_object_reference), TEXT(3, "hostname"), KEPT_TEXT(4, "nodeName"), END};
static const struct member endpoint_port[] = {
    TEXT(1, "name"), KEPT_INT(2, "port"), TEXT(3, "protocol"), KEPT_TEXT(4, "appProtocol"), END};
static const struct member endpoint_subset[] = {
    MESSAGES(1, "addresses", endpoint_address), MESSAGES(2, "notReadyAddresses", endpoint_address),
    MESSAGES(3, "ports", endpoint_port), END};
const struct member message_endpoints[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGES(2, "subsets", endpoint_subset), END};
static const struct member event_source[] = {TEXT(1, "component"), TEXT(2, "host"), END};
static const struct member event_series[] = {INT(1, "count"), MICRO_TIME(2, "lastObservedTime"), END};
const struct member message_event[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "involvedObject", message_object_reference), TEXT(3, "reason"),
    TEXT(4, "message"), MESSAGE(5, "source", event_source), TIME(6, "firstTimestamp"), TIME(7, "lastTimestamp"),
    INT(8, "count"), TEXT(9, "type"), MICRO_TIME(10, "eventTime"), MESSAGE(11, "series", event_series), TEXT(12, "action"),
    MESSAGE(13, "related", message_object_reference), KEPT_TEXT(14, "reportingComponent"), KEPT_TEXT(15, "reportingInstance"),
    END};
static const struct member namespace_spec[] = {TEXTS(1, "finalizers"), END};
static const struct member namespace_condition[] = {
    KEPT_TEXT(1, "type"), KEPT_TEXT(2, "status"), TIME(4, "lastTransitionTime"), TEXT(5, "reason"), TEXT(6, "message"), END};
static const struct member namespace_status[] = {TEXT(1, "phase"), MESSAGES(2, "conditions", namespace_condition), END};
const struct member message_namespace[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", namespace_spec), MESSAGE(3, "status", namespace_status),
    END};
static const struct member taint[] = {KEPT_TEXT(1, "key"), TEXT(2, "value"), KEPT_TEXT(3, "effect"), TIME(4, "timeAdded"), END};
static const struct member node_spec[] = {
    TEXT(1, "podCIDR"), TEXT(2, "externalID"), TEXT(3, "providerID"), BOOL(4, "unschedulable"), MESSAGES(5, "taints", taint),
    TEXTS(7, "podCIDRs"), END};
static const struct member node_condition[] = {
    KEPT_TEXT(1, "type"), KEPT_TEXT(2, "status"), TIME(3, "lastHeartbeatTime"), TIME(4, "lastTransitionTime"),
    TEXT(5, "reason"), TEXT(6, "message"), END};
static const struct member node_address[] = {KEPT_TEXT(1, "type"), KEPT_TEXT(2, "address"), END};
static const struct member daemon_endpoint[] = {KEPT_INT(1, "Port"), END};
static const struct member node_daemon_endpoints[] = {MESSAGE(1, "kubeletEndpoint", daemon_endpoint), END};
static const struct member node_swap_status[] = {KEPT_INT(1, "capacity"), END};
static const struct member node_system_info[] = {
    KEPT_TEXT(1, "machineID"), KEPT_TEXT(2, "systemUUID"), KEPT_TEXT(3, "bootID"), KEPT_TEXT(4, "kernelVersion"),
    KEPT_TEXT(5, "osImage"), KEPT_TEXT(6, "containerRuntimeVersion"), KEPT_TEXT(7, "kubeletVersion"),
    KEPT_TEXT(8, "kubeProxyVersion"), KEPT_TEXT(9, "operatingSystem"), KEPT_TEXT(10, "architecture"),
    MESSAGE(11, "swap", node_swap_status), END};
static const struct member container_image[] = {TEXTS(1, "names"), INT(2, "sizeBytes"), END};
static const struct member attached_volume[] = {KEPT_TEXT(1, "name"), KEPT_TEXT(2, "devicePath"), END};
static const struct member node_runtime_handler_features[] = {
    KEPT_BOOL(1, "recursiveReadOnlyMounts"), KEPT_BOOL(2, "userNamespaces"), END};
static const struct member node_runtime_handler[] = {
    KEPT_TEXT(1, "name"), MESSAGE(2, "features", node_runtime_handler_features), END};
static const struct member node_features[] = {KEPT_BOOL(1, "supplementalGroupsPolicy"), END};
static const struct member node_status[] = {
    QUANTITY_MAP(1, "capacity"), QUANTITY_MAP(2, "allocatable"), TEXT(3, "phase"), MESSAGES(4, "conditions", node_condition),
    MESSAGES(5, "addresses", node_address), MESSAGE(6, "daemonEndpoints", node_daemon_endpoints),
    MESSAGE(7, "nodeInfo", node_system_info), MESSAGES(8, "images", container_image), TEXTS(9, "volumesInUse"),
    MESSAGES(10, "volumesAttached", attached_volume), MESSAGES(12, "runtimeHandlers", node_runtime_handler),
    MESSAGE(13, "features", node_features), END};
const struct member message_node[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", node_spec), MESSAGE(3, "status", node_status), END};
static const struct member persistent_volume_claim_condition[] = {
    KEPT_TEXT(1, "type"), KEPT_TEXT(2, "status"), TIME(3, "lastProbeTime"), TIME(4, "lastTransitionTime"), TEXT(5, "reason"),
    TEXT(6, "message"), END};
static const struct member modify_volume_status[] = {TEXT(1, "targetVolumeAttributesClassName"), KEPT_TEXT(2, "status"), END};
static const struct member persistent_volume_claim_status[] = {
    TEXT(1, "phase"), TEXTS(2, "accessModes"), QUANTITY_MAP(3, "capacity"),
    MESSAGES(4, "conditions", persistent_volume_claim_condition), QUANTITY_MAP(5, "allocatedResources"),
    TEXT_MAP(7, "allocatedResourceStatuses"), KEPT_TEXT(8, "currentVolumeAttributesClassName"),
    MESSAGE(9, "modifyVolumeStatus", modify_volume_status), END};
const struct member message_persistent_volume_claim[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", message_persistent_volume_claim_spec),
    MESSAGE(3, "status", persistent_volume_claim_status), END};
const struct member message_secret[] = {
    MESSAGE(1, "metadata", message_object_meta), BYTES_MAP(2, "data"), TEXT(3, "type"), TEXT_MAP(4, "stringData"),
    KEPT_BOOL(5, "immutable"), END};
static const struct member service_port[] = {
    TEXT(1, "name"), TEXT(2, "protocol"), KEPT_INT(3, "port"), INT_OR_TEXT(4, "targetPort"), INT(5, "nodePort"),
    KEPT_TEXT(6, "appProtocol"), END};
static const struct member client_ip_config[] = {KEPT_INT(1, "timeoutSeconds"), END};
static const struct member session_affinity_config[] = {MESSAGE(1, "clientIP", client_ip_config), END};
static const struct member service_spec[] = {
    MESSAGES(1, "ports", service_port), TEXT_MAP(2, "selector"), TEXT(3, "clusterIP"), TEXT(4, "type"), TEXTS(5, "externalIPs"),
    TEXT(7, "sessionAffinity"), TEXT(8, "loadBalancerIP"), TEXTS(9, "loadBalancerSourceRanges"), TEXT(10, "externalName"),
    TEXT(11, "externalTrafficPolicy"), INT(12, "healthCheckNodePort"), BOOL(13, "publishNotReadyAddresses"),
    MESSAGE(14, "sessionAffinityConfig", session_affinity_config), KEPT_TEXT(17, "ipFamilyPolicy"), TEXTS(18, "clusterIPs"),
    TEXTS(19, "ipFamilies"), KEPT_BOOL(20, "allocateLoadBalancerNodePorts"), KEPT_TEXT(21, "loadBalancerClass"),
    KEPT_TEXT(22, "internalTrafficPolicy"), KEPT_TEXT(23, "trafficDistribution"), END};
static const struct member port_status[] = {KEPT_INT(1, "port"), KEPT_TEXT(2, "protocol"), KEPT_TEXT(3, "error"), END};
static const struct member load_balancer_ingress[] = {
    TEXT(1, "ip"), TEXT(2, "hostname"), KEPT_TEXT(3, "ipMode"), MESSAGES(4, "ports", port_status), END};
static const struct member load_balancer_status[] = {MESSAGES(1, "ingress", load_balancer_ingress), END};
static const struct member condition[] = {
    KEPT_TEXT(1, "type"), KEPT_TEXT(2, "status"), INT(3, "observedGeneration"), TIME(4, "lastTransitionTime"),
    KEPT_TEXT(5, "reason"), KEPT_TEXT(6, "message"), END};
static const struct member service_status[] = {
    MESSAGE(1, "loadBalancer", load_balancer_status), MESSAGES(2, "conditions", condition), END};
const struct member message_service[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", service_spec), MESSAGE(3, "status", service_status), END};
const struct member message_service_account[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGES(2, "secrets", message_object_reference),
    MESSAGES(3, "imagePullSecrets", message_local_object_reference), KEPT_BOOL(4, "automountServiceAccountToken"), END};
/* clang-format on */
