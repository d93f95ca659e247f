#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The chart: what kustomize installs is what its defaults give; values do what they say; wrong ones are refused.
# Needs helm: tools/helm says where it looks.

load ../harness/env.bash

NS=cstash-system

setup_file() {
    need kubectl python3
    "$BATS_TEST_DIRNAME/../../tools/helm" version --short
}

setup() {
    setup_folder
}

teardown() {
    end_all
}

render() { # render [options of helm template]: what helm says about links is no matter
    "$ROOT/tools/helm" template cstash "$ROOT/deploy/chart/cstash" -n cstash-system --kube-version 1.30.0 "$@" 2>"$T/err" ||
        { grep -v 'symbolic link' "$T/err"; return 1; }
}

# Objects in one order and one style, whoever wrote them.
same_style() { # same_style FILE
    mkdir -p "$T/style"
    cp "$1" "$T/style/all.yaml"
    echo 'resources: [all.yaml]' >"$T/style/kustomization.yaml"
    kubectl kustomize "$T/style"
}

@test "kustomize and the chart's defaults are the same objects, but for the namespace" {
    render --include-crds --skip-tests >"$T/helm.yaml"
    { echo ---; cat "$ROOT/deploy/namespace.yaml"; } >>"$T/helm.yaml"
    same_style "$T/helm.yaml" >"$T/a"
    kubectl kustomize "$ROOT/deploy" >"$T/b"
    [ "$(grep -c ^kind: "$T/a")" -gt 40 ]
    diff "$T/a" "$T/b"
}

@test "what is generated in deploy/ is what is committed" {
    "$ROOT/tools/deploy" "$CSTASH" "$T/deploy"
    for part in crds catalog rbac operator.yaml kustomization.yaml monitoring/prometheusrule.yaml; do
        diff -r "$T/deploy/$part" "$ROOT/deploy/$part"
    done
}

@test "lint finds nothing, and a package holds real files" {
    run "$ROOT/tools/helm" lint --strict --kube-version 1.30.0 "$ROOT/deploy/chart/cstash"
    [ "$status" -eq 0 ]
    "$ROOT/tools/helm" package "$ROOT/deploy/chart/cstash" -d "$T" 2>/dev/null
    tar -tf "$T"/cstash-*.tgz >"$T/list"
    for file in crds/repositories.yaml files/catalog/redis.yaml files/rbac/jobs.yaml files/rules.yaml values.schema.json; do
        grep -qx "cstash/$file" "$T/list"
    done
    "$ROOT/tools/helm" template cstash "$T"/cstash-*.tgz -n cstash-system --kube-version 1.30.0 --include-crds >"$T/packed.yaml"
    render --include-crds | cmp - "$T/packed.yaml"
}

@test "an image from elsewhere is the operator's, the Jobs' and the catalog's" {
    local image=mirror.example:5000/tools/cstash:v9
    render --set image.registry=mirror.example:5000,image.repository=tools/cstash,image.tag=v9 \
        --set 'imagePullSecrets[0].name=one,imagePullSecrets[1].name=two' >"$T/all"
    grep -q "image: $image\$" "$T/all"
    grep -q -- "- --image=$image\$" "$T/all"
    grep -q -- "- --image-pull-secrets=one,two\$" "$T/all"
    [ "$(grep -c ghcr.io "$T/all")" = 0 ]
    render --set image.digest=sha256:$(printf 'ab%.0s' {1..32}) | grep -q "image: ghcr.io/cstash/cstash@sha256:abab"
}

@test "one namespace: roles are bound there, but for the catalog" {
    render --set watchNamespace=demo >"$T/all"
    grep -q -- "- --watch-namespace=demo" "$T/all"
    [ "$(grep -c '^kind: ClusterRoleBinding' "$T/all")" = 1 ]
    [ "$(grep -c '^kind: RoleBinding' "$T/all")" = 4 ]
    [ "$(grep -c '^  namespace: demo' "$T/all")" = 3 ]
}

