# SPDX-License-Identifier: Apache-2.0
# Sourced by every bats file here: objects for a cluster in few words. The cluster is that of $KUBECONFIG.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
CLUSTER=$ROOT/tests/e2e/cluster
source "$ROOT/tests/harness/until.bash"

namespace() { # namespace NAME [restricted|baseline|privileged]
    kubectl create namespace "$1"
    kubectl label namespace "$1" "pod-security.kubernetes.io/enforce=${2:-restricted}"
    # Pods are refused until the account that they run as exists.
    kubectl wait -n "$1" --for=create serviceaccount/default --timeout=20s
}

# pod NAMESPACE NAME IMAGE COMMAND ARGUMENT ...: as "restricted" demands, with a read-only root and nobody's own user.
# VOLUME names a claim, which it sees at /data; ACCOUNT a service account; ENVIRONMENT holds words NAME=VALUE.
pod() {
    local namespace=$1 name=$2 image=$3
    shift 3
    python3 -c '
import json, os, sys
name, image, command = sys.argv[1], sys.argv[2], sys.argv[3:]
claim = os.environ.get("VOLUME")
print(json.dumps({
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
    "spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
        "serviceAccountName": os.environ.get("ACCOUNT", "default"),
        "securityContext": {"runAsNonRoot": True, "runAsUser": 12345, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "main", "image": image, "command": command,
            "env": [dict(zip(("name", "value"), word.split("=", 1))) for word in os.environ.get("ENVIRONMENT", "").split()],
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}] if claim else []}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []}}))' \
        "$name" "$image" "$@" | kubectl apply -n "$namespace" -f -
}

# finished NAMESPACE POD: waits for its end and prints its log; fails, and says why, unless it succeeded.
finished() {
    local phase
    for _ in $(seq 150); do
        phase=$(kubectl get -n "$1" "pod/$2" -o 'jsonpath={.status.phase}')
        case $phase in Succeeded | Failed) break ;; esac
        sleep 0.2
    done
    kubectl logs -n "$1" "pod/$2"
    [ "$phase" = Succeeded ] || {
        kubectl describe -n "$1" "pod/$2" | tail -n 20 >&2
        return 1
    }
}
