#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The repository engine and the real restic on the same repositories, in both directions.
# REPO_TOOL names the driver (default: build/tests/repo_tool).

setup() {
    TOOL=${REPO_TOOL:-${CSTASH_BUILD:-$BATS_TEST_DIRNAME/../../build}/tests/repo_tool}
    command -v restic >/dev/null || { echo "restic is missing: apt-get install restic" >&2; return 1; }
    [ -x "$TOOL" ] || { echo "$TOOL is missing: ninja -C build" >&2; return 1; }
    D=$BATS_TEST_TMPDIR
    export RESTIC_REPOSITORY=$D/repo RESTIC_PASSWORD=pw RESTIC_CACHE_DIR=$D/cache
    # Text that compresses, and noise that does not, both larger than a pack.
    seq 1 3000000 >"$D/text"
    head -c 20000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 01 -iv 02 2>/dev/null >"$D/noise"
    r() { restic --no-cache -q "$@"; }
}

both_are_whole() {
    r check --read-data
    "$TOOL" check
}

ours_to_restic() {
    "$TOOL" init "$1"
    "$TOOL" save dir/text "$2" <"$D/text"
    "$TOOL" save noise "$2" <"$D/noise"
    "$TOOL" save empty "$2" </dev/null
    "$TOOL" save dir/text "$2" <"$D/text" | grep ' 0 new blobs'
    both_are_whole
    [ "$(r snapshots --json | grep -o '"short_id"' | wc -l)" = 4 ]
    r ls latest | grep -x /dir/text
    r dump latest /dir/text | cmp - "$D/text"
    r dump --path /noise latest /noise | cmp - "$D/noise"
    r restore latest --target "$D/out"
    cmp "$D/out/dir/text" "$D/text"
    r restore --path /empty latest --target "$D/out"
    [ -f "$D/out/empty" ] && [ ! -s "$D/out/empty" ]
}

@test "restic reads what we write, version 2, auto" { ours_to_restic 2 auto; }
@test "restic reads what we write, version 2, off" { ours_to_restic 2 off; }
@test "restic reads what we write, version 2, max" { ours_to_restic 2 max; }
@test "restic reads what we write, version 1" { ours_to_restic 1 auto; }

@test "restic forgets and prunes what we wrote" {
    for v in 1 2; do
        export RESTIC_REPOSITORY=$D/repo$v
        "$TOOL" init $v
        for i in 1 2 3; do
            { seq "$i" 2000000; cat "$D/noise"; } >"$D/in$i"
            "$TOOL" save f <"$D/in$i"
        done
        r forget --keep-last 1 --prune --max-unused 0
        both_are_whole
        "$TOOL" show latest f | cmp - "$D/in3"
        [ "$("$TOOL" list | wc -l)" = 1 ]
        r dump latest /f | cmp - "$D/in3"
    done
}

restic_to_ours() {
    r init --repository-version "$1"
    r backup --stdin --stdin-filename dir/text --tag a --tag b --time '2024-01-02 03:04:05' "${@:2}" <"$D/text"
    r backup --stdin --stdin-filename noise "${@:2}" <"$D/noise"
    "$TOOL" check
    "$TOOL" show latest:1 /dir/text | cmp - "$D/text"
    "$TOOL" show latest noise | cmp - "$D/noise"
    "$TOOL" ls latest:1 | grep -x "/dir/text $(stat -c %s "$D/text")"
    "$TOOL" list | grep '2024-01-02T03:04:05.* /dir/text tag=a tag=b'
    # The same chunks: nothing is stored twice.
    "$TOOL" save text <"$D/text" | grep ' 0 new blobs'
    both_are_whole
}

@test "we read what restic writes, version 2, auto" { restic_to_ours 2 --compression auto; }
@test "we read what restic writes, version 2, off" { restic_to_ours 2 --compression off; }
@test "we read what restic writes, version 2, max" { restic_to_ours 2 --compression max; }
@test "we read what restic writes, small packs" { restic_to_ours 2 --pack-size 4; }
@test "we read what restic writes, version 1" { restic_to_ours 1; }

@test "a folder with odd names reads the same" {
    r init
    mkdir -p "$D/src/a b" "$D/src/ü"
    echo 1 >"$D/src/a b/quote\"back\\slash"
    echo 22 >"$D/src/ü/"$'new\nline'
    ln -s nowhere "$D/src/link"
    (cd "$D/src" && r backup .)
    "$TOOL" check
    [ "$("$TOOL" show latest '/a b/quote"back\slash')" = 1 ]
    [ "$("$TOOL" show latest "/ü/"$'new\nline')" = 22 ]
}

@test "prune by restic, then we read and write on" {
    r init
    r backup --stdin --stdin-filename f <"$D/text"
    r backup --stdin --stdin-filename f <"$D/noise"
    r forget --keep-last 1 --prune
    "$TOOL" show latest f | cmp - "$D/noise"
    "$TOOL" save f <"$D/text"
    both_are_whole
}

@test "locks: each keeps the other out, and unlock frees" {
    "$TOOL" init
    echo x | "$TOOL" save f
    "$TOOL" hold exclusive 3>&- &
    holder=$!
    sleep 1
    run restic --no-cache snapshots
    [ "$status" -ne 0 ]
    [[ "$output" == *locked* ]]
    # restic sends SIGHUP to the holder to see whether it lives: it must survive.
    r unlock
    kill -0 $holder
    run "$TOOL" save g </dev/null
    [ "$status" -ne 0 ]
    [[ "$output" == *locked* ]]
    kill -9 $holder
    wait $holder || true
    run restic --no-cache snapshots
    [ "$status" -ne 0 ]
    "$TOOL" unlock
    r snapshots
}

@test "stats are restic's" {
    "$TOOL" init
    "$TOOL" save f <"$D/text"
    "$TOOL" save g <"$D/noise"
    want=$(restic --no-cache stats --mode raw-data --json | grep -o '"total_size":[0-9]*' | cut -d: -f2)
    [ "$("$TOOL" stats | grep raw-data | cut -d' ' -f2)" = "$want" ]
    want=$(restic --no-cache stats --mode restore-size --json | grep -o '"total_size":[0-9]*' | cut -d: -f2)
    [ "$("$TOOL" stats | grep restore-size | cut -d' ' -f2)" = "$want" ]
}

@test "a key that we add opens for restic, and the reverse" {
    r init
    "$TOOL" passwd new
    RESTIC_PASSWORD=new restic --no-cache -q snapshots
    run restic --no-cache -q snapshots
    [ "$status" -ne 0 ]
}
