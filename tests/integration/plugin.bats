# SPDX-License-Identifier: Apache-2.0
# kubectl-stash, as kubectl calls it: `kubectl stash VERB`.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need kubectl curl redis-server restic
    setup_folder
    start_redis a
    cli a mset k v l w >/dev/null
    start_up --pushgateway-listen ""
    world demo "$PORT_a"
    mkdir "$T/bin"
    ln -s "$CSTASH" "$T/bin/kubectl-stash"
    PATH=$T/bin:$PATH
    unset RESTIC_REPOSITORY RESTIC_PASSWORD
}

teardown() {
    stop_up
    end_all
}

stash() { kubectl stash "$@"; }
serve_heads() { # an API server that has nothing, and writes down the heads of requests
    python3 - "$T" >/dev/null 2>&1 3>&- <<'PY' &
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/slow/"):
            time.sleep(60)
        open(sys.argv[1] + "/heads", "a").write(str(self.headers))
        body = b'{"kind": "Status", "message": "no such", "code": 404}'
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1] + "/port", "w").write(str(server.server_port))
server.serve_forever()
PY
    echo $! >"$T/heads.pid"
    until_true test -s "$T/port"
}
snapshots() { RESTIC_REPOSITORY=$T/repo-demo RESTIC_PASSWORD=secret restic snapshots --json | python3 -c 'import json, sys; print(*(s["short_id"] for s in json.load(sys.stdin)))'; }
backup() { # a session by hand; its name
    stash trigger -n demo bc | sed -n 's|^backupsessions.stash.appscode.com/\(.*\) created in demo$|\1|p'
}

