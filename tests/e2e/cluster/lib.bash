# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts here: where things are, what a cluster is called, how to look into one.

set -euo pipefail
CLUSTER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$CLUSTER/../../.." && pwd)
TOOLS=$ROOT/tests/e2e/tools
CACHE=${CSTASH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cstash}/e2e
NODE=node-0

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

need() { # need PROGRAM ...
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || die "$program is missing: run tools/install-deps e2e"
    done
}

# The programs that we build: their name, the folder below tools/, the module whose version counts, the package.
programs() {
    local name
    for name in kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet; do
        echo "$name kubernetes k8s.io/kubernetes k8s.io/kubernetes/cmd/$name"
    done
    echo "etcd etcd go.etcd.io/etcd/server/v3 go.etcd.io/etcd/server/v3"
    echo "coredns coredns github.com/coredns/coredns ."
    echo "helm helm helm.sh/helm/v3 helm.sh/helm/v3/cmd/helm"
}

# Where they are: a folder for each set of sources, compiler and machine, so that branches do not fight.
programs_dir() {
    local key
    command -v go >/dev/null ||
        die "go is missing: curl -fsSL https://go.dev/dl/go1.26.8.linux-$(dpkg --print-architecture).tar.gz |" \
            "tar -xz -C /usr/local && export PATH=/usr/local/go/bin:\$PATH"
    key=$({
        cd "$TOOLS" && find . -type f | LC_ALL=C sort | xargs sha256sum
        go version
        programs
    } | sha256sum)
    echo "$CACHE/${key:0:16}"
}

# cluster_of STATE: sets ID, the addresses of the link between this machine and the cluster, LINK, its name, and CGROUP.
# Two clusters differ in all of them, since their folders do.
cluster_of() {
    local hash
    hash=$(printf %s "$1" | sha256sum)
    ID=${hash:0:6}
    LINK=cst-$ID CGROUP=cstash-e2e-$ID
    local net=10.213.$((16#${hash:6:2}))
    local first=$((16#${hash:8:2} & 252))
    HOST_IP=$net.$((first + 1)) NODE_IP=$net.$((first + 2))
}

# init_pid STATE: the first process of a cluster, in which all others live; nothing if that one does not run. A number
# that meanwhile belongs to somebody else began at another time.
init_pid() {
    local pid began
    { read -r pid began <"$1/init.pid"; } 2>/dev/null || return 1
    [ "$(began_at "$pid")" = "$began" ] && echo "$pid"
}

began_at() { # began_at PID: in ticks since boot, the 22nd field; the name before may hold spaces and brackets
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
    set -- ${stat##*) }
    echo "${20}"
}

in_cluster() { # in_cluster STATE COMMAND ...: in its network, mounts and processes
    local pid
    pid=$(init_pid "$1") || die "no cluster runs in $1: start one with tests/e2e/cluster/up"
    shift
    nsenter --target "$pid" --mount --net --pid -- "$@"
}

# The arguments that most scripts share; sets STATE.
state_of() {
    STATE=${CSTASH_E2E_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/cstash/e2e}
    if [ "${1:-}" = --dir ]; then
        STATE=${2:?--dir needs a folder}
    elif [ $# -gt 0 ]; then
        die "unknown argument $1; usage: ${0##*/} [--dir STATE]"
    fi
    STATE=$(realpath -m "$STATE")
    cluster_of "$STATE"
}
