# SPDX-License-Identifier: Apache-2.0
# Whose backup is it? Several servers in one repository, parts of servers, servers that lost their data.

load ../harness/env.bash

setup() {
    need redis-server restic python3
    setup_folder
    start_redis a
    start_redis b
    "$CSTASH" init -q 2>/dev/null
}

teardown() {
    end_all
}

backup() { "$CSTASH" backup -q --redis "redis://127.0.0.1:$1" "${@:2}"; }

fill() { # fill NAME KEYS: so many keys, and no others
    cli "$1" flushall >/dev/null
    cli "$1" eval 'for i = 1, tonumber(ARGV[1]) do redis.call("SET", "k" .. i, i) end' 0 "$2" >/dev/null
}

sizes() { # the numbers of keys of all snapshots, oldest first
    "$CSTASH" snapshots --json | python3 -c 'import json, sys; print(*(s["cstash"]["keys"] for s in json.load(sys.stdin)))'
}

@test "two servers in one repository: latest is one's own, retention keeps to one target" {
    cli a set from-a 1 >/dev/null
    cli b set from-b 1 >/dev/null
    backup "$PORT_a"
    backup "$PORT_b"
    restic snapshots --json | grep -q "\"hostname\":\"127.0.0.1:$PORT_a\""
    "$CSTASH" snapshots | grep -q "127.0.0.1:$PORT_a .*$(hostname):$PORT_a "
    run "$CSTASH" show latest
    [ "$status" = 1 ]
    [[ "$output" == *"$(hostname):$PORT_a"* && "$output" == *"$(hostname):$PORT_b"* && "$output" == *--target* ]]
    "$CSTASH" show --target "$(hostname):$PORT_a" latest | grep -q from-a
    cli a flushall >/dev/null
    "$CSTASH" restore -q --redis "$URL_a" latest
    [ "$(cli a keys '*')" = from-a ]
    # The host alone does not tell them apart.
    "$CSTASH" backup -q --redis "$URL_a" --host host-0
    "$CSTASH" backup -q --redis "$URL_b" --host host-0
    "$CSTASH" forget -q --host host-0 --keep-last 1
    [ "$("$CSTASH" snapshots --json --host host-0 | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 2 ]
    run "$CSTASH" forget latest
    [ "$status" = 1 ]
    restic check -q
}

@test "a server that has no snapshot of its own takes those of the only other one" {
    cli a set from-a 1 >/dev/null
    backup "$PORT_a"
    "$CSTASH" restore -q --redis "$URL_b" latest
    [ "$(cli b keys '*')" = from-a ]
}

@test "a name holds a history together over addresses" {
    cli a set one 1 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" --target cache
    cli b set two 1 >/dev/null
    "$CSTASH" backup -q --redis "$URL_b" --target cache
    "$CSTASH" show --target cache | grep -q two
    "$CSTASH" forget -q --group-by '' --target cache --keep-last 1
    [ "$(sizes)" = 1 ]
}

@test "a part is not a backup: marked, never the latest, apart for retention" {
    local part
    cli a mset user:1 a user:2 b other c >/dev/null
    cli a -n 3 set x y >/dev/null
    backup "$PORT_a"
    backup "$PORT_a" --match 'user:*'
    backup "$PORT_a" --db 3
    "$CSTASH" backup -q --redis "$URL_a/3"
    "$CSTASH" snapshots | grep -q "(partial: --match 'user:\*')"
    [ "$("$CSTASH" snapshots | grep -c '(partial: --db 3)')" = 2 ]
    "$CSTASH" forget -q --keep-last 1
    [ "$(sizes)" = "4 2 1" ] # the latest of the whole, of each part
    cli a flushall >/dev/null
    "$CSTASH" restore -q --redis "$URL_a" latest
    [ "$(cli a dbsize)" = 3 ]
    # Who asks for a part may have it from a snapshot of that part.
    part=$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[1]["short_id"])')
    "$CSTASH" restore --redis "$URL_b" "$part"
    [ "$(cli b dbsize)" = 2 ]
    # Without a whole one there is no latest.
    "$CSTASH" forget -q "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["short_id"])')"
    run "$CSTASH" restore --redis "$URL_b" latest
    [ "$status" = 1 ]
    [[ "$output" == *"only a part"* ]]
    cli b flushall >/dev/null
    "$CSTASH" restore -q --redis "$URL_b" --match 'user:*' latest
    [ "$(cli b dbsize)" = 2 ]
}

