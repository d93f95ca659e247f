#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A full disk: what is there can be read, and room can be made again. Real small file systems, each in a mount namespace of
# its own; who is not root makes them in a user namespace.
load ../harness/env.bash

setup() {
    need restic python3 unshare
    setup_folder
    mkdir "$T/disk"
    RESTIC_REPOSITORY=$T/disk/repo
}

# on_disk SIZE[,OPTION] FUNCTION: run it where $T/disk is a file system of that size
on_disk() {
    local map=()
    [ "$(id -u)" = 0 ] || map=(-r)
    export T CSTASH SIZE=$1
    export -f noise fill room files both_are_whole holds "$2"
    unshare -m "${map[@]}" bash -c 'set -eE; trap "echo line \$LINENO: \$BASH_COMMAND >&2" ERR
        mount -t tmpfs -o size="$SIZE" tmpfs "$T/disk"; "$0"' "$2"
}

noise() { python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(int(sys.argv[1])).randbytes(int(sys.argv[2])))' "$@"; }

fill() { # to the last block
    cat /dev/zero >"$T/disk/filler" 2>/dev/null || true
    [ "$(room)" = 0 ]
}

room() { df --output=avail -B1 "$T/disk" | tail -n 1 | tr -d ' '; }

files() { (cd "$RESTIC_REPOSITORY" && find . -type f -printf '%P %b\n' | sort); }

both_are_whole() {
    "$CSTASH" check -q --read-data
    restic check -q --no-cache --read-data
}

holds() { # holds SNAPSHOT SEED BYTES
    "$CSTASH" show -q "$1" | cmp - <(noise "$2" "$3")
}

fill_by_backups() {
    local n=0 id
    "$CSTASH" init -q
    noise 0 1500000 | "$CSTASH" backup -q --stdin
    while noise $((n + 1)) 1500000 | "$CSTASH" backup -q --stdin 2>"$T/why"; do
        n=$((n + 1))
    done
    cat "$T/why"
    grep -q 'No space left on device' "$T/why"
    grep -q 'hint: .*forget --prune' "$T/why"
    [ "$n" -ge 3 ]
    # What failed has left nothing.
    [ -z "$(find "$RESTIC_REPOSITORY" -name '*-tmp-*')" ]
    [ "$("$CSTASH" prune -n --json | grep -o '"unreferenced_bytes":[0-9]*')" = '"unreferenced_bytes":0' ]
    fill
    "$CSTASH" snapshots -q >/dev/null
    holds latest "$n" 1500000
    "$CSTASH" forget -q --keep-last 2 --prune
    [ "$(room)" -gt 1500000 ]
    both_are_whole
    noise 77 1000000 | "$CSTASH" backup -q --stdin
    holds latest 77 1000000
    holds latest:1 "$n" 1500000
    both_are_whole
    [ -z "$(ls "$RESTIC_REPOSITORY/locks")" ]
}

@test "backups until the disk is full; then what is there can be read, and forgotten, and the next backup fits" {
    on_disk 16m fill_by_backups
}

commands_on_a_full_disk() {
    "$CSTASH" init -q
    for n in 1 2 3 4; do noise $n 300000 | "$CSTASH" backup -q --stdin; done
    files >"$T/before"
    grep -c reserve "$T/before" | grep -qx 7
    fill
    # Locks of the living and of the dead are judged, renewed and removed.
    "$CSTASH" unlock -q
    "$CSTASH" check -q
    "$CSTASH" tag -q --add x 2>"$T/why" && return 1
    grep -q 'No space left on device' "$T/why"
    files | diff "$T/before" -
    "$CSTASH" forget -q latest
    files | diff <(grep -v snapshots/ "$T/before") <(files | grep -v snapshots/)
    fill
    "$CSTASH" prune -q --max-repack-size 0
    fill
    "$CSTASH" prune -q
    holds latest 3 300000
    rm "$T/disk/filler"
    both_are_whole
    files | grep -c reserve | grep -qx 7
}

@test "check, forget, unlock and prune on a full disk; what was set aside is set aside again" {
    on_disk 16m commands_on_a_full_disk
}

rewrite_in_steps() {
    local seed
    "$CSTASH" init -q
    # Packs of which every second blob is needed: more than there is room for to rewrite at once.
    for seed in 1 2 3 4 5; do
        noise "$seed" 6000000 | "$CSTASH" backup -q --stdin
        noise "$seed" 6000000 | head -c 3000000 | "$CSTASH" backup -q --stdin
        "$CSTASH" forget -q latest:1
    done
    fill
    truncate -s -4000000 "$T/disk/filler"
    [ "$(room)" -lt 5000000 ]
    "$CSTASH" prune --max-unused 0 >"$T/out" 2>&1 || { cat "$T/out"; return 1; }
    cat "$T/out"
    grep -q 'removing first what nothing needs' "$T/out"
    rm "$T/disk/filler"
    "$CSTASH" prune -n --max-unused 0 --json | grep -q '"unused":{"blobs":0,' # nothing was left for later
    for seed in 1 2 3 4 5; do
        "$CSTASH" show -q "latest:$((5 - seed))" | cmp - <(noise "$seed" 6000000 | head -c 3000000)
    done
    both_are_whole
}

