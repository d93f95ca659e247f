#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A namespace as Stash left it when its operator was removed, and ours takes over; then the way back (docs/from-stash.md).

load e2e.bash
load stash.bash

NS=moved

# old_backup KEYS: as redis-dump-go and restic in Stash's Job save it; its ID
old_backup() {
    python3 - "$1" <<'PY' >"$BATS_FILE_TMPDIR/dump"
import sys
n = int(sys.argv[1])
def say(*words):
    sys.stdout.write("*%d\r\n" % len(words) + "".join("$%d\r\n%s\r\n" % (len(w), w) for w in map(str, words)))
say("SELECT", 0)
for i in range(n):
    say("SET", "old:%d" % i, i)
say("RPUSH", "list", *range(5))
say("HSET", "hash", "a", 1, "b", 2)
say("ZADD", "sorted", "1.5", "x")
say("SADD", "set", "m")
say("EXPIREAT", "set", 4000000000)
say("SET", "__redisdump_total_keys", n + 4 + 1)
PY
    old_restic backup -q --stdin --stdin-filename dumpfile.resp --host host-0 --json <"$BATS_FILE_TMPDIR/dump" |
        sed -n 's/.*"snapshot_id":"\([0-9a-f]\{8\}\).*/\1/p'
}
old_restic() { restic -r "$BATS_FILE_TMPDIR/$NS-backups" --password-command 'echo secret' --no-cache "$@"; }

# The objects, as its operator and its Jobs write them: finalizers, statuses, labels, CronJob, rights.
left_by_stash() {
    kubectl apply -f - <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: repo, namespace: $NS, finalizers: [stash]}
spec:
  backend:
    storageSecretName: repo-secret
    local: {mountPath: /safe, persistentVolumeClaim: {claimName: backups}}
---
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: sample-redis-backup, namespace: $NS, finalizers: [stash.appscode.com]}
spec:
  schedule: "*/5 * * * *"
  task: {name: redis-backup-6.2.5}
  repository: {name: repo}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
  retentionPolicy: {name: keep-last-3, keepLast: 3, prune: true}
YAML
    kubectl patch -n $NS repository repo --subresource status --type merge -p '{"status": {"observedGeneration": 1, "integrity": true,
        "snapshotCount": 2, "totalSize": "1.234 KiB", "lastBackupTime": "2026-01-01T00:00:00Z", "references": [{"apiGroup": "stash.appscode.com",
        "kind": "BackupConfiguration", "name": "sample-redis-backup", "namespace": "'$NS'"}]}}'
    kubectl patch -n $NS backupconfiguration sample-redis-backup --subresource status --type merge -p '{"status": {"observedGeneration": 1,
        "phase": "Ready", "conditions": [{"type": "RepositoryFound", "status": "True", "reason": "RepositoryAvailable", "message": "Repository '$NS'/repo exist.",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}, {"type": "CronJobCreated", "status": "True", "reason": "CronJobCreationSucceeded",
        "message": "Successfully created backup triggering CronJob.", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}'
    local uid owner labels
    uid=$(field $NS backupconfiguration/sample-redis-backup '{.metadata.uid}')
    owner="[{apiVersion: stash.appscode.com/v1beta1, kind: BackupConfiguration, name: sample-redis-backup, uid: $uid, controller: true, blockOwnerDeletion: true}]"
    labels='{app.kubernetes.io/component: stash-backup, app.kubernetes.io/managed-by: stash.appscode.com, stash.appscode.com/invoker-type: BackupConfiguration, stash.appscode.com/invoker-name: sample-redis-backup}'
    kubectl apply -f - <<YAML
apiVersion: v1
kind: ServiceAccount
metadata: {name: stash-trigger-sample-redis-backup, namespace: $NS, labels: $labels, ownerReferences: $owner}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: stash-trigger-sample-redis-backup, namespace: $NS, labels: $labels, ownerReferences: $owner}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: stash-cron-job}
subjects: [{kind: ServiceAccount, name: stash-trigger-sample-redis-backup, namespace: $NS}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: stash-trigger-sample-redis-backup, namespace: $NS, labels: $labels, ownerReferences: $owner}
spec:
  schedule: "*/5 * * * *"
  suspend: false
  jobTemplate:
    metadata: {labels: {stash.appscode.com/delete-job-on-completion: "true"}}
    spec:
      template:
        metadata: {labels: $labels}
        spec:
          restartPolicy: Never
          serviceAccountName: stash-trigger-sample-redis-backup
          containers:
            - {name: stash-trigger, image: "ghcr.io/stashed/stash:v0.37.0", args: [create-backupsession, --invoker-name=sample-redis-backup, --invoker-kind=BackupConfiguration]}
