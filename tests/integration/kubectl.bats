# SPDX-License-Identifier: Apache-2.0
# The embedded control plane, judged by the real kubectl.

load ../harness/env.bash

setup() {
    need kubectl python3
    setup_folder
    export KUBECONFIG=$T/state/kubeconfig HOME=$T
    start_plane
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
    subresources: {status: {}}
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size}
    - {name: Phase, type: string, jsonPath: .status.phase}
    schema:
      openAPIV3Schema:
        type: object
        description: A widget.
        properties:
          spec:
            type: object
            required: [size]
            x-kubernetes-validations:
            - {rule: "!has(self.low) || self.low <= self.size", message: low must not be above size}
            properties:
              size: {type: integer, maximum: 10, description: How large it is.}
              low: {type: integer}
              color: {type: string, enum: [red, green], default: red}
          status:
            type: object
            properties: {phase: {type: string}}
DATA
    cat >"$T/widget.yaml" <<'DATA'
apiVersion: test.example.com/v1
kind: Widget
metadata: {name: one, labels: {a: b}}
spec: {size: 3}
DATA
    cat >"$T/cron.yaml" <<'DATA'
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: a, image: "img:1", env: [{name: A, value: b}]}
DATA
}

teardown() {
    ! grep -A40 -E "Sanitizer|runtime error" "$T/up.out"
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

end_plane() { # end_plane SIGNAL
    local pid
    pid=$(cat "$T/up.pid")
    kill "-$1" "$pid"
    wait "$pid" || true
    rm -f "$T/up.pid"
}

k() { timeout 30 kubectl "$@"; }

works() { # works COMMAND...: its output is in $output
    run k "$@"
    [ "$status" = 0 ] || { echo "kubectl $*: $output"; return 1; }
}

refused() { # refused TEXT COMMAND...
    local text=$1
    shift
    run k "$@"
    [ "$status" != 0 ] && [[ "$output" == *"$text"* ]] || { echo "kubectl $*: $status: $output"; return 1; }
}

has() { [[ "$output" == *"$1"* ]] || { echo "no '$1' in: $output"; return 1; }; }

widgets() {
    works apply -f "$T/crd.yaml"
    works wait --for=condition=Established --timeout=10s crd/widgets.test.example.com
    works apply -f "$T/widget.yaml"
}

@test "everything on disk is its owner's, and a second process is told who is there" {
    [ "$(stat -c %a "$T/state")" = 700 ]
    [ -z "$(find "$T/state" -type f ! -perm 600)" ]
    run "$CSTASH" up --dir "$T/state" --listen 127.0.0.1:0
    [ "$status" = 11 ]
    has "already running as pid $(cat "$T/up.pid")"
}

@test "without the token nothing is told" {
    local server
    server=$(sed -n 's/ *server: //p' "$KUBECONFIG")
    run python3 - "$server" <<'DATA'
import ssl, sys, urllib.request, urllib.error
try:
    urllib.request.urlopen(sys.argv[1] + "/api/v1/secrets", context=ssl._create_unverified_context())
except urllib.error.HTTPError as e:
    print(e.code)
DATA
    [ "$output" = 401 ]
}

@test "version, health, discovery and rights" {
    works version
    has "Server Version"
    for path in /healthz /livez /readyz; do
        works get --raw "$path"
        [ "$output" = ok ]
    done
    works api-resources
    has "cronjobs"
    works api-versions
    has "apiextensions.k8s.io/v1"
    works auth can-i delete secrets
    [ "$output" = yes ]
    run k get secrets --as bob
    [ "$status" = 1 ]
    has "impersonation is not served"
    works auth whoami
    has "cstash"
}

@test "apply, get, patch, edit and delete what is built in" {
    works create configmap c --from-literal=a=1
    works get cm c -o 'jsonpath={.data.a}'
    [ "$output" = 1 ]
    works label cm c x=y
    works annotate cm c n=m
    works get cm -l x=y -o name
    [ "$output" = configmap/c ]
    works patch cm c -p '{"data":{"b":"2"}}'
    works get cm c
    has "c      2"
    EDITOR="sed -i /b:/s/2/5/" works edit cm c
    works get cm c -o 'jsonpath={.data.b}'
    [ "$output" = 5 ]
    works create secret generic s --from-literal=password=x
    works get secret s -o 'jsonpath={.type} {.data.password}'
    [ "$output" = "Opaque eA==" ]
    refused "already exists" create secret generic s
    refused 'namespaces "nope" not found' create cm x -n nope
    works get cm c -o yaml
    k get cm c -o yaml >"$T/c.yaml"
    works replace -f "$T/c.yaml"
    works delete cm c
    refused 'configmaps "c" not found' get cm c
}

# PROXY: the address of a way to the server that needs no token.
start_proxy() {
    local port
    port=$(free_port)
    PROXY=http://127.0.0.1:$port
    kubectl proxy --port "$port" >/dev/null 2>&1 3>&- &
    PIDS+=($!)
    until_true curl -fs "$PROXY/version" -o /dev/null
}

# post_protobuf FILE PATH: the answer, and its code on a line of its own
post_protobuf() { curl -s -w '\n%{http_code}\n' -H 'Content-Type: application/vnd.kubernetes.protobuf' --data-binary "@$1" "$PROXY/$2"; }

@test "a Secret in protobuf, as clients with the types of core objects send it; what is not known is 415" {
    local secrets=api/v1/namespaces/demo/secrets
    start_proxy
    kubectl create namespace demo
    post_protobuf "$ROOT/fuzz/corpus/protobuf/plain" "$secrets" >"$T/out"
    cat "$T/out"
    [ "$(tail -n 1 "$T/out")" = 201 ]
    [ "$(kubectl get secret -n demo repo -o 'jsonpath={.data.RESTIC_PASSWORD} {.type} {.metadata.labels.a}')" = 'cwD/ Opaque b' ]
    printf 'k8s\0\x0a\x0b\x0a\x02v1\x12\x05Scale\x12\0' >"$T/scale"
    post_protobuf "$T/scale" "$secrets" >"$T/out"
    grep -q 'Scale is not known in protobuf: send JSON' "$T/out"
    [ "$(tail -n 1 "$T/out")" = 415 ]
    printf 'k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x02\x78\x01' >"$T/field"
    post_protobuf "$T/field" "$secrets" >"$T/out"
    grep -q 'field 15 of Secret is not known in protobuf: send JSON' "$T/out"
    [ "$(tail -n 1 "$T/out")" = 415 ]
    printf 'k8s\0\x12\xff' >"$T/cut"
    [ "$(post_protobuf "$T/cut" "$secrets" | tail -n 1)" = 400 ]
}

@test "what kubectl 1.34 sends in protobuf makes the same objects as the same in JSON" {
    local name path
    start_proxy
    while read -r name path; do
        post_protobuf "$ROOT/fuzz/corpus/protobuf/kubectl-$name" "$path?dryRun=All" >"$T/out"
        [ "$(tail -n 1 "$T/out")" = 201 ] || { cat "$T/out"; return 1; }
        sed '$d' "$T/out" >"$T/from-protobuf.json"
        kubectl create -f "$ROOT/tests/golden/protobuf/kubectl-$name.json" --dry-run=server -o json >"$T/from-json.json"
        python3 - "$T/from-protobuf.json" "$T/from-json.json" <<'PY'
import json, sys

def known(path):
    def plain(j, path=""):
        if isinstance(j, dict):
            return {k: plain(v, path + "." + k) for k, v in j.items() if not k.endswith("controller-uid") and path + "." + k not in
                    (".metadata.uid", ".metadata.creationTimestamp", ".metadata.managedFields", ".metadata.resourceVersion")}
        return [plain(v, path) for v in j] if isinstance(j, list) else j
    return plain(json.load(open(path)))

a, b = map(known, sys.argv[1:])
if a != b:
    sys.exit(f"protobuf: {json.dumps(a, sort_keys=True)}\nJSON:     {json.dumps(b, sort_keys=True)}")
PY
    done <<'LIST'
role apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
clusterrole apis/rbac.authorization.k8s.io/v1/clusterroles
clusterrole-aggregated apis/rbac.authorization.k8s.io/v1/clusterroles
rolebinding apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
clusterrolebinding apis/rbac.authorization.k8s.io/v1/clusterrolebindings
job apis/batch/v1/namespaces/default/jobs
job-from apis/batch/v1/namespaces/default/jobs
cronjob apis/batch/v1/namespaces/default/cronjobs
service api/v1/namespaces/default/services
service-external api/v1/namespaces/default/services
configmap api/v1/namespaces/default/configmaps
secret api/v1/namespaces/default/secrets
serviceaccount api/v1/namespaces/default/serviceaccounts
namespace api/v1/namespaces
LIST
    while read -r name path want; do
        post_protobuf "$ROOT/fuzz/corpus/protobuf/kubectl-$name" "$path" >"$T/out"
        [ "$(tail -n 1 "$T/out")" = 201 ] && grep -q "$want" "$T/out" || { cat "$T/out"; return 1; }
    done <<'LIST'
can-i apis/authorization.k8s.io/v1/selfsubjectaccessreviews "allowed":true
can-i-url apis/authorization.k8s.io/v1/selfsubjectaccessreviews "allowed":true
rules apis/authorization.k8s.io/v1/selfsubjectrulesreviews "resourceRules":
whoami apis/authentication.k8s.io/v1/selfsubjectreviews "username":"cstash"
LIST
}

@test "a cron job, a job from it, and what describe says" {
    works apply -f "$T/cron.yaml"
    works apply -f "$T/cron.yaml"
    has unchanged
    sed -i s/img:1/img:2/ "$T/cron.yaml"
    works apply -f "$T/cron.yaml"
    has configured
    works get cj nightly -o wide
    has "0 3 * * *"
    has img:2
    works create job now --from=cronjob/nightly
    works get job now
    has 0/1
    works create -f - <<DATA
apiVersion: v1
kind: Event
metadata: {name: now.1, namespace: default}
involvedObject: {apiVersion: batch/v1, kind: Job, name: now, namespace: default, uid: $(k get job now -o 'jsonpath={.metadata.uid}')}
reason: Started
message: it begins
type: Normal
DATA
    works describe job now
    has "it begins"
    sed -i 's/restartPolicy: Never/restartPolicy: Always/' "$T/cron.yaml"
    refused 'supported values: "OnFailure", "Never"' apply -f "$T/cron.yaml"
}

@test "custom resources: columns, defaults, schemas, rules, status, explain" {
    widgets
    works get wd
    has "NAME   SIZE   PHASE"
    has "one    3"
    works get wd one -o 'jsonpath={.spec.color} {.metadata.generation}'
    [ "$output" = "red 1" ]
    refused "less than or equal to 10" patch wd one --type=merge -p '{"spec":{"size":11}}'
    refused 'Unsupported value: "blue"' patch wd one --type=merge -p '{"spec":{"color":"blue"}}'
    refused "low must not be above size" patch wd one --type=merge -p '{"spec":{"low":5}}'
    sed 's/size: 3/size: 3, bogus: 1/' "$T/widget.yaml" >"$T/bogus.yaml"
    refused 'unknown field "spec.bogus"' apply -f "$T/bogus.yaml"
    works apply --validate=warn -f "$T/bogus.yaml"
    has 'unknown field "spec.bogus"'
    works patch wd one --subresource=status --type=merge -p '{"spec":{"size":1},"status":{"phase":"Good"}}'
    works get wd one
    has "3      Good"
    works explain widget.spec.size
    has "How large it is."
    sed -i 's/self.low <= /self.low <=/; s/rule: "!has/rule: "!!nope(1) || !has/' "$T/crd.yaml"
    refused "undeclared function" apply -f "$T/crd.yaml"
    works delete crd widgets.test.example.com
    refused "the server could not find the requested resource" get --raw /apis/test.example.com/v1/widgets
}

@test "server-side apply: owners, conflicts, force, fields that go" {
    widgets
    works create cm c --from-literal=a=1
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: "2", b: "3"}\n' >"$T/c.yaml"
    refused 'conflict with "kubectl-create" using v1: .data.a' apply --server-side -f "$T/c.yaml"
    works apply --server-side --force-conflicts -f "$T/c.yaml"
    sed -i 's/, b: "3"//' "$T/c.yaml"
    works apply --server-side -f "$T/c.yaml"
    works get cm c -o 'jsonpath={.data}'
    [ "$output" = '{"a":"2"}' ]
    works apply --server-side --field-manager=two -f "$T/c.yaml"
    works get cm c --show-managed-fields -o 'jsonpath={.metadata.managedFields[*].manager}'
    [ "$output" = "kubectl two" ]
    works apply --server-side -f - <<<'{"apiVersion":"test.example.com/v1","kind":"Widget","metadata":{"name":"two"},"spec":{"size":5}}'
    works get wd two -o 'jsonpath={.spec}'
    [ "$output" = '{"color":"red","size":5}' ]
}

