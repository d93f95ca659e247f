# SPDX-License-Identifier: Apache-2.0
# Command lines that people bring along from redis-cli and restic.
load ../harness/env.bash

setup() { setup_folder; }
teardown() { end_all; }

wrong() { # wrong "WORDS OF A COMMAND LINE" TEXT
    # shellcheck disable=SC2086
    run "$CSTASH" $1 </dev/null
    [ "$status" = 2 ] && [[ "$output" == *"$2"* ]] || { echo "$1: $status: $output"; return 1; }
}

@test "-h behind a command prints its help; in front of a host it is an error with the right name" {
    local command
    for command in backup restore load dump digest; do
        run "$CSTASH" $command -h
        [ "$status" = 0 ] && [[ "$output" == *"usage: cstash $command"* ]]
        wrong "$command -h 127.0.0.1" "use --redis redis://HOST:PORT"
        wrong "$command -hlocalhost" "use --redis redis://HOST:PORT"
    done
    wrong "snapshots -h host-0" "takes no value"
    wrong "-h 127.0.0.1 backup" "--redis redis://HOST:PORT"
    run "$CSTASH" get -h pods
    [ "$status" = 0 ]
}

@test "options of redis-cli and restic are errors with the right name" {
    wrong "restore -p 6379" "use --redis redis://HOST:PORT"
    wrong "dump -p 6379" "use --redis redis://HOST:PORT"
    wrong "restore -n 3 latest" "use --db N"
    wrong "digest -n 3" "use --db N"
    wrong "dump -a s3cret" "REDISCLI_AUTH"
    [[ "$output" != *s3cret* ]]
    wrong "dump --pass=s3cret" "REDISCLI_AUTH"
    [[ "$output" != *s3cret* ]]
    wrong "backup --tls" "use --redis rediss://HOST:PORT"
    wrong "backup -u redis://h" "use --redis URL"
    wrong "load --pipe" "cstash load -"
    wrong "restore --include x" "use --match GLOB"
    wrong "restore --target /tmp/out latest" "not a folder"
    wrong "backup --password-command x" "use --password-file FILE"
}

@test "what a command line asks wrongly for exits with 2" {
    local line
    for line in "backup --bogus" "dump --db x" "dump --wait soon" "dump --source disk" "dump --redis foo://x" "key frob" \
        "restore a b" "load --existing never" "frobnicate" "load --existing flush --match x"; do
        wrong "$line" ""
    done
}

@test "a value that is empty is what a script forgot to set, not a name" {
    local line
    for line in "backup --host" "backup --target" "backup --tag" "backup --stdin-filename" "backup --redis" "backup --match" \
        "backup --repo" "backup --password-file" "backup --time" "restore --target" "restore --path" "restore --host" \
        "snapshots --host" "snapshots --path" "snapshots --target" "forget --keep-last" "forget --target" "copy --from-repo" \
        "dump --from-rdb" "init --repository-version" "stats --mode" "tag --add" "digest --sni"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $line "" </dev/null
        [ "$status" = 2 ] && [[ "$output" == *"the value of ${line#* } is empty"* ]] || { echo "$line: $status: $output"; return 1; }
        run "$CSTASH" ${line%% *} "${line#* }=" </dev/null
        [ "$status" = 2 ]
    done
    for line in "forget" "show" "restore" "tag --add x" "load"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $line "" </dev/null
        [ "$status" = 2 ] && [[ "$output" == *"argument 1 is empty"* ]] || { echo "$line: $status: $output"; return 1; }
    done
    "$CSTASH" init -q # where empty has a meaning, restic's: without tags, in no groups
    printf 'SET a 1\r\n' | "$CSTASH" backup -q --stdin
    printf 'SET b 1\r\n' | "$CSTASH" backup -q --stdin --tag x
    [ "$("$CSTASH" snapshots --tag "" --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 1 ]
    "$CSTASH" forget -q --group-by "" --keep-tag "" --keep-last 1 --dry-run
    "$CSTASH" tag --set "" >/dev/null
    [ "$("$CSTASH" snapshots --tag "" --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 2 ]
}

@test "who names no server is told which one was tried" {
    local name
    for name in dump digest backup "load /dev/null"; do
        "$CSTASH" init -q 2>/dev/null || true
        # shellcheck disable=SC2086 # nothing listens in a network of its own
        run unshare -r -n "$CSTASH" $name
        [ "$status" = 1 ]
        [[ "$output" == *"127.0.0.1:6379"*"no server was named"*"--redis"* ]]
    done
}

@test "files that are not a dump are named, with what to do" {
    start_redis a
    local said
    printf 'SET a 1\r\n' >"$T/dump"
    gzip -k "$T/dump"
    xz -k "$T/dump"
    bzip2 -k "$T/dump"
    python3 -c 'import zipfile, sys; zipfile.ZipFile(sys.argv[1] + ".zip", "w").write(sys.argv[1])' "$T/dump"
    printf '\x28\xb5\x2f\xfd....' >"$T/dump.zst"
    for said in gz:gunzip xz:xz bz2:bzip2 zip:unzip zst:zstd; do
        run "$CSTASH" load -q --redis "$URL_a" "$T/dump.${said%:*}"
        [ "$status" = 1 ]
        [[ "$output" == *"not a dump"*"unpack it first: ${said#*:}"* ]]
    done
    cli a config set appendonly yes
    cli a set k v
    cli a set k w
    until [ -s "$T/a/appendonlydir/appendonly.aof.1.incr.aof" ]; do sleep 0.1; done
    run "$CSTASH" load -q --redis "$URL_a" "$T/a/appendonlydir/appendonly.aof.manifest"
    [ "$status" = 1 ]
    [[ "$output" == *"the manifest of an append-only file"* ]]
    cat "$T"/a/appendonlydir/*.rdb "$T"/a/appendonlydir/*.aof >"$T/old.aof"
    run "$CSTASH" digest -q "$T/old.aof"
    [ "$status" = 1 ]
    [[ "$output" == *"append-only file that begins with an RDB"* ]]
}

@test "standard input that no restore will take is stored, and told" {
    "$CSTASH" init -q 2>/dev/null
    printf 'SET a 1\r\n' | "$CSTASH" backup -q --stdin 2>"$T/err"
    grep -q "cannot be restored into a Redis: it begins neither like RESP" "$T/err"
    [ "$(restic dump latest /dumpfile.resp)" = $'SET a 1\r' ]
    gzip -c <"$T/err" | "$CSTASH" backup -q --stdin 2>&1 | grep -q "compressed with gzip"
    printf '*1\r\n$4\r\nPING\r\n' | "$CSTASH" backup -q --stdin 2>"$T/err"
    [ ! -s "$T/err" ]
}
