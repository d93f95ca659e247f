# SPDX-License-Identifier: Apache-2.0
# Absence of information is not absence of data: servers that say less of themselves than they hold.

load ../harness/env.bash

setup() {
    setup_folder
    start_redis a
    cli a set k v >/dev/null
    cli a -n 3 mset x 1 y 2 >/dev/null
    cli a -n 9 rpush l 1 >/dev/null
}
teardown() { end_all; }

# hide PATTERN [CHARACTER]: sets HIDER, the port of a where what matches is not to be read
hide() { serve HIDER "$HARNESS/hider" "$PORT_a" "$@"; }

@test "keys that INFO does not show, or not all, are read by SCAN, each once" {
    local hidden
    for hidden in 'db[0-9]+:keys=[0-9]+' 'db3:' '# Keyspace[^$]*(?=\r\n)' '(?<=keys=)[0-9]+' '(?<=\r\n)INFO(?=\r\n)'; do
        hide "$hidden"
        "$CSTASH" dump -q --source scan --redis "redis://127.0.0.1:$HIDER" >"$T/dump"
        [ "$("$CSTASH" digest -q "$T/dump" | awk '$1 == "all" {print $2, $3}')" = "$(digest a) 4" ]
    done
    "$CSTASH" dump -q --source scan --db 9 --redis "redis://127.0.0.1:$HIDER" >"$T/dump"
    [ "$("$CSTASH" digest -q "$T/dump" | awk '$1 == "all" {print $3}')" = 1 ]
}

@test "a filter that chooses nothing of what is there is told, in the result too" {
    local way
    "$CSTASH" init -q
    for way in "--source replication --match none*" "--source scan --match none*" "--source scan --db 5" "--db 5"; do
        set -f
        # shellcheck disable=SC2086
        run "$CSTASH" backup --redis "$URL_a" $way
        [ "$status" = 0 ]
        [[ "$output" == *"chooses none of the keys that are there (4)"*"saved; it holds nothing: no key matched"* ]] || { echo "$way: $output"; return 1; }
        # shellcheck disable=SC2086
        "$CSTASH" backup -q --json --redis "$URL_a" $way 2>/dev/null | grep -q '"keys_unmatched": *4'
        # shellcheck disable=SC2086
        "$CSTASH" dump -q --redis "$URL_a" $way 2>&1 >/dev/null | grep -q "chooses none of the keys that are there (4)"
        set +f
    done
    run "$CSTASH" backup --redis "$URL_a" --match 'k*'
    [[ "$output" != *chooses* && "$output" != *matched* ]]
    cli a flushall >/dev/null
    run "$CSTASH" backup --redis "$URL_a" --match 'k*'
    [[ "$output" != *chooses* && "$output" != *matched* ]] # there is nothing to match
}

@test "a server that takes any SELECT and has one database is read once" {
    cli a flushall >/dev/null
    cli a set k v >/dev/null
    hide '(?<=\r\n)INFO(?=\r\n)|(?<=SELECT\r\n\$[12]\r\n)[0-9]+(?=\r\n)' 0
    "$CSTASH" dump -q --source scan --redis "redis://127.0.0.1:$HIDER" >"$T/dump"
    [ "$("$CSTASH" digest -q "$T/dump" | awk '$1 == "all" {print $2, $3}')" = "$(digest a) 1" ]
}

@test "with INFO switched off replication goes on, and a target that holds keys is not taken for empty" {
    start_redis b --rename-command INFO ""
    redis-cli -p "$PORT_b" -n 5 set there 1 >/dev/null
    [ "$("$CSTASH" digest -q --source replication --redis "$URL_b" | awk '$1 == "all" {print $3}')" = 1 ]
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    run "$CSTASH" restore -q --existing flush --redis "$URL_b"
    [ "$status" = 1 ]
    [[ "$output" == *--yes* ]]
    [ "$(redis-cli -p "$PORT_b" -n 5 get there)" = 1 ]
    redis-cli -p "$PORT_b" flushall >/dev/null
    run "$CSTASH" restore --redis "$URL_b"
    [ "$status" = 0 ]
    [[ "$output" == *'holds its 4 keys'* ]]
}

# used_memory_dataset is below 0 where the server frees more than it counted: INFO shows it without its sign.
@test "a server whose used_memory_dataset is below 0 is backed up, listed and restored" {
    local i
    {
        echo 'user default on nopass ~* &* +@all'
        for i in $(seq 20000); do echo "user u$i on nopass ~abc* +get"; done
    } >"$T/users.acl"
    start_redis b --aclfile "$T/users.acl"
    seq -f u%.0f 1 20000 | xargs -n 2000 redis-cli -p "$PORT_b" acl deluser
    redis-cli -p "$PORT_b" mset a 1 b 2 c 3
    redis-cli -p "$PORT_b" info memory | grep used_memory_dataset:1844674407
    start_redis c --maxmemory 10mb
    "$CSTASH" init -q
    for i in replication scan; do
        "$CSTASH" backup -q --source $i --redis "$URL_b"
        run "$CSTASH" snapshots
        [ "$status" = 0 ]
        [[ "$output" == *" 3 "*"$i"* ]]
        run "$CSTASH" restore -q --redis "$URL_c" --existing flush --yes
        [ "$status" = 0 ]
        [ "$(redis-cli -p "$PORT_c" dbsize)" = 3 ]
    done
    [[ "$("$CSTASH" show latest --manifest)" != *dataset_memory* ]]
}

@test "a target whose INFO and DBSIZE show no keys is not taken for empty" {
    "$CSTASH" init -q
    start_redis b
    "$CSTASH" backup -q --redis "$URL_b"
    hide 'db[0-9]+:keys=[0-9]+|(?<=\r\n)DBSIZE(?=\r\n)'
    run "$CSTASH" restore -q --existing flush --redis "redis://127.0.0.1:$HIDER"
    [ "$status" = 1 ]
    [ "$(cli a dbsize)" = 1 ]
}

@test "a server at rest that counts one key more than it gives is told of" {
    "$CSTASH" init -q
    hide '(?<=keys=)2' 3
    for source in replication scan; do
        run "$CSTASH" backup --source $source --redis "redis://127.0.0.1:$HIDER"
        [ "$status" = 0 ]
        [[ "$output" == *"database 3: the server counts 3 keys, and 2 are in the dump"* ]]
    done
}

@test "a server that counts more keys than it gives is told of; names without values are not a backup" {
    "$CSTASH" init -q
    hide '(?<=keys=)[0-9]+' 9
    for source in replication scan; do
        run "$CSTASH" backup --source $source --redis "redis://127.0.0.1:$HIDER"
        [ "$status" = 0 ]
        [[ "$output" == *"database 0: the server counts 9 keys, and 1 is in the dump"* ]]
        [ "$("$CSTASH" show latest --manifest | python3 -c 'import json, sys; print(json.load(sys.stdin)["source"]["counts_checked"])')" = False ]
    done
    for i in $(seq 20); do cli a set name$i v >/dev/null; done
    cli a del k >/dev/null
    for hidden in '(?<=DUMP\r\n\$.\r\n)name' '(?<=DUMP\r\n\$.\r\n)name|(?<=\r\n)INFO(?=\r\n)'; do
        hide "$hidden"
        run "$CSTASH" backup --source scan --db 0 --redis "redis://127.0.0.1:$HIDER"
        [ "$status" = 1 ]
        [[ "$output" == *"database 0: the server counts 2"?" keys before and after, and gave 0 of them"* ]]
    done
    [ "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 2 ]
}
