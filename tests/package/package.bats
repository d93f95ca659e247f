# SPDX-License-Identifier: Apache-2.0
# The packages, installed where nothing else is: a fresh Debian, and an empty root for the one that brings its libraries. Needs root,
# no cluster.

load ../harness/env.bash

mirror() { apt-get indextargets --format '$(REPO_URI)' | head -n 1; } # that of this machine

setup_file() {
    export P=$BATS_FILE_TMPDIR/packages TREE=$BATS_FILE_TMPDIR/debian
    "$ROOT/tools/install-deps" package
    "$ROOT/tools/package" "$ROOT/build-release/cstash" "$P" >&2
    DEB=$(echo "$P"/cstash_*.deb)
    export DEB
    debootstrap --variant=minbase --include="$(dpkg-deb -f "$DEB" Depends | sed 's/([^)]*)//g; s/[ ]//g')" \
        "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$TREE" "$(mirror)" >"$BATS_FILE_TMPDIR/debootstrap.log" 2>&1 || {
        tail -5 "$BATS_FILE_TMPDIR/debootstrap.log" >&2
        return 1
    }
    mount -t proc proc "$TREE/proc"
}
teardown_file() { ! mountpoint -q "$TREE/proc" || umount "$TREE/proc"; }
setup() { setup_folder; }
teardown() { end_all; }

inside() { chroot "$TREE" "$@"; }
exec_as_cstash() { exec chroot --userspec=cstash:cstash "$TREE" env HOME=/var/lib/cstash XDG_CACHE_HOME=/var/cache/cstash "$@"; }
as_cstash() { (exec_as_cstash "$@"); }

@test "lintian finds nothing; both packages have the same commands, pages and units" {
    run lintian --fail-on warning "$DEB"
    echo "$output"
    [ "$status" = 0 ]
    dpkg-deb -c "$DEB" | awk '$6 ~ /(bin|man1)\/./ {sub(/^\./, "", $6); print $6}' | sort >"$T/deb"
    rpm -qpl "$P"/*.rpm | grep -E '(bin|man1)/.' | sort >"$T/rpm"
    diff "$T/deb" "$T/rpm"
    [ "$(wc -l <"$T/deb")" -gt 30 ]
    (cd "$P" && sha256sum -c SHA256SUMS)
}

@test "a fresh Debian: installed, the night's backup as its unit runs it, restored; removed without a trace but the data" {
    start_redis a
    start_redis b
    seq 1000 | awk '{print "SET k:" $1 " " $1}' | redis-cli -p "$PORT_a" --pipe >/dev/null
    cp "$DEB" "$TREE/tmp/"
    inside dpkg -i "/tmp/$(basename "$DEB")"
    inside cstash --version
    zcat "$TREE/usr/share/man/man1/cstash-backup.1.gz" | grep -q 'back up a Redis'
    [ "$(readlink "$TREE/usr/bin/kubectl-stash")" = cstash ]
    # The tree has no systemd: this machine's judges the units.
    mkdir "$T/units"
    for unit in "$TREE"/lib/systemd/system/cstash-*; do
        sed "s|/usr/bin/cstash|$CSTASH|" "$unit" >"$T/units/$(basename "$unit" | sed 's/@/@night/')"
    done
    systemd-analyze verify --man=no "$T"/units/*

    # What systemd would do: the folders, the environment, each ExecStart= as the user.
    install -d -o 0 "$TREE/etc/cstash"
    inside install -d -o cstash -g cstash /var/lib/cstash /var/cache/cstash
    sed "s|^REDIS_URL=.*|REDIS_URL=$URL_a|; s/change me/secret/" "$TREE/usr/share/doc/cstash/examples/backup.env" >"$TREE/etc/cstash/night.env"
    local words=() line
    while read -r line; do
        [[ $line == [A-Z]* ]] && words+=("$line")
    done <"$TREE/etc/cstash/night.env"
    as_cstash "${words[@]}" cstash init
    for _ in 1 2; do
        sed -n 's/^ExecStart=//p' "$TREE/lib/systemd/system/cstash-backup@.service" | sed 's/%i/night/g' >"$T/steps"
        [ "$(wc -l <"$T/steps")" = 2 ]
        while read -r line; do as_cstash "${words[@]}" sh -c "exec $line" </dev/null; done <"$T/steps"
    done
    as_cstash "${words[@]}" cstash snapshots | grep -q 1000
    as_cstash "${words[@]}" cstash restore --target night --redis "$URL_b" latest
    [ "$(redis-cli -p "$PORT_b" dbsize)" = 1000 ]

    # The control plane, as its unit starts it.
    local api health
    api=$(free_port) health=$(free_port)
    (exec_as_cstash cstash up --dir /var/lib/cstash/up --listen "127.0.0.1:$api" --metrics-listen "127.0.0.1:$health" --pushgateway-listen '') >"$T/up" 2>&1 3>&- &
    PIDS+=($!)
    until_true test -s "$TREE/var/lib/cstash/up/kubeconfig"
    until_true inside cstash get --kubeconfig /var/lib/cstash/up/kubeconfig functions
    kill "$!"
    wait "$!" || true
    run pgrep -f 'cstash up --dir /var/lib/cstash/up'
    [ "$status" = 1 ] # none is left

    inside dpkg -P cstash
    [ ! -e "$TREE/usr/bin/cstash" ] && [ ! -e "$TREE/usr/share/man/man1/cstash.1.gz" ]
    [ -e "$TREE/var/lib/cstash/repository/config" ]
}

@test "an empty root with nothing but the RPM's files: it runs with the libraries that it brings" {
    start_redis a
    cli a set k v >/dev/null
    mkdir "$T/root"
    rpm2archive - <"$(echo "$P"/*.rpm)" | tar -xzf - -C "$T/root"
    [ -z "$(rpm -qpR "$P"/*.rpm | grep '\.so')" ]
    mkdir "$T/root/tmp"
    chroot "$T/root" /usr/bin/cstash dump -q --redis "$URL_a" >"$T/dump"
    "$CSTASH" digest "$T/dump" 2>/dev/null | grep -q '1 key' || "$CSTASH" load -q --dry-run "$T/dump"
}
