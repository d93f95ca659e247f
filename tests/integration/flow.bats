# SPDX-License-Identifier: Apache-2.0
# The whole flow from YAML on one machine: real kubectl, real Redis, real Pushgateway, real processes.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic prometheus-pushgateway
    setup_folder
    export HOME=$T
    start_redis a
    cli a eval 'for i = 1, 500 do redis.call("SET", "key:" .. i, i) redis.call("RPUSH", "l:" .. i % 7, i) end' 0 >/dev/null
    start_up
    world demo "$PORT_a"
}

teardown() {
    stop_up
    end_all
}


gone() { # gone KINDS: what belonged to the backup is collected
    for _ in $(seq 100); do
        [ -z "$(k get -n demo "$1" -l app.kubernetes.io/component=stash-backup -o name)" ] && return 0
        sleep 0.1
    done
    k get -n demo "$1"
    return 1
}

series_says() { # series_says PATTERN: a line of the operator's metrics
    curl -s "http://127.0.0.1:$METRICS/metrics" | grep -q "$1"
}

@test "a backup and a restore, from YAML to equality" {
    local before
    before=$(digest a)
    config demo bc
    phase demo bc/bc Ready
    [ "$(field demo cronjob/stash-trigger-bc '{.spec.schedule}')" = "0 0 1 1 *" ]
    session demo one bc
    phase demo backupsession/one Succeeded
    [ "$(snapshots_of demo)" = 1 ]
    restic -r "$T/repo-demo" check -q
    restic -r "$T/repo-demo" snapshots --json | grep -q '"hostname":"host-0"'
    until_is demo repo/repo '{.status.snapshotCount} {.status.integrity}' "1 true"
    k get -n demo bc,backupsession,repo,restoresession,appbinding,task,function
    k get -n demo repo | grep -q 'INTEGRITY *SIZE *SNAPSHOT-COUNT *LAST-SUCCESSFUL-BACKUP *AGE'
    k get -n demo events | grep -q 'Host Backup Succeeded'
    curl -s "http://127.0.0.1:$PUSH/metrics" >"$T/metrics"
    for name in stash_appscode_com_backupsession_success stash_backup_session_success \
        stash_appscode_com_backupsession_host_data_size_bytes stash_repository_snapshot_count; do
        grep -q "^$name{.*job=\"backupconfiguration-demo-bc\"" "$T/metrics"
    done
    curl -s "http://127.0.0.1:$METRICS/metrics" | grep -q 'cstash_backupsessions{phase="Succeeded"} 1'
    curl -s "http://127.0.0.1:$METRICS/metrics" | grep -q '^process_resident_memory_bytes [1-9]'
    curl -s "http://127.0.0.1:$METRICS/metrics" | grep -q '^cstash_api_requests_total [1-9]'
    curl -s "http://127.0.0.1:$METRICS/metrics" |
        grep -q 'cstash_backup_next_run_time_seconds{namespace="demo",invoker_kind="BackupConfiguration",invoker_name="bc"} [0-9]'

    cli a flushall >/dev/null
    restore demo back 'rules: [{snapshots: [latest]}]'
    phase demo restoresession/back Succeeded
    [ "$(digest a)" = "$before" ]
    curl -s "http://127.0.0.1:$PUSH/metrics" | grep -q '^stash_restore_session_success{.*} 1'

    k delete -n demo bc bc
    gone cronjob,sa,rolebinding
    k delete -n demo backupsession one
    gone job,pod
    [ "$(snapshots_of demo)" = 1 ]
    until_is demo repo/repo '{.status.references[*].kind}' RestoreSession
}

