# SPDX-License-Identifier: Apache-2.0
# One damaged file of metadata hides nothing else: what can be read is shown, the rest is told, and a command removes it.

load ../harness/env.bash

BAD=1092570000000000000000000000000000000000000000000000000000000000

setup() {
    setup_folder
    "$CSTASH" init -q
    printf 'SET a 1\r\n' | "$CSTASH" backup -q --stdin
}

teardown() { end_all; }

says() { # says STATUS TEXT...
    [ "$status" = "$1" ] || { echo "$status: $output"; return 1; }
    shift
    local text
    for text; do [[ "$output" == *"$text"* ]] || { echo "no \"$text\" in: $output"; return 1; }; done
}

@test "a snapshot that cannot be read" {
    local command
    for damage in "" "not sealed by anybody, and long enough to look like something that is"; do
        printf '%s' "$damage" >"$T/repo/snapshots/$BAD"
        for command in "snapshots" "stats" "find dumpfile.resp" "tag --add x" "forget --keep-last 1"; do
            # shellcheck disable=SC2086
            run "$CSTASH" $command
            says 1 "could not read snapshots/$BAD" "1 snapshot could not be read" "cstash repair snapshots --forget"
        done
        run "$CSTASH" snapshots
        says 1 dumpfile.resp "1 snapshot"
        "$CSTASH" show latest | grep -q SET
        run "$CSTASH" prune
        says 1 "nothing was removed"
        run "$CSTASH" backup -q --stdin <<<"SET b 2"
        says 0
        run "$CSTASH" repair snapshots --dry-run --forget
        says 0 "1 snapshot would change"
        [ -e "$T/repo/snapshots/$BAD" ]
        if [ -z "$damage" ]; then "$CSTASH" forget "${BAD:0:8}"; else "$CSTASH" repair snapshots --forget; fi
        [ ! -e "$T/repo/snapshots/$BAD" ]
        "$CSTASH" snapshots
        "$CSTASH" check -q
    done
}

@test "a snapshot that is a link to nothing, a folder or a FIFO is unreadable, not absent" {
    local make
    for make in "ln -s /nonexistent/$BAD" mkdir mkfifo; do
        $make "$T/repo/snapshots/$BAD"
        for command in check snapshots prune; do
            run "$CSTASH" $command
            says 1 "snapshots/$BAD"
        done
        "$CSTASH" show latest | grep -q SET
        rm -rf "$T/repo/snapshots/$BAD"
        "$CSTASH" check -q
    done
}

@test "what lies among the keys and is none hides neither the right password nor the wrong one" {
    local junk='{"created":"2026-01-01T00:00:00Z","kdf":"scrypt","N":"many"}' name
    name=$(printf %s "$junk" | sha256sum | cut -d" " -f1)
    for put in ": >$T/repo/keys/$BAD" "echo garbage >$T/repo/keys/$BAD" "printf %s '$junk' >$T/repo/keys/$name" \
        "echo x >$T/repo/keys/README" "mkdir $T/repo/keys/${BAD/0/1}"; do
        eval "$put"
        "$CSTASH" snapshots
        run env RESTIC_PASSWORD=wrong "$CSTASH" snapshots
        [ "$status" = 12 ]
        [[ "$output" == *"wrong password"* ]]
        [[ "$put" == *README* || "$put" == mkdir* || "$output" == *"warning: could not read keys/"* ]]
        rm -rf "$T/repo/keys/$BAD" "$T/repo/keys/$name" "$T/repo/keys/README" "$T/repo/keys/${BAD/0/1}"
    done
}

@test "a key that cannot be read" {
    : >"$T/repo/keys/$BAD"
    run "$CSTASH" key list
    says 1 "could not read keys/$BAD" "Created" "1 key could not be read" "cstash key remove"
    "$CSTASH" snapshots
    "$CSTASH" key remove "${BAD:0:8}"
    "$CSTASH" key list
}

@test "an index file that cannot be read" {
    : >"$T/repo/index/$BAD"
    "$CSTASH" key list
    "$CSTASH" snapshots
    run "$CSTASH" show latest
    says 1 "could not read index/$BAD" "cstash repair index"
    "$CSTASH" repair index
    "$CSTASH" show latest | grep -q SET
    "$CSTASH" check -q
}

@test "a result that cannot be written is an error, however long it is" {
    local command
    for _ in $(seq 40); do "$CSTASH" backup -q --stdin <<<"SET b $RANDOM" 2>/dev/null; done
    for command in "snapshots --json" "snapshots" "forget --keep-last 40 --json" "crds" "catalog" "version" "help" "snapshots --help"; do
        # shellcheck disable=SC2086
        run bash -c "\"$CSTASH\" $command >/dev/full"
        says 1 "could not write to the standard output"
    done
}

@test "words from outside change no terminal" {
    "$CSTASH" backup -q --stdin --host $'h\e]0;x\a' --tag $'t\e[31m' <<<"SET b 2"
    local command
    for command in snapshots "forget --keep-last 9" "find dumpfile.resp" "key list"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $command
        says 0
        [[ "$output" != *$'\e'* ]]
    done
}

@test "a newest snapshot that is not whole pushes no good one out" {
    local pack size
    head -c 3000000 /dev/urandom | "$CSTASH" backup -q --stdin
    pack=$(find "$T/repo/data" -type f -size +2000k)
    size=$(stat -c %s "$pack")
    truncate -s 1000 "$pack"
    for dry in --dry-run -q; do
        run "$CSTASH" forget --keep-last 1 --prune $dry
        says 1 "nothing is removed" "has 1000 bytes at $T/repo, but the index says $size" "cstash check"
    done
    rm "$pack"
    run "$CSTASH" forget --keep-last 1
    says 1 "nothing is removed" "is missing at $T/repo"
    [ "$("$CSTASH" snapshots --json | grep -o '"short_id"' | wc -l)" = 2 ]
    run "$CSTASH" forget --keep-last 2 # which removes none
    says 0
    # what is meant by name goes, and with it the damage
    "$CSTASH" forget -q "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["id"])')"
    "$CSTASH" show latest | cmp - <(printf 'SET a 1\r\n')
}

@test "what repair left of a damaged snapshot pushes no good one out" {
    start_redis a
    cli a set k v >/dev/null
    "$CSTASH" backup -q --target t --redis "$URL_a"
    head -c 300000 /dev/urandom | cli a -x set big >/dev/null
    "$CSTASH" backup -q --target t --redis "$URL_a"
    rm "$(find "$T/repo/data" -type f -size +200k)"
    "$CSTASH" repair index
    "$CSTASH" repair snapshots --forget
    run "$CSTASH" check --read-data
    says 1 "cannot be restored"
    run "$CSTASH" forget --target t --keep-last 1 --prune
    says 1 "nothing is removed" "is what repair left of a damaged one" "cstash tag --remove repaired"
    "$CSTASH" forget -q "$("$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["id"])')"
    "$CSTASH" forget -q --target t --keep-last 1 --prune
    "$CSTASH" check -q --read-data
}
