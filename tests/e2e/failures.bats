#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What breaks in a cluster: each time the session says what and why, and the next one works.

load e2e.bash
load stash.bash
load trouble.bash

NS=failures

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    unpullable_task
    config $NS bc 'backupHistoryLimit: 30'
    binding $NS other redis # sessions of one target wait for one another, and this one takes long
    config $NS pull 'task: {name: unpullable}' \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: other}}'
    binding $NS third redis
    config $NS root 'runtimeSettings: {pod: {securityContext: {runAsUser: 0, runAsNonRoot: false}}}' \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: third}}'
    phase $NS bc/bc Ready
    session $NS root root # the same
    session $NS pull pull # takes as long as the operator's patience, so it begins now; its test is the last one
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

unpullable_task() { # whose image is nowhere
    kubectl get function redis-backup-7.0.5 -o json | python3 -c '
import json, sys
f = json.load(sys.stdin)
f["metadata"] = {"name": "unpullable"}
f["spec"]["image"] = "nowhere.invalid/cstash:1"
t = {"apiVersion": f["apiVersion"], "kind": "Task", "metadata": {"name": "unpullable"},
     "spec": {"steps": [{"name": "unpullable"}]}}
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": [f, t]}))' | kubectl apply -f -
}

LATE='target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: late}}'

teardown() { # whatever a test left half done
    resume kubelet
    resume kube-apiserver
}

next_works() { # next_works NAME
    cli $NS redis config set repl-diskless-sync-delay 0
    session $NS "$1" bc
    phase $NS "backupsession/$1" Succeeded 90
}

@test "a pod deleted in the middle of a backup" {
    begin_slow deleted 20 bc
    kubectl delete -n $NS "$POD" --wait=false
    phase $NS backupsession/deleted Failed 60
    [[ "$(host_error $NS backupsession/deleted)" == "pod "*" was deleted" ]]
    next_works after-deleted
}

@test "a pod evicted in the middle of a backup" {
    begin_slow evicted 20 bc
    echo "{\"apiVersion\": \"policy/v1\", \"kind\": \"Eviction\", \"metadata\": {\"name\": \"${POD#pod/}\", \"namespace\": \"$NS\"}}" |
        kubectl create --raw "/api/v1/namespaces/$NS/pods/${POD#pod/}/eviction" -f -
    phase $NS backupsession/evicted Failed 60
    [[ "$(host_error $NS backupsession/evicted)" == "pod "*"(EvictionByEvictionAPI)"* ]]
    next_works after-evicted
}

@test "a Job deleted in the middle of a backup" {
    begin_slow jobless 20 bc
    kubectl delete -n $NS job stash-backup-jobless-0 --wait=false
    phase $NS backupsession/jobless Failed 60
    [ "$(host_error $NS backupsession/jobless)" = "its Job is gone" ]
    next_works after-jobless
}

@test "a Redis that is not there yet: a restore waits for it, a backup is tried again" {
    local again
    next_works before-late # what will be restored
    kubectl create service clusterip -n $NS late --clusterip=None --tcp=6379 # headless: without a pod the name is unknown
    binding $NS late late
    restore $NS lost "$LATE" 'task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: "60"}]}'
    kubectl wait -n $NS --for=create pod -l job-name=stash-restore-lost-0 --timeout=20s
    kubectl wait -n $NS --for=jsonpath='{.status.initContainerStatuses[0].started}'=true pod -l job-name=stash-restore-lost-0 --timeout=20s
    kubectl delete -n $NS pod -l job-name=stash-restore-lost-0
    phase $NS restoresession/lost Failed 60
    [[ "$(host_error $NS restoresession/lost)" == "pod "*" was deleted" ]]

    restore $NS patient "$LATE" 'task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: "150"}]}'
    for _ in $(seq 100); do # a name that is known at once would be no reason to look at the Service itself
        kubectl logs -n $NS job/stash-restore-patient-0 -c redis-restore-7-0-5-0 2>/dev/null | grep -q 'waiting for Redis' && break
        sleep 0.2
    done

    config $NS early "$LATE" 'retryConfig: {maxRetry: 1, delay: 5s}'
    phase $NS bc/early Ready
    session $NS early early 1
    phase $NS backupsession/early Failed 60
    pod $NS late $REDIS redis-server --save '' --requirepass secret
    phase $NS restoresession/patient Succeeded 90
    until_is $NS backupsession/early '{.status.retried}' true
    again=$(kubectl get -n $NS backupsession -o name | grep /early-)
    phase $NS "$again" Succeeded 90
}