@test "watch and wait" {
    works create cm c --from-literal=a=1
    timeout 10 kubectl get cm -w >"$T/watch.out" 2>&1 3>&- &
    echo $! >"$T/watch.pid"
    timeout 20 kubectl wait --for='jsonpath={.data.a}=2' --timeout=15s cm/c >"$T/wait.out" 2>&1 3>&- &
    local waiter=$!
    until grep -q ^c "$T/watch.out"; do sleep 0.1; done
    works patch cm c -p '{"data":{"a":"2","b":"3"}}'
    wait "$waiter"
    grep -q "condition met" "$T/wait.out"
    for _ in $(seq 50); do
        [ "$(grep -c '^c ' "$T/watch.out")" = 2 ] && break
        sleep 0.1
    done
    grep -q '^c  *2 ' "$T/watch.out"
    works delete cm c
    works wait --for=delete --timeout=5s cm/c
    end_plane TERM # ends at once though somebody watches
}

@test "finalizers, logs, pages, raw" {
    works create cm c
    works patch cm c --type=json -p '[{"op":"add","path":"/metadata/finalizers","value":["a/b"]}]'
    works delete cm c --wait=false
    works get cm c -o 'jsonpath={.metadata.deletionTimestamp}'
    [ -n "$output" ]
    works patch cm c --type=merge -p '{"metadata":{"finalizers":null}}'
    refused "not found" get cm c
    works apply -f - <<<'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"i"}]}}'
    refused "waiting to start" logs p
    local dir
    dir=$T/state/pods/$(k get pod p -o 'jsonpath={.metadata.uid}')
    mkdir -p "$dir"
    printf '2026-01-01T00:00:00Z one\n2026-01-01T00:00:01Z two\n' >"$dir/a.log"
    works logs p
    [ "$output" = $'one\ntwo' ]
    works logs p --tail=1 --timestamps
    [ "$output" = "2026-01-01T00:00:01Z two" ]
    refused "previous terminated container" logs p --previous
    (sleep 1; echo "2026-01-01T00:00:02Z three" >>"$dir/a.log"
     k patch pod p --subresource=status -p '{"status":{"phase":"Succeeded"}}') >/dev/null 3>&- &
    works logs -f p
    [ "$output" = $'one\ntwo\nthree' ]
    for i in 1 2 3 4 5; do k create cm "n$i" >/dev/null; done
    works get cm --chunk-size=2 -o name
    [ "$(wc -l <<<"$output")" = 5 ]
}

