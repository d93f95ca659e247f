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

@test "a key that was cut to nothing is told as empty" {
    : >"$T/empty"
    cp -f "$T/empty" "$T/repo/keys/$(ls "$T/repo/keys")"
    run "$CSTASH" snapshots
    [ "$status" = 1 ]
    [[ "$output" == *"keys/"*"it is damaged: it is empty"* ]]
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

last_id() { "$CSTASH" snapshots --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["id"])'; }
n_snapshots() { "$CSTASH" snapshots --json | grep -o '"short_id"' | wc -l; }
flip() { # flip FILE OFFSET: one bit of one byte
    python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([b ^ 1]))' "$1" "$2"
}

@test "what repair left of a damaged snapshot is partial: it does not push good ones out, and is never latest" {
    start_redis a
    cli a set k v >/dev/null
    "$CSTASH" backup -q --target t --redis "$URL_a"
    head -c 300000 /dev/urandom | cli a -x set big >/dev/null
    "$CSTASH" backup -q --target t --redis "$URL_a"
    rm "$(find "$T/repo/data" -type f -size +200k)"
    "$CSTASH" repair index
    "$CSTASH" repair snapshots --forget
    run bash -c "\"$CSTASH\" snapshots | grep repaired"
    says 0 "(partial: what repair left)" " -  "
    run "$CSTASH" check --read-data
    says 1 "cannot be restored"
    run "$CSTASH" forget --target t --keep-last 1 --prune
    says 0 "0 snapshots removed"
    "$CSTASH" show --target t latest | grep -q '^v'
    # Nor does it count without its tag.
    "$CSTASH" tag -q --remove repaired
    run bash -c "\"$CSTASH\" snapshots | grep 'what repair left'"
    says 0 "(partial: what repair left)"
    run "$CSTASH" restore -q --redis "$URL_a" --existing flush --yes "$(last_id)"
    says 1 "partial" "it is empty"
    [ "$(cli a get k)" = v ]
    "$CSTASH" forget -q "$(last_id)"
    "$CSTASH" check -q --read-data
}

@test "a repaired dump that still holds keys: they come back, and are called a part" {
    start_redis a
    cli a set k v >/dev/null
    "$CSTASH" backup -q --target t --redis "$URL_a"
    "$CSTASH" tag -q --add repaired "$(last_id)" # as restic tags what it repaired
    cli a flushall >/dev/null
    run "$CSTASH" restore --redis "$URL_a" "$(last_id)" </dev/null
    says 0 "a partial restore: the backup was damaged"
    [ "$(cli a get k)" = v ]
    run "$CSTASH" restore --redis "$URL_a" --target t latest </dev/null
    says 1 "no whole snapshot matches"
}

@test "packs without any snapshot are an error, and nothing is removed" {
    mv "$T/repo/snapshots" "$T/away"
    for lost in "" "mkdir $T/repo/snapshots"; do
        $lost
        run "$CSTASH" check
        says 1 "there is no snapshot at all"
        for dry in "" --dry-run; do
            # shellcheck disable=SC2086
            run "$CSTASH" prune $dry
            says 1 "nothing was removed" "no snapshot at all" "--unsafe-allow-remove-all"
        done
    done
    rm -rf "$T/repo/snapshots"
    mv "$T/away" "$T/repo/snapshots"
    "$CSTASH" check -q
    # Whoever removes the last one by name and prunes means it.
    "$CSTASH" forget -q --prune "$(last_id)"
    [ -z "$(find "$T/repo/data" -type f)" ]
    "$CSTASH" check -q
    printf 'SET a 1\r\n' | "$CSTASH" backup -q --stdin
    "$CSTASH" forget -q "$(last_id)"
    "$CSTASH" prune --unsafe-allow-remove-all
    "$CSTASH" check -q
}

