# SPDX-License-Identifier: Apache-2.0
# kubectl stash purge-repos: which repositories go, and what must stay.

load ../harness/env.bash
load ../harness/plane.bash
load ../servers/servers.bash

setup_file() { "$BATS_TEST_DIRNAME/../servers/build" minio rest-server fake-gcs-server >/dev/null; }

setup() {
    need kubectl curl restic python3
    setup_folder
    mkdir "$T/bin" "$T/all"
    ln -s "$CSTASH" "$T/bin/kubectl-stash"
    PATH=$T/bin:$PATH
    export RESTIC_PASSWORD=secret
    unset RESTIC_REPOSITORY KUBECONFIG
    echo "local: {mountPath: $T/all}" >"$T/backend"
}

teardown() {
    stop_up
    server_stop_all
    end_all
}

purge() { kubectl-stash purge-repos --storage-config "$T/backend" "$@" </dev/null; }
# made NAME [TIME]: a repository with a snapshot, of which each file was changed then
made() {
    restic -q -r "$T/all/$1" init
    restic -q -r "$T/all/$1" backup --stdin <<<"$1"
    [ -z "${2:-}" ] || find "$T/all/$1" -exec touch -h -d "$2" {} +
}
files() { find "$T/all" ! -type d | sort; }
is_whole() { restic -q -r "$T/all/$1" check; }
hex64() { printf '%064x' "$1"; }

