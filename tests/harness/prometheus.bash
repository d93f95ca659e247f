# SPDX-License-Identifier: Apache-2.0
# Sourced after plane.bash: a real Prometheus beside `cstash up`.

promtool_path() { # Prometheus and promtool come first in PATH
    PATH=$("$HARNESS/../servers/build" prometheus)/root/usr/bin:$PATH
}

# Scrapes the operator and the Pushgateway as the chart's ServiceMonitors do, and evaluates these rules. Sets PROM.
start_prometheus() { # start_prometheus [RULES_FILE]
    promtool_path
    PROM=127.0.0.1:$(free_port)
    cat >"$T/prometheus.yml" <<YAML
global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}
rule_files: [${1:-}]
scrape_configs:
  - job_name: operator
    honor_labels: true
    static_configs: [{targets: ["127.0.0.1:$METRICS"]}]
  - job_name: pushgateway
    honor_labels: true
    static_configs: [{targets: ["127.0.0.1:$PUSH"]}]
YAML
    promtool check config "$T/prometheus.yml"
    prometheus --config.file "$T/prometheus.yml" --storage.tsdb.path "$T/tsdb" --web.listen-address "$PROM" \
        >"$T/prometheus.log" 2>&1 3>&- &
    echo $! >"$T/prometheus.pid"
}

ask() { # ask QUERY: how many series
    curl -fs "http://$PROM/api/v1/query" --data-urlencode "query=$1" |
        python3 -c 'import json, sys; print(len(json.load(sys.stdin)["data"]["result"]))'
}
is_there() { [ "$(ask "$1")" -gt 0 ]; }
