#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cstash forget and restic forget decide the same, for the same reasons; and what is removed is gone, nothing else.

BUILD=${CSTASH_BUILD:-$BATS_TEST_DIRNAME/../../build}
TOOL=$BUILD/tests/repo_tool CSTASH=${CSTASH:-$BUILD/cstash} PY=$BATS_TEST_DIRNAME/forget.py

setup() {
    export RESTIC_REPOSITORY=$BATS_TEST_TMPDIR/repo RESTIC_PASSWORD=pw RESTIC_CACHE_DIR=$BATS_TEST_TMPDIR/cache
    "$TOOL" init 2
    echo data | "$TOOL" save f
}

ids() { restic snapshots --json --no-lock --no-cache -q "$@" | python3 -c 'import json, sys; print(*sorted(s["short_id"] for s in json.load(sys.stdin)))'; }

@test "many snapshots, many policies: the decisions and the reasons of restic" {
    python3 "$PY" snapshots 150 1 | "$TOOL" plant
    python3 "$PY" policies 25 1 >"$BATS_TEST_TMPDIR/policies"
    while read -r policy; do
        python3 "$PY" compare "$CSTASH" restic "$policy"
    done <"$BATS_TEST_TMPDIR/policies"
}

@test "what a policy removes is gone, the rest is whole" {
    printf '2024-01-0%d|h|/f|\n' 1 2 3 | sed 's/|/T10:00:00Z|/' | "$TOOL" plant
    "$CSTASH" forget --keep-daily 2 --host h --dry-run | grep '1 snapshot would be removed' # the oldest stays only while days are left
    [ "$(ids | wc -w)" = 4 ]
    "$CSTASH" forget --keep-daily 2 --host h >"$BATS_TEST_TMPDIR/out"
    cat "$BATS_TEST_TMPDIR/out"
    [ "$(grep -c '^keep .*2024-01-0[23].*daily snapshot' "$BATS_TEST_TMPDIR/out")" = 2 ]
    grep '^remove .*2024-01-01' "$BATS_TEST_TMPDIR/out"
    [ "$(ids --host h | wc -w)" = 2 ]
    [ "$(ids --host host-0 | wc -w)" = 1 ]
    restic check --no-cache -q --read-data
}

@test "by their IDs, and latest" {
    printf '2024-01-0%dT10:00:00Z|h|/f|\n' 1 2 3 | "$TOOL" plant
    local all
    all=$(ids --host h)
    "$CSTASH" forget --dry-run $all | grep '3 snapshots would be removed'
    run "$CSTASH" forget ${all%% *} ffffffff # nothing, when one is wrong
    [ "$status" = 1 ]
    [[ "$output" == *'there is no snapshot "ffffffff"'* ]]
    [ "$(ids --host h)" = "$all" ]
    "$CSTASH" forget --host h latest latest:0
    [ "$(ids --host h | wc -w)" = 2 ]
    "$CSTASH" forget $(ids --host h)
    [ "$(ids | wc -w)" = 1 ]
}

@test "nothing is removed by mistake" {
    run "$CSTASH" forget
    [ "$status" = 2 ]
    [[ "$output" == *"no policy and no snapshot was named"* ]]
    run "$CSTASH" forget --keep-tag none
    [ "$status" = 1 ]
    [[ "$output" == *"nothing would be left of the 1 snapshot of host host-0, path /f"* ]]
    run "$CSTASH" forget --keep-within 3w
    [ "$status" = 2 ]
    [[ "$output" == *'keep-within: "3w" is not a time such as 1y5m7d2h'* ]]
    run "$CSTASH" forget --keep-last=-2
    [ "$status" = 2 ]
    [[ "$output" == *'keep-last: "-2" must be a number or "unlimited"'* ]]
    run "$CSTASH" forget --keep-last 1 --group-by colour
    [ "$status" = 2 ]
    [[ "$output" == *'cannot group by "colour"; known: host paths tags'* ]]
    [ "$(ids | wc -w)" = 1 ]
    "$CSTASH" forget --keep-tag none --unsafe-allow-remove-all
    [ -z "$(ids)" ]
}

@test "a repository that somebody writes to is left alone" {
    "$TOOL" hold &
    HOLDER=$!
    until [ -n "$(ls "$RESTIC_REPOSITORY/locks")" ]; do sleep 0.1; done
    run "$CSTASH" forget --keep-last 1
    kill $HOLDER
    [ "$status" = 11 ]
}
