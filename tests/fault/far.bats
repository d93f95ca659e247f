#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A network that hurts requests: at a few percent everything ends well and whole, at all of them soon and with a reason.
load ../harness/env.bash
load ../servers/servers.bash

setup_file() { "$BATS_TEST_DIRNAME/../servers/build" minio rest-server fake-gcs-server azurite swift b2 >/dev/null; }

setup() {
    need restic curl openssl python3
    setup_folder
    NAMES=()
    for i in 1 2; do
        head -c 40000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 0$i -iv 02 2>/dev/null >"$T/in$i"
    done
}

teardown() {
    server_stop_all
    end_all
}

# c -r ADDRESS COMMAND...
c() { RESTIC_REPOSITORY=$2 "$CSTASH" "${@:3}"; }

KINDS=drop,drop-after,delay,reset,cut,short,500,503,429,403,404

# lead PORT: clients of the clouds find their server there. NAMES are what it is called; Swift tells its clients to go on
# where they came from.
lead() {
    export ST_AUTH=http://127.0.0.1:$1/auth/v1.0 RESTIC_CACERT
    [ ${#NAMES[@]} -gt 0 ] || return 0
    server_impersonate "$T/names" "${NAMES[@]/%/=$1}"
    RESTIC_CACERT=$SERVER_CA
}

# survives ADDRESS PORT RATE [flags of the proxy]: that share of the requests is hurt. ADDRESS may have {port}.
survives() {
    local straight=${1//\{port\}/$2} proxied
    server_faulty "$T/faulty" "$2" --rate "$3" --seed "$RANDOM" --kinds "$KINDS" --delay-ms 300 "${@:4}"
    proxied=${1//\{port\}/$FAULTY_PORT}
    lead "$FAULTY_PORT"
    c -r "$proxied" init
    c -r "$proxied" backup -q --stdin <"$T/in1"
    c -r "$proxied" backup -q --stdin <"$T/in2"
    c -r "$proxied" show latest | cmp - "$T/in2"
    c -r "$proxied" forget --keep-last 1 --prune --max-unused 0
    c -r "$proxied" show latest | cmp - "$T/in2"
    server_stop "$FAULTY_PID"
    python3 - "$FAULTY_STATS" "$3" <<'P'
import json, sys
stats = json.load(open(sys.argv[1]))
print(stats)
assert sum(stats["faults"].values()) > 0 or stats["requests"] * float(sys.argv[2]) < 5, "nothing was hurt"
P
    lead "$2"
    judge "$straight" check --read-data
    [ "$(c -r "$straight" snapshots --json | grep -o '"short_id"' | wc -l)" = 1 ]
    judge "$straight" -q dump latest dumpfile.resp | cmp - "$T/in2"
}

# judge ADDRESS COMMAND...: restic's
judge() { restic --no-cache ${SERVER_CA:+--cacert "$SERVER_CA"} -r "$@"; }

# ends ADDRESS PORT KIND REGEX: with every request hurt like this, a backup fails within its limit, and says why
ends() {
    local secret
    server_faulty "$T/faulty-$3" "$2" --rate 1 --kinds "$3"
    lead "$FAULTY_PORT"
    run timeout 60 "$CSTASH" backup -r "${1//\{port\}/$FAULTY_PORT}" -q --stdin --retry-limit 2s <"$T/in1"
    echo "$3: $output"
    [ "$status" = 1 ]
    [[ "$output" =~ $4 ]]
    for secret in "$AWS_SECRET_ACCESS_KEY" "$GOOGLE_ACCESS_TOKEN" "$AZURE_ACCOUNT_KEY" "$ST_KEY" "$B2_ACCOUNT_KEY"; do
        [ -z "$secret" ] || [[ "$output" != *"$secret"* ]]
    done
    server_stop "$FAULTY_PID"
}

@test "S3, 1% of the requests are hurt" {
    server_s3 "$T/s3"
    survives "s3:http://127.0.0.1:{port}/bucket" "$S3_PORT" 0.01
}

@test "S3, 5% of the requests are hurt" {
    server_s3 "$T/s3"
    survives "s3:http://127.0.0.1:{port}/bucket" "$S3_PORT" 0.05
}

@test "REST, 5% of the requests are hurt" {
    server_rest "$T/rest"
    survives "rest:http://$REST_USER:$REST_PASSWORD@127.0.0.1:{port}/a" "$REST_PORT" 0.05
}

# Where only objects have a body, what is flipped in it must be found as well; B2 asks for lists by one.
@test "GCS, 5% of the requests are hurt, then all of them" {
    server_gcs "$T/gcs"
    NAMES=(storage.googleapis.com)
    survives gs:bucket:/a "$GCS_PORT" 0.05 --kinds "$KINDS,corrupt-up"
    ends gs:bucket:/a "$GCS_PORT" drop 'could not reach storage.googleapis.com'
    ends gs:bucket:/a "$GCS_PORT" 403 'the server answered 403'
}

@test "Azure, 5% of the requests are hurt, then all of them" {
    server_azure "$T/azure"
    NAMES=("*.blob.core.windows.net")
    survives azure:container:/a "$AZURE_PORT" 0.05 --kinds "$KINDS,corrupt-up"
    ends azure:container:/a "$AZURE_PORT" drop 'could not reach .*.blob.core.windows.net'
    ends azure:container:/a "$AZURE_PORT" 403 'the server answered 403'
}

@test "Swift, 5% of the requests are hurt, then all of them" {
    server_swift "$T/swift"
    survives swift:container:/a "$SWIFT_PORT" 0.05 --kinds "$KINDS,corrupt-up"
    ends swift:container:/a "$SWIFT_PORT" drop 'could not get a token: could not reach 127.0.0.1'
    ends swift:container:/a "$SWIFT_PORT" 403 'the identity service answered 403'
}

@test "B2, 5% of the requests are hurt, then all of them" {
    server_b2 "$T/b2"
    NAMES=("*.backblazeb2.com" "*.backblaze.com")
    survives b2:bucket-one:a "$B2_PORT" 0.05
    ends b2:bucket-one:a "$B2_PORT" drop 'could not reach api.backblazeb2.com'
    ends b2:bucket-one:a "$B2_PORT" 403 'b2_authorize_account was answered 403'
}

@test "S3 and REST, what the server says it stored is not there" {
    local what at n s3="s3:http://127.0.0.1:{port}/bucket" rest
    server_s3 "$T/s3"
    server_rest "$T/rest"
    rest="rest:http://$REST_USER:$REST_PASSWORD@127.0.0.1:{port}/a"
    for at in "$s3 $S3_PORT" "$rest $REST_PORT"; do
        read -r at n <<<"$at"
        c -r "${at//\{port\}/$n}" init -q
        c -r "${at//\{port\}/$n}" backup -q --stdin <"$T/in1"
        for what in data index snapshots; do
            rm -rf "$T/liar"
            server_faulty "$T/liar" "$n" --rate 1 --kinds 200 --only PUT,POST --path "/$what/"
            run c -r "${at//\{port\}/$FAULTY_PORT}" backup --stdin --no-cache <"$T/in2"
            echo "$what: $status: $output"
            [ "$status" = 1 ]
            [[ "$output" == *"said that it stored $what/"*"but it is not there"* ]]
            server_stop "$FAULTY_PID"
            judge "${at//\{port\}/$n}" -q check --read-data
            [ "$(c -r "${at//\{port\}/$n}" snapshots --json | grep -o '"short_id"' | wc -l)" = 1 ]
        done
    done
}

# leave_lock: of a backup that is killed
leave_lock() {
    mkfifo "$T/pipe"
    "$CSTASH" backup -q --stdin <"$T/pipe" 3>&- &
    exec 4>"$T/pipe"
    until [ -n "$("$CSTASH" list locks --no-lock)" ]; do sleep 0.1; done
    kill -KILL $!
    wait $! || true
    exec 4>&-
    rm "$T/pipe"
}

# stays WHAT COMMAND...: it fails, and names what the server kept
stays() {
    server_faulty "$T/keeper" "$PORT" --rate 1 --kinds 200 --only DELETE --path "/$1/"
    run c -r "${AT//\{port\}/$FAULTY_PORT}" "${@:2}" --no-cache
    echo "$*: $status: $output"
    server_stop "$FAULTY_PID"
    rm -rf "$T/keeper"
    [ "$status" = 1 ]
    [[ "$output" == *"said that it removed"*"still there"* ]]
    ! grep -qE '^([0-9]+ snapshots? (removed|changed)|removed ([0-9]+ lock|key)|[0-9a-f]{8} is now|saved new key)' <<<"$output"
    judge "${AT//\{port\}/$PORT}" -q --no-lock check
}

@test "S3 and REST, what the server says it removed is still there" {
    local port id key AT PORT
    server_s3 "$T/s3"
    server_rest "$T/rest"
    for AT in "s3:http://127.0.0.1:{port}/bucket" "rest:http://$REST_USER:$REST_PASSWORD@127.0.0.1:{port}/a"; do
        PORT=$S3_PORT
        [[ "$AT" == s3:* ]] || PORT=$REST_PORT
        export RESTIC_REPOSITORY=${AT//\{port\}/$PORT}
        "$CSTASH" init -q
        for i in 1 2 3; do head -c 3000000 "$T/in1" | tail -c 1000000 | "$CSTASH" backup -q --stdin; done
        id=$("$CSTASH" snapshots --json | grep -o '"short_id": *"[0-9a-f]*"' | head -n 1 | grep -o '[0-9a-f]\{8\}')
        stays snapshots forget "$id"
        stays snapshots forget --keep-last 1
        stays snapshots tag --add x "$id"
        head -c 2000000 "$T/in2" | "$CSTASH" backup -q --stdin
        "$CSTASH" forget -q --keep-last 1
        stays index prune --max-unused 0
        stays data prune --max-unused 0
        stays index repair index --read-all-packs
        RESTIC_NEW_PASSWORD=other "$CSTASH" key add -q
        key=$("$CSTASH" key list --json | python3 -c 'import json,sys; print(next(k["id"] for k in json.load(sys.stdin) if not k["current"]))')
        stays keys key remove "$key"
        RESTIC_NEW_PASSWORD=third stays keys key passwd
        leave_lock
        stays locks unlock
        [ "$("$CSTASH" unlock)" = "removed 1 lock" ]
    done
}

# Objects only: what is flipped in a list, without TLS, is found by nobody but the reader of what it names.
@test "S3 and REST, a byte of every tenth object is changed on its way" {
    local objects='(data|index|snapshots|locks|keys)/[0-9a-f]{2}|config'
    server_s3 "$T/s3"
    survives "s3:http://127.0.0.1:{port}/bucket" "$S3_PORT" 0.1 --kinds corrupt --path "$objects"
    server_rest "$T/rest"
    survives "rest:http://$REST_USER:$REST_PASSWORD@127.0.0.1:{port}/a" "$REST_PORT" 0.1 --kinds corrupt --path "$objects"
}

@test "S3, every request is hurt: the error says what the server said" {
    local at="s3:http://127.0.0.1:{port}/bucket"
    server_s3 "$T/s3"
    c -r "s3:$S3_URL/bucket" init
    ends "$at" "$S3_PORT" drop 'could not read config at s3:.*could not reach 127.0.0.1'
    ends "$at" "$S3_PORT" reset 'could not reach 127.0.0.1'
    ends "$at" "$S3_PORT" hang 'could not reach 127.0.0.1.*: Operation too slow'
    for status in 500 503 429 403; do
        ends "$at" "$S3_PORT" $status "the server answered $status"
    done
}
