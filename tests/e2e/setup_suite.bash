# SPDX-License-Identifier: Apache-2.0
# Bats reads this by itself: one cluster for all files of this folder, ended afterwards whatever happened. With
# CSTASH_E2E_DIR set, the cluster that runs there is used, and left running.

setup_suite() {
    local cluster image environment
    cluster=$(dirname "${BASH_SOURCE[0]}")/cluster
    if [ -n "${CSTASH_E2E_DIR:-}" ]; then
        KUBECONFIG=$CSTASH_E2E_DIR/kubeconfig KUBECACHEDIR=$CSTASH_E2E_DIR/kubectl
        PATH=$("$cluster/build"):$PATH
    else
        export CSTASH_E2E_DIR=${XDG_STATE_HOME:-$HOME/.local/state}/cstash/e2e-suite E2E_IS_OURS=yes
        "$cluster/down"
        environment=$("$cluster/up")
        eval "$environment"
    fi
    export KUBECONFIG KUBECACHEDIR PATH
    image=$("$cluster/redis-image")
    "$cluster/load-image" "$image"
    image=$("$cluster/image" cstash-test/kubectl:1 kubectl busybox)
    "$cluster/load-image" "$image"
}

teardown_suite() {
    [ -z "${E2E_IS_OURS:-}" ] || "$(dirname "${BASH_SOURCE[0]}")/cluster/down"
}
