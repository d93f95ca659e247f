# SPDX-License-Identifier: Apache-2.0
# Servers that are a part of something larger, and replicas that are on their own.

load ../harness/env.bash

setup() {
    need redis-server redis-cli
    setup_folder
    "$CSTASH" init -q 2>/dev/null
}

teardown() {
    end_all
}

refused() { # refused WORDS COMMAND...
    run "${@:2}"
    echo "$output"
    [ "$status" = 1 ]
    [[ "$output" == *"$1"* ]]
}

@test "a node that is a cluster of its own, and has no slots, is refused, whoever asks and however" {
    start_redis a --cluster-enabled yes --cluster-port "$(free_port)"
    for source in auto replication scan; do
        refused "16384 of 16384 slots of the cluster have no owner" "$CSTASH" backup -q --source "$source" --redis "$URL_a"
    done
    refused "have no owner" "$CSTASH" dump --redis "$URL_a"
    refused "have no owner" "$CSTASH" digest --redis "$URL_a"
    cli a acl setuser dumper on '>pw' '~*' '&*' +@all -info >/dev/null
    refused "have no owner" "$CSTASH" backup -q --redis "redis://dumper:pw@127.0.0.1:$PORT_a"
    [ -z "$(ls "$T/repo/snapshots")" ]
}

@test "a cluster that is not whole is refused as the target of a restore, before anything is written" {
    start_redis a
    start_redis n --cluster-enabled yes --cluster-port "$(free_port)"
    cli a set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    refused "have no owner" "$CSTASH" restore --redis "$URL_n" latest
    refused "have no owner" "$CSTASH" restore --existing flush --yes --redis "$URL_n" latest
    refused "have no owner" "$CSTASH" load --redis "$URL_n" "$T/dump"
}

@test "a replica is refused as a target, even one that takes writes, before anything is written" {
    start_redis a
    start_redis r --replica-read-only no
    cli a set k v >/dev/null
    cli r set mine 1 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    cli r replicaof 127.0.0.1 "$(free_port)" >/dev/null
    cli r acl setuser writer on '>pw' '~*' '&*' +@all -info >/dev/null
    for url in "$URL_r" "redis://writer:pw@127.0.0.1:$PORT_r"; do
        refused "is a replica" "$CSTASH" restore --yes --redis "$url" latest
        [[ "$output" == *"nothing was written"*"address of its master"* ]]
        refused "is a replica" "$CSTASH" restore --existing flush --yes --redis "$url" latest
        refused "is a replica" "$CSTASH" load --yes --redis "$url" "$T/dump"
        [ "$(cli r dbsize)" = 1 ]
        [ "$(cli r get mine)" = 1 ]
    done
}

@test "a Sentinel is refused, and says where to ask" {
    local port
    start_redis a
    port=$(free_port)
    printf 'port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor m 127.0.0.1 %s 1\n' "$port" "$T" "$PORT_a" >"$T/sentinel.conf"
    redis-server "$T/sentinel.conf" --sentinel >/dev/null 2>&1 3>&- &
    PIDS+=($!)
    for _ in $(seq 100); do redis-cli -p "$port" ping 2>/dev/null | grep -q PONG && break; sleep 0.05; done
    refused Sentinel "$CSTASH" backup -q --redis "redis://127.0.0.1:$port"
    [[ "$output" == *redis-sentinel://HOST:PORT/NAME* ]]
    refused Sentinel "$CSTASH" backup -q --source scan --redis "redis://127.0.0.1:$port"
    [ -z "$(ls "$T/repo/snapshots")" ]
}

@test "a server that tells neither by INFO nor by HELLO is read, with a warning" {
    start_redis a --rename-command HELLO ""
    cli a set k v >/dev/null
    cli a acl setuser dumper on '>pw' '~*' '&*' +@all -info >/dev/null
    run "$CSTASH" backup --redis "redis://dumper:pw@127.0.0.1:$PORT_a"
    [ "$status" = 0 ]
    [[ "$output" == *"does not tell"* ]]
}

@test "a replica that has lost its master is read by SCAN, and that stands in the manifest" {
    start_redis a
    cli a set k v >/dev/null
    cli a replicaof 127.0.0.1 "$(free_port)" >/dev/null
    run "$CSTASH" backup --redis "$URL_a"
    [ "$status" = 0 ]
    [[ "$output" == *"lost its master"* && "$output" == *"falling back to SCAN"* ]]
    "$CSTASH" show --manifest | grep -q '"master_link_down_seconds"'
    "$CSTASH" snapshots | grep -q '(of a replica without its master, for [0-9.]* s)$'
    "$CSTASH" snapshots --json | python3 -c 'import json, sys; assert json.load(sys.stdin)[0]["cstash"]["source"]["master_link_down_seconds"] >= 0'
    # Who asks for a point in time waits for it.
    run "$CSTASH" backup --source replication --wait 1s --redis "$URL_a"
    [ "$status" = 1 ]
    [[ "$output" == *NOMASTERLINK* ]]
}

@test "a replica that has been without its master for more than a day is not a backup" {
    start_liar lonely=86401
    for source in auto replication scan; do
        refused "has been without its master for 24 hours" "$CSTASH" backup --source "$source" --wait 1s --redis "redis://127.0.0.1:$LIAR"
        [[ "$output" == *"back up its master; or, if this is the only copy"*"REPLICAOF NO ONE"* ]]
    done
    [ -z "$(ls "$T/repo/snapshots")" ]
    start_liar lonely=86400 # a day is no longer than a day: it fails later, for it is not a real server
    run "$CSTASH" backup --source scan --wait 1s --redis "redis://127.0.0.1:$LIAR"
    [[ "$output" == *"is a replica without its master (for 86400 s)"* && "$output" != *"hours"* ]]
}

@test "a replica that never reached its master and holds nothing is not a backup" {
    start_redis a
    cli a replicaof 127.0.0.1 "$(free_port)" >/dev/null
    run "$CSTASH" backup --redis "$URL_a"
    [ "$status" = 1 ]
    [[ "$output" == *"never reached its master"*"REPLICAOF NO ONE"* ]]
    [ -z "$(ls "$T/repo/snapshots")" ]
}

@test "a backup by a user who may not list functions says so, and its restore is not called equal" {
    start_redis a
    start_redis b
    cli a set k v >/dev/null
    cli a function load "#!lua name=l
redis.register_function('f', function() return 1 end)" >/dev/null
    cli a acl setuser poor on '>pw' '~*' '&*' +@all -function >/dev/null
    "$CSTASH" backup -q --source scan --redis "redis://poor:pw@127.0.0.1:$PORT_a"
    "$CSTASH" show --manifest | grep -q '"functions_denied":true'
    "$CSTASH" snapshots | grep -q '(without functions)$'
    run "$CSTASH" restore -q --yes --redis "$URL_b"
    [ "$status" = 0 ]
    [[ "$output" == *"libraries of functions are not in this backup"* ]]
    [[ "$output" != *"are those of the backup"* ]]
}
