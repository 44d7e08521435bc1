package terragrunt

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// fiftyUnits is an estate in which fifty units run one module.
func fiftyUnits() map[string]string {
	var module strings.Builder
	for i := range 20 {
		fmt.Fprintf(&module, "variable \"v%d\" {\n  type    = string\n  default = \"x\"\n}\n\n", i)
		fmt.Fprintf(&module, "resource \"aws_s3_bucket\" \"b%d\" {\n  bucket = \"${var.name}-${var.v%d}\"\n  acl    = var.acl\n  tags   = merge(var.tags, {\n    Name = var.name\n  })\n}\n\n", i, i)
	}
	files := map[string]string{
		"modules/m/main.tf":      module.String(),
		"modules/m/variables.tf": "variable \"name\" {}\n\nvariable \"acl\" {}\n\nvariable \"tags\" {\n  type = map(string)\n}\n",
		"live/root.hcl":          estateFiles["live/root.hcl"],
		"live/env.hcl":           estateFiles["live/prod/env.hcl"],
	}
	for i := range 50 {
		files[fmt.Sprintf("live/u%d/terragrunt.hcl", i)] = fmt.Sprintf(`include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../../modules//m"
}

inputs = {
  name = "unit-%d"
  tags = {
    owner = "me"
  }
}
`, i)
	}
	return files
}

// BenchmarkUnits is to be compared with BenchmarkParse.
func BenchmarkUnits(b *testing.B) {
	files := fiftyUnits()
	for b.Loop() {
		e, _ := open(b, files, nil)
		for _, name := range e.Units() {
			e.Evaluate(context.Background(), name)
		}
	}
}

// BenchmarkOpen is what there is to do before the first unit is evaluated.
func BenchmarkOpen(b *testing.B) {
	files := fiftyUnits()
	for b.Loop() {
		open(b, files, nil)
	}
}

// BenchmarkParse parses what fifty runs of Terraform would parse: the unit and its module.
func BenchmarkParse(b *testing.B) {
	files := fiftyUnits()
	for b.Loop() {
		for name, text := range files {
			times := 1
			if strings.HasPrefix(name, "modules/") || name == "live/root.hcl" || name == "live/env.hcl" {
				times = 50
			}
			for range times {
				hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
			}
		}
	}
}

// BenchmarkParseOnce parses every file once.
func BenchmarkParseOnce(b *testing.B) {
	files := fiftyUnits()
	for b.Loop() {
		for name, text := range files {
			hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
		}
	}
}
