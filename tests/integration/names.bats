# SPDX-License-Identifier: Apache-2.0
# Names that are derived from others: no two objects share one, and nothing is taken from its owner.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl
    setup_folder
    start_redis a
    cli a set k v >/dev/null
    start_up --pushgateway-listen ""
    world demo "$PORT_a"
}

teardown() {
    stop_up
    end_all
}

owner() { # owner CRONJOB
    field demo "cronjob/$1" '{.metadata.ownerReferences[0].name}'
}

uid() { field demo "$1" '{.metadata.uid}'; }

owned_cron_job() { # owned_cron_job NAME VERSION KIND OWNER UID
    cat <<YAML | k apply -f - >/dev/null
apiVersion: batch/v1
kind: CronJob
metadata:
  name: $1
  namespace: demo
  labels: {app.kubernetes.io/managed-by: stash.appscode.com}
  ownerReferences: [{apiVersion: stash.appscode.com/$2, kind: $3, name: $4, uid: $5, controller: true}]
spec:
  schedule: "@yearly"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
YAML
}

@test "configurations whose names look alike have a CronJob each, and each session its own Job" {
    local tail=team-checkout-production-eu-central-1-sessions-redis-backup name
    for name in redis.prod redis-prod "a-$tail" "b-$tail"; do config demo "$name"; done
    for name in redis.prod redis-prod "a-$tail" "b-$tail"; do phase demo "bc/$name" Ready; done
    [ "$(k get cronjobs -n demo -o jsonpath='{.items[*].metadata.ownerReferences[0].name}' | tr ' ' '\n' | sort -u | wc -l)" = 4 ]
    [ "$(owner stash-trigger-redis-prod)" = redis-prod ]
    session demo night.1 redis.prod
    session demo night-1 redis-prod
    phase demo backupsession/night.1 Succeeded
    phase demo backupsession/night-1 Succeeded
    [ "$(k get jobs -n demo -l app.kubernetes.io/component=stash-backup -o name | wc -l)" = 2 ]
    k delete bc -n demo redis-prod --timeout=60s
    phase demo bc/redis.prod Ready
    [ "$(k get cronjobs -n demo -o name | wc -l)" = 3 ]
}

@test "a CronJob that goes comes back" {
    config demo redis.prod
    phase demo bc/redis.prod Ready
    made_anew demo cronjob/stash-trigger-redis-prod-1ddfc1de82
    until_is demo cronjob/stash-trigger-redis-prod-1ddfc1de82 '{.metadata.ownerReferences[0].name}' redis.prod
}

@test "what belongs to another is left alone, and said" {
    owned_cron_job stash-trigger-bc v1alpha1 Repository repo "$(uid repo/repo)"
    config demo bc
    phase demo bc/bc NotReady
    [[ "$(condition demo bc/bc CronJobCreated)" == "False CronJob demo/stash-trigger-bc belongs to Repository repo: rename one of both" ]]
}

@test "configurations with one account of the user's have a binding each" {
    k create serviceaccount -n demo mine >/dev/null
    config demo a 'runtimeSettings: {pod: {serviceAccountName: mine}}'
    config demo b 'runtimeSettings: {pod: {serviceAccountName: mine}}'
    phase demo bc/a Ready
    phase demo bc/b Ready
    session demo one a
    phase demo backupsession/one Succeeded
    session demo two b
    phase demo backupsession/two Succeeded
    k delete bc -n demo a --timeout=60s
    [ "$(k get rolebindings -n demo -o jsonpath='{.items[?(@.metadata.ownerReferences[0].name=="b")].subjects[0].name}')" = "mine mine mine" ]
    session demo three b
    phase demo backupsession/three Succeeded
}
