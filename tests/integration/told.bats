# SPDX-License-Identifier: Apache-2.0
# What does not work, or does less than its name says, is told: phases, conditions, events, metrics.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic
    setup_folder
    start_redis a
    cli a set k v >/dev/null
    start_up --pushgateway-listen ""
    world demo "$PORT_a"
}

teardown() {
    stop_up
    end_all
}

series_of() { # series_of NAME: of cstash_backup_, of the configuration bc
    curl -s "http://127.0.0.1:$METRICS/metrics" | sed -n "s/^cstash_backup_$1{namespace=\"demo\",invoker_kind=\"BackupConfiguration\",invoker_name=\"bc\"} //p"
}
last_success() { # of the configuration bc, as Prometheus is told
    series_of last_success_time_seconds
}

@test "without a Pushgateway nothing was pushed, and nothing fails for it" {
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    [[ "$(condition demo backupsession/one MetricsPushed)" == "False No Pushgateway is configured"* ]]
    [[ "$(condition demo backupsession/one RepositoryMetricsPushed)" == "False No Pushgateway is configured"* ]]
}

@test "the log tells of each session: which one, and how it ended" {
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    k patch appbinding redis -n demo --type merge -p '{"spec":{"clientConfig":{"url":"redis://127.0.0.1:1"}}}' >/dev/null
    session demo two bc
    phase demo backupsession/two Failed
    grep -q '^ready: export KUBECONFIG=' "$T/up.log" # scripts wait for it
    local stamp='^20[0-9-]*T[0-9:.]*Z'
    grep -E "$stamp info: BackupSession started component=backupsession object=demo/one$" "$T/up.log"
    grep -E "$stamp info: BackupSession Succeeded in [0-9msh]+ component=backupsession object=demo/one$" "$T/up.log"
    grep -E "$stamp warning: BackupSession Failed in [0-9msh]+: .*127.0.0.1:1.* component=backupsession object=demo/two$" "$T/up.log"
    grep -rqE "Z info: dumping .* component=backupsession object=demo/one$" "$T"/state/pods/*/*.log
}

@test "a session that is applied together with its configuration waits for its word" {
    k apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: List
items:
- apiVersion: stash.appscode.com/v1beta1
  kind: BackupConfiguration
  metadata: {name: bc, namespace: demo}
  spec:
    schedule: "0 0 1 1 *"
    repository: {name: repo}
    retentionPolicy: {name: keep, keepLast: 10, prune: false}
    task: {name: redis-backup-7.0.5}
    target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
- apiVersion: stash.appscode.com/v1beta1
  kind: BackupSession
  metadata:
    name: at-once
    namespace: demo
    labels: {stash.appscode.com/invoker-type: BackupConfiguration, stash.appscode.com/invoker-name: bc}
  spec: {invoker: {apiGroup: stash.appscode.com, kind: BackupConfiguration, name: bc}, retryLeft: 0}
YAML
    phase demo backupsession/at-once Succeeded
    k patch bc bc -n demo --type merge -p '{"spec":{"repository":{"name":"none"}}}' >/dev/null
    session demo too-early bc # and is skipped once the configuration has its word
    phase demo backupsession/too-early Skipped
}

@test "the last success is kept: 0 for never, then through failures, clean-up and a restart" {
    config demo bc
    phase demo bc/bc Ready
    [ "$(last_success)" = 0 ]
    session demo one bc
    phase demo backupsession/one Succeeded
    at=$(last_success)
    [ "$at" -gt 0 ]
    [ "$(date -u -d "@$at" +%FT%TZ)" = "$(field demo bc/bc '{.status.lastSuccessTime}')" ]
    k patch appbinding redis -n demo --type merge -p '{"spec":{"clientConfig":{"url":"redis://127.0.0.1:1"}}}' >/dev/null
    for n in two three; do
        session demo $n bc
        phase demo backupsession/$n Failed
    done
    k delete backupsession -n demo --all >/dev/null
    [ "$(last_success)" = "$at" ]
    failed=$(series_of last_failure_time_seconds)
    [ "$failed" -ge "$at" ]
    stop_up
    start_up --pushgateway-listen ""
    until_is demo bc/bc '{.status.phase}' Ready
    [ "$(last_success)" = "$at" ]
    [ "$(series_of last_failure_time_seconds)" = "$failed" ]
    [ "$(series_of last_run_time_seconds)" = "$failed" ]
    [ "$(series_of keys)" = "$(cli a dbsize)" ]
    [ "$(series_of size_bytes)" -gt 0 ]
    [ "$(series_of missed_runs)" = 0 ]
    [ "$(series_of expected_interval_seconds)" -ge $((365 * 86400)) ]
}

@test "a restore that only looked says so" {
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    cli a flushall >/dev/null
    restore demo dry 'task: {name: redis-restore-7.0.5, params: [{name: args, value: --dry-run}]}' 'rules: [{snapshots: [latest]}]'
    phase demo restoresession/dry DryRunSucceeded
    [[ "$(condition demo restoresession/dry DryRun)" == "True "*"nothing was written"* ]]
    [ "$(cli a dbsize)" = 0 ]
    restore demo real 'rules: [{snapshots: [latest]}]'
    phase demo restoresession/real Succeeded
    [ -z "$(condition demo restoresession/real DryRun)" ]
    [ "$(cli a dbsize)" = 1 ]
}

@test "a backup and a restore of a part say so: log, status, condition, event" {
    local part id
    cli a mset k 1 other 2 >/dev/null
    config demo bc
    config demo part "task: {name: redis-backup-7.0.5, params: [{name: args, value: '--match k*'}]}"
    phase demo bc/bc Ready
    phase demo bc/part Ready
    session demo some part
    phase demo backupsession/some Succeeded
    [ "$(field demo backupsession/some '{.status.targets[0].stats[0].snapshots[0].partial}')" = "--match 'k*'" ]
    session demo all bc
    phase demo backupsession/all Succeeded
    [ -z "$(field demo backupsession/all '{.status.targets[0].stats[0].snapshots[0].partial}')" ]
    cli a flushall >/dev/null
    id=$(field demo backupsession/some '{.status.targets[0].stats[0].snapshots[0].name}')
    restore demo part "rules: [{snapshots: [\"$id\"]}]"
    phase demo restoresession/part Succeeded
    part="the backup is of --match 'k*' alone"
    [ "$(condition demo restoresession/part PartialRestore)" = "True $part" ]
    [ "$(field demo restoresession/part '{.status.stats[0].partial}')" = "$part" ]
    until_true was_told "Warning part PartRestored Restore of a part: $part"
    k logs -n demo job/stash-restore-part-0 --all-containers | grep -qF "holds its 1 key; partial: $part"
    # Of a whole backup a part that args chose.
    restore demo chosen 'rules: [{snapshots: [latest]}]' "task: {name: redis-restore-7.0.5, params: [{name: args, value: '--match o*'}]}"
    phase demo restoresession/chosen Succeeded
    [ "$(condition demo restoresession/chosen PartialRestore)" = "True of the 2 keys of the dump some were filtered out" ]
    k logs -n demo job/stash-restore-chosen-0 --all-containers | grep -q 'a partial restore: of the 2 keys of the dump some were filtered out$'
    restore demo all 'rules: [{snapshots: [latest]}]'
    phase demo restoresession/all Succeeded
    [ -z "$(condition demo restoresession/all PartialRestore)" ]
}

was_told() { k get events -n demo -o jsonpath='{range .items[*]}{.type} {.involvedObject.name} {.reason} {.message}{"\n"}{end}' | grep -qxF "$1"; }

@test "Ready means that the next session works: driver, Secret, target, Task" {
    config demo driver 'driver: VolumeSnapshotter'
    phase demo bc/driver Invalid
    [[ "$(condition demo bc/driver ValidationPassed)" == *"only Restic"* ]]
    config demo bc
    phase demo bc/bc Ready
    k delete appbinding redis -n demo >/dev/null
    phase demo bc/bc NotReady
    world demo "$PORT_a"
    phase demo bc/bc Ready
    task=$(k get task redis-backup-7.0.5 -o json)
    k delete task redis-backup-7.0.5 >/dev/null
    phase demo bc/bc NotReady
    [[ "$(condition demo bc/bc TaskFound)" == False* ]]
    k create -f - <<<"$task" >/dev/null
    phase demo bc/bc Ready
    # the Functions of Stash's own catalog: the Jobs would run its image
    k patch function redis-backup-7.0.5 --type merge -p '{"spec":{"image":"ghcr.io/stashed/stash-redis:7.0.5-v26"}}' >/dev/null
    k annotate bc bc -n demo look=again >/dev/null
    until_true says_foreign
    k get -n demo events | grep -q 'Warning *Task.*stashed/stash-redis'
    k create secret generic empty -n demo >/dev/null
    k patch repo repo -n demo --type merge -p '{"spec":{"backend":{"storageSecretName":"empty"}}}' >/dev/null
    phase demo bc/bc NotReady
    [[ "$(condition demo bc/bc BackendSecretFound)" == *"has no RESTIC_PASSWORD"* ]]
}

says_foreign() { [[ "$(condition demo bc/bc TaskFound)" == "True "*"runs image ghcr.io/stashed/stash-redis:7.0.5-v26, not cstash's"* ]]; }

refused() { # refused NAME 'words' KIND/NAME: Invalid, by the condition and an event
    phase demo "$1" Invalid
    [[ "$(condition demo "$1" ValidationPassed)" == "False $2"* ]]
    k get -n demo events -o jsonpath='{range .items[*]}{.involvedObject.name} {.reason} {.message}{"\n"}{end}' | grep -qF "${1#*/} ResourceValidationFailed $2"
}

