# SPDX-License-Identifier: Apache-2.0
# Command lines that people bring along from redis-cli and restic.
load ../harness/env.bash

setup() { setup_folder; }
teardown() { end_all; }

wrong() { # wrong "WORDS OF A COMMAND LINE" TEXT
    # shellcheck disable=SC2086
    run "$CSTASH" $1 </dev/null
    [ "$status" = 2 ] && [[ "$output" == *"$2"* ]] || { echo "$1: $status: $output"; return 1; }
}

@test "-h behind a command prints its help; in front of a host it is an error with the right name" {
    local command
    for command in backup restore load dump digest; do
        run "$CSTASH" $command -h
        [ "$status" = 0 ] && [[ "$output" == *"usage: cstash $command"* ]]
        wrong "$command -h 127.0.0.1" "use --redis redis://HOST:PORT"
        wrong "$command -hlocalhost" "use --redis redis://HOST:PORT"
    done
    wrong "snapshots -h host-0" "takes no value"
    wrong "-h 127.0.0.1 backup" "--redis redis://HOST:PORT"
    run "$CSTASH" get -h pods
    [ "$status" = 0 ]
}

@test "options of redis-cli and restic are errors with the right name" {
    wrong "restore -p 6379" "use --redis redis://HOST:PORT"
    wrong "dump -p 6379" "use --redis redis://HOST:PORT"
    wrong "restore -n 3 latest" "use --db N"
    wrong "digest -n 3" "use --db N"
    wrong "dump -a s3cret" "REDISCLI_AUTH"
    [[ "$output" != *s3cret* ]]
    wrong "dump --pass=s3cret" "REDISCLI_AUTH"
    [[ "$output" != *s3cret* ]]
    wrong "backup --tls" "use --redis rediss://HOST:PORT"
    wrong "backup -u redis://h" "use --redis URL"
    wrong "load --pipe" "cstash load -"
    wrong "restore --include x" "use --match GLOB"
    wrong "restore --target /tmp/out latest" "not a folder"
    wrong "backup --password-command x" "use --password-file FILE"
}

@test "options for TLS and an address without it are an error that says what to write" {
    local option
    for option in "--cacert x" "--cacertdir x" "--cert x" "--key x" "--sni x" --insecure; do
        wrong "dump --redis redis://127.0.0.1:1 $option" "${option%% *} needs a connection with TLS, and redis://127.0.0.1:1 is without"
        [[ "$output" == *"hint: use --redis rediss://HOST:PORT"* ]]
        wrong "restore --redis unix:///none $option" "needs a connection with TLS"
    done
}

@test "what a command line asks wrongly for exits with 2" {
    local line
    for line in "backup --bogus" "dump --db x" "dump --wait soon" "dump --source disk" "dump --redis foo://x" "key frob" \
        "restore a b" "load --existing never" "frobnicate" "load --existing flush --match x" \
        "load --existing skip --verify" "forget" "wait pods/x" "logs" "apply" "delete" "up --listen 0.0.0.0:1" \
        "backup --no-lock" "tag" "backup --stdin --match x" "backup --stdin --db 0" "snapshots -- --json" "tag --add x -- -x" "restore latest:foo" \
        "show latest:" "digest latest:x" "forget -- -x" "copy --from-repo x latest:x" "stats latest:1x" "repair snapshots latest:" "repair packs xx" "key remove xx" \
        "cat snapshot latest:x" "cat pack xx" "find --pack xx" "find --blob 12 xx" "key add" "key passwd" "run-hook" "run-hook --hook-type preBackup" \
        "create-backupsession" "update-status" "backup-redis" "restore-redis" "wipe-repository"; do
        wrong "$line" ""
    done
    for line in .. . / a/.. ../a a//b a/ //; do
        wrong "backup --stdin --stdin-filename $line" "--stdin-filename: must be the name of a file"
    done
    "$CSTASH" init -q # what could be there, and is not, is not an error of the command line
    for line in "snapshots abcd" "snapshots nosuch" "tag --add x nosuch" "restore latest:7" "restore abcd" "forget abcd" "tag --add x abcd" "key remove abcd" "cat snapshot abcd" "repair packs abcd" "restore latest"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $line </dev/null
        [ "$status" = 1 ] || { echo "$line: $status: $output"; return 1; }
    done
}

