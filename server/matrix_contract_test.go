package server_test

import (
	"bytes"
	"fmt"
	"mime"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract holds what operations answer against the OpenAPI document: a client that was generated from it must never be surprised.
type contract struct {
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

const documentName = "file:///openapi.json"

func newContract(t *testing.T, document []byte) *contract {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	if err := c.compiler.AddResource(documentName, doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// hold fails the test when an answer has a status, a media type or a body that the document does not know of the operation.
func (c *contract) hold(t *testing.T, op *operation, w *httptest.ResponseRecorder) {
	t.Helper()
	status := strconv.Itoa(w.Code)
	response, known := op.Responses[status]
	if !known {
		t.Errorf("%s answers %s, which the document does not know: %s", op.ID, status, w.Body)
		return
	}
	if w.Body.Len() == 0 {
		return
	}
	media, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil {
		t.Errorf("%s, %s: %v", op.ID, status, err)
		return
	}
	if _, known := response.Content[media]; !known {
		t.Errorf("%s, %s: the document does not know answers of %s", op.ID, status, media)
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1").Replace
	at := fmt.Sprintf("%s#/paths/%s/%s/responses/%s/content/%s/schema", documentName, escape(op.path), strings.ToLower(op.method), status, escape(media))
	schema := c.schemas[at]
	if schema == nil {
		if schema, err = c.compiler.Compile(at); err != nil {
			t.Fatal(err)
		}
		c.schemas[at] = schema
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Errorf("%s, %s: %v", op.ID, status, err)
		return
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s, %s: the answer is not as the document says: %v", op.ID, status, err)
	}
}