@test "create, trigger, pause, resume, restore: as Stash's guides do it" {
    stash create repository -n demo made --provider s3 --endpoint http://nowhere.invalid --bucket b --prefix p --secret repo-secret
    [ "$(field demo repo/made '{.spec.backend.s3.bucket} {.spec.backend.s3.prefix} {.spec.backend.storageSecretName}')" = 'b p repo-secret' ]
    stash -q create -n demo repository later --provider local --secret repo-secret 2>"$T/err"
    grep -q 'the Repository has no volume yet: add spec.backend.local by "kubectl edit repository.stash.appscode.com later -n demo"' "$T/err"
    [ "$(field demo repo/later '{.spec}')" = '{"backend":{"storageSecretName":"repo-secret"}}' ]
    stash create backupconfig -n demo bc --target-apiversion appcatalog.appscode.com/v1alpha1 --target-kind AppBinding \
        --target-name redis --repo-name repo --schedule '0 0 1 1 *' --task redis-backup-7.0.5 --keep-last 5 --keep-daily=3 --prune
    [ "$(field demo bc/bc '{.spec.retentionPolicy}')" = '{"keepDaily":3,"keepLast":5,"name":"keep-daily-3","prune":true}' ]
    phase demo bc/bc Ready
    phase demo "backupsession/$(backup)" Succeeded
    stash pause -n demo backup --backupconfig bc
    [ "$(field demo bc/bc '{.spec.paused}')" = true ]
    until_is demo cronjob/stash-trigger-bc '{.spec.suspend}' true
    stash resume backup -n demo --backupconfig=bc
    until_is demo cronjob/stash-trigger-bc '{.spec.suspend}' false
    cli a flushall >/dev/null
    stash create restoresession -n demo back --target-kind AppBinding --target-name redis --repo-name repo --task redis-restore-7.0.5 --snapshots latest
    phase demo restoresession/back Succeeded
    [ "$(cli a dbsize)" = 2 ]
    # Two within a second are two; options of the cluster stand anywhere.
    stash -n demo trigger bc >"$T/out"
    stash --namespace=demo -q trigger bc >>"$T/out"
    grep -c ' created in demo$' "$T/out" | grep -qx 2
    run stash pause backup -n demo
    says 2 'use --backupconfig NAME or --backupbatch NAME'
    run stash trigger -n demo none
    says 1 'could not read BackupConfiguration demo/none'
    run stash frobnicate
    says 2 'unknown command frobnicate' 'known: trigger, pause, ' ', debug, '
    # kubectl's flags: another server, as somebody else; what is not taken says so, and is not repeated.
    serve_heads
    local there
    there=http://127.0.0.1:$(cat "$T/port")
    run stash trigger bc -n demo -s "$there" --as ada --as-group g --as-group h --request-timeout 5s -v=6 --match-server-version
    says 1 'no such'
    run stash -v 6 check repo -n demo --server "$there" --as bob
    says 1 'no such'
    tr -d '\r' <"$T/heads" | sort -u | grep -i '^impersonate-' | tr '\n' ' ' | grep -qx 'Impersonate-Group: g Impersonate-Group: h Impersonate-User: ada Impersonate-User: bob '
    run stash trigger bc -n demo --server "$there/slow" --request-timeout 100ms
    says 1 'timed out after'
    [[ "$output" != *attempts* ]]
    run stash trigger bc -n demo --user nobody
    says 1 'the kubeconfig has no user "nobody"'
    run stash prune repo --token s3cret
    says 2 '--token: not taken here' 'kubeconfig'
    [[ "$output" != *s3cret* ]]
    run stash prune -r x repo
    says 2 '--repo is not an option of this'
    run stash check --bogus repo
    says 2 'unknown option --bogus' '--namespace' 'try "kubectl stash check --help"'
    [[ "$output" != *--repo\ * ]]
    run stash debug
    says 2 'debug is half of a command' 'known: debug backup, debug restore, debug operator'
    run stash debug frobnicate --backupconfig x
    says 2 'unknown command debug frobnicate' 'known: debug backup, debug restore, debug operator'
    run stash cp secrets x
    says 2 'unknown command cp secrets' 'known: cp secret, cp repository, cp backupconfig'
    run stash clone pvc x
    says 2 'there is no command clone pvc: volumes are not what cstash saves'
    [ "$(stash help key)" = "$(stash key --help)" ]
    stash key --help | grep -q '^  list '
    stash help | grep -q '^  pause backup '
    stash key add --help | grep -q '^usage: kubectl stash key add \[options\] REPOSITORY'
    stash prune --help >"$T/out"
    grep -q -e '^  -n, --namespace NAMESPACE' "$T/out"
    grep -q -e '^      --dry-run' "$T/out"
    grep -q -e '^      --max-unused-limit' "$T/out"
    ! grep -q -e '--repo \|--token\|--stderrthreshold' "$T/out"
}

@test "copies into another namespace: a Secret, a Repository, a configuration with both" {
    k create namespace other >/dev/null
    k create namespace third >/dev/null
    config demo bc
    phase demo bc/bc Ready
    stash cp secret repo-secret -n demo --to-namespace other
    [ "$(field other secret/repo-secret '{.data.RESTIC_PASSWORD}')" = "$(printf secret | base64)" ]
    stash cp repository repo -n demo --to-namespace other >"$T/out" # what is there already does not stop it
    grep 'secrets/repo-secret unchanged in other' "$T/out"
    grep 'repo created in other' "$T/out"
    k patch secret repo-secret -n other --type merge -p '{"data":{"RESTIC_PASSWORD":"b3RoZXI="}}' >/dev/null
    run stash cp secret repo-secret -n demo --to-namespace other
    says 1 'already exists' 'it is another one, which stays'
    [ "$(field other secret/repo-secret '{.data.RESTIC_PASSWORD}')" = b3RoZXI= ]
    stash cp backupconfig bc -n demo --to-namespace third
    stash cp backupconfig bc -n demo --to-namespace third | grep -c unchanged | grep -qx 3
    [ "$(field third bc/bc '{.spec.task.name}')" = redis-backup-7.0.5 ]
    [ "$(field third repo/repo '{.spec.backend.local.hostPath.path}')" = "$T/repo-demo" ]
    field third secret/repo-secret '{.metadata.name}'
    run stash cp repository repo -n demo
    says 2 'use --to-namespace NAMESPACE'
}

