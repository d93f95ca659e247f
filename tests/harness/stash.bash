# SPDX-License-Identifier: Apache-2.0
# Objects of ours and what became of them, in few words, on whatever cluster $KUBECONFIG names. The Repository is "repo"
# and the AppBinding "redis" unless told otherwise.

k() { kubectl "$@"; }

config() { # config NAMESPACE NAME ['more: fields of spec' ...]: a BackupConfiguration whose time is far away
    local ns=$1 name=$2
    shift 2
    {
        cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: $name, namespace: $ns}
spec:
  retentionPolicy: {name: keep, keepLast: 10, prune: false}
YAML
        printf '  %s\n' "$@"
        [[ " $* " == *target:* ]] || echo '  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}'
        [[ " $* " == *schedule:* ]] || echo '  schedule: "0 0 1 1 *"'
        [[ " $* " == *task:* ]] || echo '  task: {name: redis-backup-7.0.5, params: [{name: waitTimeout, value: "3"}]}'
        [[ " $* " == *repository:* ]] || echo '  repository: {name: repo}'
    } | k apply -f - >/dev/null
}

session() { # session NAMESPACE NAME CONFIG [RETRY_LEFT] [KIND]: of a BackupConfiguration, or of that kind
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: BackupSession
metadata:
  name: $2
  namespace: $1
  labels: {stash.appscode.com/invoker-type: ${5:-BackupConfiguration}, stash.appscode.com/invoker-name: $3}
spec: {invoker: {apiGroup: stash.appscode.com, kind: ${5:-BackupConfiguration}, name: $3}, retryLeft: ${4:-0}}
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
YAML
        printf '  %s\n' "$@"
        [[ " $* " == *target:* ]] || echo '  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}'
        [[ " $* " == *task:* ]] || echo '  task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: "3"}]}'
        [[ " $* " == *repository:* ]] || echo '  repository: {name: repo}'
    } | k apply -f - >/dev/null
}

binding_at() { # binding_at NAMESPACE NAME URL ['more: fields of spec' ...]: an AppBinding
    local ns=$1 name=$2 url=$3
    shift 3
    {
        cat <<YAML
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: $name, namespace: $ns}
spec:
  type: redis
  clientConfig: {url: "$url"}
YAML
        [ $# = 0 ] || printf '  %s\n' "$@"
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
    [ ! -e "${T:-}/up.log" ] || tail -20 "$T/up.log" >&2
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

# made_anew NAMESPACE KIND/NAME: deleted, and there again as another object, by whoever keeps it there. kubectl may miss the moment
# in between, and would wait on.
made_anew() {
    local was
    was=$(field "$1" "$2" '{.metadata.uid}')
    k delete -n "$1" "$2" --wait=false
    until_true is_another "$1" "$2" "$was"
}
is_another() { # NAMESPACE KIND/NAME UID
    local now
    now=$(field "$1" "$2" '{.metadata.uid}' 2>/dev/null) && [ "$now" != "$3" ]
}
