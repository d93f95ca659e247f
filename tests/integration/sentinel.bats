# SPDX-License-Identifier: Apache-2.0
# A server behind Sentinels: which node is read and written, and what happens when the master goes.

load ../harness/env.bash
load ../harness/plane.bash

setup() { setup_folder; }
teardown() {
    stop_up
    end_all
}

# start_sentinel NAME MASTER_PORT [line of its configuration...]: sets PORT_NAME
start_sentinel() {
    local name=$1 master=$2 port
    shift 2
    mkdir -p "$T/$name"
    for _ in 1 2 3; do
        port=$(free_port)
        {
            printf 'port %s\nbind 127.0.0.1\ndir %s\ndaemonize yes\npidfile %s\nlogfile %s\n' "$port" "$T/$name" "$T/$name.pid" "$T/$name.log"
            printf 'sentinel monitor db 127.0.0.1 %s 2\nsentinel down-after-milliseconds db 1000\nsentinel failover-timeout db 5000\n' "$master"
            printf '%s\n' "$@"
        } >"$T/$name.conf"
        redis-server "$T/$name.conf" --sentinel >/dev/null
        for _ in $(seq 100); do
            redis-cli -p "$port" ping 2>&1 | grep -Eq 'PONG|NOAUTH' && { eval "PORT_$name=$port"; return 0; }
            sleep 0.05
        done
    done
    cat "$T/$name.log" >&2
    return 1
}

follows() { [[ "$(cli "$1" info replication)" == *"master_link_status:up"* ]]; }
knows_both() { [[ "$(redis-cli -p "$1" sentinel replicas db 2>/dev/null | grep -c '^master-link-status$')" == 2 ]]; }
knows_others() { [ "$(redis-cli -p "$1" sentinel sentinels db 2>/dev/null | grep -c '^runid$')" = 2 ]; }
master_port() { redis-cli -p "$1" sentinel get-master-addr-by-name db | sed -n 2p; }

# One master a, its replicas b and c, three Sentinels; sets URL, the address of all.
start_watched() {
    local s
    start_redis a
    start_redis b --replicaof 127.0.0.1 "$PORT_a"
    start_redis c --replicaof 127.0.0.1 "$PORT_a"
    until_true follows b
    until_true follows c
    for s in s1 s2 s3; do start_sentinel $s "$PORT_a" "$@"; done
    URL=redis-sentinel://127.0.0.1:$PORT_s1,127.0.0.1:$PORT_s2,127.0.0.1:$PORT_s3/db
}

holds() { [ "$(cli "$1" dbsize)" = "$2" ]; }
has_no_replica() { [[ "$(cli a info replication)" != *slave0* ]]; }
fill() { seq "$1" | awk '{print "SET k:" $1 " 0123456789012345678901234567890123456789"}' | cli a --pipe >/dev/null; }
settled() { local s; for s in "$PORT_s1" "$PORT_s2" "$PORT_s3"; do until_true knows_both "$s" && until_true knows_others "$s"; done; }

source_field() { "$CSTASH" show --path dumpfile.manifest.json "${2:-latest}" | python3 -c 'import json, sys; print(json.load(sys.stdin)["source"][sys.argv[1]])' "$1"; }

@test "a replica is read, the master is written" {
    start_watched
    fill 1000
    "$CSTASH" init -q
    run "$CSTASH" backup --redis "$URL" # what the replicas still lack is waited for
    says 0 "a replica 0 bytes behind" "1000 keys by replication"
    [ "$(source_field role)" = slave ]
    [[ "$(source_field node)" =~ ^127.0.0.1:($PORT_b|$PORT_c)$ ]]
    run "$CSTASH" snapshots
    says 0 " db "
    "$CSTASH" backup -q --redis "$URL" --prefer master
    [ "$(source_field node)" = "127.0.0.1:$PORT_a" ]
    # One target, however its Sentinels are listed.
    "$CSTASH" backup -q --redis "redis-sentinel://127.0.0.1:$PORT_s3,127.0.0.1:$PORT_s1,127.0.0.1:$PORT_s2/db"
    [ "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(len({json.dumps(s["cstash"]["target"]) for s in json.load(sys.stdin)}))')" = 1 ]
    [ "$("$CSTASH" digest -q --redis "$URL")" = "$("$CSTASH" digest -q --redis "$URL_a")" ]
    "$CSTASH" dump -q --redis "$URL" | grep -ac 'k:999' | grep -q '^[1-9]'
    cli a flushall >/dev/null
    run "$CSTASH" restore --redis "$URL" --yes latest </dev/null
    says 0 "are those of the backup" "127.0.0.1:$PORT_a holds its 1,000 keys"
    [ "$(cli a dbsize)" = 1000 ]
    until_true holds b 1000
}