@test "a Repository's data: check, prune, keys, locks, snapshots, downloads; in no container" {
    config demo bc
    phase demo bc/bc Ready
    for _ in 1 2; do
        phase demo "backupsession/$(backup)" Succeeded
        cli a incr n >/dev/null
        sleep 1 # sessions are named after the second
    done
    stash check -n demo repo --read-data --with-cache
    stash check repo -n demo --read-data-subset 50%
    stash prune -n demo repo --max-unused-limit 0 --dry-run --image-tag latest
    stash rebuild-index -n demo repo --read-all-packs
    stash unlock -n demo repo
    stash key list repo -n demo | grep -c '^[ *][0-9a-f]\{8\} '
    printf more >"$T/new"
    stash key add repo -n demo --new-password-file "$T/new" --user ada --host far
    stash key list repo -n demo | grep -q ' ada  *far '
    local id
    id=$(stash key list repo -n demo | sed -n 's/^ \([0-9a-f]\{8\}\) .*/\1/p')
    stash key remove -n demo repo --id "$id"
    [ "$(stash key list repo -n demo | grep -c '^[ *][0-9a-f]\{8\} ')" = 1 ]
    local first second
    read -r first second < <(snapshots)
    stash download repo -n demo --snapshots "$first,$second" --destination "$T/down/one"
    grep -q 'SET' "$T/down/one/$second/dumpfile.resp"
    RESTIC_REPOSITORY=$T/repo-demo RESTIC_PASSWORD=secret restic dump "$first" dumpfile.resp | cmp - "$T/down/one/$first/dumpfile.resp"
    run stash download repo -n demo --snapshots "$first" --destination "$T/down/one"
    says 1 'File exists'
    stash delete snapshot -n demo "repo-$first"
    [ "$(snapshots)" = "$second" ]
    # An ID that was forgotten, cut or said by a word is nobody's; nor are policies taken.
    for word in repo repo-latest "repo-${second:0:4}"; do
        run stash delete snapshot -n demo "$word"
        says 2 'name the snapshot: REPOSITORY-ID'
    done
    run stash delete snapshot -n demo "repo-$second" --keep-last 1
    says 2 '--keep-last is not an option of this'
    # The newest whole one stays, as with kubectl delete.
    run stash delete snapshot -n demo "repo-$second"
    says 1 "nothing was removed: snapshot $second should stay, since it is the newest whole snapshot of its target" '--allow-removal'
    stash delete snapshot -n demo "repo-$second" --allow-removal --dry-run
    [ "$(snapshots)" = "$second" ]
    run stash prune -n demo repo --max-unused-limit=1 --max-unused-limit=2 --max-unused-limit=3 --max-unused-limit=4 --max-unused-limit=5
    [ "$status" -lt 128 ]
    # Files that do not lie at the top are not passed over in silence.
    RESTIC_REPOSITORY=$T/repo-demo RESTIC_PASSWORD=secret restic backup -q --stdin --stdin-filename a/b/c <<<x
    run stash download repo -n demo --snapshots "$(snapshots | cut -d' ' -f2)" --destination "$T"
    says 1 'not all files of snapshot'
    stash download repo -n demo --snapshots latest --target demo/AppBinding/redis --destination "$T/latest"
    # One after the other: what the first leaves is what the second is judged by. Nothing goes unless all may.
    phase demo "backupsession/$(backup)" Succeeded
    local third
    third=$("$CSTASH" snapshots -r kube:demo/repo --json latest --target demo/AppBinding/redis | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["short_id"])')
    run "$CSTASH" forget -r kube:demo/repo --guarded "$second" "$third"
    says 1 "snapshot $third should stay"
    "$CSTASH" snapshots -r kube:demo/repo | grep -q "^$second"
    stash delete snapshot -n demo "repo-$third" --allow-removal
    ! "$CSTASH" snapshots -r kube:demo/repo | grep -q "^$third"
    run stash delete snapshot -n demo "repo-$second"
    says 1 "snapshot $second should stay"
    run stash check -n demo
    says 2 'name the Repository'
    run stash check -n demo none
    says 1 'could not read Repository demo/none'
}

