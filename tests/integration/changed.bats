# SPDX-License-Identifier: Apache-2.0
# A restore of some types, under other names, into other databases, with other times to expire, and with values that nobody may see.

load ../harness/env.bash
load ../harness/cluster.bash
load ../harness/versions.bash

setup() {
    setup_folder
    start_redis a
    start_redis b
    fill
    for format in commands restore; do
        "$CSTASH" init -q -r "$T/$format"
        "$CSTASH" backup -q -r "$T/$format" --redis "$URL_a" --format $format
    done
}
teardown() { end_all; }

fill() {
    cli a mset user:1 x user:2 y other:1 z >/dev/null
    cli a set user:t v EX 100000 >/dev/null
    cli a rpush user:list one two one >/dev/null
    cli a sadd user:set m1 m2 >/dev/null
    cli a zadd user:zset 1 q 2 w >/dev/null
    cli a hset user:hash mail me@here name bob >/dev/null
    cli a xadd user:stream 1-1 mail me@here kind new >/dev/null
    cli a xgroup create user:stream group 0 >/dev/null
    cli a xreadgroup group group reader streams user:stream '>' >/dev/null
    cli a xadd user:stream 1-2 mail me@here kind old >/dev/null
    cli a xdel user:stream 1-1 >/dev/null
    head -c 3000000 /dev/zero | tr '\0' z | cli a -x set user:long >/dev/null
    head -c 2000000 /dev/zero | tr '\0' z | cli a -x hset user:wide mail >/dev/null
    cli a eval 'for i = 1, 3000 do redis.call("HSET", "user:wide", "f" .. i, string.rep("v", 500)) end' 0 >/dev/null
    cli a -n 3 set three v >/dev/null
}

restored() { # restored OPTION...: into an empty server, read back
    cli b flushall >/dev/null
    "$CSTASH" restore -q --yes -r "$T/$format" --redis "$URL_b" --verify "$@"
}

value() { cli "$1" debug digest-value "$2"; }

@test "a prefix of names, and a database, become others; all else is as it was" {
    for format in commands restore; do
        run restored --rename-prefix user:=copy: --db-map 3=0
        says 0 "changed on the way by --rename-prefix 'user:=copy:' --db-map 3=0"
        [ "$(cli b dbsize)" = "$(("$(cli a dbsize)" + 1))" ]
        for key in 1 t list set zset hash stream long wide; do
            [ "$(value b copy:$key)" = "$(value a user:$key)" ]
        done
        [ "$(value b other:1)" = "$(value a other:1)" ]
        [ "$(cli b get three)" = v ]
        [ "$(cli b xpending copy:stream group | head -1)" = 1 ]
        [ "$(cli b ttl copy:t)" -gt 90000 ]
        run restored --db 3 --db-map 3=7
        says 0 "read back"
        [ "$(cli b info keyspace | tr -d '\r' | tail -n +2)" = "db7:keys=1,expires=0,avg_ttl=0" ]
    done
}