@test "the schedule makes sessions, history and retention hold, pause and resume work" {
    config demo bc 'schedule: "@every 2s"' 'backupHistoryLimit: 2' \
        'retentionPolicy: {name: k, keepLast: 3, prune: false}'
    for _ in $(seq 400); do
        [ "$(snapshots_of demo)" = 3 ] && [ "$(k get -n demo backupsession -o name | wc -l)" -ge 2 ] && break
        sleep 0.1
    done
    k patch -n demo bc bc --type merge -p '{"spec":{"paused":true}}'
    until_is demo cronjob/stash-trigger-bc '{.spec.suspend}' true
    for _ in $(seq 300); do
        k get -n demo backupsession,job --no-headers | grep -Eq 'Running|Pending' || break
        sleep 0.1
    done
    [ "$(snapshots_of demo)" = 3 ]
    ! k get -n demo backupsession | grep Failed
    # two, the last one that completed, and what was skipped while it ran
    [ "$(k get -n demo backupsession -o name | wc -l)" -le 5 ]
    session demo by-hand bc
    phase demo backupsession/by-hand Succeeded
    k patch -n demo bc bc --type merge -p '{"spec":{"paused":false}}'
    until_is demo cronjob/stash-trigger-bc '{.spec.suspend}' false
}

@test "retention prunes; what would remove too much is held back until somebody means it; damage stops it" {
    local pack
    config demo bc
    session demo one bc
    phase demo backupsession/one Succeeded
    for i in $(seq 10 39); do echo "2024-01-01T10:$i:00Z|host-0|/dumpfile.resp|"; done |
        RESTIC_REPOSITORY=$T/repo-demo RESTIC_PASSWORD=secret "${CSTASH_BUILD:-$BATS_TEST_DIRNAME/../../build}/tests/repo_tool" plant
    cli a set changed "$(head -c 60000 /dev/urandom | base64 -w0)" >/dev/null
    config demo bc 'retentionPolicy: {name: k, keepLast: 1, prune: true}'
    session demo two bc
    phase demo backupsession/two Succeeded
    [ "$(snapshots_of demo)" = 32 ]
    [[ "$(condition demo backupsession/two RetentionPolicyApplied)" == *"Held back, nothing was removed: 31 of 32 snapshots would go at once"*"annotate BackupConfiguration bc with cstash.io/allow-removal="* ]]
    k get -n demo events | grep -q RetentionHeldBack
    until_true series_says '^cstash_backup_retention_held_back{.* 1$'
    until_is demo repo/repo '{.status.snapshotCount} {.status.snapshotsRemovedOnLastCleanup}' "32 0"
    k annotate -n demo bc/bc cstash.io/allow-removal=40
    session demo three bc
    phase demo backupsession/three Succeeded
    [[ "$(condition demo backupsession/three RetentionPolicyApplied)" == "True Successfully applied retention policy." ]]
    [ "$(snapshots_of demo)" = 1 ]
    until_is demo repo/repo '{.status.snapshotCount} {.status.snapshotsRemovedOnLastCleanup} {.status.integrity}' "1 32 true"
    curl -s "http://127.0.0.1:$PUSH/metrics" | grep '^stash_appscode_com_repository_snapshot_cleaned{' | grep -q ' 32$'
    restic -r "$T/repo-demo" prune --dry-run --max-unused 0 | grep -q '^total prune: *0 blobs'
    pack=$(find "$T/repo-demo/data" -type f | xargs ls -S | head -n 1)
    cp "$pack" "$T/pack"
    rm -f "$pack"
    cli a mset changed 1 other 1 >/dev/null # nothing of it is in that pack, the index of keys included
    session demo four bc
    phase demo backupsession/four Failed
    [[ "$(condition demo backupsession/four RepositoryIntegrityVerified)" == "False "*"$(basename "$pack") is missing" ]]
    [[ "$(condition demo backupsession/four RetentionPolicyApplied)" == "False Held back, nothing was removed: the repository is damaged." ]]
    [ "$(snapshots_of demo)" = 2 ]
    until_is demo repo/repo '{.status.snapshotCount} {.status.integrity}' "2 false"
    until_true series_says '^cstash_repository_integrity{namespace="demo",repository="repo"} 0$'
    cp "$T/pack" "$pack"
    session demo five bc
    phase demo backupsession/five Succeeded
    [ "$(snapshots_of demo)" = 1 ]
    until_is demo repo/repo '{.status.integrity}' true
}

