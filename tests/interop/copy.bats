#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cstash copy: snapshots from one repository into another, of any version and password; restic agrees on what is a copy.

bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../harness/env.bash"
TOOL=${REPO_TOOL:-$BUILD/tests/repo_tool}

setup() {
    need restic
    D=$BATS_TEST_TMPDIR
    export RESTIC_CACHE_DIR=$D/cache RESTIC_REPOSITORY=$D/to RESTIC_PASSWORD=to
    export RESTIC_FROM_REPOSITORY=$D/from RESTIC_FROM_PASSWORD=from
    mkdir -p "$D/in/a/b"
    seq 1 400000 >"$D/in/a/text"
    head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 01 -iv 02 2>/dev/null >"$D/in/a/b/noise"
    : >"$D/in/empty"
}

from() { env RESTIC_REPOSITORY="$D/from" RESTIC_PASSWORD=from "$@"; }
count() { restic list snapshots -q --no-lock --no-cache | wc -l; }
is_whole() { restic check -q --no-cache --no-lock --read-data; }

fill() { # fill VERSION: two snapshots of restic's
    from "$TOOL" init "$1"
    (
        cd "$D"
        from restic backup -q --no-cache --host alpha --tag x,y in
        sums in >alpha.sums
        echo more >"$D/in/new"
        from restic backup -q --no-cache --host beta in
        sums in >beta.sums
    )
}

sums() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k2); }

both_are_there() {
    local host
    is_whole
    for host in alpha beta; do
        restic restore -q --no-cache --no-lock --host "$host" --target "$D/$host" latest
        sums "$D/$host/in" | diff - "$D/$host.sums"
    done
}

copies() { # copies FROM TO: between versions, and nothing twice
    fill "$1"
    "$CSTASH" init -q --repository-version "$2" --copy-chunker-params
    "$CSTASH" copy | grep '^2 snapshots copied, 0 were here already'
    both_are_there
    "$CSTASH" copy --json | grep '"snapshots_copied":0,"snapshots_skipped":2,"snapshots_failed":0,"blobs_added":0,'
    restic copy -q --no-cache
    [ "$(count)" = 2 ]
}

@test "from version 1 to version 1" { copies 1 1; }
@test "from version 1 to version 2" { copies 1 2; }
@test "from version 2 to version 1" { copies 2 1; }
@test "from version 2 to version 2" { copies 2 2; }

@test "what restic copied is not copied again, and the other way round; chunks are shared" {
    fill 2
    "$CSTASH" init -q --copy-chunker-params
    restic copy -q --no-cache --host alpha
    "$CSTASH" copy >"$D/out" 2>"$D/err"
    grep '^1 snapshot copied, 1 was here already' "$D/out"
    [ ! -s "$D/err" ]
    # The same file stored here once more is known.
    "$TOOL" save text <"$D/in/a/text" | grep ' 0 new blobs'
    # A tag changes the copy: it is another snapshot now, with the same origin.
    restic tag -q --no-cache --host alpha --add z
    "$CSTASH" copy | grep '^1 snapshot copied, 1 was here already'
}

@test "only those that are asked for" {
    fill 2
    "$CSTASH" init -q --copy-chunker-params
    "$CSTASH" copy --tag x,y | grep -c '^copied'
    [ "$(count)" = 1 ]
    "$CSTASH" copy --host nobody | grep '^0 snapshots copied'
    "$CSTASH" copy latest | grep '^copied .* beta '
    run -1 "$CSTASH" copy ffffffff latest
    [[ "$output" == *'there is no snapshot "ffffffff"'* ]]
}

@test "different polynomials: a warning, and how to do better" {
    fill 2
    "$CSTASH" init -q
    "$CSTASH" copy >"$D/out" 2>"$D/err"
    grep 'cut data at different places' "$D/err"
    grep 'copy-chunker-params' "$D/err"
    both_are_there
}

@test "a damaged snapshot is told, the others are copied" {
    fill 2
    "$CSTASH" init -q --copy-chunker-params
    local tree
    tree=$(from restic cat -q --no-cache --no-lock snapshot "$(from restic list -q --no-cache --no-lock snapshots | head -n 1)" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["tree"])')
    from python3 - "$D/from" "$tree" <<'PY'
import glob, json, os, subprocess, sys
place, tree = sys.argv[1:3]
for name in subprocess.check_output(["restic", "list", "-q", "--no-cache", "--no-lock", "index"], text=True).split():
    index = json.loads(subprocess.check_output(["restic", "cat", "-q", "--no-cache", "--no-lock", "index", name]))
    for pack in index["packs"]:
        for blob in pack["blobs"]:
            if blob["id"] == tree:
                path = f"{place}/data/{pack['id'][:2]}/{pack['id']}"
                os.chmod(path, 0o600)
                with open(path, "r+b") as f:
                    f.seek(blob["offset"] + 20)
                    f.write(b"XXXX")
PY
    run -1 "$CSTASH" copy
    [[ "$output" == *"cannot be copied"*"could not read blob $tree"* ]]
    [[ "$output" == *"1 snapshot copied"* ]]
    is_whole
}

@test "who asks for what cannot be is told at once" {
    fill 2
    run -2 env -u RESTIC_FROM_REPOSITORY "$CSTASH" copy
    [[ "$output" == *"use --from-repo or set RESTIC_FROM_REPOSITORY"* ]]
    run -2 "$CSTASH" copy --compression much
    run -12 env RESTIC_FROM_PASSWORD=wrong "$CSTASH" copy
    run -10 "$CSTASH" copy
    run -2 "$CSTASH" init --from-repo "$D/from"
}
