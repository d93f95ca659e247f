# SPDX-License-Identifier: Apache-2.0
# BackupBatch and RestoreBatch: several Redis servers in one session, from YAML to what is in the servers.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic prometheus-pushgateway
    setup_folder
    export HOME=$T
    start_redis a
    start_redis b
    cli a eval 'for i = 1, 300 do redis.call("SET", "a:" .. i, i) end' 0 >/dev/null
    cli b eval 'for i = 1, 200 do redis.call("HSET", "b:" .. i % 9, i, i) end' 0 >/dev/null
    start_up
    world demo "$PORT_a"
    binding_at demo other "redis://127.0.0.1:$PORT_b" 'secret: {name: redis-secret}'
}

teardown() {
    stop_up
    end_all
}

REF='apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding'

member() { # member APPBINDING ALIAS [fields of the member]: of a backup
    echo "{task: {name: redis-backup-7.0.5, params: [{name: waitTimeout, value: \"3\"}]}, target: {alias: $2, ref: {$REF, name: $1}}${3:+, $3}}"
}

returning() { # returning APPBINDING ALIAS [fields of the member]: of a restore
    echo "{task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: \"3\"}]}, target: {alias: $2, ref: {$REF, name: $1}, rules: [{snapshots: [latest]}]}${3:+, $3}}"
}

batch() { # batch NAME MEMBERS ['more: fields of spec' ...]
    local name=$1 members=$2
    shift 2
    {
        cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupBatch
metadata: {name: $name, namespace: demo}
spec:
  members: [$members]
  repository: {name: repo}
YAML
        printf '  %s\n' "$@"
        [[ " $* " == *retentionPolicy:* ]] || echo '  retentionPolicy: {name: keep, keepLast: 10, prune: false}'
        [[ " $* " == *schedule:* ]] || echo '  schedule: "0 0 1 1 *"'
    } | k apply -f - >/dev/null
}

batch_session() { session demo "$1" "$2" "${3:-0}" BackupBatch; } # batch_session NAME BATCH [RETRY_LEFT]

restore_batch() { # restore_batch NAME MEMBERS ['more: fields of spec' ...]
    local name=$1 members=$2
    shift 2
    {
        cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreBatch
metadata: {name: $name, namespace: demo}
spec:
  members: [$members]
  repository: {name: repo}
YAML
        printf '  %s\n' "$@"
    } | k apply -f - >/dev/null
}

hosts() { restic -r "$T/repo-demo" snapshots --json | python3 -c 'import json, sys; print(*sorted(s["hostname"] for s in json.load(sys.stdin)))'; }

# member_condition KIND/NAME TARGET TYPE: status and message, of a BackupBatch, a BackupSession or a RestoreBatch
member_condition() {
    k get -n demo "$1" -o json | python3 -c '
import json, sys
s = json.load(sys.stdin)["status"]
for m in s.get("memberConditions", []) + s.get("targets", []) + s.get("members", []):
    if m.get("target", m.get("ref"))["name"] == sys.argv[1]:
        for c in m.get("conditions", []):
            if c["type"] == sys.argv[2]:
                print(c["status"], c.get("message", ""))' "$2" "$3"
}

both() { echo "$(member redis a "${1:-}"), $(member other b "${2:-}")"; }

