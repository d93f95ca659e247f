# Servers of other versions than the machine's (tests/servers/pins): a dump loads into the version it came from, by us
# and by redis-cli --pipe, and into newer ones; into older ones with all that they can hold, and a word on the rest.
load ../harness/env.bash
load ../harness/versions.bash

setup() {
    setup_folder
}

teardown() {
    end_all
}

# same_version VERSION: out of it and into it, by every way.
same_version() {
    local want way
    start_version "$1" a
    start_version "$1" b
    "$HARNESS/dataset.py" "$PORT_a"
    want=$(digest a)
    for way in "--format commands" "--format restore" "--format commands --source scan" "--format restore --source scan"; do
        echo "# $1 $way" >&2
        # before 7.0 SCAN can only ask how long a key has left, so that its time is right to some milliseconds
        if [[ "$way" == *scan ]] && [[ "$1" == redis-* ]]; then
            redis-cli -p "$PORT_a" persist lasting >/dev/null
            redis-cli -p "$PORT_a" persist hash >/dev/null
            want=$(digest a)
        fi
        redis-cli -p "$PORT_b" flushall >/dev/null
        "$CSTASH" dump -q $way --redis "$URL_a" >"$T/dump"
        "$CSTASH" load --redis "$URL_b" "$T/dump"
        "$CSTASH" load -q --redis "$URL_b" "$T/dump" # and again
        [ "$(digest b)" = "$want" ]
    done
    redis-cli -p "$PORT_a" pexpireat lasting 4102444800123 >/dev/null
    want=$(digest a)
    for way in commands restore; do
        redis-cli -p "$PORT_b" flushall >/dev/null
        "$CSTASH" dump -q --format "$way" --redis "$URL_a" >"$T/dump"
        redis-cli -p "$PORT_b" --pipe <"$T/dump" | grep -q 'errors: 0,'
        redis-cli -p "$PORT_b" --pipe <"$T/dump" | grep -q 'errors: 0,'
        [ "$(digest b)" = "$want" ]
    done
    [ "$1" = redis-2.8 ] || [ "$(redis-cli -p "$PORT_b" xpending capped g | head -n 1)" = 6 ]
    stop_redis a
    stop_redis b
}

@test "a dump loads into the version it came from" {
    local version
    for version in redis-2.8 redis-6.0 redis-6.2 installed valkey-9.1; do
        same_version "$version"
    done
}

@test "and into newer ones, where it is the same" {
    local want format
    start_version redis-2.8 old
    start_version redis-6.0 middle
    start_version installed new
    start_version valkey-9.1 newest
    "$HARNESS/dataset.py" "$PORT_old"
    "$HARNESS/dataset.py" "$PORT_middle"
    redis-cli -p "$PORT_middle" del capped emptied >/dev/null # 7.0 counts what is deleted on the way
    for format in commands restore; do
        "$CSTASH" dump -q --format "$format" --redis "$URL_old" >"$T/of-old"
        "$CSTASH" dump -q --format "$format" --redis "$URL_middle" >"$T/of-middle"
        for to in new newest; do
            redis-cli -p "$(eval "echo \$PORT_$to")" flushall >/dev/null
            eval "\"$CSTASH\" load -q --redis \$URL_$to \"$T/of-old\""
            [ "$(digest "$to")" = "$(digest old)" ]
            redis-cli -p "$(eval "echo \$PORT_$to")" flushall >/dev/null
            eval "\"$CSTASH\" load -q --redis \$URL_$to \"$T/of-middle\""
            [ "$(digest "$to")" = "$(digest middle)" ]
        done
    done
}

