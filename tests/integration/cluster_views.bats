# SPDX-License-Identifier: Apache-2.0
# Clusters whose nodes see different things, or are reached by unusual addresses.

load ../harness/env.bash
load ../harness/cluster.bash

setup() {
    need redis-server redis-cli python3
    setup_folder
    "$CSTASH" init -q
}
teardown() { end_all; }

manifest() { "$CSTASH" show --path dumpfile.manifest.json latest | python3 -c "import json, sys; m = json.load(sys.stdin); print($1)"; }
sum_of() { "$CSTASH" digest -q --redis "$1" --prefer master "${@:2}"; }
total() { local n=0 k; for k in $(each_node "$1" dbsize); do n=$((n + k)); done; echo "$n"; }
saves() { [[ "$(cli "$1" info persistence)" == *rdb_bgsave_in_progress:1* ]]; }
gone() { kill -9 "$(cat "$T/$1.pid")" && rm "$T/$1.pid"; }

@test "a node that takes a slot for another's: no backup until all agree; a restore follows redirections" {
    start_cluster c 3 0
    fill_cluster c 200
    local slot=5460
    [ "$(cli c1 cluster countkeysinslot $slot)" = 0 ]
    cli c1 cluster setslot $slot node "$(node_id c2)" >/dev/null # on this one alone
    for url in "$URL_c1" "$URL_c2" "redis-cluster://127.0.0.1:$PORT_c3,127.0.0.1:$PORT_c1"; do
        run "$CSTASH" backup --redis "$url" --wait 1s
        says 1 "the cluster cannot be read, after 1 s" "do not agree"
    done
    [ "$(snapshot_count)" = 0 ]
    "$CSTASH" backup --redis "$URL_c2" --wait 60s >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true grep -q 'waiting up to 60 s' "$T/out"
    cli c1 cluster setslot $slot node "$(node_id c1)" >/dev/null
    wait $! || { cat "$T/out"; false; }
    [ "$(manifest 'm["keys"]')" = 200 ]
}

@test "a node that has forgotten another: it alone is not enough, others are asked" {
    start_cluster c 3 0 --cluster-require-full-coverage no
    start_redis s
    fill_cluster c 200
    "$CSTASH" backup -q --redis "$URL_c2"
    cli c1 cluster forget "$(node_id c3)" >/dev/null # for a minute
    run "$CSTASH" backup --redis "$URL_c1" --wait 1s
    says 1 "5461 of 16384 slots of the cluster have no owner"
    run "$CSTASH" restore --yes --redis "$URL_c1" --wait 1s latest
    says 1 "5461 of 16384 slots of the cluster have no owner"
    run "$CSTASH" digest -q --redis "$URL_c1" --wait 1s
    says 1 "have no owner"
    run "$CSTASH" backup --redis "redis-cluster://127.0.0.1:$PORT_c1,127.0.0.1:$PORT_c2"
    says 0 "200 keys of 3 shards"
}

@test "an epoch that changes while the cluster is read: the backup starts anew" {
    start_cluster c 3 0
    fill_cluster c 6000
    each_node c config set rdb-key-save-delay 500 >/dev/null
    "$CSTASH" backup --redis "$URL_c" >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true saves c3
    cli c1 cluster bumpepoch >/dev/null
    wait $! || { cat "$T/out"; false; }
    grep -q 'starting anew' "$T/out"
    [ "$(manifest 'm["keys"]')" = 6000 ]
}

@test "half of the cluster is gone: no backup, no restore of a part, whatever is still served" {
    start_cluster c 4 0 --cluster-require-full-coverage no
    fill_cluster c 400
    "$CSTASH" backup -q --redis "$URL_c4"
    gone c1
    gone c2
    cli c4 set "{$(own_tag c4)}" v >/dev/null # it goes on
    local before
    before=$(cli c3 dbsize):$(cli c4 dbsize)
    for url in "$URL_c4" "redis-cluster://127.0.0.1:$PORT_c1,127.0.0.1:$PORT_c3"; do
        run "$CSTASH" backup --redis "$url" --wait 3s
        says 1 "the cluster cannot be read, after 3 s"
        run "$CSTASH" backup --redis "$url" --wait 3s --source scan
        says 1 "the cluster cannot be read, after 3 s"
        run "$CSTASH" restore --yes --redis "$url" --wait 3s --existing flush latest
        says 1 "the cluster cannot be read, after 3 s"
    done
    [ "$(snapshot_count)" = 1 ]
    [ "$(cli c3 dbsize):$(cli c4 dbsize)" = "$before" ]
}
own_tag() { # NODE: a hash tag of a slot that it owns
    local i
    for i in $(seq 1000); do
        [[ "$(cli "$1" get "{t$i}" 2>&1)" != *MOVED* ]] && { echo "t$i"; return; }
    done
}

