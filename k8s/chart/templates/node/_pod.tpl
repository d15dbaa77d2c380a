{{/* The runtime's pod template, the same in both modes. */}}
{{- define "outrigger.node.template" -}}
{{- $node := .Values.node }}
{{- $isDaemonSet := eq .Values.mode "daemonset" }}
{{- $drain := int $node.drainSeconds }}
{{- include "outrigger.node.checkPorts" . }}
metadata:
  labels:
    {{- include "outrigger.labels" (dict "root" . "component" "node") | nindent 4 }}
    {{- with $node.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := $node.podAnnotations }}
  {{- if .Values.coordination.driver }}
  {{- /* The runtimes read it when they start. */}}
  {{- $annotations = merge (dict "checksum/coordination" (toJson .Values.coordination | sha256sum)) $annotations }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: outrigger-node
  # Time to drain, and a little to end.
  terminationGracePeriodSeconds: {{ add $drain 15 }}
  {{- if $isDaemonSet }}
  # The node's own network: apps reach it at the node's address, and it sees theirs as they are.
  hostNetwork: true
  dnsPolicy: ClusterFirstWithHostNet
  {{- end }}
  {{- include "outrigger.imagePullSecrets" . | nindent 2 }}
  {{- $placement := dict "nodeSelector" $node.nodeSelector "affinity" $node.affinity }}
  {{- $_ := set $placement "priorityClassName" (include "outrigger.node.priorityClassName" .) }}
  {{- $_ := set $placement "tolerations" (include "outrigger.node.tolerations" . | fromJsonArray) }}
  {{- include "outrigger.placement" $placement | nindent 2 }}
  {{- include "outrigger.podSecurity" . | nindent 2 }}
  {{- with .Values.versionPins }}
  initContainers:
    {{- range . }}
    - name: version-{{ regexReplaceAll "[^a-z0-9]+" (lower .version) "-" | trunc 50 | trimSuffix "-" }}
      image: {{ .image | quote }}
      command: [/usr/bin/node, -e, "require('node:fs').cpSync('/outrigger', process.argv[1], { recursive: true })"]
      args: [/var/lib/outrigger/versions/{{ .version }}]
      {{- include "outrigger.containerSecurity" $ | nindent 6 }}
      volumeMounts:
        - { name: versions, mountPath: /var/lib/outrigger/versions }
    {{- end }}
  {{- end }}
  containers:
    - name: outrigger
      image: {{ include "outrigger.image" . | quote }}
      imagePullPolicy: {{ include "outrigger.pullPolicy" . }}
      args:
        - node
        {{- if $isDaemonSet }}
        - --scope=node
        {{- else }}
        - --scope={{ .Values.deployment.scope }}
        {{- if include "outrigger.isNamespaced" . }}
        - --namespaces={{ include "outrigger.namespaces" . | fromJsonArray | join "," }}
        {{- end }}
        {{- end }}
        - --http-port={{ $node.ports.http }}
        - --grpc-port={{ $node.ports.grpc }}
        - --internal-port={{ $node.ports.internal }}
        - --health-port={{ $node.ports.health }}
        - --metrics-port={{ $node.ports.metrics }}
        - --isolation={{ .Values.isolation }}
        - --token-audience={{ .Values.tokenAudience }}
        - --check-source-ip={{ $node.checkSourceIP }}
        {{- if .Values.mtls.enabled }}
        - --sentry-address=outrigger-ca.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:443
        {{- end }}
        - --trust-domain={{ .Values.trustDomain }}
        - --control-plane-namespace={{ .Release.Namespace }}
        {{- if .Values.versionPins }}
        - --versions-dir=/var/lib/outrigger/versions
        {{- end }}
        - --drain-seconds={{ $drain }}
        {{- include "outrigger.logArgs" . | nindent 8 }}
        {{- with $node.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        {{- if $isDaemonSet }}
        - name: NODE_NAME
          valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
        - name: HOST_IP
          valueFrom: { fieldRef: { fieldPath: status.hostIP } }
        {{- else }}
        # Where the other replicas find the actors of this one.
        - name: POD_IP
          valueFrom: { fieldRef: { fieldPath: status.podIP } }
        {{- end }}
        {{- with include "outrigger.coordination" . }}
        - name: OUTRIGGER_COORDINATION
          valueFrom: { secretKeyRef: {{ . }} }
        {{- end }}
        {{- include "outrigger.env" . | nindent 8 }}
        {{- if .Values.mtls.enabled }}
        - { name: DAPR_TRUST_ANCHORS_FILE, value: /var/run/secrets/outrigger.dev/trust/ca.crt }
        - { name: DAPR_SENTRY_TOKEN_FILE, value: /var/run/secrets/outrigger.dev/ca/token }
        {{- end }}
        {{- range $name, $value := dict "MAX_CONCURRENT_CALLS" .Values.budgets.maxConcurrentCalls "MAX_BODY_BYTES_IN_FLIGHT" .Values.budgets.maxBodyBytesInFlight "MAX_OPEN_STREAMS" .Values.budgets.maxOpenStreams "MAX_LOOP_MS_PER_SECOND" .Values.budgets.maxLoopMsPerSecond }}
        {{- if not (kindIs "invalid" $value) }}
        - { name: OUTRIGGER_BUDGET_{{ $name }}, value: {{ ternary $value (toString (int64 $value)) (kindIs "string" $value) | quote }} }
        {{- end }}
        {{- end }}
        {{- with .Values.outbound.allowedAddresses }}
        - { name: OUTRIGGER_ALLOWED_ADDRESSES, value: {{ join "," . | quote }} }
        {{- end }}
        {{- with .Values.outbound.deniedAddresses }}
        - { name: OUTRIGGER_DENIED_ADDRESSES, value: {{ join "," . | quote }} }
        {{- end }}
        {{- with $node.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if not $isDaemonSet }}
      ports:
        - { name: http, containerPort: {{ $node.ports.http }} }
        - { name: grpc, containerPort: {{ $node.ports.grpc }} }
        - { name: internal, containerPort: {{ $node.ports.internal }} }
        - { name: metrics, containerPort: {{ $node.ports.metrics }} }
      {{- else }}
      # No ports here: on the node's network they would be host ports, which the scheduler gives to one pod only, and the
      # next version could never start beside this one. The process shares them itself (SO_REUSEPORT).
      {{- end }}
      startupProbe:
        exec:
          command:
            - /usr/bin/node
            - -e
            - |
              {{- .Files.Get "files/is-listening.cjs" | nindent 14 }}
            - "{{ $node.ports.http }}"
        periodSeconds: 1
        timeoutSeconds: 5
        # As long as the API server is away, there is nothing better than to wait.
        failureThreshold: 600
      readinessProbe:
        httpGet: { path: /readyz, port: {{ $node.ports.health }} }
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: 3
      livenessProbe:
        httpGet: { path: /healthz, port: {{ $node.ports.health }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- with $node.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- include "outrigger.containerSecurity" . | nindent 6 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- if .Values.mtls.enabled }}
        - { name: trust, mountPath: /var/run/secrets/outrigger.dev/trust, readOnly: true }
        - { name: ca-token, mountPath: /var/run/secrets/outrigger.dev/ca, readOnly: true }
        {{- end }}
        {{- if .Values.versionPins }}
        - { name: versions, mountPath: /var/lib/outrigger/versions, readOnly: true }
        {{- end }}
  volumes:
    {{- if kindIs "invalid" $node.tmpSizeLimit }}
    - { name: tmp, emptyDir: {} }
    {{- else }}
    - { name: tmp, emptyDir: { sizeLimit: {{ $node.tmpSizeLimit | quote }} } }
    {{- end }}
    {{- if .Values.mtls.enabled }}
    # Not optional: the runtime starts once the authority has written its roots there.
    - name: trust
      configMap: { name: outrigger-trust-bundle, items: [{ key: ca.crt, path: ca.crt }] }
    - name: ca-token
      projected:
        sources:
          - serviceAccountToken:
              path: token
              audience: {{ include "outrigger.ca.audience" . }}
              expirationSeconds: 3600
    {{- end }}
    {{- if .Values.versionPins }}
    - { name: versions, emptyDir: {} }
    {{- end }}
{{- end }}

{{/* All are of one network; the second to ask for a port would never get it. */}}
{{- define "outrigger.node.checkPorts" -}}
{{- $names := dict }}
{{- range $name, $port := .Values.node.ports }}
{{- $key := toString (int $port) }}
{{- if hasKey $names $key }}
{{- fail (printf "node.ports.%s and node.ports.%s are both %s: each needs a port of its own" (get $names $key) $name $key) }}
{{- end }}
{{- $_ := set $names $key $name }}
{{- end }}
{{- end }}

{{/* For whom a token that is shown to the authority is meant: its own SPIFFE id, as with Dapr. */}}
{{- define "outrigger.ca.audience" -}}
spiffe://{{ .Values.trustDomain }}/ns/{{ .Release.Namespace }}/dapr-sentry
{{- end }}
