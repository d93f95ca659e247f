# SPDX-License-Identifier: Apache-2.0
# What a real Prometheus makes of our metrics: Stash's series, with the labels that its dashboards and alerts ask for.

load ../harness/env.bash
load ../harness/plane.bash
load ../harness/prometheus.bash

setup() {
    need kubectl curl redis-server python3
    setup_folder
    start_redis a
    cli a set k v >/dev/null
    start_up
    world demo "$PORT_a"
}

teardown() {
    stop_up
    end_all
}

queries() { # as Stash's dashboard asks, its variables filled in
    local b='namespace=~"demo",invoker_kind=~"BackupConfiguration",invoker_name=~"bc|away"'
    local r='namespace=~"demo",invoker_kind=~"RestoreSession",invoker_name=~"good|bad|waits"'
    local t='namespace=~"demo",target_kind=~"AppBinding",target_name=~"redis|away"' phase s=stash_appscode_com
    echo "${s}_backupconfiguration_info{$t,driver=\"Restic\",repository=\"repo\",schedule=\"0 0 1 1 *\",backupconfiguration=\"bc\"}"
    echo "count(${s}_backupconfiguration_info{$t})"
    echo "${s}_backupconfiguration_conditions{$b,condition=\"CronJobCreated\",status=\"True\"}"
    echo "${s}_backupconfiguration_created{$b} > 1e9"
    for phase in Succeeded Failed Skipped Running; do echo "count(${s}_backupsession_info{$b,phase=\"$phase\"})"; done
    echo "${s}_backupsession_info{$b,backupsession=\"good\"}"
    echo "${s}_backupsession_created{$b} * 1000"
    echo "${s}_backupsession_duration_seconds{$b}"
    echo "${s}_backupsession_last_success_time_seconds{$b} * 1000"
    for phase in Succeeded Failed Running; do echo "count(${s}_restoresession_info{$r,phase=\"$phase\"})"; done
    echo "${s}_restoresession_info{$r,$t,repository=\"repo\"}"
    echo "${s}_restoresession_created{$r} * 1000"
    echo "${s}_restoresession_duration_seconds{$r}"
    echo "${s}_repository_created{namespace=\"demo\",repository=\"repo\"}"
    for name in integrity size_bytes snapshot_count; do echo "${s}_repository_$name{$b}"; done
    echo "sum(${s}_repository_size_bytes{$b})"
    echo 'cstash_backupsessions{phase="Succeeded"}'
    echo 'cstash_backup_next_run_time_seconds{namespace="demo",invoker_kind="BackupConfiguration",invoker_name="bc"}'
}

@test "every series that Stash's dashboard reads is there, also after a restart" {
    start_prometheus
    binding_at demo away "redis://127.0.0.1:1"
    config demo bc
    config demo away 'target: {alias: away, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: away}}' \
        'task: {name: redis-backup-7.0.5, params: [{name: waitTimeout, value: "900"}]}'
    phase demo bc/bc Ready
    phase demo bc/away Ready
    session demo good bc
    phase demo backupsession/good Succeeded
    session demo waits away
    phase demo backupsession/waits Running
    session demo skipped away
    phase demo backupsession/skipped Skipped
    restore demo good
    phase demo restoresession/good Succeeded
    restore demo bad 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}, rules: [{snapshots: [deadbeef]}]}'
    phase demo restoresession/bad Failed
    restore demo waits 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: away}}' \
        'task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: "900"}]}'
    phase demo restoresession/waits Running
    k patch secret repo-secret -n demo --type merge -p '{"stringData":{"RESTIC_PASSWORD":"wrong"}}' >/dev/null
    session demo bad bc
    phase demo backupsession/bad Failed
    local query
    while read -r query; do until_true is_there "$query"; done < <(queries)
    curl -fs "http://127.0.0.1:$METRICS/metrics" | promtool check metrics
    stop_up
    start_up
    curl -fs "http://127.0.0.1:$METRICS/metrics" >"$T/after"
    for name in backupconfiguration_info backupconfiguration_conditions backupconfiguration_created backupsession_info \
        backupsession_created restoresession_info restoresession_created repository_created; do
        grep -q "^stash_appscode_com_$name{" "$T/after"
    done
}