@test "what could never work is not Ready: values, annotations, a target that is missing" {
    config demo never 'schedule: "0 0 31 2 *"'
    refused bc/never 'spec.schedule "0 0 31 2 *" names a time that never comes'
    config demo hurried 'timeOut: 0s'
    refused bc/hurried 'spec.timeOut must be more than 0'
    config demo keep 'retryConfig: {delay: -1m}'
    refused bc/keep 'spec.retryConfig.delay must not be negative'
    config demo bad 'schedule: "0 0 1 1"'
    refused bc/bad 'spec.schedule "0 0 1 1"' # and not valid, with a CronJob that cannot be made
    [[ "$(condition demo bc/bad CronJobCreated)" == False*schedule* ]]
    for target in '{}' '{alias: a}' '{ref: {apiVersion: na, kind: EmptyTarget, name: na}}'; do
        config demo aimless "target: $target"
        phase demo bc/aimless NotReady
        [[ "$(condition demo bc/aimless TaskFound)" == *"needs the AppBinding of a Redis"* ]]
        k delete bc -n demo aimless >/dev/null
    done
    k get -n demo events -o jsonpath='{.items[*].message}' | grep -q 'spec.target.ref is missing: backup-redis needs'
    config demo bc
    phase demo bc/bc Ready
    for note in shrink-below=0 accept-shrink=yes allow-removal=all adopt-target= adopt-targets=x; do
        k annotate bc -n demo bc "cstash.io/$note" >/dev/null
        refused bc/bc "annotation cstash.io/${note%=*} m"
        k annotate bc -n demo bc "cstash.io/${note%=*}-" >/dev/null
        phase demo bc/bc Ready
    done
    config demo hook 'hooks: {postBackup: {executionPolicy: OnFailure, httpPost: {host: h, port: 1, body: "{{ .Status.Nothing }}"}}}'
    refused bc/hook 'spec.hooks.postBackup: httpPost.body: template: there is no field Nothing'
    restore demo none 'timeOut: "-1s"'
    refused restoresession/none 'spec.timeOut must be more than 0'
    k patch repo repo -n demo --type merge -p '{"spec":{"usagePolicy":{"allowedNamespaces":{"from":"Selector"}}}}' >/dev/null
    until_is demo repo/repo '{.status.conditions[?(@.type=="ValidationPassed")].status}' False
    [[ "$(condition demo repo/repo ValidationPassed)" == *"allowedNamespaces.selector is missing" ]]
    phase demo bc/bc Invalid
}