@test "what was acknowledged survives kill -9" {
    widgets
    works create cm kept --from-literal=a=1
    end_plane KILL
    rm "$T/up.out"
    start_plane
    works get cm kept -o 'jsonpath={.data.a}'
    [ "$output" = 1 ]
    works get wd one -o 'jsonpath={.spec.size}'
    [ "$output" = 3 ]
}

@test "jsonpath: what cstash get prints is what kubectl prints" {
    cat >"$T/shelf.yaml" <<'DATA'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shelves.x.example}
spec:
  group: x.example
  scope: Namespaced
  names: {plural: shelves, singular: shelf, kind: Shelf}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: x.example/v1
kind: Shelf
metadata: {name: one, labels: {a.b/c: dot}}
spec:
  books:
  - {title: Ash, price: 20, num: 1, sold: true, tags: [x, z], by: Ash}
  - {title: Birch, price: 5, num: 2, sold: false, tags: [], by: Fir}
  - {title: "Ce dar", num: 3, price: 1000000, none: null}
  - {title: Elm, num: 4, price: 7}
  words: [a, b, c, d, e]
  empty: []
  float: 19.95
  tiny: 0.00001
  huge: 12345678.5
  whole: 100000.0
  quote: 'it''s '
DATA
    sed '/^---/,$d' "$T/shelf.yaml" | kubectl apply -f -
    kubectl wait --for=condition=Established crd/shelves.x.example --timeout=30s
    sed '1,/^---/d' "$T/shelf.yaml" | kubectl apply -f -
    cat >"$T/table" <<'DATA'
{.spec.tiny} {.spec.huge} {.spec.whole} {.spec.float}
{.spec.books[0].title}
{.spec.books[-1].title}
{.spec.words[0:2]}
{.spec.words[1:]}
{.spec.words[:2]}
{.spec.words[:]}
{.spec.words[::2]}
{.spec.words[1:5:2]}
{.spec.words[-2:]}
{.spec.words[:-3]}
{.spec.words[-3:-1]}
{.spec.words[-1:]}
{.spec.words[2:2]}
{.spec.words[0:5]}
{.spec.words[0:6]}
{.spec.words[5]}
{.spec.words[7]}
{.spec.words[-6]}
{.spec.words[3:1]}
{.spec.words[0:2:0]}
{.spec.words[0:2:-1]}
{.spec.words[x]}
{.spec.words[0:1:1:1]}
{.spec.words[]}
{.spec.words[*]}
{.spec.words.*}
{.spec.words}
{.spec.words[0,2]}
{.spec.words[0, -1]}
{.spec.words[0:2,4]}
{.spec.books[*]['title','num']}
{.spec.books[0]['title', 'price']}
{.spec['float','quote']}
{['kind']}
{.spec.books[?(@.num>2)].title}
{.spec.books[?(@.num>=2)].title}
{.spec.books[?(@.num<2)].title}
{.spec.books[?(@.num<=2)].title}
{.spec.books[?(@.num!=2)].title}
{.spec.books[?(@.num==2)].title}
{.spec.books[?( @.num == 2 )].title}
{.spec.books[?(@.title=="Birch")].num}
{.spec.books[?(@.title=='Ce dar')].num}
{.spec.books[?(@.title>"B")].title}
{.spec.books[?(@.title!="Ash")].title}
{.spec.books[?(@.title<='Birch')].title}
{.spec.books[?(@.sold==true)].title}
{.spec.books[?(@.sold!=true)].title}
{.spec.books[?(@.sold==false)].title}
{.spec.books[?(@.sold>false)].title}
{.spec.books[?(@.sold)].title}
{.spec.books[?(@.none)].title}
{.spec.books[?(@.tags[0]=="x")].title}
{.spec.books[?(@.title==@.by)].title}
{.spec.books[?(@.missing==1)].title}
{.spec.books[?(@.missing!=1)].title}
{.spec.books[?(@.num=="2")].title}
{.spec.books[?(@.tags)].tags[*]}
{.spec[?(@.num==1)]}
{.spec.words[?(@=="b")]}
{.spec.words[?(@!="b")]}
{.spec.words[?(@>"b")]}
{.spec.words[?(@=="a)b")]}
{..title}
{..num}
{..books[0].title}
{..books[*].title}
{.spec..title}
{..tags}
{..tags[*]}
{..missing}
{.spec.books[*].price}
{.spec.books[0].price}
{.spec.float}
{.spec.books[2].none}
{.spec.books[2]}
{.spec.books[1].tags}
{.spec.quote}
{.metadata.labels}
{.metadata.labels.a\.b/c}
{.metadata.labels['a\.b/c']}
{.missing}
{.missing.deep[0]}
{.missing[0]}
{.kind[0]}
{.spec[0]}
{.spec.empty}
{.spec.empty[0]}
{.spec.empty[*]}
{.spec.empty[0:]}
{ .kind }
{.kind }
{ .spec .float }
{$.kind}
{@.kind}
{1}{" "}{1.5}{" "}{true}{"x"}{'y'}
{"\n"}{"\t|"}{'\''}{"\""}{"a\u00e9"}
a{.kind}b{.spec.float}c
{range .spec.books[*]}{.title}{"\n"}{end}
{range .spec.books[*]}[{.title}, {.num}] {end}
{range .spec.books[?(@.num>2)]}{.title};{end}!
{range .spec.empty[*]}{.title}{end}after
{range .missing[*]}{.title}{"}"}{range .a}{end}{end}after
{range .spec.books[*]}{.title}:{range .tags[*]}{@},{end};{end}
{range .spec.words[*]}{@}{"{end}"}{ end }
{range .spec.books[0:2]}{$.title}{end}
{range .spec['words','empty']}{[0:1]}{end}
{end}
{hello}
{.a
{.spec.words[0}
{.spec.books[?(@.num==2}
{.spec.books[?(@.num==)]}
{.kind b}
{.kind}}
{.spec.words[+1]}
{.spec.books[*].tags[0]}
{.spec.books[0,1].title}
{.spec.books[0].num}-{.spec.books[0].sold}
DATA
    local path theirs ours bad=0
    while IFS= read -r path; do
        theirs=$(kubectl get shelf one -o "jsonpath=$path" 2>/dev/null && echo .) || theirs=refused
        ours=$("$CSTASH" get shelf one -o "jsonpath=$path" 2>/dev/null && echo .) || ours=refused
        [ "$theirs" = "$ours" ] || { echo "$path: kubectl has \"$theirs\", cstash \"$ours\""; bad=1; }
    done <"$T/table"
    [ "$bad" = 0 ]
}