@test "those go of which no file was changed for so long; all else stays" {
    made new
    made a/old '400 days ago'
    made a/old/inner '3 days ago'
    made b/touched '400 days ago'
    touch -d '1 hour ago' "$(find "$T/all/b/touched/data" -type f | head -1)"
    mkdir -p "$T/all/dotgit"
    echo x >"$T/all/dotgit/config"
    echo mine >"$T/all/a/old/notes"
    echo mine >"$T/all/a/old/keys/notes"
    touch -d '400 days ago' "$T/all/dotgit/config" "$T/all/a/old/notes" "$T/all/a/old/keys/notes"
    files >"$T/before"
    run purge --older-than 1y --dry-run
    says 0 "$T/all/a/old"$'\n' 'nothing was deleted: --dry-run'
    [[ "$output" != *new* && "$output" != *touched* && "$output" != *inner* && "$output" != *dotgit* ]]
    run purge --older-than 1y
    says 1 'nothing was deleted: if all backups in this repository are meant to go, add --yes'
    files | cmp - "$T/before"
    run purge --older-than 1y --yes
    says 0 "$T/all/a/old deleted: "
    [ "$(grep -v "^$T/all/a/old/" "$T/before" | sort)" = "$(files | grep -v "^$T/all/a/old/")" ]
    [ "$(find "$T/all/a/old" -type f ! -path "*/inner/*" | sort)" = "$T/all/a/old/keys/notes
$T/all/a/old/notes" ]
    is_whole new
    is_whole a/old/inner
    is_whole b/touched
    made spoken '400 days ago'
    for word in n x ''; do
        kubectl-stash purge-repos --storage-config "$T/backend" --older-than 1y <<<"$word" 2>"$T/err"
        grep -q 'nothing was deleted' "$T/err"
    done
    is_whole spoken
    echo y | kubectl-stash purge-repos --storage-config "$T/backend" --older-than 1y | grep -q "$T/all/spoken deleted: "
    # What is left is what is younger.
    run purge --older-than 1y --yes
    says 0 "no repository below $T/all is to be deleted; 3 are there"
    run purge --older-than 2d --yes
    says 0 "$T/all/a/old/inner deleted"
    is_whole new
    is_whole b/touched
}

@test "what may be in use stays and is named: a lock, a file that is being written, a link" {
    made locked '10 days ago'
    made stale '10 days ago'
    made writing '10 days ago'
    made linked '10 days ago'
    echo x >"$T/all/locked/locks/$(hex64 1)"
    touch -d '10 minutes ago' "$T/all/locked/locks/$(hex64 1)"
    echo x >"$T/all/stale/locks/$(hex64 1)"
    touch -d '2 days ago' "$T/all/stale/locks/$(hex64 1)"
    echo x >"$T/all/writing/data/00/cstash-tmp-1234"
    mv "$T/all/linked/data" "$T/elsewhere"
    ln -s ../../elsewhere "$T/all/linked/data"
    touch -h -d '10 days ago' "$T/all/linked/data"
    run purge --older-than 1m --dry-run
    says 0 "$T/all/locked is left alone: it is locked" "$T/all/linked is left alone: something in it is no file" "$T/all/stale"
    # What cannot be looked through ends it, before anything is deleted.
    local deep
    deep=$(printf '/d%.0s' {1..120})
    mkdir -p "$T/all/deep$deep"
    run purge --older-than 1d --yes
    says 1 'more than 100 folders in each other'
    is_whole stale
    rm -r "$T/all/deep"
    run purge --older-than 1d --yes
    says 0 "$T/all/stale deleted" "$T/all/locked is left alone"
    [ "$(find "$T/all" -name config | sort | tr '\n' ' ')" = "$T/all/linked/config $T/all/locked/config $T/all/writing/config " ]
    is_whole writing
    is_whole linked
}

@test "a deletion that was cut is repeated; a person is asked" {
    made cut '10 days ago'
    find "$T/all/cut/snapshots" "$T/all/cut/index" -type f -delete
    made whole '10 days ago'
    answer() { # answer TEXT [COMMAND]: what is said at a terminal; what is done before
        python3 - "$1" "$T/backend" "${2:-true}" <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execlp("kubectl-stash", "kubectl-stash", "purge-repos", "--storage-config", sys.argv[2], "--older-than", "1d")
said = b""
try:
    while b"[y/N]" not in said:
        said += os.read(fd, 4096)
    os.system(sys.argv[3])
    os.write(fd, sys.argv[1].encode() + b"\n")
    while chunk := os.read(fd, 4096):
        said += chunk
except OSError:
    pass
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
    }
    files >"$T/before"
    run answer n
    says 0 'delete 2 repositories with all backups in them? [y/N]' 'nothing was deleted'
    files | cmp - "$T/before"
    # Somebody comes back to it while the person thinks.
    run answer y "touch -d '9 days ago' $T/all/whole/config"
    says 1 "$T/all/cut deleted" "$T/all/whole was not deleted: it is not as it was a moment ago" '1 of 2 repositories were not deleted'
    is_whole whole
    run answer y
    says 0 "$T/all/whole deleted"
    [ -z "$(files)" ]
}

@test "S3, with the Secret of the cluster; beside the prefix nothing goes" {
    server_s3 "$T/s3"
    start_up --pushgateway-listen ""
    world demo 1
    for repo in below/one below/two/deep below/sp+c\ e beside; do
        restic -q -r "s3:$S3_URL/bucket/$repo" init
        restic -q -r "s3:$S3_URL/bucket/$repo" backup --stdin <<<x
    done
    k create secret generic cloud -n demo --from-literal "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" \
        --from-literal "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY" >/dev/null
    k create secret generic wrong -n demo --from-literal "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" \
        --from-literal "AWS_SECRET_ACCESS_KEY=wrong" >/dev/null
    local id=$AWS_ACCESS_KEY_ID key=$AWS_SECRET_ACCESS_KEY region=$AWS_DEFAULT_REGION
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    backend() { echo "{\"storageSecretName\": \"$1\", \"s3\": {\"endpoint\": \"$S3_URL\", \"bucket\": \"bucket\", \"prefix\": \"/below/\", \"region\": \"$region\"}}" >"$T/backend"; }
    exists() { AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$key restic -q -r "s3:$S3_URL/bucket/$1" check; }
    sleep 2 # the server's clock tells seconds
    backend none
    run purge --older-than 1s --yes -n demo
    says 1 'could not read Secret demo/none (storageSecretName)'
    backend wrong
    run purge --older-than 1s --yes -n demo
    says 1 'SignatureDoesNotMatch'
    backend cloud
    run purge --older-than 1d --yes -n demo
    says 0 'no repository below' 'is to be deleted; 3 are there'
    exists below/one
    run purge --older-than 1s --yes -n demo
    says 0 "/bucket/below/one deleted: " "/two/deep deleted: " "/sp+c e deleted: "
    run exists below/one
    [ "$status" != 0 ]
    run exists below/two/deep
    [ "$status" != 0 ]
    exists beside
}

@test "Google's storage, with what the environment says; REST servers tell no folders; what is wrong is said" {
    server_gcs "$T/gcs"
    export STORAGE_EMULATOR_HOST=127.0.0.1:$GCS_PORT
    for repo in below/one beside; do "$CSTASH" init -q -r "gs:bucket:/$repo"; done
    echo 'gcs: {bucket: bucket, prefix: below}' >"$T/backend"
    run purge --older-than 1h --yes
    says 0 'is to be deleted; 1 are there'
    sleep 2 # the server's clock tells seconds
    run purge --older-than 1s --yes
    says 0 'gs:bucket:/below/one deleted: 2 files'
    "$CSTASH" check -q -r gs:bucket:/beside
    server_rest "$T/rest"
    echo "rest: {url: 'http://127.0.0.1:$REST_PORT/'}" >"$T/backend"
    run purge --older-than 1h
    says 1 'does not tell what else lies below it'
    run purge --older-than 30
    says 2 '--older-than: "30" is not a time such as 1y, 6mo, 30d'
    run purge --older-than 0d
    says 2 'is no time at all'
    run purge
    says 2 'use --older-than TIME'
    run kubectl-stash purge-repos --older-than 1y
    says 2 'use --storage-config FILE'
    echo 'spec: {backend: {local: {mountPath: /x}}}' >"$T/backend"
    run purge --older-than 1y
    says 1 "$T/backend: " 'no backend'
    echo "local: {mountPath: $T/none}" >"$T/backend"
    run purge --older-than 1y
    says 1 "$T/backend: " 'not mounted here'
}
