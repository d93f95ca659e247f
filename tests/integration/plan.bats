# SPDX-License-Identifier: Apache-2.0
# restore --plan: what it says comes true, and nothing is written for it. Each case is planned first, and restored then.
load ../harness/env.bash
load ../harness/versions.bash
load ../harness/cluster.bash

setup() {
    need redis-server redis-cli python3
    setup_folder
    start_redis a
    "$CSTASH" init -q
}
teardown() { end_all; }

many() { # many NAME PREFIX COUNT BYTES
    cli "$1" eval "for i = 1, $3 do redis.call('SET', '$2' .. i, string.rep('x', $4)) end" 0 >/dev/null
}
plan() { run "$CSTASH" restore --plan --redis "$1" "${@:2}" latest </dev/null; }
# answer FIELD...: of the last plan in JSON, in $PLAN
answer() {
    python3 - "$PLAN" "$@" <<'P'
import json, sys
at = json.loads(sys.argv[1])
for name in sys.argv[2:]:
    at = at[name]
print(at)
P
}

# comes_true yes|no URL [arguments]: the plan says so, and so it comes; the texts of the plan stand in $PLAN afterwards.
comes_true() {
    local want=$1 url=$2 status=0 said=0
    shift 2
    PLAN=$("$CSTASH" restore --plan -q --json --redis "$url" "$@" latest </dev/null 2>"$T/err") || said=$?
    echo "# plan of $url $*: $said $PLAN $(cat "$T/err")"
    case $want in
    yes) [ "$said" = 0 ] && [ "$(answer works)" = yes ] ;;
    no) [ "$said" = 4 ] && [ "$(answer works)" = no ] ;;
    esac || return 1
    "$CSTASH" restore -q --yes --redis "$url" "$@" latest </dev/null >"$T/out" 2>&1 || status=$?
    echo "# restore: $status $(cat "$T/out")"
    case $want in
    yes) [ "$status" = 0 ] ;;
    no) [ "$status" = 1 ] ;;
    esac
}
of_repo() { find "$T/repo" -type f -exec sha256sum {} + | sort; }
counts_of() { # what a server counts of writes, and of keys that went
    cli "$1" info all | tr -d '\r' | grep -E '^(rdb_changes_since_last_save|master_repl_offset|evicted_keys|expired_keys|db[0-9]+):'
    cli "$1" debug digest
}

@test "it tells what, into what, and what would be in the way; nothing is written, to the server or the repository" {
    local before pid
    start_redis b --repl-backlog-size 1mb
    start_redis c --replicaof 127.0.0.1 "$PORT_b" # so that each write of b would be counted in its stream
    until_true linked c
    many a k 300 100
    cli a -n 2 rpush list a b c >/dev/null
    cli a hset h f v >/dev/null
    cli a pexpireat h 33000000000000 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    many b k 30 5
    cli b mset mine 1 other 2 >/dev/null
    cli b -n 2 rpush list z >/dev/null
    of_repo >"$T/repo.before"
    counts_of b | sed '/^master_repl_offset/d' >"$T/b.before"
    redis-cli -p "$PORT_b" monitor >"$T/monitor" 3>&- &
    PIDS+=("$!")
    until_true [ -s "$T/monitor" ]
    cli b config resetstat >/dev/null
    for existing in replace skip fail flush; do
        plan "$URL_b" --existing $existing
        case $existing in
        fail) says 4 "would NOT work" "31 of the 302 are there: they would end the restore" ;;
        skip) says 0 "31 of the 302 are there: they would be kept, and not restored" ;;
        replace) says 0 "31 of the 302 are there: they would be replaced" ;;
        flush) says 0 "33 keys would be removed first" ;;
        esac
        says "$status" "302 keys" "database 0: 301 keys: 300 string, 1 hash; 1 of them expires" "database 2: 1 key: 1 list" \
            "holds 33 keys" "no maxmemory" "the 33 keys that the target holds would be copied first" "nothing is written" \
            "an estimate" "needs --yes"
    done
    plan "$URL_b" --match 'k1*' --db 0
    says 0 "111 keys" "191 keys are not wanted" "11 of the 111 are there"
    plan "$URL_b" --rename-prefix k=new
    says 0 "1 of the 302 is there: it would be replaced" # the list
    plan "$URL_b" --existing flush --match 'k1*'
    says 2 "would empty the server"
    sleep 0.2
    counts_of b | sed '/^master_repl_offset/d' | diff "$T/b.before" -
    of_repo | diff "$T/repo.before" -
    python3 - "$T/monitor" <<'P'
