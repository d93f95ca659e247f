# SPDX-License-Identifier: Apache-2.0
# The kind Snapshot: what kubectl shows of a repository, and which deletions reach it.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl python3 restic
    setup_folder
    start_redis a
    cli a set k v >/dev/null
    start_up --pushgateway-listen ""
    world demo "$PORT_a"
    config demo bc
}

teardown() {
    stop_up
    end_all
}

REPO_TOOL=${CSTASH_BUILD:-$BATS_TEST_DIRNAME/../../build}/tests/repo_tool

# plant 'TIME|HOST|PATHS|TAGS' ...: snapshots made by others
plant() { printf '%s\n' "$@" | RESTIC_REPOSITORY=$T/repo-demo "$REPO_TOOL" plant; }

backup() { # backup SESSION [CONFIG]
    session demo "$1" "${2:-bc}"
    phase demo "backupsession/$1" Succeeded
}

ids() { restic -r "$T/repo-${1:-demo}" snapshots --json --no-lock | python3 -c 'import json, sys; print("\n".join(sorted(s["id"] for s in json.load(sys.stdin))))'; }
shown() { k get -n demo snapshots "$@" -o jsonpath='{range .items[*]}{.status.id}{"\n"}{end}' | sort; }
are_shown() { [ "$(shown -l repository=repo)" = "$(ids)" ]; }

another_repository() { # another_repository NAME: and a configuration of that name
    k get repo repo -n demo -o json | python3 -c '
import json, sys
o = json.load(sys.stdin)
o["metadata"] = {"name": sys.argv[1], "namespace": "demo", "labels": {"team": "cache", "app.kubernetes.io/instance": "gitops"}}
o["spec"]["backend"]["local"]["hostPath"]["path"] = sys.argv[2]
del o["status"]
print(json.dumps(o))' "$1" "$T/repo-${2:-other}" | k create -f - >/dev/null
    config demo "${2:-other}" "repository: {name: $1}"
}

@test "a backup is shown: names, columns, labels, status" {
    local id
    backup one
    are_shown
    id=$(ids)
    run k get -n demo snapshots
    [[ "${lines[0]}" =~ ^NAME\ +ID\ +REPOSITORY\ +HOSTNAME\ +CREATED\ AT$ ]]
    [[ "${lines[1]}" =~ ^repo-${id:0:8}\ +${id:0:8}\ +repo\ +host-0\ +20[0-9-]+T[0-9:]+Z$ ]]
    k get -n demo snapshots -o wide | grep -q 'CREATED AT *VERIFIED *AGE$'
    [ "$(field demo snapshot/repo-"${id:0:8}" '{.metadata.labels.cstash\.io/snapshot-id}')" = "${id:0:63}" ]
    k get -n demo snapshots.repositories.stash.appscode.com repo-"${id:0:8}" -o json >"$T/object"
    restic -r "$T/repo-demo" snapshots --json >"$T/restic"
    python3 - "$T/object" "$T/restic" "$(digest a)" <<'PY'
import datetime, json, re, sys
o, s = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))[0]
got = o["status"]
assert got["id"] == s["id"] and got["tree"] == s["tree"] and got["paths"] == s["paths"], got
assert (got["hostname"], got["username"], got["uid"], got["gid"]) == (s["hostname"], s["username"], s.get("uid", 0), s.get("gid", 0)), got
at = datetime.datetime.fromisoformat(re.sub(r"\.[0-9]+", "", s["time"]).replace("Z", "+00:00"))
assert got["time"] == at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), (got["time"], s["time"])
assert (got["repository"], got["keys"], got["source"], got["target"]) == ("repo", 1, "replication", "demo/AppBinding/redis"), got
assert got["digest"] == sys.argv[3] and "partial" not in got and "tags" not in got, got
assert "ownerReferences" not in o["metadata"], o["metadata"]
PY
    k describe -n demo snapshot | grep -q "Short ID: *${id:0:8}"
    [ "$("$CSTASH" get -n demo snapshots | wc -l)" = 2 ]
    # What Stash's plug-in asks for.
    [ "$(k get -n demo snapshots -l repository=repo --no-headers | wc -l)" = 1 ]
}

