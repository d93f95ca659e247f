# SPDX-License-Identifier: Apache-2.0
# keys, get and diff through a SnapshotView: a Job looks, exec brings the result.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl python3 redis-server
    setup_folder
    start_redis a
    cli a set s 'first-value' >/dev/null
    cli a set user:1 one >/dev/null
    printf 'bytes \x00\x01\xff\r\n' | cli a -x set $'k\xff\x01' >/dev/null
    start_up
    world demo "$PORT_a"
    config demo bc
    backup one
}

teardown() {
    stop_up
    end_all
}

backup() { # backup SESSION
    session demo "$1" bc
    phase demo "backupsession/$1" Succeeded
}
alike() { # alike COMMAND...: as by hand
    diff <("$CSTASH" "$1" -q -r kube:demo/repo "${@:2}") <("$CSTASH" "$1" -q -r view:demo/repo "${@:2}")
}
gone() { [ -z "$(k get -n demo snapshotviews,pods -l app.kubernetes.io/component=stash-view -o name)$(k get -n demo snapshotviews -o name)" ]; }
view() { # view NAME LINES OF SPEC: made by hand
    {
        printf 'apiVersion: cstash.io/v1alpha1\nkind: SnapshotView\nmetadata: {name: %s, namespace: demo}\nspec:\n  repository: {name: repo}\n' "$1"
        printf '  %s\n' "${@:2}"
    } | k apply -f - 2>&1
}
pod_of() { field demo "snapshotview/$1" '{.status.pod}'; }
fetched() { # fetched VIEW: what exec brings, once
    phase demo "snapshotview/$1" Ready >&2
    k exec -n demo "$(pod_of "$1")" -c hold-view -- /usr/bin/cstash hand-view /cstash-view
}

@test "what a view gives is what the command gives by hand" {
    alike keys latest
    alike keys latest --match 'user:*' --type string --json
    alike keys latest --sort size --top 1
    alike get latest s
    alike get latest $'k\xff\x01'
    alike get latest s --resp
    cli a set s second >/dev/null
    cli a del user:1 >/dev/null
    backup two
    alike diff latest:1 latest
    alike diff latest:1 latest --values --json
    RESTIC_REPOSITORY=view:demo/repo run "$CSTASH" get latest:1 nothing
    says 1 'there is no key "nothing" in database 0 of the snapshot'
    run "$CSTASH" keys -r view:demo/repo 00000000
    says 1 "00000000"
    run "$CSTASH" keys -r view:demo/other
    says 1 "Repository demo/other does not exist"
    run "$CSTASH" diff -r view:demo/repo latest "$URL_a"
    says 2 "two snapshots, not a Redis"
    run "$CSTASH" stats -r view:demo/repo
    says 2 "only keys, get and diff"
    until_true gone
}

@test "what was found is in the Pod alone, and is handed over once" {
    view mine 'command: get' 'key: s'
    fetched mine >"$T/out"
    tail -n 1 "$T/out" | grep -qx '"first-value"'
    run k exec -n demo "$(pod_of mine)" -c hold-view -- /usr/bin/cstash hand-view /cstash-view
    [[ "$status" != 0 && "$output" != *first-value* ]]
    phase demo snapshotview/mine Expired
    k get -n demo snapshotviews,jobs,pods,events -o json >"$T/objects"
    k logs -n demo "$(pod_of mine)" --all-containers >"$T/logs"
    ! grep -q first-value "$T/objects" "$T/logs"
    [ ! -s "$T/logs" ]
    run k patch -n demo snapshotview/mine --type merge -p '{"spec": {"key": "user:1"}}'
    [[ "$status" != 0 && "$output" == *"make another one"* ]]
}

@test "a folder of a view is handed over whole, and once" {
    mkdir "$T/view"
    run "$CSTASH" hand-view "$T/view"
    says 1 "could not"
    rm "$T/view/taken"
    echo '{}' >"$T/view/end"
    printf 'said\n' >"$T/view/notes"
    printf 'found\n' >"$T/view/result"
    [ "$("$CSTASH" hand-view "$T/view")" = $'{"notes":5,"result":6}\nsaid\nfound' ]
    run "$CSTASH" hand-view "$T/view"
    says 1 "handed over already"
    "$CSTASH" hold-view "$T/view"
}

@test "words of a view are never options, addresses or files" {
    local n=0 lines
    run view bad 'command: restore'
    [[ "$output" == *"spec.command"* ]]
    for lines in 'command: keys|snapshots: ["--repo=/tmp"]' 'command: diff|snapshots: ["latest", "redis://127.0.0.1:1"]' \
        'command: keys|snapshots: ["../../x"]' 'command: keys|types: ["nothing"]'; do
        IFS='|' read -ra lines <<<"$lines"
        n=$((n + 1))
        view "v$n" "${lines[@]}"
        fetched "v$n" >"$T/out"
        grep -q '"code":' "$T/out"
    done
    view plain 'command: get' 'key: "--resp"'
    fetched plain >"$T/out"
    grep -q 'there is no key \\"--resp\\"' "$T/out"
    view dollar 'command: keys' 'match: ["$(RESTIC_PASSWORD)*", "/cstash-view"]'
    fetched dollar >"$T/out"
    ! grep -q '"code":' "$T/out"
}

@test "a result that is too large is refused, and what to do is said" {
    cli a eval 'for i = 1, 300 do redis.call("SET", "big" .. i, string.rep("x", 100000)) end redis.call("DEL", "l") for i = 1, 20 do redis.call("RPUSH", "l", string.rep("y", 1000000)) end' 0 >/dev/null
    backup two
    run "$CSTASH" get -r view:demo/repo latest l
    says 1 "the result is larger than 16 MiB"
    [[ "$output" == *"--match"* && ${#output} -lt 2000 ]]
    alike get latest big7
    until_true gone
}
