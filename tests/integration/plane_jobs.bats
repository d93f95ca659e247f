# The controllers of the embedded control plane, seen by the real kubectl: Jobs, CronJobs, Pods as processes of this
# machine, a control plane that is killed meanwhile, garbage collection, namespaces.
load ../harness/env.bash

setup() {
    need kubectl python3
    setup_folder
    PORT=$(free_port)
    export KUBECONFIG=$T/state/kubeconfig
    start_up
}

teardown() {
    local pid
    kill -9 "$(cat "$T/up.pid")" 2>/dev/null || true
    for pid in $(cat "$T"/state/pods/*/*.pid 2>/dev/null | sed -n 's/.*"pid":\([0-9]*\),"start.*/\1/p'); do
        kill -9 -- "-$pid" 2>/dev/null || true
    done
    rm -f "$T/up.pid"
    end_all
}

start_up() {
    "$CSTASH" up --dir "$T/state" --listen "127.0.0.1:$PORT" --metrics-listen "" --pushgateway-listen "" \
        >"$T/up.log" 2>&1 </dev/null 3>&- &
    echo $! >"$T/up.pid"
    for _ in $(seq 400); do
        grep -q ready: "$T/up.log" && return 0
        sleep 0.05
    done
    cat "$T/up.log" >&2
    return 1
}

kill_up() { # kill_up SIGNAL
    local pid
    pid=$(cat "$T/up.pid")
    kill "-$1" "$pid"
    wait "$pid" 2>/dev/null || true
}

# until_is WANT COMMAND...: the command prints this soon
until_is() {
    local want=$1 got
    shift
    for _ in $(seq 200); do
        got=$("$@" 2>&1) || true
        [ "$got" = "$want" ] && return 0
        sleep 0.1
    done
    echo "wanted \"$want\", got \"$got\" from $*" >&2
    kubectl get jobs,pods,events -A >&2
    return 1
}

# job NAME SCRIPT [lines of the Job's spec]
job() {
    kubectl apply -f - <<YAML
apiVersion: batch/v1
kind: Job
metadata: {name: $1}
spec:
  backoffLimit: 0
${3:-}
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: main
        image: /bin/sh
        terminationMessagePolicy: FallbackToLogsOnError
        args:
        - -c
        - |
          $2
YAML
}

cron_job() { # cron_job NAME SCRIPT [lines of the spec]
    kubectl apply -f - <<YAML
apiVersion: batch/v1
kind: CronJob
metadata: {name: $1}
spec:
  schedule: "@every 2s"
${3:-}
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers: [{name: main, image: /bin/sh, args: ["-c", "$2"]}]
YAML
}

status_of() { # status_of KIND/NAME PATH
    kubectl get "$1" -o "jsonpath={.status$2}"
}

of_job() { # of_job JOB PATH: of its only Pod
    kubectl get pod -l "job-name=$1" -o "jsonpath={.items[0].status$2}"
}

count() { # count KIND [options]
    kubectl get "$@" --no-headers 2>/dev/null | wc -l
}

@test "a Job that succeeds: init containers in order, volumes, environment, logs" {
    kubectl create secret generic creds --from-literal=password=hunter2 >/dev/null
    kubectl create configmap words --from-literal=a=one --from-literal=b=two >/dev/null
    kubectl apply -f - <<'YAML'
apiVersion: batch/v1
kind: Job
metadata: {name: good}
spec:
  template:
    metadata: {labels: {tier: test}}
    spec:
      restartPolicy: Never
      volumes:
      - {name: scratch, emptyDir: {}}
      - {name: creds, secret: {secretName: creds}}
      - name: facts
        projected:
          sources:
          - configMap: {name: words}
          - downwardAPI: {items: [{path: me, fieldRef: {fieldPath: metadata.namespace}}]}
      initContainers:
      - {name: first, image: /bin/sh, args: ["-c", "echo 1 >>/data/order"], volumeMounts: [{name: scratch, mountPath: /data}]}
      - {name: second, image: /bin/sh, args: ["-c", "echo 2 >>/data/order"], volumeMounts: [{name: scratch, mountPath: /data}]}
      containers:
      - name: main
        image: /bin/sh
        args: ["-c", "cat /data/order /creds/password /facts/a /facts/me; echo; echo $P-$W_b-$TIER-$BOTH; echo err >&2"]
        envFrom: [{configMapRef: {name: words}, prefix: W_}]
        env:
        - {name: P, valueFrom: {secretKeyRef: {name: creds, key: password}}}
        - {name: TIER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
        - {name: BOTH, value: "$(W_a)$$(x)"}
        volumeMounts:
        - {name: scratch, mountPath: /data}
        - {name: creds, mountPath: /creds}
        - {name: facts, mountPath: /facts}
YAML
    kubectl wait --for=condition=complete job/good --timeout=20s
    run kubectl logs job/good -c main
    [ "$output" = $'1\n2\nhunter2onedefault\nhunter2-two-test-one$(x)\nerr' ] || { echo "$output"; false; }
    [ "$(status_of job/good .succeeded)" = 1 ]
    [ "$(of_job good .phase)" = Succeeded ]
    [ "$(of_job good '.initContainerStatuses[*].state.terminated.reason')" = "Completed Completed" ]
    [ "$(of_job good '.containerStatuses[0].state.terminated.exitCode')" = 0 ]
    [ ! -e "$T"/state/pods/*/volumes ]
    kubectl get events | grep -q 'Completed.*job/good'
    [ "$(stat -c %a "$T/state")" = 700 ]
}

@test "an init container that fails: nothing after it runs" {
    kubectl apply -f - <<'YAML'
apiVersion: batch/v1
kind: Job
metadata: {name: early}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      initContainers:
      - {name: first, image: /bin/sh, args: ["-c", "exit 3"]}
      - {name: second, image: /bin/sh, args: ["-c", "echo second"]}
      containers: [{name: main, image: /bin/sh, args: ["-c", "echo main"]}]
YAML
    kubectl wait --for=condition=failed job/early --timeout=20s
    kubectl get pod -l job-name=early | grep -q ' Init:Error '
    [ "$(of_job early '.initContainerStatuses[*].state.waiting.reason')" = PodInitializing ]
    [ "$(of_job early '.containerStatuses[0].state.waiting.reason')" = PodInitializing ]
}

@test "a Job that fails: exit code, message from the log, the retries it asked for, no more" {
    job bad 'echo "it broke" >&2; exit 7'
    kubectl wait --for=condition=failed job/bad --timeout=20s
    [ "$(status_of job/bad '.conditions[?(@.type=="Failed")].reason')" = BackoffLimitExceeded ]
    [ "$(status_of job/bad '.conditions[?(@.type=="Failed")].message')" = "Job has reached the specified backoff limit" ]
    [ "$(of_job bad '.containerStatuses[0].state.terminated.exitCode')" = 7 ]
    [ "$(of_job bad '.containerStatuses[0].state.terminated.message')" = "it broke" ]
    [ "$(count pod -l job-name=bad)" = 1 ]
    kubectl delete job bad
    until_is 0 count pod
    until_is 0 sh -c "ls $T/state/pods | wc -l"
    # one retry, ten seconds later
    kubectl apply -f - <<'YAML'
apiVersion: batch/v1
kind: Job
metadata: {name: twice}
spec:
  backoffLimit: 1
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: /bin/sh, args: ["-c", "kill -9 $$$$"]}]
YAML
    until_is 1 status_of job/twice .failed
    sleep 5
    [ "$(count pod -l job-name=twice)" = 1 ]
    kubectl wait --for=condition=failed job/twice --timeout=20s
    [ "$(count pod -l job-name=twice)" = 2 ]
    [ "$(of_job twice '.containerStatuses[0].state.terminated.exitCode')" = 137 ]
}

@test "deadlines, suspension, time to live, and a Pod that is told to stop" {
    job slow 'sleep 600' '  activeDeadlineSeconds: 2'
    until_is 1 status_of job/slow .active
    pid=$(cat "$T"/state/pods/*/main.pid | sed 's/.*"pid":\([0-9]*\).*/\1/')
    kubectl wait --for=condition=failed job/slow --timeout=20s
    [ "$(status_of job/slow '.conditions[?(@.type=="Failed")].reason')" = DeadlineExceeded ]
    [ "$(status_of job/slow '.conditions[?(@.type=="Failed")].message')" = "Job was active longer than specified deadline" ]
    until_is 0 count pod
    ! kill -0 "$pid" 2>/dev/null

    job later 'echo now' $'  suspend: true\n  ttlSecondsAfterFinished: 2'
    until_is JobSuspended status_of job/later '.conditions[?(@.type=="Suspended")].reason'
    [ "$(count pod)" = 0 ]
    kubectl patch job later --type=merge -p '{"spec":{"suspend":false}}'
    kubectl wait --for=condition=complete job/later --timeout=20s
    until_is 0 count job -l none=none
    until_is 0 count pod

    # deaf to SIGTERM: killed after its grace period
    kubectl apply -f - <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: deaf}
spec:
  terminationGracePeriodSeconds: 2
  restartPolicy: Never
  containers: [{name: main, image: /bin/sh, args: ["-c", "trap 'echo heard' TERM; echo up; while :; do sleep 0.1; done"]}]
YAML
    until_is up kubectl logs deaf
    kubectl delete pod deaf --wait=false
    until_is heard sh -c 'kubectl logs deaf | tail -n 1'
    until_is 0 count pod
}

@test "what cannot run says so: images, Secrets, programs, volumes" {
    kubectl apply -f - <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: image}
spec:
  containers: [{name: main, image: "nginx:1"}]
---
apiVersion: v1
kind: Pod
metadata: {name: secret}
spec:
  restartPolicy: Never
  containers:
  - {name: main, image: /bin/sh, args: ["-c", "echo $X"], env: [{name: X, valueFrom: {secretKeyRef: {name: late, key: k}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: program}
spec:
  restartPolicy: Never
  containers: [{name: main, image: /no/such/program}]
---
apiVersion: v1
kind: Pod
metadata: {name: volume}
spec:
  volumes: [{name: v, nfs: {server: x, path: /}}]
  containers: [{name: main, image: /bin/sh}]
YAML
    until_is ErrImageNeverPull status_of pod/image '.containerStatuses[0].state.waiting.reason'
    status_of pod/image '.containerStatuses[0].state.waiting.message' | grep -q 'only programs of this machine'
    until_is CreateContainerConfigError status_of pod/secret '.containerStatuses[0].state.waiting.reason'
    [ "$(status_of pod/secret '.containerStatuses[0].state.waiting.message')" = 'secret "late" not found' ]
    until_is ContainerCannotRun status_of pod/program '.containerStatuses[0].state.terminated.reason'
    [ "$(status_of pod/program .phase)" = Failed ]
    until_is CreateContainerConfigError status_of pod/volume '.containerStatuses[0].state.waiting.reason'
    status_of pod/volume '.containerStatuses[0].state.waiting.message' | grep -q 'no volumes of type nfs'
    kubectl create secret generic late --from-literal=k=value >/dev/null
    until_is Succeeded status_of pod/secret .phase
    [ "$(kubectl logs secret)" = value ]
}

@test "a claim keeps its data from Pod to Pod, until it is deleted" {
    kubectl apply -f - <<'YAML'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
YAML
    until_is Bound status_of pvc/disk .phase
    for n in 1 2; do
        kubectl apply -f - <<YAML
apiVersion: v1
kind: Pod
metadata: {name: p$n}
spec:
  restartPolicy: Never
  volumes: [{name: d, persistentVolumeClaim: {claimName: disk}}]
  containers:
  - {name: main, image: /bin/sh, args: ["-c", "echo $n >>/disk/f; cat /disk/f"], volumeMounts: [{name: d, mountPath: /disk, subPath: below/it}]}
YAML
        until_is Succeeded status_of pod/p$n .phase
    done
    [ "$(kubectl logs p2)" = $'1\n2' ]
    [ -s "$T/state/volumes/default/disk/below/it/f" ]
    kubectl delete pvc disk
    until_is 0 sh -c "ls $T/state/volumes/default | wc -l"
}

@test "CronJobs: each slot once, history, suspend, Forbid, Replace, bad schedules" {
    run cron_job bad true '  schedule: "every day"'
    [ "$status" != 0 ]
    run kubectl create cronjob bad --image=/bin/true --schedule="61 * * * *"
    [ "$status" != 0 ]
    [[ "$output" == *'spec.schedule: Invalid value: "61 * * * *"'* ]] || { echo "$output"; false; }
    run kubectl create cronjob bad --image=/bin/true --schedule="TZ=Asia/Tokyo 1 * * * *"
    [ "$status" -ne 0 ]
    [[ "$output" == *'cannot use TZ or CRON_TZ in schedule'* ]] || { echo "$output"; false; }
    run kubectl create cronjob "$(printf 'x%.0s' {1..53})" --image=/bin/true --schedule="1 * * * *"
    [[ "$output" == *'must be no more than 52 characters'* ]] || { echo "$output"; false; }

    cron_job tick 'date' $'  successfulJobsHistoryLimit: 2'
    until_is 2 sh -c 'kubectl get jobs -o name | grep -c tick'
    sleep 5
    n=$(kubectl get jobs -o name | grep -c tick)
    [ "$n" -le 3 ]
    [ -n "$(status_of cronjob/tick .lastScheduleTime)" ]
    [ -n "$(status_of cronjob/tick .lastSuccessfulTime)" ]
    kubectl get events | grep -q 'SawCompletedJob.*cronjob/tick'
    kubectl get jobs -o json | python3 -c '
import json, sys
jobs = json.load(sys.stdin)["items"]
for j in jobs:
    m = j["metadata"]
    assert m["ownerReferences"][0]["kind"] == "CronJob" and m["ownerReferences"][0]["controller"], m
    assert "batch.kubernetes.io/cronjob-scheduled-timestamp" in m["annotations"], m'
    kubectl patch cronjob tick --type=merge -p '{"spec":{"suspend":true}}'
    sleep 3
    before=$(kubectl get jobs -o name)
    sleep 3
    [ "$(kubectl get jobs -o name)" = "$before" ]
    kubectl delete cronjob tick
    until_is 0 count jobs
    until_is 0 count pods

    cron_job forbid 'sleep 600' '  concurrencyPolicy: Forbid'
    until_is 1 count jobs
    sleep 5
    [ "$(count jobs)" = 1 ]
    until_is 1 sh -c 'kubectl get cronjob forbid -o json | grep -c "\"name\": \"forbid-[0-9]"'
    kubectl delete cronjob forbid
    until_is 0 count pods

    cron_job replace 'sleep 600' '  concurrencyPolicy: Replace'
    until_is 1 count jobs
    first=$(kubectl get jobs -o name)
    sleep 3
    until_is 1 count jobs
    [ "$(kubectl get jobs -o name)" != "$first" ]
}

@test "a control plane that is killed: its processes live on, are found again, and no attempt is made twice" {
    job long "echo began >>$T/began; sleep 15; echo ended"
    job short "echo began >>$T/began2; sleep 2; exit 5"
    until_is 1 sh -c "grep -c began $T/began"
    until_is 1 sh -c "grep -c began $T/began2"
    kill_up KILL
    sleep 3 # the short one ends while nobody looks
    start_up
    kubectl wait --for=condition=failed job/short --timeout=20s
    [ "$(of_job short '.containerStatuses[0].state.terminated.exitCode')" = 5 ]
    [ "$(of_job long .phase)" = Running ]
    kubectl wait --for=condition=complete job/long --timeout=20s
    [ "$(kubectl logs job/long)" = ended ]
    [ "$(wc -l <"$T/began")" = 1 ]
    [ "$(wc -l <"$T/began2")" = 1 ]
}

@test "a process that is killed together with its keeper is lost, and the Job says so" {
    job lost "echo began >>$T/began; sleep 600"
    until_is 1 sh -c "grep -c began $T/began"
    kill_up KILL
    eval "$(sed 's/.*"shim":\([0-9]*\).*"pid":\([0-9]*\).*/shim=\1 pid=\2/' "$T"/state/pods/*/main.pid)"
    kill -9 "$shim"
    start_up
    kubectl wait --for=condition=failed job/lost --timeout=20s
    [ "$(of_job lost '.containerStatuses[0].state.terminated.reason')" = ContainerStatusUnknown ]
    [ "$(of_job lost '.containerStatuses[0].state.terminated.exitCode')" = 137 ]
    until_is gone sh -c "kill -0 $pid 2>/dev/null || echo gone"
}

@test "an ordinary stop leaves the processes running and says how many" {
    job keep "sleep 4; echo done"
    until_is Running of_job keep .phase
    kill_up TERM
    grep -q '1 process' "$T/up.log" || { cat "$T/up.log"; false; }
    start_up
    kubectl wait --for=condition=complete job/keep --timeout=20s
}

@test "owners: background, foreground, orphan" {
    make() {
        kubectl create configmap "$1" >/dev/null
        uid=$(kubectl get configmap "$1" -o jsonpath='{.metadata.uid}')
        kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Secret
metadata:
  name: $2
  finalizers: [${3:-}]
  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: $1, uid: $uid, blockOwnerDeletion: true}]
YAML
    }
    make a a1
    kubectl delete configmap a
    until_is 0 count secret

    make b b1 example.com/hold
    kubectl delete configmap b --cascade=foreground --wait=false
    sleep 1
    [ "$(count configmap)" = 1 ]
    kubectl patch secret b1 --type=merge -p '{"metadata":{"finalizers":null}}'
    until_is 0 count secret
    until_is 0 count configmap

    make c c1
    kubectl delete configmap c --cascade=orphan
    until_is "" kubectl get secret c1 -o 'jsonpath={.metadata.ownerReferences}'
    [ "$(count configmap)" = 0 ]

    # one whose owner went while nobody looked, and one that names an owner that never was
    make d d1
    kubectl delete secret c1
    kill_up KILL
    start_up
    [ "$(count secret)" = 1 ]
    kubectl apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Secret
metadata:
  name: stray
  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: never, uid: 00000000-0000-4000-8000-000000000000}]