@test "slots without an owner, and a cluster that serves the others: whole or not at all" {
    start_cluster c 3 0 --cluster-require-full-coverage no
    fill_cluster c 300
    "$CSTASH" backup -q --redis "$URL_c"
    cli c3 cluster delslots 16383 >/dev/null
    cli c3 set "{$(own_tag c3)}" v >/dev/null
    local before
    before=$(total c)
    for source in replication scan; do
        run "$CSTASH" backup --redis "$URL_c3" --source $source --wait 1s
        says 1 "1 of 16384 slots of the cluster have no owner, 16383 the first"
    done
    run "$CSTASH" restore --yes --existing flush --redis "$URL_c3" --wait 1s latest
    says 1 "1 of 16384 slots of the cluster have no owner"
    [ "$(total c)" = "$before" ]
    [ "$(snapshot_count)" = 1 ]
}

@test "a replica that is far behind, or that hangs, is not read" {
    start_cluster c 3 1
    fill_cluster c 100
    local tag replica
    tag=$(own_tag c1)
    replica=$(cli c1 role | sed -n 4p)
    # It says that it is at the beginning of the stream, of which there are 18 MiB.
    start_liar behind
    head -c 9000000 /dev/zero | tr '\0' x | cli c1 -x set "{$tag}big" >/dev/null
    head -c 9000000 /dev/zero | tr '\0' x | cli c1 -x set "{$tag}big" >/dev/null
    run "$CSTASH" backup --redis "$URL_c" --node-map "127.0.0.1:$replica=127.0.0.1:$LIAR"
    says 0 "redis://127.0.0.1:$LIAR is not read: it is more than 16 MiB behind its master" "shard 1 of 3: reading redis://127.0.0.1:$PORT_c1, the master"
    [ "$(manifest '[s["role"] for s in m["shards"]]')" = "['master', 'slave', 'slave']" ]
    run "$CSTASH" backup --redis "$URL_c" --prefer replica --wait 1s --node-map "127.0.0.1:$replica=127.0.0.1:$LIAR"
    says 1 "shard 1 of 3 of the cluster has no replica that can be read"
    start_liar hangs
    run "$CSTASH" backup --redis "$URL_c" --node-map "127.0.0.1:$replica=127.0.0.1:$LIAR"
    says 0 "redis://127.0.0.1:$LIAR is not read: " "sent nothing for 5 seconds" "101 keys of 3 shards"
}

@test "IPv6: a cluster, and Sentinels" {
    start_cluster c 3 0 --bind "127.0.0.1 ::1" --cluster-announce-ip ::1
    fill_by_node c
    until_true announces ::1
    run "$CSTASH" backup --redis "redis-cluster://[::1]:$PORT_c2,[::1]:$PORT_c3" --target c
    says 0 "redis://[::1]:$PORT_c1, the master" "3 keys of 3 shards"
    run "$CSTASH" backup --redis "redis://[::1]:$PORT_c1" --target c --source scan
    says 0 "3 keys of 3 shards"
    each_node c flushall >/dev/null
    # Half moved: what is not there is answered by where it is, an address of IPv6.
    local slot
    slot=$(cli c1 cluster keyslot "{$(own_tag c1)}")
    cli c2 cluster setslot "$slot" importing "$(node_id c1)" >/dev/null
    cli c1 cluster setslot "$slot" migrating "$(node_id c2)" >/dev/null
    [[ "$(cli c1 get "{$(own_tag c1)}" 2>&1)" == *"ASK $slot ::1:$PORT_c2"* ]]
    run "$CSTASH" restore --yes --redis "redis://[::1]:$PORT_c3" --target c latest
    says 0 "restored 3 keys" "are those of the backup"
    [ "$(total c)" = 3 ]
    start_redis m --bind "127.0.0.1 ::1"
    cli m set k v >/dev/null
    local port
    port=$(free_port)
    mkdir -p "$T/sentinel"
    printf '%s\n' "port $port" "bind ::1" "dir $T/sentinel" "daemonize yes" "pidfile $T/sentinel.pid" "logfile $T/sentinel.log" \
        "sentinel monitor db ::1 $PORT_m 1" >"$T/sentinel.conf"
    redis-server "$T/sentinel.conf" --sentinel >/dev/null
    until_true listens "$port"
    run "$CSTASH" backup --redis "redis-sentinel://[::1]:$port,[::1]:1/db" --prefer master --target m
    says 0 "is redis://[::1]:$PORT_m" "1 key"
    cli m flushall >/dev/null
    run "$CSTASH" restore --yes --redis "redis-sentinel://[::1]:$port/db" --target m latest
    says 0 "restored 1 key"
    [ "$(cli m get k)" = v ]
}
fill_by_node() { local n; for n in "$1"1 "$1"2 "$1"3; do cli "$n" set "{$(own_tag "$n")}" v >/dev/null; done; }
announces() { local n; for n in c1 c2 c3; do [ "$(cli $n cluster nodes | grep -c " $1:")" = 3 ] || return 1; done; }
listens() { redis-cli -h ::1 -p "$1" ping 2>/dev/null | grep -q PONG; }

