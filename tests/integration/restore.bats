# SPDX-License-Identifier: Apache-2.0
# What a restore says is what the target holds; and nothing is destroyed that nobody meant to lose.
load ../harness/env.bash

setup() {
    setup_folder
    start_redis a
    "$CSTASH" init -q
}
teardown() { end_all; }

restore() { # restore NAME [arguments]: into server NAME
    local url
    eval "url=\$URL_$1"
    shift
    run "$CSTASH" restore -q --redis "$url" "$@" latest </dev/null
}

never_says() { [[ "$output" != *"$1"* ]] || { echo "$output"; return 1; }; }

@test "a target that evicts while it is loaded is an error, and nothing is called equal" {
    start_redis b --maxmemory 8mb --maxmemory-policy allkeys-lru
    cli a eval 'for i = 1, 1300 do redis.call("SET", "k" .. i, string.rep("x", 10000)) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    restore b
    says 1 "they may not fit" "evicted" "maxmemory 8,388,608 bytes, allkeys-lru"
    never_says "are those of the backup"
}

@test "data that cannot fit are foreseen, before a target is emptied" {
    start_redis b
    cli a eval 'for i = 1, 1300 do redis.call("SET", "k" .. i, string.rep("x", 10000)) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    cli b set here 1
    cli b config set maxmemory 5mb
    for policy in noeviction allkeys-lru; do
        cli b config set maxmemory-policy $policy
        for existing in flush replace; do
            restore b --existing $existing --yes
            says 1 "nothing was " "written: the data took 1" "has a maxmemory of 5,242,880" "CONFIG SET maxmemory"
            [ "$(cli b get here)" = 1 ]
            [ "$(cli b dbsize)" = 1 ]
        done
    done
    restore b --existing replace --yes --match k1
    says 0
    cli b config set maxmemory 0
    restore b --existing flush --yes
    says 0 "are those of the backup"
}

@test "values that cannot fit are foreseen without a figure: of a file, and of a part" {
    local policy
    start_redis b
    cli a eval 'for i = 1, 1300 do redis.call("SET", "k" .. i, string.rep("x", 10000)) end' 0
    cli a -n 1 set small 1
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    "$CSTASH" backup -q --redis "$URL_a"
    cli b set here 1
    cli b config set maxmemory 5mb
    for policy in noeviction allkeys-lru; do
        cli b config set maxmemory-policy $policy
        run "$CSTASH" load -q --redis "$URL_b" --existing flush --yes "$T/dump"
        says 1 "nothing was emptied or written: the values alone have 13,000,000 bytes" "has a maxmemory of 5,242,880"
        restore b --existing flush --yes --db 0
        says 1 "nothing was emptied or written: the values alone have 13,000,000 bytes"
        [ "$(cli b get here)" = 1 ]
    done
    "$CSTASH" backup -q --redis "$URL_a" --db 0 --tag part
    run "$CSTASH" restore -q --redis "$URL_b" --existing flush --yes \
        "$("$CSTASH" snapshots --tag part --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')"
    says 1 "nothing was emptied or written: the values alone have 13,000,000 bytes"
    [ "$(cli b get here)" = 1 ]
    "$CSTASH" backup -q --redis "$URL_a"
    restore b --existing flush --yes --db 1
    says 0
    [ "$(cli b -n 1 get small)" = 1 ]
}