@test "a user name in the Secret that the server does not know: the password alone works, as with Stash, and is told" {
    source "$HARNESS/versions.bash"
    start_redis b --requirepass right
    start_version redis-2.8 c --requirepass right
    cat <<'YAML' | k apply -f - >/dev/null
apiVersion: v1
kind: Secret
metadata: {name: kubedb, namespace: demo}
stringData: {username: root, password: right}
YAML
    for server in b c; do
        local port=PORT_$server
        redis-cli -p "${!port}" -a right --no-auth-warning set k v >/dev/null
        binding_at demo "app-$server" "redis://127.0.0.1:${!port}" 'secret: {name: kubedb}'
        config demo "$server" "target: {alias: $server, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: app-$server}}"
        phase demo "bc/$server" Ready
        session demo "of-$server" "$server"
        phase demo "backupsession/of-$server" Succeeded
        [[ "$(condition demo "backupsession/of-$server" UserUnknown)" == *"refuses the user root of the AppBinding's Secret: logged in with the password alone"* ]]
    done
    # A wrong password stays one, and a user who is there is not left aside.
    k patch secret kubedb -n demo --type merge -p '{"stringData":{"password":"wrong"}}' >/dev/null
    session demo wrong b
    phase demo backupsession/wrong Failed
    [[ "$(host_error demo backupsession/wrong)" == *"the user name or the password is wrong"* ]]
}