@test "an older server gets what it can hold, and the rest is told" {
    local format
    start_version installed new
    start_version redis-6.0 old
    "$HARNESS/dataset.py" "$PORT_new"
    for format in commands restore; do
        redis-cli -p "$PORT_old" flushall >/dev/null
        "$CSTASH" dump -q --format "$format" --redis "$URL_new" >"$T/dump"
        run "$CSTASH" load --redis "$URL_old" "$T/dump"
        echo "$output"
        [ "$status" = 1 ] # a library is data
        [[ "$output" == *"cannot hold function libraries: 1 left out"* ]]
        [[ "$output" == *"cannot hold counters of streams: "*" left out"* ]]
        [[ "$output" == *"1 of "*" commands failed, the first: FUNCTION: not sent"* ]]
        [ "$(redis-cli -p "$PORT_old" dbsize)" = "$(redis-cli -p "$PORT_new" dbsize)" ]
        [ "$(redis-cli -p "$PORT_old" hlen bighash)" = 2000 ]
        [ "$(redis-cli -p "$PORT_old" xlen stream)" = 2 ]
        [ "$(redis-cli -p "$PORT_old" xpending stream readers | head -n 1)" = 1 ]
        [ "$(redis-cli -p "$PORT_old" xpending capped g | head -n 1)" = 6 ]
        [ "$(redis-cli -p "$PORT_old" pttl lasting)" -gt 1000000 ]
    done
    # without it, what is left out is not data: done, but not called equal
    redis-cli -p "$PORT_new" function flush
    redis-cli -p "$PORT_old" flushall >/dev/null
    "$CSTASH" init -q
    "$CSTASH" backup -q --format restore --redis "$URL_new"
    run "$CSTASH" restore --redis "$URL_old" latest
    [ "$status" = 0 ]
    [[ "$output" == *"but for what its version cannot hold: counters of streams ("* ]] || { echo "$output"; false; }
    [[ "$output" != *"those of the backup"* ]]
    run "$CSTASH" restore -q --json --yes --redis "$URL_old" latest
    [[ "$output" == *'"left_out":{"stream_counters":'*'"equal":false'* ]] || { echo "$output"; false; }
}

@test "a server without streams, ABSTTL and REPLACE gets all other keys" {
    start_version installed new
    start_version redis-2.8 old
    "$HARNESS/dataset.py" "$PORT_new"
    local format keys streams
    keys=$(redis-cli -p "$PORT_new" dbsize) # and one in database 3
    streams=$(redis-cli -p "$PORT_new" scan 0 count 10000 type stream | tail -n +2 | grep -c .)
    for format in commands restore; do
        redis-cli -p "$PORT_old" flushall >/dev/null
        redis-cli -p "$PORT_old" set plain old >/dev/null # to be replaced
        "$CSTASH" dump -q --format "$format" --redis "$URL_new" >"$T/dump"
        run "$CSTASH" load --redis "$URL_old" "$T/dump"
        echo "$output"
        [ "$status" = 1 ]
        [[ "$output" == *"cannot hold commands that fill streams: "* ]]
        [[ "$output" == *"$((keys + 1 - streams)) of $((keys + 1)) keys are in"* ]]
        [ "$(redis-cli -p "$PORT_old" get plain)" = value ]
        [ "$(redis-cli -p "$PORT_old" dbsize)" = $((keys - streams)) ]
        [ "$(redis-cli -p "$PORT_old" pttl lasting)" -gt 1000000 ]
        # without those that expire: a time to live from now is right to some milliseconds
        "$CSTASH" dump -q --match '[bipsw][^t]*' --redis "$URL_new" >"$T/part"
        "$CSTASH" dump -q --match '[bipsw][^t]*' --redis "$URL_old" >"$T/part.old"
        cmp <("$CSTASH" digest "$T/part") <("$CSTASH" digest "$T/part.old")
    done
}

@test "--verify compares what both servers can tell, and only that" {
    start_version redis-6.0 a
    start_version redis-6.2 b
    start_version installed c
    "$HARNESS/dataset.py" "$PORT_a"
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    # before 7.0 a server tells how long a key has left, which is not to the millisecond when it expires
    "$CSTASH" load -q --verify --redis "$URL_b" "$T/dump"
    meddle ECHO "PEXPIREAT lasting 4102444803123" # which ends the load
    run "$CSTASH" load -q --verify --redis "redis://127.0.0.1:$MEDDLER" "$T/dump"
    [ "$status" = 1 ]
    [[ "$output" == *"read back, with other contents"* ]]
    # 7.0 counts entries that were added to be pending, and deleted; 6.0 has no such counts
    "$CSTASH" load -q --verify --redis "$URL_c" "$T/dump"
    redis-cli -p "$PORT_c" flushall >/dev/null
    "$HARNESS/dataset.py" "$PORT_c"
    redis-cli -p "$PORT_c" function flush
    "$CSTASH" dump -q --redis "$URL_c" >"$T/dump"
    run "$CSTASH" load --verify --redis "$URL_b" "$T/dump"
    [ "$status" = 0 ]
    [[ "$output" == *"read back from"*", as restored but for what its version cannot hold: counters of streams ("* ]]
}

