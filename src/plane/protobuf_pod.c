/* SPDX-License-Identifier: Apache-2.0 */
/* Pods and their templates. */
#include "plane/protobuf_messages.h"

/* clang-format off */
static const struct member host_path_volume_source[] = {KEPT_TEXT(1, "path"), KEPT_TEXT(2, "type"), END};
static const struct member empty_dir_volume_source[] = {TEXT(1, "medium"), QUANTITY(2, "sizeLimit"), END};
static const struct member key_to_path[] = {KEPT_TEXT(1, "key"), KEPT_TEXT(2, "path"), KEPT_INT(3, "mode"), END};
static const struct member secret_volume_source[] = {
    TEXT(1, "secretName"), MESSAGES(2, "items", key_to_path), KEPT_INT(3, "defaultMode"), KEPT_BOOL(4, "optional"), END};
static const struct member nfs_volume_source[] = {KEPT_TEXT(1, "server"), KEPT_TEXT(2, "path"), BOOL(3, "readOnly"), END};
static const struct member persistent_volume_claim_volume_source[] = {KEPT_TEXT(1, "claimName"), BOOL(2, "readOnly"), END};
static const struct member object_field_selector[] = {TEXT(1, "apiVersion"), KEPT_TEXT(2, "fieldPath"), END};
static const struct member resource_field_selector[] = {
    TEXT(1, "containerName"), KEPT_TEXT(2, "resource"), QUANTITY(3, "divisor"), END};
static const struct member downward_api_volume_file[] = {
    KEPT_TEXT(1, "path"), MESSAGE(2, "fieldRef", object_field_selector),
    MESSAGE(3, "resourceFieldRef", resource_field_selector), KEPT_INT(4, "mode"), END};
static const struct member downward_api_volume_source[] = {
    MESSAGES(1, "items", downward_api_volume_file), KEPT_INT(2, "defaultMode"), END};
static const struct member config_map_volume_source[] = {
    INLINE(1, "localObjectReference", message_local_object_reference), MESSAGES(2, "items", key_to_path),
    KEPT_INT(3, "defaultMode"), KEPT_BOOL(4, "optional"), END};
static const struct member secret_projection[] = {
    INLINE(1, "localObjectReference", message_local_object_reference), MESSAGES(2, "items", key_to_path),
    KEPT_BOOL(4, "optional"), END};
static const struct member downward_api_projection[] = {MESSAGES(1, "items", downward_api_volume_file), END};
static const struct member config_map_projection[] = {
    INLINE(1, "localObjectReference", message_local_object_reference), MESSAGES(2, "items", key_to_path),
    KEPT_BOOL(4, "optional"), END};
static const struct member service_account_token_projection[] = {
    TEXT(1, "audience"), KEPT_INT(2, "expirationSeconds"), KEPT_TEXT(3, "path"), END};
static const struct member volume_projection[] = {
    MESSAGE(1, "secret", secret_projection), MESSAGE(2, "downwardAPI", downward_api_projection),
    MESSAGE(3, "configMap", config_map_projection), MESSAGE(4, "serviceAccountToken", service_account_token_projection), END};
static const struct member projected_volume_source[] = {
    MESSAGES(1, "sources", volume_projection), KEPT_INT(2, "defaultMode"), END};
static const struct member csi_volume_source[] = {
    KEPT_TEXT(1, "driver"), KEPT_BOOL(2, "readOnly"), KEPT_TEXT(3, "fsType"), TEXT_MAP(4, "volumeAttributes"),
    MESSAGE(5, "nodePublishSecretRef", message_local_object_reference), END};
