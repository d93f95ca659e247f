# SPDX-License-Identifier: Apache-2.0
# Sourced by the bats files in which the cluster has trouble.

. "$BATS_TEST_DIRNAME/cluster/lib.bash"

signal() { # signal NAME PROGRAM: of the cluster
    in_cluster "$CSTASH_E2E_DIR" kill "-$1" "$(cat "$CSTASH_E2E_DIR/$2.pid")"
}
pause() { signal STOP "$1"; }
resume() { signal CONT "$1"; }

# operators [TEXT]: the process numbers of the operators, or of those that have TEXT in their environment
operators() {
    local pid
    for pid in $(in_cluster "$CSTASH_E2E_DIR" pgrep -f 'cstash operator'); do
        in_cluster "$CSTASH_E2E_DIR" grep -qz "${1:-.}" "/proc/$pid/environ" && echo "$pid"
    done
}

server_killed() { # the API server, and it is there again
    signal KILL kube-apiserver
    sleep 1
    until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done
}

settled() { # the node and the controllers, who end when the API server is away, are there again
    local probe=probe-$RANDOM
    kubectl create namespace $probe
    kubectl wait -n $probe --for=create serviceaccount/default --timeout=120s
    kubectl delete namespace $probe --timeout=120s
    kubectl wait --for=condition=Ready node --all --timeout=120s
}

# A backup that takes its time: Redis waits so long before it begins to send. begin_slow SESSION SECONDS CONFIG [NAMESPACE]
begin_slow() {
    local ns=${4:-$NS}
    cli "$ns" redis config set repl-diskless-sync-delay "$2"
    session "$ns" "$1" "$3"
    for _ in $(seq 100); do
        POD=$(kubectl get pod -n "$ns" -l "job-name=stash-backup-$1-0" -o name)
        [ -n "$POD" ] && kubectl logs -n "$ns" "$POD" -c redis-backup-7-0-5-0 2>/dev/null | grep dumping && break
        sleep 0.2
    done
}