@test "another Pushgateway, none, and one that keeps its data" {
    render --set pushgateway.enabled=false,pushgateway.url=http://metrics.example:9091 >"$T/all"
    grep -q -- "- --pushgateway-url=http://metrics.example:9091" "$T/all"
    [ "$(grep -c 'cstash-pushgateway' "$T/all")" = 0 ]
    render --set pushgateway.enabled=false | grep -q -- "- --pushgateway-url=\$"
    render --set pushgateway.volume.emptyDir=null,pushgateway.volume.persistentVolumeClaim.claimName=kept -s templates/pushgateway.yaml >"$T/all"
    grep -q "claimName: kept" "$T/all"
    [ "$(grep -c emptyDir "$T/all")" = 0 ]
}

@test "values reach where they should" {
    cat >"$T/values.yaml" <<'YAML'
replicaCount: 3
fullnameOverride: other
log: {format: json, level: debug}
extraArgs: [--quiet]
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]
serviceAccount: {create: false, name: mine}
podAnnotations: {a: annotated}
podLabels: {b: labelled}
nodeSelector: {c: selected}
tolerations: [{key: tolerated}]
affinity: {nodeAffinity: {d: attracted}}
topologySpreadConstraints: [{maxSkew: 7}]
priorityClassName: urgent
metrics: {auth: true}
monitoring: {agent: prometheus.io/operator, labels: {release: prometheus}, prometheusRule: {enabled: true, labels: {alerts: mine}}}
extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-extra"}}, "{apiVersion: v1, kind: ConfigMap, metadata: {name: second}}"]
networkPolicy: {denyLinkLocal: true, metricsFrom: [{namespaceSelector: {matchLabels: {name: monitoring}}}]}
catalog: {install: false}
YAML
    render -f "$T/values.yaml" >"$T/all"
    for text in 'replicas: 3' 'name: other-operator' '- --log-format=json' '- --verbose' '- --quiet' 'value: http://proxy:3128' \
        'serviceAccountName: mine' 'a: annotated' 'b: labelled' 'c: selected' 'key: tolerated' 'd: attracted' 'maxSkew: 7' \
        'priorityClassName: urgent' 'release: prometheus' 'kind: PrometheusRule' 'alerts: mine' '- alert: CstashBackupMissed' 'cstash-extra' 'name: second' 'name: monitoring' 'except: [169.254.0.0/16]' '- --metrics-auth' 'resources: [tokenreviews]' 'bearerTokenFile:' 'managed-by: stash.appscode.com' 'honorLabels: true' 'http://other-pushgateway.'; do
        grep -qF -- "$text" "$T/all" || { echo "no $text"; false; }
    done
    [ "$(grep -c '^kind: ServiceAccount$\|^kind: Task\|^kind: Function' "$T/all")" = 0 ]
    same_style "$T/all" >/dev/null
}

@test "a Prometheus without its operator finds both Services by their annotations" {
    render --set monitoring.agent=prometheus.io/builtin >"$T/all"
    [ "$(grep -c 'prometheus.io/scrape: "true"' "$T/all")" = 2 ]
    grep -q 'prometheus.io/port: "8080"' "$T/all"
    grep -q 'prometheus.io/port: "56789"' "$T/all"
    [ "$(grep -c 'kind: ServiceMonitor' "$T/all")" = 0 ]
}

