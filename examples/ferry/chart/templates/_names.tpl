{{- define "ferry.name" -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end }}

{{- define "ferry.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