YAML
    until_is 1 count secret
    kubectl get secret d1
}

@test "a namespace that is deleted empties itself first" {
    kubectl create namespace doomed
    kubectl -n doomed create configmap c >/dev/null
    kubectl -n doomed create secret generic s >/dev/null
    kubectl apply -n doomed -f - <<'YAML'
apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec:
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: /bin/sh, args: ["-c", "sleep 600"]}]
YAML
    until_is 1 kubectl -n doomed get job j -o 'jsonpath={.status.active}'
    kubectl delete namespace doomed --timeout=20s
    until_is 0 count pods -A
    until_is 0 sh -c "ls $T/state/pods | wc -l"
}

@test "a container may run as somebody else, if we are root; memory limits where there are control groups" {
    [ "$(id -u)" = 0 ] || return 0 # an ordinary user's processes are that user's: nothing to see
    chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$T" 2>/dev/null || true
    kubectl apply -f - <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: other}
spec:
  restartPolicy: Never
  securityContext: {runAsUser: 65534, runAsGroup: 65534}
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - name: main
    image: /bin/sh
    args: ["-c", "id -u; echo x >/v/f && cat /v/f && head -c 10 $KUBECONFIG"]
    volumeMounts: [{name: v, mountPath: /v}]
YAML
    until_is Succeeded status_of pod/other .phase
    [[ "$(kubectl logs other)" == 65534$'\n'x$'\n'* ]]
    [ -w /sys/fs/cgroup/memory ] || return 0
    kubectl apply -f - <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: greedy}
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: /bin/sh
    args: ["-c", "python3 -c 'x = bytearray(300 << 20)'; exit $?"]
    resources: {limits: {memory: 64Mi}}
  - name: exec
    image: /bin/sh
    args: ["-c", "exec python3 -c 'x = bytearray(300 << 20)'"]
    resources: {limits: {memory: 64Mi}}
YAML
    until_is Failed status_of pod/greedy .phase
    [ "$(status_of pod/greedy '.containerStatuses[1].state.terminated.reason')" = OOMKilled ]
}
