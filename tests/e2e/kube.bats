#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The conformance suite of the API client and of what is built on it, against a real kube-apiserver.

load e2e.bash
load trouble.bash

setup_file() { # a server that began anew remembers no old versions
    load e2e.bash
    load trouble.bash
    server_killed
    settled
}

@test "Kubernetes answers every case of the API conformance suite as the plane does" {
    run "${CSTASH_BUILD:-$ROOT/build}/tests/kube_conformance" --kubeconfig "$KUBECONFIG"
    echo "$output"
    [ "$status" = 0 ]
    [ "$(grep -c '^ok' <<<"$output")" -ge 29 ]
    grep '^# listed anew' <<<"$output" # a version that is gone was met, not only a lost connection
}
