//go:build linux && (amd64 || arm64)

package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plumbline.dev/plumbline/jobs"
	"plumbline.dev/plumbline/report"
)

// canaryText is a secret that people chose: nothing but its name tells that it is one.
const canaryText = "Sup3rC4naryPassw0rd!"

// secretive are files of every dialect that hold secrets around what rules find and fixes change.
func secretive() map[string]string {
	packed := base64.StdEncoding.EncodeToString([]byte(canaryText))
	text := strings.NewReplacer("CANARY", canaryText, "PACKED", packed).Replace
	files := map[string]string{
		"tf/main.tf": `resource "aws_db_instance" "main" {
  engine              = "postgres"
  username            = "app"
  password            = "CANARY"
  publicly_accessible = true
}

`,
		"more/main.tf": `variable "db_password" {
  type    = string
  default = "CANARY"
}

resource "aws_lambda_function" "f" {
  function_name = "f"
  role          = "r"
  environment {
    variables = {
      API_TOKEN   = "CANARY"
      DB_PASSWORD = "CANARY"
    }
  }
}

resource "kubernetes_secret_v1" "s" {
  metadata { name = "s" }
  data = {
    anything = "CANARY"
  }
}
`,
		"second/main.tf": `resource "aws_db_instance" "second" {
  engine              = "postgres"
  publicly_accessible = true
  password            = "CANARY"
}
`,
		"k8s/deploy.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: nginx:latest
          env:
            - name: DB_PASSWORD
              value: CANARY
            - value: "CANARY"
              name: API_TOKEN
          args:
            - --password
            - CANARY
          securityContext:
            privileged: true
            allowPrivilegeEscalation: true
---
apiVersion: v1
kind: Secret
metadata:
  name: s
stringData:
  anything: CANARY
  more: |
    CANARY
data:
  other: PACKED
`,
		"docker/Dockerfile": "FROM node:latest\nENV DB_PASSWORD CANARY\nENV API_TOKEN=CANARY REGION=x\nARG NPM_TOKEN=CANARY\nRUN apt-get update && apt-get install -y curl\nADD a /a\nRUN curl -u user:CANARY --password=CANARY https://x\nUSER root\nCMD [\"x\"]\n",
		"compose/compose.yaml": `services:
  db:
    image: postgres:latest
    privileged: true
    environment:
      - POSTGRES_PASSWORD=CANARY
    ports: ["5432:5432"]
  web:
    image: nginx
    environment:
      DB_PASSWORD: CANARY
    privileged: true
`,
		"ansible/playbook.yml": `- hosts: all
  vars:
    db_password: CANARY
  tasks:
    - name: user
      community.mysql.mysql_user:
        name: bob
        password: CANARY
    - name: database
      amazon.aws.rds_instance:
        id: db
        master_user_password: CANARY
        publicly_accessible: true
        storage_encrypted: false
    - name: fetch
      ansible.builtin.get_url:
        url: http://example.com/a
        url_password: CANARY
        dest: /tmp/a
        validate_certs: false
        mode: "0777"
`,
		"cfn/template.yaml": `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  DBPassword:
    Type: String
    Default: CANARY
Resources:
  DB:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      MasterUsername: app
      MasterUserPassword: CANARY
      PubliclyAccessible: true
      StorageEncrypted: false
  F:
    Type: AWS::Lambda::Function
    Properties:
      Code: {ZipFile: x}
      Role: r
      Environment:
        Variables:
          DB_PASSWORD: CANARY
`,
		"cfn/template.json": `{
  "AWSTemplateFormatVersion": "2010-09-09",
  "Resources": {
    "DB": {
      "Type": "AWS::RDS::DBInstance",
      "Properties": {
        "MasterUserPassword": "CANARY",
        "PubliclyAccessible": true,
        "StorageEncrypted": false
      }
    }
  }
}
`,
		"bicep/main.bicep": `param adminPassword string = 'CANARY'
resource sql 'Microsoft.Sql/servers@2022-05-01-preview' = {
  name: 'sql'
  location: 'westeurope'
  properties: {
    administratorLogin: 'app'
    administratorLoginPassword: 'CANARY'
    publicNetworkAccess: 'Enabled'
    minimalTlsVersion: '1.0'
  }
}
`,
		"arm/azuredeploy.json": `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "adminPassword": {
      "type": "string",
      "defaultValue": "CANARY"
    }
  },
  "resources": [
    {
      "type": "Microsoft.Sql/servers",
      "apiVersion": "2022-05-01-preview",
      "name": "sql",
      "location": "westeurope",
      "properties": {
        "administratorLoginPassword": "CANARY",
        "publicNetworkAccess": "Enabled",
        "minimalTlsVersion": "1.0"
      }
    }
  ]
}
`,
		".github/workflows/ci.yml": `on: pull_request_target
jobs:
  a:
    runs-on: ubuntu-latest
    env:
      DB_PASSWORD: CANARY
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "${{ github.event.pull_request.title }}"
        env:
          API_TOKEN: CANARY
