#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Hooks: commands in the pod of the Redis, by a real kubelet, and questions to its address. What they did is seen in the
# Redis; what became of them in the conditions of the session.

load e2e.bash
load stash.bash

NS=hooks

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    redis_pod $NS second secret
    binding $NS second second
    kubectl exec -n $NS second -- busybox httpd -p 8080 -h /etc # beside the Redis: one more port to ask
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

SECOND='target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: second}}'
CLI='env, REDISCLI_AUTH=secret, redis-cli'

@test "commands before and after a backup, in the pod of the Redis" {
    config $NS bc "hooks: {preBackup: {containerName: main, exec: {command: [$CLI, set, before, '{{ .Name }}']}},
        postBackup: {exec: {command: [$CLI, set, after, '{{ .Invoker.Name }} {{ .Status.Phase }}']}}}"
    phase $NS bc/bc Ready
    session $NS one bc
    phase $NS backupsession/one Succeeded 60
    [[ "$(condition $NS backupsession/one PreBackupHookExecutionSucceeded)" == True* ]]
    [[ "$(condition $NS backupsession/one PostBackupHookExecutionSucceeded)" == True* ]]
    [ "$(cli $NS redis get after)" = "bc Succeeded" ]
}

@test "what ran before a backup is in it, what ran after is not; a command after a restore" {
    restore $NS told "hooks: {preRestore: {exec: {command: [$CLI, set, after, lost]}},
        postRestore: {exec: {command: [$CLI, set, restored, '{{ .Target.Name }}']}}}" "$SECOND"
    phase $NS restoresession/told Succeeded 60
    [[ "$(condition $NS restoresession/told PreRestoreHookExecutionSucceeded)" == True* ]]
    [[ "$(condition $NS restoresession/told PostRestoreHookExecutionSucceeded)" == True* ]]
    [ "$(cli $NS second mget before after restored)" = $'one\nlost\nsecond' ]
}

@test "a page and a port of the pod, asked for after a restore" {
    restore $NS page 'hooks: {postRestore: {httpGet: {port: 8080, path: /hosts}}}' "$SECOND"
    phase $NS restoresession/page Succeeded 60
    [[ "$(condition $NS restoresession/page PostRestoreHookExecutionSucceeded)" == True* ]]
    restore $NS port 'hooks: {preRestore: {tcpSocket: {port: "6379"}}, postRestore: {tcpSocket: {port: 1}}}' "$SECOND"
    phase $NS restoresession/port Failed 60
    [[ "$(condition $NS restoresession/port PreRestoreHookExecutionSucceeded)" == True* ]]
    [[ "$(condition $NS restoresession/port PostRestoreHookExecutionSucceeded)" == False*tcpSocket*":1"* ]]
}

@test "a command that fails: its last words are the session's, and nothing is backed up" {
    config $NS full "hooks: {preBackup: {exec: {command: [sh, -c, 'echo counting; echo no room left >&2; exit 3']}}}"
    phase $NS bc/full Ready
    session $NS full full
    phase $NS backupsession/full Failed 60
    [[ "$(condition $NS backupsession/full PreBackupHookExecutionSucceeded)" == False*"exit code 3"*"no room left"* ]]
    [ "$(field $NS repo/repo '{.status.snapshotCount}')" = 1 ]

    config $NS nowhere "hooks: {postBackup: {containerName: sidecar, exec: {command: ['true']}}}"
    phase $NS bc/nowhere Ready
    session $NS nowhere nowhere
    phase $NS backupsession/nowhere Failed 60
    [[ "$(condition $NS backupsession/nowhere PostBackupHookExecutionSucceeded)" == False*sidecar* ]]
}
