# SPDX-License-Identifier: Apache-2.0
# What spec.cstash of a RestoreSession says: which keys, and what becomes of them; and what is wrong with it.
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
    cli a mset 'a key' v1 'a$$key' v2 user:1 v3 skip:1 v4 >/dev/null
    cli a hset user:h mail me@here name bob >/dev/null
    cli a -n 2 set two v EX 100000 >/dev/null
    cli a -n 3 set three v >/dev/null
    config demo bc
    session demo one bc
    phase demo backupsession/one Succeeded
}

teardown() {
    stop_up
    end_all
}

restoring() { # restoring NAME 'args' 'fields of spec.cstash'
    k apply -f - >/dev/null <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: RestoreSession
metadata: {name: $1, namespace: demo}
spec:
  repository: {name: repo}
  target:
    ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: other}
    rules: [{snapshots: [latest]}]
  task: {name: redis-restore-7.0.5, params: [{name: waitTimeout, value: "3"}, {name: args, value: "$2"}]}
  cstash: {$3}
YAML
}
reason() { field demo "$1" "{.status.conditions[?(@.type==\"$2\")].reason}"; }

@test "keys are chosen and changed, whatever their names; each field goes before what args say; and the result says so" {
    restoring some "--target demo/AppBinding/redis --match skip:* --ttl keep" \
        'match: ["a *", "a$$*", "user:*", "two", "three"], databases: [0, 2], renamePrefix: [{from: "user:", to: "copy:"}], dbMap: [{from: 2, to: 5}], ttl: drop, mask: [{keys: "user:1", how: drop}, {keys: "user:*", fields: mail, how: fixed}]'
    phase demo restoresession/some Succeeded
    cli b keys '*' | LC_ALL=C sort >"$T/keys"
    printf '%s\n' 'a key' 'a$$key' copy:h | diff - "$T/keys"
    [ "$(cli b hget copy:h mail)" = masked ]
    [ "$(cli b hget copy:h name)" = bob ]
    [ "$(cli b -n 5 ttl two)" = -1 ]
    [ "$(cli b -n 3 dbsize)" = 0 ]
    [[ "$(field demo restoresession/some '{.status.stats[0].partial}')" == *"of the 7 keys of the dump some were filtered out"*"--rename-prefix 'user:=copy:' --db-map 2=5 --ttl drop --mask"* ]]
    [ "$(reason restoresession/some PartialRestore)" != "" ]
    # what a part says for itself stays
    restoring types "--target demo/AppBinding/redis" 'types: [hash], exclude: ["skip:*"]'
    phase demo restoresession/types Succeeded
    [ "$(cli b hget user:h mail)" = me@here ]
}

@test "what is wrong is told by condition and event, and no Job starts" {
    restoring bad "--target demo/AppBinding/redis" 'renamePrefix: [{from: "a=", to: b}]'
    phase demo restoresession/bad Invalid
    [[ "$(condition demo restoresession/bad ValidationPassed)" == 'False spec.cstash.renamePrefix[0] must have'* ]]
    k get -n demo events | grep -q 'Warning.*spec.cstash.renamePrefix'
    [ -z "$(k get -n demo jobs -o name | grep -i bad)" ]
    run restoring worse "" 'ttl: never'
    [ "$status" != 0 ]
    [ "$(cli b dbsize)" = 0 ]
}
