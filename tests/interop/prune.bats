#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cstash prune plans what restic prune plans, and what snapshots need stays, in repositories of either.

BUILD=${CSTASH_BUILD:-$BATS_TEST_DIRNAME/../../build}
TOOL=$BUILD/tests/repo_tool CSTASH=${CSTASH:-$BUILD/cstash}

setup() {
    export RESTIC_REPOSITORY=$BATS_TEST_TMPDIR/repo RESTIC_PASSWORD=pw RESTIC_CACHE_DIR=$BATS_TEST_TMPDIR/cache
}

# data SEED: some 4 MB, of which most is the same for every seed; a part of it can be compressed
data() {
    python3 -c '
import random, sys
r, mine = random.Random(1), random.Random(int(sys.argv[1]) + 1000)
for i in range(40):
    piece, other = r.randbytes(100000), mine.randbytes(100000)
    sys.stdout.buffer.write(other if mine.random() < 0.3 else piece)
sys.stdout.buffer.write(b"value %s " % sys.argv[1].encode() * 40000)' "$1"
}

ours() { data "$1" | "$TOOL" save f; }
theirs() { data "$1" | restic backup -q --stdin --stdin-filename f; }

# hashes: what each snapshot holds
hashes() {
    local id
    for id in $(restic snapshots --json -q | python3 -c 'import json, sys; print(*sorted(s["id"] for s in json.load(sys.stdin)))'); do
        echo "$id $(restic dump -q "$id" /f | sha256sum)"
    done
}

# plan ours|theirs [options]: blobs to rewrite, of these removed, removed with their packs, in all
plan() {
    local who=$1
    shift
    if [ "$who" = ours ]; then
        "$CSTASH" prune --dry-run --json "$@" |
            python3 -c 'import json, sys; d = json.load(sys.stdin); print(*(d[k]["blobs"] for k in ("repack", "repack_removed", "removed", "total_removed")))'
    else
        restic prune --dry-run "$@" | awk '/^(to repack|this removes|to delete|total prune):/ {printf "%s%s", sep, $(NF - 4); sep = " "} END {print ""}'
    fi
}

# prune_keeps [options]: as restic plans it, with nothing lost and nothing left to do
prune_keeps() {
    hashes >"$BATS_TEST_TMPDIR/before"
    [ "$(plan ours "$@")" = "$(plan theirs "$@")" ]
    "$CSTASH" prune "$@"
    restic check -q --read-data
    "$CSTASH" check --read-data
    hashes | diff "$BATS_TEST_TMPDIR/before" -
}

sizes_of() { "$CSTASH" prune --dry-run --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["unused"]["blobs"], d["duplicate"]["blobs"], d["unreferenced_bytes"])'; }

@test "versions 1 and 2, backups of both programs, every limit" {
    local version limit
    for version in 1 2; do
        rm -rf "$RESTIC_REPOSITORY" "$BATS_TEST_TMPDIR/all"
        "$TOOL" init $version
        for i in 1 2 3; do ours $i; theirs "1$i"; done
        restic forget -q --keep-last 2
        cp -r "$RESTIC_REPOSITORY" "$BATS_TEST_TMPDIR/all"
        for limit in "--max-unused unlimited" "--repack-cacheable-only" "--max-unused 20%" "--max-unused 1M" "--repack-small" "--max-unused 0 --max-repack-size 3M" "--max-unused 0 --max-repack-size 0" "" "--max-unused 0"; do
            [ "$(plan ours $limit)" = "$(plan theirs $limit)" ]
        done
        for limit in "" "--max-repack-size 0" "--max-unused 0 --repack-small"; do
            rm -rf "$RESTIC_REPOSITORY"
            cp -r "$BATS_TEST_TMPDIR/all" "$RESTIC_REPOSITORY"
            prune_keeps $limit
        done
        [ "$(plan ours)" = "0 0 0 0" ]
    done
}

