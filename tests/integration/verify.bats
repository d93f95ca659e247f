# SPDX-License-Identifier: Apache-2.0
# Verification by hand: what is good is found good, and what was made wrong on purpose is not.
load ../harness/env.bash
load ../harness/versions.bash
load ../harness/cluster.bash

setup() {
    setup_folder
    start_redis a
    "$CSTASH" init -q
    export TMPDIR=$T/tmp
    mkdir "$TMPDIR"
}
teardown() {
    local left
    left=$(ls -A "$TMPDIR" 2>/dev/null)
    end_all
    [ -z "$left" ] || { echo "left in TMPDIR: $left"; return 1; }
}

backup() { "$CSTASH" backup -q --redis "${1:-$URL_a}" "${@:2}"; }
verify() { run "$CSTASH" verify "$@"; }
servers() { pgrep -f "unixsocket.$TMPDIR" | wc -l; }
a_server_runs() { [ "$(servers)" -ge 1 ]; }
no_server_runs() { [ "$(servers)" = 0 ]; }
verdict() { # verdict EXPRESSION [ID]: of the verification of the only, or that, snapshot; v is None: there is none
    "$CSTASH" snapshots --json -q ${2:+"$2"} | python3 -c '
import json, sys
v = json.load(sys.stdin)[-1].get("verification")
print(eval(sys.argv[1]))' "$1"
}

# plant: the dump and manifest in $T/w as a snapshot of nobody in particular; sets ID
plant() {
    ID=$(cd "$T/w" && restic backup -q --json --host planted dumpfile.resp dumpfile.manifest.json |
        python3 -c 'import json, sys; print([json.loads(l) for l in sys.stdin][-1]["snapshot_id"])')
}
lie() { # lie EXPRESSION: change the manifest m
    python3 - "$T/w/dumpfile.manifest.json" "$1" <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(m, open(sys.argv[1], "w"))
PY
}

@test "every type is verified at both levels; the list, JSON and restic agree; nothing is left behind" {
    local id digest
    fill "$PORT_a" pending
    backup
    digest=$(digest a)
    id=$(ls "$T/repo/snapshots")
    verify --level data
    says 0 "verified: data read back" "$digest are those of the manifest"
    [ "$(verdict '(v["good"], v["level"], v["digest"] == "'"$digest"'", "restore_ms" in v)')" = "(True, 'data', True, False)" ]
    verify --json
    says 0
    [ "$(python3 -c 'import json, sys; v = json.loads(sys.argv[1]); print(v["outcome"], v["level"], v["keys"], v["restore_ms"] >= 0, v["server"])' "$output")" = \
        "verified restore $(cli a info keyspace | awk -F '[=,]' '/^db/ {n += $2} END {print n}') True Redis 7.0.15" ]
    [ "$(verdict '(v["good"], v["level"])')" = "(True, 'restore')" ]
    "$CSTASH" snapshots -q | grep -q 'verified: restored into Redis 7.0.15 in'
    [ -f "$T/repo/snapshots/$id" ] # its ID is what it was
    # The one record, of another host and path, and older than what it is about.
    [ "$(snapshot_count)" = 1 ]
    restic snapshots --json | python3 -c '
import json, sys
record, s = sorted(json.load(sys.stdin), key=lambda s: s["time"])
assert record["tags"] == ["cstash-verification"] and record["hostname"] != s["hostname"], record
assert s["paths"] == ["/dumpfile.resp"], s'
    restic check -q
    restic dump latest dumpfile.resp | cmp - <("$CSTASH" show)
    "$CSTASH" check -q
    [ "$(servers)" = 0 ]
}

@test "payloads as the server's own, parts by name, and a snapshot read by SCAN are verified" {
    fill "$PORT_a" pending
    for how in "--format restore" "--source scan" "--match *list*" "--db 9"; do
        # shellcheck disable=SC2086
        backup "$URL_a" $how
        verify "$(ls -t "$T/repo/snapshots" | head -n 1)"
        says 0 "the server holds the same"
    done
}

