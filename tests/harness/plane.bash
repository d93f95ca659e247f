# SPDX-License-Identifier: Apache-2.0
# Sourced after env.bash: the whole control plane on free ports, and a world in it.

source "${BASH_SOURCE%/*}/stash.bash"

# start_up [options of up]: plane, operator and Pushgateway over $T/state; sets UP_PID, API, METRICS, PUSH, KUBECONFIG.
start_up() {
    local given=${API:-}
    API=${API:-$(free_port)} METRICS=${METRICS:-$(free_port)} PUSH=${PUSH:-$(free_port)}
    export KUBECONFIG=$T/state/kubeconfig
    "$CSTASH" up --dir "$T/state" --listen "127.0.0.1:$API" --metrics-listen "127.0.0.1:$METRICS" \
        --pushgateway-listen "127.0.0.1:$PUSH" "$@" >>"$T/up.log" 2>&1 3>&- &
    UP_PID=$!
    echo "$UP_PID" >"$T/up.pid"
    for _ in $(seq 200); do
        curl -fs "http://127.0.0.1:$METRICS/readyz" >/dev/null 2>&1 && return 0
        kill -0 "$UP_PID" 2>/dev/null || break
        sleep 0.05
    done
    # A port that somebody else took in between is another port's turn.
    if [ -z "$given" ] && tail -n 2 "$T/up.log" | grep -q 'Address already in use'; then
        unset API METRICS PUSH
        start_up "$@"
        return
    fi
    echo "up did not start" >&2
    cat "$T/up.log" >&2
    return 1
}

stop_up() { # stop_up [signal]
    local pid
    pid=$(cat "$T/up.pid" 2>/dev/null) || return 0
    kill "-${1:-TERM}" "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
    rm -f "$T/up.pid"
    ! grep -E 'Sanitizer|runtime error' "$T/up.log" # of a build that looks for such things
}

# Namespace, Secret of the repository, Repository in a folder, Secret and AppBinding of a Redis.
world() { # world NAMESPACE REDIS_PORT [REDIS_PASSWORD]
    cat <<YAML | k apply -f - >/dev/null
apiVersion: v1
kind: Namespace
metadata: {name: $1}
---
apiVersion: v1
kind: Secret
metadata: {name: repo-secret, namespace: $1}
stringData: {RESTIC_PASSWORD: secret}
---
apiVersion: v1
kind: Secret
metadata: {name: redis-secret, namespace: $1}
stringData: {password: "${3:-}"}
---
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: repo, namespace: $1}
spec:
  backend:
    storageSecretName: repo-secret
    local: {mountPath: /safe, hostPath: {path: $T/repo-$1}}
YAML
    binding_at "$1" redis "redis://127.0.0.1:$2" 'secret: {name: redis-secret}'
}

start_hooks() { # a server that hooks may call, on port HOOKS; what they asked is in $T/hooks, a line each
    : >"$T/hooks"
    serve HOOKS python3 "${BASH_SOURCE%/*}/hookserver.py" "$T/hooks"
}

snapshots_of() { # snapshots_of NAMESPACE: how many, without the copies that restores took
    restic -r "$T/repo-$1" snapshots --json 2>/dev/null | python3 -c 'import json, sys
print(sum("before-restore" not in (s.get("tags") or []) for s in json.loads(sys.stdin.read() or "[]")))'
}
