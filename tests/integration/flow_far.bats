# SPDX-License-Identifier: Apache-2.0
# From YAML to equality with repositories behind a network: the Secret's keys and the places are those of Stash.

load ../harness/env.bash
load ../harness/plane.bash
load ../servers/servers.bash

setup_file() { "$BATS_TEST_DIRNAME/../servers/build" minio rest-server >/dev/null; }

setup() {
    need kubectl curl python3 restic prometheus-pushgateway openssl
    setup_folder
    export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache} HOME=$T # the servers are not built anew
    start_redis a
    cli a eval 'for i = 1, 500 do redis.call("SET", "key:" .. i, i) redis.call("RPUSH", "l:" .. i % 7, i) end' 0 >/dev/null
    start_up
    world demo "$PORT_a"
    BEFORE=$(digest a)
}

teardown() {
    kill "$(cat "$T/lines.pid" 2>/dev/null)" 2>/dev/null || true
    stop_up
    server_stop_all
    end_all
}

# place BACKEND [NAME=VALUE ...]: the Repository lies there, the Secret holds these and a password [$REPO_PASSWORD]
place() {
    local backend=$1
    shift
    k delete -n demo secret repo-secret >/dev/null
    k create secret generic repo-secret -n demo --from-literal RESTIC_PASSWORD="${REPO_PASSWORD:-secret}" "${@/#/--from-literal=}" >/dev/null
    k delete -n demo repo repo >/dev/null
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: repo, namespace: demo}
spec: {backend: {storageSecretName: repo-secret, $backend}}
YAML
}

there_and_back() {
    config demo bc 'retentionPolicy: {name: k, keepLast: 1, prune: true}'
    phase demo bc/bc Ready
    for n in one two; do
        session demo $n bc
        phase demo backupsession/$n Succeeded
    done
    until_is demo repo/repo '{.status.snapshotCount} {.status.integrity} {.status.snapshotsRemovedOnLastCleanup}' "1 true 1"
    cli a flushall >/dev/null
    restore demo back 'rules: [{snapshots: [latest]}]'
    phase demo restoresession/back Succeeded
    [ "$(digest a)" = "$BEFORE" ]
}

@test "S3 over TLS: CA_CERT_DATA, a prefix with slashes" {
    server_s3 "$T/s3" --tls
    place "s3: {endpoint: '$S3_URL', bucket: bucket, region: us-east-1, prefix: /demo//redis/sample/}" \
        "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY" "CA_CERT_DATA=$(cat "$SERVER_CA")"
    there_and_back
    # where Stash would have put it
    restic --no-cache --cacert "$SERVER_CA" -r "s3:$S3_URL/bucket/demo/redis/sample" check -q
    ! grep -rF "$AWS_SECRET_ACCESS_KEY" "$T/up.log" "$T/state/"*.log
    [ -z "$(k get -n demo events,jobs,pods,bc,backupsession,repo -o yaml | grep -F "$AWS_SECRET_ACCESS_KEY")" ]
}

@test "S3 over TLS: insecureTLS; and what a wrong key looks like" {
    server_s3 "$T/s3" --tls
    place "s3: {endpoint: '$S3_URL', bucket: bucket, insecureTLS: true}" \
        "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY"
    there_and_back
    place "s3: {endpoint: '$S3_URL', bucket: bucket, insecureTLS: true}" \
        "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=wrong"
    session demo three bc
    phase demo backupsession/three Failed
    condition demo backupsession/three BackendRepositoryInitialized | grep -q 'SignatureDoesNotMatch'
}

@test "REST: user and password from the Secret, a path in the URL" {
    server_rest "$T/rest"
    place "rest: {url: 'http://127.0.0.1:$REST_PORT/demo/redis'}" \
        "REST_SERVER_USERNAME=$REST_USER" "REST_SERVER_PASSWORD=$REST_PASSWORD"
    there_and_back
    restic --no-cache -r "rest:${REST_URL}demo/redis" check -q
}

# Every command line that any process of the machine has, a line each, until it is ended.
command_lines() {
    exec python3 -c '
import glob, sys
seen = set()
while True:
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            line = open(path, "rb").read().replace(b"\0", b" ").strip()
        except OSError:
            continue
        if line not in seen:
            seen.add(line)
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.flush()'
}