@test "other ports for TLS than the nodes listen on" {
    need openssl
    make_ca
    certificate node "IP:127.0.0.1,DNS:localhost"
    local n tls=() maps=()
    for n in 1 2 3; do
        tls[n]=$(free_port)
        start_node "c$n" --tls-port "${tls[n]}" --tls-cert-file "$T/node.crt" --tls-key-file "$T/node.key" --tls-ca-cert-file "$T/ca.crt" \
            --tls-auth-clients no --tls-cluster yes --tls-replication yes --cluster-announce-tls-port $((100 + n)) --cluster-announce-ip 127.0.0.1
        maps+=(--node-map "127.0.0.1:$((100 + n))=localhost:${tls[n]}")
    done
    timeout 60 redis-cli --tls --cacert "$T/ca.crt" --cluster create "127.0.0.1:${tls[1]}" "127.0.0.1:${tls[2]}" "127.0.0.1:${tls[3]}" --cluster-yes >/dev/null
    for n in 1 2 3; do until_true agrees "c$n" 3 0; done
    fill_by_node c
    run "$CSTASH" backup --redis "rediss://localhost:${tls[1]}" --cacert "$T/ca.crt" --wait 1s
    says 1 "the cluster announces rediss://127.0.0.1:101" "--node-map ANNOUNCED=REACHABLE"
    run "$CSTASH" backup --redis "rediss://localhost:${tls[1]}" --cacert "$T/ca.crt" "${maps[@]}"
    says 0 "3 keys of 3 shards"
    run "$CSTASH" restore --yes --redis "rediss://localhost:${tls[3]}" --cacert "$T/ca.crt" "${maps[@]}" latest
    says 0 "restored 3 keys"
}

@test "nodes that announce no address: the one that was asked, with other ports" {
    start_cluster c 3 0 --cluster-preferred-endpoint-type unknown-endpoint
    fill_by_node c
    for url in "redis://localhost:$PORT_c2" "redis-cluster://localhost:$PORT_c2,localhost:$PORT_c3"; do
        run "$CSTASH" backup --redis "$url" --target u
        says 0 "redis://localhost:$PORT_c1, the master" "3 keys of 3 shards"
    done
    # A map of their own addresses counts for more.
    run "$CSTASH" backup --redis "redis://localhost:$PORT_c2" --target u --node-map "127.0.0.1:$PORT_c1=[::ffff:127.0.0.1]:$PORT_c1"
    says 0 "redis://[::ffff:127.0.0.1]:$PORT_c1, the master" "redis://localhost:$PORT_c3, the master"
    each_node c flushall >/dev/null
    local slot
    slot=$(cli c1 cluster keyslot "{$(own_tag c1)}")
    cli c2 cluster setslot "$slot" importing "$(node_id c1)" >/dev/null
    cli c1 cluster setslot "$slot" migrating "$(node_id c2)" >/dev/null
    run "$CSTASH" restore --yes --redis "redis-cluster://localhost:$PORT_c2" --target u latest
    says 0 "restored 3 keys"
    [ "$(total c)" = 3 ]
}
