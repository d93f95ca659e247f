{{- /* "cstash" when the release says so, else release and chart. */ -}}
{{- define "cstash.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What tells our pods from others; (list . "operator"). Never to be changed: Deployments keep it for ever. */ -}}
{{- define "cstash.selector" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: {{ default $top.Chart.Name $top.Values.nameOverride }}
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "cstash.labels" -}}
{{ include "cstash.selector" . }}
app.kubernetes.io/part-of: cstash
{{- end -}}

{{- /* An image by digest or by tag; (list image defaultTag). */ -}}
{{- define "cstash.imageOf" -}}
{{- $i := index . 0 -}}
{{- $name := printf "%s/%s" $i.registry $i.repository | trimPrefix "/" -}}
{{- if $i.digest -}}
{{- printf "%s@%s" $name $i.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default (index . 1) $i.tag) -}}
{{- end -}}
{{- end -}}

{{- define "cstash.image" -}}
{{- include "cstash.imageOf" (list .Values.image .Chart.AppVersion) -}}
{{- end -}}

{{- define "cstash.account" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- include "cstash.fullname" . }}-operator
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- /* The namespace stays a variable of the pod, so that kustomize may move all of it. */ -}}
{{- define "cstash.pushgatewayUrl" -}}
{{- if .Values.pushgateway.enabled -}}
{{- printf "http://%s-pushgateway.$(POD_NAMESPACE).svc:%d" (include "cstash.fullname" .) (int .Values.pushgateway.port) -}}
{{- else -}}
{{- .Values.pushgateway.url -}}
{{- end -}}
{{- end -}}

{{- /* Of a Service that a Prometheus without its operator is to find; (list . port). */ -}}
{{- define "cstash.scraped" -}}
{{- $top := index . 0 -}}
{{- if eq $top.Values.monitoring.agent "prometheus.io/builtin" }}
annotations:
  prometheus.io/scrape: "true"
  prometheus.io/path: /metrics
  prometheus.io/port: {{ index . 1 | quote }}
{{- end }}
{{- end -}}
