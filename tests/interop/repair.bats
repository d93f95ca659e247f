#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cstash repair and migrate: damaged repositories of restic's become ones that restic's check passes.

bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../harness/env.bash"
TOOL=${REPO_TOOL:-$BUILD/tests/repo_tool}

setup() {
    need restic
    D=$BATS_TEST_TMPDIR
    export RESTIC_CACHE_DIR=$D/cache RESTIC_REPOSITORY=$D/repo RESTIC_PASSWORD=pw
    mkdir -p "$D/in/a/b"
    cd "$D"
    seq 1 400000 >in/a/text
    echo small >in/small
    ln -s small in/link
    seq 2 9 >in/a/b/more
}

r() { restic -q --no-cache "$@"; }

fill() { # fill VERSION [NOISE]: two snapshots of restic's, of host one and two, the latter with so many random bytes; their sums
    "$TOOL" init "$1"
    r backup --host one in
    sums in >one.sums
    head -c "${2:-3000000}" /dev/zero | openssl enc -aes-128-ctr -nosalt -K 01 -iv 02 2>/dev/null >in/a/noise
    r backup --host two in
    sums in >two.sums
    chmod -R u+w repo
}

sums() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k2); }
is_clean() { r check --no-lock --read-data; }
comes_back() { # comes_back HOST: as it was stored
    rm -rf "out.$1"
    r restore --no-lock --host "$1" --target "out.$1" latest
    sums "out.$1/in" | diff - "$1.sums"
}
is_whole() { is_clean && comes_back one && comes_back two; }
pack_of() { # pack_of FILE: the pack of its first blob, in the snapshot of host two
    local blob
    blob=$("$CSTASH" cat tree "$(id_of two):${1%/*}" |
        python3 -c 'import json, sys; print(next(n["content"][0] for n in json.load(sys.stdin)["nodes"] if n["name"] == sys.argv[1]))' "${1##*/}")
    r find --no-lock --show-pack-id --blob "$blob" | sed -n 's/.*belongs to pack //p' | head -n 1
}
id_of() { r snapshots --json --no-lock --host "$1" latest | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])'; }
damage() { printf XXXX | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
in_repo() { find repo/data -type f -name "$1*"; }

@test "an index that is gone, or that cannot be read, is made anew" {
    local v
    for v in 1 2; do
        rm -rf repo in/a/noise
        fill $v
        rm "$(ls repo/index/* | head -n 1)"
        damage "$(ls repo/index/* | head -n 1)" 60
        run -1 "$CSTASH" check
        "$CSTASH" repair index | grep ' 0 missing, 0 that cannot be read'
        is_whole
    done
    "$CSTASH" repair index --read-all-packs | grep '^4 packs in the index: 4 read'
    is_whole
    "$CSTASH" rebuild-index | grep '^4 packs in the index: 0 read'
    is_whole
}

@test "a pack that is gone: the index forgets it, the snapshots lose what was in it" {
    fill 2
    local old
    old=$(id_of two)
    rm "$(in_repo "$(pack_of in/a/noise)")"
    run "$CSTASH" repair index
    [[ "$output" == *"is not there: its "*" the index"* ]]
    run "$CSTASH" repair snapshots --dry-run
    [[ "$output" == *'file "/in/a/noise": all of its data is lost'*"1 snapshot would change"* ]]
    [ "$(r list --no-lock snapshots | wc -l)" = 2 ]
    "$CSTASH" repair snapshots
    [ "$(r list --no-lock snapshots | wc -l)" = 3 ]
    "$CSTASH" repair snapshots | grep '^0 snapshots changed' # it is done, the old one stays
    "$CSTASH" repair snapshots --forget | grep '^1 snapshot changed'
    is_clean
    comes_back one
    r snapshots --json --no-lock --host two | grep -F '"tags":["repaired"],"original":"'"$old"'"'
    r restore --no-lock --host two --target out.two latest
    [ ! -s out.two/in/a/noise ] && [ -L out.two/in/link ]
    rm out.two/in/a/noise
    sums out.two/in | diff - <(grep -v /noise two.sums)
}

@test "a damaged pack: what can be read is saved, a file keeps what is left of it" {
    local pack noise=12000000 # more than one chunk, wherever this repository cuts
    fill 2 $noise
    pack=$(pack_of in/a/noise)
    damage "$(in_repo "$pack")" 5000
    run -1 "$CSTASH" check --read-data
    [[ "$output" == *"$pack"* ]]
    mkdir w
    # A run that was cut off left its copy: it stays.
    cp "$(in_repo "$pack")" "w/pack-$pack"
    (cd w && "$CSTASH" repair packs "${pack:0:12}") >out.txt
    grep -E '^[1-9][0-9]* blobs? saved, 1 lost' out.txt
    [ -s "w/pack-$pack" ] && [ -z "$(in_repo "$pack")" ]
    "$CSTASH" repair snapshots --forget | grep '^1 snapshot changed'
    is_whole_but_noise
}

is_whole_but_noise() {
    is_clean
    comes_back one
    r restore --no-lock --host two --target out.two latest
    local left
    left=$(stat -c %s out.two/in/a/noise)
    [ "$left" -gt 0 ] && [ "$left" -lt "$noise" ]
    # What is left are the blobs around the one that is lost.
    python3 -c 'import os, sys
whole, left = (open(name, "rb").read() for name in sys.argv[1:])
same = len(os.path.commonprefix([whole, left]))
sys.exit(not whole.endswith(left[same:]))' in/a/noise out.two/in/a/noise
    sums out.two/in | grep -v /noise | diff - <(grep -v /noise two.sums)
}

@test "a pack that nothing tells about is not removed for nothing" {
    fill 1
    local pack file
    pack=$(r list --no-lock packs | head -n 1)
    file=$(in_repo "$pack")
    damage "$file" "$(($(stat -c %s "$file") - 20))"
    rm repo/index/*
    run -1 "$CSTASH" repair index
    [[ "$output" == *"is left out: no index file knows what is in it"* ]]
    run -1 "$CSTASH" repair packs "$pack"
    [[ "$output" == *"nothing was changed: no index file knows what is in the pack"* ]]
    [ -f "$file" ]
}

@test "trees that are lost: a folder becomes empty, a snapshot without a root goes" {
    fill 1
    local tree pack
    tree=$("$CSTASH" cat tree "$(id_of two):in" | python3 -c 'import json, sys; print(next(n["subtree"] for n in json.load(sys.stdin)["nodes"] if n["name"] == "a"))')
    pack=$(r find --no-lock --show-pack-id --tree "$tree" | sed -n 's/.*belongs to pack //p' | head -n 1)
    damage "$(in_repo "$pack")" "$("$CSTASH" cat index "$(index_with "$pack")" | python3 -c 'import json, sys
for p in json.load(sys.stdin)["packs"]:
    for b in p["blobs"]:
        if b["id"] == sys.argv[1]: print(b["offset"] + 40)' "$tree")"
    "$CSTASH" repair packs "$pack"
    run "$CSTASH" repair snapshots --forget
    [[ "$output" == *'folder "/in/a/" is empty now'* ]]
    is_clean
    comes_back one
    r restore --no-lock --host two --target out.two latest
    [ "$(cat out.two/in/small)" = small ] && [ -d out.two/in/a ] && [ -z "$(ls out.two/in/a)" ]

    pack=$(r find --no-lock --show-pack-id --tree "$(root_of two)" | sed -n 's/.*belongs to pack //p' | head -n 1)
    rm "$(in_repo "$pack")"
    "$CSTASH" repair index
    run "$CSTASH" repair snapshots
    [[ "$output" == *"has nothing that can be read (--forget removes it)"*"0 snapshots changed"* ]]
    "$CSTASH" repair snapshots --forget
    is_clean
}

root_of() { r cat --no-lock snapshot "$(id_of "$1")" | python3 -c 'import json, sys; print(json.load(sys.stdin)["tree"])'; }
index_with() { # the index file that lists a pack
    local i
    for i in $(r list --no-lock index); do
        "$CSTASH" cat index "$i" | grep -q "\"$1\"" && echo "$i"
    done
}

@test "what does not exist, and what cannot be meant" {
    fill 2
    run -1 "$CSTASH" repair packs 000000000000
    [[ "$output" == *'there is no pack "000000000000"'* ]]
    run -2 "$CSTASH" repair packs
    run -2 "$CSTASH" repair everything
    run -2 "$CSTASH" repair index --dry-run
    run -2 "$CSTASH" migrate upgrade_repo_v3
    is_whole
}

@test "version 1 becomes version 2; a damaged repository stays as it is" {
    fill 1
    "$CSTASH" migrate | grep '^upgrade_repo_v2'
    "$CSTASH" migrate upgrade_repo_v2
    r cat --no-lock config | grep '"version": 2'
    [ -z "$(ls config-* 2>/dev/null)" ]
    is_whole
    r backup --host one in
    "$CSTASH" check --read-data
    "$CSTASH" migrate upgrade_repo_v2 | grep 'version 2 already'
    "$CSTASH" migrate | grep 'nothing to migrate'
    rm -rf repo in/a/noise
    fill 1
    rm "$(in_repo "$(pack_of in/a/noise)")"
    run -1 "$CSTASH" migrate upgrade_repo_v2
    [[ "$output" == *"it is left as it is"* ]]
    r cat --no-lock config | grep '"version": 1'
}
