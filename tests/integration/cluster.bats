# SPDX-License-Identifier: Apache-2.0
# Clusters of real servers: all shards in one snapshot, or none.

load ../harness/env.bash
load ../harness/cluster.bash

setup() {
    need redis-server redis-cli restic python3
    setup_folder
    "$CSTASH" init -q
}
teardown() { end_all; }

manifest() { # manifest EXPRESSION [SNAPSHOT...]: of the latest snapshot, m
    "$CSTASH" show --path dumpfile.manifest.json "${@:2}" | python3 -c "import json, sys; m = json.load(sys.stdin); print($1)"
}
no_snapshot() { [ -z "$(ls "$T/repo/snapshots")" ]; }
total() { local n=0 k; for k in $(each_node "$1" dbsize); do n=$((n + k)); done; echo "$n"; }

@test "all shards become one snapshot, whichever node is named; restic and redis-cli read it" {
    start_cluster c 3 0
    fill_cluster c 4000
    [ "$(total c)" = 4000 ]
    run "$CSTASH" backup --redis "$URL_c"
    says 0 "4000 keys of 3 shards by replication" "3 shards, their points in time within"
    [ "$(manifest 'm["version"], m["keys"], m["source"]["shards"], m["source"]["mode"], m["functions"]["count"]')" = "2 4000 3 cluster 1" ]
    [ "$(manifest 'sum(s["keys"] for s in m["shards"]), [s["slots"] for s in m["shards"]]')" = "4000 [[[0, 5460]], [[5461, 10922]], [[10923, 16383]]]" ]
    [ "$(manifest 'all(s["counts_checked"] and len(s["replication_id"]) == 40 for s in m["shards"]), [s["node_id"] for s in m["shards"]]')" = \
        "True ['$(node_id c1)', '$(node_id c2)', '$(node_id c3)']" ]
    [ "$(manifest 'm["source"]["skew_ms"] >= 0')" = True ]
    run "$CSTASH" snapshots
    says 0 "(3 shards within " "4000"
    # By SCAN, by several seeds, from another node, in the other format: the same data.
    local sum url
    sum=$("$CSTASH" digest -q --redis "$URL_c")
    for url in "redis-cluster://127.0.0.1:$PORT_c2,127.0.0.1:1" "$URL_c3"; do
        [ "$("$CSTASH" digest -q --redis "$url" --source scan)" = "$sum" ]
    done
    [ "$("$CSTASH" digest -q latest)" = "$sum" ]
    "$CSTASH" backup -q --redis "$URL_c2" --format restore --source scan --target other
    [ "$(manifest 'm["source"]["kind"], m["source"]["point_in_time"], "skew_ms" in m["source"]' --target other)" = "scan False False" ]
    [ "$("$CSTASH" digest -q --target other latest)" = "$sum" ]
    # Into one server, by us, and by others.
    start_redis s
    run "$CSTASH" restore --yes --redis "$URL_s" --target other latest
    says 0 "are those of the backup" "holds its 4,000 keys"
    [ "$("$CSTASH" digest -q --redis "$URL_s")" = "$sum" ]
    cli s flushall >/dev/null
    restic -q dump "$(ls "$T/repo/snapshots" | head -n 1)" dumpfile.resp >"$T/dump" 2>/dev/null
    redis-cli -p "$PORT_s" --pipe <"$T/dump" >"$T/pipe"
    grep -q 'errors: 0' "$T/pipe"
    [ "$("$CSTASH" digest -q --redis "$URL_s")" = "$sum" ]
    restic -q check --read-data >/dev/null
}

