#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A Repository in a volume, from a machine that does not mount it: through a Job that does.

load e2e.bash
load stash.bash

NS=volume CSTASH=${CSTASH_BUILD:-$ROOT/build}/cstash

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

setup() {
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR RESTIC_REPOSITORY=kube:$NS/repo
    FOLDER=$BATS_FILE_TMPDIR/$NS-backups
}

# What a command leaves: no lock, and no Job.
left_nothing() {
    [ -z "$("$CSTASH" list -q locks)" ]
    until_true no_jobs
}
no_jobs() { [ -z "$(kubectl get jobs -n $NS -o name)" ]; }

has_lock() { [ -n "$(ls "$FOLDER/locks")" ]; }

@test "commands work on it as on any other; the folder is a repository" {
    "$CSTASH" init -q
    printf '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n' | "$CSTASH" backup -q --stdin
    run "$CSTASH" check --read-data
    echo "$output"
    [ "$status" = 0 ]
    [[ "$output" == *"through Job $NS/stash-volume-repo-"*"no errors were found"* ]]
    [ "$("$CSTASH" show -q latest | sha256sum)" = "$(RESTIC_PASSWORD=secret "$CSTASH" show -q -r "$FOLDER" latest | sha256sum)" ]
    run "$CSTASH" forget --keep-last 1 --prune
    [ "$status" = 0 ]
    ln -sf "$CSTASH" "$BATS_TEST_TMPDIR/kubectl-stash"
    run "$BATS_TEST_TMPDIR/kubectl-stash" key list repo -n $NS
    echo "$output"
    [ "$status" = 0 ]
    left_nothing
}

@test "a command that is interrupted leaves neither lock nor Job" {
    mkfifo "$BATS_TEST_TMPDIR/dump"
    sleep 60 >"$BATS_TEST_TMPDIR/dump" 3>&- &
    feeder=$!
    "$CSTASH" backup --stdin <"$BATS_TEST_TMPDIR/dump" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    until_true has_lock
    kill -INT $!
    wait $! && false
    cat "$BATS_TEST_TMPDIR/out"
    kill $feeder
    left_nothing
}

@test "who may not run commands in Pods is told so, and no Job stays" {
    kubectl create serviceaccount -n $NS half
    kubectl create role -n $NS half --verb=get,list,create,delete --resource=repositories.stash.appscode.com,secrets,jobs.batch,pods
    kubectl create rolebinding -n $NS half --role=half --serviceaccount=$NS:half
    kubectl config view --raw --minify >"$BATS_TEST_TMPDIR/kubeconfig"
    KUBECONFIG=$BATS_TEST_TMPDIR/kubeconfig kubectl config set-credentials half --token "$(kubectl create token -n $NS half)"
    KUBECONFIG=$BATS_TEST_TMPDIR/kubeconfig kubectl config set-context --current --user half
    KUBECONFIG=$BATS_TEST_TMPDIR/kubeconfig run "$CSTASH" snapshots
    echo "$output"
    [ "$status" = 1 ]
    [[ "$output" == *"could not run a command in pod"*"pods/exec"* ]]
    until_true no_jobs
}

shown() { [ -n "$(kubectl get snapshots.repositories.stash.appscode.com -n $NS -o name)" ]; }

@test "files of another user: what opens them runs as the configuration that writes them" {
    chown -R 1234:1234 "$FOLDER"
    chmod -R go= "$FOLDER"
    run "$CSTASH" snapshots
    echo "$output"
    [ "$status" = 1 ]
    [[ "$output" == *[Pp]"ermission denied"* ]]
    kubectl apply -f - <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: writer, namespace: $NS}
spec:
  schedule: "0 0 1 1 *"
  paused: true
  repository: {name: repo}
  task: {name: redis-backup-7.0.5}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
  retentionPolicy: {name: keep, keepLast: 5, prune: true}
  runtimeSettings: {pod: {securityContext: {runAsUser: 1234, runAsNonRoot: true}}}
YAML
    run "$CSTASH" snapshots
    echo "$output"
    [ "$status" = 0 ]
    kubectl annotate --overwrite repositories.stash.appscode.com -n $NS repo cstash.io/show-snapshots=now
    until_true shown
}