@test "a memory limit that is too low" {
    cli $NS redis eval 'for i = 1, 40 do redis.call("SET", "big:" .. i, string.rep(tostring(math.random()), 60000)) end' 0
    config $NS tight 'runtimeSettings: {container: {resources: {limits: {memory: 14Mi}}}}'
    phase $NS bc/tight Ready
    session $NS tight tight
    phase $NS backupsession/tight Failed 90
    [[ "$(host_error $NS backupsession/tight)" == *OOMKilled* ]]
    kubectl get events -n $NS | grep 'BackupDisrupted *backupsession/tight'
    next_works after-tight
    cli $NS redis eval 'for i = 1, 40 do redis.call("DEL", "big:" .. i) end' 0
}

@test "the node's agent stops: the session ends at its deadline" {
    config $NS hurried 'timeOut: 20s'
    phase $NS bc/hurried Ready
    pause kubelet
    session $NS stuck hurried
    phase $NS backupsession/stuck Failed 60
    [ -n "$(condition $NS backupsession/stuck DeadlineExceeded)" ]
    resume kubelet
    kubectl wait --for=condition=Ready node --all --timeout=60s
    next_works after-stuck
}

@test "the leading operator killed: the other takes over and finishes the session" {
    local leader began
    leader=$(field $SYSTEM lease/cstash-operator '{.spec.holderIdentity}')
    begin_slow led 10 bc
    in_cluster "$CSTASH_E2E_DIR" kill -9 "$(operators "HOSTNAME=${leader%_*}")"
    began=$SECONDS
    for _ in $(seq 200); do
        [ "$(field $SYSTEM lease/cstash-operator '{.spec.holderIdentity}')" != "$leader" ] && break
        sleep 0.2
    done
    echo "# the lease moved in $((SECONDS - began)) s" >&3
    [ "$(field $SYSTEM lease/cstash-operator '{.spec.holderIdentity}')" != "$leader" ]
    phase $NS backupsession/led Succeeded 60
    next_works after-led
}

@test "the API server away for more than a minute in the middle of a backup" {
    begin_slow away 10 bc
    pause kube-apiserver
    sleep 70
    resume kube-apiserver
    kubectl wait --for=condition=Ready node --all --timeout=60s
    phase $NS backupsession/away Succeeded 120
    next_works after-away
}

@test "the Pushgateway down is a condition, not a failure" {
    kubectl scale -n $SYSTEM deployment/cstash-pushgateway --replicas=0
    kubectl wait -n $SYSTEM --for=delete pod -l app.kubernetes.io/component=pushgateway --timeout=60s
    session $NS unpushed bc
    phase $NS backupsession/unpushed Succeeded 90
    [[ "$(condition $NS backupsession/unpushed MetricsPushed)" == False*cstash-pushgateway* ]]
    [[ "$(condition $NS backupsession/unpushed RepositoryMetricsPushed)" == False* ]]
    kubectl scale -n $SYSTEM deployment/cstash-pushgateway --replicas=1
    kubectl rollout status -n $SYSTEM deployment/cstash-pushgateway --timeout=60s
    next_works after-unpushed
}

@test "an account without rights" {
    config $NS barred # z_rbac.bats knows it by this name
    phase $NS bc/barred Ready
    kubectl patch clusterrole stash-backup-job --type json -p '[{"op": "replace", "path": "/rules", "value": []}]'
    session $NS barred barred
    phase $NS backupsession/barred Failed 90
    [[ "$(host_error $NS backupsession/barred)" == *"cannot "* ]]
    kubectl apply --server-side --force-conflicts -f "$ROOT/deploy/rbac/jobs.yaml"
    next_works after-barred
}

@test "a Pod that the namespace refuses: the session says so, and does not wait for ever" {
    said() { kubectl get events -n $NS --field-selector involvedObject.kind=BackupSession,involvedObject.name=root -o 'jsonpath={.items[*].message}' | grep -q 'has no pod (FailedCreate).*kubectl describe job'; }
    until_true said
    phase $NS backupsession/root Failed 300
    [[ "$(host_error $NS backupsession/root)" == *"has no pod (FailedCreate)"* ]]
    next_works after-root
}

@test "an image that cannot be pulled" {
    phase $NS backupsession/pull Failed 180
    host_error $NS backupsession/pull
    [[ "$(host_error $NS backupsession/pull)" == *"cannot start ("*Pull*nowhere.invalid* ]]
    kubectl get events -n $NS | grep 'BackupDisrupted *backupsession/pull'
}

@test "after all that the repository is whole" {
    restic -r "$BATS_FILE_TMPDIR/$NS-backups" --password-command 'echo secret' check --no-lock --no-cache -q --read-data
}
