package helm

import (
	"testing"

	"plumbline.dev/plumbline/internal/dialecttest"
	"plumbline.dev/plumbline/resource"
	"plumbline.dev/plumbline/value"
)

func setTo(path string, v value.Value) resource.Change {
	p, ok := value.ParsePath(path)
	if !ok {
		panic(path)
	}
	return resource.Change{Op: resource.Set, Path: p, Value: v}
}

func remove(path string) resource.Change {
	p, _ := value.ParsePath(path)
	return resource.Change{Op: resource.Remove, Path: p}
}

func truly(b bool) value.Value  { return value.Value{Kind: value.Bool, Bool: b} }
func text(s string) value.Value { return value.Value{Kind: value.String, Text: s} }

const definition = "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: \"4.5\"\n"

var conformance = dialecttest.Suite{
	New: New,
	Samples: []dialecttest.Sample{
		{
			Name: "chart",
			Files: map[string]string{
				"web/Chart.yaml": definition,
				"web/values.yaml": `# of the web
image:
  repository: nginx
  tag: "1.25"
securityContext:
  runAsNonRoot: true
podSecurityContext: {}
automount: true
hosts:
  - a.example.com
`,
				"web/templates/_helpers.tpl": `{{- define "web.labels" -}}
app: {{ .Chart.Name }}
release: {{ .Release.Name }}
{{- end -}}
`,
				"web/templates/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "web.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels:
      {{- include "web.labels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "web.labels" . | nindent 8 }}
    spec:
      automountServiceAccountToken: {{ .Values.automount }}
      hostPID: true # to see them
      {{- with .Values.podSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          imagePullPolicy: {{ .Values.pullPolicy | default "IfNotPresent" }}
          securityContext:
            {{- toYaml .Values.securityContext | nindent 12 }}
          env:
            - name: PASSWORD
              value: {{ required "a password is needed" .Values.password | quote }}
            - name: TOKEN
              value: {{ randAlphaNum 8 }}
`,
			},
			Addresses: []string{"Deployment/release-name-web", "Deployment/release-name-web pod", "Deployment/release-name-web container web"},
			Values: []dialecttest.Value{
				{Address: "Deployment/release-name-web", Path: "metadata.name", Show: `"release-name-web"`, At: "name: {{ .Release.Name }}-web"},
				{Address: "Deployment/release-name-web", Path: "metadata.namespace", At: "namespace: {{", Wait: "the namespace of the release"},
				{Address: "Deployment/release-name-web pod", Path: "spec.automountServiceAccountToken", Show: "true", At: "automount: true"},
				{Address: "Deployment/release-name-web pod", Path: "spec.hostPID", Show: "true", At: "hostPID: true"},
				{Address: "Deployment/release-name-web container web", Path: "securityContext.runAsNonRoot", Show: "true", At: "runAsNonRoot: true"},
				{Address: "Deployment/release-name-web container web", Path: "imagePullPolicy", Show: `"IfNotPresent"`, At: "imagePullPolicy: {{"},
				{Address: "Deployment/release-name-web container web", Path: "env[0].value", At: "value: {{ required", Wait: "values.password"},
				{Address: "Deployment/release-name-web container web", Path: "env[1].value", At: "value: {{ randAlphaNum", Wait: "a function of the template that makes it anew each time"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "in the values", Address: "Deployment/release-name-web pod", Changes: []resource.Change{setTo("spec.automountServiceAccountToken", truly(false))}},
				{Name: "in the template", Address: "Deployment/release-name-web pod", Changes: []resource.Change{setTo("spec.hostPID", truly(false))}},
				{Name: "removed from the template", Address: "Deployment/release-name-web pod", Changes: []resource.Change{remove("spec.hostPID")}, Comment: true},
				{Name: "new in the template", Address: "Deployment/release-name-web pod", Changes: []resource.Change{setTo("spec.hostIPC", truly(false))}},
				{Name: "new in a table of the values", Address: "Deployment/release-name-web container web", Changes: []resource.Change{setTo("securityContext.readOnlyRootFilesystem", truly(true)), setTo("securityContext.seccompProfile.type", text("RuntimeDefault"))}},
				{Name: "a table that is not printed while it is empty", Address: "Deployment/release-name-web pod", Changes: []resource.Change{setTo("spec.securityContext.runAsNonRoot", truly(true))}},
				{Name: "a default of the template", Address: "Deployment/release-name-web container web", Changes: []resource.Change{setTo("imagePullPolicy", text("Always"))}},
				{Name: "two values in one", Address: "Deployment/release-name-web container web", Changes: []resource.Change{setTo("image", text("nginx@sha256:0"))}, Refused: true},
				{Name: "what must be given", Address: "Deployment/release-name-web container web", Changes: []resource.Change{setTo("env[0].value", text("x"))}, Refused: true},
			},
		},
		{
			Name: "charts in charts, and sets of values",
			Files: map[string]string{
				"Chart.yaml":            "apiVersion: v2\nname: all\nversion: 0.1.0\ndependencies:\n  - name: db\n    version: 1.x.x\n    repository: https://example.com\n    condition: db.enabled\n",
				"values.yaml":           "db:\n  port: 5432\n",
				"values-prod.yaml":      "db:\n  secure: true\n",
				"charts/db/Chart.yaml":  "apiVersion: v2\nname: db\nversion: 1.0.0\n",
				"charts/db/values.yaml": "secure: false\nport: 1\n",
				"charts/db/templates/pod.yaml": `apiVersion: v1
kind: Pod
metadata:
  name: db
spec:
  hostNetwork: {{ not .Values.secure }}
  hostPID: {{ .Values.secure }}
  containers:
    - name: db
      image: postgres
      ports:
        - containerPort: {{ .Values.port }}
`,
			},
			Addresses: []string{"Pod/db", "Pod/db container db", "prod: Pod/db", "prod: Pod/db container db"},
			Values: []dialecttest.Value{
				{Address: "Pod/db", Path: "spec.hostNetwork", Show: "true", At: "hostNetwork"},
				{Address: "Pod/db", Path: "spec.hostPID", Show: "false", At: "secure: false"},
				{Address: "prod: Pod/db", Path: "spec.hostPID", Show: "true", At: "secure: true"},
				{Address: "Pod/db container db", Path: "ports[0].containerPort", Show: "5432", At: "port: 5432"},
			},
			Wishes: []dialecttest.Wish{
				{Name: "in the sub-chart's values", Address: "Pod/db", Changes: []resource.Change{setTo("spec.hostPID", truly(true))}},
			},
		},
	},
}

func TestConformance(t *testing.T) { dialecttest.Run(t, conformance) }

func FuzzEvaluate(f *testing.F) { dialecttest.FuzzEvaluate(f, conformance) }

func FuzzEdit(f *testing.F) { dialecttest.FuzzEdit(f, conformance) }
