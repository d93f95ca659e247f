#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several at once on one repository, ours and restic: who may, who must wait, and who has lost.
load ../harness/env.bash

setup() {
    need restic openssl
    setup_folder
    TOOL=$BUILD/tests/repo_tool
    "$TOOL" init
    r() { restic --no-cache -q "$@"; }
    noise() { head -c 5000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K "0$1" -iv 02 2>/dev/null; }
    noise 1 | "$TOOL" save first
    mkfifo "$T/pipe"
}

teardown() {
    end_all
}

# Whole ones: under another name both programs still write.
locks() { find "$T/repo/locks" -type f -regextype posix-extended -regex '.*/[0-9a-f]{64}' | sort; }

has_lock() { # has_lock N: wait until there are N
    for _ in $(seq 100); do
        [ "$(locks | wc -l)" = "$1" ] && return 0
        sleep 0.1
    done
    echo "there are $(locks | wc -l) locks" >&2
    return 1
}

start() { # start COMMAND...: its standard input is what is written to fd 7; LAST is its process
    "$@" <"$T/pipe" >"$T/out" 2>&1 7>&- &
    LAST=$!
    PIDS+=("$LAST")
    exec 7>"$T/pipe"
}

finish() { # let it end well
    exec 7>&-
    wait "$LAST" || { cat "$T/out"; return 1; }
}

status_of() { # status_of WANTED COMMAND...
    local want=$1
    shift
    run "$@"
    [ "$status" = "$want" ] || { echo "$*: exit $status, not $want: $output"; return 1; }
}

both_are_whole() {
    r check --read-data
    "$CSTASH" check -q --read-data
    noise 1 | cmp - <("$TOOL" show "$("$TOOL" list | head -n 1 | cut -d' ' -f1)" first)
}

# While one writes: others write and read, nobody prunes, forgets or checks.
others_may_write_only() {
    has_lock 1
    noise 3 | "$CSTASH" backup -q --stdin
    noise 4 | r backup --stdin
    "$CSTASH" snapshots -q >/dev/null
    r snapshots >/dev/null
    status_of 11 "$CSTASH" prune
    status_of 11 "$CSTASH" forget latest
    status_of 11 "$CSTASH" check
    run r prune
    [ "$status" != 0 ]
    [[ "$output" == *locked* ]]
    "$CSTASH" unlock | grep -x 'removed 0 locks'
    r unlock
    has_lock 1
    noise 2 >&7
    finish
    has_lock 0
    [ "$("$TOOL" list | wc -l)" = 4 ]
    "$CSTASH" forget -q --keep-last 3 --prune --max-unused 0
    "$CSTASH" prune -q --max-unused 0
    both_are_whole
}

@test "while we write, others may write and nobody may prune" {
    start "$CSTASH" backup -q --stdin
    noise 1 >&7
    others_may_write_only
}

@test "while restic writes, others may write and nobody may prune" {
    start restic --no-cache -q backup --stdin
    noise 1 >&7
    others_may_write_only
}

@test "many writers at once store the same, and all of it is whole" {
    local i pids=()
    for i in 1 2 3 4; do
        { noise 5; noise $i; } | "$CSTASH" backup -q --stdin 3>&- &
        pids+=($!)
        { noise 5; noise $i; } | restic --no-cache -q backup --stdin 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    has_lock 0
    [ "$("$TOOL" list | wc -l)" = 9 ]
    "$CSTASH" prune -q --max-unused 0
    both_are_whole
}

@test "an exclusive lock keeps everybody out, and --retry-lock waits for its end" {
    "$TOOL" hold exclusive 3>&- &
    PIDS+=($!)
    has_lock 1
    status_of 11 "$CSTASH" backup -q --stdin </dev/null
    status_of 11 "$CSTASH" snapshots
    [[ "$output" == *exclusively* ]]
    run r snapshots
    [ "$status" != 0 ]
    status_of 11 "$CSTASH" snapshots --retry-lock 1s
    (sleep 2; kill -9 "${PIDS[0]}"; exec "$CSTASH" unlock -q) 3>&- &
    "$CSTASH" prune -q --retry-lock 60s
    has_lock 0
}

