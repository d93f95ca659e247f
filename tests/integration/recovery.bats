# SPDX-License-Identifier: Apache-2.0
# Only the store is left: what the recovery sheet says is enough.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic redis-server prometheus-pushgateway
    setup_folder
    export HOME=$T
    start_redis a
    start_redis b
    seq 500 | awk '{print "SET k:" $1 " " $1}' | redis-cli -p "$PORT_a" --pipe >/dev/null
}
teardown() {
    stop_up
    end_all
}

# The commands of the sheet at $T/sheet, in an environment that knows nothing else, with another Redis and the snapshot's ID.
by_the_sheet() { # by_the_sheet PATTERN: those lines, after the exports
    local id
    id=$(awk '/^## What is in it/ {there = 1} there && /^    / {print $1; exit}' "$T/sheet")
    sed -n 's/^    //p' "$T/sheet" | grep -E "^export|$1" | sed "s|redis://NEW:6379|$URL_b|; s|-h NEW|-p $PORT_b|; s/SNAPSHOT/$id/" >"$T/steps"
    grep -qE "$1" "$T/steps"
    env -i PATH="$(dirname "$CSTASH"):$PATH" HOME="$T/nowhere" bash -euo pipefail "$T/steps"
}

@test "from the sheet of a Repository alone, the cluster being gone: by cstash, and by restic" {
    local sum
    start_up
    world demo "$PORT_a"
    config demo bc
    session demo one bc
    phase demo backupsession/one Succeeded
    "$CSTASH" recovery-sheet demo/repo >"$T/closed"
    "$CSTASH" recovery-sheet --with-password demo/repo >"$T/sheet"
    grep -q 'not on this sheet' "$T/closed"
    run grep "='secret'" "$T/closed"
    [ "$status" = 1 ]
    grep -q "='secret'" "$T/sheet"
    grep -q 'demo/AppBinding/redis' "$T/sheet"
    stop_up
    rm -r "$T/state"
    sum=$("$CSTASH" digest -q --redis "$URL_a")
    kill -9 "$(cat "$T/a.pid")"
    rm "$T/a.pid"

    by_the_sheet '^cstash (snapshots|restore)'
    [ "$("$CSTASH" digest -q --redis "$URL_b")" = "$sum" ]
    cli b flushall >/dev/null
    by_the_sheet '^restic dump'
    [ "$("$CSTASH" digest -q --redis "$URL_b")" = "$sum" ]

    # Another cluster, which knows the address.
    cli b flushall >/dev/null
    start_up
    world demo "$PORT_b"
    restore demo back
    phase demo restoresession/back Succeeded
    [ "$("$CSTASH" digest -q --redis "$URL_b")" = "$sum" ]
    cli b flushall >/dev/null
    restore demo one "target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}, rules: [{snapshots: ['$(restic -q -r "$T/repo-demo" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["short_id"])')']}]}"
    phase demo restoresession/one Succeeded
    [ "$("$CSTASH" digest -q --redis "$URL_b")" = "$sum" ]
}

@test "by address: a password with quotes is one word, and what is empty says so; another repository is asked for once" {
    export RESTIC_PASSWORD="it's \"\$one\""
    "$CSTASH" init -q
    run "$CSTASH" recovery-sheet --with-password
    says 0 "nothing yet"
    sed -n 's/^    \(export RESTIC_PASS.*\)/\1/p' <<<"$output" >"$T/line"
    [ "$(env -i bash -c ". $T/line; printf %s \"\$RESTIC_PASSWORD\"")" = "$RESTIC_PASSWORD" ]
    run "$CSTASH" recovery-sheet -r "$T/repo" demo/repo
    says 2 "name one repository"
}