@test "what nothing acts on is told" {
    config demo bc 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}, paths: [/data], snapshotClassName: x}'
    until_is demo bc/bc '{.status.conditions[?(@.type=="FieldsIgnored")].status}' True
    [[ "$(condition demo bc/bc FieldsIgnored)" == *"spec.target.paths, spec.target.snapshotClassName"* ]]
    k get -n demo events -o jsonpath='{.items[*].reason}' | grep -q FieldsIgnored
    cat <<'YAML' | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: BackupBatch
metadata: {name: all, namespace: demo}
spec:
  schedule: "0 0 1 1 *"
  repository: {name: repo}
  retentionPolicy: {name: k, keepLast: 1, prune: true}
  members:
    - target: {paths: [/data], ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
YAML
    until_is demo backupbatch/all '{.status.conditions[?(@.type=="FieldsIgnored")].status}' True
    [[ "$(condition demo backupbatch/all FieldsIgnored)" == *"spec.members.target.paths: "* ]]
}

@test "a Repository of another namespace that may not be used does not tell whether it exists" {
    k create namespace other >/dev/null
    k get repo repo -n demo -o json | python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "repo", "namespace": "other"}; del o["status"]; print(json.dumps(o))' | k create -f - >/dev/null
    for name in repo none; do
        config demo "bc-$name" "repository: {name: $name, namespace: other}"
        phase demo "bc/bc-$name" Invalid
    done
    [ "$(k get bc bc-repo -n demo -o json | python3 -c 'import json, sys; print([(c["type"], c["status"], c["message"].replace("other/repo", "X")) for c in json.load(sys.stdin)["status"]["conditions"]])')" = \
        "$(k get bc bc-none -n demo -o json | python3 -c 'import json, sys; print([(c["type"], c["status"], c["message"].replace("other/none", "X")) for c in json.load(sys.stdin)["status"]["conditions"]])')" ]
}

@test "a session that waits says for whom, and its wait is not what it took" {
    config demo slow 'task: {name: redis-backup-7.0.5, params: [{name: waitTimeout, value: "120"}]}'
    config demo next
    phase demo bc/slow Ready
    phase demo bc/next Ready
    cli a shutdown nosave || true
    session demo one slow
    until_is demo backupsession/one '{.status.conditions[?(@.type=="Waiting")].reason}' TargetNotReady
    [[ "$(condition demo backupsession/one Waiting)" == "True Waiting up to 120 s for the target: could not connect to 127.0.0.1:$PORT_a"* ]]
    session demo two next
    until_is demo backupsession/two '{.status.conditions[?(@.type=="Waiting")].reason}' AnotherSessionRuns
    [ "$(condition demo backupsession/two Waiting)" = "True Waiting for BackupSession one, which backs up the same target." ]
    k get events -n demo -o jsonpath='{range .items[*]}{.involvedObject.name} {.reason} {.message}{"\n"}{end}' >"$T/events"
    grep -q '^one TargetNotReady Waiting up to 120 s for the target' "$T/events"
    grep -q '^two AnotherSessionRuns Waiting for BackupSession one' "$T/events"
    sleep 12
    redis-server --port "$PORT_a" --bind 127.0.0.1 --save '' --dir "$T/a" --daemonize yes --pidfile "$T/a.pid" --repl-diskless-sync-delay 0 >/dev/null
    phase demo backupsession/one Succeeded 60
    phase demo backupsession/two Succeeded 60
    [ "$(condition demo backupsession/one Waiting)" = "False The target answered." ]
    [ "$(condition demo backupsession/two Waiting)" = "False The wait is over." ]
    [ "$(field demo backupsession/one '{.status.sessionDuration}' | tr -d ms)" -ge 12 ] # it had its Job by then
    [ "$(field demo backupsession/two '{.status.sessionDuration}' | tr -d ms)" -lt 12 ] # and this one had not
}

