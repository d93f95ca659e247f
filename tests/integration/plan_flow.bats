# SPDX-License-Identifier: Apache-2.0
# A RestoreSession and a RestoreBatch that are only planned: what they say, and that nothing is written nor run for it.
load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic prometheus-pushgateway
    setup_folder
    export HOME=$T
    start_redis a
    start_redis b
    start_up
    world demo "$PORT_a"
    binding_at demo other "redis://127.0.0.1:$PORT_b" 'secret: {name: redis-secret}'
    cli a mset k1 v k2 v >/dev/null
    cli a setrange k3 3000000 x >/dev/null
    config demo bc
    session demo one bc
    phase demo backupsession/one Succeeded
}

teardown() {
    stop_up
    end_all
}

planned() { # planned NAME ['more: fields of spec' ...]: a RestoreSession of redis, to be planned
    local name=$1
    shift
    {
        cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: $name, namespace: demo, annotations: {cstash.io/plan: "${PLAN:-true}"}}
spec:
  repository: {name: repo}
  target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
YAML
        [[ " $* " == *task:* ]] || echo '  task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: "3"}]}'
        printf '  %s\n' "$@"
    } | k apply -f - >/dev/null
}
reason() { field demo "$1" "{.status.conditions[?(@.type==\"$2\")].reason}"; }
of_repo() { find "$T/repo-demo" -type f -exec sha256sum {} + | sort; }
writes() { cli a info persistence | tr -d '\r' | grep rdb_changes_since_last_save; }

@test "a planned RestoreSession says what would be, by condition and event, and its phase is that of no restore" {
    local before writes at words
    cli a del k3 >/dev/null
    cli a mset k1 mine secretkey secretvalue >/dev/null
    before=$(digest a) writes=$(writes)
    start_hooks
    at="host: 127.0.0.1, port: $HOOKS"
    of_repo >"$T/before"
    planned ask "hooks: {preRestore: {httpGet: {$at, path: /first}}, postRestore: {httpGet: {$at, path: /last}}}"
    phase demo restoresession/ask Planned
    [ "$(field demo restoresession/ask '{.status.stats[0].phase}')" = Planned ]
    [ -z "$(field demo restoresession/ask '{.status.stats[0].safetyCopy}')" ]
    words=$(condition demo restoresession/ask RestorePossible)
    [[ "$words" == "True the restore would work" ]]
    [ "$(reason restoresession/ask RestorePossible)" = NothingInTheWay ]
    [[ "$(condition demo restoresession/ask PlanConflicts)" == "True 2 of the 3 are there: they would be replaced" ]]
    [[ "$(condition demo restoresession/ask PlanSnapshot)" == "True 3 keys,"* ]]
    [[ "$(condition demo restoresession/ask PlanSafetyCopy)" == "True the 3 keys that the target holds would be copied first"* ]]
    for it in PlanTarget PlanVersion PlanRights PlanMemory; do [[ "$(condition demo restoresession/ask $it)" == True* ]]; done
    k get -n demo events | grep -q 'Normal *RestorePlanned.*Nothing was written: the restore would work'
    k wait -n demo restoresession/ask --for=condition=RestorePossible --timeout 1s
    # nothing of it: no key, no lock and no copy in the repository, no hook, no metrics, no word of success, no name of a key
    [ "$(digest a)" = "$before" ]
    [ "$(writes)" = "$writes" ]
    of_repo | diff "$T/before" -
    [ ! -s "$T/hooks" ]
    ! curl -s "http://127.0.0.1:$PUSH/metrics" | grep stash_restore
    ! k get -n demo restoresession/ask -o yaml | grep -E 'Succeeded$|secret(key|value)|phase: Succ'
    ! k get -n demo events | grep -E 'Restore Succeeded|secretkey|SafetyCopyTaken'
    # what does not work
    cli a acl setuser default -del >/dev/null
    cli a config set maxmemory 1mb >/dev/null
    planned full
    phase demo restoresession/full Planned
    [[ "$(condition demo restoresession/full RestorePossible)" == "False the restore would not work: "*memory* ]]
    [[ "$(condition demo restoresession/full PlanMemory)" == "False "*"of a maxmemory of 1,048,576"*"CONFIG SET maxmemory"* ]]
    [ "$(reason restoresession/full PlanMemory)" = InTheWay ]
    k get -n demo events | grep -q 'Warning *RestorePlanned.*the restore would not work'
    cli a config set maxmemory 0 >/dev/null
    cli a acl setuser default +@all >/dev/null
    # what cannot be asked
    planned nobody 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}, rules: [{snapshots: [0123abcd]}]}'
    phase demo restoresession/nobody Failed
    [ -z "$(condition demo restoresession/nobody RestorePossible)" ]
    ! curl -s "http://127.0.0.1:$PUSH/metrics" | grep stash_restore
    # with args
    planned part 'task: {name: redis-restore-7.0.5, params: [{name: args, value: "--existing fail --match k3"}]}'
    phase demo restoresession/part Planned
    [[ "$(condition demo restoresession/part RestorePossible)" == "True the restore would work" ]]
    planned fail 'task: {name: redis-restore-7.0.5, params: [{name: args, value: "--existing fail"}]}'
    phase demo restoresession/fail Planned
    [[ "$(condition demo restoresession/fail RestorePossible)" == "False "*"2 of the 3 are there: they would end the restore"* ]]
    [ "$(digest a)" = "$before" ]
    # "false" restores, and a word that is neither is refused
    PLAN=false planned real
    phase demo restoresession/real Succeeded
    [ "$(cli a get k1)" = v ]
    PLAN=maybe planned wrong
    phase demo restoresession/wrong Invalid
}

@test "a planned RestoreBatch: each member says so, and no hook of the whole runs" {
    local before at
    cli b set k1 other >/dev/null
    cli a flushall >/dev/null
    before="$(digest a) $(digest b)"
    start_hooks
    at="host: 127.0.0.1, port: $HOOKS"
    cat <<YAML | k apply -f - >/dev/null
apiVersion: stash.appscode.com/v1beta1
kind: RestoreBatch
metadata: {name: both, namespace: demo, annotations: {cstash.io/plan: "true"}}
spec:
  repository: {name: repo}
  hooks: {preRestore: {httpGet: {$at, path: /first}}, postRestore: {httpGet: {$at, path: /last}}}
  members:
  - target: {alias: host-0, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: redis}}
    task: {name: redis-restore-7.0.5}
  - target: {alias: host-0, ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: other}}
    task: {name: redis-restore-7.0.5, params: [{name: args, value: "--existing fail"}]}
YAML
    phase demo restorebatch/both Planned
    k get -n demo restorebatch/both -o json | python3 -c '
import json, sys
s = json.load(sys.stdin)["status"]
one, two = s["members"]
said = lambda m: {c["type"]: c["status"] for c in m["conditions"]}
assert one["phase"] == two["phase"] == "Planned", s
assert said(one)["RestorePossible"] == "True" and said(two)["RestorePossible"] == "False", s
assert "Succeeded\"" not in json.dumps(s), s'
    [ ! -s "$T/hooks" ]
    [ "$(digest a) $(digest b)" = "$before" ]
}