@test "forget --read-data: a newest dump of which one bit is wrong pushes no good one out" {
    local pack
    start_redis a
    for n in 1 2; do
        head -c 300000 /dev/urandom | cli a -x set "big$n" >/dev/null
        "$CSTASH" backup -q --target t --redis "$URL_a"
        [ "$n" = 2 ] || find "$T/repo/data" -type f | sort >"$T/before"
    done
    pack=$(find "$T/repo/data" -type f -size +200k | sort | comm -13 "$T/before" -)
    chmod u+w "$pack"
    flip "$pack" 150000
    run "$CSTASH" forget --target t --keep-last 1 --prune --read-data
    says 1 "nothing is removed, since the newest snapshot that would stay is damaged"
    [ "$(n_snapshots)" = 3 ]
    flip "$pack" 150000
    run "$CSTASH" forget --target t --keep-last 1 --prune --read-data
    says 0 "1 snapshot removed"
    # Files of others are read too.
    head -c 100000 /dev/urandom | "$CSTASH" backup -q --stdin --stdin-filename a/b --host files
    head -c 100000 /dev/urandom | "$CSTASH" backup -q --stdin --stdin-filename a/b --host files
    run "$CSTASH" forget --host files --keep-last 1 --read-data
    says 0 "1 snapshot removed"
}

@test "a pack with a damaged header stays in the index as it was" {
    local pack size
    start_redis a
    head -c 300000 /dev/urandom | cli a -x set big >/dev/null
    "$CSTASH" backup -q --target t --redis "$URL_a"
    pack=$(find "$T/repo/data" -type f -size +200k)
    size=$(stat -c %s "$pack")
    chmod u+w "$pack"
    flip "$pack" $((size - 20))
    run "$CSTASH" repair index --read-all-packs
    says 1 "1 pack cannot be read" "blobs stay in the index" "cstash repair packs"
    run "$CSTASH" repair index --read-all-packs --json
    says 1 '"packs_unreadable":1' "1 pack cannot be read"
    run "$CSTASH" repair snapshots --forget
    says 0 "0 snapshots changed"
    (cd "$T" && "$CSTASH" repair packs "$(basename "$pack")")
    "$CSTASH" check -q --read-data
    # Without an index that knows it there is nothing to go by.
    pack=$(find "$T/repo/data" -type f -size +200k)
    size=$(stat -c %s "$pack")
    chmod u+w "$pack"
    flip "$pack" $((size - 20))
    mv "$T/repo/index" "$T/index" && mkdir "$T/repo/index"
    run "$CSTASH" repair index
    says 1 "is left out: no index file knows what is in it"
}

@test "what lies in a pack that no index lists is not given up for lost" {
    rm "$T"/repo/index/*
    run "$CSTASH" repair snapshots --forget
    says 1 "nothing was changed" "is in no index file" "cstash repair index"
    "$CSTASH" repair index
    "$CSTASH" repair snapshots --forget | grep '^0 snapshots changed'
    "$CSTASH" show latest | grep -q SET
}

@test "standard input that is cut is reported, and check hints at files that are not dumps" {
    local kind
    start_redis a
    cli a mset a 1 b 2 c 3 >/dev/null
    "$CSTASH" dump -q --redis "$URL_a" >"$T/resp"
    cli a --rdb "$T/rdb" >/dev/null
    for kind in resp rdb; do
        run "$CSTASH" backup --stdin --host $kind <"$T/$kind"
        says 0
        [[ "$output" != *"cannot be restored"* ]]
        head -c -9 "$T/$kind" >"$T/cut"
        run "$CSTASH" backup -q --stdin --host $kind <"$T/cut"
        says 0 "is stored as it is, but cannot be restored"
        "$CSTASH" show --host $kind latest | cmp - "$T/cut"
    done
    printf '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n' >"$T/foreign"
    run "$CSTASH" backup --stdin --host foreign <"$T/foreign"
    says 0 "no end mark; it may be cut short"
    run "$CSTASH" check --read-data
    says 1 "holds no dump under the name of one" "2 of 5 dumps cannot be restored"
}
