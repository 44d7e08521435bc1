package scan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"text/template/parse"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"

	"plumbline.dev/plumbline/dialect"
	"plumbline.dev/plumbline/dialects/ansible"
	"plumbline.dev/plumbline/dialects/azure"
	"plumbline.dev/plumbline/dialects/azure/bicep"
	"plumbline.dev/plumbline/dialects/cloudformation"
	"plumbline.dev/plumbline/dialects/docker/compose"
	"plumbline.dev/plumbline/dialects/docker/dockerfile"
	"plumbline.dev/plumbline/dialects/helm"
	"plumbline.dev/plumbline/dialects/kubernetes"
	"plumbline.dev/plumbline/dialects/pipelines/github"
	"plumbline.dev/plumbline/scan"
	"plumbline.dev/plumbline/schema"
	"plumbline.dev/plumbline/source"
)

// BenchmarkDialects scans the files of one dialect with a thousand rules, and reports the processor time of that, and of nothing
// but parsing the same files with the library that the dialect's language has: yaml.v3 into nodes, encoding/json into any,
// text/template/parse for the templates of charts, buildkit's parser for Dockerfiles, for Bicep our own parser. What charts
// render to is not parsed for parse-only. The estates are folders of PLUMBLINE_CORPUS, and one that is made here: a small estate
// measures what every scan costs.
func BenchmarkDialects(b *testing.B) {
	corpus := os.Getenv("PLUMBLINE_CORPUS")
	if corpus == "" {
		b.Skip("PLUMBLINE_CORPUS names no folder of estates")
	}
	set := schema.Load()
	fresh := catalogue(b, set)
	made := manufactured(1500)
	for _, c := range []struct {
		folder  string
		dialect dialect.Dialect
	}{
		{"aws-cloudformation-templates", cloudformation.New(set)},
		{"KaiMonkey/cft", cloudformation.New(set)},
		{"ansible-for-devops", ansible.New(set)},
		{"KaiMonkey/arm", azure.New(set)},
		{"bicep-registry-modules", azure.NewBicep(set)},
		{"kubernetes-goat", kubernetes.New(set)},
		{"helm-charts", helm.New(set)},
		{"kubernetes-goat", dockerfile.New(set)},
		{"ansible-for-devops", compose.New(set)},
		{"terraform-aws-eks", github.New(set)},
		{"made", kubernetes.New(set)},
		{"made", dockerfile.New(set)},
		{"made", compose.New(set)},
		{"made", github.New(set)},
	} {
		tree := made
		if c.folder != "made" {
			root, err := os.OpenRoot(filepath.Join(corpus, c.folder))
			if err != nil {
				b.Fatal(err)
			}
			defer root.Close()
			tree = root.FS()
		}
		files := claimed(tree, c.dialect)
		b.Run(c.folder+"/"+c.dialect.Name()+"/parse", func(b *testing.B) {
			start := cpu(b)
			for b.Loop() {
				for _, f := range files {
					text, err := fs.ReadFile(tree, f)
					if err != nil {
						b.Fatal(err)
					}
					parseOnly(f, text)
				}
			}
			b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
		})
		b.Run(c.folder+"/"+c.dialect.Name()+"/scan", func(b *testing.B) {
			start := cpu(b)
			for b.Loop() {
				o := scan.Options{FS: tree, Rules: fresh(), Dialects: []dialect.Dialect{c.dialect}}
				if _, err := scan.Run(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(len(files)), "files")
		})
	}
}

// claimed lists the files that a dialect takes.
func claimed(tree fs.FS, d dialect.Dialect) []string {
	files, _ := source.Walk(tree, ".")
	read := func(f string) []byte { text, _ := fs.ReadFile(tree, f); return text }
	var surveyed []string
	if s, ok := d.(dialect.Surveyor); ok {
		surveyed = s.Survey(files, read)
	}
	return slices.DeleteFunc(files, func(f string) bool {
		return !slices.Contains(surveyed, f) && !d.Claims(f, func() []byte { return read(f) })
	})
}

func parseOnly(name string, text []byte) {
	switch path.Ext(name) {
	case ".json":
		var v any
		if json.Unmarshal(text, &v) == nil {
			return
		}
	case ".bicep", ".bicepparam":
		bicep.Parse(string(text), 250)
		return
	case ".yaml", ".yml":
		if !strings.Contains(name, "/templates/") {
			break
		}
		fallthrough
	case ".tpl":
		t := parse.New(name)
		t.Mode = parse.SkipFuncCheck
		if _, err := t.Parse(string(text), "", "", map[string]*parse.Tree{}); err == nil {
			return
		}
	case ".txt", ".md", ".gotmpl", ".helmignore", ".lock":
		return
	}
	if strings.Contains(strings.ToLower(path.Base(name)), "dockerfile") {
		_, _ = parser.Parse(bytes.NewReader(text))
		return
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if d.Decode(&n) != nil { // what cannot be read costs too
			return
		}
	}
}

// manufactured makes the infrastructure of n services: for every ten of them a file of manifests (a deployment, a service, an account
// and a network policy each, as the Pod Security profile "restricted" asks), a Dockerfile, a Compose file and a workflow. One service
// in twenty escalates its privileges.
func manufactured(n int) fs.FS {
	tree := fstest.MapFS{}
	for i := range n {
		team := fmt.Sprintf("team-%d", i/10)
		escalates := "false"
		if i%20 == 0 {
			escalates = "true"
		}
		words := strings.NewReplacer("NAME", fmt.Sprintf("svc-%d", i), "SPACE", team, "ESCALATES", escalates)
		add := func(name, first, text string) {
			if tree[name] == nil {
				tree[name] = &fstest.MapFile{Data: []byte(first)}
			}
			tree[name].Data = append(tree[name].Data, words.Replace(text)...)
		}
		add("prod/"+team+".yaml", "", hardenedService)
		add(team+"/Dockerfile", "", hardenedStage)
		add(team+"/compose.yaml", "services:\n", composedService)
		add(".github/workflows/"+team+".yaml", "on: [push]\npermissions: {contents: read}\njobs:\n", workflowJob)
	}
	return tree
}

const hardenedStage = `FROM registry.example.com/go@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef AS NAME
ARG VERSION=1
ENV GOFLAGS=-mod=vendor NAME_VERSION=${VERSION}
WORKDIR /src
COPY . .
RUN set -eu; go build -o /out/NAME ./cmd/NAME && \
    rm -rf /root/.cache
USER 10001
HEALTHCHECK CMD ["/out/NAME", "health"]
ENTRYPOINT ["/out/NAME"]
`

const composedService = `  NAME:
    image: registry.example.com/NAME@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    user: "10001"
    read_only: true
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    environment: {LOG_LEVEL: info, PORT: "8080"}
    ports: ["127.0.0.1::8080"]
    volumes: ["data:/data"]
    mem_limit: 256m
    cpus: 0.5
    pids_limit: 100
    restart: on-failure:5
    healthcheck: {test: [CMD, /out/NAME, health]}
`

const workflowJob = `  NAME:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567
        with: {persist-credentials: false}
      - name: build
        env: {TITLE: "${{ github.event.head_commit.message }}"}
        run: |
          set -eu
          make NAME
          for f in out/*; do sha256sum "$f"; done
          echo "built NAME of $TITLE" >> "$GITHUB_STEP_SUMMARY"
`

const hardenedService = `---
apiVersion: v1
kind: ServiceAccount
metadata: {name: NAME, namespace: SPACE}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  namespace: SPACE
  labels: {app: NAME}
spec:
  replicas: 3
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME}
    spec:
      serviceAccountName: NAME
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: app
          image: registry.example.com/NAME@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
          imagePullPolicy: Always
          securityContext:
            allowPrivilegeEscalation: ESCALATES
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          ports: [{name: http, containerPort: 8080}]
          env: [{name: LOG_LEVEL, value: info}]
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {cpu: 500m, memory: 256Mi}
          livenessProbe: {httpGet: {path: /live, port: http}}
          readinessProbe: {httpGet: {path: /ready, port: http}}
---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: SPACE}
spec:
  selector: {app: NAME}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: NAME, namespace: SPACE}
spec:
  podSelector: {matchLabels: {app: NAME}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {}}], ports: [{port: 8080}]}]
  egress: [{to: [{podSelector: {}}]}]
`