@test "replicas that may not be read: their link is down, or they are far behind" {
    start_watched
    cli a set k v >/dev/null
    "$CSTASH" init -q
    cli b replicaof no one >/dev/null
    cli c config set masterauth wrong >/dev/null
    cli c replicaof 127.0.0.1 1 >/dev/null
    until_true has_no_replica
    run "$CSTASH" backup --redis "$URL"
    says 0 "\"db\" is redis://127.0.0.1:$PORT_a"
    run "$CSTASH" backup -q --redis "$URL" --prefer replica
    says 1 "none of the 0 replicas of \"db\" can be read"
}

@test "Sentinels with a password of their own; a name that nobody knows; a server that is not a Sentinel" {
    start_watched "requirepass sesame"
    "$CSTASH" init -q
    run "$CSTASH" backup -q --redis "$URL"
    says 1 "none of the 3 Sentinels named a server" "--sentinel-password-file"
    printf sesame >"$T/pass"
    cli a config set requirepass other >/dev/null # of the servers
    for s in b c; do cli "$s" config set masterauth other >/dev/null; cli "$s" config set requirepass other >/dev/null; done
    REDISCLI_AUTH=other "$CSTASH" backup -q --redis "$URL" --sentinel-password-file "$T/pass"
    run "$CSTASH" backup -q --redis "${URL%db}nobody" --sentinel-password-file "$T/pass"
    says 1 "does not know \"nobody\""
    run "$CSTASH" backup -q --redis "redis-sentinel://127.0.0.1:$PORT_a/db"
    says 1 "Sentinel redis://127.0.0.1:$PORT_a"
    run "$CSTASH" backup -q --redis "redis://127.0.0.1:$PORT_s1"
    [ "$status" = 1 ]
    run "$CSTASH" backup --redis "$URL_a" --sentinel-password-file "$T/pass"
    says 2 "are for redis-sentinel:// addresses"
}

@test "a Sentinel alone against the others, one that is gone: the most of them count" {
    start_watched
    settled
    start_redis stranger
    cli a set k v >/dev/null
    cli stranger set k lie >/dev/null
    start_sentinel liar "$PORT_stranger"
    "$CSTASH" init -q
    kill -9 "$(cat "$T/s3.pid")"
    run "$CSTASH" backup --redis "redis-sentinel://127.0.0.1:$PORT_liar,127.0.0.1:$PORT_s1,127.0.0.1:$PORT_s2,127.0.0.1:$PORT_s3/db" --prefer master
    says 0 "the Sentinels disagree about \"db\": 2 of them name 127.0.0.1:$PORT_a, 1 name 127.0.0.1:$PORT_stranger"
    "$CSTASH" show latest | grep -q '^v'
}

