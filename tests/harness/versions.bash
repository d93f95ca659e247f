# SPDX-License-Identifier: Apache-2.0
# Sourced after env.bash: Redis and Valkey of other versions than the machine's. Their names are those of the folders
# redis-* and valkey-* in tests/servers/pins, which tests/servers/build fetches once; "installed" is the machine's own.

# version_program VERSION: prints the path of its server.
version_program() {
    if [ "$1" = installed ]; then
        need redis-server && command -v redis-server
    else
        echo "$("$ROOT/tests/servers/build" "$1")/redis-server"
    fi
}

# start_version VERSION NAME [redis-server arguments]: as start_redis: sets PORT_NAME and URL_NAME, and end_all ends
# it. Only what every version since 2.8 knows is told to the server.
start_version() {
    local program name=$2 port
    program=$(version_program "$1") || return 1
    shift 2
    rm -rf "${T:?}/$name" # a file that another version left there would be loaded
    mkdir "$T/$name"
    for _ in 1 2 3; do
        port=$(free_port)
        "$program" --port "$port" --bind 127.0.0.1 --save '' --dir "$T/$name" --daemonize yes \
            --pidfile "$T/$name.pid" --logfile "$T/$name.log" --repl-diskless-sync-delay 0 "$@" >/dev/null
        eval "PORT_$name=$port URL_$name=redis://127.0.0.1:$port"
        for _ in $(seq 200); do
            [ -s "$T/$name.pid" ] && redis-cli -p "$port" ping 2>&1 | grep -Eq 'PONG|NOAUTH|NOPERM' && return 0
            grep -q 'Address already in use' "$T/$name.log" 2>/dev/null && break
            sleep 0.05
        done
        rm -f "$T/$name.pid"
    done
    echo "$program did not start as $name" >&2
    cat "$T/$name.log" >&2
    return 1
}
