# SPDX-License-Identifier: Apache-2.0
# Sourced after env.bash: clusters of real servers on loopback.

# start_node NAME [redis-server arguments]: a node of no cluster yet, as start_redis. CLUSTER_VERSION: another version
# than the machine's (versions.bash); before 7.0 the port of the bus is 10000 above, and may be taken: another one then.
start_node() {
    local name=$1
    shift
    set -- "$name" --cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout 2000 "$@"
    case ${CLUSTER_VERSION:-} in
    '') start_redis "$@" --cluster-port "$(free_port)" --cluster-allow-reads-when-down yes ;;
    redis-6.*) start_version "$CLUSTER_VERSION" "$@" ;;
    *) start_version "$CLUSTER_VERSION" "$@" --cluster-port "$(free_port)" --enable-debug-command yes ;;
    esac
}

# start_cluster NAME MASTERS REPLICAS [redis-server arguments]: nodes NAME1.. of which the first are masters, and
# with REPLICAS of each more; sets URL_NAME. All of them agree when it returns.
start_cluster() {
    local name=$1 masters=$2 replicas=$3 i nodes=()
    shift 3
    for i in $(seq $((masters + masters * replicas))); do
        start_node "$name$i" "$@"
        eval "nodes+=(127.0.0.1:\$PORT_$name$i)"
    done
    if [ "$masters" -lt 3 ]; then # redis-cli makes none of fewer
        form_cluster "$name" "$masters"
    else
        timeout 60 redis-cli --cluster create "${nodes[@]}" --cluster-replicas "$replicas" --cluster-yes >"$T/$name.create" 2>&1 || {
            cat "$T/$name.create"
            return 1
        }
    fi
    for i in $(seq ${#nodes[@]}); do until_true agrees "$name$i" ${#nodes[@]} "$((masters * replicas))"; done
    eval "URL_$name=\$URL_${name}1"
}

form_cluster() { # NAME MASTERS: slots in equal ranges
    local name=$1 n=$2 i port
    for i in $(seq "$n"); do
        cli "$name$i" cluster addslotsrange $(((i - 1) * 16384 / n)) $((i * 16384 / n - 1)) >/dev/null
        cli "$name$i" cluster set-config-epoch "$i" >/dev/null
        eval "port=\$PORT_$name$i"
        [ "$i" = 1 ] || cli "${name}1" cluster meet 127.0.0.1 "$port" "$(cli "$name$i" config get cluster-port | tail -n 1)" >/dev/null
    done
}

agrees() { # NODE NODES REPLICAS: it knows all, every slot has an owner, and every replica its master
    [[ "$(cli "$1" cluster info)" == *cluster_state:ok*cluster_slots_ok:16384*cluster_known_nodes:$2* ]] || return 1
    [ "$(cli "$1" cluster nodes | grep -c slave)" = "$3" ] || return 1
    [[ "$(cli "$1" info replication)" != *master_link_status:down* ]]
}

# each_node NAME COMMAND...: of each node that was started, in order
each_node() {
    local pid
    for pid in "$T/$1"[0-9]*.pid; do cli "$(basename "$pid" .pid)" "${@:2}"; done
}

node_id() { cli "$1" cluster myid; }

# fill_cluster NAME KEYS [lasting]: of every type, with hash tags, expiries and a library on every master
fill_cluster() {
    local port
    eval "port=\$PORT_${1}1"
    python3 "$HARNESS/cluster_fill.py" "$port" "${@:2}"
}
