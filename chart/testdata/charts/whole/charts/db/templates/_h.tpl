{{ define "shared" }}shared: from {{ .Chart.Name }}{{ end }}