@test "selectors by Repository and host; labels of the Repository, but those of installers" {
    local long
    long=$(printf 'long-repository-%.0s' $(seq 12))x.end
    another_repository "$long"
    phase demo bc/other Ready
    backup one
    backup two other
    plant '2024-01-01T10:00:00Z|10.0.0.1:6379|/dumpfile.resp|'
    backup three
    [ "$(k get -n demo snapshots -l repository=repo -o name | wc -l)" = 3 ]
    [ "$(k get -n demo snapshots -l repository=repo,hostname=host-0 -o name | wc -l)" = 2 ]
    [ "$(k get -n demo snapshots -l hostname=10.0.0.1-6379 -o jsonpath='{.items[*].status.hostname}')" = 10.0.0.1:6379 ]
    # A long name: the label has its beginning, get and describe take the name that is listed.
    [ "$(shown -l team=cache)" = "$(ids other)" ]
    name=$(k get -n demo snapshots -l team=cache -o name)
    [[ "$name" == snapshot.repositories.stash.appscode.com/long-repository-* ]]
    [ "$(field demo "$name" '{.status.repository}')" = "$long" ]
    [ "$(k get -n demo snapshots -l "repository=$(field demo "$name" '{.metadata.labels.repository}')" -o name)" = "$name" ]
    [ "$(field demo "$name" '{.metadata.labels.app\.kubernetes\.io/instance}')" = "" ]
    k describe -n demo "$name" | grep -q "Repository: *$long"
}

@test "objects follow the repository: retention, forget by hand, snapshots of others, a bound" {
    config demo bc 'retentionPolicy: {name: k, keepLast: 2, prune: false}'
    backup one
    backup two
    are_shown
    k get -n demo snapshots -o name | sort >"$T/two"
    backup three
    [ "$(ids | wc -l)" = 2 ]
    are_shown
    [ "$(k get -n demo snapshots -o name | sort | comm -12 - "$T/two" | wc -l)" = 1 ] # one object stays the same
    restic -r "$T/repo-demo" -q forget "$(ids | head -n 1)"
    backup four
    are_shown
    for i in $(seq 0 220); do printf '2024-01-01T%02d:%02d:00Z|other|/dumpfile.resp|\n' $((i / 60)) $((i % 60)); done >"$T/planted"
    RESTIC_REPOSITORY=$T/repo-demo "$REPO_TOOL" plant <"$T/planted"
    backup five
    [ "$(ids | wc -l)" = 223 ]
    restic -r "$T/repo-demo" snapshots --json --no-lock | python3 -c '
import json, sys
for s in sorted(json.load(sys.stdin), key=lambda s: s["time"])[-200:]:
    print(s["id"])' | sort | diff - <(shown)
}

name_of() { k get -n demo snapshots -l "cstash.io/snapshot-id=${1:0:63}" -o name; } # name_of ID
has() { ids "${2:-demo}" | grep -qx "$1"; }                                        # has ID [STORE]
oldest() { restic -r "$T/repo-demo" snapshots --json --no-lock | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin), key=lambda s: s["time"])[int(sys.argv[1])]["id"])' "${1:-0}"; }
forgotten() { until_is demo "$1" '{.status.conditions[?(@.type=="Forgotten")].reason}' "$2"; }
gone() { ! k get -n demo "$1" >/dev/null 2>&1; }

