# SPDX-License-Identifier: Apache-2.0
# Whose backup is it, from YAML: two Redis in one Repository, and one that loses its data at night.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic prometheus-pushgateway
    setup_folder
    export HOME=$T
    start_redis a
    start_redis b
    start_up
    world demo "$PORT_a"
    binding_at demo other "redis://127.0.0.1:$PORT_b"
}

teardown() {
    stop_up
    end_all
}

backup() { # backup SESSION CONFIG
    session demo "$1" "$2"
    phase demo "backupsession/$1" Succeeded
}

sizes() {
    "$CSTASH" snapshots -r "$T/repo-demo" --json | python3 -c 'import json, sys; print(*(s["cstash"]["keys"] for s in json.load(sys.stdin)))'
}

@test "two Redis in one Repository, both host-0: each keeps and restores its own" {
    cli a set from-a 1 >/dev/null
    cli b mset from-b 1 more 2 >/dev/null
    config demo a 'retentionPolicy: {name: one, keepLast: 1, prune: true}'
    config demo b 'retentionPolicy: {name: one, keepLast: 1, prune: true}' \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: other}}'
    phase demo bc/a Ready
    phase demo bc/b Ready
    until_is demo bc/b '{.status.conditions[?(@.type=="HostShared")].reason}' SameHostInRepository
    until_is demo bc/a '{.status.conditions[?(@.type=="HostShared")].reason}' SameHostInRepository
    k get -n demo events | grep -q 'Warning *HostShared'
    backup a1 a
    backup b1 b
    backup a2 a
    [ "$(sizes)" = "2 1" ]
    restic -r "$T/repo-demo" snapshots --json | python3 -c '
import json, sys
assert {s["hostname"] for s in json.load(sys.stdin)} == {"host-0"}'
    "$CSTASH" snapshots -r "$T/repo-demo" | grep -q 'demo/AppBinding/other'
    cli a flushall >/dev/null
    restore demo back 'rules: [{snapshots: [latest]}]'
    phase demo restoresession/back Succeeded
    [ "$(cli a keys '*')" = from-a ]
    # A target without snapshots of its own does not get one of two others; it may name one.
    start_redis c
    binding_at demo third "redis://127.0.0.1:$PORT_c"
    restore demo third 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: third}, rules: [{snapshots: [latest]}]}'
    phase demo restoresession/third Failed
    [[ "$(host_error demo restoresession/third)" == *"demo/AppBinding/other"* ]]
    restore demo named 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: third}, rules: [{snapshots: [latest]}]}' \
        'task: {name: redis-restore-7.0.5, params: [{name: args, value: "--target demo/AppBinding/other"}]}'
    phase demo restoresession/named Succeeded
    [ "$(cli c dbsize)" = 2 ]
}

@test "a configuration of one database, as in the documents of Stash: what it saved is restored as latest" {
    cli a -n 1 set one 1 >/dev/null
    cli a set other 1 >/dev/null
    config demo a 'task: {name: redis-backup-7.0.5, params: [{name: args, value: "-db 1"}, {name: waitTimeout, value: "3"}]}'
    backup first a
    cli a flushall >/dev/null
    restore demo back
    phase demo restoresession/back Succeeded
    [ "$(cli a -n 1 get one):$(cli a dbsize)" = 1:0 ]
}

@test "a Redis that was emptied: the last good snapshot stays, and people are told" {
    local night
    cli a eval 'for i = 1, 100 do redis.call("SET", "k" .. i, i) end' 0 >/dev/null
    config demo bc 'retentionPolicy: {name: three, keepLast: 3, prune: true}'
    phase demo bc/bc Ready
    backup good bc
    cli a flushall >/dev/null
    for night in 1 2 3 4; do backup "night-$night" bc; done
    [ "$(sizes)" = "100 0 0 0" ]
    [[ "$(condition demo backupsession/night-4 SnapshotPinned)" == "True "*"held 100"*"cstash.io/accept-shrink"* ]]
    k get -n demo events | grep -q 'Warning *SnapshotPinned'
    curl -s "http://127.0.0.1:$PUSH/metrics" | grep -q '^cstash_snapshot_pinned{.* 1$'
    curl -s "http://127.0.0.1:$METRICS/metrics" | grep -q '^cstash_backup_shrank{.* 1$'
    k annotate -n demo bc/bc cstash.io/accept-shrink=true >/dev/null
    backup accepted bc
    [ "$(sizes)" = "0 0 0" ]
    [ -z "$(condition demo backupsession/accepted SnapshotPinned)" ]
    curl -s "http://127.0.0.1:$PUSH/metrics" | grep -q '^cstash_snapshot_pinned{.* 0$'
    curl -s "http://127.0.0.1:$METRICS/metrics" | grep -q '^cstash_backup_shrank{.* 0$'
}

