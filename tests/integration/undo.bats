# SPDX-License-Identifier: Apache-2.0
# The copy that a restore takes of its target first, and the way back to it: by hand.
load ../harness/env.bash
load ../servers/servers.bash

setup() {
    setup_folder
    start_redis a
    start_redis b
    "$CSTASH" init -q
    cli a eval 'for i = 1, 300 do redis.call("SET", "k" .. i, "new" .. i) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    cli b eval 'for i = 200, 400 do redis.call("SET", "k" .. i, "old" .. i) end' 0
    cli b -n 3 rpush list 1 2 3
    cli b -n 3 pexpireat list 33000000000000
    cli b xadd stream 1-1 f v
    cli b xgroup create stream g 0
    BEFORE=$(digest b)
}
teardown() {
    server_stop_all
    end_all
}

restore() { run "$CSTASH" restore --redis "$URL_b" --yes "$@" </dev/null; }
undo() { run "$CSTASH" undo --to "$URL_b" --yes "$@" </dev/null; }
copies() { # their IDs, oldest first
    "$CSTASH" snapshots --json -q --tag before-restore | python3 -c 'import json, sys
for s in json.load(sys.stdin):
    assert s["before_restore"]
    print(s["short_id"])'
}
n_copies() { copies | wc -l; }

@test "undo brings back what a restore replaced, added to, or removed; and undo of undo is forward again" {
    local mode after
    for mode in replace skip flush; do
        restore --existing $mode latest
        says 0 "the 203 keys that it held are in snapshot" "\`cstash undo\` brings them back"
        after=$(digest b)
        [ "$after" != "$BEFORE" ]
        undo
        says 0 "restored 203 keys"
        [ "$(digest b)" = "$BEFORE" ]
        undo --verify
        says 0 "read back and compared"
        [ "$(digest b)" = "$after" ]
        undo
        says 0
        [ "$(digest b)" = "$BEFORE" ]
    done
}

@test "a restore that stops at a key which is there is undone too" {
    cli b -n 3 del list
    cli b del stream
    cli b eval 'for i = 200, 399 do redis.call("DEL", "k" .. i) end' 0
    cli b set k250 old
    BEFORE=$(digest b)
    restore --existing fail latest
    says 1 "k250"
    undo
    says 0
    [ "$(digest b)" = "$BEFORE" ]
}

@test "into an empty server no copy is taken, nor by a dry run, and both say so" {
    cli b flushall
    run "$CSTASH" restore -q --json --redis "$URL_b" latest
    says 0 '"safety_copy":{"state":"empty"}'
    [ "$(n_copies)" = 0 ]
    run "$CSTASH" restore -n --redis "$URL_b" latest
    says 0 "if the target holds keys, a copy of it will be taken first"
    run "$CSTASH" restore -q --json -n --redis "$URL_b" latest
    says 0 '"safety_copy":{"state":"dry run"}'
    [ "$(n_copies)" = 0 ]
    undo
    says 1 "no restore left a copy of this target in the repository"
}

@test "the result names the copy, which says what it is of; undo can be told which one" {
    run "$CSTASH" restore -q --json --redis "$URL_b" --yes latest
    says 0 '"state":"taken"'
    python3 - "$output" "$(copies)" <<'P'
import json, sys
r = json.loads(sys.argv[1])["safety_copy"]
assert r["snapshot_id"].startswith(sys.argv[2]) and r["undo_to"] == r["snapshot_id"] and r["keys"] == 203, r
P
    "$CSTASH" show --manifest "$(copies)" | python3 -c 'import json, sys
m = json.load(sys.stdin)
assert len(m["before_restore"]["snapshot"]) == 64 and m["keys"] == 203 and "first" not in m["before_restore"], m'
    run "$CSTASH" snapshots -q
    says 0 "(before a restore)" "[before-restore]"
    run "$CSTASH" undo --redis "$URL_b" latest --yes
    says 1 "is not a copy that a restore took" "cstash restore --existing flush"
    first=$(copies)
    cli b flushall
    cli b set other 1
    restore latest
    says 0
    undo "$first"
    says 0
    [ "$(digest b)" = "$BEFORE" ]
}