@test "what clients and other keys take at the source refuses no restore" {
    local i
    start_redis b --maxmemory 10mb
    cli a mset a 1 b 2 c 3
    exec 9<>"/dev/tcp/127.0.0.1/$PORT_a"
    cat <&9 >/dev/null 2>&1 3>&- &
    PIDS+=("$!")
    for i in $(seq 60); do
        printf '*2\r\n$9\r\nSUBSCRIBE\r\n$500000\r\n%0500000d\r\n' "$i" >&9
    done
    for _ in $(seq 200); do
        [ "$(cli a client list type pubsub | grep -c ' sub=60 ')" = 1 ] && break
        sleep 0.1
    done
    [ "$(cli a info memory | sed -n 's/^used_memory_dataset:\([0-9]*\).*/\1/p')" -gt 25000000 ]
    "$CSTASH" backup -q --redis "$URL_a"
    restore b --existing flush --yes
    says 0 "are those of the backup"
    cli a -n 1 eval 'for i = 1, 3000 do redis.call("SET", "k" .. i, string.rep("x", 10000)) end' 0
    "$CSTASH" backup -q --redis "$URL_a" --db 0 --tag part
    [[ "$("$CSTASH" snapshots --tag part --json)" != *dataset_memory* ]]
    run "$CSTASH" restore -q --redis "$URL_b" --existing flush --yes \
        "$("$CSTASH" snapshots --tag part --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')"
    says 0
    exec 9>&-
}

@test "keys that were there are kept, filtered out, or in the way: never called equal" {
    start_redis b
    cli a hset big a 1 b 2 c 3
    cli a mset x 1 y 2
    "$CSTASH" backup -q --redis "$URL_a"
    cli b hset big a 1
    restore b --existing skip --yes
    says 0 "restored 2 keys from" "1 kept, 0 filtered out" "a partial restore" "kept as they were"
    never_says "are those of the backup"
    restore b --yes
    says 0 "restored 3 keys from" "not proven by counts: 127.0.0.1:$PORT_b held 3 keys before, and holds 3 now"
    cli b flushall
    restore b --match 'x*'
    says 0 "restored 1 key from" "0 kept, 2 filtered out" "a partial restore"
    restore b --match 'nothing*' --yes
    says 1 'nothing was written: none of the 3 keys of the dump matches "nothing*"'
    restore b --db 7 --yes
    says 1 "none of the 3 keys of the dump is in that database"
    cli b flushall
    restore b
    says 0 "counts and digest" "are those of the backup; 127.0.0.1:$PORT_b holds its 3 keys"
    run "$CSTASH" restore -q --json --redis "$URL_b" --yes
    python3 -c 'import json, sys; r = json.loads(sys.argv[1]); assert not r["equal"] and r["target_keys_before"] == 3, r' "$output"
}

@test "a dry run counts what a filter would take" {
    cli a mset x 1 y 2 z 3
    "$CSTASH" backup -q --redis "$URL_a"
    restore a --dry-run --match 'x*'
    says 0 "dry run: would restore 1 key" "2 filtered out" "nothing was sent"
}

@test "keys whose time is over are counted as expired, and only these may be missing" {
    start_redis b
    cli a eval 'for i = 1, 50 do redis.call("SET", "gone" .. i, 1, "PX", 1500) redis.call("SET", "k" .. i, 1) end' 0
    cli a set later 1 EX 100000
    "$CSTASH" backup -q --redis "$URL_a"
    python3 -c 'import time; time.sleep(2)'
    restore b
    says 0 "50 expired" "are those of the backup"
    [ "$(cli b dbsize)" = 51 ]
}

@test "what expired in one database hides no loss in another" {
    start_redis b
    cli a eval 'for i = 1, 60 do redis.call("SET", "k" .. i, 1) end' 0
    cli a -n 1 eval 'for i = 1, 50 do redis.call("SET", "gone" .. i, 1, "PX", 1500) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    python3 -c 'import time; time.sleep(2)'
    meddle ECHO "DEL $(printf 'k%s ' $(seq 20))" # which ends the load
    run "$CSTASH" restore --redis "redis://127.0.0.1:$MEDDLER"
    says 1 "holds 40 keys in database 0 after 60 were sent (0 expired)"
}

