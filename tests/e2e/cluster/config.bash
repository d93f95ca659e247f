# SPDX-License-Identifier: Apache-2.0
# Sourced by up: the certificates and configuration files of a cluster in STATE.

authority() { # authority NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=cstash test cluster $1" \
        -addext keyUsage=critical,keyCertSign,digitalSignature -keyout "$STATE/pki/$1.key" -out "$STATE/pki/$1.crt" \
        2>>"$STATE/log/pki.log"
}

certificate() { # certificate AUTHORITY NAME SUBJECT [ALTERNATIVE_NAMES]: for a client, and with names for a server too
    local file=$STATE/pki/$2 extensions="extendedKeyUsage=clientAuth"
    [ -z "${4:-}" ] || extensions+=",serverAuth"$'\n'"subjectAltName=$4"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$file.key" -subj "$3" 2>>"$STATE/log/pki.log" |
        openssl x509 -req -CA "$STATE/pki/$1.crt" -CAkey "$STATE/pki/$1.key" -days 365 -out "$file.crt" \
            -extfile <(echo "$extensions") 2>>"$STATE/log/pki.log" ||
        die "openssl could not make the certificate $2: $(tail -n 1 "$STATE/log/pki.log")"
}

make_pki() {
    local key=$STATE/pki/serviceaccount
    authority ca
    authority front-ca # of the API server before API servers of others
    openssl ecparam -genkey -name prime256v1 -noout -out "$key.key"
    openssl ec -in "$key.key" -pubout -out "$key.pub" 2>>"$STATE/log/pki.log"
    local host=DNS:kubernetes
    certificate ca apiserver /CN=kube-apiserver \
        "$host,$host.default,$host.default.svc,$host.default.svc.cluster.local,IP:10.96.0.1,IP:$NODE_IP"
    certificate ca apiserver-kubelet /O=system:masters/CN=kube-apiserver-kubelet-client
    certificate ca kubelet "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE,IP:$NODE_IP"
    certificate ca admin /O=system:masters/CN=admin
    certificate ca controller-manager /CN=system:kube-controller-manager
    certificate ca scheduler /CN=system:kube-scheduler
    certificate ca proxy /CN=system:kube-proxy
    certificate ca coredns /CN=system:coredns
    certificate front-ca front /CN=front
}

kubeconfig() { # kubeconfig NAME FILE
    cat >"$2" <<END
apiVersion: v1
kind: Config
current-context: cstash-e2e
clusters:
- name: cstash-e2e
  cluster:
    server: https://$NODE_IP:6443
    certificate-authority-data: $(base64 -w0 "$STATE/pki/ca.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$STATE/pki/$1.crt")
    client-key-data: $(base64 -w0 "$STATE/pki/$1.key")
contexts:
- name: cstash-e2e
  context: {cluster: cstash-e2e, user: $1}
END
}

# Prints overlayfs if layers can be mounted over each other where STATE is, and native, which copies, if not.
snapshotter() {
    local try=$STATE/try answer=native
    mkdir -p "$try"/{lower,upper,work,merged}
    unshare --mount mount -t overlay overlay -o "lowerdir=$try/lower,upperdir=$try/upper,workdir=$try/work" "$try/merged" \
        2>/dev/null && answer=overlayfs
    rm -rf "$try"
    echo "$answer"
}

make_configs() {
    local config=$STATE/config name
    kubeconfig admin "$STATE/kubeconfig"
    for name in kubelet controller-manager scheduler proxy coredns; do
        kubeconfig "$name" "$config/$name.kubeconfig"
    done
    echo "nameserver 10.96.0.10" >"$config/resolv.conf"

    # What service accounts do, but for the cluster's own: who asked for what, and which rule let him.
    cat >"$config/audit.yaml" <<END
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, userGroups: ["system:serviceaccounts:kube-system"]}
- {level: Metadata, userGroups: ["system:serviceaccounts"]}
- {level: None}
END

    # restrict_oom_score_adj: a root without the capability to resist the OOM killer still makes containers.
    cat >"$config/containerd.toml" <<END
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/cstash-test/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "$(snapshotter)"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$STATE/cni"
END

    cat >"$STATE/cni/10-bridge.conflist" <<END
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [{
    "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
    "ipam": {"type": "host-local", "dataDir": "$STATE/ipam", "ranges": [[{"subnet": "10.244.0.0/24"}]],
             "routes": [{"dst": "0.0.0.0/0"}]}
  }]
}
END

    # Images are never collected: there is no registry that would give them back.
    cat >"$config/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $STATE/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $STATE/pki/kubelet.crt
tlsPrivateKeyFile: $STATE/pki/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: $config/resolv.conf
volumePluginDir: /run/volume-plugins
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 50Mi, nodefs.available: 500Mi, imagefs.available: 500Mi}
END

    cat >"$config/proxy.yaml" <<END
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $config/proxy.kubeconfig}
clusterCIDR: 10.244.0.0/16
nodePortAddresses: [primary]
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
END

    cat >"$config/Corefile" <<END
cluster.local in-addr.arpa {
    bind $NODE_IP
    errors
    ready 127.0.0.1:8181
    kubernetes {
        kubeconfig $config/coredns.kubeconfig cstash-e2e
    }
    cache 5
}
. {
    bind $NODE_IP
    template ANY ANY {
        rcode NXDOMAIN
    }
}
END

    # CoreDNS runs beside the cluster, not in it; its Service looks as it does everywhere.
    cat >"$config/dns.yaml" <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:coredns"}
rules:
- {apiGroups: [""], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "system:coredns"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:coredns"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: "system:coredns"}]
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec:
  clusterIP: 10.96.0.10
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns-node, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
endpoints: [{addresses: [$NODE_IP], conditions: {ready: true}}]
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
END
}

pause_image() { # prints the archive of the image that every pod starts with
    gcc -static -Os -s -o "$STATE/pause" "$CLUSTER/pause.c"
    "$CLUSTER/image" cstash-test/pause:1 "$STATE/pause"
}
