# SPDX-License-Identifier: Apache-2.0
# A restore that was interrupted goes on where it was (docs/adr/0042).
load ../harness/env.bash
load ../harness/cluster.bash

setup() {
    setup_folder
    start_redis a
    start_redis b
    "$CSTASH" init -q
}
teardown() { end_all; }

# Of every type, long ones in the middle and at the end.
fill() { # NAME STRINGS
    cli "$1" eval 'for i = 1, ARGV[1] do redis.call("SET", "k" .. i, string.rep(tostring(i), 12)) end
        for i = 1, 3000 do
            redis.call("RPUSH", "l" .. i, i, 2, 3); redis.call("SADD", "s" .. i, i, 2, 3); redis.call("ZADD", "z" .. i, i, "m", 2, "n")
            redis.call("HSET", "h" .. i, "f", i, "g", 2); redis.call("XADD", "x" .. i, "1-" .. i, "f", i); redis.call("PFADD", "p" .. i, i)
            redis.call("SETEX", "e" .. i, 900000, i)
        end
        for n = 1, 3 do for i = 1, 40000 do
            redis.call("RPUSH", "long:l" .. n, i); redis.call("ZADD", "long:z" .. n, i, i); redis.call("HSET", "long:h" .. n, i, i)
        end end' 0 "$2" >/dev/null
    cli "$1" -n 2 eval 'for i = 1, 5000 do redis.call("SET", "d" .. i, i) end' 0 >/dev/null
}
restore() { run "$CSTASH" restore --redis "$URL_b" --yes "$@" latest </dev/null; }
state() { echo "$XDG_STATE_HOME"/cstash/restores/*.json; }
far() { grep -q '"streams":\[[0-9,]*[1-9]' "$(state)" 2>/dev/null; } # some of it is confirmed

# begin NODE HOW COMMAND...: ends a restore by HOW when some of its keys in NODE are confirmed, and others are not sent
begin() {
    local node=$1 how=$2 pid
    shift 2
    rm -rf "$XDG_STATE_HOME"
    "$CSTASH" restore -q --yes "$@" latest </dev/null >"$T/out" 2>&1 3>&- &
    pid=$!
    until [ "$(cli "$node" dbsize)" -gt 20000 ] && far; do
        kill -0 $pid
        cli "$node" client pause 20 write >/dev/null
    done
    case $how in
    lost) cli "$node" client kill type normal skipme yes >/dev/null ;;
    *) kill "-$how" $pid ;;
    esac
    status=0
    wait $pid || status=$?
    output=$(<"$T/out")
    cli "$node" client unpause >/dev/null
}
field() { python3 -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$output" "$1"; }
# What the server was asked to write since it was asked last.
writes() { cli b info commandstats | sed -n 's/^cmdstat_\(set\|del\|rpush\|sadd\|zadd\|hset\|xadd\|pexpireat\):calls=\([0-9]*\),.*/\2/p' | paste -sd+ | bc; }

@test "killed, stopped, or its server lost: it goes on, and sends what is missing" {
    local how all
    fill a 150000
    "$CSTASH" backup -q --redis "$URL_a"
    cli b config resetstat
    restore --json -q
    says 0 '"equal":true' '"resumed":false'
    all=$(writes)
    for how in 9 TERM lost; do
        cli b flushall
        cli b set old 1
        begin b $how --redis "$URL_b" --existing flush
        [ $how != 9 ] || [ "$status" = 137 ]
        [ $how != TERM ] || says 130 "interrupted: " "the same command with --resume goes on from there" "to which \`cstash undo\` leads"
        [ $how != lost ] || says 1 "the same command with --resume goes on from there"
        [ "$(stat -c %a "$(state)")" = 600 ]
        run grep -E 'k1|old|secret' "$(state)"
        [ "$status" = 1 ]
        cli b config resetstat
        restore --resume --existing flush --json -q
        says 0 '"equal":true' '"resumed":true' "\"keys\":$((150000 + 21000 + 9 + 5000))" '"state":"taken"'
        [ "$(digest b)" = "$(digest a)" ]
        [ "$(field keys_passed)" -gt 0 ]
        [ "$(writes)" -le $((all - $(field keys_passed))) ] # a command at least for each key
        [ "$(state)" = "$XDG_STATE_HOME/cstash/restores/*.json" ]
        [ -z "$("$CSTASH" snapshots -q --tag restore-unfinished --json | grep short_id)" ]
        run "$CSTASH" undo -q --redis "$URL_b" --yes </dev/null
        [ "$(cli b dbsize)" = 1 ]
    done
}

@test "keys that are there stay what they are: skip and fail go on only into a server that was empty" {
    fill a 100000
    "$CSTASH" backup -q --redis "$URL_a"
    begin b 9 --redis "$URL_b" --existing fail --ttl shift --rename-prefix k=other:
    restore --resume --existing fail --ttl shift --rename-prefix k=other: --verify
    says 0 "restored 126,009 keys" "resumed: " "read back from" "as restored"
    cli b flushall
    cli b set k1 old
    rm -rf "$XDG_STATE_HOME"
    "$CSTASH" restore -q --redis "$URL_b" --yes --existing skip latest </dev/null >"$T/out" 2>&1 3>&- &
    until [ "$(cli b dbsize)" -gt 20000 ]; do :; done
    kill -TERM $!
    status=0
    wait $! || status=$?
    output=$(<"$T/out")
    says 130 "run the same restore again to finish"
    restore --resume --existing skip
    says 1 "nothing was written: no unfinished restore into" "is known here" "without --resume"
}

@test "another snapshot, other options, another server, one that was restarted or lost keys: refused, each" {
    local before
    fill a 100000
    "$CSTASH" backup -q --redis "$URL_a"
    before=$("$CSTASH" snapshots --json -q | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["short_id"])')
    start_redis c
    begin b 9 --redis "$URL_b"
    run "$CSTASH" restore --redis "$URL_c" --yes --resume latest </dev/null
    says 1 "nothing was written: no unfinished restore into"
    for how in '--existing flush' '--match k*' '--db 0' '--db-map 0=5' '--mask *=fixed'; do
        restore --resume $how
        says 1 "nothing was written: the unfinished restore into" "with other options"
    done
    restore --resume --dry-run
    says 2 "--resume writes"
    cli a set later 1
    "$CSTASH" backup -q --redis "$URL_a"
    restore --resume
    says 1 "is of snapshot $before, and this one is of" "name that snapshot"
    cp "$(state)" "$T/kept"
    cli b save
    cli b shutdown nosave || true
    redis-server --port "$PORT_b" --bind 127.0.0.1 --save '' --dir "$T/b" --daemonize yes --pidfile "$T/b.pid" >/dev/null
    until [ "$(cli b ping)" = PONG ]; do sleep 0.05; done
    run "$CSTASH" restore --redis "$URL_b" --yes --resume "$before" </dev/null
    says 1 "was restarted" "--verify"
    run "$CSTASH" restore --redis "$URL_b" --yes --resume --verify "$before" </dev/null
    says 0 "resumed: " "read back"
    run "$CSTASH" restore --redis "$URL_b" --yes --resume "$before" </dev/null
    says 1 "no unfinished restore into"
    begin b 9 --redis "$URL_b" --existing flush
    cli b flushall
    restore --resume --existing flush
    says 1 "nothing was emptied or written: " "holds 0 keys, and " "it has lost some since"
    "$CSTASH" load -q --redis "$URL_b" <(printf '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n')
    restore --resume --existing flush
    says 1 "no unfinished restore into"
}

@test "a file that is cut, of somebody else, or of others' making is not believed" {
    local file
    fill a 100000
    "$CSTASH" backup -q --redis "$URL_a"
    begin b 9 --redis "$URL_b"
    file=$(state)
    cp "$file" "$T/kept"
    again() { restore --resume; [ "$status" = 1 ]; says 1 "nothing was written: " "$@"; }
    head -c 200 "$T/kept" >"$file"
    again "could not read how far the restore came"
    sed 's/"streams":\[[0-9]*\]/"streams":[1,2]/' "$T/kept" >"$file"
    restore --resume
    says 1 "one of 2 streams"
    sed 's/"streams":\[[0-9]*\]/"streams":[99999999]/' "$T/kept" >"$file"
    restore --resume
    says 1 "99999999 keys are said to be there"
    sed 's/"keys_there":[0-9]*/"keys_there":99999999/' "$T/kept" >"$file"
    again "it has lost some since"
    sed 's/"target":"/"target":"x/' "$T/kept" >"$file"
    again "no unfinished restore"
    chmod 666 "$file"
    again "others may write to the file"
    rm "$file"
    ln -s "$T/kept" "$file"
    again "is a symbolic link"
    rm "$file"
    cp "$T/kept" "$file"
    chmod 600 "$file"
    if [ "$(id -u)" = 0 ]; then
        chown 12345 "$file"
        again "belongs to another user"
        chown 0 "$file"
    fi
    chmod 777 "$(dirname "$file")"
    run "$CSTASH" restore --redis "$URL_b" --yes --existing flush latest </dev/null
    says 0 "could not note how far the restore is" "others may write to the folder"
    [ "$(digest b)" = "$(digest a)" ]
}

@test "a cluster: the parts go on each at its place" {
    start_cluster c 3 0
    start_cluster d 3 0
    local url=$URL_d how
    python3 "$HARNESS/cluster_fill.py" "$PORT_c1" 100000 lasting timeless
    "$CSTASH" backup -q --redis "$URL_c" --target c
    begin_cluster() { begin d1 "$1" --redis "$url" --target c; }
    for how in 9 TERM; do
        each_node d flushall >/dev/null
        begin_cluster $how
        run "$CSTASH" restore --redis "$url" --yes --resume --json -q --target c latest </dev/null
        says 0 '"equal":true' '"resumed":true'
        [ "$(field keys_passed)" -gt 0 ]
        [ "$("$CSTASH" digest -q --redis "$url" --prefer master)" = "$("$CSTASH" digest -q --redis "$URL_c" --prefer master)" ]
    done
}

@test "an undo goes on too" {
    fill b 100000
    local before
    before=$(digest b)
    cli a set new 1
    "$CSTASH" backup -q --redis "$URL_a"
    restore --existing flush
    says 0
    "$CSTASH" undo -q --redis "$URL_b" --yes </dev/null >"$T/out" 2>&1 3>&- &
    until [ "$(cli b dbsize)" -gt 20000 ] && far; do cli b client pause 20 write >/dev/null; done
    kill -9 $!
    wait $! || true
    run "$CSTASH" undo --redis "$URL_b" --yes --resume </dev/null
    says 0 "resumed: " "restored 126,009 keys"
    [ "$(digest b)" = "$before" ]
}
