# SPDX-License-Identifier: Apache-2.0
# Sourced after e2e.bash: the operator as deploy/ installs it, and a world for it in few words.

source "$ROOT/tests/harness/stash.bash"

SYSTEM=cstash-system REDIS=cstash-test/redis:7.0

installed() { # the operator of deploy/ runs; once for all files
    kubectl get -n $SYSTEM deployment/cstash-operator >/dev/null 2>&1 && return 0
    "$ROOT/tests/e2e/images/pushgateway" "$BATS_SUITE_TMPDIR/pushgateway.tar"
    "$CLUSTER/load-image" "$ROOT/build/cstash-image.tar" "$BATS_SUITE_TMPDIR/pushgateway.tar"
    for _ in $(seq 20); do # again until the new kinds are known, as deploy/README.md says
        kubectl apply --server-side -k "$ROOT/tests/e2e/images" && break
        sleep 0.5
    done
    kubectl rollout status -n $SYSTEM deployment/cstash-operator --timeout=60s
    kubectl rollout status -n $SYSTEM deployment/cstash-pushgateway --timeout=60s
}

# storage NAMESPACE CLAIM [FOLDER]: a volume for a claim to come, with a folder under $BATS_FILE_TMPDIR that any user may write.
storage() {
    local folder=$BATS_FILE_TMPDIR/${3:-$1-$2}
    mkdir -p "$folder"
    chmod 777 "$folder"
    kubectl apply -f - <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: $1-$2, labels: {of: $1}}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteMany]
  storageClassName: ""
  claimRef: {namespace: $1, name: $2}
  hostPath: {path: $folder, type: Directory}
YAML
}

CLAIM='{accessModes: [ReadWriteMany], storageClassName: "", resources: {requests: {storage: 1Gi}}}'

volume() { # volume NAMESPACE NAME [FOLDER]: a claim with such storage
    storage "$@"
    kubectl apply -f - <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: $2, namespace: $1}
spec: $CLAIM
YAML
}

redis_pod() { # redis_pod NAMESPACE NAME PASSWORD [option of redis-server ...]: and a Service of that name
    local ns=$1 name=$2 password=$3
    shift 3
    pod "$ns" "$name" $REDIS redis-server --save '' --requirepass "$password" "$@"
    kubectl expose -n "$ns" pod "$name" --port 6379
    kubectl wait -n "$ns" --for=condition=Ready "pod/$name" --timeout=30s
}

# cli NAMESPACE POD COMMAND ...: redis-cli within the pod
cli() {
    local ns=$1 name=$2
    shift 2
    kubectl exec -n "$ns" "$name" -- env REDISCLI_AUTH=secret redis-cli "$@"
}

binding() { # binding NAMESPACE NAME SERVICE ['more: fields of spec' ...]
    local ns=$1 name=$2 service=$3
    shift 3
    {
        cat <<YAML
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: $name, namespace: $ns}
spec:
  type: redis
  clientConfig: {service: {name: $service, port: 6379, scheme: redis}}
YAML
        printf '  %s\n' "$@"
        [[ " $* " == *secret:* ]] || echo '  secret: {name: redis-secret}'
    } | kubectl apply -f -
}

repository() { # repository NAMESPACE NAME CLAIM
    kubectl apply -f - <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: $2, namespace: $1}
spec:
  backend:
    storageSecretName: repo-secret
    local: {mountPath: /safe, persistentVolumeClaim: {claimName: $3}}
YAML
}

# world NAMESPACE: under "restricted", a Redis with some keys, its Secret and AppBinding "redis", a claim "backups" and a
# Repository "repo" on it.
world() {
    namespace "$1"
    volume "$1" backups
    kubectl create secret generic -n "$1" redis-secret --from-literal=password=secret
    kubectl create secret generic -n "$1" repo-secret --from-literal=RESTIC_PASSWORD=secret
    redis_pod "$1" redis secret --enable-debug-command yes --repl-diskless-sync-delay 0
    binding "$1" redis redis
    repository "$1" repo backups
    cli "$1" redis eval 'for i = 1, 1000 do
        redis.call("SET", "key:" .. i, i, "EX", 100000) redis.call("RPUSH", "l:" .. i % 7, i) redis.call("HSET", "h", i, i) end' 0
}

gone_world() { # gone_world NAMESPACE: with the volumes of its claims
    kubectl delete namespace "$1" --wait=false
    kubectl delete persistentvolume --wait=false -l "of=$1"
}

digest() { cli "$1" "$2" debug digest; } # digest NAMESPACE POD