@test "a server is emptied only for a snapshot whose packs are all there" {
    start_redis b
    cli a eval 'for i = 1, 300 do redis.call("SET", "k" .. i, string.rep(tostring(math.random()), 500)) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    cli b mset live1 1 live2 2
    local pack
    while read -r pack; do
        mv "$pack" "$T/pack"
        restore b --existing flush --yes
        [ "$status" = 1 ] && [ "$(cli b dbsize)" = 2 ]
        head -c -7 "$T/pack" >"$pack"
        restore b --existing flush --yes
        [ "$status" = 1 ] && [ "$(cli b dbsize)" = 2 ]
        rm -f "$pack"
        mv "$T/pack" "$pack"
    done < <(find "$T/repo/data" -type f)
    "$CSTASH" show | head -c -50 >"$T/cut"
    run "$CSTASH" load -q --existing flush --yes --redis "$URL_b" "$T/cut"
    says 1 "nothing was emptied or written"
    [ "$(cli b dbsize)" = 2 ]
    restore b --existing flush --db 5 --yes
    says 1 "nothing was emptied or written: none of the"
    run "$CSTASH" restore -q --existing flush --match 'k1*' --yes --redis "$URL_b"
    says 2 "--match"
    [ "$(cli b dbsize)" = 2 ]
    restore b --existing flush --yes
    says 0 "are those of the backup"
}

@test "a server is emptied only when there is something to load into it" {
    local input
    start_redis b
    cli b mset x 1 y 2
    cli b function load '#!lua name=lib
redis.register_function("f", function() return 1 end)' >/dev/null
    : >"$T/nothing"
    printf '\r\n\n\r\n' >"$T/newlines"
    printf '<html><body>404</body></html>\r\n' >"$T/html"
    printf '*4\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n0\r\n$1\r\nx\r\n' >"$T/eval"
    { printf '*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n'; cat "$T/eval"; } >"$T/later"
    printf '*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n' >"$T/select"
    "$CSTASH" dump -q --redis "$URL_a" >"$T/empty"
    head -c 20 "$T/empty" >"$T/begun"
    for input in nothing newlines html eval later select begun; do
        run "$CSTASH" load -q --existing flush --yes --redis "$URL_b" <"$T/$input"
        says 1 "nothing was emptied or written"
        run "$CSTASH" load -q --existing flush --yes --redis "$URL_b" "$T/$input"
        says 1 "nothing was"
        [ "$(cli b dbsize)" = 2 ]
        [ -n "$(cli b function list)" ]
    done
    # One database of a dump that has others.
    cli a -n 1 set z 3
    "$CSTASH" dump -q --redis "$URL_a" | run "$CSTASH" load -q --existing flush --db 0 --yes --redis "$URL_b"
    [ "$(cli b dbsize)" = 2 ]
    # A whole dump of an empty server, and one whose first key is in another database.
    "$CSTASH" dump -q --redis "$URL_a" >"$T/one"
    run "$CSTASH" load -q --existing flush --yes --redis "$URL_b" <"$T/one"
    says 0 "restored 1 key"
    [ "$(cli b dbsize)" = 0 ]
    [ "$(cli b -n 1 get z)" = 3 ]
    [ -z "$(cli b function list)" ]
    run "$CSTASH" load -q --existing flush --yes --redis "$URL_b" <"$T/empty"
    says 0 "restored 0 keys"
    [ "$(cli b -n 1 dbsize)" = 0 ]
}

