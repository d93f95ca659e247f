# What goes wrong: servers, networks, disks, files. Always the right exit code, an error that names what and where, no
# snapshot of anything that is not whole, and a repository that the real restic finds clean.
load ../harness/env.bash

setup() {
    need restic python3
    setup_folder
    "$CSTASH" init -q 2>/dev/null
}

teardown() {
    end_all
}

fill_server() { # fill_server NAME KEYS
    cli "$1" eval 'for i = 1, tonumber(ARGV[1]) do redis.call("SET", "key:" .. i, string.rep(tostring(i), 20)) end
        for i = 1, 300 do redis.call("RPUSH", "list:" .. i, i, i + 1) end' 0 "$2" >/dev/null
}

nothing_happened() { # the run before failed as it should: no snapshot, nothing broken
    [ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
    [ "$(snapshot_count)" = 0 ]
    restic check -q >"$T/check.out" 2>&1 || { cat "$T/check.out"; return 1; }
}

start_cut() { # start_cut PORT FIRST STEP: a proxy whose k-th connection is cut after FIRST + k * STEP bytes down
    "$HARNESS/cutproxy" "$1" down "$2" "$3" >"$T/proxy.out" 3>&- &
    echo $! >"$T/proxy.pid"
    until [ -s "$T/proxy.out" ]; do sleep 0.02; done
    CUT=$(cat "$T/proxy.out")
}

stop_cut() {
    kill "$(cat "$T/proxy.pid")" 2>/dev/null
    rm -f "$T/proxy.pid" "$T/proxy.out"
}

# How many bytes a whole backup takes from the server, as a proxy that never cuts sees it.
cut_everywhere() { # cut_everywhere SOURCE STEP BYTES
    local n
    start_cut "$PORT_a" 0 "$2"
    for n in $(seq 0 "$2" "$3"); do
        run "$CSTASH" backup -q --wait 0 --source "$1" --redis "redis://127.0.0.1:$CUT"
        [ "$status" = 1 ] || { echo "cut after $n bytes: status $status: $output"; return 1; }
        [[ "$output" == *"error: could not dump"* ]] || { echo "cut after $n: $output"; return 1; }
    done
    stop_cut
    nothing_happened
}

down_bytes() { # down_bytes SOURCE: bytes from the server during a whole dump
    python3 "$HARNESS/countproxy.py" "$PORT_a" "$T/count" &
    echo $! >"$T/proxy.pid"
    until [ -s "$T/count.port" ]; do sleep 0.02; done
    "$CSTASH" dump -q --source "$1" --redis "redis://127.0.0.1:$(cat "$T/count.port")" >/dev/null
    wait "$(cat "$T/proxy.pid")" || true
    rm -f "$T/proxy.pid"
    cat "$T/count"
}

@test "replication cut after any number of bytes, the last one too, leaves no snapshot" {
    start_redis a
    cli a set k v >/dev/null
    cli a rpush l a b c >/dev/null
    bytes=$(down_bytes replication)
    [ "$bytes" -gt 300 ]
    cut_everywhere replication 37 "$((bytes - 2))"
    for last in 1 2 3 39 40 41 42; do # in the mark and just before it
        start_cut "$PORT_a" "$((bytes - last))" 0
        run "$CSTASH" backup -q --wait 0 --source replication --redis "redis://127.0.0.1:$CUT"
        stop_cut
        nothing_happened
    done
}

@test "a scan cut after any number of bytes, the last one too, leaves no snapshot" {
    start_redis a
    cli a set k v >/dev/null
    cli a rpush l a b c >/dev/null
    bytes=$(down_bytes scan)
    cut_everywhere scan 97 "$((bytes - 2))"
    start_cut "$PORT_a" "$((bytes - 1))" 0
    run "$CSTASH" backup -q --wait 0 --source scan --redis "redis://127.0.0.1:$CUT"
    stop_cut
    nothing_happened
}

kill_server_during() { # kill_server_during SOURCE
    start_redis a
    fill_server a 400000
    cli a config set rdb-key-save-delay 20 >/dev/null
    "$CSTASH" backup -q --wait 0 --source "$1" --redis "$URL_a" >"$T/out" 2>&1 &
    local pid=$!
    sleep 1
    pkill -9 -P "$(cat "$T/a.pid")" || true
    stop_redis a
    status=0
    wait $pid || status=$?
    output=$(cat "$T/out")
    nothing_happened
    [[ "$output" == *"error: could not dump redis://127.0.0.1"* ]]
}

@test "redis-server killed during a replication leaves no snapshot" {
    kill_server_during replication
}

@test "redis-server killed during a scan leaves no snapshot" {
    start_redis a
    fill_server a 400000
    cli a config set slowlog-log-slower-than -1 >/dev/null
    "$CSTASH" backup -q --wait 0 --source scan --redis "$URL_a" >"$T/out" 2>&1 &
    pid=$!
    sleep 0.4
    stop_redis a
    status=0
    wait $pid || status=$?
    output=$(cat "$T/out")
    nothing_happened
}

@test "cstash killed at any time leaves no snapshot, and the next run needs no help" {
    start_redis a
    fill_server a 150000
    for delay in 0.05 0.1 0.2 0.3 0.4 0.5 0.6 0.8; do
        "$CSTASH" backup -q --redis "$URL_a" >/dev/null 2>&1 &
        pid=$!
        sleep $delay
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        restic unlock -q
        restic check -q >"$T/check.out" 2>&1 || { cat "$T/check.out"; false; }
    done
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" check -q --read-data
    restic check -q --read-data
}

@test "an interrupted backup ends with 130 and takes its lock and files along" {
    start_redis a
    fill_server a 100000
    cli a config set rdb-key-save-delay 50 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" >"$T/out" 2>&1 &
    pid=$!
    sleep 1
    kill -INT $pid
    status=0
    wait $pid || status=$?
    [ "$status" = 130 ]
    [ -z "$(ls "$T/repo/locks")" ]
    ! find "$T/repo" -name '*-tmp-*' | grep -q .
    [ "$(snapshot_count)" = 0 ]
}

@test "exit codes: no repository 10, locked 11, wrong password 12, usage 2" {
    run "$CSTASH" snapshots -r "$T/nowhere"
    [ "$status" = 10 ]
    [[ "$output" == *"$T/nowhere"* ]]
    RESTIC_PASSWORD=wrong run "$CSTASH" snapshots
    [ "$status" = 12 ]
    run "$CSTASH" snapshots --nonsense
    [ "$status" = 2 ]
    [[ "$output" == *"unknown option --nonsense"*"--repo"* ]]
    run "$CSTASH" nonsense
    [ "$status" = 2 ]
    start_redis a
    cli a set k v >/dev/null
    python3 "$HARNESS/restic_lock.py" "$T/repo" >/dev/null
    run "$CSTASH" backup -q --redis "$URL_a"
    [ "$status" = 11 ]
    [[ "$output" == *"locked"* ]]
    "$CSTASH" unlock --remove-all
    "$CSTASH" backup -q --redis "$URL_a"
}

@test "no secret is shown, whatever fails" {
    start_redis a --requirepass hunter2secret
    run "$CSTASH" dump --wait 0 --redis "redis://:wrongsecret@127.0.0.1:$PORT_a"
    [ "$status" = 1 ]
    [[ "$output" != *wrongsecret* ]]
    run "$CSTASH" dump --wait 0 --redis "redis://u:wrongsecret@127.0.0.1:1"
    [[ "$output" != *wrongsecret* ]]
    run "$CSTASH" dump --wait 0 --redis "redis://u:wrongsecret@@:x"
    [[ "$output" != *wrongsecret* ]]
    RESTIC_PASSWORD=othersecret run "$CSTASH" snapshots
    [[ "$output" != *othersecret* ]]
    REDISCLI_AUTH=hunter2secret "$CSTASH" dump -q --redis "$URL_a" >/dev/null
}

as_nobody() { # root may write anywhere, so somebody else tries
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}

@test "a read-only repository is an error that names the place" {
    start_redis a
    cli a set k v >/dev/null
    chmod 755 "$T"
    chmod -R a+rX "$T/repo"
    [ "$(id -u)" = 0 ] || chmod -R a-w "$T/repo"
    run as_nobody "$CSTASH" backup -q --redis "$URL_a"
    [ "$status" = 1 ]
    [[ "$output" == *"$T/repo"*"denied"* ]]
    chmod -R u+w "$T/repo"
    [ "$(snapshot_count)" = 0 ]
}

@test "a full disk is an error that names the file, and leaves nothing broken" {
    start_redis a
    cli a eval 'for i = 1, 40 do local t = {} for k = 1, 2000 do t[k] = tostring(math.random()) .. math.random() end
        redis.call("SET", "k" .. i, table.concat(t) .. redis.sha1hex(i)) end' 0 >/dev/null
    run bash -c "ulimit -f 300; exec '$CSTASH' backup -q --redis '$URL_a'" # KiB a file
    nothing_happened
    [[ "$output" == *"could not write"*"$T/repo"* ]] || [[ "$output" == *"File too large"* ]]
    ! find "$T/repo" -name '*-tmp-*' | grep -q .
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" check -q --read-data
}

flip() { # flip FILE OFFSET
    chmod u+w "$1"
    python3 - "$1" "$2" <<'PY'
import sys
path, at = sys.argv[1], int(sys.argv[2])
data = bytearray(open(path, "rb").read())
data[at % len(data)] ^= 1
open(path, "wb").write(data)
PY
}

@test "a flipped bit in a pack, index, snapshot, key or config is found and named" {
    start_redis a
    fill_server a 2000
    "$CSTASH" backup -q --redis "$URL_a"
    cp -a "$T/repo" "$T/good"
    for file in $(cd "$T/repo" && find data index snapshots keys config -type f); do
        for at in 3 40 -3; do
            rm -rf "$T/repo"
            cp -a "$T/good" "$T/repo"
            flip "$T/repo/$file" "$at"
            run "$CSTASH" check -q --read-data
            [ "$status" != 0 ] || { echo "$file at $at was not found"; false; }
            [[ "$output" == *"$(basename "$file" | cut -c 1-8)"* ]] || { echo "$file at $at: $output"; false; }
            case $file in
            index/* | snapshots/* | config) run "$CSTASH" restore -q --dry-run; [ "$status" != 0 ] ;;
            esac
        done
    done
}

@test "a truncated or missing pack is found and named by check and by restore" {
    start_redis a
    fill_server a 2000
    "$CSTASH" backup -q --redis "$URL_a"
    pack=$(find "$T/repo/data" -type f -size +20k | head -n 1)
    cp -a "$T/repo" "$T/good"
    for cut in 1 1000 5000; do
        chmod u+w "$pack"
        truncate -s -$cut "$pack"
        run "$CSTASH" check -q
        [ "$status" = 1 ]
        [[ "$output" == *"$(basename "$pack" | cut -c 1-8)"* ]]
    done
    truncate -s 100 "$pack"
    run "$CSTASH" restore -q --dry-run
    [ "$status" = 1 ]
    [[ "$output" == *"$(basename "$pack" | cut -c 1-8)"* ]]
    rm -f "$pack"
    run "$CSTASH" restore -q --dry-run
    [ "$status" = 1 ]
    [[ "$output" == *"$(basename "$pack" | cut -c 1-8)"* ]]
}

@test "a dump that was altered inside an intact repository is refused by the restore" {
    start_redis a
    cli a set k v >/dev/null
    "$CSTASH" dump -q --redis "$URL_a" | head -c -40 |
        restic backup -q --stdin --stdin-filename dumpfile.resp --host host-0
    run "$CSTASH" restore -q --redis "$URL_a"
    [ "$status" = 1 ]
    [[ "$output" == *"cut"* ]] || [[ "$output" == *"ends"* ]]
}

@test "a manifest that disagrees with its dump fails the restore" {
    start_redis a
    cli a set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    mkdir "$T/tree"
    restic dump latest dumpfile.resp >"$T/tree/dumpfile.resp"
    restic dump latest dumpfile.manifest.json | sed 's/"elements":1/"elements":2/g' >"$T/tree/dumpfile.manifest.json"
    (cd "$T/tree" && restic backup -q --host host-0 dumpfile.resp dumpfile.manifest.json)
    run "$CSTASH" restore -q --host host-0 --redis "$URL_a"
    [ "$status" = 1 ]
    [[ "$output" == *"not what was backed up"* ]]
}

@test "an RDB file that is cut or altered is an error that names the file" {
    local good=$ROOT/fuzz/corpus/rdb/types-7.0.rdb size n
    size=$(stat -c %s "$good")
    for n in 0 5 9 100 5000 $((size - 9)) $((size - 1)); do
        head -c "$n" "$good" >"$T/cut.rdb"
        run "$CSTASH" dump -q --from-rdb "$T/cut.rdb"
        [ "$status" = 1 ]
        [[ "$output" == *"$T/cut.rdb"* ]]
    done
    cp "$good" "$T/bad.rdb"
    flip "$T/bad.rdb" 3000
    run "$CSTASH" load -q --dry-run "$T/bad.rdb"
    [ "$status" = 1 ]
}

@test "auto says in one line why it fell back from replication" {
    start_redis a --rename-command PSYNC ""
    cli a set k v >/dev/null
    run "$CSTASH" backup -q --redis "$URL_a"
    [ "$status" = 0 ]
    [ "$(grep -c 'falling back to SCAN' <<<"$output")" = 1 ]
    "$CSTASH" show --manifest | grep -q '"point_in_time":false'
    run "$CSTASH" backup -q --source replication --redis "$URL_a"
    [ "$status" = 1 ]
}
