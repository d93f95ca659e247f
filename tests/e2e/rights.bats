#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Somebody with `edit` in one namespace, and nothing else: what the operator and other namespaces give him.

load e2e.bash
load stash.bash

NS=tenant OWNER=owner

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    namespace $NS
    namespace $OWNER
    kubectl create rolebinding -n $NS tenant --clusterrole=edit --user=tenant
}

teardown_file() { kubectl delete namespace $NS $OWNER --timeout=120s; }

k() { kubectl --as tenant "$@"; } # what he does; the helpers of stash.bash too

# How often each was started again; one that is on its way out may have been killed by other tests.
operators() {
    kubectl get pod -n $SYSTEM -l app.kubernetes.io/component=operator \
        -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{range .status.containerStatuses}}{{.restartCount}} {{end}}{{end}}{{end}}'
}

binding_of() { # binding_of NAMESPACE: an AppBinding where nothing listens
    cat <<YAML
apiVersion: appcatalog.appscode.com/v1alpha1
kind: AppBinding
metadata: {name: redis, namespace: $1}
spec: {type: redis, clientConfig: {url: "redis://127.0.0.1:1"}}
YAML
}

@test "wipeOut: his Secret cannot name the operator's files, and his Job may read one Secret" {
    k create secret generic store -n $NS --from-literal RESTIC_PASSWORD=x --from-literal AWS_ROLE_ARN=arn:aws:iam::1:role/x \
        --from-literal AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/kubernetes.io/serviceaccount/token \
        --from-literal AWS_ENDPOINT_URL_STS=http://nowhere.invalid
    k create secret generic another -n $NS --from-literal a=b
    k apply -f - <<YAML
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: repo, namespace: $NS}
spec: {wipeOut: true, backend: {storageSecretName: store, s3: {endpoint: "http://nowhere.invalid", bucket: b, prefix: p}}}
YAML
    until_is $NS repository/repo '{.metadata.finalizers[0]}' stash
    k delete repository.stash.appscode.com -n $NS repo --wait=false
    until_is $NS repository/repo '{.status.conditions[?(@.type=="BackendWiped")].reason}' WipeOutFailed 90
    condition $NS repository/repo BackendWiped | grep -q 'there are no credentials for S3'
    account=system:serviceaccount:$NS:$(kubectl get serviceaccount -n $NS -l app.kubernetes.io/component=stash-wipe -o jsonpath='{.items[0].metadata.name}')
    kubectl auth can-i get secret/store -n $NS --as "$account"
    for what in "get secret/another" "list secrets" "get repositories.stash.appscode.com" "create pods"; do
        run kubectl auth can-i $what -n $NS --as "$account"
        [ "$output" = no ]
    done
    k patch repository.stash.appscode.com -n $NS repo --type merge -p '{"spec":{"wipeOut":false}}'
    kubectl wait -n $NS --for=delete repository.stash.appscode.com/repo --timeout=60s
    kubectl wait -n $NS --for=delete role,rolebinding,serviceaccount,job -l app.kubernetes.io/component=stash-wipe --timeout=60s
}

@test "objects that nobody can use or read stop no others" {
    before=$(operators) # others kill them on purpose
    long=$(head -c 70000 /dev/zero | tr '\0' a)
    deep=$(python3 -c 'print("[" * 3000 + "]" * 3000)')
    cat <<YAML | k create -f -
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: long, namespace: $NS}
spec: {backend: {storageSecretName: $long, s3: {endpoint: "http://nowhere.invalid", bucket: b}}}
YAML
    for value in 99999999999999999999 "$deep"; do
        cat <<JSON | k create -f - || true # a server that refuses it is as good
{"apiVersion": "stash.appscode.com/v1beta1", "kind": "BackupConfiguration",
 "metadata": {"generateName": "odd-", "namespace": "$NS"},
 "spec": {"schedule": "0 0 1 1 *", "repository": {"name": "long"}, "retentionPolicy": {"name": "k", "prune": false},
          "target": {"ref": {"apiVersion": "na", "kind": "EmptyTarget", "name": "na"}},
          "runtimeSettings": {"pod": {"affinity": {"x": $value}}}}}
JSON
    done
    until_is $NS repository/long '{.status.conditions[?(@.type=="ValidationPassed")].status}' False
    [ "$(operators)" = "$before" ]
    kubectl rollout restart -n $SYSTEM deployment/cstash-operator
    kubectl rollout status -n $SYSTEM deployment/cstash-operator --timeout=90s
    kubectl create secret generic store -n $OWNER --from-literal RESTIC_PASSWORD=x
    cat <<YAML | kubectl apply -f -
apiVersion: stash.appscode.com/v1alpha1
kind: Repository
metadata: {name: shared, namespace: $OWNER}
spec:
  usagePolicy: {allowedNamespaces: {from: All}}
  backend: {storageSecretName: store, local: {mountPath: /safe, emptyDir: {}}}
YAML
    kubectl wait -n $OWNER --for=jsonpath='{.status.observedGeneration}'=1 repository.stash.appscode.com/shared --timeout=60s
    [[ "$(operators)" != *[1-9]* ]] # none was started again
}