@test "a server is not emptied for a load that could not follow: too few databases, rights that are missing" {
    local user
    start_redis b --databases 4
    cli b mset x 1 y 2
    cli a set k v
    cli a rpush l 1 2
    cli a -n 9 set other nine
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    restore b --existing flush --yes
    says 1 "nothing was emptied or written" "database 9" "databases"
    run "$CSTASH" load -q --existing flush --yes --redis "$URL_b" "$T/dump"
    says 1 "nothing was emptied or written" "database 9"
    [ "$(cli b dbsize)" = 2 ]
    cli a -n 9 flushdb
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    # Only who may ask ACL DRYRUN hears of RPUSH, which cannot be tried.
    cli b acl setuser noset on '>pw' '~*' +@all -acl -set
    cli b acl setuser nopush on '>pw' '~*' +@all -rpush
    cli b acl setuser nokey on '>pw' '~cstash-probe*' '~q*' +@all
    cli b acl setuser nofunction on '>pw' '~*' +@all '-function|flush'
    for user in noset:SET nopush:RPUSH "nokey:first key" "nofunction:FUNCTION FLUSH"; do
        run "$CSTASH" restore -q --existing flush --yes --redis "redis://${user%%:*}:pw@127.0.0.1:$PORT_b" latest
        says 1 "nothing was emptied or written" "may not" "${user#*:}"
        run "$CSTASH" load -q --existing flush --yes --redis "redis://${user%%:*}:pw@127.0.0.1:$PORT_b" "$T/dump"
        says 1 "nothing was emptied or written" "${user#*:}"
        [ "$(cli b dbsize)" = 2 ]
    done
    # Rights that the dump does not need are not asked for.
    cli b acl setuser enough on '>pw' '~k' '~l' +@connection +info +set +rpush +del +flushall '+function|flush'
    run "$CSTASH" restore -q --existing flush --yes --safety-copy skip --redis "redis://enough:pw@127.0.0.1:$PORT_b" latest
    says 0 "restored 2 keys"
    [ "$(cli b dbsize)" = 2 ]
    [ "$(cli b get k)" = v ]
}

@test "a dump that ends between MULTI and EXEC is cut" {
    start_redis b
    printf '*1\r\n$5\r\nmulti\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n' >"$T/cut"
    run "$CSTASH" load -q --redis "$URL_b" <"$T/cut"
    says 1 "the dump is cut: the MULTI at byte 0 has no EXEC" "1 key is in"
    cli b flushall
    run "$CSTASH" load -q --redis "$URL_b" "$T/cut"
    says 1 "nothing was written" "MULTI"
    [ "$(cli b dbsize)" = 0 ]
    { cat "$T/cut"; printf '*1\r\n$4\r\nexec\r\n'; } >"$T/whole"
    run "$CSTASH" load -q --redis "$URL_b" "$T/whole"
    says 0 "restored 1 key"
}

@test "a load that breaks off says at least as many keys as are there" {
    start_redis b
    printf '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n' >"$T/cut"
    run "$CSTASH" load -q --redis "$URL_b" <"$T/cut"
    says 1 "1 key is in" "the data ends at byte 40"
    [ "$(cli b dbsize)" = 1 ]
}

@test "a result counts the keys that are there after the dump's commands" {
    local del='*2\r\n$3\r\nDEL\r\n$1\r\na\r\n' set='*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n'
    local expire='*3\r\n$6\r\nEXPIRE\r\n$1\r\na\r\n$1\r\n9\r\n' way
    start_redis b
    for way in replace skip flush; do
        printf "$del" | "$CSTASH" load -q --yes --existing $way --redis "$URL_b" >"$T/out"
        grep -q "^restored 0 keys" "$T/out"
        printf "$set$del" | "$CSTASH" load -q --yes --existing $way --redis "$URL_b" >"$T/out"
        grep -q "^restored 0 keys" "$T/out"
        printf "$expire" | "$CSTASH" load -q --yes --existing $way --redis "$URL_b" >"$T/out"
        grep -q "^restored 0 keys" "$T/out"
        printf "$del$set$expire$set" | "$CSTASH" load -q --yes --existing $way --redis "$URL_b" >"$T/out"
        grep -q "^restored 1 key" "$T/out"
        [ "$(cli b get a)" = 1 ]
        cli b del a
    done
    printf "$set$del" >"$T/dump"
    run "$CSTASH" load -q --dry-run "$T/dump"
    says 0 "would restore 0 keys"
    # What a snapshot does not speak of is not what was backed up.
    "$CSTASH" backup -q --redis "$URL_a"
    cli b -n 3 mset x 1 y 2
    restore b --yes
    says 0 "restored 0 keys" "not proven by counts: 127.0.0.1:$PORT_b held 2 keys before, and holds 2 now"
    never_says "are those of the backup"
    cli a set z 3
    "$CSTASH" backup -q --redis "$URL_a"
    restore b --yes
    says 0 "restored 1 key" "held 2 keys before, and holds 3 now"
    never_says "are those of the backup"
    restore b --yes --db 0 --existing flush
    says 0 "restored 1 key"
    never_says "before"
}

