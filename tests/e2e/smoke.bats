#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The cluster itself: what the other files here take for granted.

load e2e.bash

REDIS=cstash-test/redis:7.0 KUBECTL=cstash-test/kubectl:1 NS=smoke

setup_file() {
    load e2e.bash
    namespace "$NS"
    pod "$NS" redis "$REDIS" redis-server --save '' --protected-mode no
    kubectl expose -n "$NS" pod redis --port 6379
    kubectl wait -n "$NS" --for=condition=Ready pod/redis --timeout=30s
}

teardown_file() {
    load e2e.bash
    kubectl delete namespace "$NS" --wait=false
    kubectl delete persistentvolume "$NS" --ignore-not-found --wait=false
}

@test "the node is ready and everybody is of the pinned release" {
    version=$(sed -n 's/^.*k8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$ROOT/tests/e2e/tools/kubernetes/go.mod" | head -n 1)
    [ "$(kubectl get nodes -o 'jsonpath={.items[*].status.nodeInfo.kubeletVersion}')" = "$version" ]
    [ "$(kubectl get nodes -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}')" = True ]
    [ "$(kubectl version | grep -c "$version")" = 2 ]
}

@test "a pod under restricted runs as another user than root and answers by its Service's name" {
    run kubectl exec -n "$NS" redis -- id -u
    [ "$output" = 12345 ]
    pod "$NS" client "$REDIS" sh -c '
        redis-cli -h redis set greeting hello &&
        redis-cli -h redis.smoke.svc.cluster.local get greeting &&
        redis-cli -h "$REDIS_SERVICE_HOST" get greeting &&
        ! touch /usr/bin/x'
    run finished "$NS" client
    echo "$output"
    [ "$status" = 0 ]
    [ "${lines[0]} ${lines[1]} ${lines[2]}" = "OK hello hello" ]
}

@test "a pod reaches itself by its Service's name, and what is outside of the cluster has none" {
    run kubectl exec -n "$NS" redis -- redis-cli -h redis.smoke.svc ping
    [ "$output" = PONG ]
    run kubectl exec -n "$NS" redis -- nslookup registry.example
    [[ $output == *NXDOMAIN* ]]
}

@test "kubectl logs, exec with stdin, and port-forward work" {
    kubectl logs -n "$NS" redis | grep "Ready to accept connections"
    [ "$(echo piped | kubectl exec -i -n "$NS" redis -- cat)" = piped ]
    kubectl port-forward -n "$NS" service/redis :6379 >"$BATS_TEST_TMPDIR/forward" 3>&- &
    forward=$!
    for _ in $(seq 50); do
        port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$BATS_TEST_TMPDIR/forward")
        [ -z "$port" ] || break
        sleep 0.1
    done
    run redis-cli -p "$port" ping
    kill "$forward"
    [ "$output" = PONG ]
}

@test "a claim on a volume of the host is bound, and lasts longer than a pod" {
    host=$BATS_FILE_TMPDIR/volume
    mkdir -m 777 "$host"
    kubectl apply -n "$NS" -f - <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: $NS}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  hostPath: {path: $host, type: Directory}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  volumeName: $NS
  resources: {requests: {storage: 1Gi}}
YAML
    VOLUME=data pod "$NS" writer "$REDIS" sh -c 'echo kept >/data/file'
    finished "$NS" writer
    VOLUME=data pod "$NS" reader "$REDIS" cat /data/file
    [ "$(finished "$NS" reader)" = kept ]
    [ "$(cat "$host/file")" = kept ]
}

@test "restricted refuses a privileged pod" {
    run kubectl run -n "$NS" privileged --image "$REDIS" --privileged
    [ "$status" != 0 ]
    [[ $output == *'violates PodSecurity "restricted'* ]]
}

@test "a service account may do nothing until it is bound, seen from within a pod" {
    kubectl create -n "$NS" serviceaccount reader
    ACCOUNT=reader pod "$NS" unbound "$KUBECTL" kubectl get configmaps
    run finished "$NS" unbound
    [ "$status" != 0 ]
    [[ $output == *"\"system:serviceaccount:$NS:reader\" cannot list resource \"configmaps\""* ]]
    kubectl create -n "$NS" rolebinding reader --clusterrole view --serviceaccount "$NS:reader"
    ACCOUNT=reader pod "$NS" bound "$KUBECTL" kubectl get configmaps
    finished "$NS" bound | grep kube-root-ca.crt
}

@test "a CronJob makes a Job whose pod succeeds" {
    kubectl apply -n "$NS" -f - <<YAML
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          securityContext: {runAsNonRoot: true, runAsUser: 1, seccompProfile: {type: RuntimeDefault}}
          containers:
          - name: main
            image: $REDIS
            command: [echo, done]
            securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
YAML
    kubectl create job -n "$NS" --from cronjob/cron now
    kubectl wait -n "$NS" --for=condition=Complete job/now --timeout=30s
    [ "$(kubectl logs -n "$NS" job/now)" = "done" ]
}

@test "helm installs a chart" {
    mkdir -p "$BATS_TEST_TMPDIR/chart/templates"
    printf 'apiVersion: v2\nname: chart\nversion: 1.0.0\n' >"$BATS_TEST_TMPDIR/chart/Chart.yaml"
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}"}\n' \
        >"$BATS_TEST_TMPDIR/chart/templates/c.yaml"
    helm install -n "$NS" from-helm "$BATS_TEST_TMPDIR/chart"
    kubectl get -n "$NS" configmap/from-helm
}

@test "a program of the cluster that is killed comes back" {
    state=$(dirname "$KUBECONFIG")
    . "$CLUSTER/lib.bash"
    in_cluster "$state" kill -9 "$(cat "$state/kube-scheduler.pid")"
    for _ in $(seq 50); do
        grep -q "kube-scheduler ended" "$state/log/init.log" && break
        sleep 0.1
    done
    pod "$NS" after "$REDIS" echo scheduled
    [ "$(finished "$NS" after)" = scheduled ]
}
