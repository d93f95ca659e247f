#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The image: small, the same each time, and at home in the strictest of pods. Needs root (runc) and buildah:
# tools/install-deps build test image e2e.

load ../harness/env.bash

setup_file() {
    need buildah runc restic
    make -C "$BATS_TEST_DIRNAME/../.." image >&2
}

setup() {
    setup_folder
    IMAGE=$ROOT/build/cstash-image.tar
}

teardown() {
    end_all
}

inside() { # inside [options of harness/container] -- arguments of cstash
    "$HARNESS/container" "$IMAGE" "$BATS_FILE_TMPDIR/image" --user 1234567 "$@"
}

@test "at most 20 MiB" {
    [ "$(wc -c <"$IMAGE")" -le $((20 * 1024 * 1024)) ]
}

@test "made again it is the same, byte by byte" {
    "$ROOT/tools/image" "$ROOT/build-release/cstash" "$T/again.tar"
    cmp "$IMAGE" "$T/again.tar"
}

@test "its name is the one that Jobs ask for, its user a number, its entry the program" {
    tar -xOf "$IMAGE" index.json | grep -q "\"$("$CSTASH" catalog | sed -n 's/^  image: //p' | head -n 1)\""
    python3 - "$IMAGE" <<'PY'
import json, sys, tarfile
tar = tarfile.open(sys.argv[1])
blob = lambda d: json.load(tar.extractfile("blobs/" + d.replace(":", "/")))
manifest = blob(json.load(tar.extractfile("index.json"))["manifests"][0]["digest"])
config = blob(manifest["config"]["digest"])
assert config["config"]["User"] == "65532:65532", config
assert config["config"]["Entrypoint"] == ["/usr/bin/cstash"], config
assert len(manifest["layers"]) == 1, manifest
PY
}

@test "every library is there, and nothing in it may be written by others" {
    inside -- --version
    inside -- catalog | cmp - <("$CSTASH" catalog)
    [ -z "$(find "$BATS_FILE_TMPDIR/image/root" -perm /022 ! -type l ! -path '*/root/tmp')" ]
    [ -z "$(find "$BATS_FILE_TMPDIR/image/root" -perm /6000)" ]
}

@test "any user, read-only root, no capabilities: a backup and a restore" {
    start_redis source --requirepass word
    start_redis target
    redis-cli -p "$PORT_source" -a word set key value 2>/dev/null
    mkdir "$T/repo"
    chown 1234567:1234567 "$T/repo"
    local at=(--mount "$T/repo:/repo" --env RESTIC_REPOSITORY=/repo --env RESTIC_PASSWORD=secret --env REDISCLI_AUTH=word
        --env CSTASH_TEST_FAST_KDF=1 --)
    inside "${at[@]}" init
    inside "${at[@]}" backup --redis "redis://localhost:$PORT_source" # a name: /etc/hosts is read
    REDISCLI_AUTH='' inside --mount "$T/repo:/repo" --env RESTIC_REPOSITORY=/repo --env RESTIC_PASSWORD=secret -- \
        restore --redis "$URL_target" latest
    [ "$(redis-cli -p "$PORT_target" get key)" = value ]
    restic -r "$T/repo" check
    run inside --user 0 --env RESTIC_PASSWORD=secret -- init --repo /usr/there
    [[ "$output" == *"ead-only file system"* ]]
}

@test "it knows names of hosts, certificates and time zones" {
    # The name is looked up, in vain; a server whose certificate nobody signed is refused by verification, not by chance.
    run inside -- digest --redis redis://no.such.host.example:1
    [[ "$output" == *"no.such.host.example"* ]]
    [ -s "$BATS_FILE_TMPDIR/image/root/etc/ssl/certs/ca-certificates.crt" ]
    [ -s "$BATS_FILE_TMPDIR/image/root/usr/lib/ssl/cert.pem" ] || [ -L "$BATS_FILE_TMPDIR/image/root/usr/lib/ssl/cert.pem" ]
    [ -s "$BATS_FILE_TMPDIR/image/root/usr/share/zoneinfo/America/New_York" ]
    [ ! -e "$BATS_FILE_TMPDIR/image/root/usr/share/zoneinfo/right" ]
}

@test "it says which packages it is made of, and their licences" {
    local root=$BATS_FILE_TMPDIR/image/root lib
    for lib in libc6 libssl3 libcurl4 tzdata ca-certificates; do
        grep -q "^Version: " "$root/var/lib/dpkg/status.d/$lib"
        [ -s "$root/usr/share/doc/$lib/copyright" ]
    done
    cmp "$ROOT/LICENSE" "$root/usr/share/doc/cstash/copyright"
}
