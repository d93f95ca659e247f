# SPDX-License-Identifier: Apache-2.0
# What Redis takes is saved, and what is saved can be loaded: long names, members, fields, values, in both formats and from both
# sources.
load ../harness/env.bash

setup() {
    setup_folder
    start_redis a
    start_redis b
}
teardown() { end_all; }

lua() { # lua NAME CODE, in which x(MIB) is a string of so many MiB and some
    cli "$1" eval "local function x(mib) return string.rep('x', mib * 1024 * 1024 + 17) end $2" 0 >"$T/lua"
    [ ! -s "$T/lua" ] || ! grep -q ERR "$T/lua" || { cat "$T/lua"; return 1; }
}

equal() {
    [ "$(digest a)" = "$(digest b)" ]
    [ "$(cli a debug digest)" = "$(cli b debug digest)" ]
}

both_ways() { # the data of a into a repository and into b
    local source format
    "$CSTASH" init -q
    for source in replication scan; do
        for format in commands restore; do
            cli b flushall >/dev/null
            cli b function flush >/dev/null
            "$CSTASH" backup -q --source $source --format $format --redis "$URL_a"
            "$CSTASH" restore -q --redis "$URL_b" >"$T/said"
            grep -q 'are those of the backup' "$T/said"
            equal
            [ "$("$CSTASH" digest latest | awk '$1 == "all" {print $2}')" = "$(digest a)" ]
        done
    done
}

@test "names of keys, groups and consumers of 2 MiB, and a library" {
    lua a "local k = x(2)
        redis.call('SET', k .. 's', 'v') redis.call('PEXPIREAT', k .. 's', 4102444800123)
        redis.call('HSET', k .. 'h', 'f', 'v') redis.call('ZADD', k .. 'z', 1.5, 'm')
        redis.call('RPUSH', k .. 'l', 'a', 'b') redis.call('SADD', k .. 'u', 'a', 'b')
        redis.call('XADD', k .. 'x', '1-1', 'f', 'v') redis.call('XGROUP', 'CREATE', k .. 'x', x(2), '0')
        redis.call('XREADGROUP', 'GROUP', x(2), x(2) .. 'c', 'STREAMS', k .. 'x', '>')"
    python3 -c 'print("#!lua name=l\n--" + "x" * (2 << 20) + "\nredis.register_function(\"f\", function() return 1 end)", end="")' |
        cli a -x function load >/dev/null
    both_ways
    "$CSTASH" restore -q --yes --existing skip --redis "$URL_b" >/dev/null
    equal
    cli b flushall >/dev/null
    "$CSTASH" restore -q --match '*[sl]' --redis "$URL_b" >/dev/null
    [ "$(cli b dbsize)" = 2 ]
}

@test "members, fields, elements and entries of 66 MiB" {
    lua a "redis.call('ZADD', 'z', 1, x(66), 2, 'short')"
    lua a "redis.call('HSET', 'h', x(66), 'v', 'short', 'v')"
    lua a "redis.call('HSET', 'v', 'f', x(66))"
    lua a "redis.call('SADD', 's', x(66), 'short')"
    lua a "redis.call('RPUSH', 'l', 'a', x(66), 'b')"
    lua a "redis.call('XADD', 'x', '1-1', 'f', x(66)) redis.call('XADD', 'x', '2-1', 'g', 'v')"
    both_ways
}

@test "an argument that the target does not take is found before anything is written" {
    lua a "redis.call('HSET', 'h', 'f', x(3)) redis.call('SET', 'first', 1)"
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    cli b config set proto-max-bulk-len 2mb
    cli b set stranger here
    local way
    for way in "restore --existing flush --yes" "restore --yes" "load $T/dump" "load --existing flush --yes $T/dump"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $way --redis "$URL_b"
        [ "$status" = 1 ]
        [[ "$output" == *"nothing was "*"written: "*"3,145,745 bytes"*"CONFIG SET proto-max-bulk-len 3145745"* ]]
        [ "$(cli b dbsize)" = 1 ]
    done
    cli b config set proto-max-bulk-len 3145745
    "$CSTASH" restore -q --existing flush --yes --redis "$URL_b"
    equal
}

@test "a backup warns at once of a value that servers do not take without being told to" {
    cli a config set proto-max-bulk-len 2mb
    run "$CSTASH" dump -q --redis "$URL_a"
    [[ "$output" != *proto-max-bulk-len* ]]
    cli a config set proto-max-bulk-len 512mb
    lua a "redis.call('SET', 'k', x(3))"
    cli a config set proto-max-bulk-len 2mb
    "$CSTASH" init -q
    run "$CSTASH" backup -q --redis "$URL_a"
    [ "$status" = 0 ]
    [[ "$output" == *"the longest value has 3,145,745 bytes"*"CONFIG SET proto-max-bulk-len 3145745"* ]]
}

@test "an RDB that claims what no server holds is an error, and takes no memory" {
    local what
    for what in count templates module; do
        python3 - $what >"$T/bad.rdb" <<'PY'
import sys
what, out = sys.argv[1], sys.stdout.buffer
if what == "count":
    out.write(b"REDIS0011\xfe\x00\x05\x01z\x81" + b"\xff" * 8 + (b"\x01m" + b"\0" * 8) * 1000)
if what == "templates":
    out.write(b"REDIS0015\xfe\x00" + bytes([242, 1, 0]) * (2 << 20) + b"\xff" + b"\0" * 8)
if what == "module":
    out.write(b"REDIS0011\xfe\x00\x07\x01k\x01" + b"\x01\x01" * (70 << 20))
PY
        run bash -c "\"$CSTASH\" dump -q --from-rdb \"$T/bad.rdb\" >/dev/null"
        [ "$status" = 1 ]
        case $what in
        count) [[ "$output" == *"an impossible count of 18446744073709551615"* ]] ;;
        templates) [[ "$output" == *"hash templates take more than"* ]] ;;
        module) [[ "$output" == *"longer than the 134217728 bytes allowed"* ]] ;;
        esac
    done
}