import re, shlex, sys
reads = {"info", "select", "exists", "time", "module", "dbsize", "config", "acl", "echo", "hello", "ping", "auth", "role", "client",
         "scan", "cluster", "debug", "multi", "discard", "monitor", "command", "dump"}
seen = set()
for line in open(sys.argv[1]):
    m = re.match(r'\d+\.\d+ \[\d+ [^]]*\] (.*)', line)
    if not m: continue
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', m[1])
    name = words[0].lower()
    seen.add(name)
    if name in reads or any(w.startswith("cstash-probe-") for w in words[1:3]): continue
    # refused, since they know no such word, or no such code
    if [w.lower() for w in words] in (["function", "load", "replace"], ["function", "load", "x"], ["function", "flush", "x"], ["flushall", "x"]): continue
    if name in ("replconf", "psync"): continue # of the replica
    sys.exit("a plan sent " + line)
assert "exists" in seen, seen
P
    # of the commands that write, none was carried out but on a key that there is not
    python3 - "$(cli b info commandstats)" <<'P'
import re, sys
allowed = {"del", "pexpireat", "expireat", "getex", "hpexpireat", "xdel"} # of a name that no key has: nothing to do
for name, calls, failed in re.findall(r"cmdstat_([^:]+):calls=(\d+).*?failed_calls=(\d+)", sys.argv[1]):
    if name.split("|")[0] in ("restore", "xgroup", "xsetid", "function", "flushall", "set", "rpush", "hset", "sadd", "zadd", "xadd"):
        assert calls == failed, (name, calls, failed)
P
    [ "$(cli b dbsize)" = 32 ]
}
linked() { [[ "$(cli "$1" info replication)" == *master_link_status:up* ]]; }

@test "a full server: each policy, what would be replaced, removed or kept" {
    local policy
    start_redis b
    many a k 1300 10000
    cli a eval 'for i = 1, 50 do redis.call("PEXPIRE", "k" .. i, 100000000) end' 0 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    for policy in noeviction allkeys-lru allkeys-lfu allkeys-random volatile-lru volatile-random volatile-ttl; do
        cli b config set maxmemory 0 >/dev/null
        cli b flushall >/dev/null
        cli b config set maxmemory-policy $policy >/dev/null
        cli b config set maxmemory 9mb >/dev/null
        comes_true no "$URL_b"
        [[ "$(answer answers memory works)" == no ]]
        cli b config set maxmemory 4mb >/dev/null
        comes_true no "$URL_b" # that is refused before anything is written
        grep -q "nothing was written" "$T/out"
        cli b flushall >/dev/null
        cli b config set maxmemory 40mb >/dev/null
        comes_true yes "$URL_b"
        # the same keys again: what there is is replaced
        cli b config set maxmemory 24mb >/dev/null
        comes_true yes "$URL_b" --safety-copy skip
        comes_true yes "$URL_b" --safety-copy skip --existing skip
        # other keys
        cli b flushall >/dev/null
        many b other 1000 10000
        cli b config set maxmemory 20mb >/dev/null
        comes_true no "$URL_b" --safety-copy skip
        cli b config set maxmemory 0 >/dev/null
        cli b flushall >/dev/null
        many b other 1000 10000
        cli b config set maxmemory 20mb >/dev/null
        comes_true yes "$URL_b" --existing flush
        cli b config set maxmemory 12mb >/dev/null
        cli b flushall >/dev/null
        comes_true yes "$URL_b" --match 'k1*'
    done
    # near to the limit nobody can tell
    cli b config set maxmemory 14500kb >/dev/null
    cli b flushall >/dev/null
    plan "$URL_b"
    says 3 "is not known" "?   memory:"
}

