#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is in deploy/: kustomize reads it, an API server takes it, the program knows what it is told there, and roles
# say no more than they should. The chart is compared with it in tests/e2e/helm.bats, which needs helm.

load ../harness/env.bash
load ../harness/plane.bash

setup_file() {
    need kubectl curl python3
}

setup() {
    setup_folder
    OPERATORS=()
}

teardown() {
    stop_up || true
    end_all
}

# Every object of deploy/, one JSON document after the other. No server is asked.
all_json() {
    k kustomize "$ROOT/deploy" >"$T/all.yaml"
    k annotate --local -f "$T/all.yaml" -o json test=yes
}

each_object() { # each_object 'python statements on the object o, in a list `all`' [arguments]
    python3 -c '
import json, sys
text, at, all = sys.stdin.read(), 0, []
while text[at:].strip():
    o, n = json.JSONDecoder().raw_decode(text[at:].lstrip())
    at = len(text) - len(text[at:].lstrip()) + n
    all.append(o)
'"$1" "${@:2}"
}

@test "kustomize renders everything that is there, each thing once" {
    all_json >"$T/all.json"
    run each_object '
names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in all]
assert len(names) == len(set(names)), "twice"
for o in all:
    kind = o["kind"]
    print(kind if kind not in ("Function", "Task") else "catalog")' <"$T/all.json"
    [ "$status" -eq 0 ]
    [ "$(grep -c CustomResourceDefinition <<<"$output")" = "$(ls "$ROOT/deploy/crds" | wc -l)" ]
    [ "$(grep -c catalog <<<"$output")" = "$(grep -c ^kind "$ROOT/deploy/catalog/redis.yaml")" ]
    for kind in Namespace ServiceAccount Deployment Service PodDisruptionBudget NetworkPolicy Role RoleBinding ClusterRole ClusterRoleBinding; do
        grep -qx "$kind" <<<"$output"
    done
    for file in "$ROOT"/deploy/rbac/*.yaml; do
        grep -q "rbac/$(basename "$file")" "$ROOT/deploy/kustomization.yaml"
    done
}

@test "every kind is in the rights of the operator and of people, and in the docs" {
    local kind plural
    while read -r kind plural scope; do
        grep -q "[[ ]$plural[],]" "$ROOT/deploy/rbac/operator.yaml" || { echo "the operator may not list $plural"; false; }
        [ "$scope" = Cluster ] || [ "$(grep -c "[[ ]$plural[],]" "$ROOT/deploy/rbac/users.yaml")" = 2 ] || { echo "nobody may edit $plural"; false; }
        grep -q "$kind" "$ROOT/docs/fields.md" || { echo "docs/fields.md lacks $kind"; false; }
    done < <("$CSTASH" crds | awk '/^    kind: /{k = $2} /^    plural: /{p = $2} /^  scope: /{print k, p, $2}')
}

@test "an API server takes what it has kinds for" {
    start_up --pushgateway-listen ""
    k kustomize "$ROOT/deploy" >"$T/all.yaml"
    k apply -f "$ROOT/deploy/namespace.yaml"
    run k apply --server-side --force-conflicts -f "$T/all.yaml" # our plane runs no Deployments
    [ "$(grep -o 'no matches for kind "[A-Za-z]*"' <<<"$output" | sort -u | cut -d'"' -f2 | xargs)" = "Deployment NetworkPolicy PodDisruptionBudget" ]
    [ "$(grep -c ^Error <<<"$output")" = 0 ]
    [ "$(grep -c '^\(function\|task\)\.stash' <<<"$output")" = "$(grep -c ^kind "$ROOT/deploy/catalog/redis.yaml")" ]
    [ "$(grep -c ^customresourcedefinition <<<"$output")" = "$(ls "$ROOT/deploy/crds" | wc -l)" ]
    k get clusterrole cstash-operator stash-backup-job cstash-edit
}

@test "the examples for a cluster are valid; the batch waits for what it names" {
    start_up --pushgateway-listen ""
    k create namespace demo >/dev/null
    k apply -f "$ROOT/examples/cluster"
    phase demo backupbatch/shop NotReady
    [ "$(field demo restorebatch/shop '{.status.phase}')" != Failed ]
    k get backupblueprint redis
}

@test "one version and one image, in the program, the catalog, the chart and the Deployment" {
    local version image
    version=$("$CSTASH" --version | awk '{print $2}')
    image=$(sed -n 's/^  image: //p' "$ROOT/deploy/catalog/redis.yaml" | sort -u)
    [ "$image" = "ghcr.io/cstash/cstash:$version" ]
    grep -qx "version: $version" "$ROOT/deploy/chart/cstash/Chart.yaml"
    grep -q "^appVersion: $version " "$ROOT/deploy/chart/cstash/Chart.yaml"
    grep -q "image: $image\$" "$ROOT/deploy/operator.yaml"
    grep -q -- "- --image=$image\$" "$ROOT/deploy/operator.yaml"
}

@test "the operator knows every flag that the Deployment gives it" {
    local flag
    "$CSTASH" operator --help >"$T/help"
    for flag in $(sed -n '/- operator$/,/env:/s/.*- \(--[a-z-]*\).*/\1/p' "$ROOT/deploy/operator.yaml"); do
        grep -q -- " $flag " "$T/help"
    done
    grep -q -- "--leader-elect-namespace" "$ROOT/deploy/operator.yaml"
}