# A value of a module that nobody has, as a dump carries it: RESTORE, stamped with RDB version 8.
module_dump() {
    python3 - "$T/module" <<'PY'
import struct, sys
def crc64(data):
    crc = 0
    for byte in data:
        for i in range(8):
            bit = (crc >> 63) ^ (byte >> i & 1)
            crc = (crc << 1 & (1 << 64) - 1) ^ (0xad93d23594c935a9 if bit else 0)
    return int(format(crc, "064b")[::-1], 2)
body = b"\x07\x81" + bytes([0x11] * 8) + b"\0"
body += struct.pack("<H", 8)
body += struct.pack("<Q", crc64(body))
words = [[b"SET", b"before", b"1"], [b"RESTORE", b"v", b"0", body, b"REPLACE", b"ABSTTL"], [b"SET", b"after", b"1"]]
with open(sys.argv[1], "wb") as f:
    for w in words:
        f.write(b"*%d\r\n" % len(w) + b"".join(b"$%d\r\n%s\r\n" % (len(x), x) for x in w))
PY
}

@test "a value of a module is not sent to a server that would exit" {
    local version
    module_dump
    for version in redis-2.8 redis-6.0 redis-6.2 installed; do
        start_version "$version" a
        run "$CSTASH" load --redis "$URL_a" "$T/module"
        echo "$version: $output"
        [ "$status" = 1 ]
        [ "$(redis-cli -p "$PORT_a" ping)" = PONG ]
        [ "$(redis-cli -p "$PORT_a" mget before after | tr '\n' ' ')" = "1 1 " ]
        [[ "$output" == *"cannot hold values of modules: 1 left out"* ]]
        case $version in # since 6.2 the server refuses the value itself
        redis-2.8 | redis-6.0) [[ "$output" == *'RESTORE "v": not sent'* ]] ;;
        *) [[ "$output" == *'RESTORE "v": not taken: the server lacks the module of the type "'* ]] ;;
        esac
        stop_redis a
    done
}

# One command for each collection, of more arguments than servers up to 6.2 take.
long_commands() {
    python3 - "$T/long" <<'PY'
import sys
n = 1100000
def bulk(x): return b"$%d\r\n%s\r\n" % (len(x), x)
def command(f, verb, key, args):
    f.write(b"*2\r\n" + bulk(b"DEL") + bulk(key))
    f.write(b"*%d\r\n" % (2 + len(args)) + bulk(verb) + bulk(key) + b"".join(map(bulk, args)))
items = [b"%07d" % i for i in range(n)]
with open(sys.argv[1], "wb") as f:
    command(f, b"SADD", b"set", items)
    command(f, b"RPUSH", b"list", items)
    command(f, b"HSET", b"hash", [x for i in items[:n // 2 + 1] for x in (i, b"v" + i)])
    command(f, b"ZADD", b"zset", [x for i in items[:n // 2 + 1] for x in (b"1.5", i)])
    command(f, b"SET", b"after", [b"1"])
PY
}

@test "a command of more than 1,048,576 arguments is sent as several" {
    local version want way
    long_commands
    want=$("$CSTASH" digest "$T/long" | awk '$1 == "all" {print $2}')
    for version in redis-2.8 redis-6.2; do
        start_version "$version" a
        way=$([ "$version" = redis-2.8 ] && echo replace || echo skip)
        redis-cli -p "$PORT_a" set beside 1 >/dev/null
        "$CSTASH" load -q --existing "$way" --redis "$URL_a" "$T/long"
        redis-cli -p "$PORT_a" del beside >/dev/null
        [ "$(digest a)" = "$want" ]
        [ "$(redis-cli -p "$PORT_a" lindex list 1000001)" = 1000001 ]
        stop_redis a
    done
}