@test "packs that do not fit beside the old ones are rewritten in steps" {
    on_disk 48m rewrite_in_steps
}

renewals() {
    local holder
    "$CSTASH" init -q
    noise 1 100000 | "$CSTASH" backup -q --stdin
    fill
    mkfifo "$T/in"
    REPO_TOOL_RENEW=50 "$BUILD/tests/repo_tool" save held <"$T/in" >"$T/out" 2>&1 3>&- &
    holder=$!
    exec 7>"$T/in"
    for _ in $(seq 600); do # more names than were set aside
        ls "$RESTIC_REPOSITORY/locks" >>"$T/seen"
        [ "$(sort -u "$T/seen" | wc -l)" -lt 12 ] || break
        sleep 0.05
    done
    [ "$(sort -u "$T/seen" | wc -l)" -ge 12 ]
    ! "$CSTASH" prune -q 2>"$T/why"
    grep -q 'is locked' "$T/why"
    "$CSTASH" unlock -q | grep -q 'removed 0 locks'
    noise 2 100000 >&7
    exec 7>&-
    ! wait "$holder"
    grep 'No space left on device' "$T/out"
    [ -z "$(ls "$RESTIC_REPOSITORY/locks")" ]
    files | grep -c reserve | grep -qx 7
    rm "$T/disk/filler"
    both_are_whole
}

@test "a lock is renewed and judged on a full disk" {
    export BUILD
    on_disk 16m renewals
}

no_inodes() {
    local n=0
    "$CSTASH" init -q
    for n in 1 2 3; do noise $n 100000 | "$CSTASH" backup -q --stdin; done
    mkdir "$T/disk/many"
    while { : >"$T/disk/many/$n"; } 2>/dev/null; do n=$((n + 1)); done
    [ "$(room)" -gt 1000000 ]
    ! noise 4 100000 | "$CSTASH" backup -q --stdin 2>"$T/why"
    grep -q 'No space left on device' "$T/why"
    holds latest 3 100000
    "$CSTASH" forget -q --keep-last 1 --prune
    rm -r "$T/disk/many"
    both_are_whole
}

@test "a file system without a free inode" {
    on_disk 32m,nr_inodes=400 no_inodes
}

greedy_neighbour() {
    local n packs pid
    "$CSTASH" init -q
    for n in 1 2 3 4; do noise $n 1000000 | "$CSTASH" backup -q --stdin; done
    packs=$(find "$RESTIC_REPOSITORY/data" -type f | wc -l)
    fill
    while :; do cat /dev/zero >>"$T/disk/filler" 2>/dev/null || true; done &
    pid=$!
    "$CSTASH" forget -q --keep-last 2 --prune --max-repack-size 0
    kill $pid
    wait $pid || true
    [ "$(find "$RESTIC_REPOSITORY/data" -type f | wc -l)" = $((packs / 2)) ]
    [ -z "$(ls "$RESTIC_REPOSITORY/locks")" ]
    rm "$T/disk/filler"
    holds latest 4 1000000
    holds latest:1 3 1000000
    both_are_whole
}

@test "nobody else on the disk can take the room that a prune needs" {
    on_disk 16m greedy_neighbour
}

without_a_reserve() {
    restic init -q
    noise 1 1500000 | restic backup -q --stdin
    fill
    ! "$CSTASH" prune -q 2>"$T/why"
    cat "$T/why"
    grep -q 'hint: free a few megabytes' "$T/why"
    "$CSTASH" snapshots -q --no-lock >/dev/null
    truncate -s -6000000 "$T/disk/filler"
    noise 2 10000 | "$CSTASH" backup -q --stdin # sets it aside
    fill
    "$CSTASH" forget -q --prune latest
    rm "$T/disk/filler"
    both_are_whole
}

@test "a repository of restic has nothing set aside until the first backup, and it is said what to do" {
    on_disk 16m without_a_reserve
}

litter() {
    local hex
    hex=$(printf '%064d' 7)
    "$CSTASH" init -q
    noise 1 100000 | "$CSTASH" backup -q --stdin
    mkdir -p "$RESTIC_REPOSITORY/data/00"
    noise 2 1000000 >"$RESTIC_REPOSITORY/data/00/cstash-tmp-0123456789abcdef"
    noise 2 1000000 >"$RESTIC_REPOSITORY/data/00/$hex-tmp-1234567"
    noise 2 1000 >"$RESTIC_REPOSITORY/index/cstash-tmp-0123456789abcdee"
    touch "$RESTIC_REPOSITORY/locks/cstash-tmp-0123456789abcdef" # somebody may be about to lock
    touch -d '2 hours ago' "$RESTIC_REPOSITORY/locks/cstash-tmp-0123456789abcdee"
    touch "$RESTIC_REPOSITORY/data/00/notes-tmp-1" # nobody's we know
    fill
    "$CSTASH" prune 2>&1 | grep -q '4 unfinished files with'
    [ "$(room)" -ge 2000000 ]
    find "$RESTIC_REPOSITORY" -name '*-tmp-*' -printf '%P\n' | sort | diff - <(printf '%s\n' data/00/notes-tmp-1 locks/cstash-tmp-0123456789abcdef)
    both_are_whole
}

@test "a prune removes what writers that died did not finish" {
    on_disk 16m litter
}