@test "versions: what they cannot hold, and what they can" {
    local old
    start_version redis-7.4 n
    cli a mset a 1 b 2 >/dev/null
    cli a rpush l 1 2 3 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" --tag plain
    for old in redis-2.8 redis-6.0 installed valkey-8.0; do
        start_version $old b
        comes_true yes "$URL_b"
        stop_redis b
    done
    cli a xadd s 1-1 f v >/dev/null
    cli a xgroup create s g 0 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    start_version redis-2.8 b
    comes_true no "$URL_b"
    [[ "$(answer answers version text)" == *"cannot hold commands that fill streams"* ]]
    stop_redis b
    start_version redis-6.0 b # takes the stream, without some of its counters
    comes_true yes "$URL_b"
    cli a function load replace "#!lua name=lib
redis.register_function('f', function() return 1 end)" >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    cli b flushall >/dev/null
    comes_true no "$URL_b"
    [[ "$(answer answers version text)" == *"cannot hold function libraries: 1"* ]]
    stop_redis b
    cli n hset h f v g w >/dev/null
    cli n hpexpireat h 33000000000000 fields 1 f >/dev/null
    "$CSTASH" backup -q --redis "$URL_n" --target newer
    start_redis c
    comes_true no "$URL_c" --target newer
    [[ "$(answer answers version text)" == *"expiries of hash fields: 1"* ]]
    start_version redis-8.0 d
    comes_true yes "$URL_d" --target newer
    # as the server's own payloads
    cli n del h >/dev/null
    cli n rpush l a b >/dev/null
    "$CSTASH" backup -q --redis "$URL_n" --target payloads --format restore
    cli c flushall >/dev/null
    comes_true yes "$URL_c" --target payloads
}

@test "modules: without them, with them" {
    start_version redis-7.4 n
    cli n json.set j '$' '{"a":1}' >/dev/null
    cli n bf.add bloom x >/dev/null
    cli n set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_n" --target modules
    start_redis b
    comes_true no "$URL_b" --target modules
    [[ "$(answer answers version text)" == *"2 values are of modules that it has not loaded"* ]]
    cli b flushall >/dev/null
    comes_true yes "$URL_b" --target modules --match k
    start_version redis-7.4 c
    comes_true yes "$URL_c" --target modules
}

@test "a replica, and servers that take no writes" {
    start_redis b
    start_redis c --replicaof 127.0.0.1 "$PORT_b" --replica-read-only no
    until_true linked c
    cli a set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    comes_true no "$URL_c"
    [[ "$(answer answers target text)" == *"is a replica"* ]]
    cli b config set min-replicas-to-write 3 >/dev/null
    PLAN=$("$CSTASH" restore --plan -q --json --redis "$URL_b" latest) || [ "$?" = 4 ]
    [[ "$(answer answers target text)" == *"NOREPLICAS"* ]]
    cli b config set min-replicas-to-write 0 >/dev/null
    comes_true yes "$URL_b"
    # more databases than it has
    start_redis d --databases 2
    cli a -n 7 set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    comes_true no "$URL_d"
    comes_true yes "$URL_d" --db 0
    comes_true yes "$URL_d" --db-map 7=1
    # longer values than it takes
    cli a set long "$(python3 -c 'print("x" * 2000000)')" >/dev/null 2>&1 || python3 - "$PORT_a" <<'P'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
v = b"x" * 2000000
s.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$%d\r\n%s\r\n" % (len(v), v))
assert s.recv(10) == b"+OK\r\n"
P
    "$CSTASH" backup -q --redis "$URL_a" --db 0 --tag part
    cli b config set proto-max-bulk-len 1mb >/dev/null
    comes_true no "$URL_b" --db 0 --safety-copy skip
    [[ "$(answer answers target text)" == *"proto-max-bulk-len"* ]]
}

