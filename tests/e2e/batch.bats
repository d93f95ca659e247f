#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# BackupBatch and RestoreBatch in a cluster: a Job and an account for each member, commands in the pods of both, an address
# that a hook of the whole asks, and both servers brought back.

load e2e.bash
load stash.bash

NS=batch

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    redis_pod $NS second secret --enable-debug-command yes --repl-diskless-sync-delay 0
    binding $NS second second
    cli $NS second eval 'for i = 1, 500 do redis.call("ZADD", "z:" .. i % 5, i, i) end' 0
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

member() { # member backup|restore APPBINDING ALIAS [fields]
    echo "{task: {name: redis-$1-7.0.5}, target: {alias: $3, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: $2}$(
        [ "$1" = backup ] || echo ', rules: [{snapshots: [latest]}]')}${4:+, $4}}"
}

CLI='env, REDISCLI_AUTH=secret, redis-cli'

@test "a CronJob's session backs both up, with commands in the pod of each, and a question before all" {
    kubectl apply -f - <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupBatch
metadata: {name: all, namespace: $NS}
spec:
  schedule: "0 0 1 1 *"
  repository: {name: repo}
  retentionPolicy: {name: keep, keepLast: 5, prune: true}
  hooks: {preBackup: {tcpSocket: {host: second, port: 6379}}, postBackup: {tcpSocket: {host: redis, port: 6379}}}
  members:
    - $(member backup redis one "hooks: {preBackup: {exec: {command: [$CLI, set, of, '{{ .Target.Name }}']}}}")
    - $(member backup second two "hooks: {preBackup: {exec: {command: [$CLI, set, of, '{{ .Target.Name }}']}}}")
YAML
    phase $NS backupbatch/all Ready
    kubectl create job -n $NS now --from=cronjob/stash-trigger-all
    until_is $NS backupsession '{.items[*].status.phase}' Succeeded 120
    session=$(kubectl get -n $NS backupsession -o 'jsonpath={.items[0].metadata.name}')
    [ "$(field $NS "backupsession/$session" '{.status.targets[*].stats[*].hostname}')" = "one two" ]
    [[ "$(condition $NS "backupsession/$session" GlobalPreBackupHookSucceeded)" == True* ]]
    [[ "$(condition $NS "backupsession/$session" GlobalPostBackupHookSucceeded)" == True* ]]
    kubectl get -n $NS job "stash-backup-$session-0" "stash-backup-$session-1" "stash-backup-$session-pre"
    kubectl get -n $NS serviceaccount backupbatch-all-0 backupbatch-all-1 backupbatch-all-all
    until_is $NS repo/repo '{.status.snapshotCount} {.status.integrity} {.status.references[0].kind}' "2 true BackupBatch"
}

@test "both are brought back, with a command behind one and a question behind all" {
    local first second
    [ "$(cli $NS redis get of)" = redis ]
    [ "$(cli $NS second get of)" = second ]
    first=$(digest $NS redis) second=$(digest $NS second)
    cli $NS redis flushall
    cli $NS second flushall
    kubectl apply -f - <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreBatch
metadata: {name: back, namespace: $NS}
spec:
  repository: {name: repo}
  executionOrder: Sequential
  hooks: {postRestore: {tcpSocket: {host: second, port: 6379}}}
  members:
    - $(member restore redis one)
    - $(member restore second two "hooks: {postRestore: {exec: {command: [$CLI, ping]}}}")
YAML
    phase $NS restorebatch/back Succeeded 120
    [ "$(digest $NS redis)" = "$first" ]
    [ "$(digest $NS second)" = "$second" ]
    [[ "$(condition $NS restorebatch/back GlobalPostRestoreHookSucceeded)" == True* ]]
    [ "$(field $NS restorebatch/back '{.status.members[*].phase}')" = "Succeeded Succeeded" ]
    run kubectl patch -n $NS restorebatch back --type merge -p '{"spec":{"executionOrder":"Parallel"}}'
    [ "$status" != 0 ]
    [[ "$output" == *"RestoreBatch spec is immutable"* ]]
    kubectl delete -n $NS restorebatch/back backupbatch/all --timeout=60s
}

@test "a Job that is taken away: its member has failed, and the other has not" {
    cli $NS redis flushall
    kubectl apply -f - <<YAML
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: silent, namespace: $NS}
spec: {type: redis, clientConfig: {url: "redis://192.0.2.1:6379"}}
---
apiVersion: stash.appscode.com/v1beta1
kind: RestoreBatch
metadata: {name: torn, namespace: $NS}
spec:
  repository: {name: repo}
  members:
    - $(member restore redis one)
    - $(member restore silent two)
YAML
    until_is $NS restorebatch/torn '{.status.members[*].phase}' "Succeeded Running" 60
    kubectl delete -n $NS job stash-restore-torn-1
    phase $NS restorebatch/torn Failed 60
    [ "$(field $NS restorebatch/torn '{.status.members[*].phase}')" = "Succeeded Failed" ]
    [[ "$(field $NS restorebatch/torn '{.status.members[1].stats[0].error}')" =~ Job.*(gone|deleted) ]]
}
