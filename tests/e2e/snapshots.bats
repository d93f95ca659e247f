#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Snapshots on a real cluster: shown, deleted one by one by somebody with `edit`, and never lost with what they are in.

load e2e.bash
load stash.bash

NS=snaps CRD=snapshots.repositories.stash.appscode.com

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    kubectl create rolebinding -n $NS editor --clusterrole=edit --user=editor
    kubectl create rolebinding -n $NS viewer --clusterrole=view --user=viewer
    config $NS bc 'retentionPolicy: {name: k, keepLast: 4, prune: true}'
    phase $NS bc/bc Ready
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

backup() { # backup SESSION [CONFIG]
    session $NS "$1" "${2:-bc}"
    phase $NS "backupsession/$1" Succeeded 60
}

ids() { # ids [CLAIM]: by time
    restic -r "$BATS_FILE_TMPDIR/$NS-${1:-backups}" --password-command 'echo secret' snapshots --json --no-lock --no-cache -q |
        python3 -c 'import json, sys; print("\n".join(s["id"] for s in sorted(json.load(sys.stdin), key=lambda s: s["time"])))'
}
shown() { kubectl get -n $NS snapshots -l "repository=${1:-repo}" -o 'jsonpath={range .items[*]}{.status.id}{"\n"}{end}'; }
are_shown() { diff <(shown "$@" | sort) <(ids "${2:-}" | sort); }
name_of() { kubectl get -n $NS snapshots -l "cstash.io/snapshot-id=${1:0:63}" -o name; } # name_of ID
forgotten() { until_is $NS "$1" '{.status.conditions[?(@.type=="Forgotten")].reason}' "$2" 60; }

@test "each backup brings the objects in step with the repository; the table is Stash's" {
    local first
    for i in one two three four five; do backup $i; done # one goes by retention
    [ "$(ids | wc -l)" = 4 ]
    are_shown
    # Somebody removes one by hand, and says so.
    restic -r "$BATS_FILE_TMPDIR/$NS-backups" --password-command 'echo secret' forget --no-cache -q "$(ids | head -n 1)"
    kubectl annotate -n $NS repository.stash.appscode.com/repo cstash.io/show-snapshots=one
    until_is $NS repository.stash.appscode.com/repo '{.status.snapshotsShown}' "$(field $NS repository.stash.appscode.com/repo '{.status.lastBackupTime}') one" 60
    [ "$(ids | wc -l)" = 3 ]
    are_shown
    first=$(ids | head -n 1)
    kubectl get snapshots -n $NS | grep '^NAME *ID *REPOSITORY *HOSTNAME *CREATED AT$'
    kubectl get snapshots -n $NS --as viewer --no-headers -l repository=repo,hostname=host-0 |
        grep -E "^repo-${first:0:8} +${first:0:8} +repo +host-0 +20[-0-9]+T[:0-9]+Z$"
    kubectl describe snapshot -n $NS "repo-${first:0:8}" | grep 'Keys: *1008'
    kubectl get appscode -n $NS -o name | grep -x "snapshot.repositories.stash.appscode.com/repo-${first:0:8}"
    [ -z "$(kubectl get all -n $NS -o name | grep '^snapshot')" ] # who clears a namespace of all does not mean its backups
}

