# SPDX-License-Identifier: Apache-2.0
# BackupVerification from YAML: slots, results at every place that shows them, failures, and what retention keeps.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic redis-server
    setup_folder
    start_redis a
    cli a set greeting hello >/dev/null
    start_up
    world demo "$PORT_a"
    config demo bc
}

teardown() {
    stop_up
    end_all
}

backup() { # backup SESSION
    session demo "$1" bc
    phase demo "backupsession/$1" Succeeded
}

verification() { # verification NAME [LINES OF SPEC]: its time is far away, so a test makes the Jobs
    {
        cat <<YAML
apiVersion: cstash.io/v1alpha1
kind: BackupVerification
metadata: {name: $1, namespace: demo}
spec:
YAML
        [ $# = 1 ] || printf '  %s\n' "${@:2}"
        [[ " $* " == *schedule:* ]] || echo '  schedule: "0 0 1 1 *"'
        [[ " $* " == *repository:* ]] || echo '  configuration: {name: bc}'
    } | k apply -f - >/dev/null
}
made() { k get -n demo "cronjob/stash-verify-$1" >/dev/null 2>&1; }
verify_now() { # verify_now NAME JOB
    until_true made "$1"
    k create job -n demo "$2" --from="cronjob/stash-verify-$1" >/dev/null
}
outcome() { field demo "backupverification/$1" '{.status.lastResult.outcome}'; }
pod() { field demo "backupverification/$1" '{.status.lastResult.pod}'; }
is_said() { # is_said NAME JOB OUTCOME
    [[ "$(pod "$1")" == "$2-"* ]] && [ "$(outcome "$1")" = "$3" ]
}
condition_is() { # condition_is OBJECT STATUS-REASON
    [ "$(field demo "$1" '{.status.conditions[?(@.type=="Verified")].status}-{.status.conditions[?(@.type=="Verified")].reason}')" = "$2" ]
}

@test "a slot verifies the latest backup; every place shows it" {
    local id
    backup one
    verification weekly 'questions: ["GET greeting => hello", "DBSIZE => 1"]'
    verify_now weekly now
    until_true is_said weekly now Verified
    id=$(restic -r "$T/repo-demo" snapshots --json --host host-0 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
    [ "$(field demo backupverification/weekly '{.status.lastResult.snapshot} {.status.lastResult.level} {.status.lastResult.keys} {.status.lastResult.questions} {.status.lastResult.server}')" = "$id restore 1 2 Redis 7.0.15" ]
    until_true condition_is backupverification/weekly True-BackupVerified
    until_true condition_is backupconfiguration/bc True-BackupVerified
    phase demo backupconfiguration/bc Ready
    k get -n demo bv weekly | grep -q 'Verified '
    [ -n "$(field demo "snapshot/repo-${id:0:8}" '{.status.verified}')" ]
    [ "$(field demo "snapshot/repo-${id:0:8}" '{.status.verification.level} {.status.verification.good}')" = "restore true" ]
    k get -n demo snapshots -o wide | grep -q VERIFIED
    [ "$(k get -n demo snapshots -o name | wc -l)" = 1 ]
    curl -fs "http://127.0.0.1:$METRICS/metrics" >"$T/series"
    grep -q '^cstash_backupverification_last_verified_time_seconds{namespace="demo",name="weekly"} [1-9]' "$T/series"
    grep -q '^cstash_backupverification_restore_duration_seconds{namespace="demo",name="weekly"} 1' "$T/series"
    grep -q '^cstash_backup_last_verified_time_seconds{namespace="demo",invoker_kind="BackupConfiguration",invoker_name="bc"} [1-9]' "$T/series"
    grep -q '^cstash_backup_restore_duration_seconds{namespace="demo",invoker_kind="BackupConfiguration",invoker_name="bc"} 1' "$T/series"
    curl -fs "http://127.0.0.1:$PUSH/metrics" | grep '^cstash_verification_success{.*} 1'
    k get -n demo events | grep -q 'BackupVerified.*backupverification/weekly'
    "$CSTASH" snapshots -q -r kube:demo/repo | grep -q 'verified: restored into Redis'
    "$CSTASH" verify -r kube:demo/repo --level data "$id" | grep -q "verified: data read back"
    # Nothing of it is a backup.
    [ "$(field demo repository/repo '{.status.snapshotCount}')" = 1 ]
    backup two
    [ "$(field demo repository/repo '{.status.snapshotCount}')" = 2 ]
}

@test "one that fails is told everywhere, and the last verified backup stays whatever the policy" {
    local first
    k patch -n demo backupconfiguration bc --type merge -p '{"spec":{"retentionPolicy":{"keepLast":1,"prune":true}}}' >/dev/null
    backup one
    verification weekly 'questions: ["GET greeting => hello"]'
    verify_now weekly good
    until_true is_said weekly good Verified
    first=$(field demo backupverification/weekly '{.status.lastResult.snapshot}')
    cli a set greeting bye
    backup two
    verify_now weekly bad
    until_true is_said weekly bad Failed
    until_true condition_is backupverification/weekly False-VerificationFailed
    until_true condition_is backupconfiguration/bc False-VerificationFailed
    [[ "$(field demo backupverification/weekly '{.status.lastResult.reason}')" == *"the answer to 'GET greeting' is not the one"* ]]
    k get -n demo events | grep -q 'Warning.*VerificationFailed.*backupverification/weekly'
    curl -fs "http://127.0.0.1:$PUSH/metrics" | grep '^cstash_verification_success{.*} 0'
    k wait -n demo job/bad --for=condition=Failed --timeout=60s >/dev/null
    backup three
    backup four
    k get -n demo snapshots -o jsonpath='{.items[*].status.id}' | grep -q "$first"
    [ "$(k get -n demo snapshots -o name | wc -l)" = 2 ]
    # Nor does who deletes it, without a word.
    k delete -n demo snapshot "repo-${first:0:8}" --wait=false >/dev/null
    until_true refused "repo-${first:0:8}"
    k annotate -n demo snapshot "repo-${first:0:8}" cstash.io/allow-removal=true >/dev/null
    k wait -n demo snapshot "repo-${first:0:8}" --for=delete --timeout=60s
}
refused() { [ "$(field demo "snapshot/$1" '{.status.conditions[?(@.type=="Forgotten")].reason}')" = RemovalRefused ]; }

@test "what cannot be done is told: schedule, Repository, a question that writes, a Job that dies" {
    backup one
    verification bad 'schedule: "every day"'
    until_true told bad ValidationPassed 'spec.schedule "every day"'
    verification away 'repository: {name: nowhere}'
    until_true told away RepositoryFound 'Repository demo/nowhere does not exist'
    verification writes 'questions: ["SET a b => OK"]'
    verify_now writes now
    until_true is_said writes now Error
    until_true condition_is backupverification/writes False-NotVerifiable
    verification several 'repository: {name: repo}' 'level: data' # of one target: no name is needed
    verify_now several one
    until_true is_said several one Verified
    # A server that never comes up, longer than the Job may take.
    mkdir "$T/bin"
    printf '#!/bin/sh\nexec sleep 1000\n' >"$T/bin/redis-server"
    chmod +x "$T/bin/redis-server"
    stop_up
    PATH=$T/bin:$PATH start_up
    verification short 'timeOut: 2s'
    verify_now short late
    until_true condition_is backupverification/short False-NotVerifiable
    told short Verified "ended without a result"
    [ "$(outcome short)" = NotVerifiable ]
    ! pgrep -f "^sleep 1000$"
}
told() { [[ "$(field demo "backupverification/$1" "{.status.conditions[?(@.type==\"$2\")].message}")" == *"$3"* ]]; }

@test "a slot starts one by itself, and one after a restart of everything goes on" {
    backup one
    verification often 'schedule: "@every 5s"' 'level: data' 'historyLimit: 1'
    until_true has_outcome often
    stop_up
    start_up
    local before
    before=$(pod often)
    until_true another_pod often "$before"
    [ "$(outcome often)" = Verified ]
    k delete -n demo backupverification often >/dev/null
    until_true gone often
}
has_outcome() { [ "$(outcome "$1")" = Verified ]; }
another_pod() { [ "$(pod "$1")" != "$2" ] && [ -n "$(pod "$1")" ]; }
gone() { ! k get -n demo cronjob "stash-verify-$1" >/dev/null 2>&1; }