@test "a history of another name is adopted" {
    cli a mset x 1 y 2 >/dev/null
    "$CSTASH" init -q -r "$T/repo-demo" 2>/dev/null
    "$CSTASH" backup -q -r "$T/repo-demo" --redis "$URL_a" --host host-0 --target demo/AppBinding/old
    config demo bc 'retentionPolicy: {name: one, keepLast: 1, prune: true}'
    k annotate -n demo bc/bc cstash.io/adopt-target=demo/AppBinding/old >/dev/null
    phase demo bc/bc Ready
    cli a del x >/dev/null
    backup adopted bc
    [ "$(sizes)" = 1 ]
}

tenant() { # namespace evil: an AppBinding of its own, and the Repository of demo to write into
    k create namespace evil >/dev/null
    k patch repo repo -n demo --type merge -p '{"spec":{"usagePolicy":{"allowedNamespaces":{"from":"All"}}}}' >/dev/null
    binding_at evil redis "redis://127.0.0.1:$PORT_b"
}

@test "a tenant of a shared Repository cannot adopt, and so remove, the history of another namespace" {
    local night from
    tenant
    cli a set k v >/dev/null
    config demo bc
    phase demo bc/bc Ready
    for night in 1 2 3; do backup "night-$night" bc; done
    [ "$(snapshots_of demo)" = 3 ]
    config evil bc 'repository: {name: repo, namespace: demo}' 'retentionPolicy: {name: one, keepLast: 1, prune: true}'
    phase evil bc/bc Ready
    for from in demo/AppBinding/redis redis-prod; do
        k annotate -n evil bc/bc --overwrite "cstash.io/adopt-target=$from" >/dev/null
        phase evil bc/bc Invalid
        [[ "$(condition evil bc/bc ValidationPassed)" == "False "*"$from"*"needs the Repository's owner: \`cstash tag --target OLD=NEW\` by hand"* ]]
        # A Job that began all the same, as root of the cluster.
        session evil "one-${from%%[!a-z]*}" bc
        run "$CSTASH" backup-redis --namespace evil --backupsession "one-${from%%[!a-z]*}" --appbinding redis --appbinding-namespace evil \
            --storage-secret-name repo-secret --storage-secret-namespace demo --provider local --bucket "$T/repo-demo"
        [ "$status" != 0 ]
        [[ "$output" == *"needs the Repository's owner"* ]]
        [ "$(snapshots_of demo)" = 3 ]
    done
    k annotate -n evil bc/bc --overwrite cstash.io/adopt-target=evil/AppBinding/old >/dev/null
    phase evil bc/bc Ready
    session evil two bc
    phase evil backupsession/two Succeeded
    [ "$(snapshots_of demo)" = 4 ]
    [ "$("$CSTASH" snapshots -r "$T/repo-demo" --target demo/AppBinding/redis --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 3 ]
}

hosts() { # of all snapshots, oldest first
    "$CSTASH" snapshots -r "$T/repo-demo" --json | python3 -c 'import json, sys; print(*(s["hostname"] for s in json.load(sys.stdin)))'
}

@test "two configurations of one target: retention of each keeps to its alias" {
    local n ref='ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}'
    cli a set k v >/dev/null
    config demo monthly "target: {alias: monthly, $ref}" 'retentionPolicy: {name: two, keepLast: 2, prune: true}'
    config demo hourly "target: {alias: hourly, $ref}" 'retentionPolicy: {name: one, keepLast: 1, prune: true}'
    phase demo bc/monthly Ready
    phase demo bc/hourly Ready
    for n in 1 2; do backup "monthly-$n" monthly; done
    for n in 1 2 3; do backup "hourly-$n" hourly; done
    [ "$(hosts)" = "monthly monthly hourly" ]
    backup monthly-3 monthly
    [ "$(hosts)" = "monthly hourly monthly" ]
    # Another alias begins anew; what the old one made stays.
    k delete bc -n demo hourly >/dev/null
    config demo hourly "target: {alias: daily, $ref}" 'retentionPolicy: {name: one, keepLast: 1, prune: true}'
    phase demo bc/hourly Ready
    for n in 1 2; do backup "daily-$n" hourly; done
    [ "$(hosts)" = "monthly hourly monthly daily" ]
    # It is the same data: what is pinned for one stays for the other, and is not pinned twice.
    cli a flushall >/dev/null
    for n in 4 5; do backup "daily-$n" hourly; done
    [[ "$(condition demo backupsession/daily-5 SnapshotPinned)" == "True "* ]]
    [ "$(sizes)" = "1 1 1 1 0" ]
}

@test "a repository that is gone is missed, not made anew" {
    cli a set k v >/dev/null
    config demo bc
    phase demo bc/bc Ready
    backup one bc
    until_is demo repo/repo '{.status.snapshotCount}' 1
    mv "$T/repo-demo" "$T/away"
    session demo two bc
    phase demo backupsession/two Failed
    [[ "$(host_error demo backupsession/two)" == *"could not find the repository at "*", though 1 snapshot was made (last 20"*"cstash.io/new-repository"* ]]
    [[ "$(condition demo backupsession/two BackendRepositoryInitialized)" == "False could not find the repository"* ]]
    [ ! -e "$T/repo-demo/config" ]
    [ "$(field demo repo/repo '{.status.snapshotCount}')" = 1 ]
    k annotate -n demo repo/repo cstash.io/new-repository=maybe >/dev/null
    session demo three bc
    phase demo backupsession/three Failed
    rm -rf "$T/repo-demo" # an empty folder, made for the mount
    mv "$T/away" "$T/repo-demo"
    k annotate -n demo repo/repo cstash.io/new-repository- >/dev/null
    phase demo bc/bc Ready
    backup four bc
    [ "$(snapshots_of demo)" = 2 ]
    mv "$T/repo-demo" "$T/away"
    k annotate -n demo repo/repo cstash.io/new-repository=true >/dev/null
    backup five bc
    [ "$(snapshots_of demo)" = 1 ]
}

@test "a cluster that is not whole fails the session, and makes no snapshot" {
    start_redis n --cluster-enabled yes --cluster-port "$(free_port)"
    binding_at demo other "redis://127.0.0.1:$PORT_n"
    config demo node 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: other}}'
    phase demo bc/node Ready
    session demo node1 node
    phase demo backupsession/node1 Failed
    [[ "$(host_error demo backupsession/node1)" == *"slots of the cluster have no owner"* ]]
    [ "$(snapshots_of demo)" = 0 ]
}

@test "behind a Service: its EndpointSlices tell where, else its Endpoints; what is not ready is not taken" {
    cat <<YAML | k apply -f - >/dev/null
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: sliced-1, namespace: demo, labels: {kubernetes.io/service-name: sliced}}
addressType: IPv4
ports: [{name: redis, port: $PORT_a}]
endpoints: [{addresses: [127.0.0.9], conditions: {ready: false}}, {addresses: [127.0.0.1]}]
---
apiVersion: v1
kind: Endpoints
metadata: {name: older, namespace: demo}
subsets: [{addresses: [{ip: 127.0.0.1}], ports: [{port: $PORT_a}]}]
YAML
    k get endpointslices -n demo | grep -Eq '^sliced-1 +IPv4 +'"$PORT_a"' +127.0.0.9,127.0.0.1 '
    for service in sliced older; do
        cat <<YAML | k apply -f - >/dev/null
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: by-$service, namespace: demo}
spec: {type: redis, clientConfig: {service: {name: $service, port: 6379, scheme: redis}}}
YAML
        config demo "$service" "target: {alias: $service, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: by-$service}}"
        phase demo "bc/$service" Ready
        session demo "of-$service" "$service"
        phase demo "backupsession/of-$service" Succeeded
    done
}
