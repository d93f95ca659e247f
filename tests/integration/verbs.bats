# SPDX-License-Identifier: Apache-2.0
# The verbs for machines without kubectl, compared with the real one word for word.

bats_require_minimum_version 1.5.0
load ../harness/env.bash

setup() {
    need kubectl python3
    setup_folder
    export KUBECONFIG=$T/state/kubeconfig HOME=$T
    unset XDG_STATE_HOME
    start_plane
    cat >"$T/all.yaml" <<'DATA'
apiVersion: v1
kind: Namespace
metadata: {name: demo}
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: repo, namespace: demo, labels: {a: b}}
spec: {backend: {local: {mountPath: /x, hostPath: {path: /x}}, storageSecretName: sec}}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: cm, namespace: demo, labels: {a: b, c: d}, annotations: {note: "x\ny", one: line}}
  data: {k: v, "multi": "a\nb\n"}
- apiVersion: v1
  kind: Secret
  metadata: {name: sec, namespace: demo}
  stringData: {k: v}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: demo}
spec:
  schedule: "0 3 * * *"
  suspend: true
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "img:1"}]}}}}
DATA
}

teardown() {
    end_all
}

start_plane() {
    "$CSTASH" up --dir "$T/state" --listen 127.0.0.1:0 --metrics-listen "" --pushgateway-listen "" >"$T/up.out" 2>&1 3>&- &
    echo $! >"$T/up.pid"
    for _ in $(seq 200); do
        grep -q ready "$T/up.out" && return 0
        sleep 0.05
    done
    cat "$T/up.out"
    return 1
}

ageless() { sed -E 's/\b([0-9]+m)?[0-9]+s( +|$)/AGE /g' "$1"; }

# The same words must give the same output, messages and exit code, but that kubectl 1.34 tells where from it deleted.
# Where a program needs a second (a sanitizer's), ages are always another: they are src/api/age_test.c's.
same() {
    local kubectl_code=0 our_code=0
    for _ in 1 2 3; do
        kubectl_code=0 our_code=0
        kubectl "$@" >"$T/k.out" 2>"$T/k.err" || kubectl_code=$?
        [ "$1" != delete ] || sed -i -E 's/ deleted from [^ ]+ namespace/ deleted/' "$T/k.out"
        "$CSTASH" "$@" >"$T/c.out" 2>"$T/c.err" || our_code=$?
        [ "$kubectl_code" = "$our_code" ] && cmp -s "$T/k.out" "$T/c.out" && cmp -s "$T/k.err" "$T/c.err" && return 0
    done
    [ "$kubectl_code" = "$our_code" ] && cmp -s <(ageless "$T/k.out") <(ageless "$T/c.out") && cmp -s "$T/k.err" "$T/c.err" && return 0
    echo "differs: $* (kubectl $kubectl_code, cstash $our_code)"
    diff "$T/k.out" "$T/c.out"
    diff "$T/k.err" "$T/c.err"
    return 1
}

@test "apply says what it did, object by object" {
    run -0 "$CSTASH" apply -f "$T/all.yaml"
    [ "${#lines[@]}" = 5 ]
    [ "${lines[0]}" = "namespace/demo created" ]
    [ "${lines[1]}" = "repository.stash.appscode.com/repo created" ]
    "$CSTASH" wait -n demo repo/repo --for=jsonpath='{.metadata.name}'=repo
    run -0 "$CSTASH" apply -f - <"$T/all.yaml"
    run -0 "$CSTASH" apply -f - <"$T/all.yaml"
    [ "${lines[2]}" = "configmap/cm unchanged" ]
    sed -i 's/k: v, "multi"/k: w, "multi"/' "$T/all.yaml"
    mkdir "$T/folder"
    mv "$T/all.yaml" "$T/folder/all.yaml"
    run -0 "$CSTASH" apply -f "$T/folder" --dry-run=server
    [ "${lines[2]}" = "configmap/cm configured (server dry run)" ]
    run -0 "$CSTASH" apply -f "$T/folder"
    [ "${lines[2]}" = "configmap/cm configured" ]
    [ "$(kubectl get cm -n demo cm -o 'jsonpath={.data.k}')" = w ]
}

@test "apply tries everything and names what failed" {
    cat >"$T/bad.yaml" <<'DATA'
apiVersion: v1
kind: Pod
metadata: {name: one}
spec: {containers: [{name: a}]}
---
apiVersion: nowhere.example.com/v1
kind: Thing
metadata: {name: two}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: three}
data: {k: "1"}
DATA
    run -1 "$CSTASH" apply -f "$T/bad.yaml"
    grep -q "error when applying \"$T/bad.yaml\": pod/one" <<<"$output"
    grep -q 'Thing/two: no matches for kind "Thing" in version "nowhere.example.com/v1"' <<<"$output"
    grep -qx 'configmap/three created' <<<"$output"
    run -1 "$CSTASH" apply -f "$T/bad.yaml" -f "$T/none.yaml"
    grep -q "$T/none.yaml" <<<"$output"
}

@test "apply explains who owns a field" {
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {k: a}\n' >"$T/cm.yaml"
    kubectl apply -f "$T/cm.yaml"
    sed -i 's/k: a/k: b/' "$T/cm.yaml"
    run -1 "$CSTASH" apply -f "$T/cm.yaml"
    grep -q 'conflict with "kubectl-client-side-apply"' <<<"$output"
    grep -q -- '--force-conflicts' <<<"$output"
    run -0 "$CSTASH" apply -f "$T/cm.yaml" --force-conflicts
    [ "$output" = "configmap/cm configured" ]
}