@test "prunes that begin at once: one at a time, and all of them in the end" {
    local i pids=()
    for i in 1 2 3; do
        "$CSTASH" prune -q --retry-lock 60s 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    both_are_whole
}

@test "a lock that is renewed is seen by restic at every moment" {
    REPO_TOOL_RENEW=20 "$TOOL" hold exclusive 3>&- &
    PIDS+=($!)
    has_lock 1
    local before='' now
    until [ -n "$before" ]; do before=$(locks); done # between names that come and go, find may see none
    for _ in 1 2 3 4 5; do
        run r snapshots
        [ "$status" != 0 ]
        [[ "$output" == *locked* ]]
        status_of 11 "$CSTASH" snapshots
    done
    for _ in $(seq 100); do
        now=$(locks)
        [ -z "$now" ] || [ "$now" = "$before" ] || return 0
    done
    return 1
}

left_by_killed() { # left_by_killed PROGRAM...: the lock of a backup that was killed
    start "$@"
    has_lock 1
    kill -9 "$LAST"
    wait "$LAST" || true
    exec 7>&-
    has_lock 1
}

@test "the dead stop nobody; unlock knows them, of ours and of restic, and each unlocks the other's" {
    left_by_killed "$CSTASH" backup -q --stdin
    "$CSTASH" prune -q
    has_lock 0
    left_by_killed "$CSTASH" backup -q --stdin
    r unlock
    has_lock 0
    left_by_killed restic --no-cache -q backup --stdin
    status_of 11 "$CSTASH" prune # restic does not say in which PID namespace it was
    [[ "$output" == *"cstash unlock"* ]]
    "$CSTASH" unlock | grep -x 'removed 1 lock'
    "$CSTASH" prune -q
    both_are_whole
}

@test "a clock that is wrong takes no lock of the living for dead" {
    need faketime
    for skew in +40m -40m +2d; do
        start "$CSTASH" backup -q --stdin
        has_lock 1
        noise 2 >&7
        clock "$skew" "$CSTASH" unlock | grep -x 'removed 0 locks'
        status_of 11 clock "$skew" "$CSTASH" prune
        has_lock 1
        finish
        has_lock 0
    done
    # The holder's own clock may be wrong as well.
    start clock -2d "$CSTASH" backup -q --stdin
    has_lock 1
    noise 3 >&7
    "$CSTASH" unlock | grep -x 'removed 0 locks'
    status_of 11 "$CSTASH" prune
    finish
    r check --read-data
    "$CSTASH" check -q --read-data
}

@test "who slept until its lock was removed writes nothing more" {
    export REPO_TOOL_RENEW=500
    start "$TOOL" save asleep
    noise 2 >&7
    has_lock 1
    kill -STOP "$LAST"
    sleep 2 # others would take it for dead after a while
    r unlock --remove-all
    r prune --max-unused 0
    before=$(find "$T/repo" -type f -not -name 'cstash-tmp-*' | sort)
    kill -CONT "$LAST"
    { noise 3 >&7 && noise 4 >&7; } 2>/dev/null || true
    exec 7>&-
    status=0
    wait "$LAST" || status=$?
    [ "$status" = 1 ]
    cat "$T/out"
    grep -E 'somebody removed our lock|could not be renewed in time' "$T/out"
    [ "$(find "$T/repo" -type f -not -name 'cstash-tmp-*' | sort)" = "$before" ]
    both_are_whole
}

@test "a lock that was removed meanwhile is missed before the snapshot is written" {
    start "$TOOL" save first # the usual pace: it would look in five minutes
    noise 2 >&7
    has_lock 1
    r unlock --remove-all
    noise 3 >&7
    exec 7>&-
    status=0
    wait "$LAST" || status=$?
    [ "$status" = 1 ]
    grep 'somebody removed our lock' "$T/out"
    [ "$("$TOOL" list | wc -l)" = 1 ]
    both_are_whole
}
