#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The rules of our definitions on the plane; tests/e2e/crds.bats asks Kubernetes the same.

load ../harness/env.bash
load ../harness/plane.bash
load ../harness/stash.bash
load ../harness/rules.bash

setup() {
    need kubectl curl python3
    setup_folder
    export HOME=$T
    start_up
    kubectl create namespace rules
}

teardown() {
    stop_up
    end_all
}

become_ready() { # what it refers to is there, so the operator says so
    kubectl create secret generic -n "$1" secret --from-literal RESTIC_PASSWORD=x
    kubectl apply -n "$1" -f - <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: repo}
spec: {backend: {storageSecretName: secret, local: {mountPath: /safe, hostPath: {path: $T/repo}}}}
---
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: redis}
spec:
  type: redis
  clientConfig: {url: "redis://127.0.0.1:1"}
  parameters: {stash: {addon: {backupTask: {name: redis-backup-7.0.5}}}}
YAML
    phase "$1" backupconfiguration/backupconfiguration-1 Ready
}

@test "a valid sample of every rule is taken, an invalid one refused in the words of the rule" {
    diff <(rules_of_definitions) <(rules_of_samples)
    judge_samples rules
}

@test "rules that read what is not there are refused" {
    refused_rules
    diff <(refused_rules) <(rules_to_refuse)
}