@test "what is missing is said, and comes to work when it is there" {
    k delete -n demo secret repo-secret
    config demo bc
    until_is demo bc/bc '{.status.phase}' NotReady
    [[ "$(condition demo bc/bc BackendSecretFound)" == "False Backend Secret demo/repo-secret does not exist." ]]
    session demo early bc
    phase demo backupsession/early Skipped
    [[ "$(condition demo backupsession/early BackupSkipped)" == *"BackupConfiguration demo/bc is not ready."* ]]
    k create secret generic -n demo repo-secret --from-literal=RESTIC_PASSWORD=secret
    phase demo bc/bc Ready
    config demo other 'repository: {name: none}'
    until_is demo bc/other '{.status.phase}' NotReady
    [[ "$(condition demo bc/other RepositoryFound)" == "False Repository demo/none does not exist." ]]
    session demo orphan none
    phase demo backupsession/orphan Skipped
    run config demo bad 'schedule: "61 * * * *"'
    until_is demo bc/bad '{.status.phase}' Invalid # what is not valid is not only not ready
    [[ "$(condition demo bc/bad ValidationPassed)" == False*61* ]]
    [[ "$(condition demo bc/bad CronJobCreated)" == False*61* ]]
    k get -n demo events | grep -q 'CronJob Creation Failed'
    config demo soon 'retryConfig: {delay: soon}'
    until_is demo bc/soon '{.status.phase}' Invalid
    [[ "$(condition demo bc/soon ValidationPassed)" == "False spec.retryConfig.delay must be a duration"* ]]
}

@test "a Task, a Function or a variable that cannot be resolved: not Ready, and no session" {
    cat <<'YAML' | k apply -f -
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: {name: no-function}
spec: {steps: [{name: none}]}
---
apiVersion: stash.appscode.com/v1beta1
kind: Function
metadata: {name: greedy}
spec: {image: ghcr.io/cstash/cstash:0.1.0, args: ["version", "${NOT_THERE}"]}
---
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: {name: unknown}
spec: {steps: [{name: greedy}]}
---
apiVersion: stash.appscode.com/v1beta1
kind: Task
metadata: {name: cyclic}
spec: {steps: [{name: greedy, params: [{name: NOT_THERE, value: "${B}"}, {name: B, value: "${NOT_THERE}"}]}]}
YAML
    for task in none no-function unknown cyclic; do
        config demo "bc-$task" "task: {name: $task}"
        phase demo "bc/bc-$task" NotReady
        session demo "s-$task" "bc-$task"
        phase demo "backupsession/s-$task" Skipped
        [[ "$(condition demo "backupsession/s-$task" BackupSkipped)" == *"is not ready"* ]]
        [[ "$(condition demo "bc/bc-$task" TaskFound)" == False* ]]
    done
    [[ "$(condition demo bc/bc-none TaskFound)" == *'Task "none" not found'* ]]
    [[ "$(condition demo bc/bc-no-function TaskFound)" == *'Function "none" not found'* ]]
    [[ "$(condition demo bc/bc-unknown TaskFound)" == *NOT_THERE* ]]
    [[ "$(condition demo bc/bc-cyclic TaskFound)" == *"needs itself"* ]]
    k get task redis-backup-7.0.5 -o json |
        python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "none"}; print(json.dumps(o))' | k create -f - >/dev/null
    phase demo bc/bc-none Ready
}

