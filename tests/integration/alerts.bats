# SPDX-License-Identifier: Apache-2.0
# The alerts of deploy/monitoring: judged by promtool, compared with what the program exports and with the runbooks, and seen by a real
# Prometheus when a configuration does not run.

load ../harness/env.bash
load ../harness/plane.bash
load ../harness/prometheus.bash

RULES=$ROOT/deploy/monitoring/rules.yaml

setup() {
    need kubectl curl redis-server python3
    setup_folder
}

teardown() {
    stop_up
    end_all
}

@test "promtool: each alert fires, and does not, as its cases say; each has both" {
    promtool_path
    promtool check rules "$RULES"
    promtool test rules "$ROOT"/tests/golden/alerts/*_test.yaml
    python3 - "$RULES" "$ROOT"/tests/golden/alerts/*_test.yaml <<'PY'
import re, sys
alerts = re.findall(r"- alert: (\w+)", open(sys.argv[1]).read())
cases = [line for name in sys.argv[2:] for line in open(name) if "eval_time" in line]
assert len(alerts) == len(set(alerts)) > 0
for alert in alerts:
    mine = [line for line in cases if f'alertname="{alert}",alertstate="firing"' in line]
    assert any("exp_samples: [{value: 1}]" in line for line in mine), f"no case in which {alert} fires"
    assert any("exp_samples: []" in line for line in mine), f"no case in which {alert} does not fire"
PY
}

@test "alerts read what the program exports, have a runbook, and are the same in the PrometheusRule" {
    start_up
    curl -fs "http://127.0.0.1:$METRICS/metrics" >"$T/metrics"
    python3 - "$RULES" "$ROOT/deploy/monitoring/prometheusrule.yaml" "$ROOT/docs/runbooks.md" "$T/metrics" <<'PY'
import re, sys
rules, operator_rules, books, metrics = (open(name).read() for name in sys.argv[1:])
exported = set(re.findall(r"^# TYPE (\S+) ", metrics, re.M))
words = {"and", "or", "unless", "on", "by", "ignoring", "offset", "bool", "group_left", "group_right"}
body = rules[rules.index("groups:"):].rstrip("\n")
assert "\n".join("  " + line for line in body.split("\n")) in operator_rules, "make deploy"
for rule in re.split(r"- alert: ", body)[1:]:
    name = re.match(r"\w+", rule)[0]
    expr = re.search(r"expr: (.*?)\n {8}(?:for|labels):", rule, re.S)[1]
    expr = re.sub(r'\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|ignoring) \([^)]*\)|\boffset \w+|\b[\d.]+(?:e\d+)?\b', " ", expr)
    read = set(re.findall(r"\b[a-z_]\w*\b(?! *\()", expr)) - words
    assert read and read <= exported, f"{name} reads {read - exported}, which nothing exports"
    assert re.search(r"severity: (critical|warning)\}", rule), name
    for word in "summary", "description":
        assert re.search(rf"{word}: \S", rule), f"{name} has no {word}"
    assert f"runbook_url: https://github.com/cstash/cstash/blob/main/docs/runbooks.md#{name.lower()}\n" in rule + "\n", name
    assert f"\n## {name}\n" in books, f"docs/runbooks.md has no {name}"
assert len(re.findall(r"^## Cstash", books, re.M)) == body.count("- alert: "), "a runbook without an alert"
PY
}

alert() { # alert NAME: does it fire for the configuration bc? What it says is in $T/alert
    curl -fs "http://$PROM/api/v1/alerts" >"$T/alerts" || return 2
    python3 -c 'import json, sys
for a in json.load(sys.stdin)["data"]["alerts"]:
    l = a["labels"]
    if (l["alertname"], l.get("namespace"), l.get("invoker_name"), a["state"]) == (sys.argv[1], "demo", "bc", "firing"):
        print(a["annotations"]["summary"], a["annotations"]["description"])' "$1" <"$T/alerts" >"$T/alert"
    [ -s "$T/alert" ]
}
quiet() { # quiet NAME
    local got=0
    alert "$1" || got=$?
    [ $got = 1 ]
}

@test "a configuration that does not run, fails or misses its objective: Prometheus says so, and that it is over" {
    start_redis a
    start_up
    world demo "$PORT_a"
    sed -E 's/^( +for:) .*/\1 0s/' "$RULES" >"$T/rules.yaml"
    start_prometheus "$T/rules.yaml"
    # its AppBinding is not there, so nothing comes of its slots
    config demo bc 'schedule: "@every 2s"' 'target: {ref: {apiVersion: appcatalog.appscode.com/v1alpha1, kind: AppBinding, name: gone}}'
    until_true alert CstashBackupMissed
    grep -q '^BackupConfiguration demo/bc did not run when it was due No session began at [0-9]* of its slots' "$T/alert"
    until_true alert CstashBackupNotReady
    # it is there, and no Redis answers
    k patch bc bc -n demo --type merge -p '{"spec":{"schedule":"0 0 1 1 *"}}' >/dev/null
    binding_at demo gone redis://127.0.0.1:1
    until_true quiet CstashBackupMissed
    phase demo bc/bc Ready
    session demo one bc
    until_true alert CstashBackupFailing
    # objectives: measured, and one that cannot be read stops no backup
    k annotate bc bc -n demo cstash.io/rpo=1s >/dev/null
    until_true alert CstashObjectiveBreached
    grep -q 'demo/bc does not meet its rpo' "$T/alert"
    run condition demo bc/bc ObjectivesMet
    says 0 False 'RPO of 1s is breached: a backup never succeeded.'
    k annotate --overwrite bc bc -n demo cstash.io/rpo='a day' >/dev/null
    until_is demo bc/bc '{.status.conditions[?(@.type=="ObjectivesMet")].reason}' ObjectiveInvalid
    phase demo bc/bc Ready
    k annotate --overwrite bc bc -n demo cstash.io/rpo=24h cstash.io/rto=10m >/dev/null
    binding_at demo gone "redis://127.0.0.1:$PORT_a"
    session demo two bc
    phase demo backupsession/two Succeeded
    until_true quiet CstashBackupFailing
    until_true quiet CstashObjectiveBreached
    until_is demo bc/bc '{.status.conditions[?(@.type=="ObjectivesMet")].reason}' NotMeasured # the way back was not tried
}