static const struct member persistent_volume_claim_template[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", message_persistent_volume_claim_spec), END};
static const struct member ephemeral_volume_source[] = {
    MESSAGE(1, "volumeClaimTemplate", persistent_volume_claim_template), END};
static const struct member image_volume_source[] = {TEXT(1, "reference"), TEXT(2, "pullPolicy"), END};
static const struct member volume_source[] = {
    MESSAGE(1, "hostPath", host_path_volume_source), MESSAGE(2, "emptyDir", empty_dir_volume_source),
    MESSAGE(6, "secret", secret_volume_source), MESSAGE(7, "nfs", nfs_volume_source),
    MESSAGE(10, "persistentVolumeClaim", persistent_volume_claim_volume_source),
    MESSAGE(16, "downwardAPI", downward_api_volume_source), MESSAGE(19, "configMap", config_map_volume_source),
    MESSAGE(26, "projected", projected_volume_source), MESSAGE(28, "csi", csi_volume_source),
    MESSAGE(29, "ephemeral", ephemeral_volume_source), MESSAGE(30, "image", image_volume_source), END};
static const struct member volume[] = {KEPT_TEXT(1, "name"), INLINE(2, "volumeSource", volume_source), END};
static const struct member container_port[] = {
    TEXT(1, "name"), INT(2, "hostPort"), KEPT_INT(3, "containerPort"), TEXT(4, "protocol"), TEXT(5, "hostIP"), END};
static const struct member config_map_key_selector[] = {
    INLINE(1, "localObjectReference", message_local_object_reference), KEPT_TEXT(2, "key"), KEPT_BOOL(3, "optional"), END};
static const struct member secret_key_selector[] = {
    INLINE(1, "localObjectReference", message_local_object_reference), KEPT_TEXT(2, "key"), KEPT_BOOL(3, "optional"), END};
static const struct member env_var_source[] = {
    MESSAGE(1, "fieldRef", object_field_selector), MESSAGE(2, "resourceFieldRef", resource_field_selector),
    MESSAGE(3, "configMapKeyRef", config_map_key_selector), MESSAGE(4, "secretKeyRef", secret_key_selector), END};
static const struct member env_var[] = {KEPT_TEXT(1, "name"), TEXT(2, "value"), MESSAGE(3, "valueFrom", env_var_source), END};
static const struct member resource_claim[] = {KEPT_TEXT(1, "name"), TEXT(2, "request"), END};
static const struct member resource_requirements[] = {
    QUANTITY_MAP(1, "limits"), QUANTITY_MAP(2, "requests"), MESSAGES(3, "claims", resource_claim), END};
static const struct member volume_mount[] = {
    KEPT_TEXT(1, "name"), BOOL(2, "readOnly"), KEPT_TEXT(3, "mountPath"), TEXT(4, "subPath"), KEPT_TEXT(5, "mountPropagation"),
    TEXT(6, "subPathExpr"), KEPT_TEXT(7, "recursiveReadOnly"), END};
static const struct member exec_action[] = {TEXTS(1, "command"), END};
static const struct member http_header[] = {KEPT_TEXT(1, "name"), KEPT_TEXT(2, "value"), END};
static const struct member http_get_action[] = {
    TEXT(1, "path"), INT_OR_TEXT(2, "port"), TEXT(3, "host"), TEXT(4, "scheme"), MESSAGES(5, "httpHeaders", http_header), END};
static const struct member tcp_socket_action[] = {INT_OR_TEXT(1, "port"), TEXT(2, "host"), END};
static const struct member grpc_action[] = {KEPT_INT(1, "port"), KEPT_TEXT(2, "service"), END};
static const struct member probe_handler[] = {
    MESSAGE(1, "exec", exec_action), MESSAGE(2, "httpGet", http_get_action), MESSAGE(3, "tcpSocket", tcp_socket_action),
    MESSAGE(4, "grpc", grpc_action), END};
static const struct member probe[] = {
    INLINE(1, "probeHandler", probe_handler), INT(2, "initialDelaySeconds"), INT(3, "timeoutSeconds"), INT(4, "periodSeconds"),
    INT(5, "successThreshold"), INT(6, "failureThreshold"), KEPT_INT(7, "terminationGracePeriodSeconds"), END};
static const struct member sleep_action[] = {KEPT_INT(1, "seconds"), END};
static const struct member lifecycle_handler[] = {
    MESSAGE(1, "exec", exec_action), MESSAGE(2, "httpGet", http_get_action), MESSAGE(3, "tcpSocket", tcp_socket_action),
    MESSAGE(4, "sleep", sleep_action), END};
static const struct member lifecycle[] = {
    MESSAGE(1, "postStart", lifecycle_handler), MESSAGE(2, "preStop", lifecycle_handler), KEPT_TEXT(3, "stopSignal"), END};
static const struct member capabilities[] = {TEXTS(1, "add"), TEXTS(2, "drop"), END};
static const struct member se_linux_options[] = {TEXT(1, "user"), TEXT(2, "role"), TEXT(3, "type"), TEXT(4, "level"), END};
static const struct member seccomp_profile[] = {KEPT_TEXT(1, "type"), KEPT_TEXT(2, "localhostProfile"), END};
static const struct member app_armor_profile[] = {KEPT_TEXT(1, "type"), KEPT_TEXT(2, "localhostProfile"), END};
static const struct member security_context[] = {
    MESSAGE(1, "capabilities", capabilities), KEPT_BOOL(2, "privileged"), MESSAGE(3, "seLinuxOptions", se_linux_options),
    KEPT_INT(4, "runAsUser"), KEPT_BOOL(5, "runAsNonRoot"), KEPT_BOOL(6, "readOnlyRootFilesystem"),
    KEPT_BOOL(7, "allowPrivilegeEscalation"), KEPT_INT(8, "runAsGroup"), KEPT_TEXT(9, "procMount"),
    MESSAGE(11, "seccompProfile", seccomp_profile), MESSAGE(12, "appArmorProfile", app_armor_profile), END};
static const struct member config_map_env_source[] = {
    INLINE(1, "localObjectReference", message_local_object_reference), KEPT_BOOL(2, "optional"), END};
static const struct member secret_env_source[] = {
    INLINE(1, "localObjectReference", message_local_object_reference), KEPT_BOOL(2, "optional"), END};
static const struct member env_from_source[] = {
    TEXT(1, "prefix"), MESSAGE(2, "configMapRef", config_map_env_source), MESSAGE(3, "secretRef", secret_env_source), END};
static const struct member volume_device[] = {KEPT_TEXT(1, "name"), KEPT_TEXT(2, "devicePath"), END};
static const struct member container_resize_policy[] = {KEPT_TEXT(1, "resourceName"), KEPT_TEXT(2, "restartPolicy"), END};
static const struct member container[] = {
    KEPT_TEXT(1, "name"), TEXT(2, "image"), TEXTS(3, "command"), TEXTS(4, "args"), TEXT(5, "workingDir"),
    MESSAGES(6, "ports", container_port), MESSAGES(7, "env", env_var), MESSAGE(8, "resources", resource_requirements),
    MESSAGES(9, "volumeMounts", volume_mount), MESSAGE(10, "livenessProbe", probe), MESSAGE(11, "readinessProbe", probe),
    MESSAGE(12, "lifecycle", lifecycle), TEXT(13, "terminationMessagePath"), TEXT(14, "imagePullPolicy"),
    MESSAGE(15, "securityContext", security_context), BOOL(16, "stdin"), BOOL(17, "stdinOnce"), BOOL(18, "tty"),
    MESSAGES(19, "envFrom", env_from_source), TEXT(20, "terminationMessagePolicy"),
    MESSAGES(21, "volumeDevices", volume_device), MESSAGE(22, "startupProbe", probe),
    MESSAGES(23, "resizePolicy", container_resize_policy), KEPT_TEXT(24, "restartPolicy"), END};
static const struct member sysctl[] = {KEPT_TEXT(1, "name"), KEPT_TEXT(2, "value"), END};
static const struct member pod_security_context[] = {
    MESSAGE(1, "seLinuxOptions", se_linux_options), KEPT_INT(2, "runAsUser"), KEPT_BOOL(3, "runAsNonRoot"),
    INTS(4, "supplementalGroups"), KEPT_INT(5, "fsGroup"), KEPT_INT(6, "runAsGroup"), MESSAGES(7, "sysctls", sysctl),
    KEPT_TEXT(9, "fsGroupChangePolicy"), MESSAGE(10, "seccompProfile", seccomp_profile),
    MESSAGE(11, "appArmorProfile", app_armor_profile), KEPT_TEXT(12, "supplementalGroupsPolicy"),
    KEPT_TEXT(13, "seLinuxChangePolicy"), END};
static const struct member node_selector_requirement[] = {
    KEPT_TEXT(1, "key"), KEPT_TEXT(2, "operator"), TEXTS(3, "values"), END};
static const struct member node_selector_term[] = {
    MESSAGES(1, "matchExpressions", node_selector_requirement), MESSAGES(2, "matchFields", node_selector_requirement), END};
static const struct member node_selector[] = {MESSAGES(1, "nodeSelectorTerms", node_selector_term), END};
static const struct member preferred_scheduling_term[] = {
    KEPT_INT(1, "weight"), MESSAGE(2, "preference", node_selector_term), END};
static const struct member node_affinity[] = {
    MESSAGE(1, "requiredDuringSchedulingIgnoredDuringExecution", node_selector),
    MESSAGES(2, "preferredDuringSchedulingIgnoredDuringExecution", preferred_scheduling_term), END};
static const struct member pod_affinity_term[] = {
    MESSAGE(1, "labelSelector", message_label_selector), TEXTS(2, "namespaces"), KEPT_TEXT(3, "topologyKey"),
    MESSAGE(4, "namespaceSelector", message_label_selector), TEXTS(5, "matchLabelKeys"), TEXTS(6, "mismatchLabelKeys"), END};
static const struct member weighted_pod_affinity_term[] = {
    KEPT_INT(1, "weight"), MESSAGE(2, "podAffinityTerm", pod_affinity_term), END};
static const struct member pod_affinity[] = {
    MESSAGES(1, "requiredDuringSchedulingIgnoredDuringExecution", pod_affinity_term),
    MESSAGES(2, "preferredDuringSchedulingIgnoredDuringExecution", weighted_pod_affinity_term), END};
static const struct member pod_anti_affinity[] = {
    MESSAGES(1, "requiredDuringSchedulingIgnoredDuringExecution", pod_affinity_term),
    MESSAGES(2, "preferredDuringSchedulingIgnoredDuringExecution", weighted_pod_affinity_term), END};
static const struct member affinity[] = {
    MESSAGE(1, "nodeAffinity", node_affinity), MESSAGE(2, "podAffinity", pod_affinity),
    MESSAGE(3, "podAntiAffinity", pod_anti_affinity), END};
static const struct member toleration[] = {
    TEXT(1, "key"), TEXT(2, "operator"), TEXT(3, "value"), TEXT(4, "effect"), KEPT_INT(5, "tolerationSeconds"), END};
static const struct member host_alias[] = {KEPT_TEXT(1, "ip"), TEXTS(2, "hostnames"), END};
static const struct member pod_dns_config_option[] = {TEXT(1, "name"), KEPT_TEXT(2, "value"), END};
static const struct member pod_dns_config[] = {
    TEXTS(1, "nameservers"), TEXTS(2, "searches"), MESSAGES(3, "options", pod_dns_config_option), END};
static const struct member pod_readiness_gate[] = {KEPT_TEXT(1, "conditionType"), END};
static const struct member topology_spread_constraint[] = {
    KEPT_INT(1, "maxSkew"), KEPT_TEXT(2, "topologyKey"), KEPT_TEXT(3, "whenUnsatisfiable"),
    MESSAGE(4, "labelSelector", message_label_selector), KEPT_INT(5, "minDomains"), KEPT_TEXT(6, "nodeAffinityPolicy"),
    KEPT_TEXT(7, "nodeTaintsPolicy"), TEXTS(8, "matchLabelKeys"), END};
static const struct member ephemeral_container[] = {
    INLINE(1, "ephemeralContainerCommon", container), TEXT(2, "targetContainerName"), END};
static const struct member pod_os[] = {KEPT_TEXT(1, "name"), END};
static const struct member pod_scheduling_gate[] = {KEPT_TEXT(1, "name"), END};
static const struct member pod_resource_claim[] = {
    KEPT_TEXT(1, "name"), KEPT_TEXT(3, "resourceClaimName"), KEPT_TEXT(4, "resourceClaimTemplateName"), END};
static const struct member pod_spec[] = {
    MESSAGES(1, "volumes", volume), MESSAGES(2, "containers", container), TEXT(3, "restartPolicy"),
    KEPT_INT(4, "terminationGracePeriodSeconds"), KEPT_INT(5, "activeDeadlineSeconds"), TEXT(6, "dnsPolicy"),
    TEXT_MAP(7, "nodeSelector"), TEXT(8, "serviceAccountName"), TEXT(9, "serviceAccount"), TEXT(10, "nodeName"),
    BOOL(11, "hostNetwork"), BOOL(12, "hostPID"), BOOL(13, "hostIPC"), MESSAGE(14, "securityContext", pod_security_context),
    MESSAGES(15, "imagePullSecrets", message_local_object_reference), TEXT(16, "hostname"), TEXT(17, "subdomain"),
    MESSAGE(18, "affinity", affinity), TEXT(19, "schedulerName"), MESSAGES(20, "initContainers", container),
    KEPT_BOOL(21, "automountServiceAccountToken"), MESSAGES(22, "tolerations", toleration),
    MESSAGES(23, "hostAliases", host_alias), TEXT(24, "priorityClassName"), KEPT_INT(25, "priority"),
    MESSAGE(26, "dnsConfig", pod_dns_config), KEPT_BOOL(27, "shareProcessNamespace"),
    MESSAGES(28, "readinessGates", pod_readiness_gate), KEPT_TEXT(29, "runtimeClassName"), KEPT_BOOL(30, "enableServiceLinks"),
    KEPT_TEXT(31, "preemptionPolicy"), QUANTITY_MAP(32, "overhead"),
    MESSAGES(33, "topologySpreadConstraints", topology_spread_constraint),
    MESSAGES(34, "ephemeralContainers", ephemeral_container), KEPT_BOOL(35, "setHostnameAsFQDN"), MESSAGE(36, "os", pod_os),
    KEPT_BOOL(37, "hostUsers"), MESSAGES(38, "schedulingGates", pod_scheduling_gate),
    MESSAGES(39, "resourceClaims", pod_resource_claim), MESSAGE(40, "resources", resource_requirements),
    KEPT_TEXT(41, "hostnameOverride"), END};
const struct member message_pod_template_spec[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", pod_spec), END};
static const struct member pod_condition[] = {
    KEPT_TEXT(1, "type"), KEPT_TEXT(2, "status"), TIME(3, "lastProbeTime"), TIME(4, "lastTransitionTime"), TEXT(5, "reason"),
    TEXT(6, "message"), INT(7, "observedGeneration"), END};
static const struct member container_state_waiting[] = {TEXT(1, "reason"), TEXT(2, "message"), END};
static const struct member container_state_running[] = {TIME(1, "startedAt"), END};
static const struct member container_state_terminated[] = {
    KEPT_INT(1, "exitCode"), INT(2, "signal"), TEXT(3, "reason"), TEXT(4, "message"), TIME(5, "startedAt"),
    TIME(6, "finishedAt"), TEXT(7, "containerID"), END};
static const struct member container_state[] = {
    MESSAGE(1, "waiting", container_state_waiting), MESSAGE(2, "running", container_state_running),
    MESSAGE(3, "terminated", container_state_terminated), END};
static const struct member volume_mount_status[] = {
    KEPT_TEXT(1, "name"), KEPT_TEXT(2, "mountPath"), BOOL(3, "readOnly"), KEPT_TEXT(4, "recursiveReadOnly"), END};
static const struct member linux_container_user[] = {
    KEPT_INT(1, "uid"), KEPT_INT(2, "gid"), INTS(3, "supplementalGroups"), END};
static const struct member container_user[] = {MESSAGE(1, "linux", linux_container_user), END};
static const struct member container_status[] = {
    KEPT_TEXT(1, "name"), MESSAGE(2, "state", container_state), MESSAGE(3, "lastState", container_state), KEPT_BOOL(4, "ready"),
    KEPT_INT(5, "restartCount"), KEPT_TEXT(6, "image"), KEPT_TEXT(7, "imageID"), TEXT(8, "containerID"),
    KEPT_BOOL(9, "started"), QUANTITY_MAP(10, "allocatedResources"), MESSAGE(11, "resources", resource_requirements),
    MESSAGES(12, "volumeMounts", volume_mount_status), MESSAGE(13, "user", container_user), KEPT_TEXT(15, "stopSignal"), END};
static const struct member pod_ip[] = {KEPT_TEXT(1, "ip"), END};
static const struct member pod_resource_claim_status[] = {KEPT_TEXT(1, "name"), KEPT_TEXT(2, "resourceClaimName"), END};
static const struct member host_ip[] = {KEPT_TEXT(1, "ip"), END};
static const struct member pod_status[] = {
    TEXT(1, "phase"), MESSAGES(2, "conditions", pod_condition), TEXT(3, "message"), TEXT(4, "reason"), TEXT(5, "hostIP"),
    TEXT(6, "podIP"), TIME(7, "startTime"), MESSAGES(8, "containerStatuses", container_status), TEXT(9, "qosClass"),
    MESSAGES(10, "initContainerStatuses", container_status), TEXT(11, "nominatedNodeName"), MESSAGES(12, "podIPs", pod_ip),
    MESSAGES(13, "ephemeralContainerStatuses", container_status), TEXT(14, "resize"),
    MESSAGES(15, "resourceClaimStatuses", pod_resource_claim_status), MESSAGES(16, "hostIPs", host_ip),
    INT(17, "observedGeneration"), END};
const struct member message_pod[] = {
    MESSAGE(1, "metadata", message_object_meta), MESSAGE(2, "spec", pod_spec), MESSAGE(3, "status", pod_status), END};
/* clang-format on */
