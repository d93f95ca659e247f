#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What krew installs the plug-in from: the archive is the one that the manifest names, and runs where none of this
# machine's libraries are. Needs root (chroot): tools/install-deps build rootfs e2e.

load ../harness/env.bash

setup_file() {
    need kubectl python3 busybox
    make -C "$BATS_TEST_DIRNAME/../.." krew >&2
}

setup() {
    setup_folder
    MANIFEST=$ROOT/build/krew/stash.yaml
    ARCHIVE=$(ls "$ROOT"/build/krew/kubectl-stash-v"$("$CSTASH" --version | awk '{ print $2; exit }')"-linux-*.tar.gz)
}

teardown() {
    end_all
}

in_manifest() { # in_manifest KEY
    sed -n "s/^ *$1: //p" "$MANIFEST"
}

@test "the manifest names the plug-in, its version, the archive and its sha256" {
    [ "$(in_manifest name)" = stash ]
    [ "$(in_manifest version)" = "v$("$CSTASH" --version | awk '{ print $2; exit }')" ]
    [ "$(in_manifest sha256)" = "$(sha256sum "$ARCHIVE" | cut -d' ' -f1)" ]
    [ "$(basename "$(in_manifest uri)")" = "$(basename "$ARCHIVE")" ]
    [ "$(in_manifest homepage)" = "$(sed -n 's/^home: //p' "$ROOT/deploy/chart/cstash/Chart.yaml")" ]
    kubectl patch --local --type merge -p '{}' -o name -f "$MANIFEST" # it is YAML, of one object
}

@test "made again it is the same, byte by byte; an archive of another architecture is named as well" {
    mkdir "$T/krew"
    echo other >"$T/krew/$(basename "$ARCHIVE" | sed 's/linux-.*/linux-other.tar.gz/')"
    "$ROOT/tools/krew" "$ROOT/build-release/cstash" "$T/krew"
    cmp "$ARCHIVE" "$T/krew/$(basename "$ARCHIVE")"
    grep -q 'arch: other}' "$T/krew/stash.yaml"
    grep -q "sha256: $(echo other | sha256sum | cut -d' ' -f1)" "$T/krew/stash.yaml"
}

@test "it has files and folders only, which krew unpacks, and licences" {
    tar -tvzf "$ARCHIVE" >"$T/list"
    [ "$(grep -vc '^[-d]' "$T/list")" = 0 ]
    [ "$(grep -c '^.\{5\}w\|^.\{8\}w' "$T/list")" = 0 ] # nothing for others to write
    grep -q ' ./LICENSE$' "$T/list"
    grep -q ' ./licenses/libssl3/copyright$' "$T/list"
}

@test "it runs by its link, with no library but its own, and as a plug-in of kubectl" {
    mkdir -p "$T/bare/bin" "$T/bare/store"
    tar -xzf "$ARCHIVE" -C "$T/bare/store"
    ln -s ../store/kubectl-stash "$T/bare/bin/kubectl-stash"
    cp "$(command -v busybox)" "$T/bare/bin/"
    for tool in sh readlink dirname; do
        ln -s busybox "$T/bare/bin/$tool"
    done
    [ "$(chroot "$T/bare" /bin/kubectl-stash version)" = "$("$CSTASH" --version | head -n 1)" ]
    run chroot "$T/bare" /bin/kubectl-stash frobnicate # by its name it has the verbs of Stash
    [ "$status" -eq 2 ]
    [[ "$output" == *'unknown command frobnicate'* ]]
    [ "$(PATH=$T/bare/bin:$PATH kubectl stash version)" = "$("$CSTASH" --version | head -n 1)" ]
}