@test "a volume as the target: no right to read it is asked for, and the Task says that it is not served" {
    cat <<YAML | kubectl apply -f -
apiVersion: stash.appscode.com/v1beta1
kind: BackupConfiguration
metadata: {name: volume, namespace: $OWNER}
spec:
  schedule: "0 0 1 1 *"
  task: {name: pvc-backup}
  repository: {name: shared}
  target: {ref: {apiVersion: v1, kind: PersistentVolumeClaim, name: data}}
  retentionPolicy: {name: k, keepLast: 1, prune: false}
YAML
    kubectl wait -n $OWNER --for=condition=TaskFound=False backupconfiguration/volume --timeout=60s
    [ "$(kubectl get -n $OWNER backupconfiguration/volume -o 'jsonpath={.status.conditions[?(@.type=="BackupTargetFound")].status} {.status.phase}')" = "Unknown NotReady" ]
    kubectl delete backupconfiguration -n $OWNER volume --timeout=60s
}

@test "usagePolicy that is taken back takes the rights back" {
    binding_of $NS | k apply -f -
    config $NS bc "repository: {name: shared, namespace: $OWNER}"
    phase $NS bc/bc Ready 60
    session $NS one bc
    phase $NS backupsession/one Failed 120
    account=system:serviceaccount:$NS:backupconfiguration-bc-0
    kubectl auth can-i get secret/store -n $OWNER --as $account
    kubectl patch repository.stash.appscode.com -n $OWNER shared --type merge -p '{"spec":{"usagePolicy":{"allowedNamespaces":{"from":"Same"}}}}'
    phase $NS bc/bc Invalid 60
    run kubectl auth can-i get secret/store -n $OWNER --as $account
    [ "$output" = no ]
    [ -z "$(kubectl get role,rolebinding -n $OWNER -o name | grep backupconfiguration)" ]
    kubectl patch repository.stash.appscode.com -n $OWNER shared --type merge -p '{"spec":{"usagePolicy":{"allowedNamespaces":{"from":"All"}}}}'
    phase $NS bc/bc Ready 60
}

@test "targets of another namespace: no word on whether they exist, until its owner allows it" {
    binding_of $OWNER | kubectl apply -f -
    for ref in "kind: Secret, apiVersion: v1, name: store" "kind: Secret, apiVersion: v1, name: none" \
        "kind: AppBinding, apiVersion: appcatalog.appscode.com/v1alpha1, name: redis" \
        "kind: AppBinding, apiVersion: appcatalog.appscode.com/v1alpha1, name: none"; do
        config $NS look "repository: {name: shared, namespace: $OWNER}" "target: {ref: {$ref, namespace: $OWNER}}"
        until_is $NS bc/look '{.status.conditions[?(@.type=="BackupTargetFound")].reason}' TargetNotAllowed
        k delete -n $NS bc look
    done
    kubectl create role -n $OWNER reader --verb=get --resource=appbindings.appcatalog.appscode.com
    kubectl create rolebinding -n $OWNER reader --role=reader --serviceaccount=$NS:backupconfiguration-look-0
    config $NS look "repository: {name: shared, namespace: $OWNER}" \
        "target: {ref: {kind: AppBinding, apiVersion: appcatalog.appscode.com/v1alpha1, name: redis, namespace: $OWNER}}"
    phase $NS bc/look Ready 60
    k delete -n $NS bc look
}

@test "a BackupBlueprint: his annotation makes objects in his namespace, and its loss takes the configuration away" {
    kubectl apply -f - <<YAML
apiVersion: stash.appscode.com/v1beta1
kind: BackupBlueprint
metadata: {name: $NS}
spec:
  backend: {storageSecretName: store, s3: {endpoint: "http://nowhere.invalid", bucket: b, prefix: "\${TARGET_NAMESPACE}/\${TARGET_APP_RESOURCE}/\${TARGET_NAME}"}}
  schedule: "0 0 1 1 *"
  task: {name: "redis-backup-\${TARGET_APP_VERSION}"}
  retentionPolicy: {name: k, keepLast: 1, prune: true}
YAML
    binding_of $NS | sed 's/name: redis,/name: blue,/; s/type: redis,/type: redis, version: 7.0.5,/' | k apply -f -
    k annotate appbinding -n $NS blue stash.appscode.com/backup-blueprint=$NS
    until_is $NS bc/app-blue '{.spec.task.name}' redis-backup-7.0.5
    until_is $NS repo/app-blue '{.spec.backend.s3.prefix}' $NS/redis/blue
    k annotate appbinding -n $NS blue stash.appscode.com/backup-blueprint-
    kubectl wait -n $NS --for=delete backupconfiguration/app-blue --timeout=60s
    until_is $NS repo/app-blue '{.spec.backend.s3.prefix}' $NS/redis/blue
    # His word leads nowhere else.
    k patch appbinding -n $NS blue --type merge -p '{"spec":{"type":"../../other"}}'
    k annotate appbinding -n $NS blue stash.appscode.com/backup-blueprint=$NS
    until kubectl get events -n $NS -o jsonpath='{.items[*].message}' | grep -q 'neither RESOURCE nor GROUP/RESOURCE'; do sleep 0.5; done
    [ "$(kubectl get backupconfigurations -n $NS -o name | grep -c app-blue)" = 0 ]
    kubectl delete backupblueprint $NS
    k delete appbinding -n $NS blue
}