@test "two servers in one session and one Repository, and both brought back" {
    local a b
    a=$(digest a) b=$(digest b)
    batch all "$(both)"
    phase demo backupbatch/all Ready
    [[ "$(member_condition backupbatch/all redis BackupTargetFound)" == "True Backup target AppBinding demo/redis found." ]]
    [[ "$(member_condition backupbatch/all other TaskFound)" == True* ]]
    [[ "$(condition demo backupbatch/all CronJobCreated)" == True* ]]
    [ "$(field demo cronjob/stash-trigger-all '{.spec.jobTemplate.spec.template.spec.containers[0].args}')" = '["create-backupsession","--invoker-name=all","--invoker-kind=BackupBatch"]' ]
    batch_session one all
    phase demo backupsession/one Succeeded
    [ "$(field demo backupsession/one '{.status.targets[*].phase}')" = "Succeeded Succeeded" ]
    [ "$(field demo backupsession/one '{.status.targets[*].stats[*].hostname}')" = "a b" ]
    [ "$(k get -n demo job -o name -l app.kubernetes.io/component=stash-backup | sort)" = "$(printf 'job.batch/stash-backup-one-%s\n' 0 1)" ]
    [ "$(k get -n demo sa -o name -l app.kubernetes.io/component=stash-backup | grep -c '/backupbatch-all-[01]$')" = 2 ]
    [ "$(hosts)" = "a b" ]
    restic -r "$T/repo-demo" check -q
    until_is demo repo/repo '{.status.references[*].kind} {.status.snapshotCount} {.status.integrity}' "BackupBatch 2 true"
    [ -n "$(field demo backupbatch/all '{.status.lastSuccessTime}')" ]
    k get -n demo backupbatch,backupsession | grep -q '^NAME *SCHEDULE *PAUSED *PHASE *AGE'
    k get -n demo backupsession | grep -q 'one *BackupBatch *all *Succeeded'

    # Series of one member stay when the other's are pushed.
    curl -s "http://127.0.0.1:$PUSH/metrics" >"$T/metrics"
    for name in redis other; do
        for series in stash_appscode_com_backupsession_target_success stash_backup_target_last_success_time_seconds \
            stash_backup_host_data_size_bytes stash_repository_snapshot_cleaned; do
            grep "^$series{" "$T/metrics" | grep 'job="backupbatch-demo-all"' | grep -q "member=\"appbinding.demo.$name\""
        done
    done
    grep '^stash_backup_target_count_total{' "$T/metrics" | grep 'job="backupbatch-demo-all"' | grep -q ' 2$'
    grep '^stash_repository_snapshot_count{' "$T/metrics" | grep -q ' 2$'
    curl -s "http://127.0.0.1:$METRICS/metrics" | grep -q '^cstash_backup_last_success_time_seconds{namespace="demo",invoker_kind="BackupBatch",invoker_name="all"} [1-9]'

    cli a flushall >/dev/null
    cli b flushall >/dev/null
    restore_batch back "$(returning redis a), $(returning other b)"
    phase demo restorebatch/back Succeeded
    [ "$(digest a)" = "$a" ]
    [ "$(digest b)" = "$b" ]
    [ "$(field demo restorebatch/back '{.status.members[*].phase}')" = "Succeeded Succeeded" ]
    [[ "$(member_condition restorebatch/back other RestoreExecutorEnsured)" == "True Restorer job/init-container has been ensured successfully for AppBinding demo/other." ]]
    k get -n demo restorebatch | grep -q '^NAME *REPOSITORY *PHASE *DURATION *AGE'
    curl -s "http://127.0.0.1:$PUSH/metrics" | grep '^stash_restore_target_success{' | grep 'job="restorebatch-demo-back"' | grep -c ' 1$' | grep -qx 2
    run k patch -n demo restorebatch back --type merge -p '{"spec":{"executionOrder":"Sequential"}}'
    [ "$status" != 0 ]
    [[ "$output" == *"RestoreBatch spec is immutable"* ]]

    k delete -n demo restorebatch back
    k delete -n demo backupbatch all
    k delete -n demo backupsession one
    until_is demo repo/repo '{.status.references}' ""
    [ "$(hosts)" = "a b" ]
}

@test "Sequential: the next begins when the one before has ended, and also when it failed" {
    cli a config set repl-diskless-sync-delay 2 >/dev/null
    batch row "$(both)" 'executionOrder: Sequential'
    phase demo backupbatch/row Ready
    batch_session one row
    until_is demo backupsession/one '{.status.targets[*].phase}' "Running Pending"
    phase demo backupsession/one Succeeded
    k get -n demo backupsession one -o json | python3 -c '
import json, sys
first, second = json.load(sys.stdin)["status"]["targets"]
made = [next(c["lastTransitionTime"] for c in t["conditions"] if c["type"] == "BackupExecutorEnsured") for t in (first, second)]
assert made[0] < made[1], made # the first took the two seconds that its server waits'
    cli a shutdown nosave || true
    batch_session two row
    phase demo backupsession/two Failed
    [ "$(field demo backupsession/two '{.status.targets[*].phase}')" = "Failed Succeeded" ]
    [ "$(hosts)" = "a b b" ]
}