@test "without a terminal: what would be lost needs --yes, an empty server does not" {
    start_redis b
    cli a mset x 1 y 2
    "$CSTASH" backup -q --redis "$URL_a"
    restore a
    says 0 # its own keys, replaced by their own backup
    restore a --existing flush
    says 1 "127.0.0.1:$PORT_a holds 2 keys, which would be removed before" "--yes"
    restore a --existing flush --yes
    says 0 "are those of the backup"
    restore b
    says 0 "are those of the backup"
    restore b
    says 1 "another server than 127.0.0.1:$PORT_b, which holds 2 keys" "--yes"
    cli b flushall
    restore b --existing flush
    says 0
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    run "$CSTASH" load -q --existing flush --redis "$URL_a" <"$T/dump"
    says 1 "would be removed" "--yes"
    [ "$(cli a dbsize)" = 2 ]
}

@test "at a terminal a person is told what goes where, and asked before something is lost" {
    start_redis b
    cli a mset x 1 y 2
    "$CSTASH" backup -q --redis "$URL_a"
    cli b set stranger here
    cat >"$T/person.py" <<'PY'
import os, pty, subprocess, sys
master, slave = pty.openpty()
p = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
os.write(master, sys.argv[1].encode() + b"\n")
print(p.communicate()[0].decode())
sys.exit(p.returncode)
PY
    run python3 "$T/person.py" n "$CSTASH" restore --redis "$URL_b" latest
    [ "$status" != 0 ]

    [[ "$output" == *"UTC) of "*" goes to 127.0.0.1:$PORT_b, which holds 1 key"*"another server"*"[y/N]"*"nothing was written"* ]]
    [ "$(cli b dbsize)" = 1 ]
    run python3 "$T/person.py" y "$CSTASH" restore --redis "$URL_b" latest
    says 0 "restored 2 keys"
    run python3 "$T/person.py" "" "$CSTASH" restore --existing flush --redis "$URL_a" latest
    [ "$status" != 0 ]
    [[ "$output" == *"remove these keys first"*"[y/N]"* ]]
    [ "$(cli a dbsize)" = 2 ]
    run python3 "$T/person.py" yes "$CSTASH" restore --existing flush --redis "$URL_a" latest
    says 0 "are those of the backup"
}

@test "a restore that is interrupted says how many of how many keys are there, and how to go on" {
    start_redis b
    cli a eval 'for i = 1, 200000 do redis.call("RPUSH", "l" .. i, i, string.rep("x", 200)) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    cli b config set maxmemory $(($(cli a info memory | sed -n 's/^used_memory_dataset:\([0-9]*\).*/\1/p') * 6 / 10))
    restore b
    says 1 " of 200,000 keys are in 127.0.0.1:$PORT_b" OOM
    cli b config set maxmemory 0
    cli b flushall
    "$CSTASH" restore -q --redis "$URL_b" latest >"$T/out" 2>&1 3>&- &
    local pid=$! n
    for _ in $(seq 500); do
        n=$(cli b dbsize)
        [ "$n" -gt 1000 ] && break
    done
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    output=$(<"$T/out")
    says 130 "interrupted: " " of 200,000 keys are in 127.0.0.1:$PORT_b; the same command with --resume goes on from there"
    n=$(sed -n 's/.*interrupted: \([0-9,]*\) of.*/\1/p' "$T/out" | tr -d ,)
    [ "$n" -gt 0 ] && [ "$n" -le "$(cli b dbsize)" ] && [ "$(cli b dbsize)" -le $((n + 1)) ]
    restore b --yes
    says 0 "restored 200,000 keys"
    [ "$(digest a)" = "$(digest b)" ]
}

