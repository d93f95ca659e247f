#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A Redis Cluster of six Pods, which announce the addresses of their Pods, behind one Service: all shards in one snapshot.

load e2e.bash
load stash.bash

NS=shards

six_nodes() {
    cat <<YAML | kubectl apply -n $NS -f -
apiVersion: v1
kind: Service
metadata: {name: many}
spec:
  selector: {app: many}
  ports: [{name: redis, port: 6379}]
---
apiVersion: v1
kind: Service
metadata: {name: many-pods}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: many}
  ports: [{name: redis, port: 6379}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: many}
spec:
  serviceName: many-pods
  podManagementPolicy: Parallel
  replicas: 6
  selector: {matchLabels: {app: many}}
  template:
    metadata: {labels: {app: many}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 12345, fsGroup: 12345, seccompProfile: {type: RuntimeDefault}}
      volumes: [{name: state, emptyDir: {}}]
      containers:
      - name: redis
        image: $REDIS
        env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
        volumeMounts: [{name: state, mountPath: /state}]
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        command: [sh, -c]
        args:
        - exec redis-server --dir /state --save '' --enable-debug-command yes --cluster-enabled yes --cluster-announce-ip "\$IP" --requirepass secret
            --masterauth secret --repl-diskless-sync-delay 0 --cluster-node-timeout 5000
        readinessProbe: {exec: {command: [redis-cli, ping]}, periodSeconds: 1}
YAML
    kubectl rollout status -n $NS statefulset/many --timeout=60s
    cli $NS many-0 --cluster create $(kubectl get pod -n $NS -l app=many -o 'jsonpath={range .items[*]}{.status.podIP}:6379 {end}') \
        --cluster-replicas 1 --cluster-yes
}

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    six_nodes
    binding $NS many many
    for i in $(seq 300); do echo "SET key:$i $i"; done >"$BATS_FILE_TMPDIR/commands"
    until_true agrees
    kubectl exec -i -n $NS many-0 -- env REDISCLI_AUTH=secret redis-cli -c <"$BATS_FILE_TMPDIR/commands" >/dev/null
    config $NS many "$MANY"
    phase $NS bc/many Ready
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

MANY='target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: many}}'

agrees() { [ "$(cli $NS many-0 cluster info | grep -c 'cluster_state:ok')" = 1 ] && [ "$(cli $NS many-0 cluster nodes | grep -c 'slave .*connected')" = 3 ]; }

@test "a Service in front of a cluster leads to all of its shards; one server takes them" {
    session $NS one many
    phase $NS backupsession/one Succeeded 60
    kubectl logs -n $NS -l job-name=stash-backup-one-0 --all-containers --tail=-1 | grep '300 keys'
    [ "$(field $NS backupsession/one '{.status.targets[0].stats[0].snapshots[0].shards}')" = 3 ]
    cli $NS redis flushall
    # Of another target: named by its ID.
    restore $NS back "rules: [{snapshots: ['$(field $NS backupsession/one '{.status.targets[0].stats[0].snapshots[0].name}')']}]"
    phase $NS restoresession/back Succeeded 60
    [ "$(cli $NS redis dbsize)" = 300 ]
    [ "$(cli $NS redis get key:299)" = 299 ]
}

masters() { local i; for i in 0 1 2 3 4 5; do ! cli $NS many-$i role | grep -qx master || echo many-$i; done; }
each_master() { local pod; for pod in $(masters); do cli $NS $pod "$@"; done; } # each_master COMMAND...
total() { each_master dbsize | awk '{n += $1} END {print n}'; }

# The server learns a little late that the last container has run.
home_is_proven() { kubectl logs -n $NS -l job-name=stash-restore-home-0 --all-containers --tail=-1 | grep -q 'are those of the backup'; }

@test "a RestoreSession into the cluster itself: each key to the master that owns its slot" {
    each_master flushall
    [ "$(total)" = 0 ]
    restore $NS home "$MANY" 'rules: [{snapshots: [latest]}]'
    phase $NS restoresession/home Succeeded 60
    until_true home_is_proven
    [ "$(total)" = 300 ]
    [ "$(masters | wc -l)" = 3 ]
    [ "$(kubectl exec -n $NS many-0 -- env REDISCLI_AUTH=secret redis-cli -c get key:299)" = 299 ]
    # One server's backup goes there too, whatever there is.
    config $NS redis 'retentionPolicy: {name: one, keepLast: 5, prune: true}'
    phase $NS bc/redis Ready
    cli $NS redis set key:299 other
    session $NS three redis
    phase $NS backupsession/three Succeeded 60
    restore $NS spread "$MANY" "rules: [{snapshots: ['$(field $NS backupsession/three '{.status.targets[0].stats[0].snapshots[0].name}')']}]"
    phase $NS restoresession/spread Succeeded 60
    [ "$(total)" = 300 ]
    [ "$(kubectl exec -n $NS many-0 -- env REDISCLI_AUTH=secret redis-cli -c get key:299)" = other ]
}

@test "a master that is gone: its replica takes over, and the next backup is whole" {
    local i
    for i in 0 1 2 3 4 5; do cli $NS many-$i role | grep -qx master && break; done
    kubectl exec -n $NS many-$i -- env REDISCLI_AUTH=secret redis-cli debug sleep 20 >/dev/null 2>&1 &
    session $NS two many
    phase $NS backupsession/two Succeeded 120
    kubectl logs -n $NS -l job-name=stash-backup-two-0 --all-containers --tail=-1 | grep '300 keys'
}
