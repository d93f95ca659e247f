#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What deploy/rbac grants is what is needed. Bats takes files by their names, so this one comes last and reads what those
# before it made the API server write down. Alone it fails.

load e2e.bash
load stash.bash

NS=rbac LOG=$CSTASH_E2E_DIR/log/audit.log OPERATOR=system:serviceaccount:$SYSTEM:cstash-operator

setup_file() {
    local file ns
    load e2e.bash
    load stash.bash
    for file in $(grep -l '^ *installed$' "$BATS_TEST_DIRNAME"/*.bats); do
        ns=$(sed -n 's/^NS=\([-a-z]*\).*/\1/p' "$file")
        grep -q "/namespaces/$ns/" "$LOG" || { echo "${file##*/} has not run in this cluster: make e2e runs all" >&2 && return 1; }
    done
    namespace $NS
}

teardown_file() {
    kubectl apply --server-side --force-conflicts -f "$ROOT/deploy/rbac" # whatever a test left half done
    kubectl delete namespace $NS --wait=false
}

rbac() { # rbac unused|refused
    kubectl apply -k "$ROOT/deploy" --dry-run=client -o json 2>/dev/null | python3 "$ROOT/tests/e2e/rbac.py" "$1" "$LOG"
}

@test "every verb that is granted was used" {
    run rbac unused
    echo "$output"
    [ "$status $output" = "0 " ]
}

@test "nothing that was asked for was refused, but where a test took the rights away" {
    run rbac refused
    echo "$output"
    [ "$status" = 0 ]
    [ "$(grep -c ^failures:backupconfiguration-barred-0 <<<"$output")" -ge 1 ] # the log does tell
    [ "$(grep -Evc '^(failures:backupconfiguration-barred-0|volume:half|view:looker|view:nobody|cstash-system:cstash-operator get persistentvolumeclaims) ' <<<"$output")" = 0 ] # volume.bats made the second, view.bats the next two; a target that is a volume (rights.bats) is asked for in vain, and told so
}

# owned KIND OWNER: an object as we make them, which holds its owner until it is gone
owned() {
    local group=stash.appscode.com/v1beta1
    [[ "$2" != BackupVerification && "$2" != SnapshotView ]] || group=cstash.io/v1alpha1
    case $1 in
    Job) echo "{apiVersion: batch/v1, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}," ;;
    BackupSession) echo "{apiVersion: stash.appscode.com/v1beta1, spec: {invoker: {kind: BackupConfiguration, name: it}}," ;;
    esac
    echo "kind: $1, metadata: {name: probe, namespace: $NS, ownerReferences: [
        {apiVersion: $group, kind: $2, name: it, uid: none, controller: true, blockOwnerDeletion: true}]}}"
}

plural() { # plural KIND: its resource
    case $1 in
    *Batch) echo "${1,,}es" ;;
    *) echo "${1,,}s" ;;
    esac
}

# takes ROLE RESOURCE VERB COMMAND ...: the command, with its input, works as long as the role has the rule
takes() {
    local role=$1 resource=$2 verb=$3 input
    shift 3
    input=$(cat)
    "$@" <<<"$input"
    kubectl get clusterrole "$role" -o json | python3 -c '
import json, sys
role, resource, verb = json.load(sys.stdin), *sys.argv[1:]
for rule in role["rules"]:
    if verb in rule["verbs"]:
        rule["resources"] = [r for r in rule["resources"] if r != resource]
role["rules"] = [r for r in role["rules"] if r["resources"]]
print(json.dumps(role))' "$resource" "$verb" | kubectl replace -f -
    run "$@" <<<"$input"
    echo "$output"
    [[ "$status" -ne 0 && "$output" == *"orbidden"* ]]
    kubectl apply --server-side --force-conflicts -f "$ROOT/deploy/rbac"
}

@test "what admission asks for leaves no line: without it, objects with an owner and bindings are refused" {
    local create=(kubectl create --dry-run=server -f -)
    for owner in BackupConfiguration BackupSession RestoreSession BackupBatch RestoreBatch BackupVerification SnapshotView; do
        owned Job $owner | takes cstash-operator "$(plural $owner)/finalizers" update "${create[@]}" --as "$OPERATOR"
    done
    kubectl create rolebinding -n $NS cron --clusterrole stash-cron-job --serviceaccount $NS:cron
    for owner in BackupConfiguration BackupBatch; do
        owned BackupSession $owner |
            takes stash-cron-job "$(plural $owner)/finalizers" update "${create[@]}" --as system:serviceaccount:$NS:cron
    done
    kubectl create rolebinding -n $NS job --clusterrole stash-backup-job --serviceaccount $NS:job --dry-run=client -o json |
        takes cstash-operator-accounts clusterroles bind "${create[@]}" --as "$OPERATOR"
}
