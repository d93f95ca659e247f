#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# tag, find, list, cat, stats and parts of check: the answers of restic, on what restic and what we wrote.

bats_require_minimum_version 1.5.0
source "$BATS_TEST_DIRNAME/../harness/env.bash"
TOOL=${REPO_TOOL:-$BUILD/tests/repo_tool}

setup_file() {
    need restic
    export D=$BATS_FILE_TMPDIR
    mkdir -p "$D/in/a/b"
    cd "$D"
    seq 1 400000 >in/a/text
    echo small >in/small
    ln in/small in/hard
    cp in/small in/a/b/same
    ln -s small in/link
    cat in/a/text in/a/text >in/a/b/twice
    for v in 1 2; do
        export RESTIC_REPOSITORY=$D/repo$v
        "$TOOL" init $v
        restic backup -q --no-cache --host one in
        mv in/small in/a/b/moved
        restic backup -q --no-cache --host two --tag x in
        mv in/a/b/moved in/small
        seq 5 500000 | "$TOOL" save dumpfile.resp >/dev/null
    done
}

setup() {
    export RESTIC_CACHE_DIR=$D/cache RESTIC_REPOSITORY=$D/repo2
    cd "$D"
}

r() { restic -q --no-cache --no-lock "$@"; }
c() { "$CSTASH" "$@" --no-lock; }
id_of() { r snapshots --json --host "$1" latest | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])'; }
# Fields of JSON that both have, sorted, numbers as they are.
common() { python3 -c 'import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
sys.exit(any(a[k] != b[k] for k in a if a[k]) or not a)' "$1" "$2"; }

@test "stats: restic's numbers, in all its ways of counting" {
    local v mode
    for v in 1 2; do
        export RESTIC_REPOSITORY=$D/repo$v
        for mode in restore-size files-by-contents blobs-per-file raw-data; do
            common <(r stats --json --mode $mode) <(c stats --json --mode $mode)
        done
    done
    common <(r stats --json --host two latest) <(c stats --json --host two latest)
    run -2 "$CSTASH" stats --mode all
}

@test "snapshots: all, by what the beginning of an ID means, the latest, by host, tag and path" {
    local words id
    id=$(id_of one)
    ids() { python3 -c 'import json, sys; print(*sorted(s["id"] for s in json.load(sys.stdin)))'; }
    for words in "" latest "${id:0:9}" "${id:0:9} latest" "--host one" "--host one --host two" "--tag x" "--host two latest" \
        "--path $D/in" "--path $D/in --path /none" "--latest 1" "--latest 2 --tag x" "--latest 9"; do
        echo "snapshots $words"
        [ "$(r snapshots --json $words | ids)" = "$(c snapshots --json $words | ids)" ]
    done
    run -1 "$CSTASH" snapshots nonsense
    [[ "$output" == *'"nonsense" is not an ID'* ]]
    run -2 "$CSTASH" snapshots --latest none
}

@test "backup --time: the time that clocks show here, as restic's" {
    local when times='import json, sys; print(*[s["time"] for s in json.load(sys.stdin)])'
    export TZ=America/New_York RESTIC_REPOSITORY=$D/timed
    "$CSTASH" init -q
    for when in "2012-11-01 22:08:41" "2024-02-29 00:00:00" "2025-07-04 12:30:00"; do
        echo one | "$CSTASH" backup -q --stdin --host "$when" --time "$when"
        echo one | restic backup -q --no-cache --stdin --host "$when" --time "$when"
        [ "$(c snapshots --json --host "$when" | python3 -c "$times" | tr ' ' '\n' | sort -u | wc -l)" = 1 ]
    done
    for when in "2023-02-29 00:00:00" "2012-11-01" yesterday "2012-11-01 22:08:41 "; do
        run -2 "$CSTASH" backup --stdin --time "$when" <<<one
        [[ "$output" == *"--time: \"$when\" is not a time"* ]]
    done
}

@test "list: the same files and blobs" {
    local what
    for what in blobs packs index snapshots keys; do
        [ "$(c list $what | wc -l)" -gt 0 ]
        r list $what | sort | diff - <(c list $what | sort)
    done
    [ -z "$(c list locks)" ]
    run -2 "$CSTASH" list things
}

@test "cat: the same bytes" {
    local id blob
    id=$(id_of two)
    diff <(r cat config) <(c cat config)
    # Debian's restic shows "r" with bits cleared that play no part.
    diff <(r cat masterkey | grep -v '"r"') <(c cat masterkey | grep -v '"r"')
    diff <(r cat snapshot "$id") <(c cat snapshot "${id:0:8}")
    diff <(r cat key "$(r list keys)") <(c cat key "$(c list keys)")
    id=$(c list index | head -n 1)
    diff -B <(r cat index "$id") <(c cat index "$id")
    id=$(c list packs | head -n 1)
    cmp <(r cat pack "$id") <(c cat pack "$id")
    for blob in $(c list blobs | awk '{print $2}' | sed -n '1p;9p'); do
        cmp <(r cat blob "$blob") <(c cat blob "$blob")
    done
    c cat tree latest | grep -q '"dumpfile.resp"'
    c cat tree "$(id_of one):in/a/b" | grep -q '"twice"'
    run -1 "$CSTASH" cat tree "$(id_of one):in/none"
    run -2 "$CSTASH" cat blob
    run -2 "$CSTASH" cat password
    run -2 "$CSTASH" cat pack xyz # as any ID that cannot be one
}

@test "find: names, blobs, trees and packs, where restic finds them" {
    local pattern blob tree pack
    for pattern in text 'sm*' /in/a '**/b' 'a/**/same' 'IN/a' none; do
        r find "$pattern" | grep '^/' | sort | diff - <(c find "$pattern" | grep '^/' | sort)
    done
    c find -i SMALL | grep -x /in/small
    blob=$(c cat tree "$(id_of one):in" | python3 -c 'import json, sys; print(next(n["content"][0] for n in json.load(sys.stdin)["nodes"] if n["name"] == "small"))')
    tree=$(c cat tree "$(id_of one):in/a" | python3 -c 'import json, sys; print(next(n["subtree"] for n in json.load(sys.stdin)["nodes"] if n["name"] == "b"))')
    pack=$(r find --show-pack-id --blob "$blob" | sed -n 's/.*belongs to pack //p' | head -n 1)
    common_hits "--blob $blob"
    common_hits "--tree $tree"
    common_hits "--pack $pack"
    c find --blob "${blob:0:10}" | grep -x '  in file /in/a/b/same'
    run -1 "$CSTASH" find --pack 000000000000
    run -2 "$CSTASH" find --pack 0 --tree 0
}

common_hits() {
    diff <(r find --json $1 | hits) <(c find --json $1 | hits)
    [ "$(c find --json $1 | hits | wc -l)" -gt 0 ]
}
hits() { python3 -c 'import json, sys
for h in sorted({(h["object_type"], h["id"], h["path"], h["snapshot"]) for h in json.load(sys.stdin)}): print(*h)'; }

@test "check reads the parts that it is told to" {
    local part all=0 n
    for part in 1/3 2/3 3/3; do
        n=$(c check --json --read-data-subset $part | sed 's/.*"bytes_read":\([0-9]*\).*/\1/')
        all=$((all + n))
    done
    [ "$all" = "$(c check --json --read-data | sed 's/.*"bytes_read":\([0-9]*\).*/\1/')" ]
    c check --json --read-data-subset 1% | grep -v '"bytes_read":0'
    c check --json --read-data-subset 1k | grep -v '"bytes_read":0'
    run -2 "$CSTASH" check --read-data-subset 4/3
    run -2 "$CSTASH" check --read-data-subset 1/2 --read-data
}

@test "tag: a new snapshot for the old one, with its first ID" {
    local first
    first=$(id_of one)
    "$CSTASH" tag --host one --add a,b --add c | grep '^1 snapshot changed'
    "$CSTASH" tag --host one --add a | grep '^0 snapshots changed'
    "$CSTASH" tag --remove b --json latest "$(id_of one)" | grep '"changed_snapshots":1'
    r snapshots --json --host one | grep -F '"tags":["a","c"],"original":"'"$first"'"'
    restic tag -q --no-cache --host one --set restic
    "$CSTASH" tag --tag restic --set '' | grep '^1 snapshot changed'
    c cat snapshot "$(id_of one)" | grep "\"original\": \"$first\""
    [ "$(c list snapshots | wc -l)" = 3 ]
    run -2 "$CSTASH" tag
    run -2 "$CSTASH" tag --set a --add b
    run -1 "$CSTASH" tag --add a ffff
    restic check -q --no-cache --no-lock --read-data
}
