#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a user is told when a repository behind a network cannot be used: the cause, and what to do. Never a secret.
load ../harness/env.bash
load ../servers/servers.bash

setup_file() { "$BATS_TEST_DIRNAME/../servers/build" minio rest-server azurite swift b2 >/dev/null; }

setup() {
    need curl openssl python3
    setup_folder
    head -c 300000 /dev/urandom >"$T/in"
}

teardown() {
    server_stop_all
    end_all
}

c() { "$CSTASH" "$@"; }

# says STATUS REGEX COMMAND...: in time, in these words, without secrets
says() {
    local want=$1 words=$2 secret
    shift 2
    run timeout 60 "$CSTASH" "$@"
    echo "$* ($status): $output"
    [ "$status" = "$want" ]
    [[ "$output" =~ $words ]]
    for secret in "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN" "$REST_PASSWORD" "$RESTIC_PASSWORD" "$AZURE_ACCOUNT_KEY" \
        "${AZURE_ACCOUNT_SAS##*sig=}" "$ST_KEY" "$OS_PASSWORD" "$OS_AUTH_TOKEN" "$B2_ACCOUNT_KEY"; do
        [ -z "$secret" ] || [[ "$output" != *"$secret"* ]]
    done
}

@test "S3: keys, buckets and regions that are wrong" {
    server_s3 "$T/s3"
    export RESTIC_REPOSITORY=s3:$S3_URL/bucket/p RESTIC_PASSWORD=hunter2hunter2
    c init
    AWS_SECRET_ACCESS_KEY=wrongwrong says 1 'SignatureDoesNotMatch.*is AWS_SECRET_ACCESS_KEY right' snapshots
    AWS_ACCESS_KEY_ID=nobody says 1 'InvalidAccessKeyId.*is AWS_ACCESS_KEY_ID right' snapshots
    AWS_SECRET_ACCESS_KEY='' says 1 'AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not' snapshots
    AWS_ACCESS_KEY_ID='' AWS_SECRET_ACCESS_KEY='' AWS_EC2_METADATA_DISABLED=true HOME=$T \
        says 1 'there are no credentials for S3.*set AWS_ACCESS_KEY_ID' snapshots
    AWS_DEFAULT_REGION=eu-west-9 says 1 'the bucket is in the region us-east-1, not in eu-west-9.*AWS_DEFAULT_REGION' snapshots
    AWS_DEFAULT_REGION='' says 0 '0 snapshots' snapshots
    AWS_SESSION_TOKEN=made-up-token says 1 'AWS_SESSION_TOKEN' snapshots
    RESTIC_REPOSITORY=s3:$S3_URL/nobucket says 10 'there is no repository at s3:.*cstash init' snapshots
    RESTIC_REPOSITORY=s3:$S3_URL says 1 'not a complete s3: address' snapshots
    RESTIC_PASSWORD=other says 12 'password' snapshots
    says 1 'not a number from 1 to 64' snapshots -o s3.connections=0
    says 2 'store.name=value' snapshots -o s3
}

@test "S3: a session that may not delete, and one that is over" {
    server_s3 "$T/s3"
    export RESTIC_REPOSITORY=s3:$S3_URL/bucket
    c init
    c backup -q --stdin <"$T/in"
    c backup -q --stdin <"$T/in"
    server_s3_restrict '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":"*"}]}'
    says 0 '2 snapshots' snapshots --no-lock
    says 1 'could not .*delete .*403 AccessDenied.*what may the account do' forget --keep-last 1
}

@test "S3: a bucket that is full" {
    server_s3 "$T/s3"
    export RESTIC_REPOSITORY=s3:$S3_URL/bucket
    c init
    server_s3_quota bucket 10000
    head -c 3000000 /dev/urandom >"$T/big"
    says 1 'could not store data/.*QuotaExceeded.*make room' backup -q --stdin --stdin-filename big <"$T/big"
}

@test "TLS: a certificate of nobody known, with its authority, without, and unverified" {
    server_s3 "$T/s3" --tls
    export RESTIC_REPOSITORY=s3:$S3_URL/bucket
    says 1 'certificate of 127.0.0.1.* does not verify.*authority' init
    says 0 'created repository' init --repo-cacert "$SERVER_CA"
    RESTIC_CACERT=$SERVER_CA says 0 '0 snapshots' snapshots
    says 0 'not verified' snapshots --insecure-tls
    RESTIC_REPOSITORY=s3:127.0.0.1:$S3_PORT/bucket RESTIC_CACERT=$SERVER_CA says 0 '0 snapshots' snapshots
    RESTIC_REPOSITORY=s3:http://127.0.0.1:$S3_PORT/bucket says 1 'the server answered 400' snapshots
}