of_hand() { # of_hand FILE NAME: the value of a series of the target db
    sed -n "s/^cstash_backup_$2{.*invoker_kind=\"cstash backup\",invoker_name=\"db\/1\".*} //p" "$1"
}

@test "a backup by hand tells a Pushgateway and a file; a failure keeps what the last success said" {
    need prometheus-pushgateway
    promtool_path
    PUSH=$(free_port)
    prometheus-pushgateway --web.listen-address "127.0.0.1:$PUSH" >"$T/push.log" 2>&1 3>&- &
    echo $! >"$T/push.pid"
    until_true curl -fs "http://127.0.0.1:$PUSH/-/ready" -o "$T/ready"
    start_redis a
    cli a mset k v l w >/dev/null
    local where=(--redis "$URL_a" --target db/1 --pushgateway "http://127.0.0.1:$PUSH" --metrics-file "$T/backup.prom") at file
    run "$CSTASH" backup "${where[@]}" # there is no repository yet
    [ "$status" = 10 ]
    [ "$(of_hand "$T/backup.prom" last_success_time_seconds)" = 0 ]
    [ "$(of_hand "$T/backup.prom" last_failure_time_seconds)" -gt 0 ]
    "$CSTASH" init
    (umask 077; "$CSTASH" backup "${where[@]}")
    [ "$(stat -c %a "$T/backup.prom")" = 644 ]
    at=$(of_hand "$T/backup.prom" last_success_time_seconds)
    [ "$at" -gt 0 ]
    stop_redis a
    run "$CSTASH" backup "${where[@]}" --wait 0
    [ "$status" = 1 ]
    promtool check metrics <"$T/backup.prom"
    curl -fs "http://127.0.0.1:$PUSH/metrics" | sed 's/e+09 *$/e+09/' >"$T/pushed"
    [ "$(of_hand "$T/backup.prom" last_success_time_seconds)" = "$at" ]
    for file in "$T/backup.prom" "$T/pushed"; do
        [ "$(of_hand "$file" keys)" = 2 ]
        [ "$(of_hand "$file" shrank)" = 0 ]
        [ -n "$(of_hand "$file" last_failure_time_seconds)" ]
        [ "$(printf '%.0f' "$(of_hand "$file" last_success_time_seconds)")" = "$at" ]
    done
    run "$CSTASH" backup "${where[@]}" --metrics-file "$T/backup.txt"
    says 2 'must end in .prom'
    start_redis a
    run "$CSTASH" backup --redis "$URL_a" --pushgateway http://127.0.0.1:1 # nobody there: a warning
    says 0 'the Pushgateway does not have how it went'
}
