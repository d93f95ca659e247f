# SPDX-License-Identifier: Apache-2.0
# What somebody with rights in one namespace gets of the operator, of other namespaces, and of the machine: nothing.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3
    setup_folder
    start_up --pushgateway-listen ""
    k create namespace tenant >/dev/null
}

teardown() {
    kill "$(cat "$T/bucket.pid" 2>/dev/null)" 2>/dev/null || true
    stop_up
}

ID=7f83b1657ff1fc53b92dc18148a1d65dfa7e5ef4f2c7a0a2b6b6a2ad8a1d3f00

bucket() { # bucket KEY...: a server of the tenant, at http://127.0.0.1:$BUCKET
    "$ROOT/tests/harness/bucketserver.py" "$T/bucket" "$@" >"$T/bucket.port" 2>"$T/bucket.err" 3>&- &
    echo $! >"$T/bucket.pid"
    for _ in $(seq 200); do [ -s "$T/bucket.port" ] && break; sleep 0.05; done
    BUCKET=$(cat "$T/bucket.port")
    touch "$T/bucket"
}

secret() { # secret NAME KEY=VALUE...
    local name=$1
    shift
    k create secret generic "$name" -n tenant --from-literal RESTIC_PASSWORD=secret "${@/#/--from-literal=}" >/dev/null
}

wiped_at() { # wiped_at 'backend block': a Repository whose data shall go with it
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: repo, namespace: tenant}
spec: {wipeOut: true, backend: {storageSecretName: store, $1}}
YAML
    until_is tenant repo/repo '{.metadata.finalizers[0]}' stash
}

@test "wipeOut: a Job in the namespace, with the Secret's keys, under an account that goes with it" {
    bucket p/config "p/keys/$ID" "p/data/${ID:0:2}/$ID" other/config
    secret store AWS_ACCESS_KEY_ID=TENANTSKEY AWS_SECRET_ACCESS_KEY=x
    wiped_at "s3: {endpoint: 'http://127.0.0.1:$BUCKET', bucket: b, prefix: p}"
    k delete -n tenant repo repo --timeout=60s
    [ "$(cat "$T/bucket.keys")" = other/config ]
    [ "$(grep -c 'DELETE.*TENANTSKEY' "$T/bucket")" = 3 ]
    k get -n tenant events -o jsonpath='{.items[*].reason}' | grep -q BackendWiped
    k get -n tenant events -o jsonpath='{.items[?(@.involvedObject.kind=="Job")].involvedObject.name}' | grep -q stash-wipe-repo-
    for kind in jobs serviceaccounts roles rolebindings; do
        k wait -n tenant --for=delete "$kind" -l app.kubernetes.io/component=stash-wipe --timeout=30s
    done
}

@test "wipeOut: a deletion in the foreground, which begins with what belongs to the Repository" {
    bucket p/config
    secret store AWS_ACCESS_KEY_ID=TENANTSKEY AWS_SECRET_ACCESS_KEY=x
    wiped_at "s3: {endpoint: 'http://127.0.0.1:$BUCKET', bucket: b, prefix: p}"
    k delete -n tenant repo repo --cascade=foreground --timeout=60s
    [ -e "$T/bucket.keys" ] && [ ! -s "$T/bucket.keys" ]
}

@test "wipeOut that fails is told, tried again, and can be taken back" {
    bucket p/config
    touch "$T/bucket.deny"
    secret store AWS_ACCESS_KEY_ID=TENANTSKEY AWS_SECRET_ACCESS_KEY=x
    wiped_at "s3: {endpoint: 'http://127.0.0.1:$BUCKET', bucket: b, prefix: p}"
    k delete -n tenant repo repo --wait=false
    until_is tenant repo/repo '{.status.conditions[?(@.type=="BackendWiped")].reason}' WipeOutFailed
    condition tenant repo/repo BackendWiped | grep -q 'False .*the data are not deleted: .*no such right'
    until_is tenant events '{.items[?(@.reason=="CleanupFailed")].involvedObject.name}' repo
    rm "$T/bucket.deny"
    k wait -n tenant --for=delete repo/repo --timeout=60s # by the next attempt
    [ ! -s "$T/bucket.keys" ]
}