@test "options of restic stand before the command too, and help explains a command" {
    "$CSTASH" init -q
    unset RESTIC_REPOSITORY
    local line
    for line in "-r $T/repo snapshots" "--repo $T/repo -q snapshots" "--repo=$T/repo --json snapshots" "-qr $T/repo snapshots" "-r$T/repo --no-lock stats" \
        "--log-format text -r $T/repo check -q" "-r $T/repo -- snapshots" "snapshots -r $T/repo"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $line </dev/null
        if [[ $line == *" -- "* ]]; then [ "$status" = 2 ]; else [ "$status" = 0 ] || { echo "$line: $output"; return 1; }; fi
    done
    wrong "--redis redis://h backup" "--redis stands before the command: write cstash COMMAND --redis"
    wrong "--frobnicate" "stands before the command"
    wrong "-q" "there is no command behind -q"
    wrong "-n ns get --bogus" "unknown option --bogus"
    wrong "-r $T/repo get pods" "unknown option -r"
    wrong "-r $T/repo frobnicate" "unknown command frobnicate"
    wrong "snapshot" "did you mean snapshots?"
    wrong "bakcup" "did you mean backup?"
    for line in "help backup" "--help backup" "-h backup"; do
        # shellcheck disable=SC2086
        [ "$("$CSTASH" $line)" = "$("$CSTASH" backup --help)" ]
    done
    wrong "help nonsense" "unknown command nonsense"
}

@test "times are as in Go, and a limit of 0 means no retry" {
    local line
    for line in 90 90s 1h30m 1.5h .5s 1us 1µs 100ms 1h0.5m 0; do
        run "$CSTASH" snapshots --retry-lock "$line"
        [ "$status" = 10 ] || { echo "$line: $output"; return 1; }
    done
    for line in 1.5 1y h 1..5s -5s 1h30 "1 h" 1e3s .s 9999999999h; do
        run "$CSTASH" snapshots --retry-lock "$line"
        [ "$status" = 2 ] || { echo "$line: $output"; return 1; }
    done
    run "$CSTASH" snapshots --no-cache --retry-limit 0 -r rest:http://127.0.0.1:1/
    [ "$status" = 1 ]
    [[ "$output" != *attempts* && "$output" != *"trying again"* ]]
    run "$CSTASH" snapshots --no-cache --retry-limit 1ms -r rest:http://127.0.0.1:1/
    [ "$status" = 1 ]
}

@test "a file to log in or to verify with that is missing is told at once, by its name" {
    AWS_WEB_IDENTITY_TOKEN_FILE=$T/none AWS_ROLE_ARN=arn:aws:iam::1:role/x run "$CSTASH" init -r s3:https://127.0.0.1:1/b
    [ "$status" = 1 ]
    [[ "$output" == *"token of the web identity: could not open $T/none"* ]]
    AWS_WEB_IDENTITY_TOKEN_FILE=$T/none AWS_ROLE_ARN=arn:aws:iam::1:role/x run "$CSTASH" snapshots --no-cache -r s3:https://127.0.0.1:1/b
    [ "$status" = 1 ] # and not 10: there may well be a repository
    [[ "$output" == *"token of the web identity: could not open $T/none"* ]]
    run timeout 20 "$CSTASH" snapshots --no-cache -r rest:https://127.0.0.1:1/ --repo-cacert "$T/none"
    [ "$status" = 1 ]
    [[ "$output" == *"could not read the CA certificates in $T/none: No such file"* ]]
}

