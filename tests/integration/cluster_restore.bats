# SPDX-License-Identifier: Apache-2.0
# Restores into clusters of real servers: routed by slot, whatever the shape that the backup has.

load ../harness/env.bash
load ../harness/cluster.bash
load ../harness/plane.bash

setup() {
    need redis-server redis-cli python3
    setup_folder
    "$CSTASH" init -q
}
teardown() {
    stop_up
    end_all
}

total() { local n=0 k; for k in $(each_node "$1" dbsize); do n=$((n + k)); done; echo "$n"; }
sum_of() { "$CSTASH" digest -q --redis "$1" --prefer master; }

@test "any shape into any shape: 3 to 3, 4, 1 and back, one server to 3; equal digests" {
    start_cluster a 3 0
    start_cluster b 3 0
    start_cluster c 4 0
    start_redis s
    fill_cluster a 4000
    local sum
    sum=$(sum_of "$URL_a")
    "$CSTASH" backup -q --redis "$URL_a" --target a
    for to in b c; do
        eval "url=\$URL_$to"
        run "$CSTASH" restore --yes --redis "$url" --target a latest
        says 0 "restored 4,000 keys" "are those of the backup; the cluster of redis://127.0.0.1" "holds its 4,000 keys"
        [ "$(sum_of "$url")" = "$sum" ]
        [ "$(total $to)" = 4000 ]
    done
    "$CSTASH" restore -q --yes --redis "$URL_s" --target a latest
    [ "$(sum_of "$URL_s")" = "$sum" ]
    # Back: from one server, in the other format, by several seeds, read back.
    "$CSTASH" backup -q --redis "$URL_s" --format restore --target s
    each_node b flushall >/dev/null
    each_node b function flush >/dev/null
    run "$CSTASH" restore --yes --verify --redis "redis-cluster://127.0.0.1:$PORT_b2,127.0.0.1:$PORT_b3" --target s latest
    says 0 "holds its 4,000 keys" "read back and compared"
    [ "$(sum_of "$URL_b")" = "$sum" ]
    # Four shards into three.
    "$CSTASH" backup -q --redis "$URL_c" --target c
    each_node b flushall >/dev/null
    each_node b function flush >/dev/null
    run "$CSTASH" restore --yes --redis "$URL_b" --target c latest
    says 0 "are those of the backup" "holds its 4,000 keys"
    [ "$(sum_of "$URL_b")" = "$sum" ]
    # A stream, and a file.
    each_node b flushall >/dev/null
    "$CSTASH" dump -q --redis "$URL_c" >"$T/dump"
    "$CSTASH" load -q --yes --redis "$URL_b" <"$T/dump"
    [ "$(sum_of "$URL_b")" = "$sum" ]
    "$CSTASH" load -q --yes --verify --redis "$URL_b" "$T/dump"
    [ "$(sum_of "$URL_b")" = "$sum" ]
}

@test "parts go in side by side; a dump that another program stored, or an older one, is read in order" {
    need restic
    start_cluster a 3 0
    start_cluster b 3 0
    fill_cluster a 300
    local n sum
    for n in a1 a2 a3; do head -c 3000000 /dev/urandom | cli "$n" -x set "{$(tag_of "$n")}big" >/dev/null; done
    sum=$(sum_of "$URL_a")
    "$CSTASH" backup -q --redis "$URL_a" --target a
    "$CSTASH" show --manifest | python3 -c 'import json, sys
assert all(s["blobs"] > 1 for s in json.load(sys.stdin)["shards"])'
    run "$CSTASH" restore --yes --verify --redis "$URL_b" --target a latest
    says 0 "holds its 303 keys" "read back and compared"
    [ "$(sum_of "$URL_b")" = "$sum" ]

    mkdir "$T/tree"
    restic dump latest dumpfile.resp >"$T/tree/dumpfile.resp"
    restic dump latest dumpfile.manifest.json >"$T/tree/dumpfile.manifest.json"
    for n in "stored by another" older; do
        [ "$n" != older ] || sed -i 's/"blobs":[0-9]*,//g' "$T/tree/dumpfile.manifest.json"
        (cd "$T/tree" && restic backup -q --host other dumpfile.resp dumpfile.manifest.json)
        each_node b flushall >/dev/null
        each_node b function flush >/dev/null
        run "$CSTASH" restore --yes --redis "$URL_b" --host other latest
        says 0 "holds its 303 keys"
        [ "$n" = older ] || says 0 "the dump is not stored in the parts that its manifest tells"
        [ "$(sum_of "$URL_b")" = "$sum" ]
    done
}

