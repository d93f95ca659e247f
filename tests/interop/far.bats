#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Repositories behind a network, in both directions with both restics, on real servers.
load ../harness/env.bash
load ../servers/servers.bash

setup_file() { "$BATS_TEST_DIRNAME/../servers/build" restic minio versitygw rest-server fake-gcs-server azurite swift b2 >"$BATS_FILE_TMPDIR/programs"; }

setup() {
    need restic curl openssl python3
    setup_folder
    RESTIC_NEW=$(head -n 1 "$BATS_FILE_TMPDIR/programs")/restic
    for i in 1 2 3; do # of each, half is in the one before
        { head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 0$i -iv 02
          head -c 3000000 /dev/zero | openssl enc -aes-128-ctr -nosalt -K 0$((i + 1)) -iv 02; } 2>/dev/null >"$T/in$i"
    done
}

teardown() {
    server_stop_all
    end_all
}

c() { "$CSTASH" "$@"; }

# r RESTIC ARGUMENTS: with RESTIC_FLAGS too
r() { "$1" --no-cache -q ${SERVER_CA:+--cacert "$SERVER_CA"} ${RESTIC_FLAGS:-} "${@:2}"; }

# all_whole RESTIC FILE...: the snapshots, from the latest on, are these files, for both
all_whole() {
    local restic=$1 n=0 id ids
    shift
    r "$restic" check --read-data
    c check --read-data | grep -q 'no errors were found'
    mapfile -t ids < <(c snapshots --json | python3 -c '
import json, sys
for s in reversed(json.load(sys.stdin)): print(s["id"])')
    [ "${#ids[@]}" = $# ]
    for id in "${ids[@]}"; do
        n=$((n + 1))
        c show "$id" | cmp - "${!n}"
        r "$restic" dump "$id" dumpfile.resp | cmp - "${!n}"
    done
}

# both_ways RESTIC ADDRESS: each writes, forgets and prunes what the other wrote
both_ways() {
    local restic=$1
    export RESTIC_REPOSITORY=$2
    c init
    c backup -q --stdin <"$T/in1"
    r "$restic" backup --stdin --stdin-filename dumpfile.resp --host host-0 <"$T/in2"
    c backup -q --stdin <"$T/in3"
    all_whole "$restic" "$T/in3" "$T/in2" "$T/in1"
    c forget --keep-last 2 --prune
    all_whole "$restic" "$T/in3" "$T/in2"
    r "$restic" forget --keep-last 1 --prune
    all_whole "$restic" "$T/in3"
    c list locks >"$T/locks"
    [ ! -s "$T/locks" ]
    export RESTIC_REPOSITORY=$2-theirs
    r "$restic" init
    r "$restic" backup --stdin --stdin-filename dumpfile.resp --host host-0 <"$T/in1"
    c backup -q --stdin <"$T/in2"
    c forget --keep-last 1 --prune
    all_whole "$restic" "$T/in2"
}

@test "S3: MinIO" {
    server_s3 "$T/s3"
    both_ways restic "s3:$S3_URL/bucket/a"
}

@test "S3: MinIO over TLS, with an authority of its own; the newest restic" {
    server_s3 "$T/s3" --tls
    RESTIC_CACERT=$SERVER_CA both_ways "$RESTIC_NEW" "s3:$S3_URL/bucket"
}

@test "S3: versitygw; the newest restic" {
    server_s3 "$T/s3" --gateway
    both_ways "$RESTIC_NEW" "s3:$S3_URL/bucket/a/b"
}

@test "REST: rest-server" {
    server_rest "$T/rest"
    both_ways restic "rest:${REST_URL}a"
}

@test "REST: rest-server over TLS; the newest restic" {
    server_rest "$T/rest" --tls
    RESTIC_CACERT=$SERVER_CA both_ways "$RESTIC_NEW" "rest:${REST_URL}a"
}

@test "GCS: fake-gcs-server, both restics" {
    server_gcs "$T/gcs"
    server_impersonate "$T/names" "storage.googleapis.com=$GCS_PORT"
    export RESTIC_CACERT=$SERVER_CA
    both_ways restic gs:bucket:/a
    both_ways "$RESTIC_NEW" gs:bucket://b/c
}

@test "Azure: Azurite, both restics" {
    server_azure "$T/azure"
    server_impersonate "$T/names" "*.blob.core.windows.net=$AZURE_PORT"
    export RESTIC_CACERT=$SERVER_CA
    both_ways restic azure:container:/a
    # Azurite does not take the empty tier that a newer restic sends of its own accord.
    RESTIC_FLAGS="-o azure.access-tier=Hot" both_ways "$RESTIC_NEW" azure:container://b/c
}

@test "Swift, by its own tokens" {
    server_swift "$T/swift"
    both_ways restic swift:container:/a
}

@test "Swift, by Keystone's; the newest restic" {
    server_swift "$T/swift" --keystone
    both_ways "$RESTIC_NEW" swift:container://b//c
}

@test "B2: the vendor's simulator, the newest restic" {
    server_b2 "$T/b2"
    server_impersonate "$T/names" "*.backblazeb2.com=$B2_PORT" "*.backblaze.com=$B2_PORT"
    RESTIC_CACERT=$SERVER_CA both_ways "$RESTIC_NEW" b2:bucket-one:/a
}

@test "prefixes with more slashes than needed are the same place" {
    server_s3 "$T/s3"
    export RESTIC_REPOSITORY=s3:$S3_URL/bucket//a/./b/
    c init
    c backup -q --stdin <"$T/in1"
    RESTIC_REPOSITORY=s3:$S3_URL/bucket/a/b r restic snapshots --json | grep -q dumpfile.resp
    RESTIC_REPOSITORY=s3:$S3_URL/bucket//a/b c snapshots | grep -q dumpfile.resp
}
