# SPDX-License-Identifier: Apache-2.0
# The conformance suite of the API client, against the embedded plane over TLS.

load ../harness/env.bash
load ../harness/plane.bash

setup() {
    need curl python3
    setup_folder
    export HOME=$T
    start_up
}

teardown() {
    stop_up
    end_all
}

@test "the plane answers every case of the API conformance suite" {
    run "$BUILD/tests/kube_conformance" --kubeconfig "$KUBECONFIG"
    echo "$output"
    [ "$status" = 0 ]
    [ "$(grep -c '^ok' <<<"$output")" -ge 29 ]
    ! grep '^not ok' <<<"$output"
}
