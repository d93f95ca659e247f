# SPDX-License-Identifier: Apache-2.0
# Commands in pods over a real TLS connection, against a small kubelet's exec.

bats_require_minimum_version 1.5.0
load ../harness/env.bash

setup() {
    need python3 openssl
    setup_folder
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" \
        -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    coproc SERVER { exec python3 "$ROOT/tests/harness/execserver.py" "$T/cert.pem" "$T/key.pem" sesame 3>&-; }
    PIDS+=("$SERVER_PID")
    read -r port <&"${SERVER[0]}"
    kubeconfig sesame
}

teardown() {
    end_all
}

kubeconfig() { # kubeconfig TOKEN
    cat >"$T/kubeconfig" <<DATA
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$port/prefix/", certificate-authority: $T/cert.pem}}]
users: [{name: u, user: {token: $1}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
DATA
}

tool() {
    timeout 20 "$BUILD/tests/exec_tool" "$T/kubeconfig" demo pod "$@"
}

@test "output and exit code of a command" {
    run -0 tool sh -c 'echo "a & b"; echo err >&2'
    [ "$output" = $'a & b\nerr' ]
    run -7 tool sh -c 'exit 7'
    run -0 tool true
    [ -z "$output" ]
}

@test "more output than a frame holds" {
    [ "$(tool seq 100000 | sha256sum)" = "$(seq 100000 | sha256sum)" ]
    [ "$(tool seq 1000000 | wc -c)" = 1048576 ] # cut at the ceiling
}

@test "refusals say why" {
    kubeconfig wrong
    run -4 tool true
    grep -q Unauthorized <<<"$output"
    kubeconfig sesame
    run -4 "$BUILD/tests/exec_tool" "$T/kubeconfig" demo other true
    grep -q 'pods not found' <<<"$output"
    kill "$SERVER_PID"
    wait "$SERVER_PID" || true
    run -4 tool true
    grep -q 'could not reach 127.0.0.1' <<<"$output"
}
