#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# BackupVerification on a real cluster: the server is a container of the verification's own Pod, under "restricted".

load e2e.bash
load stash.bash

NS=verify

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    cli $NS redis set greeting hello
    config $NS bc
    phase $NS bc/bc Ready
    session $NS one bc
    phase $NS backupsession/one Succeeded 60
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

verification() { # verification NAME [LINES OF SPEC]
    {
        cat <<YAML
apiVersion: cstash.io/v1alpha1
kind: BackupVerification
metadata: {name: $1, namespace: $NS}
spec:
  schedule: "0 0 1 1 *"
YAML
        [ $# = 1 ] || printf '  %s\n' "${@:2}"
        [[ " $* " == *repository:* ]] || echo '  configuration: {name: bc}'
    } | kubectl apply -f -
}
made() { kubectl get -n $NS "cronjob/stash-verify-$1"; }
verify_now() { # verify_now NAME JOB
    until_true made "$1"
    kubectl create job -n $NS "$2" --from="cronjob/stash-verify-$1"
}
outcome() { until_is $NS "backupverification/$1" '{.status.lastResult.outcome}' "$2" 90; }
verified() { # verified NAME STATUS-REASON
    until_is $NS "$1" '{.status.conditions[?(@.type=="Verified")].status}-{.status.conditions[?(@.type=="Verified")].reason}' "$2" 90
}

@test "restored into a container beside it, asked, shown; the Pod ends, and its server with it" {
    local id account what
    verification whole "server: {image: $REDIS, command: [redis-server]}" 'questions: ["GET greeting => hello", "DBSIZE => 1009"]'
    verify_now whole now
    outcome whole Verified
    kubectl wait -n $NS job/now --for=condition=Complete --timeout=60s
    id=$(field $NS backupverification/whole '{.status.lastResult.snapshot}')
    [[ "$(field $NS backupverification/whole '{.status.lastResult.server} {.status.lastResult.questions}')" == "Redis 7.0"*" 2" ]]
    verified backupverification/whole True-BackupVerified
    verified backupconfiguration/bc True-BackupVerified
    [ -n "$(field $NS "snapshot/repo-${id:0:8}" '{.status.verified}')" ]
    kubectl get -n $NS bv | grep 'whole .*Verified'
    [ "$(kubectl get -n $NS pod -l job-name=now -o jsonpath='{.items[0].status.phase}')" = Succeeded ]
    kubectl get -n $NS cronjob/stash-verify-whole -o jsonpath='{.spec.jobTemplate.spec.template.spec.containers[1].resources.requests.memory}' | grep -x '[1-9][0-9]*Mi'
    account=system:serviceaccount:$NS:stash-verify-whole
    kubectl auth can-i get secret/repo-secret -n $NS --as "$account"
    for what in "get secret/redis-secret" "delete snapshots.repositories.stash.appscode.com" "create pods" "get backupconfigurations"; do
        run kubectl auth can-i $what -n $NS --as "$account"
        [ "$output" = no ]
    done
}

@test "without an image it is that of the Redis behind the Service" {
    verification same
    verify_now same same
    outcome same Verified
    [ "$(condition $NS backupverification/same ServerNamed)" = "True Image $REDIS." ]
}

@test "another answer than expected fails it; the Pod ends all the same" {
    verification wrong "server: {image: $REDIS, command: [redis-server]}" 'questions: ["GET greeting => bye"]'
    verify_now wrong wrong
    outcome wrong Failed
    kubectl wait -n $NS job/wrong --for=condition=Failed --timeout=60s
    verified backupverification/wrong False-VerificationFailed
    verified backupconfiguration/bc False-VerificationFailed
    kubectl get events -n $NS | grep 'Warning *VerificationFailed *backupverification/wrong'
    [ "$(kubectl get -n $NS pod -l job-name=wrong -o jsonpath='{.items[0].status.containerStatuses[?(@.name=="server")].state.terminated.exitCode}')" = 0 ]
}

@test "level data needs no server; without an image level restore waits; one that is not there is told" {
    verification data 'level: data'
    verify_now data data
    outcome data Verified
    verification none 'repository: {name: repo}' # its Redis is not known
    until_is $NS backupverification/none '{.status.conditions[?(@.type=="ServerNamed")].status}' False 30
    run made none
    [ "$status" != 0 ]
    verification away 'server: {image: "registry.invalid/redis:1"}' 'timeOut: 10s'
    verify_now away away
    verified backupverification/away False-NotVerifiable
    [ "$(field $NS backupverification/away '{.status.lastResult.outcome}-{.status.lastResult.job}')" = NotVerifiable-away ]
}