@test "up: ports out of range, ports that are taken, and a folder with a blank" {
    local at port
    for at in :99999 :-1 127.0.0.1:99999 127.0.0.1:x 127.0.0.1: 127.0.0.1:65536; do
        wrong "up --dir $T/state --listen $at" "--listen: $at: the port must be a number from 0 to 65535"
        wrong "up --dir $T/state --metrics-listen $at" "--metrics-listen: $at: the port must be a number from 0 to 65535"
        wrong "up --dir $T/state --pushgateway-listen $at" "--pushgateway-listen: $at: the port must be a number from 0 to 65535"
        wrong "operator --metrics-listen $at" "the port must be a number from 0 to 65535"
    done
    wrong "up --dir $T/state --listen :6443" "not on the loopback interface"
    start_redis a # something that listens
    for at in --listen --metrics-listen --pushgateway-listen; do
        run timeout 60 "$CSTASH" up --dir "$T/state" --listen 127.0.0.1:0 --metrics-listen "" --pushgateway-listen "" "$at" "127.0.0.1:$PORT_a"
        [ "$status" = 1 ]
        [[ "$output" == *"could not listen on 127.0.0.1:$PORT_a: Address already in use"* ]]
        [[ "$output" != *"ready: export"* ]]
    done
    port=$(free_port)
    mkdir "$T/a b'c"
    "$CSTASH" up --dir "$T/a b'c" --listen 127.0.0.1:0 --metrics-listen "127.0.0.1:$(free_port)" --pushgateway-listen "127.0.0.1:$port" >"$T/up.log" 2>&1 3>&- &
    PIDS+=("$!")
    for _ in $(seq 300); do grep -q '^ready:' "$T/up.log" && break; sleep 0.1; done
    curl -fs "http://127.0.0.1:$port/-/ready" # it listens by then
    unset KUBECONFIG
    eval "$(sed -n 's/^ready: //p' "$T/up.log")"
    [ "$KUBECONFIG" = "$T/a b'c/kubeconfig" ]
    "$CSTASH" get namespaces >/dev/null
}

