# SPDX-License-Identifier: Apache-2.0
# What is in a snapshot, without a restore: its keys, and the value of one.

load ../harness/env.bash
load ../harness/cluster.bash

setup() { setup_folder; }
teardown() { end_all; }

fill() { # fill NAME
    cli "$1" set s 'a "quoted" \ word' >/dev/null
    printf 'bytes \x00\x01\xff\r\n\t\a\b' | cli "$1" -x set bin >/dev/null
    cli "$1" set utf 'grün' EX 100000 >/dev/null
    cli "$1" eval 'for i = 1, 12 do redis.call("RPUSH", "list", "e" .. i) redis.call("HSET", "hash", "f" .. i, i) redis.call("ZADD", "zset", i / 3, "m" .. i)
        redis.call("SADD", "set", "x" .. i) redis.call("XADD", "stream", i .. "-1", "field", i, "other", "v") end' 0 >/dev/null
    head -c 3000000 /dev/zero | tr '\0' z | cli "$1" -x set long >/dev/null
    cli "$1" -n 3 set s other >/dev/null
}
shows() { # shows KEY COMMAND...: as redis-cli does
    local key=$1
    shift
    diff <("$CSTASH" get -q latest "$key") <(redis-cli -p "$PORT_a" --no-raw "$@")
}

@test "a key's value, as redis-cli shows it, of both formats" {
    start_redis a
    fill a
    for format in commands restore; do
        "$CSTASH" init -q -r "$T/$format"
        export RESTIC_REPOSITORY=$T/$format
        "$CSTASH" backup -q --redis "$URL_a" --format $format
        shows s get s
        shows bin get bin
        shows utf get utf
        shows long get long
        shows list lrange list 0 -1
        shows stream xrange stream - +
        [ "$("$CSTASH" get -q latest hash | wc -l)" = 24 ]
        [ "$("$CSTASH" get -q latest set --json | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin)["value"]))')" = "$(cli a smembers set | python3 -c 'import sys; print(sorted(sys.stdin.read().split()))')" ]
        [ "$("$CSTASH" get -q latest zset --json | python3 -c 'import json, sys; print(sorted((m["member"], m["score"]) for m in json.load(sys.stdin)["value"])[0])')" = "('m1', 0.3333333333333333)" ]
        [ "$("$CSTASH" get -q latest hash --json | python3 -c 'import json, sys; print(sum(int(f["value"]) for f in json.load(sys.stdin)["value"]))')" = 78 ]
        [ "$("$CSTASH" get -q --db 3 latest s)" = '"other"' ]
        [ "$("$CSTASH" get -q latest bin --json | python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(sys.stdin)["value"]["base64"])[:9])')" = "b'bytes \\x00\\x01\\xff'" ]
        run "$CSTASH" get latest nothing
        says 1 'there is no key "nothing" in database 0 of the snapshot'
    done
    run "$CSTASH" get-key latest s --resp --json
    says 2 "contradict"
}

@test "the commands that make one key, loaded elsewhere" {
    start_redis a
    start_redis b
    fill a
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    for key in s bin utf list hash zset set stream long; do
        "$CSTASH" get -q latest $key --resp | redis-cli -p "$PORT_b" --pipe >/dev/null
        [ "$(cli a debug digest-value $key)" = "$(cli b debug digest-value $key)" ]
    done
    [ "$(cli a pexpiretime utf)" = "$(cli b pexpiretime utf)" ]
    [ "$(cli b dbsize)" = 9 ]
    "$CSTASH" get -q latest list --resp | "$CSTASH" load -q --redis "$URL_b"
}

@test "the keys of a snapshot: all, by name and type, the largest" {
    start_redis a
    fill a
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    [ "$("$CSTASH" keys -q | wc -l)" = 11 ] # a head and ten keys
    run "$CSTASH" keys --db 3
    says 0 "  3  string             1           5 B  -"
    [ "$("$CSTASH" keys -q --type list --type set --json | python3 -c 'import json, sys; print(sorted(json.loads(l)["key"] for l in sys.stdin))')" = "['list', 'set']" ]
    run "$CSTASH" keys --sort size --top 2
    says 0 "2.861 MiB"
    [ "$(sed -n 2p <<<"$output" | awk '{print $NF}')" = long ]
    [ "$(wc -l <<<"$output")" = 3 ]
    [ "$("$CSTASH" keys -q --match 'ut*' --json | python3 -c 'import json, sys; k = json.loads(sys.stdin.read()); print(k["type"], k["items"], k["bytes"], "expires" in k)')" = "string 1 5 True" ]
    run "$CSTASH" keys --type tree
    says 2 "must be string, list"
}

@test "of a cluster, and of a dump of Stash in which commands interleave" {
    start_cluster c 3 0
    cli c1 -c set a 1 >/dev/null
    cli c1 -c rpush b x y >/dev/null
    cli c1 -c set c 3 >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_c" --host cluster
    [ "$("$CSTASH" keys -q --json --host cluster | wc -l)" = 3 ]
    [ "$("$CSTASH" get -q latest b --host cluster)" = $'1) "x"\n2) "y"' ]
    printf '*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\n1\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nm\r\n$1\r\n9\r\n*3\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$22\r\n__redisdump_total_keys\r\n$1\r\n3\r\n' |
        "$CSTASH" backup -q --stdin --host stash
    [ "$("$CSTASH" get -q latest l --host stash)" = $'1) "1"\n2) "2"' ]
}