@test "nine of ten keys have expired by now: it is verified all the same, values and all" {
    cli a eval 'for i = 1, 900 do redis.call("SET", "k" .. i, "value" .. i, "PX", 2000) end
        for i = 1, 100 do redis.call("SET", "stays" .. i, i) end' 0
    backup
    sleep 2.5
    verify --ask 'GET k900 => value900' --ask 'DBSIZE => 1000'
    says 0 "1,000 keys" "2 questions were answered"
    "$CSTASH" restore -q --redis "$URL_a" --existing flush --yes --safety-copy skip
    [ "$(cli a dbsize)" = 100 ]
}

@test "fields that expire, libraries and a value of a newer server: verified by one that can hold them, by an older one not verifiable" {
    local new old
    new=$("$ROOT/tests/servers/build" redis-7.4)/redis-server
    old=$("$ROOT/tests/servers/build" redis-6.2)/redis-server
    start_version redis-7.4 n
    cli n hset h f v g w
    cli n hpexpire h 1000 FIELDS 1 f
    cli n function load $'#!lua name=lib\nredis.register_function("f", function() return 1 end)'
    for format in commands restore; do
        cli n hset h f v
        cli n hpexpire h 1000 FIELDS 1 f
        backup "$URL_n" --format $format
        sleep 1.5
        verify --server "$new"
        says 0 "the server holds the same"
        verify --server "$old"
        says 3 "is not verifiable: Redis 6.2" "cannot hold all of it"
        [ "$(verdict 'v["good"]')" = True ] # what was found before stays
        "$CSTASH" forget -q latest
    done
}

@test "a snapshot of a cluster, and servers of other makers and newer versions" {
    local server
    start_cluster c 3 0
    fill_cluster c 1500
    backup "$URL_c"
    verify
    says 0 "1,500 keys" "the server holds the same"
    fill "$PORT_a" pending
    backup
    for server in redis-8.6 valkey-9.1; do
        verify --target "$(hostname):$PORT_a" --server "$(version_program $server)"
        says 0 "the server holds the same"
    done
}

flip() { # flip FILE AT: a bit of the byte there
    python3 - "$@" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    b = f.read(1)[0]
    f.seek(-1, 1)
    f.write(bytes([b ^ 4]))
PY
}

@test "a bit that flipped: failed at both levels, told in the list, and no server stays" {
    local pack
    cli a eval 'for i = 1, 2000 do redis.call("SET", "k" .. i, string.rep(tostring(i * 7919), 50)) end' 0
    backup
    verify
    says 0
    pack=$(find "$T/repo/data" -type f -size +8k | head -n 1)
    chmod u+w "$pack"
    # Wherever it is: dump, manifest, index of the keys.
    for at in 20 3000 7600 20000 $(($(stat -c %s "$pack") / 2)); do
        flip "$pack" $at
        for level in data restore; do
            verify --level $level --no-cache
            says 1 "is not good"
            [ "$(verdict '(v["good"], v["level"])')" = "(False, '$level')" ]
        done
        flip "$pack" $at # back again
    done
    "$CSTASH" snapshots -q | grep -q 'verification failed: '
    [ "$(servers)" = 0 ]
}

@test "a manifest that lies: of counts, of digests, of a key that is not there" {
    mkdir "$T/w"
    fill "$PORT_a"
    backup
    "$CSTASH" show >"$T/w/dumpfile.resp"
    "$CSTASH" show --manifest >"$T/truth"
    for what in 'm["keys"] += 1' 'm["digest"] = "0" * 32' 'm["databases"][0]["digest"] = "0" * 32' \
        'm["databases"][0]["types"]["list"]["elements"] -= 1' 'm["functions"]["count"] = 0; m["digest"] = "1" * 32'; do
        cp "$T/truth" "$T/w/dumpfile.manifest.json"
        lie "$what"
        plant
        for level in data restore; do
            verify --level $level "$ID"
            says 1 "is not good"
        done
    done
    [ "$(verdict 'v["good"]' "$ID")" = False ]
}

