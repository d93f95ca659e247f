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

# fill_version PORT VERSION: what every server since 2.8 knows, and what this one knows besides.
fill_version() {
    redis-cli -p "$1" >/dev/null <<'DATA'
SET plain value
SET lasting v
PEXPIREAT lasting 4102444800123
RPUSH list a 1 -5 "" "\x00"
SADD ints 1 2 70000
SADD words a b ""
ZADD scores -inf low 1.5 mid 0.1 tenth inf high
HMSET hash f v "" e g ""
PEXPIREAT hash 4102444800000
SELECT 3
SET other three
DATA
    seq 2000 | awk '{ print "HSET bighash field-" $1 " value-" $1; print "RPUSH biglist element-" $1 }' |
        redis-cli -p "$1" >/dev/null # lines end in CR LF for the --pipe of Redis 2.8
    [ "$2" != redis-2.8 ] || return 0
    redis-cli -p "$1" >/dev/null <<'DATA'
XADD stream 1-1 f v
XADD stream 2-5 a b c d
XADD stream 3-1 gone soon
XDEL stream 3-1
XGROUP CREATE stream readers 0
XREADGROUP GROUP readers alice COUNT 1 STREAMS stream >
XREADGROUP GROUP readers idle STREAMS stream 0
XADD nothing 5-5 f v
XTRIM nothing MAXLEN 0
DATA
    [ "$2" = installed ] || [ "$2" = valkey-9.1 ] || return 0
    redis-cli -p "$1" >/dev/null <<'DATA'
FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
DATA
    [ "$2" = valkey-9.1 ] || return 0
    redis-cli -p "$1" hpexpireat hash 4102444800000 fields 1 f >/dev/null
}

# Entries that are gone but still pending: trimmed, and deleted between others and at the end.
fill_pending() {
    redis-cli -p "$1" >/dev/null <<'DATA'
XADD capped 1-1 f v
XADD capped 2-1 f v
XADD capped 3-1 f v
XADD capped 4-1 f v
XADD capped 5-1 f v
XADD capped 6-1 f v
XGROUP CREATE capped g 0
XGROUP CREATE capped h 0
XREADGROUP GROUP g alice STREAMS capped >
XREADGROUP GROUP h bob COUNT 4 STREAMS capped >
XTRIM capped MAXLEN 4
XDEL capped 4-1 6-1
XADD emptied 1-1 f v
XGROUP CREATE emptied g 0
XREADGROUP GROUP g carol STREAMS emptied >
XTRIM emptied MAXLEN 0
DATA
}

# same_version VERSION: out of it and into it, by every way.
same_version() {
    local want way
    start_version "$1" a
    start_version "$1" b
    fill_version "$PORT_a" "$1"
    [ "$1" = redis-2.8 ] || fill_pending "$PORT_a"
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
    fill_version "$PORT_old" redis-2.8
    fill_version "$PORT_middle" redis-6.0
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
    fill_version "$PORT_new" installed
    fill_pending "$PORT_new"
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
    # without it, what is left out is no data: done, but not called equal
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
    fill_version "$PORT_new" installed
    local format keys
    keys=$(redis-cli -p "$PORT_new" dbsize)
    for format in commands restore; do
        redis-cli -p "$PORT_old" flushall >/dev/null
        redis-cli -p "$PORT_old" set plain old >/dev/null # to be replaced
        "$CSTASH" dump -q --format "$format" --redis "$URL_new" >"$T/dump"
        run "$CSTASH" load --redis "$URL_old" "$T/dump"
        echo "$output"
        [ "$status" = 1 ]
        [[ "$output" == *"cannot hold commands that fill streams: "* ]]
        [[ "$output" == *"$((keys + 1 - 2)) of $((keys + 1)) keys are in"* ]]
        [ "$(redis-cli -p "$PORT_old" get plain)" = value ]
        [ "$(redis-cli -p "$PORT_old" dbsize)" = $((keys - 2)) ]
        [ "$(redis-cli -p "$PORT_old" pttl lasting)" -gt 1000000 ]
        # without those that expire: a time to live from now is right to some milliseconds
        "$CSTASH" dump -q --match '[bipsw][^t]*' --redis "$URL_new" >"$T/part"
        "$CSTASH" dump -q --match '[bipsw][^t]*' --redis "$URL_old" >"$T/part.old"
        cmp <("$CSTASH" digest "$T/part") <("$CSTASH" digest "$T/part.old")
    done
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
        [ "$version" != redis-6.0 ] || [[ "$output" == *"cannot hold values of modules: 1 left out"* ]]
        [ "$version" != installed ] || [[ "$output" != *"left out"* ]] # it refuses the value itself
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