@test "--json prints JSON, or is refused" {
    local command line
    for command in $("$CSTASH" help | awk '/^  [a-z]/ {print $1}'); do
        "$CSTASH" "$command" --help >"$T/help"
        grep -qF -- --json "$T/help" || wrong "$command --json" "unknown option --json: the results of this command are not JSON"
    done
    is_json() { # one document, or one object a line
        python3 -c 'import json, sys
text = sys.stdin.read()
try: json.loads(text)
except ValueError: [json.loads(line) for line in text.strip().split("\n")]'
    }
    "$CSTASH" init -q --repository-version 1 --json | is_json
    printf '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n' | "$CSTASH" backup -q --stdin --json | is_json
    export RESTIC_NEW_PASSWORD=other
    for line in snapshots "snapshots --latest 1" stats check "find dump*" "find nothing" "key list" "key add" unlock "unlock --remove-all" \
        "list snapshots" "list packs" "list blobs" "list locks" "list index" "list keys" "cat config" "cat masterkey" "tag --add x" "tag --add x" \
        "migrate" "migrate upgrade_repo_v2" "migrate upgrade_repo_v2" "repair index" "repair index --read-all-packs" rebuild-index \
        "repair snapshots" "repair snapshots -n" "repair packs $("$CSTASH" list packs -q | head -1)" prune "prune -n" \
        "forget --keep-last 1" "digest latest" "key passwd"; do
        (cd "$T" && "$CSTASH" $line -q --json >"$T/out") || { echo "$line"; cat "$T/out"; return 1; }
        is_json <"$T/out" || { echo "$line"; cat "$T/out"; return 1; }
        export RESTIC_PASSWORD=secret
    done
    [ "$("$CSTASH" list snapshots -q --json -p <(echo -n other) | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 1 ]
    wrong "cat blob 1234 --json" "the bytes of a blob are not JSON"
}

@test "--log-format json: each line is JSON, whatever is wrong" {
    local line
    each_is_json() { python3 -c 'import json, sys; lines = sys.stdin.buffer.read().split(b"\n")[:-1]; assert lines; [json.loads(line) for line in lines]'; }
    for line in "--log-format json frobnicate" "frobnicate --log-format=json" "--log-format json" "backup --bogus --log-format json" "backup --log-format json --bogus" \
        "forget --keep-last x --log-format=json" "key frob --log-format json" "snapshots --log-format json" "get pods --kubeconfig /none --log-format json" \
        "restore a b --log-format json" "-h x --log-format json" "snapshots --json=x --log-format json"; do
        # shellcheck disable=SC2086
        "$CSTASH" $line >/dev/null 2>"$T/err" </dev/null && false
        each_is_json <"$T/err" || { echo "$line"; cat "$T/err"; return 1; }
    done
    for line in $'a\xffb' $'\xc3' $'\xed\xa0\x80' $'\xf5\x80\x80\x80' $'\xe2\x82' $'q"\\\x01'; do
        "$CSTASH" snapshots --log-format json -r "$T/$line" 2>"$T/err" && false
        each_is_json <"$T/err" || { cat "$T/err"; return 1; }
        "$CSTASH" "$line" --log-format json 2>"$T/err" && false
        each_is_json <"$T/err" || { cat "$T/err"; return 1; }
    done
    "$CSTASH" snapshots --log-format json -r "$T/ü€😀" 2>"$T/err" && false
    grep -q "ü€😀" "$T/err"
}

@test "a value of the wrong kind is told with what would be right" {
    local line
    while IFS='|' read -r line said; do
        wrong "$line" "$said"
    done <<'END'
dump --db x|--db: "x" is not a number from 0 to 2147483647
dump --db -1|--db: "-1" is not a number from 0
dump --wait soon|--wait: "soon" is not a time such as 30s, 5m or 1h
dump --source disk|--source: "disk" must be auto, replication or scan
backup --compression much|--compression: "much" must be auto, off or max
backup --time today|--time: "today" is not a time such as '2012-11-01 22:08:41'
backup --time 2012-02-31|--time: "2012-02-31" is not a time
backup --shrink-below 0|--shrink-below: must be a percentage from 1 to 100, or off
load --existing never|--existing: "never" must be replace, skip, fail or flush
snapshots --latest 0|--latest: "0" is not a number of at least 1
snapshots --limit-upload fast|--limit-upload: "fast" is not a number of KiB per second
snapshots --retry-lock 1y|--retry-lock: "1y" is not a time
snapshots --option x|--option: "x" is not of the form store.name=value
snapshots --log-format xml|--log-format: "xml" must be text or json
prune --max-repack-size x|--max-repack-size: "x" is not a size such as 500K, 200M or 1G
prune --max-unused 101%|--max-unused: "101%" is not a share
check --read-data-subset 3/2|--read-data-subset: "3/2" is not a part such as 1/10
init --repository-version 3|--repository-version: "3" must be 2 or 1
stats --mode all|--mode: "all" must be restore-size, files-by-contents, blobs-per-file or raw-data
forget --keep-last x|--keep-last: "x" must be a number or "unlimited"
forget --keep-within 3w|--keep-within: "3w" is not a time such as 1y5m7d2h
forget --group-by colour|--group-by: cannot group by "colour"; known: host paths tags
operator --qps many|--qps: "many" is not a number from 0 to 1000000
delete pods --cascade=up|--cascade: "up" must be background, foreground, orphan or true
delete pods --dry-run|--dry-run: "true" must be none, server or client
delete pods --grace-period soon|--grace-period: "soon" is not a number from -1
get pods -o xml|--output: unable to match a printer suitable for the output format "xml"
logs x --tail many|--tail: "many" is not a number of at least -1
logs x --since 5x|--since: "5x" is not a time
wait x --for ready|--for: unrecognized condition: "ready"
backup-redis --max-connections many|--max-connections: "many" is not a number from 0
END
}

@test "an unknown option is told with those like it, none of them cut" {
    wrong "forget --keep-lats 3" "did you mean --keep-last?"
    wrong "backup --compresion off" "did you mean --compression?"
    wrong "forget --keep 3" "hint: did you mean --keep-last --keep-hourly "
    [[ "$(grep hint <<<"$output")" =~ \ --keep-[a-z-]+\?$ ]]
    local command
    for command in $("$CSTASH" help | awk '/^  [a-z]/ {print $1}'); do
        wrong "$command --frobnicate" "try \"cstash $command --help\""
        [[ "$output" != *hint* ]]
        [[ "$output" == *"known: --"*" --log-format"* ]] || { echo "$command: $output"; return 1; }
    done
}

@test "help fits in 80 columns, names each option once, and shows what is assumed" {
    local command
    for command in $("$CSTASH" help | awk '/^  [a-z]/ {print $1}'); do
        "$CSTASH" "$command" --help >"$T/help"
        head -1 "$T/help" | grep -qE "^usage: cstash $command \[options\]( [^ ].*)?\$" || { head -1 "$T/help"; false; }
        [ -z "$(tail -n +4 "$T/help" | grep -E '^.{81}')" ] || { echo "$command"; grep -E '^.{81}' "$T/help"; false; }
        [ -z "$(grep -E ' $' "$T/help")" ]
        [ -z "$(grep -oE '^ +(-., )?--[a-zA-Z-]+' "$T/help" | grep -oE -- '--.*' | sort | uniq -d)" ] || { echo "$command"; false; }
        [ -z "$(grep -oE '^  -.' "$T/help" | sort | uniq -d)" ] || { echo "$command: letters"; false; }
    done
    "$CSTASH" prune --help | grep -A1 -- --max-unused | grep -F '[5%]'
    "$CSTASH" backup --help | grep -A1 -- --compression | grep -F '[auto]'
}

@test "a value that is empty is what a script forgot to set, not a name" {
    local line
    for line in "backup --host" "backup --target" "backup --tag" "backup --stdin-filename" "backup --redis" "backup --match" \
        "backup --repo" "backup --password-file" "backup --time" "restore --target" "restore --path" "restore --host" \
        "snapshots --host" "snapshots --path" "snapshots --target" "forget --keep-last" "forget --target" "copy --from-repo" \
        "dump --from-rdb" "init --repository-version" "stats --mode" "tag --add" "digest --sni"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $line "" </dev/null
        [ "$status" = 2 ] && [[ "$output" == *"the value of ${line#* } is empty"* ]] || { echo "$line: $status: $output"; return 1; }
        run "$CSTASH" ${line%% *} "${line#* }=" </dev/null
        [ "$status" = 2 ]
    done
    for line in "forget" "show" "restore" "tag --add x" "load"; do
        # shellcheck disable=SC2086
        run "$CSTASH" $line "" </dev/null
        [ "$status" = 2 ] && [[ "$output" == *"argument 1 is empty"* ]] || { echo "$line: $status: $output"; return 1; }
    done
    "$CSTASH" init -q # where empty has a meaning, restic's: without tags, in no groups
    printf 'SET a 1\r\n' | "$CSTASH" backup -q --stdin
    printf 'SET b 1\r\n' | "$CSTASH" backup -q --stdin --tag x
    [ "$("$CSTASH" snapshots --tag "" --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 1 ]
    "$CSTASH" forget -q --group-by "" --keep-tag "" --keep-last 1 --dry-run
    "$CSTASH" tag --set "" >/dev/null
    [ "$("$CSTASH" snapshots --tag "" --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 2 ]
}

@test "who names no server is told which one was tried" {
    local name
    for name in dump digest backup "load /dev/null"; do
        "$CSTASH" init -q 2>/dev/null || true
        # shellcheck disable=SC2086 # nothing listens in a network of its own
        run unshare -r -n "$CSTASH" $name
        [ "$status" = 1 ]
        [[ "$output" == *"127.0.0.1:6379"*"no server was named"*"--redis"* ]]
    done
}

@test "files that are not a dump are named, with what to do" {
    start_redis a
    local said
    printf 'SET a 1\r\n' >"$T/dump"
    gzip -k "$T/dump"
    xz -k "$T/dump"
    bzip2 -k "$T/dump"
    python3 -c 'import zipfile, sys; zipfile.ZipFile(sys.argv[1] + ".zip", "w").write(sys.argv[1])' "$T/dump"
    printf '\x28\xb5\x2f\xfd....' >"$T/dump.zst"
    for said in gz:gunzip xz:xz bz2:bzip2 zip:unzip zst:zstd; do
        run "$CSTASH" load -q --redis "$URL_a" "$T/dump.${said%:*}"
        [ "$status" = 1 ]
        [[ "$output" == *"not a dump"*"unpack it first: ${said#*:}"* ]]
    done
    cli a config set appendonly yes
    cli a set k v
    cli a set k w
    until [ -s "$T/a/appendonlydir/appendonly.aof.1.incr.aof" ]; do sleep 0.1; done
    run "$CSTASH" load -q --redis "$URL_a" "$T/a/appendonlydir/appendonly.aof.manifest"
    [ "$status" = 1 ]
    [[ "$output" == *"the manifest of an append-only file"* ]]
    cat "$T"/a/appendonlydir/*.rdb "$T"/a/appendonlydir/*.aof >"$T/old.aof"
    run "$CSTASH" digest -q "$T/old.aof"
    [ "$status" = 1 ]
    [[ "$output" == *"append-only file that begins with an RDB"* ]]
}

@test "standard input that no restore will take is stored, and told" {
    "$CSTASH" init -q 2>/dev/null
    wrong "backup --stdin --redis redis://127.0.0.1:1" "give --stdin or --redis, not both"
    printf 'SET a 1\r\n' | "$CSTASH" backup -q --stdin 2>"$T/err"
    grep -q "cannot be restored into a Redis: it begins neither like RESP" "$T/err"
    [ "$(restic dump latest /dumpfile.resp)" = $'SET a 1\r' ]
    gzip -c <"$T/err" | "$CSTASH" backup -q --stdin 2>&1 | grep -q "compressed with gzip"
    printf '*1\r\n$4\r\nPING\r\n' | "$CSTASH" backup -q --stdin 2>"$T/err"
    [ ! -s "$T/err" ]
}

@test "docs/commands.md and the README list what the program has" {
    local root="$BATS_TEST_DIRNAME/../.." command
    "$root/tools/docs" "$CSTASH" | diff - "$root/docs/commands.md" || { echo "run: make docs"; return 1; }
    for command in $("$CSTASH" help | awk '/^  [a-z]/ {print $1}'); do
        grep -q "^|.*\`$command\`.*|" "$root/README.md" || { echo "$command is missing in README.md"; return 1; }
    done
}

@test "a shell completes commands, options and words" {
    local shell
    complete_with() { # complete_with WORDS..: what bash offers for the last one
        bash -c 'source <("$1" completion bash); shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cstash
                 printf "%s\n" "${COMPREPLY[@]}"' _ "$CSTASH" "$@"
    }
    [ "$(complete_with cstash back)" = "backup
backup-redis" ]
    [ "$(complete_with cstash backup --comp)" = "--compression" ]
    [ "$(complete_with cstash backup --compression m)" = "max" ]
    [ "$(complete_with cstash backup --source = s)" = "scan" ]
    [ "$(complete_with cstash forget --keep-within-y)" = "--keep-within-yearly" ]
    [ -z "$(complete_with cstash forget --compression)" ]
    [ "$(complete_with cstash key "" | tr '\n' ' ')" = "list add remove passwd " ]
    [ "$(complete_with cstash repair s)" = "snapshots" ]
    [ "$(complete_with cstash list l)" = "locks" ]
    [ "$(complete_with cstash cat master)" = "masterkey" ]
    [ "$(complete_with cstash completion z)" = "zsh" ]
    [ "$(complete_with cstash man rest | tr '\n' ' ')" = "restore restore-redis " ]
    [ "$(complete_with cstash help unl)" = "unlock" ]
    [ "$(complete_with cstash get -o y)" = "yaml" ]
    [ "$(complete_with cstash get pods --output j | tr '\n' ' ')" = "json jsonpath= " ]
    for shell in bash zsh fish; do # each option of each command is there
        "$CSTASH" completion $shell >"$T/$shell"
        for option in keep-within-hourly unsafe-allow-remove-all all-namespaces storage-secret-name; do
            grep -q -- "$option" "$T/$shell" || { echo "$shell: $option"; return 1; }
        done
    done
    bash -n "$T/bash"
    zsh -n "$T/zsh"
    [ "$(fish -c "source $T/fish; complete -C 'cstash backup --comp'" | cut -f1)" = "--compression" ]
    [ "$(fish -c "source $T/fish; complete -C 'cstash backup --source '" | cut -f1 | tr '\n' ' ')" = "auto replication scan " ]
    [ "$(fish -c "source $T/fish; complete -C 'cstash key '" | cut -f1 | sort | tr '\n' ' ')" = "add list passwd remove " ]
    [ "$(fish -c "source $T/fish; complete -C 'cstash help unl'" | cut -f1)" = "unlock" ]
    [ "$(fish -c "source $T/fish; complete -C 'cstash get -o y'" | cut -f1)" = "yaml" ]
    grep -q "'1:argument:(list add remove passwd)'" "$T/zsh"
    wrong "completion tcsh" "completion is for bash, zsh or fish"
    wrong "completion" "usage is cstash completion"
}

@test "kubectl-stash is completed too: verbs of two words, what verbs call otherwise, and by kubectl's question" {
    local shell ask="$T/kubectl_complete-stash" plugin="$T/kubectl-stash"
    ln -s "$CSTASH" "$plugin"
    complete_with() { # complete_with WORDS..: what bash offers for the last one
        bash -c 'source <("$1" completion bash); shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kubectl_stash
                 printf "%s\n" "${COMPREPLY[@]}"' _ "$plugin" "$@"
    }
    [ "$(complete_with kubectl-stash cr)" = "create" ]
    [ "$(complete_with kubectl-stash create "" | sort | tr '\n' ' ')" = "backupconfig repository restoresession " ]
    [ "$(complete_with kubectl-stash create repository --prov)" = "--provider" ]
    [ -z "$(complete_with kubectl-stash create backupconfig --prov)" ]
    [ "$(complete_with kubectl-stash trigger --backup)" = "--backupbatch" ]
    [ "$(complete_with kubectl-stash debug backup --log-format = j)" = "json" ]
    [ "$(complete_with kubectl-stash key remove --id)" = "--id" ]
    [ "$(complete_with kubectl-stash unlock --names)" = "--namespace" ]
    [ "$(complete_with kubectl-stash completion z)" = "zsh" ]
    "$plugin" completion bash >"$ask"
    chmod +x "$ask"
    [ "$("$ask" gen "" | tr '\n' ' ')" = "rules :0 " ]
    [ "$("$ask" debug backup --log-format=t | tr '\n' ' ')" = "text :0 " ]
    [ "$("$ask" trigger x)" = ":0" ]
    for shell in zsh fish; do
        "$plugin" completion $shell >"$T/$shell"
        grep -q -- "max-unused-limit" "$T/$shell"
    done
    zsh -n "$T/zsh"
    [ "$(fish -c "source $T/fish; complete -C 'kubectl-stash create '" | cut -f1 | sort | tr '\n' ' ')" = "backupconfig repository restoresession " ]
    [ "$(fish -c "source $T/fish; complete -C 'kubectl-stash key remove --i'" | cut -f1 | grep -c '^--id$')" = 1 ]
    [ -z "$(fish -c "source $T/fish; complete -C 'kubectl-stash key list --id'" | cut -f1)" ]
    [ "$(fish -c "source $T/fish; complete -C 'kubectl-stash completion f'" | cut -f1)" = "fish" ]
    run "$plugin" completion powershell
    [ "$status" = 2 ]
    [[ "$output" == *"completion is for bash, zsh or fish, not for powershell"* ]]
}

@test "each command has a manual page that groff reads without a warning" {
    local command
    for command in "" $("$CSTASH" help | awk '/^  [a-z]/ {print $1}'); do
        # shellcheck disable=SC2086
        "$CSTASH" man $command >"$T/page"
        run groff -man -Tascii -ww -z "$T/page"
        [ "$status" = 0 ] && [ -z "$output" ] || { echo "$command: $output"; return 1; }
    done
    "$CSTASH" man backup | groff -man -Tascii -P-cbou | grep -A1 -Fe '--compression auto|off|max' |
        grep -F 'compression level [auto]'
    wrong "man nonsense" "unknown command nonsense"
}

@test "a step whose flags are wrong writes that down for the steps after it, and the last one fails" {
    local flags="--hostname h --wait-timeout=soon --output-dir $T/out --appbinding app"
    # shellcheck disable=SC2086
    "$CSTASH" restore-redis $flags --bogus
    python3 - "$T/out/output.json" <<'PY'
import json, sys
status = json.load(open(sys.argv[1]))["targetStatus"]
host = status["stats"][0]
assert status["ref"]["name"] == "app" and host["hostname"] == "h" and host["phase"] == "Failed", status
assert "--wait-timeout: \"soon\" is not a time" in host["error"], status
PY
    CSTASH_FINAL_STEP=true wrong "backup-redis $flags" "--wait-timeout"
    wrong "backup-redis --wait-timeout=soon" "--wait-timeout"
    wrong "run-hook --bogus --output-dir $T/none" "unknown option --bogus"
    [ ! -e "$T/none" ]
}