@test "what exists: kept, refused, replaced, removed on every master" {
    start_cluster a 3 0
    start_cluster b 3 0
    fill_cluster a 600
    fill_cluster b 300
    "$CSTASH" backup -q --redis "$URL_a" --target a
    cli b1 cluster info >/dev/null
    run "$CSTASH" restore -q --yes --existing fail --redis "$URL_b" --target a latest
    says 1 "exists already in database 0"
    local before
    before=$(sum_of "$URL_b")
    each_node b set "x{$(tag_of b1)}" mine >/dev/null 2>&1 || true
    run "$CSTASH" restore -q --yes --existing skip --redis "$URL_b" --target a latest
    says 0 "300 kept" "a partial restore"
    run "$CSTASH" restore --existing flush --redis "$URL_b" --target a latest </dev/null
    says 1 "which would be removed before" "if that is meant, add --yes"
    for n in b1 b2 b3; do cli "$n" set "{$(tag_of "$n")}own" mine >/dev/null; done
    run "$CSTASH" restore --yes --existing replace --redis "$URL_b" --target a latest
    says 0 "not proven by counts"
    run "$CSTASH" restore --yes --existing flush --redis "$URL_b" --target a latest
    says 0 "are those of the backup" "holds its 600 keys"
    [ "$(sum_of "$URL_b")" = "$(sum_of "$URL_a")" ]
}
tag_of() { # NODE: a hash tag of a slot that it owns
    local i
    for i in $(seq 1000); do
        [[ "$(cli "$1" get "{t$i}" 2>&1)" != MOVED* ]] && { echo "t$i"; return; }
    done
}

@test "a cluster's own snapshot needs no consent, whichever node is named; another one's does" {
    start_cluster a 3 0
    start_cluster b 3 0
    fill_cluster a 100
    fill_cluster b 1
    "$CSTASH" backup -q --redis "$URL_a1"
    run "$CSTASH" restore --redis "$URL_a3" latest </dev/null
    says 0 "restored 100 keys"
    run "$CSTASH" restore --redis "$URL_b" latest </dev/null
    says 1 "nothing was written:" "another server than the cluster of redis://127.0.0.1:$PORT_b1" "add --yes"
    [ "$(total b)" = 1 ]
}

@test "the rights that a restore needs" {
    start_cluster a 3 0
    start_cluster b 3 0
    fill_cluster a 400
    "$CSTASH" backup -q --redis "$URL_a"
    each_node b acl setuser writer on '>pw' '~*' +@write +@connection +info +role +time +dbsize "+cluster|shards" "+cluster|nodes" \
        "+function|load" "+script|load" "+module|list" >/dev/null
    REDISCLI_AUTH=pw run "$CSTASH" restore --yes --redis "redis://writer@127.0.0.1:$PORT_b1" latest
    says 0 "are those of the backup" "holds its 400 keys"
    each_node b acl setuser writer -role -info >/dev/null
    REDISCLI_AUTH=pw run "$CSTASH" restore --yes --redis "redis://writer@127.0.0.1:$PORT_b1" latest
    says 1 "+role, or +info"
}

@test "flush: a right that is missing at one master leaves all of them as they were" {
    start_cluster a 3 0
    fill_cluster a 300
    "$CSTASH" backup -q --redis "$URL_a"
    each_node a acl setuser w on '>pw' '~*' '&*' +@all >/dev/null
    cli a3 acl setuser w -xadd >/dev/null
    REDISCLI_AUTH=pw run "$CSTASH" restore --yes --existing flush --redis "redis://w@127.0.0.1:$PORT_a1" latest
    says 1 "nothing was emptied or written"
    [ "$(total a)" = 300 ]
    cli a3 acl setuser w +xadd -flushall >/dev/null
    REDISCLI_AUTH=pw run "$CSTASH" restore --yes --existing flush --redis "redis://w@127.0.0.1:$PORT_a1" latest
    says 1 "nothing was emptied or written: the user of 127.0.0.1:$PORT_a3 may not FLUSHALL"
    [ "$(total a)" = 300 ]
}

