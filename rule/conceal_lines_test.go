package rule

import (
	"strings"
	"testing"
)

// TestSpansAt hides what the lines around a line say to be secret. What is to be hidden is written as hunter2, what is to be shown as shown.
func TestSpansAt(t *testing.T) {
	for name, text := range map[string]string{
		"a weak password":         "password: hunter2",
		"names the list lacks":    "pwd: hunter2\ncredentials: \"hunter2\"\nconnectionString: 'hunter2'",
		"an escaped quote":        `password = "a\"hunter2"`,
		"a comment behind":        "password: hunter2 # shown",
		"a reference":             "password = var.shown\npassword: !Ref Shown\npassword: \"{{ shown }}\"\ntoken: ${{ secrets.SHOWN }}\npassword = file(\"shown\")\nid-token: shown",
		"an environment":          "env:\n  - name: DB_PASSWORD\n    value: hunter2\n  - name: REGION\n    value: shown",
		"with a comment between":  "env:\n  - name: DB_PASSWORD\n    # shown\n    value: hunter2",
		"the value first":         "env:\n  - value: hunter2\n    name: DB_PASSWORD\n  - value: shown\n    name: REGION",
		"an object of JSON":       "{\n  \"Value\": \"hunter2\",\n  \"Name\": \"DB_PASSWORD\"\n},\n{\n  \"Value\": \"shown\",\n  \"Name\": \"REGION\"\n}",
		"a block of HCL":          "env {\n  name = \"DB_PASSWORD\"\n  value = \"hunter2\"\n}\nenv {\n  name = \"REGION\"\n  value = \"shown\"\n}",
		"a variable":              "variable \"db_password\" {\n  type = string\n  default = \"hunter2\"\n}\nvariable \"region\" {\n  default = \"shown\"\n}",
		"a parameter":             "Parameters:\n  DBPassword:\n    Type: String\n    Default: hunter2\n  Region:\n    Default: shown",
		"a parameter of ARM":      "\"adminPassword\": {\n  \"value\": \"hunter2\"\n}",
		"Bicep":                   "param adminPassword string = 'hunter2'\nparam region string = 'shown'",
		"a text of YAML":          "password: |\n  hunter2\n  hunter2\nregion: shown",
		"a text of HCL":           "password = <<-EOF\n  hunter2\nEOF\nregion = <<EOF\nshown\nEOF",
		"a list":                  "password:\n  - hunter2\n  - hunter2",
		"Docker's old form":       "ENV DB_PASSWORD hunter2\nENV REGION shown",
		"Docker's":                "ENV DB_PASSWORD=hunter2\nENV REGION=shown DB_PASSWORD=hunter2\nARG DB_PASSWORD=hunter2",
		"compose":                 "environment:\n  - DB_PASSWORD=hunter2\n  - REGION=shown",
		"compose as mapping":      "environment:\n  DB_PASSWORD: hunter2\n  REGION: shown",
		"arguments":               "args:\n  - --password\n  - hunter2\n  - --region\n  - shown",
		"an account":              "curl -u shown:hunter2 --user \"shown:hunter2\" -u shown:$PASSWORD https://x\ndocker run -u shown:100",
		"a Secret":                "apiVersion: v1\nkind: Secret\ndata:\n  shown: hunter2\n  blob: |\n    hunter2\n---\nkind: ConfigMap\ndata:\n  shown: shown",
		"a Secret of Terraform":   "resource \"kubernetes_secret_v1\" \"shown\" {\n  data = {\n    any = \"hunter2\"\n  }\n}",
		"a Secret, its kind last": "stringData:\n  shown: hunter2\nkind: Secret",
		"a private key":           "data: |\n  -----BEGIN RSA PRIVATE " + "KEY-----\n  hunter2\n  -----END RSA PRIVATE " + "KEY-----\nshown: shown",
	} {
		got := Masked(text)
		if strings.Contains(got, "hunter2") {
			t.Errorf("%s: a secret is left:\n%s", name, got)
		}
		if want, n := strings.Count(strings.ToLower(text), "shown"), strings.Count(strings.ToLower(got), "shown"); n != want {
			t.Errorf("%s: too much is hidden:\n%s", name, got)
		}
	}
}

// TestSpansAt_bounded asks of a line far below everything that could say something about it.
func TestSpansAt_bounded(t *testing.T) {
	asked := 0
	text := func(n int) (string, bool) {
		asked++
		return "  deeper: 1", n >= 0
	}
	SpansAt(text, 1_000_000, false)
	if asked > 2*lookedBack+2*lookedKey+4*lookedAround {
		t.Errorf("%d lines were asked for", asked)
	}
}