@test "undo by the name of a target goes back and forward too" {
    local after name
    restore latest
    says 0
    after=$(digest b)
    name=$("$CSTASH" snapshots --json -q --tag before-restore | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["cstash"]["target"]["name"])')
    "$CSTASH" tag -q --target "$name=some/where" >/dev/null
    undo
    says 1 "no restore left a copy of this target"
    undo --target some/where
    says 0
    [ "$(digest b)" = "$BEFORE" ]
    undo --target some/where
    says 0
    [ "$(digest b)" = "$after" ]
}

@test "undo is asked for: without a terminal it needs --yes" {
    restore latest
    says 0
    run "$CSTASH" undo --redis "$URL_b" </dev/null
    says 1 "nothing was written" "would be removed before" "--yes"
    [ "$(digest b)" != "$BEFORE" ]
}

@test "after a restore that was killed undo leads to before the first of them, also after it was repeated" {
    local n pid
    cli a eval 'for i = 1, 400000 do redis.call("SET", "big" .. i, string.rep(tostring(i), 20)) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    for n in 3 4; do
        cli b set k400 old400 # goes when the server is emptied
        "$CSTASH" restore -q --redis "$URL_b" --yes --existing flush latest </dev/null 3>&- &
        pid=$!
        until [ "$(find "$T/repo/snapshots" -type f | wc -l)" = $n ]; do sleep 0.02; done
        until [ "$(cli b exists k400)" = 0 ] && [ "$(cli b dbsize)" -gt 1000 ]; do :; done
        kill -9 $pid
        wait $pid || true
    done
    [ "$("$CSTASH" snapshots -q | grep -c restore-unfinished)" = 2 ]
    [ "$(digest b)" != "$BEFORE" ]
    restore --existing flush latest
    says 0 "since the restore before was not finished" "leads to $(copies | head -n 1)"
    [ "$(digest b)" = "$(digest a)" ]
    undo
    says 0
    [ "$(digest b)" = "$BEFORE" ]
    undo
    says 0
    [ "$(digest b)" = "$(digest a)" ]
}

@test "an undo that was killed is repeated by the next one, and undone by the one after" {
    local pid after
    cli b eval 'for i = 1, 400000 do redis.call("SET", "big" .. i, string.rep(tostring(i), 20)) end' 0
    BEFORE=$(digest b)
    restore --existing flush latest
    says 0
    after=$(digest b)
    "$CSTASH" undo -q --redis "$URL_b" --yes </dev/null 3>&- &
    pid=$!
    until [ "$(cli b dbsize)" -gt 3000 ]; do :; done
    kill -9 $pid
    wait $pid || true
    [ "$(digest b)" != "$BEFORE" ]
    undo
    says 0
    [ "$(digest b)" = "$BEFORE" ]
    undo
    says 0
    [ "$(digest b)" = "$after" ]
}

@test "skip takes none and says what that means; required without a place for it changes nothing" {
    restore --safety-copy skip latest
    says 0 "cannot be brought back"
    [ "$(n_copies)" = 0 ]
    cli b flushall
    cli b set here 1
    restore --no-lock latest
    says 1 "nothing was written: no copy could be taken of" "which holds 1 key" "--no-lock" "--safety-copy skip"
    restore --no-lock --safety-copy skip latest
    says 0
}

@test "a repository that cannot be written to is found before anything is changed; another one takes the copy" {
    local other=$T/other bound=()
    # root may write anywhere
    [ "$(id -u)" != 0 ] || bound=(setpriv --bounding-set=-all --inh-caps=-all)
    RESTIC_REPOSITORY=$other RESTIC_PASSWORD=different "$CSTASH" init -q
    echo different >"$T/pw"
    chmod -R a-w "$T/repo"
    run "${bound[@]}" "$CSTASH" restore --redis "$URL_b" --yes --no-lock latest </dev/null
    says 1 "nothing was written: no copy could be taken"
    run "${bound[@]}" "$CSTASH" restore --redis "$URL_b" --yes latest </dev/null
    says 1 "Permission denied"
    [ "$(digest b)" = "$BEFORE" ]
    run "${bound[@]}" "$CSTASH" restore --no-lock --redis "$URL_b" --yes --safety-repo "$other" \
        --safety-password-file "$T/pw" latest </dev/null
    says 0 "the 203 keys that it held"
    RESTIC_REPOSITORY=$other RESTIC_PASSWORD=different undo
    says 0
    [ "$(digest b)" = "$BEFORE" ]
}