@test "Parallel: one fails and the other succeeds, and what each says stays; it is tried again" {
    batch all "$(both)" 'retryConfig: {maxRetry: 1, delay: 5s}' 'backupHistoryLimit: 5'
    phase demo backupbatch/all Ready
    cli b config set requirepass other >/dev/null
    batch_session one all 1
    phase demo backupsession/one Failed
    [ "$(field demo backupsession/one '{.status.targets[*].phase}')" = "Succeeded Failed" ]
    [ -n "$(field demo backupsession/one '{.status.targets[1].stats[0].error}')" ]
    [[ "$(condition demo backupsession/one RetentionPolicyApplied)" == "True "* ]]
    [ -n "$(field demo backupsession/one '{.status.targets[0].stats[0].snapshots[0].name}')" ]
    curl -s "http://127.0.0.1:$PUSH/metrics" >"$T/metrics"
    grep '^stash_backup_target_success{' "$T/metrics" | grep 'member="appbinding.demo.redis"' | grep -q ' 1$'
    grep '^stash_backup_target_success{' "$T/metrics" | grep 'member="appbinding.demo.other"' | grep -q ' 0$'
    grep '^stash_backup_session_success{' "$T/metrics" | grep -q ' 0$'
    cli b -a other config set requirepass '' >/dev/null
    until_is demo backupsession/one '{.status.retried}' true
    again=$(k get -n demo backupsession -o name | grep -v '/one$')
    phase demo "backupsession/${again#*/}" Succeeded
    [ "$(hosts)" = "a a b" ]
}

@test "hooks of members and of the whole, and what the last one is told" {
    local at whole
    start_hooks
    at="host: 127.0.0.1, port: $HOOKS"
    whole="hooks: {preBackup: {httpGet: {$at, path: /first}}, postBackup: {httpPost: {$at, path: /last, body: '{{ .Invoker.Kind }} {{ .Name }} {{ .Status.Phase }} {{ .Status.Error }}.'}}}"
    batch all "$(both "hooks: {preBackup: {httpGet: {$at, path: /before}}, postBackup: {httpPost: {$at, path: /after, body: '{{ .Target.Name }} {{ .Status.Phase }}'}}}")" "$whole"
    phase demo backupbatch/all Ready
    batch_session one all
    phase demo backupsession/one Succeeded
    [ "$(cat "$T/hooks")" = $'GET /first\nGET /before\nPOST /after redis Succeeded\nPOST /last BackupBatch one Succeeded .' ]
    [[ "$(condition demo backupsession/one GlobalPreBackupHookSucceeded)" == "True Successfully executed preBackup hook." ]]
    [[ "$(condition demo backupsession/one GlobalPostBackupHookSucceeded)" == "True Successfully executed postBackup hook." ]]
    [[ "$(member_condition backupsession/one redis PostBackupHookExecutionSucceeded)" == True* ]]
    [ -z "$(member_condition backupsession/one other PostBackupHookExecutionSucceeded)" ]
    k get -n demo job stash-backup-one-pre stash-backup-one-post

    # The outcome is known to the last hook: of the member that failed, and by its policy.
    : >"$T/hooks"
    batch bad "$(member redis a), $(member other b "hooks: {preBackup: {httpGet: {$at, path: /bad}}}")" "$whole"
    phase demo backupbatch/bad Ready
    batch_session two bad
    phase demo backupsession/two Failed
    [ "$(field demo backupsession/two '{.status.targets[*].phase}')" = "Succeeded Failed" ]
    grep -qx 'POST /last BackupBatch two Failed other: .*500.*' "$T/hooks"
    : >"$T/hooks"
    batch bad "$(member redis a), $(member other b "hooks: {preBackup: {httpGet: {$at, path: /bad}}}")" "${whole/postBackup: \{/postBackup: \{executionPolicy: OnSuccess, }"
    until_is demo backupbatch/bad '{.status.observedGeneration}' 2
    batch_session three bad
    phase demo backupsession/three Failed
    [[ "$(condition demo backupsession/three GlobalPostBackupHookSucceeded)" == 'True Skipping executing postBackup. Reason: executionPolicy is "OnSuccess" but phase is "Failed".' ]]
    ! grep /last "$T/hooks"

    # Nothing is backed up where the first one fails; the last one is told.
    : >"$T/hooks"
    batch stop "$(both)" "${whole/first/bad}"
    phase demo backupbatch/stop Ready
    batch_session four stop
    phase demo backupsession/four Failed
    [[ "$(condition demo backupsession/four GlobalPreBackupHookSucceeded)" == False*500* ]]
    [ -z "$(field demo backupsession/four '{.status.targets[*].stats}')" ]
    ! k get -n demo job stash-backup-four-0
    grep -qx 'POST /last BackupBatch four Failed .*500.*' "$T/hooks"

    : >"$T/hooks"
    restore_batch back "$(returning redis a), $(returning other b | sed s/latest/0123abcd/)" \
        "hooks: {postRestore: {httpPost: {$at, path: /last, body: '{{ .Invoker.Kind }} {{ .Status.Phase }} {{ .Status.Error }}'}}}"
    phase demo restorebatch/back Failed
    [ "$(field demo restorebatch/back '{.status.members[*].phase}')" = "Succeeded Failed" ]
    grep -qx 'POST /last RestoreBatch Failed other: .*0123abcd.*' "$T/hooks"
    cli a flushall >/dev/null
    cli b flushall >/dev/null
    : >"$T/hooks"
    restore_batch again "$(returning redis a "hooks: {postRestore: {httpGet: {$at, path: /loaded}}}"), $(returning other b)" 'executionOrder: Sequential' \
        "hooks: {preRestore: {httpGet: {$at, path: /first}}, postRestore: {httpPost: {$at, path: /last, body: '{{ .Invoker.Kind }} {{ .Status.Phase }}'}}}"
    phase demo restorebatch/again Succeeded
    [ "$(cat "$T/hooks")" = $'GET /first\nGET /loaded\nPOST /last RestoreBatch Succeeded' ]
    [[ "$(condition demo restorebatch/again GlobalPostRestoreHookSucceeded)" == "True Successfully executed postRestore hook." ]]
}

