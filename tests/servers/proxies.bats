#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The proxies before a server do what they say, as curl sees it.
load ../harness/env.bash
load servers.bash

setup() {
    need curl openssl python3
    setup_folder
    server_rest "$T/rest" --no-auth --append-only
    curl --silent --fail -X POST "http://127.0.0.1:$REST_PORT/?create=true"
    head -c 3000000 /dev/urandom >"$T/noise"
    NAME=data/$(sha256sum "$T/noise" | cut -c -64)
}

teardown() {
    server_stop_all
    end_all
}

faulty() { # faulty KIND [flags]: a proxy that always does this, at FAULTY_PORT
    [ -z "${FAULTY_PID:-}" ] || server_stop "$FAULTY_PID"
    rm -rf "$T/faulty" "$T"/rest/data/data/??/*
    server_faulty "$T/faulty" "$REST_PORT" --rate 1 --kinds "$@"
}

upload() { curl --silent --show-error --max-time "${SECONDS_MAX:-10}" -o "$T/reply" -w '%{http_code}' --data-binary "@$T/noise" "$@" "http://127.0.0.1:$FAULTY_PORT/$NAME"; }
download() { curl --silent --show-error --max-time 10 -o "$T/got" -w '%{http_code}' "$@" "http://127.0.0.1:$FAULTY_PORT/$NAME"; }
stored() { cmp -s "$T/noise" "$T/rest/data/data/${NAME:5:2}/${NAME:5}"; }
not_stored() { ! stored; }
store() { mkdir -p "$T/rest/data/data/${NAME:5:2}" && cp "$T/noise" "$T/rest/data/data/${NAME:5:2}/${NAME:5}"; }

ends() { # ends CURL-STATUS COMMAND...
    run "${@:2}"
    [ "$status" = "$1" ] || {
        echo "$* ended with $status: $output"
        return 1
    }
}

counted() { # counted KIND NUMBER
    server_stop "$FAULTY_PID"
    FAULTY_PID=
    python3 -c 'import json, sys; f = json.load(open(sys.argv[1]))["faults"]; print(f)
assert f.get(sys.argv[2], 0) == int(sys.argv[3])' "$FAULTY_STATS" "$@"
}

@test "faulty: requests and replies that do not arrive" {
    faulty drop
    ends 52 upload
    not_stored
    counted drop 1
    faulty drop-after
    ends 52 upload
    stored
    counted drop-after 1
    faulty hang
    SECONDS_MAX=1 ends 28 upload
    not_stored
    counted hang 1
    faulty reset-up
    run upload
    [[ "$status" =~ ^5[56]$ ]]
    not_stored
    counted reset-up 1
    faulty reset-down
    store
    ends 56 download
    counted reset-down 1
    faulty cut
    store
    ends 18 download
    [ "$(stat -c %s "$T/got")" -lt 3000000 ]
    counted cut 1
}

@test "faulty: what arrives is wrong" {
    faulty short
    store
    ends 0 download
    [ "$(stat -c %s "$T/got")" -lt 3000000 ]
    counted short 1
    faulty corrupt
    [ "$(upload)" = 400 ] # rest-server looks at the hash
    store
    ends 0 download
    [ "$(cmp -l "$T/noise" "$T/got" | wc -l)" = 1 ]
    counted corrupt-down 1
    for code in 200 500 503 429 403 404; do
        faulty "$code"
        [ "$(upload -D "$T/head")" = "$code" ]
        not_stored
        [ "$code" != 503 ] || grep -q '<Code>SlowDown</Code>' "$T/reply"
        [ "$code" != 429 ] || grep -qi '^Retry-After: 1' "$T/head"
        counted "$code" 1
    done
}

@test "faulty: late, aimed, counted, repeatable; all else passes unharmed" {
    faulty delay --delay-ms 700
    [[ "$(upload -w '%{time_total}')" > 0.7 ]]
    stored
    faulty 503 --only GET --path '^/data' --limit 1
    [ "$(upload -H 'Transfer-Encoding: chunked' -H 'Expect: 100-continue')" = 200 ]
    stored
    [ "$(download)$(download)" = 503200 ]
    cmp "$T/noise" "$T/got"
    counted 503 1
    local sequence=()
    for _ in 1 2; do
        faulty 404,429 --rate 0.3 --seed 7
        sequence+=("$(curl --silent -o /dev/null -w '%{http_code} ' "http://127.0.0.1:$FAULTY_PORT/[1-50]/?create=true" -X POST)")
    done
    echo "${sequence[@]}"
    [ "${sequence[0]}" = "${sequence[1]}" ]
    [[ "${sequence[0]}" == *404*429* && "${sequence[0]}" == *200\ 200* ]]
}

@test "faulty: a long way is slow for each request, and wide" {
    faulty drop --rate 0 --latency-ms 100
    store
    # the connection and two requests on it
    run curl --silent -o "$T/got" -o "$T/got" -w '%{time_total} ' "http://127.0.0.1:$FAULTY_PORT/$NAME" "http://127.0.0.1:$FAULTY_PORT/$NAME"
    echo "$output"
    [[ "$output" =~ ^0\.[2-5].*\ 0\.[1-4] ]]
    cmp "$T/noise" "$T/got"
    faulty drop --rate 0 --latency-ms 1
    head -c 1000000000 /dev/zero >"$T/rest/data/data/${NAME:5:2}/${NAME:5}"
    run download -w '%{speed_download}'
    echo "$output"
    [ "${output%%.*}" -gt 150000000 ]
}

@test "impersonate: a cloud's name leads here, and no other name anywhere" {
    server_impersonate "$T/names" "*.example.org=$REST_PORT" 'token.example.com={"access_token":"it"}'
    run curl --silent --show-error --cacert "$SERVER_CA" -o /dev/null -w '%{http_code}' "https://rest.example.org/none"
    [ "$output" = 404 ]
    run curl --silent --cacert "$SERVER_CA" -d grant=x https://token.example.com/a https://token.example.com/b
    [ "$output" = '{"access_token":"it"}{"access_token":"it"}' ]
    ends 60 curl --silent https://rest.example.org
    ends 56 curl --silent --cacert "$SERVER_CA" https://www.example.com
}
