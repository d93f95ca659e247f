# A Redis through a repository and back, with the real restic and redis-cli on either side.
load ../harness/env.bash

setup() {
    need restic
    setup_folder
    start_redis a
    start_redis b
    "$CSTASH" load -q --redis "$URL_a" "$ROOT/tests/golden/rdb/redis-7.0.rdb" >/dev/null
    # keys enough that all stages and several chunks are in play
    cli a eval 'for i = 1, 60000 do redis.call("SET", "key:" .. i, string.rep(tostring(i), 8)) end
        for i = 1, 3000 do redis.call("HSET", "h:" .. i, "f", i, "g", "x") end
        redis.call("SELECT", 7) for i = 1, 5000 do redis.call("RPUSH", "l:" .. i % 50, i) end' 0 >/dev/null
}

teardown() {
    end_all
}

debug_digests_equal() {
    local db
    for db in 0 3 7 15; do # DEBUG DIGEST is of all databases; the keys of each are compared besides
        [ "$(cli a -n $db dbsize)" = "$(cli b -n $db dbsize)" ]
    done
    [ "$(cli a debug digest)" = "$(cli b debug digest)" ]
    [ "$(digest a)" = "$(digest b)" ]
}

clean() {
    restic check --read-data >"$T/check.out" 2>&1 || { cat "$T/check.out"; return 1; }
    "$CSTASH" check -q --read-data
}

backup_and_look() { # backup_and_look [arguments of backup]
    "$CSTASH" backup -q --redis "$URL_a" "$@"
    clean
    restic snapshots --json | grep -q '"paths":\["/dumpfile.resp"\]'
    restic snapshots --json | grep -q "\"hostname\":\"127.0.0.1:$PORT_a\""
    restic ls latest | grep -qx /dumpfile.resp
    restic ls latest | grep -qx /dumpfile.manifest.json
}

both_ways() {
    "$CSTASH" init -q --repository-version "$1"
    backup_and_look --source "$2" --format "$3"
    "$CSTASH" restore -q --redis "$URL_b" | grep -q 'are those of the backup'
    debug_digests_equal
    cli b flushall >/dev/null
    cli b function flush >/dev/null
    restic dump latest dumpfile.resp | redis-cli -p "$PORT_b" --pipe | grep -q 'errors: 0'
    debug_digests_equal
}

@test "version 1, replication, commands: cstash and restic give the same data back" {
    both_ways 1 replication commands
}

@test "version 2, replication, commands: cstash and restic give the same data back" {
    both_ways 2 replication commands
}

@test "version 2, replication, restore: cstash and restic give the same data back" {
    both_ways 2 replication restore
}

@test "version 2, scan, commands: cstash and restic give the same data back" {
    both_ways 2 scan commands
}

@test "version 1, scan, restore: cstash and restic give the same data back" {
    both_ways 1 scan restore
}

from_restic() { # from_restic VERSION
    restic init -q --repository-version "$1"
    "$CSTASH" dump -q --redis "$URL_a" |
        restic backup -q --stdin --stdin-filename dumpfile.resp --host host-0
    "$CSTASH" snapshots | grep -q dumpfile.resp
    "$CSTASH" restore -q --redis "$URL_b"
    debug_digests_equal
    clean
}

@test "a dump that restic stored in version 1 is restored" {
    from_restic 1
}

@test "a dump that restic stored in version 2 is restored" {
    from_restic 2
}

@test "a dump of Stash's tool that restic stored is restored without its marker" {
    restic init -q
    python3 - <<'PY' | restic backup -q --stdin --stdin-filename dumpfile.resp --host host-0
import sys
def put(*a):
    sys.stdout.write("*%d\r\n" % len(a) + "".join("$%d\r\n%s\r\n" % (len(x), x) for x in a))
put("SELECT", "0")
for i in range(100):
    put("SET", "s%d" % i, "v%d" % i)
    put("RPUSH", "l%d" % i, "a", "b")
    put("EXPIREAT", "s%d" % i, "4102444800")
put("SET", "__redisdump_total_keys", "201")
PY
    "$CSTASH" restore -q --redis "$URL_b"
    [ "$(cli b dbsize)" = 200 ]
    [ "$(cli b exists __redisdump_total_keys)" = 0 ]
    [ "$(cli b expiretime s7)" = 4102444800 ]
}

@test "several passwords open one repository, for both programs" {
    "$CSTASH" init -q
    backup_and_look
    RESTIC_NEW_PASSWORD=second "$CSTASH" key add
    RESTIC_PASSWORD=second restic snapshots -q
    RESTIC_PASSWORD=second "$CSTASH" restore -q --redis "$URL_b"
    debug_digests_equal
    printf third >"$T/third"
    restic key add --new-password-file "$T/third"
    RESTIC_PASSWORD=third "$CSTASH" snapshots | grep -q "127.0.0.1:$PORT_a"
    [ "$("$CSTASH" key list | grep -c '^[ *][0-9a-f]\{8\}')" = 3 ]
    RESTIC_PASSWORD=third "$CSTASH" key remove "$("$CSTASH" key list | awk '/^\*/ {print substr($1, 2)}')"
    run "$CSTASH" snapshots
    [ "$status" = 12 ]
}

@test "a second backup of the same data stores almost nothing" {
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    run "$CSTASH" backup --json -q --redis "$URL_a"
    python3 -c 'import json, sys; r = json.loads(sys.argv[1]); assert r["data_added"] < 200000, r' "$output"
    clean
}

@test "restic forgets and prunes what we wrote, and what is left is whole" {
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    cli a flushdb >/dev/null
    cli a set only this >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    restic forget -q --keep-last 1 --prune >/dev/null
    clean
    "$CSTASH" restore -q --redis "$URL_b"
    debug_digests_equal
}

@test "a filter takes one database, and names that match, at the source and at the target" {
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a" --db 0 --match 'h:1*'
    part=$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["short_id"])')
    run "$CSTASH" restore -q --redis "$URL_b"
    [ "$status" = 1 ]
    "$CSTASH" restore -q --redis "$URL_b" --db 0 --match 'h:1*'
    [ "$(cli b dbsize)" = "$(cli a --scan --pattern 'h:1*' | wc -l)" ]
    [ "$(cli b info keyspace | grep -c ^db)" = 1 ]
    cli b flushall >/dev/null
    "$CSTASH" restore -q --redis "$URL_b" --match 'h:100?' "$part"
    [ "$(cli b dbsize)" = 10 ]
}

@test "any stream is stored and comes back as it was" {
    "$CSTASH" init -q
    head -c 9000000 /dev/urandom >"$T/in"
    "$CSTASH" backup -q --stdin --stdin-filename a/b.bin <"$T/in"
    restic dump latest /a/b.bin | cmp - "$T/in"
    "$CSTASH" show --path /a/b.bin | cmp - "$T/in"
    clean
    run "$CSTASH" backup -q --stdin </dev/null
    [ "$status" = 1 ]
    [[ "$output" == *"the input is empty"* ]]
}