@test "a time that is up ends what runs, and leaves what is done" {
    batch all "$(both)" 'timeOut: 6s' 'executionOrder: Sequential'
    phase demo backupbatch/all Ready
    cli b config set repl-diskless-sync-delay 60 >/dev/null
    batch_session one all
    phase demo backupsession/one Failed
    [ "$(field demo backupsession/one '{.status.targets[*].phase}')" = "Succeeded Failed" ]
    [ "$(field demo backupsession/one '{.status.targets[1].stats[0].error}')" = "Failed to complete backup within 6s." ]
    [[ "$(condition demo backupsession/one DeadlineExceeded)" == "True Failed to complete backup within 6s." ]]
    k get -n demo job stash-backup-one-0
    [ "$(hosts)" = a ]
}

@test "paused, its schedule, its history" {
    batch all "$(both)" 'schedule: "@every 2s"' 'backupHistoryLimit: 1'
    for _ in $(seq 300); do
        [ "$(k get -n demo backupsession -o 'jsonpath={.items[*].status.phase}' | grep -o Succeeded | wc -l)" -ge 2 ] && break
        sleep 0.1
    done
    k patch -n demo backupbatch all --type merge -p '{"spec":{"paused":true}}'
    until_is demo cronjob/stash-trigger-all '{.spec.suspend}' true
    for _ in $(seq 300); do
        k get -n demo backupsession,job --no-headers | grep -Eq 'Running|Pending' || break
        sleep 0.1
    done
    # one, the last that completed, and what was skipped while it ran
    [ "$(k get -n demo backupsession -o 'jsonpath={.items[*].status.phase}' | grep -o Succeeded | wc -l)" -le 2 ]
    [ "$(field demo "$(k get -n demo backupsession -o name | head -n 1)" '{.metadata.labels.stash\.appscode\.com/invoker-type}')" = BackupBatch ]
}