@test "what no wait can mend fails the Job at once" {
    local args
    config demo bc # each of them would wait for two minutes
    for args in "--tls --cacert $T/none" "--tls --cacertdir $T/none" "--tls --cert $T/none"; do
        k patch bc bc -n demo --type merge -p '{"spec":{"task":{"name":"redis-backup-7.0.5","params":[{"name":"waitTimeout","value":"120"},{"name":"args","value":"'"$args"'"}]}}}' >/dev/null
        phase demo bc/bc Ready
        session demo one bc
        phase demo backupsession/one Failed
        [[ "$(host_error demo backupsession/one)" == *"$T/none: No such file"* ]]
        [ -z "$(condition demo backupsession/one Waiting)" ]
        k delete backupsession one -n demo >/dev/null
    done
    k patch bc bc -n demo --type merge -p '{"spec":{"task":{"name":"redis-backup-7.0.5","params":[{"name":"args","value":"--cacert x"}]}}}' >/dev/null
    session demo two bc
    phase demo backupsession/two Failed
    [[ "$(host_error demo backupsession/two)" == *"--cacert in args needs a connection with TLS"*"add --tls to args"* ]]
    restore demo back "task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: \"120\"}, {name: args, value: --tls --cacert $T/none}]}" 'rules: [{snapshots: [latest]}]'
    phase demo restoresession/back Failed
    [[ "$(host_error demo restoresession/back)" == *"$T/none: No such file"* ]]
}

@test "a configuration that is Invalid shares a host with nobody" {
    config demo one
    config demo two
    until_is demo bc/one '{.status.conditions[?(@.type=="HostShared")].status}' True
    until_is demo bc/two '{.status.conditions[?(@.type=="HostShared")].status}' True
    k patch bc two -n demo --type merge -p '{"spec":{"timeOut":"0s"}}' >/dev/null
    phase demo bc/two Invalid
    until_is demo bc/one '{.status.conditions[?(@.type=="HostShared")].status}' ""
    [ -z "$(condition demo bc/two HostShared)" ]
    k patch bc two -n demo --type merge -p '{"spec":{"timeOut":null}}' >/dev/null
    until_is demo bc/one '{.status.conditions[?(@.type=="HostShared")].status}' True
}

@test "a Task's filter: one in quotes is refused, one that matches nothing is told" {
    config demo bc 'task: {name: redis-backup-7.0.5, params: [{name: args, value: "--match \"k*\""}]}'
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Failed
    [[ "$(host_error demo backupsession/one)" == *'the value of --match has quotes around it'*'without them'* ]]
    config demo bc "task: {name: redis-backup-7.0.5, params: [{name: args, value: '--match none*'}]}"
    phase demo bc/bc Ready
    session demo two bc
    phase demo backupsession/two Succeeded
    [ "$(condition demo backupsession/two NothingMatched)" = "True The snapshot holds nothing: --match 'none*' in args chooses none of the target's keys (1)." ]
    k get events -n demo -o jsonpath='{range .items[*]}{.type} {.involvedObject.name} {.reason}{"\n"}{end}' | grep -qx 'Warning two FilterMatchedNothing'
    config demo bc "task: {name: redis-backup-7.0.5, params: [{name: args, value: '--match k*'}]}"
    session demo three bc
    phase demo backupsession/three Succeeded
    [ -z "$(condition demo backupsession/three NothingMatched)" ]
}

@test "a password that is not in the Secret is told by the Secret's name and keys" {
    cli a config set requirepass pw >/dev/null
    k create secret generic other -n demo --from-literal redis-password=pw >/dev/null
    k patch appbinding -n demo redis --type merge -p '{"spec":{"secret":{"name":"other"}}}' >/dev/null
    config demo bc
    session demo one bc
    phase demo backupsession/one Failed 60
    [[ "$(host_error demo backupsession/one)" == *NOAUTH*'Secret demo/other has no key "password" (it has: redis-password)'* ]]
    k create secret generic third -n demo --from-literal "password=pw
" >/dev/null
    k patch appbinding -n demo redis --type merge -p '{"spec":{"secret":{"name":"third"}}}' >/dev/null
    session demo two bc
    phase demo backupsession/two Failed 60
    [[ "$(host_error demo backupsession/two)" == *"ends with a space or a line break"* ]]
}