@test "the deletion of one forgets it; the newest stays until an annotation allows it" {
    local first last name
    first=$(ids | head -n 1) last=$(ids | tail -n 1)
    run kubectl delete snapshot -n $NS --as viewer "repo-${first:0:8}"
    [[ "$output" == *orbidden* ]]
    kubectl delete snapshot -n $NS --as editor "repo-${first:0:8}" --timeout=60s
    [ "$(ids | wc -l)" = 2 ]
    ! ids | grep "$first"
    are_shown
    kubectl get events -n $NS | grep "SnapshotForgotten *snapshot/repo-${first:0:8}"
    name=$(name_of "$last")
    kubectl delete -n $NS --as editor "$name" --wait=false
    forgotten "$name" RemovalRefused
    [[ "$(condition $NS "$name" Forgotten)" == *"newest whole snapshot of its target"* ]]
    ids | grep "$last"
    account=system:serviceaccount:$NS:$(kubectl get serviceaccount -n $NS -l app.kubernetes.io/component=stash-forget -o jsonpath='{.items[0].metadata.name}')
    kubectl auth can-i get secret/repo-secret -n $NS --as "$account"
    for what in "get secret/redis-secret" "delete snapshots.repositories.stash.appscode.com" "patch snapshots.repositories.stash.appscode.com" "create pods"; do
        run kubectl auth can-i $what -n $NS --as "$account"
        [ "$output" = no ]
    done
    kubectl annotate -n $NS --as editor "$name" cstash.io/allow-removal=true
    kubectl wait -n $NS --for=delete "$name" --timeout=60s
    [ "$(ids | wc -l)" = 1 ]
    restic -r "$BATS_FILE_TMPDIR/$NS-backups" --password-command 'echo secret' check --no-lock --no-cache -q
}

@test "while an APIService of another program leads elsewhere nothing fails, and that is said" {
    kubectl replace -f - <<YAML
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1alpha1.repositories.stash.appscode.com}
spec: {group: repositories.stash.appscode.com, version: v1alpha1, groupPriorityMinimum: 1000, versionPriority: 15, insecureSkipTLSVerify: true,
  service: {namespace: $NS, name: stash-enterprise}}
YAML
    backup away
    [[ "$(condition $NS backupsession/away SnapshotsShown)" == "False nobody answers for repositories.stash.appscode.com"*"remove it (v1alpha1.repositories.stash.appscode.com)"* ]]
    kubectl delete apiservice v1alpha1.repositories.stash.appscode.com # the server makes its own again
    kubectl wait --for=create apiservice/v1alpha1.repositories.stash.appscode.com --timeout=60s
    kubectl wait --for=condition=Available apiservice/v1alpha1.repositories.stash.appscode.com --timeout=60s
    backup back
    are_shown
}

@test "a Repository that is deleted takes the objects along, and leaves the backups" {
    local before
    volume $NS apart
    repository $NS apart apart
    config $NS apart 'repository: {name: apart}'
    phase $NS bc/apart Ready
    backup six apart
    before=$(ids apart)
    are_shown apart apart
    kubectl delete -n $NS bc/apart
    kubectl delete -n $NS repository.stash.appscode.com/apart --timeout=60s
    for _ in $(seq 100); do [ -z "$(shown apart)" ] && break || sleep 0.2; done
    [ -z "$(shown apart)" ]
    [ "$(ids apart)" = "$before" ]
}

@test "the definition that is deleted takes the objects along, and leaves the backups" {
    local before
    before=$(ids)
    name=$(name_of "$(ids | tail -n 1)")
    kubectl delete -n $NS "$name" --wait=false # one that waits for an answer meanwhile
    forgotten "$name" RemovalRefused
    kubectl delete crd $CRD --timeout=60s
    [ "$(ids)" = "$before" ]
    kubectl apply --server-side -f "$ROOT/deploy/crds/snapshots.yaml"
    kubectl wait --for=condition=Established crd/$CRD --timeout=30s
    kubectl annotate --overwrite -n $NS repository.stash.appscode.com/repo cstash.io/show-snapshots=two
    until_is $NS repository.stash.appscode.com/repo '{.status.snapshotsShown}' "$(field $NS repository.stash.appscode.com/repo '{.status.lastBackupTime}') two" 60
    [ "$(ids)" = "$before" ]
    are_shown
}

@test "so does the namespace" {
    local before
    before=$(ids)
    [ "$(wc -l <<<"$before")" = 3 ]
    # The operator has the kind again, and acts on it.
    name=$(name_of "$(ids | tail -n 1)")
    kubectl delete -n $NS "$name" --wait=false
    forgotten "$name" RemovalRefused
    kubectl delete namespace $NS --timeout=120s
    [ "$(ids)" = "$before" ]
}