@test "REST: users, paths and space" {
    local bare
    server_rest "$T/rest" --max-size 200000
    bare=rest:http://127.0.0.1:$REST_PORT/p/
    export RESTIC_REPOSITORY=rest:${REST_URL}p
    c init
    RESTIC_REPOSITORY=rest:http://user:no@127.0.0.1:$REST_PORT/p says 1 '401.*are user and password right' snapshots
    RESTIC_REPOSITORY=$bare says 1 '401.*set RESTIC_REST_USERNAME' snapshots
    RESTIC_REPOSITORY=$bare RESTIC_REST_USERNAME=$REST_USER RESTIC_REST_PASSWORD=$REST_PASSWORD says 0 '0 snapshots' snapshots
    RESTIC_REPOSITORY=rest:${REST_URL}none says 10 'there is no repository at rest:http://127.0.0.1' snapshots
    says 1 'could not store data/.*space is used up' backup -q --stdin <"$T/in"
    RESTIC_REPOSITORY=rest:nowhere says 1 'not a complete rest: address' snapshots
}

# sas PERMISSIONS END: a signature for the whole account, as its owner gives to others
sas() {
    local v=2019-12-12 signature
    signature=$(printf '%s\n' "$AZURE_ACCOUNT_NAME" "$1" b sco '' "$2" '' '' $v |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(base64 -d <<<"$AZURE_ACCOUNT_KEY" | od -An -v -tx1 | tr -d ' \n')" -binary |
        base64 -w0 | sed 's/+/%2B/g; s,/,%2F,g; s/=/%3D/g')
    echo "sv=$v&ss=b&srt=sco&sp=$1&se=$2&sig=$signature"
}

@test "Azure: keys, signatures that are over or allow too little, containers" {
    local later whole over little
    server_azure "$T/azure"
    later=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
    whole=$(sas rwdl "$later") over=$(sas rwdl 2026-01-01T00:00:00Z) little=$(sas rwl "$later")
    server_impersonate "$T/names" "*.blob.core.windows.net=$AZURE_PORT"
    export RESTIC_CACERT=$SERVER_CA RESTIC_REPOSITORY=azure:container:/p
    c init
    c backup -q --stdin <"$T/in"
    c backup -q --stdin <"$T/in"
    AZURE_ACCOUNT_KEY=$(base64 <<<wrong) says 1 '403 Auth.*is AZURE_ACCOUNT_KEY that of the account' snapshots
    AZURE_ACCOUNT_KEY='not base64!' says 1 'AZURE_ACCOUNT_KEY' snapshots
    AZURE_ACCOUNT_KEY='' AZURE_ACCOUNT_SAS=$whole says 0 '2 snapshots' snapshots
    AZURE_ACCOUNT_KEY='' AZURE_ACCOUNT_SAS=$over says 1 '403 Auth.*AZURE_ACCOUNT_SAS.*too old' snapshots
    AZURE_ACCOUNT_KEY='' AZURE_ACCOUNT_SAS=$little says 1 'could not .*delete .*403 Auth' forget --keep-last 1
    RESTIC_REPOSITORY=azure:nowhere:/p says 10 'there is no repository at azure:nowhere' snapshots
}

@test "Swift: users, tokens that are over, containers" {
    server_swift "$T/swift"
    export RESTIC_REPOSITORY=swift:container:/p
    c init
    ST_KEY=wrong says 1 'answered 401.*are ST_USER and ST_KEY right' snapshots
    ST_AUTH='' says 1 'there are no credentials for Swift.*set OS_AUTH_URL' snapshots
    OS_STORAGE_URL=http://127.0.0.1:$SWIFT_PORT/v1/AUTH_account OS_AUTH_TOKEN=AUTH_tkover says 1 '401.*OS_AUTH_TOKEN is wrong, or too old' snapshots
    RESTIC_REPOSITORY=swift:nowhere:/p says 10 'there is no repository at swift:nowhere' snapshots
    server_swift "$T/keystone" --keystone
    c init
    OS_PASSWORD=wrong says 1 '401.*are OS_USERNAME, OS_PASSWORD, the domains and the project right' snapshots
    OS_REGION_NAME=two says 1 'no object store in the region two.*OS_REGION_NAME' snapshots
}

@test "B2: keys and buckets" {
    server_b2 "$T/b2" --plain
    export RESTIC_REPOSITORY=b2:bucket-one:/p RESTIC_PASSWORD=hunter2hunter2 B2_ENVIRONMENT=$B2_URL
    c init
    B2_ACCOUNT_KEY=another-key says 1 '401 .*are B2_ACCOUNT_ID and B2_ACCOUNT_KEY right' snapshots
    B2_ACCOUNT_ID='' says 1 'there are no credentials for B2.*set B2_ACCOUNT_ID' snapshots
    RESTIC_REPOSITORY=b2:nowhere:/p says 10 'there is no repository at b2:nowhere' snapshots
}

@test "nobody at the address: soon, and with the reason" {
    RESTIC_REPOSITORY=s3:http://127.0.0.1:$(free_port)/bucket AWS_ACCESS_KEY_ID=key AWS_SECRET_ACCESS_KEY=nothing-known \
        says 1 'could not reach 127.0.0.1.*is it running' snapshots --retry-limit 1s
    RESTIC_REPOSITORY=rest:http://nobody.invalid/ says 1 'is the name right' snapshots --retry-limit 1s
}
