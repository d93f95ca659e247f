# SPDX-License-Identifier: Apache-2.0
# Sourced after env.bash: the whole control plane on free ports, and objects for it in few words.

# start_up [options of up]: plane, operator and Pushgateway over $T/state; sets UP_PID, API, METRICS, PUSH, KUBECONFIG.
start_up() {
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

k() { kubectl "$@"; }

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
---
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: redis, namespace: $1}
spec:
  type: redis
  clientConfig: {url: "redis://127.0.0.1:$2"}
  secret: {name: redis-secret}
YAML
}

config() { # config NAMESPACE NAME ['more: fields of spec' ...]: a BackupConfiguration whose time is far away
    local ns=$1 name=$2
    shift 2
    {
        cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: $name, namespace: $ns}
spec:
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
  retentionPolicy: {name: keep, keepLast: 10, prune: false}
YAML
        printf '  %s\n' "$@"
        [[ " $* " == *schedule:* ]] || echo '  schedule: "0 0 1 1 *"'
        [[ " $* " == *task:* ]] || echo '  task: {name: redis-backup-7.0.5, params: [{name: waitTimeout, value: "3"}]}'
        [[ " $* " == *repository:* ]] || echo '  repository: {name: repo}'
    } | k apply -f - >/dev/null
}

session() { # session NAMESPACE NAME CONFIG [RETRY_LEFT]
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: BackupSession
metadata:
  name: $2
  namespace: $1
  labels: {stash.appscode.com/invoker-type: BackupConfiguration, stash.appscode.com/invoker-name: $3}
spec: {invoker: {apiGroup: stash.appscode.com, kind: BackupConfiguration, name: $3}, retryLeft: ${4:-0}}
YAML
}

restore() { # restore NAMESPACE NAME ['more: fields of spec' ...]
    local ns=$1 name=$2
    shift 2
    {
        cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: $name, namespace: $ns}
spec:
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
YAML
        printf '  %s\n' "$@"
        [[ " $* " == *task:* ]] || echo '  task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: "3"}]}'
        [[ " $* " == *repository:* ]] || echo '  repository: {name: repo}'
    } | k apply -f - >/dev/null
}

field() { k get -n "$1" "$2" -o "jsonpath=$3"; } # field NAMESPACE KIND/NAME '{.status.phase}'

until_is() { # until_is NAMESPACE KIND/NAME JSONPATH VALUE [SECONDS]
    local got end=$((SECONDS + ${5:-30}))
    while [ $SECONDS -lt $end ]; do
        got=$(field "$1" "$2" "$3" 2>/dev/null)
        [ "$got" = "$4" ] && return 0
        sleep 0.1
    done
    echo "$2 $3 is \"$got\", not \"$4\"" >&2
    k get -n "$1" "$2" -o yaml >&2
    k get -n "$1" events,jobs,pods >&2
    tail -20 "$T/up.log" >&2
    return 1
}

phase() { until_is "$1" "$2" '{.status.phase}' "$3" "${4:-30}"; } # phase NAMESPACE KIND/NAME PHASE [SECONDS]

condition() { # condition NAMESPACE KIND/NAME TYPE: its status and message; target conditions too
    k get -n "$1" "$2" -o json | python3 -c '
import json, sys
s = json.load(sys.stdin).get("status", {})
for c in s.get("conditions", []) + [c for t in s.get("targets", []) for c in t.get("conditions", [])]:
    if c["type"] == sys.argv[1]:
        print(c["status"], c.get("message", ""))' "$3"
}

host_error() { # host_error NAMESPACE KIND/NAME: what the first host says
    k get -n "$1" "$2" -o json | python3 -c '
import json, sys
s = json.load(sys.stdin)["status"]
stats = s.get("stats") or [h for t in s.get("targets", []) for h in t.get("stats", [])]
print(stats[0].get("error", "") if stats else "")'
}

snapshots_of() { # snapshots_of NAMESPACE: how many
    restic -r "$T/repo-$1" snapshots --json 2>/dev/null | python3 -c 'import json, sys; print(len(json.loads(sys.stdin.read() or "[]")))'
}
