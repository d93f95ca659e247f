# SPDX-License-Identifier: Apache-2.0
# Clusters of other versions than the machine's: how they describe themselves, and how slots move in newer ones.

load ../harness/env.bash
load ../harness/versions.bash
load ../harness/cluster.bash

setup() {
    need redis-server redis-cli python3
    setup_folder
    "$CSTASH" init -q
}
teardown() { end_all; }

sum_of() { "$CSTASH" digest -q --redis "$1" --prefer master; }
total() { local n=0 k; for k in $(each_node "$1" dbsize); do n=$((n + k)); done; echo "$n"; }

there_and_back() { # of two clusters of CLUSTER_VERSION
    start_cluster a 3 0
    start_cluster b 3 0
    fill_cluster a 1000 lasting # before 7.0 SCAN tells expiries by milliseconds more or less
    for source in replication scan; do
        "$CSTASH" backup -q --redis "$URL_a" --source $source --target a
        each_node b flushall >/dev/null
        run "$CSTASH" restore --yes --verify --redis "$URL_b" --target a latest
        says 0 "holds its 1,000 keys"
        [ "$(sum_of "$URL_b")" = "$(sum_of "$URL_a")" ]
    done
}

@test "Redis 6.2, which has no CLUSTER SHARDS" {
    local CLUSTER_VERSION=redis-6.2
    low_port() { python3 -c 'import socket
while True:
    s = socket.socket(); s.bind(("127.0.0.1", 0)); p = s.getsockname()[1]
    if p < 50000: print(p); break'; }
    free_port() { low_port; }
    there_and_back
}

# While something slow reads or writes: slots go from the first node to the second, at once.
still_moves() { # NODE: it does not say that its migration is over
    ! each_node "$1" cluster getslotmigrations 2>/dev/null | grep -Eq 'success' && ! each_node "$1" cluster migration status all 2>/dev/null | grep -q completed
}
slow() { each_node "$1" config set rdb-key-save-delay "$2" >/dev/null; }
saves() { [[ "$(cli "$1" info persistence)" == *rdb_bgsave_in_progress:1* ]]; }
has_many_keys() { [ "$(cli "$1" dbsize)" -gt 5000 ]; }

moved_at_once() { # COMMAND: that moves slots 0 to 5000 from a1 to a2
    local sum
    start_cluster a 3 0
    fill_cluster a 40000 lasting
    sum=$(sum_of "$URL_a")
    slow a 100
    "$CSTASH" backup --redis "$URL_a" --prefer master >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true saves a3
    "$1"
    wait $! || { cat "$T/out"; false; }
    cat "$T/out"
    slow a 0
    until_true owns a2 0-5000
    [ "$("$CSTASH" digest -q latest)" = "$sum" ]
    [ "$(sum_of "$URL_a")" = "$sum" ]
}

# The slots go from a1 to a2 when a part of their keys is written, and their migration outlasts the load, whose counts wait for it.
loaded_meanwhile() { # COMMAND BACK: that moves slots 0 to 5000 from a1 to a2, and back first; a backup is there
    local sum
    sum=$("$CSTASH" digest -q latest)
    "$CSTASH" show --path dumpfile.resp latest >"$T/dump"
    "$2"
    until_true owns a1 0-5460
    each_node a flushall >/dev/null
    each_node a function flush >/dev/null
    { head -c 1200000; until_true test -e "$T/go"; cat; } <"$T/dump" 3>&- | "$CSTASH" load --yes --redis "$URL_a" >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true has_many_keys a1
    slow a 500
    "$1"
    touch "$T/go"
    wait $! || { cat "$T/out"; false; }
    cat "$T/out"
    slow a 0
    grep -q "^digest $(awk '$1 == "all" { print $2 }' <<<"$sum"); the cluster of .* holds its 40,000 keys" "$T/out"
    owns a2 0-5000
    [ "$(total a)" = 40000 ]
    [ "$(sum_of "$URL_a")" = "$sum" ]
}
owns() { cli "$1" cluster nodes | grep myself | grep -q " $2"; }

move_redis() { cli a2 cluster migration import 0 5000; }
back_redis() { cli a1 cluster migration import 0 5000; }
move_valkey() { cli a1 cluster migrateslots slotsrange 0 5000 node "$(node_id a2)"; }
back_valkey() { cli a2 cluster migrateslots slotsrange 0 5000 node "$(node_id a1)"; }

@test "Redis 8.6: there and back; slots that move at once during a backup, and during a load" {
    local CLUSTER_VERSION=redis-8.6
    there_and_back
    end_nodes
    moved_at_once move_redis
    loaded_meanwhile move_redis back_redis
}

@test "Valkey 9.1: there and back; slots that move at once during a backup, and during a load" {
    local CLUSTER_VERSION=valkey-9.1
    there_and_back
    end_nodes
    moved_at_once move_valkey
    loaded_meanwhile move_valkey back_valkey
}
end_nodes() { local n; for n in a1 a2 a3 b1 b2 b3; do stop_redis $n; done; rm -rf "$T/repo"; "$CSTASH" init -q; }
