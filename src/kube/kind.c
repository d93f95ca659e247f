/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/kube.h"

#define RBAC "rbac.authorization.k8s.io"

const struct kube_gvr KUBE_NAMESPACE = {"", "v1", "namespaces", "Namespace", false};
const struct kube_gvr KUBE_SECRET = {"", "v1", "secrets", "Secret", true};
const struct kube_gvr KUBE_CONFIG_MAP = {"", "v1", "configmaps", "ConfigMap", true};
const struct kube_gvr KUBE_SERVICE = {"", "v1", "services", "Service", true};
const struct kube_gvr KUBE_ENDPOINTS = {"", "v1", "endpoints", "Endpoints", true};
const struct kube_gvr KUBE_ENDPOINT_SLICE = {"discovery.k8s.io", "v1", "endpointslices",
                                             "EndpointSlice", true};
const struct kube_gvr KUBE_POD = {"", "v1", "pods", "Pod", true};
const struct kube_gvr KUBE_EVENT = {"", "v1", "events", "Event", true};
const struct kube_gvr KUBE_SERVICE_ACCOUNT = {"", "v1", "serviceaccounts", "ServiceAccount", true};
const struct kube_gvr KUBE_PERSISTENT_VOLUME_CLAIM = {"", "v1", "persistentvolumeclaims",
                                                      "PersistentVolumeClaim", true};
const struct kube_gvr KUBE_PERSISTENT_VOLUME = {"", "v1", "persistentvolumes", "PersistentVolume",
                                                false};
const struct kube_gvr KUBE_NODE = {"", "v1", "nodes", "Node", false};
const struct kube_gvr KUBE_CRON_JOB = {"batch", "v1", "cronjobs", "CronJob", true};
const struct kube_gvr KUBE_JOB = {"batch", "v1", "jobs", "Job", true};
const struct kube_gvr KUBE_ROLE = {RBAC, "v1", "roles", "Role", true};
const struct kube_gvr KUBE_ROLE_BINDING = {RBAC, "v1", "rolebindings", "RoleBinding", true};
const struct kube_gvr KUBE_CLUSTER_ROLE = {RBAC, "v1", "clusterroles", "ClusterRole", false};
const struct kube_gvr KUBE_CLUSTER_ROLE_BINDING = {RBAC, "v1", "clusterrolebindings",
                                                   "ClusterRoleBinding", false};
const struct kube_gvr KUBE_LEASE = {"coordination.k8s.io", "v1", "leases", "Lease", true};
const struct kube_gvr KUBE_CRD = {"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                  "CustomResourceDefinition", false};

const char *
kube_gvr_api_version(const struct kube_gvr *kind, char to[static KUBE_API_VERSION])
{
    (void)snprintf(to, KUBE_API_VERSION, "%s%s%s", kind->group, kind->group[0] == '\0' ? "" : "/",
                   kind->version);
    return to;
}
