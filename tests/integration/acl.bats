# SPDX-License-Identifier: Apache-2.0
# The least rights of docs/rights.md: with them it works, and without any one of them it says which is missing, or what is.

load ../harness/env.bash
load ../harness/cluster.bash

setup() {
    need redis-server redis-cli python3
    setup_folder
    "$CSTASH" init -q
}
teardown() { end_all; }

before() { :; } # what is done before each attempt

# least "NODE..." KEYS "RIGHT[:TOLD] ..." SAYS COMMAND...: with these rights it succeeds and says SAYS, and without any of them
# it fails and says the last word of the right, or TOLD; with ":-TOLD" it succeeds, and TOLD replaces what it said.
least() {
    local nodes=$1 keys=$2 rights=$3 says=$4 one node told
    shift 4
    for one in none $rights none; do # in the end with all of them
        before
        for node in $nodes; do
            cli "$node" acl setuser u reset on '>pw' $keys $(for r in $rights; do [ "$r" = "$one" ] || echo "${r%%:*}"; done) >/dev/null
        done
        REDISCLI_AUTH=pw run "$CSTASH" "$@"
        told=${one#*:} # or the right itself
        told=${told//_/ }
        [ "$told" != "$one" ] || told=${one#+}
        echo "without $one: $status: $output"
        if [ "$one" = none ]; then
            says 0 "$says"
        elif [[ "$told" == -* ]]; then
            says 0 "${told#-}"
        else
            [ "$status" = 1 ]
            [[ "${output,,}" == *"${told,,}"* ]]
        fi
    done
}

@test "one server: by replication, by SCAN, its digest" {
    start_redis a
    fill "$PORT_a"
    cli a del "" >/dev/null
    local at="redis://u@127.0.0.1:$PORT_a"
    least a "" "+psync" "by replication" backup --source replication --redis "$at"
    least a "" "+psync:falling" "all" digest --redis "$at" # without it SCAN is tried
    least a "%R~*" "+@read:scan +select +function|list:-+function|list" "by scan" backup --source scan --redis "$at"
    least a "%R~*" "+scan +select +dump +memory|usage:+@read +pexpiretime:+@read" "by scan" backup --source scan --redis "$at"
    least a "%R~*" "+@read:scan +select" "all" digest --source scan --redis "$at"
    # Redis takes %R~* for a pattern, which the empty name does not match.
    cli a set "" v >/dev/null
    least a "~*" "+@read:scan +select" "by scan" backup --source scan --redis "$at"
}

@test "one server: a restore in each sense of --existing" {
    start_redis a
    start_redis b
    fill "$PORT_a"
    "$CSTASH" backup -q --redis "$URL_a"
    local at="redis://u@127.0.0.1:$PORT_b" existing
    before() { cli b flushall >/dev/null; cli b function flush >/dev/null; }
    least b "~*" "+@write:may_not +select +dbsize:-+dbsize" "are those of the backup" restore --yes --safety-copy skip --redis "$at" latest
    least b "~*" "+@write:may_not +select +dbsize:-+dbsize" "are those of the backup" restore --yes --safety-copy skip --existing flush --redis "$at" latest
    before() { # a database without keys need not be asked which of them it has
        cli b flushall >/dev/null
        cli b function flush >/dev/null
        cli b set mine v >/dev/null
    }
    for existing in skip fail; do
        least b "~*" "+@write:may_not +select +exists +dbsize:-+dbsize" "restored 24 keys" restore --yes --safety-copy skip --existing $existing --redis "$at" latest
    done
    before() { cli b flushall >/dev/null; cli b function flush >/dev/null; }
    before() { # which is copied first
        cli b flushall >/dev/null
        cli b function flush >/dev/null
        cli b mset here 1 there 2 >/dev/null
    }
    least b "~*" "+@write:may_not +@read:scan +select +function|list:list" "the 2 keys that it held" restore --yes --redis "$at" latest
    before() { cli b flushall >/dev/null; cli b function flush >/dev/null; }
    least b "~*" "+@write:may_not +@read +select" "read back" restore --yes --safety-copy skip --verify --redis "$at" latest
}

@test "a cluster: backups, its digest, a restore" {
    start_cluster c 3 0
    fill_cluster c 300
    local at="redis://u@127.0.0.1:$PORT_c1"
    least "c1 c2 c3" "" "+psync +role +cluster|shards +cluster|nodes:-+cluster|nodes" "300 keys of 3 shards by replication" backup --source replication --redis "$at"
    least "c1 c2 c3" "%R~*" "+@read:scan +select +role +cluster|slots +cluster|nodes:-+cluster|nodes +function|list:-+function|list" "300 keys of 3 shards by scan" \
        backup --source scan --redis "$at"
    least "c1 c2 c3" "" "+psync:psync +role +cluster|shards" "all" digest --source replication --redis "$at"
    before() { each_node c flushall >/dev/null; each_node c function flush >/dev/null; }
    least "c1 c2 c3" "~*" "+@write:may_not +role +cluster|shards +select:-+dbsize +dbsize:-+dbsize" "are those of the backup" restore --yes --safety-copy skip --redis "$at" latest
}

@test "Sentinels, and the servers behind them" {
    start_redis a
    start_redis b --replicaof 127.0.0.1 "$PORT_a"
    until_true follows b
    local port
    port=$(free_port)
    mkdir -p "$T/s"
    printf '%s\n' "port $port" "bind 127.0.0.1" "dir $T/s" "daemonize yes" "pidfile $T/s.pid" "logfile $T/s.log" \
        "sentinel monitor db 127.0.0.1 $PORT_a 1" >"$T/s.conf"
    redis-server "$T/s.conf" --sentinel >/dev/null
    PORT_s=$port
    until_true answers s
    cli a set k v >/dev/null
    until_true has_key b
    printf pw >"$T/pw"
    local at="redis-sentinel://u@127.0.0.1:$port/db" ask=(--sentinel-user u --sentinel-password-file "$T/pw")
    for n in a b; do cli $n acl setuser u reset on '>pw' +psync +role >/dev/null; done
    least s "" "+sentinel|master" "1 key" backup --redis "$at" "${ask[@]}"
    least "a b" "" "+psync +role" "1 key" backup --source replication --redis "$at" "${ask[@]}"
    before() { cli a flushall >/dev/null; }
    least "a b" "~*" "+@write:set +select +role +dbsize:-+dbsize" "are those of the backup" restore --yes --safety-copy skip --redis "$at" "${ask[@]}" latest
}
follows() { [[ "$(cli "$1" info replication)" == *"master_link_status:up"* ]]; }
has_key() { [ "$(cli "$1" dbsize)" = 1 ]; }
answers() { cli "$1" ping 2>/dev/null | grep -q PONG; }

@test "servers that have renamed or switched off what is asked for" {
    start_redis a --rename-command PSYNC "" --rename-command SYNC "" --rename-command CONFIG ""
    start_redis b --rename-command CONFIG "" --rename-command INFO ""
    start_redis c --rename-command PSYNC hidden
    fill "$PORT_a"
    run "$CSTASH" backup --redis "$URL_a" --target a
    says 0 "the server does not serve replicas" "falling back to SCAN" "24 keys by scan"
    run "$CSTASH" backup --redis "$URL_a" --target a --source replication
    says 1 "the server does not serve replicas" "--source scan works with every server"
    for existing in replace skip flush; do
        run "$CSTASH" restore --yes --existing $existing --redis "$URL_b" --target a latest
        [ $existing = skip ] && says 0 "24 kept" || says 0 "restored 24 keys"
    done
    run "$CSTASH" backup --redis "$URL_b" --target b
    says 0 "24 keys by replication"
    [ "$("$CSTASH" digest -q --redis "$URL_b")" = "$("$CSTASH" digest -q --redis "$URL_a")" ]
    cli c set k v >/dev/null
    run "$CSTASH" backup --redis "$URL_c" --target c --source replication --psync hidden
    says 0 "1 key by replication"
    # As a proxy that knows commands of one key only.
    start_redis d --rename-command SCAN "" --rename-command PSYNC "" --rename-command SYNC "" --rename-command INFO ""
    run "$CSTASH" backup --redis "$URL_d" --target d
    says 1 "could not list the keys (SCAN)" "unknown command"
    [ "$("$CSTASH" snapshots | grep -c 'dumpfile.resp$')" = 3 ] # beside the copies that restores took
}

@test "a cluster whose commands are denied: no backup of one node instead, unless that is asked for" {
    start_cluster c 3 0
    fill_cluster c 300
    each_node c acl setuser u on '>pw' '~*' +@all -cluster >/dev/null
    export REDISCLI_AUTH=pw
    run "$CSTASH" backup --redis "redis://u@127.0.0.1:$PORT_c1"
    says 1 "could not ask the cluster for its shards" "+cluster|shards"
    run "$CSTASH" restore --yes --redis "redis://u@127.0.0.1:$PORT_c1" latest
    [ "$status" = 1 ]
    run "$CSTASH" backup --node --redis "redis://u@127.0.0.1:$PORT_c1"
    says 0 "keys by replication"
    run "$CSTASH" snapshots
    says 0 "(partial: --node"
}
