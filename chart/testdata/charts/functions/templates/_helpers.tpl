{{/* names */}}
{{- define "name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "full" -}}
{{- printf "%s-%s" .Release.Name (include "name" .) | trunc 20 | trimSuffix "-" -}}
{{- end }}
{{- define "labels" }}
app: {{ template "name" . }}
chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}
{{- define "recursive" -}}
{{- if gt (int .n) 0 }}{{ .n }} {{ include "recursive" (dict "n" (sub (int .n) 1)) }}{{ end -}}
{{- end -}}
{{- define "emptied" }}something{{ end }}
{{- define "emptied" }}{{ end }}