@test "a cluster is one target, whichever node is named, as long as one of its nodes is there" {
    start_cluster c 3 1
    fill_cluster c 100
    "$CSTASH" backup -q --redis "$URL_c1"
    "$CSTASH" backup -q --redis "$URL_c5"
    "$CSTASH" backup -q --redis "redis-cluster://127.0.0.1:$PORT_c2,127.0.0.1:$PORT_c3"
    "$CSTASH" backup -q --redis "$URL_c1" --target named
    start_cluster d 3 0
    fill_cluster d 1
    "$CSTASH" backup -q --redis "$URL_d"
    [ "$("$CSTASH" snapshots --json | python3 -c 'import json, sys
print([s["cstash"]["target"]["name"].split(":")[-1] for s in json.load(sys.stdin)])')" = "['$PORT_c1', '$PORT_c1', '$PORT_c1', 'named', '$PORT_d1']" ]
}

@test "a dump that is cut between two parts, or lacks its end, is refused" {
    start_cluster c 3 0
    start_redis s
    fill_cluster c 300
    "$CSTASH" backup -q --redis "$URL_c"
    restic -q dump latest dumpfile.resp >"$T/dump" 2>/dev/null
    "$CSTASH" load --dry-run -q "$T/dump"
    python3 - "$T" <<'CUT'
import re, sys
folder = sys.argv[1]
d = open(folder + "/dump", "rb").read()
ends = [m.end() for m in re.finditer(rb"\*2\r\n\$4\r\nECHO\r\n\$\d+\r\ncstash-part 2 [^\r]*\r\n", d)]
starts = [m.start() for m in re.finditer(rb"\*2\r\n\$4\r\nECHO\r\n\$\d+\r\ncstash-dump 2 [^\r]*\r\n", d)]
assert len(ends) == 3 and len(starts) == 3
for name, bytes_ in {"one": d[:ends[0]], "two": d[:ends[1]], "three": d[:ends[2]], "without": d[:starts[1]] + d[starts[2]:],
                     "twice": d[:ends[0]] + d[starts[0]:]}.items():
    open(folder + "/" + name, "wb").write(bytes_)
CUT
    for cut in one two three without twice; do
        run "$CSTASH" load -q --dry-run "$T/$cut"
        echo "$cut: $output"
        [ "$status" = 1 ]
        run "$CSTASH" load -q --yes --redis "$URL_s" "$T/$cut"
        [ "$status" = 1 ]
        [ "$(cli s dbsize)" = 0 ]
    done
}

@test "replicas are read where they can be, and SCAN reads them too" {
    start_cluster c 3 1
    fill_cluster c 1000
    "$CSTASH" backup -q --redis "$URL_c" --prefer replica
    [ "$(manifest '{s["role"] for s in m["shards"]}')" = "{'slave'}" ]
    "$CSTASH" backup -q --redis "$URL_c" --prefer master
    [ "$(manifest '{s["role"] for s in m["shards"]}')" = "{'master'}" ]
    "$CSTASH" backup -q --redis "$URL_c" --prefer replica --source scan
    [ "$(manifest 'm["keys"], {s["role"] for s in m["shards"]}')" = "1000 {'slave'}" ]
    # A replica that lost its link is not one of them.
    for n in c4 c5 c6; do cli "$n" config set masterauth wrong >/dev/null; done
    each_node c config set requirepass secret >/dev/null
    each_node c -a secret --no-auth-warning client kill type replica >/dev/null
    each_node c -a secret --no-auth-warning client kill type master >/dev/null
    run env REDISCLI_AUTH=secret "$CSTASH" backup --redis "$URL_c" --prefer replica --wait 1s
    says 1 "of the cluster has no replica that can be read"
    run env REDISCLI_AUTH=secret "$CSTASH" backup --redis "$URL_c"
    says 0 "is not read" "1000 keys of 3 shards"
}

@test "what a migration left behind is not taken for data: it is left out, and counted" {
    start_cluster c 3 0
    fill_cluster c 500
    # A key of slot 12182, the third master's, that the first one holds without owning it.
    cli c3 set foo right >/dev/null
    cli c1 set "{$(name_of c1)}x" y >/dev/null
    local payload
    cli c1 cluster setslot 12182 importing "$(node_id c3)" >/dev/null
    printf 'ASKING\nSET foo wrong\n' | cli c1 >/dev/null
    cli c1 cluster setslot 12182 stable >/dev/null
    [ "$(cli c1 --scan --pattern foo)" = foo ]
    for source in replication scan; do
        "$CSTASH" backup -q --redis "$URL_c" --source "$source" 2>"$T/err"
        [ "$(manifest 'm["keys"], m["source"]["foreign_keys"], [s.get("foreign_keys", 0) for s in m["shards"]]')" = "502 1 [1, 0, 0]" ]
        "$CSTASH" show latest | grep -aq '^right'
        ! "$CSTASH" show latest | grep -aq '^wrong'
    done
}
name_of() { # NODE: a hash tag of a slot that it owns
    local i
    for i in $(seq 1000); do
        [[ "$(cli "$1" set "{t$i}" x 2>&1)" == OK ]] && { cli "$1" del "{t$i}" >/dev/null; echo "t$i"; return; }
    done
}

@test "slots that are on the move are waited for, and named" {
    start_cluster c 3 0
    fill_cluster c 500
    cli c1 cluster setslot 5 migrating "$(node_id c2)" >/dev/null
    cli c2 cluster setslot 5 importing "$(node_id c1)" >/dev/null
    run "$CSTASH" backup --redis "$URL_c" --wait 1s
    says 1 "the cluster cannot be read, after 1 s" "1 slot of 127.0.0.1:$PORT_c1 is on the move, 5 the first"
    no_snapshot
    "$CSTASH" backup --redis "$URL_c" --wait 60s >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true grep -q 'waiting up to 60 s' "$T/out"
    cli c1 cluster setslot 5 stable >/dev/null
    cli c2 cluster setslot 5 stable >/dev/null
    wait $!
    grep -q '500 keys of 3 shards' "$T/out"
}

slow() { each_node "$1" config set rdb-key-save-delay "$2" >/dev/null; } # microseconds for each key
saves() { [[ "$(cli "$1" info persistence)" == *rdb_bgsave_in_progress:1* ]]; }
move_slot() { # SLOT FROM TO: as redis-cli --cluster reshard does it
    local key
    cli "$3" cluster setslot "$1" importing "$(node_id "$2")" >/dev/null
    cli "$2" cluster setslot "$1" migrating "$(node_id "$3")" >/dev/null
    for key in $(cli "$2" cluster getkeysinslot "$1" 1000); do
        eval "cli \$2 migrate 127.0.0.1 \$PORT_$3 \$key 0 5000 >/dev/null"
    done
    cli "$3" cluster setslot "$1" node "$(node_id "$3")" >/dev/null
    cli "$2" cluster setslot "$1" node "$(node_id "$3")" >/dev/null
}

@test "a slot that moves while the cluster is read: the backup starts anew, and is of one state" {
    start_cluster c 3 0
    fill_cluster c 6000 lasting
    slow c 500
    for there_and_back in no yes; do
        "$CSTASH" backup --redis "$URL_c" >"$T/out" 2>&1 3>&- &
        PIDS+=($!)
        until_true saves c2
        move_slot 7 c1 c2
        [ $there_and_back = no ] || move_slot 7 c2 c1
        wait $! || { cat "$T/out"; false; }
        cat "$T/out"
        grep -q 'moved meanwhile.*starting anew' "$T/out"
        [ "$(manifest 'm["keys"]')" = 6000 ]
        move_slot 7 c2 c1 || true
    done
    slow c 0
    [ "$("$CSTASH" digest -q latest)" = "$("$CSTASH" digest -q --redis "$URL_c")" ]
}

@test "a node that dies in the middle: its shard is read anew from another one" {
    start_cluster c 3 1
    fill_cluster c 6000
    slow c 1000
    "$CSTASH" backup --redis "$URL_c" --prefer master >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true saves c2
    kill -9 "$(cat "$T/c2.pid")"
    rm "$T/c2.pid"
    wait $! || { cat "$T/out"; false; }
    cat "$T/out"
    grep -Eq 'the shard is read anew|starting anew' "$T/out"
    [ "$(manifest 'm["keys"], m["shards"][1]["keys"] > 0, m["shards"][1]["node"] != "127.0.0.1:'"$PORT_c2"'"')" = "6000 True True" ]
    "$CSTASH" check -q --read-data
    slow c 0
    [ "$("$CSTASH" digest -q latest | head -n 1 | awk '{print $3}')" = 6000 ]
}

@test "a shard that is gone, a slot without an owner: no backup of a part" {
    start_cluster c 3 0 --cluster-require-full-coverage no
    fill_cluster c 300
    cli c3 cluster delslots 16383 >/dev/null
    run "$CSTASH" backup --redis "$URL_c3"
    says 1 "1 of 16384 slots of the cluster have no owner, 16383 the first"
    cli c3 cluster addslots 16383 >/dev/null
    "$CSTASH" backup -q --redis "$URL_c3" --target before
    kill -9 "$(cat "$T/c2.pid")"
    rm "$T/c2.pid"
    run "$CSTASH" backup --redis "$URL_c" --wait 1s
    says 1 "the cluster cannot be read"
    run "$CSTASH" digest --redis "$URL_c" --wait 1s
    says 1 "the cluster cannot be read"
    [ "$(snapshot_count)" = 1 ]
}

@test "a node alone is asked for, and is marked as a part; a single server is not one" {
    start_cluster c 3 0
    start_redis s
    fill_cluster c 300
    run "$CSTASH" backup -q --redis "$URL_c2" --node
    says 0 "saved; partial: --node '127.0.0.1:$PORT_c2'"
    local id
    id=$(ls "$T/repo/snapshots")
    [ "$(manifest 'm["version"], m["keys"], m["filter"]' "$id")" = "1 $(cli c2 dbsize) {'node': '127.0.0.1:$PORT_c2'}" ]
    run "$CSTASH" snapshots
    says 0 "(partial: --node '127.0.0.1:$PORT_c2')"
    run "$CSTASH" restore -q --yes --redis "$URL_s" latest
    says 1 "holds only a part (--node"
    run "$CSTASH" backup -q --redis "$URL_s" --node
    says 2 "--node is for a node of a cluster"
    run "$CSTASH" backup -q --redis "redis-cluster://127.0.0.1:$PORT_s"
    says 1 "is not a node of a cluster"
    run "$CSTASH" backup -q --redis "$URL_c" --node-map nowhere
    says 2 "must be two addresses"
}

@test "a filter that chooses keys of one shard only has chosen some; one that chooses none is told of once" {
    start_cluster c 3 0
    fill_cluster c 300
    cli c1 -c set only:me 1 >/dev/null
    run "$CSTASH" backup --redis "$URL_c" --match 'only:*'
    says 0 "1 key of 3 shards" "saved; partial"
    [[ "$output" != *"chooses none"* ]]
    run "$CSTASH" backup --redis "$URL_c" --match 'none:*'
    says 0 "--match 'none:*' chooses none of the keys that are there (301)" "no key matched"
    [ "$(grep -c 'chooses none' <<<"$output")" = 1 ]
}

@test "nodes that announce other addresses: host names, and a map where they cannot be reached" {
    start_cluster c 3 0
    each_node c config set cluster-announce-ip 127.0.0.99 >/dev/null
    for n in c1 c2 c3; do cli "$n" config set cluster-announce-hostname "$n.test" >/dev/null; done
    fill_by_node c
    run "$CSTASH" backup -q --redis "$URL_c" --wait 1s
    says 1 "the cluster announces redis://127.0.0.99:" "--node-map ANNOUNCED=REACHABLE"
    run "$CSTASH" backup --redis "$URL_c" --node-map 127.0.0.99=127.0.0.1
    says 0 "3 keys of 3 shards"
    each_node c config set cluster-preferred-endpoint-type hostname >/dev/null
    run "$CSTASH" backup --redis "$URL_c" --wait 10s --node-map "c1.test:$PORT_c1=127.0.0.1:$PORT_c1" \
        --node-map c2.test=127.0.0.1 --node-map c3.test=localhost
    says 0 "3 keys of 3 shards"
}
fill_by_node() { local n; for n in "$1"1 "$1"2 "$1"3; do cli "$n" set "{$(name_of "$n")}" v >/dev/null; done; }

@test "libraries that differ between masters are told" {
    start_cluster c 3 0
    fill_cluster c 100
    cli c2 function load "#!lua name=more
redis.register_function('g', function() return 1 end)" >/dev/null
    run "$CSTASH" backup --redis "$URL_c"
    says 0 "the libraries of functions of 127.0.0.1:$PORT_c2 are not those of 127.0.0.1:$PORT_c1, which the dump has"
    [ "$(manifest 'm["source"]["functions_differ"], m["functions"]["count"]')" = "True 1" ]
}

@test "the rights that each source needs" {
    start_cluster c 3 0
    fill_cluster c 300
    each_node c acl setuser repl on '>pw' +psync +replconf +ping +hello +role "+cluster|shards" "+cluster|nodes" >/dev/null
    each_node c acl setuser scanner on '>pw' '%R~*' +@read +ping +info +readonly +dump +select "+memory|usage" "+function|list" "+cluster|slots" >/dev/null
    REDISCLI_AUTH=pw run "$CSTASH" backup --source replication --redis "redis://repl@127.0.0.1:$PORT_c1"
    says 0 "300 keys of 3 shards by replication"
    REDISCLI_AUTH=pw run "$CSTASH" backup --source scan --redis "redis://scanner@127.0.0.1:$PORT_c1"
    says 0 "300 keys of 3 shards by scan" "may not ask for slots on the move"
    [ "$(manifest 'm["source"]["moves_unknown"]')" = True ]
    each_node c acl setuser poor on '>pw' +ping +info +psync +replconf >/dev/null
    REDISCLI_AUTH=pw run "$CSTASH" backup --redis "redis://poor@127.0.0.1:$PORT_c1"
    says 1 "could not ask the cluster for its shards" "+cluster|shards"
}

@test "clusters of one and of two masters; more shards than are read at once" {
    start_cluster d 1 0
    cli d1 set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_d" --target one
    [ "$(manifest 'm["version"], m["keys"], m["source"]["shards"]' --target one)" = "1 1 1" ]
    "$CSTASH" show --target one latest | head -n 5 | grep -aq 'cstash-dump 1 commands'
    start_cluster f 17 0
    fill_cluster f 1700
    each_node f config set rdb-key-save-delay 10000 >/dev/null # so that each takes some hundred milliseconds
    "$CSTASH" backup -q --redis "$URL_f" --target many
    each_node f config set rdb-key-save-delay 0 >/dev/null
    # Four of one machine fork at a time: the fifth not before the first is done.
    [ "$(manifest '(lambda t: all((b - a).total_seconds() > 0.2 for a, b in zip(t, t[4:])))(sorted(__import__("datetime").datetime.fromisoformat(s["time"][:26].rstrip("Z")) for s in m["shards"]))' --target many)" = True ]
    [ "$(manifest 'm["keys"], len(m["shards"]), all(s["keys"] > 0 for s in m["shards"])' --target many)" = "1700 17 True" ]
    [ "$("$CSTASH" digest -q --target many latest)" = "$("$CSTASH" digest -q --redis "$URL_f")" ]
    start_cluster e 2 0
    fill_cluster e 200
    "$CSTASH" backup -q --redis "$URL_e" --target two
    [ "$(manifest 'm["version"], m["keys"], m["source"]["shards"]' --target two)" = "2 200 2" ]
}

@test "TLS between everybody: the nodes' own ports for it, certificates verified" {
    need openssl
    make_ca
    certificate node "IP:127.0.0.1,DNS:localhost"
    local n tls=() args
    for n in 1 2 3; do
        tls[n]=$(free_port)
        args=(--tls-port "${tls[n]}" --tls-cert-file "$T/node.crt" --tls-key-file "$T/node.key" --tls-ca-cert-file "$T/ca.crt" --tls-auth-clients no)
        start_node "t$n" "${args[@]}" --tls-cluster yes --tls-replication yes
    done
    timeout 60 redis-cli --tls --cacert "$T/ca.crt" --cluster create "127.0.0.1:${tls[1]}" "127.0.0.1:${tls[2]}" "127.0.0.1:${tls[3]}" --cluster-yes >/dev/null
    for n in 1 2 3; do until_true agrees "t$n" 3 0; done
    for n in $(seq 300); do echo "SET key:$n v"; done | redis-cli --tls --cacert "$T/ca.crt" -c -p "${tls[1]}" >/dev/null
    run "$CSTASH" backup --redis "rediss://127.0.0.1:${tls[2]}" --cacert "$T/ca.crt"
    says 0 "300 keys of 3 shards by replication"
    run "$CSTASH" backup --source scan --redis "rediss-cluster://localhost:${tls[1]},localhost:${tls[3]}" --cacert "$T/ca.crt"
    says 0 "300 keys of 3 shards by scan"
    run "$CSTASH" restore --yes --redis "rediss://127.0.0.1:${tls[3]}" --cacert "$T/ca.crt" latest
    says 0 "restored 300 keys"
    run "$CSTASH" backup --redis "rediss://127.0.0.1:${tls[2]}"
    says 1 "certificate"
}