@test "what makes no sense is refused, and what is missing is told for each member" {
    batch none ""
    phase demo backupbatch/none Invalid
    [[ "$(condition demo backupbatch/none ValidationPassed)" == *"spec.members is empty" ]]
    batch twice "$(member redis a), $(member redis b)"
    phase demo backupbatch/twice Invalid
    [[ "$(condition demo backupbatch/twice ValidationPassed)" == *"spec.members[1].target is that of spec.members[0] too"* ]]
    batch exec "$(both)" 'hooks: {preBackup: {exec: {command: [echo]}}}'
    phase demo backupbatch/exec Invalid
    [[ "$(condition demo backupbatch/exec ValidationPassed)" == *"spec.hooks.preBackup.exec: a hook of the whole batch has no pod"* ]]
    k delete -n demo backupbatch none twice exec

    batch alike "$(member redis same), $(member other same)"
    phase demo backupbatch/alike Ready
    [[ "$(condition demo backupbatch/alike HostShared)" == "True spec.members[0] and spec.members[1] both make snapshots of host same"* ]]
    batch away "$(member redis a), $(member nobody b)"
    until_is demo backupbatch/away '{.status.memberConditions[1].conditions[0].status}' False
    [[ "$(member_condition backupbatch/away nobody BackupTargetFound)" == "False Backup target AppBinding demo/nobody does not exist." ]]
    [[ "$(member_condition backupbatch/away redis BackupTargetFound)" == True* ]]
    phase demo backupbatch/away NotReady
    batch_session early away
    phase demo backupsession/early Skipped
    binding_at demo nobody "redis://127.0.0.1:$PORT_b" 'secret: {name: redis-secret}'
    phase demo backupbatch/away Ready
    restore_batch lost "$(returning redis a), $(returning never b)"
    until_is demo restorebatch/lost '{.status.members[1].conditions[0].status}' False
    [ "$(field demo restorebatch/lost '{.status.phase}')" = Pending ]
}

@test "kubectl-stash starts, pauses and resumes it; a session waits for another's target" {
    mkdir -p "$T/bin"
    ln -sf "$CSTASH" "$T/bin/kubectl-stash"
    batch all "$(both)" 'schedule: "0 0 1 1 *"'
    config demo slow
    phase demo backupbatch/all Ready
    phase demo bc/slow Ready
    cli a config set repl-diskless-sync-delay 3 >/dev/null
    session demo first slow
    until_is demo backupsession/first '{.status.phase}' Running
    name=$("$T/bin/kubectl-stash" trigger -n demo --backupbatch all | sed -n 's|^backupsessions.stash.appscode.com/\(.*\) created in demo$|\1|p')
    until_is demo "backupsession/$name" '{.status.conditions[?(@.type=="Waiting")].reason}' AnotherSessionRuns
    [[ "$(condition demo "backupsession/$name" Waiting)" == "True Waiting for BackupSession first, which backs up the same target." ]]
    phase demo "backupsession/$name" Succeeded
    "$T/bin/kubectl-stash" pause backup -n demo --backupbatch all
    until_is demo cronjob/stash-trigger-all '{.spec.suspend}' true
    "$T/bin/kubectl-stash" resume backup -n demo --backupbatch all
    until_is demo cronjob/stash-trigger-all '{.spec.suspend}' false
    run "$T/bin/kubectl-stash" trigger -n demo
    [ "$status" = 2 ]
}

granted_in_far() { [ "$(k get -n far rolebinding -o name | sed -n 's/.*demo-backupbatch-all-\([0-9]\)-.*/\1/p' | tr '\n' ' ')" = "$1" ]; }

@test "a Repository of another namespace: each member's rights there, and gone with the member and with the batch" {
    k create namespace far >/dev/null
    k create secret generic -n far repo-secret --from-literal=RESTIC_PASSWORD=secret >/dev/null
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: BackupBatch
metadata: {name: all, namespace: demo}
spec: {members: [$(both)], repository: {name: far, namespace: far}, schedule: "0 0 1 1 *", retentionPolicy: {name: k, keepLast: 9, prune: false}}
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: far, namespace: far}
spec:
  usagePolicy: {allowedNamespaces: {from: All}}
  backend: {storageSecretName: repo-secret, local: {mountPath: /safe, hostPath: {path: $T/repo-demo}}}
YAML
    phase demo backupbatch/all Ready
    batch_session one all
    phase demo backupsession/one Succeeded
    until_true granted_in_far "0 1 "
    k patch -n demo backupbatch all --type json -p '[{"op": "remove", "path": "/spec/members/1"}]' >/dev/null
    until_true granted_in_far "0 "
    [ "$(field demo backupbatch/all '{.status.memberConditions[*].target.name}')" = redis ]
    k delete -n demo backupbatch all >/dev/null
    until_true granted_in_far ""
}

