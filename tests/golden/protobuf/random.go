// SPDX-License-Identifier: Apache-2.0

// Objects of every kind that "cstash up" takes in protobuf, filled at random by Kubernetes' own fuzzer: in protobuf into
// fuzz/corpus/protobuf/random-KIND, in JSON into random-KIND.json here. What is refused (src/plane/protobuf_messages.h) is left
// empty. With k8s.io/api, apimachinery and client-go 0.34 in a go.mod: go run random.go CORPUS HERE
package main

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	"k8s.io/apimachinery/pkg/api/resource"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"
)

var kinds = map[string][]string{
	"v1":                           {"ConfigMap", "Endpoints", "Event", "Namespace", "Node", "PersistentVolumeClaim", "Pod", "Secret", "Service", "ServiceAccount"},
	"authentication.k8s.io/v1":     {"SelfSubjectReview", "TokenReview"},
	"authorization.k8s.io/v1":      {"LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"},
	"batch/v1":                     {"CronJob", "Job"},
	"coordination.k8s.io/v1":       {"Lease"},
	"discovery.k8s.io/v1":          {"EndpointSlice"},
	"rbac.authorization.k8s.io/v1": {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},
}

func funcs(serializer.CodecFactory) []interface{} {
	return []interface{}{
		func(t *metav1.Time, c randfill.Continue) {
			*t = metav1.NewTime(time.Unix(int64(c.Rand.Int31()), 0).UTC())
		},
		func(t *metav1.MicroTime, c randfill.Continue) {
			*t = metav1.NewMicroTime(time.Unix(int64(c.Rand.Int31()), int64(c.Rand.Intn(1000000)*1000)).UTC())
		},
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewQuantity(c.Int63n(1000000), resource.DecimalSI)
			_ = q.String() // as it is after it was read from JSON
		},
		func(b *[]byte, c randfill.Continue) { *b = []byte(c.String(0)) },
		func(m *metav1.ObjectMeta, c randfill.Continue) {
			c.FillNoCustom(m)
			m.ManagedFields, m.SelfLink = nil, ""
		},
		func(v *corev1.VolumeSource, c randfill.Continue) {
			all := corev1.VolumeSource{}
			c.FillNoCustom(&all)
			*v = corev1.VolumeSource{HostPath: all.HostPath, EmptyDir: all.EmptyDir, Secret: all.Secret, NFS: all.NFS,
				PersistentVolumeClaim: all.PersistentVolumeClaim, DownwardAPI: all.DownwardAPI, ConfigMap: all.ConfigMap,
				Projected: all.Projected, CSI: all.CSI, Ephemeral: all.Ephemeral, Image: all.Image}
		},
		func(v *corev1.VolumeProjection, c randfill.Continue) {
			c.FillNoCustom(v)
			v.ClusterTrustBundle, v.PodCertificate = nil, nil
		},
		func(v *corev1.EnvVarSource, c randfill.Continue) { c.FillNoCustom(v); v.FileKeyRef = nil },
		func(v *corev1.SecurityContext, c randfill.Continue) { c.FillNoCustom(v); v.WindowsOptions = nil },
		func(v *corev1.PodSecurityContext, c randfill.Continue) { c.FillNoCustom(v); v.WindowsOptions = nil },
		func(v *corev1.Container, c randfill.Continue) { c.FillNoCustom(v); v.RestartPolicyRules = nil },
		func(v *corev1.EphemeralContainerCommon, c randfill.Continue) {
			c.FillNoCustom(v)
			v.RestartPolicyRules = nil
		},
		func(v *corev1.ContainerStatus, c randfill.Continue) {
			c.FillNoCustom(v)
			v.AllocatedResourcesStatus = nil
		},
		func(v *corev1.PodStatus, c randfill.Continue) { c.FillNoCustom(v); v.ExtendedResourceClaimStatus = nil },
		func(v *corev1.NodeSpec, c randfill.Continue) { c.FillNoCustom(v); v.ConfigSource = nil },
		func(v *corev1.NodeStatus, c randfill.Continue) { c.FillNoCustom(v); v.Config = nil },
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	corpus, here := os.Args[1], os.Args[2]
	encoder := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	for version, names := range kinds {
		for _, name := range names {
			fill := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, funcs), rand.NewSource(int64(len(name))), serializer.NewCodecFactory(scheme.Scheme))
			gv, err := schema.ParseGroupVersion(version)
			must(err)
			var object runtime.Object
			object, err = scheme.Scheme.New(gv.WithKind(name))
			must(err)
			fill.Fill(object)
			object.GetObjectKind().SetGroupVersionKind(gv.WithKind(name))
			var body bytes.Buffer
			must(encoder.Encode(object, &body))
			must(os.WriteFile(filepath.Join(corpus, "random-"+name), body.Bytes(), 0o644))
			text, err := json.MarshalIndent(object, "", " ")
			must(err)
			must(os.WriteFile(filepath.Join(here, "random-"+name+".json"), append(text, '\n'), 0o644))
		}
	}
}
