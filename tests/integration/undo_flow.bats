# SPDX-License-Identifier: Apache-2.0
# The copy that a restore takes of its target first, and the way back to it: from YAML, and by kubectl stash.

load ../harness/env.bash
load ../harness/plane.bash
load ../harness/cluster.bash

setup() {
    need kubectl curl python3 restic
    setup_folder
    export HOME=$T
    start_redis a
    start_up --pushgateway-listen ""
    world demo "$PORT_a"
    config demo bc
    mkdir "$T/bin"
    ln -s "$CSTASH" "$T/bin/kubectl-stash"
    PATH=$T/bin:$PATH
}

teardown() {
    stop_up
    end_all
}

backup() { # backup SESSION
    session demo "$1" bc
    phase demo "backupsession/$1" Succeeded
}
copy_of() { field demo "restoresession/$1" '{.status.stats[0].safetyCopy}'; }
stash_undo() { # of a RestoreSession; the name of the one that it makes
    kubectl stash undo -n demo "$1" | sed -n 's|^restoresessions.stash.appscode.com/\(.*\) created in demo$|\1|p'
}
copies() { "$CSTASH" snapshots -q --json -r "$T/repo-demo" --tag before-restore | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'; }

@test "a RestoreSession names the copy that it took; kubectl stash undo brings it back, and forward again" {
    local before after undo
    cli a mset k v l w >/dev/null
    backup one
    cli a mset k other m more >/dev/null
    before=$(digest a)
    restore demo back
    phase demo restoresession/back Succeeded
    after=$(digest a)
    [ "$after" != "$before" ]
    [[ "$(copy_of back)" =~ ^[0-9a-f]{64}$ ]]
    k get -n demo events | grep -q 'Normal *SafetyCopyTaken.*kubectl stash undo back -n demo'
    undo=$(stash_undo back)
    phase demo "restoresession/$undo" Succeeded
    [ "$(digest a)" = "$before" ]
    [ "$(field demo "restoresession/$undo" '{.metadata.annotations.cstash\.io/undo}')" = true ]
    undo=$(stash_undo "$undo")
    phase demo "restoresession/$undo" Succeeded
    [ "$(digest a)" = "$after" ]
    # the copies are no backups: latest, counts and retention pass over them, and they are marked
    cli a mset k third >/dev/null
    restore demo again
    phase demo restoresession/again Succeeded
    [ "$(cli a get k)" = v ]
    [ "$(copies)" = 4 ]
    k patch -n demo bc/bc --type merge -p '{"spec":{"retentionPolicy":{"name":"one","keepLast":1,"prune":true}}}' >/dev/null
    backup two
    [ "$(copies)" = 4 ]
    [ "$(field demo repo/repo '{.status.snapshotCount}')" = 1 ]
    [ "$(k get -n demo snapshots -l cstash.io/before-restore=true -o name | wc -l)" = 4 ]
    [ "$(k get -n demo snapshots -l '!cstash.io/before-restore' -o name | wc -l)" = 1 ]
    k delete -n demo --wait=false "$(k get -n demo snapshots -l cstash.io/before-restore=true -o name | head -n 1)" >/dev/null
    for _ in $(seq 300); do [ "$(copies)" = 3 ] && break; sleep 0.1; done
    [ "$(copies)" = 3 ]
}

@test "an empty target needs none, an annotation skips it, and both are told; a wrong one is refused" {
    cli a set k v >/dev/null
    backup one
    cli a flushall >/dev/null
    restore demo empty
    phase demo restoresession/empty Succeeded
    [ -z "$(copy_of empty)" ]
    run kubectl stash undo -n demo empty
    says 1 "RestoreSession demo/empty (Succeeded) has no copy" "cstash.io/safety-copy"
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: skip, namespace: demo, annotations: {cstash.io/safety-copy: skip}}
spec:
  task: {name: redis-restore-7.0.5}
  repository: {name: repo}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
---
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: wrong, namespace: demo, annotations: {cstash.io/safety-copy: "no"}}
spec:
  task: {name: redis-restore-7.0.5}
  repository: {name: repo}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
YAML
    phase demo restoresession/skip Succeeded
    [ -z "$(copy_of skip)" ]
    [ "$(copies)" = 0 ]
    k get -n demo events | grep -q 'Warning *SafetyCopySkipped'
    phase demo restoresession/wrong Invalid
}