@test "wrong passwords, a Redis that is away, a repository that cannot be made" {
    config demo bc
    phase demo bc/bc Ready
    session demo good bc
    phase demo backupsession/good Succeeded

    cli a config set requirepass right >/dev/null
    session demo wrong-redis bc
    phase demo backupsession/wrong-redis Failed
    [[ "$(host_error demo backupsession/wrong-redis)" == *"could not log in"* ]]
    REDISCLI_AUTH=right cli a config set requirepass "" >/dev/null

    k patch -n demo secret repo-secret -p '{"stringData":{"RESTIC_PASSWORD":"other"}}'
    session demo wrong-repo bc
    phase demo backupsession/wrong-repo Failed
    [[ "$(condition demo backupsession/wrong-repo BackendRepositoryInitialized)" == False*assword* ]]
    k patch -n demo secret repo-secret -p '{"stringData":{"RESTIC_PASSWORD":"secret"}}'

    k patch -n demo appbinding redis --type merge -p "{\"spec\":{\"clientConfig\":{\"url\":\"redis://127.0.0.1:$(free_port)\"}}}"
    session demo away bc
    phase demo backupsession/away Failed 40
    [[ "$(host_error demo backupsession/away)" == *"not ready within 3 s"* ]]
    k patch -n demo appbinding redis --type merge -p "{\"spec\":{\"clientConfig\":{\"url\":\"redis://127.0.0.1:$PORT_a\"}}}"

    k annotate -n demo repo/repo cstash.io/new-repository=true >/dev/null # else none would be tried
    echo no >"$T/file"
    k patch -n demo repo repo --type merge -p "{\"spec\":{\"backend\":{\"local\":{\"hostPath\":{\"path\":\"$T/file\"}}}}}"
    session demo no-place bc
    phase demo backupsession/no-place Failed 90
    k patch -n demo repo repo --type merge -p "{\"spec\":{\"backend\":{\"local\":{\"hostPath\":{\"path\":\"$T/repo-demo\"}}}}}"

    session demo again bc
    phase demo backupsession/again Succeeded
    [ "$(snapshots_of demo)" = 2 ]
    restic -r "$T/repo-demo" check -q
    ! grep -rE 'right|"other"' "$T/up.log" "$T/state"/pods/*/*.log
}

slow_dump() { # a Redis that takes long to dump
    cli a config set rdb-key-save-delay 20000 >/dev/null
}

@test "a Job that dies, a Redis that dies, and a time that is up" {
    config demo bc
    config demo quick 'timeOut: 5s'
    phase demo bc/bc Ready
    phase demo bc/quick Ready
    slow_dump

    session demo killed bc
    until_is demo backupsession/killed '{.status.conditions[0].type}' BackendRepositoryInitialized
    sleep 1
    pkill -KILL -f -- "--backupsession=killed" || pkill -KILL -f backup-redis
    phase demo backupsession/killed Failed
    [[ "$(condition demo backupsession/killed BackupDisrupted)" == True*"signal 9"* ]]
    k get -n demo events | grep -q BackupDisrupted

    session demo late quick
    phase demo backupsession/late Failed 40
    [[ "$(condition demo backupsession/late DeadlineExceeded)" == "True Failed to complete backup within 5s." ]]
    for _ in $(seq 100); do pgrep -f -- '--backupsession=late' >/dev/null || break; sleep 0.1; done
    ! pgrep -f -- '--backupsession=late'

    session demo dying bc
    until_is demo backupsession/dying '{.status.conditions[0].type}' BackendRepositoryInitialized
    sleep 1
    kill -KILL "$(cat "$T/a.pid")"
    phase demo backupsession/dying Failed 60
    [ -n "$(host_error demo backupsession/dying)" ]
    [ "$(snapshots_of demo)" = 0 ]
    restic -r "$T/repo-demo" check -q

    start_redis b
    cli b set x y >/dev/null
    k patch -n demo appbinding redis --type merge -p "{\"spec\":{\"clientConfig\":{\"url\":\"redis://127.0.0.1:$PORT_b\"}}}"
    session demo next bc
    phase demo backupsession/next Succeeded
}

@test "the control plane killed in the middle of a backup" {
    config demo bc
    phase demo bc/bc Ready
    slow_dump
    session demo one bc
    until_is demo backupsession/one '{.status.conditions[0].type}' BackendRepositoryInitialized
    stop_up KILL
    sleep 1
    cli a config set rdb-key-save-delay 0 >/dev/null
    start_up
    phase demo backupsession/one Succeeded 60
    session demo two bc
    phase demo backupsession/two Succeeded
    restic -r "$T/repo-demo" check -q
    run "$CSTASH" up --dir "$T/state" --listen 127.0.0.1:1
    [ "$status" = 11 ]
    [[ "$output" == *"already running as pid"* ]]
}

@test "a Pushgateway that is away is a condition, not a failure" {
    stop_up
    start_up --pushgateway-url http://127.0.0.1:1
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    [[ "$(condition demo backupsession/one MetricsPushed)" == False*127.0.0.1:1* ]]
    [[ "$(condition demo backupsession/one RepositoryMetricsPushed)" == False* ]]
    until_true series_says '^cstash_backup_metrics_push_failed{.* 1$'
}

@test "labels of one's own on the metrics, and a bad one" {
    local add='[{"op": "add", "path": "/spec/args/-", "value": "--metrics-labels=team=cache,tier=1"}]'
    k patch function update-status --type json -p "$add"
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    curl -s "http://127.0.0.1:$PUSH/metrics" |
        grep -q '^stash_backup_host_backup_success{.*team="cache",tier="1"} 1'
    curl -s "http://127.0.0.1:$PUSH/metrics" | grep -q '^stash_repository_size_bytes{.*team="cache",tier="1"} [1-9]'
    k patch function update-status --type json -p "${add/team=cache/9team}"
    session demo two bc
    phase demo backupsession/two Failed
    phase demo backupsession/two Failed
    [[ "$(host_error demo backupsession/two)" == *'bad label "9team": wanted NAME=VALUE'* ]]
}

@test "a session that failed is tried again as often as it may" {
    config demo bc 'retryConfig: {maxRetry: 2, delay: 1s}' 'backupHistoryLimit: 10' \
        'task: {name: redis-backup-7.0.5, params: [{name: waitTimeout, value: "1"}, {name: args, value: --frobnicate}]}'
    phase demo bc/bc Ready
    session demo one bc 2
    phase demo backupsession/one Failed
    for _ in $(seq 300); do
        [ "$(k get -n demo backupsession -o 'jsonpath={.items[?(@.status.phase=="Failed")].metadata.name}' | wc -w)" = 3 ] && break
        sleep 0.1
    done
    [ "$(k get -n demo backupsession -o name | wc -l)" = 3 ]
    [ "$(field demo backupsession/one '{.status.retried}')" = true ]
    k get -n demo backupsession -o 'jsonpath={.items[*].spec.retryLeft}' | tr ' ' '\n' | sort | tr '\n' ' ' | grep -q '0 1 2'
}

@test "several configurations on one Redis, and a Repository used from elsewhere" {
    config demo one
    config demo two 'target: {alias: two, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}'
    phase demo bc/one Ready
    phase demo bc/two Ready
    session demo s1 one
    session demo s2 two
    phase demo backupsession/s1 Succeeded 60
    phase demo backupsession/s2 Succeeded 60
    restic -r "$T/repo-demo" snapshots --json | grep -q '"hostname":"two"'

    world far "$PORT_a"
    config far bc 'repository: {name: repo, namespace: demo}'
    until_is far bc/bc '{.status.phase}' Invalid
    [[ "$(condition far bc/bc ValidationPassed)" == False*usagePolicy* ]]
    restore far back 'repository: {name: repo, namespace: demo}'
    until_is far restoresession/back '{.status.phase}' Invalid
    k patch -n demo repo repo --type merge -p '{"spec":{"usagePolicy":{"allowedNamespaces":{"from":"Selector","selector":{"matchLabels":{"kubernetes.io/metadata.name":"far"}}}}}}'
    k patch -n far bc bc --type merge -p '{"spec":{"backupHistoryLimit":2}}'
    phase far bc/bc Ready
    session far s3 bc
    phase far backupsession/s3 Succeeded
    [ "$(snapshots_of demo)" = 3 ]
    k get -n demo role,rolebinding | grep -q far-backupconfiguration-bc-0
    k delete -n far bc bc
    for _ in $(seq 50); do
        k get -n demo role | grep -q far-backupconfiguration || break
        sleep 0.1
    done
    ! k get -n demo role | grep far-backupconfiguration
}

@test "hooks run, by their policies" {
    local at
    start_hooks
    at="host: 127.0.0.1, port: $HOOKS"
    config demo bc "hooks: {preBackup: {httpGet: {$at, path: /before}}, postBackup: {executionPolicy: OnSuccess, httpPost: {$at, path: /after, body: '{{ .Name }} {{ .Status.Phase }}'}}}"
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    grep -qx 'GET /before' "$T/hooks"
    grep -qx 'POST /after one Succeeded' "$T/hooks"

    config demo knock "hooks: {preBackup: {tcpSocket: {$at}}, postBackup: {tcpSocket: {host: 127.0.0.1, port: 1}}}"
    phase demo bc/knock Ready
    session demo knock knock
    phase demo backupsession/knock Failed # the backup is there, the hook behind it failed
    [[ "$(condition demo backupsession/knock PreBackupHookExecutionSucceeded)" == True* ]]
    [[ "$(condition demo backupsession/knock PostBackupHookExecutionSucceeded)" == False*tcpSocket*127.0.0.1:1* ]]
    [ "$(field demo backupsession/knock '{.status.targets[0].stats[0].phase}')" = Succeeded ]
    [ "$(snapshots_of demo)" = 2 ]

    # A message as Stash's guide for Slack builds it.
    config demo slack "hooks: {postBackup: {httpPost: {$at, path: /slack, body: '{{- \$msg := dict \"type\" \"mrkdwn\" \"text\" (printf \"%s/%s: %s.\" .Namespace .Target.Name .Status.Phase) -}} {\"text\": {{ toJson \$msg }}}'}}}"
    phase demo bc/slack Ready
    session demo slack slack
    phase demo backupsession/slack Succeeded
    grep -qxF 'POST /slack {"text": {"text":"demo/redis: Succeeded.","type":"mrkdwn"}}' "$T/hooks"

    config demo stop "hooks: {preBackup: {httpGet: {$at, path: /bad}}}"
    phase demo bc/stop Ready
    session demo two stop
    phase demo backupsession/two Failed
    [[ "$(condition demo backupsession/two PreBackupHookExecutionSucceeded)" == False*"http://127.0.0.1:$HOOKS answers 500"* ]]
    [ "$(snapshots_of demo)" = 3 ]

    config demo told "hooks: {postBackup: {executionPolicy: OnFailure, httpPost: {$at, path: /failed, body: '{{ .Status.Error }}'}}}" \
        'task: {name: redis-backup-7.0.5, params: [{name: args, value: --frobnicate}]}'
    phase demo bc/told Ready
    session demo three told
    phase demo backupsession/three Failed
    grep -q 'POST /failed .*unknown option --frobnicate' "$T/hooks"
    [[ "$(host_error demo backupsession/three)" == *"known: "*"--source"* ]]
}

@test "what is in deploy is what the program prints" {
    for kind in $("$CSTASH" crds | sed -n 's/^    plural: //p'); do
        "$CSTASH" crds "$kind" | cmp - "$ROOT/deploy/crds/$kind.yaml"
    done
    [ "$("$CSTASH" crds | grep -c '^kind: CustomResourceDefinition')" = "$(ls "$ROOT/deploy/crds" | wc -l)" ]
    "$CSTASH" catalog | cmp - "$ROOT/deploy/catalog/redis.yaml"
}

@test "rules of the kinds are enforced" {
    config demo bc
    phase demo bc/bc Ready
    run k patch -n demo bc bc --type merge -p '{"spec":{"target":{"alias":"x"}}}'
    [ "$status" = 1 ]
    [[ "$output" == *"cannot be changed"* ]]
    restore demo r
    run k patch -n demo restoresession r --type merge -p '{"spec":{"timeOut":"1m"}}'
    [[ "$output" == *"RestoreSession spec is immutable"* ]]
    run restore demo twice 'rules: [{snapshots: [a]}, {snapshots: [b]}]'
    [[ "$output" == *"at most one rule may leave targetHosts empty"* ]]
    run restore demo both 'rules: [{snapshots: [a], paths: [b]}]'
    [[ "$output" == *"snapshots or paths"* ]]
    run k patch -n demo repo repo --type merge -p '{"spec":{"wipeOut":true}}'
    [[ "$output" == *"wipeOut does not work with local"* ]]
    run k patch -n demo repo repo --type merge -p '{"spec":{"backend":{"local":{"mountPath":"/stash/x"}}}}'
    [[ "$output" == *"mountPath must not be /stash"* ]]
}