@test "--verify reads back what was restored: every type, beside what was there" {
    start_redis b
    fill "$PORT_a" pending
    cli a set fleeting v EX 30
    "$CSTASH" backup -q --redis "$URL_a"
    restore b --verify
    says 0 "are those of the backup" "read back and compared"
    cli b set stranger here
    restore b --verify --yes
    says 0 "read back from 127.0.0.1:$PORT_b: " "as restored" "left out"
    restore b --verify --yes --match 'big*'
    says 0 "read back from 127.0.0.1:$PORT_b: 3 keys"
    "$CSTASH" dump -q --redis "$URL_a" --format restore >"$T/dump"
    run "$CSTASH" load -q --verify --redis "$URL_b" "$T/dump"
    says 0 "as restored"
    run "$CSTASH" load -q --verify --redis "$URL_b" <"$T/dump"
    says 2 "only a file"
    restore b --verify --existing skip --yes
    says 2 "--existing skip"
}

@test "--verify finds a value that is another, and says when clients write meanwhile" {
    start_redis b
    cli a eval 'for i = 1, 20000 do redis.call("SET", "k" .. i, i) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    meddle ECHO "SET k7 other" # which ends the load
    run "$CSTASH" restore -q --redis "redis://127.0.0.1:$MEDDLER" --verify latest </dev/null
    says 1 "could not verify the restore" "20000 keys with 20000 elements were restored, 20000 with 20000 were read back, with other contents"
    never_says "are those of the backup"
    meddle NO-TOUCH "SET k7 again" # with which the reading begins
    run "$CSTASH" restore -q --redis "redis://127.0.0.1:$MEDDLER" --verify --yes latest </dev/null
    says 1 "changed meanwhile"
    meddle ECHO "DEL k7"
    cli b flushall
    run "$CSTASH" restore -q --redis "redis://127.0.0.1:$MEDDLER" latest </dev/null
    says 1 "the target does not hold what was restored" "holds 19,999 keys in database 0 after 20,000 were sent"
}

@test "check --read-data reads dumps as a restore would, and names those that it would refuse" {
    cli a mset x 1 y 2
    "$CSTASH" backup -q --redis "$URL_a"
    head -c 100000 /dev/urandom | "$CSTASH" backup -q --stdin # no dump, under its name
    run "$CSTASH" check -q --read-data
    says 0
    run "$CSTASH" check -q --read-data --json
    says 0 '"dumps_read":1'
    printf '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*1\r\n$8\r\nFLUSHALL\r\n' | "$CSTASH" backup -q --stdin
    "$CSTASH" show --host "127.0.0.1:$PORT_a" | head -c -20 | "$CSTASH" backup -q --stdin
    run "$CSTASH" check -q --read-data
    says 1 "cannot be restored: FLUSHALL at byte 27 of the dump" "cannot be restored: the data ends at byte" "2 of 3 dumps cannot be restored"
    run "$CSTASH" check -q
    says 0
}

@test "a user who may not ask INFO: the keys are counted; nor DBSIZE: nothing is called proven" {
    start_redis b
    cli a mset x 1 y 2
    "$CSTASH" backup -q --redis "$URL_a"
    cli b acl setuser writer on '>pw' '~*' +@write +select +echo +ping +dbsize
    export REDISCLI_AUTH=pw
    run "$CSTASH" restore -q --redis "redis://writer@127.0.0.1:$PORT_b" latest </dev/null
    says 0 "are those of the backup"
    run "$CSTASH" restore -q --redis "redis://writer@127.0.0.1:$PORT_b" latest </dev/null
    says 1 "which holds 2 keys" "--yes"
    unset REDISCLI_AUTH
    cli b acl setuser writer -dbsize
    cli b flushall
    export REDISCLI_AUTH=pw
    run "$CSTASH" restore -q --redis "redis://writer@127.0.0.1:$PORT_b" latest </dev/null
    says 1 "perhaps" "--yes"
    run "$CSTASH" restore -q --yes --safety-copy skip --redis "redis://writer@127.0.0.1:$PORT_b" latest </dev/null
    says 0 "not proven"
    never_says "are those of the backup"
    unset REDISCLI_AUTH
}