@test "a member that is taken away while it runs has failed, and the session ends" {
    batch all "$(both)"
    phase demo backupbatch/all Ready
    cli b config set repl-diskless-sync-delay 60 >/dev/null
    batch_session one all
    until_is demo backupsession/one '{.status.targets[*].phase}' "Running Running"
    k patch -n demo backupbatch all --type json -p '[{"op": "remove", "path": "/spec/members/1"}]' >/dev/null
    phase demo backupsession/one Failed
    [ "$(field demo backupsession/one '{.status.targets[*].phase}')" = "Succeeded Failed" ]
    [[ "$(member_condition backupsession/one other BackupDisrupted)" == "True BackupBatch demo/all has no member with this target any more." ]]
    [[ "$(field demo backupsession/one '{.status.targets[1].stats[0].phase} {.status.targets[1].stats[0].error}')" == "Failed BackupBatch demo/all has no member"* ]]
    k get events -n demo | grep -q 'BackupSessionFinished.*backup session Failed'
    grep -q 'BackupSession Failed in .*: BackupBatch demo/all has no member with this target any more' "$T/up.log"
}

@test "members that change places in the middle of a Sequential session: it keeps its order" {
    batch row "$(both)" 'executionOrder: Sequential'
    phase demo backupbatch/row Ready
    cli a config set repl-diskless-sync-delay 60 >/dev/null
    batch_session one row
    until_is demo backupsession/one '{.status.targets[*].phase}' "Running Pending"
    batch row "$(member other b), $(member redis a)" 'executionOrder: Sequential'
    until_true is_observed backupbatch/row
    sleep 1
    [ "$(field demo backupsession/one '{.status.targets[*].ref.name} {.status.targets[*].phase}')" = "redis other Running Pending" ]
    batch row "$(member other b)" 'executionOrder: Sequential'
    phase demo backupsession/one Failed
    [ "$(field demo backupsession/one '{.status.targets[*].phase}')" = "Failed Succeeded" ]
}

@test "another executionOrder in the middle of a session: it keeps the one that it began with" {
    batch row "$(both)" 'executionOrder: Sequential'
    phase demo backupbatch/row Ready
    batch_session first row # from now on there is a repository, which a session in parallel would wait for
    phase demo backupsession/first Succeeded
    cli a config set repl-diskless-sync-delay 60 >/dev/null
    batch_session one row
    until_is demo backupsession/one '{.status.targets[*].phase}' "Running Pending"
    [ "$(field demo backupsession/one '{.status.executionOrder}')" = Sequential ]
    batch row "$(both)" 'executionOrder: Parallel'
    until_true is_observed backupbatch/row
    k annotate -n demo backupsession one look=again >/dev/null
    sleep 1
    [ "$(field demo backupsession/one '{.status.targets[*].phase} {.status.executionOrder}')" = "Running Pending Sequential" ]
    cli a config set repl-diskless-sync-delay 0 >/dev/null
    phase demo backupsession/one Succeeded
    batch_session two row
    phase demo backupsession/two Succeeded
    [ "$(field demo backupsession/two '{.status.executionOrder}')" = Parallel ]
}
is_observed() { [ "$(field demo "$1" '{.metadata.generation}')" = "$(field demo "$1" '{.status.observedGeneration}')" ]; }

@test "a batch that is deleted in the middle of a session: the session has failed, no target is left Running" {
    batch all "$(both)"
    phase demo backupbatch/all Ready
    cli b config set repl-diskless-sync-delay 60 >/dev/null
    batch_session one all
    until_is demo backupsession/one '{.status.targets[*].phase}' "Running Running"
    k delete -n demo backupbatch all
    phase demo backupsession/one Failed
    [[ "$(field demo backupsession/one '{.status.targets[*].phase}')" =~ ^(Succeeded|Failed)\ Failed$ ]]
    [[ "$(member_condition backupsession/one other BackupDisrupted)" == "True BackupBatch demo/all was deleted meanwhile." ]]
    [ "$(field demo backupsession/one '{.status.targets[1].stats[0].error}')" = "BackupBatch demo/all was deleted meanwhile." ]
}