@test "what reads well and cannot be loaded fails at the level restore, or is not verifiable where the server is the older one" {
    mkdir "$T/w"
    printf '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*4\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n$7\r\nREPLACE\r\n$11\r\nno library!\r\n' >"$T/w/dumpfile.resp"
    "$CSTASH" digest --json "$T/w/dumpfile.resp" >"$T/w/dumpfile.manifest.json"
    lie 'm.update(version=1, bytes=1, source=dict(kind="scan", point_in_time=False, server="redis", server_version="7.0.15"))'
    plant
    verify --level data "$ID"
    says 0
    verify "$ID"
    says 1 "is not good"
    verify --level data "$ID" # says less, so the other stands
    says 0 "stands"
    [ "$(verdict '(v["good"], v["level"])' "$ID")" = "(False, 'restore')" ]
    lie 'm["source"]["server_version"] = "99.0.0"'
    plant
    verify "$ID"
    says 3 "is not verifiable: Redis 7.0.15 does not take all of it, which is of redis 99.0.0"
    [ "$(verdict v "$ID")" = None ]
}

@test "not verifiable: no server, one that does not start, too little memory, no manifest" {
    cli a eval 'for i = 1, 50 do redis.call("SET", "k" .. i, string.rep("x", 1000000)) end' 0
    backup
    verify --server /bin/false
    says 3 "is not verifiable: the throw-away server ended (exit code 1)"
    printf '#!/bin/sh\necho no luck today >&2\nexit 7\n' >"$T/bad"
    chmod +x "$T/bad"
    verify --server "$T/bad"
    says 3 "(exit code 7): no luck today"
    verify --server /nowhere/redis-server
    says 3 "cannot run the server /nowhere/redis-server"
    PATH=/nowhere verify --json
    says 3 '"outcome":"not verifiable"' "neither redis-server nor valkey-server"
    verify --max-memory 20M
    says 3 "its data take about"
    [ "$(verdict v)" = None ]
    # More than the manifest lets expect: the server is full in the middle.
    mkdir "$T/w"
    "$CSTASH" show >"$T/w/dumpfile.resp"
    "$CSTASH" show --manifest >"$T/w/dumpfile.manifest.json"
    lie 'm["bytes"] = 1; del m["source"]["dataset_memory"]'
    plant
    verify --max-memory 20M "$ID"
    says 3 "the values alone have 50,000,000 bytes"
    [[ "$output" != *hint* ]]
    verify "$ID"
    says 0
    cli a flushall
    cli a debug populate 300000
    backup
    "$CSTASH" show --target "$(hostname):$PORT_a" >"$T/w/dumpfile.resp"
    "$CSTASH" show --target "$(hostname):$PORT_a" --manifest >"$T/w/dumpfile.manifest.json"
    lie 'm["bytes"] = 1; del m["source"]["dataset_memory"]'
    plant
    verify --max-memory 20M "$ID"
    says 3 "is not verifiable" "OOM"
    echo 'SET a 1' | restic backup -q --stdin --stdin-filename dumpfile.resp --host x
    verify --host x
    says 3 "it has no manifest" "cstash audit"
    [ "$(servers)" = 0 ]
}

@test "a server that is killed while it loads says nothing of the backup" {
    cli a eval 'for i = 1, 100000 do redis.call("SET", "k" .. i, string.rep("x", 300)) end' 0
    backup
    # As where the kernel takes its memory away: when it has grown to 24 MiB.
    cat >"$T/doomed" <<'SH'
#!/bin/sh
(while [ "$(cut -d ' ' -f 2 /proc/$$/statm)" -lt 6000 ]; do sleep 0.01; done; kill -9 $$) </dev/null &
exec redis-server "$@"
SH
    chmod +x "$T/doomed"
    verify --server "$T/doomed"
    says 3 "is not verifiable: the throw-away server ended (signal 9)"
    [ "$(verdict v)" = None ]
}

