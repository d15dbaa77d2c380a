{{/* Labels of all objects. `component` in a dict with `root`. */}}
{{- define "outrigger.labels" -}}
{{ include "outrigger.selector" . }}
app.kubernetes.io/part-of: outrigger
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}

{{- define "outrigger.selector" -}}
app.kubernetes.io/name: outrigger
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* True for a release that serves some namespaces only, beside others of its kind. */}}
{{- define "outrigger.isNamespaced" -}}
{{- if and (eq .Values.mode "deployment") (eq .Values.deployment.scope "namespace") }}true{{ end -}}
{{- end }}

{{/* Name of an object without a namespace: "name" in a dict with "root". Several namespaced releases must not meet. */}}
{{- define "outrigger.clusterName" -}}
{{- if include "outrigger.isNamespaced" .root }}{{ .name }}-{{ .root.Release.Namespace }}{{ else }}{{ .name }}{{ end -}}
{{- end }}

{{/* Namespaces of a namespaced release, as JSON. */}}
{{- define "outrigger.namespaces" -}}
{{- .Values.deployment.namespaces | default (list .Release.Namespace) | toJson -}}
{{- end }}

{{- define "outrigger.image" -}}
{{- $image := .Values.image -}}
{{- $name := $image.repository -}}
{{- if $image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" $image.registry) $name }}{{ end -}}
{{- $tag := $image.tag | default (ternary "dev" .Chart.AppVersion (eq .Values.channel "dev")) -}}
{{- if $image.digest }}{{ $name }}@{{ $image.digest }}{{ else }}{{ $name }}:{{ $tag }}{{ end -}}
{{- end }}

{{- define "outrigger.pullPolicy" -}}
{{- .Values.image.pullPolicy | default (ternary "Always" "IfNotPresent" (and (eq .Values.channel "dev") (not .Values.image.digest))) -}}
{{- end }}

{{- define "outrigger.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "outrigger.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "outrigger.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/*
Priority class of the runtime. One of a node goes with the node; one behind a Service can start on another. Empty: none.
*/}}
{{- define "outrigger.node.priorityClassName" -}}
{{- $name := .Values.node.priorityClassName -}}
{{- if kindIs "invalid" $name }}{{ $name = ternary "system-node-critical" "system-cluster-critical" (eq .Values.mode "daemonset") }}{{ end -}}
{{- $name -}}
{{- end }}

{{/*
Tolerations of the runtime, as JSON. Each node is to have one of a DaemonSet, whatever its taints. Replicas of a
Deployment that tolerated all would come to cordoned nodes and stay on dead ones.
*/}}
{{- define "outrigger.node.tolerations" -}}
{{- $tolerations := .Values.node.tolerations -}}
{{- if kindIs "invalid" $tolerations }}{{ $tolerations = ternary (list (dict "operator" "Exists")) list (eq .Values.mode "daemonset") }}{{ end -}}
{{- toJson $tolerations -}}
{{- end }}

{{/* The image is one for Linux; the values' own selector, in a dict, counts more. */}}
{{- define "outrigger.nodeSelector" -}}
nodeSelector:
  {{- merge (dict) (. | default dict) (dict "kubernetes.io/os" "linux") | toYaml | nindent 2 }}
{{- end }}

{{/* What says where the pods of a part run, and how much they count; the part's values in a dict. */}}
{{- define "outrigger.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{ include "outrigger.nodeSelector" .nodeSelector }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Environment of every container: who it is, and the proxy. */}}
{{- define "outrigger.env" -}}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
{{- $proxy := .Values.proxy }}
{{- if or $proxy.httpProxy $proxy.httpsProxy }}
# Without it Node does not look at the others.
- { name: NODE_USE_ENV_PROXY, value: "1" }
{{- with $proxy.httpProxy }}
- { name: HTTP_PROXY, value: {{ . | quote }} }
{{- end }}
{{- with $proxy.httpsProxy }}
- { name: HTTPS_PROXY, value: {{ . | quote }} }
{{- end }}
# The API server is an address here, not a name.
- name: NO_PROXY
  value: {{ printf "$(KUBERNETES_SERVICE_HOST),localhost,127.0.0.1,::1,.svc,.svc.%s,.%s%s" .Values.clusterDomain .Values.clusterDomain (ternary "" (printf ",%s" $proxy.noProxy) (empty $proxy.noProxy)) | quote }}
{{- end }}
{{- end }}

{{/* The Secret, as JSON, that says where owners of actors and due times are kept; empty where none does. */}}
{{- define "outrigger.coordination" -}}
{{- $coordination := .Values.coordination -}}
{{- $existing := $coordination.existingSecret -}}
{{- if and $existing.name (or $coordination.driver $coordination.connection) }}{{ fail "set coordination.existingSecret or coordination.driver, not both" }}{{ end -}}
{{- if ne (empty $coordination.driver) (empty $coordination.connection) }}{{ fail "coordination.driver and coordination.connection need each other" }}{{ end -}}
{{- if $existing.name }}{{ dict "name" $existing.name "key" $existing.key | toJson }}
{{- else if $coordination.driver }}{{ dict "name" "outrigger-coordination" "key" "coordination" | toJson }}{{ end -}}
{{- end }}

{{- define "outrigger.logArgs" -}}
- --log-level={{ .Values.logLevel }}
{{- if .Values.logAsJson }}
- --log-as-json
{{- end }}
{{- end }}
