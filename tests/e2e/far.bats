#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A repository in S3: a server in the cluster, reached over TLS with an authority of its own.

load e2e.bash
load stash.bash
load ../servers/servers.bash

NS=far MINIO=cstash-test/minio:1

setup_file() {
    load e2e.bash
    load stash.bash
    load ../servers/servers.bash
    local dir=$BATS_FILE_TMPDIR/$NS-s3 minio
    minio=$("$SERVERS/build" minio)
    "$CLUSTER/load-image" "$("$CLUSTER/image" $MINIO "$minio/minio=/usr/bin/minio")"
    installed
    world $NS
    volume $NS s3
    server_certificate "$BATS_FILE_TMPDIR/tls" server DNS:s3.$NS.svc
    mkdir "$dir/certs" "$dir/data"
    install -m 644 "$BATS_FILE_TMPDIR/tls/server.crt" "$dir/certs/public.crt"
    install -m 644 "$BATS_FILE_TMPDIR/tls/server.key" "$dir/certs/private.key"
    chmod 777 "$dir/data"
    VOLUME=s3 ENVIRONMENT="MINIO_ROOT_USER=owner MINIO_ROOT_PASSWORD=owners-secret" \
        pod $NS s3 $MINIO minio server /data/data --address :9000 --certs-dir /data/certs --quiet
    kubectl expose -n $NS pod s3 --port 9000
    kubectl wait -n $NS --for=condition=Ready pod/s3 --timeout=30s
    kubectl create secret generic -n $NS s3-secret --from-literal=RESTIC_PASSWORD=secret --from-literal=AWS_ACCESS_KEY_ID=owner \
        --from-literal=AWS_SECRET_ACCESS_KEY=owners-secret --from-file=CA_CERT_DATA="$BATS_FILE_TMPDIR/tls/ca.crt"
    s3_repository
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

s3_repository() {
    kubectl apply -f - <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: s3, namespace: $NS}
spec:
  wipeOut: true
  backend:
    storageSecretName: s3-secret
    s3: {endpoint: "https://s3.$NS.svc:9000", bucket: backups, prefix: /redis/$NS/, region: us-east-1}
YAML
}

objects() { find "$BATS_FILE_TMPDIR/$NS-s3/data/backups" -name xl.meta -path '*/redis/far/*' | wc -l; }

@test "there and back, with retention" {
    local before
    before=$(digest $NS redis)
    config $NS s3 'repository: {name: s3}' 'retentionPolicy: {name: one, keepLast: 1, prune: true}'
    phase $NS bc/s3 Ready
    for name in one two; do
        session $NS $name s3
        phase $NS backupsession/$name Succeeded 90
    done
    until_is $NS repository/s3 '{.status.snapshotCount} {.status.integrity}' "1 true"
    [ "$(find "$BATS_FILE_TMPDIR/$NS-s3/data/backups/redis/far/snapshots" -name xl.meta | wc -l)" = 1 ]
    cli $NS redis flushall
    restore $NS back 'repository: {name: s3}' 'rules: [{snapshots: [latest]}]'
    phase $NS restoresession/back Succeeded 90
    [ "$(digest $NS redis)" = "$before" ]
}

@test "no word of the Secret in what people see" {
    local seen=$BATS_TEST_TMPDIR/seen
    kubectl wait -n $NS --for=condition=Complete job/stash-restore-back-0 --timeout=60s # the session ends before its last container
    for pod in $(kubectl get pod -n $NS -l job-name -o name); do
        kubectl logs -n $NS "$pod" --all-containers
    done >"$seen"
    grep -q 'snapshot' "$seen"
    kubectl logs -n $SYSTEM -l app.kubernetes.io/component=operator --tail=-1 >>"$seen"
    kubectl get -n $NS events,jobs,backupsession,restoresession,repository,bc -o yaml >>"$seen"
    kubectl get -n $NS pod -l job-name -o yaml >>"$seen"
    ! grep -F -e owners-secret -e 'PRIVATE KEY' "$seen"
}

@test "wipeOut: the data go with the Repository" {
    [ "$(objects)" -gt 3 ]
    kubectl delete -n $NS restoresession back
    kubectl delete -n $NS bc s3
    kubectl delete -n $NS repository.stash.appscode.com s3 --timeout=60s
    [ "$(objects)" = 0 ]
}
