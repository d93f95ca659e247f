#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What every store promises, on real servers.
load ../harness/env.bash
load ../servers/servers.bash

setup_file() { "$BATS_TEST_DIRNAME/../servers/build" minio versitygw rest-server fake-gcs-server azurite swift b2 >/dev/null; }

setup() {
    need curl openssl python3
    setup_folder
}

teardown() {
    server_stop_all
    end_all
}

conforms() { "$BUILD/tests/store_conformance" "$@"; }

@test "S3: MinIO" {
    server_s3 "$T/s3"
    conforms "s3:$S3_URL/one"
    conforms "s3:$S3_URL/two//a/./b/" s3.connections=16
    conforms --beside "s3:$S3_URL/one/x" "s3:$S3_URL/one"
}

@test "S3: MinIO over TLS" {
    server_s3 "$T/s3" --tls
    RESTIC_CACERT=$SERVER_CA conforms "s3:$S3_URL/bucket/prefix"
}

@test "S3: versitygw" {
    server_s3 "$T/s3" --gateway
    conforms "s3:$S3_URL/bucket/prefix"
}

@test "REST: rest-server" {
    server_rest "$T/rest"
    conforms "rest:${REST_URL}one/"
    RESTIC_REST_USERNAME=$REST_USER RESTIC_REST_PASSWORD=$REST_PASSWORD conforms "rest:http://127.0.0.1:$REST_PORT/two"
}

@test "REST: rest-server over TLS" {
    server_rest "$T/rest" --tls
    RESTIC_CACERT=$SERVER_CA conforms "rest:${REST_URL}one/"
}

@test "GCS: fake-gcs-server" {
    server_gcs "$T/gcs"
    STORAGE_EMULATOR_HOST=127.0.0.1:$GCS_PORT conforms gs:bucket:/one
    STORAGE_EMULATOR_HOST=http://127.0.0.1:$GCS_PORT conforms gs:new-bucket://two//a/./b/ gs.connections=16
    server_impersonate "$T/names" "storage.googleapis.com=$GCS_PORT"
    RESTIC_CACERT=$SERVER_CA conforms gs:bucket
    RESTIC_CACERT=$SERVER_CA conforms --beside gs:bucket:/x gs:bucket
}

@test "Azure: Azurite" {
    server_azure "$T/azure"
    server_impersonate "$T/names" "*.blob.core.windows.net=$AZURE_PORT"
    export RESTIC_CACERT=$SERVER_CA
    conforms azure:container:/one
    conforms azure:new-container://two//a/./b/ azure.connections=16 azure.access-tier=Cool
    conforms --beside azure:container:/x azure:container
}

@test "Swift, by its own tokens" {
    server_swift "$T/swift"
    conforms swift:container:/one
    conforms swift:container://two/./a//b/ swift.connections=16
    conforms --beside swift:container:/x swift:container
}

@test "Swift, by Keystone's" {
    server_swift "$T/swift" --keystone
    conforms swift:container:/one
    unset OS_USERNAME OS_PASSWORD OS_PROJECT_NAME OS_USER_DOMAIN_NAME OS_PROJECT_DOMAIN_NAME
    export OS_APPLICATION_CREDENTIAL_ID=${OS_APPLICATION_CREDENTIAL[0]}
    OS_APPLICATION_CREDENTIAL_SECRET=${OS_APPLICATION_CREDENTIAL[1]} conforms swift:container
}

@test "B2: the vendor's simulator" {
    server_b2 "$T/b2" --plain
    B2_ENVIRONMENT=$B2_URL conforms b2:bucket-one:/one
    B2_ENVIRONMENT=$B2_URL conforms b2:bucket-two://two//a/./b/ b2.connections=16
    B2_ENVIRONMENT=$B2_URL conforms --beside b2:bucket-one:/x b2:bucket-one
}