@test "apply waits for the types that come with the same file" {
    cat >"$T/crd.yaml" <<'DATA'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.test.example.com}
spec:
  group: test.example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: test.example.com/v1
kind: Widget
metadata: {name: one}
DATA
    run -0 "$CSTASH" apply -f "$T/crd.yaml"
    [ "${lines[1]}" = "widget.test.example.com/one created" ]
    same get wd
}

@test "get prints as kubectl" {
    "$CSTASH" apply -f "$T/all.yaml"
    sleep 1 # the operator looks at the repository
    same get ns
    same get cm,secret,repo,cronjob -n demo
    same get cronjob -n demo -o wide
    same get cm -A
    same get repo -n demo --show-labels
    same get pods,cm -A --no-headers
    same get stash -n demo
    same get all -n demo
    same get bc -n demo
    same get bc -A
    same get nodes
    same get cm cm nothing -n demo
    same get cm/cm secret/sec -n demo
    same get cm,secret -n demo -o name
    same get cm cm -n demo -o yaml
    same get cm cm -n demo -o json
    same get cm,secret -n demo -o yaml
    same get cm -n demo -l a=b -ojson
    same get cm -n demo -l 'a!=b'
    same get bc -n demo -o yaml
    same get cm -n demo -o 'jsonpath={range .items[*]}{.metadata.name}:{.data.k}{"\n"}{end}'
    same get nothing
    same get foo/bar
    same get cm x -A
    same get cm x --ignore-not-found
    same get -f "$T/all.yaml"
    same get repository.stash.appscode.com/repo -n=demo
    same get cm --field-selector metadata.name=cm -n demo
}

@test "describe prints as kubectl" {
    "$CSTASH" apply -f "$T/all.yaml"
    sleep 1
    same describe repo repo -n demo
    same describe repo -n demo
    same describe cm nothing -n demo
}

@test "get -w prints rows as they change" {
    "$CSTASH" apply -f "$T/all.yaml"
    "$CSTASH" get cronjob -n demo -w >"$T/w.out" 3>&- &
    PIDS+=("$!")
    for _ in $(seq 100); do
        [ "$(wc -l <"$T/w.out")" -ge 2 ] && break
        sleep 0.05
    done
    kubectl patch cronjob nightly -n demo --type merge -p '{"spec":{"schedule":"1 1 * * *"}}'
    kubectl delete cronjob nightly -n demo
    for _ in $(seq 100); do
        [ "$(wc -l <"$T/w.out")" -ge 4 ] && break
        sleep 0.05
    done
    [ "$(grep -c ^NAME "$T/w.out")" = 1 ]
    grep -q '^nightly   1 1' "$T/w.out"
}

@test "wait and delete print as kubectl" {
    "$CSTASH" apply -f "$T/all.yaml"
    same wait cm/cm --for=condition=Ready --timeout=1s -n demo
    same wait cm/cm --for=jsonpath='{.data.k}'=v --timeout=1s -n demo
    same wait cm/cm --for=jsonpath='{.data.k}' -n demo
    same wait cm/none --for=delete --timeout=1s -n demo
    same wait cm/none --for=condition=Ready --timeout=1s -n demo
    same wait bc --all --for=condition=Ready --timeout=1s -n demo
    same delete cm nothing -n demo
    same delete cm nothing -n demo --ignore-not-found
    same delete cm cm -n demo --dry-run=server
    same delete bc --all -n demo
    same delete cm -n demo
    run -0 "$CSTASH" delete cm,secret -n demo -l a=b
    [ "$output" = 'configmap "cm" deleted' ]
    printf 'kind: List\napiVersion: v1\nitems:\n' >"$T/some.yaml"
    for name in cm sec; do
        printf -- '- {apiVersion: v1, kind: Secret, metadata: {name: %s}}\n' "$name" >>"$T/some.yaml"
    done
    run -1 "$CSTASH" delete -n demo -f "$T/some.yaml"
    grep -qx 'secret "sec" deleted' <<<"$output"
    grep -q 'secrets "cm" not found' <<<"$output"
    "$CSTASH" wait -n demo cronjob/nightly --for=delete --timeout=20s >"$T/wait.out" 3>&- &
    PIDS+=("$!")
    sleep 0.5
    run -0 "$CSTASH" delete cronjob nightly -n demo
    [ "$output" = 'cronjob.batch "nightly" deleted' ]
    wait "${PIDS[-1]}"
    grep -qx 'cronjob.batch/nightly condition met' "$T/wait.out"
}

@test "logs print as kubectl" {
    cat >"$T/pod.yaml" <<'DATA'
apiVersion: v1
kind: Pod
metadata: {name: p1, labels: {app: x}}
spec: {nodeName: nowhere, initContainers: [{name: i, image: x}], containers: [{name: a, image: x}, {name: b, image: x}]}
DATA
    "$CSTASH" apply -f "$T/pod.yaml"
    same logs p1
    same logs p1 -c a
    run -1 "$CSTASH" logs p1 --all-containers # kubectl asks for them in any order, and names the first
    [ "$output" = 'Error from server (BadRequest): container "i" in pod "p1" is waiting to start' ]
    same logs -l app=none
    run -1 "$CSTASH" logs nope
    grep -q 'pods "nope" not found' <<<"$output"
}

@test "the kubeconfig of cstash up is found by itself" {
    unset KUBECONFIG
    run -1 "$CSTASH" get ns
    mkdir -p "$T/.local/state"
    ln -s "$T/state" "$T/.local/state/cstash"
    run -0 "$CSTASH" get ns default -o name
    [ "$output" = namespace/default ]
    run -0 env XDG_STATE_HOME="$T/.local/state" "$CSTASH" get ns default -o name
}