@test "no secret stands in a list of processes" {
    local redis=redis-$RANDOM$RANDOM REPO_PASSWORD=repo-$RANDOM$RANDOM word
    server_s3 "$T/s3"
    cli a config set requirepass "$redis" >/dev/null
    export REDISCLI_AUTH=$redis
    world demo "$PORT_a" "$redis"
    place "s3: {endpoint: '$S3_URL', bucket: bucket}" \
        "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY"
    command_lines >"$T/lines" &
    echo $! >"$T/lines.pid"
    there_and_back
    export RESTIC_REPOSITORY=s3:$S3_URL/bucket RESTIC_PASSWORD=$REPO_PASSWORD
    "$CSTASH" check -q --read-data
    kill "$(cat "$T/lines.pid")" && rm "$T/lines.pid"
    for word in backup-redis update-status restore-redis check; do grep -q "cstash $word" "$T/lines"; done
    ! grep -F -e "$redis" -e "$REPO_PASSWORD" -e "$AWS_SECRET_ACCESS_KEY" "$T/lines"
}

names() { # of all that is in the bucket
    "$SERVERS/s3-request" GET "$S3_URL/bucket?list-type=2" | grep -o '<Key>[^<]*' | cut -c6-
}

leftover() { # leftover NAME: something that is not a repository's
    "$SERVERS/s3-request" PUT "$S3_URL/bucket" >/dev/null # it may be there
    "$SERVERS/s3-request" PUT "$S3_URL/bucket/$1" keep | grep -q '^200'
}

@test "wipeOut: the repository goes, and nothing else" {
    local id=7f83b1657ff1fc53b92dc18148a1d65dfa7e5ef4f2c7a0a2b6b6a2ad8a1d3f00
    server_s3 "$T/s3"
    for name in demo/redis/notes.txt demo/redis/keys/notes "demo/redis2/keys/$id" "keys/$id"; do leftover "$name"; done
    place "s3: {endpoint: '$S3_URL', bucket: bucket, prefix: demo/redis}" \
        "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY"
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    names | grep -q '^demo/redis/data/'
    k patch -n demo repo repo --type merge -p '{"spec":{"wipeOut":true}}'
    # Not while another Repository has its backups there: at the same place, above it, or in it.
    k get repo repo -n demo -o json | python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "twin", "namespace": "demo"}; del o["status"]; o["spec"]["wipeOut"] = False; o["spec"]["backend"]["s3"]["prefix"] = "/demo/redis/"; print(json.dumps(o))' | k create -f -
    k delete -n demo repo repo --wait=false
    until_is demo repo/repo '{.status.conditions[?(@.type=="BackendWiped")].reason}' WipeOutFailed
    [[ "$(condition demo repo/repo BackendWiped)" == *"Repository twin has its backups at the same place"* ]]
    names | grep -q '^demo/redis/data/'
    k delete -n demo repo twin --timeout=30s
    k wait -n demo --for=delete repo/repo --timeout=60s
    [ "$(names | tr '\n' ' ')" = "demo/redis/keys/notes demo/redis/notes.txt demo/redis2/keys/$id keys/$id " ]
}

@test "wipeOut without a prefix is refused beside other things" {
    server_s3 "$T/s3"
    leftover notes.txt
    place "s3: {endpoint: '$S3_URL', bucket: bucket}" \
        "AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY"
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    k patch -n demo repo repo --type merge -p '{"spec":{"wipeOut":true}}'
    k delete -n demo repo repo --wait=false
    until_is demo events '{.items[?(@.reason=="CleanupFailed")].involvedObject.name}' repo
    k get -n demo events -o yaml | grep -q 'something else beside the repository: .*notes.txt'
    restic --no-cache -r "s3:$S3_URL/bucket" check -q
    k patch -n demo repo repo --type merge -p '{"spec":{"wipeOut":false}}'
    k wait -n demo --for=delete repo/repo --timeout=30s
    restic --no-cache -r "s3:$S3_URL/bucket" check -q
}