@test "an emptied server does not rotate its last good copy away: a cliff" {
    fill a 1000
    for _ in 1 2 3 4; do
        backup "$PORT_a"
        "$CSTASH" forget -q --keep-last 3
    done
    [ "$(sizes)" = "1000 1000 1000" ]
    cli a flushall >/dev/null
    run backup "$PORT_a"
    for _ in 1 2 3 4 5; do
        run "$CSTASH" backup --redis "$URL_a"
        [[ "$output" == *"has lost keys: it held 1000"* ]]
        "$CSTASH" forget -q --keep-last 3
    done
    [ "$(sizes)" = "1000 0 0 0" ]
    "$CSTASH" forget --dry-run --keep-last 1 | grep -q '^keep.*pinned'
    run "$CSTASH" forget --guarded "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["short_id"])')"
    [ "$status" = 1 ]
    [[ "$output" == *"should stay, since it is pinned"*"--allow-removal"* ]]
    [ "$(sizes)" = "1000 0 0 0" ]
    # Back again: the pin ends, and the policy holds as written.
    fill a 950
    backup "$PORT_a"
    "$CSTASH" forget -q --keep-last 1
    [ "$(sizes)" = 950 ]
}

@test "a slope, and a tide" {
    for n in 1000 600 350 200 110; do
        fill a "$n"
        backup "$PORT_a"
        "$CSTASH" forget -q --keep-last 2
    done
    [ "$(sizes)" = "600 200 110" ]
    for n in 1000 100 1000 100 1000 100; do
        fill b "$n"
        backup "$PORT_b"
        "$CSTASH" forget -q --target "$(hostname):$PORT_b" --keep-last 2
    done
    [ "$(sizes)" = "600 200 110 1000 100" ]
}

@test "what is meant can be said: --accept-shrink, --shrink-below, forget by ID" {
    fill a 1000
    backup "$PORT_a"
    fill a 10
    backup "$PORT_a" --accept-shrink
    "$CSTASH" forget -q --keep-last 1
    [ "$(sizes)" = 10 ]
    fill a 6
    backup "$PORT_a"
    fill a 4
    backup "$PORT_a" --shrink-below 20
    "$CSTASH" forget -q --keep-last 1
    [ "$(sizes)" = 4 ]
    fill a 1000
    backup "$PORT_a"
    fill a 1
    backup "$PORT_a"
    "$CSTASH" forget -q --keep-last 1
    [ "$(sizes)" = "1000 1" ]
    "$CSTASH" forget -q "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["short_id"])')"
    backup "$PORT_a"
    "$CSTASH" forget -q --keep-last 1
    [ "$(sizes)" = 1 ]
    run backup "$PORT_a" --shrink-below 101
    [ "$status" = 2 ]
}

@test "an empty server whose namesake has snapshots is not backed up as if all were well" {
    fill a 10
    "$CSTASH" backup -q --redis "$URL_a" --target web@old
    cli a flushall >/dev/null
    run "$CSTASH" backup -q --redis "$URL_a" --target web@new
    [ "$status" = 1 ]
    [[ "$output" == *"holds no keys"* && "$output" == *restore* ]]
    "$CSTASH" backup -q --redis "$URL_a" --target web@new --accept-shrink
    [ "$(sizes)" = "10 0" ]
}

@test "a history is taken over: tag --target OLD=NEW" {
    fill a 10
    "$CSTASH" backup -q --redis "$URL_a" --target web@old
    "$CSTASH" backup -q --redis "$URL_a" --target other
    "$CSTASH" tag -q --target web@old=web@new
    "$CSTASH" show --target web@new latest | grep -q k10
    run "$CSTASH" show --target web@old latest
    [ "$status" = 1 ]
    "$CSTASH" show --target other latest | grep -q k10
    for bad in =x x=; do
        run "$CSTASH" tag --target "$bad"
        [ "$status" = 2 ]
    done
    "$CSTASH" check -q
    restic check -q
}

@test "snapshots that name no target count for the host, as in restic" {
    cli a set from-a 1 >/dev/null
    "$CSTASH" dump -q --redis "$URL_a" | restic backup -q --stdin --stdin-filename dumpfile.resp --host host-0
    "$CSTASH" show latest | grep -q from-a
    "$CSTASH" backup -q --redis "$URL_a" --host host-0
    "$CSTASH" forget -q --keep-last 1
    [ "$(sizes)" = 1 ]
    restic forget -q --keep-last 1
    restic check -q
}