@test "the deletion of one forgets that one, also of a Repository with a long name" {
    local first name long
    long=$(printf 'long-repository-%.0s' $(seq 12))x
    another_repository "$long"
    phase demo bc/other Ready
    backup one
    backup two
    backup three
    backup a other
    backup b other
    first=$(oldest)
    k delete -n demo "$(name_of "$first")" # kubectl waits until it is gone
    ! has "$first"
    [ "$(ids | wc -l)" = 2 ]
    are_shown
    [ "$(ids other | wc -l)" = 2 ]
    k get events -n demo | grep -q 'SnapshotForgotten *snapshot/repo-'
    restic -r "$T/repo-demo" check -q
    first=$(restic -r "$T/repo-other" snapshots --json --no-lock | python3 -c 'import json, sys; print(sorted(json.load(sys.stdin), key=lambda s: s["time"])[0]["id"])')
    k delete -n demo "$(name_of "$first")"
    [ "$(ids other | wc -l)" = 1 ]
    ! has "$first" other
    [ "$(ids | wc -l)" = 2 ]
    # What belonged to it goes too.
    until_true no_forget_jobs
    backup four
    are_shown
}
no_forget_jobs() { [ -z "$(k get -n demo job,sa,role,rolebinding -l app.kubernetes.io/component=stash-forget -o name)" ]; }

@test "the newest whole one, a pinned one, the only verified one stay until somebody says so" {
    local newest big name
    backup one
    newest=$(oldest -1)
    name=$(name_of "$newest")
    k delete -n demo "$name" --wait=false
    forgotten "$name" RemovalRefused
    [[ "$(condition demo "$name" Forgotten)" == *"Nothing was removed: it is the newest whole snapshot of its target."*"cstash.io/allow-removal=true"* ]]
    k annotate -n demo "$name" cstash.io/allow-removal=maybe
    backup two # now it is not the newest any more, and still nobody said so
    sleep 1
    has "$newest"
    [[ "$(condition demo "$name" Forgotten)" == *"Nothing was removed"* ]]
    k annotate --overwrite -n demo "$name" cstash.io/allow-removal=true
    until_true gone "$name"
    ! has "$newest"
    # A part goes without a word, and is no reason for a whole one to go.
    config demo part 'task: {name: redis-backup-7.0.5, params: [{name: args, value: "--match=k*"}]}'
    backup part part
    [ "$(k get -n demo snapshots -o jsonpath='{.items[*].status.partial}')" = "--match 'k*'" ]
    name=$(name_of "$(oldest 0)")
    k delete -n demo "$name" --wait=false
    forgotten "$name" RemovalRefused
    k annotate -n demo "$name" cstash.io/allow-removal=true
    until_true gone "$name"
    k delete -n demo "$(name_of "$(oldest)")"
    [ -z "$(ids)" ]
    # Pinned: the target lost its keys.
    cli a eval 'for i = 1, 100 do redis.call("SET", "key:" .. i, i) end' 0 >/dev/null
    backup big
    big=$(oldest)
    cli a flushall >/dev/null
    cli a set k v >/dev/null
    backup small
    name=$(name_of "$big")
    k delete -n demo "$name" --wait=false
    forgotten "$name" RemovalRefused
    [[ "$(condition demo "$name" Forgotten)" == *"it is pinned"* ]]
    # To keep it after all: without the finalizer the object goes alone, and the next backup shows it again.
    k patch -n demo "$name" --type merge -p '{"metadata":{"finalizers":null}}'
    until_true gone "$name"
    has "$big"
    backup after
    are_shown
    # Verified, as far as the status says.
    name=$(name_of "$(oldest 1)")
    k patch -n demo "$name" --subresource status --type merge -p '{"status":{"verified":"2024-01-01T10:00:00Z"}}'
    k delete -n demo "$name" --wait=false
    forgotten "$name" RemovalRefused
    [[ "$(condition demo "$name" Forgotten)" == *"only snapshot of its target that was verified"* ]]
    k annotate -n demo "$name" cstash.io/allow-removal=true
    until_true gone "$name"
    [ "$(ids | wc -l)" = 2 ]
}

@test "all at once: one after the other, and the newest stays" {
    local newest
    for i in one two three four five; do backup $i; done
    newest=$(oldest -1)
    k delete -n demo snapshots --all --wait=false
    forgotten "$(name_of "$newest")" RemovalRefused
    until_true is_only "$newest"
    until_true one_object
    restic -r "$T/repo-demo" check -q
}
is_only() { [ "$(ids)" = "$1" ]; }
one_object() { [ "$(k get -n demo snapshots -o name | wc -l)" = 1 ]; }