`,
		".gitlab-ci.yml":    "variables:\n  DB_PASSWORD: CANARY\nbuild:\n  image: node:latest\n  script:\n    - curl http://x | sh\n  variables:\n    API_TOKEN: CANARY\n",
		"chart/Chart.yaml":  "apiVersion: v2\nname: c\nversion: 1.0.0\n",
		"chart/values.yaml": "dbPassword: CANARY\nprivileged: true\n",
		"chart/templates/pod.yaml": `apiVersion: v1
kind: Pod
metadata:
  name: p
spec:
  containers:
    - name: c
      image: nginx
      env:
        - name: DB_PASSWORD
          value: {{ .Values.dbPassword }}
        - name: OTHER_PASSWORD
          value: CANARY
      securityContext:
        privileged: {{ .Values.privileged }}
`,
		"broken/main.tf":     "resource \"aws_db_instance\" \"x\" {\n  password = \"CANARY\" = 3\n}\n",
		"broken/deploy.yaml": "apiVersion: v1\nkind: Secret\nstringData: {password: CANARY\n",
	}
	for name := range files {
		files[name] = text(files[name])
	}
	return files
}

// TestSecretsAreHidden looks for what secrets are in the files of every dialect in everything that is written about these files.
func TestSecretsAreHidden(t *testing.T) {
	dir := t.TempDir()
	for name, text := range secretive() {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := exec.Command("git", "init", "--quiet", dir)
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	needles := []string{canaryText, canaryText[len(canaryText)/2:], canaryText[:len(canaryText)/2], base64.StdEncoding.EncodeToString([]byte(canaryText))[:20]}
	hunt := func(where string, text []byte) {
		t.Helper()
		for _, n := range needles {
			if i := bytes.Index(text, []byte(n)); i >= 0 {
				t.Errorf("%s shows a secret: …%s…", where, text[max(0, i-200):min(len(text), i+60)])
				return
			}
		}
	}
	run := func(width int, args ...string) []byte {
		t.Helper()
		var out, errs bytes.Buffer
		Main(t.Context(), args, Env{In: strings.NewReader(""), Out: &out, Err: &errs, Dir: dir, Width: width, Lookup: func(name string) (string, bool) {
			return os.TempDir(), name == "HOME" || name == "XDG_CACHE_HOME"
		}})
		hunt("plumbline "+strings.Join(args, " "), append(out.Bytes(), errs.Bytes()...))
		return out.Bytes()
	}
	reports := t.TempDir()
	scan := []string{"scan", "--no-cache", "--fixes", "--undecided", "report"}
	for _, f := range report.Formats() {
		scan = append(scan, "--report", f.Name+"="+filepath.Join(reports, f.Name))
	}
	run(0, append(scan, ".")...)
	for _, f := range report.Formats() {
		text, err := os.ReadFile(filepath.Join(reports, f.Name))
		if err != nil || len(text) < 2000 {
			t.Fatalf("%s says hardly anything: %v %s", f.Name, err, text)
		}
		hunt(f.Name, text)
	}
	var whole struct {
		Findings []struct {
			ID, Rule string
			Fixes    []struct{ Edits []any }
		}
	}
	text, err := os.ReadFile(filepath.Join(reports, "json"))
	if err == nil {
		err = json.Unmarshal(text, &whole)
	}
	if err != nil || len(whole.Findings) < 60 {
		t.Fatalf("%d findings, %v", len(whole.Findings), err)
	}
	if out := run(0, "fix", "--all", "--risky", "--diff", "."); !bytes.Contains(out, []byte("+++ b/tf/main.tf")) || bytes.Contains(out, []byte("+++ b/second/main.tf")) {
		t.Errorf("no patch: %s", out)
	}
	if out := run(100, "fix", "--all", "--risky", "--diff", "."); !bytes.Contains(out, []byte("(hidden)")) {
		t.Errorf("nothing is hidden: %s", out)
	}
	run(0, "baseline", "--output", filepath.Join(reports, "baseline"), ".")
	run(0, "inventory", "--redact", ".")

	child := newHostile(t)
	child.commit(secretive())
	results, _, err := child.scan(func(q *jobs.Request) { q.Commits[0].Snapshot, q.Commits[0].Fixes = true, true })
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	text, err = json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	hunt("the child's result", text)
	patches := 0
	for _, f := range results[0].Found {
		for _, fix := range f.Proved {
			if !fix.Applies {
				continue
			}
			patches++
			child.applies(secretive(), fix.Diff)
		}
	}
	if patches < 20 {
		t.Errorf("%d patches", patches)
	}
}

// applies checks that git takes a patch.
func (h *hostile) applies(files map[string]string, patch string) {
	h.t.Helper()
	dir := h.t.TempDir()
	for line := range strings.Lines(patch) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- a/"); ok {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				h.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o600); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	git := exec.Command("git", "apply", "--check", "-")
	git.Dir, git.Stdin, git.Env = dir, strings.NewReader(patch), append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := git.CombinedOutput(); err != nil {
		h.t.Errorf("%v %s\n%s", err, out, patch)
	}
}