@test "blobs that two writers stored at the same time become one" {
    "$TOOL" init 2
    ours 1
    cp -r "$RESTIC_REPOSITORY" "$BATS_TEST_TMPDIR/other"
    ours 2
    RESTIC_REPOSITORY=$BATS_TEST_TMPDIR/other theirs 2
    cp -rn "$BATS_TEST_TMPDIR"/other/{data,index,snapshots} "$RESTIC_REPOSITORY/"
    restic check -q
    read -r unused double stray <<<"$(sizes_of)"
    [ "$double" -ge 1 ] # how many depends on where the chunks are cut
    prune_keeps --max-unused 0
    [ "$(sizes_of)" = "0 0 0" ]
}

@test "what an upgrade left uncompressed is compressed when asked for, trees always" {
    "$TOOL" init 1
    ours 1
    restic migrate upgrade_repo_v2
    ours 2
    [ "$(plan ours)" = "$(plan theirs)" ]
    prune_keeps --repack-uncompressed
    [ "$(plan ours --repack-uncompressed)" = "0 0 0 0" ]
}

@test "many index files become few" {
    "$TOOL" init 2
    for i in $(seq 12); do echo "$i" | "$TOOL" save f; done
    [ "$(find "$RESTIC_REPOSITORY/index" -type f | wc -l)" = 12 ]
    prune_keeps
    [ "$(find "$RESTIC_REPOSITORY/index" -type f | wc -l)" -le 2 ]
}

@test "a damaged repository stays as it is; what nobody needs may be missing" {
    "$TOOL" init 2
    ours 1
    ours 2
    local gone pack
    gone=$(restic snapshots --json -q | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
    # the largest pack of the second backup
    pack=$(find "$RESTIC_REPOSITORY/data" -type f -printf '%T@ %s %p\n' | sort -n | tail -n 2 | sort -k2n | tail -n 1 | cut -d' ' -f3)
    mv "$pack" "$BATS_TEST_TMPDIR/pack"
    find "$RESTIC_REPOSITORY" -type f -not -path '*/locks/*' | sort >"$BATS_TEST_TMPDIR/files"
    run "$CSTASH" prune
    [ "$status" = 1 ]
    [[ "$output" == *"nothing was removed"*"$(basename "$pack"), which snapshots need, is missing"* ]]
    head -c 1000 "$BATS_TEST_TMPDIR/pack" >"$pack"
    run "$CSTASH" prune
    [ "$status" = 1 ]
    [[ "$output" == *"has not the size that the index says"* ]]
    rm -f "$pack"
    find "$RESTIC_REPOSITORY" -type f -not -path '*/locks/*' | sort | diff "$BATS_TEST_TMPDIR/files" -
    "$CSTASH" forget latest
    "$CSTASH" prune
    restic check -q --read-data
}

@test "forget --prune, and what it would do" {
    "$TOOL" init 2
    for i in 1 2 3; do ours $i; done
    local planned done_
    planned=$("$CSTASH" forget --keep-last 1 --prune --max-unused 0 --dry-run | grep -E '^(used|unused|in packs)')
    [ "$(find "$RESTIC_REPOSITORY/snapshots" -type f | wc -l)" = 3 ]
    done_=$("$CSTASH" forget --keep-last 1 --prune --max-unused 0 | grep -E '^(used|unused|in packs)')
    [ "$planned" = "$done_" ]
    restic check -q --read-data
    run "$CSTASH" forget --keep-last 1 --prune # nothing to forget: no prune
    [ "$status" = 0 ]
    [[ "$output" == *"0 snapshots removed" ]]
}

@test "options that make no sense" {
    "$TOOL" init 2
    for bad in "--max-unused 5x" "--max-unused 101%" "--max-unused -1" "--max-repack-size many"; do
        run "$CSTASH" prune $bad
        [ "$status" = 1 ] || [ "$status" = 2 ]
        [[ "$output" == *"${bad%% *}"* ]]
    done
}
