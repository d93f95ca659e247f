#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The whole flow on a real cluster, its Jobs under the Pod Security level "restricted".

load e2e.bash
load stash.bash

NS=flow FAR=flow-far

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    redis_pod $NS second secret --enable-debug-command yes
    binding $NS second second
    config $NS bc 'backupHistoryLimit: 5'
    phase $NS bc/bc Ready
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
    gone_world $FAR
}

SECOND='target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: second}}'

# The metrics of our Pushgateway, as Prometheus would scrape them.
pushed() { kubectl get --raw /api/v1/namespaces/$SYSTEM/services/cstash-pushgateway:56789/proxy/metrics; }

@test "a backup, and a restore into another Redis" {
    session $NS one bc
    phase $NS backupsession/one Succeeded 60
    until_is $NS repo/repo '{.status.snapshotCount} {.status.integrity}' "1 true"
    restic -r "$BATS_FILE_TMPDIR/$NS-backups" --password-command 'echo secret' check --no-lock --no-cache -q
    [ "$(field $NS backupsession/one '{.status.targets[0].stats[0].hostname}')" = host-0 ]
    for type in RetentionPolicyApplied RepositoryIntegrityVerified RepositoryMetricsPushed MetricsPushed BackupExecutorEnsured; do
        [[ "$(condition $NS backupsession/one $type)" == True* ]]
    done
    kubectl get events -n $NS | grep 'Host Backup Succeeded *backupsession/one'

    restore $NS back 'rules: [{snapshots: [latest]}]' "$SECOND"
    phase $NS restoresession/back Succeeded 60
    [ "$(digest $NS redis)" = "$(digest $NS second)" ]
    kubectl get events -n $NS | grep 'Host Restore Succeeded *restoresession/back'
}

@test "a planned restore says what would be, and writes nothing" {
    local before
    before=$(digest $NS redis)
    planned() { # NAME REPOSITORY_SNAPSHOT
        cat <<YAML | kubectl apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: $1, namespace: $NS, annotations: {cstash.io/plan: "true"}}
spec:
  repository: {name: repo}
  task: {name: redis-restore-7.0.5, params: [{name: args, value: "--existing $2"}]}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
YAML
        phase $NS "restoresession/$1" Planned 60
    }
    planned ask replace
    [[ "$(condition $NS restoresession/ask RestorePossible)" == "True the restore would work" ]]
    [[ "$(condition $NS restoresession/ask PlanConflicts)" == True*"they would be replaced" ]]
    kubectl get events -n $NS | grep 'Normal *RestorePlanned *restoresession/ask'
    planned fail fail
    [[ "$(condition $NS restoresession/fail RestorePossible)" == "False the restore would not work: keys in the way: "* ]]
    kubectl get events -n $NS | grep 'Warning *RestorePlanned *restoresession/fail'
    [ "$(field $NS restoresession/fail '{.status.stats[0].phase}')" = Planned ]
    ! kubectl get events -n $NS | grep -E 'Host Restore (Succeeded|Failed) *restoresession/(ask|fail)'
    [ "$(digest $NS redis)" = "$before" ]
    restic -r "$BATS_FILE_TMPDIR/$NS-backups" --password-command 'echo secret' snapshots --no-lock --no-cache --json | grep -vq before-restore
    kubectl delete restoresession ask fail -n $NS >/dev/null
}

@test "the copy of a target goes into its own Repository, in a volume of its own, and comes back from there" {
    local before
    volume $NS own
    repository $NS own own
    kubectl patch repository own -n $NS --type merge -p '{"spec":{"backend":{"local":{"mountPath":"/own"}}}}'
    config $NS second 'repository: {name: own}' "$SECOND"
    cli $NS second set mine 1
    before=$(digest $NS second)
    restore $NS copied "$SECOND"
    phase $NS restoresession/copied Succeeded 60
    [ "$(field $NS restoresession/copied '{.status.stats[0].safetyCopyRepository}')" = own ]
    restic -r "$BATS_FILE_TMPDIR/$NS-own" --password-command 'echo secret' snapshots --no-lock --no-cache --json | grep -q before-restore
    ln -s "${CSTASH_BUILD:-$ROOT/build}/cstash" "$BATS_TEST_TMPDIR/kubectl-stash"
    undo=$("$BATS_TEST_TMPDIR/kubectl-stash" undo -n $NS copied | sed -n 's|^restoresessions.stash.appscode.com/\(.*\) created in .*|\1|p')
    phase $NS "restoresession/$undo" Succeeded 60
    [ "$(digest $NS second)" = "$before" ]
    kubectl delete -n $NS bc second
    kubectl delete -n $NS restoresession copied "$undo" >/dev/null
}

@test "a session under the name of one that was deleted a moment before is another one" {
    for id in 00000000 latest 00000000 latest; do
        restore $NS again "rules: [{snapshots: [\"$id\"]}]"
        phase $NS restoresession/again "$([ $id = latest ] && echo Succeeded || echo Failed)"
        [ $id = latest ] || [[ "$(field $NS restoresession/again '{.status.stats[0].error}')" == *00000000* ]]
        kubectl delete restoresession again -n $NS >/dev/null
    done
}

@test "the pods of Jobs are nobody in particular" {
    local pod
    pod=$(kubectl get pod -n $NS -l job-name=stash-backup-one-0 -o name)
    [ "$(field $NS "$pod" '{.spec.containers[*].securityContext.readOnlyRootFilesystem}')" = true ]
    [ "$(field $NS "$pod" '{.spec.containers[*].securityContext.capabilities.drop[0]}')" = ALL ]
    [ "$(field $NS "$pod" '{.spec.securityContext.runAsNonRoot}')" = true ]
    [ "$(stat -c %u "$BATS_FILE_TMPDIR/$NS-backups/config")" != 0 ]
}