@test "questions: right, wrong, in databases, and those that may not be asked" {
    cli a set greeting "hello world"
    cli a set secret hunter2
    cli a rpush jobs a b c
    cli a -n 5 hset user name bob
    backup
    verify --ask 'GET greeting => "hello world"' --ask 'LRANGE jobs 0 -1 => a b c' --ask 'GET gone => (nil)' \
        --ask '-n 5 HGET user name => bob' --ask 'DBSIZE => 3' --ask 'LLEN jobs >= 2'
    says 0 "6 questions were answered as expected"
    [ "$(verdict 'v["questions"]')" = 6 ]
    verify --ask 'GET secret => hunter3'
    says 1 "the answer to 'GET secret' is not the one that was expected"
    [[ "$output" != *hunter2* ]]
    [ "$(verdict 'v["good"]')" = False ]
    verify --ask 'DBSIZE >= 4'
    says 1 "the answer to 'DBSIZE' is 3"
    verify --ask 'LLEN secret => 1'
    says 1 "is an error: WRONGTYPE"
    for q in 'SET a b => OK' 'GET a' 'CONFIG GET dir => x' 'DEBUG SLEEP 0 => OK'; do
        verify --ask "$q"
        says 2 "the question"
    done
    verify --level data --ask 'DBSIZE => 3'
    says 2 "needs no server"
}

@test "the last verified snapshot stays, whatever the policy, until another one is verified; a failed one changes nothing" {
    local first second
    cli a set k 1
    backup
    verify
    first=$("$CSTASH" snapshots --json -q | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
    for i in 2 3 4; do
        cli a set k $i
        backup
    done
    verify --ask 'GET k => 1'
    says 1
    run "$CSTASH" forget --keep-last 1 --prune
    says 0 "last one that was verified" "2 snapshots removed"
    "$CSTASH" snapshots -q "$first" | grep -q verified
    run "$CSTASH" forget --guarded "$first"
    says 1 "it is the only one of its target that was verified"
    second=$("$CSTASH" snapshots --json -q | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["id"])')
    verify "$second"
    says 0
    run "$CSTASH" forget --keep-last 1 --prune --json -q
    says 0 "last one that was verified"
    [ "$(snapshot_count)" = 1 ]
    # With it went what was found of it.
    [ "$(restic snapshots --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 2 ]
    restic check -q --read-data
    "$CSTASH" forget -q "$second" --prune --unsafe-allow-remove-all
    [ "$(ls "$T/repo/snapshots" | wc -l)" = 0 ]
}

@test "a verdict follows a snapshot whose tags or target change, and a copy elsewhere has none" {
    cli a set k 1
    backup
    verify
    "$CSTASH" tag -q --add kept
    [ "$(verdict 'v["good"]')" = True ]
    restic -r "$T/other" init -q
    "$CSTASH" copy -q -r "$T/other" --from-repo "$T/repo" --from-password-file <(echo secret)
    RESTIC_REPOSITORY=$T/other run verdict v
    says 0 None
    [ "$(restic -r "$T/other" snapshots --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 1 ]
}

@test "interrupted or killed: no server stays, no folder, and the repository is whole" {
    local pid
    cli a eval 'for i = 1, 200000 do redis.call("SET", "k" .. i, string.rep("x", 200)) end' 0
    backup
    for signal in INT TERM KILL; do
        "$CSTASH" verify -q 3>&- >/dev/null 2>&1 &
        pid=$!
        until_true a_server_runs
        kill -$signal "$pid"
        wait "$pid" || true
        until_true no_server_runs
        [ -z "$(ls -A "$TMPDIR")" ]
    done
    "$CSTASH" unlock -q
    restic check -q
    [ "$(verdict v)" = None ]
}
