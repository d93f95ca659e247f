# SPDX-License-Identifier: Apache-2.0
# Is each backup what its maker said that it is? Ours, those of Stash's tool, whole and cut, RDB files, and files that are not dumps.

load ../harness/env.bash

setup() { setup_folder; start_redis a; "$CSTASH" init -q; }
teardown() { end_all; }

# As redis-dump-go writes it: keys of several commands interleave, and the marker says how many there were in all.
stash_dump() { # stash_dump KEYS SAID ["cut"]
    python3 - "$@" <<'PY'
import sys
keys, said, cut = int(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3
def say(*words):
    sys.stdout.write("*%d\r\n" % len(words) + "".join("$%d\r\n%s\r\n" % (len(w), w) for w in words))
say("SELECT", "0")
for i in range(keys):
    say("RPUSH", "l:%d" % i, "a")
    if i:
        say("RPUSH", "l:%d" % (i - 1), "b")
if cut:
    sys.stdout.write("*3\r\n$5\r\nRPUSH\r\n$3\r\nl:0")
else:
    say("SET", "__redisdump_total_keys", str(said + 1))
PY
}
save() { "$CSTASH" backup -q --stdin --stdin-filename "${2:-dumpfile.resp}" --host "$1"; }

state() { python3 -c 'import json, sys; print(next(" ".join(str(s.get(k)) for k in sys.argv[2:]) for s in json.load(sys.stdin) if s["hostname"] == sys.argv[1]))' "$@" <<<"$output"; }

@test "what is incomplete is found, and nothing else" {
    cli a set s v >/dev/null
    cli a xadd x '1-1' f v >/dev/null
    cli a rpush l a b >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" --host ours
    "$CSTASH" dump -q --redis "$URL_a" | save piped
    stash_dump 200 200 | save stash-whole
    run "$CSTASH" audit --json
    [ "$status" = 0 ]
    [ "$(state ours maker state said found)" = "cstash complete 3 3" ]
    [ "$(state ours types)" = "{'string': 1, 'list': 1, 'stream': 1}" ]
    [ "$(state piped maker state found)" = "cstash complete 3" ]
    [ "$(state stash-whole maker state said found)" = "stash complete 200 200" ]

    stash_dump 180 200 | save stash-lacks
    run "$CSTASH" audit
    says 1 "1 of 4 dumps is incomplete" "stash-lacks" "incomplete: 20 keys are missing; Stash's tool writes no streams"
    [ "$(grep -c complete <<<"$output")" = 5 ] # a line each, and the last
    run "$CSTASH" audit --json --host stash-lacks
    [ "$status" = 1 ]
}

@test "dumps that were cut, which a backup by us would refuse" {
    need restic
    stash_dump 50 50 cut >"$T/cut"
    stash_dump 50 50 | head -n -7 >"$T/no-end"
    printf 'hello\n' >"$T/text"
    for f in cut no-end; do restic backup -q --stdin --stdin-filename dumpfile.resp --host $f <"$T/$f"; done
    restic backup -q --host text "$T/text"
    cli a set k v >/dev/null
    cli a save >/dev/null
    restic backup -q --host rdb --stdin --stdin-filename dumpfile.resp <"$(cli a config get dir | sed -n 2p)/dump.rdb"
    run "$CSTASH" audit --json
    [ "$status" = 1 ]
    output=$(sed '/^error/d' <<<"$output")
    [ "$(state cut state)" = incomplete ]
    [ "$(state no-end state why)" = "incomplete it has no end, as a dump that was cut" ]
    [ "$(state text state)" = "no dump" ]
    [ "$(state rdb maker state found)" = "rdb complete 1" ]
}