@test "rights: each that is missing is named, by whatever way it may be asked for; and names that may not be written" {
    local at rights missing
    start_redis b
    cli a mset k1 v k2 v >/dev/null
    cli a rpush l 1 2 >/dev/null
    cli a zadd z 1 m >/dev/null
    cli a pexpireat z 33000000000000 >/dev/null
    cli a xadd s 1-1 f v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    at="redis://u@127.0.0.1:$PORT_b"
    export REDISCLI_AUTH=pw
    # by a transaction that is given up; by ACL DRYRUN; by commands that are refused
    for rights in "+@transaction" "+acl" ""; do
        cli b acl setuser u reset on '>pw' '~*' +@write +@read +select +info +psync +function $rights >/dev/null
        comes_true yes "$at"
        for missing in set zadd xadd del pexpireat select; do
            cli b flushall >/dev/null
            cli b acl setuser u reset on '>pw' '~*' +@write +@read +select +info +psync $rights -$missing >/dev/null
            comes_true no "$at"
            [[ "$(answer answers rights text)$(answer answers target text)" == *"${missing^^}"* ]]
        done
    done
    cli b acl setuser u reset on '>pw' '~*' +@all -rpush >/dev/null
    cli b flushall >/dev/null
    comes_true no "$at"
    [[ "$(answer answers rights text)" == *"RPUSH"* ]]
    cli b acl setuser u reset on '>pw' '~*' +@all -flushall >/dev/null
    comes_true no "$at" --existing flush
    cli b flushall >/dev/null
    comes_true yes "$at"
    # names
    cli b flushall >/dev/null
    cli b acl setuser u reset on '>pw' '~k*' '~cstash-*' +@all >/dev/null
    cli b acl setuser u reset on '>pw' '~k*' +@all >/dev/null
    comes_true no "$at"
    [[ "$(answer answers rights text)" == *"may not write 3 of the keys"* ]]
    cli b flushall >/dev/null
    comes_true yes "$at" --match 'k*'
    # the copy
    cli b set here 1 >/dev/null
    cli b acl setuser u reset on '>pw' '~*' +@all -psync -sync -scan >/dev/null
    comes_true no "$at"
    [[ "$(answer answers safety_copy text)" == *"may neither PSYNC"*"SCAN"* ]]
    comes_true yes "$at" --safety-copy skip
    comes_true no "$at" --no-lock
    [[ "$(answer answers safety_copy text)" == *"--no-lock"* ]]
}

@test "rights on servers of other versions" {
    local version
    cli a mset k1 v k2 v >/dev/null
    cli a rpush l 1 2 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    export REDISCLI_AUTH=pw
    for version in redis-6.0 redis-6.2 valkey-8.0; do
        start_version $version b
        cli b acl setuser u reset on '>pw' '~*' +@all -rpush >/dev/null
        comes_true no "redis://u@127.0.0.1:$PORT_b"
        [[ "$(answer answers rights text)" == *"may not RPUSH" ]]
        [ "$(cli b dbsize)" = 0 ]
        cli b acl setuser u reset on '>pw' '~k*' +@all >/dev/null
        comes_true no "redis://u@127.0.0.1:$PORT_b"
        [[ "$(answer answers rights text)" == *"may not write 1 of the keys" ]]
        cli b flushall >/dev/null
        comes_true yes "redis://u@127.0.0.1:$PORT_b" --match 'k*'
        cli b acl setuser u reset on '>pw' '~*' +@all >/dev/null
        comes_true yes "redis://u@127.0.0.1:$PORT_b"
        stop_redis b
    done
}