@test "the rules for a moment: the snapshots before it, and those after" {
    restic_as() { RESTIC_REPOSITORY=$T/repo-demo RESTIC_PASSWORD=secret restic "$@"; }
    config demo bc
    phase demo bc/bc Ready
    restic_as init -q
    for at in '2026-01-01 02:00:00 a' '2026-01-01 02:01:00 b' '2026-01-02 02:00:00 a'; do
        TZ=UTC restic_as backup -q --stdin --stdin-filename dumpfile.resp --host "${at##* }" --time "${at% *}" <<<x
    done
    local id
    mapfile -t id < <(restic_as snapshots --json | python3 -c 'import json, sys; print(*(s["short_id"] for s in json.load(sys.stdin)), sep="\n")')
    run stash gen rules repo -n demo --timestamp 2026-01-01T12:00:00Z
    # An ID that YAML would take for a number, such as 12345678 or 123e4567, stands in quotes.
    [ "$(tr -d \" <<<"$output")" = "# the nearest snapshots before that: 2026-01-01T02:00:00Z
- snapshots:
  - ${id[0]}
  targetHosts:
  - a
- snapshots:
  - ${id[1]}
  targetHosts:
  - b
# the nearest snapshots then or after that: 2026-01-02T02:00:00Z
- snapshots:
  - ${id[2]}" ]
    # The moment itself is not before it; an offset is understood.
    [ "$(stash gen rules repo -n demo --timestamp 2026-01-02T03:00:00+01:00 | grep -c "after that")" = 1 ]
    # A part of a target is nobody's state.
    "$CSTASH" backup -q -r "$T/repo-demo" --password-file <(echo secret) --redis "$URL_a" --match 'k*' --time '2026-01-01 11:00:00'
    run stash gen rules repo -n demo --timestamp 2026-01-01T12:00:00Z
    says 0 "1 snapshot is passed over, of a part of a target" "before that: 2026-01-01T02:00:00Z"
    run stash gen rules repo -n demo --timestamp 2026-01-03T00:00:00Z --group-interval 48h
    says 1 "are both of the host a" "a --group-interval that is shorter"
    run stash gen rules repo -n demo
    says 2 "use --timestamp with a time such as"
}

@test "debug: a session that failed, with its Job, Pod and log; what cannot be read is told" {
    config demo bc
    phase demo bc/bc Ready
    phase demo "backupsession/$(backup)" Succeeded
    stash debug backup -n demo --backupconfig bc >"$T/out"
    grep -q '^==== BackupConfiguration demo/bc ====' "$T/out"
    grep -q '^==== AppBinding demo/redis ====' "$T/out"
    ! grep -q '^==== BackupSession' "$T/out" # that one is well
    cli a config set requirepass another >/dev/null
    sleep 1 # sessions are named after the second
    local session
    session=$(backup)
    phase demo "backupsession/$session" Failed
    k delete -n demo repo repo --wait=false >/dev/null
    until_true gone_repo
    stash debug backup -n demo --backupconfig=bc >"$T/out"
    grep -q "^==== BackupSession demo/$session ====" "$T/out"
    grep -q "^==== Job demo/stash-backup-$session-0 ====" "$T/out"
    grep -A2 '^==== Repository demo/repo ====' "$T/out" | grep -q 'could not be read: .*not found'
    grep -q '^\[pod/.*WRONGPASS' "$T/out"
    grep -q '^kubectl-stash: cstash ' "$T/out"
    grep -q '^API server: v1' "$T/out"
    stash debug operator | grep -q 'it runs in `cstash up`'
    run stash debug restore -n demo
    says 2 'use --restoresession NAME or --restorebatch NAME'
    run stash debug restore -n demo --restoresession none
    says 1 'could not read RestoreSession demo/none'
}
gone_repo() { ! k get -n demo repo repo >/dev/null 2>&1; }