@test "databases: a cluster has one; another one is refused before anything is written, or chosen by --db" {
    start_cluster a 3 0
    start_redis s
    seq 300 | awk '{print "SET k" $1 " zero"}' | cli s --pipe >/dev/null
    seq 200 | awk '{print "SET k" $1 " three"}' | cli s -n 3 --pipe >/dev/null
    "$CSTASH" backup -q --redis "$URL_s"
    run "$CSTASH" restore --yes --redis "$URL_a" latest
    says 1 "nothing was written: a cluster has one database, and the dump has keys in databases up to 3" "--db N"
    [ "$(total a)" = 0 ]
    run "$CSTASH" restore --yes --db 3 --redis "$URL_a" latest
    says 0 "restored 200 keys"
    [ "$(total a)" = 200 ]
    [ "$(redis-cli -c -p "$PORT_a1" get k7)" = three ]
    run "$CSTASH" restore --yes --db 0 --existing flush --redis "$URL_a" latest
    says 0 "restored 300 keys"
    [ "$(total a)" = 300 ]
    [ "$(redis-cli -c -p "$PORT_a1" get k7)" = zero ]
    "$CSTASH" dump -q --redis "$URL_s" >"$T/dump"
    each_node a flushall >/dev/null
    run "$CSTASH" load -q --yes --redis "$URL_a" "$T/dump"
    says 1 "a cluster has one database"
    [ "$(total a)" = 0 ]
}

@test "what is not a command of one key goes into no cluster; a node of none is not one" {
    start_cluster a 3 0
    start_redis s
    printf 'MSET a 1 b 2\r\n' >"$T/inline"
    printf '*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n' >"$T/mset"
    run "$CSTASH" load -q --yes --redis "$URL_a" "$T/mset"
    says 1 "MSET at byte 0 is not a command of one key"
    [ "$(total a)" = 0 ]
    run "$CSTASH" load -q --yes --redis "redis-cluster://127.0.0.1:$PORT_s" "$T/mset"
    says 1 "is not a node of a cluster"
}

move_slot() { # SLOT FROM TO: as redis-cli --cluster reshard does it
    local keys
    cli "$3" cluster setslot "$1" importing "$(node_id "$2")" >/dev/null
    cli "$2" cluster setslot "$1" migrating "$(node_id "$3")" >/dev/null
    while keys=$(cli "$2" cluster getkeysinslot "$1" 100) && [ -n "$keys" ]; do
        eval "cli \$2 migrate 127.0.0.1 \$PORT_$3 '' 0 5000 keys \$keys >/dev/null"
    done
    cli "$3" cluster setslot "$1" node "$(node_id "$3")" >/dev/null
    cli "$2" cluster setslot "$1" node "$(node_id "$3")" >/dev/null
}

@test "slots that move during a restore are followed, and so are those that stay half moved" {
    start_cluster a 3 0
    start_cluster b 3 0
    fill_cluster a 60000 lasting
    "$CSTASH" backup -q --redis "$URL_a" --target a
    # Half moved: what is not there yet is answered ASK.
    cli b2 cluster setslot 100 importing "$(node_id b1)" >/dev/null
    cli b1 cluster setslot 100 migrating "$(node_id b2)" >/dev/null
    "$CSTASH" restore --yes --redis "$URL_b" --target a latest >"$T/out" 2>&1 </dev/null 3>&- &
    PIDS+=($!)
    until_true has_keys b1
    for slot in $(seq 200 230); do move_slot "$slot" b1 b3; done
    wait $! || { cat "$T/out"; false; }
    grep -q 'are those of the backup' "$T/out"
    [ "$(total b)" = 60000 ]
    move_slot 100 b1 b2
    [ "$(sum_of "$URL_b")" = "$(sum_of "$URL_a")" ]
    # Keys that are there already, one by one: some are at the one node then, some at the other.
    for existing in replace skip; do
        cli b3 cluster setslot 101 importing "$(node_id b1)" >/dev/null
        cli b1 cluster setslot 101 migrating "$(node_id b3)" >/dev/null
        "$CSTASH" restore -q --yes --safety-copy skip --existing $existing --redis "$URL_b" --target a latest # of such a cluster there is no copy
        move_slot 101 b1 b3
        [ "$(total b)" = 60000 ]
        [ "$(sum_of "$URL_b")" = "$(sum_of "$URL_a")" ]
        move_slot 101 b3 b1
    done
}
has_keys() { [ "$(cli "$1" dbsize)" != 0 ]; }

