# SPDX-License-Identifier: Apache-2.0
# A backup must not hurt its source: saves to a full disk, forks that live as long as a slow store.

load ../harness/env.bash

setup() {
    need redis-server redis-cli redis-benchmark python3
    setup_folder
    "$CSTASH" init -q 2>/dev/null
}

teardown() {
    end_all
}

@test "a server that would save to its disk first is read by SCAN; its writes go on when the disk is full" {
    mkdir "$T/small"
    [ "$(id -u)" != 0 ] || mount -t tmpfs -o size=256k tmpfs "$T/small"
    start_redis a --repl-diskless-sync no --save '3600 1' --dir "$T/small"
    cli a eval 'for i = 1, 3000 do redis.call("SET", "k" .. i, string.rep(i, 100)) end' 0 >/dev/null
    if [ "$(id -u)" = 0 ]; then
        head -c 300000 /dev/zero >"$T/small/full" 2>/dev/null || true
    else
        chmod a-w "$T/small" # who may not mount: nothing can be written there either
    fi
    run "$CSTASH" backup --redis "$URL_a"
    echo "$output"
    status_of_backup=$status
    after=$(cli a set still-writable yes)
    point=$("$CSTASH" backup -q --source replication --wait 1s --redis "$URL_a" 2>&1 || true)
    stop_redis a
    [ "$(id -u)" != 0 ] || umount -l "$T/small" # a child that was saving may still be there
    [ "$status_of_backup" = 0 ]
    [[ "$output" == *"save to its disk first"* && "$output" == *"falling back to SCAN"* ]]
    [ "$after" = OK ]
    # Who asks for it gets it, and is told what it means.
    [[ "$point" == *"save to its disk first"* ]]
}

@test "without save points, or where writes go on, a save to the disk stops nothing" {
    start_redis a --repl-diskless-sync no --save ''
    cli a set k v >/dev/null
    "$CSTASH" backup --redis "$URL_a" | grep -q 'by replication'
    start_redis b --repl-diskless-sync no --save '3600 1' --stop-writes-on-bgsave-error no
    cli b set k v >/dev/null
    "$CSTASH" backup --redis "$URL_b" | grep -q 'by replication'
}

# 100 MB that are written again all the time, and a reader that takes 2 MB a second.
busy_server() {
    local value
    value=$(head -c 1000 /dev/zero | tr '\0' x)
    start_redis a --rdbcompression no
    redis-benchmark -p "$PORT_a" -n 300000 -r 150000 -P 16 -c 4 -q set key:__rand_int__ "$value" >/dev/null 2>&1
    redis-benchmark -p "$PORT_a" -n 1000000000 -r 150000 -P 16 -c 4 -q set key:__rand_int__ "$value" >/dev/null 2>&1 3>&- &
    PIDS+=($!)
}

@test "a fork that copies too much for a slow reader is given up" {
    busy_server
    bash -c '"$2" dump --redis "$0" 2>"$1" | python3 -c "
import sys, time
while sys.stdin.buffer.read(200000):
    time.sleep(0.1)"' "$URL_a" "$T/why" "$CSTASH"
    cat "$T/why"
    grep -q 'had to copy' "$T/why"
    grep -q -- '--source scan' "$T/why"
    for _ in $(seq 100); do
        [ "$(cli a info persistence | tr -d '\r' | sed -n 's/^rdb_bgsave_in_progress://p')" = 0 ] && return 0
        sleep 0.1
    done
    return 1
}