@test "where the copy may not be written, though locks may, the restore changes nothing" {
    local bound=()
    [ "$(id -u)" != 0 ] || bound=(setpriv --bounding-set=-all --inh-caps=-all)
    chmod -R a-w "$T/repo/data" "$T/repo/snapshots" "$T/repo/index"
    run "${bound[@]}" "$CSTASH" restore --redis "$URL_b" --yes --existing flush latest </dev/null
    says 1 "nothing was emptied or written: no copy could be taken of 127.0.0.1:$PORT_b, which holds 203 keys in " \
        " bytes of memory" "Permission denied" "--safety-repo" "--safety-copy skip"
    [ "$(digest b)" = "$BEFORE" ]
}

@test "where a store lets no file go, the older file of the copy plays no part" {
    local pid new known
    cli a eval 'for i = 1, 200000 do redis.call("SET", "big" .. i, i) end' 0
    "$CSTASH" backup -q --redis "$URL_a"
    known=$(ls -d "$T"/repo/snapshots/*)
    "$CSTASH" restore -q --redis "$URL_b" --yes latest </dev/null 3>&- &
    pid=$!
    until new=$(ls -d "$T"/repo/snapshots/* | grep -vxF "$known") && [[ "$new" != *.tmp* ]]; do sleep 0.01; done
    cp -a "$new" "$T/kept"
    wait $pid
    [ ! -e "$new" ]
    cp -a "$T/kept" "$new"
    [ "$(n_copies)" = 2 ]
    cli b set later 1
    BEFORE=$(digest b)
    restore --existing flush latest
    says 0 "brings them back"
    undo
    says 0
    [ "$(digest b)" = "$BEFORE" ]
}

@test "a server that may only be added to: copies are taken and lead back, and stay" {
    server_rest "$T/rest" --append-only
    export RESTIC_REPOSITORY=rest:$REST_URL
    "$CSTASH" init -q
    "$CSTASH" backup -q --redis "$URL_a"
    restore --existing flush latest
    says 0 "the 203 keys that it held"
    undo
    says 0
    [ "$(digest b)" = "$BEFORE" ]
    undo
    says 0
    [ "$(digest b)" = "$(digest a)" ]
    undo
    [ "$(digest b)" = "$BEFORE" ]
}

@test "a repository for the copy that is not there changes nothing" {
    restore --safety-repo "$T/nowhere" --safety-password-file /dev/null latest
    [ "$status" != 0 ]
    says "$status" "nothing was written" "the repository for the copy of the target"
    [ "$(digest b)" = "$BEFORE" ]
}

@test "a copy is never latest, and neither --before, retention nor the guards see it" {
    local n
    restore latest
    says 0
    "$CSTASH" backup -q --redis "$URL_b"          # b's own history begins after its copy
    cli b flushall
    cli b set only 1
    run "$CSTASH" backup --redis "$URL_b"
    says 0 "the Redis has lost keys"
    restore latest:1
    says 0
    [ "$(cli b exists k1)" = 1 ]
    run "$CSTASH" restore --redis "$URL_b" --yes --tag before-restore
    says 1 "no snapshot matches"
    run "$CSTASH" show --target "$(hostname):$PORT_b" latest:2
    says 1 "no snapshot"
    n=$(n_copies)
    [ "$n" = 2 ]
    run "$CSTASH" forget --keep-last 1 --host "127.0.0.1:$PORT_b"
    says 0 "copy before a restore" "pinned" "0 snapshots removed"
    [ "$(n_copies)" = 2 ]
    run "$CSTASH" forget --guarded "$(copies | tail -n 1)"
    says 0
    [ "$(n_copies)" = 1 ]
}

@test "copies go when they are older than --keep-safety, whatever the policy" {
    local old
    restore latest
    says 0
    old=$(copies)
    need faketime
    run "$CSTASH" forget --keep-safety 1h
    says 0 "keep    $old" "0 snapshots removed"
    run "$CSTASH" forget --keep-last 1
    says 0 "0 snapshots removed"
    run clock +6d "$CSTASH" forget --keep-last 1
    says 0 "0 snapshots removed"
    run clock +8d "$CSTASH" forget --keep-last 1 --dry-run --json
    says 0 '"before_restore":true,"keep":[],"remove":[{'
    run clock +8d "$CSTASH" forget --keep-last 1 --keep-safety 9d
    says 0 "0 snapshots removed"
    run clock +8d "$CSTASH" forget --keep-last 1
    says 0 "remove  $old" "copy before a restore" "1 snapshot removed"
    [ "$(n_copies)" = 0 ]
}