@test "Artifact Hub is told the images, kinds and links that there are; the icon is a picture" {
    python3 - "$ROOT" "$("$CSTASH" version | sed 's/^cstash \([^ ]*\).*/\1/')" <<'PY'
import os, re, sys, xml.dom.minidom
root, version = sys.argv[1:]
chart = open(root + "/deploy/chart/cstash/Chart.yaml").read()
values = open(root + "/deploy/chart/cstash/values.yaml").read()
assert f"image: ghcr.io/cstash/cstash:{version}\n" in chart
assert "image: docker.io/prom/pushgateway:" + re.search(r"tag: (v[0-9.]+)", values)[1] in chart
kinds = set()
for name in os.listdir(root + "/deploy/crds"):
    crd = open(f"{root}/deploy/crds/{name}").read()
    kinds.add((re.search(r"^    kind: (\w+)", crd, re.M)[1], re.search(r"^  - name: (\w+)", crd, re.M)[1], re.search(r"^  name: (\S+)", crd, re.M)[1]))
assert kinds == set(re.findall(r"\{kind: (\w+), version: (\w+), name: ([\w.]+), displayName: \w+, description: [^}]+\}", chart)), kinds
home = re.search(r"^home: https://github.com/(\S+)$", chart, re.M)[1]
paths = re.findall(rf"https://(?:github.com/{home}/(?:tree|blob)|raw.githubusercontent.com/{home})/main/([\w./-]+)", chart)
assert "deploy/icon.svg" in paths and len(paths) == 3, paths
for path in paths:
    assert os.path.exists(f"{root}/{path}"), path
xml.dom.minidom.parse(root + "/deploy/icon.svg")
for name in "cluster/repository", "4-backupconfiguration", "6-restoresession":
    lines = [line for line in open(f"{root}/examples/{name}.yaml") if not line.startswith("#")]
    assert "    - " + "      ".join(lines) in chart.split("crdsExamples: |")[1], name
PY
}

@test "OpenShift: constraints for nfs and the right to use them, bound to nobody, when asked for; nothing else differs" {
    render --api-versions security.openshift.io/v1 >"$T/plain"
    render | cmp - "$T/plain"
    render --api-versions security.openshift.io/v1 --set platform.openshift=true >"$T/all"
    render --set platform.openshift=true -s templates/openshift.yaml >"$T/added"
    [ "$(grep -c '^kind: ' "$T/added")" = 2 ]
    grep -qx 'kind: SecurityContextConstraints' "$T/added"
    grep -qx 'kind: ClusterRole' "$T/added"
    grep -qx 'runAsUser: {type: MustRunAsNonRoot}' "$T/added"
    [ "$(grep -c 'hostPath\|RunAsAny.*runAsUser\|: true' "$T/added")" = 0 ]
    [ "$(grep -c '^kind: ' "$T/all")" = $(($(grep -c '^kind: ' "$T/plain") + 2)) ]
    [ "$(diff "$T/plain" "$T/all" | grep -c '^<')" = 0 ]
    [ "$(grep -c 'runAsUser:\|runAsGroup:\|fsGroup:' "$T/plain")" = 0 ] # restricted-v2 chooses them
    same_style "$T/all" >/dev/null
}

@test "helm test: the image under the operator's account reads the catalog" {
    source "$ROOT/tests/e2e/e2e.bash"
    source "$ROOT/tests/e2e/stash.bash"
    installed
    render -s templates/tests/ready.yaml | kubectl apply -f -
    finished $NS cstash-test >"$T/out"
    grep '^redis-backup-7.0.5 ' "$T/out"
    kubectl delete -n $NS pod cstash-test
}

@test "values that cannot be are refused, with the place" {
    run render --set image.tga=1
    [[ "$status" -ne 0 && "$output" == *"/image"*tga* ]]
    run render --set log.level=loud
    [[ "$status" -ne 0 && "$output" == *"/log/level"* ]]
    run render --set watchNamespace='a\,b'
    [[ "$status" -ne 0 && "$output" == *"/watchNamespace"* ]]
    run render --set monitoring.agent=other
    [[ "$status" -ne 0 && "$output" == *"/monitoring/agent"* ]]
    run render --set platform.openshift=maybe
    [[ "$status" -ne 0 && "$output" == *"/platform/openshift"* ]]
    run render --set leaderElection.enabled=false
    [[ "$status" -ne 0 && "$output" == *"two operators at once"* ]]
}
