#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# keys, get and diff by somebody who may make SnapshotViews and nothing else, in a namespace with "restricted" Pods.

load e2e.bash
load stash.bash

NS=view CSTASH=${CSTASH_BUILD:-$ROOT/build}/cstash LOOKER=system:serviceaccount:view:looker

setup_file() {
    load e2e.bash
    load stash.bash
    installed
    world $NS
    config $NS bc
    phase $NS bc/bc Ready
    session $NS one bc
    phase $NS backupsession/one Succeeded 60
    cli $NS redis set key:1 other
    session $NS two bc
    phase $NS backupsession/two Succeeded 60
    person looker
    kubectl create rolebinding -n $NS looks --clusterrole cstash-look --serviceaccount $NS:looker
}

teardown_file() {
    load e2e.bash
    load stash.bash
    gone_world $NS
}

setup() { export XDG_CACHE_HOME=$BATS_TEST_TMPDIR; }

person() { # person NAME: an account, and its kubeconfig
    kubectl create serviceaccount -n $NS "$1"
    kubectl config view --raw --minify >"$BATS_FILE_TMPDIR/$1"
    kubectl config --kubeconfig "$BATS_FILE_TMPDIR/$1" set-credentials "$1" --token "$(kubectl create token -n $NS "$1")"
    kubectl config --kubeconfig "$BATS_FILE_TMPDIR/$1" set-context --current --user "$1"
}
as() { # as PERSON COMMAND...
    KUBECONFIG=$BATS_FILE_TMPDIR/$1 "${@:2}"
}
alike() { # alike COMMAND...: as by hand of somebody who has the Secret
    diff <(TZ=UTC "$CSTASH" "$1" -q -r kube:$NS/repo "${@:2}") <(as looker "$CSTASH" "$1" -q -r view:$NS/repo "${@:2}")
}
may() { # may yes|no VERB RESOURCE...
    run kubectl auth can-i "${@:2}" -n $NS --as $LOOKER
    [ "$output" = "$1" ]
}
gone() { [ -z "$(kubectl get -n $NS snapshotviews -o name)" ]; }
view() { # view NAME LINES OF SPEC
    {
        printf 'apiVersion: cstash.io/v1alpha1\nkind: SnapshotView\nmetadata: {name: %s, namespace: %s}\nspec:\n  command: keys\n' "$1" $NS
        printf '  %s\n' "${@:2}"
    } | kubectl apply -f -
}

@test "without the Secret the answers are those of the command by hand" {
    may no get secret/repo-secret
    may no get pods --subresource=exec
    run as looker "$CSTASH" keys -r kube:$NS/repo
    [ "$status" = 1 ]
    alike keys latest --match 'key:*'
    alike get latest h --json
    alike diff latest:1 latest --values
    run as looker "$CSTASH" get -r view:$NS/repo latest nothing
    echo "$output"
    [[ "$status" = 1 && "$output" == *'there is no key "nothing"'* ]]
    until_true gone
}

@test "the right to fetch is for one Pod, whose second container knows nothing" {
    local pod
    view mine 'repository: {name: repo}' "user: $LOOKER"
    phase $NS snapshotview/mine Ready 60
    pod=$(field $NS snapshotview/mine '{.status.pod}')
    may yes get "pods/$pod" --subresource=exec
    may no get pods/redis --subresource=exec
    [ "$(field $NS "pod/$pod" '{.spec.containers[*].volumeMounts[*].mountPath}')" = /cstash-view ]
    [ -z "$(kubectl logs -n $NS "$pod" --all-containers)" ]
    kubectl exec -n $NS "$pod" -c hold-view -- /usr/bin/cstash hand-view /cstash-view >"$BATS_TEST_TMPDIR/out"
    grep -q 'key:1000' "$BATS_TEST_TMPDIR/out"
    phase $NS snapshotview/mine Expired 60
    kubectl delete -n $NS snapshotview/mine
}

@test "who may not make one is told so; one that nobody deletes goes" {
    person nobody
    run as nobody "$CSTASH" keys -r view:$NS/repo
    echo "$output"
    [[ "$status" = 1 && "$output" == *"snapshotviews"*"cstash.io"* ]]
    view lost 'repository: {name: none}' 'ttlSecondsAfterFinished: 1'
    until_true gone
}
