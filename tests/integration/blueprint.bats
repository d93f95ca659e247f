# SPDX-License-Identifier: Apache-2.0
# BackupBlueprint: an annotation of an AppBinding is enough for a backup.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl redis-server restic
    setup_folder
    start_redis a
    cli a set k v >/dev/null
    start_up --pushgateway-listen ""
    world demo "$PORT_a"
    blueprint all
}

teardown() {
    stop_up
    end_all
}

blueprint() { # blueprint NAME ['more: fields of spec' ...]
    local name=$1
    shift
    {
        cat <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupBlueprint
metadata: {name: $name}
spec:
  backend:
    storageSecretName: repo-secret
    local: {mountPath: /safe, hostPath: {path: "$T/store/$name/\${TARGET_NAMESPACE}/\${TARGET_APP_RESOURCE}/\${TARGET_NAME}"}}
  task: {name: "redis-backup-\${TARGET_APP_VERSION}"}
  schedule: "0 0 1 1 *"
  retentionPolicy: {name: keep-last-5, keepLast: 5, prune: true}
YAML
        [ $# = 0 ] || printf '  %s\n' "$@"
    } | k apply -f - >/dev/null
}

wants() { # wants NAMESPACE APPBINDING BLUEPRINTS
    k patch appbinding -n "$1" "$2" --type merge -p '{"spec":{"type":"kubedb.com/redis","version":"7.0.5"}}' >/dev/null
    k annotate --overwrite appbinding -n "$1" "$2" "stash.appscode.com/backup-blueprint=$3" >/dev/null
}

configs() { k get bc -A -o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name} {end}'; }
has_configs() { [ "$(configs)" = "$1" ]; }
told_app() { k get events -n "$1" -o jsonpath='{.items[?(@.reason=="BlueprintNotFollowed")].message}' | grep -qF "$2"; }

@test "the annotation makes a Repository and a configuration, they follow it, and what was saved stays" {
    wants demo redis all
    phase demo bc/app-redis Ready
    [ "$(field demo repo/app-redis '{.spec.backend.local.hostPath.path}')" = "$T/store/all/demo/redis/redis" ]
    [ "$(field demo bc/app-redis '{.spec.task.name}')" = redis-backup-7.0.5 ]
    session demo one app-redis
    phase demo backupsession/one Succeeded
    # Overrides, a blueprint that changes, and a change by hand.
    k annotate appbinding -n demo redis 'stash.appscode.com/schedule=3 3 3 3 *' params.stash.appscode.com/waitTimeout=7 >/dev/null
    until_is demo bc/app-redis '{.spec.schedule} {.spec.task.params[0].value}' '3 3 3 3 * 7'
    blueprint all 'timeOut: 1h' 'backupHistoryLimit: 3'
    until_is demo bc/app-redis '{.spec.timeOut}' 1h
    blueprint all 'backupHistoryLimit: 4'
    until_is demo bc/app-redis '{.spec.backupHistoryLimit}{.spec.timeOut}' 4
    k patch bc -n demo app-redis --type merge -p '{"spec":{"schedule":"@yearly"}}' >/dev/null
    until_is demo bc/app-redis '{.spec.schedule}' '3 3 3 3 *'
    made_anew demo bc/app-redis
    phase demo bc/app-redis Ready
    k annotate appbinding -n demo redis stash.appscode.com/schedule- >/dev/null
    until_is demo bc/app-redis '{.spec.schedule}' '0 0 1 1 *'
    # Without the annotation the configuration goes; with it again the same Repository is used.
    k annotate appbinding -n demo redis stash.appscode.com/backup-blueprint- >/dev/null
    until_true has_configs ''
    [ "$(RESTIC_PASSWORD=secret restic -q -r "$T/store/all/demo/redis/redis" snapshots --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 1 ]
    wants demo redis all
    phase demo bc/app-redis Ready
    session demo two app-redis
    phase demo backupsession/two Succeeded
    until_is demo repo/app-redis '{.status.snapshotCount}' 2
    # So does it when the AppBinding itself goes.
    k delete appbinding -n demo redis >/dev/null
    until_true has_configs ''
    field demo repo/app-redis '{.metadata.name}'
}

@test "namespaces of their own for backups and stores; several blueprints; the operator starts anew" {
    k create namespace backups >/dev/null
    k create namespace stores >/dev/null
    blueprint apart 'backupNamespace: backups' 'repoNamespace: stores' 'usagePolicy: {allowedNamespaces: {from: All}}'
    blueprint second
    wants demo redis apart,all,second
    until_true has_configs 'backups/demo-app-redis demo/app-redis demo/app-redis-second '
    field stores repo/demo-app-redis '{.metadata.name}'
    until_is backups bc/demo-app-redis '{.status.conditions[?(@.type=="BackendSecretFound")].status}' False
    [[ "$(condition backups bc/demo-app-redis BackupTargetFound)" == *"may not get AppBinding redis of the namespace demo"* ]]
    # Whoever comes first now: names stay where they are.
    wants demo redis second,all
    until_true has_configs 'demo/app-redis demo/app-redis-second '
    [ "$(field demo bc/app-redis '{.spec.repository.name}')" = app-redis ]
    [ "$(field demo repo/app-redis '{.spec.backend.local.hostPath.path}')" = "$T/store/all/demo/redis/redis" ]
    stop_up
    start_up --pushgateway-listen ""
    phase demo bc/app-redis Ready
    k annotate appbinding -n demo redis stash.appscode.com/backup-blueprint- >/dev/null
    until_true has_configs ''
}

@test "why not is told: on the AppBinding, and on what was made before" {
    wants demo redis none
    until_true told_app demo 'No backup by BackupBlueprint none: there is no BackupBlueprint none'
    blueprint none
    phase demo bc/app-redis Ready
    # What was made stays when the blueprint cannot be followed any more.
    k patch backupblueprint none --type merge -p '{"spec":{"task":{"name":"redis-backup-${TARGET_NOBODY}"}}}' >/dev/null
    until_is demo bc/app-redis '{.status.conditions[?(@.type=="BlueprintFollowed")].status}' False
    [[ "$(condition demo bc/app-redis BlueprintFollowed)" == *"key TARGET_NOBODY"* ]]
    k delete backupblueprint none >/dev/null
    until_is demo bc/app-redis '{.status.conditions[?(@.type=="BlueprintFollowed")].message}' 'there is no BackupBlueprint none'
    phase demo bc/app-redis Ready
    blueprint none
    until_is demo bc/app-redis '{.status.conditions[?(@.type=="BlueprintFollowed")].status}' True
    # The type leads into a bucket.
    k patch appbinding -n demo redis --type merge -p '{"spec":{"type":"../../other"}}' >/dev/null
    until_true told_app demo 'neither RESOURCE nor GROUP/RESOURCE'
    [ "$(field demo repo/app-redis '{.spec.backend.local.hostPath.path}')" = "$T/store/none/demo/redis/redis" ]
}

followed() { until_is demo bc/app-redis '{.status.conditions[?(@.type=="BlueprintFollowed")].status}' "$1"; }
followed_says() { until_true is_said "$1"; }
is_said() { [[ "$(condition demo bc/app-redis BlueprintFollowed)" == "False "*"$1"* ]]; }
path() { field demo repo/app-redis '{.spec.backend.local.hostPath.path}'; }

@test "a slip of the pen takes no backups away: a name, a schedule, what the API server refuses" {
    wants demo redis all
    phase demo bc/app-redis Ready
    followed True
    uid=$(field demo bc/app-redis '{.metadata.uid}')
    wants demo redis al
    followed_says 'Kept as BackupBlueprint all made it: the AppBinding names al, and there is no BackupBlueprint al'
    until_true told_app demo 'No backup by BackupBlueprint al: there is no BackupBlueprint al'
    wants demo redis all
    followed True
    k annotate appbinding -n demo redis 'stash.appscode.com/schedule=61 * * * *' >/dev/null
    followed_says 'spec.schedule'
    until_true told_app demo 'No backup by BackupBlueprint all: spec.schedule'
    [ "$(field demo bc/app-redis '{.spec.schedule} {.status.phase}')" = '0 0 1 1 * Ready' ]
    k annotate appbinding -n demo redis stash.appscode.com/schedule- >/dev/null
    followed True
    # The API server takes no Repository there.
    blueprint all 'repoNamespace: nowhere' 'usagePolicy: {allowedNamespaces: {from: All}}'
    followed_says 'could not make Repository nowhere/demo-app-redis'
    [ "$(field demo bc/app-redis '{.spec.repository.name}{.spec.repository.namespace}')" = app-redis ]
    k create namespace nowhere >/dev/null
    until_is demo bc/app-redis '{.spec.repository.namespace}' nowhere
    followed True
    [ "$(field demo bc/app-redis '{.metadata.uid}')" = "$uid" ]
    # Meant: the annotation is gone.
    k annotate appbinding -n demo redis stash.appscode.com/backup-blueprint- >/dev/null
    until_true has_configs ''
}

@test "backups do not move with a blueprint: a Repository that has some stays where it is" {
    wants demo redis all
    phase demo bc/app-redis Ready
    k get backupblueprint all -o json | python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "all"}; print(json.dumps(o))' >"$T/all"
    elsewhere() { sed "s|store/all|store/$1|" "$T/all" | k apply -f - >/dev/null; }
    elsewhere new # nothing is there yet
    until_true is_at new
    session demo one app-redis
    phase demo backupsession/one Succeeded
    until_is demo repo/app-redis '{.status.snapshotCount}' 1
    elsewhere newer
    followed_says 'Repository demo/app-redis has backups, and its backend would be another one: it stays'
    until_true told_app demo 'Repository demo/app-redis has backups'
    is_at new
    session demo two app-redis
    phase demo backupsession/two Succeeded
    until_is demo repo/app-redis '{.status.snapshotCount}' 2
    # In another namespace it would be another history too.
    k create namespace stores >/dev/null
    sed "s|store/all|store/newer|" "$T/all" | python3 -c 'import json, sys; o = json.load(sys.stdin); o["spec"]["repoNamespace"] = "stores"; print(json.dumps(o))' | k apply -f - >/dev/null
    followed_says 'Repository demo/app-redis has backups'
    [ -z "$(k get -n stores repo -o name)" ]
    elsewhere new
    followed True
    # What opens it may change.
    k create secret generic -n demo other-secret --from-literal=RESTIC_PASSWORD=secret >/dev/null
    sed "s|store/all|store/new|; s|repo-secret|other-secret|" "$T/all" | k apply -f - >/dev/null
    until_is demo repo/app-redis '{.spec.backend.storageSecretName}' other-secret
    followed True
    # To begin anew: the Repository goes, its backups stay.
    elsewhere newer
    followed_says 'has backups'
    k delete repo -n demo app-redis --wait=false
    until_true is_at newer
    followed True
    RESTIC_PASSWORD=secret restic -q -r "$T/store/new/demo/redis/redis" check
}
is_at() { [ "$(path)" = "$T/store/$1/demo/redis/redis" ]; }

@test "what is there already is not taken from its owner, but taken over from Stash" {
    binding_at demo other "redis://127.0.0.1:$PORT_a"
    k get repo repo -n demo -o json | python3 -c 'import json, sys; o = json.load(sys.stdin); o["metadata"] = {"name": "app-redis", "namespace": "demo"}; del o["status"]; print(json.dumps(o))' | k create -f - >/dev/null
    config demo app-other
    wants demo redis all
    wants demo other all
    until_true told_app demo 'Repository demo/app-redis is there, and its backend is another one'
    until_true told_app demo 'BackupConfiguration demo/app-other is there, and has another target'
    [ "$(field demo repo/app-redis '{.spec.backend.local.hostPath.path}')" = "$T/repo-demo" ]
    [ "$(field demo bc/app-other '{.spec.target.ref.name}')" = redis ]
    # As Stash leaves them: the same, without marks.
    made_anew demo repo/app-redis
    phase demo bc/app-redis Ready
    for kind in repo bc; do
        k annotate -n demo "$kind" app-redis cstash.io/blueprint- cstash.io/blueprint-target- cstash.io/blueprint-revision- >/dev/null
    done
    k annotate --overwrite appbinding -n demo redis 'stash.appscode.com/schedule=1 1 1 1 *' >/dev/null
    until_is demo bc/app-redis '{.spec.schedule} {.metadata.annotations.cstash\.io/blueprint}' '1 1 1 1 * all'
}