@test "behind Sentinels: the master is asked" {
    local port at
    start_redis b
    start_redis c --replicaof 127.0.0.1 "$PORT_b"
    until_true linked c
    port=$(free_port)
    mkdir -p "$T/s"
    printf '%s\n' "port $port" "bind 127.0.0.1" "dir $T/s" "daemonize yes" "pidfile $T/s.pid" "logfile $T/s.log" \
        "sentinel monitor db 127.0.0.1 $PORT_b 1" >"$T/s.conf"
    redis-server "$T/s.conf" --sentinel >/dev/null
    PORT_s=$port
    until_true knows s
    cli a set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" --target single
    cli b mset k old mine 1 >/dev/null
    at="redis-sentinel://127.0.0.1:$port/db"
    comes_true yes "$at" --target single
    [ "$(answer keys_in_the_way)" = 1 ]
    comes_true no "$at" --target single --existing fail
    run "$CSTASH" restore --plan --redis "redis://127.0.0.1:$port" --target single latest
    says 4 "Sentinel"
}
knows() { [[ "$(cli "$1" sentinel master db)" == *num-slaves*1* ]]; }

@test "a cluster: slots, databases, keys that are there, and one node that lacks a right" {
    start_cluster c 3 0
    fill_cluster c 300
    "$CSTASH" backup -q --redis "$URL_c" --target c
    cli a set k v >/dev/null
    cli a -n 3 mset x 1 y 2 z 3 >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" --target single
    comes_true yes "$URL_c" --target c # in place
    [ "$(answer keys_in_the_way)" = "$(answer keys)" ]
    comes_true yes "$URL_c" --target c --existing flush
    comes_true no "$URL_c" --target c --existing fail
    comes_true no "$URL_c" --target single
    [[ "$(answer answers target text)" == *"a cluster has one database"* ]]
    comes_true yes "$URL_c" --target single --db 3
    [ "$(answer keys_in_the_way)" = 0 ]
    comes_true yes "$URL_a" --target c # and out of it
    cli c2 acl setuser default -set >/dev/null
    comes_true no "$URL_c" --target c
    [[ "$(answer answers rights text)" == *"127.0.0.1:$PORT_c2"*"SET"* ]]
    cli c2 acl setuser default +@all >/dev/null
    # one master alone without room
    each_node c flushall >/dev/null
    many a k 3000 10000
    "$CSTASH" backup -q --redis "$URL_a" --target many --db 0
    cli c3 config set maxmemory 6mb >/dev/null
    comes_true no "$URL_c" --target many --db 0
    [[ "$(answer answers memory text)" == *"the tightest master, 127.0.0.1:$PORT_c3,"* ]]
    cli c3 config set maxmemory 40mb >/dev/null
    each_node c flushall >/dev/null
    comes_true yes "$URL_c" --target many --db 0
    cli c3 config set maxmemory 0 >/dev/null
    each_node c cluster delslots 5 >/dev/null
    PLAN=$("$CSTASH" restore --plan -q --json --redis "$URL_c" --target c latest) || [ "$?" = 4 ]
    [ "$(answer works)" = no ]
    echo "# $PLAN"
    [[ "$(answer answers target text)" == *"slot"*5* ]]
    run "$CSTASH" restore -q --yes --wait 2s --redis "$URL_c" --target c latest
    says 1 "slot"
}