@test "values too long to be sent again follow a slot that is half moved, and one that moved meanwhile" {
    start_cluster a 3 0
    start_cluster b 3 0
    local tag slot sum n
    tag=$(tag_of a1)
    slot=$(cli a1 cluster keyslot "{$tag}")
    head -c 3000000 /dev/urandom | cli a1 -x set "{$tag}string" >/dev/null
    for n in 1 2 3; do
        cli a1 rpush "{$tag}list" "short $n" >/dev/null
        head -c 2000000 /dev/urandom | cli a1 -x rpush "{$tag}list" >/dev/null
    done
    sum=$(sum_of "$URL_a")
    "$CSTASH" backup -q --redis "$URL_a" --target a
    cli b2 cluster setslot "$slot" importing "$(node_id b1)" >/dev/null
    cli b1 cluster setslot "$slot" migrating "$(node_id b2)" >/dev/null
    run "$CSTASH" restore --yes --redis "$URL_b" --target a latest
    says 0 "restored 2 keys" "are those of the backup"
    [ "$(cli b2 dbsize)" = 2 ] # by ASKING
    move_slot "$slot" b1 b2
    [ "$(sum_of "$URL_b")" = "$sum" ]

    mkfifo "$T/pipe"
    "$CSTASH" load --yes --redis "$URL_b" <"$T/pipe" >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    exec 9>"$T/pipe"
    for n in b1 b2 b3; do until_true has_client "$n"; done
    move_slot "$slot" b2 b3
    "$CSTASH" show >&9
    exec 9>&-
    wait $! || { cat "$T/out"; false; }
    [ "$(cli b3 dbsize)" = 2 ]
    [ "$(sum_of "$URL_b")" = "$sum" ]
}
has_client() { cli "$1" client list | grep -qv cmd=client; }

@test "a master that dies during a restore stops it, and it says how far it came" {
    start_cluster a 3 0
    start_cluster b 3 0
    fill_cluster a 300000
    "$CSTASH" backup -q --redis "$URL_a" --target a
    "$CSTASH" restore --yes --redis "$URL_b" --target a latest >"$T/out" 2>&1 </dev/null 3>&- &
    PIDS+=($!)
    until_true has_keys b2
    kill -9 "$(cat "$T/b2.pid")"
    rm "$T/b2.pid"
    ! wait $!
    cat "$T/out"
    grep -q "of 300,000 keys are in the cluster of redis://127.0.0.1:$PORT_b1" "$T/out"
    run "$CSTASH" restore --yes --wait 1s --redis "$URL_b" --target a latest
    says 1 "the cluster cannot be read, after 1 s"
}

@test "an AppBinding of any node: a session backs up all shards, a restore session brings them back" {
    need kubectl curl restic prometheus-pushgateway
    start_cluster a 3 0
    fill_cluster a 500
    local sum
    sum=$(sum_of "$URL_a")
    export HOME=$T
    start_up
    world demo "$PORT_a2"
    cat <<YAML | k apply -f - >/dev/null
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: cluster, namespace: demo}
spec:
  type: redis
  clientConfig: {url: "redis://127.0.0.1:$PORT_a3"}
  parameters:
    apiVersion: cstash.io/v1alpha1
    kind: RedisConnection
    topology: cluster
    prefer: master
    nodeMap: [{announced: "127.0.0.1", reachable: localhost}]
YAML
    config demo c 'retentionPolicy: {name: one, keepLast: 1, prune: true}' \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: cluster}}'
    phase demo bc/c Ready
    session demo c1 c
    phase demo backupsession/c1 Succeeded
    [ "$(k get -n demo backupsession c1 -o json | python3 -c 'import json, sys
s = json.load(sys.stdin)["status"]
s = (s.get("targets") or [s])[0]["stats"][0]["snapshots"][0]
print(s["shards"], s["keys"], "skew" in s)')" = "3 500 True" ]
    [[ "$(k get -n demo snapshots -o jsonpath='{.items[0].status.shards} {.items[0].status.keys} {.items[0].status.skew}')" =~ ^3\ 500\ [0-9.]+m?s$ ]]
    each_node a flushall >/dev/null
    each_node a function flush >/dev/null
    restore demo back 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: cluster}, rules: [{snapshots: [latest]}]}'
    phase demo restoresession/back Succeeded
    [ "$(sum_of "$URL_a")" = "$sum" ]
}
