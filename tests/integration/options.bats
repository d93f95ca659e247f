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