@test "wipeOut that was taken back: the Repository goes at once, and the data stay" {
    bucket p/config
    touch "$T/bucket.deny"
    secret store AWS_ACCESS_KEY_ID=TENANTSKEY AWS_SECRET_ACCESS_KEY=x
    wiped_at "s3: {endpoint: 'http://127.0.0.1:$BUCKET', bucket: b, prefix: p}"
    k delete -n tenant repo repo --wait=false
    until_is tenant repo/repo '{.status.conditions[?(@.type=="BackendWiped")].reason}' WipeOutFailed
    k patch -n tenant repo repo --type merge -p '{"spec":{"wipeOut":false}}'
    k wait -n tenant --for=delete repo/repo --timeout=30s
    [ ! -e "$T/bucket.keys" ]
}

@test "wipeOut without the Secret, and in a namespace that goes too" {
    wiped_at "s3: {endpoint: 'http://127.0.0.1:1', bucket: b, prefix: p}"
    k delete -n tenant repo repo --wait=false
    until_is tenant repo/repo '{.status.conditions[?(@.type=="BackendWiped")].reason}' WipeOutFailed
    condition tenant repo/repo BackendWiped | grep -q 'could not read the storage Secret tenant/store'
    k delete namespace tenant --timeout=60s
    grep -q 'Repository tenant/repo goes.*no Job can begin in it' "$T/up.log"
}

@test "a Secret that names files and services of the machine: nothing of them leaves it" {
    bucket
    echo -n OPERATORS-TOKEN >"$T/token"
    secret store AWS_ROLE_ARN=arn:aws:iam::1:role/x "AWS_WEB_IDENTITY_TOKEN_FILE=$T/token" \
        "AWS_ENDPOINT_URL_STS=http://127.0.0.1:$BUCKET/sts" "AWS_SHARED_CREDENTIALS_FILE=$T/token" \
        "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:$BUCKET/credentials" \
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$T/token" "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$BUCKET"
    wiped_at "s3: {endpoint: 'http://127.0.0.1:$BUCKET', bucket: b, prefix: p}"
    k delete -n tenant repo repo --wait=false
    until_is tenant repo/repo '{.status.conditions[?(@.type=="BackendWiped")].reason}' WipeOutFailed
    condition tenant repo/repo BackendWiped | grep -q 'there are no credentials for S3'
    [ ! -s "$T/bucket" ]
}

# ---- other namespaces ----

# shared [from]: a Repository "shared" of the namespace owner, and an AppBinding of the tenant
shared() {
    k get namespace owner >/dev/null 2>&1 || k create namespace owner >/dev/null
    cat <<YAML | k apply -f - >/dev/null
apiVersion: v1
kind: Secret
metadata: {name: store, namespace: owner}
stringData: {RESTIC_PASSWORD: x}
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: shared, namespace: owner}
spec:
  usagePolicy: {allowedNamespaces: {from: ${1:-All}}}
  backend: {storageSecretName: store, local: {mountPath: /safe, hostPath: {path: $T/shared}}}
YAML
    binding_at tenant redis redis://127.0.0.1:1
}

rights_in() { k get roles,rolebindings -n "$1" -o name; } # rights_in NAMESPACE

@test "usagePolicy that is taken back takes the rights back" {
    shared
    config tenant bc 'repository: {name: shared, namespace: owner}'
    phase tenant bc/bc Ready
    session tenant one bc
    phase tenant backupsession/one Failed 60 # there is no Redis
    [ "$(rights_in owner | wc -l)" = 2 ]
    shared Same
    phase tenant bc/bc Invalid
    [ -z "$(rights_in owner)" ]
    session tenant two bc
    phase tenant backupsession/two Skipped
    [ -z "$(rights_in owner)" ]
}

@test "a configuration that goes to another Repository leaves no rights at the old one" {
    shared
    config tenant bc 'repository: {name: shared, namespace: owner}'
    phase tenant bc/bc Ready
    session tenant one bc
    phase tenant backupsession/one Failed 60
    [ "$(rights_in owner | wc -l)" = 2 ]
    config tenant bc 'repository: {name: none}'
    phase tenant bc/bc NotReady
    [ -z "$(rights_in owner)" ]
}

@test "a restore that is over keeps no rights; one that may not begin gets none" {
    shared
    restore tenant back 'repository: {name: shared, namespace: owner}' 'rules: [{snapshots: [latest]}]'
    phase tenant restoresession/back Failed 60
    until_is owner rolebindings '{.items}' '[]'
    shared Same
    restore tenant again 'repository: {name: shared, namespace: owner}' 'rules: [{snapshots: [latest]}]'
    phase tenant restoresession/again Invalid
    [ -z "$(rights_in owner)" ]
}

