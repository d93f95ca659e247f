# SPDX-License-Identifier: Apache-2.0
# Sourced by every bats file: servers on loopback with free ports, temporary folders, an end for all of them.
# What is missing fails with the command that installs it; nothing is skipped.
#
# CSTASH names the program (default: build/cstash); the tools of the tests are those of the same build.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
CSTASH=${CSTASH:-$ROOT/build/cstash}
BUILD=${CSTASH_BUILD:-$(dirname "$CSTASH")}
HARNESS=$ROOT/tests/harness
source "$HARNESS/until.bash"
PIDS=() # of what else a test started, for end_all
export RESTIC_PASSWORD=secret RESTIC_CACHE_DIR CSTASH_TEST_FAST_KDF=1
unset REDISCLI_AUTH RESTIC_PASSWORD_FILE

need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || {
            echo "$program is missing: run tools/install-deps test" >&2
            return 1
        }
    done
}

# A folder of this file's own, in T.
setup_folder() {
    T=$(mktemp -d "${BATS_FILE_TMPDIR:-/tmp}/t.XXXXXX")
    RESTIC_CACHE_DIR=$T/restic-cache
    export RESTIC_REPOSITORY=$T/repo XDG_STATE_HOME=$T/state
}

free_port() { # not taken now; nobody else hurries for it
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_redis NAME [redis-server arguments]: sets PORT_NAME and URL_NAME. An error as the answer to PING is a sign
# of life too. A port that somebody else took in between is another port's turn.
start_redis() {
    local name=$1 port
    shift
    need redis-server redis-cli
    mkdir -p "$T/$name"
    for _ in 1 2 3; do
        port=$(free_port)
        redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$T/$name" --daemonize yes \
            --pidfile "$T/$name.pid" --logfile "$T/$name.log" --repl-diskless-sync-delay 0 \
            --enable-debug-command yes "$@" >/dev/null
        eval "PORT_$name=$port URL_$name=redis://127.0.0.1:$port"
        for _ in $(seq 200); do
            if [ -s "$T/$name.pid" ]; then
                redis-cli -p "$port" ping 2>&1 | grep -Eq 'PONG|NOAUTH|NOPERM' && return 0
            elif grep -q 'Address already in use' "$T/$name.log" 2>/dev/null; then
                break
            fi
            sleep 0.05
        done
        rm -f "$T/$name.pid"
    done
    echo "redis-server $name did not start" >&2
    cat "$T/$name.log" >&2
    return 1
}

# start_proxy TARGET_PORT up|down FIRST STEP: sets PROXY, the port of a proxy that cuts each connection later.
start_proxy() {
    coproc CUT { exec "$HARNESS/cutproxy" "$@" 3>&-; }
    PIDS+=("$CUT_PID")
    read -r PROXY <&"${CUT[0]}"
}

# serve NAME PROGRAM...: sets NAME to the port that it prints first; end_all ends it.
serve() {
    local port file=$T/$1.port name=$1
    shift
    : >"$file" # here: a child might do it only after the port of the one before was read
    "$@" >>"$file" 3>&- &
    PIDS+=("$!")
    for _ in $(seq 200); do
        read -r port <"$file" && eval "$name=$port" && return 0
        sleep 0.05
    done
    echo "$1 did not say its port" >&2
    return 1
}

# meddle WORD COMMAND: sets MEDDLER, the port of b with a client that spoils something in between
meddle() { serve MEDDLER "$HARNESS/meddler" "$PORT_b" "$@"; }

cli() { # cli NAME arguments
    local name=$1 port
    shift
    eval "port=\$PORT_$name"
    redis-cli -p "$port" "$@"
}

stop_redis() {
    [ -s "$T/$1.pid" ] || return 0
    kill -9 "$(cat "$T/$1.pid")" 2>/dev/null || true
    rm -f "$T/$1.pid"
}

make_ca() { # $T/ca.crt and $T/ca.key
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/ca.key" -out "$T/ca.crt" -days 2 \
        -subj /CN=authority 2>/dev/null
}

certificate() { # NAME SAN [DAYS]
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/$1.key" -out "$T/$1.csr" -subj "/CN=$1" 2>/dev/null
    openssl x509 -req -in "$T/$1.csr" -CA "$T/ca.crt" -CAkey "$T/ca.key" -CAcreateserial \
        -days "${3:-2}" -extfile <(echo "subjectAltName=$2") -out "$T/$1.crt" 2>/dev/null
}

# What `run` ran ended so, and said each of these.
says() { # says STATUS TEXT...
    [ "$status" = "$1" ] || { echo "$status: $output"; return 1; }
    shift
    local text
    for text; do [[ "$output" == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }; done
}

# clock SKEW COMMAND...; a sanitizer's own library need not come first for that. Not by the program of that
# name: it, and the library as well, ends where one of the same process id was killed and left its share.
clock() {
    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
        bash -c 'rm -f /dev/shm/*faketime_*_$$; FAKETIME=$1 LD_PRELOAD=$2; shift 2; export FAKETIME LD_PRELOAD; exec "$@"' \
            clock "$1" "$(echo /usr/lib/*/faketime/libfaketime.so.1)" "${@:2}"
}

end_all() { # of a test that failed, what the control plane said is shown
    local pid
    [ -n "${BATS_TEST_COMPLETED:-}" ] || tail -v -n 60 "$T"/up.out "$T"/up.log 2>/dev/null
    for pid in "$T"/*.pid; do
        [ -s "$pid" ] && kill -9 "$(cat "$pid")" 2>/dev/null # a busy server hears nothing else
    done
    for pid in "${PIDS[@]}"; do
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    chmod -R u+w "$T" 2>/dev/null
    rm -rf "$T"
    return 0
}

digest() { # digest NAME [arguments]: the whole digest of a server
    local name=$1 url
    shift
    eval "url=\$URL_$name"
    "$CSTASH" digest --redis "$url" "$@" | awk '$1 == "all" {print $2}'
}

snapshot_count() {
    "$CSTASH" snapshots --json -q | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))'
}

# value NAME: of the "name value" lines in $output
value() {
    sed -n "s/^$1 //p" <<<"$output" | head -n 1
}

# Every type that a plain Redis 7.0 has, in two databases, with odd names and all kinds of expiry.
# fill PORT [pending]
fill() {
    local p="$1"
    redis-cli -p "$p" >/dev/null <<'DATA'
SET plain value
SET "" "the empty key"
SET empty ""
SET number 12345
SET "odd \x00\r\n\"key\"" "\xff\x00\r\n"
SET lasting v PXAT 4102444800123
SET soon v EX 10000
SETBIT bits 100000 1
PFADD hll a b c
RPUSH list a 1 -5 "" "\x00"
SADD ints 1 2 70000
SADD words a b ""
ZADD scores -inf low 1.5 mid 0.1 tenth inf high 3 "three"
GEOADD places 13.361389 38.115556 Palermo
HSET hash f v "" e g ""
EXPIREAT hash 4102444800
XADD stream 1-1 f v
XADD stream 2-5 a b c d
XADD stream 3-1 gone soon
XDEL stream 3-1
XGROUP CREATE stream readers 1-1
XGROUP CREATECONSUMER stream readers idle
XADD nothing 5-5 f v
XTRIM nothing MAXLEN 0
SELECT 9
SET other nine
FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
DATA
    seq 3000 | awk '{
        print "RPUSH longlist element-" $1
        print "SADD bigset member-" $1
        print "ZADD bigzset " $1 ".25 member-" $1
        print "HSET bighash field-" $1 " value-" $1
        print "XADD longstream " $1 "-1 n " $1
    } END { print "SETRANGE giant 3000000 end" }' | redis-cli -p "$p" --pipe >/dev/null
    if [ "${2:-}" = pending ]; then
        redis-cli -p "$p" >/dev/null <<'DATA'
XREADGROUP GROUP readers alice COUNT 1 STREAMS stream >
XGROUP CREATE longstream many 0
XREADGROUP GROUP many bob COUNT 2500 STREAMS longstream >
DATA
    fi
}

# start_liar MODE: sets LIAR, the port of something that takes commands as Redis does and answers otherwise
start_liar() { serve LIAR "$HARNESS/liar" "$1"; }
