#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What an operator meets in the life of a cluster, and that it holds nobody up.

load e2e.bash
load stash.bash
load trouble.bash

NS=trouble

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    config $NS bc 'backupHistoryLimit: 30'
    phase $NS bc/bc Ready
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
    gone_world doomed
}

teardown() {
    local pids
    pids=$(operators) && in_cluster "$CSTASH_E2E_DIR" kill -CONT $pids
    kubectl delete --ignore-not-found flowschema,prioritylevelconfiguration slow-operator
}

metric() { # metric REGEX: the sum of those samples of all operators
    local pod
    for pod in $(kubectl get pod -n $SYSTEM -l app.kubernetes.io/component=operator -o 'jsonpath={.items[*].metadata.name}'); do
        kubectl get --raw "/api/v1/namespaces/$SYSTEM/pods/$pod:8080/proxy/metrics"
    done | awk -v "of=^$1" '$0 ~ of {n += $NF} END {print n + 0}'
}

compact_etcd() { # all versions but the last are gone
    local version
    version=$(kubectl get --raw '/api/v1/namespaces/kube-system/configmaps?limit=1' | jq -r .metadata.resourceVersion)
    in_cluster "$CSTASH_E2E_DIR" curl --fail-with-body -sS -d "{\"revision\": $version, \"physical\": true}" http://127.0.0.1:2379/v3/kv/compaction
}

@test "a server that forgot what the operators had seen, in the middle of a backup: they list anew and go on" {
    local before
    begin_slow remembered 8 bc
    before=$(metric 'cstash_cache_lists_total.*kind="BackupConfiguration"')
    in_cluster "$CSTASH_E2E_DIR" kill -STOP $(operators)
    server_killed
    config $NS unseen
    compact_etcd
    server_killed # and begins with what is there now
    in_cluster "$CSTASH_E2E_DIR" kill -CONT $(operators)
    phase $NS bc/unseen Ready 60
    [ "$(metric 'cstash_cache_lists_total.*kind="BackupConfiguration"')" -gt "$before" ]
    settled
    phase $NS backupsession/remembered Succeeded 60
    cli $NS redis config set repl-diskless-sync-delay 0
}

refusals() { # how often the server told the operator to come again later
    kubectl get --raw /metrics | awk '/^apiserver_flowcontrol_rejected_requests_total.*flow_schema="slow-operator"/ {n += $NF} END {print n + 0}'
}

@test "a server that lets the operator wait: nothing is lost" {
    kubectl apply -f - <<YAML
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: slow-operator}
spec: {type: Limited, limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: {type: Reject}}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: slow-operator}
spec:
  priorityLevelConfiguration: {name: slow-operator}
  matchingPrecedence: 2
  rules:
  - subjects: [{kind: ServiceAccount, serviceAccount: {name: cstash-operator, namespace: $SYSTEM}}]
    resourceRules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"], clusterScope: true, namespaces: ["*"]}]
YAML
    kubectl get bc -n $NS bc -o json | jq '{apiVersion: "v1", kind: "List", items: [range(30) as $i |
        {apiVersion, kind, spec, metadata: {name: "many-\($i)", namespace: .metadata.namespace}}]}' | kubectl create -f - >/dev/null
    kubectl wait -n $NS bc --all --for 'jsonpath={.status.phase}=Ready' --timeout=120s
    echo "$(refusals) requests were refused"
    [ "$(refusals)" -gt 0 ]
    [ "$(metric cstash_api_requests_delayed_total)" -gt 0 ]
    kubectl delete flowschema,prioritylevelconfiguration slow-operator
    kubectl delete bc -n $NS $(seq -f 'many-%g' 0 29) --timeout=60s
    session $NS throttled bc
    phase $NS backupsession/throttled Succeeded 60
}

@test "a namespace deleted in the middle of a backup is gone, and nothing half is left" {
    world doomed
    config doomed bc
    phase doomed bc/bc Ready
    session doomed before bc
    phase doomed backupsession/before Succeeded 60
    begin_slow during 20 bc doomed
    kubectl delete namespace doomed --timeout=60s
    [ "$(restic -r "$BATS_FILE_TMPDIR/doomed-backups" --password-command 'echo secret' snapshots --json --no-lock --no-cache | jq length)" = 1 ]
    restic -r "$BATS_FILE_TMPDIR/doomed-backups" --password-command 'echo secret' check --no-lock --no-cache -q
}

@test "a cleanup that cannot be done holds a deletion no longer than --deletion-limit" {
    namespace stuck
    kubectl patch deployment -n $SYSTEM cstash-operator --type json -p '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--deletion-limit=10s"}]'
    kubectl rollout status -n $SYSTEM deployment/cstash-operator --timeout=60s
    kubectl apply -n stuck -f - <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: far}
spec:
  wipeOut: true
  backend: {storageSecretName: far, s3: {endpoint: "http://nowhere.invalid", bucket: b, prefix: p}}
YAML
    until_is stuck repository/far '{.metadata.finalizers[0]}' stash
    kubectl delete repository.stash.appscode.com -n stuck far --wait=false
    until_is stuck events '{.items[?(@.involvedObject.name=="far")].reason}' CleanupFailed
    kubectl delete namespace stuck --timeout=60s
}
