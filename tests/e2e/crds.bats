#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Kubernetes takes our definitions without a word, and their rules say what they should.

load e2e.bash
load stash.bash
load ../harness/rules.bash

NS=rules

operators() { # operators COUNT: if it is installed
    local name=deployment/cstash-operator
    kubectl get -n "$SYSTEM" $name >/dev/null 2>&1 || return 0
    kubectl scale -n "$SYSTEM" $name --replicas="$1"
    kubectl rollout status -n "$SYSTEM" $name --timeout=60s
    [ "$1" -gt 0 ] || kubectl wait -n "$SYSTEM" --for=delete pod -l app.kubernetes.io/component=operator --timeout=60s
}

setup_file() {
    load e2e.bash
    namespace "$NS"
    operators 0 # a status written here stays
}

teardown_file() {
    operators 2
    kubectl delete namespace "$NS" --wait=false
    kubectl delete --ignore-not-found -f "$BATS_TEST_DIRNAME/../golden/rules/backupblueprint-1-valid.yaml"
}

@test "the definitions are applied without a warning, are established and structural" {
    kubectl apply --server-side -f "$ROOT/deploy/crds" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
    cat "$BATS_TEST_TMPDIR/err"
    [ ! -s "$BATS_TEST_TMPDIR/err" ]
    [ "$(wc -l <"$BATS_TEST_TMPDIR/out")" = "$(ls "$ROOT/deploy/crds" | wc -l)" ]
    kubectl wait --for=condition=Established -f "$ROOT/deploy/crds" --timeout=30s
    kubectl get -f "$ROOT/deploy/crds" -o 'jsonpath={.items[*].status.conditions[*].type}' >"$BATS_TEST_TMPDIR/conditions"
    cat "$BATS_TEST_TMPDIR/conditions"
    ! grep NonStructuralSchema "$BATS_TEST_TMPDIR/conditions"
}

@test "every rule has its samples" {
    diff <(rules_of_definitions) <(rules_of_samples)
    [ "$(rules_of_samples | wc -l)" -ge 11 ]
}

become_ready() { kubectl apply -n "$1" --server-side --subresource=status -f "$2"; }

@test "a valid sample of every rule is taken, an invalid one refused in the words of the rule" {
    judge_samples "$NS"
}

@test "rules that read what is not there are refused" {
    refused_rules
    diff <(refused_rules) <(rules_to_refuse)
}