@test "who clears a namespace of all does not mean its backups" {
    local before
    for i in one two three; do backup $i; done
    before=$(ids)
    k delete all --all -n demo
    [ -z "$(k get -n demo bc,backupsession -o name)" ]
    sleep 1
    [ "$(shown)" = "$before" ]
    [ "$(ids)" = "$before" ]
}

@test "one that was refused goes when its snapshot does; what somebody edited or made by hand forgets nothing" {
    local id name other
    config demo bc 'retentionPolicy: {name: k, keepLast: 2, prune: false}'
    backup one
    name=$(name_of "$(ids)")
    k delete -n demo "$name" --wait=false
    forgotten "$name" RemovalRefused
    backup two
    backup three
    until_true gone "$name"
    are_shown
    # A status that says another snapshot than the name does.
    id=$(oldest) other=$(oldest 1)
    name=$(name_of "$id")
    k patch -n demo "$name" --subresource status --type merge -p "{\"status\":{\"id\":\"$other\"}}"
    k delete -n demo "$name" --wait=false
    forgotten_says "$name" "its name says another: nothing is removed"
    has "$id"
    has "$other"
    k patch -n demo "$name" --type merge -p '{"metadata":{"finalizers":null}}'
    until_true gone "$name"
    # An object that no Job made.
    cat <<YAML | k create -f -
apiVersion: repositories.stash.appscode.com/v1alpha1
kind: Snapshot
metadata: {name: by-hand, namespace: demo, labels: {repository: repo, cstash.io/snapshot-id: "${other:0:63}"}}
YAML
    backup four
    [ -z "$(field demo snapshot/by-hand "{.status}")" ]
    k delete -n demo snapshot by-hand
    [ "$(ids | wc -l)" = 2 ]
    are_shown
}
forgotten_says() { until_true says_so "$@"; }
says_so() { [[ "$(condition demo "$1" Forgotten)" == *"$2"* ]]; }

@test "a condition that somebody wrote is not believed, and labels that somebody edited are put right" {
    local name says='{"status":{"conditions":[{"type":"Forgotten","status":"True","reason":"RemovedFromRepository","message":"","lastTransitionTime":"2024-01-01T00:00:00Z"}]}}'
    backup one
    name=$(name_of "$(ids)")
    k patch -n demo "$name" --subresource status --type merge -p "$says"
    k delete -n demo "$name" --wait=false
    forgotten "$name" RemovalRefused
    until_true no_forget_job
    k patch -n demo "$name" --subresource status --type merge -p "$says" # the Job that refused is no proof of it
    forgotten "$name" RemovalRefused
    [ "$(field demo "$name" '{.metadata.finalizers[0]}')" = "cstash.io/snapshot" ]
    [ "$(ids | wc -l)" = 1 ]
    k annotate -n demo "$name" cstash.io/allow-removal=true
    until_true gone "$name"
    [ -z "$(ids)" ]
    backup two
    backup three
    k get -n demo snapshots -o name | sort >"$T/names"
    k label --overwrite -n demo "$(sed -n 1p "$T/names")" repository=other team=cache
    k label --overwrite -n demo "$(sed -n 2p "$T/names")" cstash.io/snapshot-id- hostname=other
    restic -r "$T/repo-demo" -q forget "$(oldest)"
    plant '2024-01-01T10:00:00Z|host-0|/dumpfile.resp|'
    backup four
    are_shown
    [ "$(k get -n demo snapshots -l repository=repo,hostname=host-0 -o name | wc -l)" = 3 ]
    for id in $(ids); do [ "$(name_of "$id")" = "snapshot.repositories.stash.appscode.com/repo-${id:0:8}" ]; done
}
no_forget_job() { [ -z "$(k get -n demo job -l app.kubernetes.io/component=stash-forget -o name)" ]; }

