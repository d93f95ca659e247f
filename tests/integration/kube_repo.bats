# SPDX-License-Identifier: Apache-2.0
# kube:NAMESPACE/REPOSITORY in place of an address: the Repository and its Secret say the rest.

load ../harness/env.bash
load ../harness/plane.bash
load ../servers/servers.bash

setup() {
    need kubectl curl redis-server restic
    setup_folder
    start_redis a
    cli a mset k v l w >/dev/null
    start_up --pushgateway-listen ""
    world demo "$PORT_a"
    config demo bc
    phase demo bc/bc Ready
    session demo one bc
    phase demo backupsession/one Succeeded
    unset RESTIC_REPOSITORY RESTIC_PASSWORD
}

teardown() {
    stop_up
    server_stop_all
    end_all
}

@test "every command takes a Repository by its name" {
    export RESTIC_REPOSITORY=kube:demo/repo
    "$CSTASH" snapshots --json | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) == 1'
    "$CSTASH" check -q --read-data
    [ "$("$CSTASH" digest -q latest)" = "$("$CSTASH" digest -q --redis "$URL_a")" ]
    cli a set m x >/dev/null
    "$CSTASH" backup -q --redis "$URL_a" --target by-hand
    "$CSTASH" stats --json >/dev/null
    "$CSTASH" restore -q --yes --target by-hand latest --redis "$URL_a"
    "$CSTASH" forget -q --keep-last 5 --prune
    "$CSTASH" unlock
    "$CSTASH" -r kube:demo/repo key list | grep -q '^'
    RESTIC_REPOSITORY=$T/repo-demo RESTIC_PASSWORD=secret restic snapshots --json | python3 -c 'import json, sys; assert len(json.load(sys.stdin)) == 3'
    # From one to another.
    RESTIC_PASSWORD=other "$CSTASH" init -q -r "$T/elsewhere"
    RESTIC_PASSWORD=other "$CSTASH" copy -q -r "$T/elsewhere" --from-repo kube:demo/repo
    [ "$(RESTIC_PASSWORD=other "$CSTASH" snapshots -r "$T/elsewhere" --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 3 ]
}

@test "over S3, with the Secret's credentials and its authority, and none of the environment's" {
    server_s3 "$T/s3" --tls
    cat <<YAML | k apply -f - >/dev/null
apiVersion: v1
kind: Secret
metadata: {name: s3, namespace: demo}
stringData:
  RESTIC_PASSWORD: secret
  AWS_ACCESS_KEY_ID: $AWS_ACCESS_KEY_ID
  AWS_SECRET_ACCESS_KEY: $AWS_SECRET_ACCESS_KEY
  CA_CERT_DATA: |
$(sed 's/^/    /' "$SERVER_CA")
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: far, namespace: demo}
spec: {backend: {storageSecretName: s3, s3: {endpoint: "$S3_URL", bucket: bucket, prefix: far}}}
YAML
    (
        unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
        "$CSTASH" init -q -r kube:demo/far
        "$CSTASH" backup -q -r kube:demo/far --redis "$URL_a"
        "$CSTASH" check -q -r kube:demo/far
    )
    # What the machine has is not sent to where the object says.
    k patch secret s3 -n demo --type merge -p '{"data":{"AWS_ACCESS_KEY_ID":null,"AWS_SECRET_ACCESS_KEY":null}}' >/dev/null
    run "$CSTASH" snapshots -r kube:demo/far
    says 1 "there are no credentials for S3"
}

@test "what is wrong is said: the name, the Repository, its Secret, a volume that is elsewhere" {
    run "$CSTASH" snapshots -r kube:demo/a/b
    says 2 '"kube:demo/a/b" is not of the form kube:NAMESPACE/REPOSITORY'
    run "$CSTASH" snapshots -r kube:demo/none
    says 1 'could not read Repository demo/none'
    k patch repo repo -n demo --type merge -p '{"spec":{"backend":{"storageSecretName":"none"}}}' >/dev/null
    run "$CSTASH" snapshots -r kube:demo/repo
    says 1 'could not read Secret demo/none of Repository demo/repo'
    k patch repo repo -n demo --type merge -p '{"spec":{"backend":{"storageSecretName":"repo-secret","local":{"hostPath":null,"persistentVolumeClaim":{"claimName":"c"}}}}}' >/dev/null
    run "$CSTASH" snapshots -r kube:demo/repo
    says 1 'it lies in a volume (spec.backend.local), which is not mounted here at /safe'
    printf wrong >"$T/wrong"
    k patch repo repo -n demo --type merge -p '{"spec":{"backend":{"local":{"hostPath":{"path":"'"$T/repo-demo"'"},"persistentVolumeClaim":null}}}}' >/dev/null
    run "$CSTASH" snapshots -r kube:demo/repo --password-file "$T/wrong"
    says 12 'wrong password'
    KUBECONFIG=$T/none run "$CSTASH" snapshots -r kube:demo/repo
    says 1 'could not reach the cluster of Repository demo/repo'
}
