#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Manifests as users of Stash have them (manifests/), applied as they are.

load e2e.bash
load stash.bash

NS=examples

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    namespace $NS baseline # some of them run as root
    kubectl create secret generic -n $NS sample-redis --from-literal=redis-password=secret
    kubectl create secret generic -n $NS repo-secret --from-literal=RESTIC_PASSWORD=secret
    redis_pod $NS sample-redis-master secret --enable-debug-command yes --repl-diskless-sync-delay 0
    for repo in args user limits retention nice; do
        volume $NS $repo
        repository $NS $repo $repo
    done
    chmod 755 "$BATS_FILE_TMPDIR/$NS-user" # root's alone
    kubectl apply -f "$ROOT/tests/e2e/manifests/appbinding.yaml"
    cli $NS sample-redis-master mset zero 0 more 1
    cli $NS sample-redis-master -n 1 mset one 1 two 2 three 3
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

backup() { # backup NAME: apply its manifest, then one session
    kubectl apply -f "$ROOT/tests/e2e/manifests/backup-$1.yaml"
    phase $NS "bc/$1" Ready
    session $NS "${2:-$1}" "$1"
    phase $NS "backupsession/${2:-$1}" Succeeded 90
}

wiped() { cli $NS sample-redis-master flushall; }
keys() { cli $NS sample-redis-master -n "$1" dbsize; } # keys DB

load_back() { # load_back NAME: apply the manifest of a restore
    kubectl apply -f "$ROOT/tests/e2e/manifests/restore-$1.yaml"
    phase $NS "restoresession/$1" Succeeded 90
}

pod_of() { kubectl get pod -n $NS -l "job-name=$1" -o name; }

@test "args: one database" {
    backup args
    kubectl logs -n $NS job/stash-backup-args-0 -c redis-backup-6-2-5-0 | grep ' 3 keys'
}

@test "runtimeSettings: limits, and restores with args and limits" {
    local before
    backup limits
    [ "$(field $NS "$(pod_of stash-backup-limits-0)" '{.spec.initContainers[0].resources.limits.memory}')" = 1Gi ]
    before=$(digest $NS sample-redis-master)
    wiped
    load_back args
    [ "$(digest $NS sample-redis-master)" = "$before" ]
    wiped
    load_back limits
    [ "$(digest $NS sample-redis-master)" = "$before" ]
}

@test "a certain snapshot" {
    local id before
    id=$(field $NS backupsession/limits '{.status.targets[0].stats[0].snapshots[0].name}')
    before=$(digest $NS sample-redis-master)
    cli $NS sample-redis-master set later 1
    backup limits limits-later
    wiped
    sed "s/4bc21d6f/${id:0:8}/" "$ROOT/tests/e2e/manifests/restore-snapshot.yaml" | kubectl apply -f -
    phase $NS restoresession/snapshot Succeeded 90
    [ "$(digest $NS sample-redis-master)" = "$before" ]
}

@test "a certain user, there and back" {
    local before
    backup user
    [ "$(stat -c %u "$BATS_FILE_TMPDIR/$NS-user/config")" = 0 ]
    before=$(digest $NS sample-redis-master)
    wiped
    chown -R 12345:12345 "$BATS_FILE_TMPDIR/$NS-user" # root reads what is another's
    load_back user
    [ "$(digest $NS sample-redis-master)" = "$before" ]
}

@test "several rules of retention, and rules of a restore where Stash first had them" {
    local before
    backup retention
    [[ "$(condition $NS backupsession/retention RetentionPolicyApplied)" == True* ]]
    before=$(digest $NS sample-redis-master)
    wiped
    load_back latest
    [ "$(digest $NS sample-redis-master)" = "$before" ]
}

@test "settings of pod and container" {
    local pod
    backup nice
    pod=$(pod_of stash-backup-nice-0)
    [ "$(field $NS "$pod" '{.metadata.labels.team} {.metadata.annotations.note}')" = "cache backup" ]
    [ "$(field $NS "$pod" '{.spec.initContainers[0].env[?(@.name=="TZ")].value}')" = Europe/Berlin ]
    [ "$(stat -c %u "$BATS_FILE_TMPDIR/$NS-nice/config")" = 1000 ]
}