@test "a failover before, and in the middle of a backup; a restore that it breaks off says how far it came" {
    start_watched
    settled
    fill 200000
    until_true holds b 200000
    until_true holds c 200000
    "$CSTASH" init -q
    # The master dies, and the command waits until another one is made.
    kill -9 "$(cat "$T/a.pid")"
    run "$CSTASH" backup --redis "$URL" --prefer master
    says 0 "waiting up to 300 s"
    local now
    now=$(master_port "$PORT_s1")
    [ "$now" != "$PORT_a" ]
    [ "$(source_field node)" = "127.0.0.1:$now" ]
    [ "$(source_field role)" = master ]
    # In the middle: the one that is read goes, and it starts anew on another.
    redis-cli -p "$now" config set rdb-key-save-delay 50 >/dev/null # microseconds
    "$CSTASH" backup --redis "$URL" --prefer master >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true saves "$now"
    kill_port "$now"
    wait $!
    grep -q 'starting anew' "$T/out"
    [ "$(source_field node)" != "127.0.0.1:$now" ]
    "$CSTASH" check -q --read-data
    # A restore does not start anew: it may have written half of a key.
    now=$(source_field node)
    now=${now#*:}
    redis-cli -p "$now" flushall >/dev/null
    "$CSTASH" restore -q --redis "$URL" --yes latest >"$T/out" 2>&1 </dev/null 3>&- &
    PIDS+=($!)
    until has_keys "$now"; do :; done
    kill_port "$now"
    ! wait $!
    grep -q "of 200,000 keys are in 127.0.0.1:$now" "$T/out"
}

saves() { [[ "$(redis-cli -p "$1" info persistence)" == *rdb_bgsave_in_progress:1* ]]; }
has_keys() { [ "$(redis-cli -p "$1" dbsize)" != 0 ]; }
kill_port() { local s; for s in a b c; do eval "[ \$PORT_$s = $1 ]" && kill -9 "$(cat "$T/$s.pid")"; done; true; }

@test "a restore behind Sentinels is undone, also after a failover" {
    start_watched
    settled
    fill 2000
    until_true holds b 2000
    until_true holds c 2000
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL"
    cli a set own 1 >/dev/null
    cli a del k:1 >/dev/null
    local before now
    before=$("$CSTASH" digest --redis "$URL" --prefer master | tail -1)
    run "$CSTASH" restore --redis "$URL" --yes --existing flush latest
    says 0 "the 2,000 keys that it held"
    [ "$(cli a exists own)" = 0 ]
    kill -9 "$(cat "$T/a.pid")"
    until_true eval '[ "$(master_port "$PORT_s1")" != "$PORT_a" ]'
    run "$CSTASH" undo --to "$URL" --yes
    says 0
    now=$(master_port "$PORT_s1")
    [ "$(redis-cli -p "$now" exists own k:1)" = 1 ]
    [ "$("$CSTASH" digest --redis "$URL" --prefer master | tail -1)" = "$before" ]
}

@test "Sentinels and servers with TLS, each with its own; and only the ones with it" {
    make_ca
    certificate good DNS:localhost,IP:127.0.0.1
    certificate other DNS:example.org
    local tls=(--tls-cert-file "$T/good.crt" --tls-key-file "$T/good.key" --tls-ca-cert-file "$T/ca.crt" --tls-auth-clients no)
    local as_tls=("tls-cert-file $T/good.crt" "tls-key-file $T/good.key" "tls-ca-cert-file $T/ca.crt" "tls-auth-clients no")
    TLS_a=$(free_port)
    start_redis a --tls-port "$TLS_a" "${tls[@]}"
    fill 100
    TLS_s1=$(free_port)
    # A Sentinel that offers both, and watches the port with TLS.
    start_sentinel s1 "$TLS_a" "tls-port $TLS_s1" "tls-replication yes" "${as_tls[@]}"
    "$CSTASH" init -q
    run "$CSTASH" backup -q --target t --redis "rediss-sentinel://localhost:$TLS_s1/db" --prefer master
    says 1 "unknown authority"
    "$CSTASH" backup -q --target t --redis "rediss-sentinel://localhost:$TLS_s1/db" --cacert "$T/ca.crt" --prefer master
    [ "$(source_field node)" = "127.0.0.1:$TLS_a" ]
    "$CSTASH" backup -q --target t --redis "rediss-sentinel://127.0.0.1:$PORT_s1/db" --sentinel-tls no --cacert "$T/ca.crt" --prefer master
    # The other way round: Sentinels with TLS that watch a server without.
    TLS_s2=$(free_port)
    start_sentinel s2 "$PORT_a" "tls-port $TLS_s2" "${as_tls[@]}"
    "$CSTASH" backup -q --target t --redis "redis-sentinel://localhost:$TLS_s2/db" --sentinel-tls yes --sentinel-cacert "$T/ca.crt" --prefer master
    [ "$(source_field node)" = "127.0.0.1:$PORT_a" ]
    [ "$("$CSTASH" snapshots --json | grep -o '"tree"' | wc -l)" = 3 ]
    run "$CSTASH" backup -q --target t --redis "redis-sentinel://localhost:$TLS_s2/db" --sentinel-cacert "$T/ca.crt"
    says 2 "--sentinel-cacert needs --sentinel-tls yes"
    # Whose certificate is for somebody else.
    TLS_s3=$(free_port)
    start_sentinel s3 "$PORT_a" "tls-port $TLS_s3" "tls-cert-file $T/other.crt" "tls-key-file $T/other.key" "tls-ca-cert-file $T/ca.crt" "tls-auth-clients no"
    run "$CSTASH" backup -q --target t --redis "redis-sentinel://localhost:$TLS_s3/db" --sentinel-tls yes --sentinel-cacert "$T/ca.crt"
    says 1 "is not for localhost"
}

@test "a failover that was asked for, in the middle of a backup and of a restore" {
    start_watched
    settled
    fill 200000
    until_true holds b 200000
    until_true holds c 200000
    "$CSTASH" init -q
    cli a config set rdb-key-save-delay 50 >/dev/null # microseconds
    "$CSTASH" backup --redis "$URL" --prefer master >"$T/out" 2>&1 3>&- &
    PIDS+=($!)
    until_true saves "$PORT_a"
    redis-cli -p "$PORT_s1" sentinel failover db
    wait $!
    # Either it was done before the old master gave up its role, or it starts anew; never half of each.
    "$CSTASH" check -q --read-data
    grep -q '200000 keys' "$T/out"
    local now
    until_true is_not_master "$PORT_a"
    now=$(master_port "$PORT_s1")
    until_true settled_behind "$now"
    redis-cli -p "$now" flushall >/dev/null
    "$CSTASH" restore -q --redis "$URL" --yes latest >"$T/out" 2>&1 </dev/null 3>&- &
    PIDS+=($!)
    until has_keys "$now"; do :; done
    redis-cli -p "$PORT_s1" sentinel failover db
    if wait $!; then
        [ "$(redis-cli -p "$now" dbsize)" = 200000 ]
    else
        grep -Eq "of 200,000 keys are in 127.0.0.1:$now|127.0.0.1:$now is not a master any more" "$T/out"
    fi
}

is_not_master() { [ "$(master_port "$PORT_s1")" != "$1" ]; }
settled_behind() { [[ "$(redis-cli -p "$1" info replication)" == *connected_slaves:2* ]]; }

@test "an AppBinding with Sentinels: a session reads a replica, a restore writes the master" {
    need kubectl curl python3 restic prometheus-pushgateway
    start_watched "requirepass sesame"
    fill 1000
    until_true holds b 1000
    until_true holds c 1000
    export HOME=$T
    start_up
    world demo "$PORT_a"
    cat <<YAML | k apply -f - >/dev/null
apiVersion: v1
kind: Secret
metadata: {name: sentinels, namespace: demo}
stringData: {password: sesame}
YAML
    binding_at demo watched "redis://127.0.0.1:$PORT_a" \
        "parameters: {apiVersion: cstash.io/v1alpha1, kind: RedisConnection, topology: sentinel, prefer: replica, sentinel: {master: db, addresses: ['127.0.0.1:$PORT_s1', '127.0.0.1:$PORT_s2'], secret: {name: sentinels}}}"
    config demo w 'retentionPolicy: {name: one, keepLast: 1, prune: true}' \
        'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: watched}}'
    phase demo bc/w Ready
    session demo w1 w
    phase demo backupsession/w1 Succeeded
    export RESTIC_REPOSITORY=$T/repo-demo
    [ "$(source_field role)" = slave ]
    cli a flushall >/dev/null
    restore demo back 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: watched}, rules: [{snapshots: [latest]}]}'
    phase demo restoresession/back Succeeded
    [ "$(cli a dbsize)" = 1000 ]
}