@test "two of three databases, backed up, restored, listed and compared" {
    local id
    cli a -n 5 mset five v also v >/dev/null
    cli b -n 7 set seven v >/dev/null
    "$CSTASH" backup -q -r "$T/commands" --redis "$URL_a" --db 5,3
    run "$CSTASH" snapshots -q -r "$T/commands"
    says 0 "--db 3 --db 5"
    id=$("$CSTASH" snapshots -q --json -r "$T/commands" | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["short_id"])')
    [ "$("$CSTASH" show --manifest -q -r "$T/commands" "$id" | python3 -c 'import json, sys
m = json.load(sys.stdin); print(m["keys"], m["filter"]["db"])')" = "3 [3, 5]" ]
    [ "$("$CSTASH" keys -q -r "$T/commands" "$id" --db 3 --db 5 | grep -cE 'three|five|also')" = 3 ]
    [ "$("$CSTASH" digest -q --redis "$URL_a" --source scan --db 3,5)" = "$("$CSTASH" digest -q --redis "$URL_a" --db 3 --db 5)" ]
    # What is emptied first are these two.
    cli b mset zero v >/dev/null
    cli b -n 3 set old v >/dev/null
    cli b -n 5 set old v >/dev/null
    run "$CSTASH" restore -q --yes -r "$T/commands" --redis "$URL_b" --existing flush --db 3,5 --verify "$id"
    says 0 "read back"
    [ "$(cli b info keyspace | tr -d '\r' | sed -n 's/^\(db[0-9]*\):keys=\([0-9]*\).*/\1=\2/p' | xargs)" = "db0=1 db3=1 db5=2 db7=1" ]
    run "$CSTASH" diff -q -r "$T/commands" "$id" "$URL_b" --db 3,5
    says 0
    [ -z "$output" ] || [[ "$output" == *"no difference"* || "$output" == *"the same"* ]]
    cli b -n 5 set five other >/dev/null
    run "$CSTASH" diff -q -r "$T/commands" "$id" "$URL_b" --db 5,3
    [[ "$output" == *five* ]]
    run "$CSTASH" restore -q --yes -r "$T/commands" --redis "$URL_b" --db 3,,5 "$id"
    says 2 '--db: "" is not a number from 0'
}

@test "two keys that would become one are refused before anything is written" {
    for format in commands restore; do
        run restored --rename-prefix user:1=other:1
        says 1 'nothing was written: two keys of the dump would become "other:1" of database 0'
        [ "$(cli b dbsize)" = 0 ]
        run restored --db-map 0=3 --rename-prefix user:1=three
        says 1 'would become "three" of database 3'
    done
}

@test "times to expire: none, or later by the age of the snapshot" {
    for format in commands restore; do
        restored --ttl drop
        [ "$(cli b ttl user:t)" = -1 ]
        [ "$(value b user:hash)" = "$(value a user:hash)" ]
        cli b flushall >/dev/null
        before=$(cli a pexpiretime user:t)
        restored --ttl shift
        [ "$(cli b pexpiretime user:t)" -gt "$before" ]
        [ "$(cli b pexpiretime user:t)" -lt $((before + 600000)) ]
    done
    "$CSTASH" dump -q --redis "$URL_a" >"$T/a.resp"
    run "$CSTASH" load --yes --redis "$URL_b" --ttl shift "$T/a.resp"
    says 2 "moves the times to expire by the age of the snapshot"
}

@test "times of fields" {
    start_version redis-8.0 new
    start_version redis-8.0 too
    cli new hset h f v g w >/dev/null
    cli new hpexpire h 100000000 fields 1 f >/dev/null
    for format in commands restore; do
        rm -r "${T:?}/$format"
        "$CSTASH" init -q -r "$T/$format"
        "$CSTASH" backup -q -r "$T/$format" --redis "$URL_new" --format $format
        "$CSTASH" restore -q --yes -r "$T/$format" --redis "$URL_too" --verify --ttl drop --mask 'h->g=hash' --rename-prefix h=i
        [ "$(cli too hpttl i fields 1 f)" = -1 ]
        [[ "$(cli too hget i g)" =~ ^[0-9a-f]{32}$ ]]
        "$CSTASH" restore -q --yes -r "$T/$format" --redis "$URL_too" --verify --ttl shift --mask 'h->g=hash' --rename-prefix h=j
        [ "$(cli too hpttl j fields 1 f)" -gt 90000000 ]
    done
}

@test "keys of some types" {
    for format in commands restore; do
        run restored --type hash --type list
        says 0 "of the $(("$(cli a dbsize)" + 1)) keys of the dump some were filtered out"
        [ "$(cli b keys '*' | sort | tr '\n' ' ')" = "user:hash user:list user:wide " ]
    done
    for source in replication scan; do
        "$CSTASH" backup -q -r "$T/commands" --redis "$URL_a" --source $source --type zset --type stream
        id=$("$CSTASH" snapshots -q -r "$T/commands" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["short_id"])')
        [ "$("$CSTASH" keys -q -r "$T/commands" "$id" | wc -l)" -ge 2 ]
        [[ "$("$CSTASH" snapshots -q -r "$T/commands")" == *"(partial: --type 'zset' --type 'stream')"* ]]
    done
    run restored --type nothing
    says 2 '--type: "nothing" must be string, list, set, zset, hash, stream, module or array'
}

@test "values that nobody may see: hashed, fixed, left out; of fields too" {
    for format in commands restore; do
        run restored --mask 'user:*=hash'
        says 0 "changed on the way by --mask 'user:*=hash'"
        [[ "$(cli b get user:1)" =~ ^[0-9a-f]{32}$ ]]
        [ "$(cli b get user:1)" != "$(cli b get user:2)" ]
        [ "$(cli b lindex user:list 0)" = "$(cli b lindex user:list 2)" ] # equal ones stay equal
        [ "$(cli b lindex user:list 0)" != "$(cli b lindex user:list 1)" ]
        [ "$(cli b scard user:set)" = 2 ]
        [ "$(cli b sismember user:set m1)" = 0 ]
        [ "$(cli b zscore user:zset "$(cli b zrange user:zset 1 1)")" = 2 ]
        [ "$(cli b hkeys user:hash | sort | tr '\n' ' ')" = "mail name " ]
        [ "$(cli b hget user:hash mail)" = "$(cli b xrange user:stream - + | sed -n 3p)" ]
        [ "$(cli b strlen user:long)" = 32 ]
        [ "$(cli b hstrlen user:wide mail)" = 32 ]
        [ "$(cli b hlen user:wide)" = 3001 ]
        [ "$(cli b xpending user:stream group | head -1)" = 1 ]
        [ "$(cli b ttl user:t)" -gt 90000 ]
        [ "$(cli b get other:1)" = z ]
        once=$(cli b get user:1)
        restored --mask 'user:*->mail=fixed'
        [ "$(cli b hget user:hash mail)" = masked ]
        [ "$(cli b hget user:hash name)" = bob ]
        [ "$(cli b xrange user:stream - + | tr '\n' ' ')" = "1-2 mail masked kind old " ]
        [ "$(cli b hget user:wide mail)" = masked ]
        [ "$(cli b hstrlen user:wide f7)" = 500 ]
        [ "$(cli b get user:1)" = x ]
        restored --mask 'user:*=fixed'
        [ "$(cli b smembers user:set)" = masked ]
        [ "$(cli b zrange user:zset 0 -1)" = masked ]
        [ "$(cli b lrange user:list 0 -1 | tr '\n' ' ')" = "masked masked masked " ]
        [ "$(cli b get user:long)" = masked ]
        restored --mask 'user:*=hash'
        [ "$(cli b get user:1)" != "$once" ] # the key is another each time
        run restored --mask 'user:*=drop'
        says 0 "some were filtered out"
        [ "$(cli b keys '*')" = other:1 ]
    done
    run restored --mask 'user:*=sha1'
    says 2 'must be PATTERN=drop, =hash or =fixed'
    run restored --mask 'user:*->mail=drop'
    says 2 'drop leaves out whole keys'
}

@test "into a cluster: the slots are those of the new names" {
    start_cluster c 3 0
    format=commands
    "$CSTASH" restore -q --yes -r "$T/commands" --redis "$URL_c" --verify --rename-prefix user:=u: --db-map 3=0 --existing replace
    [ "$(redis-cli -c -p "$PORT_c1" get u:2)" = y ]
    [ "$(redis-cli -c -p "$PORT_c1" get three)" = v ]
}

@test "what somebody else wrote: a dump of Stash's tool is renamed, what is not of one key is refused" {
    printf 'SELECT 0\r\n' >/dev/null
    python3 - "$T/other.resp" <<'PY'
import sys
def cmd(*words): return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in (x.encode() for x in words))
with open(sys.argv[1], "wb") as f:
    f.write(cmd("SELECT", "0") + cmd("SET", "a:1", "x") + cmd("RPUSH", "a:l", "1", "2") + cmd("EXPIREAT", "a:1", "4000000000") + cmd("SET", "__redisdump_total_keys", "3"))
with open(sys.argv[1] + ".many", "wb") as f:
    f.write(cmd("MSET", "a:1", "x", "b:1", "y"))
with open(sys.argv[1] + ".incr", "wb") as f:
    f.write(cmd("SET", "a:1", "5") + cmd("INCR", "a:1"))
PY
    "$CSTASH" load -q --yes --redis "$URL_b" --rename-prefix a:=b: --ttl drop "$T/other.resp"
    [ "$(cli b keys '*' | sort | tr '\n' ' ')" = "b:1 b:l " ]
    [ "$(cli b ttl b:1)" = -1 ]
    cli b flushall >/dev/null
    run "$CSTASH" load --yes --redis "$URL_b" --rename-prefix a:=b: "$T/other.resp.many"
    says 1 "MSET at byte 0 is not a command of one key"
    run "$CSTASH" load --yes --redis "$URL_b" --mask 'a:*=hash' "$T/other.resp.incr"
    says 1 "what this command does to its value is not known"
    [ "$(cli b dbsize)" = 0 ]
    "$CSTASH" load -q --yes --redis "$URL_b" --rename-prefix a:=b: "$T/other.resp.incr"
    [ "$(cli b get b:1)" = 6 ]
}
