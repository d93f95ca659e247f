# SPDX-License-Identifier: Apache-2.0
# Stores that lie: nothing that they say ends the process, lasts for ever, or forges a line of a log.

load ../harness/env.bash

setup() {
    need python3
    setup_folder
    export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x
}

teardown() {
    [ -z "${LIAR_PID:-}" ] || kill "$LIAR_PID" 2>/dev/null || true
    end_all
}

# against MODE COMMAND...: sets status and output. A command that does not end by itself is killed after minutes, 137.
against() {
    local mode=$1 port
    shift
    coproc LIAR { exec "$HARNESS/lyingstore.py" "$mode" 3>&-; }
    read -r port <&"${LIAR[0]}"
    run timeout -s KILL 240 "$CSTASH" "$@" --no-cache --retry-limit 3s -r "s3:http://127.0.0.1:$port/b/p"
    kill "$LIAR_PID"
    wait "$LIAR_PID" 2>/dev/null || true
    echo "$mode: $status: $output"
}

@test "lists that do not advance, or do not end, are errors" {
    for mode in same-mark new-mark long-mark keys; do
        against "$mode" snapshots
        [ "$status" -ge 1 ] && [ "$status" -lt 128 ]
        [[ "$output" == *error:* ]]
    done
    against same-mark snapshots
    [[ "$output" == *"does not advance"* ]]
    against keys snapshots
    [[ "$output" == *"does not end"* ]]
}

@test "a server that drips is given up" {
    against drip snapshots
    [ "$status" -ge 1 ] && [ "$status" -lt 128 ]
}

@test "the words of a server are one line, and change no terminal" {
    against forged snapshots
    [ "$status" = 1 ]
    ! grep -q '^snapshot' <<<"$output"
    ! grep -q $'\xc2\x9b' <<<"$output"
    [[ "$output" == *"no snapshot 01234567 saved"* ]]
}

@test "a prefix or a credential that is too long is an error with words" {
    RESTIC_REPOSITORY="s3:http://127.0.0.1:1/b/$(head -c 30000 /dev/zero | tr '\0' p)"
    run "$CSTASH" snapshots --no-cache --retry-limit 1s
    [ "$status" = 1 ]
    [[ "$output" == *"too long"* || "$output" == *"longer than"* ]]
    export AWS_SESSION_TOKEN=$(head -c 40000 /dev/zero | tr '\0' t)
    run "$CSTASH" snapshots --no-cache --retry-limit 1s -r s3:http://127.0.0.1:1/b/p
    [ "$status" = 1 ]
    [[ "$output" == *"too long"* ]]
}
