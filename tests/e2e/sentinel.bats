#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A Redis behind Sentinels, as people run it: three Pods, each a server and a Sentinel, known by the names of a headless
# Service; another password at the Sentinels; the master goes.

load e2e.bash
load stash.bash

NS=sentinel

# A StatefulSet "watched" whose first Pod begins as the master.
watched() {
    cat <<YAML | kubectl apply -n $NS -f -
apiVersion: v1
kind: Service
metadata: {name: watched}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: watched}
  ports: [{name: redis, port: 6379}, {name: sentinel, port: 26379}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: watched}
spec:
  serviceName: watched
  podManagementPolicy: Parallel
  replicas: 3
  selector: {matchLabels: {app: watched}}
  template:
    metadata: {labels: {app: watched}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 12345, fsGroup: 12345, seccompProfile: {type: RuntimeDefault}}
      volumes: [{name: state, emptyDir: {}}]
      containers:
      - name: redis
        image: $REDIS
        volumeMounts: &state [{name: state, mountPath: /state}]
        securityContext: &strict {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        command: [sh, -c]
        args:
        - |
          case \$HOSTNAME in *-0) ;; *) set -- --replicaof watched-0.watched.$NS.svc.cluster.local 6379 ;; esac
          exec redis-server --dir /state --save '' --requirepass secret --masterauth secret --enable-debug-command yes \\
              --repl-diskless-sync-delay 0 --replica-announce-ip \$HOSTNAME.watched.$NS.svc.cluster.local "\$@"
        - sh
        readinessProbe: {exec: {command: [redis-cli, ping]}, periodSeconds: 1}
      - name: sentinel
        image: $REDIS
        securityContext: *strict
        volumeMounts: *state
        command: [sh, -c]
        args:
        - |
          until busybox nslookup watched-0.watched.$NS.svc.cluster.local >/dev/null; do sleep 0.2; done
          printf '%s\\n' 'port 26379' 'dir /state' 'requirepass sesame' 'sentinel sentinel-pass sesame' \\
              'sentinel resolve-hostnames yes' 'sentinel announce-hostnames yes' \\
              "sentinel announce-ip \$HOSTNAME.watched.$NS.svc.cluster.local" \\
              'sentinel monitor db watched-0.watched.$NS.svc.cluster.local 6379 2' 'sentinel auth-pass db secret' \\
              'sentinel down-after-milliseconds db 2000' 'sentinel failover-timeout db 10000' >/state/conf
          exec redis-server /state/conf --sentinel
        - sh
        readinessProbe: {exec: {command: [redis-cli, -p, "26379", ping]}, periodSeconds: 1}
YAML
    kubectl rollout status -n $NS statefulset/watched --timeout=60s
}

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    watched
    kubectl create secret generic -n $NS sentinels --from-literal=password=sesame
    binding $NS watched watched 'secret: {name: redis-secret}' 'parameters: {apiVersion: cstash.io/v1alpha1, kind: RedisConnection, topology: sentinel,
    sentinel: {master: db, service: {name: watched, port: 26379}, secret: {name: sentinels}}}'
    until_true sees 2 0 slaves
    until_true sees 2 0 sentinels
    until_true follows 2
    cli $NS "$(master)" eval 'for i = 1, 1000 do redis.call("SET", "key:" .. i, i) end' 0
    config $NS watched "$WATCHED"
    phase $NS bc/watched Ready
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

WATCHED='target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: watched}}'

asked() { kubectl exec -n $NS "watched-$1" -c sentinel -- env REDISCLI_AUTH=sesame redis-cli -p 26379 sentinel master db; } # asked POD
sees() { # sees COUNT POD slaves|sentinels: that Sentinel knows so many (of sentinels: beside itself)
    [ "$(asked "$2" | grep -A 1 -x "num-$3\|num-other-sentinels" | grep -c -x "$1")" -ge 1 ]
}
master() { asked "${1:-0}" | sed -n '/^ip$/{n;s/[.].*//p}'; } # master [POD]: the Pod that this one's Sentinel calls the master

follows() { [ "$(cli $NS "$(master)" info replication | grep -c state=online)" = "$1" ]; } # follows COUNT: so many replicas

@test "a replica is read, the master is written" {
    session $NS one watched
    phase $NS backupsession/one Succeeded 60
    kubectl logs -n $NS -l job-name=stash-backup-one-0 --all-containers --tail=-1 | grep 'a replica'
    before=$(digest $NS "$(master)")
    cli $NS "$(master)" flushall
    restore $NS back "$WATCHED" 'rules: [{snapshots: [latest]}]'
    phase $NS restoresession/back Succeeded 60
    [ "$(digest $NS "$(master)")" = "$before" ]
}

@test "the master goes: the next one is read and written" {
    local old new before
    old=$(master) before=$(digest $NS "$old")
    kubectl exec -n $NS "$old" -c redis -- env REDISCLI_AUTH=secret redis-cli debug sleep 15 >/dev/null 2>&1 &
    session $NS two watched
    phase $NS backupsession/two Succeeded 120
    is_another() { new=$(master 1) && [ -n "$new" ] && [ "$new" != "$old" ]; }
    until_true is_another
    cli $NS "$new" flushall
    restore $NS again "$WATCHED" 'rules: [{snapshots: [latest]}]'
    phase $NS restoresession/again Succeeded 120
    [ "$(digest $NS "$new")" = "$before" ]
}
