# SPDX-License-Identifier: Apache-2.0
# src/net and src/redis against real servers, through redis_tool.

load ../harness/env.bash

REDIS_TOOL=$BUILD/tests/integration/redis_tool

setup() { setup_folder; }
teardown() { end_all; }

tool() { run timeout 60 "$REDIS_TOOL" "$@"; }

fails_with() { # RC TEXT...
    [ "$status" -eq 1 ] || { echo "$output"; return 1; }
    grep -qx "rc $1" <<<"$output" || { echo "$output"; return 1; }
    shift
    local text
    for text in "$@"; do
        grep -qF -- "$text" <<<"$output" || { echo "no '$text' in: $output"; return 1; }
    done
}

# resp LINE...: the words of each line as a command
resp() {
    local line word
    for line in "$@"; do
        set -f
        # shellcheck disable=SC2086
        set -- $line
        set +f
        printf '*%d\r\n' $#
        for word; do printf '$%d\r\n%s\r\n' ${#word} "$word"; done
    done
}

works() { [ "$status" -eq 0 ] || { echo "$output"; return 1; }; }

# --- connection ---------------------------------------------------------------------------------------

@test "a server that is not there is named, with a hint" {
    tool info "127.0.0.1:$(free_port)"
    fails_with unavailable "Connection refused" "is the server running"
}

@test "each way to fail to log in has its own words" {
    start_redis a
    redis-cli -p "$PORT_a" config set requirepass s3cret
    tool info "127.0.0.1:$PORT_a"
    fails_with denied NOAUTH REDISCLI_AUTH
    tool info "redis://:wr0ng@127.0.0.1:$PORT_a"
    fails_with denied WRONGPASS
    [[ "$output" != *wr0ng* ]]
    tool info "redis://joe:wr0ng@127.0.0.1:$PORT_a"
    fails_with denied WRONGPASS
    tool info "redis://joe@127.0.0.1:$PORT_a"
    fails_with invalid "there is no password"
    REDISCLI_AUTH=$'s3cret\n' tool info "127.0.0.1:$PORT_a"
    fails_with denied WRONGPASS "ends with a space or a line break"
    REDISCLI_AUTH=s3cret tool info "127.0.0.1:$PORT_a"
    works
    tool info "redis://default:s3cret@127.0.0.1:$PORT_a"
    works
}

@test "a password that nobody asked for is harmless" {
    start_redis a
    tool info "redis://:extra@127.0.0.1:$PORT_a"
    works
    [[ "$output" == *"has no password"* ]]
    [[ "$output" != *extra* ]]
}

@test "a unix socket works, and INFO is read" {
    start_redis a --unixsocket "$T/r.sock"
    fill "$PORT_a"
    tool info "unix://$T/r.sock"
    works
    [[ "$output" == *"Redis 7.0"* ]]
    [ "$(value db9)" = "keys 1 expires 0" ]
    tool info "unix://$T/none"
    fails_with "not found" "$T/none"
}

@test "something that is not Redis is told apart" {
    start_redis a
    python3 - "$T/port" 3>&- <<'PY' &
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
open(sys.argv[1], "w").write(str(s.getsockname()[1]))
c, _ = s.accept()
c.recv(100)
c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
c.recv(100)
PY
    PIDS+=("$!")
    for _ in $(seq 50); do [ -s "$T/port" ] && break; sleep 0.1; done
    tool info "127.0.0.1:$(cat "$T/port")"
    fails_with corrupt "not in Redis's protocol" rediss://
}

@test "a server that is busy is waited for, within the limit" {
    start_redis a
    redis-cli -p "$PORT_a" config set busy-reply-threshold 10
    (redis-cli -p "$PORT_a" eval 'while true do end' 0 >/dev/null 2>&1 3>&- &)
    sleep 0.3
    tool info "127.0.0.1:$PORT_a" wait=1500
    fails_with unavailable "not ready, waiting" "was not ready within 1 seconds" BUSY
    (sleep 1; redis-cli -p "$PORT_a" script kill) >/dev/null 3>&- &
    tool info "127.0.0.1:$PORT_a" wait=20000
    works
}

# --- TLS ----------------------------------------------------------------------------------------------

start_tls() { # NAME CERTIFICATE AUTH-CLIENTS
    TLS_PORT="$(free_port)"
    start_redis "$1" --tls-port "$TLS_PORT" --tls-cert-file "$T/$2.crt" --tls-key-file "$T/$2.key" \
        --tls-ca-cert-file "$T/ca.crt" --tls-auth-clients "$3"
}

@test "TLS is verified by default, and each failure says why" {
    make_ca
    certificate good DNS:localhost,IP:127.0.0.1
    certificate other DNS:example.org
    start_tls a good no
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/ca.crt"
    works
    tool info "rediss://localhost:$TLS_PORT" cacert="$T/ca.crt"
    works
    tool info "rediss://127.0.0.1:$TLS_PORT"
    fails_with denied "unknown authority" --cacert
    tool info "rediss://127.0.0.1:$TLS_PORT" insecure
    works
    [[ "$output" == *"is not verified"* ]]
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/none"
    fails_with "not found" "$T/none"
    tool info "rediss://127.0.0.1:$TLS_PORT" cacertdir="$T/none"
    fails_with "not found" "could not read the directory of CA certificates $T/none"
    tool info "rediss://127.0.0.1:$PORT_a" cacert="$T/ca.crt" connect=1500
    fails_with timeout "use redis://"
    tool info "redis://127.0.0.1:$TLS_PORT"
    fails_with unavailable rediss://
    REDISCLI_AUTH=pw tool info "redis://127.0.0.1:$TLS_PORT"
    fails_with unavailable rediss://
    start_tls b other no
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/ca.crt"
    fails_with denied "is not for 127.0.0.1" --sni
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/ca.crt" sni=example.org
    works
}

@test "an expired certificate is refused as such" {
    make_ca
    certificate old IP:127.0.0.1 -1
    start_tls a old no
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/ca.crt"
    fails_with denied "has expired"
}

@test "client certificates work, and a missing one is explained" {
    make_ca
    certificate good IP:127.0.0.1
    certificate me DNS:me
    start_tls a good yes
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/ca.crt"
    # Its alert may be lost when the connection is reset at once: then only the hint says it.
    fails_with denied --cert || fails_with unavailable --cert
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/ca.crt" cert="$T/me.crt" key="$T/me.key"
    works
    tool info "rediss://127.0.0.1:$TLS_PORT" cacert="$T/ca.crt" cert="$T/me.crt" key="$T/good.key"
    fails_with invalid "client key"
}

@test "snapshot, scan and load go through TLS" {
    make_ca
    certificate good IP:127.0.0.1
    start_tls a good no
    fill "$PORT_a" pending
    local tls="rediss://127.0.0.1:$TLS_PORT"
    tool replica "$tls" cacert="$T/ca.crt" out="$T/dump"
    works
    local digest="$(value digest)"
    tool scan "$tls" cacert="$T/ca.crt"
    works
    [ "$(value digest)" = "$digest" ]
    tool load "$tls" cacert="$T/ca.crt" in="$T/dump" flush
    works
    tool replica "$tls" cacert="$T/ca.crt"
    [ "$(value digest)" = "$digest" ]
}

# --- replication --------------------------------------------------------------------------------------

@test "a snapshot is the same from memory and from disk" {
    start_redis a
    fill "$PORT_a" pending
    tool rdb "127.0.0.1:$PORT_a"
    works
    [ "$(value diskless)" = 1 ] && [ "$(value rdb_only)" = 1 ]
    local keys="$(value keys)"
    tool rdb "127.0.0.1:$PORT_a" disk
    works
    [ "$(value diskless)" = 0 ] && [ "$(value keys)" = "$keys" ]
    [ "$(value length)" = "$(value rdb_bytes)" ]
    tool replica "127.0.0.1:$PORT_a"
    local digest="$(value digest)"
    redis-cli -p "$PORT_a" config set repl-diskless-sync no
    tool replica "127.0.0.1:$PORT_a"
    works
    [ "$(value digest)" = "$digest" ]
}

@test "who may not or cannot replicate is refused, not failed" {
    start_redis a --rename-command PSYNC ""
    tool rdb "127.0.0.1:$PORT_a"
    fails_with unsupported "refused 1" "unknown command"
    start_redis b
    redis-cli -p "$PORT_b" acl setuser reader on '>pw' '~*' +@read +@connection +info
    tool rdb "redis://reader:pw@127.0.0.1:$PORT_b"
    fails_with denied "refused 1" NOPERM "+psync"
    redis-cli -p "$PORT_b" acl setuser dumper on '>pw' resetkeys resetchannels -@all +psync +replconf
    tool rdb "redis://dumper:pw@127.0.0.1:$PORT_b"
    works
}

@test "a renamed PSYNC is used by its name, and without it SCAN has a connection of its own" {
    start_redis a --rename-command PSYNC hidden --rename-command SYNC hidden-sync
    fill "$PORT_a"
    local by_scan=$(digest a --source scan) way
    for way in "hidden --source replication" "hidden-sync --source replication" "hidden" "hidden-sync"; do
        [ "$(digest a --psync $way)" = "$by_scan" ]
    done
    redis-cli -p "$PORT_a" config set repl-diskless-sync no
    [ "$(digest a --psync hidden --source replication)" = "$by_scan" ]
    # the point in time is what the RDB says of itself
    "$CSTASH" init -q
    "$CSTASH" backup -q --psync hidden --source replication --redis "$URL_a"
    "$CSTASH" show --manifest latest >"$T/manifest"
    grep -Eq '"replication_id": ?"[0-9a-f]{40}"' "$T/manifest"
    # an answer that is none to PSYNC
    run "$CSTASH" digest --redis "$URL_a" --psync PING
    [ "$status" = 0 ]
    [[ "$output" == *"falling back to SCAN"*"$by_scan"* ]] || { echo "$output"; false; }
}

@test "a replica without its master is waited for" {
    start_redis a --replicaof 127.0.0.1 "$(free_port)"
    tool rdb "127.0.0.1:$PORT_a" wait=1500
    fails_with unavailable "refused 0" NOMASTERLINK "within 1 seconds"
}

@test "a consumer that stalls is not dropped by the server" {
    start_redis a --repl-timeout 6
    redis-cli -p "$PORT_a" debug populate 300 key 100000 >/dev/null
    # Strings that LZF cannot shrink, more than the buffers of a connection hold.
    python3 - >"$T/data" <<'PY'
import os, sys
for i in range(300):
    v = os.urandom(300000)
    sys.stdout.buffer.write(b"*3\r\n$3\r\nSET\r\n$%d\r\nk%d\r\n$%d\r\n%s\r\n" % (len("k%d" % i), i, len(v), v))
PY
    redis-cli -p "$PORT_a" --pipe <"$T/data" >/dev/null
    tool rdb "127.0.0.1:$PORT_a" stall=12000 trickle=300
    works
    [ "$(value diskless)" = 1 ] && [ "$(value keys)" = 600 ]
    # Without the trickle the server gives up: the rule is not vain.
    tool rdb "127.0.0.1:$PORT_a" stall=12000 trickle=60000
    fails_with unavailable "closed the connection after"
}

@test "replication that is cut at any byte is an error" {
    start_redis a
    redis-cli -p "$PORT_a" set key value
    start_proxy "$PORT_a" down 0 9
    local n=0
    while [ "$n" -lt 60 ]; do
        tool rdb "127.0.0.1:$PROXY"
        [ "$status" -eq 0 ] && break
        fails_with unavailable || fails_with denied
        n=$((n + 1))
    done
    echo "$n cuts, the last: $output"
    works
    [ "$n" -gt 30 ]
}

# --- scan ---------------------------------------------------------------------------------------------

@test "scan sees what replication sees, in every way of reading" {
    start_redis a
    fill "$PORT_a"
    tool replica "127.0.0.1:$PORT_a"
    works
    local digest="$(value digest)" way
    for way in "" restore "count=7" "batch=1" "big=2000" "restore big=2000" plain "plain count=3" \
        "plain restore big=1"; do
        tool scan "127.0.0.1:$PORT_a" $way
        works
        [ "$(value digest)" = "$digest" ] || { echo "$way: $output"; return 1; }
        [ "$(value functions)" = 1 ]
    done
}

@test "scan keeps pending entries, plainly to the millisecond or so" {
    start_redis a
    fill "$PORT_a" pending
    tool replica "127.0.0.1:$PORT_a" 
    local digest="$(value digest)"
    tool scan "127.0.0.1:$PORT_a"
    works
    [ "$(value digest)" = "$digest" ]
    tool scan "127.0.0.1:$PORT_a" plain out="$T/dump"
    works
    start_redis b
    tool load "127.0.0.1:$PORT_b" in="$T/dump"
    works
    [ "$(redis-cli -p "$PORT_b" xpending longstream many)" = "$(redis-cli -p "$PORT_a" xpending longstream many)" ]
    [ "$(redis-cli -p "$PORT_b" xpending stream readers)" = "$(redis-cli -p "$PORT_a" xpending stream readers)" ]
}

@test "scan without DUMP, MEMORY, INFO or functions still sees every key" {
    start_redis a
    fill "$PORT_a"
    tool replica "127.0.0.1:$PORT_a"
    local db0="$(value db0)" db9="$(value db9)"
    redis-cli -p "$PORT_a" acl setuser poor on '>pw' '~*' +@read +@connection +dbsize -dump '-memory|usage' \
        -info '-function|list' -pexpiretime +xinfo
    tool scan "redis://poor:pw@127.0.0.1:$PORT_a" wait=2000
    works
    [ "$(value db9)" = "$db9" ]
    # PTTL and our own clock move the expiry of keys by some milliseconds: compare the number of keys.
    [ "$(value db0 | cut -d' ' -f1)" = "$(cut -d' ' -f1 <<<"$db0")" ]
    [[ "$output" == *"functions are not in this dump"* ]]
}

@test "a key that the user may not read is an error that names it" {
    start_redis a
    redis-cli -p "$PORT_a" mset open 1 closed 2
    redis-cli -p "$PORT_a" acl setuser half on '>pw' '~o*' '~cstash-probe' +@all
    tool scan "redis://half:pw@127.0.0.1:$PORT_a"
    fails_with denied '"closed"' "~*"
    tool scan "redis://half:pw@127.0.0.1:$PORT_a" plain
    fails_with denied '"closed"'
}

@test "scan takes one database, and names that match" {
    start_redis a
    fill "$PORT_a"
    tool scan "127.0.0.1:$PORT_a" db=9
    works
    [ "$(value keys)" = 1 ]
    tool scan "127.0.0.1:$PORT_a" match='big*'
    works
    [ "$(value keys)" = 3 ] && [ "$(value functions)" = 0 ]
}

@test "scan bears keys that vanish and change while it reads" {
    start_redis a
    python3 - "$PORT_a" 3>&- <<'PY' &
import random, socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
try:
    while True:
        i = random.randrange(300)
        kind = random.choice(["SET k%d v\r\n", "RPUSH k%d a b\r\n", "HSET k%d f v\r\n", "SADD k%d m\r\n", "XADD k%d * f v\r\n"])
        s.sendall((("DEL k%d\r\n" % i) + kind % i).encode() * 5)
        s.recv(65536)
except OSError:
    pass
PY
    PIDS+=("$!")
    for _ in $(seq 15); do
        tool scan "127.0.0.1:$PORT_a"
        works
        tool scan "127.0.0.1:$PORT_a" plain
        works || fails_with conflict "while it was read"
    done
}

@test "a scan that is cut at any byte is an error" {
    start_redis a
    redis-cli -p "$PORT_a" mset a 1 b 2
    redis-cli -p "$PORT_a" rpush c x y z
    start_proxy "$PORT_a" down 0 61
    local n=0
    while [ "$n" -lt 400 ]; do
        tool scan "127.0.0.1:$PROXY"
        [ "$status" -eq 0 ] && break
        fails_with unavailable "closed the connection" || fails_with unavailable "broke"
        n=$((n + 1))
    done
    works
    echo "$n cuts"
    [ "$n" -gt 50 ]
}

# --- load ---------------------------------------------------------------------------------------------

@test "what was dumped is what is loaded, in both formats" {
    start_redis a
    start_redis b
    fill "$PORT_a" pending
    tool replica "127.0.0.1:$PORT_a"
    local digest="$(value digest)" keys="$(value keys)" form
    for form in "" restore; do
        tool replica "127.0.0.1:$PORT_a" out="$T/dump" $form
        works
        for _ in once twice; do
            tool load "127.0.0.1:$PORT_b" in="$T/dump" window=50 tally
            works
            [ "$(value digest)" = "$digest" ] && [ "$(value errors)" = 0 ] && [ "$(value sent_keys)" = "$keys" ]
            tool replica "127.0.0.1:$PORT_b"
            [ "$(value digest)" = "$digest" ]
        done
        redis-cli -p "$PORT_b" flushall
        redis-cli -p "$PORT_b" function flush
    done
}

@test "a dry run verifies and sends nothing" {
    start_redis a
    fill "$PORT_a"
    tool replica "127.0.0.1:$PORT_a" out="$T/dump"
    local digest="$(value digest)"
    tool load none in="$T/dump" dry tally
    works
    [ "$(value digest)" = "$digest" ] && [ "$(value commands)" = 0 ]
    head -c 1000 "$T/dump" >"$T/part"
    tool load none in="$T/part" dry
    fails_with corrupt
}

@test "existing keys: replace, skip, fail, flush" {
    start_redis a
    start_redis b
    fill "$PORT_a"
    tool replica "127.0.0.1:$PORT_a" out="$T/dump"
    local digest="$(value digest)" keys="$(value keys)" form
    redis-cli -p "$PORT_b" mset plain mine number mine stranger here
    tool load "127.0.0.1:$PORT_b" in="$T/dump" skip
    works
    [ "$(value skipped)" = 2 ] && [ "$(value sent_keys)" = $((keys - 2)) ]
    [ "$(redis-cli -p "$PORT_b" mget plain number | tr '\n' ' ')" = "mine mine " ]
    [ "$(redis-cli -p "$PORT_b" strlen giant)" = 3000003 ]
    tool load "127.0.0.1:$PORT_b" in="$T/dump" skip
    works
    [ "$(value skipped)" = "$keys" ] && [ "$(value sent_keys)" = 0 ]
    tool load "127.0.0.1:$PORT_b" in="$T/dump" fail
    fails_with exists "exists already in database" "--existing"
    tool load "127.0.0.1:$PORT_b" in="$T/dump"
    works
    [ "$(redis-cli -p "$PORT_b" get plain)" = value ] && [ "$(redis-cli -p "$PORT_b" get stranger)" = here ]
    tool load "127.0.0.1:$PORT_b" in="$T/dump" flush
    works
    tool replica "127.0.0.1:$PORT_b"
    [ "$(value digest)" = "$digest" ]
    redis-cli -p "$PORT_b" flushall
    redis-cli -p "$PORT_b" function flush
    tool load "127.0.0.1:$PORT_b" in="$T/dump" fail
    works
    [ "$(redis-cli -p "$PORT_b" dbsize)" = "$((keys - 1))" ]
}

@test "fail stops before the first key that is there" {
    start_redis b
    redis-cli -p "$PORT_b" mset stranger here two mine
    printf '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\none\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$3\r\ntwo\r\n$1\r\n2\r\n' >"$T/dump"
    tool load "127.0.0.1:$PORT_b" in="$T/dump" fail
    fails_with exists '"two"'
    [ "$(redis-cli -p "$PORT_b" get two)" = mine ]
}

@test "a filter loads one database, or names that match" {
    start_redis a
    start_redis b
    fill "$PORT_a"
    tool replica "127.0.0.1:$PORT_a" out="$T/dump"
    tool load "127.0.0.1:$PORT_b" in="$T/dump" db=9
    works
    [ "$(redis-cli -p "$PORT_b" dbsize)" = 0 ] && [ "$(redis-cli -p "$PORT_b" -n 9 dbsize)" = 1 ]
    tool load "127.0.0.1:$PORT_b" in="$T/dump" match='big*'
    works
    [ "$(redis-cli -p "$PORT_b" dbsize)" = 3 ] && [ "$(redis-cli -p "$PORT_b" function list)" = "" ]
}

@test "errors are told with their keys, and the rest is loaded" {
    start_redis b
    redis-cli -p "$PORT_b" set list 'not a list'
    resp "RPUSH list s3cret" "NOSUC s3cret" "SET k v" >"$T/dump"
    tool load "127.0.0.1:$PORT_b" in="$T/dump" allow=NOSUC
    fails_with invalid '2 of 3 commands failed, the first: RPUSH "list": WRONGTYPE' "unknown command"
    [[ "$output" != *s3cret* ]]
    [ "$(redis-cli -p "$PORT_b" get k)" = v ]
}

@test "a command that writes no data is refused by name and place, before it is sent" {
    start_redis b
    local line
    for line in "CONFIG SET maxmemory 123456789" "ACL SETUSER joe on" "REPLICAOF 127.0.0.1 1" "EVAL return 0" \
        "FLUSHALL" "SCRIPT FLUSH" "FUNCTION FLUSH" "XGROUP HELP" "DEBUG SLEEP 0" "SHUTDOWN" "MODULE LOAD x" "s3cret"; do
        redis-cli -p "$PORT_b" flushall
        resp "SET before 1" "$line" "SET behind 1" >"$T/dump"
        tool load "127.0.0.1:$PORT_b" in="$T/dump"
        fails_with denied "${line%% *} at byte 32 of the dump is not a command that writes data" "--allow-command ${line%% *}"
        [ "$(redis-cli -p "$PORT_b" get before)" = 1 ] && [ "$(redis-cli -p "$PORT_b" exists behind)" = 0 ]
        [ "$(value there)" = 1 ]
        tool load none in="$T/dump" dry
        fails_with denied "at byte 32"
    done
    [ "$(redis-cli -p "$PORT_b" config get maxmemory | tail -n 1)" = 0 ]
    resp "SET before 1" "CONFIG SET maxmemory 123456789" >"$T/dump"
    tool load "127.0.0.1:$PORT_b" in="$T/dump" allow='config|get'
    fails_with denied CONFIG
    for line in config 'CONFIG|SET'; do
        redis-cli -p "$PORT_b" config set maxmemory 0
        tool load "127.0.0.1:$PORT_b" in="$T/dump" allow="$line"
        works
        [ "$(redis-cli -p "$PORT_b" config get maxmemory | tail -n 1)" = 123456789 ]
    done
}

@test "commands of an append-only file are loaded; several keys at once are not taken apart" {
    start_redis b
    resp "SELECT 0" "MULTI" "MSET a 1 b 2" "INCRBY a 5" "EXEC" "PING" "LPUSH l x y" "HSET h f v" "DEL b nothing" \
        "ZADD z NX 1 m" "XADD s 1-1 f v" "XGROUP CREATE s g 0" "XGROUP SETID s g 1-1" "RENAME l list" >"$T/dump"
    tool load "127.0.0.1:$PORT_b" in="$T/dump"
    works
    [ "$(redis-cli -p "$PORT_b" get a)" = 6 ] && [ "$(redis-cli -p "$PORT_b" exists b l)" = 0 ]
    [ "$(redis-cli -p "$PORT_b" dbsize)" = 5 ]
    local way
    for way in skip fail match='a*'; do
        redis-cli -p "$PORT_b" flushall
        redis-cli -p "$PORT_b" set stranger here
        tool load "127.0.0.1:$PORT_b" in="$T/dump" $way
        fails_with denied "MSET at byte" "several keys"
        [ "$(redis-cli -p "$PORT_b" dbsize)" = 1 ]
    done
}

@test "a server that lies is never believed" {
    local mode
    resp "SELECT 0" "SET a 1" "RPUSH l x y" "SADD s m" "DEL gone" "APPEND a x" "XADD st 1-1 f v" >"$T/dump"
    for mode in nil int status bulk list silent more much swapped moved; do
        start_liar "$mode"
        tool load "127.0.0.1:$LIAR" in="$T/dump" silence=1000
        [ "$status" = 1 ] || { echo "$mode: $output"; return 1; }
        grep -Eq '^rc (corrupt|unavailable|unsupported|timeout|invalid)$' <<<"$output" || { echo "$mode: $output"; return 1; }
    done
    start_liar escape
    tool load "127.0.0.1:$LIAR" in="$T/dump" silence=1000
    [ "$status" = 1 ] && [[ "$output" != *$'\e'* ]]
}

@test "what cannot get better stops the load at once" {
    start_redis a
    fill "$PORT_a"
    tool replica "127.0.0.1:$PORT_a" out="$T/dump"
    start_redis b --maxmemory 1500000
    tool load "127.0.0.1:$PORT_b" in="$T/dump"
    fails_with limit OOM maxmemory "the load stopped after"
    start_redis c --databases 2
    tool load "127.0.0.1:$PORT_c" in="$T/dump"
    fails_with "not found" "out of range" databases
    start_redis d --replicaof 127.0.0.1 "$(free_port)"
    tool load "127.0.0.1:$PORT_d" in="$T/dump"
    fails_with denied READONLY master
    start_redis e
    redis-cli -p "$PORT_e" acl setuser reader on '>pw' '~*' +@read +@connection +info
    tool load "redis://reader:pw@127.0.0.1:$PORT_e" in="$T/dump"
    fails_with denied NOPERM
    start_redis f --min-replicas-to-write 1
    tool load "127.0.0.1:$PORT_f" in="$T/dump" wait=1000
    fails_with unavailable NOREPLICAS
}

@test "a load that is cut is an error that says how far it came" {
    start_redis a
    start_redis b
    fill "$PORT_a"
    tool replica "127.0.0.1:$PORT_a" out="$T/dump"
    local size="$(stat -c %s "$T/dump")" way n
    start_proxy "$PORT_b" up 0 $((size / 25))
    for n in $(seq 20); do
        tool load "127.0.0.1:$PROXY" in="$T/dump"
        fails_with unavailable
    done
    [[ "$output" == *"the load broke off: "*" commands were confirmed"* ]]
    start_proxy "$PORT_b" down 0 20
    for n in $(seq 60); do
        tool load "127.0.0.1:$PROXY" in="$T/dump"
        fails_with unavailable
    done
}

@test "a dump that is cut is an error" {
    start_redis a
    start_redis b
    redis-cli -p "$PORT_a" mset a 1 b 2
    tool replica "127.0.0.1:$PORT_a" out="$T/dump"
    local size="$(stat -c %s "$T/dump")" n
    for n in $(seq 1 7 $((size - 1))); do
        head -c "$n" "$T/dump" >"$T/part"
        tool load "127.0.0.1:$PORT_b" in="$T/part"
        fails_with corrupt || { echo "$n of $size"; return 1; }
    done
}

@test "pending entries whose message is gone are kept" {
    start_redis a
    start_redis b
    redis-cli -p "$PORT_a" >/dev/null <<'DATA'
XADD s 1-1 f v
XADD s 2-1 f v
XGROUP CREATE s g 0
XREADGROUP GROUP g c STREAMS s >
XDEL s 1-1
DATA
    tool replica "127.0.0.1:$PORT_a" out="$T/dump"
    tool load "127.0.0.1:$PORT_b" in="$T/dump"
    works
    [ "$(redis-cli -p "$PORT_b" xpending s g)" = "$(redis-cli -p "$PORT_a" xpending s g)" ]
    [ "$(value lost_pending)" = 0 ]
}

@test "a list of keys without an end is found: a cursor that comes again, a ring of them, a giant page" {
    local mode
    for mode in same ring page; do
        python3 - "$mode" >"$T/port" 3>&- <<'PY' &
import itertools, socket, sys
mode = sys.argv[1]
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
c, _ = s.accept()
f = c.makefile("rb")
ring = itertools.cycle([b"7", b"3", b"5"])
while True:
    line = f.readline()
    if not line:
        break
    args = []
    for _ in range(int(line[1:])):
        args.append(f.read(int(f.readline()[1:])))
        f.read(2)
    name = args[0].upper()
    cursor = next(ring) if mode == "ring" else b"1" if mode == "same" else b"0"
    keys = 200000 if mode == "page" else 0
    c.sendall(b"+PONG\r\n" if name == b"PING" else
              b"$43\r\nredis_version:7.0.0\r\ndb0:keys=1,expires=0\r\n\r\n" if name == b"INFO" else
              b"*2\r\n$1\r\n" + cursor + b"\r\n*%d\r\n" % keys + b"$1\r\nk\r\n" * keys if name == b"SCAN" else
              b"*2\r\n$1\r\n1\r\n$1\r\n1\r\n" if name == b"TIME" else
              b"+OK\r\n" if name == b"SELECT" else b":0\r\n")
PY
        PIDS+=("$!")
        for _ in $(seq 100); do
            read -r PORT_x <"$T/port" && break
            sleep 0.1
        done
        tool scan "127.0.0.1:$PORT_x"
        if [ "$mode" = page ]; then fails_with limit "200000 keys"; else fails_with corrupt "a list without an end"; fi
        : >"$T/port"
    done
}

@test "a server that never begins its snapshot, or says nothing, is waited for up to a limit" {
    start_liar prepares
    tool replica "127.0.0.1:$LIAR" prepare=1500
    fails_with timeout "did not begin its snapshot within 1 seconds"
}

@test "which keys are wanted does not depend on where they are read from" {
    start_redis a
    fill "$PORT_a"
    redis-cli -p "$PORT_a" function load "#!lua name=lib
        redis.register_function('f', function() return 1 end)" >/dev/null || true
    redis-cli -p "$PORT_a" save
    "$CSTASH" dump -q --redis "redis://127.0.0.1:$PORT_a" >"$T/dump.resp"
    local wanted file digest
    file=$(redis-cli -p "$PORT_a" config get dir | tail -1)/$(redis-cli -p "$PORT_a" config get dbfilename | tail -1)
    set -f # the words of a line, with their stars
    for wanted in "" "--db 9" "--db 0" "--match big*" "--db 0 --match *[a-m]*" "--db 5"; do
        # shellcheck disable=SC2086
        digest=$("$CSTASH" digest -q --source replication --redis "redis://127.0.0.1:$PORT_a" $wanted)
        # shellcheck disable=SC2086
        for way in "--source scan --redis redis://127.0.0.1:$PORT_a" "$file" "$T/dump.resp" - ; do
            run "$CSTASH" digest -q $wanted $way <"$T/dump.resp"
            [ "$status" = 0 ] && [ "$output" = "$digest" ] || { echo "$way $wanted: $output, wanted $digest"; return 1; }
        done
    done
    set +f
}