---
apiVersion: stash.appscode.com/v1beta1
kind: BackupSession
metadata: {name: sample-redis-backup-1767225600, namespace: $NS, labels: $labels, ownerReferences: $owner}
spec: {invoker: {apiGroup: stash.appscode.com, kind: BackupConfiguration, name: sample-redis-backup}}
---
apiVersion: stash.appscode.com/v1beta1
kind: BackupSession
metadata: {name: sample-redis-backup-1767225900, namespace: $NS, labels: $labels, ownerReferences: $owner}
spec: {invoker: {apiGroup: stash.appscode.com, kind: BackupConfiguration, name: sample-redis-backup}}
YAML
    local target='"ref": {"apiVersion": "appcatalog.appscode.com/v1alpha1", "kind": "AppBinding", "name": "redis"}, "totalHosts": 1'
    kubectl patch -n $NS backupsession sample-redis-backup-1767225600 --subresource status --type merge -p '{"status": {"phase": "Succeeded",
        "sessionDuration": "12s", "targets": [{'"$target"', "phase": "Succeeded", "stats": [{"hostname": "host-0", "phase": "Succeeded"}]}]}}'
    kubectl patch -n $NS backupsession sample-redis-backup-1767225900 --subresource status --type merge -p '{"status": {"phase": "Running",
        "targets": [{'"$target"', "phase": "Running"}]}}' # its Job went with the operator's clean-up
}

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    kubectl scale -n $SYSTEM deployment/cstash-operator --replicas=0 # not there yet
    kubectl wait -n $SYSTEM --for=delete pod -l app.kubernetes.io/component=operator --timeout=60s
    world $NS
    kubectl delete -n $NS repository repo
    redis_pod $NS second secret
    binding $NS second second
    old_restic init -q
    old_backup 100 >"$BATS_FILE_TMPDIR/first"
    old_backup 200 >"$BATS_FILE_TMPDIR/second"
    chmod -R a+rwX "$BATS_FILE_TMPDIR/$NS-backups"
    left_by_stash
    kubectl scale -n $SYSTEM deployment/cstash-operator --replicas=2
    kubectl rollout status -n $SYSTEM deployment/cstash-operator --timeout=60s
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

@test "what Stash left is taken over: the CronJob, its rights; a session that was cut off is done" {
    phase $NS backupconfiguration/sample-redis-backup Ready 60
    until_is $NS cronjob/stash-trigger-sample-redis-backup '{.spec.jobTemplate.spec.template.spec.containers[*].image}' "$(field '' functions/update-status '{.spec.image}')" 60
    [ "$(kubectl get -n $NS cronjob -o name | wc -l)" = 1 ]
    phase $NS backupsession/sample-redis-backup-1767225900 Succeeded 90
    [ "$(field $NS repo/repo '{.status.references[*].name}')" = sample-redis-backup ]
}

@test "an old snapshot is restored, and its counts are proven by what redis-dump-go wrote last" {
    restore $NS old "rules: [{snapshots: ['$(cat "$BATS_FILE_TMPDIR/first")']}]" \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: second}}' 'task: {name: redis-restore-6.2.5}'
    phase $NS restoresession/old Succeeded 60
    [ "$(cli $NS second dbsize)" = 104 ]
    [ "$(cli $NS second lrange list 0 -1 | tr '\n' ' ')" = "0 1 2 3 4 " ]
    [ "$(cli $NS second expiretime set)" = 4000000000 ]
}

@test "the next slot: a session, retention over old and new snapshots" {
    kubectl create job -n $NS --from=cronjob/stash-trigger-sample-redis-backup slot
    until_true one_new_session
    phase $NS "$(new_session)" Succeeded 90
    until_is $NS repo/repo '{.status.snapshotCount} {.status.integrity}' "3 true"
    old_restic snapshots --no-lock --json >"$BATS_TEST_TMPDIR/list"
    grep -q "$(cat "$BATS_FILE_TMPDIR/second")" "$BATS_TEST_TMPDIR/list"
    ! grep -q "$(cat "$BATS_FILE_TMPDIR/first")" "$BATS_TEST_TMPDIR/list"
}
new_session() { kubectl get -n $NS backupsession -o name | grep -v -e 1767225600 -e 1767225900 | head -n 1; }
one_new_session() { [ -n "$(new_session)" ]; }

@test "and back: restic and redis-cli, which Stash's Jobs use, load what was saved" {
    kubectl exec -n $NS second -- env REDISCLI_AUTH=secret redis-cli flushall
    old_restic dump --no-lock latest dumpfile.resp --host host-0 |
        kubectl exec -i -n $NS second -- env REDISCLI_AUTH=secret redis-cli --pipe
    [ "$(digest_of redis)" = "$(digest_of second)" ]
    old_restic check --no-lock -q
}
digest_of() { cli $NS "$1" --scan | sort | sha256sum; }