@test "names of two namespaces that look alike when joined are kept apart" {
    shared
    k create namespace tenant-backupconfiguration-a >/dev/null
    k get appbinding redis -n tenant -o json | python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "other", "namespace": "tenant-backupconfiguration-a"}; print(json.dumps(o))' | k create -f - >/dev/null
    config tenant a-backupconfiguration-b 'repository: {name: shared, namespace: owner}'
    config tenant-backupconfiguration-a b 'repository: {name: shared, namespace: owner}' \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: other}}'
    phase tenant bc/a-backupconfiguration-b Ready
    session tenant one a-backupconfiguration-b
    phase tenant backupsession/one Failed 60
    phase tenant-backupconfiguration-a bc/b Ready
    session tenant-backupconfiguration-a one b
    phase tenant-backupconfiguration-a backupsession/one Failed 60
    [ "$(k get rolebindings -n owner -o jsonpath='{.items[*].subjects[0].namespace}' | wc -w)" = 2 ]
}

found() { # found NAME 'ref': the condition of a configuration with this target
    config tenant "$1" "target: {ref: $2}"
    until_is tenant "bc/$1" '{.status.observedGeneration}' 1
    condition tenant "bc/$1" BackupTargetFound | sed "s/is-there/X/g; s/is-not/X/g"
}

@test "a target elsewhere, or of a kind that is none, does not tell what exists" {
    shared
    secret store
    k create secret generic is-there -n owner >/dev/null
    k create secret generic is-there -n tenant >/dev/null
    k get appbinding redis -n tenant -o json | sed 's/"redis"/"is-there"/; s/"namespace": "tenant"/"namespace": "owner"/' |
        python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "is-there", "namespace": "owner"}; print(json.dumps(o))' |
        k create -f - >/dev/null
    for ref in 'apiVersion: v1, kind: Secret, namespace: owner' 'apiVersion: v1, kind: Secret' \
        'apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, namespace: owner' \
        'apiVersion: apps/v1, kind: Deployment, namespace: owner' \
        'apiVersion: stash.appscode.com/v1alpha1/namespaces/owner, kind: Repository'; do
        yes=$(found look-is-there "{$ref, name: is-there}")
        no=$(found look-is-not "{$ref, name: is-not}")
        echo "$ref: $yes | $no"
        [ "$yes" = "$no" ]
        [[ "$yes" == False* ]]
        k delete -n tenant bc look-is-there look-is-not >/dev/null
    done
}

@test "an AppBinding of another namespace, for an account that may read it" {
    shared
    secret store
    k create namespace apps >/dev/null
    k get appbinding redis -n tenant -o json |
        python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "redis", "namespace": "apps"}; print(json.dumps(o))' |
        k create -f - >/dev/null
    config tenant bc 'repository: {name: shared, namespace: owner}' \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis, namespace: apps}}'
    until_is tenant bc/bc '{.status.conditions[?(@.type=="BackupTargetFound")].reason}' TargetNotAllowed
    k create role reader -n apps --verb=get --resource=appbindings.appcatalog.appscode.com >/dev/null
    k create rolebinding reader -n apps --role=reader --serviceaccount=tenant:backupconfiguration-bc-0 >/dev/null
    phase tenant bc/bc Ready
    k delete rolebinding reader -n apps >/dev/null
    session tenant one bc
    phase tenant backupsession/one Failed
    host_error tenant backupsession/one | grep -q 'may not get AppBinding redis'
}

@test "only Jobs with hooks may run commands in pods, and no longer than that" {
    secret store
    shared
    bindings() { k get rolebindings -n tenant -o jsonpath='{.items[*].roleRef.name}'; }
    config tenant bc 'repository: {name: shared, namespace: owner}' 'hooks: {preBackup: {exec: {command: ["true"]}}}'
    phase tenant bc/bc Ready
    session tenant one bc
    phase tenant backupsession/one Failed 60
    [[ " $(bindings) " == *" stash-hook-job "* ]]
    k patch bc bc -n tenant --type json -p '[{"op": "remove", "path": "/spec/hooks"}]' >/dev/null
    session tenant two bc
    phase tenant backupsession/two Failed 60
    [[ " $(bindings) " != *" stash-hook-job "* ]]
    [[ " $(bindings) " == *" stash-backup-job "* ]]
}
