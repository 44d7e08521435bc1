package server_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"plumbline.dev/plumbline/internal/golden"
	"plumbline.dev/plumbline/server"
)

// document is the OpenAPI document as the server gives it.
func document(t *testing.T) []byte {
	t.Helper()
	text, err := json.MarshalIndent(server.New(server.Options{}).API.OpenAPI(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// TestGeneratedDocument holds that the document from which the interface's client is made is the one that the code gives.
func TestGeneratedDocument(t *testing.T) { golden.Equal(t, "../web/openapi.json", document(t)) }

// operationID is a verb and a noun: list-findings.
var operationID = regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)

// TestDocument holds what people who write clients expect of the document, beyond its being valid.
func TestDocument(t *testing.T) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(document(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background(), openapi3.DisableExamplesValidation()); err != nil {
		t.Errorf("the document is not valid: %v", err)
	}
	tags := make(map[string]bool)
	for _, tag := range doc.Tags {
		tags[tag.Name] = tag.Description != ""
	}
	seen := make(map[string]string)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			at := method + " " + path
			if !operationID.MatchString(op.OperationID) {
				t.Errorf("%s: the id %q is not a verb and a noun", at, op.OperationID)
			}
			if other := seen[op.OperationID]; other != "" {
				t.Errorf("%s: the id %s is that of %s too", at, op.OperationID, other)
			}
			seen[op.OperationID] = at
			if op.Summary == "" || strings.HasSuffix(op.Summary, ".") {
				t.Errorf("%s: the summary %q is not a short line without a full stop", at, op.Summary)
			}
			if len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s: the tags %v are not one that api.Config describes", at, op.Tags)
			}
			if op.Extensions["x-permission"] == "" || op.Extensions["x-permission"] == nil {
				t.Errorf("%s: it does not say which permission it needs", at)
			}
			for _, p := range op.Parameters {
				if p.Value.In == "query" && p.Value.Description == "" {
					t.Errorf("%s: the parameter %s has no description", at, p.Value.Name)
				}
			}
		}
	}
	if len(seen) < 1 {
		t.Error("no operations")
	}
}