@test "what stands in the snapshot: no manifest, nothing that is wanted, commands that write no data, damage" {
    local pack
    start_redis b
    many a k 200 100
    "$CSTASH" dump -q --redis "$URL_a" >"$T/dump"
    redis-cli -p "$PORT_a" --rdb "$T/dump.rdb" >/dev/null
    printf '*3\r\n$3\r\nSET\r\n$2\r\nk1\r\n$1\r\nv\r\n*3\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$1\r\nx\r\n' >"$T/foreign"
    "$CSTASH" backup -q --stdin --stdin-filename dumpfile.resp --tag plain <"$T/dump"
    "$CSTASH" backup -q --stdin --stdin-filename dump.rdb --tag rdb <"$T/dump.rdb"
    "$CSTASH" backup -q --stdin --stdin-filename dumpfile.resp --tag foreign <"$T/foreign"
    for it in plain rdb; do
        comes_true yes "$URL_b" --tag $it
        [ "$(answer keys)" = 200 ]
        comes_true yes "$URL_b" --tag $it
        [ "$(answer keys_in_the_way)" = 200 ]
    done
    comes_true no "$URL_b" --tag foreign
    [[ "$(answer answers snapshot text)" == *"CONFIG at byte"* ]]
    cli a set random "$(head -c 100000 /dev/urandom | base64 -w 0 | head -c 100000)" >/dev/null
    touch "$T/marker"
    "$CSTASH" backup -q --redis "$URL_a" --target whole
    comes_true no "$URL_b" --target whole --match 'nothing*'
    [[ "$(answer answers snapshot text)" == *'none of the 201 keys of the dump matches "nothing*"'* ]]
    pack=$(find "$T/repo/data" -type f -size +20k -newer "$T/marker")
    cp "$pack" "$T/pack"
    chmod u+w "$pack"
    truncate -s -1 "$pack" # of its header: the dump can be read, and is not proven to be whole
    comes_true no "$URL_b" --target whole --no-cache --existing flush
    comes_true yes "$URL_b" --target whole --no-cache
    cli b flushall >/dev/null
    plan "$URL_b" --target whole --no-cache
    says 3 "not proven"
    cp "$T/pack" "$pack"
    comes_true yes "$URL_b" --target whole --no-cache --existing flush
}

@test "a question that cannot be asked fails as it does elsewhere" {
    start_redis b --requirepass pw
    cli a set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a"
    run "$CSTASH" restore --plan --redis redis://127.0.0.1:1 latest
    says 1 "refused"
    run "$CSTASH" restore --plan --redis "$URL_b" latest
    says 4 "NOAUTH"
    run "$CSTASH" restore --plan --redis "$URL_a" 0123456789
    says 1 "0123456789"
    run "$CSTASH" restore --plan -r "$T/nowhere" --redis "$URL_a" latest
    says 10
    RESTIC_PASSWORD=wrong run "$CSTASH" restore --plan --redis "$URL_a" latest
    says 12
}

@test "what a verification found, and how long it took" {
    local id
    start_redis b
    many a k 3000 100
    "$CSTASH" backup -q --redis "$URL_a"
    "$CSTASH" verify -q latest
    id=$("$CSTASH" snapshots -q --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
    plan "$URL_b"
    says 0 "verified 20" "(by a restore)" "all of it was loaded into Redis"
    run "$CSTASH" restore --plan --redis "$URL_b" "${id:0:8}"
    says 0 "(by a restore)"
    plan "$URL_b" --match k1
    says 0 "(by a restore)"
    run "$CSTASH" verify -q --ask 'DBSIZE => 1' latest
    plan "$URL_b"
    says 3 "a verification found it bad"
}

@test "undo, and users beside the data" {
    local before
    start_redis b
    cli a acl setuser joe on '>pw' '~*' +@read >/dev/null
    cli a set k v >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" --acl
    cli b set mine 1 >/dev/null
    run "$CSTASH" undo --plan --to "$URL_b"
    says 1 "no restore left a copy"
    comes_true yes "$URL_b" --acl add
    before=$(digest b)
    of_repo >"$T/before"
    run "$CSTASH" undo --plan --to "$URL_b"
    says 0 "2 keys would be removed first" "database 0: 1 key" "the restore would work"
    [ "$(digest b)" = "$before" ]
    of_repo | diff "$T/before" -
    run "$CSTASH" undo -q --yes --to "$URL_b"
    says 0
    cli b acl setuser u reset on '>pw' '~*' +@all '-acl|setuser' >/dev/null
    REDISCLI_AUTH=pw comes_true no "redis://u@127.0.0.1:$PORT_b" --acl replace
    [[ "$(answer answers rights text)" == *"ACL SETUSER"* ]]
    "$CSTASH" backup -q --redis "$URL_a"
    comes_true no "$URL_b" --acl add
    [[ "$(answer answers rights text)" == *"the snapshot holds no users"* ]]
}
