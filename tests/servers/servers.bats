#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The servers of the far stores, judged by restic, and the proxies before them, by curl.
load ../harness/env.bash
load servers.bash

setup_file() { # each program once; the functions find them then
    "$BATS_TEST_DIRNAME/build" restic minio versitygw rest-server fake-gcs-server azurite b2 swift >"$BATS_FILE_TMPDIR/programs"
}

setup() {
    need restic curl openssl python3
    setup_folder
    RESTIC_NEW=$(head -n 1 "$BATS_FILE_TMPDIR/programs")/restic
    mkdir "$T/data"
    head -c 3000000 /dev/urandom >"$T/data/noise"
    echo hello >"$T/data/text"
}

teardown() {
    server_stop_all
    end_all
}

# restic_works RESTIC LOCATION [flags]: it makes a repository there, fills it, reads it all, and empties it
restic_works() {
    local restic=$1 repo=$2 flags=(--quiet "${@:3}")
    [ -z "${SERVER_CA:-}" ] || flags+=(--cacert "$SERVER_CA")
    "$restic" -r "$repo" "${flags[@]}" init
    "$restic" -r "$repo" "${flags[@]}" backup "$T/data"
    "$restic" -r "$repo" "${flags[@]}" check --read-data
    "$restic" -r "$repo" "${flags[@]}" forget latest --prune
}

works() { # works LOCATION-PREFIX: for both restics
    restic_works restic "$1old"
    restic_works "$RESTIC_NEW" "$1new"
}

# s3_says REGEX METHOD PATH [more]: what a signed request is answered
s3_says() {
    local answer
    answer=$("$SERVERS/s3-request" "$2" "$S3_URL$3" "${@:4}")
    [[ "$answer" =~ ^$1 ]] || {
        echo "${*:2} was answered: $answer, not $1"
        return 1
    }
}

s3_is_strict() { # what is wrong with a request is said, and by which code
    s3_says 200 PUT /bucket
    s3_says 200 PUT /bucket/a hello
    s3_says '200.hello$' GET /bucket/a
    AWS_SECRET_ACCESS_KEY=wrong s3_says '403.*SignatureDoesNotMatch' GET /bucket/a
    AWS_ACCESS_KEY_ID=nobody s3_says '403.*InvalidAccessKeyId' GET /bucket/a
    s3_says '403.*RequestTimeTooSkewed' GET /bucket/a --skew 3600
    s3_says '400.*AuthorizationHeaderMalformed' GET /bucket/a --region eu-west-9
    s3_says '400.*XAmzContentSHA256Mismatch' PUT /bucket/b hello --sha256 "$(printf c | sha256sum | cut -c -64)"
    s3_says '400.*BadDigest' PUT /bucket/b hello -H "Content-MD5: $(printf c | openssl md5 -binary | base64)"
    s3_says '404.*NoSuchKey' GET /bucket/none
    s3_says '404.*NoSuchBucket' GET /nobucket/none
    s3_says 200 PUT /bucket/c hello
    s3_says '200.*<IsTruncated>true</IsTruncated>' GET '/bucket?list-type=2&max-keys=1'
}

@test "S3: MinIO" {
    server_s3 "$T/s3"
    works "s3:$S3_URL/repo/"
    s3_is_strict
    server_s3_quota bucket 10000
    head -c 20000 /dev/zero >"$T/big"
    s3_says '400.*XMinioAdminBucketQuotaExceeded' PUT /bucket/big "@$T/big"
    server_s3_restrict '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":"*"}]}'
    s3_says 200 PUT /bucket/d hello
    s3_says '403.*AccessDenied' DELETE /bucket/d
}

@test "S3: versitygw" {
    server_s3 "$T/s3" --gateway
    works "s3:$S3_URL/repo/"
    s3_is_strict
}

@test "S3: both with TLS" {
    server_s3 "$T/minio" --tls
    restic -r "s3:$S3_URL/repo" --cacert "$SERVER_CA" init
    server_s3 "$T/gateway" --gateway --tls
    restic -r "s3:$S3_URL/repo" --cacert "$SERVER_CA" init
}

@test "REST: rest-server, with TLS, append-only, with a limit" {
    server_rest "$T/rest"
    works "rest:$REST_URL"
    run restic -r "rest:${REST_URL/:$REST_PASSWORD/:wrong}" cat config
    [ "$status" != 0 ]
    server_rest "$T/tls" --tls
    restic -r "rest:$REST_URL" --cacert "$SERVER_CA" init
    unset SERVER_CA
    server_rest "$T/append" --append-only
    restic -r "rest:$REST_URL" --quiet init
    key=$(ls "$T/append/data/keys")
    [ "$(curl --silent -o /dev/null -w '%{http_code}' -X DELETE "${REST_URL}keys/$key")" = 403 ]
    server_rest "$T/small" --max-size 1000000
    restic -r "rest:$REST_URL" --quiet init
    sum=$(sha256sum <"$T/data/noise")
    [ "$(curl --silent -o /dev/null -w '%{http_code}' --data-binary "@$T/data/noise" "${REST_URL}data/${sum%% *}")" = 507 ]
}

@test "REST: rclone" {
    server_rest "$T/rest" --rclone
    works "rest:$REST_URL"
}

@test "GCS: fake-gcs-server" {
    server_gcs "$T/gcs"
    server_impersonate "$T/names" "storage.googleapis.com=$GCS_PORT"
    works gs:bucket:/
}

@test "Azure: Azurite" {
    server_azure "$T/azure"
    server_impersonate "$T/names" "*.blob.core.windows.net=$AZURE_PORT"
    restic_works restic azure:container:/old
    # Azurite does not take the empty tier that a newer restic sends of its own accord.
    restic_works "$RESTIC_NEW" azure:container:/new -o azure.access-tier=Hot
}

@test "B2: the vendor's simulator" {
    server_b2 "$T/b2"
    server_impersonate "$T/names" "*.backblazeb2.com=$B2_PORT" "*.backblaze.com=$B2_PORT"
    works b2:bucket-one:
}

@test "Swift, by its own tokens" {
    server_swift "$T/swift"
    works swift:container:/
    ST_KEY=wrong run curl --silent -o /dev/null -w '%{http_code}' -H "X-Storage-User: $ST_USER" -H "X-Storage-Pass: wrong" "$ST_AUTH"
    [ "$output" = 401 ]
}

@test "Swift, by Keystone's" {
    server_swift "$T/swift" --keystone
    restic_works restic swift:container:/old
    export OS_APPLICATION_CREDENTIAL_ID=${OS_APPLICATION_CREDENTIAL[0]} OS_APPLICATION_CREDENTIAL_SECRET=${OS_APPLICATION_CREDENTIAL[1]}
    unset OS_USERNAME OS_PASSWORD OS_PROJECT_NAME OS_USER_DOMAIN_NAME OS_PROJECT_DOMAIN_NAME
    restic_works "$RESTIC_NEW" swift:container:/new
}
