{{- define "lib.pod" -}}
kind: Pod
name: {{ .name }}
release: {{ .root.Release.Name }}
{{- end -}}
