{{- define "plumbline.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{- define "plumbline.labels" -}}
app.kubernetes.io/name: plumbline
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "plumbline.selector" -}}
app.kubernetes.io/name: plumbline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "plumbline.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "plumbline.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
serviceAccountName: {{ include "plumbline.name" . }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "plumbline.container" -}}
image: {{ include "plumbline.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  privileged: false
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
env:
  - name: PLUMBLINE_URL
    value: {{ .Values.url | quote }}
  - name: PLUMBLINE_DATABASE
    value: {{ printf "postgres://%s@%s:%v/%s?sslmode=%s&passfile=/run/secrets/plumbline/pgpass" .Values.database.user .Values.database.host .Values.database.port .Values.database.name .Values.database.sslmode | quote }}
  - name: PLUMBLINE_KEY_FILE
    value: /run/secrets/plumbline/master.key
  - name: PLUMBLINE_DATA
    value: /data
volumeMounts:
  - name: secret
    mountPath: /run/secrets/plumbline
    readOnly: true
  - name: data
    mountPath: /data
  - name: tmp
    mountPath: /tmp
{{- end }}

{{- define "plumbline.secret" -}}
- name: secret
  secret:
    secretName: {{ .Values.secret }}
    defaultMode: 0400
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- end }}

{{- define "plumbline.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "plumbline.selector" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
{{- end }}