@test "tables have Stash's columns" {
    kubectl get -n $NS bc | grep '^NAME *TASK *SCHEDULE *PAUSED *PHASE *AGE$'
    kubectl get -n $NS backupsession | grep '^NAME *INVOKER-TYPE *INVOKER-NAME *PHASE *DURATION *AGE$'
    kubectl get -n $NS repo | grep '^NAME *INTEGRITY *SIZE *SNAPSHOT-COUNT *LAST-SUCCESSFUL-BACKUP *AGE$'
    kubectl get -n $NS restoresession | grep '^NAME *REPOSITORY *PHASE *DURATION *AGE$'
    kubectl get -n $NS appbinding | grep '^NAME *TYPE *VERSION *AGE$'
    kubectl get task,function | grep 'redis-backup-7.0.5'
    kubectl get -n $NS stash # the category
    kubectl describe -n $NS backupsession one | grep 'backup session Succeeded'
    kubectl explain backupconfiguration.spec.retentionPolicy | grep keepLast
}

@test "series of both prefixes are in the Pushgateway" {
    pushed >"$BATS_TEST_TMPDIR/metrics"
    for name in stash_appscode_com_backupsession_success stash_backup_session_success stash_repository_snapshot_count \
        stash_appscode_com_backupsession_host_data_size_bytes; do
        grep "^$name{.*job=\"backupconfiguration-$NS-bc\"" "$BATS_TEST_TMPDIR/metrics"
    done
    grep "^stash_restore_session_success{.*job=\"restoresession-$NS-back\".*} 1" "$BATS_TEST_TMPDIR/metrics"
}

@test "the schedule fires, and paused it does not" {
    kubectl patch -n $NS bc bc --type merge -p '{"spec": {"schedule": "*/1 * * * *"}}'
    for _ in $(seq 90); do
        name=$(kubectl get backupsession -n $NS -o name | grep bc-) && break
        sleep 1
    done
    kubectl patch -n $NS bc bc --type merge -p '{"spec": {"paused": true}}'
    [ "$(field $NS "$name" '{.metadata.ownerReferences[0].kind}')" = BackupConfiguration ]
    phase $NS "$name" Succeeded 60
    until_is $NS cronjob/stash-trigger-bc '{.spec.suspend}' true
    for _ in $(seq 150); do # Kubernetes removes them a moment after they are done
        kubectl get job -n $NS -o name | grep stash-trigger || return 0
        sleep 0.2
    done
    return 1
}

@test "a claim of interimVolumeTemplate goes with its session, and that with the history" {
    local interim="interimVolumeTemplate: {metadata: {name: space, labels: {app: mine}, annotations: {note: big}}, spec: $CLAIM}"
    config $NS roomy "$interim"
    phase $NS bc/roomy Ready
    for name in first later last; do # the one that was complete when the last one ended stays
        storage $NS $name-space
        session $NS $name roomy
        phase $NS backupsession/$name Succeeded 60
        [ "$(field $NS pvc/$name-space '{.status.phase} {.metadata.labels.app} {.metadata.annotations.note}')" = "Bound mine big" ]
        [ "$(field $NS "$(kubectl get pod -n $NS -l job-name=stash-backup-$name-0 -o name)" \
            '{.spec.initContainers[0].volumeMounts[?(@.mountPath=="/stash-interim-volume")].name}')" = stash-interim-volume ]
    done
    kubectl wait -n $NS --for=delete backupsession/first pvc/first-space --timeout=60s

    storage $NS roomy-space
    restore $NS roomy "$SECOND" "$interim"
    phase $NS restoresession/roomy Succeeded 60
    kubectl delete -n $NS restoresession/roomy
    kubectl wait -n $NS --for=delete pvc/roomy-space --timeout=60s
    kubectl get -n $NS pvc/later-space pvc/last-space
    kubectl delete -n $NS bc/roomy
}

@test "a Repository of another namespace, for those that its labels choose" {
    kubectl patch -n $NS repo repo --type merge \
        -p '{"spec": {"usagePolicy": {"allowedNamespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "cache"}}}}}}'
    namespace $FAR
    volume $FAR backups $NS-backups # the same folder: a claim serves one namespace
    kubectl create secret generic -n $FAR redis-secret --from-literal=password=secret
    redis_pod $FAR redis secret
    binding $FAR redis redis
    config $FAR bc "repository: {name: repo, namespace: $NS}"
    phase $FAR bc/bc Invalid
    [[ "$(condition $FAR bc/bc ValidationPassed)" == False*usagePolicy* ]]

    kubectl label namespace $FAR team=cache
    phase $FAR bc/bc Ready 60
    session $FAR one bc
    phase $FAR backupsession/one Succeeded 60
    kubectl get -n $NS role,rolebinding | grep $FAR-backupconfiguration-bc-0
    kubectl delete -n $FAR bc bc
    [ "$(kubectl get -n $NS role,rolebinding -o name | grep -c $FAR-)" = 0 ]
}

@test "what was made goes with the configuration" {
    kubectl delete -n $NS bc bc
    for _ in $(seq 100); do
        [ -z "$(kubectl get -n $NS cronjob,serviceaccount,rolebinding -l app.kubernetes.io/component=stash-backup -o name)" ] && return 0
        sleep 0.2
    done
    kubectl get -n $NS cronjob,serviceaccount,rolebinding
    return 1
}