@test "keys that expired meanwhile do not count as restored" {
    start_redis b
    local i
    for i in $(seq 20); do cli a set "short$i" v px 3600000; done >/dev/null
    cli a set stays v
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    # a dump of the same keys whose time was over long ago
    sed -E 's/^[0-9]{13}\r$/1000000000000\r/' "$T/dump" | grep -av 'cstash' >"$T/old"
    python3 - "$T/old" <<'PY'
import re, sys
data = open(sys.argv[1], "rb").read()
open(sys.argv[1], "wb").write(re.sub(rb"\*2\r\n\$4\r\nECHO\r\n\$\d+\r\n", b"", data))
PY
    run "$CSTASH" load --redis "$URL_b" "$T/old"
    [ "$status" = 0 ]
    [[ "$output" == *"restored 1 key from"*"0 kept, 0 filtered out, 20 expired"* ]] || { echo "$output"; false; }
    run "$CSTASH" load -q --json --redis "$URL_b" "$T/old"
    [[ "$output" == *'"keys_sent":21,"keys_restored":1,'*'"keys_expired":20'* ]] || { echo "$output"; false; }
}

@test "a moment chooses the snapshot; times are those that clocks show here, with their offset" {
    export TZ=Europe/Berlin
    start_redis b
    for day in 01 02 03; do
        cli a set day $day >/dev/null
        "$CSTASH" backup -q --redis "$URL_a" --time "2026-07-$day 02:00:00"
    done
    run "$CSTASH" snapshots
    says 0 "2026-07-02T02:00:00+02:00"
    restore b --yes --before "2026-07-02 12:00:00"
    [ "$status $(cli b get day)" = "0 02" ]
    restore b --yes --before "2026-07-03T00:00:00Z" # 02:00:00 here: the table's second is included
    [ "$status $(cli b get day)" = "0 03" ]
    run "$CSTASH" restore -q --yes --redis "$URL_b" --before "2026-07-03 12:00:00" latest:2 </dev/null
    [ "$status $(cli b get day)" = "0 01" ]
    restore b --yes --before "2026-06-30 12:00:00"
    says 1 "no snapshot matches"
    run "$CSTASH" restore -q --redis "$URL_b" --before "2026-07-02 12:00:00" abcd1234 </dev/null
    says 2 "--before chooses a snapshot: leave out abcd1234"
}

@test "several globs, and some that are not wanted: the same from every source and into every sink" {
    cli a mset user:1 a user:2 b user:tmp c cart:1 d cart:tmp e other f >/dev/null
    start_redis b
    for source in replication scan; do
        run "$CSTASH" backup --redis "$URL_a" --source $source --match 'user:*' --match 'cart:*' --exclude '*:tmp'
        says 0 "3 keys"
    done
    run "$CSTASH" snapshots
    says 0 "(partial: --match 'user:*' --match 'cart:*' --exclude '*:tmp')"
    [ "$("$CSTASH" keys -q --json "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["id"])')" --exclude 'user:2' | wc -l)" = 2 ]
    "$CSTASH" backup -q --redis "$URL_a" --host whole
    run "$CSTASH" restore --redis "$URL_b" --host whole --match 'user:*' --match other --exclude user:2 latest </dev/null
    says 0 "some were filtered out"
    [ "$(cli b keys '*' | sort | tr '\n' ' ')" = "other user:1 user:tmp " ]
    run "$CSTASH" restore --yes --redis "$URL_b" --host whole --exclude '*' latest </dev/null
    says 1 "none of the 6 keys of the dump is wanted" "nothing was written"
    "$CSTASH" show -q --manifest "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')" |
        python3 -c 'import json, sys; assert json.load(sys.stdin)["filter"] == {"match": ["user:*", "cart:*"], "exclude": "*:tmp"}'
}
