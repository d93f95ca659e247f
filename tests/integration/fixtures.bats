# Every RDB file that a real server of another version wrote becomes commands that rebuild exactly what that
# server said it held.
load ../harness/env.bash
load ../harness/versions.bash

setup_file() {
    export FIXTURES=${CSTASH_FIXTURES:-$BATS_TEST_DIRNAME/../golden/rdb}
}

setup() {
    setup_folder
    start_redis a
}

teardown() {
    end_all
}

# Redis 7.0 cannot hold expiries of fields: those commands are left out, and must be all that is. Each key
# that has some is told once.
load_commands() {
    "$CSTASH" dump -q --from-rdb "$1" >"$T/dump.resp"
    run "$CSTASH" load -q --redis "$URL_a" "$T/dump.resp"
    local unknown keys
    unknown=$(grep -ac '^HPEXPIREAT' "$T/dump.resp" || true) keys=$(grep -a -A 2 '^HPEXPIREAT' "$T/dump.resp" | grep -av '^[-$H]' | sort -u | wc -l)
    if [ "$unknown" = 0 ]; then
        echo "$output"
        [ "$status" = 0 ]
    else
        [ "$status" = 1 ]
        [[ "$output" == *"cannot hold expiries of hash fields: "*" left out"*"HPEXPIREAT"* ]]
        [[ "$output" == *": $keys of "*" commands failed"* ]] || { echo "$output"; false; }
    fi
}

each_fixture() { # each_fixture FUNCTION
    local rdb n=0
    for rdb in "$FIXTURES"/*.rdb; do
        echo "# ${rdb##*/}" >&2
        cli a flushall >/dev/null
        cli a function flush >/dev/null
        "$1" "$rdb"
        n=$((n + 1))
    done
    [ "$n" -ge 15 ]
}

commands_of() {
    load_commands "$1"
    python3 "$HARNESS/fixture_check.py" "$PORT_a" "${1%.rdb}.json.xz"
}

@test "commands of every fixture rebuild what its server held" {
    each_fixture commands_of
}

has_field_expiry() {
    "$CSTASH" dump -q --from-rdb "$1" | grep -aq '^HPEXPIREAT'
}

restore_of() {
    local version
    version=$(python3 -c 'import json, lzma, sys; print(json.load(lzma.open(sys.argv[1]))["rdb_version"])' "${1%.rdb}.json.xz")
    [ "$version" -le 10 ] || return 0
    "$CSTASH" dump -q --format restore --from-rdb "$1" >"$T/dump.resp"
    "$CSTASH" load -q --redis "$URL_a" "$T/dump.resp"
    python3 "$HARNESS/fixture_check.py" "$PORT_a" "${1%.rdb}.json.xz"
    [ "$("$CSTASH" digest "$1" | tail -n 1)" = "$("$CSTASH" digest "$T/dump.resp" | tail -n 1)" ]
}

@test "RESTORE payloads of every fixture up to RDB 10 rebuild what its server held" {
    each_fixture restore_of
}

pipe_of() {
    has_field_expiry "$1" && return 0
    "$CSTASH" dump -q --from-rdb "$1" | redis-cli -p "$PORT_a" --pipe >"$T/pipe.out"
    grep -q 'errors: 0' "$T/pipe.out"
    python3 "$HARNESS/fixture_check.py" "$PORT_a" "${1%.rdb}.json.xz"
}

@test "redis-cli --pipe takes the same commands without an error" {
    each_fixture pipe_of
}

twice_of() {
    has_field_expiry "$1" && return 0
    "$CSTASH" dump -q --from-rdb "$1" >"$T/dump.resp"
    "$CSTASH" load -q --redis "$URL_a" "$T/dump.resp"
    "$CSTASH" load -q --redis "$URL_a" "$T/dump.resp"
    [ "$(digest a)" = "$("$CSTASH" digest "$1" | awk '$1 == "all" {print $2}')" ]
}

@test "loading a dump twice gives the same data as loading it once" {
    each_fixture twice_of
}

@test "a real server makes of the files what we make of them, key by key" {
    run "$ROOT/tools/rdb-oracle" --cstash "$CSTASH" --server "$(version_program valkey-9.1)" "$ROOT/tests/golden/rdb"
    echo "$output"
    [ "$status" = 0 ]
    [[ "${lines[-1]}" == "12 same, 3 taken" ]] # three are of newer formats than Valkey's
}