@test "no copy, no restore: what cannot be copied whole stays as it is; a failed restore names its copy" {
    local before
    cli a eval 'for i = 1, 20 do redis.call("SET", "k" .. i, i) redis.call("RPUSH", "l" .. i, i) end' 0 >/dev/null
    backup one
    cli a flushall >/dev/null
    cli a mset k1 mine here 1 >/dev/null
    before=$(digest a)
    cli a acl setuser default -psync -scan >/dev/null
    restore demo denied
    phase demo restoresession/denied Failed
    [[ "$(host_error demo restoresession/denied)" == *"nothing was written: no copy could be taken of "*", which holds 2 keys"* ]]
    cli a acl setuser default +@all >/dev/null
    [ "$(digest a)" = "$before" ]
    # a server that takes a part of it, and no more: the restore fails in its middle
    cli a acl setuser default resetkeys '~k*' >/dev/null
    restore demo broken
    phase demo restoresession/broken Failed
    [[ "$(copy_of broken)" =~ ^[0-9a-f]{64}$ ]]
    cli a acl setuser default allkeys >/dev/null
    phase demo "restoresession/$(stash_undo broken)" Succeeded
    [ "$(digest a)" = "$before" ]
}

@test "a cluster is copied and brought back too, from YAML and by hand" {
    local before after
    start_cluster c 3 0
    binding_at demo redis "redis-cluster://127.0.0.1:$PORT_c1"
    for i in $(seq 50); do redis-cli -c -p "$PORT_c1" set "k$i" "v$i" >/dev/null; done
    backup one
    for i in $(seq 40 90); do redis-cli -c -p "$PORT_c1" set "k$i" "other$i" >/dev/null; done
    before=$(digest c)
    restore demo back
    phase demo restoresession/back Succeeded
    after=$(digest c)
    [ "$after" != "$before" ]
    phase demo "restoresession/$(stash_undo back)" Succeeded
    [ "$(digest c)" = "$before" ]
    export RESTIC_REPOSITORY=$T/hand
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_c"
    each_node c flushall >/dev/null
    redis-cli -c -p "$PORT_c1" set only 1 >/dev/null
    before=$(digest c)
    "$CSTASH" restore -q --redis "redis://127.0.0.1:$PORT_c2" --yes latest </dev/null
    [ "$(digest c)" != "$before" ]
    "$CSTASH" undo -q --to "redis://127.0.0.1:$PORT_c3" --yes </dev/null
    [ "$(digest c)" = "$before" ]
}

@test "the copy goes into the target's own Repository, or the one that an annotation names, and comes back from there" {
    local before to='target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: staging}}'
    cli a set k v >/dev/null
    backup one
    start_redis b
    cli b mset k staging own 1 >/dev/null
    before=$(digest b)
    binding_at demo staging "$URL_b"
    for name in own named; do
        cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: $name, namespace: demo}
spec: {backend: {storageSecretName: repo-secret, local: {mountPath: /$name, hostPath: {path: $T/$name}}}}
YAML
    done
    config demo staging "$to" 'repository: {name: own}'
    restore demo back "$to"
    phase demo restoresession/back Succeeded
    [ "$(cli b get k)" = v ]
    [ "$(field demo restoresession/back '{.status.stats[0].safetyCopyRepository}')" = own ]
    k get -n demo events | grep -q 'SafetyCopyTaken.* of Repository own holds'
    [ "$(copies)" = 0 ]
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: ask, namespace: demo, annotations: {cstash.io/undo: "true", cstash.io/plan: "true"}}
spec:
  repository: {name: repo}
  task: {name: redis-restore-7.0.5}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: staging}, rules: [{snapshots: [$(copy_of back)]}]}
YAML
    phase demo restoresession/ask Planned
    [[ "$(condition demo restoresession/ask RestorePossible)" == True* ]]
    phase demo "restoresession/$(stash_undo back)" Succeeded
    [ "$(digest b)" = "$before" ]
    k annotate -n demo --overwrite --local -f - cstash.io/safety-repository=named -o yaml <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: elsewhere, namespace: demo}
spec: {repository: {name: repo}, task: {name: redis-restore-7.0.5}, $to}
YAML
    phase demo restoresession/elsewhere Succeeded
    [ "$(field demo restoresession/elsewhere '{.status.stats[0].safetyCopyRepository}')" = named ]
    [ "$("$CSTASH" snapshots -q --json -r "$T/named" --tag before-restore | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 1 ]
    # a place that cannot be opened: nothing is written
    before=$(digest b)
    rm -r "$T/own"
    echo not a folder >"$T/own"
    cli a set k changed >/dev/null
    restore demo lost "$to"
    phase demo restoresession/lost Failed
    [[ "$(host_error demo restoresession/lost)" == *"could not open Repository demo/own, which takes the copy of the target"*"nothing was written"* ]]
    [ "$(digest b)" = "$before" ]
}