# No wildcard; one reason per rule; a verb stands once per resource, so that an audit can tick it off.
@test "roles are plain: no wildcards, nothing twice, Secrets only to read, by the operator alone" {
    all_json | each_object '
for o in all:
    if o["kind"] not in ("Role", "ClusterRole"):
        continue
    name, seen = o["metadata"]["name"], set()
    for r in o["rules"]:
        assert set(r) <= {"apiGroups", "resources", "resourceNames", "verbs"}, (name, r)
        for one in [(g, res, v) for g in r["apiGroups"] for res in r["resources"] for v in r["verbs"]]:
            assert "*" not in one, (name, one)
            assert one not in seen, (name, one, "twice")
            seen.add(one)
            if one[1] == "secrets":
                assert (name, one[2]) == ("cstash-operator-accounts", "get"), (name, one)
            if one[2] in ("bind", "escalate", "impersonate"):
                assert one[2] == "bind" and r["resourceNames"] == ["stash-cron-job", "stash-backup-job", "stash-restore-job", "stash-hook-job", "stash-forget-job", "stash-snapshots-job", "stash-verification-job", "stash-view-job"], (name, r)
'
}

@test "pods meet the restricted standard" {
    all_json | each_object '
for o in all:
    if o["kind"] != "Deployment":
        continue
    pod = o["spec"]["template"]["spec"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}, pod
    for c in pod["containers"]:
        assert c["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, c
        assert c["resources"]["limits"]["memory"] and c["livenessProbe"] and c["readinessProbe"], c
'
}

@test "a bundle for OLM: one object a file, of deploy/ each, and the rest in the ClusterServiceVersion" {
    "$ROOT/tools/bundle" "$T/bundle"
    for file in "$T"/bundle/manifests/*.yaml; do
        k patch --local --type merge -p '{}' -o json -f "$file" >"$T/one.json"
        each_object 'assert len(all) == 1; all[0]["FILE"] = sys.argv[1]; print(json.dumps(all[0]))' "$(basename "$file")" <"$T/one.json"
    done >"$T/bundle.json"
    all_json >"$T/all.json"
    each_object '
deployed = [o for o in all if o["metadata"].get("annotations", {}).pop("test", None)] # as all_json marks them
bundled = [o for o in all if "FILE" in o]
assert len(deployed) + len(bundled) == len(all)
def of(objects, *kinds):
    return {(o["kind"], o["metadata"]["name"]): o for o in objects if o["kind"] in kinds}
def flat(rules):
    return sorted((g, r, v, tuple(x.get("resourceNames", []))) for x in rules for g in x["apiGroups"] for r in x["resources"] for v in x["verbs"])

[csv] = of(bundled, "ClusterServiceVersion").values()
spec = csv["spec"]["install"]["spec"]
same = ("ClusterRole", "CustomResourceDefinition", "PodDisruptionBudget", "Service")
ours = {k: o for k, o in of(deployed, *same).items() if not (k[0] == "ClusterRole" and k[1].startswith("cstash-operator"))}
assert set(of(bundled, *same)) == set(ours) and len(bundled) == len(ours) + 1
for key, o in of(bundled, *same).items():
    assert "namespace" not in o["metadata"], key
    for part in ("spec", "rules"):
        assert o.get(part) == ours[key].get(part), (key, part)
    assert o["metadata"].get("labels") == ours[key]["metadata"].get("labels"), key

rules = [r for o in of(deployed, "Role", "ClusterRole").values() if o["metadata"]["name"].startswith("cstash-operator") for r in o["rules"]]
[everywhere], [watched] = spec["clusterPermissions"], spec["permissions"]
assert flat(everywhere["rules"] + watched["rules"]) == flat(rules) and everywhere["rules"] == of(deployed, "ClusterRole")["ClusterRole", "cstash-operator-cluster"]["rules"]

deployments = of(deployed, "Deployment")
assert {d["name"] for d in spec["deployments"]} == {name for _, name in deployments}
for d in spec["deployments"]:
    o = deployments["Deployment", d["name"]]
    assert d["label"] == o["metadata"]["labels"]
    for c in d["spec"]["template"]["spec"]["containers"]:
        if c["name"] == "operator": # OLM says which namespace; empty: all
            assert c["args"].pop() == "--watch-namespace=$(WATCHED)"
            assert c["env"].pop()["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.annotations[\x27olm.targetNamespaces\x27]"
    assert d["spec"] == o["spec"], d["name"]
    assert o["spec"]["template"]["spec"].get("serviceAccountName", everywhere["serviceAccountName"]) == everywhere["serviceAccountName"] == watched["serviceAccountName"]
images = {c["image"] for o in deployments.values() for c in o["spec"]["template"]["spec"]["containers"]}
assert {i["image"] for i in csv["spec"]["relatedImages"]} == images

owned = {(c["kind"], c["name"], c["version"]) for c in csv["spec"]["customresourcedefinitions"]["owned"]}
assert owned == {(o["spec"]["names"]["kind"], o["metadata"]["name"], v["name"]) for o in of(deployed, "CustomResourceDefinition").values() for v in o["spec"]["versions"]}
examples = json.loads(csv["metadata"]["annotations"]["alm-examples"])
assert {o["kind"] for o in examples} == {k for k, _, _ in owned} - {"Snapshot", "SnapshotView"} # which people do not write
assert csv["metadata"]["name"] == "cstash.v" + csv["spec"]["version"]
assert "cstash catalog | kubectl apply" in csv["spec"]["description"]
' < <(cat "$T/all.json" "$T/bundle.json")
    grep -qx "LABEL operators.operatorframework.io.bundle.package.v1=cstash" "$T/bundle/bundle.Dockerfile"
    [ "$(sed -n 's/^LABEL \([^=]*\)=/  \1: /p' "$T/bundle/bundle.Dockerfile")" = "$(sed 1d "$T/bundle/metadata/annotations.yaml")" ]
}

start_operator() { # start_operator NAME [OPTION ...]: sets its port; ready when it works or stands by
    local port name=$1
    shift
    port=$(free_port)
    "$CSTASH" operator "$@" --leader-elect-namespace default --metrics-listen "127.0.0.1:$port" --pushgateway-url "" \
        >"$T/$name.log" 2>&1 3>&- &
    echo $! >"$T/$name.pid"
    PIDS+=($!)
    eval "AT_$name=127.0.0.1:$port"
    for _ in $(seq 200); do
        curl -fs "http://127.0.0.1:$port/readyz" && return 0
        sleep 0.05
    done
    cat "$T/$name.log" >&2
    return 1
}

leading() { curl -fs "http://$1/metrics" | awk '$1 == "cstash_operator_leading" { print $2 }'; }

@test "one operator leads, the other is ready too, and takes over" {
    start_up --pushgateway-listen ""
    start_operator one
    for _ in $(seq 100); do [ "$(leading "$AT_one")" = 1 ] && break || sleep 0.05; done
    start_operator two
    curl -fs "http://$AT_two/readyz" | grep -q 'standing by'
    [ "$(leading "$AT_one")" = 1 ]
    [ "$(leading "$AT_two")" = 0 ]
    [ "$(curl -fs "http://$AT_two/metrics" | grep -c cstash_backupsessions)" = 0 ]
    kill "$(cat "$T/one.pid")" # it gives the lease back
    for _ in $(seq 200); do [ "$(leading "$AT_two")" = 1 ] && break || sleep 0.05; done
    [ "$(leading "$AT_two")" = 1 ]
    for _ in $(seq 100); do curl -fs "http://$AT_two/readyz" | grep -qx ok && break || sleep 0.05; done
    curl -fs "http://$AT_two/readyz" | grep -qx ok
}

@test "an empty --watch-namespace, as OLM may give it, means all namespaces" {
    start_up --pushgateway-listen ""
    start_operator one --watch-namespace=
    for _ in $(seq 200); do curl -fs "http://$AT_one/readyz" | grep -qx ok && break || sleep 0.05; done
    curl -fs "http://$AT_one/readyz" | grep -qx ok # it has read every kind
    [ "$(grep -ci 'could not' "$T/one.log")" = 0 ]
}

@test "with --metrics-auth metrics are for tokens that may get them" {
    start_up --pushgateway-listen ""
    local port token
    token=$(cat "$T/state/token")
    start_operator one --metrics-auth
    port=${AT_one##*:}
    code() { curl -s -o /dev/null -w '%{http_code}' "$@" "http://127.0.0.1:$port/metrics"; }
    [ "$(code)" = 401 ]
    [ "$(code -H 'Authorization: Bearer wrong')" = 401 ]
    [ "$(code -H "Authorization: Bearer $token")" = 200 ]
    [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/healthz")" = 200 ]
}