@test "what goes with its namespace, its Repository or its definition is not forgotten" {
    local before other
    another_repository apart
    phase demo bc/other Ready
    backup one
    backup two
    backup a other
    before=$(ids) other=$(ids other)
    # One deletion waits for an answer meanwhile.
    name=$(name_of "$(oldest -1)")
    k delete -n demo "$name" --wait=false
    forgotten "$name" RemovalRefused
    k delete -n demo repo apart
    until_true gone snapshot/apart-"${other:0:8}"
    [ "$(ids other)" = "$other" ]
    [ "$(k get -n demo snapshots -o name | wc -l)" = 2 ]
    k delete crd snapshots.repositories.stash.appscode.com
    ! k get -n demo snapshots
    backup three # fails nothing, and says so
    [[ "$(condition demo backupsession/three SnapshotsShown)" == "False there is no CustomResourceDefinition snapshots.repositories.stash.appscode.com" ]]
    [ "$(ids | comm -12 - <(echo "$before"))" = "$before" ]
    [ "$(ids | wc -l)" = 3 ]
    k apply -f "$ROOT/deploy/crds/snapshots.yaml"
    backup four
    are_shown
    [ "$(ids | wc -l)" = 4 ]
    before=$(ids)
    k delete -n demo "$(name_of "$(oldest -1)")" --wait=false
    k delete namespace demo
    [ "$(ids)" = "$before" ]
}

shown_for() { field demo repo/repo '{.status.snapshotsShown}'; }

@test "a Job brings them in step: for others' namespaces, after a change that is told, and where none was shown before" {
    local due
    backup one
    backup two
    due=$(shown_for)
    [ "$due" = "$(field demo repo/repo '{.status.lastBackupTime}')" ]
    [ -z "$(k get -n demo job -l app.kubernetes.io/component=stash-snapshots -o name)" ]
    # By hand: one goes, one comes.
    restic -r "$T/repo-demo" -q forget "$(oldest)"
    plant '2024-01-01T10:00:00Z|host-0|/dumpfile.resp|'
    k annotate -n demo repo/repo cstash.io/show-snapshots=please
    until_is demo repo/repo '{.status.snapshotsShown}' "$due please"
    are_shown
    until_true no_jobs
    # From another namespace.
    k create namespace far >/dev/null
    k get secret,appbinding -n demo -o json | python3 -c '
import json, sys
o = json.load(sys.stdin)
for i in o["items"]:
    i["metadata"] = {"name": i["metadata"]["name"], "namespace": "far"}
print(json.dumps(o))' | k apply -f - >/dev/null
    k patch repo -n demo repo --type merge -p '{"spec":{"usagePolicy":{"allowedNamespaces":{"from":"All"}}}}' >/dev/null
    config far bc 'repository: {name: repo, namespace: demo}'
    phase far bc/bc Ready
    session far three bc
    phase far backupsession/three Succeeded
    until_true are_shown
    [ "$(ids | wc -l)" = 3 ]
    [ -z "$(k get -n far snapshots -o name)" ]
    # As after an upgrade, when the status says nothing.
    k delete crd snapshots.repositories.stash.appscode.com
    k apply -f "$ROOT/deploy/crds/snapshots.yaml"
    k patch repo -n demo repo --subresource status --type merge -p '{"status":{"snapshotsShown":null}}' >/dev/null
    until_true are_shown
    # What fails is told, once, and the next moment tries again.
    mv "$T/repo-demo" "$T/away"
    k annotate --overwrite -n demo repo/repo cstash.io/show-snapshots=again
    until_is demo repo/repo '{.status.conditions[?(@.type=="SnapshotsShown")].status}' False
    [[ "$(condition demo repo/repo SnapshotsShown)" == *"no repository"* ]]
    [ "$(k get -n demo snapshots -o name | wc -l)" = 3 ]
    mv "$T/away" "$T/repo-demo"
    k annotate --overwrite -n demo repo/repo cstash.io/show-snapshots=now
    until_is demo repo/repo '{.status.conditions[?(@.type=="SnapshotsShown")].status}' ''
}
no_jobs() { [ -z "$(k get -n demo job -l app.kubernetes.io/component=stash-snapshots -o name)" ]; }
